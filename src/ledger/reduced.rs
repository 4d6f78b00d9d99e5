//! What the ledger says of an item of which less than the whole was given.
//!
//! **Invariant:** nothing is said of what was left out but how many parts of a message that were.

use serde::{Deserialize, Serialize};

use super::{is_invisible, json};
use crate::order::{Extension, Format, Reduction, Unit};

/// The form of an item in a package, where it is not the whole of it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reduced {
    /// That part of a message.
    #[serde(default, with = "json::unit", skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
    /// How many attachments of the message were left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<u64>,
    /// These fields of a record alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<String>>,
}

impl Reduced {
    /// That form.
    pub fn of(reduction: &Reduction, left_out: Option<u64>) -> Self {
        match reduction {
            Reduction::Unit(unit) => Self { unit: Some(*unit), left_out, fields: None },
            Reduction::Fields(fields) => {
                let fields = fields.iter().map(|field| field.name().to_owned()).collect();
                Self { unit: None, left_out: None, fields: Some(fields) }
            }
        }
    }

    /// It is what a clause asks for.
    pub fn is(&self, reduction: &Reduction) -> bool {
        *self == Self::of(reduction, self.left_out)
    }

    /// Its members belong together, and to items of that format.
    pub fn fits(&self, format: Format) -> bool {
        match (self.unit, &self.fields) {
            (Some(unit), None) => {
                format.is_mail() && self.left_out.is_some() == (unit == Unit::MessageWithoutAttachments)
            }
            (None, Some(fields)) => !format.is_mail() && !fields.is_empty() && self.left_out.is_none(),
            (Some(_), Some(_)) | (None, None) => false,
        }
    }

    /// In a few words, for a terminal.
    pub fn words(&self) -> String {
        match (self.unit, &self.fields) {
            (Some(Unit::Headers), _) => "the headers of a message alone".to_owned(),
            (Some(Unit::MessageWithoutAttachments), _) => "a message without its attachments".to_owned(),
            (None, fields) => {
                let names = fields.as_deref().unwrap_or_default().join(", ");
                let visible = |c: char| if is_invisible(c) { c.escape_unicode().to_string() } else { c.to_string() };
                format!("of a record the fields {} alone", names.chars().map(visible).collect::<String>())
            }
        }
    }

    /// What the name of an exhibit in that form ends with: fields are lines of JSON, a part of a message is mail.
    pub fn extension(reduced: Option<&Self>, format: Option<Format>) -> Extension {
        match reduced {
            Some(Self { fields: Some(_), .. }) => Extension::Jsonl,
            Some(_) | None => Extension::of(format),
        }
    }
}
