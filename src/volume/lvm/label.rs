//! The label of a physical volume and its metadata areas (LVM2 `label.c`, `format_text/layout.h`).
//!
//! **Invariant:** a label, an area's header and a text count only with their checksums right; what is left over of earlier
//! texts in the area is not looked at.

use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;
use crate::volume::field::{self, stands, u32_le, u64_le};

const LABEL: &[u8] = b"LABELONE";
const KIND: &[u8] = b"LVM2 001";
const AREA: &[u8] = b" LVM2 x[5A%r0N*>";
const SECTOR: u64 = 512;
/// A text in this state is kept, and LVM does not use it.
const IGNORED: u32 = 1;
/// What LVM's CRC-32 begins with; it ends without the usual inversion.
const SEED: u32 = 0xf597_a6cf;

/// A physical volume, as it describes itself.
pub struct Label {
    /// Its identifier: 32 signs.
    pub id: [u8; 32],
    /// The texts that its metadata areas hold.
    pub texts: Vec<Text>,
    /// It has an area in use that holds no text: it belongs to no group.
    pub has_area: bool,
    /// What was wrong with an area.
    pub damage: Option<ReadError>,
}

/// A text whose checksum is right.
#[derive(Clone)]
pub struct Text {
    /// Where it stands on its physical volume, in bytes.
    pub offset: u64,
    /// It.
    pub text: String,
}

/// LVM's checksum.
pub fn checksum(bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(!SEED);
    hasher.update(bytes);
    !hasher.finalize()
}

/// Finds the label, in one of the first four sectors. An error: there is one and it is damaged.
pub fn read(image: &dyn Image) -> Result<Option<Label>, ReadError> {
    let mut damage = None;
    for number in 0..4 {
        let offset = number * SECTOR;
        let Some(sector) = field::read(image, offset, 512)? else { break };
        if !stands(&sector, 0, LABEL) || !stands(&sector, 24, KIND) {
            continue;
        }
        let damaged = |what| ReadError::Corrupt { offset, what };
        let is_sound = u64_le(&sector, 8) == Some(number)
            && sector.get(20..).map(checksum).is_some_and(|sum| u32_le(&sector, 16) == Some(sum));
        if !is_sound {
            damage = damage.or(Some(damaged("the checksum of an LVM label")));
            continue;
        }
        let label = label(image, &sector).ok_or_else(|| damaged("the header of an LVM physical volume"))?;
        return label.map(Some);
    }
    damage.map_or(Ok(None), Err)
}

fn label(image: &dyn Image, sector: &[u8]) -> Option<Result<Label, ReadError>> {
    let start = usize::try_from(u32_le(sector, 20)?).ok()?;
    let header = sector.get(start..)?;
    let id = header.get(..32)?.try_into().ok()?;
    // From here two lists of offset and length, each with zeros at its end: data, then metadata.
    let mut at = 40_usize;
    let mut list = || {
        let mut places = Vec::new();
        loop {
            let place = (u64_le(header, at)?, u64_le(header, at.checked_add(8)?)?);
            at = at.checked_add(16)?;
            if place.0 == 0 {
                return Some(places);
            }
            places.push(place);
        }
    };
    let (_data, areas) = (list()?, list()?);
    let mut label = Label { id, texts: Vec::new(), has_area: false, damage: None };
    for (offset, size) in areas {
        match area(image, offset, size) {
            Ok(Area::Empty) => label.has_area = true,
            Ok(Area::Ignored) => {}
            Ok(Area::Text(text)) => label.texts.push(text),
            Err(error @ ReadError::Io { .. }) => return Some(Err(error)),
            Err(error) => label.damage = Some(error),
        }
    }
    Some(Ok(label))
}

enum Area {
    Empty,
    /// LVM keeps the group's text elsewhere.
    Ignored,
    Text(Text),
}

fn area(image: &dyn Image, start: u64, size: u64) -> Result<Area, ReadError> {
    let damaged = |what| ReadError::Corrupt { offset: start, what };
    let header = field::read(image, start, 512)?.ok_or_else(|| damaged("an LVM metadata area behind the end"))?;
    let is_sound = stands(&header, 4, AREA)
        && header.get(4..).map(checksum).is_some_and(|sum| u32_le(&header, 0) == Some(sum))
        && u32_le(&header, 20) == Some(1)
        && u64_le(&header, 24) == Some(start);
    if !is_sound {
        return Err(damaged("the header of an LVM metadata area"));
    }
    let place = || {
        Some((
            u64_le(&header, 32)?,
            u64_le(&header, 40)?,
            u64_le(&header, 48)?,
            u32_le(&header, 56)?,
            u32_le(&header, 60)?,
        ))
    };
    let (area, offset, length, sum, flags) = place().ok_or_else(|| damaged("the header of an LVM metadata area"))?;
    if flags & IGNORED != 0 {
        return Ok(Area::Ignored);
    }
    if offset == 0 {
        return Ok(Area::Empty);
    }
    let room = area.checked_sub(SECTOR).filter(|_| area <= size);
    if offset < SECTOR || offset >= area || room.is_none_or(|room| length > room) {
        return Err(damaged("an LVM text outside its area"));
    }
    let bounded = usize::try_from(length).ok().filter(|length| *length <= limits::LVM_TEXT_BYTES);
    let length = bounded.ok_or(ReadError::Limit { offset: start, what: "bytes of an LVM volume group's text" })?;
    // The area is a ring behind its header.
    let first = usize::try_from(area - offset).unwrap_or(usize::MAX).min(length);
    let behind = || damaged("an LVM metadata area behind the end");
    let place = start.checked_add(offset).ok_or_else(behind)?;
    let mut bytes = field::read(image, place, first)?.ok_or_else(behind)?;
    let again = start.checked_add(SECTOR).ok_or_else(behind)?;
    bytes.extend(field::read(image, again, length.saturating_sub(first))?.ok_or_else(behind)?);
    if checksum(&bytes) != sum {
        return Err(damaged("the checksum of an LVM volume group's text"));
    }
    let text = String::from_utf8(bytes).map_err(|_| damaged("the text of an LVM volume group"))?;
    Ok(Area::Text(Text { offset: place, text }))
}
