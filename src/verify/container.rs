//! The tar of a package: its form, and which members stand in it.
//!
//! The form is held against the writer's to the byte ([`TarReader`]), so that nothing can be hidden in a header and no two
//! tools can see two packages in one file; here come the names, their order, and the digest of each member.
//!
//! **Invariant:** memory is bounded by the closed set of names; what stands in the tar is never written anywhere.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use super::check::{Check, Findings, printable};
use super::contents::{Contents, Slot};
use crate::digest::{Digest, Hasher};
use crate::limits;
use crate::package::layout::{BLOCK_BYTES, Member};
use crate::package::reader::{Fault, TarReader};

/// Reads the tar to its end, as far as that can be found.
pub(super) fn read<R: Read + Seek>(file: &mut R, findings: &mut Findings) -> io::Result<Contents> {
    file.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    file.by_ref().take(BLOCK_BYTES as u64).read_to_end(&mut head)?;
    if head.get(257..262) != Some(b"ustar") {
        findings.object(Check::Structure, || not_a_package(&head));
        return Ok(Contents::default());
    }
    file.seek(SeekFrom::Start(0))?;
    let mut tar = TarReader::new(BufReader::with_capacity(limits::CHUNK_BYTES, file));
    let mut contents = Contents::default();
    let mut last = None;
    let mut buffer = vec![0; limits::CHUNK_BYTES];
    while let Some(found) = tar.next_member()? {
        let member = name(&found.name, &mut contents.top, findings);
        let sha256 = digest(&mut tar, &mut buffer)?;
        let Some(member) = member else { continue };
        if last >= Some(member) {
            findings.member(Check::Structure, member, || match last {
                Some(last) if last != member => {
                    format!("it stands after {last}: it is there twice, or not in its place")
                }
                _ => "it is in the package twice: tools do not agree on which of the two they show".into(),
            });
            continue;
        }
        last = Some(member);
        contents.push(member, Slot { at: found.content_at, size_bytes: found.size_bytes, sha256 });
    }
    for note in tar.notes() {
        let place = note.member.as_deref().map(|name| format!(" ({})", printable(name))).unwrap_or_default();
        findings
            .object(Check::Structure, || format!("at byte {}{place}: {}{}", note.at, note.fault, meaning(note.fault)));
    }
    if tar.more_notes() > 0 {
        findings.object(Check::Structure, || format!("{} more faults of the tar are not listed", tar.more_notes()));
    }
    complete(&contents, findings);
    Ok(contents)
}

/// Which member a name means; the first one names the top folder.
fn name(name: &[u8], top: &mut String, findings: &mut Findings) -> Option<Member> {
    let parsed = std::str::from_utf8(name).ok().and_then(|name| name.split_once('/'));
    let member = parsed.and_then(|(folder, rest)| Some((folder, Member::parse(rest)?)));
    let Some((folder, member)) = member.filter(|(folder, _)| is_order_id(folder)) else {
        findings.object(Check::Structure, || {
            format!("there is a file of the name {}, which no package has", printable(name))
        });
        return None;
    };
    if top.is_empty() {
        folder.clone_into(top);
    }
    if top != folder {
        findings.object(Check::Structure, || {
            format!("{} is not below the one folder that the package is in, {top}", printable(name))
        });
        return None;
    }
    Some(member)
}

/// SHA-256 of what is left of the current member.
fn digest(tar: &mut dyn Read, buffer: &mut [u8]) -> io::Result<Digest> {
    let mut hasher = Hasher::new();
    loop {
        match tar.read(buffer) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(got) => hasher.update(buffer.get(..got).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The members that every package has are there, and exhibits are numbered without a gap.
fn complete(contents: &Contents, findings: &mut Findings) {
    for member in Member::ALWAYS.into_iter().filter(|member| contents.get(*member).is_none()) {
        findings.member(Check::Structure, member, || "it is missing; every package has it".into());
    }
    let mut expected = 1;
    for &(number, extension, _) in contents.data() {
        let member = Member::Data(number, extension);
        if number < expected {
            findings.member(Check::Structure, member, || "two exhibits have this number".into());
        } else if number > expected {
            findings.member(Check::Structure, member, || {
                format!("an exhibit numbered {expected:06} should stand before it, and does not")
            });
        }
        expected = number.saturating_add(1);
    }
    let says_nothing = contents.get(Member::Nothing).is_some();
    if says_nothing != contents.data().is_empty() {
        findings.member(Check::Structure, Member::Nothing, || {
            if says_nothing {
                "it says that nothing is disclosed, and there are exhibits".into()
            } else {
                "there is no exhibit, and the file that says so is missing".into()
            }
        });
    }
}

/// `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`.
fn is_order_id(text: &str) -> bool {
    text.len() <= 64
        && text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// What a fault means for someone who relies on the package.
const fn meaning(fault: Fault) -> &'static str {
    match fault {
        Fault::Header => "; a package has no place for them, and something can be hidden there",
        Fault::Checksum => "; the file was damaged or changed",
        Fault::NotAHeader | Fault::Truncated | Fault::NoEnd => "; the file is damaged, or was cut off or changed",
        Fault::NotAFile(_) => "; it may make a tool write elsewhere, or show something else than what is checked",
        Fault::Pax => "; it may make a tool show another name, size or content than what is checked",
        Fault::Padding | Fault::Trailing => "; bytes stand where tools do not look, and nobody vouches for them",
    }
}

/// What the file is instead, where its first bytes say so.
fn not_a_package(head: &[u8]) -> String {
    const KINDS: [(&[u8], &str); 8] = [
        (b"PK\x03\x04", "a zip archive"),
        (b"PK\x05\x06", "a zip archive"),
        (b"\x1f\x8b", "compressed with gzip"),
        (b"\x1f\x9d", "compressed with compress"),
        (b"BZh", "compressed with bzip2"),
        (b"\xfd7zXZ\0", "compressed with xz"),
        (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
        (b"%PDF", "a PDF document"),
    ];
    let kind = KINDS.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, kind)| *kind);
    match kind {
        _ if head.is_empty() => "this is not a package: the file is empty".into(),
        Some(kind) => format!("this is not a package: it is {kind}, and a package is a plain tar"),
        None => "this is not a package: it does not begin as the tar of a package does".into(),
    }
}
