//! Mail as servers store it: mailboxes with Content-Length, and when a message was taken in.

mod case;
#[path = "fixture/resealed.rs"]
mod resealed;

use case::{Case, Package, records, short};
use resealed::resealed;
use std::path::Path;

use extract::order::{Clock, Format};
use extract::record::{RecordSink, Stop, Unreadable, format};
use extract::scope::{RawRecord, TimeField};
use serde_json::Value;

/// A message to alice with that subject.
fn message(subject: &str) -> String {
    format!(
        "From: bob@supplies.example\nTo: alice@shop.example\nDate: Mon, 1 Apr 2024 10:00:00 +0100\n\
         Subject: {subject}\n\n"
    )
}

/// A window on that clock: the last week of March and the first of April 2024.
fn window(clock: &str) -> String {
    format!("window = {{ from = 2024-03-25, through = 2024-04-07, clock = \"{clock}\" }}")
}

/// The order's clauses run to that exit code; the package, if there is one, verifies.
#[track_caller]
fn run(case: &Case, clauses: &str, provider: &str, code: i32) -> Package {
    case.again().order("zone = \"Europe/London\"", clauses);
    case.provider(&format!("[[source]]\nname = \"s\"\npath = \"source\"\n{provider}"));
    case.run().ends_with(code);
    case.package()
}

/// Subject, time and clock of each exhibit, and its further times.
fn stated(package: &Package) -> Vec<String> {
    let exhibits = package.exhibits();
    let lines = exhibits.iter().zip(package.disclosed()).map(|(exhibit, (_, bytes))| {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let subject = text.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or("-").to_owned();
        let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let times = exhibit.get("times").map_or(String::new(), |times| format!(" {times}"));
        format!("{subject} {} {}{times}", word(&exhibit["time"]), word(&exhibit["clock"]))
    });
    lines.collect()
}

fn undecided(package: &Package) -> u64 {
    package.disclosure()["totals"]["undecided"].as_u64().unwrap()
}

#[test]
fn a_mailbox_with_content_lengths_gives_each_message_and_counts_the_one_whose_length_is_wrong() {
    const FROM: &str = "From bob@supplies.example Mon Apr  1 10:00:00 2024\n";
    let with_length = |subject: &str, body: &str, length: usize| {
        let header = message(subject);
        format!("{FROM}{}Content-Length: {length}\n\n{body}\n", header.strip_suffix('\n').unwrap())
    };
    let prose = "I quote:\n\nFrom here on it is easy.\n";
    let mailbox = [
        with_length("one", "a body\n", 7),
        with_length("two", prose, prose.len()),
        // Over the whole of the next message, to the From_ line behind it.
        with_length("three", "short\n", 6 + 1 + with_length("four", "secret\n", 7).len() - 1),
        with_length("four", "secret\n", 7),
        with_length("five", "the end\n", 8),
    ]
    .concat();
    let case = Case::new();
    case.file("/var/mail/alice", &mailbox);
    for (format, expected) in [
        ("mboxcl2", vec!["one", "two", "four", "five"]),
        // Its writer would have quoted the From_ line in the second.
        ("mboxcl", vec!["one", "four", "five"]),
    ] {
        let clause = records("\"/var/mail/alice\"", &format!("as = \"{format}\"\neverything = true"));
        let package = run(&case, &clause, "", 3);
        let subjects: Vec<_> = stated(&package).iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
        assert_eq!(subjects, expected, "{format}");
        assert_eq!(package.shortfalls(), short("not-the-format", 1), "{format}");
        let disclosed = package.disclosed();
        assert!(disclosed.iter().all(|(_, bytes)| bytes.windows(7).filter(|seen| seen == b"Subject").count() == 1));
    }
}

#[test]
fn the_time_of_delivery_is_what_the_mailbox_says_of_it() {
    let case = Case::new();
    let mailbox: String = [
        ("in", "Sun Mar 31 00:30:00 2024"),
        ("before", "Sun Mar 24 23:59:59 2024"),
        ("zone", "Mon Mar 25 00:30:00 2024 +0100"),
        ("gap", "Sun Mar 31 01:30:00 2024"),
        ("absurd", "Mon Apr  1 00:00:00 102"),
    ]
    .map(|(subject, time)| format!("From bob@supplies.example {time}\n{}text\n\n", message(subject)))
    .concat();
    case.file("/var/mail/alice", mailbox);
    for name in ["cur/1711360000.M1.h:2,S", "new/1704067200.M2.h", "cur/102.M3.h:2,", "cur/msg", "tmp/1711360000.x"] {
        case.file(&format!("/home/alice/Maildir/{name}"), message(&name.replace('/', "-")));
    }
    std::fs::create_dir_all(case.path("source/home/alice/Maildir/tmp")).unwrap();
    case.file("/home/alice/one.eml", message("single"));
    let clause = records("\"/var/mail/alice\", \"/home/alice/**\"", &window("delivered"));
    let package = run(&case, &clause, "", 3);
    assert_eq!(
        stated(&package),
        ["cur-1711360000.M1.h:2,S 2024-03-25T09:46:40Z delivered", "in 2024-03-31T00:30:00Z delivered"]
    );
    // The gap, the year 102, the two names without a time, and the message in no mailbox.
    assert_eq!(undecided(&package), 5);
}

#[test]
fn the_time_of_receipt_is_that_of_the_topmost_field_of_a_host_that_the_provider_names() {
    let case = Case::new();
    let hop =
        |by: &str, time: &str| format!("Received: from x.test (x.test [192.0.2.1]) by {by} with ESMTP;\n\t{time}\n");
    let (inside, outside) = ("Mon, 25 Mar 2024 00:00:00 +0000", "Sun, 24 Mar 2024 23:59:59 +0000");
    for (subject, hops) in [
        ("plain", hop("mx1.shop.example", inside)),
        ("behind-others", hop("store.shop.example", outside) + &hop("MX1.shop.example", inside)),
        ("forged-below", hop("mx1.shop.example", outside) + &hop("mx1.shop.example", inside)),
        ("other-host", hop("mx1.shop.example.evil.test", inside)),
        ("none", String::new()),
        ("unreadable-date", hop("mx1.shop.example", "yesterday")),
        ("unreadable-above", format!("Received: from x.test (by\n{}", hop("mx1.shop.example", inside))),
        ("absurd", hop("mx1.shop.example", "Mon, 25 Mar 0102 00:00:00 +0000")),
    ] {
        case.file(&format!("/mail/{subject}.eml"), hops + &message(subject));
    }
    let clause = records("\"/mail/*\"", &window("received"));
    let package = run(&case, &clause, "received_by = [\"mx1.shop.example\"]\n", 3);
    assert_eq!(
        stated(&package),
        ["behind-others 2024-03-25T00:00:00Z received", "plain 2024-03-25T00:00:00Z received"]
    );
    assert_eq!(undecided(&package), 5);
    let said = case.extract(&["verify", "out.tar"]);
    assert!(said.stdout.contains("consistent"), "{}", said.stdout);
    // Which hosts the provider names stays with the provider.
    let package = run(&case, &clause, "received_by = [\"mx1.shop.example\", \"canary.shop.example\"]\n", 3);
    let holds = |name: &String| package.member(name).windows(6).any(|seen| seen == b"canary");
    assert_eq!(package.names.iter().filter(|name| holds(name)).count(), 0);
    // A provider that names no host has no such clock.
    let package = run(&case, &clause, "", 3);
    assert_eq!((package.exhibits().len(), undecided(&package)), (0, 8));
    case.again().provider("[[source]]\nname = \"s\"\npath = \"source\"\nreceived_by = [\"mx1 shop\"]\n");
    case.run().ends_with(2).names(&["bad-host"]);
}

/// Verifies the last package with that put for another in its ledger, every sum made anew.
fn tampered(case: &Case, from: &str, to: &str) -> case::Said {
    let good = std::fs::read(case.path("out.tar")).unwrap();
    let changed = resealed(&good, "exhibits.jsonl", |_, text| {
        assert!(text.contains(from), "{text}");
        text.replace(from, to)
    });
    std::fs::write(case.path("tampered.tar"), changed).unwrap();
    case.extract(&["verify", "tampered.tar"])
}

#[test]
fn verify_takes_the_ledgers_word_for_when_a_message_was_taken_in_only_where_nothing_contradicts_it() {
    let case = Case::new();
    let hop = |day: &str| format!("Received: from x.test by mx1.shop.example; {day} Apr 2024 09:00:00 +0000\n");
    case.file("/mail/one.eml", hop("Tue, 2") + &hop("Mon, 1") + &message("a"));
    run(&case, &records("\"/mail/*\"", &window("received")), "received_by = [\"mx1.shop.example\"]\n", 0);
    case.extract(&["verify", "out.tar"]).ends_with(0);
    // Another field of it carries that time: which host counts is not in a package.
    tampered(&case, "2024-04-02T09:00:00Z", "2024-04-01T09:00:00Z").ends_with(0);
    let said = tampered(&case, "2024-04-02T09:00:00Z", "2024-04-03T09:00:00Z");
    said.ends_with(1);
    assert!(said.stdout.contains("its time cannot be read"), "{}", said.stdout);

    let case = Case::new();
    for name in ["cur/1711360000.M1.h", "new/x", "tmp/x"] {
        case.file(&format!("/Maildir/{name}"), message("a"));
    }
    run(&case, &records("\"/Maildir/**\"", &window("delivered")), "", 3);
    tampered(&case, "2024-03-25T09:46:40Z", "2024-03-26T09:46:40Z").ends_with(1);
    tampered(&case, "1711360000.M1.h", "1731360000.M1.h").ends_with(1);
}

#[test]
fn what_stands_between_two_from_lines_is_a_message_for_verify_too() {
    let case = Case::new();
    let from = "From bob@supplies.example Mon Apr  1 10:00:00 2024\n";
    case.file("/var/mail/alice", format!("{from}\u{1}no field\n\nBZh9\n\n{from}{}text\n", message("a")));
    let package = run(&case, &records("\"/var/mail/alice\"", "as = \"mbox\"\neverything = true"), "", 0);
    assert_eq!(stated(&package), ["- - -", "a 2024-04-01T09:00:00Z date-header"]);
}

#[test]
fn each_clause_states_its_own_clock() {
    let case = Case::new();
    let hop = "Received: from x.test by mx1.shop.example with ESMTP; Tue, 2 Apr 2024 09:00:00 +0000\n";
    let mailbox = format!("From bob@supplies.example Wed Apr  3 10:00:00 2024\n{hop}{}text\n", message("a"));
    case.file("/var/mail/alice", mailbox);
    let clause = |id: &str, clock: &str| {
        records("\"/var/mail/alice\"", &window(clock)).replace("id = \"1\"", &format!("id = \"{id}\""))
    };
    let clauses = [clause("1", "delivered"), clause("2", "date-header"), clause("3", "received")].join("\n");
    let package = run(&case, &clauses, "received_by = [\"mx1.shop.example\"]\n", 0);
    assert_eq!(
        stated(&package),
        [
            "a 2024-04-03T09:00:00Z delivered {\"date-header\":\"2024-04-01T09:00:00Z\",\"received\":\"2024-04-02T09:00:00Z\"}"
        ]
    );
}

/// A file that Dovecot made, of `tests/fixture/dovecot`.
fn dovecot(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/fixture/dovecot/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

const SDBOX: &str = "/srv/mail/alice/mailboxes/INBOX/dbox-Mails";

#[test]
fn a_single_dbox_gives_its_messages_as_they_were_given_to_dovecot() {
    for packing in ["plain", "gz", "bz2", "zstd"] {
        let case = Case::new();
        for name in ["u.1", "u.3"] {
            case.file(&format!("{SDBOX}/{name}"), dovecot(&format!("sdbox-{packing}/{name}")));
        }
        for named in ["", "as = \"sdbox\"\n"] {
            // The first was received on 1 April, the third on the 3rd.
            let late = "window = { from = 2024-04-03, through = 2024-04-07, clock = \"delivered\" }";
            let clause = records(&format!("\"{SDBOX}/*\""), &format!("{named}{late}"));
            let package = run(&case, &clause, "", 0);
            let expected = (format!("{SDBOX}/u.3"), dovecot("message-3.eml"));
            assert_eq!(package.disclosed(), [expected], "{packing}");
            let exhibit = &package.exhibits()[0];
            assert_eq!((&exhibit["format"], &exhibit["file"]), (&"sdbox".into(), &"data/000001.eml".into()));
            assert_eq!((&exhibit["time"], &exhibit["clock"]), (&"2024-04-03T10:00:00Z".into(), &"delivered".into()));
        }
        let package = run(&case, &records(&format!("\"{SDBOX}/*\""), "everything = true"), "", 0);
        let messages: Vec<_> = package.disclosed().into_iter().map(|(_, bytes)| bytes).collect();
        assert_eq!(messages, [dovecot("message-1.eml"), dovecot("message-3.eml")], "{packing}");
    }
}

#[test]
fn a_multi_dbox_is_not_read_for_it_holds_what_was_expunged() {
    let stored = dovecot("mdbox-plain/m.1");
    assert!(stored.windows(18).any(|seen| seen == b"Subject: message 2"), "what was expunged is still there");
    let case = Case::new();
    case.file("/srv/mail/alice/storage/m.1", &stored);
    // One message alone looks as in a single-dbox.
    case.file("/srv/mail/alice/storage/m.2", dovecot("sdbox-plain/u.1"));
    let clause = |more: &str| records("\"/srv/mail/alice/storage/*\"", more);
    for (named, kind) in [("", "unknown-format"), ("as = \"sdbox\"\n", "not-the-format")] {
        let package = run(&case, &clause(&format!("{named}everything = true")), "", 3);
        assert_eq!((package.exhibits().len(), package.shortfalls()), (0, short(kind, 2)));
    }
    case.again().order("", &clause("as = \"mdbox\"\neverything = true"));
    case.run().ends_with(2).names(&["not in this version"]);
    // By its name it would be a single-dbox; there are several messages in it.
    case.file("/srv/mail/alice/storage/u.9", &stored);
    let package = run(&case, &records("\"/srv/mail/alice/storage/u.9\"", "everything = true"), "", 3);
    assert_eq!((package.exhibits().len(), package.shortfalls()), (0, short("not-the-format", 1)));
}

#[test]
fn a_single_dbox_that_is_not_whole_or_not_understood_is_short() {
    let plain = dovecot("sdbox-plain/u.1");
    let text = String::from_utf8(plain.clone()).unwrap();
    let behind = text.find("\n\u{1}\u{3}").unwrap();
    let mut damaged = dovecot("sdbox-gz/u.1");
    damaged[200] ^= 1;
    let cases = [
        ("parts elsewhere", replaced(&plain, "\nR660", "\nX1 12 34 B 0/attachment\nR660")),
        ("another size unpacked", replaced(&plain, "\nR660", "\nZ1\nR660")),
        ("a size that is none", replaced(&plain, "\nR660", "\nZx\nR660")),
        ("packed to another size", replaced(&dovecot("sdbox-gz/u.1"), "\nZ3fe\n", "\nZ3ff\n")),
        ("packed without a size", replaced(&dovecot("sdbox-gz/u.1"), "\nZ3fe\n", "\nY3fe\n")),
        ("packed and damaged", damaged),
        ("packed in Dovecot's own way", dovecot("sdbox-lz4/u.1")),
        ("a byte less", plain[..plain.len() - 1].to_vec()),
        ("no metadata", plain[..behind].to_vec()),
        ("half a message", plain[..behind / 2].to_vec()),
        ("a byte more", [plain.as_slice(), b"x"].concat()),
        ("twice", [plain.as_slice(), &plain].concat()),
        ("another size", replaced(&plain, "3FE", "3FF")),
        ("a size over everything", replaced(&plain, "00000000000003FE", "ffffffffffffffff")),
        ("another type", replaced(&plain, "\u{2}N", "\u{2}X")),
        ("another version", replaced(&plain, "2 M", "3 M")),
        ("no end of the message", replaced(&plain, "\n\u{1}\u{3}", "\n\u{1}\u{4}")),
        ("no dbox", b"Subject: a\n\nb\n".to_vec()),
    ];
    for (what, bytes) in cases {
        let case = Case::new();
        case.file(&format!("{SDBOX}/u.1"), bytes);
        let clause = records(&format!("\"{SDBOX}/u.1\""), "as = \"sdbox\"\neverything = true");
        let package = run(&case, &clause, "", 3);
        assert_eq!((package.exhibits().len(), package.shortfalls()), (0, short("not-the-format", 1)), "{what}");
    }
    // Times of receipt that nobody can have meant, two of them, and none.
    for (what, from, to) in [
        ("small", "\nR660a85a0", "\nR66"),
        ("negative", "\nR660", "\nRfffffff2"),
        ("two", "\nR660", "\nR660a0000\nR660"),
        ("none", "\nR660", "\nQ660"),
    ] {
        let case = Case::new();
        case.file(&format!("{SDBOX}/u.1"), replaced(&plain, from, to));
        let package = run(&case, &records(&format!("\"{SDBOX}/u.1\""), &window("delivered")), "", 3);
        assert_eq!((package.exhibits().len(), undecided(&package)), (0, 1), "{what}");
    }
}

/// What a splitter gave: records, and bytes that could not be read.
#[derive(Default)]
struct Kept(Vec<Vec<u8>>, u64);

impl RecordSink for Kept {
    fn record(&mut self, record: RawRecord<'_>) -> Result<(), Stop> {
        self.0.push(record.bytes.to_vec());
        Ok(())
    }

    fn separator(&mut self, bytes: u64) {
        panic!("{bytes} bytes between messages in a file of one");
    }

    fn unreadable(&mut self, bytes: u64, _: Unreadable) {
        self.1 += bytes;
    }
}

#[test]
fn no_changed_bit_and_no_cut_makes_another_message_of_a_single_dbox() {
    let message = dovecot("message-1.eml");
    for packing in ["plain", "gz", "bz2", "zstd"] {
        let stored = dovecot(&format!("sdbox-{packing}/u.1"));
        let plain_at = stored.windows(message.len()).position(|seen| seen == message);
        let split = |bytes: &[u8]| {
            let mut kept = Kept::default();
            format(Format::Sdbox).split(&mut { bytes }, None, &mut kept).unwrap();
            assert_eq!(kept.0.len() + usize::from(kept.1 == bytes.len() as u64), 1, "{packing}");
            kept.0.pop()
        };
        for at in 0..stored.len() {
            assert_eq!(split(&stored[..at]).filter(|_| at > 0), None, "{packing}, cut at {at}");
            for bit in 0..8 {
                let mut changed = stored.clone();
                changed[at] ^= 1 << bit;
                // Zstandard as Dovecot writes it has no checksum of the content.
                let is_in_text =
                    packing == "zstd" || plain_at.is_some_and(|begin| (begin..begin + message.len()).contains(&at));
                if let Some(read) = split(&changed).filter(|_| !is_in_text) {
                    assert!(read == message, "{packing}, bit {bit} at {at}");
                }
            }
        }
    }
}

/// Messages, and what the mailbox says of their delivery.
#[derive(Default)]
struct Mails {
    messages: Vec<Vec<u8>>,
    without_time: usize,
    unreadable: u64,
}

impl RecordSink for Mails {
    fn record(&mut self, record: RawRecord<'_>) -> Result<(), Stop> {
        self.messages.push(record.bytes.to_vec());
        let time = record.fields.time(Clock::Delivered);
        self.without_time += usize::from(matches!(time, TimeField::Lacks | TimeField::Unreadable));
        Ok(())
    }

    fn separator(&mut self, _: u64) {}

    fn unreadable(&mut self, bytes: u64, _: Unreadable) {
        self.unreadable += bytes;
    }
}

#[test]
fn real_mailboxes_carry_a_time_of_delivery_and_lengths_that_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora/mail/mbox");
    let Ok(files) = std::fs::read_dir(&folder) else {
        println!("corpora: {} is not there, its mailboxes are not read", folder.display());
        return;
    };
    let (mut messages, mut measured) = (0, 0);
    for path in files.map(|file| file.unwrap().path()) {
        let bytes = std::fs::read(&path).unwrap();
        let split = |which: Format| {
            let mut mails = Mails::default();
            format(which).split(&mut bytes.as_slice(), None, &mut mails).unwrap();
            mails
        };
        let plain = split(Format::Mbox);
        assert_eq!(plain.without_time, 0, "{}", path.display());
        messages += plain.messages.len();
        let lengths = bytes.windows(15).filter(|seen| seen == b"Content-Length:").count();
        for which in [Format::Mboxcl, Format::Mboxcl2] {
            let mails = split(which);
            if lengths == plain.messages.len() {
                // Every message has one, and each leads to where the next From_ line stands.
                // The empty line at the end of the file is the last message's, where nothing says how long that is.
                let text = |message: &Vec<u8>| message.trim_ascii_end().to_vec();
                let (last, before) = mails.messages.split_last().unwrap();
                let (plain_last, plain_before) = plain.messages.split_last().unwrap();
                let same = before == plain_before && text(last) == text(plain_last);
                let seen = (mails.messages.len(), mails.unreadable, same);
                assert_eq!(seen, (plain.messages.len(), 0, true), "{} as {}", path.display(), which.name());
                measured += mails.messages.len();
            } else {
                assert_eq!((lengths, mails.messages.len()), (0, 0), "{}", path.display());
                assert!(mails.unreadable > 0);
            }
        }
    }
    println!("mailboxes: {messages} messages with a time of delivery, {measured} by their length");
    assert!(messages > 200 && measured >= 180, "the mailboxes are there");
}

/// With the first of these put for the other, in a file that has it.
#[track_caller]
fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|seen| seen == from.as_bytes()).unwrap_or_else(|| panic!("{from:?}"));
    [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat()
}

#[test]
fn a_message_of_a_maildir_that_dovecot_packed_is_unpacked() {
    let folder = format!("{}/tests/fixture/dovecot", env!("CARGO_MANIFEST_DIR"));
    for packing in ["plain", "gz", "bz2", "zstd", "lz4"] {
        let case = Case::new();
        for name in ["cur", "new", "tmp"] {
            std::fs::create_dir_all(case.path(&format!("source/home/alice/Maildir/{name}"))).unwrap();
        }
        for file in std::fs::read_dir(format!("{folder}/maildir-{packing}")).unwrap() {
            let file = file.unwrap();
            let name = file.file_name().into_string().unwrap();
            assert!(name.contains(",S=") && name.contains(",W="), "{name}");
            case.file(&format!("/home/alice/Maildir/cur/{name}:2,S"), std::fs::read(file.path()).unwrap());
        }
        let clause = records("\"/home/alice/Maildir/**\"", &window("delivered"));
        if packing == "lz4" {
            // Dovecot's own frames of LZ4 have no end and no checksum.
            let package = run(&case, &clause, "", 3);
            assert_eq!((package.exhibits().len(), package.shortfalls()), (0, short("not-the-format", 2)));
            continue;
        }
        let package = run(&case, &clause, "", 0);
        let messages: Vec<_> = package.disclosed().into_iter().map(|(_, bytes)| bytes).collect();
        assert_eq!(messages, [dovecot("message-1.eml"), dovecot("message-3.eml")], "{packing}");
    }
}

#[test]
fn a_domain_with_letters_outside_ascii_is_undecided_where_a_message_writes_them() {
    let case = Case::new();
    for (name, from) in [
        ("a-label", "Bob <bob@XN--bcher-kva.example>"),
        ("u-label", "Bob <bob@b\u{fc}cher.example>"),
        ("other", "Bob <bob@b\u{fc}cher.test>"),
        ("other-person", "Carol <carol@b\u{fc}cher.example>"),
        ("ascii", "Bob <bob@buecher.example>"),
    ] {
        case.file(&format!("/mail/{name}.eml"), message(name).replace("bob@supplies.example", from));
    }
    let clause = records("\"/mail/*\"", "identifiers = [{ email = \"bob@xn--bcher-kva.example\", role = [\"from\"] }]");
    let package = run(&case, &clause, "", 3);
    let subjects = |package: &Package| -> Vec<String> {
        stated(package).iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
    };
    assert_eq!((subjects(&package), undecided(&package)), (vec!["a-label".to_owned()], 1));
    // Withheld in the one spelling, it is held back in both.
    let withhold = "\n[[withhold]]\nclass = \"privileged\"\nidentifiers = [{ domain = \"xn--bcher-kva.example\" }]\n";
    let package = run(&case, &records("\"/mail/*\"", "everything = true"), withhold, 3);
    assert_eq!((subjects(&package), undecided(&package)), (vec!["ascii".to_owned(), "other".to_owned()], 2));
    case.again().order("", &clause.replace("xn--bcher-kva", "b\u{fc}cher"));
    case.run().ends_with(2).names(&["not-punycode", "xn--"]);
}
