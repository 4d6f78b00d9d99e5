//! `extract explain --order ORDER PATH[:OFFSET]...`, `--undecided`: answers for the provider's staff.
//!
//! **Invariant:** nothing is written; the answers go to standard output.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::atomic::AtomicBool;

use super::argument::ExplainArguments;
use super::progress::Bar;
use super::run::load;
use super::{COMPLETE, INVALID, REFUSED, say};
use crate::clock;
use crate::extract::{Job, Output, Question, explain};

/// Answers; the exit code.
pub fn run(arguments: &ExplainArguments, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    // An explanation has no custodian: nothing is disclosed.
    let loaded = match load(&arguments.order, &arguments.given, Some("nobody")) {
        Ok(loaded) => loaded,
        Err(error) => {
            say(err, format_args!("error: {error}\n"));
            return INVALID;
        }
    };
    let mut questions: Vec<Question> = arguments.places.iter().map(|place| question(place)).collect();
    if arguments.undecided {
        questions.push(Question::Undecided);
    }
    let bar = Bar::new(true);
    let stop = AtomicBool::new(false);
    let job = Job {
        order: &loaded.order,
        provider: loaded.provider.as_ref(),
        sources: loaded.locations.clone(),
        threads: 1,
        output: Output::Preview { spool: std::env::temp_dir() },
        progress: &bar,
        stop: &stop,
        now: clock::now,
    };
    match explain(&job, &questions) {
        Ok(answer) => {
            say(out, format_args!("{answer}"));
            COMPLETE
        }
        Err(error) => {
            say(err, format_args!("error: {error}\n"));
            REFUSED
        }
    }
}

/// `PATH` or `PATH:OFFSET`: what stands behind the last colon is an offset if it is a number.
fn question(place: &OsStr) -> Question {
    let bytes = place.as_bytes();
    let colon = bytes.iter().rposition(|&byte| byte == b':');
    let parts = colon.and_then(|at| Some((bytes.get(..at)?, bytes.get(at + 1..)?)));
    let offset = parts.and_then(|(path, digits)| {
        let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        let offset = is_number.then(|| std::str::from_utf8(digits).ok()?.parse().ok())??;
        Some(Question::Record(path.to_vec(), offset))
    });
    offset.unwrap_or_else(|| Question::Path(bytes.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_a_number_behind_the_last_colon() {
        let path = |text: &str| Question::Path(text.as_bytes().to_vec());
        assert_eq!(question(OsStr::new("/a/b")), path("/a/b"));
        assert_eq!(question(OsStr::new("/a/b:12")), Question::Record(b"/a/b".to_vec(), 12));
        assert_eq!(question(OsStr::new("/a:1/b")), path("/a:1/b"));
        assert_eq!(question(OsStr::new("/a/1.mx:2,S")), path("/a/1.mx:2,S"));
        assert_eq!(question(OsStr::new("/a:")), path("/a:"));
    }
}
