//! Arrays: superblocks composed here, and those of the corpora, which mdadm made.

use crate::seen::{all_told, content, corpus, mutated, noise, volumes};

const MIB: usize = 1024 * 1024;

/// A member 1.x: its minor version, its place, the places of all, how often it was written.
struct Member<'m> {
    minor: u32,
    number: u16,
    roles: &'m [u16],
    events: u64,
    level: i32,
    name: &'m str,
    features: u32,
}

const MIRROR: Member<'_> =
    Member { minor: 2, number: 0, roles: &[0, 1], events: 7, level: 1, name: "server:0", features: 0 };

/// The device with its superblock; the data of the array is noise of `seed`.
fn device(member: &Member<'_>, seed: u64) -> Vec<u8> {
    let mut device = noise(seed.wrapping_mul(77), 4 * MIB);
    device[..64 * 1024].fill(0);
    let size = device.len();
    device[size - 192 * 1024..].fill(0);
    let (at, data_offset) = match member.minor {
        0 => ((size / 512 - 16) & !7, 0),
        1 => (0, 2048),
        _ => (8, 2048),
    };
    let mut block = vec![0; 512];
    let mut put = |place: usize, bytes: &[u8]| block[place..place + bytes.len()].copy_from_slice(bytes);
    put(0, &0xa92b_4efc_u32.to_le_bytes());
    put(4, &1_u32.to_le_bytes());
    put(8, &member.features.to_le_bytes());
    put(16, &[9; 16]);
    put(32, member.name.as_bytes());
    put(72, &member.level.to_le_bytes());
    put(80, &4096_u64.to_le_bytes());
    put(92, &2_u32.to_le_bytes());
    put(128, &(data_offset as u64).to_le_bytes());
    put(136, &5000_u64.to_le_bytes());
    put(144, &(at as u64).to_le_bytes());
    put(160, &u32::from(member.number).to_le_bytes());
    put(200, &member.events.to_le_bytes());
    put(220, &128_u32.to_le_bytes());
    for slot in 0..128 {
        let role = member.roles.get(slot).copied().unwrap_or(0xffff);
        put(256 + slot * 2, &role.to_le_bytes());
    }
    let words = block.chunks_exact(4).map(|word| u64::from(u32::from_le_bytes(word.try_into().expect("four"))));
    let sum: u64 = words.sum();
    let folded = (sum as u32).wrapping_add((sum >> 32) as u32);
    block[216..220].copy_from_slice(&folded.to_le_bytes());
    device[at * 512..at * 512 + 512].copy_from_slice(&block);
    device[data_offset * 512..data_offset * 512 + 2 * MIB].copy_from_slice(&data(seed));
    if member.minor == 0 {
        // What a file system leaves at the beginning of its array.
        device[510..512].copy_from_slice(&[0; 2]);
    }
    device
}

fn data(seed: u64) -> Vec<u8> {
    let mut data = noise(seed, 2 * MIB);
    data[..4096].fill(0);
    // A file system's mark, as a member with its superblock at the end shows it.
    data[..4].copy_from_slice(b"hsqs");
    data
}

fn told(disks: &[&[u8]]) -> Vec<String> {
    all_told(&volumes(disks, &[]))
}

#[test]
fn one_member_of_a_mirror_is_enough_in_every_version() {
    for minor in 0..3 {
        let disk = device(&Member { minor, ..MIRROR }, 5);
        let found = volumes(&[&disk], &[]);
        assert_eq!(all_told(&found), ["md0 [MD RAID1] 2097152 bytes"], "1.{minor}");
        assert!(content(&found, "md0") == data(5), "1.{minor}");
    }
}

#[test]
fn of_several_members_the_one_that_was_written_most_often_is_read() {
    let old = device(&Member { events: 6, ..MIRROR }, 5);
    let new = device(&Member { number: 1, events: 9, roles: &[0xfffe, 1], ..MIRROR }, 6);
    for disks in [[&old[..], &new[..]], [&new[..], &old[..]]] {
        assert!(content(&volumes(&disks, &[]), "md0") == data(6));
    }
    // Written equally often: the first by its place.
    let (one, two) = (device(&Member { number: 1, ..MIRROR }, 5), device(&MIRROR, 6));
    assert!(content(&volumes(&[&one, &two], &[]), "md0") == data(6));
}

#[test]
fn a_spare_an_unfinished_and_a_contradicted_member_are_not_read() {
    let stale = [
        "md0 [MD RAID] refused: not supported (byte 0): MD RAID1 of which only a spare, a stale or an unfinished member is there",
    ];
    let spare = device(&Member { number: 2, roles: &[0, 1, 0xffff], ..MIRROR }, 5);
    assert_eq!(told(&[&spare]), stale);
    let rebuilt = device(&Member { features: 2, ..MIRROR }, 5);
    assert_eq!(told(&[&rebuilt]), stale);
    let sound = device(&Member { number: 1, ..MIRROR }, 6);
    assert!(content(&volumes(&[&rebuilt, &sound], &[]), "md0") == data(6));
    let one = device(&Member { roles: &[0, 0xfffe], ..MIRROR }, 5);
    let two = device(&Member { number: 1, roles: &[0xfffe, 1], ..MIRROR }, 6);
    assert!(told(&[&one, &two])[0].ends_with("MD RAID1 whose members have gone separate ways"));
}

#[test]
fn other_levels_and_damage_are_refused() {
    for (level, name) in [(0, "MD RAID0"), (5, "MD RAID5"), (6, "MD RAID6"), (10, "MD RAID10"), (-1, "MD linear")] {
        let disk = device(&Member { level, ..MIRROR }, 5);
        assert_eq!(told(&[&disk]), [format!("md0 [MD RAID] refused: not supported (byte 0): {name}")]);
    }
    let mut disk = device(&MIRROR, 5);
    disk[4096 + 200] ^= 1;
    assert_eq!(told(&[&disk]), ["whole [] refused: damaged at byte 4096: the checksum of an MD RAID's superblock"]);
}

#[test]
fn arrays_are_numbered_by_their_name_or_from_127_down() {
    for (name, volume) in
        [("server:3", "md3"), ("7", "md7"), ("server:md12", "md12"), ("fedora:raid1", "md127"), ("", "md127")]
    {
        let disk = device(&Member { name, ..MIRROR }, 5);
        assert_eq!(told(&[&disk]), [format!("{volume} [MD RAID1] 2097152 bytes")], "{name}");
    }
}

#[test]
fn a_superblock_at_the_end_of_a_partition_is_that_partitions() {
    let member = device(&Member { minor: 0, ..MIRROR }, 5);
    let mut disk = vec![0; MIB];
    disk.extend_from_slice(&member);
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    disk[450] = 0xfd;
    disk[454..458].copy_from_slice(&2048_u32.to_le_bytes());
    disk[458..462].copy_from_slice(&8192_u32.to_le_bytes());
    let found = volumes(&[&disk], &[]);
    assert_eq!(all_told(&found), ["md0 [MBR, MD RAID1] 2097152 bytes"]);
    assert!(content(&found, "md0") == data(5));
}

#[test]
fn the_members_of_the_corpora_are_read() {
    let names = ["disk/dissect.volume/md-md-raid1-1.bin.gz", "disk/dissect.volume/md-md-raid1-2.bin.gz"];
    let [Some(one), Some(two)] = names.map(corpus) else { return };
    let found = volumes(&[&one, &two], &[]);
    println!("{:?}", all_told(&found));
    assert_eq!((found.len(), found[0].name.as_str(), found[0].size_bytes), (1, "md127", 2 * MIB as u64));
    assert!(matches!(found[0].content, extract::volume::Content::Bytes(_) | extract::volume::Content::Unused(_)));
    let Some(old) = corpus("disk/util-linux/mdraid.img.xz") else { return };
    let found = volumes(&[&old], &[]);
    println!("{:?}", all_told(&found));
    // mdadm --examine: 10,176 KiB, preferred minor 0.
    assert_eq!((found.len(), found[0].name.as_str(), found[0].size_bytes), (1, "md0", 10_176 * 1024));
    mutated(&old, 96 * 1024, &[]);
}

#[test]
fn a_mutated_superblock_never_ends_in_a_panic() {
    mutated(&device(&MIRROR, 5), 5000, &[]);
}
