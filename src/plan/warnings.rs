//! Warnings: what is not wrong yet. Pure.

use std::collections::{BTreeMap, HashSet};

use chrono::Duration;

use super::checks::{CREDENTIAL, external_location, odd_rows_of_others};
use super::document::{Decision, GroupPlan, WorkspacePlan};
use super::finding::{Warning, WarningCode};
use super::observed::{GroupObserved, Observed, RegionObserved, TableObserved, WorkspaceObserved};
use super::request::Request;
use super::role::Role;
use super::trigger::span_of;
use super::view::GroupView;
use super::witness::{DoubtedCut, WitnessedCut};
use crate::config::{Group, Sides};
use crate::ledger::{Consistency, Cut, RowStatus};
use crate::moment;
use crate::region::{PauseStatus, RUN_RECORD_ENDING, RegionErrorKind, UnprovedAccess, WriteAccess};
use crate::sentence::Sentence;
use crate::text::{plural, span};

/// Clocks further apart than this are worth a word.
const SKEW_MAX: Duration = Duration::seconds(60);
/// A pin or cut that can be read for less than this is worth a word.
const SOON: Duration = Duration::days(3);
/// From this share of the objective on a lag is a risk, in percent.
const AT_RISK_PERCENT: i64 = 80;

/// How a lag compares with an objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LagRisk {
    /// It is within it.
    Met,
    /// It will not be for long.
    AtRisk,
    /// It is not.
    Breached,
}

/// Whether a lag misses an objective, both in seconds.
pub fn misses_objective(lag: i64, rpo: i64) -> bool {
    lag > rpo
}

impl LagRisk {
    /// Compares a lag with an objective, both in seconds.
    pub(super) fn of(lag: i64, rpo: i64) -> LagRisk {
        if misses_objective(lag, rpo) {
            LagRisk::Breached
        } else if lag > 0 && lag * 100 >= rpo * AT_RISK_PERCENT {
            LagRisk::AtRisk
        } else {
            LagRisk::Met
        }
    }
}

impl GroupPlan {
    /// Whether its lag comes close to its objective, or is beyond it.
    pub fn is_late(&self) -> bool {
        let both = self.lag_seconds.zip(self.rpo_seconds);
        both.is_some_and(|(lag, rpo)| LagRisk::of(lag, rpo) != LagRisk::Met)
    }

    /// Whether its lag is beyond its objective.
    pub fn breaches_objective(&self) -> bool {
        let both = self.lag_seconds.zip(self.rpo_seconds);
        both.is_some_and(|(lag, rpo)| misses_objective(lag, rpo))
    }
}

/// All warnings of a workspace and its groups.
pub(super) fn of_workspace(
    observed: &Observed,
    workspace: &WorkspaceObserved,
    views: &BTreeMap<&str, GroupView<'_>>,
    planned: &WorkspacePlan,
    request: &Request,
) -> Vec<Warning> {
    let name = &workspace.workspace.name;
    let mut said = of_configuration(observed, workspace, planned, request);
    said.extend(of_ledgers(workspace, request));
    said.extend(of_secondary_workspace(workspace, planned, request));
    let needed = planned.needed.iter().map(|needed| needed.describe_with_remedy());
    said.extend(needed.map(|text| (WarningCode::DiesWithPrimary, text)));
    said.extend(unproved(workspace).into_iter().map(|text| (WarningCode::WriteNotProved, text)));
    if let Some(why) = unwritable_primary(workspace) {
        let location = &workspace.workspace.location_primary;
        said.push((
            WarningCode::PrimaryNotWritable,
            format!(
                "groups are synchronized, but the metadata tables under {location} cannot follow: {why}"
            ),
        ));
    }
    said.extend(of_clocks(observed, workspace));
    let said = said.into_iter().map(|(code, message)| Warning {
        code,
        workspace: Some(name.clone()),
        group: None,
        table: None,
        message: message.into(),
    });
    let mut all: Vec<Warning> = said.collect();
    for plan in &planned.groups {
        if let Some(view) = views.get(plan.name.as_str()) {
            all.extend(of_group(view, plan).into_iter().map(|(code, table, message)| Warning {
                code,
                workspace: Some(name.clone()),
                group: Some(plan.name.clone()),
                table,
                message: message.into(),
            }));
        }
    }
    all
}

/// A warning of a workspace as a whole.
type SaidOfAll = (WarningCode, String);

fn of_configuration(
    observed: &Observed,
    workspace: &WorkspaceObserved,
    planned: &WorkspacePlan,
    request: &Request,
) -> Vec<SaidOfAll> {
    let mut all = Vec::new();
    if observed.incomplete || workspace.workspace.incomplete {
        all.push((
            WarningCode::ConfigurationIncomplete,
            "part of the configuration was not understood: no group is retired".to_owned(),
        ));
    }
    let nothing = planned.settings_not_compared.as_ref();
    if let Some(nothing) = nothing.filter(|it| it.hides(request.selection.changed)) {
        all.push((WarningCode::SettingsNotCompared, nothing.warned()));
    }
    all
}

/// What is wrong with the metadata tables, or with what records tell beside them.
fn of_ledgers(workspace: &WorkspaceObserved, request: &Request) -> Vec<SaidOfAll> {
    let mut all = Vec::new();
    let marked = marked_without_a_ledger(workspace);
    if marked > 0 {
        all.push((
            WarningCode::LedgerLost,
            format!(
                "neither region has a cut log, yet {marked} of its replicas were synchronized before: put _drsync/sync_cuts back from a backup, or cuts are counted from 1 again"
            ),
        ));
    }
    for (role, region) in [("primary", &workspace.primary), ("secondary", &workspace.secondary)] {
        let said = damaged(role, region, &request.plan_id).into_iter();
        all.extend(said.map(|said| (WarningCode::LedgerDamaged, said)));
    }
    let odd = odd_rows_of_others(workspace).into_iter();
    all.extend(odd.map(|said| (WarningCode::LedgerOddRow, said)));
    let doubted = not_believed(workspace).into_iter();
    all.extend(doubted.map(|said| (WarningCode::RecordNotBelieved, said)));
    all
}

/// That the secondary has no workspace of its own, or what is not as it should be there.
fn of_secondary_workspace(
    workspace: &WorkspaceObserved,
    planned: &WorkspacePlan,
    request: &Request,
) -> Vec<SaidOfAll> {
    let mut all = Vec::new();
    match &workspace.workspace.secondary {
        None if !request.set_up || workspace.workspace.no_secondary.is_some() => {}
        None => all.push((
            WarningCode::SecondaryWorkspaceMissing,
            "no secondary workspace is configured: replicas are not registered, and workflows there are not watched; no_secondary_workspace says that it is so on purpose"
                .to_owned(),
        )),
        Some(_) => {
            for unseen in planned.unwatched.iter().flatten() {
                all.push((WarningCode::SecondaryWorkspaceNotSeen, unseen.message.to_string()));
            }
            let others = others_at_work(workspace);
            if !others.is_empty() {
                let text = format!("active in the secondary: {}", others.join(", "));
                all.push((WarningCode::SecondaryWorkflowActive, text));
            }
        }
    }
    if let Some(Err(why)) = &workspace.compute {
        let text = format!(
            "nothing runs SQL in the secondary's workspace on the day that it is needed: {}; create a SQL warehouse there, or give drsync CAN USE on one",
            why.describe_answer()
        );
        all.push((WarningCode::NoComputeInSecondary, text));
    }
    all
}

/// Clocks that are apart, or behind a cut.
fn of_clocks(observed: &Observed, workspace: &WorkspaceObserved) -> Vec<SaidOfAll> {
    let mut all = Vec::new();
    for (role, region) in [("primary", &workspace.primary), ("secondary", &workspace.secondary)] {
        let clock = region.presence.as_ref().ok().and_then(|presence| presence.clock);
        if let Some(clock) = clock.filter(|clock| (*clock - region.observed_at).abs() > SKEW_MAX) {
            let apart = span_of((clock - region.observed_at).abs());
            all.push((
                WarningCode::ClockSkew,
                format!("the {role}'s clock and this one are {apart} apart"),
            ));
        }
    }
    if let Some((cut, ahead)) = newest_point_ahead(observed, workspace) {
        all.push((
            WarningCode::ClockSkew,
            format!(
                "this clock is {} behind the recovery point of {} of {}: it or the one that made the cut is wrong",
                span_of(ahead),
                cut.label(),
                cut.group_name
            ),
        ));
    }
    all
}

/// The cut with the latest recovery point, where that is yet to come, and by how much.
fn newest_point_ahead<'a>(
    observed: &Observed,
    workspace: &'a WorkspaceObserved,
) -> Option<(&'a Cut, Duration)> {
    let cuts = workspace.ledger.cuts.newest_of_each();
    let newest = cuts.max_by_key(|cut| cut.recovery_point)?;
    let ahead = newest.recovery_point - workspace.now(observed.now);
    (ahead > Duration::zero()).then_some((newest, ahead))
}

/// What a wrong clock wrote: commits that no recovery point reaches yet, and a cut that says to be later than now.
fn of_the_future(view: &GroupView<'_>) -> Vec<Said> {
    let mut all: Vec<Said> = Vec::new();
    for table in view.tables() {
        let mut commits = table.commits().into_iter().flatten();
        if let Some(first) = commits.find(|commit| commit.committed_at > view.now + SKEW_MAX) {
            all.push((
                WarningCode::CommitInFuture,
                Some(table.name.to_string()),
                format!(
                    "v{} has the time {}, which is yet to come: neither it nor what follows it can be part of a cut before then",
                    first.version,
                    moment::text(first.committed_at)
                ),
            ));
        }
    }
    if let Some(cut) = view.last_cut.filter(|cut| view.is_of_the_future(cut)) {
        all.push((
            WarningCode::CutInFuture,
            None,
            format!(
                "{} is yet to come: it was made under a wrong clock; the next cut puts it right",
                cut.label()
            ),
        ));
    }
    all
}

/// What cannot be seen of both sync locations without writing there: a sentence a kind, with every place that it is true of.
fn unproved(workspace: &WorkspaceObserved) -> Vec<String> {
    let asked = [&workspace.write_access, &workspace.write_access_primary];
    let seen = asked.into_iter().flatten().filter_map(|access| match access {
        Ok(WriteAccess::NotProved(unproved)) => Some(unproved),
        Ok(WriteAccess::Allowed | WriteAccess::Refused(_)) | Err(_) => None,
    });
    let mut all: Vec<&UnprovedAccess> = seen.collect();
    all.dedup();
    let (mut names, mut flushing, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for unproved in all {
        match unproved {
            UnprovedAccess::TakenNames { place, file_system } => {
                names.push(format!("{place} ({file_system})"));
            }
            UnprovedAccess::Flushing { place, error } => {
                flushing.push(format!("{place} ({error})"))
            }
            UnprovedAccess::Rights(text) => told.push(text.to_string()),
        }
    }
    if !names.is_empty() {
        let (what, refuse) = match names.len() {
            1 => ("the file system", "refuses"),
            _ => ("the file systems", "refuse"),
        };
        told.push(format!(
            "whether {what} of {} {refuse} a taken name, by hard links or a rename, cannot be seen without writing; apply proves it before the first clone",
            names.join(" and of ")
        ));
    }
    if !flushing.is_empty() {
        told.push(format!(
            "folders of {} cannot be flushed: a crash of the machine may take the newest cut back there",
            flushing.join(" and of ")
        ));
    }
    told
}

/// Why nothing can be written to the primary's own sync location, and what would help.
fn unwritable_primary(workspace: &WorkspaceObserved) -> Option<Sentence> {
    let home = workspace.workspace.sides().home;
    match workspace.write_access_primary.as_ref()? {
        Ok(WriteAccess::Refused(denied)) => Some(match &denied.remedy {
            Some(remedy) => format!("{}; in {home}: {remedy}", denied.message).into(),
            None => denied.message.clone(),
        }),
        Err(error) if error.kind == RegionErrorKind::NotFound => {
            let location = &workspace.workspace.location_primary;
            Some(match external_location(workspace, &location.to_string()) {
                Some(statement) => {
                    format!("{}; {CREDENTIAL}; in {home}: {statement}", error.describe_answer())
                        .into()
                }
                None => error.describe_answer(),
            })
        }
        // What could not be asked is told where it was asked.
        Ok(WriteAccess::Allowed | WriteAccess::NotProved(_)) | Err(_) => None,
    }
}

/// What is wrong with the metadata tables of a region that answers, and what the next apply does about it.
fn damaged(role: &str, region: &RegionObserved, plan_id: &str) -> Vec<String> {
    let copy = region.ledger.as_ref().ok();
    let troubles = copy.into_iter().flat_map(|copy| &copy.troubles);
    troubles
        .map(|trouble| {
            let (table, why) = (trouble.table.name(), trouble.error.describe_answer());
            if trouble.unreadable { format!(
                    "{table} in the {role} cannot be read: {why}; an apply puts it aside as {table}.unreadable-{plan_id} and makes it anew"
                ) } else { format!(
                    "{table} in the {role} was read around damage: {why}; an apply writes it anew"
                ) }
        })
        .collect()
}

/// What run records tell of cuts beyond the logs that is not believed.
fn not_believed(workspace: &WorkspaceObserved) -> Vec<String> {
    if workspace.primary.ledger.is_err() || workspace.secondary.ledger.is_err() {
        return Vec::new();
    }
    let newest = |group: &str| workspace.ledger.cuts.newest(group).map(|cut| cut.cut_number);
    let doubted = workspace.witnessed.doubted(newest);
    doubted
        .map(|DoubtedCut { group, cut, unsigned }| {
            let WitnessedCut { number, run_id } = cut;
            let log = match newest(group) {
                Some(newest) => format!("the cut log ends with cut {newest}"),
                None => "the cut log has no cut of the group".to_owned(),
            };
            let why = if unsigned { "it is not signed by a key that require_signed_records names" } else { "no number so far beyond the log was ever given" };
            format!(
                "{run_id}{RUN_RECORD_ENDING} tells of cut {number} of {group}, and {log}: the record is not believed, because {why}; it stops nothing, and no later record passes its number on"
            )
        })
        .collect()
}

/// How many replicas carry our mark although no region has a cut log.
fn marked_without_a_ledger(workspace: &WorkspaceObserved) -> usize {
    let without = |region: &RegionObserved| {
        let copy = region.ledger.as_ref().ok();
        copy.is_some_and(|copy| copy.cuts.is_none())
    };
    if !without(&workspace.primary) || !without(&workspace.secondary) {
        return 0;
    }
    let marked = |group: &GroupObserved| {
        let ours = |table: &&TableObserved| {
            let mark = table.replica().and_then(|replica| replica.mark.as_ref());
            let place = workspace.replica_place(group.entry.name(), &table.name);
            mark.is_some_and(|mark| mark.replica == place.path)
        };
        group.tables.iter().filter(ours).count()
    };
    workspace.groups.iter().map(marked).sum()
}

type Said = (WarningCode, Option<String>, String);

fn of_group(view: &GroupView<'_>, plan: &GroupPlan) -> Vec<Said> {
    let mut all: Vec<Said> = Vec::new();
    all.extend(lag(plan, view.group));
    all.extend(of_the_future(view));
    all.extend(objective_out_of_reach(view.group));
    all.extend(crash_consistent(view, plan));
    all.extend(interrupted(view));
    all.extend(unprotected_tables(view));
    all.extend(active_workflows(view));
    all.extend(pins_that_expire(view, plan));
    all.extend(short_retentions(view));
    all.extend(cut_expiry(view));
    all.extend(grants(view, plan));
    all
}

fn objective_out_of_reach(group: &Group) -> Option<Said> {
    let longest = group.schedule.longest_gap();
    let text = format!(
        "the objective is {}; at worst a cut is {} old, and the time an apply takes",
        span_of(group.rpo),
        span_of(longest)
    );
    (group.rpo < longest).then_some((WarningCode::RpoShorterThanInterval, None, text))
}

fn crash_consistent(view: &GroupView<'_>, plan: &GroupPlan) -> Option<Said> {
    if plan.decision != Decision::Sync || plan.consistency != Some(Consistency::CrashConsistent) {
        return None;
    }
    let cuts = view.workspace.ledger.cuts.of(&view.group.name);
    let tied = cuts.filter(|cut| cut.consistency == Consistency::WorkflowConsistent);
    let kept = tied
        .last()
        .or(view.last_cut)
        .map_or(String::new(), |cut| format!("; {} stays readable by version", cut.label()));
    let text = format!("not tied to a finished workflow run{kept}");
    Some((WarningCode::CrashConsistent, None, text))
}

/// An apply that is at work, or was.
fn interrupted(view: &GroupView<'_>) -> Option<Said> {
    let row = view.row.filter(|row| row.current_sync_status == Some(RowStatus::InProgress))?;
    let what = row.message.clone().unwrap_or_default();
    let text = format!(
        "an apply is at work on it, or ended without a word: {what}, begun {}",
        moment::text(row.date_updated)
    );
    Some((WarningCode::Interrupted, None, text))
}

fn unprotected_tables(view: &GroupView<'_>) -> Option<Said> {
    let names: Vec<String> =
        view.seen.unprotected.iter().map(|(name, _)| name.to_string()).collect();
    let text = format!("not synchronized: {}", names.join(", "));
    (!names.is_empty()).then_some((WarningCode::UnprotectedTables, None, text))
}

/// Workflows of the secondary that nobody paused.
fn active_workflows(view: &GroupView<'_>) -> Vec<Said> {
    let workflows = view.seen.workflows_in_secondary.iter();
    let active = workflows.filter(|workflow| workflow.pause_status == PauseStatus::Unpaused);
    let said = active.map(|workflow| {
        let text = format!("{} has a schedule in the secondary that is not paused", workflow.name);
        (WarningCode::SecondaryWorkflowActive, None, text)
    });
    said.collect()
}

fn pins_that_expire(view: &GroupView<'_>, plan: &GroupPlan) -> Vec<Said> {
    let said = plan.steps.iter().filter_map(|step| {
        let until = step.source.readable_until.filter(|until| *until - view.now < SOON)?;
        let text = format!("v{} can be read until {}", step.source.version, moment::text(until));
        Some((WarningCode::PinExpiresSoon, Some(step.table.to_string()), text))
    });
    said.collect()
}

/// Tables whose replaced versions are gone before the schedule comes back to them.
fn short_retentions(view: &GroupView<'_>) -> Vec<Said> {
    let longest = view.group.schedule.longest_gap();
    let said = view.tables().filter_map(|table| {
        let source = table.source.as_ref()?.as_ref().ok()?;
        let kept = source.retention.and_then(|kept| Duration::from_std(kept).ok())?;
        let text = format!(
            "it keeps replaced versions for {}, the schedule's longest gap is {}",
            span_of(kept),
            span_of(longest)
        );
        let code = WarningCode::RetentionShorterThanInterval;
        (kept < longest).then(|| (code, Some(table.name.to_string()), text))
    });
    said.collect()
}

/// Statements that one text names.
const GRANTS_NAMED: usize = 3;

/// Rights that somebody has at one side only, with what gives those of the primary in the secondary; nobody but people gives any.
fn grants(view: &GroupView<'_>, plan: &GroupPlan) -> Option<Said> {
    let differing = plan.grants.as_ref()?.differing();
    let Sides { home, other } = view.workspace.workspace.sides();
    let of = |side: Role| differing.iter().filter(move |right| right.at == side);
    let (lacking, beyond) = (of(Role::Primary).count(), of(Role::Secondary).count());
    let more = |number: usize| match number.saturating_sub(GRANTS_NAMED) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let mut parts = Vec::new();
    if lacking > 0 {
        let statements = of(Role::Primary).take(GRANTS_NAMED);
        let statements: Vec<String> = statements.map(|right| right.grant().to_string()).collect();
        let rights = plural(lacking, "right");
        let statements = statements.join("; ");
        parts.push(format!("{rights} of {home} lacking in {other}: {statements}{}", more(lacking)));
    }
    if beyond > 0 {
        let named: Vec<String> = of(Role::Secondary)
            .take(GRANTS_NAMED)
            .map(|right| {
                format!("{} has {} on {}", right.principal, right.right.words(), right.table)
            })
            .collect();
        let named = named.join("; ");
        parts.push(format!("in {other} alone: {named}{}", more(beyond)));
    }
    (!parts.is_empty()).then(|| (WarningCode::GrantsDiffer, None, parts.join("; ")))
}

fn lag(plan: &GroupPlan, group: &Group) -> Option<Said> {
    let (lag, rpo) = (plan.lag_seconds?, group.rpo.num_seconds());
    let text = format!(
        "the oldest commit no cut holds is {} old; the objective is {}",
        span(lag),
        span_of(group.rpo)
    );
    match LagRisk::of(lag, rpo) {
        LagRisk::Met => None,
        LagRisk::AtRisk => Some((WarningCode::RpoAtRisk, None, text)),
        LagRisk::Breached => Some((WarningCode::RpoBreached, None, text)),
    }
}

/// The last cut can be restored only as long as replaced versions of its replicas are kept.
fn cut_expiry(view: &GroupView<'_>) -> Option<Said> {
    let cut = view.last_cut?;
    let replaced = view.tables().any(|table| {
        let version = view.own_entry(&table.name).map(|entry| entry.replica_version);
        table
            .replica()
            .is_some_and(|replica| version.is_some_and(|version| replica.version > version))
    });
    let retention = Duration::days(i64::from(view.group.replica_retention_days));
    let until = moment::later(cut.committed_at, retention);
    (replaced && until - view.now < SOON).then(|| {
        (
            WarningCode::CutExpiresSoon,
            None,
            format!("{} can be restored until {}", cut.label(), moment::text(until)),
        )
    })
}

/// Runs in the secondary of jobs that no group names; those that a group names block it. The first few by name.
fn others_at_work(workspace: &WorkspaceObserved) -> Vec<String> {
    const SHOWN_MAX: usize = 5;
    let named: HashSet<&str> = workspace
        .groups
        .iter()
        .flat_map(|group| &group.workflows_in_secondary)
        .map(|workflow| workflow.name.as_str())
        .collect();
    let runs = workspace.watch.iter().flat_map(|watch| &watch.active);
    let others: Vec<String> = runs
        .filter(|run| !named.contains(run.name.as_str()))
        .map(|run| {
            let since = moment::text(run.started_at);
            match run.name.as_str() {
                "" => format!("run {} of job {} since {since}", run.run_id, run.job_id),
                name => format!("{name} run {} since {since}", run.run_id),
            }
        })
        .collect();
    let more = others.len().saturating_sub(SHOWN_MAX);
    let more = (more > 0).then(|| format!("{more} more"));
    others.into_iter().take(SHOWN_MAX).chain(more).collect()
}
