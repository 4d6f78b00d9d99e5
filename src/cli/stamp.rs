//! `extract stamp PACKAGE --request`, and `extract stamp PACKAGE --attach FILE`: a time-stamp in two steps without a network.
//!
//! **Invariant:** only a package that passes every check is stamped; a request and a stamp are new files beside it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::argument::StampArguments;
use super::verify::{self as check, NotGood};
use super::{COMPLETE, INVALID, REFUSED, identity, say};
use crate::beside::{Message, Unread};
use crate::delivery::Identities;
use crate::limits;
use crate::time_stamp::beside::{self, REQUESTS, STAMPS};
use crate::time_stamp::{Authorities, Fault, Hash, Request, TimeStamp};
use crate::verify::Stamped;

/// The package stays without this stamp.
#[derive(Debug, thiserror::Error)]
enum StampFailure {
    #[error("{0}")]
    Unreadable(String),
    #[error("it does not pass its checks, so it is not stamped: see extract verify ({0})")]
    Objections(String),
    #[error("{0} lies beside it and is no stamp of it ({1}): move that away first")]
    Stranger(String, Fault),
    #[error("{0} lies beside it and is no request for a stamp of it: move that away first")]
    StrangeRequest(String),
    #[error("{0} lies beside it and is not answered yet: send that one, or move it away")]
    Open(String),
    #[error("this stamp lies beside it already: {0}")]
    Again(String),
    #[error("{count} stamps lie beside it, and there can be no more", count = limits::TIME_STAMPS)]
    Full,
    #[error("{0} is no stamp for it: {1}")]
    Fault(String, Fault),
    #[error("no random number could be had for the request: {0}")]
    Random(getrandom::Error),
    #[error("the file beside it could not be written: {0}")]
    Write(io::Error),
}

/// Asks for a stamp or attaches one; the exit code.
pub(super) fn run(arguments: &StampArguments, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let package = arguments.package.as_path();
    let Some(identities) = identity::identities(&arguments.identities, err) else { return INVALID };
    let message = || message(package, &identities);
    let done = match &arguments.attach {
        None => message()
            .and_then(|message| request(package, &message, arguments.hash))
            .map(|path| say_request(package, &path, arguments.hash, out)),
        Some(answer) => {
            let authorities = match arguments.tsa_ca.as_deref().map(|path| (path, check::authorities(path))) {
                None => None,
                Some((_, Ok(authorities))) => Some(authorities),
                Some((path, Err(error))) => {
                    say(err, format_args!("error: {}: {error}\n", path.display()));
                    return INVALID;
                }
            };
            let attached = message().and_then(|message| attach(package, &message, answer, authorities.as_ref()));
            attached.map(|(path, stamped)| {
                say(out, format_args!("attached: {}\n\n", path.display()));
                // As above: a closed standard output does not detach it.
                let _ = check::write_time_stamp(&stamped, false, out);
            })
        }
    };
    match done {
        Ok(()) => COMPLETE,
        Err(error) => {
            say(err, format_args!("error: {}: {error}\n", package.display()));
            if let Some(hint) = hint(&error) {
                say(err, format_args!("hint: {hint}\n"));
            }
            REFUSED
        }
    }
}

fn say_request(package: &Path, path: &Path, hash: Hash, out: &mut dyn Write) {
    let (package, path) = (package.display(), path.display());
    say(
        out,
        format_args!(
            "request: {path}\n\n\
             It tells an authority the {} of the package's list of sums and a random number, and nothing else. Send it to\n\
             one whose certificate the recipient will trust, from any machine with a network, for example so:\n\n  \
             curl -H 'Content-Type: application/timestamp-query' --data-binary @{path} URL > answer.tsr\n\n\
             and attach what it answers; CA.pem holds the certificate of its root:\n\n  \
             extract stamp {package} --attach answer.tsr --tsa-ca CA.pem\n",
            hash.name()
        ),
    );
}

/// How to go on.
fn hint(failure: &StampFailure) -> Option<&'static str> {
    match failure {
        StampFailure::Fault(_, Fault::OtherNonce | Fault::OtherHash(..)) => {
            Some("attach the answer to the request that lies beside the package, or move that request away")
        }
        StampFailure::Fault(_, Fault::NoIssuer(..)) => Some(
            "--tsa-ca names a file with the certificate of the authority's root, and those between that the stamp lacks",
        ),
        StampFailure::Fault(_, Fault::Token) => {
            Some("openssl ts -reply -in FILE -token_in -out NEW.tsr makes a response of it")
        }
        StampFailure::Fault(_, Fault::Malformed(_)) => {
            Some("openssl ts -reply -in FILE -text shows what it is; a page of words is an authority's error")
        }
        _ => None,
    }
}

/// What a stamp of the package is over.
fn message(package: &Path, identities: &Identities) -> Result<Message, StampFailure> {
    let opened = identity::package(package, identities).map_err(StampFailure::Unreadable)?;
    check::good(opened).map_err(|error| match error {
        NotGood::Unreadable(words) => StampFailure::Unreadable(words),
        NotGood::Objections(first) => StampFailure::Objections(first),
    })
}

/// The number of the next stamp.
fn next(package: &Path) -> Result<usize, StampFailure> {
    let last = STAMPS.last(package);
    if last < limits::TIME_STAMPS { Ok(last + 1) } else { Err(StampFailure::Full) }
}

/// Writes the request for the next stamp; where it lies.
fn request(package: &Path, message: &Message, hash: Hash) -> Result<PathBuf, StampFailure> {
    let number = next(package)?;
    if REQUESTS.is_there(package, number) {
        return Err(StampFailure::Open(REQUESTS.name(package, number)));
    }
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(StampFailure::Random)?;
    let request = Request::new(message, hash, u64::from_be_bytes(random));
    let bytes = request.to_der().map_err(|error| StampFailure::Write(io::Error::other(error)))?;
    REQUESTS.write_as(package, number, &bytes).map_err(StampFailure::Write)
}

/// Lays an answer beside the package; where, and what it says.
fn attach(
    package: &Path,
    message: &Message,
    answer: &Path,
    authorities: Option<&Authorities>,
) -> Result<(PathBuf, Stamped), StampFailure> {
    let fault = |fault| StampFailure::Fault(answer.display().to_string(), fault);
    let bytes = STAMPS.read(answer).map_err(|error: Unread| fault(error.into()))?;
    let stamp = TimeStamp::read(&bytes).map_err(fault)?;
    stamp.covers(message).map_err(fault)?;
    for other in beside::all(package) {
        match other.stamp.and_then(|stamp| stamp.covers(message).map(|()| stamp)) {
            Err(fault) => return Err(StampFailure::Stranger(other.name, fault)),
            Ok(other_stamp) if other_stamp.is_same(&stamp) => return Err(StampFailure::Again(other.name)),
            Ok(_) => {}
        }
    }
    let number = next(package)?;
    if let Some(found) = REQUESTS.find(package, number) {
        let request = found.content.map_err(Fault::from).and_then(|content| Request::read(&content));
        match request {
            Ok(request) if request.covers(message) => stamp.answers(&request).map_err(fault)?,
            _ => return Err(StampFailure::StrangeRequest(found.name)),
        }
    }
    let root = authorities.map(|authorities| stamp.leads_to(authorities)).transpose().map_err(fault)?;
    let path = STAMPS.write_as(package, number, &bytes).map_err(StampFailure::Write)?;
    Ok((path, Stamped::of(STAMPS.name(package, number), &stamp, root)))
}
