//! A folder of this machine.
//!
//! Every path is resolved by the kernel beneath the folder's own descriptor and through no link (`openat2` with
//! `RESOLVE_BENEATH` and `RESOLVE_NO_SYMLINKS`); where the kernel has no such call, one component at a time with `O_NOFOLLOW`.
//! So a name that turns into a link while we read cannot lead outside.
//!
//! **Invariant:** only a regular file that is still the inode that was listed is opened, and what it gives is as long as it
//! was then; devices, pipes and sockets are never opened; nothing is written, not even an access time where that can be
//! avoided.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Statx, StatxFlags};
use rustix::io::Errno;

use super::{Changed, FileSystem, Listing};
use crate::clock::Timestamp;
use crate::image::Identity;
use crate::journal::Journal;
use crate::limits;
use crate::read_error::ReadError;
use crate::scope::{Entry, EntryKind, FileTime, FileTimes, Node, Opened, Permit};

/// A folder of this machine as a file system.
pub struct Folder {
    root: OwnedFd,
    /// Its file times are the server's own.
    times_original: bool,
    /// What was opened, and what it was then.
    opened: Mutex<Vec<(Box<[u8]>, Identity)>>,
}

/// How a folder finds an entry again: device and inode as listed, and the path below the root.
struct Place<'n> {
    file: Option<(u64, u64)>,
    path: &'n [u8],
}

impl<'n> Place<'n> {
    fn of(node: &'n Node) -> Self {
        let bytes = node.bytes();
        let long = |at: usize| bytes.get(at..at + 8).and_then(|field| field.try_into().ok()).map(u64::from_le_bytes);
        Self { file: long(0).zip(long(8)), path: bytes.get(16..).unwrap_or_default() }
    }

    fn node(file: (u64, u64), path: &[u8]) -> Node {
        Node::new([&file.0.to_le_bytes(), &file.1.to_le_bytes(), path].concat())
    }
}

fn failed(error: Errno) -> ReadError {
    ReadError::io(0, error.into())
}

impl Folder {
    /// Opens it. `path` itself may be a link: it is the operator's word.
    pub fn open(path: &Path, times_original: bool) -> Result<Self, ReadError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(path, flags, Mode::empty()).map_err(failed)?;
        Ok(Self { root, times_original, opened: Mutex::new(Vec::new()) })
    }

    fn open_beneath(&self, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        // Without permission to leave the access time alone (the file is another user's), it is opened without.
        match self.open_once(path, flags | OFlags::NOATIME) {
            Err(Errno::PERM) => self.open_once(path, flags),
            other => other,
        }
    }

    fn open_once(&self, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        let path = if path.is_empty() { b"." } else { path };
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        if path.len() < 4096 {
            match rustix::fs::openat2(&self.root, path, flags, Mode::empty(), resolve) {
                Err(Errno::NOSYS | Errno::PERM) => {}
                other => return other,
            }
        }
        self.open_by_component(path, flags)
    }

    /// Where `openat2` is missing or forbidden, or the path is longer than the kernel takes at once.
    fn open_by_component(&self, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut components = path.split(|byte| *byte == b'/').peekable();
        let mut folder: Option<OwnedFd> = None;
        while let Some(name) = components.next() {
            if name.is_empty() || name == b".." {
                return Err(Errno::INVAL);
            }
            let from = folder.as_ref().map_or(self.root.as_fd(), |folder| folder.as_fd());
            let is_last = components.peek().is_none();
            let next = rustix::fs::openat(from, name, if is_last { flags } else { step }, Mode::empty())?;
            if is_last {
                return Ok(next);
            }
            folder = Some(next);
        }
        Err(Errno::NOENT)
    }

    fn entry(&self, folder: &Entry, within: &OwnedFd, path: &[u8], name: &[u8]) -> Entry {
        let path = if path.is_empty() { name.to_vec() } else { [path, b"/", name].concat() };
        let mask = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
        let stat = rustix::fs::statx(within, name, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT, mask);
        let Ok(stat) = stat else {
            let node = Place::node((0, 0), &path);
            return folder.child(name, EntryKind::Unreadable, 0, FileTimes::default(), node);
        };
        let kind = match FileType::from_raw_mode(stat.stx_mode.into()) {
            FileType::RegularFile => EntryKind::File,
            FileType::Directory => EntryKind::Folder,
            FileType::Symlink => EntryKind::Link,
            _ => EntryKind::Special,
        };
        let size_bytes = if kind == EntryKind::File { stat.stx_size } else { 0 };
        let device = rustix::fs::makedev(stat.stx_dev_major, stat.stx_dev_minor);
        let node = Place::node((device, stat.stx_ino), &path);
        folder.child(
            name,
            kind,
            size_bytes,
            if self.times_original { times(&stat) } else { FileTimes::default() },
            node,
        )
    }

    fn list_into(&self, folder: &Entry, entries: &mut Vec<Entry>) -> Result<(), ReadError> {
        let place = Place::of(folder.node());
        let within = self.open_beneath(place.path, OFlags::DIRECTORY).map_err(failed)?;
        let stat = rustix::fs::fstat(&within).map_err(failed)?;
        if place.file.is_some_and(|file| file != Identity::of(&stat).file()) {
            return Err(ReadError::Corrupt { offset: 0, what: "a folder was replaced while the source was read" });
        }
        for found in Dir::read_from(&within).map_err(failed)? {
            let found = found.map_err(failed)?;
            let name = found.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            if entries.len() >= limits::FOLDER_ENTRIES {
                return Err(ReadError::Limit { offset: 0, what: "entries of one folder" });
            }
            entries.push(self.entry(folder, &within, place.path, name));
        }
        Ok(())
    }
}

fn times(stat: &Statx) -> FileTimes {
    let time = |mask: StatxFlags, time: rustix::fs::StatxTimestamp| {
        let given = StatxFlags::from_bits_retain(stat.stx_mask).contains(mask);
        given.then(|| Timestamp::new(time.tv_sec, time.tv_nsec)).flatten().map(FileTime::at)
    };
    FileTimes {
        modified: time(StatxFlags::MTIME, stat.stx_mtime),
        changed: time(StatxFlags::CTIME, stat.stx_ctime),
        created: time(StatxFlags::BTIME, stat.stx_btime),
        accessed: time(StatxFlags::ATIME, stat.stx_atime),
    }
}

impl FileSystem for Folder {
    fn name(&self) -> Option<&'static str> {
        None
    }

    fn journal(&self) -> Journal {
        Journal::None
    }

    fn root(&self) -> Node {
        Node::new([])
    }

    fn list(&self, folder: &Entry) -> Listing {
        let mut entries = Vec::new();
        let error = self.list_into(folder, &mut entries).err();
        Listing { entries, error }
    }

    fn open(&self, permit: Permit) -> Result<Opened, ReadError> {
        let place = Place::of(permit.node());
        let file = File::from(self.open_beneath(place.path, OFlags::empty()).map_err(failed)?);
        let stat = rustix::fs::fstat(&file).map_err(failed)?;
        let identity = Identity::of(&stat);
        let is_listed = place.file == Some(identity.file()) && identity.size_bytes() == permit.size_bytes();
        if !FileType::from_raw_mode(stat.st_mode).is_file() || !is_listed {
            return Err(ReadError::Corrupt { offset: 0, what: "a file was replaced while the source was read" });
        }
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.push((place.path.into(), identity));
        drop(opened);
        let stream = FolderStream { file, position: 0, size_bytes: identity.size_bytes() };
        Ok(permit.opened(Box::new(stream)))
    }

    fn unchanged(&self) -> Result<(), Changed> {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let is_unchanged = |path: &[u8], then: Identity| {
            let now = self.open_beneath(path, OFlags::empty()).and_then(rustix::fs::fstat);
            now.is_ok_and(|stat| Identity::of(&stat) == then)
        };
        let count = opened.iter().filter(|(path, then)| !is_unchanged(path, *then)).count();
        if count == 0 { Ok(()) } else { Err(Changed { count: u64::try_from(count).unwrap_or(u64::MAX) }) }
    }
}

struct FolderStream {
    file: File,
    position: u64,
    size_bytes: u64,
}

impl Read for FolderStream {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = usize::try_from(self.size_bytes - self.position).unwrap_or(usize::MAX);
        let length = left.min(buffer.len());
        let (part, _) = buffer.split_at_mut(length);
        if part.is_empty() {
            return Ok(0);
        }
        let read = self.file.read_at(part, self.position).map_err(|error| ReadError::io(self.position, error))?;
        if read == 0 {
            let what = "a file became shorter while it was read";
            return Err(ReadError::Corrupt { offset: self.position, what }.into());
        }
        self.position += u64::try_from(read).unwrap_or(0);
        Ok(read)
    }
}
