//! How much of the logs of `../shared/corpora` is read, and whether every line with an address is found in them.
//!
//! Each log of these formats stands in a table, with how many records it has and how many of them have no shape, and why. A
//! log that a probe claims and that is not in the table fails, and so does a row that is not so any more. Without the
//! corpora a line says so.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use extract::limits::PROBE_BYTES;
use extract::order::Format;
use extract::record::{Probe, probe_format};

use super::run::Package;
use super::said::records;

/// What the truth counts and an order cannot ask for, or counts otherwise: file, address, why.
const NOT_ASKED: &[(&str, &str, &str)] = &[
    ("plaso/postgresql.log", "0.20.04.1", "a version of Ubuntu; no order can name it, since it is no address"),
    ("matomo/shoutcast.log", "2.4.7.256", "a version, in a directive; no order can name it, since it is no address"),
    ("matomo/iis.log", "1.9.2.7", "a version behind `rv:`, no whole address (DESIGN, section 3)"),
];

/// Lines with an address that are not disclosed because they have no shape: file, address, how many. The cause is the one
/// in the table of logs.
const UNDECIDED: &[(&str, &str, u64)] = &[
    ("fail2ban/exim-spam.log", "178.123.108.196", 2),
    ("fail2ban/exim-spam.log", "4.47.28.40", 1),
    ("fail2ban/exim-spam.log", "2.181.148.95", 1),
    ("fail2ban/exim-spam.log", "46.254.240.82", 1),
    ("fail2ban/haproxy-http-auth.log", "192.168.33.1", 2),
];

/// A log of the corpora.
struct Row {
    format: Format,
    file: &'static str,
    records: usize,
    /// Records without the shape of their format.
    shapeless: usize,
    why: &'static str,
    /// Its probe claims it. Where it does not, the file is short as a whole: it is not what `as` says.
    is_claimed: bool,
}

const COMMENTS: &str = "comments of fail2ban's tests, which no program writes";

const ROWS: &[Row] = &[
    Row {
        format: Format::Auditd,
        file: "crowdsec/auditd-postexploit-rm__auditd-postexploit-rm.log",
        records: 10,
        shapeless: 0,
        why: "",
        is_claimed: true,
    },
    Row {
        format: Format::Auditd,
        file: "plaso/selinux.log",
        records: 12,
        shapeless: 6,
        why: "lines that plaso's test breaks on purpose: no time, no milliseconds, no type, an empty one",
        is_claimed: true,
    },
    Row {
        format: Format::Exim,
        file: "fail2ban/exim-spam.log",
        records: 26,
        shapeless: 18,
        why: COMMENTS,
        is_claimed: true,
    },
    Row {
        format: Format::Haproxy,
        file: "fail2ban/haproxy-http-auth.log",
        records: 8,
        shapeless: 4,
        why: COMMENTS,
        is_claimed: true,
    },
    Row { format: Format::Haproxy, file: "matomo/haproxy.log", records: 1, shapeless: 0, why: "", is_claimed: true },
    Row {
        format: Format::Postgresql,
        file: "plaso/postgresql.log",
        records: 20,
        shapeless: 0,
        why: "",
        is_claimed: true,
    },
    Row {
        format: Format::Vsftpd,
        file: "fail2ban/vsftpd.log",
        records: 17,
        shapeless: 15,
        why: "comments and empty lines of fail2ban's tests, and lines of PAM's in syslog",
        is_claimed: false,
    },
    Row { format: Format::Vsftpd, file: "plaso/vsftpd.log", records: 25, shapeless: 0, why: "", is_claimed: true },
    Row { format: Format::W3c, file: "matomo/iis.log", records: 1, shapeless: 0, why: "", is_claimed: true },
    Row { format: Format::W3c, file: "matomo/shoutcast.log", records: 1, shapeless: 0, why: "", is_claimed: true },
    Row {
        format: Format::W3c,
        file: "matomo/amazon_cloudfront_rtmp.log",
        records: 2,
        shapeless: 0,
        why: "",
        is_claimed: true,
    },
    Row { format: Format::W3c, file: "plaso/iis7_owa.log", records: 3, shapeless: 0, why: "", is_claimed: true },
];

fn corpora() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    println!("corpora: {} is {}there", folder.display(), if folder.is_dir() { "" } else { "not " });
    folder.is_dir().then_some(folder)
}

#[test]
fn every_log_of_the_corpora_is_in_the_table_with_what_is_not_read_of_it() {
    let Some(corpora) = corpora() else { return };
    let mut claimed = BTreeMap::new();
    for entry in walkdir::WalkDir::new(corpora.join("logs")) {
        let entry = entry.unwrap();
        if !entry.file_type().is_file() {
            continue;
        }
        let name = entry.path().strip_prefix(corpora.join("logs")).unwrap().to_str().unwrap().to_owned();
        let bytes = fs::read(entry.path()).unwrap();
        let head = &bytes[..bytes.len().min(PROBE_BYTES)];
        match probe_format(head, head.len() == bytes.len()) {
            Probe::One(row) if ROWS.iter().any(|known| known.format == row.format()) => {
                claimed.insert(name, row.format());
            }
            Probe::One(_) | Probe::None => {}
            Probe::Several => panic!("two probes claim {name}"),
        }
    }
    let mut wrong = Vec::new();
    for row in ROWS {
        assert_eq!(row.shapeless > 0, !row.why.is_empty(), "{}: a cause for what is not read", row.file);
        let seen = records(row.format, &fs::read(corpora.join("logs").join(row.file)).unwrap());
        let shapeless = seen.iter().filter(|said| !said.is_parsed).count();
        println!("{}: {} of {} records of {} have no shape", row.format.name(), shapeless, seen.len(), row.file);
        if (seen.len(), shapeless) != (row.records, row.shapeless) {
            wrong.push(format!("{}: {} records, {shapeless} without a shape", row.file, seen.len()));
        }
        if claimed.remove(row.file) != row.is_claimed.then_some(row.format) {
            wrong.push(format!("{}: its probe says otherwise", row.file));
        }
    }
    wrong.extend(claimed.iter().map(|(file, format)| format!("{file} is claimed as {} and not listed", format.name())));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What one clause for each address let out of a file: how many lines hold that address, and how many are undecided.
fn disclosed(corpora: &Path, row: &Row, addresses: &[&str]) -> Vec<(u64, u64)> {
    let keys = |address: &&str| format!("identifiers = [{{ ip = \"{address}\", role = [\"any\"] }}]");
    let clauses: Vec<_> = addresses.iter().map(keys).collect();
    let package = Package::of(corpora, "UTC", &format!("/logs/{}", row.file), row.format, &clauses);
    let lines = |address: &str| package.lines().filter(|line| holds(line, address)).count() as u64;
    addresses.iter().enumerate().map(|(at, address)| (lines(address), package.undecided(at))).collect()
}

/// The truth's definition: a whole token, next to no digit or full stop.
fn holds(line: &[u8], address: &str) -> bool {
    let is_part = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.');
    memchr::memmem::find_iter(line, address).any(|at| {
        let before = at.checked_sub(1).and_then(|before| line.get(before));
        !is_part(before) && !is_part(line.get(at + address.len()))
    })
}

#[test]
fn every_line_that_the_truth_counts_for_an_address_is_disclosed_or_undecided() {
    let Some(corpora) = corpora() else { return };
    let truth = fs::read(corpora.join("truth.json")).unwrap();
    let truth: serde_json::Value = serde_json::from_slice(&truth).unwrap();
    let mut wrong = Vec::new();
    let mut asked = 0;
    for row in ROWS.iter().filter(|row| row.is_claimed) {
        let said = &truth["syslog"][format!("logs/{}", row.file)]["ipv4_line_counts_top5"];
        let counts = said.as_array().unwrap_or_else(|| panic!("the truth knows {}", row.file));
        let counts: Vec<_> = counts.iter().map(|pair| (pair[0].as_str().unwrap(), pair[1].as_u64().unwrap())).collect();
        let skip = |address: &str| NOT_ASKED.iter().any(|(file, of, _)| *file == row.file && *of == address);
        let counts: Vec<_> = counts.into_iter().filter(|(address, _)| !skip(address)).collect();
        let addresses: Vec<_> = counts.iter().map(|(address, _)| *address).collect();
        if addresses.is_empty() {
            continue;
        }
        for ((address, count), (lines, undecided)) in counts.iter().zip(disclosed(&corpora, row, &addresses)) {
            asked += 1;
            let listed = UNDECIDED.iter().find(|(file, of, _)| *file == row.file && of == address);
            if lines + undecided != *count || undecided != listed.map_or(0, |(.., count)| *count) {
                wrong.push(format!(
                    "{} {address}: the truth {count}, disclosed {lines}, undecided {undecided}",
                    row.file
                ));
            }
        }
    }
    println!("addresses: {asked} counts");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
