//! Images that stand on others, and snapshots within one.

use std::fs;
use std::path::{Path, PathBuf};

use extract::image;
use extract::read_error::ReadError;
use tempfile::TempDir;

use super::made::{Chance, all, by_qemu, names, stored};
use super::tool::{run, text};

const SIZE: usize = 3 * 1024 * 1024;

/// A folder with a raw base of noise, and what is read of an image in it with these files behind it.
struct Chain {
    made: TempDir,
    scratch: TempDir,
    chance: Chance,
}

impl Chain {
    fn new() -> Self {
        let folder = || tempfile::tempdir().expect("a folder");
        let mut chain = Self { made: folder(), scratch: folder(), chance: Chance(7) };
        let noise = chain.chance.bytes(SIZE / 2);
        let base = chain.path("base.raw");
        // A partition table, so that raw's own probe would take it, and a shorter file than what stands on it.
        fs::write(&base, noise).expect("a file");
        run("mke2fs", &["-q", "-F", "-t", "ext2", text(&base)]);
        chain
    }

    fn path(&self, name: &str) -> PathBuf {
        self.made.path().join(name)
    }

    /// Makes `name` of this driver on `base`, and writes to it.
    fn overlay(&mut self, name: &str, driver: &str, base: &str, base_driver: &str, options: &[&str]) {
        let (path, base) = (self.path(name), self.path(base));
        let mut all = vec!["create", "-q", "-f", driver];
        all.extend_from_slice(options);
        let size = SIZE.to_string();
        all.extend_from_slice(&["-F", base_driver, "-b", text(&base), text(&path)]);
        if driver != "vmdk" {
            all.push(&size);
        }
        run("qemu-img", &all);
        self.write(name, driver);
    }

    fn write(&mut self, name: &str, driver: &str) {
        let path = self.path(name);
        for _ in 0..12 {
            let offset = self.chance.below((SIZE / 2 - 70_000) / 512) * 512;
            let length = (self.chance.below(120) + 1) * 512;
            let request = format!("write -q -P {} {offset} {length}", self.chance.below(255));
            run("qemu-io", &["-f", driver, "-c", &request, text(&path)]);
        }
        run("qemu-io", &["-f", driver, "-c", "write -q -P 0 4096 65536", text(&path)]);
    }

    fn read(&self, name: &str, behind: &[&str], snapshot: Option<&str>) -> Result<(Vec<u8>, usize), ReadError> {
        let mut stored = stored(&self.path(name), self.scratch.path())?;
        stored.backing = behind.iter().map(|name| self.path(name)).collect();
        stored.snapshot = snapshot.map(str::to_owned);
        let opened = image::open(&stored)?;
        let bytes = all(&opened)?;
        let files = opened.files.len();
        drop(opened);
        assert_eq!(names(self.scratch.path()), Vec::<String>::new());
        Ok((bytes, files))
    }

    fn refused(&self, name: &str, behind: &[&str]) -> String {
        let error = self.read(name, behind, None).map(|_| ()).expect_err("it is refused");
        assert_eq!(names(self.scratch.path()), Vec::<String>::new());
        error.to_string()
    }
}

fn expected(image: &Path, driver: &str) -> Vec<u8> {
    by_qemu(image, driver).expect("qemu-img follows the chain by itself")
}

#[test]
fn a_chain_gives_what_qemu_gives_where_every_file_is_named_and_is_refused_otherwise() {
    let overlays: [(&str, &[&str]); 5] = [
        ("qcow2", &[]),
        ("qcow2", &["-o", "compression_type=zstd"]),
        ("qcow2", &["-o", "extended_l2=on,cluster_size=128k"]),
        ("qed", &[]),
        ("qcow2", &["-o", "compat=0.10"]),
    ];
    for (number, (driver, options)) in overlays.into_iter().enumerate() {
        let mut chain = Chain::new();
        chain.overlay("middle", "qcow2", "base.raw", "raw", &[]);
        chain.overlay("top", driver, "middle", "qcow2", options);
        let what = format!("{number}: {driver} {options:?}");
        let whole = expected(&chain.path("top"), driver);
        assert_eq!(chain.read("top", &["middle", "base.raw"], None).expect(&what), (whole, 3), "{what}");
        let middle = expected(&chain.path("middle"), "qcow2");
        assert_eq!(chain.read("middle", &["base.raw"], None).expect(&what), (middle, 2), "{what}");
        for behind in [&[][..], &["middle"]] {
            let said = chain.refused("top", behind);
            assert!(said.contains("with a backing file; name it as this source's backing"), "{what}: {said}");
        }
        for behind in [&["middle", "base.raw", "base.raw"][..], &["base.raw", "middle"]] {
            let said = chain.refused("top", behind);
            assert!(said.contains("backing file"), "{what}: {said}");
        }
        assert!(chain.refused("base.raw", &["middle"]).contains("behind an image that has none"), "{what}");
    }
}

#[test]
fn a_raw_base_must_be_said_to_be_raw_and_a_base_must_be_what_is_said() {
    let mut chain = Chain::new();
    chain.overlay("top", "qcow2", "base.raw", "raw", &[]);
    let image = chain.path("top");
    let mut bytes = fs::read(&image).expect("it was made");
    let place = bytes.windows(4).position(|word| word == [0xe2, 0x79, 0x2a, 0xca]).expect("the base's format is said");
    assert_eq!(&bytes[place + 8..place + 11], b"raw");
    bytes[place + 8..place + 11].copy_from_slice(b"vdi");
    fs::write(&image, &bytes).expect("a file");
    assert!(chain.refused("top", &["base.raw"]).contains("not in the format"), "another format");
    // An extension that nobody knows in its place: nothing is said of the format.
    bytes[place..place + 4].copy_from_slice(&[1, 2, 3, 4]);
    fs::write(&image, &bytes).expect("a file");
    assert!(chain.refused("top", &["base.raw"]).contains("does not say it is raw"), "no format");
}

#[test]
fn a_vmdk_of_changes_is_read_on_its_own_parent_alone() {
    let mut chain = Chain::new();
    for (number, subformat) in ["monolithicSparse", "twoGbMaxExtentSparse"].into_iter().enumerate() {
        let base = format!("base{number}.vmdk");
        let (raw, path) = (chain.path("base.raw"), chain.path(&base));
        let option = format!("subformat={subformat}");
        run("qemu-img", &["convert", "-f", "raw", "-O", "vmdk", "-o", &option, text(&raw), text(&path)]);
        let top = format!("top{number}.vmdk");
        chain.overlay(&top, "vmdk", &base, "vmdk", &["-o", &option]);
        let whole = expected(&chain.path(&top), "vmdk");
        let (bytes, _) = chain.read(&top, &[&base], None).expect(subformat);
        assert!(bytes == whole, "{subformat}");
        assert!(chain.refused(&top, &[]).contains("name it as this source's backing"), "{subformat}");
        chain.write(&base, "vmdk");
        assert!(chain.refused(&top, &[&base]).contains("was written to since"), "{subformat}");
    }
    assert!(chain.refused("top0.vmdk", &["base1.vmdk"]).contains("parent is another one"));
}

#[test]
fn a_snapshot_is_read_by_its_name_and_an_unknown_one_is_refused() {
    let mut chain = Chain::new();
    for options in [&[][..], &["-o", "compression_type=zstd"]] {
        let image = chain.path("disk");
        let size = SIZE.to_string();
        let mut create = vec!["create", "-q", "-f", "qcow2"];
        create.extend_from_slice(options);
        create.extend_from_slice(&[text(&image), &size]);
        run("qemu-img", &create);
        chain.write("disk", "qcow2");
        let first = expected(&image, "qcow2");
        run("qemu-img", &["snapshot", "-c", "before, it=all", text(&image)]);
        chain.write("disk", "qcow2");
        let second = expected(&image, "qcow2");
        run("qemu-img", &["snapshot", "-c", "1", text(&image)]);
        chain.write("disk", "qcow2");
        let now = expected(&image, "qcow2");
        let read = |name| chain.read("disk", &[], name).map(|(bytes, _)| bytes);
        assert!(read(None).expect("as it is now") == now);
        assert!(read(Some("before, it=all")).expect("the first") == first);
        // The first one's number is the second one's name.
        assert!(read(Some("1")).expect("by its name") == second);
        assert!(first != second && second != now);
        let unknown = read(Some("2")).map(|_| ()).expect_err("a number is no name").to_string();
        assert!(unknown.contains("a snapshot that the image does not have"), "{unknown}");
        run("qemu-img", &["snapshot", "-c", "1", text(&image)]);
        let twice = chain.read("disk", &[], Some("1")).map(|_| ()).expect_err("two of one name").to_string();
        assert!(twice.contains("another one in the image has too"), "{twice}");
        run("qemu-img", &["resize", "-q", "-f", "qcow2", text(&image), "+1M"]);
        let resized = chain.read("disk", &[], Some("before, it=all")).map(|_| ()).expect_err("resized").to_string();
        assert!(resized.contains("another size"), "{resized}");
        fs::remove_file(&image).expect("it is there");
    }
    let said = chain.read("base.raw", &[], Some("x")).map(|_| ()).expect_err("raw has none").to_string();
    assert!(said.contains("a snapshot of an image whose format has none"), "{said}");
}
