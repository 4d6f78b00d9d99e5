//! The statements of a dump, one after the other, and what is known of each.
//!
//! **Invariant:** a statement that is not known, or not finished, is counted as unreadable, less the rows of it that were
//! read; nothing is passed over but what is known to make no rows.

use std::io::Read;

use super::Dialect;
use super::catalog::{Catalog, Column, Columns};
use super::input::Input;
use super::lexer::{Lexer, Token};
use super::values::Values;
use crate::limits::{COLUMNS, SQL_CATALOG_BYTES, SQL_NAME_BYTES};
use crate::record::row;
use crate::record::{RecordSink, SplitError, Unreadable};
use crate::scope::RawRecord;

/// The longest word that means something in SQL.
const WORD_BYTES: usize = 32;

/// Statements that neither make nor change rows. `SELECT` sets sequences and settings; `PREPARE` and `EXECUTE` are how some
/// builds of mysqldump set theirs.
const OTHERS: &[&str] = &[
    "ANALYZE",
    "BEGIN",
    "CHANGE",
    "CHECK",
    "CLUSTER",
    "COMMENT",
    "COMMIT",
    "DEALLOCATE",
    "DROP",
    "END",
    "EXECUTE",
    "FLUSH",
    "GRANT",
    "INSTALL",
    "LOCK",
    "OPTIMIZE",
    "PREPARE",
    "REFRESH",
    "REINDEX",
    "RELEASE",
    "RESET",
    "REVOKE",
    "SAVEPOINT",
    "SECURITY",
    "SHOW",
    "START",
    "STOP",
    "TRUNCATE",
    "UNLOCK",
    "VACUUM",
];

/// What came of a statement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Outcome {
    /// It is known; what is left of it makes no rows.
    Known,
    /// What was not read of it is lost.
    Lost,
    /// It was a command that ends with its line, and has ended.
    Line,
}

/// In which character set a dump says that it is written.
#[derive(Clone, Copy, Default)]
pub(super) struct Characters {
    /// In another than UTF-8.
    pub(super) is_other: bool,
    /// The same of the dump as a whole, where a part of it has its own.
    pub(super) is_other_outside: bool,
}

/// Reads a dump.
pub(super) struct Reader<'s> {
    pub(super) lexer: Lexer<'s>,
    pub(super) catalog: Catalog,
    /// The last one.
    pub(super) token: Token,
    pub(super) row: Values,
    /// Strings are in a character set in which a byte of a character can be a backslash.
    pub(super) is_foreign: bool,
    pub(super) characters: Characters,
    /// The offset from UTC that a dump of MySQL sets for its instants.
    pub(super) offset: Option<String>,
    sink: &'s mut dyn RecordSink,
    /// Bytes handed over.
    given: u64,
    /// Bytes of this statement that were rows.
    told: u64,
    line: Vec<u8>,
}

impl<'s> Reader<'s> {
    pub(super) fn new(dialect: Dialect, stream: &'s mut dyn Read, sink: &'s mut dyn RecordSink) -> Self {
        Self {
            lexer: Lexer::new(Input::new(stream), dialect),
            catalog: Catalog::new(dialect),
            token: Token::Eof,
            row: Values::default(),
            is_foreign: false,
            characters: Characters::default(),
            offset: None,
            sink,
            given: 0,
            told: 0,
            line: Vec::new(),
        }
    }

    pub(super) fn run(mut self) -> Result<(), SplitError> {
        let input = &mut self.lexer.input;
        // UTF-16 is no text that a server takes.
        if input.starts_with(b"\xFF\xFE") || input.starts_with(b"\xFE\xFF") {
            self.lose_rest(0);
        }
        if self.lexer.input.starts_with(b"\xEF\xBB\xBF") {
            self.lexer.input.advance(3);
        }
        loop {
            match self.next() {
                Token::Eof => break,
                Token::End => {}
                _ => self.statement()?,
            }
            if self.is_foreign {
                self.lose_rest(self.position());
            }
        }
        let unfinished = self.lexer.open_bytes().saturating_add(self.lexer.marks.unfinished());
        self.lose(unfinished, self.why());
        self.lexer.input.failure().map_or(Ok(()), |error| Err(error.into()))
    }

    /// From its first token to behind its end.
    fn statement(&mut self) -> Result<(), SplitError> {
        let begin = self.lexer.begin;
        self.told = 0;
        let outcome = self.known()?;
        if outcome == Outcome::Line {
            return Ok(());
        }
        while !matches!(self.token, Token::End | Token::Eof) {
            self.next();
        }
        if outcome == Outcome::Lost || self.token == Token::Eof {
            self.lose(self.position().saturating_sub(begin).saturating_sub(self.told), self.why());
        }
        if self.token == Token::Eof {
            self.lexer.close();
        }
        Ok(())
    }

    fn known(&mut self) -> Result<Outcome, SplitError> {
        let dialect = self.lexer.dialect;
        match self.token {
            Token::Word => {}
            Token::Sign(b'\\') if dialect == Dialect::Postgresql => return Ok(self.command()),
            _ => return Ok(Outcome::Lost),
        }
        let word = self.word();
        match (word.as_str(), dialect) {
            ("INSERT", _) | ("REPLACE", Dialect::Mysql) => self.insert(),
            ("COPY", Dialect::Postgresql) => self.copy(),
            ("CREATE", _) => Ok(self.create()),
            ("ALTER", _) => Ok(self.alter()),
            ("SET", _) => Ok(self.set()),
            ("SELECT", _) => Ok(self.select()),
            ("USE", Dialect::Mysql) => Ok(self.use_database()),
            ("DELIMITER", Dialect::Mysql) => Ok(if self.lexer.set_delimiter() { Outcome::Line } else { Outcome::Lost }),
            ("RENAME", Dialect::Mysql) => {
                self.catalog.forget_all();
                Ok(Outcome::Known)
            }
            (word, _) if OTHERS.contains(&word) => Ok(Outcome::Known),
            _ => Ok(Outcome::Lost),
        }
    }

    pub(super) fn position(&self) -> u64 {
        self.lexer.input.position()
    }

    pub(super) fn next(&mut self) -> Token {
        self.token = self.lexer.next();
        self.token
    }

    /// The last token is that word.
    pub(super) fn is(&self, word: &str) -> bool {
        self.token == Token::Word && self.lexer.is(word)
    }

    pub(super) fn is_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    /// The last token, where it is a word, in capital letters; none that means nothing.
    pub(super) fn word(&self) -> String {
        let bytes = self.lexer.text.bytes();
        let word = if self.token == Token::Word && bytes.len() <= WORD_BYTES { bytes } else { &[] };
        std::str::from_utf8(word).unwrap_or_default().to_ascii_uppercase()
    }

    /// Passes that word where it is the last token.
    pub(super) fn pass(&mut self, word: &str) -> bool {
        let is = self.is(word);
        if is {
            self.next();
        }
        is
    }

    /// The last token as a name: one without quotes is folded where its server folds it.
    pub(super) fn part(&self) -> Option<String> {
        let bytes = self.lexer.text.bytes();
        let text = std::str::from_utf8(bytes).ok().filter(|text| (1..=SQL_NAME_BYTES).contains(&text.len()))?;
        if self.characters.is_other && !text.is_ascii() {
            return None;
        }
        match (self.token, self.lexer.dialect) {
            (Token::Word, Dialect::Postgresql) => Some(text.to_ascii_lowercase()),
            (Token::Word | Token::DoubleQuoted, Dialect::Mysql) | (Token::Name, _) => Some(text.to_owned()),
            _ => None,
        }
    }

    /// The name of a table that begins with the last token; the next token is the one behind it.
    pub(super) fn table(&mut self) -> Option<String> {
        let mut parts = vec![self.part()?];
        while self.next() == Token::Sign(b'.') && parts.len() < 3 {
            self.next();
            parts.push(self.part()?);
        }
        Some(self.catalog.name(&parts))
    }

    /// Names in parentheses, the first of which is the last token; the next token is the one behind them.
    pub(super) fn names(&mut self) -> Option<Columns> {
        let (mut names, mut bytes) = (Vec::new(), 0usize);
        loop {
            if self.next() == Token::Sign(b')') && names.is_empty() {
                break;
            }
            let name = self.part()?;
            bytes = bytes.saturating_add(name.len());
            names.push(Column::plain(name));
            if names.len() > COLUMNS || bytes > SQL_CATALOG_BYTES {
                return None;
            }
            match self.next() {
                Token::Sign(b',') => {}
                Token::Sign(b')') => break,
                _ => return None,
            }
        }
        self.next();
        Some(names.into())
    }

    /// The row that was read, of so many bytes of the dump.
    pub(super) fn emit(&mut self, bytes: u64, table: &str, columns: Option<&[Column]>) -> Result<(), SplitError> {
        self.told += bytes;
        if let (Some(columns), Some(offset)) = (columns, &self.offset) {
            self.row.set_offset(columns, offset);
        }
        if let Err(why) = self.row.render(&mut self.line, table, columns) {
            self.lose(bytes, why);
            return Ok(());
        }
        let offset = self.given;
        self.given += self.line.len() as u64;
        self.sink.record(RawRecord { bytes: &self.line, offset, fields: &row::Line::of(&self.line) })?;
        Ok(())
    }

    fn lose(&mut self, bytes: u64, why: Unreadable) {
        if bytes > 0 {
            self.given += bytes;
            self.sink.unreadable(bytes, why);
        }
    }

    /// All that is left cannot be read; what comes before `begin` was.
    fn lose_rest(&mut self, begin: u64) {
        self.lexer.input.drain();
        self.lose(self.position().saturating_sub(begin), self.why());
    }

    fn why(&self) -> Unreadable {
        if self.lexer.input.has_failed() { Unreadable::Cut } else { Unreadable::NotTheFormat }
    }
}
