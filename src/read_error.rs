//! Why evidence could not be read: the one error of images, volumes, file systems and record formats.
//!
//! It names no file and quotes no byte: it may be shown to staff, and it is never packaged. What is missing because of
//! it is said in the package as a shortfall.
//!
//! **Invariant:** damage and what is not supported are never turned into absence; there is no "not found" here.

/// Why evidence could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The operating system could not deliver the bytes.
    #[error("reading failed at byte {offset}: {source}")]
    Io {
        /// Where, in bytes from the start of what was being read.
        offset: u64,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The bytes contradict their format.
    #[error("damaged at byte {offset}: {what}")]
    Corrupt {
        /// Where, in bytes from the start of what was being read; 0 where the reader cannot tell.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// The bytes are well formed and this version does not read them.
    #[error("not supported (byte {offset}): {what}")]
    Unsupported {
        /// Where, in bytes from the start of what was being read.
        offset: u64,
        /// What is not supported, by name.
        what: String,
    },
    /// The bytes are there and encrypted, and there is no key.
    #[error("encrypted, and there is no key (byte {offset}): {what}")]
    Encrypted {
        /// Where, in bytes from the start of what was being read.
        offset: u64,
        /// What is encrypted, by the name of its method.
        what: String,
    },
    /// A bound of [`crate::limits`] was reached.
    #[error("over the limit at byte {offset}: {what}")]
    Limit {
        /// Where, in bytes from the start of what was being read.
        offset: u64,
        /// Which bound.
        what: &'static str,
    },
}

impl ReadError {
    /// An error of the operating system at `offset`.
    pub fn io(offset: u64, source: std::io::Error) -> Self {
        Self::Io { offset, source }
    }
}

/// Readers hand their error through `std::io::Read`; it comes back out unchanged.
impl From<ReadError> for std::io::Error {
    fn from(error: ReadError) -> Self {
        std::io::Error::other(error)
    }
}

/// Takes a [`ReadError`] back out of the `std::io::Error` that carried it.
impl From<std::io::Error> for ReadError {
    fn from(error: std::io::Error) -> Self {
        match error.downcast::<ReadError>() {
            Ok(inner) => inner,
            Err(source) => Self::Io { offset: 0, source },
        }
    }
}
