//! What a format hands to its sink is the stream, to the byte: split and joined again, whole, cut, over-long or hostile.

mod chunked;

use std::io::{self, Read};
use std::path::Path;

use chunked::Pieces;
use extract::limits::{CHUNK_BYTES, LINE_BYTES, MESSAGE_BYTES, PROBE_BYTES};
use extract::order::{Clock, Field, Format, Reduction, Role, Unit};
use extract::read_error::ReadError;
use extract::record::{Probe, RecordSink, SplitError, Stop, Unreadable, format, probe_format};
use extract::scope::{Fields, Projection, RawRecord, reduced};
use proptest::prelude::*;

/// A piece of a stream as the sink is handed it.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    Record(Vec<u8>),
    Separator(u64),
    Unreadable(u64, Unreadable),
}

use Piece::{Record, Separator, Unreadable as Lost};

/// Keeps every piece, and asks every question of every record.
#[derive(Default)]
struct Keep {
    pieces: Vec<Piece>,
    offset: u64,
    stop_after: Option<usize>,
    /// Records' bytes are counted and not kept.
    lean: bool,
    /// As what the stream is read.
    which: Option<Format>,
}

impl RecordSink for Keep {
    fn record(&mut self, record: RawRecord<'_>) -> Result<(), Stop> {
        assert_eq!(record.offset, self.offset, "a record's offset is where the stream stands");
        self.offset += record.bytes.len() as u64;
        ask_everything(record.fields);
        reduce(record, self.which);
        self.pieces.push(Record(if self.lean { Vec::new() } else { record.bytes.to_vec() }));
        if self.stop_after.is_some_and(|count| self.pieces.len() >= count) { Err(Stop) } else { Ok(()) }
    }

    fn separator(&mut self, bytes: u64) {
        assert!(bytes > 0, "a piece is not empty");
        self.offset += bytes;
        self.pieces.push(Separator(bytes));
    }

    fn unreadable(&mut self, bytes: u64, why: Unreadable) {
        assert!(bytes > 0, "a piece is not empty");
        self.offset += bytes;
        self.pieces.push(Lost(bytes, why));
    }
}

fn ask_everything(fields: &dyn Fields) {
    fields.parsed();
    for clock in Clock::ALL {
        fields.time(clock);
    }
    for role in Role::ALL {
        fields.values(role, &mut |_| {});
    }
    fields.message_id(&mut |_| {});
    fields.table();
    for name in ["a", "a.b", "time", ".", ""] {
        fields.column(name, &mut |_| {});
        fields.has_column(name);
    }
    fields.texts(&mut |_| {});
}

/// What is left of a record has nothing more to leave out, and a line of fields is read back.
fn reduce(record: RawRecord<'_>, which: Option<Format>) {
    let Some(which) = which else { return };
    for unit in Unit::ALL {
        let reduction = Reduction::Unit(unit);
        let Some(left) = reduced(&reduction, record.bytes, record.fields, None) else { continue };
        assert!(left.bytes.len() <= record.bytes.len());
        let mut again = Again { reduction, left: &left.bytes, seen: left.bytes.is_empty() };
        format(Format::Maildir).split(&mut &*left.bytes, None, &mut again).unwrap();
        assert!(again.seen, "what is left of a message is one");
    }
    let roles = Role::ALL.into_iter().filter(|role| *role != Role::Any && which.has_role(*role));
    let columns = ["a", "a.b", "time"].map(|name| Field::Column(name.to_owned()));
    for field in std::iter::once(Field::Time).chain(roles.map(Field::Role)).chain(columns) {
        let fields = vec![field];
        if let Some(line) = reduced(&Reduction::Fields(fields.clone()), record.bytes, record.fields, None) {
            let read = Projection::read(&line.bytes, which).expect("a line of fields is read back");
            assert!(read.has_exactly(&fields));
        }
    }
}

/// Reduces what is left of a message once more.
struct Again<'l> {
    reduction: Reduction,
    left: &'l [u8],
    seen: bool,
}

impl RecordSink for Again<'_> {
    fn record(&mut self, record: RawRecord<'_>) -> Result<(), Stop> {
        let again = reduced(&self.reduction, record.bytes, record.fields, None).expect("it can be read");
        assert!(again.left_out.unwrap_or(0) == 0 && *again.bytes == *self.left, "{}", self.left.escape_ascii());
        self.seen = true;
        Ok(())
    }

    fn separator(&mut self, _: u64) {}

    fn unreadable(&mut self, bytes: u64, why: Unreadable) {
        panic!("{bytes} bytes: {why:?}: {}", self.left.escape_ascii());
    }
}

fn split(which: Format, stream: &mut dyn Read) -> (Vec<Piece>, Result<(), SplitError>) {
    let mut keep = Keep { which: Some(which), ..Keep::default() };
    let result = format(which).split(stream, Some(&std::env::temp_dir()), &mut keep);
    (keep.pieces, result)
}

fn pieces(which: Format, bytes: &[u8]) -> Vec<Piece> {
    let (pieces, result) = split(which, &mut { bytes });
    result.unwrap();
    pieces
}

/// The pieces put together are as long as the stream, and its records stand where the offsets say. Where they are rendered,
/// the lines put together come apart into the same lines.
fn assert_identity(which: Format, bytes: &[u8], pieces: &[Piece], name: &str) {
    if let Some(lines) = format(which).rendered() {
        let records: Vec<&Piece> = pieces.iter().filter(|piece| matches!(piece, Record(_))).collect();
        let joined: Vec<u8> =
            records.iter().flat_map(|piece| if let Record(line) = piece { &line[..] } else { &[] }).copied().collect();
        let mut again = Keep::default();
        lines.split(&mut joined.as_slice(), None, &mut again).unwrap();
        assert_eq!(again.pieces.iter().collect::<Vec<_>>(), records, "{name} as {}", which.name());
        return;
    }
    let mut at = 0usize;
    for piece in pieces {
        match piece {
            Record(record) => {
                assert_eq!(bytes.get(at..at + record.len()), Some(record.as_slice()), "{name} as {}", which.name());
                at += record.len();
            }
            Separator(count) | Lost(count, _) => at += usize::try_from(*count).unwrap(),
        }
    }
    assert_eq!(at, bytes.len(), "{name} as {}", which.name());
}

fn record(text: &str) -> Piece {
    Record(text.as_bytes().to_vec())
}

#[test]
fn a_line_is_a_record_with_its_end_and_a_last_line_without_one_is_too() {
    let cases: [(&str, Vec<Piece>); 6] = [
        ("", vec![]),
        ("a\nb\n", vec![record("a\n"), record("b\n")]),
        ("a\r\nb", vec![record("a\r\n"), record("b")]),
        ("\n\n", vec![record("\n"), record("\n")]),
        ("a\0b\n\0", vec![record("a\0b\n"), record("\0")]),
        (" \"agent\"\n", vec![record(" \"agent\"\n")]),
    ];
    for (text, expected) in cases {
        assert_eq!(pieces(Format::AccessLog, text.as_bytes()), expected, "{text:?}");
    }
}

#[test]
fn a_message_runs_from_behind_its_from_line_to_the_empty_line_before_the_next() {
    let cases: [(&str, Vec<Piece>); 14] = [
        ("", vec![]),
        ("From a\nTo: b\n\nc\n", vec![Separator(7), record("To: b\n\nc\n")]),
        ("From a\nT: b\n\nc\n\n", vec![Separator(7), record("T: b\n\nc\n\n")]),
        (
            "From a\nT: b\n\nc\n\nFrom d\nT: e\n",
            vec![Separator(7), record("T: b\n\nc\n"), Separator(1), Separator(7), record("T: e\n")],
        ),
        (
            "From a\r\nT: b\r\n\r\nc\r\n\r\nFrom d\r\nT: e",
            vec![Separator(8), record("T: b\r\n\r\nc\r\n"), Separator(2), Separator(8), record("T: e")],
        ),
        // Only an empty line makes the next From_ line one; a quoted one never is.
        ("From a\nT: b\n\nc\nFrom d\n", vec![Separator(7), record("T: b\n\nc\nFrom d\n")]),
        ("From a\nT: b\n\n>From d\n\n>>From e\n", vec![Separator(7), record("T: b\n\n>From d\n\n>>From e\n")]),
        ("From a\nFrom b\nT: c\n", vec![Separator(7), record("From b\nT: c\n")]),
        ("From a\n\nFrom b\nT: c\n", vec![Separator(7), record(""), Separator(1), Separator(7), record("T: c\n")]),
        ("From a", vec![Separator(6)]),
        ("From a\n", vec![Separator(7), record("")]),
        // What is no mailbox, and what stands before the first From_ line.
        ("To: b\n\nc\n", vec![Lost(9, Unreadable::NotTheFormat)]),
        ("\n\r\nFrom a\nT: b\n", vec![Separator(3), Separator(7), record("T: b\n")]),
        ("junk\n\nFrom a\nT: b\n", vec![Lost(6, Unreadable::NotTheFormat), Separator(7), record("T: b\n")]),
    ];
    for (text, expected) in cases {
        assert_eq!(pieces(Format::Mbox, text.as_bytes()), expected, "{text:?}");
    }
}

#[test]
fn a_message_with_a_length_ends_where_its_length_and_the_from_lines_say_the_same() {
    const FROM: &str = "From a@x.test Mon Jan  1 00:00:00 2024\n";
    let next = |message: &str| format!("{FROM}{message}\n{FROM}T: z\nContent-Length: 2\n\nz\n");
    let (front, last) = (FROM.len() as u64, record("T: z\nContent-Length: 2\n\nz\n"));
    // In front of another message, each as mboxcl and as mboxcl2: is it one?
    let cases = [
        ("T: b\nContent-Length: 2\n\nc\n", true, true),
        ("T: b\nContent-Length: 0\n\n", true, true),
        ("T: b\ncontent-length:\n 2 \n\nc\n", true, true),
        ("T: b\nContent-Length: 2\nContent-Length: 2\n\nc\n", true, true),
        // What is no From_ line of a message with a date is one of mboxcl's all the same.
        ("T: b\nContent-Length: 11\n\nc\n\nFrom me\n", false, true),
        ("T: b\nContent-Length: 11\n\nc\nFrom me\n\n", true, true),
        ("T: b\nContent-Length: 12\n\nc\n\n>From me\n", true, true),
        // Missing, said in two ways, no number, too short, too long, over everything.
        ("T: b\n\nc\n", false, false),
        ("T: b\nContent-Length: 2\nContent-Length: 3\n\nc\n", false, false),
        ("T: b\nContent-Length: two\n\nc\n", false, false),
        ("T: b\nContent-Length: -2\n\nc\n", false, false),
        ("T: b\nContent-Length: 1\n\ncc\n", false, false),
        ("T: b\nContent-Length: 1\n\ncFrom me\n", false, false),
        ("T: b\nContent-Length: 4\n\nc\n", false, false),
        ("T: b\nContent-Length: 18446744073709551615\n\nc\n", false, false),
        // Over the next message, exactly to the end.
        ("T: b\nContent-Length: 68\n\nc\n", false, false),
    ];
    for (message, quoted, alone) in cases {
        for (which, expected) in [(Format::Mboxcl, quoted), (Format::Mboxcl2, alone)] {
            let mailbox = next(message);
            let seen = pieces(which, mailbox.as_bytes());
            assert_identity(which, mailbox.as_bytes(), &seen, message);
            let one = if expected { record(message) } else { Lost(message.len() as u64, Unreadable::NotTheFormat) };
            // What stands behind a From_ line without a length of its own is lost in two pieces.
            if message.contains("\n\nFrom me") && !expected {
                assert!(!seen.contains(&record(message)) && seen.contains(&last), "{message:?}: {seen:?}");
            } else {
                let all = [Separator(front), one, Separator(1), Separator(front), last.clone()];
                assert_eq!(seen, all, "{message:?} as {}", which.name());
            }
        }
    }
    // At the end of the mailbox, with one line end more, with CRLF, and without the last line end.
    for message in
        ["T: b\nContent-Length: 2\n\nc\n", "T: b\r\nContent-Length: 3\r\n\r\nc\r\n", "T: b\nContent-Length: 1\n\nc"]
    {
        for which in [Format::Mboxcl, Format::Mboxcl2] {
            assert_eq!(pieces(which, format!("{FROM}{message}").as_bytes()), [Separator(front), record(message)]);
            let seen = pieces(which, format!("{FROM}{message}\r\n").as_bytes());
            assert_eq!(seen, [Separator(front), record(message), Separator(2)]);
        }
    }
    // To a line that is no From_ line with a date.
    let prose = "T: b\nContent-Length: 2\n\nc\n\nFrom me\nX: more\n";
    let lost = Lost(prose.len() as u64, Unreadable::NotTheFormat);
    let all = [Separator(front), lost, Separator(1), Separator(front), last];
    assert_eq!(pieces(Format::Mboxcl2, next(prose).as_bytes()), all);
    // A mailbox within a message: two readings, so none.
    let inner = format!("{FROM}T: c\n\nd\n");
    let outer = format!("T: b\nContent-Length: {}\n\nsee\n\n{inner}", inner.len() + 5);
    let seen = pieces(Format::Mboxcl2, format!("{FROM}{outer}").as_bytes());
    assert!(!seen.iter().any(|piece| matches!(piece, Record(_))), "{seen:?}");
}

#[test]
fn a_length_is_believed_wherever_the_chunks_fall() {
    let mut mailbox = Vec::new();
    let mut expected = Vec::new();
    for size in [1, CHUNK_BYTES - 1, CHUNK_BYTES - 200, 70_000, 5, 2 * CHUNK_BYTES, 9 << 20, 3] {
        let body = [vec![b'x'; size], b"\n\nFrom me\n".to_vec()].concat();
        let message = [format!("T: a\nContent-Length: {}\n\n", body.len()).into_bytes(), body].concat();
        mailbox.extend_from_slice(b"From a@x.test Mon Jan  1 00:00:00 2024\n");
        mailbox.extend_from_slice(&message);
        mailbox.push(b'\n');
        expected.push(Record(message));
    }
    let seen = pieces(Format::Mboxcl2, &mailbox);
    let messages: Vec<_> = seen.iter().filter(|piece| matches!(piece, Record(_))).cloned().collect();
    assert!(messages == expected, "{} messages", messages.len());
    assert_identity(Format::Mboxcl2, &mailbox, &seen, "long messages");
    // Without a length the same is lost, to the byte.
    let without = String::from_utf8(mailbox).unwrap().replace("Content-Length", "Content-Width").into_bytes();
    for which in [Format::Mboxcl, Format::Mboxcl2] {
        let seen = pieces(which, &without);
        assert!(!seen.iter().any(|piece| matches!(piece, Record(_))), "{}", which.name());
        assert_identity(which, &without, &seen, "lost messages");
    }
}

#[test]
fn a_single_message_is_its_stream() {
    assert_eq!(pieces(Format::Sdbox, b""), []);
    for which in [Format::Eml, Format::Maildir] {
        assert_eq!(pieces(which, b""), []);
        for whole in ["To: a\n\nFrom b\n\nFrom c\n", "From a\nTo: b\n\nc\nFrom d\n"] {
            assert_eq!(pieces(which, whole.as_bytes()), [record(whole)]);
        }
        // One of several messages must not take the others with it.
        assert_eq!(pieces(which, b"From a\nTo: b\n\nFrom c\n\nFrom d\n"), [Lost(29, Unreadable::NotTheFormat)]);
    }
    assert_eq!(pieces(Format::Eml, b"no field\n"), [Lost(9, Unreadable::NotTheFormat)]);
    assert_eq!(pieces(Format::Maildir, b"no field\n"), [record("no field\n")]);
}

#[test]
fn the_cut_record_is_unreadable_and_the_error_is_told() {
    let cases = [
        (Format::AccessLog, "a\nb\n", vec![record("a\n"), record("b\n")]),
        (Format::AccessLog, "a\nbc", vec![record("a\n"), Lost(2, Unreadable::Cut)]),
        // What may have gone on behind the error is cut, though its lines are whole.
        (
            Format::Exim,
            "2024-05-01 12:00:00 a\n  b\n2024-05-01 12:00:01 c\n  d\n",
            vec![record("2024-05-01 12:00:00 a\n  b\n"), Lost(26, Unreadable::Cut)],
        ),
        (Format::Exim, "a\n", vec![Lost(2, Unreadable::Cut)]),
        (Format::Mbox, "From a\nT: b\n\nc", vec![Separator(7), Lost(7, Unreadable::Cut)]),
        (Format::Mboxcl, "From a\nT: b\nContent-Length: 1\n\nc", vec![Separator(7), Lost(25, Unreadable::Cut)]),
        (Format::Mboxcl2, "From a\nT: b\n\nc", vec![Separator(7), Lost(7, Unreadable::Cut)]),
        (Format::Sdbox, "2 M1e C0\n", vec![Lost(9, Unreadable::Cut)]),
        (Format::Mbox, "From a", vec![Lost(6, Unreadable::Cut)]),
        (Format::Mbox, "Fro", vec![Lost(3, Unreadable::Cut)]),
        (Format::Mbox, "", vec![]),
        (Format::Mbox, "junk, junk, junk", vec![Lost(16, Unreadable::NotTheFormat)]),
        (Format::Eml, "To: a\n\nb", vec![Lost(8, Unreadable::Cut)]),
        (Format::Maildir, "", vec![]),
    ];
    for (which, text, expected) in cases {
        let mut stream = Pieces::new(text.as_bytes(), &[1, 3]);
        stream.error = true;
        let (seen, result) = split(which, &mut stream);
        assert_eq!(seen, expected, "{text:?}");
        assert!(matches!(result, Err(SplitError::Read(ReadError::Io { .. }))), "{text:?}: {result:?}");
    }
}

#[test]
fn a_sink_that_wants_no_more_ends_the_reading() {
    let mut keep = Keep { stop_after: Some(2), ..Keep::default() };
    let result = format(Format::AccessLog).split(&mut b"a\nb\nc\n".as_slice(), None, &mut keep);
    assert!(matches!(result, Err(SplitError::Stopped)));
    assert_eq!(keep.pieces, [record("a\n"), record("b\n")]);
}

/// `before`, then `count` times `byte`, then `after`: never in memory.
fn long(before: &'static str, byte: u8, count: u64, after: &'static str) -> impl Read {
    before.as_bytes().chain(io::repeat(byte).take(count)).chain(after.as_bytes())
}

#[test]
fn a_record_of_two_gibibytes_is_unreadable_and_what_follows_is_read() {
    const LONG: u64 = 2 << 30;
    let (seen, result) = split(Format::AccessLog, &mut long("a\n", b'x', LONG - 1, "\nb\n"));
    result.unwrap();
    assert_eq!(seen, [record("a\n"), Lost(LONG, Unreadable::TooLong), record("b\n")]);
    let (seen, result) = split(Format::AccessLog, &mut long("", 0, LONG, ""));
    result.unwrap();
    assert_eq!(seen, [Lost(LONG, Unreadable::TooLong)]);

    let (seen, result) = split(Format::Mbox, &mut long("From a\n", b'x', LONG, "\n\nFrom b\nT: c\n"));
    result.unwrap();
    assert_eq!(seen, [Separator(7), Lost(LONG + 1, Unreadable::TooLong), Separator(1), Separator(7), record("T: c\n")]);
    let (seen, result) = split(Format::Mbox, &mut long("From ", b'x', LONG, "\nT: c\n"));
    result.unwrap();
    assert_eq!(seen, [Separator(LONG + 6), record("T: c\n")]);
    let (seen, result) = split(Format::Mbox, &mut long("", b'x', LONG, "\n\nFrom b\nT: c\n"));
    result.unwrap();
    assert_eq!(seen, [Lost(LONG + 2, Unreadable::NotTheFormat), Separator(7), record("T: c\n")]);
    let (seen, result) = split(Format::Sdbox, &mut long("2 M1e C0\n", b'x', LONG, ""));
    result.unwrap();
    assert_eq!(seen, [Lost(LONG + 9, Unreadable::TooLong)]);
    let (seen, result) = split(Format::Eml, &mut long("To: a\n\n", b'x', LONG, ""));
    result.unwrap();
    assert_eq!(seen, [Lost(LONG + 7, Unreadable::TooLong)]);
    assert!(peak_kibibytes().is_none_or(|peak| peak < 600 * 1024), "peak {:?} KiB", peak_kibibytes());
}

/// The most memory that this process ever held, where the system says so.
fn peak_kibibytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().trim_end_matches("kB").trim().parse().ok()
}

#[test]
fn the_bound_is_the_same_wherever_the_chunks_fall() {
    for (over, expected) in [(0, false), (1, true)] {
        let line = LINE_BYTES as u64 - 1 + over;
        let mut keep = Keep { lean: true, ..Keep::default() };
        format(Format::AccessLog).split(&mut long("", b'x', line, "\ny\n"), None, &mut keep).unwrap();
        assert_eq!(keep.pieces.contains(&Lost(line + 1, Unreadable::TooLong)), expected, "line of {line}");

        let message = MESSAGE_BYTES as u64 + over;
        let mut keep = Keep { lean: true, ..Keep::default() };
        let mut stream = long("From a\n", b'x', message - 1, "\n\nFrom b\nT: c\n");
        format(Format::Mbox).split(&mut stream, None, &mut keep).unwrap();
        assert_eq!(keep.pieces.contains(&Lost(message, Unreadable::TooLong)), expected, "message of {message}");

        let mut keep = Keep { lean: true, ..Keep::default() };
        format(Format::Eml).split(&mut long("", b'x', message, ""), None, &mut keep).unwrap();
        assert_eq!(keep.pieces.contains(&Lost(message, Unreadable::TooLong)), expected, "eml of {message}");
    }
}

#[test]
fn a_record_that_spans_chunks_is_handed_over_whole() {
    let mut log = Vec::new();
    for size in [1, CHUNK_BYTES - 1, 3 * CHUNK_BYTES + 17, 70_000, 5, 2 * CHUNK_BYTES, 9 << 20, 3] {
        log.extend(std::iter::repeat_n(b'x', size));
        log.push(b'\n');
    }
    let seen = pieces(Format::AccessLog, &log);
    assert_eq!(seen.len(), 8);
    assert_identity(Format::AccessLog, &log, &seen, "long lines");

    let mut mailbox = Vec::new();
    for line in log.split_inclusive(|&byte| byte == b'\n') {
        mailbox.extend_from_slice(b"From a\nTo: b\n\n");
        mailbox.extend_from_slice(line);
        mailbox.push(b'\n');
    }
    let seen = pieces(Format::Mbox, &mailbox);
    assert_eq!(seen.iter().filter(|piece| matches!(piece, Record(_))).count(), 8);
    assert_identity(Format::Mbox, &mailbox, &seen, "long messages");
}

const LOG: &str = "192.0.2.1 - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 5\n";
const MAIL: &str = "Received: from x\nFrom: a@example.org\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\nbody\n";

#[test]
fn exactly_one_probe_says_yes_or_none_does() {
    let mailbox = format!("From a@example.org Mon Jan  1 00:00:00 2024\n{MAIL}");
    let mostly = format!("{LOG} \"agent\"\n{LOG}");
    let long_line = LOG.replace("GET /", &format!("GET /{}", "x".repeat(3 * PROBE_BYTES)));
    let long_head = format!("Received: {}\n{MAIL}", "x".repeat(3 * PROBE_BYTES));
    let cases = [
        (LOG, Some(Format::AccessLog)),
        (mostly.as_str(), Some(Format::AccessLog)),
        (MAIL, Some(Format::Eml)),
        (long_head.as_str(), Some(Format::Eml)),
        (mailbox.as_str(), Some(Format::Mbox)),
        ("From a\n\nFrom b\nTo: c\n", Some(Format::Mbox)),
        ("From a\r\nSubject: x\r\n", Some(Format::Mbox)),
        ("From here to eternity\nis a film\n", None),
        ("key: value\nother: value\n", None),
        ("www.example.org:80 192.0.2.1 - - [17/May/2015:10:05:03 +0000] \"GET /\" 200 5\n", None),
        (long_line.as_str(), Some(Format::AccessLog)),
        ("2024-05-01 12:00:00 1aBcDe-000123-AB <= a@b.example H=x [192.0.2.1] P=smtp\n", Some(Format::Exim)),
        ("192.0.2.1:4025 [25/Sep/2018:06:05:27.584] fe be/srv 0/0/72 7456 --\n", Some(Format::Haproxy)),
        ("1066036250.129 456 192.0.2.1 TCP_MISS/200 7 GET http://a/ - HIER_NONE/- -\n", Some(Format::Squid)),
        ("Fri Jan 19 12:20:33 2007 [pid 7] CONNECT: Client \"192.0.2.1\"\n", Some(Format::Vsftpd)),
        ("240501 12:00:00\t    5 Query\tselect 1\n# User@Host: a[a] @ b [c]\n", Some(Format::MysqlGeneral)),
        ("# User@Host: a[a] @ b [c]\nselect\n\t\t   12 Query\t\n", Some(Format::MysqlSlow)),
        ("2022-04-12 00:16:05.526 UTC [7755] LOG:  x\n", Some(Format::Postgresql)),
        ("type=X msg=audit(1364481363.243:24287): x=1\n", Some(Format::Auditd)),
        ("-- MySQL dump 10.13  Distrib 8.0.36\n--\n", Some(Format::MysqlDump)),
        ("--\n-- PostgreSQL database dump\n--\n", Some(Format::PostgresqlDump)),
        ("\0\0\0\0", None),
        ("\n", None),
        ("", None),
    ];
    for (text, expected) in cases {
        let head = &text.as_bytes()[..text.len().min(PROBE_BYTES)];
        let seen = match probe_format(head, head.len() == text.len()) {
            Probe::One(row) => Some(row.format()),
            Probe::None => None,
            Probe::Several => panic!("two probes claim {text:?}"),
        };
        assert_eq!(seen, expected, "{text:?}");
    }
    for row in Format::ALL.iter().copied() {
        assert_eq!(format(row).format(), row);
    }
}

fn corpus_files(folder: &str) -> Vec<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora").join(folder);
    println!("corpora: {} is {}there", folder.display(), if folder.is_dir() { "" } else { "not " });
    let walk = walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok);
    walk.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
}

#[test]
fn every_file_of_the_corpora_is_its_pieces_joined_as_any_format() {
    let files: Vec<_> = ["mail", "logs", "archives", "db"].into_iter().flat_map(corpus_files).collect();
    for path in &files {
        let bytes = std::fs::read(path).unwrap();
        for which in Format::ALL.iter().copied() {
            assert_identity(which, &bytes, &pieces(which, &bytes), &path.display().to_string());
        }
    }
    println!("identity: {} files, {} formats each", files.len(), Format::ALL.len());
}

/// Bytes that look like the start of something.
fn fragments() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "\n",
        "\r\n",
        "\n\n",
        "\r\n\r\n",
        "From ",
        "From: ",
        ">From ",
        "To: ",
        "Date: ",
        "a@b",
        "<",
        ">",
        "\"",
        "(",
        ")",
        "=?utf-8?B?",
        "=?utf-8?Q?",
        "?=",
        "=",
        "=3",
        "=41",
        "%4",
        "%41",
        "\\x4",
        "\\x41",
        "\\",
        "[",
        "]",
        ":",
        ";",
        ",",
        "Content-Type: multipart/mixed; boundary=b\n",
        "--b",
        "--b--",
        "Content-Transfer-Encoding: base64\n",
        "YWJj",
        "Content-Type: message/rfc822\n",
        "Content-Type: text/plain; charset=utf-7\n",
        "+AEA",
        "-",
        " ",
        "\t",
        "\0",
        "17/May/2015:10:05:03 +0000",
        "192.0.2.1 - - [",
        "] \"GET / HTTP/1.1\" 200 5",
        "Mon, 1 Jan 2024 00:00:00 +0000",
        "Message-ID: <",
        "[2001:db8::1]:443",
        "charset=utf-16",
        "2024-05-01 12:00:00 ",
        "1aBcDe-000123-AB <= ",
        "UTC [77] a@b LOG:  ",
        "type=EXECVE msg=audit(1.000:1): ",
        " saddr=02000050C0000201",
        " a1[0]=2F",
        "# Time: 240501 12:00:00\n",
        "# User@Host: a[a] @ b [c]\n",
        "SET timestamp=5;\n",
        "240501 12:00:00",
        "\t\t   12 Query\t",
        "192.0.2.1:25 [25/Sep/2018:06:05:27.584] fe be/srv",
        "1066036250.129 456 192.0.2.1 TCP_MISS/200 7 GET x bob HIER_NONE/- -",
        "Fri Jan 19 12:20:33 2007 [pid 7] [x] OK LOGIN: Client \"192.0.2.1\"",
        "{\"log\":\"a\",",
        "\"time\":\"2024-03-25T10:00:00.5Z\"}",
        "{\"a\":{\"b\":",
        "\"a.b\":[1,null,",
        "\\u0040\\ud83d",
        "{",
        "}",
        "INSERT INTO a (a) VALUES (1,'",
        "CREATE TABLE a (a int);",
        "COPY a (a) FROM stdin;\n",
        "\\.\n",
        "'",
        ";",
        "`",
        "/*",
        "/*!40101 ",
        "*/",
        "$a$",
        "DELIMITER ;;\n",
    ]);
    let piece = prop_oneof![
        8 => known.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..9),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_split_into_the_stream_the_same_in_any_chunks(
        bytes in fragments(),
        sizes in prop::collection::vec(1usize..40, 1..6),
    ) {
        for which in Format::ALL.iter().copied() {
            let whole = pieces(which, &bytes);
            assert_identity(which, &bytes, &whole, "generated");
            let (chunked, result) = split(which, &mut Pieces::new(&bytes, &sizes));
            prop_assert!(result.is_ok());
            prop_assert_eq!(chunked, whole);
        }
        probe_format(&bytes, true);
        probe_format(&bytes, false);
    }
}

#[test]
fn mutated_messages_of_the_corpora_are_read_without_a_panic() {
    // A small generator of its own (xorshift): the same mutants in every run.
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below.max(1) as u64).unwrap_or(0)
    };
    let mut mutants = 0;
    for path in corpus_files("mail/eml") {
        let original = std::fs::read(&path).unwrap();
        if original.len() > 20_000 {
            continue;
        }
        for _ in 0..20 {
            let mut bytes = original.clone();
            for _ in 0..1 + next(6) {
                let at = next(bytes.len());
                match next(4) {
                    0 if !bytes.is_empty() => bytes[at] = u8::try_from(next(256)).unwrap_or(0),
                    1 => bytes.truncate(at),
                    2 => drop(bytes.drain(at..(at + next(40)).min(bytes.len()))),
                    _ => {
                        let from = next(bytes.len());
                        let copied = bytes[from..(from + next(60)).min(bytes.len())].to_vec();
                        bytes.splice(at..at, copied);
                    }
                }
            }
            for which in [Format::Eml, Format::Mbox, Format::Mboxcl, Format::Mboxcl2] {
                assert_identity(which, &bytes, &pieces(which, &bytes), "mutant");
            }
            mutants += 1;
        }
    }
    println!("mutants: {mutants}");
}
