//! Images in segments, which stand beside the first one by their names.

use std::fs;
use std::path::Path;

use super::made::{Chance, all, disk, open, read};

/// Writes the parts as `x` with these extensions.
fn write(folder: &Path, parts: &[(&str, &[u8])]) {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).expect("a folder");
    for (extension, part) in parts {
        fs::write(folder.join(format!("x.{extension}")), part).expect("a file");
    }
}

fn refused(folder: &Path, name: &str) -> String {
    read(&folder.join(name), folder).map(|_| ()).expect_err("it is refused").to_string()
}

#[test]
fn a_split_raw_disk_is_read_from_its_first_segment() {
    let made = tempfile::tempdir().expect("a folder");
    let raw = fs::read(disk(made.path(), 3 * 1024 * 1024 + 5_120)).expect("the disk");
    let parts: Vec<&[u8]> = raw.chunks(1024 * 1024).collect();
    let folder = made.path().join("split");
    for names in [
        ["000", "001", "002", "003"],
        ["001", "002", "003", "004"],
        ["aa", "ab", "ac", "ad"],
        ["aaa", "aab", "aac", "aad"],
    ] {
        let rows: Vec<(&str, &[u8])> = names.into_iter().zip(parts.iter().copied()).collect();
        write(&folder, &rows);
        // Other names that are no segments of it.
        for other in ["x.txt", "x.0001", "x.20240101", "y.002", "x.E01", "x.dd"] {
            fs::write(folder.join(other), "other").expect("a file");
        }
        let opened = open(&folder.join(format!("x.{}", names[0])), &folder).expect("it opens");
        assert_eq!((opened.format, opened.files.len()), ("raw", 4));
        assert!(all(&opened).expect("it is read") == raw, "{names:?}");
        for later in &names[1..] {
            let said = refused(&folder, &format!("x.{later}"));
            assert!(said.contains("name its first one"), "{later}: {said}");
        }
        fs::remove_file(folder.join(format!("x.{}", names[1]))).expect("it is there");
        let said = refused(&folder, &format!("x.{}", names[0]));
        assert!(said.contains(&format!("a split image without its segment {}", names[1])), "{said}");
        if names[0].starts_with('0') {
            assert!(refused(&folder, &format!("x.{}", names[2])).contains("name its first one"));
        }
    }
}

#[test]
fn segments_that_were_cut_or_swapped_are_refused_and_a_lost_last_one_is_short() {
    let made = tempfile::tempdir().expect("a folder");
    let raw = fs::read(disk(made.path(), 3 * 1024 * 1024 + 5_120)).expect("the disk");
    let parts: Vec<&[u8]> = raw.chunks(1024 * 1024).collect();
    let folder = made.path().join("split");
    let uneven = "not of one size";
    write(&folder, &[("000", parts[0]), ("001", &parts[1][..1000]), ("002", parts[2]), ("003", parts[3])]);
    assert!(refused(&folder, "x.000").contains(uneven));
    write(&folder, &[("000", &parts[0][..300_001]), ("001", &parts[1][..1000])]);
    assert!(refused(&folder, "x.000").contains(uneven), "no whole sectors");
    write(&folder, &[("000", parts[0]), ("001", parts[3]), ("002", parts[2])]);
    assert!(refused(&folder, "x.000").contains(uneven), "the last one in the middle");
    write(&folder, &[("000", parts[3]), ("001", parts[0])]);
    assert!(refused(&folder, "x.000").contains(uneven), "the last one first");
    write(&folder, &[("000", parts[0]), ("001", parts[1])]);
    let opened = open(&folder.join("x.000"), &folder).expect("what is lost cannot be seen");
    assert_eq!(opened.bytes.size_bytes(), 2 * 1024 * 1024);
    assert!(all(&opened).expect("what is there") == raw[..2 * 1024 * 1024]);
    assert!(opened.bytes.read_at(2 * 1024 * 1024 - 512, &mut [0; 1024]).is_err(), "past the end");
    write(&folder, &[("000", parts[0])]);
    assert_eq!(open(&folder.join("x.000"), &folder).expect("it opens").bytes.size_bytes(), 1024 * 1024);
    std::os::unix::fs::symlink(folder.join("x.000"), folder.join("x.001")).expect("a link");
    assert!(read(&folder.join("x.000"), &folder).is_err(), "a segment that is a link");
}

#[test]
fn a_name_alone_makes_no_segment_of_an_image_in_another_format() {
    let made = tempfile::tempdir().expect("a folder");
    let raw = disk(made.path(), 2 * 1024 * 1024);
    let image = made.path().join("x.017");
    super::tool::run("qemu-img", &["convert", "-O", "qcow2", super::tool::text(&raw), super::tool::text(&image)]);
    assert!(read(&image, made.path()).expect("it opens") == fs::read(&raw).expect("the disk"));
    let whole = fs::read(&image).expect("the image");
    let folder = made.path().join("split");
    write(&folder, &[("001", &whole[..whole.len() / 2]), ("002", &whole[whole.len() / 2..])]);
    assert!(refused(&folder, "x.001").contains("qcow2 that is split into parts; join them first"));
    write(&folder, &[("000", &Chance(1).bytes(9_000))]);
    assert!(refused(&folder, "x.000").contains("unknown content"));
}
