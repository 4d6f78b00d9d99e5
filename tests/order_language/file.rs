//! The two files on disk: found, bounded, and given a salt.

use std::path::{Path, PathBuf};

use extract::cli::check::{FixSaltError, check, fix_salt};
use extract::cli::manifest::{LoadError, SourcesGiven, load, provider_path};

use crate::{GOOD, GOOD_PROVIDER, with};

fn nothing() -> SourcesGiven {
    SourcesGiven::default()
}

fn placed(paths: &[(&str, &str)]) -> SourcesGiven {
    let paths = paths.iter().map(|(name, path)| ((*name).to_owned(), PathBuf::from(path))).collect();
    SourcesGiven { paths, ..SourcesGiven::default() }
}

struct Folder {
    folder: tempfile::TempDir,
}

impl Folder {
    fn new(order: &str, provider: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("orders")).unwrap();
        let one = Self { folder };
        std::fs::write(one.order(), order).unwrap();
        if let Some(provider) = provider {
            std::fs::write(one.provider(), provider).unwrap();
        }
        one
    }

    fn order(&self) -> PathBuf {
        self.folder.path().join("orders/2024-17.toml")
    }

    fn provider(&self) -> PathBuf {
        self.folder.path().join("orders/2024-17.provider.toml")
    }
}

#[test]
fn the_provider_file_is_found_beside_the_order() {
    for (order, provider) in [
        ("orders/2024-17.toml", "orders/2024-17.provider.toml"),
        ("2024.17.toml", "2024.17.provider.toml"),
        ("./a.b/order", "./a.b/order.provider.toml"),
        ("x.TOML", "x.TOML.provider.toml"),
    ] {
        assert_eq!(provider_path(Path::new(order)), Path::new(provider));
    }
}

#[test]
fn a_source_is_where_the_command_line_says_else_where_the_provider_file_does() {
    let folder = Folder::new(GOOD, Some(GOOD_PROVIDER));
    let loaded = load(&folder.order(), &nothing(), None, false).unwrap();
    assert_eq!(loaded.locations[0].path, folder.folder.path().join("orders/../examples/mail01.qcow2"));
    assert_eq!((loaded.custodian.as_str(), loaded.warnings), ("Duty officer 7", 0));
    let given = placed(&[("mail01", "elsewhere.img")]);
    let loaded = load(&folder.order(), &given, Some("Officer 9"), false).unwrap();
    assert_eq!(loaded.locations[0].path, PathBuf::from("elsewhere.img"));
    assert_eq!(loaded.custodian, "Officer 9");
    std::fs::remove_file(folder.provider()).unwrap();
    let loaded = load(&folder.order(), &given, Some("Officer 9"), false).unwrap();
    assert!(loaded.provider.is_none());
}

#[test]
fn what_cannot_be_loaded_says_why() {
    let folder = Folder::new(GOOD, Some(GOOD_PROVIDER));
    let message = |sources: &[(&str, &str)], custodian| {
        load(&folder.order(), &placed(sources), custodian, false).map(|_| ()).unwrap_err().to_string()
    };
    let source = |name| (name, "x");
    assert!(message(&[source("mail02")], None).contains("no such source (it has mail01)"));
    assert!(message(&[source("mail01"), source("mail01")], None).contains("given twice"));
    assert!(message(&[], Some("a\nb")).contains("--custodian"));
    assert!(message(&[], Some(" ")).contains("--custodian"));

    let missing = load(&folder.folder.path().join("none.toml"), &nothing(), None, false);
    assert!(matches!(missing, Err(LoadError::Unreadable { .. })));
    assert!(matches!(load(folder.folder.path(), &nothing(), None, false), Err(LoadError::NotAFile { .. })));
    assert!(matches!(load(Path::new("/dev/zero"), &nothing(), None, false), Err(LoadError::NotAFile { .. })));
    std::fs::write(folder.order(), vec![b' '; 4 * 1024 * 1024 + 1]).unwrap();
    assert!(matches!(load(&folder.order(), &nothing(), None, false), Err(LoadError::TooLarge { .. })));

    // A provider file that is there and cannot be read is no provider file that is missing.
    let folder = Folder::new(GOOD, None);
    std::fs::create_dir(folder.provider()).unwrap();
    assert!(matches!(load(&folder.order(), &nothing(), None, false), Err(LoadError::NotAFile { .. })));

    let folder = Folder::new(&with(GOOD, &[("id = \"3a\"", "id = \"3(a)\"")]), Some(GOOD_PROVIDER));
    let Err(LoadError::Invalid(shown)) = load(&folder.order(), &nothing(), None, false) else {
        panic!("it is invalid")
    };
    assert!(shown.contains("error[bad-id]") && shown.contains("2024-17.toml:20:6"), "{shown}");
}

#[test]
fn a_salt_is_written_once_and_nothing_else_changes() {
    use std::os::unix::fs::PermissionsExt as _;
    let without = with(GOOD_PROVIDER, &[("salt = \"000102030405060708090a0b0c0d0e0f\"\n", "")]);
    let folder = Folder::new(GOOD, Some(&without));
    std::fs::set_permissions(folder.provider(), std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(!check(&folder.order(), false).unwrap().valid);
    assert!(fix_salt(&folder.order()).unwrap(), "it had none");
    let first = std::fs::read_to_string(folder.provider()).unwrap();
    let (salt, rest): (Vec<&str>, Vec<&str>) = first.lines().partition(|line| line.starts_with("salt = "));
    assert_eq!(rest.join("\n") + "\n", without);
    assert_eq!(salt[0].len(), "salt = \"\"".len() + 32);
    assert_eq!(std::fs::metadata(folder.provider()).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(check(&folder.order(), false).unwrap().valid);
    assert!(!fix_salt(&folder.order()).unwrap(), "it has one");
    assert_eq!(std::fs::read_to_string(folder.provider()).unwrap(), first);
    let names = std::fs::read_dir(folder.folder.path().join("orders")).unwrap().count();
    assert_eq!(names, 2, "nothing is left aside");

    std::fs::write(folder.provider(), "salt = ").unwrap();
    assert!(matches!(fix_salt(&folder.order()), Err(FixSaltError::Salt(..))));
    std::fs::remove_file(folder.provider()).unwrap();
    assert!(matches!(fix_salt(&folder.order()), Err(FixSaltError::NoProviderFile(_))));
}

#[test]
fn a_valid_order_is_summed_up_in_utc_and_in_its_zone() {
    let folder = Folder::new(GOOD, Some(GOOD_PROVIDER));
    let checked = check(&folder.order(), false).unwrap();
    assert!(checked.valid && checked.findings.is_empty(), "{}", checked.findings);
    for line in [
        "order 2024-17: valid",
        "clause 3a: records, format by content, of mail01, content",
        "  any of email alice@shop.example in from, to, cc",
        "  with   email bob@supplies.example in from, to, cc",
        "  from   2024-03-25T00:00:00Z up to, not including, 2024-04-07T23:00:00Z (date-header)",
        "         Mon 2024-03-25 00:00:00 up to Mon 2024-04-08 00:00:00 in Europe/London",
        "withheld as privileged: domain lawfirm.example",
    ] {
        assert!(checked.summary.lines().any(|seen| seen == line), "{line:?} in\n{}", checked.summary);
    }
    let folder = Folder::new(GOOD, None);
    let checked = check(&folder.order(), false).unwrap();
    assert!(checked.valid && checked.summary.contains("a run needs --source"), "{}", checked.summary);
}

#[test]
fn a_key_is_a_file_of_bounded_size_for_a_source_of_the_order() {
    let folder = Folder::new(GOOD, Some(GOOD_PROVIDER));
    let file = folder.folder.path().join("key");
    let keys = |name: &str| SourcesGiven { keys: vec![(name.to_owned(), file.clone())], ..nothing() };
    std::fs::write(&file, "pass phrase\n").unwrap();
    let loaded = load(&folder.order(), &keys("mail01"), None, false).unwrap();
    let tried: Vec<&[u8]> = loaded.locations[0].keys.iter().map(|key| key.bytes()).collect();
    assert_eq!(tried, [&b"pass phrase"[..], b"pass phrase\n"], "with and without the line end of an editor");
    assert!(!format!("{loaded:?}").contains("pass"), "a key is never shown");
    let other = load(&folder.order(), &keys("web01"), None, false).unwrap_err();
    assert!(matches!(other, LoadError::KeyForNothing { .. }) && !other.to_string().contains("pass"), "{other}");
    std::fs::write(&file, vec![0; 8 * 1024 * 1024 + 1]).unwrap();
    assert!(matches!(load(&folder.order(), &keys("mail01"), None, false), Err(LoadError::KeyTooLarge { .. })));
    std::fs::remove_file(&file).unwrap();
    assert!(matches!(load(&folder.order(), &keys("mail01"), None, false), Err(LoadError::Unreadable { .. })));
}
