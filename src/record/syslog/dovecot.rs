//! Dovecot: who logged in, and from where.
//!
//! Source: Dovecot 2.3, `login-common/client-common.c` (`login_log_format_elements`: `user=<%u>`, `rip=%r`) and
//! `mail-storage-service.c` (`mail_log_prefix`: `imap(user)<pid><session>: `). Dovecot writes control characters and quotes
//! as `?`; a user name may still hold most other signs.
//!
//! **Invariant:** a field whose mark stands twice is not read.

use super::Program;
use super::message::{self, Twice};
use crate::order::{Format, Role};
use crate::scope::{Reading, Value};

/// The format.
pub struct Dovecot;

impl Program for Dovecot {
    const FORMAT: Format = Format::Dovecot;

    fn values(_: &[u8], message: &[u8], role: Role, visit: &mut dyn FnMut(Value<'_>)) -> Reading {
        match role {
            Role::User => user(message, visit),
            Role::Client => match message::between(message, b"rip=", b",") {
                Ok(Some(address)) => message::show_client(address, None, visit),
                Ok(None) | Err(Twice) => Reading::Partial,
            },
            _ => Reading::Partial,
        }
    }
}

fn user(message: &[u8], visit: &mut dyn FnMut(Value<'_>)) -> Reading {
    let found = match message::between(message, b"user=<", b">, ") {
        Ok(None) => prefix_user(message),
        found => found,
    };
    let Ok(Some(name)) = found else { return Reading::Partial };
    if name.iter().any(|byte| matches!(byte, b'<' | b'>' | b'(' | b')')) {
        return Reading::Partial;
    }
    if !name.is_empty() {
        visit(Value::Text(name));
    }
    Reading::Complete
}

/// `imap(alice)<12><session>: ...`, `lmtp(alice): ...`: the service's own letters, then the name.
fn prefix_user(message: &[u8]) -> Result<Option<&[u8]>, Twice> {
    let open = message.iter().position(|byte| !(byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-'));
    let Some(rest) = open.filter(|&open| open > 0).and_then(|open| message.get(open..)?.strip_prefix(b"(")) else {
        return Ok(None);
    };
    let Some(close) = memchr::memchr(b')', rest) else { return Ok(None) };
    let behind = rest.get(close + 1..).unwrap_or_default();
    Ok(rest.get(..close).filter(|_| behind.starts_with(b"<") || behind.starts_with(b": ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_client_are_read_where_nothing_else_looks_like_them() {
        let login =
            "imap-login: Login: user=<alice@x.example>, method=PLAIN, rip=192.0.2.7, lip=192.0.2.1, mpid=1, TLS";
        for (message, role, expected) in [
            (login, Role::User, Some("Text(alice@x.example)")),
            (login, Role::Client, Some("192.0.2.7")),
            (
                "imap-login: Disconnected (auth failed): user=<>, method=PLAIN, rip=192.0.2.7, lip=::1",
                Role::User,
                Some(""),
            ),
            ("imap(bob)<12><sess>: Logged out in=1 out=2", Role::User, Some("Text(bob)")),
            ("lmtp(bob): saved mail to INBOX", Role::User, Some("Text(bob)")),
            (
                "imap-login: Login: user=<a>, rip=192.0.2.1, x>, method=PLAIN, rip=192.0.2.7, lip=::1",
                Role::Client,
                None,
            ),
            ("imap-login: Login: user=<a user=<b>, method=PLAIN, rip=192.0.2.7, lip=::1", Role::User, None),
            ("master: Dovecot starting up", Role::User, None),
        ] {
            let mut seen = Vec::new();
            let reading = Dovecot::values(b"dovecot", message.as_bytes(), role, &mut |value| {
                seen.push(match value {
                    Value::Ip(ip, _) => ip.to_string(),
                    Value::Text(text) => format!("Text({})", String::from_utf8_lossy(text)),
                    Value::Address { .. } => "an address".into(),
                });
            });
            let found = (reading == Reading::Complete).then(|| seen.join(", "));
            assert_eq!(found.as_deref(), expected, "{message}");
        }
    }
}
