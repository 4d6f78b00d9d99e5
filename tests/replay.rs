//! `extract replay`, through the program: what is the same comes out the same, and what is not is told apart and explained.
//!
//! **Invariant:** after every replay the folders that it was given hold what they held before.

mod case;
#[path = "fixture/resealed.rs"]
mod resealed;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use case::{Case, Said, text};
use extract::digest::Digest;
use extract::package::Agent;
use serde_json::Value;

/// 2024-03-25T10:00:00Z.
const MONDAY: u64 = 1_711_360_800;
const DAY: u64 = 86_400;

const CLAUSES: &str = r#"
[[clause]]
id = "1"
text = "the requests of 192.0.2.1 from 25 March to 28 March 2024"
source = "s"
category = "traffic"
paths = ["/var/log/access.log"]
take = "records"
identifiers = [{ ip = "192.0.2.1" }]
window = { from = 2024-03-25, through = 2024-03-28, clock = "record" }

[[clause]]
id = "2"
text = "the mail of alice@shop.example"
source = "s"
category = "content"
paths = ["/var/mail/alice"]
take = "records"
identifiers = [{ email = "alice@shop.example" }]

[[clause]]
id = "3"
text = "the documents last changed from 25 March to 28 March 2024"
source = "s"
category = "content"
paths = ["/home/**"]
take = "files"
window = { from = 2024-03-25, through = 2024-03-28, clock = "modified" }
"#;

fn message(number: usize, to: &str) -> String {
    format!(
        "From x@out.example Mon Mar 25 10:00:00 2024\nFrom: alice@shop.example\nTo: {to}\nMessage-ID: <{number}@shop.example>\n\
         Date: Mon, 25 Mar 2024 10:00:{number:02} +0000\nSubject: Number {number}\n\nWords {number}\n\n"
    )
}

/// A server with logs, mail and documents in scope and beside it, and its order; no package yet.
fn server() -> Case {
    let case = Case::new();
    let line = |client: &str, page: &str| {
        format!("{client} - - [26/Mar/2024:10:00:00 +0000] \"GET /{page} HTTP/1.1\" 200 512 \"-\" \"A/1\"\n")
    };
    let log = [line("192.0.2.1", "one"), line("192.0.2.11", "two"), line("192.0.2.1", "three")].concat();
    case.file_at("/var/log/access.log", log, MONDAY);
    let mail =
        (0..6).map(|number| message(number, if number == 4 { "counsel@lawfirm.example" } else { "bob@b.example" }));
    case.file_at("/var/mail/alice", mail.collect::<String>(), MONDAY);
    for name in ["b", "c", "d"] {
        case.file_at(&format!("/home/{name}.txt"), format!("The document {name}\n").repeat(300), MONDAY);
    }
    case.file_at("/srv/other.txt", "nobody asks for this\n", MONDAY);
    case.order("times = \"original\"", CLAUSES);
    case
}

/// The same with its package, `out.tar`.
fn packaged() -> Case {
    let case = server();
    case.run().ends_with(0);
    case
}

/// All that stands in a folder: path, size, times.
fn state(folder: &Path) -> Vec<(PathBuf, u64, Option<SystemTime>)> {
    let entries = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            let held = entry.metadata().unwrap();
            (entry.path().to_owned(), held.len(), held.modified().ok())
        })
        .collect()
}

fn sha256(bytes: impl AsRef<[u8]>) -> String {
    Digest::of(bytes.as_ref()).to_string()
}

/// Replays `out.tar`; nothing of the folder changes, and the temporary folder stays empty.
#[track_caller]
fn replay(case: &Case, more: &[&str]) -> Said {
    let before = state(&case.path(""));
    let temporary = tempfile::tempdir().unwrap();
    let arguments = [&["replay", "out.tar", "--order", "order.toml"], more].concat();
    let output = case.command(&arguments).env("TMPDIR", temporary.path()).output().unwrap();
    assert_eq!(state(&case.path("")), before, "a replay writes nothing");
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "a replay leaves nothing");
    Said {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Each difference in a line: how, path, members.
fn differences(json: &Value) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let list = |value: &Value| value.as_array().unwrap().iter().map(word).collect::<Vec<_>>().join(",");
    let line = |one: &Value| format!("{} {} {}", word(&one["how"]), word(&one["path"]), list(&one["members"]));
    json["differences"].as_array().unwrap().iter().map(|one| line(one).trim_end().to_owned()).collect()
}

/// Each explanation in a word, with a question mark where it is not certain.
fn causes(json: &Value) -> Vec<String> {
    let one = |one: &Value| {
        let mark = if one["certain"] == true { "" } else { "?" };
        format!("{}{mark}", one["cause"].as_str().unwrap())
    };
    json["explained_by"].as_array().unwrap().iter().map(one).collect()
}

#[track_caller]
fn assert_identical(said: &Said, what: &str) {
    assert_eq!(said.code, Some(0), "{what}: {}{}", said.stdout, said.stderr);
    let json = said.json();
    assert_eq!((&json["identical"], &json["digest"]), (&Value::Bool(true), &json["replayed_digest"]), "{what}");
    assert_eq!((differences(&json).len(), causes(&json).len()), (0, 0), "{what}");
}

#[test]
fn the_example_orders_are_replayed_to_the_same_digest_by_any_number_of_threads() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // The second is short, and a replay of what is short is the same all the same.
    for (id, code) in [("2024-17", 0), ("2024-18", 3)] {
        let folder = tempfile::tempdir().unwrap();
        let package = folder.path().join("a.tar");
        let order = format!("orders/{id}.toml");
        let extract = |arguments: &[&str]| {
            Command::new(env!("CARGO_BIN_EXE_extract")).args(arguments).current_dir(root).output().unwrap()
        };
        let made = extract(&["--order", &order, "--output", text(&package), "--quiet"]);
        assert_eq!(made.status.code(), Some(code), "{}", String::from_utf8_lossy(&made.stderr));
        for threads in ["1", "3"] {
            let done = extract(&["replay", text(&package), "--order", &order, "--threads", threads]);
            let (said, error) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
            assert_eq!((done.status.code(), error.as_ref()), (Some(0), ""), "{id}: {said}");
            assert!(said.starts_with(&format!("identical: the order {id}")), "{said}");
            let quiet = extract(&["replay", text(&package), "--order", &order, "--threads", threads, "--quiet"]);
            assert_eq!((quiet.status.code(), quiet.stdout.len(), quiet.stderr.len()), (Some(0), 0, 0), "{id}");
        }
    }
}

/// What is done to a source, and what is to be said of it: how, path, members.
type Row = (&'static str, fn(&Case), &'static [&'static str]);

fn edit(case: &Case, path: &str, from: &str, to: &str) {
    let file = case.path(&format!("source{path}"));
    let old = fs::read_to_string(&file).unwrap();
    assert!(old.contains(from), "{path} has no {from}");
    case.file_at(path, old.replace(from, to), MONDAY);
}

fn touch(case: &Case, path: &str, at: u64) {
    let content = fs::read(case.path(&format!("source{path}"))).unwrap();
    case.file_at(path, content, at);
}

const ROWS: [Row; 14] = [
    ("nothing", |_| {}, &[]),
    ("a line that nobody asks for", |case| edit(case, "/var/log/access.log", "/two", "/owt"), &[]),
    ("a file that nobody asks for", |case| edit(case, "/srv/other.txt", "nobody", "no man"), &[]),
    ("the time of a log whose lines have their own", |case| touch(case, "/var/log/access.log", MONDAY + 9 * DAY), &[]),
    (
        "a byte of a line",
        |case| edit(case, "/var/log/access.log", "/three", "/threE"),
        &["content /var/log/access.log sha256,records"],
    ),
    (
        "a line more",
        |case| edit(case, "/var/log/access.log", "192.0.2.11 ", "192.0.2.1 "),
        &["content /var/log/access.log sha256,bytes,records"],
    ),
    (
        "a byte of a message",
        |case| edit(case, "/var/mail/alice", "Words 2", "words 2"),
        &["content /var/mail/alice sha256"],
    ),
    (
        "a message less",
        |case| edit(case, "/var/mail/alice", &message(1, "bob@b.example"), ""),
        &["missing /var/mail/alice"],
    ),
    (
        "a byte of a file",
        |case| edit(case, "/home/c.txt", "The document c\nThe", "The document c\nthe"),
        &["content /home/c.txt sha256"],
    ),
    (
        "the time of a file, within the window",
        |case| touch(case, "/home/c.txt", MONDAY + DAY),
        &["ledger /home/c.txt time"],
    ),
    (
        "the time of a file, out of the window",
        |case| touch(case, "/home/c.txt", MONDAY + 9 * DAY),
        &["missing /home/c.txt"],
    ),
    ("a file more, before the others", |case| case.file_at("/home/a.txt", "new", MONDAY), &["new /home/a.txt"]),
    ("a file less", |case| fs::remove_file(case.path("source/home/b.txt")).unwrap(), &["missing /home/b.txt"]),
    (
        "a file under another name",
        |case| fs::rename(case.path("source/home/b.txt"), case.path("source/home/e.txt")).unwrap(),
        &["missing /home/b.txt", "new /home/e.txt"],
    ),
];

#[test]
fn what_changed_in_a_folder_is_told_by_exhibit_and_what_is_out_of_scope_does_not_matter() {
    for (what, change, expected) in ROWS {
        let case = packaged();
        change(&case);
        let said = replay(&case, &["--json"]);
        if expected.is_empty() {
            assert_identical(&said, what);
            continue;
        }
        assert_eq!(said.code, Some(1), "{what}: {}{}", said.stdout, said.stderr);
        let json = said.json();
        let mut found = differences(&json);
        found.sort();
        assert_eq!(found, expected, "{what}");
        assert_eq!(causes(&json), ["source"], "{what}: {json}");
        assert_eq!(json["not_told"][0], "signature");
        // The same for people, and of content nothing.
        let words = replay(&case, &[]).stdout;
        let path = expected[0].split(' ').nth(1).unwrap();
        for part in ["different: the order 2024-17", path, "What explains it", "the source s: it is a folder"] {
            assert!(words.contains(part), "{what}: no {part} in\n{words}");
        }
        for content in ["Words", "The document", "GET /", "Subject"] {
            assert!(!words.contains(content) && !said.stdout.contains(content), "{what}: {content} in\n{words}");
        }
    }
}

#[test]
fn times_of_a_folder_that_are_not_the_server_s_own_do_not_matter() {
    let case = server();
    case.order("", &case::files("\"/home/**\"", ""));
    case.run().ends_with(0);
    touch(&case, "/home/c.txt", MONDAY + 9 * DAY);
    assert_identical(&replay(&case, &["--json"]), "times");
}

#[test]
fn a_difference_names_both_numbers_and_digests_and_the_clause() {
    let case = packaged();
    let of = |path: &str| sha256(fs::read(case.path(path)).unwrap());
    let old = of("source/home/c.txt");
    case.file_at("/home/a.txt", "new", MONDAY);
    edit(&case, "/home/c.txt", "The document c\nThe", "The document c\nthe");
    let json = replay(&case, &["--json"]).json();
    let exhibits = case::Package::read(&case.path("out.tar")).exhibits();
    let number = exhibits.iter().find(|exhibit| exhibit["path"] == "/home/c.txt").unwrap()["exhibit"].as_u64().unwrap();
    let all = json["differences"].as_array().unwrap();
    let changed = all.iter().find(|one| one["path"] == "/home/c.txt").unwrap();
    let expected = serde_json::json!({
        "exhibit": number, "replayed_exhibit": number + 1, "source": "s", "path": "/home/c.txt", "clauses": ["3"],
        "how": "content", "members": ["sha256"], "sha256": old, "replayed_sha256": of("source/home/c.txt"),
    });
    assert_eq!((all.len(), changed), (2, &expected), "{json}");
    let clause = json["clauses"].as_array().unwrap().iter().find(|one| one["what"] == "files").unwrap();
    assert_eq!((&clause["clause"], &clause["packaged"], &clause["replayed"]), (&"3".into(), &"3".into(), &"4".into()));
}

#[test]
fn another_provider_file_is_said_and_what_it_withholds_is_missing() {
    let case = packaged();
    let mut with = "[[source]]\nname = \"s\"\npath = \"source\"\n".to_owned();
    // Another name on it, and nothing else: only its own digest differs.
    case.provider(&with.replace("path", "# A remark.\npath"));
    let said = replay(&case, &["--json"]);
    said.ends_with(1);
    assert_eq!(
        (differences(&said.json()).len(), causes(&said.json())),
        (0, vec!["provider-file".to_owned()]),
        "{said:?}"
    );
    assert!(said.stdout.contains("no exhibit and no count differs"), "{}", said.stdout);
    assert!(replay(&case, &[]).stdout.contains("No exhibit differs."));
    with.push_str("\n[[withhold]]\nclass = \"privileged\"\nidentifiers = [{ domain = \"lawfirm.example\" }]\n");
    case.provider(&with);
    let said = replay(&case, &["--json"]);
    said.ends_with(1);
    let json = said.json();
    assert_eq!(differences(&json), ["missing /var/mail/alice"], "{json}");
    assert_eq!(causes(&json), ["source?", "provider-file"], "{json}");
    let withheld = json["clauses"].as_array().unwrap().iter().find(|one| one["what"] == "withheld").unwrap();
    assert_eq!((&withheld["packaged"], &withheld["replayed"]), (&Value::from("0"), &Value::from("1")));
    assert!(
        !said.stdout.contains("lawfirm") && !replay(&case, &[]).stdout.contains("lawfirm"),
        "a withhold is never named"
    );
    // A whole file with other bytes is no withhold's doing.
    edit(&case, "/home/c.txt", "The document c\nThe", "The document c\nthe");
    assert_eq!(causes(&replay(&case, &["--json"]).json()), ["source", "provider-file"]);
}

#[test]
fn another_version_of_the_zone_data_is_said_where_something_differs() {
    let case = packaged();
    let own = Agent::own();
    let good = fs::read(case.path("out.tar")).unwrap();
    let other = |_: &str, text: String| text.replace(&format!("tz database {}", own.zones), "tz database 1999a");
    fs::write(case.path("out.tar"), resealed::resealed(&good, "bag-info.txt", other)).unwrap();
    assert_identical(&replay(&case, &["--json"]), "what differs of the zones and changes nothing is no difference");
    edit(&case, "/var/log/access.log", "/three", "/threE");
    let json = replay(&case, &["--json"]).json();
    assert_eq!(causes(&json), ["source?", "zones"], "{json}");
    assert_eq!((&json["zones"], &json["replayed_zones"]), (&Value::from("1999a"), &Value::from(own.zones.as_str())));
    let words = replay(&case, &[]).stdout;
    assert!(words.contains("made by the tz database 1999a"), "{words}");
}

#[test]
fn a_ledger_of_many_megabytes_is_replayed() {
    let case = Case::new();
    let line = |number: usize| {
        let (minute, second) = (number / 60 % 60, number % 60);
        format!("192.0.2.1 - - [26/Mar/2024:10:{minute:02}:{second:02} +0000] \"GET /{number} HTTP/1.1\" 200 5\n")
    };
    case.file_at("/var/log/access.log", (0..80_000).map(line).collect::<String>(), MONDAY);
    case.order("times = \"original\"", CLAUSES);
    case.run().ends_with(3);
    let size = fs::metadata(case.path("out.tar")).unwrap().len();
    assert!(size > 16 << 20, "{size} bytes: the ledger must not fit into the memory that it waits in");
    assert_identical(&replay(&case, &["--json"]), "a large ledger");
    edit(&case, "/var/log/access.log", "/79999 ", "/79998 ");
    let json = replay(&case, &["--json"]).json();
    assert_eq!(differences(&json), ["content /var/log/access.log sha256,records"]);
}

#[test]
fn another_path_thread_count_and_user_give_the_same() {
    let case = packaged();
    let elsewhere = tempfile::tempdir().unwrap();
    case::tool("cp", &["-a", text(&case.path("source")), text(&elsewhere.path().join("a copy"))]);
    let source = format!("s={}", elsewhere.path().join("a copy").display());
    for threads in ["1", "2", "7"] {
        assert_identical(&replay(&case, &["--json", "--threads", threads, "--source", &source]), threads);
    }
    if !rustix::process::geteuid().is_root() {
        println!("another user: not tried, only root can become one");
        return;
    }
    let program = elsewhere.path().join("extract");
    case::tool("cp", &[env!("CARGO_BIN_EXE_extract"), text(&program)]);
    for path in [text(&case.path("")), text(elsewhere.path()), text(&case.path("out.tar"))] {
        case::tool("chmod", &["a+rX", path]);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(&program).arg("replay");
    command.arg(case.path("out.tar")).arg("--order").arg(case.path("order.toml")).args(["--source", &source]);
    let done = command.current_dir("/").output().unwrap();
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
}

/// An order that could be run then and has expired since.
#[test]
fn an_order_that_has_expired_since_is_replayed_all_the_same() {
    use extract::cli::manifest::{self, SourcesGiven};
    use extract::extract::{Job, Output, Progress, run};
    struct Silent;
    impl Progress for Silent {
        fn total(&self, _: u64) {}
        fn advance(&self, _: u64) {}
    }
    let case = server();
    case.order_on("source", "expires = 2024-05-08", "times = \"original\"", CLAUSES);
    let given = SourcesGiven { scratch: std::env::temp_dir(), ..SourcesGiven::default() };
    let loaded = manifest::load(&case.path("order.toml"), &given, None, false).unwrap();
    let output = Output::Package {
        path: case.path("out.tar"),
        recipients: None,
        audit: case.path("2024-17.audit.jsonl"),
        custodian: loaded.custodian.clone(),
        operator: Box::default(),
        own: Default::default(),
    };
    run(&Job {
        order: &loaded.order,
        provider: loaded.provider.as_ref(),
        sources: loaded.locations.clone(),
        threads: 1,
        output,
        progress: &Silent,
        stop: &std::sync::atomic::AtomicBool::new(false),
        now: || extract::clock::Timestamp::parse_rfc3339("2024-05-08T12:00:00Z").unwrap(),
    })
    .unwrap();
    assert_identical(&replay(&case, &["--json"]), "expired");
    case.again().run().ends_with(1).names(&["expired"]);
}

/// The image with one byte of `needle` changed, where it stands first.
fn flip(image: &Path, needle: &[u8]) {
    let mut bytes = fs::read(image).unwrap();
    let at = bytes.windows(needle.len()).position(|piece| piece == needle).unwrap();
    bytes[at] ^= 0x20;
    fs::write(image, bytes).unwrap();
}

#[test]
fn an_image_is_known_by_its_digest_whether_an_exhibit_differs_or_not() {
    let case = server();
    case.order("", CLAUSES);
    let image = case.make_ext4();
    let stated = sha256(fs::read(&image).unwrap());
    // The order states it: a run on another image is refused, and a replay says what came of it.
    case.write_order(
        &fs::read_to_string(case.path("order.toml"))
            .unwrap()
            .replace("name = \"s\"\n", &format!("name = \"s\"\nsha256 = \"{stated}\"\n")),
    );
    case.run().ends_with(0);
    assert_identical(&replay(&case, &["--json"]), "an image");
    let original = fs::read(&image).unwrap();
    let rows: [(&str, &[u8], &[&str]); 2] = [
        ("out of scope", b"nobody asks for this", &[]),
        ("in scope", b"The document c", &["content /home/c.txt sha256"]),
    ];
    for (what, needle, expected) in rows {
        fs::write(&image, &original).unwrap();
        flip(&image, needle);
        let said = replay(&case, &["--json"]);
        said.ends_with(1);
        let json = said.json();
        assert_eq!(
            (differences(&json), causes(&json)),
            (expected.iter().map(|&one| one.to_owned()).collect(), vec!["source".to_owned()]),
            "{what}"
        );
        let now = sha256(fs::read(&image).unwrap());
        let words = json["explained_by"][0]["text"].as_str().unwrap();
        assert!(words.contains(&stated) && words.contains(&now), "{what}: {words}");
    }
    case.again().run().ends_with(1).names(&["it is not the image that was received"]);
}

#[test]
fn an_image_in_the_place_of_a_folder_is_said() {
    let case = packaged();
    let image = case.make_ext4();
    case.provider("[[source]]\nname = \"s\"\npath = \"source\"\n");
    let source = format!("s={}", image.display());
    let said = replay(&case, &["--json", "--source", &source]);
    // The order says `times = "original"`, which nobody can say of an image.
    said.ends_with(1).names(&["which is an image"]);
    case.again().order("", &case::files("\"/home/**\"", "")).run().ends_with(0);
    let said = replay(&case, &["--json", "--source", &source]);
    said.ends_with(1);
    assert_eq!(causes(&said.json()), ["source"]);
    assert!(
        said.stdout.contains("it was folder when the package was made, and is raw with SHA-256"),
        "{}",
        said.stdout
    );
}

#[test]
fn a_package_that_does_not_verify_is_not_replayed() {
    let case = packaged();
    flip(&case.path("out.tar"), b"The document c");
    let said = replay(&case, &["--json"]);
    said.ends_with(1).names(&["does not verify", "is not replayed", "extract verify out.tar"]);
    assert_eq!(said.stdout, "");
    fs::write(case.path("out.tar"), b"no tar").unwrap();
    replay(&case, &[]).ends_with(1).names(&["does not verify"]);
    fs::remove_file(case.path("out.tar")).unwrap();
    replay(&case, &[]).ends_with(1).names(&["out.tar"]);
}

#[test]
fn another_order_is_refused_with_both_digests() {
    let case = packaged();
    let packaged = sha256(fs::read(case.path("order.toml")).unwrap());
    let order = format!("{}\n# A remark.\n", fs::read_to_string(case.path("order.toml")).unwrap());
    case.write_order(&order);
    let given = sha256(&order);
    let said = replay(&case, &["--json"]);
    said.ends_with(1).names(&["not the order of the package", "order.toml was given", &packaged, &given]);
    // Not an order at all: it is not the package's either, and that is what matters.
    case.write_order("no order\n");
    replay(&case, &[]).ends_with(1).names(&["not the order of the package"]);
}

#[test]
fn a_command_that_is_not_valid_ends_with_2() {
    let case = packaged();
    let missing = ["replay", "out.tar", "--order", "no-such-order.toml"];
    let unknown = ["replay", "out.tar", "--order", "order.toml", "--source", "t=source"];
    for arguments in [&["replay", "out.tar"][..], &missing, &unknown] {
        case.extract(arguments).ends_with(2);
    }
    fs::write(case.path("order.provider.toml"), "schema = \"provider/1\"\n").unwrap();
    replay(&case, &[]).ends_with(2);
}

#[test]
fn a_replay_that_is_stopped_leaves_nothing_however_it_ends() {
    use rustix::process::{Pid, Signal, kill_process};
    let case = packaged();
    // No machine reads that while a signal is on its way.
    fs::File::options().write(true).open(case.path("source/var/log/access.log")).unwrap().set_len(1 << 40).unwrap();
    let before = state(&case.path(""));
    for signal in [Signal::INT, Signal::TERM, Signal::KILL] {
        let temporary = tempfile::tempdir().unwrap();
        let mut command = case.command(&["replay", "out.tar", "--order", "order.toml"]);
        let mut child =
            command.env("TMPDIR", temporary.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let begun = Instant::now();
        let has_read = |id: u32| {
            let counters = fs::read_to_string(format!("/proc/{id}/io")).unwrap_or_default();
            let read = counters.lines().find_map(|line| line.strip_prefix("rchar: ")?.parse::<u64>().ok());
            read.is_some_and(|read| read > 8 * 1024 * 1024)
        };
        while !has_read(child.id()) && child.try_wait().unwrap().is_none() && begun.elapsed() < Duration::from_secs(60)
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        kill_process(Pid::from_child(&child), signal).unwrap();
        let done = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        if signal != Signal::KILL {
            assert_eq!(done.status.code(), Some(1), "{said}");
            assert!(said.contains("interrupted") && said.contains("nothing is left"), "{said}");
        }
        assert!(done.stdout.is_empty());
        assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "{signal:?}");
        assert_eq!(state(&case.path("")), before, "{signal:?}");
    }
}
