//! `extract --order ORDER`: runs an order, or previews it.
//!
//! **Invariant:** standard output holds the result and nothing else; standard error never names anything within a source.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::argument::{RunArguments, SourceArgument};
use super::manifest::{self, LoadError, Loaded};
use super::progress::Bar;
use super::{COMPLETE, INVALID, REFUSED, SHORT, colour, say};
use crate::audit::AuditError;
use crate::clock;
use crate::extract::{self, Done, ExtractError, Job, Output};
use crate::package::PackageError;
use crate::plan;
use crate::source::Location;

/// Set by Ctrl-C, and by the signals that end a process in order.
static STOP: AtomicBool = AtomicBool::new(false);

/// Runs or previews; the exit code.
pub fn run(arguments: &RunArguments, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let Some(order) = &arguments.order else { return INVALID };
    // A preview discloses nothing, so nobody has to answer for it.
    let nobody = arguments.dry_run.then_some("nobody");
    let loaded = match load(order, &arguments.sources, arguments.custodian.as_deref().or(nobody)) {
        Ok(loaded) => loaded,
        Err(error) => {
            say(err, format_args!("error: {error}\n"));
            return INVALID;
        }
    };
    if !arguments.quiet && loaded.warnings > 0 {
        let (count, path) = (loaded.warnings, order.display());
        say(err, format_args!("warning: {count} to look at: see extract check {path}\n"));
    }
    // Without the handler Ctrl-C would end the process with its temporary file in place: better not to begin.
    if let Err(error) = ctrlc::set_handler(|| STOP.store(true, Ordering::Relaxed)) {
        say(err, format_args!("error: signals cannot be caught: {error}\n"));
        return REFUSED;
    }
    let bar = Bar::new(arguments.quiet);
    let output = output(arguments, &loaded);
    let job = Job {
        order: &loaded.order,
        provider: loaded.provider.as_ref(),
        sources: locations(&loaded),
        threads: threads(arguments.threads),
        output,
        progress: &bar,
        stop: &STOP,
        now: clock::now,
    };
    let result = extract::run(&job);
    bar.clear();
    match result {
        Ok(done) => finished(arguments, &job, &done, out),
        Err(error) => {
            say(err, format_args!("error: {error}\n"));
            if let Some(hint) = hint(&error) {
                say(err, format_args!("hint: {hint}\n"));
            }
            REFUSED
        }
    }
}

/// Loads an order for a run or an explanation.
pub(super) fn load(order: &Path, sources: &[SourceArgument], custodian: Option<&str>) -> Result<Loaded, LoadError> {
    let sources: Vec<(String, PathBuf)> =
        sources.iter().map(|source| (source.name.clone(), source.path.clone())).collect();
    manifest::load(order, &sources, custodian, colour())
}

/// Where each source is.
pub(super) fn locations(loaded: &Loaded) -> Vec<Location> {
    let mounts = |name: &str| {
        let provider = loaded.provider.as_ref()?;
        Some(provider.sources.iter().find(|source| source.name == name)?.mounts.clone())
    };
    let declared = loaded.order.sources.iter().zip(&loaded.paths);
    declared
        .map(|(source, path)| Location {
            mounts: mounts(&source.name).unwrap_or_default(),
            ..Location::at(path.clone(), std::env::temp_dir())
        })
        .collect()
}

/// One a core unless the command line says otherwise.
pub(super) fn threads(asked: Option<u16>) -> usize {
    match asked {
        Some(threads) => usize::from(threads),
        None => std::thread::available_parallelism().map_or(1, usize::from),
    }
}

fn output(arguments: &RunArguments, loaded: &Loaded) -> Output {
    if arguments.dry_run {
        return Output::Preview { spool: std::env::temp_dir() };
    }
    let id = &loaded.order.id;
    let path = arguments.output.clone().unwrap_or_else(|| PathBuf::from(format!("{id}.tar")));
    let audit = path.with_file_name(format!("{id}.audit.jsonl"));
    Output::Package { path, audit, custodian: loaded.custodian.clone() }
}

fn finished(arguments: &RunArguments, job: &Job<'_>, done: &Done, out: &mut dyn Write) -> u8 {
    if arguments.json {
        // A closed standard output does not unseal the package.
        let _ = out.write_all(&done.preview);
    } else if !arguments.quiet {
        match &job.output {
            Output::Package { path, .. } => say(out, format_args!("sealed {}\n\n", path.display())),
            Output::Preview { .. } => {
                say(out, format_args!("preview of order {}: nothing was written\n\n", job.order.id))
            }
        }
        say(out, format_args!("{}", plan::table(&done.disclosure, &done.tallies)));
    }
    if done.disclosure.statement.is_complete() { COMPLETE } else { SHORT }
}

/// How to go on after an error.
fn hint(error: &ExtractError) -> Option<&'static str> {
    match error {
        ExtractError::Package(PackageError::OutputExists { .. }) => {
            Some("name another file with --output, or move the existing one away; a sealed package is never replaced")
        }
        ExtractError::Audit(AuditError::Exists { .. }) => {
            Some("move the existing audit away, or name a package in another folder with --output")
        }
        ExtractError::OutputInSource { .. } => Some("name a file outside the sources with --output"),
        ExtractError::Expired { .. } => Some("ask the authority for a new or an extended order"),
        ExtractError::OtherImage { .. } => {
            Some("check that --source or the provider file names the image that the order is about")
        }
        ExtractError::Changed { .. } => {
            Some("take a snapshot or an image, or stop what writes to the source, and run the order again")
        }
        ExtractError::Tripped(_) => {
            Some("look at the order with --dry-run after raising the limit; it may be wider than meant")
        }
        _ => None,
    }
}
