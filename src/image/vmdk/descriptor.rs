//! The descriptor of a VMDK image: a text of lines, in a file of its own or within a sparse one.
//!
//! **Invariant:** a line about an extent that is not understood is an error; a name in it is never opened here.

use crate::image::{StoredFile, unsupported};
use crate::limits;
use crate::read_error::ReadError;

const HEADING: &[u8] = b"# Disk DescriptorFile";

/// These are the first bytes of a descriptor.
pub fn is_descriptor(head: &[u8]) -> bool {
    head.get(..HEADING.len()).is_some_and(|head| head.eq_ignore_ascii_case(HEADING))
}

fn corrupt(what: &'static str) -> ReadError {
    ReadError::Corrupt { offset: 0, what }
}

/// The descriptor that a sparse file holds, if it holds one.
pub fn embedded(stored: &StoredFile) -> Result<Option<Descriptor>, ReadError> {
    let place = stored.read_up_to(28, 16)?;
    let long = |at: usize| place.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes);
    let (offset, length) = (long(0).saturating_mul(limits::SECTOR_BYTES), long(8).saturating_mul(limits::SECTOR_BYTES));
    if offset == 0 || length == 0 {
        return Ok(None);
    }
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > limits::VMDK_DESCRIPTOR_BYTES {
        return Err(ReadError::Limit { offset: 36, what: "the size of a VMDK descriptor" });
    }
    let mut bytes = vec![0; length];
    stored.read_at(offset, &mut bytes)?;
    Descriptor::read(&bytes).map(Some)
}

/// What a descriptor says.
pub struct Descriptor {
    /// The identifier of the content.
    pub own: String,
    /// That of the parent's content; `ffffffff` where there is none.
    pub parent: String,
    /// What the disk is made of, in order.
    pub extents: Vec<Extent>,
}

/// A part of the disk.
pub struct Extent {
    /// Its length.
    pub sectors: u64,
    /// How it is stored, by the format's word.
    pub kind: String,
    /// In which file; none: it is zeros.
    pub name: Option<Vec<u8>>,
    /// Where in the file a flat one begins, in sectors.
    pub offset: u64,
}

impl Extent {
    /// In bytes.
    pub fn length_bytes(&self) -> u64 {
        self.sectors.saturating_mul(limits::SECTOR_BYTES)
    }

    /// `RW 4192256 SPARSE "disk-s001.vmdk"`, and an offset behind it where it is flat.
    fn read(line: &[u8]) -> Result<Option<Self>, ReadError> {
        let mut words = line.splitn(4, |byte| byte.is_ascii_whitespace());
        let (access, sectors, kind) = (words.next(), words.next(), words.next());
        match access {
            Some(b"RW" | b"RDONLY") => {}
            Some(b"NOACCESS") => return Err(unsupported("a VMDK extent that may not be read")),
            _ => return Ok(None),
        }
        let bad = || corrupt("a line of the VMDK descriptor about an extent");
        let number = |word: &[u8]| std::str::from_utf8(word).ok()?.trim().parse::<u64>().ok();
        let sectors = sectors.and_then(number).ok_or_else(bad)?;
        let kind = String::from_utf8_lossy(kind.unwrap_or_default()).trim().to_owned();
        let rest = words.next().unwrap_or_default().trim_ascii();
        match kind.as_str() {
            "ZERO" => return Ok(Some(Self { sectors, kind, name: None, offset: 0 })),
            "FLAT" | "VMFS" | "SPARSE" | "VMFSSPARSE" => {}
            _ => return Err(unsupported("a VMDK extent of a type that is not in a file, or is unknown")),
        }
        let mut parts = rest.strip_prefix(b"\"").ok_or_else(bad)?.splitn(2, |byte| *byte == b'"');
        let (name, behind) = (parts.next().unwrap_or_default(), parts.next().ok_or_else(bad)?.trim_ascii());
        let offset = if behind.is_empty() { 0 } else { number(behind).ok_or_else(bad)? };
        Ok(Some(Self { sectors, kind, name: Some(name.to_vec()), offset }))
    }
}

impl Descriptor {
    /// From its text.
    pub fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        if !is_descriptor(text) {
            return Err(corrupt("the VMDK descriptor"));
        }
        let mut found = Self { own: String::new(), parent: String::new(), extents: Vec::new() };
        for line in text.split(|byte| *byte == b'\n') {
            let line = line.trim_ascii();
            if line.starts_with(b"#") || line.is_empty() {
                continue;
            }
            if let Some(extent) = Extent::read(line)? {
                if found.extents.len() >= limits::SEGMENTS {
                    return Err(ReadError::Limit { offset: 0, what: "extents of a VMDK image" });
                }
                found.extents.push(extent);
                continue;
            }
            let mut parts = line.splitn(2, |byte| *byte == b'=');
            let name = parts.next().unwrap_or_default().trim_ascii().to_ascii_lowercase();
            let value = String::from_utf8_lossy(parts.next().unwrap_or_default().trim_ascii());
            let value = value.trim_matches('"').to_owned();
            match name.as_slice() {
                b"cid" => found.own = value,
                b"parentcid" => found.parent = value,
                b"encryption.keysafe" => return Err(ReadError::Encrypted { offset: 0, what: "VMDK".to_owned() }),
                _ => {}
            }
        }
        let is_plain = |id: &str| id.len() <= 8 && !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_plain(&found.own) || !is_plain(&found.parent) || found.extents.is_empty() {
            return Err(corrupt("the VMDK descriptor lacks what every one has"));
        }
        Ok(found)
    }
}
