//! Disks in memory, and what the list of volumes says of them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use extract::image::Image;
use extract::read_error::ReadError;
use extract::volume::{self, Content, Key, Volume};

/// A disk in memory.
pub struct Disk(pub Vec<u8>);

impl Image for Disk {
    fn size_bytes(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        assert!(buffer.len() <= 8 * 1024 * 1024, "a read of {} bytes", buffer.len());
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let there = start.checked_add(buffer.len()).and_then(|end| self.0.get(start..end));
        buffer.copy_from_slice(there.ok_or(ReadError::Corrupt { offset, what: "past the end of a test's disk" })?);
        Ok(())
    }
}

/// The volumes of these disks.
pub fn volumes(disks: &[&[u8]], keys: &[&[u8]]) -> Vec<Volume> {
    let disks: Vec<Arc<dyn Image>> = disks.iter().map(|d| Arc::new(Disk(d.to_vec())) as Arc<dyn Image>).collect();
    let keys: Vec<Key> = keys.iter().map(|key| Key::new(key.to_vec())).collect();
    volume::list(&disks, &keys).expect("a list")
}

/// What a volume turned out to be, in words.
pub fn told(volume: &Volume) -> String {
    let what = match &volume.content {
        Content::Bytes(_) => format!("{} bytes", volume.size_bytes),
        Content::Encrypted(method) => format!("encrypted: {method}"),
        Content::Unused(name) => format!("unused: {name}"),
        Content::Refused(error) => format!("refused: {error}"),
    };
    format!("{} [{}] {what}", volume.name, volume.layers.join(", "))
}

/// All of them in words.
pub fn all_told(volumes: &[Volume]) -> Vec<String> {
    volumes.iter().map(told).collect()
}

/// The bytes of the volume with that name.
pub fn content(volumes: &[Volume], name: &str) -> Vec<u8> {
    let volume = volumes.iter().find(|volume| volume.name == name);
    let volume = volume.unwrap_or_else(|| panic!("no {name} in {:?}", all_told(volumes)));
    let Content::Bytes(bytes) = &volume.content else { panic!("{}", told(volume)) };
    let mut all = vec![0; bytes.size_bytes() as usize];
    // In pieces of an odd length, so that no boundary is met twice in the same way.
    for (number, piece) in all.chunks_mut(100_003).enumerate() {
        bytes.read_at(number as u64 * 100_003, piece).expect("bytes");
    }
    let mut again = vec![0; all.len().min(3 * 1024 * 1024)];
    bytes.read_at(0, &mut again).expect("bytes");
    assert!(all.starts_with(&again), "{name}: one large read differs");
    assert!(bytes.read_at(bytes.size_bytes(), &mut [0]).is_err(), "{name}: a read past the end");
    all
}

/// Bytes of a fixed pattern, different at every place.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// A file of the corpora, unpacked; none where they are not there.
pub fn corpus(name: &str) -> Option<Vec<u8>> {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora").join(name);
    if !path.is_file() {
        println!("corpora: {name} is not there, it is not read");
        return None;
    }
    let tool = match path.extension().and_then(|extension| extension.to_str()) {
        Some("zst") => "zstd",
        Some("gz") => "gzip",
        Some("xz") => "xz",
        Some("bz2") => "bzip2",
        _ => return Some(std::fs::read(path).expect("a file of the corpora")),
    };
    let output = Command::new(tool).args(["-d", "-c"]).arg(&path).output().expect(tool);
    assert!(output.status.success(), "{tool} -dc {name}");
    Some(output.stdout)
}

/// Fifty changes to a fixture, each of one to four bytes among the first and the last `reach` bytes: a list comes back, whatever
/// it says, and what it lists can be read or not.
pub fn mutated(fixture: &[u8], reach: usize, keys: &[&[u8]]) {
    for seed in 1..=50_u64 {
        let mut changed = fixture.to_vec();
        let dice = noise(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15), 64);
        for change in dice.chunks_exact(8).take(1 + seed as usize % 4) {
            let place = u32::from_le_bytes(change[..4].try_into().expect("four bytes")) as usize;
            let place = if change[4] & 3 == 0 {
                changed.len() - 1 - place % reach.min(changed.len())
            } else {
                place % reach.min(changed.len())
            };
            changed[place] = change[5];
        }
        for volume in volumes(&[&changed], keys) {
            if let Content::Bytes(bytes) = volume.content {
                let mut some = vec![0; bytes.size_bytes().min(4096) as usize];
                let _ = bytes.read_at(0, &mut some);
            }
        }
    }
}
