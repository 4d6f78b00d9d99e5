//! What stands on a piece: everything that claims it, and which of those claims holds.
//!
//! What one claim explains of another is settled here: an array whose superblock is at its end holds the file system at its
//! beginning; a superblock inside a partition is that partition's; an ISO 9660 image may carry tables that lead into it. The
//! rules are those of libblkid and of Linux where those have one. Claims that nothing settles are refused, all by name.
//!
//! **Invariant:** of two claims that contradict each other none is chosen by chance.

use std::sync::Arc;

use super::partition::{Partition, Purpose};
use super::{empty, field, gpt, luks, lvm, mbr, md};
use crate::image::Image;
use crate::image::signature::{self, Class, Known};
use crate::read_error::ReadError;

/// What a piece is.
pub enum Claim {
    /// A table of partitions.
    Table(&'static str, Vec<Partition>),
    /// A member of an array.
    Member(md::Superblock),
    /// An encrypted volume.
    Encrypted(luks::Header),
    /// An encrypted volume of a kind that is not opened.
    Locked(&'static str),
    /// A physical volume.
    Physical(lvm::Label),
    /// A file system, perhaps.
    Bytes,
    /// Nothing that holds files.
    Unused(&'static str),
}

/// A claim with its name.
struct Named {
    name: &'static str,
    claim: Result<Claim, ReadError>,
}

/// Finds out what a piece is. An error: it is damaged, not read, or several things at once.
pub fn settle(image: &Arc<dyn Image>, purpose: Purpose) -> Result<Claim, ReadError> {
    if let Purpose::Foreign(name) = purpose {
        return Err(ReadError::Unsupported { offset: 0, what: name.to_owned() });
    }
    let known = signature::of(image.as_ref())?;
    if let Some(name) = foreign(image.as_ref())? {
        return Err(ReadError::Unsupported { offset: 0, what: name.to_owned() });
    }
    let has = |name: &str| known.iter().any(|known| known.name == name);
    let table = table(image, &known)?;
    let mut member = damaged_member(md::read(image.as_ref()), table.as_ref());
    // What was on a member before it was made one is overwritten by its data or stands in front of them.
    let explains = |superblock: &md::Superblock, table: bool| superblock.at >= 0x1_0000 || !table;
    if let Some(Named { claim: Ok(Claim::Member(superblock)), .. }) = &member
        && explains(superblock, table.is_some())
    {
        return member.take().map_or(Ok(Claim::Bytes), |member| member.claim);
    }
    let encrypted = luks::read(image.as_ref()).transpose().map(|header| named("LUKS", header.map(Claim::Encrypted)));
    if let (Some(_), None, None) = (&encrypted, &table, &member) {
        return encrypted.map_or(Ok(Claim::Bytes), |encrypted| encrypted.claim);
    }
    let physical = lvm::read(image.as_ref()).transpose().map(|label| named("LVM", label.map(Claim::Physical)));
    let tree = known.iter().find(|known| is_tree(known)).map(|tree| named(tree.name, Ok(Claim::Bytes)));
    let mut claims: Vec<Named> = [tree, table, member, encrypted, physical].into_iter().flatten().collect();
    if has("BitLocker") {
        claims.push(named("BitLocker", Ok(Claim::Locked("BitLocker"))));
    }
    let contained = known.iter().filter(|known| known.class == Class::Container);
    claims.extend(contained.map(|known| named(known.name, Err(signature::refusal(&[*known])))));
    if !known.iter().any(|known| known.name == signature::EXT) && empty::is_swap(image.as_ref())? {
        claims.push(named("swap", Ok(Claim::Unused("swap"))));
    }
    match (claims.pop(), claims.is_empty()) {
        (None, _) => nothing_known(image, purpose),
        (Some(only), true) => only.claim,
        (Some(last), false) => Err(contradiction(claims, last)),
    }
}

fn named(name: &'static str, claim: Result<Claim, ReadError>) -> Named {
    Named { name, claim }
}

fn is_tree(known: &Known) -> bool {
    known.class == Class::FileSystem && known.name != "swap"
}

/// What could not be read comes first; otherwise all names.
fn contradiction(mut claims: Vec<Named>, last: Named) -> ReadError {
    claims.push(last);
    let unread = claims.iter().position(|named| matches!(named.claim, Err(ReadError::Io { .. })));
    if let Some(Err(error)) = unread.map(|at| claims.swap_remove(at).claim) {
        return error;
    }
    let names: Vec<&str> = claims.iter().map(|named| named.name).collect();
    ReadError::Unsupported { offset: 0, what: names.join(" and ") }
}

/// A superblock that stands inside a partition is that partition's.
fn damaged_member(read: Result<Option<md::Superblock>, (u64, ReadError)>, table: Option<&Named>) -> Option<Named> {
    let partitions = match table {
        Some(Named { claim: Ok(Claim::Table(_, partitions)), .. }) => partitions.as_slice(),
        _ => &[],
    };
    let is_covered = |at: u64| {
        partitions.iter().any(|partition| {
            at >= partition.start_bytes && at < partition.start_bytes.saturating_add(partition.size_bytes)
        })
    };
    match read {
        Ok(Some(superblock)) if !is_covered(superblock.at) => Some(named("MD RAID", Ok(Claim::Member(superblock)))),
        Err((at, error)) if !is_covered(at) => Some(named("MD RAID", Err(error))),
        _ => None,
    }
}

/// The one table that holds, as Linux chooses: a GPT where the first sector announces one or says nothing, else the MBR.
fn table(image: &Arc<dyn Image>, known: &[Known]) -> Result<Option<Named>, ReadError> {
    let has = |names: &[&str]| known.iter().any(|known| names.contains(&known.name));
    let first = mbr::read(image)?;
    // The boot code of these, or a boot loader in front of ext, stands where a table would.
    let is_boot_sector = has(&["NTFS", "exFAT", "FAT", "BitLocker", "LUKS", "XFS", signature::EXT]);
    let first = first.filter(|table| !is_boot_sector || table.is_plausible);
    let is_protective = first.as_ref().is_some_and(|first| first.is_protective);
    let second = gpt::read(image.as_ref());
    let has_tree = known.iter().any(is_tree) || known.iter().any(|known| known.class == Class::Member);
    let found = match (first, second) {
        (Some(first), _) if !is_protective => Some(named(signature::MBR, Ok(Claim::Table("MBR", first.partitions)))),
        (_, Ok(Some(table))) if is_protective || !table.is_hidden || !has_tree => {
            Some(named(signature::GPT, Ok(Claim::Table(table.layer, table.partitions))))
        }
        (Some(_), Ok(_)) => {
            let what = "an MBR that announces a GPT, and there is none";
            Some(named(signature::GPT, Err(ReadError::Corrupt { offset: 512, what })))
        }
        (_, Err(error)) if is_protective || has(&[signature::GPT]) => Some(named(signature::GPT, Err(error))),
        (None, _) => None,
        (Some(_), Err(error)) => Some(named(signature::GPT, Err(error))),
    };
    let is_iso = has(&["ISO 9660"]);
    let leads_into_it = |named: &Named| match &named.claim {
        Ok(Claim::Table(_, partitions)) => iso_end(image.as_ref()).is_ok_and(|end| {
            let covers = |partition: &Partition| partition.start_bytes <= 32_768 && partition.size_bytes > 0;
            partitions.iter().any(covers) || partitions.iter().all(|partition| partition.start_bytes < end)
        }),
        _ => true,
    };
    Ok(found.filter(|named| !is_iso || !leads_into_it(named)))
}

/// Where an ISO 9660 image ends by its primary volume descriptor (ECMA-119, 8.4.8), in bytes.
fn iso_end(image: &dyn Image) -> Result<u64, ReadError> {
    let descriptor = field::read(image, 32_768, 2048)?.unwrap_or_default();
    let blocks = field::u32_le(&descriptor, 80).unwrap_or(0);
    Ok(u64::from(blocks).saturating_mul(2048))
}

/// What is known by name alone.
fn foreign(image: &dyn Image) -> Result<Option<&'static str>, ReadError> {
    let size = image.size_bytes();
    let stands = |at: Option<u64>, mark: &[u8]| -> Result<bool, ReadError> {
        let Some(at) = at else { return Ok(false) };
        Ok(field::read(image, at, mark.len())?.is_some_and(|bytes| bytes == mark))
    };
    const DISKLABEL: [u8; 4] = 0x8256_4557_u32.to_le_bytes();
    if stands(Some(512), &DISKLABEL)? && stands(Some(512 + 132), &DISKLABEL)? {
        return Ok(Some("a BSD disklabel"));
    }
    if stands(Some(0), b"ER")? && stands(Some(512), b"PM\0\0")? {
        return Ok(Some("an Apple partition map"));
    }
    if stands(size.checked_sub(1024), b"Intel Raid ISM Cfg Sig. ")? {
        return Ok(Some("Intel Matrix RAID"));
    }
    if stands(size.checked_sub(512), &[0xde, 0x11, 0xde, 0x11])? {
        return Ok(Some("DDF RAID"));
    }
    Ok(None)
}

fn nothing_known(image: &Arc<dyn Image>, purpose: Purpose) -> Result<Claim, ReadError> {
    if let Some(header) = luks::read_second(image.as_ref())? {
        return Ok(Claim::Encrypted(header));
    }
    if let Some(name) = empty::zeros(image.as_ref())? {
        return Ok(Claim::Unused(name));
    }
    match purpose {
        Purpose::Loader(name) => Ok(Claim::Unused(name)),
        _ => Ok(Claim::Bytes),
    }
}
