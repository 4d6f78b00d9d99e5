//! How orders and provider files name a volume of a source, and a tree in it.
//!
//! `p2` is a partition by its number in the table, `md0` an array, `vg/var` a logical volume, `whole` a disk without a
//! table; `d2.p1` and `d2.whole` stand on the second disk. A table in a partition, an array or a decrypted disk has its own:
//! `p2.p1`, `md0p1`, `whole.p1`. What follows behind a further `/` names a subvolume: `p2/@home`.
//!
//! **Invariant:** a name reads one way: what looks like a partition, an array or a whole disk is never a volume group.

/// A volume, and perhaps a subvolume of the file system on it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VolumeName {
    /// The volume: `p2`, `md0`, `vg/var`, `whole`, `d2.p1`.
    pub volume: String,
    /// The subvolume's path, without a leading `/`.
    pub subvolume: Option<String>,
}

impl VolumeName {
    /// Reads a name; none where it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let (first, rest) = match text.split_once('/') {
            Some((first, rest)) => (first, Some(rest)),
            None => (text, None),
        };
        let (volume, subvolume) = if is_structural(first) {
            (first.to_owned(), rest)
        } else {
            let rest = rest?;
            let (name, subvolume) = match rest.split_once('/') {
                Some((name, subvolume)) => (name, Some(subvolume)),
                None => (rest, None),
            };
            (is_lvm(first) && is_lvm(name)).then(|| (format!("{first}/{name}"), subvolume))?
        };
        let is_plain = |path: &str| path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        subvolume.is_none_or(is_plain).then(|| Self { volume, subvolume: subvolume.map(str::to_owned) })
    }
}

impl std::fmt::Display for VolumeName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.volume)?;
        self.subvolume.iter().try_for_each(|subvolume| write!(f, "/{subvolume}"))
    }
}

fn is_structural(text: &str) -> bool {
    let (text, inner) = text.split_once('.').map_or((text, None), |(outer, inner)| (outer, Some(inner)));
    if let Some(disk) = text.strip_prefix('d').filter(|disk| is_number(disk, 2)) {
        return inner.is_some_and(|inner| !disk.is_empty() && is_on_a_disk(inner));
    }
    is_base(text) && inner.is_none_or(are_partitions)
}

/// What stands behind `d2.`.
fn is_on_a_disk(text: &str) -> bool {
    let (base, inner) = text.split_once('.').map_or((text, None), |(base, inner)| (base, Some(inner)));
    is_base(base) && inner.is_none_or(are_partitions)
}

fn is_base(text: &str) -> bool {
    let array = text.strip_prefix("md").map(|rest| rest.split_once('p').map_or((rest, None), |(n, p)| (n, Some(p))));
    text == "whole"
        || is_partition(text)
        || array.is_some_and(|(number, part)| is_number(number, 0) && part.is_none_or(|part| is_number(part, 1)))
}

fn are_partitions(text: &str) -> bool {
    text.split('.').all(is_partition)
}

fn is_partition(text: &str) -> bool {
    text.strip_prefix('p').is_some_and(|digits| is_number(digits, 1))
}

fn is_number(digits: &str, first: u32) -> bool {
    (1..=5).contains(&digits.len())
        && !(digits.len() > 1 && digits.starts_with('0'))
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && digits.parse::<u32>().is_ok_and(|number| number >= first)
}

/// lvm(8): letters, digits and + _ . -, not beginning with a hyphen.
fn is_lvm(name: &str) -> bool {
    (1..=127).contains(&name.len())
        && !name.starts_with('-')
        && !matches!(name, "." | "..")
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+_.-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_volume_and_perhaps_a_subvolume() {
        for (text, volume, subvolume) in [
            ("p2", "p2", None),
            ("p2/@home", "p2", Some("@home")),
            ("whole/@/var", "whole", Some("@/var")),
            ("d2.p1", "d2.p1", None),
            ("d2.whole/x", "d2.whole", Some("x")),
            ("md127", "md127", None),
            ("md0p1/@", "md0p1", Some("@")),
            ("whole.p1", "whole.p1", None),
            ("p2.p1.p5/x", "p2.p1.p5", Some("x")),
            ("d3.md1p2", "d3.md1p2", None),
            ("vg/var", "vg/var", None),
            ("vg-1/lv_a/@home/x y", "vg-1/lv_a", Some("@home/x y")),
            ("d1.p1/x", "d1.p1/x", None),
        ] {
            let name = VolumeName::parse(text).unwrap();
            assert_eq!((name.volume.as_str(), name.subvolume.as_deref()), (volume, subvolume), "{text}");
            assert_eq!(name.to_string(), text);
        }
        for text in [
            "", "p0", "p01", "vg", "/vg/lv", "vg/", "p2/", "p2//x", "p2/../x", "p2/.", "-vg/lv", "d2.p0", "md",
            "md0p0", "whole.x",
        ] {
            assert_eq!(VolumeName::parse(text), None, "{text}");
        }
    }
}
