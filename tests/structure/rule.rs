//! The rules of the architecture, each as a function from a file to what offends in it.
//!
//! **Invariant:** every rule has a planted text that offends it and one that does not.

use super::source::Source;

/// One place that offends a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offence {
    pub file: String,
    /// From 1; 0 where it is about the whole file.
    pub line: usize,
    pub what: String,
}

/// A rule, and a file that offends it beside one that does not: path and text.
pub struct Rule {
    pub name: &'static str,
    pub judge: fn(&Source) -> Vec<Offence>,
    pub offends: &'static [(&'static str, &'static str)],
    pub passes: &'static [(&'static str, &'static str)],
}

/// The layers, low to high. A file may use modules of lower layers and its own.
pub const LAYERS: &[&[&str]] = &[
    &["digest", "clock", "limits", "read_error", "packing", "journal", "beside", "scratch"],
    &["order", "signature", "time_stamp", "delivery"],
    &["scope"],
    &["volume", "image"],
    &["ledger", "filesystem", "record"],
    &["report"],
    &["package"],
    // The audit above the package, so that nothing of the package can be made of it.
    &["audit", "source"],
    &["verify"],
    &["extract", "plan", "receipt"],
    &["replay"],
    &["cli"],
];

/// Modules of one layer where the first may use the second, and never the other way round.
pub const BESIDE: &[(&str, &str)] = &[
    ("volume", "image"),
    ("read_error", "limits"),
    ("digest", "limits"),
    ("beside", "limits"),
    ("beside", "digest"),
    ("packing", "limits"),
    ("scratch", "limits"),
    ("packing", "read_error"),
    ("extract", "plan"),
    // What a provider file names as a recipient is held to be one while it is read.
    ("order", "delivery"),
];

pub const RULES: &[Rule] = &[
    Rule {
        name: "a file uses only lower layers",
        judge: layers,
        offends: &[
            ("order/mod.rs", "use crate::scope::Scope;"),
            ("scope/entry.rs", "use crate::{order::Order, package};"),
            ("image/mod.rs", "fn f() { crate::volume::open() }"),
            ("ledger.rs", "use super::record::Format;"),
            ("scope/sub.rs", "use super::super::filesystem::FileSystem;"),
            ("new.rs", "//! A module without a layer."),
            ("clock.rs", "use crate::{\n    limits::{self as bounds},\n    order,\n};"),
        ],
        passes: &[
            ("scope/entry.rs", "use crate::{clock::{self, Timestamp}, order::Order};\npub(in crate::scope) fn f() {}"),
            ("volume/mod.rs", "use crate::image::Image;"),
            ("scope/entry.rs", "use super::ClauseSet; // crate::package"),
            ("order/mod.rs", "#[cfg(test)]\nmod tests {\n    use crate::scope::Scope;\n}"),
            ("package/mod.rs", "let s = \"crate::verify\"; use crate::ledger::Ledger;"),
        ],
    },
    Rule {
        name: "permits and proofs are made in scope/ alone",
        judge: proofs,
        offends: &[
            ("package/mod.rs", "let p = Permit::new(entry);"),
            ("record/mod.rs", "InScope::<Vec<u8>>::new(item, clauses)"),
            ("extract.rs", "InScope { item, clauses }"),
            ("scope/gate.rs", "InScope { item, clauses }"),
        ],
        passes: &[
            ("scope/gate.rs", "InScope::new(item, clauses)"),
            ("package/mod.rs", "fn add(item: InScope<Reader>) { }\n/// InScope::new(item)"),
        ],
    },
    Rule {
        name: "order/ and scope/ do no I/O and ask no clock",
        judge: pure,
        offends: &[
            ("order/mod.rs", "std::fs::read(path)"),
            ("scope/gate.rs", "use std::io::Read;"),
            ("scope/gate.rs", "std::time::Instant::now()"),
            ("order/window.rs", "use crate::clock::{Zone, now};"),
            ("order/window.rs", "crate::clock::now()"),
            ("scope/glob.rs", "use rustix::fs::open;"),
        ],
        passes: &[("scope/permit.rs", "use std::io::Read;"), ("order/window.rs", "use crate::clock::Zone;")],
    },
    Rule {
        name: "package, report and verify never see where bytes come from",
        judge: blind,
        offends: &[
            ("package/tar.rs", "use crate::filesystem::FileSystem;"),
            ("report/html.rs", "crate::image::open()"),
            ("verify/mod.rs", "use crate::{digest, volume};"),
        ],
        passes: &[("package/tar.rs", "use crate::digest::Digest;")],
    },
    Rule {
        name: "the library never prints, exits, reads the environment or asks the time",
        judge: silent,
        offends: &[
            ("extract.rs", "println!(\"x\");"),
            ("package/tar.rs", "eprint!(\"x\");"),
            ("package/tar.rs", "dbg!(x);"),
            ("verify/mod.rs", "std::process::exit(1)"),
            ("source.rs", "use std::env;"),
            ("source.rs", "std::io::stderr()"),
            ("extract.rs", "let t = crate::clock::now();"),
            ("extract.rs", "std::time::SystemTime::now()"),
        ],
        passes: &[
            ("cli/mod.rs", "println!(\"x\"); std::env::args(); crate::clock::now();"),
            ("extract.rs", "writeln!(out, \"println!\")?; env!(\"CARGO_PKG_VERSION\");"),
        ],
    },
    Rule {
        name: "nothing panics without a reason",
        judge: calm,
        offends: &[
            ("record/mbox.rs", "let x = y.unwrap();"),
            ("record/mbox.rs", "y.expect(\"it is there\")"),
            ("cli/mod.rs", "todo!()"),
            ("cli/mod.rs", "unreachable!()"),
            ("clock.rs", "// OK: too far away\nlet a = 1;\nx.unwrap()"),
        ],
        passes: &[
            ("clock.rs", "// OK: checked above.\nx.unwrap()"),
            ("clock.rs", "x.unwrap() // OK: checked above"),
            ("clock.rs", "// OK: checked above,\n// in two lines.\nx.unwrap()"),
            ("clock.rs", "x.unwrap_or(1); #[expect(dead_code)]"),
            ("clock.rs", "#[cfg(test)]\nmod tests { fn f() { x.unwrap(); } }"),
        ],
    },
    Rule {
        name: "a staff path is used by the gate, the audit, the runner and the terminal alone",
        judge: staff,
        offends: &[
            ("package/tar.rs", "let p = permit.staff_path();"),
            ("report/html.rs", "use crate::scope::StaffPath;"),
            ("verify/mod.rs", "fn f(p: &StaffPath) {}"),
        ],
        passes: &[("audit.rs", "use crate::scope::StaffPath;"), ("package/tar.rs", "/// never a StaffPath")],
    },
    Rule {
        name: "a file is short",
        judge: short,
        offends: &[("main.rs", THIRTY_LINES)],
        passes: &[("clock.rs", THIRTY_LINES)],
    },
    Rule {
        name: "a function fits on a screen",
        judge: fits,
        offends: &[("clock.rs", LONG_FUNCTION)],
        passes: &[("clock.rs", "fn f() {\n    1\n}\nconst A: [u8; 2] = [1, 2];"), ("clock.rs", THIRTY_LINES)],
    },
    Rule {
        name: "a module says what it is and what it never does",
        judge: documented,
        offends: &[("clock.rs", "//! Time.\nfn f() {}"), ("clock.rs", "fn f() {}\n/// **Invariant:** none")],
        passes: &[
            ("clock.rs", "//! Time.\n//!\n//! **Invariant:** it passes.\nfn f() {}"),
            ("main.rs", "//! The command."),
        ],
    },
    Rule {
        name: "a file has a name of its own",
        judge: named,
        offends: &[("util.rs", ""), ("scope/helpers.rs", ""), ("common/mod.rs", ""), ("order/glob_manager.rs", "")],
        passes: &[("scope/glob.rs", ""), ("utility_meter.rs", "")],
    },
    Rule {
        name: "there is no unsafe code",
        judge: safe,
        offends: &[("image/mod.rs", "unsafe { read() }"), ("lib.rs", "#![allow(unsafe_code)]")],
        passes: &[("lib.rs", "#![forbid(unsafe_code)]\n//! Nothing unsafe.")],
    },
];

const THIRTY_LINES: &str = "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n";

const LONG_FUNCTION: &str = concat!(
    "fn f() {",
    "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n",
    "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n",
    "}"
);

fn offence(source: &Source, line: usize, what: impl Into<String>) -> Offence {
    Offence { file: source.path.clone(), line, what: what.into() }
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

fn layers(source: &Source) -> Vec<Offence> {
    let Some(own) = source.module() else { return Vec::new() };
    let Some(height) = layer(own) else {
        return vec![offence(source, 0, format!("the module {own} stands in no layer"))];
    };
    let mut offences = Vec::new();
    for (line, path) in source.crate_paths() {
        let Some(other) = path.first().map(String::as_str) else { continue };
        if other == own || BESIDE.contains(&(own, other)) {
            continue;
        }
        match layer(other) {
            Some(lower) if lower < height => {}
            Some(_) => offences.push(offence(source, line, format!("{own} uses {other}, which is not below it"))),
            // A name of the crate's root: a macro, or a module that no layer has.
            None => offences.push(offence(source, line, format!("{own} uses {other}, which stands in no layer"))),
        }
    }
    offences
}

fn in_module(source: &Source, modules: &[&str]) -> bool {
    source.module().is_some_and(|module| modules.contains(&module))
}

/// The lines of code that hold one of these words, each as a whole.
fn holding(source: &Source, words: &[&str]) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (number, line) in source.product() {
        for word in words.iter().filter(|word| holds(line, word)) {
            offences.push(offence(source, number, format!("`{word}`")));
        }
    }
    offences
}

/// `word` stands in `line`, with no letter beside its own letters.
fn holds(line: &str, word: &str) -> bool {
    let letter = |sign: Option<char>| sign.is_some_and(|sign| sign.is_ascii_alphanumeric() || sign == '_');
    let edge = |sign: Option<char>, beside: Option<char>| !(letter(sign) && letter(beside));
    line.match_indices(word).any(|(at, _)| {
        edge(word.chars().next(), line[..at].chars().next_back())
            && edge(word.chars().next_back(), line[at + word.len()..].chars().next())
    })
}

fn proofs(source: &Source) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (number, line) in source.product() {
        let line = line.replace("::<Vec<u8>>", "");
        let head = ["struct ", "impl ", "impl<", "for ", "->", "enum "].iter().any(|word| line.contains(word));
        for name in ["Permit", "InScope"] {
            let called = holds(&line, &format!("{name}::new")) || turbofish(&line, name);
            let built = !head && holds(&line, &format!("{name} {{"));
            let own = source.path == if name == "Permit" { "scope/permit.rs" } else { "scope/in_scope.rs" };
            if (called && !in_module(source, &["scope"])) || (built && !own) {
                offences.push(offence(source, number, format!("{name} is made here")));
            }
        }
    }
    offences
}

fn turbofish(line: &str, name: &str) -> bool {
    line.split_once(&format!("{name}::<")).is_some_and(|(_, rest)| rest.contains(">::new"))
}

/// Asks for the time, by a path of this crate or of the standard library.
fn asks_the_time(source: &Source) -> Vec<Offence> {
    let mut offences = holding(source, &["SystemTime::now", "Instant::now", "Utc::now", "Local::now", "clock::now"]);
    for (line, path) in source.crate_paths() {
        if path == ["clock", "now"] {
            offences.push(offence(source, line, "`clock::now`"));
        }
    }
    offences
}

fn pure(source: &Source) -> Vec<Offence> {
    if !in_module(source, &["order", "scope"]) {
        return Vec::new();
    }
    let mut offences = holding(
        source,
        &[
            "std::fs",
            "std::net::TcpStream",
            "std::os",
            "std::process",
            "File::open",
            "rustix",
            "walkdir",
            "tempfile",
            "SystemTime",
        ],
    );
    if source.path != "scope/permit.rs" {
        offences.extend(holding(source, &["std::io"]));
    }
    offences.extend(asks_the_time(source));
    offences
}

fn blind(source: &Source) -> Vec<Offence> {
    if !in_module(source, &["package", "report", "verify"]) {
        return Vec::new();
    }
    let seen = |path: &Vec<String>| {
        path.first().filter(|first| ["image", "volume", "filesystem"].contains(&first.as_str())).cloned()
    };
    let paths = source.crate_paths();
    paths.iter().filter_map(|(line, path)| Some(offence(source, *line, format!("sees {}", seen(path)?)))).collect()
}

fn silent(source: &Source) -> Vec<Offence> {
    if in_module(source, &["cli"]) || source.path == "main.rs" {
        return Vec::new();
    }
    let mut offences = holding(
        source,
        &[
            "println!",
            "eprintln!",
            "print!",
            "eprint!",
            "dbg!",
            "process::exit",
            "process::abort",
            "std::env",
            "env::var",
            "env::args",
            "io::stdout",
            "io::stderr",
            "stdout()",
            "stderr()",
        ],
    );
    if source.path != "clock.rs" {
        offences.extend(asks_the_time(source));
    }
    offences
}

fn calm(source: &Source) -> Vec<Offence> {
    let words =
        [".unwrap()", ".expect(", ".unwrap_err()", ".expect_err(", "panic!", "todo!", "unimplemented!", "unreachable!"];
    let mut offences = holding(source, &words);
    offences.retain(|offence| !has_reason(&source.lines, offence.line - 1));
    offences
}

/// `OK:` stands on the line, or in the comment right above it.
fn has_reason(lines: &[String], at: usize) -> bool {
    let above = lines[..at].iter().rev().take_while(|line| line.trim_start().starts_with("//"));
    std::iter::once(&lines[at]).chain(above).any(|line| line.contains("OK: "))
}

fn staff(source: &Source) -> Vec<Offence> {
    if in_module(source, &["scope", "audit", "extract", "plan", "cli"]) {
        return Vec::new();
    }
    holding(source, &["staff_path", "StaffPath"])
}

fn short(source: &Source) -> Vec<Offence> {
    let most = if source.path == "main.rs" { 29 } else { 499 };
    let lines = source.lines.len();
    if lines > most { vec![offence(source, 0, format!("{lines} lines, at most {most}"))] } else { Vec::new() }
}

fn fits(source: &Source) -> Vec<Offence> {
    let mut offences = Vec::new();
    let lines: Vec<(usize, &str)> = source.product().collect();
    for (place, (begin, line)) in lines.iter().enumerate() {
        if !holds(line, "fn ") {
            continue;
        }
        let (mut depth, mut opened) = (0_i64, false);
        for (number, line) in &lines[place..] {
            for sign in line.chars() {
                depth += i64::from(sign == '{') - i64::from(sign == '}');
                opened |= sign == '{';
            }
            if (opened && depth <= 0) || (!opened && line.trim_end().ends_with(';')) {
                if number - begin + 1 >= 70 {
                    offences.push(offence(source, *begin, format!("{} lines, at most 69", number - begin + 1)));
                }
                break;
            }
        }
    }
    offences
}

fn documented(source: &Source) -> Vec<Offence> {
    let mut doc = source.lines.iter().filter(|line| line.starts_with("//!"));
    let mut offences = Vec::new();
    if !source.lines.first().is_some_and(|line| line.starts_with("//! ")) {
        offences.push(offence(source, 1, "it does not begin with what it is"));
    }
    if source.path != "main.rs" && !doc.any(|line| line.contains("**Invariant:**")) {
        offences.push(offence(source, 0, "no **Invariant:** line"));
    }
    offences
}

fn named(source: &Source) -> Vec<Offence> {
    let closed = ["util", "utils", "helper", "helpers", "manager", "managers", "common"];
    let path = source.path.strip_suffix(".rs").unwrap_or(&source.path);
    let mut words = path.split(['/', '_']);
    words
        .find(|word| closed.contains(word))
        .map(|word| offence(source, 0, format!("a file named {word}")))
        .into_iter()
        .collect()
}

fn safe(source: &Source) -> Vec<Offence> {
    let mut offences = holding(source, &["unsafe"]);
    offences.extend(holding(source, &["allow(unsafe_code)"]));
    offences
}
