//! `--recipient` and `--identity`: whom a package is encrypted to, and what opens one.
//!
//! **Invariant:** no key is shown, but the number of its argument or the name of its file.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::file::open;
use super::key::{self, KeyFailure};
use super::say;
use crate::delivery::{Identities, IdentityError, OpenError, Opened, OwnKey, RecipientError, Recipients};
use crate::limits;
use crate::signature::{KeyError, KeyFile};

/// An identity cannot be used.
#[derive(Debug, thiserror::Error)]
enum IdentityFailure {
    #[error("{0}")]
    File(String),
    #[error("a file of identities is a text of at most {limit} bytes", limit = limits::RECIPIENT_FILE_BYTES)]
    NotAFile,
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Key(#[from] KeyFailure),
}

/// The recipients of a run, where there are any; nothing, after the reason was said.
pub(super) fn recipients(given: &[OsString], err: &mut dyn Write) -> Option<Option<Recipients>> {
    let mut all: Option<Recipients> = None;
    for (place, argument) in given.iter().enumerate() {
        let one = Recipients::of(argument);
        let joined = one.and_then(|one| match all.take() {
            Some(before) => before.and(one),
            None => Ok(one),
        });
        match joined {
            Ok(joined) => all = Some(joined),
            Err(error) => {
                let which = match error {
                    RecipientError::Key(_) | RecipientError::TooMany => format!("--recipient, number {}", place + 1),
                    _ => Path::new(argument).display().to_string(),
                };
                say(err, format_args!("error: {which}: {error}\n"));
                return None;
            }
        }
    }
    Some(all)
}

/// The identities of these files; nothing, after the reason was said.
pub(super) fn identities(files: &[PathBuf], err: &mut dyn Write) -> Option<Identities> {
    let mut identities = Identities::none();
    for file in files {
        if let Err(error) = add(file, &mut identities) {
            say(err, format_args!("error: {}: {error}\n", file.display()));
            if let IdentityFailure::Key(failure) = &error
                && let Some(hint) = hint(failure)
            {
                say(err, format_args!("hint: {hint}\n"));
            }
            return None;
        }
    }
    Some(identities)
}

fn add(path: &Path, identities: &mut Identities) -> Result<(), IdentityFailure> {
    let file = open(path).map_err(IdentityFailure::File)?;
    // No secret is left behind in memory by a text that grows.
    let mut bytes = Zeroizing::new(Vec::new());
    let most = limits::RECIPIENT_FILE_BYTES;
    let size = file.metadata().map_or(most, |metadata| metadata.len()).min(most);
    bytes.reserve_exact(usize::try_from(size).unwrap_or_default().saturating_add(1));
    file.take(most + 1).read_to_end(&mut bytes).map_err(|error| IdentityFailure::File(error.to_string()))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| IdentityFailure::NotAFile)?;
    if bytes.len() as u64 > most {
        return Err(IdentityFailure::NotAFile);
    }
    if !text.contains("PRIVATE KEY-----") {
        return Ok(identities.add_lines(text)?);
    }
    let key = match KeyFile::read(path).map_err(KeyFailure::from)? {
        KeyFile::Private(key) => key,
        KeyFile::Locked(locked) => Box::new(key::unlocked(path, &locked)?),
        KeyFile::Public(_) => return Err(IdentityError::Public.into()),
    };
    Ok(identities.add_openssh(&key.openssh().map_err(KeyFailure::from)?)?)
}

/// How to go on where ssh-agent cannot help: it signs, and does not decrypt.
fn hint(failure: &KeyFailure) -> Option<&'static str> {
    match failure {
        KeyFailure::NoTerminal(_) => Some("run it on a terminal, or open the package with age -d, which asks too"),
        KeyFailure::Key(KeyError::OtherFormat) => Some("ssh-keygen -p -f KEY writes it anew in OpenSSH's format"),
        _ => None,
    }
}

/// Opens a package; what is said where it cannot be opened.
pub(super) fn package(path: &Path, identities: &Identities) -> Result<Opened<File>, String> {
    package_of(open(path)?, identities)
}

/// The same of a file that is open.
pub(super) fn package_of(file: File, identities: &Identities) -> Result<Opened<File>, String> {
    Opened::open(file, identities).map_err(|error| {
        let hint = match error {
            OpenError::NoIdentity => "\nhint: name the private key with --identity FILE: one of age-keygen, or of SSH",
            OpenError::OtherIdentity => "\nhint: --identity may be given several times, once for each private key",
            OpenError::Armored | OpenError::Passphrase => {
                "\nhint: age -d -o PACKAGE.tar opens it, and the tar can be verified"
            }
            _ => "",
        };
        format!("{error}{hint}")
    })
}

/// Opens a package that was written by this run.
pub(super) fn own_package(path: &Path, key: Option<&OwnKey>) -> Result<Opened<File>, String> {
    let file = open(path)?;
    let Some(key) = key else { return Ok(Opened::Plain(file)) };
    let opened = crate::delivery::Decrypting::own(file, key).map_err(|error| error.to_string())?;
    Ok(Opened::Encrypted(Box::new(opened)))
}
