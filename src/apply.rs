//! Carries out a plan, emits events, commits cuts.
//!
//! Per group: check what the plan pinned, record `in-progress`, clone, verify, ask the sources once more, append the cut,
//! record `success`. Nothing counts until the cut is in the secondary's log; everything before may be repeated.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use chrono::{DateTime, Utc};
use futures::StreamExt;
use futures::future::join_all;
use tokio::sync::Semaphore;

mod approval;
mod chain;
mod check;
mod event;
mod exit;
mod group;
mod lost;
mod precondition;
mod queue;
mod record;
mod registration;
mod site;
mod table;

pub use approval::Approval;
pub use check::{CHECK_KIND, GroupCheck, GroupStanding, PlanCheck, check};
pub use event::{Event, What};
pub use lost::LostOutput;
pub use record::{
    Exit, FORMAT_VERSION, GroupOutcome, GroupRecord, KIND, MetadataRecord, RunRecord, RunSummary,
    TableOutcome, TableRecord, UnreadableRecord, VerifiedRecord,
};

use crate::config::TableName;
use crate::ledger::Cuts;
use crate::moment;
use crate::plan::document::WorkspacePlan;
use crate::plan::{Action, Decision, GroupPlan, Provenance, StoredPlan};
use crate::region::{Regions, grant_named};
use exit::Away;
use registration::Registrations;
use site::Site;

/// How an apply is to work.
#[derive(Clone)]
pub struct Options {
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
    /// The exit status of the signal that set `stop`; 0: none.
    pub signal: Arc<AtomicU8>,
    /// The clock.
    pub clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    /// `DRSYNC_NOW` replaced the clock.
    pub clock_overridden: bool,
    /// The signature of the plan's file, kept beside it.
    pub signature: Option<String>,
    /// What of the events and the text could not be written so far; asked before the record is written.
    pub lost_output: Arc<dyn Fn() -> Vec<LostOutput> + Send + Sync>,
}

/// What one apply shares between its groups.
struct Run<'a> {
    stored: &'a StoredPlan,
    options: &'a Options,
    tell: &'a (dyn Fn(Event) + Send + Sync),
    clones: Semaphore,
    warnings: std::sync::Mutex<Vec<String>>,
    registered: std::sync::Mutex<Vec<TableName>>,
}

/// Carries out a plan, no more and no less (`regions` in the order of its workspaces), and returns the record of it.
///
/// Every event goes to `tell`; the last is the summary. Nothing is refused here: expiry, digests and approval are the caller's.
pub async fn apply(
    stored: &StoredPlan,
    regions: &[Regions],
    options: &Options,
    tell: &(dyn Fn(Event) + Send + Sync),
) -> RunRecord {
    let plan = &stored.plan;
    let run = Run {
        stored,
        options,
        tell,
        clones: Semaphore::new(options.parallelism.max(1)),
        warnings: std::sync::Mutex::default(),
        registered: std::sync::Mutex::default(),
    };
    let started_at = run.now();
    run.tell(What::Started {
        run_id: options.run_id.clone(),
        plan_id: plan.plan_id.clone(),
        groups: plan.summary.groups_sync,
        tables: plan.summary.create + plan.summary.update,
        copy_bytes: plan.summary.copy_bytes,
    });
    let workspaces = plan
        .workspaces
        .iter()
        .zip(regions)
        .map(|(workspace, regions)| run.workspace(workspace, regions));
    let (mut groups, mut metadata, mut away) = (Vec::new(), Vec::new(), Away::default());
    for done in join_all(workspaces).await {
        groups.extend(done.groups);
        metadata.extend(done.metadata);
        away.primary |= done.away.primary;
        away.secondary |= done.away.secondary;
    }
    let signal = options.signal.load(Ordering::Relaxed);
    let lost = (options.lost_output)();
    for output in &lost {
        run.warn(output.to_string());
    }
    let warnings = std::mem::take(
        &mut *run
            .warnings
            .lock()
            .expect("no panic while a warning is noted"),
    );
    let mut record = RunRecord {
        kind: KIND.to_owned(),
        format_version: FORMAT_VERSION.to_owned(),
        run_id: options.run_id.clone(),
        plan_id: plan.plan_id.clone(),
        plan_sha256: stored.sha256.clone(),
        effect_sha256: plan.effect_sha256.clone(),
        started_at,
        ended_at: run.now(),
        clock_overridden: options.clock_overridden,
        provenance: options.provenance.clone(),
        approval: Some(options.approval.clone()),
        quiet: !plan.applyable,
        exit: lost::exit(exit::of(plan, &groups, away, signal), &lost),
        summary: summary(&groups),
        groups,
        metadata,
        registered: run.all_registered(),
        warnings,
        accepted: plan.accepted.clone(),
        unprotected: plan.unprotected.clone(),
        previous_run_sha256: None,
    };
    chain::keep(&mut record, plan, regions).await;
    run.tell(What::Summary {
        record: Box::new(record.clone()),
    });
    record
}

/// What was done to one workspace.
struct Done {
    groups: Vec<GroupRecord>,
    metadata: Vec<MetadataRecord>,
    away: Away,
}

impl Run<'_> {
    fn now(&self) -> DateTime<Utc> {
        moment::millis((self.options.clock)())
    }

    fn tell(&self, what: What) {
        (self.tell)(Event {
            at: self.now(),
            what,
        });
    }

    fn warn(&self, message: String) {
        self.tell(What::Warning {
            message: message.clone(),
        });
        self.warnings
            .lock()
            .expect("no panic while a warning is noted")
            .push(message);
    }

    fn registered(&self, tables: Vec<TableName>) {
        if tables.is_empty() {
            return;
        }
        self.tell(What::Registered {
            tables: tables.iter().map(ToString::to_string).collect(),
        });
        self.registered
            .lock()
            .expect("no panic while a table is noted")
            .extend(tables);
    }

    /// Every replica that was registered, sorted.
    fn all_registered(&self) -> Vec<TableName> {
        let registered = self.registered.lock();
        let mut all = std::mem::take(&mut *registered.expect("no panic while a table is noted"));
        all.sort();
        all
    }

    fn stopped(&self) -> bool {
        self.options.stop.load(Ordering::Relaxed)
    }

    /// Carries out one workspace's part: metadata tables first, then its groups, smallest first.
    async fn workspace(&self, plan: &WorkspacePlan, regions: &Regions) -> Done {
        let mut records: BTreeMap<String, GroupRecord> = BTreeMap::new();
        let (mut metadata, mut away, mut cuts) = (Vec::new(), Away::default(), None);
        let due: Vec<&GroupPlan> = smallest_first(plan);
        let nothing = due.is_empty()
            && plan
                .metadata
                .iter()
                .all(|action| action.action == crate::plan::LedgerAction::None);
        let registrations = Registrations::new(regions.secondary.as_ref());
        if !nothing {
            let mut site = Site::prepare(self, plan, regions).await;
            metadata = std::mem::take(&mut site.metadata);
            away = site.away();
            let groups = due.into_iter().map(async |group| {
                let (record, committed) = group::apply(self, &site, group).await;
                if let Some(cut) = committed {
                    registrations.of_cut(self, cut).await;
                }
                (group.name.clone(), record)
            });
            let done: Vec<(String, GroupRecord)> = futures::stream::iter(groups)
                .buffer_unordered(self.options.parallelism.max(1))
                .collect()
                .await;
            records.extend(done);
            cuts = Some(site.cuts);
        }
        if !away.secondary {
            let done = |name: &str| {
                let record = records.get(name);
                record.is_some_and(|record| record.outcome == GroupOutcome::Synchronized)
            };
            let others = registrations.of_others(self, plan, cuts.as_ref(), done);
            others.await;
        }
        let groups = plan.groups.iter().map(|group| {
            records
                .remove(&group.name)
                .unwrap_or_else(|| not_due(plan, group, cuts.as_ref()))
        });
        Done {
            groups: groups.collect(),
            metadata,
            away,
        }
    }
}

fn smallest_first(plan: &WorkspacePlan) -> Vec<&GroupPlan> {
    let mut due: Vec<&GroupPlan> = plan
        .groups
        .iter()
        .filter(|group| group.decision == Decision::Sync)
        .collect();
    due.sort_by_key(|group| {
        let copies = group
            .steps
            .iter()
            .filter(|step| step.action != Action::NoOp);
        copies
            .map(|step| {
                step.estimate
                    .map_or(u64::MAX / 1024, |copy| copy.copy_bytes)
            })
            .sum::<u64>()
    });
    due
}

/// The record of a group that the plan leaves as it is; `cuts`: as they were when the apply began, where they were read.
///
/// Of what the plan tells of it only what its effect has is kept: the plan itself says the rest.
fn not_due(workspace: &WorkspacePlan, group: &GroupPlan, cuts: Option<&Cuts>) -> GroupRecord {
    let (outcome, message) = match group.decision {
        Decision::Blocked => (GroupOutcome::Blocked, Some(blocking(group))),
        Decision::Waiting => (GroupOutcome::Waiting, None),
        Decision::UpToDate => (GroupOutcome::UpToDate, None),
        Decision::Sync => (
            GroupOutcome::NotStarted,
            Some("the apply ended before its turn".to_owned()),
        ),
    };
    let last = cuts.and_then(|cuts| cuts.newest(&group.name));
    GroupRecord {
        workspace: workspace.name.clone(),
        name: group.name.clone(),
        outcome,
        message,
        cut: last.map(|cut| cut.cut_number),
        recovery_point: last.map(|cut| cut.recovery_point),
        tables: Vec::new(),
    }
}

/// What blocks a group: every finding, with the table that it is about.
fn blocking(group: &GroupPlan) -> String {
    let findings = group.findings.iter().filter(|finding| finding.blocks());
    let texts: Vec<String> = findings
        .map(|finding| match &finding.table {
            Some(table) => format!("{}: {table}", finding.code.as_str()),
            None => finding.code.as_str().to_owned(),
        })
        .collect();
    texts.join("; ")
}

/// What was told, with the statement that gives whoever asked the right whose lack it tells of, where it names one.
fn with_grant(principal: Option<&str>, told: String) -> String {
    match principal.and_then(|principal| grant_named(&told, principal)) {
        Some(grant) => format!("{told}; {grant}"),
        None => told,
    }
}

fn summary(groups: &[GroupRecord]) -> RunSummary {
    let mut counts = RunSummary::default();
    for group in groups {
        match group.outcome {
            GroupOutcome::Synchronized => counts.synchronized += 1,
            GroupOutcome::Failed => counts.failed += 1,
            GroupOutcome::Blocked => counts.blocked += 1,
            GroupOutcome::Stale => counts.stale += 1,
            GroupOutcome::Overtaken => counts.overtaken += 1,
            GroupOutcome::NotStarted => counts.not_started += 1,
            GroupOutcome::UpToDate => counts.up_to_date += 1,
            GroupOutcome::Waiting => counts.waiting += 1,
        }
        counts.copied_files += group
            .tables
            .iter()
            .filter_map(|table| table.copied_files)
            .sum::<u64>();
        counts.copied_bytes += group
            .tables
            .iter()
            .filter_map(|table| table.copied_bytes)
            .sum::<u64>();
    }
    counts
}
