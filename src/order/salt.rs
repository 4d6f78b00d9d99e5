//! Puts a salt into a provider file that has none.
//!
//! **Invariant:** every other byte of the file stays; a valid salt is never exchanged.

use toml::de::{DeTable, DeValue};

use super::provider_file::is_salt;
use crate::limits;

/// Why no salt could be put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SaltError {
    /// The file is not TOML, or is over [`limits::MANIFEST_BYTES`].
    #[error("the provider file cannot be parsed")]
    Unparsable,
}

/// The file with a salt made of `random`; None where it has a valid one.
///
/// Errors: the file cannot be parsed, so that there is no safe place to write.
pub fn with_salt(provider: &[u8], random: [u8; 16]) -> Result<Option<Vec<u8>>, SaltError> {
    if u64::try_from(provider.len()).map_or(true, |bytes| bytes > limits::MANIFEST_BYTES) {
        return Err(SaltError::Unparsable);
    }
    let text = std::str::from_utf8(provider).map_err(|_| SaltError::Unparsable)?;
    let document = DeTable::parse(text).map_err(|_| SaltError::Unparsable)?;
    let table = document.get_ref();
    let salt: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let (at, end, insert) = match table.get("salt") {
        Some(value) => {
            if let DeValue::String(old) = value.get_ref()
                && is_salt(old)
            {
                return Ok(None);
            }
            let span = value.span();
            (span.start, span.end, format!("\"{salt}\""))
        }
        None => {
            // Behind the schema, or at the top, so that it stays out of every table.
            let line_end = |at: usize| text.get(at..).and_then(|rest| rest.find('\n')).map(|found| at + found + 1);
            let top = if text.starts_with('\u{FEFF}') { '\u{FEFF}'.len_utf8() } else { 0 };
            match table.get("schema").map(|schema| line_end(schema.span().end)) {
                None => (top, top, format!("salt = \"{salt}\"\n")),
                Some(Some(at)) => (at, at, format!("salt = \"{salt}\"\n")),
                Some(None) => (text.len(), text.len(), format!("\nsalt = \"{salt}\"\n")),
            }
        }
    };
    let (Some(head), Some(tail)) = (text.get(..at), text.get(end..)) else { return Err(SaltError::Unparsable) };
    let written = format!("{head}{insert}{tail}");
    // It is only handed out if it says what it should.
    let holds = DeTable::parse(&written).ok().and_then(|document| {
        document.get_ref().get("salt").and_then(|value| value.get_ref().as_str().map(str::to_owned))
    });
    if holds.as_deref() == Some(salt.as_str()) { Ok(Some(written.into_bytes())) } else { Err(SaltError::Unparsable) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: &str = "000102030405060708090a0b0c0d0e0f";

    fn random() -> [u8; 16] {
        std::array::from_fn(|place| u8::try_from(place).unwrap())
    }

    #[test]
    fn a_salt_is_put_in_and_every_other_byte_stays() {
        let cases = [
            (
                "schema = \"provider/1\" # x\r\n[[source]]\nname = \"a\"\n",
                "schema = \"provider/1\" # x\r\nsalt = \"S\"\n[[source]]\nname = \"a\"\n",
            ),
            ("schema = \"provider/1\"", "schema = \"provider/1\"\nsalt = \"S\"\n"),
            ("# head\n[[withhold]]\nclass = \"x\"\n", "salt = \"S\"\n# head\n[[withhold]]\nclass = \"x\"\n"),
            ("salt = \"\" # empty\ncustodian = 'ä'\n", "salt = \"S\" # empty\ncustodian = 'ä'\n"),
            ("salt = 7\n", "salt = \"S\"\n"),
            ("", "salt = \"S\"\n"),
        ];
        for (before, after) in cases {
            let written = with_salt(before.as_bytes(), random()).unwrap().unwrap();
            assert_eq!(String::from_utf8(written).unwrap(), after.replace('S', SALT), "{before}");
        }
    }

    #[test]
    fn a_valid_salt_is_never_exchanged() {
        let file = format!("schema = \"provider/1\"\nsalt = \"{SALT}\"\n");
        assert_eq!(with_salt(file.as_bytes(), [9; 16]), Ok(None));
        let written = with_salt(b"", random()).unwrap().unwrap();
        assert_eq!(with_salt(&written, [9; 16]), Ok(None));
    }

    #[test]
    fn a_file_that_cannot_be_parsed_is_left_alone() {
        for file in [&b"salt = "[..], b"\xFF", b"salt = \"\"\nsalt = \"\"\n"] {
            assert_eq!(with_salt(file, random()), Err(SaltError::Unparsable));
        }
    }
}
