//! Records of every format of lines and rows, close to the edges of an order.

use std::fmt::Write as _;

use extract::order::Format;

use super::chance::Chance;
use super::generate::Aim;
use super::order::Identifier;
use super::{spell, time};

/// What a record is made of.
struct Stuff {
    at: i64,
    ip: String,
    user: String,
    from: String,
    to: String,
    /// Free text without line ends and control characters.
    words: String,
}

impl Stuff {
    fn made(chance: &mut Chance, aim: &Aim) -> Self {
        let one = |chance: &mut Chance| aim.identifier(chance);
        let mut ip = (chance.pick(&["203.0.113.77", "192.0.2.1", "2001:db8::99", "client.example.net"])).to_owned();
        let mut user = (chance.pick(&["alice", "dave", "alice@shop.example", "bob.b"])).to_owned();
        for _ in 0..3 {
            match one(chance) {
                Identifier::Ip(text) | Identifier::Cidr(text) | Identifier::IpPort(text, _) => {
                    ip = spell::spell(chance, &Identifier::Ip(text))
                        .split(['[', ']'])
                        .max_by_key(|part| part.len())
                        .unwrap()
                        .to_owned();
                }
                identifier @ (Identifier::Account(_) | Identifier::Email(_)) => {
                    user = spell::spell(chance, &identifier)
                }
                _ => {}
            }
        }
        let sides = [one(chance), one(chance)];
        let [from, to] = sides.map(|side| spell::address(chance, &side));
        let mut words = Vec::new();
        for _ in 0..chance.below(3) {
            let identifier = one(chance);
            words.extend(spell::surrounded(chance, &identifier));
        }
        let words: String = String::from_utf8_lossy(&words).chars().filter(|letter| !letter.is_control()).collect();
        Self { at: aim.moment(chance), ip, user, from, to, words }
    }

    fn local(&self) -> String {
        time::write_toml(self.at).replace('T', " ")
    }

    fn utc(&self) -> String {
        format!("{}Z", time::write_toml(self.at))
    }
}

/// What stands before the first record of a stream.
pub fn head(format: Format) -> &'static str {
    match format {
        Format::Csv => "at,email,ip,note\n",
        Format::W3c => "#Software: x\n#Fields: date time c-ip cs-username cs(Referer)\n",
        _ => "",
    }
}

/// The columns that its records have.
pub fn columns(format: Format) -> &'static [&'static str] {
    match format {
        Format::Csv | Format::Jsonl => &["at", "email", "ip", "note"],
        Format::MysqlDump | Format::PostgresqlDump | Format::Sqlite => &["at", "email", "ip", "note"],
        Format::DockerJson => &["log", "stream", "time"],
        Format::W3c => &["date", "time", "c-ip", "cs-username", "cs(Referer)"],
        _ => &[],
    }
}

/// One record with its end.
pub fn record(chance: &mut Chance, format: Format, aim: &Aim) -> Vec<u8> {
    let stuff = Stuff::made(chance, aim);
    if format == Format::Utmp {
        return utmp(chance, &stuff);
    }
    // Prose that no program of the format writes.
    let broken = chance.percent(4);
    let text = match format {
        _ if broken => format!("prose {} {}", stuff.words, stuff.ip),
        Format::Auth | Format::Dovecot | Format::Postfix => {
            let stamp = if chance.percent(50) { stuff.utc() } else { time::write_toml(stuff.at) };
            format!("{stamp} mx {}", syslog(chance, format, &stuff))
        }
        Format::Auditd => auditd(chance, &stuff),
        Format::Exim => exim(chance, &stuff),
        Format::Haproxy | Format::Squid | Format::Vsftpd => proxy(chance, format, &stuff),
        Format::MysqlGeneral | Format::MysqlSlow | Format::Postgresql => database(chance, format, &stuff),
        Format::Csv | Format::Jsonl | Format::DockerJson | Format::W3c => row(chance, format, &stuff),
        // As rows of tables are rendered: some of another table, and some of none.
        Format::MysqlDump | Format::PostgresqlDump | Format::Sqlite => {
            let table = chance.pick(&["\"table\":\"t\",", "\"table\":\"t\",", "\"table\":\"T\",", ""]);
            format!("{{{table}\"row\":{}}}", row(chance, Format::Jsonl, &stuff))
        }
        Format::Journal => journal(&stuff),
        other => panic!("no record of {} is made here", other.name()),
    };
    format!("{text}\n").into_bytes()
}

fn syslog(chance: &mut Chance, format: Format, stuff: &Stuff) -> String {
    let Stuff { ip, user, from, to, words, .. } = stuff;
    match (format, chance.below(5)) {
        (Format::Auth, 0) => format!("sshd[7]: Accepted password for {user} from {ip} port 4242 ssh2"),
        (Format::Auth, 1) => format!("sshd[7]: Failed password for invalid user {user} from {ip} port 1 ssh2"),
        (Format::Auth, 2) => format!("sshd[7]: pam_unix(sshd:session): session opened for user {user} by (uid=0)"),
        (Format::Auth, 3) => format!("sudo: {user} : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/ls {words}"),
        (Format::Dovecot, 0 | 1) => {
            format!(
                "dovecot: imap-login: Login: user=<{user}>, method=PLAIN, rip={ip}, lip=203.0.113.1, mpid=1, session=<s>"
            )
        }
        (Format::Dovecot, 2) => format!("dovecot: imap({user})<1><s>: delete: box=INBOX, uid=7, {words}"),
        (Format::Postfix, 0) => format!("postfix/qmgr[3]: 4F2A11C3: from=<{from}>, size=10, nrcpt=1 (queue active)"),
        (Format::Postfix, 1) => {
            format!("postfix/smtp[4]: 4F2A11C3: to=<{to}>, relay=mx[{ip}]:25, status=sent (ok {words})")
        }
        (Format::Postfix, 2) => {
            format!("postfix/smtpd[4]: 4F2A11C3: client=h.example[{ip}], sasl_method=PLAIN, sasl_username={user}")
        }
        (Format::Postfix, 3) => format!(
            "postfix/smtpd[4]: NOQUEUE: reject: RCPT from unknown[{ip}]: 554 5.7.1 no; from=<{from}> to=<{to}> proto=ESMTP helo=<h>"
        ),
        _ => format!("daemon[1]: {words}"),
    }
}

fn auditd(chance: &mut Chance, stuff: &Stuff) -> String {
    let Stuff { at, ip, user, words, .. } = stuff;
    let serial = chance.below(100_000);
    match chance.below(3) {
        0 => format!(
            "type=USER_LOGIN msg=audit({at}.243:{serial}): pid=1 uid=0 acct=\"{user}\" exe=\"/usr/sbin/sshd\" addr={ip} res=success"
        ),
        1 => {
            let hex: String = words.bytes().fold(String::new(), |mut hex, byte| {
                write!(hex, "{byte:02X}").unwrap();
                hex
            });
            format!("type=EXECVE msg=audit({at}.243:{serial}): argc=2 a0=\"cat\" a1={hex}")
        }
        _ => format!("type=USER_CMD msg=audit({at}.243:{serial}): pid=1 msg='op={words} addr={ip}'"),
    }
}

fn exim(chance: &mut Chance, stuff: &Stuff) -> String {
    let Stuff { ip, from, to, words, .. } = stuff;
    let stamp = stuff.local();
    match chance.below(4) {
        0 => format!("{stamp} 1aBcDe-000123-AB <= {from} H=h.example [{ip}] P=esmtp S=5 id=m1@x.example for {to}"),
        1 => format!("{stamp} 1aBcDe-000123-AB => {to} <{from}> R=local T=maildir"),
        2 => format!("{stamp} H=(h) [{ip}] F=<{from}> rejected RCPT <{to}>: no {words}"),
        _ => format!("{stamp} 1aBcDe-000123-AB == {to} R=x T=y defer (-1): {words}"),
    }
}

fn proxy(chance: &mut Chance, format: Format, stuff: &Stuff) -> String {
    let Stuff { at, ip, user, words, .. } = stuff;
    match format {
        Format::Haproxy => {
            let stamp = time::write_web_log(*at, 0);
            let stamp = stamp.split(' ').next().unwrap();
            format!(
                "{ip}:4025 [{stamp}.584] fe be/srv 0/0/0/72/72 200 7456 - - ---- 5/4/0/1/0 0/0 \"GET /{words} HTTP/1.1\""
            )
        }
        Format::Squid => {
            let user = if user.contains(' ') { "-" } else { user };
            format!(
                "{at}.129    456 {ip} TCP_MISS/200 7456 GET http://a.example/{} {user} HIER_DIRECT/203.0.113.1 text/html",
                words.replace(' ', "%20")
            )
        }
        _ => {
            let mail = time::write_mail(*at);
            let words: Vec<&str> = mail.split([' ', ',']).filter(|word| !word.is_empty()).collect();
            let [weekday, day, month, year, clock] = words[..] else { panic!("{mail}") };
            let stamp = format!("{weekday} {month} {day:>2} {clock} {year}");
            if chance.percent(50) {
                format!("{stamp} [pid 27201] [{user}] OK LOGIN: Client \"{ip}\"")
            } else {
                format!("{stamp} 1 {ip} 1234 /home/a_b b _ o r {user} ftp 0 * c")
            }
        }
    }
}

fn database(chance: &mut Chance, format: Format, stuff: &Stuff) -> String {
    let Stuff { user, words, .. } = stuff;
    match format {
        Format::MysqlGeneral => match chance.below(3) {
            0 => format!("{}\t   12 Connect\t{user}@localhost on shop using TCP/IP", stuff.utc()),
            1 => format!("{}\t   12 Query\tselect '{words}'\n\tfrom {user}", stuff.utc()),
            _ => format!("\t\t   12 Query\tselect '{words}'"),
        },
        Format::MysqlSlow => {
            let user = "# User@Host: u[u] @ localhost [127.0.0.1]  Id:    12\n# Query_time: 0.000185";
            // The server leaves `# Time` out where it is that of the entry before.
            let time = if chance.percent(60) { format!("# Time: {}\n", stuff.utc()) } else { String::new() };
            let set = if chance.percent(60) { format!("SET timestamp={};\n", stuff.at) } else { String::new() };
            format!("{time}{user}\n{set}select '{words}';")
        }
        _ => format!("{}.526 UTC [9158] {user}@shop ERROR:  no {words}", stuff.local()),
    }
}

fn json(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn row(chance: &mut Chance, format: Format, stuff: &Stuff) -> String {
    let Stuff { ip, user, from, words, .. } = stuff;
    let time = match chance.below(6) {
        0 => stuff.utc(),
        1 => format!("{}+01:00", time::write_toml(stuff.at + 3_600)),
        2 => (chance.pick(&["", "soon", "2024-02-30 10:00:00", "2024-02-30"])).to_owned(),
        3 => time::write_toml(stuff.at)[..10].to_owned(),
        _ => stuff.local(),
    };
    let email = match chance.below(6) {
        0 => format!(" {from} "),
        1 => format!("A <{from}>"),
        2 => user.clone(),
        _ => from.clone(),
    };
    match format {
        Format::Csv => {
            let cell = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
            format!("{},{},{},{}", cell(&time), cell(&email), cell(ip), cell(words))
        }
        Format::W3c => {
            let (date, clock) =
                time::write_toml(stuff.at).split_once('T').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
            let bare = |text: &str| {
                let plain = text.replace([' ', '"'], "+");
                if plain.is_empty() { "-".to_owned() } else { plain }
            };
            let ip = if chance.percent(5) { "-" } else { ip };
            format!("{date} {clock} {ip} {} {}", bare(user), bare(words))
        }
        Format::DockerJson => {
            format!(
                "{{\"log\":{},\"stream\":\"stdout\",\"time\":\"{}\"}}",
                json(&format!("{words} {ip} {email}\n")),
                stuff.utc()
            )
        }
        _ => match chance.below(8) {
            0 => format!("{{\"at\":{},\"email\":[{}],\"note\":{}}}", json(&time), json(&email), json(words)),
            1 => format!("{{\"at\":{},\"at\":{},\"ip\":{}}}", json(&time), json(&time), json(ip)),
            2 => format!("{{\"email\":null,\"ip\":{},\"note\":{}}}", json(ip), json(words)),
            _ => format!(
                "{{\"at\":{},\"email\":{},\"ip\":{},\"note\":{}}}",
                json(&time),
                json(&email),
                json(ip),
                json(words)
            ),
        },
    }
}

/// A line as entries of a journal are rendered.
fn journal(stuff: &Stuff) -> String {
    format!(
        "{{\"__REALTIME_TIMESTAMP\":\"{}000000\",\"__MONOTONIC_TIMESTAMP\":\"7\",\"_BOOT_ID\":\"{}\",\"MESSAGE\":{}}}",
        stuff.at,
        "a".repeat(32),
        json(&format!("{} from {} {}", stuff.user, stuff.ip, stuff.words))
    )
}

fn utmp(chance: &mut Chance, stuff: &Stuff) -> Vec<u8> {
    let mut bytes = vec![0; 384];
    let mut put = |at: usize, room: usize, text: &[u8]| {
        let text = &text[..text.len().min(room)];
        bytes[at..at + text.len()].copy_from_slice(text);
    };
    put(0, 4, &7u32.to_le_bytes());
    put(4, 4, &4242u32.to_le_bytes());
    put(8, 32, b"pts/0");
    put(40, 4, b"ts/0");
    put(44, 32, stuff.user.as_bytes());
    put(76, 256, stuff.ip.as_bytes());
    put(340, 4, &u32::try_from(stuff.at).unwrap().to_le_bytes());
    put(344, 4, &500u32.to_le_bytes());
    if let (Ok(std::net::IpAddr::V4(four)), true) = (stuff.ip.parse(), chance.percent(60)) {
        put(348, 4, &four.octets());
    }
    bytes
}
