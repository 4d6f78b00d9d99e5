//! INSERT and REPLACE: rows in parentheses.
//!
//! **Invariant:** a value is what its literal says; anything else makes its row unreadable.

use super::catalog::Column;
use super::lexer::Token;
use super::reader::{Outcome, Reader};
use super::values::Kind;
use super::{Dialect, literal};
use crate::limits::LINE_BYTES;
use crate::record::SplitError;

/// What is known of a value so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Value {
    /// Nothing.
    Empty,
    /// It has a sign in front of it.
    Signed(u8),
    /// Bytes follow (`_binary`).
    Bytes,
    /// A string of a character set that UTF-8 holds follows (`_utf8mb4`).
    Characters,
    /// It is whole.
    Full,
}

impl Reader<'_> {
    /// Behind its first word.
    pub(super) fn insert(&mut self) -> Result<Outcome, SplitError> {
        self.next();
        while self.is_any(&["LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE"]) {
            self.next();
        }
        self.pass("INTO");
        let Some(table) = self.table() else { return Ok(Outcome::Lost) };
        if self.lexer.dialect == Dialect::Mysql && self.pass("PARTITION") && self.names().is_none() {
            return Ok(Outcome::Lost);
        }
        let columns = if self.token == Token::Sign(b'(') {
            let Some(names) = self.names() else { return Ok(Outcome::Lost) };
            Some(self.catalog.typed(&table, names))
        } else {
            self.catalog.columns(&table)
        };
        if self.pass("OVERRIDING") {
            self.next();
            if !self.pass("VALUE") {
                return Ok(Outcome::Lost);
            }
        }
        if !self.is_any(&["VALUES", "VALUE"]) {
            return Ok(Outcome::Lost);
        }
        loop {
            if self.next() != Token::Sign(b'(') || !self.tuple(&table, columns.as_deref())? {
                return Ok(Outcome::Lost);
            }
            if self.token == Token::End {
                return Ok(Outcome::Known);
            }
            match self.next() {
                Token::Sign(b',') => {}
                Token::End => return Ok(Outcome::Known),
                // What is done where the row is there already.
                Token::Word if self.is_any(&["ON", "RETURNING", "AS"]) => return Ok(Outcome::Known),
                _ => return Ok(Outcome::Lost),
            }
        }
    }

    /// From its parenthesis to the one that closes it. False: the stream ended first.
    fn tuple(&mut self, table: &str, columns: Option<&[Column]>) -> Result<bool, SplitError> {
        let begin = self.lexer.begin;
        self.row.clear();
        let (mut value, mut depth) = (Value::Empty, 0u32);
        loop {
            let token = self.next();
            let bytes = self.position().saturating_sub(begin);
            if bytes > LINE_BYTES as u64 {
                self.row.long();
            }
            match token {
                Token::Eof => return Ok(false),
                // No row ends so; the next statement is read all the same.
                Token::End => {
                    self.row.odd();
                    self.emit(bytes, table, columns)?;
                    return Ok(true);
                }
                Token::Sign(b'(') => {
                    depth = depth.saturating_add(1);
                    self.row.odd();
                }
                Token::Sign(b')') if depth > 0 => depth -= 1,
                Token::Sign(sign @ (b')' | b',')) if depth == 0 => {
                    if value != Value::Full {
                        self.row.odd();
                    }
                    value = Value::Empty;
                    if sign == b')' {
                        self.emit(bytes, table, columns)?;
                        return Ok(true);
                    }
                }
                token if depth == 0 => value = self.value(value, token),
                _ => {}
            }
        }
    }

    fn value(&mut self, value: Value, token: Token) -> Value {
        let is_mysql = self.lexer.dialect == Dialect::Mysql;
        let text = self.lexer.text.bytes();
        match (value, token) {
            (Value::Empty, Token::Text | Token::DoubleQuoted) => self.row.push_text(self.characters.is_other, text),
            (Value::Characters, Token::Text | Token::DoubleQuoted) => self.row.push(Kind::Text, text),
            (Value::Bytes, Token::Text | Token::DoubleQuoted) => self.row.push(Kind::Bytes, text),
            (Value::Empty, Token::Sign(sign @ (b'-' | b'+'))) => return Value::Signed(sign),
            (Value::Empty, Token::Number) if literal::is_number(text) => self.row.push(Kind::Number, text),
            (Value::Signed(sign), Token::Number) if literal::is_number(text) => {
                self.row.push(Kind::Number, &[&[sign], text].concat());
            }
            (Value::Empty, Token::Word) if text.eq_ignore_ascii_case(b"null") => self.row.push(Kind::Null, b""),
            (Value::Empty, Token::Word) if text.eq_ignore_ascii_case(b"default") => self.row.push(Kind::Default, b""),
            (Value::Empty, Token::Word) if is_mysql && text.starts_with(b"_") => {
                let is = |name: &&str| text.eq_ignore_ascii_case(name.as_bytes());
                if is(&"_binary") {
                    return Value::Bytes;
                }
                if ["_utf8", "_utf8mb3", "_utf8mb4", "_ascii"].iter().any(is) {
                    return Value::Characters;
                }
                self.row.odd();
            }
            (Value::Empty, Token::Word) if !is_mysql => match text.to_ascii_lowercase().as_slice() {
                word @ (b"true" | b"false") => self.row.push(Kind::Text, word),
                _ => self.row.odd(),
            },
            (Value::Empty | Value::Bytes, Token::Hex | Token::Bits) if is_mysql => {
                let read = if token == Token::Hex { literal::hex } else { literal::bits };
                if self.row.push_with(Kind::Bytes, |data| read(text, data)) == Some(false) {
                    self.row.odd();
                }
            }
            // A string of bits, which has no other name.
            (Value::Empty, Token::Bits) if text.iter().all(|bit| matches!(bit, b'0' | b'1')) => {
                self.row.push(Kind::Text, text);
            }
            _ => self.row.odd(),
        }
        if self.lexer.text.is_long() {
            self.row.long();
        }
        Value::Full
    }
}
