//! Our own images, handed to QEMU over a private socket, so that it opens no file of the operator.
//!
//! A stored file is offered as if it went on for ever, and what is read past its end is an error: QEMU itself would take
//! what lies behind the end of a file for zeros, and an image that was cut would then be read as if it were whole. A
//! file whose format is found from its end, and an image that another one stands on, are offered in their own size.
//!
//! Where a header names another file QEMU is shown zeros: it would otherwise open that file, even where another one is said
//! to it.
//!
//! **Invariant:** QEMU is given bytes of the stored files or an error, and no name of a file; nothing can be written.

use std::io::{Read as _, Write as _};
use std::ops::Range;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::wire::{self, Fields, Request};
use crate::image::{Image, backing};
use crate::limits;
use crate::read_error::ReadError;

/// An image as QEMU sees it.
pub struct Export {
    /// Its bytes.
    pub bytes: Arc<dyn Image>,
    /// It is offered as if it went on for ever.
    pub endless: bool,
    /// Ranges of bytes that QEMU is shown as zeros: where its header names another file.
    pub blank: Vec<Range<u64>>,
}

impl Export {
    fn size_bytes(&self) -> u64 {
        if self.endless {
            return limits::NBD_ENDLESS_BYTES;
        }
        // Whole sectors: QEMU waits for ever for the end of a reply that its own rounding made longer.
        self.bytes.size_bytes().checked_next_multiple_of(limits::SECTOR_BYTES).unwrap_or(u64::MAX)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let length = u64::try_from(buffer.len()).unwrap_or(u64::MAX);
        if offset.saturating_add(length) > self.size_bytes() {
            return Err(ReadError::Corrupt { offset, what: "past the end of an export" });
        }
        if self.endless {
            self.bytes.read_at(offset, buffer)?;
        } else {
            backing::read(self.bytes.as_ref(), offset, buffer)?;
        }
        for range in self.blank.iter().filter(|range| range.end > offset) {
            for (at, byte) in (offset..range.end).zip(buffer.iter_mut()) {
                if range.contains(&at) {
                    *byte = 0;
                }
            }
        }
        Ok(())
    }
}

/// Exports that are being served. Dropping it ends every connection.
pub struct Exports {
    place: PathBuf,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    exports: Vec<Export>,
    ended: AtomicBool,
    streams: Mutex<Vec<UnixStream>>,
}

impl Exports {
    /// Serves them on a socket at `place`, under the numbers `0`, `1`, ...
    pub fn serve(place: &Path, exports: Vec<Export>) -> Result<Self, ReadError> {
        let listener = UnixListener::bind(place).map_err(|error| ReadError::io(0, error))?;
        let shared = Arc::new(Shared { exports, ended: AtomicBool::new(false), streams: Mutex::default() });
        let own = Arc::clone(&shared);
        let thread = std::thread::spawn(move || accept(&listener, &own));
        Ok(Self { place: place.to_owned(), shared, thread: Some(thread) })
    }
}

impl Drop for Exports {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // The listener waits for a connection: this is one.
        let woken = UnixStream::connect(&self.place).is_ok();
        if let Ok(streams) = self.shared.streams.lock() {
            for stream in streams.iter() {
                // It may have ended by itself.
                let _ = stream.shutdown(std::net::Shutdown::Both);
            }
        }
        if woken && let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &UnixListener, shared: &Arc<Shared>) {
    let mut served = Vec::new();
    for stream in listener.incoming() {
        if shared.ended.load(Ordering::SeqCst) {
            break;
        }
        let (Ok(stream), true) = (stream, served.len() < limits::NBD_CONNECTIONS) else { continue };
        if let (Ok(second), Ok(mut streams)) = (stream.try_clone(), shared.streams.lock()) {
            streams.push(second);
        }
        let shared = Arc::clone(shared);
        served.push(std::thread::spawn(move || {
            // A connection that fails is QEMU's to report: it sees that it ended.
            let _ = serve(stream, &shared);
        }));
    }
    for thread in served {
        let _ = thread.join();
    }
}

fn serve(mut stream: UnixStream, shared: &Shared) -> std::io::Result<()> {
    let Some(export) = agree(&mut stream, &shared.exports)? else { return Ok(()) };
    let mut buffer = Vec::new();
    let mut header = [0; Request::BYTES];
    loop {
        stream.read_exact(&mut header)?;
        let Some(request) = Request::decode(&header) else { return Ok(()) };
        let length = usize::try_from(request.length).unwrap_or(usize::MAX);
        let error = match request.kind {
            wire::DISCONNECT => return Ok(()),
            wire::READ if length <= limits::NBD_REQUEST_BYTES => {
                buffer.resize(16 + length, 0);
                let data = buffer.get_mut(16..).unwrap_or_default();
                if export.read_at(request.offset, data).is_ok() { 0 } else { wire::EIO }
            }
            _ => wire::EPERM,
        };
        let head = [&wire::REPLY.to_be_bytes()[..], &error.to_be_bytes(), &request.cookie.to_be_bytes()].concat();
        if error == 0 {
            buffer.iter_mut().zip(head).for_each(|(to, from)| *to = from);
            stream.write_all(&buffer)?;
        } else {
            stream.write_all(&head)?;
        }
    }
}

/// The handshake: which export the client takes.
fn agree<'e>(stream: &mut UnixStream, exports: &'e [Export]) -> std::io::Result<Option<&'e Export>> {
    let mut greeting = Vec::new();
    greeting.extend(wire::GREETING.to_be_bytes());
    greeting.extend(wire::OPTION.to_be_bytes());
    greeting.extend(wire::HANDSHAKE_FLAGS.to_be_bytes());
    stream.write_all(&greeting)?;
    stream.read_exact(&mut [0; 4])?;
    for _ in 0..limits::NBD_OPTIONS {
        let mut head = [0; 16];
        stream.read_exact(&mut head)?;
        let fields = Fields(&head);
        let (Some(wire::OPTION), Some(option), Some(length)) = (fields.long(0), fields.word(8), fields.word(12)) else {
            return Ok(None);
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > limits::NBD_OPTION_BYTES {
            return Ok(None);
        }
        let mut data = vec![0; length];
        stream.read_exact(&mut data)?;
        match option {
            wire::OPTION_ABORT => return Ok(None),
            wire::OPTION_GO | wire::OPTION_INFO => match asked(&data).and_then(|number| exports.get(number)) {
                Some(export) => {
                    answer(stream, option, wire::INFORMATION, &facts(export))?;
                    answer(stream, option, wire::INFORMATION, &sizes())?;
                    answer(stream, option, wire::ACKNOWLEDGED, &[])?;
                    if option == wire::OPTION_GO {
                        return Ok(Some(export));
                    }
                }
                None => answer(stream, option, wire::NO_SUCH_EXPORT, &[])?,
            },
            _ => answer(stream, option, wire::NOT_KNOWN, &[])?,
        }
    }
    Ok(None)
}

/// The number of the export that the option names.
fn asked(data: &[u8]) -> Option<usize> {
    let length = usize::try_from(Fields(data).word(0)?).ok()?;
    std::str::from_utf8(data.get(4..4_usize.checked_add(length)?)?).ok()?.parse().ok()
}

fn facts(export: &Export) -> Vec<u8> {
    let mut facts = wire::INFO_EXPORT.to_be_bytes().to_vec();
    facts.extend(export.size_bytes().to_be_bytes());
    facts.extend(wire::EXPORT_FLAGS.to_be_bytes());
    facts
}

/// Any length from one byte on, best in pages.
fn sizes() -> Vec<u8> {
    let most = u32::try_from(limits::NBD_REQUEST_BYTES).unwrap_or(u32::MAX);
    let mut sizes = wire::INFO_BLOCK_SIZE.to_be_bytes().to_vec();
    for size in [1, 4096, most] {
        sizes.extend(size.to_be_bytes());
    }
    sizes
}

fn answer(stream: &mut UnixStream, option: u32, kind: u32, data: &[u8]) -> std::io::Result<()> {
    let mut reply = wire::OPTION_REPLY.to_be_bytes().to_vec();
    reply.extend(option.to_be_bytes());
    reply.extend(kind.to_be_bytes());
    reply.extend(u32::try_from(data.len()).unwrap_or(0).to_be_bytes());
    reply.extend(data);
    stream.write_all(&reply)
}
