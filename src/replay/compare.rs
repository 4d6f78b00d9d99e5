//! Two ledgers of one order, exhibit by exhibit.
//!
//! An exhibit that one side has more shifts the numbers of all that follow, so that exhibits are matched by what they are:
//! those of one source, volume, path and way of taking, and among them (the messages of a mailbox) first by their bytes,
//! then in their order. Each ledger is read twice: once for about 120 bytes an exhibit, which stay in memory (of at most
//! [`limits::EXHIBITS`]), and once for the lines of what differs and is listed.
//!
//! **Invariant:** an exhibit's number is never compared; each exhibit of each side is in at most one difference.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead as _, BufReader, Read};

use crate::digest::Digest;
use crate::ledger::{self, ExhibitLine, TakeName};
use crate::limits;

/// A ledger that can be read more than once.
pub(super) trait Side {
    /// The bytes of `exhibits.jsonl`, from their start.
    fn exhibits(&mut self) -> io::Result<Box<dyn Read + '_>>;
    /// SHA-256 of `records/` of an exhibit; none where it has none.
    fn records_sha256(&self, exhibit: u32) -> Option<Digest>;
}

/// In which way an exhibit differs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// It is in the package, and the replay does not give it.
    Missing,
    /// The replay gives it, and it is not in the package.
    New,
    /// Its bytes differ.
    Content,
    /// Its bytes are the same, and what the ledger states of it differs.
    Ledger,
}

impl How {
    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::New => "new",
            Self::Content => "content",
            Self::Ledger => "ledger",
        }
    }
}

/// One exhibit that differs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// In which way.
    pub how: How,
    /// Its number in the package.
    pub exhibit: Option<u32>,
    /// Its number in the replay.
    pub replayed_exhibit: Option<u32>,
    /// The name of its source.
    pub source: String,
    /// The server's path, as the ledger states it.
    pub path: String,
    /// The exact path in base64, where it is not UTF-8.
    pub path_base64: Option<String>,
    /// The clauses that let it out: in the package, else in the replay.
    pub clauses: Vec<String>,
    /// SHA-256 of its file in the package.
    pub sha256: Option<Digest>,
    /// SHA-256 of its file in the replay.
    pub replayed_sha256: Option<Digest>,
    /// What of its line in the ledger differs, by the names there; `records` also where what is said of its
    /// records does, and `exhibit` where only its place among those of its path does.
    pub members: Vec<&'static str>,
}

/// How many exhibits of one source differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Differing {
    /// All of them.
    pub exhibits: u64,
    /// Whole files on both sides, with other bytes: which those are no withhold can change.
    pub whole_content: u64,
}

/// What the two ledgers differ in.
pub(super) struct Comparison {
    /// At most [`limits::FINDINGS`], in the order of the ledger.
    pub listed: Vec<Difference>,
    /// How many more.
    pub more: u64,
    /// By source of the order.
    pub by_source: Vec<Differing>,
}

/// What is kept of one exhibit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Item {
    /// Of all that says which exhibit it is, without its number.
    key: Digest,
    number: u32,
    source: u16,
    is_whole: bool,
    content: Digest,
    /// Of all else that the ledger states of it.
    facts: Digest,
}

/// The two sides of one difference.
type Pair = (Option<Item>, Option<Item>);

impl Comparison {
    /// Holds two ledgers against each other; `sources` are the names of the order's.
    pub fn of(packaged: &mut dyn Side, replayed: &mut dyn Side, sources: &[&str]) -> io::Result<Self> {
        let mut pairs = differing(&items(packaged, sources)?, &items(replayed, sources)?);
        pairs.sort_by_key(|(packaged, replayed)| packaged.or(*replayed).map(|item| (item.source, item.number)));
        let mut by_source = vec![Differing::default(); sources.len()];
        for (packaged, replayed) in &pairs {
            let source = packaged.or(*replayed).and_then(|item| by_source.get_mut(usize::from(item.source)));
            let Some(source) = source else { continue };
            source.exhibits = source.exhibits.saturating_add(1);
            if let (Some(one), Some(other)) = (packaged, replayed)
                && one.is_whole
                && one.content != other.content
            {
                source.whole_content = source.whole_content.saturating_add(1);
            }
        }
        let kept = pairs.get(..pairs.len().min(limits::FINDINGS)).unwrap_or_default();
        let numbers = |side: fn(&Pair) -> Option<Item>| kept.iter().filter_map(side).map(|item| item.number).collect();
        let (of_package, of_replay) = (numbers(|pair| pair.0), numbers(|pair| pair.1));
        let (mut old, mut new) = (lines(packaged, &of_package)?, lines(replayed, &of_replay)?);
        let listed: Vec<Difference> = kept
            .iter()
            .filter_map(|(one, other)| {
                let old = one.and_then(|item| old.remove(&item.number));
                let new = other.and_then(|item| new.remove(&item.number));
                difference((one.as_ref(), old), (other.as_ref(), new), packaged, replayed)
            })
            .collect();
        let more = u64::try_from(pairs.len().saturating_sub(listed.len())).unwrap_or(u64::MAX);
        Ok(Self { listed, more, by_source })
    }
}

/// Calls `see` with every line of a ledger.
fn each(side: &mut dyn Side, see: &mut dyn FnMut(ExhibitLine) -> io::Result<()>) -> io::Result<()> {
    let mut stream = BufReader::with_capacity(limits::CHUNK_BYTES, side.exhibits()?);
    let mut text = Vec::new();
    loop {
        text.clear();
        let bound = limits::PACKAGE_LINE_BYTES as u64;
        if stream.by_ref().take(bound).read_until(b'\n', &mut text)? == 0 {
            return Ok(());
        }
        see(serde_json::from_slice(&text).map_err(io::Error::other)?)?;
    }
}

fn items(side: &mut dyn Side, sources: &[&str]) -> io::Result<Vec<Item>> {
    let mut items = Vec::new();
    each(side, &mut |line| {
        // A package that verifies has no more: it was changed since.
        if items.len() as u64 >= u64::from(limits::EXHIBITS) {
            return Err(io::Error::other("there are more exhibits than a package may hold"));
        }
        items.push(Item::of(line, sources)?);
        Ok(())
    })?;
    for item in &mut items {
        if let Some(records) = side.records_sha256(item.number) {
            item.facts = Digest::of(&[*item.facts.bytes(), *records.bytes()].concat());
        }
    }
    items.sort_unstable();
    Ok(items)
}

impl Item {
    fn of(line: ExhibitLine, sources: &[&str]) -> io::Result<Self> {
        let place = sources.iter().position(|name| **name == line.source).and_then(|place| u16::try_from(place).ok());
        let source = place.ok_or_else(|| io::Error::other("an exhibit names a source that the order does not"))?;
        let (number, content) = (line.exhibit, line.sha256);
        let is_whole = line.take == TakeName::Files;
        // Lines of one stream are an exhibit for each form; how much was left out of a message is no form of its own.
        let form = line.reduced.as_ref().filter(|_| line.has_records());
        let key = (&line.source, &line.volume, &line.path, &line.path_base64, line.take, form);
        let key = Digest::of(&ledger::line(&key)?);
        let rest = ExhibitLine { exhibit: 0, file: String::new(), sha256: Digest::of(b""), bytes: 0, ..line };
        Ok(Self { key, number, source, is_whole, content, facts: Digest::of(&ledger::line(&rest)?) })
    }
}

/// What two ledgers, each sorted by key, differ in.
fn differing(packaged: &[Item], replayed: &[Item]) -> Vec<Pair> {
    let same = |one: &Item, other: &Item| one.key == other.key;
    let (mut old, mut new) = (packaged.chunk_by(same).peekable(), replayed.chunk_by(same).peekable());
    let mut pairs = Vec::new();
    loop {
        let keys = (old.peek().and_then(|group| group.first()), new.peek().and_then(|group| group.first()));
        let order = match keys {
            (None, None) => return pairs,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => one.key.cmp(&other.key),
        };
        let before = if order.is_le() { old.next() } else { None };
        let after = if order.is_ge() { new.next() } else { None };
        group(before.unwrap_or_default(), after.unwrap_or_default(), &mut pairs);
    }
}

/// The exhibits of one place: by their bytes, then in their order.
fn group(old: &[Item], new: &[Item], pairs: &mut Vec<Pair>) {
    let by_content = |items: &[Item]| {
        let mut items = items.to_vec();
        items.sort_unstable_by_key(|item| (item.content, item.number));
        items.into_iter().peekable()
    };
    let (mut old, mut new) = (by_content(old), by_content(new));
    let (mut only_old, mut only_new, mut same) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => one.content.cmp(&other.content),
        };
        let one = if order.is_le() { old.next() } else { None };
        let other = if order.is_ge() { new.next() } else { None };
        match (one, other) {
            (Some(one), Some(other)) if one.facts == other.facts => same.push((one, other)),
            (Some(one), Some(other)) => pairs.push((Some(one), Some(other))),
            (one, other) => {
                only_old.extend(one);
                only_new.extend(other);
            }
        }
    }
    // The same messages in another order are another ledger.
    same.sort_unstable_by_key(|(one, _)| one.number);
    let mut last = 0;
    for (one, other) in same {
        if other.number < last {
            pairs.push((Some(one), Some(other)));
        }
        last = last.max(other.number);
    }
    only_old.sort_unstable_by_key(|item| item.number);
    only_new.sort_unstable_by_key(|item| item.number);
    let (mut only_old, mut only_new) = (only_old.into_iter(), only_new.into_iter());
    loop {
        match (only_old.next(), only_new.next()) {
            (None, None) => return,
            pair => pairs.push(pair),
        }
    }
}

/// The lines of these exhibits, as far as their paths leave room: the evidence sets their length.
fn lines(side: &mut dyn Side, numbers: &BTreeSet<u32>) -> io::Result<BTreeMap<u32, ExhibitLine>> {
    let (mut lines, mut path_bytes) = (BTreeMap::new(), 0usize);
    each(side, &mut |line| {
        if numbers.contains(&line.exhibit) {
            path_bytes = path_bytes.saturating_add(line.path.len());
            if path_bytes <= limits::REPORT_PATH_BYTES {
                lines.insert(line.exhibit, line);
            }
        }
        Ok(())
    })?;
    Ok(lines)
}

/// One difference; none where there was no room for its lines.
fn difference(
    (one, old): (Option<&Item>, Option<ExhibitLine>),
    (other, new): (Option<&Item>, Option<ExhibitLine>),
    packaged: &dyn Side,
    replayed: &dyn Side,
) -> Option<Difference> {
    if one.is_some() != old.is_some() || other.is_some() != new.is_some() {
        return None;
    }
    let mut members = Vec::new();
    if let (Some(old), Some(new)) = (&old, &new) {
        members = members_that_differ(old, new);
        if packaged.records_sha256(old.exhibit) != replayed.records_sha256(new.exhibit) && !members.contains(&"records")
        {
            members.push("records");
        }
        if members.is_empty() {
            members.push("exhibit");
        }
    }
    let how = match (&old, &new) {
        (Some(old), Some(new)) if old.sha256 == new.sha256 => How::Ledger,
        (Some(_), Some(_)) => How::Content,
        (Some(_), None) => How::Missing,
        (None, _) => How::New,
    };
    let (exhibit, sha256) = old.as_ref().map(|line| (line.exhibit, line.sha256)).unzip();
    let (replayed_exhibit, replayed_sha256) = new.as_ref().map(|line| (line.exhibit, line.sha256)).unzip();
    let ExhibitLine { source, path, path_base64, clauses, .. } = old.or(new)?;
    Some(Difference {
        how,
        exhibit,
        replayed_exhibit,
        source,
        path,
        path_base64,
        clauses,
        sha256,
        replayed_sha256,
        members,
    })
}

fn members_that_differ(old: &ExhibitLine, new: &ExhibitLine) -> Vec<&'static str> {
    let rows = [
        ("sha256", old.sha256 != new.sha256),
        ("bytes", old.bytes != new.bytes),
        ("format", old.format != new.format),
        ("records", old.records != new.records),
        ("clauses", old.clauses != new.clauses),
        ("filesystem", old.filesystem != new.filesystem),
        ("time", old.time != new.time),
        ("clock", old.clock != new.clock),
        ("times", old.times != new.times),
        ("offset", old.offset != new.offset),
        ("reduced", old.reduced != new.reduced),
    ];
    rows.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Lines(Vec<u8>);

    impl Side for Lines {
        fn exhibits(&mut self) -> io::Result<Box<dyn Read + '_>> {
            Ok(Box::new(self.0.as_slice()))
        }

        fn records_sha256(&self, _: u32) -> Option<Digest> {
            None
        }
    }

    /// A ledger of whole files (`/a=1`) and messages (`/m:1`), each a path and its content; `!` at its end: another time.
    fn ledger_of(exhibits: &str) -> Lines {
        let mut text = Vec::new();
        for (place, word) in exhibits.split_whitespace().enumerate() {
            let number = u32::try_from(place).unwrap() + 1;
            let (bare, is_late) = (word.trim_end_matches('!'), word.ends_with('!'));
            let (path, content) = bare.split_once(['=', ':']).unwrap();
            let is_mail = word.contains(':');
            let (take, format) = if is_mail { ("records", "\"mbox\"") } else { ("files", "null") };
            let (records, time) =
                (if is_mail { "1" } else { "null" }, if is_late { "\"2024-01-01T00:00:00Z\"" } else { "null" });
            let clock = if is_late { "\"modified\"" } else { "null" };
            let (sha256, bytes) = (Digest::of(content.as_bytes()), content.len());
            text.extend_from_slice(
                format!(
                    "{{\"exhibit\":{number},\"file\":\"data/{number:06}.bin\",\"sha256\":\"{sha256}\",\"bytes\":{bytes},\
                     \"take\":\"{take}\",\"format\":{format},\"records\":{records},\"clauses\":[\"1\"],\"source\":\"s\",\
                     \"volume\":null,\"filesystem\":null,\"path\":\"{path}\",\"time\":{time},\"clock\":{clock}}}\n"
                )
                .as_bytes(),
            );
        }
        Lines(text)
    }

    #[test]
    fn exhibits_are_matched_by_what_they_are_and_not_by_their_number() {
        let cases: [(&str, &str, &[&str]); 11] = [
            ("/a=1 /b=2", "/a=1 /b=2", &[]),
            ("/a=1 /b=2", "/b=2", &["missing 1 - /a"]),
            ("/b=2", "/a=1 /b=2", &["new - 1 /a"]),
            ("/a=1 /b=2", "/a=1 /b=3", &["content 2 2 /b sha256"]),
            ("/a=1 /b=2", "/a=1 /b=33", &["content 2 2 /b sha256,bytes"]),
            ("/a=1 /b=2", "/a=1! /b=2", &["ledger 1 1 /a time,clock"]),
            ("/a=1 /c=2", "/b=1 /c=2", &["missing 1 - /a", "new - 1 /b"]),
            ("/m:1 /m:2 /m:3 /n=1", "/m:1 /m:3 /n=1", &["missing 2 - /m"]),
            ("/m:1 /m:2 /m:3", "/m:0 /m:1 /m:9 /m:3", &["content 2 1 /m sha256", "new - 3 /m"]),
            ("/m:1 /m:1 /m:1", "/m:1 /m:1", &["missing 3 - /m"]),
            ("/m:1 /m:1 /m:2 /m:3", "/m:1 /m:1 /m:3 /m:2", &["ledger 4 3 /m exhibit"]),
        ];
        for (packaged, replayed, expected) in cases {
            let found = Comparison::of(&mut ledger_of(packaged), &mut ledger_of(replayed), &["s"]).unwrap();
            let number = |number: Option<u32>| number.map_or("-".to_owned(), |number| number.to_string());
            let mut said: Vec<String> = found
                .listed
                .iter()
                .map(|one| {
                    let (old, new) = (number(one.exhibit), number(one.replayed_exhibit));
                    let line = format!("{} {old} {new} {} {}", one.how.name(), one.path, one.members.join(","));
                    line.trim_end().to_owned()
                })
                .collect();
            said.sort();
            assert_eq!(said, expected, "{packaged} | {replayed}");
            assert_eq!(
                (found.more, found.by_source[0].exhibits),
                (0, expected.len() as u64),
                "{packaged} | {replayed}"
            );
        }
    }

    #[test]
    fn what_is_over_the_bound_is_counted() {
        let many: String = (0..limits::FINDINGS + 7).map(|number| format!("/{number:06}=x ")).collect();
        let found = Comparison::of(&mut ledger_of(&many), &mut ledger_of(""), &["s"]).unwrap();
        assert_eq!((found.listed.len(), found.more), (limits::FINDINGS, 7));
        assert_eq!(found.by_source[0].exhibits, limits::FINDINGS as u64 + 7);
        assert_eq!(found.listed[3].path, "/000003");
    }

    #[test]
    fn a_source_that_the_order_does_not_name_is_an_error() {
        assert!(Comparison::of(&mut ledger_of("/a=1"), &mut ledger_of(""), &["t"]).is_err());
    }
}
