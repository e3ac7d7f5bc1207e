//! What one apply found in a workspace, as far as people are told of it. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::incident::{FailureCause, GroupCut, Lost};
use crate::plan::{ProtectionSettings, Role, SettingChange};

/// What one apply found in a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// The apply.
    pub run_id: String,
    /// The workspace.
    pub workspace: String,
    /// From where it looked: the machine, or the project of a pipeline, whose machines come and go.
    pub seen_from: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// All groups of the workspace are in it: a group that is not has left the configuration.
    pub whole: bool,
    /// Regions that gave no answer.
    pub away: Vec<Role>,
    /// Regions that answered.
    pub answered: Vec<Role>,
    /// A workspace is configured that stands by in the secondary.
    pub stands_by: bool,
    /// What of that workspace could not be seen: of what ran there nobody knows whether it ended. Empty: all of it was seen;
    /// `None`: nobody looked.
    pub unwatched: Option<Vec<FailureCause>>,
    /// What would be lost of each group if its primary never came back.
    pub lost: Vec<Lost>,
    /// Who owned each group, as the records before say.
    pub owners_before: BTreeMap<String, Vec<String>>,
    /// What the configuration weakened of its protection without anybody's approval.
    pub weakened: Vec<SettingChange>,
    /// Everything that it changed of its protection, those among them, and whatever was approved.
    pub changed: Vec<SettingChange>,
    /// Tables that no group had before.
    pub came: Vec<String>,
    /// Its groups.
    pub groups: Vec<GroupRound>,
}

/// A workspace that left the configuration, as it was protected before: whoever heard of it hears that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftWorkspace {
    /// Its label.
    pub workspace: String,
    /// Its settings, and those of its groups.
    pub settings: ProtectionSettings,
}

/// What one apply found of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRound {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: StateAfterApply,
    /// The cut that it got or keeps, where that is known.
    pub cut: Option<GroupCut>,
    /// Age of the oldest commit that no cut held, seconds, where that is known.
    pub lag_seconds: Option<i64>,
    /// Its objective, seconds.
    pub rpo_seconds: Option<i64>,
}

/// How a group stands after an apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateAfterApply {
    /// It got a cut.
    Synchronized,
    /// It needed none.
    InOrder,
    /// It waits for something that comes by itself.
    Waiting,
    /// Somebody paused it.
    Paused,
    /// Its turn did not come, or it was stopped.
    Untried,
    /// A region did not answer: that is no trouble of the group's own.
    Away,
    /// It is not synchronized.
    Failing(Vec<FailureCause>),
}
