//! The disk images of the corpora: what becomes of each stands in `corpus_disk.tsv`, and what is read is held against an
//! independent truth and, where loop mounts are allowed, against the kernel.
//!
//! A row of the table: the image; the verdict; what more is said when it is opened (`key=`, `disk=`, `segment=`). Verdicts:
//! `read N`: everything, N entries in all. `refused: WORDS`: by these words. `short: WHAT`: in part, and it is said.
//! `EXTRACT_CORPUS=print` prints each row as it would be now.

#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/judged.rs"]
mod judged;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/mounted.rs"]
mod mounted;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/reach.rs"]
mod reach;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/tool.rs"]
mod tool;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use extract::digest::{Digest, Hasher};
use extract::image::{self, Stored, StoredFile};
use extract::scope::{EntryKind, FileTimes};
use extract::source::Location;
use extract::volume::Key;
use judged::{Part, compare, known};
use mounted::Mounted;
use reach::{Reached, open_at, reach};
use serde_json::Value;
use tool::text;

const TABLE: &str = "tests/corpus_disk.tsv";

fn corpora() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    if folder.join("truth-disk.json").is_file() {
        println!("corpora: {} is there", folder.display());
        return Some(folder);
    }
    println!("corpora: ../shared/corpora is not there, its images are not read");
    None
}

struct Row {
    image: String,
    verdict: String,
    with: String,
}

fn table() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(TABLE);
    let text = fs::read_to_string(path).expect("the table");
    let row = |line: &str| {
        let mut columns = line.split('\t').map(str::to_owned);
        let image = columns.next().expect("an image");
        let verdict = columns.next().unwrap_or_else(|| panic!("{image} has no verdict"));
        Row { image, verdict, with: columns.next().unwrap_or_default() }
    };
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(row).collect()
}

/// Every image of the truth and of the two folders beside it.
fn images(corpora: &Path, truth: &Value) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = truth["images"].as_object().expect("images").keys().cloned().collect();
    for folder in ["disk-damaged/e2fsprogs", "disk-damaged/btrfs-progs", "disk-container/qemu"] {
        for entry in fs::read_dir(corpora.join(folder)).into_iter().flatten().flatten() {
            names.insert(format!("{folder}/{}", entry.file_name().to_string_lossy()));
        }
    }
    names
}

/// The image without the compression that it is kept in.
fn unpacked(stored: &Path, into: &Path) -> PathBuf {
    let name = stored.file_name().expect("a name").to_string_lossy().into_owned();
    let packings = [(".zst", "zstd"), (".gz", "gzip"), (".xz", "xz"), (".bz2", "bzip2")];
    let packing = packings.into_iter().find_map(|(suffix, tool)| Some((name.strip_suffix(suffix)?, tool)));
    let image = into.join(packing.map_or(name.as_str(), |(stem, _)| stem));
    let Some((_, tool)) = packing else {
        fs::copy(stored, &image).expect("a copy");
        return image;
    };
    let file = fs::File::create(&image).expect("the unpacked image");
    let status = Command::new(tool).args(["-d", "-c"]).arg(stored).stdout(Stdio::from(file)).status().expect(tool);
    assert!(status.success(), "{tool} -dc {name}");
    image
}

/// One image, unpacked, with what is said when it is opened.
struct Case<'c> {
    truth: &'c Value,
    row: &'c Row,
    scratch: &'c Path,
    location: Location,
}

impl<'c> Case<'c> {
    fn new(corpora: &Path, truth: &'c Value, row: &'c Row, scratch: &'c Path) -> Self {
        let path = unpacked(&corpora.join(&row.image), scratch);
        let mut location = Location::at(path, scratch.to_owned());
        for word in row.with.split(' ').filter(|word| !word.is_empty()) {
            match word.split_once('=') {
                Some(("key", key)) => location.keys.push(Key::new(key.as_bytes().to_vec())),
                Some(("disk", disk)) => location.disks.push(unpacked(&corpora.join(disk), scratch)),
                // It lies beside the first; nothing more is said of it.
                Some(("segment", segment)) => drop(unpacked(&corpora.join(segment), scratch)),
                _ => panic!("{}: {word} says nothing", row.image),
            }
        }
        // Several file systems need a place each.
        let image = &truth["images"][&row.image];
        let volumes = image["volumes"].as_array().map(Vec::as_slice).unwrap_or_default();
        let trees = volumes.iter().filter(|volume| volume["blkid"]["USAGE"] == "filesystem");
        let numbers: Vec<u64> =
            trees.filter_map(|volume| volume["partition"].as_u64()).map(|place| judged::number(image, place)).collect();
        if !numbers.is_empty() && volumes.len() > 1 {
            location.mounts = numbers.iter().map(|number| (format!("p{number}"), format!("/p{number}"))).collect();
        }
        Self { truth, row, scratch, location }
    }

    fn image(&self) -> &'c Value {
        &self.truth["images"][&self.row.image]
    }

    /// What becomes of it, as a verdict of the table.
    fn verdict(&self) -> String {
        self.content();
        let what = self.row.image.as_str();
        let (source, scope) = match open_at(&self.location) {
            Ok(opened) => opened,
            Err(error) => {
                let said = error.to_string();
                let words = ["source s: ", "not supported (byte 0): "];
                return format!("refused: {}", words.iter().fold(said.as_str(), |s, w| s.strip_prefix(w).unwrap_or(s)));
            }
        };
        let reached = reach(&source, &scope);
        assert_eq!(source.unchanged(), Ok(()), "{what}");
        let count = |is: fn(&reach::Item) -> bool| reached.items.values().filter(|item| is(item)).count();
        let right = count(|item| matches!(item.content, Some(Ok(_))));
        let unread = count(|item| matches!(item.content, Some(Err(_))) || item.kind == EntryKind::Unreadable);
        let is_short = unread + reached.unlisted.len() > 0;
        let (mut compared, mut entries) = (0, 0);
        for volume in &source.volumes {
            let part = Part::of(&reached, &volume.mount);
            let name = volume.volume.as_deref().unwrap_or_default();
            entries += part.items.len();
            let known = known(self.truth, what, name);
            compared += known.map_or(0, |known| compare(&format!("{what} {name}"), &known, &part, is_short));
            let kernel = match self.kernel(name, &part) {
                Ok(same) => format!("{same} entries as the kernel shows them"),
                Err(why) => format!("not held against the kernel: {why}"),
            };
            println!("{what} {name}: {kernel}");
        }
        self.none_is_left_out(&source);
        println!("{what}: {compared} files as the truth has them");
        if is_short {
            format!("short: {right} files read, {unread} not, {} folders not to their end", reached.unlisted.len())
        } else {
            format!("read {entries}")
        }
    }

    /// Every file system that the truth mounted is there.
    fn none_is_left_out(&self, source: &extract::source::Source) {
        for volume in self.image()["volumes"].as_array().into_iter().flatten() {
            let Some(number) = volume["partition"].as_u64().filter(|_| volume["entries"].is_u64()) else { continue };
            let number = judged::number(self.image(), number);
            let is_there = source.volumes.iter().any(|ours| ours.volume.as_deref() == Some(&format!("p{number}")));
            assert!(is_there, "{}: the file system of p{number} is missing", self.row.image);
        }
    }

    /// The bytes within a container are those that QEMU or libewf found, if the container is read at all.
    fn content(&self) {
        let Some(expected) = self.image()["raw_sha256"].as_str() else { return };
        let stored = Stored {
            file: Arc::new(StoredFile::open(&self.location.path).expect("the image")),
            place: self.location.path.clone(),
            backing: Vec::new(),
            snapshot: None,
            scratch: self.scratch.to_owned(),
        };
        let Ok(opened) = image::open(&stored) else { return };
        let size = opened.bytes.size_bytes();
        assert_eq!(Some(size), self.image()["raw_bytes"].as_u64(), "{}: its length", self.row.image);
        assert_eq!(digest(opened.bytes.as_ref(), size).to_string(), expected, "{}: its content", self.row.image);
    }

    /// The kernel's view of one volume is ours; how many entries, or why it was not asked.
    fn kernel(&self, volume: &str, part: &Part<'_>) -> Result<usize, String> {
        let image = self.image();
        let format = match image["qemu_img"]["format"].as_str() {
            _ if image["ewfinfo"].is_array() => return Err("in an E01".to_owned()),
            Some(format) => format,
            None => "raw",
        };
        if volume != "whole" && !volume.starts_with('p') {
            return Err(format!("{volume} is no partition"));
        }
        let raw = self.scratch.join("for-the-kernel");
        tool::run("qemu-img", &["convert", "-f", format, "-O", "raw", text(&self.location.path), text(&raw)]);
        let number = volume.strip_prefix('p').and_then(|number| number.parse::<usize>().ok());
        let table = &image["partition_table"];
        let places = 1..=table["partitions"].as_array().map_or(0, Vec::len);
        let place = places.into_iter().find(|&place| number == Some(judged::number(image, place as u64) as usize));
        let partition = place.and_then(|place| table["partitions"].get(place - 1));
        let sector = table["sector"].as_u64().unwrap_or(512);
        let place = partition.map_or_else(String::new, |partition| {
            let bytes = |field: &str| partition[field].as_u64().expect("a number of sectors") * sector;
            format!(",offset={},sizelimit={}", bytes("start"), bytes("size"))
        });
        let at = place.split(['=', ',']).nth(2).unwrap_or("0").to_owned();
        let kind = tool::run("blkid", &["-p", "-O", &at, "-s", "TYPE", "-o", "value", text(&raw)]);
        let options = match kind.trim() {
            // A journal that a damaged image holds is replayed, as here; the truth was taken without.
            "ext3" | "ext4" if !self.row.image.starts_with("disk-damaged") => "loop,ro,noatime,noload",
            "xfs" => "loop,ro,noatime,norecovery,nouuid",
            _ => "loop,ro,noatime",
        };
        let mounted = Mounted::new(&raw, &self.scratch.join("mount"), &format!("{options}{place}"));
        let result = mounted.map(|mounted| self.same(&mounted, part, kind.trim() == "squashfs"));
        fs::remove_file(raw).expect("the image for the kernel");
        result
    }

    fn same(&self, mounted: &Mounted, part: &Part<'_>, one_clock: bool) -> usize {
        let what = &self.row.image;
        let theirs = mounted.items();
        let is_damaged = what.starts_with("disk-damaged");
        let more = part.items.keys().find(|path| !is_damaged && !theirs.contains_key(**path));
        assert_eq!(more, None, "{what}: the kernel does not show it");
        let mut same = 0;
        for (path, theirs) in &theirs {
            let place = path.escape_ascii();
            let Some(ours) = part.items.get(path.as_slice()) else {
                assert!(part.may_hide(path), "{what}: {place} is missing");
                continue;
            };
            match (&ours.content, &theirs.content) {
                (Some(Ok(ours)), Some(Ok(theirs))) => assert_eq!(ours, theirs, "{what}: {place}"),
                (Some(Err(why)), Some(Ok(_))) => println!("{what}: {place}: the kernel reads it, we do not: {why}"),
                (Some(Ok(_)), None) | (None, Some(Ok(_))) if !is_damaged => panic!("{what}: {place} is no such thing"),
                _ => {}
            }
            if !is_damaged {
                let times = FileTimes { created: None, ..ours.times };
                let shown = FileTimes { modified: theirs.times.modified, ..FileTimes::default() };
                let shown = if one_clock { shown } else { theirs.times };
                assert_eq!((ours.kind, ours.size_bytes), (theirs.kind, theirs.size_bytes), "{what}: {place}");
                assert_eq!(times, shown, "{what}: {place}");
            }
            same += 1;
        }
        same
    }
}

fn digest(image: &dyn image::Image, size: u64) -> Digest {
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 256 * 1024];
    let mut at = 0;
    while at < size {
        let length = (size - at).min(buffer.len() as u64) as usize;
        image.read_at(at, &mut buffer[..length]).expect("its content");
        hasher.update(&buffer[..length]);
        at += length as u64;
    }
    hasher.finish()
}

/// A verdict is as the table has it: the same, or refused by words that hold those of the table.
fn fits(verdict: &str, table: &str) -> bool {
    match (verdict.strip_prefix("refused: "), table.strip_prefix("refused: ")) {
        (Some(said), Some(words)) => said.contains(words),
        _ => verdict == table,
    }
}

#[test]
fn every_image_becomes_what_the_table_says() {
    let Some(corpora) = corpora() else { return };
    let truth = fs::read(corpora.join("truth-disk.json")).expect("the truth");
    let truth: Value = serde_json::from_slice(&truth).expect("JSON");
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for row in table() {
        let twice = rows.insert(row.image.clone(), row);
        assert!(twice.is_none(), "{} stands twice in {TABLE}", twice.map(|row| row.image).unwrap_or_default());
    }
    let is_printed = std::env::var("EXTRACT_CORPUS").is_ok_and(|wish| wish == "print");
    let images = images(&corpora, &truth);
    for image in images.iter().filter(|image| is_printed && !rows.contains_key(*image)).cloned().collect::<Vec<_>>() {
        let row = Row { image: image.clone(), verdict: String::new(), with: String::new() };
        rows.insert(image, row);
    }
    let names: BTreeSet<String> = rows.keys().cloned().collect();
    let lonely: Vec<_> = names.symmetric_difference(&images).collect();
    assert!(lonely.is_empty(), "an image without a row, or a row without an image: {lonely:?}");

    let rows: Vec<Row> = rows.into_values().collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut wrong = Vec::new();
        while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
            let scratch = tempfile::tempdir().expect("a temporary folder");
            let judged = catch_unwind(AssertUnwindSafe(|| Case::new(&corpora, &truth, row, scratch.path()).verdict()));
            let verdict = judged.unwrap_or_else(|_| "wrong (see above)".to_owned());
            println!("{}\t{verdict}\t{}", row.image, row.with);
            if !fits(&verdict, &row.verdict) {
                wrong.push(format!("{}: {verdict}; by the table: {}", row.image, row.verdict));
            }
        }
        wrong
    };
    let wrong: Vec<String> = std::thread::scope(|threads| {
        let threads: Vec<_> = (0..2).map(|_| threads.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    assert!(wrong.is_empty(), "{} of {} images:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

/// An image that is stored in two parts is one image again when the parts stand behind one another.
#[test]
fn the_parts_of_a_split_image_read_as_one_when_put_together() {
    let Some(corpora) = corpora() else { return };
    let truth = fs::read(corpora.join("truth-disk.json")).expect("the truth");
    let truth: Value = serde_json::from_slice(&truth).expect("JSON");
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let mut whole = Vec::new();
    for part in ["000", "001"] {
        let file = unpacked(&corpora.join(format!("disk/dfvfs/ext2.splitraw.{part}.zst")), scratch.path());
        whole.extend(fs::read(file).expect("a part"));
    }
    let image = scratch.path().join("whole");
    fs::write(&image, whole).expect("the whole image");
    let (source, scope) = reach::open(&image).expect("it opens");
    let expected = &truth["extra"]["disk/dfvfs/ext2.splitraw.000+001 concatenated"];
    assert_eq!(source.hash().expect("an image").finish().expect("a digest").whole.to_string(), expected["sha256"]);
    let reached: Reached = reach(&source, &scope);
    let known = known(&truth, "disk/dfvfs/ext2.splitraw.000.zst", "whole").expect("it is known");
    assert_eq!(compare("put together", &known, &Part::of(&reached, b"/"), false), 3);
}
