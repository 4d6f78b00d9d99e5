//! The segments of one image: which files stand beside the first one, by their names alone.
//!
//! Raw disks are split as `x.000 x.001 ...` or `x.001 x.002 ...` (dd's successors, Guymager, FTK Imager) and as
//! `x.aa x.ab ...` or `x.aaa ...` (`split`); EWF as `x.E01 ... x.E99 x.EAA ...`. A name that only looks like one, such as
//! a year of four digits, is no segment. No file is opened but those whose names continue the first one's.
//!
//! **Invariant:** what is returned begins at the first segment and has no gap; a later segment that was named in place of
//! the first, and a number that is missing, are errors.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use super::{Image, Stored, StoredFile};
use crate::limits;
use crate::read_error::ReadError;

/// How segments are numbered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Naming {
    /// Three digits, and four behind `999`.
    Digits,
    /// So many lower-case letters.
    Letters(usize),
    /// `E01` to `E99`, then letters; in either case.
    Ewf,
}

impl Naming {
    /// The place of this extension among the segments.
    fn number(self, extension: &[u8]) -> Option<u32> {
        match self {
            Self::Digits => {
                let is_plain = extension.len() == 3 || extension.len() == 4 && !extension.starts_with(b"0");
                if !is_plain || !extension.iter().all(u8::is_ascii_digit) {
                    return None;
                }
                std::str::from_utf8(extension).ok()?.parse().ok()
            }
            Self::Letters(width) => {
                let is_plain = extension.len() == width && extension.iter().all(u8::is_ascii_lowercase);
                is_plain.then(|| extension.iter().fold(0, |number, sign| number * 26 + u32::from(sign - b'a')))
            }
            Self::Ewf => {
                let [first, rest @ ..]: [u8; 3] = extension.to_ascii_uppercase().try_into().ok()?;
                let [second, third] = rest;
                if first == b'E' && second.is_ascii_digit() && third.is_ascii_digit() {
                    return Some(u32::from(second - b'0') * 10 + u32::from(third - b'0'));
                }
                let is_plain = first >= b'E' && extension.iter().all(u8::is_ascii_alphabetic);
                let place = |sign: u8| u32::from(sign.saturating_sub(b'A'));
                is_plain.then(|| 100 + (place(first) - 4) * 676 + place(second) * 26 + place(third))
            }
        }
    }

    /// The extension at a place.
    fn extension(self, number: u32) -> Option<Vec<u8>> {
        let letter = |place: u32| u8::try_from(place % 26).ok().map(|place| b'a' + place);
        match self {
            Self::Digits => (number <= 9_999).then(|| format!("{number:03}").into_bytes()),
            Self::Letters(width) => {
                let mut signs = Vec::new();
                let mut rest = number;
                for _ in 0..width {
                    signs.insert(0, letter(rest)?);
                    rest /= 26;
                }
                (rest == 0).then_some(signs)
            }
            Self::Ewf if number <= 99 => Some(format!("E{number:02}").into_bytes()),
            Self::Ewf => {
                let place = number - 100;
                let first = 4 + place / 676;
                let signs = [letter(first)?, letter(place / 26)?, letter(place)?];
                (first < 26).then(|| signs.to_ascii_uppercase())
            }
        }
    }
}

/// The segments of a raw disk: the named file alone, unless its name says that it is the first of several.
pub fn raw(stored: &Stored) -> Result<Vec<Arc<StoredFile>>, ReadError> {
    let extension = stored.place.extension().map(OsStr::as_bytes).unwrap_or_default();
    let namings = [Naming::Digits, Naming::Letters(2), Naming::Letters(3)];
    let found = namings.into_iter().find_map(|naming| Some((naming, naming.number(extension)?)));
    let Some((naming, number)) = found else { return Ok(vec![Arc::clone(&stored.file)]) };
    let beside = beside(stored, naming)?;
    if number > 0 && number.checked_sub(1).is_some_and(|before| beside.contains(&before)) {
        return Err(later());
    }
    match naming {
        Naming::Digits if number == 0 || number == 1 => {}
        // A name such as `x.017` says that there is a first segment, wherever it is.
        Naming::Digits => return Err(later()),
        // Letters are a segment's only where they begin at `aa`: `x.dd` is a name of its own.
        _ if number > 0 => return Ok(vec![Arc::clone(&stored.file)]),
        _ => {}
    }
    let end = (number..).find(|number| !beside.contains(number)).unwrap_or(number);
    // Letters further behind are other files' extensions.
    let reach = if naming == Naming::Digits { u32::MAX } else { end.saturating_add(26) };
    if beside.range(end..reach).next().is_some() {
        return Err(ReadError::Unsupported {
            offset: 0,
            what: format!("a split image without its segment {}", text(naming, end)),
        });
    }
    collect(stored, naming, number..end)
}

/// The segments of an EWF image. What comes last says of itself that it is the last.
pub fn ewf(stored: &Stored) -> Result<Vec<Arc<StoredFile>>, ReadError> {
    let extension = stored.place.extension().map(OsStr::as_bytes).unwrap_or_default();
    match Naming::Ewf.number(extension) {
        Some(1) => {}
        None => return Ok(vec![Arc::clone(&stored.file)]),
        Some(_) => return Err(later()),
    }
    let beside = beside(stored, Naming::Ewf)?;
    let end = (1..).find(|number| !beside.contains(number)).unwrap_or(1);
    collect(stored, Naming::Ewf, 1..end)
}

/// The name of the named file says that it is one of several, and a further one stands beside it.
pub fn is_split(stored: &Stored) -> bool {
    raw(stored).is_ok_and(|segments| segments.len() > 1)
}

fn later() -> ReadError {
    let what = "a later segment of a split image; name its first one".to_owned();
    ReadError::Unsupported { offset: 0, what }
}

fn text(naming: Naming, number: u32) -> String {
    naming.extension(number).map(|extension| String::from_utf8_lossy(&extension).into_owned()).unwrap_or_default()
}

/// The places of all files beside the named one that have its name and an extension of this kind.
fn beside(stored: &Stored, naming: Naming) -> Result<BTreeSet<u32>, ReadError> {
    let mut found = BTreeSet::new();
    let stem = stored.place.file_stem();
    let folder = stored.place.parent().unwrap_or(Path::new("/"));
    let folder = std::fs::read_dir(folder).map_err(|error| ReadError::io(0, error))?;
    for (count, entry) in folder.enumerate() {
        if count >= limits::SEGMENT_NEIGHBOURS {
            return Err(ReadError::Limit { offset: 0, what: "files beside a segment of an image" });
        }
        let name = entry.map_err(|error| ReadError::io(0, error))?.file_name();
        let name = Path::new(&name);
        let extension = name.extension().map(OsStr::as_bytes).unwrap_or_default();
        if let Some(number) = naming.number(extension)
            && name.file_stem() == stem
            && !found.insert(number)
        {
            let what = "a split image with two segments of one number".to_owned();
            return Err(ReadError::Unsupported { offset: 0, what });
        }
    }
    Ok(found)
}

fn collect(stored: &Stored, naming: Naming, range: std::ops::Range<u32>) -> Result<Vec<Arc<StoredFile>>, ReadError> {
    let mut files = vec![Arc::clone(&stored.file)];
    let own = stored.place.extension().map(OsStr::as_bytes).unwrap_or_default();
    for number in range.skip(1) {
        if files.len() >= limits::SEGMENTS {
            return Err(ReadError::Limit { offset: 0, what: "segments of an image" });
        }
        let mut extension = naming.extension(number).unwrap_or_default();
        if own.iter().all(|sign| !sign.is_ascii_uppercase()) {
            extension.make_ascii_lowercase();
        }
        let place = stored.place.with_extension(OsStr::from_bytes(&extension));
        files.push(Arc::new(StoredFile::open(&place)?));
    }
    Ok(files)
}

/// Windows on images, one behind the other: a split disk, or the extents of one.
pub struct Joined {
    /// Where each begins, which image, where in it, and how many bytes of it.
    parts: Vec<Part>,
    size_bytes: u64,
}

struct Part {
    begin: u64,
    length: u64,
    /// None: zeros.
    image: Option<(Arc<dyn Image>, u64)>,
}

impl Joined {
    /// With nothing in it yet.
    pub fn new() -> Self {
        Self { parts: Vec::new(), size_bytes: 0 }
    }

    /// Adds `length` bytes: of an image from an offset, which must lie within it, or zeros.
    pub fn push(&mut self, image: Option<(Arc<dyn Image>, u64)>, length: u64) -> Result<(), ReadError> {
        let size_bytes = self.size_bytes.checked_add(length).filter(|size| i64::try_from(*size).is_ok());
        let size_bytes = size_bytes.ok_or(ReadError::Corrupt { offset: 0, what: "the size of a split image" })?;
        if let Some((image, offset)) = &image
            && offset.checked_add(length).is_none_or(|end| end > image.size_bytes())
        {
            return Err(ReadError::Corrupt { offset: *offset, what: "an extent of the image ends early" });
        }
        self.parts.push(Part { begin: self.size_bytes, length, image });
        self.size_bytes = size_bytes;
        Ok(())
    }
}

impl Image for Joined {
    fn program(&self) -> Option<String> {
        self.parts.iter().find_map(|part| part.image.as_ref()?.0.program())
    }

    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let length = u64::try_from(buffer.len()).unwrap_or(u64::MAX);
        let past = ReadError::Corrupt { offset, what: "the stored image ends before this" };
        if offset.checked_add(length).is_none_or(|end| end > self.size_bytes) {
            return Err(past);
        }
        let mut at = offset;
        let mut rest = buffer;
        let first = self.parts.partition_point(|part| part.begin + part.length <= offset);
        for part in self.parts.get(first..).unwrap_or_default() {
            if rest.is_empty() {
                return Ok(());
            }
            let within = at.saturating_sub(part.begin);
            let there = usize::try_from(part.length.saturating_sub(within)).unwrap_or(usize::MAX);
            let (now, behind) = rest.split_at_mut(there.min(rest.len()));
            match &part.image {
                Some((image, start)) => image.read_at(start.saturating_add(within), now)?,
                None => now.fill(0),
            }
            at = at.saturating_add(u64::try_from(now.len()).unwrap_or(0));
            rest = behind;
        }
        if rest.is_empty() { Ok(()) } else { Err(past) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_extensions_are_each_others_reverse() {
        for (naming, extension, number) in [
            (Naming::Digits, "000", 0),
            (Naming::Digits, "999", 999),
            (Naming::Digits, "1000", 1000),
            (Naming::Letters(2), "aa", 0),
            (Naming::Letters(2), "ba", 26),
            (Naming::Letters(3), "aab", 1),
            (Naming::Ewf, "E01", 1),
            (Naming::Ewf, "E99", 99),
            (Naming::Ewf, "EAA", 100),
            (Naming::Ewf, "EZZ", 775),
            (Naming::Ewf, "FAA", 776),
        ] {
            assert_eq!(naming.number(extension.as_bytes()), Some(number), "{extension}");
            assert_eq!(text(naming, number), extension);
        }
        for (naming, extension) in [
            (Naming::Digits, "01"),
            (Naming::Digits, "0100"),
            (Naming::Digits, "20240101"),
            (Naming::Letters(2), "AA"),
            (Naming::Letters(2), "a1"),
            (Naming::Ewf, "D01"),
            (Naming::Ewf, "F01"),
        ] {
            assert_eq!(naming.number(extension.as_bytes()), None, "{extension}");
        }
        assert_eq!(Naming::Letters(2).extension(676), None);
    }

    #[test]
    fn a_joined_image_gives_what_its_parts_give() {
        struct Bytes(Vec<u8>);
        impl Image for Bytes {
            fn size_bytes(&self) -> u64 {
                self.0.len() as u64
            }
            fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                buffer.copy_from_slice(&self.0[start..start + buffer.len()]);
                Ok(())
            }
        }
        let mut joined = Joined::new();
        let image: Arc<dyn Image> = Arc::new(Bytes((0..100).collect()));
        assert!(joined.push(Some((Arc::clone(&image), 90)), 11).is_err(), "past its end");
        joined.push(Some((Arc::clone(&image), 10)), 20).expect("within");
        joined.push(None, 0).expect("nothing");
        joined.push(None, 5).expect("zeros");
        joined.push(Some((image, 0)), 10).expect("within");
        let whole: Vec<u8> = (10..30).chain([0; 5]).chain(0..10).collect();
        for start in 0..=whole.len() {
            for end in start..=whole.len() {
                let mut buffer = vec![9; end - start];
                joined.read_at(start as u64, &mut buffer).expect("within");
                assert_eq!(buffer, whole[start..end], "{start}..{end}");
            }
        }
        assert!(joined.read_at(30, &mut [0; 6]).is_err());
    }
}
