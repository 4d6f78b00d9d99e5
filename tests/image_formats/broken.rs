//! Images that were cut or changed: an error, or what `qemu-img` makes of them, in good time and with nothing left over.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Duration;

use extract::read_error::ReadError;

use super::made::{Chance, ROWS, Row, all, by_qemu, disk, image, names, open, present, read, running};

/// How long one image may take, opened and read.
const PATIENCE: Duration = Duration::from_secs(10);
/// A mutant may say that its disk is larger than this; no more of it is read.
const MOST: u64 = 64 * 1024 * 1024;

/// Reads an image in a thread of its own, which must end in time.
fn in_time(what: &str, image: &Path, scratch: &Path) -> Result<Vec<u8>, ReadError> {
    let (send, receive) = channel();
    let (path, folder) = (image.to_owned(), scratch.to_owned());
    let thread = std::thread::spawn(move || {
        let read = open(&path, &folder).and_then(|opened| {
            if opened.bytes.size_bytes() > MOST {
                return Err(ReadError::Limit { offset: 0, what: "this test" });
            }
            all(&opened)
        });
        let _ = send.send(read);
    });
    let read = receive.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{what}: {error}"));
    thread.join().unwrap_or_else(|_| panic!("{what}: a panic"));
    read
}

struct Made {
    made: tempfile::TempDir,
    scratch: tempfile::TempDir,
    disk: PathBuf,
    raw: Vec<u8>,
}

impl Made {
    fn new() -> Self {
        let folder = || tempfile::tempdir().expect("a folder");
        let (made, scratch) = (folder(), folder());
        let disk = disk(made.path(), 3 * 1024 * 1024);
        let raw = fs::read(&disk).expect("the disk");
        Self { made, scratch, disk, raw }
    }

    /// The image of a row in a folder of its own, and which of its files holds the data.
    fn image(&self, row: &Row) -> (PathBuf, PathBuf) {
        let folder = self.made.path().join(format!("{}.d", row.name));
        let image = image(&self.disk, &folder, row);
        let largest = names(&folder).into_iter().map(|name| folder.join(name));
        let largest = largest.max_by_key(|path| fs::metadata(path).expect("a file").len()).expect("a file");
        (image, largest)
    }
}

#[test]
fn an_image_that_was_cut_is_never_taken_for_a_whole_one() {
    if !present(&["qemu-img", "qemu-nbd"]) {
        return;
    }
    let made = Made::new();
    for row in ROWS.iter().filter(|row| row.kind != "raw") {
        let (image, data) = made.image(row);
        let whole = fs::read(&data).expect("the image");
        // Behind the last byte that is not zero there is nothing to lose.
        let end = whole.iter().rposition(|byte| *byte != 0).expect("something") + 1;
        let mut chance = Chance(3);
        let mut refused = 0;
        for round in 0..8 {
            let kept = if round == 0 { end - 1 } else { chance.below(end) };
            fs::write(&data, &whole[..kept]).expect("a file");
            let what = format!("{} cut to {kept} of {}", row.name, whole.len());
            match in_time(&what, &image, made.scratch.path()) {
                // What was cut off may be no part of the disk: tables' second copies, counts.
                // A fixed VHD without its footer is a raw disk that ends early.
                Ok(bytes) if row.name == "fixed.vhd" => {
                    assert!(bytes.starts_with(&made.raw) || made.raw.starts_with(&bytes), "{what}: wrong bytes");
                }
                Ok(bytes) => assert!(bytes.starts_with(&made.raw), "{what}: wrong bytes"),
                Err(_) => refused += 1,
            }
            assert_eq!(names(made.scratch.path()), Vec::<String>::new(), "{what}");
        }
        assert!(refused >= 5 || row.name == "fixed.vhd", "{}: only {refused} of 8 were refused", row.name);
    }
    assert_eq!(running(made.scratch.path()), Vec::<String>::new(), "no qemu-nbd is left");
}

#[test]
fn a_changed_image_gives_what_qemu_gives_or_an_error_and_never_hangs() {
    if !present(&["qemu-img", "qemu-nbd"]) {
        return;
    }
    let made = Made::new();
    let mut told = Vec::new();
    for row in ROWS.iter().filter(|row| row.kind != "raw" && row.name != "rounded.vhd") {
        let (image, _) = made.image(row);
        let whole = fs::read(&image).expect("the image");
        let mut chance = Chance(row.name.bytes().fold(17, |sum: u64, byte| sum.wrapping_mul(31) + u64::from(byte)));
        let (mut same, mut refused) = (0, 0);
        for round in 0..50 {
            let mut bytes = whole.clone();
            // Mostly in headers and tables.
            let reach = [112, 512, 70_000, 400_000, whole.len()][round % 5].min(whole.len());
            for _ in 0..=chance.below(3) {
                bytes[chance.below(reach)] = [0, 1, 0x7f, 0xff, chance.next() as u8][chance.below(5)];
            }
            fs::write(&image, &bytes).expect("a file");
            let what = format!("{}, mutant {round}", row.name);
            match in_time(&what, &image, made.scratch.path()) {
                Err(_) => refused += 1,
                Ok(read) => {
                    same += 1;
                    // What QEMU refuses and we read must be the disk as it was.
                    let expected = by_qemu(&image, row.driver).unwrap_or_else(|_| made.raw.clone());
                    let length = read.len().min(expected.len());
                    assert!(read[..length] == expected[..length], "{what}: other bytes than qemu-img");
                    assert!(read[length..].iter().chain(&expected[length..]).all(|byte| *byte == 0), "{what}: size");
                }
            }
            assert_eq!(names(made.scratch.path()), Vec::<String>::new(), "{what}");
        }
        told.push(format!("{}: {same} read, {refused} refused", row.name));
        assert!(same > 0, "{}: every mutant was refused", row.name);
    }
    println!("{}", told.join("\n"));
    assert_eq!(running(made.scratch.path()), Vec::<String>::new(), "no qemu-nbd is left");
}

#[test]
fn nothing_is_left_where_qemu_dies_or_its_folder_cannot_be_made() {
    if !present(&["qemu-img", "qemu-nbd"]) {
        return;
    }
    let made = Made::new();
    let row = ROWS.iter().find(|row| row.kind == "vdi").expect("a row");
    let (image, _) = made.image(row);
    let opened = open(&image, made.scratch.path()).expect("it opens");
    let processes = running(made.scratch.path());
    assert_eq!(processes.len(), 1, "one qemu-nbd");
    let folder = names(made.scratch.path());
    assert_eq!(folder.len(), 1);
    let folder = made.scratch.path().join(&folder[0]);
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&folder).expect("a folder").permissions());
    assert_eq!(mode & 0o777, 0o700, "nobody else may look into it");
    super::tool::run("kill", &["-KILL", &processes[0]]);
    let error = all(&opened).expect_err("what gave the bytes is gone").to_string();
    assert!(!error.contains(super::tool::text(&image)), "{error}");
    drop(opened);
    assert_eq!((names(made.scratch.path()), running(made.scratch.path())), (Vec::new(), Vec::new()));
    assert!(read(&image, &made.scratch.path().join("nowhere")).is_err(), "no folder for the socket");
    let deep = made.scratch.path().join("d".repeat(200)).join("e".repeat(200));
    fs::create_dir_all(&deep).expect("a folder");
    assert!(read(&image, &deep).expect("a path that is too long for a socket") == made.raw);
    assert_eq!((names(&deep), running(&deep)), (Vec::new(), Vec::new()));
}

#[test]
fn several_threads_read_one_image_at_once() {
    if !present(&["qemu-img", "qemu-nbd"]) {
        return;
    }
    let made = Made::new();
    for row in ROWS.iter().filter(|row| ["zstd.qcow2", "stream.vmdk", "sparse.vmdk"].contains(&row.name)) {
        let (image, _) = made.image(row);
        let opened = open(&image, made.scratch.path()).expect("it opens");
        std::thread::scope(|threads| {
            for number in 0..8 {
                let (opened, raw) = (&opened, &made.raw);
                threads.spawn(move || {
                    let mut chance = Chance(number + 1);
                    for _ in 0..200 {
                        let start = chance.below(raw.len());
                        let end = (start + chance.below(100_000)).min(raw.len());
                        let mut bytes = vec![1; end - start];
                        opened.bytes.read_at(start as u64, &mut bytes).expect("within");
                        assert!(bytes == raw[start..end], "{}: {start}..{end}", row.name);
                    }
                });
            }
        });
    }
}
