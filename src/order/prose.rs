//! Whether a clause's words hold its identifiers and dates.
//!
//! Dates are recognised as `2024-03-25`, `25/03/2024`, `25.3.2024`, `25 March 2024`, `March 25, 2024`, `25. März 2024`,
//! in ranges (`from 25 March to 7 April 2024`, `25-31 March 2024`), and whole months and years (`March 2024`, `in 2024`).
//! A date between slashes is day first, month first where the legal basis is of the United States.
//!
//! **Invariant:** only warnings come from here.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use chrono::NaiveDate;

use super::diagnostic::{Code, Notes};
use super::period::Mentioned;
use super::target::{self, Placed};
use super::{Identifier, LegalBasis, word_date};

/// In a text longer than this, in bytes, an identifier with signs that no word has is not searched for.
const SEARCHED_BYTES: usize = 64 * 1024;

/// Warns of each identifier and date that the text does not hold.
pub(super) fn compare<'p>(
    text: &str,
    placed: impl Iterator<Item = &'p Placed>,
    mentioned: impl Iterator<Item = &'p Mentioned>,
    basis: Option<LegalBasis>,
    notes: &mut Notes,
) {
    let words = Words::of(text);
    for Placed { target, span } in placed {
        if !words.hold(&target.identifier) {
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

/// The words of a text, by what they can be.
struct Words<'t> {
    text: &'t str,
    exact: HashSet<&'t str>,
    folded: HashSet<String>,
    /// Each with the ports written behind it.
    addresses: HashMap<IpAddr, Vec<u16>>,
    networks: HashSet<Identifier>,
}

impl<'t> Words<'t> {
    fn of(text: &'t str) -> Self {
        let mut exact = HashSet::new();
        for word in text.split(|c| !in_word(c)) {
            let word = word.trim_end_matches('.');
            exact.insert(word);
            // A bullet before a word, and the sign of a domain: `@shop.example`, `.shop.example`.
            exact.insert(word.trim_start_matches(['-', '.', '@', '+', '_']));
        }
        let folded = exact.iter().map(|word| word.to_ascii_lowercase()).collect();
        let mut words = Self { text, exact, folded, addresses: HashMap::new(), networks: HashSet::new() };
        for word in text.split(|c| !(in_word(c) || ":/[]".contains(c))) {
            let word = word.trim_end_matches(['.', ':', '/', '-']);
            let bare = word.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(word);
            if let Ok(ip) = bare.parse::<IpAddr>() {
                words.addresses.entry(ip.to_canonical()).or_default();
            } else if let Ok(address) = word.parse::<SocketAddr>() {
                words.addresses.entry(address.ip().to_canonical()).or_default().push(address.port());
            } else {
                words.networks.extend(target::network(word));
            }
        }
        words
    }

    fn hold(&self, identifier: &Identifier) -> bool {
        match identifier {
            Identifier::Email(_) | Identifier::Host(_) => self.folded(&identifier.to_string()),
            Identifier::Domain(domain) | Identifier::Subdomains(domain) => self.folded(domain),
            Identifier::Account(exact) | Identifier::MessageId(exact) | Identifier::Token(exact) => self.exact(exact),
            Identifier::Ip(ip) => self.addresses.contains_key(ip) || self.networks.contains(identifier),
            Identifier::IpPort(ip, port) => self
                .addresses
                .get(ip)
                .is_some_and(|ports| ports.contains(port) || self.exact.contains(port.to_string().as_str())),
            Identifier::Cidr(_) => self.networks.contains(identifier),
        }
    }

    fn folded(&self, wanted: &str) -> bool {
        self.folded.contains(wanted)
            || (!wanted.chars().all(in_word) && self.search(&self.text.to_ascii_lowercase(), wanted))
    }

    fn exact(&self, wanted: &str) -> bool {
        self.exact.contains(wanted) || (!wanted.chars().all(in_word) && self.search(self.text, wanted))
    }

    /// What has other signs than words have stands somewhere with no word right beside it.
    fn search(&self, text: &str, wanted: &str) -> bool {
        text.len() > SEARCHED_BYTES
            || text.match_indices(wanted).any(|(at, found)| {
                let before = text.get(..at).and_then(|head| head.chars().next_back());
                let after = text.get(at + found.len()..).unwrap_or_default().trim_start_matches('.').chars().next();
                !before.is_some_and(in_word) && !after.is_some_and(in_word)
            })
    }
}

/// What a word of a text is made of.
fn in_word(c: char) -> bool {
    c.is_alphanumeric() || "._%+@-".contains(c)
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
            assert_eq!(Words::of(text).hold(&email), expected, "{text}");
        }
        let domain = Identifier::Subdomains("shop.example".into());
        for (text, expected) in [
            ("any address @shop.example", true),
            ("subdomains of shop.example", true),
            ("hosts below .shop.example", true),
            ("alice@shop.example", false),
            ("myshop.example", false),
        ] {
            assert_eq!(Words::of(text).hold(&domain), expected, "{text}");
        }
    }

    #[test]
    fn signs_that_no_word_has_are_searched_for() {
        let id = Identifier::MessageId("a$b!c@mail.example".into());
        assert!(Words::of("the message <a$b!c@mail.example>.").hold(&id));
        assert!(!Words::of("the message <xa$b!c@mail.example>").hold(&id));
        let account = Identifier::Account("SHOP\\alice smith".into());
        assert!(Words::of("the account SHOP\\alice smith, and").hold(&account));
        assert!(!Words::of("the account SHOP\\Alice Smith, and").hold(&account));
    }

    #[test]
    fn an_address_is_compared_as_a_number() {
        let ip: IpAddr = "2001:db8::1".parse().unwrap();
        assert!(Words::of("from 2001:0DB8:0::1.").hold(&Identifier::Ip(ip)));
        assert!(!Words::of("from 2001:db8::11").hold(&Identifier::Ip(ip)));
        let ip: IpAddr = "192.0.2.1".parse().unwrap();
        assert!(Words::of("from ::ffff:192.0.2.1 and").hold(&Identifier::Ip(ip)));
        assert!(!Words::of("from 192.0.2.10").hold(&Identifier::Ip(ip)));
        assert!(Words::of("from 192.0.2.1:443").hold(&Identifier::IpPort(ip, 443)));
        assert!(Words::of("from [192.0.2.1], port 443").hold(&Identifier::IpPort(ip, 443)));
        assert!(!Words::of("from 192.0.2.1:4430").hold(&Identifier::IpPort(ip, 443)));
        let net = Identifier::Cidr("192.0.2.0/24".parse().unwrap());
        assert!(Words::of("the network 192.0.2.0/24.").hold(&net));
        assert!(!Words::of("the network 192.0.2.0/25").hold(&net));
    }
}
