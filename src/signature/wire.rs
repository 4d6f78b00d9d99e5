//! The strings of the SSH protocols (RFC 4251, section 5): four bytes of length, most significant first, then the bytes.
//!
//! **Invariant:** nothing is read beyond the end, and nothing is allocated by a length that is only stated.

/// What is left to be read.
pub(super) struct Wire<'a>(&'a [u8]);

impl<'a> Wire<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next `count` bytes; none where there are fewer.
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    pub fn number(&mut self) -> Option<u32> {
        let bytes = self.take(4)?;
        bytes.try_into().ok().map(u32::from_be_bytes)
    }

    pub fn string(&mut self) -> Option<&'a [u8]> {
        let count = usize::try_from(self.number()?).ok()?;
        self.take(count)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Appends a string. Ours are far below four gibibytes.
pub(super) fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_read_back_and_a_cut_string_is_none() {
        let mut out = Vec::new();
        put(&mut out, b"one");
        put(&mut out, b"");
        let mut wire = Wire::new(&out);
        assert_eq!((wire.string(), wire.string(), wire.string()), (Some(&b"one"[..]), Some(&b""[..]), None));
        assert!(wire.is_empty());
        for cut in 0..7 {
            assert_eq!(Wire::new(&out[..cut]).string(), None, "{cut}");
        }
        assert_eq!(Wire::new(b"\xff\xff\xff\xffx").string(), None);
    }
}
