//! E01 images (EWF, version 1) of EnCase, FTK Imager, Guymager and ewfacquire, whole or in segments.
//!
//! Every checksum of the format is verified: of sections and tables when the image is opened, of a chunk whenever it is
//! read. The image's own MD5 and SHA-1, where it stores them, are verified over the whole disk before anything is read of
//! it. An image that stores none rests on the checksums of its chunks alone. What the acquiring tool could not read of the
//! disk is zeros in the image; it is an error here. The format is libewf's "Expert Witness Compression Format".
//!
//! **Invariant:** a byte comes out of a chunk whose checksum is right, of an image whose stored hashes are right.

mod section;

use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use flate2::{Decompress, FlushDecompress, Status};
use md5::Digest as _;

use super::segment;
use super::{Image, ImageFormat, OpenedImage, Stored, StoredFile};
use crate::limits;
use crate::read_error::ReadError;
use section::{Table, Volume};

/// The row of the table.
pub const FORMAT: ImageFormat = ImageFormat { name: "ewf", probe, open };

fn probe(stored: &Stored) -> Result<bool, ReadError> {
    Ok(stored.file.read_up_to(0, 8)? == section::MARK)
}

fn open(stored: &Stored) -> Result<OpenedImage, ReadError> {
    stored.stands_alone()?;
    let files = segment::ewf(stored)?;
    let image = Ewf::open(files.clone())?;
    image.verify()?;
    Ok(OpenedImage { format: FORMAT.name, bytes: Arc::new(image), files })
}

/// The Adler-32 of the format's checksums.
fn adler(bytes: &[u8]) -> u32 {
    adler2::adler32_slice(bytes)
}

struct Ewf {
    files: Vec<Arc<StoredFile>>,
    volume: Volume,
    tables: Vec<Table>,
    /// First sector and number of those that were not read from the disk.
    lost: Vec<(u64, u64)>,
    md5: Option<[u8; 16]>,
    sha1: Option<[u8; 20]>,
}

impl Ewf {
    fn open(files: Vec<Arc<StoredFile>>) -> Result<Self, ReadError> {
        let mut found = section::Found::default();
        for (number, file) in files.iter().enumerate() {
            section::read(file, number, number + 1 == files.len(), &mut found)?;
        }
        let volume = found.volume.ok_or(ReadError::Corrupt { offset: 0, what: "the E01 image has no volume" })?;
        let chunks = found.tables.iter().map(|table| table.chunks()).fold(0, u64::saturating_add);
        if volume.size_bytes == 0 || volume.size_bytes.div_ceil(volume.chunk_bytes) != chunks {
            return Err(ReadError::Corrupt { offset: 0, what: "the E01 image holds another size than it says" });
        }
        Ok(Self { files, volume, tables: found.tables, lost: found.lost, md5: found.md5, sha1: found.sha1 })
    }

    /// The image's own hashes, over all of it.
    fn verify(&self) -> Result<(), ReadError> {
        if self.md5.is_none() && self.sha1.is_none() {
            return Ok(());
        }
        std::thread::scope(|scope| {
            // One thread unpacks, the other hashes.
            let (send, receive) = sync_channel::<Vec<u8>>(limits::EWF_VERIFY_CHUNKS);
            let unpacking = scope.spawn(move || -> Result<(), ReadError> {
                for chunk in 0..self.volume.size_bytes.div_ceil(self.volume.chunk_bytes) {
                    let mut bytes = Vec::new();
                    self.chunk(chunk, &mut bytes)?;
                    if send.send(bytes).is_err() {
                        break;
                    }
                }
                Ok(())
            });
            let (mut md5, mut sha1) = (md5::Md5::new(), sha1::Sha1::new());
            for bytes in receive {
                if self.md5.is_some() {
                    md5.update(&bytes);
                }
                if self.sha1.is_some() {
                    sha1.update(&bytes);
                }
            }
            let ended = || ReadError::io(0, std::io::Error::other("the hash was not finished"));
            unpacking.join().map_err(|_| ended())??;
            let is_md5 = self.md5.is_none_or(|stored| stored == <[u8; 16]>::from(md5.finalize()));
            let is_sha1 = self.sha1.is_none_or(|stored| stored == <[u8; 20]>::from(sha1.finalize()));
            if is_md5 && is_sha1 {
                return Ok(());
            }
            Err(ReadError::Corrupt { offset: 0, what: "the E01 image's content has not the hash that it stores" })
        })
    }

    /// One chunk's bytes, as many as the disk has there.
    fn chunk(&self, number: u64, bytes: &mut Vec<u8>) -> Result<(), ReadError> {
        let begin = number.saturating_mul(self.volume.chunk_bytes);
        let corrupt = || ReadError::Corrupt { offset: begin, what: "a chunk of the E01 image" };
        let table = self.tables.partition_point(|table| table.first + table.chunks() <= number);
        let place = self.tables.get(table).and_then(|table| table.place(number)).ok_or_else(corrupt)?;
        let file = self.files.get(place.segment).ok_or_else(corrupt)?;
        let most = self.volume.chunk_bytes.saturating_mul(2).saturating_add(limits::SECTOR_BYTES);
        if place.length > most {
            return Err(corrupt());
        }
        let mut stored = vec![0; usize::try_from(place.length).map_err(|_| corrupt())?];
        file.read_at(place.offset, &mut stored)?;
        let whole = usize::try_from(self.volume.chunk_bytes).map_err(|_| corrupt())?;
        if place.is_compressed {
            // One byte more, so that a chunk that is too long is seen.
            bytes.resize(whole + 1, 0);
            let mut unpacker = Decompress::new(true);
            // The end of the stream is reached only if its own checksum is right.
            let status = unpacker.decompress(&stored, bytes, FlushDecompress::Finish).map_err(|_| corrupt())?;
            if status != Status::StreamEnd {
                return Err(corrupt());
            }
            bytes.truncate(usize::try_from(unpacker.total_out()).map_err(|_| corrupt())?);
        } else {
            let (data, sum) = stored.split_last_chunk::<4>().ok_or_else(corrupt)?;
            if adler(data) != u32::from_le_bytes(*sum) {
                return Err(corrupt());
            }
            stored.truncate(data.len());
            *bytes = stored;
        }
        let there = usize::try_from(self.volume.size_bytes.saturating_sub(begin)).unwrap_or(usize::MAX).min(whole);
        if bytes.len() != there && bytes.len() != whole {
            return Err(corrupt());
        }
        bytes.truncate(there);
        Ok(())
    }

    /// The range was read from the disk.
    fn check_lost(&self, offset: u64, length: u64) -> Result<(), ReadError> {
        let sector = self.volume.sector_bytes;
        for (first, count) in &self.lost {
            let (begin, end) = (first.saturating_mul(sector), first.saturating_add(*count).saturating_mul(sector));
            if begin < offset.saturating_add(length) && end > offset {
                let what = "the disk could not be read here when the image was made";
                return Err(ReadError::Corrupt { offset: begin, what });
            }
        }
        Ok(())
    }
}

impl Image for Ewf {
    fn size_bytes(&self) -> u64 {
        self.volume.size_bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let length = u64::try_from(buffer.len()).unwrap_or(u64::MAX);
        if offset.checked_add(length).is_none_or(|end| end > self.volume.size_bytes) {
            return Err(ReadError::Corrupt { offset, what: "the image ends before this" });
        }
        self.check_lost(offset, length)?;
        let (mut at, mut rest) = (offset, buffer);
        let mut bytes = Vec::new();
        while !rest.is_empty() {
            self.chunk(at / self.volume.chunk_bytes, &mut bytes)?;
            let within = usize::try_from(at % self.volume.chunk_bytes).unwrap_or(usize::MAX);
            let there = bytes.get(within..).unwrap_or_default();
            let (part, behind) = rest.split_at_mut(there.len().min(rest.len()));
            if part.is_empty() {
                return Err(ReadError::Corrupt { offset: at, what: "a chunk of the E01 image" });
            }
            part.iter_mut().zip(there).for_each(|(to, from)| *to = *from);
            at = at.saturating_add(u64::try_from(part.len()).unwrap_or(0));
            rest = behind;
        }
        Ok(())
    }
}
