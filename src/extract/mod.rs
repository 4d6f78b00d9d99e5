//! Running an order: the pipeline on one screen.
//!
//! The order is compiled to a scope; the sources are opened and walked once; what the scope permits is opened, split and
//! judged on several threads and taken in order; the package is closed, held against the sources, and sealed. A preview
//! is the same run with a package that goes nowhere, and so is a replay.
//!
//! **Invariant:** nothing is sealed unless every byte of every opened stream is accounted for, each image has the digest
//! that the order states, and everything that was opened is as it was.

mod account;
mod beside;
mod error;
mod explain;
mod format;
mod join;
mod meter;
mod pool;
mod reach;
mod stream;
mod trace;
mod trail;
mod tripwire;
mod whole;
mod year;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

pub use error::ExtractError;
pub use explain::{Question, explain};
pub use meter::Progress;
pub use tripwire::Tripped;

use account::Account;
use meter::Meter;
use reach::{Reach, Task};
use stream::{Context, Outcome};
use trail::Trail;
use tripwire::Tripwires;

use crate::audit::Operator;
use crate::beside::folder_of;
use crate::clock::Timestamp;
use crate::delivery::{OwnKey, Recipients};
use crate::digest::Digest;
use crate::image::{Hashed, Hashing};
use crate::ledger::{Disclosure, Tally};
use crate::order::{Order, Provider};
use crate::package::{CustodyLog, Event, OwnNames, PackageError, Place, ReplayedLedger, Target, Writer};
use crate::scope::Scope;
use crate::source::{Location, Mounted, Source};

/// How often the end of a hash, and the wish to stop, are looked for.
const POLL: Duration = Duration::from_millis(20);

/// Everything that a run needs to know.
pub struct Job<'j> {
    /// The order.
    pub order: &'j Order,
    /// The provider's side of it.
    pub provider: Option<&'j Provider>,
    /// Where each source is, in the order of the order.
    pub sources: Vec<Location>,
    /// Streams read at the same time.
    pub threads: usize,
    /// Where the package goes.
    pub output: Output,
    /// Is told how far the run has come.
    pub progress: &'j dyn Progress,
    /// Set from outside to stop the run.
    pub stop: &'j AtomicBool,
    /// What time it is.
    pub now: fn() -> Timestamp,
}

/// Where a package goes.
#[derive(Clone, Debug)]
pub enum Output {
    /// Into a file, with the audit beside it.
    Package {
        /// The package.
        path: PathBuf,
        /// Who can open it; none where it is not encrypted.
        recipients: Option<Recipients>,
        /// The audit.
        audit: PathBuf,
        /// Who runs the disclosure.
        custodian: String,
        /// Who that is to the machine, for the audit alone.
        operator: Box<Operator>,
        /// What this machine and who uses it are called: none of it may be in the package.
        own: OwnNames,
    },
    /// Nowhere: a preview.
    Preview {
        /// A folder for files without a name.
        spool: PathBuf,
    },
    /// Nowhere, and its ledger is kept: an order that was carried out before is run again. It discloses nothing, so that an
    /// order may have expired since; and an image that is not the one the order states shows in what it came to.
    Replay {
        /// A folder for files without a name.
        spool: PathBuf,
    },
}

impl Output {
    /// A folder for files without a name.
    fn scratch(&self) -> &Path {
        match self {
            Self::Package { path, .. } => folder_of(path),
            Self::Preview { spool } | Self::Replay { spool } => spool,
        }
    }

    fn is_replay(&self) -> bool {
        matches!(self, Self::Replay { .. })
    }
}

/// What a run came to.
#[derive(Debug)]
pub struct Done {
    /// All that may be said.
    pub disclosure: Disclosure,
    /// What each clause came to, for the provider's eyes.
    pub tallies: Vec<Tally>,
    /// What `--dry-run --json` prints: one line.
    pub preview: Vec<u8>,
    /// The lines of its ledger; of a replay.
    pub ledger: Option<ReplayedLedger>,
    /// What opens the package, of one that is encrypted.
    pub key: Option<OwnKey>,
}

/// Runs an order.
pub fn run(job: &Job<'_>) -> Result<Done, ExtractError> {
    let begun = (job.now)();
    if let Some(last) = job.order.expires.filter(|_| !job.output.is_replay() && job.order.has_expired(begun)) {
        return Err(ExtractError::Expired { last });
    }
    let scope = Scope::compile(job.order, job.provider)?;
    let mut sources = open(job)?;
    sources.iter_mut().enumerate().for_each(|(index, source)| source.state_volumes(&scope, index));
    let hashing: Vec<_> = sources.iter().map(Source::hash).collect();
    let mut writer = Writer::create(job.order, job.provider.map(Provider::sha256), target(&job.output))?;
    let mut trail = Trail::begin(job, &sources, begun)?;

    let meter = Meter { progress: job.progress, stop: job.stop };
    let reach = Reach::of(&scope, &sources, &meter)?;
    let mut account = Account::new(job.order, &reach);
    trail.reach(&reach)?;
    job.progress.total(reach.bytes);
    let (drafter, tripwires) = (writer.drafter(), Tripwires::new(job.order));
    let joined = join::joined(&scope, &reach.tasks, &meter, job.output.scratch())?;
    let context = Context {
        order: job.order,
        scope: &scope,
        drafter: &drafter,
        meter: &meter,
        tripwires: &tripwires,
        joined: &joined,
        is_audited: matches!(job.output, Output::Package { .. }),
    };
    let work = |task: Task| {
        let volume = volume(&sources, &task)?;
        let place = Place { volume: volume.stated.clone(), filesystem: task.filesystem.name() };
        let outcome = stream::process(context, task.filesystem.as_ref(), task.permit, place)?;
        Ok((task.source, volume, outcome))
    };
    pool::in_order(job.threads, reach.tasks, work, |(source, volume, mut outcome): (usize, &Mounted, Outcome)| {
        account.add(&outcome);
        trail.stream(source, volume, &mut outcome)?;
        outcome.draft.take().map_or(Ok(()), |draft| writer.add(draft).map_err(ExtractError::from))
    })?;

    let hashed = hashed(job, hashing, &meter)?;
    for source in &sources {
        source.unchanged().map_err(|changed| ExtractError::Changed { name: source.name.clone(), source: changed })?;
    }
    account.close();
    trail.sums(&account, &hashed)?;
    let digests: Vec<Option<Digest>> = hashed.iter().map(|one| one.as_ref().map(|hashed| hashed.whole)).collect();
    let tallies = account.tallies().to_vec();
    let closed = writer.close(account.facts(&scope, &sources, &digests))?;
    let preview = closed.preview().line().map_err(PackageError::from)?;
    let (disclosure, ledger, key) = match &job.output {
        Output::Preview { .. } => (closed.disclosure().clone(), None, None),
        Output::Replay { .. } => {
            let (disclosure, ledger) = closed.into_ledger();
            (disclosure, Some(ledger), None)
        }
        Output::Package { custodian, own, .. } => {
            let custody = custody(job, begun, custodian, &digests)?;
            let sealed = closed.seal(custody, (job.now)(), &with_sources(own, &job.sources))?;
            meter.go_on()?;
            let key = sealed.own_key().cloned();
            (trail.publish(sealed, (job.now)())?, None, key)
        }
    };
    Ok(Done { disclosure, tallies, preview, ledger, key })
}

/// Opens every source, and refuses an output inside one.
fn open(job: &Job<'_>) -> Result<Vec<Source>, ExtractError> {
    let declared = job.order.sources.iter().zip(&job.sources);
    declared
        .map(|(declared, location)| {
            let source = Source::open(declared, location)?;
            let name = || source.name.clone();
            if declared.sha256.is_some() && source.stored_bytes().is_none() {
                return Err(ExtractError::DigestOfFolder { name: name() });
            }
            if declared.times_original && source.stored_bytes().is_some() {
                return Err(ExtractError::TimesOfImage { name: name() });
            }
            if let Output::Package { path, .. } = &job.output {
                let inside = source
                    .contains_output(path)
                    .map_err(|source| PackageError::Output { path: path.clone(), source })?;
                if inside {
                    return Err(ExtractError::OutputInSource { name: name() });
                }
            }
            Ok(source)
        })
        .collect()
}

fn target(output: &Output) -> Target {
    match output {
        Output::Package { path, recipients: Some(recipients), .. } => {
            Target::Encrypted { path: path.clone(), recipients: recipients.clone() }
        }
        Output::Package { path, .. } => Target::File { path: path.clone() },
        Output::Preview { spool } | Output::Replay { spool } => Target::Nowhere { spool: spool.clone() },
    }
}

fn volume<'s>(sources: &'s [Source], task: &Task) -> Result<&'s Mounted, ExtractError> {
    let volume = sources.get(task.source).and_then(|source| source.volumes.get(task.volume));
    volume.ok_or(ExtractError::Package(PackageError::Inconsistent("a stream has no volume")))
}

/// Waits for the digests of the images, and holds each against the one that the order states.
fn hashed(
    job: &Job<'_>,
    hashing: Vec<Option<Hashing>>,
    meter: &Meter<'_>,
) -> Result<Vec<Option<Hashed>>, ExtractError> {
    let declared = job.order.sources.iter().zip(hashing);
    declared
        .map(|(declared, hashing)| {
            let Some(hashing) = hashing else { return Ok(None) };
            while !hashing.is_finished() {
                meter.go_on()?;
                std::thread::sleep(POLL);
            }
            let name = || declared.name.clone();
            let found = hashing.finish().map_err(|source| ExtractError::Unhashed { name: name(), source })?;
            match declared.sha256.filter(|stated| *stated != found.whole && !job.output.is_replay()) {
                Some(stated) => Err(ExtractError::OtherImage { name: name(), found: found.whole, stated }),
                None => Ok(Some(found)),
            }
        })
        .collect()
}

/// The same with the places of the sources on this machine.
fn with_sources(own: &OwnNames, sources: &[Location]) -> OwnNames {
    let mut own = own.clone();
    for location in sources {
        for path in std::iter::once(&location.path).chain(&location.disks).chain(&location.backing) {
            own.add_source(path);
            // As given and as it is; what is not there has no other name.
            path.canonicalize().into_iter().for_each(|whole| own.add_source(&whole));
        }
    }
    own
}

/// What the custody log says of the run before it is sealed.
fn custody(
    job: &Job<'_>,
    begun: Timestamp,
    custodian: &str,
    digests: &[Option<Digest>],
) -> Result<CustodyLog, ExtractError> {
    let mut log = CustodyLog::new(job.order.sha256(), custodian);
    let now = (job.now)();
    let mut event = |time, event| log.event(time, event).map_err(PackageError::from);
    event(begun, Event::OrderRead)?;
    for source in &job.order.sources {
        event(begun, Event::SourceOpened { name: &source.name })?;
    }
    for (source, digest) in job.order.sources.iter().zip(digests) {
        if let Some(sha256) = *digest {
            event(now, Event::SourceHashed { name: &source.name, sha256, as_received: source.sha256.is_some() })?;
        }
    }
    event(now, Event::SourcesRead)?;
    Ok(log)
}
