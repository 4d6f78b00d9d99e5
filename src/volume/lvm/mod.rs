//! LVM2: physical volumes, and the logical volumes that they make together.
//!
//! The newest text that any physical volume of a group holds describes it. Volumes of one or several linear or striped
//! segments are read, over any number of physical volumes; what else a segment may be is refused by its type. A logical
//! volume is named `VG/LV`; where two groups have one name, theirs ends in six signs of their identifier.
//!
//! **Invariant:** a logical volume of which a part is not there is refused, and the others are still read.

mod group;
mod label;
mod text;

use std::sync::Arc;

use self::group::{Group, Logical};
pub use self::label::{Label, read};
use super::mapped::{Mapped, Source};
use super::piece::{Piece, Rank};
use super::{Content, Volume};
use crate::image::Image;
use crate::read_error::ReadError;

/// A physical volume that was found.
pub struct Found {
    id: String,
    group: Option<Group>,
    is_empty: bool,
    damage: Option<ReadError>,
    piece: Piece,
}

/// What became of a volume group.
#[derive(Default)]
pub struct Assembled {
    /// Logical volumes whose content is yet to be found out.
    pub pieces: Vec<Piece>,
    /// Those that cannot be read.
    pub refused: Vec<(Rank, Volume)>,
}

impl Found {
    /// What a label says.
    pub fn new(label: Label, piece: Piece) -> Self {
        let mut damage = label.damage;
        let mut newest: Option<Group> = None;
        for text in &label.texts {
            match group::read(&text.text, text.offset) {
                Ok(group) if newest.as_ref().is_none_or(|newest| newest.version < group.version) => {
                    newest = Some(group)
                }
                Ok(_) => {}
                Err(error) => damage = Some(error),
            }
        }
        let is_empty = label.has_area && newest.is_none() && damage.is_none();
        Self { id: String::from_utf8_lossy(&label.id).into_owned(), group: newest, is_empty, damage, piece }
    }
}

/// The newest description of each group that is known, by its identifier.
fn groups(found: &[Found]) -> Vec<&Group> {
    let mut groups: Vec<&Group> = Vec::new();
    for group in found.iter().filter_map(|found| found.group.as_ref()) {
        match groups.iter_mut().find(|known| known.id == group.id) {
            Some(known) if known.version < group.version => *known = group,
            Some(_) => {}
            None => groups.push(group),
        }
    }
    groups
}

/// Takes a group out and puts it together: one of which all is there, or with `is_last` any. None: there is none.
pub fn assemble(found: &mut Vec<Found>, is_last: bool) -> Option<Assembled> {
    let groups = groups(found);
    let is_whole = |group: &&&Group| group.physical.iter().all(|physical| found.iter().any(|f| f.id == physical.id));
    let whole = groups.iter().find(is_whole);
    let group = match (whole, is_last) {
        (Some(group), _) => (*group).clone(),
        (None, true) => (*groups.first()?).clone(),
        (None, false) => return None,
    };
    let has_namesake = groups.iter().any(|other| other.name == group.name && other.id != group.id);
    let is_ours = |one: &Found| {
        let is_listed = group.physical.iter().any(|physical| physical.id == one.id);
        is_listed || one.group.as_ref().is_some_and(|own| own.id == group.id)
    };
    let (ours, others) = std::mem::take(found).into_iter().partition(is_ours);
    *found = others;
    Some(put_together(&group, ours, has_namesake))
}

fn put_together(group: &Group, ours: Vec<Found>, has_namesake: bool) -> Assembled {
    let mut done = Assembled::default();
    let (given_up, ours): (Vec<Found>, Vec<Found>) =
        ours.into_iter().partition(|one| !group.physical.iter().any(|physical| physical.id == one.id));
    for one in given_up {
        let what = "an LVM physical volume that its volume group has given up".to_owned();
        done.refused.push(one.piece.refused(ReadError::Unsupported { offset: 0, what }));
    }
    let layer = match ours.iter().any(|one| one.damage.is_some()) {
        false => "LVM",
        true => "LVM (a copy of its text is damaged)",
    };
    let end = if has_namesake { format!(".{}", group.id.chars().take(6).collect::<String>()) } else { String::new() };
    for logical in &group.logical {
        let name = format!("{}{end}/{}", group.name, logical.name);
        let rank = vec![2];
        let mut layers = deepest(&ours).map(|piece| piece.layers.clone()).unwrap_or_default();
        layers.push(layer);
        let mut keys: Vec<usize> = ours.iter().flat_map(|one| one.piece.keys.iter().copied()).collect();
        keys.sort_unstable();
        keys.dedup();
        match mapped(group, logical, &ours) {
            Ok(bytes) => {
                let purpose = super::partition::Purpose::Data;
                done.pieces.push(Piece { name, bytes, layers, keys, purpose, rank });
            }
            Err((size_bytes, error)) => {
                let content = Content::Refused(error);
                done.refused.push((rank, Volume { name, size_bytes, layers, keys, content }));
            }
        }
    }
    done
}

fn deepest(ours: &[Found]) -> Option<&Piece> {
    ours.iter().map(|one| &one.piece).max_by_key(|piece| piece.depth())
}

/// The bytes of a logical volume; where it cannot be read, its size and why.
fn mapped(group: &Group, logical: &Logical, ours: &[Found]) -> Result<Arc<dyn Image>, (u64, ReadError)> {
    let unsupported = |size, what: String| (size, ReadError::Unsupported { offset: 0, what });
    let stretches = logical.stretches.as_ref().map_err(|what| unsupported(0, what.clone()))?;
    let size = stretches.iter().map(|stretch| stretch.size_bytes).fold(0, u64::saturating_add);
    let mut mapped = Mapped::default();
    for stretch in stretches {
        let mut columns = Vec::new();
        for (name, offset) in &stretch.columns {
            let each =
                u64::try_from(stretch.columns.len()).ok().and_then(|count| stretch.size_bytes.checked_div(count));
            let place = column(group, ours, name, *offset, each.unwrap_or(u64::MAX));
            columns.push(place.map_err(|error| (size, error))?);
        }
        let source = match (columns.len(), columns.pop()) {
            (1, Some((image, offset))) => Source::Linear(image, offset),
            (_, Some(last)) => {
                columns.push(last);
                Source::Striped(stretch.chunk_bytes, columns)
            }
            (_, None) => Source::Zero,
        };
        mapped.push(stretch.size_bytes, source).map_err(|error| (size, error))?;
    }
    Ok(Arc::new(mapped))
}

/// Where a column is: the physical volume's bytes, and an offset in them. It must lie among its extents.
fn column(
    group: &Group,
    ours: &[Found],
    name: &str,
    offset: u64,
    length: u64,
) -> Result<(Arc<dyn Image>, u64), ReadError> {
    let unsupported = |what: &str| ReadError::Unsupported { offset: 0, what: what.to_owned() };
    let Some(physical) = group.physical.iter().find(|physical| physical.name == name) else {
        return Err(unsupported("LVM volumes on one another"));
    };
    let mut held = ours.iter().filter(|one| one.id == physical.id);
    let (Some(one), None) = (held.next(), held.next()) else {
        let is_there = ours.iter().any(|one| one.id == physical.id);
        let what = if is_there { "two physical volumes with one identifier" } else { "a physical volume is missing" };
        return Err(unsupported(what));
    };
    if physical.was_missing {
        return Err(unsupported("a physical volume was missing and is out of date"));
    }
    let outside =
        || ReadError::Corrupt { offset: physical.start_bytes, what: "an LVM segment outside its physical volume" };
    if offset.checked_add(length).is_none_or(|end| end > physical.size_bytes) {
        return Err(outside());
    }
    Ok((Arc::clone(&one.piece.bytes), physical.start_bytes.checked_add(offset).ok_or_else(outside)?))
}

/// What becomes of the physical volumes that no group wants.
pub fn left_over(found: Vec<Found>) -> Vec<(Rank, Volume)> {
    let judged = found.into_iter().map(|one| match one.damage {
        Some(error) => one.piece.refused(error),
        None if one.is_empty => one.piece.volume(Content::Unused("an LVM physical volume without a volume group")),
        None => {
            let what = "an LVM physical volume whose volume group is not there".to_owned();
            one.piece.refused(ReadError::Unsupported { offset: 0, what })
        }
    });
    judged.collect()
}
