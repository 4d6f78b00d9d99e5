//! When a message was taken in, where its bytes do not hold it: the clocks `received` and `delivered`.
//!
//! `delivered` of a Maildir stands in the name of the file: it begins with the seconds since 1970 at which the file was made
//! and a full stop (<https://cr.yp.to/proto/maildir.html>). A number of fewer than nine digits (before 1973) or more than ten
//! (after 2286) is no such time. `received` is the time in the topmost Received field of one of the hosts that the provider
//! file names: everything below that one, whoever sent the message could write.
//!
//! **Invariant:** a time that a record carries itself is never replaced.

use super::record::{Fields, Hop, Reading, TimeField, Value};
use crate::clock::Timestamp;
use crate::order::{Clock, Family, Role};

/// A record's fields, with what is known of it apart from its bytes.
pub struct TakenIn<'f> {
    /// As the format names them.
    pub fields: &'f dyn Fields,
    /// Its time on [`Clock::Delivered`].
    pub delivered: TimeField,
    /// Its time on [`Clock::Received`].
    pub received: TimeField,
}

impl<'f> TakenIn<'f> {
    /// With what the name of the file says that it stands in, in a Maildir.
    pub fn of_maildir(fields: &'f dyn Fields, name: &[u8]) -> Self {
        Self { fields, delivered: maildir_time(name), received: TimeField::Lacks }
    }
}

/// The time in the name of a message's file in a Maildir.
pub fn maildir_time(name: &[u8]) -> TimeField {
    let digits = name.split(|&byte| byte == b'.').next().filter(|digits| digits.len() < name.len());
    let is_number = |digits: &[u8]| {
        (9..=10).contains(&digits.len()) && digits.first() != Some(&b'0') && digits.iter().all(u8::is_ascii_digit)
    };
    let seconds = digits.filter(|digits| is_number(digits)).and_then(|digits| std::str::from_utf8(digits).ok());
    let at = seconds.and_then(|seconds| Timestamp::new(seconds.parse().ok()?, 0));
    at.map_or(TimeField::Unreadable, TimeField::At)
}

/// The name of a file of Dovecot's single-dbox: `u.` and the message's number. (`m.` is multi-dbox.)
pub fn is_sdbox_name(name: &[u8]) -> bool {
    name.strip_prefix(b"u.").is_some_and(|uid| !uid.is_empty() && uid.iter().all(u8::is_ascii_digit))
}

/// The time of the topmost hop of one of these hosts (in ASCII lower case). A field above it that may name one of them and
/// cannot be read makes it unreadable.
pub(in crate::scope) fn received(fields: &dyn Fields, by: &[String]) -> TimeField {
    if by.is_empty() {
        return TimeField::Lacks;
    }
    let mut found = None;
    fields.received(&mut |hop| {
        let named = |host: &[u8]| by.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(host));
        if found.is_none() {
            found = match hop {
                Hop::By(host, time) if named(host) => Some(time),
                Hop::Unreadable => Some(TimeField::Unreadable),
                Hop::By(..) | Hop::Nobody => None,
            };
        }
    });
    found.unwrap_or(TimeField::Lacks)
}

impl Fields for TakenIn<'_> {
    fn beneath(&self) -> Option<&dyn Fields> {
        Some(self.fields)
    }

    fn family(&self) -> Family {
        self.fields.family()
    }

    fn parsed(&self) -> bool {
        self.fields.parsed()
    }

    fn time(&self, clock: Clock) -> TimeField {
        match (self.fields.time(clock), clock) {
            (TimeField::Lacks, Clock::Delivered) => self.delivered,
            (TimeField::Lacks, Clock::Received) => self.received,
            (time, _) => time,
        }
    }

    fn values(&self, role: Role, visit: &mut dyn FnMut(Value<'_>)) -> Reading {
        self.fields.values(role, visit)
    }

    fn texts(&self, visit: &mut dyn FnMut(&[u8])) -> Reading {
        self.fields.texts(visit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_in_a_maildir_begins_with_the_time_of_delivery() {
        let at = |text: &str| TimeField::At(Timestamp::parse_rfc3339(text).unwrap());
        for (name, expected) in [
            ("1711360000.M1P2.mail01,S=3,W=4:2,S", at("2024-03-25T09:46:40Z")),
            ("896873163.12.mail01", at("1998-06-03T11:26:03Z")),
            ("9999999999.a", at("2286-11-20T17:46:39Z")),
            ("1711360000", TimeField::Unreadable),
            ("102.a", TimeField::Unreadable),
            ("-58931204905.a", TimeField::Unreadable),
            ("17113600000.a", TimeField::Unreadable),
            ("0711360000.a", TimeField::Unreadable),
            ("1711360000,S=3", TimeField::Unreadable),
            (".a", TimeField::Unreadable),
            ("msg.eml", TimeField::Unreadable),
            ("", TimeField::Unreadable),
        ] {
            assert_eq!(maildir_time(name.as_bytes()), expected, "{name}");
        }
    }
}
