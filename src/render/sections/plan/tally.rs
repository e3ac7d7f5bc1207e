//! How many groups each was decided of: every screen of a plan counts them here.

use crate::plan::document::DueAnyway;
use crate::plan::{Decision, Plan};

/// Groups by what was decided of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tally {
    pub(super) sync: usize,
    pub(super) blocked: usize,
    pub(super) waiting: usize,
    pub(super) up_to_date: usize,
}

impl Tally {
    /// Those of a plan.
    pub(super) fn of(plan: &Plan) -> Tally {
        let number = |decision| plan.decided(decision).count();
        Tally {
            sync: number(Decision::Sync),
            blocked: number(Decision::Blocked),
            waiting: number(Decision::Waiting),
            up_to_date: number(Decision::UpToDate),
        }
    }

    /// Those that are not part of a plan of what the configuration changes.
    pub(super) fn of_due(due: &DueAnyway) -> Tally {
        Tally {
            sync: due.groups_sync,
            blocked: due.groups_blocked,
            waiting: due.groups_waiting,
            up_to_date: due.groups_up_to_date,
        }
    }

    /// Those that nothing is copied for, each number with its word.
    pub(super) fn others(self) -> [(usize, &'static str); 3] {
        let Tally { sync: _, blocked, waiting, up_to_date } = self;
        [(blocked, " blocked"), (waiting, " waiting"), (up_to_date, " up to date")]
    }
}
