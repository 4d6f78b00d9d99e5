//! The project's JSON: compact, keys in the order of the struct, integers only, one LF at the end.
//!
//! serde_json's string escapes are those of RFC 8785, 3.2.2.2: `\b \t \n \f \r \" \\`, `\u00xx` in lower case for the
//! other control characters, everything else as it is.
//!
//! **Invariant:** one value, one text.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why a line is not one of a package.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// It is no JSON, or not that of this kind of line.
    #[error("is not in the form of a package ({0})")]
    Json(#[from] serde_json::Error),
    /// Two readers may take it in two ways: there is one form only.
    #[error("says what it says in another form than a package does: two readers may understand it in two ways")]
    OtherForm,
}

/// Reads one line, given without its LF. Read is what [`line()`] would write again, to the byte, and nothing else.
pub fn read<T: Serialize + DeserializeOwned>(text: &[u8]) -> Result<T, LineError> {
    let value: T = serde_json::from_slice(text)?;
    let again = line(&value)?;
    if again.strip_suffix(b"\n") != Some(text) {
        return Err(LineError::OtherForm);
    }
    Ok(value)
}

/// The value as one line with its LF. No type of the ledger can fail here.
pub fn line<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<Vec<u8>> {
    let mut out = serde_json::to_vec(value)?;
    out.push(b'\n');
    Ok(out)
}

/// Writes and reads an optional value by its name in an order.
macro_rules! by_name {
    ($module:ident, $type:ty) => {
        pub(super) mod $module {
            use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

            pub(in crate::ledger) fn serialize<S: Serializer>(
                value: &Option<$type>,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                value.map(<$type>::name).serialize(serializer)
            }

            pub(in crate::ledger) fn deserialize<'de, D: Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Option<$type>, D::Error> {
                match Option::<String>::deserialize(deserializer)? {
                    None => Ok(None),
                    Some(name) => match <$type>::named(&name) {
                        Some(value) => Ok(Some(value)),
                        None => Err(serde::de::Error::custom("unknown name")),
                    },
                }
            }
        }
    };
}

by_name!(clock, crate::order::Clock);
by_name!(format, crate::order::Format);
by_name!(unit, crate::order::Unit);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_as_rfc_8785_says() {
        let text = "\u{8}\t\n\u{c}\r\"\\/\u{1}\u{1f}\u{7f}\u{e9}\u{20ac}\u{202e}\u{1f600}";
        let expected = "\"\\b\\t\\n\\f\\r\\\"\\\\/\\u0001\\u001f\u{7f}\u{e9}\u{20ac}\u{202e}\u{1f600}\"\n";
        assert_eq!(String::from_utf8(line(text).unwrap()).unwrap(), expected);
    }
}
