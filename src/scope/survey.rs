//! The one file that a survey of a source may read: the server's table of mounts.
//!
//! Staff are told which volume stands where, and that is written in `/etc/fstab` of one of them. A survey belongs to the
//! provider's side: nothing of it is ever packaged.
//!
//! **Invariant:** a survey's permit is for `/etc/fstab` alone, and its stream can never be admitted.

use super::ClauseSet;
use super::entry::{Entry, EntryKind};
use super::permit::{Permit, Taking};

/// Of what a folder holds, the next step to the table of mounts: `/etc`, and in it `fstab`.
pub fn toward_mount_table(entries: Vec<Entry>) -> Option<Entry> {
    entries.into_iter().find(|entry| {
        (entry.stands_at(b"/etc") && entry.kind() == EntryKind::Folder)
            || (entry.stands_at(b"/etc/fstab") && entry.kind() == EntryKind::File)
    })
}

/// Leave to read the table of mounts; none for anything else.
pub fn survey_permit(entry: Entry) -> Option<Permit> {
    let is_table = entry.stands_at(b"/etc/fstab") && entry.kind() == EntryKind::File;
    is_table.then(|| Permit::new(entry, usize::MAX, ClauseSet::EMPTY, Taking::Structure))
}
