//! Carries out a plan, emits events, commits cuts.
//!
//! Per group: check what the plan pinned, record `in-progress`, clone, verify, ask the sources once more, append the cut,
//! record `success`. Nothing counts until the cut is in the secondary's log; everything before may be repeated.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};
use futures::StreamExt;
use futures::future::join_all;

mod chain;
mod check;
mod event;
mod evidence;
mod exit;
mod fence;
mod grant;
mod group;
mod here;
mod last_seen;
mod left;
mod lost;
mod notes;
mod options;
mod precondition;
mod queue;
mod registration;
mod settings;
mod signer;
mod site;
mod slots;
mod table;
mod telling;

pub use check::{GroupCheck, GroupStanding, PlanCheck, check};
pub use event::{Event, EventKind};
pub use exit::DEADLINE;
pub use here::{LocalEvidence, NothingHere};
pub use lost::LostOutput;
pub use options::ApplyOptions;
pub use signer::Signer;
pub use telling::unreached;

/// What an apply leaves, for whoever runs one.
pub use crate::record::{
    Approval, Blocking, Ending, Exit, Failed, GroupOutcome, GroupRecord, KeptConfiguration,
    MetadataRecord, Moved, NotRecorded, Notified, Outstanding, PreviousElsewhere, Recorded,
    RecordedIn, RunRecord, RunSummary, RunWarning, RunWarningCode, SettingsChanged, TableOutcome,
    TableRecord, TakenDown, ToldBefore, Unreached, UnreadableRecord, VerifiedRecord, WholeLook,
};

use crate::canonical::sha256_of_bytes;
use crate::config::{Sides, TableName};
use crate::formats::RUN;
use crate::ledger::Cuts;
use crate::moment;
use crate::plan::document::WorkspacePlan;
use crate::plan::{Action, Decision, GroupPlan, Plan, Role, RoleTold, StoredPlan};
use crate::region::{KeptDocument, RUN_RECORD_ENDING, RegionError, Regions, SIGNATURE_ENDING};
use chain::Tips;
use evidence::Keepers;
use exit::{AwayRegions, exit_of_endings, exit_without_evidence, exit_without_output};
use left::not_due;
use notes::ApplyNotes;
use registration::Registrations;
use site::Site;
use slots::Slots;

/// What one apply shares between its groups.
struct Run<'a> {
    stored: &'a StoredPlan,
    options: &'a ApplyOptions,
    tell: &'a (dyn Fn(Event) + Send + Sync),
    slots: Slots,
    notes: ApplyNotes,
    registered: std::sync::Mutex<Vec<TableName>>,
    /// Applies whose documents lie on this machine, and whether a region still lacks some.
    owed: std::sync::Mutex<BTreeMap<String, bool>>,
}

/// Carries out a plan, no more and no less (`regions` in the order of its workspaces), and returns the record of it.
///
/// Every event goes to `tell`; the last is the summary. Nothing is refused here: expiry, digests and approval are the caller's.
pub async fn apply(
    stored: &StoredPlan,
    regions: &[Regions],
    options: &ApplyOptions,
    tell: &(dyn Fn(Event) + Send + Sync),
) -> RunRecord {
    let plan = &stored.plan;
    let run = Run {
        stored,
        options,
        tell,
        slots: Slots::new(options.parallelism),
        notes: ApplyNotes::default(),
        registered: std::sync::Mutex::default(),
        owed: std::sync::Mutex::default(),
    };
    let started_at = run.now();
    run.tell(EventKind::Started {
        run_id: options.run_id.clone(),
        plan_id: plan.plan_id.clone(),
        groups: plan.summary.groups_sync,
        tables: plan.summary.create + plan.summary.update,
        copy_bytes: plan.summary.copy_bytes,
    });
    let All { groups, metadata, away, keepers, cuts, newest_cuts, newest_roles } =
        run.carry_out_workspaces(regions).await;
    let signal = options.signal.load(Ordering::Relaxed);
    let lost = (options.lost_output)();
    for output in &lost {
        run.warn(RunWarningCode::OutputLost.warn(output.to_string()));
    }
    let tips = run.tips(&keepers).await;
    let configurations = run.configurations(&keepers, &tips).await;
    let endings = groups
        .iter()
        .map(|group| group.ending.as_ref().expect("a group of this apply has its ending"));
    let away_at_all = away.values().fold(AwayRegions::default(), |all, away| all.or(*away));
    let exit = exit_of_endings(plan, endings, away_at_all, options.mistaken, signal);
    let exit = exit_without_output(exit, &lost);
    let exit = exit_without_evidence(exit, run.notes.lacks_any(Recorded::Plan));
    let mut record =
        RunRecord { groups, metadata, configurations, ..run.begin_record(started_at, exit) };
    record.summary = summary(&record.groups);
    let kept_by: Vec<&Keepers<'_>> = keepers.iter().map(|kept| &kept.keepers).collect();
    settings::note(&run, &mut record, &tips);
    last_seen::carry(&mut record, &tips, &cuts);
    telling::note(&run, &mut record, &tips, &away, &kept_by).await;
    chain::link(&mut record, tips, newest_cuts, &newest_roles);
    run.keep(&mut record, &keepers).await;
    run.tell(EventKind::Summary { record: Box::new(record.clone()) });
    record
}

/// The looks at all groups that whoever applies has just had: what a stored plan says of an earlier moment is none of this apply.
fn whole_looks(plan: &Plan, planned_now: bool) -> Vec<WholeLook> {
    let looked = plan.workspaces.iter().filter(|workspace| planned_now && workspace.whole_look);
    looked
        .map(|workspace| WholeLook {
            workspace: workspace.name.clone(),
            at: workspace.observed.primary.observed_at,
        })
        .collect()
}

/// What was done to one workspace.
struct Done<'a> {
    groups: Vec<GroupRecord>,
    metadata: Vec<MetadataRecord>,
    away: AwayRegions,
    /// The cuts of all its groups, as they were when the apply began, where they were read.
    cuts: Option<Cuts>,
    /// Where its evidence is kept; nowhere, where its location is another workspace's.
    keepers: Option<Kept<'a>>,
}

impl Done<'_> {
    /// The number of the newest cut of every group that is known now. What no chain holds is none that anybody may rely on, and one
    /// that none could follow is somebody else's.
    fn newest_cuts(&self) -> BTreeMap<String, u64> {
        let read = self.cuts.iter().flat_map(Cuts::newest_of_each);
        let read = read.filter(|cut| cut.may_be_followed()).filter(|cut| {
            self.cuts.as_ref().is_some_and(|cuts| cuts.is_one_chain(&cut.group_name))
        });
        let mut newest: BTreeMap<String, u64> =
            read.map(|cut| (cut.group_name.clone(), cut.cut_number)).collect();
        for group in &self.groups {
            if let Some(cut) = group.cut {
                let known = newest.entry(group.name.clone()).or_default();
                *known = cut.max(*known);
            }
        }
        newest
    }
}

impl Done<'_> {
    /// Of every group whose roles were ever changed the side that is active.
    fn newest_roles(&self, sides: &Sides) -> BTreeMap<String, RoleTold> {
        self.cuts.as_ref().map(|cuts| RoleTold::of_cuts(cuts, sides)).unwrap_or_default()
    }
}

/// What was done to all workspaces.
#[derive(Default)]
struct All<'a> {
    groups: Vec<GroupRecord>,
    metadata: Vec<MetadataRecord>,
    /// Of each workspace which of its regions did not answer.
    away: BTreeMap<String, AwayRegions>,
    /// Where the evidence of each is kept.
    keepers: Vec<Kept<'a>>,
    /// Of each the cuts of all its groups, where they were read.
    cuts: BTreeMap<String, Cuts>,
    /// Of each the number of the newest cut of every group.
    newest_cuts: BTreeMap<String, BTreeMap<String, u64>>,
    /// Of each the side that is active, of every group whose roles were ever changed.
    newest_roles: BTreeMap<String, BTreeMap<String, RoleTold>>,
}

impl<'a> All<'a> {
    fn take(&mut self, workspace: &WorkspacePlan, done: Done<'a>) {
        let name = || workspace.name.clone();
        self.newest_cuts.insert(name(), done.newest_cuts());
        self.newest_roles.insert(name(), done.newest_roles(&workspace.sides()));
        self.groups.extend(done.groups);
        self.metadata.extend(done.metadata);
        self.away.insert(name(), done.away);
        self.keepers.extend(done.keepers);
        self.cuts.extend(done.cuts.map(|cuts| (name(), cuts)));
    }
}

/// Where the evidence of a workspace is kept, and whether its regions were already brought together.
struct Kept<'a> {
    keepers: Keepers<'a>,
    together: bool,
}

impl<'p> Run<'p> {
    fn now(&self) -> DateTime<Utc> {
        moment::millis((self.options.clock)())
    }

    fn tell(&self, what: EventKind) {
        (self.tell)(Event { at: self.now(), what });
    }

    fn warn(&self, warning: RunWarning) {
        if self.notes.warn(warning.clone()) {
            self.tell(EventKind::Warning(warning));
        }
    }

    fn registered(&self, tables: Vec<TableName>) {
        if tables.is_empty() {
            return;
        }
        self.tell(EventKind::Registered {
            tables: tables.iter().map(ToString::to_string).collect(),
        });
        self.registered.lock().expect("no panic while a table is noted").extend(tables);
    }

    /// Notes what a region answered that was to take something down.
    fn noted(&self, workspace: &str, region: Role, what: Recorded, done: Result<(), &RegionError>) {
        match done {
            Ok(()) => self.notes.took(workspace, region, what),
            Err(why) => self.notes.lacks(workspace, region, what, why.to_string().into()),
        }
    }

    /// Notes whether regions still lack documents of an apply that this machine has.
    fn owes(&self, run_id: &str, still: bool) {
        let mut owed = self.owed.lock().expect("no panic while a debt is noted");
        *owed.entry(run_id.to_owned()).or_default() |= still;
    }

    /// The newest records of every workspace that keeps evidence.
    async fn tips(&self, keepers: &[Kept<'_>]) -> Vec<(String, Tips)> {
        join_all(keepers.iter().map(async |kept| {
            let tips = if kept.together {
                kept.keepers.tips(self).await
            } else {
                kept.keepers.bring_together(self).await
            };
            (kept.keepers.workspace().to_owned(), tips)
        }))
        .await
    }

    /// Keeps the configurations that it is applied with where the newest records name others, and says where each is kept.
    async fn configurations(
        &self,
        keepers: &[Kept<'_>],
        tips: &[(String, Tips)],
    ) -> BTreeMap<String, KeptConfiguration> {
        let of_each = keepers.iter().zip(tips).map(async |(kept, (workspace, tips))| {
            let named = tips.configurations.get(workspace);
            let given = self.options.configurations.get(workspace);
            Some((workspace.clone(), kept.keepers.keep_configuration(self, given, named).await?))
        });
        join_all(of_each).await.into_iter().flatten().collect()
    }

    /// The signature of the record's bytes; `None`: nobody is to sign.
    ///
    /// # Errors
    /// It could not be made, which was told.
    fn signature(&self, bytes: &[u8]) -> Result<Option<String>, ()> {
        let Some(signer) = &self.options.signer else {
            return Ok(None);
        };
        let comment = format!("run record of drsync, apply {}", self.options.run_id);
        let signed = signer.sign(bytes, &comment).map(Some);
        signed.map_err(|why| {
            let text = format!("the run record is not signed: {why}");
            self.warn(RunWarningCode::RecordNotSigned.warn(text));
        })
    }

    /// Keeps the record: on this machine first, then in every region; what lacks it is told in the record in hand.
    async fn keep(&self, record: &mut RunRecord, keepers: &[Kept<'_>]) {
        let bytes = record.shortened_if_quiet().bytes();
        record.record_sha256 = Some(sha256_of_bytes(&bytes));
        let run_id = &self.options.run_id;
        let signed = self.signature(&bytes);
        let unsigned = signed.is_err();
        let signature = signed.ok().flatten();
        let local = &self.options.local;
        local.keep(run_id, record.quiet, &bytes, signature.as_deref());
        let name = format!("{run_id}{RUN_RECORD_ENDING}");
        // The signature first: a record that is there has it.
        let mut document: Vec<KeptDocument> = signature
            .into_iter()
            .map(|signature| KeptDocument {
                name: format!("{name}{SIGNATURE_ENDING}"),
                bytes: signature.into_bytes(),
            })
            .collect();
        document.push(KeptDocument { name, bytes });
        let keep = keepers.iter().map(|kept| kept.keepers.keep(self, Recorded::Record, &document));
        let everywhere = join_all(keep).await.into_iter().all(|kept| kept);
        // A round that wrote nothing owes one region a record of it, any other owes it to both.
        let lacking =
            if record.quiet { !everywhere } else { self.notes.lacks_any(Recorded::Record) };
        record.exit = exit_without_evidence(record.exit.clone(), lacking || unsigned);
        record.warnings = self.notes.warnings();
        record.recorded = Some(self.notes.recorded());
        record.not_recorded = Some(self.notes.not_recorded());
        let lacks = |what| self.notes.lacks_any(what);
        self.owes(run_id, lacks(Recorded::Record) || lacks(Recorded::Plan));
        let owed = self.owed.lock().expect("no panic while a debt is noted").clone();
        for (run_id, _) in owed.iter().filter(|(_, still)| !**still) {
            self.options.local.settle(run_id);
        }
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

    /// Carries out the parts of all workspaces, side by side.
    async fn carry_out_workspaces<'a>(&self, regions: &'a [Regions]) -> All<'a>
    where
        'p: 'a,
    {
        let workspaces = &self.stored.plan.workspaces;
        let parts = workspaces.iter().zip(regions).enumerate();
        let parts = parts.map(|(at, (workspace, regions))| self.workspace(at, workspace, regions));
        let mut all = All::default();
        for (workspace, done) in workspaces.iter().zip(join_all(parts).await) {
            all.take(workspace, done);
        }
        all
    }

    /// The record of the apply without what follows from its groups and from the records before it.
    fn begin_record(&self, started_at: DateTime<Utc>, exit: Exit) -> RunRecord {
        let Run { stored, options, notes, .. } = self;
        let plan = &stored.plan;
        RunRecord {
            kind: RUN.kind.to_owned(),
            format_version: RUN.version.to_owned(),
            run_id: options.run_id.clone(),
            plan_id: plan.plan_id.clone(),
            plan_sha256: stored.sha256.clone(),
            effect_sha256: plan.effect_sha256.clone(),
            started_at,
            ended_at: self.now(),
            clock_overridden: options.clock_overridden,
            provenance: options.provenance.clone(),
            approval: Some(options.approval.clone()),
            quiet: !plan.applyable,
            exit,
            summary: RunSummary::default(),
            groups: Vec::new(),
            metadata: Vec::new(),
            registered: self.all_registered(),
            warnings: notes.warnings(),
            recorded: Some(notes.recorded()),
            not_recorded: Some(notes.not_recorded()),
            accepted: plan.accepted.clone(),
            unprotected: plan.unprotected.clone(),
            notified: None,
            configurations: BTreeMap::new(),
            newest_cuts: BTreeMap::new(),
            newest_roles: BTreeMap::new(),
            settings: BTreeMap::new(),
            settings_changed: Vec::new(),
            whole_looks: whole_looks(plan, options.planned_now),
            previous_run_sha256: None,
            other_previous_sha256: Vec::new(),
            previous_elsewhere: Vec::new(),
            previous_unseen: false,
            signed_by: options.signer.as_ref().map(|signer| signer.public_key().to_owned()),
            record_sha256: None,
        }
    }

    /// Carries out one workspace's part: metadata tables first, then its groups, smallest first.
    async fn workspace<'a>(
        &self,
        at: usize,
        plan: &'a WorkspacePlan,
        regions: &'a Regions,
    ) -> Done<'a> {
        let mut records: BTreeMap<String, GroupRecord> = BTreeMap::new();
        let (mut metadata, mut away, mut cuts) = (Vec::new(), AwayRegions::default(), None);
        let due: Vec<&GroupPlan> = smallest_first(plan);
        let nothing = due.is_empty()
            && plan.metadata.iter().all(|action| action.action == crate::plan::LedgerAction::None);
        let registrations = Registrations::new(&plan.name, &regions.secondary);
        let applyable = self.stored.plan.applyable;
        let mut keepers = Keepers::of_untouched(plan, regions);
        if let (true, true, Some(keepers)) = (nothing, applyable, &keepers) {
            // Its record will name the plan here, too.
            keepers.keep_plan(self).await;
        }
        let mut together = false;
        if !nothing {
            let mut site = Site::prepare(self, plan, regions).await;
            metadata = std::mem::take(&mut site.metadata);
            away = site.away();
            let own = Keepers::new(plan, regions, site.refusals_of_away());
            if applyable {
                let tips = own.bring_together(self).await;
                site.newest_record = tips.sha256.into_iter().next();
                own.keep_plan(self).await;
                together = true;
            }
            keepers = Some(own);
            records = self.carry_out_groups(at, due, &site, &registrations).await;
            cuts = Some(site.cuts);
        }
        if !away.secondary {
            let done = |name: &str| {
                let record = records.get(name);
                record.is_some_and(|record| record.ending == Some(Ending::Synchronized))
            };
            let others = registrations.of_others(self, plan, cuts.as_ref(), done);
            others.await;
        }
        let groups = plan.groups.iter().map(|group| {
            records
                .remove(&group.name)
                .unwrap_or_else(|| not_due(plan, group, cuts.as_ref(), self.options.planned_now))
        });
        let groups = groups.collect();
        let keepers = keepers.map(|keepers| Kept { keepers, together });
        Done { groups, metadata, away, cuts, keepers }
    }

    /// Brings the groups that are due to their cuts, as many at once as may be; `at`: the place of the workspace among all.
    async fn carry_out_groups(
        &self,
        at: usize,
        due: Vec<&GroupPlan>,
        site: &Site<'_>,
        registrations: &Registrations<'_>,
    ) -> BTreeMap<String, GroupRecord> {
        let groups = due.into_iter().enumerate().map(async |(place, group)| {
            let turn = self.slots.begin((place, at));
            let (record, committed) = group::apply(self, site, group, turn).await;
            if let Some(cut) = committed {
                registrations.of_cut(self, cut).await;
            }
            (group.name.clone(), record)
        });
        let done: Vec<(String, GroupRecord)> = futures::stream::iter(groups)
            .buffer_unordered(self.options.parallelism.max(1))
            .collect()
            .await;
        done.into_iter().collect()
    }
}

fn smallest_first(plan: &WorkspacePlan) -> Vec<&GroupPlan> {
    let mut due: Vec<&GroupPlan> =
        plan.groups.iter().filter(|group| group.decision == Decision::Sync).collect();
    due.sort_by_key(|group| {
        let copies = group.steps.iter().filter(|step| step.action != Action::NoOp);
        copies
            .map(|step| step.estimate.map_or(u64::MAX / 1024, |copy| copy.copy_bytes))
            .sum::<u64>()
    });
    due
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
        counts.copied_files +=
            group.tables.iter().filter_map(|table| table.copied_files).sum::<u64>();
        counts.copied_bytes +=
            group.tables.iter().filter_map(|table| table.copied_bytes).sum::<u64>();
    }
    counts
}
