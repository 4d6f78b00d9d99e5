//! Mapping pairs: how many clusters a file has in a row, and how far from the row before they begin.
//!
//! **Invariant:** every run lies within the volume, and a piece holds exactly the clusters that its attribute states.

use super::super::extent::Extents;
use super::boot::Geometry;
use super::record::Runs;
use crate::read_error::ReadError;

/// Puts the clusters of a piece behind those before it. `may_have_holes`: the attribute says that it is sparse or
/// compressed.
pub(super) fn append(
    geometry: &Geometry,
    runs: &Runs<'_>,
    may_have_holes: bool,
    extents: &mut Extents,
) -> Result<(), ReadError> {
    let corrupt = |what| ReadError::Corrupt { offset: 0, what };
    let bad = || corrupt("the runs of an attribute");
    if runs.lowest.checked_mul(geometry.cluster_bytes) != Some(extents.bytes()) {
        return Err(corrupt("the pieces of an attribute do not follow one another"));
    }
    let mut rest = runs.pairs;
    let mut at = 0_i64;
    let mut count = 0_u64;
    loop {
        let (&head, behind) = rest.split_first().ok_or_else(bad)?;
        if head == 0 {
            break;
        }
        let (length, behind) = number(behind, head & 0xf).ok_or_else(bad)?;
        let (distance, behind) = number(behind, head >> 4).ok_or_else(bad)?;
        rest = behind;
        let length = u64::try_from(length).ok().filter(|length| *length > 0).ok_or_else(bad)?;
        let place = if head >> 4 == 0 {
            if !may_have_holes {
                return Err(corrupt("a hole in an attribute that has none"));
            }
            None
        } else {
            at = at.checked_add(distance).ok_or_else(bad)?;
            let first = u64::try_from(at).map_err(|_| bad())?;
            if first.checked_add(length).is_none_or(|end| end > geometry.clusters) {
                return Err(corrupt("a cluster outside the volume"));
            }
            Some(first * geometry.cluster_bytes)
        };
        count = count.checked_add(length).ok_or_else(bad)?;
        extents.push(length.checked_mul(geometry.cluster_bytes).ok_or_else(bad)?, place)?;
    }
    if runs.highest.wrapping_add(1).checked_sub(runs.lowest) != Some(count) {
        return Err(corrupt("an attribute with other clusters than it states"));
    }
    Ok(())
}

/// A number with a sign in so many bytes, and what stands behind it.
fn number(bytes: &[u8], length: u8) -> Option<(i64, &[u8])> {
    let (own, behind) = bytes.split_at_checked(usize::from(length)).filter(|_| length <= 8)?;
    let mut value = if own.last().is_some_and(|byte| byte & 0x80 != 0) { -1_i64 } else { 0 };
    for byte in own.iter().rev() {
        value = value << 8 | i64::from(*byte);
    }
    Some((value, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_go_forth_and_back_and_a_hole_must_be_allowed() {
        let geometry = Geometry { cluster_bytes: 512, clusters: 0x1000, record_bytes: 1024, table: 512 };
        let read = |pairs: &[u8], highest, holes| {
            let runs = Runs { lowest: 0, highest, size_bytes: 0, written_bytes: 0, unit: 0, pairs };
            let mut extents = Extents::default();
            append(&geometry, &runs, holes, &mut extents)?;
            Ok::<_, ReadError>(extents.parts(0, u64::MAX).collect::<Vec<_>>())
        };
        let pairs = [0x21, 0x03, 0x00, 0x01, 0x11, 0x02, 0xf0, 0x01, 0x05, 0x11, 0x01, 0x20, 0x00];
        let expected = [(3, Some(0x100)), (2, Some(0xf0)), (5, None), (1, Some(0x110))];
        let expected = expected.map(|(length, place): (u64, Option<u64>)| (length * 512, place.map(|at| at * 512)));
        assert_eq!(read(&pairs, 10, true).expect("runs"), expected);
        assert!(read(&pairs, 10, false).is_err(), "a hole");
        assert!(read(&pairs, 9, true).is_err(), "one cluster too many");
        assert!(read(&pairs[..12], 10, true).is_err(), "no end");
        assert!(read(&[0x11, 0x01, 0x80, 0x00], 0, true).is_err(), "before the volume");
        assert!(read(&[0x21, 0x01, 0x00, 0x10, 0x00], 0, true).is_err(), "behind the volume");
        assert!(read(&[0x11, 0xff, 0x01, 0x00], 0, true).is_err(), "a negative length");
        assert!(read(&[0x19, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0x00], 0, true).is_err(), "a number of nine bytes");
        assert_eq!(read(&[0x00], u64::MAX, true).expect("none"), []);
    }
}
