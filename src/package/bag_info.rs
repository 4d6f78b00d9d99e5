//! `bag-info.txt` (RFC 8493, 2.2.2), and what made a package, as it states that.
//!
//! The versions of the program and of its data on time zones decide with the order and the sources what comes of a run, so
//! that a replay can say where they differ.
//!
//! **Invariant:** an agent is written in one form, and nothing else reads as one.

use std::fmt;

use crate::clock::Timestamp;

/// The text for a package of that order, sealed then, whose `data/` holds so many bytes in so many files.
pub(super) fn text(order_id: &str, sealed: Timestamp, (octets, streams): (u64, u64)) -> String {
    format!(
        "Bag-Software-Agent: {}\nBagging-Date: {}\nExternal-Identifier: {order_id}\nPayload-Oxum: {octets}.{streams}\n",
        Agent::own(),
        sealed.to_utc().date()
    )
}

/// The value of `Bag-Software-Agent` (RFC 8493, 2.2.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Agent {
    /// The version of the program: `0.1.0`.
    pub version: String,
    /// The version of the tz database: `2025b`.
    pub zones: String,
}

impl Agent {
    /// This program.
    pub fn own() -> Self {
        Self { version: env!("CARGO_PKG_VERSION").to_owned(), zones: chrono_tz::IANA_TZDB_VERSION.to_owned() }
    }

    /// What such a value names; none where it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let is_version = |text: &str| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-+".contains(&byte))
        };
        let (version, zones) = text.strip_prefix("extract ")?.split_once(", tz database ")?;
        let are_versions = is_version(version) && is_version(zones);
        are_versions.then(|| Self { version: version.to_owned(), zones: zones.to_owned() })
    }
}

impl fmt::Display for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "extract {}, tz database {}", self.version, self.zones)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_reads_as_what_was_written_and_nothing_else_does() {
        let own = Agent::own();
        assert_eq!(Agent::parse(&own.to_string()), Some(own));
        for text in [
            "",
            "extract 0.1.0",
            "extract 0.1.0, tz database ",
            "extract , tz database 2025b",
            "extract 0.1.0 , tz database 2025b",
            "extract 0.1.0, tz database 2025b, tz database 2025b",
            "extract 0.1.0, tz database 2025b\r",
            "other 0.1.0, tz database 2025b",
            "extract 0.1.0, tz database host.example/x",
        ] {
            assert_eq!(Agent::parse(text), None, "{text}");
        }
    }
}
