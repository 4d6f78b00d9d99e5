//! `extract sources --order ORDER`: what the sources of an order hold, for the provider's staff.
//!
//! **Invariant:** nothing is written; of files no name is told.

use std::fmt::Write as _;
use std::io::Write;

use super::argument::SourcesArguments;
use super::manifest;
use super::run::{given, source_hint};
use super::{COMPLETE, INVALID, REFUSED, colour, say};
use crate::journal::Journal;
use crate::source::{Survey, Surveyed};

/// Looks at every source; the exit code.
pub fn run(arguments: &SourcesArguments, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let loaded = manifest::load_sources(&arguments.order, &given(&arguments.given), colour());
    let sources = match loaded {
        Ok(sources) => sources,
        Err(error) => {
            say(err, format_args!("error: {error}\n"));
            return INVALID;
        }
    };
    let mut code = COMPLETE;
    for (declared, location) in &sources {
        match Survey::of(declared, location) {
            Ok(survey) => say(out, format_args!("{}", described(&survey, location.mounts.is_empty()))),
            Err(error) => {
                say(err, format_args!("error: {error}\n"));
                if let Some(hint) = source_hint(&error) {
                    say(err, format_args!("hint: {hint}\n"));
                }
                code = REFUSED;
            }
        }
    }
    code
}

fn described(survey: &Survey, is_unmounted: bool) -> String {
    let mut text = match survey.stored {
        None => format!("{}: {}\n", survey.name, survey.kind.name()),
        Some((files, bytes)) => {
            let files = if files == 1 { "1 file".to_owned() } else { format!("{files} files") };
            format!("{}: {}, {files}, {bytes} bytes\n", survey.name, survey.kind.name())
        }
    };
    let width = survey.volumes.iter().map(|volume| volume.name.chars().count()).max().unwrap_or(0);
    for volume in &survey.volumes {
        let _ = writeln!(text, "  {:<width$}  {}", volume.name, words(volume));
    }
    if is_unmounted && survey.needs_mounts() {
        text.push_str("  several file systems: the provider file must say where each stands (`mounts`)\n");
    }
    for (volume, mounts) in survey.proposals.iter().filter(|_| is_unmounted) {
        let pairs: Vec<String> =
            mounts.iter().map(|(volume, at)| format!("{} = {}", quoted(volume), quoted(at))).collect();
        let _ = writeln!(text, "  the table of mounts on {volume} would say: mounts = {{ {} }}", pairs.join(", "));
    }
    text
}

fn words(volume: &Surveyed) -> String {
    let mut words = format!("{} bytes", volume.size_bytes);
    if !volume.layers.is_empty() {
        let _ = write!(words, ", {}", volume.layers.join(" > "));
    }
    let _ = write!(words, ": {}", volume.holds);
    let journal = match volume.journal {
        None | Some(Journal::None) => "",
        Some(Journal::Clean) => ", journal clean",
        Some(Journal::Replayed) => ", journal replayed in memory",
        Some(Journal::NotReplayed) => ", journal holds changes that cannot be applied: a run will be short",
    };
    words.push_str(journal);
    words
}

/// As TOML writes a text.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
