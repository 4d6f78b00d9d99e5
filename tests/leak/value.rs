//! What a clause says of a record, in three values, from what the record was made of.
//!
//! **Invariant:** what cannot be read is undecided, never in and never out.

use super::order::{Clause, Identifier, Target};
use super::tree::{Line, Mail};
use super::word::{holds_address, plain, stands_in};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value {
    In,
    Out,
    Undecided,
}

/// All must hold.
pub fn all(values: impl IntoIterator<Item = Value>) -> Value {
    values.into_iter().fold(Value::In, |one, other| match (one, other) {
        (Value::Out, _) | (_, Value::Out) => Value::Out,
        (Value::In, Value::In) => Value::In,
        _ => Value::Undecided,
    })
}

/// One must hold.
pub fn any(values: impl IntoIterator<Item = Value>) -> Value {
    values.into_iter().fold(Value::Out, |one, other| match (one, other) {
        (Value::In, _) | (_, Value::In) => Value::In,
        (Value::Out, Value::Out) => Value::Out,
        _ => Value::Undecided,
    })
}

pub fn holds(yes: bool) -> Value {
    if yes { Value::In } else { Value::Out }
}

fn clause_value(clause: &Clause, time: Value, value: impl Fn(&Target) -> Value) -> Value {
    let records = clause.records.as_ref().unwrap();
    let one_of = |targets: &[Target]| {
        if targets.is_empty() { Value::In } else { any(targets.iter().map(&value)) }
    };
    let time = if clause.window.is_some() { time } else { Value::In };
    all([one_of(&records.identifiers), one_of(&records.with), time])
}

/// A clock that the record does not carry is undecided, as is a time that cannot be read.
fn in_window(clause: &Clause, clock: &str, time: Option<i64>) -> Value {
    match (&clause.window, time) {
        (None, _) => Value::In,
        (Some(window), _) if window.clock != clock => Value::Undecided,
        (Some(_), None) => Value::Undecided,
        (Some(window), Some(time)) => holds(window.from <= time && time < window.before),
    }
}

/// What a clause says of a line.
pub fn line_value(line: &Line, clause: &Clause) -> Value {
    let time = in_window(clause, "record", line.fields.as_ref().map(|fields| fields.time));
    clause_value(clause, time, |target| {
        let identifier = &target.identifier;
        let Some(fields) = &line.fields else {
            // As whole tokens; what is there may be what is asked for, an address without its port too.
            let looked_for = match identifier {
                Identifier::IpPort(ip, _) => &Identifier::Ip(ip.clone()),
                other => other,
            };
            return if stands_in(looked_for, &line.bytes) { Value::Undecided } else { Value::Out };
        };
        let anywhere = || holds(stands_in(identifier, &line.bytes) || stands_in(identifier, &line.decoded));
        let client = || match identifier {
            Identifier::IpPort(ip, _) => {
                if plain(ip.parse().unwrap()) == plain(fields.client) {
                    Value::Undecided
                } else {
                    Value::Out
                }
            }
            Identifier::Ip(_) | Identifier::Cidr(_) => holds(holds_address(identifier, fields.client)),
            _ => unreachable!("no order asks for another type there"),
        };
        let address = matches!(identifier, Identifier::Ip(_) | Identifier::Cidr(_) | Identifier::IpPort(..));
        if target.roles.is_empty() {
            return if address { client() } else { anywhere() };
        }
        any(target.roles.iter().map(|role| match (*role, identifier) {
            ("any", _) => match identifier {
                // An address that stands there without a port.
                Identifier::IpPort(ip, _) if stands_in(&Identifier::Ip(ip.clone()), &line.bytes) => Value::Undecided,
                _ => anywhere(),
            },
            ("client", _) => client(),
            ("user", Identifier::Account(name)) => holds(fields.user.as_ref() == Some(name)),
            _ => Value::Undecided,
        }))
    })
}

/// What a clause says of a line of syslog: an identifier of any type is any whole token of it.
pub fn entry_value(line: &Line, clause: &Clause) -> Value {
    let time = in_window(clause, "record", line.fields.as_ref().map(|fields| fields.time));
    clause_value(clause, time, |target| {
        let stands =
            |identifier: &Identifier| stands_in(identifier, &line.bytes) || stands_in(identifier, &line.decoded);
        let found = match &target.identifier {
            // An address that stands there without a port.
            Identifier::IpPort(ip, _) if stands(&Identifier::Ip(ip.clone())) => Value::Undecided,
            identifier => holds(stands(identifier)),
        };
        // A field that cannot be told apart may be the one, where the token stands in the line at all.
        let unread = if found == Value::Out { Value::Out } else { Value::Undecided };
        if line.fields.is_none() {
            return unread;
        }
        if target.roles.is_empty() {
            return found;
        }
        any(target.roles.iter().map(|role| if *role == "any" { found } else { unread }))
    })
}

/// What a clause says of a message.
pub fn mail_value(mail: &Mail, clause: &Clause) -> Value {
    clause_value(clause, in_window(clause, "date-header", mail.date), |target| {
        let identifier = &target.identifier;
        let in_role = |role: &str| {
            let mut addresses = mail.addresses.iter().filter(|(held, _)| *held == role);
            match identifier {
                Identifier::Email(_) | Identifier::Domain(_) => {
                    holds(addresses.any(|(_, address)| stands_in(identifier, address.as_bytes())))
                }
                _ => Value::Undecided,
            }
        };
        if target.roles.is_empty() {
            return match identifier {
                Identifier::Email(_) | Identifier::Domain(_) => {
                    any(["from", "to", "cc", "bcc", "sender", "reply-to"].map(in_role))
                }
                Identifier::MessageId(id) => holds(*id == mail.message_id),
                _ => Value::Undecided,
            };
        }
        any(target.roles.iter().map(|role| match *role {
            "any" => match identifier {
                Identifier::IpPort(ip, _) if stands_in(&Identifier::Ip(ip.clone()), &mail.bytes) => Value::Undecided,
                _ => holds(stands_in(identifier, &mail.bytes) || stands_in(identifier, &mail.decoded)),
            },
            "client" | "user" => Value::Undecided,
            role => in_role(role),
        }))
    })
}
