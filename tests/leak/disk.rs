//! The tree on a disk: as a folder, as a raw ext4 image and as a qcow2 image, with what only a disk holds.
//!
//! **Invariant:** what is planted here (deleted files, slack, free blocks, labels) is in scope for no order at all.

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags};

use super::canary::{Aviary, Random};
use super::tree::{Node, Tree};

/// Where the tree stands.
#[derive(Clone)]
pub struct Disk {
    pub folder: PathBuf,
    pub raw: PathBuf,
    pub qcow2: PathBuf,
    /// The raw image as the first partition of a disk; the second holds marks alone.
    pub partitioned: PathBuf,
    /// The folder in a packed archive.
    pub archive: PathBuf,
}

/// Writes the tree under `at`, in folders whose names are marked.
pub fn write(tree: &mut Tree, at: &Path) -> Disk {
    let mut random = Random::new(0xD15C);
    let mark = tree.aviary.word(&mut random, "the path of the sources");
    let home = at.join(format!("sources-{mark}"));
    let folder = home.join("server");
    write_folder(tree, &folder);
    let aviary = &mut tree.aviary;
    let raw = home.join("server.img");
    make_image(&folder, &raw, aviary, &mut random);
    plant_on_disk(&raw, &home, aviary, &mut random);
    let qcow2 = home.join("server.qcow2");
    run(Command::new("qemu-img").args(["convert", "-f", "raw", "-O", "qcow2"]).arg(&raw).arg(&qcow2));
    let partitioned = home.join("server.disk");
    partition(&raw, &partitioned, &home, aviary, &mut random);
    let archive = home.join("server.tar.gz");
    run(Command::new("tar")
        .args(["--format=pax", "--sort=name", "-C"])
        .arg(&folder)
        .arg("-czf")
        .arg(&archive)
        .arg("."));
    Disk { folder, raw, qcow2, partitioned, archive }
}

/// The image as the first partition of a disk. The table's own names, the gaps around the partitions and a second file
/// system, which nothing mounts, hold marks.
fn partition(raw: &Path, disk: &Path, home: &Path, aviary: &mut Aviary, random: &mut Random) {
    const SECTOR: u64 = 512;
    let size = fs::metadata(raw).unwrap().len() / SECTOR;
    let (first, gap, other) = (2048, 64, 8192);
    let second = first + size + gap;
    let file = File::create(disk).unwrap();
    file.set_len((second + other + 2048) * SECTOR).unwrap();
    let (name, neighbour) =
        (aviary.word(random, "the name of a partition"), aviary.word(random, "the name of another partition"));
    let script = format!(
        "label: gpt\nstart={first}, size={size}, name=\"{name}\"\nstart={second}, size={other}, name=\"{neighbour}\"\n"
    );
    let table = home.join("table");
    fs::write(&table, script).unwrap();
    run(Command::new("sfdisk").arg("-q").arg(disk).stdin(File::open(&table).unwrap()));
    fs::remove_file(table).unwrap();
    let folder = home.join("neighbour");
    for path in ["var/mail/alice", "var/log/apache2/access.log", "home/alice/docs/note.txt"] {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("192.0.2.1 - - {}\n", aviary.word(random, "a volume that is not mounted"))).unwrap();
    }
    let image = home.join("neighbour.img");
    File::create(&image).unwrap().set_len(other * SECTOR).unwrap();
    run(Command::new("mkfs.ext4").args(["-q", "-F", "-O", "^has_journal", "-d"]).arg(&folder).arg(&image));
    let write = |at: u64, bytes: &[u8]| std::os::unix::fs::FileExt::write_all_at(&file, bytes, at * SECTOR).unwrap();
    write(first, &fs::read(raw).unwrap());
    write(second, &fs::read(&image).unwrap());
    for sector in [40, first + size + 1, second + other + 3] {
        write(sector, format!("192.0.2.1 - - {}\n", aviary.word(random, "a gap between partitions")).as_bytes());
    }
    fs::remove_dir_all(folder).unwrap();
    fs::remove_file(image).unwrap();
}

/// Runs a tool of the fixture and insists that it succeeds.
pub fn run(command: &mut Command) -> String {
    let shown = format!("{command:?}");
    let output = command.output().unwrap_or_else(|error| panic!("{shown}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{shown}: {text}");
    text
}

fn place(root: &Path, path: &[u8]) -> PathBuf {
    root.join(std::ffi::OsStr::from_bytes(&path[1..]))
}

fn write_folder(tree: &Tree, root: &Path) {
    fs::create_dir_all(root).unwrap();
    let mut attributes = 0;
    for planted in &tree.planted {
        let path = place(root, &planted.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match &planted.node {
            Node::Folder => fs::create_dir_all(&path).unwrap(),
            Node::File(file) => fs::write(&path, &file.stored).unwrap(),
            Node::Link(target) => std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(target), &path).unwrap(),
            Node::HardLink(of) => fs::hard_link(place(root, of), &path).unwrap(),
            Node::Pipe => {
                rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
            }
        }
        if let (Some(value), Node::Folder | Node::File(_)) = (&planted.attribute, &planted.node) {
            let set = rustix::fs::setxattr(&path, "user.note", value.as_bytes(), XattrFlags::empty());
            attributes += usize::from(set.is_ok());
        }
    }
    println!("extended attributes planted: {attributes}");
    let mut owners = 0;
    // Owners and times last: making the next thing in a folder changes its time.
    for planted in tree.planted.iter().rev() {
        let path = place(root, &planted.path);
        if let Node::HardLink(_) = planted.node {
            continue;
        }
        owners += usize::from(std::os::unix::fs::lchown(&path, Some(planted.owner), Some(planted.owner)).is_ok());
        set_time(&path, planted.modified);
    }
    println!("owners planted: {owners} (as another user than root: 0)");
}

/// The modification time, of a link too.
fn set_time(path: &Path, seconds: i64) {
    let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
    let times = Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

fn make_image(folder: &Path, raw: &Path, aviary: &mut Aviary, random: &mut Random) {
    File::create(raw).unwrap().set_len(12 * 1024 * 1024).unwrap();
    let label = aviary.word(random, "the label of the file system");
    let mounted = aviary.word(random, "where the file system was mounted");
    run(Command::new("mkfs.ext4")
        .args(["-q", "-F", "-b", "1024", "-L", &label, "-M", &format!("/mnt/{mounted}"), "-d"])
        .arg(folder)
        .arg(raw));
}

fn debugfs(raw: &Path, home: &Path, writes: bool, commands: &str) -> String {
    let script = home.join("commands");
    fs::write(&script, commands).unwrap();
    let mut command = Command::new("debugfs");
    if writes {
        command.arg("-w");
    }
    let text = run(command.arg("-f").arg(&script).arg(raw));
    fs::remove_file(script).unwrap();
    text
}

/// Deleted files, the slack behind a file's end, and blocks that belong to nothing.
fn plant_on_disk(raw: &Path, home: &Path, aviary: &mut Aviary, random: &mut Random) {
    let block = 1024;
    // Deleted: the name stays in the folder, the content in its blocks. All are written before the first is deleted, so
    // that none takes another's blocks.
    let (mut writes, mut deletes) = (String::new(), String::new());
    for (folder, kind) in [("/var/mail", "mail"), ("/home/alice/docs", "text"), ("/var/log/apache2", "log")] {
        let name = aviary.word(random, "the name of a deleted file");
        let mark = aviary.word(random, "the words of a deleted file");
        let text = match kind {
            "mail" => format!("From x@out.example Mon Apr  1 10:00:00 2024\nFrom: alice@shop.example\n\n{mark}\n"),
            "log" => format!("192.0.2.1 - - [25/Mar/2024:10:00:00 +0000] \"GET /{mark} HTTP/1.1\" 200 1\n"),
            _ => format!("The deleted words {mark}\n"),
        };
        let local = home.join(format!("deleted-{kind}"));
        fs::write(&local, text).unwrap();
        writes.push_str(&format!("cd {folder}\nwrite {} {name}\n", local.display()));
        deletes.push_str(&format!("rm {folder}/{name}\n"));
    }
    debugfs(raw, home, true, &(writes + &deletes));
    let mut image = File::options().write(true).open(raw).unwrap();
    // Slack: the rest of a file's last block.
    for path in ["/var/mail/alice", "/var/log/apache2/access.log", "/var/mail/bob"] {
        let size = stat_size(&debugfs(raw, home, false, &format!("stat {path}\n")));
        let listed = debugfs(raw, home, false, &format!("blocks {path}\n"));
        let last: u64 = listed.split_whitespace().filter_map(|word| word.parse().ok()).next_back().unwrap();
        let used = size % block;
        let mark = aviary.word(random, "slack");
        let text = format!("\n\nFrom x Mon Apr  1 10:00:00 2024\n192.0.2.1 - - {mark}\n");
        assert!(used > 0 && used + (text.len() as u64) < block, "{path} leaves no slack: another seed");
        image.seek(SeekFrom::Start(last * block + used)).unwrap();
        image.write_all(text.as_bytes()).unwrap();
    }
    // Free blocks.
    let free = debugfs(raw, home, false, "ffb 4 9000\n");
    let (_, free) = free.split_once("found:").unwrap();
    let blocks: Vec<u64> = free.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    assert!(!blocks.is_empty(), "{free}");
    println!("planted in the image: 3 deleted files, 3 slacks, {} free blocks", blocks.len());
    for number in blocks {
        let mark = aviary.word(random, "a free block");
        image.seek(SeekFrom::Start(number * block)).unwrap();
        image.write_all(format!("192.0.2.1 - - {mark}\n").as_bytes()).unwrap();
    }
    image.sync_all().unwrap();
    let checked = Command::new("e2fsck").args(["-fn"]).arg(raw).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}

fn stat_size(text: &str) -> u64 {
    let (_, rest) = text.split_once("Size: ").unwrap();
    rest.split_whitespace().next().unwrap().parse().unwrap()
}
