//! Records as formats hand them to the gate, and the questions that the gate may ask of one.
//!
//! A format only splits a stream and names fields; whether a record leaves is decided here in `scope/`. A field is read
//! when it is asked for and not before.
//!
//! **Invariant:** a format that cannot read a field says so; it never answers with an absence or a guess.

use std::borrow::Cow;
use std::net::IpAddr;
use std::ops::Range;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use super::{ClauseSet, Form};
use crate::clock::Timestamp;
use crate::order::{Clock, Family, Join, Role};

/// What a record says of its time on one clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimeField {
    /// An instant.
    At(Timestamp),
    /// A date and time without a zone: the source's zone decides.
    Local(NaiveDateTime),
    /// A day without a time of day and a zone: some time of it, in the source's zone.
    Day(NaiveDate),
    /// A date and time with an abbreviation of a zone: an instant where the source's zone has that abbreviation then.
    Abbreviated(NaiveDateTime, Abbreviation),
    /// A date and time without a year and a zone. What is known of the file may tell the year; nothing else does.
    Yearless(Yearless),
    /// It is there and cannot be read.
    Unreadable,
    /// The record has no such clock.
    Lacks,
}

/// A date and time without a year, in the Gregorian calendar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Yearless {
    month: u32,
    day: u32,
    time: NaiveTime,
}

impl Yearless {
    /// None where no year has that day: 29 February counts.
    pub fn new(month: u32, day: u32, time: NaiveTime) -> Option<Self> {
        NaiveDate::from_ymd_opt(2000, month, day).map(|_| Self { month, day, time })
    }

    /// In that year; none where it has no such day.
    pub fn in_year(self, year: i32) -> Option<NaiveDateTime> {
        NaiveDate::from_ymd_opt(year, self.month, self.day).map(|day| day.and_time(self.time))
    }
}

/// An abbreviation of a time zone, such as `CEST`. By itself it names none: `CST` is one of three.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Abbreviation {
    letters: [u8; Self::LETTERS],
    length: usize,
}

impl Abbreviation {
    /// The longest one (RFC 8536, 3.2 has three or more; the tz database goes to `WARST` and the like).
    const LETTERS: usize = 6;

    /// None where it is none: three to six letters of ASCII.
    pub fn new(text: &[u8]) -> Option<Self> {
        let is_one = (3..=Self::LETTERS).contains(&text.len()) && text.iter().all(u8::is_ascii_alphabetic);
        let mut letters = [0; Self::LETTERS];
        letters.get_mut(..text.len()).filter(|_| is_one)?.copy_from_slice(text);
        Some(Self { letters, length: text.len() })
    }

    /// Its letters.
    pub fn as_str(&self) -> &str {
        self.letters.get(..self.length).and_then(|letters| std::str::from_utf8(letters).ok()).unwrap_or_default()
    }
}

/// One value of a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value<'a> {
    /// A mail address: what is before the last `@` and what is behind it, unquoted, in the record's own case.
    Address {
        /// Before the last `@`.
        local: &'a [u8],
        /// After it.
        domain: &'a [u8],
    },
    /// An IP address, and a port where the field holds one.
    Ip(IpAddr, Option<u16>),
    /// Anything else, whole.
    Text(&'a [u8]),
}

/// What one Received field of a message says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hop<'a> {
    /// That host took the message at that time.
    By(&'a [u8], TimeField),
    /// It names no host.
    Nobody,
    /// It cannot be read, and may name one.
    Unreadable,
}

/// Whether all of a field's values could be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reading {
    /// All of them; none is a reading too.
    Complete,
    /// Some could not be: a value that was not found may be among those.
    Partial,
}

/// The fields of one record.
///
/// A record that is another one but for a few answers (a year, a time of delivery) names that one ([`Fields::beneath`]), and
/// what it does not answer by itself is answered there.
pub trait Fields {
    /// The record that this one is but for what it answers by itself.
    fn beneath(&self) -> Option<&dyn Fields> {
        None
    }

    /// What it is like: where identifiers are looked for in it.
    fn family(&self) -> Family;

    /// It has the shape of its format. Where it has not, only [`Fields::texts`] counts.
    fn parsed(&self) -> bool;

    /// Its time on a clock.
    fn time(&self, clock: Clock) -> TimeField;

    /// Shows each value of the fields that `role` names. [`Role::Any`] is not asked here: it means [`Fields::texts`].
    /// A role that the format does not have is [`Reading::Partial`]: an identifier there cannot be read.
    fn values(&self, role: Role, visit: &mut dyn FnMut(Value<'_>)) -> Reading;

    /// What it has in common with the other records of its transaction, where the format has that and it can be read.
    fn transaction(&self, join: Join) -> Option<&[u8]> {
        self.beneath()?.transaction(join)
    }

    /// Shows each Received field of a message, from the top.
    fn received(&self, visit: &mut dyn FnMut(Hop<'_>)) {
        if let Some(fields) = self.beneath() {
            fields.received(visit);
        }
    }

    /// Shows the Message-ID without its angle brackets, where the format has one.
    fn message_id(&self, visit: &mut dyn FnMut(&[u8])) -> Reading {
        self.beneath().map_or(Reading::Partial, |fields| fields.message_id(visit))
    }

    /// The table that it is a row of, byte for byte; none where its format has no tables or it cannot be told.
    fn table(&self) -> Option<&[u8]> {
        self.beneath()?.table()
    }

    /// Shows each whole value of the column of that name as text, as it is stored; none where the record has no such column
    /// or nothing stands in it (NULL). A format without named columns cannot read any.
    fn column(&self, name: &str, visit: &mut dyn FnMut(&[u8])) -> Reading {
        self.beneath().map_or(Reading::Partial, |fields| fields.column(name, visit))
    }

    /// It has a column of that name, whatever stands in it.
    fn has_column(&self, name: &str) -> bool {
        self.beneath().is_some_and(|fields| fields.has_column(name))
    }

    /// It has a column of that name, or may have one: false where its format names all columns of a record, and this is none.
    fn may_have_column(&self, name: &str) -> bool {
        self.beneath().is_none_or(|fields| fields.may_have_column(name))
    }

    /// How many bytes the header section of a mail message has, with the empty line that ends it. None where there is none, or
    /// where it ends cannot be told for certain.
    fn header_bytes(&self) -> Option<usize> {
        self.beneath()?.header_bytes()
    }

    /// Where the attachments of a mail message stand in it: ascending, apart from one another, each with its own header
    /// section and without the lines of boundaries. None where it is no message, or that cannot be told for certain.
    fn attachments(&self) -> Option<Vec<Range<usize>>> {
        self.beneath()?.attachments()
    }

    /// Shows the record's text for a search of whole tokens: the raw bytes first, then every decoded form of it
    /// (headers of RFC 2047, transfer encodings, percent and backslash escapes).
    fn texts(&self, visit: &mut dyn FnMut(&[u8])) -> Reading;
}

/// A record split out of a permitted stream: not yet decided.
#[derive(Clone, Copy)]
pub struct RawRecord<'a> {
    /// Its bytes as stored, line end included.
    pub bytes: &'a [u8],
    /// Where it begins in the (decompressed) stream, in bytes.
    pub offset: u64,
    /// What it says.
    pub fields: &'a dyn Fields,
}

/// An admitted record, or what its clauses ask for of it.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// Its bytes as stored, line end included; in a reduced form, that form's.
    pub bytes: Cow<'a, [u8]>,
    /// Where it begins in the (decompressed) stream, in bytes.
    pub offset: u64,
    /// Its time.
    pub stamp: Stamp,
    /// The clauses that take it for its transaction alone; nothing is said of that in a reduced form.
    pub because: ClauseSet,
    /// The form in which it leaves; none = whole.
    pub form: Option<Form>,
    /// How many parts of a message were left out, where attachments are.
    pub left_out: Option<u64>,
}

/// The time that the ledger states for an item, and on which clock. Both absent where that clock does not count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stamp {
    /// On the clock of the first clause with a window, else the format's own.
    pub main: Option<(Clock, Timestamp)>,
    /// The clocks of the other clauses that admit it, in the order of [`Clock::ALL`].
    pub others: [Option<(Clock, Timestamp)>; 3],
}
