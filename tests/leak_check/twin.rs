//! Orders whose packages hold much that looks like a leak and is none.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use extract::digest::Digest;
use extract::package::OwnNames;

use super::case::{self, Case};
use super::{leaks, made};

/// An order and its source.
pub struct Twin {
    pub name: &'static str,
    /// Plants are put into its package too.
    pub is_planted: bool,
    pub make: fn() -> Case,
}

pub const CASES: &[Twin] = &[
    Twin { name: "records, messages and whole files", is_planted: true, make: mixed },
    Twin { name: "everything below the root", is_planted: true, make: everything },
    Twin { name: "positions and counts", is_planted: true, make: positions },
    Twin { name: "nothing to disclose", is_planted: true, make: nothing },
    Twin { name: "fields alone", is_planted: true, make: reduced },
    Twin { name: "an order full of hosts and markup", is_planted: false, make: wordy },
    Twin { name: "every form of an identifier", is_planted: false, make: identifiers },
    Twin { name: "many lines of many days", is_planted: false, make: many },
    Twin { name: "short and undecided", is_planted: false, make: short },
    Twin { name: "an archive that is opened", is_planted: false, make: archive },
];

const MAIL: &str = "From x Mon Mar 25 10:00:00 2024\nFrom: alice@shop.example\nTo: bob@x.example\nDate: Mon, 25 Mar 2024 10:00:00 +0000\n\none\n\nFrom x Mon Mar 25 10:00:00 2024\nFrom: carol@x.example\nTo: Alice <alice@shop.example>\nDate: Tue, 26 Mar 2024 10:00:00 +0000\n\ntwo\n";

/// A clause of another id than `1`.
fn numbered(id: &str, clause: &str) -> String {
    clause.replace("id = \"1\"", &format!("id = \"{id}\""))
}

/// Paths that hold addresses, hosts and IPs, which the order's globs let out.
fn fill(case: &Case) {
    let lines: Vec<String> = (1..25)
        .map(|day| case::log_line("192.0.2.1", &format!("{day:02}/Mar/2024:12:00:0{} +0000", day % 10)))
        .collect();
    case.file("/var/log/www.other.example/access.log", lines.concat());
    case.file("/var/log/198.51.100.9/access.log", case::log_line("192.0.2.1", "26/Mar/2024:12:00:00 +0000"));
    case.file("/var/mail/mallory@other.example", MAIL);
    case.file_at("/etc/hosts.d/[2001:db8::9]:25", "x\n", 1_711_929_600);
    case.file("/etc/mail01.lab.example.conf", "host = mx.third.example\n");
    case.file("/etc/big", vec![b'x'; 700_000]);
    let odd =
        case.path("source/etc").join(OsStr::from_bytes(b"caf\xe9 <mallory@other.example>&amp;\"\\u0040\"\n.conf"));
    std::fs::write(odd, "odd\n").unwrap();
}

fn clauses() -> String {
    let log = case::records("\"/var/log/**\"", "identifiers = [{ ip = \"192.0.2.1\" }]")
        .replace("\"content\"", "\"traffic\"");
    let mail = case::records("\"/var/mail/*\"", "identifiers = [{ email = \"Alice@Shop.Example\" }]");
    let window = "window = { from = 2024-03-25, through = 2024-04-07, clock = \"modified\" }";
    [
        log,
        numbered("2", &mail),
        numbered("3", &case::files("\"/etc/**\"", "")),
        numbered("4", &case::files("\"/etc/hosts.d/*\"", window)),
    ]
    .concat()
}

fn mixed() -> Case {
    let case = Case::new();
    fill(&case);
    case.order("times = \"original\"", &clauses());
    case
}

fn everything() -> Case {
    let case = Case::new();
    fill(&case);
    case.order("", &case::files("\"/**\"", ""));
    case
}

fn positions() -> Case {
    let case = Case::new();
    fill(&case);
    case.order_on("source", "disclose = { positions = true, examined = true }", "times = \"original\"", &clauses());
    case
}

fn nothing() -> Case {
    let case = Case::new();
    case.order("", &case::files("\"/etc/nothing.example.conf\", \"/srv/**\"", ""));
    case
}

fn reduced() -> Case {
    let case = Case::new();
    fill(&case);
    let fields = "identifiers = [{ ip = \"192.0.2.1\" }]\nas = \"access-log\"\nfields = [\"time\", \"client\"]";
    let headers = "identifiers = [{ email = \"alice@shop.example\" }]\nunit = \"headers\"";
    let log = case::records("\"/var/log/**\"", fields).replace("\"content\"", "\"traffic\"");
    case.order("", &[log, numbered("2", &case::records("\"/var/mail/*\"", headers))].concat());
    case
}

fn wordy() -> Case {
    let case = Case::new();
    fill(&case);
    let text = "text = '''all of <b>mallory@other.example</b> & \"co\" at www.third.example, 203.0.113.9 and\n[2001:DB8::77]:443 \\u0041 &#64; %41; see http://case.example/?a=1&b=2 and version 1.2.3'''";
    let clause =
        case::files("\"/etc/mail01.lab.example.conf\"", "").replace("text = \"the files named in the order\"", text);
    let head = "court = \"Crown Court at Example (listing@court.example)\"";
    case.order_on("source", head, "", &clause);
    case
}

fn identifiers() -> Case {
    let case = Case::new();
    fill(&case);
    let list = "identifiers = [{ email = \"Bob+X@Mail.Other.Example\" }, { domain = \"ThirD.example\" }, { domain = \".fourth.example\" }, \
                { ip = \"2001:DB8:0:0:0:0:0:1\" }, { ip = \"::ffff:203.0.113.5\" }, { cidr = \"198.51.100.0/24\" }, \
                { ip = \"203.0.113.6\", port = 8443 }, { host = \"MX.Fifth.Example\" }, { account = \"x.carter7\" }, { token = \"a-b_c%d\" }]";
    case.order("", &case::records("\"/var/log/**\", \"/var/log/no-such.example.log\"", list));
    case
}

fn many() -> Case {
    let case = Case::new();
    let mut text = String::new();
    for n in 0..3_000u32 {
        let (day, month) = (n % 28 + 1, ["Jan", "Feb", "Mar", "Apr"][(n / 700 % 4) as usize]);
        let time = format!("{day:02}/{month}/20{:02}:{:02}:{:02}:{:02} +0000", 10 + n % 15, n % 24, n % 60, n * 7 % 60);
        text.push_str(&case::log_line(if n % 3 == 0 { "192.0.2.1" } else { "192.0.2.2" }, &time));
    }
    text.push_str("192.0.2.1 - - [no time] \"GET / HTTP/1.1\" 200 1\n");
    case.file("/log/a.log", &text);
    let one = |ip: &str| {
        case::records("\"/log/*\"", &format!("identifiers = [{{ ip = \"{ip}\" }}]"))
            .replace("\"content\"", "\"traffic\"")
    };
    let cidr = case::records("\"/log/*\"", "identifiers = [{ cidr = \"192.0.2.0/24\" }]")
        .replace("\"content\"", "\"traffic\"");
    case.order("", &[one("192.0.2.1"), numbered("2", &one("192.0.2.2")), numbered("3", &cidr)].concat());
    case
}

fn short() -> Case {
    let case = Case::new();
    fill(&case);
    case.file("/var/log/odd.log", "not a line of a log: 192.0.2.1\n");
    std::os::unix::fs::symlink("/etc/big", case.path("source/etc/link")).unwrap();
    let more = case::files("\"/etc/link\", \"/no.such.example/path\"", "");
    case.order("times = \"original\"", &[clauses(), numbered("9", &more)].concat());
    case
}

fn archive() -> Case {
    let case = Case::new();
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in [("etc/mallory@other.example", "x\n"), ("etc/www.third.example.conf", "y\n")] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        header.set_cksum();
        archive.append_data(&mut header, name, content.as_bytes()).unwrap();
    }
    case.file("/backup/2024.tar", archive.into_inner().unwrap());
    case.order("", &case::files("\"/backup/2024.tar/**\"", "archives = \"open\""));
    case
}

/// The program itself checks each before it seals it; here the names of many machines are asked about too.
#[test]
fn no_good_package_is_stopped_whatever_the_machine_is_called() {
    for twin in CASES {
        let case = (twin.make)();
        let good = made(twin.name, &case);
        case.package();
        let mut own = OwnNames::default();
        // Words of the package itself, of its order and of its paths; numbers and single letters.
        for name in [
            "order",
            "extract",
            "provider",
            "records",
            "data",
            "content",
            "Duty",
            "officer",
            "clause",
            "s",
            "v1",
            "7",
            "2024",
            "mail",
            "log",
            "etc",
            "root",
            "localhost",
            "localhost.localdomain",
        ] {
            own.add_login(name);
            own.add_host(name);
        }
        // They stand in paths that the clauses ask for, or in the order.
        for name in ["mail01.lab.example", "www.other.example", "other.example", "mallory@other.example", "OP-123"] {
            own.add_host(name);
        }
        for path in ["/", "/tmp", "/var", "/root", "/var/log", "/etc/hosts.d"] {
            own.add_path(std::path::Path::new(path));
        }
        own.add_source(std::path::Path::new("/etc"));
        own.add_source(&case.path("source"));
        own.add_path(&case.path("out.tar"));
        assert_eq!(leaks(&good.tar, good.order_sha256, &own), [], "{}", twin.name);
        // Another order's sum: what stands in `order.toml` counts only if it is the order.
        let other = leaks(&good.tar, Digest::of(b"another order"), &own);
        assert_eq!(other.first().map(|leak| leak.member.as_str()), Some("order.toml"), "{}", twin.name);
    }
}
