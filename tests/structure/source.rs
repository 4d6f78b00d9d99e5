//! A source file as the rules see it: its code without comments and strings, and which lines are tests.
//!
//! **Invariant:** a rule never judges a comment, a string or a test unless it asks for them.

use std::collections::BTreeSet;

/// One file of `src/`.
pub struct Source {
    /// Below `src/`, such as `scope/entry.rs`.
    pub path: String,
    /// As it stands, by line.
    pub lines: Vec<String>,
    /// Without comments and without what is in strings, by line.
    pub code: Vec<String>,
    /// Lines of `#[cfg(test)]` items, from 0.
    tests: BTreeSet<usize>,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let code: Vec<String> = bare(text).lines().map(str::to_owned).collect();
        let tests = test_lines(&code);
        Self { path: path.to_owned(), lines, code, tests }
    }

    /// Its lines of code that are no tests, numbered from 1.
    pub fn product(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code
            .iter()
            .enumerate()
            .filter(|(index, _)| !self.tests.contains(index))
            .map(|(index, line)| (index + 1, line.as_str()))
    }

    /// The modules from the root to it: `scope/entry.rs` is `["scope", "entry"]`, `scope/mod.rs` is `["scope"]`.
    pub fn modules(&self) -> Vec<&str> {
        let path = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        let mut modules: Vec<&str> = path.split('/').collect();
        if matches!(modules.last(), Some(&"mod" | &"lib" | &"main")) {
            modules.pop();
        }
        modules
    }

    /// The module of the crate's root that it belongs to; none for `lib.rs` and `main.rs`.
    pub fn module(&self) -> Option<&str> {
        self.modules().first().copied()
    }

    /// Every path of this crate that it names, from the crate's root: line and segments.
    pub fn crate_paths(&self) -> Vec<(usize, Vec<String>)> {
        let mut text = String::new();
        let mut numbers = Vec::new();
        for (number, line) in self.product() {
            for sign in line.chars().chain(['\n']) {
                text.push(sign);
                numbers.push(number);
            }
        }
        let signs: Vec<char> = text.chars().collect();
        let mut paths = Vec::new();
        let mut at = 0;
        while at < signs.len() {
            let (word, end) = word_at(&signs, at);
            let begins = at == 0 || !(is_word(signs[at - 1]) || signs[at - 1] == '$');
            if begins && (word == "crate" || word == "super") && starts(&signs, end, "::") {
                let after_colons = at >= 2 && signs[at - 1] == ':';
                let mut prefix: Vec<String> = Vec::new();
                let mut next = end + 2;
                let mut known = !after_colons;
                if word == "super" {
                    prefix = self.modules().iter().map(|module| (*module).to_owned()).collect();
                    known &= prefix.pop().is_some();
                    while word_at(&signs, next).0 == "super" && starts(&signs, next + 5, "::") {
                        next += 7;
                        known &= prefix.pop().is_some();
                    }
                }
                if known {
                    tree(&signs, next, &prefix, &numbers, &mut paths);
                }
                at = next;
            } else {
                at = if word.is_empty() { at + 1 } else { end };
            }
        }
        paths
    }
}

fn is_word(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || sign == '_'
}

fn word_at(signs: &[char], from: usize) -> (String, usize) {
    let word: String = signs[from.min(signs.len())..].iter().take_while(|sign| is_word(**sign)).collect();
    let end = from + word.len();
    (word, end)
}

fn starts(signs: &[char], from: usize, text: &str) -> bool {
    text.chars().enumerate().all(|(place, sign)| signs.get(from + place) == Some(&sign))
}

fn blank(signs: &[char], mut at: usize) -> usize {
    while signs.get(at).is_some_and(|sign| sign.is_whitespace()) {
        at += 1;
    }
    at
}

/// Reads a path, or the braces of a `use`, behind `prefix`; where it ends.
fn tree(
    signs: &[char],
    from: usize,
    prefix: &[String],
    numbers: &[usize],
    paths: &mut Vec<(usize, Vec<String>)>,
) -> usize {
    let mut at = blank(signs, from);
    if signs.get(at) == Some(&'{') {
        at = blank(signs, at + 1);
        while at < signs.len() && signs[at] != '}' {
            let end = tree(signs, at, prefix, numbers, paths);
            at = blank(signs, end.max(at + 1));
            if signs.get(at) == Some(&',') {
                at = blank(signs, at + 1);
            }
        }
        return at + 1;
    }
    let (word, end) = if signs.get(at) == Some(&'*') { ("*".to_owned(), at + 1) } else { word_at(signs, at) };
    if word.is_empty() {
        return end;
    }
    let mut path = prefix.to_vec();
    if word != "self" {
        path.push(word);
    }
    if starts(signs, end, "::") && !starts(signs, end, "::<") {
        return tree(signs, end + 2, &path, numbers, paths);
    }
    paths.push((numbers[at], path));
    // `as name` within braces.
    let mut at = blank(signs, end);
    if word_at(signs, at).0 == "as" {
        at = blank(signs, at + 2);
        return word_at(signs, at).1;
    }
    end
}

/// The text with everything in comments, strings and characters made blank, its lines kept.
pub fn bare(text: &str) -> String {
    let signs: Vec<char> = text.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    let wipe = |from: usize, to: usize, out: &mut String| {
        out.extend(signs[from..to.min(signs.len())].iter().map(|sign| if *sign == '\n' { '\n' } else { ' ' }));
        to.min(signs.len())
    };
    while at < signs.len() {
        let before = at.checked_sub(1).map(|at| signs[at]);
        if starts(&signs, at, "//") {
            let end = signs[at..].iter().position(|sign| *sign == '\n').map_or(signs.len(), |end| at + end);
            at = wipe(at, end, &mut out);
        } else if starts(&signs, at, "/*") {
            let mut end = at + 2;
            while end < signs.len() && !starts(&signs, end, "*/") {
                end += 1;
            }
            at = wipe(at, end + 2, &mut out);
        } else if let Some(end) = raw_string(&signs, at, before) {
            at = wipe(at, end, &mut out);
        } else if signs[at] == '"' {
            let mut end = at + 1;
            while end < signs.len() && signs[end] != '"' {
                end += if signs[end] == '\\' { 2 } else { 1 };
            }
            out.push('"');
            wipe(at + 1, end, &mut out);
            out.push('"');
            at = end + 1;
        } else if signs[at] == '\'' && (signs.get(at + 1) == Some(&'\\') || signs.get(at + 2) == Some(&'\'')) {
            let mut end = at + 1;
            while end < signs.len() && signs[end] != '\'' {
                end += if signs[end] == '\\' { 2 } else { 1 };
            }
            at = wipe(at, end + 1, &mut out);
        } else {
            out.push(signs[at]);
            at += 1;
        }
    }
    out
}

/// Where a raw string that begins here ends.
fn raw_string(signs: &[char], at: usize, before: Option<char>) -> Option<usize> {
    if signs[at] != 'r' || before.is_some_and(|sign| is_word(sign) && sign != 'b') {
        return None;
    }
    let hashes = signs[at + 1..].iter().take_while(|sign| **sign == '#').count();
    if signs.get(at + 1 + hashes) != Some(&'"') {
        return None;
    }
    let end: String = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    (at + 2 + hashes..signs.len()).find(|&place| starts(signs, place, &end)).map(|place| place + end.len())
}

/// The lines of each item behind `#[cfg(test)]`.
fn test_lines(code: &[String]) -> BTreeSet<usize> {
    let mut lines = BTreeSet::new();
    let mut number = 0;
    while number < code.len() {
        if !code[number].contains("#[cfg(test)]") {
            number += 1;
            continue;
        }
        let mut depth = 0_i64;
        let mut opened = false;
        while number < code.len() {
            lines.insert(number);
            let line = code[number].replace("#[cfg(test)]", "");
            for sign in line.chars() {
                depth += i64::from(sign == '{') - i64::from(sign == '}');
                opened |= sign == '{';
            }
            number += 1;
            if (opened && depth <= 0) || (!opened && line.contains(';')) {
                break;
            }
        }
    }
    lines
}
