//! MBR partition tables: four entries in the first sector, and a chain of further tables in an extended partition.
//!
//! Logical partitions are numbered from 5 in the order of the chain, as Linux numbers them (`block/partitions/msdos.c`); an
//! entry without a type or a length is no partition. A table of a disk with sectors of 4,096 bytes counts in those: it says
//! so nowhere, and is told by what begins where its partitions begin.
//!
//! **Invariant:** the chain is followed forward only, inside its extended partition and to a limit; where it breaks, the
//! partition that should follow is refused.

use std::sync::Arc;

use super::field::{self, stands, u32_le};
use super::mapped::Mapped;
use super::partition::{Partition, Purpose, held_against};
use crate::image::{Image, signature};
use crate::limits;
use crate::read_error::ReadError;

const MARK: [u8; 2] = [0x55, 0xaa];
const PROTECTIVE: u8 = 0xee;
const EXTENDED: [u8; 3] = [0x05, 0x0f, 0x85];
/// Logical Disk Manager, and the labels of FreeBSD, OpenBSD, NetBSD and Solaris are looked for where they stand.
const DYNAMIC_DISK: u8 = 0x42;

/// What a first sector holds.
pub struct Table {
    /// The partitions that may hold something, by number.
    pub partitions: Vec<Partition>,
    /// It says that the disk has a GPT.
    pub is_protective: bool,
    /// Every entry lies on the disk: no boot loader's code does that by chance.
    pub is_plausible: bool,
}

#[derive(Clone, Copy)]
struct Slot {
    number: u32,
    kind: u8,
    start: u64,
    length: u64,
}

/// Reads the table, if there is one: a boot sector with at least one entry in use, and no entry that a table cannot have.
pub fn read(image: &Arc<dyn Image>) -> Result<Option<Table>, ReadError> {
    let Some(sector) = field::read(image.as_ref(), 0, 512)? else { return Ok(None) };
    let Some(slots) = slots(&sector) else { return Ok(None) };
    let used: Vec<Slot> = slots.into_iter().filter(|slot| slot.kind != 0 && slot.length > 0).collect();
    let is_protective = used.iter().any(|slot| slot.kind == PROTECTIVE);
    if used.is_empty() || (!is_protective && used.iter().any(|slot| slot.start == 0)) {
        return Ok(None);
    }
    let sector_bytes = if is_protective { 512 } else { sector_bytes(image, &used)? };
    let mut partitions = Vec::new();
    let mut next = 5;
    for slot in used.iter().filter(|slot| slot.kind != PROTECTIVE) {
        if EXTENDED.contains(&slot.kind) {
            chain(image.as_ref(), *slot, sector_bytes, &mut next, &mut partitions)?;
        } else {
            partitions.push(partition(*slot, sector_bytes));
        }
    }
    let ends_on_disk = |slot: &Slot| {
        let end = slot.start.checked_add(slot.length).and_then(|end| end.checked_mul(sector_bytes));
        end.is_some_and(|end| end <= image.size_bytes())
    };
    let is_plausible = used.iter().all(ends_on_disk);
    let partitions = held_against(partitions, image.size_bytes(), 1);
    Ok(Some(Table { partitions, is_protective, is_plausible }))
}

/// The four entries, if the sector can be a table.
fn slots(sector: &[u8]) -> Option<Vec<Slot>> {
    if !stands(sector, 510, &MARK) {
        return None;
    }
    let mut slots = Vec::new();
    for (number, entry) in (1..).zip(sector.get(446..510)?.chunks_exact(16)) {
        let (status, kind) = (entry.first()?, entry.get(4)?);
        if status & 0x7f != 0 {
            return None;
        }
        let (start, length) = (u64::from(u32_le(entry, 8)?), u64::from(u32_le(entry, 12)?));
        slots.push(Slot { number, kind: *kind, start, length });
    }
    Some(slots)
}

fn partition(slot: Slot, sector_bytes: u64) -> Partition {
    let purpose = match slot.kind {
        DYNAMIC_DISK => Purpose::Foreign("a Windows dynamic disk"),
        0x41 => Purpose::Loader("PReP boot"),
        _ => Purpose::Data,
    };
    Partition {
        number: slot.number,
        start_bytes: slot.start.saturating_mul(sector_bytes),
        size_bytes: slot.length.saturating_mul(sector_bytes),
        purpose,
        fault: None,
    }
}

/// Follows the chain of an extended partition. The first two entries of each of its tables count always, the others only
/// where they lie inside it, as Linux has it; the first one that is itself extended leads on.
fn chain(
    image: &dyn Image,
    extended: Slot,
    sector_bytes: u64,
    next: &mut u32,
    partitions: &mut Vec<Partition>,
) -> Result<(), ReadError> {
    let end = extended.start.saturating_add(extended.length);
    let mut at = extended.start;
    let mut broken = |number: u32, at: u64, what| {
        let offset = at.saturating_mul(sector_bytes);
        let fault = Some(ReadError::Corrupt { offset, what });
        partitions.push(Partition { number, start_bytes: offset, size_bytes: 0, purpose: Purpose::Data, fault });
    };
    let mut found = Vec::new();
    let mut seen = Vec::new();
    let fault = loop {
        if seen.len() >= limits::PARTITIONS {
            break Some((at, "a chain of more logical partitions than are read"));
        }
        seen.push(at);
        let sector = at.checked_mul(sector_bytes).map(|offset| field::read(image, offset, 512)).transpose()?.flatten();
        let Some(slots) = sector.as_deref().and_then(slots) else {
            break Some((at, "a chain of logical partitions that breaks"));
        };
        let mut onward = None;
        for slot in slots.into_iter().filter(|slot| slot.length > 0 && slot.kind != 0) {
            if EXTENDED.contains(&slot.kind) {
                onward = onward.or(Some(slot.start));
                continue;
            }
            let start = at.saturating_add(slot.start);
            let is_inside = start >= extended.start && start.saturating_add(slot.length) <= end;
            if slot.number <= 2 || is_inside {
                found.push((Slot { number: *next, start, ..slot }, is_inside));
                *next = next.saturating_add(1);
            }
        }
        let Some(onward) = onward else { break None };
        at = extended.start.saturating_add(onward);
        if at >= end || seen.contains(&at) {
            break Some((at, "a chain of logical partitions that leads astray"));
        }
    };
    if let Some((at, what)) = fault {
        broken(*next, at, what);
        *next = next.saturating_add(1);
    }
    for (slot, is_inside) in found {
        let mut partition = partition(slot, sector_bytes);
        if !is_inside {
            let what = "a logical partition outside its extended partition";
            partition.fault = Some(ReadError::Corrupt { offset: partition.start_bytes, what });
        }
        partitions.push(partition);
    }
    Ok(())
}

/// 4,096 where nothing known begins at the partitions' sectors of 512 bytes and something does at those of 4,096.
fn sector_bytes(image: &Arc<dyn Image>, used: &[Slot]) -> Result<u64, ReadError> {
    let known = |sector_bytes: u64| -> Result<bool, ReadError> {
        for slot in used {
            let place = slot.start.checked_mul(sector_bytes).zip(slot.length.checked_mul(sector_bytes));
            let Some((start, length)) = place else { continue };
            let Ok(window) = Mapped::window(image, start, length) else { continue };
            let is_known = if EXTENDED.contains(&slot.kind) {
                field::read(window.as_ref(), 0, 512)?.is_some_and(|sector| slots(&sector).is_some())
            } else {
                !signature::of(window.as_ref())?.is_empty()
            };
            if is_known {
                return Ok(true);
            }
        }
        Ok(false)
    };
    Ok(if !known(512)? && known(4096)? { 4096 } else { 512 })
}
