//! The header of LUKS2 (LUKS2 On-Disk Format Specification 1.1.2): a binary part with a checksum, and JSON; and all of it
//! once more.
//!
//! **Invariant:** what this version does not understand of a header is refused by its name, never passed over.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use sha2::{Digest as _, Sha256, Sha512};

use super::derive::{Cost, Hash};
use super::slot::{Derivation, Digest, Slot};
use super::{Header, MARK, printable};
use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;
use crate::volume::field::{self, stands, text, u16_be, u64_be};

const SECOND_MARK: &[u8] = b"SKUL\xba\xbe";
const BINARY: usize = 4096;
const SUM: std::ops::Range<usize> = 448..512;

#[derive(Deserialize)]
struct Json {
    #[serde(default)]
    keyslots: BTreeMap<String, JsonSlot>,
    segments: BTreeMap<String, JsonSegment>,
    #[serde(default)]
    digests: BTreeMap<String, JsonDigest>,
    #[serde(default)]
    config: JsonConfig,
}

#[derive(Deserialize, Default)]
struct JsonConfig {
    #[serde(default)]
    requirements: Option<JsonRequirements>,
}

#[derive(Deserialize)]
struct JsonRequirements {
    #[serde(default)]
    mandatory: Vec<String>,
}

#[derive(Deserialize)]
struct JsonSlot {
    #[serde(rename = "type")]
    kind: String,
    key_size: usize,
    area: JsonArea,
    af: Option<JsonSplitter>,
    kdf: Option<JsonDerivation>,
}

#[derive(Deserialize)]
struct JsonArea {
    #[serde(rename = "type")]
    kind: String,
    offset: String,
    encryption: Option<String>,
    key_size: Option<usize>,
}

#[derive(Deserialize)]
struct JsonSplitter {
    #[serde(rename = "type")]
    kind: String,
    stripes: usize,
    hash: String,
}

#[derive(Deserialize)]
struct JsonDerivation {
    #[serde(rename = "type")]
    kind: String,
    salt: String,
    hash: Option<String>,
    iterations: Option<u32>,
    time: Option<u32>,
    memory: Option<u32>,
    cpus: Option<u32>,
}

#[derive(Deserialize)]
struct JsonSegment {
    #[serde(rename = "type")]
    kind: String,
    offset: String,
    size: String,
    iv_tweak: Option<String>,
    encryption: Option<String>,
    sector_size: Option<usize>,
    integrity: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    flags: Vec<String>,
}

#[derive(Deserialize)]
struct JsonDigest {
    #[serde(rename = "type")]
    kind: String,
    keyslots: Vec<String>,
    segments: Vec<String>,
    hash: String,
    iterations: u32,
    salt: String,
    digest: String,
}

fn damaged() -> ReadError {
    ReadError::Corrupt { offset: 0, what: "the header of LUKS2" }
}

/// Reads the newer of the two headers that are sound.
pub fn read(image: &dyn Image) -> Result<Header, ReadError> {
    let mut newest: Option<(u64, Vec<u8>)> = None;
    let first = half(image, 0, MARK)?;
    let places = match &first {
        Some((_, bytes)) => vec![u64::try_from(bytes.len()).unwrap_or(u64::MAX)],
        None => (2..=10).map(|power| 4096 << power).collect(),
    };
    let second = places.into_iter().find_map(|at| half(image, at, SECOND_MARK).transpose()).transpose()?;
    for (sequence, bytes) in [first, second].into_iter().flatten() {
        if newest.as_ref().is_none_or(|(newest, _)| *newest < sequence) {
            newest = Some((sequence, bytes));
        }
    }
    let (_, bytes) = newest.ok_or_else(damaged)?;
    let json = bytes.get(BINARY..).unwrap_or_default();
    let end = json.iter().position(|byte| *byte == 0).unwrap_or(json.len());
    let json: Json = serde_json::from_slice(json.get(..end).unwrap_or_default()).map_err(|_| damaged())?;
    header(&json)
}

/// A second header stands where one may and its checksum is right: of a volume whose first header is gone.
pub fn has_second(image: &dyn Image) -> Result<bool, ReadError> {
    for power in 2..=10 {
        if half(image, 4096 << power, SECOND_MARK)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// One header with its sequence number, if it is sound.
fn half(image: &dyn Image, at: u64, mark: &[u8]) -> Result<Option<(u64, Vec<u8>)>, ReadError> {
    let Some(binary) = field::read(image, at, BINARY)?.filter(|bytes| stands(bytes, 0, mark)) else { return Ok(None) };
    let size = u64_be(&binary, 8).and_then(|size| usize::try_from(size).ok());
    let size = size.filter(|size| (2 * BINARY..=limits::LUKS_HEADER_BYTES).contains(size));
    let is_ours = u16_be(&binary, 6) == Some(2) && u64_be(&binary, 256) == Some(at);
    let (Some(size), true) = (size, is_ours) else { return Ok(None) };
    let Some(mut bytes) = field::read(image, at, size)? else { return Ok(None) };
    let Some(sum) = bytes.get(SUM).map(<[u8]>::to_vec) else { return Ok(None) };
    if let Some(place) = bytes.get_mut(SUM) {
        place.fill(0);
    }
    let is_right = match text(&binary, 72, 32) {
        Some("sha256") => sum.starts_with(&Sha256::digest(&bytes)),
        Some("sha512") => sum.starts_with(&Sha512::digest(&bytes)),
        _ => false,
    };
    Ok(u64_be(&binary, 16).filter(|_| is_right).map(|sequence| (sequence, bytes)))
}

fn header(json: &Json) -> Result<Header, ReadError> {
    let number = |text: &str| text.parse::<u64>().map_err(|_| damaged());
    let current: Vec<(&String, &JsonSegment)> =
        json.segments.iter().filter(|(_, segment)| !segment.flags.iter().any(|f| f.starts_with("backup-"))).collect();
    let (id, segment) = match current.as_slice() {
        [(id, segment)] => (id.as_str(), *segment),
        [] => return Err(damaged()),
        // Only while it is being encrypted anew has a volume several.
        [(id, segment), ..] => (id.as_str(), *segment),
    };
    let cipher = segment.encryption.clone().unwrap_or_default();
    let mut header = Header {
        layer: "LUKS2",
        method: format!("LUKS2 ({})", printable(&cipher)),
        cipher,
        unit_bytes: segment.sector_size.unwrap_or(512),
        first_sector: segment.iv_tweak.as_deref().map(number).transpose()?.unwrap_or(0),
        offset: number(&segment.offset)?,
        size_bytes: if segment.size == "dynamic" { None } else { Some(number(&segment.size)?) },
        slots: Vec::new(),
        refusal: None,
    };
    let requirements = json.config.requirements.iter().flat_map(|requirements| &requirements.mandatory);
    for requirement in requirements {
        let is_moving = requirement.contains("reencrypt");
        header.refuse(if is_moving {
            "that is being encrypted anew".to_owned()
        } else {
            format!("that requires {}", printable(requirement))
        });
    }
    if current.len() > 1 || json.keyslots.values().any(|slot| slot.kind == "reencrypt") {
        header.refuse("that is being encrypted anew".to_owned());
    }
    if segment.integrity.is_some() {
        header.refuse("with integrity (dm-integrity)".to_owned());
    }
    if segment.kind != "crypt" {
        header.refuse(format!("with a segment {}", printable(&segment.kind)));
    }
    if ![512, 1024, 2048, 4096].contains(&header.unit_bytes) {
        return Err(damaged());
    }
    if header.refusal.is_none() {
        slots(json, id, &mut header)?;
    }
    Ok(header)
}

/// The slots that a digest ties to the segment.
fn slots(json: &Json, segment: &str, header: &mut Header) -> Result<(), ReadError> {
    for digest in json.digests.values().filter(|digest| digest.segments.iter().any(|id| id == segment)) {
        for slot in digest.keyslots.iter().filter_map(|id| json.keyslots.get(id)) {
            match one(slot, digest)? {
                Ok(slot) => header.slots.push(slot),
                Err(what) => header.refuse(what),
            }
            if header.slots.len() > limits::LUKS_SLOTS {
                return Err(ReadError::Limit { offset: 0, what: "key slots of one LUKS volume" });
            }
        }
    }
    Ok(())
}

/// One slot. The inner error: what of it is not read.
fn one(slot: &JsonSlot, digest: &JsonDigest) -> Result<Result<Slot, String>, ReadError> {
    let (Some(splitter), Some(kdf)) = (&slot.af, &slot.kdf) else {
        return Ok(Err(format!("with a key slot {}", printable(&slot.kind))));
    };
    if slot.kind != "luks2" || slot.area.kind != "raw" || splitter.kind != "luks1" || digest.kind != "pbkdf2" {
        return Ok(Err(format!("with a key slot {}", printable(&slot.kind))));
    }
    let binary = |text: &str| STANDARD.decode(text).map_err(|_| damaged());
    let slot_key_bytes = slot.area.key_size.unwrap_or(slot.key_size);
    let lengths = [slot.key_size, slot_key_bytes];
    let expected = binary(&digest.digest)?;
    if lengths.iter().any(|length| *length == 0 || *length > limits::LUKS_KEY_BYTES)
        || !(1..=limits::LUKS_STRIPES).contains(&splitter.stripes)
        || !(16..=64).contains(&expected.len())
    {
        return Err(damaged());
    }
    let hash = |name: &str| Hash::named(name).ok_or_else(|| format!("with the hash {}", printable(name)));
    let derivation = match (kdf.kind.as_str(), &kdf.hash) {
        ("pbkdf2", Some(name)) => hash(name).map(|hash| Derivation::Pbkdf2(hash, kdf.iterations.unwrap_or(0))),
        ("argon2i" | "argon2id", _) => Ok(Derivation::Argon2(Cost {
            is_id: kdf.kind == "argon2id",
            passes: kdf.time.unwrap_or(0),
            memory_kib: kdf.memory.unwrap_or(0),
            lanes: kdf.cpus.unwrap_or(0),
        })),
        (other, _) => Err(format!("with the derivation {}", printable(other))),
    };
    let (derivation, spread, digest_hash) = match (derivation, hash(&splitter.hash), hash(&digest.hash)) {
        (Ok(derivation), Ok(spread), Ok(digest_hash)) => (derivation, spread, digest_hash),
        (Err(what), _, _) | (_, Err(what), _) | (_, _, Err(what)) => return Ok(Err(what)),
    };
    Ok(Ok(Slot {
        derivation,
        salt: binary(&kdf.salt)?,
        cipher: slot.area.encryption.clone().unwrap_or_default(),
        slot_key_bytes,
        key_bytes: slot.key_size,
        offset: slot.area.offset.parse().map_err(|_| damaged())?,
        stripes: splitter.stripes,
        spread,
        digest: Digest { hash: digest_hash, rounds: digest.iterations, salt: binary(&digest.salt)?, expected },
    }))
}
