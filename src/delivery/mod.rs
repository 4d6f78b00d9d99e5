//! Encryption to those who may read a package, in the format of age (age-encryption.org/v1, C2SP).
//!
//! What is written is what `age -r` writes, and `age -d` opens it. The format's arithmetic, and the form of its header, are the
//! crate age's; what is bounded and what is refused before that crate sees it is own code: a header's length and its stanzas, a
//! recipient whose key lies in the small subgroup (anyone could open what is encrypted to it).
//!
//! ```
//! # fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use extract::delivery::{Decrypting, Encrypting, Recipients};
//! use std::io::{Cursor, Read as _, Write as _};
//!
//! let recipients = Recipients::parse("age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p")?;
//! let mut out = Encrypting::new(Vec::new(), &recipients)?;
//! out.write_all(b"what they may read")?;
//! // What was written can be read back by who wrote it, as long as the key lives.
//! let (encrypted, key) = out.finish()?;
//! let mut text = String::new();
//! Decrypting::own(Cursor::new(encrypted), &key)?.read_to_string(&mut text)?;
//! assert_eq!(text, "what they may read");
//! # Ok(()) }
//! # run().unwrap()
//! ```
//!
//! **Invariant:** no secret is shown, by an error or otherwise; what is read of a ciphertext is what was encrypted, or an error.

mod aside;
mod decrypting;
mod encrypting;
mod error;
mod header;
mod identity;
mod opened;
mod recipient;

pub use aside::{Aside, AsideError, Complete};
pub use decrypting::Decrypting;
pub use encrypting::{Encrypting, OwnKey};
pub use error::{Damage, OpenError};
pub use header::{Kind, kind};
pub use identity::{Identities, IdentityError};
pub use opened::Opened;
pub use recipient::{RecipientError, RecipientFault, Recipients};
