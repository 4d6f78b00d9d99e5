//! What opens an encrypted package: private keys of age and of SSH.
//!
//! **Invariant:** a private key is never shown, by an error or otherwise.

use crate::limits;

/// Private keys that are tried on an encrypted package.
#[derive(Default)]
pub struct Identities(Vec<Box<dyn age::Identity>>);

/// An identity cannot be taken.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum IdentityError {
    /// A line of a file of age's identities.
    #[error("line {0} is no identity of age: one begins with AGE-SECRET-KEY-1")]
    Line(usize),
    /// A plugin's.
    #[error(
        "line {0} is an identity of a plugin of age, and those are not in this version: age -d opens what it is for"
    )]
    Plugin(usize),
    /// A file without one.
    #[error("no identity stands in it")]
    Nobody,
    /// A public key.
    #[error("this is a public key; an identity is its private half")]
    Public,
    /// An SSH key of a kind that opens nothing.
    #[error("keys of SSH of this kind open nothing: those of ssh-ed25519 and ssh-rsa do")]
    SshKind,
    /// Over the bound.
    #[error("at most {limit} identities are tried", limit = limits::IDENTITIES)]
    TooMany,
}

impl Identities {
    /// None.
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds those of the text of a file as `age-keygen` writes it.
    pub fn add_lines(&mut self, text: &str) -> Result<(), IdentityError> {
        let lines = text.lines().enumerate().map(|(place, line)| (place + 1, line.trim()));
        let before = self.0.len();
        for (line, text) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            if text.starts_with("AGE-PLUGIN-") {
                return Err(IdentityError::Plugin(line));
            }
            if text.starts_with("age1") || text.starts_with("ssh-") {
                return Err(IdentityError::Public);
            }
            let identity: age::x25519::Identity = text.parse().map_err(|_| IdentityError::Line(line))?;
            self.add(Box::new(identity))?;
        }
        if self.0.len() == before { Err(IdentityError::Nobody) } else { Ok(()) }
    }

    /// Adds a private key of SSH, in OpenSSH's format and without a passphrase.
    pub fn add_openssh(&mut self, text: &str) -> Result<(), IdentityError> {
        match age::ssh::Identity::from_buffer(text.as_bytes(), None) {
            Ok(identity @ age::ssh::Identity::Unencrypted(_)) => self.add(Box::new(identity)),
            _ => Err(IdentityError::SshKind),
        }
    }

    fn add(&mut self, identity: Box<dyn age::Identity>) -> Result<(), IdentityError> {
        if self.0.len() == limits::IDENTITIES {
            return Err(IdentityError::TooMany);
        }
        self.0.push(identity);
        Ok(())
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &dyn age::Identity> {
        self.0.iter().map(|one| one.as_ref() as &dyn age::Identity)
    }
}

impl std::fmt::Debug for Identities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Identities").field(&self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The test vector of the age specification's own tool kit: no one's key.
    const SECRET: &str = "AGE-SECRET-KEY-1XMWWC06LY3EE5RYTXM9MFLAZ2U56JJJ36S0MYPDRWSVLUL66MV4QX3S7F6";

    #[test]
    fn a_file_of_identities_is_read_and_what_is_none_is_refused_by_its_line() {
        let mut identities = Identities::none();
        identities.add_lines(&format!("# created\n\n{SECRET}\r\n")).unwrap();
        assert!(!identities.is_empty());
        for (text, expected) in [
            (format!("{SECRET}\n{}", SECRET.replace("XMW", "MXW")), IdentityError::Line(2)),
            ("AGE-PLUGIN-YUBIKEY-1QQ".into(), IdentityError::Plugin(1)),
            ("age1qqq".into(), IdentityError::Public),
            ("# none".into(), IdentityError::Nobody),
            (format!("{SECRET}\n").repeat(limits::IDENTITIES + 1), IdentityError::TooMany),
        ] {
            let error = Identities::none().add_lines(&text).unwrap_err();
            assert_eq!(error, expected);
            assert!(!error.to_string().contains("MWWC"), "{error}");
        }
        assert!(!format!("{identities:?}").contains("SECRET"));
    }
}
