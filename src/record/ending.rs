//! How a group ended, with the facts of it: the exit status follows from these, and from no sentence. Pure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::TableName;
use crate::ledger::Cut;
use crate::plan::{Finding, FindingCode, Role};
use crate::region::RegionError;

/// How a group ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Ending {
    /// Its cut was committed.
    Synchronized,
    /// Nothing was newer than its last cut.
    UpToDate,
    /// It waits, as the plan says.
    Waiting,
    /// The plan holds it as blocked.
    Blocked {
        /// What blocks it.
        findings: Vec<Blocking>,
    },
    /// A later cut was there before, and holds what was planned.
    Overtaken {
        /// The cut's number.
        cut: u64,
        /// The apply that committed it.
        run_id: String,
    },
    /// What the plan was computed from has moved.
    Stale {
        /// What moved.
        why: Moved,
        /// The table that it was about, where it was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        table: Option<TableName>,
    },
    /// A region gave no answer; nothing of the group was done.
    Away {
        /// Which.
        side: Role,
    },
    /// Something went wrong.
    Failed(Failed),
    /// It was stopped at work; the next apply goes on.
    Interrupted,
    /// The apply ended before its turn.
    NotStarted,
}

/// A finding that blocks a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Blocking {
    /// Which.
    pub code: FindingCode,
    /// The table that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
}

/// What has moved since a plan was made.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Moved {
    /// The plan says something else of the cut it follows than the log does.
    CutDiffers,
    /// Another cut was committed, and does not hold what was planned.
    CutCommitted,
    /// The log has a row of the group that is no cut.
    NotACut,
    /// The cut it follows is no longer in the log.
    CutGone,
    /// The catalog spells the table in another way.
    NameSpelled,
    /// The catalog has the table in another place, or as another table.
    SourceMoved,
    /// The table is no longer the one that was planned.
    SourceRecreated,
    /// The pinned version can no longer be read.
    VersionGone,
    /// A commit turned up with a time before the recovery point.
    CommitTurnedUp,
    /// The newest cut has the replica in another place.
    ReplicaMoved,
    /// The replica is gone.
    ReplicaGone,
    /// The replica is damaged, and nothing of it was to be copied.
    ReplicaDamaged,
    /// Another apply wrote to the replica.
    ReplicaCloned,
}

/// What went wrong with a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Failed {
    /// The metadata tables of neither region could be read.
    LedgersUnread,
    /// The metadata tables of a region could not be used.
    LedgerUnusable {
        /// Which region's.
        side: Role,
    },
    /// A region refused whoever asked.
    Refused {
        /// Which.
        side: Role,
    },
    /// Something stands in the way that a plan would have found.
    Found {
        /// What a plan calls it.
        code: FindingCode,
        /// The table.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        table: Option<TableName>,
    },
    /// A table could not be looked at.
    Unseen {
        /// The table.
        table: TableName,
        /// The region that did not show it.
        side: Role,
    },
    /// Tables could not be cloned, or are not what their sources are; the record of each says why.
    Tables {
        /// Which.
        tables: Vec<TableName>,
    },
    /// Whether the cut was committed could not be seen; the next plan looks.
    CutUnseen,
}

impl Ending {
    /// What the plan holds as blocked.
    pub(crate) fn blocked<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Ending {
        let blocking = findings.into_iter().filter(|finding| finding.blocks());
        let findings = blocking
            .map(|finding| Blocking { code: finding.code, table: finding.table.clone() })
            .collect();
        Ending::Blocked { findings }
    }

    /// Another apply brought the group to a cut.
    pub(crate) fn overtaken(cut: &Cut) -> Ending {
        Ending::Overtaken { cut: cut.cut_number, run_id: cut.run_id.clone() }
    }

    /// Whether it is for a finding of which this holds.
    pub(crate) fn is_found(&self, holds: impl Fn(FindingCode) -> bool) -> bool {
        match self {
            Ending::Blocked { findings } => findings.iter().any(|it| holds(it.code)),
            Ending::Failed(Failed::Found { code, table: _ }) => holds(*code),
            Ending::Failed(
                Failed::LedgersUnread
                | Failed::LedgerUnusable { .. }
                | Failed::Refused { .. }
                | Failed::Unseen { .. }
                | Failed::Tables { .. }
                | Failed::CutUnseen,
            )
            | Ending::Synchronized
            | Ending::UpToDate
            | Ending::Waiting
            | Ending::Overtaken { .. }
            | Ending::Stale { .. }
            | Ending::Away { .. }
            | Ending::Interrupted
            | Ending::NotStarted => false,
        }
    }

    /// A region could not be looked at.
    pub(crate) fn of_region(side: Role, refusal: &RegionError) -> Ending {
        if refusal.kind.is_away() {
            Ending::Away { side }
        } else {
            Ending::Failed(Failed::Refused { side })
        }
    }

    /// Whether a region as a whole is why, whatever the group.
    pub fn is_of_region(&self) -> bool {
        match self {
            Ending::Away { .. } => true,
            Ending::Failed(failed) => match failed {
                Failed::LedgersUnread | Failed::LedgerUnusable { .. } | Failed::Refused { .. } => {
                    true
                }
                Failed::Found { .. }
                | Failed::Unseen { .. }
                | Failed::Tables { .. }
                | Failed::CutUnseen => false,
            },
            Ending::Synchronized
            | Ending::UpToDate
            | Ending::Waiting
            | Ending::Blocked { .. }
            | Ending::Overtaken { .. }
            | Ending::Stale { .. }
            | Ending::Interrupted
            | Ending::NotStarted => false,
        }
    }

    /// The word for it.
    pub fn outcome(&self) -> GroupOutcome {
        match self {
            Ending::Synchronized => GroupOutcome::Synchronized,
            Ending::UpToDate => GroupOutcome::UpToDate,
            Ending::Waiting => GroupOutcome::Waiting,
            Ending::Blocked { .. } => GroupOutcome::Blocked,
            Ending::Overtaken { .. } => GroupOutcome::Overtaken,
            Ending::Stale { .. } => GroupOutcome::Stale,
            Ending::Away { .. } | Ending::Failed(_) => GroupOutcome::Failed,
            Ending::Interrupted | Ending::NotStarted => GroupOutcome::NotStarted,
        }
    }
}

/// How a group ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupOutcome {
    /// Its cut was committed.
    Synchronized,
    /// Nothing was newer than its last cut.
    UpToDate,
    /// A later cut was there before.
    Overtaken,
    /// It waits.
    Waiting,
    /// Its findings block it.
    Blocked,
    /// A table of it failed.
    Failed,
    /// What the plan was computed from has moved.
    Stale,
    /// The apply ended before its turn.
    NotStarted,
}

impl GroupOutcome {
    /// On screen.
    pub fn as_str(self) -> &'static str {
        match self {
            GroupOutcome::Synchronized => "synchronized",
            GroupOutcome::UpToDate => "up to date",
            GroupOutcome::Overtaken => "overtaken",
            GroupOutcome::Waiting => "waiting",
            GroupOutcome::Blocked => "blocked",
            GroupOutcome::Failed => "failed",
            GroupOutcome::Stale => "stale",
            GroupOutcome::NotStarted => "not started",
        }
    }
}
