//! Identifiers as records spell them: exact, in other letters, one character away, with every kind of neighbour.

use super::chance::Chance;
use super::generate::Aim;
use super::order::Identifier;
use super::time;

const ODD_STAMPS: [&str; 12] = [
    "31/Feb/2024:10:00:00 +0000",
    "31/Mar/2024:25:00:00 +0000",
    "31/Mar/2024:10:00:60 +0000",
    "31/Mar/2024:10:00:00",
    "31/Mar/2024:10:00:00 0000",
    "31/Mar/2024:10:00:00 +0060",
    "31/mar/2024:10:00:00 +0000",
    "1/Apr/2024:10:00:00 +0000",
    "31/Mar/2024:10:00:00.123 +0000",
    "2024-03-31T10:00:00Z",
    "31/Mar/2024 10:00",
    "-",
];

/// A neighbour of every class: token bytes, bytes of addresses, quotes and brackets, white space, bytes that are no text.
const NEIGHBOURS: [&[u8]; 37] = [
    b"\x80",
    b"\x9f",
    b"\xc3\x85",
    b"x",
    b"A",
    b"7",
    b".",
    b"_",
    b"%",
    b"+",
    b"@",
    b"-",
    b"\xc3\xa9",
    b"\xff",
    b" ",
    b"/",
    b":",
    b";",
    b",",
    b"<",
    b">",
    b"(",
    b")",
    b"=",
    b"?",
    b"&",
    b"'",
    b"\0",
    b"\t",
    b"#",
    b"[",
    b"]",
    b"..",
    b". ",
    b"...",
    b"!",
    b"|",
];

fn flip_case(chance: &mut Chance, text: &str) -> String {
    text.chars().map(|c| if chance.percent(40) { c.to_ascii_uppercase() } else { c }).collect()
}

/// Near to the text by one character or one label.
fn near(chance: &mut Chance, text: &str) -> String {
    let middle = 1 + chance.below(text.len() - 1);
    match chance.below(12) {
        0 => format!("m{text}"),
        1 => format!("{text}x"),
        2 => text[1..].to_owned(),
        3 => text[..text.len() - 1].to_owned(),
        4 => format!("{}.{}", &text[..middle], &text[middle..]),
        5 => text.replacen('@', "+tag@", 1),
        6 => text.replacen('@', "@www.", 1),
        7 => format!("www.{text}"),
        8 => format!("{text}.org"),
        9 => text.replacen('.', "", 1),
        10 => text.replacen('.', "-", 1),
        _ => format!("{}{}", &text[..middle], &text[middle + 1..]),
    }
}

fn word(chance: &mut Chance, text: &str) -> String {
    match chance.below(10) {
        0..=6 => text.to_owned(),
        7 => flip_case(chance, text),
        _ => near(chance, text),
    }
}

/// A domain, a name below it, or an address at it.
fn domain(chance: &mut Chance, text: &str, address: bool) -> String {
    let bare = text.trim_start_matches('.');
    let bare = match chance.below(5) {
        0 => format!("mx.{bare}"),
        1 => word(chance, bare),
        2 => format!("a.b.{bare}"),
        _ => flip_case(chance, bare),
    };
    if address || chance.percent(40) { format!("{}@{bare}", chance.pick(&["carol", "d.e+f", "alice"])) } else { bare }
}

/// An address as logs write it, most often within the identifier.
fn ip(chance: &mut Chance, text: &str) -> String {
    let bare = text.split('/').next().unwrap();
    let bare = bare.strip_prefix("::ffff:").unwrap_or(bare);
    if bare.contains(':') {
        let all = [
            "2001:db8::1",
            "2001:DB8:0:0:0:0:0:1",
            "2001:db8::2",
            "2001:db8::",
            "2001:db8::ff",
            "2001:db8::100",
            "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
            "2001:db8::1:0",
            "2001:db8:::1",
            "2001:0db8::0001",
            "1:2001:db8::1",
        ];
        return (chance.pick(&all)).to_owned();
    }
    let numbers: Vec<u8> = bare.split('.').map(|part| part.parse().unwrap()).collect();
    let last = numbers[3];
    let with = |last: u8| format!("{}.{}.{}.{last}", numbers[0], numbers[1], numbers[2]);
    match chance.below(20) {
        0..=9 => bare.to_owned(),
        10 => format!("::ffff:{bare}"),
        11 => format!("::FFFF:{:02x}{:02x}:{:x}", numbers[0], numbers[1], u16::from(numbers[2]) << 8 | u16::from(last)),
        12 => with(last.wrapping_add(1)),
        13 => with(last.wrapping_sub(1)),
        14 => with(chance.pick(&[0, 1, 3, 4, 63, 64, 65, 66, 127, 128, 255])),
        15 => format!("{bare}1"),
        16 => format!("1{bare}"),
        17 => format!("{}.{}.{}.0{last}", numbers[0], numbers[1], numbers[2]),
        18 => format!("::{bare}"),
        _ => format!("{bare}.5"),
    }
}

fn port(chance: &mut Chance, address: String) -> String {
    let number = chance.pick(&["443", "80", "8080", "444", "65536", "", "0443"]);
    if address.contains(':') { format!("[{address}]:{number}") } else { format!("{address}:{number}") }
}

/// The identifier, exact or near.
pub fn spell(chance: &mut Chance, identifier: &Identifier) -> String {
    match identifier {
        Identifier::Email(text) => word(chance, text),
        Identifier::Domain(text) => domain(chance, text, false),
        Identifier::Ip(text) | Identifier::Cidr(text) => {
            let address = ip(chance, text);
            if chance.percent(25) { port(chance, address) } else { address }
        }
        Identifier::IpPort(text, _) => {
            let address = ip(chance, text);
            if chance.percent(75) { port(chance, address) } else { address }
        }
        Identifier::Account(text) | Identifier::Host(text) | Identifier::MessageId(text) | Identifier::Token(text) => {
            word(chance, text)
        }
    }
}

/// A mail address, of the identifier where it has one.
pub fn address(chance: &mut Chance, identifier: &Identifier) -> String {
    match identifier {
        Identifier::Email(text) => loop {
            let spelt = word(chance, text);
            // It must stay an address: something on both sides of one sign, and no dot at an end.
            let sides: Vec<&str> = spelt.split('@').collect();
            if let [local, domain] = sides[..]
                && [local, domain].iter().all(|side| !side.is_empty() && !side.starts_with('.') && !side.ends_with('.'))
                && !spelt.contains("..")
            {
                return spelt;
            }
        },
        Identifier::Domain(text) => domain(chance, text, true),
        _ => (chance.pick(&["dave@other.example", "erin@elsewhere.example"])).to_owned(),
    }
}

/// The identifier between neighbours of every class.
pub fn surrounded(chance: &mut Chance, identifier: &Identifier) -> Vec<u8> {
    let mut out = Vec::new();
    let spelt = spell(chance, identifier);
    if chance.percent(50) {
        out.extend_from_slice(chance.pick(&NEIGHBOURS));
    } else {
        out.push(b' ');
    }
    out.extend_from_slice(spelt.as_bytes());
    if chance.percent(50) {
        out.extend_from_slice(chance.pick(&NEIGHBOURS));
    } else {
        out.push(b' ');
    }
    out
}

/// One byte of it written as `%40` or `\x40`.
fn escaped(chance: &mut Chance, bytes: &[u8]) -> Vec<u8> {
    let place = chance.below(bytes.len());
    let percent = chance.percent(50);
    let mut out = bytes[..place].to_vec();
    let code = format!("{}{:02X}", if percent { "%" } else { "\\x" }, bytes[place]);
    out.extend_from_slice(code.as_bytes());
    out.extend_from_slice(&bytes[place + 1..]);
    out
}

fn piece(chance: &mut Chance, aim: &Aim) -> Vec<u8> {
    let identifier = aim.identifier(chance);
    let piece = surrounded(chance, &identifier);
    if chance.percent(15) { escaped(chance, &piece) } else { piece }
}

/// Now and then a first and a third field as few servers write them.
fn odd_start(chance: &mut Chance, client: String, user: String) -> (String, String) {
    match chance.below(60) {
        0 => (format!("[{client}]"), user),
        1 => (format!("{client}%eth0"), user),
        2 => (format!("www.shop.example:443 {client}"), user),
        3 => (client, "john doe".to_owned()),
        4 => (format!(" {client}"), user),
        5 => (client.replace(' ', "\t"), format!("{user}\t")),
        6 => (format!("{client},192.0.2.1"), user),
        7 => ("-".to_owned(), user),
        _ => (client, user),
    }
}

/// One line of a web log, without its end.
/// A line of syslog: its stamp without a year (it is 2024), or with one, with a zone or without, or none at all.
pub fn syslog_line(chance: &mut Chance, aim: &Aim, yearless: bool) -> Vec<u8> {
    const ODD: [&str; 6] = [
        "Feb 30 10:00:00",
        "Mar 31 24:00:00",
        "Jun 30 23:59:60",
        "2024-02-30T00:00:00Z",
        "Mrz  1 10:00:00",
        "-- MARK --",
    ];
    let at = aim.moment(chance);
    let minutes = chance.pick(&[0, 60, -300, 345]);
    let stamp = match chance.below(8) {
        0..=6 if yearless => time::write_yearless(at),
        0..=2 => time::write_toml(at),
        3 | 4 => time::write_toml(at),
        5 => format!("{}Z", time::write_toml(at)),
        6 => {
            let offset = time::write_offset(minutes);
            format!("{}{}:{}", time::write_toml(at + minutes * 60), &offset[..3], &offset[3..])
        }
        _ => (chance.pick(&ODD)).to_owned(),
    };
    let mut line = format!("{stamp} host sshd[7]:").into_bytes();
    for _ in 0..1 + chance.below(3) {
        line.extend(piece(chance, aim));
        line.extend_from_slice(chance.pick(&[&b" "[..], b" ", b"#011", b"#12", b"=", b"; "]));
    }
    line
}

pub fn line(chance: &mut Chance, aim: &Aim) -> Vec<u8> {
    if chance.percent(4) {
        let mut prose = b"worker process exited on signal 11".to_vec();
        prose.extend(piece(chance, aim));
        return prose;
    }
    let identifier = aim.identifier(chance);
    let client = match &identifier {
        Identifier::Ip(_) | Identifier::Cidr(_) | Identifier::IpPort(..) => spell(chance, &identifier),
        _ => (chance.pick(&["203.0.113.77", "192.0.2.1", "2001:db8::99", "client.example.net"])).to_owned(),
    };
    let user = match &identifier {
        Identifier::Account(_) | Identifier::Email(_) if chance.percent(60) => spell(chance, &identifier),
        _ => "-".to_owned(),
    };
    let (client, user) = odd_start(chance, client, user);
    let minutes = chance.pick(&[0, 0, 60, -300, 120, 345, -720, 840]);
    let mut stamp = time::write_web_log(aim.moment(chance), minutes);
    if chance.percent(5) {
        stamp = chance.pick(&ODD_STAMPS).to_owned();
    }
    let mut line = format!("{client} - {user} [{stamp}] \"GET /a?q=").into_bytes();
    if chance.percent(60) {
        line.extend(piece(chance, aim));
    }
    line.extend_from_slice(b" HTTP/1.1\" 200 ");
    line.extend_from_slice(chance.pick(&[&b"512"[..], b"512", b"512", b"-", b"-", b"-", b"", b"-1", b"5x"]));
    if chance.percent(70) {
        line.extend_from_slice(b" \"https://");
        if chance.percent(40) {
            line.extend(piece(chance, aim));
        }
        line.extend_from_slice(b"/\" \"Agent ");
        if chance.percent(40) {
            line.extend(piece(chance, aim));
        }
        line.push(b'"');
    }
    if chance.percent(3) {
        line.extend_from_slice(chance.pick(&[&b" 1234"[..], b" \"x\"", b" ", b"\"", b"x"]));
    }
    if chance.percent(6) {
        // Cut, as a full disk leaves it: never within the quotes of the last fields, where readers may differ.
        let end = line.iter().position(|&byte| byte == b'"').unwrap();
        line.truncate(chance.below(end));
    }
    line
}
