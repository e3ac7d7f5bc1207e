//! Whether a stored plan can still be applied, group by group: what an apply would ask first, and nothing written.

use chrono::{DateTime, Utc};
use futures::StreamExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::exit::{AwayRegions, exit_of_endings};
use super::grant::{Missing, grant_for, with_grant};
use super::left::blocking;
use super::precondition::{self, Passed, Unfit};
use super::site::healing::{Lacking, planned_rows};
use crate::formats::CHECK;
use crate::ledger::Cuts;
use crate::moment;
use crate::pause::TryFailure;
use crate::plan::document::WorkspacePlan;
use crate::plan::{Decision, GroupPlan, Role, StoredPlan, merge_copies, words_of_region};
use crate::record::{Ending, Exit};
use crate::region::{LedgerCopy, RegionError, Regions, refuse_without_a_copy};
use crate::sentence::Sentence;

/// Groups that are looked at at once.
const GROUPS_AT_ONCE: usize = 8;

/// How a stored plan stands now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// It is of a format version whose effect does not cover all that an apply does, and is not carried out any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub outdated: bool,
    /// An apply of it would do something now.
    pub applicable: bool,
    /// An apply of it would change metadata tables before it begins with groups.
    pub metadata_changes: bool,
    /// How the check ends.
    pub exit: Exit,
    /// Every group of the plan.
    pub groups: Vec<GroupCheck>,
}

/// How one group of a stored plan stands now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    pub message: Option<Sentence>,
    /// The apply that brought it to the plan's recovery point, or after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
}

/// How a group of a stored plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupStanding {
    /// It can be synchronized as planned.
    Applicable,
    /// An apply of this very plan committed its cut.
    Applied,
    /// Another apply brought it to the plan's recovery point, or after it.
    Overtaken,
    /// What the plan was computed from has moved.
    Stale,
    /// It could be synchronized as planned, had the plan not expired.
    Expired,
    /// The plan holds it as blocked, somebody wrote to a replica, or something cannot be seen.
    Blocked,
    /// The plan does nothing to it.
    NothingToDo,
}

/// Looks at everything that an apply of the plan would look at before it clones; writes nothing.
pub async fn check(stored: &StoredPlan, regions: &[Regions], now: DateTime<Utc>) -> PlanCheck {
    let plan = &stored.plan;
    let (mut groups, mut endings) = (Vec::new(), Vec::new());
    let mut away = AwayRegions::default();
    let mut metadata_changes = false;
    for (workspace, regions) in plan.workspaces.iter().zip(regions) {
        let read = LedgersRead::read(regions).await;
        away = away.or(read.away());
        let refusal = read.refusal();
        let copies = [&read.primary, &read.secondary].map(|copy| copy.clone().unwrap_or_default());
        let ledger = merge_copies(&copies[0], &copies[1]);
        let rows = planned_rows(workspace, ledger.rows, &ledger.cuts, plan.created_at);
        let mut there = [&read.primary, &read.secondary].into_iter().flatten();
        metadata_changes |= there.any(|copy| {
            let whole = copy.metadata.is_some() && copy.cuts.is_some();
            !whole || !Lacking::of(copy, &rows, &ledger.cuts, &workspace.sides()).is_nothing()
        });
        let asked = Asked {
            sha256: &stored.sha256,
            regions,
            cuts: &ledger.cuts,
            principal: read.principal.as_deref(),
            refusal: refusal.as_ref(),
            now,
        };
        let looked = workspace.groups.iter().map(|group| check_group(workspace, group, &asked));
        let looked: Vec<(GroupCheck, Ending)> =
            futures::stream::iter(looked).buffered(GROUPS_AT_ONCE).collect().await;
        for (group, ending) in looked {
            groups.push(group);
            endings.push(ending);
        }
    }
    let over = now > plan.expires_at || plan.is_of_first_version();
    let expired = over && !completed(&groups);
    // As an apply would end, as far as that can be known before.
    let exit = if expired {
        Exit { code: 5, name: "stale".to_owned() }
    } else {
        // Of a stored plan only what it says itself of the configuration is known.
        exit_of_endings(plan, &endings, away, false, 0)
    };
    put_together(stored, groups, metadata_changes, expired, exit, now)
}

/// The check of a plan, from how its groups stand; where its time is over, none of them can be synchronized any more.
fn put_together(
    stored: &StoredPlan,
    mut groups: Vec<GroupCheck>,
    metadata_changes: bool,
    expired: bool,
    exit: Exit,
    now: DateTime<Utc>,
) -> PlanCheck {
    let plan = &stored.plan;
    if expired {
        for group in &mut groups {
            if group.standing == GroupStanding::Applicable {
                group.standing = GroupStanding::Expired;
            }
        }
    }
    PlanCheck {
        kind: CHECK.kind.to_owned(),
        format_version: CHECK.version.to_owned(),
        plan_id: plan.plan_id.clone(),
        plan_sha256: stored.sha256.clone(),
        effect_sha256: plan.effect_sha256.clone(),
        checked_at: moment::millis(now),
        expires_at: plan.expires_at,
        outdated: plan.is_of_first_version(),
        applicable: !expired
            && plan.applyable
            && ((plan.summary.groups_sync == 0 && metadata_changes)
                || groups.iter().any(|group| group.standing == GroupStanding::Applicable)),
        metadata_changes: plan.applyable && metadata_changes,
        exit,
        groups,
    }
}

/// The ledgers of both regions as they were read for a check, or why not.
struct LedgersRead {
    primary: Result<LedgerCopy, RegionError>,
    secondary: Result<LedgerCopy, RegionError>,
    /// Who asks, as the primary knows them.
    principal: Option<String>,
}

impl LedgersRead {
    async fn read(regions: &Regions) -> LedgersRead {
        let (mut primary, mut secondary, presence) = tokio::join!(
            regions.primary.location.ledger(),
            regions.secondary.location.ledger(),
            regions.primary.presence()
        );
        let principal = presence.ok().and_then(|presence| presence.principal);
        refuse_without_a_copy(&mut primary, &mut secondary);
        for (region, copy) in
            [(&regions.primary, &mut primary), (&regions.secondary, &mut secondary)]
        {
            // A table that is not found, or cannot be read, does not tell whether its location is there: an apply asks for that first.
            let in_doubt = copy.as_ref().map_or(true, |copy| !copy.troubles.is_empty());
            if in_doubt && let Err(refusal) = region.presence().await {
                *copy = Err(refusal);
            }
        }
        LedgersRead { primary, secondary, principal }
    }

    /// Which regions did not answer.
    fn away(&self) -> AwayRegions {
        let gone = |copy: &Result<LedgerCopy, RegionError>| {
            let refusal = copy.as_ref().err();
            refusal.is_some_and(|refusal| refusal.kind.is_away())
        };
        AwayRegions { primary: gone(&self.primary), secondary: gone(&self.secondary) }
    }

    /// Why no group can be looked at.
    fn refusal(&self) -> Option<Unfit> {
        let (role, refusal) = match (&self.primary, &self.secondary) {
            (Err(refusal), _) => (Role::Primary, refusal),
            (Ok(_), Err(refusal)) => (Role::Secondary, refusal),
            (Ok(_), Ok(_)) => return None,
        };
        let text = format!("{}: {refusal}", words_of_region(role, refusal.kind));
        let missing = Missing::of(refusal, None);
        let ending = Box::new(Ending::of_region(role, refusal));
        Some(Unfit { ending, text: text.into(), missing, failure: TryFailure::Lasting })
    }
}

impl PlanCheck {
    /// The plan's time is over, and not because everything in it was done.
    pub fn expired(&self) -> bool {
        (self.outdated || self.checked_at > self.expires_at) && !completed(&self.groups)
    }
}

/// Whether every group that the plan would synchronize is where it would bring it.
fn completed(groups: &[GroupCheck]) -> bool {
    let mut planned = groups.iter().filter(|group| group.decision == Decision::Sync).peekable();
    planned.peek().is_some()
        && planned.all(|group| match group.standing {
            GroupStanding::Applied | GroupStanding::Overtaken => true,
            GroupStanding::Applicable
            | GroupStanding::Stale
            | GroupStanding::Expired
            | GroupStanding::Blocked
            | GroupStanding::NothingToDo => false,
        })
}

/// What every group of a workspace is looked at with.
struct Asked<'a> {
    sha256: &'a str,
    regions: &'a Regions,
    cuts: &'a Cuts,
    /// Who asks, as the primary knows them.
    principal: Option<&'a str>,
    /// Why nothing can be looked at.
    refusal: Option<&'a Unfit>,
    now: DateTime<Utc>,
}

/// How a group stands, and how an apply would end for it, had it no trouble of its own.
async fn check_group(
    workspace: &WorkspacePlan,
    group: &GroupPlan,
    asked: &Asked<'_>,
) -> (GroupCheck, Ending) {
    let mut check = GroupCheck {
        workspace: workspace.name.clone(),
        name: group.name.clone(),
        decision: group.decision,
        standing: GroupStanding::NothingToDo,
        message: None,
        run_id: None,
    };
    let ending = match (group.decision, group.recovery_point) {
        // What was done needs no region; an apply looks in this order too.
        (Decision::Sync, Some(point)) => {
            match precondition::follows(asked.cuts, &workspace.name, group, point, asked.sha256) {
                Err(passed) => {
                    check.message = Some(passed.message());
                    (check.standing, check.run_id) = standing_of_passed(&passed);
                    passed.ending()
                }
                Ok(()) => match check_still_applicable(group, point, asked).await {
                    Ok(()) => {
                        check.standing = GroupStanding::Applicable;
                        Ending::Synchronized
                    }
                    Err(Unfit { ending, text, missing, failure: _ }) => {
                        check.standing = standing_of_unfit(&ending);
                        let (regions, principal) = (asked.regions, asked.principal);
                        let missing = missing.as_ref();
                        let grant = grant_for(regions, workspace, group, principal, missing).await;
                        check.message = Some(with_grant(text, grant.as_ref()));
                        *ending
                    }
                },
            }
        }
        (Decision::Blocked, _) => {
            check.standing = GroupStanding::Blocked;
            check.message = Some(blocking(group));
            Ending::blocked(&group.findings)
        }
        (Decision::Sync, None) => Ending::NotStarted,
        (Decision::Waiting, _) => Ending::Waiting,
        (Decision::UpToDate, _) => Ending::UpToDate,
    };
    (check, ending)
}

/// How a group stands whose planned cut does not come next, and the apply that brought it further.
fn standing_of_passed(passed: &Passed) -> (GroupStanding, Option<String>) {
    match passed {
        Passed::Applied(cut) => (GroupStanding::Applied, Some(cut.run_id.clone())),
        Passed::Overtaken(cut) => (GroupStanding::Overtaken, Some(cut.run_id.clone())),
        Passed::FailedOver(_) => (GroupStanding::Blocked, None),
        Passed::Stale(_, _) => (GroupStanding::Stale, None),
    }
}

/// How a group stands that cannot be synchronized as planned.
fn standing_of_unfit(ending: &Ending) -> GroupStanding {
    match ending {
        Ending::Stale { .. } => GroupStanding::Stale,
        Ending::Synchronized
        | Ending::UpToDate
        | Ending::Waiting
        | Ending::Blocked { .. }
        | Ending::Overtaken { .. }
        | Ending::Away { .. }
        | Ending::Failed(_)
        | Ending::Interrupted
        | Ending::NotStarted => GroupStanding::Blocked,
    }
}

/// Whether a group whose cut comes next can be synchronized as planned.
async fn check_still_applicable(
    group: &GroupPlan,
    point: DateTime<Utc>,
    asked: &Asked<'_>,
) -> Result<(), Unfit> {
    if let Some(refusal) = asked.refusal {
        return Err(refusal.clone());
    }
    let checked = precondition::check(asked.regions, asked.cuts, group, asked.now).await?;
    precondition::still_whole(asked.regions, group, &checked).await?;
    precondition::still_true(asked.regions, group, point).await?;
    Ok(())
}
