//! What a stored file or an image is known to be, by the marks that formats leave at fixed places.
//!
//! It serves two ends: the raw format's probe asks for a file system that is read, and everything else that is known is
//! refused by its name instead of as "unknown". The marks are those of the formats' own documents and of `blkid`'s and
//! `file`'s published tables.
//!
//! A mark that lies among the blocks of an ext file system is that file system's content, or left over from what stood
//! there before; it does not count. In front of the first block and behind the last one it does.
//!
//! **Invariant:** it names what it finds and reads nothing else; two names for one image are both said.

use super::Image;
use crate::read_error::ReadError;

/// The family of file systems that this version reads.
pub const EXT: &str = "ext2/ext3/ext4";
/// A virtual disk of Virtual PC and Hyper-V; a fixed one is known by its end alone.
pub const VHD: &str = "VHD";
/// A disk image of macOS, known by its end alone.
pub const DMG: &str = "DMG";
/// A partition table of the new kind.
pub const GPT: &str = "a GPT partition table";
/// A partition table of the old kind.
pub const MBR: &str = "an MBR partition table";

/// How many bytes of an image's beginning hold every mark below, and of its end.
const HEAD_BYTES: usize = 136 * 1024;
const TAIL_BYTES: usize = 136 * 1024;

/// What sort of thing a mark is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// A format in which an image is stored.
    Container,
    /// A table of partitions.
    Table,
    /// One of the volumes that make another one, or a volume under encryption.
    Member,
    /// A file system, or what stands in the place of one.
    FileSystem,
}

/// Something that an image is known to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Known {
    /// Its name, in a refusal and on the staff's terminal.
    pub name: &'static str,
    /// Its sort.
    pub class: Class,
}

/// A mark: these bytes stand at that offset.
struct Mark(Class, &'static str, usize, &'static [u8]);

use Class::{Container as C, FileSystem as F, Member as M, Table as T};

/// Marks at a fixed offset from the beginning.
static MARKS: [Mark; 48] = [
    Mark(C, "qcow2", 0, b"QFI\xfb\0\0\0\x02"),
    Mark(C, "qcow2", 0, b"QFI\xfb\0\0\0\x03"),
    Mark(C, "L01 (logical EWF)", 0, b"LVF\x09\x0d\x0a\xff\0"),
    Mark(C, "an encrypted DMG", 0, b"encrcdsa"),
    Mark(C, "qcow (version 1)", 0, b"QFI\xfb\0\0\0\x01"),
    Mark(C, "QED", 0, b"QED\0"),
    Mark(C, "VMDK", 0, b"KDMV"),
    Mark(C, "VMDK", 0, b"COWD"),
    Mark(C, "VMDK", 0, b"# Disk DescriptorFile"),
    Mark(C, VHD, 0, b"conectix"),
    Mark(C, "VHDX", 0, b"vhdxfile"),
    Mark(C, "VDI", 64, b"\x7f\x10\xda\xbe"),
    Mark(C, "E01 (EWF)", 0, b"EVF\x09\x0d\x0a\xff\0"),
    Mark(C, "Ex01 (EWF2)", 0, b"EVF2\x0d\x0a\x81\0"),
    Mark(C, "AFF", 0, b"AFF10\x0d\x0a"),
    Mark(C, "Parallels", 0, b"WithoutFreeSpace"),
    Mark(C, "Parallels", 0, b"WithouFreSpacExt"),
    Mark(M, "LUKS", 0, b"LUKS\xba\xbe"),
    Mark(M, "BitLocker", 3, b"-FVE-FS-"),
    Mark(M, "LVM", 536, b"LVM2 001"),
    Mark(M, "LVM", 24, b"LVM2 001"),
    Mark(M, "LVM", 1048, b"LVM2 001"),
    Mark(M, "LVM", 1560, b"LVM2 001"),
    Mark(M, "MD RAID", 0, b"\xfc\x4e\x2b\xa9"),
    Mark(M, "MD RAID", 4096, b"\xfc\x4e\x2b\xa9"),
    Mark(F, "XFS", 0, b"XFSB"),
    Mark(F, "btrfs", 65_600, b"_BHRfS_M"),
    Mark(F, "NTFS", 3, b"NTFS    "),
    Mark(F, "exFAT", 3, b"EXFAT   "),
    Mark(F, "FAT", 54, b"FAT12   "),
    Mark(F, "FAT", 54, b"FAT16   "),
    Mark(F, "FAT", 82, b"FAT32   "),
    Mark(F, "ISO 9660", 32_769, b"CD001"),
    Mark(F, "UDF", 32_769, b"BEA01"),
    Mark(F, "squashfs", 0, b"hsqs"),
    Mark(F, "squashfs", 0, b"sqsh"),
    Mark(F, "EROFS", 1024, b"\xe2\xe1\xf5\xe0"),
    Mark(F, "F2FS", 1024, b"\x10\x20\xf5\xf2"),
    Mark(F, "ReiserFS", 65_588, b"ReIsEr"),
    Mark(F, "ReiserFS", 8_244, b"ReIsEr"),
    Mark(F, "JFS", 32_768, b"JFS1"),
    Mark(F, "HFS+", 1024, b"H+\0\x04"),
    Mark(F, "HFS+", 1024, b"HX\0\x05"),
    Mark(F, "APFS", 32, b"NXSB"),
    Mark(F, "swap", 4_086, b"SWAPSPACE2"),
    Mark(F, "bcachefs", 4_120, b"\xc6\x85\x73\xf6\x4e\x1a\x45\xca"),
    Mark(T, GPT, 512, b"EFI PART"),
    Mark(T, GPT, 4_096, b"EFI PART"),
];

/// The uberblock magic of ZFS, in either byte order (OpenZFS on-disk format, 1.3.2).
const ZFS: [[u8; 8]; 2] = [0x00ba_b10c_u64.to_le_bytes(), 0x00ba_b10c_u64.to_be_bytes()];

/// Everything that the image is known to be; empty where nothing is known.
pub fn of(image: &dyn Image) -> Result<Vec<Known>, ReadError> {
    let head = part(image, 0, HEAD_BYTES)?;
    let start = image.size_bytes().saturating_sub(TAIL_BYTES as u64);
    let tail = part(image, start, TAIL_BYTES)?;
    let mut known: Vec<Known> = Vec::new();
    let mut blocks = 0..0;
    if let Some(end) = ext_end(&head) {
        known.push(Known { name: EXT, class: Class::FileSystem });
        blocks = 1024..end;
    }
    for Mark(class, name, offset, bytes) in &MARKS {
        if has(&head, *offset, bytes) && !blocks.contains(&(*offset as u64)) {
            known.push(Known { name, class: *class });
        }
    }
    if blocks.is_empty() && head.get(128 * 1024..).is_some_and(|labels| labels.chunks_exact(1024).any(is_uberblock)) {
        known.push(Known { name: "ZFS", class: Class::FileSystem });
    }
    at_the_end(&tail, image.size_bytes(), blocks.end, &mut known);
    let has_name = |wanted: &[&str]| known.iter().any(|known| wanted.contains(&known.name));
    let volume_at_start = has_name(&["NTFS", "exFAT", "FAT", "BitLocker"]);
    if known.is_empty() && is_fat(&head) {
        known.push(Known { name: "FAT", class: Class::FileSystem });
    }
    let has_name = |wanted: &[&str]| known.iter().any(|known| wanted.contains(&known.name));
    let volume_at_start = volume_at_start || has_name(&["FAT"]);
    let is_table = !volume_at_start && !has_name(&[GPT]) && is_mbr(&head, image.size_bytes(), has_name(&[EXT]));
    if is_table {
        known.push(Known { name: MBR, class: Class::Table });
    }
    known.dedup();
    Ok(known)
}

/// The refusal of an image or a volume that is known to be this, or nothing known.
pub fn refusal(known: &[Known]) -> ReadError {
    let names: Vec<&str> = known.iter().map(|known| known.name).collect();
    let what = if names.is_empty() { "unknown content".to_owned() } else { names.join(" and ") };
    ReadError::Unsupported { offset: 0, what }
}

fn part(image: &dyn Image, offset: u64, length: usize) -> Result<Vec<u8>, ReadError> {
    let there = image.size_bytes().saturating_sub(offset);
    let mut bytes = vec![0; usize::try_from(there).unwrap_or(usize::MAX).min(length)];
    image.read_at(offset, &mut bytes)?;
    Ok(bytes)
}

fn has(bytes: &[u8], offset: usize, mark: &[u8]) -> bool {
    bytes.get(offset..).is_some_and(|there| there.starts_with(mark))
}

/// Where an ext file system ends, in bytes. It is one by the superblock's magic, and by two fields that a chance hit would
/// not have: the block size and the revision.
fn ext_end(head: &[u8]) -> Option<u64> {
    let word =
        |offset: usize| head.get(1024 + offset..1028 + offset).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
    let (blocks, log_block_size, revision) = (word(0x4)?, word(0x18)?, word(0x4c)?);
    let is_ext = has(head, 1080, &[0x53, 0xef]) && log_block_size <= 6 && revision <= 1 && blocks > 0;
    let high = if word(0x60)? & 0x80 != 0 { word(0x150)? } else { 0 };
    let blocks = u64::from(high) << 32 | u64::from(blocks);
    is_ext.then(|| blocks.saturating_mul(1024 << log_block_size))
}

fn is_uberblock(block: &[u8]) -> bool {
    ZFS.iter().any(|magic| block.starts_with(magic))
}

/// Marks that stand at a fixed distance from the end, behind `taken`.
fn at_the_end(tail: &[u8], size_bytes: u64, taken: u64, known: &mut Vec<Known>) {
    let tail_bytes = u64::try_from(tail.len()).unwrap_or(0);
    let stands = |offset: Option<u64>, mark: &[u8]| {
        let offset = offset.filter(|offset| *offset >= taken);
        let within = offset.and_then(|offset| usize::try_from(offset.checked_sub(size_bytes - tail_bytes)?).ok());
        within.and_then(|at| tail.get(at..)).is_some_and(|bytes| bytes.starts_with(mark))
    };
    let before_end = |distance: u64| size_bytes.checked_sub(distance);
    // A file system that would go on behind the end of the file is part of what the file stores.
    let is_container = |distance: u64, mark: &[u8]| {
        let at = tail.len().checked_sub(usize::try_from(distance).unwrap_or(usize::MAX));
        let is_there = at.and_then(|at| tail.get(at..)).is_some_and(|bytes| bytes.starts_with(mark));
        is_there && before_end(distance).is_some_and(|offset| offset >= taken || taken > size_bytes)
    };
    // The footer of a fixed VHD says how long the disk before it is. Where that is not so, a volume was cut out of a VHD
    // and took the footer along.
    let fits = |distance: usize| {
        let footer = tail.len().checked_sub(distance).and_then(|at| tail.get(at..)).unwrap_or_default();
        let size = footer.get(48..56).and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes);
        let is_fixed = footer.get(60..64) == Some(&[0, 0, 0, 2]);
        !is_fixed
            || size
                .zip(u64::try_from(distance).ok())
                .is_some_and(|(size, rest)| size.checked_add(rest) == Some(size_bytes))
    };
    if (is_container(512, b"conectix") && fits(512)) || (is_container(511, b"conectix") && fits(511)) {
        known.push(Known { name: VHD, class: Class::Container });
    }
    if is_container(512, b"koly") {
        known.push(Known { name: DMG, class: Class::Container });
    }
    // MD 0.90 stands in the last whole 64 KiB but one, MD 1.0 at 8 KiB before the end (md(4)).
    const MD: &[u8] = b"\xfc\x4e\x2b\xa9";
    let old = (size_bytes & !0xffff).checked_sub(0x1_0000);
    let new = before_end(8 * 1024).map(|offset| offset & !0xfff);
    if stands(old, MD) || stands(new, MD) {
        known.push(Known { name: "MD RAID", class: Class::Member });
    }
}

/// A boot sector of FAT that does not say so: its parameters are such as a FAT has (Microsoft's FAT specification, 3.1).
fn is_fat(head: &[u8]) -> bool {
    let byte = |at: usize| head.get(at).copied().unwrap_or(0);
    let word = |at: usize| u16::from_le_bytes([byte(at), byte(at + 1)]);
    let is_jump = (byte(0) == 0xeb && byte(2) == 0x90) || byte(0) == 0xe9;
    let has_sectors = matches!(word(11), 512 | 1024 | 2048 | 4096) && byte(13).is_power_of_two() && word(14) > 0;
    let has_tables = matches!(byte(16), 1 | 2) && (word(22) > 0 || word(36) > 0);
    has(head, 510, &[0x55, 0xaa]) && is_jump && has_sectors && has_tables && (byte(21) == 0xf0 || byte(21) >= 0xf8)
}

/// A boot sector with at least one entry that a partition could have. A boot block of an ext file system may hold a boot
/// loader; there an entry must also lie within the image.
fn is_mbr(head: &[u8], size_bytes: u64, beside_ext: bool) -> bool {
    if !has(head, 510, &[0x55, 0xaa]) {
        return false;
    }
    let Some(table) = head.get(446..510) else { return false };
    let sectors = size_bytes / 512;
    let mut used = 0;
    for entry in table.chunks_exact(16) {
        let (Some(status), Some(kind)) = (entry.first(), entry.get(4)) else { return false };
        let word = |at: usize| {
            entry
                .get(at..at + 4)
                .and_then(|bytes| bytes.try_into().ok())
                .map_or(0, |bytes| u64::from(u32::from_le_bytes(bytes)))
        };
        let (start, length) = (word(8), word(12));
        if *status & 0x7f != 0 {
            return false;
        }
        if *kind != 0 && length > 0 {
            if start == 0 && *kind != 0xee || beside_ext && start + length > sectors {
                return false;
            }
            used += 1;
        }
    }
    used > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bytes(Vec<u8>);

    impl Image for Bytes {
        fn size_bytes(&self) -> u64 {
            self.0.len() as u64
        }

        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
            let start = usize::try_from(offset).unwrap_or(usize::MAX);
            let there = self.0.get(start..start + buffer.len());
            let there = there.ok_or(ReadError::Corrupt { offset, what: "past the end" })?;
            buffer.copy_from_slice(there);
            Ok(())
        }
    }

    fn named(bytes: Vec<u8>) -> Vec<&'static str> {
        of(&Bytes(bytes)).unwrap_or_default().into_iter().map(|known| known.name).collect()
    }

    #[test]
    fn every_mark_is_named_and_nothing_else_is() {
        for Mark(_, name, offset, bytes) in &MARKS {
            let mut image = vec![0; 256 * 1024];
            image[*offset..*offset + bytes.len()].copy_from_slice(bytes);
            assert_eq!(named(image), [*name]);
        }
        for size in [0, 1, 511, 512, 1024, 4096, 65_536, 300_000] {
            assert_eq!(named(vec![0; size]), Vec::<&str>::new(), "{size} zero bytes");
        }
    }

    #[test]
    fn a_partition_table_beside_a_file_system_is_said_too() {
        let mut image = vec![0; 256 * 1024];
        image[1080..1082].copy_from_slice(&[0x53, 0xef]);
        image[1028] = 64;
        assert_eq!(named(image.clone()), [EXT]);
        image[510..512].copy_from_slice(&[0x55, 0xaa]);
        assert_eq!(named(image.clone()), [EXT], "a boot sector without a partition");
        image[450] = 0x83;
        image[454] = 32;
        image[458] = 64;
        assert_eq!(named(image), [EXT, MBR]);
    }

    #[test]
    fn what_lies_among_the_blocks_of_a_file_system_is_its_content() {
        let mut image = vec![0; 256 * 1024];
        image[1080..1082].copy_from_slice(&[0x53, 0xef]);
        image[1028] = 128;
        for Mark(_, _, offset, bytes) in &MARKS {
            if *offset > 2048 {
                image[*offset..*offset + bytes.len()].copy_from_slice(bytes);
            }
        }
        image[128 * 1024 - 512..128 * 1024 - 504].copy_from_slice(b"conectix");
        assert_eq!(named(image[..128 * 1024].to_vec()), [EXT]);
        image[256 * 1024 - 512..256 * 1024 - 504].copy_from_slice(b"conectix");
        assert_eq!(named(image.clone()), [EXT, "VHD"], "behind the last block it counts");
        image[256 * 1024 - 452..256 * 1024 - 448].copy_from_slice(&[0, 0, 0, 2]);
        assert_eq!(named(image.clone()), [EXT], "the footer of another disk");
        image[256 * 1024 - 464..256 * 1024 - 456].copy_from_slice(&(256_u64 * 1024 - 512).to_be_bytes());
        assert_eq!(named(image), [EXT, "VHD"]);
    }
}
