//! A row of `sync_metadata`: exactly the columns people were promised, changed event by event. Pure.

use std::fmt;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Cut;
use crate::sentence::Sentence;

/// One group's row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// The group.
    pub group_name: String,
    /// The workflow it follows; several are joined by a comma.
    pub workflow: Option<String>,
    /// Its resolved tables, in the configuration's order.
    pub tables: Vec<String>,
    /// When the group was first seen.
    pub date_created: DateTime<Utc>,
    /// When anything else in the row last changed.
    pub date_updated: DateTime<Utc>,
    /// When the last successful sync started.
    pub sync_start_timestamp: Option<DateTime<Utc>>,
    /// When the last successful sync's cut was committed.
    pub sync_end_timestamp: Option<DateTime<Utc>>,
    /// How the last attempt ended.
    pub current_sync_status: Option<RowStatus>,
    /// What there is to say about it.
    pub message: Option<Sentence>,
}

/// The status of a group's last attempt.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum RowStatus {
    /// An apply is at work on it, or was when it ended without a word.
    InProgress,
    /// Its cut was committed.
    Success,
    /// It was not synchronized; the message says why.
    Failed,
}

/// Begins the message of a row whose sync failed.
const SYNC_FAILED: &str = "sync_failed";
/// Begins the message of a row whose apply was stopped, or ended without a word.
const INTERRUPTED: &str = "interrupted";
/// Begins the message of a row whose group left the configuration.
const RETIRED: &str = "retired: ";

/// Stands in the message of a row after the cut, before the run that came second.
const BEATEN: &str = "; replicas may be ahead of it, by run ";

/// What a row says of a sync that failed and that the next apply tries again.
pub fn sync_failed(why: &(impl fmt::Display + ?Sized)) -> Sentence {
    format!("{SYNC_FAILED}: {why}; the next apply tries again").into()
}

/// What a row says of a sync that failed, of which the next plan finds out what is to be done.
pub fn sync_failed_at(why: &(impl fmt::Display + ?Sized)) -> Sentence {
    format!("{SYNC_FAILED}: {why}").into()
}

/// What a row says of an attempt that was stopped, or ended without a word.
pub fn interrupted(why: &(impl fmt::Display + ?Sized)) -> Sentence {
    format!("{INTERRUPTED}: {why}").into()
}

impl Row {
    /// A group seen for the first time.
    pub fn first_seen(
        group: &str,
        workflow: Option<String>,
        tables: Vec<String>,
        now: DateTime<Utc>,
    ) -> Row {
        Row {
            group_name: group.to_owned(),
            workflow,
            tables,
            date_created: now,
            date_updated: now,
            sync_start_timestamp: None,
            sync_end_timestamp: None,
            current_sync_status: None,
            message: None,
        }
    }

    /// The row with the configuration's columns; status, message and times of syncs stay.
    #[must_use]
    pub fn configured(
        &self,
        workflow: Option<String>,
        tables: Vec<String>,
        now: DateTime<Utc>,
    ) -> Row {
        let message = self.message.clone().filter(|_| !self.is_retired());
        Row { workflow, tables, message, ..self.clone() }.stamped(self, now)
    }

    /// The row while an apply is at work on its group.
    #[must_use]
    pub fn begun(&self, message: impl Into<Sentence>, now: DateTime<Utc>) -> Row {
        self.with(RowStatus::InProgress, message.into(), now)
    }

    /// The row after the group's cut was committed.
    #[must_use]
    pub fn succeeded(
        &self,
        started: DateTime<Utc>,
        cut: &Cut,
        message: impl Into<Sentence>,
        now: DateTime<Utc>,
    ) -> Row {
        let row = Row {
            sync_start_timestamp: Some(started),
            sync_end_timestamp: Some(cut.committed_at),
            current_sync_status: Some(RowStatus::Success),
            message: Some(message.into()),
            ..self.clone()
        };
        row.stamped(self, now)
    }

    /// The row as the group's last cut would have left it, after an attempt that came to nothing.
    #[must_use]
    pub fn as_cut_says(&self, cut: &Cut, now: DateTime<Utc>) -> Row {
        let row = Row {
            sync_end_timestamp: Some(cut.committed_at),
            sync_start_timestamp: self
                .sync_start_timestamp
                .filter(|_| self.sync_end_timestamp == Some(cut.committed_at))
                .or(Some(cut.planned_at)),
            current_sync_status: Some(RowStatus::Success),
            message: Some(cut.message().into()),
            ..self.clone()
        };
        row.stamped(self, now)
    }

    /// The row after another apply committed the cut first: its replicas may be ahead of it.
    #[must_use]
    pub fn beaten(&self, cut: &Cut, run_id: &str, now: DateTime<Utc>) -> Row {
        let row = self.as_cut_says(cut, now);
        Row { message: Some(format!("{}{BEATEN}{run_id}", cut.message()).into()), ..row }
            .stamped(self, now)
    }

    /// Whether its last attempt was interrupted, or not made for a reason that has one of these codes; not: its sync failed.
    pub fn was_held_up(&self, codes: &[&str]) -> bool {
        self.failed_as(|code| code == INTERRUPTED || codes.contains(&code))
    }

    /// Whether its last attempt was not made for the reason that has this code.
    pub fn was_held_up_by(&self, code: &str) -> bool {
        self.failed_as(|told| told == code)
    }

    fn failed_as(&self, is: impl Fn(&str) -> bool) -> bool {
        let message = self.message_text().unwrap_or_default();
        let code = message.split(':').next().unwrap_or_default();
        self.current_sync_status == Some(RowStatus::Failed) && is(code)
    }

    /// Whether the row says of its last attempt that it was that apply's.
    pub fn is_by(&self, run_id: &str) -> bool {
        self.message_text().is_some_and(|message| message.contains(run_id))
    }

    /// Whether an apply that came second may have moved the group's replicas.
    pub fn was_beaten(&self) -> bool {
        self.message_text().is_some_and(|message| message.contains(BEATEN))
    }

    /// The row of a group that was never synchronized and is no longer in anyone's way.
    #[must_use]
    pub fn cleared(&self, now: DateTime<Utc>) -> Row {
        Row { current_sync_status: None, message: None, ..self.clone() }.stamped(self, now)
    }

    /// The row after an attempt failed or could not be made; the old timestamps stay.
    #[must_use]
    pub fn failed(&self, message: impl Into<Sentence>, now: DateTime<Utc>) -> Row {
        self.with(RowStatus::Failed, message.into(), now)
    }

    /// The row of a group that left the configuration: its status stays.
    #[must_use]
    pub fn retired(&self, now: DateTime<Utc>) -> Row {
        let message = Some(format!("{RETIRED}no longer in the configuration").into());
        Row { message, ..self.clone() }.stamped(self, now)
    }

    /// Whether the row says that its group left the configuration.
    pub fn is_retired(&self) -> bool {
        self.message_text().is_some_and(|message| message.starts_with(RETIRED))
    }

    /// Its message, to be read: the columns are the ones that people were promised, and what they hold no place for stands in it.
    fn message_text(&self) -> Option<String> {
        self.message.as_ref().map(ToString::to_string)
    }

    fn with(&self, status: RowStatus, message: Sentence, now: DateTime<Utc>) -> Row {
        Row { current_sync_status: Some(status), message: Some(message), ..self.clone() }
            .stamped(self, now)
    }

    /// Moves `date_updated`, but only if anything else differs from `before`, and never back.
    fn stamped(self, before: &Row, now: DateTime<Utc>) -> Row {
        if self == *before {
            return self;
        }
        Row { date_updated: now.max(before.date_updated), ..self }
    }
}

impl RowStatus {
    /// As it is written in `current_sync_status`.
    pub fn as_str(self) -> &'static str {
        match self {
            RowStatus::InProgress => "in-progress",
            RowStatus::Success => "success",
            RowStatus::Failed => "failed",
        }
    }

    /// Reads what [`RowStatus::as_str`] writes.
    pub fn parse(text: &str) -> Option<RowStatus> {
        [RowStatus::InProgress, RowStatus::Success, RowStatus::Failed]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

impl Cut {
    /// What a row says of this cut: `cut 42 at 2026-11-22T09:41:07.500Z`.
    pub fn message(&self) -> String {
        let point = self.recovery_point.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        format!("cut {} at {point}", self.cut_number)
    }
}
