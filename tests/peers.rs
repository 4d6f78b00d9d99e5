//! What today's tools got wrong, each by its letter, through the program.

mod case;

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;

use case::{Case, Package, files, log_line, make_unreadable, records, short, text, tool};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

/// 2023-12-01T00:00:00Z.
const DECEMBER: u64 = 1_701_388_800;
const HOUR: u64 = 3_600;

#[test]
fn peers_a_through_is_the_whole_last_day() {
    let case = Case::new();
    for hour in 0..744 {
        case.file_at(&format!("/srv/h{hour:03}"), hour.to_string(), DECEMBER + hour * HOUR + HOUR / 2);
    }
    case.file_at("/srv/first", "first", DECEMBER);
    case.file_at("/srv/last", "last", DECEMBER + 744 * HOUR - 1);
    case.file_at("/srv/before", "before", DECEMBER - 1);
    case.file_at("/srv/after", "after", DECEMBER + 744 * HOUR);
    let window = "window = { from = 2023-12-01, through = 2023-12-31, clock = \"modified\" }";
    case.order("times = \"original\"", &files("\"/srv/*\"", window));
    case.run().ends_with(0);
    let package = case.package();
    let paths: Vec<String> = package.disclosed().into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths.iter().filter(|path| path.starts_with("/srv/h")).count(), 744);
    assert!(paths.contains(&"/srv/first".to_owned()) && paths.contains(&"/srv/last".to_owned()));
    assert_eq!(paths.len(), 746, "neither the second before nor the second after");
    assert_eq!(package.disclosure()["totals"]["files"], 746);
}

#[test]
fn peers_b_a_clock_that_the_source_lacks_is_undecided_and_discloses_nothing() {
    // A file system without times of creation; a folder whose times are not said to be the server's own.
    for (clock, image) in [("created", true), ("modified", false), ("created", false)] {
        let case = Case::new();
        case.file_at("/srv/a", "alpha", DECEMBER);
        case.file_at("/srv/b", "beta", DECEMBER);
        let window = format!("window = {{ from = 1990-01-01, through = 2024-04-01, clock = \"{clock}\" }}");
        case.order("", &files("\"/srv/**\"", &window));
        if image {
            case.make_ext("ext2", "128");
        }
        case.run().ends_with(3);
        let package = case.package();
        let disclosure = package.disclosure();
        assert_eq!(disclosure["clauses"][0]["outcome"], "undecided", "{clock}");
        assert_eq!(disclosure["clauses"][0]["undecided"], 2, "{clock}");
        assert_eq!(disclosure["totals"]["files"], 0, "{clock}");
        assert_eq!(package.member("exhibits.jsonl"), b"", "{clock}");
        let data: Vec<&String> = package.names.iter().filter(|name| name.starts_with("data/")).collect();
        assert_eq!(data, ["data/000000.txt"], "{clock}");
    }
}

/// Three files of some blocks on an ext4 image, of which the second cannot be read.
fn three_files_one_unreadable() -> (Case, Vec<(String, Vec<u8>)>) {
    let case = Case::new();
    let mut readable = Vec::new();
    for (place, name) in ["a", "b", "c"].into_iter().enumerate() {
        let content: Vec<u8> = (0..9_000 + place).map(|at| b"ABC"[place] + u8::try_from(at % 20).unwrap()).collect();
        case.file_at(&format!("/srv/{name}"), &content, DECEMBER + HOUR);
        if name != "b" {
            readable.push((format!("/srv/{name}"), content));
        }
    }
    case.order("", &files("\"/srv/*\"", ""));
    make_unreadable(&case.make_ext4(), "/srv/b");
    (case, readable)
}

#[test]
fn peers_c_an_unreadable_file_is_a_shortfall_and_not_a_success() {
    let (case, _) = three_files_one_unreadable();
    let said = case.run();
    said.ends_with(3);
    let package = case.package();
    assert_eq!(package.shortfalls(), short("unreadable-file", 1));
    assert_eq!(package.disclosure()["totals"]["files"], 2);
    let report = String::from_utf8_lossy(package.member("report.html")).into_owned();
    assert!(report.contains("unreadable-file") || report.to_lowercase().contains("could not be read"), "{report}");
    // The preview says so before anything is sealed.
    let preview = case.extract(&["--order", "order.toml", "--dry-run", "--json"]);
    preview.ends_with(3);
    assert_eq!(case::shortfalls(&preview.json()), short("unreadable-file", 1));
}

#[test]
fn peers_d_the_preview_and_the_run_use_one_window() {
    let case = Case::new();
    let (client, other) = ("192.0.2.1", "192.0.2.2");
    let lines = [
        log_line(client, "24/Mar/2024:23:59:59 +0000"),
        log_line(client, "25/Mar/2024:00:00:00 +0000"),
        log_line(other, "25/Mar/2024:00:00:00 +0000"),
        log_line(client, "07/Apr/2024:23:59:59 +0100"),
        log_line(client, "08/Apr/2024:00:00:00 +0100"),
    ];
    case.file("/var/log/access.log", lines.concat());
    let more = "identifiers = [{ ip = \"192.0.2.1\" }]\n\
                window = { from = 2024-03-25, through = 2024-04-07, clock = \"record\" }";
    case.order("", &records("\"/var/log/access.log\"", more));
    let preview = case.extract(&["--order", "order.toml", "--dry-run", "--json"]);
    preview.ends_with(0);
    let preview = preview.json();
    // For people: the window as the program understands it, in UTC; the first day is winter time, the last is not.
    let shown = case.extract(&["--order", "order.toml", "--dry-run"]);
    shown.ends_with(0);
    assert!(shown.stdout.contains("2024-03-25T00:00:00Z"), "{}", shown.stdout);
    assert!(shown.stdout.contains("2024-04-07T23:00:00Z"), "{}", shown.stdout);
    case.nothing_was_left();

    case.run().ends_with(0);
    let package = case.package();
    assert_eq!(
        package.disclosed(),
        [("/var/log/access.log".to_owned(), [&*lines[1], &lines[3]].concat().into_bytes())]
    );
    let sealed = package.disclosure();
    for member in ["digest", "totals", "clauses", "shortfalls", "ledger_sha256", "sources", "order_sha256"] {
        // The preview's clauses may say more (`outside`, `examined`); what the package says is in it.
        if member == "clauses" {
            let said = sealed["clauses"][0].as_object().unwrap();
            assert!(said.iter().all(|(key, value)| preview["clauses"][0][key] == *value), "{preview}");
        } else {
            assert_eq!(preview[member], sealed[member], "{member}");
        }
    }
}

#[test]
fn peers_e_an_unreadable_file_never_shifts_or_spoils_another_member() {
    let (case, readable) = three_files_one_unreadable();
    case.run().ends_with(3);
    assert_eq!(case.package().disclosed(), readable);
    tool("tar", &["-xf", text(&case.path("out.tar")), "-C", text(&case.path(""))]);
    for manifest in ["manifest-sha256.txt", "tagmanifest-sha256.txt"] {
        let bag = case.path("2024-17");
        let check = Command::new("sha256sum").args(["-c", "--strict", manifest]).current_dir(bag).output().unwrap();
        assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
    }
    case.extract(&["verify", "out.tar"]).ends_with(0);
}

#[test]
fn peers_f_an_unsupported_file_system_is_an_error_by_name() {
    let magics: [(&str, usize, &[u8]); 5] = [
        ("reiserfs", 65_588, b"ReIsEr"),
        ("jfs", 32_768, b"JFS1"),
        ("hfs+", 1024, b"H+\0\x04"),
        ("f2fs", 1024, b"\x10\x20\xf5\xf2"),
        ("zfs", 128 * 1024, &0x00ba_b10c_u64.to_le_bytes()),
    ];
    for (name, offset, magic) in magics {
        let case = Case::new();
        let mut image = vec![0; 1 << 20];
        image[offset..offset + magic.len()].copy_from_slice(magic);
        fs::write(case.path("image"), image).unwrap();
        case.order_on("image", "", "", &files("\"/srv/*\"", ""));
        // The error names it, and the hint says what to do instead.
        case.run().ends_with(1).names(&[name, "mount it read-only", "times = \"original\""]);
        case.nothing_was_left();
    }
}

/// Everything but the three members that may differ between two runs.
fn constant(package: &Package) -> Vec<(String, Vec<u8>)> {
    let varies = ["custody.jsonl", "bag-info.txt", "tagmanifest-sha256.txt"];
    let names = package.names.iter().filter(|name| !varies.contains(&name.as_str()));
    names.map(|name| (name.clone(), package.member(name).to_vec())).collect()
}

#[test]
fn peers_g_two_runs_give_the_same_bytes() {
    let mut packages = Vec::new();
    for reverse in [false, true] {
        // The same files, made in the other order: a folder lists them as it likes.
        let case = Case::new();
        let mut places: Vec<u64> = (0..200).collect();
        if reverse {
            places.reverse();
        }
        for place in places {
            let name = place.wrapping_mul(2_654_435_761) % 1_009;
            case.file(&format!("/srv/d{}/f{name}", place % 7), format!("content {place}"));
        }
        case.order("", &files("\"/srv/**\"", ""));
        for threads in ["1", "2"] {
            case.again();
            let arguments = ["--order", "order.toml", "--output", "out.tar", "--quiet", "--threads", threads];
            case.extract(&arguments).ends_with(0);
            packages.push(case.package());
        }
    }
    assert_eq!(packages[0].disclosure()["totals"]["files"], 200);
    for other in &packages[1..] {
        assert_eq!(packages[0].names, other.names);
        for (mine, theirs) in constant(&packages[0]).iter().zip(constant(other)) {
            assert!(*mine == theirs, "{} differs", mine.0);
        }
    }
}

#[test]
fn peers_h_an_unreadable_file_is_no_empty_file_and_times_are_kept() {
    let (case, _) = three_files_one_unreadable();
    case.run().ends_with(3);
    let package = case.package();
    assert!(package.disclosed().iter().all(|(_, content)| !content.is_empty()));
    for exhibit in package.exhibits() {
        assert_eq!(
            (&exhibit["time"], &exhibit["clock"]),
            (&Value::from("2023-12-01T01:00:00Z"), &Value::from("modified"))
        );
        assert_eq!(exhibit["filesystem"], "ext4");
    }
}

fn message(headers: &str) -> String {
    format!("{headers}Subject: hello\n\nA body.\n")
}

fn mailbox(messages: &[String]) -> String {
    let with_line = |message: &String| format!("From MAILER-DAEMON Fri Mar 29 12:08:34 2024\n{message}");
    messages.iter().map(with_line).collect::<Vec<_>>().join("\n")
}

#[test]
fn peers_k_near_addresses_do_not_match() {
    let date = "Date: Mon, 1 Apr 2024 12:00:00 +0100\n";
    let right = [
        "From: alice@shop.example\nTo: bob@supplies.example\n",
        "From: \"Alice\" <Alice@SHOP.example>\nTo: bob@supplies.example\n",
        "From: bob@supplies.example\nTo: zed@other.example, alice@shop.example\n",
        "From: bob@supplies.example\nTo: zed@other.example\nCc: friends: alice@shop.example;\n",
    ];
    let wrong = [
        "From: malice@shop.example\nTo: bob@supplies.example\n",
        "From: alice@shop.example.org\nTo: bob@supplies.example\n",
        "From: alice@shop.example.org.uk\nTo: alice@shop-example\n",
        "From: alice@www.shop.example\nTo: alice@myshop.example\n",
        "From: a.alice@shop.example\nTo: alice.b@shop.example\n",
        "From: alice+news@shop.example\nTo: alice@shop.exampl\n",
        "From: \"alice@shop.example\" <bob@supplies.example>\nTo: zed@other.example\n",
        "From: bob@supplies.example\nTo: zed@other.example\nReply-To: alice@shop.example\n",
        "From: bob@supplies.example\nTo: zed@other.example\nX-Note: alice@shop.example\n",
    ];
    let all: Vec<String> = right.iter().chain(&wrong).map(|headers| message(&format!("{date}{headers}"))).collect();
    let case = Case::new();
    case.file("/var/mail/alice", mailbox(&all));
    let more = "identifiers = [{ email = \"alice@shop.example\", role = [\"from\", \"to\", \"cc\"] }]\n\
                window = { from = 2024-03-25, through = 2024-04-07, clock = \"date-header\" }";
    case.order("", &records("\"/var/mail/alice\"", more));
    case.run().ends_with(0);
    let disclosed: Vec<Vec<u8>> = case.package().disclosed().into_iter().map(|(_, content)| content).collect();
    let expected: Vec<Vec<u8>> = all[..right.len()].iter().map(|message| message.clone().into_bytes()).collect();
    assert_eq!(disclosed, expected);
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn peers_m_all_members_of_a_gzip_file_are_read() {
    let case = Case::new();
    let mine: Vec<String> =
        (1..=3).map(|day| log_line("192.0.2.1", &format!("0{day}/Apr/2024:12:00:00 +0100"))).collect();
    let other = log_line("192.0.2.10", "01/Apr/2024:12:00:00 +0100");
    // The members do not end where lines end.
    let all = format!("{other}{}{other}{}{}", mine[0], mine[1], mine[2]).into_bytes();
    let cuts = [0, 130, 280, all.len()];
    let packed: Vec<u8> = cuts.windows(2).flat_map(|two| gzip(&all[two[0]..two[1]])).collect();
    case.file("/var/log/access.log.2.gz", packed);
    let more = "identifiers = [{ ip = \"192.0.2.1\" }]";
    case.order("", &records("\"/var/log/access.log*\"", more));
    case.run().ends_with(0);
    let package = case.package();
    assert_eq!(package.disclosed(), [("/var/log/access.log.2.gz".to_owned(), mine.concat().into_bytes())]);
    assert_eq!(package.disclosure()["totals"]["records"], 3);
}

#[test]
fn peers_n_a_nul_byte_does_not_end_the_search() {
    let case = Case::new();
    let agent = |agent: &str| log_line("192.0.2.1", "01/Apr/2024:12:00:00 +0100").replace("Mozilla/5.0", agent);
    let other = log_line("192.0.2.2", "01/Apr/2024:12:00:00 +0100").replace("Mozilla/5.0", "\0");
    let mine = [agent("first"), agent("with \0 in it \0\0"), agent("after")];
    let all = format!("{}{other}{}{other}{}", mine[0], mine[1], mine[2]);
    case.file("/var/log/access.log", all);
    case.order("", &records("\"/var/log/access.log\"", "identifiers = [{ ip = \"192.0.2.1\" }]"));
    case.run().ends_with(0);
    assert_eq!(case.package().disclosed(), [("/var/log/access.log".to_owned(), mine.concat().into_bytes())]);
}

#[test]
fn peers_o_no_record_outside_the_window_leaves() {
    // Instants beside the boundary, each in several zones, so that no comparison of texts gives the right answer.
    let inside = [
        "31/Mar/2024:00:00:00 +0000",
        "30/Mar/2024:19:00:00 -0500",
        "31/Mar/2024:01:00:00 +0100",
        "31/Mar/2024:23:59:59 +0100",
        "31/Mar/2024:22:59:59 +0000",
        "01/Apr/2024:04:44:59 +0545",
    ];
    let outside = [
        "30/Mar/2024:23:59:59 +0000",
        "31/Mar/2024:00:59:59 +0100",
        "30/Mar/2024:18:59:59 -0500",
        "31/Mar/2024:23:00:00 +0000",
        "01/Apr/2024:00:00:00 +0100",
        "31/Mar/2024:18:00:00 -0500",
        "31/Mar/2023:12:00:00 +0100",
        "31/Mar/2124:12:00:00 +0100",
    ];
    let lines = |times: &[&str]| times.iter().map(|time| log_line("192.0.2.1", time)).collect::<String>();
    let case = Case::new();
    case.file("/var/log/access.log", format!("{}{}{}", lines(&outside[..4]), lines(&inside), lines(&outside[4..])));
    // 31 March 2024 in London begins as winter time, ends as summer time, and lasts 23 hours.
    let more = "window = { from = 2024-03-31, through = 2024-03-31, clock = \"record\" }";
    case.order("", &records("\"/var/log/access.log\"", more));
    case.run().ends_with(0);
    assert_eq!(case.package().disclosed(), [("/var/log/access.log".to_owned(), lines(&inside).into_bytes())]);
}

#[test]
fn peers_p_a_message_without_a_date_is_undecided_and_not_of_today() {
    let right = message("Date: Mon, 1 Apr 2024 12:00:00 +0100\nFrom: alice@shop.example\n");
    let undated = [
        message("From: alice@shop.example\n"),
        message("Date: some day\nFrom: alice@shop.example\n"),
        message("Date: Mon, 1 Apr 2024 12:00:00 +-0100\nFrom: alice@shop.example\n"),
        message("Date: Mon, 1 Apr 2024 12:00:00\nFrom: alice@shop.example\n"),
    ];
    let other = message("From: zed@other.example\n");
    let all = [vec![right.clone()], undated.to_vec(), vec![other]].concat();
    // Neither the order's own time nor today's: the one window ends before the run, the other is around it.
    for through in ["2024-04-07", "2199-12-31"] {
        let case = Case::new();
        case.file("/var/mail/alice", mailbox(&all));
        let more = format!(
            "identifiers = [{{ email = \"alice@shop.example\" }}]\n\
             window = {{ from = 2024-03-25, through = {through}, clock = \"date-header\" }}"
        );
        case.order("", &records("\"/var/mail/alice\"", &more));
        case.run().ends_with(3);
        let package = case.package();
        assert_eq!(package.disclosed(), [("/var/mail/alice".to_owned(), right.clone().into_bytes())]);
        assert_eq!(package.disclosure()["totals"]["undecided"], 4);
        assert_eq!(package.disclosure()["clauses"][0]["undecided"], 4);
        assert_eq!(package.disclosure()["clauses"][0]["outcome"], "produced");
    }
}

#[test]
fn peers_r_names_are_bytes_outside_and_generated_inside() {
    let names: [&[u8]; 6] = [b"a\nb.txt", b"cafe\xcc\x81", b"caf\xc3\xa9", b"caf\xe9", b"file%0A1.txt", b"x\\y \"z"];
    for image in [false, true] {
        let case = Case::new();
        for name in names {
            case.file("/srv/placeholder", name);
            fs::rename(case.path("source/srv/placeholder"), case.path("source/srv").join(OsStr::from_bytes(name)))
                .unwrap();
        }
        case.order("", &files("\"/srv/*\"", ""));
        if image {
            case.make_ext4();
        }
        case.run().ends_with(0);
        let package = case.package();
        // In the order of their bytes, each with its own content, which is its name.
        let contents: Vec<Vec<u8>> = package.disclosed().into_iter().map(|(_, content)| content).collect();
        assert_eq!(contents, names);
        for (exhibit, name) in package.exhibits().iter().zip(names) {
            match std::str::from_utf8(name) {
                Ok(name) => {
                    assert_eq!(exhibit["path"], format!("/srv/{name}"));
                    assert!(exhibit.get("path_base64").is_none());
                }
                Err(_) => assert_eq!(exhibit["path_base64"], "L3Nydi9jYWbp"),
            }
        }
        let plain = |name: &String| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"./-_".contains(&byte));
        assert!(package.names.iter().all(plain), "{:?}", package.names);
        tool("tar", &["-xf", text(&case.path("out.tar")), "-C", text(&case.path(""))]);
        let bag = case.path("2024-17");
        let check = Command::new("sha256sum").args(["-c", "--strict", "manifest-sha256.txt"]).current_dir(bag).output();
        assert!(check.unwrap().status.success());
    }
}
