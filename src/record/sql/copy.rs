//! COPY from the lines that follow it.
//!
//! **Invariant:** a line is a row with every column that the statement names, or counted as unreadable.

use super::catalog::Column;
use super::lexer::Token;
use super::literal;
use super::reader::{Outcome, Reader};
use super::values::{Kind, Values};
use crate::limits::LINE_BYTES;
use crate::record::SplitError;

/// The line that ends the rows.
const LAST: &[u8] = b"\\.";

impl Reader<'_> {
    /// Behind its first word.
    pub(super) fn copy(&mut self) -> Result<Outcome, SplitError> {
        self.next();
        let Some(table) = self.table() else { return Ok(Outcome::Lost) };
        let mut columns = if self.token == Token::Sign(b'(') {
            let Some(names) = self.names() else { return Ok(Outcome::Lost) };
            Some(names)
        } else {
            self.catalog.columns(&table)
        };
        if !self.pass("FROM") || !self.is("STDIN") {
            return Ok(Outcome::Lost);
        }
        if self.next() != Token::End {
            // The lines are then of another form.
            columns = None;
            while !matches!(self.token, Token::End | Token::Eof) {
                self.next();
            }
        }
        // The rows begin on the next line; what else stands on this one would be executed behind them.
        let rest = self.lexer.rest_of_line();
        let is_all = rest.bytes().trim_ascii().is_empty() && !rest.is_long();
        let outcome = self.rows(&table, columns.as_deref())?;
        Ok(if is_all { outcome } else { Outcome::Lost })
    }

    fn rows(&mut self, table: &str, columns: Option<&[Column]>) -> Result<Outcome, SplitError> {
        loop {
            let begin = self.position();
            let is_whole = self.data_line();
            let line = self.lexer.text.bytes();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line == LAST {
                self.token = Token::End;
                return Ok(Outcome::Known);
            }
            if !is_whole {
                self.token = Token::Eof;
                return Ok(Outcome::Lost);
            }
            self.row.clear();
            let bytes = self.position().saturating_sub(begin);
            if bytes > LINE_BYTES as u64 {
                self.row.long();
            } else {
                cells(line, self.characters.is_other, &mut self.row);
            }
            self.emit(bytes, table, columns)?;
        }
    }

    /// One line without its end, and with any that a backslash stands before. False: the stream ended first.
    fn data_line(&mut self) -> bool {
        let text = &mut self.lexer.text;
        text.clear();
        loop {
            if !self.lexer.input.line(text) {
                return false;
            }
            let backslashes = text.bytes().iter().rev().take_while(|byte| **byte == b'\\').count();
            if backslashes % 2 == 0 || text.is_long() {
                return true;
            }
            text.push(b'\n');
        }
    }
}

/// The fields of a line, which tabs part.
fn cells(line: &[u8], is_other: bool, row: &mut Values) {
    // Within a row it is written as an escape.
    if memchr::memchr(b'\r', line).is_some() {
        row.odd();
        return;
    }
    let (mut begin, mut at) = (0, 0);
    loop {
        let rest = line.get(at..).unwrap_or_default();
        let found = memchr::memchr2(b'\t', b'\\', rest).map(|ahead| at + ahead);
        let end = match found {
            Some(place) if line.get(place) == Some(&b'\\') => {
                // What is behind it parts nothing.
                at = place + 2;
                continue;
            }
            Some(place) => place,
            None => line.len(),
        };
        match line.get(begin..end).unwrap_or_default() {
            b"\\N" => row.push(Kind::Null, b""),
            field => {
                let mut text = Vec::new();
                literal::copied(field, &mut text);
                row.push_text(is_other, &text);
            }
        }
        if found.is_none() {
            return;
        }
        (begin, at) = (end + 1, end + 1);
    }
}
