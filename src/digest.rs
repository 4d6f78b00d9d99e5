//! SHA-256, the one digest of the project.
//!
//! **Invariant:** a [`Digest`] prints as 64 lower-case hex digits and parses from nothing else.

use std::fmt;
use std::str::FromStr;

use sha2::Digest as _;

/// A SHA-256 digest (FIPS 180-4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(bytes);
        hasher.finish()
    }

    /// Its 32 bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One digest a record is written: formatting byte by byte would cost more than the hashing.
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0u8; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            for (digit, nibble) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
                *digit = HEX.get(usize::from(nibble)).copied().unwrap_or_default();
            }
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not 64 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 is 64 lower-case hex digits")]
pub struct NotADigest;

/// What a byte that is no lower-case hex digit counts as: more than any combination of the bits of digits.
const NO_DIGIT: u8 = 0xf0;

/// The value of each byte as a lower-case hex digit.
const NIBBLES: [u8; 256] = {
    let mut table = [NO_DIGIT; 256];
    let (mut value, digits) = (0, b"0123456789abcdef");
    while value < digits.len() {
        table[digits[value] as usize] = value as u8;
        value += 1;
    }
    table
};

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        // One digest a record is read: a branch for each digit would cost more than the hashing.
        let nibble = |digit: u8| NIBBLES.get(usize::from(digit)).copied().unwrap_or(NO_DIGIT);
        let mut out = [0u8; 32];
        let bytes = text.as_bytes();
        if bytes.len() != 64 {
            return Err(NotADigest);
        }
        let mut seen = 0;
        for (slot, pair) in out.iter_mut().zip(bytes.chunks_exact(2)) {
            let &[high, low] = pair else { return Err(NotADigest) };
            let (high, low) = (nibble(high), nibble(low));
            seen |= high | low;
            *slot = (high << 4) | (low & 15);
        }
        if seen >= NO_DIGIT {
            return Err(NotADigest);
        }
        Ok(Self(out))
    }
}

impl serde::Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// SHA-256 over bytes as they pass.
#[derive(Clone, Default)]
pub struct Hasher(sha2::Sha256);

impl Hasher {
    /// A hasher that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes taken in.
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

impl std::io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_prints_and_parses_as_lower_case_hex() {
        let digest = Digest::of(b"abc");
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest.to_string(), text);
        assert_eq!(text.parse::<Digest>(), Ok(digest));
        assert!(text.to_uppercase().parse::<Digest>().is_err());
        assert!(text[1..].parse::<Digest>().is_err());
    }

    #[test]
    fn each_place_takes_the_sixteen_digits_and_nothing_else() {
        for at in 0..64 {
            for byte in 0..=127u8 {
                let mut text = [b'0'; 64];
                text[at] = byte;
                let text = std::str::from_utf8(&text).unwrap();
                let read = text.parse::<Digest>();
                assert_eq!(read.is_ok(), matches!(byte, b'0'..=b'9' | b'a'..=b'f'), "{byte} at {at}");
                assert!(read.is_err() || read.unwrap().to_string() == text);
            }
        }
        assert!(format!("{}\u{e9}", "0".repeat(62)).parse::<Digest>().is_err());
    }
}
