//! Sources: the named things that an order lets us open, and the walk over them.
//!
//! **Invariant:** a source is opened for reading only; what it was when it was opened is checked at the end; a folder that
//! could not be listed is handed over as such and never left out.

mod error;
mod held;
mod location;
mod mount_table;
mod mounting;
mod survey;
mod walk;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use error::SourceError;
pub use location::Location;
pub use survey::{Survey, Surveyed};
pub use walk::Found;

use crate::beside::folder_of;
use crate::filesystem::{Changed, FileSystem, Folder, archive};
use crate::image::{self, Hashing, StoredFile};
use crate::journal::Journal;
use crate::order;
use crate::scope::{ClauseSet, Entry, Scope};
use crate::volume;

/// What kind of thing a source is, by its name in the package.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kind(&'static str);

impl Kind {
    /// A folder of this machine.
    pub const FOLDER: Self = Self("folder");

    /// `folder`, an image format (`raw`, `qcow2`, ...) or an archive (`tar.gz`, `zip`, ...).
    pub fn name(self) -> &'static str {
        self.0
    }
}

/// A file system of a source and where it stands on the server.
pub struct Mounted {
    /// The volume's name; none for a folder and for an archive.
    pub volume: Option<String>,
    /// The volume's name as the package states it: what only the provider's file names goes by a number. None where no clause
    /// reaches it.
    pub stated: Option<String>,
    /// Where it is mounted on the server: an absolute path.
    pub mount: Vec<u8>,
    /// What is there.
    pub filesystem: Arc<dyn FileSystem>,
}

impl Mounted {
    /// The root of its tree, at its place on the server.
    pub fn root(&self) -> Entry {
        Entry::root(&self.mount, self.filesystem.root())
    }
}

/// One named thing that the order lets us open, open.
pub struct Source {
    /// Its name in the order.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its file systems, by number of the volume.
    pub volumes: Vec<Mounted>,
    /// The stored files of an image or an archive.
    stored: Option<Vec<Arc<StoredFile>>>,
    /// The disks of an image.
    images: Vec<Arc<dyn image::Image>>,
    /// Where it is, without links.
    place: PathBuf,
    /// For what archives unpack to.
    scratch: PathBuf,
}

impl Source {
    /// Opens what the order declares, at the place that the provider names.
    pub fn open(declared: &order::Source, location: &Location) -> Result<Self, SourceError> {
        let name = declared.name.clone();
        let missing = |source| SourceError::Missing { name: name.clone(), source };
        let read = |source| SourceError::Read { name: name.clone(), source };
        let place = location.path.canonicalize().map_err(missing)?;
        let metadata = place.symlink_metadata().map_err(missing)?;
        let scratch = location.scratch.clone();
        if metadata.is_dir() {
            only_of_images(declared, location, Kind::FOLDER.name())?;
            let filesystem = Arc::new(Folder::open(&place, declared.times_original).map_err(read)?);
            let volumes = vec![alone(declared, location, filesystem)?];
            return Ok(Self { name, kind: Kind::FOLDER, volumes, stored: None, images: Vec::new(), place, scratch });
        }
        if !metadata.is_file() {
            return Err(SourceError::NeitherFolderNorFile { name });
        }
        let file = Arc::new(StoredFile::open(&place).map_err(read)?);
        if let Some(kind) = archive::probe(file.as_ref()).map_err(read)? {
            only_of_images(declared, location, kind)?;
            let opened = archive::open(Arc::clone(&file) as Arc<dyn image::Image>, &scratch, declared.zone);
            let filesystem = Arc::from(opened.map_err(read)?);
            let volumes = vec![alone(declared, location, filesystem)?];
            return Ok(Self {
                name,
                kind: Kind(kind),
                volumes,
                stored: Some(vec![file]),
                images: Vec::new(),
                place,
                scratch,
            });
        }
        let disks = held::disks(&place, file, location).map_err(read)?;
        if !location.keys.is_empty() && !disks.is_unlocked() {
            return Err(SourceError::KeyOpensNothing { name });
        }
        let volumes = mounting::mounted(declared, location, &disks)?;
        let held::Disks { kind, files, images, .. } = disks;
        Ok(Self { name, kind: Kind(kind), volumes, stored: Some(files), images, place, scratch })
    }

    /// Names the volumes for the package: what only the provider's file names goes by a number, dense over the volumes that
    /// a clause reaches. `index`: of this source in the order.
    pub fn state_volumes(&mut self, scope: &Scope, index: usize) {
        let reached: Vec<bool> =
            (0..self.volumes.len()).map(|at| !self.reaching(scope, index, at).is_empty()).collect();
        let mut number = 0;
        for (volume, _) in self.volumes.iter_mut().zip(reached).filter(|(_, is_reached)| *is_reached) {
            if volume.volume.is_some() && volume.stated.is_none() {
                number += 1;
                volume.stated = Some(format!("v{number}"));
            }
        }
    }

    /// The clauses that may ask for something on that volume, where others stand over parts of it.
    pub fn reaching(&self, scope: &Scope, index: usize, volume: usize) -> ClauseSet {
        let over: Vec<&[u8]> = self
            .volumes
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != volume)
            .map(|(_, other)| other.mount.as_slice())
            .collect();
        self.volumes.get(volume).map_or(ClauseSet::EMPTY, |mounted| scope.clauses_on(index, &mounted.root(), &over))
    }

    /// The state of every journal that matters: of file systems that a clause's path reaches, with the name in the package
    /// and the clauses.
    pub fn journals<'s>(
        &'s self,
        scope: &'s Scope,
        index: usize,
    ) -> impl Iterator<Item = (&'s str, Journal, ClauseSet)> + 's {
        self.volumes.iter().enumerate().filter_map(move |(at, mounted)| {
            let clauses = self.reaching(scope, index, at);
            let name = mounted.stated.as_deref().filter(|_| !clauses.is_empty())?;
            Some((name, mounted.filesystem.journal(), clauses))
        })
    }

    /// The size of the stored files of an image or an archive, in bytes; none for a folder.
    pub fn stored_bytes(&self) -> Option<u64> {
        let stored = self.stored.as_ref()?;
        Some(stored.iter().map(|stored| stored.size_bytes()).fold(0, u64::saturating_add))
    }

    /// Where it is on this machine, without links: for the provider's own audit.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// The files that an image or an archive is stored in, in the order in which they are hashed; none of a folder.
    pub fn stored(&self) -> impl Iterator<Item = &StoredFile> {
        self.stored.iter().flatten().map(Arc::as_ref)
    }

    /// The other program of this machine that reads it, with its version; none where this one does it alone.
    pub fn program(&self) -> Option<String> {
        self.images.iter().find_map(|image| image.program())
    }

    /// Begins to take the SHA-256 of the stored files, beside the work; none for a folder.
    pub fn hash(&self) -> Option<Hashing> {
        self.stored.as_ref().map(|stored| image::hash_beside(stored.clone()))
    }

    /// Everything that was opened is as it was: said once, at the end.
    pub fn unchanged(&self) -> Result<(), Changed> {
        let images = self.stored.iter().flatten().filter(|stored| !stored.is_unchanged());
        let mut count = u64::try_from(images.count()).unwrap_or(u64::MAX);
        for volume in &self.volumes {
            count += volume.filesystem.unchanged().err().map_or(0, |changed| changed.count);
        }
        if count == 0 { Ok(()) } else { Err(Changed { count }) }
    }

    /// A file at `output`, whose folder must be there, would stand inside this source (or be it).
    pub fn contains_output(&self, output: &Path) -> std::io::Result<bool> {
        let place = folder_of(output).canonicalize()?.join(output.file_name().unwrap_or_default());
        Ok(place.starts_with(&self.place))
    }

    /// The root of every volume, before a walk.
    pub fn roots(&self) -> impl Iterator<Item = Entry> {
        self.volumes.iter().map(Mounted::root)
    }
}

/// A folder or an archive: one tree, which stands at `/` unless `mounts` says where.
fn alone(
    declared: &order::Source,
    location: &Location,
    filesystem: Arc<dyn FileSystem>,
) -> Result<Mounted, SourceError> {
    if let Some(volume) = location.mounts.keys().find(|volume| *volume != volume::WHOLE) {
        return Err(SourceError::NoSuchVolume { name: declared.name.clone(), volume: volume.clone() });
    }
    let at = location.mounts.get(volume::WHOLE).map_or("/", String::as_str);
    Ok(Mounted { volume: None, stated: None, mount: mounting::place(declared, at)?, filesystem })
}

fn only_of_images(declared: &order::Source, location: &Location, kind: &'static str) -> Result<(), SourceError> {
    let said: [(bool, &'static str); 5] = [
        (declared.volume.is_some(), "volumes (`volume`)"),
        (!location.disks.is_empty(), "further disks (`disks`)"),
        (!location.backing.is_empty(), "backing files (`backing`)"),
        (location.snapshot.is_some(), "snapshots (`snapshot`)"),
        (!location.keys.is_empty(), "keys (--key)"),
    ];
    match said.into_iter().find(|(is_said, _)| *is_said) {
        Some((_, what)) => Err(SourceError::OnlyOfImages { name: declared.name.clone(), kind, what }),
        None => Ok(()),
    }
}
