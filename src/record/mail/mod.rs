//! Mail messages: their addresses, their date, their Message-ID, their texts.
//!
//! Header fields are found in one walk when the first of them is asked for; a body is not looked at until a text is.
//!
//! **Invariant:** repeated fields all count; two Date fields that differ are no date; a field that may or may not be one
//! (see [`header`]) makes what it would say unreadable.

mod address;
mod attachment;
mod charset;
mod comment;
pub(crate) mod date;
mod encoded_word;
pub(crate) mod header;
mod mime;
mod received;
mod transfer;

use std::cell::OnceCell;
use std::ops::Range;

use crate::order::{Clock, Family, Role};
use crate::scope::{Fields, Hop, Reading, TimeField, Value};
use header::{Field, Header};

/// A message, as stored.
pub struct Message<'a> {
    bytes: &'a [u8],
    fields: OnceCell<Noted<'a>>,
    delivered: TimeField,
}

/// Fields that the gate may ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Name {
    From,
    To,
    Cc,
    Bcc,
    Sender,
    ReplyTo,
    Date,
    MessageId,
}

/// All of [`Name`], by the names in a header.
const NAMES: [(Name, &str); 8] = [
    (Name::From, "From"),
    (Name::To, "To"),
    (Name::Cc, "Cc"),
    (Name::Bcc, "Bcc"),
    (Name::Sender, "Sender"),
    (Name::ReplyTo, "Reply-To"),
    (Name::Date, "Date"),
    (Name::MessageId, "Message-ID"),
];

/// The fields that the gate may ask for, in order; where there are more than fit, the header is walked each time.
struct Noted<'a> {
    fields: [Option<(Name, Field<'a>)>; 16],
    overflow: bool,
}

impl<'a> Message<'a> {
    /// Nothing of it is read yet.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, fields: OnceCell::new(), delivered: TimeField::Lacks }
    }

    /// With what the mailbox beside the message says of its delivery.
    pub(crate) fn delivered(self, delivered: TimeField) -> Self {
        Self { delivered, ..self }
    }

    fn noted(&self) -> &Noted<'a> {
        self.fields.get_or_init(|| {
            let mut noted = Noted { fields: [None; 16], overflow: false };
            let mut slots = noted.fields.iter_mut();
            for field in named_fields(self.bytes) {
                match slots.next() {
                    Some(slot) => *slot = Some(field),
                    None => {
                        noted.overflow = true;
                        break;
                    }
                }
            }
            noted
        })
    }

    /// Shows each field of that name.
    fn each(&self, name: Name, visit: &mut dyn FnMut(Field<'a>)) {
        let noted = self.noted();
        if noted.overflow {
            named_fields(self.bytes).filter(|(found, _)| *found == name).for_each(|(_, field)| visit(field));
        } else {
            noted.fields.iter().flatten().filter(|(found, _)| *found == name).for_each(|&(_, field)| visit(field));
        }
    }
}

fn named_fields(message: &[u8]) -> impl Iterator<Item = (Name, Field<'_>)> {
    Header::of(message)
        .filter_map(|field| NAMES.iter().find(|(_, name)| field.is(name)).map(|&(name, _)| (name, field)))
}

impl Fields for Message<'_> {
    fn family(&self) -> Family {
        Family::Mail
    }

    fn parsed(&self) -> bool {
        Header::of(self.bytes).next().is_some_and(|field| !field.doubtful)
    }

    fn time(&self, clock: Clock) -> TimeField {
        match clock {
            Clock::DateHeader => {}
            Clock::Delivered => return self.delivered,
            // Which of its Received fields counts is not for the message to say.
            Clock::Received | Clock::Modified | Clock::Changed | Clock::Created | Clock::Accessed | Clock::Record => {
                return TimeField::Lacks;
            }
        }
        let mut time = None;
        self.each(Name::Date, &mut |field| {
            let read = if field.doubtful { TimeField::Unreadable } else { date::parse(field.value) };
            time = Some(match time {
                None => read,
                Some(before) if before == read => read,
                Some(_) => TimeField::Unreadable,
            });
        });
        time.unwrap_or(TimeField::Lacks)
    }

    fn values(&self, role: Role, visit: &mut dyn FnMut(Value<'_>)) -> Reading {
        let name = match role {
            Role::From => Name::From,
            Role::To => Name::To,
            Role::Cc => Name::Cc,
            Role::Bcc => Name::Bcc,
            Role::Sender => Name::Sender,
            Role::ReplyTo => Name::ReplyTo,
            Role::Client | Role::User | Role::Any => return Reading::Partial,
        };
        let mut reading = Reading::Complete;
        self.each(name, &mut |field| {
            if field.doubtful || address::read(field.value, visit) == Reading::Partial {
                reading = Reading::Partial;
            }
        });
        reading
    }

    fn received(&self, visit: &mut dyn FnMut(Hop<'_>)) {
        Header::of(self.bytes).filter(|field| field.is("Received")).for_each(|field| received::read(&field, visit));
    }

    fn message_id(&self, visit: &mut dyn FnMut(&[u8])) -> Reading {
        let mut reading = Reading::Complete;
        self.each(Name::MessageId, &mut |field| {
            if field.doubtful || !read_message_id(field.value, visit) {
                reading = Reading::Partial;
            }
        });
        reading
    }

    fn header_bytes(&self) -> Option<usize> {
        attachment::header_bytes(self.bytes)
    }

    fn attachments(&self) -> Option<Vec<Range<usize>>> {
        attachment::attachments(self.bytes)
    }

    fn texts(&self, visit: &mut dyn FnMut(&[u8])) -> Reading {
        visit(self.bytes);
        let mut plain = Vec::new();
        for (name, _) in NAMES {
            // An address with comments or quotes in it, written as it is compared.
            self.each(name, &mut |field| {
                address::read(field.value, &mut |value| {
                    if let Value::Address { local, domain } = value {
                        plain.extend_from_slice(local);
                        plain.push(b'@');
                        plain.extend_from_slice(domain);
                        plain.push(b'\n');
                    }
                });
            });
        }
        visit(&plain);
        mime::texts(self.bytes, visit)
    }
}

/// Shows what is between the angle brackets of a Message-ID, or the one word that it is without them. False: it is
/// neither (RFC 5322, 3.6.4).
fn read_message_id(value: &[u8], visit: &mut dyn FnMut(&[u8])) -> bool {
    let value = value.trim_ascii();
    let (id, behind) = match value.strip_prefix(b"<") {
        Some(inner) => match memchr::memchr(b'>', inner).and_then(|end| inner.split_at_checked(end)) {
            Some(split) => split,
            None => return false,
        },
        None => (value, [].as_slice()),
    };
    let behind = behind.strip_prefix(b">").unwrap_or(behind).trim_ascii();
    let is_word = !id.iter().any(|byte| byte.is_ascii_whitespace() || matches!(byte, b'<' | b'>'));
    if is_word && !id.is_empty() {
        visit(id);
    }
    // An empty field names nothing; a comment may follow.
    is_word && (behind.is_empty() || behind.starts_with(b"("))
}
