//! Partition tables, against sfdisk and the corpora.

use serde_json::Value;

use crate::seen::{all_told, content, corpus, mutated, noise, volumes};
use crate::tool::{Cannot, text, try_run};

const MIB: u64 = 1024 * 1024;

/// A disk with the table that a script makes, and noise at the beginning of each place that a partition may have.
fn made(script: &str, size_bytes: u64) -> Result<Vec<u8>, Cannot> {
    let folder = tempfile::tempdir().expect("a folder");
    let (disk, input) = (folder.path().join("disk"), folder.path().join("script"));
    std::fs::write(&disk, noise(3, size_bytes as usize)).expect("a disk");
    std::fs::write(&input, script).expect("a script");
    let command =
        format!("sfdisk --quiet --wipe always --no-reread --no-tell-kernel {} < {}", text(&disk), text(&input));
    // The noise would be a table's leavings to nobody, but the first and the last sectors are the table's own.
    let mut bytes = std::fs::read(&disk).expect("the disk");
    let edge = 34 * 512;
    bytes[..edge].fill(0);
    let end = bytes.len();
    bytes[end - edge..].fill(0);
    std::fs::write(&disk, &bytes).expect("a disk");
    try_run("sfdisk", &["--version"])?;
    try_run("sh", &["-c", &command])?;
    Ok(std::fs::read(&disk).expect("the disk"))
}

/// Number, start and length of every partition that is no extended one, as sfdisk reads them.
fn by_sfdisk(disk: &[u8]) -> Vec<(u64, u64, u64)> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("disk");
    std::fs::write(&path, disk).expect("a disk");
    let said = try_run("sfdisk", &["--json", text(&path)]).expect("sfdisk");
    let said: Value = serde_json::from_str(&said).expect("JSON");
    let table = &said["partitiontable"];
    let sector = table["sectorsize"].as_u64().unwrap_or(512);
    let mut found = Vec::new();
    for partition in table["partitions"].as_array().into_iter().flatten() {
        let node = partition["node"].as_str().expect("a node");
        let number = node.strip_prefix(text(&path)).expect("its number").parse().expect("a number");
        if !matches!(partition["type"].as_str(), Some("5" | "f" | "85")) {
            let (start, size) = (partition["start"].as_u64(), partition["size"].as_u64());
            found.push((number, start.expect("a start") * sector, size.expect("a size") * sector));
        }
    }
    found.sort_unstable();
    found
}

/// Every partition stands where sfdisk has it, byte for byte.
fn compare(name: &str, disk: &[u8], expected: &[(u64, u64, u64)]) {
    let found = volumes(&[disk], &[]);
    let said: Vec<String> = expected.iter().map(|(number, ..)| format!("p{number}")).collect();
    let names: Vec<&str> = found.iter().map(|volume| volume.name.as_str()).collect();
    assert_eq!(names, said, "{name}: {:?}", all_told(&found));
    for (number, start, size) in expected {
        let bytes = content(&found, &format!("p{number}"));
        assert!(bytes == disk[*start as usize..(*start + *size) as usize], "{name}: p{number}");
    }
}

const SCRIPTS: [(&str, &str); 8] = [
    ("one", "label: dos\n2048,4096,83\n"),
    ("four", "label: dos\n2048,2048,83\n,2048,c\n,2048,7\n,,8e\n"),
    ("gaps", "label: dos\n1 : start=2048,size=2048,type=83\n3 : start=10240,size=2048,type=83\n"),
    (
        "logical",
        "label: dos\n1 : start=2048,size=2048,type=83\n2 : start=4096,type=5\n5 : start=6144,size=2048,type=83\n\
         6 : start=10240,size=2048,type=83\n7 : start=14336,size=1024,type=7\n8 : start=18432,size=1024,type=83\n\
         9 : start=24576,size=2048,type=83\n",
    ),
    (
        "primary behind",
        "label: dos\n1 : start=2048,size=8192,type=f\n2 : start=12288,size=8192,type=83\n\
         5 : start=4096,size=1024,type=83\n6 : start=8192,size=1024,type=83\n",
    ),
    ("gpt", "label: gpt\n2048,2048,L\n,2048,U\n,,L\n"),
    ("gpt with gaps", "label: gpt\n2 : start=4096,size=2048\n7 : start=8192,size=1024\n100 : start=12288,size=512\n"),
    ("gpt of 64", "label: gpt\ntable-length: 64\n2048,4096,L\n,4096,L\n"),
];

#[test]
fn tables_are_read_as_sfdisk_reads_them() {
    for (name, script) in SCRIPTS {
        match made(script, 16 * MIB) {
            Ok(disk) => {
                let expected = by_sfdisk(&disk);
                assert!(!expected.is_empty(), "{name}");
                compare(name, &disk, &expected);
            }
            Err(cannot) => return cannot.say("tables by sfdisk"),
        }
    }
}

#[test]
fn a_damaged_half_of_a_gpt_is_made_good_by_the_other_and_said() {
    let disk = match made(SCRIPTS[5].1, 16 * MIB) {
        Ok(disk) => disk,
        Err(cannot) => return cannot.say("a damaged GPT"),
    };
    let expected = by_sfdisk(&disk);
    let layer = |disk: &[u8]| volumes(&[disk], &[])[0].layers.join(", ");
    assert_eq!(layer(&disk), "GPT");
    // The first header's mark, its checksum, an entry; the same at the end.
    let last = disk.len() - 512;
    for (place, layer_then) in [
        (512, "GPT (by its copy at the end: the first is damaged)"),
        (512 + 17, "GPT (by its copy at the end: the first is damaged)"),
        (1024 + 40, "GPT (by its copy at the end: the first is damaged)"),
        (last, "GPT (its copy at the end is damaged or missing)"),
        (last - 32 * 512 + 40, "GPT (its copy at the end is damaged or missing)"),
    ] {
        let mut damaged = disk.clone();
        damaged[place] ^= 0x55;
        assert_eq!(layer(&damaged), layer_then, "byte {place}");
        compare("damaged", &damaged, &expected);
        damaged[last + 17] ^= 0x55;
        damaged[512 + 17] ^= 0x55;
        if place != 512 + 17 {
            let told = all_told(&volumes(&[&damaged], &[]));
            assert!(told.len() == 1 && told[0].starts_with("whole [] refused: damaged at byte"), "{told:?}");
        }
    }
    // Nothing at the beginning at all.
    let mut wiped = disk.clone();
    wiped[..34 * 512].fill(0);
    compare("wiped", &wiped, &expected);
}

/// A GPT for sectors of this size, both halves: first and last sector of each partition.
fn gpt(disk: &mut [u8], sector: usize, partitions: &[(u64, u64)]) {
    let sectors = (disk.len() / sector) as u64;
    let mut entries = vec![0; 128 * 128];
    for (number, (first, last)) in partitions.iter().enumerate() {
        let entry = &mut entries[number * 128..(number + 1) * 128];
        entry[..16].copy_from_slice(b"\xaf\x3d\xc6\x0f\x83\x84\x72\x47\x8e\x79\x3d\x69\xd8\x47\x7d\xe4");
        entry[16] = number as u8 + 1;
        entry[32..40].copy_from_slice(&first.to_le_bytes());
        entry[40..48].copy_from_slice(&last.to_le_bytes());
    }
    let length = (entries.len() / sector) as u64;
    for (own, other, at) in [(1, sectors - 1, 2), (sectors - 1, 1, sectors - 1 - length)] {
        let mut header = vec![0; 92];
        header[..8].copy_from_slice(b"EFI PART");
        header[8..16].copy_from_slice(&[0, 0, 1, 0, 92, 0, 0, 0]);
        for (place, value) in [(24, own), (32, other), (40, 2 + length), (48, sectors - 2 - length), (72, at)] {
            header[place..place + 8].copy_from_slice(&value.to_le_bytes());
        }
        header[80..88].copy_from_slice(&[128, 0, 0, 0, 128, 0, 0, 0]);
        header[88..92].copy_from_slice(&crc32fast::hash(&entries).to_le_bytes());
        let sum = crc32fast::hash(&header);
        header[16..20].copy_from_slice(&sum.to_le_bytes());
        let place = own as usize * sector;
        disk[place..place + 92].copy_from_slice(&header);
        disk[at as usize * sector..at as usize * sector + entries.len()].copy_from_slice(&entries);
    }
    mbr(disk, &[(0xee, 1, u32::MAX)]);
}

/// The entries of an MBR: type, first sector, length.
fn mbr(disk: &mut [u8], entries: &[(u8, u32, u32)]) {
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    for (number, (kind, start, length)) in entries.iter().enumerate() {
        let entry = &mut disk[446 + number * 16..462 + number * 16];
        entry[4] = *kind;
        entry[8..12].copy_from_slice(&start.to_le_bytes());
        entry[12..16].copy_from_slice(&length.to_le_bytes());
    }
}

/// A disk of noise whose first and last 64 KiB are zeros.
fn blank(size_bytes: u64) -> Vec<u8> {
    let mut disk = noise(7, size_bytes as usize);
    let end = disk.len();
    disk[..65_536].fill(0);
    disk[end - 65_536..].fill(0);
    disk
}

#[test]
fn sectors_of_4096_bytes_are_counted_as_such() {
    let mut disk = blank(8 * MIB);
    gpt(&mut disk, 4096, &[(256, 511), (1024, 1535)]);
    compare("4096", &disk, &[(1, 256 * 4096, 256 * 4096), (2, 1024 * 4096, 512 * 4096)]);
    let mut disk = blank(8 * MIB);
    mbr(&mut disk, &[(0x83, 256, 256)]);
    // Swap space begins there, and nothing known at sector 256 of 512 bytes.
    let at = 256 * 4096 + 4086;
    disk[at..at + 10].copy_from_slice(b"SWAPSPACE2");
    assert_eq!(all_told(&volumes(&[&disk], &[])), ["p1 [MBR] unused: swap"]);
}

#[test]
fn a_hybrid_table_is_its_gpt_and_a_plain_mbr_beside_a_stale_gpt_is_the_mbr() {
    let mut disk = blank(8 * MIB);
    gpt(&mut disk, 512, &[(2048, 4095), (4096, 6143)]);
    mbr(&mut disk, &[(0xee, 1, 2047), (0x83, 4096, 2048)]);
    compare("hybrid", &disk, &[(1, 2048 * 512, 2048 * 512), (2, 4096 * 512, 2048 * 512)]);
    mbr(&mut disk, &[(0x83, 6144, 1024), (0, 0, 0)]);
    compare("stale", &disk, &[(1, 6144 * 512, 1024 * 512)]);
    let mut disk = blank(8 * MIB);
    mbr(&mut disk, &[(0xee, 1, u32::MAX)]);
    let told = all_told(&volumes(&[&disk], &[]));
    assert_eq!(told, ["whole [] refused: damaged at byte 512: an MBR that announces a GPT, and there is none"]);
}

#[test]
fn a_partition_that_overlaps_or_ends_behind_the_disk_is_refused_by_its_number() {
    let mut disk = blank(8 * MIB);
    gpt(&mut disk, 512, &[(2048, 4095), (4000, 5000), (6000, 6999), (8000, 99_999), (7500, 7400), (1, 40)]);
    let told = all_told(&volumes(&[&disk], &[]));
    assert_eq!(
        told,
        [
            "p1 [GPT] refused: damaged at byte 1048576: a partition that lies over another one",
            "p2 [GPT] refused: damaged at byte 2048000: a partition that lies over another one",
            "p3 [GPT] 512000 bytes",
            "p4 [GPT] refused: damaged at byte 4096000: a partition that ends behind the end of its disk",
            "p5 [GPT] refused: damaged at byte 0: a partition that ends before it begins",
            "p6 [GPT] refused: damaged at byte 512: a partition that lies over its own table",
        ]
    );
}

#[test]
fn a_chain_of_logical_partitions_that_breaks_or_turns_back_is_said() {
    let mut disk = blank(8 * MIB);
    mbr(&mut disk, &[(0x83, 2048, 2048), (5, 4096, 8192)]);
    let told = all_told(&volumes(&[&disk], &[]));
    let broken = "p5 [MBR] refused: damaged at byte 2097152: a chain of logical partitions that breaks";
    assert_eq!(told, ["p1 [MBR] 1048576 bytes", broken]);
    let link = |disk: &mut Vec<u8>, at: usize, entries: &[(u8, u32, u32)]| {
        let mut sector = vec![0; 512];
        mbr(&mut sector, entries);
        disk[at * 512..(at + 1) * 512].copy_from_slice(&sector);
    };
    link(&mut disk, 4096, &[(0x83, 64, 64), (5, 1024, 1024)]);
    link(&mut disk, 5120, &[(0x83, 64, 64), (5, 0, 1024)]);
    let told = all_told(&volumes(&[&disk], &[]));
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told[3].ends_with("a chain of logical partitions that leads astray"), "{told:?}");
    assert!(told[1].starts_with("p5 [MBR] 32768 bytes") && told[2].starts_with("p6 [MBR] 32768 bytes"), "{told:?}");
    link(&mut disk, 5120, &[(0x83, 64, 640_000), (5, 99_000, 1024)]);
    let told = all_told(&volumes(&[&disk], &[]));
    assert!(told[2].contains("outside its extended partition"), "{told:?}");
    assert!(told[3].contains("leads astray"), "{told:?}");
}

#[test]
fn a_boot_sector_of_a_file_system_is_no_table_and_what_nothing_tells_apart_is_refused() {
    let mut disk = blank(8 * MIB);
    disk[3..11].copy_from_slice(b"NTFS    ");
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    assert_eq!(all_told(&volumes(&[&disk], &[])), ["whole [] 8388608 bytes"]);
    mbr(&mut disk, &[(0x83, 2048, 2048)]);
    let told = all_told(&volumes(&[&disk], &[]));
    assert_eq!(told, ["whole [] refused: not supported (byte 0): NTFS and an MBR partition table"]);
    // An ISO 9660 image with a table that leads into it.
    let mut disk = blank(8 * MIB);
    disk[32_768..32_774].copy_from_slice(b"\x01CD001");
    disk[32_848..32_852].copy_from_slice(&4000_u32.to_le_bytes());
    mbr(&mut disk, &[(0x17, 64, 8000)]);
    assert_eq!(all_told(&volumes(&[&disk], &[])), ["whole [] 8388608 bytes"]);
}

#[test]
fn what_holds_no_files_is_unused_by_its_name() {
    let mut disk = blank(8 * MIB);
    gpt(&mut disk, 512, &[(2048, 4095), (4096, 6143), (6144, 8191)]);
    disk[2048 * 512..4096 * 512].fill(0);
    let at = 4096 * 512 + 4086;
    disk[at..at + 10].copy_from_slice(b"SWAPSPACE2");
    let told = all_told(&volumes(&[&disk], &[]));
    assert_eq!(told, ["p1 [GPT] unused: zeros", "p2 [GPT] unused: swap", "p3 [GPT] 1048576 bytes"]);
    let told = all_told(&volumes(&[&vec![0; 6 * 1024 * 1024]], &[]));
    assert_eq!(told, ["whole [] unused: zeros at its beginning, its end and 512 places between"]);
}

#[test]
fn partitioned_images_of_the_corpora_are_read_as_their_truth_says() {
    for (name, expected) in [
        ("disk/dfvfs/mbr.raw.zst", vec![(1, 1, 129), (5, 131, 129)]),
        ("disk/dfvfs/gpt.raw.zst", vec![(1, 2048, 128), (2, 4096, 128)]),
        ("disk/plaso/tsk_volume_system.raw.zst", vec![(1, 1, 350), (5, 352, 2528)]),
    ] {
        let Some(disk) = corpus(name) else { return };
        let expected: Vec<(u64, u64, u64)> = expected.into_iter().map(|(n, a, b)| (n, a * 512, b * 512)).collect();
        let found = volumes(&[&disk], &[]);
        println!("{name}: {:?}", all_told(&found));
        assert_eq!(found.len(), expected.len(), "{name}");
        for ((number, start, size), volume) in expected.iter().zip(&found) {
            assert_eq!((volume.name.clone(), volume.size_bytes), (format!("p{number}"), *size), "{name}");
            if matches!(volume.content, extract::volume::Content::Bytes(_)) {
                assert!(content(&found, &volume.name) == disk[*start as usize..(start + size) as usize], "{name}");
            }
        }
    }
    for (name, said) in [
        ("disk/dissect.volume/disk-mbr.bin", 2),
        ("disk/dissect.volume/disk-gpt.bin", 1),
        ("disk/dissect.volume/disk-gpt_hybrid.bin", 1),
        ("disk-container/qemu/grub_mbr.raw.bz2", 2),
        ("disk/util-linux/pt-gpt.img.xz", 5),
        ("disk/util-linux/pt-dos+bsd.img.xz", 1),
    ] {
        let Some(disk) = corpus(name) else { return };
        let told = all_told(&volumes(&[&disk], &[]));
        println!("{name}: {told:#?}");
        assert!(told.len() >= said, "{name}");
    }
}

#[test]
fn a_mutated_table_never_ends_in_a_panic() {
    let mut disk = blank(MIB);
    gpt(&mut disk, 512, &[(64, 1000), (1001, 1900)]);
    mutated(&disk, 2048, &[]);
    let mut disk = blank(MIB);
    mbr(&mut disk, &[(0x83, 64, 64), (5, 128, 1000)]);
    mutated(&disk, 512, &[]);
}
