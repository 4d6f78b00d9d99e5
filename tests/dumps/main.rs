//! Dumps of databases: what comes out of them as rows, what is counted as unreadable, and what an order takes of them.

#[path = "../case/mod.rs"]
mod case;
#[path = "../chunked/mod.rs"]
mod chunked;
mod corpus;
mod program;
mod property;
mod sample;

use std::io::Read;

use extract::order::Format;
use extract::record::{RecordSink, SplitError, Stop, Unreadable, format};
use extract::scope::RawRecord;

/// What a dump came to.
#[derive(Default, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Rendered rows, without their line ends.
    pub rows: Vec<String>,
    /// Bytes that could not be read, and why.
    pub lost: Vec<(u64, Unreadable)>,
    /// Rows are counted and not kept.
    pub is_lean: bool,
    /// How many.
    pub count: u64,
    given: u64,
}

impl RecordSink for Seen {
    fn record(&mut self, record: RawRecord<'_>) -> Result<(), Stop> {
        assert_eq!(record.offset, self.given, "an offset counts all that was handed over");
        assert!(record.fields.parsed());
        self.given += record.bytes.len() as u64;
        self.count += 1;
        if !self.is_lean {
            let line = record.bytes.strip_suffix(b"\n").expect("a row is a line");
            self.rows.push(String::from_utf8(line.to_vec()).expect("JSON is UTF-8"));
        }
        Ok(())
    }

    fn separator(&mut self, _: u64) {
        panic!("what stands between rows is not rendered");
    }

    fn unreadable(&mut self, bytes: u64, why: Unreadable) {
        assert!(bytes > 0, "nothing is not lost");
        self.given += bytes;
        self.lost.push((bytes, why));
    }
}

/// Reads a dump to its end, or to the first error of its stream.
pub fn read(which: Format, stream: &mut dyn Read) -> (Seen, Result<(), SplitError>) {
    let mut seen = Seen::default();
    let result = format(which).split(stream, None, &mut seen);
    (seen, result)
}

/// Reads a dump that is held in memory.
pub fn seen(which: Format, dump: impl AsRef<[u8]>) -> Seen {
    let (seen, result) = read(which, &mut dump.as_ref());
    result.expect("nothing fails in memory");
    seen
}
