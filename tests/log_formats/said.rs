//! What a record of a log says, on one line.

use extract::order::{Clock, Format, Role};
use extract::record::{RecordSink, Stop, Unreadable, format};
use extract::scope::{Fields, RawRecord, Reading, TimeField, Value};

/// One record: its bytes, whether it is parsed, and its fields.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    pub bytes: Vec<u8>,
    pub is_parsed: bool,
    /// `time 2024-05-01T12:00:00Z; from a@b; to -; client ?`: an instant ends in `Z`, `-` is none, a `?` is partial.
    pub fields: String,
}

#[derive(Default)]
struct Keep(Vec<Said>);

impl RecordSink for Keep {
    fn record(&mut self, record: RawRecord<'_>) -> Result<(), Stop> {
        self.0.push(Said {
            bytes: record.bytes.to_vec(),
            is_parsed: record.fields.parsed(),
            fields: fields(record.fields),
        });
        Ok(())
    }

    fn separator(&mut self, bytes: u64) {
        panic!("{bytes} bytes between records of a log");
    }

    fn unreadable(&mut self, bytes: u64, why: Unreadable) {
        panic!("{bytes} bytes are unreadable: {why:?}");
    }
}

/// The records of a text.
pub fn records(which: Format, text: &[u8]) -> Vec<Said> {
    let mut keep = Keep::default();
    format(which).split(&mut { text }, None, &mut keep).expect("a text is read to its end");
    keep.0
}

fn fields(fields: &dyn Fields) -> String {
    let mut said = format!("time {}", time(fields.time(Clock::Record)));
    for role in [Role::From, Role::To, Role::Client, Role::User] {
        let mut values = Vec::new();
        let reading = fields.values(role, &mut |value| values.push(spelt(value)));
        // A role that the format does not have is not worth a word.
        if reading == Reading::Partial && values.is_empty() {
            values.push("?".to_owned());
        } else if reading == Reading::Partial {
            values.push("and ?".to_owned());
        } else if values.is_empty() {
            values.push("-".to_owned());
        }
        said.push_str(&format!("; {} {}", role.name(), values.join(" ")));
    }
    said
}

fn time(time: TimeField) -> String {
    match time {
        TimeField::At(at) => at.to_string(),
        TimeField::Local(local) => local.format("%Y-%m-%dT%H:%M:%S%.f").to_string(),
        TimeField::Abbreviated(local, zone) => format!("{} {}", local.format("%Y-%m-%dT%H:%M:%S%.f"), zone.as_str()),
        TimeField::Day(day) => day.to_string(),
        TimeField::Yearless(_) => "yearless".to_owned(),
        TimeField::Unreadable => "unreadable".to_owned(),
        TimeField::Lacks => "lacks".to_owned(),
    }
}

fn spelt(value: Value<'_>) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match value {
        Value::Address { local, domain } => format!("{}@{}", text(local), text(domain)),
        Value::Ip(ip, None) => ip.to_string(),
        Value::Ip(ip, Some(port)) => format!("{ip} port {port}"),
        Value::Text(bytes) => format!("\"{}\"", text(bytes)),
    }
}

/// Every text of the one record of a line, each with a line end.
pub fn texts(which: Format, line: &str) -> (String, Reading) {
    struct Ask(String, Reading);
    impl RecordSink for Ask {
        fn record(&mut self, record: RawRecord<'_>) -> Result<(), Stop> {
            let seen = &mut self.0;
            self.1 = record.fields.texts(&mut |text| {
                seen.push_str(&String::from_utf8_lossy(text));
                seen.push('\n');
            });
            Ok(())
        }
        fn separator(&mut self, _: u64) {}
        fn unreadable(&mut self, _: u64, _: Unreadable) {}
    }
    let mut ask = Ask(String::new(), Reading::Complete);
    format(which).split(&mut line.as_bytes(), None, &mut ask).unwrap();
    (ask.0, ask.1)
}
