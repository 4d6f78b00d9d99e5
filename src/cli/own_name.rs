//! What this machine and who uses it are called: the leak check looks for it in a finished package.
//!
//! **Invariant:** what is gathered here is compared with and never shown.

use std::path::Path;

use super::operator;
use crate::package::OwnNames;

/// The names and the paths that this process knows of, and those of the files that it was given.
pub(super) fn gather(given: &[&Path]) -> OwnNames {
    let mut own = OwnNames::default();
    let system = rustix::system::uname();
    let variable = |name: &str| std::env::var(name).ok();
    let hosts = [system.nodename().to_str().ok().map(str::to_owned), variable("HOSTNAME")];
    hosts.into_iter().flatten().for_each(|host| own.add_host(&host));
    ["USER", "LOGNAME", "SUDO_USER"].into_iter().filter_map(variable).for_each(|login| own.add_login(&login));
    if let Some(account) = operator::account() {
        own.add_login(&account.login.to_string_lossy());
        own.add_path(&account.home);
    }
    if let Some(home) = variable("HOME") {
        own.add_path(Path::new(&home));
    }
    own.add_path(&std::env::temp_dir());
    if let Ok(folder) = std::env::current_dir() {
        own.add_path(&folder);
    }
    for path in given {
        own.add_path(path);
        // What is not there has no other name.
        if let Ok(whole) = path.canonicalize() {
            own.add_path(&whole);
            whole.parent().into_iter().for_each(|folder| own.add_path(folder));
        }
    }
    own
}
