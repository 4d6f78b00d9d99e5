//! The heart of the tests: what an order does not ask for does not leave, and what it asks for does.
//!
//! A seeded tree is planted with marks in every name, byte, time, owner, attribute, link, slack byte and deleted file;
//! seeded orders run over it, as a folder and as an ext4 image; everything that comes out is searched for every mark that
//! the order does not let out, in every form. The twin: everything that is in scope is there, byte for byte.
//!
//! **Invariant:** what is in scope is worked out from how the tree was made, never by the program.

#[path = "../fixture/audited.rs"]
mod audited;
mod canary;
mod disk;
mod message;
mod oracle;
mod order;
mod run;
mod tree;
mod twin;
mod value;
mod word;

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest as _, Sha256};

use canary::{Canary, Hit, Mark, Searcher};
use disk::Disk;
use oracle::{Expected, Kind};
use order::Order;
use run::{Asked, Outcome, Place};
use tree::Tree;

/// How many orders are run: each over the folder and over an image, each with a preview.
const ORDERS: u64 = 300;

struct Scene {
    tree: Tree,
    disk: Disk,
    place: Place,
    searcher: Searcher,
    digests: HashMap<[u8; 32], usize>,
    _root: tempfile::TempDir,
}

static SCENE: LazyLock<Scene> = LazyLock::new(|| {
    let root = tempfile::tempdir().unwrap();
    let mut tree = tree::grow(20_240_331);
    let disk = disk::write(&mut tree, root.path());
    let place = Place::new(root.path(), &mut tree);
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if host.trim().len() >= 8 {
        tree.aviary.add_raw(host.trim(), "the name of this machine");
    }
    let canaries = std::mem::take(&mut tree.aviary.canaries);
    let digests = canaries
        .iter()
        .enumerate()
        .filter_map(|(index, canary)| match canary.mark {
            Mark::Digest(digest) => Some((digest, index)),
            _ => None,
        })
        .collect();
    let searcher = Searcher::new(canaries);
    println!("{} canaries in {} forms", searcher.canaries.len(), searcher.form_count());
    Scene { tree, disk, place, searcher, digests, _root: root }
});

/// What was wrong with the runs of one order.
#[derive(Default)]
struct Faults {
    leaks: Vec<String>,
    gaps: Vec<String>,
    preview: Vec<String>,
    audit: Vec<String>,
    verify: Vec<String>,
    sealed: u64,
    exhibits: usize,
    /// Of them reduced: to headers, to a message without attachments, to fields.
    reduced: [usize; 3],
}

static RUNS: LazyLock<Vec<Faults>> = LazyLock::new(|| {
    let scene = &*SCENE;
    let next = AtomicU64::new(0);
    // One order alone, and what it says, while a fault is hunted down.
    let chosen: Option<u64> = std::env::var("LEAK_ORDER").ok().and_then(|text| text.parse().ok());
    if let Some(seed) = chosen {
        let order = order::draw(seed, &scene.tree);
        println!("{}\n{:?}", order.order_toml(), order.withholds);
    }
    std::thread::scope(|threads| {
        let workers: Vec<_> = (0..2)
            .map(|_| {
                threads.spawn(|| {
                    let mut all = Vec::new();
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= orders() {
                            return all;
                        }
                        if chosen.is_none_or(|chosen| chosen == seed) {
                            all.push(try_order(scene, seed));
                        }
                    }
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    })
});

/// Fewer while a fault is hunted down.
fn orders() -> u64 {
    std::env::var("LEAK_ORDERS").ok().and_then(|text| text.parse().ok()).unwrap_or(ORDERS)
}

fn try_order(scene: &Scene, seed: u64) -> Faults {
    let mut faults = Faults::default();
    let order = order::draw(seed, &scene.tree);
    let image = [Kind::Qcow2, Kind::Raw, Kind::Partitioned, Kind::Archive][(seed % 4) as usize];
    for kind in [Kind::Folder, image] {
        let expected = oracle::expect(&order, &scene.tree, kind);
        let asked = match seed % 7 {
            1 => Asked::Terminal,
            3 | 5 => Asked::SealedJson,
            _ => Asked::Sealed,
        };
        let outcome = run::run(&scene.place, &scene.disk, &order, kind, asked);
        let name = format!("order {seed} over {kind:?}");
        let say = |what: String| format!("{name}: {what}");
        faults.leaks.extend(search(scene, &expected, &outcome, true).into_iter().map(say));
        faults.gaps.extend(twin::compare(&order, &expected, &outcome).into_iter().map(say));
        faults.audit.extend(audit(&order, &expected, &outcome).into_iter().map(say));
        faults.sealed += u64::from(outcome.tar.is_some());
        let ledger = outcome.lines("exhibits.jsonl");
        faults.exhibits += ledger.len();
        for (count, form) in faults.reduced.iter_mut().zip(["headers", "message-without-attachments", "fields"]) {
            let is_it = |line: &&serde_json::Value| {
                line["reduced"]["unit"] == form || (form == "fields" && line["reduced"]["fields"].is_array())
            };
            *count += ledger.iter().filter(is_it).count();
        }
        if seed % 5 == 2 {
            faults.verify.extend(run::verify(&scene.place, &outcome).into_iter().map(say));
        }
        if kind == Kind::Folder && seed.is_multiple_of(2) {
            continue;
        }
        let asked = if seed.is_multiple_of(4) { Asked::Preview } else { Asked::PreviewJson };
        let preview = run::run(&scene.place, &scene.disk, &order, kind, asked);
        faults.leaks.extend(search(scene, &expected, &preview, false).into_iter().map(say));
        faults.preview.extend(judge_preview(&order, &expected, &outcome, &preview, asked).into_iter().map(say));
    }
    faults
}

/// Which marks may come out: those of what is disclosed, and those that the order itself names.
fn allowed(scene: &Scene, expected: &Expected, outcome: &Outcome, sealed: bool) -> BTreeSet<usize> {
    let searcher = &scene.searcher;
    let mut allowed = searcher.present(outcome.order_toml.as_bytes());
    if !sealed || expected.stopped {
        return allowed;
    }
    let digest = |bytes: &[u8]| {
        let digest: [u8; 32] = Sha256::digest(bytes).into();
        scene.digests.get(&digest).copied()
    };
    let mut more = Vec::new();
    let mut times = BTreeSet::new();
    for exhibit in &expected.exhibits {
        allowed.extend(searcher.present(&exhibit.payload));
        allowed.extend(searcher.present(&exhibit.path));
        more.extend(digest(&exhibit.payload));
        more.extend(searcher.index_of(&Mark::Number(exhibit.payload.len() as u64)));
        times.extend(exhibit.time);
        for line in exhibit.lines.iter().flatten() {
            more.extend(digest(&line.bytes));
            more.extend(digest(line.bytes.trim_ascii_end()));
            times.extend(line.time);
        }
        if exhibit.lines.is_none() && !exhibit.whole {
            more.extend(digest(exhibit.payload.trim_ascii_end()));
        }
    }
    allowed.extend(more);
    allowed.extend(times.into_iter().filter_map(|time| searcher.index_of(&Mark::Time(time))));
    allowed
}

/// Every mark that came out and may not.
fn search(scene: &Scene, expected: &Expected, outcome: &Outcome, sealed: bool) -> Vec<String> {
    let allowed = allowed(scene, expected, outcome, sealed);
    let typed = scene.searcher.index_of(&Mark::Text(scene.place.typed.clone()));
    let provider = Searcher::new(outcome.provider_marks.canaries.clone());
    let mut leaks = Vec::new();
    let mut look = |place: &str, bytes: &[u8], terminal: bool| {
        let forbidden = |hit: &&Hit| {
            let mark = &scene.searcher.canaries[hit.canary].mark;
            let counted = matches!(mark, Mark::Number(number) if expected.opened.contains(number));
            !allowed.contains(&hit.canary) && !(terminal && (Some(hit.canary) == typed || counted))
        };
        for hit in scene.searcher.search(bytes).iter().filter(forbidden) {
            leaks.push(shown(place, hit, &scene.searcher.canaries));
        }
        for hit in &provider.search(bytes) {
            leaks.push(shown(place, hit, &provider.canaries));
        }
    };
    look("stdout", &outcome.stdout, true);
    look("stderr", &outcome.stderr, true);
    look("the tar", outcome.tar.as_deref().unwrap_or_default(), false);
    for (name, bytes) in &outcome.members {
        look("the name of a member", name.as_bytes(), false);
        look(name, bytes, false);
    }
    for (name, bytes) in &outcome.left {
        look("the name of a file left behind", name.as_bytes(), false);
        look("a file left behind", bytes, false);
    }
    leaks.extend(outcome.left.iter().map(|(name, _)| format!("left behind: {name}")));
    leaks.dedup();
    leaks
}

fn shown(place: &str, hit: &Hit, canaries: &[Canary]) -> String {
    let Canary { mark, planted } = &canaries[hit.canary];
    format!("{place} at {}: {planted} ({mark:?}), {}", hit.at, hit.form)
}

/// The provider's own file: where it must be, for no one else, and of every stream the identity.
fn audit(order: &Order, expected: &Expected, outcome: &Outcome) -> Vec<String> {
    let mut faults = Vec::new();
    let Some((name, bytes, mode)) = &outcome.audit else {
        if outcome.tar.is_some() {
            faults.push("a package without its audit".to_owned());
        }
        return faults;
    };
    if outcome.tar.is_none() {
        faults.push("an audit without its package".to_owned());
    }
    if *name != format!("o-{}.audit.jsonl", order.seed) {
        faults.push(format!("the audit is called {name}"));
    }
    if *mode != 0o600 {
        faults.push(format!("the audit's mode is {mode:o}"));
    }
    if outcome.members.iter().any(|(name, member)| name.contains("audit") || member == bytes) {
        faults.push("the audit is in the package".to_owned());
    }
    let events = audited::lines(bytes);
    faults.extend(audited::broken(bytes, outcome.order_toml.as_bytes()));
    faults.extend(audited::unbalanced(&events));
    let records = audited::positions(&events);
    let streams: Vec<_> = events.iter().filter(|event| event["event"] == "stream").collect();
    for (path, split) in &expected.streams {
        let mut of_path = streams.iter().filter(|one| twin::path_of(one) == *path && one["format"].is_string());
        let Some(stream) = of_path.next() else {
            faults.push(format!("no line for the stream {}", String::from_utf8_lossy(path)));
            continue;
        };
        let oracle::Split { size, withheld, disclosed, undecided, positions } = split;
        let must = serde_json::json!([size, withheld, disclosed, undecided, 0, positions]);
        let keys = ["size", "withheld", "disclosed", "undecided", "unreadable"];
        let stated = stream["seq"].as_u64().and_then(|seq| records.get(&seq)).cloned().unwrap_or_default();
        let is = keys.into_iter().map(|key| stream[key].clone()).chain([serde_json::json!(stated)]);
        let is: serde_json::Value = is.collect();
        if must != is || of_path.next().is_some() {
            faults.push(format!("{}: must be {must}, is {is}", String::from_utf8_lossy(path)));
        }
    }
    let formats = streams.iter().filter(|one| one["format"].is_string()).count();
    if formats != expected.streams.len() {
        faults.push(format!("{formats} streams were read for records, {} are asked for", expected.streams.len()));
    }
    faults
}

/// A preview gives the numbers of the run and its digest, and writes nothing.
fn judge_preview(order: &Order, expected: &Expected, sealed: &Outcome, preview: &Outcome, asked: Asked) -> Vec<String> {
    let mut faults = Vec::new();
    if preview.tar.is_some() || preview.audit.is_some() || !preview.left.is_empty() {
        faults.push("a preview wrote something".to_owned());
    }
    if preview.code != sealed.code {
        faults.push(format!("the preview ended with {}, the run with {}", preview.code, sealed.code));
    }
    if expected.stopped || asked == Asked::Preview {
        return faults;
    }
    let Ok(object) = serde_json::from_slice::<serde_json::Value>(&preview.stdout) else {
        faults.push(format!("no JSON: {}", String::from_utf8_lossy(&preview.stdout)));
        return faults;
    };
    twin::counts(order, expected, &object, &mut faults);
    let disclosure = sealed.member("disclosure.json").unwrap_or_default();
    let disclosure: serde_json::Value = serde_json::from_slice(disclosure).unwrap_or_default();
    if object["digest"] != disclosure["digest"] || !object["digest"].is_string() {
        faults.push(format!("digests: preview {}, run {}", object["digest"], disclosure["digest"]));
    }
    faults
}

fn none(what: &str, faults: Vec<&String>) {
    let shown: Vec<&str> = faults.iter().take(60).map(|fault| fault.as_str()).collect();
    assert!(faults.is_empty(), "{} {what}:\n{}", faults.len(), shown.join("\n"));
}

#[test]
fn a_mark_planted_on_purpose_is_found_in_every_form() {
    let scene = &*SCENE;
    let order = order::draw(1, &scene.tree);
    let expected = oracle::expect(&order, &scene.tree, Kind::Folder);
    let clean = run::run(&scene.place, &scene.disk, &order, Kind::Folder, Asked::Sealed);
    assert_eq!(search(scene, &expected, &clean, true), Vec::<String>::new(), "nothing is found before it is planted");
    let may = allowed(scene, &expected, &clean, true);
    let mut kinds: BTreeSet<&str> = BTreeSet::new();
    for (index, canary) in scene.searcher.canaries.iter().enumerate().filter(|(index, _)| !may.contains(index)) {
        for (form, _, bytes) in canary::forms_of(&canary.mark) {
            // One of each form is enough for the whole way from the package to the finding.
            if !kinds.insert(form) {
                continue;
            }
            let mut planted = vec![b' '; 3];
            planted.extend_from_slice(&bytes);
            planted.push(b' ');
            for place in ["stdout", "stderr", "report.html", "left"] {
                let mut outcome =
                    Outcome { stdout: Vec::new(), stderr: Vec::new(), left: Vec::new(), ..clean_copy(&clean) };
                match place {
                    "stdout" => outcome.stdout = planted.clone(),
                    "stderr" => outcome.stderr = planted.clone(),
                    "left" => outcome.left.push(("spool".to_owned(), planted.clone())),
                    _ => {
                        let member = outcome.members.iter_mut().find(|(name, _)| name.ends_with(place)).unwrap();
                        member.1.extend_from_slice(&planted);
                    }
                }
                let found = search(scene, &expected, &outcome, true);
                let wanted = |leak: &String| leak.contains(&canary.planted) && leak.ends_with(form);
                assert!(found.iter().any(wanted), "canary {index}, {form}, in {place}: {found:?}");
            }
        }
    }
    assert!(kinds.len() >= 20, "{kinds:?}");
    println!("{} forms planted and found", kinds.len());
}

#[test]
fn a_file_that_cannot_be_read_is_short_and_its_name_stays_behind() {
    let scene = &*SCENE;
    let image = scene.place.root.join("unreadable.img");
    std::fs::copy(&scene.disk.raw, &image).unwrap();
    let broken: Vec<&tree::Planted> = scene
        .tree
        .planted
        .iter()
        .filter(|planted| planted.path.starts_with(b"/home/bob/docs/") && matches!(planted.node, tree::Node::File(_)))
        .take(2)
        .collect();
    for planted in &broken {
        let command = format!("sif {} block[5] 999999999", String::from_utf8_lossy(&planted.path));
        disk::run(std::process::Command::new("debugfs").args(["-w", "-R", &command]).arg(&image));
    }
    let disk = Disk { raw: image, ..scene.disk.clone() };
    let mut order = order::draw(0, &scene.tree);
    order.withholds.clear();
    order.clauses = vec![order::Clause {
        id: "1".to_owned(),
        category: "content",
        paths: vec!["/home/bob/docs/*".to_owned()],
        records: None,
        window: None,
        limit: None,
    }];
    let mut expected = oracle::expect(&order, &scene.tree, Kind::Raw);
    expected.exhibits.retain(|exhibit| broken.iter().all(|planted| planted.path != exhibit.path));
    for planted in &broken {
        let count = &mut expected.clauses[0];
        count.files.remove(&planted.path);
        count.bytes -= scene.tree.file(planted).unwrap().stored.len() as u64;
    }
    expected.shortfalls.insert((0, "unreadable-file"), broken.len() as u64);
    let outcome = run::run(&scene.place, &disk, &order, Kind::Raw, Asked::Sealed);
    assert_eq!(broken.len(), 2);
    none("leaks", search(scene, &expected, &outcome, true).iter().collect());
    none("gaps", twin::compare(&order, &expected, &outcome).iter().collect());
}

fn clean_copy(of: &Outcome) -> Outcome {
    Outcome {
        code: of.code,
        stdout: of.stdout.clone(),
        stderr: of.stderr.clone(),
        tar: of.tar.clone(),
        members: of.members.clone(),
        audit: of.audit.clone(),
        left: Vec::new(),
        order_toml: of.order_toml.clone(),
        provider_marks: canary::Aviary::default(),
    }
}

#[test]
fn what_was_planted_is_on_the_disk() {
    let scene = &*SCENE;
    let image = std::fs::read(&scene.disk.raw).unwrap();
    let present = scene.searcher.present(&image);
    for planted in [
        "the name of",
        "the words of a deleted",
        "slack",
        "a free block",
        "an attribute of /var",
        "the label",
        "where the file system",
        "a display name",
    ] {
        let all = scene.searcher.canaries.iter().enumerate();
        let these: Vec<usize> =
            all.filter(|(_, one)| one.planted.starts_with(planted)).map(|(index, _)| index).collect();
        let there = these.iter().filter(|index| present.contains(index)).count();
        println!("{planted}: {there} of {} in the clear in the image", these.len());
        assert!(there * 2 > these.len(), "{planted}");
    }
}

#[test]
fn a_mark_in_base64_is_found_at_each_alignment_whatever_stands_around_it() {
    use base64::Engine as _;
    let mark = Mark::Text("zqghijkmnprstu".to_owned());
    let searcher = Searcher::new(vec![Canary { mark, planted: String::new() }]);
    for before in 0..7 {
        for after in 0..4 {
            let text = format!("{}zqghijkmnprstu{}", "x".repeat(before), "y".repeat(after));
            let encoded = base64::engine::general_purpose::STANDARD.encode(text);
            assert_eq!(searcher.search(encoded.as_bytes()).len(), 1, "{before} before, {after} after: {encoded}");
        }
    }
}

#[test]
fn what_an_order_does_not_ask_for_is_in_nothing_that_comes_out() {
    none("leaks", RUNS.iter().flat_map(|faults| &faults.leaks).collect());
}

#[test]
fn everything_in_scope_is_there_byte_for_byte() {
    none("gaps", RUNS.iter().flat_map(|faults| &faults.gaps).collect());
    let (sealed, exhibits) = RUNS.iter().fold((0, 0), |sum, faults| (sum.0 + faults.sealed, sum.1 + faults.exhibits));
    println!("{sealed} packages with {exhibits} exhibits");
    let of_form = |form: usize| RUNS.iter().map(|faults| faults.reduced[form]).sum::<usize>();
    let reduced = [of_form(0), of_form(1), of_form(2)];
    println!("reduced to headers, without attachments, to fields: {reduced:?}");
    assert!(
        reduced.iter().all(|count| *count as u64 * 10 >= orders()),
        "few records are asked for in part: {reduced:?}"
    );
    assert!(sealed >= orders() && exhibits as u64 >= 5 * orders(), "the orders ask for next to nothing");
}

#[test]
fn a_preview_gives_the_numbers_and_the_digest_of_the_run_and_writes_nothing() {
    none("faults of previews", RUNS.iter().flat_map(|faults| &faults.preview).collect());
}

#[test]
fn every_byte_of_every_opened_stream_is_accounted_for_in_the_audit() {
    none("faults of audits", RUNS.iter().flat_map(|faults| &faults.audit).collect());
}

#[test]
fn every_package_passes_its_own_check() {
    none("findings", RUNS.iter().flat_map(|faults| &faults.verify).collect());
}
