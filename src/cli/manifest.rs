//! Brings the two files of an order in, with what the command line says of sources and custodian.
//!
//! **Invariant:** an order file is a regular file of bounded size; no source is opened here.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::limits;
use crate::order::{self, Given, ManifestText, Order, Provider};
use crate::source::Location;
use crate::volume::Key;

/// Both files, valid, and what a run needs beside them.
#[derive(Debug)]
pub struct Loaded {
    /// The legal record.
    pub order: Order,
    /// The provider's side; None where there is no such file.
    pub provider: Option<Provider>,
    /// Where each source is, by its index in [`Order::sources`].
    pub locations: Vec<Location>,
    /// Who runs the disclosure.
    pub custodian: String,
    /// How many warnings there are. `extract check` shows them: they may quote what is withheld.
    pub warnings: usize,
}

/// Why an order cannot be used: exit 2.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file could not be read.
    #[error("cannot read {}: {source}", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A folder, a device, a pipe.
    #[error("{} is not a regular file", .path.display())]
    NotAFile {
        /// Which.
        path: PathBuf,
    },
    /// Over [`limits::MANIFEST_BYTES`].
    #[error("{} is over {} bytes", .path.display(), limits::MANIFEST_BYTES)]
    TooLarge {
        /// Which.
        path: PathBuf,
    },
    /// `--source` places a source that the order does not name.
    #[error("--source {name}: the order has no such source (it has {known})")]
    UnknownSource {
        /// As given.
        name: String,
        /// The order's own names.
        known: String,
    },
    /// `--source` places one source twice.
    #[error("--source {name} is given twice")]
    SourceTwice {
        /// As given.
        name: String,
    },
    /// `--key` is for a source that the order does not name.
    #[error("--key {name}: the order has no such source")]
    KeyForNothing {
        /// As given.
        name: String,
    },
    /// A key file over [`limits::KEY_BYTES`].
    #[error("the key file {} is over {} bytes", .path.display(), limits::KEY_BYTES)]
    KeyTooLarge {
        /// Which.
        path: PathBuf,
    },
    /// `--custodian` with nothing in it, or with a control character.
    #[error("--custodian must be a name")]
    BadCustodian,
    /// The findings, ready to be printed.
    #[error("{0}")]
    Invalid(String),
}

/// The two files as they stand on disk.
#[derive(Debug)]
pub struct Files {
    /// What findings call the order.
    pub order_name: String,
    /// The order, byte for byte.
    pub order: Vec<u8>,
    /// The provider file's path, name and bytes, where there is one.
    pub provider: Option<(PathBuf, String, Vec<u8>)>,
}

impl Files {
    /// Reads the order and the provider file beside it; beside what it links to, where it is a link and nothing is beside
    /// the link: a withhold must not be lost by the way an order is named.
    ///
    /// Errors: the order is not there; one of them is no regular file, is too large or cannot be read.
    pub fn read(order_path: &Path) -> Result<Self, LoadError> {
        let order = read_bounded(order_path)?;
        let linked = order_path.canonicalize().ok().filter(|_| order_path.is_symlink());
        let mut provider = None;
        for beside in [Some(provider_path(order_path)), linked.as_deref().map(provider_path)].into_iter().flatten() {
            // A link that leads nowhere is there, and says that something was to be.
            let is_there = match beside.symlink_metadata() {
                Ok(_) => true,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
                Err(source) => return Err(LoadError::Unreadable { path: beside, source }),
            };
            if provider.is_none() && is_there {
                provider = Some((beside.clone(), beside.display().to_string(), read_bounded(&beside)?));
            }
        }
        Ok(Self { order_name: order_path.display().to_string(), order, provider })
    }

    /// The order, for [`order::read`].
    pub fn order_text(&self) -> ManifestText<'_> {
        ManifestText { name: &self.order_name, bytes: &self.order }
    }

    /// The provider file, for [`order::read`].
    pub fn provider_text(&self) -> Option<ManifestText<'_>> {
        self.provider.as_ref().map(|(_, name, bytes)| ManifestText { name, bytes })
    }

    /// Findings about these files, as text.
    pub fn render(&self, findings: &[order::Diagnostic], colour: bool) -> String {
        let files: Vec<ManifestText<'_>> =
            [Some(self.order_text()), self.provider_text()].into_iter().flatten().collect();
        order::render(findings, &files, colour)
    }
}

/// `orders/2024-17.toml` -> `orders/2024-17.provider.toml`.
pub fn provider_path(order_path: &Path) -> PathBuf {
    let base = if order_path.extension().is_some_and(|end| end == "toml") {
        order_path.with_extension("")
    } else {
        order_path.to_path_buf()
    };
    let mut name = base.into_os_string();
    name.push(".provider.toml");
    PathBuf::from(name)
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, LoadError> {
    read_up_to(path, limits::MANIFEST_BYTES)?.ok_or_else(|| LoadError::TooLarge { path: path.to_path_buf() })
}

/// A regular file; none where it is larger than the bound, in bytes.
fn read_up_to(path: &Path, bound: u64) -> Result<Option<Vec<u8>>, LoadError> {
    let failed = |source| LoadError::Unreadable { path: path.to_path_buf(), source };
    // Asked before opening: opening a pipe would wait for its other end.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(LoadError::NotAFile { path: path.to_path_buf() });
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(bound + 1).read_to_end(&mut bytes)).map_err(failed)?;
    let is_over = u64::try_from(bytes.len()).map_or(true, |read| read > bound);
    Ok((!is_over).then_some(bytes))
}

/// What the command line says of sources.
#[derive(Debug, Default)]
pub struct SourcesGiven {
    /// `--source NAME=PATH`.
    pub paths: Vec<(String, PathBuf)>,
    /// `--key SOURCE=FILE`.
    pub keys: Vec<(String, PathBuf)>,
    /// A folder for a reader's private socket and for unnamed files.
    pub scratch: PathBuf,
}

impl SourcesGiven {
    /// For [`order::read`]: the names alone.
    fn names(&self) -> Result<std::collections::BTreeSet<String>, LoadError> {
        let mut names = std::collections::BTreeSet::new();
        for (name, _) in &self.paths {
            if !names.insert(name.clone()) {
                return Err(LoadError::SourceTwice { name: name.clone() });
            }
        }
        Ok(names)
    }

    /// Every name is one of the order's.
    fn refuse_unknown(&self, declared: &[order::Source]) -> Result<(), LoadError> {
        let is_unknown = |name: &String| declared.iter().all(|source| source.name != *name);
        if let Some((name, _)) = self.paths.iter().find(|(name, _)| is_unknown(name)) {
            let known: Vec<&str> = declared.iter().map(|source| source.name.as_str()).collect();
            return Err(LoadError::UnknownSource { name: name.clone(), known: known.join(", ") });
        }
        match self.keys.iter().find(|(name, _)| is_unknown(name)) {
            Some((name, _)) => Err(LoadError::KeyForNothing { name: name.clone() }),
            None => Ok(()),
        }
    }

    /// The keys for one source. A passphrase that was written by an editor ends with a line end that is not its own: it is
    /// tried both ways.
    fn keys(&self, name: &str) -> Result<Vec<Key>, LoadError> {
        let mut keys = Vec::new();
        for (_, path) in self.keys.iter().filter(|(source, _)| source == name) {
            let bytes = read_up_to(path, limits::KEY_BYTES)?;
            let bytes = bytes.ok_or_else(|| LoadError::KeyTooLarge { path: path.clone() })?;
            keys.extend(bytes.strip_suffix(b"\n").map(|bare| Key::new(bare.to_vec())));
            keys.push(Key::new(bytes));
        }
        Ok(keys)
    }
}

/// Reads and checks the order at `order_path` for a run.
///
/// `given` is what the command line says of sources, `custodian` is `--custodian`; both go before the provider file. A path
/// in that file is relative to it.
///
/// Errors: everything that is wrong with the order, at once; all of them exit 2.
pub fn load(
    order_path: &Path,
    given: &SourcesGiven,
    custodian: Option<&str>,
    colour: bool,
) -> Result<Loaded, LoadError> {
    if custodian.is_some_and(|name| name.trim().is_empty() || name.contains(char::is_control)) {
        return Err(LoadError::BadCustodian);
    }
    let files = Files::read(order_path)?;
    let told = Given { custodian: custodian.is_some(), sources: given.names()? };
    let read = order::read(files.order_text(), files.provider_text(), &told);
    let manifests = read.map_err(|findings| LoadError::Invalid(files.render(&findings, colour)))?;
    let order = manifests.order;
    given.refuse_unknown(&order.sources)?;
    let locations = locations(&files, &order.sources, manifests.provider.as_ref(), given)?;
    let named = custodian.map(str::to_owned).or_else(|| manifests.provider.as_ref()?.custodian.clone());
    Ok(Loaded {
        locations,
        // OK: `read` has made sure that one of the two names somebody.
        custodian: named.unwrap_or_default(),
        warnings: manifests.warnings.len(),
        order,
        provider: manifests.provider,
    })
}

/// Reads of an order and its provider file what they say of the sources: where each is.
///
/// Errors: as [`load`].
pub fn load_sources(
    order_path: &Path,
    given: &SourcesGiven,
    colour: bool,
) -> Result<Vec<(order::Source, Location)>, LoadError> {
    let files = Files::read(order_path)?;
    let told = Given { custodian: true, sources: given.names()? };
    let read = order::read_sources(files.order_text(), files.provider_text(), &told);
    let (declared, provider) = read.map_err(|findings| LoadError::Invalid(files.render(&findings, colour)))?;
    given.refuse_unknown(&declared)?;
    let locations = locations(&files, &declared, provider.as_ref(), given)?;
    Ok(declared.into_iter().zip(locations).collect())
}

fn locations(
    files: &Files,
    declared: &[order::Source],
    provider: Option<&Provider>,
    given: &SourcesGiven,
) -> Result<Vec<Location>, LoadError> {
    let folder = files.provider.as_ref().map_or(Path::new(""), |(file, _, _)| file.parent().unwrap_or(Path::new("")));
    let beside = |paths: &[String]| paths.iter().map(|path| folder.join(path)).collect();
    let locate = |source: &order::Source| {
        let said = provider.and_then(|provider| provider.sources.iter().find(|said| said.name == source.name));
        let placed = given.paths.iter().find(|(name, _)| *name == source.name).map(|(_, path)| path.clone());
        // OK: `read` has made sure that one of the two says where it is.
        let path = placed.or_else(|| Some(folder.join(said?.path.as_ref()?))).unwrap_or_default();
        let mut location = Location { keys: given.keys(&source.name)?, ..Location::at(path, given.scratch.clone()) };
        if let Some(said) = said {
            location.disks = beside(&said.disks);
            location.backing = beside(&said.backing);
            location.snapshot.clone_from(&said.snapshot);
            location.mounts.clone_from(&said.mounts);
        }
        Ok(location)
    };
    declared.iter().map(locate).collect()
}
