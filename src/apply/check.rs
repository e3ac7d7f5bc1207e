//! Whether a stored plan can still be applied, group by group: what an apply would ask first, and nothing written.

use chrono::{DateTime, Utc};
use futures::StreamExt;
use serde::{Deserialize, Serialize};

use super::precondition::{self, Unfit};
use super::record::{Exit, GroupOutcome};
use crate::ledger::Cuts;
use crate::moment;
use crate::plan::document::WorkspacePlan;
use crate::plan::{Decision, GroupPlan, StoredPlan, merge_copies};
use crate::region::{RegionError, Regions};

/// What `kind` says of a check.
pub const CHECK_KIND: &str = "drsync.check";

/// Groups that are looked at at once.
const GROUPS_AT_ONCE: usize = 8;

/// How a stored plan stands now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanCheck {
    /// `drsync.check`.
    pub kind: String,
    /// Major and minor version of this document's shape.
    pub format_version: String,
    /// The plan.
    pub plan_id: String,
    /// SHA-256 of the plan's bytes.
    pub plan_sha256: String,
    /// Of what the plan does, recomputed.
    pub effect_sha256: String,
    /// When it was looked at.
    #[serde(with = "moment::Moment")]
    pub checked_at: DateTime<Utc>,
    /// Until when the plan may be applied.
    #[serde(with = "moment::Moment")]
    pub expires_at: DateTime<Utc>,
    /// An apply of it would do something now.
    pub applicable: bool,
    /// How the check ends.
    pub exit: Exit,
    /// Every group of the plan.
    pub groups: Vec<GroupCheck>,
}

/// How one group of a stored plan stands now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupCheck {
    /// Its workspace.
    pub workspace: String,
    /// Its name.
    pub name: String,
    /// What the plan decided.
    pub decision: Decision,
    /// How it stands.
    pub standing: GroupStanding,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// How a group of a stored plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupStanding {
    /// It can be synchronized as planned.
    Applicable,
    /// It is at the plan's recovery point, or after it.
    Overtaken,
    /// What the plan was computed from has moved.
    Stale,
    /// It could be synchronized as planned, had the plan not expired.
    Expired,
    /// Somebody wrote to a replica, or something cannot be seen.
    Blocked,
    /// The plan does nothing to it.
    NothingToDo,
}

/// Looks at everything that an apply of the plan would look at before it clones; writes nothing.
pub async fn check(stored: &StoredPlan, regions: &[Regions], now: DateTime<Utc>) -> PlanCheck {
    let plan = &stored.plan;
    let mut groups = Vec::new();
    let (mut primary_away, mut secondary_away) = (false, false);
    for (workspace, regions) in plan.workspaces.iter().zip(regions) {
        let (primary, secondary) =
            tokio::join!(regions.primary.ledger(), regions.secondary.ledger());
        primary_away |= primary.is_err();
        secondary_away |= secondary.is_err();
        let away = primary.as_ref().err().or(secondary.as_ref().err()).cloned();
        let ledger = merge_copies(&primary.unwrap_or_default(), &secondary.unwrap_or_default());
        let looked = workspace
            .groups
            .iter()
            .map(|group| look(workspace, group, regions, &ledger.cuts, away.as_ref(), now));
        let looked: Vec<GroupCheck> = futures::stream::iter(looked)
            .buffered(GROUPS_AT_ONCE)
            .collect()
            .await;
        groups.extend(looked);
    }
    if now > plan.expires_at {
        for group in &mut groups {
            if group.standing == GroupStanding::Applicable {
                group.standing = GroupStanding::Expired;
            }
        }
    }
    let exit = exit(&groups, primary_away, secondary_away);
    PlanCheck {
        kind: CHECK_KIND.to_owned(),
        format_version: super::FORMAT_VERSION.to_owned(),
        plan_id: plan.plan_id.clone(),
        plan_sha256: stored.sha256.clone(),
        effect_sha256: plan.effect_sha256.clone(),
        checked_at: moment::millis(now),
        expires_at: plan.expires_at,
        applicable: now <= plan.expires_at
            && plan.applyable
            && (groups_to_sync(plan) == 0
                || groups
                    .iter()
                    .any(|group| group.standing == GroupStanding::Applicable)),
        exit,
        groups,
    }
}

fn groups_to_sync(plan: &crate::plan::Plan) -> usize {
    let groups = plan.groups();
    groups
        .filter(|(_, group)| group.decision == Decision::Sync)
        .count()
}

async fn look(
    workspace: &WorkspacePlan,
    group: &GroupPlan,
    regions: &Regions,
    cuts: &Cuts,
    away: Option<&RegionError>,
    now: DateTime<Utc>,
) -> GroupCheck {
    let (standing, message) = match (group.decision, group.recovery_point, away) {
        (Decision::Blocked | Decision::Waiting | Decision::UpToDate, _, _)
        | (Decision::Sync, None, _) => (GroupStanding::NothingToDo, None),
        (Decision::Sync, Some(_), Some(refusal)) => {
            (GroupStanding::Blocked, Some(refusal.to_string()))
        }
        (Decision::Sync, Some(point), None) => match precondition::follows(cuts, group, point) {
            Err((outcome, message)) => (of_outcome(outcome), Some(message)),
            Ok(()) => match precondition::check(regions, cuts, group, now).await {
                Ok(_) => match precondition::still_true(regions, group, point).await {
                    Ok(()) => (GroupStanding::Applicable, None),
                    Err(unfit) => of_unfit(unfit),
                },
                Err(unfit) => of_unfit(unfit),
            },
        },
    };
    GroupCheck {
        workspace: workspace.name.clone(),
        name: group.name.clone(),
        decision: group.decision,
        standing,
        message,
    }
}

fn of_outcome(outcome: GroupOutcome) -> GroupStanding {
    match outcome {
        GroupOutcome::Overtaken => GroupStanding::Overtaken,
        GroupOutcome::Stale => GroupStanding::Stale,
        GroupOutcome::Synchronized
        | GroupOutcome::UpToDate
        | GroupOutcome::Waiting
        | GroupOutcome::Blocked
        | GroupOutcome::Failed
        | GroupOutcome::NotStarted => GroupStanding::Blocked,
    }
}

fn of_unfit(unfit: Unfit) -> (GroupStanding, Option<String>) {
    match unfit {
        Unfit::Stale(text) => (GroupStanding::Stale, Some(text)),
        Unfit::Failed(text) | Unfit::Unseen(text) => (GroupStanding::Blocked, Some(text)),
    }
}

/// As an apply would end, as far as that can be known before.
fn exit(groups: &[GroupCheck], primary_away: bool, secondary_away: bool) -> Exit {
    let number = |standing: GroupStanding| {
        let alike = groups.iter().filter(|group| group.standing == standing);
        alike.count()
    };
    let planned = groups.len() - number(GroupStanding::NothingToDo);
    let stale = number(GroupStanding::Stale);
    let good = number(GroupStanding::Applicable) + number(GroupStanding::Overtaken);
    let (code, name) = match () {
        () if number(GroupStanding::Expired) > 0 || (planned > 0 && stale == planned) => {
            (5, "stale")
        }
        () if primary_away => (8, "primary region not available"),
        () if secondary_away && good == 0 => (8, "secondary region not available"),
        () if good == planned => (0, "ok"),
        () if good == 0 => (1, "blocked"),
        () => (4, "partial"),
    };
    Exit {
        code,
        name: name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(standings: &[GroupStanding]) -> u8 {
        let groups: Vec<GroupCheck> = standings
            .iter()
            .map(|standing| GroupCheck {
                workspace: "east".to_owned(),
                name: "g".to_owned(),
                decision: Decision::Sync,
                standing: *standing,
                message: None,
            })
            .collect();
        exit(&groups, false, false).code
    }

    #[test]
    fn the_exit_status_is_the_first_that_fits() {
        use GroupStanding::{Applicable, Blocked, Expired, NothingToDo, Overtaken, Stale};
        assert_eq!(ends(&[]), 0);
        assert_eq!(ends(&[NothingToDo]), 0);
        assert_eq!(ends(&[Applicable, NothingToDo, Overtaken]), 0);
        assert_eq!(ends(&[Stale, Stale, NothingToDo]), 5);
        assert_eq!(ends(&[Expired, Overtaken]), 5);
        assert_eq!(ends(&[Stale, Applicable]), 4);
        assert_eq!(ends(&[Stale, Overtaken]), 4);
        assert_eq!(ends(&[Stale, Blocked]), 1);
        assert_eq!(ends(&[Blocked, Applicable]), 4);
        assert_eq!(exit(&[], true, false).code, 8);
    }
}
