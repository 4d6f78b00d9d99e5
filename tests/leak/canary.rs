//! Canaries: marks that are planted in a tree and looked for in whatever comes out.
//!
//! A canary is looked for as it was planted and in every form that a program could have given it on the way.
//!
//! **Invariant:** one canary, one place; a form that any ordinary output could hold by chance is looked for only where no
//! letter or digit stands beside it.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use chrono::DateTime;
use sha2::{Digest as _, Sha256};

/// A small seeded source of numbers (SplitMix64).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// True in `percent` of a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// What a canary is, which says in which forms it may come out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Letters and digits.
    Text(String),
    /// A time, in seconds since the epoch.
    Time(i64),
    /// An owner or a size.
    Number(u64),
    /// The SHA-256 of something.
    Digest([u8; 32]),
}

/// One mark and where it was planted.
#[derive(Clone, Debug)]
pub struct Canary {
    pub mark: Mark,
    pub planted: String,
}

/// All canaries of a test.
#[derive(Default)]
pub struct Aviary {
    pub canaries: Vec<Canary>,
    seen: BTreeSet<String>,
}

impl Aviary {
    /// A fresh word that stands nowhere else.
    pub fn word(&mut self, random: &mut Random, planted: &str) -> String {
        const LETTERS: &[u8] = b"ghijkmnprstuvwxyz23456789";
        let mut text = String::from("zq");
        for _ in 0..12 {
            text.push(char::from(*random.pick(LETTERS)));
        }
        self.add(Mark::Text(text.clone()), planted);
        text
    }

    /// Adds a mark; one that is there already keeps its first place.
    pub fn add(&mut self, mark: Mark, planted: &str) {
        if !self.seen.insert(format!("{mark:?}")) {
            return;
        }
        self.canaries.push(Canary { mark, planted: planted.to_owned() });
    }

    /// Adds a word as it stands.
    pub fn add_raw(&mut self, text: &str, planted: &str) {
        self.add(Mark::Text(text.to_owned()), planted);
    }

    /// Adds the digest of something.
    pub fn add_digest(&mut self, of: &[u8], planted: &str) {
        self.add(Mark::Digest(Sha256::digest(of).into()), planted);
    }
}

struct Form {
    canary: usize,
    name: &'static str,
    /// Only where no letter or digit stands beside it.
    alone: bool,
}

/// A canary that was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    pub canary: usize,
    pub form: &'static str,
    pub at: usize,
}

/// Looks for all canaries at once.
pub struct Searcher {
    finder: AhoCorasick,
    forms: Vec<Form>,
    pub canaries: Vec<Canary>,
}

impl Searcher {
    pub fn new(canaries: Vec<Canary>) -> Self {
        let mut patterns = Vec::new();
        let mut forms = Vec::new();
        for (index, canary) in canaries.iter().enumerate() {
            for (name, alone, bytes) in forms_of(&canary.mark) {
                patterns.push(bytes);
                forms.push(Form { canary: index, name, alone });
            }
        }
        Self { finder: AhoCorasick::new(&patterns).unwrap(), forms, canaries }
    }

    /// Every canary that stands in these bytes.
    pub fn search(&self, bytes: &[u8]) -> Vec<Hit> {
        self.finder
            .find_overlapping_iter(bytes)
            .filter_map(|found| {
                let form = &self.forms[found.pattern().as_usize()];
                let beside = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphanumeric);
                let crowded = beside(found.start().checked_sub(1)) || beside(Some(found.end()));
                (!form.alone || !crowded).then_some(Hit { canary: form.canary, form: form.name, at: found.start() })
            })
            .collect()
    }

    /// Which canaries stand in these bytes.
    pub fn present(&self, bytes: &[u8]) -> BTreeSet<usize> {
        self.search(bytes).into_iter().map(|hit| hit.canary).collect()
    }

    /// The number of a mark, if it was planted.
    pub fn index_of(&self, mark: &Mark) -> Option<usize> {
        self.canaries.iter().position(|canary| canary.mark == *mark)
    }

    /// How many forms are looked for.
    pub fn form_count(&self) -> usize {
        self.forms.len()
    }
}

/// In which forms a mark may come out: name, whether it must stand alone, bytes.
pub fn forms_of(mark: &Mark) -> Vec<(&'static str, bool, Vec<u8>)> {
    let mut forms: Vec<(&'static str, bool, Vec<u8>)> = Vec::new();
    match mark {
        Mark::Text(text) => {
            let plain = text.as_bytes();
            forms.push(("literal", false, plain.to_vec()));
            forms.push(("literal, upper case", false, plain.to_ascii_uppercase()));
            forms.push(("utf-16le", false, text.encode_utf16().flat_map(u16::to_le_bytes).collect()));
            forms.push(("utf-16be", false, text.encode_utf16().flat_map(u16::to_be_bytes).collect()));
            forms.push(("hex", false, hex(plain).into_bytes()));
            forms.push(("hex, upper case", false, hex(plain).to_ascii_uppercase().into_bytes()));
            for (lead, name) in ["base64 at 0", "base64 at 1", "base64 at 2"].into_iter().enumerate() {
                forms.push((name, false, base64_at(plain, lead)));
            }
            let digest: [u8; 32] = Sha256::digest(plain).into();
            forms.push(("its sha-256", false, hex(&digest).into_bytes()));
        }
        Mark::Time(seconds) => {
            forms.push(("seconds", true, seconds.to_string().into_bytes()));
            forms.push(("seconds, octal", true, format!("{seconds:o}").into_bytes()));
            let time = DateTime::from_timestamp(*seconds, 0).unwrap();
            forms.push(("rfc 3339", false, time.format("%Y-%m-%dT%H:%M:%S").to_string().into_bytes()));
            forms.push(("date and time", false, time.format("%Y-%m-%d %H:%M:%S").to_string().into_bytes()));
        }
        Mark::Number(number) => {
            forms.push(("decimal", true, number.to_string().into_bytes()));
            forms.push(("octal", true, format!("{number:o}").into_bytes()));
            forms.push(("decimal, grouped", true, grouped(*number).into_bytes()));
        }
        Mark::Digest(digest) => {
            forms.push(("sha-256", false, hex(digest).into_bytes()));
            forms.push(("sha-256, upper case", false, hex(digest).to_ascii_uppercase().into_bytes()));
            forms.push(("sha-256, raw", false, digest.to_vec()));
            for (lead, name) in
                ["sha-256, base64 at 0", "sha-256, base64 at 1", "sha-256, base64 at 2"].into_iter().enumerate()
            {
                forms.push((name, false, base64_at(digest, lead)));
            }
        }
    }
    forms
}

/// What stands in the base64 of something that holds `plain` behind `lead` other bytes (modulo 3), whatever those and
/// the bytes behind it are.
pub fn base64_at(plain: &[u8], lead: usize) -> Vec<u8> {
    let mut whole = vec![0_u8; lead];
    whole.extend_from_slice(plain);
    let encoded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&whole).into_bytes();
    let first = (lead * 8).div_ceil(6);
    let end = whole.len() * 8 / 6;
    encoded[first..end].to_vec()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
