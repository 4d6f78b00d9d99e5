//! The report that a package holds.

use super::*;

/// The page's tags, each opened and closed in turn; every attribute quoted.
fn assert_well_formed(html: &str) {
    let mut rest = html.strip_prefix("<!DOCTYPE html>\n").expect("a doctype");
    let mut open: Vec<String> = Vec::new();
    while let Some(start) = rest.find('<') {
        let text = &rest[..start];
        assert!(!text.contains('>') || open.last().is_some_and(|tag| tag == "style"), "a bare >: {text}");
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "closed out of turn");
            continue;
        }
        let name = tag.split([' ', '/', '\n']).next().unwrap();
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !name.is_empty(), "{tag}");
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        assert!(!tag.contains("on") || !tag.split_whitespace().any(|part| part.starts_with("on")), "{tag}");
        if !VOID.contains(&name) && !tag.ends_with('/') {
            open.push(name.to_owned());
        }
    }
    assert_eq!(open, Vec::<String>::new());
}

#[test]
fn the_report_is_well_formed_and_hostile_text_stays_text() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = seal(&order_with(false), &files(), folder.path());
    let all = by_name(&path);
    let html = std::str::from_utf8(&all["report.html"]).unwrap();
    assert_well_formed(html);
    assert!(!html.contains("<script"));
    // The one address on the page is the name of SVG.
    assert_eq!((html.matches("://").count(), html.matches("xmlns=\"http://www.w3.org/2000/svg\"").count()), (1, 1));
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(html.contains("[U+202E]") && !html.contains('\u{202e}'));
    assert!(html.contains("/etc/na\\xefve[U+000A]&quot;&lt;x&gt;.conf"));
    for clause in &order_with(false).clauses {
        assert!(html.contains(&format!("Clause <bdi>{}</bdi>", clause.id)));
    }
    // Every link leads to a member or to a place on the page.
    for link in html.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        match link.strip_prefix('#') {
            Some(anchor) => assert!(html.contains(&format!("id=\"{anchor}\"")), "{link}"),
            None => assert!(all.contains_key(link), "{link}"),
        }
    }
    let exhibits: Vec<ExhibitLine> = lines(&all["exhibits.jsonl"]);
    assert!(exhibits.iter().all(|exhibit| html.contains(&format!("href=\"{}\"", exhibit.file))));
    let json: serde_json::Value = serde_json::from_slice(&all["report.json"]).unwrap();
    assert_eq!(json["clauses"][0]["asked"]["text"], order_with(false).clauses[0].text.as_str());
    assert_eq!(json["exhibits"], 7);
}

#[test]
fn what_is_short_or_undecided_is_said_by_clause_and_kind_and_in_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let order = drafted::order(&ORDER.replace("positions = POSITIONS", "examined = true"));
    let time = at("2024-04-10T08:00:00Z");
    let writer = Writer::create(&order, None, Target::File { path: folder.path().join("2024-17.tar") }).unwrap();
    let mut facts = drafted::facts(&order, StreamTally::default());
    for kind in [ShortfallKind::UnreadableFile, ShortfallKind::NoSuchPath, ShortfallKind::UnreadableFile] {
        facts.clauses[2].short(kind);
    }
    facts.clauses[0].short(ShortfallKind::LinkNotFollowed);
    facts.clauses[1].undecided = 2;
    facts.clauses[3].withheld = 1;
    facts.clauses[3].examined = 1234;
    facts.clauses[3].outside = 234;
    facts.undecided = 2;
    facts.withheld = 1;
    let closed = writer.close(facts).unwrap();
    let (path, disclosure) = closed.seal(custody(&order, time), time, &OwnNames::default()).unwrap().publish().unwrap();
    let statement = &disclosure.statement;
    let outcomes: Vec<&str> = statement.clauses.iter().map(|clause| clause.outcome.name()).collect();
    assert_eq!(outcomes, ["link-not-followed", "undecided", "not-read", "withheld"]);
    let short: Vec<(&str, &str, u64)> =
        statement.shortfalls.iter().map(|short| (short.clause.as_str(), short.kind.name(), short.count)).collect();
    assert_eq!(short, [("1", "link-not-followed", 1), ("3", "no-such-path", 1), ("3", "unreadable-file", 2)]);
    assert_eq!((statement.clauses[3].examined, statement.clauses[3].outside), (Some(1234), Some(234)));
    assert!(!statement.is_complete());
    let all = by_name(&path);
    let html = std::str::from_utf8(&all["report.html"]).unwrap();
    assert_well_formed(html);
    for words in [
        "This disclosure is not complete",
        "A file could not be read to its end.",
        "2 items may fall under a clause and were not disclosed",
        "1 item is held back",
        "1,234 bytes, of which 234 are not asked for",
        "Nothing is disclosed under this order.",
    ] {
        assert!(html.contains(words), "{words}");
    }
    let text = std::str::from_utf8(&all["disclosure.json"]).unwrap();
    assert!(text.contains("\"undecided\":0,\"examined\":1234,\"outside\":234}"), "{text}");
}

#[test]
fn the_reports_style_is_the_one_that_its_policy_names() {
    use base64::Engine as _;
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = seal(&order_with(false), &[], folder.path());
    let html = String::from_utf8(by_name(&path)["report.html"].clone()).unwrap();
    let style = html.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let sum = base64::engine::general_purpose::STANDARD.encode(Digest::of(style.as_bytes()).bytes());
    assert!(html.contains(&format!("default-src 'none'; style-src 'sha256-{sum}'")));
    assert_eq!(html.matches("<style").count(), 1);
    assert!(!html.contains("style=\""), "the policy forbids inline styles");
}
