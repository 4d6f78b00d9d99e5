//! Whole servers, through the program: several volumes and where they stand, encrypted ones, archives on them.

mod case;

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use case::{Case, files, short, shortfalls, text, tool};
use serde_json::json;

/// Sectors of 512 bytes before the first partition, and of each partition.
const FIRST: u64 = 2048;
const PARTITION: u64 = 32_768;

/// What stands in a partition.
enum Part<'p> {
    /// A file system of this kind with these files (path and content) and this UUID.
    Tree(&'p str, &'p str, &'p [(&'p str, &'p str)]),
    Swap,
}

const BOOT: &str = "11111111-2222-3333-4444-555555555501";
const ROOT: &str = "11111111-2222-3333-4444-555555555502";
const VAR: &str = "11111111-2222-3333-4444-555555555503";

const FSTAB: &str = "# made by hand\n\
    UUID=11111111-2222-3333-4444-555555555502 / ext4 errors=remount-ro 0 1\n\
    UUID=11111111-2222-3333-4444-555555555503 /var ext4 defaults 0 2\n\
    /dev/sda1 /boot ext2 defaults 0 2\n\
    /dev/sda4 none swap sw 0 0\n";

/// Makes `image` in the case's folder: a GPT with these partitions, from 1.
fn make_disk(case: &Case, parts: &[Part<'_>]) -> PathBuf {
    let image = case.path("image");
    let sectors = FIRST + PARTITION * parts.len() as u64 + 2048;
    let disk = fs::File::create(&image).unwrap();
    disk.set_len(sectors * 512).unwrap();
    let mut script = String::from("label: gpt\n");
    for (at, part) in parts.iter().enumerate() {
        let start = FIRST + PARTITION * at as u64;
        script.push_str(&format!("start={start}, size={PARTITION}\n"));
        let bytes = match part {
            Part::Tree(kind, uuid, entries) => tree(case, kind, uuid, entries),
            Part::Swap => {
                let file = case.path("swap");
                fs::write(&file, vec![0; (PARTITION * 512) as usize]).unwrap();
                tool("mkswap", &["-q", text(&file)]);
                let bytes = fs::read(&file).unwrap();
                fs::remove_file(file).unwrap();
                bytes
            }
        };
        disk.write_all_at(&bytes, start * 512).unwrap();
    }
    let table = case.path("table");
    fs::write(&table, script).unwrap();
    let command = format!("sfdisk -q {} < {}", text(&image), text(&table));
    tool("sh", &["-c", &format!("PATH=$PATH:/usr/sbin:/sbin {command}")]);
    fs::remove_file(table).unwrap();
    image
}

fn tree(case: &Case, kind: &str, uuid: &str, entries: &[(&str, &str)]) -> Vec<u8> {
    let (folder, image) = (case.path("tree"), case.path("partition"));
    for (path, content) in entries {
        let path = folder.join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    tool("mke2fs", &["-q", "-F", "-t", kind, "-U", uuid, "-d", text(&folder), text(&image), "16M"]);
    let bytes = fs::read(&image).unwrap();
    fs::remove_dir_all(folder).unwrap();
    fs::remove_file(image).unwrap();
    bytes
}

fn server(case: &Case) -> PathBuf {
    make_disk(
        case,
        &[
            Part::Tree("ext2", BOOT, &[("/grub/grub.cfg", "menu")]),
            Part::Tree(
                "ext4",
                ROOT,
                &[
                    ("/etc/fstab", FSTAB),
                    ("/home/alice/a.txt", "alice's words"),
                    ("/var/log/a.log", "SHADOWED-BY-A-MOUNT"),
                    ("/boot/grub/grub.cfg", "SHADOWED-BOOT"),
                ],
            ),
            Part::Tree("ext4", VAR, &[("/log/a.log", "what the server showed"), ("/mail/bob", "OUTSIDE")]),
            Part::Swap,
        ],
    )
}

const MOUNTS: &str =
    "[[source]]\nname = \"s\"\npath = \"image\"\nmounts = { \"p1\" = \"/boot\", \"p2\" = \"/\", \"p3\" = \"/var\" }\n";

#[test]
fn several_file_systems_without_mounts_are_refused_and_the_survey_proposes_them() {
    let case = Case::new();
    server(&case);
    case.order_on("image", "", "", &files("\"/var/log/**\"", ""));
    case.run().ends_with(1).names(&["3 volumes", "mounts", "extract sources"]);
    case.nothing_was_left();
    let said = case.extract(&["sources", "--order", "order.toml"]);
    said.ends_with(0);
    for words in [
        "s: raw, 1 file, ",
        "p1  16777216 bytes, GPT: ext2",
        "p2  16777216 bytes, GPT: ext4, journal clean",
        "p4  16777216 bytes, GPT: swap: no files",
        "several file systems: the provider file must say where each stands",
        "the table of mounts on p2 would say: mounts = { \"p1\" = \"/boot\", \"p2\" = \"/\", \"p3\" = \"/var\" }",
    ] {
        assert!(said.stdout.contains(words), "no {words:?} in\n{}", said.stdout);
    }
    for name in ["alice", "grub", "a.log", "bob"] {
        assert!(!said.stdout.contains(name), "a survey tells no names of files:\n{}", said.stdout);
    }
    // With what it proposes the run goes.
    case.provider(MOUNTS);
    case.run().ends_with(0);
}

#[test]
fn a_survey_needs_no_clause() {
    let case = Case::new();
    server(&case);
    case.write_order("schema = \"order/1\"\n[[source]]\nname = \"s\"\n");
    case.provider("[[source]]\nname = \"s\"\npath = \"image\"\n");
    let said = case.extract(&["sources", "--order", "order.toml"]);
    said.ends_with(0);
    assert!(said.stdout.contains("p3  16777216 bytes, GPT: ext4"), "{}", said.stdout);
    case.extract(&["sources", "--order", "none.toml"]).ends_with(2);
}

#[test]
fn what_another_volume_stands_over_is_not_seen_and_volumes_go_by_numbers() {
    let case = Case::new();
    server(&case);
    case.order_on("image", "", "", &files("\"/var/log/**\", \"/home/alice/a.txt\", \"/boot/**\"", ""));
    case.provider(MOUNTS);
    case.run().ends_with(0);
    let package = case.package();
    let disclosed = package.disclosed();
    let paths: Vec<(&str, &str)> =
        disclosed.iter().map(|(path, bytes)| (path.as_str(), std::str::from_utf8(bytes).unwrap())).collect();
    assert_eq!(
        paths,
        [
            ("/boot/grub/grub.cfg", "menu"),
            ("/home/alice/a.txt", "alice's words"),
            ("/var/log/a.log", "what the server showed"),
        ]
    );
    let volumes: Vec<_> = package.exhibits().iter().map(|exhibit| exhibit["volume"].clone()).collect();
    assert_eq!(volumes, [json!("v1"), json!("v2"), json!("v3")]);
    let journal = &package.disclosure()["sources"][0]["journal"];
    let states = json!([
        {"volume": "v1", "state": "none"}, {"volume": "v2", "state": "clean"}, {"volume": "v3", "state": "clean"}
    ]);
    assert_eq!(*journal, states);
    for name in &package.names {
        let member = String::from_utf8_lossy(package.member(name)).into_owned();
        for leak in ["SHADOWED", "OUTSIDE", "\"p2\"", "swap", "/dev/sda", "fstab"] {
            assert!(!member.contains(leak), "{leak} in {name}");
        }
    }
}

#[test]
fn a_volume_that_no_path_reaches_has_no_number() {
    let case = Case::new();
    server(&case);
    case.order_on("image", "", "", &files("\"/var/log/a.log\"", ""));
    case.provider(MOUNTS);
    case.run().ends_with(0);
    let package = case.package();
    assert_eq!(package.exhibits()[0]["volume"], "v1");
    assert_eq!(package.disclosure()["sources"][0]["journal"], json!([{"volume": "v1", "state": "clean"}]));
}

#[test]
fn an_order_about_one_volume_sees_that_volume_alone_and_names_it() {
    let case = Case::new();
    server(&case);
    case.order_on("image", "", "volume = \"p3\"", &files("\"/log/**\", \"/home/**\"", ""));
    case.run().ends_with(3);
    let package = case.package();
    assert_eq!(package.disclosed(), [("/log/a.log".to_owned(), b"what the server showed".to_vec())]);
    assert_eq!(package.exhibits()[0]["volume"], "p3");
    assert_eq!(package.shortfalls(), short("no-such-path", 1));
    case.again().order_on("image", "", "volume = \"p9\"", &files("\"/log/**\"", ""));
    case.run().ends_with(1).names(&["no volume p9", "extract sources"]);
    case.order_on("image", "", "volume = \"p3\"", &files("\"/log/**\"", "")).provider(MOUNTS);
    case.run().ends_with(1).names(&["one volume", "`mounts`"]);
}

#[test]
fn a_mount_of_a_volume_that_holds_no_files_or_is_not_there_is_refused() {
    let case = Case::new();
    server(&case);
    case.order_on("image", "", "", &files("\"/x\"", ""));
    for (volume, words) in [("p4", "swap"), ("p7", "no volume p7"), ("vg/x", "no volume vg/x")] {
        case.provider(&format!("[[source]]\nname = \"s\"\npath = \"image\"\nmounts = {{ \"{volume}\" = \"/\" }}\n"));
        case.run().ends_with(1).names(&[words]);
    }
}

fn locked(case: &Case, into: &Path) {
    let raw = case.path("plain");
    let bytes = tree(case, "ext4", VAR, &[("/mail/bob", "bob's letter")]);
    fs::write(&raw, bytes).unwrap();
    let secret = case.path("secret");
    fs::write(&secret, "open sesame").unwrap();
    let object = format!("secret,id=k,file={}", text(&secret));
    let target = format!("driver=luks,key-secret=k,file.filename={}", text(into));
    let size =
        ["create", "-q", "--object", &object, "-f", "luks", "-o", "key-secret=k,iter-time=10", text(into), "16M"];
    // qemu-img measures its own speed on a coarse clock, and gives up where it sees no time pass.
    let is_made = (0..40).any(|_| {
        let made =
            std::process::Command::new("qemu-img").args(size).output().expect("qemu-img (tests/run installs it)");
        made.status.success()
    });
    assert!(is_made, "qemu-img did not make a LUKS image in 40 tries");
    let convert = ["convert", "-n", "--object", &object, "--image-opts"];
    let source = format!("driver=raw,file.filename={}", text(&raw));
    tool("qemu-img", &[&convert[..], &["--target-image-opts", &source, &target]].concat());
    fs::remove_file(raw).unwrap();
    fs::remove_file(secret).unwrap();
}

#[test]
fn what_is_encrypted_is_held_without_a_key_and_read_with_one() {
    let case = Case::new();
    let image = case.path("image");
    locked(&case, &image);
    case.order_on("image", "", "", &files("\"/mail/bob\"", ""));
    case.run().ends_with(3);
    let package = case.package();
    assert_eq!(package.disclosure()["clauses"][0]["outcome"], "encrypted");
    assert_eq!(package.shortfalls(), short("encrypted", 1));
    let said = case.extract(&["sources", "--order", "order.toml"]);
    said.ends_with(0);
    assert!(said.stdout.contains("LUKS1") && said.stdout.contains("no key given opens it"), "{}", said.stdout);

    fs::write(case.path("key"), "open sesame\n").unwrap();
    let run = |key: &str| {
        let key = format!("s={key}");
        case.again().extract(&["--order", "order.toml", "--output", "out.tar", "--quiet", "--key", &key])
    };
    run("key").ends_with(0);
    assert_eq!(case.package().disclosed(), [("/mail/bob".to_owned(), b"bob's letter".to_vec())]);
    let said = case.extract(&["sources", "--order", "order.toml", "--key", "s=key"]);
    assert!(said.stdout.contains("LUKS1: ext4"), "{}", said.stdout);

    let wrong = case.path("source/wrong");
    fs::write(&wrong, "closed sesame").unwrap();
    let said = run("source/wrong");
    said.ends_with(1).names(&["key opens none"]);
    assert!(!said.stderr.contains("sesame"), "a key is never shown: {}", said.stderr);
    run("nowhere").ends_with(2);
}

/// A folder with two archives of one tree, and with an archive in an archive.
fn backups(case: &Case) {
    let stage = case.path("stage");
    for (path, content) in
        [("home/alice/a.txt", "alice's words"), ("home/bob/b.txt", "OUTSIDE"), ("var/log/x.log", "OUTSIDE TOO")]
    {
        let path = stage.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let folder = case.path("source/backup");
    fs::create_dir_all(&folder).unwrap();
    let (plain, packed) = (folder.join("day.tar"), folder.join("day.tar.gz"));
    tool("tar", &["-C", text(&stage), "-cf", text(&plain), "home", "var"]);
    tool("tar", &["-C", text(&stage), "-czf", text(&packed), "home", "var"]);
    let outer = folder.join("week.tar");
    tool("tar", &["-C", text(&folder), "-cf", text(&outer), "day.tar.gz"]);
    fs::write(folder.join("day.tar-notes"), "no archive").unwrap();
    fs::remove_dir_all(stage).unwrap();
}

#[test]
fn an_archive_is_one_file_unless_the_clause_opens_it() {
    let case = Case::new();
    backups(&case);
    case.order("", &files("\"/backup/day.tar\"", ""));
    case.run().ends_with(0);
    let whole = fs::read(case.path("source/backup/day.tar")).unwrap();
    assert_eq!(case.package().disclosed(), [("/backup/day.tar".to_owned(), whole)]);

    // A path into it finds nothing there, and says so.
    case.again().order("", &files("\"/backup/day.tar/home/alice/a.txt\"", ""));
    case.run().ends_with(3);
    assert_eq!(case.package().shortfalls(), short("no-such-path", 1));
}

#[test]
fn an_opened_archive_is_a_folder_for_that_clause_alone() {
    let case = Case::new();
    backups(&case);
    let open = "archives = \"open\"";
    let inside = files("\"/backup/**/home/alice/**\"", open);
    let whole = files("\"/backup/day.tar\"", "").replace("id = \"1\"", "id = \"2\"");
    case.order("", &format!("{inside}\n{whole}"));
    case.run().ends_with(0);
    let package = case.package();
    let words = b"alice's words".to_vec();
    let archive = fs::read(case.path("source/backup/day.tar")).unwrap();
    let expected = [
        ("/backup/day.tar".to_owned(), archive),
        ("/backup/day.tar.gz/home/alice/a.txt".to_owned(), words.clone()),
        ("/backup/day.tar/home/alice/a.txt".to_owned(), words.clone()),
        ("/backup/week.tar/day.tar.gz/home/alice/a.txt".to_owned(), words),
    ];
    assert_eq!(package.disclosed(), expected);
    let exhibits = package.exhibits();
    assert_eq!(exhibits[0]["clauses"], json!(["2"]));
    assert_eq!(exhibits[1]["clauses"], json!(["1"]));
    assert_eq!((&exhibits[1]["filesystem"], &exhibits[1]["volume"]), (&json!("tar"), &json!(null)));
    for name in &package.names {
        let member = String::from_utf8_lossy(package.member(name)).into_owned();
        assert!(name == "data/000001.bin" || !member.contains("OUTSIDE"), "{name}");
    }

    // What is no archive stays a file for a clause that opens archives.
    case.again().order("", &files("\"/backup/day.tar-notes\"", open));
    case.run().ends_with(0);
    assert_eq!(case.package().disclosed(), [("/backup/day.tar-notes".to_owned(), b"no archive".to_vec())]);

    // The archive itself is a folder for it.
    case.again().order("", &files("\"/backup/day.tar\"", open));
    case.run().ends_with(3);
    assert_eq!(case.package().shortfalls(), short("is-a-folder", 1));
}

#[test]
fn a_withheld_archive_is_not_opened() {
    let case = Case::new();
    backups(&case);
    case.order("", &files("\"/backup/day.tar/home/alice/a.txt\"", "archives = \"open\""));
    case.provider(
        "[[source]]\nname = \"s\"\npath = \"source\"\n[[withhold]]\nclass = \"privileged\"\npaths = [\"/backup/day.tar\"]\n",
    );
    let said = case.extract(&["--order", "order.toml", "--dry-run", "--json"]);
    said.ends_with(0);
    let disclosure = said.json();
    assert_eq!((&disclosure["totals"]["files"], &disclosure["totals"]["withheld"]), (&json!(0), &json!(1)));
    assert_eq!(disclosure["clauses"][0]["outcome"], "withheld");
    assert_eq!(shortfalls(&disclosure), []);
}

#[test]
fn a_damaged_archive_is_short_and_not_absent() {
    let case = Case::new();
    backups(&case);
    let packed = case.path("source/backup/day.tar.gz");
    let mut bytes = fs::read(&packed).unwrap();
    bytes.truncate(bytes.len() / 2);
    fs::write(&packed, bytes).unwrap();
    case.order("", &files("\"/backup/day.tar.gz/home/alice/a.txt\"", "archives = \"open\""));
    let said = case.extract(&["--order", "order.toml", "--dry-run", "--json"]);
    said.ends_with(3);
    let outcome = said.json()["clauses"][0]["outcome"].clone();
    assert_eq!(outcome, "not-read");
}

#[test]
fn a_whole_source_may_be_an_archive() {
    let case = Case::new();
    backups(&case);
    for (name, kind) in [("day.tar", "tar"), ("day.tar.gz", "tar.gz")] {
        case.again().order_on(&format!("source/backup/{name}"), "", "", &files("\"/home/alice/**\"", ""));
        case.run().ends_with(0);
        let package = case.package();
        assert_eq!(package.disclosed(), [("/home/alice/a.txt".to_owned(), b"alice's words".to_vec())]);
        let source = &package.disclosure()["sources"][0];
        let stored = fs::metadata(case.path(&format!("source/backup/{name}"))).unwrap().len();
        assert_eq!((&source["kind"], &source["bytes"]), (&json!(kind), &json!(stored)));
        assert_eq!(source["journal"], json!([]));
    }
}

#[test]
fn an_earlier_version_of_a_member_is_said() {
    let case = Case::new();
    let (stage, tar) = (case.path("stage"), case.path("source/backup/day.tar"));
    fs::create_dir_all(tar.parent().unwrap()).unwrap();
    fs::create_dir_all(stage.join("home")).unwrap();
    for (verb, words) in [("-cf", "the first words"), ("-rf", "the later words")] {
        fs::write(stage.join("home/a.txt"), words).unwrap();
        tool("tar", &["-C", text(&stage), verb, text(&tar), "home/a.txt"]);
    }
    case.order("", &files("\"/backup/day.tar/home/a.txt\"", "archives = \"open\""));
    case.run().ends_with(3);
    let package = case.package();
    let later = ("/backup/day.tar/home/a.txt".to_owned(), b"the later words".to_vec());
    assert_eq!(package.disclosed(), [later], "as unpacking leaves it");
    assert_eq!(package.shortfalls(), short("unreadable-folder", 1));
}
