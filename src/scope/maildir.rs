//! Where the messages of a Maildir stand.
//!
//! A Maildir (<https://cr.yp.to/proto/maildir.html>) is a folder that holds `cur`, `new` and `tmp`; Maildir++ puts
//! further folders directly into it, each named with a leading full stop and holding `cur`, `new` and `tmp` itself.
//! Messages are the files directly in `cur` and `new`; nothing else in a Maildir is one.
//!
//! **Invariant:** a place is known from names alone, before anything is opened.

pub use super::entry::MaildirPlace;
use super::entry::{Entry, EntryKind};

/// Marks what a folder holds, once all of it has been listed. The folder itself has been marked before.
pub fn mark_maildir(folder: &Entry, children: &mut [Entry]) {
    let holds = |name: &[u8]| children.iter().any(|child| child.kind() == EntryKind::Folder && child.name() == name);
    let place = folder.maildir();
    let is_maildir = place == MaildirPlace::None && holds(b"cur") && holds(b"new") && holds(b"tmp");
    let has_boxes = is_maildir || (place == MaildirPlace::Subfolder && holds(b"cur"));
    for child in children {
        let is_folder = child.kind() == EntryKind::Folder;
        let mark = match place {
            // The mark of `cur` and `new` is what their files are; folders in them are nothing.
            MaildirPlace::Message if !is_folder => MaildirPlace::Message,
            _ if has_boxes && is_folder && matches!(child.name(), b"cur" | b"new") => MaildirPlace::Message,
            _ if is_maildir && is_folder && child.name().starts_with(b".") => MaildirPlace::Subfolder,
            MaildirPlace::None if !is_maildir => MaildirPlace::None,
            _ => MaildirPlace::Other,
        };
        child.set_maildir(mark);
    }
}

/// Sorts what a folder holds so that a walk that enters each folder where it stands sees all paths in the order of their
/// bytes: a folder's name counts with the `/` that follows it in every path below.
///
/// `entry`: of each item.
pub fn sort_entries<T>(items: &mut [T], entry: fn(&T) -> &Entry) {
    let key = |entry: &Entry| (entry.kind() == EntryKind::Folder).then_some(b'/');
    items.sort_unstable_by(|a, b| {
        let (a, b) = (entry(a), entry(b));
        a.path().iter().copied().chain(key(a)).cmp(b.path().iter().copied().chain(key(b)))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::{FileTimes, Node};

    fn child(folder: &Entry, name: &str, kind: EntryKind) -> Entry {
        folder.child(name.as_bytes(), kind, 0, FileTimes::default(), Node::new(Vec::new()))
    }

    fn marks(folder: &Entry, names: &[(&str, EntryKind)]) -> Vec<MaildirPlace> {
        let mut children: Vec<Entry> = names.iter().map(|(name, kind)| child(folder, name, *kind)).collect();
        mark_maildir(folder, &mut children);
        children.iter().map(Entry::maildir).collect()
    }

    const BOXES: [(&str, EntryKind); 5] = [
        ("cur", EntryKind::Folder),
        ("new", EntryKind::Folder),
        ("tmp", EntryKind::Folder),
        (".Sent", EntryKind::Folder),
        ("dovecot-uidlist", EntryKind::File),
    ];

    #[test]
    fn messages_stand_in_cur_and_new_of_a_maildir_and_of_its_direct_subfolders() {
        use MaildirPlace::{Message, Other, Subfolder};
        let mut maildir = Entry::root(b"/home/a/Maildir", Node::new(Vec::new()));
        assert_eq!(marks(&maildir, &BOXES), [Message, Message, Other, Subfolder, Other]);
        maildir.set_maildir(Subfolder);
        assert_eq!(marks(&maildir, &BOXES), [Message, Message, Other, Other, Other]);
        maildir.set_maildir(Message);
        assert_eq!(marks(&maildir, &[("1.x", EntryKind::File), ("cur", EntryKind::Folder)]), [Message, Other]);
        maildir.set_maildir(Other);
        assert_eq!(marks(&maildir, &BOXES), [Other; 5]);
    }

    #[test]
    fn a_folder_without_all_three_boxes_is_no_maildir() {
        let folder = Entry::root(b"/home/a", Node::new(Vec::new()));
        assert_eq!(marks(&folder, &BOXES[..2]), [MaildirPlace::None; 2]);
    }

    #[test]
    fn a_sorted_walk_sees_paths_in_the_order_of_their_bytes() {
        let root = Entry::root(b"/", Node::new(Vec::new()));
        let mut entries = vec![
            child(&root, "a", EntryKind::Folder),
            child(&root, "a.txt", EntryKind::File),
            child(&root, "a0", EntryKind::File),
            child(&root, "a-", EntryKind::File),
        ];
        sort_entries(&mut entries, |entry| entry);
        let names: Vec<&[u8]> = entries.iter().map(Entry::name).collect();
        assert_eq!(names, [&b"a-"[..], b"a.txt", b"a", b"a0"]);
    }
}
