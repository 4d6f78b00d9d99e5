//! Rock Ridge (IEEE P1282) in the system use area (IEEE P1281) of a directory record.
//!
//! **Invariant:** continuation areas are followed at most [`limits::ISO_CONTINUATIONS`] times; a field that is shorter than
//! its kind needs is damage.

use super::record::{both_u32, long_time, short_time};
use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;
use crate::scope::{EntryKind, FileTimes};

/// What Rock Ridge says of a record.
#[derive(Default)]
pub(super) struct Rock {
    /// It says anything at all.
    pub(super) is_there: bool,
    /// How many bytes of each system use area belong to others, by the root's record.
    pub(super) skip: Option<usize>,
    pub(super) name: Option<Vec<u8>>,
    pub(super) kind: Option<EntryKind>,
    pub(super) times: FileTimes,
    pub(super) has_times: bool,
    /// A folder that was moved here from its true place.
    pub(super) is_relocated: bool,
    /// The block at which the true folder stands.
    pub(super) child: Option<u32>,
    /// It is packed (zisofs): its unpacked size.
    pub(super) packed: Option<u32>,
    continued: Option<(u32, u32, u32)>,
}

fn corrupt(offset: u64) -> ReadError {
    ReadError::Corrupt { offset, what: "a field of Rock Ridge" }
}

impl Rock {
    /// Reads the area of a record that stands at `offset`.
    pub(super) fn read(image: &dyn Image, block_bytes: u64, area: &[u8], offset: u64) -> Result<Self, ReadError> {
        let mut rock = Self::default();
        rock.fields(area, offset)?;
        let mut followed = 0;
        while let Some((block, within, length)) = rock.continued.take() {
            followed += 1;
            if followed > limits::ISO_CONTINUATIONS {
                return Err(ReadError::Limit { offset, what: "continuation areas of one record" });
            }
            let (within, length) = (u64::from(within), u64::from(length));
            // An area lies within its block.
            if within + length > block_bytes.max(2048) {
                return Err(corrupt(offset));
            }
            let at = u64::from(block) * block_bytes + within;
            let mut area = vec![0; usize::try_from(length).unwrap_or(0)];
            image.read_at(at, &mut area)?;
            rock.fields(&area, at)?;
        }
        Ok(rock)
    }

    fn fields(&mut self, area: &[u8], offset: u64) -> Result<(), ReadError> {
        let mut rest = area;
        while let Some((&[first, second, length, _version], _)) = rest.split_first_chunk() {
            if first == 0 {
                break;
            }
            let field = rest.get(..usize::from(length)).filter(|field| field.len() >= 4).ok_or(corrupt(offset))?;
            if [first, second] == *b"ST" {
                break;
            }
            self.field([first, second], field).ok_or(corrupt(offset))??;
            rest = rest.get(field.len()..).unwrap_or_default();
        }
        Ok(())
    }

    /// None: it is too short for its kind.
    fn field(&mut self, kind: [u8; 2], field: &[u8]) -> Option<Result<(), ReadError>> {
        match &kind {
            b"SP" if field.get(4..6)? == [0xbe, 0xef] => self.skip = Some(usize::from(*field.get(6)?)),
            b"ER" => {
                let length = usize::from(*field.get(4)?);
                let id = field.get(8..8 + length)?;
                self.is_there |= [b"RRIP_1991A".as_slice(), b"IEEE_P1282", b"IEEE_1282"].contains(&id);
            }
            b"CE" => self.continued = Some((both_u32(field, 4)?, both_u32(field, 12)?, both_u32(field, 20)?)),
            b"NM" => {
                let flags = *field.get(4)?;
                let part = match flags & 6 {
                    0 => field.get(5..)?,
                    2 => b".",
                    _ => b"..",
                };
                let name = self.name.get_or_insert_default();
                name.extend_from_slice(part);
                if name.len() > limits::ISO_NAME_BYTES {
                    return Some(Err(ReadError::Limit { offset: 0, what: "the length of a name" }));
                }
            }
            b"PX" => {
                self.is_there = true;
                self.kind = Some(match both_u32(field, 4)? & 0o170_000 {
                    0o100_000 => EntryKind::File,
                    0o040_000 => EntryKind::Folder,
                    0o120_000 => EntryKind::Link,
                    _ => EntryKind::Special,
                });
            }
            b"SL" => self.kind = Some(EntryKind::Link),
            b"TF" => self.times_of(field)?,
            b"RE" => self.is_relocated = true,
            b"CL" => self.child = Some(both_u32(field, 4)?),
            b"ZF" => self.packed = Some(both_u32(field, 8)?),
            _ => {}
        }
        Some(Ok(()))
    }

    /// The times stand in the order of their flags (4.1.6).
    fn times_of(&mut self, field: &[u8]) -> Option<()> {
        let flags = *field.get(4)?;
        let (length, read): (usize, fn(&[u8]) -> _) = if flags & 0x80 != 0 { (17, long_time) } else { (7, short_time) };
        let mut rest = field.get(5..)?;
        self.has_times = true;
        for bit in 0..7 {
            if flags >> bit & 1 == 0 {
                continue;
            }
            let time = read(rest.get(..length)?);
            rest = rest.get(length..)?;
            match bit {
                0 => self.times.created = time,
                1 => self.times.modified = time,
                2 => self.times.accessed = time,
                3 => self.times.changed = time,
                _ => {}
            }
        }
        Some(())
    }
}
