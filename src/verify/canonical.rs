//! JSON of a package, read strictly: what the writer would write again, to the byte, or it is objected to.
//!
//! Two readers may take white space, the order of keys, a key given twice or a number's form in two ways; so there is
//! one form only.
//!
//! **Invariant:** a value in hand is written exactly as the bytes that it was read from.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::check::printable;
use crate::ledger::{self, RecordLine};

/// Reads one line, given without its LF. The error says what is wrong with it, in a few words.
pub(super) fn read<T: Serialize + DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    ledger::read(line).map_err(|error| printable(error.to_string().as_bytes()))
}

/// Reads one line of `records/`, as [`read`] does.
pub(super) fn record(line: &[u8]) -> Result<RecordLine, String> {
    RecordLine::read(line).map_err(|error| printable(error.to_string().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_one_form_is_read() {
        let good = format!(r#"{{"n":1,"length":2,"sha256":"{}","time":null,"clauses":["a"]}}"#, "0".repeat(64));
        assert!(read::<RecordLine>(good.as_bytes()).is_ok());
        for (from, to) in [
            ("\"n\":1", "\"n\": 1"),
            ("\"n\":1,\"length\":2", "\"length\":2,\"n\":1"),
            ("\"n\":1", "\"n\":1,\"n\":1"),
            ("\"n\":1", "\"n\":1.0"),
            ("\"n\":1", "\"n\":01"),
            ("\"n\":1", "\"m\":1,\"n\":1"),
            ("\"a\"", "\"\\u0061\""),
            ("null", "\"2024-03-31T01:00:00+00:00\""),
            ("null", "\"2024-03-31T01:00:00.0Z\""),
            ("]}", "],\"offset\":null}"),
            ("{", "\u{feff}{"),
            ("]}", "]}\r"),
            ("]}", "]}{}"),
        ] {
            assert!(read::<RecordLine>(good.replacen(from, to, 1).as_bytes()).is_err(), "{to}");
        }
    }
}
