//! Records of which less than the whole was given: that there is no more of them than their clauses ask for.
//!
//! The decision was made on the whole record, which is not in the package. What is left must not speak against it, and must be
//! exactly what the clause asks for of a record.
//!
//! **Invariant:** what was left out is unknown, and never taken for absent.

use crate::order::{Clock, Family, Field, Format, Reduction, Role};
use crate::scope::{Fields, Projection, RawRecord, Reading, TimeField, Value, reduced};

/// What is left of a record.
pub(super) enum Left<'f> {
    /// Some fields.
    Fields(Projection),
    /// A part of a message.
    Part(Part<'f>),
}

impl<'f> Left<'f> {
    /// Reads it; the error says in which way it is not what the clause asks for.
    pub fn read(record: RawRecord<'f>, reduction: &Reduction, format: Format) -> Result<Self, String> {
        match reduction {
            Reduction::Fields(wanted) => {
                let names = || wanted.iter().map(Field::name).collect::<Vec<_>>().join(", ");
                Projection::read(record.bytes, format)
                    .filter(|projection| projection.has_exactly(wanted))
                    .map(Self::Fields)
                    .ok_or_else(|| format!("is not a line of the fields {} and nothing else", names()))
            }
            Reduction::Unit(unit) => match reduced(reduction, record.bytes, record.fields, None) {
                Some(again) if *again.bytes == *record.bytes && again.left_out.unwrap_or(0) == 0 => {
                    Ok(Self::Part(Part(record.fields)))
                }
                Some(_) => Err(format!("holds more of the message than `{}`", unit.name())),
                None => Err(format!("cannot be read for certain as `{}` of a message", unit.name())),
            },
        }
    }

    /// What it says.
    pub fn fields(&self) -> &dyn Fields {
        match self {
            Self::Fields(projection) => projection,
            Self::Part(part) => part,
        }
    }
}

/// A part of a message: its header section is whole, and what a search of all texts would have found is not known.
pub(super) struct Part<'f>(&'f dyn Fields);

impl Fields for Part<'_> {
    fn beneath(&self) -> Option<&dyn Fields> {
        Some(self.0)
    }

    fn family(&self) -> Family {
        self.0.family()
    }

    fn parsed(&self) -> bool {
        self.0.parsed()
    }

    fn time(&self, clock: Clock) -> TimeField {
        self.0.time(clock)
    }

    fn values(&self, role: Role, visit: &mut dyn FnMut(Value<'_>)) -> Reading {
        self.0.values(role, visit)
    }

    fn texts(&self, visit: &mut dyn FnMut(&[u8])) -> Reading {
        self.0.texts(visit);
        Reading::Partial
    }
}
