//! The tar of a package: its form, and which members stand in it.
//!
//! The form is held against the writer's to the byte ([`TarReader`]), so that nothing can be hidden in a header and no two
//! tools can see two packages in one file; here come the names, their order, and the digest of each member.
//!
//! **Invariant:** memory is bounded by the closed set of names; what stands in the tar is never written anywhere.
//! **Invariant:** the contents are whole only where nothing was found; behind a thousand faults nothing is read.

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
    let mut census = Census { expected: 1, ..Census::default() };
    let mut buffer = vec![0; limits::CHUNK_BYTES];
    let mut is_whole = true;
    while let Some(found) = tar.next_member()? {
        if faults(&tar, findings) > limits::TAR_FAULTS {
            is_whole = false;
            break;
        }
        let member = name(&found.name, &mut contents.top, findings).filter(|member| census.takes(*member, findings));
        // Of a tar with a fault nothing else is asked: what it holds is passed over, and nothing of it kept.
        if faults(&tar, findings) > 0 {
            continue;
        }
        let sha256 = digest(&mut tar, &mut buffer)?;
        if let Some(member) = member {
            contents.push(member, Slot { at: found.content_at, size_bytes: found.size_bytes, sha256 });
        }
    }
    for note in tar.notes() {
        let place = note.member.as_deref().map(|name| format!(" ({})", printable(name))).unwrap_or_default();
        findings
            .object(Check::Structure, || format!("at byte {}{place}: {}{}", note.at, note.fault, meaning(note.fault)));
    }
    if tar.more_notes() > 0 {
        findings.object(Check::Structure, || format!("{} more faults of the tar are not listed", tar.more_notes()));
    }
    if is_whole {
        census.complete(findings);
    } else {
        let at = tar.position();
        findings.object(Check::Structure, || {
            format!("it has more than {} faults up to byte {at}, and was not read further", limits::TAR_FAULTS)
        });
    }
    Ok(contents)
}

/// How many faults were found so far.
fn faults<R: Read>(tar: &TarReader<R>, findings: &Findings) -> u64 {
    let notes = (tar.notes().len() as u64).saturating_add(tar.more_notes());
    notes.saturating_add(findings.count(Check::Structure))
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

/// Which members came: each once and in its place, every package's own among them, exhibits numbered without a gap.
#[derive(Default)]
struct Census {
    last: Option<Member>,
    /// Those of [`Member::ALWAYS`] and [`Member::Nothing`]: each comes once at most.
    fixed: Vec<Member>,
    /// The number that the next exhibit must have.
    expected: u32,
}

impl Census {
    /// Notes a member; false, with a finding, where it stands there twice or not in its place.
    fn takes(&mut self, member: Member, findings: &mut Findings) -> bool {
        if self.last >= Some(member) {
            findings.member(Check::Structure, member, || match self.last {
                Some(last) if last != member => {
                    format!("it stands after {last}: it is there twice, or not in its place")
                }
                _ => "it is in the package twice: tools do not agree on which of the two they show".into(),
            });
            return false;
        }
        self.last = Some(member);
        match member {
            Member::Data(number, _) => self.number(number, member, findings),
            Member::Records(_) => {}
            _ => self.fixed.push(member),
        }
        true
    }

    fn number(&mut self, number: u32, member: Member, findings: &mut Findings) {
        let expected = self.expected;
        if number < expected {
            findings.member(Check::Structure, member, || "two exhibits have this number".into());
        } else if number > expected {
            findings.member(Check::Structure, member, || {
                format!("an exhibit numbered {expected:06} should stand before it, and does not")
            });
        }
        self.expected = number.saturating_add(1);
    }

    /// All have come.
    fn complete(&self, findings: &mut Findings) {
        for member in Member::ALWAYS.into_iter().filter(|member| !self.fixed.contains(member)) {
            findings.member(Check::Structure, member, || "it is missing; every package has it".into());
        }
        let says_nothing = self.fixed.contains(&Member::Nothing);
        if says_nothing != (self.expected == 1) {
            findings.member(Check::Structure, Member::Nothing, || {
                if says_nothing {
                    "it says that nothing is disclosed, and there are exhibits".into()
                } else {
                    "there is no exhibit, and the file that says so is missing".into()
                }
            });
        }
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
