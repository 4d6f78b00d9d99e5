//! The files beside a stream in which its format keeps a part of its records: opened by the stream's own leave.
//!
//! **Invariant:** a stream is read with all that belongs to it, or not at all; each that was read is in the audit.

use super::meter::{Meter, Metered};
use super::trace::Trace;
use crate::filesystem::FileSystem;
use crate::read_error::ReadError;
use crate::record::Sibling;
use crate::scope::{Beside, Permit, Siblings, Stream};

/// What became of them.
pub(super) enum Opening<'m> {
    /// All are open; often there are none.
    Opened(Vec<Open<'m>>),
    /// One is withheld, and so is the stream.
    Withheld,
    /// One cannot be read.
    Failed(ReadError),
}

/// One of them.
pub(super) struct Open<'m> {
    suffix: &'static str,
    trace: Trace,
    stream: Metered<'m, Stream>,
}

impl<'m> Open<'m> {
    fn new(
        (suffix, permit): (&'static str, Permit),
        filesystem: &dyn FileSystem,
        meter: &'m Meter<'m>,
    ) -> Result<Self, ReadError> {
        let trace = Trace::new(&permit, None);
        let opened = filesystem.open(permit)?.into_structure();
        let stream = opened.ok_or(ReadError::Corrupt { offset: 0, what: "what stands beside it is no part of it" })?;
        Ok(Self { suffix, trace, stream: Metered::new(stream, meter) })
    }

    /// What its name has behind that of the stream's file.
    pub(super) fn suffix(&self) -> &'static str {
        self.suffix
    }

    /// For the splitter of the stream that it belongs to.
    pub(super) fn lend(&mut self) -> Sibling<'_> {
        Sibling { suffix: self.suffix, stream: &mut self.stream }
    }

    /// What the audit says of it: all of it counts where its records do.
    pub(super) fn trace(self) -> Trace {
        let Self { mut trace, stream, .. } = self;
        trace.read(stream);
        trace.note = Some("read for the records of the file beside it, and for nothing else".to_owned());
        trace
    }
}

/// Opens what belongs to a stream of that format.
pub(super) fn open<'m>(
    beside: Beside,
    format: crate::order::Format,
    filesystem: &dyn FileSystem,
    meter: &'m Meter<'m>,
) -> Opening<'m> {
    let permits = match beside.of(format) {
        Siblings::Readable(permits) => permits,
        Siblings::Withheld => return Opening::Withheld,
        Siblings::Unreadable(what) => return Opening::Failed(ReadError::Corrupt { offset: 0, what }),
    };
    match permits.into_iter().map(|permit| Open::new(permit, filesystem, meter)).collect() {
        Ok(opened) => Opening::Opened(opened),
        Err(error) => Opening::Failed(error),
    }
}
