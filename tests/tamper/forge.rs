//! What someone does who changes a package and hides it: the changes of a vector, and every sum made anew.

use std::collections::BTreeSet;

use extract::digest::Digest;
use extract::ledger::{Disclosure, ExhibitLine, OrderFacts, RecordLine, Statement, Summary};
use extract::order;
use extract::report::Report;
use extract::scope::ClauseSet;

use super::json;
use super::tape::{Raw, Tape};
use super::vector::{Change, Vector};

/// The sums in the order in which each rests on those before.
const SUMS: [&str; 9] =
    ["records", "exhibits", "counts", "disclosure", "reports", "bag", "manifest", "custody", "tagmanifest"];

/// The good package, changed as the vector says.
pub fn tampered(good: &[u8], vector: &Vector) -> Vec<u8> {
    let mut tape = Tape::read(good);
    assert_eq!(tape.write(), good, "the tar is taken apart without loss");
    for change in vector.changes.iter().filter(|change| !is_raw(change)) {
        apply(&mut tape, change);
    }
    let wanted = |name: &str| vector.sums.iter().any(|sum| sum == name || sum == "all");
    for sum in &vector.sums {
        assert!(sum == "all" || SUMS.contains(&sum.as_str()), "{}: no sum {sum}", vector.name);
    }
    SUMS.into_iter().filter(|name| wanted(name)).for_each(|name| sum(&mut tape, name));
    for change in vector.changes.iter().filter(|change| change.verb.starts_with("tar-")) {
        apply_to_tar(&mut tape, change);
    }
    let mut bytes = tape.write();
    for change in vector.changes.iter().filter(|change| change.verb.starts_with("file-")) {
        apply_to_file(&mut bytes, change);
    }
    assert!(bytes != good, "{}: nothing was changed", vector.name);
    bytes
}

/// Every sum made anew, of a good package: nothing may change, or the vectors would show the forger's mistakes.
pub fn resummed(good: &[u8]) -> Vec<u8> {
    let mut tape = Tape::read(good);
    SUMS.into_iter().for_each(|name| sum(&mut tape, name));
    tape.write()
}

/// Every sum but those of the records made anew.
pub fn resummed_but_records(good: &[u8]) -> Vec<u8> {
    let mut tape = Tape::read(good);
    SUMS.into_iter().filter(|name| *name != "records").for_each(|name| sum(&mut tape, name));
    tape.write()
}

fn is_raw(change: &Change) -> bool {
    change.verb.starts_with("tar-") || change.verb.starts_with("file-")
}

fn lines(tape: &Tape, member: &str) -> Vec<String> {
    tape.text(member).split_inclusive('\n').map(str::to_owned).collect()
}

/// A line by its number from 1, or `LAST`.
fn place_of(lines: &[String], number: &str) -> usize {
    if number == "LAST" { lines.len() - 1 } else { number.parse::<usize>().unwrap() - 1 }
}

fn apply(tape: &mut Tape, change: &Change) {
    let member = change.text(0);
    let edit_line = |tape: &mut Tape, edit: &dyn Fn(&mut String)| {
        let mut all = lines(tape, member);
        let at = place_of(&all, change.text(1));
        edit(&mut all[at]);
        tape.put(member, all.concat().into_bytes());
    };
    match change.verb.as_str() {
        "replace" => {
            let (old, new) = (change.text(1).as_bytes(), change.text(2).as_bytes());
            let bytes = tape.get(member);
            let at = bytes.windows(old.len()).position(|window| window == old);
            let at = at.unwrap_or_else(|| panic!("{member} does not hold {}", change.text(1)));
            let changed = [&bytes[..at], new, &bytes[at + old.len()..]].concat();
            tape.put(member, changed);
        }
        "append" => tape.put(member, [tape.get(member), change.text(1).as_bytes()].concat()),
        "prepend" => tape.put(member, [change.text(1).as_bytes(), tape.get(member)].concat()),
        "append-byte" => {
            let byte = u8::from_str_radix(change.text(1), 16).unwrap();
            tape.put(member, [tape.get(member), &[byte]].concat());
        }
        "put" => tape.put(member, change.text(1).into()),
        "put-lists" => tape.put(member, format!("a = {}", "[".repeat(change.number(1))).into_bytes()),
        "cut-front" => tape.put(member, tape.get(member)[change.number(1)..].to_vec()),
        "upper-case" => edit_line(tape, &|line| {
            let (digest, rest) = line.split_at(64);
            *line = digest.to_uppercase() + rest;
        }),
        "repeat" => tape.put(member, change.text(1).repeat(change.number(2)).into()),
        "remove" => {
            let place = tape.place(member);
            tape.members.remove(place);
        }
        "insert" => insert(tape, member, change.text(1), change.text(2)),
        "set" => edit_line(tape, &|line| json::set(line, change.text(2), change.text(3))),
        "unset" => edit_line(tape, &|line| json::remove(line, change.text(2))),
        "drop-line" | "double-line" | "swap-lines" => {
            let mut all = lines(tape, member);
            let at = place_of(&all, change.text(1));
            match change.verb.as_str() {
                "drop-line" => drop(all.remove(at)),
                "double-line" => all.insert(at, all[at].clone()),
                _ => all.swap(at, change.number(2) - 1),
            }
            tape.put(member, all.concat().into_bytes());
        }
        "drop-exhibit" => drop_exhibit(tape, change.number(0)),
        "swap-exhibits" => swap_exhibits(tape, change.number(0), change.number(1)),
        "drop-record" => drop_record(tape, change.number(0), change.number(1)),
        "add-record" => add_record(tape, change),
        verb => panic!("no change {verb}"),
    }
}

/// A new member behind another one.
fn insert(tape: &mut Tape, name: &str, text: &str, behind: &str) {
    let full = format!("{}/{name}", tape.top());
    let place = tape.place(behind);
    tape.members.insert(place + 1, Raw::new(&full, text.into()));
}

fn data_of(tape: &Tape, number: usize) -> String {
    tape.names(&format!("data/{number:06}.")).remove(0)
}

fn records_of(number: usize) -> String {
    format!("records/{number:06}.jsonl")
}

/// Takes an exhibit out as if it had never been: the later ones move up.
fn drop_exhibit(tape: &mut Tape, number: usize) {
    for name in [data_of(tape, number), records_of(number)] {
        if tape.has(&name) {
            let place = tape.place(&name);
            tape.members.remove(place);
        }
    }
    let mut all = lines(tape, "exhibits.jsonl");
    all.remove(number - 1);
    for (line, new) in all.iter_mut().zip(1..).skip(number - 1) {
        let old = new + 1;
        let (from, to) = (data_of(tape, old), data_of(tape, old).replace(&format!("{old:06}"), &format!("{new:06}")));
        rename(tape, &from, &to);
        if tape.has(&records_of(old)) {
            rename(tape, &records_of(old), &records_of(new));
        }
        json::set(line, "exhibit", &new.to_string());
        json::set_string(line, "file", &to);
    }
    tape.put("exhibits.jsonl", all.concat().into_bytes());
}

fn rename(tape: &mut Tape, from: &str, to: &str) {
    let place = tape.place(from);
    let bytes = tape.members[place].bytes.clone();
    tape.members[place] = Raw::new(&format!("{}/{to}", tape.top()), bytes);
}

/// Exchanges two exhibits without records that have the same extension, with their lines.
fn swap_exhibits(tape: &mut Tape, one: usize, two: usize) {
    let (first, second) = (data_of(tape, one), data_of(tape, two));
    let (a, b) = (tape.get(&first).to_vec(), tape.get(&second).to_vec());
    tape.put(&first, b);
    tape.put(&second, a);
    let mut all = lines(tape, "exhibits.jsonl");
    all.swap(one - 1, two - 1);
    for (number, file) in [(one, &first), (two, &second)] {
        json::set(&mut all[number - 1], "exhibit", &number.to_string());
        json::set_string(&mut all[number - 1], "file", file);
    }
    tape.put("exhibits.jsonl", all.concat().into_bytes());
}

fn drop_record(tape: &mut Tape, exhibit: usize, record: usize) {
    let data = data_of(tape, exhibit);
    for name in [data, records_of(exhibit)] {
        let mut all = lines(tape, &name);
        all.remove(record - 1);
        tape.put(&name, all.concat().into_bytes());
    }
}

/// `add-record: EXHIBIT LINE CLAUSES TIME`, at the end.
fn add_record(tape: &mut Tape, change: &Change) {
    let (data, records) = (data_of(tape, change.number(0)), records_of(change.number(0)));
    let text = change.text(1);
    tape.put(&data, [tape.get(&data), text.as_bytes()].concat());
    let line = format!(
        "{{\"n\":0,\"length\":0,\"sha256\":\"\",\"time\":{},\"clauses\":{}}}\n",
        change.text(3),
        change.text(2)
    );
    tape.put(&records, [tape.get(&records), line.as_bytes()].concat());
}

fn sum(tape: &mut Tape, name: &str) {
    match name {
        "records" => records(tape),
        "exhibits" => exhibits(tape),
        "counts" => counts(tape),
        "disclosure" => disclosure(tape),
        "reports" => reports(tape),
        "bag" => bag(tape),
        "manifest" => manifest(tape, "manifest-sha256.txt", true),
        "custody" => custody(tape),
        _ => manifest(tape, "tagmanifest-sha256.txt", false),
    }
}

fn sha256(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string()
}

fn records(tape: &mut Tape) {
    for name in tape.names("records/") {
        let exhibit = tape.names(&name.replace("records/", "data/").replace(".jsonl", ".")).concat();
        let data = tape.get(&exhibit).to_vec();
        let pieces: Vec<&[u8]> = data.split_inclusive(|byte| *byte == b'\n').collect();
        let mut all = lines(tape, &name);
        assert_eq!(all.len(), pieces.len(), "{name}");
        for ((line, piece), n) in all.iter_mut().zip(pieces).zip(1..) {
            json::set(line, "n", &n.to_string());
            json::set(line, "length", &piece.len().to_string());
            json::set_string(line, "sha256", &sha256(piece));
        }
        tape.put(&name, all.concat().into_bytes());
    }
}

fn exhibits(tape: &mut Tape) {
    let mut all = lines(tape, "exhibits.jsonl");
    for (line, number) in all.iter_mut().zip(1..) {
        let file = json::string(line, "file");
        if !tape.has(&file) {
            continue;
        }
        let bytes = tape.get(&file);
        json::set_string(line, "sha256", &sha256(bytes));
        json::set(line, "bytes", &bytes.len().to_string());
        if tape.has(&records_of(number)) {
            json::set(line, "records", &lines(tape, &records_of(number)).len().to_string());
        }
    }
    tape.put("exhibits.jsonl", all.concat().into_bytes());
}

/// Counts of every clause and in all, from the ledger; an outcome changes only between produced and nothing held.
fn counts(tape: &mut Tape) {
    let mut statement = tape.text("disclosure.json");
    let ids: Vec<String> = (0..)
        .map_while(|at| json::get(&statement, &format!("clauses.{at}.id")).map(|id| serde_json::from_str(id).unwrap()))
        .collect();
    let mut rows = vec![[0u64; 2]; ids.len() + 1];
    let mut streams = vec![BTreeSet::new(); ids.len() + 1];
    let mut add = |named: &[String], items: u64, bytes: u64, stream: &str| {
        let places = ids.iter().enumerate().filter(|(_, id)| named.contains(id)).map(|(at, _)| at);
        for at in places.chain([ids.len()]) {
            rows[at][0] += items;
            rows[at][1] += bytes;
            streams[at].insert(stream.to_owned());
        }
    };
    for (line, number) in lines(tape, "exhibits.jsonl").iter().zip(1..) {
        let line: ExhibitLine = serde_json::from_str(line).unwrap();
        let stream = format!("{}{:?}{}", line.source, line.volume, line.path);
        if tape.has(&records_of(number)) {
            for record in lines(tape, &records_of(number)) {
                let record: RecordLine = serde_json::from_str(&record).unwrap();
                add(&record.clauses, 1, record.length, &stream);
            }
        } else {
            add(&line.clauses, line.records.unwrap_or(0), line.bytes, &stream);
        }
    }
    for (at, [items, bytes]) in rows.into_iter().enumerate() {
        let base = if at == ids.len() { "totals".to_owned() } else { format!("clauses.{at}") };
        let files = streams[at].len();
        for (key, value) in [("files", files as u64), ("records", items), ("bytes", bytes)] {
            json::set(&mut statement, &format!("{base}.{key}"), &value.to_string());
        }
        let outcome = json::get(&statement, &format!("{base}.outcome")).map(str::to_owned);
        match outcome.as_deref() {
            Some("\"produced\"") if files == 0 => {
                json::set_string(&mut statement, &format!("{base}.outcome"), "nothing-held");
            }
            Some(_) if files > 0 => json::set_string(&mut statement, &format!("{base}.outcome"), "produced"),
            _ => {}
        }
    }
    tape.put("disclosure.json", statement.into_bytes());
}

fn disclosure(tape: &mut Tape) {
    let mut ledger = tape.get("exhibits.jsonl").to_vec();
    tape.names("records/").iter().for_each(|name| ledger.extend_from_slice(tape.get(name)));
    let mut statement = tape.text("disclosure.json");
    json::set_string(&mut statement, "order_sha256", &sha256(tape.get("order.toml")));
    json::set_string(&mut statement, "ledger_sha256", &sha256(&ledger));
    if json::get(&statement, "digest").is_some() {
        let mut bare = statement.clone();
        json::remove(&mut bare, "digest");
        json::set_string(&mut statement, "digest", &sha256(bare.as_bytes()));
    }
    tape.put("disclosure.json", statement.into_bytes());
}

/// The reports that our own code makes of the changed ledger.
fn reports(tape: &mut Tape) {
    let text = tape.get("order.toml").to_vec();
    let text = order::ManifestText { name: "order.toml", bytes: &text };
    let (order, _) = order::read_alone(text).expect("a vector that breaks the order cannot ask for reports");
    let set = |named: &[String]| -> ClauseSet {
        order.clauses.iter().enumerate().filter(|(_, clause)| named.contains(&clause.id)).map(|(at, _)| at).collect()
    };
    let statement: Statement = serde_json::from_str(&tape.text("disclosure.json")).unwrap();
    let mut summary = Summary::default();
    for (line, number) in lines(tape, "exhibits.jsonl").iter().zip(1..) {
        let line: ExhibitLine = serde_json::from_str(line).unwrap();
        summary.exhibit(&line, set(&line.clauses));
        if tape.has(&records_of(number)) {
            for record in lines(tape, &records_of(number)) {
                let record: RecordLine = serde_json::from_str(&record).unwrap();
                summary.record(set(&record.clauses), record.time);
            }
        }
    }
    let disclosure = Disclosure { order: OrderFacts::of(&order), statement, summary };
    let report = Report::of(&disclosure);
    tape.put("report.html", report.html().into_bytes());
    tape.put("report.json", report.json().unwrap());
}

fn bag(tape: &mut Tape) {
    let names = tape.names("data/");
    let octets: usize = names.iter().map(|name| tape.get(name).len()).sum();
    let text = tape.text("bag-info.txt");
    let (head, _) = text.split_once("Payload-Oxum: ").unwrap();
    tape.put("bag-info.txt", format!("{head}Payload-Oxum: {octets}.{}\n", names.len()).into_bytes());
}

fn manifest(tape: &mut Tape, name: &str, payload: bool) {
    let names = tape.names("").into_iter().filter(|member| member.starts_with("data/") == payload);
    let listed = names.filter(|member| member != "tagmanifest-sha256.txt");
    let text: String = listed.map(|member| format!("{}  {member}\n", sha256(tape.get(&member)))).collect();
    tape.put(name, text.into_bytes());
}

fn custody(tape: &mut Tape) {
    let mut all = lines(tape, "custody.jsonl");
    let mut prev = sha256(tape.get("order.toml"));
    for (line, seq) in all.iter_mut().zip(1..) {
        json::set(line, "seq", &seq.to_string());
        json::set_string(line, "prev", &prev);
        if json::get(line, "digest").is_some() {
            let statement = tape.text("disclosure.json");
            json::set(line, "digest", json::get(&statement, "digest").unwrap_or("null"));
            json::set_string(line, "manifest_sha256", &sha256(tape.get("manifest-sha256.txt")));
        }
        prev = sha256(line.as_bytes());
    }
    tape.put("custody.jsonl", all.concat().into_bytes());
}

fn apply_to_tar(tape: &mut Tape, change: &Change) {
    let place = tape.place(change.text(0));
    let top = tape.top();
    match change.verb.as_str() {
        "tar-header" => tape.members[place].overwrite(change.number(1), change.text(2).as_bytes()),
        "tar-bytes" => tape.members[place].overwrite(change.number(1), &from_hex(change.text(2))),
        "tar-raw" => {
            let (at, bytes) = (change.number(1), from_hex(change.text(2)));
            tape.members[place].header[at..at + bytes.len()].copy_from_slice(&bytes);
        }
        "tar-checksum" => tape.members[place].header[148] ^= 1,
        "tar-link" => {
            let link = Raw::new(&format!("{top}/{}", change.text(0)), Vec::new());
            tape.members[place] = link;
            tape.members[place].overwrite(156, change.text(1).as_bytes());
            tape.members[place].overwrite(157, change.text(2).as_bytes());
        }
        "tar-pad" => {
            let (text, padding) = (change.text(1).as_bytes(), &mut tape.members[place].padding);
            padding[..text.len()].copy_from_slice(text);
        }
        "tar-copies" => {
            let copies = vec![tape.members[place].clone(); change.number(1)];
            tape.members.splice(place..place, copies);
        }
        "tar-numbers" => {
            let numbers = (1..=change.number(1)).flat_map(|number| {
                let names = change.arguments[2..].iter();
                names.map(move |extension| format!("data/{number:06}.{extension}"))
            });
            let members: Vec<Raw> = numbers.map(|name| Raw::new(&format!("{top}/{name}"), Vec::new())).collect();
            tape.members.splice(place + 1..place + 1, members);
        }
        "tar-zeros" => {
            let zeros = vec![0; 512 * change.number(1)];
            tape.members.insert(place, Raw { header: zeros, bytes: Vec::new(), padding: Vec::new() });
        }
        "tar-double" => tape.members.insert(place, tape.members[place].clone()),
        "tar-swap" => {
            let other = tape.place(change.text(1));
            tape.members.swap(place, other);
        }
        "tar-name" => {
            let bytes = tape.members[place].bytes.clone();
            tape.members[place] = Raw::new(change.text(1), bytes);
        }
        "tar-insert" => tape.members.insert(place + 1, Raw::new(change.text(1), change.text(2).into())),
        "tar-pax" => {
            let body = format!(" {}={}\n", change.text(1), change.text(2));
            let length = (body.len() + 2).to_string().len() + body.len();
            let record = format!("{length}{body}");
            let mut pax = Raw::new(&format!("{top}/PaxHeaders/x"), record.into_bytes());
            pax.overwrite(156, change.text(3).as_bytes());
            tape.members.insert(place, pax);
        }
        verb => panic!("no change {verb}"),
    }
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn apply_to_file(bytes: &mut Vec<u8>, change: &Change) {
    match change.verb.as_str() {
        "file-append" => bytes.extend_from_slice(change.text(0).as_bytes()),
        "file-zeros" => bytes.resize(bytes.len() + change.number(0), 0),
        "file-double" => *bytes = bytes.repeat(change.number(0)),
        "file-front" => drop(bytes.splice(..0, vec![0; change.number(0)])),
        "file-cut" => bytes.truncate(bytes.len() - change.number(0)),
        "file-keep" => bytes.truncate(change.number(0)),
        "file-overwrite-end" => {
            let (text, at) = (change.text(0).as_bytes(), bytes.len() - 512);
            bytes[at..at + text.len()].copy_from_slice(text);
        }
        "file-gzip" => {
            use std::io::Write as _;
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            *bytes = encoder.finish().unwrap();
        }
        verb => panic!("no change {verb}"),
    }
}
