//! Sources: folders that change under the reader, links, places on the server, outputs inside a source, hashing.

#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/reach.rs"]
mod reach;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/tool.rs"]
mod tool;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::ops::ControlFlow;
use std::os::unix::fs::symlink;
use std::path::Path;

use extract::digest::Digest;
use extract::scope::{EntryKind, FileTime, FileTimes, Permit, Scope};
use extract::source::{Found, Location, Source};
use reach::{open, order_for_everything, reach};

fn folder(files: &[&str]) -> tempfile::TempDir {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    for name in files {
        let path = scratch.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, name).expect("a file");
    }
    scratch
}

/// The permits for all files, in the order of the walk.
fn permits(source: &Source, scope: &Scope) -> Vec<Permit> {
    let mut permits = Vec::new();
    let _ = source.walk(scope, 0, &mut |found| {
        if let Found::Entry { entry, .. } = found
            && entry.kind() == EntryKind::File
        {
            permits.extend(scope.decide(0, entry).whole);
        }
        ControlFlow::Continue(())
    });
    permits
}

fn read(source: &Source, scope: &Scope, permit: Permit) -> Result<Vec<u8>, String> {
    let opened = source.volumes[0].filesystem.open(permit).map_err(|error| error.to_string())?;
    let (_gate, mut stream) = opened.into_whole(scope).expect("a whole file");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn with_mounts(path: &Path, mounts: &[(&str, &str)]) -> Result<Source, String> {
    let order = order_for_everything(true);
    let mounts: BTreeMap<_, _> = mounts.iter().map(|(volume, at)| ((*volume).to_owned(), (*at).to_owned())).collect();
    Source::open(&order.sources[0], &Location { mounts, ..Location::at(path.to_owned(), std::env::temp_dir()) })
        .map_err(|error| error.to_string())
}

#[test]
fn a_name_that_becomes_a_link_after_it_was_listed_is_not_followed() {
    let scratch = folder(&["in/a", "in/sub/b", "out/secret"]);
    let (source, scope) = open(&scratch.path().join("in")).expect("it opens");
    let mut permits = permits(&source, &scope);
    fs::remove_file(scratch.path().join("in/a")).expect("removed");
    symlink("../out/secret", scratch.path().join("in/a")).expect("a link");
    fs::rename(scratch.path().join("in/sub"), scratch.path().join("in/moved")).expect("moved");
    symlink("moved", scratch.path().join("in/sub")).expect("a link");
    for permit in permits.drain(..) {
        assert!(read(&source, &scope, permit).is_err());
    }
}

#[test]
fn a_file_that_was_replaced_or_became_a_pipe_is_not_read() {
    let scratch = folder(&["a", "b"]);
    let (source, scope) = open(scratch.path()).expect("it opens");
    let mut permits = permits(&source, &scope).into_iter();
    fs::write(scratch.path().join("new"), "a").expect("a file");
    fs::rename(scratch.path().join("new"), scratch.path().join("a")).expect("replaced");
    fs::remove_file(scratch.path().join("b")).expect("removed");
    let mode = rustix::fs::Mode::from_raw_mode(0o644);
    let pipe = scratch.path().join("b");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).expect("a pipe");
    for _ in 0..2 {
        assert!(read(&source, &scope, permits.next().expect("a permit")).is_err());
    }
}

#[test]
fn a_file_that_becomes_shorter_is_an_error_and_one_that_grows_gives_what_it_held() {
    let scratch = folder(&["grows", "shrinks"]);
    let (source, scope) = open(scratch.path()).expect("it opens");
    let filesystem = &source.volumes[0].filesystem;
    let opened: Vec<_> = permits(&source, &scope).into_iter().map(|permit| filesystem.open(permit)).collect();
    assert_eq!(source.unchanged(), Ok(()));
    fs::write(scratch.path().join("grows"), "grows and grows").expect("longer");
    fs::write(scratch.path().join("shrinks"), "").expect("shorter");
    let mut read = opened.into_iter().map(|opened| {
        let (_gate, mut stream) = opened.expect("it opened").into_whole(&scope).expect("a whole file");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).map(|_| bytes)
    });
    assert_eq!(read.next().expect("the first").ok().as_deref(), Some(b"grows".as_slice()));
    assert!(read.next().expect("the second").is_err());
    assert_eq!(source.unchanged().map_err(|changed| changed.count), Err(2));
}

#[test]
fn what_was_not_opened_may_change() {
    let scratch = folder(&["a", "b"]);
    let (source, scope) = open(scratch.path()).expect("it opens");
    let first = permits(&source, &scope).remove(0);
    assert_eq!(read(&source, &scope, first), Ok(b"a".to_vec()));
    fs::write(scratch.path().join("b"), "changed").expect("a change");
    assert_eq!(source.unchanged(), Ok(()));
    fs::write(scratch.path().join("a"), "x").expect("a change");
    assert!(source.unchanged().is_err());
}

#[test]
fn a_folders_times_count_only_where_the_order_says_that_they_are_original() {
    let scratch = folder(&["a"]);
    let order = order_for_everything(false);
    let scope = Scope::compile(&order, None).expect("globs");
    let source = Source::open(&order.sources[0], &Location::at(scratch.path().to_owned(), std::env::temp_dir()))
        .expect("it opens");
    assert!(reach(&source, &scope).items.values().all(|item| item.times == FileTimes::default()));
    let (source, scope) = open(scratch.path()).expect("it opens");
    let times = reach(&source, &scope).at("/a").times;
    let metadata = fs::metadata(scratch.path().join("a")).expect("metadata");
    let modified = metadata.modified().expect("a time").duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let expected = extract::clock::Timestamp::new(modified.as_secs().cast_signed(), modified.subsec_nanos());
    assert_eq!(times.modified.and_then(FileTime::instant), expected);
    assert!(times.changed.is_some() && times.accessed.is_some());
}

#[test]
fn a_source_stands_where_the_provider_mounts_it() {
    let scratch = folder(&["log/a"]);
    let order = order_for_everything(true);
    let scope = Scope::compile(&order, None).expect("globs");
    let source = with_mounts(scratch.path(), &[("whole", "/var")]).expect("it opens");
    let paths: Vec<_> = reach(&source, &scope).items.into_keys().collect();
    assert_eq!(paths, [b"/var".to_vec(), b"/var/log".to_vec(), b"/var/log/a".to_vec()]);
    for (volume, at) in [("p2", "/"), ("whole", "var"), ("whole", "/var/../etc"), ("whole", "/a//b"), ("whole", "/./a")]
    {
        assert!(with_mounts(scratch.path(), &[(volume, at)]).is_err(), "{volume} at {at}");
    }
}

#[test]
fn a_source_that_is_not_there_or_is_nothing_to_read_is_an_error_that_names_the_source_only() {
    let scratch = folder(&["text", "empty-file"]);
    fs::write(scratch.path().join("empty-file"), "").expect("an empty file");
    symlink("nowhere", scratch.path().join("dangling")).expect("a link");
    for name in ["missing", "dangling", "text", "empty-file"] {
        let said = with_mounts(&scratch.path().join(name), &[]).err().expect("an error");
        assert!(said.starts_with("source s") && !said.contains(name), "{said}");
    }
    assert!(with_mounts(Path::new("/dev/null"), &[]).is_err_and(|said| said.contains("neither")));
}

#[test]
fn a_link_as_the_sources_own_place_is_followed_once() {
    let scratch = folder(&["real/a"]);
    symlink("real", scratch.path().join("link")).expect("a link");
    let (source, scope) = open(&scratch.path().join("link")).expect("it opens");
    assert_eq!(reach(&source, &scope).below_root(), 1);
}

#[test]
fn an_output_inside_a_source_is_seen_through_links_and_dots() {
    let scratch = folder(&["source/sub/a", "beside/b", "source-2/c"]);
    let at = |path: &str| scratch.path().join(path);
    symlink("source/sub", at("shortcut")).expect("a link");
    let (source, _) = open(&at("source")).expect("it opens");
    for (output, inside) in [
        ("source/out.tar", true),
        ("source/sub/out.tar", true),
        ("beside/../source/sub/out.tar", true),
        ("shortcut/out.tar", true),
        ("beside/out.tar", false),
        ("out.tar", false),
        ("source-2/out.tar", false),
        ("source/../out.tar", false),
    ] {
        assert_eq!(source.contains_output(&at(output)).ok(), Some(inside), "{output}");
    }
    assert!(source.contains_output(&at("missing/out.tar")).is_err());
}

#[test]
fn the_walk_lists_only_where_a_clause_leads() {
    let scratch = folder(&["var/log/a", "var/mail/b", "home/c"]);
    fs::set_permissions(scratch.path().join("home"), std::os::unix::fs::PermissionsExt::from_mode(0o000))
        .expect("locked");
    let mut order = order_for_everything(true);
    order.clauses[0].paths = vec!["/var/log/*".to_owned()];
    let scope = Scope::compile(&order, None).expect("globs");
    let source = Source::open(&order.sources[0], &Location::at(scratch.path().to_owned(), std::env::temp_dir()))
        .expect("it opens");
    let mut seen = Vec::new();
    let _ = source.walk(&scope, 0, &mut |found| {
        let Found::Entry { entry, .. } = found else { panic!("nothing outside the clauses is listed") };
        seen.push(String::from_utf8_lossy(entry.staff_path().reveal()).into_owned());
        ControlFlow::Continue(())
    });
    assert_eq!(seen, ["/home", "/var/log/a", "/var/log", "/var/mail", "/var", ""]);
    fs::set_permissions(scratch.path().join("home"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("unlocked");
}

#[test]
fn a_walk_stops_when_the_visitor_says_so() {
    let scratch = folder(&["a", "b", "c"]);
    let (source, scope) = open(scratch.path()).expect("it opens");
    let mut seen = 0;
    let ended = source.walk(&scope, 0, &mut |_| {
        seen += 1;
        ControlFlow::Break(())
    });
    assert_eq!((ended, seen), (ControlFlow::Break(()), 1));
}

#[test]
fn an_image_is_hashed_beside_the_work_and_a_change_is_seen() {
    let scratch = folder(&[]);
    let image = scratch.path().join("image");
    tool::run("mke2fs", &["-q", "-F", "-t", "ext2", tool::text(&image), "8M"]);
    let (source, _) = open(&image).expect("it opens");
    let bytes = fs::read(&image).expect("the image");
    let hashing = source.hash().expect("an image is hashed");
    assert_eq!(hashing.size_bytes(), bytes.len() as u64);
    let hashed = hashing.finish().expect("a digest");
    assert_eq!((hashed.whole, hashed.files), (Digest::of(&bytes), vec![Digest::of(&bytes)]));
    let hashing = source.hash().expect("an image is hashed");
    hashing.cancel();
    drop(source.hash());
    // A hash that was stopped before its end gives no digest; one that had already ended gives the right one.
    assert!(hashing.finish().map_or(true, |hashed| hashed.whole == Digest::of(&bytes)));
    assert_eq!(source.unchanged(), Ok(()));
    fs::OpenOptions::new().append(true).open(&image).expect("open").set_len(9 * 1024 * 1024).expect("longer");
    assert_eq!(source.unchanged().map_err(|changed| changed.count), Err(1));
}

/// `verify` knows what a source may be called without seeing a reader.
#[test]
fn every_image_format_is_a_kind_of_source_and_the_other_way_round() {
    let mut formats: Vec<&str> = extract::image::FORMATS.iter().map(|format| format.name).collect();
    let mut kinds = extract::ledger::IMAGE_KINDS.to_vec();
    formats.sort_unstable();
    kinds.sort_unstable();
    assert_eq!(formats, kinds);
}

/// The leak check knows what a file system may be called without seeing a reader.
#[test]
fn every_family_of_file_systems_has_its_names_in_the_ledger_and_the_other_way_round() {
    let spelt = |family: &str| family.to_ascii_lowercase().replace(' ', "");
    let families: Vec<String> = extract::filesystem::FORMATS
        .iter()
        .flat_map(|format| format.family.split('/').map(spelt).collect::<Vec<_>>())
        .collect();
    let names = extract::ledger::FILE_SYSTEMS;
    let is_of = |name: &str, family: &String| {
        name.trim_end_matches(|c: char| c.is_ascii_digit())
            .starts_with(family.trim_end_matches(|c: char| c.is_ascii_digit()))
    };
    for family in &families {
        assert!(names.iter().any(|name| is_of(name, family)), "{family}");
    }
    for name in names {
        assert!(families.iter().any(|family| is_of(name, family)), "{name}");
    }
}
