//! The one way that text gets into `report.html`.
//!
//! Order texts and server paths are hostile: they may hold markup, control characters, and characters that turn the
//! direction of what stands around them or that nobody sees. Markup is escaped (HTML living standard, 13.3), and each
//! character of the other kinds is shown by its number, `[U+202E]`.
//!
//! **Invariant:** what comes out holds none of `< > & " '` but in a character reference, and no invisible character.

use crate::ledger::is_invisible;

/// Text for an element or for a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ if is_invisible(character) => out.push_str(&format!("[U+{:04X}]", u32::from(character))),
            _ => out.push(character),
        }
    }
    out
}

/// The same for text of several lines.
pub(super) fn escape_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(escape).collect();
    lines.join("<br>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(
            escape("<script src='x'>\"&amp;</script>"),
            "&lt;script src=&#39;x&#39;&gt;&quot;&amp;amp;&lt;/script&gt;"
        );
    }

    #[test]
    fn what_turns_or_hides_text_is_shown_by_its_number() {
        let cases = [
            ("a\u{202e}gpj.exe", "a[U+202E]gpj.exe"),
            ("\u{2066}x\u{2069}", "[U+2066]x[U+2069]"),
            ("a\nb\tc\0d\u{7f}\u{9b}", "a[U+000A]b[U+0009]c[U+0000]d[U+007F][U+009B]"),
            ("zero\u{200b}width\u{feff}", "zero[U+200B]width[U+FEFF]"),
            ("tag\u{e0041}", "tag[U+E0041]"),
            ("caf\u{e9} \u{5d0} \u{1f600}", "caf\u{e9} \u{5d0} \u{1f600}"),
        ];
        for (text, expected) in cases {
            assert_eq!(escape(text), expected);
        }
        assert_eq!(escape_lines("one\ntwo <\r\nthree"), "one<br>two &lt;<br>three");
    }

    #[test]
    fn no_character_of_unicode_gets_through_as_markup() {
        for character in (0..=0x0010_ffff).filter_map(char::from_u32) {
            let out = escape(&character.to_string());
            assert!(!out.contains(['<', '>', '"', '\'']), "{character:?}");
            assert!(!out.chars().any(char::is_control), "{character:?}");
        }
    }
}
