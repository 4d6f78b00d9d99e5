//! Postfix: who sent, who received, who connected.
//!
//! Source: Postfix 3.7, `smtpd.c`, `cleanup_message.c`, `qmgr_active.c`, `log_adhoc.c`. A line carries the queue id of its
//! message and a few of its facts: the address of the sender stands in one line, each recipient in another. `client` is the
//! address in `client=name[address]` and `connect from name[address]`, `user` the `sasl_username`, `from` and `to` the
//! addresses behind `from=<` and `to=<` (also `orig_to=<`).
//!
//! **Invariant:** a field counts where it stands first behind the queue id, or behind a mark that stands once.

use super::Program;
use super::message::{self, Twice};
use crate::order::{Format, Join, Role};
use crate::scope::{Reading, Value};

/// The format.
pub struct Postfix;

impl Program for Postfix {
    const FORMAT: Format = Format::Postfix;

    fn transaction<'m>(program: &[u8], message: &'m [u8], join: Join) -> Option<&'m [u8]> {
        let (id, rest) = queue_id(message).filter(|_| program.starts_with(b"postfix"))?;
        match join {
            Join::QueueId => Some(id),
            Join::MessageId => rest.strip_prefix(b"message-id=").map(message::bare_message_id),
            Join::Session => None,
        }
    }

    fn values(program: &[u8], message: &[u8], role: Role, visit: &mut dyn FnMut(Value<'_>)) -> Reading {
        if !program.starts_with(b"postfix") {
            return Reading::Partial;
        }
        let rest = behind_queue_id(message);
        match role {
            Role::From => one(sender(message, rest), visit),
            Role::To => recipients(message, rest, visit),
            Role::Client => client(message, rest, visit),
            Role::User => match message::between(rest, b", sasl_username=", b"") {
                Ok(Some(name)) => {
                    // Further members (`sasl_sender=`) follow behind a comma, which a name may hold too.
                    if name.contains(&b',') {
                        return Reading::Partial;
                    }
                    visit(Value::Text(name));
                    Reading::Complete
                }
                _ => Reading::Partial,
            },
            _ => Reading::Partial,
        }
    }
}

/// What stands behind `4F2A11C3: `; the message itself where it has no queue id.
fn behind_queue_id(message: &[u8]) -> &[u8] {
    queue_id(message).map_or(message, |(_, rest)| rest)
}

/// The queue id that a message begins with, and what stands behind it.
fn queue_id(message: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memmem::find(message, b": ")?;
    let id = message.get(..end)?;
    // Short ids are hexadecimal digits in capitals; long ones hold letters and digits, and no word of a message is as long.
    let short = (5..15).contains(&id.len()) && id.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
    let plain = short || ((15..=20).contains(&id.len()) && id.iter().all(u8::is_ascii_alphanumeric));
    plain.then(|| message.get(end + 2..).map(|rest| (id, rest)))?
}

fn one(found: Result<Option<&[u8]>, Twice>, visit: &mut dyn FnMut(Value<'_>)) -> Reading {
    match found {
        Ok(Some(address)) => message::show_mail_address(address, visit),
        Ok(None) | Err(Twice) => Reading::Partial,
    }
}

/// `from=<a@x>, size=...`; in a rejection `; from=<a@x> to=<b@y> proto=...`.
fn sender<'a>(message: &'a [u8], rest: &'a [u8]) -> Result<Option<&'a [u8]>, Twice> {
    if rest.starts_with(b"from=<") {
        return Ok(leading(rest, b"from=<"));
    }
    message::between(message, b"; from=<", b"> to=<")
}

/// `to=<b@y>, orig_to=<c@z>, relay=...`; in a rejection as above.
fn recipients(message: &[u8], rest: &[u8], visit: &mut dyn FnMut(Value<'_>)) -> Reading {
    if !rest.starts_with(b"to=<") {
        return match message::only(message, b"; from=<") {
            Ok(Some(_)) => one(message::between(message, b"> to=<", b"> proto="), visit),
            _ => Reading::Partial,
        };
    }
    let reading = one(Ok(leading(rest, b"to=<")), visit);
    match message::between(rest, b">, orig_to=<", b">, relay=") {
        Ok(None) => reading,
        Ok(Some(original)) => match message::show_mail_address(original, visit) {
            Reading::Complete => reading,
            Reading::Partial => Reading::Partial,
        },
        Err(Twice) => Reading::Partial,
    }
}

/// What stands between `begin`, with which `text` begins, and the first `>,`. A quoted address may hold that too: it is not
/// read.
fn leading<'a>(text: &'a [u8], begin: &[u8]) -> Option<&'a [u8]> {
    let rest = text.strip_prefix(begin)?;
    rest.get(..memchr::memmem::find(rest, b">,")?)
}

/// `client=name[address]`, `connect from name[address]`, `NOQUEUE: reject: RCPT from name[address]: ...`,
/// `warning: name[address]: SASL ...`.
fn client(message: &[u8], rest: &[u8], visit: &mut dyn FnMut(Value<'_>)) -> Reading {
    const BEGINNINGS: [&[u8]; 5] =
        [b"client=", b"connect from ", b"disconnect from ", b"warning: ", b"reject_warning: "];
    let direct = BEGINNINGS.iter().find_map(|begin| rest.strip_prefix(*begin));
    let rejected = || {
        let rest = message.strip_prefix(b"NOQUEUE: ").unwrap_or(rest);
        let rest = rest.strip_prefix(b"reject: ").or_else(|| rest.strip_prefix(b"milter-reject: "))?;
        // `RCPT from `: a command of the protocol, whose letters are Postfix's own.
        let command = rest.iter().position(|&byte| !byte.is_ascii_uppercase())?;
        rest.get(command..)?.strip_prefix(b" from ")
    };
    let lost = || {
        let rest = rest.strip_prefix(b"lost connection after ").or_else(|| rest.strip_prefix(b"timeout after "))?;
        let from = message::only(rest, b" from ").ok()??;
        rest.get(from + 6..)
    };
    let Some(found) = direct.or_else(rejected).or_else(lost) else { return Reading::Partial };
    // A name of the DNS has no bracket, so the first is the one.
    let Some(open) = memchr::memchr(b'[', found) else { return Reading::Partial };
    let name = found.get(..open).unwrap_or_default();
    let inside = found.get(open + 1..).unwrap_or_default();
    let Some(close) = memchr::memchr(b']', inside) else { return Reading::Partial };
    if name.contains(&b' ') {
        return Reading::Partial;
    }
    message::show_client(inside.get(..close).unwrap_or_default(), None, visit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(message: &str, role: Role) -> Option<String> {
        let mut seen = Vec::new();
        let reading = Postfix::values(b"postfix/smtpd", message.as_bytes(), role, &mut |value| {
            seen.push(match value {
                Value::Ip(ip, _) => ip.to_string(),
                Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
                Value::Address { local, domain } => {
                    format!("{}@{}", String::from_utf8_lossy(local), String::from_utf8_lossy(domain))
                }
            });
        });
        (reading == Reading::Complete).then(|| seen.join(", "))
    }

    #[test]
    fn the_fields_of_each_kind_of_line_are_read() {
        let rejected = "NOQUEUE: reject: RCPT from unknown[192.0.2.7]: 554 5.7.1 <b@y.example>: Relay access denied; \
                        from=<a@x.example> to=<b@y.example> proto=ESMTP helo=<h>";
        for (message, role, expected) in [
            ("4F2A11C3: from=<a@x.example>, size=12, nrcpt=1 (queue active)", Role::From, "a@x.example"),
            ("4F2A11C3: from=<>, size=12, nrcpt=1 (queue active)", Role::From, ""),
            ("4F2A11C3: to=<b@y.example>, relay=mx[192.0.2.1]:25, status=sent", Role::To, "b@y.example"),
            ("4F2A11C3: to=<b@y>, orig_to=<c@z>, relay=local, status=sent", Role::To, "b@y, c@z"),
            ("4F2A11C3: client=h.example[192.0.2.7]", Role::Client, "192.0.2.7"),
            ("4F2A11C3: client=h.example[192.0.2.7], sasl_method=PLAIN, sasl_username=alice", Role::User, "alice"),
            ("connect from unknown[2001:db8::7]", Role::Client, "2001:db8::7"),
            ("lost connection after EHLO from unknown[192.0.2.7]", Role::Client, "192.0.2.7"),
            ("warning: unknown[192.0.2.7]: SASL LOGIN authentication failed: x", Role::Client, "192.0.2.7"),
            (rejected, Role::Client, "192.0.2.7"),
            (rejected, Role::From, "a@x.example"),
            (rejected, Role::To, "b@y.example"),
        ] {
            assert_eq!(seen(message, role).as_deref(), Some(expected), "{message}");
        }
    }

    #[test]
    fn a_field_that_a_sender_made_is_not_read() {
        for (message, role) in [
            ("4F2A11C3: from=<\"a>, size=1, to=<b@y\"@x.example>, size=12", Role::From),
            ("4F2A11C3: to=<\"a>, relay=x\"@x>, orig_to=<c@z>, relay=local", Role::To),
            ("4F2A11C3: message-id=<to=<b@y>, relay=x>", Role::To),
            ("warning: hostname a b[192.0.2.1] does not resolve to address 192.0.2.7", Role::Client),
            ("4F2A11C3: removed", Role::From),
        ] {
            assert_eq!(seen(message, role), None, "{message}");
        }
        assert_eq!(
            Postfix::values(b"dovecot", b"4F2A11C3: from=<a@x>, size=1", Role::From, &mut |_| {}),
            Reading::Partial
        );
    }
}
