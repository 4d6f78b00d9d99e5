//! The header of an encrypted file, looked over before it is taken apart (C2SP, age, "Header").
//!
//! The crate takes a header apart anew for each line that it reads, and has no bound on lines.
//!
//! **Invariant:** no more is read than a header may have.

use std::io::{BufRead, Read as _};

use super::error::OpenError;
use crate::limits;

/// The first line of every encrypted file, of whatever version, begins like this.
const FRONT: &[u8] = b"age-encryption.org/";
const VERSION_1: &[u8] = b"age-encryption.org/v1\n";
const ARMOR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";

/// What the first bytes of a file say of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Encrypted, by its first line.
    Encrypted,
    /// Encrypted, and in letters.
    Armored,
    /// Something else.
    Plain,
}

/// What a file is, by its first bytes, of which 64 are enough.
pub fn kind(first: &[u8]) -> Kind {
    if first.starts_with(FRONT) {
        Kind::Encrypted
    } else if first.trim_ascii_start().starts_with(ARMOR) {
        Kind::Armored
    } else {
        Kind::Plain
    }
}

/// How long the header is, in bytes, up to and with its last line.
pub(super) fn length(input: &mut impl BufRead) -> Result<u64, OpenError> {
    let mut input = input.take(limits::AGE_HEADER_BYTES);
    let (mut line, mut length, mut stanzas) = (Vec::new(), 0u64, 0usize);
    loop {
        line.clear();
        let count = input.read_until(b'\n', &mut line).map_err(OpenError::Io)?;
        if line.last() != Some(&b'\n') {
            return Err(if input.limit() == 0 { OpenError::HeaderTooLong } else { OpenError::Header });
        }
        if length == 0 && line != VERSION_1 {
            return Err(match kind(&line) {
                Kind::Encrypted => OpenError::Version,
                Kind::Armored => OpenError::Armored,
                Kind::Plain => OpenError::Header,
            });
        }
        length = length.saturating_add(count as u64);
        if line.starts_with(b"-> scrypt ") {
            return Err(OpenError::Passphrase);
        }
        if line.starts_with(b"->") {
            stanzas = stanzas.saturating_add(1);
        }
        if stanzas > limits::AGE_STANZAS {
            return Err(OpenError::TooManyStanzas);
        }
        if line.starts_with(b"---") {
            return Ok(length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_by_its_first_line() {
        assert_eq!(kind(b"age-encryption.org/v1\n-> X"), Kind::Encrypted);
        assert_eq!(kind(b"age-encryption.org/v7\n"), Kind::Encrypted);
        assert_eq!(kind(b"-----BEGIN AGE ENCRYPTED FILE-----\nYWdl"), Kind::Armored);
        for plain in [&b""[..], b"age-encryption", b"2024-17/bagit.txt"] {
            assert_eq!(kind(plain), Kind::Plain);
        }
    }

    #[test]
    fn a_header_is_measured_within_its_bounds() {
        let stanza = "-> X25519 abc\nYWJj\n";
        let text = format!("age-encryption.org/v1\n{stanza}--- mac\nbody");
        assert_eq!(length(&mut text.as_bytes()).unwrap(), text.len() as u64 - 4);
        for (text, words) in [
            (String::new(), "cut off"),
            ("age-encryption.org/v1".into(), "cut off"),
            ("age-encryption.org/v2\n".into(), "another version"),
            (format!("age-encryption.org/v1\n{stanza}"), "cut off"),
            (format!("age-encryption.org/v1\n{}", stanza.repeat(100_000)), "stanzas"),
            (format!("age-encryption.org/v1\n-> X {}", "a".repeat(1 << 20)), "does not end"),
            (format!("age-encryption.org/v1\n-> X\n{}", "YWJj\n".repeat(1 << 20)), "does not end"),
            ("age-encryption.org/v1\n-> scrypt abc 18\n".into(), "passphrase"),
        ] {
            let error = length(&mut text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
