//! Where something may be planted: every part of a package that is not an exhibit.

use super::tape::{Raw, Tape};

/// Numbers from zero to below that.
pub type Chance<'c> = &'c mut dyn FnMut(usize) -> usize;

/// A place, and how something gets there.
pub struct Place {
    pub name: &'static str,
    /// A plant that is called so can stand there.
    pub fits: fn(&str) -> bool,
    /// Plants it. The member in which it stands then, `*` for any; none: this package has no such place.
    pub plant: fn(&mut Tape, &str, Chance<'_>) -> Option<String>,
}

const fn any(_: &str) -> bool {
    true
}

/// Only a name of the machine does not belong there.
fn of_this_machine(what: &str) -> bool {
    ["this host", "this host's full name", "the login", "the provider's file", "a temp name"].contains(&what)
}

fn is_source(what: &str) -> bool {
    what == "a source's place"
}

const fn place(name: &'static str, plant: fn(&mut Tape, &str, Chance<'_>) -> Option<String>) -> Place {
    Place { name, fits: any, plant }
}

pub const PLACES: &[Place] = &[
    place("the owner's name in a header", |tape, token, chance| header(tape, 265, 31, token, chance)),
    place("the group's name in a header", |tape, token, chance| header(tape, 297, 31, token, chance)),
    place("the target of a link in a header", |tape, token, chance| header(tape, 157, 99, token, chance)),
    place("the prefix in a header", |tape, token, chance| header(tape, 345, 154, token, chance)),
    place("the end of a header", |tape, token, chance| header(tape, 500, 12, token, chance)),
    place("behind the name in a header", |tape, token, chance| header(tape, 60, 40, token, chance)),
    place("a time in a header", |tape, _, chance| number(tape, 136, chance)),
    place("an owner's number in a header", |tape, _, chance| number(tape, 108, chance)),
    place("a group's number in a header", |tape, _, chance| number(tape, 116, chance)),
    place("a mode in a header", |tape, _, chance| number(tape, 100, chance)),
    place("a device in a header", |tape, _, chance| number(tape, 329, chance)),
    place("a kind in a header", |tape, _, chance| {
        let at = chance(tape.members.len());
        tape.members[at].overwrite(156, b"7");
        Some(name_of(tape, at))
    }),
    place("a comment in a pax header", |tape, token, chance| pax(tape, b'x', "comment", token, chance)),
    place("a name in a pax header", |tape, token, chance| pax(tape, b'x', "uname", token, chance)),
    place("a comment in a global header", |tape, token, chance| pax(tape, b'g', "comment", token, chance)),
    place("padding", |tape, token, chance| {
        let padded: Vec<usize> =
            (0..tape.members.len()).filter(|&at| tape.members[at].padding.len() > token.len()).collect();
        let at = padded[chance(padded.len())];
        let padding = &mut tape.members[at].padding;
        let from = chance(padding.len() - token.len());
        padding[from..from + token.len()].copy_from_slice(token.as_bytes());
        Some(name_of(tape, at))
    }),
    place("the two blocks of the end", |tape, token, chance| {
        let from = chance(tape.end.len() - token.len());
        tape.end[from..from + token.len()].copy_from_slice(token.as_bytes());
        Some("*".to_owned())
    }),
    place("behind the end", |tape, token, chance| {
        tape.end.extend(std::iter::repeat_n(0, chance(3) * 512));
        tape.end.extend_from_slice(token.as_bytes());
        Some("tagmanifest-sha256.txt".to_owned())
    }),
    place("a member of another name", |tape, token, chance| {
        let at = chance(tape.members.len() - 1) + 1;
        let name = format!("{}/{}", tape.top(), token.replace(['/', ':'], "_"));
        tape.members.insert(at, Raw::new(&name, b"x\n".to_vec()));
        Some("*".to_owned())
    }),
    place("an exhibit without a line of the ledger", |tape, token, _| {
        let last = tape.names("data/").into_iter().next_back().filter(|last| last != "data/000000.txt")?;
        let name = format!("{}/data/{:06}.bin", tape.top(), last[5..11].parse::<u32>().unwrap() + 1);
        let at = tape.place(&last) + 1;
        tape.members.insert(at, Raw::new(&name, token.as_bytes().to_vec()));
        Some("exhibits.jsonl".to_owned())
    }),
    place("bagit.txt", |tape, token, chance| words(tape, "bagit.txt", token, chance)),
    place("README.txt", |tape, token, chance| words(tape, "README.txt", token, chance)),
    place("a comment in order.toml", |tape, token, _| {
        let text = format!("{}# {token}\n", tape.text("order.toml"));
        put(tape, "order.toml", text)
    }),
    place("nothing disclosed", |tape, token, _| {
        tape.has("data/000000.txt").then_some(())?;
        put(tape, "data/000000.txt", format!("nothing disclosed under this order, not even to {token}\n"))
    }),
    place("a key of the ledger", |tape, token, chance| {
        line(tape, "exhibits.jsonl", chance, |line| line.replacen("{", &format!("{{\"{token}\":1,"), 1))
    }),
    place("the source in the ledger", |tape, token, chance| value(tape, "exhibits.jsonl", "source", token, chance)),
    place("the file system in the ledger", |tape, token, chance| {
        null(tape, "exhibits.jsonl", "filesystem", token, chance)
    }),
    place("the volume in the ledger", |tape, token, chance| null(tape, "exhibits.jsonl", "volume", token, chance)),
    place("the file in the ledger", |tape, token, chance| value(tape, "exhibits.jsonl", "file", token, chance)),
    place("a clause in the ledger", |tape, token, chance| {
        line(tape, "exhibits.jsonl", chance, |line| {
            line.replacen("\"clauses\":[", &format!("\"clauses\":[\"{token}\","), 1)
        })
    }),
    place("a path that no clause asks for", |tape, token, chance| {
        // Some clause asks for every path there is: then every path has leave.
        (!asks_for_all(tape)).then_some(())?;
        value(tape, "exhibits.jsonl", "path", &format!("/{token}").replace("//", "/"), chance)
    }),
    place("an exact path beside its text", |tape, token, chance| {
        use base64::Engine as _;
        let path = base64::engine::general_purpose::STANDARD.encode(format!("/{token}"));
        let from = "\"path_base64\":";
        let at = tape.names("exhibits.jsonl").pop()?;
        tape.text(&at).contains(from).then_some(())?;
        let lines: Vec<String> = tape.text(&at).split_inclusive('\n').map(|l| set(l, "path_base64", &path)).collect();
        let _ = chance(2);
        put(tape, "exhibits.jsonl", lines.concat())
    }),
    Place {
        name: "the place of a source before a path",
        fits: is_source,
        plant: |tape, token, chance| {
            asks_for_all(tape).then(|| value(tape, "exhibits.jsonl", "path", token, chance))?
        },
    },
    place("white space of the ledger", |tape, token, chance| {
        line(tape, "exhibits.jsonl", chance, |line| line.replace("}\n", &format!("}} {token}\n")))
    }),
    place("a key of a record", |tape, token, chance| {
        let name = one_of(tape, "records/", chance)?;
        line(tape, &name, chance, |line| line.replace("}\n", &format!(",\"note\":\"{token}\"}}\n")))
    }),
    place("a clause of a record", |tape, token, chance| {
        let name = one_of(tape, "records/", chance)?;
        line(tape, &name, chance, |line| line.replacen("\"clauses\":[", &format!("\"clauses\":[\"{token}\","), 1))
    }),
    place("the time of a record", |tape, token, chance| {
        let name = one_of(tape, "records/", chance)?;
        line(tape, &name, chance, |line| {
            let at = line.find(",\"time\":").unwrap() + 8;
            let end = at + line[at..].find(",\"clauses\"").unwrap();
            format!("{}\"{token}\"{}", &line[..at], &line[end..])
        })
    }),
    place("the sum of a record", |tape, token, chance| {
        let name = one_of(tape, "records/", chance)?;
        value(tape, &name, "sha256", token, chance)
    }),
    place("a line of records/ more", |tape, token, chance| {
        let name = one_of(tape, "records/", chance)?;
        let text = format!("{}{token}\n", tape.text(&name));
        put(tape, &name, text)
    }),
    place("a key of disclosure.json", |tape, token, chance| {
        line(tape, "disclosure.json", chance, |line| line.replacen("{", &format!("{{\"{token}\":1,"), 1))
    }),
    place("the kind of a source", |tape, token, chance| value(tape, "disclosure.json", "kind", token, chance)),
    place("a journal of a source", |tape, token, chance| {
        line(tape, "disclosure.json", chance, |line| {
            let planted = format!("\"journal\":[{{\"volume\":\"{token}\",\"state\":\"clean\"}}");
            line.replacen("\"journal\":[", &planted, 1)
        })
    }),
    place("a shortfall", |tape, token, chance| {
        line(tape, "disclosure.json", chance, |line| {
            let planted = format!("\"shortfalls\":[{{\"clause\":\"{token}\",\"kind\":\"no-such-path\",\"count\":1}},");
            line.replacen("\"shortfalls\":[", &planted, 1).replace("},]", "}]")
        })
    }),
    place("text of report.html", |tape, token, chance| html(tape, &format!("<p>{token}</p>"), chance)),
    place("escaped text of report.html", |tape, token, chance| {
        let escaped: String = token.chars().map(|sign| format!("&#{};", u32::from(sign))).collect();
        html(tape, &format!("<p>{escaped}</p>"), chance)
    }),
    place("an attribute of report.html", |tape, token, chance| {
        html(tape, &format!("<p title=\"{token}\"></p>"), chance)
    }),
    place("a comment of report.html", |tape, token, chance| html(tape, &format!("<!-- {token} -->"), chance)),
    place("the style of report.html", |tape, token, _| {
        let text = tape.text("report.html").replacen("</style>", &format!("/* {token} */</style>"), 1);
        put(tape, "report.html", text)
    }),
    place("a value of report.json", |tape, token, chance| value(tape, "report.json", "unit", token, chance)),
    place("an escaped value of report.json", |tape, token, chance| {
        let escaped: String = token.chars().map(|sign| format!("\\u{:04x}", u32::from(sign))).collect();
        value(tape, "report.json", "authority", &escaped, chance)
    }),
    place("an event", |tape, token, chance| {
        line(tape, "custody.jsonl", chance, |line| set(&line, "event", &format!("source {token} opened read-only")))
    }),
    place("a key of an event", |tape, token, chance| {
        line(tape, "custody.jsonl", chance, |line| line.replace("}\n", &format!(",\"host\":\"{token}\"}}\n")))
    }),
    Place {
        name: "the custodian",
        fits: of_this_machine,
        plant: |tape, token, _| {
            let text = tape.text("custody.jsonl").replacen("Duty officer 7", &format!("Officer 7, {token}"), 1);
            put(tape, "custody.jsonl", text)
        },
    },
    place("the agent of bag-info.txt", |tape, token, _| {
        let text = tape.text("bag-info.txt").replacen("extract ", &format!("extract-{token} "), 1);
        put(tape, "bag-info.txt", text)
    }),
    place("a line of bag-info.txt more", |tape, token, _| {
        let text = format!("{}Contact-Email: {token}\n", tape.text("bag-info.txt"));
        put(tape, "bag-info.txt", text)
    }),
    place("a line of manifest-sha256.txt", |tape, token, chance| manifest(tape, "manifest-sha256.txt", token, chance)),
    place("a line of tagmanifest-sha256.txt", |tape, token, chance| {
        manifest(tape, "tagmanifest-sha256.txt", token, chance)
    }),
];

fn asks_for_all(tape: &Tape) -> bool {
    tape.text("order.toml").contains("paths = [\"/**\"]")
}

fn name_of(tape: &Tape, at: usize) -> String {
    let name = tape.members[at].name();
    name[tape.top().len() + 1..].to_owned()
}

/// The token, as far as there is room, in a field of some header; its checksum is made anew.
fn header(tape: &mut Tape, at: usize, room: usize, token: &str, chance: Chance<'_>) -> Option<String> {
    let place = chance(tape.members.len());
    let name = name_of(tape, place);
    tape.members[place].overwrite(at, &token.as_bytes()[..token.len().min(room)]);
    // A prefix makes another name of it, for a reader that heeds prefixes.
    Some(name)
}

/// A digit of a number of some header; its checksum is made anew.
fn number(tape: &mut Tape, at: usize, chance: Chance<'_>) -> Option<String> {
    let place = chance(tape.members.len());
    let digit = [b'1' + chance(7) as u8];
    let name = name_of(tape, place);
    tape.members[place].overwrite(at + chance(6), &digit);
    if tape.members[place].header[at..at + 7] == *b"0000644" {
        tape.members[place].overwrite(at, b"0000755");
    }
    Some(name)
}

/// An extended header before some member, with one record.
fn pax(tape: &mut Tape, kind: u8, key: &str, token: &str, chance: Chance<'_>) -> Option<String> {
    let body = format!(" {key}={token}\n");
    let length = (body.len() + 2).to_string();
    let at = chance(tape.members.len());
    let mut raw = Raw::new(&format!("{}/PaxHeaders/{}", tape.top(), "x"), format!("{length}{body}").into_bytes());
    raw.overwrite(156, &[kind]);
    tape.members.insert(at, raw);
    Some("*".to_owned())
}

fn put(tape: &mut Tape, name: &str, text: String) -> Option<String> {
    if tape.get(name) == text.as_bytes() {
        return None;
    }
    tape.put(name, text.into_bytes());
    Some(name.to_owned())
}

fn one_of(tape: &Tape, prefix: &str, chance: Chance<'_>) -> Option<String> {
    let names = tape.names(prefix);
    if names.is_empty() { None } else { Some(names[chance(names.len())].clone()) }
}

/// Changes one line of a member.
fn line(tape: &mut Tape, name: &str, chance: Chance<'_>, change: impl Fn(String) -> String) -> Option<String> {
    let mut lines: Vec<String> = tape.text(name).split_inclusive('\n').map(str::to_owned).collect();
    if lines.is_empty() {
        return None;
    }
    let at = chance(lines.len());
    lines[at] = change(lines[at].clone());
    put(tape, name, lines.concat())
}

/// The line with another text for a key.
pub fn set(line: &str, key: &str, text: &str) -> String {
    let from = format!("\"{key}\":\"");
    let Some(at) = line.find(&from) else { return line.to_owned() };
    let start = at + from.len();
    let mut end = start;
    while line.as_bytes()[end] != b'"' {
        end += 1 + usize::from(line.as_bytes()[end] == b'\\');
    }
    format!("{}{text}{}", &line[..start], &line[end..])
}

fn value(tape: &mut Tape, name: &str, key: &str, token: &str, chance: Chance<'_>) -> Option<String> {
    line(tape, name, chance, |line| set(&line, key, token))
}

fn null(tape: &mut Tape, name: &str, key: &str, token: &str, chance: Chance<'_>) -> Option<String> {
    let from = format!("\"{key}\":null");
    line(tape, name, chance, |line| line.replacen(&from, &format!("\"{key}\":\"{token}\""), 1))
}

/// Between two words.
fn words(tape: &mut Tape, name: &str, token: &str, chance: Chance<'_>) -> Option<String> {
    let text = tape.text(name);
    let gaps: Vec<usize> = text.match_indices(' ').map(|(at, _)| at).collect();
    let (before, behind) = text.split_at(gaps[chance(gaps.len())]);
    put(tape, name, format!("{before} {token}{behind}"))
}

/// Between two elements.
fn html(tape: &mut Tape, text: &str, chance: Chance<'_>) -> Option<String> {
    let page = tape.text("report.html");
    let gaps: Vec<usize> = page.match_indices(">\n<").map(|(at, _)| at + 1).collect();
    let (before, behind) = page.split_at(gaps[chance(gaps.len())]);
    put(tape, "report.html", format!("{before}{text}{behind}"))
}

fn manifest(tape: &mut Tape, name: &str, token: &str, chance: Chance<'_>) -> Option<String> {
    match chance(3) {
        0 => {
            let text = format!("{}{}  {token}\n", tape.text(name), "0".repeat(64));
            put(tape, name, text)
        }
        1 => line(tape, name, chance, |line| line.replace('\n', &format!(" # {token}\n"))),
        // In the place of a sum; what has the form of a sum is for `verify` to hold against the bytes.
        _ => line(tape, name, chance, |line| format!("{token}{}", &line[64..])),
    }
}
