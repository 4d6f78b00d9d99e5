//! The words, names, literals and signs of a dump, one after the other, with quotes and escapes undone.
//!
//! Sources: MySQL 8.0 Reference Manual, 9.1 (literals), 9.2 (names), 9.7 (comments); PostgreSQL documentation, 4.1 (lexical
//! structure). What MySQL executes within `/*! ... */` is read as what it is; of `/*!999999 ... */`, which no server is new
//! enough for, nothing is.
//!
//! **Invariant:** what stands in quotes or in a comment never ends them but by the rules of its dialect, and the end of the
//! stream within one is told.

use super::Dialect;
use super::input::{Input, Kept};
use super::literal::{self, Escapes};
use super::mark::Marks;
use crate::limits::{LINE_FRONT_BYTES, SQL_DELIMITER_BYTES, SQL_NAME_BYTES};

/// What is met next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Token {
    /// A word without quotes.
    Word,
    /// A name in quotes.
    Name,
    /// A string.
    Text,
    /// A string in double quotes, which may be meant as a name.
    DoubleQuoted,
    /// The digits of a hexadecimal literal.
    Hex,
    /// The digits of a bit literal.
    Bits,
    /// A number, or what begins like one.
    Number,
    /// Any other byte.
    Sign(u8),
    /// A literal that is not read.
    Odd,
    /// The end of a statement.
    End,
    /// The end of the stream.
    Eof,
}

/// What a dump says of its own strings.
#[derive(Clone, Copy, Default)]
pub(super) struct Modes {
    /// MySQL: NO_BACKSLASH_ESCAPES.
    pub(super) plain_backslash: bool,
    /// MySQL: ANSI_QUOTES.
    pub(super) ansi_quotes: bool,
    /// PostgreSQL: `standard_conforming_strings` is off.
    pub(super) escapes_everywhere: bool,
}

/// The stream of tokens.
pub(super) struct Lexer<'s> {
    pub(super) input: Input<'s>,
    pub(super) dialect: Dialect,
    pub(super) modes: Modes,
    /// What the last token holds.
    pub(super) text: Kept,
    /// Where the last token begins.
    pub(super) begin: u64,
    pub(super) marks: Marks,
    /// Bytes of a comment that the stream ended in.
    open_comment: u64,
    delimiter: Vec<u8>,
    /// Within `/*! ... */`, which began there.
    executed: Option<u64>,
    note: Kept,
}

impl<'s> Lexer<'s> {
    pub(super) fn new(input: Input<'s>, dialect: Dialect) -> Self {
        Self {
            input,
            dialect,
            modes: Modes::default(),
            text: Kept::new(),
            begin: 0,
            marks: Marks::default(),
            open_comment: 0,
            delimiter: b";".to_vec(),
            executed: None,
            note: Kept::up_to(LINE_FRONT_BYTES),
        }
    }

    pub(super) fn next(&mut self) -> Token {
        self.text.clear();
        self.skip_blank();
        self.begin = self.input.position();
        if self.take_delimiter() {
            return Token::End;
        }
        let Some(byte) = self.input.peek() else { return Token::Eof };
        match byte {
            b'\'' => self.quoted(b'\'', self.string_escapes(), Token::Text),
            b'"' if self.dialect == Dialect::Mysql && !self.modes.ansi_quotes => {
                self.quoted(b'"', self.string_escapes(), Token::DoubleQuoted)
            }
            b'"' => self.quoted(b'"', Escapes::None, Token::Name),
            b'`' if self.dialect == Dialect::Mysql => self.quoted(b'`', Escapes::None, Token::Name),
            b'$' if self.dialect == Dialect::Postgresql => self.dollar(),
            b'0'..=b'9' => self.number(),
            b'.' if self.input.peek_at(1).is_some_and(|next| next.is_ascii_digit()) => self.number(),
            _ if is_word(byte) => self.word(),
            _ => {
                self.input.advance(1);
                Token::Sign(byte)
            }
        }
    }

    /// The last token is that word.
    pub(super) fn is(&self, word: &str) -> bool {
        self.text.bytes().eq_ignore_ascii_case(word.as_bytes())
    }

    /// Bytes of the comment, or of what is executed in one, that the stream ended in.
    pub(super) fn open_bytes(&self) -> u64 {
        let executed = self.executed.map_or(0, |begin| self.input.position().saturating_sub(begin));
        self.open_comment.max(executed)
    }

    /// What is open is counted with its statement.
    pub(super) fn close(&mut self) {
        (self.open_comment, self.executed) = (0, None);
    }

    /// What stands between here and the end of the line.
    pub(super) fn rest_of_line(&mut self) -> &Kept {
        self.note.clear();
        self.input.line(&mut self.note);
        &self.note
    }

    /// Statements end with that from here on. False: it can be none.
    pub(super) fn set_delimiter(&mut self) -> bool {
        let line = self.rest_of_line().bytes().trim_ascii();
        let word = line.split(u8::is_ascii_whitespace).next().unwrap_or_default();
        let fits = (1..=SQL_DELIMITER_BYTES).contains(&word.len());
        if fits {
            self.delimiter = word.to_vec();
        }
        fits
    }

    /// Passes the end of a command that the end of its line ends too.
    pub(super) fn end_of_command(&mut self) {
        while matches!(self.input.peek(), Some(b' ' | b'\t' | b'\r')) {
            self.input.advance(1);
        }
        self.take_delimiter();
    }

    fn take_delimiter(&mut self) -> bool {
        let found = self.input.starts_with(&self.delimiter);
        if found {
            self.input.advance(self.delimiter.len());
        }
        found
    }

    /// Passes white space and comments.
    fn skip_blank(&mut self) {
        let is_mysql = self.dialect == Dialect::Mysql;
        while let Some(byte) = self.input.peek() {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' | b'\x0B' | b'\x0C' => self.input.advance(1),
                b'#' if is_mysql => drop(self.rest_of_line()),
                b'-' if self.begins_line_comment() => {
                    let begin = self.input.position();
                    self.rest_of_line();
                    self.marks.see(self.note.bytes(), self.input.position() - begin);
                }
                b'/' if self.input.peek_at(1) == Some(b'*') => self.comment(),
                b'*' if self.executed.is_some() && self.input.peek_at(1) == Some(b'/') => {
                    self.input.advance(2);
                    self.executed = None;
                }
                _ => return,
            }
        }
    }

    /// MySQL has `1--1`, and wants a space behind the signs of a comment.
    fn begins_line_comment(&mut self) -> bool {
        self.input.peek_at(1) == Some(b'-')
            && (self.dialect == Dialect::Postgresql
                || self.input.peek_at(2).is_none_or(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control()))
    }

    fn comment(&mut self) {
        let begin = self.input.position();
        self.input.advance(2);
        if self.dialect == Dialect::Mysql {
            let is_marked = self.input.starts_with(b"!") || self.input.starts_with(b"M!");
            if is_marked {
                let is_mariadb = self.input.starts_with(b"M");
                self.input.advance(if is_mariadb { 2 } else { 1 });
                let mut version = 0u32;
                while let Some(digit @ b'0'..=b'9') = self.input.peek() {
                    version = version.saturating_mul(10).saturating_add(u32::from(digit - b'0'));
                    self.input.advance(1);
                }
                if version < 999_999 {
                    self.executed = Some(begin);
                    return;
                }
            }
        }
        let (mut depth, mut nothing) = (1u32, Kept::up_to(0));
        while depth > 0 {
            let Some(byte) = self.input.up_to([b'*', b'/', b'*'], &mut nothing) else {
                self.open_comment = self.input.position() - begin;
                return;
            };
            self.input.advance(1);
            match (byte, self.input.peek()) {
                (b'*', Some(b'/')) => depth -= 1,
                (b'/', Some(b'*')) if self.dialect == Dialect::Postgresql => depth = depth.saturating_add(1),
                _ => continue,
            }
            self.input.advance(1);
        }
    }

    fn string_escapes(&self) -> Escapes {
        match self.dialect {
            Dialect::Mysql if self.modes.plain_backslash => Escapes::None,
            Dialect::Mysql => Escapes::Mysql,
            Dialect::Postgresql if self.modes.escapes_everywhere => Escapes::Postgresql,
            Dialect::Postgresql => Escapes::None,
        }
    }

    /// From its first quote to its last; a quote twice is one that it holds.
    fn quoted(&mut self, quote: u8, escapes: Escapes, token: Token) -> Token {
        self.text.clear();
        self.input.advance(1);
        let escape = if escapes == Escapes::None { quote } else { b'\\' };
        let mut is_odd = false;
        loop {
            match self.input.up_to([quote, escape, quote], &mut self.text) {
                None => return Token::Odd,
                Some(byte) if byte == quote => {
                    self.input.advance(1);
                    if self.input.peek() != Some(quote) {
                        return if is_odd { Token::Odd } else { token };
                    }
                    self.input.advance(1);
                    self.text.push(quote);
                }
                Some(_) => {
                    self.input.advance(1);
                    is_odd |= !literal::unescape(&mut self.input, escapes, &mut self.text);
                }
            }
        }
    }

    /// `$tag$...$tag$`, or a sign.
    fn dollar(&mut self) -> Token {
        let mut tag = vec![b'$'];
        loop {
            match self.input.peek_at(tag.len()) {
                Some(b'$') => break,
                Some(byte)
                    if tag.len() < SQL_NAME_BYTES && is_word(byte) && !(tag.len() == 1 && byte.is_ascii_digit()) =>
                {
                    tag.push(byte);
                }
                _ => {
                    self.input.advance(1);
                    return Token::Sign(b'$');
                }
            }
        }
        tag.push(b'$');
        self.input.advance(tag.len());
        loop {
            if self.input.up_to([b'$'; 3], &mut self.text).is_none() {
                return Token::Odd;
            }
            if self.input.starts_with(&tag) {
                self.input.advance(tag.len());
                return Token::Text;
            }
            self.input.advance(1);
            self.text.push(b'$');
        }
    }

    /// A word that ends where the delimiter begins, whatever signs that has.
    fn word(&mut self) -> Token {
        while let Some(byte) = self.input.peek() {
            let is_in = is_word(byte) || byte == b'$';
            if !is_in || (self.delimiter.first() == Some(&byte) && self.input.starts_with(&self.delimiter)) {
                break;
            }
            self.text.push(byte);
            self.input.advance(1);
        }
        let is_postgresql = self.dialect == Dialect::Postgresql;
        match (self.text.bytes(), self.input.peek()) {
            (b"N" | b"n", Some(b'\'')) => self.quoted(b'\'', self.string_escapes(), Token::Text),
            (b"E" | b"e", Some(b'\'')) if is_postgresql => self.quoted(b'\'', Escapes::Postgresql, Token::Text),
            (b"X" | b"x", Some(b'\'')) => self.quoted(b'\'', Escapes::None, Token::Hex),
            (b"B" | b"b", Some(b'\'')) => self.quoted(b'\'', Escapes::None, Token::Bits),
            (b"U" | b"u", Some(b'&')) if is_postgresql => match self.input.peek_at(1) {
                Some(quote @ (b'\'' | b'"')) => {
                    self.input.advance(1);
                    self.quoted(quote, Escapes::None, Token::Odd)
                }
                _ => Token::Word,
            },
            _ => Token::Word,
        }
    }

    fn number(&mut self) -> Token {
        while let Some(byte) = self.input.peek() {
            let is_exponent = matches!(self.text.bytes(), [.., b'e' | b'E']) && matches!(byte, b'+' | b'-');
            if !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_') || is_exponent) {
                break;
            }
            self.text.push(byte);
            self.input.advance(1);
        }
        if self.dialect == Dialect::Mysql {
            let token = match self.text.bytes() {
                [b'0', b'x', ..] => Token::Hex,
                [b'0', b'b', ..] => Token::Bits,
                _ => return Token::Number,
            };
            let digits = self.text.bytes().get(2..).unwrap_or_default().to_vec();
            self.text.clear();
            self.text.extend(&digits);
            return token;
        }
        Token::Number
    }
}

/// A byte of a word: anything beyond ASCII is.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}
