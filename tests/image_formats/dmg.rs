//! DMG images, which no tool of this machine writes: made here, chunk by chunk.

use std::fs;
use std::io::Write as _;

use base64::Engine as _;
use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::made::{by_qemu, disk, names, open, present, read};

const ZERO: u32 = 0;
const RAW: u32 = 1;
const ZLIB: u32 = 0x8000_0005;
const LZFSE: u32 = 0x8000_0007;
const LAST: u32 = 0xffff_ffff;
const CHUNK: usize = 64 * 1024;

/// A UDIF file: the data, a list of blocks, the list's XML, the trailer. `foreign`: a chunk of a method QEMU lacks.
fn dmg(raw: &[u8], foreign: bool) -> Vec<u8> {
    let mut data = Vec::new();
    let mut chunks = Vec::new();
    for (number, chunk) in raw.chunks(CHUNK).enumerate() {
        let begin = data.len() as u64;
        let kind = if chunk.iter().all(|byte| *byte == 0) {
            ZERO
        } else if number % 3 == 1 {
            data.extend_from_slice(chunk);
            RAW
        } else {
            let mut encoder = ZlibEncoder::new(&mut data, Compression::fast());
            encoder.write_all(chunk).expect("memory");
            encoder.finish().expect("memory");
            if foreign && number == 11 { LZFSE } else { ZLIB }
        };
        chunks.push((kind, number * CHUNK / 512, chunk.len() / 512, begin, data.len() as u64 - begin));
    }
    chunks.push((LAST, raw.len() / 512, 0, data.len() as u64, 0));
    let mut mish = b"mish".to_vec();
    mish.extend(1_u32.to_be_bytes());
    mish.extend(0_u64.to_be_bytes());
    mish.extend((raw.len() as u64 / 512).to_be_bytes());
    mish.extend([0; 8]);
    mish.resize(200, 0);
    mish.extend((chunks.len() as u32).to_be_bytes());
    for (kind, sector, sectors, offset, length) in chunks {
        mish.extend(kind.to_be_bytes());
        mish.extend([0; 4]);
        for value in [sector as u64, sectors as u64, offset, length] {
            mish.extend(value.to_be_bytes());
        }
    }
    let text = base64::engine::general_purpose::STANDARD.encode(&mish);
    let xml = format!("<plist><dict><key>blkx</key><array><data>{text}</data></array></dict></plist>");
    let (data_end, xml_bytes) = (data.len() as u64, xml.len() as u64);
    data.extend(xml.as_bytes());
    let mut koly = b"koly".to_vec();
    koly.extend(4_u32.to_be_bytes());
    koly.extend(512_u32.to_be_bytes());
    koly.resize(24, 0);
    koly.extend(0_u64.to_be_bytes());
    koly.extend(data_end.to_be_bytes());
    koly.resize(216, 0);
    koly.extend(data_end.to_be_bytes());
    koly.extend(xml_bytes.to_be_bytes());
    koly.resize(492, 0);
    koly.extend((raw.len() as u64 / 512).to_be_bytes());
    koly.resize(512, 0);
    data.extend(koly);
    data
}

#[test]
fn a_dmg_gives_its_disk_and_a_chunk_that_cannot_be_unpacked_is_an_error() {
    if !present(&["qemu-img", "qemu-nbd"]) {
        return;
    }
    let made = tempfile::tempdir().expect("a folder");
    let scratch = tempfile::tempdir().expect("a folder");
    let raw = fs::read(disk(made.path(), 3 * 1024 * 1024)).expect("the disk");
    let image = made.path().join("x.dmg");
    let whole = dmg(&raw, false);
    fs::write(&image, &whole).expect("a file");
    assert!(read(&image, scratch.path()).expect("it opens") == raw);
    assert!(by_qemu(&image, "dmg").expect("qemu-img reads it") == raw);
    for kept in [whole.len() - 1, whole.len() - 512, whole.len() / 2] {
        fs::write(&image, &whole[..kept]).expect("a file");
        assert!(read(&image, scratch.path()).is_err(), "cut to {kept}");
    }
    fs::write(&image, dmg(&raw, true)).expect("a file");
    if let Ok(opened) = open(&image, scratch.path()) {
        let mut bytes = vec![0; CHUNK];
        opened.bytes.read_at(0, &mut bytes).expect("the first chunk");
        assert!(bytes == raw[..CHUNK]);
        assert!(opened.bytes.read_at(11 * CHUNK as u64, &mut bytes).is_err(), "never zeros");
    }
    assert_eq!(names(scratch.path()), Vec::<String>::new());
}
