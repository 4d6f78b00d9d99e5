//! Archives made byte by byte, right ones and others.

use std::io::{Read as _, Write as _};

/// The time that every member of a tar states.
pub const TIME: i64 = 0o14_000_000_000;

/// A member of a tar.
#[derive(Clone)]
pub struct Member<'c> {
    pub name: &'c str,
    pub flag: u8,
    pub link: &'c str,
    pub content: &'c [u8],
    /// What the header states in place of the content's length.
    pub size: Option<u64>,
}

impl<'c> Member<'c> {
    pub fn file(name: &'c str, content: &'c [u8]) -> Self {
        Self { name, flag: b'0', link: "", content, size: None }
    }

    pub fn folder(name: &'c str) -> Self {
        Self { flag: b'5', ..Self::file(name, b"") }
    }

    pub fn link(name: &'c str, flag: u8, link: &'c str) -> Self {
        Self { flag, link, ..Self::file(name, b"") }
    }

    fn header(&self) -> [u8; 512] {
        let mut block = [0; 512];
        let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, self.name.as_bytes());
        put(100, b"0000644\0");
        let size = self.size.unwrap_or(self.content.len() as u64);
        if size < 1 << 33 {
            put(124, format!("{size:011o}\0").as_bytes());
        } else {
            put(124, &[&[0x80, 0, 0, 0], size.to_be_bytes().as_slice()].concat());
        }
        put(136, format!("{TIME:011o}\0").as_bytes());
        put(148, b"        ");
        put(156, &[self.flag]);
        put(157, self.link.as_bytes());
        put(257, b"ustar\x0000");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block
    }
}

/// A tar with its end.
pub fn tar(members: &[Member<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for member in members {
        bytes.extend(member.header());
        bytes.extend(member.content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

/// A way of packing.
#[derive(Clone, Copy, Debug)]
pub enum Packed {
    Gzip,
    Zstandard,
    Xz,
    Bzip2,
}

impl Packed {
    pub const ALL: [Self; 4] = [Self::Gzip, Self::Zstandard, Self::Xz, Self::Bzip2];

    pub fn kind(self) -> &'static str {
        match self {
            Self::Gzip => "tar.gz",
            Self::Zstandard => "tar.zst",
            Self::Xz => "tar.xz",
            Self::Bzip2 => "tar.bz2",
        }
    }
}

/// Packs bytes as one member.
pub fn pack(packed: Packed, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match packed {
        Packed::Gzip => {
            let mut to = flate2::write::GzEncoder::new(&mut out, flate2::Compression::fast());
            to.write_all(bytes).and_then(|()| to.finish().map(drop)).expect("it packs");
        }
        Packed::Zstandard => {
            // With a checksum, as the tool writes it.
            let mut to = zstd::stream::write::Encoder::new(&mut out, 1).expect("it packs");
            to.include_checksum(true).expect("it packs");
            to.write_all(bytes).and_then(|()| to.finish().map(drop)).expect("it packs");
        }
        Packed::Xz => {
            let mut to = liblzma::write::XzEncoder::new(&mut out, 0);
            to.write_all(bytes).and_then(|()| to.finish().map(drop)).expect("it packs");
        }
        Packed::Bzip2 => {
            let mut to = bzip2::write::BzEncoder::new(&mut out, bzip2::Compression::fast());
            to.write_all(bytes).and_then(|()| to.finish().map(drop)).expect("it packs");
        }
    }
    out
}

/// A member of a zip archive, and what it states wrongly.
#[derive(Clone)]
pub struct Zipped<'c> {
    pub name: &'c str,
    pub raw_name: Option<Vec<u8>>,
    pub content: &'c [u8],
    /// How it is packed.
    pub method: u16,
    /// What both headers state in place of that.
    pub raw_method: Option<u16>,
    pub local_method: Option<u16>,
    pub local_name: Option<&'c str>,
    pub flags: u16,
    pub crc: Option<u32>,
    pub size: Option<u32>,
    pub dos: u32,
    pub host: u8,
    pub mode: u32,
    pub extra: Vec<u8>,
    /// Where the directory says that it is.
    pub at: Option<u32>,
}

impl<'c> Zipped<'c> {
    pub fn new(name: &'c str, content: &'c [u8]) -> Self {
        Self {
            name,
            raw_name: None,
            content,
            method: 0,
            raw_method: None,
            local_method: None,
            local_name: None,
            flags: 0,
            crc: None,
            size: None,
            dos: 44 << 25 | 1 << 21 | 1 << 16,
            host: 0,
            mode: 0,
            extra: Vec::new(),
            at: None,
        }
    }

    fn packed(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self.method {
            // Where nothing repeats for long, deflate64 reads what deflate writes.
            8 | 9 => {
                flate2::read::DeflateEncoder::new(self.content, flate2::Compression::fast())
                    .read_to_end(&mut out)
                    .expect("it packs");
            }
            12 => out = pack(Packed::Bzip2, self.content),
            14 => {
                let options = liblzma::stream::LzmaOptions::new_preset(1).expect("a preset");
                let stream = liblzma::stream::Stream::new_lzma_encoder(&options).expect("an encoder");
                let mut to = liblzma::write::XzEncoder::new_stream(&mut out, stream);
                to.write_all(self.content).and_then(|()| to.finish().map(drop)).expect("it packs");
                // The old format's own header, without its size, behind the version of what wrote it.
                let properties = out[..5].to_vec();
                out.splice(..13, [&[9, 20, 5, 0], properties.as_slice()].concat());
            }
            93 => out = pack(Packed::Zstandard, self.content),
            95 => out = pack(Packed::Xz, self.content),
            _ => out.extend(self.content),
        }
        out
    }
}

/// A zip archive.
pub fn zip(members: &[Zipped<'_>]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for member in members {
        let at = bytes.len() as u32;
        let packed = member.packed();
        let mut sum = flate2::Crc::new();
        sum.update(member.content);
        let crc = member.crc.unwrap_or(sum.sum());
        let size = member.size.unwrap_or(member.content.len() as u32);
        let name = member.raw_name.clone().unwrap_or_else(|| member.name.as_bytes().to_vec());
        let local_name = member.local_name.map_or(name.clone(), |name| name.as_bytes().to_vec());
        // Old LZMA ends with a mark here.
        let flags = member.flags | if member.method == 14 { 2 } else { 0 };
        let method = member.raw_method.unwrap_or(member.method);
        let fields = |method: u16, name: &[u8]| {
            let mut out = Vec::new();
            out.extend(20_u16.to_le_bytes());
            out.extend(flags.to_le_bytes());
            out.extend(method.to_le_bytes());
            out.extend(member.dos.to_le_bytes());
            out.extend(crc.to_le_bytes());
            out.extend((packed.len() as u32).to_le_bytes());
            out.extend(size.to_le_bytes());
            out.extend((name.len() as u16).to_le_bytes());
            out.extend((member.extra.len() as u16).to_le_bytes());
            out
        };
        bytes.extend(b"PK\x03\x04");
        bytes.extend(fields(member.local_method.unwrap_or(method), &local_name));
        bytes.extend(&local_name);
        bytes.extend(&member.extra);
        if member.at.is_none() {
            bytes.extend(&packed);
        } else {
            bytes.truncate(at as usize);
        }
        directory.extend(b"PK\x01\x02");
        directory.extend([20, member.host]);
        directory.extend(fields(method, &name));
        directory.extend([0; 6]);
        directory.extend((member.mode << 16).to_le_bytes());
        directory.extend(member.at.unwrap_or(at).to_le_bytes());
        directory.extend(&name);
        directory.extend(&member.extra);
    }
    let at = bytes.len() as u32;
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([(members.len() as u16).to_le_bytes(), (members.len() as u16).to_le_bytes()].concat());
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(at.to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}

/// Letters that pack, and in which nothing repeats for long.
pub fn letters(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| [b'a' + (byte & 0xf), b'a' + (byte >> 4)]).collect()
}
