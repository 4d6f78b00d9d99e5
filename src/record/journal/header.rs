//! The header of a journal: what must be known to read on.
//!
//! Source: <https://systemd.io/JOURNAL_FILE_FORMAT> ("Header"). Compatible flags say nothing that a reader must know
//! (seals, the boot of the last entry); an incompatible flag that is not known here is refused by its number.
//!
//! **Invariant:** nothing of the header is believed about how much there is to read.

use crate::read_error::ReadError;

/// The first eight bytes of every journal.
pub(super) const SIGNATURE: &[u8; 8] = b"LPKSHHRH";
/// The header as the first version wrote it: the least there can be.
pub(super) const HEADER_BYTES: usize = 208;

/// `HEADER_INCOMPATIBLE_COMPRESSED_XZ`, `..._LZ4`, `..._ZSTD`: which methods occur; each object names its own.
const COMPRESSED: u32 = 1 | 2 | 8;
/// `HEADER_INCOMPATIBLE_KEYED_HASH`.
const KEYED_HASH: u32 = 4;
/// `HEADER_INCOMPATIBLE_COMPACT`.
const COMPACT: u32 = 16;

/// What a journal says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    /// The hashes are SipHash-2-4 with this key; none: lookup3.
    pub(super) hash_key: Option<[u8; 16]>,
    /// Offsets in entries and arrays have 32 bits.
    pub(super) is_compact: bool,
    /// Where the objects begin.
    pub(super) size: u64,
    /// How many entries there are.
    pub(super) entries: u64,
    /// The first array of entries; 0: there is none.
    pub(super) entry_array: u64,
}

impl Header {
    /// Reads the header that `bytes` begins with.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        let damaged = |offset, what| ReadError::Corrupt { offset, what };
        if !bytes.starts_with(SIGNATURE) {
            return Err(damaged(0, "a journal's signature is missing"));
        }
        let header: &[u8; HEADER_BYTES] =
            bytes.first_chunk().ok_or(damaged(bytes.len() as u64, "the header of a journal is cut"))?;
        let incompatible = u32::from_le_bytes(part(header, 12));
        let unknown = incompatible & !(COMPRESSED | KEYED_HASH | COMPACT);
        if unknown != 0 {
            let what = format!("a journal with the incompatible flags {unknown:#x}");
            return Err(ReadError::Unsupported { offset: 12, what });
        }
        let size = u64::from_le_bytes(part(header, 88));
        if size < HEADER_BYTES as u64 || size % 8 != 0 {
            return Err(damaged(88, "the header of a journal has no size that one can have"));
        }
        Ok(Self {
            hash_key: (incompatible & KEYED_HASH != 0).then(|| part(header, 24)),
            is_compact: incompatible & COMPACT != 0,
            size,
            entries: u64::from_le_bytes(part(header, 152)),
            entry_array: u64::from_le_bytes(part(header, 176)),
        })
    }
}

/// `N` bytes at `at`; zeros where there are not so many.
pub(super) fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}
