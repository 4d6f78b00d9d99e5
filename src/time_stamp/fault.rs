//! Why a time-stamp does not count, each reason in its own words.
//!
//! **Invariant:** text out of a stamp is shown without control characters.

use crate::beside::Unread;
use crate::limits;

/// Why a time-stamp does not count.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Fault {
    /// Its file was not read.
    #[error(transparent)]
    Unread(#[from] Unread),
    /// A part of it has not the form that RFC 3161 and what it rests on (RFC 5652, RFC 5280) give it.
    #[error("it is no time-stamp response of RFC 3161: {0} cannot be read")]
    Malformed(&'static str),
    /// What lies where a request is looked for is none.
    #[error("it is no request for a time-stamp (RFC 3161)")]
    NoRequest,
    /// The token alone, without the response that holds it.
    #[error("it is a time-stamp token alone: keep the whole answer of the authority, the response")]
    Token,
    /// The authority said no.
    #[error("the authority gave no stamp: {0}")]
    Refused(String),
    /// An algorithm that is not read; what rests on it, and which it is.
    #[error("{0} rests on the algorithm {1}, which is not read")]
    Algorithm(&'static str, String),
    /// SHA-1, and what rests on it.
    #[error("{0} rests on SHA-1, which shows nothing any more")]
    Sha1(&'static str),
    /// A critical extension of the stamp that is not known.
    #[error("it has an extension that must not be passed over and is not known: {0}")]
    Extension(String),
    /// Over something else.
    #[error("it is not over this package: it was made over another one, or this one was changed since")]
    OtherBytes,
    /// With a hash that was not asked for.
    #[error("it is over the {0} of the package, and the request asked for its {1}: it answers another request")]
    OtherHash(&'static str, &'static str),
    /// Without the nonce that was asked for, or with another.
    #[error("its nonce is not that of the request: it answers another request")]
    OtherNonce,
    /// None, or several.
    #[error("it has {0} signers, and a time-stamp has exactly one")]
    Signers(usize),
    /// The signer's certificate is not there.
    #[error("the certificate of its signer is not in it, so nobody can tell who made it: ask for it (certReq)")]
    NoCertificate,
    /// A signed attribute that must be there.
    #[error("it does not say under its signature {0}")]
    NoAttribute(&'static str),
    /// The content is not what was signed.
    #[error("what it states is not what its signer signed: it was changed since")]
    OtherContent,
    /// The signer's certificate is not the one that the signature names.
    #[error("its signer signed with another certificate than the one in it")]
    OtherCertificate,
    /// The name within is not that of the certificate.
    #[error("the authority that it names is not the one of its signer's certificate ({0})")]
    OtherAuthority(String),
    /// The arithmetic says no.
    #[error("it is no signature of {0}: it was changed since, or never was one")]
    Wrong(String),
    /// An RSA key out of bounds.
    #[error("the RSA key of {0} has {1} bits; from {least} to {most} count",
        least = limits::RSA_BITS_LEAST, most = limits::RSA_BITS_MOST)]
    RsaBits(String, usize),
    /// A key that is none, or does not fit its algorithm.
    #[error("the key of {0} is none of the kinds that are read, or not one for the algorithm of the signature")]
    Key(String),
    /// A certificate of the stamp that is not one for time-stamps.
    #[error("the certificate of {0} is not one for time-stamps: {1}")]
    Purpose(String, &'static str),
    /// A certificate on the way to an authority does not do.
    #[error("it does not lead to an authority that is named: the certificate of {0} {1}")]
    Chain(String, String),
    /// Nobody whose certificate is at hand issued it.
    #[error(
        "it does not lead to an authority that is named: nobody whose certificate is at hand issued that of {0}; it names {1}"
    )]
    NoIssuer(String, String),
    /// A certificate that the signer names is not on the way.
    #[error("its signer names a certificate that is not on the way to the authority")]
    NotOnTheWay,
    /// Too much to compute.
    #[error("it has too many certificates that fit one another: no way to an authority was found within the bound")]
    Maze,
}

/// Text out of a stamp, without control characters and of bounded length.
pub(super) fn shown(text: &str) -> String {
    const CHARACTERS: usize = 200;
    text.chars().take(CHARACTERS).flat_map(char::escape_debug).collect()
}
