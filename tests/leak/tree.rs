//! The seeded tree: a small server, as data, of which everything is known before anything reads it.
//!
//! **Invariant:** every record, name and time in it is marked, and the same seed makes the same tree.

use std::collections::BTreeSet;
use std::net::IpAddr;

use chrono::{DateTime, FixedOffset};

use super::canary::{Aviary, Mark, Random};

/// 2024-03-20T00:00:00Z.
pub const START: i64 = 1_710_892_800;

/// One thing of the tree.
pub struct Planted {
    /// The server's absolute path.
    pub path: Vec<u8>,
    pub node: Node,
    pub modified: i64,
    pub owner: u32,
    /// The value of an extended attribute.
    pub attribute: Option<String>,
}

pub enum Node {
    Folder,
    File(File),
    /// A symbolic link to this.
    Link(Vec<u8>),
    /// Another name of the file at this path.
    HardLink(Vec<u8>),
    Pipe,
}

pub struct File {
    /// As stored.
    pub stored: Vec<u8>,
    /// As it reads once it is unpacked.
    pub stream: Vec<u8>,
    /// Its compression says at the end that something is wrong.
    pub damaged: bool,
    pub body: Body,
}

pub enum Body {
    /// No record format fits it.
    Plain,
    Log(Vec<Line>),
    Mbox(Vec<Mail>),
    /// What went through syslog.
    Syslog(Vec<Line>),
    /// One message in a Maildir's `cur` or `new`.
    Maildir(Mail),
    /// One message elsewhere.
    Eml(Mail),
    /// Within a Maildir and not a message of it.
    MaildirOther,
}

/// A line of an access log or of syslog.
#[derive(Clone)]
pub struct Line {
    pub offset: usize,
    pub bytes: Vec<u8>,
    /// None: it does not parse.
    pub fields: Option<LineFields>,
    /// What is in it under some encoding.
    pub decoded: Vec<u8>,
}

#[derive(Clone)]
pub struct LineFields {
    pub client: IpAddr,
    pub user: Option<String>,
    pub time: i64,
}

#[derive(Clone, Default)]
pub struct Mail {
    pub offset: usize,
    pub bytes: Vec<u8>,
    /// By role: the addresses of its headers.
    pub addresses: Vec<(&'static str, String)>,
    pub message_id: String,
    /// None: there is no Date, or one that nobody can read.
    pub date: Option<i64>,
    /// What is in it under some encoding.
    pub decoded: Vec<u8>,
    /// It without its attachments, and how many those are; none where that can be read in two ways.
    pub without: Option<(Vec<u8>, u64)>,
}

impl Mail {
    /// Its header section, through the empty line.
    pub fn header(&self) -> &[u8] {
        let end = self.bytes.windows(2).position(|two| two == b"\n\n").unwrap();
        &self.bytes[..end + 2]
    }
}

/// The tree and all that was planted in it.
pub struct Tree {
    pub planted: Vec<Planted>,
    pub aviary: Aviary,
}

impl Tree {
    pub fn find(&self, path: &[u8]) -> Option<&Planted> {
        self.planted.iter().find(|planted| planted.path == path)
    }

    /// A file's content, by whatever name.
    pub fn file<'t>(&'t self, planted: &'t Planted) -> Option<&'t File> {
        match &planted.node {
            Node::File(file) => Some(file),
            Node::HardLink(of) => self.find(of).and_then(|other| self.file(other)),
            Node::Folder | Node::Link(_) | Node::Pipe => None,
        }
    }
}

pub const ADDRESSES: [&str; 9] = [
    "alice@shop.example",
    "malice@shop.example",
    "alice@shop.example.org",
    "alice+news@shop.example",
    "bob@supplies.example",
    "rob@supplies.example",
    "carol@other.example",
    "counsel@lawfirm.example",
    "clerk@mail.lawfirm.example",
];
pub const CLIENTS: [&str; 8] = [
    "192.0.2.1",
    "192.0.2.10",
    "192.0.2.11",
    "192.0.21.1",
    "198.51.100.7",
    "2001:db8::1",
    "2001:db8::11",
    "::ffff:192.0.2.1",
];
pub const WORDS: [&str; 8] = [
    "sess-1001",
    "sess-10011",
    "alice@shop.example",
    "malice@shop.example",
    "counsel@lawfirm.example",
    "lawfirm.example",
    "www.shop.example",
    "alice",
];
const USERS: [&str; 6] = ["-", "-", "-", "alice", "alicea", "bob"];
const HOSTS: [&str; 3] = ["shop.example", "www.shop.example", "shop.example.org"];

pub(super) struct Builder {
    pub(super) random: Random,
    pub(super) aviary: Aviary,
    planted: Vec<Planted>,
    times: BTreeSet<i64>,
    owner: u32,
}

/// The tree of this seed.
pub fn grow(seed: u64) -> Tree {
    let mut builder = Builder {
        random: Random::new(seed),
        aviary: Aviary::default(),
        planted: Vec::new(),
        times: BTreeSet::new(),
        owner: 1_234_500_000,
    };
    builder.web();
    builder.syslog();
    builder.mail();
    builder.home();
    builder.odd();
    builder.mark_content();
    Tree { planted: builder.planted, aviary: builder.aviary }
}

impl Builder {
    pub(super) fn word(&mut self, planted: &str) -> String {
        self.aviary.word(&mut self.random, planted)
    }

    /// A time that nothing else has; never a whole minute, so that the bounds of a window are not among them.
    pub(super) fn time(&mut self, planted: &str) -> i64 {
        loop {
            let at = START + self.random.below(26 * 86_400) as i64;
            if at % 60 != 0 && self.times.insert(at) {
                self.aviary.add(Mark::Time(at), planted);
                return at;
            }
        }
    }

    fn add(&mut self, path: impl AsRef<[u8]>, node: Node) {
        let path = path.as_ref().to_vec();
        let shown = String::from_utf8_lossy(&path).into_owned();
        let modified = self.time(&format!("the time of {shown}"));
        let attribute = self.word(&format!("an attribute of {shown}"));
        self.owner += 7;
        self.aviary.add(Mark::Number(u64::from(self.owner)), &format!("the owner of {shown}"));
        self.planted.push(Planted { path, node, modified, owner: self.owner, attribute: Some(attribute) });
    }

    fn folder(&mut self, path: &str) {
        self.add(path, Node::Folder);
    }

    fn file(&mut self, path: impl AsRef<[u8]>, stored: Vec<u8>, stream: Vec<u8>, body: Body) {
        self.add(path, Node::File(File { stored, stream, damaged: false, body }));
    }

    fn web(&mut self) {
        for folder in ["/var", "/var/log", "/var/log/apache2", "/var/mail", "/var/mail/old"] {
            self.folder(folder);
        }
        let (lines, stream) = self.log(34, true);
        self.file("/var/log/apache2/access.log", stream.clone(), stream, Body::Log(lines));
        let (lines, mut stream) = self.log(22, false);
        let mut lines = lines;
        // The last line has no line end: it is a record all the same.
        stream.pop();
        lines.last_mut().unwrap().bytes.pop();
        self.file("/var/log/apache2/access.log.1", stream.clone(), stream, Body::Log(lines));
        let (lines, stream) = self.log(24, true);
        // Members that end within a line.
        let stored = zipped(&stream, &[stream.len() / 3, stream.len() / 2 + 7]);
        self.file("/var/log/apache2/access.log.2.gz", stored, stream, Body::Log(lines));
        let (lines, stream) = self.log(12, false);
        self.file("/var/log/apache2/access.log.3.gz", zipped(&stream, &[]), stream, Body::Log(lines));
        let (lines, stream) = self.log(10, true);
        let mut stored = zipped(&stream, &[]);
        // The check sum at the end is another: all the lines are there, and the stream is damaged.
        let sum = stored.len() - 8;
        stored[sum] ^= 0x55;
        self.file("/var/log/apache2/access.log.4.gz", stored, stream, Body::Log(lines));
        if let Some(Node::File(file)) = self.planted.last_mut().map(|planted| &mut planted.node) {
            file.damaged = true;
        }
        self.file("/var/log/apache2/empty.log", Vec::new(), Vec::new(), Body::Log(Vec::new()));
        let name = self.word("the name of another log");
        let (lines, stream) = self.log(14, true);
        self.file(format!("/var/log/apache2/vhost-{name}.log"), stream.clone(), stream, Body::Log(lines));
        let mark = self.word("the words of an error log");
        let text = format!("PHP notice, undefined index {mark}\nPHP notice, again {mark}\n").into_bytes();
        self.file("/var/log/apache2/error.log", text.clone(), text, Body::Plain);
    }

    fn syslog(&mut self) {
        let (lines, stream) = self.entries(26);
        self.file("/var/log/auth.log", stream.clone(), stream, Body::Syslog(lines));
        let (mut lines, mut stream) = self.entries(12);
        stream.pop();
        lines.last_mut().unwrap().bytes.pop();
        self.file("/var/log/auth.log.1", stream.clone(), stream, Body::Syslog(lines));
        let (lines, stream) = self.entries(14);
        self.file("/var/log/auth.log.2.gz", zipped(&stream, &[stream.len() / 2]), stream, Body::Syslog(lines));
    }

    fn entries(&mut self, count: usize) -> (Vec<Line>, Vec<u8>) {
        let mut lines = Vec::new();
        let mut stream = Vec::new();
        for number in 0..count {
            let mut line = if number % 9 == 5 { self.broken_line() } else { self.entry() };
            line.offset = stream.len();
            stream.extend_from_slice(&line.bytes);
            lines.push(line);
        }
        (lines, stream)
    }

    fn entry(&mut self) -> Line {
        let client = *self.random.pick(&CLIENTS);
        let user = *self.random.pick(&USERS);
        let time = self.time("the time of a line of syslog");
        let mark = self.word("a line of syslog");
        let word = *self.random.pick(&WORDS);
        let zone = self.random.pick(&[0, 3600, -18_000]);
        let local = DateTime::from_timestamp(time, 0).unwrap().with_timezone(&FixedOffset::east_opt(*zone).unwrap());
        let stamp = local.format("%Y-%m-%dT%H:%M:%S%:z");
        let text = match self.random.below(3) {
            0 => format!("{stamp} host sshd[{mark}]: Failed password for {user} from {client} port 22 ssh2\n"),
            1 => format!("{stamp} host app: {mark} says {word}#011to {user}\n"),
            _ => format!("{stamp} host {mark}/smtpd[7]: connect from {client}: {word}.\n"),
        };
        let fields = LineFields { client: client.parse().unwrap(), user: (user != "-").then(|| user.to_owned()), time };
        let decoded = text.replace("#011", "\t").into_bytes();
        Line { offset: 0, bytes: text.into_bytes(), fields: Some(fields), decoded }
    }

    fn mail(&mut self) {
        for (name, count) in [("alice", 18), ("bob", 10), ("malice", 8)] {
            let (mails, stream) = self.mbox(count);
            self.file(format!("/var/mail/{name}"), stream.clone(), stream, Body::Mbox(mails));
        }
        let (mails, stream) = self.mbox(8);
        let stored = zipped(&stream, &[stream.len() / 2]);
        self.file("/var/mail/old/alice.gz", stored, stream, Body::Mbox(mails));
        self.folder("/srv");
        self.folder("/srv/messages");
        for number in 0..8 {
            let name = self.word("the name of a message");
            let mail = self.message();
            let stream = mail.bytes.clone();
            let (stored, end) = if number == 3 { (zipped(&stream, &[]), ".gz") } else { (stream.clone(), "") };
            self.file(format!("/srv/messages/{number}-{name}.eml{end}"), stored, stream, Body::Eml(mail));
        }
    }

    fn maildir(&mut self, root: &str, counts: [usize; 3]) {
        for folder in
            ["", "/cur", "/new", "/tmp", "/.Sent", "/.Sent/cur", "/.Sent/new", "/.Sent/tmp", "/.Old", "/cur/sub"]
        {
            self.folder(&format!("{root}{folder}"));
        }
        for (place, count) in ["/cur", "/new", "/.Sent/cur"].into_iter().zip(counts) {
            for number in 0..count {
                let name = self.word("the name of a message in a Maildir");
                let mail = self.message();
                let stream = mail.bytes.clone();
                self.file(format!("{root}{place}/{number}.{name}:2,S"), stream.clone(), stream, Body::Maildir(mail));
            }
        }
        // What a mail program leaves beside its messages, and messages that are not yet or no longer in place.
        for other in ["dovecot.index.log", "tmp/partial", "cur/sub/stray", ".Old/stray", ".Sent/maildirfolder"] {
            let name = self.word("the name of what is no message in a Maildir");
            let mail = self.message();
            let stream =
                if other.contains("index") { format!("\u{1}\u{0}index {name}\n").into_bytes() } else { mail.bytes };
            self.file(format!("{root}/{other}-{name}"), stream.clone(), stream, Body::MaildirOther);
        }
    }

    fn home(&mut self) {
        for folder in ["/home", "/home/alice", "/home/alice/docs", "/home/bob", "/home/bob/docs"] {
            self.folder(folder);
        }
        self.maildir("/home/alice/Maildir", [7, 4, 5]);
        self.maildir("/home/bob/Maildir", [4, 2, 2]);
        for user in ["alice", "bob"] {
            for number in 0..5 {
                let name = self.word("the name of a document");
                let word = *self.random.pick(&WORDS);
                let text = self.text(number, word);
                self.file(format!("/home/{user}/docs/{number}-{name}.txt"), text.clone(), text, Body::Plain);
            }
            let name = self.word("the name of a picture");
            let mark = self.word("the bytes of a picture");
            let mut bytes = vec![0x89, b'P', b'N', b'G', 0, 0xff, 0];
            bytes.extend(mark.encode_utf16().flat_map(u16::to_le_bytes));
            bytes.resize(20_011 + self.random.below(900), 0xA7);
            self.aviary.add(Mark::Number(bytes.len() as u64), "the size of a picture");
            self.file(format!("/home/{user}/docs/{name}.png"), bytes.clone(), bytes, Body::Plain);
        }
        let shared = self.text(9, "alice");
        let (first, second) = (self.word("a name of a file with two"), self.word("the other name of a file with two"));
        let first = format!("/home/bob/docs/{first}.txt");
        self.file(&first, shared.clone(), shared, Body::Plain);
        let modified = self.planted.last().unwrap().modified;
        self.add(format!("/home/alice/docs/{second}.txt"), Node::HardLink(first.into_bytes()));
        // Two names, one file, one time.
        self.planted.last_mut().unwrap().modified = modified;
        let target = self.word("the target of a link");
        self.add("/home/alice/link-out", Node::Link(format!("/home/bob/docs/{target}").into_bytes()));
        self.add("/home/alice/linkdir", Node::Link(b"../bob/docs".to_vec()));
        let (name, target) = (self.word("the name of a link"), self.word("the target of another link"));
        self.add(format!("/home/alice/docs/{name}.txt"), Node::Link(format!("../../{target}").into_bytes()));
        self.add("/home/bob/into", Node::Link(b"/home/alice/docs".to_vec()));
        self.add("/home/bob/control.pipe", Node::Pipe);
        let name = self.word("the name of a pipe");
        self.add(format!("/home/bob/{name}.pipe"), Node::Pipe);
    }

    fn odd(&mut self) {
        self.folder("/srv/odd");
        let hidden = self.word("the name of a folder");
        self.folder(&format!("/srv/{hidden}"));
        let mut names: Vec<Vec<u8>> = Vec::new();
        let word = self.word("a name that is not UTF-8");
        names.push([b"caf\xe9 ".as_slice(), word.as_bytes()].concat());
        let word = self.word("a name with a line end");
        names.push(format!("one\ntwo {word}").into_bytes());
        let word = self.word("a name of 255 bytes");
        names.push(format!("{word}{}", "n".repeat(255 - word.len())).into_bytes());
        let word = self.word("a name like an option");
        names.push(format!("--{word}={{}}%41&<b>\"'").into_bytes());
        for name in names {
            let text = self.text(7, "carol@other.example");
            let path = [b"/srv/odd/".as_slice(), &name].concat();
            self.file(path, text.clone(), text, Body::Plain);
        }
        let (lines, stream) = self.log(8, true);
        let word = self.word("the odd name of a log");
        let path = [b"/srv/odd/log\xff\n".as_slice(), word.as_bytes()].concat();
        self.file(path, stream.clone(), stream, Body::Log(lines));
        let text = self.text(3, "alice");
        let word = self.word("a name in a hidden folder");
        self.file(format!("/srv/{hidden}/{word}"), text.clone(), text, Body::Plain);
    }

    /// Words that no record format fits.
    fn text(&mut self, number: usize, word: &str) -> Vec<u8> {
        let mark = self.word("the words of a document");
        let wide: Vec<u8> = mark.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let mut bytes = format!("The minutes of meeting {number} with {word} were read {mark}\n").into_bytes();
        bytes.extend_from_slice(&wide);
        bytes.extend_from_slice(b"\nEnd\n");
        bytes
    }

    fn log(&mut self, count: usize, unparsed: bool) -> (Vec<Line>, Vec<u8>) {
        let mut lines = Vec::new();
        let mut stream = Vec::new();
        for number in 0..count {
            let broken = unparsed && number > 4 && number % 7 == 5;
            let mut line = if broken { self.broken_line() } else { self.line(number % 2 == 0) };
            line.offset = stream.len();
            stream.extend_from_slice(&line.bytes);
            lines.push(line);
        }
        (lines, stream)
    }

    fn line(&mut self, combined: bool) -> Line {
        let client = *self.random.pick(&CLIENTS);
        let user = *self.random.pick(&USERS);
        let time = self.time("the time of a log line");
        let mark = self.word("a log line");
        let word = *self.random.pick(&WORDS);
        let encoded = self.random.chance(10);
        let shown = if encoded { word.replace('@', "%40") } else { word.to_owned() };
        let zone = self.random.pick(&[0, 3600, -18_000]);
        let local = DateTime::from_timestamp(time, 0).unwrap().with_timezone(&FixedOffset::east_opt(*zone).unwrap());
        let mut text = format!(
            "{client} - {user} [{}] \"GET /{mark}/p?u={shown}&k=v HTTP/1.1\" 200 {}",
            local.format("%d/%b/%Y:%H:%M:%S %z"),
            self.random.below(9000)
        );
        if combined {
            let host = *self.random.pick(&HOSTS);
            text.push_str(&format!(" \"https://{host}/\" \"Reader/1 ({})\"", self.word("the agent of a log line")));
        }
        text.push('\n');
        let fields = LineFields { client: client.parse().unwrap(), user: (user != "-").then(|| user.to_owned()), time };
        Line { offset: 0, bytes: text.into_bytes(), fields: Some(fields), decoded: word.as_bytes().to_vec() }
    }

    /// A line that no log has, with one of the identifiers or none.
    fn broken_line(&mut self) -> Line {
        let mark = self.word("a line that does not parse");
        let word = *self.random.pick(&WORDS);
        let client = *self.random.pick(&CLIENTS);
        let text = match self.random.below(3) {
            0 => format!("cut off {mark}\n"),
            1 => format!("cut off {mark} {word}\n"),
            _ => format!("cut off {mark} by {client} here\n"),
        };
        Line { offset: 0, bytes: text.into_bytes(), fields: None, decoded: Vec::new() }
    }

    /// The digest of everything that could leave as a piece.
    fn mark_content(&mut self) {
        for planted in &self.planted {
            let Node::File(file) = &planted.node else { continue };
            let shown = String::from_utf8_lossy(&planted.path).into_owned();
            if !file.stored.is_empty() {
                self.aviary.add_digest(&file.stored, &format!("all of {shown}"));
                self.aviary.add_digest(&file.stream, &format!("all of {shown}, unpacked"));
            }
            self.aviary.add_digest(&planted.path, &format!("the path {shown}"));
            for record in file.body.records() {
                self.aviary.add_digest(record, &format!("a record of {shown}"));
                self.aviary.add_digest(record.trim_ascii_end(), &format!("a record of {shown}, without its line end"));
            }
        }
    }
}

impl Body {
    /// The bytes of each record.
    pub fn records(&self) -> Vec<&[u8]> {
        match self {
            Self::Plain | Self::MaildirOther => Vec::new(),
            Self::Log(lines) | Self::Syslog(lines) => lines.iter().map(|line| line.bytes.as_slice()).collect(),
            Self::Mbox(mails) => mails.iter().map(|mail| mail.bytes.as_slice()).collect(),
            Self::Maildir(mail) | Self::Eml(mail) => vec![&mail.bytes],
        }
    }
}

/// Gzip, in members that end at these places and at the end.
fn zipped(stream: &[u8], ends: &[usize]) -> Vec<u8> {
    use std::io::Write as _;
    let mut stored = Vec::new();
    let mut begin = 0;
    for end in ends.iter().copied().chain([stream.len()]) {
        let mut encoder = flate2::write::GzEncoder::new(stored, flate2::Compression::fast());
        encoder.write_all(&stream[begin..end]).unwrap();
        stored = encoder.finish().unwrap();
        begin = end;
    }
    stored
}
