//! Dovecot: who logged in, and from where.
//!
//! Source: Dovecot 2.3, `login-common/client-common.c` (`login_log_format_elements`: `user=<%u>`, `rip=%r`) and
//! `mail-storage-service.c` (`mail_log_prefix`: `imap(user)<pid><session>: `); what it delivers it names by `msgid=<...>: `. Dovecot writes control characters and quotes
//! as `?`; a user name may still hold most other signs.
//!
//! **Invariant:** a field whose mark stands twice is not read.

use super::Program;
use super::message::{self, Twice};
use crate::order::{Format, Join, Role};
use crate::scope::{Reading, Value};

/// The format.
pub struct Dovecot;

impl Program for Dovecot {
    const FORMAT: Format = Format::Dovecot;

    fn transaction<'m>(_: &[u8], message: &'m [u8], join: Join) -> Option<&'m [u8]> {
        match join {
            Join::Session => match message::between(message, b", session=<", b">") {
                Ok(None) => prefix(message).ok()??.session,
                found => found.ok()?,
            },
            Join::MessageId => message::between(message, b": msgid=<", b">: ").ok()?,
            Join::QueueId => None,
        }
    }

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
        Ok(None) => prefix(message).map(|prefix| prefix.map(|prefix| prefix.user)),
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

/// What a service says before its message.
struct Prefix<'a> {
    user: &'a [u8],
    session: Option<&'a [u8]>,
}

/// `imap(alice)<12><session>: ...`, `lmtp(alice): ...`: the service's own letters, then the name.
fn prefix(message: &[u8]) -> Result<Option<Prefix<'_>>, Twice> {
    let open = message.iter().position(|byte| !(byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-'));
    let Some(rest) = open.filter(|&open| open > 0).and_then(|open| message.get(open..)?.strip_prefix(b"(")) else {
        return Ok(None);
    };
    let Some(close) = memchr::memchr(b')', rest) else { return Ok(None) };
    let behind = rest.get(close + 1..).unwrap_or_default();
    let user = rest.get(..close).filter(|_| behind.starts_with(b"<") || behind.starts_with(b": "));
    Ok(user.map(|user| Prefix { user, session: prefix_session(behind) }))
}

/// `<12><session>: `, the number of a process and the session of a user.
fn prefix_session(behind: &[u8]) -> Option<&[u8]> {
    let rest = behind.strip_prefix(b"<")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = rest.get(digits..)?.strip_prefix(b"><").filter(|_| digits > 0)?;
    let (session, rest) = rest.split_at_checked(memchr::memchr(b'>', rest)?)?;
    rest.starts_with(b">: ").then_some(session).filter(|session| !session.is_empty())
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

    #[test]
    fn a_session_and_a_message_are_told_by_their_marks() {
        for (message, join, expected) in [
            (
                "imap-login: Login: user=<a>, method=PLAIN, rip=192.0.2.7, lip=::1, mpid=1, TLS, session=<s/1+>",
                Join::Session,
                Some("s/1+"),
            ),
            ("imap-login: Login: user=<a, session=<s2>, b>, rip=192.0.2.7, lip=::1, session=<s1>", Join::Session, None),
            ("imap(a)<12><s1>: Logged out in=1 out=2", Join::Session, Some("s1")),
            ("imap(a)<x><s1>: Logged out", Join::Session, None),
            ("imap(a): Logged out", Join::Session, None),
            ("lmtp(a)<12><s1>: msgid=<m1@x>: saved mail to INBOX", Join::Session, Some("s1")),
            ("lmtp(a)<12><s1>: msgid=<m1@x>: saved mail to INBOX", Join::MessageId, Some("m1@x")),
            ("lmtp(a)<12><s1>: sieve: msgid=<m1@x>: stored mail into mailbox 'INBOX'", Join::MessageId, Some("m1@x")),
            ("lmtp(a)<12><s1>: msgid=unspecified: saved mail to INBOX", Join::MessageId, None),
            ("lmtp(a)<12><s1>: msgid=<m1@x>: saved mail to INBOX", Join::QueueId, None),
        ] {
            let found = Dovecot::transaction(b"dovecot", message.as_bytes(), join);
            assert_eq!(found, expected.map(str::as_bytes), "{message}");
        }
    }
}
