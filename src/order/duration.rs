//! ISO 8601 durations: `P7D`, `P1M`, `PT36H`, `P2W`.
//!
//! **Invariant:** only whole numbers, each unit once and in order; weeks stand alone; something is more than zero.

/// The text is an ISO 8601 duration of more than nothing (ISO 8601-1:2019, 5.5.2.2 and 5.5.2.3).
pub(super) fn is_duration(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('P') else { return false };
    if let Some(weeks) = rest.strip_suffix('W') {
        return number(weeks).is_some_and(|weeks| weeks > 0);
    }
    let (date, time) = match rest.split_once('T') {
        Some((_, "")) => return false,
        Some((date, time)) => (date, time),
        None => (rest, ""),
    };
    let (Some(date), Some(time)) = (sum(date, "YMD"), sum(time, "HMS")) else { return false };
    date + time > 0
}

/// The sum of the numbers before units that appear in the order of `units`; None where it is anything else.
fn sum(text: &str, units: &str) -> Option<u64> {
    let (mut total, mut rest, mut left) = (0, text, units);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let (digits, tail) = rest.split_at_checked(end)?;
        let unit = tail.chars().next()?;
        total += number(digits)?;
        left = left.split_once(unit)?.1;
        rest = tail.get(unit.len_utf8()..)?;
    }
    Some(total)
}

fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || digits.len() > 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_names_its_units_once_and_in_order() {
        for (text, expected) in [
            ("P7D", true),
            ("P1Y2M3DT4H5M6S", true),
            ("PT36H", true),
            ("P2W", true),
            ("PT0H1M", true),
            ("P0D", false),
            ("P", false),
            ("PT", false),
            ("P1DT", false),
            ("7D", false),
            ("P7", false),
            ("P7D1M", false),
            ("P1D1D", false),
            ("P1.5D", false),
            ("P2W1D", false),
            ("p7d", false),
            ("P-7D", false),
            ("P7H", false),
            ("P9999999D", false),
            ("P7ä", false),
        ] {
            assert_eq!(is_duration(text), expected, "{text}");
        }
    }
}
