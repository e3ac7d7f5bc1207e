//! How an apply ended, as an exit status: the first that fits.

use super::record::{Exit, GroupOutcome, GroupRecord};
use crate::plan::document::BothRegions;
use crate::plan::{Decision, FindingCode, PRIMARY_AWAY, Plan, SECONDARY_AWAY};

/// Which regions did not answer when the apply began, of those that it had to write to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Away {
    /// A primary.
    pub(super) primary: bool,
    /// A secondary.
    pub(super) secondary: bool,
}

/// The exit status of an apply whose groups ended as recorded, or would; `signal`: 130, 143 or 0.
pub(super) fn of(plan: &Plan, groups: &[GroupRecord], away: Away, signal: u8) -> Exit {
    let any = |outcome: GroupOutcome| groups.iter().any(|group| group.outcome == outcome);
    let tried = plan.summary.groups_sync;
    let stale = groups.iter().filter(|group| group.outcome == GroupOutcome::Stale).count();
    let primary_away = plan.workspaces.iter().any(|workspace| workspace.observed.primary.is_away());
    let refused = plan.workspaces.iter().any(|workspace| {
        let BothRegions { primary, secondary } = &workspace.observed;
        primary.refused.is_some() || secondary.refused.is_some()
    });
    let blocked_by = |code: FindingCode| {
        plan.groups().any(|(_, group)| {
            group.decision == Decision::Blocked
                && group.findings.iter().any(|finding| finding.code == code)
        })
    };
    let failed_by = |words: &str| {
        groups.iter().any(|group| {
            let message = group.message.as_deref();
            group.outcome == GroupOutcome::Failed
                && message.is_some_and(|text| text.starts_with(words))
        })
    };
    // What was done before an apply needs no region; what only changes metadata tables needs both.
    let of_metadata = tried == 0 && plan.applyable;
    let primary_silent = blocked_by(FindingCode::PrimaryNotAvailable)
        || failed_by(PRIMARY_AWAY)
        || (of_metadata && away.primary);
    let secondary_away =
        plan.workspaces.iter().any(|workspace| workspace.observed.secondary.is_away())
            || blocked_by(FindingCode::SecondaryNotAvailable)
            || failed_by(SECONDARY_AWAY)
            || (of_metadata && away.secondary);
    let bad = [
        GroupOutcome::Failed,
        GroupOutcome::Blocked,
        GroupOutcome::Stale,
        GroupOutcome::NotStarted,
    ];
    // A group or workspace that could not be read is not in the plan, and not in order.
    let incomplete = plan.is_incomplete();
    let in_order = groups.iter().any(|group| !bad.contains(&group.outcome));
    let (code, name) =
        match signal {
            0 if tried > 0 && stale == tried => (5, "stale"),
            0 if primary_away || (primary_silent && !any(GroupOutcome::Synchronized)) => {
                (8, "primary region not available")
            }
            0 if secondary_away && !any(GroupOutcome::Synchronized) => {
                (8, "secondary region not available")
            }
            0 if (bad.into_iter().any(any) || incomplete) && !in_order => {
                if any(GroupOutcome::Failed) { (1, "failed") } else { (1, "blocked") }
            }
            // What it answers is nothing to go by: even a group that needs nothing is not known to be in order.
            0 if refused && !any(GroupOutcome::Synchronized) => (1, "failed"),
            0 if bad.into_iter().any(any) || incomplete || refused => (4, "partial"),
            0 => (0, "ok"),
            signal => (signal, "interrupted"),
        };
    Exit { code, name: name.to_owned() }
}

/// How an apply ends that would have ended so: a good end is none where evidence of it is lacking.
pub(super) fn without_evidence(otherwise: Exit, lacking: bool) -> Exit {
    match otherwise.code == 0 && lacking {
        true => Exit { code: 1, name: "record not kept".to_owned() },
        false => otherwise,
    }
}
