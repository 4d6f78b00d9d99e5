//! A file without a name for bytes on their way: encrypted, with a key that is in memory and nowhere else.
//!
//! What is on its way is evidence. A file without a name goes away with the program; its blocks stay on the disk until something
//! else is written there, and a disk may be copied, sold, or pulled from a machine that lost its power. So they are never
//! written as they are. The cipher is AES-256 in counter mode (NIST SP 800-38A, 6.5), which
//! processors have built in: it costs a small part of what hashing the same bytes does. Each file has a key of its own, and each place
//! of it is written once. Nothing authenticates what is read back: whoever can change such a file can change the
//! program, and the package that is made of it is read back and held against digests that were taken before.
//!
//! **Invariant:** no byte of what is appended is in the file as it is, and the file has no name in any folder.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use aes::cipher::{KeyIvInit as _, StreamCipher as _, StreamCipherSeek as _};
use zeroize::Zeroizing;

use crate::limits;

type Cipher = ctr::Ctr128BE<aes::Aes256>;

/// Where the counter begins. A key is used for one file, so it need be nowhere else.
const BEGIN: [u8; 16] = [0; 16];

/// Such a file while it is written.
pub struct ScratchWriter {
    file: File,
    key: Zeroizing<[u8; 32]>,
    cipher: Cipher,
    /// What is not written yet, and not encrypted.
    waiting: Vec<u8>,
    length: u64,
}

/// Such a file as it is read, from any place.
pub struct Scratch {
    file: File,
    key: Zeroizing<[u8; 32]>,
    length: u64,
}

impl ScratchWriter {
    /// An empty one in `folder`.
    pub fn create_in(folder: &Path) -> io::Result<Self> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(key.as_mut_slice()).map_err(io::Error::other)?;
        let cipher = cipher(&key);
        let waiting = Vec::with_capacity(limits::CHUNK_BYTES);
        Ok(Self { file: tempfile::tempfile_in(folder)?, key, cipher, waiting, length: 0 })
    }

    /// Adds bytes at the end.
    pub fn append(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.length = self.length.saturating_add(bytes.len() as u64);
        while !bytes.is_empty() {
            let room = limits::CHUNK_BYTES.saturating_sub(self.waiting.len());
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.waiting.extend_from_slice(now);
            bytes = later;
            if self.waiting.len() == limits::CHUNK_BYTES {
                self.write()?;
            }
        }
        Ok(())
    }

    /// Writes what is waiting. Where that fails nothing is appended any more: the caller gives up.
    fn write(&mut self) -> io::Result<()> {
        self.cipher.try_apply_keystream(&mut self.waiting).map_err(io::Error::other)?;
        self.file.write_all(&self.waiting)?;
        self.waiting.clear();
        Ok(())
    }

    /// All of it is written: it can be read.
    pub fn finish(mut self) -> io::Result<Scratch> {
        self.write()?;
        Ok(Scratch { file: self.file, key: self.key, length: self.length })
    }
}

impl Scratch {
    /// How many bytes it holds.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Fills `buffer` from the byte at `offset` on; an error where there is less.
    pub fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)?;
        let mut cipher = cipher(&self.key);
        cipher.try_seek(offset).map_err(io::Error::other)?;
        cipher.try_apply_keystream(buffer).map_err(io::Error::other)
    }
}

fn cipher(key: &[u8; 32]) -> Cipher {
    Cipher::new(key.into(), &BEGIN.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(folder: &Path, bytes: &[u8], step: usize) -> Scratch {
        let mut writer = ScratchWriter::create_in(folder).unwrap();
        bytes.chunks(step).for_each(|chunk| writer.append(chunk).unwrap());
        writer.finish().unwrap()
    }

    #[test]
    fn what_is_appended_is_read_back_from_any_place() {
        let folder = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..1_000_003).map(|at| (at % 251) as u8).collect();
        for step in [1_000, limits::CHUNK_BYTES, 999_999] {
            let scratch = scratch(folder.path(), &bytes, step);
            assert_eq!(scratch.length(), bytes.len() as u64);
            for (at, length) in [(0, bytes.len()), (1, 1), (63, 2), (131_071, 131_073), (1_000_002, 1)] {
                let mut out = vec![0; length];
                scratch.read_exact_at(&mut out, at as u64).unwrap();
                assert!(out == bytes[at..at + length], "{length} at {at}");
            }
            assert!(scratch.read_exact_at(&mut [0; 2], 1_000_002).is_err());
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it must have no name");
        }
    }

    #[test]
    fn the_file_holds_nothing_of_what_is_appended_and_no_two_files_are_alike() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = b"canary-7f3a ".repeat(50_000);
        let raw = |scratch: &Scratch| {
            let mut raw = vec![0; bytes.len()];
            scratch.file.read_exact_at(&mut raw, 0).unwrap();
            assert_eq!(scratch.file.metadata().unwrap().len(), bytes.len() as u64);
            raw
        };
        let (first, second) = (scratch(folder.path(), &bytes, 777), scratch(folder.path(), &bytes, 777));
        let (first, second) = (raw(&first), raw(&second));
        for raw in [&first, &second] {
            assert!(memchr::memmem::find(raw, b"canary").is_none());
            // Random bytes: none is much more frequent than another, of whatever the content is.
            let mut counts = [0usize; 256];
            raw.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
            let expected = raw.len() / 256;
            assert!(counts.iter().all(|count| count.abs_diff(expected) < expected / 4), "{counts:?}");
        }
        assert!(first != second);
    }
}
