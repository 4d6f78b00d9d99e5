//! From bytes to an [`Order`] and a [`Provider`]: the only way to either.
//!
//! **Invariant:** pure: the answer depends on the arguments alone; an error list is never empty.

use std::collections::BTreeSet;

use toml::de::DeTable;

use super::diagnostic::{Code, Diagnostic, Notes};
use super::head::{self, Sources};
use super::key::{Keys, ORDER_FILE, PROVIDER_FILE};
use super::provider_file;
use super::table::Table;
use super::{Clock, Order, Provider, Source, clause};
use crate::limits;

/// One file of the two.
#[derive(Debug, Clone, Copy)]
pub struct ManifestText<'a> {
    /// What findings call it.
    pub name: &'a str,
    /// What it holds.
    pub bytes: &'a [u8],
}

/// What a run is told beside the two files.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The names of the sources that `--source` places.
    pub sources: BTreeSet<String>,
    /// `--custodian` names somebody.
    pub custodian: bool,
}

/// Both files, valid.
#[derive(Debug, Clone)]
pub struct Manifests {
    /// The legal record.
    pub order: Order,
    /// The provider's side; None where there is no such file.
    pub provider: Option<Provider>,
    /// What somebody should look at.
    pub warnings: Vec<Diagnostic>,
}

/// Reads both files for a run: every source must have a place, and there must be a custodian.
///
/// Errors: all findings, in the order of the files; at least one of them is an error.
pub fn read(
    order: ManifestText<'_>,
    provider: Option<ManifestText<'_>>,
    given: &Given,
) -> Result<Manifests, Vec<Diagnostic>> {
    read_both(order, provider, Some(given))
}

/// Reads both files without asking for what only a run needs: a place for every source, and a custodian.
///
/// Errors: as [`read`].
pub fn check(order: ManifestText<'_>, provider: Option<ManifestText<'_>>) -> Result<Manifests, Vec<Diagnostic>> {
    read_both(order, provider, None)
}

/// Reads an order alone, as the recipient has it.
///
/// Errors: as [`read`].
pub fn read_alone(order: ManifestText<'_>) -> Result<(Order, Vec<Diagnostic>), Vec<Diagnostic>> {
    read_both(order, None, None).map(|both| (both.order, both.warnings))
}

/// Reads what the two files say of the sources, and nothing else of the order: staff look at the sources before they write
/// its clauses.
///
/// Errors: as [`read`].
pub fn read_sources(
    order: ManifestText<'_>,
    provider: Option<ManifestText<'_>>,
    given: &Given,
) -> Result<(Vec<Source>, Option<Provider>), Vec<Diagnostic>> {
    let mut notes = Notes::new(order.name);
    let mut other = Notes::new(provider.map_or("", |text| text.name));
    let mut sources = Sources { partial: true, ..Sources::default() };
    if let Some((document, syntax)) = parse_order(order, &mut notes)
        && let Some(file) = open(&document, &ORDER_FILE, "order/1", &mut notes)
    {
        sources = head::sources(&file, &mut notes);
        sources.partial |= syntax.is_wrong();
        syntax.filter(order, &mut notes);
    }
    let read = provider.map(|text| read_provider(text, &sources, &mut other));
    for_a_run(given, provider, read.as_ref(), &sources, &mut notes, &mut other);
    let failed = notes.failed() || other.failed();
    let mut findings = notes.finish();
    findings.extend(other.finish());
    if failed { Err(findings) } else { Ok((sources.list, read.and_then(|read| read.provider))) }
}

fn read_both(
    order_text: ManifestText<'_>,
    provider_text: Option<ManifestText<'_>>,
    given: Option<&Given>,
) -> Result<Manifests, Vec<Diagnostic>> {
    let mut notes = Notes::new(order_text.name);
    let mut other = Notes::new(provider_text.map_or("", |text| text.name));
    let (order, sources) = read_order(order_text, &mut notes);
    let provider = provider_text.map(|text| read_provider(text, &sources, &mut other));
    if let Some(given) = given {
        for_a_run(given, provider_text, provider.as_ref(), &sources, &mut notes, &mut other);
    }
    if let (Some(order), Some(provider)) = (&order, provider.as_ref().and_then(|read| read.provider.as_ref())) {
        receiving_hosts(order, provider, &mut other);
    }
    let failed = notes.failed() || other.failed();
    let mut findings = notes.finish();
    findings.extend(other.finish());
    let provider = match provider {
        None => Some(None),
        Some(read) => read.provider.map(Some),
    };
    match (order, provider) {
        (Some(order), Some(provider)) if !failed => Ok(Manifests { order, provider, warnings: findings }),
        _ => Err(findings),
    }
}

/// Without the hosts that take mail in, a window on the clock `received` decides nothing.
fn receiving_hosts(order: &Order, provider: &Provider, other: &mut Notes) {
    let named = |name: &str| provider.sources.iter().any(|place| place.name == name && !place.received_by.is_empty());
    for clause in &order.clauses {
        let is_received = clause.window.is_some_and(|window| window.clock == Clock::Received);
        let Some(source) = order.sources.get(clause.source).filter(|source| is_received && !named(&source.name)) else {
            continue;
        };
        let message = format!(
            "clause {} has a window on the clock `received`, and no host is named that takes mail in for `{}`: all is \
             undecided",
            clause.id, source.name
        );
        let note = other.warning(Code::NoReceivingHost, &(0..0), message);
        note.hint("add `received_by = [\"mx1.shop.example\"]` to the provider file's [[source]]");
    }
}

/// What only a run needs.
fn for_a_run(
    given: &Given,
    text: Option<ManifestText<'_>>,
    provider: Option<&provider_file::Read>,
    sources: &Sources,
    notes: &mut Notes,
    other: &mut Notes,
) {
    // A file that could not be read has said so, and nothing about places.
    if provider.is_some() && other.failed() {
        return;
    }
    for (name, (_, span)) in &sources.names {
        if given.sources.contains(name) || provider.is_some_and(|read| read.placed.contains(name)) {
            continue;
        }
        let note = notes.error(Code::SourceWithoutPath, span, format!("nothing says where the source `{name}` is"));
        note.hint(match text {
            Some(text) => format!("add its `path` to {}, or --source {name}=PATH", text.name),
            None => format!("write a provider file beside the order, or add --source {name}=PATH"),
        });
    }
    if given.custodian || provider.is_some_and(|read| read.has_custodian) {
        return;
    }
    let hint = "add --custodian NAME, or `custodian = \"...\"` to the provider file";
    let message = "nobody is named as custodian: who runs the disclosure";
    let notes = if text.is_some() { other } else { notes };
    notes.error(Code::NoCustodian, &(0..0), message).hint(hint);
}

fn read_order(text: ManifestText<'_>, notes: &mut Notes) -> (Option<Order>, Sources) {
    let partial = Sources { partial: true, ..Sources::default() };
    let Some((document, syntax)) = parse_order(text, notes) else { return (None, partial) };
    let Some(file) = open(&document, &ORDER_FILE, "order/1", notes) else { return (None, partial) };
    let head = head::read(&file, notes);
    let sources = head::sources(&file, notes);
    let clauses = clause::read(&file, &head, &sources, notes);
    syntax.filter(text, notes);
    if notes.failed() {
        return (None, Sources { partial: sources.partial || syntax.is_wrong(), ..sources });
    }
    let order = || {
        Some(Order {
            id: head.id?,
            legal_basis: head.legal_basis?,
            authority: head.authority?,
            court: head.court,
            reference: head.reference?,
            made: head.made?,
            served: head.served?,
            due: head.due?,
            expires: head.expires,
            zone: head.zone?,
            disclose: head.disclose,
            sources: sources.list.clone(),
            clauses,
            bytes: text.bytes.to_vec(),
        })
    };
    (order(), sources)
}

fn read_provider(text: ManifestText<'_>, sources: &Sources, notes: &mut Notes) -> provider_file::Read {
    let nothing = provider_file::Read { provider: None, has_custodian: false, placed: BTreeSet::new() };
    let Some((document, syntax)) = parse(text, notes) else { return nothing };
    let Some(file) = open(&document, &PROVIDER_FILE, "provider/1", notes) else { return nothing };
    let read = provider_file::read(&file, text.bytes, sources, notes);
    syntax.filter(text, notes);
    read
}

/// Where a file is not TOML.
struct Syntax {
    lines: BTreeSet<usize>,
}

impl Syntax {
    fn is_wrong(&self) -> bool {
        !self.lines.is_empty()
    }

    /// In a file that is not TOML, other findings count only where they are about one value on a line that could be
    /// parsed: what seems to be missing may stand where it could not.
    fn filter(&self, text: ManifestText<'_>, notes: &mut Notes) {
        if self.is_wrong() {
            let starts = line_starts(text.bytes);
            notes.retain(|note| {
                let line = starts.partition_point(|start| *start <= note.span.start);
                note.code == Code::Syntax || (note.code.is_local() && !self.lines.contains(&line))
            });
        }
    }
}

fn line_starts(bytes: &[u8]) -> Vec<usize> {
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(place, _)| place + 1);
    std::iter::once(0).chain(ends).collect()
}

/// The document of an order, as far as it could be parsed. An order comes from somebody else, and whoever verifies a package
/// reads one of a stranger: a file of small tables takes two hundred times its length in memory, so its words are counted
/// first, in none.
fn parse_order<'t>(text: ManifestText<'t>, notes: &mut Notes) -> Option<(serde_spanned::Spanned<DeTable<'t>>, Syntax)> {
    let words = |source| toml_parser::Source::new(source).lex();
    if std::str::from_utf8(text.bytes).is_ok_and(|source| words(source).nth(limits::ORDER_WORDS).is_some()) {
        let message = format!("an order has at most {} words, signs and spaces between them", limits::ORDER_WORDS);
        notes.error(Code::TooLarge, &(0..0), message);
        return None;
    }
    parse(text, notes)
}

/// The document, as far as it could be parsed.
fn parse<'t>(text: ManifestText<'t>, notes: &mut Notes) -> Option<(serde_spanned::Spanned<DeTable<'t>>, Syntax)> {
    if u64::try_from(text.bytes.len()).map_or(true, |bytes| bytes > limits::MANIFEST_BYTES) {
        let message = format!("{} bytes: a manifest has at most {}", text.bytes.len(), limits::MANIFEST_BYTES);
        notes.error(Code::TooLarge, &(0..0), message);
        return None;
    }
    let source = match std::str::from_utf8(text.bytes) {
        Ok(source) => source,
        Err(error) => {
            let at = error.valid_up_to();
            let note = notes.error(Code::NotUtf8, &(at..at), format!("byte {at} is not UTF-8"));
            note.hint("save the file as UTF-8");
            return None;
        }
    };
    let (document, errors) = if source.len() <= limits::MANIFEST_RECOVERED_BYTES {
        DeTable::parse_recoverable(source)
    } else {
        match DeTable::parse(source) {
            Ok(document) => (document, Vec::new()),
            // A large file that is not TOML shows its first error: one for each of its bytes would fill the memory.
            Err(error) => {
                notes.error(Code::Syntax, &error.span().unwrap_or(0..0), error.message());
                return None;
            }
        }
    };
    let starts = line_starts(text.bytes);
    let mut lines = BTreeSet::new();
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        lines.insert(starts.partition_point(|start| *start <= span.start));
        notes.error(Code::Syntax, &span, error.message());
    }
    Some((document, Syntax { lines }))
}

/// The top table, where it says the right schema: another one has other rules.
fn open<'t>(
    document: &'t serde_spanned::Spanned<DeTable<'t>>,
    keys: &Keys,
    schema: &'static str,
    notes: &mut Notes,
) -> Option<Table<'t>> {
    let bare = Table::unchecked(document);
    if let Some(item) = bare.get("schema")
        && let Some(text) = item.text(notes)
        && text.text != schema
    {
        let family = schema.split('/').next().unwrap_or_default();
        if text.text.split('/').next() == Some(family) {
            let message = format!("the schema `{}` is not in this version", text.text);
            notes.error(Code::NotInThisVersion, &text.span, message).hint(format!("this version reads \"{schema}\""));
        } else {
            let message = format!("{} says `schema = \"{schema}\"`", keys.table);
            notes.error(Code::WrongSchema, &text.span, message);
        }
        return None;
    }
    let table = Table::document(document, keys, notes);
    if bare.get("schema").is_none() {
        let note = notes.error(Code::WrongSchema, &(0..0), format!("{} begins with its schema", keys.table));
        note.hint(format!("add `schema = \"{schema}\"` as its first line"));
    }
    Some(table)
}
