//! A sample of each format: its own probe says yes to it and no other, and its records stand for themselves.

use extract::limits::LINE_BYTES;
use extract::order::Format;
use extract::record::{Probe, probe_format};
use proptest::prelude::*;

use super::run::Package;
use super::said::records;

/// A few records of each format, as its program writes them.
const SAMPLES: &[(Format, &str)] = &[
    (
        Format::Auditd,
        "type=EXECVE msg=audit(1364481363.243:24287): argc=2 a0=\"cat\" a1=2F746D702F6120\n\
         type=PROCTITLE msg=audit(1364481363.243:24287): proctitle=636174002F746D702F6120\n",
    ),
    (
        Format::Exim,
        "2024-05-01 12:00:00 1aBcDe-000123-AB <= a@b.example H=x [192.0.2.1] P=smtp S=5\n\
         2024-05-01 12:00:01 1aBcDe-000123-AB => bob <bob@shop.example> R=local T=maildir\n\
         2024-05-01 12:00:01 1aBcDe-000123-AB Completed\n",
    ),
    (
        Format::Haproxy,
        "192.0.2.1:4025 [25/Sep/2018:06:05:27.584] fe be/srv 0/0/0/72/72 200 7456 - - ---- 5/4/0/1/0 0/0 \"GET / HTTP/1.1\"\n\
         192.0.2.1:4026 [25/Sep/2018:06:05:28.584] fe be/srv 0/0/72 7456 -- 5/4/0/1/0 0/0\n",
    ),
    (
        Format::MysqlGeneral,
        "2024-05-01T12:00:00.123456Z\t   12 Connect\talice@localhost on shop using TCP/IP\n\
         2024-05-01T12:00:01.123456Z\t   12 Query\tselect\n\t1\n\
         \t\t   12 Quit\t\n",
    ),
    (
        Format::MysqlSlow,
        "# Time: 2024-05-01T12:00:00.123456Z\n# User@Host: u[u] @ localhost [127.0.0.1]  Id:    12\n\
         # Query_time: 0.000185\nSET timestamp=1714557600;\nselect\n\t1;\n\
         # User@Host: u[u] @ localhost [127.0.0.1]\n# Query_time: 0.000185\nSET timestamp=1714557600;\nselect 2;\n",
    ),
    (
        Format::Postgresql,
        "2022-04-12 00:16:05.526 UTC [7755] LOG:  database system is ready to accept connections\n\
         2022-04-12 00:24:24.741 UTC [9158] alice@shop ERROR:  syntax error at or near \"x\" at character 1\n\
         2022-04-12 00:24:24.741 UTC [9158] alice@shop STATEMENT:  x\n\ty\n",
    ),
    (
        Format::Postgresql,
        "2022-04-12 00:24:24.741 UTC [9158] a b@shop ERROR:  syntax error at or near \"x\" at character 1\n\
         2022-04-12 00:24:25.741 UTC [9158] a b@shop STATEMENT:  x\n\ty\n",
    ),
    (
        Format::Squid,
        "1066036250.129    456 192.0.2.1 TCP_MISS/200 7456 GET http://a.example/ - HIER_DIRECT/203.0.113.1 text/html\n\
         1066036251.129      5 192.0.2.1 TCP_DENIED/407 7456 CONNECT a.example:443 - HIER_NONE/- -\n",
    ),
    (
        Format::Vsftpd,
        "Fri Jan 19 12:20:33 2007 [pid 27202] CONNECT: Client \"192.0.2.1\"\n\
         Fri Jan 19 12:20:34 2007 [pid 27201] [bob] OK LOGIN: Client \"192.0.2.1\"\n",
    ),
    (
        Format::Vsftpd,
        "Thu Mar  4 08:12:30 2010 1 192.0.2.1 1234 /home/bob/a_b b _ o r bob ftp 0 * c\n\
         Thu Mar  4 08:12:31 2010 1 192.0.2.1 1234 /home/bob/b_b b _ o r bob ftp 0 * c\n",
    ),
];

#[test]
fn a_sample_is_claimed_by_its_own_probe_and_is_parsed_whole() {
    for (which, sample) in SAMPLES {
        let (cut, _) = sample.split_at(sample.len() - 2);
        for (head, whole) in [(*sample, true), (*sample, false), (cut, true), (cut, false)] {
            match probe_format(head.as_bytes(), whole) {
                Probe::One(row) => assert_eq!(row.format(), *which, "{head}"),
                Probe::None => panic!("nobody claims the sample of {}", which.name()),
                Probe::Several => panic!("two claim the sample of {}", which.name()),
            }
        }
        for said in records(*which, sample.as_bytes()) {
            assert!(said.is_parsed, "{}: {}", which.name(), String::from_utf8_lossy(&said.bytes));
        }
    }
}

#[test]
fn a_sample_goes_through_the_program_whole_and_by_one_record() {
    for (which, sample) in SAMPLES {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("log"), sample).unwrap();
        let first = &records(*which, sample.as_bytes())[0];
        let word = first.fields.split(['T', ' ']).nth(1).unwrap();
        assert!(word.starts_with("20"), "{}: {}", which.name(), first.fields);
        let clauses = ["everything = true".to_owned()];
        let package = Package::of(folder.path(), "UTC", "/log", *which, &clauses);
        assert_eq!(package.undecided(0), 0, "{}", which.name());
        assert_eq!(package.lines().collect::<Vec<_>>(), sample.lines().map(str::as_bytes).collect::<Vec<_>>());
        // One second: the first record alone, with its further lines; what has no time of its own is undecided.
        let text = first.fields.split(['Z', ';']).next().unwrap().trim_start_matches("time ");
        let second = text.split('.').next().unwrap();
        let window = format!("window = {{ from = {second}Z, before = {second}.9Z, clock = \"record\" }}");
        let package = Package::of(folder.path(), "UTC", "/log", *which, &[window]);
        let held: Vec<_> =
            records(*which, sample.as_bytes()).into_iter().filter(|said| said.fields.contains(second)).collect();
        let expected: Vec<u8> = held.iter().flat_map(|said| said.bytes.clone()).collect();
        let expected = String::from_utf8(expected).unwrap();
        assert_eq!(package.lines().collect::<Vec<_>>(), expected.lines().map(str::as_bytes).collect::<Vec<_>>());
        let lacking =
            records(*which, sample.as_bytes()).iter().filter(|said| said.fields.starts_with("time lacks")).count();
        assert_eq!(package.undecided(0), lacking as u64, "{}", which.name());
    }
}

#[test]
fn prose_and_dates_of_other_programs_are_no_log_of_these() {
    let cases = [
        "2024-05-01 12:00:00 startup archives unpack\n2024-05-01 12:00:00 install x:amd64 <none> 1.0\n",
        "2024-05-01 12:00:00,123 INFO worker: started\n",
        "2024-05-01 12:00:00\n",
        "type=x\n",
        "# a comment\n",
        "Mon Jun  6 18:43:28 2016\n",
        "1.2.3.4 - - [x]\n",
    ];
    for text in cases {
        assert!(matches!(probe_format(text.as_bytes(), true), Probe::None), "{text}");
    }
}

/// Any records of a stream, put together, are those records: an exhibit is split again.
fn assert_stands_alone(which: Format, text: &[u8], kept: &[bool]) {
    let all = records(which, text);
    let kept = all.into_iter().zip(kept.iter().copied().chain(std::iter::repeat(true)));
    let kept: Vec<_> = kept.filter(|(_, kept)| *kept).map(|(said, _)| said).collect();
    let exhibit: Vec<u8> = kept.iter().flat_map(|said| said.bytes.clone()).collect();
    assert_eq!(records(which, &exhibit), kept, "{} of {:?}", which.name(), String::from_utf8_lossy(text));
}

fn lines() -> impl Strategy<Value = Vec<u8>> {
    let known = SAMPLES.iter().flat_map(|(_, sample)| sample.split_inclusive('\n').map(str::to_owned));
    let odd = ["\n", "  more\n", "\tmore\n", "P Received: x\n", "stray\n", "# Time: x\n", "# x\n", "\r\n", "x"];
    let line = prop::sample::select(known.chain(odd.map(str::to_owned)).collect::<Vec<_>>());
    prop::collection::vec(line, 0..30).prop_map(|lines| lines.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_records_of_a_stream_are_the_same_records_in_an_exhibit(
        text in lines(),
        kept in prop::collection::vec(any::<bool>(), 0..40),
    ) {
        for (which, _) in SAMPLES {
            assert_stands_alone(*which, &text, &kept);
        }
    }
}

#[test]
fn an_entry_over_the_bound_is_lost_whole_and_reading_goes_on() {
    use extract::record::{RecordSink, Stop, Unreadable, format};
    use extract::scope::RawRecord;
    #[derive(Default)]
    struct Lengths(Vec<(u64, bool)>);
    impl RecordSink for Lengths {
        fn record(&mut self, record: RawRecord<'_>) -> Result<(), Stop> {
            self.0.push((record.bytes.len() as u64, true));
            Ok(())
        }
        fn separator(&mut self, _: u64) {}
        fn unreadable(&mut self, bytes: u64, why: Unreadable) {
            assert_eq!(why, Unreadable::TooLong);
            self.0.push((bytes, false));
        }
    }
    let first = "2024-05-01 12:00:00 1aBcDe-000123-AB Completed\n";
    let more = format!("  {}\n", "x".repeat(1021));
    for over in [0, 1, 2 * LINE_BYTES] {
        let lines = LINE_BYTES / more.len() - 1;
        let filled = first.len() + lines * more.len();
        let last = format!("  {}\n", "x".repeat(LINE_BYTES + over - filled - 3));
        let text = [first, &more.repeat(lines), &last, first].concat();
        let mut seen = Lengths::default();
        format(Format::Exim).split(&mut text.as_bytes(), None, &mut seen).unwrap();
        let long = (LINE_BYTES + over) as u64;
        assert_eq!(seen.0, [(long, over == 0), (first.len() as u64, true)]);
    }
}
