//! Files that lie beside a package, by number: `2024-17.tar.sig`, then `2024-17.tar.2.sig` and so on; and what they are over.
//!
//! **Invariant:** what exists is never replaced, and no file is read beyond its bound.

mod message;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

pub use message::Message;

/// One kind of file that lies beside a package.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kind {
    /// What their names end in, without the dot.
    pub ending: &'static str,
    /// How many there may be beside one package.
    pub count: usize,
    /// How long one may be, in bytes.
    pub bytes: u64,
}

/// A file that lies beside a package.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// From 1.
    pub number: usize,
    /// The name of the file.
    pub name: String,
    /// What it holds, or why it was not read.
    pub content: Result<Vec<u8>, Unread>,
}

/// Why a file was not read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unread {
    /// Reading it failed.
    #[error("it cannot be read: {0}")]
    Io(String),
    /// Not a regular file.
    #[error("it is not a regular file")]
    NotAFile,
    /// Over the bound.
    #[error("it has {bytes} bytes, and such a file has {most} at most: it was not read")]
    TooLong {
        /// How long it is.
        bytes: u64,
        /// How long it may be.
        most: u64,
    },
}

/// The path of the tar that what lies beside a package belongs to: that of the package, without `.age` at its end. Who
/// decrypts it has them beside it.
pub fn tar_of(package: &Path) -> PathBuf {
    match package.extension() {
        Some(extension) if extension == "age" => package.with_extension(""),
        _ => package.to_owned(),
    }
}

impl Kind {
    /// Where the file of that number lies, from 1.
    pub fn path(self, package: &Path, number: usize) -> PathBuf {
        let mut path = OsString::from(tar_of(package));
        if number > 1 {
            path.push(format!(".{number}"));
        }
        path.push(".");
        path.push(self.ending);
        path.into()
    }

    /// The name of that file, without the folders that lead to it.
    pub fn name(self, package: &Path, number: usize) -> String {
        self.path(package, number).file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Whether something lies there; a link that leads nowhere does too.
    pub fn is_there(self, package: &Path, number: usize) -> bool {
        let seen = fs::symlink_metadata(self.path(package, number));
        !matches!(seen, Err(error) if error.kind() == io::ErrorKind::NotFound)
    }

    /// The highest number of those that are there; 0 where there is none.
    pub fn last(self, package: &Path) -> usize {
        (1..=self.count).rev().find(|number| self.is_there(package, *number)).unwrap_or(0)
    }

    /// All that lie beside a package, by number.
    pub fn all(self, package: &Path) -> Vec<Found> {
        (1..=self.count).filter_map(|number| self.find(package, number)).collect()
    }

    /// The one of that number, where it is there.
    pub fn find(self, package: &Path, number: usize) -> Option<Found> {
        let content = || self.read(&self.path(package, number));
        self.is_there(package, number).then(|| Found { number, name: self.name(package, number), content: content() })
    }

    /// Reads a file of this kind, wherever it lies.
    pub fn read(self, path: &Path) -> Result<Vec<u8>, Unread> {
        let unread = |error: io::Error| Unread::Io(error.to_string());
        // Before it is opened: a pipe would wait for ever.
        let metadata = fs::metadata(path).map_err(unread)?;
        if !metadata.is_file() {
            return Err(Unread::NotAFile);
        }
        if metadata.len() > self.bytes {
            return Err(Unread::TooLong { bytes: metadata.len(), most: self.bytes });
        }
        let mut content = Vec::new();
        File::open(path).map_err(unread)?.take(self.bytes).read_to_end(&mut content).map_err(unread)?;
        Ok(content)
    }

    /// Lays a file beside a package, under the first name that is free; where that is.
    pub fn write(self, package: &Path, content: &[u8]) -> io::Result<PathBuf> {
        let mut file = written(package, content)?;
        for number in 1..=self.count {
            let path = self.path(package, number);
            match file.persist_noclobber(&path) {
                Ok(_) => return sync_folder_of(&path).map(|()| path),
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => file = error.file,
                Err(error) => return Err(error.error),
            }
        }
        Err(io::Error::other(format!("{} files .{} lie beside it, and there can be no more", self.count, self.ending)))
    }

    /// Lays a file beside a package under that number, which must be free; where that is.
    pub fn write_as(self, package: &Path, number: usize, content: &[u8]) -> io::Result<PathBuf> {
        let path = self.path(package, number);
        write_new(&path, content)?;
        Ok(path)
    }
}

/// Writes a new file, never over one that exists, and brings it to the disk.
pub fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    written(path, content)?.persist_noclobber(path).map_err(|error| error.error)?;
    sync_folder_of(path)
}

/// Brings the names in a file's folder to the disk.
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

/// The folder that a path names its last part in.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The content on the disk, in the folder of that file and without a name that anyone looks for.
fn written(path: &Path, content: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // Whoever may read the package may read what lies beside it; the user's mask still counts.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.prefix(".extract-").tempfile_in(folder_of(path))?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Kind = Kind { ending: "sig", count: 3, bytes: 4 };

    #[test]
    fn names_are_numbered_from_the_second_on_and_none_is_used_twice() {
        let folder = tempfile::tempdir().unwrap();
        let package = folder.path().join("a.tar");
        for name in ["a.tar.sig", "a.tar.2.sig", "a.tar.3.sig"] {
            assert_eq!(KIND.write(&package, name.get(..4).unwrap().as_bytes()).unwrap(), folder.path().join(name));
        }
        assert!(KIND.write(&package, b"more").unwrap_err().to_string().starts_with("3 files .sig lie beside it"));
        assert!(KIND.write_as(&package, 2, b"else").is_err());
        let found = KIND.all(&package);
        assert_eq!(found.iter().map(|found| found.number).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(found.iter().all(|found| found.content.as_deref() == Ok(b"a.ta")));
        assert_eq!((KIND.last(&package), fs::read_dir(folder.path()).unwrap().count()), (3, 3));
    }

    #[test]
    fn an_encrypted_package_has_beside_it_what_its_tar_has() {
        for package in ["x/a.tar", "x/a.tar.age"] {
            assert_eq!(KIND.path(Path::new(package), 2), Path::new("x/a.tar.2.sig"));
        }
    }

    #[test]
    fn what_is_too_long_or_no_file_is_there_and_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let package = folder.path().join("a.tar");
        assert_eq!((KIND.last(&package), KIND.all(&package)), (0, Vec::new()));
        fs::write(KIND.path(&package, 1), b"12345").unwrap();
        fs::create_dir(KIND.path(&package, 3)).unwrap();
        let found = KIND.all(&package);
        assert_eq!(found[0].content, Err(Unread::TooLong { bytes: 5, most: 4 }));
        assert_eq!((found[1].number, &found[1].content), (3, &Err(Unread::NotAFile)));
    }
}
