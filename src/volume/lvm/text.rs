//! The text that describes a volume group: sections, numbers, strings and lists (lvm.conf(5), `libdm-config.c`).
//!
//! **Invariant:** parsing ends within the limits on nodes and on nesting, whatever the text says.

use crate::limits;
use crate::read_error::ReadError;

/// A value.
#[derive(Debug, PartialEq)]
pub enum Value<'t> {
    /// A whole number.
    Number(i64),
    /// A string, as it stands between its quotes.
    Text(&'t str),
    /// A list of the two above.
    List(Vec<Value<'t>>),
    /// A section.
    Section(Vec<(&'t str, Value<'t>)>),
    /// A number with a fraction: none is needed here.
    Fraction,
}

/// A section's values, by name.
pub type Section<'t> = [(&'t str, Value<'t>)];

/// The value with that name. Where a name stands twice, the first counts.
pub fn find<'s, 't>(section: &'s Section<'t>, name: &str) -> Option<&'s Value<'t>> {
    section.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}

impl<'t> Value<'t> {
    /// The section with that name in this one.
    pub fn section<'s>(section: &'s Section<'t>, name: &str) -> Option<&'s Section<'t>> {
        match find(section, name)? {
            Value::Section(inner) => Some(inner),
            _ => None,
        }
    }

    /// The whole number with that name, which must not be negative.
    pub fn number(section: &Section<'t>, name: &str) -> Option<u64> {
        match find(section, name)? {
            Value::Number(number) => u64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// The string with that name.
    pub fn text(section: &Section<'t>, name: &str) -> Option<&'t str> {
        match find(section, name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The list with that name; a single value is a list of one.
    pub fn list<'s>(section: &'s Section<'t>, name: &str) -> Option<&'s [Value<'t>]> {
        match find(section, name)? {
            Value::List(list) => Some(list),
            Value::Section(_) => None,
            value => Some(std::slice::from_ref(value)),
        }
    }

    /// The list with that name holds that string.
    pub fn has(section: &Section<'t>, name: &str, wanted: &str) -> bool {
        let list = Self::list(section, name).unwrap_or_default();
        list.iter().any(|value| matches!(value, Value::Text(text) if *text == wanted))
    }
}

/// Parses a whole text. `offset`: where it stands, for an error.
pub fn parse(text: &str, offset: u64) -> Result<Vec<(&str, Value<'_>)>, ReadError> {
    let mut parser = Parser { rest: text, offset, nodes: 0 };
    let section = parser.section(0)?;
    if parser.rest.is_empty() { Ok(section) } else { Err(parser.broken()) }
}

struct Parser<'t> {
    rest: &'t str,
    offset: u64,
    nodes: usize,
}

impl<'t> Parser<'t> {
    fn broken(&self) -> ReadError {
        ReadError::Corrupt { offset: self.offset, what: "the text of an LVM volume group" }
    }

    /// Goes over blanks and comments.
    fn skip(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n', '\0']);
            let Some(comment) = self.rest.strip_prefix('#') else { return };
            self.rest = comment.find('\n').and_then(|end| comment.get(end..)).unwrap_or_default();
        }
    }

    fn taken(&mut self, sign: char) -> bool {
        self.skip();
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// What the predicate holds for, at the beginning.
    fn word(&mut self, is_part: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(|sign| !is_part(sign)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn count(&mut self) -> Result<(), ReadError> {
        self.nodes += 1;
        let what = "values in the text of an LVM volume group";
        if self.nodes > limits::LVM_NODES {
            return Err(ReadError::Limit { offset: self.offset, what });
        }
        Ok(())
    }

    /// Up to the bracket that closes it, or to the end.
    fn section(&mut self, depth: usize) -> Result<Vec<(&'t str, Value<'t>)>, ReadError> {
        if depth > limits::LVM_DEPTH {
            return Err(ReadError::Limit { offset: self.offset, what: "sections of an LVM volume group's text" });
        }
        let mut values = Vec::new();
        loop {
            self.skip();
            if self.rest.is_empty() || self.rest.starts_with('}') {
                return Ok(values);
            }
            self.count()?;
            let is_part = |sign: char| sign.is_ascii_alphanumeric() || "_.+-/".contains(sign);
            let name = self.word(is_part);
            if name.is_empty() {
                return Err(self.broken());
            }
            let value = if self.taken('{') {
                let section = self.section(depth + 1)?;
                if !self.taken('}') {
                    return Err(self.broken());
                }
                Value::Section(section)
            } else if self.taken('=') {
                self.value()?
            } else {
                return Err(self.broken());
            };
            values.push((name, value));
        }
    }

    fn value(&mut self) -> Result<Value<'t>, ReadError> {
        if !self.taken('[') {
            return self.single();
        }
        let mut list = Vec::new();
        while !self.taken(']') {
            self.count()?;
            list.push(self.single()?);
            if !self.taken(',') {
                if self.taken(']') {
                    break;
                }
                return Err(self.broken());
            }
        }
        Ok(Value::List(list))
    }

    fn single(&mut self) -> Result<Value<'t>, ReadError> {
        if self.taken('"') {
            let mut is_escaped = false;
            let end = self.rest.find(|sign| {
                let is_end = sign == '"' && !is_escaped;
                is_escaped = sign == '\\' && !is_escaped;
                is_end
            });
            let (text, rest) = end.and_then(|end| self.rest.split_at_checked(end)).ok_or_else(|| self.broken())?;
            self.rest = rest;
            return if self.taken('"') { Ok(Value::Text(text)) } else { Err(self.broken()) };
        }
        let word = self.word(|sign| sign.is_ascii_digit() || "+-.".contains(sign));
        match word.parse() {
            Ok(number) => Ok(Value::Number(number)),
            Err(_) if word.contains('.') && word.parse::<f64>().is_ok() => Ok(Value::Fraction),
            Err(_) => Err(self.broken()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_with_its_comments_lists_and_escapes() {
        let text = "# x\nvg-1 {\n id = \"a\\\"b\" # c {\n n = -5\n f=1.5 l = [\"pv0\", 0,\n 7] e = []\n s { t=1 } }\nversion = 1\n\0";
        let parsed = parse(text, 0).unwrap();
        let vg = Value::section(&parsed, "vg-1").unwrap();
        assert_eq!(Value::text(vg, "id"), Some("a\\\"b"));
        assert_eq!(find(vg, "n"), Some(&Value::Number(-5)));
        assert_eq!(Value::number(vg, "n"), None);
        assert_eq!(find(vg, "f"), Some(&Value::Fraction));
        assert_eq!(Value::list(vg, "l").unwrap(), [Value::Text("pv0"), Value::Number(0), Value::Number(7)]);
        assert_eq!(Value::list(vg, "e").unwrap(), []);
        assert!(Value::has(vg, "l", "pv0") && !Value::has(vg, "l", "pv1") && !Value::has(vg, "x", "pv1"));
        assert_eq!(Value::number(Value::section(vg, "s").unwrap(), "t"), Some(1));
        assert_eq!(Value::number(&parsed, "version"), Some(1));
    }

    #[test]
    fn a_text_that_breaks_off_or_nests_without_end_is_an_error() {
        for text in ["a", "a {", "a }", "a = ", "a = [1", "a = [1 2]", "a = \"x", "= 1", "a = x", "a = 1-2", "{", "a={"]
        {
            assert!(parse(text, 0).is_err(), "{text}");
        }
        assert!(matches!(parse(&"a{".repeat(100), 0), Err(ReadError::Limit { .. })));
        assert!(matches!(parse(&"a=1 ".repeat(limits::LVM_NODES + 1), 0), Err(ReadError::Limit { .. })));
        assert!(matches!(
            parse(&format!("a=[{}", "1,".repeat(limits::LVM_NODES + 1)), 0),
            Err(ReadError::Limit { .. })
        ));
    }
}
