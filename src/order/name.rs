//! Ids of orders and clauses, and names of sources: what may stand in a file name and on a command line.
//!
//! **Invariant:** a name in hand is `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`.

use super::diagnostic::{Code, Notes};
use super::table::{Item, Text};

/// An id or a source's name.
pub(super) fn read<'t>(item: &Item<'t>, notes: &mut Notes) -> Option<Text<'t>> {
    let text = item.text(notes)?;
    if is_name(text.text) {
        return Some(text);
    }
    let shown: String = text.text.chars().take(64).collect();
    let note = notes.error(Code::BadId, &text.span, format!("`{shown}` cannot be used as a name here"));
    note.hint("up to 64 letters, digits, `.`, `_` and `-` of ASCII, the first a letter or digit");
    None
}

fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}
