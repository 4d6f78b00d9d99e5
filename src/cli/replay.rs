//! `extract replay PACKAGE --order ORDER`: runs the order of a package again on its sources, and says whether the same comes of it.
//!
//! Exit codes: 0 the same, also where the package says that something is short; 1 not the same, or refused; 2 the command
//! line or the order is not valid.
//!
//! **Invariant:** standard output holds the result and nothing else; what is printed of a package or a path is printed
//! without control characters, and nothing is printed of what neither the package nor the order's clauses give.

use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use super::argument::ReplayArguments;
use super::manifest::Files;
use super::progress::Bar;
use super::{COMPLETE, INVALID, REFUSED, identity, run, say};
use crate::clock;
use crate::digest::Digest;
use crate::extract::{Job, Output};
use crate::package::Agent;
use crate::replay::{self, ClauseDifference, Difference, Explanation, How, Replay, ReplayError};
use crate::verify::printable;

/// Set by Ctrl-C, and by the signals that end a process in order.
static STOP: AtomicBool = AtomicBool::new(false);

/// Replays and compares; the exit code.
pub fn run(arguments: &ReplayArguments, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let files = match Files::read(&arguments.order) {
        Ok(files) => files,
        Err(error) => return fail(err, INVALID, &error),
    };
    let package = &arguments.package;
    let Some(identities) = identity::identities(&arguments.identities, err) else { return INVALID };
    let opened = identity::package(package, &identities).map_err(|error| format!("{}: {error}", package.display()));
    let packaged = match opened.and_then(|file| replay::open(file).map_err(|error| refused(package, &error))) {
        Ok(packaged) => packaged,
        Err(error) => return fail(err, REFUSED, &error),
    };
    if let Err(error) = packaged.is_of(&files.order) {
        let (error, order) = (refused(package, &error), arguments.order.display());
        say(err, format_args!("error: {error}\nhint: {order} was given; name the order that the package holds\n"));
        return REFUSED;
    }
    // A replay discloses nothing, so nobody has to answer for it.
    let loaded = match run::load(&arguments.order, &arguments.given, Some("nobody")) {
        Ok(loaded) => loaded,
        Err(error) => return fail(err, INVALID, &error),
    };
    if let Err(error) = ctrlc::set_handler(|| STOP.store(true, Ordering::Relaxed)) {
        say(err, format_args!("error: signals cannot be caught: {error}\n"));
        return REFUSED;
    }
    let bar = Bar::new(arguments.quiet);
    let result = packaged.replay(&Job {
        order: &loaded.order,
        provider: loaded.provider.as_ref(),
        sources: loaded.locations,
        threads: run::threads(arguments.threads),
        output: Output::Replay { spool: std::env::temp_dir() },
        progress: &bar,
        stop: &STOP,
        now: clock::now,
    });
    bar.clear();
    match result {
        Ok(replay) => {
            let printed = match (arguments.json, arguments.quiet) {
                (true, _) => print_json(&replay, out),
                (false, true) => Ok(()),
                (false, false) => print_text(&loaded.order.id, &replay, out),
            };
            match printed.and_then(|()| out.flush()) {
                Err(error) => fail(err, REFUSED, &format!("the result could not be written: {error}")),
                Ok(()) if replay.is_identical() => COMPLETE,
                Ok(()) => REFUSED,
            }
        }
        Err(error) => {
            say(err, format_args!("error: {error}\n"));
            if let ReplayError::Run(error) = &error
                && let Some(hint) = run::hint(error)
            {
                say(err, format_args!("hint: {hint}\n"));
            }
            REFUSED
        }
    }
}

fn fail(err: &mut dyn Write, code: u8, error: &dyn std::fmt::Display) -> u8 {
    say(err, format_args!("error: {error}\n"));
    code
}

fn refused(package: &Path, error: &ReplayError) -> String {
    let package = package.display();
    match error {
        ReplayError::Findings { .. } => {
            format!("{package}: {error}\nhint: `extract verify {package}` says what is wrong with it")
        }
        _ => format!("{package}: {error}"),
    }
}

#[derive(Serialize)]
struct Json<'r> {
    digest: Digest,
    replayed_digest: Digest,
    identical: bool,
    version: Option<&'r str>,
    replayed_version: &'r str,
    zones: Option<&'r str>,
    replayed_zones: &'r str,
    differences: Vec<JsonDifference<'r>>,
    more_differences: u64,
    clauses: Vec<JsonClause<'r>>,
    explained_by: Vec<JsonExplanation<'r>>,
    not_told: &'static [&'static str],
}

#[derive(Serialize)]
struct JsonDifference<'r> {
    exhibit: Option<u32>,
    replayed_exhibit: Option<u32>,
    source: &'r str,
    path: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_base64: Option<&'r str>,
    clauses: &'r [String],
    how: &'static str,
    members: &'r [&'static str],
    sha256: Option<Digest>,
    replayed_sha256: Option<Digest>,
}

#[derive(Serialize)]
struct JsonClause<'r> {
    clause: &'r str,
    what: &'static str,
    packaged: &'r str,
    replayed: &'r str,
}

#[derive(Serialize)]
struct JsonExplanation<'r> {
    cause: &'static str,
    source: Option<&'r str>,
    certain: bool,
    text: &'r str,
}

impl<'r> From<&'r Difference> for JsonDifference<'r> {
    fn from(one: &'r Difference) -> Self {
        Self {
            exhibit: one.exhibit,
            replayed_exhibit: one.replayed_exhibit,
            source: &one.source,
            path: &one.path,
            path_base64: one.path_base64.as_deref(),
            clauses: &one.clauses,
            how: one.how.name(),
            members: &one.members,
            sha256: one.sha256,
            replayed_sha256: one.replayed_sha256,
        }
    }
}

impl<'r> From<&'r ClauseDifference> for JsonClause<'r> {
    fn from(one: &'r ClauseDifference) -> Self {
        Self { clause: &one.clause, what: one.what, packaged: &one.packaged, replayed: &one.replayed }
    }
}

impl<'r> From<&'r Explanation> for JsonExplanation<'r> {
    fn from(one: &'r Explanation) -> Self {
        let (cause, source) = (one.cause.name(), one.source.as_deref());
        Self { cause, source, certain: one.certain, text: &one.text }
    }
}

fn print_json(replay: &Replay, out: &mut dyn Write) -> io::Result<()> {
    let (packaged, own) = (replay.agent.as_ref(), Agent::own());
    let json = Json {
        digest: replay.digest,
        replayed_digest: replay.replayed_digest,
        identical: replay.is_identical(),
        version: packaged.map(|agent| agent.version.as_str()),
        replayed_version: &own.version,
        zones: packaged.map(|agent| agent.zones.as_str()),
        replayed_zones: &own.zones,
        differences: replay.differences.iter().map(JsonDifference::from).collect(),
        more_differences: replay.more_differences,
        clauses: replay.clauses.iter().map(JsonClause::from).collect(),
        explained_by: replay.explained_by.iter().map(JsonExplanation::from).collect(),
        not_told: if replay.is_identical() { &[] } else { &["signature"] },
    };
    serde_json::to_writer(&mut *out, &json)?;
    out.write_all(b"\n")
}

fn print_text(order: &str, replay: &Replay, out: &mut dyn Write) -> io::Result<()> {
    if replay.is_identical() {
        writeln!(out, "identical: the order {order}, run again on its sources, gives what the package holds")?;
        return writeln!(out, "  digest  {}", replay.digest);
    }
    writeln!(out, "different: the order {order}, run again on its sources, gives another digest")?;
    writeln!(out, "  of the package  {}", replay.digest)?;
    writeln!(out, "  of the replay   {}", replay.replayed_digest)?;
    writeln!(out)?;
    exhibits(replay, out)?;
    if !replay.clauses.is_empty() {
        writeln!(out, "What clauses came to")?;
        for one in &replay.clauses {
            let (clause, what) = (printable(one.clause.as_bytes()), one.what);
            writeln!(out, "  clause {clause}, {what}: {} in the package, {} now", one.packaged, one.replayed)?;
        }
        writeln!(out)?;
    }
    writeln!(out, "What explains it")?;
    for one in &replay.explained_by {
        let name = match &one.source {
            Some(source) => format!("the source {}", printable(source.as_bytes())),
            None => one.cause.name().replace('-', " "),
        };
        writeln!(out, "  {name}: {}", one.text)?;
    }
    writeln!(
        out,
        "The order is the same. All this holds if the package is as it was sealed, which only a signature shows."
    )
}

fn exhibits(replay: &Replay, out: &mut dyn Write) -> io::Result<()> {
    let listed = u64::try_from(replay.differences.len()).unwrap_or(u64::MAX);
    match listed.saturating_add(replay.more_differences) {
        0 => writeln!(out, "No exhibit differs.")?,
        1 => writeln!(out, "1 exhibit differs")?,
        count => writeln!(out, "{count} exhibits differ")?,
    }
    for one in &replay.differences {
        let number = one.exhibit.map_or_else(|| "new".to_owned(), |number| format!("{number:06}"));
        let (source, path) = (printable(one.source.as_bytes()), printable(one.path.as_bytes()));
        let clauses = printable(one.clauses.join(", ").as_bytes());
        writeln!(out, "  {number:<6}  {source} {path} (clause {clauses})")?;
        let how = match one.how {
            How::Missing => "is in the package, and the replay does not give it".to_owned(),
            How::New => "is given by the replay, and is not in the package".to_owned(),
            How::Content => "its bytes differ".to_owned(),
            How::Ledger => {
                format!("its bytes are the same, and the ledger states otherwise: {}", one.members.join(", "))
            }
        };
        writeln!(out, "          {how}")?;
        for (sha256, side) in [(one.sha256, "in the package"), (one.replayed_sha256, "now")] {
            if let Some(sha256) = sha256.filter(|_| one.how != How::Ledger) {
                writeln!(out, "          {sha256} {side}")?;
            }
        }
    }
    if replay.more_differences > 0 {
        writeln!(out, "  and {} more, which are not listed", replay.more_differences)?;
    }
    writeln!(out)
}
