//! Private keys: to sign with, or to open an encrypted package with; a passphrase is asked for at the terminal.
//!
//! **Invariant:** no key and no passphrase is shown, but the name of its file.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::say;
use crate::signature::{Agent, AgentError, KeyError, KeyFile, LockedKey, PrivateKey, Signer};

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

/// The signer of a key file, asking for its passphrase where it has one; none, after the reason was said.
pub(super) fn signer(key: &Path, err: &mut dyn Write) -> Option<Signer> {
    match signer_of(key) {
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

fn signer_of(path: &Path) -> Result<Signer, KeyFailure> {
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
