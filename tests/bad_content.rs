//! Bad content, through the program: what can be read is disclosed, the rest is short, and memory stays bounded.

mod case;

use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use case::{Case, log_line, records, short};
use flate2::Compression;
use flate2::write::GzEncoder;

const LOG: &str = "\"/var/log/access.log\"";
const MINE: &str = "identifiers = [{ ip = \"192.0.2.1\" }]";
/// What a run may keep in memory, whatever it reads.
const MEMORY_KIB: u64 = 300 * 1024;

fn mine() -> String {
    log_line("192.0.2.1", "01/Apr/2024:12:00:00 +0100")
}

/// A folder with a log of one line that its order asks for.
fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_truncated_gzip_gives_its_whole_lines_and_is_short() {
    let case = Case::new();
    let lines: Vec<String> =
        (0..4_000_u32).map(|at| mine().replace("index", &format!("{:08x}", at.wrapping_mul(2_654_435_761)))).collect();
    let packed = gzip(lines.concat().as_bytes());
    for kept in [packed.len() / 2, packed.len() - 1, packed.len() - 8, 5] {
        case.file("/var/log/access.log.gz", &packed[..kept]);
        case.again();
        case.order("", &records("\"/var/log/access.log.gz\"", &format!("as = \"access-log\"\n{MINE}")));
        case.run().ends_with(3);
        let package = case.package();
        assert_eq!(package.shortfalls(), short("damaged-compression", 1), "{kept} of {} bytes", packed.len());
        let whole = lines.concat();
        if let [(_, content)] = &package.disclosed()[..] {
            assert!(whole.as_bytes().starts_with(content) && content.ends_with(b"\n"), "whole lines, byte for byte");
            assert!(content.len() > whole.len() / 3);
        } else {
            assert_eq!(kept, 5, "only the gzip that ends in its header gives nothing");
        }
    }
}

#[test]
fn bytes_behind_a_gzip_that_are_no_gzip_are_short() {
    let case = Case::new();
    let mut packed = gzip(mine().as_bytes());
    packed.extend_from_slice(b"this is not a member");
    case.file("/var/log/access.log", &packed);
    case.order("", &records(LOG, MINE));
    case.run().ends_with(3);
    let package = case.package();
    assert_eq!(package.disclosed(), [("/var/log/access.log".to_owned(), mine().into_bytes())]);
    assert_eq!(package.shortfalls(), short("damaged-compression", 1));
    // Zeros to the end of a block are clean.
    let case = Case::new();
    let mut padded = gzip(mine().as_bytes());
    padded.resize(4_096, 0);
    case.file("/var/log/access.log", &padded);
    case.order("", &records(LOG, MINE));
    case.run().ends_with(0);
    assert_eq!(case.package().disclosed().len(), 1);
}

/// Runs to the end and returns the most memory it had, in KiB.
fn peak_memory(command: &mut Command) -> (Option<i32>, u64) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let (mut peak, begun) = (0, Instant::now());
    loop {
        if let Some(line) =
            fs::read_to_string(&status).unwrap_or_default().lines().find(|line| line.starts_with("VmHWM:"))
        {
            peak = peak.max(line.split_whitespace().nth(1).unwrap().parse().unwrap());
        }
        if let Some(code) = child.try_wait().unwrap() {
            return (code.code(), peak);
        }
        assert!(begun.elapsed() < Duration::from_secs(300), "it does not end");
        sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_line_of_two_gib_is_short_in_bounded_memory() {
    let case = Case::new();
    let log = case.file("/var/log/access.log", mine());
    let mut file = fs::File::options().write(true).open(log).unwrap();
    // A hole of NULs, then the line's end and a line that can be read.
    file.seek(SeekFrom::Start(2 << 30)).unwrap();
    file.write_all(format!("\n{}", mine()).as_bytes()).unwrap();
    drop(file);
    case.order("", &records(LOG, &format!("as = \"access-log\"\n{MINE}")));
    let arguments = ["--order", "order.toml", "--output", "out.tar", "--quiet"];
    let (code, peak) = peak_memory(&mut case.command(&arguments));
    assert_eq!(code, Some(3));
    assert!(0 < peak && peak < MEMORY_KIB, "{peak} KiB");
    println!("a line of 2 GiB: {peak} KiB at most");
    let package = case.package();
    assert_eq!(package.shortfalls(), short("record-too-long", 1));
    assert_eq!(package.disclosed(), [("/var/log/access.log".to_owned(), mine().repeat(2).into_bytes())]);
}

#[test]
fn a_gzip_that_unpacks_to_one_long_line_is_short_in_bounded_memory() {
    let case = Case::new();
    let mut packed = gzip(mine().as_bytes());
    let zeros = gzip(&vec![b'x'; 64 << 20]);
    for _ in 0..8 {
        packed.extend_from_slice(&zeros);
    }
    case.file("/var/log/access.log", packed);
    case.order("", &records(LOG, MINE));
    let arguments = ["--order", "order.toml", "--output", "out.tar", "--quiet"];
    let (code, peak) = peak_memory(&mut case.command(&arguments));
    assert_eq!(code, Some(3));
    assert!(0 < peak && peak < MEMORY_KIB, "{peak} KiB");
    let package = case.package();
    assert_eq!(package.shortfalls(), short("record-too-long", 1));
    assert_eq!(package.disclosed(), [("/var/log/access.log".to_owned(), mine().into_bytes())]);
}

#[test]
fn a_message_over_its_bound_is_short_in_bounded_memory() {
    let case = Case::new();
    let small = "Date: Mon, 1 Apr 2024 12:00:00 +0100\nFrom: alice@shop.example\n\nbody\n";
    let line = "From MAILER-DAEMON Fri Mar 29 12:08:34 2024\n";
    let huge = format!("From: alice@shop.example\n\n{}", "all work and no play\n".repeat(4 << 20));
    case.file("/var/mail/alice", format!("{line}{small}\n{line}{huge}\n{line}{small}"));
    case.order("", &records("\"/var/mail/alice\"", "identifiers = [{ email = \"alice@shop.example\" }]"));
    let arguments = ["--order", "order.toml", "--output", "out.tar", "--quiet"];
    let (code, peak) = peak_memory(&mut case.command(&arguments));
    assert_eq!(code, Some(3));
    assert!(0 < peak && peak < MEMORY_KIB, "{peak} KiB");
    let package = case.package();
    assert_eq!(package.shortfalls(), short("record-too-long", 1));
    let one = ("/var/mail/alice".to_owned(), small.as_bytes().to_vec());
    assert_eq!(package.disclosed(), [one.clone(), one]);
}

#[test]
fn a_mailbox_without_a_from_line_is_not_the_format() {
    for content in
        ["Date: Mon, 1 Apr 2024 12:00:00 +0100\nFrom: alice@shop.example\n\nbody\n", "\n\nFrom: x\n", "\0\0\0"]
    {
        let case = Case::new();
        case.file("/var/mail/alice", content);
        let more = "as = \"mbox\"\nidentifiers = [{ email = \"alice@shop.example\" }]";
        case.order("", &records("\"/var/mail/alice\"", more));
        case.run().ends_with(3);
        let package = case.package();
        assert_eq!(package.shortfalls(), short("not-the-format", 1));
        assert_eq!(package.disclosure()["clauses"][0]["outcome"], "not-read");
        assert_eq!(package.disclosure()["totals"]["files"], 0);
    }
}

#[test]
fn content_of_no_known_format_is_short() {
    let case = Case::new();
    case.file("/var/log/access.log", "nobody knows\nwhat this is\n");
    case.file("/var/log/empty", "");
    case.order("", &records("\"/var/log/*\"", MINE));
    case.run().ends_with(3);
    assert_eq!(case.package().shortfalls(), short("unknown-format", 1));
    assert_eq!(case.package().disclosure()["clauses"][0]["outcome"], "not-read");
}

#[test]
fn a_message_that_a_server_stored_compressed_and_that_does_not_unpack_is_short() {
    for (content, kind) in [
        (b"\x28\xb5\x2f\xfd\x04\x58 anything".as_slice(), "damaged-compression"),
        (b"BZh91AY&SY anything", "damaged-compression"),
        (b"\xfd7zXZ\0 anything", "damaged-compression"),
        (b"\x04\x22\x4d\x18 anything", "damaged-compression"),
        (b"\x1f\x9d\x90 anything", "not-the-format"),
        (b"\x01\x02 anything", "not-the-format"),
    ] {
        let case = Case::new();
        for folder in ["new", "tmp"] {
            fs::create_dir_all(case.path(&format!("source/home/alice/Maildir/{folder}"))).unwrap();
        }
        case.file("/home/alice/Maildir/cur/1:2,S", content);
        let more = "identifiers = [{ email = \"alice@shop.example\" }]";
        case.order("", &records("\"/home/alice/Maildir/**\"", more));
        case.run().ends_with(3);
        assert_eq!(case.package().shortfalls(), short(kind, 1), "{content:?}");
    }
}

#[test]
fn a_maildir_that_lost_a_folder_is_not_passed_over_by_a_clause_that_names_one() {
    let case = Case::new();
    fs::create_dir_all(case.path("source/home/alice/Maildir/new")).unwrap();
    case.file("/home/alice/Maildir/cur/1:2,S", "From: alice@shop.example\n\nbody\n");
    let more = "as = \"maildir\"\nidentifiers = [{ email = \"alice@shop.example\" }]";
    case.order("", &records("\"/home/alice/Maildir/**\"", more));
    case.run().ends_with(3);
    assert_eq!(case.package().shortfalls(), short("not-the-format", 1));
}

#[test]
fn a_line_that_another_client_s_record_is_glued_to_is_undecided() {
    let case = Case::new();
    let other = log_line("192.0.2.2", "01/Apr/2024:12:00:00 +0100");
    let glued = [mine().replace('\n', "\r"), other.clone()].concat();
    case.file("/var/log/access.log", [mine(), glued].concat());
    case.order("", &records(LOG, MINE));
    case.run().ends_with(3);
    let package = case.package();
    assert_eq!(package.disclosure()["totals"]["undecided"], 1);
    assert_eq!(package.disclosed()[0].1, mine().into_bytes());
}

#[test]
fn a_machine_that_gives_no_more_threads_is_no_panic() {
    let case = Case::new();
    for at in 0..4 {
        case.file(&format!("/var/log/{at}.log"), mine());
    }
    case.order("", &records("\"/var/log/*\"", MINE));
    // The first threads of the program itself fit; those of 256 streams at once do not.
    let program = env!("CARGO_BIN_EXE_extract");
    for kib in [12_000, 16_000, 20_000, 24_000, 28_000] {
        let shell = format!("ulimit -v {kib} && exec {program} --order order.toml --output out.tar --threads 4");
        let said = Command::new("bash").args(["-c", &shell]).current_dir(case.path("")).output().unwrap();
        let words = String::from_utf8_lossy(&said.stderr);
        assert!(!words.contains("failed to spawn thread"), "{kib} KiB: {words}");
        let _ = fs::remove_file(case.path("out.tar"));
        let _ = fs::remove_file(case.path("2024-17.audit.jsonl"));
    }
}
