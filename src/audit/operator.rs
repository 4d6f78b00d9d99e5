//! Who runs an order, as the machine knows them, and by which command.
//!
//! **Invariant:** nothing of it is found out here, and nothing of it reaches a package.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use serde::ser::{Serialize, SerializeMap as _, Serializer};

use crate::ledger::escaped_path;

/// Who runs an order, as the machine knows them, and by which command.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Operator {
    /// The number of the user that the program runs as.
    pub uid: u32,
    /// That user's login name; none where this machine's file of users does not tell it.
    pub login: Option<OsString>,
    /// The login name that the environment claims, which anyone can set.
    pub claimed: Option<OsString>,
    /// The machine's name.
    pub host: Option<OsString>,
    /// The folder that the command was given in: what its paths are relative to.
    pub folder: Option<PathBuf>,
    /// The command as given, the program's name first. It may name a file with a key, and never holds one.
    pub command: Vec<OsString>,
}

impl Serialize for Operator {
    /// `uid, login, claimed, host, folder, command`; where some of it is not UTF-8 it is escaped there as a path is, and
    /// stands once more, exact, in `NAME_base64`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("uid", &self.uid)?;
        let folder = self.folder.clone().map(PathBuf::into_os_string);
        let words = [
            ("login", "login_base64", &self.login),
            ("claimed", "claimed_base64", &self.claimed),
            ("host", "host_base64", &self.host),
            ("folder", "folder_base64", &folder),
        ];
        for (name, exact_name, word) in words {
            let (text, exact) = word.as_ref().map(|word| escaped_path(word.as_bytes())).unzip();
            map.serialize_entry(name, &text)?;
            if let Some(exact) = exact.flatten() {
                map.serialize_entry(exact_name, &exact)?;
            }
        }
        let command: Vec<_> = self.command.iter().map(|word| escaped_path(word.as_bytes())).collect();
        map.serialize_entry("command", &command.iter().map(|(text, _)| text).collect::<Vec<_>>())?;
        if command.iter().any(|(_, exact)| exact.is_some()) {
            map.serialize_entry("command_base64", &command.iter().map(|(_, exact)| exact).collect::<Vec<_>>())?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    #[test]
    fn what_is_not_utf_8_is_escaped_and_stands_once_more_exact() {
        let word = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        let operator = Operator {
            uid: 1000,
            login: Some(word(b"ann")),
            claimed: None,
            host: Some(word(b"m\xff")),
            folder: Some("/home/ann".into()),
            command: vec![word(b"extract"), word(b"--order"), word(b"\xfe.toml")],
        };
        assert_eq!(
            serde_json::to_string(&operator).unwrap(),
            "{\"uid\":1000,\"login\":\"ann\",\"claimed\":null,\"host\":\"m\\\\xff\",\"host_base64\":\"bf8=\",\
             \"folder\":\"/home/ann\",\"command\":[\"extract\",\"--order\",\"\\\\xfe.toml\"],\
             \"command_base64\":[null,null,\"/i50b21s\"]}"
        );
    }
}
