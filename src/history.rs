//! What the cuts and run records of a period prove: who applied what, with whose approval, and how fresh the replicas were.
//!
//! Pure: documents in, a report out. Everything is a lower bound: what no record shows is not claimed.

mod chain;
mod claims;
pub mod era;

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use ulid::Ulid;

use crate::ledger::Cut;
use crate::moment;
use crate::plan::SettingChange;
use crate::plan::document::TriggerKind;
use crate::record::{Approval, Exit, GroupOutcome, GroupRecord, RunRecord, SignatureSeen};
use crate::region::{KeptDocument, PLAN_ENDING, PassedOver};
use crate::sentence::Sentence;

pub use chain::{Chain, CutName, NotedRecord, Skew, Unrecorded};
pub use claims::{Claim, PlanSeen, UnprovedClaim};

/// The period of a report: a moment belongs to it from its beginning on, up to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// None: from the first record or cut on.
    pub since: Option<DateTime<Utc>>,
    /// Usually now.
    pub until: DateTime<Utc>,
    /// It is not over: what a clock that is ahead wrote belongs to it.
    pub open: bool,
}

impl Span {
    /// Whether a moment belongs to it.
    fn holds(&self, at: DateTime<Utc>) -> bool {
        self.since.is_none_or(|since| since <= at) && (self.open || at <= self.until)
    }
}

/// A group that the report is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedGroup {
    /// Its name.
    pub group: String,
    /// How old its replicas may be, by today's configuration; None: it is configured no longer.
    pub objective: Option<Duration>,
}

/// What is known of one workspace's period.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Period {
    /// The beginning of the report.
    #[serde(with = "moment::Moment")]
    pub since: DateTime<Utc>,
    /// Its end.
    #[serde(with = "moment::Moment")]
    pub until: DateTime<Utc>,
    /// Applies that had something to do, oldest first.
    pub applies: Vec<ApplyLine>,
    /// Applies that looked and had nothing to do.
    pub quiet_rounds: usize,
    /// The longest time between the ends of two records, in seconds.
    pub longest_silence_seconds: i64,
    /// Run ids of applies that changed something without anybody's approval.
    pub without_approval: Vec<String>,
    /// Settings of protection that changed, by the first record under them, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<SettingsLine>,
    /// One entry a group.
    pub groups: Vec<GroupPeriod>,
    /// Whether the records are all there and unaltered.
    pub chain: Chain,
    /// What records of the period claim and the evidence does not show, oldest first.
    pub unproved: Vec<UnprovedClaim>,
}

/// What the regions of a workspace keep as evidence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// All run records, sorted by name: which follows which is judged over all of them.
    pub documents: Vec<KeptDocument>,
    /// Names under which the regions keep different records.
    pub differing: Vec<String>,
    /// What lies among the documents and is none.
    pub passed_over: Vec<PassedOver>,
    /// What was found of the plans of the period's applies, by their ids.
    pub plans: BTreeMap<String, PlanSeen>,
    /// What was found of the signatures of the period's records, by their applies.
    pub signatures: BTreeMap<String, SignatureSeen>,
    /// Signatures of records are asked for, whether or not a record says to have one.
    pub signatures_asked: bool,
    /// The digest of a record that has to be there, or how it begins.
    pub head: Option<String>,
}

/// One apply.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ApplyLine {
    /// Its id; `<run_id>.run.json` is its record.
    pub run_id: String,
    /// When it began.
    #[serde(with = "moment::Moment")]
    pub started_at: DateTime<Utc>,
    /// When it ended.
    #[serde(with = "moment::Moment")]
    pub ended_at: DateTime<Utc>,
    /// Who ran it.
    pub actor: String,
    /// What approval it had, where the record tells.
    pub approval: Option<Approval>,
    /// Of a signature: whether it is there and verifies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_proved: Option<bool>,
    /// How it ended.
    pub exit: Exit,
    /// Groups with a new cut.
    pub synchronized: usize,
    /// Groups that failed.
    pub failed: usize,
    /// Groups that were blocked.
    pub blocked: usize,
    /// It made metadata tables or changed rows of them, beside what its syncs did; records of older versions do not tell.
    pub metadata_changed: bool,
}

/// Settings that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SettingsLine {
    /// The apply whose record is the first under them.
    pub run_id: String,
    /// When that began.
    #[serde(with = "moment::Moment")]
    pub at: DateTime<Utc>,
    /// Who ran it.
    pub actor: String,
    /// The commit that it had checked out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git_commit: Option<String>,
    /// The change under review.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
    /// Somebody approved the plan that has them.
    pub reviewed: bool,
    /// What changed.
    pub changes: Vec<SettingChange>,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GroupPeriod {
    /// Its name.
    pub group: String,
    /// Cuts committed in the period.
    pub cuts: usize,
    /// How old its replicas may be, in minutes.
    pub objective_minutes: Option<i64>,
    /// From when on time is counted: the period's beginning, or the first cut where that came later; None: no cut until the period's end.
    #[serde(with = "moment::OptionalMoment")]
    pub counted_from: Option<DateTime<Utc>>,
    /// The share of that time in which the replicas are proved to have been within the objective, 0 to 1: time up to a look that
    /// found them as the cut before says; None: no objective, or no cut yet.
    pub within_objective: Option<f64>,
    /// Seconds of the oldest that the replicas may have been; None: no cut was ever made before the period's end.
    pub oldest_seconds: Option<i64>,
    /// When it was blocked.
    pub blocked: Vec<Blocked>,
    /// Risks that its cuts accepted.
    pub accepted: Vec<AcceptedInPeriod>,
    /// Changes of role, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<RoleChange>,
}

/// A change of role of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RoleChange {
    /// The cut that says so.
    pub cut: u64,
    /// The side that became active.
    pub active: Option<String>,
    /// Counts changes of role.
    pub epoch: u64,
    /// When.
    #[serde(with = "moment::Moment")]
    pub at: DateTime<Utc>,
    /// Who saw to it.
    pub by: String,
}

/// A time in which every apply found a group blocked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Blocked {
    /// The first apply that found it so.
    #[serde(with = "moment::Moment")]
    pub from: DateTime<Utc>,
    /// The first that found otherwise; None: it still was when the period ended.
    #[serde(with = "moment::OptionalMoment")]
    pub until: Option<DateTime<Utc>>,
    /// Why, as the first apply said.
    pub message: Sentence,
}

/// A risk that somebody accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Accepted")]
pub struct AcceptedInPeriod {
    /// The cut that was made all the same.
    pub cut: u64,
    /// What was found.
    pub code: String,
    /// Where.
    pub scope: String,
    /// Why it was accepted.
    pub reason: String,
}

/// Reports on the period.
///
/// `cuts` are all cuts of the workspace, of any age.
pub fn period(
    workspace: &str,
    span: Span,
    groups: &[ReportedGroup],
    cuts: &[Cut],
    evidence: &Evidence,
) -> Period {
    let read: Vec<(&KeptDocument, RunRecord)> = read(&evidence.documents).collect();
    let first_seen = read
        .iter()
        .map(|(_, record)| record.started_at)
        .chain(cuts.iter().map(|cut| cut.committed_at))
        .min();
    let since = span.since.or(first_seen).unwrap_or(span.until);
    // Before the first record there is nothing to report.
    let since = since.min(span.until);
    let span = Span { since: Some(since), ..span };
    let within = |at: DateTime<Utc>| span.holds(at);
    let records: Vec<&RunRecord> = read.iter().map(|(_, record)| record).collect();
    let of_period: Vec<&RunRecord> =
        records.iter().copied().filter(|record| within(record.started_at)).collect();
    let applies: Vec<ApplyLine> = of_period
        .iter()
        .filter(|record| !record.quiet)
        .map(|record| line(workspace, record, &evidence.plans))
        .collect();
    let without_approval = applies
        .iter()
        .filter(|apply| apply.synchronized > 0 || apply.metadata_changed)
        .filter(|apply| {
            let none = matches!(apply.approval, None | Some(Approval::None));
            none || apply.approval_proved == Some(false)
        })
        .map(|apply| apply.run_id.clone())
        .collect();
    Period {
        since,
        until: span.until,
        quiet_rounds: of_period.len() - applies.len(),
        applies,
        longest_silence_seconds: longest_silence(since, span.until, &of_period),
        without_approval,
        settings: of_period.iter().flat_map(|record| settings(workspace, record)).collect(),
        groups: groups
            .iter()
            .map(|asked| group(workspace, asked, (since, span.until), cuts, &records))
            .collect(),
        unproved: claims::unproved(workspace, &of_period, cuts, evidence),
        chain: chain::of(workspace, evidence, cuts, within, &read),
    }
}

/// The run records of a period, each with its bytes.
pub fn records_of(span: Span, documents: &[KeptDocument]) -> Vec<(&KeptDocument, RunRecord)> {
    read(documents).filter(|(_, record)| span.holds(record.started_at)).collect()
}

/// The documents that are run records.
fn read(documents: &[KeptDocument]) -> impl Iterator<Item = (&KeptDocument, RunRecord)> {
    documents.iter().filter_map(|document| Some((document, RunRecord::of(document).ok()?)))
}

/// The names of the plans that have to be looked at for a period, of the applies whose records tell of one; each with the record.
pub fn plans_of(span: Span, documents: &[KeptDocument]) -> Vec<(String, RunRecord)> {
    let records = records_of(span, documents).into_iter();
    records
        .filter(|(_, record)| !record.quiet)
        .map(|(_, record)| (format!("{}{PLAN_ENDING}", record.run_id), record))
        .collect()
}

fn line(workspace: &str, record: &RunRecord, plans: &BTreeMap<String, PlanSeen>) -> ApplyLine {
    let count = |outcome: GroupOutcome| {
        let groups = record.groups.iter();
        let ours = groups.filter(|group| group.workspace == workspace);
        ours.filter(|group| group.outcome == outcome).count()
    };
    ApplyLine {
        run_id: record.run_id.clone(),
        started_at: record.started_at,
        ended_at: record.ended_at,
        actor: record.provenance.actor.clone(),
        approval: record.approval.clone(),
        approval_proved: plans
            .get(&record.run_id)
            .and_then(|seen| seen.signature.as_ref())
            .map(|signature| *signature == SignatureSeen::Verified),
        exit: record.exit.clone(),
        synchronized: count(GroupOutcome::Synchronized),
        failed: count(GroupOutcome::Failed),
        blocked: count(GroupOutcome::Blocked),
        metadata_changed: record.metadata.iter().any(|one| one.workspace == workspace),
    }
}

/// What a record says of settings that changed; oldest first, as records are.
fn settings<'a>(
    workspace: &'a str,
    record: &'a RunRecord,
) -> impl Iterator<Item = SettingsLine> + use<'a> {
    let changed = record.settings_changed.iter();
    changed.filter(move |changed| changed.workspace == workspace).map(|changed| SettingsLine {
        run_id: record.run_id.clone(),
        at: record.started_at,
        actor: record.provenance.actor.clone(),
        git_commit: record.provenance.git_commit.clone(),
        change: record.provenance.change.clone(),
        reviewed: changed.reviewed,
        changes: changed.changes.clone(),
    })
}

fn longest_silence(since: DateTime<Utc>, until: DateTime<Utc>, records: &[&RunRecord]) -> i64 {
    let ends = records.iter().map(|record| record.ended_at.clamp(since, until));
    let mut ends: Vec<DateTime<Utc>> = ends.collect();
    ends.extend([since, until]);
    ends.sort_unstable();
    let gaps = ends.windows(2).map(|pair| (pair[1] - pair[0]).num_seconds());
    gaps.max().unwrap_or_default()
}

fn group(
    workspace: &str,
    asked: &ReportedGroup,
    (since, until): (DateTime<Utc>, DateTime<Utc>),
    cuts: &[Cut],
    records: &[&RunRecord],
) -> GroupPeriod {
    let own: Vec<&Cut> = cuts.iter().filter(|cut| cut.group_name == asked.group).collect();
    let of_period =
        || own.iter().filter(|cut| since <= cut.committed_at && cut.committed_at <= until);
    let mut proofs: Vec<Proof> = own
        .iter()
        .map(|cut| Proof {
            known_at: cut.committed_at,
            fresh_at: Some(cut.recovery_point),
            repairs: cut.trigger == TriggerKind::Repair.as_str(),
        })
        .collect();
    let seen = records_of_group(workspace, &asked.group, records);
    proofs.extend(seen.iter().filter_map(|(record, group)| proof_of_look(record, group)));
    let first_cut = own.iter().map(|cut| cut.committed_at).min();
    // Before its first cut a group had no replicas that could have been too old.
    let counted_from = first_cut.map(|first| first.max(since)).filter(|from| *from <= until);
    let age = Age::over(proofs, counted_from.unwrap_or(until), until);
    let counted = counted_from.map_or(0, |from| (until - from).num_milliseconds());
    GroupPeriod {
        group: asked.group.clone(),
        cuts: of_period().filter(|cut| !cut.is_role()).count(),
        roles: of_period()
            .filter(|cut| cut.is_role())
            .map(|cut| RoleChange {
                cut: cut.cut_number,
                active: cut.active.clone(),
                epoch: cut.epoch,
                at: cut.committed_at,
                by: cut.committed_by.clone(),
            })
            .collect(),
        objective_minutes: asked.objective.map(|objective| objective.num_minutes()),
        counted_from,
        within_objective: asked
            .objective
            .filter(|_| counted > 0)
            .map(|objective| age.within(objective).num_milliseconds() as f64 / counted as f64),
        oldest_seconds: age.oldest().map(|age| age.num_seconds()),
        blocked: blocked(&seen, since, until),
        // A change of role repeats what the cut before it says.
        accepted: of_period()
            .filter(|cut| !cut.is_role())
            .flat_map(|cut| {
                cut.accepted.iter().map(|risk| AcceptedInPeriod {
                    cut: cut.cut_number,
                    code: risk.code.clone(),
                    scope: risk.scope.clone(),
                    reason: risk.reason.clone(),
                })
            })
            .collect(),
    }
}

/// What the look of an apply at a group proves that it left as it was.
fn proof_of_look(record: &RunRecord, group: &GroupRecord) -> Option<Proof> {
    let fresh_at = match group.outcome {
        // One that found nothing newer proves that the replicas were as new as their sources when it looked.
        GroupOutcome::UpToDate => Some(planned_at(record).min(record.started_at)),
        // One that waits proves that its replicas hold what they held.
        GroupOutcome::Waiting => None,
        GroupOutcome::Synchronized
        | GroupOutcome::Overtaken
        | GroupOutcome::Blocked
        | GroupOutcome::Failed
        | GroupOutcome::Stale
        | GroupOutcome::NotStarted => return None,
    };
    let known_at = match (group.checked, record.tells_looks()) {
        // Whatever the clocks say: nobody knows of a moment before it.
        (Some(look), _) => look.at.max(fresh_at.unwrap_or(look.at)),
        (None, false) if fresh_at.is_some() => record.ended_at,
        // It did not look, or did not find what the cut says.
        (None, _) => return None,
    };
    Some(Proof { known_at, fresh_at, repairs: false })
}

/// When the plan was made that an apply carried out, as the plan's id tells: then it was looked, and never later.
fn planned_at(record: &RunRecord) -> DateTime<Utc> {
    let id = Ulid::from_string(&record.plan_id).ok();
    let millis = id.and_then(|id| i64::try_from(id.timestamp_ms()).ok());
    let made = millis.and_then(DateTime::from_timestamp_millis);
    made.unwrap_or(record.started_at)
}

/// What each apply saw of a group, oldest first.
fn records_of_group<'a>(
    workspace: &str,
    group: &str,
    records: &[&'a RunRecord],
) -> Vec<(&'a RunRecord, &'a GroupRecord)> {
    records
        .iter()
        .filter_map(|record| {
            let mut groups = record.groups.iter();
            let found = groups.find(|found| found.workspace == workspace && found.name == group)?;
            Some((*record, found))
        })
        .collect()
}

/// From a moment on it is known that the replicas hold everything up to another.
#[derive(Debug, Clone, Copy)]
struct Proof {
    known_at: DateTime<Utc>,
    /// None: what they were known to hold before.
    fresh_at: Option<DateTime<Utc>>,
    /// Replicas had been found not to be what the cut before says: since the last look they may have held anything.
    repairs: bool,
}

/// How old the replicas may have been, piece by piece: within a piece nothing new is known, so that the age grows with time.
struct Age(Vec<Piece>);

struct Piece {
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    /// None: nothing had ever been synchronized.
    fresh_at: Option<DateTime<Utc>>,
    /// A look at its end found the replicas as the cut before says.
    seen: bool,
}

impl Age {
    fn over(mut proofs: Vec<Proof>, since: DateTime<Utc>, until: DateTime<Utc>) -> Age {
        proofs.sort_by_key(|proof| proof.known_at);
        let mut pieces = Vec::new();
        let mut from = since;
        let mut fresh_at: Option<DateTime<Utc>> = None;
        let mut after = None;
        for proof in proofs {
            let at = proof.known_at.clamp(since, until);
            if proof.known_at > until {
                after = Some(proof);
                break;
            }
            if at > from {
                pieces.push(Piece { from, until: at, fresh_at, seen: !proof.repairs });
                from = at;
            }
            fresh_at = fresh_at.max(proof.fresh_at);
        }
        pieces.push(Piece {
            from,
            until,
            fresh_at,
            // The first look after the period tells of its end, too.
            seen: after.is_some_and(|look| !look.repairs),
        });
        Age(pieces)
    }

    /// The time in which they were no older than this, as far as a later look found them as they had been left.
    fn within(&self, objective: Duration) -> Duration {
        let inside = |piece: &Piece| {
            let Some(fresh_at) = piece.fresh_at.filter(|_| piece.seen) else {
                return Duration::zero();
            };
            (piece.until.min(moment::later(fresh_at, objective)) - piece.from).max(Duration::zero())
        };
        self.0.iter().map(inside).sum()
    }

    fn oldest(&self) -> Option<Duration> {
        let ages = self.0.iter().filter_map(|piece| Some(piece.until - piece.fresh_at?));
        ages.max()
    }
}

fn blocked(
    seen: &[(&RunRecord, &GroupRecord)],
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Vec<Blocked> {
    let mut intervals: Vec<Blocked> = Vec::new();
    for (record, group) in seen.iter().filter(|(record, _)| record.started_at <= until) {
        let open = intervals.last_mut().filter(|last| last.until.is_none());
        match (group.outcome == GroupOutcome::Blocked, open) {
            (true, None) => intervals.push(Blocked {
                from: record.started_at,
                until: None,
                message: group.message.clone().unwrap_or_default(),
            }),
            (false, Some(open)) => open.until = Some(record.started_at),
            (true, Some(_)) | (false, None) => {}
        }
    }
    intervals.retain(|interval| interval.until.is_none_or(|until| until >= since));
    intervals
}

#[cfg(test)]
mod tests;
