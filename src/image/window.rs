//! A bounded cache of aligned windows over an image.
//!
//! A file system asks for single blocks; reading 256 KiB at once makes that fast on a cold disk and on compressed
//! images. Where windows are asked for one behind the other, four are read at once: over a socket that is several times
//! faster. A window that cannot be read whole is not kept: the request is then read by itself, so that one bad byte
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
        // Who reads on where the last window ended will go on: then more is read at once.
        let ahead = if self.holds_window_before(start) { limits::WINDOWS_AHEAD } else { 1 };
        let read = match self.read_windows(start, ahead) {
            Err(_) if ahead > 1 => self.read_windows(start, 1)?,
            read => read?,
        };
        let mut parts = read.chunks(limits::WINDOW_BYTES).map(Arc::<[u8]>::from);
        let Some(first) = parts.next() else { return Ok(Arc::from([])) };
        if let Ok(mut windows) = self.windows.lock() {
            let size = u64::try_from(limits::WINDOW_BYTES).unwrap_or(u64::MAX);
            let mut at = start;
            for part in std::iter::once(Arc::clone(&first)).chain(parts) {
                windows.retain(|(begin, _)| *begin != at);
                if windows.len() >= limits::WINDOWS {
                    windows.remove(0);
                }
                windows.push((at, part));
                at = at.saturating_add(size);
            }
        }
        Ok(first)
    }

    fn holds_window_before(&self, start: u64) -> bool {
        let before = start.checked_sub(u64::try_from(limits::WINDOW_BYTES).unwrap_or(u64::MAX));
        self.windows.lock().is_ok_and(|windows| windows.iter().any(|(at, _)| Some(*at) == before))
    }

    fn read_windows(&self, start: u64, count: usize) -> Result<Vec<u8>, ReadError> {
        let left = self.image.size_bytes().saturating_sub(start);
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(limits::WINDOW_BYTES.saturating_mul(count));
        let mut bytes = vec![0; length];
        self.image.read_at(start, &mut bytes)?;
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Bytes that tell their place, one of which cannot be read.
    struct Spoilt {
        bad: u64,
        reads: AtomicUsize,
    }

    const SIZE: u64 = 3_000_001;

    impl Image for Spoilt {
        fn size_bytes(&self) -> u64 {
            SIZE
        }

        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
            self.reads.fetch_add(1, Ordering::Relaxed);
            let end = offset + buffer.len() as u64;
            if end > SIZE || (offset..end).contains(&self.bad) {
                return Err(ReadError::Corrupt { offset, what: "the bad byte" });
            }
            (offset..).zip(buffer).for_each(|(at, byte)| *byte = (at % 251) as u8);
            Ok(())
        }
    }

    #[test]
    fn one_bad_byte_spoils_no_byte_beside_it_and_fewer_reads_are_made_in_order() {
        for bad in [0, 700_000, 1_300_000, SIZE - 1, u64::MAX] {
            let image = Arc::new(Spoilt { bad, reads: AtomicUsize::new(0) });
            let windowed = Windowed::new(Arc::clone(&image) as Arc<dyn Image>);
            let mut at = 0;
            while at < SIZE {
                let mut buffer = vec![0; usize::try_from((SIZE - at).min(1_000)).expect("few")];
                let end = at + buffer.len() as u64;
                let read = windowed.read_at(at, &mut buffer);
                assert_eq!(read.is_err(), (at..end).contains(&bad), "{at}, bad {bad}");
                if read.is_ok() {
                    assert!((at..).zip(&buffer).all(|(at, byte)| *byte == (at % 251) as u8), "{at}, bad {bad}");
                }
                at = end;
            }
            let kept = windowed.windows.lock().expect("no panic").len();
            assert!(kept <= limits::WINDOWS, "{kept}");
            if bad == u64::MAX {
                // Twelve windows: one, then four at once.
                assert_eq!(image.reads.load(Ordering::Relaxed), 4);
            }
        }
    }
}
