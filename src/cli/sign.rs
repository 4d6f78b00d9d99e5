//! `extract sign PACKAGE --key KEY`, and signing at the end of a run.
//!
//! **Invariant:** only a package that passes every check is signed; a signature is a new file beside it.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::verify::{self as check, NotGood};
use super::{COMPLETE, INVALID, REFUSED, identity, key, say};
use crate::delivery::Opened;
use crate::signature::{SignError, Signer, beside};

/// The package stays without a signature.
#[derive(Debug, thiserror::Error)]
pub(super) enum SignFailure {
    #[error("{0}")]
    Unreadable(String),
    #[error("it does not pass its checks, so it is not signed: see extract verify ({0})")]
    Objections(String),
    #[error("{0} lies beside it and is no signature of it ({1}): move that away first")]
    Stranger(String, String),
    #[error("this key has signed it already: {0}")]
    Again(String),
    #[error("{0}")]
    Sign(#[from] SignError),
    #[error("the signature could not be written: {0}")]
    Write(io::Error),
}

/// Signs a package; the exit code.
pub(super) fn run(package: &Path, file: &Path, identities: &[PathBuf], out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let Some(signer) = key::signer(file, err) else { return INVALID };
    let Some(identities) = identity::identities(identities, err) else { return INVALID };
    let opened = identity::package(package, &identities).map_err(SignFailure::Unreadable);
    match opened.and_then(|opened| sign(package, opened, &signer)) {
        Ok(path) => {
            say(out, format_args!("{}\n", signed(&path, &signer)));
            COMPLETE
        }
        Err(error) => {
            say(err, format_args!("error: {}: {error}\n", package.display()));
            REFUSED
        }
    }
}

/// What is said of a signature that was made.
pub(super) fn signed(path: &Path, signer: &Signer) -> String {
    format!("signed: {}, with the key {}", path.display(), signer.key().fingerprint())
}

/// Signs a package, which is open, if it passes its checks; where the signature lies.
pub(super) fn sign(package: &Path, opened: Opened<File>, signer: &Signer) -> Result<PathBuf, SignFailure> {
    let message = check::good(opened).map_err(|error| match error {
        NotGood::Unreadable(words) => SignFailure::Unreadable(words),
        NotGood::Objections(first) => SignFailure::Objections(first),
    })?;
    for other in beside::all(package) {
        match other.envelope.and_then(|envelope| envelope.verify(&message).map(|()| envelope)) {
            Err(fault) => return Err(SignFailure::Stranger(other.name, fault.to_string())),
            Ok(envelope) if envelope.key() == signer.key() => return Err(SignFailure::Again(other.name)),
            Ok(_) => {}
        }
    }
    let envelope = signer.sign(&message)?;
    beside::write(package, &envelope).map_err(SignFailure::Write)
}
