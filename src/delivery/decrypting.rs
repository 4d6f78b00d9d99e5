//! Reading what was encrypted, from any place of it.
//!
//! How long the content is, is known as soon as it is open: its last piece was decrypted as the last. So a file that is cut off, or
//! that something stands behind, is refused before anything of it is read.
//!
//! **Invariant:** no byte is given that was not authenticated; after an error nothing more is read.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use super::encrypting::OwnKey;
use super::error::{Damage, OpenError};
use super::header;
use super::identity::Identities;

/// One piece of the content, encrypted, and what it has beside the content (C2SP, age, "Payload").
const PIECE_BYTES: u64 = 64 * 1024 + TAG_BYTES;
const TAG_BYTES: u64 = 16;
const NONCE_BYTES: u64 = 16;

/// The content of an encrypted file.
pub struct Decrypting<R> {
    stream: age::stream::StreamReader<BufReader<R>>,
    /// How much content there is.
    length: u64,
    /// Where the next byte is read.
    at: u64,
    /// Where `stream` stands.
    there: u64,
    /// Where reading failed.
    damage: Option<Damage>,
}

impl<R: Read + Seek> Decrypting<R> {
    /// Opens an encrypted file by the first identity that fits.
    pub fn open(file: R, identities: &Identities) -> Result<Self, OpenError> {
        Self::with(file, identities.keys(), identities.is_empty())
    }

    /// Opens a file that was written here.
    pub fn own(file: R, key: &OwnKey) -> Result<Self, OpenError> {
        Self::with(file, std::iter::once(key as &dyn age::Identity), false)
    }

    fn with<'k>(
        file: R,
        keys: impl Iterator<Item = &'k dyn age::Identity>,
        is_without: bool,
    ) -> Result<Self, OpenError> {
        let mut file = BufReader::new(file);
        let whole = file.seek(SeekFrom::End(0)).map_err(OpenError::Io)?;
        file.rewind().map_err(OpenError::Io)?;
        let header = header::length(&mut file)?;
        if is_without {
            return Err(OpenError::NoIdentity);
        }
        is_in_pieces(whole.saturating_sub(header))?;
        file.rewind().map_err(OpenError::Io)?;
        let stream = age::Decryptor::new_buffered(file).and_then(|file| file.decrypt(keys)).map_err(refusal)?;
        let mut opened = Self { stream, length: 0, at: 0, there: 0, damage: None };
        // The end is found by decrypting what stands there as the end.
        let length = opened.stream.seek(SeekFrom::End(0)).and_then(|length| opened.stream.rewind().map(|()| length));
        opened.length =
            length.map_err(|error| if is_damage(&error) { OpenError::End } else { OpenError::Io(error) })?;
        Ok(opened)
    }

    /// How long the content is, in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }
}

/// Only the last piece may be shorter than a whole one; it is empty only where there is no content at all.
fn is_in_pieces(payload: u64) -> Result<(), OpenError> {
    let pieces = payload.checked_sub(NONCE_BYTES).ok_or(OpenError::End)?;
    match pieces % PIECE_BYTES {
        0 if pieces > 0 => Ok(()),
        TAG_BYTES if pieces == TAG_BYTES => Ok(()),
        last if last > TAG_BYTES => Ok(()),
        _ => Err(OpenError::End),
    }
}

fn refusal(error: age::DecryptError) -> OpenError {
    match error {
        age::DecryptError::NoMatchingKeys => OpenError::OtherIdentity,
        age::DecryptError::UnknownFormat => OpenError::Version,
        age::DecryptError::Io(error) if !is_damage(&error) => OpenError::Io(error),
        // A stanza that says it is for the identity and does not open, a wrong MAC, a wrong form.
        _ => OpenError::Header,
    }
}

/// The crate's word for what does not decrypt, and for an end that comes too early.
fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

impl<R: Read + Seek> Read for Decrypting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(damage) = &self.damage {
            return Err(io::Error::new(io::ErrorKind::InvalidData, damage.clone()));
        }
        let left = usize::try_from(self.length.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let Some(slot) = buffer.get_mut(..wanted).filter(|slot| !slot.is_empty()) else { return Ok(0) };
        let read = if self.there == self.at { Ok(self.at) } else { self.stream.seek(SeekFrom::Start(self.at)) };
        match read.and_then(|_| self.stream.read(slot)) {
            Ok(count) if count > 0 => {
                self.at = self.at.saturating_add(count as u64);
                self.there = self.at;
                Ok(count)
            }
            Err(error) if !is_damage(&error) => Err(error),
            // The length is known: an end before it is none.
            _ => {
                let damage = Damage { at: self.at };
                self.damage = Some(damage.clone());
                Err(io::Error::new(io::ErrorKind::InvalidData, damage))
            }
        }
    }
}

impl<R: Read + Seek> Seek for Decrypting<R> {
    fn seek(&mut self, place: SeekFrom) -> io::Result<u64> {
        let at = match place {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

impl<R> std::fmt::Debug for Decrypting<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decrypting").field("length", &self.length).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::encrypting::Encrypting;
    use super::super::recipient::Recipients;
    use super::*;
    use std::io::{Cursor, Write as _};

    // Nobody's: made for these tests.
    const SECRET: &str = "AGE-SECRET-KEY-1XMWWC06LY3EE5RYTXM9MFLAZ2U56JJJ36S0MYPDRWSVLUL66MV4QX3S7F6";

    fn keys() -> (Recipients, Identities) {
        let identity: age::x25519::Identity = SECRET.parse().unwrap();
        let mut identities = Identities::none();
        identities.add_lines(SECRET).unwrap();
        (Recipients::parse(&identity.to_public().to_string()).unwrap(), identities)
    }

    fn content(size: usize) -> Vec<u8> {
        (0..size).map(|at| (at % 251) as u8).collect()
    }

    fn encrypted(content: &[u8]) -> Vec<u8> {
        let mut out = Encrypting::new(Vec::new(), &keys().0).unwrap();
        out.write_all(content).unwrap();
        out.finish().unwrap().0
    }

    fn decrypted(file: &[u8]) -> Result<Vec<u8>, String> {
        let mut opened = Decrypting::open(Cursor::new(file), &keys().1).map_err(|error| error.to_string())?;
        let mut out = Vec::new();
        opened.read_to_end(&mut out).map_err(|error| error.to_string())?;
        Ok(out)
    }

    const SIZES: [usize; 8] = [0, 1, 65_535, 65_536, 65_537, 131_072, 131_073, 200_000];

    #[test]
    fn what_was_encrypted_is_read_whole_and_from_any_place() {
        for size in SIZES {
            let content = content(size);
            let file = encrypted(&content);
            assert!(decrypted(&file).unwrap() == content, "{size}");
            let mut opened = Decrypting::open(Cursor::new(&file), &keys().1).unwrap();
            assert_eq!(opened.length(), size as u64);
            let places = [0, size, size / 2, 1, size.saturating_sub(1), 65_536, 65_535, 0, size + 7, size / 3, size];
            for at in places {
                opened.seek(SeekFrom::Start(at as u64)).unwrap();
                let mut rest = Vec::new();
                opened.by_ref().take(70_000).read_to_end(&mut rest).unwrap();
                let expected = content.get(at..).unwrap_or_default();
                assert!(rest == expected[..expected.len().min(70_000)], "{size} from {at}");
            }
            assert_eq!(opened.seek(SeekFrom::End(-(size as i64))).unwrap(), 0);
            assert!(opened.seek(SeekFrom::Current(-1)).is_err());
        }
    }

    #[test]
    fn a_ciphertext_that_is_cut_off_or_added_to_is_refused_when_it_is_opened() {
        for size in SIZES {
            let file = encrypted(&content(size));
            for cut in (0..file.len()).filter(|cut| cut % 997 == 0 || file.len() - cut < 40 || *cut < 300) {
                assert!(decrypted(&file[..cut]).is_err(), "{size} cut to {cut}");
            }
            for more in [1, 15, 16, 17, 65_536, 65_552] {
                let longer = [&file[..], &vec![0; more]].concat();
                let error = decrypted(&longer).unwrap_err();
                assert!(error.contains("damaged"), "{size} and {more} more: {error}");
            }
        }
    }

    #[test]
    fn a_ciphertext_with_any_bit_changed_is_refused_and_nothing_behind_the_place_is_read() {
        let content = content(200_000);
        let file = encrypted(&content);
        let header = header::length(&mut &file[..]).unwrap() as usize;
        for at in (0..header + 40).chain((header + 40..file.len()).step_by(4_999)).chain(file.len() - 20..file.len()) {
            let mut changed = file.clone();
            changed[at] ^= 1 << (at % 8);
            assert!(decrypted(&changed).is_err(), "bit of byte {at} of {}", file.len());
        }
        let mut changed = file.clone();
        changed[header + 16 + 65_552 + 5] ^= 1;
        let mut opened = Decrypting::open(Cursor::new(&changed), &keys().1).unwrap();
        let mut out = Vec::new();
        let error = opened.read_to_end(&mut out).unwrap_err().to_string();
        assert!(out == content[..65_536] && error.contains("byte 65536"), "{error}");
        opened.rewind().unwrap();
        assert!(opened.read(&mut [0]).is_err(), "after an error nothing more is read");
    }

    #[test]
    fn an_end_that_is_empty_is_one_of_an_empty_content_alone() {
        for (payload, is_good) in [
            (0, false),
            (16, false),
            (31, false),
            (32, true),
            (33, true),
            (16 + PIECE_BYTES, true),
            (16 + PIECE_BYTES + 16, false),
            (16 + PIECE_BYTES + 17, true),
        ] {
            assert_eq!(is_in_pieces(payload).is_ok(), is_good, "{payload}");
        }
    }

    #[test]
    fn another_identity_or_none_does_not_open_it() {
        let file = encrypted(b"x");
        let none = Decrypting::open(Cursor::new(&file), &Identities::none());
        assert!(matches!(none, Err(OpenError::NoIdentity)));
        let mut other = Identities::none();
        let secret = age::x25519::Identity::generate().to_string();
        other.add_lines(age::secrecy::ExposeSecret::expose_secret(&secret)).unwrap();
        assert!(matches!(Decrypting::open(Cursor::new(&file), &other), Err(OpenError::OtherIdentity)));
    }
}
