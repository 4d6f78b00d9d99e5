//! Lines that went through syslog: the frame is one, what programs write in it differs.
//!
//! A line is one record: syslog writes a control character as `#ooo` (rsyslog, `escapeControlCharactersOnReceive`), so that a
//! message cannot end one. By content such a file is `syslog`, in which an identifier is any whole token of the line. A
//! clause that asks for a field (who logged in, from where, who sent to whom) names the program's format with `as`: which
//! field of a message is which, only that program's own words tell.
//!
//! **Invariant:** a field is read only where nothing that a stranger can send may look like it; else it is `Partial`.

mod auth;
mod dovecot;
mod frame;
mod message;
mod postfix;

use std::cell::OnceCell;
use std::io::Read;
use std::marker::PhantomData;
use std::path::Path;

use super::field::trim_end;
use super::line::{self, LineFormat};
use super::{Haproxy, RecordFormat, RecordSink, SplitError, escape};
use crate::order::{Clock, Family, Format, Join, Role};
use crate::scope::{Fields, Reading, TimeField, Value};
use frame::Frame;

/// A program's own words.
pub trait Program: Sync {
    /// The format of its lines.
    const FORMAT: Format;

    /// What a message of `program` has in common with the others of its transaction.
    fn transaction<'m>(_program: &[u8], _message: &'m [u8], _join: Join) -> Option<&'m [u8]> {
        None
    }

    /// Shows what a message of `program` holds in that role.
    fn values(program: &[u8], message: &[u8], role: Role, visit: &mut dyn FnMut(Value<'_>)) -> Reading;
}

/// Lines of any program.
pub struct Any;

impl Program for Any {
    const FORMAT: Format = Format::Syslog;

    fn values(_: &[u8], _: &[u8], _: Role, _: &mut dyn FnMut(Value<'_>)) -> Reading {
        Reading::Partial
    }
}

/// A format of syslog lines.
pub struct Syslog<P>(PhantomData<P>);

/// Any program's lines.
pub static SYSLOG: Syslog<Any> = Syslog(PhantomData);
/// Lines of programs that let users in.
pub static AUTH: Syslog<auth::Auth> = Syslog(PhantomData);
/// Lines of Dovecot.
pub static DOVECOT: Syslog<dovecot::Dovecot> = Syslog(PhantomData);
/// Lines of Postfix.
pub static POSTFIX: Syslog<postfix::Postfix> = Syslog(PhantomData);

impl<P: Program> RecordFormat for Syslog<P> {
    fn format(&self) -> Format {
        P::FORMAT
    }

    /// At least half of the lines that are shown whole have a stamp and a program; for a program's own format, which is
    /// never told by content, one is enough. What HAProxy writes through syslog is a format of its own.
    fn probe(&self, head: &[u8], whole: bool) -> bool {
        if P::FORMAT == Format::Syslog && Haproxy.probe(head, whole) {
            return false;
        }
        let is_framed = |line: &[u8]| Frame::of(trim_end(line)).is_some_and(|frame| !frame.program.is_empty());
        let (lines, framed) = line::share(head, whole, is_framed);
        if lines == 0 {
            return is_framed(head);
        }
        framed > 0 && (framed * 2 >= lines || P::FORMAT != Format::Syslog)
    }

    fn is_told_by_content(&self) -> bool {
        P::FORMAT == Format::Syslog
    }

    fn may_lack_year(&self) -> bool {
        true
    }

    fn split(&self, stream: &mut dyn Read, _: Option<&Path>, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        line::split::<Self>(stream, sink)
    }
}

impl<P: Program> LineFormat for Syslog<P> {
    type Line<'a> = Line<'a, P>;

    fn line(bytes: &[u8]) -> Line<'_, P> {
        Line { bytes: trim_end(bytes), frame: OnceCell::new(), program: PhantomData }
    }
}

/// One line.
pub struct Line<'a, P> {
    bytes: &'a [u8],
    frame: OnceCell<Option<Frame<'a>>>,
    program: PhantomData<P>,
}

impl<'a, P> Line<'a, P> {
    fn frame(&self) -> Option<&Frame<'a>> {
        self.frame.get_or_init(|| Frame::of(self.bytes)).as_ref()
    }
}

impl<P: Program> Fields for Line<'_, P> {
    fn family(&self) -> Family {
        Family::Line
    }

    fn parsed(&self) -> bool {
        self.frame().is_some()
    }

    fn time(&self, clock: Clock) -> TimeField {
        match clock {
            Clock::Record => self.frame().map_or(TimeField::Unreadable, |frame| frame.stamp),
            Clock::Modified | Clock::Changed | Clock::Created | Clock::Accessed | Clock::DateHeader => TimeField::Lacks,
        }
    }

    fn values(&self, role: Role, visit: &mut dyn FnMut(Value<'_>)) -> Reading {
        let Some(frame) = self.frame() else { return Reading::Partial };
        // Some daemons let a carriage return through: what is behind it may be made to look like anything.
        if frame.message.contains(&b'\r') {
            return Reading::Partial;
        }
        P::values(frame.program, frame.message, role, visit)
    }

    fn transaction(&self, join: Join) -> Option<&[u8]> {
        self.frame().and_then(|frame| P::transaction(frame.program, frame.message, join))
    }

    fn message_id(&self, _visit: &mut dyn FnMut(&[u8])) -> Reading {
        Reading::Partial
    }

    fn texts(&self, visit: &mut dyn FnMut(&[u8])) -> Reading {
        visit(self.bytes);
        if let Some(plain) = escape::decode_octal(self.bytes, b'#') {
            visit(&plain);
        }
        escape::decoded_forms(self.bytes, visit);
        Reading::Complete
    }
}
