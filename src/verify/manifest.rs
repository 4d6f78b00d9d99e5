//! The two manifests of the bag, held against the members that are there (RFC 8493, 2.1.3 and 2.2.1).
//!
//! Ours are stricter than the RFC asks: one line a member, in the order of the contract, 64 lower-case hex digits, two
//! spaces, the name, LF. Percent escapes, other white space, `./`, an asterisk, a byte order mark or CR have no place,
//! because two readers may understand them in two ways.
//!
//! **Invariant:** memory does not grow with the length of a manifest.

use std::io::{self, Read, Seek};

use super::check::{Check, Findings, printable};
use super::contents::{Line, Shelf, Slot};
use crate::digest::Digest;
use crate::package::bag;
use crate::package::layout::Member;

/// Compares one manifest with the members that it must list.
pub(super) fn check<R: Read + Seek>(shelf: &Shelf<'_, R>, manifest: Member, findings: &mut Findings) -> io::Result<()> {
    let mut present = shelf.contents.listed_in(manifest == Member::Manifest).peekable();
    let mut last: Option<Member> = None;
    let Some(mut lines) = shelf.lines(manifest) else { return Ok(()) };
    loop {
        let number = lines.number().saturating_add(1);
        let (stated, member) = match lines.next()? {
            None => break,
            Some(Line::Bad(why)) => {
                findings.member(Check::ClosedWorld, manifest, || format!("line {number} {why}"));
                continue;
            }
            Some(Line::Whole(line)) => match parse(line) {
                Ok(entry) => entry,
                Err(why) => {
                    let line = printable(line);
                    findings.member(Check::ClosedWorld, manifest, || format!("line {number} {why}: {line}"));
                    continue;
                }
            },
        };
        if last.is_some_and(|last| last >= member) {
            findings.member(Check::ClosedWorld, manifest, || {
                format!("line {number} lists {member} again or out of its place")
            });
            continue;
        }
        last = Some(member);
        while let Some((unlisted, _)) = present.next_if(|(there, _)| *there < member) {
            not_listed(unlisted, manifest, findings);
        }
        match present.next_if(|(there, _)| *there == member) {
            None => findings.member(Check::ClosedWorld, member, || {
                format!("{manifest} lists it, and it is not in the package or has no place in that list")
            }),
            Some((_, slot)) => compare(member, manifest, stated, &slot, findings),
        }
    }
    present.for_each(|(unlisted, _)| not_listed(unlisted, manifest, findings));
    Ok(())
}

/// What a line in the one form of a package says; else what is wrong with it, in a few words.
fn parse(line: &[u8]) -> Result<(Digest, Member), String> {
    let entry = bag::entry(line).map_err(|error| error.to_string())?;
    let Some(member) = Member::parse(&entry.name) else {
        return Err("names a file that no package has".into());
    };
    match entry.digest.parse() {
        Ok(digest) if entry.is_plain => Ok((digest, member)),
        _ => Err(format!(
            "lists {member} in another form than a SHA-256 in small letters, two spaces and the name: two readers may \
             understand it in two ways"
        )),
    }
}

fn not_listed(member: Member, manifest: Member, findings: &mut Findings) {
    findings.member(Check::ClosedWorld, member, || {
        format!("it is in the package, and {manifest} does not list it: it may have been put in afterwards")
    });
}

fn compare(member: Member, manifest: Member, stated: Digest, slot: &Slot, findings: &mut Findings) {
    if stated != slot.sha256 {
        findings.member(Check::Sha256, member, || {
            format!(
                "its bytes have the SHA-256 {}, and {manifest} states {stated}: one of the two was changed after sealing",
                slot.sha256
            )
        });
    }
}
