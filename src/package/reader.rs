//! Reads the tar of a package as a stream, and notes everything that our own writer would not have written.
//!
//! It is as strict as can be (each header must be [`layout::header`] of its name and size, to the byte) and goes on as long
//! as it can: what is wrong becomes a [`StructureNote`], so that all findings come at once. It holds one block and one
//! name in memory, whatever the tar says, and writes nothing.
//!
//! ```no_run
//! # use std::io::Read as _;
//! # fn main() -> std::io::Result<()> {
//! let mut tar = extract::package::reader::TarReader::new(std::fs::File::open("2024-17.tar")?);
//! while let Some(member) = tar.next_member()? {
//!     println!("{} bytes", member.size_bytes);
//!     std::io::copy(&mut tar, &mut std::io::sink())?;
//! }
//! assert!(tar.notes().is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! **Invariant:** with no note after the last member, the bytes read are exactly those that the layout gives for the
//! names and sizes that were handed out, and nothing follows them.

use std::io::{self, Read};

use super::head::{Head, size_of_pax};
use super::layout::{self, BLOCK_BYTES};
use crate::limits;

/// Something about the tar that our writer would not have written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StructureNote {
    /// Where, in bytes from the start of the tar.
    pub at: u64,
    /// Within which member, by its name as the tar has it.
    pub member: Option<Vec<u8>>,
    /// What.
    pub fault: Fault,
}

/// What is wrong with a tar.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Fault {
    /// A header's bytes are not those that its name and size give.
    #[error("a header is not the constant one: it carries a date, an owner, a mode or other bytes of its own")]
    Header,
    /// A header's checksum does not hold.
    #[error("a header's checksum is wrong")]
    Checksum,
    /// A header is no tar header, or its size cannot be read: nothing after it can be found.
    #[error("what stands here is no tar header; nothing after it can be read")]
    NotAHeader,
    /// A member is not a regular file.
    #[error("a member is not a regular file but of type '{}'", char::from(*.0).escape_default())]
    NotAFile(u8),
    /// A pax record is not the one that states a size over 8 GiB.
    #[error("an extended header stands where none is needed, or says more than a size")]
    Pax,
    /// The zeros after a member are not zeros.
    #[error("the padding after a member is not zero")]
    Padding,
    /// The tar ends within a member.
    #[error("the file ends within a member")]
    Truncated,
    /// The two zero blocks at the end are missing.
    #[error("the two zero blocks that end a tar are missing or incomplete")]
    NoEnd,
    /// Bytes follow the end.
    #[error("something follows the end of the tar")]
    Trailing,
}

/// A member that was met.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TarMember {
    /// Its name as the tar has it, top folder included.
    pub name: Vec<u8>,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Where its first header begins, in bytes from the start of the tar.
    pub header_at: u64,
    /// Where its content begins, in bytes from the start of the tar.
    pub content_at: u64,
    /// It is a regular file.
    pub is_file: bool,
}

/// Reads a tar member by member; as a `Read` it gives the content of the member last met.
pub struct TarReader<R> {
    inner: R,
    at: u64,
    left: u64,
    padding: usize,
    name: Option<Vec<u8>>,
    notes: Vec<StructureNote>,
    more_notes: u64,
    done: bool,
}

impl<R: Read> TarReader<R> {
    /// A reader at the start of a tar.
    pub fn new(inner: R) -> Self {
        Self { inner, at: 0, left: 0, padding: 0, name: None, notes: Vec::new(), more_notes: 0, done: false }
    }

    /// The next member, after skipping what is left of the one before; None at the end, or where nothing more can be
    /// found. An error is one of reading, never of what was read.
    pub fn next_member(&mut self) -> io::Result<Option<TarMember>> {
        self.finish_member()?;
        if self.done {
            return Ok(None);
        }
        self.name = None;
        let header_at = self.at;
        let Some(first) = self.header_block()? else { return Ok(None) };
        if first == [0; BLOCK_BYTES] {
            self.finish_tar()?;
            return Ok(None);
        }
        let Some(head) = self.head(&first, header_at) else { return Ok(None) };
        if head.kind == b'x' {
            return self.member_with_pax(header_at, first, head);
        }
        let found = self.member(header_at, head);
        if layout::header(&found.name, found.size_bytes) != first {
            self.note(header_at, Fault::Header);
        }
        Ok(Some(found))
    }

    /// Where the reader stands, in bytes from the start of the tar.
    pub fn position(&self) -> u64 {
        self.at
    }

    /// What was noted so far, in the order of the tar; at most [`limits::FINDINGS`].
    pub fn notes(&self) -> &[StructureNote] {
        &self.notes
    }

    /// How many notes there were beyond those.
    pub fn more_notes(&self) -> u64 {
        self.more_notes
    }

    /// A size over what a ustar header holds: a pax header, its record, and the header proper.
    fn member_with_pax(
        &mut self,
        header_at: u64,
        first: [u8; BLOCK_BYTES],
        pax: Head,
    ) -> io::Result<Option<TarMember>> {
        // Ours has one record of at most 32 bytes; a longer one of a foreign tar is skipped and what it says not heeded.
        let Some(record) = self.header_block()? else { return Ok(None) };
        let stated = usize::try_from(pax.size_bytes).ok().and_then(|length| record.get(..length));
        let size_bytes = stated.and_then(size_of_pax);
        if stated.is_none() {
            let beyond = pax.size_bytes.saturating_sub(BLOCK_BYTES as u64);
            self.skip(beyond.saturating_add(layout::padding_bytes(pax.size_bytes) as u64))?;
        }
        let proper_at = self.at;
        let Some(proper) = self.header_block()? else { return Ok(None) };
        let Some(mut head) = self.head(&proper, proper_at) else { return Ok(None) };
        head.size_bytes = size_bytes.unwrap_or(head.size_bytes);
        let found = self.member(header_at, head);
        let ours = layout::header(&found.name, found.size_bytes);
        if ours != [first, record, proper].concat() {
            self.note(header_at, Fault::Pax);
        }
        Ok(Some(found))
    }

    /// Makes the member that a header describes the current one.
    fn member(&mut self, header_at: u64, head: Head) -> TarMember {
        self.name = Some(head.name.clone());
        let is_file = head.kind == b'0';
        if !is_file {
            self.note(header_at, Fault::NotAFile(head.kind));
        }
        self.left = head.size_bytes;
        self.padding = layout::padding_bytes(head.size_bytes);
        TarMember { name: head.name, size_bytes: head.size_bytes, header_at, content_at: self.at, is_file }
    }

    /// What a header block says; a note and None where that cannot be read.
    fn head(&mut self, block: &[u8; BLOCK_BYTES], at: u64) -> Option<Head> {
        let Some(head) = Head::read(block) else {
            self.note(at, Fault::NotAHeader);
            self.done = true;
            return None;
        };
        if !head.checksum_holds {
            self.note(at, Fault::Checksum);
        }
        Some(head)
    }

    /// The next block where a header must stand; None, with a note, where the file ends instead.
    fn header_block(&mut self) -> io::Result<Option<[u8; BLOCK_BYTES]>> {
        let at = self.at;
        let (block, length) = self.block()?;
        if length == BLOCK_BYTES {
            return Ok(Some(block));
        }
        self.note(at, if length == 0 { Fault::NoEnd } else { Fault::Truncated });
        self.done = true;
        Ok(None)
    }

    /// Skips what is left of the current member and its padding.
    fn finish_member(&mut self) -> io::Result<()> {
        let left = std::mem::take(&mut self.left);
        self.skip(left)?;
        let at = self.at;
        let padding = std::mem::take(&mut self.padding);
        if self.done || padding == 0 {
            return Ok(());
        }
        let mut zeros = [0u8; BLOCK_BYTES];
        let slot = zeros.get_mut(..padding).unwrap_or_default();
        let got = fill(&mut self.inner, slot)?;
        let dirty = slot.iter().any(|&byte| byte != 0);
        self.at = self.at.saturating_add(got as u64);
        if dirty {
            self.note(at, Fault::Padding);
        }
        if got < padding {
            self.note(at, Fault::Truncated);
            self.done = true;
        }
        Ok(())
    }

    /// The first zero block was read: one more must follow, and then nothing.
    fn finish_tar(&mut self) -> io::Result<()> {
        self.done = true;
        let at = self.at;
        let (block, length) = self.block()?;
        if length < BLOCK_BYTES || block != [0; BLOCK_BYTES] {
            self.note(at, Fault::NoEnd);
            if length == BLOCK_BYTES {
                self.note(at, Fault::Trailing);
            }
            return Ok(());
        }
        let at = self.at;
        // One byte is enough to say that something follows; how much is nobody's concern.
        if fill(&mut self.inner, &mut [0u8; 1])? > 0 {
            self.note(at, Fault::Trailing);
        }
        Ok(())
    }

    /// Reads one block; how much of it there was.
    fn block(&mut self) -> io::Result<([u8; BLOCK_BYTES], usize)> {
        let mut block = [0u8; BLOCK_BYTES];
        let got = fill(&mut self.inner, &mut block)?;
        self.at = self.at.saturating_add(got as u64);
        Ok((block, got))
    }

    /// Passes over bytes of a member.
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        if self.done || bytes == 0 {
            return Ok(());
        }
        let at = self.at;
        let skipped = io::copy(&mut (&mut self.inner).take(bytes), &mut io::sink())?;
        self.at = self.at.saturating_add(skipped);
        if skipped < bytes {
            self.note(at, Fault::Truncated);
            self.done = true;
        }
        Ok(())
    }

    fn note(&mut self, at: u64, fault: Fault) {
        if self.notes.len() < limits::FINDINGS {
            self.notes.push(StructureNote { at, member: self.name.clone(), fault });
        } else {
            self.more_notes = self.more_notes.saturating_add(1);
        }
    }
}

impl<R: Read> Read for TarReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let Some(slot) = buffer.get_mut(..wanted).filter(|slot| !slot.is_empty()) else { return Ok(0) };
        let got = self.inner.read(slot)?;
        self.at = self.at.saturating_add(got as u64);
        self.left = self.left.saturating_sub(got as u64);
        if got == 0 {
            // The file is at its end and the member is not.
            self.left = 0;
            self.padding = 0;
            if !self.done {
                self.note(self.at, Fault::Truncated);
                self.done = true;
            }
        }
        Ok(got)
    }
}

/// Fills the buffer as far as there is something; how far.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while let Some(rest) = buffer.get_mut(got..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(more) => got = got.saturating_add(more),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, content) in members {
            out.extend(layout::header(name.as_bytes(), content.len() as u64));
            out.extend_from_slice(content);
            out.resize(out.len() + layout::padding_bytes(content.len() as u64), 0);
        }
        out.extend_from_slice(&layout::END);
        out
    }

    type Found = (Vec<(String, Vec<u8>)>, Vec<(u64, Fault)>);

    fn read(bytes: &[u8]) -> Found {
        let mut reader = TarReader::new(bytes);
        let mut members = Vec::new();
        while let Some(member) = reader.next_member().unwrap() {
            let mut content = Vec::new();
            reader.read_to_end(&mut content).unwrap();
            members.push((String::from_utf8_lossy(&member.name).into_owned(), content));
        }
        (members, reader.notes().iter().map(|note| (note.at, note.fault)).collect())
    }

    #[test]
    fn what_we_write_reads_back_without_a_note() {
        let big = vec![7u8; 1024];
        let bytes = tar(&[("a/x", b"hello"), ("a/empty", b""), ("a/big", &big)]);
        let (members, notes) = read(&bytes);
        assert_eq!(notes, []);
        assert_eq!(members, [("a/x".into(), b"hello".to_vec()), ("a/empty".into(), vec![]), ("a/big".into(), big)]);
    }

    #[test]
    fn members_need_not_be_read_to_be_checked() {
        let mut bytes = tar(&[("a/x", b"hello"), ("a/y", b"there")]);
        bytes[512 + 5] = 1;
        let mut reader = TarReader::new(&bytes[..]);
        let mut count = 0;
        while reader.next_member().unwrap().is_some() {
            count += 1;
        }
        assert_eq!(count, 2);
        assert_eq!(reader.notes().len(), 1);
        assert_eq!(reader.notes()[0].fault, Fault::Padding);
        assert_eq!(reader.notes()[0].member.as_deref(), Some(&b"a/x"[..]));
    }

    /// What is done to a good tar: a byte set, the same with the header's checksum made right, the length changed.
    enum Change {
        Byte(usize, u8),
        Sealed(usize, u8),
        Length(isize),
    }

    fn change(bytes: &mut Vec<u8>, change: &Change) {
        match *change {
            Change::Byte(at, value) => bytes[at] = value,
            Change::Sealed(at, value) => {
                bytes[at] = value;
                bytes[148..156].fill(b' ');
                let sum: u32 = bytes[..512].iter().map(|&byte| u32::from(byte)).sum();
                bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            }
            Change::Length(by) => bytes.resize(bytes.len().saturating_add_signed(by), 0),
        }
    }

    #[test]
    fn every_deviation_is_noted_and_reading_goes_on_where_it_can() {
        use Change::{Byte, Length, Sealed};
        let cases: [(&str, Change, &[Fault]); 17] = [
            ("a byte of the mode", Sealed(104, b'7'), &[Fault::Header]),
            ("a date", Sealed(146, b'1'), &[Fault::Header]),
            ("an owner's name", Sealed(265, b'r'), &[Fault::Header]),
            ("a byte behind the name", Sealed(50, b'r'), &[Fault::Header]),
            ("the last byte of the header", Sealed(511, 1), &[Fault::Header]),
            ("a prefix", Sealed(345, b'p'), &[Fault::Header]),
            ("a byte without the checksum", Byte(265, b'r'), &[Fault::Checksum, Fault::Header]),
            ("a folder", Sealed(156, b'5'), &[Fault::NotAFile(b'5'), Fault::Header]),
            ("a link", Sealed(156, b'2'), &[Fault::NotAFile(b'2'), Fault::Header]),
            ("the old kind of file", Sealed(156, 0), &[Fault::Header]),
            ("GNU's magic", Sealed(262, b' '), &[Fault::Header]),
            ("padding", Byte(1023, 9), &[Fault::Padding]),
            ("no magic", Byte(257, b'U'), &[Fault::NotAHeader]),
            ("a size that is no number", Sealed(124, 0x80), &[Fault::NotAHeader]),
            ("something behind the end", Length(1), &[Fault::Trailing]),
            ("no end", Length(-1024), &[Fault::NoEnd]),
            ("half an end", Length(-512), &[Fault::NoEnd]),
        ];
        for (what, done, expected) in cases {
            let mut bytes = tar(&[("a/x", b"hello"), ("a/y", b"there")]);
            change(&mut bytes, &done);
            let (members, notes) = read(&bytes);
            let faults: Vec<Fault> = notes.iter().map(|&(_, fault)| fault).collect();
            assert_eq!(faults, expected, "{what}");
            if !expected.contains(&Fault::NotAHeader) {
                assert_eq!(members.len(), 2, "{what}");
                assert_eq!(members[1].1, b"there", "{what}");
            }
        }
    }

    #[test]
    fn a_tar_cut_anywhere_is_noted() {
        let bytes = tar(&[("a/x", b"hello"), ("a/y", &[1u8; 600])]);
        for length in 0..bytes.len() {
            let (_, notes) = read(&bytes[..length]);
            assert_eq!(notes.len(), 1, "{length}");
            assert!(matches!(notes[0].1, Fault::Truncated | Fault::NoEnd), "{length}");
        }
    }

    #[test]
    fn sizes_over_eight_gibibytes_come_from_the_pax_record() {
        let size = layout::USTAR_SIZE_BYTES + 5;
        let mut head = layout::header(b"a/big", size);
        let mut reader = TarReader::new(&head[..]);
        let member = reader.next_member().unwrap().unwrap();
        assert_eq!((member.size_bytes, member.content_at, member.header_at), (size, 1536, 0));
        assert_eq!(reader.notes(), []);
        // The same with a second record.
        head[512 + 40] = b'x';
        let mut reader = TarReader::new(&head[..]);
        assert_eq!(reader.next_member().unwrap().unwrap().size_bytes, size);
        assert_eq!(reader.notes()[0].fault, Fault::Pax);
        // And a pax header where none is needed.
        let small = [layout::header(b"a/big", size)[..1024].to_vec(), tar(&[("a/x", b"hello")])].concat();
        let mut reader = TarReader::new(&small[..]);
        reader.next_member().unwrap();
        assert_eq!(reader.notes()[0].fault, Fault::Pax);
    }

    #[test]
    fn noise_neither_panics_nor_goes_on_for_ever() {
        let mut seed = 1u64;
        for _ in 0..2000 {
            let mut bytes = tar(&[("a/x", b"hello"), ("a/y", &[1u8; 600])]);
            for _ in 0..4 {
                seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let place = (seed >> 33) as usize % bytes.len();
                bytes[place] = (seed >> 20) as u8;
            }
            read(&bytes);
        }
    }
}
