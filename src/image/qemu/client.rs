//! An image that is read over NBD from a server on a Unix socket.
//!
//! **Invariant:** a reply that does not come in time, or that is not the answer to the request, is an error and ends its
//! connection; every length is known before it is read.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};

use super::wire::{self, Fields, Request};
use crate::limits;
use crate::read_error::ReadError;

/// Connections to one export.
pub struct Client {
    place: PathBuf,
    size_bytes: u64,
    connections: [Mutex<Option<Connection>>; limits::NBD_CLIENTS],
    next: AtomicUsize,
}

struct Connection {
    stream: UnixStream,
    cookie: u64,
}

impl Client {
    /// Begins with a stream to a server at `place`; further ones are opened when they are needed.
    pub fn new(place: &Path, stream: UnixStream) -> Result<Self, ReadError> {
        let (first, size_bytes) = Connection::begin(stream)?;
        let mut connections = [const { Mutex::new(None) }; limits::NBD_CLIENTS];
        if let Some(slot) = connections.first_mut() {
            *slot = Mutex::new(Some(first));
        }
        Ok(Self { place: place.to_owned(), size_bytes, connections, next: AtomicUsize::new(0) })
    }

    /// How many bytes the export has.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Fills `buffer` from `offset`; it lies within the export.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let mut at = offset;
        for part in buffer.chunks_mut(limits::NBD_READ_BYTES) {
            let mut slot = self.slot().ok_or_else(|| lost(at))?;
            let mut connection = match slot.take() {
                Some(connection) => connection,
                None => {
                    let stream = UnixStream::connect(&self.place).map_err(|error| ReadError::io(at, error))?;
                    let (connection, size_bytes) = Connection::begin(stream)?;
                    if size_bytes != self.size_bytes {
                        return Err(lost(at));
                    }
                    connection
                }
            };
            match connection.read(at, part) {
                Ok(true) => *slot = Some(connection),
                Ok(false) => {
                    *slot = Some(connection);
                    return Err(ReadError::Corrupt { offset: at, what: "what the image's format keeps here" });
                }
                Err(error) => return Err(ReadError::io(at, error)),
            }
            at = at.saturating_add(u64::try_from(part.len()).unwrap_or(0));
        }
        Ok(())
    }

    /// A connection that nobody uses, or the next one in turn.
    fn slot(&self) -> Option<MutexGuard<'_, Option<Connection>>> {
        for slot in &self.connections {
            match slot.try_lock() {
                Ok(guard) => return Some(guard),
                Err(TryLockError::Poisoned(_)) => return None,
                Err(TryLockError::WouldBlock) => {}
            }
        }
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % limits::NBD_CLIENTS;
        self.connections.get(turn)?.lock().ok()
    }
}

fn lost(offset: u64) -> ReadError {
    ReadError::io(offset, std::io::Error::other("the reader of this image's format has ended"))
}

fn odd() -> std::io::Error {
    std::io::Error::other("the reader of this image's format gave an answer that is none")
}

impl Connection {
    /// Shakes hands and takes the one export; its size in bytes.
    fn begin(mut stream: UnixStream) -> Result<(Self, u64), ReadError> {
        let size_bytes = Self::agree(&mut stream).map_err(|error| ReadError::io(0, error))?;
        Ok((Self { stream, cookie: 0 }, size_bytes))
    }

    fn agree(stream: &mut UnixStream) -> std::io::Result<u64> {
        stream.set_read_timeout(Some(limits::NBD_PATIENCE))?;
        stream.set_write_timeout(Some(limits::NBD_PATIENCE))?;
        let mut greeting = [0; 18];
        stream.read_exact(&mut greeting)?;
        let fields = Fields(&greeting);
        if fields.long(0) != Some(wire::GREETING) || fields.long(8) != Some(wire::OPTION) {
            return Err(odd());
        }
        let mut hello = u32::from(wire::HANDSHAKE_FLAGS).to_be_bytes().to_vec();
        hello.extend(wire::OPTION.to_be_bytes());
        hello.extend(wire::OPTION_GO.to_be_bytes());
        // The export without a name, and no question beside it.
        hello.extend(6_u32.to_be_bytes());
        hello.extend([0; 6]);
        stream.write_all(&hello)?;
        let mut size_bytes = None;
        for _ in 0..limits::NBD_OPTIONS {
            let mut head = [0; 20];
            stream.read_exact(&mut head)?;
            let fields = Fields(&head);
            let length = usize::try_from(fields.word(16).ok_or_else(odd)?).unwrap_or(usize::MAX);
            if fields.long(0) != Some(wire::OPTION_REPLY) || length > limits::NBD_OPTION_BYTES {
                return Err(odd());
            }
            let mut data = vec![0; length];
            stream.read_exact(&mut data)?;
            match fields.word(12) {
                Some(wire::ACKNOWLEDGED) => return size_bytes.ok_or_else(odd),
                Some(wire::INFORMATION) if Fields(&data).half(0) == Some(wire::INFO_EXPORT) => {
                    size_bytes = Fields(&data).long(2).filter(|size| i64::try_from(*size).is_ok());
                }
                Some(wire::INFORMATION) => {}
                _ => return Err(odd()),
            }
        }
        Err(odd())
    }

    /// False: the server says that it cannot read this.
    fn read(&mut self, offset: u64, buffer: &mut [u8]) -> std::io::Result<bool> {
        self.cookie = self.cookie.wrapping_add(1);
        let length = u32::try_from(buffer.len()).map_err(|_| odd())?;
        let request = Request { kind: wire::READ, cookie: self.cookie, offset, length };
        self.stream.write_all(&request.encode())?;
        let mut head = [0; 16];
        self.stream.read_exact(&mut head)?;
        let fields = Fields(&head);
        if fields.word(0) != Some(wire::REPLY) || fields.long(8) != Some(self.cookie) {
            return Err(odd());
        }
        if fields.word(4) != Some(0) {
            return Ok(false);
        }
        self.stream.read_exact(buffer)?;
        Ok(true)
    }
}
