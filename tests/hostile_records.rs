//! Every format of lines and rows, through the program, on streams that no program should write: counted, short, and never a
//! panic, a loss that nobody is told of, or memory without a bound.

#![allow(dead_code, reason = "its parts are made for other tests too")]

mod case;
#[path = "format_leak/recipe.rs"]
mod recipe;

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;

use case::{Case, Package, Said, records};
use extract::order::Format;
use flate2::Compression;
use flate2::write::GzEncoder;
use recipe::{ASKED, Fact, made};

/// Mail, and formats of records of a fixed size, or in a structure of their own: `tests/bad_content.rs`, `tests/mail_stores.rs`, `tests/utmp.rs`,
/// `tests/journal.rs`, `tests/sqlite`.
const ELSEWHERE: &[Format] = &[
    Format::Sqlite,
    Format::Mbox,
    Format::Maildir,
    Format::Eml,
    Format::Utmp,
    Format::Journal,
    Format::AccessLog,
    Format::Syslog,
    Format::Mboxcl,
    Format::Mboxcl2,
    Format::Sdbox,
];

/// 2024-03-25T10:00:00Z.
const TEN: i64 = 1_711_360_800;

fn formats() -> impl Iterator<Item = Format> {
    Format::ALL.iter().copied().filter(|format| !ELSEWHERE.contains(format))
}

/// Three records that an order asks for and one that it does not, and what stands before them.
fn stream(format: Format) -> (Vec<u8>, Vec<Vec<u8>>) {
    let facts: Vec<Fact> = [(0, ASKED), (60, ASKED), (120, "192.0.2.77"), (180, ASKED)]
        .into_iter()
        .map(|(after, ip)| Fact { at: TEN + after, ip, is_withheld: false, mark: format!("mark{after}") })
        .collect();
    let stored = made(format, &facts, std::path::Path::new("/nonexistent")).unwrap().stored;
    // A record begins where its mark's line or entry does: found by making the file of the first records alone.
    let ends: Vec<usize> = (0..=facts.len())
        .map(|count| made(format, &facts[..count], std::path::Path::new("/nonexistent")).unwrap().stored.len())
        .collect();
    let pieces = ends.windows(2).map(|pair| stored[pair[0]..pair[1]].to_vec()).collect();
    (stored[..ends[0]].to_vec(), pieces)
}

fn ordered(format: Format, content: &[u8]) -> Case {
    let case = Case::new();
    case.file("/srv/records", content);
    let keys = recipe::keys(format, "2024-03-25");
    case.order("zone = \"UTC\"", &records("\"/srv/records\"", &format!("as = \"{}\"\n{keys}", format.name())));
    case
}

/// Runs it; what was disclosed, as text.
fn disclosed(case: &Case) -> (Said, Package, String) {
    let said = case.run();
    said.names(&[]);
    assert!(matches!(said.code, Some(0 | 3)), "{}\n{}", said.stdout, said.stderr);
    let package = case.package();
    let bytes: Vec<u8> = package.disclosed().into_iter().flat_map(|(_, bytes)| bytes).collect();
    (said, package, String::from_utf8_lossy(&bytes).into_owned())
}

/// The marks that stand in it once.
fn marks(text: &str) -> Vec<&'static str> {
    let stands_once = |mark: &&str| {
        let is_alone =
            |(at, _): (usize, &str)| !text[at + mark.len()..].starts_with(|next: char| next.is_ascii_digit());
        text.match_indices(*mark).filter(|found| is_alone(*found)).count() == 1
    };
    ["mark0", "mark60", "mark120", "mark180"].into_iter().filter(stands_once).collect()
}

#[test]
fn line_ends_of_every_kind_leave_the_records_what_they_are() {
    for format in formats() {
        let (head, pieces) = stream(format);
        let plain = [head, pieces.concat()].concat();
        let bare: Vec<u8> = plain.iter().copied().filter(|byte| *byte != b'\r').collect();
        let crlf: Vec<u8> =
            bare.iter().flat_map(|&byte| if byte == b'\n' { b"\r\n".to_vec() } else { vec![byte] }).collect();
        let mut unended = bare.clone();
        unended.pop();
        for (name, content) in [("LF", bare), ("CRLF", crlf), ("no last line end", unended)] {
            let case = ordered(format, &content);
            let (said, _, text) = disclosed(&case);
            assert_eq!(
                (said.code, marks(&text)),
                (Some(0), vec!["mark0", "mark60", "mark180"]),
                "{} {name}: {text}",
                format.name()
            );
        }
    }
}

#[test]
fn what_is_no_record_is_counted_and_the_others_are_disclosed() {
    // Behind the first two records, on a line of its own.
    let strays: [(&str, &[u8]); 7] = [
        ("NUL", b"\0\0\0\0\n"),
        ("a lone CR", b"a\rb\r\n"),
        ("bytes that are no text", b"\xff\xfe\x80\xc3\n"),
        ("an empty line", b"\n"),
        ("a quote that does not end", b"'\"\n"),
        ("braces", b"{[(\n"),
        ("the asked address in what is no record", b"\x01 192.0.2.7 \x02\n"),
    ];
    for format in formats() {
        let (head, pieces) = stream(format);
        for (name, stray) in strays {
            let content =
                [&head, &pieces[0], &pieces[1], stray, &pieces[2], &pieces[3]].map(|piece: &[u8]| piece).concat();
            let case = ordered(format, &content);
            let (said, package, text) = disclosed(&case);
            let context =
                format!("{} with {name}: exit {:?}, {:?}\n{text}", format.name(), said.code, package.shortfalls());
            assert!(!text.contains("mark120"), "{context}");
            let found = marks(&text);
            // A format whose entries have several lines, or whose quotes reach over line ends, may lose what is beside it,
            // and says so.
            if found != ["mark0", "mark60", "mark180"] {
                assert_eq!(said.code, Some(3), "{context}");
            }
            assert!(found.contains(&"mark0"), "{context}");
        }
    }
}

#[test]
fn a_stream_of_wide_characters_is_short_and_never_called_empty() {
    for format in formats() {
        let (head, pieces) = stream(format);
        let text = String::from_utf8([head, pieces.concat()].concat()).unwrap();
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (name, content) in [
            ("UTF-16LE without BOM", wide.clone()),
            ("UTF-16BE without BOM", big.clone()),
            ("UTF-16LE", [b"\xff\xfe".to_vec(), wide].concat()),
            ("UTF-16BE", [b"\xfe\xff".to_vec(), big].concat()),
        ] {
            let case = ordered(format, &content);
            let (said, package, text) = disclosed(&case);
            let context = format!("{} as {name}: {:?}\n{text}", format.name(), package.shortfalls());
            assert_eq!(said.code, Some(3), "{context}");
            assert!(text.is_empty() || text.starts_with("nothing disclosed"), "{context}");
        }
    }
}

#[test]
fn a_stream_that_is_cut_anywhere_gives_whole_records_and_never_half_of_one() {
    for format in formats() {
        let (head, pieces) = stream(format);
        let whole = [head.clone(), pieces.concat()].concat();
        let complete = disclosed(&ordered(format, &whole)).2;
        for tenth in 1..10 {
            let content = &whole[..whole.len() * tenth / 10];
            let (said, _, text) = disclosed(&ordered(format, content));
            let context =
                format!("{} cut at {} of {}: exit {:?}\n{text}", format.name(), content.len(), whole.len(), said.code);
            // Only the last line may be another: a line without an end is a record where nothing in it says that it is cut.
            let lines: Vec<&str> = text.lines().collect();
            for line in lines.iter().take(lines.len().saturating_sub(1)) {
                assert!(line.starts_with("nothing disclosed") || complete.contains(line), "{context}");
            }
        }
    }
}

/// The most memory that a run takes, in KiB.
fn peak_memory(case: &Case) -> (Option<i32>, i64) {
    let mut command = case.command(&["--order", "order.toml", "--output", "out.tar", "--quiet"]);
    let before = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN).unwrap().max_rss();
    let code = command.process_group(0).status().unwrap().code();
    let after = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN).unwrap().max_rss();
    (code, after.max(before))
}

#[test]
fn a_line_of_a_quarter_of_a_gibibyte_is_short_in_bounded_memory_in_every_format() {
    const LONG: usize = 256 << 20;
    let block = vec![b'x'; 1 << 20];
    for format in formats() {
        let (head, pieces) = stream(format);
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&[head, pieces[0].clone(), pieces[1].clone()].concat()).unwrap();
        for _ in 0..LONG / block.len() {
            packed.write_all(&block).unwrap();
        }
        packed.write_all(b"\n").unwrap();
        packed.write_all(&[pieces[2].clone(), pieces[3].clone()].concat()).unwrap();
        let case = ordered(format, &packed.finish().unwrap());
        let (code, peak) = peak_memory(&case);
        let (package, context) = (case.package(), format!("{}: peak {peak} KiB", format.name()));
        let kinds: Vec<String> = package.shortfalls().into_iter().map(|(_, kind, _)| kind).collect();
        assert_eq!(code, Some(3), "{context}, {kinds:?}");
        assert!(kinds.iter().any(|kind| kind == "record-too-long" || kind == "not-the-format"), "{context}: {kinds:?}");
        let text: Vec<u8> = package.disclosed().into_iter().flat_map(|(_, bytes)| bytes).collect();
        let found = marks(&String::from_utf8_lossy(&text)).len();
        assert!(found >= 1, "{context}: the records before it are there");
        // The bound of a line is 16 MiB; it is held once or twice.
        assert!(peak < 110 * 1024, "{context}");
        println!("{context}, {kinds:?}, {found} of 3 records");
    }
}
