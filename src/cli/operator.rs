//! Who runs the command, as the machine knows them: for the provider's own audit.
//!
//! **Invariant:** what anyone can set, the environment, is told apart from what the machine itself says.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use crate::audit::Operator;

/// Where this machine keeps its users (passwd(5)).
const USERS: &str = "/etc/passwd";

/// Who runs this process, and by which command.
pub(super) fn operator() -> Operator {
    let host = rustix::system::uname().nodename().to_bytes().to_vec();
    Operator {
        uid: rustix::process::getuid().as_raw(),
        login: account().map(|account| account.login),
        claimed: std::env::var_os("LOGNAME").or_else(|| std::env::var_os("USER")),
        host: (!host.is_empty()).then(|| OsString::from_vec(host)),
        folder: std::env::current_dir().ok(),
        command: std::env::args_os().collect(),
    }
}

/// A user of this machine.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Account {
    /// The name.
    pub login: OsString,
    /// The home folder.
    pub home: PathBuf,
}

/// The account of this process's user, as the machine's own list has it.
pub(super) fn account() -> Option<Account> {
    std::fs::read(USERS).ok().and_then(|users| account_of(&users, rustix::process::getuid().as_raw()))
}

/// The first account that a file of users has for that number. Users that a directory service knows are not in it.
fn account_of(users: &[u8], uid: u32) -> Option<Account> {
    let number = uid.to_string();
    users.split(|&byte| byte == b'\n').find_map(|line| {
        let fields: Vec<&[u8]> = line.split(|&byte| byte == b':').collect();
        let &[login, _, id, _, _, home, ..] = fields.as_slice() else { return None };
        let text = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        let is_own = id == number.as_bytes() && !login.is_empty();
        is_own.then(|| Account { login: text(login), home: text(home).into() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number_and_a_damaged_line_is_passed_over() {
        let users =
            b"root:x:0:0:root:/root:/bin/bash\n\n:x:7:\nnobody\nann:x:1000:1000::/home/ann:/bin/sh\nann2:x:1000:1000::/home/ann2:/bin/sh\n";
        for (uid, login, home) in [(1000, "ann", "/home/ann"), (0, "root", "/root")] {
            assert_eq!(account_of(users, uid), Some(Account { login: login.into(), home: home.into() }));
        }
        for uid in [7, 1, 100, 65_534] {
            assert_eq!(account_of(users, uid), None, "{uid}");
        }
    }
}
