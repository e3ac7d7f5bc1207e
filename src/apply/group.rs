//! One group: data first, then one atomic entry in the cut log that makes it true.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures::future::join_all;

use super::Run;
use super::ending::{Ending, Failed, Moved};
use super::event::What;
use super::grant::{Missing, grant_for, with_grant};
use super::precondition::{self, Holding, Passed, Task, Unfit};
use super::record::{GroupRecord, Recorded, TableOutcome, TableRecord};
use super::site::{Sent, Site};
use super::table;
use super::warning::RunWarningCode;
use crate::config::TableName;
use crate::ledger::{AcceptedRisk, Cut, CutTableEntry, Cuts, LaterColumns, row};
use crate::plan::{
    Action, Checked, FindingCode, GroupPlan, PRIMARY_AWAY, PRIMARY_REFUSED, Role, Step, StoredPlan,
    words_of_region,
};
use crate::region::{Appended, LookDepth, RegionError, VerifiedLevel};

/// How a group ended that did not come to its cut.
struct End {
    ending: Ending,
    message: String,
    tables: Vec<TableRecord>,
    /// The cut that another apply brought it to.
    cut: Option<Cut>,
    /// The right whose lack is why.
    missing: Option<Missing>,
}

/// Brings one group to its recovery point, or says why not; with the cut that was committed.
pub(super) async fn apply(
    run: &Run<'_>,
    site: &Site<'_>,
    plan: &GroupPlan,
) -> (GroupRecord, Option<Cut>) {
    let last = site.cuts.newest(&plan.name);
    let mut record = GroupRecord {
        workspace: site.plan.name.clone(),
        name: plan.name.clone(),
        outcome: Ending::NotStarted.outcome(),
        ending: Some(Ending::NotStarted),
        message: Some("the apply ended before its turn".to_owned()),
        cut: last.map(|cut| cut.cut_number),
        recovery_point: last.map(|cut| cut.recovery_point),
        checked: None,
        tables: Vec::new(),
    };
    if run.stopped() {
        return (record, None);
    }
    let mut committed = None;
    match synchronize(run, site, plan).await {
        Ok((cut, tables, checked)) => {
            record = GroupRecord {
                outcome: Ending::Synchronized.outcome(),
                ending: Some(Ending::Synchronized),
                message: None,
                cut: Some(cut.cut_number),
                recovery_point: Some(cut.recovery_point),
                checked,
                tables,
                ..record
            };
            committed = Some(cut);
        }
        Err(end) => {
            if let Some(cut) = end.cut {
                record.cut = Some(cut.cut_number);
                record.recovery_point = Some(cut.recovery_point);
            }
            record = GroupRecord {
                outcome: end.ending.outcome(),
                ending: Some(end.ending),
                message: Some(end.message),
                tables: end.tables,
                ..record
            };
        }
    }
    run.tell(What::GroupEnded {
        workspace: record.workspace.clone(),
        group: record.name.clone(),
        outcome: record.outcome,
        ending: record.ending.clone(),
        message: record.message.clone(),
    });
    (record, committed)
}

async fn synchronize(
    run: &Run<'_>,
    site: &Site<'_>,
    plan: &GroupPlan,
) -> Result<(Cut, Vec<TableRecord>, Option<Checked>), End> {
    let started = run.now();
    let point = plan.recovery_point.expect("a group to be synchronized has a recovery point");
    if let Some(refusal) = &site.unread {
        return Err(match refusal.kind.is_away() {
            true => {
                End::of(Ending::Away { side: Role::Primary }, format!("{PRIMARY_AWAY}: {refusal}"))
            }
            false => End::of(
                Ending::Failed(Failed::LedgersUnread),
                format!("the metadata tables of neither region can be read: {refusal}"),
            ),
        });
    }
    match End::faster(run, &site.plan.name, &site.cuts, plan, point) {
        Some(end) if end.is_failed_over() => {
            let row = end.message.clone();
            return Err(failed(run, site, plan, row, end).await);
        }
        // What only a log that could not be read would tell is not known.
        Some(end) if end.is_overtaken() || site.secondary_refusal.is_none() => return Err(end),
        Some(_) | None => {}
    }
    if let Some(refusal) = &site.secondary_refusal {
        if !refusal.kind.is_away() {
            let text = format!("the metadata tables in the secondary cannot be used: {refusal}");
            let row = row::sync_failed(&text);
            let ending = Ending::Failed(Failed::LedgerUnusable { side: Role::Secondary });
            let end = End::of(ending, text).by(Missing::of(refusal, None));
            return Err(failed(run, site, plan, row, end).await);
        }
        return Err(away(run, site, plan, Role::Secondary, refusal).await);
    }
    if let Some(refusal) = &site.primary_refusal
        && refusal.kind.is_of_region()
    {
        if !refusal.kind.is_away() {
            let text = format!("{PRIMARY_REFUSED}: {refusal}");
            let ending = Ending::of_region(Role::Primary, refusal);
            let end = End::of(ending, text.clone()).by(Missing::of(refusal, None));
            return Err(failed(run, site, plan, text, end).await);
        }
        return Err(away(run, site, plan, Role::Primary, refusal).await);
    }
    run.tell(What::GroupStarted {
        workspace: site.plan.name.clone(),
        group: plan.name.clone(),
        recovery_point: point,
        tables: plan.steps.iter().filter(|step| step.action != Action::NoOp).count(),
    });
    let look = async || precondition::check(site.regions, &site.cuts, plan, run.now()).await;
    let checked = match seen(run, plan, look).await {
        Ok(checked) => checked,
        Err(unfit) => return Err(End::unfit(unfit, run, site, plan, point).await),
    };
    let message = format!("run {} to {}", run.options.run_id, crate::moment::text(point));
    let begun = site.record(run, &plan.name, |row| row.begun(message, run.now())).await;
    if let Err(error) = begun {
        let text = format!("the metadata table in the secondary cannot be written: {error}");
        let row = row::sync_failed_at(&text);
        let ending = Ending::Failed(Failed::LedgerUnusable { side: Role::Secondary });
        let end = End::of(ending, text).by(Missing::of(&error, None));
        return Err(failed(run, site, plan, row, end).await);
    }

    let steps = plan.steps.iter();
    let replicas: Vec<String> = steps.map(|step| step.replica.path.clone()).collect();
    site.regions.secondary.clear_left_over(&replicas).await;
    let done =
        join_all(plan.steps.iter().zip(&checked).map(async |(step, checked)| match checked {
            Task::Holds(holding) => (held(step, holding), None),
            Task::Clone(copying) => table::apply(run, site, plan, step, &copying.order).await,
        }))
        .await;
    let (tables, missing): (Vec<TableRecord>, Vec<Option<Missing>>) = done.into_iter().unzip();
    let missing = missing.into_iter().flatten().next();
    if run.stopped() && tables.iter().any(|table| table.outcome == TableOutcome::NotStarted) {
        let run_id = &run.options.run_id;
        let row = row::interrupted(&format!("run {run_id} was stopped; the next apply continues"));
        let text = "stopped; the next apply continues".to_owned();
        let end = End { tables, ..End::of(Ending::Interrupted, text).by(missing) };
        return Err(failed(run, site, plan, row, end).await);
    }
    let of_failed = tables.iter().filter(|table| table.outcome == TableOutcome::Failed);
    let (names, failures): (Vec<TableName>, Vec<String>) = of_failed
        .map(|table| {
            let why = table.message.as_deref().unwrap_or("failed");
            (table.table.clone(), format!("{}: {why}", table.table))
        })
        .unzip();
    if !failures.is_empty() {
        let text = failures.join("; ");
        let row = row::sync_failed(&text);
        let ending = Ending::Failed(Failed::Tables { tables: names });
        let end = End { tables, ..End::of(ending, text).by(missing) };
        return Err(failed(run, site, plan, row, end).await);
    }
    let look = async || precondition::still_true(site.regions, plan, point).await;
    let commits = match seen(run, plan, look).await {
        Ok(commits) => commits,
        Err(unfit) => {
            let mut end = End::unfit(unfit, run, site, plan, point).await;
            end.tables = tables;
            return Err(end);
        }
    };
    let cut = cut(run, site, plan, point, &tables, commits);
    let looked = Checked { depth: least(&checked, &tables), at: run.now() };
    let (cut, tables) = commit(run, site, plan, cut, started, tables).await?;
    Ok((cut, tables, Some(looked)))
}

/// How deeply the replicas of a group were looked at that all hold what they shall: that of which least was seen.
fn least(tasks: &[Task], tables: &[TableRecord]) -> LookDepth {
    let depth = |(task, table): (&Task, &TableRecord)| match (task, &table.verified) {
        (Task::Holds(holding), _) => holding.depth,
        (Task::Clone(_), Some(verified)) => match verified.level {
            VerifiedLevel::Files => LookDepth::ContentRead,
            VerifiedLevel::Metrics | VerifiedLevel::Rows => LookDepth::History,
        },
        (Task::Clone(_), None) => LookDepth::History,
    };
    let depths = tasks.iter().zip(tables).map(depth);
    depths.min().unwrap_or(LookDepth::History)
}

fn held(step: &Step, holding: &Holding) -> TableRecord {
    let Holding { version, depth: _, files } = holding;
    TableRecord {
        outcome: TableOutcome::Unchanged,
        replica_version: Some(*version),
        replica_files_sha256: files.as_ref().map(|files| files.listed_sha256.clone()),
        replica_content_sha256: files.as_ref().and_then(|files| files.content_sha256.clone()),
        ..table::not_started(step)
    }
}

/// Appends the cut, in the secondary first, then says so in both regions.
async fn commit(
    run: &Run<'_>,
    site: &Site<'_>,
    plan: &GroupPlan,
    cut: Cut,
    started: DateTime<Utc>,
    tables: Vec<TableRecord>,
) -> Result<(Cut, Vec<TableRecord>), End> {
    match site.append(cut.clone()).await {
        Ok(Sent::Yes(Appended::Committed)) => {}
        Ok(Sent::Yes(Appended::Lost(other) | Appended::Diverged(Some(other))))
            if other.is_away_from(&site.plan.name) =>
        {
            let (ending, text) = precondition::away_from_home(&other);
            let end = End { tables, cut: Some(*other), ..End::of(ending, text.clone()) };
            return Err(failed(run, site, plan, text, end).await);
        }
        Ok(Sent::No(refusal)) => {
            let text = format!(
                "the primary's cut log could not be read again before the cut, so that none was appended: {refusal}"
            );
            let row = row::sync_failed(&text);
            let ending = Ending::Failed(Failed::LedgerUnusable { side: Role::Primary });
            let end = End { tables, ..End::of(ending, text) };
            let end = end.by(Missing::of(&refusal, None));
            return Err(failed(run, site, plan, row, end).await);
        }
        Ok(Sent::Yes(Appended::Lost(other))) => {
            let message = format!("run {} committed {} first", other.run_id, other.label());
            let told = site
                .record(run, &plan.name, |row| row.beaten(&other, &run.options.run_id, run.now()))
                .await;
            if let Err(error) = told {
                site.warn_of_status(run, &plan.name, Role::Secondary, &error);
            }
            let ending = match precondition::covers(&other, plan, cut.recovery_point) {
                true => Ending::overtaken(&other),
                false => Ending::Stale { why: Moved::CutCommitted, table: None },
            };
            return Err(End { tables, cut: Some(*other), ..End::of(ending, message) });
        }
        Ok(Sent::Yes(Appended::Diverged(other))) => {
            let newest = other.map_or("no cut".to_owned(), |other| other.label());
            let text = format!(
                "{}: the secondary's log ends with {newest}, not with the cut this one follows",
                FindingCode::LedgerDiverged.as_str()
            );
            let found = Failed::Found { code: FindingCode::LedgerDiverged, table: None };
            let end = End { tables, ..End::of(Ending::Failed(found), text.clone()) };
            return Err(failed(run, site, plan, text, end).await);
        }
        Err(error) => {
            // The run's id: the next plan looks whether the cut is there all the same.
            let run_id = &run.options.run_id;
            let text = format!("run {run_id} could not see its cut committed: {error}");
            let row = row::sync_failed_at(&text);
            let end = End::of(Ending::Failed(Failed::CutUnseen), text);
            let end = End { tables, ..end.by(Missing::of(&error, None)) };
            return Err(failed(run, site, plan, row, end).await);
        }
    }
    run.tell(What::CutCommitted {
        workspace: site.plan.name.clone(),
        group: plan.name.clone(),
        cut: cut.cut_number,
        recovery_point: cut.recovery_point,
        tables: tables.len(),
    });
    let copied = match &site.primary_refusal {
        None => site.copy_to_primary(cut.clone()).await,
        // That was told.
        Some(refusal) => Err(refusal.clone()),
    };
    run.noted(&site.plan.name, Role::Secondary, Recorded::Cuts, Ok(()));
    run.noted(&site.plan.name, Role::Primary, Recorded::Cuts, copied.as_ref().copied());
    if site.primary_refusal.is_none()
        && let Err(error) = copied
    {
        let text =
            format!("{} of {} is not in the primary's log yet: {error}", cut.label(), plan.name);
        let warning = RunWarningCode::CutNotCopied.warn(text).about(&plan.name);
        run.warn(warning.of_side(Role::Primary).of_workspace(&site.plan.name));
    }
    // Only now nothing before these versions is needed any more, but by who reads within retention.
    let cloned = plan.steps.iter().zip(&tables);
    let cloned = cloned.filter(|(_, table)| table.outcome == TableOutcome::Cloned);
    let named = cloned
        .filter_map(|(step, table)| Some((step.replica.path.clone(), table.replica_version?)));
    site.regions.secondary.clean_logs(&named.collect::<Vec<_>>()).await;
    let message = match plan.consistency {
        Some(crate::ledger::Consistency::CrashConsistent) => {
            format!("{}; crash-consistent: not tied to a finished workflow run", cut.message())
        }
        Some(_) | None => cut.message(),
    };
    let recorded =
        site.record(run, &plan.name, |row| row.succeeded(started, &cut, message, run.now())).await;
    if let Err(error) = recorded {
        let text =
            format!("the success of {} is not recorded in the secondary: {error}", plan.name);
        let warning = RunWarningCode::StatusNotRecorded.warn(text).about(&plan.name);
        run.warn(warning.of_side(Role::Secondary).of_workspace(&site.plan.name));
    }
    Ok((cut, tables))
}

/// The cut that holds what was done; `commits` are the digests of the pinned commits, in the plan's order of tables.
fn cut(
    run: &Run<'_>,
    site: &Site<'_>,
    plan: &GroupPlan,
    point: DateTime<Utc>,
    tables: &[TableRecord],
    commits: Vec<Option<String>>,
) -> Cut {
    let done: BTreeMap<&TableName, &TableRecord> =
        tables.iter().map(|table| (&table.table, table)).collect();
    let stored = run.stored;
    let trigger = plan.trigger.as_ref();
    // Whose epoch it is the cut before says, which the append makes sure of.
    let last = site.cuts.newest(&plan.name);
    Cut {
        group_name: plan.name.clone(),
        cut_number: plan.next_cut(),
        recovery_point: point,
        consistency: plan.consistency.expect("a group to be synchronized has a consistency"),
        trigger: trigger.map_or_else(String::new, |trigger| trigger.kind.as_str().to_owned()),
        workflow_run_id: trigger.and_then(|trigger| trigger.run_id),
        planned_at: stored.plan.created_at,
        tables: plan
            .steps
            .iter()
            .zip(commits)
            .map(|(step, commit)| {
                let done = done
                    .get(&step.table)
                    .expect("a group is committed only when every table has its record");
                CutTableEntry {
                    table: step.table.clone(),
                    source_table_id: step.source.table_id.clone(),
                    source_version: step.source.version,
                    source_committed_at: step.source.committed_at,
                    rows: step.source.rows,
                    files: done.source_files.unwrap_or_default(),
                    bytes: done.source_bytes.unwrap_or_default(),
                    replica_location: step.replica.location.clone(),
                    replica_version: done.replica_version.expect(
                        "a group is committed only when every table has its replica version",
                    ),
                    source_commit_sha256: commit,
                    replica_files_sha256: done.replica_files_sha256.clone(),
                    replica_content_sha256: done.replica_content_sha256.clone(),
                    later: LaterColumns::default(),
                }
            })
            .collect(),
        accepted: accepted(stored, &site.plan.name, plan),
        plan_id: stored.plan.plan_id.clone(),
        plan_sha256: stored.sha256.clone(),
        run_id: run.options.run_id.clone(),
        epoch: last.map_or(0, |last| last.epoch),
        committed_by: run.options.provenance.actor.clone(),
        committed_at: run.now(),
        previous_sha256: plan.follows_sha256.clone(),
        run_record_sha256: site.newest_record.clone(),
        kind: None,
        active: last.and_then(|last| last.active.clone()),
        later: LaterColumns::default(),
    }
}

/// The plan's accepted risks that are about the group.
fn accepted(stored: &StoredPlan, workspace: &str, group: &GroupPlan) -> Vec<AcceptedRisk> {
    let tables = || group.steps.iter().map(|step| step.table.to_string());
    let about = |risk: &&AcceptedRisk| risk.is_about(workspace, &group.name, tables());
    stored.plan.accepted.iter().filter(about).cloned().collect()
}

/// Records that a region is away; nothing of the group was tried.
async fn away(
    run: &Run<'_>,
    site: &Site<'_>,
    plan: &GroupPlan,
    side: Role,
    refusal: &RegionError,
) -> End {
    let words = words_of_region(side, refusal.kind);
    let end = End::of(Ending::Away { side }, format!("{words}: {refusal}"));
    failed(run, site, plan, words.to_owned(), end).await
}

/// Records an end that is none to be content with in both regions, as far as they can be written; `row`: what the row says of it.
async fn failed(run: &Run<'_>, site: &Site<'_>, plan: &GroupPlan, row: String, end: End) -> End {
    let (principal, missing) = (site.principal.as_deref(), end.missing.as_ref());
    let grant = grant_for(site.regions, site.plan, plan, principal, missing).await;
    let with = |text| with_grant(text, grant.as_ref());
    let (row, message) = (with(row), with(end.message));
    if let Err(error) = site.record(run, &plan.name, |before| before.failed(row, run.now())).await
        && site.secondary_refusal.is_none()
    {
        site.warn_of_status(run, &plan.name, Role::Secondary, &error);
    }
    End { message, ..end }
}

/// Looks again, as often as the plan allows, where something could not be seen this time.
async fn seen<T>(
    run: &Run<'_>,
    plan: &GroupPlan,
    look: impl AsyncFn() -> Result<T, Unfit>,
) -> Result<T, Unfit> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        match look().await {
            Err(unfit) if unfit.again && attempts <= plan.max_retries && !run.stopped() => {
                table::wait(run, table::backoff(attempts)).await;
            }
            other => return other,
        }
    }
}

impl End {
    /// An end before any table was looked at.
    fn of(ending: Ending, message: String) -> End {
        End { ending, message, tables: Vec::new(), cut: None, missing: None }
    }

    /// The same for the lack of a right.
    fn by(self, missing: Option<Missing>) -> End {
        End { missing, ..self }
    }

    /// The end of a group that cannot be synchronized as planned.
    async fn unfit(
        unfit: Unfit,
        run: &Run<'_>,
        site: &Site<'_>,
        plan: &GroupPlan,
        point: DateTime<Utc>,
    ) -> End {
        let Unfit { ending, text, missing, again: _ } = unfit;
        let stale = matches!(*ending, Ending::Stale { .. });
        if stale {
            // What moved may be what another apply of the same changes did.
            let now = site.regions.secondary.ledger().await.unwrap_or_default();
            let faster = End::faster(run, &site.plan.name, &now.all_cuts(), plan, point);
            if let Some(end) = faster.filter(|end| end.is_overtaken() || end.is_failed_over()) {
                return end;
            }
        }
        let row = if stale { row::interrupted(&text) } else { text.clone() };
        failed(run, site, plan, row, End::of(*ending, text).by(missing)).await
    }

    /// The end of a group whose cut does not come next in a log.
    fn faster(
        run: &Run<'_>,
        home: &str,
        cuts: &Cuts,
        plan: &GroupPlan,
        point: DateTime<Utc>,
    ) -> Option<End> {
        let passed = precondition::follows(cuts, home, plan, point, &run.stored.sha256).err()?;
        let cut = match &passed {
            Passed::Applied(_) | Passed::Overtaken(_) | Passed::FailedOver(_) => {
                cuts.newest(&plan.name).cloned()
            }
            Passed::Stale(_, _) => None,
        };
        Some(End { cut, ..End::of(passed.ending(), passed.message()) })
    }

    /// Another side is active of the group.
    fn is_failed_over(&self) -> bool {
        self.ending.is_found(FindingCode::is_of_roles)
    }

    /// Another apply brought the group as far, or further.
    fn is_overtaken(&self) -> bool {
        matches!(self.ending, Ending::Overtaken { .. })
    }
}
