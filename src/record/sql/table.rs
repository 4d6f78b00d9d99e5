//! CREATE TABLE and ALTER TABLE: which columns a table has, in their order.
//!
//! **Invariant:** columns are known where the definition says all of them, and are not where another table, a query or a later
//! change has a part in them.

use super::Dialect;
use super::catalog::Column;
use super::lexer::Token;
use super::reader::{Outcome, Reader};
use crate::limits::{COLUMNS, SQL_CATALOG_BYTES};

/// What stands between CREATE and TABLE.
const KINDS: [&str; 8] = ["OR", "REPLACE", "GLOBAL", "LOCAL", "TEMPORARY", "TEMP", "UNLOGGED", "FOREIGN"];
/// Words with which a definition begins that is no column's. All of them are reserved in their dialect.
const CONSTRAINTS: [&str; 5] = ["CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK"];
const MYSQL_CONSTRAINTS: [&str; 4] = ["KEY", "INDEX", "FULLTEXT", "SPATIAL"];
/// What an ALTER TABLE may add or drop without a change of columns.
const NO_COLUMNS: [&str; 17] = [
    "CONSTRAINT",
    "PRIMARY",
    "UNIQUE",
    "FOREIGN",
    "CHECK",
    "KEY",
    "INDEX",
    "FULLTEXT",
    "SPATIAL",
    "EXCLUDE",
    "PARTITION",
    "GENERATED",
    "DEFAULT",
    "NOT",
    "IDENTITY",
    "EXPRESSION",
    "TABLESPACE",
];

impl Reader<'_> {
    /// Behind its first word.
    pub(super) fn create(&mut self) -> Outcome {
        self.next();
        while self.is_any(&KINDS) {
            self.next();
        }
        if !self.pass("TABLE") {
            let is_routine = self.is_any(&["FUNCTION", "PROCEDURE"]);
            if self.lexer.dialect == Dialect::Postgresql {
                self.pass_body(is_routine);
            }
            return Outcome::Known;
        }
        if self.pass("IF") {
            self.pass("NOT");
            self.pass("EXISTS");
        }
        let Some(table) = self.table() else { return Outcome::Lost };
        self.catalog.forget(&table);
        if self.token != Token::Sign(b'(') {
            // What a query puts into it is not in the dump.
            return if self.is_any(&["AS", "SELECT"]) { Outcome::Lost } else { Outcome::Known };
        }
        let mut columns = self.definitions();
        while !matches!(self.token, Token::End | Token::Eof) {
            if self.is("SELECT") {
                return Outcome::Lost;
            }
            if self.is("INHERITS") {
                columns = None;
            }
            self.next();
        }
        if let Some(columns) = columns {
            self.catalog.put(table, columns);
        }
        Outcome::Known
    }

    /// The columns between parentheses; the next token is the one behind them.
    fn definitions(&mut self) -> Option<Vec<Column>> {
        let (mut columns, mut bytes) = (Some(Vec::new()), 0usize);
        self.next();
        loop {
            if matches!(self.token, Token::End | Token::Eof) {
                return None;
            }
            if self.token == Token::Sign(b')') {
                break;
            }
            let is_other =
                self.is_any(&CONSTRAINTS) || (self.lexer.dialect == Dialect::Mysql && self.is_any(&MYSQL_CONSTRAINTS));
            let is_open = self.is("LIKE");
            // Words that name a column too, unless these follow.
            let is_word = self.is_any(&["EXCLUDE", "PERIOD"]);
            let name = self.part();
            self.next();
            let is_timestamp = self.lexer.dialect == Dialect::Mysql && self.is("TIMESTAMP");
            let is_other = is_other || (is_word && (self.token == Token::Sign(b'(') || self.is_any(&["USING", "FOR"])));
            let is_generated = self.pass_definition();
            if !is_other {
                bytes = bytes.saturating_add(name.as_ref().map_or(0, String::len));
                columns = columns.zip(name).map(|(mut columns, name)| {
                    columns.push(Column { name, is_generated, is_timestamp });
                    columns
                });
            }
            let is_full = columns.as_ref().is_some_and(|columns| columns.len() > COLUMNS);
            if is_open || is_full || bytes > SQL_CATALOG_BYTES {
                columns = None;
            }
        }
        self.next();
        columns
    }

    /// To the token behind the comma that ends a definition, or to the parenthesis that ends them all. True: it is one of a
    /// column that the server makes of others (`GENERATED ALWAYS AS (...)`).
    fn pass_definition(&mut self) -> bool {
        let (mut depth, mut is_generated, mut is_as, mut says_generated) = (0u32, false, false, false);
        loop {
            match self.token {
                Token::End | Token::Eof => return is_generated,
                Token::Sign(b'(') => {
                    is_generated |= depth == 0 && is_as && says_generated;
                    depth = depth.saturating_add(1);
                }
                Token::Sign(b')') if depth == 0 => return is_generated,
                Token::Sign(b')') => depth -= 1,
                Token::Sign(b',') if depth == 0 => {
                    self.next();
                    return is_generated;
                }
                _ => {}
            }
            says_generated |= depth == 0 && self.is("GENERATED");
            is_as = self.is("AS");
            self.next();
        }
    }

    /// A definition of PostgreSQL to its end: what stands in parentheses, or in the body of a routine, ends no statement
    /// (as psql has it).
    fn pass_body(&mut self, is_routine: bool) {
        let (mut depth, mut blocks) = (0u32, 0u32);
        loop {
            match self.token {
                Token::Eof => return,
                Token::End if depth == 0 && blocks == 0 => return,
                Token::Sign(b'(') => depth = depth.saturating_add(1),
                Token::Sign(b')') => depth = depth.saturating_sub(1),
                Token::Word if is_routine && depth == 0 => {
                    if self.is("BEGIN") || (blocks > 0 && self.is("CASE")) {
                        blocks = blocks.saturating_add(1);
                    } else if self.is("END") {
                        blocks = blocks.saturating_sub(1);
                    }
                }
                _ => {}
            }
            self.next();
        }
    }

    /// Behind its first word.
    pub(super) fn alter(&mut self) -> Outcome {
        self.next();
        self.pass("IGNORE");
        if !self.pass("TABLE") {
            return Outcome::Known;
        }
        if self.pass("IF") {
            self.pass("EXISTS");
        }
        self.pass("ONLY");
        let Some(table) = self.table() else {
            self.catalog.forget_all();
            return Outcome::Known;
        };
        let mut is_change = false;
        while !matches!(self.token, Token::End | Token::Eof) {
            is_change |= self.is_any(&["RENAME", "CHANGE", "FIRST", "AFTER", "INHERIT"]);
            let adds = self.is_any(&["ADD", "DROP"]);
            self.next();
            is_change |= adds && !self.is_any(&NO_COLUMNS);
        }
        if is_change {
            self.catalog.forget(&table);
        }
        Outcome::Known
    }
}
