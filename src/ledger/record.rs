//! Reading a line of `records/`: there are as many of them as records.
//!
//! A reader of JSON that builds a value and writes it again, to see that it has its one form, would take longer than all
//! other checks of a package together. Most lines are in the usual form, which is read byte by byte.
//!
//! **Invariant:** what is read here is what the general reader reads, and what that refuses has no usual form.

use super::json::{self, LineError};
use super::line::RecordLine;
use crate::clock::Timestamp;
use crate::digest::Digest;

impl RecordLine {
    /// Reads one, given without its LF, as [`json::read`] does.
    pub fn read(text: &[u8]) -> Result<Self, LineError> {
        usual(text).map_or_else(|| json::read(text), Ok)
    }
}

/// The line of a record that was taken whole and for itself, its clauses' ids plain; none of any other line.
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
    let rest = loop {
        let (id, behind) = text(rest)?;
        clauses.push(std::str::from_utf8(id).ok()?.to_owned());
        match behind {
            [b']', behind @ ..] => break behind,
            [b',', behind @ ..] => rest = behind,
            _ => return None,
        }
    };
    let (offset, rest) = match rest.strip_prefix(b",\"offset\":") {
        None => (None, rest),
        Some(rest) => number(rest).map(|(offset, rest)| (Some(offset), rest))?,
    };
    let line = RecordLine { n, length, sha256, time, clauses, offset, because: None, reduced: None };
    (rest == b"}").then_some(line)
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
            let general = json::read::<RecordLine>(line.as_bytes()).ok();
            if let Some(usual) = usual(line.as_bytes()) {
                usual_lines += 1;
                assert_eq!(general.as_ref(), Some(&usual), "{line}");
            }
            assert_eq!(RecordLine::read(line.as_bytes()).ok(), general, "{line}");
        }
        assert_eq!(usual_lines, 5 * 3 * 2 * 2, "those with one or two plain ids, with and without a position");
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
                        let general = json::read::<RecordLine>(&changed).ok();
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
