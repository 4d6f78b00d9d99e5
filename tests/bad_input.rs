//! Bad input, through the program: a clear message, the right exit code, and never a package that looks complete.

mod case;

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use case::{Case, files, log_line, make_unreadable, records, short, text};
use flate2::Compression;
use flate2::write::GzEncoder;

const LOG: &str = "\"/var/log/access.log\"";
const MINE: &str = "identifiers = [{ ip = \"192.0.2.1\" }]";

fn mine() -> String {
    log_line("192.0.2.1", "01/Apr/2024:12:00:00 +0100")
}

/// A folder with a log of one line that its order asks for.
fn one_line() -> Case {
    let case = Case::new();
    case.file("/var/log/access.log", mine());
    case.order("", &records(LOG, MINE));
    case
}

#[test]
fn a_broken_order_shows_every_error_and_exits_2() {
    let case = Case::new();
    case.write_order(
        "schema = \"order/1\"\n\
         [order]\n\
         id = \"../2024\"\n\
         legal_basis = \"a-hunch\"\n\
         authority = \"Example Constabulary\"\n\
         reference = \"OP-123\"\n\
         made = 2024-04-08\n\
         served = 2024-04-09T09:40:00Z\n\
         due = \"next week\"\n\
         zone = \"Europe/Londn\"\n\
         colour = \"blue\"\n\
         [[source]]\n\
         name = \"s\"\n\
         [[clause]]\n\
         id = \"1\"\n\
         text = \"everything\"\n\
         source = \"elsewhere\"\n\
         category = \"contents\"\n\
         paths = [\"var/log/*\", \"/var/../etc/passwd\"]\n\
         take = \"records\"\n\
         identifiers = [{ email = \"alice\" }, { ip = \"192.0.2.300\" }]\n\
         window = { from = 2024-03-25, to = 2024-04-07, clock = \"record\" }\n",
    );
    case.provider("[[source]]\nname = \"s\"\npath = \"source\"\n");
    let wrong = [
        "../2024",
        "a-hunch",
        "next week",
        "Europe/Londn",
        "colour",
        "elsewhere",
        "contents",
        "var/log/*",
        "/var/../etc/passwd",
        "192.0.2.300",
        "alice",
    ];
    for arguments in [&["check", "order.toml"][..], &["--order", "order.toml", "--output", "out.tar"]] {
        let said = case.extract(arguments);
        said.ends_with(2).names(&wrong).names(&["order.toml:3", "order.toml:22", "error"]);
        case.nothing_was_left();
    }
}

#[test]
fn text_that_is_no_toml_exits_2() {
    let case = Case::new();
    case.provider("");
    for (order, words) in
        [("schema = \"order/1\"\n[order\n", &["order.toml"][..]), ("", &["schema"]), ("\u{feff}\0", &["order.toml"])]
    {
        case.write_order(order);
        case.run().ends_with(2).names(words);
        case.nothing_was_left();
    }
    fs::write(case.path("order.toml"), b"schema = \"order/1\" # \xff\n").unwrap();
    case.run().ends_with(2).names(&["order.toml", "utf-8"]);
    case.nothing_was_left();
}

#[test]
fn an_order_that_is_not_there_is_said() {
    let case = Case::new();
    let said = case.run();
    assert!(matches!(said.code, Some(1 | 2)), "{said:?}");
    said.names(&["order.toml"]);
    case.nothing_was_left();
}

#[test]
fn a_missing_source_is_refused_by_its_name() {
    let case = one_line();
    fs::remove_dir_all(case.path("source")).unwrap();
    case.run().ends_with(1).names(&["source s "]);
    case.nothing_was_left();
    // Named neither by the provider's file nor on the command line: the run cannot even begin.
    fs::remove_file(case.path("order.provider.toml")).unwrap();
    let said = case.extract(&["--order", "order.toml", "--output", "out.tar", "--custodian", "Duty officer 7"]);
    assert!(matches!(said.code, Some(1 | 2)), "{said:?}");
    said.names(&["--source"]);
    case.nothing_was_left();
}

#[test]
fn a_run_without_a_custodian_exits_2() {
    let case = one_line();
    fs::remove_file(case.path("order.provider.toml")).unwrap();
    let source = format!("s={}", text(&case.path("source")));
    let arguments = ["--order", "order.toml", "--output", "out.tar", "--source", &source];
    case.extract(&arguments).ends_with(2).names(&["custodian"]);
    case.nothing_was_left();
    case.extract(&[&arguments[..], &["--custodian", "Duty officer 7"]].concat()).ends_with(0);
    assert!(case.package().disclosure()["provider_sha256"].is_null());
}

#[test]
fn a_source_that_changes_while_it_is_read_seals_nothing() {
    let case = Case::new();
    let log = case.file("/var/log/access.log", mine());
    // Something that takes a while behind it.
    let mut slow = GzEncoder::new(Vec::new(), Compression::fast());
    let other = log_line("192.0.2.2", "01/Apr/2024:12:00:00 +0100").repeat(1_000);
    for _ in 0..2_500 {
        slow.write_all(other.as_bytes()).unwrap();
    }
    case.file("/var/log/access.log.1.gz", slow.finish().unwrap());
    case.order("", &records("\"/var/log/*\"", MINE));
    let arguments = ["--order", "order.toml", "--output", "out.tar", "--quiet", "--threads", "1"];
    let mut child = case.command(&arguments).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut grown = 0;
    while child.try_wait().unwrap().is_none() {
        fs::File::options().append(true).open(&log).unwrap().write_all(mine().as_bytes()).unwrap();
        grown += 1;
        sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(grown > 5, "the run was too short to be disturbed");
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("changed"), "{stderr}");
    case.nothing_was_left();
}

#[test]
fn an_image_whose_sha256_is_not_the_orders_seals_nothing() {
    let case = one_line();
    let wrong = format!("sha256 = \"{}\"", "0".repeat(64));
    case.order(&wrong, &records(LOG, MINE));
    let image = case.make_ext4();
    let before = fs::read(&image).unwrap();
    case.run().ends_with(1).names(&["sha-256"]);
    case.nothing_was_left();
    case.extract(&["--order", "order.toml", "--dry-run"]).ends_with(1).names(&["sha-256"]);
    assert!(fs::read(&image).unwrap() == before, "the image is as it was");
    // Its twin: with the right digest it seals, and states it.
    let sum = case::tool("sha256sum", &[text(&image)]);
    let right = sum.split(' ').next().unwrap();
    case.order_on("image", "", &format!("sha256 = \"{right}\""), &records(LOG, MINE));
    case.run().ends_with(0);
    assert_eq!(case.package().disclosure()["sources"][0]["sha256"], right);
}

#[test]
fn what_the_order_says_of_a_folder_alone_or_of_an_image_alone_is_refused_of_the_other() {
    let case = one_line();
    case.order(&format!("sha256 = \"{}\"", "0".repeat(64)), &records(LOG, MINE));
    case.run().ends_with(1).names(&["source s", "a folder"]);
    case.nothing_was_left();
    case.order("times = \"original\"", &records(LOG, MINE));
    case.make_ext4();
    case.run().ends_with(1).names(&["source s", "an image"]);
    case.nothing_was_left();
}

#[test]
fn an_unreadable_log_is_short_and_the_others_are_disclosed() {
    let case = Case::new();
    case.file("/var/log/access.log", mine());
    case.file("/var/log/access.log.1", mine().repeat(100));
    case.order("", &records("\"/var/log/*\"", MINE));
    make_unreadable(&case.make_ext4(), "/var/log/access.log.1");
    case.run().ends_with(3);
    let package = case.package();
    assert_eq!(package.disclosed(), [("/var/log/access.log".to_owned(), mine().into_bytes())]);
    assert_eq!(package.shortfalls(), short("unreadable-file", 1));
    assert_eq!(package.disclosure()["clauses"][0]["outcome"], "produced");
}

#[test]
fn a_journal_that_cannot_be_replayed_is_short_for_each_clause_that_reaches_it() {
    let case = Case::new();
    case.file("/srv/a", "alpha");
    case.order("", &files("\"/srv/*\"", ""));
    let image = case.path("image");
    let (source, target) = (case.path("source"), text(&image));
    case::tool("mkfs.ext4", &["-q", "-F", "-b", "4096", "-d", text(&source), target, "16M"]);
    case.provider("[[source]]\nname = \"s\"\npath = \"image\"\n");
    // One change in the journal, with a checksum, and then another byte in its copy.
    let copy: Vec<u8> = (0..4096_u32).map(|at| ((at * at) % 251) as u8 | 1).collect();
    let (block, script) = (tempfile::NamedTempFile::new().unwrap(), tempfile::NamedTempFile::new().unwrap());
    fs::write(block.path(), &copy).unwrap();
    fs::write(script.path(), format!("jo -c\njw -b 1000 {}\njc\n", text(block.path()))).unwrap();
    case::tool("debugfs", &["-w", "-f", text(script.path()), target]);
    let mut bytes = fs::read(&image).unwrap();
    let place = bytes.windows(copy.len()).position(|window| window == copy).expect("the copy in the journal");

    // Its twin: as it is, it can be replayed.
    case.run().ends_with(0);
    assert_eq!(case.package().disclosure()["sources"][0]["journal"][0]["state"], "replayed");
    case.again();
    bytes[place + 5] ^= 2;
    fs::write(&image, bytes).unwrap();
    case.run().ends_with(3);
    assert_eq!(case.package().shortfalls(), short("journal-not-replayed", 1));
    assert_eq!(case.package().disclosure()["sources"][0]["journal"][0]["state"], "not-replayed");
}

#[test]
fn an_unreadable_folder_is_short() {
    let case = Case::new();
    case.file("/srv/good/a", "alpha");
    case.file("/srv/bad/b", "beta");
    case.order("", &files("\"/srv/**\"", ""));
    make_unreadable(&case.make_ext4(), "/srv/bad");
    case.run().ends_with(3);
    let package = case.package();
    assert_eq!(package.disclosed(), [("/srv/good/a".to_owned(), b"alpha".to_vec())]);
    assert_eq!(package.shortfalls(), short("unreadable-folder", 1));
}

#[test]
fn a_truncated_image_never_gives_a_package_that_looks_complete() {
    let whole = Case::new();
    for place in 0..40 {
        let content: Vec<u8> = (0..200_000_u32).map(|at| ((at * 31 + place) % 251) as u8).collect();
        whole.file(&format!("/srv/f{place:02}"), content);
    }
    whole.order("", &files("\"/srv/*\"", ""));
    let image = fs::read(whole.make_ext4()).unwrap();
    whole.run().ends_with(0);
    let full = whole.package().disclosed();
    assert_eq!(full.len(), 40);
    for kept in [0, 1, 1_000, 1_024, 1_100, 2_048, 4_096, 65_536, 1 << 20, 4 << 20, 6 << 20, 7 << 20] {
        fs::write(whole.path("image"), &image[..kept]).unwrap();
        whole.again();
        let said = whole.run();
        said.names(&[]);
        match said.code {
            Some(1) => whole.nothing_was_left(),
            Some(3) => {
                let package = whole.package();
                let short: u64 = package.shortfalls().iter().map(|(_, _, count)| count).sum();
                assert!(short > 0, "{kept} bytes kept");
                // What was disclosed is right to the byte.
                assert!(package.disclosed().iter().all(|one| full.contains(one)), "{kept} bytes kept");
            }
            _ => panic!("{kept} bytes kept: {said:?}"),
        }
    }
}

#[test]
fn an_output_inside_a_source_folder_is_refused() {
    let case = one_line();
    for output in ["source/out.tar", "source/var/log/out.tar", "source/../source/out.tar"] {
        case.extract(&["--order", "order.toml", "--output", output]).ends_with(1).names(&["source"]);
    }
    // By another name of the same folder.
    std::os::unix::fs::symlink(case.path("source/var"), case.path("link")).unwrap();
    case.extract(&["--order", "order.toml", "--output", "link/out.tar"]).ends_with(1).names(&["source"]);
    fs::remove_file(case.path("link")).unwrap();
    case.nothing_was_left();
    let names: Vec<_> = walk(&case.path("source"));
    assert_eq!(names, ["access.log", "log", "var"], "nothing was put into the source");
}

fn walk(folder: &std::path::Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        names.push(entry.file_name().into_string().unwrap());
        if entry.file_type().unwrap().is_dir() {
            names.extend(walk(&entry.path()));
        }
    }
    names.sort();
    names
}

#[test]
fn an_existing_output_is_kept_and_the_error_says_how_to_go_on() {
    let case = one_line();
    for (name, message) in [("out.tar", "out.tar"), ("2024-17.audit.jsonl", "2024-17.audit.jsonl")] {
        fs::write(case.path(name), "kept").unwrap();
        case.run().ends_with(1).names(&[message, "hint", "--output"]);
        assert_eq!(fs::read(case.path(name)).unwrap(), b"kept");
        fs::remove_file(case.path(name)).unwrap();
        case.nothing_was_left();
    }
    // A preview writes nothing, so that nothing is in its way.
    fs::write(case.path("2024-17.tar"), "kept").unwrap();
    case.extract(&["--order", "order.toml", "--dry-run"]).ends_with(0);
    let said = case.extract(&["--order", "order.toml"]);
    said.ends_with(1).names(&["2024-17.tar"]);
    assert_eq!(fs::read(case.path("2024-17.tar")).unwrap(), b"kept");
}

#[test]
fn an_output_folder_that_is_not_there_is_said() {
    let case = one_line();
    case.extract(&["--order", "order.toml", "--output", "nowhere/out.tar"]).ends_with(1).names(&["nowhere"]);
    case.nothing_was_left();
}

#[test]
fn a_disk_that_is_full_leaves_nothing() {
    let case = Case::new();
    let lines: String = (0..40_000_u32).map(|at| mine().replace("index", &at.to_string())).collect();
    case.file("/var/log/access.log", lines);
    case.order("", &records(LOG, MINE));
    // No file of more than 1 MiB can be written: the same error from the system's side, in the middle of the package.
    let script = format!(
        "trap '' XFSZ; ulimit -f 1024; exec {} --order order.toml --output out.tar",
        env!("CARGO_BIN_EXE_extract")
    );
    let output = Command::new("bash").args(["-c", &script]).current_dir(case.path("")).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("error") && !stderr.contains("panicked"), "{stderr}");
    case.nothing_was_left();
}

#[test]
fn an_expired_order_is_refused() {
    let case = one_line();
    case.order_on("source", "expires = 2024-05-08", "", &records(LOG, MINE));
    case.run().ends_with(1).names(&["expire", "2024-05-08"]);
    case.nothing_was_left();
    case.order_on("source", "expires = 2999-05-08", "", &records(LOG, MINE));
    case.run().ends_with(0);
}

#[test]
fn a_link_on_a_clauses_path_is_not_followed_and_is_said() {
    for (paths, image) in [
        ("\"/var/log/access.log\"", false),
        ("\"/var/log/access.log\"", true),
        ("\"/var/link/access.log\"", false),
        ("\"/var/link/*\"", true),
    ] {
        let case = Case::new();
        case.file("/var/secret/access.log", mine());
        fs::create_dir_all(case.path("source/var/log")).unwrap();
        std::os::unix::fs::symlink("../secret/access.log", case.path("source/var/log/access.log")).unwrap();
        std::os::unix::fs::symlink("secret", case.path("source/var/link")).unwrap();
        case.order("", &records(paths, MINE));
        if image {
            case.make_ext4();
        }
        case.run().ends_with(3);
        let package = case.package();
        assert_eq!(package.shortfalls(), short("link-not-followed", 1), "{paths}");
        assert_eq!(package.disclosure()["clauses"][0]["outcome"], "link-not-followed", "{paths}");
        assert_eq!(package.disclosure()["totals"]["bytes"], 0);
    }
}

#[test]
fn a_path_that_is_not_there_is_said() {
    let case = one_line();
    case.order("", &records("\"/var/log/access.log\", \"/var/log/other.log\", \"/nowhere/*\"", MINE));
    case.run().ends_with(3);
    let package = case.package();
    assert_eq!(package.shortfalls(), short("no-such-path", 2));
    assert_eq!(package.disclosure()["clauses"][0]["outcome"], "produced");
}

#[test]
fn a_named_file_that_is_no_message_by_its_place_is_short_and_never_called_read() {
    let message = "From: a@b.example\nTo: c@d.example\nDate: Mon, 1 Apr 2024 12:00:00 +0100\n\nhi\n";
    for (paths, more, short_of) in [
        ("\"/m/tmp/1\"", "everything = true", 1),
        ("\"/m/cur/1\", \"/m/list\"", "everything = true", 1),
        ("\"/one.eml\"", "everything = true\nas = \"maildir\"", 1),
        // Its twins: named as what it is, and met below a glob, where only messages are asked for.
        ("\"/m/tmp/1\"", "everything = true\nas = \"eml\"", 0),
        ("\"/m/**\"", "everything = true", 0),
    ] {
        let case = Case::new();
        for path in ["/m/cur/1", "/m/new/2", "/m/tmp/1", "/m/list", "/one.eml"] {
            case.file(path, message);
        }
        case.order("", &records(paths, more));
        let said = case.run();
        let expected = if short_of > 0 { short("not-the-format", short_of) } else { Vec::new() };
        said.ends_with(if short_of > 0 { 3 } else { 0 });
        assert_eq!(case.package().shortfalls(), expected, "{paths} {more}");
        assert_ne!(case.package().disclosure()["clauses"][0]["outcome"], "nothing-held", "{paths} {more}");
    }
}

#[test]
fn a_pipe_where_a_file_is_asked_for_is_said_and_not_opened() {
    let case = Case::new();
    fs::create_dir_all(case.path("source/srv")).unwrap();
    case::tool("mkfifo", &[text(&case.path("source/srv/pipe"))]);
    case.order("", &files("\"/srv/pipe\"", ""));
    case.run().ends_with(3);
    assert_eq!(case.package().shortfalls(), short("special-file", 1));
}

#[test]
fn a_tripwire_stops_the_run_and_seals_nothing() {
    let case = Case::new();
    case.file("/var/log/access.log", mine().repeat(3));
    for (limit, code) in [("records = 2", 1), ("records = 3", 0)] {
        case.order("", &records(LOG, &format!("{MINE}\nlimit = {{ {limit} }}")));
        case.run().ends_with(code);
        if code == 1 {
            case.nothing_was_left();
            case.run().names(&["limit", "clause 1"]);
        }
    }
}

#[test]
fn what_this_version_does_not_do_is_refused() {
    let case = one_line();
    let later =
        [records(LOG, &format!("as = \"mdbox\"\n{MINE}")), records(LOG, &format!("columns = [\"time\"]\n{MINE}"))];
    for clause in later {
        case.order("", &clause);
        case.run().ends_with(2).names(&["not in this version"]);
        case.nothing_was_left();
    }
}

#[test]
fn wrong_usage_exits_2() {
    let case = one_line();
    for arguments in [
        &[][..],
        &["--no-such-option"],
        &["--order"],
        &["--order", "order.toml", "--threads", "none"],
        &["--order", "order.toml", "--source", "s"],
        &["--order", "order.toml", "--source", "other=source"],
        &["verify"],
        &["check"],
    ] {
        case.extract(arguments).ends_with(2).names(&[]);
        case.nothing_was_left();
    }
}

#[test]
fn a_withhold_is_not_lost_where_the_order_or_the_provider_file_is_a_link() {
    let case = one_line();
    let provider = "[[source]]\nname = \"s\"\npath = \"source\"\n[[withhold]]\nclass = \"privileged\"\n\
                    identifiers = [{ ip = \"192.0.2.1\" }]\n";
    case.provider(provider);
    fs::create_dir(case.path("links")).unwrap();
    std::os::unix::fs::symlink("../order.toml", case.path("links/order.toml")).unwrap();
    let given = ["--source", "s=source", "--custodian", "x", "--quiet", "--output", "out.tar", "--order"];
    let run = || case.extract(&[&given[..], &["links/order.toml"]].concat());
    run().ends_with(0);
    assert_eq!(case.package().disclosure()["clauses"][0]["outcome"], "withheld");
    case.again();
    // A provider file that is a link to nothing was meant to be there.
    std::os::unix::fs::symlink("gone", case.path("links/order.provider.toml")).unwrap();
    run().ends_with(2).names(&["order.provider.toml"]);
    assert!(!case.path("out.tar").exists());
}
