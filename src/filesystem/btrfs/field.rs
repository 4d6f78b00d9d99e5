//! Little-endian fields of the structures on the disk.
//!
//! **Invariant:** a field that reaches past its slice is zero; every caller has checked the slice's length before.

/// A 64-bit field.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    array(bytes, at).map_or(0, u64::from_le_bytes)
}

/// A 32-bit field.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    array(bytes, at).map_or(0, u32::from_le_bytes)
}

/// A 16-bit field.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    array(bytes, at).map_or(0, u16::from_le_bytes)
}

/// A byte.
pub(super) fn u8_at(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

/// The sixteen bytes of a UUID.
pub(super) fn uuid_at(bytes: &[u8], at: usize) -> [u8; 16] {
    array(bytes, at).unwrap_or([0; 16])
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}
