//! The sections of `report.html`, each from one part of the disclosure.
//!
//! **Invariant:** every text that an order or a source wrote passes `escape`, and stands in a `bdi` that keeps its direction
//! from its surroundings.

use super::Report;
use super::escape::{escape, escape_lines};
use super::words::{self, counted, number};
use crate::clock::{Timestamp, Zone};
use crate::ledger::{
    ClauseFacts, ClauseWords, ExhibitLine, OrderFacts, Outcome, Reduced, Shortfall, Statement, Summary, TakeName,
    Transactions, WindowWords,
};
use crate::limits;
use crate::order::Unit;

/// The sections: anchor and title.
pub(super) const ALL: [(&str, &str); 8] = [
    ("order", "The order"),
    ("clauses", "What each clause came to"),
    ("gaps", "What is short or undecided"),
    ("timeline", "When"),
    ("exhibits", "Exhibits"),
    ("sources", "Sources"),
    ("check", "How to check this package"),
    ("words", "Words used here"),
];

/// Identifiers and paths of a clause that are listed; an order may have many.
const LISTED: usize = 50;

pub(super) fn order(order: &OrderFacts) -> String {
    let mut rows = vec![
        ("Order", text(&order.id)),
        ("Authority", text(&order.authority)),
        ("Court", order.court.as_deref().map_or_else(|| "none named".to_owned(), text)),
        ("Reference", text(&order.reference)),
        ("Legal basis", escape(words::legal_basis(order.legal_basis))),
        ("Made", text(&order.made)),
        ("Served", instant(order.served, order.zone)),
        ("Due", format!("{} after service", words::duration(&order.due).unwrap_or_else(|| text(&order.due)))),
    ];
    if let Some(day) = &order.expires {
        rows.push(("Expires", format!("at the end of {}", text(day))));
    }
    rows.push(("Dates in it mean", format!("days in {}", text(order.zone))));
    let mut out = list(&rows);
    out.push_str("<p>The order as it was carried out, to the letter: <a href=\"order.toml\">order.toml</a>.</p>\n");
    out
}

pub(super) fn clauses(report: &Report<'_>) -> String {
    let (order, statement) = (&report.disclosure.order, &report.disclosure.statement);
    let pairs = order.clauses.iter().zip(&statement.clauses);
    let short = |id: &str| statement.shortfalls.iter().filter(|short| short.clause == id).cloned().collect();
    let mut out: String =
        pairs.map(|(asked, answered)| clause(asked, answered, short(&asked.id), order.zone)).collect();
    if order.clauses.len() > 1 {
        out.push_str("<p class=\"note\">An item that two clauses ask for is counted under both.</p>\n");
    }
    out
}

fn clause(asked: &ClauseWords, answered: &ClauseFacts, short: Vec<Shortfall>, zone: &str) -> String {
    let answered_in_full = matches!(answered.outcome, Outcome::Produced | Outcome::NothingHeld | Outcome::Withheld)
        && answered.undecided == 0
        && short.is_empty();
    let mut rows = vec![
        ("Looked in", format!("source {}: {}", text(&asked.source), many(&asked.paths))),
        ("Kind of data", words::category(asked.category).to_owned()),
        ("Taken", taken(asked)),
    ];
    if !asked.identifiers.is_empty() {
        rows.push(("Holding", format!("any of: {}", many(&asked.identifiers))));
    }
    if !asked.with.is_empty() {
        rows.push(("And in the same record", format!("any of: {}", many(&asked.with))));
    }
    if let Some(reduced) = &asked.reduced {
        rows.push(("Given", given(reduced)));
    }
    match asked.transactions {
        Some(Transactions::Joined) => rows.push((
            "Transactions",
            "Taken whole: with each line that is asked for, the others of its transaction. The ledger marks those `because`."
                .to_owned(),
        )),
        Some(Transactions::NotIncluded) => rows.push((
            "Transactions",
            "The other lines of the same transactions are not included: they carry no identifier of this clause, and it does not \
             ask for them."
                .to_owned(),
        )),
        None => {}
    }
    rows.push(("Time", asked.window.as_ref().map_or_else(|| "any".to_owned(), |window| span(window, zone))));
    rows.push(("Disclosed", disclosed(answered, asked.take)));
    let nouns = if asked.take == TakeName::Files { ("file", "files") } else { ("item", "items") };
    if answered.withheld > 0 {
        rows.push(("Withheld", counted(answered.withheld, nouns.0, nouns.1)));
    }
    if answered.undecided > 0 {
        rows.push(("Undecided", counted(answered.undecided, nouns.0, nouns.1)));
    }
    if !short.is_empty() {
        let ways = short.iter().map(|short| format!("{} ({})", short.kind.words(), number(short.count)));
        rows.push(("Short", ways.collect::<Vec<_>>().join("<br>")));
    }
    if let (Some(examined), Some(outside)) = (answered.examined, answered.outside) {
        let examined = counted(examined, "byte", "bytes");
        rows.push(("Examined", format!("{examined}, of which {} are not asked for", number(outside))));
    }
    format!(
        "<article{}>\n<h3>Clause <bdi>{}</bdi>: {}</h3>\n<blockquote><bdi>{}</bdi></blockquote>\n<p>{}</p>\n{}</article>\n",
        if answered_in_full { "" } else { " class=\"open\"" },
        escape(&asked.id),
        heading(answered.outcome),
        escape_lines(&asked.text),
        answered.outcome.words(),
        list(&rows)
    )
}

const fn heading(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Produced => "produced",
        Outcome::Undecided => "undecided",
        Outcome::Withheld => "withheld",
        Outcome::Encrypted => "encrypted",
        Outcome::NotRead => "not read",
        Outcome::NoSuchPath => "no such place",
        Outcome::LinkNotFollowed => "link not followed",
        Outcome::NothingHeld => "nothing held",
    }
}

fn taken(asked: &ClauseWords) -> String {
    match (asked.take, asked.format) {
        (TakeName::Files, _) => "whole files".to_owned(),
        (TakeName::Records, None) => "records within files".to_owned(),
        (TakeName::Records, Some(format)) => format!("records within files of the format {}", format.name()),
    }
}

/// What of each record a clause asks for.
fn given(reduced: &Reduced) -> String {
    match (reduced.unit, &reduced.fields) {
        (Some(Unit::Headers), _) => {
            "of each message its headers alone, as they are stored (among them the sender, the \
            recipients, the subject and the dates); nothing of what was written in it or attached to it"
                .to_owned()
        }
        (Some(Unit::MessageWithoutAttachments), _) => {
            "each message as it is stored, without its attachments; the ledger \
            says how many of each were left out (<code>left_out</code>)"
                .to_owned()
        }
        (None, fields) => {
            let fields = many(fields.as_deref().unwrap_or_default());
            format!(
                "of each record these fields alone: {fields}. The rest of it was not asked for and is not in this package"
            )
        }
    }
}

/// In which form an exhibit is given.
fn form(reduced: &Reduced) -> String {
    match (reduced.unit, &reduced.fields) {
        (Some(Unit::Headers), _) => "its headers alone".to_owned(),
        (Some(Unit::MessageWithoutAttachments), _) => match reduced.left_out {
            None | Some(0) => "which has no attachments".to_owned(),
            Some(count) => format!("without {}", counted(count, "attachment", "attachments")),
        },
        (None, fields) => format!("of each {} alone", many(fields.as_deref().unwrap_or_default())),
    }
}

fn disclosed(answered: &ClauseFacts, take: TakeName) -> String {
    let (files, bytes) = (counted(answered.files, "file", "files"), counted(answered.bytes, "byte", "bytes"));
    match take {
        TakeName::Files => format!("{files}, {bytes}"),
        TakeName::Records => format!("{} from {files}, {bytes}", counted(answered.records, "record", "records")),
    }
}

/// A window as the order means it, and in UTC.
fn span(window: &WindowWords, zone: &str) -> String {
    format!(
        "from {} until before {}, by {}",
        instant(window.from, zone),
        instant(window.before, zone),
        words::clock(window.clock)
    )
}

/// A date and time as a letter would write it: `31 March 2024, 00:00:00`.
const CIVIL: &str = "%-d %B %Y, %H:%M:%S";

/// An instant in UTC, and in the order's zone where that differs.
fn instant(at: Timestamp, zone: &str) -> String {
    match Zone::named(zone).filter(|&zone| zone != Zone::UTC) {
        Some(zone) => format!("{} in {} ({at})", zone.civil(at).format(CIVIL), escape(zone.name())),
        None => format!("{} UTC", at.to_utc().format(CIVIL)),
    }
}

pub(super) fn gaps(statement: &Statement) -> String {
    let mut out = String::new();
    if statement.shortfalls.is_empty() {
        out.push_str("<p>Nothing is short: every place that the order names was there and was read to its end.</p>\n");
    } else {
        out.push_str(
            "<p>The following was asked for and not read. Nothing is said of what it holds; it must not be taken as \
             empty.</p>\n<table>\n<thead><tr><th scope=\"col\">Clause</th><th scope=\"col\">What</th>\
             <th scope=\"col\" class=\"number\">How many</th></tr></thead>\n<tbody>\n",
        );
        for shortfall in &statement.shortfalls {
            out.push_str(&format!(
                "<tr><td>{}</td><td>{}</td><td class=\"number\">{}</td></tr>\n",
                text(&shortfall.clause),
                shortfall.kind.words(),
                number(shortfall.count)
            ));
        }
        out.push_str("</tbody>\n</table>\n");
    }
    let under: u64 = statement.clauses.iter().map(|clause| clause.undecided).fold(0, u64::saturating_add);
    if under == 0 {
        out.push_str("<p>Nothing is undecided.</p>\n");
    } else {
        let in_all = statement.totals.undecided;
        if in_all > 0 {
            out.push_str(&format!(
                "<p>{} not disclosed, because a time or an identifier that decides cannot be read. Nothing of this was \
                 counted as absent either; what is to happen with it is for the court or the parties to say.</p>\n",
                counted(in_all, "item may fall under a clause and was", "items may fall under a clause and were")
            ));
        }
        if in_all < under {
            out.push_str(
                "<p>The numbers under the clauses come to more, for an item that several clauses cannot be decided on \
                 stands under each of them, and one that another clause lets out is disclosed all the same.</p>\n",
            );
        }
    }
    out
}

pub(super) fn timeline(report: &Report<'_>) -> String {
    let chart = &report.chart;
    let without = chart.without_time();
    let mut out = String::new();
    if chart.is_empty() {
        out.push_str("<p>No disclosed item carries a time.</p>\n");
    } else {
        let unit = chart.unit_words();
        out.push_str(&format!("<figure>\n{}", chart.svg(&|clause| format!("clause {}", report.clause_id(clause)))));
        out.push_str(&format!(
            "<figcaption>Disclosed records, messages and files by clause and {unit}, in UTC.</figcaption>\n</figure>\n"
        ));
        if chart.not_drawn() > 0 {
            out.push_str(&format!(
                "<p>{} more clauses disclosed something and are not drawn.</p>\n",
                number(chart.not_drawn() as u64)
            ));
        }
        out.push_str(&format!(
            "<details>\n<summary>The same in numbers</summary>\n<table>\n<thead><tr><th scope=\"col\">From ({unit})</th>\
             <th scope=\"col\">Clause</th><th scope=\"col\" class=\"number\">Items</th></tr></thead>\n<tbody>\n"
        ));
        let mut more = 0u64;
        for (place, (from, clause, count)) in chart.counts().enumerate() {
            if place >= limits::REPORT_ROWS {
                more = more.saturating_add(1);
                continue;
            }
            out.push_str(&format!(
                "<tr><td>{from}</td><td>{}</td><td class=\"number\">{}</td></tr>\n",
                text(&report.clause_id(clause)),
                number(count)
            ));
        }
        out.push_str("</tbody>\n</table>\n");
        if more > 0 {
            out.push_str(&format!("<p>{} more rows are in report.json.</p>\n", number(more)));
        }
        out.push_str("</details>\n");
    }
    if without > 0 {
        let items = counted(without, "disclosed item carries", "disclosed items carry");
        out.push_str(&format!("<p>{items} no time that counts.</p>\n"));
    }
    out
}

pub(super) fn exhibits(summary: &Summary) -> String {
    if summary.exhibits() == 0 {
        return "<p>Nothing is disclosed under this order.</p>\n".to_owned();
    }
    let mut out = String::from(
        "<table>\n<thead><tr><th scope=\"col\">Exhibit</th><th scope=\"col\">Clauses</th><th scope=\"col\">What</th>\
         <th scope=\"col\" class=\"number\">Bytes</th><th scope=\"col\">Time (UTC)</th>\
         <th scope=\"col\">Where it was found</th></tr></thead>\n<tbody>\n",
    );
    summary.listed().iter().for_each(|line| out.push_str(&exhibit(line)));
    out.push_str("</tbody>\n</table>\n");
    let listed = summary.listed().len() as u64;
    if listed < summary.exhibits() {
        out.push_str(&format!(
            "<p>These are the first {} of {} exhibits. All of them are in \
             <a href=\"exhibits.jsonl\">exhibits.jsonl</a>.</p>\n",
            number(listed),
            number(summary.exhibits())
        ));
    } else {
        out.push_str("<p>The same with their sums, for programs: <a href=\"exhibits.jsonl\">exhibits.jsonl</a>.</p>\n");
    }
    out
}

fn exhibit(line: &ExhibitLine) -> String {
    let what = match (line.format, line.records) {
        (None, _) => "whole file".to_owned(),
        (Some(format), _) if format.is_mail() => "message".to_owned(),
        (Some(_), records) => {
            let records = counted(records.unwrap_or(0), "record", "records");
            format!("<a href=\"records/{:06}.jsonl\">{records}</a>", line.exhibit)
        }
    };
    let time = match (line.has_records(), line.time) {
        (true, _) => "in each record".to_owned(),
        (false, Some(at)) => at.to_string(),
        (false, None) => "none that counts".to_owned(),
    };
    let what = match &line.reduced {
        Some(reduced) => format!("{what}, {}", form(reduced)),
        None => what,
    };
    // The link is built from the number and letters of a closed list, never from what stands in the line.
    let letters = line.extension().name();
    let volume = line.volume.as_deref().map(|volume| format!(", volume {}", text(volume))).unwrap_or_default();
    format!(
        "<tr><td><a href=\"data/{0:06}.{letters}\">{0:06}</a></td><td>{1}</td><td>{what}</td>\
         <td class=\"number\">{2}</td><td>{time}</td><td class=\"path\">{3}{volume}: {4}</td></tr>\n",
        line.exhibit,
        line.clauses.iter().map(|id| text(id)).collect::<Vec<_>>().join(", "),
        number(line.bytes),
        text(&line.source),
        text(&line.path)
    )
}

pub(super) fn sources(statement: &Statement) -> String {
    let mut out = String::from(
        "<p>They were opened for reading only. Deleted files and unused space were not read.</p>\n<table>\n\
         <thead><tr><th scope=\"col\">Source</th><th scope=\"col\">Kind</th><th scope=\"col\" class=\"number\">Bytes</th>\
         <th scope=\"col\">SHA-256</th><th scope=\"col\">Journal</th></tr></thead>\n<tbody>\n",
    );
    for source in &statement.sources {
        let journals: Vec<String> = source
            .journal
            .iter()
            .map(|journal| format!("volume {}: {}", text(&journal.volume), state(journal.state)))
            .collect();
        out.push_str(&format!(
            "<tr><td>{}</td><td>{}</td><td class=\"number\">{}</td><td class=\"path\">{}</td><td>{}</td></tr>\n",
            text(&source.name),
            text(&source.kind),
            source.bytes.map(number).unwrap_or_default(),
            source
                .sha256
                .map_or_else(|| "none: a folder has no bytes of its own".to_owned(), |digest| digest.to_string()),
            journals.join("<br>")
        ));
    }
    out.push_str("</tbody>\n</table>\n");
    out
}

const fn state(journal: crate::journal::Journal) -> &'static str {
    use crate::journal::Journal;
    match journal {
        Journal::None => "none",
        Journal::Clean => "clean: it held no changes that the disk lacks",
        Journal::Replayed => "it held changes; they were applied in memory, and the image was not touched",
        Journal::NotReplayed => {
            "it holds changes that were not applied: what was read may be older than the server saw"
        }
    }
}

pub(super) fn check(id: &str) -> String {
    let id = escape(id);
    format!(
        "<p>On any machine with the usual tools, in the folder that holds the package:</p>\n\
         <pre>tar -xf {id}.tar\ncd {id}\nsha256sum -c manifest-sha256.txt\nsha256sum -c tagmanifest-sha256.txt</pre>\n\
         <p>Both must say OK for every file. With the program extract, offline:</p>\n<pre>extract verify {id}.tar</pre>\n\
         <p>It checks every sum and count, and decides again for every exhibit and record whether the order covers it. \
         <a href=\"README.txt\">README.txt</a> says more, among it how to check a signature: the package itself is not \
         signed; a signature, if one was made, lies beside it. No check of the package alone can show that nothing is missing; that takes the sources.</p>\n"
    )
}

pub(super) fn glossary() -> String {
    let rows: Vec<(&str, String)> = words::GLOSSARY.iter().map(|&(term, meaning)| (term, meaning.to_owned())).collect();
    list(&rows)
}

/// Terms and what belongs to each; the second already escaped.
fn list(rows: &[(&str, String)]) -> String {
    let mut out = String::from("<dl>\n");
    for (term, value) in rows {
        out.push_str(&format!("<dt>{term}</dt><dd>{value}</dd>\n"));
    }
    out.push_str("</dl>\n");
    out
}

/// Foreign text.
fn text(text: &str) -> String {
    format!("<bdi>{}</bdi>", escape(text))
}

/// The first of many foreign texts, and how many more there are.
fn many(items: &[String]) -> String {
    let shown: Vec<String> = items.iter().take(LISTED).map(|item| format!("<code>{}</code>", text(item))).collect();
    match items.len().saturating_sub(LISTED) {
        0 => shown.join(", "),
        more => format!("{} and {} more (see order.toml)", shown.join(", "), number(more as u64)),
    }
}
