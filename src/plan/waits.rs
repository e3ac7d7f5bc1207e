//! What a group waits for, by the reason of its decision: whoever asks whether it will come right by itself asks here. Pure.

use super::document::{Decision, GroupPlan, ReasonCode};

/// What has to happen before a group is synchronized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WaitsFor {
    /// Nothing: its reason is none to wait.
    Nothing,
    /// Its next time.
    Clock,
    /// A run of its workflow that is at work.
    RunAtWork,
    /// A run of its workflow that succeeds, alone: none has yet.
    FirstRun,
    /// Whoever looks after its workflow, whose newest run failed.
    FailedRun,
    /// Whoever paused it.
    Pause,
    /// Another apply.
    Apply,
}

impl WaitsFor {
    /// What a group waits for whose decision has this reason.
    fn of(reason: ReasonCode) -> WaitsFor {
        match reason {
            ReasonCode::WorkflowSucceeded
            | ReasonCode::ScheduleDue
            | ReasonCode::FirstSync
            | ReasonCode::MaxLagExceeded
            | ReasonCode::ReplicaDiffers
            | ReasonCode::NothingNew
            | ReasonCode::Blocked => WaitsFor::Nothing,
            ReasonCode::NotDue | ReasonCode::MinInterval => WaitsFor::Clock,
            ReasonCode::WorkflowActive => WaitsFor::RunAtWork,
            ReasonCode::WorkflowNeverSucceeded | ReasonCode::WorkflowRunsOverlap => {
                WaitsFor::FirstRun
            }
            ReasonCode::WorkflowFailed => WaitsFor::FailedRun,
            ReasonCode::Paused => WaitsFor::Pause,
            ReasonCode::Locked => WaitsFor::Apply,
        }
    }
}

impl GroupPlan {
    /// What it waits for; one of which something else was decided waits for nothing.
    fn waits_for(&self) -> WaitsFor {
        match self.decision {
            Decision::Waiting => WaitsFor::of(self.reason.code),
            Decision::Blocked | Decision::Sync | Decision::UpToDate => WaitsFor::Nothing,
        }
    }

    /// Whether what it waits for is more than its next time: then it has a line of its own however short a plan is told.
    pub fn waits_for_more_than_time(&self) -> bool {
        !matches!(self.waits_for(), WaitsFor::Nothing | WaitsFor::Clock)
    }

    /// Whether it waits for a person: somebody paused it, or has to look after its workflow. Told where others are counted.
    pub fn waits_for_a_person(&self) -> bool {
        matches!(self.waits_for(), WaitsFor::Pause | WaitsFor::FailedRun)
    }

    /// Whether it waits for whoever looks after its workflow, whose newest run failed: all that helps to decide is told then.
    pub fn waits_for_a_failed_run(&self) -> bool {
        self.waits_for() == WaitsFor::FailedRun
    }

    /// Whether it waits for its next time alone, and is not late: nobody has to do anything.
    pub fn waits_in_good_order(&self) -> bool {
        self.decision == Decision::Waiting && self.next_due_at.is_some() && !self.is_late()
    }

    /// Whether a plan that has it is more than one with nothing to do: it will not come right by itself, or its lag is beyond its objective.
    pub fn calls_for_attention(&self) -> bool {
        self.waits_for_a_failed_run() || self.breaches_objective()
    }

    /// Whether it is worth an offer to go on without a finished run of its workflow: commits wait for one that failed, or for one
    /// that is at work while the lag comes close to the objective.
    pub fn may_go_unfinished(&self) -> bool {
        let waits = match self.waits_for() {
            WaitsFor::FailedRun => true,
            WaitsFor::RunAtWork => self.is_late(),
            WaitsFor::Nothing
            | WaitsFor::Clock
            | WaitsFor::FirstRun
            | WaitsFor::Pause
            | WaitsFor::Apply => false,
        };
        waits && self.pending_commits != Some(0)
    }
}
