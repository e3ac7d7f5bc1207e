//! One group: data first, then one atomic entry in the cut log that makes it true.
//! Only this file has replicas tidied.

mod cut;
mod end;

use chrono::{DateTime, Utc};
use futures::future::join_all;

use super::Run;
use super::event::EventKind;
use super::fence::{Fence, told_with_clones};
use super::grant::Missing;
use super::precondition::{self, Holding, Task, Unfit};
use super::site::{Sent, Site};
use super::slots::GroupTurn;
use super::table;
use crate::config::TableName;
use crate::ledger::{Consistency, Cut, Row, row};
use crate::plan::{
    Action, Checked, FindingCode, GroupPlan, PRIMARY_AWAY, PRIMARY_REFUSED, Role, Step,
};
use crate::record::{
    Ending, Failed, GroupRecord, Moved, Recorded, RunWarningCode, TableOutcome, TableRecord,
};
use crate::region::{Appended, LookDepth, VerifiedLevel};
use crate::sentence::Sentence;
use cut::cut;
use end::GroupEnd;

/// Brings one group to its recovery point, or says why not; with the cut that was committed.
pub(super) async fn apply(
    run: &Run<'_>,
    site: &Site<'_>,
    plan: &GroupPlan,
    turn: GroupTurn,
) -> (GroupRecord, Option<Cut>) {
    let record = record_before_its_turn(run, site, plan);
    if run.stopped() {
        return (record, None);
    }
    let mut committed = None;
    let point = plan.recovery_point.expect("a group to be synchronized has a recovery point");
    let attempt = Attempt { run, site, plan, turn: &turn, point, started: run.now() };
    let record = match attempt.synchronize().await {
        Ok((cut, tables, checked)) => {
            let record = GroupRecord {
                outcome: Ending::Synchronized.outcome(),
                ending: Some(Ending::Synchronized),
                message: None,
                cut: Some(cut.cut_number),
                recovery_point: Some(cut.recovery_point),
                checked,
                loss: plan.loss.clone().filter(|_| run.options.planned_now),
                tables,
                ..record
            };
            committed = Some(cut);
            record
        }
        Err(end) => record_of_end(run, plan, record, attempt.or_failed_over(end).await),
    };
    run.tell(EventKind::GroupEnded {
        workspace: record.workspace.clone(),
        group: record.name.clone(),
        outcome: record.outcome,
        ending: record.ending.clone(),
        message: record.message.clone(),
    });
    (record, committed)
}

/// The record of a group whose turn has not come: it stands at the cut that it had.
fn record_before_its_turn(run: &Run<'_>, site: &Site<'_>, plan: &GroupPlan) -> GroupRecord {
    let last = site.cuts.newest(&plan.name);
    GroupRecord {
        workspace: site.plan.name.clone(),
        name: plan.name.clone(),
        outcome: Ending::NotStarted.outcome(),
        ending: Some(Ending::NotStarted),
        message: Some("the apply ended before its turn".into()),
        cut: last.map(|cut| cut.cut_number),
        recovery_point: last.map(|cut| cut.recovery_point),
        checked: None,
        loss: super::left::loss(plan, last, run.options.planned_now),
        lost_with: None,
        jobs: super::left::jobs(plan, run.options.planned_now),
        grants: plan.grants.clone().filter(|_| run.options.planned_now),
        tables: Vec::new(),
    }
}

/// The record of a group that did not come to its cut: it stands at the one that it had, or at that of another apply.
fn record_of_end(
    run: &Run<'_>,
    plan: &GroupPlan,
    before: GroupRecord,
    end: GroupEnd,
) -> GroupRecord {
    let mut record = GroupRecord {
        outcome: end.ending.outcome(),
        ending: Some(end.ending),
        message: Some(end.message),
        tables: end.tables,
        ..before
    };
    if let Some(cut) = end.cut {
        record.cut = Some(cut.cut_number);
        record.recovery_point = Some(cut.recovery_point);
        record.loss = super::left::loss(plan, Some(&cut), run.options.planned_now);
    }
    record
}

/// One attempt to bring a group to its recovery point.
#[derive(Clone, Copy)]
struct Attempt<'a> {
    run: &'a Run<'a>,
    site: &'a Site<'a>,
    plan: &'a GroupPlan,
    /// Its turn among all groups.
    turn: &'a GroupTurn,
    /// The recovery point.
    point: DateTime<Utc>,
    started: DateTime<Utc>,
}

impl Attempt<'_> {
    /// The protocol: everything up to the cut can be repeated without harm, and nothing counts before it.
    async fn synchronize(&self) -> Result<(Cut, Vec<TableRecord>, Option<Checked>), GroupEnd> {
        self.check_that_its_cut_comes_next().await?;
        self.check_that_ledgers_can_be_used().await?;
        self.check_that_nothing_runs_in_the_secondary().await?;
        self.tell_that_it_began();
        let tasks = self.check_that_nothing_moved().await?;
        self.write_that_it_is_in_progress().await?;
        let tables = self.clone_tables(&tasks).await?;
        let commits = match self.check_that_no_commit_turned_up().await {
            Ok(commits) => commits,
            Err(end) => return Err(end.with(tables)),
        };
        // What it found under its hands is anybody's guess.
        if let Err(end) = self.check_that_nothing_runs_in_the_secondary().await {
            return Err(end.with(tables));
        }
        let looked = Checked { depth: least(&tasks, &tables), at: self.run.now() };
        let cut = cut(self, &tables, commits);
        let (cut, tables) = self.append_to_the_secondary(cut, tables).await?;
        self.copy_to_the_primary(&cut).await;
        self.clean_logs_of_replicas(&tables).await;
        self.write_that_it_succeeded(&cut).await;
        Ok((cut, tables, Some(looked)))
    }

    async fn check_that_its_cut_comes_next(&self) -> Result<(), GroupEnd> {
        let Attempt { site, .. } = self;
        if let Some(refusal) = &site.unread {
            let away = refusal.kind.is_away();
            return Err(if away {
                GroupEnd::of(
                    Ending::Away { side: Role::Primary },
                    format!("{PRIMARY_AWAY}: {refusal}"),
                )
            } else {
                let text = format!("the metadata tables of neither region can be read: {refusal}");
                GroupEnd::of(Ending::Failed(Failed::LedgersUnread), text)
            });
        }
        match self.passed_by(&site.cuts) {
            Some(end) if end.is_failed_over() => {
                let row = end.message.clone();
                Err(self.failed(row, end).await)
            }
            // Where the secondary's log could not be read, only an overtaken group is known to have ended; whether another end
            // holds, that log would tell.
            Some(end) if end.is_overtaken() || site.secondary_refusal.is_none() => Err(end),
            Some(_) | None => Ok(()),
        }
    }

    async fn check_that_ledgers_can_be_used(&self) -> Result<(), GroupEnd> {
        let Attempt { site, .. } = self;
        if let Some(refusal) = &site.secondary_refusal {
            if refusal.kind.is_away() {
                return Err(self.away(Role::Secondary, refusal).await);
            }
            let text = format!("the metadata tables in the secondary cannot be used: {refusal}");
            return Err(self
                .unusable(Role::Secondary, text.into(), row::sync_failed, refusal)
                .await);
        }
        if let Some(refusal) = &site.primary_refusal
            && refusal.kind.is_of_region()
        {
            if refusal.kind.is_away() {
                return Err(self.away(Role::Primary, refusal).await);
            }
            let text = Sentence::from(format!("{PRIMARY_REFUSED}: {refusal}"));
            let ending = Ending::of_region(Role::Primary, refusal);
            let end = GroupEnd::of(ending, text.clone()).by(Missing::of(refusal, None));
            return Err(self.failed(text, end).await);
        }
        Ok(())
    }

    /// No workflow of the group is at work where its replicas are.
    async fn check_that_nothing_runs_in_the_secondary(&self) -> Result<(), GroupEnd> {
        let Attempt { site, plan, .. } = self;
        if site.plan.connection.secondary_workspace.is_none() {
            return Ok(());
        }
        match precondition::at_work_in_secondary(site.regions, plan).await {
            Some((ending, text)) => {
                Err(self.failed(row::sync_failed(&text), GroupEnd::of(ending, text)).await)
            }
            None => Ok(()),
        }
    }

    fn tell_that_it_began(&self) {
        let Attempt { run, site, plan, point, .. } = *self;
        run.tell(EventKind::GroupStarted {
            workspace: site.plan.name.clone(),
            group: plan.name.clone(),
            recovery_point: point,
            tables: plan.steps.iter().filter(|step| step.action != Action::NoOp).count(),
        });
    }

    /// Sources and replicas are as they were planned on; what is to be done to each table.
    async fn check_that_nothing_moved(&self) -> Result<Vec<Task>, GroupEnd> {
        let Attempt { run, site, plan, .. } = *self;
        let look = async || precondition::check(site.regions, &site.cuts, plan, run.now()).await;
        match retry_look(run, plan, look).await {
            Ok(tasks) => Ok(tasks),
            Err(unfit) => Err(self.unfit(unfit).await),
        }
    }

    /// The first write to the secondary, which proves that it can be written.
    async fn write_that_it_is_in_progress(&self) -> Result<(), GroupEnd> {
        let Attempt { run, site, plan, point, .. } = *self;
        let message = format!("run {} to {}", run.options.run_id, crate::moment::text(point));
        let begun = site.record(run, &plan.name, |row| row.begun(message, run.now())).await;
        let Err(error) = begun else { return Ok(()) };
        let text = format!("the metadata table in the secondary cannot be written: {error}");
        Err(self.unusable(Role::Secondary, text.into(), row::sync_failed_at, &error).await)
    }

    /// Clones and verifies every table that has to be; all of them hold what they shall, or the group ends here.
    async fn clone_tables(&self, tasks: &[Task]) -> Result<Vec<TableRecord>, GroupEnd> {
        let Attempt { run, site, plan, turn, .. } = *self;
        let replicas: Vec<String> =
            plan.steps.iter().map(|step| step.replica.path.clone()).collect();
        site.regions.secondary.location.clear_left_over(&replicas).await;
        let fence = Fence::new(site, plan);
        turn.asks(tasks.iter().filter(|task| matches!(task, Task::Clone(_))).count());
        let steps = plan.steps.iter().zip(tasks);
        let done = join_all(steps.map(async |(step, task)| match task {
            Task::Holds(holding) => (record_of_holding(step, holding), None),
            Task::Clone(copying) => {
                table::apply(run, site, (plan, turn), step, &copying.order, &fence).await
            }
        }))
        .await;
        let (tables, missing): (Vec<TableRecord>, Vec<Option<Missing>>) = done.into_iter().unzip();
        let missing = missing.into_iter().flatten().next();
        let undone = |table: &TableRecord| match table.outcome {
            TableOutcome::Failed | TableOutcome::NotStarted => true,
            TableOutcome::Cloned | TableOutcome::AlreadyCloned | TableOutcome::Unchanged => false,
        };
        // Who changes roles marks the replicas, and a clone under way fails by that.
        if tables.iter().any(undone)
            && let Some(end) = self.fenced(&fence, &tables).await
        {
            return Err(end.with(tables));
        }
        if run.stopped() && tables.iter().any(|table| table.outcome == TableOutcome::NotStarted) {
            let run_id = &run.options.run_id;
            let row =
                row::interrupted(&format!("run {run_id} was stopped; the next apply continues"));
            let text = "stopped; the next apply continues";
            let end = GroupEnd::of(Ending::Interrupted, text).by(missing).with(tables);
            return Err(self.failed(row, end).await);
        }
        let of_failed = tables.iter().filter(|table| table.outcome == TableOutcome::Failed);
        let (names, failures): (Vec<TableName>, Vec<String>) = of_failed
            .map(|table| {
                let why = table.message.as_ref().map_or("failed".to_owned(), ToString::to_string);
                (table.table.clone(), format!("{}: {why}", table.table))
            })
            .unzip();
        if !failures.is_empty() {
            let text = failures.join("; ");
            let row = row::sync_failed(&text);
            let ending = Ending::Failed(Failed::Tables { tables: names });
            let end = GroupEnd::of(ending, text).by(missing).with(tables);
            return Err(self.failed(row, end).await);
        }
        Ok(tables)
    }

    /// No commit with a time before the recovery point is there now that was not when it was planned: with what is said of the
    /// pinned commits, in the plan's order of tables.
    async fn check_that_no_commit_turned_up(
        &self,
    ) -> Result<Vec<precondition::PinnedCommit>, GroupEnd> {
        let Attempt { run, site, plan, point, .. } = *self;
        let look = async || precondition::still_true(site.regions, plan, point).await;
        match retry_look(run, plan, look).await {
            Ok(commits) => Ok(commits),
            Err(unfit) => Err(self.unfit(unfit).await),
        }
    }

    /// The commit point.
    async fn append_to_the_secondary(
        &self,
        cut: Cut,
        tables: Vec<TableRecord>,
    ) -> Result<(Cut, Vec<TableRecord>), GroupEnd> {
        let Attempt { run, site, plan, .. } = *self;
        let end = match site.append(cut.clone()).await {
            Ok(Sent::Yes(Appended::Committed)) => {
                run.tell(EventKind::CutCommitted {
                    workspace: site.plan.name.clone(),
                    group: plan.name.clone(),
                    cut: cut.cut_number,
                    recovery_point: cut.recovery_point,
                    tables: tables.len(),
                });
                return Ok((cut, tables));
            }
            Ok(Sent::Yes(Appended::Lost(other) | Appended::Diverged(Some(other))))
                if other.is_away_from(&site.plan.name) =>
            {
                let (ending, text) = precondition::away_from_home(&other);
                let end = GroupEnd { cut: Some(*other), ..GroupEnd::of(ending, text.clone()) };
                self.failed(text, end).await
            }
            Ok(Sent::No(refusal)) => {
                let text = format!(
                    "the primary's cut log could not be read again before the cut, so that none was appended: {refusal}"
                );
                self.unusable(Role::Primary, text.into(), row::sync_failed, &refusal).await
            }
            Ok(Sent::Yes(Appended::Lost(other))) => self.beaten_by(*other, &cut).await,
            Ok(Sent::Yes(Appended::Diverged(other))) => {
                let newest = other.map_or("no cut".to_owned(), |newest| newest.label());
                self.end_as_diverged(format!(
                    "the secondary's log ends with {newest}, not with the cut this one follows"
                ))
                .await
            }
            Ok(Sent::Yes(Appended::Unreadable)) => {
                let why = "a row of the group in the cut log is no cut, and nothing is committed beside it; the next plan says which and where";
                self.end_as_diverged(why.to_owned()).await
            }
            Err(error) => {
                // The run's id: the next plan looks whether the cut is there all the same.
                let run_id = &run.options.run_id;
                let text = format!("run {run_id} could not see its cut committed: {error}");
                let row = row::sync_failed_at(&text);
                let end = GroupEnd::of(Ending::Failed(Failed::CutUnseen), text);
                self.failed(row, end.by(Missing::of(&error, None))).await
            }
        };
        Err(end.with(tables))
    }

    /// Another apply committed a cut first: the row says so, and the group is overtaken where that cut brings it as far as its own.
    async fn beaten_by(&self, other: Cut, own: &Cut) -> GroupEnd {
        let Attempt { run, site, plan, .. } = *self;
        let message = format!("run {} committed {} first", other.run_id, other.label());
        let beaten = |before: &Row| before.beaten(&other, &run.options.run_id, run.now());
        if let Err(error) = site.record(run, &plan.name, beaten).await {
            site.warn_of_status(run, &plan.name, Role::Secondary, &error);
        }
        let ending = if precondition::covers(&other, plan, own.recovery_point) {
            Ending::overtaken(&other)
        } else {
            Ending::Stale { why: Moved::CutCommitted, table: None }
        };
        GroupEnd { cut: Some(other), ..GroupEnd::of(ending, message) }
    }

    /// The cut has no place in the log.
    async fn end_as_diverged(&self, why: String) -> GroupEnd {
        let code = FindingCode::LedgerDiverged;
        let text: Sentence = format!("{}: {why}", code.as_str()).into();
        let found = Failed::Found { code, table: None };
        self.failed(text.clone(), GroupEnd::of(Ending::Failed(found), text)).await
    }

    /// How it ended, or that the group was failed over meanwhile: that is why replicas and logs are not as they were planned on.
    async fn or_failed_over(&self, end: GroupEnd) -> GroupEnd {
        let Attempt { site, plan, .. } = *self;
        let moved = matches!(end.ending, Ending::Failed(_) | Ending::Stale { .. });
        if !moved || end.is_failed_over() {
            return end;
        }
        for region in [&site.regions.secondary, &site.regions.primary] {
            let Ok(cuts) = region.location.newest_cuts(&[&plan.name]).await else {
                continue;
            };
            let newest = cuts.newest(&plan.name);
            if let Some(cut) = newest.filter(|cut| cut.is_away_from(&site.plan.name)) {
                let (ending, _) = precondition::away_from_home(cut);
                let text = told_with_clones(cut, &end.tables);
                let over =
                    GroupEnd { cut: Some(cut.clone()), ..GroupEnd::of(ending, text.clone()) };
                return self.failed(text, over.with(end.tables)).await;
            }
        }
        end
    }

    async fn copy_to_the_primary(&self, cut: &Cut) {
        let Attempt { run, site, .. } = *self;
        let copied = match &site.primary_refusal {
            None => site.copy_to_primary(cut.clone()).await,
            // Whoever prepared the site has warned of it.
            Some(refusal) => Err(refusal.clone()),
        };
        run.noted(&site.plan.name, Role::Secondary, Recorded::Cuts, Ok(()));
        run.noted(&site.plan.name, Role::Primary, Recorded::Cuts, copied.as_ref().copied());
        if site.primary_refusal.is_none()
            && let Err(error) = copied
        {
            site.warn_of_copy(run, cut, &error);
        }
    }

    /// Only now nothing before these versions is needed any more, but by who reads within retention.
    async fn clean_logs_of_replicas(&self, tables: &[TableRecord]) {
        let cloned = self.plan.steps.iter().zip(tables);
        let cloned = cloned.filter(|(_, table)| table.outcome == TableOutcome::Cloned);
        let named = cloned
            .filter_map(|(step, table)| Some((step.replica.path.clone(), table.replica_version?)));
        self.site.regions.secondary.location.clean_logs(&named.collect::<Vec<_>>()).await;
    }

    async fn write_that_it_succeeded(&self, cut: &Cut) {
        let Attempt { run, site, plan, started, .. } = *self;
        let message = match plan.consistency {
            Some(Consistency::CrashConsistent) => {
                format!("{}; crash-consistent: not tied to a finished workflow run", cut.message())
            }
            Some(Consistency::WorkflowConsistent | Consistency::PointInTime) | None => {
                cut.message()
            }
        };
        let written = site
            .record(run, &plan.name, |row| row.succeeded(started, cut, message, run.now()))
            .await;
        if let Err(error) = written {
            let text =
                format!("the success of {} is not recorded in the secondary: {error}", plan.name);
            let warning = RunWarningCode::StatusNotRecorded.warn(text).about(&plan.name);
            run.warn(warning.of_side(Role::Secondary).of_workspace(&site.plan.name));
        }
    }
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

fn record_of_holding(step: &Step, holding: &Holding) -> TableRecord {
    let Holding { version, depth: _, files, rows } = holding;
    TableRecord {
        outcome: TableOutcome::Unchanged,
        replica_version: Some(*version),
        replica_files_sha256: files.as_ref().map(|files| files.listed_sha256.clone()),
        replica_content_sha256: files.as_ref().and_then(|files| files.content_sha256.clone()),
        rows: *rows,
        ..table::not_started(step)
    }
}

/// Looks again, as often as the plan allows, where something could not be seen this time.
async fn retry_look<T>(
    run: &Run<'_>,
    plan: &GroupPlan,
    look: impl AsyncFn() -> Result<T, Unfit>,
) -> Result<T, Unfit> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        match look().await {
            Err(unfit) if table::may_retry(run, plan, unfit.failure, attempts) => {
                table::wait(run, table::backoff(attempts)).await;
            }
            other => return other,
        }
    }
}
