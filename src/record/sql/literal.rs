//! What the escapes, digits and numbers of literals stand for.
//!
//! Sources: MySQL 8.0 Reference Manual, table 9.1 and 9.1.2, 9.1.4, 9.1.5; PostgreSQL documentation, 4.1.2.2 (C-style
//! escapes), and `COPY`, "Text Format".
//!
//! **Invariant:** an escape that stands for nothing certain is said to be unreadable; no byte of it is guessed.

use super::input::{Input, Kept};

/// What a backslash in a string means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Escapes {
    /// Itself.
    None,
    /// MySQL's.
    Mysql,
    /// C's, as PostgreSQL has them.
    Postgresql,
}

/// Takes the next byte if it is such a digit.
type Take<'t> = &'t mut dyn FnMut(fn(&u8) -> bool) -> Option<u8>;

/// Undoes the escape that comes behind a backslash. False: what it stands for is not known.
pub(super) fn unescape(input: &mut Input<'_>, escapes: Escapes, out: &mut Kept) -> bool {
    let Some(byte) = input.peek() else { return false };
    input.advance(1);
    match (escapes, byte) {
        (Escapes::Mysql, b'0') => out.push(0),
        (Escapes::Mysql, b'Z') => out.push(0x1A),
        (Escapes::Mysql, b'%' | b'_') => out.extend(&[b'\\', byte]),
        (Escapes::Mysql, b'f') => out.push(b'f'),
        (Escapes::Postgresql, b'u') => return character(input, 4, out),
        (Escapes::Postgresql, b'U') => return character(input, 8, out),
        // Some servers read it as a vertical tab, some as the letter.
        (Escapes::Postgresql, b'v') => return false,
        (Escapes::Postgresql, b'0'..=b'7' | b'x') => {
            let value = numbered(byte, &mut |fits| {
                let digit = input.peek().filter(fits)?;
                input.advance(1);
                Some(digit)
            });
            out.push(value);
            // No string of PostgreSQL holds one.
            return value != 0;
        }
        _ => out.push(plain(byte)),
    }
    true
}

/// The sign that a letter stands for in all of them; any other byte is itself.
fn plain(byte: u8) -> u8 {
    match byte {
        b'b' => 8,
        b'f' => 0x0C,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        _ => byte,
    }
}

/// The byte that up to three octal digits, or `x` and up to two hexadecimal ones, stand for.
fn numbered(first: u8, take: Take<'_>) -> u8 {
    if first == b'x' {
        let Some(high) = take(u8::is_ascii_hexdigit) else { return first };
        return match take(u8::is_ascii_hexdigit) {
            None => nibble(high),
            Some(low) => nibble(high) << 4 | nibble(low),
        };
    }
    let mut value = first.wrapping_sub(b'0');
    for _ in 0..2 {
        let Some(digit) = take(|byte| matches!(byte, b'0'..=b'7')) else { break };
        value = value.wrapping_shl(3) | (digit - b'0');
    }
    value
}

fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => 0,
    }
}

/// A character by its number; half of a surrogate pair is none.
fn character(input: &mut Input<'_>, digits: u32, out: &mut Kept) -> bool {
    let mut number = 0u32;
    for _ in 0..digits {
        let Some(digit) = input.peek().filter(u8::is_ascii_hexdigit) else { return false };
        input.advance(1);
        number = number.wrapping_shl(4) | u32::from(nibble(digit));
    }
    let character = char::from_u32(number).filter(|character| *character != '\0');
    if let Some(character) = character {
        out.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
    character.is_some()
}

/// Undoes the escapes of a field of COPY.
pub(super) fn copied(field: &[u8], out: &mut Vec<u8>) {
    let mut rest = field;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (before, behind) = rest.split_at(at);
        out.extend_from_slice(before);
        let Some((&byte, behind)) = behind.get(1..).and_then(<[u8]>::split_first) else {
            rest = &[];
            break;
        };
        rest = behind;
        let value = match byte {
            b'0'..=b'7' | b'x' => numbered(byte, &mut |fits| {
                let (digit, behind) = rest.split_first()?;
                fits(digit).then(|| {
                    rest = behind;
                    *digit
                })
            }),
            b'v' => 0x0B,
            _ => plain(byte),
        };
        out.push(value);
    }
    out.extend_from_slice(rest);
}

/// The bytes of a hexadecimal literal; an odd number of digits begins with a zero.
pub(super) fn hex(digits: &[u8], out: &mut Vec<u8>) -> bool {
    let is_hex = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
    if is_hex {
        let (first, pairs) = digits.split_at(digits.len() % 2);
        out.extend(first.iter().map(|digit| nibble(*digit)));
        out.extend(pairs.as_chunks().0.iter().map(|&[high, low]: &[u8; 2]| nibble(high) << 4 | nibble(low)));
    }
    is_hex
}

/// The bytes of a bit literal, filled up with zeros in front.
pub(super) fn bits(digits: &[u8], out: &mut Vec<u8>) -> bool {
    let are_bits = !digits.is_empty() && digits.iter().all(|digit| matches!(digit, b'0' | b'1'));
    if are_bits {
        let (first, rest) = digits.split_at(digits.len() % 8);
        let byte = |bits: &[u8]| bits.iter().fold(0u8, |sum, bit| sum << 1 | (bit - b'0'));
        out.extend((!first.is_empty()).then(|| byte(first)));
        out.extend(rest.as_chunks::<8>().0.iter().map(|bits| byte(bits)));
    }
    are_bits
}

/// The text is a number, and nothing else: `1`, `1.5`, `.5`, `1.`, `1e-3`.
pub(super) fn is_number(text: &[u8]) -> bool {
    let (mantissa, exponent) = match memchr::memchr2(b'e', b'E', text) {
        None => (text, None),
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..)),
    };
    let points = mantissa.iter().filter(|byte| **byte == b'.').count();
    let digits = mantissa.iter().filter(|byte| byte.is_ascii_digit()).count();
    let exponent = exponent.map(|text| text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text));
    points <= 1
        && digits > 0
        && points + digits == mantissa.len()
        && exponent.is_none_or(|text| !text.is_empty() && text.iter().all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_copy_is_what_its_escapes_stand_for() {
        for (field, expected) in [
            (r"a\tb\nc\\d\re\bf\fg\v", b"a\tb\nc\\d\re\x08f\x0Cg\x0B".as_slice()),
            (r"\101\x42\7\x4g\1018", b"AB\x07\x04gA8"),
            (r"\.\N\q\xz", b".Nqxz"),
            (r"a\", b"a"),
            ("", b""),
        ] {
            let mut seen = Vec::new();
            copied(field.as_bytes(), &mut seen);
            assert_eq!(seen, expected, "{field}");
        }
    }

    #[test]
    fn digits_are_bytes() {
        type Read = fn(&[u8], &mut Vec<u8>) -> bool;
        for (read, digits, expected) in [
            (hex as Read, "41fF", Some(b"A\xFF".as_slice())),
            (hex, "fFF", Some(b"\x0F\xFF")),
            (hex, "", None),
            (hex, "4g", None),
            (bits, "101", Some(b"\x05")),
            (bits, "100000001", Some(b"\x01\x01")),
            (bits, "00000000", Some(b"\0")),
            (bits, "2", None),
            (bits, "", None),
        ] {
            let mut seen = Vec::new();
            let is_read = read(digits.as_bytes(), &mut seen);
            assert_eq!(is_read.then_some(seen.as_slice()), expected, "{digits}");
        }
    }

    #[test]
    fn what_only_begins_like_a_number_is_none() {
        for text in ["1", "1.5", ".5", "1.", "1e-3", "0E+10", "007"] {
            assert!(is_number(text.as_bytes()), "{text}");
        }
        for text in ["", ".", "1a", "1e", "1e+", "1.2.3", "1_000", "0x", "e5"] {
            assert!(!is_number(text.as_bytes()), "{text}");
        }
    }
}
