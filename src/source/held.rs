//! What the disks of a source hold: their images, the volumes on them, and on each volume a file system, or why there is none.
//!
//! **Invariant:** nothing is opened that the operator does not name; a volume that cannot be read is told by its name and
//! never left out.

use std::path::Path;
use std::sync::Arc;

use super::Location;
use crate::filesystem::{self, FileSystem, FileSystemFormat, Opening};
use crate::image::{self, Image, OpenedImage, Stored, StoredFile, signature};
use crate::read_error::ReadError;
use crate::volume::{self, Content, Volume};

/// A volume, and what stands on it.
pub struct Held {
    /// Its name: `p2`, `vg/var`, `md0`, `whole`.
    pub name: String,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// What it is made of, outermost first.
    pub layers: Vec<&'static str>,
    /// A key has opened it.
    pub is_unlocked: bool,
    /// What stands on it.
    pub holding: Holding,
}

/// What stands on a volume.
pub enum Holding {
    /// A file system of a family that is read.
    Tree {
        /// Its family.
        format: &'static FileSystemFormat,
        /// The volume.
        bytes: Arc<dyn Image>,
        /// The other volumes that it spans.
        others: Vec<Arc<dyn Image>>,
    },
    /// A further volume of a file system that is told at its first one.
    Part(String),
    /// Encrypted bytes, and no key: the method.
    Encrypted(String),
    /// Nothing that could hold files.
    Unused(&'static str),
    /// What is not read, by its name.
    Refused(ReadError),
}

impl Holding {
    /// Files may be there.
    pub fn may_hold_files(&self) -> bool {
        match self {
            Self::Tree { .. } | Self::Encrypted(_) | Self::Refused(_) => true,
            Self::Part(_) | Self::Unused(_) => false,
        }
    }
}

impl Disks {
    /// A key that was given has opened something.
    pub fn is_unlocked(&self) -> bool {
        self.volumes.iter().any(|held| held.is_unlocked)
    }
}

impl Held {
    /// Opens the file system on it: of what is encrypted, one that says so wherever it is asked.
    pub fn open(
        &self,
        subvolume: Option<&str>,
        zone: Option<crate::clock::Zone>,
    ) -> Result<Arc<dyn FileSystem>, ReadError> {
        match &self.holding {
            Holding::Tree { format, bytes, others } => {
                let opening = Opening {
                    volume: Arc::clone(bytes),
                    others: others.clone(),
                    subvolume: subvolume.map(|path| path.as_bytes().to_vec()),
                    zone,
                };
                Ok(Arc::from(format.open(&opening)?))
            }
            Holding::Encrypted(method) => Ok(Arc::new(filesystem::Locked::new(method.clone()))),
            Holding::Part(first) => Err(unsupported(format!("a part of the file system that is named {first}"))),
            Holding::Unused(name) => Err(unsupported(format!("{name}: it holds no files"))),
            Holding::Refused(ReadError::Unsupported { offset, what }) => {
                Err(ReadError::Unsupported { offset: *offset, what: what.clone() })
            }
            Holding::Refused(error) => Err(unsupported(error.to_string())),
        }
    }
}

fn unsupported(what: String) -> ReadError {
    ReadError::Unsupported { offset: 0, what }
}

/// The disks of a source, open.
pub struct Disks {
    /// The kind of the first one.
    pub kind: &'static str,
    /// Every file that they are stored in.
    pub files: Vec<Arc<StoredFile>>,
    /// Their volumes.
    pub volumes: Vec<Held>,
    /// The disks as images.
    pub images: Vec<Arc<dyn Image>>,
}

/// Opens the image at `place` and the further disks.
pub fn disks(place: &Path, file: Arc<StoredFile>, location: &Location) -> Result<Disks, ReadError> {
    let first = image::open(&Stored {
        file,
        place: place.to_owned(),
        backing: location.backing.clone(),
        snapshot: location.snapshot.clone(),
        scratch: location.scratch.clone(),
    })?;
    let kind = first.format;
    let mut images = vec![first];
    for path in &location.disks {
        images.push(further(path, location)?);
    }
    let bytes: Vec<Arc<dyn Image>> = images.iter().map(|image| Arc::clone(&image.bytes)).collect();
    let volumes = held(volume::list(&bytes, &location.keys)?);
    Ok(Disks { kind, files: images.into_iter().flat_map(|image| image.files).collect(), volumes, images: bytes })
}

fn further(path: &Path, location: &Location) -> Result<OpenedImage, ReadError> {
    let place = path.canonicalize().map_err(|error| ReadError::io(0, error))?;
    image::open(&Stored {
        file: Arc::new(StoredFile::open(&place)?),
        place,
        backing: Vec::new(),
        snapshot: None,
        scratch: location.scratch.clone(),
    })
}

fn held(listed: Vec<Volume>) -> Vec<Held> {
    let mut sets: Vec<([u8; 16], usize)> = Vec::new();
    let mut all: Vec<Held> = Vec::new();
    for volume in listed {
        let Volume { name, size_bytes, layers, keys, content } = volume;
        let holding = match content {
            Content::Bytes(bytes) => standing(bytes).unwrap_or_else(Holding::Refused),
            Content::Encrypted(method) => Holding::Encrypted(method),
            Content::Unused(what) => Holding::Unused(what),
            Content::Refused(error) => Holding::Refused(error),
        };
        let (holding, set) = match holding {
            Holding::Tree { format, bytes, .. } => match format.set(bytes.as_ref()) {
                Ok(set) => (Holding::Tree { format, bytes, others: Vec::new() }, set),
                Err(error) => (Holding::Refused(error), None),
            },
            other => (other, None),
        };
        let first = set.and_then(|set| sets.iter().find(|(known, _)| *known == set)).map(|(_, at)| *at);
        let holding = match (first.and_then(|at| all.get_mut(at)), holding) {
            (Some(Held { name, holding: Holding::Tree { others, .. }, .. }), Holding::Tree { bytes, .. }) => {
                others.push(bytes);
                Holding::Part(name.clone())
            }
            (_, holding) => {
                sets.extend(set.map(|set| (set, all.len())));
                holding
            }
        };
        all.push(Held { name, size_bytes, layers, is_unlocked: !keys.is_empty(), holding });
    }
    all
}

/// The family of file systems on a volume, or the name of what else is there.
fn standing(bytes: Arc<dyn Image>) -> Result<Holding, ReadError> {
    match filesystem::format_of(bytes.as_ref())? {
        Some(format) => Ok(Holding::Tree { format, bytes, others: Vec::new() }),
        None => Err(signature::refusal(&signature::of(bytes.as_ref())?)),
    }
}
