//! Exim's main, reject and panic log: a stamp, perhaps a process, perhaps a message's identifier, and what happened.
//!
//! `2024-05-01 12:00:00[.fff][ +0100] [pid] 1aBcDe-000123-AB <= a@b.example H=host (helo) [192.0.2.1]:25 P=esmtp S=5`. Source:
//! the Exim specification, chapter "Log files", and for what is quoted how `receive.c`, `host.c` and `log.c` of 4.96. The
//! reject log has the headers of a message behind its line, each with a letter in front; they belong to that record. A
//! line that is neither is a record of its own, without a shape. Without `log_timezone` a stamp is local time.
//!
//! A client chooses the name in parentheses, its RFC 1413 identity, its certificate's name, the subject and the
//! Message-ID. A field is taken only where none of these stands before it, or where those before it are quoted so that they
//! cannot end early; else the role is partial. What a line of free text says of the parties is partial too.
//!
//! **Invariant:** no text that a client chose is read as a field.

use std::io::Read;
use std::path::Path;

use super::entry::{self, EntryFormat, Place};
use super::exim_text::{address, host, quoted, shown_address};
use super::field::{trim_end, word, word_or_rest};
use super::layout::{self, Laid};
use super::line::LineFormat;
use super::stamp::{self, Civil};
use super::{RecordFormat, RecordSink, SplitError, escape};
use crate::order::{Family, Format, Join, Role};
use crate::scope::{Reading, TimeField, Value};

/// The format.
pub struct Exim;

impl RecordFormat for Exim {
    fn format(&self) -> Format {
        Format::Exim
    }

    /// At least a quarter of the lines that begin a record say what only Exim says.
    fn probe(&self, head: &[u8], whole: bool) -> bool {
        let lines = head.split_inclusive(|&byte| byte == b'\n');
        let firsts = lines.filter(|line| (whole || line.ends_with(b"\n")) && Self::place(line) == Place::First);
        let (lines, fitting) = firsts.fold((0u32, 0u32), |(lines, fitting), line| {
            let says = Layout::begin(line).is_some_and(|layout| layout.is_exim());
            (lines + 1, fitting + u32::from(says))
        });
        fitting > 0 && fitting * 4 >= lines
    }

    fn split(&self, stream: &mut dyn Read, _: Option<&Path>, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        entry::split::<Self>(stream, sink)
    }
}

impl LineFormat for Exim {
    type Line<'a> = Laid<'a, Layout<'a>>;

    fn line(bytes: &[u8]) -> Self::Line<'_> {
        Laid::new(bytes)
    }
}

impl EntryFormat for Exim {
    /// `log.c` writes a rejected message as `Envelope-from:`, `Envelope-to:` and more recipients behind blanks, then each
    /// header behind its letter and a space; a header that is folded goes on behind a blank.
    fn place(front: &[u8]) -> Place {
        match front {
            [b' ' | b'\t', ..] => Place::Rest,
            [letter, b' ', ..] if letter.is_ascii_alphabetic() || *letter == b'*' => Place::Rest,
            _ if front.starts_with(b"Envelope-from: ") || front.starts_with(b"Envelope-to: ") => Place::Rest,
            _ => Place::First,
        }
    }
}

/// What parts of a line say.
#[derive(Debug)]
pub struct Layout<'a> {
    civil: Civil,
    /// Where `log_timezone` is on.
    offset: Option<Option<i32>>,
    /// The message's identifier, which stands before the text.
    id: Option<&'a [u8]>,
    /// What happened.
    text: &'a [u8],
}

/// What an entry's text is about.
enum Event<'a> {
    /// `<=`: a message came in. Sender, and the fields behind it.
    Arrival(&'a [u8]),
    /// `=>` and its like: an address was delivered to, or was not.
    Delivery(&'a [u8]),
    /// `H=... rejected ...`: fields first, then what was done.
    Refusal(&'a [u8]),
    /// A connection or a login of that client (`host (helo) [ip]:port`, and more).
    Connection(&'a [u8]),
    /// Nothing that has a sender, a recipient or a client.
    Nobody,
    /// Free text.
    Other,
}

impl<'a> Layout<'a> {
    fn begin(bytes: &'a [u8]) -> Option<Self> {
        let line = bytes.split(|&byte| byte == b'\n').next().map(trim_end)?;
        let (civil, mut rest) = stamp::date_time(line).filter(|_| line.get(10) == Some(&b' '))?;
        let mut offset = None;
        if let Some((east, behind)) = rest.strip_prefix(b" ").and_then(stamp::offset) {
            (offset, rest) = (Some(east), behind);
        }
        let mut text = rest.strip_prefix(b" ")?;
        if let Some((pid, behind)) = text.strip_prefix(b"[").and_then(word) {
            let digits = pid.strip_suffix(b"]").unwrap_or_default();
            if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) {
                text = behind;
            }
        }
        let behind_id = word(text).filter(|(id, _)| is_message_id(id));
        let (id, text) = behind_id.map_or((None, text), |(id, behind)| (Some(id), behind));
        (!text.is_empty()).then_some(Self { civil, offset, id, text })
    }

    fn event(&self) -> Event<'a> {
        let text = self.text;
        if let Some((mark, behind)) = word(text).filter(|_| self.id.is_some()) {
            match mark {
                b"<=" | b"(=" => return Event::Arrival(behind),
                b"=>" | b"->" | b">>" | b"*>" | b"**" | b"==" => return Event::Delivery(behind),
                _ => {}
            }
        }
        if text.starts_with(b"H=") || text.starts_with(b"F=") {
            return Event::Refusal(text);
        }
        let login = word(text).and_then(|(_, behind)| behind.strip_prefix(b"authenticator failed for "));
        if let Some(client) = login.or_else(|| text.strip_prefix(b"SMTP connection from ")) {
            return Event::Connection(client);
        }
        const NOBODY: [&[u8]; 3] = [b"Start queue run: pid=", b"End queue run: pid=", b"exim "];
        let finished = self.id.is_some() && (text == b"Completed" || text.starts_with(b"Completed "));
        let of_daemon = self.id.is_none() && NOBODY.iter().any(|begin| text.starts_with(begin));
        if finished || of_daemon { Event::Nobody } else { Event::Other }
    }

    /// Nothing but Exim writes this.
    fn is_exim(&self) -> bool {
        match self.event() {
            Event::Other => self.id.is_some(),
            Event::Connection(client) => host(client).is_some(),
            Event::Nobody => {
                !self.text.starts_with(b"exim ") || memchr::memmem::find(self.text, b"daemon started").is_some()
            }
            Event::Arrival(_) | Event::Delivery(_) | Event::Refusal(_) => true,
        }
    }
}

impl<'a> layout::Layout<'a> for Layout<'a> {
    const FAMILY: Family = Family::Line;

    fn of(bytes: &'a [u8]) -> Option<Self> {
        Self::begin(bytes)
    }

    fn time(&self) -> TimeField {
        self.offset.map_or_else(|| stamp::local(self.civil), |east| stamp::at(self.civil, east))
    }

    fn transaction(&self, join: Join) -> Option<&[u8]> {
        match join {
            Join::QueueId => self.id,
            Join::MessageId => match self.event() {
                Event::Arrival(rest) => Fields::read(address(rest)?.1).message_id,
                _ => None,
            },
            Join::Session => None,
        }
    }

    fn values(&self, role: Role, visit: &mut dyn FnMut(Value<'_>)) -> Reading {
        let read = match role {
            Role::From => self.from(visit),
            Role::To => self.to(visit),
            Role::Client => self.client(visit),
            Role::Cc | Role::Bcc | Role::Sender | Role::ReplyTo | Role::User | Role::Any => None,
        };
        read.map_or(Reading::Partial, |()| Reading::Complete)
    }

    fn texts(bytes: &'a [u8], visit: &mut dyn FnMut(&[u8])) -> Reading {
        let text = trim_end(bytes);
        visit(text);
        escape::decoded_forms(text, visit);
        // `string_printing` writes what is not printable as `\303`.
        if let Some(plain) = escape::decode_octal(text, b'\\') {
            visit(&plain);
        }
        Reading::Complete
    }
}

/// None from these: it cannot be read.
impl Layout<'_> {
    fn from(&self, visit: &mut dyn FnMut(Value<'_>)) -> Option<()> {
        match self.event() {
            Event::Arrival(rest) => {
                let (sender, _) = address(rest)?;
                shown_address(sender, visit)
            }
            Event::Delivery(rest) => match recipients(rest)?.1.strip_prefix(b" F=") {
                Some(sender) => shown_address(address(sender)?.0, visit),
                None => Some(()),
            },
            Event::Refusal(rest) => {
                let fields = Fields::read(rest);
                match fields.sender {
                    Some(sender) => shown_address(sender, visit),
                    None => (!fields.is_cut && is_refusal(fields.rest)).then_some(()),
                }
            }
            Event::Nobody => Some(()),
            Event::Connection(_) | Event::Other => None,
        }
    }

    fn to(&self, visit: &mut dyn FnMut(Value<'_>)) -> Option<()> {
        match self.event() {
            Event::Arrival(rest) => {
                let mut fields = Fields::read(address(rest)?.1);
                if let Some((_, behind)) =
                    fields.rest.strip_prefix(b"from <").and_then(|_| address(fields.rest.get(5..)?))
                {
                    fields.rest = behind.strip_prefix(b" ").unwrap_or(behind);
                }
                let Some(list) = fields.rest.strip_prefix(b"for ").filter(|_| !fields.is_cut) else {
                    let may_follow = memchr::memmem::find(fields.rest, b"for ").is_some();
                    return (!may_follow).then_some(());
                };
                listed(list, &mut |_| {})?;
                listed(list, visit)
            }
            Event::Delivery(rest) => {
                let (shown, _) = recipients(rest)?;
                shown.into_iter().flatten().try_for_each(|address| shown_address(address, visit))
            }
            Event::Refusal(rest) => {
                let fields = Fields::read(rest);
                let rest = fields.rest.strip_prefix(b"temporarily ").unwrap_or(fields.rest);
                let recipient = rest.strip_prefix(b"rejected RCPT ").filter(|_| !fields.is_cut)?;
                let (recipient, _) = address(recipient)?;
                shown_address(recipient.strip_suffix(b":").unwrap_or(recipient), visit)
            }
            Event::Nobody => Some(()),
            Event::Connection(_) | Event::Other => None,
        }
    }

    fn client(&self, visit: &mut dyn FnMut(Value<'_>)) -> Option<()> {
        let client = match self.event() {
            Event::Arrival(rest) => {
                let (_, mut rest) = address(rest)?;
                // A bounce names the message that it is about.
                if let Some(of) = rest.strip_prefix(b" R=") {
                    rest = of.get(word_or_rest(of)?.0.len()..)?;
                }
                let Some(client) = rest.strip_prefix(b" H=") else { return Some(()) };
                host(client)?.0
            }
            Event::Refusal(rest) => Fields::read(rest).client?,
            Event::Connection(client) => host(client)?.0,
            // The host that a message went to is no client.
            Event::Delivery(_) | Event::Nobody => return Some(()),
            Event::Other => return None,
        };
        visit(client);
        Some(())
    }
}

/// The fields before the words of a line.
#[derive(Default)]
struct Fields<'a> {
    client: Option<Value<'a>>,
    sender: Option<&'a [u8]>,
    /// Without angle brackets.
    message_id: Option<&'a [u8]>,
    /// What is behind the fields that could be told.
    rest: &'a [u8],
    /// A field stands in `rest` behind which nothing is told for sure.
    is_cut: bool,
}

impl<'a> Fields<'a> {
    fn read(rest: &'a [u8]) -> Self {
        let mut fields = Self { rest, ..Self::default() };
        loop {
            fields.rest = fields.rest.strip_prefix(b" ").unwrap_or(fields.rest);
            if let Some((_, behind)) = word(fields.rest).filter(|(flag, _)| FLAGS.contains(flag)) {
                fields.rest = behind;
                continue;
            }
            let Some((key, value)) = key(fields.rest) else { return fields };
            let behind = match key {
                b"H" => host(value).map(|(client, behind)| {
                    fields.client = Some(client);
                    behind
                }),
                b"F" => address(value).map(|(sender, behind)| {
                    fields.sender = Some(sender);
                    behind
                }),
                b"id" | b"id*" => address(value).map(|(id, behind)| {
                    fields.message_id = Some(id);
                    behind
                }),
                b"T" => quoted(value),
                // What a stranger chose, and not quoted: it may go on as further fields.
                b"U" if fields.client.is_some() => None,
                b"DN" | b"SNI" => None,
                _ => word_or_rest(value).and_then(|(word, _)| value.get(word.len()..)),
            };
            let Some(behind) = behind else {
                fields.is_cut = true;
                return fields;
            };
            fields.rest = behind;
        }
    }
}

/// Fields without a value: pipelining, chunking, PRDR.
const FLAGS: [&[u8]; 6] = [b"L", b"L.", b"L-", b"L.-", b"K", b"PRDR"];

/// `KEY=` at the front; that of a Message-ID which Exim made is `id*=`.
fn key(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = text.iter().take(8).take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'*').count();
    let value = text.get(length..)?.strip_prefix(b"=").filter(|_| length > 0)?;
    Some((text.get(..length)?, value))
}

/// What Exim says of a client behind its fields: the fields were all there.
fn is_refusal(text: &[u8]) -> bool {
    [&b"rejected "[..], b"temporarily rejected "].iter().any(|begin| text.starts_with(begin))
}

/// An address and the one that it came from.
type Pair<'a> = [Option<&'a [u8]>; 2];

/// The address that was delivered to and the one that it came from, and what is behind them. None: a pipe, or a chain of
/// addresses between.
fn recipients(text: &[u8]) -> Option<(Pair<'_>, &[u8])> {
    let (last, rest) = address(text).filter(|(last, _)| !last.starts_with(b"|") && !last.starts_with(b"("))?;
    if let Some(last) = last.strip_suffix(b":").filter(|_| !last.starts_with(b":")) {
        return Some(([Some(last), None], &[]));
    }
    // A file, or `:blackhole:`, is nobody's address.
    let last = Some(last).filter(|last| !last.starts_with(b"/") && !last.starts_with(b":"));
    match rest.strip_prefix(b" ") {
        Some(first) if first.starts_with(b"<") => {
            let (first, rest) = address(first)?;
            Some(([last, Some(first)], rest))
        }
        Some(chain) if chain.starts_with(b"(") => None,
        _ => Some(([last, None], rest)),
    }
}

/// Addresses to the end of the line.
fn listed(mut list: &[u8], visit: &mut dyn FnMut(Value<'_>)) -> Option<()> {
    loop {
        let (recipient, rest) = address(list).filter(|(recipient, _)| recipient.contains(&b'@'))?;
        shown_address(recipient, visit)?;
        match rest.strip_prefix(b" ") {
            Some(more) => list = more,
            None => return rest.is_empty().then_some(()),
        }
    }
}

/// `1aBcDe-000123-AB`, and the longer one since Exim 4.97.
fn is_message_id(word: &[u8]) -> bool {
    let mut parts = word.split(|&byte| byte == b'-').map(|part| {
        let plain = part.iter().all(u8::is_ascii_alphanumeric);
        if plain { part.len() } else { 0 }
    });
    let lengths = [parts.next(), parts.next(), parts.next(), parts.next()];
    matches!(lengths, [Some(6), Some(6), Some(2), None] | [Some(6), Some(11), Some(4), None])
}
