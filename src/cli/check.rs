//! `extract check ORDER [--fix-salt]`: what an order means, or everything that is wrong with it.
//!
//! **Invariant:** no source is opened; only `--fix-salt` writes, and only a salt that is missing or invalid.

use std::io::Write as _;
use std::path::Path;

use crate::cli::manifest::{Files, LoadError};
use crate::ledger::Reduced;
use crate::order::{self, Clause, Manifests, Order, Rows, Take, Target};

/// What `check` found.
#[derive(Debug)]
pub struct Checked {
    /// What to print on stdout.
    pub summary: String,
    /// What to print on stderr.
    pub findings: String,
    /// The order is valid: exit 0, else 2.
    pub valid: bool,
}

/// Why no salt could be written: exit 2.
#[derive(Debug, thiserror::Error)]
pub enum FixSaltError {
    /// The order, or its provider file, could not be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// There is nothing to put a salt into.
    #[error("there is no provider file {0}")]
    NoProviderFile(String),
    /// There is no safe place to write it to.
    #[error("{0}: {1}")]
    Salt(String, order::SaltError),
    /// The operating system gave no random bytes, or would not write.
    #[error("cannot write a salt to {0}: {1}")]
    Io(String, std::io::Error),
}

/// Reads an order and says what it means.
///
/// Errors: a file could not be read at all.
pub fn check(order_path: &Path, colour: bool) -> Result<Checked, LoadError> {
    let files = Files::read(order_path)?;
    Ok(match order::check(files.order_text(), files.provider_text()) {
        Ok(manifests) => {
            Checked { summary: summary(&manifests), findings: files.render(&manifests.warnings, colour), valid: true }
        }
        Err(findings) => Checked { summary: String::new(), findings: files.render(&findings, colour), valid: false },
    })
}

/// Puts a random salt into the provider file beside the order, if it has no valid one. True where it did.
///
/// The file is written aside and renamed: at no time is half of it there. Its mode stays.
///
/// Errors: there is no provider file, it cannot be parsed, or it cannot be written.
pub fn fix_salt(order_path: &Path) -> Result<bool, FixSaltError> {
    let files = Files::read(order_path)?;
    let Some((path, name, bytes)) = files.provider else {
        let path = crate::cli::manifest::provider_path(order_path);
        return Err(FixSaltError::NoProviderFile(path.display().to_string()));
    };
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| FixSaltError::Io(name.clone(), std::io::Error::other(error)))?;
    let written = order::with_salt(&bytes, random).map_err(|error| FixSaltError::Salt(name.clone(), error))?;
    let Some(written) = written else { return Ok(false) };
    replace(&path, &written).map_err(|error| FixSaltError::Io(name, error))?;
    Ok(true)
}

fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    // A link stays a link: what it leads to is exchanged.
    let path = std::fs::canonicalize(path)?;
    let folder = path.parent().ok_or_else(|| std::io::Error::other("it has no folder"))?;
    let mut aside = tempfile::NamedTempFile::new_in(folder)?;
    aside.write_all(bytes)?;
    aside.as_file().set_permissions(std::fs::metadata(&path)?.permissions())?;
    aside.as_file().sync_all()?;
    aside.persist(&path)?;
    Ok(())
}

/// What an order means, in a few lines a clause.
fn summary(manifests: &Manifests) -> String {
    let order = &manifests.order;
    let mut lines = vec![
        format!("order {}: valid", order.id),
        format!("  asked by {}, reference {}, under {}", order.authority, order.reference, order.legal_basis.name()),
        format!("  made {}, served {}, due {} after that", order.made, order.served, order.due),
    ];
    if let Some(expires) = order.expires {
        lines.push(format!("  not to be run after {expires}"));
    }
    lines.push(format!("  dates are in {}", order.zone.name()));
    for clause in &order.clauses {
        describe(order, clause, &mut lines);
    }
    match &manifests.provider {
        None => lines.push("no provider file: a run needs --source for every source, and --custodian".to_owned()),
        Some(provider) => {
            for withhold in &provider.withholds {
                let identifiers = withhold.identifiers.iter().map(|id| format!("{} {id}", id.kind()));
                let held: Vec<String> = identifiers.chain(withhold.paths.iter().cloned()).collect();
                lines.push(format!("withheld as {}: {}", withhold.class, held.join(", ")));
            }
            let placed = |name: &str| provider.sources.iter().any(|one| one.name == name && one.path.is_some());
            for source in order.sources.iter().filter(|source| !placed(&source.name)) {
                lines.push(format!("a run needs --source {}=PATH", source.name));
            }
            if provider.custodian.is_none() {
                lines.push("a run needs --custodian".to_owned());
            }
        }
    }
    let mut text: String = lines.iter().map(|line| printable(line) + "\n").collect();
    text.shrink_to_fit();
    text
}

fn describe(order: &Order, clause: &Clause, lines: &mut Vec<String>) {
    let source = order.sources.get(clause.source).map_or("", |source| source.name.as_str());
    let what = match &clause.take {
        Take::Files => "whole files".to_owned(),
        Take::Records(records) => match records.format {
            Some(format) => format!("records, {}", format.name()),
            None => "records, format by content".to_owned(),
        },
    };
    lines.push(format!("clause {}: {what}, of {source}, {}", clause.id, clause.category.name()));
    lines.push(format!("  \"{}\"", clause.text.split_whitespace().collect::<Vec<_>>().join(" ")));
    lines.extend(clause.paths.iter().map(|path| format!("  path   {path}")));
    if clause.opens_archives {
        lines.push("  opens archives that its paths reach".to_owned());
    }
    if let Take::Records(records) = &clause.take {
        lines.extend(records.identifiers.iter().map(|target| format!("  any of {}", shown(target))));
        lines.extend(records.with.iter().map(|target| format!("  with   {}", shown(target))));
        let has_cells = records.rows.as_ref().is_some_and(|rows| !rows.cells.is_empty());
        if let Some(rows) = &records.rows {
            describe_rows(rows, lines);
        }
        if records.identifiers.is_empty() && !has_cells {
            lines.push("  any identifier".to_owned());
        }
        let given = records.reduction.as_ref().map(|reduction| Reduced::of(reduction, None).words());
        lines.extend(given.map(|given| format!("  gives  {given}")));
    }
    match &clause.window {
        None => lines.push("  any time".to_owned()),
        Some(window) => {
            lines.push(format!(
                "  from   {} up to, not including, {} ({})",
                window.from,
                window.before,
                window.clock.name()
            ));
            let local = |at| order.zone.civil(at).format("%a %Y-%m-%d %H:%M:%S%.f");
            lines.push(format!(
                "         {} up to {} in {}",
                local(window.from),
                local(window.before),
                order.zone.name()
            ));
        }
    }
    let limit = clause.limit;
    for (count, unit) in [(limit.records, "records"), (limit.files, "files"), (limit.bytes, "bytes")] {
        lines.extend(count.map(|count| format!("  stops above {count} {unit}")));
    }
}

fn describe_rows(rows: &Rows, lines: &mut Vec<String>) {
    lines.extend(rows.table.iter().map(|table| format!("  table  {table}")));
    lines.extend(rows.cells.iter().map(|cell| {
        format!("  any of {} {}, the whole of column {}", cell.identifier.kind(), cell.identifier, cell.column)
    }));
    lines.extend(rows.time.iter().map(|time| {
        let unit = time.unit.map_or(String::new(), |unit| format!(", which counts {} since 1970", unit.name()));
        format!("  time   column {}{unit}", time.column)
    }));
}

fn shown(target: &Target) -> String {
    let roles: Vec<&str> = target.roles.iter().map(|role| role.name()).collect();
    let places = if roles.is_empty() { String::new() } else { format!(" in {}", roles.join(", ")) };
    format!("{} {}{places}", target.identifier.kind(), target.identifier)
}

/// A line without control characters, which a path of the order may hold.
fn printable(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}
