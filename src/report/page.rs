//! `report.html`: the frame around the sections.
//!
//! **Invariant:** the page's own policy lets nothing run and nothing load: the one style is named by its digest.

use base64::Engine as _;

use super::Report;
use super::escape::escape;
use super::section;
use super::words::{counted, number};
use crate::digest::Digest;
use crate::ledger::{Outcome, Statement};

/// The one style sheet.
const STYLE: &str = include_str!("style.css");

/// The whole page.
pub(super) fn html(report: &Report<'_>) -> String {
    let order = &report.disclosure.order;
    let mut out = head(&order.id);
    out.push_str(&format!("<header>\n<h1>Disclosure under order <bdi>{}</bdi></h1>\n", escape(&order.id)));
    out.push_str(&summary(report));
    out.push_str("</header>\n<nav aria-label=\"Sections\">\n<ul>\n");
    for (anchor, title) in section::ALL {
        out.push_str(&format!("<li><a href=\"#{anchor}\">{title}</a></li>\n"));
    }
    out.push_str("</ul>\n</nav>\n<main>\n");
    let bodies = [
        section::order(order),
        section::clauses(report),
        section::gaps(&report.disclosure.statement),
        section::timeline(report),
        section::exhibits(&report.disclosure.summary),
        section::sources(&report.disclosure.statement),
        section::check(&order.id),
        section::glossary(),
    ];
    for ((anchor, title), body) in section::ALL.into_iter().zip(bodies) {
        out.push_str(&format!(
            "<section id=\"{anchor}\" aria-labelledby=\"{anchor}-title\">\n<h2 id=\"{anchor}-title\">{title}</h2>\n{body}</section>\n"
        ));
    }
    out.push_str("</main>\n");
    out.push_str(&foot(&report.disclosure.statement));
    out.push_str("</body>\n</html>\n");
    out
}

fn head(id: &str) -> String {
    let style = base64::engine::general_purpose::STANDARD.encode(Digest::of(STYLE.as_bytes()).bytes());
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{style}'; \
         base-uri 'none'; form-action 'none'\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Disclosure under order {}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
        escape(id)
    )
}

/// The whole in three sentences.
fn summary(report: &Report<'_>) -> String {
    let Statement { clauses, totals, .. } = &report.disclosure.statement;
    let produced = clauses.iter().filter(|clause| clause.outcome == Outcome::Produced).count() as u64;
    let mut out = format!(
        "<p>Under {} of {}, {} disclosed: {}, {}, from {}.</p>\n",
        number(produced),
        counted(clauses.len() as u64, "clause", "clauses"),
        match report.disclosure.summary.exhibits() {
            1 => "1 exhibit is".to_owned(),
            many => format!("{} exhibits are", number(many)),
        },
        counted(totals.records, "record", "records"),
        counted(totals.bytes, "byte", "bytes"),
        counted(totals.files, "file", "files"),
    );
    if totals.withheld > 0 {
        out.push_str(&format!(
            "<p>{} held back on a ground that the provider has recorded.</p>\n",
            counted(totals.withheld, "item is", "items are")
        ));
    }
    out.push_str(if report.disclosure.statement.is_complete() {
        "<p>Everything that the order names was read to the end, and every item was decided.</p>\n"
    } else {
        "<p class=\"warn\">This disclosure is not complete: see <a href=\"#gaps\">what is short or undecided</a>.</p>\n"
    });
    out
}

fn foot(statement: &Statement) -> String {
    let digest = statement.digest.map(|digest| digest.to_string()).unwrap_or_default();
    format!(
        "<footer>\n<p>Digest of this disclosure: <code>{digest}</code></p>\n<p>SHA-256 of the order: <code>{}</code></p>\n</footer>\n",
        statement.order_sha256
    )
}
