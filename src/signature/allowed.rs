//! Whose keys count: a file in OpenSSH's `allowed_signers` format (ssh-keygen(1), ALLOWED SIGNERS).
//!
//! A file with a line that is not understood is refused as a whole: a line that was passed over could be the one that takes
//! a key back. So is a time without a zone, which OpenSSH takes for the local time of whoever checks.
//!
//! **Invariant:** a key counts only where a line names it, for our namespace and at the time of the check.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{NaiveDate, NaiveDateTime};

use super::NAMESPACE;
use super::public_key::{Key, blob_kind};
use crate::clock::Timestamp;

/// The lines of an `allowed_signers` file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AllowedSigners(Vec<Entry>);

#[derive(Clone, PartialEq, Eq, Debug)]
struct Entry {
    principals: String,
    namespaces: Option<String>,
    after: Option<Timestamp>,
    before: Option<Timestamp>,
    blob: Vec<u8>,
}

/// The file is not one that can be relied on.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct NotAllowedSigners {
    /// From 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

/// Why a key does not count.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotAllowed {
    /// No line names it.
    #[error("no line of the allowed signers names it")]
    Unknown,
    /// A line names it for other purposes.
    #[error("the allowed signers give it to {0}, but not for {1}")]
    OtherNamespace(String, &'static str),
    /// Its time has not begun.
    #[error("the allowed signers give it to {0}, but only from {1} UTC on")]
    NotYet(String, NaiveDateTime),
    /// Its time is over.
    #[error("the allowed signers give it to {0}, but only until {1} UTC")]
    Expired(String, NaiveDateTime),
}

impl AllowedSigners {
    /// Reads the text of such a file.
    pub fn parse(text: &str) -> Result<Self, NotAllowedSigners> {
        let lines = text.lines().enumerate().map(|(place, line)| (place + 1, line.trim()));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let entries = lines.map(|(line, text)| Entry::parse(text).map_err(|what| NotAllowedSigners { line, what }));
        entries.collect::<Result<_, _>>().map(Self)
    }

    /// Whom the file gives a key to, for packages, at a time.
    pub fn principals(&self, key: &Key, at: Timestamp) -> Result<&str, NotAllowed> {
        self.principals_for(NAMESPACE, key, at)
    }

    /// Whom the file gives a key to, for that namespace, at a time.
    pub fn principals_for(&self, namespace: &'static str, key: &Key, at: Timestamp) -> Result<&str, NotAllowed> {
        let mut why = NotAllowed::Unknown;
        for entry in self.0.iter().filter(|entry| entry.blob == key.blob()) {
            match entry.allows(namespace, at) {
                Ok(()) => return Ok(&entry.principals),
                Err(refusal) => why = refusal,
            }
        }
        Err(why)
    }
}

impl Entry {
    fn parse(line: &str) -> Result<Self, String> {
        let (principals, rest) = word(line)?;
        let principals = principals.trim_matches('"').to_owned();
        if principals.is_empty() {
            return Err("it names nobody".into());
        }
        let mut entry = Self { principals, namespaces: None, after: None, before: None, blob: Vec::new() };
        let (mut kind, mut rest) = word(rest)?;
        if !is_key_kind(kind) {
            for option in split_options(kind) {
                entry.option(option)?;
            }
            (kind, rest) = word(rest)?;
        }
        let (body, _comment) = word(rest)?;
        let blob = STANDARD.decode(body).map_err(|_| "its key is not base64".to_owned())?;
        if blob_kind(&blob).as_deref() != Some(kind) {
            return Err(format!("its key is not of the kind {kind:?} that it states"));
        }
        Ok(Self { blob, ..entry })
    }

    fn option(&mut self, option: &str) -> Result<(), String> {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let value = value.trim_matches('"');
        match name.to_ascii_lowercase().as_str() {
            "cert-authority" => {
                Err("cert-authority: certificates are not in this version; write the signer's own key".into())
            }
            "namespaces" if !value.is_empty() && self.namespaces.is_none() => {
                self.namespaces = Some(value.to_owned());
                Ok(())
            }
            "valid-after" if self.after.is_none() => {
                self.after = Some(time(value)?);
                Ok(())
            }
            "valid-before" if self.before.is_none() => {
                self.before = Some(time(value)?);
                Ok(())
            }
            _ => Err(format!("the option {name:?} is not understood, is empty, or stands twice")),
        }
    }

    fn allows(&self, namespace: &'static str, at: Timestamp) -> Result<(), NotAllowed> {
        let who = || self.principals.chars().take(200).flat_map(char::escape_debug).collect::<String>();
        if self.namespaces.as_deref().is_some_and(|list| !in_list(list, namespace)) {
            return Err(NotAllowed::OtherNamespace(who(), namespace));
        }
        match (self.after, self.before) {
            (Some(after), _) if at < after => Err(NotAllowed::NotYet(who(), after.to_utc())),
            (_, Some(before)) if at > before => Err(NotAllowed::Expired(who(), before.to_utc())),
            _ => Ok(()),
        }
    }
}

/// Keys are told from options by their first word: no option begins like this.
fn is_key_kind(word: &str) -> bool {
    ["ssh-", "ecdsa-", "sk-", "rsa-"].iter().any(|front| word.starts_with(front))
}

/// The first word, in which quotation marks hide spaces, and what follows it.
fn word(text: &str) -> Result<(&str, &str), String> {
    let text = text.trim_start();
    let mut quoted = false;
    for (place, sign) in text.char_indices() {
        match sign {
            '"' => quoted = !quoted,
            ' ' | '\t' if !quoted => return Ok(text.split_at(place)),
            _ => {}
        }
    }
    match (quoted, text.is_empty()) {
        (true, _) => Err("a quotation mark is not closed".into()),
        (_, true) => Err("it ends before its key; a line is: who, options if any, kind of key, key".into()),
        _ => Ok((text, "")),
    }
}

/// Options stand apart by commas that are not within quotation marks.
fn split_options(word: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    word.split(move |sign| {
        quoted ^= sign == '"';
        sign == ',' && !quoted
    })
}

/// `20240401Z`, `202404011200Z`, `20240401120000Z`.
fn time(text: &str) -> Result<Timestamp, String> {
    let Some(plain) = text.strip_suffix('Z') else {
        return Err(format!("the time {text:?} has no zone: write UTC and end it in Z, as 20240401Z or 202404011200Z"));
    };
    let seconds = match plain.len() {
        12 => "00",
        _ => "",
    };
    let read = match plain.len() {
        8 => NaiveDate::parse_from_str(plain, "%Y%m%d").ok().and_then(|day| day.and_hms_opt(0, 0, 0)),
        12 | 14 => NaiveDateTime::parse_from_str(&format!("{plain}{seconds}"), "%Y%m%d%H%M%S").ok(),
        _ => None,
    };
    read.and_then(|read| Timestamp::new(read.and_utc().timestamp(), 0))
        .ok_or_else(|| format!("{text:?} is no time; a time is 20240401Z, 202404011200Z or 20240401120000Z"))
}

/// OpenSSH's lists of patterns: one must match, and none with a `!`.
fn in_list(list: &str, text: &str) -> bool {
    let mut found = false;
    for pattern in list.split(',') {
        match pattern.strip_prefix('!') {
            Some(pattern) if matches(pattern.as_bytes(), text.as_bytes()) => return false,
            Some(_) => {}
            None => found |= matches(pattern.as_bytes(), text.as_bytes()),
        }
    }
    found
}

/// `*` is any text, `?` one byte. The way back is to the last `*` alone, so that no pattern takes long.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut place, mut star) = (0, 0, None);
    while let Some(byte) = text.get(place) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at + 1, place));
                at += 1;
            }
            Some(sign) if *sign == b'?' || sign == byte => (at, place) = (at + 1, place + 1),
            _ => match star {
                Some((behind, taken)) => {
                    star = Some((behind, taken + 1));
                    (at, place) = (behind, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|sign| *sign == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

    fn refused(line: &str) -> String {
        AllowedSigners::parse(line).unwrap_err().to_string()
    }

    #[test]
    fn a_line_is_read_with_its_options_and_allows_within_them() {
        let key = Key::of_line(KEY).unwrap().unwrap();
        let at = |text| Timestamp::parse_rfc3339(text).unwrap();
        let now = at("2024-04-10T12:00:00Z");
        for (line, expected) in [
            (format!("provider {KEY}"), Ok("provider")),
            (format!("# none\n\n\"a b,c\" {KEY} words"), Ok("a b,c")),
            (format!("p namespaces=\"git,extract-*\" {KEY}"), Ok("p")),
            (format!("p NAMESPACES=extract-package,valid-after=20240410Z {KEY}"), Ok("p")),
            (format!("p valid-before=\"202404101200Z\" {KEY}"), Ok("p")),
            (format!("p namespaces=\"git\" {KEY}"), Err(NotAllowed::OtherNamespace("p".into(), NAMESPACE))),
            (
                format!("p namespaces=\"*,!extract-package\" {KEY}"),
                Err(NotAllowed::OtherNamespace("p".into(), NAMESPACE)),
            ),
            (
                format!("p valid-after=20240411Z {KEY}"),
                Err(NotAllowed::NotYet("p".into(), at("2024-04-11T00:00:00Z").to_utc())),
            ),
            (
                format!("p valid-before=20240410115959Z {KEY}"),
                Err(NotAllowed::Expired("p".into(), at("2024-04-10T11:59:59Z").to_utc())),
            ),
            (format!("p valid-before=20240410Z {KEY}\nq {KEY}"), Ok("q")),
            (String::new(), Err(NotAllowed::Unknown)),
        ] {
            let allowed = AllowedSigners::parse(&line).unwrap();
            assert_eq!(allowed.principals(&key, now), expected, "{line}");
        }
    }

    #[test]
    fn a_line_that_is_not_understood_is_refused_with_its_number() {
        for (line, words) in [
            (format!("# x\np cert-authority {KEY}"), "line 2: cert-authority"),
            (format!("p valid-after=20240410 {KEY}"), "no zone"),
            (format!("p valid-after=2024-04-10Z {KEY}"), "no time"),
            (format!("p no-touch-required {KEY}"), "no-touch-required"),
            (format!("p namespaces=a,namespaces=b {KEY}"), "namespaces"),
            (format!("p \"{KEY}"), "quotation mark"),
            ("p ssh-ed25519".to_owned(), "ends before its key"),
            (KEY.replace("ssh-ed25519", "p ssh-rsa"), "not of the kind"),
            ("p ssh-ed25519 ***".to_owned(), "not base64"),
        ] {
            assert!(refused(&line).contains(words), "{line}: {}", refused(&line));
        }
    }

    #[test]
    fn patterns_match_as_a_whole() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("?b*", "ab", true),
            ("", "a", false),
            ("*ab*ab", "aabab", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }
}
