//! Encrypted volumes, as cryptsetup and QEMU make them, and those of the corpora.

use std::process::Command;

use extract::volume::{Content, Key};

use crate::seen::{all_told, content, corpus, mutated, noise, volumes};
use crate::tool::{Cannot, text, try_run};

const MIB: usize = 1024 * 1024;
const PASS: &[u8] = b"correct horse";

/// Content of 4 MiB that stands in a volume which cryptsetup has encrypted in place.
fn encrypted(arguments: &[&str]) -> Result<(Vec<u8>, Vec<u8>), Cannot> {
    try_run("cryptsetup", &["--version"])?;
    let folder = tempfile::tempdir().expect("a folder");
    let (disk, key) = (folder.path().join("disk"), folder.path().join("key"));
    let plain = noise(21, 4 * MIB);
    std::fs::write(&disk, [plain.as_slice(), &vec![0; 16 * MIB]].concat()).expect("a disk");
    std::fs::write(&key, PASS).expect("a key");
    let always = ["reencrypt", "--encrypt", "-q", "--force-offline-reencrypt", "--reduce-device-size", "16M"];
    let command = [&always, arguments, &["--key-file", text(&key), text(&disk)]].concat();
    // It encrypts in user space, by the kernel's ciphers; a kernel without them lets nobody check.
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let output = Command::new("cryptsetup").args(&command).env("PATH", path).output().expect("cryptsetup");
    if !output.status.success() {
        return Err(Cannot::Right(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    Ok((plain, std::fs::read(&disk).expect("the disk")))
}

const FAST: [&str; 4] = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"];

#[test]
fn what_cryptsetup_encrypts_is_read_to_the_byte() {
    let argon =
        ["--pbkdf", "argon2id", "--pbkdf-force-iterations", "4", "--pbkdf-memory", "64", "--pbkdf-parallel", "2"];
    let argon_i =
        ["--pbkdf", "argon2i", "--pbkdf-force-iterations", "4", "--pbkdf-memory", "32", "--pbkdf-parallel", "1"];
    for (cipher, more) in [
        ("aes-xts-plain64", [&FAST[..], &["--key-size", "512", "--sector-size", "512"]].concat()),
        ("aes-xts-plain64", [&FAST[..], &["--key-size", "256", "--sector-size", "4096"]].concat()),
        (
            "aes-cbc-essiv:sha256",
            [&FAST[..], &["--key-size", "256", "--sector-size", "512", "--hash", "sha512"]].concat(),
        ),
        ("aes-cbc-plain64", [&FAST[..], &["--key-size", "128", "--sector-size", "512", "--hash", "sha1"]].concat()),
        ("aes-xts-plain64", [&argon[..], &["--key-size", "512"]].concat()),
        ("aes-xts-plain64", [&argon_i[..], &["--key-size", "512"]].concat()),
    ] {
        let arguments = [&["--type", "luks2", "--cipher", cipher], more.as_slice()].concat();
        let (plain, disk) = match encrypted(&arguments) {
            Ok(made) => made,
            Err(cannot) => return cannot.say("LUKS2 by cryptsetup"),
        };
        let found = volumes(&[&disk], &[b"wrong", PASS]);
        assert_eq!(
            (found.len(), found[0].layers.as_slice(), found[0].keys.as_slice()),
            (1, &["LUKS2"][..], &[1][..]),
            "{more:?}"
        );
        assert!(content(&found, "whole").starts_with(&plain), "{cipher} {more:?}");
        let locked = [format!("whole [] encrypted: LUKS2 ({cipher})")];
        assert_eq!(all_told(&volumes(&[&disk], &[])), locked);
        assert_eq!(all_told(&volumes(&[&disk], &[b"wrong"])), locked);
    }
}

#[test]
fn the_second_header_of_luks2_stands_in_for_the_first() {
    let arguments = [&["--type", "luks2"], &FAST[..]].concat();
    let (plain, disk) = match encrypted(&arguments) {
        Ok(made) => made,
        Err(cannot) => return cannot.say("a damaged header of LUKS2"),
    };
    for (name, from, to) in [("its mark", 0, 8), ("its text", 5000, 5001), ("all of it", 0, 4096)] {
        let mut damaged = disk.clone();
        damaged[from..to].fill(0);
        if name == "its text" {
            damaged[from] = b'!';
        }
        assert!(content(&volumes(&[&damaged], &[PASS]), "whole").starts_with(&plain), "{name}");
    }
    let mut damaged = disk.clone();
    damaged[300] ^= 1;
    damaged[16_384 + 300] ^= 1;
    assert_eq!(all_told(&volumes(&[&damaged], &[PASS])), ["whole [] refused: damaged at byte 0: the header of LUKS2"]);
    mutated(&disk[..6 * MIB], 40_000, &[b"x"]);
}

#[test]
fn what_qemu_encrypts_as_luks1_is_read_to_the_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let (plain_path, disk) = (folder.path().join("plain"), folder.path().join("disk"));
    let plain = noise(22, 2 * MIB);
    std::fs::write(&plain_path, &plain).expect("a file");
    if let Err(cannot) = try_run("qemu-img", &["--version"]) {
        return cannot.say("LUKS1 by qemu-img");
    }
    for (options, name) in [
        ("cipher-alg=aes-256,cipher-mode=xts,ivgen-alg=plain64", "aes-xts-plain64"),
        ("cipher-alg=aes-128,cipher-mode=xts,ivgen-alg=plain", "aes-xts-plain"),
        (
            "cipher-alg=aes-256,cipher-mode=cbc,ivgen-alg=essiv,ivgen-hash-alg=sha256,hash-alg=sha1",
            "aes-cbc-essiv:sha256",
        ),
        ("cipher-alg=aes-128,cipher-mode=cbc,ivgen-alg=plain,hash-alg=sha512", "aes-cbc-plain"),
        ("cipher-alg=aes-128,cipher-mode=ecb", "aes-ecb"),
    ] {
        let options = format!("key-secret=s,iter-time=10,{options}");
        let secret = ["convert", "--object", "secret,id=s,data=correct horse", "-f", "raw", "-O", "luks", "-o"];
        let command = [&secret[..], &[&options, text(&plain_path), text(&disk)]].concat();
        // On a machine with coarse clocks it cannot measure its own speed, and says so at random.
        let is_made = (0..40).any(|_| {
            let output = Command::new("qemu-img").args(&command).output().expect("qemu-img");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success() || said.contains("accurate CPU usage"), "{name}: {said}");
            output.status.success()
        });
        if !is_made {
            Cannot::Right(format!("qemu-img cannot measure its speed: {name}")).say("LUKS1 by qemu-img");
            continue;
        }
        let bytes = std::fs::read(&disk).expect("the disk");
        let found = volumes(&[&bytes], &[PASS]);
        assert_eq!(all_told(&found), [format!("whole [LUKS1] {} bytes", plain.len())], "{name}");
        assert!(content(&found, "whole") == plain, "{name}");
        let told = all_told(&volumes(&[&bytes], &[b"correct horse "]));
        let said = told[0].strip_prefix("whole [] encrypted: LUKS1 (").expect("locked");
        assert!(said.starts_with(name), "{told:?}");
    }
}

#[test]
fn the_volumes_of_the_corpora_are_opened() {
    for (name, key, layer) in [
        ("disk/dissect.fve/luks2-aes-xts-plain64.bin.gz", "password", "LUKS2"),
        ("disk/dissect.fve/luks1-aes-ecb.bin.gz", "password", "LUKS1"),
    ] {
        let Some(disk) = corpus(name) else { return };
        let found = volumes(&[&disk], &[key.as_bytes()]);
        println!("{name}: {:?}", all_told(&found));
        assert_eq!(found[0].layers, [layer]);
        let bytes = content(&found, "whole");
        for (number, sector) in bytes.chunks_exact(512).take(4).enumerate() {
            assert!(sector.iter().all(|byte| usize::from(*byte) == number), "{name}: sector {number}");
        }
    }
    let Some(disk) = corpus("disk/dfvfs/luks1.raw.zst") else { return };
    let found = volumes(&[&disk], &[b"luksde-TEST"]);
    println!("{:?}", all_told(&found));
    assert_eq!(&content(&found, "whole")[1080..1082], b"\x53\xef");
    let Some(disk) = corpus("disk/util-linux/luks1.img.xz") else { return };
    assert_eq!(all_told(&volumes(&[&disk], &[])), ["whole [] encrypted: LUKS1 (aes-cbc-essiv:sha256)"]);
}

#[test]
fn a_header_that_asks_for_more_than_the_limits_is_refused_and_costs_nothing() {
    let Some(disk) = corpus("disk/dissect.fve/luks1-aes-ecb.bin.gz") else { return };
    let mut greedy = disk.clone();
    greedy[212..216].fill(0xff);
    let told = all_told(&volumes(&[&greedy], &[b"password"]));
    assert_eq!(told, ["whole [] refused: over the limit at byte 0: rounds of PBKDF2 for one volume"]);
    mutated(&disk, 600, &[]);
}

#[test]
fn a_key_is_never_shown() {
    let key = Key::new(b"hunter2".to_vec());
    assert_eq!(format!("{key:?}"), "Key(redacted)");
    let Some(disk) = corpus("disk/dissect.fve/luks1-aes-ecb.bin.gz") else { return };
    for volume in volumes(&[&disk], &[b"hunter2"]) {
        assert!(matches!(&volume.content, Content::Encrypted(said) if !said.contains("hunter2")));
        assert!(volume.keys.is_empty(), "a key that opens nothing is named by no volume");
    }
}
