//! Records of which a clause asks for less than the whole: what of such a record leaves.
//!
//! The decision is made on the whole record; only then is it cut down, here, so that what is behind an [`super::InScope`] never
//! holds more than its clauses ask for. A format only says where a header section ends, where attachments stand and what a
//! field holds.
//!
//! **Invariant:** what cannot be read for certain makes no reduced record.

use std::borrow::Cow;
use std::sync::Arc;

use super::ClauseSet;
use super::clause_scope::ClauseScope;
use super::gate::Scope;
use super::in_scope::InScope;
use super::projection::Projection;
use super::record::{Fields, RawRecord, Record};
use super::verdict::Verdict;
use crate::clock::Zone;
use crate::order::{Order, Reduction, Unit};

/// The form in which a record leaves where that is not the whole of it. Clauses that ask for the same have the same.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Form {
    /// The first clause of the order that asks for it: forms go by it.
    pub rank: usize,
    /// What of a record it is.
    pub reduction: Arc<Reduction>,
}

impl Form {
    /// The form that a clause of the order asks for; none = the record.
    pub fn of(order: &Order, clause: usize) -> Option<Self> {
        let asked = reduction(order, clause)?;
        let rank = (0..clause).find(|before| reduction(order, *before) == Some(asked)).unwrap_or(clause);
        Some(Self { rank, reduction: Arc::new(asked.clone()) })
    }
}

fn reduction(order: &Order, clause: usize) -> Option<&Reduction> {
    order.clauses.get(clause)?.reduction()
}

/// What is left of a record in a reduced form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Remainder<'a> {
    /// Its bytes.
    pub bytes: Cow<'a, [u8]>,
    /// How many parts of a message were left out, where attachments are.
    pub left_out: Option<u64>,
}

/// What a reduction makes of a record; none where it cannot be made for certain. Of what it has made, it makes the same again.
pub fn reduced<'a>(
    reduction: &Reduction,
    bytes: &'a [u8],
    fields: &dyn Fields,
    zone: Option<Zone>,
) -> Option<Remainder<'a>> {
    match reduction {
        Reduction::Unit(Unit::Headers) => {
            let header = bytes.get(..fields.header_bytes()?)?;
            Some(Remainder { bytes: Cow::Borrowed(header), left_out: None })
        }
        Reduction::Unit(Unit::MessageWithoutAttachments) => {
            let attachments = fields.attachments()?;
            let left_out = Some(u64::try_from(attachments.len()).ok()?);
            if attachments.is_empty() {
                return Some(Remainder { bytes: Cow::Borrowed(bytes), left_out });
            }
            let (mut kept, mut at) = (Vec::new(), 0);
            for attachment in attachments {
                kept.extend_from_slice(bytes.get(at..attachment.start)?);
                at = attachment.end;
            }
            kept.extend_from_slice(bytes.get(at..)?);
            Some(Remainder { bytes: Cow::Owned(kept), left_out })
        }
        Reduction::Fields(wanted) => {
            let line = Projection::of(fields, wanted, zone)?.line()?;
            Some(Remainder { bytes: Cow::Owned(line), left_out: None })
        }
    }
}

/// The forms in which records of one stream leave, each with the clauses that ask for it.
#[derive(Clone, Default, Debug)]
pub(in crate::scope) struct Forms {
    whole: ClauseSet,
    reduced: Vec<(Form, ClauseSet)>,
}

impl Forms {
    pub(in crate::scope) fn of(clauses: &[(usize, &ClauseScope)]) -> Self {
        let mut forms = Self::default();
        for (at, clause) in clauses {
            let Some(form) = &clause.form else {
                forms.whole.insert(*at);
                continue;
            };
            match forms.reduced.iter_mut().find(|(known, _)| known.rank == form.rank) {
                Some((_, known)) => known.insert(*at),
                None => forms.reduced.push((form.clone(), ClauseSet::one(*at))),
            }
        }
        forms.reduced.sort_by_key(|(form, _)| form.rank);
        forms
    }

    /// The record as each of the clauses asks for it; those for which it could not be reduced are added to `undecided`.
    pub(in crate::scope) fn admit<'a>(
        &self,
        (scope, source): (&Scope, usize),
        raw: RawRecord<'a>,
        fields: &dyn Fields,
        (admitting, because): (ClauseSet, ClauseSet),
        undecided: &mut ClauseSet,
    ) -> Admitted<'a> {
        let stamp = |clauses| scope.record_stamp(source, clauses, fields);
        let offset = raw.offset;
        let whole = admitting.intersection(self.whole);
        let mut admitted = Admitted::default();
        if !whole.is_empty() {
            let because = because.intersection(whole);
            let (bytes, stamp) = (Cow::Borrowed(raw.bytes), stamp(whole));
            admitted.whole = InScope::new(Record { bytes, offset, stamp, because, form: None, left_out: None }, whole);
        }
        for (form, clauses) in &self.reduced {
            let clauses = admitting.intersection(*clauses);
            if clauses.is_empty() {
                continue;
            }
            let Some(Remainder { bytes, left_out }) = reduced(&form.reduction, raw.bytes, fields, scope.zone(source))
            else {
                *undecided = undecided.union(clauses);
                continue;
            };
            let stamp = stamp(clauses);
            // That a record came in for its transaction alone would say what does not stand in it.
            let because = ClauseSet::EMPTY;
            let form = Some(form.clone());
            admitted.reduced.extend(InScope::new(Record { bytes, offset, stamp, because, form, left_out }, clauses));
        }
        admitted
    }
}

/// One record as it may leave: whole, in reduced forms, or both. Each is for an exhibit of its own.
#[derive(Debug, Default)]
pub struct Admitted<'a> {
    whole: Option<InScope<Record<'a>>>,
    reduced: Vec<InScope<Record<'a>>>,
}

impl<'a> Admitted<'a> {
    /// The clauses that let some form of it out.
    pub fn clauses(&self) -> ClauseSet {
        self.iter().fold(ClauseSet::EMPTY, |clauses, record| clauses.union(record.clauses()))
    }

    /// The whole first, then the reduced forms in the order of the order.
    pub fn iter(&self) -> impl Iterator<Item = &InScope<Record<'a>>> {
        self.whole.iter().chain(&self.reduced)
    }

    /// It leaves in no form.
    pub fn is_empty(&self) -> bool {
        self.whole.is_none() && self.reduced.is_empty()
    }
}

impl<'a> IntoIterator for Admitted<'a> {
    type Item = InScope<Record<'a>>;
    type IntoIter = std::iter::Chain<std::option::IntoIter<Self::Item>, std::vec::IntoIter<Self::Item>>;

    fn into_iter(self) -> Self::IntoIter {
        self.whole.into_iter().chain(self.reduced)
    }
}

impl ClauseScope {
    /// The record can be given as the clause asks for it: undecided where it cannot be reduced for certain.
    pub(in crate::scope) fn reducible(&self, fields: &dyn Fields) -> Verdict {
        let Some(form) = &self.form else { return Verdict::In };
        let can = match &*form.reduction {
            Reduction::Unit(Unit::Headers) => fields.header_bytes().is_some(),
            Reduction::Unit(Unit::MessageWithoutAttachments) => fields.attachments().is_some(),
            Reduction::Fields(wanted) => {
                Projection::of(fields, wanted, self.zone).and_then(|projection| projection.line()).is_some()
            }
        };
        if can { Verdict::In } else { Verdict::Undecided }
    }
}
