//! Members that follow from the others: made anew and compared to the byte.
//!
//! A report is what people read. If it says anything that the ledger does not, it is not the report of this package.
//!
//! **Invariant:** what is compared here is made by the same code that the writer uses, from the package alone.

use std::io::{self, Read, Seek};

use super::check::{Check, Findings};
use super::contents::Shelf;
use crate::ledger::{Disclosure, OrderFacts, Statement, Summary};
use crate::order::Order;
use crate::package::layout::{BAGIT_TXT, Member, NOTHING};

/// The members whose bytes are the same in every package of an order.
pub(super) fn fixed<R: Read + Seek>(shelf: &Shelf<'_, R>, findings: &mut Findings) -> io::Result<()> {
    let readme = crate::package::readme::text(&shelf.contents.top);
    let members = [
        (Member::Bagit, BAGIT_TXT, "it is not that of a BagIt 1.0 bag as every package has it"),
        (Member::Readme, readme.as_bytes(), "it is not the text that every package carries: do not follow it"),
        (Member::Nothing, NOTHING, "it says something else than that nothing is disclosed"),
    ];
    for (member, expected, text) in members {
        if shelf.contents.get(member).is_some() && !same(shelf, member, expected)? {
            findings.member(Check::Structure, member, || text.into());
        }
    }
    Ok(())
}

/// A member's bytes are exactly those.
fn same<R: Read + Seek>(shelf: &Shelf<'_, R>, member: Member, expected: &[u8]) -> io::Result<bool> {
    Ok(shelf.read(member, expected.len() as u64)?.as_deref() == Some(expected))
}
