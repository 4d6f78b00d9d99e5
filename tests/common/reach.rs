//! Everything of a source, read through the gate by an order that asks for every file.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::ops::ControlFlow;
use std::path::Path;

use extract::clock::{Timestamp, Zone};
use extract::digest::{Digest, Hasher};
use extract::order::{self, Category, Clause, Disclose, LegalBasis, Limit, Order, Take};
use extract::scope::{EntryKind, FileTimes, Scope};
use extract::source::{Found, Source, SourceError};

/// What was found under one path.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub kind: EntryKind,
    pub size_bytes: u64,
    pub times: FileTimes,
    /// Of a regular file: what its content came to, or why it could not be read.
    pub content: Option<Result<(u64, Digest), String>>,
}

/// What was found in a source, by path; folders that could not be listed to their end with the reason.
#[derive(Debug, Default)]
pub struct Reached {
    pub items: BTreeMap<Vec<u8>, Item>,
    pub unlisted: BTreeMap<Vec<u8>, String>,
    /// In the order of the walk.
    pub files: Vec<Vec<u8>>,
}

impl Reached {
    /// Everything but the root.
    pub fn below_root(&self) -> usize {
        self.items.keys().filter(|path| path.as_slice() != b"/").count()
    }

    /// The item at a path that must be there.
    pub fn at(&self, path: &str) -> &Item {
        self.items.get(path.as_bytes()).unwrap_or_else(|| panic!("{path} was not found"))
    }

    /// The content of a file that must be there and readable.
    pub fn digest(&self, path: &str) -> Digest {
        match &self.at(path).content {
            Some(Ok((_, digest))) => *digest,
            other => panic!("{path}: {other:?}"),
        }
    }
}

/// An order for every file of a source.
pub fn order_for_everything(times_original: bool) -> Order {
    Order {
        id: "t-1".to_owned(),
        legal_basis: LegalBasis::Other,
        authority: "A".to_owned(),
        court: None,
        reference: "R".to_owned(),
        made: chrono::NaiveDate::from_ymd_opt(2024, 4, 8).expect("a day"),
        served: Timestamp::new(1_712_600_000, 0).expect("a time"),
        due: "P7D".to_owned(),
        expires: None,
        zone: Zone::named("Europe/London").expect("a zone"),
        disclose: Disclose::default(),
        sources: vec![order::Source { name: "s".to_owned(), sha256: None, zone: None, times_original }],
        clauses: vec![Clause {
            id: "1".to_owned(),
            text: "all files".to_owned(),
            source: 0,
            category: Category::Content,
            paths: vec!["/**".to_owned()],
            take: Take::Files,
            window: None,
            limit: Limit::default(),
        }],
        bytes: Vec::new(),
    }
}

/// Opens a source under the order above.
pub fn open(path: &Path) -> Result<(Source, Scope), SourceError> {
    let order = order_for_everything(true);
    let scope = Scope::compile(&order, None).expect("the order's globs");
    Source::open(&order.sources[0], path, &BTreeMap::new()).map(|source| (source, scope))
}

/// Reads everything.
pub fn reach(source: &Source, scope: &Scope) -> Reached {
    let mut reached = Reached::default();
    let _ = source.walk(scope, 0, &mut |found| {
        match found {
            Found::Unlisted { folder, error, .. } => {
                let path = name(folder.staff_path().reveal());
                let item = Item { kind: folder.kind(), size_bytes: 0, times: folder.times(), content: None };
                reached.items.insert(path.clone(), item);
                reached.unlisted.insert(path, error.to_string());
            }
            Found::Entry { volume, entry } => {
                let path = name(entry.staff_path().reveal());
                let mut item =
                    Item { kind: entry.kind(), size_bytes: entry.size_bytes(), times: entry.times(), content: None };
                if entry.kind() == EntryKind::File {
                    let permit = scope.decide(0, entry).whole.expect("every file is asked for");
                    item.content = Some(content(source.volumes[volume].filesystem.open(permit), scope));
                    reached.files.push(path.clone());
                }
                let before = reached.items.insert(path.clone(), item);
                assert!(before.is_none(), "{} was found twice", path.escape_ascii());
            }
        }
        ControlFlow::Continue(())
    });
    reached
}

fn name(path: &[u8]) -> Vec<u8> {
    if path.is_empty() { b"/".to_vec() } else { path.to_vec() }
}

fn content(
    opened: Result<extract::scope::Opened, extract::read_error::ReadError>,
    scope: &Scope,
) -> Result<(u64, Digest), String> {
    let (_gate, mut stream) = opened.map_err(|error| error.to_string())?.into_whole(scope).expect("a whole file");
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 100_000];
    let mut size = 0;
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok((size, hasher.finish())),
            Ok(read) => {
                hasher.update(&buffer[..read]);
                size += read as u64;
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}
