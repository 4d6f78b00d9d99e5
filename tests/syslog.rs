//! Lines of syslog: the year of stamps that have none, and the queries of the corpora.
//!
//! Without the corpora a line says so.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use extract::clock::{Timestamp, Zone};
use extract::digest::Digest;
use extract::order::{Clock, Format, Given, ManifestText, Role};
use extract::record::{RecordSink, Stop, Unreadable, YearBasis, Years, format};
use extract::scope::{
    Entry, EntryKind, FileTime, FileTimes, Judgement, Node, RawRecord, Reading, RecordGate, Scope, TimeField, Value,
};
use serde_json::Value as Json;

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

/// The time of each line, as its format and its year say.
struct Times(Vec<TimeField>);

impl RecordSink for Times {
    fn record(&mut self, record: RawRecord<'_>) -> Result<(), Stop> {
        self.0.push(record.fields.time(Clock::Record));
        Ok(())
    }
    fn separator(&mut self, _: u64) {}
    fn unreadable(&mut self, _: u64, _: Unreadable) {}
}

/// Which years the lines with these stamps are of; `-`: it is not told.
fn years(stamps: &[&str], basis: YearBasis) -> String {
    let text: String = stamps.iter().map(|stamp| format!("{stamp} host sshd[1]: x\n")).collect();
    let row = format(Format::Syslog);
    let years = Years::of(row, &mut text.as_bytes(), None, basis).unwrap();
    let mut times = Times(Vec::new());
    row.split(&mut text.as_bytes(), None, &mut years.dating(&mut times)).unwrap();
    let year = |time: &TimeField| match time {
        TimeField::Local(local) => local.format("%Y").to_string(),
        TimeField::At(at) => at.to_string()[..4].to_owned(),
        _ => "-".to_owned(),
    };
    times.0.iter().map(year).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_year_is_counted_back_from_the_files_own_time_and_never_guessed() {
    let written = |text: &str| YearBasis::Written(FileTime::at(at(text)), Some(Zone::UTC));
    let cases: &[(&[&str], YearBasis, &str)] = &[
        (&["Mar  1 12:00:00", "Mar  2 12:00:00"], written("2024-03-02T12:00:01Z"), "2024 2024"),
        (&["Dec 31 23:59:59", "Jan  1 00:00:01"], written("2024-01-01T00:00:01Z"), "2023 2024"),
        (&["Nov 30 00:00:00", "Feb  1 00:00:00", "Dec 31 00:00:00"], written("2024-12-31T00:00:01Z"), "- - 2024"),
        // Over two new years.
        (
            &["Dec  1 00:00:00", "Apr  1 00:00:00", "Aug  1 00:00:00", "Dec  1 00:00:00", "Jan  1 00:00:00"],
            written("2024-01-01T06:00:00Z"),
            "2022 2023 2023 2023 2024",
        ),
        // Several programs write: a line may come a little late, over the new year too.
        (&["Jan  1 00:00:01", "Dec 31 23:59:59", "Jan  1 00:00:02"], written("2024-01-01T00:01:00Z"), "2024 2023 2024"),
        // The file's clock is ahead by the zone, and the year is not that of its UTC time.
        (&["Dec 31 23:30:00"], written("2024-01-01T00:00:00Z"), "2023"),
        // Idle for up to a month; over it the file's time says nothing of its lines.
        (&["Mar  1 12:00:00"], written("2024-03-31T12:00:00Z"), "2024"),
        (&["Mar  1 12:00:00"], written("2024-04-02T12:00:00Z"), "-"),
        (&["Mar  1 12:00:00"], written("2024-02-27T12:00:00Z"), "-"),
        (&["Mar  1 12:00:00"], YearBasis::Lines, "-"),
        // 29 February is of a leap year, or of none that is told.
        (&["Feb 29 12:00:00"], written("2024-02-29T12:00:00Z"), "2024"),
        (&["Feb 29 12:00:00"], written("2023-03-01T12:00:00Z"), "-"),
        // Back in time: two readings fit, so what stands before is not told.
        (&["Mar  5 00:00:00", "Mar  1 00:00:00", "Mar  2 00:00:00"], written("2024-03-02T00:00:00Z"), "- 2024 2024"),
        // A machine without a clock battery begins at 1 January until it has asked what time it is.
        (&["Oct  5 10:00:00", "Jan  1 00:00:05", "Oct  5 11:00:00"], written("2024-10-05T11:00:00Z"), "- - 2024"),
        // Lines that carry a year say of which year their neighbours are.
        (&["Dec 31 12:00:00", "2024-01-01T10:00:00Z"], YearBasis::Lines, "2023 2024"),
        (&["2023-12-30T10:00:00Z", "Jan  1 12:00:00"], written("2024-01-01T12:00:00Z"), "2023 2024"),
        (&["2019-12-30T10:00:00Z", "Jan  1 12:00:00"], written("2024-01-01T12:00:00Z"), "2019 -"),
        (&["Mar  1 12:00:00"], YearBasis::Stated(2019), "2019"),
        (&["Mar  5 12:00:00", "Mar  1 12:00:00"], YearBasis::Stated(2019), "2019 2019"),
        (&["Dec 31 12:00:00", "Jan  1 12:00:00"], YearBasis::Stated(2019), "- -"),
        (&["Dec 31 12:00:00", "Jan  1 12:00:00", "Dec  1 12:00:00"], YearBasis::Stated(2019), "2019 2019 2019"),
        (&["Feb 29 12:00:00"], YearBasis::Stated(2019), "-"),
    ];
    for (stamps, basis, expected) in cases {
        assert_eq!(years(stamps, *basis), *expected, "{stamps:?} {basis:?}");
    }
}

#[test]
fn more_new_years_than_are_kept_tell_no_year() {
    let mut stamps = Vec::new();
    for _ in 0..5000 {
        stamps.extend(["Dec 31 12:00:00", "Jan  1 12:00:00", "Jun  1 12:00:00", "Oct  1 12:00:00"]);
    }
    let told = years(&stamps, YearBasis::Written(FileTime::at(at("2024-10-01T12:00:00Z")), None));
    assert!(told.split(' ').all(|year| year == "-"));
}

#[test]
fn a_time_that_may_be_one_of_two_years_tells_none() {
    let span = FileTime::between(at("2023-12-31T00:00:00Z"), at("2024-12-31T00:00:00Z")).unwrap();
    assert_eq!(years(&["Dec 30 00:00:00"], YearBasis::Written(span, None)), "-");
}

const HEAD: &str = "schema = \"order/1\"\n\n[order]\nid = \"s\"\nlegal_basis = \"pace-sch1\"\nauthority = \"A\"\nreference = \"R\"\n\
     made = 2024-04-08\nserved = 2024-04-09T09:40:00Z\ndue = \"P7D\"\nzone = \"UTC\"\n\n[[source]]\nname = \"s\"\nzone = \"UTC\"\n";

fn clause(id: &str, path: &str, keys: &str) -> String {
    let path = toml::Value::String(path.to_owned());
    format!(
        "\n[[clause]]\nid = \"{id}\"\ntext = \"as asked\"\nsource = \"s\"\ncategory = \"traffic\"\npaths = [{path}]\n\
         take = \"records\"\n{keys}\n"
    )
}

/// Runs an order over `folder`; the exit code and the members of its package.
fn run(folder: &Path, order: &str) -> (i32, BTreeMap<String, Vec<u8>>) {
    let work = tempfile::tempdir().unwrap();
    fs::write(work.path().join("s.toml"), order).unwrap();
    let source = format!("s={}", folder.display());
    let extract = || {
        let mut command = assert_cmd::Command::cargo_bin("extract").unwrap();
        command.current_dir(work.path());
        command
    };
    let output = extract()
        .args(["--order", "s.toml", "--output", "s.tar", "--quiet", "--custodian", "c", "--source", &source])
        .output()
        .unwrap();
    let mut members = BTreeMap::new();
    let package = work.path().join("s.tar");
    let tar = fs::File::open(&package).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    for member in tar::Archive::new(tar).entries().unwrap() {
        let mut member = member.unwrap();
        let name = String::from_utf8(member.path_bytes().into_owned()).unwrap();
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).unwrap();
        members.insert(name.strip_prefix("s/").unwrap().to_owned(), bytes);
    }
    extract().args(["verify", "s.tar"]).assert().success();
    (output.status.code().unwrap(), members)
}

fn data(members: &BTreeMap<String, Vec<u8>>) -> String {
    let exhibits = members.iter().filter(|(name, _)| name.starts_with("data/0") && name.ends_with(".log"));
    exhibits.map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).collect()
}

#[test]
fn a_window_over_the_new_year_takes_the_lines_of_its_own_year() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("auth.log");
    let line = |stamp: &str, name: &str| {
        format!("{stamp} host sshd[1]: Accepted password for {name} from 192.0.2.7 port 5 ssh2\n")
    };
    let lines = [
        line("Dec 30 12:00:00", "alice"),
        line("Dec 31 23:59:59", "alice"),
        line("Jan  1 00:00:00", "alice"),
        line("Jan  1 00:00:01", "bob"),
        line("Jan  2 00:00:00", "alice"),
    ];
    fs::write(&path, lines.concat()).unwrap();
    let modified = UNIX_EPOCH + Duration::from_secs(u64::try_from(at("2024-01-02T00:00:00Z").seconds()).unwrap());
    fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    let window = "window = { from = 2023-12-31, through = 2024-01-01, clock = \"record\" }";
    let keys = format!("as = \"auth\"\nidentifiers = [{{ account = \"alice\", role = [\"user\"] }}]\n{window}");
    let original = HEAD.replace(
        "zone = \"UTC\"\n\n[[source]]\nname = \"s\"\n",
        "zone = \"UTC\"\n\n[[source]]\nname = \"s\"\ntimes = \"original\"\n",
    );
    let (code, members) = run(folder.path(), &(original.clone() + &clause("1", "/auth.log", &keys)));
    assert_eq!((code, data(&members)), (0, lines[1..3].concat()));
    let records = String::from_utf8(members["records/000001.jsonl"].clone()).unwrap();
    let times: Vec<String> = records
        .lines()
        .map(|line| serde_json::from_str::<Json>(line).unwrap()["time"].as_str().unwrap().into())
        .collect();
    assert_eq!(times, ["2023-12-31T23:59:59Z", "2024-01-01T00:00:00Z"]);
    // The folder's file times do not count: no year is told, and nothing is disclosed by guess.
    let (code, members) = run(folder.path(), &(HEAD.to_owned() + &clause("1", "/auth.log", &keys)));
    let disclosure: Json = serde_json::from_slice(&members["disclosure.json"]).unwrap();
    assert_eq!((code, data(&members), disclosure["totals"]["undecided"].as_u64()), (3, String::new(), Some(4)));
    // Staff state a year, and the lines go over a new year: it is not all of it.
    let stated = format!("year = 2024\n{keys}");
    assert_eq!(run(folder.path(), &(HEAD.to_owned() + &clause("1", "/auth.log", &stated))).0, 3);
}

fn corpora() -> Option<(PathBuf, Json)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    let truth = fs::read(folder.join("truth.json")).ok();
    println!("corpora: {} is {}there", folder.display(), if truth.is_some() { "" } else { "not " });
    Some((folder.canonicalize().ok()?, serde_json::from_slice(&truth?).unwrap()))
}

#[test]
fn every_query_on_stamps_without_a_year_is_answered_exactly() {
    let Some((folder, truth)) = corpora() else { return };
    let mut asked = 0;
    for (file, section) in truth["syslog"].as_object().unwrap() {
        for query in section["queries"].as_array().into_iter().flatten() {
            let (logs, name) = file.rsplit_once('/').unwrap();
            let day = &query["month_day"];
            let day = format!("2023-{:02}-{:02}", day[0].as_u64().unwrap(), day[1].as_u64().unwrap());
            let (from, to) = (query["time_from"].as_str().unwrap(), query["time_to"].as_str().unwrap());
            let end = if to == "24:00:00" { format!("through = {day}") } else { format!("before = {day}T{to}Z") };
            let begin = if to == "24:00:00" { day.clone() } else { format!("{day}T{from}Z") };
            assert!(to != "24:00:00" || from == "00:00:00", "a whole day");
            let keys = format!(
                "as = \"syslog\"\nyear = 2023\nidentifiers = [{{ ip = {} }}]\nwindow = {{ from = {begin}, {end}, clock = \"record\" }}",
                query["ipv4"]
            );
            let path = format!("/{name}");
            let (_, members) = run(&folder.join(logs), &(HEAD.to_owned() + &clause("1", &path, &keys)));
            let found: Vec<u8> = members
                .iter()
                .filter(|(name, _)| name.starts_with("data/0") && name.ends_with(".log"))
                .flat_map(|(_, bytes)| bytes.clone())
                .collect();
            let digest = Digest::of(&found).to_string();
            let disclosure: Json = serde_json::from_slice(&members["disclosure.json"]).unwrap();
            let what = format!("{file} {query}");
            assert_eq!(disclosure["totals"]["records"], query["lines"], "{what}");
            assert_eq!(digest, query["sha256_of_lines"].as_str().unwrap(), "{what}");
            asked += 1;
        }
    }
    println!("{asked} queries");
    assert!(asked > 20);
}

/// What the gate makes of each line for each of a few addresses.
struct Counted<'g, 's> {
    gate: &'g RecordGate<'s>,
    found: Vec<u64>,
    parsed: u64,
    lines: u64,
}

impl RecordSink for Counted<'_, '_> {
    fn record(&mut self, record: RawRecord<'_>) -> Result<(), Stop> {
        self.lines += 1;
        self.parsed += u64::from(record.fields.parsed());
        let clauses = match self.gate.judge(record) {
            Judgement::In(item, undecided) => item.clauses().union(undecided),
            Judgement::Undecided(clauses) | Judgement::Withheld(clauses) => clauses,
            Judgement::Outside => return Ok(()),
        };
        clauses.iter().for_each(|clause| self.found[clause] += 1);
        Ok(())
    }
    fn separator(&mut self, _: u64) {}
    fn unreadable(&mut self, bytes: u64, why: Unreadable) {
        panic!("{bytes} bytes: {why:?}");
    }
}

/// Where the truth, to which an address against a full stop is none, counts fewer lines: file, address, truth, ours. We are
/// right each time: the stop ends a sentence (`from 80.10.11.12.`), or there are three of them between two addresses
/// (`1.2.3.4...5.6.7.8`).
const DIFFERENCES: &[(&str, &str, u64, u64)] = &[
    ("logs/crowdsec/charon-ipsec-bf__charon-ipsec-bf.log", "116.178.2.170", 51, 52),
    ("logs/crowdsec/charon-ipsec-slow-bf__charon-ipsec-slow-bf.log", "116.178.2.170", 51, 52),
    ("logs/crowdsec/paperless-ngx-logs__paperless-ngx-logs.log", "192.168.0.100", 12, 19),
    ("logs/fail2ban/softethervpn.log", "80.10.11.12", 1, 2),
    ("logs/fail2ban/softethervpn.log", "80.10.11.13", 1, 2),
];

#[test]
fn every_address_is_found_in_as_many_lines_as_the_truth_counts() {
    let Some((folder, truth)) = corpora() else { return };
    let (mut asked, mut wrong) = (0, Vec::new());
    for (file, section) in truth["syslog"].as_object().unwrap() {
        let counts = section["ipv4_line_counts_top5"].as_array().unwrap();
        let is_address = |count: &&Json| {
            let is_address = count[0].as_str().unwrap().parse::<std::net::Ipv4Addr>().is_ok();
            if !is_address {
                println!("{file}: {} is no address: an order cannot ask for it", count[0]);
            }
            is_address
        };
        let counts: Vec<&Json> = counts.iter().filter(is_address).collect();
        if counts.is_empty() {
            continue;
        }
        let mut order = HEAD.to_owned();
        for (number, count) in counts.iter().enumerate() {
            let keys = format!("as = \"syslog\"\nidentifiers = [{{ ip = {} }}]", count[0]);
            order += &clause(&number.to_string(), "/f", &keys);
        }
        let text = ManifestText { name: "s.toml", bytes: order.as_bytes() };
        let read = extract::order::read(text, None, &Given { sources: ["s".into()].into(), custodian: true });
        let order = match read {
            Ok(both) => both.order,
            Err(findings) => panic!("{}", extract::order::render(&findings, &[text], false)),
        };
        let scope = Scope::compile(&order, None).unwrap();
        let entry =
            Entry::root(b"/", Node::new(*b"")).child(b"f", EntryKind::File, 1, FileTimes::default(), Node::new(*b""));
        let permit = scope.decide(0, entry).records.unwrap();
        let mut stored = fs::read(folder.join(file)).unwrap();
        if file.ends_with(".gz") {
            let mut plain = Vec::new();
            extract::record::compression::Unpacked::open(stored.as_slice()).read_to_end(&mut plain).unwrap();
            stored = plain;
        }
        let (gate, _) = permit.opened(Box::new(std::io::empty())).into_records(&scope).unwrap();
        let mut counted = Counted { gate: &gate, found: vec![0; counts.len()], parsed: 0, lines: 0 };
        format(Format::Syslog).split(&mut stored.as_slice(), None, &mut counted).unwrap();
        for (count, &ours) in counts.iter().zip(&counted.found) {
            let (address, truth) = (count[0].as_str().unwrap(), count[1].as_u64().unwrap());
            asked += 1;
            let known = DIFFERENCES.iter().any(|row| *row == (file, address, truth, ours));
            if ours != truth && !known {
                wrong.push(format!("{file}: {address}: the truth counts {truth} lines, we {ours}"));
            }
        }
    }
    println!("{asked} addresses");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(asked > 300);
}

#[test]
fn a_field_is_read_by_its_role_in_the_lines_of_its_program() {
    let seen = |which: Format, line: &str, role: Role| {
        struct Ask(Role, Vec<String>, Option<Reading>);
        impl RecordSink for Ask {
            fn record(&mut self, record: RawRecord<'_>) -> Result<(), Stop> {
                let seen = &mut self.1;
                self.2 = Some(record.fields.values(self.0, &mut |value| {
                    seen.push(match value {
                        Value::Ip(ip, port) => format!("{ip} {port:?}"),
                        Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
                        Value::Address { local, domain } => {
                            format!("{}@{}", String::from_utf8_lossy(local), String::from_utf8_lossy(domain))
                        }
                    });
                }));
                Ok(())
            }
            fn separator(&mut self, _: u64) {}
            fn unreadable(&mut self, _: u64, _: Unreadable) {}
        }
        let mut ask = Ask(role, Vec::new(), None);
        format(which).split(&mut line.as_bytes(), None, &mut ask).unwrap();
        (ask.1.join(", "), ask.2.unwrap())
    };
    let login = "May  1 12:00:00 h sshd[1]: Accepted password for alice from 192.0.2.7 port 5 ssh2\n";
    assert_eq!(seen(Format::Auth, login, Role::User), ("alice".into(), Reading::Complete));
    assert_eq!(seen(Format::Auth, login, Role::Client), ("192.0.2.7 Some(5)".into(), Reading::Complete));
    assert_eq!(seen(Format::Syslog, login, Role::User), (String::new(), Reading::Partial));
    let forged = "May  1 12:00:00 h sshd[1]: Invalid user x from 192.0.2.1\rMay  1 12:00:00 h sshd[1]: Invalid user alice from 192.0.2.7\n";
    assert_eq!(seen(Format::Auth, forged, Role::Client), (String::new(), Reading::Partial));
    let mail = "May  1 12:00:00 h postfix/qmgr[1]: 4F2A11C3: from=<a@x.example>, size=3, nrcpt=1 (queue active)\n";
    assert_eq!(seen(Format::Postfix, mail, Role::From), ("a@x.example".into(), Reading::Complete));
}
