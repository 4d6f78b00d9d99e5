//! The architecture as DESIGN draws it, read out of the source files.
//!
//! **Invariant:** every offence is reported at once, with file and line; every rule is shown to be able to fail.

mod rule;
mod source;

use std::fs;
use std::path::{Path, PathBuf};

use rule::{LAYERS, Offence, RULES};
use source::Source;

/// Every Rust file below a folder of this crate, by its path below that folder.
fn read(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                files.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// The files of `src/` that are the product: not those that a parent declares as tests.
fn product() -> Vec<Source> {
    let files = read("src");
    let sources: Vec<Source> = files.iter().map(|(path, text)| Source::new(path, text)).collect();
    let tests: Vec<String> = sources.iter().flat_map(declared_tests).collect();
    sources.into_iter().filter(|source| !tests.contains(&source.path)).collect()
}

/// The files that `#[cfg(test)] mod name;` of this file stands for.
fn declared_tests(source: &Source) -> Vec<String> {
    let mut files = Vec::new();
    let folder = source.modules().join("/");
    for (place, line) in source.code.iter().enumerate() {
        let Some(name) = line.trim().strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) else { continue };
        let above = source.code[..place].iter().rev().take_while(|line| line.trim_start().starts_with("#["));
        if above.into_iter().any(|line| line.contains("cfg(test)")) {
            let below = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            files.push(format!("{below}.rs"));
            files.push(format!("{below}/mod.rs"));
        }
    }
    files
}

#[test]
fn the_source_keeps_every_rule_of_the_architecture() {
    let sources = product();
    let mut shown = Vec::new();
    for rule in RULES {
        let mut offences: Vec<Offence> = sources.iter().flat_map(|source| (rule.judge)(source)).collect();
        offences.sort();
        offences.dedup();
        for Offence { file, line, what } in offences {
            shown.push(format!("src/{file}:{line}: {}: {what}", rule.name));
        }
    }
    assert!(sources.len() > 10, "only {} files were found", sources.len());
    assert!(shown.is_empty(), "{} offences:\n{}", shown.len(), shown.join("\n"));
}

#[test]
fn every_rule_finds_what_is_planted_and_nothing_beside_it() {
    for rule in RULES {
        for (path, text) in rule.offends {
            assert!(!(rule.judge)(&Source::new(path, text)).is_empty(), "{}: not found in {path}: {text}", rule.name);
        }
        for (path, text) in rule.passes {
            assert_eq!((rule.judge)(&Source::new(path, text)), [], "{}: {path}: {text}", rule.name);
        }
    }
}

#[test]
fn an_offence_is_told_with_its_line() {
    let text = "//! A file.\n\nuse crate::{\n    digest::Digest,\n    package::{self, Writer},\n};\n\nfn f() {\n    y.unwrap();\n}\n";
    let source = Source::new("scope/gate.rs", text);
    let lines = |name: &str| -> Vec<usize> {
        let rule = RULES.iter().find(|rule| rule.name == name).unwrap();
        (rule.judge)(&source).into_iter().map(|offence| offence.line).collect()
    };
    assert_eq!(lines("a file uses only lower layers"), [5, 5]);
    assert_eq!(lines("nothing panics without a reason"), [9]);
}

#[test]
fn comments_strings_and_tests_are_no_code() {
    let text = "let a = \"x.unwrap() \\\" y\"; // z.unwrap()\nlet b = r#\"q.unwrap() \" \"#; let c = '\"'; /* w.unwrap()\n */ let d: &'static str = v;\n";
    let bare = source::bare(text);
    assert_eq!(bare.lines().count(), 3);
    assert!(!bare.contains("unwrap"), "{bare}");
    assert!(bare.contains("let c =") && bare.contains("&'static str = v;"), "{bare}");
}

#[test]
fn every_module_of_the_library_stands_in_one_layer() {
    let root = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let declared =
        root.lines().filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'));
    for module in declared {
        let layers = LAYERS.iter().filter(|layer| layer.contains(&module)).count();
        assert_eq!(layers, 1, "{module}");
    }
}

#[test]
fn unsafe_code_and_missing_docs_are_refused_by_the_compiler() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let lints: toml::Table = toml::from_str(&manifest).unwrap();
    let level = |name: &str| lints["lints"]["rust"][name].as_str().map(str::to_owned);
    assert_eq!(level("unsafe_code").as_deref(), Some("forbid"));
    assert_eq!(level("missing_docs").as_deref(), Some("deny"));
}

#[test]
fn tests_and_benches_have_names_of_their_own() {
    let rule = RULES.iter().find(|rule| rule.name == "a file has a name of its own").unwrap();
    let mut shown = Vec::new();
    for folder in ["tests", "benches"] {
        if !Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).is_dir() {
            continue;
        }
        for (path, text) in read(folder) {
            let offences = (rule.judge)(&Source::new(&path, &text));
            shown.extend(offences.into_iter().map(|offence| format!("{folder}/{}: {}", offence.file, offence.what)));
        }
    }
    assert!(shown.is_empty(), "{}", shown.join("\n"));
}
