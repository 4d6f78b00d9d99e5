//! Writing what only the recipients can read.
//!
//! **Invariant:** what is passed to the writer below is ciphertext alone; the key is wiped from memory when it is dropped.

use std::cell::RefCell;
use std::collections::HashSet;
use std::io::{self, Write};

use age_core::format::{FileKey, Stanza};
use age_core::secrecy::ExposeSecret as _;

use super::recipient::Recipients;

/// A writer that encrypts. What is dropped without [`Encrypting::finish`] cannot be opened.
pub struct Encrypting<W: Write> {
    stream: age::stream::StreamWriter<W>,
    key: OwnKey,
}

/// The key of one file, known to who wrote it: it opens that file and no other.
pub struct OwnKey(FileKey);

impl<W: Write> Encrypting<W> {
    /// Writes the header to `out`; each file has a key of its own.
    pub fn new(out: W, recipients: &Recipients) -> io::Result<Self> {
        let kept = RefCell::new(None);
        let keeping: Vec<Keeping<'_>> = recipients.keys().map(|key| Keeping { key, kept: &kept }).collect();
        let keys = keeping.iter().map(|key| key as &dyn age::Recipient);
        // It fails where there is no recipient, or where they do not go together: neither can be.
        let encryptor = age::Encryptor::with_recipients(keys).map_err(|_| io::Error::other("no recipients"))?;
        drop(keeping);
        let key = kept.into_inner().ok_or_else(|| io::Error::other("no recipients"))?;
        Ok(Self { stream: encryptor.wrap_output(out)?, key: OwnKey(key) })
    }

    /// Writes the end; the writer below, which was not flushed, and the key.
    pub fn finish(self) -> io::Result<(W, OwnKey)> {
        Ok((self.stream.finish()?, self.key))
    }
}

impl<W: Write> Write for Encrypting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Clone for OwnKey {
    fn clone(&self) -> Self {
        Self(Self::copy(&self.0))
    }
}

impl OwnKey {
    fn copy(key: &FileKey) -> FileKey {
        FileKey::init_with_mut(|bytes| bytes.copy_from_slice(key.expose_secret()))
    }
}

/// Opens whatever stanzas: the header's MAC says whether it is the file's own key.
impl age::Identity for OwnKey {
    fn unwrap_stanza(&self, _: &Stanza) -> Option<Result<FileKey, age::DecryptError>> {
        Some(Ok(Self::copy(&self.0)))
    }
}

impl std::fmt::Debug for OwnKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OwnKey")
    }
}

/// A recipient that keeps the key that is wrapped for it.
struct Keeping<'r> {
    key: &'r dyn age::Recipient,
    kept: &'r RefCell<Option<FileKey>>,
}

impl age::Recipient for Keeping<'_> {
    fn wrap_file_key(&self, key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), age::EncryptError> {
        *self.kept.borrow_mut() = Some(OwnKey::copy(key));
        self.key.wrap_file_key(key)
    }
}
