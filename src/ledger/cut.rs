//! A cut: a numbered recovery point of a group, with the versions that hold it, chained to the cut before. Pure.
//!
//! What the first version of `sync_cuts` has no column for is optional. Where it is not known it is no part of the row's
//! JSON, so that rows of earlier versions hash as they always did.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CutKind, LaterColumns};
use crate::canonical;
use crate::config::TableName;

/// One row of `sync_cuts`: append-only, committed as one.
///
/// Times are in milliseconds, so that a row reads back to the same hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cut {
    /// The group.
    pub group_name: String,
    /// Counts from 1 in each group.
    pub cut_number: u64,
    /// The moment the group was brought to.
    pub recovery_point: DateTime<Utc>,
    /// What the recovery point is tied to.
    pub consistency: Consistency,
    /// The trigger's kind as in the plan.
    pub trigger: String,
    /// The workflow run at whose end the recovery point is.
    pub workflow_run_id: Option<i64>,
    /// When the plan was computed.
    pub planned_at: DateTime<Utc>,
    /// Every table of the group, in the group's order.
    pub tables: Vec<CutTableEntry>,
    /// Risks accepted in the plan.
    pub accepted: Vec<AcceptedRisk>,
    /// The plan.
    pub plan_id: String,
    /// SHA-256 of the plan's bytes.
    pub plan_sha256: String,
    /// The apply that committed it.
    pub run_id: String,
    /// Counts failovers; 0 until there is one.
    pub epoch: u64,
    /// Who committed it.
    pub committed_by: String,
    /// When it was committed.
    pub committed_at: DateTime<Utc>,
    /// Hash of the row of the cut before; `None` for the first.
    pub previous_sha256: Option<String>,
    /// SHA-256 of the newest run record that the apply knew of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_record_sha256: Option<String>,
    /// What the row is; `None`: a sync, as all rows of versions that did not know others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub kind: Option<CutKind>,
    /// The side that is active from this cut on, by its label; `None`: the home primary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<String>,
    /// What a later version of drsync says of the cut.
    #[serde(flatten)]
    #[schemars(skip)]
    pub later: LaterColumns,
}

/// One table of a cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CutTableEntry {
    /// The source's name.
    pub table: TableName,
    /// The source's id at that version.
    pub source_table_id: String,
    /// The source's version.
    pub source_version: u64,
    /// The source's commit time of that version.
    pub source_committed_at: DateTime<Utc>,
    /// Live rows, where known.
    pub rows: Option<u64>,
    /// Live files.
    pub files: u64,
    /// Bytes in live files.
    pub bytes: u64,
    /// Where the replica lies.
    pub replica_location: String,
    /// The replica's version that holds it; later ones hold it too if only maintenance follows.
    pub replica_version: u64,
    /// Digest of the source's commit of that version: what it says, not when. Hex of its file, or `history:` and that of its row
    /// in the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_commit_sha256: Option<String>,
    /// Digest of what the replica's log says of its live files at that version: hex, or `history:` and that of its row in the
    /// history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica_files_sha256: Option<String>,
    /// Digest of those files as the clone left them: `bytes:` and hex of their contents, or `times:` and hex of when they were
    /// last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica_content_sha256: Option<String>,
    /// What a later version of drsync says of the table.
    #[serde(flatten)]
    #[schemars(skip)]
    pub later: LaterColumns,
}

/// What a recovery point is tied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Consistency {
    /// The end of a successful workflow run.
    WorkflowConsistent,
    /// A moment at which no workflow of the group was writing.
    PointInTime,
    /// Any moment: not tied to a finished workflow run.
    CrashConsistent,
}

/// A risk that somebody accepted for one plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct AcceptedRisk {
    /// The finding's code.
    pub code: String,
    /// The group or table it was accepted for.
    pub scope: String,
    /// Why.
    pub reason: String,
}

impl AcceptedRisk {
    /// Whether it was accepted for a group of a workspace, or for one of its tables; tables are compared without case.
    ///
    /// A scope may begin with the workspace, `east/orders`, where several have a group or table of that name.
    pub fn is_about(
        &self,
        workspace: &str,
        group: &str,
        mut tables: impl Iterator<Item = String>,
    ) -> bool {
        let within = self.scope.strip_prefix(workspace);
        let within = within.and_then(|rest| rest.strip_prefix('/'));
        let scopes = [Some(self.scope.as_str()), within];
        let lower = scopes.map(|scope| scope.map(str::to_lowercase));
        scopes.contains(&Some(group))
            || tables.any(|table| lower.contains(&Some(table.to_lowercase())))
    }
}

/// No cut has this number or a greater one: programs that read JSON hold no greater whole number exactly, so none could follow.
const NUMBER_BEYOND: u64 = (1 << 53) - 1;

impl Cut {
    /// Whether a cut may have a number: they count from 1, and another has to be able to follow.
    pub fn may_have(number: u64) -> bool {
        (1..NUMBER_BEYOND).contains(&number)
    }

    /// Whether another cut can have a number after this one's.
    pub fn may_be_followed(&self) -> bool {
        self.cut_number.checked_add(1).is_some_and(Cut::may_have)
    }

    /// SHA-256 of the row's canonical JSON, hex.
    pub fn sha256(&self) -> String {
        canonical::sha256(self)
    }

    /// Whether this cut comes directly after `previous`.
    ///
    /// Numbers may be left out: one that was ever seen is not given again, even where its cut was lost.
    pub fn follows(&self, previous: Option<&Cut>) -> bool {
        match previous {
            None => self.cut_number > 0 && self.previous_sha256.is_none(),
            Some(previous) => {
                self.cut_number > previous.cut_number
                    && self.previous_sha256.as_deref() == Some(&previous.sha256())
            }
        }
    }

    /// What the cut says of a table.
    pub fn table(&self, name: &TableName) -> Option<&CutTableEntry> {
        self.tables.iter().find(|entry| &entry.table == name)
    }

    /// What it says of each table, for whoever asks of many; of one that it names twice what it says first.
    pub fn by_table(&self) -> HashMap<&TableName, &CutTableEntry> {
        self.tables.iter().rev().map(|entry| (&entry.table, entry)).collect()
    }

    /// The cut on screen: `cut 42 (2026-11-22 09:41:07Z)`.
    pub fn label(&self) -> String {
        super::cut_label(self.cut_number, self.recovery_point)
    }
}

impl Consistency {
    /// As it is written in plans and cuts.
    pub fn as_str(self) -> &'static str {
        match self {
            Consistency::WorkflowConsistent => "workflow-consistent",
            Consistency::PointInTime => "point-in-time",
            Consistency::CrashConsistent => "crash-consistent",
        }
    }
}
