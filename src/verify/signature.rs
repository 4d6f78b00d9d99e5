//! The signatures that lie beside a package: whether each is one over this very package, and whose.
//!
//! **Invariant:** the check passes only where a file names whose keys count, every signature is by one of them, and what
//! they are over fits the whole package.

use super::{Check, Verification, printable};
use crate::clock::Timestamp;
use crate::signature::{AllowedSigners, Beside};

/// A signature that is its key's own over this package.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signed {
    /// The name of its file.
    pub file: String,
    /// The kind of the key: `ssh-ed25519` and the like.
    pub kind: String,
    /// The key's fingerprint, as OpenSSH shows it.
    pub fingerprint: String,
    /// Whom the allowed signers give that key to; none where nobody said.
    pub principals: Option<String>,
}

impl Verification {
    /// Judges what lies beside the package; `first` is the name of the file where its first signature is looked for.
    pub fn judge_signatures(
        &mut self,
        first: &str,
        beside: &[Beside],
        allowed: Option<&AllowedSigners>,
        at: Timestamp,
    ) {
        // Without a structure nothing says what was signed.
        let Some(message) = self.message.clone() else { return };
        let mut objections = Vec::new();
        for Beside { name, envelope } in beside {
            let name = printable(name.as_bytes());
            let judged = envelope.as_ref().map_err(Clone::clone);
            match judged.and_then(|envelope| envelope.verify(&message).map(|()| envelope.key())) {
                Err(fault) => objections.push(format!("{name} does not count: {fault}")),
                Ok(key) => {
                    let principals = match allowed.map(|allowed| allowed.principals(key, at)).transpose() {
                        Ok(principals) => principals.map(|principals| printable(principals.as_bytes())),
                        Err(why) => {
                            let fingerprint = key.fingerprint();
                            objections
                                .push(format!("{name} is by the key {fingerprint}, and that does not count: {why}"));
                            continue;
                        }
                    };
                    let (kind, fingerprint) = (key.kind().to_owned(), key.fingerprint());
                    self.signed.push(Signed { file: name, kind, fingerprint, principals });
                }
            }
        }
        if beside.is_empty() && allowed.is_some() {
            let first = printable(first.as_bytes());
            objections.push(format!("it is not signed: no signature lies beside it as {first}"));
        }
        self.close_beside(Check::Signature, objections, allowed.is_some());
    }
}
