//! The time-stamps that lie beside a package: whether each is one over this very package, when it was made, and by whom.
//!
//! **Invariant:** the check passes only where a file names the authorities that count, every stamp leads to one of them, and
//! what they are over fits the whole package.

use super::{Check, Verification, printable};
use crate::clock::Timestamp;
use crate::time_stamp::{Accuracy, Authorities, Beside, TimeStamp};

/// A time-stamp over this package, rightly signed with the certificate in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stamped {
    /// The name of its file.
    pub file: String,
    /// When the package existed at the latest, as the authority says.
    pub time: Timestamp,
    /// How far that time may be from the true one, where it says so.
    pub accuracy: Option<Accuracy>,
    /// Whose certificate it is signed with.
    pub authority: String,
    /// The number that the authority gave it, in hexadecimal digits.
    pub serial: String,
    /// The named authority that its certificate leads to; none where it leads to none, or nobody named any.
    pub root: Option<String>,
}

impl Stamped {
    /// What is said of a stamp in the file of that name.
    pub fn of(file: String, stamp: &TimeStamp, root: Option<String>) -> Self {
        Self {
            file,
            time: stamp.time(),
            accuracy: stamp.accuracy(),
            authority: printable(stamp.authority().as_bytes()),
            serial: stamp.serial(),
            root: root.map(|root| printable(root.as_bytes())),
        }
    }
}

impl Verification {
    /// Judges what lies beside the package; `first` is the name of the file where its first stamp is looked for.
    pub fn judge_time_stamps(&mut self, first: &str, beside: &[Beside], authorities: Option<&Authorities>) {
        // Without a structure nothing says what was stamped.
        let Some(message) = self.message.clone() else { return };
        let mut objections = Vec::new();
        for Beside { name, stamp } in beside {
            let name = printable(name.as_bytes());
            let judged = stamp.as_ref().map_err(Clone::clone);
            let stamp = match judged.and_then(|stamp| stamp.covers(&message).map(|()| stamp)) {
                Ok(stamp) => stamp,
                Err(fault) => {
                    objections.push(format!("{name} does not count: {fault}"));
                    continue;
                }
            };
            let root = match authorities.map(|authorities| stamp.leads_to(authorities)).transpose() {
                Ok(root) => root,
                Err(fault) => {
                    objections.push(format!("{name} does not count: {fault}"));
                    None
                }
            };
            self.stamped.push(Stamped::of(name, stamp, root));
        }
        if beside.is_empty() && authorities.is_some() {
            let first = printable(first.as_bytes());
            objections.push(format!("it has no time-stamp: none lies beside it as {first}"));
        }
        self.close_beside(Check::TimeStamp, objections, authorities.is_some());
    }
}
