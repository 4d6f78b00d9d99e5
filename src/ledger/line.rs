//! The lines of the ledger: one an exhibit in `exhibits.jsonl`, one a record in `records/NNNNNN.jsonl`.
//!
//! **Invariant:** a line says nothing of what was not disclosed; its keys and their order are those of the contract.

use serde::{Deserialize, Serialize};

use super::{Reduced, json};
use crate::clock::Timestamp;
use crate::digest::Digest;
use crate::order::{Clock, Extension, Format};
use crate::scope::Stamp;

/// How an exhibit was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TakeName {
    /// A whole file.
    Files,
    /// Records of a stream.
    Records,
}

/// One line of `exhibits.jsonl`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExhibitLine {
    /// Its number, from 1.
    pub exhibit: u32,
    /// Its file below the top folder: `data/NNNNNN.EXT`.
    pub file: String,
    /// SHA-256 of that file.
    pub sha256: Digest,
    /// Size of that file in bytes.
    pub bytes: u64,
    /// How it was taken.
    pub take: TakeName,
    /// The format of its records; null for a whole file.
    #[serde(with = "json::format")]
    pub format: Option<Format>,
    /// How many records: 1 for a message, null for a whole file.
    pub records: Option<u64>,
    /// The ids of the clauses that let it out, in the order of the order.
    pub clauses: Vec<String>,
    /// The name of its source in the order.
    pub source: String,
    /// The volume; null in a folder.
    pub volume: Option<String>,
    /// The file system's kind; null in a folder.
    pub filesystem: Option<String>,
    /// The server's path; bytes that are not UTF-8 escaped (see [`escaped_path`]).
    pub path: String,
    /// The exact path in base64 (RFC 4648, 4), where it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_base64: Option<String>,
    /// Its time on `clock`; null where that clock does not count, and where `records/` holds the times.
    pub time: Option<Timestamp>,
    /// Whose time that is; null where `time` is.
    #[serde(with = "json::clock")]
    pub clock: Option<Clock>,
    /// Its times on the clocks of other clauses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<Times>,
    /// For a message, with `disclose.positions`: where it begins in the (decompressed) stream, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Where it is less than what was found: in which form it is given. Of lines and rows, each of them is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reduced: Option<Reduced>,
}

/// One line of `records/NNNNNN.jsonl`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordLine {
    /// Its number in the exhibit, from 1.
    pub n: u64,
    /// Its length in bytes, line end included.
    pub length: u64,
    /// SHA-256 of those bytes.
    pub sha256: Digest,
    /// The time that it carries; null where it carries none that can be read.
    pub time: Option<Timestamp>,
    /// The ids of the clauses that let it out, in the order of the order.
    pub clauses: Vec<String>,
    /// With `disclose.positions`: where it begins in the (decompressed) stream, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// The ids of the clauses that took it for its transaction alone (`join`); absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<Vec<String>>,
    /// Where it is less than the record: in which form it is given. `length` and `sha256` are of that form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reduced: Option<Reduced>,
}

impl ExhibitLine {
    /// What the name of its file ends with.
    pub fn extension(&self) -> Extension {
        Reduced::extension(self.reduced.as_ref(), self.format)
    }

    /// Its exact path on the server; none where its two forms are not one path, or it does not begin at the root.
    pub fn exact_path(&self) -> Option<Vec<u8>> {
        use base64::Engine as _;
        let path = match &self.path_base64 {
            None => self.path.clone().into_bytes(),
            Some(text) => base64::engine::general_purpose::STANDARD.decode(text).ok()?,
        };
        let (text, exact) = escaped_path(&path);
        (text == self.path && exact == self.path_base64 && path.first() == Some(&b'/')).then_some(path)
    }
}

/// Times by clock, in the order of [`Clock::ALL`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Times {
    /// [`Clock::Modified`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Timestamp>,
    /// [`Clock::Changed`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Timestamp>,
    /// [`Clock::Created`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// [`Clock::Accessed`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accessed: Option<Timestamp>,
    /// [`Clock::Record`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Timestamp>,
    /// [`Clock::DateHeader`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_header: Option<Timestamp>,
    /// [`Clock::Received`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<Timestamp>,
    /// [`Clock::Delivered`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<Timestamp>,
}

impl Times {
    /// The clocks of a stamp other than its main one; none where there is none.
    pub fn of(stamp: &Stamp) -> Option<Self> {
        let mut times = Self::default();
        let mut any = false;
        for (clock, at) in stamp.others.iter().flatten() {
            any = true;
            let slot = match clock {
                Clock::Modified => &mut times.modified,
                Clock::Changed => &mut times.changed,
                Clock::Created => &mut times.created,
                Clock::Accessed => &mut times.accessed,
                Clock::Record => &mut times.record,
                Clock::DateHeader => &mut times.date_header,
                Clock::Received => &mut times.received,
                Clock::Delivered => &mut times.delivered,
            };
            *slot = Some(*at);
        }
        any.then_some(times)
    }

    /// The time on a clock.
    pub fn on(&self, clock: Clock) -> Option<Timestamp> {
        match clock {
            Clock::Modified => self.modified,
            Clock::Changed => self.changed,
            Clock::Created => self.created,
            Clock::Accessed => self.accessed,
            Clock::Record => self.record,
            Clock::DateHeader => self.date_header,
            Clock::Received => self.received,
            Clock::Delivered => self.delivered,
        }
    }
}

/// A path as the ledger states it: `path`, and `path_base64` where it is not UTF-8. Then each byte that is not part of a
/// UTF-8 sequence is `\xNN` in lower case and a backslash is doubled, so that two paths never read the same.
pub fn escaped_path(path: &[u8]) -> (String, Option<String>) {
    use base64::Engine as _;
    if let Ok(text) = std::str::from_utf8(path) {
        return (text.to_owned(), None);
    }
    let mut out = String::with_capacity(path.len());
    for chunk in path.utf8_chunks() {
        out.push_str(&chunk.valid().replace('\\', "\\\\"));
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    (out, Some(base64::engine::general_purpose::STANDARD.encode(path)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::{Reduction, Unit};

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn an_exhibit_has_the_keys_of_the_contract_in_their_order() {
        let mut exhibit = ExhibitLine {
            exhibit: 7,
            file: "data/000007.bin".into(),
            sha256: Digest::of(b""),
            bytes: 0,
            take: TakeName::Files,
            format: None,
            records: None,
            clauses: vec!["3a".into(), "4".into()],
            source: "mail01".into(),
            volume: None,
            filesystem: None,
            path: "/a".into(),
            path_base64: None,
            time: None,
            clock: None,
            times: None,
            offset: None,
            reduced: None,
        };
        let text = String::from_utf8(json::line(&exhibit).unwrap()).unwrap();
        let empty = Digest::of(b"");
        assert_eq!(
            text,
            format!(
                "{{\"exhibit\":7,\"file\":\"data/000007.bin\",\"sha256\":\"{empty}\",\"bytes\":0,\"take\":\"files\",\
                 \"format\":null,\"records\":null,\"clauses\":[\"3a\",\"4\"],\"source\":\"mail01\",\"volume\":null,\
                 \"filesystem\":null,\"path\":\"/a\",\"time\":null,\"clock\":null}}\n"
            )
        );
        exhibit.take = TakeName::Records;
        exhibit.format = Some(Format::Mbox);
        exhibit.records = Some(1);
        exhibit.path_base64 = Some("L/8=".into());
        exhibit.time = Some(at("2024-03-31T01:00:00.5Z"));
        exhibit.clock = Some(Clock::DateHeader);
        exhibit.times = Times::of(&Stamp {
            main: None,
            others: [
                Some((Clock::Modified, at("2024-01-01T00:00:00Z"))),
                Some((Clock::Accessed, at("2024-01-02T00:00:00Z"))),
                None,
            ],
        });
        exhibit.offset = Some(9);
        exhibit.reduced = Some(Reduced::of(&Reduction::Unit(Unit::MessageWithoutAttachments), Some(2)));
        let text = String::from_utf8(json::line(&exhibit).unwrap()).unwrap();
        let end = "\"path\":\"/a\",\"path_base64\":\"L/8=\",\"time\":\"2024-03-31T01:00:00.5Z\",\"clock\":\"date-header\",\
                   \"times\":{\"modified\":\"2024-01-01T00:00:00Z\",\"accessed\":\"2024-01-02T00:00:00Z\"},\"offset\":9,\
                   \"reduced\":{\"unit\":\"message-without-attachments\",\"left_out\":2}}\n";
        assert!(text.ends_with(end), "{text}");
        assert_eq!(serde_json::from_str::<ExhibitLine>(&text).unwrap(), exhibit);
    }

    #[test]
    fn a_line_with_an_unknown_or_missing_key_does_not_read() {
        let good = RecordLine {
            n: 1,
            length: 2,
            sha256: Digest::of(b"x\n"),
            time: None,
            clauses: vec!["1".into()],
            offset: None,
            because: None,
            reduced: None,
        };
        let text = String::from_utf8(json::line(&good).unwrap()).unwrap();
        assert_eq!(serde_json::from_str::<RecordLine>(&text).unwrap(), good);
        assert!(serde_json::from_str::<RecordLine>(&text.replace("\"n\":1", "\"n\":1,\"m\":1")).is_err());
        assert!(serde_json::from_str::<RecordLine>(&text.replace("\"n\":1,", "")).is_err());
        assert!(serde_json::from_str::<RecordLine>(&text.replace("\"n\":1", "\"n\":1.0")).is_err());
    }

    #[test]
    fn a_path_that_is_not_utf8_is_escaped_and_exact_in_base64() {
        assert_eq!(escaped_path("/caf\u{e9}\\x".as_bytes()), ("/caf\u{e9}\\x".into(), None));
        let (text, exact) = escaped_path(b"/caf\xe9\\x\xff");
        assert_eq!(text, "/caf\\xe9\\\\x\\xff");
        assert_eq!(exact.as_deref(), Some("L2NhZulceP8="));
    }
}
