//! `unit` and `fields` of a clause: how much of a record it asks for, where that is less than the record.
//!
//! **Invariant:** a clause with `fields` names a format that has each of them, once; one with `unit` names a format of mail or
//! none.

use std::collections::BTreeSet;

use super::diagnostic::{Code, Notes};
use super::table::{Item, Table};
use super::{Columns, Format, Role};

/// What a clause asks for of a record, where that is less than the record. Two clauses that ask for the same share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reduction {
    /// A part of a mail message.
    Unit(Unit),
    /// These fields of it, in this order, and nothing else.
    Fields(Vec<Field>),
}

/// A part of a mail message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Its header section as stored, through the empty line.
    Headers,
    /// It as stored, without every part that is an attachment.
    MessageWithoutAttachments,
}

impl Unit {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Headers, Self::MessageWithoutAttachments];

    /// Its name in an order and in the ledger.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Headers => "headers",
            Self::MessageWithoutAttachments => "message-without-attachments",
        }
    }

    /// The unit of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.name() == name)
    }
}

/// A field of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// The instant on the clock `record`.
    Time,
    /// What a role of its format names.
    Role(Role),
    /// A column, by its name, byte for byte.
    Column(String),
}

impl Field {
    /// The name of the field [`Field::Time`].
    const TIME: &'static str = "time";

    /// Its name in an order and in the ledger.
    pub fn name(&self) -> &str {
        match self {
            Self::Time => Self::TIME,
            Self::Role(role) => role.name(),
            Self::Column(name) => name,
        }
    }

    /// The field of that name in records of that format.
    fn named(name: &str, format: Format) -> Option<Self> {
        match format.columns() {
            Columns::Timed | Columns::Named | Columns::Tables => Some(Self::Column(name.to_owned())),
            Columns::None if name == Self::TIME => Some(Self::Time),
            Columns::None => roles(format).find(|role| role.name() == name).map(Self::Role),
        }
    }
}

fn roles(format: Format) -> impl Iterator<Item = Role> {
    Role::ALL.into_iter().filter(move |role| *role != Role::Any && format.has_role(*role))
}

/// `unit` or `fields`. `format` is None where the clause leaves it to the content, Some(None) where it could not be read; None
/// in the answer where what is asked for could not be read.
pub(super) fn read(table: &Table<'_>, format: Option<Option<Format>>, notes: &mut Notes) -> Option<Option<Reduction>> {
    let unit = table.get("unit").map(|item| unit(&item, format, notes));
    let item = table.get("fields");
    if let (Some(_), Some(item)) = (&unit, &item) {
        let message = "`unit` is about mail and `fields` about lines and rows: a clause has one of them";
        notes.error(Code::UnitAndFields, &item.span, message).hint("keep what the order says");
        return None;
    }
    match (unit, item) {
        (Some(unit), _) => Some(Some(Reduction::Unit(unit?))),
        (None, Some(item)) => Some(Some(Reduction::Fields(fields(&item, table, format, notes)?))),
        (None, None) => Some(None),
    }
}

fn unit(item: &Item<'_>, format: Option<Option<Format>>, notes: &mut Notes) -> Option<Unit> {
    let text = item.text(notes)?;
    let Some(unit) = Unit::named(text.text) else {
        let names = Unit::ALL.map(Unit::name).join("\" or \"");
        let note = notes.error(Code::UnknownUnit, &text.span, "there is no such unit");
        note.hint(format!("\"{names}\"; without `unit` the whole message"));
        return None;
    };
    if let Some(format) = format.flatten().filter(|format| !format.is_mail()) {
        let message = format!("the records of {} are no messages", format.name());
        let note = notes.error(Code::UnitNotInFormat, &item.span, message);
        note.hint("`unit` is about mail; for less than a line or a row write `fields`");
        return None;
    }
    Some(unit)
}

fn fields(item: &Item<'_>, table: &Table<'_>, format: Option<Option<Format>>, notes: &mut Notes) -> Option<Vec<Field>> {
    let items = item.list("names of fields", notes)?;
    let format = match format {
        Some(Some(format)) => format,
        Some(None) => return None,
        None => {
            let message = "a clause with `fields` names the format whose fields it means";
            notes.error(Code::FieldsNotInFormat, &item.span, message).hint("add `as`");
            return None;
        }
    };
    if format.is_mail() {
        let message = format!("the records of {} are messages, and give no `fields`", format.name());
        let note = notes.error(Code::FieldsNotInFormat, &item.span, message);
        note.hint("for less than a message write `unit = \"headers\"` or `unit = \"message-without-attachments\"`");
        return None;
    }
    if format.columns() == Columns::Tables && !table.holds("rows") {
        let message = format!("{} holds several tables: say whose columns these are", format.name());
        notes.error(Code::FieldsNotInFormat, &item.span, message).hint("add `rows = { table = \"...\" }`");
        return None;
    }
    let (mut seen, mut good) = (BTreeSet::new(), true);
    let mut named = Vec::with_capacity(items.len());
    for item in &items {
        let Some(text) = item.text(notes) else {
            good = false;
            continue;
        };
        match Field::named(text.text, format) {
            Some(field) if seen.insert(text.text) => named.push(field),
            Some(_) => {
                notes.error(Code::DuplicateField, &text.span, "this field is named twice").hint("take one out");
                good = false;
            }
            None => {
                let message = format!("the records of {} have no such field", format.name());
                let names: Vec<&str> = std::iter::once(Field::TIME).chain(roles(format).map(Role::name)).collect();
                let note = notes.error(Code::FieldsNotInFormat, &text.span, message);
                note.hint(format!("they have {}", names.join(", ")));
                good = false;
            }
        }
    }
    good.then_some(named)
}
