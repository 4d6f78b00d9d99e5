//! Damage: of superblocks, of blocks of every tree, of content, with and without a second copy.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use extract::digest::Digest;
use extract::journal::Journal;
use extract::scope::EntryKind;

use crate::forge::{Block, blocks, copy, read, write, write_summed};
use crate::reach::{Item, Reached};
use crate::spanned::{everything, open_volumes};
use crate::tool::{Cannot, text, try_run};
use crate::tree::{self, noise};
use crate::work::Dice;

const SUPERBLOCK: u64 = 64 * 1024;
const SUPERBLOCK_BYTES: usize = 4096;

/// An image of a small tree, by mkfs.btrfs alone.
fn image(scratch: &Path, arguments: &[&str]) -> Result<PathBuf, Cannot> {
    let folder = scratch.join("tree");
    fs::create_dir_all(folder.join("folder/deeper")).expect("folders");
    for number in 0..150_u64 {
        let place = ["", "folder/", "folder/deeper/"][number as usize % 3];
        let length = [3, 900, 6_000, 90_000][number as usize % 4];
        fs::write(folder.join(format!("{place}a file with a rather long name {number}")), noise(number + 1, length))
            .expect("a file");
    }
    let image = scratch.join("image.raw");
    fs::File::create(&image).and_then(|file| file.set_len(256 << 20)).expect("an image");
    try_run("mkfs.btrfs", &[&["-q", "-f"], arguments, &["--rootdir", text(&folder), text(&image)]].concat())?;
    Ok(image)
}

fn read_all(image: &Path) -> Result<(Journal, Reached), String> {
    let filesystem = open_volumes(&[image.to_owned()], None).map_err(|error| error.to_string())?;
    Ok((filesystem.journal(), everything(filesystem.as_ref())))
}

/// What was read is a part of what is right, and what is missing was said. Whether anything is missing.
fn is_short(what: &str, reached: &Reached, whole: &BTreeMap<Vec<u8>, Item>) -> bool {
    let mut short = !reached.unlisted.is_empty();
    for (path, right) in whole {
        let place = path.escape_ascii();
        let Some(item) = reached.items.get(path) else {
            let above = |folder: &[u8]| folder == b"/" || path.starts_with(&[folder, b"/"].concat());
            let unreadable = |(folder, item): (&Vec<u8>, &Item)| item.kind == EntryKind::Unreadable && above(folder);
            let is_said = reached.unlisted.keys().any(|folder| above(folder)) || reached.items.iter().any(unreadable);
            assert!(is_said, "{what}: {place} is missing and nothing was said");
            continue;
        };
        if item.kind == EntryKind::Unreadable {
            short = true;
            continue;
        }
        assert_eq!(
            (item.kind, item.size_bytes, item.times),
            (right.kind, right.size_bytes, right.times),
            "{what}: {place}"
        );
        match &item.content {
            Some(Err(_)) => short = true,
            content => assert_eq!(*content, right.content, "{what}: {place}"),
        }
    }
    assert!(reached.items.keys().all(|path| whole.contains_key(path)), "{what}: something that is not there");
    short
}

#[test]
fn a_flipped_byte_in_any_block_that_is_used_is_an_error_or_short() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let image = match image(scratch.path(), &["-m", "single", "-n", "4096"]) {
        Ok(image) => image,
        Err(cannot) => return cannot.say("flipped bytes"),
    };
    let (_, whole) = read_all(&image).expect("it opens");
    assert_eq!(whole.files.len(), 150);
    // The root tree, chunks, the top-level subvolume, checksums. No one else's blocks are read.
    let used = [1, 3, 5, 7];
    let mut dice = Dice::new(7);
    let mut seen = BTreeMap::new();
    for Block { logical, stored, owner, level } in blocks(&image, 4096) {
        let what = format!("block {logical} of tree {owner}, level {level}");
        assert_eq!(stored.len(), 1, "{what}");
        // The checksum has four bytes; the rest of its place is empty and means nothing.
        let within = dice.roll(4096 - 28);
        let at = stored[0] + if within < 4 { within } else { within + 28 };
        // Names by their hash are not read where the names by number add up to the folder's size.
        let head = read(&image, stored[0], 4096);
        let items = u32::from_le_bytes(head[96..100].try_into().expect("four bytes")) as usize;
        let is_by_hash = level == 0 && (0..items).all(|item| head[101 + item * 25 + 8] == 84);
        let before = read(&image, at, 1);
        write(&image, at, &[before[0] ^ (1 << dice.roll(8))]);
        match read_all(&image) {
            Ok((_, reached)) => {
                let short = is_short(&what, &reached, &whole.items);
                assert_eq!(short, used.contains(&owner) && !is_by_hash, "{what}: short");
            }
            Err(_) => assert!(used.contains(&owner), "{what}"),
        }
        write(&image, at, &before);
        *seen.entry(owner).or_insert(0) += 1;
    }
    println!("blocks by tree: {seen:?}");
    assert!(used.iter().all(|owner| seen.contains_key(owner)) && seen.contains_key(&2));
    assert!(read_all(&image).expect("it opens").1.items == whole.items, "every change was undone");
}

#[test]
fn where_there_is_a_second_copy_it_is_read_instead() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let image = match image(scratch.path(), &["-m", "dup", "-d", "dup"]) {
        Ok(image) => image,
        Err(cannot) => return cannot.say("second copies"),
    };
    let (_, whole) = read_all(&image).expect("it opens");
    let blocks = blocks(&image, 16_384);
    for block in &blocks {
        assert_eq!(block.stored.len(), 2, "{block:?}");
        write(&image, block.stored[block.logical as usize / 16_384 % 2] + 500, b"spoilt");
    }
    let content = noise(4, 90_000);
    let content = &content[40_000..40_030];
    let bytes = fs::read(&image).expect("the image");
    let copies: Vec<u64> = bytes
        .chunks(4096)
        .enumerate()
        .filter(|(_, sector)| sector.windows(30).any(|piece| piece == content))
        .map(|(sector, _)| sector as u64 * 4096)
        .collect();
    assert_eq!(copies.len(), 2, "content has two copies");
    write(&image, copies[0] + 17, b"spoilt");
    assert!(read_all(&image).expect("it opens").1.items == whole.items, "by the other copy");
    write(&image, copies[1] + 99, b"spoilt");
    let (_, reached) = read_all(&image).expect("it opens");
    let short: Vec<_> = reached.items.values().filter_map(|item| item.content.as_ref()?.as_ref().err()).collect();
    assert_eq!(short.len(), 1, "{short:?}");
    assert!(short[0].contains("the checksum of a file's content"), "{short:?}");
    for block in &blocks {
        for at in &block.stored {
            write(&image, at + 500, b"spoilt");
        }
    }
    assert!(read_all(&image).is_err());
}

#[test]
fn a_damaged_superblock_is_read_by_its_copy_and_the_log_counts_as_not_replayed() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let image = match image(scratch.path(), &[]) {
        Ok(image) => image,
        Err(cannot) => return cannot.say("superblocks"),
    };
    let (journal, whole) = read_all(&image).expect("it opens");
    assert_eq!(journal, Journal::Clean);
    let damaged = copy(&image, "damaged");
    write(&damaged, SUPERBLOCK + 300, b"spoilt");
    let (journal, reached) = read_all(&damaged).expect("by its copy");
    assert_eq!(journal, Journal::NotReplayed);
    assert!(reached.items == whole.items);
    // A copy that another file system left there.
    let foreign = copy(&damaged, "foreign");
    write_summed(&foreign, 64 << 20, SUPERBLOCK_BYTES, 32, &[7; 16]);
    assert!(read_all(&foreign).expect_err("it is refused").contains("the superblock's checksum"));
    write(&damaged, (64 << 20) + 300, b"spoilt");
    assert!(read_all(&damaged).expect_err("it is refused").contains("the superblock's checksum"));
}

#[test]
fn what_is_not_read_is_refused_by_name() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let image = match image(scratch.path(), &[]) {
        Ok(image) => image,
        Err(cannot) => return cannot.say("refusals"),
    };
    let incompat = u64::from_le_bytes(read(&image, SUPERBLOCK + 188, 8).try_into().expect("eight bytes"));
    let bit = |bit: u32| (188, (incompat | 1 << bit).to_le_bytes().to_vec());
    let flag = |flag: u32| (56, (1_u64 << flag | 1).to_le_bytes().to_vec());
    let vectors = [
        (bit(12), "zones (zoned)"),
        (bit(13), "the second extent tree (extent-tree-v2)"),
        (bit(14), "a RAID stripe tree"),
        (bit(40), "an unknown feature (incompatible 0x10000000000)"),
        (flag(33), "a dump of metadata without content"),
        (flag(35), "a change of its identity that was not finished"),
        ((196, vec![9, 0]), "an unknown checksum"),
        ((144, 512_u32.to_le_bytes().to_vec()), "the size of its blocks"),
        ((148, (1_u32 << 17).to_le_bytes().to_vec()), "the size of its blocks"),
        ((160, 5_000_u32.to_le_bytes().to_vec()), "the size of its first chunks"),
        ((80, 12_345_u64.to_le_bytes().to_vec()), "a logical address that no chunk holds"),
    ];
    for ((at, bytes), words) in vectors {
        let refused = copy(&image, "refused");
        write_summed(&refused, SUPERBLOCK, SUPERBLOCK_BYTES, at, &bytes);
        if words == "an unknown checksum" {
            // Nobody can tell whether it holds.
            write(&refused, (64 << 20) + 300, b"spoilt");
            assert!(read_all(&refused).is_err(), "{words}");
            continue;
        }
        let said = read_all(&refused).expect_err(words);
        assert!(said.contains(words), "{words}: {said}");
    }
}

/// One seeded change of an image.
fn harm(image: &Path, blocks: &[Block], seed: u64) -> String {
    let mut dice = Dice::new(seed + 1);
    let pick = |dice: &mut Dice| blocks[dice.roll(blocks.len() as u64) as usize].stored[0];
    match dice.roll(5) {
        0 => {
            let length = fs::metadata(image).expect("the image").len();
            let length = dice.roll(length);
            fs::File::options().write(true).open(image).and_then(|file| file.set_len(length)).expect("cut");
            format!("cut to {length} bytes")
        }
        1 => {
            let (from, to) = (pick(&mut dice), pick(&mut dice));
            let bytes = read(image, from, 4096);
            write(image, to, &bytes);
            format!("the block at {from} stands at {to}")
        }
        _ => {
            let at = pick(&mut dice);
            let count = 1 + dice.roll(6);
            for _ in 0..count {
                let room = if dice.roll(2) == 0 { 4064 } else { 400 };
                let within = 32 + dice.roll(room) as usize;
                let byte = [0, 0xff, 0x80, dice.roll(256) as u8][dice.roll(4) as usize];
                write_summed(image, at, 4096, within, &[byte]);
            }
            format!("{count} bytes of the block at {at}, and its checksum")
        }
    }
}

/// The most memory that this process ever held, in KiB.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("the state of this process");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("its peak");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}

#[test]
fn blocks_that_lie_under_a_right_checksum_do_no_harm() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let image = match image(scratch.path(), &["-m", "single", "-n", "4096"]) {
        Ok(image) => image,
        Err(cannot) => return cannot.say("mutants"),
    };
    let blocks: Vec<Block> =
        blocks(&image, 4096).into_iter().filter(|block| [1, 3, 5, 7].contains(&block.owner)).collect();
    let seeds = std::env::var("BTRFS_MUTANTS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(150);
    let before = peak_kib();
    let (mut opened, mut refused) = (0, 0);
    for seed in 0..seeds {
        let mutant = copy(&image, "mutant");
        let what = harm(&mutant, &blocks, seed);
        let begun = std::time::Instant::now();
        match read_all(&mutant) {
            Ok(_) => opened += 1,
            Err(_) => refused += 1,
        }
        assert!(begun.elapsed().as_secs() < 20, "seed {seed}: {what}: {:?}", begun.elapsed());
    }
    let more = peak_kib() - before;
    println!("{opened} opened, {refused} refused, {more} KiB more");
    assert!(opened > 20 && refused > 5 && more < 400 * 1024);
}

#[test]
fn the_other_reader_agrees_on_content() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let folder = scratch.path().join("tree");
    fs::create_dir(&folder).expect("a folder");
    let expected = tree::build(&folder);
    let image = scratch.path().join("image.raw");
    fs::File::create(&image).and_then(|file| file.set_len(256 << 20)).expect("an image");
    if let Err(cannot) = try_run("mkfs.btrfs", &["-q", "-f", "--rootdir", text(&folder), text(&image)]) {
        return cannot.say("the other reader");
    }
    let (_, reached) = read_all(&image).expect("it opens");
    let bytes = fs::read(&image).expect("the image");
    let mut other = lambutter::Btrfs::open(bytes.as_slice(), bytes.len() as u64).expect("it opens");
    let mut compared = 0;
    for path in expected.keys().filter(|path| reached.items.get(*path).is_some_and(|item| item.content.is_some())) {
        let theirs = other.read_file(lambutter::Path::new(path).expect("a path")).expect("content");
        assert_eq!(
            reached.items[path].content,
            Some(Ok((theirs.len() as u64, Digest::of(&theirs)))),
            "{}",
            path.escape_ascii()
        );
        compared += 1;
    }
    assert!(compared > 700);
}
