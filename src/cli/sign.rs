//! `extract sign PACKAGE --key KEY`, and signing at the end of a run.
//!
//! **Invariant:** only a package that passes every check is signed; a signature is a new file beside it.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{COMPLETE, INVALID, REFUSED, identity, say};
use crate::delivery::Opened;
use crate::signature::{Agent, AgentError, KeyError, KeyFile, LockedKey, PrivateKey, SignError, Signer, beside};
use crate::verify;

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

/// The key cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeyFailure {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Agent(#[from] AgentError),
    #[error("the key has a passphrase, and there is no terminal to ask for it at ({0})")]
    NoTerminal(io::Error),
    #[error("this is a public key, and SSH_AUTH_SOCK names no ssh-agent that could sign with its private one")]
    NoAgent,
}

/// Signs a package; the exit code.
pub(super) fn run(package: &Path, key: &Path, identities: &[PathBuf], out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let Some(signer) = prepared(key, err) else { return INVALID };
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

/// The signer of a key file, asking for its passphrase where it has one; none, after the reason was said.
pub(super) fn prepared(key: &Path, err: &mut dyn Write) -> Option<Signer> {
    match signer(key) {
        Ok(signer) => Some(signer),
        Err(error) => {
            say(err, format_args!("error: {}: {error}\n", key.display()));
            if let Some(hint) = hint(&error) {
                say(err, format_args!("hint: {hint}\n"));
            }
            None
        }
    }
}

fn signer(path: &Path) -> Result<Signer, KeyFailure> {
    match KeyFile::read(path)? {
        KeyFile::Private(key) => Ok(Signer::Key(key)),
        KeyFile::Locked(key) => Ok(Signer::Key(Box::new(unlocked(path, &key)?))),
        KeyFile::Public(key) => {
            let socket = std::env::var_os("SSH_AUTH_SOCK").filter(|socket| !socket.is_empty());
            let socket = PathBuf::from(socket.ok_or(KeyFailure::NoAgent)?);
            Ok(Signer::Agent(Agent::with_key(&socket, *key)?))
        }
    }
}

/// Opens a key by its passphrase, which is asked for.
pub(super) fn unlocked(path: &Path, key: &LockedKey) -> Result<PrivateKey, KeyFailure> {
    let prompt = format!("Passphrase of {}: ", path.display());
    let passphrase = Zeroizing::new(rpassword::prompt_password(prompt).map_err(KeyFailure::NoTerminal)?);
    Ok(key.open(&passphrase)?)
}

/// How to go on.
fn hint(failure: &KeyFailure) -> Option<&'static str> {
    match failure {
        KeyFailure::NoTerminal(_) => {
            Some("load the key into ssh-agent (ssh-add KEY) and name its public key instead (KEY.pub)")
        }
        KeyFailure::NoAgent => {
            Some("start one (eval \"$(ssh-agent)\"), load the key (ssh-add KEY), or name the private key")
        }
        KeyFailure::Agent(AgentError::NoSuchKey(_)) => Some("load it: ssh-add KEY"),
        KeyFailure::Agent(_) => Some("ssh-add -l says whether ssh-agent runs, and what it holds"),
        KeyFailure::Key(KeyError::OtherFormat) => Some("ssh-keygen -p -f KEY writes it anew in OpenSSH's format"),
        KeyFailure::Key(KeyError::Hardware) => {
            Some("load it into ssh-agent (ssh-add KEY) and name its public key (KEY.pub)")
        }
        KeyFailure::Key(KeyError::NotAKey) => Some("ssh-keygen -t ed25519 -f KEY makes one"),
        KeyFailure::Key(_) => None,
    }
}

/// Signs a package, which is open, if it passes its checks; where the signature lies.
pub(super) fn sign(package: &Path, opened: Opened<File>, signer: &Signer) -> Result<PathBuf, SignFailure> {
    let verification = verify::verify(opened).map_err(|error| SignFailure::Unreadable(error.to_string()))?;
    let message = match (verification.findings.first(), verification.message) {
        (None, Some(message)) => message,
        (finding, _) => {
            let first =
                finding.map_or_else(String::new, |finding| format!("{}: {}", finding.check.name(), finding.text));
            return Err(SignFailure::Objections(first));
        }
    };
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
