//! The SHA-256 of a stored image, taken once, beside the work.
//!
//! **Invariant:** the digest is that of the very file that is read: it shares its descriptor; a hash that was not
//! finished gives no digest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use super::StoredFile;
use crate::digest::{Digest, Hasher};
use crate::limits;
use crate::read_error::ReadError;

/// A hash that is being taken in a thread of its own. Dropping it stops the thread.
#[derive(Debug)]
pub struct Hashing {
    progress: Arc<Progress>,
    thread: Option<JoinHandle<Result<Hashed, ReadError>>>,
    size_bytes: u64,
}

/// The SHA-256 of stored files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hashed {
    /// Of all of them, one behind the other.
    pub whole: Digest,
    /// Of each of them, in their order.
    pub files: Vec<Digest>,
}

#[derive(Debug, Default)]
struct Progress {
    done_bytes: AtomicU64,
    cancelled: AtomicBool,
}

/// Begins to hash the stored files, one behind the other, as one, and where there are several each by itself.
pub fn hash_beside(stored: Vec<Arc<StoredFile>>) -> Hashing {
    let progress = Arc::new(Progress::default());
    let size_bytes = stored.iter().map(|stored| stored.size_bytes()).fold(0, u64::saturating_add);
    let shared = Arc::clone(&progress);
    let thread = std::thread::spawn(move || hash(&stored, &shared));
    Hashing { progress, thread: Some(thread), size_bytes }
}

fn hash(stored: &[Arc<StoredFile>], progress: &Progress) -> Result<Hashed, ReadError> {
    let mut hasher = Hasher::new();
    let mut files = Vec::new();
    let are_several = stored.len() > 1;
    let mut buffer = vec![0; limits::CHUNK_BYTES];
    let mut done: u64 = 0;
    for stored in stored {
        let mut offset = 0;
        let mut own = Hasher::new();
        while offset < stored.size_bytes() {
            if progress.cancelled.load(Ordering::Relaxed) {
                return Err(ReadError::io(offset, std::io::ErrorKind::Interrupted.into()));
            }
            let left = usize::try_from(stored.size_bytes() - offset).unwrap_or(usize::MAX);
            let length = left.min(buffer.len());
            let Some(part) = buffer.get_mut(..length) else { break };
            stored.read_at(offset, part)?;
            hasher.update(part);
            if are_several {
                own.update(part);
            }
            offset += u64::try_from(length).unwrap_or(0);
            progress.done_bytes.store(done.saturating_add(offset), Ordering::Relaxed);
        }
        done = done.saturating_add(offset);
        files.push(own.finish());
    }
    let whole = hasher.finish();
    Ok(Hashed { whole, files: if are_several { files } else { vec![whole] } })
}

impl Hashing {
    /// How many bytes have been hashed so far.
    pub fn done_bytes(&self) -> u64 {
        self.progress.done_bytes.load(Ordering::Relaxed)
    }

    /// How many there are.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// It is done, or has failed: [`Hashing::finish`] will not wait.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Stops it; [`Hashing::finish`] is then an error.
    pub fn cancel(&self) {
        self.progress.cancelled.store(true, Ordering::Relaxed);
    }

    /// Waits for the digests.
    pub fn finish(mut self) -> Result<Hashed, ReadError> {
        let stopped = || ReadError::io(0, std::io::Error::other("the hash was not finished"));
        self.thread.take().ok_or_else(stopped)?.join().map_err(|_| stopped())?
    }
}

impl Drop for Hashing {
    fn drop(&mut self) {
        self.cancel();
        if let Some(thread) = self.thread.take() {
            // What it would have said is not wanted any more.
            let _ = thread.join();
        }
    }
}
