//! The checks on what lies beside a package: signatures and time-stamps.
//!
//! **Invariant:** such a check passes only where somebody said whose word counts, and the package fits what that is over.

use super::{Check, Finding, State, Verification};

impl Verification {
    /// What becomes of such a check; `is_named` says whether anybody said whose word counts.
    pub(super) fn close_beside(&mut self, check: Check, objections: Vec<String>, is_named: bool) {
        let rests = [Check::Structure, Check::ClosedWorld, Check::Sha256];
        let mut checks = self.checks.iter().filter(|(check, _)| rests.contains(check));
        let state = match (objections.is_empty(), is_named) {
            (false, _) => State::Failed,
            (true, true) if checks.all(|(_, state)| *state == State::Passed) => State::Passed,
            _ => State::NotRun,
        };
        let entry = self.checks.iter_mut().find(|(other, _)| *other == check);
        if let Some((_, stated)) = entry {
            *stated = state;
        }
        let findings = objections.into_iter();
        self.findings.extend(findings.map(|text| Finding { check, member: None, clause: None, text }));
        // Of all checks these are the last, whichever of them was asked first.
        self.findings.sort_by_key(|finding| finding.check);
    }
}
