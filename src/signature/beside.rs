//! The files beside a package that hold its signatures: `2024-17.tar.sig`, of further signers `2024-17.tar.2.sig` and so on.
//! They belong to the tar, also where that lies there encrypted (`2024-17.tar.age`): who decrypts it has them beside it.
//!
//! **Invariant:** what exists is never replaced, and no file is read beyond its bound.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::envelope::Envelope;
use super::fault::Fault;
use crate::limits;

/// A signature that lies beside a package.
#[derive(Debug)]
pub struct Beside {
    /// The name of its file.
    pub name: String,
    /// What it is, or why it is none.
    pub envelope: Result<Envelope, Fault>,
}

/// The path of the tar that what lies beside a package belongs to: that of the package, without `.age` at its end.
pub fn tar_of(package: &Path) -> PathBuf {
    match package.extension() {
        Some(extension) if extension == "age" => package.with_extension(""),
        _ => package.to_owned(),
    }
}

/// Where the signature of that number lies, from 1.
pub fn path(package: &Path, number: usize) -> PathBuf {
    let mut path = OsString::from(tar_of(package));
    if number > 1 {
        path.push(format!(".{number}"));
    }
    path.push(".sig");
    path.into()
}

/// All that lie beside a package, by number.
pub fn all(package: &Path) -> Vec<Beside> {
    let numbered = (1..=limits::SIGNATURES).map(|number| path(package, number));
    // A link that leads nowhere is there too.
    numbered
        .filter(|path| !matches!(fs::symlink_metadata(path), Err(error) if error.kind() == io::ErrorKind::NotFound))
        .map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Beside { name, envelope: read(&path).and_then(|text| Envelope::read(&text)) }
        })
        .collect()
}

fn read(path: &Path) -> Result<Vec<u8>, Fault> {
    let fault = |error: io::Error| Fault::Io(error.to_string());
    // Before it is opened: a pipe would wait for ever.
    let metadata = fs::metadata(path).map_err(fault)?;
    if !metadata.is_file() {
        return Err(Fault::NotAFile);
    }
    if metadata.len() > limits::SIGNATURE_BYTES {
        return Err(Fault::TooLong(metadata.len()));
    }
    let mut text = Vec::new();
    File::open(path).map_err(fault)?.take(limits::SIGNATURE_BYTES).read_to_end(&mut text).map_err(fault)?;
    Ok(text)
}

/// Lays a signature beside a package, under the first name that is free; where that is.
pub fn write(package: &Path, envelope: &Envelope) -> io::Result<PathBuf> {
    let folder = match package.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // Whoever may read the package may read who signed it; the user's mask still counts.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.prefix(".extract-").tempfile_in(folder)?;
    file.write_all(envelope.armored().as_bytes())?;
    file.as_file().sync_all()?;
    for number in 1..=limits::SIGNATURES {
        let path = path(package, number);
        match file.persist_noclobber(&path) {
            Ok(_) => return Ok(path),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => file = error.file,
            Err(error) => return Err(error.error),
        }
    }
    Err(io::Error::other(format!("{} signatures lie beside it, and there can be no more", limits::SIGNATURES)))
}
