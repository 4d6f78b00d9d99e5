//! Archives as trees: what GNU tar, Python and Info-ZIP make is found again member by member, and what is cut, damaged, a
//! bomb or meant to escape is said and never lost.

#[path = "archive/made.rs"]
mod made;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/reach.rs"]
mod reach;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/tool.rs"]
mod tool;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/tree.rs"]
mod tree;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use extract::clock::{Timestamp, Zone};
use extract::digest::Digest;
use extract::filesystem::archive;
use extract::scope::{EntryKind, FileTime, Scope};
use extract::source::{Location, Source};
use made::{Member, Packed, letters, pack, tar, zip};
use reach::{Item, Reached, open, order_for_everything, reach, reach_with};
use tempfile::TempDir;
use tool::{Cannot, text, try_run};
use tree::{Expected, Lack, MODIFIED, Size, build_sized, digest, noise};

fn scratch() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Everything of an archive that opens.
fn everything(path: &Path) -> Reached {
    let (source, scope) = open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    reach(&source, &scope)
}

fn everything_of(bytes: &[u8]) -> Reached {
    let scratch = scratch();
    let path = scratch.path().join("archive");
    fs::write(&path, bytes).expect("an archive");
    everything(&path)
}

/// What was read is the tree; `nanoseconds`: times are as fine as that, or whole seconds.
fn is_the_tree(what: &str, reached: &Reached, expected: &Expected, nanoseconds: bool) {
    assert!(reached.unlisted.is_empty(), "{what}: {:?}", reached.unlisted);
    let modified = Timestamp::new(MODIFIED.0, if nanoseconds { MODIFIED.1 } else { 0 }).map(FileTime::at);
    for (path, (kind, content)) in expected {
        let item = reached.items.get(path).unwrap_or_else(|| panic!("{what}: {} is lost", path.escape_ascii()));
        assert_eq!(item.kind, *kind, "{what}: {}", path.escape_ascii());
        let Some(content) = content else { continue };
        let size = content.len() as u64;
        assert_eq!(item.content, Some(Ok((size, digest(content)))), "{what}: {}", path.escape_ascii());
        assert_eq!((item.size_bytes, item.times.modified), (size, modified), "{what}: {}", path.escape_ascii());
    }
    assert_eq!(reached.items.len(), expected.len(), "{what}");
}

/// What old formats cannot hold.
const OLD: [Lack; 4] = [Lack::LongNames, Lack::DeepFolders, Lack::Links, Lack::Pipes];

#[test]
fn what_gnu_tar_makes_in_any_format_is_the_tree() {
    let scratch = scratch();
    let (whole, old) = (scratch.path().join("whole"), scratch.path().join("old"));
    for folder in [&whole, &old] {
        fs::create_dir(folder).expect("a folder");
    }
    let (whole_tree, old_tree) = (build_sized(&whole, &[], Size::Small), build_sized(&old, &OLD, Size::Small));
    let archive = scratch.path().join("a.tar");
    for (options, is_old, nanoseconds) in [
        ("--format=gnu", false, false),
        ("--format=oldgnu", false, false),
        ("--format=posix", false, true),
        ("--format=ustar", true, false),
        ("--format=v7", true, false),
        ("--format=gnu --sparse", false, false),
        ("--format=oldgnu --sparse", false, false),
        ("--format=posix --sparse --sparse-version=0.0", false, true),
        ("--format=posix --sparse --sparse-version=0.1", false, true),
        ("--format=posix --sparse --sparse-version=1.0", false, true),
        ("--format=posix --pax-option=globexthdr.name=g,SCHILY.x=y", false, true),
    ] {
        let (folder, expected) = if is_old { (&old, &old_tree) } else { (&whole, &whole_tree) };
        let mut arguments: Vec<&str> = options.split(' ').collect();
        arguments.extend(["-cf", text(&archive), "-C", text(folder), "."]);
        if let Err(cannot) = try_run("tar", &arguments) {
            return cannot.say("what GNU tar makes");
        }
        let reached = everything(&archive);
        is_the_tree(options, &reached, expected, nanoseconds);
        let accessed = reached.at("/small").times.accessed;
        assert_eq!(accessed.is_some(), nanoseconds, "{options}: the time of the last reading");
    }
}

#[test]
fn a_packed_tar_is_the_tree_in_one_member_or_several() {
    let scratch = scratch();
    let folder = scratch.path().join("tree");
    fs::create_dir(&folder).expect("a folder");
    let expected = build_sized(&folder, &[], Size::Small);
    let archive = scratch.path().join("a.tar");
    if let Err(cannot) = try_run("tar", &["-cf", text(&archive), "-C", text(&folder), "."]) {
        return cannot.say("what GNU tar makes");
    }
    let bytes = fs::read(&archive).expect("the archive");
    for packed in Packed::ALL {
        let (first, second) = bytes.split_at(bytes.len() / 3);
        for (what, packed_bytes) in
            [("one", pack(packed, &bytes)), ("several", [pack(packed, first), pack(packed, second)].concat())]
        {
            let what = format!("{packed:?} of {what}");
            assert!(archive::begins_one(&packed_bytes[..packed_bytes.len().min(8192)]), "{what}");
            let path = scratch.path().join("packed");
            fs::write(&path, &packed_bytes).expect("an archive");
            let (source, scope) = open(&path).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(source.kind.name(), packed.kind());
            is_the_tree(&what, &reach(&source, &scope), &expected, false);
            // Cut, it is read as far as it goes, and it is said with every folder.
            fs::write(&path, &packed_bytes[..packed_bytes.len() - packed_bytes.len() / 5]).expect("an archive");
            let reached = everything(&path);
            assert!(reached.items.len() > 20, "{what}: {} of it", reached.items.len());
            let folders = reached.items.values().filter(|item| item.kind == EntryKind::Folder).count();
            assert_eq!(reached.unlisted.len(), folders, "{what}");
            let why = &reached.unlisted[b"/".as_slice()];
            assert!(why.contains("do not unpack"), "{what}: {why}");
        }
    }
}

#[test]
fn a_single_packed_file_is_no_archive() {
    let log = "192.0.2.1 - - [08/Apr/2024:10:00:00 +0000] \"GET / HTTP/1.1\" 200 5\n".repeat(9000);
    let mut stray = noise(7, 30_000);
    stray[0] = b'x';
    for packed in Packed::ALL {
        for content in [log.as_bytes(), &stray, b"short", b""] {
            let bytes = pack(packed, content);
            let image = archive::spool(&mut bytes.as_slice(), Path::new("/nowhere")).expect("a little stays in memory");
            assert_eq!(archive::probe(image.as_ref()).expect("it unpacks"), None, "{packed:?}");
            let is_told_by_head = bytes.len() < 8192 || matches!(packed, Packed::Gzip);
            let begins = archive::begins_one(&bytes[..bytes.len().min(8192)]);
            assert!(!begins || !is_told_by_head, "{packed:?} {}", content.len());
        }
        // One whose first bytes do not unpack may be either, and that is an error.
        let broken = [&pack(packed, log.as_bytes())[..12], b"\xff\xff\xff\xff\xff\xff".as_slice()].concat();
        let image = archive::spool(&mut broken.as_slice(), Path::new("/nowhere")).expect("a little");
        assert!(archive::probe(image.as_ref()).is_err(), "{packed:?}");
    }
}

#[test]
fn a_bomb_stops_at_the_bound_and_what_came_before_is_listed() {
    let zeros = vec![0; 200 * 1024 * 1024];
    let bytes = tar(&[Member::file("first", b"1"), Member::file("zeros", &zeros), Member::file("last", b"3")]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let gzip = gzip.write_all(&bytes).and_then(|()| gzip.finish()).expect("it packs");
    let mut bombs = vec![("gzip", gzip)];
    bombs.extend([Packed::Zstandard, Packed::Xz, Packed::Bzip2].map(|packed| (packed.kind(), pack(packed, &bytes))));
    for (packed, bomb) in bombs {
        let reached = everything_of(&bomb);
        assert_eq!(reached.digest("/first"), Digest::of(b"1"));
        assert!(matches!(&reached.at("/zeros").content, Some(Err(why)) if why.contains("cuts short")), "{packed:?}");
        assert!(!reached.items.contains_key(b"/last".as_slice()), "{packed:?}");
        let why = &reached.unlisted[b"/".as_slice()];
        assert!(why.contains("over the limit") && why.contains("unpacked bytes for each packed one"), "{why}");
    }
    let reached = everything_of(&zip(&[made::Zipped { method: 93, ..made::Zipped::new("zeros", &zeros) }]));
    assert!(matches!(&reached.at("/zeros").content, Some(Err(why)) if why.contains("over the limit")));
}

fn why(item: &Item) -> &str {
    match &item.content {
        Some(Err(why)) => why,
        other => panic!("it was read: {other:?}"),
    }
}

#[test]
fn a_cut_or_damaged_tar_is_read_up_to_the_place_and_says_so() {
    let members =
        [Member::folder("a"), Member::file("a/1", b"one"), Member::file("a/2", &[b'2'; 2000]), Member::file("b", b"b")];
    let whole = tar(&members);
    // Folder, one and its block, two and its four blocks: `b` begins at block 8.
    let no_end = &whole[..10 * 512];
    let mut flipped = whole.clone();
    flipped[8 * 512 + 3] ^= 1;
    let mut lone = whole.clone();
    lone.splice(8 * 512..8 * 512, [0; 512]);
    let mut garbage = whole[..8 * 512].to_vec();
    garbage.extend([0; 512]);
    garbage.extend(noise(3, 1024));
    let mut one_block = whole[..10 * 512].to_vec();
    one_block.extend([0; 512]);
    for (bytes, names, said) in [
        (whole.as_slice(), 4, ""),
        (&one_block, 4, ""),
        (no_end, 4, "without its end"),
        (&whole[..10 * 512 - 100], 4, "cut short"),
        (&whole[..6 * 512], 3, "cut short"),
        (&whole[..8 * 512 + 100], 3, "cut short"),
        (&flipped, 3, "wrong checksum"),
        (&lone, 4, "a block of zeros before the end"),
        (&garbage, 3, "a block of zeros before the end"),
    ] {
        let reached = everything_of(bytes);
        assert_eq!(reached.below_root(), names, "{said}");
        assert_eq!(reached.digest("/a/1"), Digest::of(b"one"), "{said}");
        let folders: Vec<&[u8]> = reached.unlisted.keys().map(Vec::as_slice).collect();
        let both: &[&[u8]] = if said.is_empty() { &[] } else { &[b"/", b"/a"] };
        assert_eq!(folders, both, "{said}");
        assert!(reached.unlisted.values().all(|why| why.contains(said)), "{said}: {:?}", reached.unlisted);
    }
    assert!(why(everything_of(&whole[..6 * 512]).at("/a/2")).contains("cuts short"));
}

#[test]
fn members_of_a_tar_that_are_more_than_files() {
    let huge = Member { size: Some((9 << 30) + 5), ..Member::file("huge", b"") };
    let reached = everything_of(&tar(&[
        Member::file("a", b"old"),
        Member::link("kept", b'1', "./a"),
        Member::file("a", b"newer"),
        Member::link("lost", b'1', "nothing"),
        Member::link("way", b'2', "/etc/passwd"),
        Member { flag: b'3', ..Member::file("device", b"") },
        Member { flag: b'7', ..Member::file("contiguous", b"c") },
        Member { flag: b'M', ..Member::file("continued", b"part") },
        Member { flag: b'V', ..Member::file("label", b"") },
        Member::file("../../etc/cron", b"x"),
        Member::file("/absolute//./path", b"p"),
        Member::file("a/under", b"u"),
        Member { flag: b'0', ..Member::file("folder/", b"") },
        Member { size: Some(77), ..Member::link("sized", b'1', "a") },
    ]));
    let said: Vec<_> = reached.unlisted.iter().collect();
    assert!(
        matches!(said.as_slice(), [(folder, why)] if *folder == b"/" && why.contains("an earlier member")),
        "{said:?}"
    );
    assert_eq!(reached.digest("/a"), Digest::of(b"newer"));
    assert_eq!(reached.digest("/kept"), Digest::of(b"old"));
    assert_eq!(reached.digest("/sized"), Digest::of(b"newer"));
    assert_eq!(reached.digest("/contiguous"), Digest::of(b"c"));
    assert_eq!(reached.digest("/absolute/path"), Digest::of(b"p"));
    for (path, kind) in [
        ("/lost", EntryKind::Unreadable),
        ("/way", EntryKind::Link),
        ("/device", EntryKind::Special),
        ("/continued", EntryKind::Unreadable),
        ("/..%2F..%2Fetc%2Fcron", EntryKind::Unreadable),
        ("/a%2Funder", EntryKind::Unreadable),
        ("/folder", EntryKind::Folder),
    ] {
        assert_eq!(reached.at(path).kind, kind, "{path}");
    }
    assert_eq!(reached.below_root(), 13);
    // Over 8 GiB: a number in base 256, and a member behind it.
    let scratch = scratch();
    let path = scratch.path().join("huge.tar");
    let file = fs::File::create(&path).expect("an archive");
    let (front, behind) = (tar(&[huge]), tar(&[Member::file("behind", b"b")]));
    std::os::unix::fs::FileExt::write_all_at(&file, &front[..512], 0).expect("a header");
    let place = 512 + ((9_u64 << 30) + 5).next_multiple_of(512);
    std::os::unix::fs::FileExt::write_all_at(&file, &behind, place).expect("a member");
    let (source, scope) = open(&path).expect("it opens");
    let reached = reach_with(&source, &scope, |stream| {
        let mut byte = [1];
        stream.read_exact(&mut byte).map_err(|error| error.to_string())?;
        Ok((0, Digest::of(&byte)))
    });
    assert_eq!(reached.at("/huge").size_bytes, (9 << 30) + 5);
    assert_eq!(reached.digest("/huge"), Digest::of(&[0]));
    assert_eq!(reached.digest("/behind"), Digest::of(b"b"));
}

#[test]
fn extended_headers_speak_of_one_member_or_of_all() {
    fn pax(flag: u8, records: &[u8]) -> Member<'_> {
        Member { flag, ..Member::file("pax", records) }
    }
    let reached = everything_of(&tar(&[
        pax(b'g', b"19 mtime=1000000.5\n"),
        Member::file("all", b"1"),
        pax(b'x', b"13 path=long\n18 mtime=-1.25000\n9 atime=\n"),
        Member::file("short", b"2"),
        pax(b'x', b"9 mtime=\n29 SUN.holesdata= 0 10 20 30\n"),
        Member::file("solaris", b"3"),
        Member::file("after", b"4"),
        pax(b'x', b"this is no record\n"),
        Member::file("unknown", b"5"),
    ]));
    let at = |seconds, nanoseconds| Timestamp::new(seconds, nanoseconds).map(FileTime::at);
    assert_eq!(reached.at("/all").times.modified, at(1_000_000, 500_000_000));
    assert_eq!(reached.at("/long").times.modified, at(-2, 750_000_000));
    assert_eq!(reached.at("/solaris").times.modified, at(made::TIME, 0));
    assert!(why(reached.at("/solaris")).contains("not supported") && why(reached.at("/solaris")).contains("Solaris"));
    assert_eq!(reached.digest("/after"), Digest::of(b"4"));
    assert_eq!(reached.below_root(), 4);
    assert!(reached.unlisted[b"/".as_slice()].contains("not well formed"), "{:?}", reached.unlisted);
}

const ZIP_BY_PYTHON: &str = r#"
import sys, zipfile, os
tree, out = sys.argv[1:]
methods = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
class Pipe:
    def __init__(self, f): self.f = f
    def write(self, b): return self.f.write(b)
    def flush(self): self.f.flush()
for way in ("plain", "streamed", "wide"):
    with open(f"{out}/{way}.zip", "wb") as f, zipfile.ZipFile(f if way != "streamed" else Pipe(f), "w") as z:
        number = 0
        for folder, folders, files in os.walk(os.fsencode(tree)):
            for name in sorted(files + folders):
                path = os.path.join(folder, name)
                info = zipfile.ZipInfo.from_file(path, os.path.relpath(path, os.fsencode(tree)).decode())
                info.compress_type = methods[number % 4] if not os.path.isdir(path) else 0
                number += 1
                if os.path.isdir(path): z.writestr(info, b""); continue
                with z.open(info, "w", force_zip64=way == "wide") as to, open(path, "rb") as fro: to.write(fro.read())
"#;

/// What zip, as Python makes it, cannot hold.
const ZIP: [Lack; 4] = [Lack::Links, Lack::Pipes, Lack::RawNames, Lack::HardLinks];

/// The tree without its times, which zip holds in its own way.
fn is_the_tree_but_for_times(what: &str, reached: &Reached, expected: &Expected) {
    let found = |(path, item): (&Vec<u8>, &Item)| {
        let content = item.content.clone().map(|content| content.unwrap_or_else(|why| panic!("{what}: {why}")));
        (path.clone(), (item.kind, content))
    };
    let found: std::collections::BTreeMap<_, _> = reached.items.iter().map(found).collect();
    let wanted = expected.iter().map(|(path, (kind, content))| {
        (path.clone(), (*kind, content.as_ref().map(|content| (content.len() as u64, digest(content)))))
    });
    assert_eq!(found, wanted.collect(), "{what}");
    assert!(reached.unlisted.is_empty(), "{what}: {:?}", reached.unlisted);
}

#[test]
fn what_python_and_info_zip_make_is_the_tree() {
    let scratch = scratch();
    let folder = scratch.path().join("tree");
    fs::create_dir(&folder).expect("a folder");
    let expected = build_sized(&folder, &ZIP, Size::Small);
    match try_run("python3", &["-c", ZIP_BY_PYTHON, text(&folder), text(scratch.path())]) {
        Err(cannot) => cannot.say("what Python zips"),
        Ok(_) => {
            for way in ["plain", "streamed", "wide"] {
                let reached = everything(&scratch.path().join(format!("{way}.zip")));
                is_the_tree_but_for_times(way, &reached, &expected);
                assert_eq!(reached.at("/small").times.modified, None, "DOS's time without a zone is none");
            }
        }
    }
    let whole = scratch.path().join("whole");
    fs::create_dir(&whole).expect("a folder");
    let mut expected = build_sized(&whole, &[Lack::Pipes, Lack::ControlCharacters], Size::Small);
    expected.remove(b"/".as_slice());
    let archive = scratch.path().join("info.zip");
    let made = std::process::Command::new("zip").current_dir(&whole).args(["-qry", text(&archive), "."]).status();
    match made {
        Err(_) => Cannot::Tool("there is no zip".to_owned()).say("what Info-ZIP makes"),
        Ok(status) => {
            assert!(status.success());
            let mut reached = everything(&archive);
            let second = Timestamp::new(MODIFIED.0, 0).map(FileTime::at);
            let times = reached.at("/small").times;
            assert_eq!(times.modified, second);
            assert!(times.accessed.is_some() && times.created.is_none() && times.changed.is_none());
            reached.items.remove(b"/".as_slice());
            is_the_tree_but_for_times("Info-ZIP", &reached, &expected);
        }
    }
}

#[test]
fn a_zip_member_is_exactly_what_the_directory_states_or_an_error() {
    use made::Zipped;
    let text = "the same line again and again\n".repeat(500);
    let content = text.as_bytes();
    let plain = Zipped::new("m", content);
    for method in [0, 8, 9, 12, 14, 93, 95] {
        let content = if method == 9 { &letters(&noise(5, 3000)) } else { content };
        let plain = Zipped { method, ..Zipped::new("m", content) };
        let reached = everything_of(&zip(std::slice::from_ref(&plain)));
        assert_eq!(reached.at("/m").content, Some(Ok((content.len() as u64, Digest::of(content)))), "method {method}");
        for (change, said) in [
            (Zipped { crc: Some(1), ..plain.clone() }, "wrong checksum"),
            (Zipped { size: Some(content.len() as u32 + 1), ..plain.clone() }, "m"),
            (Zipped { size: Some(content.len() as u32 - 1), ..plain.clone() }, "m"),
        ] {
            let reached = everything_of(&zip(&[change]));
            assert!(why(reached.at("/m")).contains(said), "method {method}: {}", why(reached.at("/m")));
        }
    }
    for (member, said) in [
        (Zipped { flags: 1, ..plain.clone() }, "encrypted, and there is no key"),
        (Zipped { flags: 1, ..plain.clone() }, "ZipCrypto"),
        (Zipped { flags: 0x41, ..plain.clone() }, "strong encryption"),
        (
            Zipped {
                flags: 1,
                raw_method: Some(99),
                extra: b"\x01\x99\x07\0\x02\0AE\x03\x08\0".to_vec(),
                ..plain.clone()
            },
            "AES-256",
        ),
        (Zipped { raw_method: Some(98), ..plain.clone() }, "PPMd"),
        (Zipped { raw_method: Some(6), ..plain.clone() }, "imploded"),
        (Zipped { raw_method: Some(77), ..plain.clone() }, "method 77"),
        (Zipped { local_name: Some("n"), ..plain.clone() }, "two headers disagree"),
        (Zipped { local_method: Some(8), ..plain.clone() }, "two headers disagree"),
        (Zipped { raw_method: Some(8), ..plain.clone() }, "do not unpack"),
    ] {
        let reached = everything_of(&zip(&[member, Zipped::new("other", b"o")]));
        assert!(why(reached.at("/m")).contains(said), "{said}: {}", why(reached.at("/m")));
        assert_eq!(reached.digest("/other"), Digest::of(b"o"));
    }
    let twice = everything_of(&zip(&[plain.clone(), Zipped::new("m", b"another"), Zipped::new("../m", b"out")]));
    assert!(why(twice.at("/m")).contains("two members of one name"));
    assert_eq!(twice.at("/..%2Fm").kind, EntryKind::Unreadable);
    // Two records of the directory lead to one member's bytes.
    let over = everything_of(&zip(&[
        plain.clone(),
        Zipped { at: Some(0), ..Zipped::new("n", content) },
        Zipped::new("o", b"o"),
    ]));
    for name in ["/m", "/n"] {
        assert!(why(over.at(name)).contains("overlap"), "{name}");
    }
    assert_eq!(over.digest("/o"), Digest::of(b"o"));
}

#[test]
fn a_zip_without_its_end_is_refused_and_one_with_a_broken_directory_says_so() {
    let whole = zip(&[made::Zipped::new("a", b"1"), made::Zipped::new("f/b", b"2")]);
    let scratch = scratch();
    let path = scratch.path().join("cut.zip");
    fs::write(&path, &whole[..whole.len() - 30]).expect("an archive");
    let error = open(&path).err().expect("it is refused").to_string();
    assert!(error.contains("without its end record"), "{error}");
    let mut broken = whole.clone();
    let second = broken.windows(4).rposition(|at| at == b"PK\x01\x02").expect("a record");
    broken[second] = b'x';
    let reached = everything_of(&broken);
    assert_eq!(reached.digest("/a"), Digest::of(b"1"));
    assert!(reached.unlisted[b"/".as_slice()].contains("a record of the directory"));
    let moved = [b"PK\x07\x08".as_slice(), &whole].concat();
    assert_eq!(everything_of(&moved).digest("/f/b"), Digest::of(b"2"));
    let empty = everything_of(&zip(&[]));
    assert!(empty.below_root() == 0 && empty.unlisted.is_empty());
}

#[test]
fn names_and_times_of_a_zip_mean_what_their_writer_meant() {
    use made::Zipped;
    let ntfs =
        [b"\x0a\0\x20\0\0\0\0\0\x01\0\x18\0".as_slice(), &[0x80, 0x3e, 0xd5, 0xde, 0xb1, 0x9d, 0x01, 0].repeat(3)]
            .concat();
    let bytes = zip(&[
        Zipped { raw_name: Some(b"caf\x82".to_vec()), ..Zipped::new("", b"1") },
        Zipped { raw_name: Some(b"unix\xe9".to_vec()), host: 3, ..Zipped::new("", b"2") },
        Zipped { extra: b"\x55\x54\x05\0\x01\x01\0\0\x80".to_vec(), ..Zipped::new("utc", b"3") },
        Zipped { extra: ntfs, ..Zipped::new("ntfs", b"4") },
        Zipped { dos: (2024 - 1980) << 25 | 10 << 21 | 27 << 16 | 1 << 11 | 30 << 5, ..Zipped::new("fold", b"5") },
        Zipped { dos: 0, ..Zipped::new("none", b"6") },
        Zipped { host: 3, mode: 0o120_777, ..Zipped::new("link", b"/etc") },
    ]);
    let scratch = scratch();
    let path = scratch.path().join("a.zip");
    fs::write(&path, bytes).expect("an archive");
    let mut order = order_for_everything(true);
    order.sources[0].zone = Zone::named("Europe/London");
    let scope = Scope::compile(&order, None).expect("the order's globs");
    let source = Source::open(&order.sources[0], &Location::at(path, scratch.path().to_owned())).expect("it opens");
    let reached = reach(&source, &scope);
    assert_eq!(reached.digest("/café"), Digest::of(b"1"));
    assert!(reached.items.contains_key(b"/unix\xe9".as_slice()));
    let at = |seconds, nanoseconds| Timestamp::new(seconds, nanoseconds).expect("a time");
    assert_eq!(reached.at("/utc").times.modified, Some(FileTime::at(at(-2_147_483_647, 0))));
    let ntfs = reached.at("/ntfs").times;
    let instant = Some(FileTime::at(at(0, 0))).map(|_| ntfs.modified.expect("a time"));
    assert_eq!((ntfs.accessed, ntfs.created, ntfs.changed), (instant, instant, None));
    let span = FileTime::between(at(1_729_989_000, 0), at(1_729_992_601, 999_999_999));
    assert_eq!(reached.at("/fold").times.modified, span);
    assert_eq!(reached.at("/none").times.modified, None);
    assert_eq!(reached.at("/link").kind, EntryKind::Link);
}

#[test]
fn damage_never_ends_the_program_and_a_checked_member_is_never_wrong() {
    let text = "a line that can be packed\n".repeat(2000);
    let nine = noise(8, 9000);
    let members = [
        Member::folder("f"),
        Member::file("f/text", text.as_bytes()),
        Member::file("noise", &nine),
        Member { flag: b'x', ..Member::file("pax", b"20 path=a/longer/one\n30 mtime=1700000000.123456789\n") },
        Member::file("short", b"s"),
        Member::link("hard", b'1', "noise"),
    ];
    let plain = tar(&members);
    let few = letters(&noise(9, 4000));
    let zipped: Vec<_> = [8, 0, 12, 14, 93, 95, 9]
        .into_iter()
        .map(|method| made::Zipped {
            method,
            ..made::Zipped::new(
                ["a", "b", "c/d", "e", "f", "g", "h"][usize::from(method) % 7],
                if method == 9 { few.as_slice() } else { text.as_bytes() },
            )
        })
        .collect();
    let mut victims = vec![("tar", plain.clone()), ("zip", zip(&zipped))];
    victims.extend(Packed::ALL.map(|packed| (packed.kind(), pack(packed, &plain))));
    let scratch = scratch();
    let path = scratch.path().join("victim");
    for (kind, whole) in victims {
        for seed in 0..50_u64 {
            let mut bytes = whole.clone();
            let chance = noise(seed * 77 + 13, 64);
            let number = |at: usize| u32::from_le_bytes(chance[at..at + 4].try_into().expect("four bytes")) as usize;
            for change in 0..1 + seed as usize % 4 {
                // Half of the changes go where a zip has its directory, and a packed stream its end.
                let span = if seed % 2 == 0 { bytes.len() } else { bytes.len().min(700) };
                let at = bytes.len() - 1 - number(change * 8) % span;
                bytes[at] ^= chance[change * 8 + 4] | 1;
            }
            if seed % 5 == 0 {
                bytes.truncate(number(48) % bytes.len());
            }
            fs::File::create(&path).and_then(|mut file| file.write_all(&bytes)).expect("an archive");
            let begun = Instant::now();
            let Ok((source, scope)) = open(&path) else { continue };
            let reached = reach(&source, &scope);
            assert!(begun.elapsed() < Duration::from_secs(10), "{kind}, seed {seed}");
            for (name, item) in reached.items.iter().filter(|_| kind == "zip") {
                if let Some(Ok((_, found))) = item.content {
                    let known = [text.as_bytes(), few.as_slice()].map(Digest::of);
                    assert!(known.contains(&found), "{kind}, seed {seed}: {}", name.escape_ascii());
                }
            }
        }
    }
}
