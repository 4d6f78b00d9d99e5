//! Which volume of a source stands where on the server.
//!
//! What stands where is said by the provider file's `mounts`. Only a source with one volume that may hold files needs none.
//!
//! **Invariant:** nothing is guessed: where several volumes may hold files and nothing says where they stand, the source is
//! refused.

use std::sync::Arc;

use super::held::{Disks, Held};
use super::{Location, Mounted, SourceError};
use crate::order::{self, VolumeName};

/// The volumes that a run sees, by their number, each at its place on the server.
pub fn mounted(declared: &order::Source, location: &Location, disks: &Disks) -> Result<Vec<Mounted>, SourceError> {
    let name = || declared.name.clone();
    let mut chosen: Vec<(usize, VolumeName, Vec<u8>)> = Vec::new();
    if let Some(volume) = &declared.volume {
        let written = volume.to_string();
        if let Some(other) = location.mounts.keys().find(|key| **key != written) {
            return Err(SourceError::OtherVolume { name: name(), volume: other.clone() });
        }
        let at = location.mounts.get(&written).map_or("/", String::as_str);
        chosen.push((number(declared, disks, volume)?, volume.clone(), place(declared, at)?));
    } else if location.mounts.is_empty() {
        let (at, held) = only(declared, disks)?;
        chosen.push((at, VolumeName { volume: held.name.clone(), subvolume: None }, b"/".to_vec()));
    } else {
        for (written, at) in &location.mounts {
            let unknown = || SourceError::NoSuchVolume { name: name(), volume: written.clone() };
            let volume = VolumeName::parse(written).ok_or_else(unknown)?;
            chosen.push((number(declared, disks, &volume)?, volume, place(declared, at)?));
        }
    }
    chosen.sort_by(|a, b| (a.0, &a.1.subvolume, &a.2).cmp(&(b.0, &b.1.subvolume, &b.2)));
    let open = |(at, volume, mount): (usize, VolumeName, Vec<u8>)| {
        let failed = |source| SourceError::Volume { name: name(), volume: volume.to_string(), source };
        let held = disks.volumes.get(at).ok_or_else(|| unknown(declared, &volume))?;
        let filesystem = held.open(volume.subvolume.as_deref(), declared.zone).map_err(failed)?;
        let is_stated = declared.volume.is_some() || volume.to_string() == crate::volume::WHOLE;
        let stated = is_stated.then(|| volume.to_string());
        Ok(Mounted { volume: Some(volume.to_string()), stated, mount, filesystem: Arc::clone(&filesystem) })
    };
    chosen.into_iter().map(open).collect()
}

/// The one volume that may hold files.
fn only<'d>(declared: &order::Source, disks: &'d Disks) -> Result<(usize, &'d Held), SourceError> {
    let mut candidates = disks.volumes.iter().enumerate().filter(|(_, held)| held.holding.may_hold_files());
    let name = declared.name.clone();
    match (candidates.next(), candidates.count()) {
        (None, _) => Err(SourceError::NoVolume { name }),
        (Some(only), 0) => Ok(only),
        (Some(_), more) => Err(SourceError::NeedsMounts { name, count: more.saturating_add(1) }),
    }
}

fn number(declared: &order::Source, disks: &Disks, volume: &VolumeName) -> Result<usize, SourceError> {
    let found = disks.volumes.iter().position(|held| held.name == volume.volume);
    found.ok_or_else(|| unknown(declared, volume))
}

fn unknown(declared: &order::Source, volume: &VolumeName) -> SourceError {
    SourceError::NoSuchVolume { name: declared.name.clone(), volume: volume.to_string() }
}

/// A mount point: an absolute path of the server.
pub fn place(declared: &order::Source, at: &str) -> Result<Vec<u8>, SourceError> {
    let is_plain = at.starts_with('/') && !at.split('/').any(|part| part == "." || part == "..") && !at.contains("//");
    if is_plain { Ok(at.as_bytes().to_vec()) } else { Err(SourceError::BadMount { name: declared.name.clone() }) }
}
