//! By what a table of mounts calls a volume: the UUID and the label of the file system on it.
//!
//! They stand at fixed places of the superblock or boot sector: ext (kernel documentation, `ext4/super.rst`), XFS (XFS
//! Algorithms and Data Structures, superblocks), btrfs (`btrfs-dev-docs`, superblock), FAT and exFAT (Microsoft's
//! specifications), NTFS (boot sector). They are written as `blkid` writes them.
//!
//! **Invariant:** it serves proposals to staff alone; no decision and no package depends on it.

use crate::image::Image;

/// UUID and label of what stands on a volume, each where there is one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VolumeIdentity {
    /// In lower case.
    pub uuid: Option<String>,
    /// As stored, where it is UTF-8.
    pub label: Option<String>,
}

/// Reads them; a volume that cannot be read has none.
pub fn of(volume: &dyn Image) -> VolumeIdentity {
    let bytes = |at: u64, length: usize| {
        let mut bytes = vec![0; length];
        volume.read_at(at, &mut bytes).ok().map(|()| bytes)
    };
    let holds = |at: u64, mark: &[u8]| bytes(at, mark.len()).is_some_and(|there| there == mark);
    let both = |uuid: Option<Vec<u8>>, label: Option<Vec<u8>>| VolumeIdentity {
        uuid: uuid.map(|uuid| dashed(&uuid)),
        label: label.and_then(|label| text(&label)),
    };
    if holds(1080, &[0x53, 0xef]) {
        both(bytes(1024 + 0x68, 16), bytes(1024 + 0x78, 16))
    } else if holds(0, b"XFSB") {
        both(bytes(32, 16), bytes(108, 12))
    } else if holds(65_600, b"_BHRfS_M") {
        both(bytes(65_536 + 0x20, 16), bytes(65_536 + 0x12b, 256))
    } else if holds(3, b"NTFS    ") {
        serial(bytes(0x48, 8), None, 8)
    } else if holds(3, b"EXFAT   ") {
        serial(bytes(100, 4), None, 4)
    } else if holds(82, b"FAT32   ") {
        serial(bytes(67, 4), bytes(71, 11), 4)
    } else if holds(54, b"FAT1") {
        serial(bytes(39, 4), bytes(43, 11), 4)
    } else {
        VolumeIdentity::default()
    }
}

/// A serial number, least significant byte first: four bytes are written `1a2b-3c4d`, eight without a hyphen.
fn serial(number: Option<Vec<u8>>, label: Option<Vec<u8>>, length: usize) -> VolumeIdentity {
    let uuid = number.map(|bytes| {
        let digits: String = bytes.iter().rev().map(|byte| format!("{byte:02x}")).collect();
        match digits.split_at_checked(4) {
            Some((first, rest)) if length == 4 => format!("{first}-{rest}"),
            _ => digits,
        }
    });
    let label = label.and_then(|label| text(&label)).filter(|label| label != "NO NAME");
    VolumeIdentity { uuid, label }
}

/// 16 bytes as 8-4-4-4-12 hex digits.
fn dashed(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

fn text(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    let text = std::str::from_utf8(bytes.get(..end)?).ok()?.trim_end();
    (!text.is_empty()).then(|| text.to_owned())
}
