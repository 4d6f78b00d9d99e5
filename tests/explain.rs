//! `extract explain` on the example: what it says of a path or a record is what the run did with it.

use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn extract(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::cargo_bin("extract").unwrap().current_dir(ROOT).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn explain(order: &str, places: &[&str]) -> String {
    let order = format!("orders/{order}.toml");
    let (code, out, err) = extract(&[&["explain", "--order", &order], places].concat());
    assert_eq!((code, err.as_str()), (0, ""), "{places:?}");
    out
}

/// Runs the order; the lines of its audit and its `disclosure.json` with the provider's counts.
fn run(order: &str, folder: &Path) -> (Vec<Value>, Value) {
    let package = folder.join("p.tar");
    let (order_path, package) = (format!("orders/{order}.toml"), package.to_str().unwrap());
    let (code, out, err) = extract(&["--order", &order_path, "--output", package, "--json"]);
    assert!(code == 0 || code == 3, "{err}");
    let audit = std::fs::read_to_string(folder.join(format!("{order}.audit.jsonl"))).unwrap();
    (audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), serde_json::from_str(&out).unwrap())
}

/// The numbers of a line `read as mbox: 2 in, 3 outside, 0 withheld, 2 undecided, 0 not readable`.
fn counts(answer: &str) -> Option<[u64; 5]> {
    let line = answer.lines().find(|line| line.trim_start().starts_with("read as "))?;
    let (_, numbers) = line.split_once(": ")?;
    let numbers: Vec<u64> = numbers.split(", ").map(|part| part.split(' ').next().unwrap().parse().unwrap()).collect();
    numbers.try_into().ok()
}

#[test]
fn the_records_of_every_stream_are_explained_as_the_run_decided_them() {
    for order in ["2024-17", "2024-18"] {
        let folder = tempfile::tempdir().unwrap();
        let (audit, disclosure) = run(order, folder.path());
        let streams = audit.iter().filter(|line| line["event"] == "stream" && !line["format"].is_null());
        let (mut sum, mut streams_met) = ([0; 5], 0);
        for stream in streams {
            let answer = explain(order, &[stream["path"].as_str().unwrap()]);
            let found = counts(&answer).unwrap_or_else(|| panic!("no counts: {answer}"));
            sum.iter_mut().zip(found).for_each(|(sum, found)| *sum += found);
            streams_met += 1;
        }
        assert!(streams_met > 1, "{order}");
        assert_eq!(sum[0], disclosure["totals"]["records"].as_u64().unwrap(), "{order}");
        assert_eq!(sum[3], disclosure["totals"]["undecided"].as_u64().unwrap(), "{order}");
        assert_eq!(sum[4], 0);
        let whole_withheld = audit.iter().filter(|line| {
            let is_file = line["event"] == "stream" && line["format"].is_null();
            (is_file && line["withheld"].as_u64() > Some(0)) || line["why"] == "withheld by path"
        });
        let withheld = sum[2] + whole_withheld.count() as u64;
        assert_eq!(withheld, disclosure["totals"]["withheld"].as_u64().unwrap(), "{order}");
    }
}

#[test]
fn everything_undecided_is_listed_with_the_comparison_that_could_not_be_made() {
    let answer = explain("2024-18", &["--undecided"]);
    let places: Vec<&str> = answer.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(places.len(), 3, "{answer}");
    assert!(places.iter().all(|line| line.ends_with(": undecided")), "{answer}");
    assert_eq!(answer.matches("identifiers in, window undecided").count(), 2, "{answer}");
    assert_eq!(answer.matches("identifiers undecided, window undecided").count(), 1, "{answer}");
    assert!(answer.contains("it has not the shape of its format"), "{answer}");
    // Each of them, asked for by itself, is explained alike.
    for place in places {
        let place = place.split(": ").next().unwrap();
        let alone = explain("2024-18", &[place]);
        assert!(alone.contains("bytes: undecided\n"), "{place}: {alone}");
    }
    assert_eq!(explain("2024-17", &["--undecided"]), "");
}

#[test]
fn a_path_that_no_clause_leads_to_is_not_looked_at_and_a_link_is_said() {
    let outside = explain("2024-18", &["/etc/passwd"]);
    assert!(outside.starts_with("/etc/passwd: outside, or not there\n"), "{outside}");
    // A clause names this one, and it is not there: it must not be called a place that no clause leads to.
    let missing = explain("2024-18", &["/var/mail/alices.old"]);
    assert!(missing.contains("nothing stands there, or no clause leads there"), "{missing}");
    let link = explain("2024-18", &["/srv/shop/invoices/archive/0007.pdf"]);
    assert_eq!(link, "/srv/shop/invoices/archive on mail01: a link stands here, and is not followed\n");
}

#[test]
fn an_offset_beyond_the_end_is_said_to_be_one() {
    let answer = explain("2024-18", &["/var/mail/alices:1600000"]);
    assert!(answer.contains("no such byte was read: what was read has "), "{answer}");
    assert!(!explain("2024-18", &["/var/mail/alices:10"]).contains("no such byte"));
}

#[test]
fn a_whole_file_is_read_before_it_is_called_in_or_withheld() {
    let folder = tempfile::tempdir().unwrap();
    let (audit, _) = run("2024-17", folder.path());
    let whole = audit.iter().filter(|line| line["event"] == "stream" && line["format"].is_null());
    let mut met = [0, 0];
    for stream in whole {
        let is_withheld = stream["withheld"].as_u64() > Some(0);
        let answer = explain("2024-17", &[stream["path"].as_str().unwrap()]);
        let words = if is_withheld { "the whole file: withheld: " } else { "the whole file: in\n" };
        assert!(answer.contains(words), "{answer}");
        met[usize::from(is_withheld)] += 1;
    }
    assert!(met[0] > 0 && met[1] > 0, "{met:?}");
}

#[test]
fn an_explanation_quotes_no_content() {
    let answer = explain("2024-18", &["/var/mail/alices", "/var/mail/alices:0", "/var/log/nginx/shop.example.log:10"]);
    for word in ["Subject", "From ", "GET", "Mozilla", "203.0.113"] {
        assert!(!answer.contains(word), "{word}: {answer}");
    }
}
