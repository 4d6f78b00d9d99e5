//! `extract --order ORDER`: runs an order, or previews it.
//!
//! **Invariant:** standard output holds the result and nothing else; standard error never names anything within a source.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::argument::{GivenSources, RunArguments, SourceArgument};
use super::manifest::{self, LoadError, Loaded, SourcesGiven};
use super::progress::Bar;
use super::sign::SignFailure;
use super::{COMPLETE, INVALID, REFUSED, SHORT, colour, identity, key, operator, own_name, say, sign};
use crate::audit::AuditError;
use crate::beside::folder_of;
use crate::clock;
use crate::delivery::{Opened, Recipients};
use crate::extract::{self, Done, ExtractError, Job, Output};
use crate::package::leak::LeakKind;
use crate::package::{OwnNames, PackageError};
use crate::plan;
use crate::read_error::ReadError;
use crate::signature::{Signer, beside};
use crate::source::SourceError;

/// Set by Ctrl-C, and by the signals that end a process in order.
static STOP: AtomicBool = AtomicBool::new(false);

/// Runs or previews; the exit code.
pub fn run(arguments: &RunArguments, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let Prepared { loaded, output, signer } = match prepared(arguments, err) {
        Ok(prepared) => prepared,
        Err(code) => return code,
    };
    // Without the handler Ctrl-C would end the process with its temporary file in place: better not to begin.
    if let Err(error) = ctrlc::set_handler(|| STOP.store(true, Ordering::Relaxed)) {
        say(err, format_args!("error: signals cannot be caught: {error}\n"));
        return REFUSED;
    }
    let bar = Bar::new(arguments.quiet);
    let job = Job {
        order: &loaded.order,
        provider: loaded.provider.as_ref(),
        sources: loaded.locations.clone(),
        threads: threads(arguments.threads),
        output,
        progress: &bar,
        stop: &STOP,
        now: clock::now,
    };
    let result = extract::run(&job);
    bar.clear();
    match result {
        Ok(done) => {
            let code = finished(arguments, &job, &done, out);
            match (&job.output, signer) {
                (Output::Package { path, .. }, Some(signer)) => {
                    let opened = identity::own_package(path, done.key.as_ref());
                    signed(arguments, (path, opened), &signer, code, out, err)
                }
                _ => code,
            }
        }
        Err(error) => {
            say(err, format_args!("error: {error}\n"));
            if let Some(hint) = hint(&error) {
                say(err, format_args!("hint: {hint}\n"));
            }
            REFUSED
        }
    }
}

/// All that a run needs, before hours of work.
struct Prepared {
    loaded: Loaded,
    output: Output,
    signer: Option<Signer>,
}

/// Reads the order and what is beside it; the exit code where that is no good, after the reason was said.
fn prepared(arguments: &RunArguments, err: &mut dyn Write) -> Result<Prepared, u8> {
    let Some(order) = &arguments.order else { return Err(INVALID) };
    let Some(recipients) = identity::recipients(&arguments.recipients, err) else { return Err(INVALID) };
    // A preview discloses nothing, so nobody has to answer for it.
    let nobody = arguments.dry_run.then_some("nobody");
    let loaded = match load(order, &arguments.given, arguments.custodian.as_deref().or(nobody)) {
        Ok(loaded) => loaded,
        Err(error) => {
            say(err, format_args!("error: {error}\n"));
            return Err(INVALID);
        }
    };
    if !arguments.quiet && loaded.warnings > 0 {
        let (count, path) = (loaded.warnings, order.display());
        say(err, format_args!("warning: {count} to look at: see extract check {path}\n"));
    }
    let own = own_names(order, &loaded, arguments);
    if !arguments.dry_run && own.are_in_custodian(&loaded.custodian) {
        say(err, format_args!("error: the custodian is named as this machine, or as who is logged in to it\n"));
        say(
            err,
            format_args!(
                "hint: give the officer's own name or role with --custodian: logins and hosts are not packaged\n"
            ),
        );
        return Err(INVALID);
    }
    // Before hours of work: the key is there, its passphrase fits, and no signature of another package lies in the way.
    let output = output(arguments, &loaded, recipients, own);
    let signer = match arguments.sign.as_deref().map(|key| key::signer(key, err)) {
        Some(None) => return Err(INVALID),
        Some(Some(signer)) if is_free_of_signatures(&output, err) => Some(signer),
        Some(Some(_)) => return Err(REFUSED),
        None => None,
    };
    Ok(Prepared { loaded, output, signer })
}

/// Loads an order for a run or an explanation.
pub(super) fn load(order: &Path, sources: &GivenSources, custodian: Option<&str>) -> Result<Loaded, LoadError> {
    manifest::load(order, &given(sources), custodian, colour())
}

/// What the command line says of sources.
pub(super) fn given(given: &GivenSources) -> SourcesGiven {
    let pairs = |list: &[SourceArgument]| list.iter().map(|one| (one.name.clone(), one.path.clone())).collect();
    SourcesGiven { paths: pairs(&given.sources), keys: pairs(&given.keys), scratch: std::env::temp_dir() }
}

/// One a core unless the command line says otherwise.
pub(super) fn threads(asked: Option<u16>) -> usize {
    match asked {
        Some(threads) => usize::from(threads),
        None => std::thread::available_parallelism().map_or(1, usize::from),
    }
}

/// What this machine and its user are called, and where the files of this order are.
fn own_names(order: &Path, loaded: &Loaded, arguments: &RunArguments) -> OwnNames {
    let provider = manifest::provider_path(order);
    let there = loaded.provider.as_ref().map(|_| provider.as_path());
    let output = arguments.output.as_deref().map(folder_of);
    let given: Vec<&Path> = [Some(order), there, output].into_iter().flatten().collect();
    own_name::gather(&given)
}

fn output(arguments: &RunArguments, loaded: &Loaded, recipients: Option<Recipients>, own: OwnNames) -> Output {
    if arguments.dry_run {
        return Output::Preview { spool: std::env::temp_dir() };
    }
    let id = &loaded.order.id;
    let end = if recipients.is_some() { ".tar.age" } else { ".tar" };
    let path = arguments.output.clone().unwrap_or_else(|| PathBuf::from(format!("{id}{end}")));
    let is_encrypted = loaded.provider.as_ref().is_some_and(|provider| provider.audit_recipients.is_some());
    let audit = path.with_file_name(format!("{id}.audit.jsonl{}", if is_encrypted { ".age" } else { "" }));
    let (custodian, operator) = (loaded.custodian.clone(), Box::new(operator::operator()));
    Output::Package { path, recipients, audit, custodian, operator, own }
}

fn finished(arguments: &RunArguments, job: &Job<'_>, done: &Done, out: &mut dyn Write) -> u8 {
    if arguments.json {
        // A closed standard output does not unseal the package.
        let _ = out.write_all(&done.preview);
    } else if !arguments.quiet {
        match &job.output {
            Output::Package { path, recipients: None, .. } => say(out, format_args!("sealed {}\n\n", path.display())),
            Output::Package { path, recipients: Some(recipients), .. } => {
                let (path, count) = (path.display(), recipients.count());
                let them = if count == 1 { "1 recipient" } else { &format!("{count} recipients") };
                say(out, format_args!("sealed {path}, encrypted to {them}\n\n"))
            }
            Output::Preview { .. } | Output::Replay { .. } => {
                say(out, format_args!("preview of order {}: nothing was written\n\n", job.order.id))
            }
        }
        say(out, format_args!("{}", plan::table(&done.disclosure, &done.tallies)));
    }
    if done.disclosure.statement.is_complete() { COMPLETE } else { SHORT }
}

/// No signature of another package lies where the one of this package will.
fn is_free_of_signatures(output: &Output, err: &mut dyn Write) -> bool {
    let Output::Package { path, .. } = output else { return true };
    let there = beside::all(path);
    if let Some(first) = there.first() {
        let words = "lies where a signature of this package would: move it away";
        say(err, format_args!("error: {} {words}\n", first.name));
    }
    there.is_empty()
}

/// Signs what was sealed; the exit code, which was `code` so far.
fn signed(
    arguments: &RunArguments,
    (package, opened): (&Path, Result<Opened<File>, String>),
    signer: &Signer,
    code: u8,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    match opened.map_err(SignFailure::Unreadable).and_then(|opened| sign::sign(package, opened, signer)) {
        Ok(path) => {
            if !arguments.json && !arguments.quiet {
                say(out, format_args!("\n{}\n", sign::signed(&path, signer)));
            }
            code
        }
        Err(error) => {
            let package = package.display();
            say(err, format_args!("error: {package} is sealed, and it is NOT SIGNED: {error}\n"));
            say(err, format_args!("hint: extract sign {package} --key KEY signs it later\n"));
            REFUSED
        }
    }
}

/// How to go on after an error.
pub(super) fn hint(error: &ExtractError) -> Option<&'static str> {
    match error {
        ExtractError::Package(PackageError::OutputExists { .. }) => {
            Some("name another file with --output, or move the existing one away; a sealed package is never replaced")
        }
        ExtractError::Package(PackageError::Leak { kind: LeakKind::Own, .. }) => Some(
            "nothing was disclosed; a place on the server may be called as a place here: run the order with its files, its \
             sources and its output in other folders, and if it is stopped again, tell the makers of the program this line",
        ),
        ExtractError::Package(PackageError::Leak { .. }) => Some(
            "nothing was disclosed; this is a fault of the program, and another run will end the same way: tell its makers \
             this line and the version; what the order comes to is still shown by --dry-run --json",
        ),
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
        ExtractError::Source(error) => source_hint(error),
        ExtractError::Tripped(_) => {
            Some("look at the order with --dry-run after raising the limit; it may be wider than meant")
        }
        _ => None,
    }
}

/// How to go on where a source cannot be opened.
pub(super) fn source_hint(error: &SourceError) -> Option<&'static str> {
    match error {
        SourceError::NeedsMounts { .. } => {
            Some("add `mounts` for the source to the provider file; `extract sources --order ORDER` proposes them")
        }
        SourceError::NoSuchVolume { .. } | SourceError::OtherVolume { .. } => {
            Some("`extract sources --order ORDER` names the volumes of each source")
        }
        SourceError::KeyOpensNothing { .. } => Some(
            "the file must hold the passphrase or the key and nothing else; `extract sources` says what is encrypted",
        ),
        SourceError::Read { source, .. } | SourceError::Volume { source, .. } => match source {
            ReadError::Unsupported { .. } => Some(
                "mount it read-only by other means, name the mounted folder as the source, and say `times = \"original\"` \
                 in the order where its file times are the server's own",
            ),
            ReadError::Io { .. }
            | ReadError::Corrupt { .. }
            | ReadError::Encrypted { .. }
            | ReadError::Limit { .. } => None,
        },
        _ => None,
    }
}
