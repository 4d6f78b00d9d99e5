//! The command line: the only part that prints, exits, reads the environment and asks the time.
//!
//! **Invariant:** nothing below this folder knows of it.

pub mod argument;
pub mod check;
mod explain;
mod file;
mod identity;
mod key;
pub mod manifest;
mod operator;
mod own_name;
mod progress;
mod receipt;
mod replay;
mod run;
mod sign;
mod sources;
mod stamp;
pub mod verify;

use std::ffi::OsString;
use std::io::{IsTerminal as _, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;

use argument::{Arguments, Command};

/// The order was carried out and answered in full.
const COMPLETE: u8 = 0;
/// Refused, or `verify` has findings, or `replay` gives something else.
const REFUSED: u8 = 1;
/// The command line or the order is not valid.
const INVALID: u8 = 2;
/// Sealed, or previewed, with something short, undecided or unanswered.
const SHORT: u8 = 3;

/// Runs the command line. It ends by itself, with a usage text, where the command line is not valid.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(usage) => {
            let _ = usage.print();
            return if usage.use_stderr() { INVALID.into() } else { COMPLETE.into() };
        }
    };
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    raise_file_limit();
    match arguments.command {
        None => run::run(&arguments.run, &mut out, &mut err),
        Some(Command::Check { order, fix_salt }) => check_order(&order, fix_salt, &mut out, &mut err),
        Some(Command::Verify(arguments)) => verify::run(&arguments, &mut out, &mut err),
        Some(Command::Sign { package, key, identities }) => sign::run(&package, &key, &identities, &mut out, &mut err),
        Some(Command::Stamp(arguments)) => stamp::run(&arguments, &mut out, &mut err),
        Some(Command::Receipt(arguments)) => receipt::run(&arguments, &mut out, &mut err),
        Some(Command::Explain(arguments)) => explain::run(&arguments, &mut out, &mut err),
        Some(Command::Replay(arguments)) => replay::run(&arguments, &mut out, &mut err),
        Some(Command::Sources(arguments)) => sources::run(&arguments, &mut out, &mut err),
    }
    .into()
}

fn check_order(order: &Path, fix_salt: bool, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    if fix_salt {
        match check::fix_salt(order) {
            Ok(true) => say(err, format_args!("the provider file has a new salt\n")),
            Ok(false) => say(err, format_args!("the provider file has a salt: it stays as it is\n")),
            Err(error) => {
                say(err, format_args!("error: {error}\n"));
                return INVALID;
            }
        }
    }
    match check::check(order, colour()) {
        Ok(checked) => {
            say(out, format_args!("{}", checked.summary));
            say(err, format_args!("{}", checked.findings));
            if checked.valid { COMPLETE } else { INVALID }
        }
        Err(error) => {
            say(err, format_args!("error: {error}\n"));
            INVALID
        }
    }
}

/// Every archive that a clause opens, and every segment of an image, is an open file: as many as this machine allows.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Where it cannot be raised, what cannot be opened later is said there.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

/// Standard error, or standard output, may be closed: there is nobody left to tell.
fn say(to: &mut dyn Write, words: std::fmt::Arguments<'_>) {
    let _ = to.write_fmt(words);
}

/// Whether findings are coloured: on a terminal, unless `NO_COLOR` says otherwise.
fn colour() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}
