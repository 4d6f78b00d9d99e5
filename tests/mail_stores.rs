//! Mail as servers store it: mailboxes with Content-Length, and when a message was taken in.

mod case;

use case::{Case, Package, records, short};
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
    assert!(said.stdout.contains("2 consistent") || said.stdout.contains("consistent"), "{}", said.stdout);
    // A provider that names no host has no such clock.
    let package = run(&case, &clause, "", 3);
    assert_eq!((package.exhibits().len(), undecided(&package)), (0, 8));
    case.again().provider("[[source]]\nname = \"s\"\npath = \"source\"\nreceived_by = [\"mx1 shop\"]\n");
    case.run().ends_with(2).names(&["bad-host"]);
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
