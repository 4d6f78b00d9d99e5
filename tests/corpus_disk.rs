//! The disk images of the corpora, against an independent truth and, where loop mounts are allowed, against the kernel.
//!
//! Every image of `truth-disk.json` is listed with what became of it: read and equal, or refused and by which name. An image
//! without a partition table that holds ext2, ext3 or ext4 and is raw or qcow2 must be read whole.

#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/mounted.rs"]
mod mounted;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/reach.rs"]
mod reach;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/tool.rs"]
mod tool;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use extract::scope::{EntryKind, FileTime};
use mounted::Mounted;
use reach::{Item, Reached, open, reach};
use serde_json::Value;
use tool::text;

fn corpora() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    if folder.join("truth-disk.json").is_file() {
        println!("corpora: {} is there", folder.display());
        return Some(folder);
    }
    println!("corpora: ../shared/corpora is not there, its images are not read");
    None
}

/// The image without the compression that it is kept in.
fn unpacked(stored: &Path, into: &Path) -> PathBuf {
    let name = stored.file_name().expect("a name").to_string_lossy().into_owned();
    let Some((stem, tool)) = [("zst", "zstd"), ("gz", "gzip"), ("xz", "xz"), ("bz2", "bzip2")]
        .into_iter()
        .find_map(|(suffix, tool)| Some((name.strip_suffix(suffix)?.strip_suffix('.')?.to_owned(), tool)))
    else {
        return stored.to_owned();
    };
    let image = into.join(stem);
    let output = std::process::Command::new(tool).args(["-d", "-c"]).arg(stored).output().expect(tool);
    assert!(output.status.success(), "{tool} -dc {name}: {}", String::from_utf8_lossy(&output.stderr));
    fs::write(&image, output.stdout).expect("the unpacked image");
    image
}

/// The one volume of an image that has no partition table, where it is ext in a container that we read.
fn ours(image: &Value) -> Option<&Value> {
    let [volume] = image["volumes"].as_array()?.as_slice() else { return None };
    let is_ext = ["ext2", "ext3", "ext4"].contains(&volume["blkid"]["TYPE"].as_str()?);
    let is_plain =
        matches!(image["qemu_img"]["format"].as_str(), None | Some("raw" | "qcow2")) && image["ewfinfo"].is_null();
    (is_ext && is_plain && image["partition_table"].is_null() && volume["blkid"]["PTTYPE"].is_null()).then_some(volume)
}

/// By which name an image that is not ours must be refused; none where nothing is known of it.
fn refusal(image: &Value) -> Option<&'static str> {
    let container = match image["qemu_img"]["format"].as_str() {
        Some("vmdk") => Some("VMDK"),
        Some("vpc") => Some("VHD"),
        Some("vhdx") => Some("VHDX"),
        Some("parallels") => Some("Parallels"),
        Some("dmg") => Some("DMG"),
        _ if image["ewfinfo"].is_array() => Some("E01"),
        _ => None,
    };
    let content = match image["volumes"][0]["blkid"]["TYPE"].as_str() {
        Some("xfs") => Some("XFS"),
        Some("btrfs") => Some("btrfs"),
        Some("ntfs") => Some("NTFS"),
        Some("vfat") => Some("FAT"),
        Some("exfat") => Some("exFAT"),
        Some("LVM2_member") => Some("LVM"),
        Some("crypto_LUKS") => Some("LUKS"),
        Some("iso9660") => Some("ISO 9660"),
        Some("hfsplus") => Some("HFS+"),
        Some("squashfs") => Some("squashfs"),
        Some("reiserfs") => Some("ReiserFS"),
        Some("linux_raid_member") => Some("MD RAID"),
        Some("swap") => Some("swap"),
        _ => None,
    };
    let table = match image["partition_table"]["label"].as_str() {
        Some("gpt" | "dos") => Some("partition table"),
        _ => None,
    };
    let is_partition = image["volumes"][0]["partition"].is_number();
    container.or(if is_partition { table } else { content.or(table) })
}

/// It stands in a folder that could not be listed, and that was said.
fn is_short(path: &[u8], reached: &Reached) -> bool {
    reached
        .unlisted
        .keys()
        .any(|folder| path.strip_prefix(folder.as_slice()).is_some_and(|rest| rest.starts_with(b"/")))
}

/// Each listed file and the count of all entries.
fn compare_with_truth(name: &str, volume: &Value, reached: &Reached) -> usize {
    let entries = volume["entries"].as_u64().expect("a count of entries") as usize;
    let files = volume["files"].as_array().expect("a list of files");
    let mut short = 0;
    for file in files {
        let path = format!("/{}", file["path"].as_str().expect("a path"));
        if is_short(path.as_bytes(), reached) {
            println!("{name}: short: {path}: {:?}", reached.unlisted);
            assert!(file["error"].is_string(), "{name}: {path} is short and the kernel can read it");
            short += 1;
            continue;
        }
        let item = reached.at(&path);
        let kind = match file["type"].as_str() {
            Some("f") => EntryKind::File,
            Some("d") => EntryKind::Folder,
            Some("l") => EntryKind::Link,
            other => panic!("{name}: {path} is of type {other:?}"),
        };
        assert_eq!(item.kind, kind, "{name}: {path}");
        if kind != EntryKind::File {
            continue;
        }
        assert_eq!(Some(item.size_bytes), file["size"].as_u64(), "{name}: {path}");
        assert_eq!(
            item.times.modified.and_then(FileTime::instant).map(|time| time.seconds()),
            file["mtime"].as_i64(),
            "{name}: {path}"
        );
        match file["sha256"].as_str() {
            Some(digest) => assert_eq!(reached.digest(&path).to_string(), digest, "{name}: {path}"),
            // The kernel could not read it either.
            None => assert!(matches!(item.content, Some(Err(_))), "{name}: {path}: {:?}", item.content),
        }
    }
    assert_eq!(reached.below_root() + short, entries, "{name}: the walk finds as many entries as the truth");
    files.len() - short
}

/// Everything that the kernel shows is the same here: kind, size, three times to the nanosecond, content.
fn compare_with_kernel(name: &str, kernel: &BTreeMap<Vec<u8>, Item>, reached: &Reached) {
    let kernel: BTreeMap<_, _> = kernel.iter().filter(|(path, _)| !is_short(path, reached)).collect();
    let ours: Vec<_> = reached.items.keys().filter(|path| path.as_slice() != b"/").collect();
    assert_eq!(ours, kernel.keys().copied().collect::<Vec<_>>(), "{name}: the same names");
    for (path, theirs) in kernel {
        let mut item = reached.items[path].clone();
        item.times.created = None;
        match (&theirs.content, &item.content) {
            (Some(Err(_)), Some(Err(_))) => {}
            (theirs, ours) => assert_eq!(ours, theirs, "{name}: {}", path.escape_ascii()),
        }
        assert_eq!((item.kind, item.size_bytes), (theirs.kind, theirs.size_bytes), "{name}: {}", path.escape_ascii());
        assert_eq!(item.times, theirs.times, "{name}: {}", path.escape_ascii());
    }
}

#[test]
fn every_image_of_the_truth_is_read_or_refused_by_name() {
    let Some(corpora) = corpora() else { return };
    let truth = fs::read(corpora.join("truth-disk.json")).expect("the truth");
    let truth: Value = serde_json::from_slice(&truth).expect("JSON");
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let (mut read, mut refused, mut mounts) = (0, 0, 0);
    for (name, image) in truth["images"].as_object().expect("images") {
        let file = unpacked(&corpora.join(name), scratch.path());
        let opened = open(&file);
        let verdict = match (ours(image), opened) {
            (Some(volume), Ok((source, scope))) => {
                read += 1;
                let reached = reach(&source, &scope);
                assert_eq!(source.unchanged(), Ok(()));
                if volume["entries"].is_null() {
                    cut_image(name, &truth, &reached)
                } else {
                    let files = compare_with_truth(name, volume, &reached);
                    let kernel = kernel_view(name, &file, scratch.path(), &reached);
                    mounts += usize::from(kernel.is_ok());
                    let kernel =
                        kernel.map_or_else(|why| format!("not mounted: {why}"), |()| "equal to the kernel".into());
                    format!("read, {files} listed files equal, {kernel}")
                }
            }
            (Some(_), Err(error)) => panic!("{name} must be read: {error}"),
            (None, Ok(_)) => panic!("{name} was opened"),
            (None, Err(error)) => {
                refused += 1;
                let said = error.to_string();
                match refusal(image) {
                    Some(by) => assert!(said.contains(by), "{name} must be refused as {by}: {said}"),
                    None => println!("  (nothing is known of the next one)"),
                }
                said
            }
        };
        println!("{name}: {verdict}");
        if file != corpora.join(name) {
            fs::remove_file(file).expect("the unpacked image");
        }
    }
    println!("read {read}, of them {mounts} compared with a mount; refused {refused}");
    assert!(read >= 11 && refused >= 40, "the truth has at least so many");
}

fn kernel_view(name: &str, file: &Path, scratch: &Path, reached: &Reached) -> Result<(), String> {
    // A qcow2 image is turned into a raw one by QEMU first.
    let raw = scratch.join("for-the-kernel");
    let format = if file.extension().is_some_and(|extension| extension == "qcow2") { "qcow2" } else { "raw" };
    tool::run("qemu-img", &["convert", "-f", format, "-O", "raw", text(file), text(&raw)]);
    let is_ext2 = tool::run("blkid", &["-p", "-s", "TYPE", "-o", "value", text(&raw)]).trim() == "ext2";
    let options = if is_ext2 { "loop,ro,noatime" } else { "loop,ro,noatime,noload" };
    let mounted = Mounted::new(&raw, &scratch.join("mount"), options)?;
    compare_with_kernel(name, &mounted.items(), reached);
    Ok(())
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
    let (source, scope) = open(&image).expect("it opens");
    let expected = &truth["extra"]["disk/dfvfs/ext2.splitraw.000+001 concatenated"];
    assert_eq!(source.hash().expect("an image").finish().expect("a digest").to_string(), expected["sha256"]);
    assert_eq!(compare_with_truth("put together", expected, &reach(&source, &scope)), 6);
}

/// Half an image: what can be read is right, the rest is said.
fn cut_image(name: &str, truth: &Value, reached: &Reached) -> String {
    let whole = truth["extra"].as_object().expect("extra").values();
    let whole = whole.filter_map(|extra| extra["files"].as_array()).flatten();
    let (mut right, mut short) = (0, reached.unlisted.len());
    for (path, item) in &reached.items {
        match &item.content {
            Some(Ok((_, digest))) => {
                let path = String::from_utf8_lossy(path);
                let same = |file: &&Value| file["path"].as_str() == path.strip_prefix('/');
                let known =
                    whole.clone().find(same).unwrap_or_else(|| panic!("{name}: {path} is not in the whole image"));
                assert_eq!(known["sha256"].as_str(), Some(digest.to_string().as_str()), "{name}: {path}");
                right += 1;
            }
            Some(Err(_)) => short += 1,
            None => short += usize::from(item.kind == EntryKind::Unreadable),
        }
    }
    format!("cut: {right} files right, {short} entries short")
}

#[test]
fn damaged_images_are_short_and_never_wrong() {
    let Some(corpora) = corpora() else { return };
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let mut images = Vec::new();
    for folder in ["disk-damaged/e2fsprogs", "disk-damaged/btrfs-progs", "disk-container/qemu"] {
        images.extend(fs::read_dir(corpora.join(folder)).into_iter().flatten().flatten().map(|entry| entry.path()));
    }
    images.sort();
    for stored in &images {
        let file = unpacked(stored, scratch.path());
        let said = match open(&file) {
            Ok((source, scope)) => {
                let reached = reach(&source, &scope);
                let readable = reached.items.values().filter(|item| matches!(item.content, Some(Ok(_)))).count();
                let short = reached.items.values().filter(|item| matches!(item.content, Some(Err(_)))).count();
                let unlisted = reached.unlisted.len();
                against_kernel(stored, &file, scratch.path(), &reached);
                format!(
                    "{} entries, {readable} files read, {short} short, {unlisted} folders short",
                    reached.items.len()
                )
            }
            Err(error) => error.to_string(),
        };
        println!("{}: {said}", stored.file_name().unwrap_or_default().to_string_lossy());
    }
    assert!(images.len() > 30, "the corpora hold damaged images");
}

/// What the kernel shows of a damaged image is the same here, or it was said that it could not be read.
fn against_kernel(stored: &Path, file: &Path, scratch: &Path, reached: &Reached) {
    let name = stored.file_name().unwrap_or_default().to_string_lossy();
    let copy = scratch.join("for-the-kernel");
    fs::copy(file, &copy).expect("a copy");
    let mounted = match Mounted::new(&copy, &scratch.join("damaged"), "loop,ro,noatime") {
        Ok(mounted) => mounted,
        Err(_) => return println!("{name}: the kernel does not mount it"),
    };
    for (path, theirs) in mounted.items() {
        let place = path.escape_ascii();
        let Some(ours) = reached.items.get(&path) else {
            assert!(
                is_short(&path, reached) || reached.unlisted.contains_key(b"/".as_slice()),
                "{name}: {place} is missing"
            );
            continue;
        };
        match (&ours.content, &theirs.content) {
            (Some(Ok(ours)), Some(Ok(theirs))) => assert_eq!(ours, theirs, "{name}: {place}"),
            (Some(Err(why)), Some(Ok(_))) => println!("{name}: {place}: the kernel reads it and we do not: {why}"),
            _ => {}
        }
    }
}
