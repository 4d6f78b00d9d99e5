//! `extract verify PACKAGE [--json]`: what is objected to in a package, and what nobody can tell from it.
//!
//! **Invariant:** the package is opened for reading only; what it says is printed without control characters.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use crate::digest::Digest;
use crate::verify::{self, Check, State, Verification, printable};

/// Verifies a package and prints what was found. The exit code: 0 nothing is objected to, 1 something is, or the file
/// cannot be read.
pub fn run(path: &Path, json: bool, out: &mut dyn Write, err: &mut dyn Write) -> i32 {
    let verification = match open(path).and_then(|file| verify::verify(file).map_err(|error| error.to_string())) {
        Ok(verification) => verification,
        Err(error) => {
            // Where stderr is gone there is nobody to tell.
            let _ = writeln!(err, "error: {}: {error}", path.display());
            return 1;
        }
    };
    let printed = if json { print_json(&verification, out) } else { print_text(&verification, out) };
    match printed.and_then(|()| out.flush()) {
        Err(error) => {
            let _ = writeln!(err, "error: the result could not be written: {error}");
            1
        }
        Ok(()) if verification.findings.is_empty() => 0,
        Ok(()) => 1,
    }
}

/// A regular file: opening a pipe would wait for ever, a device may never end.
pub(super) fn open(path: &Path) -> Result<File, String> {
    let kind = fs::metadata(path).map_err(|error| error.to_string())?;
    if kind.is_dir() {
        return Err("this is a folder; a package is one tar file".into());
    }
    if !kind.is_file() {
        return Err("this is not a regular file; a package is one tar file".into());
    }
    File::open(path).map_err(|error| error.to_string())
}

#[derive(Serialize)]
struct Json<'v> {
    digest: Option<Digest>,
    checks: Vec<JsonCheck>,
    findings: Vec<JsonFinding<'v>>,
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
    };
    serde_json::to_writer(&mut *out, &json)?;
    out.write_all(b"\n")
}

fn print_text(verification: &Verification, out: &mut dyn Write) -> io::Result<()> {
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
    writeln!(out, "No check says that nothing is missing: a package cannot show what is not in it. For that, the")?;
    writeln!(out, "order is run again on the sources (extract replay), and the two digests are compared.")?;
    writeln!(out)?;
    for (check, state) in verification.checks {
        writeln!(out, "  {:<13} {:<13} {}", check.name(), state.name(), remark(check, state))?;
    }
    Ok(())
}

/// What stands beside a check in the table.
fn remark(check: Check, state: State) -> &'static str {
    match (check, state) {
        (Check::Withholds, _) => "what was held back does not show in a package",
        (Check::Signature, _) => "no signature was given",
        (_, State::NotRun) => "it rests on a check that failed",
        _ => check.question(),
    }
}
