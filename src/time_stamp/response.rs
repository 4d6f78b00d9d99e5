//! What an authority answers: `TimeStampResp` of RFC 3161, section 2.4.2.
//!
//! **Invariant:** a token is taken only out of an answer that says granted; a refusal is told in words.

use der::Tag;

use super::element::{Element, Elements};
use super::fault::{Fault, shown};
use crate::limits;

/// `PKIFailureInfo`: which bit says what.
const REASONS: [(usize, &str); 8] = [
    (0, "it does not know the algorithm (badAlg)"),
    (2, "it does not allow or support such a request (badRequest)"),
    (5, "the request has a wrong form (badDataFormat)"),
    (14, "its clock is not available (timeNotAvailable)"),
    (15, "it does not know the policy that was asked for (unacceptedPolicy)"),
    (16, "it does not know an extension that was asked for (unacceptedExtension)"),
    (17, "it does not understand or have what was asked for besides (addInfoNotAvailable)"),
    (25, "it failed (systemFailure)"),
];

const NONE: Fault = Fault::Malformed("the response");

/// The token in a response.
pub(super) fn token(bytes: &[u8]) -> Result<Element<'_>, Fault> {
    let mut parts = Element::of(bytes).and_then(|whole| whole.as_a(Tag::Sequence)).ok_or(NONE)?;
    let status = parts.next().ok_or(NONE)?;
    if status.tag == Tag::ObjectIdentifier {
        return Err(Fault::Token);
    }
    let mut inside = status.as_a(Tag::Sequence).ok_or(NONE)?;
    let number = inside.take(Tag::Integer).and_then(Element::number).ok_or(NONE)?;
    if number > 1 {
        return Err(Fault::Refused(reason(number, inside).ok_or(NONE)?));
    }
    let token = parts.take(Tag::Sequence).ok_or(Fault::Malformed("the token in the response"))?;
    parts.end().ok_or(NONE)?;
    Ok(token)
}

fn reason(status: u64, mut rest: Elements<'_>) -> Option<String> {
    let mut words = match status {
        2 => "it refused the request (rejection)".to_owned(),
        3 => "it has not decided yet (waiting)".to_owned(),
        4 => "it warns that its certificate is about to be revoked (revocationWarning)".to_owned(),
        5 => "its certificate was revoked (revocationNotification)".to_owned(),
        other => format!("its status is {other}, which RFC 3161 does not know"),
    };
    if let Some(texts) = rest.maybe(Tag::Sequence) {
        for text in texts.inside().all(limits::TIME_STAMP_ATTRIBUTES)? {
            words.push_str(&format!(", it says \"{}\"", shown(&String::from_utf8_lossy(text.value))));
        }
    }
    if let Some(failure) = rest.maybe(Tag::BitString) {
        let (_unused, bits) = failure.value.split_first()?;
        let is_set = |bit: usize| bits.get(bit / 8).is_some_and(|byte| byte & (0x80 >> (bit % 8)) != 0);
        for (_, reason) in REASONS.iter().filter(|(bit, _)| is_set(*bit)) {
            words.push_str(", ");
            words.push_str(reason);
        }
    }
    rest.end()?;
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_with_its_reasons() {
        let refused = |bytes: &[u8]| token(bytes).unwrap_err().to_string();
        let words = refused(b"\x30\x15\x30\x13\x02\x01\x02\x30\x08\x0c\x06no\x1b[2J\x03\x04\x05\x80\x01\x20");
        let end = "it refused the request (rejection), it says \"no\\u{1b}[2J\", \
                   it does not know the algorithm (badAlg), it does not know the policy that was asked for (unacceptedPolicy)";
        assert_eq!(
            refused(b"\x30\x05\x30\x03\x02\x01\x03"),
            "the authority gave no stamp: it has not decided yet (waiting)"
        );
        assert!(words.ends_with(end), "{words}");
        assert_eq!(token(b"\x30\x05\x30\x03\x02\x01\x00"), Err(Fault::Malformed("the token in the response")));
        assert_eq!(token(b"\x30\x04\x06\x02\x2a\x03"), Err(Fault::Token));
        assert!(refused(b"\x30\x05\x30\x03\x02\x01\x09").contains("its status is 9"));
    }
}
