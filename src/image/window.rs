//! A bounded cache of aligned windows over an image.
//!
//! A file system asks for single blocks; reading 256 KiB at once makes that fast on a cold disk and on compressed
//! images. A window that cannot be read whole is not kept: the request is then read by itself, so that one bad byte
//! does not spoil what stands beside it.
//!
//! **Invariant:** it never holds more than [`limits::WINDOWS`] windows of [`limits::WINDOW_BYTES`], and it answers what the
//! image answers.

use std::sync::{Arc, Mutex};

use super::Image;
use crate::limits;
use crate::read_error::ReadError;

/// An image behind a cache.
pub struct Windowed {
    image: Arc<dyn Image>,
    /// Most recently used last.
    windows: Mutex<Vec<(u64, Arc<[u8]>)>>,
}

impl Windowed {
    /// With nothing in the cache yet.
    pub fn new(image: Arc<dyn Image>) -> Self {
        Self { image, windows: Mutex::new(Vec::new()) }
    }

    fn window(&self, start: u64) -> Result<Arc<[u8]>, ReadError> {
        if let Ok(mut windows) = self.windows.lock()
            && let Some(place) = windows.iter().position(|(at, _)| *at == start)
        {
            let found = windows.remove(place);
            let bytes = Arc::clone(&found.1);
            windows.push(found);
            return Ok(bytes);
        }
        let left = self.image.size_bytes().saturating_sub(start);
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(limits::WINDOW_BYTES);
        let mut bytes = vec![0; length];
        self.image.read_at(start, &mut bytes)?;
        let bytes: Arc<[u8]> = bytes.into();
        if let Ok(mut windows) = self.windows.lock() {
            if windows.len() >= limits::WINDOWS {
                windows.remove(0);
            }
            windows.push((start, Arc::clone(&bytes)));
        }
        Ok(bytes)
    }
}

impl Image for Windowed {
    fn size_bytes(&self) -> u64 {
        self.image.size_bytes()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        if buffer.len() >= limits::WINDOW_BYTES {
            return self.image.read_at(offset, buffer);
        }
        let size = u64::try_from(limits::WINDOW_BYTES).unwrap_or(u64::MAX);
        let mut at = offset;
        let mut rest = buffer;
        while !rest.is_empty() {
            let start = at - at % size;
            let within = usize::try_from(at - start).unwrap_or(usize::MAX);
            let wanted = rest.len().min(limits::WINDOW_BYTES - within);
            let (part, behind) = rest.split_at_mut(wanted);
            let window = self.window(start).ok();
            match window.as_deref().and_then(|bytes| bytes.get(within..within + wanted)) {
                Some(bytes) => part.copy_from_slice(bytes),
                None => self.image.read_at(at, part)?,
            }
            at += u64::try_from(wanted).unwrap_or(0);
            rest = behind;
        }
        Ok(())
    }
}
