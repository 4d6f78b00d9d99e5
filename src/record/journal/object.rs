//! The objects of a journal: entries, arrays of entries, and the data that entries point at.
//!
//! Source: <https://systemd.io/JOURNAL_FILE_FORMAT> ("Objects", "Data Objects", "Entry Objects", "Compact Mode"), and
//! systemd's `journal-def.h`, `journal-file.c` and `journal-verify.c` for what an object must be to be taken for one. A
//! data object's payload is held against its hash, and against the hash that the entry has of it, so that damage is
//! not read as content. The sum over an entry's data (`xor_hash`) is not: systemd itself drops repeated data after it
//! made the sum.
//!
//! **Invariant:** every offset is a multiple of eight behind the header and within the file; nothing is allocated beyond
//! what [`crate::limits`] allows; a payload that does not have its hash is never given.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt as _;
use std::rc::Rc;

use super::hash;
use super::header::{Header, part};
use crate::limits;
use crate::read_error::ReadError;

const DATA: u8 = 1;
const ENTRY: u8 = 3;
const ENTRY_ARRAY: u8 = 6;

/// What every object begins with: type, flags, size.
const OBJECT_BYTES: u64 = 16;
/// What an entry has before its items.
pub(super) const ENTRY_BYTES: u64 = 64;
/// What an array has before its items.
const ARRAY_BYTES: u64 = 24;
/// `VALID_REALTIME` and `VALID_MONOTONIC`: microseconds beyond this are no time.
const LAST_MICROSECOND: u64 = 1 << 55;

/// Why an object cannot be read.
pub(super) enum Fault {
    /// It contradicts the format: what points at it is lost.
    Damaged(ReadError),
    /// It is over a bound: what points at it is lost.
    TooLong,
    /// Nothing can be read any more.
    Fatal(ReadError),
}

fn damaged(offset: u64, what: &'static str) -> Fault {
    Fault::Damaged(ReadError::Corrupt { offset, what })
}

/// One entry, without what it points at.
pub(super) struct Entry {
    /// Of the stored object, in bytes.
    pub(super) size: u64,
    /// Entries of a file are numbered upwards.
    pub(super) sequence: u64,
    /// Microseconds since 1970.
    pub(super) realtime: u64,
    /// Microseconds since the boot.
    pub(super) monotonic: u64,
    /// Which boot.
    pub(super) boot: [u8; 16],
    /// Where its data are, and their hashes where it has them.
    pub(super) items: Vec<(u64, Option<u64>)>,
}

/// A data object, unpacked.
struct Data {
    payload: Rc<[u8]>,
    hash: u64,
}

/// Where an array of entries stands, and the next one (0: none).
pub(super) struct Array {
    pub(super) begin: u64,
    pub(super) end: u64,
    pub(super) next: u64,
    /// It says that it goes on behind the end of the file.
    pub(super) is_cut: bool,
}

/// The objects of one journal.
pub(super) struct Objects<'f> {
    file: &'f File,
    length: u64,
    header: Header,
    /// Data that was read before: most entries of a program share most of theirs.
    known: HashMap<u64, Data>,
    known_bytes: usize,
    /// How many bytes were unpacked and rendered, and how many may be.
    spent: u64,
    budget: u64,
}

impl<'f> Objects<'f> {
    pub(super) fn new(file: &'f File, length: u64, header: Header) -> Self {
        let budget = length.saturating_mul(limits::UNPACKED_RATIO).max(limits::UNPACKED_FREELY_BYTES);
        Self { file, length, header, known: HashMap::new(), known_bytes: 0, spent: 0, budget }
    }

    /// A journal that gives far more than it holds is a bomb.
    pub(super) fn spend(&mut self, bytes: usize) -> Result<(), Fault> {
        self.spent = self.spent.saturating_add(bytes as u64);
        if self.spent > self.budget {
            let what = "what the entries of one journal come to";
            return Err(Fault::Fatal(ReadError::Limit { offset: 0, what }));
        }
        Ok(())
    }

    fn bytes(&self, offset: u64, size: usize) -> Result<Vec<u8>, Fault> {
        let mut bytes = vec![0; size];
        self.file.read_exact_at(&mut bytes, offset).map_err(|error| Fault::Fatal(ReadError::io(offset, error)))?;
        Ok(bytes)
    }

    /// An object's flags and size, where one of that type stands.
    fn object(&self, offset: u64, kind: u8, least: u64) -> Result<(u8, u64), Fault> {
        let fits = offset.checked_add(least).is_some_and(|end| end <= self.length);
        if !offset.is_multiple_of(8) || offset < self.header.size || !fits {
            return Err(damaged(offset, "no object of a journal can stand there"));
        }
        let begin = self.bytes(offset, OBJECT_BYTES as usize)?;
        let [found, flags]: [u8; 2] = part(&begin, 0);
        if found != kind {
            return Err(damaged(offset, "an object of a journal has another type"));
        }
        let size = u64::from_le_bytes(part(&begin, 8));
        if size < least {
            return Err(damaged(offset, "an object of a journal is too small"));
        }
        Ok((flags, size))
    }

    /// How many bytes of the file an object takes; less where it is no object.
    fn within(&self, offset: u64, size: u64) -> Result<u64, Fault> {
        match offset.checked_add(size).filter(|end| *end <= self.length) {
            Some(_) => Ok(size),
            None => Err(damaged(offset, "an object of a journal goes on behind its end")),
        }
    }

    /// How large the entry says it is, where one stands there.
    pub(super) fn entry_size(&self, offset: u64) -> Result<u64, Fault> {
        let (_, size) = self.object(offset, ENTRY, ENTRY_BYTES)?;
        self.within(offset, size)
    }

    /// An entry.
    pub(super) fn entry(&self, offset: u64) -> Result<Entry, Fault> {
        let size = self.entry_size(offset)?;
        let width = if self.header.is_compact { 4 } else { 16 };
        let items = size - ENTRY_BYTES;
        if items == 0 || !items.is_multiple_of(width) {
            return Err(damaged(offset, "an entry of a journal has no whole number of items"));
        }
        if items / width > limits::JOURNAL_ITEMS {
            return Err(Fault::TooLong);
        }
        let bytes = self.bytes(offset, size as usize)?;
        let number = |at| u64::from_le_bytes(part(&bytes, at));
        let stored = bytes.get(ENTRY_BYTES as usize..).unwrap_or_default();
        let item = |item: &[u8]| match width {
            4 => (u64::from(u32::from_le_bytes(part(item, 0))), None),
            _ => (u64::from_le_bytes(part(item, 0)), Some(u64::from_le_bytes(part(item, 8)))),
        };
        let entry = Entry {
            size,
            sequence: number(16),
            realtime: number(24),
            monotonic: number(32),
            boot: part(&bytes, 40),
            items: stored.chunks_exact(width as usize).map(item).collect(),
        };
        if entry.sequence == 0 {
            return Err(damaged(offset, "an entry of a journal has no number"));
        }
        if entry.realtime == 0 || entry.realtime >= LAST_MICROSECOND || entry.monotonic >= LAST_MICROSECOND {
            return Err(damaged(offset, "an entry of a journal has no time that one can have"));
        }
        Ok(entry)
    }

    /// An array of entries; it ends where the file does.
    pub(super) fn array(&self, offset: u64) -> Result<Array, Fault> {
        let (_, size) = self.object(offset, ENTRY_ARRAY, ARRAY_BYTES)?;
        let next = self.bytes(offset + OBJECT_BYTES, 8)?;
        let stated = offset.saturating_add(size);
        let end = stated.min(self.length);
        let next = u64::from_le_bytes(part(&next, 0));
        Ok(Array { begin: offset + ARRAY_BYTES, end, next, is_cut: stated > end })
    }

    /// The places that an array lists from `from`, as many as are read at once, and where the next ones stand.
    pub(super) fn places(&self, array: &Array, from: u64) -> Result<(Vec<u64>, u64), Fault> {
        let width = if self.header.is_compact { 4 } else { 8 };
        let size = array.end.saturating_sub(from).min(limits::WINDOW_BYTES as u64) / width * width;
        let bytes = self.bytes(from, size as usize)?;
        let place = |bytes: &[u8]| match width {
            4 => u64::from(u32::from_le_bytes(part(bytes, 0))),
            _ => u64::from_le_bytes(part(bytes, 0)),
        };
        Ok((bytes.chunks_exact(width as usize).map(place).collect(), from + size))
    }

    /// The payload of the data object at `offset`, which must have the hash that the entry says, and its own.
    pub(super) fn payload(&mut self, (offset, hash): (u64, Option<u64>)) -> Result<Rc<[u8]>, Fault> {
        if !self.known.contains_key(&offset) {
            let data = self.read_data(offset)?;
            if self.known_bytes > limits::JOURNAL_CACHE_BYTES {
                self.known.clear();
                self.known_bytes = 0;
            }
            // What the map itself takes is counted with it.
            self.known_bytes += data.payload.len() + 64;
            self.known.insert(offset, data);
        }
        match self.known.get(&offset) {
            Some(data) if hash.is_none_or(|hash| hash == data.hash) => Ok(Rc::clone(&data.payload)),
            _ => Err(damaged(offset, "an entry of a journal has another hash of its data")),
        }
    }

    fn read_data(&mut self, offset: u64) -> Result<Data, Fault> {
        // Compact mode has two more numbers there.
        let begin = if self.header.is_compact { 72 } else { 64 };
        let (flags, size) = self.object(offset, DATA, begin)?;
        let size = self.within(offset, size)?;
        if size - begin > limits::LINE_BYTES as u64 {
            return Err(Fault::TooLong);
        }
        let bytes = self.bytes(offset, size as usize)?;
        let hash = u64::from_le_bytes(part(&bytes, 16));
        let stored = bytes.get(begin as usize..).unwrap_or_default();
        let payload = unpack(flags, stored).map_err(|fault| match fault {
            Packed::Damaged => damaged(offset, "compressed data of a journal cannot be unpacked"),
            Packed::TooLong => Fault::TooLong,
            Packed::Unknown => damaged(offset, "data of a journal is compressed in no way that is known"),
        })?;
        self.spend(payload.len())?;
        let found = match self.header.hash_key {
            Some(key) => hash::siphash24(&payload, key),
            None => hash::lookup3(&payload),
        };
        if found != hash {
            return Err(damaged(offset, "data of a journal does not have its hash"));
        }
        Ok(Data { payload: payload.into(), hash })
    }
}

/// Why a payload cannot be unpacked.
enum Packed {
    Damaged,
    TooLong,
    Unknown,
}

/// Unpacks a payload as the object's flags say.
fn unpack(flags: u8, stored: &[u8]) -> Result<Vec<u8>, Packed> {
    match flags {
        0 => Ok(stored.to_vec()),
        1 => {
            let stream = liblzma::stream::Stream::new_stream_decoder(limits::XZ_MEMORY_BYTES, 0);
            let stream = stream.map_err(|_| Packed::Damaged)?;
            bounded(liblzma::bufread::XzDecoder::new_stream(stored, stream))
        }
        2 => {
            // The size, then one block.
            let (size, block) = stored.split_first_chunk::<8>().ok_or(Packed::Damaged)?;
            let size = u64::from_le_bytes(*size);
            if size > limits::LINE_BYTES as u64 {
                return Err(Packed::TooLong);
            }
            let payload = lz4_flex::block::decompress(block, size as usize).map_err(|_| Packed::Damaged)?;
            if payload.len() as u64 == size { Ok(payload) } else { Err(Packed::Damaged) }
        }
        4 => {
            let decoder = zstd::stream::read::Decoder::with_buffer(stored).map_err(|_| Packed::Damaged)?;
            let mut decoder = decoder.single_frame();
            decoder.window_log_max(limits::ZSTANDARD_WINDOW_LOG).map_err(|_| Packed::Damaged)?;
            bounded(decoder)
        }
        _ => Err(Packed::Unknown),
    }
}

fn bounded(stream: impl Read) -> Result<Vec<u8>, Packed> {
    let mut payload = Vec::new();
    let limit = limits::LINE_BYTES as u64;
    stream.take(limit + 1).read_to_end(&mut payload).map_err(|_| Packed::Damaged)?;
    if payload.len() as u64 > limit { Err(Packed::TooLong) } else { Ok(payload) }
}
