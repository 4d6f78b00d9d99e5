//! Who runs the command, as the machine knows them: for the provider's own audit.
//!
//! **Invariant:** what anyone can set, the environment, is told apart from what the machine itself says.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use crate::audit::Operator;

/// Where this machine keeps its users (passwd(5)).
const USERS: &str = "/etc/passwd";

/// Who runs this process, and by which command.
pub(super) fn operator() -> Operator {
    let uid = rustix::process::getuid().as_raw();
    let host = rustix::system::uname().nodename().to_bytes().to_vec();
    Operator {
        uid,
        login: std::fs::read(USERS).ok().and_then(|users| login(&users, uid)),
        claimed: std::env::var_os("LOGNAME").or_else(|| std::env::var_os("USER")),
        host: (!host.is_empty()).then(|| OsString::from_vec(host)),
        folder: std::env::current_dir().ok(),
        command: std::env::args_os().collect(),
    }
}

/// The first name that a file of users has for that number. Users that a directory service knows are not in it.
fn login(users: &[u8], uid: u32) -> Option<OsString> {
    let number = uid.to_string();
    users.split(|&byte| byte == b'\n').find_map(|line| {
        let mut fields = line.split(|&byte| byte == b':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)? == number.as_bytes()).then(|| OsString::from_vec(name.to_vec()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number_and_a_damaged_line_is_passed_over() {
        let users =
            b"root:x:0:0:root:/root:/bin/bash\n\n:x:7:\nnobody\nann:x:1000:1000::/home/ann:/bin/sh\nann2:x:1000:\n";
        assert_eq!(login(users, 1000), Some("ann".into()));
        assert_eq!(login(users, 0), Some("root".into()));
        for uid in [7, 1, 100, 65_534] {
            assert_eq!(login(users, uid), None, "{uid}");
        }
    }
}
