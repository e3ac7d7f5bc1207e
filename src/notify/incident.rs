//! What people are told of, as run records carry it from one apply to the next. Pure.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::moment;
use crate::plan::{FindingCode, Role, SettingChange};
use crate::sentence::Sentence;

/// What people are told of, of one workspace, after an apply.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Standing")]
pub struct ToldState {
    /// The workspace.
    pub workspace: String,
    /// Incidents that are open, and those that this apply closed, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<Incident>,
    /// What was synchronized and is told of once a day; absent: that is not asked for, or there is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<SyncDigest>,
    /// What protects less and was told lately. A runner that has the configuration of before undoes it in every round of its own,
    /// and the next one's would be news for ever.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told_lately: Vec<ToldChange>,
}

/// A setting that protects less, and when people heard of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToldChange {
    /// The change.
    pub change: SettingChange,
    /// When it was told.
    #[serde(with = "moment::Moment")]
    pub at: DateTime<Utc>,
    /// From where it was found undone since: who brings it after that brings something new.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undone_from: Vec<String>,
}

impl ToldChange {
    /// Whether another change is of the same setting of the same thing.
    pub fn is_of(&self, other: &SettingChange) -> bool {
        let of = |change: &SettingChange| {
            let SettingChange { group, table, setting, key, before: _, after: _, direction: _ } =
                change.clone();
            (group, table, setting, key)
        };
        of(&self.change) == of(other)
    }

    /// Whether it brought what another change brings, whatever there was before.
    pub fn brought(&self, other: &SettingChange) -> bool {
        self.is_of(other) && self.change.after == other.after
    }

    /// Notes that it was found undone from somewhere.
    pub(super) fn undo_from(&mut self, seen_from: &str) {
        if !self.undone_from.iter().any(|known| known == seen_from) {
            self.undone_from.push(seen_from.to_owned());
        }
    }
}

/// Something that people hear of until it is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    /// Made once, by the apply that opened it.
    pub id: String,
    /// Ids of others that were opened for the same at the same time, by applies that did not see each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// Of what kind it is.
    pub class: Class,
    /// The group; absent: it is of all groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The region that does not answer, or whose workspace is not seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Role>,
    /// From where it does not: another machine may well see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_from: Option<String>,
    /// Since when.
    #[serde(with = "moment::Moment")]
    pub since: DateTime<Utc>,
    /// The apply that opened it.
    pub opened_by: String,
    /// Why, as it was last seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<FailureCause>,
    /// What protects less than before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weakened: Vec<SettingChange>,
    /// Of a primary that does not answer: what would be lost of each group, as far as somebody looked before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<Lost>,
    /// The apply that found other causes than before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<String>,
    /// From when on reminders are counted: when it was opened, or last changed.
    #[serde(with = "moment::Moment")]
    pub counted_from: DateTime<Utc>,
    /// When an apply last found it so.
    #[serde(with = "moment::Moment")]
    pub seen_at: DateTime<Utc>,
    /// Applies that found it so.
    pub rounds: u32,
    /// The cut that the group keeps, or got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<GroupCut>,
    /// Age of the oldest commit that no cut holds, seconds; absent: it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_seconds: Option<i64>,
    /// The group's objective, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpo_seconds: Option<i64>,
    /// When it was last told of, by which apply and to whom.
    pub told: Telling,
    /// That it is over; absent: it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Closed>,
}

/// Kinds of incidents.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// No apply can begin: nobody is signed in, or the configuration cannot be used.
    NotBegun,
    /// A region does not answer.
    RegionAway,
    /// What runs in the secondary's workspace is not seen, while the region answers.
    SecondaryUnwatched,
    /// A group is not synchronized: it is blocked, failed, or was not as planned.
    Failing,
    /// A group lags behind its objective.
    RpoBreached,
    /// The configuration protects less than before, and nobody approved that. It is told once.
    ProtectionWeakened,
}

/// Why a group fails.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Cause")]
pub struct FailureCause {
    /// Which. By it alone causes are compared.
    pub code: CauseCode,
    /// The table that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// For people.
    pub message: Sentence,
}

/// Everything for which a group may fail.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CauseCode {
    /// What the plan was computed from has moved.
    Stale,
    /// The metadata tables of neither region could be read, or one's could not be used.
    LedgerUnusable,
    /// A region refused whoever asked.
    RegionRefused,
    /// A table could not be looked at.
    TableUnseen,
    /// Tables could not be cloned, or are not what their sources are.
    TablesFailed,
    /// Whether the cut was committed could not be seen.
    CutUnseen,
    /// Nobody is signed in.
    NotSignedIn,
    /// The configuration has mistakes, and nothing of it can be used.
    ConfigurationUnusable,
    /// An apply could not begin for another reason.
    NotBegun,
    /// The secondary's workspace does not answer.
    WorkspaceUnseen,
    /// It does not tell what runs there.
    RunsUnseen,
    /// It does not tell of a job.
    JobUnseen,
    /// A finding.
    #[serde(untagged)]
    Finding(FindingCode),
}

/// What would be lost of a group if its primary never came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lost {
    /// The group.
    pub group: String,
    /// When its sources were last looked at; absent: no look is known, and nothing of what would be lost.
    #[serde(default, with = "moment::OptionalMoment", skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<DateTime<Utc>>,
    /// Commits that its cut does not hold, by that look; where `unknown` names a table, at least as many.
    pub commits: u64,
    /// When the oldest of them was made.
    #[serde(default, with = "moment::OptionalMoment", skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// Runs of its workflows that have to be repeated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<i64>,
    /// Tables of which that look could not tell all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// A cut of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupCut {
    /// Its number.
    pub number: u64,
    /// Its moment.
    #[serde(default, with = "moment::OptionalMoment", skip_serializing_if = "Option::is_none")]
    pub recovery_point: Option<DateTime<Utc>>,
}

/// When something was last told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Telling {
    /// When.
    #[serde(with = "moment::Moment")]
    pub at: DateTime<Utc>,
    /// By which apply.
    pub by: String,
    /// To whom: of each address the beginning of its SHA-256.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
}

/// That an incident is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Closed {
    /// When.
    #[serde(with = "moment::Moment")]
    pub at: DateTime<Utc>,
    /// How.
    pub how: How,
    /// Who owned the group while it was configured, where it left: they hear its end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<String>,
}

/// How an incident ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// All is well again.
    Recovered,
    /// Somebody paused the group.
    Paused,
    /// What it was about left the configuration.
    Removed,
    /// Nobody looked from there any more, and others see the region.
    Unattended,
}

/// What was synchronized since the last time that it was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Digest")]
pub struct SyncDigest {
    /// From when on.
    #[serde(with = "moment::Moment")]
    pub since: DateTime<Utc>,
    /// Until when.
    #[serde(with = "moment::Moment")]
    pub until: DateTime<Utc>,
    /// This apply tells it; the next one begins anew.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub due: bool,
    /// Every group that was synchronized, by name.
    pub groups: Vec<DigestGroup>,
}

/// A group of a digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DigestGroup {
    /// Its name.
    pub group: String,
    /// How many cuts it got.
    pub cuts: u32,
    /// The newest of them.
    pub newest: GroupCut,
}

impl CauseCode {
    /// As it is written in subjects and documents.
    pub fn as_str(self) -> &'static str {
        match self {
            CauseCode::Stale => "stale",
            CauseCode::LedgerUnusable => "ledger_unusable",
            CauseCode::RegionRefused => "region_refused",
            CauseCode::TableUnseen => "table_unseen",
            CauseCode::TablesFailed => "tables_failed",
            CauseCode::CutUnseen => "cut_unseen",
            CauseCode::NotSignedIn => "not_signed_in",
            CauseCode::ConfigurationUnusable => "configuration_unusable",
            CauseCode::NotBegun => "not_begun",
            CauseCode::WorkspaceUnseen => "workspace_unseen",
            CauseCode::RunsUnseen => "runs_unseen",
            CauseCode::JobUnseen => "job_unseen",
            CauseCode::Finding(code) => code.as_str(),
        }
    }
}

impl CauseCode {
    /// Whether every look at a group would find it, due or not: one that is not found any more is gone.
    pub(super) fn is_seen_every_round(self) -> bool {
        match self {
            CauseCode::Finding(code) => matches!(
                code,
                FindingCode::ConfigurationInvalid
                    | FindingCode::WorkflowNotFound
                    | FindingCode::WorkflowAmbiguous
                    | FindingCode::TableNotFound
                    | FindingCode::LocationNotFound
                    | FindingCode::LocationNotWritable
                    | FindingCode::WorkflowActiveInSecondary
                    | FindingCode::DuplicateTarget
                    | FindingCode::LedgerDiverged
                    | FindingCode::LedgerNotOurs
                    | FindingCode::LedgerNewer
                    | FindingCode::FailedOver
            ),
            _ => false,
        }
    }
}

impl Class {
    /// As documents write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::NotBegun => "not_begun",
            Class::RegionAway => "region_away",
            Class::SecondaryUnwatched => "secondary_unwatched",
            Class::Failing => "failing",
            Class::RpoBreached => "rpo_breached",
            Class::ProtectionWeakened => "protection_weakened",
        }
    }
}

impl Incident {
    /// Whether it goes on.
    pub fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    /// Every cause once, sorted.
    pub fn codes(&self) -> Vec<CauseCode> {
        let mut codes: Vec<CauseCode> = self.causes.iter().map(|cause| cause.code).collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    /// What it is about: two open incidents of one workspace that are about the same are one.
    pub(super) fn about(&self) -> (Class, Option<&str>, Option<Role>, Option<&str>) {
        (self.class, self.group.as_deref(), self.side, self.seen_from.as_deref())
    }
}
