//! The custody log: who did what when, each line bound to the one before it by its SHA-256.
//!
//! The first line is bound to the order, the last one binds the disclosure's digest and the payload manifest. Events are a
//! closed list, so that no path, login or host name can slip into one.
//!
//! **Invariant:** a line changed, removed or moved breaks every `prev` after it.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::digest::Digest;
use crate::ledger::Chain;

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event<'a> {
    /// The order was read and found valid.
    OrderRead,
    /// A source was opened for reading.
    SourceOpened {
        /// Its name in the order.
        name: &'a str,
    },
    /// A source's stored bytes were hashed.
    SourceHashed {
        /// Its name in the order.
        name: &'a str,
        /// Their SHA-256.
        sha256: Digest,
        /// The order states that SHA-256.
        as_received: bool,
    },
    /// All reading was done, and what was opened had not changed. It does not say that everything could be read.
    SourcesRead,
}

impl Event<'_> {
    /// In words.
    pub fn words(self) -> String {
        match self {
            Self::OrderRead => "order read".to_owned(),
            Self::SourceOpened { name } => format!("source {name} opened read-only"),
            Self::SourceHashed { name, sha256, as_received: true } => {
                format!("source {name} has SHA-256 {sha256}, as the order states")
            }
            Self::SourceHashed { name, sha256, as_received: false } => format!("source {name} has SHA-256 {sha256}"),
            Self::SourcesRead => "reading ended; everything that was opened found unchanged".to_owned(),
        }
    }
}

/// The event of the last line.
pub const SEALED: &str = "package sealed";

/// One line of `custody.jsonl`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustodyLine {
    /// From 1.
    pub seq: u64,
    /// UTC, to the second.
    pub time: Timestamp,
    /// What happened.
    pub event: String,
    /// SHA-256 of the line before with its LF; of the first line, of `order.toml`.
    pub prev: Digest,
    /// In the first line: who runs the disclosure, as given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custodian: Option<String>,
    /// In the last line: the disclosure's digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// In the last line: SHA-256 of `manifest-sha256.txt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_sha256: Option<Digest>,
}

/// The log as it grows.
#[derive(Clone, Debug)]
pub struct CustodyLog {
    lines: Vec<u8>,
    chain: Chain,
    custodian: Option<String>,
}

impl CustodyLog {
    /// An empty log, bound to the order; `custodian` is the name as given.
    pub fn new(order_sha256: Digest, custodian: &str) -> Self {
        Self { lines: Vec::new(), chain: Chain::new(order_sha256), custodian: Some(custodian.to_owned()) }
    }

    /// The next event, at `time` (of which whole seconds count).
    pub fn event(&mut self, time: Timestamp, event: Event<'_>) -> serde_json::Result<()> {
        self.push(time, event.words(), None)
    }

    /// The last event; all lines.
    pub(super) fn seal(
        mut self,
        time: Timestamp,
        digest: Digest,
        manifest_sha256: Digest,
    ) -> serde_json::Result<Vec<u8>> {
        self.push(time, SEALED.to_owned(), Some((digest, manifest_sha256)))?;
        Ok(self.lines)
    }

    fn push(&mut self, time: Timestamp, event: String, last: Option<(Digest, Digest)>) -> serde_json::Result<()> {
        let line = self.chain.link(|seq, prev| CustodyLine {
            seq,
            time: Timestamp::new(time.seconds(), 0).unwrap_or(time),
            event,
            prev,
            custodian: self.custodian.take(),
            digest: last.map(|(digest, _)| digest),
            manifest_sha256: last.map(|(_, manifest)| manifest),
        })?;
        self.lines.extend_from_slice(&line);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_event_says_that_all_was_read() {
        let name = "mail01";
        let hashed = |as_received| Event::SourceHashed { name, sha256: Digest::of(b""), as_received };
        let events = [Event::OrderRead, Event::SourceOpened { name }, hashed(true), hashed(false), Event::SourcesRead];
        for words in events.map(Event::words) {
            assert!(!words.contains("to the end") && !words.contains("all "), "{words}");
        }
    }

    #[test]
    fn each_line_is_bound_to_the_one_before() {
        let order = Digest::of(b"order");
        let at = Timestamp::parse_rfc3339("2024-04-09T09:40:00.9Z").unwrap();
        let mut log = CustodyLog::new(order, "Duty officer \"7\"");
        log.event(at, Event::OrderRead).unwrap();
        log.event(at, Event::SourceOpened { name: "mail01" }).unwrap();
        log.event(at, Event::SourceHashed { name: "mail01", sha256: order, as_received: true }).unwrap();
        let text = String::from_utf8(log.seal(at, Digest::of(b"d"), Digest::of(b"m")).unwrap()).unwrap();
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        assert_eq!(
            lines[0],
            format!(
                "{{\"seq\":1,\"time\":\"2024-04-09T09:40:00Z\",\"event\":\"order read\",\"prev\":\"{order}\",\
                 \"custodian\":\"Duty officer \\\"7\\\"\"}}\n"
            )
        );
        let mut prev = order;
        for (line, seq) in lines.iter().zip(1..) {
            let read: CustodyLine = serde_json::from_str(line).unwrap();
            assert_eq!((read.seq, read.prev), (seq, prev));
            assert_eq!(read.digest.is_some(), seq == 4);
            prev = Digest::of(line.as_bytes());
        }
        let last: CustodyLine = serde_json::from_str(lines[3]).unwrap();
        assert_eq!((last.event.as_str(), last.digest), (SEALED, Some(Digest::of(b"d"))));
        assert_eq!(last.manifest_sha256, Some(Digest::of(b"m")));
    }
}
