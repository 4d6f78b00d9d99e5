//! The tar as bytes: each header block is what its name and size make of it, padding and end are zero.
//!
//! It shares nothing with the reader and the writer of packages but the unit: what a header may say stands here once more,
//! as FORMAT.md says it (POSIX.1-2017, pax, "ustar Interchange Format").
//!
//! **Invariant:** every byte of the tar is content of one member, or was held against what must stand there.

use super::LeakKind;
use crate::package::layout::BLOCK_BYTES;

/// Takes what the tar holds.
pub(super) trait Members {
    /// A member begins.
    fn begin(&mut self, name: &[u8], size_bytes: u64);
    /// The next bytes of its content.
    fn content(&mut self, bytes: &[u8]);
    /// Its content has ended.
    fn end(&mut self);
    /// Something that no tar of ours has; in the member that began last, or behind it.
    fn fault(&mut self, kind: LeakKind);
}

/// Where in the tar the next byte stands.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
enum State {
    /// In a header, or in the first block of the end.
    #[default]
    Header,
    /// In the record of a pax header of that name.
    PaxRecord(Vec<u8>, u64),
    /// In the header that follows it; the size is the record's.
    Proper(Vec<u8>, u64),
    /// In the content of a member.
    Content { left: u64, padding: usize },
    /// In the padding behind it.
    Padding(usize),
    /// In the second block of the end.
    End,
    /// Behind the end.
    Behind,
    /// Behind something that cannot be read: what follows is nothing.
    Lost,
}

/// A tar, read block by block as it comes.
#[derive(Debug, Default)]
pub(super) struct Raw {
    state: State,
    block: Vec<u8>,
}

impl Raw {
    /// Takes the next bytes apart.
    pub(super) fn feed(&mut self, mut bytes: &[u8], members: &mut dyn Members) {
        while !bytes.is_empty() {
            bytes = match self.state {
                State::Lost => return,
                State::Behind => return self.lose(LeakKind::End, members),
                State::Content { left, padding } => {
                    let length = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    let (content, rest) = bytes.split_at_checked(length).unwrap_or((bytes, &[]));
                    members.content(content);
                    self.state = State::Content { left: left.saturating_sub(length as u64), padding };
                    self.content_may_end(members);
                    rest
                }
                State::Padding(left) => {
                    let (padding, rest) = bytes.split_at_checked(left.min(bytes.len())).unwrap_or((bytes, &[]));
                    if padding.iter().any(|&byte| byte != 0) {
                        members.fault(LeakKind::Padding);
                    }
                    let left = left.saturating_sub(padding.len());
                    self.state = if left == 0 { State::Header } else { State::Padding(left) };
                    rest
                }
                State::Header | State::PaxRecord(..) | State::Proper(..) | State::End => {
                    let wanted = BLOCK_BYTES.saturating_sub(self.block.len()).min(bytes.len());
                    let (part, rest) = bytes.split_at_checked(wanted).unwrap_or((bytes, &[]));
                    self.block.extend_from_slice(part);
                    if self.block.len() == BLOCK_BYTES {
                        let block = std::mem::take(&mut self.block);
                        self.whole_block(&block, members);
                    }
                    rest
                }
            };
        }
    }

    /// Nothing follows.
    pub(super) fn finish(&mut self, members: &mut dyn Members) {
        if !matches!(self.state, State::Behind | State::Lost) {
            self.lose(LeakKind::End, members);
        }
    }

    fn lose(&mut self, kind: LeakKind, members: &mut dyn Members) {
        members.fault(kind);
        self.state = State::Lost;
    }

    fn whole_block(&mut self, block: &[u8], members: &mut dyn Members) {
        let is_zero = block.iter().all(|&byte| byte == 0);
        match std::mem::take(&mut self.state) {
            State::End if is_zero => self.state = State::Behind,
            State::End => self.lose(LeakKind::End, members),
            State::PaxRecord(name, stated) => match pax_size(block, stated) {
                Some(size_bytes) => self.state = State::Proper(name, size_bytes),
                None => self.lose(LeakKind::Header, members),
            },
            State::Proper(pax_name, size_bytes) => match Head::read(block) {
                Some(head) => {
                    let fits = head.kind == b'0' && head.size_bytes == 0 && pax_name == pax_name_of(&head.name);
                    self.member(&head, size_bytes, fits, members);
                }
                None => self.lose(LeakKind::Header, members),
            },
            _ if is_zero => self.state = State::End,
            _ => match Head::read(block) {
                Some(head) if head.kind == b'x' && head.is_plain && head.size_bytes <= BLOCK_BYTES as u64 => {
                    self.state = State::PaxRecord(head.name, head.size_bytes);
                }
                Some(head) => self.member(&head, head.size_bytes, head.kind == b'0', members),
                None => self.lose(LeakKind::Header, members),
            },
        }
    }

    fn member(&mut self, head: &Head, size_bytes: u64, fits: bool, members: &mut dyn Members) {
        members.begin(&head.name, size_bytes);
        if !fits || !head.is_plain {
            members.fault(LeakKind::Header);
        }
        let over = usize::try_from(size_bytes % BLOCK_BYTES as u64).unwrap_or(0);
        let padding = if over == 0 { 0 } else { BLOCK_BYTES.saturating_sub(over) };
        self.state = State::Content { left: size_bytes, padding };
        self.content_may_end(members);
    }

    fn content_may_end(&mut self, members: &mut dyn Members) {
        if let State::Content { left: 0, padding } = self.state {
            members.end();
            self.state = if padding == 0 { State::Header } else { State::Padding(padding) };
        }
    }
}

/// A header block.
struct Head {
    name: Vec<u8>,
    size_bytes: u64,
    kind: u8,
    /// Everything else in it is what it is in every header.
    is_plain: bool,
}

/// What stands in every header: where, and what.
const FIXED: [(usize, &[u8]); 5] = [
    (100, b"0000644\0"),
    // The numbers of the owner and the group.
    (108, b"0000000\0"),
    (116, b"0000000\0"),
    // The time of its last change.
    (136, b"00000000000\0"),
    (257, b"ustar\x0000"),
];
/// What is zero in every header: the target of a link; the names of owner and group, device numbers, prefix and what is
/// behind it.
const ZERO: [(usize, usize); 2] = [(157, 257), (265, BLOCK_BYTES)];

impl Head {
    /// None: the size is no number of eleven octal digits.
    fn read(block: &[u8]) -> Option<Self> {
        let field = block.get(..100)?;
        let (name, behind) = field.split_at_checked(field.iter().position(|&byte| byte == 0).unwrap_or(100))?;
        let (digits, zero) = block.get(124..136)?.split_at_checked(11)?;
        if !digits.iter().all(|digit| (b'0'..=b'7').contains(digit)) {
            return None;
        }
        let size_bytes = u64::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()?;
        let is_fixed = FIXED.iter().all(|(at, value)| block.get(*at..).is_some_and(|rest| rest.starts_with(value)));
        let zeros = ZERO.iter().filter_map(|&(from, to)| block.get(from..to)).chain([behind, zero]);
        let is_zero = zeros.flatten().all(|&byte| byte == 0);
        let sum: u64 =
            (0..).zip(block).map(|(at, &byte)| if (148..156).contains(&at) { 32 } else { byte.into() }).sum();
        let is_summed = block.get(148..156) == Some(format!("{sum:06o}\0 ").as_bytes());
        let kind = *block.get(156)?;
        Some(Self { name: name.to_vec(), size_bytes, kind, is_plain: is_fixed && is_zero && is_summed })
    }
}

/// The size that the record of a pax header states: the one record `LENGTH size=SIZE`, of a size that needs it, and zeros.
fn pax_size(block: &[u8], stated_bytes: u64) -> Option<u64> {
    let (record, zeros) = block.split_at_checked(usize::try_from(stated_bytes).ok()?)?;
    let text = std::str::from_utf8(record).ok()?.strip_suffix('\n')?;
    let (length, size) = text.split_once(" size=")?;
    let size_bytes: u64 = size.parse().ok()?;
    let is_canonical = length == record.len().to_string() && size == size_bytes.to_string();
    let is_needed = size_bytes >= 1 << 33;
    (is_canonical && is_needed && zeros.iter().all(|&byte| byte == 0)).then_some(size_bytes)
}

/// What a pax header before a member of that name is called: `TOP/PaxHeaders/LAST`.
fn pax_name_of(name: &[u8]) -> Vec<u8> {
    let first = name.split(|&byte| byte == b'/').next().unwrap_or_default();
    let last = name.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    [first, b"/PaxHeaders/", last].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::layout;

    #[derive(Default)]
    struct Seen(Vec<(Vec<u8>, u64, Vec<u8>)>, Vec<LeakKind>);

    impl Members for Seen {
        fn begin(&mut self, name: &[u8], size_bytes: u64) {
            self.0.push((name.to_vec(), size_bytes, Vec::new()));
        }
        fn content(&mut self, bytes: &[u8]) {
            self.0.last_mut().unwrap().2.extend_from_slice(bytes);
        }
        fn end(&mut self) {}
        fn fault(&mut self, kind: LeakKind) {
            self.1.push(kind);
        }
    }

    fn tar() -> Vec<u8> {
        let mut out = Vec::new();
        for (name, content) in [("a/x", &b"hello"[..]), ("a/empty", b""), ("a/y", &[7; 512])] {
            out.extend(layout::header(name.as_bytes(), content.len() as u64));
            out.extend_from_slice(content);
            out.resize(out.len() + layout::padding_bytes(content.len() as u64), 0);
        }
        out.extend_from_slice(&layout::END);
        out
    }

    fn read(bytes: &[u8], chunk: usize) -> Seen {
        let (mut raw, mut seen) = (Raw::default(), Seen::default());
        bytes.chunks(chunk).for_each(|part| raw.feed(part, &mut seen));
        raw.finish(&mut seen);
        seen
    }

    #[test]
    fn what_the_writer_writes_is_plain_in_chunks_of_any_size() {
        for chunk in [1, 7, 511, 512, 513, 100_000] {
            let Seen(members, faults) = read(&tar(), chunk);
            assert_eq!(faults, [], "{chunk}");
            let sizes: Vec<u64> = members.iter().map(|(_, size, _)| *size).collect();
            assert_eq!(sizes, [5, 0, 512]);
            assert!(members.iter().all(|(_, size, content)| content.len() as u64 == *size));
        }
    }

    #[test]
    fn no_byte_outside_contents_and_names_can_be_changed_without_a_fault() {
        let good = tar();
        let is_content = |at: usize| (512..517).contains(&at) || (2048..2560).contains(&at);
        // A letter of a name that is another letter, with its checksum, is another name: whoever reads the names sees that.
        for at in (0..good.len()).filter(|&at| !is_content(at)) {
            for bit in 0..8 {
                let mut bytes = good.clone();
                bytes[at] ^= 1 << bit;
                assert!(!read(&bytes, 100_000).1.is_empty(), "byte {at}");
            }
        }
        for length in 0..good.len() {
            assert!(!read(&good[..length], 100_000).1.is_empty(), "{length} bytes");
        }
        assert_eq!(read(&[&good[..], b"\0"].concat(), 100_000).1, [LeakKind::End]);
    }

    #[test]
    fn a_size_that_eleven_digits_cannot_hold_is_one_pax_record_and_nothing_beside_it() {
        let size_bytes = layout::USTAR_SIZE_BYTES + 5;
        let good = layout::header(b"a/big", size_bytes);
        let seen = read(&good, 100);
        assert_eq!((seen.0[0].1, seen.1), (size_bytes, vec![LeakKind::End]), "only its content is missing");
        for (at, text) in [(512 + 24, &b"28 comment=host.example.org\n"[..]), (265, b"root"), (20, b"x"), (1024, b"b")]
        {
            let mut bytes = good.clone();
            bytes[at..at + text.len()].copy_from_slice(text);
            let sum: u32 = (0..512).map(|at| if (148..156).contains(&at) { 32 } else { u32::from(bytes[at]) }).sum();
            bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            assert!(read(&bytes, 100).1.contains(&LeakKind::Header), "{at}");
        }
        let small = [&layout::header(b"a/x", size_bytes)[..512], &pax(b"18 size=0000000005\n"), &tar()].concat();
        assert_eq!(read(&small, 100).1, [LeakKind::Header]);
    }

    fn pax(record: &[u8]) -> Vec<u8> {
        let mut block = record.to_vec();
        block.resize(512, 0);
        block
    }
}
