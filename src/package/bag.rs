//! One line of a manifest of a bag: a digest, white space, a name (RFC 8493, 2.1.3 and 2.2.1).
//!
//! The RFC lets one line be written in many ways; a package has one of them. All are read here, so that it can be said what
//! a line means that is not in the one form, and names that lead out of the bag are told from those that do not.
//!
//! **Invariant:** a plain entry, written again, is its line to the byte.
//! **Invariant:** the name of an entry leads nowhere but below the bag's folder, on any system.

use std::borrow::Cow;

/// What a line of a manifest says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry<'l> {
    /// The digest: hex digits, of whatever length.
    pub digest: &'l str,
    /// The name within the bag, with its escapes undone.
    pub name: Cow<'l, str>,
    /// It is in the form of a package: hex digits in small letters, two spaces, and the name as it is.
    pub is_plain: bool,
}

/// Why a line is no line of a manifest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EntryError {
    /// It is no text.
    #[error("is not UTF-8")]
    NotText,
    /// It has no digest, or no name behind it.
    #[error("is not a digest, white space and a name")]
    NoEntry,
    /// The name leads out of the bag, or would on some system.
    #[error("names a file that may lie outside the package")]
    Outside,
}

/// Reads a line, given without its end.
pub fn entry(line: &[u8]) -> Result<Entry<'_>, EntryError> {
    let text = std::str::from_utf8(line).map_err(|_| EntryError::NotText)?;
    let digits = text.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(text.len());
    let (digest, rest) = text.split_at_checked(digits).unwrap_or((text, ""));
    let stated = rest.trim_start_matches([' ', '\t']);
    if digest.is_empty() || stated.is_empty() || stated.len() == rest.len() {
        return Err(EntryError::NoEntry);
    }
    // `md5sum` writes an asterisk before the name of a file that it read as binary, and keeps a `./` that it was given.
    let spelt = stated.strip_prefix('*').unwrap_or(stated);
    let name = unescaped(spelt.strip_prefix("./").unwrap_or(spelt));
    if !is_within(&name) {
        return Err(EntryError::Outside);
    }
    let is_small = !digest.bytes().any(|byte| byte.is_ascii_uppercase());
    let is_plain = is_small && !name.contains('%') && rest.strip_prefix("  ") == Some(&*name);
    Ok(Entry { digest, name, is_plain })
}

/// Undoes the three escapes of the RFC; any other percent sign stands for itself.
fn unescaped(spelt: &str) -> Cow<'_, str> {
    if !spelt.contains('%') {
        return Cow::Borrowed(spelt);
    }
    let mut out = String::with_capacity(spelt.len());
    let mut rest = spelt;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let escape = after.get(..2).unwrap_or_default();
        let c = match escape.to_ascii_lowercase().as_str() {
            "0a" => '\n',
            "0d" => '\r',
            "25" => '%',
            _ => {
                out.push('%');
                rest = after;
                continue;
            }
        };
        out.push(c);
        rest = after.get(2..).unwrap_or_default();
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The name leads below the folder that it is in, on any system.
pub fn is_within(name: &str) -> bool {
    let is_drive = name.as_bytes().get(1) == Some(&b':');
    // A backslash separates on Windows, and a tilde is a home to a shell.
    !is_drive
        && !name.starts_with('~')
        && !name.contains('\\')
        && !name.contains('\0')
        && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_that_a_line_may_have_is_read_and_one_is_plain() {
        let rows = [
            ("0a  data/x", "data/x", true),
            ("0A  data/x", "data/x", false),
            ("0a data/x", "data/x", false),
            ("0a   data/x", "data/x", false),
            ("0a\tdata/x", "data/x", false),
            ("0a *data/x", "data/x", false),
            ("0a  ./data/x", "data/x", false),
            ("0a  data/x%0Ay%0dz", "data/x\ny\rz", false),
            ("0a  data/%25x", "data/%x", false),
            ("0a  data/%7Ex%", "data/%7Ex%", false),
            ("0a  data/x y ", "data/x y ", true),
        ];
        for (line, name, is_plain) in rows {
            let read = entry(line.as_bytes()).unwrap();
            assert_eq!((read.digest.len(), &*read.name, read.is_plain), (2, name, is_plain), "{line}");
            assert!(!is_plain || format!("{}  {}", read.digest, read.name) == line, "{line}");
        }
    }

    #[test]
    fn what_is_no_line_says_why() {
        let rows: [(&[u8], EntryError); 16] = [
            (b"", EntryError::NoEntry),
            (b"0a", EntryError::NoEntry),
            (b"0a  ", EntryError::NoEntry),
            (b"  data/x", EntryError::NoEntry),
            (b"0g  data/x", EntryError::NoEntry),
            (b"0a\xc2\xa0data/x", EntryError::NoEntry),
            (b"\xef\xbb\xbf0a  data/x", EntryError::NoEntry),
            (b"0a  data/\xff", EntryError::NotText),
            (b"0a  /etc/passwd", EntryError::Outside),
            (b"0a  ../x", EntryError::Outside),
            (b"0a  data/../../x", EntryError::Outside),
            (b"0a  data//x", EntryError::Outside),
            (b"0a  ~/x", EntryError::Outside),
            (b"0a  C:/x", EntryError::Outside),
            (b"0a  data\\x", EntryError::Outside),
            (b"0a  data/x\0", EntryError::Outside),
        ];
        for (line, why) in rows {
            assert_eq!(entry(line), Err(why), "{}", line.escape_ascii());
        }
    }
}
