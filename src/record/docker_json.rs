//! What Docker keeps of a container's output: the `json-file` log driver, one object a line.
//!
//! `{"log":"text\n","stream":"stdout","attrs":{...},"time":"2016-01-07T16:49:10.237222Z"}`. Source: moby,
//! `daemon/logger/jsonfilelog/jsonlog`. What a container writes stands escaped in `log`, so that it can forge no other
//! member; output over 16 KiB a line is in several records. Docker writes `time` in UTC with its `Z`; one without a zone is
//! read as any local time: the source's zone decides.
//!
//! **Invariant:** a line with another member, or without one `time` that is a string, is not parsed.

use std::io::Read;
use std::path::Path;

use super::json::{self, Item};
use super::line::{self, LineFormat};
use super::{RecordFormat, RecordSink, SplitError, jsonl};
use crate::order::{Clock, Family, Format, Role};
use crate::scope::{Fields, Reading, TimeField, Value, read_time};

/// The format.
pub struct DockerJson;

impl RecordFormat for DockerJson {
    fn format(&self) -> Format {
        Format::DockerJson
    }

    fn sign(&self) -> &'static str {
        "more than three quarters of the lines at its beginning are objects with the members of Docker"
    }

    fn probe(&self, head: &[u8], whole: bool) -> bool {
        claims(head, whole)
    }

    fn split(&self, stream: &mut dyn Read, _: Option<&Path>, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        line::split::<Self>(stream, sink)
    }
}

impl LineFormat for DockerJson {
    type Line<'a> = Line<'a>;

    fn line(bytes: &[u8]) -> Line<'_> {
        Line(jsonl::Line::new(bytes))
    }
}

/// More than three quarters of the lines have this shape.
pub(super) fn claims(head: &[u8], whole: bool) -> bool {
    jsonl::mostly(head, whole, |head| head.starts_with(b"{\"log\":\""), |line| DockerJson::line(line).parsed())
}

/// One line.
pub struct Line<'a>(jsonl::Line<'a>);

impl Fields for Line<'_> {
    fn beneath(&self) -> Option<&dyn Fields> {
        Some(&self.0)
    }

    fn family(&self) -> Family {
        Family::Line
    }

    fn parsed(&self) -> bool {
        let (mut foreign, mut logs, mut times) = (false, 0, 0);
        let whole = json::walk(self.0.bytes(), &mut |path, item| match (path, item) {
            (Some([]), Item::Key(b"log" | b"stream" | b"attrs" | b"time")) => {}
            (Some([]), Item::Key(_)) => foreign = true,
            (Some([name]), item) => match (&**name, item) {
                (b"log", Item::Text(_)) => logs += 1,
                (b"time", Item::Text(_)) => times += 1,
                (b"log" | b"time", Item::Bare(_) | Item::Null | Item::Inner) => foreign = true,
                _ => {}
            },
            _ => {}
        });
        whole.is_some() && !foreign && logs == 1 && times == 1
    }

    fn time(&self, clock: Clock) -> TimeField {
        if clock != Clock::Record {
            return TimeField::Lacks;
        }
        let (mut time, mut count) = (TimeField::Unreadable, 0);
        let reading = self.0.column("time", &mut |text| (time, count) = (read_time(text, None), count + 1));
        if count == 1 && reading == Reading::Complete { time } else { TimeField::Unreadable }
    }

    fn values(&self, role: Role, visit: &mut dyn FnMut(Value<'_>)) -> Reading {
        self.0.values(role, visit)
    }

    fn texts(&self, visit: &mut dyn FnMut(&[u8])) -> Reading {
        self.0.texts(visit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_members_of_docker_make_a_line() {
        let long = "x".repeat(300_000);
        for (line, expected) in [
            (r#"{"log":"a\n","stream":"stdout","time":"2016-01-07T16:49:10.237222729Z"}"#.to_owned(), true),
            (r#"{"log":"","stream":"stderr","attrs":{"tag":"x"},"time":"2016-01-07T16:49:10Z"}"#.to_owned(), true),
            (format!(r#"{{"log":"{long}","stream":"stdout","time":"2016-01-07T16:49:10Z"}}"#), true),
            (r#"{"log":"a","stream":"stdout"}"#.to_owned(), false),
            (r#"{"log":"a","time":5}"#.to_owned(), false),
            (r#"{"log":"a","time":"x","time":"y"}"#.to_owned(), false),
            (r#"{"log":"a","time":"x","level":"info"}"#.to_owned(), false),
            (r#"{"message":"a","time":"2016-01-07T16:49:10Z"}"#.to_owned(), false),
        ] {
            assert_eq!(DockerJson::line(line.as_bytes()).parsed(), expected, "{line:.80}");
            assert_eq!(DockerJson.probe(line.as_bytes(), true), expected, "{line:.80}");
            assert_eq!(jsonl::Jsonl.probe(line.as_bytes(), true), !expected, "{line:.80}");
        }
    }

    #[test]
    fn what_a_container_writes_forges_no_time() {
        let forged =
            br#"{"log":"\",\"time\":\"1999-01-01T00:00:00Z\"}\n","stream":"stdout","time":"2016-01-07T16:49:10Z"}"#;
        let line = DockerJson::line(forged);
        assert!(line.parsed());
        assert_eq!(line.time(Clock::Record), read_time(b"2016-01-07T16:49:10Z", None));
        assert!(matches!(
            DockerJson::line(br#"{"log":"a","time":"2016-01-07T16:49:10.237222"}"#).time(Clock::Record),
            TimeField::Local(_)
        ));
    }
}
