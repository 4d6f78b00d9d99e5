//! A volume group, as its text describes it: physical volumes, and the stretches of each logical volume.
//!
//! **Invariant:** what a logical volume is made of is either all understood or named as what it is.

use super::text::{self, Section, Value};
use crate::limits;
use crate::read_error::ReadError;

const SECTOR: u64 = 512;

/// A volume group.
#[derive(Debug, Clone)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its identifier, without hyphens.
    pub id: String,
    /// How often it was changed.
    pub version: u64,
    /// Its physical volumes.
    pub physical: Vec<Physical>,
    /// The logical volumes that a server sees, by name.
    pub logical: Vec<Logical>,
}

/// A physical volume of a group.
#[derive(Debug, Clone)]
pub struct Physical {
    /// How the text calls it.
    pub name: String,
    /// Its identifier, without hyphens.
    pub id: String,
    /// Where its extents begin, in bytes.
    pub start_bytes: u64,
    /// How many bytes its extents have.
    pub size_bytes: u64,
    /// It was not there when the group was last changed: what it holds is old.
    pub was_missing: bool,
}

/// A logical volume.
#[derive(Debug, Clone)]
pub struct Logical {
    /// Its name.
    pub name: String,
    /// Its stretches in order, or the name of what it is instead.
    pub stretches: Result<Vec<Stretch>, String>,
}

/// A stretch of a logical volume, in bytes.
#[derive(Debug, Clone)]
pub struct Stretch {
    /// Its length.
    pub size_bytes: u64,
    /// Where each column is: physical volume, offset in its extents. None: it is zeros.
    pub columns: Vec<(String, u64)>,
    /// How many bytes stand in a column before the next one's turn.
    pub chunk_bytes: u64,
}

/// Reads a text. `offset`: where it stands, for an error.
pub fn read(written: &str, offset: u64) -> Result<Group, ReadError> {
    let broken = ReadError::Corrupt { offset, what: "the text of an LVM volume group" };
    let parsed = text::parse(written, offset)?;
    let mut groups = parsed.iter().filter_map(|(name, value)| match value {
        Value::Section(section) => Some((*name, section.as_slice())),
        _ => None,
    });
    let (Some((name, section)), None) = (groups.next(), groups.next()) else { return Err(broken) };
    let group = group(name, section).ok_or(broken)?;
    let count = group.logical.len().saturating_add(group.physical.len());
    if count > limits::VOLUMES {
        return Err(ReadError::Limit { offset, what: "volumes of an LVM volume group" });
    }
    Ok(group)
}

fn group(name: &str, section: &Section<'_>) -> Option<Group> {
    let extent_bytes = Value::number(section, "extent_size")?.checked_mul(SECTOR).filter(|bytes| *bytes > 0)?;
    let mut physical = Vec::new();
    for (name, value) in Value::section(section, "physical_volumes").unwrap_or_default() {
        let Value::Section(inner) = value else { return None };
        physical.push(Physical {
            name: (*name).to_owned(),
            id: plain(Value::text(inner, "id")?),
            start_bytes: Value::number(inner, "pe_start")?.checked_mul(SECTOR)?,
            size_bytes: Value::number(inner, "pe_count")?.checked_mul(extent_bytes)?,
            was_missing: Value::has(inner, "flags", "MISSING") || Value::has(inner, "status", "MISSING"),
        });
    }
    let mut logical = Vec::new();
    let all = Value::section(section, "logical_volumes").unwrap_or_default();
    for (name, value) in all {
        let Value::Section(inner) = value else { return None };
        if Value::has(inner, "status", "VISIBLE") {
            let stretches = match instead(name, all) {
                Some(what) => Err(what),
                None => stretches(inner, extent_bytes)?,
            };
            logical.push(Logical { name: (*name).to_owned(), stretches });
        }
    }
    logical.sort_by(|a, b| a.name.cmp(&b.name));
    let (id, version) = (plain(Value::text(section, "id")?), Value::number(section, "seqno")?);
    Some(Group { name: is_name(name).then(|| name.to_owned())?, id, version, physical, logical })
}

/// Without the hyphens that a text has and a label has not.
fn plain(id: &str) -> String {
    id.replace('-', "")
}

/// lvm(8): letters, digits and + _ . -, not beginning with a hyphen.
fn is_name(name: &str) -> bool {
    (1..=127).contains(&name.len())
        && !name.starts_with('-')
        && !matches!(name, "." | "..")
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+_.-".contains(&byte))
}

/// What another volume's segment makes of this one: the store of a snapshot, or an origin that one is being merged into.
/// An origin with a living snapshot is its own plain bytes.
fn instead(name: &str, all: &Section<'_>) -> Option<String> {
    if !is_name(name) {
        return Some("an LVM logical volume with a name that no volume can have".to_owned());
    }
    for segment in all.iter().flat_map(|(_, value)| segments(value)) {
        if Value::text(segment, "cow_store") == Some(name) || Value::text(segment, "merging_store") == Some(name) {
            return Some("LVM snapshot".to_owned());
        }
        if Value::text(segment, "origin") == Some(name) && text::find(segment, "merging_store").is_some() {
            return Some("LVM snapshot that is being merged".to_owned());
        }
    }
    None
}

fn segments<'s, 't>(volume: &'s Value<'t>) -> impl Iterator<Item = &'s Section<'t>> {
    let inner = match volume {
        Value::Section(inner) => inner.as_slice(),
        _ => &[],
    };
    inner.iter().filter_map(|(name, value)| match value {
        Value::Section(segment) if name.starts_with("segment") => Some(segment.as_slice()),
        _ => None,
    })
}

/// None: the text contradicts itself. The inner error: the name of what it is.
fn stretches(volume: &Section<'_>, extent_bytes: u64) -> Option<Result<Vec<Stretch>, String>> {
    let count = Value::number(volume, "segment_count")?;
    let mut stretches = Vec::new();
    let mut next = 0_u64;
    for number in 1..=count {
        if stretches.len() >= limits::LVM_NODES {
            return None;
        }
        let segment = Value::section(volume, &format!("segment{number}"))?;
        let (start, extents) = (Value::number(segment, "start_extent")?, Value::number(segment, "extent_count")?);
        if start != next || extents == 0 {
            return None;
        }
        next = next.checked_add(extents)?;
        let kind = Value::text(segment, "type")?;
        // A type may carry flags: `striped+COMPAT`.
        let (plain, flags) = kind.split_once('+').unwrap_or((kind, ""));
        let size_bytes = extents.checked_mul(extent_bytes)?;
        match plain {
            _ if !flags.is_empty() => return Some(Err(named(kind))),
            "zero" => stretches.push(Stretch { size_bytes, columns: Vec::new(), chunk_bytes: 0 }),
            "striped" | "linear" => stretches.push(striped(segment, size_bytes, extent_bytes)?),
            _ => return Some(Err(named(kind))),
        }
    }
    Some(Ok(stretches))
}

/// The type of a segment, where it is a word that LVM could have written.
fn named(kind: &str) -> String {
    let is_word = kind.len() <= 32 && kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_+".contains(&byte));
    if is_word { format!("LVM {kind}") } else { "LVM of an unknown kind".to_owned() }
}

fn striped(segment: &Section<'_>, size_bytes: u64, extent_bytes: u64) -> Option<Stretch> {
    let mut columns = Vec::new();
    for pair in Value::list(segment, "stripes")?.chunks(2) {
        let [Value::Text(name), Value::Number(extent)] = pair else { return None };
        columns.push(((*name).to_owned(), u64::try_from(*extent).ok()?.checked_mul(extent_bytes)?));
    }
    let count = u64::try_from(columns.len()).ok()?;
    if count == 0 || Value::number(segment, "stripe_count")? != count {
        return None;
    }
    let chunk_bytes = if count == 1 { 0 } else { Value::number(segment, "stripe_size")?.checked_mul(SECTOR)? };
    Some(Stretch { size_bytes, columns, chunk_bytes })
}
