//! Who is let in: OpenSSH, PAM, sudo, su, logind.
//!
//! Sources: OpenSSH `auth.c` (`auth_log`), `packet.c` and `sshd.c`; Linux-PAM `pam_unix`, `pam_unix_auth.c` and
//! `pam_unix_sess.c`; sudo `lib/eventlog`; systemd `logind-session.c`. `client` is the address of the other side, `user` the
//! account that is logged in to, or that sudo and su are called by.
//!
//! The user name of a failed log-in is the other side's own text, with spaces and all. An address counts where it is the only
//! one in front of a port number, and a user name where the words around it stand once.
//!
//! **Invariant:** a message that is not known to the word has no field.

use super::Program;
use super::message::{self, Twice};
use crate::order::{Format, Role};
use crate::scope::{Reading, Value};

/// The format.
pub struct Auth;

impl Program for Auth {
    const FORMAT: Format = Format::Auth;

    fn values(program: &[u8], message: &[u8], role: Role, visit: &mut dyn FnMut(Value<'_>)) -> Reading {
        match role {
            Role::Client => client(message, visit),
            Role::User => user(program, message, visit),
            _ => Reading::Partial,
        }
    }
}

/// `1.2.3.4 port 22`, once; or PAM's `rhost=`, once.
fn client(message: &[u8], visit: &mut dyn FnMut(Value<'_>)) -> Reading {
    let mut found = None;
    for at in memchr::memmem::find_iter(message, b" port ") {
        let before = message.get(..at).unwrap_or_default();
        let word = before.rsplit(|&byte| byte == b' ').next().unwrap_or_default();
        let digits = message.get(at + 6..).unwrap_or_default();
        let length = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
        let port = digits.get(..length).and_then(|port| std::str::from_utf8(port).ok()?.parse::<u16>().ok());
        if let Some(ip) = message::address(word)
            && found.replace((ip, port)).is_some()
        {
            return Reading::Partial;
        }
    }
    let remote = message::between(message, b" rhost=", b" ");
    match (found, remote) {
        (Some((ip, port)), Ok(None)) => {
            visit(Value::Ip(ip.to_canonical(), port));
            Reading::Complete
        }
        (None, Ok(Some(b""))) => Reading::Complete,
        (None, Ok(Some(host))) => message::show_client(host, None, visit),
        (None, Ok(None)) => last_address(message, visit),
        _ => Reading::Partial,
    }
}

/// `... from 1.2.3.4` at the end, as older servers write it.
fn last_address(message: &[u8], visit: &mut dyn FnMut(Value<'_>)) -> Reading {
    let ip = match message::only(message, b" from ") {
        Ok(Some(at)) => message::address(message.get(at + 6..).unwrap_or_default()),
        _ => None,
    };
    let Some(ip) = ip else { return Reading::Partial };
    visit(Value::Ip(ip.to_canonical(), None));
    Reading::Complete
}

fn user(program: &[u8], message: &[u8], visit: &mut dyn FnMut(Value<'_>)) -> Reading {
    let found = match program {
        _ if message.starts_with(b"pam_") => pam_user(message),
        b"sshd" | b"sshd-session" | b"sshd-auth" => ssh_user(message),
        b"sudo" => Ok(message.split(|&byte| byte == b' ').find(|word| !word.is_empty()))
            .map(|name| name.filter(|_| message::only(message, b" : ").is_ok_and(|colon| colon.is_some()))),
        b"su" => su_user(message),
        b"systemd-logind" => logind_user(message),
        _ => Ok(None),
    };
    match found {
        Ok(Some(name)) => {
            if !name.is_empty() {
                visit(Value::Text(name));
            }
            Reading::Complete
        }
        Ok(None) | Err(Twice) => Reading::Partial,
    }
}

/// `Accepted METHOD for NAME from ADDRESS port ...`, and its like.
fn ssh_user(message: &[u8]) -> Result<Option<&[u8]>, Twice> {
    for begin in [&b"Accepted "[..], b"Failed ", b"Postponed "] {
        let Some(rest) = message.strip_prefix(begin) else { continue };
        let method = rest.iter().position(|&byte| byte == b' ').unwrap_or(rest.len());
        let Some(rest) = rest.get(method..).and_then(|rest| rest.strip_prefix(b" for ")) else { return Ok(None) };
        return name_before(rest.strip_prefix(b"invalid user ").unwrap_or(rest), b" from ");
    }
    for begin in [&b"Invalid user "[..], b"Illegal user "] {
        if let Some(rest) = message.strip_prefix(begin) {
            return name_before(rest, b" from ");
        }
    }
    for begin in [&b"Connection closed by "[..], b"Connection reset by ", b"Disconnected from ", b"Disconnecting "] {
        let Some(rest) = message.strip_prefix(begin) else { continue };
        for kind in [&b"authenticating user "[..], b"invalid user ", b"user "] {
            let Some(rest) = rest.strip_prefix(kind) else { continue };
            let Some(before) = name_before(rest, b" port ")? else { return Ok(None) };
            let space = before.iter().rposition(|&byte| byte == b' ');
            return Ok(space.and_then(|space| before.get(..space)));
        }
    }
    Ok(None)
}

/// What is in front of the one `end`.
fn name_before<'a>(text: &'a [u8], end: &[u8]) -> Result<Option<&'a [u8]>, Twice> {
    Ok(message::only(text, end)?.and_then(|at| text.get(..at)))
}

/// `session opened for user NAME(uid=0) by ...`, `session closed for user NAME`; `authentication failure; ... user=NAME`.
fn pam_user(message: &[u8]) -> Result<Option<&[u8]>, Twice> {
    if let Some(rest) = message::between(message, b": session opened for user ", b"")? {
        // The name is that of an account: it holds neither.
        let ends = [memchr::memmem::find(rest, b"(uid="), memchr::memmem::find(rest, b" by ")];
        let end = ends.into_iter().flatten().min();
        return Ok(rest.get(..end.unwrap_or(rest.len())));
    }
    if let Some(rest) = message::between(message, b": session closed for user ", b"")? {
        return Ok(Some(rest));
    }
    message::between(message, b" user=", b"")
}

/// `(to root) alice on pts/0`; who calls.
fn su_user(message: &[u8]) -> Result<Option<&[u8]>, Twice> {
    if !message.starts_with(b"(to ") && !message.starts_with(b"FAILED SU (to ") {
        return Ok(None);
    }
    message::between(message, b") ", b" on ")
}

/// `New session 5 of user alice.`
fn logind_user(message: &[u8]) -> Result<Option<&[u8]>, Twice> {
    if !message.starts_with(b"New session ") {
        return Ok(None);
    }
    let name = message::between(message, b" of user ", b"")?;
    Ok(name.map(|name| name.strip_suffix(b".").unwrap_or(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(program: &str, message: &str, role: Role) -> Option<String> {
        let mut seen = Vec::new();
        let reading = Auth::values(program.as_bytes(), message.as_bytes(), role, &mut |value| {
            seen.push(match value {
                Value::Ip(ip, Some(port)) => format!("{ip} {port}"),
                Value::Ip(ip, None) => ip.to_string(),
                Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
                Value::Address { .. } => "an address".into(),
            });
        });
        (reading == Reading::Complete).then(|| seen.join(", "))
    }

    #[test]
    fn who_and_from_where_is_read_of_messages_that_are_known() {
        for (program, message, user, client) in [
            (
                "sshd",
                "Accepted publickey for alice from 192.0.2.7 port 5022 ssh2: RSA SHA256:x",
                "alice",
                "192.0.2.7 5022",
            ),
            ("sshd", "Failed password for root from 192.0.2.7 port 5022 ssh2", "root", "192.0.2.7 5022"),
            ("sshd", "Failed password for invalid user test from 2001:db8::7 port 1 ssh2", "test", "2001:db8::7 1"),
            ("sshd", "Invalid user admin from 192.0.2.7", "admin", "192.0.2.7"),
            ("sshd", "Invalid user  from 192.0.2.7 port 3", "", "192.0.2.7 3"),
            ("sshd-session", "Disconnected from user bob 192.0.2.7 port 4", "bob", "192.0.2.7 4"),
            ("sshd", "Connection closed by authenticating user a b 192.0.2.7 port 4 [preauth]", "a b", "192.0.2.7 4"),
            (
                "sshd",
                "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=root",
                "root",
                "192.0.2.7",
            ),
        ] {
            assert_eq!(seen(program, message, Role::User).as_deref(), Some(user), "{message}");
            assert_eq!(seen(program, message, Role::Client).as_deref(), Some(client), "{message}");
        }
        for (program, message, user) in [
            ("sshd", "pam_unix(sshd:session): session opened for user alice(uid=1000) by (uid=0)", "alice"),
            ("su", "pam_unix(su:session): session opened for user root by alice(uid=1000)", "root"),
            ("login", "pam_unix(login:session): session closed for user alice", "alice"),
            ("sudo", "   alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/ls", "alice"),
            ("su", "(to root) alice on pts/0", "alice"),
            ("systemd-logind", "New session 5 of user alice.", "alice"),
        ] {
            assert_eq!(seen(program, message, Role::User).as_deref(), Some(user), "{message}");
        }
    }

    #[test]
    fn a_name_that_is_made_to_look_like_a_field_hides_the_field() {
        for message in [
            "Failed password for invalid user alice from 192.0.2.1 port 22 ssh2 from 203.0.113.9 port 5 ssh2",
            "Invalid user x from 192.0.2.1 port 1 from 203.0.113.9 port 5",
            "Connection closed by invalid user x 192.0.2.1 port 1 203.0.113.9 port 5 [preauth]",
            "pam_unix(sshd:auth): authentication failure; rhost=203.0.113.9  user=x rhost=192.0.2.1 user=alice",
        ] {
            assert_eq!(seen("sshd", message, Role::Client), None, "{message}");
            assert_eq!(seen("sshd", message, Role::User), None, "{message}");
        }
        assert_eq!(seen("cron", "(root) CMD (x)", Role::User), None);
        assert_eq!(seen("kernel", "eth0: link up", Role::Client), None);
    }
}
