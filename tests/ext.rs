//! What an ext reader can get silently wrong: blocks that were never written, times, and the journal.

#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/mounted.rs"]
mod mounted;
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
use std::path::{Path, PathBuf};

use extract::clock::Timestamp;
use extract::digest::Digest;
use extract::journal::Journal;
use extract::scope::FileTime;
use mounted::Mounted;
use reach::{Reached, open, reach};
use tempfile::TempDir;
use tool::{run, text};

/// An image of 24 MiB with these files.
fn image(scratch: &TempDir, arguments: &[&str], files: &[(&str, &[u8])]) -> PathBuf {
    let folder = scratch.path().join("tree");
    fs::create_dir_all(&folder).expect("a folder");
    for (name, content) in files {
        fs::write(folder.join(name), content).expect("a file");
    }
    let image = scratch.path().join("image.raw");
    run("mke2fs", &[&["-q", "-F", "-d", text(&folder)], arguments, &[text(&image), "24M"]].concat());
    image
}

fn everything(image: &Path) -> (Journal, Reached) {
    let (source, scope) = open(image).expect("it opens");
    (source.volumes[0].filesystem.journal(), reach(&source, &scope))
}

/// Runs debugfs with a file of commands.
fn commands(scratch: &TempDir, image: &Path, lines: &[String]) {
    let file = scratch.path().join("commands");
    fs::write(&file, lines.join("\n") + "\n").expect("a file of commands");
    run("debugfs", &["-w", "-f", text(&file), text(image)]);
}

#[test]
fn blocks_that_were_allocated_and_never_written_are_zeros() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let secret = b"what a deleted file held ".repeat(400_000);
    let image = image(&scratch, &["-t", "ext4", "-b", "4096"], &[("secret", &secret), ("log", b"first line\n")]);
    // The blocks of the deleted file are given to the log, allocated and not written, as fallocate(2) leaves them.
    let lines = ["rm secret", "fallocate log 1 2000", "sif log size 8196096"].map(str::to_owned);
    commands(&scratch, &image, &lines);
    let mut expected = vec![0; 8_196_096];
    expected[..11].copy_from_slice(b"first line\n");
    let raw = fs::read(&image).expect("the image");
    let free = raw.windows(25).filter(|bytes| *bytes == b"what a deleted file held ").count();
    assert!(free > 1_000, "the deleted content is still on the disk");
    assert!(run("debugfs", &["-R", "ex /log", text(&image)]).contains("Uninit"), "the extents are not written ones");
    let (_, reached) = everything(&image);
    assert_eq!(reached.at("/log").size_bytes, 8_196_096);
    assert_eq!(reached.digest("/log"), Digest::of(&expected));
}

#[test]
fn times_are_exact_from_1901_to_2446_and_none_where_the_inode_has_none() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    for (arguments, fine) in [(["-t", "ext4", "-I", "256"], true), (["-t", "ext2", "-I", "128"], false)] {
        let image = image(&scratch, &arguments, &[("a", b"a"), ("b", b"b"), ("c", b"c")]);
        let mut lines = Vec::new();
        // Seconds as the inode holds them, two bits of epoch, nanoseconds; and what they mean.
        let vectors = [("a", -1_i64, 0, 5), ("b", -0x8000_0000, 1, 999_999_999), ("c", 0x7fff_ffff, 3, 0)];
        for (name, seconds, epoch, nanoseconds) in vectors {
            for field in ["mtime", "ctime", "atime", "crtime"].into_iter().take(if fine { 4 } else { 3 }) {
                lines.push(format!("sif {name} {field}_lo {:#x}", seconds as u32));
                if fine {
                    lines.push(format!("sif {name} {field}_extra {:#x}", nanoseconds << 2 | epoch));
                }
            }
        }
        commands(&scratch, &image, &lines);
        let (_, reached) = everything(&image);
        for (name, seconds, epoch, nanoseconds) in vectors {
            let times = reached.at(&format!("/{name}")).times;
            let expected = if fine {
                Timestamp::new(seconds + (i64::from(epoch) << 32), nanoseconds)
            } else {
                Timestamp::new(seconds, 0)
            };
            let expected = expected.map(FileTime::at);
            let created = if fine { expected } else { None };
            assert_eq!(times.modified, expected, "{name}, {arguments:?}");
            assert_eq!((times.changed, times.accessed, times.created), (expected, expected, created), "{name}");
        }
    }
}

#[test]
fn the_other_reader_agrees_on_everything_that_it_can_read() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let folder = scratch.path().join("tree");
    fs::create_dir(&folder).expect("a folder");
    let expected = tree::build(&folder);
    for arguments in [["-t", "ext2"], ["-t", "ext3"], ["-t", "ext4"]] {
        let image = scratch.path().join("image.raw");
        run("mke2fs", &[&["-q", "-F", "-d", text(&folder)], arguments.as_slice(), &[text(&image), "64M"]].concat());
        let (_, reached) = everything(&image);
        let other = ext4_view::Ext4::load_from_path(&image).expect("it opens");
        let mut compared = 0;
        for path in expected.keys().filter(|path| path.as_slice() != b"/") {
            let name = path.escape_ascii();
            let item = &reached.items[path];
            let theirs = other.symlink_metadata(path.as_slice()).expect("metadata");
            let modified =
                Timestamp::new(theirs.modified().seconds(), theirs.modified().nanoseconds()).map(FileTime::at);
            assert_eq!(item.times.modified, modified, "{arguments:?}: {name}");
            let Some(content) = &item.content else { continue };
            match other.read(path.as_slice()) {
                Ok(bytes) => {
                    compared += 1;
                    assert_eq!(*content, Ok((bytes.len() as u64, Digest::of(&bytes))), "{arguments:?}: {name}");
                }
                Err(error) => println!("{arguments:?}: {name}: only this reader can: {error}"),
            }
        }
        assert!(compared > 700, "{arguments:?}");
    }
}

/// A journal that holds changes, made by debugfs: each step is a transaction that writes or revokes the block of a file.
enum Step<'s> {
    Write(&'s [u8]),
    Revoke,
}

fn with_journal(scratch: &TempDir, arguments: &[&str], checksums: bool, steps: &[Step]) -> PathBuf {
    let image = image(scratch, arguments, &[("a", b"as it stands on the disk"), ("other", b"other")]);
    let block = run("debugfs", &["-R", "blocks /a", text(&image)]).trim().to_owned();
    for (number, step) in steps.iter().enumerate() {
        let mut lines = vec![format!("jo {}", if checksums { "-c" } else { "" })];
        match step {
            Step::Write(content) => {
                let file = scratch.path().join(format!("block{number}"));
                let mut bytes = vec![0; 4096];
                (&mut bytes[..]).write_all(content).expect("a block");
                fs::write(&file, bytes).expect("a block");
                lines.push(format!("jw -b {block} {}", text(&file)));
            }
            Step::Revoke => lines.push(format!("jw -r {block}")),
        }
        lines.push("jc".to_owned());
        commands(scratch, &image, &lines);
    }
    image
}

/// What the kernel makes of a copy of the image: it replays the journal onto it.
fn kernel(scratch: &TempDir, image: &Path) -> Option<Digest> {
    let copy = scratch.path().join("copy.raw");
    fs::copy(image, &copy).expect("a copy");
    match Mounted::new(&copy, &scratch.path().join("mount"), "loop") {
        Ok(mounted) => {
            mounted.items()[b"/a".as_slice()].content.clone().expect("a file").ok().map(|(_, digest)| digest)
        }
        Err(why) => {
            println!("not compared with the kernel: {why}");
            None
        }
    }
}

#[test]
fn a_journal_is_replayed_as_the_kernel_does() {
    // A block that begins with the journal's own magic is stored escaped.
    let escaped: &[u8] = b"\xc0\x3b\x39\x98 and the rest of it ";
    let (first, second): (&[u8], &[u8]) = (b"what the first transaction ", b"what the second one wrote ");
    let disk: &[u8] = b"as it stands on the disk";
    let vectors: [(&str, &[Step], &[u8], Journal); 6] = [
        ("nothing", &[], disk, Journal::Clean),
        ("one", &[Step::Write(first)], &first[..24], Journal::Replayed),
        ("two", &[Step::Write(first), Step::Write(second)], &second[..24], Journal::Replayed),
        ("revoked", &[Step::Write(first), Step::Revoke], disk, Journal::Replayed),
        ("written again", &[Step::Write(first), Step::Revoke, Step::Write(second)], &second[..24], Journal::Replayed),
        ("escaped", &[Step::Write(escaped)], &escaped[..24], Journal::Replayed),
    ];
    for arguments in [["-t", "ext4", "-b", "4096"], ["-t", "ext3", "-b", "4096"]] {
        for checksums in [false, true] {
            for (what, steps, expected, state) in &vectors {
                let what = format!("{what}, {}, checksums {checksums}", arguments[1]);
                let scratch = tempfile::tempdir().expect("a temporary folder");
                let image = with_journal(&scratch, &arguments, checksums, steps);
                let before = fs::read(&image).expect("the image");
                let (journal, reached) = everything(&image);
                // debugfs computes the older checksum over a revocation otherwise than the kernel, which then refuses it.
                let is_revoked = steps.iter().any(|step| matches!(step, Step::Revoke));
                if is_revoked && checksums && arguments[1] == "ext3" {
                    assert_eq!(journal, Journal::NotReplayed, "{what}");
                    continue;
                }
                assert_eq!(journal, *state, "{what}");
                assert_eq!(reached.digest("/a"), Digest::of(expected), "{what}");
                assert_eq!(reached.digest("/other"), Digest::of(b"other"), "{what}");
                assert_eq!(fs::read(&image).expect("the image"), before, "{what}: nothing is written");
                if let Some(theirs) = kernel(&scratch, &image) {
                    assert_eq!(reached.digest("/a"), theirs, "{what}: as the kernel");
                }
            }
        }
    }
}

#[test]
fn a_journal_whose_copy_is_spoilt_is_not_called_replayed() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let content = b"a copy in the journal that will be spoilt";
    let image = with_journal(&scratch, &["-t", "ext4", "-b", "4096"], true, &[Step::Write(content)]);
    let mut bytes = fs::read(&image).expect("the image");
    let place = bytes.windows(content.len()).position(|window| window == content).expect("the copy");
    bytes[place] ^= 1;
    fs::write(&image, bytes).expect("the spoilt image");
    let (journal, reached) = everything(&image);
    assert_eq!(journal, Journal::NotReplayed);
    assert_eq!(reached.digest("/a"), Digest::of(b"as it stands on the disk"));
}

/// Writes, deletes and writes again, so that blocks of folders become blocks of files and their copies are revoked.
fn work(at: &Path) {
    for round in 0..6 {
        for number in 0..120 {
            let folder = at.join(format!("round{round}/folder{}", number % 7));
            fs::create_dir_all(&folder).expect("a folder");
            let file =
                fs::File::create(folder.join(format!("a file with a long name, number {number:05}"))).expect("a file");
            (&file)
                .write_all(&tree::noise(round * 1000 + number, (number as usize * 997) % 30_000))
                .expect("its content");
            if number % 10 == 0 {
                file.sync_all().expect("fsync");
            }
        }
        if round >= 2 {
            fs::remove_dir_all(at.join(format!("round{}", round - 2))).expect("a folder is deleted");
            let file = fs::File::create(at.join(format!("in its place {round}"))).expect("a file");
            (&file).write_all(&tree::noise(round, 1_500_000)).expect("its content");
            file.sync_all().expect("fsync");
        }
    }
}

#[test]
fn a_server_that_stopped_is_read_as_the_kernel_recovers_it() {
    let vectors: [(&[&str], &str); 7] = [
        (&["-t", "ext4"], "loop"),
        (&["-t", "ext4", "-O", "^metadata_csum,^64bit"], "loop,data=writeback,journal_async_commit"),
        (&["-t", "ext4", "-O", "^metadata_csum,^64bit"], "loop"),
        (&["-t", "ext4"], "loop,data=journal"),
        (&["-t", "ext3"], "loop"),
        (&["-t", "ext3", "-b", "1024"], "loop,data=journal"),
        (&["-t", "ext4", "-b", "1024", "-O", "fast_commit"], "loop"),
    ];
    for (arguments, options) in vectors {
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let live = scratch.path().join("live.raw");
        run("mke2fs", &[&["-q", "-F"], arguments, &[text(&live), "64M"]].concat());
        let stopped = scratch.path().join("stopped.raw");
        match Mounted::new(&live, &scratch.path().join("live"), options) {
            Ok(mounted) => {
                work(&scratch.path().join("live"));
                // What the stored file holds now is what a power cut would leave.
                fs::copy(&live, &stopped).expect("a copy");
                drop(mounted);
            }
            Err(why) => {
                println!("{arguments:?} {options}: not made: {why}");
                continue;
            }
        }
        let (journal, reached) = everything(&stopped);
        println!("{arguments:?} {options}: {journal:?}, {} entries", reached.items.len());
        if arguments.contains(&"fast_commit") && journal == Journal::NotReplayed {
            continue;
        }
        assert_eq!(journal, Journal::Replayed, "{arguments:?} {options}");
        assert_eq!(reached.unlisted.len(), 0, "{arguments:?} {options}");
        let mounted =
            Mounted::new(&stopped, &scratch.path().join("stopped"), "loop,noatime").expect("the kernel mounts it");
        let theirs = mounted.items();
        let names: Vec<_> = reached.items.keys().filter(|path| path.as_slice() != b"/").collect();
        assert_eq!(names, theirs.keys().collect::<Vec<_>>(), "{arguments:?} {options}");
        for (path, item) in theirs {
            let mut ours = reached.items[&path].clone();
            ours.times.created = None;
            assert_eq!(ours, item, "{arguments:?} {options}: {}", path.escape_ascii());
        }
    }
}
