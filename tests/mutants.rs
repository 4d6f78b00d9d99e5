//! Hundreds of damaged images, each read by the program itself in a process of its own: it ends as it should, in bounded
//! time and memory; and where metadata stand under a checksum, damage is never absence.
//!
//! With `EXTRACT_MUTANTS_KERNEL` set, as root, what is complete of a raw ext2, ext3 or ext4 without checksums is held against
//! the kernel's read-only mount of the same mutant. `EXTRACT_MUTANTS=N` sets how many each row has; `EXTRACT_MUTANT=SEED` runs one alone; `EXTRACT_ROW=TEXT` the rows whose
//! description holds that text.

#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/mounted.rs"]
mod mounted;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/mutation.rs"]
mod mutation;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/reach.rs"]
mod reach;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/row/mod.rs"]
mod row;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/tool.rs"]
mod tool;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/tree.rs"]
mod tree;

use std::collections::HashSet;
use std::fs;
use std::ops::ControlFlow;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use extract::scope::{FileTime, FileTimes};
use extract::source::{Found, Location};
use mounted::Mounted;
use mutation::{Damage, Victim, sectors};
use nix::sys::resource::{UsageWho, getrusage};
use reach::{open_at, reach};
use row::{Row, rows};
use serde_json::Value;
use tool::{run, text};
use tree::{Lack, Size};

/// Mutants of each row, unless the environment says otherwise.
const MUTANTS: u64 = 50;
/// Address space of one run, in KiB: threads reserve much that they never use.
const ADDRESS_SPACE_KIB: u64 = 1536 * 1024;
/// Memory of one run.
const RESIDENT_KIB: i64 = 300 * 1024;
/// How long one run may take.
const WALL: Duration = Duration::from_secs(10);
/// After this, it is asked whether there is a reason to take long.
const PATIENCE: Duration = Duration::from_secs(1);
/// What may take longer.
const LONG_BYTES: u64 = 4 << 30;

const ORDER: &str = r#"schema = "order/1"

[order]
id = "m-1"
legal_basis = "other"
authority = "A"
reference = "R"
made = 2024-04-08
served = 2024-04-09T09:40:00Z
due = "P7D"
zone = "Europe/London"

[[source]]
name = "s"

[[clause]]
id = "1"
text = "all files"
source = "s"
category = "content"
paths = ["/**"]
take = "files"
"#;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// An order for everything, and the provider's side of it.
struct Bench {
    folder: PathBuf,
    keys: Vec<PathBuf>,
}

impl Bench {
    fn new(folder: &Path, location: &Location) -> Self {
        fs::write(folder.join("order.toml"), ORDER).expect("an order");
        let list =
            |paths: &[PathBuf]| paths.iter().map(|path| format!("{:?}", text(path))).collect::<Vec<_>>().join(", ");
        let mut provider = format!(
            "schema = \"provider/1\"\nsalt = \"00112233445566778899aabbccddeeff\"\ncustodian = \"C\"\n\n\
             [[source]]\nname = \"s\"\npath = {:?}\n",
            text(&location.path)
        );
        for (key, paths) in [("disks", &location.disks), ("backing", &location.backing)] {
            if !paths.is_empty() {
                provider += &format!("{key} = [{}]\n", list(paths));
            }
        }
        if let Some(snapshot) = &location.snapshot {
            provider += &format!("snapshot = {snapshot:?}\n");
        }
        if !location.mounts.is_empty() {
            let mounts: Vec<_> = location.mounts.iter().map(|(volume, at)| format!("{volume:?} = {at:?}")).collect();
            provider += &format!("mounts = {{ {} }}\n", mounts.join(", "));
        }
        fs::write(folder.join("order.provider.toml"), provider).expect("a provider file");
        let key = |(number, key): (usize, &extract::volume::Key)| {
            let path = folder.join(format!("key{number}"));
            fs::write(&path, key.bytes()).expect("a key");
            path
        };
        Self { folder: folder.to_owned(), keys: location.keys.iter().enumerate().map(key).collect() }
    }

    /// Runs the program; or how it ended as it never should. `location`: where its source is.
    fn run(&self, location: &Location) -> Result<Ended, String> {
        let (out, said) = (self.folder.join("stdout"), self.folder.join("stderr"));
        let file = |path| Stdio::from(fs::File::create(path).expect("a file for its output"));
        let mut command = Command::new("sh");
        let program = assert_cmd::cargo::cargo_bin!("extract");
        command.args(["-c", &format!("ulimit -v {ADDRESS_SPACE_KIB}; exec \"$@\""), "sh"]).arg(program);
        command
            .args(["--dry-run", "--json", "--quiet", "--threads", "2", "--order"])
            .arg(self.folder.join("order.toml"));
        for key in &self.keys {
            command.arg("--key").arg(format!("s={}", text(key)));
        }
        command.current_dir(&self.folder).stdin(Stdio::null()).stdout(file(&out)).stderr(file(&said));
        let begun = Instant::now();
        let mut child = command.spawn().expect("the program");
        let mut is_long = None;
        let status = loop {
            if let Some(status) = child.try_wait().expect("its end") {
                break status;
            }
            let late = begun.elapsed();
            if late > PATIENCE && *is_long.get_or_insert_with(|| stated_bytes(location) > LONG_BYTES) || late > WALL {
                child.kill().expect("it is stopped");
                let _ = child.wait();
                return if is_long == Some(true) { Ok(Ended::Long) } else { Err(format!("not done after {WALL:?}")) };
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let said = fs::read_to_string(said).unwrap_or_default();
        match status.code() {
            Some(code @ (0 | 1 | 3)) => Ok(Ended::Code(code, fs::read_to_string(out).unwrap_or_default())),
            Some(code) => Err(format!("exit code {code}: {said}")),
            None => Err(format!("signal {:?}: {said}", status.signal())),
        }
    }
}

/// How the program ended, or was ended.
enum Ended {
    /// With this exit code, and what it printed.
    Code(i32, String),
    /// It was at work on terabytes of holes, and was stopped.
    Long,
}

/// What the files of an image hold by its own word: a changed number can make a file of it that is a terabyte of holes, and
/// reading it is right and takes its time.
fn stated_bytes(location: &Location) -> u64 {
    let (source, scope) = open_at(location).expect("it was opened before");
    let mut total: u64 = 0;
    let _ = source.walk(&scope, 0, &mut |found| {
        if let Found::Entry { entry, .. } = found {
            total = total.saturating_add(entry.size_bytes());
        }
        ControlFlow::Continue(())
    });
    total
}

/// The most memory that any child of this process ever held, in KiB.
fn children_kib() -> i64 {
    getrusage(UsageWho::RUSAGE_CHILDREN).expect("what the children took").max_rss()
}

/// What a disclosure says of what is disclosed: without the digests of the image and of it all.
fn ledger(json: &str, with_content: bool) -> Value {
    let mut value: Value = serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"));
    for source in value["sources"].as_array_mut().expect("sources") {
        let source = source.as_object_mut().expect("a source");
        source.retain(|member, _| !["bytes", "sha256", "journal"].contains(&member.as_str()));
    }
    let object = value.as_object_mut().expect("an object");
    object.retain(|member, _| !["digest", "provider_sha256"].contains(&member.as_str()));
    object.retain(|member, _| with_content || member != "ledger_sha256");
    value
}

/// A row's image and what the program says of it unharmed.
struct Subject {
    row: &'static Row,
    scratch: tempfile::TempDir,
    victim: Victim,
    /// Its file that is named.
    name: PathBuf,
    unharmed: String,
}

/// What the images of rows with the same lacks are made of.
struct Tree {
    lacks: &'static [Lack],
    folder: tempfile::TempDir,
    contents: HashSet<Vec<u8>>,
}

impl Tree {
    fn new(lacks: &'static [Lack]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        tree::build_sized(folder.path(), &[lacks, &[Lack::Holes]].concat(), Size::Small);
        let contents = sectors(folder.path());
        Self { lacks, folder, contents }
    }
}

#[derive(Default)]
struct Count {
    complete: AtomicU64,
    refused: AtomicU64,
    short: AtomicU64,
    long: AtomicU64,
    /// Complete, and as the kernel shows it; complete, and not mounted by the kernel.
    same: AtomicU64,
    unmounted: AtomicU64,
}

impl Subject {
    fn new(row: &'static Row, tree: &Tree) -> Result<Self, tool::Cannot> {
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let folder = scratch.path().join("unharmed");
        fs::create_dir(&folder).expect("a folder");
        (row.make)(tree.folder.path(), &folder.join("image"))?;
        let victim = Victim::new(&folder, &tree.contents);
        let location = (row.location)(folder.join("image"), scratch.path().to_owned());
        let ended =
            Bench::new(scratch.path(), &location).run(&location).unwrap_or_else(|why| panic!("{}: {why}", row.what));
        let Ended::Code(0, unharmed) = ended else { panic!("{}: unharmed, it is not read", row.what) };
        let name = location.path.strip_prefix(&folder).expect("an image in its folder").to_owned();
        Ok(Self { row, scratch, victim, name, unharmed })
    }

    /// Runs the mutants of these seeds, one behind the other on one copy; what is wrong of them.
    fn mutants(&self, seeds: impl Iterator<Item = u64>, count: &Count) -> Vec<String> {
        let own = tempfile::tempdir_in(self.scratch.path()).expect("a folder");
        let copy = own.path().join("copy");
        run("cp", &["-r", "--sparse=always", text(&self.scratch.path().join("unharmed")), text(&copy)]);
        let location = (self.row.location)(copy.join(&self.name), own.path().to_owned());
        let bench = Bench::new(own.path(), &location);
        let with_kernel = std::env::var_os("EXTRACT_MUTANTS_KERNEL").is_some()
            && !self.row.is_checked
            && self.row.kind == "raw"
            && self.row.name.starts_with("ext");
        let mut wrong = Vec::new();
        for seed in seeds {
            let before = children_kib();
            let damage = self.victim.harm(&copy, seed);
            let judged = bench.run(&location).and_then(|ended| match ended {
                Ended::Code(code, json) => {
                    self.judge(code, &json, &damage, count)?;
                    if code == 0 && with_kernel { self.as_the_kernel(&location, count) } else { Ok(()) }
                }
                Ended::Long => {
                    count.long.fetch_add(1, Ordering::Relaxed);
                    Ok(())
                }
            });
            let after = children_kib();
            let judged = judged.and_then(|()| match after > before && after > RESIDENT_KIB {
                true => Err(format!("{after} KiB of memory")),
                false => Ok(()),
            });
            if let Err(why) = judged {
                wrong.push(format!("{}: EXTRACT_MUTANT={seed}: {}: {why}", self.row.what, damage.what));
            }
            self.victim.heal(&copy, &damage);
        }
        for path in self.victim.names() {
            let healed = fs::read(copy.join(path.file_name().expect("a name"))).expect("the copy");
            assert!(healed == fs::read(path).expect("the image"), "{}: every change is undone", self.row.what);
        }
        wrong
    }

    /// What was read without a word of damage is what the kernel shows.
    fn as_the_kernel(&self, location: &Location, count: &Count) -> Result<(), String> {
        let at = location.scratch.join("mount");
        let kernel = match Mounted::new(&location.path, &at, "loop,ro,noatime,errors=continue") {
            Ok(mounted) => mounted.items(),
            Err(why) => {
                println!("{}: {why}", self.row.what);
                count.unmounted.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
        };
        let (source, scope) = open_at(location).map_err(|error| error.to_string())?;
        let reached = reach(&source, &scope);
        let place = |path: &[u8]| path.escape_ascii().to_string();
        for (path, theirs) in &kernel {
            let Some(ours) = reached.items.get(path) else { return Err(format!("{} is missing", place(path))) };
            let ours = reach::Item { times: FileTimes { created: None, ..ours.times }, ..ours.clone() };
            if matches!(theirs.content, Some(Err(_))) {
                continue;
            }
            let theirs = &reach::Item { times: as_far_as_read(theirs.times, ours.times), ..theirs.clone() };
            if ours != *theirs {
                return Err(format!("{}: {ours:?}, by the kernel {theirs:?}", place(path)));
            }
        }
        count.same.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn judge(&self, code: i32, json: &str, damage: &Damage, count: &Count) -> Result<(), String> {
        let counted = match code {
            0 => &count.complete,
            3 => &count.short,
            _ => &count.refused,
        };
        counted.fetch_add(1, Ordering::Relaxed);
        if code != 0 || !self.row.is_checked {
            return Ok(());
        }
        let (ours, unharmed) = (ledger(json, damage.is_metadata), ledger(&self.unharmed, damage.is_metadata));
        if ours == unharmed {
            Ok(())
        } else {
            Err(format!("complete, and another disclosure:\n  {ours}\n  {unharmed}"))
        }
    }
}

/// The kernel's times without those that are a second or more of nanoseconds on disk: it carries the second, and we say that
/// the file has no such time, which decides nothing.
fn as_far_as_read(theirs: FileTimes, ours: FileTimes) -> FileTimes {
    const CARRIED: u32 = (1 << 30) - 1_000_000_000;
    let read = |theirs: Option<FileTime>, ours: Option<FileTime>| {
        theirs.filter(|at| ours.is_some() || !(1..CARRIED).contains(&at.ends().0.nanoseconds()))
    };
    FileTimes {
        modified: read(theirs.modified, ours.modified),
        changed: read(theirs.changed, ours.changed),
        created: theirs.created,
        accessed: read(theirs.accessed, ours.accessed),
    }
}

#[test]
fn a_damaged_image_never_ends_the_program_and_damage_is_never_absence() {
    let count = number("EXTRACT_MUTANTS").unwrap_or(MUTANTS);
    let alone = number("EXTRACT_MUTANT");
    let wanted = std::env::var("EXTRACT_ROW").unwrap_or_default();
    let mut wrong = Vec::new();
    let mut trees: Vec<Tree> = Vec::new();
    for row in rows().filter(|row| row.what.contains(&wanted)) {
        let at = trees.iter().position(|tree| tree.lacks == row.lacks).unwrap_or_else(|| {
            trees.push(Tree::new(row.lacks));
            trees.len() - 1
        });
        let tree = &trees[at];
        let subject = match Subject::new(row, tree) {
            Ok(subject) => subject,
            Err(cannot) => {
                cannot.say(row.what);
                continue;
            }
        };
        let (begun, counted) = (Instant::now(), Count::default());
        std::thread::scope(|threads| {
            let halves: Vec<_> = (0..2)
                .map(|half| {
                    let seeds = (0..count).filter(move |seed| seed % 2 == half && alone.is_none());
                    let seeds = seeds.chain(alone.filter(|_| half == 0));
                    let (subject, counted) = (&subject, &counted);
                    threads.spawn(move || subject.mutants(seeds, counted))
                })
                .collect();
            wrong.extend(halves.into_iter().flat_map(|half| half.join().expect("no panic")));
        });
        let Count { complete, refused, short, long, same, unmounted } = counted;
        let [complete, refused, short, long] = [complete, refused, short, long].map(AtomicU64::into_inner);
        let [same, unmounted] = [same, unmounted].map(AtomicU64::into_inner);
        println!(
            "{}: {complete} complete, {short} short, {refused} refused, {long} with terabytes of holes, in {:.1} s",
            row.what,
            begun.elapsed().as_secs_f64()
        );
        if same + unmounted > 0 {
            println!("  of the complete ones {same} as the kernel shows them, {unmounted} not mounted by it");
        }
    }
    assert!(wrong.is_empty(), "{} mutants:\n{}", wrong.len(), wrong.join("\n"));
}
