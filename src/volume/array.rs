//! Arrays of Linux software RAID, put together of their members: mirrors, for which one member is enough.
//!
//! The member that was written most often and holds all data is read; among equals the first by its place, which is the
//! one that Linux copies from. The others are left aside.
//!
//! **Invariant:** a member that is a spare, is being rebuilt, or that the later members have given up is never read; members
//! that each say that they alone are left are refused.

use std::sync::Arc;

use super::mapped::{Mapped, Source};
use super::md::{Superblock, level_name};
use super::piece::Piece;
use crate::image::Image;
use crate::read_error::ReadError;

/// An array, as far as its members have been found.
pub struct Array {
    /// Its own identifier.
    pub id: [u8; 16],
    members: Vec<(Superblock, Piece)>,
}

impl Array {
    /// With its first member.
    pub fn new(superblock: Superblock, piece: Piece) -> Self {
        Self { id: superblock.array, members: vec![(superblock, piece)] }
    }

    /// Adds a member.
    pub fn add(&mut self, superblock: Superblock, piece: Piece) {
        self.members.push((superblock, piece));
    }

    /// A piece with all its members together.
    pub fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.members.iter().map(|(_, piece)| piece)
    }

    /// Every place is filled.
    pub fn is_complete(&self) -> bool {
        let roles = self.members.iter().filter_map(|(superblock, _)| superblock.role);
        let disks = self.members.iter().map(|(superblock, _)| superblock.disks).max().unwrap_or(0);
        let mut roles: Vec<u32> = roles.collect();
        roles.sort_unstable();
        roles.dedup();
        u32::try_from(roles.len()).is_ok_and(|count| count >= disks)
    }

    /// The number that its latest member gives it.
    pub fn number(&self) -> Option<u32> {
        self.members.iter().max_by_key(|(superblock, _)| superblock.events)?.0.number
    }

    /// The bytes of the array, and the member that they are read from.
    pub fn bytes(&self) -> Result<(Arc<dyn Image>, &Piece), ReadError> {
        let unsupported = |what: String| ReadError::Unsupported { offset: 0, what };
        let latest = self.members.iter().map(|(superblock, _)| superblock.events).max().unwrap_or(0);
        let mut current: Vec<&(Superblock, Piece)> =
            self.members.iter().filter(|(superblock, _)| superblock.events == latest).collect();
        if let Some((other, _)) = self.members.iter().find(|(superblock, _)| superblock.level != 1) {
            return Err(unsupported(format!("MD {}", level_name(other.level))));
        }
        if self.members.iter().any(|(superblock, _)| superblock.is_reshaped) {
            return Err(unsupported("MD RAID1 that is being reshaped".to_owned()));
        }
        current.retain(|(superblock, _)| superblock.role.is_some());
        // Two that were written equally often and that each believe to be alone have gone separate ways.
        let contradicts = |(one, _): &&(Superblock, Piece), (other, _): &&(Superblock, Piece)| {
            let role = other.role.and_then(|role| usize::try_from(role).ok());
            role.is_some_and(|role| one.filled.get(role) != Some(&true))
        };
        if current.iter().any(|one| current.iter().any(|other| contradicts(one, other))) {
            return Err(unsupported("MD RAID1 whose members have gone separate ways".to_owned()));
        }
        current.sort_by_key(|(superblock, _)| (!superblock.bad.is_empty(), superblock.role));
        let roles: Vec<Option<u32>> = current.iter().map(|(superblock, _)| superblock.role).collect();
        if roles.windows(2).any(|pair| pair.first() == pair.get(1)) {
            return Err(unsupported("MD RAID1 with two members for one place".to_owned()));
        }
        let Some((superblock, piece)) = current.first() else {
            return Err(unsupported(
                "MD RAID1 of which only a spare, a stale or an unfinished member is there".to_owned(),
            ));
        };
        Ok((mapped(superblock, &piece.bytes)?, piece))
    }
}

/// The member's data, without its bad blocks.
fn mapped(superblock: &Superblock, bytes: &Arc<dyn Image>) -> Result<Arc<dyn Image>, ReadError> {
    let start = superblock.data_offset;
    let too_far = || ReadError::Corrupt { offset: superblock.at, what: "the size of an MD RAID" };
    let end = start.checked_add(superblock.size_bytes).ok_or_else(too_far)?;
    let mut bad = superblock.bad.clone();
    bad.sort_unstable();
    let mut mapped = Mapped::default();
    let mut at = start;
    for (from, length) in bad {
        let (from, to) = (from.max(at), from.saturating_add(length).min(end));
        if from < to {
            mapped.push(from.saturating_sub(at), Source::Linear(Arc::clone(bytes), at))?;
            mapped.push(to.saturating_sub(from), Source::Lost("a block that the RAID notes as bad"))?;
            at = to;
        }
    }
    mapped.push(end.saturating_sub(at), Source::Linear(Arc::clone(bytes), at))?;
    Ok(Arc::new(mapped))
}
