//! `extract verify PACKAGE [--identity FILE] [--allowed-signers FILE] [--tsa-ca FILE] [--json]`: what is objected to in a
//! package, and what nobody can tell from it.
//!
//! **Invariant:** the package is opened for reading only; what it says is printed without control characters.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::argument::VerifyArguments;
use super::{COMPLETE, INVALID, REFUSED, file, identity};
use crate::beside::Message;
use crate::clock::{self, Timestamp};
use crate::delivery::Opened;
use crate::digest::Digest;
use crate::limits;
use crate::signature::beside::SIGNATURES;
use crate::signature::{self, AllowedSigners};
use crate::time_stamp::beside::STAMPS;
use crate::time_stamp::{self, Authorities};
use crate::verify::{self, Check, Stamped, State, Verification, printable};

/// Verifies a package and prints what was found. The exit code: 0 nothing is objected to, 1 something is, or the file
/// cannot be read; 2 a file that was named cannot be relied on.
pub fn run(arguments: &VerifyArguments, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let (path, json) = (arguments.package.as_path(), arguments.json);
    let read = read_named(arguments.allowed_signers.as_deref(), allowed_signers)
        .and_then(|allowed| Ok((allowed, read_named(arguments.tsa_ca.as_deref(), authorities)?)));
    let (allowed, authorities) = match read {
        Ok(read) => read,
        Err(error) => {
            let _ = writeln!(err, "error: {error}");
            return INVALID;
        }
    };
    let Some(identities) = identity::identities(&arguments.identities, err) else { return INVALID };
    let opened = identity::package(path, &identities);
    let mut verification = match opened.and_then(|file| verify::verify(file).map_err(|error| error.to_string())) {
        Ok(verification) => verification,
        Err(error) => {
            // Where stderr is gone there is nobody to tell.
            let _ = writeln!(err, "error: {}: {error}", path.display());
            return REFUSED;
        }
    };
    let first = judge(&mut verification, path, (allowed.as_ref(), authorities.as_ref()));
    let printed = if json { print_json(&verification, out) } else { print_text(&verification, &first, out) };
    match printed.and_then(|()| out.flush()) {
        Err(error) => {
            let _ = writeln!(err, "error: the result could not be written: {error}");
            REFUSED
        }
        Ok(()) if verification.findings.is_empty() => COMPLETE,
        Ok(()) => REFUSED,
    }
}

/// Judges what lies beside a package; where the first of each would lie.
pub(super) fn judge(
    verification: &mut Verification,
    package: &Path,
    (allowed, authorities): (Option<&AllowedSigners>, Option<&Authorities>),
) -> First {
    let first = First { signature: SIGNATURES.name(package, 1), stamp: STAMPS.name(package, 1) };
    verification.judge_signatures(&first.signature, &signature::beside::all(package), allowed, clock::now());
    verification.judge_time_stamps(&first.stamp, &time_stamp::beside::all(package), authorities);
    first
}

/// The names of the files where the first signature and the first time-stamp would lie.
pub(super) struct First {
    signature: String,
    stamp: String,
}

fn read_named<T>(path: Option<&Path>, read: fn(&Path) -> Result<T, String>) -> Result<Option<T>, String> {
    path.map(|path| read(path).map_err(|error| format!("{}: {error}", path.display()))).transpose()
}

/// The authorities of a file.
pub(super) fn authorities(path: &Path) -> Result<Authorities, String> {
    let text = file::text(path, limits::AUTHORITIES_BYTES)?;
    Authorities::parse(&text).map_err(|error| error.to_string())
}

/// Whose signatures count, by a file.
pub(super) fn allowed_signers(path: &Path) -> Result<AllowedSigners, String> {
    let text = file::text(path, limits::ALLOWED_SIGNERS_BYTES)?;
    AllowedSigners::parse(&text).map_err(|error| error.to_string())
}

/// An open package that passes every check, and so may be signed or stamped: what that is over.
pub(super) fn good(opened: Opened<File>) -> Result<Message, NotGood> {
    let verification = verify::verify(opened).map_err(|error| NotGood::Unreadable(error.to_string()))?;
    match (verification.findings.first(), verification.message) {
        (None, Some(message)) => Ok(message),
        (finding, _) => {
            let words = |finding: &verify::Finding| format!("{}: {}", finding.check.name(), finding.text);
            Err(NotGood::Objections(finding.map_or_else(String::new, words)))
        }
    }
}

/// A package that is neither signed nor stamped.
#[derive(Debug)]
pub(super) enum NotGood {
    /// It could not be read.
    Unreadable(String),
    /// Its first finding.
    Objections(String),
}

#[derive(Serialize)]
struct Json<'v> {
    digest: Option<Digest>,
    checks: Vec<JsonCheck>,
    findings: Vec<JsonFinding<'v>>,
    time_stamps: Vec<JsonStamp<'v>>,
}

#[derive(Serialize)]
struct JsonStamp<'v> {
    file: &'v str,
    time: Timestamp,
    authority: &'v str,
    serial: &'v str,
    trusted: bool,
}

#[derive(Serialize)]
struct JsonCheck {
    name: &'static str,
    state: &'static str,
}

#[derive(Serialize)]
struct JsonFinding<'v> {
    check: &'static str,
    member: Option<&'v str>,
    clause: Option<&'v str>,
    text: &'v str,
}

fn print_json(verification: &Verification, out: &mut dyn Write) -> io::Result<()> {
    let json = Json {
        digest: verification.digest,
        checks: verification
            .checks
            .iter()
            .map(|(check, state)| JsonCheck { name: check.name(), state: state.name() })
            .collect(),
        findings: verification
            .findings
            .iter()
            .map(|finding| JsonFinding {
                check: finding.check.name(),
                member: finding.member.as_deref(),
                clause: finding.clause.as_deref(),
                text: &finding.text,
            })
            .collect(),
        time_stamps: verification
            .stamped
            .iter()
            .map(|stamped| JsonStamp {
                file: &stamped.file,
                time: stamped.time,
                authority: &stamped.authority,
                serial: &stamped.serial,
                trusted: stamped.root.is_some(),
            })
            .collect(),
    };
    serde_json::to_writer(&mut *out, &json)?;
    out.write_all(b"\n")
}

fn print_text(verification: &Verification, first: &First, out: &mut dyn Write) -> io::Result<()> {
    match &verification.order {
        Some(order) => {
            writeln!(out, "Package of the order {}", printable(order.id.as_bytes()))?;
            writeln!(out, "  authority  {}", printable(order.authority.as_bytes()))?;
            writeln!(out, "  reference  {}", printable(order.reference.as_bytes()))?;
        }
        None => writeln!(out, "The order of this package could not be read.")?,
    }
    match verification.digest {
        Some(digest) => writeln!(out, "  digest     {digest}")?,
        None => writeln!(out, "  digest     could not be computed")?,
    }
    writeln!(out)?;
    print_findings(verification, out)?;
    if let Some(decided) = verification.decided {
        writeln!(out, "Decided again by the order's own words:")?;
        writeln!(out, "  {} records and messages confirmed from their bytes", decided.confirmed)?;
        writeln!(
            out,
            "  {} whole files consistent with what the ledger states of their places and times",
            decided.consistent
        )?;
        if decided.reduced > 0 {
            let words = "records and messages given in part, which are what their clauses ask for and consistent with the ledger";
            writeln!(out, "  {} {words}", decided.reduced)?;
        }
        writeln!(out)?;
    }
    print_signatures(verification, &first.signature, out)?;
    print_time_stamps(verification, &first.stamp, out)?;
    writeln!(out, "No check says that nothing is missing: a package cannot show what is not in it. For that, the")?;
    writeln!(out, "order is run again on the sources (extract replay), and the two digests are compared.")?;
    writeln!(out)?;
    for (check, state) in verification.checks {
        writeln!(out, "  {:<13} {:<13} {}", check.name(), state.name(), remark(verification, check, state))?;
    }
    Ok(())
}

fn print_findings(verification: &Verification, out: &mut dyn Write) -> io::Result<()> {
    let count = verification.findings.len();
    if count > 0 {
        writeln!(out, "{count} finding{}", if count == 1 { "" } else { "s" })?;
        for finding in &verification.findings {
            writeln!(out)?;
            let place = [
                finding.member.as_deref().map(str::to_owned),
                finding.clause.as_ref().map(|id| format!("clause {id}")),
            ];
            let place: Vec<String> = place.into_iter().flatten().collect();
            writeln!(
                out,
                "  {}: {}",
                finding.check.name(),
                if place.is_empty() { "the package".into() } else { place.join(", ") }
            )?;
            writeln!(out, "    {}", finding.text)?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Who signed the package, as far as anyone said whose keys those are.
fn print_signatures(verification: &Verification, first: &str, out: &mut dyn Write) -> io::Result<()> {
    if verification.message.is_none() {
        writeln!(out, "Whether it is signed was not looked at: this is not built as a package is built.")?;
        return writeln!(out);
    }
    let has_failed = verification.findings.iter().any(|finding| finding.check == Check::Signature);
    if verification.signed.is_empty() && !has_failed {
        writeln!(out, "NOT SIGNED. No signature lies beside it as {}.", printable(first.as_bytes()))?;
        writeln!(out, "Whoever can change the package can make every sum anew: nothing shows who made it.")?;
    }
    for signed in &verification.signed {
        writeln!(out, "{}: signed with the key {} ({})", signed.file, signed.fingerprint, signed.kind)?;
        match &signed.principals {
            Some(who) => writeln!(out, "  The allowed signers say that this key is that of {who}.")?,
            None => {
                writeln!(
                    out,
                    "  Nobody has said whose key that is: compare it with what the signer told you by another way,"
                )?;
                writeln!(out, "  or name the keys that count with --allowed-signers FILE.")?;
            }
        }
    }
    if verification.checks.contains(&(Check::Signature, State::Passed)) {
        writeln!(out, "Whoever holds such a key signed this very package, and no byte of it has changed since.")?;
    }
    writeln!(out)
}

/// Since when the package exists, as far as anyone said whose word counts.
fn print_time_stamps(verification: &Verification, first: &str, out: &mut dyn Write) -> io::Result<()> {
    if verification.message.is_none() {
        return Ok(());
    }
    let has_failed = verification.findings.iter().any(|finding| finding.check == Check::TimeStamp);
    if verification.stamped.is_empty() && !has_failed {
        writeln!(out, "NO TIME-STAMP. None lies beside it as {}.", printable(first.as_bytes()))?;
        writeln!(out, "Since when the package exists, nobody says but whoever made it.")?;
    }
    for stamped in &verification.stamped {
        write_time_stamp(stamped, has_failed, out)?;
    }
    if verification.checks.contains(&(Check::TimeStamp, State::Passed)) {
        writeln!(out, "It cannot have been made or changed since, whatever its own dates say.")?;
    }
    writeln!(out)
}

/// What is said of a time-stamp; `has_failed` says whether something was objected to.
pub(super) fn write_time_stamp(stamped: &Stamped, has_failed: bool, out: &mut dyn Write) -> io::Result<()> {
    let Stamped { file, time, accuracy, authority, serial, root } = stamped;
    writeln!(out, "{file}: this package existed as it is now on {} UTC at the latest, says", time.to_utc())?;
    writeln!(out, "  {authority}.")?;
    match accuracy {
        Some(accuracy) => writeln!(
            out,
            "  The number of the stamp is {serial}, and the authority's clock is right within {accuracy}, it says."
        )?,
        None => {
            writeln!(out, "  The number of the stamp is {serial}; how right its clock is, the authority does not say.")?
        }
    }
    match root {
        Some(root) => {
            writeln!(out, "  Its certificate leads to an authority of the given file: {root}.")?;
            writeln!(out, "  Whether a certificate was revoked since is not looked up: this needs no network.")
        }
        None if has_failed => writeln!(out, "  Whether it can be relied on: see the finding."),
        None => {
            writeln!(
                out,
                "  Nobody has said that it can be relied on: name the authorities that count with --tsa-ca FILE."
            )
        }
    }
}

/// What stands beside a check in the table.
fn remark(verification: &Verification, check: Check, state: State) -> &'static str {
    match (check, state) {
        (Check::Withholds, _) => "what was held back does not show in a package",
        (Check::Signature, State::NotRun) if verification.message.is_some() => match verification.signed.first() {
            None => "NOT SIGNED: no signature lies beside it",
            Some(signed) if signed.principals.is_none() => "signed, and nobody said whose key that is",
            Some(_) => "it rests on a check that failed",
        },
        (Check::TimeStamp, State::NotRun) if verification.message.is_some() => match verification.stamped.first() {
            None => "NO TIME-STAMP: none lies beside it",
            Some(stamped) if stamped.root.is_none() => "stamped, and nobody said whose stamps count",
            Some(_) => "it rests on a check that failed",
        },
        (_, State::NotRun) => "it rests on a check that failed",
        _ => check.question(),
    }
}
