//! SSH signatures over a package: made with a key file or an agent, read from beside the package, and checked.
//!
//! What is signed is the package's `tagmanifest-sha256.txt`, which binds every other member. The signatures are those of
//! `ssh-keygen -Y sign` (SSHSIG), so that anyone who has OpenSSH can check them. The parts of a signature are taken apart
//! by own code, for each way of being wrong has words of its own; keys and their arithmetic are the crate ssh-key's.
//!
//! **Invariant:** who signed is never a part of a package, and what lies beside one is never replaced.

mod agent;
mod allowed;
mod armor;
pub mod beside;
mod envelope;
mod fault;
mod private_key;
mod public_key;
mod short_scalar;
mod wire;

pub use agent::{Agent, AgentError};
pub use allowed::{AllowedSigners, NotAllowed, NotAllowedSigners};
pub use beside::Beside;
pub use envelope::Envelope;
pub use fault::Fault;
pub use private_key::{KeyError, KeyFile, LockedKey, PrivateKey};
pub use public_key::Key;

pub use crate::beside::Message;

/// The namespace of signatures over packages: a signature that was made for something else does not count.
pub const NAMESPACE: &str = "extract-package";

/// The namespace of signatures over receipts.
pub const RECEIPT_NAMESPACE: &str = "extract-receipt";

/// What signs.
#[derive(Debug)]
pub enum Signer {
    /// A key that was read from its file.
    Key(Box<PrivateKey>),
    /// A key that an agent holds, maybe in hardware.
    Agent(Agent),
}

/// The signature could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The key file's key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The agent's.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// What was made does not verify.
    #[error("what the key made is no signature: {0}")]
    Faulty(Fault),
}

impl Signer {
    /// Its public key.
    pub fn key(&self) -> &Key {
        match self {
            Self::Key(key) => key.public(),
            Self::Agent(agent) => agent.key(),
        }
    }

    /// Signs a package's message; the signature is verified before it is given.
    pub fn sign(&self, message: &Message) -> Result<Envelope, SignError> {
        self.sign_for(NAMESPACE, message)
    }

    /// Signs a message in that namespace; the signature is verified before it is given.
    pub fn sign_for(&self, namespace: &'static str, message: &Message) -> Result<Envelope, SignError> {
        let data = envelope::signed_data(namespace, message);
        let signature = match self {
            Self::Key(key) => key.sign(&data)?,
            Self::Agent(agent) => agent.sign(&data)?,
        };
        let envelope = Envelope::new(namespace, self.key().clone(), signature);
        envelope.verify(message).map_err(SignError::Faulty)?;
        Ok(envelope)
    }
}
