//! The way from the certificate of a stamp's signer to that of an authority that whoever checks has named (RFC 5280, section 6).
//!
//! Certificates count at the time that the stamp states, not at that of the check: a stamp outlives the certificate that made
//! it. Whether one was revoked is not looked up, for a check needs no network.
//!
//! **Invariant:** trust begins at certificates of the given file that name themselves as their issuer, and nowhere else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::algorithm::Algorithm;
use super::certificate::Certificate;
use super::fault::Fault;
use crate::clock::Timestamp;
use crate::limits;

/// The certificates of a file in PEM: authorities that are trusted, and others that may stand between.
#[derive(Clone, Debug)]
pub struct Authorities(Vec<Certificate>);

/// The file is not one that can be relied on.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotAuthorities {
    /// No certificate stands in it.
    #[error("no certificate stands in it (-----BEGIN CERTIFICATE-----)")]
    None,
    /// None of them is where trust can begin.
    #[error("none of its certificates is its own issuer's, as that of an authority at the root is")]
    NoRoot,
    /// One is none.
    #[error("its certificate {0} cannot be read")]
    Certificate(usize),
    /// Over the bound.
    #[error("it holds more than {most} certificates", most = limits::AUTHORITIES)]
    TooMany,
}

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

impl Authorities {
    /// Reads the text of such a file; what stands between the certificates is for people.
    pub fn parse(text: &str) -> Result<Self, NotAuthorities> {
        let mut all = Vec::new();
        for (place, block) in text.split(BEGIN).skip(1).enumerate() {
            if place == limits::AUTHORITIES {
                return Err(NotAuthorities::TooMany);
            }
            let body = block.split_once(END).map(|(body, _)| body.split_ascii_whitespace().collect::<String>());
            let bytes = body.and_then(|body| STANDARD.decode(body).ok());
            let certificate = bytes.and_then(|bytes| Certificate::read(&bytes).ok());
            all.push(certificate.ok_or(NotAuthorities::Certificate(place + 1))?);
        }
        match (all.is_empty(), all.iter().any(Certificate::is_own_issuer)) {
            (true, _) => Err(NotAuthorities::None),
            (_, false) => Err(NotAuthorities::NoRoot),
            _ => Ok(Self(all)),
        }
    }

    fn trusts(&self, certificate: &Certificate) -> bool {
        certificate.is_own_issuer() && self.0.iter().any(|known| known.der == certificate.der)
    }
}

/// The way from `signer` to an authority, both in it. `others` came with the stamp, in any order.
pub(super) fn find<'a>(
    signer: &'a Certificate,
    others: &'a [Certificate],
    authorities: &'a Authorities,
    at: Timestamp,
) -> Result<Vec<&'a Certificate>, Fault> {
    signer.check_time(at).map_err(|why| Fault::Chain(signer.shown().to_owned(), why))?;
    let mut search = Search { others, authorities, at, signatures: 0, why: None };
    let mut way = vec![signer];
    if search.go_on(&mut way)? {
        return Ok(way);
    }
    let no_issuer = || Fault::NoIssuer(signer.shown().to_owned(), signer.issuer.shown().to_owned());
    Err(search.why.unwrap_or_else(no_issuer))
}

struct Search<'a> {
    others: &'a [Certificate],
    authorities: &'a Authorities,
    at: Timestamp,
    signatures: usize,
    /// Why a way that went far ended.
    why: Option<Fault>,
}

impl<'a> Search<'a> {
    /// Whether `way` could be made to end at an authority. No deeper than [`limits::CHAIN_DEPTH`].
    fn go_on(&mut self, way: &mut Vec<&'a Certificate>) -> Result<bool, Fault> {
        let Some(last) = way.last().copied() else { return Ok(false) };
        if self.authorities.trusts(last) {
            return Ok(true);
        }
        if way.len() == limits::CHAIN_DEPTH {
            self.blame(last, format!("is the {}th on its way, and no authority follows", way.len()));
            return Ok(false);
        }
        // The authorities first: the shortest way is taken.
        let (authorities, others) = (&self.authorities.0, self.others);
        let mut fits: Vec<&Certificate> = Vec::new();
        for issuer in authorities.iter().chain(others).filter(|issuer| last.names_as_issuer(issuer)) {
            let is_known = way.iter().chain(&fits).any(|known| known.der == issuer.der);
            if !is_known {
                fits.push(issuer);
            }
        }
        if fits.is_empty() {
            let no_issuer = Fault::NoIssuer(last.shown().to_owned(), last.issuer.shown().to_owned());
            self.why.get_or_insert(no_issuer);
        }
        for issuer in fits {
            // Whoever issued itself stands between nobody (RFC 5280, section 6.1.4).
            let between = way.iter().skip(1).filter(|certificate| !certificate.is_own_issuer()).count();
            let may = issuer.check_time(self.at).and_then(|()| issuer.check_authority(between as u64));
            if let Err(why) = may {
                self.blame(issuer, why);
                continue;
            }
            self.signatures += 1;
            if self.signatures > limits::CHAIN_SIGNATURES {
                return Err(Fault::Maze);
            }
            if let Err(fault) = issued(last, issuer) {
                self.why.get_or_insert(fault);
                continue;
            }
            way.push(issuer);
            if self.go_on(way)? {
                return Ok(true);
            }
            way.pop();
        }
        Ok(false)
    }

    fn blame(&mut self, certificate: &Certificate, why: String) {
        self.why = Some(Fault::Chain(certificate.shown().to_owned(), why));
    }
}

/// Whether the issuer's key made the signature of the certificate.
fn issued(certificate: &Certificate, issuer: &Certificate) -> Result<(), Fault> {
    const NONE: Fault = Fault::Malformed("a certificate");
    let algorithm = super::element::Element::of(&certificate.algorithm).ok_or(NONE)?;
    let algorithm = Algorithm::read(algorithm, None, "the certificate of its signer or of who issued that")?;
    let verified = algorithm.verify(issuer, &certificate.signed, &certificate.signature);
    verified.map_err(|fault| match fault {
        Fault::Wrong(by) => {
            let words = format!("is not signed by the key of {by}, whom it names as its issuer");
            Fault::Chain(certificate.shown().to_owned(), words)
        }
        fault => fault,
    })
}
