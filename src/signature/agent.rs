//! Asking ssh-agent for a signature (draft-ietf-sshm-ssh-agent): two questions, over its socket.
//!
//! **Invariant:** an answer is read up to a bound and waited for up to a bound, and counts only where it answers the question.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use super::public_key::Key;
use super::wire::{Wire, put};
use crate::limits;

const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
/// An RSA key shall sign with SHA-512; with no flag it would with SHA-1.
const RSA_SHA2_512: u32 = 4;

/// An agent that holds a key.
#[derive(Debug)]
pub struct Agent {
    socket: PathBuf,
    key: Key,
}

/// The agent gave no signature.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Talking to it failed.
    #[error("ssh-agent cannot be asked: {0}")]
    Io(#[from] io::Error),
    /// It waited for a touch or a PIN, or hangs.
    #[error("ssh-agent did not answer within {} seconds", limits::AGENT_PATIENCE.as_secs())]
    Late,
    /// No such key.
    #[error("ssh-agent does not hold the key {0}")]
    NoSuchKey(String),
    /// The answer is not one.
    #[error("what ssh-agent answered is no answer to the question")]
    Confused,
    /// It would not sign.
    #[error("ssh-agent refused to sign")]
    Refused,
}

impl Agent {
    /// The agent at a socket, which must hold the key.
    pub fn with_key(socket: &Path, key: Key) -> Result<Self, AgentError> {
        let agent = Self { socket: socket.to_owned(), key };
        let answer = agent.ask(&[REQUEST_IDENTITIES])?;
        let mut wire = Wire::new(&answer);
        if wire.take(1) != Some(&[IDENTITIES_ANSWER]) {
            return Err(AgentError::Confused);
        }
        for _ in 0..wire.number().ok_or(AgentError::Confused)? {
            let (blob, _comment) =
                (wire.string().ok_or(AgentError::Confused)?, wire.string().ok_or(AgentError::Confused)?);
            if blob == agent.key.blob() {
                return Ok(agent);
            }
        }
        Err(AgentError::NoSuchKey(agent.key.fingerprint()))
    }

    /// The key that it holds.
    pub fn key(&self) -> &Key {
        &self.key
    }

    pub(super) fn sign(&self, data: &[u8]) -> Result<Vec<u8>, AgentError> {
        let mut request = vec![SIGN_REQUEST];
        put(&mut request, self.key.blob());
        put(&mut request, data);
        let flags = if self.key.kind() == "ssh-rsa" { RSA_SHA2_512 } else { 0 };
        request.extend_from_slice(&flags.to_be_bytes());
        let answer = self.ask(&request)?;
        let mut wire = Wire::new(&answer);
        if wire.take(1) != Some(&[SIGN_RESPONSE]) {
            return Err(AgentError::Refused);
        }
        match wire.string() {
            Some(signature) if wire.is_empty() => Ok(signature.to_vec()),
            _ => Err(AgentError::Confused),
        }
    }

    /// One question and its answer, on a connection of its own: hours may lie between two.
    fn ask(&self, request: &[u8]) -> Result<Vec<u8>, AgentError> {
        let late = |error: io::Error| match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => AgentError::Late,
            _ => AgentError::Io(error),
        };
        let mut stream = UnixStream::connect(&self.socket)?;
        stream.set_read_timeout(Some(limits::AGENT_PATIENCE))?;
        stream.set_write_timeout(Some(limits::AGENT_PATIENCE))?;
        let mut framed = Vec::new();
        put(&mut framed, request);
        stream.write_all(&framed).map_err(late)?;
        let mut length = [0; 4];
        stream.read_exact(&mut length).map_err(late)?;
        let length = usize::try_from(u32::from_be_bytes(length)).map_err(|_| AgentError::Confused)?;
        if length > limits::AGENT_MESSAGE_BYTES {
            return Err(AgentError::Confused);
        }
        let mut answer = vec![0; length];
        stream.read_exact(&mut answer).map_err(late)?;
        Ok(answer)
    }
}
