//! Messages that lie close to the edges of an order.

use super::chance::Chance;
use super::generate::Aim;
use super::spell;
use super::time;

fn date(chance: &mut Chance, aim: &Aim) -> Option<String> {
    let at = aim.moment(chance);
    let zoned = |minutes: i64, name: &str| Some(format!("{} {name}", time::write_mail(at + minutes * 60)));
    let plain = time::write_mail(chance.pick(&aim.moments));
    match chance.below(21) {
        20 => Some(odd_date(chance, &plain)),
        0 => None,
        1 => Some((chance.pick(&["", "yesterday", "Sun, 31 Feb 2024 10:00:00 +0000", "31 Mar 2024"])).to_owned()),
        2 => zoned(60, chance.pick(&["+-0100", "01800", "+01:00:00", "+01"])),
        3 => zoned(-300, "EST"),
        4 => zoned(0, "GMT"),
        5 => zoned(60, "+0100 (BST)"),
        6..=10 => {
            let wall = if chance.percent(60) { chance.pick(&aim.walls) + chance.pick(&[-1, 0, 1]) } else { at };
            Some(time::write_mail(wall))
        }
        _ => {
            let minutes = chance.pick(&[0, 60, -300, 345]);
            zoned(minutes, &time::write_offset(minutes))
        }
    }
}

/// The date in the shapes that old or careless programs give it.
fn odd_date(chance: &mut Chance, plain: &str) -> String {
    let (weekday, rest) = plain.split_once(", ").unwrap();
    let words: Vec<&str> = rest.split(' ').collect();
    let (day, month, year, time) = (words[0], words[1], words[2], words[3]);
    match chance.below(15) {
        0 => format!("{weekday},\n {rest}\n +0000"),
        1 => format!("{rest} +0000"),
        2 => format!("{weekday}, {day} {month} {} {time} +0000", &year[2..]),
        3 => format!("{} +0000", plain.to_lowercase()),
        4 => format!("{weekday}, {day} {month} {year} {} +0000", &time[..5]),
        5 => format!("{weekday}, {day} {month} {year} 9:00:00 +0000"),
        6 => format!("{weekday}, {day} {month} {year} {}:60 +0000", &time[..5]),
        7 => format!("{weekday}, {day} {month} {year} 24:00:00 +0000"),
        8 => format!("{plain} {}", chance.pick(&["UTC", "Z", "UT", "CET", "A", "BST"])),
        9 => format!("{plain} {}", chance.pick(&["-0000", "+1400", "+2400", "+0060", "+9999"])),
        10 => format!("{plain} +0000\nDate: {plain} +0100"),
        11 => format!("{plain} +0000 x"),
        12 => format!("{}, 0{day} {month} {year} {time} +0000", if weekday == "Sun" { "Mon" } else { "Sun" }),
        13 => format!("{weekday} {rest} +0000"),
        _ => format!("{weekday} (day), {rest} (time) +0000"),
    }
}

/// An address as few programs write it, or as none should.
fn odd_mailbox(chance: &mut Chance, address: &str) -> String {
    let (local, domain) = address.split_once('@').unwrap();
    match chance.below(17) {
        0 => format!("{local}(x)@{domain}"),
        1 => format!("{local} @ {domain}"),
        2 => format!("A <{address}"),
        3 => format!("{address}>"),
        4 => format!("<@relay.example:{address}>"),
        5 => format!("\"a \\\" b\" <{address}>"),
        6 => format!("{address} <zed@other.example>"),
        7 => format!("zed@other.example ({address})"),
        8 => format!("=?utf-8?Q?{local}=40{domain}?= <zed@other.example>"),
        9 => format!("{local}@[192.0.2.1], {address}"),
        10 => format!(",, {address},"),
        11 => format!("zed@other.example; {address}"),
        12 => format!("zed@other.example {address}"),
        13 => format!("A\n\t<{address}>\n (x\n y)"),
        14 => format!("{address}."),
        15 => format!("\"{address}\""),
        _ => format!("Alfr\u{e9}d <{address}>"),
    }
}

fn mailbox(chance: &mut Chance, aim: &Aim) -> String {
    let identifier = aim.identifier(chance);
    let address = spell::address(chance, &identifier);
    if chance.percent(8) {
        return odd_mailbox(chance, &address);
    }
    match chance.below(12) {
        0 | 1 => address,
        2 => format!("\"{address}\" <zed@other.example>"),
        3 => format!("=?utf-8?Q?Al=C3=AFce?= <{address}>"),
        4 => format!("\"Smith, A. (x)\" <{address}>"),
        5 => format!("{address} (a comment)"),
        6 => {
            let (local, domain) = address.split_once('@').unwrap();
            format!("\"{local}\"@{domain}")
        }
        7 => format!("friends: {address}, zed@other.example;"),
        8 => format!("zed@other.example,\n {address}"),
        _ => format!("A Name <{address}>"),
    }
}

/// The text as a transfer encoding hides it.
fn base64(text: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in text.chunks(3) {
        let mut word = 0usize;
        for place in 0..3 {
            word = word << 8 | usize::from(*three.get(place).unwrap_or(&0));
        }
        for place in 0..4 {
            let sextet = word >> (18 - 6 * place) & 63;
            out.push(if place <= three.len() { char::from(ALPHABET[sextet]) } else { '=' });
        }
    }
    out
}

fn lines(text: &str, width: usize) -> String {
    text.as_bytes().chunks(width).map(|line| format!("{}\n", String::from_utf8_lossy(line))).collect()
}

fn quoted_printable(chance: &mut Chance, text: &[u8]) -> String {
    let mut out = String::new();
    for &byte in text {
        if chance.percent(8) {
            out.push_str("=\n");
        }
        if byte == b'=' || byte == b'\t' || !(32..127).contains(&byte) || chance.percent(20) {
            out.push_str(&format!("={byte:02X}"));
        } else {
            out.push(char::from(byte));
        }
    }
    // A space at the end of a line would not survive.
    out.push_str("=2E\n");
    out
}

fn words(chance: &mut Chance, aim: &Aim) -> Vec<u8> {
    let mut text = b"hello".to_vec();
    for _ in 0..chance.below(3) {
        let identifier = aim.identifier(chance);
        text.extend(spell::surrounded(chance, &identifier));
        text.extend_from_slice(b" and");
    }
    text
}

fn header_text(text: &[u8]) -> bool {
    text.iter().all(|byte| (32..127).contains(byte))
}

fn subject(chance: &mut Chance, aim: &Aim) -> String {
    let text = words(chance, aim);
    if !header_text(&text) || chance.percent(40) {
        let middle = chance.below(text.len());
        return match chance.below(3) {
            0 => format!("=?utf-8?B?{}?=", base64(&text)),
            1 => format!("=?utf-8?B?{}?=\n =?utf-8?b?{}?=", base64(&text[..middle]), base64(&text[middle..])),
            _ => {
                let all: String = text.iter().map(|byte| format!("={byte:02X}")).collect();
                format!("=?utf-8?q?{all}?=")
            }
        };
    }
    String::from_utf8(text).unwrap()
}

/// Headers of a body, an empty line, and the body.
fn body(chance: &mut Chance, aim: &Aim, depth: usize) -> Vec<u8> {
    let text = words(chance, aim);
    let mut out = Vec::new();
    match chance.below(if depth < 2 { 12 } else { 9 }) {
        0 | 1 => {
            let name = chance.pick(&["base64", "BASE64"]);
            let head = format!("Content-Type: application/octet-stream\nContent-Transfer-Encoding: {name}\n\n");
            out.extend_from_slice(head.as_bytes());
            let width = 40 + chance.below(37);
            out.extend_from_slice(lines(&base64(&text), width).as_bytes());
        }
        2 | 3 => {
            out.extend_from_slice(
                b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n",
            );
            out.extend_from_slice(quoted_printable(chance, &text).as_bytes());
        }
        4 if chance.percent(40) => {
            out.extend_from_slice(b"Content-Type: text/plain\nContent-Transfer-Encoding: x-uuencode\n\n");
            out.extend_from_slice(b"begin 644 x\n#0V%T\nend\n");
        }
        5 if chance.percent(40) => {
            let wide: Vec<u8> = text.iter().flat_map(|&byte| [byte, 0]).collect();
            out.extend_from_slice(
                b"Content-Type: text/plain; charset=\"utf-16le\"\nContent-Transfer-Encoding: base64\n\n",
            );
            out.extend_from_slice(lines(&base64(&wide), 76).as_bytes());
        }
        9 | 10 => {
            let boundary = format!("b{depth}{}", chance.below(1_000));
            let head = format!("Content-Type: multipart/mixed;\n boundary=\"{boundary}\"\n\npreamble\n");
            out.extend_from_slice(head.as_bytes());
            for _ in 0..1 + chance.below(3) {
                out.extend_from_slice(format!("--{boundary}\n").as_bytes());
                out.extend(body(chance, aim, depth + 1));
                out.push(b'\n');
            }
            out.extend_from_slice(format!("--{boundary}--\n").as_bytes());
        }
        11 => {
            out.extend_from_slice(b"Content-Type: message/rfc822\n\nSubject: ");
            out.extend_from_slice(subject(chance, aim).as_bytes());
            out.extend_from_slice(b"\n");
            out.extend(body(chance, aim, depth + 1));
        }
        _ => {
            out.extend_from_slice(b"Content-Type: text/plain; charset=utf-8\n\n");
            out.extend_from_slice(&text);
            out.push(b'\n');
        }
    }
    out
}

/// One message, its lines ended by LF.
pub fn message(chance: &mut Chance, aim: &Aim) -> Vec<u8> {
    let mut head = String::new();
    if let Some(date) = date(chance, aim) {
        head.push_str(&format!("{}: {date}\n", chance.pick(&["Date", "date", "DATE"])));
    }
    for (name, percent) in [("From", 98), ("To", 90), ("Cc", 30), ("Bcc", 10), ("Sender", 10), ("Reply-To", 15)] {
        if !chance.percent(percent) {
            continue;
        }
        let value = match chance.below(40) {
            0 => "undisclosed-recipients:;".to_owned(),
            1 => "\"no end <zed@other.example".to_owned(),
            2 => "root".to_owned(),
            _ => mailbox(chance, aim),
        };
        head.push_str(&format!("{name}: {value}\n"));
    }
    if chance.percent(80) {
        let id = chance.pick(&[
            "m1@shop.example",
            "M1@shop.example",
            "M.2@shop.example",
            "m12@shop.example",
            "q@other.example",
        ]);
        head.push_str(&format!("Message-ID: <{id}>\n"));
    }
    if chance.percent(70) {
        head.push_str(&format!("Subject: {}\n", subject(chance, aim)));
    }
    head.push_str("MIME-Version: 1.0\n");
    let mut out = head.into_bytes();
    out.extend(body(chance, aim, 0));
    out
}

/// The message with the line ends of the wire.
pub fn with_crlf(message: &[u8]) -> Vec<u8> {
    message.iter().flat_map(|&byte| if byte == b'\n' { b"\r\n".to_vec() } else { vec![byte] }).collect()
}
