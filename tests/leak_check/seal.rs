//! Every sum of a changed package made anew, so that nothing but the plant is odd.

use extract::digest::Digest;

use super::tape::Tape;

/// The changed tar with the sums that its members should have, where the good one's were right. The member in which
/// something was planted stays as it is, and the tail of the tar with it.
pub fn resealed(changed: &Tape, good: &[u8], planted_in: &str) -> Vec<u8> {
    let (mut tape, good) = (changed.clone(), Tape::read(good));
    let mut replace = Vec::new();
    let old = |name: &str| Digest::of(good.get(name)).to_string();
    if tape.has("order.toml") {
        replace.push((old("order.toml"), Digest::of(tape.get("order.toml")).to_string()));
    }
    replace.push((ledger(&good), ledger(&tape)));
    let followers = ["disclosure.json", "report.html", "report.json", "custody.jsonl"];
    let exchange = |tape: &mut Tape, replace: &[(String, String)]| {
        for name in followers {
            if !tape.has(name) {
                continue;
            }
            let mut text = String::from_utf8_lossy(tape.get(name)).into_owned();
            replace.iter().for_each(|(from, to)| text = text.replace(from, to));
            put(tape, name, text);
        }
    };
    exchange(&mut tape, &replace);
    let digests =
        (digest(&good.text("disclosure.json")), digest(&String::from_utf8_lossy(tape.get("disclosure.json"))));
    exchange(&mut tape, &[digests]);
    if planted_in != "manifest-sha256.txt" {
        manifest(&mut tape, "manifest-sha256.txt", true);
    }
    chain(&mut tape, &Digest::of(good.get("manifest-sha256.txt")).to_string());
    if planted_in != "tagmanifest-sha256.txt" {
        manifest(&mut tape, "tagmanifest-sha256.txt", false);
    }
    tape.write()
}

/// Another text for a member, the header of which may have been planted in too.
fn put(tape: &mut Tape, name: &str, text: String) {
    if tape.get(name) != text.as_bytes() {
        let place = tape.place(name);
        assert_eq!(tape.members[place].bytes.len(), text.len(), "{name}: sums are as long as sums");
        tape.members[place].bytes = text.into_bytes();
    }
}

fn ledger(tape: &Tape) -> String {
    let mut all = tape.get("exhibits.jsonl").to_vec();
    tape.names("records/").iter().for_each(|name| all.extend_from_slice(tape.get(name)));
    Digest::of(&all).to_string()
}

/// SHA-256 of `disclosure.json` without its digest.
fn digest(text: &str) -> String {
    let Some(at) = text.rfind(",\"digest\":\"") else { return "no digest".to_owned() };
    let end = (at + ",\"digest\":\"".len() + 65).min(text.len());
    Digest::of(format!("{}{}", &text[..at], &text[end..]).as_bytes()).to_string()
}

/// Each event's `prev`, and the manifest that the last one names.
fn chain(tape: &mut Tape, old_manifest: &str) {
    let manifest = Digest::of(tape.get("manifest-sha256.txt")).to_string();
    let text = String::from_utf8_lossy(tape.get("custody.jsonl")).replace(old_manifest, &manifest);
    let (mut out, mut prev) = (String::new(), Digest::of(tape.get("order.toml")).to_string());
    for line in text.split_inclusive('\n') {
        let line = match line.find("\"prev\":\"") {
            Some(at) if line.len() > at + 72 => format!("{}{prev}{}", &line[..at + 8], &line[at + 72..]),
            _ => line.to_owned(),
        };
        prev = Digest::of(line.as_bytes()).to_string();
        out.push_str(&line);
    }
    put(tape, "custody.jsonl", out);
}

fn manifest(tape: &mut Tape, name: &str, payload: bool) {
    let mut out = String::new();
    for member in tape.names("") {
        if member.starts_with("data/") == payload && member != "tagmanifest-sha256.txt" {
            out.push_str(&format!("{}  {member}\n", Digest::of(tape.get(&member))));
        }
    }
    if tape.get(name) != out.as_bytes() {
        let place = tape.place(name);
        let (old, full) = (tape.members[place].clone(), format!("{}/{name}", tape.top()));
        tape.members[place] = super::tape::Raw::new(&full, out.into_bytes());
        // What was planted in its header or its padding stays.
        if old.bytes.len() == tape.members[place].bytes.len() {
            (tape.members[place].header, tape.members[place].padding) = (old.header, old.padding);
        }
    }
}
