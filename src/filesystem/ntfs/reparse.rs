//! Reparse points: entries that stand for something else.
//!
//! The tags are those of Microsoft's [MS-FSCC], section 2.1.2.1.
//!
//! **Invariant:** what is only a stand-in for content that lies elsewhere or in another form is never given as the content.

use crate::read_error::ReadError;

/// Of a tag: the entry is a name for something else.
const IS_SURROGATE: u32 = 0x2000_0000;
/// Of a tag: a folder with it holds entries as any other does.
const MAY_HOLD: u32 = 0x1000_0000;
/// A link of the Windows Subsystem for Linux, which has not the bit above.
const LX_LINK: u32 = 0xa000_001d;
/// Its socket, pipe, character and block device.
const LX_SPECIAL: std::ops::RangeInclusive<u32> = 0x8000_0023..=0x8000_0026;

/// Tags of files whose content is elsewhere or in another form, without the bits that only cloud providers set.
const STAND_INS: [(u32, &str); 9] = [
    (0x8000_0017, "compressed by the Windows Overlay Filter"),
    (0x8000_0013, "kept by Windows's data deduplication"),
    (0x9000_001a, "kept in a cloud (Cloud Files)"),
    (0x8000_0021, "kept in a cloud (OneDrive)"),
    (0x9000_001c, "projected by another program (ProjFS)"),
    (0xc000_0004, "moved to other storage (HSM)"),
    (0x8000_0006, "moved to other storage (HSM)"),
    (0x8000_0007, "kept in a single instance store"),
    (0x8000_0008, "kept in an image (WIM)"),
];

/// It is a link: a symbolic one, a junction, a mount point.
pub(super) fn is_link(tag: u32) -> bool {
    tag & IS_SURROGATE != 0 || tag == LX_LINK
}

/// It is a device, a pipe or a socket.
pub(super) fn is_special(tag: u32) -> bool {
    LX_SPECIAL.contains(&tag)
}

/// A folder with this tag is listed as any other.
pub(super) fn may_hold(tag: u32) -> bool {
    tag & MAY_HOLD != 0
}

/// The refusal of what has this tag.
pub(super) fn refusal(tag: u32) -> ReadError {
    // A cloud provider counts its states in these bits.
    const STATES: u32 = 0x0000_f000;
    let name = STAND_INS.iter().find(|(known, _)| *known == tag || *known == tag & !STATES);
    let what = match name {
        Some((_, name)) => format!("a file that is {name}"),
        None => format!("a file with a reparse point of the tag {tag:#010x}"),
    };
    ReadError::Unsupported { offset: 0, what }
}
