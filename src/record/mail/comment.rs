//! Comments in structured header fields (RFC 5322, 3.2.2), left out for a search.
//!
//! **Invariant:** what is in a quoted string stays, and what a comment does not close stays too.

/// The value without its comments.
pub(crate) fn dropped(value: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(value.len());
    let (mut depth, mut quoted) = (0u32, false);
    let mut opened = 0;
    let mut bytes = value.iter().copied().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => {
                let escaped = bytes.next().map(|(_, byte)| byte);
                if depth == 0 {
                    plain.push(byte);
                    plain.extend(escaped);
                }
                continue;
            }
            b'"' if depth == 0 => quoted = !quoted,
            b'(' if !quoted => {
                opened = if depth == 0 { at } else { opened };
                depth += 1;
                continue;
            }
            b')' if depth > 0 => {
                depth -= 1;
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            plain.push(byte);
        }
    }
    if depth > 0 {
        plain.extend_from_slice(value.get(opened..).unwrap_or_default());
    }
    plain
}

/// The value without its comments, and without the blanks around the signs of an address, which RFC 5322, 4.4 allows.
pub(crate) fn joined(value: &[u8]) -> Vec<u8> {
    let mut joined: Vec<u8> = Vec::with_capacity(value.len());
    let is_sign = |byte: &u8| matches!(byte, b'.' | b'@');
    let mut blanks = 0;
    for byte in dropped(value) {
        if matches!(byte, b' ' | b'\t') {
            blanks += 1;
        } else {
            if is_sign(&byte) || joined.len() > blanks && joined.iter().rev().nth(blanks).is_some_and(is_sign) {
                joined.truncate(joined.len() - blanks);
            }
            blanks = 0;
        }
        joined.push(byte);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_go_and_quotes_and_open_comments_stay() {
        let cases: [(&str, &str); 6] = [
            ("a (b (c) \\) d) e", "a  e"),
            ("\"a (b)\" c", "\"a (b)\" c"),
            ("a (b", "a (b"),
            ("a ) b", "a ) b"),
            ("\"a \\\" (b)\" (c)", "\"a \\\" (b)\" "),
            ("(a)", ""),
        ];
        for (value, expected) in cases {
            assert_eq!(String::from_utf8(dropped(value.as_bytes())).unwrap(), expected, "{value}");
        }
    }

    #[test]
    fn blanks_around_the_signs_of_an_address_go() {
        let cases: [(&str, &str); 4] = [
            ("Bob <bob (x) @ law (y) . example>", "Bob <bob@law.example>"),
            ("a b, c", "a b, c"),
            (" . ", ". "),
            ("bob@law(x).example", "bob@law.example"),
        ];
        for (value, expected) in cases {
            assert_eq!(String::from_utf8(joined(value.as_bytes())).unwrap(), expected, "{value}");
        }
    }
}
