//! What an order must give, worked out from what was planted and from the order language alone.
//!
//! Nothing of the program is used here: not its globs, its words, its formats or its clock.
//!
//! **Invariant:** the oracle knows each record by how it was made, not by reading it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;

use super::order::{Clause, Order, Reduced};
use super::tree::{Body, File, Line, Mail, Node, Planted, Tree};
use super::value::{Value, entry_value, holds, line_value, mail_value};
use super::word::{glob_matches, plain, stands_in};

/// Where the tree stands when it is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Folder,
    Raw,
    Qcow2,
    Partitioned,
    Archive,
}

/// An exhibit that must be there.
#[derive(Debug, Clone)]
pub struct Exhibit {
    pub path: Vec<u8>,
    pub whole: bool,
    pub format: Option<&'static str>,
    pub offset: usize,
    pub payload: Vec<u8>,
    pub clauses: BTreeSet<usize>,
    /// The file's or the message's time, where it counts.
    pub time: Option<i64>,
    /// Where it is less than what was found: the first clause of the order that asks for the like, and what the ledger says.
    pub rank: Option<usize>,
    pub reduced: serde_json::Value,
    /// Of a log: each line.
    pub lines: Option<Vec<ExpectedLine>>,
}

#[derive(Debug, Clone)]
pub struct ExpectedLine {
    pub bytes: Vec<u8>,
    pub offset: usize,
    pub time: Option<i64>,
    pub clauses: BTreeSet<usize>,
}

/// What a clause must state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Count {
    pub files: BTreeSet<Vec<u8>>,
    pub records: u64,
    pub bytes: u64,
    pub withheld: u64,
    pub undecided: u64,
}

/// Where the bytes of a stream go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Split {
    /// Unpacked.
    pub size: u64,
    pub withheld: u64,
    pub disclosed: u64,
    pub undecided: u64,
    /// Start and length of what is disclosed, joined where it touches.
    pub positions: Vec<(u64, u64)>,
}

/// What becomes of an order.
#[derive(Debug, Default)]
pub struct Expected {
    pub exhibits: Vec<Exhibit>,
    pub clauses: Vec<Count>,
    /// Withheld and undecided, each item once.
    pub withheld: u64,
    pub undecided: u64,
    pub shortfalls: BTreeMap<(usize, &'static str), u64>,
    /// The sizes of files that are opened as a whole: staff see what was examined.
    pub opened: BTreeSet<u64>,
    /// A tripwire stops the run.
    pub stopped: bool,
    /// Every stream that is read for its records, by path: where its bytes go.
    pub streams: BTreeMap<Vec<u8>, Split>,
}

/// Works out what `order` must give of `tree`.
pub fn expect(order: &Order, tree: &Tree, kind: Kind) -> Expected {
    let mut oracle = Oracle { order, tree, kind, expected: Expected::default() };
    oracle.expected.clauses = vec![Count::default(); order.clauses.len()];
    let mut planted: Vec<&Planted> = tree.planted.iter().collect();
    planted.sort_by(|one, other| one.path.cmp(&other.path));
    for one in planted {
        oracle.entry(one);
    }
    oracle.trouble();
    let mut expected = oracle.expected;
    expected.exhibits.sort_by_key(|one| (one.path.clone(), !one.whole, one.offset, one.rank));
    expected.stopped = order.clauses.iter().zip(&expected.clauses).any(|(clause, count)| {
        let reached = if clause.records.is_some() { count.records } else { count.files.len() as u64 };
        clause.limit.is_some_and(|limit| reached > limit)
    });
    expected
}

struct Oracle<'o> {
    order: &'o Order,
    tree: &'o Tree,
    kind: Kind,
    expected: Expected,
}

impl Oracle<'_> {
    fn entry(&mut self, planted: &Planted) {
        let reached: Vec<usize> = (0..self.order.clauses.len())
            .filter(|&clause| {
                let paths = &self.order.clauses[clause].paths;
                paths.iter().any(|glob| glob_matches(glob, &planted.path))
            })
            .collect();
        if reached.is_empty() {
            return;
        }
        match &planted.node {
            // Met below a glob they are outside; what a path names is said by `trouble`.
            Node::Folder | Node::Link(_) | Node::Pipe => {}
            Node::File(_) | Node::HardLink(_) => {
                let file = self.tree.file(planted).unwrap();
                let before = self.expected.withheld;
                let (whole, records): (Vec<usize>, Vec<usize>) =
                    reached.into_iter().partition(|&clause| self.order.clauses[clause].records.is_none());
                self.whole(planted, file, &whole);
                self.records(planted, file, &records);
                // A file that a withhold by path stops is one, however it is asked for.
                if self.path_is_withheld(&planted.path) {
                    self.expected.withheld = self.expected.withheld.min(before + 1);
                }
            }
        }
    }

    fn short(&mut self, clause: usize, kind: &'static str) {
        *self.expected.shortfalls.entry((clause, kind)).or_default() += 1;
    }

    fn path_is_withheld(&self, path: &[u8]) -> bool {
        self.order.withholds.iter().flat_map(|withhold| &withhold.paths).any(|glob| glob_matches(glob, path))
    }

    fn file_time(&self, planted: &Planted) -> Option<i64> {
        (self.kind != Kind::Folder || self.order.original).then_some(planted.modified)
    }

    fn whole(&mut self, planted: &Planted, file: &File, clauses: &[usize]) {
        let value = |clause: &usize| match &self.order.clauses[*clause].window {
            None => Value::In,
            Some(window) if window.clock == "modified" => self
                .file_time(planted)
                .map_or(Value::Undecided, |time| holds(window.from <= time && time < window.before)),
            // When the file came to be what it is on this disk: today, and no window holds that.
            Some(_) => self.file_time(planted).map_or(Value::Undecided, |_| Value::Out),
        };
        let asked: Vec<(usize, Value)> =
            clauses.iter().map(|clause| (*clause, value(clause))).filter(|(_, value)| *value != Value::Out).collect();
        let admitted: BTreeSet<usize> =
            asked.iter().filter(|(_, value)| *value == Value::In).map(|(clause, _)| *clause).collect();
        let by_identifier = self.order.withholds.iter().any(|withhold| !withhold.identifiers.is_empty());
        let claimed = match &file.body {
            Body::Plain | Body::MaildirOther => probes_as_mail(&file.stream),
            Body::Log(lines) | Body::Syslog(lines) => !lines.is_empty(),
            Body::Mbox(_) | Body::Maildir(_) | Body::Eml(_) => true,
        };
        if !admitted.is_empty() {
            self.expected.opened.insert(file.stored.len() as u64);
        }
        if self.path_is_withheld(&planted.path) {
            self.withhold(asked.iter().map(|(clause, _)| *clause).collect());
        } else if admitted.is_empty() {
            self.leave_undecided(&asked, false);
        } else if by_identifier && claimed {
            for clause in &admitted {
                self.short(*clause, "must-be-records");
            }
            self.leave_undecided(&asked, true);
        } else if self.withheld_identifiers(&file.stored, None) {
            self.withhold(admitted);
            self.leave_undecided(&asked, true);
        } else {
            for clause in &admitted {
                let count = &mut self.expected.clauses[*clause];
                count.files.insert(planted.path.clone());
                count.bytes += file.stored.len() as u64;
            }
            self.leave_undecided(&asked, true);
            self.expected.exhibits.push(Exhibit {
                path: planted.path.clone(),
                whole: true,
                format: None,
                offset: 0,
                payload: file.stored.clone(),
                clauses: admitted,
                time: self.file_time(planted),
                rank: None,
                reduced: serde_json::Value::Null,
                lines: None,
            });
        }
    }

    fn withhold(&mut self, clauses: BTreeSet<usize>) {
        if clauses.is_empty() {
            return;
        }
        self.expected.withheld += 1;
        for clause in clauses {
            self.expected.clauses[clause].withheld += 1;
        }
    }

    fn leave_undecided(&mut self, asked: &[(usize, Value)], disclosed: bool) {
        let mut count = 0;
        for (clause, _) in asked.iter().filter(|(_, value)| *value == Value::Undecided) {
            self.expected.clauses[*clause].undecided += 1;
            count = 1;
        }
        if !disclosed {
            self.expected.undecided += count;
        }
    }

    fn records(&mut self, planted: &Planted, file: &File, clauses: &[usize]) {
        // What a Maildir holds beside its messages is reached by no clause for records that names no other format.
        let clauses: Vec<usize> = clauses
            .iter()
            .copied()
            .filter(|clause| {
                let format = self.order.clauses[*clause].records.as_ref().and_then(|records| records.format);
                !matches!(file.body, Body::MaildirOther) || matches!(format, Some("eml" | "mbox"))
            })
            .collect();
        if clauses.is_empty() {
            return;
        }
        if self.path_is_withheld(&planted.path) {
            self.withhold(clauses.into_iter().collect());
            return;
        }
        if file.stored.is_empty() {
            return;
        }
        let (format, least) = match &file.body {
            Body::Plain | Body::MaildirOther => ("", "content"),
            Body::Log(_) => ("access-log", "traffic"),
            Body::Syslog(_) => ("syslog", "traffic"),
            Body::Mbox(_) => ("mbox", "content"),
            Body::Maildir(_) => ("maildir", "content"),
            Body::Eml(_) => ("eml", "content"),
        };
        let mut able = Vec::new();
        for index in clauses {
            let clause = &self.order.clauses[index];
            let named = clause.records.as_ref().and_then(|records| records.format);
            if named.is_some_and(|named| named != format) {
                self.short(index, "not-the-format");
            } else if format.is_empty() {
                self.short(index, "unknown-format");
            } else if matches!(file.body, Body::Log(_) | Body::Syslog(_)) && self.asks_for_mail(index) {
                self.short(index, "not-the-format");
            } else if clause.category == "traffic" && least == "content" {
                self.short(index, "category-too-low");
            } else {
                able.push(index);
            }
        }
        if able.is_empty() {
            return;
        }
        if file.damaged {
            for &clause in &able {
                self.short(clause, "damaged-compression");
            }
        }
        let split = Split { size: file.stream.len() as u64, ..Split::default() };
        self.expected.streams.insert(planted.path.clone(), split);
        match &file.body {
            Body::Plain | Body::MaildirOther => {}
            Body::Log(lines) => self.lines(planted, lines, "access-log", &able),
            Body::Syslog(lines) => self.lines(planted, lines, "syslog", &able),
            Body::Mbox(mails) => mails.iter().for_each(|mail| self.message(planted, mail, "mbox", &able)),
            Body::Maildir(mail) => self.message(planted, mail, "maildir", &able),
            Body::Eml(mail) => self.message(planted, mail, "eml", &able),
        }
    }

    fn lines(&mut self, planted: &Planted, lines: &[Line], format: &'static str, clauses: &[usize]) {
        let value = if format == "syslog" { entry_value } else { line_value };
        let mut admitted: BTreeMap<Option<usize>, Vec<ExpectedLine>> = BTreeMap::new();
        for line in lines {
            let asked = self.asked(clauses, |clause| value(line, clause));
            let give = |reduced: &Reduced| projected(line, reduced);
            let forms = self.settle((asked, &give), &line.bytes, &line.decoded, line.offset, &planted.path);
            for GivenForm { rank, bytes, clauses } in forms {
                let time = line.fields.as_ref().map(|fields| fields.time).filter(|_| self.tells_time(rank));
                let line = ExpectedLine { bytes, offset: line.offset, time, clauses };
                admitted.entry(rank).or_default().push(line);
            }
        }
        for (rank, admitted) in admitted {
            self.expected.exhibits.push(Exhibit {
                path: planted.path.clone(),
                whole: false,
                format: Some(format),
                offset: 0,
                payload: admitted.iter().flat_map(|line| line.bytes.clone()).collect(),
                clauses: admitted.iter().flat_map(|line| line.clauses.clone()).collect(),
                time: None,
                rank,
                reduced: rank.map_or(serde_json::Value::Null, |rank| self.ledger_words(rank, None)),
                lines: Some(admitted),
            });
        }
    }

    fn message(&mut self, planted: &Planted, mail: &Mail, format: &'static str, clauses: &[usize]) {
        let asked = self.asked(clauses, |clause| mail_value(mail, clause));
        let give = |reduced: &Reduced| match reduced {
            Reduced::Headers => Some(mail.header().to_vec()),
            Reduced::WithoutAttachments => mail.without.as_ref().map(|(bytes, _)| bytes.clone()),
            Reduced::Fields(_) => unreachable!("no order asks for fields of mail"),
        };
        let left_out = mail.without.as_ref().map(|(_, count)| *count);
        for GivenForm { rank, bytes, clauses } in
            self.settle((asked, &give), &mail.bytes, &mail.decoded, mail.offset, &planted.path)
        {
            self.expected.exhibits.push(Exhibit {
                path: planted.path.clone(),
                whole: false,
                format: Some(format),
                offset: mail.offset,
                payload: bytes,
                clauses,
                time: mail.date,
                rank,
                reduced: rank.map_or(serde_json::Value::Null, |rank| self.ledger_words(rank, left_out)),
                lines: None,
            });
        }
    }

    fn reduced(&self, clause: usize) -> Option<&Reduced> {
        self.order.clauses[clause].records.as_ref()?.reduced.as_ref()
    }

    fn asks_for_mail(&self, clause: usize) -> bool {
        matches!(self.reduced(clause), Some(Reduced::Headers | Reduced::WithoutAttachments))
    }

    /// The first clause that asks for the like.
    fn rank(&self, clause: usize) -> Option<usize> {
        let own = self.reduced(clause)?;
        (0..=clause).find(|before| self.reduced(*before) == Some(own))
    }

    fn tells_time(&self, rank: Option<usize>) -> bool {
        match rank.and_then(|rank| self.reduced(rank)) {
            Some(Reduced::Fields(fields)) => fields.contains(&"time"),
            _ => true,
        }
    }

    fn ledger_words(&self, rank: usize, left_out: Option<u64>) -> serde_json::Value {
        match self.reduced(rank).unwrap() {
            Reduced::Headers => serde_json::json!({ "unit": "headers" }),
            Reduced::WithoutAttachments => {
                serde_json::json!({ "unit": "message-without-attachments", "left_out": left_out })
            }
            Reduced::Fields(fields) => serde_json::json!({ "fields": fields }),
        }
    }

    fn asked(&self, clauses: &[usize], value: impl Fn(&Clause) -> Value) -> Vec<(usize, Value)> {
        clauses
            .iter()
            .map(|&index| (index, value(&self.order.clauses[index])))
            .filter(|(_, value)| *value != Value::Out)
            .collect()
    }

    /// Counts one record; the forms in which it leaves, each with its clauses. What cannot be reduced is undecided.
    fn settle(
        &mut self,
        (mut asked, give): (Vec<(usize, Value)>, Give<'_>),
        raw: &[u8],
        decoded: &[u8],
        offset: usize,
        path: &[u8],
    ) -> Vec<GivenForm> {
        if asked.is_empty() {
            return Vec::new();
        }
        let withheld = self.withheld_identifiers(raw, Some(decoded));
        let mut forms: BTreeMap<Option<usize>, GivenForm> = BTreeMap::new();
        for (clause, value) in asked.iter_mut().filter(|(_, value)| *value == Value::In && !withheld) {
            let given = self.reduced(*clause).map_or(Some(raw.to_vec()), give);
            let (Some(bytes), rank) = (given, self.rank(*clause)) else {
                *value = Value::Undecided;
                continue;
            };
            let form = forms.entry(rank).or_insert(GivenForm { rank, bytes, clauses: BTreeSet::new() });
            form.clauses.insert(*clause);
        }
        let taken: Vec<GivenForm> = forms.into_values().collect();
        let (offset, length) = (offset as u64, raw.len() as u64);
        let split = self.expected.streams.entry(path.to_vec()).or_default();
        if withheld {
            split.withheld += length;
            self.withhold(asked.iter().map(|(clause, _)| *clause).collect());
            return taken;
        }
        if taken.is_empty() {
            split.undecided += length;
        } else {
            split.disclosed += length;
            split.positions.push((offset, length));
        }
        for (form, clause) in taken.iter().flat_map(|form| form.clauses.iter().map(move |clause| (form, clause))) {
            let count = &mut self.expected.clauses[*clause];
            count.files.insert(path.to_vec());
            count.records += 1;
            count.bytes += form.bytes.len() as u64;
        }
        self.leave_undecided(&asked, !taken.is_empty());
        taken
    }

    fn withheld_identifiers(&self, raw: &[u8], decoded: Option<&[u8]>) -> bool {
        let mut identifiers = self.order.withholds.iter().flat_map(|withhold| &withhold.identifiers);
        identifiers
            .any(|identifier| stands_in(identifier, raw) || decoded.is_some_and(|text| stands_in(identifier, text)))
    }

    /// Literal paths that are not there, and links on the way.
    fn trouble(&mut self) {
        for index in 0..self.order.clauses.len() {
            let mut said = BTreeSet::new();
            for glob in &self.order.clauses[index].paths.clone() {
                let parts: Vec<&str> = glob.split('/').skip(1).collect();
                let literal: Vec<&str> = parts.iter().copied().take_while(|part| !part.contains(['*', '?'])).collect();
                let mut path = String::new();
                for part in &literal {
                    path.push('/');
                    path.push_str(part);
                    let last = literal.len() == parts.len() && path == *glob;
                    let kind = match self.tree.find(path.as_bytes()).map(|planted| &planted.node) {
                        None => "no-such-path",
                        Some(Node::Link(_)) => "link-not-followed",
                        Some(Node::Pipe) if last => "special-file",
                        Some(Node::Folder) if last => "is-a-folder",
                        Some(_) => continue,
                    };
                    if said.insert(path.clone()) {
                        self.short(index, kind);
                    }
                    break;
                }
            }
        }
    }
}

/// What a record is in a reduced form; none where that cannot be told.
type Give<'g> = &'g dyn Fn(&Reduced) -> Option<Vec<u8>>;

/// A record as some clauses ask for it.
struct GivenForm {
    rank: Option<usize>,
    bytes: Vec<u8>,
    clauses: BTreeSet<usize>,
}

/// A line's fields as the order language says that they are written; none where it does not parse.
fn projected(line: &Line, reduced: &Reduced) -> Option<Vec<u8>> {
    let Reduced::Fields(names) = reduced else { unreachable!("no order asks for a part of a line") };
    let fields = line.fields.as_ref()?;
    let member = |name: &&'static str| match *name {
        "time" => {
            format!("\"time\":\"{}\"", DateTime::from_timestamp(fields.time, 0).unwrap().format("%Y-%m-%dT%H:%M:%SZ"))
        }
        "client" => format!("\"client\":[\"{}\"]", plain(fields.client)),
        _ => format!("\"user\":[{}]", fields.user.as_ref().map_or(String::new(), |user| format!("\"{user}\""))),
    };
    let members: Vec<String> = names.iter().map(member).collect();
    Some(format!("{{\"fields\":{{{}}}}}\n", members.join(",")).into_bytes())
}

/// Junk in a Maildir is a message in all but its place.
fn probes_as_mail(stream: &[u8]) -> bool {
    stream.starts_with(b"Received: ")
}
