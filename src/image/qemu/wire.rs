//! The NBD protocol's numbers and its two headers of fixed length.
//!
//! Fixed newstyle handshake, `NBD_OPT_GO`, simple replies: the least that QEMU speaks on either side. The document is the
//! NBD project's `doc/proto.md`.
//!
//! **Invariant:** nothing here reads or writes; a length that comes over the wire is held against a bound by who reads it.

/// `NBDMAGIC`, the first word of a server.
pub const GREETING: u64 = 0x4e42_444d_4147_4943;
/// `IHAVEOPT`, before every option.
pub const OPTION: u64 = 0x4948_4156_454f_5054;
/// Before every reply to an option.
pub const OPTION_REPLY: u64 = 0x0003_e889_0455_65a9;
/// Before every request.
pub const REQUEST: u32 = 0x2560_9513;
/// Before every simple reply.
pub const REPLY: u32 = 0x6744_6698;

/// Handshake flags: fixed newstyle, and no zeroes behind the old handshake. The client's are the same bits.
pub const HANDSHAKE_FLAGS: u16 = 0b11;
/// The option that ends the handshake.
pub const OPTION_ABORT: u32 = 2;
/// The option that asks about an export.
pub const OPTION_INFO: u32 = 6;
/// The option that asks about an export and begins to use it.
pub const OPTION_GO: u32 = 7;
/// An option was done.
pub const ACKNOWLEDGED: u32 = 1;
/// What an option asked for.
pub const INFORMATION: u32 = 3;
/// An option that this side does not know.
pub const NOT_KNOWN: u32 = 1 << 31 | 1;
/// An export that this side does not have.
pub const NO_SUCH_EXPORT: u32 = 1 << 31 | 6;
/// The size and the flags of an export.
pub const INFO_EXPORT: u16 = 0;
/// The sizes of requests that an export takes.
pub const INFO_BLOCK_SIZE: u16 = 3;
/// Flags of an export: they are there, it is for reading only, and several connections see the same.
pub const EXPORT_FLAGS: u16 = 1 | 2 | 1 << 8;

/// Read.
pub const READ: u16 = 0;
/// The client is done.
pub const DISCONNECT: u16 = 2;
/// The error of a read that failed.
pub const EIO: u32 = 5;
/// The error of a request that is not answered.
pub const EPERM: u32 = 1;

/// A request of a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Request {
    /// What is asked.
    pub kind: u16,
    /// The client's own number for it.
    pub cookie: u64,
    /// Where, in bytes.
    pub offset: u64,
    /// How many bytes.
    pub length: u32,
}

impl Request {
    /// How many bytes it takes.
    pub const BYTES: usize = 28;

    /// As it goes over the wire.
    pub fn encode(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let fields: [&[u8]; 6] = [
            &REQUEST.to_be_bytes(),
            &0_u16.to_be_bytes(),
            &self.kind.to_be_bytes(),
            &self.cookie.to_be_bytes(),
            &self.offset.to_be_bytes(),
            &self.length.to_be_bytes(),
        ];
        bytes.iter_mut().zip(fields.concat()).for_each(|(to, from)| *to = from);
        bytes
    }

    /// From the wire; none where it is no request.
    pub fn decode(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        let fields = Fields(bytes);
        let request =
            Self { kind: fields.half(6)?, cookie: fields.long(8)?, offset: fields.long(16)?, length: fields.word(24)? };
        (fields.word(0)? == REQUEST).then_some(request)
    }
}

/// Numbers in network order at an offset.
#[derive(Clone, Copy)]
pub struct Fields<'b>(pub &'b [u8]);

impl Fields<'_> {
    /// Two bytes.
    pub fn half(self, at: usize) -> Option<u16> {
        self.array(at).map(u16::from_be_bytes)
    }

    /// Four bytes.
    pub fn word(self, at: usize) -> Option<u32> {
        self.array(at).map(u32::from_be_bytes)
    }

    /// Eight bytes.
    pub fn long(self, at: usize) -> Option<u64> {
        self.array(at).map(u64::from_be_bytes)
    }

    fn array<const N: usize>(self, at: usize) -> Option<[u8; N]> {
        self.0.get(at..at.checked_add(N)?)?.try_into().ok()
    }
}
