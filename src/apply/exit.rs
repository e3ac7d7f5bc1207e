//! How an apply ended, as an exit status: the first that fits. Pure.

use super::lost::LostOutput;
use crate::plan::document::BothRegions;
use crate::plan::{FindingCode, Plan, Role};
use crate::record::{Ending, Exit};

/// Which regions did not answer when the apply began, of those that it had to write to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct AwayRegions {
    /// A primary.
    pub(super) primary: bool,
    /// A secondary.
    pub(super) secondary: bool,
}

impl AwayRegions {
    /// Those and these.
    pub(super) fn or(self, other: AwayRegions) -> AwayRegions {
        let AwayRegions { primary, secondary } = other;
        AwayRegions { primary: self.primary || primary, secondary: self.secondary || secondary }
    }
}

/// The exit status of an apply whose deadline left work; what sets a stop for it says so by this in place of a signal's.
pub const DEADLINE: u8 = 9;

/// What the endings of all groups come to.
#[derive(Debug, Default)]
struct Seen {
    synchronized: bool,
    /// A group is as the plan would have it.
    in_order: bool,
    blocked: bool,
    failed: bool,
    stale: usize,
    /// A group's turn did not come, or it was stopped.
    unfinished: bool,
    /// A group could not be brought on because the primary did not answer.
    primary_away: bool,
    secondary_away: bool,
    /// Another side is active of a group.
    failed_over: bool,
}

impl Seen {
    fn of<'a>(endings: impl IntoIterator<Item = &'a Ending>) -> Seen {
        let mut seen = Seen::default();
        for ending in endings {
            seen.failed_over |= ending.is_found(|code| code == FindingCode::FailedOver);
            match ending {
                Ending::Synchronized => (seen.synchronized, seen.in_order) = (true, true),
                Ending::UpToDate | Ending::Waiting | Ending::Overtaken { .. } => {
                    seen.in_order = true;
                }
                Ending::Blocked { findings } => {
                    seen.blocked = true;
                    let by = |code| findings.iter().any(|finding| finding.code == code);
                    seen.primary_away |= by(FindingCode::PrimaryNotAvailable);
                    seen.secondary_away |= by(FindingCode::SecondaryNotAvailable);
                }
                Ending::Stale { .. } => seen.stale += 1,
                Ending::Away { side: Role::Primary } => {
                    (seen.failed, seen.primary_away) = (true, true);
                }
                Ending::Away { side: Role::Secondary } => {
                    (seen.failed, seen.secondary_away) = (true, true);
                }
                Ending::Failed(_) => seen.failed = true,
                Ending::Interrupted | Ending::NotStarted => seen.unfinished = true,
            }
        }
        seen
    }
}

/// The exit status of an apply whose groups ended so, or would; `mistaken`: the configuration has mistakes, whatever they are
/// about; `signal`: 130, 143, [`DEADLINE`] or 0.
pub(super) fn exit_of_endings<'a>(
    plan: &Plan,
    endings: impl IntoIterator<Item = &'a Ending>,
    away: AwayRegions,
    mistaken: bool,
    signal: u8,
) -> Exit {
    let seen = Seen::of(endings);
    let tried = plan.summary.groups_sync;
    let observed = || plan.workspaces.iter().map(|workspace| &workspace.observed);
    let refused = observed().any(|BothRegions { primary, secondary, .. }| {
        primary.refused.is_some() || secondary.refused.is_some()
    });
    // A plan without a sync needs no region unless it writes metadata tables: then it needs both, and one that is away decides
    // the end.
    let of_metadata = tried == 0 && plan.applyable;
    let primary_away = observed().any(|seen| seen.primary.is_away());
    let primary_silent = seen.primary_away || (of_metadata && away.primary);
    let secondary_away = observed().any(|seen| seen.secondary.is_away())
        || seen.secondary_away
        || (of_metadata && away.secondary);
    // A group or workspace that could not be read is not in the plan, and not in order.
    let bad =
        seen.failed || seen.blocked || seen.stale > 0 || seen.unfinished || plan.is_incomplete();
    // A deadline that came when all was done stopped nothing.
    let in_time = !(signal == DEADLINE && seen.unfinished);
    let signal = if signal == DEADLINE { 0 } else { signal };
    let (code, name) = match signal {
        0 if tried > 0 && seen.stale == tried => (5, "stale"),
        0 if seen.failed_over => (11, "failed over"),
        0 if !in_time => (DEADLINE, "deadline reached"),
        0 if primary_away || (primary_silent && !seen.synchronized) => {
            (8, "primary region not available")
        }
        0 if secondary_away && !seen.synchronized => (8, "secondary region not available"),
        0 if bad && !seen.in_order && seen.failed => (1, "failed"),
        0 if bad && !seen.in_order => (1, "blocked"),
        // The answers of a region that refuses are nothing to go by: even a group that needs nothing is not known to be in
        // order.
        0 if refused && !seen.synchronized => (1, "failed"),
        0 if bad || refused => (4, "partial"),
        // Every group of the plan is in order; without any group only the mistakes are left, and the apply failed.
        0 if mistaken && !seen.in_order => (1, "failed"),
        0 if mistaken => (4, "partial"),
        0 => (0, "ok"),
        signal => (signal, "interrupted"),
    };
    Exit { code, name: name.to_owned() }
}

/// How an apply ends that would have ended so: a good end is none where something that it said was lost.
pub(super) fn exit_without_output(otherwise: Exit, lost: &[LostOutput]) -> Exit {
    no_good_end(otherwise, lost.iter().any(LostOutput::counts), "failed")
}

/// The same where evidence of it may be lacking.
pub(super) fn exit_without_evidence(otherwise: Exit, lacking: bool) -> Exit {
    no_good_end(otherwise, lacking, "record not kept")
}

fn no_good_end(otherwise: Exit, lacking: bool, name: &str) -> Exit {
    if otherwise.code == 0 && lacking { Exit { code: 1, name: name.to_owned() } } else { otherwise }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::StoredPlan;
    use crate::record::{Blocking, Failed, Moved};

    /// A plan that would synchronize two groups, of regions that are both there.
    fn plan() -> Plan {
        let bytes = include_bytes!("../../fixtures/documents/plan-1.2.json");
        let mut plan = StoredPlan::read(bytes).expect("the golden plan").plan;
        plan.summary.groups_sync = 2;
        plan.warnings.clear();
        for workspace in &mut plan.workspaces {
            let BothRegions { primary, secondary, .. } = &mut workspace.observed;
            for seen in [primary, secondary] {
                (seen.reachable, seen.refused) = (true, None);
            }
        }
        plan
    }

    fn code(endings: &[Ending]) -> (u8, String) {
        let Exit { code, name } =
            exit_of_endings(&plan(), endings, AwayRegions::default(), false, 0);
        (code, name)
    }

    #[test]
    fn the_exit_status_follows_from_the_endings_of_groups() {
        let stale = || Ending::Stale { why: Moved::CutGone, table: None };
        let blocked = |code| Ending::Blocked { findings: vec![Blocking { code, table: None }] };
        let away = |side| Ending::Away { side };
        let failed = || Ending::Failed(Failed::CutUnseen);
        let found = |code| Ending::Failed(Failed::Found { code, table: None });
        let refused = || Ending::Failed(Failed::Refused { side: Role::Primary });
        let overtaken = || Ending::Overtaken { cut: 3, run_id: "R".to_owned() };
        let (primary, secondary) =
            ("primary region not available", "secondary region not available");
        for (endings, expected) in [
            (vec![Ending::Synchronized, Ending::UpToDate, overtaken()], (0, "ok")),
            (vec![Ending::Waiting], (0, "ok")),
            (vec![stale(), stale()], (5, "stale")),
            (vec![stale(), Ending::Synchronized], (4, "partial")),
            (vec![away(Role::Primary), Ending::UpToDate], (8, primary)),
            (vec![away(Role::Secondary), failed()], (8, secondary)),
            (vec![away(Role::Secondary), Ending::Synchronized], (4, "partial")),
            (vec![blocked(FindingCode::PrimaryNotAvailable), Ending::Waiting], (8, primary)),
            (vec![blocked(FindingCode::SecondaryNotAvailable)], (8, secondary)),
            (vec![blocked(FindingCode::TableNotFound)], (1, "blocked")),
            (vec![blocked(FindingCode::FailedOver), Ending::Synchronized], (11, "failed over")),
            (vec![found(FindingCode::FailedOver), away(Role::Primary)], (11, "failed over")),
            (vec![found(FindingCode::LedgerNewer)], (1, "failed")),
            (vec![blocked(FindingCode::TableNotFound), failed()], (1, "failed")),
            (vec![refused()], (1, "failed")),
            (vec![failed(), overtaken()], (4, "partial")),
            (vec![Ending::Interrupted], (1, "blocked")),
            (vec![Ending::NotStarted, Ending::Synchronized], (4, "partial")),
        ] {
            let told = code(&endings);
            assert_eq!((told.0, told.1.as_str()), expected, "{endings:?}");
        }
        let stopped =
            exit_of_endings(&plan(), &[Ending::Interrupted], AwayRegions::default(), false, 143);
        assert_eq!((stopped.code, stopped.name.as_str()), (143, "interrupted"));
    }

    #[test]
    fn no_apply_ends_well_by_a_configuration_with_mistakes() {
        let mistaken = |endings: &[Ending], signal| {
            let Exit { code, name } =
                exit_of_endings(&plan(), endings, AwayRegions::default(), true, signal);
            (code, name)
        };
        for (endings, signal, expected) in [
            (vec![Ending::Synchronized], 0, (4, "partial")),
            (vec![Ending::UpToDate], 0, (4, "partial")),
            (vec![], 0, (1, "failed")),
            (vec![Ending::Away { side: Role::Primary }], 0, (8, "primary region not available")),
            (vec![Ending::Interrupted], 130, (130, "interrupted")),
        ] {
            let (code, name) = mistaken(&endings, signal);
            assert_eq!((code, name.as_str()), expected, "{endings:?}");
        }
    }

    #[test]
    fn a_deadline_is_the_end_of_an_apply_that_left_work_and_of_no_other() {
        let at_deadline = |endings: &[Ending]| {
            let Exit { code, name } =
                exit_of_endings(&plan(), endings, AwayRegions::default(), false, DEADLINE);
            (code, name)
        };
        for left in [Ending::Interrupted, Ending::NotStarted] {
            let (code, name) = at_deadline(&[Ending::Synchronized, left]);
            assert_eq!((code, name.as_str()), (9, "deadline reached"));
        }
        assert_eq!(at_deadline(&[Ending::Synchronized, Ending::UpToDate]).0, 0);
        let failed = Ending::Failed(Failed::CutUnseen);
        assert_eq!(at_deadline(&[Ending::Synchronized, failed]).0, 4);
    }
}
