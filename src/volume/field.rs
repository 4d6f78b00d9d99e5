//! Numbers of tables and headers at a fixed place among bytes that were read.
//!
//! **Invariant:** what lies outside the bytes reads as nothing, never as zero.

use crate::image::Image;
use crate::read_error::ReadError;

macro_rules! number {
    ($name:ident, $kind:ty, $from:ident) => {
        #[doc = concat!("The ", stringify!($kind), " at `at`.")]
        pub fn $name(bytes: &[u8], at: usize) -> Option<$kind> {
            let end = at.checked_add(size_of::<$kind>())?;
            Some(<$kind>::$from(bytes.get(at..end)?.try_into().ok()?))
        }
    };
}

number!(u16_le, u16, from_le_bytes);
number!(u32_le, u32, from_le_bytes);
number!(u64_le, u64, from_le_bytes);
number!(u16_be, u16, from_be_bytes);
number!(u32_be, u32, from_be_bytes);
number!(u64_be, u64, from_be_bytes);

/// These bytes stand at `at`.
pub fn stands(bytes: &[u8], at: usize, mark: &[u8]) -> bool {
    bytes.get(at..).is_some_and(|there| there.starts_with(mark))
}

/// The text in a field that zeros fill up; none where it is not ASCII.
pub fn text(bytes: &[u8], at: usize, length: usize) -> Option<&str> {
    let field = bytes.get(at..at.checked_add(length)?)?;
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(length);
    field.get(..end).filter(|text| text.is_ascii()).and_then(|text| std::str::from_utf8(text).ok())
}

/// Reads `length` bytes at `offset`; none where the image ends before them. The length is a constant of a format or held
/// against a limit.
pub fn read(image: &dyn Image, offset: u64, length: usize) -> Result<Option<Vec<u8>>, ReadError> {
    let end = u64::try_from(length).ok().and_then(|length| offset.checked_add(length));
    if end.is_none_or(|end| end > image.size_bytes()) {
        return Ok(None);
    }
    let mut bytes = vec![0; length];
    image.read_at(offset, &mut bytes)?;
    Ok(Some(bytes))
}
