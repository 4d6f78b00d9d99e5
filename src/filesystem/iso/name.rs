//! Names without Rock Ridge, as the volume stores them.
//!
//! The version `;1` is no part of a name, nor is the full stop that a plain name without an extension ends with. The letters
//! stay as they are stored: a kernel that mounts a plain volume shows them in lower case, other readers do not.
//!
//! **Invariant:** different names stay different, but for versions that a folder has side by side: these keep theirs.

use crate::filesystem::wide_name;

/// A plain name of ECMA-119.
pub(super) fn plain(stored: &[u8]) -> Vec<u8> {
    let name = stored.strip_suffix(b";1").unwrap_or(stored);
    name.strip_suffix(b".").filter(|name| !name.is_empty()).unwrap_or(name).to_vec()
}

/// A name of Joliet: UCS-2 in big-endian order.
pub(super) fn joliet(stored: &[u8]) -> Vec<u8> {
    let units = stored.chunks_exact(2).map(|unit| unit.iter().fold(0, |value, byte| value << 8 | u16::from(*byte)));
    let name = wide_name::of_units(units);
    name.strip_suffix(b";1").map(<[u8]>::to_vec).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_of_one_is_no_part_of_a_name() {
        for (stored, name) in
            [("README.TXT;1", "README.TXT"), ("README.;1", "README"), ("A.B;2", "A.B;2"), ("DIR", "DIR"), (".;1", ".")]
        {
            assert_eq!(plain(stored.as_bytes()), name.as_bytes());
        }
        assert_eq!(joliet(b"\0a\x20\xac\0;\x001"), "a\u{20ac}".as_bytes());
    }
}
