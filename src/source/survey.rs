//! What staff ask of a source before they write an order about it: its image, its volumes, what stands on each.
//!
//! It reads tables, superblocks and, for a proposal of `mounts`, `/etc/fstab`; of files it tells no name and no count.
//!
//! **Invariant:** it answers about what can be read and what cannot alike; it is for the provider's eyes, and never packaged.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;

use super::held::{self, Disks, Held, Holding};
use super::mount_table::{self, Device};
use super::{Kind, Location, SourceError};
use crate::filesystem::{FileSystem, archive, identity};
use crate::image::StoredFile;
use crate::journal::Journal;
use crate::limits;
use crate::order::{self, VolumeName};
use crate::scope::{self, Entry};

/// What a source holds.
#[derive(Debug)]
pub struct Survey {
    /// Its name in the order.
    pub name: String,
    /// `folder`, an image format or an archive.
    pub kind: Kind,
    /// The stored files: how many, and their bytes together; none for a folder.
    pub stored: Option<(usize, u64)>,
    /// Its volumes; none of a folder and of an archive.
    pub volumes: Vec<Surveyed>,
    /// What tables of mounts propose: the volume that the table stands on, and volume to place.
    pub proposals: Vec<(String, BTreeMap<String, String>)>,
}

/// A volume.
#[derive(Debug)]
pub struct Surveyed {
    /// Its name, as `mounts` calls it.
    pub name: String,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// What it is made of, outermost first (`GPT`, `LUKS2`, `LVM2`).
    pub layers: Vec<&'static str>,
    /// What stands on it, in words.
    pub holds: String,
    /// The state of its journal, where its file system could be opened.
    pub journal: Option<Journal>,
    /// Files may be on it: a run must know where it stands.
    pub may_hold_files: bool,
}

impl Survey {
    /// Looks at the source that the order declares.
    pub fn of(declared: &order::Source, location: &Location) -> Result<Self, SourceError> {
        let name = declared.name.clone();
        let missing = |source| SourceError::Missing { name: name.clone(), source };
        let read = |source| SourceError::Read { name: name.clone(), source };
        let place = location.path.canonicalize().map_err(missing)?;
        let metadata = place.symlink_metadata().map_err(missing)?;
        let plain =
            |kind, stored| Self { name: name.clone(), kind, stored, volumes: Vec::new(), proposals: Vec::new() };
        if metadata.is_dir() {
            return Ok(plain(Kind::FOLDER, None));
        }
        if !metadata.is_file() {
            return Err(SourceError::NeitherFolderNorFile { name });
        }
        let file = Arc::new(StoredFile::open(&place).map_err(read)?);
        if let Some(kind) = archive::probe(file.as_ref()).map_err(read)? {
            return Ok(plain(Kind(kind), Some((1, file.size_bytes()))));
        }
        let disks = held::disks(&place, file, location).map_err(read)?;
        if !location.keys.is_empty() && !disks.is_unlocked() {
            return Err(SourceError::KeyOpensNothing { name });
        }
        let bytes = disks.files.iter().map(|file| file.size_bytes()).fold(0, u64::saturating_add);
        let volumes = disks.volumes.iter().map(|held| surveyed(declared, held)).collect();
        let stored = Some((disks.files.len(), bytes));
        Ok(Self { volumes, proposals: proposals(declared, &disks), ..plain(Kind(disks.kind), stored) })
    }

    /// Several volumes may hold files: a run needs `mounts`.
    pub fn needs_mounts(&self) -> bool {
        self.volumes.iter().filter(|volume| volume.may_hold_files).count() > 1
    }
}

fn surveyed(declared: &order::Source, held: &Held) -> Surveyed {
    let (holds, journal) = match &held.holding {
        Holding::Tree { format, .. } => match held.open(None, declared.zone) {
            Ok(filesystem) => (filesystem.name().unwrap_or(format.family).to_owned(), Some(filesystem.journal())),
            Err(error) => (format!("{}: {error}", format.family), None),
        },
        Holding::Part(first) => (format!("part of the file system on {first}"), None),
        Holding::Encrypted(method) => (format!("{method}: encrypted, and no key given opens it"), None),
        Holding::Unused(what) => (format!("{what}: no files"), None),
        Holding::Refused(error) => (error.to_string(), None),
    };
    let (name, size_bytes, layers) = (held.name.clone(), held.size_bytes, held.layers.clone());
    Surveyed { name, size_bytes, layers, holds, journal, may_hold_files: held.holding.may_hold_files() }
}

/// What the tables of mounts on the volumes say, as `mounts` would say it.
fn proposals(declared: &order::Source, disks: &Disks) -> Vec<(String, BTreeMap<String, String>)> {
    let named = disks.volumes.iter().map(|held| match &held.holding {
        Holding::Tree { bytes, .. } => (held, identity::of(bytes.as_ref())),
        _ => (held, identity::VolumeIdentity::default()),
    });
    let named: Vec<_> = named.collect();
    let mut proposals = Vec::new();
    for held in &disks.volumes {
        let Some(text) = table_of(declared, held) else { continue };
        let mut mounts = BTreeMap::new();
        for line in mount_table::read(&text) {
            let is_meant = |(held, identity): &&(&Held, identity::VolumeIdentity)| match &line.device {
                Device::Uuid(uuid) => identity.uuid.as_ref() == Some(uuid),
                Device::Label(label) => identity.label.as_ref() == Some(label),
                Device::Volume(name) => held.name == *name,
            };
            if let Some((held, _)) = named.iter().find(is_meant) {
                let volume = VolumeName { volume: held.name.clone(), subvolume: line.subvolume };
                mounts.entry(volume.to_string()).or_insert(line.at);
            }
        }
        if !mounts.is_empty() {
            proposals.push((held.name.clone(), mounts));
        }
    }
    proposals
}

/// `/etc/fstab` of a volume; of one with subvolumes also where distributions keep the root: in `@` or `root`.
fn table_of(declared: &order::Source, held: &Held) -> Option<Vec<u8>> {
    let Holding::Tree { format, .. } = &held.holding else { return None };
    let roots: &[Option<&str>] = if format.spans_volumes() { &[None, Some("@"), Some("root")] } else { &[None] };
    roots.iter().find_map(|root| {
        let filesystem = held.open(*root, declared.zone).ok()?;
        table_in(filesystem.as_ref())
    })
}

fn table_in(filesystem: &dyn FileSystem) -> Option<Vec<u8>> {
    let root = Entry::root(b"/", filesystem.root());
    let etc = scope::toward_mount_table(filesystem.list(&root).entries)?;
    let table = scope::toward_mount_table(filesystem.list(&etc).entries)?;
    let stream = filesystem.open(scope::survey_permit(table)?).ok()?.into_structure()?;
    let mut text = Vec::new();
    stream.take(limits::MOUNT_TABLE_BYTES).read_to_end(&mut text).ok()?;
    Some(text)
}
