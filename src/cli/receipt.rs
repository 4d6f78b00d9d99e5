//! `extract receipt PACKAGE`: the text that a recipient signs back, and whether one that came back is for this package.
//!
//! **Invariant:** only a package that passes every check gets a receipt; a receipt is a new file, and the package stays as it is.

use std::fs::Metadata;
use std::io::{self, Read, Seek as _, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::argument::ReceiptArguments;
use super::file::open;
use super::verify::{allowed_signers, judge};
use super::{COMPLETE, INVALID, REFUSED, file, identity, key, say, sign};
use crate::beside;
use crate::clock;
use crate::delivery::{Identities, Opened};
use crate::digest::Hasher;
use crate::limits;
use crate::receipt::{self, Bytes, Facts, RECEIPTS, Receipt, ReceiptError};
use crate::signature::{AllowedSigners, Envelope, Fault, Message, RECEIPT_NAMESPACE, Signer};
use crate::verify;

/// Writes a receipt, or checks one; the exit code: 0 written, or it is for this package and counts; 1 refused; 2 usage.
pub(super) fn run(arguments: &ReceiptArguments, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let allowed = match arguments.allowed_signers.as_deref().map(allowed_signers).transpose() {
        Ok(allowed) => allowed,
        Err(error) => return fail(err, INVALID, arguments.allowed_signers.as_deref(), &error),
    };
    match &arguments.check {
        Some(receipt) => check(&arguments.package, receipt, allowed.as_ref(), out, err),
        None => make(arguments, allowed.as_ref(), out, err),
    }
}

fn fail(err: &mut dyn Write, code: u8, path: Option<&Path>, error: &dyn std::fmt::Display) -> u8 {
    match path {
        Some(path) => say(err, format_args!("error: {}: {error}\n", path.display())),
        None => say(err, format_args!("error: {error}\n")),
    }
    code
}

fn make(
    arguments: &ReceiptArguments,
    allowed: Option<&AllowedSigners>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    let package = arguments.package.as_path();
    let Some(identities) = identity::identities(&arguments.identities, err) else { return INVALID };
    let signer = match arguments.sign.as_deref().map(|key| key::signer(key, err)) {
        Some(None) => return INVALID,
        Some(signer) => signer,
        None => None,
    };
    let recipient = arguments.recipient_name.as_deref().unwrap_or_default();
    let text = match checked(package, &identities, recipient, allowed) {
        Ok(text) => text,
        Err(Failure::Receipt(error @ ReceiptError::Name)) => return fail(err, INVALID, None, &error),
        Err(error) => return fail(err, REFUSED, Some(package), &error),
    };
    match write(package, arguments.output.as_deref(), &text, signer.as_ref()) {
        Ok((path, signature)) => {
            say(out, format_args!("{text}\nwritten: {}\n", path.display()));
            match (signature, signer) {
                (Some(signature), Some(signer)) => say(out, format_args!("{}\n", sign::signed(&signature, &signer))),
                _ => say(
                    out,
                    format_args!("sign it: ssh-keygen -Y sign -n {RECEIPT_NAMESPACE} -f KEY {}\n", path.display()),
                ),
            }
            COMPLETE
        }
        Err(error) => fail(err, REFUSED, None, &error),
    }
}

/// There is no receipt.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Unreadable(String),
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("it changed while it was read")]
    Changed,
}

/// Verifies the package and takes its digests, out of one file that does not change meanwhile.
fn checked(
    package: &Path,
    identities: &Identities,
    recipient: &str,
    allowed: Option<&AllowedSigners>,
) -> Result<String, Failure> {
    let mut raw = open(package).map_err(Failure::Unreadable)?;
    let before = state(&raw.metadata()?);
    let mut opened = identity::package_of(raw.try_clone()?, identities).map_err(Failure::Unreadable)?;
    let mut verification = verify::verify(&mut opened).map_err(|error| Failure::Unreadable(error.to_string()))?;
    judge(&mut verification, package, (allowed, None));
    opened.rewind()?;
    let tar = bytes_of(&mut opened)?;
    let file = match opened {
        Opened::Plain(_) => tar,
        Opened::Encrypted(_) => {
            raw.rewind()?;
            bytes_of(&mut raw)?
        }
    };
    if state(&raw.metadata()?) != before {
        return Err(Failure::Changed);
    }
    Ok(receipt::text(&verification, &Facts { tar, file, recipient, checked: clock::now() })?)
}

/// What changes when a file is written to.
fn state(metadata: &Metadata) -> [i64; 5] {
    let length = i64::try_from(metadata.len()).unwrap_or(i64::MAX);
    [length, metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()]
}

fn bytes_of(file: &mut impl Read) -> io::Result<Bytes> {
    let (mut hasher, mut bytes) = (Hasher::new(), 0u64);
    let mut buffer = vec![0; limits::CHUNK_BYTES];
    loop {
        let count = match file.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        let Some(chunk) = buffer.get(..count).filter(|chunk| !chunk.is_empty()) else { break };
        hasher.update(chunk);
        bytes = bytes.saturating_add(count as u64);
    }
    Ok(Bytes { sha256: hasher.finish(), bytes })
}

/// Writes the receipt under the first free name, or the one that is given, and its signature beside it.
fn write(
    package: &Path,
    output: Option<&Path>,
    text: &str,
    signer: Option<&Signer>,
) -> Result<(PathBuf, Option<PathBuf>), String> {
    // Signed first: an agent that refuses leaves no receipt behind.
    let message = Message::of(text.as_bytes()).map_err(|error| error.to_string())?;
    let signature = signer.map(|signer| signer.sign_for(RECEIPT_NAMESPACE, &message)).transpose();
    let signature = signature.map_err(|error| format!("no receipt was written: {error}"))?;
    let is_free =
        |path: &Path| matches!(path.symlink_metadata(), Err(error) if error.kind() == io::ErrorKind::NotFound);
    let path = match output {
        Some(path) if is_free(path) && is_free(&signature_of(path)) => path.to_owned(),
        Some(path) => return Err(format!("{} or its signature exists, and no file is overwritten", path.display())),
        None => {
            let mut numbered = (1..=limits::RECEIPTS).map(|number| RECEIPTS.path(package, number));
            let free = numbered.find(|path| is_free(path) && is_free(&signature_of(path)));
            free.ok_or_else(|| format!("{} receipts lie beside it, and there can be no more", limits::RECEIPTS))?
        }
    };
    let failed = |error| format!("{} could not be written: {error}", path.display());
    beside::write_new(&path, text.as_bytes()).map_err(failed)?;
    let Some(signature) = signature else { return Ok((path, None)) };
    let path_of_signature = signature_of(&path);
    match beside::write_new(&path_of_signature, signature.armored().as_bytes()) {
        Ok(()) => Ok((path, Some(path_of_signature))),
        Err(error) => Err(format!("{} is written, and it is NOT SIGNED: {error}", path.display())),
    }
}

/// Where `ssh-keygen -Y sign` lays the signature of a file.
fn signature_of(path: &Path) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(".sig");
    path.into()
}

/// Says whether a receipt is for this package, and who signed it.
fn check(
    package: &Path,
    path: &Path,
    allowed: Option<&AllowedSigners>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    let read = file::bytes(path, limits::RECEIPT_BYTES).and_then(|bytes| {
        let text = std::str::from_utf8(&bytes).map_err(|_| "it is no receipt: it is not text".to_owned())?;
        Receipt::read(text).map(|receipt| (receipt, bytes.clone())).map_err(|error| error.to_string())
    });
    let (receipt, bytes) = match read {
        Ok(read) => read,
        Err(error) => return fail(err, REFUSED, Some(path), &error),
    };
    let found = match open(package).and_then(|mut file| bytes_of(&mut file).map_err(|error| error.to_string())) {
        Ok(found) => found,
        Err(error) => return fail(err, REFUSED, Some(package), &error),
    };
    let Receipt { order, digest, recipient, checked, .. } = &receipt;
    say(
        out,
        format_args!(
            "Receipt for the order {order}\n  digest     {digest}\n  recipient  {recipient}\n  checked    {checked}\n"
        ),
    );
    for (name, state) in receipt.checks.iter().filter(|(_, state)| state != "passed") {
        say(out, format_args!("  {name}: {state}\n"));
    }
    let is_for = receipt.is_for(found);
    let words =
        if is_for { "it is for this very file" } else { "it is NOT for this file: the SHA-256 or the size differs" };
    say(out, format_args!("{}: {words}\n", package.display()));
    let signature = signed(path, &bytes, allowed);
    match &signature {
        Ok(who) => say(out, format_args!("{who}\n")),
        Err(why) => say(out, format_args!("{why}\n")),
    }
    match (is_for, signature) {
        (true, Ok(_)) => COMPLETE,
        _ => REFUSED,
    }
}

/// By whom a receipt is signed; why that does not count.
fn signed(path: &Path, receipt: &[u8], allowed: Option<&AllowedSigners>) -> Result<String, String> {
    let path = signature_of(path);
    let name = path.display();
    if matches!(path.symlink_metadata(), Err(error) if error.kind() == io::ErrorKind::NotFound) {
        let words = format!("NOT SIGNED: no signature lies beside it as {name}");
        return if allowed.is_some() { Err(words) } else { Ok(words) };
    }
    let text = file::bytes(&path, limits::SIGNATURE_BYTES).map_err(|error| format!("{name}: {error}"))?;
    let message = Message::of(receipt).map_err(|error| error.to_string())?;
    let read = Envelope::read_for(RECEIPT_NAMESPACE, &text);
    let envelope =
        read.and_then(|envelope| envelope.verify(&message).map(|()| envelope)).map_err(|fault| match fault {
            Fault::Wrong(key) => {
                format!("{name} does not count: it is no signature of the key {key} over this receipt")
            }
            fault => format!("{name} does not count: {fault}"),
        })?;
    let key = envelope.key();
    let fingerprint = key.fingerprint();
    match allowed.map(|allowed| allowed.principals_for(RECEIPT_NAMESPACE, key, clock::now())) {
        None => {
            Ok(format!("{name}: signed with the key {fingerprint}; nobody said whose that is (--allowed-signers FILE)"))
        }
        Some(Ok(who)) => {
            let who = verify::printable(who.as_bytes());
            Ok(format!("{name}: signed with the key {fingerprint}, which the allowed signers say is that of {who}"))
        }
        Some(Err(why)) => Err(format!("{name} is by the key {fingerprint}, and that does not count: {why}")),
    }
}
