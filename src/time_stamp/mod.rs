//! Time-stamps over a package (RFC 3161): asked for, attached, and checked, all without a network.
//!
//! An authority signs a hash and the time at which it saw it. So a stamp shows that the package existed, as it is now, at
//! that time at the latest, on the word of the authority; it shows nothing about who made the package. The parts of a
//! stamp are taken apart by own code, piece by piece of ASN.1, for each way of being wrong has words of its own and what
//! was signed is hashed as it stands; the arithmetic of keys is that of well-known crates.
//!
//! **Invariant:** of a package an authority sees one hash; what lies beside one is never replaced; no stamp counts by SHA-1.

mod algorithm;
pub mod beside;
mod certificate;
mod chain;
mod element;
mod fault;
mod hash;
mod info;
mod name;
mod request;
mod response;
mod signed;

use crate::beside::Message;
use crate::clock::Timestamp;

pub use beside::Beside;
pub use chain::{Authorities, NotAuthorities};
pub use fault::Fault;
pub use hash::Hash;
pub use info::Accuracy;
pub use request::Request;

use certificate::Certificate;
use element::Element;
use info::Info;
use signed::{Identifier, Signed};

/// A stamp whose signature is that of the certificate in it, which is one for time-stamps.
#[derive(Clone, Debug)]
pub struct TimeStamp {
    info: Info,
    certificates: Vec<Certificate>,
    signer: Certificate,
    named: Vec<Identifier>,
    token: Vec<u8>,
}

impl TimeStamp {
    /// Reads the answer of an authority, and checks all of it that can be checked without knowing who that is.
    pub fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let token = response::token(bytes)?;
        let Signed { content, certificates, signer, named } = Signed::read(token)?;
        signer.check_time_stamping()?;
        let info = Info::read(content)?;
        if let Some(name) = &info.authority {
            let name = Element::of(name).ok_or(Fault::Malformed("the name of the authority"))?;
            if !signer.is_named(name) {
                return Err(Fault::OtherAuthority(signer.shown().to_owned()));
            }
        }
        Ok(Self { info, certificates, signer, named, token: token.whole.to_vec() })
    }

    /// Whether it is over this package.
    pub fn covers(&self, message: &Message) -> Result<(), Fault> {
        if self.info.imprint == self.info.hash.of_message(message) { Ok(()) } else { Err(Fault::OtherBytes) }
    }

    /// Whether it is the answer to this request.
    pub fn answers(&self, request: &Request) -> Result<(), Fault> {
        if self.info.hash != request.hash {
            return Err(Fault::OtherHash(self.info.hash.name(), request.hash.name()));
        }
        if self.info.imprint != request.imprint {
            return Err(Fault::OtherBytes);
        }
        if request.nonce.is_some() && self.info.nonce != request.nonce { Err(Fault::OtherNonce) } else { Ok(()) }
    }

    /// Whether its signer's certificate leads to one of these authorities, at the time that it states; to which.
    pub fn leads_to(&self, authorities: &Authorities) -> Result<String, Fault> {
        let way = chain::find(&self.signer, &self.certificates, authorities, self.info.time)?;
        if !self.named.iter().all(|named| way.iter().any(|certificate| named.names(certificate))) {
            return Err(Fault::NotOnTheWay);
        }
        Ok(way.last().map_or(String::new(), |root| root.shown().to_owned()))
    }

    /// The same token, whatever the answer around it says besides.
    pub fn is_same(&self, other: &Self) -> bool {
        self.token == other.token
    }

    /// The time that it states.
    pub fn time(&self) -> Timestamp {
        self.info.time
    }

    /// How far that may be from the true one, where it says so.
    pub fn accuracy(&self) -> Option<Accuracy> {
        self.info.accuracy
    }

    /// Whose certificate it is signed with: printable.
    pub fn authority(&self) -> &str {
        self.signer.shown()
    }

    /// The number that the authority gave it, in hexadecimal digits.
    pub fn serial(&self) -> String {
        let zeros = self.info.serial.iter().take_while(|byte| **byte == 0).count();
        let bytes = self.info.serial.iter().skip(zeros.min(self.info.serial.len().saturating_sub(1)));
        bytes.map(|byte| format!("{byte:02x}")).collect()
    }
}
