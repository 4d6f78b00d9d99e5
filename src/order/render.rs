//! Findings as people read them: file, line, a caret, the clause and how to go on.
//!
//! **Invariant:** control characters of a manifest never reach the terminal; a long line is cut to what is around the
//! caret.

use std::borrow::Cow;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::diagnostic::{Diagnostic, Severity};
use super::read::ManifestText;

/// A line longer than this, in bytes, is cut.
const LINE_SHOWN: usize = 400;

/// All findings as text. `files` are those that were read; `colour` asks for ANSI colours.
pub fn render(findings: &[Diagnostic], files: &[ManifestText<'_>], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for finding in findings {
        let bytes = files.iter().find(|file| file.name == finding.file).map_or(&[][..], |file| file.bytes);
        out.push_str(&one(finding, bytes, &renderer));
        out.push_str("\n\n");
    }
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    match (errors, warnings) {
        (0, 0) => {}
        (0, _) => out.push_str(&format!("{}\n", plural(warnings, "warning"))),
        (_, 0) => out.push_str(&format!("{}\n", plural(errors, "error"))),
        _ => out.push_str(&format!("{}, {}\n", plural(errors, "error"), plural(warnings, "warning"))),
    }
    out
}

fn one(finding: &Diagnostic, bytes: &[u8], renderer: &Renderer) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let excerpt = Excerpt::of(bytes, &finding.span);
    let mut mark = AnnotationKind::Primary.span(excerpt.span.clone());
    if let Some(clause) = &finding.clause {
        mark = mark.label(format!("clause {clause}"));
    }
    let snippet = Snippet::source(excerpt.text.as_ref())
        .path(finding.file.as_str())
        .line_start(excerpt.line)
        .fold(true)
        .annotation(mark);
    let mut group = level.primary_title(finding.message.as_str()).id(finding.code.name()).element(snippet);
    if let Some(hint) = &finding.hint {
        let safe: String = hint.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect();
        group = group.element(Level::HELP.with_name("hint").message(safe));
    }
    renderer.render(&[group])
}

/// The lines that a finding is about.
struct Excerpt<'b> {
    text: Cow<'b, str>,
    line: usize,
    span: Range<usize>,
}

impl<'b> Excerpt<'b> {
    fn of(bytes: &'b [u8], span: &Range<usize>) -> Self {
        let from = span.start.min(bytes.len());
        let (head, tail) = bytes.split_at_checked(from).unwrap_or((bytes, &[]));
        let line = head.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let mut start = head.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let mut end = tail.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |at| from + at);
        if end - start > LINE_SHOWN {
            start = boundary(bytes, start.max(from.saturating_sub(LINE_SHOWN / 2)));
            end = boundary(bytes, end.min(from.saturating_add(LINE_SHOWN / 2)));
        }
        let text = String::from_utf8_lossy(bytes.get(start..end).unwrap_or_default());
        // Only the first line of a span is marked, and a mark has at least a place.
        let first = (from.max(start) - start).min(text.len());
        let last = (span.end.clamp(from, end.max(from)).max(start) - start).clamp(first, text.len().max(first));
        let (first, last) = (floor(&text, first), floor(&text, last));
        Self { text, line, span: first..last.max(first) }
    }
}

/// The first byte at or after `at` where a character begins.
fn boundary(bytes: &[u8], at: usize) -> usize {
    (at..at.saturating_add(4)).find(|&at| bytes.get(at).is_none_or(|byte| byte & 0xC0 != 0x80)).unwrap_or(at)
}

/// The last character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}
