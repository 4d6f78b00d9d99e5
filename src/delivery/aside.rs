//! A file that is written aside, and gets its name when it is complete: a package, or an audit. One for recipients is encrypted
//! on its way to the disk.
//!
//! **Invariant:** it is never laid over something that has its name; dropped before it has it, nothing is left; the name that it
//! has meanwhile tells nothing but the order's id.

use std::fs::{File, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::encrypting::{Encrypting, OwnKey};
use super::recipient::Recipients;
use crate::beside::folder_of;
use crate::limits;

/// Why there is no such file.
#[derive(Debug, thiserror::Error)]
pub enum AsideError {
    /// There is something that has its name.
    #[error("it exists, and an existing file is never overwritten")]
    Exists,
    /// What the operating system said.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Such a file while it is written.
pub struct Aside {
    body: Body,
    path: PathBuf,
}

/// The file, and what is between it and what is written.
enum Body {
    Plain(BufWriter<NamedTempFile>),
    Encrypted(Box<Encrypting<BufWriter<NamedTempFile>>>),
}

impl Aside {
    /// Refuses a path that has something; makes a file in its folder, mode 0600, for the order of that id.
    pub fn create(order_id: &str, path: &Path, recipients: Option<&Recipients>) -> Result<Self, AsideError> {
        match path.symlink_metadata() {
            Ok(_) => return Err(AsideError::Exists),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        let file = tempfile::Builder::new()
            .prefix(&format!(".{order_id}."))
            .suffix(".partial")
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(folder_of(path))?;
        let file = BufWriter::with_capacity(limits::CHUNK_BYTES, file);
        let body = match recipients {
            None => Body::Plain(file),
            Some(recipients) => Body::Encrypted(Box::new(Encrypting::new(file, recipients)?)),
        };
        Ok(Self { body, path: path.to_owned() })
    }

    /// Ends it, and brings it to the disk.
    pub fn finish(self) -> io::Result<Complete> {
        let (file, key) = match self.body {
            Body::Plain(file) => (file, None),
            Body::Encrypted(stream) => {
                let (file, key) = stream.finish()?;
                (file, Some(key))
            }
        };
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        Ok(Complete { file, key, path: self.path })
    }
}

impl Write for Aside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.body {
            Body::Plain(file) => file.write(bytes),
            Body::Encrypted(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.body {
            Body::Plain(file) => file.flush(),
            Body::Encrypted(stream) => stream.flush(),
        }
    }
}

/// Such a file, complete and on the disk, still aside.
pub struct Complete {
    file: NamedTempFile,
    key: Option<OwnKey>,
    path: PathBuf,
}

impl Complete {
    /// What is on the disk.
    pub fn file(&self) -> &File {
        self.file.as_file()
    }

    /// What opens it, where it is encrypted.
    pub fn key(&self) -> Option<&OwnKey> {
        self.key.as_ref()
    }

    /// The name that it will have.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name, never over something that has it; bringing the name to the disk is left to the caller.
    pub fn name(self) -> Result<PathBuf, AsideError> {
        match self.file.persist_noclobber(&self.path) {
            Ok(_) => Ok(self.path),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(AsideError::Exists),
            Err(error) => Err(error.error.into()),
        }
    }
}
