//! What a run leaves for the provider's own audit, beside the package.
//!
//! **Invariant:** nothing of it is in the package, and a preview leaves none.

use super::account::Account;
use super::reach::Reach;
use super::stream::Outcome;
use super::trace::Trace;
use super::{ExtractError, Job, Output};
use crate::audit::{self, AuditEvent, AuditWriter, ExaminedEvent, Positions, StoredEvent, StreamEvent};
use crate::clock::Timestamp;
use crate::image::Hashed;
use crate::ledger::Disclosure;
use crate::limits;
use crate::order::{Order, Provider};
use crate::package::{Agent, PackageError, Sealed};
use crate::source::{Mounted, Source};

/// The audit of a run; of a preview, nothing.
pub(super) struct Trail<'t> {
    order: &'t Order,
    audit: Option<AuditWriter>,
}

impl<'t> Trail<'t> {
    /// Begins the audit, and refuses one that exists.
    pub(super) fn begin(job: &Job<'t>, sources: &[Source], begun: Timestamp) -> Result<Self, ExtractError> {
        let order = job.order;
        let Output::Package { audit, custodian, operator, .. } = &job.output else {
            return Ok(Self { order, audit: None });
        };
        let recipients = job.provider.and_then(|provider| provider.audit_recipients.as_ref());
        let audit = AuditWriter::create(&order.id, order.sha256(), audit.clone(), recipients)?;
        let mut trail = Self { order, audit: Some(audit) };
        let agent = Agent::own();
        trail.event(&AuditEvent::Begun {
            time: begun,
            order: &order.id,
            order_sha256: order.sha256(),
            provider_sha256: job.provider.map(Provider::sha256),
            custodian,
            operator,
            version: &agent.version,
            zones: &agent.zones,
            sqlite: rusqlite::version(),
            parsers: audit::versions(),
        })?;
        for source in sources {
            let stored = source.stored();
            trail.event(&AuditEvent::Source {
                name: &source.name,
                kind: source.kind.name(),
                path: source.place().into(),
                bytes: source.stored_bytes(),
                files: stored.map(|file| StoredEvent { path: file.place().into(), bytes: file.size_bytes() }).collect(),
                program: source.program(),
            })?;
        }
        Ok(trail)
    }

    /// What the walk left unopened.
    pub(super) fn reach(&mut self, reach: &Reach) -> Result<(), ExtractError> {
        for (source, path, why) in &reach.notes {
            let source = self.source_name(*source);
            self.event(&AuditEvent::Unopened { source, path: path.into(), why })?;
        }
        Ok(())
    }

    /// One stream, and what was opened beside it.
    pub(super) fn stream(
        &mut self,
        source: usize,
        volume: &Mounted,
        outcome: &mut Outcome,
    ) -> Result<(), ExtractError> {
        if self.audit.is_none() {
            return Ok(());
        }
        let order = self.order;
        let examined = outcome.clauses.iter().filter_map(|(&clause, tally)| {
            let id = &order.clauses.get(clause)?.id;
            Some(ExaminedEvent { id, examined: tally.examined, outside: tally.outside })
        });
        let stream = self.opened(source, volume, &outcome.trace, examined.collect())?;
        if let Some(positions) = outcome.trace.positions.take() {
            let mut runs = positions.into_runs().map_err(PackageError::from)?;
            while let Some(runs) = runs.next_runs(limits::POSITIONS_A_LINE).map_err(PackageError::from)? {
                self.event(&AuditEvent::Positions { stream, runs })?;
            }
        }
        outcome.beside.iter().try_for_each(|trace| self.opened(source, volume, trace, Vec::new()).map(drop))
    }

    fn opened(
        &mut self,
        source: usize,
        volume: &Mounted,
        trace: &Trace,
        clauses: Vec<ExaminedEvent<'t>>,
    ) -> Result<u64, ExtractError> {
        let source = self.source_name(source);
        self.event(&AuditEvent::Stream(Box::new(StreamEvent {
            source,
            volume: volume.volume.as_deref(),
            path: (&trace.path).into(),
            take: trace.take,
            format: trace.format.map(|format| format.name()),
            bytes: trace.stored_bytes,
            read: trace.read.map_or(0, |(bytes, _)| bytes),
            sha256: trace.read.map(|(_, sha256)| sha256),
            counted_in: trace.counted_in,
            size: trace.size,
            tally: trace.bytes,
            records: trace.positions.as_ref().map_or(0, Positions::records),
            clauses,
            error: trace.error.as_deref(),
            note: trace.note.as_deref(),
        })))
    }

    /// What all of it came to.
    pub(super) fn sums(&mut self, account: &Account, digests: &[Option<Hashed>]) -> Result<(), ExtractError> {
        let order = self.order;
        for (source, digest) in order.sources.iter().zip(digests) {
            if let Some(Hashed { whole, files }) = digest {
                self.event(&AuditEvent::Hashed { name: &source.name, sha256: *whole, files })?;
            }
        }
        for (clause, tally) in order.clauses.iter().zip(account.tallies()) {
            for (&kind, &count) in &tally.shortfalls {
                self.event(&AuditEvent::Short { clause: &clause.id, kind, count })?;
            }
            self.event(&AuditEvent::Clause { id: &clause.id, examined: tally.examined, outside: tally.outside })?;
        }
        Ok(())
    }

    /// Gives audit and package their names, the audit first: there is never a package without its audit.
    pub(super) fn publish(mut self, sealed: Sealed, time: Timestamp) -> Result<Disclosure, ExtractError> {
        let digest = sealed.disclosure().digest().map_err(PackageError::from)?;
        self.event(&AuditEvent::Sealed { time, digest })?;
        let committed = self.audit.map(AuditWriter::commit).transpose()?;
        match sealed.publish() {
            Ok((_, disclosure)) => Ok(disclosure),
            Err(error) => {
                // The first error is the one to tell of; an audit that stays says itself that its package does not.
                let _ = committed.map(crate::audit::Committed::retract);
                Err(error.into())
            }
        }
    }

    fn source_name(&self, source: usize) -> &'t str {
        self.order.sources.get(source).map_or("", |source| source.name.as_str())
    }

    /// The next line; its number, where there is an audit.
    fn event(&mut self, event: &AuditEvent<'_>) -> Result<u64, ExtractError> {
        self.audit.as_mut().map_or(Ok(0), |audit| audit.event(event)).map_err(ExtractError::from)
    }
}
