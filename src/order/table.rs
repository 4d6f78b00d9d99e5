//! A manifest's tables and values, each with its place in the file.
//!
//! **Invariant:** a value of the wrong type is one finding and no value; nothing here panics on any document.

use std::ops::Range;

use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};
use toml::value::Datetime;

use super::diagnostic::{Code, Notes};
use super::key::{Keys, LATER};
use crate::limits;

/// A table whose keys have been checked.
pub(super) struct Table<'t> {
    map: &'t DeTable<'t>,
    /// Where it begins: its header or its brace.
    pub(super) span: Range<usize>,
    name: &'static str,
}

/// A value and what it is called.
#[derive(Clone)]
pub(super) struct Item<'t> {
    value: &'t DeValue<'t>,
    pub(super) span: Range<usize>,
    name: &'t str,
}

/// A text and its place.
#[derive(Clone)]
pub(super) struct Text<'t> {
    pub(super) text: &'t str,
    pub(super) span: Range<usize>,
}

impl<'t> Table<'t> {
    /// The top of a file.
    pub(super) fn document(document: &'t Spanned<DeTable<'t>>, keys: &Keys, notes: &mut Notes) -> Self {
        Self::checked(document.get_ref(), 0..0, keys, notes)
    }

    /// The top of a file whose keys are not checked yet.
    pub(super) fn unchecked(document: &'t Spanned<DeTable<'t>>) -> Self {
        Self { map: document.get_ref(), span: 0..0, name: "" }
    }

    fn checked(map: &'t DeTable<'t>, span: Range<usize>, keys: &Keys, notes: &mut Notes) -> Self {
        for (key, value) in map.iter() {
            let name: &str = key.get_ref();
            if keys.known.contains(&name) {
                continue;
            }
            unknown_key(name, value, &key.span(), keys, notes);
        }
        Self { map, span, name: keys.table }
    }

    /// The value of a key, if it is there.
    pub(super) fn get(&self, key: &'static str) -> Option<Item<'t>> {
        let value = self.map.get(key)?;
        Some(Item { value: value.get_ref(), span: value.span(), name: key })
    }

    /// The key is there, known or not.
    pub(super) fn holds(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    /// The value of a key that must be there.
    pub(super) fn need(&self, key: &'static str, example: &str, notes: &mut Notes) -> Option<Item<'t>> {
        let found = self.get(key);
        if found.is_none() {
            let note = notes.error(Code::MissingKey, &self.span, format!("{} has no `{key}`", self.name));
            note.hint(format!("add {example}"));
        }
        found
    }

    /// The keys and values of a table that names its own keys.
    pub(super) fn entries(item: &Item<'t>, notes: &mut Notes) -> Vec<(Text<'t>, Item<'t>)> {
        let DeValue::Table(map) = item.value else {
            item.wrong("a table", notes);
            return Vec::new();
        };
        let entry = |(key, value): (&'t Spanned<toml::de::DeString<'t>>, &'t Spanned<DeValue<'t>>)| {
            let text = Text { text: key.get_ref(), span: key.span() };
            let item = Item { value: value.get_ref(), span: value.span(), name: key.get_ref() };
            (text, item)
        };
        map.iter().map(entry).collect()
    }
}

fn unknown_key(name: &str, value: &Spanned<DeValue<'_>>, span: &Range<usize>, keys: &Keys, notes: &mut Notes) {
    let shown: String = name.chars().take(64).collect();
    if keys.table == "window" && name == "to" {
        let day_only = value.get_ref().as_datetime().is_some_and(|at| at.time.is_none());
        let note = notes.error(Code::WindowTo, span, "a window has no `to`: it does not say whether that day is in it");
        note.hint(if day_only {
            "write `through` for a last whole day, or `before` for the first instant that is no longer in it"
        } else {
            "write `before`: the first instant that is no longer in the window"
        });
        return;
    }
    if LATER.contains(&name) {
        notes.error(Code::NotInThisVersion, span, format!("`{shown}` is not in this version"));
        return;
    }
    let note = notes.error(Code::UnknownKey, span, format!("{} has no key `{shown}`", keys.table));
    match keys.nearest(name) {
        Some(near) => note.hint(format!("did you mean `{near}`?")),
        None => note.hint(format!("its keys are {}", keys.known.join(", "))),
    }
}

impl<'t> Item<'t> {
    fn wrong(&self, wanted: &str, notes: &mut Notes) {
        let is = match self.value {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        let shown: String = self.name.chars().take(64).collect();
        let note = notes.error(Code::WrongType, &self.span, format!("`{shown}` must be {wanted}, not {is}"));
        if matches!((self.value, wanted.starts_with("a date")), (DeValue::String(_), true)) {
            note.hint("dates stand without quotation marks");
        } else if wanted.starts_with("a list") {
            note.hint("write it in brackets: [ ... ]");
        }
    }

    /// The text, whatever is in it; none where it is no text, with no finding.
    pub(super) fn raw(&self) -> Option<&'t str> {
        self.value.as_str()
    }

    /// A text of one line, not empty, without control characters.
    pub(super) fn text(&self, notes: &mut Notes) -> Option<Text<'t>> {
        self.any_text(|_| false, notes)
    }

    /// A text that may have several lines.
    pub(super) fn prose(&self, notes: &mut Notes) -> Option<Text<'t>> {
        self.any_text(|control| matches!(control, '\n' | '\r' | '\t'), notes)
    }

    /// A path of the server: any character but NUL.
    pub(super) fn path(&self, notes: &mut Notes) -> Option<Text<'t>> {
        self.any_text(|control| control != '\0', notes)
    }

    fn any_text(&self, allowed: fn(char) -> bool, notes: &mut Notes) -> Option<Text<'t>> {
        let DeValue::String(text) = self.value else {
            self.wrong("a text in quotation marks", notes);
            return None;
        };
        if text.trim().is_empty() {
            notes.error(Code::Empty, &self.span, format!("`{}` is empty", self.name));
            return None;
        }
        if let Some(control) = text.chars().find(|&c| c.is_control() && !allowed(c)) {
            let message = format!("`{}` holds the control character U+{:04X}", self.name, u32::from(control));
            notes.error(Code::ControlCharacter, &self.span, message);
            return None;
        }
        Some(Text { text, span: self.span.clone() })
    }

    /// What a table calls itself, before it is read: to name it in findings.
    pub(super) fn id(&self) -> Option<String> {
        let id = self.value.as_table()?.get("id")?.get_ref().as_str()?;
        Some(id.chars().take(64).map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect())
    }

    /// True or false.
    pub(super) fn boolean(&self, notes: &mut Notes) -> Option<bool> {
        let DeValue::Boolean(value) = self.value else {
            self.wrong("true or false", notes);
            return None;
        };
        Some(*value)
    }

    /// A whole number; None with no finding where it is one that does not fit.
    pub(super) fn number(&self, notes: &mut Notes) -> Option<Result<u64, ()>> {
        let DeValue::Integer(value) = self.value else {
            self.wrong("a number", notes);
            return None;
        };
        Some(u64::from_str_radix(value.as_str(), value.radix()).map_err(|_| ()))
    }

    /// A date, a date and time, or a time.
    pub(super) fn datetime(&self, wanted: &str, notes: &mut Notes) -> Option<Datetime> {
        match self.value {
            // A time without a day is no date.
            DeValue::Datetime(value) if value.date.is_some() => Some(*value),
            _ => {
                self.wrong(wanted, notes);
                None
            }
        }
    }

    /// A list with something in it.
    pub(super) fn list(&self, of: &str, notes: &mut Notes) -> Option<Vec<Item<'t>>> {
        let DeValue::Array(items) = self.value else {
            self.wrong(&format!("a list of {of}"), notes);
            return None;
        };
        if items.is_empty() {
            notes.error(Code::Empty, &self.span, format!("`{}` is empty", self.name));
            return None;
        }
        if items.len() > limits::LIST_ITEMS {
            let message = format!("`{}` has {} values; at most {}", self.name, items.len(), limits::LIST_ITEMS);
            notes.error(Code::TooMany, &self.span, message);
            return None;
        }
        let item =
            |value: &'t Spanned<DeValue<'t>>| Item { value: value.get_ref(), span: value.span(), name: self.name };
        Some(items.iter().map(item).collect())
    }

    /// A table with those keys.
    pub(super) fn table(&self, keys: &Keys, notes: &mut Notes) -> Option<Table<'t>> {
        let DeValue::Table(map) = self.value else {
            self.wrong("a table", notes);
            return None;
        };
        Some(Table::checked(map, self.span.clone(), keys, notes))
    }
}
