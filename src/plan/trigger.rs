//! Triggers: why now, and to which moment. The first that brings something beyond the last cut decides. Pure.

use chrono::{DateTime, Duration, DurationRound, Utc};

use super::document::{Reason, ReasonCode, Trigger, TriggerKind};
use super::loss::goes_on_without_lost_cuts;
use super::versions;
use super::view::{GroupView, is_yet_to_come};
use super::workflow::{self, CleanEnd};
use crate::config::Pause;
use crate::ledger::{Consistency, Cut, Row, RowStatus};
use crate::moment;
use crate::sentence::Sentence;
use crate::text::span;

/// What the triggers say of a group that nothing blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Choice {
    /// It is due.
    Sync(SyncTarget),
    /// A trigger gave a point, and nothing is newer.
    UpToDate(Reason),
    /// No trigger gave a point.
    Waiting(Reason),
}

/// The moment a due group is brought to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyncTarget {
    /// Why now.
    pub(super) trigger: Trigger,
    /// The same for people.
    pub(super) reason: Reason,
    /// The moment.
    pub(super) point: DateTime<Utc>,
    /// What it is tied to.
    pub(super) consistency: Consistency,
}

/// Tries the triggers in their order.
pub(super) fn choose(view: &GroupView<'_>) -> Choice {
    not_before_home(view, by_triggers(view))
}

fn by_triggers(view: &GroupView<'_>) -> Choice {
    if let Some(Pause { reason, until }) = view.group.paused_at(view.now) {
        let until = until.map_or(String::new(), |until| format!(" until {}", moment::text(until)));
        let message = format!("paused{until}: {reason}");
        return Choice::Waiting(Reason::new(ReasonCode::Paused, message));
    }
    let Some(cut) = view.last_cut else {
        return not_back(view, first_sync(view));
    };
    if goes_on_without_lost_cuts(view) {
        return after_a_loss(view, cut);
    }
    if let Some(what) = view.differs_from(cut) {
        return not_back(view, Choice::Sync(repair(view, cut, what)));
    }
    match due(view, cut) {
        Choice::Sync(target) => match min_interval(view, cut) {
            Some(reason) => Choice::Waiting(reason),
            None => not_back(view, Choice::Sync(target)),
        },
        other @ (Choice::UpToDate(_) | Choice::Waiting(_)) => other,
    }
}

/// Replicas may be further than the last cut that is left: never back to its own point, but on, as soon as nothing is being written.
fn after_a_loss(view: &GroupView<'_>, cut: &Cut) -> Choice {
    let target = repair(view, cut, "the cuts that the log lost are gone on without".into());
    if view.believed(cut).is_none_or(|point| target.point > point) {
        return not_back(view, Choice::Sync(target));
    }
    match workflow::idle_after_success(&view.workflows(), view.now) {
        Ok(()) => Choice::Sync(SyncTarget {
            trigger: Trigger { kind: TriggerKind::Repair, workflow: None, run_id: None },
            point: view.now,
            consistency: Consistency::PointInTime,
            ..target
        }),
        Err(reason) => Choice::Waiting(reason),
    }
}

/// What ended before a group came home holds nothing of what was copied home, and its replicas may hold all of it: they are never
/// brought back to that, but to now, as soon as nothing is being written.
fn not_before_home(view: &GroupView<'_>, choice: Choice) -> Choice {
    let Choice::Sync(target) = choice else {
        return choice;
    };
    let Some(home) = view.home_since().filter(|home| target.point < *home) else {
        return Choice::Sync(target);
    };
    let active = &view.workspace.workspace.name;
    let since = moment::text(home);
    match workflow::idle_after_success(&view.workflows(), view.now) {
        Ok(()) => {
            let Reason { code, message, why_now: _ } = target.reason;
            let message = format!(
                "{message}; to now, because what ended before {since}, since when {active} is active again, holds nothing of what was copied home"
            );
            Choice::Sync(SyncTarget {
                trigger: Trigger { workflow: None, run_id: None, ..target.trigger },
                reason: Reason::new(code, message),
                point: view.now,
                consistency: Consistency::PointInTime,
            })
        }
        Err(reason) => Choice::Waiting(Reason {
            message: format!(
                "{}; what ended before {since}, since when {active} is active again, holds nothing of what was copied home",
                reason.message
            )
            .into(),
            ..reason
        }),
    }
}

/// A table that came from another group may be further than this group's point: then now will do, once nothing is being written.
fn not_back(view: &GroupView<'_>, choice: Choice) -> Choice {
    let Choice::Sync(target) = choice else {
        return choice;
    };
    let Some(table) = view.goes_back(target.point) else {
        return Choice::Sync(target);
    };
    match workflow::idle_after_success(&view.workflows(), view.now) {
        Ok(()) => Choice::Sync(SyncTarget {
            trigger: Trigger { workflow: None, run_id: None, ..target.trigger },
            point: view.now,
            consistency: Consistency::PointInTime,
            ..target
        }),
        Err(reason) => Choice::Waiting(Reason {
            message: format!(
                "{}; a cut of another group holds a later version of {} than {}",
                reason.message,
                table.name,
                moment::text(target.point)
            )
            .into(),
            ..reason
        }),
    }
}

/// Whether a trigger may make the group due, so that its histories have to be looked at.
pub(super) fn may_be_due(view: &GroupView<'_>) -> bool {
    if view.group.paused_at(view.now).is_some() {
        return false;
    }
    let Some(cut) = view.last_cut else {
        return matches!(first_sync(view), Choice::Sync(_));
    };
    let failed_before = view.row.is_some_and(|row| {
        matches!(row.current_sync_status, Some(RowStatus::Failed | RowStatus::InProgress))
    });
    let workflows = view.workflows();
    let beaten = view.row.is_some_and(Row::was_beaten);
    failed_before
        || beaten
        || view.anything_accepted()
        || view.take_as_due
        || view.crash_consistent_accepted
        || view.membership_differs().is_some()
        || view.is_of_the_future(cut)
        || workflow::newest_clean_end(&workflows, Some(cut.recovery_point), view.now).is_some()
        || view.group.schedule.fired_between(view.planned(cut), view.now).is_some()
        || view.group.max_lag.is_some_and(|limit| view.now - cut.recovery_point > limit)
}

fn first_sync(view: &GroupView<'_>) -> Choice {
    let workflows = view.workflows();
    if view.group.workflows.is_empty() {
        return Choice::Sync(SyncTarget {
            trigger: Trigger { kind: TriggerKind::FirstSync, workflow: None, run_id: None },
            reason: Reason::first_sync(view.group.schedule.describe()),
            point: view.now,
            consistency: Consistency::PointInTime,
        });
    }
    if let Some(end) = workflow::newest_clean_end(&workflows, None, view.now) {
        return Choice::Sync(SyncTarget {
            trigger: ended(TriggerKind::FirstSync, &end),
            reason: Reason::first_sync(succeeded(&end)),
            point: end.at,
            consistency: Consistency::WorkflowConsistent,
        });
    }
    let seen_for = view.row.map(|row| view.now - row.date_created);
    let over = view.group.max_lag.zip(seen_for).filter(|(limit, waited)| waited > limit);
    if view.crash_consistent_accepted || over.is_some() {
        let why = match over {
            Some((limit, _)) => {
                format!("waited longer than {} for its first success", span_of(limit))
            }
            None => "accepted as crash-consistent".to_owned(),
        };
        return Choice::Sync(now_of(view, TriggerKind::MaxLag, ReasonCode::MaxLagExceeded, why));
    }
    Choice::Waiting(
        workflow::waiting_for(&workflows, None, view.now).unwrap_or_else(|| never_succeeded(view)),
    )
}

/// Brings replicas back to what a cut says: to the newest point the other triggers allow, or to the last cut's own.
fn repair(view: &GroupView<'_>, cut: &Cut, what: Sentence) -> SyncTarget {
    let reason = Reason::new(ReasonCode::ReplicaDiffers, what);
    if let Choice::Sync(target) = due(view, cut) {
        let trigger = Trigger { kind: TriggerKind::Repair, ..target.trigger };
        return SyncTarget { trigger, reason, ..target };
    }
    let repair = Trigger { kind: TriggerKind::Repair, workflow: None, run_id: None };
    let back = SyncTarget {
        trigger: Trigger { run_id: cut.workflow_run_id, ..repair.clone() },
        reason: reason.clone(),
        point: view.believed(cut).unwrap_or(view.now),
        consistency: cut.consistency,
    };
    // A table that joined the group or was created again may be younger than the last cut: where nothing is being
    // written, now will do.
    let too_young = view.tables().any(|table| {
        (view.own_entry(&table.name).is_none() || view.recreated_and_accepted(table))
            && table
                .commits()
                .is_some_and(|commits| versions::version_at(commits, cut.recovery_point).is_none())
    });
    if too_young && workflow::idle_after_success(&view.workflows(), view.now).is_ok() {
        return SyncTarget {
            trigger: repair,
            reason,
            point: view.now,
            consistency: Consistency::PointInTime,
        };
    }
    back
}

/// Workflow, schedule, max lag: in this order.
fn due(view: &GroupView<'_>, cut: &Cut) -> Choice {
    let workflows = view.workflows();
    let follows_workflow = !view.group.workflows.is_empty();
    let mut nothing_new = None;
    let mut waits = None;

    let behind = view.believed(cut);
    if let Some(end) = workflow::newest_clean_end(&workflows, behind, view.now) {
        if view.brings_beyond(cut, end.at) {
            return Choice::Sync(target_after_run(cut, &end));
        }
        nothing_new = Some(format!(
            "{} and changed nothing that cut {} lacks",
            succeeded(&end),
            cut.cut_number
        ));
    } else if follows_workflow {
        waits = workflow::waiting_for(&workflows, behind, view.now);
    }

    let fired = view.group.schedule.fired_between(view.planned(cut), view.now);
    if fired.is_some() || view.take_as_due || retried(view) || behind.is_none() {
        match workflow::idle_after_success(&workflows, view.now) {
            Err(reason) => waits = waits.or(Some(reason)),
            Ok(()) if view.brings_beyond(cut, view.now) => {
                let why = why_by_schedule(view, cut, fired);
                let (kind, code) = (TriggerKind::Schedule, ReasonCode::ScheduleDue);
                return Choice::Sync(now_of(view, kind, code, why));
            }
            Ok(()) => {
                nothing_new = nothing_new
                    .or_else(|| Some(format!("no table has changed since cut {}", cut.cut_number)));
            }
        }
    }

    if let Some(why) = why_by_lag(view)
        && view.brings_beyond(cut, view.now)
    {
        return Choice::Sync(now_of(view, TriggerKind::MaxLag, ReasonCode::MaxLagExceeded, why));
    }

    match nothing_new {
        Some(message) => Choice::UpToDate(Reason::new(ReasonCode::NothingNew, message)),
        None => Choice::Waiting(waits.unwrap_or_else(|| not_due(view))),
    }
}

/// The moment at which a run of its workflows ended well, and nothing was at work.
fn target_after_run(cut: &Cut, end: &CleanEnd) -> SyncTarget {
    let why = format!("{}, after cut {}", succeeded(end), cut.cut_number);
    SyncTarget {
        trigger: ended(TriggerKind::Workflow, end),
        reason: Reason::new(ReasonCode::WorkflowSucceeded, why),
        point: end.at,
        consistency: Consistency::WorkflowConsistent,
    }
}

/// Why a group is due by its schedule, which fired at a moment or is followed without that.
fn why_by_schedule(view: &GroupView<'_>, cut: &Cut, fired: Option<DateTime<Utc>>) -> String {
    match fired {
        Some(fired) => {
            format!("{} fired at {}", view.group.schedule.describe(), moment::text(fired))
        }
        None if view.take_as_due => "taken as due".to_owned(),
        None if view.believed(cut).is_none() => format!("{} is yet to come", cut.label()),
        None => "its last attempt came to nothing".to_owned(),
    }
}

/// Why a group is due by its lag alone; `None`: it is not.
fn why_by_lag(view: &GroupView<'_>) -> Option<String> {
    let lag = view.lag()?;
    match view.group.max_lag.filter(|limit| lag > *limit) {
        Some(limit) => Some(format!("the lag of {} is beyond {}", span_of(lag), span_of(limit))),
        None => view.crash_consistent_accepted.then(|| "accepted as crash-consistent".to_owned()),
    }
}

/// From when on max lag brings a group to now if no run of its workflows ends before; `None`: never, or it is not known.
pub(super) fn crash_consistent_from(view: &GroupView<'_>) -> Option<DateTime<Utc>> {
    let limit = view.group.max_lag.filter(|_| !view.group.workflows.is_empty())?;
    let Some(cut) = view.last_cut else {
        return view.row?.date_created.checked_add_signed(limit);
    };
    let pending = view.pending()?;
    let oldest = pending.iter().map(|commit| commit.committed_at).min()?;
    Some(oldest.checked_add_signed(limit)?.max(free_from(view, cut)))
}

/// When a group that waits for the clock alone is due again; `None`: it does not, or never is.
pub(super) fn next_due(view: &GroupView<'_>, why: ReasonCode) -> Option<DateTime<Utc>> {
    match why {
        ReasonCode::MinInterval => view.last_cut.map(|cut| free_from(view, cut)),
        ReasonCode::NotDue | ReasonCode::NothingNew => view.group.schedule.next_after(view.now),
        ReasonCode::WorkflowSucceeded
        | ReasonCode::ScheduleDue
        | ReasonCode::FirstSync
        | ReasonCode::MaxLagExceeded
        | ReasonCode::ReplicaDiffers
        | ReasonCode::WorkflowActive
        | ReasonCode::WorkflowFailed
        | ReasonCode::WorkflowNeverSucceeded
        | ReasonCode::WorkflowRunsOverlap
        | ReasonCode::Paused
        | ReasonCode::Locked
        | ReasonCode::Blocked => None,
    }
}

/// A failed or blocked group is due again at the next apply; one with a workflow by the run that it failed for.
fn retried(view: &GroupView<'_>) -> bool {
    let failed = view.row.is_some_and(|row| row.current_sync_status == Some(RowStatus::Failed));
    failed && view.group.workflows.is_empty()
}

/// A target of now: point-in-time where nothing is being written, otherwise crash-consistent.
fn now_of(
    view: &GroupView<'_>,
    kind: TriggerKind,
    code: ReasonCode,
    message: String,
) -> SyncTarget {
    let idle = workflow::idle_after_success(&view.workflows(), view.now).is_ok();
    let consistency = if idle { Consistency::PointInTime } else { Consistency::CrashConsistent };
    SyncTarget {
        trigger: Trigger { kind, workflow: None, run_id: None },
        reason: Reason::new(code, message),
        point: view.now,
        consistency,
    }
}

/// A moment without its seconds, as cron counts.
fn minute(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(Duration::minutes(1)).unwrap_or(at)
}

/// When the minimum interval of a group after a cut is over.
fn free_from(view: &GroupView<'_>, cut: &Cut) -> DateTime<Utc> {
    end_of_interval(view.planned(cut), view.group.min_interval)
}

fn end_of_interval(planned_at: DateTime<Utc>, min_interval: Duration) -> DateTime<Utc> {
    moment::later(minute(planned_at), min_interval)
}

/// Whether a group may be synchronized again whose newest cut was planned then, by the minute; a cut that is yet to come keeps no
/// group back.
pub fn is_interval_over(
    planned_at: DateTime<Utc>,
    min_interval: Duration,
    now: DateTime<Utc>,
) -> bool {
    is_yet_to_come(planned_at, now) || minute(now) >= end_of_interval(planned_at, min_interval)
}

/// What a group waits for that was synchronized less than its minimum interval ago, counted in minutes as cron does.
fn min_interval(view: &GroupView<'_>, cut: &Cut) -> Option<Reason> {
    let over = is_interval_over(cut.planned_at, view.group.min_interval, view.now);
    (!over && !view.take_as_due).then(|| {
        Reason::new(
            ReasonCode::MinInterval,
            format!(
                "{} was planned less than {} ago; due again from {}",
                cut.label(),
                span_of(view.group.min_interval),
                moment::text(free_from(view, cut))
            ),
        )
    })
}

fn not_due(view: &GroupView<'_>) -> Reason {
    let next = match view.group.schedule.next_after(view.now) {
        Some(next) => format!("next due {}", moment::text(next)),
        None => "never due again".to_owned(),
    };
    let workflows = view.workflows();
    let message = match workflows.first() {
        None => next,
        Some(workflow) => format!("no new successful run of {}; {next}", workflow.name),
    };
    Reason::new(ReasonCode::NotDue, message)
}

fn never_succeeded(view: &GroupView<'_>) -> Reason {
    let names: Vec<String> = view.group.workflows.iter().map(ToString::to_string).collect();
    Reason::new(
        ReasonCode::WorkflowNeverSucceeded,
        format!("{} has no successful run yet", names.join(", ")),
    )
}

fn ended(kind: TriggerKind, end: &CleanEnd) -> Trigger {
    Trigger { kind, workflow: Some(end.workflow.clone()), run_id: Some(end.run_id) }
}

fn succeeded(end: &CleanEnd) -> String {
    format!("{} run {} succeeded at {}", end.workflow, end.run_id, moment::text(end.at))
}

/// A duration in words.
pub(super) fn span_of(duration: Duration) -> String {
    span(duration.num_seconds())
}
