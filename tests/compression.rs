//! Compressed streams: all members, padding, and every good byte before a damage.

mod chunked;

use std::io::{self, Read, Write as _};

use chunked::Pieces;
use extract::limits::PROBE_BYTES;
use extract::read_error::ReadError;
use extract::record::compression::Unpacked;
use proptest::prelude::*;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(text).unwrap();
    writer.finish().unwrap()
}

/// What a stream unpacks to, and its error.
fn unpack(stored: &[u8], sizes: &[usize]) -> (Vec<u8>, Option<ReadError>, bool, bool) {
    let mut stream = Unpacked::open(Pieces::new(stored, sizes));
    let mut out = Vec::new();
    let mut room = vec![0; 10_000];
    let error = loop {
        match stream.read(&mut room) {
            Ok(0) => break None,
            Ok(count) => out.extend_from_slice(&room[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Some(ReadError::from(error)),
        }
    };
    let (head, whole) = stream.head();
    assert!(out.starts_with(head) && head.len() <= PROBE_BYTES);
    assert!(!whole || (head.len() == out.len() && error.is_none()));
    (out, error, stream.is_compressed(), stream.is_damaged())
}

type Pack = fn(&[u8]) -> Vec<u8>;

/// Each way of packing, and whether zeros may stand behind it.
const WAYS: [(&str, Pack, bool); 5] = [
    ("gzip", gzip, true),
    ("Zstandard", zstandard, false),
    // Its padding comes in fours (The .xz File Format, 2.2).
    ("xz", xz, true),
    ("bzip2", bzip2, true),
    ("LZ4", lz4, true),
];

fn zstandard(text: &[u8]) -> Vec<u8> {
    let mut writer = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    writer.include_checksum(true).unwrap();
    writer.write_all(text).unwrap();
    writer.finish().unwrap()
}

fn xz(text: &[u8]) -> Vec<u8> {
    let mut writer = liblzma::write::XzEncoder::new(Vec::new(), 3);
    writer.write_all(text).unwrap();
    writer.finish().unwrap()
}

fn bzip2(text: &[u8]) -> Vec<u8> {
    let mut writer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    writer.write_all(text).unwrap();
    writer.finish().unwrap()
}

fn lz4(text: &[u8]) -> Vec<u8> {
    let sums = lz4_flex::frame::FrameInfo::new().content_checksum(true).block_checksums(true);
    let mut writer = lz4_flex::frame::FrameEncoder::with_frame_info(sums, Vec::new());
    writer.write_all(text).unwrap();
    writer.finish().unwrap()
}

#[test]
fn all_members_are_read_whatever_they_are_packed_in() {
    let text: Vec<u8> = (0..100_000u32).flat_map(|line| format!("line {line}\n").into_bytes()).collect();
    let (first, second) = text.split_at(text.len() / 3);
    for (name, pack, padded) in WAYS {
        let mut clean =
            vec![pack(&text), [pack(first), pack(second)].concat(), [pack(first), pack(b""), pack(second)].concat()];
        if padded {
            clean.push([pack(first), vec![0; 512], pack(second), vec![0; 1024]].concat());
        }
        for (number, stored) in clean.iter().enumerate() {
            for sizes in [&[1usize << 20][..], &[1, 2, 3], &[4096, 1]] {
                let (out, error, compressed, damaged) = unpack(stored, sizes);
                assert!(error.is_none(), "{name} {number}: {error:?} after {}", out.len());
                assert!(out == text && compressed && !damaged, "{name} {number}: {} of {}", out.len(), text.len());
            }
        }
    }
}

#[test]
fn a_damage_is_an_error_behind_all_that_was_good_whatever_it_is_packed_in() {
    let text: Vec<u8> = (0..60_000u32).flat_map(|line| format!("line {line}\n").into_bytes()).collect();
    let (first, second) = text.split_at(text.len() / 2);
    for (name, pack, _) in WAYS {
        let (one, two) = (pack(first), pack(second));
        let whole = [one.clone(), two.clone()].concat();
        let cut = |at: usize| whole[..at].to_vec();
        let mut flipped = whole.clone();
        flipped[one.len() + two.len() / 2] ^= 0x10;
        let cases = [
            ("cut within the first member", cut(one.len() / 2), 0),
            ("cut within the second member", cut(one.len() + two.len() / 2), first.len()),
            ("cut within the second header", cut(one.len() + 3), first.len()),
            ("cut within the last bytes", cut(whole.len() - 2), first.len()),
            ("a flipped bit", flipped, first.len()),
            (
                "rubbish behind the last member",
                [whole.clone(), b"rubbish, and more of it".to_vec()].concat(),
                text.len(),
            ),
        ];
        for (what, stored, at_least) in cases {
            for sizes in [&[1usize << 20][..], &[1, 2, 3]] {
                let (out, error, compressed, damaged) = unpack(&stored, sizes);
                assert!(
                    matches!(error, Some(ReadError::Corrupt { .. })),
                    "{name}, {what}: {error:?} after {}",
                    out.len()
                );
                assert!(text.starts_with(&out) || what == "a flipped bit", "{name}, {what}");
                assert!(out.len() >= at_least && compressed && damaged, "{name}, {what}: {} of {at_least}", out.len());
            }
        }
        let mut broken_disk = Pieces::new(&one[..one.len() / 2], &[1000]);
        broken_disk.error = true;
        let mut stream = Unpacked::open(broken_disk);
        let error = io::copy(&mut stream, &mut io::sink()).unwrap_err();
        assert!(matches!(ReadError::from(error), ReadError::Io { .. }) && !stream.is_damaged(), "{name}");
    }
}

#[test]
fn all_members_of_a_gzip_stream_are_read_and_zero_padding_is_clean() {
    let text: Vec<u8> = (0..100_000u32).flat_map(|line| format!("line {line}\n").into_bytes()).collect();
    let (first, second) = text.split_at(text.len() / 3);
    let clean = [
        gzip(&text),
        [gzip(first), gzip(second)].concat(),
        [gzip(first), gzip(b""), gzip(second), vec![0; 100_000]].concat(),
        [gzip(first), vec![0; 512], gzip(second), vec![0; 1]].concat(),
    ];
    for stored in clean {
        for sizes in [&[1usize << 20][..], &[1, 2, 3], &[4096, 1]] {
            let (out, error, compressed, damaged) = unpack(&stored, sizes);
            assert!(out == text && error.is_none() && compressed && !damaged);
        }
    }
    let (out, error, compressed, _) = unpack(b"plain\n", &[1]);
    assert!(out == b"plain\n" && error.is_none() && !compressed);
    for empty in [&b""[..], b"\x1f", b"\x1f\x8b"] {
        let (out, error, compressed, _) = unpack(empty, &[1]);
        assert!(out == empty && error.is_none() && !compressed);
    }
}

#[test]
fn damaged_gzip_gives_all_good_bytes_and_then_the_error() {
    let text: Vec<u8> = (0..50_000u32).flat_map(|line| format!("line {line}\n").into_bytes()).collect();
    let (first, second) = text.split_at(text.len() / 2);
    let (one, two) = (gzip(first), gzip(second));
    let whole = [one.clone(), two.clone()].concat();
    let cut = |at: usize| whole[..at].to_vec();
    let mut wrong_sum = whole.clone();
    let last = wrong_sum.len() - 6;
    wrong_sum[last] ^= 1;
    let cases = [
        ("cut within the first member", cut(one.len() / 2), 1),
        ("cut within the second member", cut(one.len() + two.len() / 2), first.len()),
        ("cut within the second header", cut(one.len() + 5), first.len()),
        ("cut within the trailer", cut(whole.len() - 3), text.len()),
        ("wrong check sum", wrong_sum, text.len()),
        ("rubbish behind the last member", [whole.clone(), b"rubbish".to_vec()].concat(), text.len()),
        ("rubbish behind padding", [whole.clone(), vec![0; 600], b"x".to_vec()].concat(), text.len()),
    ];
    for (name, stored, at_least) in cases {
        for sizes in [&[1usize << 20][..], &[1, 2, 3]] {
            let (out, error, compressed, damaged) = unpack(&stored, sizes);
            assert!(text.starts_with(&out) && out.len() >= at_least, "{name}: {} of {at_least}", out.len());
            assert!(matches!(error, Some(ReadError::Corrupt { .. })), "{name}: {error:?}");
            assert!(compressed && damaged, "{name}");
        }
    }
    let mut broken_disk = Pieces::new(&one[..one.len() / 2], &[1000]);
    broken_disk.error = true;
    let mut stream = Unpacked::open(broken_disk);
    let mut out = Vec::new();
    let error = io::copy(&mut stream, &mut out).unwrap_err();
    assert!(matches!(ReadError::from(error), ReadError::Io { .. }) && !stream.is_damaged() && !out.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_behind_a_gzip_header_give_bytes_or_an_error(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        flip in any::<prop::sample::Index>(),
    ) {
        let mut stored = gzip(b"192.0.2.1 - - line\n");
        stored.extend_from_slice(&bytes);
        let at = flip.index(stored.len());
        stored[at] ^= 0x20;
        unpack(&stored, &[7]);
    }
}
