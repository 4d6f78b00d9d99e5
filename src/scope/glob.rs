//! The one place that builds a glob, with every option explicit.
//!
//! One dialect, on the server's absolute path, compared as bytes: a pattern and a path are split at `/` and compared
//! component by component, so that nothing in a pattern (`*`, `?`, `[!a]`, `{a,b}`) ever crosses a `/`. `**` stands for
//! whole components: none or more in the middle, one or more at the end. `\` takes the next character as it is.
//! There is no case folding and no special meaning of a leading dot.
//!
//! **Invariant:** a path matches only if each of its components is accounted for by the pattern.

use globset::{Candidate, GlobBuilder, GlobMatcher};

use super::entry::Entry;

/// A pattern that is not a glob of this dialect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// It does not begin with `/`.
    #[error("the path does not begin with \"/\"")]
    NotAbsolute,
    /// A component is empty (`//`, or a `/` at the end).
    #[error("component {number} of the path is empty")]
    EmptyComponent {
        /// Counted from 1.
        number: usize,
    },
    /// A component is `.` or `..`.
    #[error("component {number} of the path is \".\" or \"..\"")]
    DotComponent {
        /// Counted from 1.
        number: usize,
    },
    /// `**` is only a part of a component.
    #[error("component {number} of the path holds \"**\" beside other characters")]
    PartialDoubleStar {
        /// Counted from 1.
        number: usize,
    },
    /// A class or an alternative is malformed or reaches across a `/`.
    #[error("component {number} of the path is not a pattern: {why}")]
    Syntax {
        /// Counted from 1.
        number: usize,
        /// What the pattern's parser says.
        why: String,
    },
}

/// One component of a pattern.
#[derive(Debug, Clone)]
enum Component {
    /// Exactly these bytes.
    Literal(Vec<u8>),
    /// A pattern within one component.
    Pattern(GlobMatcher),
    /// `**`.
    Any,
}

impl Component {
    fn matches(&self, name: &[u8]) -> bool {
        match self {
            Self::Literal(bytes) => bytes == name,
            Self::Pattern(matcher) => matcher.is_match_candidate(&Candidate::from_bytes(name)),
            Self::Any => true,
        }
    }
}

/// A compiled pattern on absolute paths.
#[derive(Debug, Clone)]
pub struct PathGlob {
    components: Vec<Component>,
}

impl PathGlob {
    /// Compiles a pattern.
    pub fn new(pattern: &str) -> Result<Self, GlobError> {
        let rest = pattern.strip_prefix('/').ok_or(GlobError::NotAbsolute)?;
        let components = rest
            .split('/')
            .enumerate()
            .map(|(index, text)| component(index + 1, text))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { components })
    }

    /// The pattern matches the absolute path.
    pub fn matches(&self, path: &[u8]) -> bool {
        let Some(rest) = path.strip_prefix(b"/") else { return false };
        let names: Vec<&[u8]> = rest.split(|&byte| byte == b'/').collect();
        // Greedy with one step back: after a `**` the rest of the pattern is tried at each later component.
        let (mut at, mut name) = (0, 0);
        let mut resume: Option<(usize, usize)> = None;
        while let Some(&current) = names.get(name) {
            match self.components.get(at) {
                Some(Component::Any) => {
                    let last = at + 1 == self.components.len();
                    // At the end it takes all that is left, and there is at least one.
                    if last {
                        return true;
                    }
                    resume = Some((at + 1, name));
                    at += 1;
                    continue;
                }
                Some(component) if component.matches(current) => {
                    at += 1;
                    name += 1;
                    continue;
                }
                _ => {}
            }
            match resume {
                Some((after, from)) => {
                    resume = Some((after, from + 1));
                    at = after;
                    name = from + 1;
                }
                None => return false,
            }
        }
        at == self.components.len()
    }

    /// Something below this folder may match.
    pub fn may_match_below(&self, folder: &[u8]) -> bool {
        let rest = folder.strip_prefix(b"/").unwrap_or(folder);
        let mut components = self.components.iter();
        if !rest.is_empty() {
            for name in rest.split(|&byte| byte == b'/') {
                match components.next() {
                    Some(Component::Any) => return true,
                    Some(component) if component.matches(name) => {}
                    _ => return false,
                }
            }
        }
        components.next().is_some()
    }

    /// The whole pattern is literal.
    pub fn is_literal(&self) -> bool {
        self.components.iter().all(|component| matches!(component, Component::Literal(_)))
    }

    /// Its last component is literal: it names one thing, and not whatever stands there.
    pub fn names_its_end(&self) -> bool {
        matches!(self.components.last(), Some(Component::Literal(_)))
    }

    /// Its literal components from the root, each as an absolute path, shortest first; for a pattern that is literal
    /// to its end the last of them is the whole path.
    pub fn literal_chain(&self) -> Vec<Vec<u8>> {
        let mut chain = Vec::new();
        let mut path = Vec::new();
        for component in &self.components {
            let Component::Literal(name) = component else { break };
            path.push(b'/');
            path.extend_from_slice(name);
            chain.push(path.clone());
        }
        chain
    }
}

/// A set of patterns: any one of them.
#[derive(Debug, Clone, Default)]
pub(in crate::scope) struct PathSet(Vec<PathGlob>);

impl PathSet {
    pub(in crate::scope) fn new<'p>(patterns: impl IntoIterator<Item = &'p String>) -> Result<Self, GlobError> {
        patterns.into_iter().map(|pattern| PathGlob::new(pattern)).collect::<Result<_, _>>().map(Self)
    }

    pub(in crate::scope) fn matches(&self, path: &[u8]) -> bool {
        self.0.iter().any(|glob| glob.matches(path))
    }

    /// One of them names a folder that the path lies in. `/a/*` names none: what `*` stands for is not said.
    pub(in crate::scope) fn names_folder_above(&self, path: &[u8]) -> bool {
        let above = path.iter().enumerate().filter(|&(at, &byte)| byte == b'/' && at > 0).map(|(at, _)| path.get(..at));
        above.flatten().any(|folder| self.0.iter().any(|glob| glob.names_its_end() && glob.matches(folder)))
    }

    pub(in crate::scope) fn may_match_below(&self, folder: &Entry) -> bool {
        self.0.iter().any(|glob| glob.may_match_below(folder.path()))
    }

    pub(in crate::scope) fn iter(&self) -> impl Iterator<Item = &PathGlob> {
        self.0.iter()
    }
}

fn component(number: usize, text: &str) -> Result<Component, GlobError> {
    match text {
        "" => return Err(GlobError::EmptyComponent { number }),
        "." | ".." => return Err(GlobError::DotComponent { number }),
        "**" => return Ok(Component::Any),
        _ => {}
    }
    if let Some(bytes) = literal(text) {
        if bytes == b"." || bytes == b".." {
            return Err(GlobError::DotComponent { number });
        }
        return Ok(Component::Literal(bytes));
    }
    if text.contains("**") {
        return Err(GlobError::PartialDoubleStar { number });
    }
    let glob = GlobBuilder::new(text)
        .literal_separator(true)
        .case_insensitive(false)
        .backslash_escape(true)
        .empty_alternates(true)
        .allow_unclosed_class(false)
        .build()
        .map_err(|error| GlobError::Syntax { number, why: error.kind().to_string() })?;
    Ok(Component::Pattern(glob.compile_matcher()))
}

/// The bytes that a component stands for, where nothing in it is a pattern.
fn literal(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let taken = match character {
            '*' | '?' | '[' | ']' | '{' | '}' => return None,
            '\\' => characters.next()?,
            other => other,
        };
        bytes.extend_from_slice(taken.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_these_paths_and_not_those() {
        let cases: &[(&str, &[&str], &[&str])] = &[
            ("/var/mail/*", &["/var/mail/bob", "/var/mail/.bob"], &["/var/mail", "/var/mail/bob/private"]),
            ("/var/mail[!a]bob", &["/var/mail-bob"], &["/var/mail/bob"]),
            ("/a/**", &["/a/b", "/a/b/c"], &["/a", "/ab", "/ab/c"]),
            ("/a/**/z", &["/a/z", "/a/b/z", "/a/b/c/z"], &["/a", "/a/zz", "/z", "/a/b/z/y"]),
            ("/**/cur/*", &["/cur/x", "/a/cur/x", "/a/cur/cur/x"], &["/a/cur", "/a/cur/x/y"]),
            ("/log.{1,2}", &["/log.1", "/log.2"], &["/log.3", "/log.{1,2}"]),
            ("/a\\*b", &["/a*b"], &["/axb"]),
            ("/access.log*", &["/access.log", "/access.log.1"], &["/Access.log", "/xaccess.log"]),
            ("/**", &["/a", "/a/b"], &["a"]),
            ("/a/**/b/**/c", &["/a/b/c", "/a/x/b/y/c", "/a/b/b/c"], &["/a/c", "/a/b/x", "/a/b/c/d"]),
        ];
        for (pattern, yes, no) in cases {
            let glob = PathGlob::new(pattern).unwrap();
            yes.iter().for_each(|path| assert!(glob.matches(path.as_bytes()), "{pattern} should match {path}"));
            no.iter().for_each(|path| assert!(!glob.matches(path.as_bytes()), "{pattern} should not match {path}"));
        }
    }

    #[test]
    fn a_pattern_matches_bytes_that_are_no_text() {
        let glob = PathGlob::new("/mail/*/x").unwrap();
        assert!(glob.matches(b"/mail/\xff\n/x"));
        assert!(PathGlob::new("/m/?").unwrap().matches(b"/m/\xff"));
    }

    #[test]
    fn a_walk_goes_only_where_something_may_match() {
        let cases: &[(&str, &[&str], &[&str])] = &[
            ("/var/mail/alice", &["/", "/var", "/var/mail"], &["/etc", "/var/mail/alice", "/var/log"]),
            ("/var/*/alice", &["/", "/var", "/var/mail"], &["/etc", "/var/mail/alice"]),
            ("/home/**", &["/", "/home", "/home/a/b/c"], &["/homes", "/etc"]),
        ];
        for (pattern, yes, no) in cases {
            let glob = PathGlob::new(pattern).unwrap();
            yes.iter().for_each(|path| assert!(glob.may_match_below(path.as_bytes()), "{pattern} below {path}"));
            no.iter().for_each(|path| assert!(!glob.may_match_below(path.as_bytes()), "{pattern} not below {path}"));
        }
    }

    #[test]
    fn a_pattern_that_ends_in_a_name_names_a_folder_and_what_lies_in_it() {
        let set = PathSet::new([&"/home/*/private".to_owned(), &"/srv/*".to_owned()]).unwrap();
        assert!(set.names_folder_above(b"/home/a/private/x") && set.names_folder_above(b"/home/a/private/x/y"));
        assert!(!set.names_folder_above(b"/home/a/private") && !set.names_folder_above(b"/home/a/privates/x"));
        assert!(!set.names_folder_above(b"/srv/a/b"));
    }

    #[test]
    fn a_malformed_pattern_is_refused_with_its_component() {
        let cases = [
            ("var/mail", GlobError::NotAbsolute),
            ("/var//mail", GlobError::EmptyComponent { number: 2 }),
            ("/var/", GlobError::EmptyComponent { number: 2 }),
            ("/var/../etc", GlobError::DotComponent { number: 2 }),
            ("/var/\\../etc", GlobError::DotComponent { number: 2 }),
            ("/var/a**", GlobError::PartialDoubleStar { number: 2 }),
        ];
        for (pattern, error) in cases {
            assert_eq!(PathGlob::new(pattern).unwrap_err(), error, "{pattern}");
        }
        for pattern in ["/a/[b", "/a/{b,c/d}", "/a/b\\"] {
            assert!(matches!(PathGlob::new(pattern), Err(GlobError::Syntax { number: 2, .. })), "{pattern}");
        }
    }

    #[test]
    fn the_literal_chain_ends_at_the_first_pattern() {
        let chain = |pattern| -> Vec<String> {
            let glob = PathGlob::new(pattern).unwrap();
            glob.literal_chain().into_iter().map(|path| String::from_utf8(path).unwrap()).collect()
        };
        assert_eq!(chain("/var/mail/alice"), ["/var", "/var/mail", "/var/mail/alice"]);
        assert_eq!(chain("/var/log/a*"), ["/var", "/var/log"]);
        assert!(chain("/**").is_empty());
    }
}
