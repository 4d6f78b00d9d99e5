//! The log of the Linux audit daemon; one line a record, though one event may be several lines.
//!
//! `type=SYSCALL msg=audit(1364481363.243:24287): arch=c000003e ...`, with `node=host` before it where the site says so. Source:
//! audit 3.0, `auditd-event.c`, and the kernel's `audit.c`: the time is Unix time; a string that is not the kernel's own and
//! holds a blank, a quote or a control byte is written in hexadecimal digits. Which fields may be so is the list of
//! `auparse/typetab.h` (escaped). They are decoded for a search of tokens, and so are the addresses of `saddr`. In the
//! enriched format the interpreted fields follow behind a byte 1D; they are text.
//!
//! An argument over the kernel's bound is cut into `a1[0]`, `a1[1]`: what stands across a cut cannot be found.
//!
//! **Invariant:** a number is never decoded as if it were a string.

use std::io::Read;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;

use super::field::trim_end;
use super::layout::{self, Laid};
use super::line::{self, LineFormat};
use super::{RecordFormat, RecordSink, SplitError, escape, stamp};
use crate::clock::Timestamp;
use crate::order::{Family, Format, Role};
use crate::scope::{Reading, TimeField, Value};

/// Fields whose value may be written in hexadecimal digits.
const ESCAPED: [&[u8]; 38] = [
    b"acct",
    b"apparmor",
    b"cgroup",
    b"cmd",
    b"comm",
    b"cwd",
    b"data",
    b"denied_mask",
    b"device",
    b"dir",
    b"exe",
    b"file",
    b"grp",
    b"info",
    b"invalid_context",
    b"key",
    b"name",
    b"new-chardev",
    b"new-disk",
    b"new-fs",
    b"new-net",
    b"new-rng",
    b"new_group",
    b"ocomm",
    b"old-chardev",
    b"old-disk",
    b"old-fs",
    b"old-net",
    b"old-rng",
    b"operation",
    b"path",
    b"proctitle",
    b"profile",
    b"requested_mask",
    b"root_dir",
    b"sw",
    b"vm",
    b"watch",
];

/// The format.
pub struct Auditd;

impl RecordFormat for Auditd {
    fn format(&self) -> Format {
        Format::Auditd
    }

    /// At least a quarter of the lines that are shown whole have the shape.
    fn probe(&self, head: &[u8], whole: bool) -> bool {
        layout::fits_a_quarter::<Layout<'_>>(head, whole)
    }

    fn split(&self, stream: &mut dyn Read, _: Option<&Path>, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        line::split::<Self>(stream, sink)
    }
}

impl LineFormat for Auditd {
    type Line<'a> = Laid<'a, Layout<'a>>;

    fn line(bytes: &[u8]) -> Self::Line<'_> {
        Laid::new(bytes)
    }
}

/// What a line says.
#[derive(Debug)]
pub struct Layout<'a> {
    kind: &'a [u8],
    time: Option<Timestamp>,
    fields: &'a [u8],
}

impl<'a> layout::Layout<'a> for Layout<'a> {
    const FAMILY: Family = Family::Line;

    fn of(bytes: &'a [u8]) -> Option<Self> {
        let mut line = trim_end(bytes);
        if let Some(node) = line.strip_prefix(b"node=") {
            line = node.get(memchr::memchr(b' ', node)? + 1..)?;
        }
        let rest = line.strip_prefix(b"type=")?;
        let (kind, rest) = rest.split_at_checked(memchr::memchr(b' ', rest).filter(|&length| length > 0)?)?;
        let rest = rest.strip_prefix(b" msg=audit(")?;
        let digits = rest.iter().take(12).take_while(|byte| byte.is_ascii_digit()).count();
        let (seconds, rest) = rest.split_at_checked(digits)?;
        let seconds: Option<i64> = std::str::from_utf8(seconds).ok()?.parse().ok();
        let (milliseconds, rest) = stamp::digits(rest.strip_prefix(b".")?, 3)?;
        let rest = rest.strip_prefix(b":")?;
        let serial = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let fields = rest.get(serial..)?.strip_prefix(b"):").filter(|_| serial > 0 && seconds.is_some())?;
        let time = seconds.and_then(|seconds| Timestamp::new(seconds, milliseconds * 1_000_000));
        matches!(fields, [] | [b' ', ..]).then_some(Self { kind, time, fields })
    }

    fn time(&self) -> TimeField {
        self.time.map_or(TimeField::Unreadable, TimeField::At)
    }

    fn values(&self, _role: Role, _visit: &mut dyn FnMut(Value<'_>)) -> Reading {
        Reading::Partial
    }

    fn texts(bytes: &'a [u8], visit: &mut dyn FnMut(&[u8])) -> Reading {
        let text = trim_end(bytes);
        visit(text);
        escape::decoded_forms(text, visit);
        let (kind, fields) = Self::of(bytes).map_or((&b""[..], text), |layout| (layout.kind, layout.fields));
        let mut reading = Reading::Complete;
        for word in fields.split(|byte| matches!(byte, b' ' | b'\'' | 0x1d)) {
            let Some(equals) = memchr::memchr(b'=', word) else { continue };
            let (Some(key), Some(value)) = (word.get(..equals), word.get(equals + 1..)) else { continue };
            let is_argument = kind == b"EXECVE" && is_argument(key);
            if is_argument && (key.ends_with(b"]") || key.ends_with(b"_len")) {
                reading = Reading::Partial;
            }
            if !(is_argument || ESCAPED.contains(&key) || key == b"saddr") {
                continue;
            }
            let Some(plain) = hexadecimal(value) else { continue };
            if key != b"saddr" {
                visit(&plain);
            } else if address(&plain, visit).is_none() {
                reading = Reading::Partial;
            }
        }
        reading
    }
}

/// `a0`, `a1[0]`, `a1_len`.
fn is_argument(key: &[u8]) -> bool {
    matches!(key, [b'a', digit, ..] if digit.is_ascii_digit())
}

/// What hexadecimal digits stand for: the kernel writes capital ones, and a pair for each byte.
fn hexadecimal(value: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    };
    if value.is_empty() || value.len() % 2 == 1 {
        return None;
    }
    value
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}

/// Shows a socket's address (`struct sockaddr`) as text. None: it is cut.
fn address(bytes: &[u8], visit: &mut dyn FnMut(&[u8])) -> Option<()> {
    match bytes {
        // AF_INET, in either order of bytes.
        [2, 0, rest @ ..] | [0, 2, rest @ ..] => {
            let &[high, low, a, b, c, d, ..] = rest else { return None };
            let port = u16::from_be_bytes([high, low]);
            visit(format!("{}:{port}", Ipv4Addr::new(a, b, c, d)).as_bytes());
        }
        [10, 0, rest @ ..] | [0, 10, rest @ ..] => {
            let &[high, low, _, _, _, _, ..] = rest else { return None };
            let ip: [u8; 16] = rest.get(6..22)?.try_into().ok()?;
            visit(format!("[{}]:{}", Ipv6Addr::from(ip), u16::from_be_bytes([high, low])).as_bytes());
        }
        // A path, a netlink port, ...
        [_, _, rest @ ..] => visit(rest),
        _ => return None,
    }
    Some(())
}
