//! Image formats: what `qemu-img` and `ewfexport` make of an image is what is read of it, or it is refused.

mod broken;
mod chain;
mod corpus;
mod dmg;
mod ewf;
mod made;
mod split;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "../fixture/tool.rs"]
mod tool;

use std::fs;

use made::{ROWS, all, by_qemu, disk, image, names, open, present};

/// A disk whose size is no multiple of a cylinder, a block or a cluster.
const DISK_BYTES: u64 = 9 * 1024 * 1024 + 12 * 1024;

#[test]
fn every_format_gives_what_qemu_gives_and_nothing_is_left() {
    if !present(&["qemu-img", "qemu-nbd"]) {
        return;
    }
    let made = tempfile::tempdir().expect("a folder");
    let scratch = tempfile::tempdir().expect("a folder");
    let disk = disk(made.path(), DISK_BYTES);
    let raw = fs::read(&disk).expect("the disk");
    for row in ROWS {
        let folder = made.path().join(format!("{}.d", row.name));
        let image = image(&disk, &folder, row);
        let before = names(&folder);
        let opened = open(&image, scratch.path()).unwrap_or_else(|error| panic!("{}: {error}", row.name));
        assert_eq!(opened.format, row.kind, "{}", row.name);
        let bytes = all(&opened).unwrap_or_else(|error| panic!("{}: {error}", row.name));
        assert!(bytes == by_qemu(&image, row.driver).expect("qemu-img reads it"), "{}: as qemu-img", row.name);
        assert!(bytes.starts_with(&raw), "{}: the disk itself", row.name);
        assert!(bytes[raw.len()..].iter().all(|byte| *byte == 0), "{}", row.name);
        let mut files: Vec<String> = before.clone();
        files.sort_by_key(|name| (name != row.name, name.clone()));
        let stored: u64 = files.iter().map(|name| fs::metadata(folder.join(name)).expect("a file").len()).sum();
        assert_eq!(opened.files.iter().map(|file| file.size_bytes()).sum::<u64>(), stored, "{}: all files", row.name);
        assert_eq!(opened.files.len(), before.len(), "{}", row.name);
        assert!(opened.files.iter().all(|file| file.is_unchanged()), "{}", row.name);
        let end = opened.bytes.size_bytes();
        assert!(opened.bytes.read_at(end - 1, &mut [0; 2]).is_err(), "{}: past the end", row.name);
        let mut few = [0; 3];
        opened.bytes.read_at(1_000_001, &mut few).expect("within");
        assert_eq!(few, bytes[1_000_001..1_000_004], "{}", row.name);
        drop(opened);
        assert_eq!(names(&folder), before, "{}: nothing was written beside it", row.name);
        assert_eq!(names(scratch.path()), Vec::<String>::new(), "{}: nothing is left", row.name);
    }
}
