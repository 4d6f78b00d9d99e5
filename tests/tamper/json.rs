//! Edits of one value in compact JSON text, everything else left as it stands, byte for byte.

use std::ops::Range;

use serde::de::IgnoredAny;

/// The length of the value that `text` begins with.
fn value_length(text: &str) -> usize {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    stream.next().expect("a value").expect("valid JSON");
    stream.byte_offset()
}

/// Where the value at `path` stands, and where its key (or the value, in an array) begins: keys and indexes separated by `.`.
fn find(text: &str, path: &str) -> Option<(usize, Range<usize>)> {
    let (mut start, mut at) = (0, 0);
    for step in path.split('.') {
        let is_object = match text.as_bytes()[at] {
            b'{' => true,
            b'[' => false,
            _ => return None,
        };
        at += 1;
        let mut index = 0;
        loop {
            if matches!(text.as_bytes()[at], b'}' | b']') {
                return None;
            }
            start = at;
            let found = if is_object {
                let length = value_length(&text[at..]);
                let key: String = serde_json::from_str(&text[at..at + length]).unwrap();
                at += length + 1;
                key == step
            } else {
                index.to_string() == step
            };
            if found {
                break;
            }
            index += 1;
            at += value_length(&text[at..]);
            if text.as_bytes()[at] == b',' {
                at += 1;
            }
        }
    }
    Some((start, at..at + value_length(&text[at..])))
}

/// The text of the value at `path`.
pub fn get<'t>(text: &'t str, path: &str) -> Option<&'t str> {
    find(text, path).map(|(_, range)| &text[range])
}

/// The string at `path`.
pub fn string(text: &str, path: &str) -> String {
    serde_json::from_str(get(text, path).unwrap_or_else(|| panic!("{path} in {text}"))).unwrap()
}

/// Replaces the value at `path`.
pub fn set(text: &mut String, path: &str, value: &str) {
    let (_, range) = find(text, path).unwrap_or_else(|| panic!("{path} in {text}"));
    text.replace_range(range, value);
}

/// Replaces the value at `path` by a string.
pub fn set_string(text: &mut String, path: &str, value: &str) {
    set(text, path, &serde_json::to_string(value).unwrap());
}

/// Takes the value at `path` out, with its key and one comma.
pub fn remove(text: &mut String, path: &str) {
    let (start, range) = find(text, path).unwrap_or_else(|| panic!("{path} in {text}"));
    let (mut start, mut end) = (start, range.end);
    if text.as_bytes()[start - 1] == b',' {
        start -= 1;
    } else if text.as_bytes()[end] == b',' {
        end += 1;
    }
    text.replace_range(start..end, "");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_path_and_the_rest_stays() {
        let mut text = r#"{"a":{"b":[1,"x,]",{"c":null}]},"d":2}"#.to_owned();
        assert_eq!(get(&text, "a.b.1"), Some(r#""x,]""#));
        assert_eq!(get(&text, "a.b.2.c"), Some("null"));
        assert_eq!(get(&text, "a.x"), None);
        set(&mut text, "d", "[]");
        remove(&mut text, "a.b.0");
        assert_eq!(text, r#"{"a":{"b":["x,]",{"c":null}]},"d":[]}"#);
        remove(&mut text, "d");
        assert_eq!(text, r#"{"a":{"b":["x,]",{"c":null}]}}"#);
    }
}
