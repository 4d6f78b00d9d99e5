//! Manifests as `verify` reads them, held against the conformance suite of BagIt.
//!
//! A bag of the suite is read by the code that reads the manifests of a package, here with the rest of RFC 8493 around it: other
//! digests, other white space, `fetch.txt`, tag files in UTF-16. `verify` itself takes one kind of bag, the package, and
//! must refuse every one of the suite's.
//!
//! **Invariant:** every bag of the versions 1.0 and 0.97 is read, and a verdict that is not the suite's has its reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Cursor;
use std::path::Path;

use extract::package::{bag, layout};
use extract::verify::verify;
use sha2::Digest as _;

const SUITE: &str = "../shared/corpora/bagit/loc-conformance";

/// Verdicts that are not the suite's: the bag, what its own folder says, and who is right.
const DIFFERENCES: [(&str, &str); 2] = [
    (
        "v0.97/warning/same-filename-listed-twice-with-different-normalization",
        "the suite lets one file answer to both spellings of a name; RFC 8493, 5.1.3 warns of that, and where a file \
         system tells the two apart one of them is missing: refused",
    ),
    (
        "v0.97/warning/special-system-files",
        "the manifest lists data/.DS_Store, which the copy of the suite does not hold: refused, as every incomplete bag",
    ),
];

/// The text of a tag file in the bag's character encoding.
fn text(path: &Path, utf16: bool) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    if !utf16 {
        return String::from_utf8(bytes).map_err(|_| format!("{} is not UTF-8", path.display()));
    }
    let units: Vec<u16> = match bytes.strip_prefix(b"\xff\xfe") {
        Some(rest) => rest.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect(),
        None => bytes
            .strip_prefix(b"\xfe\xff")
            .unwrap_or(&bytes)
            .chunks(2)
            .map(|p| u16::from_be_bytes([p[0], p[1]]))
            .collect(),
    };
    String::from_utf16(&units).map_err(|_| format!("{} is not UTF-16", path.display()))
}

/// Lines that end with LF, CR or both (RFC 8493, 2.1.3).
fn lines(text: &str) -> Vec<&str> {
    text.split("\r\n").flat_map(|line| line.split(['\r', '\n'])).filter(|line| !line.is_empty()).collect()
}

fn digest(algorithm: &str, bytes: &[u8]) -> String {
    let digest = match algorithm {
        "md5" => md5::Md5::digest(bytes).to_vec(),
        "sha1" => sha1::Sha1::digest(bytes).to_vec(),
        "sha224" => sha2::Sha224::digest(bytes).to_vec(),
        "sha256" => sha2::Sha256::digest(bytes).to_vec(),
        "sha512" => sha2::Sha512::digest(bytes).to_vec(),
        other => panic!("no digest {other}"),
    };
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bag declaration: its two lines; true for UTF-16.
fn declaration(bag: &Path) -> Result<bool, String> {
    let declared = text(&bag.join("bagit.txt"), false)?;
    match lines(&declared).as_slice() {
        [version, encoding] if version.starts_with("BagIt-Version: ") => {
            match encoding.strip_prefix("Tag-File-Character-Encoding: ") {
                Some("UTF-8") => Ok(false),
                Some("UTF-16") => Ok(true),
                _ => Err(format!("bagit.txt: {encoding}")),
            }
        }
        other => Err(format!("bagit.txt has {} lines", other.len())),
    }
}

/// The files of a folder by their names below the bag.
fn files(bag: &Path, below: &str) -> BTreeSet<String> {
    let found = walkdir::WalkDir::new(bag.join(below)).into_iter().map(|entry| entry.unwrap());
    let found = found.filter(|entry| entry.file_type().is_file());
    found.map(|entry| entry.path().strip_prefix(bag).unwrap().to_str().unwrap().to_owned()).collect()
}

/// One manifest: each line read, each file there with its digest. The names that it lists.
fn manifest(bag: &Path, name: &str, utf16: bool) -> Result<BTreeSet<String>, String> {
    let algorithm = name.rsplit('-').next().unwrap().trim_end_matches(".txt");
    let text = text(&bag.join(name), utf16)?;
    let mut listed = BTreeSet::new();
    for line in lines(text.trim_start_matches('\u{feff}')) {
        let entry = bag::entry(line.as_bytes()).map_err(|error| format!("{name}: a line {error}: {line}"))?;
        if !listed.insert(entry.name.to_string()) {
            return Err(format!("{name} lists {} twice", entry.name));
        }
        let bytes = fs::read(bag.join(&*entry.name)).map_err(|error| format!("{}: {error}", entry.name))?;
        if digest(algorithm, &bytes) != entry.digest.to_lowercase() {
            return Err(format!("{name}: {} has another digest", entry.name));
        }
    }
    Ok(listed)
}

/// `fetch.txt`: an address, a length and a name a line; the names lead nowhere but into `data/`.
fn fetch(bag: &Path, utf16: bool) -> Result<(), String> {
    if !bag.join("fetch.txt").exists() {
        return Ok(());
    }
    for line in lines(&text(&bag.join("fetch.txt"), utf16)?) {
        let mut words = line.splitn(3, [' ', '\t']);
        let (Some(_), Some(length), Some(name)) = (words.next(), words.next(), words.next()) else {
            return Err(format!("fetch.txt: {line}"));
        };
        let is_length = length == "-" || length.parse::<u64>().is_ok();
        if !is_length || !bag::is_within(name) || !name.starts_with("data/") {
            return Err(format!("fetch.txt leads to {name}"));
        }
    }
    Ok(())
}

/// `bag-info.txt`: labels with values, a value perhaps on several lines; what it says of the size is so.
fn bag_info(bag: &Path, utf16: bool) -> Result<(), String> {
    if !bag.join("bag-info.txt").exists() {
        return Ok(());
    }
    let text = text(&bag.join("bag-info.txt"), utf16)?;
    for line in lines(text.trim_start_matches('\u{feff}')).into_iter().filter(|line| !line.starts_with([' ', '\t'])) {
        let (label, value) = line.split_once(':').ok_or_else(|| format!("bag-info.txt: {line}"))?;
        if label.trim() == "Payload-Oxum" {
            let payload = files(bag, "data");
            let octets: u64 = payload.iter().map(|name| bag.join(name).metadata().unwrap().len()).sum();
            if value.trim() != format!("{octets}.{}", payload.len()) {
                return Err(format!("bag-info.txt: {line}, and there are {octets}.{}", payload.len()));
            }
        }
    }
    Ok(())
}

/// Whether a bag is complete and valid (RFC 8493, 3); else why not.
fn judge(bag: &Path) -> Result<(), String> {
    let utf16 = declaration(bag)?;
    let top = fs::read_dir(bag).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: BTreeMap<bool, Vec<String>> = top
        .filter(|name| name.starts_with("manifest-") || name.starts_with("tagmanifest-"))
        .fold(BTreeMap::new(), |mut names, name| {
            names.entry(name.starts_with("manifest-")).or_insert_with(Vec::new).push(name);
            names
        });
    let payload = files(bag, "data");
    for name in names.get(&true).ok_or("there is no manifest")? {
        let listed = manifest(bag, name, utf16)?;
        if listed != payload {
            let which: Vec<_> = listed.symmetric_difference(&payload).collect();
            return Err(format!("{name} does not list exactly the payload: {which:?}"));
        }
    }
    for name in names.get(&false).into_iter().flatten() {
        manifest(bag, name, utf16)?;
    }
    fetch(bag, utf16)?;
    bag_info(bag, utf16)
}

/// The bag as a tar that a package might be.
fn tar(bag: &Path) -> Vec<u8> {
    let mut out = Vec::new();
    for name in files(bag, "") {
        let bytes = fs::read(bag.join(&name)).unwrap();
        out.extend(layout::header(format!("bag/{name}").as_bytes(), bytes.len() as u64));
        out.extend_from_slice(&bytes);
        out.resize(out.len() + layout::padding_bytes(bytes.len() as u64), 0);
    }
    out.extend_from_slice(&layout::END);
    out
}

/// The suite's bags of the two versions, with what it expects.
fn suite() -> Option<Vec<(String, String)>> {
    let Ok(truth) = fs::read_to_string("../shared/corpora/truth.json") else {
        println!("not run: ../shared/corpora/truth.json is not there");
        return None;
    };
    let truth: serde_json::Value = serde_json::from_str(&truth).unwrap();
    let bags = truth["bagit"].as_object().unwrap().iter();
    let expected = |facts: &serde_json::Value| facts["expected"].as_str().unwrap().to_owned();
    Some(
        bags.filter(|(name, _)| name.starts_with("v1.0/") || name.starts_with("v0.97/"))
            .map(|(name, facts)| (name.clone(), expected(facts)))
            .collect(),
    )
}

#[test]
fn every_bag_of_the_suite_has_the_verdict_of_the_suite_or_a_reason_why_not() {
    let Some(bags) = suite() else { return };
    let (mut wrong, mut differ) = (Vec::new(), BTreeSet::new());
    for (name, expected) in &bags {
        let verdict = judge(&Path::new(SUITE).join(name));
        println!("{name}: {}", verdict.as_ref().err().map_or("valid", String::as_str));
        // What may be met with a warning is valid. Names that only one system takes for a way out are refused on all.
        let should_pass = matches!(expected.as_str(), "valid" | "warning");
        if should_pass == verdict.is_ok() {
            continue;
        }
        match DIFFERENCES.iter().find(|(bag, _)| bag == name) {
            Some((bag, why)) => {
                println!("  {expected} to the suite: {why}");
                differ.insert(*bag);
            }
            None => wrong.push(format!("{name}: {expected} to the suite, {verdict:?} here")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(differ.len(), DIFFERENCES.len(), "a difference is none any more: {differ:?}");
    assert_eq!(bags.len(), 23);
}

#[test]
fn no_bag_of_the_suite_is_a_package() {
    let Some(bags) = suite() else { return };
    for (name, _) in &bags {
        let verification = verify(Cursor::new(tar(&Path::new(SUITE).join(name)))).unwrap();
        assert!(!verification.findings.is_empty(), "{name}");
    }
}
