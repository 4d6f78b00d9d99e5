//! What a run leaves for the provider's own audit, beside the package.
//!
//! **Invariant:** nothing of it is in the package, and a preview leaves none.

use super::account::Account;
use super::reach::Reach;
use super::trace::Trace;
use super::{ExtractError, Job, Output};
use crate::audit::{AuditEvent, AuditWriter, StreamEvent};
use crate::clock::Timestamp;
use crate::digest::Digest;
use crate::ledger::Disclosure;
use crate::order::{Order, Provider};
use crate::package::{PackageError, Sealed};
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
        let Output::Package { audit, custodian, .. } = &job.output else { return Ok(Self { order, audit: None }) };
        let audit = AuditWriter::create(&order.id, audit.clone())?;
        let mut trail = Self { order, audit: Some(audit) };
        trail.event(&AuditEvent::Begun {
            time: begun,
            order: &order.id,
            order_sha256: order.sha256(),
            provider_sha256: job.provider.map(Provider::sha256),
            custodian,
            version: env!("CARGO_PKG_VERSION"),
            zones: chrono_tz::IANA_TZDB_VERSION,
        })?;
        for (source, location) in sources.iter().zip(&job.sources) {
            trail.event(&AuditEvent::Source {
                name: &source.name,
                kind: source.kind.name(),
                path: location.path.as_path().into(),
                bytes: source.stored_bytes(),
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

    /// One stream.
    pub(super) fn stream(&mut self, source: usize, volume: &Mounted, trace: &Trace) -> Result<(), ExtractError> {
        let source = self.source_name(source);
        self.event(&AuditEvent::Stream(Box::new(StreamEvent {
            source,
            volume: volume.volume.as_deref(),
            path: (&trace.path).into(),
            format: trace.format.map(|format| format.name()),
            sha256: trace.stored_sha256,
            size: trace.size,
            bytes: trace.bytes,
            positions: &trace.disclosed,
            error: trace.error.as_deref(),
            note: trace.note.as_deref(),
        })))
    }

    /// What all of it came to.
    pub(super) fn sums(&mut self, account: &Account, digests: &[Option<Digest>]) -> Result<(), ExtractError> {
        let order = self.order;
        for (source, digest) in order.sources.iter().zip(digests) {
            if let Some(sha256) = *digest {
                self.event(&AuditEvent::Hashed { name: &source.name, sha256 })?;
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

    fn event(&mut self, event: &AuditEvent<'_>) -> Result<(), ExtractError> {
        self.audit.as_mut().map_or(Ok(()), |audit| audit.event(event)).map_err(ExtractError::from)
    }
}
