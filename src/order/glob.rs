//! The one dialect of globs: on the server's absolute path, byte by byte.
//!
//! `*` is any bytes but `/`, `?` is one byte but `/`, `**` as a whole component is any number of components (at the end:
//! one or more), `\` takes `* ? [ ] { } \` literally. There are no classes and no alternatives: a second path says it
//! plainly. Letters are compared as they are.
//!
//! **Invariant:** a glob that passes means the same in every matcher that knows these five signs.

use super::diagnostic::{Code, Notes};
use super::table::{Item, Text};
use crate::limits;

/// A list of globs.
pub(super) fn read_list(item: &Item<'_>, notes: &mut Notes) -> Option<Vec<String>> {
    let mut globs: Vec<String> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    let items = item.list("paths", notes)?;
    let wanted = items.len();
    for item in &items {
        // A name may hold any byte but NUL and `/`; TOML writes a newline as `\n`.
        let Some(text) = read(item, notes) else { continue };
        if !seen.insert(text.text) {
            notes.warning(Code::DuplicatePath, &text.span, "this path stands here twice");
        }
        globs.push(text.text.to_owned());
    }
    (globs.len() == wanted).then_some(globs)
}

fn read<'t>(item: &Item<'t>, notes: &mut Notes) -> Option<Text<'t>> {
    let text = item.path(notes)?;
    match check(text.text) {
        Ok(()) => Some(text),
        Err((what, hint)) => {
            notes.error(Code::BadPath, &text.span, what).hint(hint);
            None
        }
    }
}

/// What is wrong with a glob, and how to go on.
fn check(glob: &str) -> Result<(), (String, &'static str)> {
    let wrong = |what: &str, hint| Err((what.to_owned(), hint));
    if glob.len() > limits::PATH_BYTES {
        return wrong("this path is too long", "a path has at most 65,536 bytes");
    }
    let Some(rest) = glob.strip_prefix('/') else {
        return wrong("a path is the server's absolute path", "it begins with `/`");
    };
    let mut before = "";
    for component in rest.split('/') {
        match component {
            "" => return wrong("a path has no empty component", "take out the `/` that is doubled or at the end"),
            "." | ".." => return wrong("a path has no component `.` or `..`", "write the path as the server has it"),
            "**" if before == "**" => return wrong("`**` twice in a row", "one `**` is any number of folders"),
            _ => signs(component)?,
        }
        before = component;
    }
    Ok(())
}

fn signs(component: &str) -> Result<(), (String, &'static str)> {
    if component == "**" {
        return Ok(());
    }
    let mut signs = component.chars();
    let mut after_star = false;
    while let Some(sign) = signs.next() {
        match sign {
            '*' if after_star => {
                return Err((
                    "`**` must stand between two `/`".to_owned(),
                    "write `/**/` for folders of any depth, or one `*` for a part of a name",
                ));
            }
            '[' | ']' | '{' | '}' => {
                return Err((
                    format!("`{sign}` has no meaning in a path"),
                    "write one path for each alternative; for the sign itself write `\\` before it",
                ));
            }
            '\\' => match signs.next() {
                Some('*' | '?' | '[' | ']' | '{' | '}' | '\\') => {}
                _ => {
                    return Err((
                        "`\\` must stand before one of * ? [ ] { } \\".to_owned(),
                        "for the sign itself write `\\\\` (in \"...\" each `\\` must be doubled again; '...' takes it as it is)",
                    ));
                }
            },
            _ => {}
        }
        // Also after an escaped one: `\**` is refused rather than read in one of two ways.
        after_star = component_so_far(component, &signs).ends_with('*');
    }
    Ok(())
}

/// What of a component has been read.
fn component_so_far<'c>(component: &'c str, rest: &std::str::Chars<'_>) -> &'c str {
    component.strip_suffix(rest.as_str()).unwrap_or(component)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_is_absolute_and_uses_five_signs() {
        for (glob, good) in [
            ("/var/mail/alice", true),
            ("/home/*/Maildir/**", true),
            ("/**/access.log.?", true),
            ("/**", true),
            (r"/a\*b/c\[1\]/d\\e", true),
            (r"/\**", false),
            (r"/*\*", true),
            ("/...", true),
            ("/a b/\n", true),
            ("", false),
            ("var/mail", false),
            ("/", false),
            ("/var//mail", false),
            ("/var/mail/", false),
            ("/var/../etc", false),
            ("/./etc", false),
            ("/var/**.log", false),
            ("/var/a**", false),
            ("/var/***", false),
            ("/var/**/**", false),
            ("/log.[0-9]", false),
            ("/log.{1,2}", false),
            (r"/a\", false),
            (r"/a\b", false),
            (r"/a\/b", false),
        ] {
            assert_eq!(check(glob).is_ok(), good, "{glob}");
        }
    }
}
