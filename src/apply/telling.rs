//! What an apply has to tell people, decided from its own findings and from the newest records before its record is kept.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::Run;
use super::chain::{RecentRecord, Tips, cut_of};
use super::evidence::Keepers;
use super::exit::AwayRegions;
use crate::canonical::sha256_of_bytes;
use crate::config::TableName;
use crate::notify::{
    CauseCode, Delivery, DeliveryOutcome, FailureCause, GroupRound, KnownReceiver, LeftWorkspace,
    Lost, Policy, Receiver, Round, StateAfterApply, ToldDocument, ToldState, carried, decide,
    last_words, letters,
};
use crate::plan::document::{Plan, ReasonCode, Selection, WorkspacePlan};
use crate::plan::{
    ComparedWith, FindingCode, GroupPlan, ProtectionSettings, Role, SettingChange, SettingsBefore,
    Unwatched, UnwatchedPart, tables_come,
};
use crate::record::{
    Ending, Failed, GroupRecord, Notified, Outstanding, RunRecord, SettingsChanged, ToldBefore,
    Unreached,
};
use crate::region::{KeptDocument, TOLD_ENDING};

/// An apply tells for a minute after its record is kept: of one that ended longer ago and left no word of it, nothing was sent.
const TELLS: TimeDelta = TimeDelta::minutes(2);

/// Decides what an apply tells people, and notes it in its record. Nothing is sent here.
pub(super) async fn note(
    run: &Run<'_>,
    record: &mut RunRecord,
    tips: &[(String, Tips)],
    away: &BTreeMap<String, AwayRegions>,
    keepers: &[&Keepers<'_>],
) {
    let policies = &run.options.policies;
    let plan = &run.stored.plan;
    let mut ends: Vec<RecentRecord> = Vec::new();
    let here = if policies.is_empty() { Vec::new() } else { here_ends(run, record.ended_at) };
    let mut standings = Vec::new();
    for planned in &plan.workspaces {
        let tips = tips.iter().find(|(workspace, _)| *workspace == planned.name);
        let of_regions = tips.filter(|(_, tips)| !tips.unseen);
        // Where no region tells what was told, this machine may know.
        let of_workspace = of_regions.map_or(here.as_slice(), |(_, tips)| tips.ends.as_slice());
        for end in of_workspace {
            if !ends.iter().any(|known| known.told.run_id == end.told.run_id) {
                ends.push(end.clone());
            }
        }
        let before: Vec<&ToldState> = of_workspace
            .iter()
            .flat_map(|end| &end.notified.standings)
            .filter(|standing| standing.workspace == planned.name)
            .collect();
        let policy = policies.iter().find(|policy| policy.workspace == planned.name);
        match policy {
            Some(policy) => {
                let away = away.get(&planned.name).copied().unwrap_or_default();
                let settings = tips.and_then(|(_, tips)| tips.settings.as_ref());
                let round = round(run, record, planned, away, settings);
                standings.push(if policy.is_silent() {
                    last_words(&round, &before, policy)
                } else {
                    decide(&round, &before, policy)
                });
            }
            // A runner that tells nobody carries incidents on, for runners that do.
            None if before.is_empty() => {}
            None => standings.push(carried(&planned.name, &before)),
        }
    }
    if policies.is_empty() && ends.is_empty() {
        return;
    }
    let left = leaving(run, record, &ends, &mut standings);
    let LeftOver { told_before, outstanding, unreached } =
        left_over(run, record.ended_at, &ends, keepers).await;
    record.notified =
        Some(Notified { standings, left, messages: 0, outstanding, unreached, told_before });
    let messages = letters(&record.extract_news(), policies).len();
    if let Some(notified) = &mut record.notified {
        notified.messages = messages;
    }
}

/// The workspaces of the records before that the configuration does not have any more: what stands of them, and that nothing of them
/// is protected, are told by the first apply that looks at all of the configuration and tells anybody. One that does not carries
/// them on.
fn leaving(
    run: &Run<'_>,
    record: &mut RunRecord,
    ends: &[RecentRecord],
    standings: &mut Vec<ToldState>,
) -> Vec<LeftWorkspace> {
    let plan = &run.stored.plan;
    let policies = &run.options.policies;
    let tells = is_whole(plan) && policies.iter().any(|policy| !policy.is_silent());
    let mut all = Vec::new();
    for (name, (end, settings)) in known_and_not_planned(plan, ends) {
        let before: Vec<&ToldState> = ends
            .iter()
            .flat_map(|end| &end.notified.standings)
            .filter(|standing| standing.workspace == *name)
            .collect();
        // A plan that waited says nothing of what was configured after it was made.
        if !tells || plan.created_at < end.told.ended_at {
            record.settings.entry(name.clone()).or_insert_with(|| settings.clone());
            if !before.is_empty() {
                standings.push(carried(name, &before));
            }
            continue;
        }
        let left = LeftWorkspace { workspace: name.clone(), settings: settings.clone() };
        // A workspace with the same replicas under another label is protected as before, and is compared with that one.
        let replicas = settings.workspace.replicas.as_ref();
        let planned = plan.workspaces.iter().filter_map(|it| it.settings.as_ref());
        let renamed = replicas.is_some() && { planned }.any(|it| it.replicas.as_ref() == replicas);
        let changes = if renamed { Vec::new() } else { settings.removed(record.started_at) };
        standings.push(crate::notify::end_of_left_workspace(
            &last_round(run, record, &left, changes.clone()),
            &before,
            &Policy::of_left(&left, policies),
        ));
        if !changes.is_empty() {
            record.settings_changed.push(SettingsChanged {
                workspace: name.clone(),
                compared_with: ComparedWith::Record {
                    run_id: end.told.run_id.clone(),
                    ended_at: end.told.ended_at,
                },
                // A workspace that left is in no plan, so that nobody can have reviewed its leaving in one.
                reviewed: false,
                changes,
            });
        }
        all.push(left);
    }
    all
}

/// The workspaces that records tell of and the plan does not have, each with its settings and the record that has them last; one
/// whose leaving was told is none of them.
fn known_and_not_planned<'a>(
    plan: &Plan,
    ends: &'a [RecentRecord],
) -> BTreeMap<&'a String, (&'a RecentRecord, &'a ProtectionSettings)> {
    let planned = |name: &str| plan.workspaces.iter().any(|workspace| workspace.name == name);
    let mut known: BTreeMap<&String, (&RecentRecord, &ProtectionSettings)> = BTreeMap::new();
    // The one that ended last comes last, and what it says counts.
    for end in ends.iter().rev() {
        for left in &end.notified.left {
            known.remove(&left.workspace);
        }
        let others = end.settings.iter().filter(|(name, _)| !planned(name));
        known.extend(others.map(|(name, settings)| (name, (end, settings))));
    }
    known
}

/// What is found of a workspace that left: nothing but that its settings are gone.
fn last_round(
    run: &Run<'_>,
    record: &RunRecord,
    left: &LeftWorkspace,
    changes: Vec<SettingChange>,
) -> Round {
    Round {
        run_id: record.run_id.clone(),
        workspace: left.workspace.clone(),
        seen_from: run.options.seen_from.clone(),
        started_at: record.started_at,
        ended_at: record.ended_at,
        whole: true,
        away: Vec::new(),
        answered: Vec::new(),
        stands_by: false,
        unwatched: None,
        lost: Vec::new(),
        owners_before: owners_of(&left.settings),
        weakened: changes.clone(),
        changed: changes,
        came: Vec::new(),
        groups: Vec::new(),
    }
}

fn owners_of(settings: &ProtectionSettings) -> BTreeMap<String, Vec<String>> {
    let groups = settings.groups.iter();
    groups.map(|(name, group)| (name.clone(), group.owner_emails.clone())).collect()
}

/// What records of this machine tell, the newest of them.
fn here_ends(run: &Run<'_>, now: DateTime<Utc>) -> Vec<RecentRecord> {
    let documents = run.options.local.recent_records();
    let documents: BTreeMap<String, KeptDocument> = documents
        .into_iter()
        .map(|document| (sha256_of_bytes(&document.bytes), document))
        .collect();
    super::chain::newest(documents, now).ends
}

/// What earlier applies left to those after them.
struct LeftOver {
    told_before: Vec<ToldBefore>,
    outstanding: Vec<Outstanding>,
    unreached: Vec<Unreached>,
}

/// Receivers that nothing reaches, by the workspace of a webhook and by name, with since when.
type Silent = BTreeMap<(Option<String>, String), DateTime<Utc>>;

/// Whom nothing reached, as records say that others follow; what they sent themselves is not in it.
fn silent_before(ends: &[RecentRecord]) -> Silent {
    let mut silent = Silent::new();
    for unreached in ends.iter().flat_map(|end| &end.notified.unreached) {
        let receiver = (unreached.workspace.clone(), unreached.to.clone());
        let since = silent.entry(receiver).or_insert(unreached.since);
        *since = unreached.since.min(*since);
    }
    silent
}

/// Takes in what servers answered to an apply: one message that was taken ends a silence.
fn hear(silent: &mut Silent, answers: &[Delivery]) {
    let receiver = |answer: &Delivery| (answer.workspace.clone(), answer.to.clone());
    for answer in answers.iter().filter(|answer| answer.outcome != DeliveryOutcome::Sent) {
        let since = silent.entry(receiver(answer)).or_insert(answer.told_at);
        *since = answer.told_at.min(*since);
    }
    for answer in answers.iter().filter(|answer| answer.outcome == DeliveryOutcome::Sent) {
        silent.remove(&receiver(answer));
    }
}

/// Whom nothing reaches, as the newest records of a workspace say.
pub fn unreached(documents: Vec<KeptDocument>, now: DateTime<Utc>) -> Vec<Unreached> {
    let documents = documents.into_iter();
    let documents = documents.map(|document| (sha256_of_bytes(&document.bytes), document));
    listed(silent_before(&super::chain::newest(documents.collect(), now).ends))
}

fn listed(silent: Silent) -> Vec<Unreached> {
    let silent = silent.into_iter();
    silent.map(|((workspace, to), since)| Unreached { workspace, to, since }).collect()
}

/// What earlier applies could not send: what their servers deferred, and everything of those that ended before they sent; and
/// whom nothing reaches.
async fn left_over(
    run: &Run<'_>,
    now: DateTime<Utc>,
    ends: &[RecentRecord],
    keepers: &[&Keepers<'_>],
) -> LeftOver {
    let (mut before, mut outstanding) = (Vec::new(), Vec::new());
    let mut silent = silent_before(ends);
    for RecentRecord { told, notified, settings: _ } in ends {
        if notified.messages == 0 && notified.outstanding.is_empty() {
            continue;
        }
        match answers(run, &told.run_id, keepers).await {
            Some((sha256, document)) => {
                before.push(ToldBefore { run_id: told.run_id.clone(), sha256 });
                hear(&mut silent, &document.answers);
                let deferred = document.answers.into_iter();
                let deferred =
                    deferred.filter(|answer| answer.outcome == DeliveryOutcome::Deferred);
                outstanding.extend(deferred.map(|answer| Outstanding {
                    of: answer.of,
                    told_at: answer.told_at,
                    workspace: answer.workspace,
                    to: answer.to,
                }));
            }
            None if now - told.ended_at > TELLS => {
                outstanding.extend(notified.outstanding.iter().cloned());
                let unsent = letters(told, &run.options.policies).into_iter();
                outstanding.extend(unsent.map(|letter| Outstanding {
                    of: told.run_id.clone(),
                    told_at: told.ended_at,
                    workspace: match &letter.to {
                        Receiver::Webhook { workspace, .. } => Some(workspace.clone()),
                        Receiver::Mail { .. } => None,
                    },
                    to: letter.to.hash(),
                }));
            }
            // It may be telling now.
            None => {}
        }
    }
    before.sort_unstable();
    outstanding.sort_unstable();
    outstanding.dedup();
    // Of a receiver that the configuration knows no more nobody is told.
    let policies = run.options.policies.iter();
    let known: Vec<KnownReceiver> = policies.flat_map(Policy::receivers).collect();
    silent
        .retain(|(workspace, to), _| known.iter().any(|known| known.is(workspace.as_deref(), to)));
    LeftOver { told_before: before, outstanding, unreached: listed(silent) }
}

/// What servers answered to an apply, with the digest of the document that says so.
async fn answers(
    run: &Run<'_>,
    run_id: &str,
    keepers: &[&Keepers<'_>],
) -> Option<(String, ToldDocument)> {
    let name = format!("{run_id}{TOLD_ENDING}");
    let read = |bytes: Vec<u8>| {
        let document = ToldDocument::read(&bytes, run_id).ok()?;
        Some((sha256_of_bytes(&bytes), document))
    };
    for keepers in keepers {
        if let Some(found) = keepers.read(&name).await.and_then(read) {
            return Some(found);
        }
    }
    run.options.local.server_answers(run_id).and_then(read)
}

/// What an apply found in a workspace.
fn round(
    run: &Run<'_>,
    record: &RunRecord,
    plan: &WorkspacePlan,
    away: AwayRegions,
    before: Option<&SettingsBefore>,
) -> Round {
    let records = record.groups.iter().filter(|group| group.workspace == plan.name);
    let records: BTreeMap<&str, &GroupRecord> =
        records.map(|group| (group.name.as_str(), group)).collect();
    let groups: Vec<GroupRound> = plan
        .groups
        .iter()
        .filter_map(|group| records.get(group.name.as_str()).map(|record| of_group(group, record)))
        .collect();
    let silent =
        |side: Role| records.values().any(|group| group.ending == Some(Ending::Away { side }));
    let seen = [
        (Role::Primary, &plan.observed.primary, away.primary),
        (Role::Secondary, &plan.observed.secondary, away.secondary),
    ];
    let (mut gone, mut answered) = (Vec::new(), Vec::new());
    for (side, seen, away) in seen {
        if seen.is_away() || away || silent(side) { gone.push(side) } else { answered.push(side) }
    }
    let lost =
        record.groups.iter().filter(|group| group.workspace == plan.name && group.cut.is_some());
    let changed = record.settings_changed.iter().filter(|changed| changed.workspace == plan.name);
    // That another workspace left is told to whoever heard of that one.
    let of_this = |it: &SettingsChanged| {
        let changes = it.changes.iter().filter(|change| !change.is_of_the_file());
        changes.cloned().collect::<Vec<SettingChange>>()
    };
    let unseen = changed.clone().filter(|changed| !changed.reviewed).flat_map(of_this);
    Round {
        lost: lost.map(lost_of).collect(),
        owners_before: before.map(|before| owners_of(&before.settings)).unwrap_or_default(),
        stands_by: plan.connection.secondary_workspace.is_some(),
        unwatched: plan.unwatched.as_ref().map(|it| it.iter().map(unseen_there).collect()),
        weakened: unseen.filter(SettingChange::weakens).collect(),
        changed: changed.flat_map(of_this).collect(),
        came: tables_come(&plan.rows),
        run_id: record.run_id.clone(),
        workspace: plan.name.clone(),
        seen_from: run.options.seen_from.clone(),
        started_at: record.started_at,
        ended_at: record.ended_at,
        whole: is_whole(&run.stored.plan),
        away: gone,
        answered,
        groups,
    }
}

/// Something of the secondary's workspace that nobody could look at.
fn unseen_there(unseen: &Unwatched) -> FailureCause {
    let code = match &unseen.what {
        UnwatchedPart::Workspace => CauseCode::WorkspaceUnseen,
        UnwatchedPart::Runs => CauseCode::RunsUnseen,
        UnwatchedPart::Job { name: _ } => CauseCode::JobUnseen,
    };
    FailureCause { code, table: None, message: unseen.message.clone() }
}

/// Every group of the configuration is in a plan.
fn is_whole(plan: &Plan) -> bool {
    plan.selection == Selection::default() && !plan.is_incomplete()
}

/// What would be lost of a group with a cut, as far as somebody looked.
fn lost_of(record: &GroupRecord) -> Lost {
    let loss = record.loss.as_ref();
    Lost {
        group: record.name.clone(),
        seen_at: loss.map(|loss| loss.at),
        commits: loss.map(|loss| loss.commits).unwrap_or_default(),
        since: loss.and_then(|loss| loss.since),
        runs: loss.map(|loss| loss.runs.clone()).unwrap_or_default(),
        unknown: loss
            .map(|loss| loss.unknown.iter().map(|unknown| unknown.table.to_string()).collect())
            .unwrap_or_default(),
    }
}

fn of_group(plan: &GroupPlan, record: &GroupRecord) -> GroupRound {
    let state = state(plan, record);
    let synchronized = state == StateAfterApply::Synchronized;
    GroupRound {
        name: plan.name.clone(),
        cut: cut_of(record),
        // What was pending when the plan was made is in the cut now.
        lag_seconds: plan.lag_seconds.filter(|_| !synchronized),
        rpo_seconds: plan.rpo_seconds,
        state,
    }
}

fn state(plan: &GroupPlan, record: &GroupRecord) -> StateAfterApply {
    let Some(ending) = &record.ending else {
        return StateAfterApply::Untried;
    };
    match ending {
        Ending::Synchronized => StateAfterApply::Synchronized,
        Ending::UpToDate | Ending::Overtaken { .. } => StateAfterApply::InOrder,
        Ending::Waiting if plan.reason.code == ReasonCode::Paused => StateAfterApply::Paused,
        Ending::Waiting => StateAfterApply::Waiting,
        Ending::Interrupted | Ending::NotStarted => StateAfterApply::Untried,
        Ending::Away { .. } => StateAfterApply::Away,
        Ending::Stale { table, .. } => StateAfterApply::Failing(vec![FailureCause {
            code: CauseCode::Stale,
            table: table.as_ref().map(ToString::to_string),
            message: record.message.clone().unwrap_or_default(),
        }]),
        Ending::Blocked { .. } => state_of_blocked(plan),
        Ending::Failed(failed) => StateAfterApply::Failing(causes_of_failure(failed, record)),
    }
}

/// What blocks it, unless that is a region that did not answer.
fn state_of_blocked(plan: &GroupPlan) -> StateAfterApply {
    let blocking = || plan.findings.iter().filter(|finding| finding.blocks());
    let away = |code| {
        matches!(code, FindingCode::PrimaryNotAvailable | FindingCode::SecondaryNotAvailable)
    };
    if blocking().any(|finding| away(finding.code)) {
        return StateAfterApply::Away;
    }
    let causes = blocking().map(|finding| FailureCause {
        code: CauseCode::Finding(finding.code),
        table: finding.table.clone(),
        message: finding.message.clone(),
    });
    StateAfterApply::Failing(causes.collect())
}

fn causes_of_failure(failed: &Failed, record: &GroupRecord) -> Vec<FailureCause> {
    let message = || record.message.clone().unwrap_or_default();
    let one = |code: CauseCode, table: Option<&TableName>| {
        vec![FailureCause { code, table: table.map(ToString::to_string), message: message() }]
    };
    match failed {
        Failed::LedgersUnread | Failed::LedgerUnusable { .. } => {
            one(CauseCode::LedgerUnusable, None)
        }
        Failed::Refused { .. } => one(CauseCode::RegionRefused, None),
        Failed::Found { code, table } => one(CauseCode::Finding(*code), table.as_ref()),
        Failed::Unseen { table, .. } => one(CauseCode::TableUnseen, Some(table)),
        Failed::Tables { tables } => {
            let of_table = |table: &TableName| {
                let said = record.tables.iter().find(|it| it.table == *table);
                FailureCause {
                    code: CauseCode::TablesFailed,
                    table: Some(table.to_string()),
                    message: said.and_then(|it| it.message.clone()).unwrap_or_else(message),
                }
            };
            tables.iter().map(of_table).collect()
        }
        Failed::CutUnseen => one(CauseCode::CutUnseen, None),
    }
}
