//! The plan of one group: findings, choice, steps and certificate put together. Pure.

use std::collections::HashMap;

use serde_json::json;

use super::checks::{self, WorkspaceFacts};
use super::document::{
    Action, Brought, Certificate, ColumnChanges, Decision, Drift, DriftCommit, GroupPlan, LastCut,
    Precondition, PreconditionCode, Reason, ReasonCode, ReplicaPin, SourceCommit,
    SourceMaintenance, SourcePin, Step,
};
use super::failover::active::failed_over;
use super::finding::Finding;
use super::identity::NamedVersion;
use super::jobs;
use super::loss_receipt::LossReceipt;
use super::observed::{GroupObserved, TableObserved, WorkspaceObserved};
use super::request::Request;
use super::retention;
use super::rights;
use super::rows::was_blocked;
use super::settings::GroupSettings;
use super::status;
use super::trigger::{self, Choice, SyncTarget};
use super::versions::{self, Pinned};
use super::view::GroupView;
use crate::config::{GroupEntry, TableName};
use crate::ledger::{Cut, RowStatus};
use crate::region::{CloneOrder, Commit, Mark, Pin, Size, Source, Table, Upkeep};
use crate::text::{identifier, literal, plural};

/// Decides a group whose configuration has mistakes: it is blocked by them.
pub(super) fn of_mistakes(
    workspace: &WorkspaceObserved,
    seen: &GroupObserved,
    name: &str,
) -> GroupPlan {
    let last_cut = workspace.ledger.cuts.newest(name);
    let findings = checks::configuration_invalid(&seen.entry);
    GroupPlan { findings, ..bare(name, Decision::Blocked, reason_of_findings(&[], seen), last_cut) }
}

/// Whether the group needs nothing as far as can be seen, and what its row says of it may only be gone once somebody can look at
/// the replicas; a sync that failed is told by its row until the next one, wherever that waits.
fn stays_failed(view: &GroupView<'_>, choice: &Choice) -> bool {
    let Some(row) = view.row.filter(|row| row.current_sync_status == Some(RowStatus::Failed))
    else {
        return false;
    };
    match choice {
        Choice::Sync(_) => false,
        Choice::UpToDate(_) => true,
        Choice::Waiting(_) => view.group.paused_at(view.now).is_none() && was_blocked(row),
    }
}

/// Decides one group.
pub(super) fn plan(view: &GroupView<'_>, facts: &WorkspaceFacts, request: &Request) -> GroupPlan {
    let (workspace, seen, name) = (view.workspace, view.seen, view.group.name.as_str());
    let choice = trigger::choose(view);
    let findings = find_obstacles(view, facts, request, &choice);
    // That another side is active is told of a paused group, too.
    let of_roles = findings.iter().any(|finding| finding.code.is_of_roles());
    let paused = view.group.paused_at(view.now).is_some() && !of_roles;
    let Decided { decision, reason, target, steps } = decide(view, choice, &findings, paused);
    GroupPlan {
        trigger: target.as_ref().map(|target| target.trigger.clone()),
        recovery_point: target.as_ref().map(|target| target.point),
        consistency: target.as_ref().map(|target| target.consistency),
        follows_cut: target.as_ref().and(view.last_cut).map(|cut| cut.cut_number),
        follows_sha256: target.as_ref().and(view.last_cut).map(Cut::sha256),
        lost_cut: target.as_ref().and(lost_cut(view)),
        certificate: certificate(&steps),
        checked: status::found_at_cut(workspace, name, seen, &findings),
        loss_until_applied: view
            .last_cut
            .filter(|_| decision == Decision::Sync)
            .and_then(|cut| LossReceipt::of_cut(workspace, seen, view.now, cut)),
        crash_consistent_from: (decision == Decision::Waiting && !paused)
            .then(|| trigger::crash_consistent_from(view))
            .flatten(),
        next_due_at: trigger::next_due(view, reason.code),
        columns: match decision {
            Decision::Blocked => view.tables().filter_map(columns).collect(),
            Decision::Sync | Decision::Waiting | Decision::UpToDate => Vec::new(),
        },
        members: match decision {
            Decision::Sync => Vec::new(),
            Decision::Blocked | Decision::Waiting | Decision::UpToDate => {
                view.tables().map(|table| table.name.clone()).collect()
            }
        },
        decision,
        reason,
        findings,
        ..undecided(view, loss(view, seen, target.as_ref(), &steps), steps)
    }
}

/// What can block a group: what stands against any sync, and, where that leaves something to look at, against its target.
fn find_obstacles(
    view: &GroupView<'_>,
    facts: &WorkspaceFacts,
    request: &Request,
    choice: &Choice,
) -> Vec<Finding> {
    let mut findings = checks::standing(view, facts);
    let clear = findings.iter().all(|it| !it.code.is_of_primary() && !it.code.is_of_roles());
    match choice {
        Choice::Sync(target) if clear => findings.extend(checks::at_target(view, target)),
        Choice::UpToDate(_) | Choice::Waiting(_) if clear && stays_failed(view, choice) => {
            findings.extend(checks::secondary_finding(view));
        }
        Choice::Sync(_) | Choice::UpToDate(_) | Choice::Waiting(_) => {}
    }
    checks::accept(&mut findings, view, request);
    findings
}

/// What is done with a group, and why.
struct Decided {
    decision: Decision,
    reason: Reason,
    /// Where it would be brought.
    target: Option<SyncTarget>,
    steps: Vec<Step>,
}

/// Holds what the triggers chose against what was found.
fn decide(view: &GroupView<'_>, choice: Choice, findings: &[Finding], paused: bool) -> Decided {
    let blocks = !paused && findings.iter().any(Finding::blocks);
    let steps = match &choice {
        Choice::Sync(target) if !blocks => steps(view, target),
        Choice::Sync(_) | Choice::UpToDate(_) | Choice::Waiting(_) => Some(Vec::new()),
    };
    let (decision, reason, target) = match (choice, &steps) {
        (Choice::Waiting(reason), _) if paused => (Decision::Waiting, reason, None),
        (Choice::Sync(target), _) if blocks => {
            (Decision::Blocked, reason_of_findings(findings, view.seen), Some(target))
        }
        (_, _) if blocks => (Decision::Blocked, reason_of_findings(findings, view.seen), None),
        (Choice::Sync(target), Some(_)) => (Decision::Sync, target.reason.clone(), Some(target)),
        // Something a step needs was not seen although nothing blocks: the next plan looks again.
        (Choice::Sync(target), None) => {
            let message = "not everything that a step needs could be seen".to_owned();
            (Decision::Blocked, Reason::new(ReasonCode::Blocked, message), Some(target))
        }
        (Choice::UpToDate(reason), _) => (Decision::UpToDate, reason, None),
        (Choice::Waiting(reason), _) => (Decision::Waiting, reason, None),
    };
    Decided { decision, reason, target, steps: steps.unwrap_or_default() }
}

/// What a plan says of a group whatever is decided: what changed, what would be lost, and how it is configured.
fn undecided(view: &GroupView<'_>, loss: Option<LossReceipt>, steps: Vec<Step>) -> GroupPlan {
    let (workspace, seen, name) = (view.workspace, view.seen, view.group.name.as_str());
    let failed_over = failed_over(workspace, name, &seen.tables);
    let home = failed_over.is_none();
    let reason = Reason::new(ReasonCode::Blocked, String::new());
    GroupPlan {
        source_maintenance: view
            .tables()
            .filter_map(|table| source_maintenance(view, table))
            .collect(),
        // What the active side writes is no drift.
        drift: view.tables().filter(|_| home).filter_map(|table| drift(view, table)).collect(),
        pending_commits: view.pending().as_ref().map(|pending| pending.len() as u64),
        lag_seconds: view
            .last_cut
            .filter(|_| home)
            // Where no history was read, the lag follows from the receipt: the commits since the cut that sources were asked
            // for.
            .and_then(|_| view.lag().or_else(|| loss.as_ref()?.lag(view.now)))
            .map(|lag| lag.num_seconds().max(0)),
        failed_over,
        loss,
        jobs: jobs::of_group(workspace, seen),
        grants: rights::of_group(workspace, seen),
        rpo_seconds: Some(view.group.rpo.num_seconds()),
        max_retries: view.group.max_retries,
        tables: seen.tables.len(),
        owner_emails: view.group.owner_emails.clone(),
        settings: Some(GroupSettings::of(&workspace.workspace, view.group)),
        steps,
        ..bare(name, Decision::Blocked, reason, view.last_cut)
    }
}

/// What would be lost beyond the cut that the plan brings the group to, or beyond the one that it keeps.
fn loss(
    view: &GroupView<'_>,
    seen: &GroupObserved,
    target: Option<&SyncTarget>,
    steps: &[Step],
) -> Option<LossReceipt> {
    let by_table: HashMap<&TableName, &Step> =
        steps.iter().rev().map(|step| (&step.table, step)).collect();
    let pinned =
        |table: &TableName| by_table.get(table).map(|step| NamedVersion::in_plan(&step.source));
    match (target.filter(|_| !steps.is_empty()), view.last_cut) {
        (Some(target), _) => {
            LossReceipt::beyond(view.workspace, seen, view.now, target.point, pinned)
        }
        (None, Some(cut)) => LossReceipt::of_cut(view.workspace, seen, view.now, cut),
        (None, None) => None,
    }
}

/// The number of a cut of the group that only a run record still tells of.
fn lost_cut(view: &GroupView<'_>) -> Option<u64> {
    let newest = view.last_cut.map(|cut| cut.cut_number);
    let recorded = view.workspace.witnessed.of(&view.group.name, newest)?.number;
    (newest < Some(recorded)).then_some(recorded)
}

fn bare(name: &str, decision: Decision, reason: Reason, last_cut: Option<&Cut>) -> GroupPlan {
    GroupPlan {
        name: name.to_owned(),
        decision,
        reason,
        trigger: None,
        recovery_point: None,
        consistency: None,
        follows_cut: None,
        follows_sha256: None,
        lost_cut: None,
        last_cut: last_cut.map(LastCut::of),
        certificate: None,
        steps: Vec::new(),
        findings: Vec::new(),
        source_maintenance: Vec::new(),
        drift: Vec::new(),
        pending_commits: None,
        lag_seconds: None,
        failed_over: None,
        loss: None,
        loss_until_applied: None,
        jobs: Vec::new(),
        grants: None,
        checked: None,
        rpo_seconds: None,
        crash_consistent_from: None,
        next_due_at: None,
        columns: Vec::new(),
        max_retries: 0,
        tables: 0,
        members: Vec::new(),
        owner_emails: Vec::new(),
        settings: None,
    }
}

fn reason_of_findings(findings: &[Finding], seen: &GroupObserved) -> Reason {
    let message = match &seen.entry {
        GroupEntry::Invalid { mistakes, .. } => {
            format!("its configuration has {}", plural(mistakes.len(), "mistake"))
        }
        GroupEntry::Valid(_) => {
            let mut tables: Vec<&str> = findings
                .iter()
                .filter(|finding| finding.blocks())
                .filter_map(|finding| finding.table.as_deref())
                .collect();
            tables.sort_unstable();
            tables.dedup();
            let general =
                findings.iter().find(|finding| finding.blocks() && finding.table.is_none());
            match (tables.len(), general) {
                (0, Some(finding)) => finding.message.to_string(),
                (blocked, _) => format!(
                    "{blocked} of {}; a group is synchronized as a whole",
                    plural(seen.tables.len(), "table")
                ),
            }
        }
    };
    Reason::new(ReasonCode::Blocked, message)
}

/// One step a table; `None`: something that a step needs was not seen.
fn steps(view: &GroupView<'_>, target: &SyncTarget) -> Option<Vec<Step>> {
    view.tables().map(|table| step(view, table, target)).collect()
}

fn step(view: &GroupView<'_>, table: &TableObserved, target: &SyncTarget) -> Option<Step> {
    let listed = table.listed.as_ref().ok()?;
    let source = table.source.as_ref()?.as_ref().ok()?;
    let pin = table.pin.as_ref()?.as_ref().ok()?;
    let replica = table.replica.as_ref()?.as_ref().ok()?;
    let pinned = versions::version_at(&source.commits, target.point)?;
    if pinned.commit.version != pin.version {
        return None;
    }
    let seen = view.assessment(table).unwrap_or_default();
    let mut overwrites: Vec<u64> = seen.theirs.iter().map(|commit| commit.version).collect();
    overwrites.dedup();
    let held = seen.holds.filter(|_| seen.theirs.is_empty() && !seen.foreign);
    let place = view.replica_place(&table.name);
    let mark = Mark {
        source_table_id: pin.table_id.clone(),
        source_version: pin.version,
        replica: place.path.clone(),
    };
    let damage = view.damage(table);
    let unknown = view.unknown_clone(table).is_some();
    let recreated = view.recreated_and_accepted(table);
    let wrong = damage.is_some() || unknown || recreated;
    let action = match (replica, &held) {
        (None, _) => Action::Create,
        (Some(_), Some(held)) if *held == mark && !wrong => Action::NoOp,
        (Some(_), Some(_) | None) => Action::Update,
    };
    // Names, sizes and times prove nothing of files of another table or of other writers: the clone is ordered with doubt, and
    // contents are compared.
    let others = replica.is_some() && held.is_none();
    let doubted = unknown || recreated || others || damage.is_some_and(|damage| damage.doubted);
    let mut step = Step {
        id: format!("{}/{}", view.group.name, table.name),
        table: table.name.clone(),
        action,
        source: source_pin(view, table, listed, source, pin, pinned),
        replica: ReplicaPin {
            location: place.location,
            path: place.path,
            version: replica.as_ref().map(|replica| replica.version),
            holds_source_version: held.map(|held| held.source_version),
            overwrites,
            doubted,
        },
        properties: Default::default(),
        statement: None,
        estimate: None,
        preconditions: Vec::new(),
        brings: None,
        schema: None,
    };
    if action != Action::NoOp {
        describe_clone(&mut step, view, &mark, source, pin);
    }
    Some(step)
}

/// What only a step has that clones: its statement, what must be so before it, and what it brings.
fn describe_clone(step: &mut Step, view: &GroupView<'_>, mark: &Mark, source: &Source, pin: &Pin) {
    step.properties = mark.properties();
    step.properties.extend(retention::properties(pin, view.group.replica_retention_days));
    step.statement = Some(statement(step));
    step.estimate = pin.estimate;
    step.preconditions = preconditions(step);
    step.brings = brings(step, source);
    step.schema = pin.schema.clone();
}

fn source_pin(
    view: &GroupView<'_>,
    table: &TableObserved,
    listed: &Table,
    source: &Source,
    pin: &Pin,
    pinned: Pinned<'_>,
) -> SourcePin {
    let until = checks::readable_until(source, pinned.commit.committed_at);
    let size = size(view, table, pin);
    SourcePin {
        table_id: pin.table_id.clone(),
        version: pin.version,
        committed_at: pinned.commit.committed_at,
        commit_sha256: pinned.commit.sha256.clone(),
        next_committed_at: pinned.next.map(|next| next.committed_at),
        head_version: source.commits.last().map_or(pin.version, |head| head.version),
        bytes: size.map(|size| size.bytes),
        files: size.map(|size| size.files),
        rows: pin.rows,
        readable_until: until.filter(|_| pinned.next.is_some()),
        only_while_newest: pinned.next.is_none() && until.is_some_and(|until| until < view.now),
        location: listed.location.clone(),
        catalog_id: listed.table_id.clone(),
    }
}

/// The live files of a source at its pinned version: as it tells itself, else as a clone of that version reported them.
fn size(view: &GroupView<'_>, table: &TableObserved, pin: &Pin) -> Option<Size> {
    let cloned = || {
        let commits = &table.replica()?.commits;
        let clone = commits.iter().rev().find(|commit| {
            let mark = commit.mark.as_ref();
            mark.is_some_and(|mark| {
                mark.source_table_id == pin.table_id && mark.source_version == pin.version
            })
        });
        clone?.source_size
    };
    let cut = || {
        let entry = view.cut_entry(&table.name)?;
        (entry.source_table_id == pin.table_id && entry.source_version == pin.version)
            .then_some(Size { files: entry.files, bytes: entry.bytes })
    };
    pin.size.or_else(cloned).or_else(cut)
}

/// What an update brings. Of a table with thousands of small commits the newest are enough to recognize who wrote.
fn brings(step: &Step, source: &Source) -> Option<Brought> {
    const SHOWN_MAX: usize = 5;
    let held = step.replica.holds_source_version?;
    let range = held + 1..=step.source.version;
    let inside = |commit: &&Commit| range.contains(&commit.version);
    let known = source.commits.iter().filter(inside).count() as u64;
    let whole = step.source.version.checked_sub(held);
    let newest = source.commits.iter().rev().filter(inside);
    Some(Brought {
        commits: whole.filter(|whole| *whole == known),
        newest: newest
            .filter(|commit| commit.changes())
            .take(SHOWN_MAX)
            .map(|commit| SourceCommit {
                version: commit.version,
                committed_at: commit.committed_at,
                operation: commit.operation.clone(),
                user: commit.user.clone(),
            })
            .collect(),
    })
}

/// The clone of a step as SQL.
pub(super) fn statement(step: &Step) -> String {
    statement_of(step, &step.source.version.to_string(), |_, value| literal(value))
}

fn statement_of(step: &Step, version: &str, value_of: impl Fn(&str, &str) -> String) -> String {
    let properties = step.properties.iter();
    let properties: Vec<String> = properties
        .map(|(key, value)| format!("{} = {}", literal(key), value_of(key, value)))
        .collect();
    format!(
        "CREATE OR REPLACE TABLE delta.{} DEEP CLONE {} VERSION AS OF {version} TBLPROPERTIES ({})",
        identifier(&step.replica.location),
        step.table.sql(),
        properties.join(", ")
    )
}

impl Step {
    /// Its statement with an ellipsis for the version, which the step names beside it; one that does not follow from the step is as it
    /// stands.
    pub(crate) fn statement_of_any_version(&self) -> Option<String> {
        const ANY: &str = "…";
        let stated = self.statement.as_ref()?;
        if *stated != statement(self) {
            return Some(stated.clone());
        }
        let value_of =
            |key: &str, value: &str| literal(if key == Mark::SOURCE_VERSION { ANY } else { value });
        Some(statement_of(self, ANY, value_of))
    }
}

/// What must still be so when a step is applied.
pub(super) fn preconditions(step: &Step) -> Vec<Precondition> {
    let precondition = |code, value| Precondition { code, value };
    vec![
        precondition(PreconditionCode::SourceVersionReadable, json!(step.source.version)),
        precondition(PreconditionCode::SourceTableIdEquals, json!(step.source.table_id)),
        match step.replica.version {
            Some(version) => precondition(PreconditionCode::ReplicaVersionEquals, json!(version)),
            None => precondition(PreconditionCode::ReplicaAbsent, json!(true)),
        },
    ]
}

/// The commit times that prove the recovery point of these steps.
pub(super) fn certificate(steps: &[Step]) -> Option<Certificate> {
    Some(Certificate {
        newest_in: steps.iter().map(|step| step.source.committed_at).max()?,
        oldest_out: steps.iter().filter_map(|step| step.source.next_committed_at).min(),
    })
}

/// The commits of a source since the last cut that are maintenance by their names alone.
fn source_maintenance(view: &GroupView<'_>, table: &TableObserved) -> Option<SourceMaintenance> {
    let held = view.replica_place(&table.name).entry.map(|entry| entry.source_version);
    let commits: Vec<DriftCommit> = table
        .commits()?
        .iter()
        .filter(|commit| commit.upkeep == Upkeep::NotCompared)
        .filter(|commit| held.is_none_or(|held| commit.version > held))
        .map(|commit| DriftCommit {
            version: commit.version,
            committed_at: commit.committed_at,
            operation: commit.operation.clone(),
            user: commit.user.clone(),
            rows: None,
            rows_compared: Some(false),
        })
        .collect();
    (!commits.is_empty()).then(|| SourceMaintenance { table: table.name.clone(), commits })
}

/// How a sync would change the columns of a table that was looked at for it.
fn columns(table: &TableObserved) -> Option<ColumnChanges> {
    let change = table.pin.as_ref()?.as_ref().ok()?.schema.clone()?;
    (!change.columns.is_empty()).then(|| ColumnChanges { table: table.name.clone(), change })
}

fn drift(view: &GroupView<'_>, table: &TableObserved) -> Option<Drift> {
    let seen = view.assessment(table)?;
    if seen.theirs.is_empty() && seen.maintenance.is_empty() {
        return None;
    }
    Some(Drift {
        table: table.name.clone(),
        replica_path: Some(view.replica_place(&table.name).path),
        registered: table.registered == Some(true),
        ours: seen.ours,
        theirs: seen.theirs,
        maintenance: seen.maintenance,
    })
}

impl Step {
    /// The clone that carries the step out.
    pub fn order(&self) -> CloneOrder {
        CloneOrder {
            table: self.table.clone(),
            source_location: self.source.location.clone(),
            source_table_id: self.source.table_id.clone(),
            source_version: self.source.version,
            replica_path: self.replica.path.clone(),
            replica_version: self.replica.version,
            doubted: self.replica.doubted,
            properties: self.properties.clone(),
            // What a plan says of the statement is for people: it is made of the typed parts, here as when it was planned.
            statement: match self.action {
                Action::NoOp => String::new(),
                Action::Create | Action::Update => statement(self),
            },
        }
    }
}
