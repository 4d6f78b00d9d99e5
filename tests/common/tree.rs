//! One small tree with everything that a reader can get wrong, and what must be found of it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use extract::digest::Digest;
use extract::scope::EntryKind;

/// What must be found: kind, and of a file its content.
pub type Expected = BTreeMap<Vec<u8>, (EntryKind, Option<Vec<u8>>)>;

/// Bytes that no compression and no hole can stand for.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        // Marsaglia's xorshift64.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// A file of 20 MiB whose only content is four pieces far apart: on ext2 with blocks of 1 KiB its holes are whole
/// indirect and doubly indirect blocks.
fn sparse(path: &Path) -> Vec<u8> {
    let mut content = vec![0; 20 * 1024 * 1024];
    let file = fs::File::create(path).expect("a sparse file");
    file.set_len(content.len() as u64).expect("its length");
    for (at, seed) in [(0, 1), (300 * 1024, 2), (9 * 1024 * 1024 + 512, 3), (20 * 1024 * 1024 - 700, 4)] {
        let piece = noise(seed, 700);
        file.write_all_at(&piece, at as u64).expect("a piece");
        content[at..at + 700].copy_from_slice(&piece);
    }
    content
}

/// Builds the tree in an empty folder.
pub fn build(root: &Path) -> Expected {
    let mut expected = Expected::new();
    let mut file = |name: &[u8], content: Vec<u8>| {
        let path = root.join(OsStr::from_bytes(name));
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(&path, &content).expect("a file");
        expected.insert([b"/", name].concat(), (EntryKind::File, Some(content)));
    };
    file(b"empty", Vec::new());
    file(b"small", b"five\n".to_vec());
    file(b"big", noise(9, 9 * 1024 * 1024 + 17));
    file(b"one-block", noise(5, 4096));
    file(b"var/mail/alice", b"From alice\n".to_vec());
    file(b"var/mail-archive", b"sorts before what is in var/mail\n".to_vec());
    file(b"names/two\nlines", b"newline".to_vec());
    file(b"names/not-utf8-\xff\xfe\x80", b"bytes".to_vec());
    file(b"names/caf\xc3\xa9", b"composed".to_vec());
    file(b"names/cafe\xcc\x81", b"decomposed".to_vec());
    file(b"names/ leading and trailing ", b"blanks".to_vec());
    file(&[b"names/".as_slice(), &[b'n'; 255]].concat(), b"longest".to_vec());
    let deep = format!("deep/{}end", "d/".repeat(60));
    file(deep.as_bytes(), b"deep".to_vec());
    for number in 0..700 {
        file(
            format!("many/a rather long name, so that the folder takes many blocks {number:04}").as_bytes(),
            vec![b'x'; number % 3],
        );
    }
    expected.insert(b"/sparse".to_vec(), (EntryKind::File, Some(sparse(&root.join("sparse")))));
    fs::hard_link(root.join("small"), root.join("linked-hard")).expect("a hard link");
    expected.insert(b"/linked-hard".to_vec(), (EntryKind::File, Some(b"five\n".to_vec())));
    for (name, target) in
        [("link", "small"), ("link-out", "/etc/hosts"), ("link-nowhere", "nowhere"), ("link-folder", "var")]
    {
        std::os::unix::fs::symlink(target, root.join(name)).expect("a link");
        expected.insert(format!("/{name}").into_bytes(), (EntryKind::Link, None));
    }
    std::os::unix::fs::symlink("x/".repeat(200), root.join("link-long")).expect("a link");
    expected.insert(b"/link-long".to_vec(), (EntryKind::Link, None));
    let mode = rustix::fs::Mode::from_raw_mode(0o644);
    rustix::fs::mknodat(rustix::fs::CWD, root.join("pipe"), rustix::fs::FileType::Fifo, mode, 0).expect("a pipe");
    expected.insert(b"/pipe".to_vec(), (EntryKind::Special, None));
    let folders: Vec<Vec<u8>> = expected.keys().flat_map(|path| above(path)).collect();
    fs::create_dir(root.join("hollow")).expect("a folder");
    expected.extend(
        folders.into_iter().chain([b"/hollow".to_vec(), b"/".to_vec()]).map(|path| (path, (EntryKind::Folder, None))),
    );
    expected
}

fn above(path: &[u8]) -> Vec<Vec<u8>> {
    (1..path.len()).filter(|&at| path[at] == b'/').map(|at| path[..at].to_vec()).collect()
}

/// The digest of what a file must hold.
pub fn digest(content: &[u8]) -> Digest {
    Digest::of(content)
}
