//! Manifests that mean harm: nothing panics, nothing is endless.

use extract::order::{self, Code, Given, Severity};
use extract::scope::Scope;
use proptest::prelude::*;

use crate::{GOOD, GOOD_PROVIDER, findings, order_text, provider_text, run, with};

#[test]
fn what_is_shown_holds_no_control_character_and_no_endless_line() {
    let long = "\u{1b}[31m".repeat(10_000);
    let text = with(GOOD, &[("court = \"Crown Court at Example\"", &format!("x = '{long}' # {long}"))]);
    let found = findings(run(&text, Some(GOOD_PROVIDER)));
    let shown = order::render(&found, &[order_text(text.as_bytes())], false);
    assert!(!shown.contains('\u{1b}'), "{shown}");
    let most = 3_000 * found.len();
    assert!(shown.len() < most, "{} bytes for {} findings", shown.len(), found.len());
}

#[test]
fn what_is_too_large_too_deep_or_not_text_is_refused_within_bounds() {
    let nested = format!("{GOOD}x = {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    let dotted = format!("{GOOD}{}x = 1\n", "a.".repeat(100_000));
    let spaces = " ".repeat(4 * 1024 * 1024 + 1);
    let wordy = format!("{GOOD}x = [{}]\n", "1,".repeat(125_000));
    let cases: [(&[u8], Code); 7] = [
        (spaces.as_bytes(), Code::TooLarge),
        (wordy.as_bytes(), Code::TooLarge),
        (b"schema = \"\xFF\"", Code::NotUtf8),
        (b"\0\0\0", Code::Syntax),
        (nested.as_bytes(), Code::Syntax),
        (dotted.as_bytes(), Code::Syntax),
        (b"\xEF\xBB\xBF", Code::WrongSchema),
    ];
    for (bytes, code) in cases {
        let found = order::check(order_text(bytes), None).map(|_| ()).unwrap_err();
        assert!(found.iter().any(|one| one.code == code), "{code}: {:?}", found.first());
        assert!(found.len() <= 501, "{code}: {} findings", found.len());
        order::render(&found, &[order_text(bytes)], true);
    }
}

#[test]
fn hostile_manifests_are_answered_in_seconds() {
    // Large enough that work which grows with the square of it is seen.
    let size = 1024 * 1024;
    let clause_text = "verbatim";
    let base = GOOD.replace("all e-mails between", clause_text);
    let repeated = |piece: &str| piece.repeat(size / piece.len());
    let cases = [
        repeated("=\n"),
        repeated("[[clause]]\n"),
        repeated("a."),
        repeated("[a]\n"),
        repeated("'"),
        repeated("{a="),
        format!("{GOOD}x = [{}]", repeated("1,")),
        (0..size / 12).map(|n| format!("k{n:06} = 1\n")).collect(),
        base.replace(clause_text, &repeated("1, ")),
        base.replace(clause_text, &repeated("1/1 ")),
        base.replace(clause_text, &repeated("March 1 ")),
        base.replace("identifiers = [", &format!("identifiers = [{}", repeated("{token='a b$'},"))),
        base.replace("\"/var/mail/alice\"", &repeated("\"/**/a*\",")),
    ];
    for text in cases {
        let start = std::time::Instant::now();
        let found = match order::check(order_text(text.as_bytes()), None) {
            Ok(manifests) => manifests.warnings,
            Err(found) => found,
        };
        order::render(&found, &[order_text(text.as_bytes())], false);
        let (seconds, head) = (start.elapsed().as_secs_f32(), text.chars().take(20).collect::<String>());
        println!("{seconds:6.2} s, {} findings: {head:?}", found.len());
        assert!(seconds < 20.0, "{seconds} s for {head:?}");
    }
}

#[test]
fn findings_over_the_bound_are_counted() {
    let many = format!("[{}]", "\"x\",".repeat(2_000));
    let text = with(GOOD, &[("[\"/var/mail/alice\", \"/home/alice/Maildir/**\"]", &many)]);
    let found = findings(run(&text, Some(GOOD_PROVIDER)));
    assert_eq!(found.len(), 501);
    let last = found.last().unwrap();
    assert_eq!((last.code, last.message.as_str()), (Code::TooMany, "1500 more findings are not shown"));
    let clauses = format!("{GOOD}{}", "[[clause]]\n".repeat(300));
    assert!(findings(run(&clauses, Some(GOOD_PROVIDER))).iter().any(|one| one.code == Code::TooMany));
}

/// What happens to a manifest between two saves.
#[derive(Debug, Clone)]
enum Mutation {
    Set(usize, u8),
    Insert(usize, u8),
    Remove(usize, usize),
    Repeat(usize, usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let signs = prop_oneof![any::<u8>(), prop::sample::select(b"[]{}\"'=.,#\n\\0123-:TZ@/*".to_vec())];
    prop_oneof![
        (any::<usize>(), signs.clone()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        (any::<usize>(), signs).prop_map(|(at, byte)| Mutation::Insert(at, byte)),
        (any::<usize>(), 1..40usize).prop_map(|(at, length)| Mutation::Remove(at, length)),
        (any::<usize>(), 1..40usize).prop_map(|(at, length)| Mutation::Repeat(at, length)),
    ]
}

fn mutated(text: &str, mutations: &[Mutation]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for mutation in mutations {
        let size = bytes.len().max(1);
        match *mutation {
            Mutation::Set(at, byte) => bytes.get_mut(at % size).into_iter().for_each(|old| *old = byte),
            Mutation::Insert(at, byte) => bytes.insert((at % size).min(bytes.len()), byte),
            Mutation::Remove(at, length) => {
                let at = (at % size).min(bytes.len());
                bytes.drain(at..(at + length).min(bytes.len()));
            }
            Mutation::Repeat(at, length) => {
                let at = (at % size).min(bytes.len());
                let piece = bytes[at..(at + length).min(bytes.len())].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_mutated_manifest_panics_or_fails_without_an_error(
        on_order in prop::collection::vec(mutation(), 0..6),
        on_provider in prop::collection::vec(mutation(), 0..6),
    ) {
        let (order, provider) = (mutated(GOOD, &on_order), mutated(GOOD_PROVIDER, &on_provider));
        let files = [order_text(&order), provider_text(&provider)];
        let read = order::read(files[0], Some(files[1]), &Given::default());
        let found = match &read {
            Ok(manifests) => {
                prop_assert!(manifests.warnings.iter().all(|one| one.severity == Severity::Warning));
                // Whatever the reader takes is valid under the schemas too.
                let text = std::str::from_utf8(&order).unwrap();
                prop_assert!(toml::from_str::<order::wire::OrderFile>(text).is_ok(), "{}", text);
                &manifests.warnings
            }
            Err(found) => {
                prop_assert!(found.iter().any(|one| one.severity == Severity::Error));
                found
            }
        };
        for one in found {
            let file = if one.file == "order.toml" { &order } else { &provider };
            prop_assert!(one.span.start <= one.span.end && one.span.end <= file.len(), "{:?}", one);
        }
        order::render(found, &files, false);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_gate_compiles_every_path_that_the_language_takes(path in "/[*?\\\\\\[\\]{}/a.!,^-]{1,8}") {
        let text = with(GOOD, &[("\"/home/alice/Maildir/**\"", &format!("'{path}'"))]);
        if let Ok(manifests) = order::check(order_text(text.as_bytes()), None) {
            prop_assert!(Scope::compile(&manifests.order, None).is_ok(), "{}", path);
        }
    }
}
