//! The members of a package, their order, and their tar headers to the byte.
//!
//! A package is one tar (POSIX.1-2017, pax, "ustar Interchange Format"): regular files only, no folder members (tar makes
//! the folders as it goes, and a folder would be a header that says nothing). Every header is a function of a member's
//! name and size alone: mtime 0, uid 0, gid 0, mode 0644, no user or group name. A size that eleven octal digits cannot
//! hold (8 GiB and more) is written as a pax record `size` before the header, whose own size field is then 0. Each
//! member is padded with zeros to 512 bytes, and two zero blocks end the file: nothing follows them.
//!
//! **Invariant:** two members with the same name and size have the same header, and the names of members are a closed set.

use std::fmt;

use crate::limits;
use crate::order::Extension;

/// The unit of a tar, in bytes.
pub const BLOCK_BYTES: usize = 512;
/// [`BLOCK_BYTES`] as a length of a file.
const BLOCK: u64 = BLOCK_BYTES as u64;
/// The largest size that the eleven octal digits of a ustar header hold, in bytes.
pub const USTAR_SIZE_BYTES: u64 = 0o777_7777_7777;
/// The longest name that a header holds without a prefix, in bytes. The longest of ours has 85.
pub const NAME_BYTES: usize = 100;
/// The zeros that end a tar: two blocks.
pub const END: [u8; 2 * BLOCK_BYTES] = [0; 2 * BLOCK_BYTES];
/// `bagit.txt` of every package (RFC 8493, 2.1.1).
pub const BAGIT_TXT: &[u8] = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
/// `data/000000.txt` of a package that discloses nothing.
pub const NOTHING: &[u8] = b"nothing disclosed under this order\n";

/// One member of a package. Their order is the order of the members in the tar.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Member {
    /// `bagit.txt`.
    Bagit,
    /// `order.toml`: the order, byte for byte.
    Order,
    /// `README.txt`.
    Readme,
    /// `data/000000.txt`: there is nothing to disclose.
    Nothing,
    /// `data/NNNNNN.EXT`: an exhibit, by its number from 1.
    Data(u32, Extension),
    /// `records/NNNNNN.jsonl`: the records of an exhibit of lines.
    Records(u32),
    /// `exhibits.jsonl`: the ledger.
    Exhibits,
    /// `disclosure.json`.
    Disclosure,
    /// `report.html`.
    ReportHtml,
    /// `report.json`.
    ReportJson,
    /// `custody.jsonl`.
    Custody,
    /// `bag-info.txt`.
    BagInfo,
    /// `manifest-sha256.txt`: the digests of the payload.
    Manifest,
    /// `tagmanifest-sha256.txt`: the digests of everything else.
    TagManifest,
}

impl Member {
    /// The members that every package has, in their order.
    pub const ALWAYS: [Self; 11] = [
        Self::Bagit,
        Self::Order,
        Self::Readme,
        Self::Exhibits,
        Self::Disclosure,
        Self::ReportHtml,
        Self::ReportJson,
        Self::Custody,
        Self::BagInfo,
        Self::Manifest,
        Self::TagManifest,
    ];

    /// It is payload (RFC 8493: below `data/`), covered by `manifest-sha256.txt`. All else is covered by the tag manifest,
    /// except the tag manifest.
    pub const fn is_payload(self) -> bool {
        matches!(self, Self::Nothing | Self::Data(..))
    }

    /// It may differ between two runs of the same order over the same sources.
    pub const fn varies(self) -> bool {
        matches!(self, Self::Custody | Self::BagInfo | Self::TagManifest)
    }

    /// The member of that name within the top folder; none = no package has it.
    pub fn parse(name: &str) -> Option<Self> {
        if name == "data/000000.txt" {
            return Some(Self::Nothing);
        }
        if let Some(rest) = name.strip_prefix("data/") {
            let (number, extension) = rest.split_once('.')?;
            let extension = Extension::ALL.iter().copied().find(|known| known.name() == extension)?;
            return Some(Self::Data(exhibit_number(number)?, extension));
        }
        if let Some(rest) = name.strip_prefix("records/") {
            return Some(Self::Records(exhibit_number(rest.strip_suffix(".jsonl")?)?));
        }
        Self::ALWAYS.into_iter().find(|member| member.to_string() == name)
    }

    /// Its name in the tar, below the top folder that the order's id names.
    pub fn path(self, order_id: &str) -> String {
        format!("{order_id}/{self}")
    }
}

/// The name within the top folder.
impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bagit => f.write_str("bagit.txt"),
            Self::Order => f.write_str("order.toml"),
            Self::Readme => f.write_str("README.txt"),
            Self::Nothing => f.write_str("data/000000.txt"),
            Self::Data(number, extension) => write!(f, "data/{number:06}.{}", extension.name()),
            Self::Records(number) => write!(f, "records/{number:06}.jsonl"),
            Self::Exhibits => f.write_str("exhibits.jsonl"),
            Self::Disclosure => f.write_str("disclosure.json"),
            Self::ReportHtml => f.write_str("report.html"),
            Self::ReportJson => f.write_str("report.json"),
            Self::Custody => f.write_str("custody.jsonl"),
            Self::BagInfo => f.write_str("bag-info.txt"),
            Self::Manifest => f.write_str("manifest-sha256.txt"),
            Self::TagManifest => f.write_str("tagmanifest-sha256.txt"),
        }
    }
}

/// Six digits from 000001 to 999999.
fn exhibit_number(text: &str) -> Option<u32> {
    if text.len() != 6 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|number| (1..=limits::EXHIBITS).contains(number))
}

/// The header of a member: 512 bytes, or 1,536 where its size needs a pax record. `name` is the whole name, top folder
/// included; only its first [`NAME_BYTES`] bytes are written (ours are never longer).
pub fn header(name: &[u8], size_bytes: u64) -> Vec<u8> {
    if size_bytes <= USTAR_SIZE_BYTES {
        return block(name, b'0', size_bytes);
    }
    let record = pax_size(size_bytes);
    let mut out = block(&pax_name(name), b'x', record.len() as u64);
    out.extend_from_slice(&record);
    out.resize(2 * BLOCK_BYTES, 0);
    out.extend_from_slice(&block(name, b'0', 0));
    out
}

/// How long the header of a member of that size is, in bytes.
pub const fn header_bytes(size_bytes: u64) -> u64 {
    if size_bytes <= USTAR_SIZE_BYTES { BLOCK } else { 3 * BLOCK }
}

/// How many zeros follow a member of that size, 0 to 511.
pub const fn padding_bytes(size_bytes: u64) -> usize {
    ((BLOCK - size_bytes % BLOCK) % BLOCK) as usize
}

/// The pax record that states a size: `LENGTH size=SIZE`, the length counting itself and the LF.
pub fn pax_size(size_bytes: u64) -> Vec<u8> {
    let body = format!(" size={size_bytes}\n");
    // The record is 24 to 32 bytes long, so its own length has two digits.
    format!("{}{body}", body.len() + 2).into_bytes()
}

/// The name of the pax member that stands before a member: `TOP/PaxHeaders/LAST`, so that a tar without pax puts it
/// under the top folder too.
fn pax_name(name: &[u8]) -> Vec<u8> {
    let top = name.split(|&byte| byte == b'/').next().unwrap_or_default();
    let last = name.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    [top, b"/PaxHeaders/", last].concat()
}

/// One ustar header block.
fn block(name: &[u8], kind: u8, size_bytes: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(BLOCK_BYTES);
    field(&mut out, name, 100);
    field(&mut out, b"0000644\0", 8);
    field(&mut out, b"0000000\0", 8);
    field(&mut out, b"0000000\0", 8);
    field(&mut out, format!("{size_bytes:011o}\0").as_bytes(), 12);
    field(&mut out, b"00000000000\0", 12);
    // The checksum counts its own field as eight spaces.
    field(&mut out, b"        ", 8);
    field(&mut out, &[kind], 1);
    field(&mut out, b"", 100);
    field(&mut out, b"ustar\x0000", 8);
    // User and group name, device numbers, prefix: empty.
    field(&mut out, b"", BLOCK_BYTES - 265);
    let sum: u32 = out.iter().map(|&byte| u32::from(byte)).sum();
    let checksum = format!("{sum:06o}\0 ");
    for (slot, byte) in out.iter_mut().skip(148).zip(checksum.bytes()) {
        *slot = byte;
    }
    out
}

/// Appends a field of exactly `width` bytes, zeros behind its value.
fn field(out: &mut Vec<u8>, value: &[u8], width: usize) {
    out.extend(value.iter().copied().chain(std::iter::repeat(0)).take(width));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_parses_from_its_own_name_and_from_no_other() {
        let members = Member::ALWAYS.into_iter().chain([
            Member::Nothing,
            Member::Data(1, Extension::Log),
            Member::Data(999_999, Extension::Bin),
            Member::Records(42),
        ]);
        for member in members {
            assert_eq!(Member::parse(&member.to_string()), Some(member));
        }
        let strangers = [
            "data/000000.bin",
            "data/1.log",
            "data/000001.exe",
            "data/000001",
            "data/+00001.log",
            "data/000001.log/x",
            "data/../order.toml",
            "records/000000.jsonl",
            "records/000001.json",
            "bagit.txt/",
            "",
            "Order.toml",
            "data/0000001.log",
        ];
        for stranger in strangers {
            assert_eq!(Member::parse(stranger), None, "{stranger}");
        }
    }

    #[test]
    fn members_sort_in_the_order_of_the_contract() {
        let mut always = Member::ALWAYS;
        always.sort();
        assert_eq!(always, Member::ALWAYS);
        assert!(Member::Readme < Member::Nothing && Member::Nothing < Member::Data(1, Extension::Bin));
        assert!(Member::Data(1, Extension::Log) < Member::Data(2, Extension::Bin));
        assert!(Member::Data(999_999, Extension::Log) < Member::Records(1) && Member::Records(9) < Member::Exhibits);
    }

    #[test]
    fn a_header_is_what_the_tar_library_reads_back() {
        for size in [0, 1, 511, 512, USTAR_SIZE_BYTES] {
            let bytes = header(b"2024-17/data/000001.log", size);
            assert_eq!(bytes.len(), BLOCK_BYTES);
            assert_eq!(header_bytes(size), bytes.len() as u64);
            let read = tar::Header::from_byte_slice(&bytes);
            assert_eq!(read.size().unwrap(), size);
            assert_eq!(read.path_bytes().as_ref(), b"2024-17/data/000001.log");
            assert_eq!((read.mtime().unwrap(), read.uid().unwrap(), read.gid().unwrap()), (0, 0, 0));
            assert_eq!(read.mode().unwrap(), 0o644);
            assert_eq!(read.entry_type(), tar::EntryType::Regular);
            let sum: u32 =
                bytes.iter().enumerate().map(|(at, &b)| if (148..156).contains(&at) { 32 } else { u32::from(b) }).sum();
            assert_eq!(read.cksum().unwrap(), sum);
            assert!(read.as_ustar().is_some());
        }
    }

    #[test]
    fn a_size_over_eight_gibibytes_is_a_pax_record() {
        for size in [USTAR_SIZE_BYTES + 1, u64::MAX] {
            let bytes = header(b"2024-17/data/000001.bin", size);
            assert_eq!(bytes.len(), 3 * BLOCK_BYTES);
            assert_eq!(header_bytes(size), bytes.len() as u64);
            let read = tar::Header::from_byte_slice(&bytes[..BLOCK_BYTES]);
            assert_eq!(read.entry_type(), tar::EntryType::XHeader);
            let record = pax_size(size);
            assert_eq!(read.size().unwrap(), record.len() as u64);
            assert_eq!(&bytes[BLOCK_BYTES..BLOCK_BYTES + record.len()], &record);
            let stated: usize = std::str::from_utf8(&record[..2]).unwrap().parse().unwrap();
            assert_eq!(stated, record.len());
        }
    }

    #[test]
    fn padding_fills_the_last_block() {
        for (size, padding) in [(0, 0), (1, 511), (511, 1), (512, 0), (513, 511)] {
            assert_eq!(padding_bytes(size), padding, "{size}");
        }
    }
}
