//! What holds no files: swap space, and volumes of zeros.
//!
//! **Invariant:** a volume is called empty only by what was read of it; the name says how much that was.

use super::field::stands;
use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;

const SAMPLE: usize = 4096;
const EDGE: usize = 256 * 1024;
/// Up to this size a volume is read whole.
const SMALL: u64 = 4 * 1024 * 1024;

/// It is swap space, or a system's memory that was put there while it slept (`swapon`; the mark ends the first page).
pub fn is_swap(image: &dyn Image) -> Result<bool, ReadError> {
    const MARKS: [&[u8]; 6] =
        [b"SWAPSPACE2", b"SWAP-SPACE", b"S1SUSPEND\0", b"S2SUSPEND\0", b"ULSUSPEND\0", b"LINHIB0001"];
    for page in [4096_u64, 8192, 16_384, 32_768, 65_536] {
        let mark = super::field::read(image, page - 10, 10)?;
        if mark.is_some_and(|mark| MARKS.iter().any(|known| stands(&mark, 0, known))) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The name of an empty volume; none where something else than zeros was seen.
pub fn zeros(image: &dyn Image) -> Result<Option<&'static str>, ReadError> {
    let size = image.size_bytes();
    let edge = u64::try_from(EDGE).unwrap_or(u64::MAX);
    let mut buffer = vec![0; EDGE];
    let mut is_zero = |at: u64, length: usize| -> Result<bool, ReadError> {
        let left = usize::try_from(size.saturating_sub(at)).unwrap_or(usize::MAX).min(length);
        let part = buffer.get_mut(..left).unwrap_or_default();
        image.read_at(at, part)?;
        Ok(part.iter().all(|byte| *byte == 0))
    };
    if size <= SMALL {
        let mut at = 0;
        while at < size {
            if !is_zero(at, EDGE)? {
                return Ok(None);
            }
            at = at.saturating_add(edge);
        }
        return Ok(Some("zeros"));
    }
    if !is_zero(0, EDGE)? || !is_zero(size.saturating_sub(edge), EDGE)? {
        return Ok(None);
    }
    let step = size.checked_div(limits::ZERO_SAMPLES + 1).unwrap_or(size);
    for number in 1..=limits::ZERO_SAMPLES {
        let at = step.saturating_mul(number);
        if !is_zero(at - at % 4096, SAMPLE)? {
            return Ok(None);
        }
    }
    Ok(Some("zeros at its beginning, its end and 512 places between"))
}
