//! The lines of one exhibit: their digests, and a line each for `records/NNNNNN.jsonl`.
//!
//! There may be millions, so a line's JSON is put together by hand; a test holds it against [`crate::ledger::RecordLine`].
//!
//! **Invariant:** what is written is, to the byte, what serde_json would write of the same [`crate::ledger::RecordLine`].

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use super::PackageError;
use super::draft::ids;
use super::spool::Spool;
use crate::clock::Timestamp;
use crate::digest::{Digest, Hasher};
use crate::ledger::{Reduced, Timeline};
use crate::scope::ClauseSet;

/// What a record's line says, apart from its number and its clauses.
pub(super) struct Line {
    pub(super) length: u64,
    pub(super) sha256: Digest,
    pub(super) time: Option<Timestamp>,
    pub(super) offset: Option<u64>,
    /// The clauses that took it for its transaction alone.
    pub(super) because: ClauseSet,
}

/// The lines of one exhibit as they come.
pub(super) struct Lines {
    text: Spool,
    text_hasher: Hasher,
    hasher: Hasher,
    timeline: Timeline,
    records: u64,
    scratch: Vec<u8>,
    /// The clauses of the record before, as JSON: most records have the same.
    clauses: (ClauseSet, Vec<u8>),
    /// The time of the record before, as JSON: many have the same.
    time: (Option<Timestamp>, Vec<u8>),
    /// The end of each line: the form in which the records are given.
    end: Vec<u8>,
}

/// The same when all have come.
pub(super) struct LinesDone {
    pub(super) sha256: Digest,
    pub(super) records: u64,
    pub(super) text: Spool,
    pub(super) text_sha256: Digest,
    pub(super) timeline: Timeline,
}

impl Lines {
    /// None yet. `reduced`: in which form they are given, where that is not the whole.
    pub(super) fn new(folder: Arc<Path>, reduced: Option<&Reduced>) -> Result<Self, PackageError> {
        let end = match reduced {
            Some(reduced) => [b",\"reduced\":", serde_json::to_vec(reduced)?.as_slice(), b"}\n"].concat(),
            None => b"}\n".to_vec(),
        };
        Ok(Self {
            text: Spool::new(folder),
            text_hasher: Hasher::new(),
            hasher: Hasher::new(),
            timeline: Timeline::default(),
            records: 0,
            scratch: Vec::new(),
            clauses: (ClauseSet::EMPTY, b"[]".to_vec()),
            time: (None, b"null".to_vec()),
            end,
        })
    }

    /// Takes in the next record.
    pub(super) fn push(
        &mut self,
        clause_ids: &[String],
        clauses: ClauseSet,
        bytes: &[u8],
        line: &Line,
    ) -> Result<(), PackageError> {
        self.hasher.update(bytes);
        self.timeline.add(clauses, line.time);
        self.records = self.records.saturating_add(1);
        if clauses != self.clauses.0 {
            self.clauses = (clauses, serde_json::to_vec(&ids(clause_ids, clauses))?);
        }
        if line.time != self.time.0 {
            self.time = (line.time, serde_json::to_vec(&line.time)?);
        }
        let out = &mut self.scratch;
        out.clear();
        let Line { length, sha256, offset, .. } = line;
        write!(out, "{{\"n\":{},\"length\":{length},\"sha256\":\"{sha256}\",\"time\":", self.records)?;
        out.extend_from_slice(&self.time.1);
        out.extend_from_slice(b",\"clauses\":");
        out.extend_from_slice(&self.clauses.1);
        if let Some(offset) = offset {
            write!(out, ",\"offset\":{offset}")?;
        }
        if !line.because.is_empty() {
            out.extend_from_slice(b",\"because\":");
            serde_json::to_writer(&mut *out, &ids(clause_ids, line.because))?;
        }
        out.extend_from_slice(&self.end);
        self.text_hasher.update(out);
        self.text.write_all(out)?;
        Ok(())
    }

    /// All have come.
    pub(super) fn finish(self) -> LinesDone {
        LinesDone {
            sha256: self.hasher.finish(),
            records: self.records,
            text: self.text,
            text_sha256: self.text_hasher.finish(),
            timeline: self.timeline,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{self, RecordLine};

    #[test]
    fn a_line_is_what_the_ledger_says_a_line_is() {
        let clause_ids = ["3a".to_owned(), "b \"c\" \u{1}".to_owned(), "d".to_owned()];
        let times =
            [None, Timestamp::new(0, 0), Timestamp::new(1_711_846_800, 120_000_000), Timestamp::new(0, 0), None];
        let sets = [ClauseSet::one(0), [0, 1].into_iter().collect(), [0, 1].into_iter().collect(), ClauseSet::one(2)];
        let fields = Some(Reduced { fields: Some(vec!["time".into(), "a \"b\"".into()]), ..Reduced::default() });
        for reduced in [None, fields] {
            lines_are(&clause_ids, &times, &sets, reduced);
        }
    }

    fn lines_are(clause_ids: &[String], times: &[Option<Timestamp>], sets: &[ClauseSet], reduced: Option<Reduced>) {
        let folder = tempfile::tempdir().unwrap();
        let mut lines = Lines::new(folder.path().into(), reduced.as_ref()).unwrap();
        let (mut expected, mut all) = (Vec::new(), Vec::new());
        for (n, (&time, &clauses)) in (1u64..=40).zip(times.iter().cycle().zip(sets.iter().cycle())) {
            let bytes = format!("record {n}\n").into_bytes();
            let offset = (n % 3 == 0).then_some(n * 100);
            let because = if n % 5 == 0 { clauses } else { ClauseSet::EMPTY };
            let line = Line { length: bytes.len() as u64, sha256: Digest::of(&bytes), time, offset, because };
            lines.push(clause_ids, clauses, &bytes, &line).unwrap();
            let Line { length, sha256, time, offset, because } = line;
            let because = (!because.is_empty()).then(|| ids(clause_ids, because));
            let (clauses, reduced) = (ids(clause_ids, clauses), reduced.clone());
            let line = RecordLine { n, length, sha256, time, clauses, offset, because, reduced };
            expected.extend(ledger::line(&line).unwrap());
            all.extend(bytes);
        }
        let done = lines.finish();
        let (length, mut text) = (done.text.length(), Vec::new());
        done.text.into_reader().unwrap().pass(length, &mut text, &mut |_| {}).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), String::from_utf8(expected.clone()).unwrap());
        assert_eq!((done.records, done.sha256, done.text_sha256), (40, Digest::of(&all), Digest::of(&expected)));
    }
}
