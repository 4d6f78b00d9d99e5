//! What a dump sets: how its strings are written, and in which database and schema its names are.
//!
//! **Invariant:** a character set in which a byte of a character can be a backslash or a quote ends the reading: where a
//! string ends could not be told.

use super::Dialect;
use super::lexer::{Modes, Token};
use super::reader::{Outcome, Reader};

/// Such character sets, of MySQL and of PostgreSQL.
const FOREIGN: [&str; 19] = [
    "BIG5",
    "CP932",
    "GBK",
    "GB18030",
    "SJIS",
    "SHIFT_JIS",
    "SHIFTJIS",
    "MSKANJI",
    "WIN932",
    "WINDOWS932",
    "SHIFT_JIS_2004",
    "WIN950",
    "WINDOWS950",
    "WIN936",
    "WINDOWS936",
    "UHC",
    "WIN949",
    "WINDOWS949",
    "JOHAB",
];

/// Those in which what is UTF-8 is text, as far as anybody can say.
const PLAIN: [&str; 9] = ["UTF8", "UTF8MB3", "UTF8MB4", "UNICODE", "UTF-8", "ASCII", "SQL_ASCII", "BINARY", "DEFAULT"];

/// What the next value is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Setting {
    None,
    SqlMode,
    /// Of the dump.
    CharacterSet,
    /// Of a part of it.
    ClientCharacterSet,
    StandardStrings,
    SearchPath,
    TimeZone,
}

impl Reader<'_> {
    /// Behind its first word.
    pub(super) fn set(&mut self) -> Outcome {
        let (mut setting, mut was_character) = (Setting::None, false);
        loop {
            match self.next() {
                Token::End | Token::Eof => return Outcome::Known,
                Token::Sign(b'=' | b':') => {}
                // A variable holds what was set before: MySQL's own.
                Token::Sign(b'@') => {
                    match setting {
                        Setting::SqlMode => self.lexer.modes = Modes::default(),
                        Setting::TimeZone => self.offset = None,
                        Setting::ClientCharacterSet => self.characters.is_other = self.characters.is_other_outside,
                        _ => {}
                    }
                    setting = Setting::None;
                }
                Token::Word if setting != Setting::None && self.is("TO") => {}
                Token::Word | Token::Text | Token::DoubleQuoted | Token::Name | Token::Number => {
                    if setting != Setting::None {
                        self.apply(setting);
                        setting = Setting::None;
                        continue;
                    }
                    setting = match self.word().as_str() {
                        "SQL_MODE" => Setting::SqlMode,
                        "NAMES" | "CHARSET" | "CLIENT_ENCODING" => Setting::CharacterSet,
                        "CHARACTER_SET_CLIENT" => Setting::ClientCharacterSet,
                        "SET" if was_character => Setting::CharacterSet,
                        "STANDARD_CONFORMING_STRINGS" => Setting::StandardStrings,
                        "SEARCH_PATH" => Setting::SearchPath,
                        "TIME_ZONE" if self.lexer.dialect == Dialect::Mysql => Setting::TimeZone,
                        _ => Setting::None,
                    };
                    was_character = self.is("CHARACTER");
                }
                _ => setting = Setting::None,
            }
        }
    }

    fn apply(&mut self, setting: Setting) {
        let value = self.value_text();
        let upper = value.to_ascii_uppercase();
        match setting {
            Setting::SqlMode => {
                self.lexer.modes.plain_backslash = upper.contains("NO_BACKSLASH_ESCAPES");
                self.lexer.modes.ansi_quotes = upper.contains("ANSI");
            }
            Setting::CharacterSet | Setting::ClientCharacterSet => {
                self.is_foreign |= FOREIGN.contains(&upper.as_str());
                self.characters.is_other = !PLAIN.contains(&upper.as_str());
                if setting == Setting::CharacterSet {
                    self.characters.is_other_outside = self.characters.is_other;
                }
            }
            Setting::StandardStrings => {
                self.lexer.modes.escapes_everywhere = ["OFF", "FALSE", "NO", "0"].contains(&upper.as_str());
            }
            Setting::SearchPath => {
                let is_default = self.token == Token::Word && upper == "DEFAULT";
                self.catalog.search((!is_default).then_some(value));
            }
            // A zone by its name is the server's own, which the order says.
            Setting::TimeZone => {
                let is_offset = matches!(value.as_bytes(), [b'+' | b'-', a, b, b':', c, d]
                    if [a, b, c, d].into_iter().all(u8::is_ascii_digit));
                self.offset = is_offset.then_some(value);
            }
            Setting::None => {}
        }
    }

    /// The last token, where it is UTF-8; a word of PostgreSQL is folded.
    fn value_text(&self) -> String {
        let text = String::from_utf8_lossy(self.lexer.text.bytes());
        if self.token == Token::Word && self.lexer.dialect == Dialect::Postgresql {
            text.to_ascii_lowercase()
        } else {
            text.into_owned()
        }
    }

    /// `SELECT pg_catalog.set_config('search_path', 'a, b', false)`; no other query says anything.
    pub(super) fn select(&mut self) -> Outcome {
        let mut is_path = false;
        loop {
            match self.next() {
                Token::End | Token::Eof => return Outcome::Known,
                Token::Text if is_path => {
                    let value = self.value_text();
                    let first = value.split(',').next().unwrap_or_default().trim().trim_matches('"').to_owned();
                    self.catalog.search(Some(first));
                    is_path = false;
                }
                Token::Text => is_path = self.lexer.is("search_path"),
                _ => {}
            }
        }
    }

    /// `USE shop;`, which the end of its line ends too.
    pub(super) fn use_database(&mut self) -> Outcome {
        self.next();
        let name = self.part();
        if name.is_none() {
            self.catalog.connect(None);
            return Outcome::Lost;
        }
        self.catalog.connect(name);
        self.lexer.end_of_command();
        Outcome::Line
    }

    /// A command of psql, behind its backslash: it ends with its line.
    pub(super) fn command(&mut self) -> Outcome {
        let line = self.lexer.rest_of_line();
        if line.is_long() {
            self.catalog.connect(None);
            return self.lost_line();
        }
        let line = String::from_utf8_lossy(line.bytes()).trim().to_owned();
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
        match word {
            "connect" | "c" => {
                let database = database(rest);
                let is_known = database.is_some();
                self.catalog.connect(database);
                if is_known { Outcome::Line } else { self.lost_line() }
            }
            "encoding" => {
                let name = rest.trim().trim_matches('\'').to_ascii_uppercase();
                self.is_foreign |= FOREIGN.contains(&name.as_str());
                self.characters.is_other = !PLAIN.contains(&name.as_str());
                Outcome::Line
            }
            "restrict" | "unrestrict" | "set" | "unset" | "echo" | "qecho" | "pset" | "timing" | "!" => Outcome::Line,
            // Rows elsewhere, conditions, and what is left of a COPY that was not read.
            _ => self.lost_line(),
        }
    }

    /// The line is over, and is lost.
    fn lost_line(&mut self) -> Outcome {
        self.token = Token::End;
        Outcome::Lost
    }
}

/// The database that `\connect` names: `shop`, `"my shop"`, `-reuse-previous=on "dbname='my shop'"`.
fn database(arguments: &str) -> Option<String> {
    let mut rest = arguments.trim().trim_end_matches(';').trim();
    if let Some(behind) = rest.strip_prefix("-reuse-previous=") {
        rest = behind.split_once(char::is_whitespace)?.1.trim();
    }
    let (name, is_quoted) = match rest.strip_prefix('"') {
        Some(inner) => (inner.split_once('"')?.0, true),
        None => (rest.split_whitespace().next()?, false),
    };
    if let Some(inner) = name.strip_prefix("dbname=") {
        let plain = inner.strip_prefix('\'').and_then(|inner| inner.strip_suffix('\'')).unwrap_or(inner);
        return (!plain.is_empty() && !plain.contains(['\\', '\'', ' ']))
            .then(|| plain.to_owned())
            .or_else(|| (is_quoted && !plain.contains(['\\', '\''])).then(|| plain.to_owned()));
    }
    (!name.is_empty() && name != "-" && !name.contains(['=', '\'', ':', '/'])).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connect_names_a_database_or_nothing_is_known() {
        for (arguments, expected) in [
            ("shop", Some("shop")),
            ("chinook;", Some("chinook")),
            ("\"my shop\"", Some("my shop")),
            ("shop alice localhost 5432", Some("shop")),
            ("-reuse-previous=on \"dbname='my shop'\"", Some("my shop")),
            ("-reuse-previous=on \"dbname='a\\\\'b'\"", None),
            ("postgresql://host/shop", None),
            ("- alice", None),
            ("", None),
        ] {
            assert_eq!(database(arguments).as_deref(), expected, "{arguments}");
        }
    }
}
