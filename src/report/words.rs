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
        "received" => "the time at which the provider's mail server took the message in",
        "delivered" => "the time at which the message was put into its mailbox",
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

/// The power under which an order was made, in words; the name itself where it says enough.
pub(super) fn legal_basis(name: &str) -> &str {
    match name {
        "pace-sch1" => "Police and Criminal Evidence Act 1984, schedule 1",
        "poca-345" => "Proceeds of Crime Act 2002, section 345",
        "ipa-pt3" => "Investigatory Powers Act 2016, part 3",
        "copo" => "Crime (Overseas Production Orders) Act 2019",
        "norwich-pharmacal" => "Norwich Pharmacal order",
        "cpr-31-17" => "Civil Procedure Rules, rule 31.17",
        "2703c2" => "18 U.S.C. 2703(c)(2)",
        "2703d" => "18 U.S.C. 2703(d)",
        "2703-warrant" => "warrant under 18 U.S.C. 2703",
        "2703f" => "18 U.S.C. 2703(f)",
        "epoc-subscriber" => {
            "European Production Order for subscriber or identification data, Regulation (EU) 2023/1543"
        }
        "epoc" => "European Production Order, Regulation (EU) 2023/1543",
        "mlat" => "mutual legal assistance",
        "civil" => "order of a civil court",
        "consent" => "consent of the person concerned",
        _ => name,
    }
}

/// An ISO 8601 duration in words, the years, months, weeks, days and hours that an order is due in; None for any other.
pub(super) fn duration(text: &str) -> Option<String> {
    let mut words = Vec::new();
    let mut rest = text.strip_prefix('P')?;
    let mut units = [('Y', "year"), ('M', "month"), ('W', "week"), ('D', "day"), ('T', ""), ('H', "hour")].into_iter();
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (value, tail) = rest.split_at_checked(digits)?;
        let letter = tail.chars().next()?;
        rest = tail.strip_prefix(letter)?;
        let (_, noun) = units.find(|&(known, _)| known == letter)?;
        match (letter, value.parse::<u64>()) {
            ('T', Err(_)) => {}
            ('T', Ok(_)) | (_, Err(_)) => return None,
            (_, Ok(value)) => words.push(counted(value, noun, &format!("{noun}s"))),
        }
    }
    (!words.is_empty()).then(|| words.join(", "))
}

/// The words that the report uses, and what each one means.
pub(super) const GLOSSARY: [(&str, &str); 13] = [
    ("Order", "The court's order, as it was written down for the program: order.toml in this package."),
    ("Clause", "One grant within the order: where to look, for what, and from which time."),
    ("Source", "A server's disk image or folder that the order names."),
    ("Window", "A span of time. Its first instant is inside, its end is not."),
    ("Record", "One line of a log, or one mail message."),
    (
        "Reduced",
        "Of a record that falls under the clause only what the clause asks for of it: named fields, the headers of a message, \
         or a message without its attachments. The ledger marks it so; its sums are those of what is given.",
    ),
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
    fn every_legal_basis_category_and_clock_of_the_order_language_has_its_words() {
        use crate::order::{Category, Clock, LegalBasis};
        for basis in LegalBasis::ALL {
            assert!(legal_basis(basis.name()) != basis.name() || basis == LegalBasis::Other, "{basis:?}");
        }
        Category::ALL.into_iter().for_each(|one| assert_ne!(category(one.name()), category(""), "{one:?}"));
        Clock::ALL.into_iter().for_each(|one| assert_ne!(clock(one.name()), clock(""), "{one:?}"));
    }

    #[test]
    fn a_duration_is_said_in_words_or_not_at_all() {
        let cases = [
            ("P7D", Some("7 days")),
            ("P1D", Some("1 day")),
            ("P2W", Some("2 weeks")),
            ("P1M", Some("1 month")),
            ("P1Y2M3DT4H", Some("1 year, 2 months, 3 days, 4 hours")),
            ("PT8H", Some("8 hours")),
            ("PT30M", None),
            ("P", None),
            ("7D", None),
            ("P7", None),
            ("PD", None),
            ("P0.5D", None),
        ];
        for (text, words) in cases {
            assert_eq!(duration(text).as_deref(), words, "{text}");
        }
    }

    #[test]
    fn thousands_stand_apart() {
        for (value, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(number(value), text);
        }
        assert_eq!(counted(1, "record", "records"), "1 record");
        assert_eq!(counted(0, "record", "records"), "0 records");
    }
}
