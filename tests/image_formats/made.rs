//! A disk with varied content, and images of it in every format that the tools of this machine write.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use extract::image::{self, OpenedImage, Stored, StoredFile};
use extract::read_error::ReadError;

use super::tool::{Cannot, run, text};

/// A format as a tool makes it: its kind in the package, its name here, QEMU's driver and options.
pub struct Row {
    pub kind: &'static str,
    pub name: &'static str,
    pub driver: &'static str,
    pub options: &'static [&'static str],
}

const fn row(kind: &'static str, name: &'static str, driver: &'static str, options: &'static [&'static str]) -> Row {
    Row { kind, name, driver, options }
}

/// Every format and subformat that `qemu-img convert` writes.
pub const ROWS: &[Row] = &[
    row("raw", "plain.raw", "raw", &[]),
    row("qcow2", "v3.qcow2", "qcow2", &[]),
    row("qcow2", "v2.qcow2", "qcow2", &["-o", "compat=0.10,cluster_size=4096"]),
    row("qcow2", "zlib.qcow2", "qcow2", &["-c"]),
    row("qcow2", "zstd.qcow2", "qcow2", &["-c", "-o", "compression_type=zstd"]),
    row("qcow2", "extended.qcow2", "qcow2", &["-o", "extended_l2=on,cluster_size=128k"]),
    row("qcow", "plain.qcow", "qcow", &[]),
    row("qed", "plain.qed", "qed", &[]),
    row("vmdk", "sparse.vmdk", "vmdk", &["-o", "subformat=monolithicSparse"]),
    row("vmdk", "flat.vmdk", "vmdk", &["-o", "subformat=monolithicFlat"]),
    row("vmdk", "split-sparse.vmdk", "vmdk", &["-o", "subformat=twoGbMaxExtentSparse"]),
    row("vmdk", "split-flat.vmdk", "vmdk", &["-o", "subformat=twoGbMaxExtentFlat"]),
    row("vmdk", "stream.vmdk", "vmdk", &["-o", "subformat=streamOptimized"]),
    row("vhd", "dynamic.vhd", "vpc", &["-o", "subformat=dynamic,force_size=on"]),
    row("vhd", "fixed.vhd", "vpc", &["-o", "subformat=fixed,force_size=on"]),
    row("vhd", "rounded.vhd", "vpc", &["-o", "subformat=dynamic"]),
    row("vhdx", "dynamic.vhdx", "vhdx", &["-o", "subformat=dynamic,block_size=1M"]),
    row("vhdx", "fixed.vhdx", "vhdx", &["-o", "subformat=fixed"]),
    row("vdi", "dynamic.vdi", "vdi", &[]),
    row("vdi", "static.vdi", "vdi", &["-o", "static=on"]),
    row("parallels", "plain.hds", "parallels", &[]),
];

/// Bytes without a pattern, the same each time.
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..length / 8 + 1).flat_map(|_| self.next().to_le_bytes()).collect();
        bytes.truncate(length);
        bytes
    }
}

/// An ext4 disk of this many bytes: text, noise, holes and zeros.
pub fn disk(folder: &Path, size_bytes: u64) -> PathBuf {
    let tree = folder.join("tree");
    fs::create_dir_all(tree.join("inner")).expect("a folder");
    let mut chance = Chance(0x5eed);
    fs::write(tree.join("noise"), chance.bytes(700_000)).expect("a file");
    let lines: String = (0..15_000).map(|line| format!("{line} 192.0.2.{} GET /\n", line % 250)).collect();
    fs::write(tree.join("text"), lines).expect("a file");
    fs::write(tree.join("zeros"), vec![0; 100_000]).expect("a file");
    fs::write(tree.join("inner/small"), "a small file\n").expect("a file");
    let sparse = fs::File::create(tree.join("sparse")).expect("a file");
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"behind a hole", 900_000).expect("a write");
    let disk = folder.join("disk.raw");
    fs::File::create(&disk).and_then(|file| file.set_len(size_bytes)).expect("a file");
    run("mke2fs", &["-q", "-F", "-t", "ext4", "-O", "^has_journal", "-b", "1024", "-d", text(&tree), text(&disk)]);
    disk
}

/// The disk in a row's format.
pub fn image(disk: &Path, folder: &Path, row: &Row) -> PathBuf {
    fs::create_dir_all(folder).expect("a folder");
    let image = folder.join(row.name);
    let mut all = vec!["convert", "-f", "raw", "-O", row.driver];
    all.extend_from_slice(row.options);
    all.extend_from_slice(&[text(disk), text(&image)]);
    run("qemu-img", &all);
    image
}

/// What `qemu-img` makes of an image. A VHD's own size is taken, and not that of its geometry.
pub fn by_qemu(image: &Path, driver: &str) -> Result<Vec<u8>, String> {
    let raw = image.with_extension("by-qemu");
    let size = if driver == "vpc" { ",force_size_calc=current_size" } else { "" };
    let described = format!("driver={driver}{size},file.driver=file,file.filename={}", text(image));
    let output = std::process::Command::new("timeout")
        .args(["60", "qemu-img", "convert", "--image-opts", "-O", "raw", &described, text(&raw)])
        .output()
        .expect("timeout");
    let read = fs::read(&raw);
    let _ = fs::remove_file(&raw);
    if output.status.success() { Ok(read.expect("it was made")) } else { Err(format!("{output:?}")) }
}

/// An image with nothing said beside it.
pub fn stored(image: &Path, scratch: &Path) -> Result<Stored, ReadError> {
    let place = image.canonicalize().map_err(|error| ReadError::io(0, error))?;
    Ok(Stored {
        file: Arc::new(StoredFile::open(&place)?),
        place,
        backing: Vec::new(),
        snapshot: None,
        scratch: scratch.to_owned(),
    })
}

pub fn open(image: &Path, scratch: &Path) -> Result<OpenedImage, ReadError> {
    image::open(&stored(image, scratch)?)
}

/// Everything of an image.
pub fn all(opened: &OpenedImage) -> Result<Vec<u8>, ReadError> {
    let mut bytes = vec![0; usize::try_from(opened.bytes.size_bytes()).expect("a size")];
    let mut at = 0;
    for part in bytes.chunks_mut(1_000_000) {
        opened.bytes.read_at(at, part)?;
        at += part.len() as u64;
    }
    Ok(bytes)
}

/// Everything of the image at a path.
pub fn read(image: &Path, scratch: &Path) -> Result<Vec<u8>, ReadError> {
    all(&open(image, scratch)?)
}

/// The names in a folder.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The `qemu-nbd` processes that say what they say into a file below a folder.
pub fn running(scratch: &Path) -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    let works_there = |process: &fs::DirEntry| {
        let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
        let said = fs::read_link(process.path().join("fd/2")).unwrap_or_default();
        name == "qemu-nbd\n" && said.starts_with(scratch)
    };
    processes.filter(works_there).map(|process| process.file_name().to_string_lossy().into_owned()).collect()
}

/// These tools are there; which one is not is said, and is an error where they are required.
pub fn present(tools: &[&str]) -> bool {
    for tool in tools {
        let there = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/bin", "/sbin"];
        if !there.iter().any(|folder| Path::new(folder).join(tool).exists()) {
            Cannot::Tool(format!("there is no {tool}")).say("an image format");
            return false;
        }
    }
    true
}
