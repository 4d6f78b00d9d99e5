//! The same order, provider file and sources give the same package, whoever runs it, where, and with how many threads;
//! and a run that cannot be completed leaves nothing.
//!
//! **Invariant:** nothing here depends on how fast the machine is.

mod bench;

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bench::{Bench, VARYING, listed, run};

/// What a reader of the tar sees of a member, header included.
#[derive(PartialEq, Clone)]
struct Member {
    name: String,
    header: Vec<u8>,
    bytes: Vec<u8>,
}

fn members(tar: &Path) -> Vec<Member> {
    let bytes = fs::read(tar).unwrap();
    let mut archive = tar::Archive::new(bytes.as_slice());
    let entries = archive.entries().unwrap();
    entries
        .map(|entry| {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().to_str().unwrap().to_owned();
            let header = entry.header().as_bytes().to_vec();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            Member { name, header, bytes }
        })
        .collect()
}

fn varies(member: &Member) -> bool {
    VARYING.iter().any(|name| member.name.ends_with(name))
}

/// In what two packages differ beyond the three members that may.
fn difference(one: &Path, other: &Path) -> Option<String> {
    let (one_members, other_members) = (members(one), members(other));
    let names = |members: &[Member]| -> Vec<String> { members.iter().map(|member| member.name.clone()).collect() };
    if names(&one_members) != names(&other_members) {
        return Some("other members".to_owned());
    }
    let mut both = one_members.iter().zip(&other_members).filter(|(one, _)| !varies(one));
    if let Some((one, _)) = both.find(|(one, other)| one != other) {
        return Some(one.name.clone());
    }
    if one_members.iter().filter(|member| varies(member)).count() != VARYING.len() {
        return Some("not three members that may differ".to_owned());
    }
    // Nothing stands between the members either.
    let outline = |path: &Path, members: &[Member]| {
        let bytes = fs::read(path).unwrap();
        bytes.len() - members.iter().map(|member| 512 + member.bytes.len().next_multiple_of(512)).sum::<usize>()
    };
    (outline(one, &one_members) != outline(other, &other_members)).then(|| "what is between the members".to_owned())
}

fn assert_same(one: &Path, other: &Path, what: &str) {
    assert_eq!(difference(one, other), None, "{what}");
}

fn digest(bytes: &[u8]) -> String {
    let object: serde_json::Value = serde_json::from_slice(bytes).unwrap();
    object["digest"].as_str().unwrap().to_owned()
}

#[test]
fn threads_paths_and_users_change_no_byte() {
    let first = Bench::new(200_000);
    let second = first.copy("second");
    for id in ["folder", "image"] {
        let mut made = Vec::new();
        for (name, bench, threads) in [("one", &first, "1"), ("two", &first, "2"), ("moved", &second, "2")] {
            let tar = first.output(&format!("{id}-{name}")).join("x.tar");
            let mut command = bench.command(id);
            run(command.args(["--threads", threads, "--output"]).arg(&tar).current_dir(&bench.root));
            made.push(tar);
        }
        for tar in &made[1..] {
            assert_same(&made[0], tar, &format!("{id}: {}", tar.display()));
        }
        // The folder it is run from, the custodian's language and zone.
        let tar = first.output(&format!("{id}-elsewhere")).join("y.tar");
        let mut command = second.command(id);
        command.env("TZ", "Asia/Tokyo").env("LC_ALL", "de_DE.UTF-8").env("LANG", "de_DE.UTF-8").current_dir("/");
        run(command.arg("--output").arg(&tar));
        assert_same(&made[0], &tar, &format!("{id}: another zone"));
        on_another_host(&second, id, &first.output(&format!("{id}-host")), &made[0]);
        as_another_user(&second, id, &first.output(&format!("{id}-nobody")), &made[0]);
        assert!(members(&made[0]).iter().filter(|member| member.name.contains("/data/")).count() > 20, "{id}");
    }
}

fn on_another_host(bench: &Bench, id: &str, out: &Path, reference: &Path) {
    const HOST: &str = "zqanotherhost7";
    let tar = out.join("x.tar");
    let mut command = Command::new("unshare");
    command.args(["--uts", "sh", "-c", "hostname \"$0\" && exec \"$@\"", HOST]).arg(bench.program()).arg("--order");
    command.arg(bench.root.join(format!("orders/{id}.toml"))).arg("--output").arg(&tar);
    let done = command.output();
    let Some(done) = done.ok().filter(|done| done.status.success()) else {
        println!("another host: not tried, no other host name can be had here");
        return;
    };
    assert_same(reference, &tar, &format!("{id}: another host"));
    // Not in the three members that vary either, nor in what is said.
    for bytes in [fs::read(&tar).unwrap(), done.stdout, done.stderr] {
        assert!(!bytes.windows(HOST.len()).any(|piece| piece.eq_ignore_ascii_case(HOST.as_bytes())), "{id}");
    }
    println!("another host: the same ({id})");
}

fn as_another_user(bench: &Bench, id: &str, out: &Path, reference: &Path) {
    if !rustix::process::geteuid().is_root() {
        println!("another user: not tried, only root can become one");
        return;
    }
    let tar = out.join("nobody.tar");
    bench.program();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(bench.program());
    command.arg("--order").arg(bench.root.join(format!("orders/{id}.toml"))).arg("--output").arg(&tar);
    run(command.current_dir(out));
    assert_eq!(fs::metadata(&tar).unwrap().uid(), 65534);
    assert_same(reference, &tar, &format!("{id}: another user"));
    println!("another user: the same ({id})");
}

#[test]
fn a_preview_has_the_digest_of_the_run() {
    let bench = Bench::new(100_000);
    for id in ["folder", "image"] {
        let out = bench.output(id);
        let tar = out.join("run.tar");
        let preview = run(bench.command(id).args(["--dry-run", "--json", "--threads", "2"]).current_dir(&out));
        assert_eq!(listed(&out), Vec::<String>::new(), "a preview writes nothing");
        run(bench.command(id).args(["--threads", "1", "--output"]).arg(&tar));
        let disclosure = members(&tar).into_iter().find(|member| member.name.ends_with("/disclosure.json")).unwrap();
        assert_eq!(digest(&preview.stdout), digest(&disclosure.bytes), "{id}");
        if id == "image" {
            continue;
        }
        // One record more in the source and it is another.
        let mut log = fs::File::options().append(true).open(bench.root.join("server/var/log/access.log")).unwrap();
        log.write_all(b"192.0.2.1 - - [25/Mar/2024:10:00:00 +0000] \"GET / HTTP/1.1\" 200 1\n").unwrap();
        let again = run(bench.command(id).args(["--dry-run", "--json"]).current_dir(&out));
        assert_ne!(digest(&preview.stdout), digest(&again.stdout), "{id}");
    }
}

#[test]
fn the_default_output_is_the_order_s_id_in_the_current_folder() {
    let bench = Bench::new(1_000);
    let out = bench.output("default");
    run(bench.command("folder").current_dir(&out));
    assert_eq!(listed(&out), ["folder.audit.jsonl", "folder.tar"]);
    let again = bench.command("folder").current_dir(&out).output().unwrap();
    assert_eq!(again.status.code(), Some(1));
}

/// Everything of a folder that a run must leave as it is.
fn state(folder: &Path) -> Vec<(String, u64, i64, i64, u64)> {
    let mut state: Vec<_> = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(|entry| {
            let entry = entry.unwrap();
            let held = entry.metadata().unwrap();
            (entry.path().display().to_string(), held.len(), held.mtime_nsec(), held.ctime_nsec(), held.ino())
        })
        .collect();
    state.sort();
    state
}

#[test]
fn an_output_inside_a_source_folder_is_refused_and_the_source_stays_as_it_is() {
    let bench = Bench::new(1_000);
    let server = bench.root.join("server");
    let aside = bench.output("aside");
    std::os::unix::fs::symlink(server.join("home"), aside.join("link")).unwrap();
    let before = state(&server);
    for output in
        [server.join("x.tar"), server.join("home/alice/x.tar"), aside.join("link/x.tar"), server.join("var/../x.tar")]
    {
        let refused = bench.command("folder").arg("--output").arg(&output).output().unwrap();
        assert_eq!(
            refused.status.code(),
            Some(1),
            "{}: {}",
            output.display(),
            String::from_utf8_lossy(&refused.stderr)
        );
        assert!(!refused.stderr.is_empty());
        assert_eq!(state(&server), before, "{}", output.display());
    }
    // The current folder counts as well.
    let refused = bench.command("folder").current_dir(&server).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(state(&server), before);
    // What is right beside it is no part of it.
    run(bench.command("folder").arg("--output").arg(bench.root.join("server.tar")));
    assert_eq!(state(&server), before, "a source is never changed");
}

#[test]
fn an_existing_output_is_refused_and_stays_as_it_is() {
    let bench = Bench::new(1_000);
    for there in ["x.tar", "folder.audit.jsonl"] {
        let out = bench.output(there);
        fs::write(out.join(there), b"evidence of another day").unwrap();
        let refused = bench.command("folder").arg("--output").arg(out.join("x.tar")).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains("hint:"), "it says how to go on: {said}");
        assert_eq!(fs::read(out.join(there)).unwrap(), b"evidence of another day");
        assert_eq!(listed(&out), [there]);
    }
}

/// Starts a run and waits until it has read this much of its sources.
fn started(bench: &Bench, id: &str, out: &Path, read_bytes: u64) -> Child {
    let mut command = bench.command(id);
    command.args(["--threads", "1", "--output"]).arg(out.join("x.tar")).env("TMPDIR", out);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begin = Instant::now();
    loop {
        let counters = fs::read_to_string(format!("/proc/{}/io", child.id())).unwrap_or_default();
        let read = counters.lines().find_map(|line| line.strip_prefix("rchar: ")?.parse::<u64>().ok());
        if read.is_some_and(|read| read > read_bytes) {
            return child;
        }
        if begin.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            let done = child.wait_with_output().unwrap();
            panic!("it never read {read_bytes} bytes: {}", String::from_utf8_lossy(&done.stderr));
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// What is read before a test steps in.
const BULK_BYTES: usize = 16 * 1024 * 1024;

/// Makes the sources this much longer, by a hole: a run that has read the bulk is a long way from its end.
fn lengthen(bench: &Bench, bytes: u64) {
    for path in ["server/var/log/bulk.log", "server.img"] {
        let file = fs::File::options().write(true).open(bench.root.join(path)).unwrap();
        file.set_len(file.metadata().unwrap().len() + bytes).unwrap();
    }
}

#[test]
fn a_source_that_changes_while_it_is_read_gives_no_package() {
    let bench = Bench::new(BULK_BYTES);
    lengthen(&bench, 512 << 20);
    for (id, path) in [("folder", "server/var/log/bulk.log"), ("image", "server.img")] {
        let out = bench.output(id);
        let mut source = fs::File::options().append(true).open(bench.root.join(path)).unwrap();
        let child = started(&bench, id, &out, BULK_BYTES as u64 / 2);
        source.write_all(b"one more line\n").unwrap();
        let done = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(1), "{id}: {said}");
        assert!(said.contains("changed"), "{id}: {said}");
        assert_eq!(listed(&out), Vec::<String>::new(), "{id}");
    }
}

#[test]
fn a_run_that_is_interrupted_leaves_nothing_and_says_so() {
    let bench = Bench::new(BULK_BYTES);
    // No machine reads that while a signal is on its way.
    lengthen(&bench, 1 << 40);
    for id in ["folder", "image"] {
        for signal in [rustix::process::Signal::INT, rustix::process::Signal::TERM] {
            let out = bench.output(&format!("{id}-{}", signal.as_raw()));
            let child = started(&bench, id, &out, BULK_BYTES as u64 / 2);
            let pid = rustix::process::Pid::from_child(&child);
            rustix::process::kill_process(pid, signal).unwrap();
            let done = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&done.stderr).to_lowercase();
            assert_eq!(done.status.code(), Some(1), "{id}: {said}");
            assert!(said.contains("interrupted") && said.contains("nothing"), "{id}: {said}");
            assert_eq!(listed(&out), Vec::<String>::new(), "{id}");
        }
    }
}

#[test]
fn a_full_disk_leaves_nothing() {
    let bench = Bench::new(1_000);
    let out = bench.output("small");
    bench.program();
    // A disk of 256 KiB that only this shell and its children see. What is in scope is more than a megabyte.
    let script = "mount -t tmpfs -o size=256k none \"$0\" || exit 99\n\"$@\"\necho \"code $?\"\nls -A \"$0\"";
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", script]).arg(&out).arg(bench.program()).arg("--order");
    command.arg(bench.root.join("orders/folder.toml")).arg("--output").arg(out.join("x.tar")).env("TMPDIR", &out);
    let done = command.output().unwrap();
    let (said, error) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    if !error.contains("No space left") && !said.contains("code") {
        println!("a full disk: not tried, no disk can be mounted here: {error}");
        return;
    }
    println!("a full disk: tried");
    let (_, rest) = said.split_once("code ").unwrap();
    assert_eq!(rest, "1\n", "exit 1 and an empty folder: {said}{error}");
    assert!(!error.is_empty());
}

#[test]
fn two_packages_that_differ_are_told_apart() {
    let bench = Bench::new(1_000);
    let before = bench.output("before").join("x.tar");
    run(bench.command("folder").arg("--output").arg(&before));
    // One byte of one exhibit.
    let document = bench.root.join("server/home/alice/03.txt");
    let mut bytes = fs::read(&document).unwrap();
    bytes[9] ^= 1;
    fs::write(&document, bytes).unwrap();
    run(Command::new("touch").args(["-d", "2024-03-25T12:00:00Z"]).arg(&document));
    let after = bench.output("after").join("x.tar");
    run(bench.command("folder").arg("--output").arg(&after));
    assert_eq!(difference(&before, &after).as_deref(), Some("folder/data/000004.bin"));
    assert_eq!(difference(&before, &before), None);
}
