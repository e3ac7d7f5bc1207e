//! The cut log as a document: when a group was whole, by what, and who saw to it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::formats::HISTORY;
use crate::history::Period;
use crate::ledger::Cut;
use crate::plan::{LossReceipt, Refused, Role};
use crate::sentence::Sentence;

/// The cuts of every workspace.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "History")]
pub struct CutHistory {
    /// `drsync.history`.
    pub kind: String,
    /// Major and minor version of this document's shape.
    pub format_version: String,
    /// One entry a workspace.
    pub workspaces: Vec<WorkspaceHistory>,
}

/// The cuts of one workspace.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct WorkspaceHistory {
    /// Its label.
    pub name: String,
    /// Regions whose copy was read.
    pub read: Vec<String>,
    /// Regions whose copy could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<UnreadRegion>,
    /// Cuts by group, newest first.
    pub cuts: Vec<Cut>,
    /// What was lost with changes of role, as run records tell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lost_with_roles: Vec<LostWithRole>,
    /// Groups of which run records tell of a later cut than both logs have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<LostCut>,
    /// What the run records of the period prove, where a period was asked for and the secondary could tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// Why there is no report although a period was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period_missing: Option<Sentence>,
}

/// What was lost with a change of role: beyond the cut before it, as somebody last looked.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LostWithRole {
    /// The group.
    pub group: String,
    /// The change of role.
    pub cut: u64,
    /// What.
    pub loss: LossReceipt,
}

/// A cut that a run record tells of and that the cut log does not have.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LostCut {
    /// The group.
    pub group: String,
    /// The newest cut that a run record tells of.
    pub cut: u64,
    /// The apply whose record it is.
    pub run_id: String,
    /// The newest cut that the log has; `None`: it has none of the group.
    pub newest: Option<u64>,
}

impl LostCut {
    /// What is lost, and what tells of it.
    pub(in crate::render) fn sentence(&self) -> Sentence {
        let LostCut { group, cut, run_id, newest } = self;
        let last = match newest {
            Some(newest) => format!("the cut log ends with cut {newest}"),
            None => "the cut log has no cut of it".to_owned(),
        };
        format!("ledger_lost: {group}: {last}, and apply {run_id} recorded cut {cut}").into()
    }
}

/// A region whose copy of the cut log could not be read.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct UnreadRegion {
    /// `primary` or `secondary`.
    pub region: String,
    /// What it answered.
    pub answer: Sentence,
    /// It answers, and not with what was asked; absent where it gives no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
}

impl UnreadRegion {
    /// Which of the two it is.
    pub(crate) fn role(&self) -> Role {
        if self.region == Role::Primary.name() { Role::Primary } else { Role::Secondary }
    }

    /// What is said of it.
    pub(super) fn verb(&self) -> &'static str {
        match self.refused {
            None => "does not answer",
            Some(Refused::Denied | Refused::Unreadable) => "cannot be read",
        }
    }
}

impl WorkspaceHistory {
    /// Whether a region gave no answer.
    pub(crate) fn is_away(&self, role: &str) -> bool {
        let mut unread = self.unread.iter();
        unread.any(|unread| unread.region == role && unread.refused.is_none())
    }
}

impl CutHistory {
    /// Puts the histories of all workspaces together.
    pub fn new(workspaces: Vec<WorkspaceHistory>) -> CutHistory {
        CutHistory {
            kind: HISTORY.kind.to_owned(),
            format_version: HISTORY.version.to_owned(),
            workspaces,
        }
    }

    /// The document as it is printed: JSON with a line's end.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("a history is plain JSON");
        bytes.push(b'\n');
        bytes
    }

    /// The reports of the period, of those workspaces whose records could be read.
    pub(super) fn periods(&self) -> impl Iterator<Item = &Period> {
        self.workspaces.iter().filter_map(|workspace| workspace.period.as_ref())
    }
}
