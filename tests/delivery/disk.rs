//! What is on the disk while a package is encrypted, and when that ends before its time.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{CANARY, NAME, encrypted, holding, place, read};

#[test]
fn no_file_of_the_folder_holds_a_byte_of_an_exhibit_as_it_is() {
    let case = encrypted();
    let held = holding(&case.path(""), CANARY.as_bytes());
    assert!(held.is_empty(), "{held:?}");
    // The same search finds it in what is not encrypted.
    fs::remove_file(case.path("2024-17.audit.jsonl")).unwrap();
    case.run().ends_with(0);
    assert_eq!(holding(&case.path(""), CANARY.as_bytes()), ["out.tar"]);
    // Nor does the file say what is in it.
    for words in ["docs", "Constabulary", "exhibits.jsonl", "Duty officer"] {
        assert!(memchr::memmem::find(&fs::read(case.path(NAME)).unwrap(), words.as_bytes()).is_none(), "{words}");
    }
}

/// What a process has on the disk.
#[derive(Default)]
struct Seen {
    /// A tar of more than 8 MiB, and a file without a name of more than 8 MiB.
    tar: bool,
    nameless: bool,
    /// Files, not below `source`, that hold a canary as it is.
    held: Vec<String>,
}

impl Seen {
    fn look(&mut self, id: u32, source: &Path) {
        let Ok(files) = fs::read_dir(format!("/proc/{id}/fd")) else { return };
        for file in files.flatten().map(|file| file.path()) {
            let Ok(target) = fs::read_link(&file) else { continue };
            let name = target.display().to_string();
            if target.starts_with(source) || ["/dev/", "/proc/"].iter().any(|front| name.starts_with(front)) {
                continue;
            }
            // What it has by now; what is no file is not read, and one may go away meanwhile.
            if !fs::metadata(&file).is_ok_and(|metadata| metadata.is_file()) {
                continue;
            }
            let mut content = Vec::new();
            let Ok(open) = File::open(&file) else { continue };
            if open.take(128 << 20).read_to_end(&mut content).is_err() {
                continue;
            }
            let is_long = content.len() > 8 << 20;
            self.tar |= is_long && name.ends_with(".partial");
            self.nameless |= is_long && name.ends_with("(deleted)");
            if memchr::memmem::find(&content, CANARY.as_bytes()).is_some() {
                self.held.push(name);
            }
        }
    }
}

/// Begins a run over 42 MiB of canaries and a file that no machine reads in time, and looks at what it has on the disk; then
/// the run is ended by a signal. What was seen, then and afterwards, and the names that were left.
fn stopped(arguments: &[&str], signal: Signal) -> (Seen, Vec<String>) {
    let case = place();
    case.file("/docs/b.txt", format!("{CANARY}\n").repeat(3_500_000));
    let endless = case.file("/docs/c", "");
    File::options().write(true).open(endless).unwrap().set_len(1 << 40).unwrap();
    let public = read(&case, "age.key.pub");
    let arguments: Vec<&str> = arguments.iter().map(|word| if *word == "PUBLIC" { &public } else { *word }).collect();
    let mut command = case.command(&[&["--order", "order.toml", "--threads", "2"], &arguments[..]].concat());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let source = fs::canonicalize(case.path("source")).unwrap();
    let (mut seen, begun) = (Seen::default(), Instant::now());
    while !(seen.tar && seen.nameless) && begun.elapsed() < Duration::from_secs(60) {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        seen.look(child.id(), &source);
        std::thread::sleep(Duration::from_millis(2));
    }
    kill_process(Pid::from_child(&child), signal).unwrap();
    child.wait().unwrap();
    let left = fs::read_dir(case.path("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<String> = left.filter(|name| name.contains("2024")).collect();
    for name in &left {
        assert!(
            name.starts_with(".2024-17.") && name.ends_with(".partial"),
            "a name tells only the order's id: {name}"
        );
    }
    seen.held.extend(holding(&case.path(""), CANARY.as_bytes()));
    (seen, left)
}

#[test]
fn while_a_package_is_encrypted_and_when_it_is_killed_no_plaintext_is_on_the_disk() {
    for signal in [Signal::KILL, Signal::INT] {
        let (seen, left) = stopped(&["--recipient", "PUBLIC"], signal);
        assert!(seen.tar && seen.nameless, "a tar and a spool were looked at");
        assert!(seen.held.is_empty(), "{:?}", seen.held);
        assert_eq!(left.is_empty(), signal == Signal::INT, "{left:?}");
    }
    // The same search finds plaintext in a tar that is not encrypted, and in no spool.
    let (seen, _) = stopped(&["--output", "2024-17.tar"], Signal::KILL);
    assert!(seen.tar && seen.nameless, "a tar and a spool were looked at");
    assert!(!seen.held.is_empty() && seen.held.iter().all(|name| name.ends_with(".partial")), "{:?}", seen.held);
}
