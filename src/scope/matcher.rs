//! Comparing a record's fields and tokens with a list of identifiers.
//!
//! **Invariant:** a comparison is typed and whole; what cannot be read is undecided, never out.

use super::identifier_set::IdentifierSet;
use super::record::{Fields, Reading};
use super::verdict::Verdict;
use crate::order::{Family, Identifier, Role, Target};

/// Where identifiers of a clause are looked for in a record of one family.
#[derive(Debug, Clone, Default)]
struct Places {
    roles: Vec<(Role, IdentifierSet)>,
    message_id: IdentifierSet,
    anywhere: IdentifierSet,
    /// Some identifier has no place in records of this family: it cannot be read there.
    homeless: bool,
    /// Where a field cannot be read, a record without the identifier as a whole token is out all the same.
    by_tokens: bool,
}

impl Places {
    fn add_role(&mut self, role: Role, identifier: &Identifier) {
        if role == Role::Any {
            self.anywhere.add(identifier);
            return;
        }
        match self.roles.iter_mut().find(|(known, _)| *known == role) {
            Some((_, identifiers)) => identifiers.add(identifier),
            None => {
                let mut identifiers = IdentifierSet::default();
                identifiers.add(identifier);
                self.roles.push((role, identifiers));
            }
        }
    }

    fn add_mail(&mut self, target: &Target) {
        let identifier = &target.identifier;
        let is_address = matches!(identifier, Identifier::Email(_) | Identifier::Domain(_) | Identifier::Subdomains(_));
        if target.roles.is_empty() {
            match identifier {
                Identifier::MessageId(_) => self.message_id.add(identifier),
                _ if is_address => Role::MAIL.into_iter().for_each(|role| self.add_role(role, identifier)),
                _ => self.homeless = true,
            }
        }
        for &role in &target.roles {
            if role == Role::Any || (Role::MAIL.contains(&role) && is_address) {
                self.add_role(role, identifier);
            } else {
                self.homeless = true;
            }
        }
    }

    fn add_web_log(&mut self, target: &Target) {
        let identifier = &target.identifier;
        let is_ip = matches!(identifier, Identifier::Ip(_) | Identifier::Cidr(_) | Identifier::IpPort(..));
        self.add_in(target, if is_ip { Role::Client } else { Role::Any });
    }

    /// Where it is looked for as the order says, else in `default`. A role that a format does not have, it cannot read.
    fn add_in(&mut self, target: &Target, default: Role) {
        let roles = if target.roles.is_empty() { &[default][..] } else { &target.roles };
        roles.iter().for_each(|&role| self.add_role(role, &target.identifier));
    }

    fn verdict(&self, fields: &dyn Fields) -> Verdict {
        let mut lower = Vec::new();
        let mut verdict = if self.homeless { Verdict::Undecided } else { Verdict::Out };
        for (role, identifiers) in &self.roles {
            let reading = fields.values(*role, &mut |value| {
                if verdict != Verdict::In {
                    verdict = verdict.or(identifiers.value(value, &mut lower));
                    verdict = verdict.or(identifiers.unresolved(*role, value));
                }
            });
            verdict = verdict.or(match unread(reading) {
                Verdict::Undecided if self.by_tokens && anywhere(identifiers, fields) == Verdict::Out => Verdict::Out,
                unread => unread,
            });
            if verdict == Verdict::In {
                return verdict;
            }
        }
        if !self.message_id.is_empty() {
            let reading = fields.message_id(&mut |id| {
                verdict = verdict.or(Verdict::from_bool(self.message_id.has_exact(id)));
            });
            verdict = verdict.or(unread(reading));
        }
        verdict.or(anywhere(&self.anywhere, fields))
    }
}

/// What could not be read may be what is looked for.
const fn unread(reading: Reading) -> Verdict {
    match reading {
        Reading::Complete => Verdict::Out,
        Reading::Partial => Verdict::Undecided,
    }
}

/// Whole tokens of a record's texts.
pub(in crate::scope) fn anywhere(identifiers: &IdentifierSet, fields: &dyn Fields) -> Verdict {
    if identifiers.is_empty() {
        return Verdict::Out;
    }
    let mut lower = Vec::new();
    let mut verdict = Verdict::Out;
    let reading = fields.texts(&mut |text| {
        if verdict != Verdict::In {
            verdict = verdict.or(identifiers.text(text, &mut lower));
        }
    });
    verdict.or(unread(reading))
}

/// The identifiers of a clause, or its `with`, ready to compare.
#[derive(Debug, Clone)]
pub(in crate::scope) struct Matcher {
    mail: Places,
    web_log: Places,
    line: Places,
    all: IdentifierSet,
}

impl Matcher {
    /// None for an empty list: no condition.
    pub(in crate::scope) fn new(targets: &[Target]) -> Option<Self> {
        if targets.is_empty() {
            return None;
        }
        let mut matcher = Self {
            mail: Places::default(),
            web_log: Places::default(),
            line: Places { by_tokens: true, ..Places::default() },
            all: IdentifierSet::default(),
        };
        for target in targets {
            matcher.mail.add_mail(target);
            matcher.web_log.add_web_log(target);
            matcher.line.add_in(target, Role::Any);
            matcher.all.add(&target.identifier);
        }
        Some(matcher)
    }

    /// One of the identifiers is in the record, in its place.
    pub(in crate::scope) fn verdict(&self, fields: &dyn Fields) -> Verdict {
        if !fields.parsed() {
            // Its fields are not known: a whole token of it may be the one that is asked for, or may stand elsewhere.
            return match anywhere(&self.all, fields) {
                Verdict::Out => Verdict::Out,
                Verdict::In | Verdict::Undecided => Verdict::Undecided,
            };
        }
        match fields.family() {
            Family::Mail => self.mail.verdict(fields),
            Family::WebLog => self.web_log.verdict(fields),
            Family::Line => self.line.verdict(fields),
        }
    }
}

/// The identifiers of all withholds: anywhere in a record, decoded and raw.
#[derive(Debug, Clone, Default)]
pub(in crate::scope) struct WithholdMatcher(IdentifierSet);

impl WithholdMatcher {
    pub(in crate::scope) fn new<'i>(identifiers: impl IntoIterator<Item = &'i Identifier>) -> Self {
        let mut all = IdentifierSet::default();
        identifiers.into_iter().for_each(|identifier| all.add(identifier));
        Self(all)
    }

    /// One of them stands somewhere in the record. What may be one is undecided: what is withheld by mistake can still be
    /// disclosed.
    pub(in crate::scope) fn verdict(&self, fields: &dyn Fields) -> Verdict {
        let (mut verdict, mut lower) = (Verdict::Out, Vec::new());
        let reading = fields.texts(&mut |text| {
            if verdict != Verdict::In {
                verdict = verdict.or(self.text(text, &mut lower));
            }
        });
        verdict.or(unread(reading))
    }

    /// One of them stands in the bytes as they are.
    pub(in crate::scope) fn raw(&self, text: &[u8]) -> Verdict {
        self.text(text, &mut Vec::new())
    }

    fn text(&self, text: &[u8], lower: &mut Vec<u8>) -> Verdict {
        match self.0.text(text, lower) {
            Verdict::Out => self.0.doubtful(text, lower),
            found => found,
        }
    }

    pub(in crate::scope) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::{Address, Clock};
    use crate::scope::{TimeField, Value};

    /// A record with fields as a test states them.
    struct Stated {
        is_mail: bool,
        parsed: bool,
        text: &'static str,
        from: Option<(&'static str, &'static str)>,
        client: Option<(&'static str, Option<u16>)>,
    }

    impl Fields for Stated {
        fn family(&self) -> Family {
            if self.is_mail { Family::Mail } else { Family::WebLog }
        }
        fn parsed(&self) -> bool {
            self.parsed
        }
        fn time(&self, _: Clock) -> TimeField {
            TimeField::Lacks
        }
        fn values(&self, role: Role, visit: &mut dyn FnMut(Value<'_>)) -> Reading {
            match (self.is_mail, role) {
                (true, Role::From) => {
                    if let Some((local, domain)) = self.from {
                        visit(Value::Address { local: local.as_bytes(), domain: domain.as_bytes() });
                    }
                }
                (false, Role::Client) => {
                    if let Some((ip, port)) = self.client {
                        visit(Value::Ip(ip.parse().unwrap(), port));
                    }
                }
                (true, role) if Role::MAIL.contains(&role) => {}
                _ => return Reading::Partial,
            }
            Reading::Complete
        }
        fn message_id(&self, visit: &mut dyn FnMut(&[u8])) -> Reading {
            visit(b"1.A@x.example");
            Reading::Complete
        }
        fn texts(&self, visit: &mut dyn FnMut(&[u8])) -> Reading {
            visit(self.text.as_bytes());
            Reading::Complete
        }
    }

    fn mail(local: &'static str, domain: &'static str) -> Stated {
        Stated { is_mail: true, parsed: true, text: "", from: Some((local, domain)), client: None }
    }

    fn line(ip: &'static str, port: Option<u16>, text: &'static str) -> Stated {
        Stated { is_mail: false, parsed: true, text, from: None, client: Some((ip, port)) }
    }

    fn looks_for(identifier: Identifier, roles: &[Role]) -> Matcher {
        Matcher::new(&[Target { identifier, roles: roles.to_vec() }]).unwrap()
    }

    fn email(local: &str, domain: &str) -> Identifier {
        Identifier::Email(Address { local: local.into(), domain: domain.into() })
    }

    #[test]
    fn an_address_is_compared_whole_and_without_case() {
        let alice = looks_for(email("alice", "shop.example"), &[Role::From]);
        let cases = [
            ("Alice", "SHOP.example", Verdict::In),
            ("malice", "shop.example", Verdict::Out),
            ("alice+x", "shop.example", Verdict::Out),
            ("alice", "shop.example.uk", Verdict::Out),
            ("alice", "shops.example", Verdict::Out),
        ];
        for (local, domain, expected) in cases {
            assert_eq!(alice.verdict(&mail(local, domain)), expected, "{local}@{domain}");
        }
    }

    #[test]
    fn a_domain_is_exact_and_its_subdomains_are_asked_for_apart() {
        let exact = looks_for(Identifier::Domain("example.org".into()), &[]);
        let below = looks_for(Identifier::Subdomains("example.org".into()), &[]);
        assert_eq!(exact.verdict(&mail("a", "Example.ORG")), Verdict::In);
        assert_eq!(exact.verdict(&mail("a", "mx.example.org")), Verdict::Out);
        assert_eq!(below.verdict(&mail("a", "mx.Example.org")), Verdict::In);
        assert_eq!(below.verdict(&mail("a", "example.org")), Verdict::Out);
        assert_eq!(below.verdict(&mail("a", "badexample.org")), Verdict::Out);
    }

    #[test]
    fn an_address_without_the_port_is_undecided_and_another_address_is_out() {
        let both = looks_for(Identifier::IpPort("192.0.2.1".parse().unwrap(), 443), &[]);
        assert_eq!(both.verdict(&line("192.0.2.1", Some(443), "")), Verdict::In);
        assert_eq!(both.verdict(&line("192.0.2.1", Some(80), "")), Verdict::Out);
        assert_eq!(both.verdict(&line("192.0.2.1", None, "")), Verdict::Undecided);
        assert_eq!(both.verdict(&line("192.0.2.2", None, "")), Verdict::Out);
    }

    #[test]
    fn a_mapped_address_is_the_address_it_maps() {
        let plain = looks_for(Identifier::Ip("192.0.2.1".parse().unwrap()), &[]);
        assert_eq!(plain.verdict(&line("::ffff:192.0.2.1", None, "")), Verdict::In);
        let network = looks_for(Identifier::Cidr("192.0.2.0/31".parse().unwrap()), &[]);
        assert_eq!(network.verdict(&line("::ffff:192.0.2.1", None, "")), Verdict::In);
        assert_eq!(network.verdict(&line("192.0.2.2", None, "")), Verdict::Out);
    }

    #[test]
    fn a_client_that_is_written_as_a_host_name_may_be_any_address() {
        struct Named(&'static str);
        impl Fields for Named {
            fn family(&self) -> Family {
                Family::WebLog
            }
            fn parsed(&self) -> bool {
                true
            }
            fn time(&self, _: Clock) -> TimeField {
                TimeField::Lacks
            }
            fn values(&self, _: Role, visit: &mut dyn FnMut(Value<'_>)) -> Reading {
                visit(Value::Text(self.0.as_bytes()));
                Reading::Complete
            }
            fn message_id(&self, _: &mut dyn FnMut(&[u8])) -> Reading {
                Reading::Complete
            }
            fn texts(&self, visit: &mut dyn FnMut(&[u8])) -> Reading {
                visit(self.0.as_bytes());
                Reading::Complete
            }
        }
        let ip = looks_for(Identifier::Ip("192.0.2.1".parse().unwrap()), &[]);
        let host = looks_for(Identifier::Host("h7.isp.example".into()), &[Role::Client]);
        assert_eq!(ip.verdict(&Named("h7.isp.example")), Verdict::Undecided);
        assert_eq!(ip.verdict(&Named("unix:")), Verdict::Out);
        assert_eq!(ip.verdict(&Named("-")), Verdict::Out);
        assert_eq!(host.verdict(&Named("H7.isp.example")), Verdict::In);
        assert_eq!(host.verdict(&Named("h8.isp.example")), Verdict::Out);
    }

    #[test]
    fn an_identifier_that_has_no_place_in_the_record_is_undecided() {
        let account = looks_for(Identifier::Account("alice".into()), &[]);
        assert_eq!(account.verdict(&mail("alice", "x.example")), Verdict::Undecided);
        let sender = looks_for(email("a", "x.example"), &[Role::From]);
        assert_eq!(sender.verdict(&line("192.0.2.1", None, "a@x.example")), Verdict::Undecided);
    }

    #[test]
    fn a_record_without_shape_is_searched_for_whole_tokens() {
        let ip = looks_for(Identifier::Ip("192.0.2.1".parse().unwrap()), &[]);
        let broken = |text| Stated { parsed: false, ..line("192.0.2.9", None, text) };
        assert_eq!(ip.verdict(&broken("garbled 192.0.2.1 line")), Verdict::Undecided);
        assert_eq!(ip.verdict(&broken("garbled 192.0.2.10 line")), Verdict::Out);
    }

    #[test]
    fn a_message_id_is_looked_for_in_its_own_header() {
        let id = |text: &str| looks_for(Identifier::MessageId(text.into()), &[]);
        assert_eq!(id("1.A@x.example").verdict(&mail("a", "b")), Verdict::In);
        assert_eq!(id("1.a@x.example").verdict(&mail("a", "b")), Verdict::Out);
    }

    #[test]
    fn a_withheld_domain_is_found_as_a_word_and_behind_an_at_sign() {
        let withheld = WithholdMatcher::new([&Identifier::Domain("lawfirm.example".into())]);
        for (text, expected) in [
            ("write to o'brien@LawFirm.example.", Verdict::In),
            ("see lawfirm.example/brief", Verdict::In),
            ("see mx.lawfirm.example", Verdict::Out),
            ("lawfirm.example.org", Verdict::Out),
        ] {
            assert_eq!(withheld.raw(text.as_bytes()), expected, "{text}");
        }
    }
}
