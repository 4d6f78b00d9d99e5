//! What a valid order means.

use extract::clock::Timestamp;
use extract::order::{self, Category, Clock, Code, Field, Given, Identifier, LegalBasis, Reduction, Role, Take, Unit};

use crate::{GOOD, GOOD_PROVIDER, findings, order_text, provider_text, run, with};

#[test]
fn the_example_of_the_specification_means_what_it_says() {
    let manifests = run(GOOD, Some(GOOD_PROVIDER)).unwrap();
    assert_eq!(manifests.warnings, []);
    let order = &manifests.order;
    assert_eq!((order.id.as_str(), order.legal_basis), ("2024-17", LegalBasis::PaceSch1));
    assert_eq!(order.served, Timestamp::parse_rfc3339("2024-04-09T09:40:00Z").unwrap());
    assert_eq!(order.bytes, GOOD.as_bytes());
    let clause = &order.clauses[0];
    assert_eq!((clause.source, clause.category, clause.limit.records), (0, Category::Content, Some(500)));
    let window = clause.window.unwrap();
    assert_eq!(window.from.to_string(), "2024-03-25T00:00:00Z");
    assert_eq!(window.before.to_string(), "2024-04-07T23:00:00Z", "the 7th ends in summer time");
    assert_eq!(window.clock, Clock::DateHeader);
    let Take::Records(records) = &clause.take else { panic!("it takes records") };
    assert_eq!(records.identifiers[0].identifier.to_string(), "alice@shop.example");
    assert_eq!(records.identifiers[0].roles, [Role::From, Role::To, Role::Cc]);
    let provider = manifests.provider.unwrap();
    assert_eq!(provider.sources[0].mounts["vg/var"], "/var");
    assert_eq!(provider.withholds[0].identifiers, [Identifier::Domain("lawfirm.example".into())]);
    assert_eq!(order.sha256(), extract::digest::Digest::of(GOOD.as_bytes()));
}

#[test]
fn a_gap_and_a_fold_show_both_readings() {
    let old = "window = { from = 2024-03-25, through = 2024-04-07, clock = \"date-header\" }";
    let new = "window = { from = 2024-03-31T01:30:00, before = 2024-10-27T01:30:00, clock = \"date-header\" }";
    let found = findings(run(&with(GOOD, &[(old, new)]), Some(GOOD_PROVIDER)));
    let hint = |code: Code| found.iter().find(|one| one.code == code).unwrap().hint.clone().unwrap();
    let gap = hint(Code::TimeGap);
    assert!(gap.contains("2024-03-31T01:30:00+00:00 (2024-03-31T01:30:00Z)"), "{gap}");
    assert!(gap.contains("2024-03-31T01:30:00+01:00 (2024-03-31T00:30:00Z)"), "{gap}");
    let fold = hint(Code::TimeFold);
    assert!(fold.contains("2024-10-27T01:30:00+01:00 (2024-10-27T00:30:00Z)"), "{fold}");
    assert!(fold.contains("2024-10-27T01:30:00+00:00 (2024-10-27T01:30:00Z)"), "{fold}");
}

#[test]
fn a_window_is_read_in_the_zone_of_the_order() {
    // zone, window, from, before
    let cases = [
        ("Europe/London", "from = 2024-03-31, through = 2024-03-31", "2024-03-31T00:00:00Z", "2024-03-31T23:00:00Z"),
        ("Europe/London", "from = 2024-10-27, through = 2024-10-27", "2024-10-26T23:00:00Z", "2024-10-28T00:00:00Z"),
        ("America/New_York", "from = 2024-03-25, through = 2024-03-25", "2024-03-25T04:00:00Z", "2024-03-26T04:00:00Z"),
        ("Africa/Cairo", "from = 2024-04-26, through = 2024-04-26", "2024-04-25T22:00:00Z", "2024-04-26T21:00:00Z"),
        (
            "UTC",
            "from = 2024-03-25T10:00, before = 2024-03-25T10:00:00.000000001",
            "2024-03-25T10:00:00Z",
            "2024-03-25T10:00:00.000000001Z",
        ),
        (
            "Asia/Tokyo",
            "from = 2024-03-25 09:00:00, before = 2024-03-25T09:00:00-01:30",
            "2024-03-25T00:00:00Z",
            "2024-03-25T10:30:00Z",
        ),
        (
            "Europe/London",
            "from = 2024-03-31T00:59:59, before = 2024-03-31T02:00:00",
            "2024-03-31T00:59:59Z",
            "2024-03-31T01:00:00Z",
        ),
    ];
    for (zone, window, from, before) in cases {
        let text = with(
            GOOD,
            &[
                ("expires = 2024-05-08\nzone = \"Europe/London\"", &format!("zone = \"{zone}\"")),
                ("from = 2024-03-25, through = 2024-04-07", window),
            ],
        );
        let read = run(&text, Some(GOOD_PROVIDER)).unwrap().order.clauses[0].window.unwrap();
        assert_eq!(
            (read.from.to_string().as_str(), read.before.to_string().as_str()),
            (from, before),
            "{zone} {window}"
        );
    }
}

#[test]
fn identifiers_are_canonical() {
    let cases = [
        ("email = \"Alice+X@Shop.EXAMPLE\"", "alice+x@shop.example"),
        ("domain = \"Shop.Example\"", "shop.example"),
        ("domain = \".Shop.Example\"", ".shop.example"),
        ("ip = \"::ffff:192.0.2.1\"", "192.0.2.1"),
        ("ip = \"2001:DB8:0:0::1\"", "2001:db8::1"),
        ("ip = \"::ffff:192.0.2.1\", port = 443", "192.0.2.1 port 443"),
        ("cidr = \"::ffff:192.0.2.0/120\"", "192.0.2.0/24"),
        ("cidr = \"192.0.2.7/32\"", "192.0.2.7"),
        ("cidr = \"2001:DB8::/32\"", "2001:db8::/32"),
        ("account = \"Alice\"", "Alice"),
        ("host = \"Mail01\"", "mail01"),
        ("message-id = \"<A@b>\"", "A@b"),
        ("token = \"a/B\"", "a/B"),
        ("email = \"alice@xn--mnchen-3ya.example\"", "alice@xn--mnchen-3ya.example"),
    ];
    for (written, canonical) in cases {
        let text = with(GOOD, &[("email = \"alice@shop.example\", role = [\"from\", \"to\", \"cc\"]", written)]);
        let order = run(&text, Some(GOOD_PROVIDER)).unwrap().order;
        let Take::Records(records) = &order.clauses[0].take else { panic!("it takes records") };
        assert_eq!(records.identifiers[0].identifier.to_string(), canonical, "{written}");
    }
}

#[test]
fn a_run_needs_a_place_for_every_source_and_a_custodian() {
    let no_path = with(GOOD_PROVIDER, &[("path = \"../examples/mail01.qcow2\"\n", "")]);
    let no_custodian = with(GOOD_PROVIDER, &[("custodian = \"Duty officer 7\"\n", "")]);
    // provider file, --source, --custodian, what is missing
    let cases: [(Option<&str>, bool, bool, &[Code]); 8] = [
        (None, true, true, &[]),
        (None, false, true, &[Code::SourceWithoutPath]),
        (None, true, false, &[Code::NoCustodian]),
        (None, false, false, &[Code::NoCustodian, Code::SourceWithoutPath]),
        (Some(&no_path), false, false, &[Code::SourceWithoutPath]),
        (Some(&no_path), true, false, &[]),
        (Some(&no_custodian), false, false, &[Code::NoCustodian]),
        (Some(&no_custodian), false, true, &[]),
    ];
    for (provider, source, custodian, expected) in cases {
        let sources = source.then(|| "mail01".to_owned()).into_iter().collect();
        let provider = provider.map(|text| provider_text(text.as_bytes()));
        let read = order::read(order_text(GOOD.as_bytes()), provider, &Given { sources, custodian });
        assert_eq!(read.is_ok(), expected.is_empty());
        let codes: Vec<Code> = findings(read).iter().map(|one| one.code).collect();
        assert_eq!(codes, expected);
        assert!(order::check(order_text(GOOD.as_bytes()), provider).is_ok(), "`check` asks for neither");
    }
    assert!(order::read_alone(order_text(GOOD.as_bytes())).is_ok());
}

#[test]
fn an_order_expires_when_its_last_day_in_its_zone_is_over() {
    let order = run(GOOD, Some(GOOD_PROVIDER)).unwrap().order;
    for (at, expired) in
        [("2024-05-08T22:59:59Z", false), ("2024-05-08T23:00:00Z", true), ("2020-01-01T00:00:00Z", false)]
    {
        assert_eq!(order.has_expired(Timestamp::parse_rfc3339(at).unwrap()), expired, "{at}");
    }
}

#[test]
fn a_finding_is_shown_with_file_line_caret_clause_and_hint() {
    let text = with(GOOD, &[("source = \"mail01\"", "source = \"mail02\"")]);
    let found = findings(run(&text, Some(GOOD_PROVIDER)));
    let shown = order::render(&found[1..], &[order_text(text.as_bytes())], false);
    let expected = "\
error[unknown-source]: the order has no such source
  --> order.toml:22:10
   |
22 | source = \"mail02\"
   |          ^^^^^^^^ clause 3a
   |
   = hint: its sources are mail01

1 error
";
    assert_eq!(shown, expected);
}

#[test]
fn less_than_the_record_is_a_unit_of_mail_or_named_fields_in_their_order() {
    let reduction = |lines: &str| {
        let old = "identifiers = [{ email = \"alice@shop.example\", role = [\"from\", \"to\", \"cc\"] }]";
        let also = "with = [{ email = \"bob@supplies.example\", role = [\"from\", \"to\", \"cc\"] }]";
        let window = "window = { from = 2024-03-25, through = 2024-04-07, clock = \"date-header\" }";
        let text = with(GOOD, &[(old, lines), (also, "everything = true"), (window, "")]);
        let manifests = run(&text, Some(GOOD_PROVIDER)).unwrap_or_else(|found| panic!("{lines}: {found:#?}"));
        let Take::Records(records) = manifests.order.clauses[0].take.clone() else { panic!("it takes records") };
        records.reduction
    };
    let column = |name: &str| Field::Column(name.to_owned());
    for (lines, expected) in [
        ("as = \"mbox\"", None),
        ("unit = \"headers\"", Some(Reduction::Unit(Unit::Headers))),
        (
            "as = \"eml\"\nunit = \"message-without-attachments\"",
            Some(Reduction::Unit(Unit::MessageWithoutAttachments)),
        ),
        (
            "as = \"postfix\"\nfields = [\"to\", \"time\", \"client\"]",
            Some(Reduction::Fields(vec![Field::Role(Role::To), Field::Time, Field::Role(Role::Client)])),
        ),
        ("as = \"journal\"\nfields = [\"time\"]", Some(Reduction::Fields(vec![Field::Time]))),
        (
            "as = \"csv\"\nfields = [\"time\", \"client\", \"any\"]",
            Some(Reduction::Fields(vec![column("time"), column("client"), column("any")])),
        ),
    ] {
        assert_eq!(reduction(lines), expected, "{lines}");
    }
}
