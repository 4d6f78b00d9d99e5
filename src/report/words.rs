//! The report's own words: numbers, clocks, and what each term means.
//!
//! **Invariant:** one term, one meaning, the same as in `README.txt` and in the messages of the program.

/// An integer with its thousands apart.
pub(super) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number and its noun.
pub(super) fn counted(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(value), if value == 1 { one } else { many })
}

/// Whose time a clock is, in words.
pub(super) fn clock(name: &str) -> &'static str {
    match name {
        "modified" => "the time of the file's last change of content",
        "changed" => "the time of the file's last change of content or attributes",
        "created" => "the time of the file's creation",
        "accessed" => "the time of the file's last reading",
        "record" => "the time that the record itself carries",
        "date-header" => "the time in the message's Date header",
        _ => "the time that the order names",
    }
}

/// What a category of data is, in words.
pub(super) fn category(name: &str) -> &'static str {
    match name {
        "subscriber" => "subscriber data (who the customer is)",
        "identification" => "identification data (what identifies a user at a time)",
        "traffic" => "traffic data (who communicated with whom, when, from where)",
        "content" => "content (what was said or stored)",
        _ => "data",
    }
}

/// The words that the report uses, and what each one means.
pub(super) const GLOSSARY: [(&str, &str); 12] = [
    ("Order", "The court's order, as it was written down for the program: order.toml in this package."),
    ("Clause", "One grant within the order: where to look, for what, and from which time."),
    ("Source", "A server's disk image or folder that the order names."),
    ("Window", "A span of time. Its first instant is inside, its end is not."),
    ("Record", "One line of a log, or one mail message."),
    ("Exhibit", "One numbered item disclosed: a file in data/."),
    ("Produced", "Something was disclosed under the clause."),
    (
        "Withheld",
        "The clause asks for it, and the provider holds it back on a recorded ground, for example because it is \
         privileged. Only the number of such items is disclosed.",
    ),
    (
        "Undecided",
        "It may fall under the clause, but a time or an identifier in it cannot be read. It was neither disclosed nor \
         counted as absent.",
    ),
    ("Short", "The clause asks for it and it could not be read, or a place that the clause names was not there."),
    ("Nothing held", "Every place that the clause names was read to the end, and nothing there falls under it."),
    ("Digest", "A SHA-256 sum: 64 digits that stand for exactly these bytes. Any change gives another one."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        for (value, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(number(value), text);
        }
        assert_eq!(counted(1, "record", "records"), "1 record");
        assert_eq!(counted(0, "record", "records"), "0 records");
    }
}
