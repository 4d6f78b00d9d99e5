//! A file of each format, made of records whose facts are known before anything reads it.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use chrono::DateTime;
use extract::order::Format;

/// The address that an order asks for; the others lie beside it.
pub const ASKED: &str = "192.0.2.7";
pub const WITHHELD: &str = "counsel@lawfirm.example";

/// What one record says.
pub struct Fact {
    pub at: i64,
    pub ip: &'static str,
    pub is_withheld: bool,
    pub mark: String,
}

impl Fact {
    fn time(&self, format: &str) -> String {
        DateTime::from_timestamp(self.at, 0).unwrap().format(format).to_string()
    }

    fn utc(&self) -> String {
        self.time("%Y-%m-%dT%H:%M:%SZ")
    }

    fn local(&self) -> String {
        self.time("%Y-%m-%d %H:%M:%S")
    }

    fn withheld(&self) -> &'static str {
        if self.is_withheld { WITHHELD } else { "nobody" }
    }

    fn message(&self) -> Vec<u8> {
        let body = format!("{} from {} for {}\n", self.mark, self.ip, self.withheld());
        let date = self.time("%a, %d %b %Y %H:%M:%S +0000");
        format!("Content-Length: {}\nFrom: a@b.example\nDate: {date}\n\n{body}", body.len()).into_bytes()
    }

    fn tuple(&self) -> String {
        format!("('{}','{}','{} {}')", self.local(), self.ip, self.mark, self.withheld())
    }

    fn row(&self) -> String {
        format!("{{\"at\":\"{}\",\"ip\":\"{}\",\"note\":\"{} {}\"}}", self.local(), self.ip, self.mark, self.withheld())
    }
}

/// A file, and what each of its records is disclosed as.
pub struct Made {
    pub stored: Vec<u8>,
    /// None: only another program could say; its mark is looked for.
    pub disclosed: Option<Vec<Vec<u8>>>,
}

/// The keys of a clause that asks for one address on one day.
pub fn keys(format: Format, day: &str) -> String {
    let clock = if format.is_mail() { "date-header" } else { "record" };
    let window = format!("window = {{ from = {day}, through = {day}, clock = \"{clock}\" }}");
    if format.is_mail() {
        return format!("identifiers = [{{ ip = \"{ASKED}\", role = [\"any\"] }}]\n{window}");
    }
    let identifier = format!("identifiers = [{{ ip = \"{ASKED}\" }}]");
    let cell = format!("where = [{{ ip = \"{ASKED}\", column = \"ip\" }}], time = \"at\"");
    match format {
        Format::Csv | Format::Jsonl => format!("rows = {{ {cell} }}\n{window}"),
        Format::MysqlDump | Format::Sqlite => format!("rows = {{ table = \"t\", {cell} }}\n{window}"),
        Format::PostgresqlDump => format!("rows = {{ table = \"public.t\", {cell} }}\n{window}"),
        _ => format!("{identifier}\n{window}"),
    }
}

/// Files by name, and what each record in them is disclosed as.
pub struct Folder {
    pub files: Vec<(String, Vec<u8>)>,
    /// None: only another program could say; its mark is looked for.
    pub disclosed: Option<Vec<Vec<u8>>>,
}

/// The same in a folder of its own, for a format whose records stand in a file each.
pub fn folder(format: Format, facts: &[Fact], scratch: &Path) -> Result<Folder, String> {
    if format != Format::Sdbox {
        let Made { stored, disclosed } = made(format, facts, scratch)?;
        return Ok(Folder { files: vec![("records".to_owned(), stored)], disclosed });
    }
    // As Dovecot stores a message: `struct dbox_message_header` before it, metadata behind. The names sort as they come.
    let messages: Vec<Vec<u8>> = facts.iter().map(Fact::message).collect();
    let file = |(message, number): (&Vec<u8>, u32)| {
        let head = format!("2 M1e C65f00000\n\x01\x02N {:8} {:016x}\n", "", message.len());
        (format!("u.{number}"), [head.as_bytes(), message, b"\n\x01\x03\nR65f00000\n\n"].concat())
    };
    Ok(Folder { files: messages.iter().zip(1000..).map(file).collect(), disclosed: Some(messages) })
}

/// The file; what cannot be made on this machine says why.
pub fn made(format: Format, facts: &[Fact], folder: &Path) -> Result<Made, String> {
    let lines = |head: &str, line: &dyn Fn(&Fact) -> String| {
        let lines: Vec<Vec<u8>> = facts.iter().map(|fact| format!("{}\n", line(fact)).into_bytes()).collect();
        Made { stored: [head.as_bytes(), &lines.concat()].concat(), disclosed: Some(lines) }
    };
    let rows = |stored: Vec<u8>, table: &str| {
        let row = |fact: &Fact| format!("{{{table}\"row\":{}}}\n", fact.row()).into_bytes();
        Made { stored, disclosed: Some(facts.iter().map(row).collect()) }
    };
    Ok(match format {
        Format::Auth | Format::Dovecot | Format::Postfix => lines("", &|fact| {
            format!("{} mx app[1]: {} from {} for {}", fact.utc(), fact.mark, fact.ip, fact.withheld())
        }),
        Format::Auditd => lines("", &|fact| {
            let (at, mark, ip, other) = (fact.at, &fact.mark, fact.ip, fact.withheld());
            format!("type=USER_CMD msg=audit({at}.243:7): pid=1 msg='op={mark} addr={ip} for {other}'")
        }),
        Format::Exim => lines("", &|fact| {
            let (mark, ip, other) = (&fact.mark, fact.ip, fact.withheld());
            format!(
                "{} 1aBcDe-000123-AB <= {mark}@b.example H=h.example [{ip}] P=esmtp S=5 T=\"{other}\"",
                fact.local()
            )
        }),
        Format::Haproxy => lines("", &|fact| {
            let (stamp, mark, ip, other) = (fact.time("%d/%b/%Y:%H:%M:%S"), &fact.mark, fact.ip, fact.withheld());
            format!(
                "{ip}:4025 [{stamp}.584] fe be/srv 0/0/0/72/72 200 7 - - ---- 5/4/0/1/0 0/0 \"GET /{mark}?{other} HTTP/1.1\""
            )
        }),
        Format::Squid => lines("", &|fact| {
            let (at, mark, ip, other) = (fact.at, &fact.mark, fact.ip, fact.withheld());
            format!(
                "{at}.129    4 {ip} TCP_MISS/200 7 GET http://a.example/{mark}?{other} - HIER_DIRECT/203.0.113.1 text/html"
            )
        }),
        Format::Vsftpd => lines("", &|fact| {
            let (stamp, mark, ip, other) = (fact.time("%a %b %e %H:%M:%S %Y"), &fact.mark, fact.ip, fact.withheld());
            format!("{stamp} 1 {ip} 1234 /home/{mark}/{other} b _ o r bob ftp 0 * c")
        }),
        Format::MysqlGeneral => lines("", &|fact| {
            let (mark, ip, other) = (&fact.mark, fact.ip, fact.withheld());
            format!("{}\t   12 Query\tselect '{mark}',\n\t'{ip}', '{other}'", fact.utc())
        }),
        Format::MysqlSlow => lines("", &|fact| {
            let (at, mark, ip, other) = (fact.at, &fact.mark, fact.ip, fact.withheld());
            format!(
                "# Time: {}\n# User@Host: u[u] @ localhost [127.0.0.1]  Id:    12\n# Query_time: 0.000185\n\
                 SET timestamp={at};\nselect '{mark}', '{ip}', '{other}';",
                fact.utc()
            )
        }),
        Format::Postgresql => lines("", &|fact| {
            let (mark, ip, other) = (&fact.mark, fact.ip, fact.withheld());
            format!("{}.526 UTC [9158] alice@shop ERROR:  no {mark} of {ip}\n\tfor {other}", fact.local())
        }),
        Format::DockerJson => lines("", &|fact| {
            let (mark, ip, other) = (&fact.mark, fact.ip, fact.withheld());
            format!("{{\"log\":\"{mark} {ip} {other}\\n\",\"stream\":\"stdout\",\"time\":\"{}\"}}", fact.utc())
        }),
        Format::Jsonl => lines("", &Fact::row),
        Format::Csv => {
            let row = |fact: &Fact| format!("{},{},{} {}\r\n", fact.local(), fact.ip, fact.mark, fact.withheld());
            rows(format!("at,ip,note\r\n{}", facts.iter().map(row).collect::<String>()).into_bytes(), "")
        }
        // One row a statement, so that a file of the first ones is the front of the file.
        Format::MysqlDump => {
            let table =
                |name: &str| format!("CREATE TABLE `{name}` (\n  `at` datetime,\n  `ip` text,\n  `note` text\n);\n");
            let other = "INSERT INTO `u` VALUES ('2024-03-25 10:00:00','192.0.2.7','of another table');\n";
            let inserts: String =
                facts.iter().map(|fact| format!("INSERT INTO `t` VALUES {};\n", fact.tuple())).collect();
            rows(format!("{}{other}{}{inserts}", table("u"), table("t")).into_bytes(), "\"table\":\"t\",")
        }
        Format::PostgresqlDump => {
            let other =
                "COPY public.u (at, ip, note) FROM stdin;\n2024-03-25 10:00:00\t192.0.2.7\tof another table\n\\.\n";
            let insert = |fact: &Fact| format!("INSERT INTO public.t (at, ip, note) VALUES {};\n", fact.tuple());
            let inserts: String = facts.iter().map(insert).collect();
            rows(format!("{other}{inserts}").into_bytes(), "\"table\":\"public.t\",")
        }
        Format::Mboxcl | Format::Mboxcl2 => {
            let messages: Vec<Vec<u8>> = facts.iter().map(Fact::message).collect();
            let stored = messages
                .iter()
                .flat_map(|message| [b"From a@b Mon Mar 25 10:00:00 2024\n", message.as_slice(), b"\n"].concat());
            Made { stored: stored.collect(), disclosed: Some(messages) }
        }
        Format::Sqlite => rows(sqlite(facts, folder), "\"table\":\"t\","),
        Format::W3c => w3c(facts),
        Format::Utmp => utmp(facts),
        Format::Journal => journal(facts, folder)?,
        other => panic!("no recipe for {}", other.name()),
    })
}

/// A database with the facts in one table, a row of another, and one that was deleted and whose bytes are still there.
fn sqlite(facts: &[Fact], folder: &Path) -> Vec<u8> {
    let path = folder.join("made.db");
    let database = rusqlite::Connection::open(&path).unwrap();
    let all = "PRAGMA secure_delete = OFF; CREATE TABLE u (at TEXT, ip TEXT, note TEXT); CREATE TABLE t (at TEXT, ip TEXT, note TEXT); \
               INSERT INTO u VALUES ('2024-03-25 10:00:00', '192.0.2.7', 'of another table');";
    database.execute_batch(all).unwrap();
    for fact in facts {
        database.execute(&format!("INSERT INTO t VALUES {}", fact.tuple()), []).unwrap();
    }
    database.execute("INSERT INTO t VALUES ('2024-03-25 10:00:00', '192.0.2.7', 'deleted')", []).unwrap();
    database.execute("DELETE FROM t WHERE note = 'deleted'", []).unwrap();
    drop(database);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    bytes
}

fn w3c(facts: &[Fact]) -> Made {
    let mut stored = "#Fields: date time c-ip cs-uri-query\r\n".to_owned();
    let mut disclosed = Vec::new();
    for fact in facts {
        let (date, time) = (fact.time("%Y-%m-%d"), fact.time("%H:%M:%S"));
        let (ip, query) = (fact.ip, format!("{}?{}", fact.mark, fact.withheld()));
        write!(stored, "{date} {time} {ip} {query}\r\n").unwrap();
        let row = format!("{{\"date\":\"{date}\",\"time\":\"{time}\",\"c-ip\":\"{ip}\",\"cs-uri-query\":\"{query}\"}}");
        disclosed.push(format!("{{\"row\":{row}}}\n").into_bytes());
    }
    Made { stored: stored.into_bytes(), disclosed: Some(disclosed) }
}

fn utmp(facts: &[Fact]) -> Made {
    let record = |fact: &Fact| {
        let mut bytes = vec![0; 384];
        let mut put = |at: usize, text: &[u8]| bytes[at..at + text.len()].copy_from_slice(text);
        put(0, &7u32.to_le_bytes());
        put(4, &4242u32.to_le_bytes());
        put(8, fact.withheld().as_bytes());
        put(40, b"ts/0");
        put(44, fact.mark.as_bytes());
        put(76, fact.ip.as_bytes());
        put(340, &u32::try_from(fact.at).unwrap().to_le_bytes());
        bytes
    };
    let disclosed: Vec<Vec<u8>> = facts.iter().map(record).collect();
    Made { stored: disclosed.concat(), disclosed: Some(disclosed) }
}

/// Entries in the export format of journals, made into one by the program that takes journals in from other hosts.
fn journal(facts: &[Fact], folder: &Path) -> Result<Made, String> {
    let program = "/lib/systemd/systemd-journal-remote";
    if !Path::new(program).exists() {
        return Err(format!("{program} is not there (Debian: systemd-journal-remote)"));
    }
    let mut export = Vec::new();
    for (fact, number) in facts.iter().zip(1..) {
        let (at, boot) = (fact.at, "0123456789abcdef0123456789abcdef");
        let message = format!("{} from {} for {}", fact.mark, fact.ip, fact.withheld());
        let entry = format!(
            "__REALTIME_TIMESTAMP={at}000000\n__MONOTONIC_TIMESTAMP={number}\n_BOOT_ID={boot}\nMESSAGE={message}\n\n"
        );
        export.extend(entry.into_bytes());
    }
    let (from, to) = (folder.join("export"), folder.join("made.journal"));
    std::fs::write(&from, export).unwrap();
    let mut command = Command::new(program);
    command.arg("--output").arg(&to).arg(&from).stdin(Stdio::null());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(Made { stored: std::fs::read(to).unwrap(), disclosed: None })
}
