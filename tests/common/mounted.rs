//! The kernel's view of an image, where this machine lets us mount: the other side of a comparison.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use extract::clock::Timestamp;
use extract::digest::Hasher;
use extract::scope::{EntryKind, FileTimes};

use crate::reach::Item;

/// A loop mount that ends with this value.
pub struct Mounted(PathBuf);

impl Mounted {
    /// Mounts an image; why not, where that is not allowed or the kernel refuses.
    pub fn new(image: &Path, at: &Path, options: &str) -> Result<Self, String> {
        if !rustix::process::geteuid().is_root() {
            return Err("loop mounts need root".to_owned());
        }
        fs::create_dir_all(at).expect("a mount point");
        let output = std::process::Command::new("mount").arg("-o").arg(options).arg(image).arg(at).output();
        match output {
            Ok(output) if output.status.success() => Ok(Self(at.to_owned())),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Everything below the root, as the kernel shows it. A folder that the kernel cannot list is left out.
    pub fn items(&self) -> BTreeMap<Vec<u8>, Item> {
        let mut items = BTreeMap::new();
        walk(&self.0, b"", &mut items);
        items
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(&self.0).output();
    }
}

fn walk(folder: &Path, below: &[u8], items: &mut BTreeMap<Vec<u8>, Item>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = [below, b"/", entry.file_name().as_bytes()].concat();
        let Ok(metadata) = entry.path().symlink_metadata() else { continue };
        let kind = match metadata.file_type() {
            kind if kind.is_file() => EntryKind::File,
            kind if kind.is_dir() => EntryKind::Folder,
            kind if kind.is_symlink() => EntryKind::Link,
            _ => EntryKind::Special,
        };
        let time = |seconds, nanoseconds: i64| Timestamp::new(seconds, u32::try_from(nanoseconds).unwrap_or(u32::MAX));
        let times = FileTimes {
            modified: time(metadata.mtime(), metadata.mtime_nsec()),
            changed: time(metadata.ctime(), metadata.ctime_nsec()),
            created: None,
            accessed: time(metadata.atime(), metadata.atime_nsec()),
        };
        let size_bytes = if kind == EntryKind::File { metadata.len() } else { 0 };
        let content = (kind == EntryKind::File).then(|| content(&entry.path()));
        items.insert(name.clone(), Item { kind, size_bytes, times, content });
        if kind == EntryKind::Folder {
            walk(&entry.path(), &name, items);
        }
    }
}

fn content(path: &Path) -> Result<(u64, extract::digest::Digest), String> {
    let mut file = fs::File::open(path).map_err(|error| error.to_string())?;
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 256 * 1024];
    let mut size = 0;
    loop {
        let read = file.read(&mut buffer).map_err(|error| error.to_string())?;
        if read == 0 {
            return Ok((size, hasher.finish()));
        }
        hasher.update(&buffer[..read]);
        size += read as u64;
    }
}
