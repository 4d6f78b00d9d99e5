//! The keys of the order language, table by table.
//!
//! **Invariant:** these are the keys of the JSON Schemas, no more and no fewer; a test compares them.

/// The keys of one table.
pub(super) struct Keys {
    /// How messages call the table.
    pub(super) table: &'static str,
    /// What it may hold.
    pub(super) known: &'static [&'static str],
}

pub(super) const ORDER_FILE: Keys = Keys { table: "an order", known: &["schema", "order", "source", "clause"] };

pub(super) const ORDER: Keys = Keys {
    table: "[order]",
    known: &[
        "id",
        "legal_basis",
        "authority",
        "court",
        "reference",
        "made",
        "served",
        "due",
        "expires",
        "zone",
        "disclose",
    ],
};

pub(super) const DISCLOSE: Keys = Keys { table: "disclose", known: &["positions", "examined"] };

pub(super) const SOURCE: Keys = Keys { table: "[[source]]", known: &["name", "sha256", "zone", "times", "volume"] };

pub(super) const CLAUSE: Keys = Keys {
    table: "[[clause]]",
    known: &[
        "id",
        "text",
        "source",
        "category",
        "paths",
        "archives",
        "take",
        "as",
        "log-format",
        "year",
        "join",
        "identifiers",
        "with",
        "rows",
        "unit",
        "fields",
        "everything",
        "window",
        "limit",
    ],
};

pub(super) const IDENTIFIER: Keys = Keys {
    table: "an identifier",
    known: &["email", "domain", "ip", "cidr", "port", "account", "host", "message-id", "token", "role"],
};

/// An identifier of `rows`: it has a column and no role.
pub(super) const CELL: Keys = Keys {
    table: "an identifier in a column",
    known: &["email", "domain", "ip", "cidr", "port", "account", "host", "message-id", "token", "column"],
};

pub(super) const ROWS: Keys = Keys { table: "rows", known: &["table", "where", "time", "time-unit"] };

pub(super) const WINDOW: Keys = Keys { table: "window", known: &["from", "through", "before", "clock"] };

pub(super) const LIMIT: Keys = Keys { table: "limit", known: &["records", "files", "bytes"] };

pub(super) const PROVIDER_FILE: Keys = Keys {
    table: "a provider file",
    known: &["schema", "salt", "custodian", "audit_recipients", "source", "withhold"],
};

pub(super) const PROVIDER_SOURCE: Keys =
    Keys { table: "[[source]]", known: &["name", "path", "disks", "backing", "snapshot", "mounts", "received_by"] };

pub(super) const WITHHOLD: Keys = Keys { table: "[[withhold]]", known: &["class", "identifiers", "paths"] };

/// An identifier of a withhold: it is looked for everywhere, so it has no role.
pub(super) const WITHHELD_IDENTIFIER: Keys = Keys {
    table: "an identifier",
    known: &["email", "domain", "ip", "cidr", "port", "account", "host", "message-id", "token"],
};

/// Keys that a later version will know, in whatever table.
pub(super) const LATER: [&str; 3] = ["columns", "dialect", "secret"];

impl Keys {
    /// The key of this table that `unknown` was most likely meant to be.
    pub(super) fn nearest(&self, unknown: &str) -> Option<&'static str> {
        let bound = if unknown.len() < 5 { 1 } else { 2 };
        let near = self.known.iter().map(|known| (distance(known, unknown), *known));
        near.filter(|(distance, _)| *distance <= bound).min().map(|(_, known)| known)
    }
}

/// How many letters must be inserted, removed or exchanged (Levenshtein); over 64 bytes it is not counted.
fn distance(a: &str, b: &str) -> usize {
    if a.len().max(b.len()) > 64 {
        return usize::MAX;
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.to_lowercase().chars().collect(), b.to_lowercase().chars().collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for ((to, pair), left) in b.iter().zip(row.windows(2)).zip(0..) {
            let [diagonal, above] = pair else { continue };
            let replaced = diagonal + usize::from(from != to);
            let removed = next.get(left).map_or(usize::MAX, |left: &usize| left + 1);
            next.push(replaced.min(above + 1).min(removed));
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_finds_its_key() {
        for (written, meant) in [
            ("identifers", Some("identifiers")),
            ("path", Some("paths")),
            ("Window", Some("window")),
            ("limits", Some("limit")),
            ("exclude", None),
            ("x", None),
        ] {
            assert_eq!(CLAUSE.nearest(written), meant, "{written}");
        }
    }
}
