//! Members of Linux software RAID (md(4), `md_p.h`): the superblocks 0.90, 1.0, 1.1 and 1.2.
//!
//! **Invariant:** a superblock counts only at its own place and with its checksum right.

use super::field::{self, stands, u16_le, u32_le, u64_le};
use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;

const MARK: [u8; 4] = 0xa92b_4efc_u32.to_le_bytes();
const MARK_BIG: [u8; 4] = 0xa92b_4efc_u32.to_be_bytes();
const SECTOR: u64 = 512;
const RECOVERY_OFFSET: u32 = 2;
const RESHAPE_ACTIVE: u32 = 4;
const BAD_BLOCKS: u32 = 8;
const REPLACEMENT: u32 = 16;
/// `MD_DISK_ACTIVE` and `MD_DISK_SYNC` of a descriptor 0.90.
const IN_SYNC: u32 = 0b110;
const FAULTY_OR_REMOVED: u32 = 0b1001;

/// A superblock, as far as it matters here.
#[derive(Debug, Clone)]
pub struct Superblock {
    /// The array's own identifier.
    pub array: [u8; 16],
    /// Where the superblock stands, in bytes from the start of the member.
    pub at: u64,
    /// 1 is a mirror; 0, 4, 5, 6 and 10 are what they are called; -1 is linear.
    pub level: i32,
    /// How many members the array is made for.
    pub disks: u32,
    /// How often the array was written since it was made.
    pub events: u64,
    /// The member's place in the array, if it holds the array's data whole.
    pub role: Option<u32>,
    /// Which places this member believes to be filled with data.
    pub filled: Vec<bool>,
    /// Where the data begins, in bytes from the start of the member.
    pub data_offset: u64,
    /// How many bytes the array has.
    pub size_bytes: u64,
    /// Runs of the member that are known to be bad, in bytes from its start: start and length.
    pub bad: Vec<(u64, u64)>,
    /// The array's number, if it has one.
    pub number: Option<u32>,
    /// Its parts are being moved to another layout.
    pub is_reshaped: bool,
}

/// Finds the superblock. An error: one stands there and is damaged. Its place says whether it may belong to a partition
/// that reaches to the same end.
pub fn read(image: &dyn Image) -> Result<Option<Superblock>, (u64, ReadError)> {
    let size = image.size_bytes();
    let new = (size / SECTOR).checked_sub(16).map(|sector| (sector & !7) * SECTOR);
    let old = (size & !0xffff).checked_sub(0x1_0000);
    let mut found: Option<Superblock> = None;
    let mut damage = None;
    for at in [Some(4096), Some(0), new].into_iter().flatten() {
        judge(version_1(image, at), at, &mut found, &mut damage);
    }
    if let Some(at) = old {
        judge(version_0(image, at), at, &mut found, &mut damage);
    }
    match (found, damage) {
        (Some(found), _) => Ok(Some(found)),
        (None, Some(damage)) => Err(damage),
        (None, None) => Ok(None),
    }
}

/// Where two are sound, the one that was written more often is the later one.
fn judge(
    read: Result<Option<Superblock>, ReadError>,
    at: u64,
    found: &mut Option<Superblock>,
    damage: &mut Option<(u64, ReadError)>,
) {
    match read {
        Ok(Some(next)) if found.as_ref().is_none_or(|found| found.events < next.events) => *found = Some(next),
        Ok(_) => {}
        Err(error) => {
            damage.get_or_insert((at, error));
        }
    }
}

fn version_1(image: &dyn Image, at: u64) -> Result<Option<Superblock>, ReadError> {
    let Some(head) = field::read(image, at, 256)?.filter(|head| stands(head, 0, &MARK)) else { return Ok(None) };
    let damaged = |what| ReadError::Corrupt { offset: at, what };
    if u32_le(&head, 4) != Some(1) {
        // Version 0.90 begins with the same mark and is looked for at its own place.
        return Ok(None);
    }
    let word = |offset| u32_le(&head, offset).unwrap_or(0);
    let long = |offset| u64_le(&head, offset).unwrap_or(0);
    if long(144).checked_mul(SECTOR) != Some(at) {
        return Err(damaged("the superblock of an MD RAID that belongs elsewhere"));
    }
    let places = usize::try_from(word(220)).unwrap_or(usize::MAX);
    if places > limits::MD_MEMBERS {
        return Err(ReadError::Limit { offset: at, what: "members of an MD RAID" });
    }
    let whole = field::read(image, at, places.saturating_mul(2).saturating_add(256))?;
    let whole = whole.ok_or_else(|| damaged("the superblock of an MD RAID"))?;
    if sum_1(&whole) != Some(word(216)) {
        return Err(damaged("the checksum of an MD RAID's superblock"));
    }
    let (features, disks) = (word(8), word(92));
    let roles: Vec<u16> = whole.get(256..).unwrap_or_default().chunks_exact(2).filter_map(|r| u16_le(r, 0)).collect();
    let own = usize::try_from(word(160)).ok().and_then(|number| roles.get(number)).copied().map(u32::from);
    let is_behind = features & (RECOVERY_OFFSET | REPLACEMENT) != 0;
    let slots = usize::try_from(disks).unwrap_or(usize::MAX).min(limits::MD_MEMBERS);
    let filled = (0..slots).map(|slot| roles.iter().any(|role| usize::from(*role) == slot)).collect();
    let (data_offset, size_bytes) = (long(128).checked_mul(SECTOR), long(80).checked_mul(SECTOR));
    let data_bytes = long(136).checked_mul(SECTOR);
    let (Some(data_offset), Some(size_bytes), Some(data_bytes)) = (data_offset, size_bytes, data_bytes) else {
        return Err(damaged("the size of an MD RAID"));
    };
    let mut array = [0; 16];
    array.copy_from_slice(head.get(16..32).ok_or_else(|| damaged("the superblock of an MD RAID"))?);
    let level = i32::from_le_bytes(word(72).to_le_bytes());
    if level == 1 && size_bytes > data_bytes {
        return Err(damaged("the size of an MD RAID"));
    }
    Ok(Some(Superblock {
        array,
        at,
        level,
        disks,
        events: long(200),
        role: own.filter(|role| *role < disks && !is_behind),
        filled,
        data_offset,
        size_bytes,
        bad: if features & BAD_BLOCKS != 0 { bad_blocks(image, &head, at)? } else { Vec::new() },
        number: field::text(&head, 32, 32).and_then(number_of),
        is_reshaped: features & RESHAPE_ACTIVE != 0,
    }))
}

/// `calc_sb_1_csum`: the sum of all words but itself, its upper half added to the lower.
fn sum_1(bytes: &[u8]) -> Option<u32> {
    let mut sum: u64 = 0;
    for (index, word) in bytes.chunks(4).enumerate() {
        let value = match word.len() {
            4 => u32_le(word, 0)?,
            _ => u32::from(u16_le(word, 0)?),
        };
        sum = sum.checked_add(if index == 54 { 0 } else { u64::from(value) })?;
    }
    Some(folded(sum))
}

fn folded(sum: u64) -> u32 {
    let low = u32::try_from(sum & 0xffff_ffff).unwrap_or(0);
    low.wrapping_add(u32::try_from(sum >> 32).unwrap_or(0))
}

/// `homehost:0`, `0` or `md0`: what mdadm makes `/dev/md0` of.
fn number_of(name: &str) -> Option<u32> {
    let name = name.rsplit_once(':').map_or(name, |(_, name)| name);
    let digits = name.strip_prefix("md").unwrap_or(name);
    let is_number = !digits.is_empty() && digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

/// The log of bad blocks: an entry's upper 54 bits say where on the member, the lower 10 how many sectors; all ones end it.
fn bad_blocks(image: &dyn Image, head: &[u8], at: u64) -> Result<Vec<(u64, u64)>, ReadError> {
    let damaged = || ReadError::Corrupt { offset: at, what: "the bad block log of an MD RAID" };
    let shift = u32::from(*head.get(185).ok_or_else(damaged)?);
    let sectors = u16_le(head, 186).ok_or_else(damaged)?;
    let distance = i32::from_le_bytes(u32_le(head, 188).ok_or_else(damaged)?.to_le_bytes());
    if distance == 0 {
        return Ok(Vec::new());
    }
    let place = i64::from(distance).checked_mul(512).and_then(|distance| at.checked_add_signed(distance));
    let length = usize::from(sectors.min(limits::MD_BAD_BLOCK_SECTORS)) * 512;
    let log = field::read(image, place.ok_or_else(damaged)?, length)?.ok_or_else(damaged)?;
    let mut bad = Vec::new();
    for entry in log.chunks_exact(8).filter_map(|entry| u64_le(entry, 0)).take_while(|entry| *entry != u64::MAX) {
        let scaled = |sectors: u64| sectors.checked_mul(SECTOR)?.checked_mul(1_u64.checked_shl(shift)?);
        if entry & 0x3ff != 0 {
            bad.push((scaled(entry >> 10).ok_or_else(damaged)?, scaled(entry & 0x3ff).ok_or_else(damaged)?));
        }
    }
    Ok(bad)
}

fn version_0(image: &dyn Image, at: u64) -> Result<Option<Superblock>, ReadError> {
    let Some(block) = field::read(image, at, 4096)? else { return Ok(None) };
    if stands(&block, 0, &MARK_BIG) {
        let what = "MD RAID with a superblock of a big-endian machine".to_owned();
        return Err(ReadError::Unsupported { offset: at, what });
    }
    if !stands(&block, 0, &MARK) || u32_le(&block, 4) != Some(0) {
        return Ok(None);
    }
    let word = |index: usize| u32_le(&block, index.saturating_mul(4)).unwrap_or(0);
    let sum = (0..1024).filter(|index| *index != 38).map(|index| u64::from(word(index))).sum();
    if folded(sum) != word(38) {
        return Err(ReadError::Corrupt { offset: at, what: "the checksum of an MD RAID's superblock" });
    }
    let is_filled = |state: u32| state & IN_SYNC == IN_SYNC && state & FAULTY_OR_REMOVED == 0;
    let disks = word(10);
    let mut filled = vec![false; usize::try_from(disks).unwrap_or(usize::MAX).min(27)];
    for descriptor in (128_usize..992).step_by(32) {
        let slot = usize::try_from(word(descriptor + 3)).unwrap_or(usize::MAX);
        if let (Some(slot), true) = (filled.get_mut(slot), is_filled(word(descriptor + 4))) {
            *slot = true;
        }
    }
    let mut array = [0; 16];
    for (bytes, index) in array.chunks_exact_mut(4).zip([5, 13, 14, 15]) {
        bytes.copy_from_slice(&word(index).to_le_bytes());
    }
    let own = word(995);
    let is_known = usize::try_from(own).ok().and_then(|own| filled.get(own)).is_some_and(|is| *is);
    Ok(Some(Superblock {
        array,
        at,
        level: i32::from_le_bytes(word(7).to_le_bytes()),
        disks,
        events: u64::from(word(40)) << 32 | u64::from(word(39)),
        role: (is_known && is_filled(word(996))).then_some(own),
        filled,
        data_offset: 0,
        size_bytes: u64::from(word(8)) * 1024,
        bad: Vec::new(),
        number: Some(word(11)),
        is_reshaped: word(2) >= 91 && (word(44) != u32::MAX || word(45) != u32::MAX),
    }))
}

/// A level as md(4) calls it.
pub fn level_name(level: i32) -> String {
    match level {
        -1 => "linear".to_owned(),
        -4 => "multipath".to_owned(),
        -5 => "faulty".to_owned(),
        -10 => "container".to_owned(),
        level => format!("RAID{level}"),
    }
}
