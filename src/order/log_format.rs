//! The format string of a web server's access log, as the server's own configuration writes it.
//!
//! `LogFormat "%v:%p %h %l %u %t \"%r\" %>s %O"` of Apache httpd (`mod_log_config`) or `log_format x '$remote_addr ...'` of
//! nginx (`ngx_http_log_module`): an order takes the text between the outer quotes. What a directive or a variable stands for
//! is read where it is the client, the user or the time; every other one is a field of the line and no more.
//!
//! **Invariant:** two fields have something between them that parts them.

/// A format string, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFormat {
    pieces: Vec<Piece>,
}

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// These bytes.
    Literal(Vec<u8>),
    /// What stands up to the next literal, or to the end of the line.
    Field(LineField),
}

/// What a field of a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineField {
    /// The address that the connection came from, or its name.
    Client,
    /// The user that the server authenticated.
    User,
    /// When: `[17/May/2015:10:05:03 +0000]`, brackets included.
    BracketedTime,
    /// When: `17/May/2015:10:05:03 +0000`.
    Time,
    /// When: `2015-05-17T10:05:03+00:00`.
    IsoTime,
    /// When: seconds since 1970 with three digits behind the point.
    EpochTime,
    /// Anything else.
    Other,
}

impl LineField {
    /// It says when.
    pub const fn is_time(self) -> bool {
        matches!(self, Self::BracketedTime | Self::Time | Self::IsoTime | Self::EpochTime)
    }
}

/// Why a format string cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogFormatError {
    /// It has no field.
    #[error("it names no field: write the text between the quotes of `LogFormat` or `log_format`")]
    NoField,
    /// Two fields follow one another.
    #[error("nothing parts two of its fields, so that nobody can say where one ends")]
    Adjacent,
    /// A directive is not complete, or is of a kind that cannot be read.
    #[error("`{0}` cannot be read")]
    Unknown(String),
    /// Client, user or time stands in it more than once.
    #[error("more than one field is {0}: which one counts cannot be told")]
    Twice(&'static str),
}

impl LogFormat {
    /// Reads a format string.
    pub fn read(text: &str) -> Result<Self, LogFormatError> {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, behind) = piece(rest)?;
            rest = behind;
            match (pieces.last_mut(), piece) {
                (Some(Piece::Literal(before)), Piece::Literal(more)) => before.extend(more),
                (Some(Piece::Field(_)), Piece::Field(_)) => return Err(LogFormatError::Adjacent),
                (_, piece) => pieces.push(piece),
            }
        }
        let format = Self { pieces };
        if format.fields().next().is_none() {
            return Err(LogFormatError::NoField);
        }
        let count = |is_one: fn(LineField) -> bool| format.fields().filter(|field| is_one(*field)).count();
        for (name, count) in [
            ("the client", count(|field| field == LineField::Client)),
            ("the user", count(|field| field == LineField::User)),
            ("the time", count(LineField::is_time)),
        ] {
            if count > 1 {
                return Err(LogFormatError::Twice(name));
            }
        }
        Ok(format)
    }

    /// Its parts, in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    fn fields(&self) -> impl Iterator<Item = LineField> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Field(field) => Some(*field),
            Piece::Literal(_) => None,
        })
    }

    /// A line of it says when.
    pub fn has_time(&self) -> bool {
        self.fields().any(LineField::is_time)
    }
}

/// The part at the front, and what is behind it.
fn piece(text: &str) -> Result<(Piece, &str), LogFormatError> {
    let literal = |bytes: &str, behind| Ok((Piece::Literal(bytes.as_bytes().to_vec()), behind));
    if let Some(behind) = text.strip_prefix("%%") {
        return literal("%", behind);
    }
    if let Some(behind) = text.strip_prefix('%') {
        return directive(behind);
    }
    if let Some(behind) = text.strip_prefix('$') {
        return variable(behind);
    }
    if let Some(behind) = text.strip_prefix('\\') {
        // As the configuration writes them within its quotes.
        for (sign, plain) in [("\"", "\""), ("'", "'"), ("\\", "\\"), ("t", "\t")] {
            if let Some(behind) = behind.strip_prefix(sign) {
                return literal(plain, behind);
            }
        }
        return Err(LogFormatError::Unknown(text.chars().take(2).collect()));
    }
    let end = text.find(['%', '$', '\\']).unwrap_or(text.len());
    let (plain, behind) = text.split_at_checked(end).unwrap_or((text, ""));
    literal(plain, behind)
}

/// `h`, `>s`, `!200,304{Referer}i`, `^ti`: behind the sign.
fn directive(text: &str) -> Result<(Piece, &str), LogFormatError> {
    let unknown = || LogFormatError::Unknown(format!("%{}", text.chars().take(12).collect::<String>()));
    let mut rest = text.trim_start_matches(|sign: char| sign.is_ascii_digit() || matches!(sign, '!' | ',' | '<' | '>'));
    let mut parameter = None;
    if let Some(inner) = rest.strip_prefix('{') {
        let (name, behind) = inner.split_once('}').ok_or_else(unknown)?;
        (parameter, rest) = (Some(name), behind);
    }
    let length = if rest.starts_with('^') { 3 } else { 1 };
    let (letters, behind) = rest.split_at_checked(length).ok_or_else(unknown)?;
    let field = match (letters, parameter) {
        ("h", None) | ("a", None | Some("c")) => LineField::Client,
        ("u", None) => LineField::User,
        ("t", None) => LineField::BracketedTime,
        // A time in a form of the site's own: what is not read must not pass for a field without a time.
        ("t", Some(_)) => return Err(unknown()),
        _ if letters.chars().all(|letter| letter.is_ascii_alphabetic() || letter == '^') => LineField::Other,
        _ => return Err(unknown()),
    };
    Ok((Piece::Field(field), behind))
}

/// `remote_addr`, `{remote_addr}`: behind the sign.
fn variable(text: &str) -> Result<(Piece, &str), LogFormatError> {
    let unknown = || LogFormatError::Unknown(format!("${}", text.chars().take(24).collect::<String>()));
    let (name, behind) = match text.strip_prefix('{') {
        Some(inner) => inner.split_once('}').ok_or_else(unknown)?,
        None => {
            let end = text.find(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '_')).unwrap_or(text.len());
            text.split_at_checked(end).ok_or_else(unknown)?
        }
    };
    let field = match name {
        "" => return Err(unknown()),
        "remote_addr" => LineField::Client,
        "remote_user" => LineField::User,
        "time_local" => LineField::Time,
        "time_iso8601" => LineField::IsoTime,
        "msec" => LineField::EpochTime,
        _ => LineField::Other,
    };
    Ok((Piece::Field(field), behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_strings_of_both_servers_are_taken_apart() {
        let shape = |text: &str| {
            let format = LogFormat::read(text)?;
            let one = |piece: &Piece| match piece {
                Piece::Literal(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                Piece::Field(field) => format!("<{field:?}>"),
            };
            Ok(format.pieces().iter().map(one).collect::<String>())
        };
        let cases = [
            (
                r#"%h %l %u %t \"%r\" %>s %b"#,
                Ok(r#"<Client> <Other> <User> <BracketedTime> "<Other>" <Other> <Other>"#),
            ),
            (
                r#"%v:%p %h %t "%r" %!200,304{Referer}i %{c}h"#,
                Ok(r#"<Other>:<Other> <Client> <BracketedTime> "<Other>" <Other> <Other>"#),
            ),
            ("%%%{X-Forwarded-For}i\\t%a", Ok("%<Other>\t<Client>")),
            (
                r#"$remote_addr - $remote_user [$time_local] "$request" $status"#,
                Ok(r#"<Client> - <User> [<Time>] "<Other>" <Other>"#),
            ),
            ("${msec};$remote_addr", Ok("<EpochTime>;<Client>")),
            ("", Err(LogFormatError::NoField)),
            ("common", Err(LogFormatError::NoField)),
            ("%h%u", Err(LogFormatError::Adjacent)),
            ("%h %a", Err(LogFormatError::Twice("the client"))),
            ("%t [$time_local]", Err(LogFormatError::Twice("the time"))),
            ("%{%Y-%m-%d}t", Err(LogFormatError::Unknown("%{%Y-%m-%d}t".into()))),
            ("%h %", Err(LogFormatError::Unknown("%".into()))),
            ("%{x", Err(LogFormatError::Unknown("%{x".into()))),
            ("$ x", Err(LogFormatError::Unknown("$ x".into()))),
            ("\\x", Err(LogFormatError::Unknown("\\x".into()))),
        ];
        for (text, expected) in cases {
            assert_eq!(shape(text), expected.map(str::to_owned), "{text}");
        }
    }
}
