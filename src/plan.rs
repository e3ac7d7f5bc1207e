//! `Observed` in, `Plan` out: triggers, recovery points, decisions, findings; and the stored plan document. Pure.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};

mod before;
mod changed;
mod checks;
mod codes;
mod compared;
mod deed;
mod derived;
mod dies;
pub mod document;
mod effect;
mod failover;
mod finding;
mod finding_code;
mod grants;
mod group;
mod identity;
mod job;
mod jobs;
mod look;
mod loss;
mod loss_receipt;
mod moved;
mod needed;
mod observed;
mod off_cut;
mod origin;
mod place;
mod protection;
mod provenance;
pub mod questions;
mod readiness;
mod remedy;
mod replica;
mod request;
pub mod retention;
mod retired;
mod rights;
mod role;
mod rows;
mod settings;
pub mod status;
mod stored;
mod trigger;
mod uncompared;
mod unwatched;
mod versions;
mod view;
mod waits;
mod warnings;
mod watched;
mod witness;
mod workflow;

pub use before::{OwnPlaces, TablesBefore, Whose};
pub(crate) use checks::active_in_secondary;
pub use checks::{
    CloneObstacle, PRIMARY_AWAY, PRIMARY_REFUSED, SECONDARY_AWAY, SECONDARY_REFUSED, obstacles,
    readable_until, told_of_behind, told_of_roles, words_of_region,
};
pub use deed::{Advice, Deed};
pub use document::{
    Action, Decision, GroupPlan, LedgerAction, Plan, ReasonCode, Refused, Role, Step, TriggerKind,
};
pub use failover::{FailedOver, GivenUp};
pub use finding::{CRASH_CONSISTENT, Finding, FindingCode, Severity, Warning, WarningCode};
pub use grants::{GrantsSeen, RightDiffers, RightsSeen};
pub use identity::{NamedVersion, recreated};
pub use job::JobSeen;
pub use look::Checked;
pub use loss_receipt::{LossReceipt, LostCommit, ReceiptTold, TableLoss, UnknownLoss, UnknownWhy};
pub use moved::{tables_come, tables_left};
pub use needed::GoneWithPrimary;
pub use observed::{
    Answer, GroupObserved, Observed, RecordHere, RecordsSeen, RegionObserved, SecretSeen,
    TableObserved, Watch, WorkspaceObserved, merge_copies,
};
pub use origin::{Foreign, foreign_to, signs_in};
pub use place::{ReplicaPlace, path_under, place_of};
pub use protection::{
    ComparedWith, Direction, Setting, SettingChange, SettingValue, SettingsBefore,
};
pub use provenance::Provenance;
pub use readiness::NotReady;
pub use remedy::{Acceptance, Remedy, RemedyKind, risk};
pub use replica::{damaged, standing_of};
pub use request::{Base, ConfiguredIn, Request};
pub use rows::aside_name;
pub use rows::row_after;
pub(crate) use settings::webhook_entry;
pub use settings::{
    GroupSettings, PauseSetting, ProtectionSettings, SuccessMail, WorkspaceSettings,
};
pub use stored::{Alteration, Digests, StatedDigest, StoredPlan, StoredPlanError};
pub use trigger::is_interval_over;
pub use uncompared::{NotCompared, NotComparedWhy, ProtectedBefore};
pub use unwatched::{Unwatched, UnwatchedPart};
pub use warnings::misses_objective;
pub use witness::{CutsTold, DoubtedCut, RoleTold, Witnessed, WitnessedCut, WitnessedRole};
pub use workflow::newest_success;

use crate::formats::PLAN;
use crate::ledger::{AcceptedRisk, Consistency};
use crate::moment;
use compared::Comparison;
use document::{BothRegions, ObservedClock, RegionSeen, Summary, Tool, Unprotected, WorkspacePlan};
use view::GroupView;

/// Decides: pure and total, the same input gives the same plan.
pub fn plan(observed: &Observed, request: &Request) -> Plan {
    let mut warnings = Vec::new();
    let mut workspaces = Vec::new();
    let mut left_out = Vec::new();
    for workspace in &observed.workspaces {
        let views = view::views(workspace, observed.now, request);
        let planned = plan_workspace(observed, workspace, &views, request, &mut left_out);
        warnings.extend(warnings::of_workspace(observed, workspace, &views, &planned, request));
        workspaces.push(planned);
    }
    protection::tell_once(workspaces.iter_mut().map(|planned| &mut planned.settings_changes));
    let (accepted, unused) = acceptances(request, &workspaces);
    warnings.extend(unused);
    let summary = summary(&workspaces);
    let max_age = max_age(observed);
    let (expires_at, expiry_reason) = expiry(observed.now, &workspaces, max_age);
    let everything = request.selection == document::Selection::default();
    let plan = Plan {
        kind: PLAN.kind.to_owned(),
        format_version: PLAN.version.to_owned(),
        tool: Tool { name: "drsync".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        plan_id: request.plan_id.clone(),
        provenance: request.provenance.clone(),
        created_at: observed.now,
        expires_at,
        expiry_reason: expiry_reason.into(),
        max_age_hours: u32::try_from(max_age.num_hours()).ok(),
        complete: everything && summary.groups_blocked == 0 && !observed.incomplete,
        applyable: applyable(&workspaces),
        selection: request.selection.clone(),
        config: observed.config.clone(),
        warnings,
        accepted,
        effect_sha256: String::new(),
        observed_clock: ObservedClock { now: observed.now, overridden: observed.clock_overridden },
        unprotected: unprotected(observed, &workspaces),
        document_sha256: String::new(),
        due_anyway: request.selection.changed.then(|| changed::due_anyway(&left_out)),
        summary,
        workspaces,
    };
    plan.sealed()
}

fn plan_workspace(
    observed: &Observed,
    workspace: &WorkspaceObserved,
    views: &BTreeMap<&str, GroupView<'_>>,
    request: &Request,
    left_out: &mut Vec<GroupPlan>,
) -> WorkspacePlan {
    let mut groups = plan_groups(workspace, views, request);
    // Without the primary nothing is decided, and nothing is said of any group; nor is anything in somebody else's tables.
    let foreign = groups.iter().flat_map(|group| &group.findings);
    let foreign =
        foreign.filter(|finding| finding.code == FindingCode::LedgerNotOurs).any(Finding::blocks);
    let silent = workspace.primary.refusal().is_some() || foreign;
    let comparison = Comparison::of(observed, workspace, request);
    let mut changes = comparison.changes();
    if request.selection.changed {
        let told = comparison.groups_told(&changes);
        let changed = |group: &GroupPlan| {
            let view = views.get(group.name.as_str());
            told.contains(&group.name) || changed::is_changed(workspace, view, group)
        };
        let (taken, others) = groups.into_iter().partition(changed);
        groups = taken;
        left_out.extend::<Vec<GroupPlan>>(others);
    }
    let planned: BTreeSet<&String> = groups.iter().map(|group| &group.name).collect();
    let is_told = |group: &String| {
        let asked =
            request.selection.only.is_empty() && request.selects(&workspace.workspace.name, group);
        planned.contains(group) || asked && !comparison.has_entry_of(group)
    };
    changes.retain(|change| change.group.as_ref().is_none_or(is_told));
    let rows =
        if silent { Vec::new() } else { rows::changes(observed, workspace, &groups, request) };
    changes.extend(comparison.changes_by_tables_that_left(&rows, is_told));
    let mut metadata = rows::actions(workspace, &rows, &request.plan_id);
    if silent {
        metadata.iter_mut().for_each(document::MetadataAction::leave_alone);
    }
    WorkspacePlan {
        name: workspace.workspace.name.clone(),
        connection: workspace.workspace.connection.clone(),
        observed: BothRegions {
            primary: region_seen(&workspace.primary, &workspace.secondary, None),
            secondary: region_seen(&workspace.secondary, &workspace.primary, Some("passive")),
            shared_answer: workspace.shared_answer(),
        },
        whole_look: workspace.whole_look,
        unwatched: watched::of_workspace(workspace),
        metadata,
        rows,
        groups,
        settings: Some(comparison.settings.workspace),
        moved: comparison.moved,
        needed: dies::with_primary(workspace, request, &observed.config.source),
        settings_changes: changes,
        settings_compared_with: workspace.settings_before.as_ref().map(|before| before.of.clone()),
        settings_not_compared: compared::not_compared(observed, workspace, request),
    }
}

/// The plans of the groups that are asked for, in the order of the configuration.
fn plan_groups(
    workspace: &WorkspaceObserved,
    views: &BTreeMap<&str, GroupView<'_>>,
    request: &Request,
) -> Vec<GroupPlan> {
    let facts = checks::WorkspaceFacts::of(workspace);
    let mut groups: Vec<GroupPlan> = Vec::new();
    let mut named: BTreeSet<&str> = BTreeSet::new();
    for seen in &workspace.groups {
        // Of a name that stands twice both entries are invalid: they are one group with the mistakes of both.
        let Some(name) = seen.entry.name().filter(|name| named.insert(name)) else {
            continue;
        };
        if request.selects(&workspace.workspace.name, name) {
            groups.push(match views.get(name) {
                Some(view) => group::plan(view, &facts, request),
                None => group::of_mistakes(workspace, seen, name),
            });
        }
    }
    groups
}

fn region_seen(region: &RegionObserved, other: &RegionObserved, role: Option<&str>) -> RegionSeen {
    let presence = region.presence.as_ref().ok();
    RegionSeen {
        workspace: region.workspace.clone(),
        location: region.location.clone(),
        reachable: region.reachable(),
        answer: region.answer(other),
        refused: region.refused(),
        role: role.map(str::to_owned),
        principal: presence.and_then(|presence| presence.principal.clone()),
        observed_at: region.observed_at,
        clock: presence.and_then(|presence| presence.clock).map(moment::millis),
    }
}

/// The tables that are left out of the groups of the plan.
fn unprotected(observed: &Observed, planned: &[WorkspacePlan]) -> Vec<Unprotected> {
    let workspaces = observed.workspaces.iter().zip(planned);
    workspaces
        .flat_map(|(seen, planned)| {
            let groups = planned.groups.iter();
            let planned: BTreeSet<&str> = groups.map(|group| group.name.as_str()).collect();
            let named = seen.groups.iter();
            named
                .filter_map(|group| Some((group.entry.name()?, group)))
                .filter(move |(name, _)| planned.contains(name))
                .map(|(name, group)| (&seen.workspace.name, name, group))
        })
        .flat_map(|(workspace, name, group)| {
            let tables = group.unprotected.iter();
            tables.map(move |(table, reason)| (workspace, name, table, reason))
        })
        .map(|(workspace, name, table, reason)| Unprotected {
            workspace: Some(workspace.clone()),
            group: name.to_owned(),
            table: table.to_string(),
            reason: reason.as_str().into(),
        })
        .collect()
}

fn summary(workspaces: &[WorkspacePlan]) -> Summary {
    let mut counts = Summary::default();
    for workspace in workspaces {
        counts.metadata_changes +=
            workspace.metadata.iter().map(document::MetadataAction::changes).sum::<usize>();
        for group in &workspace.groups {
            match group.decision {
                Decision::Blocked => counts.groups_blocked += 1,
                Decision::Sync => counts.groups_sync += 1,
                Decision::Waiting => counts.groups_waiting += 1,
                Decision::UpToDate => counts.groups_up_to_date += 1,
            }
            for step in &group.steps {
                match step.action {
                    Action::Create => counts.create += 1,
                    Action::Update => counts.update += 1,
                    Action::NoOp => counts.no_op += 1,
                }
                if let Some(estimate) = step.estimate {
                    counts.copy_bytes = counts.copy_bytes.saturating_add(estimate.copy_bytes);
                    counts.copy_files = counts.copy_files.saturating_add(estimate.copy_files);
                }
            }
        }
    }
    counts
}

/// Whether applying it does something.
fn applyable(workspaces: &[WorkspacePlan]) -> bool {
    workspaces.iter().any(|workspace| {
        let mut groups = workspace.groups.iter();
        let mut metadata = workspace.metadata.iter();
        groups.any(|group| group.decision == Decision::Sync)
            || metadata.any(|action| action.action != LedgerAction::None)
    })
}

/// The acceptances that let something through, and a warning for each that did not.
fn acceptances(
    request: &Request,
    workspaces: &[WorkspacePlan],
) -> (Vec<AcceptedRisk>, Vec<Warning>) {
    let groups = || {
        let all = workspaces.iter();
        all.flat_map(|workspace| workspace.groups.iter().map(|group| (&workspace.name, group)))
    };
    let used = |risk: &AcceptedRisk| {
        groups().any(|(workspace, group)| {
            let crash = risk.code == CRASH_CONSISTENT
                && risk.is_about(workspace, &group.name, std::iter::empty())
                && group.consistency == Some(Consistency::CrashConsistent);
            crash
                || group.findings.iter().any(|finding| {
                    finding.severity == Severity::Accepted
                        && finding.code.as_str() == risk.code
                        && request.accepts(
                            &risk.code,
                            workspace,
                            &group.name,
                            finding.table.as_deref(),
                        )
                })
        })
    };
    let (used, unused): (Vec<_>, Vec<_>) = request.accepted.iter().cloned().partition(used);
    let stands = |risk: &AcceptedRisk| {
        groups().any(|(workspace, group)| {
            group.findings.iter().any(|finding| {
                finding.code.as_str() == risk.code
                    && request.accepts(&risk.code, workspace, &group.name, finding.table.as_deref())
            })
        })
    };
    let warn = |risk: AcceptedRisk| Warning {
        code: WarningCode::AcceptanceUnused,
        workspace: None,
        group: None,
        table: None,
        message: format!(
            "{}:{} was accepted, and {}",
            risk.code,
            risk.scope,
            if stands(&risk) {
                "what was found cannot be: its remedy is another"
            } else {
                "there is no such finding"
            }
        )
        .into(),
    };
    (used, unused.into_iter().map(warn).collect())
}

/// The longest wait that the configuration allows; of several workspaces the shortest.
fn max_age(observed: &Observed) -> Duration {
    let workspaces = observed.workspaces.iter();
    let max_age = workspaces.map(|workspace| workspace.workspace.plan_max_age);
    max_age.min().unwrap_or(Duration::hours(72))
}

/// A plan expires with its first pin, and in any case after the configuration's longest wait.
fn expiry(
    created_at: DateTime<Utc>,
    workspaces: &[WorkspacePlan],
    max_age: Duration,
) -> (DateTime<Utc>, String) {
    let oldest_pin = workspaces
        .iter()
        .flat_map(|workspace| &workspace.groups)
        .flat_map(|group| &group.steps)
        .filter(|step| step.action != Action::NoOp)
        .filter_map(|step| Some((step.source.readable_until?, step)))
        .min_by_key(|(until, _)| *until);
    let by_age = moment::later(created_at, max_age);
    let hours = max_age.num_hours();
    match oldest_pin {
        Some((until, step)) if until < by_age => (
            until,
            format!("the pin of {} v{} can be read no longer", step.table, step.source.version),
        ),
        Some((until, _)) => (
            by_age,
            format!(
                "max age {hours}h; the oldest pin stays readable until {}",
                moment::text(until)
            ),
        ),
        None => (by_age, format!("max age {hours}h")),
    }
}
