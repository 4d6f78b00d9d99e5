//! `/etc/fstab`: which device the server mounts where (fstab(5)).
//!
//! **Invariant:** a line that cannot be read proposes nothing; what is proposed is for staff to hold against the server's
//! documents, and is never used unless they write it down.

/// A line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The device, by name, UUID or label.
    pub device: Device,
    /// Where it is mounted.
    pub at: String,
    /// The subvolume that its options name (btrfs).
    pub subvolume: Option<String>,
}

/// How a table names a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Device {
    /// By the UUID of what stands on it, in lower case.
    Uuid(String),
    /// By the label of what stands on it.
    Label(String),
    /// By a name that says which volume it is: `p2`, `d2.p1`, `md0`, `vg/var`, `whole`.
    Volume(String),
}

/// The lines that mount a device at a place of the server.
pub fn read(text: &[u8]) -> Vec<Line> {
    let text = String::from_utf8_lossy(text);
    text.lines().filter_map(line).collect()
}

fn line(line: &str) -> Option<Line> {
    let mut fields = line.split_whitespace();
    let (device, at, kind) = (fields.next()?, unescaped(fields.next()?)?, fields.next()?);
    if device.starts_with('#') || !at.starts_with('/') || matches!(kind, "swap" | "proc" | "tmpfs" | "nfs" | "bind") {
        return None;
    }
    let options = fields.next().unwrap_or_default();
    if options.split(',').any(|option| matches!(option, "bind" | "rbind")) {
        return None;
    }
    let subvolume = options.split(',').find_map(|option| option.strip_prefix("subvol="));
    let subvolume = subvolume.map(|path| path.trim_matches('/').to_owned()).filter(|path| !path.is_empty());
    Some(Line { device: self::device(&unescaped(device)?)?, at, subvolume })
}

/// `\040` and the like: a blank, a tab, a line end or a backslash in octal.
fn unescaped(field: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = field.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        if first != b'\\' {
            bytes.push(first);
            continue;
        }
        let (digits, behind) = rest.split_at_checked(3)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()?);
        rest = behind;
    }
    String::from_utf8(bytes).ok()
}

fn device(name: &str) -> Option<Device> {
    let unquoted = |value: &str| value.trim_matches('"').to_owned();
    if let Some(uuid) = name.strip_prefix("UUID=").or_else(|| name.strip_prefix("/dev/disk/by-uuid/")) {
        return Some(Device::Uuid(unquoted(uuid).to_ascii_lowercase()));
    }
    if let Some(label) = name.strip_prefix("LABEL=").or_else(|| name.strip_prefix("/dev/disk/by-label/")) {
        return Some(Device::Label(unquoted(label)));
    }
    let name = name.strip_prefix("/dev/")?;
    if let Some(mapped) = name.strip_prefix("mapper/") {
        return mapped_volume(mapped).map(Device::Volume);
    }
    if name.strip_prefix("md").is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())) {
        return Some(Device::Volume(name.to_owned()));
    }
    if let Some((group, volume)) = name.split_once('/') {
        return (!volume.contains('/')).then(|| Device::Volume(format!("{group}/{volume}")));
    }
    partition(name).map(Device::Volume)
}

/// `vg-var` is vg/var; a hyphen in a name is doubled (lvm(8)).
fn mapped_volume(mapped: &str) -> Option<String> {
    let marked = mapped.replace("--", "\u{0}");
    let (group, volume) = marked.split_once('-')?;
    Some(format!("{}/{}", group.replace('\u{0}', "-"), volume.replace('\u{0}', "-")))
}

/// `sda2`, `vdb1`, `xvda`, `nvme0n1p2`: the disks by their letter or number, the partition by its number.
fn partition(name: &str) -> Option<String> {
    let (disk, number) = if let Some(rest) = name.strip_prefix("nvme") {
        let (disk, part) = rest.split_once('n')?;
        let number = part.split_once('p').map_or("", |(_, number)| number);
        (disk.parse::<u32>().ok()?.checked_add(1)?, number)
    } else {
        let rest = ["xvd", "sd", "vd", "hd"].iter().find_map(|kind| name.strip_prefix(kind))?;
        let letter = rest.bytes().next().filter(u8::is_ascii_lowercase)?;
        (u32::from(letter - b'a') + 1, rest.get(1..)?)
    };
    let volume = match number {
        "" => "whole".to_owned(),
        number => format!("p{}", number.parse::<u32>().ok().filter(|number| *number > 0)?),
    };
    Some(if disk == 1 { volume } else { format!("d{disk}.{volume}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_says_what_is_mounted_where() {
        let text = b"# <file system> <mount point>\n\
            UUID=6A1b-22CC / ext4 errors=remount-ro 0 1\n\
            /dev/sda2\t/boot ext2 defaults 0 2\n\
            /dev/vdb /srv\\040data xfs defaults 0 0\n\
            /dev/nvme0n1p3 /opt xfs defaults 0 0\n\
            LABEL=home /home btrfs rw,subvol=/@home,compress=zstd 0 0\n\
            /dev/mapper/vg--1-lv_a /var ext4 defaults 0 2\n\
            /dev/vg/log /var/log ext4 defaults 0 2\n\
            /dev/md0 /data ext4 defaults 0 2\n\
            /dev/sda5 none swap sw 0 0\n\
            tmpfs /tmp tmpfs defaults 0 0\n\
            /srv/a /srv/b none bind 0 0\n\
            proc /proc proc defaults 0 0\n\
            broken\n";
        let lines: Vec<String> =
            read(text).into_iter().map(|line| format!("{:?} {} {:?}", line.device, line.at, line.subvolume)).collect();
        assert_eq!(
            lines,
            [
                "Uuid(\"6a1b-22cc\") / None",
                "Volume(\"p2\") /boot None",
                "Volume(\"d2.whole\") /srv data None",
                "Volume(\"p3\") /opt None",
                "Label(\"home\") /home Some(\"@home\")",
                "Volume(\"vg-1/lv_a\") /var None",
                "Volume(\"vg/log\") /var/log None",
                "Volume(\"md0\") /data None",
            ]
        );
    }
}
