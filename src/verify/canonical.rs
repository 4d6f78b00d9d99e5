//! JSON of a package, read strictly: what the writer would write again, to the byte, or it is objected to.
//!
//! Two readers may take white space, the order of keys, a key given twice or a number's form in two ways; so there is
//! one form only.
//!
//! **Invariant:** a value in hand is written exactly as the bytes that it was read from.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::check::printable;
use crate::clock::Timestamp;
use crate::digest::Digest;
use crate::ledger::{self, RecordLine};

/// Reads one line, given without its LF. The error says what is wrong with it, in a few words.
pub(super) fn read<T: Serialize + DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    let value: T = serde_json::from_slice(line).map_err(|error| {
        let error = printable(error.to_string().as_bytes());
        format!("is not in the form of a package ({error})")
    })?;
    let again = ledger::line(&value).map_err(|error| printable(error.to_string().as_bytes()))?;
    if again.strip_suffix(b"\n") != Some(line) {
        return Err(
            "says what it says in another form than a package does: two readers may understand it in two ways".into()
        );
    }
    Ok(value)
}

/// Reads one line of `records/`, as [`read`] does. There are as many of them as records: most are in [`usual`] form.
pub(super) fn record(line: &[u8]) -> Result<RecordLine, String> {
    usual(line).map_or_else(|| read(line), Ok)
}

/// The line of a record that was taken whole and without a position, its clauses' ids plain; none of any other line.
///
/// Each part is taken only in the form in which it is written, so that nothing has to be written again.
fn usual(line: &[u8]) -> Option<RecordLine> {
    let (n, rest) = number(line.strip_prefix(b"{\"n\":")?)?;
    let (length, rest) = number(rest.strip_prefix(b",\"length\":")?)?;
    let (sha256, rest) = rest.strip_prefix(b",\"sha256\":\"")?.split_at_checked(64)?;
    let sha256: Digest = std::str::from_utf8(sha256).ok()?.parse().ok()?;
    let rest = rest.strip_prefix(b"\",\"time\":")?;
    let (time, rest) = match rest.strip_prefix(b"null") {
        Some(rest) => (None, rest),
        None => {
            let (time, rest) = text(rest)?;
            (Some(Timestamp::parse_exact(time)?), rest)
        }
    };
    let mut rest = rest.strip_prefix(b",\"clauses\":[")?;
    let mut clauses = Vec::new();
    loop {
        let (id, behind) = text(rest)?;
        clauses.push(std::str::from_utf8(id).ok()?.to_owned());
        match behind {
            b"]}" => break,
            [b',', behind @ ..] => rest = behind,
            _ => return None,
        }
    }
    Some(RecordLine { n, length, sha256, time, clauses, offset: None, because: None, reduced: None })
}

/// A whole number without a sign or zeros in front, and what follows it.
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at_checked(digits)?;
    if digits.is_empty() || (digits.len() > 1 && digits.starts_with(b"0")) {
        return None;
    }
    let value =
        digits.iter().try_fold(0u64, |value, digit| value.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
    Some((value?, rest))
}

/// A string of plain ASCII in its quotes, and what follows it.
fn text(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b"\"")?;
    let plain = text.iter().take_while(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')).count();
    let (plain, rest) = text.split_at_checked(plain)?;
    Some((plain, rest.strip_prefix(b"\"")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_one_form_is_read() {
        let good = format!(r#"{{"n":1,"length":2,"sha256":"{}","time":null,"clauses":["a"]}}"#, "0".repeat(64));
        assert!(read::<RecordLine>(good.as_bytes()).is_ok());
        for (from, to) in [
            ("\"n\":1", "\"n\": 1"),
            ("\"n\":1,\"length\":2", "\"length\":2,\"n\":1"),
            ("\"n\":1", "\"n\":1,\"n\":1"),
            ("\"n\":1", "\"n\":1.0"),
            ("\"n\":1", "\"n\":01"),
            ("\"n\":1", "\"m\":1,\"n\":1"),
            ("\"a\"", "\"\\u0061\""),
            ("null", "\"2024-03-31T01:00:00+00:00\""),
            ("null", "\"2024-03-31T01:00:00.0Z\""),
            ("]}", "],\"offset\":null}"),
            ("{", "\u{feff}{"),
            ("]}", "]}\r"),
            ("]}", "]}{}"),
        ] {
            assert!(read::<RecordLine>(good.replacen(from, to, 1).as_bytes()).is_err(), "{to}");
        }
    }

    /// A good line of each shape.
    fn lines() -> Vec<String> {
        let (mut lines, digest) = (Vec::new(), Digest::of(b"x"));
        for n in [0, 1, 9, 10, u64::MAX] {
            for time in ["null", "\"2024-03-31T01:00:00Z\"", "\"0000-01-01T00:00:00.000000001Z\""] {
                for clauses in ["", "\"a\"", "\"3a\",\"b-1.x_\"", "\"\u{e9}\"", "\"a\\\"b\"", "\"\\u0001\""] {
                    for more in ["", ",\"offset\":7", ",\"because\":[\"a\"]", ",\"reduced\":{\"fields\":[\"x\"]}"] {
                        lines.push(format!(
                            "{{\"n\":{n},\"length\":{n},\"sha256\":\"{digest}\",\"time\":{time},\"clauses\":[{clauses}]{more}}}"
                        ));
                    }
                }
            }
        }
        lines
    }

    #[test]
    fn a_record_in_its_usual_form_is_what_the_general_reader_reads() {
        let mut usual_lines = 0;
        for line in lines() {
            let general = read::<RecordLine>(line.as_bytes());
            if let Some(usual) = usual(line.as_bytes()) {
                usual_lines += 1;
                assert_eq!(general.as_ref().ok(), Some(&usual), "{line}");
            }
            assert_eq!(record(line.as_bytes()), general, "{line}");
        }
        assert_eq!(usual_lines, 5 * 3 * 2, "those with one or two plain ids and nothing more");
    }

    #[test]
    fn a_line_that_the_general_reader_refuses_has_no_usual_form() {
        let lines = lines();
        let (mut refused, mut read_both) = (0, 0);
        for line in lines.iter().filter(|line| usual(line.as_bytes()).is_some()) {
            for at in 0..line.len() {
                for byte in b"\0\t 019.-+eaAfFxXzZ\"\\,:[]{}/\x7f\xc3" {
                    let mut changed = line.clone().into_bytes();
                    changed[at] = *byte;
                    let mut more = line.clone().into_bytes();
                    more.insert(at, *byte);
                    let mut less = line.clone().into_bytes();
                    less.remove(at);
                    for changed in [changed, more, less] {
                        let general = read::<RecordLine>(&changed).ok();
                        refused += usize::from(general.is_none());
                        if let Some(usual) = usual(&changed) {
                            read_both += 1;
                            assert_eq!(general, Some(usual), "{}", String::from_utf8_lossy(&changed));
                        }
                    }
                }
            }
        }
        assert!(refused > 10_000 && read_both > 10_000, "{refused} {read_both}");
    }
}
