//! What the machine that makes a package, and who uses it, are called.
//!
//! They are gathered outside (the library reads no environment) and searched for where a package has words of its own:
//! in the custodian's name, in the reports, and at the start of the paths of exhibits. What is short, or a number, or a
//! word of plain letters means little: `data`, `officer`, `mail` are logins somewhere. The rules:
//!
//! - Of one or two letters, or digits alone: never searched for; `localhost` neither.
//! - Of letters alone: only where it stands alone (a custodian called `alice`, not one called `Alice of the law desk`).
//! - With a digit, a full stop, a hyphen or the like (`mail01`, `web.example.org`): wherever it stands as a whole word.
//! - A path of one part (`/tmp`, `/root`): never; a longer one wherever it stands whole, or with something below it.
//!
//! **Invariant:** nothing here is ever written anywhere.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};

use memchr::memmem;

/// The names and paths of this machine and its user.
#[derive(Clone, Default)]
pub struct OwnNames {
    /// Hosts and logins, in ASCII lower case.
    words: Vec<Vec<u8>>,
    /// Folders and files.
    paths: Vec<Vec<u8>>,
    /// Where the sources are.
    sources: Vec<Vec<u8>>,
}

/// It says how many there are, for what they are is nobody's concern.
impl std::fmt::Debug for OwnNames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts = (self.words.len(), self.paths.len(), self.sources.len());
        f.debug_tuple("OwnNames").field(&counts).finish()
    }
}

impl OwnNames {
    /// Adds the name of this machine, and its first label.
    pub fn add_host(&mut self, name: &str) {
        self.add_word(name.trim_end_matches('.'));
        self.add_word(name.split('.').next().unwrap_or_default());
    }

    /// Adds the name under which its user is known to it.
    pub fn add_login(&mut self, name: &str) {
        self.add_word(name);
    }

    /// Adds a folder or a file of this machine. What is not of two parts at least is not added.
    pub fn add_path(&mut self, path: &Path) {
        self.paths.extend(searched(path));
    }

    /// Adds the place of a source.
    pub fn add_source(&mut self, path: &Path) {
        self.sources.extend(searched(path));
        self.add_path(path);
    }

    fn add_word(&mut self, name: &str) {
        let word = name.to_ascii_lowercase().into_bytes();
        let means_something = word.len() > 2 && word != b"localhost" && !word.iter().all(u8::is_ascii_digit);
        if means_something && !self.words.contains(&word) {
            self.words.push(word);
        }
    }

    /// That name of a custodian is, or holds, one of them.
    pub fn are_in_custodian(&self, custodian: &str) -> bool {
        let name = custodian.trim().to_ascii_lowercase().into_bytes();
        self.words.contains(&name) || self.are_in(custodian.as_bytes())
    }

    /// One of them stands in that text, where it cannot be a word by chance.
    pub fn are_in(&self, text: &[u8]) -> bool {
        !self.found_in(text).is_empty()
    }

    /// Those that stand in that text, where they cannot be words by chance.
    pub(super) fn found_in(&self, text: &[u8]) -> Vec<&[u8]> {
        let lower = text.to_ascii_lowercase();
        let words = self.words.iter().filter(|word| !word.iter().all(u8::is_ascii_alphabetic));
        let words = words.filter(|word| stands_whole(&lower, word, false));
        let paths = self.paths.iter().filter(|path| stands_whole(text, path, true));
        words.chain(paths).map(Vec::as_slice).collect()
    }

    /// The place of a source on this machine with which a path on a server begins: a reader has put the one before the
    /// other.
    pub(super) fn beginning_of(&self, server_path: &[u8]) -> Option<&[u8]> {
        let begins = |source: &&Vec<u8>| {
            let rest = server_path.strip_prefix(source.as_slice());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        };
        self.sources.iter().find(begins).map(Vec::as_slice)
    }
}

/// The path without slashes at its end; none where it is too short to mean anything.
fn searched(path: &Path) -> Option<Vec<u8>> {
    let parts = path.components().filter(|part| matches!(part, Component::Normal(_))).count();
    let bytes = path.as_os_str().as_bytes();
    let length = bytes.iter().rposition(|&byte| byte != b'/')?.saturating_add(1);
    (parts > 1).then(|| bytes.get(..length).map(<[u8]>::to_vec))?
}

/// `name` stands in `text` with nothing against it that would make it a part of a longer name.
fn stands_whole(text: &[u8], name: &[u8], is_path: bool) -> bool {
    memmem::find_iter(text, name).any(|at| {
        let before = at.checked_sub(1).and_then(|place| text.get(place));
        let behind = text.get(at.saturating_add(name.len())..).unwrap_or_default();
        // `web01.` and `web01.example.org` both name the machine; a mail address at it does too.
        let is_free = |byte: &u8| !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-') || *byte >= 0x80);
        let is_free_before = before.is_none_or(|byte| is_free(byte) && !(is_path && *byte == b'/'));
        is_free_before && behind.first().is_none_or(is_free)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> OwnNames {
        let mut own = OwnNames::default();
        own.add_host("Evid01.lab.example.");
        own.add_host("vm");
        own.add_host("localhost");
        own.add_login("alice");
        own.add_login("x.carter");
        own.add_login("1000");
        own.add_path(Path::new("/tmp"));
        own.add_path(Path::new("/home/alice/"));
        own.add_source(Path::new("/srv/evidence/mail01"));
        own.add_source(Path::new("/mnt"));
        own
    }

    #[test]
    fn a_name_is_found_where_it_stands_whole_and_cannot_be_a_word_by_chance() {
        let cases = [
            ("made on evid01", true),
            ("made on EVID01.LAB.EXAMPLE.", true),
            ("root@evid01.lab.example", true),
            ("http://evid01/x", true),
            ("evid011, aevid01, evid01-b", false),
            ("x.carter", true),
            ("ax.carter", false),
            ("alice", false),
            ("vm 1000 localhost", false),
            ("/home/alice/orders", true),
            ("see /home/alice.", true),
            ("/home/alicea", false),
            ("/srv/home/alice", false),
            ("/tmp/x", false),
            ("file:/srv/evidence/mail01/a", true),
        ];
        for (text, expected) in cases {
            assert_eq!(own().are_in(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_custodian_is_not_called_as_the_machine_or_its_login() {
        for name in ["alice", " Alice ", "evid01", "Officer 7 (x.carter)", "alice@evid01.lab.example", "EVID01"] {
            assert!(own().are_in_custodian(name), "{name}");
        }
        for name in ["Duty officer 7", "Alice Carter", "alice@shop.example", "Officer 1000", "vm"] {
            assert!(!own().are_in_custodian(name), "{name}");
        }
    }

    #[test]
    fn a_path_on_the_server_does_not_begin_with_the_place_of_a_source_here() {
        assert!(own().beginning_of(b"/srv/evidence/mail01/var/mail/alice").is_some());
        assert!(own().beginning_of(b"/srv/evidence/mail01").is_some());
        assert!(own().beginning_of(b"/srv/evidence/mail012/x").is_none());
        assert!(own().beginning_of(b"/srv/evidence").is_none());
        assert!(own().beginning_of(b"/mnt/x").is_none());
        assert_eq!(format!("{:?}", own()), "OwnNames((4, 2, 1))");
    }
}
