//! The tree that the members of an archive make, by their names.
//!
//! Archives hold paths, not folders. A leading `/` and every `.` are left out; folders that no member states are made up.
//! A member that has no place of its own (a `..` or nothing in its name, a byte that no name has, a file where a folder is
//! needed) is listed in the root under its whole name, with `%`, `/` and the like written as `%2F`, and cannot be read: it is
//! neither lost nor anywhere else. Of two members with one name the tree says what the format says: the later one replaces
//! the earlier in a tar, as in `tar -x`, and the folder says that there was an earlier one; neither can be told from the
//! other in a zip.
//!
//! **Invariant:** every member that was added is in the tree, or its folder says that a later one replaced it; no two entries
//! of a folder have one name, and no name has a `/` or is `..`.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use crate::limits;
use crate::read_error::ReadError;

/// The root's number.
pub(super) const ROOT: u32 = 0;
/// No node, or no member.
const NONE: u32 = u32::MAX;

/// What becomes of an earlier member of the same name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Twins {
    /// The later one replaces it.
    Last,
    /// Neither can be read.
    Neither,
}

/// What a node is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    /// A folder; that of a member, or made up.
    Folder,
    /// What its member says.
    Member,
    /// Two members have its name.
    Twice,
    /// A member that has no place of its own.
    Misplaced,
}

struct Node {
    parent: u32,
    name_at: u32,
    name_bytes: u32,
    member: u32,
    /// The next one whose name has the same hash; while the tree is built.
    next: u32,
    standing: Standing,
}

/// A tree while it is built.
pub(super) struct Growing {
    names: Vec<u8>,
    nodes: Vec<Node>,
    by_hash: HashMap<u64, u32>,
    hasher: RandomState,
    twins: Twins,
    misplaced: Vec<(u32, Vec<u8>)>,
    misplaced_bytes: usize,
    replaced: HashSet<u32>,
}

/// A tree.
pub(super) struct Tree {
    names: Vec<u8>,
    nodes: Vec<Node>,
    /// Where a node's children begin in the list of them.
    first: Vec<u32>,
    children: Vec<u32>,
    /// Folders in which a later member replaced an earlier one.
    replaced: HashSet<u32>,
}

/// The parts of a path; none where it has no place in a tree.
fn parts(path: &[u8]) -> Option<Vec<&[u8]>> {
    let parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".").collect();
    let is_possible = !parts.iter().any(|part| *part == b".." || part.contains(&0));
    is_possible.then_some(parts)
}

/// A whole path as one name.
fn harmless(path: &[u8]) -> Vec<u8> {
    let mut name = Vec::with_capacity(path.len());
    for &byte in path {
        if matches!(byte, b'/' | b'%' | 0) {
            name.extend_from_slice(format!("%{byte:02X}").as_bytes());
        } else {
            name.push(byte);
        }
    }
    match name.as_slice() {
        b"" => b"%".to_vec(),
        b"." => b"%2E".to_vec(),
        b".." => b"%2E%2E".to_vec(),
        _ => name,
    }
}

fn full() -> ReadError {
    ReadError::Limit { offset: 0, what: "members and folders of one archive" }
}

impl Growing {
    pub(super) fn new(twins: Twins) -> Self {
        let root =
            Node { parent: NONE, name_at: 0, name_bytes: 0, member: NONE, next: NONE, standing: Standing::Folder };
        Self {
            names: Vec::new(),
            nodes: vec![root],
            by_hash: HashMap::new(),
            hasher: RandomState::new(),
            twins,
            misplaced: Vec::new(),
            misplaced_bytes: 0,
            replaced: HashSet::new(),
        }
    }

    fn node(&self, number: u32) -> Option<&Node> {
        self.nodes.get(usize::try_from(number).ok()?)
    }

    fn node_mut(&mut self, number: u32) -> Option<&mut Node> {
        self.nodes.get_mut(usize::try_from(number).ok()?)
    }

    fn child(&self, parent: u32, name: &[u8]) -> Option<u32> {
        let mut number = *self.by_hash.get(&self.hasher.hash_one((parent, name)))?;
        while let Some(node) = self.node(number) {
            if node.parent == parent && name_of(&self.names, node) == name {
                return Some(number);
            }
            number = node.next;
        }
        None
    }

    fn add(&mut self, parent: u32, name: &[u8], member: u32, standing: Standing) -> Result<u32, ReadError> {
        let number = u32::try_from(self.nodes.len()).map_err(|_| full())?;
        let name_at = u32::try_from(self.names.len()).map_err(|_| full())?;
        let name_bytes = u32::try_from(name.len()).map_err(|_| full())?;
        if self.nodes.len() >= limits::ARCHIVE_NODES
            || self.names.len().saturating_add(name.len()) > limits::ARCHIVE_NAME_BYTES
        {
            return Err(full());
        }
        self.names.extend_from_slice(name);
        let next = self.by_hash.insert(self.hasher.hash_one((parent, name)), number).unwrap_or(NONE);
        self.nodes.push(Node { parent, name_at, name_bytes, member, next, standing });
        Ok(number)
    }

    /// The member that stands at a path, and is no folder.
    pub(super) fn member_at(&self, path: &[u8]) -> Option<u32> {
        let mut number = ROOT;
        for part in parts(path)? {
            number = self.child(number, part)?;
        }
        let node = self.node(number).filter(|node| node.standing == Standing::Member)?;
        (node.member != NONE).then_some(node.member)
    }

    /// Adds a member at a path. An error: the tree is full.
    pub(super) fn put(&mut self, path: &[u8], member: u32, is_folder: bool) -> Result<(), ReadError> {
        let placed = match parts(path) {
            Some(parts) => self.place(&parts, member, is_folder)?,
            None => false,
        };
        if placed { Ok(()) } else { self.misplace(path, member) }
    }

    /// Lists a member under its whole name, as one that has no place.
    pub(super) fn misplace(&mut self, path: &[u8], member: u32) -> Result<(), ReadError> {
        let name = harmless(path);
        self.misplaced_bytes = self.misplaced_bytes.saturating_add(name.len());
        if self.misplaced.len() >= limits::ARCHIVE_NODES || self.misplaced_bytes > limits::ARCHIVE_NAME_BYTES {
            return Err(full());
        }
        self.misplaced.push((member, name));
        Ok(())
    }

    fn place(&mut self, parts: &[&[u8]], member: u32, is_folder: bool) -> Result<bool, ReadError> {
        let Some((name, above)) = parts.split_last() else {
            // The root itself: it has no entry, and needs none.
            return Ok(is_folder);
        };
        let mut parent = ROOT;
        for part in above {
            parent = match self.child(parent, part) {
                Some(number) => number,
                None => self.add(parent, part, NONE, Standing::Folder)?,
            };
            if self.node(parent).is_none_or(|node| node.standing != Standing::Folder) {
                return Ok(false);
            }
        }
        let standing = if is_folder { Standing::Folder } else { Standing::Member };
        let Some(number) = self.child(parent, name) else {
            self.add(parent, name, member, standing)?;
            return Ok(true);
        };
        let twins = self.twins;
        let Some(node) = self.node_mut(number) else { return Ok(false) };
        match (node.standing, standing, twins) {
            (Standing::Folder, Standing::Folder, _) => node.member = member,
            (Standing::Member, Standing::Folder | Standing::Member, Twins::Last) => {
                node.member = member;
                node.standing = standing;
                self.replaced.insert(parent);
            }
            (Standing::Member | Standing::Twice, Standing::Member, Twins::Neither) => node.standing = Standing::Twice,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The tree; and why not all is in it, where that is so.
    pub(super) fn grown(mut self) -> (Tree, Option<ReadError>) {
        let mut error = None;
        for (member, mut name) in std::mem::take(&mut self.misplaced) {
            while self.child(ROOT, &name).is_some() {
                name.extend_from_slice(format!("%{member}").as_bytes());
            }
            if let Err(over) = self.add(ROOT, &name, member, Standing::Misplaced) {
                error = Some(over);
                break;
            }
        }
        let Self { mut names, mut nodes, replaced, .. } = self;
        names.shrink_to_fit();
        nodes.shrink_to_fit();
        let mut first = vec![0_u32; nodes.len().saturating_add(1)];
        for node in &nodes {
            if let Some(count) = after(node.parent).and_then(|at| first.get_mut(at)) {
                *count = count.saturating_add(1);
            }
        }
        let mut total = 0_u32;
        for count in &mut first {
            total = total.saturating_add(*count);
            *count = total;
        }
        let mut next = first.clone();
        let mut children = vec![NONE; nodes.len()];
        for (number, node) in nodes.iter().enumerate() {
            let place = usize::try_from(node.parent).ok().and_then(|parent| next.get_mut(parent));
            let Some(place) = place else { continue };
            if let (Some(child), Ok(number)) =
                (usize::try_from(*place).ok().and_then(|at| children.get_mut(at)), u32::try_from(number))
            {
                *child = number;
                *place = place.saturating_add(1);
            }
        }
        (Tree { names, nodes, first, children, replaced }, error)
    }
}

/// The place behind a parent's own; none for the root's, which has no parent.
fn after(parent: u32) -> Option<usize> {
    (parent != NONE).then(|| usize::try_from(parent).ok()?.checked_add(1)).flatten()
}

fn name_of<'n>(names: &'n [u8], node: &Node) -> &'n [u8] {
    let span = usize::try_from(node.name_at).ok().zip(usize::try_from(node.name_bytes).ok());
    span.and_then(|(at, length)| names.get(at..at.checked_add(length)?)).unwrap_or_default()
}

impl Tree {
    /// What stands there, and its member, if it has one.
    pub(super) fn standing(&self, number: u32) -> Option<(Standing, Option<u32>)> {
        let node = self.nodes.get(usize::try_from(number).ok()?)?;
        Some((node.standing, (node.member != NONE).then_some(node.member)))
    }

    /// An earlier member of the folder was replaced by a later one of its name.
    pub(super) fn has_replaced(&self, folder: u32) -> bool {
        self.replaced.contains(&folder)
    }

    /// The numbers of what is in a folder, with their names.
    pub(super) fn children(&self, folder: u32) -> impl Iterator<Item = (u32, &[u8])> {
        let at = usize::try_from(folder).ok();
        let bound = |at: Option<usize>| at.and_then(|at| self.first.get(at)).and_then(|at| usize::try_from(*at).ok());
        let span = bound(at).zip(bound(at.and_then(|at| at.checked_add(1))));
        let numbers = span.and_then(|(start, end)| self.children.get(start..end)).unwrap_or_default();
        numbers.iter().filter_map(|&number| {
            let node = self.nodes.get(usize::try_from(number).ok()?)?;
            Some((number, name_of(&self.names, node)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grown(twins: Twins, paths: &[(&str, bool)]) -> Vec<String> {
        let mut growing = Growing::new(twins);
        for (member, (path, is_folder)) in (0..).zip(paths) {
            growing.put(path.as_bytes(), member, *is_folder).unwrap();
        }
        let (tree, error) = growing.grown();
        assert!(error.is_none());
        let mut lines = Vec::new();
        show(&tree, ROOT, "", &mut lines);
        lines.sort();
        lines
    }

    fn show(tree: &Tree, folder: u32, above: &str, lines: &mut Vec<String>) {
        for (number, name) in tree.children(folder) {
            let path = format!("{above}/{}", name.escape_ascii());
            let (standing, member) = tree.standing(number).unwrap();
            let member = member.map_or("-".to_owned(), |member| member.to_string());
            lines.push(format!("{path} {standing:?} {member}"));
            show(tree, number, &path, lines);
        }
    }

    #[test]
    fn no_member_is_lost_and_none_leaves_the_tree() {
        let paths = [
            ("./a", false),
            ("/b//c/./d", false),
            ("../../x", false),
            ("a/under", false),
            ("b", false),
            ("..", true),
            ("", false),
            ("./", true),
            ("a", false),
            ("b/c/", true),
        ];
        let last = [
            "/% Misplaced 6",
            "/%2E%2E Misplaced 5",
            "/..%2F..%2Fx Misplaced 2",
            "/a Member 8",
            "/a%2Funder Misplaced 3",
            "/b Folder -",
            "/b%4 Misplaced 4",
            "/b/c Folder 9",
            "/b/c/d Member 1",
        ];
        assert_eq!(grown(Twins::Last, &paths), last);
        let neither = grown(Twins::Neither, &paths);
        assert_eq!(neither[3], "/a Twice 0");
        assert_eq!(neither.len(), last.len());
    }
}
