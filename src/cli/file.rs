//! Files that the command line names, opened for reading.
//!
//! **Invariant:** nothing but a regular file is opened, and none is read beyond its bound.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

/// A regular file: opening a pipe would wait for ever, a device may never end.
pub(super) fn open(path: &Path) -> Result<File, String> {
    let kind = fs::metadata(path).map_err(|error| error.to_string())?;
    if kind.is_dir() {
        return Err("this is a folder, and not a file".into());
    }
    if !kind.is_file() {
        return Err("this is not a regular file".into());
    }
    File::open(path).map_err(|error| error.to_string())
}

/// A file that may have so many bytes.
pub(super) fn bytes(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    open(path)?.take(most + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > most {
        return Err(format!("it has more than {most} bytes, and such a file may have no more: it was not read"));
    }
    Ok(bytes)
}

/// A text that may have so many bytes.
pub(super) fn text(path: &Path, most: u64) -> Result<String, String> {
    String::from_utf8(bytes(path, most)?).map_err(|_| "it is not text in UTF-8".to_owned())
}
