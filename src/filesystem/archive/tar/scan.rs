//! The headers of a tar, one after the other.
//!
//! Links, folders and devices have no content. Some writers state a size for them nevertheless, some of those wrote content
//! behind a hard link, and others did not: what follows decides, a header or not.
//!
//! **Invariant:** reading goes on only where the next header must be; where that is in doubt it stops, and says so.

use std::sync::Arc;

use super::content::{self, Sparse};
use super::extended::Extended;
use super::header::{self, BLOCK, BLOCK_BYTES, Header};
use super::{Member, Tar};
use crate::filesystem::archive::stamp::Stamp;
use crate::filesystem::archive::tree::{Growing, Tree, Twins};
use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;
use crate::scope::EntryKind;

/// Reads every header.
pub(super) fn scan(image: Arc<dyn Image>) -> (Tar, Tree, Option<ReadError>) {
    let tar = Tar { image: Arc::clone(&image), members: Vec::new(), sparse: Vec::new(), finer: Vec::new() };
    let mut scan = Scan {
        blocks: Blocks { image, start: 0, held: Vec::new() },
        position: 0,
        tar,
        tree: Growing::new(Twins::Last),
        extended: Extended::default(),
        long_path: None,
        long_link: None,
        runs: 0,
        lone: None,
    };
    let ended = loop {
        match scan.step() {
            Ok(true) => {}
            Ok(false) => break None,
            Err(error) => break Some(error),
        }
    };
    let Scan { mut tar, tree, lone, .. } = scan;
    tar.members.shrink_to_fit();
    tar.finer.shrink_to_fit();
    let (tree, over) = tree.grown();
    (tar, tree, ended.or(lone).or(over))
}

/// Blocks near one another are read at once.
struct Blocks {
    image: Arc<dyn Image>,
    start: u64,
    held: Vec<u8>,
}

impl Blocks {
    fn get(&mut self, at: u64) -> Result<&[u8], ReadError> {
        let within = |start: u64, held: &[u8]| {
            let from = usize::try_from(at.checked_sub(start)?).ok()?;
            let span = from..from.checked_add(BLOCK)?;
            held.get(span.clone()).map(|_| span)
        };
        if within(self.start, &self.held).is_none() {
            let left = self.image.size_bytes().saturating_sub(at);
            let length = usize::try_from(left).unwrap_or(usize::MAX).min(limits::TAR_WINDOW_BYTES);
            self.held.clear();
            self.held.resize(length, 0);
            self.start = at;
            self.image.read_at(at, &mut self.held)?;
        }
        let cut = ReadError::Corrupt { offset: at, what: "a tar archive that is cut short" };
        let span = within(self.start, &self.held).ok_or(cut)?;
        Ok(self.held.get(span).unwrap_or_default())
    }
}

struct Scan {
    blocks: Blocks,
    position: u64,
    tar: Tar,
    tree: Growing,
    extended: Extended,
    /// From GNU's headers for names that are too long.
    long_path: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
    /// Runs of sparse files that are held.
    runs: usize,
    /// A block of zeros that was not the end.
    lone: Option<ReadError>,
}

/// What a header says of its member.
struct Stated {
    flag: u8,
    path: Vec<u8>,
    link: Vec<u8>,
    stored: u64,
    stamps: [Stamp; 4],
}

impl Scan {
    /// Reads one header; false at the end.
    fn step(&mut self) -> Result<bool, ReadError> {
        let at = self.position;
        if at >= self.blocks.image.size_bytes() {
            return Err(ReadError::Corrupt { offset: at, what: "a tar archive without its end" });
        }
        let block = self.blocks.get(at)?.to_vec();
        if block.iter().all(|byte| *byte == 0) {
            return self.zeros();
        }
        let Some(header) = Header::read(&block) else {
            return Err(ReadError::Corrupt { offset: at, what: "a tar header with a wrong checksum" });
        };
        let stated = header.size_bytes();
        let stated = stated.ok_or(ReadError::Corrupt { offset: at, what: "the size of a member of a tar archive" })?;
        self.position = self.after(at, BLOCK_BYTES)?;
        match header.flag() {
            b'x' | b'X' | b'g' => {
                let bytes = self.extension(stated)?;
                self.extended.take(&bytes, header.flag() == b'g', at)?;
            }
            b'L' => self.long_path = Some(header::until_nul(&self.extension(stated)?).to_vec()),
            b'K' => self.long_link = Some(header::until_nul(&self.extension(stated)?).to_vec()),
            // The label of a volume, and Solaris's access list: no members.
            b'V' | b'A' => self.skip(stated)?,
            _ => self.member(&header, stated, at)?,
        }
        Ok(true)
    }

    /// A block of zeros: the end, if another one or nothing follows.
    fn zeros(&mut self) -> Result<bool, ReadError> {
        let lone =
            ReadError::Corrupt { offset: self.position, what: "a block of zeros before the end of a tar archive" };
        let next = self.after(self.position, BLOCK_BYTES)?;
        if self.blocks.image.size_bytes().saturating_sub(next) < BLOCK_BYTES {
            return Ok(false);
        }
        let block = self.blocks.get(next)?;
        if block.iter().all(|byte| *byte == 0) {
            return Ok(false);
        }
        if Header::read(block).is_none() {
            return Err(lone);
        }
        self.lone.get_or_insert(lone);
        self.position = next;
        Ok(true)
    }

    fn after(&self, at: u64, bytes: u64) -> Result<u64, ReadError> {
        let next = bytes.checked_next_multiple_of(BLOCK_BYTES).and_then(|bytes| at.checked_add(bytes));
        next.ok_or(ReadError::Corrupt { offset: at, what: "the size of a member of a tar archive" })
    }

    fn skip(&mut self, bytes: u64) -> Result<(), ReadError> {
        let next = self.after(self.position, bytes)?;
        if next > self.blocks.image.size_bytes() {
            return Err(ReadError::Corrupt { offset: self.position, what: "a tar archive that is cut short" });
        }
        self.position = next;
        Ok(())
    }

    /// What an extended header or a long name holds.
    fn extension(&mut self, bytes: u64) -> Result<Vec<u8>, ReadError> {
        let at = self.position;
        self.skip(bytes)?;
        let length = usize::try_from(bytes).ok().filter(|length| *length <= limits::TAR_EXTENSION_BYTES);
        let length = length.ok_or(ReadError::Limit { offset: at, what: "bytes of one extended header" })?;
        let mut held = vec![0; length];
        self.blocks.image.read_at(at, &mut held)?;
        Ok(held)
    }

    fn stated(&mut self, header: &Header<'_>, stated: u64, at: u64) -> Result<Stated, ReadError> {
        let extended = &self.extended;
        let said = |key: &str| extended.value(key).map(<[u8]>::to_vec);
        let path = said("GNU.sparse.name").or_else(|| said("path")).or(self.long_path.take());
        let link = said("linkpath").or(self.long_link.take());
        let [modified, accessed, changed] = header.stamps();
        Ok(Stated {
            flag: header.flag(),
            path: path.unwrap_or_else(|| header.path()),
            link: link.unwrap_or_else(|| header.link().to_vec()),
            stored: extended.number("size", at)?.unwrap_or(stated),
            stamps: [
                extended.stamp("mtime").unwrap_or(modified),
                extended.stamp("atime").unwrap_or(accessed),
                extended.stamp("ctime").unwrap_or(changed),
                extended.stamp("LIBARCHIVE.creationtime").unwrap_or(Stamp::NONE),
            ],
        })
    }

    fn member(&mut self, header: &Header<'_>, stated: u64, at: u64) -> Result<(), ReadError> {
        let stated = self.stated(header, stated, at)?;
        let modified = stated.stamps.first().copied().unwrap_or(Stamp::NONE);
        let mut member =
            Member { kind: EntryKind::File, modified, at: self.position, stored: 0, size_bytes: 0, sparse: None };
        let without_content = match stated.flag {
            b'1' => Some(EntryKind::File),
            b'2' => Some(EntryKind::Link),
            b'3' | b'4' | b'6' => Some(EntryKind::Special),
            b'5' => Some(EntryKind::Folder),
            // Old writers mark a folder by its name alone; some of them state a size.
            0 | b'0' if stated.path.ends_with(b"/") => Some(EntryKind::Folder),
            _ => None,
        };
        let mut cut = Ok(());
        match without_content {
            Some(kind) if stated.stored == 0 || !self.has_content(stated.stored) => {
                member.kind = kind;
                if stated.flag == b'1' {
                    self.link(&stated.link, &mut member);
                }
            }
            kind => {
                member.kind = match stated.flag {
                    b'D' => EntryKind::Folder,
                    0 | b'0' => EntryKind::File,
                    // A part of a file whose beginning is elsewhere, and a list of names in place of members.
                    b'M' | b'N' => EntryKind::Unreadable,
                    _ => kind.unwrap_or(EntryKind::File),
                };
                (member.stored, member.size_bytes) = (stated.stored, stated.stored);
                if member.kind == EntryKind::File {
                    self.sparse(header, &stated, &mut member, at)?;
                }
                cut = self.skip(stated.stored);
            }
        }
        self.add(&stated, member, at)?;
        cut
    }

    fn add(&mut self, stated: &Stated, member: Member, at: u64) -> Result<(), ReadError> {
        let number =
            u32::try_from(self.tar.members.len()).ok().filter(|_| self.tar.members.len() < limits::ARCHIVE_NODES);
        let number = number.ok_or(ReadError::Limit { offset: at, what: "members and folders of one archive" })?;
        self.tree.put(&stated.path, number, member.kind == EntryKind::Folder)?;
        let [_, finer @ ..] = stated.stamps;
        if finer != [Stamp::NONE; 3] {
            self.tar.finer.push((number, finer));
        }
        self.tar.members.push(member);
        self.extended.forget();
        Ok(())
    }

    /// Behind the header of a member that needs no content there are as many bytes as it states: no header follows at once,
    /// and one does (or the end) behind them.
    fn has_content(&mut self, bytes: u64) -> bool {
        let is_header = |block: &[u8]| Header::read(block).is_some() || block.iter().all(|byte| *byte == 0);
        if self.blocks.get(self.position).map_or(true, is_header) {
            return false;
        }
        let behind = self.after(self.position, bytes);
        behind.and_then(|behind| self.blocks.get(behind).map(is_header)).unwrap_or(false)
    }

    /// Another name of an earlier member's content.
    fn link(&mut self, target: &[u8], member: &mut Member) {
        let earlier = self.tree.member_at(target).and_then(|number| self.tar.member(number));
        match earlier {
            Some(earlier) => *member = Member { modified: member.modified, ..*earlier },
            None => member.kind = EntryKind::Unreadable,
        }
    }

    /// Where a member is stored sparse: its real size, and how its pieces are found.
    fn sparse(&mut self, header: &Header<'_>, stated: &Stated, member: &mut Member, at: u64) -> Result<(), ReadError> {
        let extended = &self.extended;
        let major = extended.number("GNU.sparse.major", at)?;
        let real = extended.number("GNU.sparse.realsize", at)?.or(extended.number("GNU.sparse.size", at)?);
        let sparse = if extended.value("SUN.holesdata").is_some() {
            Sparse::Refused("a sparse file in the format of Solaris")
        } else if let Some(real) = real {
            member.size_bytes = real;
            match major {
                Some(1) => Sparse::InData,
                None | Some(0) => {
                    let runs = self.extended.runs(at)?;
                    self.runs(&runs, member)?
                }
                Some(_) => Sparse::Refused("a sparse file in a newer format"),
            }
        } else if stated.flag == b'S' {
            self.old_sparse(header, member)?
        } else if major.is_some() || extended.has_runs() || extended.value("SCHILY.realsize").is_some() {
            Sparse::Refused("a sparse file in the format of star")
        } else {
            return Ok(());
        };
        member.sparse = u32::try_from(self.tar.sparse.len()).ok();
        self.tar.sparse.push(sparse);
        Ok(())
    }

    fn runs(&mut self, runs: &[(u64, u64)], member: &Member) -> Result<Sparse, ReadError> {
        self.runs = self.runs.saturating_add(runs.len());
        if self.runs > limits::ARCHIVE_RUNS {
            return Err(ReadError::Limit { offset: member.at, what: "pieces of the sparse files of one archive" });
        }
        let extents = content::extents(runs, member.at, member.stored, member.size_bytes);
        Ok(extents.map_or(Sparse::Damaged, Sparse::Runs))
    }

    /// GNU's old format: runs in the header and in blocks behind it.
    fn old_sparse(&mut self, header: &Header<'_>, member: &mut Member) -> Result<Sparse, ReadError> {
        let at = self.position;
        let malformed = || ReadError::Corrupt { offset: at, what: "the pieces of a sparse file" };
        let Some((real, mut part)) = header.old_sparse() else { return Err(malformed()) };
        let mut runs = std::mem::take(&mut part.runs);
        while part.has_more {
            part = header::more_sparse(self.blocks.get(self.position)?).ok_or_else(malformed)?;
            self.position = self.after(self.position, BLOCK_BYTES)?;
            runs.append(&mut part.runs);
            if runs.len() > limits::ARCHIVE_RUNS {
                return Err(ReadError::Limit { offset: at, what: "pieces of one file" });
            }
        }
        (member.at, member.size_bytes) = (self.position, real);
        self.runs(&runs, member)
    }
}
