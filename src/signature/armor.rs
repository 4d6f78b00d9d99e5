//! The armor of an SSH signature: base64 between two marked lines.
//!
//! **Invariant:** a file that is not one signature from its first byte to its last gives none.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::fault::Fault;

const BEGIN: &[u8] = b"-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
/// OpenSSH's own width of a line, in characters.
const WIDTH: usize = 70;

/// The bytes of the one signature that `text` holds.
pub(super) fn decode(text: &[u8]) -> Result<Vec<u8>, Fault> {
    let rest = text.strip_prefix(BEGIN).ok_or(Fault::NotArmored)?;
    let rest = std::str::from_utf8(rest).map_err(|_| Fault::NotBase64)?;
    let (body, behind) = rest.split_once(END).ok_or(Fault::CutOff)?;
    if !behind.trim_ascii().is_empty() {
        return Err(Fault::Behind);
    }
    let body: String = body.chars().filter(|sign| !sign.is_ascii_whitespace()).collect();
    STANDARD.decode(body).map_err(|_| Fault::NotBase64)
}

/// The same with its armor, as OpenSSH writes it.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(BEGIN).into_owned();
    for (place, sign) in STANDARD.encode(bytes).chars().enumerate() {
        if place % WIDTH == 0 {
            text.push('\n');
        }
        text.push(sign);
    }
    text.push('\n');
    text.push_str(END);
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_armored_is_read_back_and_all_else_has_its_own_fault() {
        let bytes: Vec<u8> = (0..=255).collect();
        let text = encode(&bytes);
        assert_eq!(decode(text.as_bytes()).unwrap(), bytes);
        assert!(text.lines().all(|line| line.len() <= WIDTH));
        for (changed, fault) in [
            (format!("\n{text}"), Fault::NotArmored),
            (text.replace("-----END", ""), Fault::CutOff),
            (format!("{text}{text}"), Fault::Behind),
            (text.replacen("AAEC", "A*EC", 1), Fault::NotBase64),
            (String::new(), Fault::NotArmored),
        ] {
            assert_eq!(decode(changed.as_bytes()), Err(fault));
        }
    }
}
