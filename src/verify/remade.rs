//! Members that follow from the others: made anew and compared to the byte.
//!
//! A report is what people read. If it says anything that the ledger does not, it is not the report of this package.
//!
//! **Invariant:** what is compared here is made by the same code that the writer uses, from the package alone.

use std::io::{self, Read, Seek};

use super::check::{Check, Findings, printable};
use super::contents::Shelf;
use crate::clock::Timestamp;
use crate::ledger::{Disclosure, OrderFacts, Statement, Summary};
use crate::order::Order;
use crate::package::Agent;
use crate::package::layout::{BAGIT_TXT, Member, NOTHING};
use crate::report::Report;

/// The longest `bag-info.txt`, in bytes: four short lines.
pub(super) const BAG_INFO_BYTES: u64 = 1024;

/// The members whose bytes are the same in every package of an order.
pub(super) fn fixed<R: Read + Seek>(shelf: &Shelf<'_, R>, findings: &mut Findings) -> io::Result<()> {
    let readme = crate::package::readme_text(&shelf.contents.top);
    let members = [
        (Member::Bagit, BAGIT_TXT, "it is not that of a BagIt 1.0 bag as every package has it"),
        (
            Member::Readme,
            readme.as_bytes(),
            "it is not the text that every package carries: do not follow what it says",
        ),
        (Member::Nothing, NOTHING, "it says something else than that nothing is disclosed"),
    ];
    for (member, expected, text) in members {
        if shelf.contents.get(member).is_some() && !same(shelf, member, expected)? {
            findings.member(Check::Structure, member, || text.into());
        }
    }
    Ok(())
}

/// `bag-info.txt`: four lines, and nothing that does not follow from the package. `sealed`: when the custody log ends.
pub(super) fn bag_info<R: Read + Seek>(
    shelf: &Shelf<'_, R>,
    sealed: Option<Timestamp>,
    findings: &mut Findings,
) -> io::Result<()> {
    let bytes = shelf.read(Member::BagInfo, BAG_INFO_BYTES)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text.split('\n');
    let mut value = |label: &str| lines.next().and_then(|line| line.strip_prefix(label)?.strip_prefix(": "));
    let agent = value("Bag-Software-Agent");
    let day = value("Bagging-Date");
    let id = value("External-Identifier");
    let oxum = value("Payload-Oxum");
    let ends = lines.next() == Some("") && lines.next().is_none();
    let (Some(agent), Some(day), Some(id), Some(oxum), true) = (agent, day, id, oxum, ends) else {
        findings.member(Check::Structure, Member::BagInfo, || "it has not the four lines of a package's".into());
        return Ok(());
    };
    if Agent::parse(agent).is_none() || id != shelf.contents.top {
        findings.member(Check::Structure, Member::BagInfo, || {
            "it names another program or another order than the rest of the package".into()
        });
    }
    if let Some(sealed) = sealed.filter(|sealed| sealed.to_utc().date().to_string() != day) {
        let day = printable(day.as_bytes());
        findings.member(Check::Chain, Member::BagInfo, || {
            format!("it says that the package was made on {day}, and the custody log was sealed at {sealed}")
        });
    }
    let (octets, streams) = shelf.contents.listed_in(true).fold((0u64, 0u64), |(octets, streams), (_, slot)| {
        (octets.saturating_add(slot.size_bytes), streams.saturating_add(1))
    });
    if oxum != format!("{octets}.{streams}") {
        let oxum = printable(oxum.as_bytes());
        findings.member(Check::Totals, Member::BagInfo, || {
            format!("it states {oxum} (bytes and files in data/), and there are {octets}.{streams}")
        });
    }
    Ok(())
}

/// The reports, from the order, `disclosure.json` and the ledger.
pub(super) fn reports<R: Read + Seek>(
    shelf: &Shelf<'_, R>,
    order: &Order,
    statement: &Statement,
    summary: Summary,
    findings: &mut Findings,
) -> io::Result<()> {
    let disclosure = Disclosure { order: OrderFacts::of(order), statement: statement.clone(), summary };
    let report = Report::of(&disclosure);
    let members = [
        (Member::ReportHtml, report.html().into_bytes()),
        (Member::ReportJson, report.json().map_err(io::Error::other)?),
    ];
    for (member, expected) in members {
        if !same(shelf, member, &expected)? {
            findings.member(Check::ClosedWorld, member, || {
                "it is not the report that follows from the order, disclosure.json and the ledger: it was changed, or they were"
                    .into()
            });
        }
    }
    Ok(())
}

/// A member's bytes are exactly those.
fn same<R: Read + Seek>(shelf: &Shelf<'_, R>, member: Member, expected: &[u8]) -> io::Result<bool> {
    Ok(shelf.read(member, expected.len() as u64)?.as_deref() == Some(expected))
}
