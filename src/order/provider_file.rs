//! The tables of a provider file.
//!
//! **Invariant:** every source it places is one that the order names.

use std::collections::{BTreeMap, BTreeSet};

use super::diagnostic::{Code, Notes};
use super::head::{Sources, VOLUME_NAMES};
use super::key::{PROVIDER_SOURCE, WITHHOLD};
use super::table::{Item, Table};
use super::{Provider, ProviderSource, Salt, VolumeName, Withhold, glob, name, target};
use crate::delivery::{RecipientError, RecipientFault, Recipients};

/// What a provider file says, and which of its sources have a path.
pub(super) struct Read {
    /// None where something in it is wrong.
    pub(super) provider: Option<Provider>,
    /// It names a custodian.
    pub(super) has_custodian: bool,
    /// The names of the sources that it places.
    pub(super) placed: BTreeSet<String>,
}

/// The whole file.
pub(super) fn read(file: &Table<'_>, bytes: &[u8], sources: &Sources, notes: &mut Notes) -> Read {
    let salt = salt(file, notes);
    let custodian = file.get("custodian").map(|item| item.text(notes).map(|text| text.text.to_owned()));
    let audit_recipients = file.get("audit_recipients").and_then(|item| audit_recipients(&item, notes));
    let list = self::sources(file, sources, notes);
    let withholds = withholds(file, notes);
    let placed = list.iter().filter(|source| source.path.is_some()).map(|source| source.name.clone()).collect();
    let has_custodian = custodian.is_some();
    let provider = salt.filter(|_| !notes.failed()).map(|salt| Provider {
        salt,
        custodian: custodian.flatten(),
        audit_recipients,
        sources: list,
        withholds,
        bytes: bytes.to_vec(),
    });
    Read { provider, has_custodian, placed }
}

/// 32 hex digits.
pub(super) fn is_salt(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn salt(file: &Table<'_>, notes: &mut Notes) -> Option<Salt> {
    let how = "`extract check --fix-salt ORDER` makes one";
    let Some(item) = file.get("salt") else {
        let message = "the provider file has no `salt`: its SHA-256 could be guessed";
        notes.error(Code::BadSalt, &(0..0), message).hint(how);
        return None;
    };
    let text = item.text(notes)?;
    if !is_salt(text.text) {
        notes.error(Code::BadSalt, &text.span, "the salt is not 32 hex digits").hint(how);
        return None;
    }
    Some(Salt(text.text.to_owned()))
}

fn audit_recipients(item: &Item<'_>, notes: &mut Notes) -> Option<Recipients> {
    let items = item.list("keys, as in [\"age1...\"]", notes)?;
    let is_private = |item: &Item<'_>| {
        let read = item.raw().map(Recipients::parse);
        matches!(read, Some(Err(RecipientError::Key(RecipientFault::Private))))
    };
    if items.iter().any(is_private) {
        // No line of it is shown.
        let message = "`audit_recipients` holds a private key, which stands in no file but its own";
        notes.error(Code::BadRecipient, &(0..0), message).hint("write its public half: age-keygen -y, ssh-keygen -y");
        return None;
    }
    let mut all: Option<Recipients> = None;
    for item in items {
        let Some(text) = item.text(notes) else { continue };
        let read = Recipients::parse(text.text);
        match read.and_then(|one| all.iter().try_fold(one, |one, before| before.clone().and(one))) {
            Ok(recipients) => all = Some(recipients),
            Err(error) => {
                let code = if matches!(error, RecipientError::TooMany) { Code::TooMany } else { Code::BadRecipient };
                notes.error(code, &text.span, error.to_string());
            }
        }
    }
    all
}

fn sources(file: &Table<'_>, sources: &Sources, notes: &mut Notes) -> Vec<ProviderSource> {
    let items = file.get("source").and_then(|item| item.list("tables: write `[[source]]`", notes));
    let mut list: Vec<ProviderSource> = Vec::new();
    let mut seen = BTreeSet::new();
    for item in items.iter().flatten() {
        let Some(table) = item.table(&PROVIDER_SOURCE, notes) else { continue };
        let name = table.need("name", "`name = \"mail01\"`, as in the order", notes);
        let name = name.and_then(|item| name::read(&item, notes));
        let path = table.get("path").and_then(|item| item.text(notes)).map(|text| text.text.to_owned());
        let mut text_of = |key| table.get(key).and_then(|item| item.text(notes)).map(|text| text.text.to_owned());
        let snapshot = text_of("snapshot");
        let disks = table.get("disks").map(|item| texts(&item, notes)).unwrap_or_default();
        let backing = table.get("backing").map(|item| texts(&item, notes)).unwrap_or_default();
        let mounts = table.get("mounts").map(|item| mounts(&item, notes)).unwrap_or_default();
        let received_by = table.get("received_by").map(|item| target::hosts(&item, notes)).unwrap_or_default();
        let Some(name) = name else { continue };
        if !seen.insert(name.text) {
            notes.error(Code::DuplicateSource, &name.span, format!("there are two sources `{}`", name.text));
        } else if !sources.partial && !sources.names.contains_key(name.text) {
            let note = notes.error(Code::UnknownSource, &name.span, "the order has no such source");
            note.hint("only what the order names may be opened");
        }
        list.push(ProviderSource { name: name.text.to_owned(), path, disks, backing, snapshot, mounts, received_by });
    }
    list
}

fn mounts(item: &Item<'_>, notes: &mut Notes) -> BTreeMap<String, String> {
    let mut mounts = BTreeMap::new();
    let mut targets = BTreeSet::new();
    for (volume, item) in Table::entries(item, notes) {
        if VolumeName::parse(volume.text).is_none() {
            notes.error(Code::BadMount, &volume.span, "this names no volume").hint(VOLUME_NAMES);
        }
        let Some(at) = item.path(notes) else { continue };
        if !is_mount_point(at.text) {
            let note = notes.error(Code::BadMount, &at.span, "a mount point is an absolute path of the server");
            note.hint("as in \"/\" or \"/var\": no `..`, no final `/`, no signs of globs");
        } else if !targets.insert(at.text) {
            notes.error(Code::BadMount, &at.span, "two volumes stand at this path");
        }
        mounts.insert(volume.text.to_owned(), at.text.to_owned());
    }
    mounts
}

fn texts(item: &Item<'_>, notes: &mut Notes) -> Vec<String> {
    let items = item.list("paths, as in [\"base.qcow2\"]", notes).unwrap_or_default();
    items.iter().filter_map(|item| item.text(notes)).map(|text| text.text.to_owned()).collect()
}

fn is_mount_point(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('/') else { return false };
    rest.is_empty() || rest.split('/').all(|component| !matches!(component, "" | "." | ".."))
}

fn withholds(file: &Table<'_>, notes: &mut Notes) -> Vec<Withhold> {
    let items = file.get("withhold").and_then(|item| item.list("tables: write `[[withhold]]`", notes));
    let mut withholds = Vec::new();
    for item in items.iter().flatten() {
        let Some(table) = item.table(&WITHHOLD, notes) else { continue };
        let class = table.need("class", "`class = \"privileged\"`: why it is held back", notes);
        let class = class.and_then(|item| item.text(notes));
        let identifiers = table.get("identifiers").map(|item| target::withheld(&item, notes));
        let paths = table.get("paths").map(|item| glob::read_list(&item, notes));
        if identifiers.is_none() && paths.is_none() {
            let note = notes.error(Code::EmptyWithhold, &table.span, "this withhold holds nothing back");
            note.hint("add `identifiers = [{ domain = \"lawfirm.example\" }]` or `paths = [\"/home/alice/legal/**\"]`");
        }
        let Some(class) = class else { continue };
        withholds.push(Withhold {
            class: class.text.to_owned(),
            identifiers: identifiers.flatten().unwrap_or_default(),
            paths: paths.flatten().unwrap_or_default(),
        });
    }
    withholds
}
