//! The crates that evidence goes through, with the versions that this program was built of.
//!
//! **Invariant:** a version is that of `Cargo.lock`, by which the program is built, and is never written down a second time.

use std::collections::BTreeMap;

/// The lock file of this build.
const LOCK: &str = include_str!("../../Cargo.lock");

/// The crates that parse, unpack, decrypt or check what is read of a source, or decide about it: a fault in one of them
/// could change what is disclosed. Those that such a crate is a thin cover of are named too.
pub const PARSERS: [&str; 36] = [
    "adler2",
    "aes",
    "argon2",
    "base64",
    "blake2",
    "bzip2",
    "cbc",
    "chrono",
    "chrono-tz",
    "crc32c",
    "crc32fast",
    "deflate64",
    "flate2",
    "globset",
    "imago",
    "ipnet",
    "libbz2-rs-sys",
    "liblzma",
    "liblzma-sys",
    "libsqlite3-sys",
    "lz4_flex",
    "lzokay",
    "mail-parser",
    "md-5",
    "memchr",
    "pbkdf2",
    "rusqlite",
    "serde_json",
    "sha1",
    "sha2",
    "xts-mode",
    "xxhash-rust",
    "zlib-rs",
    "zstd",
    "zstd-safe",
    "zstd-sys",
];

#[derive(serde::Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(serde::Deserialize)]
struct Locked {
    name: String,
    version: String,
    #[serde(default)]
    dependencies: Vec<String>,
}

/// Each of [`PARSERS`] with its version. Where a build holds two versions of one, it is that which this program uses itself.
pub fn versions() -> BTreeMap<&'static str, String> {
    let mut versions = BTreeMap::new();
    let Ok(lock) = toml::from_str::<Lock>(LOCK) else { return versions };
    let own = lock.package.iter().find(|locked| locked.name == env!("CARGO_PKG_NAME"));
    // Of a crate that stands in it twice, the lock file names the version that is meant.
    let meant = |locked: &Locked| {
        let exact = format!("{} {}", locked.name, locked.version);
        own.is_some_and(|own| own.dependencies.contains(&exact))
    };
    for name in PARSERS {
        let mut found: Vec<&Locked> = lock.package.iter().filter(|locked| locked.name == name).collect();
        if found.len() > 1 {
            found.retain(|locked| meant(locked));
        }
        if let [one] = found.as_slice() {
            versions.insert(name, one.version.clone());
        }
    }
    versions
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What nothing of a source goes through; a crate of `Cargo.toml` stands here or in [`PARSERS`].
    const OTHERS: &[&str] = &[
        // The order, and what people see.
        "annotate-snippets",
        "clap",
        "indicatif",
        "schemars",
        "serde",
        "serde_spanned",
        "toml",
        "toml_parser",
        // The system.
        "ctrlc",
        "getrandom",
        "rpassword",
        "rustix",
        "tempfile",
        "thiserror",
        // Signatures over what was sealed, and encryption of it.
        "age",
        "age-core",
        "ctr",
        "curve25519-dalek",
        "zeroize",
        "rsa",
        "signature",
        "ssh-key",
    ];

    #[test]
    fn every_parser_has_one_version() {
        let versions = versions();
        let missing: Vec<_> = PARSERS.iter().filter(|name| !versions.contains_key(*name)).collect();
        assert!(missing.is_empty(), "not in Cargo.lock, or in it with several versions: {missing:?}");
        assert!(PARSERS.is_sorted());
        let manifest: toml::Table = toml::from_str(include_str!("../../Cargo.toml")).unwrap();
        let stated = manifest["dependencies"]["mail-parser"]["version"].as_str().unwrap();
        assert_eq!(format!("={}", versions["mail-parser"]), stated);
    }

    #[test]
    fn every_dependency_is_a_parser_or_is_said_to_be_none() {
        let manifest: toml::Table = toml::from_str(include_str!("../../Cargo.toml")).unwrap();
        let own: BTreeSet<&str> = manifest["dependencies"].as_table().unwrap().keys().map(String::as_str).collect();
        let others: BTreeSet<&str> = OTHERS.iter().copied().collect();
        let unknown: Vec<_> = own.iter().filter(|name| !PARSERS.contains(name) && !others.contains(**name)).collect();
        assert!(unknown.is_empty(), "does evidence go through these? {unknown:?}");
        let both: Vec<_> = others.iter().filter(|name| PARSERS.contains(name) || !own.contains(**name)).collect();
        assert!(both.is_empty(), "parsers, or no dependencies: {both:?}");
    }
}
