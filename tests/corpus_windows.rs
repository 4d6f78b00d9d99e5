//! The FAT, exFAT and NTFS volumes of the corpora, against an independent truth, and damaged copies of them.

#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/bare.rs"]
mod bare;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/reach.rs"]
mod reach;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/tool.rs"]
mod tool;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use bare::{Bytes, lacks};
use extract::journal::Journal;
use extract::scope::{EntryKind, FileTime};
use reach::Reached;
use serde_json::Value;
use tool::{run, text};

/// Each image, and the name of its file system in the ledger.
const IMAGES: [(&str, &str); 10] = [
    ("disk/dfvfs/fat12.raw.zst", "fat12"),
    ("disk/dfvfs/ntfs.raw.zst", "ntfs"),
    ("disk/dfvfs/ntfs-dynamic.vhd.zst", "ntfs"),
    ("disk/dfvfs/ntfs-fixed.vhdx.zst", "ntfs"),
    ("disk/dissect.fat/fat16.bin.zst", "fat16"),
    ("disk/dissect.fat/fat32.bin.zst", "fat32"),
    ("disk/dissect.ntfs/ntfs.bin.gz", "ntfs"),
    ("disk/dissect.hypervisor/fixed.vhd.gz", "ntfs"),
    ("disk/util-linux/fat.img.xz", "fat12"),
    ("disk/util-linux/exfat.img.xz", "exfat"),
];

fn corpora() -> Option<(PathBuf, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    let Ok(truth) = fs::read(folder.join("truth-disk.json")) else {
        println!("corpora: ../shared/corpora is not there, its images are not read");
        return None;
    };
    Some((folder, serde_json::from_slice(&truth).expect("JSON")))
}

/// The bytes of the volume in an image: unpacked, out of its container, its first partition where it has partitions.
fn volume(stored: &Path, scratch: &Path) -> Vec<u8> {
    let name = stored.file_name().expect("a name").to_string_lossy().into_owned();
    let (stem, suffix) = name.rsplit_once('.').expect("a compressed image");
    let tool = match suffix {
        "zst" => "zstd",
        "gz" => "gzip",
        _ => "xz",
    };
    let output = Command::new(tool).args(["-d", "-c"]).arg(stored).output().expect(tool);
    assert!(output.status.success(), "{tool} -dc {name}");
    let format = match stem.rsplit_once('.').expect("a suffix").1 {
        "vhd" => "vpc",
        "vhdx" => "vhdx",
        _ => return output.stdout,
    };
    let (packed, raw) = (scratch.join("packed"), scratch.join("raw"));
    fs::write(&packed, output.stdout).expect("the image");
    run("qemu-img", &["convert", "-f", format, "-O", "raw", text(&packed), text(&raw)]);
    let bytes = fs::read(raw).expect("the raw image");
    // The first entry of the partition table: where it begins, in sectors.
    let start = u32::from_le_bytes(bytes[454..458].try_into().expect("four bytes")) as usize * 512;
    bytes[start..].to_vec()
}

/// Each listed file and the count of all entries; gives how many were compared.
fn against_truth(name: &str, truth: &Value, reached: &Reached) -> usize {
    let volume = &truth["images"][name]["volumes"][0];
    let recovered = truth["extra"].as_object().expect("extra").iter();
    let recovered = recovered.filter(|(of, _)| of.starts_with(&format!("{name} ("))).map(|(_, extra)| extra).next();
    let listed = |of: &Value| of["files"].as_array().cloned().unwrap_or_default();
    let mut files = listed(volume);
    // Of what sleuthkit recovers its own names for the parts of exFAT are no files.
    let is_file = |file: &Value| file["path"].as_str().is_some_and(|path| !path.starts_with('$'));
    files.extend(recovered.map(listed).unwrap_or_default().into_iter().filter(is_file));
    for file in &files {
        let path = format!("/{}", file["path"].as_str().expect("a path"));
        let item = reached.at(&path);
        let kind = match file["type"].as_str() {
            Some("d") => EntryKind::Folder,
            Some("l") => EntryKind::Link,
            _ => EntryKind::File,
        };
        assert_eq!(item.kind, kind, "{name}: {path}");
        if kind == EntryKind::File {
            assert_eq!(Some(item.size_bytes), file["size"].as_u64(), "{name}: {path}");
            assert_eq!(Some(reached.digest(&path).to_string().as_str()), file["sha256"].as_str(), "{name}: {path}");
        }
        if let Some(modified) = file["mtime"].as_i64().filter(|_| kind == EntryKind::File) {
            let own = item.times.modified.and_then(FileTime::instant).map(|time| time.seconds());
            assert_eq!(own, Some(modified), "{name}: {path}");
        }
    }
    if let Some(entries) = volume["entries"].as_u64() {
        assert_eq!(reached.below_root() as u64, entries, "{name}: the walk finds as many entries as the truth");
    }
    // sleuthkit's list names the label and its own inventions too, each marked so.
    let is_own = |line: &&str| !line.contains("\t$") && !line.contains("(Volume Label Entry)") && !line.contains('*');
    let names = volume["fls"].as_array().cloned().unwrap_or_default();
    let names: Vec<&str> = names.iter().filter_map(Value::as_str).filter(is_own).collect();
    if volume["entries"].is_null() {
        for name_of in names.iter().filter_map(|line| line.split_once('\t')) {
            reached.at(&format!("/{}", name_of.1));
        }
        assert_eq!(reached.below_root(), names.len(), "{name}: as many as sleuthkit lists");
    }
    files.len() + names.len()
}

#[test]
fn a_log_in_which_a_client_has_work_is_not_clean() {
    let Some((corpora, _)) = corpora() else { return };
    if lacks(&["zstd", "qemu-img"]) {
        return;
    }
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let bytes = volume(&corpora.join("disk/dfvfs/ntfs-dynamic.vhd.zst"), scratch.path());
    let journal = |bytes: Vec<u8>| bare::open(Arc::new(Bytes(bytes)), None).expect("it opens").journal();
    assert_eq!(journal(bytes.clone()), Journal::Clean);
    let pages: Vec<usize> = (0..bytes.len()).step_by(512).filter(|at| bytes[*at..].starts_with(b"RSTR")).collect();
    let (mut working, mut torn) = (bytes.clone(), bytes);
    for page in &pages {
        let area = page + usize::from(u16::from_le_bytes([working[page + 24], working[page + 25]]));
        // The first client in use, and the flag that the volume is clean.
        working[area + 12..area + 16].copy_from_slice(&[0; 4]);
        torn[page + 510] ^= 1;
    }
    assert!(pages.len() >= 2, "two restart pages");
    assert_eq!((journal(working), journal(torn)), (Journal::NotReplayed, Journal::NotReplayed));
}

#[test]
fn every_volume_of_the_truth_is_read_whole_and_damaged_copies_end_in_time() {
    let Some((corpora, truth)) = corpora() else { return };
    if lacks(&["zstd", "gzip", "xz", "qemu-img"]) {
        return;
    }
    let scratch = tempfile::tempdir().expect("a temporary folder");
    for (name, kind) in IMAGES {
        let bytes = volume(&corpora.join(name), scratch.path());
        let filesystem = bare::open(Arc::new(Bytes(bytes.clone())), Some("UTC"));
        let filesystem = filesystem.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(filesystem.name(), Some(kind), "{name}");
        let reached = bare::reach(filesystem.as_ref());
        assert_eq!(reached.unlisted.len(), 0, "{name}: {:?}", reached.unlisted.values());
        let unread = reached.items.values().filter(|item| item.kind == EntryKind::Unreadable).count();
        let refused: Vec<_> = reached.items.values().filter_map(|item| item.content.as_ref()?.as_ref().err()).collect();
        let compared = against_truth(name, &truth, &reached);
        let (opened, short, silent) = bare::damage(&bytes, &reached, 0..50);
        println!(
            "{name}: {kind}, log {:?}, {compared} compared, {unread} unreadable, refused: {refused:?}; of 50 damaged copies \
             {opened} opened, {short} of them short, {silent} with a lost name",
            filesystem.journal()
        );
        assert_eq!((unread, refused.len()), (0, 0), "{name}");
    }
    assert!(bare::memory_mib() < 2_048, "{} MiB", bare::memory_mib());
}
