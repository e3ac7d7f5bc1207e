//! Events: what an apply says while it works, one a transition; the summary is always the last. Types alone.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::moment;
use crate::record::{Ending, GroupOutcome, RunRecord, RunWarning};
use crate::sentence::Sentence;

/// One thing that happened, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// When.
    #[serde(with = "moment::Moment")]
    pub at: DateTime<Utc>,
    /// What.
    #[serde(flatten)]
    pub what: EventKind,
}

/// Everything that can happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
#[schemars(rename = "What")]
pub enum EventKind {
    /// The apply began.
    Started {
        /// The apply.
        run_id: String,
        /// Its plan.
        plan_id: String,
        /// Groups to synchronize.
        groups: usize,
        /// Tables to clone.
        tables: usize,
        /// Bytes to copy, as estimated.
        copy_bytes: u64,
    },
    /// A group's turn came.
    GroupStarted {
        /// Its workspace.
        workspace: String,
        /// Its name.
        group: String,
        /// The moment it is brought to.
        #[serde(with = "moment::Moment")]
        recovery_point: DateTime<Utc>,
        /// Tables to clone.
        tables: usize,
    },
    /// The clone of a table began.
    TableStarted {
        /// Its workspace.
        workspace: String,
        /// Its group.
        group: String,
        /// The table.
        table: String,
        /// The pinned version.
        source_version: u64,
        /// Bytes to copy, where estimated.
        copy_bytes: Option<u64>,
    },
    /// A clone goes on.
    TableProgress {
        /// Its workspace.
        workspace: String,
        /// Its group.
        group: String,
        /// The table.
        table: String,
        /// Bytes copied so far.
        copied_bytes: u64,
        /// The statement that copies it, where one does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        statement_id: Option<String>,
    },
    /// An attempt failed and will be repeated.
    TableRetried {
        /// Its workspace.
        workspace: String,
        /// Its group.
        group: String,
        /// The table.
        table: String,
        /// The attempt that failed, from 1.
        attempt: u32,
        /// Why.
        message: Sentence,
        /// Milliseconds until the next.
        delay_ms: u64,
    },
    /// A table was cloned and verified.
    TableCloned {
        /// Its workspace.
        workspace: String,
        /// Its group.
        group: String,
        /// The table.
        table: String,
        /// The pinned version.
        source_version: u64,
        /// The replica's version.
        replica_version: u64,
        /// Files copied.
        copied_files: u64,
        /// Bytes copied.
        copied_bytes: u64,
    },
    /// A table failed for good.
    TableFailed {
        /// Its workspace.
        workspace: String,
        /// Its group.
        group: String,
        /// The table.
        table: String,
        /// Why.
        message: Sentence,
    },
    /// A group's cut was committed.
    CutCommitted {
        /// Its workspace.
        workspace: String,
        /// Its name.
        group: String,
        /// The cut's number.
        cut: u64,
        /// The cut's moment.
        #[serde(with = "moment::Moment")]
        recovery_point: DateTime<Utc>,
        /// Tables in it.
        tables: usize,
    },
    /// A group is done with.
    GroupEnded {
        /// Its workspace.
        workspace: String,
        /// Its name.
        group: String,
        /// How.
        outcome: GroupOutcome,
        /// The same with its facts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ending: Option<Ending>,
        /// Why, where it was not simply done.
        message: Option<Sentence>,
    },
    /// Replicas are now in the secondary's own catalog.
    Registered {
        /// The tables.
        tables: Vec<String>,
    },
    /// Something went wrong that is not against a cut.
    Warning(RunWarning),
    /// Always the last: the whole record.
    Summary {
        /// The run record.
        record: Box<RunRecord>,
    },
}
