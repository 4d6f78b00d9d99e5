//! Each file system that the kernel knows too, large and varied: what we read is what the kernel shows, entry for entry,
//! also where the server stopped in the middle of its work.

#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/fold.rs"]
mod fold;
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
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/varied.rs"]
mod varied;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use extract::digest::Digest;
use extract::filesystem::FORMATS;
use extract::journal::Journal;
use extract::scope::FileTimes;
use fold::Fold;
use mounted::Mounted;
use reach::{Item, open, reach_with};
use rustix::fs::SeekFrom;
use tempfile::TempDir;
use tool::{Cannot, text, try_run};
use varied::{MARK, Options};

/// A way to make a large image, that we and the kernel read.
struct Row {
    /// Part of the family's name in the table of file systems: a family that is not there yet is said, and not run.
    family: &'static str,
    what: &'static str,
    fill: Fill,
    /// How the kernel is to mount what was left clean, to read it.
    options: &'static str,
    /// How the kernel is to mount what was left in the middle of its work; none where it keeps no journal.
    recover: Option<&'static str>,
    /// Which of the times that the kernel shows the format has.
    times: fn(FileTimes) -> FileTimes,
}

enum Fill {
    /// An empty file system by this tool, with the image's path behind these arguments; filled under a mount with options.
    Mounted(&'static str, &'static [&'static str], &'static str),
    /// The whole image by this tool, of a tree.
    Whole(fn(tree: &Path, image: &Path) -> Result<(), Cannot>),
}

/// How large the empty images are: nearly all of it stays a hole.
const IMAGE_BYTES: u64 = 320 << 20;

const ROWS: &[Row] = &[
    Row {
        family: "ext",
        what: "ext2",
        fill: Fill::Mounted("mke2fs", &["-q", "-F", "-t", "ext2", "-b", "1024", "-N", "60000"], "loop"),
        options: "loop,ro",
        recover: None,
        times: all,
    },
    Row {
        family: "ext",
        what: "ext3",
        fill: Fill::Mounted("mke2fs", &["-q", "-F", "-t", "ext3", "-b", "4096", "-N", "60000"], "loop"),
        options: "loop,ro",
        recover: Some("loop,noatime"),
        times: all,
    },
    Row {
        family: "ext",
        what: "ext4",
        fill: Fill::Mounted("mke2fs", &["-q", "-F", "-t", "ext4", "-b", "4096", "-N", "60000"], "loop"),
        options: "loop,ro",
        recover: Some("loop,noatime"),
        times: all,
    },
    Row {
        family: "xfs",
        what: "XFS",
        fill: Fill::Mounted("mkfs.xfs", &["-q", "-f"], "loop"),
        options: "loop,ro",
        recover: Some("loop,noatime"),
        times: all,
    },
    Row {
        family: "btrfs",
        what: "btrfs",
        fill: Fill::Mounted("mkfs.btrfs", &["-q", "-f"], "loop,compress=zstd"),
        options: "loop,ro",
        recover: Some("loop,noatime"),
        times: all,
    },
    Row {
        family: "squashfs",
        what: "squashfs",
        fill: Fill::Whole(squashfs),
        options: "loop,ro",
        recover: None,
        times: |times| FileTimes { modified: times.modified, ..FileTimes::default() },
    },
];

fn all(times: FileTimes) -> FileTimes {
    times
}

fn squashfs(tree: &Path, image: &Path) -> Result<(), Cannot> {
    try_run("mksquashfs", &[text(tree), text(image), "-quiet", "-no-progress", "-no-xattrs", "-comp", "zstd"])?;
    Ok(())
}

/// What the content of a stream of ours comes to.
fn ours(stream: &mut dyn Read, is_marked: &Cell<bool>) -> Result<(u64, Digest), String> {
    let mut fold = Fold::new(MARK);
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match stream.read(&mut buffer).map_err(|error| error.to_string())? {
            0 => break,
            read => fold.update(&buffer[..read]),
        }
    }
    let (size, digest, marked) = fold.finish();
    is_marked.set(is_marked.get() || marked);
    Ok((size, digest))
}

/// What the content of a file of the kernel's comes to; its holes are not read.
fn theirs(file: &fs::File) -> Result<(u64, Digest), String> {
    let told = |error: std::io::Error| error.to_string();
    let size = file.metadata().map_err(told)?.len();
    let mut fold = Fold::new(MARK);
    let mut buffer = vec![0; 256 * 1024];
    let mut at = 0;
    while at < size {
        let data = if size < (64 << 20) {
            at
        } else {
            match rustix::fs::seek(file, SeekFrom::Data(at)) {
                Ok(data) => data,
                Err(rustix::io::Errno::NXIO) => size,
                Err(error) => return Err(error.to_string()),
            }
        };
        fold.zeros(data - at);
        at = data;
        let wanted = (size - at).min(buffer.len() as u64) as usize;
        std::os::unix::fs::FileExt::read_exact_at(file, &mut buffer[..wanted], at).map_err(told)?;
        fold.update(&buffer[..wanted]);
        at += wanted as u64;
    }
    let (size, digest, marked) = fold.finish();
    assert!(!marked, "the tree itself holds what was deleted");
    Ok((size, digest))
}

/// What the kernel shows, as far as the format has it.
fn shown(row: &Row, image: &Path, at: &Path, options: &str) -> Result<BTreeMap<Vec<u8>, Item>, Cannot> {
    let mounted = Mounted::new(image, at, options).map_err(Cannot::Right)?;
    let mut items = mounted.items_with(&theirs);
    items.values_mut().for_each(|item| item.times = (row.times)(item.times));
    Ok(items)
}

fn compare(what: &str, image: &Path, journal: &[Journal], kernel: &BTreeMap<Vec<u8>, Item>) {
    let (source, scope) = open(image).unwrap_or_else(|error| panic!("{what}: {error}"));
    let filesystem = &source.volumes[0].filesystem;
    assert!(journal.contains(&filesystem.journal()), "{what}: the journal is {:?}", filesystem.journal());
    let is_marked = Cell::new(false);
    let reached = reach_with(&source, &scope, |stream| ours(stream, &is_marked));
    assert_eq!(reached.unlisted, BTreeMap::new(), "{what}");
    let names: Vec<_> = reached.items.keys().filter(|path| path.as_slice() != b"/").collect();
    let missing: Vec<_> = kernel.keys().filter(|path| !reached.items.contains_key(*path)).collect();
    assert!(missing.is_empty(), "{what}: {} are missing: {:?}", missing.len(), &missing[..missing.len().min(5)]);
    assert_eq!(names.len(), kernel.len(), "{what}: more is found than the kernel shows");
    for (path, theirs) in kernel {
        assert_eq!(reached.items[path], *theirs, "{what}: {}", path.escape_ascii());
    }
    assert!(!is_marked.get(), "{what}: what was deleted is read");
    assert!(kernel.len() > 20_000, "{what}: only {} entries", kernel.len());
    assert_eq!(source.unchanged(), Ok(()), "{what}");
}

/// Copies the file under a live mount at a moment when nothing is written to it.
fn stop(live: &Path, stopped: &Path) {
    let changed = || fs::metadata(live).map(|metadata| (metadata.mtime(), metadata.mtime_nsec())).expect("the image");
    let quiet = || {
        let modified = fs::metadata(live).and_then(|metadata| metadata.modified()).expect("the image");
        SystemTime::now().duration_since(modified).is_ok_and(|age| age > Duration::from_millis(30))
    };
    for _ in 0..200 {
        let before = changed();
        if quiet() {
            try_run("cp", &["--sparse=always", text(live), text(stopped)]).expect("a copy");
            if changed() == before {
                return;
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{} is written to without end", live.display());
}

struct Made {
    clean: PathBuf,
    stopped: Option<PathBuf>,
}

fn make(row: &Row, scratch: &TempDir, options: &Options) -> Result<Made, Cannot> {
    let clean = scratch.path().join("clean.raw");
    match &row.fill {
        Fill::Whole(make) => {
            let tree = scratch.path().join("tree");
            fs::create_dir(&tree).expect("a folder");
            // The tool reads the long file to its end.
            varied::build(&tree, &Options { long_bytes: options.long_bytes / 8, ..*options });
            make(&tree, &clean)?;
            Ok(Made { clean, stopped: None })
        }
        Fill::Mounted(tool, arguments, mount) => {
            fs::File::create(&clean).and_then(|file| file.set_len(IMAGE_BYTES)).expect("an empty image");
            try_run(tool, &[arguments, [text(&clean)].as_slice()].concat())?;
            let at = scratch.path().join("live");
            let mounted = Mounted::new(&clean, &at, mount).map_err(Cannot::Right)?;
            varied::build(&at, options);
            drop(mounted);
            if row.recover.is_none() {
                return Ok(Made { clean, stopped: None });
            }
            let live = scratch.path().join("live.raw");
            try_run("cp", &["--sparse=always", text(&clean), text(&live)]).expect("a copy");
            let mounted = Mounted::new(&live, &at, mount).map_err(Cannot::Right)?;
            varied::churn(&at, 6);
            let stopped = scratch.path().join("stopped.raw");
            stop(&live, &stopped);
            drop(mounted);
            fs::remove_file(live).expect("the live image");
            Ok(Made { clean, stopped: Some(stopped) })
        }
    }
}

fn judge(row: &Row, scratch: &TempDir, made: &Made) -> Result<(), Cannot> {
    let at = scratch.path().join("mount");
    let kernel = shown(row, &made.clean, &at, row.options)?;
    compare(row.what, &made.clean, &[Journal::None, Journal::Clean], &kernel);
    if let (Some(stopped), Some(recover)) = (&made.stopped, row.recover) {
        let copy = scratch.path().join("recovered.raw");
        try_run("cp", &["--sparse=always", text(stopped), text(&copy)]).expect("a copy");
        let kernel = shown(row, &copy, &at, recover)?;
        compare(&format!("{}, stopped at work", row.what), stopped, &[Journal::Replayed], &kernel);
    }
    Ok(())
}

#[test]
fn what_is_read_is_what_the_kernel_shows() {
    // Each seed is a tree with other contents. tests/long runs several.
    let seeds = std::env::var("EXTRACT_SEEDS").map_or(1, |seeds| seeds.parse().expect("EXTRACT_SEEDS is a number"));
    for seed in 1..=seeds {
        let options = Options { seed, ..varied::OPTIONS };
        for row in ROWS {
            if FORMATS.iter().any(|format| format.family.to_lowercase().contains(row.family)) {
                run(row, &options);
            } else {
                println!("{}: this version does not read it", row.what);
            }
        }
    }
}

fn run(row: &Row, options: &Options) {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let begun = Instant::now();
    let judged = make(row, &scratch, options).and_then(|made| {
        println!("{}: made in {:.1} s", row.what, begun.elapsed().as_secs_f64());
        judge(row, &scratch, &made)
    });
    match judged {
        Ok(()) => println!("{}: the same, in {:.1} s", row.what, begun.elapsed().as_secs_f64()),
        Err(cannot) => cannot.say(row.what),
    }
}
