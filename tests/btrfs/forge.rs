//! Changing the blocks of a btrfs image on purpose, with or without their checksums.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::tool::{run, text};

/// A block of a tree: its logical address, where it is stored, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub logical: u64,
    pub stored: Vec<u64>,
    pub owner: u64,
    pub level: u8,
}

/// Every block of every tree of an image of one device with CRC-32C, by its own bytes: they name their place.
pub fn blocks(image: &Path, node_bytes: usize) -> Vec<Block> {
    let bytes = fs::read(image).expect("the image");
    let fsid = &bytes[0x1_0020..0x1_0030];
    let listed = listed(image);
    let mut blocks: Vec<Block> = Vec::new();
    for at in (0..bytes.len() - node_bytes).step_by(4096) {
        let block = &bytes[at..at + node_bytes];
        let logical = u64::from_le_bytes(block[48..56].try_into().expect("eight bytes"));
        if at == 0x1_0000 || &block[32..48] != fsid || block[..4] != sum(&block[32..]) || !listed.contains(&logical) {
            continue;
        }
        match blocks.iter_mut().find(|known| known.logical == logical) {
            Some(known) => known.stored.push(at as u64),
            None => {
                let owner = u64::from_le_bytes(block[88..96].try_into().expect("eight bytes"));
                blocks.push(Block { logical, stored: vec![at as u64], owner, level: block[100] });
            }
        }
    }
    blocks
}

/// The blocks that are in use, as btrfs-progs lists them.
fn listed(image: &Path) -> Vec<u64> {
    let dumped = run("btrfs", &["inspect-internal", "dump-tree", text(image)]);
    let heads = dumped.lines().filter(|line| line.starts_with("leaf ") || line.starts_with("node "));
    heads.filter_map(|line| line.split(' ').nth(1)?.parse().ok()).collect()
}

/// The checksum of a block or of a superblock, as it is stored.
pub fn sum(bytes: &[u8]) -> [u8; 4] {
    // Castagnoli's polynomial, reflected.
    let mut crc = !0_u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    (!crc).to_le_bytes()
}

/// Changes bytes of an image.
pub fn write(image: &Path, at: u64, bytes: &[u8]) {
    let file = fs::File::options().write(true).open(image).expect("the image");
    file.write_all_at(bytes, at).expect("a change");
}

/// Reads bytes of an image.
pub fn read(image: &Path, at: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    fs::File::open(image).expect("the image").read_exact_at(&mut bytes, at).expect("bytes of the image");
    bytes
}

/// Changes bytes within a structure that begins with its checksum, and the checksum with them.
pub fn write_summed(image: &Path, at: u64, length: usize, within: usize, bytes: &[u8]) {
    let mut structure = read(image, at, length);
    structure[within..within + bytes.len()].copy_from_slice(bytes);
    let sum = sum(&structure[32..]);
    structure[..4].copy_from_slice(&sum);
    write(image, at, &structure);
}

/// A copy beside the image, as sparse as it.
pub fn copy(image: &Path, name: &str) -> PathBuf {
    let copy = image.with_extension(name);
    run("cp", &["--sparse=always", text(image), text(&copy)]);
    copy
}
