//! A record whose fields are found once, together, when the first of them is asked for.
//!
//! **Invariant:** a record without a layout is not `parsed`, has a time that cannot be read, and only its texts count.

use std::cell::OnceCell;

use super::{escape, field, line};
use crate::order::{Clock, Family, Join, Role};
use crate::scope::{Fields, Reading, TimeField, Value};

/// Where the fields of a record stand.
pub(crate) trait Layout<'a>: Sized {
    /// What the record is like.
    const FAMILY: Family;

    /// None: it has not the shape of its format.
    fn of(bytes: &'a [u8]) -> Option<Self>;

    /// Its time on the clock of the record.
    fn time(&self) -> TimeField;

    /// The values of a role; [`Reading::Partial`] for a role that the format does not have.
    fn values(&self, role: Role, visit: &mut dyn FnMut(Value<'_>)) -> Reading;

    /// What it has in common with the other records of its transaction.
    fn transaction(&self, _join: Join) -> Option<&[u8]> {
        None
    }

    /// Every form of the record that is searched for whole tokens, with and without a layout.
    fn texts(bytes: &'a [u8], visit: &mut dyn FnMut(&[u8])) -> Reading {
        let text = field::trim_end(bytes);
        visit(text);
        escape::decoded_forms(text, visit);
        Reading::Complete
    }
}

/// At least a quarter of the lines of a stream's `head` that are shown whole have the shape. `whole`: `head` is all of it.
pub(crate) fn fits_a_quarter<'a, L: Layout<'a>>(head: &'a [u8], whole: bool) -> bool {
    let (lines, fitting) = line::share(head, whole, |line| L::of(line).is_some());
    fitting > 0 && fitting * 4 >= lines
}

/// One record, not read yet.
pub struct Laid<'a, L> {
    bytes: &'a [u8],
    layout: OnceCell<Option<L>>,
}

impl<'a, L: Layout<'a>> Laid<'a, L> {
    /// Nothing is read.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, layout: OnceCell::new() }
    }

    fn layout(&self) -> Option<&L> {
        self.layout.get_or_init(|| L::of(self.bytes)).as_ref()
    }
}

impl<'a, L: Layout<'a>> Fields for Laid<'a, L> {
    fn family(&self) -> Family {
        L::FAMILY
    }

    fn parsed(&self) -> bool {
        self.layout().is_some()
    }

    fn time(&self, clock: Clock) -> TimeField {
        match clock {
            Clock::Record => self.layout().map_or(TimeField::Unreadable, Layout::time),
            Clock::Modified | Clock::Changed | Clock::Created | Clock::Accessed => TimeField::Lacks,
            Clock::DateHeader | Clock::Received | Clock::Delivered => TimeField::Lacks,
        }
    }

    fn values(&self, role: Role, visit: &mut dyn FnMut(Value<'_>)) -> Reading {
        self.layout().map_or(Reading::Partial, |layout| layout.values(role, visit))
    }

    fn transaction(&self, join: Join) -> Option<&[u8]> {
        self.layout()?.transaction(join)
    }

    fn texts(&self, visit: &mut dyn FnMut(&[u8])) -> Reading {
        L::texts(self.bytes, visit)
    }
}
