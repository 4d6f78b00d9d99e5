//! The twin of the search: everything that is in scope is there, byte for byte, and nothing is counted wrongly.
//!
//! **Invariant:** what a package must hold is worked out before the package is read.

use std::collections::BTreeMap;

use base64::Engine as _;
use chrono::DateTime;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::canary::hex;
use super::oracle::{Exhibit, Expected};
use super::order::Order;
use super::run::Outcome;

/// What a package lacks, has too much of, or states wrongly.
pub fn compare(order: &Order, expected: &Expected, outcome: &Outcome) -> Vec<String> {
    let mut gaps = Vec::new();
    if expected.stopped {
        if outcome.code != 1 || outcome.tar.is_some() {
            gaps.push(format!("a tripwire was passed and the run ended with {}", outcome.code));
        }
        return gaps;
    }
    if outcome.tar.is_none() {
        let said = String::from_utf8_lossy(&outcome.stderr);
        return vec![format!("nothing was sealed, exit {}: {said}", outcome.code)];
    }
    exhibits(order, expected, outcome, &mut gaps);
    let Some(disclosure) = outcome.member("disclosure.json") else { return vec!["no disclosure.json".to_owned()] };
    let disclosure: Value = serde_json::from_slice(disclosure).unwrap();
    counts(order, expected, &disclosure, &mut gaps);
    let incomplete = !expected.shortfalls.is_empty() || expected.clauses.iter().any(|count| count.undecided > 0);
    let code = if incomplete { 3 } else { 0 };
    check(&mut gaps, "the exit code", &code, &outcome.code);
    gaps
}

/// Says where what must be and what is differ.
fn check<T: PartialEq + std::fmt::Debug>(gaps: &mut Vec<String>, what: &str, must: &T, is: &T) {
    if must != is {
        gaps.push(format!("{what}: must be {must:?}, is {is:?}"));
    }
}

fn exhibits(order: &Order, expected: &Expected, outcome: &Outcome, gaps: &mut Vec<String>) {
    let ledger = outcome.lines("exhibits.jsonl");
    check(gaps, "exhibits", &expected.exhibits.len(), &ledger.len());
    let files = outcome.members.iter().filter(|(name, _)| name.contains("/data/")).count();
    check(gaps, "members under data", &expected.exhibits.len().max(1), &files);
    if expected.exhibits.is_empty() {
        let words = outcome.member("data/000000.txt").map(<[u8]>::trim_ascii_end);
        check(gaps, "the empty disclosure", &Some(b"nothing disclosed under this order".as_slice()), &words);
    }
    for (number, (must, is)) in expected.exhibits.iter().zip(&ledger).enumerate() {
        let before = gaps.len();
        exhibit(order, number + 1, must, is, outcome, gaps);
        if gaps.len() > before {
            gaps.push(format!("  (of exhibit {}, {})", number + 1, String::from_utf8_lossy(&must.path)));
        }
    }
}

fn exhibit(order: &Order, number: usize, must: &Exhibit, is: &Value, outcome: &Outcome, gaps: &mut Vec<String>) {
    check(gaps, "exhibit", &Some(number as u64), &is["exhibit"].as_u64());
    check(gaps, "path", &must.path, &path_of(is));
    let take = if must.whole { "files" } else { "records" };
    check(gaps, "take", &Some(take), &is["take"].as_str());
    check(gaps, "format", &must.format, &is["format"].as_str());
    check(gaps, "clauses", &ids(order, &must.clauses), &is["clauses"]);
    let records = must.lines.as_ref().map_or(if must.whole { None } else { Some(1) }, |lines| Some(lines.len() as u64));
    check(gaps, "records", &records, &is["records"].as_u64());
    check(gaps, "time", &must.time.map(rfc3339), &is["time"].as_str().map(str::to_owned));
    check(gaps, "bytes", &Some(must.payload.len() as u64), &is["bytes"].as_u64());
    check(gaps, "sha256", &Some(hex(&Sha256::digest(&must.payload)).as_str()), &is["sha256"].as_str());
    check(gaps, "reduced", &must.reduced, &is["reduced"]);
    let offset = (must.lines.is_none() && !must.whole && order.positions).then_some(must.offset as u64);
    check(gaps, "offset", &offset, &is["offset"].as_u64());
    let file = is["file"].as_str().unwrap_or_default();
    if outcome.member(file) != Some(&must.payload) {
        let got = outcome.member(file).map(String::from_utf8_lossy);
        gaps.push(format!("{file}: must be {:?}, is {got:?}", String::from_utf8_lossy(&must.payload)));
    }
    let lines = outcome.lines(&format!("records/{number:06}.jsonl"));
    let reduced = &must.reduced;
    let Some(expected) = &must.lines else {
        return check(gaps, "lines of records", &0, &lines.len());
    };
    check(gaps, "lines of records", &expected.len(), &lines.len());
    for (place, (must, is)) in expected.iter().zip(&lines).enumerate() {
        check(gaps, "n", &Some(place as u64 + 1), &is["n"].as_u64());
        check(gaps, "length", &Some(must.bytes.len() as u64), &is["length"].as_u64());
        check(gaps, "a record's sha256", &Some(hex(&Sha256::digest(&must.bytes)).as_str()), &is["sha256"].as_str());
        check(gaps, "a record's time", &must.time.map(rfc3339), &is["time"].as_str().map(str::to_owned));
        check(gaps, "a record's clauses", &ids(order, &must.clauses), &is["clauses"]);
        check(gaps, "a record's reduced", reduced, &is["reduced"]);
        let offset = order.positions.then_some(must.offset as u64);
        check(gaps, "a record's offset", &offset, &is["offset"].as_u64());
    }
}

/// The exact bytes of a path, as the ledger or the audit states it.
pub fn path_of(is: &Value) -> Vec<u8> {
    match is["path_base64"].as_str() {
        Some(encoded) => base64::engine::general_purpose::STANDARD.decode(encoded).unwrap(),
        None => is["path"].as_str().unwrap_or_default().as_bytes().to_vec(),
    }
}

fn ids(order: &Order, clauses: &std::collections::BTreeSet<usize>) -> Value {
    clauses.iter().map(|&clause| Value::from(order.clauses[clause].id.as_str())).collect()
}

fn rfc3339(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0).unwrap().format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Clauses, totals and shortfalls of a `disclosure.json` or a preview.
pub fn counts(order: &Order, expected: &Expected, disclosure: &Value, gaps: &mut Vec<String>) {
    for (index, must) in expected.clauses.iter().enumerate() {
        let is = &disclosure["clauses"][index];
        let id = &order.clauses[index].id;
        check(gaps, "clause", &Some(id.as_str()), &is["id"].as_str());
        let short = |kind: &str| expected.shortfalls.contains_key(&(index, kind));
        let any_short = |kind: &&str| !["no-such-path", "link-not-followed"].contains(kind);
        let not_read = expected.shortfalls.keys().any(|(clause, kind)| *clause == index && any_short(kind));
        let outcome = if !must.files.is_empty() {
            "produced"
        } else if must.undecided > 0 {
            "undecided"
        } else if must.withheld > 0 {
            "withheld"
        } else if not_read {
            "not-read"
        } else if short("no-such-path") {
            "no-such-path"
        } else if short("link-not-followed") {
            "link-not-followed"
        } else {
            "nothing-held"
        };
        check(gaps, &format!("outcome of {id}"), &Some(outcome), &is["outcome"].as_str());
        for (key, must) in [
            ("files", must.files.len() as u64),
            ("records", must.records),
            ("bytes", must.bytes),
            ("withheld", must.withheld),
            ("undecided", must.undecided),
        ] {
            check(gaps, &format!("{key} of {id}"), &Some(must), &is[key].as_u64());
        }
    }
    let totals = &disclosure["totals"];
    let exhibits = &expected.exhibits;
    let records: u64 =
        exhibits.iter().map(|one| one.lines.as_ref().map_or(u64::from(!one.whole), |lines| lines.len() as u64)).sum();
    let bytes: usize = exhibits.iter().map(|one| one.payload.len()).sum();
    for (key, must) in [
        ("records", records),
        ("bytes", bytes as u64),
        ("withheld", expected.withheld),
        ("undecided", expected.undecided),
    ] {
        check(gaps, &format!("total {key}"), &Some(must), &totals[key].as_u64());
    }
    let must: BTreeMap<(String, String), u64> = expected
        .shortfalls
        .iter()
        .map(|((clause, kind), count)| ((order.clauses[*clause].id.clone(), (*kind).to_owned()), *count))
        .collect();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let listed = disclosure["shortfalls"].as_array().cloned().unwrap_or_default();
    let is: BTreeMap<(String, String), u64> = listed
        .iter()
        .map(|short| ((text(&short["clause"]), text(&short["kind"])), short["count"].as_u64().unwrap_or_default()))
        .collect();
    check(gaps, "shortfalls", &must, &is);
}
