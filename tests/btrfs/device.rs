//! File systems on several devices: profiles, missing and stale devices, seeds and changed identities.

use std::fs;
use std::path::{Path, PathBuf};

use extract::journal::Journal;

use crate::forge::copy;
use crate::live::{Live, make, sync};
use crate::reach::Reached;
use crate::spanned::{everything, open_volumes, same_as_kernel};
use crate::tool::{Cannot, run, text};
use crate::tree::noise;

fn read_all(images: &[PathBuf]) -> Result<Reached, String> {
    let filesystem = open_volumes(images, None).map_err(|error| error.to_string())?;
    assert_eq!(filesystem.journal(), Journal::Clean);
    Ok(everything(filesystem.as_ref()))
}

/// Files, a few of them without checksums.
fn fill(at: &Path, seed: u64) {
    for number in 0..60_u64 {
        fs::write(at.join(format!("file {seed} {number}")), noise(seed + number, 70_000)).expect("a file");
    }
    let folder = at.join("no copy on write");
    fs::create_dir_all(&folder).expect("a folder");
    run("chattr", &["+C", text(&folder)]);
    fs::write(folder.join(format!("database {seed}")), noise(seed + 99, 300_000)).expect("a file");
    sync(at);
}

fn filled(scratch: &Path, count: usize, arguments: &[&str]) -> Result<Vec<PathBuf>, Cannot> {
    let images = make(scratch, count, 300, arguments);
    let live = Live::new(&images, &scratch.join("mount"), "").map_err(Cannot::Right)?;
    fill(&live.at, 1);
    Ok(images)
}

#[test]
fn profiles_that_are_not_read_are_refused_by_name() {
    for (profile, name, count) in
        [("raid0", "RAID0", 2), ("raid10", "RAID10", 4), ("raid5", "RAID5", 3), ("raid6", "RAID6", 4)]
    {
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let images = make(scratch.path(), count, 300, &["-d", profile, "-m", "raid1"]);
        let said = read_all(&images).expect_err(profile);
        assert!(said.contains(&format!("a btrfs file system with {name}")), "{profile}: {said}");
    }
}

#[test]
fn what_stands_on_a_missing_device_is_short() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let images = match filled(scratch.path(), 2, &["-d", "single", "-m", "raid1"]) {
        Ok(images) => images,
        Err(cannot) => return cannot.say("a missing device"),
    };
    let whole = read_all(&images).expect("both devices");
    let mut missing = 0;
    for image in &images {
        let part = read_all(&[image.clone()]).expect("one device");
        assert!(part.items.keys().eq(whole.items.keys()) && part.unlisted.is_empty(), "metadata have two copies");
        for (path, item) in &part.items {
            match &item.content {
                Some(Err(why)) => {
                    assert!(why.contains("what stands on a device that is not among the volumes"), "{why}");
                    missing += 1;
                }
                content => assert_eq!(*content, whole.items[path].content),
            }
        }
    }
    assert!(missing >= 30, "each device has some of it: {missing}");
    let said = read_all(&[images[0].clone(), copy(&images[0], "again")]).expect_err("twice");
    assert!(said.contains("a device of the file system that is there twice"), "{said}");
    let other = tempfile::tempdir().expect("a temporary folder");
    let stranger = make(other.path(), 2, 300, &["-d", "single", "-m", "raid1"]);
    let said = read_all(&[images[0].clone(), stranger[1].clone()]).expect_err("a stranger");
    assert!(said.contains("volumes of different file systems"), "{said}");
}

#[test]
fn a_device_that_was_away_for_a_while_gives_nothing_old() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let mut images = match filled(scratch.path(), 2, &["-d", "raid1", "-m", "raid1"]) {
        Ok(images) => images,
        Err(cannot) => return cannot.say("a stale device"),
    };
    let at = scratch.path().join("mount");
    let stale = copy(&images[1], "stale");
    let live = Live::new(&images, &at, "").expect("both devices");
    fill(&live.at, 1_000);
    fs::write(at.join("file 1 5"), b"written while the other was away").expect("a file");
    fs::remove_file(at.join("file 1 6")).expect("a file is deleted");
    drop(live);
    let whole = read_all(&images).expect("both devices");
    images[1] = stale;
    let newest_first = read_all(&images).expect("a stale device");
    images.reverse();
    for reached in [newest_first, read_all(&images).expect("a stale device")] {
        assert!(reached.items.keys().eq(whole.items.keys()), "the same names");
        for (path, item) in &reached.items {
            match &item.content {
                // Without checksums nobody can tell which copy is the newer one.
                Some(Err(why)) => assert!(why.contains("copies of a content without checksums that differ"), "{why}"),
                _ => assert_eq!(*item, whole.items[path], "{}", path.escape_ascii()),
            }
        }
    }
}

#[test]
fn a_seed_is_read_and_what_grew_from_it_is_refused_by_name() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let images = match filled(scratch.path(), 1, &[]) {
        Ok(images) => images,
        Err(cannot) => return cannot.say("a seed"),
    };
    let at = scratch.path().join("mount");
    let before = read_all(&images).expect("it opens");
    run("btrfstune", &["-S", "1", text(&images[0])]);
    assert!(read_all(&images).expect("a seed").items == before.items);
    let grown = scratch.path().join("grown.raw");
    fs::File::create(&grown).and_then(|file| file.set_len(300 << 20)).expect("an image");
    let live = Live::new(&images, &at, "ro").expect("a seed can be mounted");
    same_as_kernel("a seed", &before, &live.mounted().items());
    let device = run("losetup", &["-f", "--show", text(&grown)]).trim().to_owned();
    run("btrfs", &["device", "add", "-f", &device, text(&at)]);
    run("mount", &["-o", "remount,rw", text(&at)]);
    fs::write(at.join("grown"), b"on the new device").expect("a file");
    sync(&at);
    drop(live);
    run("losetup", &["-d", &device]);
    for volumes in [vec![grown.clone()], vec![grown, images[0].clone()]] {
        let said = read_all(&volumes).expect_err("it is refused");
        println!("{} volumes: {said}", volumes.len());
        let names = ["a seed device", "volumes of different file systems"];
        assert!(names.iter().any(|name| said.contains(name)), "{said}");
    }
}

#[test]
fn a_changed_identity_is_read() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let images = match filled(scratch.path(), 1, &[]) {
        Ok(images) => images,
        Err(cannot) => return cannot.say("a changed identity"),
    };
    let before = read_all(&images).expect("it opens");
    run("btrfstune", &["-m", text(&images[0])]);
    let after = read_all(&images).expect("with another identity");
    assert!(before.items == after.items);
}
