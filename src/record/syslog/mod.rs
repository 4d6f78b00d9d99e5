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

use std::io::Read;
use std::marker::PhantomData;
use std::path::Path;

use super::field::trim_end;
use super::layout::{Laid, Layout};
use super::line::{self, LineFormat};
use super::{Haproxy, RecordFormat, RecordSink, SplitError, escape};
use crate::order::{Family, Format, Join, Role};
use crate::scope::{Reading, TimeField, Value};
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

    fn sign(&self) -> &'static str {
        "half or more of the lines at its beginning have a stamp and a program"
    }

    /// At least half of the lines that are shown whole have a stamp and a program; for a program's own format, which is
    /// never told by content, one is enough.
    fn probe(&self, head: &[u8], whole: bool) -> bool {
        let is_framed = |line: &[u8]| Frame::of(trim_end(line)).is_some_and(|frame| !frame.program.is_empty());
        let (lines, framed) = line::share(head, whole, is_framed);
        if lines == 0 {
            return is_framed(head);
        }
        framed > 0 && (framed * 2 >= lines || P::FORMAT != Format::Syslog)
    }

    /// What HAProxy writes through syslog has a format of its own.
    fn claims(&self, head: &[u8], whole: bool) -> bool {
        P::FORMAT == Format::Syslog && self.probe(head, whole) && !Haproxy.probe(head, whole)
    }

    fn may_lack_year(&self) -> bool {
        true
    }

    fn split(&self, stream: &mut dyn Read, _: Option<&Path>, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        line::split::<Self>(stream, sink)
    }
}

impl<P: Program> LineFormat for Syslog<P> {
    type Line<'a> = Laid<'a, Line<'a, P>>;

    fn line(bytes: &[u8]) -> Self::Line<'_> {
        Laid::new(bytes)
    }
}

/// What parts of a line say.
pub struct Line<'a, P> {
    frame: Frame<'a>,
    program: PhantomData<P>,
}

impl<'a, P: Program> Layout<'a> for Line<'a, P> {
    const FAMILY: Family = Family::Line;

    fn of(bytes: &'a [u8]) -> Option<Self> {
        Frame::of(trim_end(bytes)).map(|frame| Self { frame, program: PhantomData })
    }

    fn time(&self) -> TimeField {
        self.frame.stamp
    }

    fn values(&self, role: Role, visit: &mut dyn FnMut(Value<'_>)) -> Reading {
        // Some daemons let a carriage return through: what is behind it may be made to look like anything.
        if self.frame.message.contains(&b'\r') {
            return Reading::Partial;
        }
        P::values(self.frame.program, self.frame.message, role, visit)
    }

    fn transaction(&self, join: Join) -> Option<&[u8]> {
        P::transaction(self.frame.program, self.frame.message, join)
    }

    fn texts(bytes: &'a [u8], visit: &mut dyn FnMut(&[u8])) -> Reading {
        let text = trim_end(bytes);
        visit(text);
        if let Some(plain) = escape::decode_octal(text, b'#') {
            visit(&plain);
        }
        escape::decoded_forms(text, visit);
        Reading::Complete
    }
}
