//! Whom a package is encrypted to: keys of age (`age1...`) and of SSH (`ssh-ed25519`, `ssh-rsa`), or a file of them.
//!
//! **Invariant:** a private key is never taken for a recipient, and never shown; every key that is taken is one of which the private half is needed.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use age_core::primitives::bech32_decode;
use curve25519_dalek::MontgomeryPoint;
use curve25519_dalek::traits::IsIdentity as _;

use crate::limits;

/// Whom a package is encrypted to; one at least.
#[derive(Clone)]
pub struct Recipients(Vec<One>);

#[derive(Clone)]
enum One {
    Age(age::x25519::Recipient),
    Ssh(Box<age::ssh::Recipient>),
}

/// A recipient cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum RecipientError {
    /// A key that stood by itself.
    #[error("{0}")]
    Key(RecipientFault),
    /// A line of a file.
    #[error("line {line}: {fault}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong with it.
        fault: RecipientFault,
    },
    /// Reading the file failed.
    #[error("it is no key, and no file of keys that can be read: {0}")]
    Io(#[from] io::Error),
    /// Too long, or no file, or not text.
    #[error("a file of recipients is a regular text file of at most {limit} bytes", limit = limits::RECIPIENT_FILE_BYTES)]
    NotAFile,
    /// A file without one.
    #[error("no recipient stands in it")]
    Nobody,
    /// Over the bound.
    #[error("one package is encrypted to {limit} recipients at most", limit = limits::RECIPIENTS)]
    TooMany,
}

/// What is wrong with a recipient.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RecipientFault {
    /// What must stay secret.
    #[error(
        "this is a private key: a recipient is its public half (age-keygen -y, ssh-keygen -y); nobody else may see this one"
    )]
    Private,
    /// Neither kind of key.
    #[error("this is no recipient: one begins with age1, ssh-ed25519 or ssh-rsa")]
    Unknown,
    /// Begins like one.
    #[error("this is no key of age: it is cut off, or a character of it is wrong")]
    Age,
    /// A kind of age's keys that is not written.
    #[error(
        "keys of age of this kind are not in this version: age-keygen makes one that begins with age1 and has 62 characters"
    )]
    AgeKind,
    /// Begins like one.
    #[error("this is no key of SSH: it is cut off, or a character of it is wrong")]
    Ssh,
    /// ECDSA, DSA, hardware.
    #[error("keys of SSH of the kind {0} cannot be encrypted to: ssh-ed25519 and ssh-rsa can")]
    SshKind(String),
    /// Too short to keep a secret, or too long to be read.
    #[error("an RSA key has from 2,048 to 4,096 bits")]
    RsaBits,
    /// Anyone could open it.
    #[error("this key keeps no secret: anyone could open what is encrypted to it")]
    SmallOrder,
}

impl Recipients {
    /// One key: `age1...`, `ssh-ed25519 ...` or `ssh-rsa ...`; what follows an SSH key is its comment.
    pub fn parse(text: &str) -> Result<Self, RecipientError> {
        Ok(Self(vec![One::parse(text.trim()).map_err(RecipientError::Key)?]))
    }

    /// The text of a file with one key a line; empty lines, and those that begin with `#`, say nothing (age(1), `-R`).
    pub fn parse_lines(text: &str) -> Result<Self, RecipientError> {
        let lines = text.lines().enumerate().map(|(place, line)| (place + 1, line.trim()));
        let mut list = Vec::new();
        for (line, text) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            list.push(One::parse(text).map_err(|fault| RecipientError::Line { line, fault })?);
            if list.len() > limits::RECIPIENTS {
                return Err(RecipientError::TooMany);
            }
        }
        if list.is_empty() { Err(RecipientError::Nobody) } else { Ok(Self(list)) }
    }

    /// What stands behind `--recipient`: a key, or the name of a file of them.
    pub fn of(argument: &OsStr) -> Result<Self, RecipientError> {
        let text = argument.to_string_lossy();
        let text = text.trim();
        // A name of a file that begins like this is written ./age1...
        let is_key = text.starts_with("age1") || is_ssh(text);
        if is_key || is_private(text) { Self::parse(text) } else { Self::read(Path::new(argument)) }
    }

    /// A file of recipients.
    pub fn read(path: &Path) -> Result<Self, RecipientError> {
        let metadata = fs::metadata(path)?;
        if !metadata.is_file() || metadata.len() > limits::RECIPIENT_FILE_BYTES {
            return Err(RecipientError::NotAFile);
        }
        let mut text = String::new();
        match File::open(path)?.take(limits::RECIPIENT_FILE_BYTES).read_to_string(&mut text) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(RecipientError::NotAFile),
            Err(error) => Err(error.into()),
            Ok(_) => Self::parse_lines(&text),
        }
    }

    /// These and those.
    pub fn and(mut self, others: Self) -> Result<Self, RecipientError> {
        self.0.extend(others.0);
        if self.0.len() > limits::RECIPIENTS { Err(RecipientError::TooMany) } else { Ok(self) }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &dyn age::Recipient> {
        self.0.iter().map(|one| match one {
            One::Age(key) => key as &dyn age::Recipient,
            One::Ssh(key) => key.as_ref(),
        })
    }
}

impl std::fmt::Debug for Recipients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Recipients").field(&self.0.len()).finish()
    }
}

impl One {
    fn parse(text: &str) -> Result<Self, RecipientFault> {
        if is_private(text) {
            return Err(RecipientFault::Private);
        }
        if text.starts_with("age1") {
            return age_key(text).map(Self::Age);
        }
        if is_ssh(text) {
            return ssh_key(text).map(|key| Self::Ssh(Box::new(key)));
        }
        Err(RecipientFault::Unknown)
    }
}

fn age_key(text: &str) -> Result<age::x25519::Recipient, RecipientFault> {
    // Those for hardware and against quantum computers are longer, and stock age of many systems cannot open what is for them.
    if ["age1tag1", "age1tagpq1", "age1pq1"].iter().any(|front| text.starts_with(front)) {
        return Err(RecipientFault::AgeKind);
    }
    let key: age::x25519::Recipient = text.parse().map_err(|_| RecipientFault::Age)?;
    let bytes: [u8; 32] = bech32_decode(
        text,
        |_| RecipientFault::Age,
        |_| Ok(()),
        |_, bytes| bytes.collect::<Vec<u8>>().try_into().map_err(|_| RecipientFault::Age),
    )?;
    // The crate would panic on one: every exchange with it comes to zero.
    if keeps_no_secret(bytes) { Err(RecipientFault::SmallOrder) } else { Ok(key) }
}

/// Whether every exchange with that public key of X25519 comes to zero (RFC 7748, 6.1).
fn keeps_no_secret(key: [u8; 32]) -> bool {
    MontgomeryPoint(key).mul_clamped([1; 32]).is_identity()
}

fn ssh_key(text: &str) -> Result<age::ssh::Recipient, RecipientFault> {
    use age::ssh::{ParseRecipientKeyError as Refusal, Recipient};
    let mut words = text.split_ascii_whitespace();
    let (Some(kind), Some(body)) = (words.next(), words.next()) else { return Err(RecipientFault::Ssh) };
    let line = format!("{kind} {body}");
    if !["ssh-ed25519", "ssh-rsa"].contains(&kind) {
        return Err(RecipientFault::SshKind(kind.chars().take(64).flat_map(char::escape_debug).collect()));
    }
    let key: Recipient = line.parse().map_err(|refusal| match refusal {
        Refusal::RsaModulusTooLarge | Refusal::RsaModulusTooSmall => RecipientFault::RsaBits,
        _ => RecipientFault::Ssh,
    })?;
    // The crate reads what stands first, and passes over what follows it.
    if key.to_string() != line {
        return Err(RecipientFault::Ssh);
    }
    match &key {
        Recipient::SshEd25519(_, point) if point.is_small_order() => Err(RecipientFault::SmallOrder),
        _ => Ok(key),
    }
}

fn is_ssh(text: &str) -> bool {
    ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"].iter().any(|front| text.starts_with(front))
}

fn is_private(text: &str) -> bool {
    let front: String = text.chars().take(40).collect::<String>().to_ascii_uppercase();
    front.contains("SECRET-KEY-") || front.starts_with("AGE-PLUGIN-") || front.contains("PRIVATE KEY")
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGE: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    const SSH: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
    const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBA==";

    #[test]
    fn a_recipient_is_a_key_or_a_file_with_one_a_line() {
        for text in [AGE.to_owned(), format!(" {AGE}\n"), SSH.to_owned(), format!("{SSH} some one@host")] {
            assert_eq!(Recipients::of(text.as_ref()).unwrap().count(), 1, "{text}");
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("recipients");
        fs::write(&file, format!("# of the unit\r\n{AGE}\r\n\n  {SSH} comment\n")).unwrap();
        let both = Recipients::of(file.as_os_str()).unwrap();
        assert_eq!(both.count(), 2);
        assert_eq!(both.clone().and(both).unwrap().count(), 4);
    }

    #[test]
    fn what_is_no_recipient_is_refused_with_its_reason() {
        let swapped = AGE.replace("ql3", "q3l");
        let cut = SSH.strip_suffix("qti").unwrap();
        for (text, expected) in [
            ("AGE-SECRET-KEY-1QQQQ", RecipientFault::Private),
            ("age-secret-key-1qqqq", RecipientFault::Private),
            ("-----BEGIN OPENSSH PRIVATE KEY-----", RecipientFault::Private),
            (&swapped, RecipientFault::Age),
            ("age1", RecipientFault::Age),
            ("age1pq1qqqq", RecipientFault::AgeKind),
            (cut, RecipientFault::Ssh),
            ("ssh-ed25519", RecipientFault::Ssh),
            (&format!("{SSH}AAAA"), RecipientFault::Ssh),
            (&SSH.replace("ed25519 ", "rsa "), RecipientFault::Ssh),
            (ECDSA, RecipientFault::SshKind("ecdsa-sha2-nistp256".into())),
            ("ssh-dss AAAA", RecipientFault::SshKind("ssh-dss".into())),
        ] {
            match Recipients::of(text.as_ref()) {
                Err(RecipientError::Key(fault)) => assert_eq!(fault, expected, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        assert!(matches!(Recipients::of("no-such-file".as_ref()), Err(RecipientError::Io(_))));
        assert!(matches!(Recipients::of("/".as_ref()), Err(RecipientError::NotAFile)));
        assert!(matches!(Recipients::parse_lines("# none\n"), Err(RecipientError::Nobody)));
        let many = format!("{AGE}\n").repeat(limits::RECIPIENTS + 1);
        assert!(matches!(Recipients::parse_lines(&many), Err(RecipientError::TooMany)));
    }

    #[test]
    fn a_private_key_in_a_file_is_refused_by_its_line_and_not_shown() {
        let error = Recipients::parse_lines(&format!("{AGE}\nAGE-SECRET-KEY-1VERYSECRET\n")).unwrap_err().to_string();
        assert!(error.starts_with("line 2: this is a private key") && !error.contains("VERY"), "{error}");
    }

    #[test]
    fn a_key_of_the_small_subgroup_is_refused() {
        // 0, 1, p - 1, p, p + 1 and the two coordinates of order 8, little-endian (RFC 7748, 6.1 and 7).
        let of = |first: u8, middle: u8, last: u8| {
            let mut bytes = [middle; 32];
            (bytes[0], bytes[31]) = (first, last);
            bytes
        };
        let eighth = |hex: &str| -> [u8; 32] {
            let bytes: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect();
            bytes.try_into().unwrap()
        };
        for bytes in [
            of(0, 0, 0),
            of(1, 0, 0),
            of(0xec, 0xff, 0x7f),
            of(0xed, 0xff, 0x7f),
            of(0xee, 0xff, 0x7f),
            eighth("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
            eighth("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
        ] {
            assert!(keeps_no_secret(bytes), "{bytes:?}");
        }
        let zeros = "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z";
        assert!(matches!(One::parse(zeros), Err(RecipientFault::SmallOrder)));
        assert!(One::parse(AGE).is_ok());
    }
}
