//! How an apply is to work. Types alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8};

use chrono::{DateTime, Utc};

use super::here::{LocalEvidence, NothingHere};
use super::lost::LostOutput;
use super::signer::Signer;
use crate::notify::Policy;
use crate::plan::Provenance;
use crate::record::Approval;

/// How an apply is to work.
#[derive(Clone)]
pub struct ApplyOptions {
    /// A fresh ULID.
    pub run_id: String,
    /// Who runs it, and where.
    pub provenance: Provenance,
    /// What approval it has.
    pub approval: Approval,
    /// Clones at once.
    pub parallelism: usize,
    /// Set to stop starting work (first Ctrl-C or SIGTERM).
    pub stop: Arc<AtomicBool>,
    /// The exit status of the signal that set `stop`, or [`DEADLINE`](super::DEADLINE); 0: nothing did.
    pub signal: Arc<AtomicU8>,
    /// The clock.
    pub clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    /// `DRSYNC_NOW` replaced the clock.
    pub clock_overridden: bool,
    /// The signature of the plan's file, kept beside it.
    pub signature: Option<String>,
    /// What of the events and the text could not be written so far; asked before the record is written.
    pub lost_output: Arc<dyn Fn() -> Vec<LostOutput> + Send + Sync>,
    /// What this machine keeps.
    pub local: Arc<dyn LocalEvidence>,
    /// Who signs the record; nobody, unless asked for.
    pub signer: Option<Arc<dyn Signer>>,
    /// Public keys of the runners whose records witness cuts, as minisign writes them; none: every record does.
    pub record_keys: Vec<String>,
    /// The plan was computed by whoever applies it now: what it saw of cuts beside its effect is no stranger's word.
    pub planned_now: bool,
    /// The configuration that the plan was computed from has mistakes: what they are about may be in no group of the plan.
    pub mistaken: bool,
    /// Who is told what of its workspaces; nobody, where it is empty.
    pub policies: Vec<Policy>,
    /// Of each workspace its configuration as it is kept with the evidence; of one without, the one before stays.
    pub configurations: BTreeMap<String, Vec<u8>>,
    /// From where it looks: this machine, or the project of a pipeline.
    pub seen_from: String,
}

impl ApplyOptions {
    /// An apply of a plan that was computed just now: nobody approved it, this machine keeps nothing of it, and nobody is told.
    pub fn new(
        run_id: String,
        provenance: Provenance,
        clock: impl Fn() -> DateTime<Utc> + Send + Sync + 'static,
    ) -> ApplyOptions {
        ApplyOptions {
            run_id,
            provenance,
            approval: Approval::None,
            parallelism: 4,
            stop: Arc::default(),
            signal: Arc::default(),
            clock: Arc::new(clock),
            clock_overridden: false,
            signature: None,
            lost_output: Arc::new(Vec::new),
            local: Arc::new(NothingHere),
            signer: None,
            record_keys: Vec::new(),
            planned_now: true,
            mistaken: false,
            policies: Vec::new(),
            configurations: BTreeMap::new(),
            seen_from: String::new(),
        }
    }
}
