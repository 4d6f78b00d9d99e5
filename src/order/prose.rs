//! Whether a clause's words hold its identifiers and dates.
//!
//! Dates are recognised as `2024-03-25`, `25/03/2024`, `25.3.2024`, `25 March 2024`, `March 25, 2024`, `25. März 2024`,
//! in ranges (`from 25 March to 7 April 2024`, `25-31 March 2024`), and whole months and years (`March 2024`, `in 2024`).
//! A date between slashes is day first, month first where the legal basis is of the United States.
//!
//! **Invariant:** only warnings come from here.

use std::collections::BTreeSet;
use std::net::IpAddr;

use chrono::NaiveDate;

use super::diagnostic::{Code, Notes};
use super::period::Mentioned;
use super::target::Placed;
use super::{Identifier, LegalBasis, word_date};

/// Warns of each identifier and date that the text does not hold.
pub(super) fn compare<'p>(
    text: &str,
    placed: impl Iterator<Item = &'p Placed>,
    mentioned: impl Iterator<Item = &'p Mentioned>,
    basis: Option<LegalBasis>,
    notes: &mut Notes,
) {
    for Placed { target, span } in placed {
        if !holds_identifier(text, &target.identifier) {
            let message = format!("the clause's text does not hold `{}`", target.identifier);
            let note = notes.warning(Code::IdentifierNotInText, span, message);
            note.hint("compare it with the order, letter by letter");
        }
    }
    let month_first = matches!(basis, Some(LegalBasis::Usc2703c2 | LegalBasis::Usc2703d | LegalBasis::Usc2703Warrant));
    let days: BTreeSet<NaiveDate> = word_date::dates(text, month_first);
    for Mentioned { days: wanted, span } in mentioned {
        if wanted.iter().any(|day| days.contains(day)) {
            continue;
        }
        let Some(day) = wanted.first() else { continue };
        let note = notes.warning(Code::DateNotInText, span, format!("the clause's text does not hold the date {day}"));
        let shown: Vec<String> = days.iter().take(6).map(NaiveDate::to_string).collect();
        note.hint(match shown.as_slice() {
            [] => "no date was recognised in it".to_owned(),
            _ => format!("it was read as holding {}", shown.join(", ")),
        });
    }
}

fn holds_identifier(text: &str, identifier: &Identifier) -> bool {
    match identifier {
        Identifier::Email(_) | Identifier::Host(_) => holds(text, &identifier.to_string(), true),
        Identifier::Domain(domain) | Identifier::Subdomains(domain) => {
            ["", "@", ".", "*."].iter().any(|before| holds(text, &format!("{before}{domain}"), true))
        }
        Identifier::Account(exact) | Identifier::MessageId(exact) | Identifier::Token(exact) => {
            holds(text, exact, false)
        }
        Identifier::Ip(ip) => addresses(text).any(|(found, _)| found == *ip),
        Identifier::IpPort(ip, port) => addresses(text)
            .any(|(found, beside)| found == *ip && (beside == Some(*port) || holds(text, &port.to_string(), false))),
        Identifier::Cidr(net) => {
            networks(text).any(|found| found == *identifier) || holds(text, &net.to_string(), true)
        }
    }
}

/// `wanted` stands in the text with no letter, digit or sign of a token beside it.
fn holds(text: &str, wanted: &str, fold: bool) -> bool {
    let (text, wanted) = if fold {
        (text.to_ascii_lowercase(), wanted.to_ascii_lowercase())
    } else {
        (text.to_owned(), wanted.to_owned())
    };
    let token = |c: char| c.is_alphanumeric() || "._%+@-".contains(c);
    text.match_indices(&wanted).any(|(at, found)| {
        let before = text.get(..at).and_then(|head| head.chars().next_back());
        let after = text.get(at + found.len()..).unwrap_or_default().trim_start_matches('.').chars().next();
        let dots = text.get(at + found.len()..).is_some_and(|tail| tail.starts_with('.'));
        !before.is_some_and(token) && !after.is_some_and(|c| if dots { c.is_alphanumeric() } else { token(c) })
    })
}

/// The IP addresses of a text, each with the port behind it.
fn addresses(text: &str) -> impl Iterator<Item = (IpAddr, Option<u16>)> + '_ {
    words(text).filter_map(|word| {
        if let Ok(ip) = word.parse::<IpAddr>() {
            return Some((ip.to_canonical(), None));
        }
        let with_port = word.parse::<std::net::SocketAddr>().ok()?;
        Some((with_port.ip().to_canonical(), Some(with_port.port())))
    })
}

fn networks(text: &str) -> impl Iterator<Item = Identifier> + '_ {
    words(text).filter_map(|word| super::target::network(word))
}

/// Runs of what addresses and networks are written with, without punctuation at their ends.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let runs = text.split(|c: char| !(c.is_alphanumeric() || "._:/[]-@%+".contains(c)));
    runs.map(|run| {
        let run = run.trim_end_matches(['.', ':', '/', '-']);
        run.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(run)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::Address;

    #[test]
    fn an_identifier_stands_in_the_text_as_a_whole() {
        let email = Identifier::Email(Address { local: "alice".into(), domain: "shop.example".into() });
        for (text, expected) in [
            ("mail of Alice@Shop.example.", true),
            ("mail of alice@shop.example, and bob", true),
            ("(\u{201c}alice@shop.example\u{201d})", true),
            ("<alice@shop.example>", true),
            ("mail of malice@shop.example", false),
            ("mail of alice@shop.example.org", false),
            ("mail of alice", false),
        ] {
            assert_eq!(holds_identifier(text, &email), expected, "{text}");
        }
        let domain = Identifier::Subdomains("shop.example".into());
        for (text, expected) in [
            ("any address @shop.example", true),
            ("subdomains of shop.example", true),
            ("hosts below .shop.example", true),
            ("alice@shop.example", false),
        ] {
            assert_eq!(holds_identifier(text, &domain), expected, "{text}");
        }
    }

    #[test]
    fn an_address_is_compared_as_a_number() {
        let ip: IpAddr = "2001:db8::1".parse().unwrap();
        assert!(holds_identifier("from 2001:0DB8:0::1.", &Identifier::Ip(ip)));
        assert!(!holds_identifier("from 2001:db8::11", &Identifier::Ip(ip)));
        let ip: IpAddr = "192.0.2.1".parse().unwrap();
        assert!(holds_identifier("from ::ffff:192.0.2.1 and", &Identifier::Ip(ip)));
        assert!(!holds_identifier("from 192.0.2.10", &Identifier::Ip(ip)));
        assert!(holds_identifier("from 192.0.2.1:443", &Identifier::IpPort(ip, 443)));
        assert!(holds_identifier("from [192.0.2.1], port 443", &Identifier::IpPort(ip, 443)));
        assert!(!holds_identifier("from 192.0.2.1:4430", &Identifier::IpPort(ip, 443)));
        let net = Identifier::Cidr("192.0.2.0/24".parse().unwrap());
        assert!(holds_identifier("the network 192.0.2.0/24.", &net));
        assert!(!holds_identifier("the network 192.0.2.0/25", &net));
    }
}
