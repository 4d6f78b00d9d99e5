//! Journals of systemd (`.journal`, and `.journal~` of one that was not closed): an entry is a record, rendered as JSON.
//!
//! Source: <https://systemd.io/JOURNAL_FILE_FORMAT>. The entries are those of the file's own list (the chain of entry
//! arrays), in its order, which is that of `journalctl --file`; the hash tables, which only find entries faster, are not
//! read, nor are the seals, which only journald's own key can check. The list and the entries in it only go forwards in the
//! file, as `journalctl --verify` demands too, so that a journal that points at itself comes to an end. A journal that
//! was never closed (its state is online) is read like any other: what it lists and had not yet written is lost, and said.
//!
//! What is handed over is rendered, one line an entry (see [`line`]). Of an entry that cannot be read whole, the size of
//! the stored entry is handed over as unreadable (64 bytes, the smallest, where not even that can be read), and at the end
//! there is an error, as there is where the journal counts more entries than it lists.
//!
//! **Invariant:** an entry is rendered with all its data, each with its hash, or not at all; one that is listed and not
//! rendered is counted, and the stream ends in an error.

mod hash;
mod header;
mod line;
mod object;

use std::io::Read;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::rc::Rc;

use super::line::LineFormat as _;
use super::spool::Spool;
use super::{RecordFormat, RecordSink, SplitError, Unreadable};
use crate::limits;
use crate::order::Format;
use crate::read_error::ReadError;
use crate::scope::RawRecord;
use header::Header;
use line::{Moment, Refusal, Rendered};
use object::{ENTRY_BYTES, Entry, Fault, Objects};

/// The format.
pub struct Journal;

impl RecordFormat for Journal {
    fn format(&self) -> Format {
        Format::Journal
    }

    fn sign(&self) -> &'static str {
        "it begins with the signature of a journal"
    }

    fn probe(&self, head: &[u8], _whole: bool) -> bool {
        head.starts_with(header::SIGNATURE)
    }

    fn split(
        &self,
        stream: &mut dyn Read,
        scratch: Option<&Path>,
        sink: &mut dyn RecordSink,
    ) -> Result<(), SplitError> {
        let Some(scratch) = scratch else {
            let what = "a journal where there is no folder to copy it to".to_owned();
            return Err(ReadError::Unsupported { offset: 0, what }.into());
        };
        let spool = Spool::of(stream, scratch, limits::JOURNAL_BYTES, "bytes of one journal")?;
        let entries = spool.entries(sink);
        // What ended the stream is why the rest is missing.
        match (entries, spool.failure) {
            (Err(SplitError::Stopped), _) => Err(SplitError::Stopped),
            (_, Some(failure)) => Err(failure.into()),
            (entries, None) => entries,
        }
    }

    fn rendered(&self) -> Option<&'static dyn RecordFormat> {
        Some(&Rendered)
    }
}

impl Spool {
    fn header(&self) -> Result<Option<Header>, ReadError> {
        let mut bytes = [0; header::HEADER_BYTES];
        let size = self.length.min(header::HEADER_BYTES as u64) as usize;
        let bytes = bytes.get_mut(..size).unwrap_or_default();
        self.file.read_exact_at(bytes, 0).map_err(|error| ReadError::io(0, error))?;
        if !bytes.starts_with(header::SIGNATURE) {
            return Ok(None);
        }
        Header::read(bytes).map(Some)
    }

    fn entries(&self, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        let unread = |sink: &mut dyn RecordSink, why| {
            if self.length > 0 {
                sink.unreadable(self.length, why);
            }
        };
        match self.header() {
            Ok(Some(header)) => {
                let objects = Objects::new(&self.file, self.length, header);
                Walk { objects, sink, handed: 0, listed: 0, before: Before::default(), damage: None }.run(header)
            }
            Ok(None) => {
                unread(sink, if self.failure.is_some() { Unreadable::Cut } else { Unreadable::NotTheFormat });
                Ok(())
            }
            Err(error) => {
                unread(sink, Unreadable::Cut);
                Err(error.into())
            }
        }
    }
}

/// The end of the last entry that was read, and its number.
#[derive(Default)]
struct Before {
    end: u64,
    sequence: u64,
}

/// Goes through the list of entries.
struct Walk<'w> {
    objects: Objects<'w>,
    sink: &'w mut dyn RecordSink,
    /// Bytes that were handed over.
    handed: u64,
    /// Entries that were listed.
    listed: u64,
    before: Before,
    /// The first damage.
    damage: Option<ReadError>,
}

impl Walk<'_> {
    fn run(mut self, header: Header) -> Result<(), SplitError> {
        let (mut at, mut floor) = (header.entry_array, header.size);
        while at != 0 {
            if at < floor {
                let what = "the list of a journal's entries leads back";
                self.damage.get_or_insert(ReadError::Corrupt { offset: at, what });
                break;
            }
            let array = match self.objects.array(at) {
                Ok(array) => array,
                Err(fault) => {
                    self.note(fault)?;
                    break;
                }
            };
            let mut from = array.begin;
            loop {
                let places = match self.objects.places(&array, from) {
                    Ok((places, next)) => {
                        from = next;
                        places
                    }
                    Err(fault) => {
                        self.note(fault)?;
                        break;
                    }
                };
                if places.is_empty() {
                    break;
                }
                for place in places.into_iter().filter(|&place| place != 0) {
                    self.place(place)?;
                }
            }
            if array.is_cut {
                let what = "the list of a journal's entries goes on behind its end";
                self.damage.get_or_insert(ReadError::Corrupt { offset: at, what });
            }
            (at, floor) = (array.next, array.end);
        }
        if self.listed < header.entries {
            let what = "a journal counts more entries than it lists";
            self.damage.get_or_insert(ReadError::Corrupt { offset: 152, what });
        }
        self.damage.map_or(Ok(()), |damage| Err(damage.into()))
    }

    /// Keeps the first damage. Some faults end the reading.
    fn note(&mut self, fault: Fault) -> Result<(), ReadError> {
        match fault {
            Fault::Damaged(error) => {
                self.damage.get_or_insert(error);
                Ok(())
            }
            Fault::TooLong => Ok(()),
            Fault::Fatal(error) => Err(error),
        }
    }

    /// Hands over the entry at `place`, or what it takes as unreadable.
    fn place(&mut self, place: u64) -> Result<(), SplitError> {
        self.listed = self.listed.saturating_add(1);
        match self.entry(place) {
            Ok((entry, line)) => {
                self.before = Before { end: place.saturating_add(entry.size), sequence: entry.sequence };
                let record = RawRecord { bytes: &line, offset: self.handed, fields: &Rendered::line(&line) };
                self.handed = self.handed.saturating_add(line.len() as u64);
                self.sink.record(record)?;
            }
            Err(fault) => {
                let bytes = self.objects.entry_size(place).unwrap_or(ENTRY_BYTES);
                let why = if matches!(fault, Fault::TooLong) { Unreadable::TooLong } else { Unreadable::Cut };
                self.handed = self.handed.saturating_add(bytes);
                self.sink.unreadable(bytes, why);
                self.note(fault)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, place: u64) -> Result<(Entry, Vec<u8>), Fault> {
        let damaged = |what| Fault::Damaged(ReadError::Corrupt { offset: place, what });
        if place < self.before.end {
            return Err(damaged("the list of a journal's entries leads back"));
        }
        let entry = self.objects.entry(place)?;
        if entry.sequence <= self.before.sequence {
            return Err(damaged("the entries of a journal are not numbered upwards"));
        }
        let mut payloads: Vec<Rc<[u8]>> = Vec::with_capacity(entry.items.len());
        let mut bytes = 0usize;
        for item in &entry.items {
            let payload = self.objects.payload(*item)?;
            bytes = bytes.saturating_add(payload.len());
            if bytes > limits::LINE_BYTES {
                return Err(Fault::TooLong);
            }
            payloads.push(payload);
        }
        let moment = Moment { realtime: entry.realtime, monotonic: entry.monotonic, boot: entry.boot };
        let line = line::render(moment, &payloads).map_err(|refusal| match refusal {
            Refusal::TooLong => Fault::TooLong,
            Refusal::NoField => damaged("an entry of a journal has data that is no field"),
        })?;
        self.objects.spend(line.len())?;
        Ok((entry, line))
    }
}
