//! Sources: the named things that an order lets us open, and the walk over them.
//!
//! **Invariant:** a source is opened for reading only; what it was when it was opened is checked at the end; a folder that
//! could not be listed is handed over as such and never left out.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::filesystem::{self, Changed, FileSystem, Folder, Opening};
use crate::image::{self, Hashing, Stored, StoredFile, signature};
use crate::limits;
use crate::order;
use crate::package::folder_of;
use crate::read_error::ReadError;
use crate::scope::{self, Entry, EntryKind, Scope};
use crate::volume::{self, Content, Key};

/// Why a source could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Its path leads nowhere, or to something that is neither a folder nor a file.
    #[error("source {name} cannot be opened: {source}")]
    Missing {
        /// The source's name in the order.
        name: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// It is neither a folder nor a regular file.
    #[error("source {name} is neither a folder nor a regular file")]
    NeitherFolderNorFile {
        /// The source's name in the order.
        name: String,
    },
    /// It is there and cannot be read.
    #[error("source {name}: {source}")]
    Read {
        /// The source's name in the order.
        name: String,
        /// Why.
        source: ReadError,
    },
    /// The provider file mounts a volume that the source does not have.
    #[error("source {name} has no volume {volume}")]
    NoSuchVolume {
        /// The source's name in the order.
        name: String,
        /// The volume's name in `mounts`.
        volume: String,
    },
    /// A mount is not an absolute path.
    #[error("source {name}: a volume must be mounted at an absolute path without `.` and `..`")]
    BadMount {
        /// The source's name in the order.
        name: String,
    },
}

/// Where a source is, and what the provider says of it.
#[derive(Clone, Debug)]
pub struct Location {
    /// The folder, the image or its first segment. It may be a link: it is followed once, by the operator's word.
    pub path: PathBuf,
    /// The further disks of the same server.
    pub disks: Vec<PathBuf>,
    /// The files behind the image, nearest first.
    pub backing: Vec<PathBuf>,
    /// The internal snapshot of the image to read.
    pub snapshot: Option<String>,
    /// Which volume is mounted where on the server: volume to absolute path.
    pub mounts: BTreeMap<String, String>,
    /// What opens its encrypted volumes.
    pub keys: Vec<Key>,
    /// A folder where a reader may keep a private socket.
    pub scratch: PathBuf,
}

impl Location {
    /// A path, and nothing said beside it.
    pub fn at(path: PathBuf, scratch: PathBuf) -> Self {
        Self {
            path,
            disks: Vec::new(),
            backing: Vec::new(),
            snapshot: None,
            mounts: BTreeMap::new(),
            keys: Vec::new(),
            scratch,
        }
    }
}

/// What kind of thing a source is, by its name in the package.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kind(&'static str);

impl Kind {
    /// A folder of this machine.
    pub const FOLDER: Self = Self("folder");

    /// `folder`, `raw` or `qcow2`.
    pub fn name(self) -> &'static str {
        self.0
    }
}

/// A file system of a source and where it stands on the server.
pub struct Mounted {
    /// The volume's name; none for a folder.
    pub volume: Option<String>,
    /// Where it is mounted on the server: an absolute path.
    pub mount: Vec<u8>,
    /// What is there.
    pub filesystem: Box<dyn FileSystem>,
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
    /// The stored files of an image.
    stored: Option<Vec<Arc<StoredFile>>>,
    /// Where it is, without links.
    place: PathBuf,
}

/// What a walk meets.
pub enum Found {
    /// Something that was listed, or a root. A folder comes after everything that is in it.
    Entry {
        /// Index into [`Source::volumes`].
        volume: usize,
        /// What it is.
        entry: Entry,
    },
    /// A folder that could not be listed to its end. What could be listed came before it.
    Unlisted {
        /// Index into [`Source::volumes`].
        volume: usize,
        /// The folder.
        folder: Entry,
        /// Why.
        error: ReadError,
    },
}

impl Source {
    /// Opens what the order declares, at the place that the provider names.
    pub fn open(declared: &order::Source, location: &Location) -> Result<Self, SourceError> {
        let mounts = &location.mounts;
        let name = declared.name.clone();
        let missing = |source| SourceError::Missing { name: name.clone(), source };
        let read = |source| SourceError::Read { name: name.clone(), source };
        let place = location.path.canonicalize().map_err(missing)?;
        let metadata = place.symlink_metadata().map_err(missing)?;
        if metadata.is_dir() {
            let filesystem = Box::new(Folder::open(&place, declared.times_original).map_err(read)?);
            let mount = mount_of(&name, mounts, volume::WHOLE)?;
            let volumes = vec![Mounted { volume: None, mount, filesystem }];
            refuse_unknown(&name, mounts, &[volume::WHOLE])?;
            return Ok(Self { name, kind: Kind::FOLDER, volumes, stored: None, place });
        }
        if !metadata.is_file() {
            return Err(SourceError::NeitherFolderNorFile { name });
        }
        let file = Arc::new(StoredFile::open(&place).map_err(read)?);
        let stored = Stored {
            file,
            place: place.clone(),
            backing: location.backing.clone(),
            snapshot: location.snapshot.clone(),
            scratch: location.scratch.clone(),
        };
        let opened = image::open(&stored).map_err(read)?;
        let listed = volume::list(&[opened.bytes], &location.keys).map_err(read)?;
        refuse_unknown(&name, mounts, &listed.iter().map(|volume| volume.name.as_str()).collect::<Vec<_>>())?;
        let mut volumes = Vec::new();
        for volume in listed {
            let Content::Bytes(bytes) = volume.content else { continue };
            let Some(format) = filesystem::format_of(bytes.as_ref()).map_err(read)? else {
                return Err(read(signature::refusal(&signature::of(bytes.as_ref()).map_err(read)?)));
            };
            let filesystem = format.open(&Opening::of(bytes)).map_err(read)?;
            let mount = mount_of(&name, mounts, &volume.name)?;
            volumes.push(Mounted { volume: Some(volume.name), mount, filesystem });
        }
        Ok(Self { name, kind: Kind(opened.format), volumes, stored: Some(opened.files), place })
    }

    /// The size of an image's stored file, in bytes; none for a folder.
    pub fn stored_bytes(&self) -> Option<u64> {
        let stored = self.stored.as_ref()?;
        Some(stored.iter().map(|stored| stored.size_bytes()).fold(0, u64::saturating_add))
    }

    /// Begins to take the SHA-256 of an image's stored file, beside the work; none for a folder.
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

    /// Walks every volume, in the order of path bytes, into the folders that a clause can reach. `index`: of this source
    /// in the order. The visitor may stop it.
    pub fn walk(
        &self,
        scope: &Scope,
        index: usize,
        visit: &mut dyn FnMut(Found) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for (volume, mounted) in self.volumes.iter().enumerate() {
            let root = mounted.root();
            let filesystem = mounted.filesystem.as_ref();
            Walk { scope, index, volume, filesystem, seen: HashSet::new() }.folder(root, 0, visit)?;
        }
        ControlFlow::Continue(())
    }
}

fn mount_of(name: &str, mounts: &BTreeMap<String, String>, volume: &str) -> Result<Vec<u8>, SourceError> {
    let mount = mounts.get(volume).map_or("/", String::as_str);
    let is_plain =
        mount.starts_with('/') && !mount.split('/').any(|part| part == "." || part == "..") && !mount.contains("//");
    if is_plain { Ok(mount.as_bytes().to_vec()) } else { Err(SourceError::BadMount { name: name.to_owned() }) }
}

fn refuse_unknown(name: &str, mounts: &BTreeMap<String, String>, volumes: &[&str]) -> Result<(), SourceError> {
    match mounts.keys().find(|volume| !volumes.contains(&volume.as_str())) {
        Some(volume) => Err(SourceError::NoSuchVolume { name: name.to_owned(), volume: volume.clone() }),
        None => Ok(()),
    }
}

struct Walk<'w> {
    scope: &'w Scope,
    index: usize,
    volume: usize,
    filesystem: &'w dyn FileSystem,
    /// The folders that were listed, by a hash of how the file system finds them: a damaged image may lead into a folder
    /// by two names, and by two more below that, without end.
    seen: HashSet<u64>,
}

impl Walk<'_> {
    fn folder(
        &mut self,
        folder: Entry,
        depth: usize,
        visit: &mut dyn FnMut(Found) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let volume = self.volume;
        if !self.scope.descends(self.index, &folder) {
            return visit(Found::Entry { volume, entry: folder });
        }
        let listing = match self.refuse(&folder, depth) {
            Some(error) => filesystem::Listing { entries: Vec::new(), error: Some(error) },
            None => self.filesystem.list(&folder),
        };
        let mut entries = listing.entries;
        scope::mark_maildir(&folder, &mut entries);
        scope::sort_entries(&mut entries);
        for entry in entries {
            if entry.kind() == EntryKind::Folder {
                self.folder(entry, depth + 1, visit)?;
            } else {
                visit(Found::Entry { volume, entry })?;
            }
        }
        match listing.error {
            Some(error) => visit(Found::Unlisted { volume, folder, error }),
            None => visit(Found::Entry { volume, entry: folder }),
        }
    }

    fn refuse(&mut self, folder: &Entry, depth: usize) -> Option<ReadError> {
        if depth > limits::FOLDER_DEPTH {
            return Some(ReadError::Limit { offset: 0, what: "folders within one another" });
        }
        let mut hasher = DefaultHasher::new();
        folder.node().bytes().hash(&mut hasher);
        let is_new = self.seen.insert(hasher.finish());
        (!is_new).then_some(ReadError::Corrupt { offset: 0, what: "a folder that two names lead to" })
    }
}
