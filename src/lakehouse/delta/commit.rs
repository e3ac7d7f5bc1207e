//! Writes a commit: one file, put only if absent.

use serde_json::{Value, json};

use super::action::Raw;
use super::checkpoint;
use super::error::{DeltaError, Result};
use super::log::{LOG, commit_path, versions};
use super::replay::snapshot;
use super::snapshot::Snapshot;
use super::state::Detail;
use super::store::TableStore;

/// What a commit may find the table to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Whatever it is.
    Anything,
    /// No table yet.
    Absent,
    /// This newest version.
    Version(u64),
}

impl Expect {
    /// Compares with the newest version found.
    pub(crate) fn check(self, newest: Option<u64>) -> Result<()> {
        let met = match self {
            Self::Anything => true,
            Self::Absent => newest.is_none(),
            Self::Version(version) => newest == Some(version),
        };
        if met { Ok(()) } else { Err(DeltaError::Conflict { newest }) }
    }
}

/// Who writes, with what, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The clock, in milliseconds.
    pub now_ms: i64,
    /// The program and its version, as `commitInfo.engineInfo`.
    pub engine_info: String,
    /// The user, as `commitInfo.userName`.
    pub user_name: Option<String>,
}

/// What `commitInfo` says about an operation.
#[derive(Debug, Clone, Default)]
pub struct Operation {
    /// `WRITE`, `CLONE`…
    pub name: String,
    /// JSON values, as Delta keeps them.
    pub parameters: Raw,
    /// Counts; written as strings, as Delta does.
    pub metrics: Vec<(&'static str, u64)>,
}

/// Creates the commit file of a version. [`DeltaError::Conflict`] when someone was faster.
pub(crate) fn put(store: &TableStore, version: u64, actions: &[impl AsRef<str>]) -> Result<()> {
    let mut content =
        String::with_capacity(actions.iter().map(|action| action.as_ref().len() + 1).sum());
    for action in actions {
        content.push_str(action.as_ref());
        content.push('\n');
    }
    store.make_folder(LOG)?;
    if store.create(&commit_path(version), content.as_bytes())? {
        return Ok(());
    }
    // The name was taken: at least that version is there.
    Err(DeltaError::Conflict { newest: Some(versions(store)?.newest.max(version)) })
}

/// The time of the next commit of a table: never before, and with its own times always after, the last one.
pub(crate) fn next_time(previous: Option<&Snapshot>, own_times: bool, now_ms: i64) -> i64 {
    match previous.filter(|_| own_times).and_then(Snapshot::timestamp_ms) {
        Some(last) => now_ms.max(last.saturating_add(1)),
        None => now_ms,
    }
}

/// Makes the `commitInfo` action, which must come first.
pub(crate) fn commit_info(
    author: &Author,
    operation: &Operation,
    read_version: Option<u64>,
    own_time_ms: Option<i64>,
) -> String {
    let Author { now_ms, engine_info, user_name } = author;
    let Operation { name, parameters, metrics } = operation;
    let mut info = Raw::new();
    if let Some(time) = own_time_ms {
        info.insert("inCommitTimestamp".to_owned(), time.into());
    }
    info.insert("timestamp".to_owned(), own_time_ms.unwrap_or(*now_ms).into());
    if let Some(user) = user_name {
        info.insert("userName".to_owned(), user.as_str().into());
    }
    info.insert("operation".to_owned(), name.as_str().into());
    info.insert("operationParameters".to_owned(), Value::Object(parameters.clone()));
    if let Some(version) = read_version {
        info.insert("readVersion".to_owned(), version.into());
    }
    info.insert("isolationLevel".to_owned(), "Serializable".into());
    info.insert("isBlindAppend".to_owned(), false.into());
    let metrics: Raw = metrics
        .iter()
        .map(|(name, count)| ((*name).to_owned(), count.to_string().into()))
        .collect();
    info.insert("operationMetrics".to_owned(), Value::Object(metrics));
    info.insert("engineInfo".to_owned(), engine_info.as_str().into());
    info.insert("txnId".to_owned(), uuid::Uuid::new_v4().to_string().into());
    json!({ "commitInfo": info }).to_string()
}

/// Commits actions on top of a table as it was read, `commitInfo` first, and checkpoints when it is time.
pub(crate) fn commit_on(
    store: &TableStore,
    base: &Snapshot,
    author: &Author,
    operation: &Operation,
    actions: Vec<String>,
) -> Result<u64> {
    let own_times = base.metadata.in_commit_timestamps();
    let time = next_time(Some(base), own_times, author.now_ms);
    let mut all =
        vec![commit_info(author, operation, Some(base.version), own_times.then_some(time))];
    all.extend(actions);
    let version = base.version + 1;
    put(store, version, &all)?;
    checkpoint_if_due(store, version, author.now_ms);
    Ok(version)
}

/// Writes a checkpoint every few commits. It is a help to readers: the commit stands without it, and the next one tries again.
pub(crate) fn checkpoint_if_due(store: &TableStore, version: u64, now_ms: i64) {
    if version == 0 || !version.is_multiple_of(checkpoint::EVERY) {
        return;
    }
    checkpoint(store, version, now_ms);
}

/// Writes a checkpoint of a version; one that cannot be written is no loss.
pub(crate) fn checkpoint(store: &TableStore, version: u64, now_ms: i64) {
    if let Ok(full) = snapshot(store, Some(version), Detail::Full) {
        let _ = checkpoint::write_checkpoint(store, &full, now_ms);
    }
}
