//! Names of the DNS with letters outside ASCII: the one of an order against what a record writes.
//!
//! An order writes such a name as the DNS holds it, in A-labels (`xn--bcher-kva.example`, RFC 5890, 2.3.2.1), and that is what
//! mail and logs hold. Mail of RFC 6532 may hold U-labels (`b\u{fc}cher.example`). Which A-label those are is not computed
//! here: an A-label may be any label with a byte outside ASCII, so that such a name is undecided, never taken for
//! another and never passed over. Labels of ASCII are compared as they are.
//!
//! **Invariant:** a name without a letter outside ASCII never matches here.

/// What an A-label begins with.
const A_LABEL: &[u8] = b"xn--";

/// A name with an A-label in it, in lower case.
#[derive(Debug, Clone)]
pub(in crate::scope) struct International {
    /// What stands before the `@`, where it is an address.
    local: Option<Vec<u8>>,
    domain: Vec<u8>,
    /// It is about the subdomains of that domain.
    below: bool,
}

impl International {
    /// None where there is no A-label in the domain: it is the only way in which it is written.
    pub(in crate::scope) fn new(local: Option<&str>, domain: &str, below: bool) -> Option<Self> {
        let domain = domain.to_ascii_lowercase().into_bytes();
        let local = local.map(|local| local.to_ascii_lowercase().into_bytes());
        let is_international = labels(&domain).any(|label| label.starts_with(A_LABEL));
        is_international.then_some(Self { local, domain, below })
    }

    /// The address or name, in lower case of ASCII, may be it.
    pub(in crate::scope) fn may_be(&self, found: &[u8]) -> bool {
        let at = found.iter().rposition(|&byte| byte == b'@');
        let (local, domain) = match at.and_then(|at| found.split_at_checked(at)) {
            Some((local, domain)) => (Some(local), domain.get(1..).unwrap_or_default()),
            None => (None, found),
        };
        if domain.is_ascii() || self.local.as_deref().is_some_and(|own| local != Some(own)) {
            return false;
        }
        let (mut own, mut theirs) = (labels(&self.domain), labels(domain));
        loop {
            match (own.next(), theirs.next()) {
                (Some(own), Some(theirs)) if theirs == own || (own.starts_with(A_LABEL) && !theirs.is_ascii()) => {}
                (None, theirs) => return theirs.is_some() == self.below,
                _ => return false,
            }
        }
    }
}

/// The labels of a domain, from the last to the first.
fn labels(domain: &[u8]) -> impl Iterator<Item = &[u8]> {
    domain.rsplit(|&byte| byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_with_letters_outside_ascii_in_the_place_of_an_a_label_may_be_it() {
        let domain = || International::new(None, "xn--bcher-kva.Example", false).unwrap();
        let address = || International::new(Some("alice"), "xn--bcher-kva.example", false).unwrap();
        let below = || International::new(None, "xn--bcher-kva.example", true).unwrap();
        for (name, found, expected) in [
            (domain(), "b\u{fc}cher.example", true),
            (domain(), "anybody@b\u{fc}cher.example", true),
            (domain(), "\u{6728}.example", true),
            (domain(), "b\u{fc}cher.test", false),
            (domain(), "x.b\u{fc}cher.example", false),
            (domain(), "buecher.example", false),
            (domain(), "xn--bcher-kva.example", false),
            (domain(), "example", false),
            (domain(), "b\u{fc}cher.ex\u{e4}mple", false),
            (address(), "alice@b\u{fc}cher.example", true),
            (address(), "bob@b\u{fc}cher.example", false),
            (address(), "b\u{fc}cher.example", false),
            (address(), "j\u{fc}rgen@shop.example", false),
            (below(), "mail.b\u{fc}cher.example", true),
            (below(), "b\u{fc}cher.example", false),
        ] {
            assert_eq!(name.may_be(found.as_bytes()), expected, "{name:?} {found}");
        }
        assert!(International::new(None, "buecher.example", false).is_none());
    }
}
