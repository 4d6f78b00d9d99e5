//! utmp, wtmp and btmp: who was logged in, who was, and who failed to; records of 384 bytes.
//!
//! Sources: utmp(5); glibc, `sysdeps/gnu/bits/utmp.h` (`struct utmp`) as it is on x86_64: little-endian, `ut_session` and
//! the time in 32 bits each. On aarch64 a record has 400 bytes, elsewhere another byte order: that is not this format.
//! The seconds are read as unsigned, as glibc reads them since 2.40 ("login: Use unsigned 32-bit types for
//! seconds-since-epoch"): up to 2106, and no record is older than 1970.
//!
//! | bytes | field | | bytes | field |
//! |---|---|---|---|---|
//! | 0..2 | `ut_type`, 0 to 9 | | 332..336 | `ut_exit` |
//! | 2..4 | padding | | 336..340 | `ut_session` |
//! | 4..8 | `ut_pid` | | 340..344 | seconds |
//! | 8..40 | `ut_line` | | 344..348 | microseconds |
//! | 40..44 | `ut_id` | | 348..364 | `ut_addr_v6`, an IPv4 address in its first four bytes |
//! | 44..76 | `ut_user` | | 364..384 | reserved |
//! | 76..332 | `ut_host` | | | |
//!
//! A text ends at its first NUL; one that fills its field may have been cut there, so that neither it nor what it was
//! can be told. A record with another type, or with anything but zeros in padding, reserved bytes or behind a NUL, has not
//! the shape: its fields are not told, only searched. Of a boot, a run level or a change of the clock, `ut_user` and
//! `ut_host` are words of the system (`reboot`, the kernel's version), and no user and no client. 384 zero bytes are a slot
//! that was never used, and no record.
//!
//! **Invariant:** a record is 384 bytes at a multiple of 384; no two fields are ever shown as one text.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use super::buffer::{Buffer, Refill};
use super::{RecordFormat, RecordSink, SplitError, Unreadable, escape};
use crate::clock::Timestamp;
use crate::order::{Clock, Family, Format, Role};
use crate::scope::{Fields, RawRecord, Reading, TimeField, Value};

/// `sizeof (struct utmp)`.
const RECORD_BYTES: usize = 384;
/// `EMPTY`: the record says nothing that is valid.
const EMPTY: u16 = 0;
/// `RUN_LVL`, `BOOT_TIME`, `NEW_TIME` and `OLD_TIME`: the system itself.
const SYSTEM: std::ops::RangeInclusive<u16> = 1..=4;
/// `ACCOUNTING`: the last type there is.
const LAST_TYPE: u16 = 9;

/// The format.
pub struct Utmp;

impl RecordFormat for Utmp {
    fn format(&self) -> Format {
        Format::Utmp
    }

    fn sign(&self) -> &'static str {
        "half or more of the records at its beginning have the shape and say something"
    }

    /// The first used record, and at least half of those that are shown, have the shape and say something; all of them
    /// where the stream ends within a record.
    fn probe(&self, head: &[u8], whole: bool) -> bool {
        let (records, rest) = head.as_chunks::<RECORD_BYTES>();
        let mut used = records.iter().filter(|bytes| !is_unused(*bytes)).map(|bytes| Record { bytes }.says_something());
        let Some(true) = used.next() else { return false };
        let (likely, all) = used.fold((1usize, 1usize), |(likely, all), one| (likely + usize::from(one), all + 1));
        if whole && !rest.is_empty() { likely == all } else { likely * 2 >= all }
    }

    fn split(&self, stream: &mut dyn Read, _: Option<&Path>, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        let mut buffer = Buffer::new();
        loop {
            let (records, _) = buffer.bytes().as_chunks::<RECORD_BYTES>();
            let mut offset = buffer.offset();
            for bytes in records {
                if is_unused(bytes) {
                    sink.separator(RECORD_BYTES as u64);
                } else {
                    sink.record(RawRecord { bytes, offset, fields: &Record { bytes } })?;
                }
                offset += RECORD_BYTES as u64;
            }
            buffer.consume(records.len() * RECORD_BYTES);
            let error = match buffer.refill(stream) {
                Refill::More => continue,
                Refill::End => None,
                Refill::Failed(error) => Some(error),
            };
            let rest = buffer.bytes().len() as u64;
            if rest > 0 {
                sink.unreadable(rest, if error.is_some() { Unreadable::Cut } else { Unreadable::NotTheFormat });
            }
            return error.map_or(Ok(()), |error| Err(error.into()));
        }
    }
}

fn is_unused(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == 0)
}

/// One record.
struct Record<'a> {
    bytes: &'a [u8; RECORD_BYTES],
}

/// A text field: what stands before its first NUL, and whether there is none.
struct Text<'a> {
    value: &'a [u8],
    may_be_cut: bool,
}

impl<'a> Record<'a> {
    fn part<const N: usize>(&self, at: usize) -> [u8; N] {
        self.bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
    }

    fn field(&self, from: usize, to: usize) -> &'a [u8] {
        self.bytes.get(from..to).unwrap_or_default()
    }

    fn kind(&self) -> u16 {
        u16::from_le_bytes(self.part(0))
    }

    fn line(&self) -> &'a [u8] {
        self.field(8, 40)
    }

    fn id(&self) -> &'a [u8] {
        self.field(40, 44)
    }

    fn user(&self) -> &'a [u8] {
        self.field(44, 76)
    }

    fn host(&self) -> &'a [u8] {
        self.field(76, 332)
    }

    fn reserved(&self) -> &'a [u8] {
        self.field(364, 384)
    }

    fn seconds(&self) -> u32 {
        u32::from_le_bytes(self.part(340))
    }

    fn microseconds(&self) -> u32 {
        u32::from_le_bytes(self.part(344))
    }

    /// None: all zero, which says that there is none.
    fn address(&self) -> Option<IpAddr> {
        let all: [u8; 16] = self.part(348);
        let [a, b, c, d, rest @ ..] = all;
        if is_unused(&rest) {
            return (!is_unused(&[a, b, c, d])).then(|| IpAddr::V4(Ipv4Addr::new(a, b, c, d)));
        }
        Some(IpAddr::V6(Ipv6Addr::from(all)).to_canonical())
    }

    /// It has the shape, and says who or where, and when.
    fn says_something(&self) -> bool {
        let is_named = [self.line(), self.id(), self.user()].iter().any(|field| !text(field).value.is_empty());
        let is_process = i32::from_le_bytes(self.part(4)) >= 0;
        let is_timed = self.seconds() > 0 && self.microseconds() < 1_000_000;
        self.parsed() && is_process && is_timed && (is_named || self.kind() == EMPTY)
    }

    fn client(&self, visit: &mut dyn FnMut(Value<'_>)) -> Reading {
        if let Some(address) = self.address() {
            visit(Value::Ip(address, None));
        }
        let host = text(self.host());
        if host.may_be_cut {
            return Reading::Partial;
        }
        if host.value.is_empty() {
            return Reading::Complete;
        }
        match (host_address(host.value), self.address()) {
            // The number that the system wrote counts, not what a name server may have said.
            (Some(_), Some(_)) => {}
            (Some(address), None) => visit(Value::Ip(address, None)),
            (None, _) => {
                visit(Value::Text(host.value));
                let name = before_display(host.value);
                if !name.is_empty() && name != host.value {
                    visit(Value::Text(name));
                }
            }
        }
        Reading::Complete
    }
}

/// What stands before the first NUL of a field.
fn text(field: &[u8]) -> Text<'_> {
    let end = memchr::memchr(0, field);
    Text { value: end.and_then(|end| field.get(..end)).unwrap_or(field), may_be_cut: end.is_none() }
}

/// There is a NUL, or the field is full, and behind the NUL are zeros.
fn is_clean(field: &[u8]) -> bool {
    memchr::memchr(0, field).and_then(|end| field.get(end..)).is_none_or(is_unused)
}

/// `host:display`, as an X server writes it, or `host:S.0`, as screen does: the host.
fn before_display(host: &[u8]) -> &[u8] {
    host.split(|&byte| byte == b':').next().unwrap_or(host)
}

fn host_address(host: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(host).ok()?;
    // The zone of a link-local address (RFC 4007, 11) says on which link it is, not which address it is.
    let plain = text.split_once('%').map_or(text, |(address, _)| address);
    let before = || std::str::from_utf8(before_display(host)).ok()?.parse().ok().map(IpAddr::V4);
    plain.parse::<IpAddr>().ok().map(|ip| ip.to_canonical()).or_else(before)
}

impl Fields for Record<'_> {
    fn family(&self) -> Family {
        Family::Line
    }

    fn parsed(&self) -> bool {
        self.kind() <= LAST_TYPE
            && self.part(2) == [0, 0]
            && is_unused(self.reserved())
            && [self.line(), self.id(), self.user(), self.host()].iter().all(|field| is_clean(field))
    }

    /// Zero is no time: it was not set.
    fn time(&self, clock: Clock) -> TimeField {
        match clock {
            Clock::Record if !self.parsed() || self.seconds() == 0 || self.microseconds() >= 1_000_000 => {
                TimeField::Unreadable
            }
            Clock::Record => Timestamp::new(i64::from(self.seconds()), self.microseconds().saturating_mul(1_000))
                .map_or(TimeField::Unreadable, TimeField::At),
            Clock::Modified | Clock::Changed | Clock::Created | Clock::Accessed => TimeField::Lacks,
            Clock::DateHeader | Clock::Received | Clock::Delivered => TimeField::Lacks,
        }
    }

    fn values(&self, role: Role, visit: &mut dyn FnMut(Value<'_>)) -> Reading {
        if !self.parsed() || !matches!(role, Role::User | Role::Client) {
            return Reading::Partial;
        }
        if SYSTEM.contains(&self.kind()) {
            return Reading::Complete;
        }
        let user = text(self.user());
        if self.kind() == EMPTY {
            // What an empty record still holds may be anybody's.
            let is_blank = user.value.is_empty() && text(self.host()).value.is_empty() && self.address().is_none();
            return if is_blank { Reading::Complete } else { Reading::Partial };
        }
        if role == Role::Client {
            return self.client(visit);
        }
        if user.may_be_cut {
            return Reading::Partial;
        }
        if !user.value.is_empty() {
            visit(Value::Text(user.value));
        }
        Reading::Complete
    }

    /// The address, and each text by itself, those behind a NUL too. The bytes as they are would put one field against
    /// the next, so that they are not shown.
    fn texts(&self, visit: &mut dyn FnMut(&[u8])) -> Reading {
        if let Some(address) = self.address() {
            visit(address.to_string().as_bytes());
        }
        let mut reading = Reading::Complete;
        for field in [self.user(), self.host(), self.line(), self.id(), self.reserved()] {
            // `ut_id` is an abbreviation and is always full; of another field's end nobody can say that it is whole.
            let may_be_cut = field.len() > self.id().len() && field.last().is_some_and(|&last| last != 0);
            let mut rest = field;
            if may_be_cut {
                reading = Reading::Partial;
                let whole = memchr::memrchr(0, field).unwrap_or(0);
                rest = field.get(..whole).unwrap_or_default();
            }
            for piece in rest.split(|&byte| byte == 0).filter(|piece| !piece.is_empty()) {
                visit(piece);
                escape::decoded_forms(piece, visit);
            }
        }
        reading
    }
}
