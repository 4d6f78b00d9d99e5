//! Received fields (RFC 5321, 4.4; RFC 5322, 3.6.7): which host took the message, and when.
//!
//! A field is pairs of a name and a value (`from x by y with z`), a `;` and a date. Names stand at even places, so that who
//! says `by` as his own name in front of it is not taken for the host. Comments are left out. Lines without `by` (qmail's
//! internal ones) name nobody.
//!
//! **Invariant:** what may name a host and cannot be read is unreadable, not nobody.

use super::header::{Field, unfold};
use super::{comment, date};
use crate::scope::{Hop, TimeField};

/// Shows what one field says.
pub(super) fn read(field: &Field<'_>, visit: &mut dyn FnMut(Hop<'_>)) {
    let plain = comment::dropped(&unfold(field.value));
    let split = memchr::memrchr(b';', &plain).and_then(|at| plain.split_at_checked(at));
    let (path, stamp) = split.unwrap_or((&plain, &[]));
    let time = stamp.get(1..).map_or(TimeField::Unreadable, date::parse);
    let words: Vec<&[u8]> = path.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
    let is_by = |word: &[u8]| word.eq_ignore_ascii_case(b"by");
    // A comment that is not closed stays, and may hide the pair.
    let is_open = path.iter().any(|byte| matches!(byte, b'(' | b')'));
    match words.chunks(2).find(|pair| pair.first().is_some_and(|name| is_by(name))) {
        Some([_, host]) if !field.doubtful && !is_open => visit(Hop::By(host, time)),
        None if !field.doubtful && !is_open && !words.iter().any(|word| is_by(word)) => visit(Hop::Nobody),
        _ => visit(Hop::Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(value: &str) -> String {
        let mut said = Vec::new();
        let field = Field { name: b"Received", value: value.as_bytes(), doubtful: false };
        read(&field, &mut |hop| {
            said.push(match hop {
                Hop::By(host, TimeField::At(at)) => format!("{} {at}", String::from_utf8_lossy(host)),
                Hop::By(host, time) => format!("{} {time:?}", String::from_utf8_lossy(host)),
                Hop::Nobody => "nobody".into(),
                Hop::Unreadable => "unreadable".into(),
            });
        });
        assert_eq!(said.len(), 1);
        said.remove(0)
    }

    #[test]
    fn a_received_field_names_the_host_that_took_the_message() {
        const DATE: &str = "Mon, 1 Jan 2024 10:00:00 +0100";
        let at = "mx1.x 2024-01-01T09:00:00Z";
        let cases = [
            (
                format!(
                    "from a.test (a.test [192.0.2.1])\r\n\tby mx1.x (Postfix) with ESMTP id 4;\r\n\t{DATE} (CET)\r\n"
                ),
                at,
            ),
            (format!("by mx1.x (Postfix, from userid 0) id A; {DATE}"), at),
            (format!("FROM a.test BY mx1.x; {DATE}"), at),
            // The name that the sender gives itself.
            (format!("from by (unknown [192.0.2.1]) by mx1.x with SMTP; {DATE}"), at),
            (format!("from evil.test (by mx9.x; {DATE}) by mx1.x; {DATE}"), at),
            (format!("from a.test by mx1.x for <b@x.test>; {DATE}"), at),
            ("from a.test by mx1.x".into(), "mx1.x Unreadable"),
            ("from a.test by mx1.x; yesterday".into(), "mx1.x Unreadable"),
            ("(qmail 1 invoked by uid 0); 1 Jan 2024 09:00:00 -0000".into(), "nobody"),
            (String::new(), "nobody"),
            // HELO with nothing: the pairs do not stand where they should.
            (format!("from (unknown [192.0.2.1]) by mx1.x; {DATE}"), "unreadable"),
            (format!("from a.test (by mx1.x; {DATE}"), "unreadable"),
            (format!("from a.test by; {DATE}"), "unreadable"),
        ];
        for (value, expected) in cases {
            assert_eq!(hop(&value), expected, "{value}");
        }
    }
}
