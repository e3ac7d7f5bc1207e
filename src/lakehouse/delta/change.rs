//! What a commit says: an operation and the actions that make it, written here for everybody who changes a table. Pure.

use serde_json::{Value, json};

use super::action::{FileKey, LiveFile, Raw};
use super::error::{DeltaError, Result};

/// Who writes, with what, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The clock, in milliseconds.
    pub now_ms: i64,
    /// The program and its version, as `commitInfo.engineInfo`.
    pub engine_info: String,
    /// The user, as `commitInfo.userName`.
    pub user_name: Option<String>,
    /// The job whose run writes, its id and name, as `commitInfo.job`.
    pub job: Option<(i64, String)>,
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
    /// It only adds, and read nothing of the table.
    pub blind_append: bool,
}

impl Operation {
    /// An operation with an object of parameters.
    pub fn new(name: impl Into<String>, parameters: Value) -> Operation {
        let parameters = serde_json::from_value(parameters).unwrap_or_default();
        Operation { name: name.into(), parameters, metrics: Vec::new(), blind_append: false }
    }

    /// The same with its counts.
    #[must_use]
    pub fn metrics(self, metrics: Vec<(&'static str, u64)>) -> Operation {
        Operation { metrics, ..self }
    }
}

/// A data file that was written and is not live yet.
#[derive(Debug, Clone)]
pub struct NewFile {
    /// Its path in the table.
    pub path: String,
    /// The values of its partition.
    pub partition: Raw,
    /// Its bytes.
    pub size: u64,
    /// Its rows.
    pub records: u64,
    /// Its tags.
    pub tags: Option<Raw>,
}

/// A change of a table: its operation, and the actions that make it.
#[derive(Debug, Clone)]
pub struct TableChange {
    operation: Operation,
    data: bool,
    actions: Vec<String>,
}

impl TableChange {
    /// A change without actions yet.
    pub fn new(operation: Operation) -> TableChange {
        TableChange { operation, data: true, actions: Vec::new() }
    }

    /// One after which the rows are what they were.
    pub fn maintenance(operation: Operation) -> TableChange {
        TableChange { data: false, ..TableChange::new(operation) }
    }

    /// A file becomes live.
    pub fn add(&mut self, file: &NewFile, now_ms: i64) {
        let NewFile { path, partition, size, records, tags } = file;
        let mut add = json!({
            "path": path,
            "partitionValues": partition,
            "size": size,
            "modificationTime": now_ms,
            "dataChange": self.data,
            "stats": json!({ "numRecords": records }).to_string(),
        });
        if let Some(tags) = tags {
            add["tags"] = tags.clone().into();
        }
        self.actions.push(json!({ "add": add }).to_string());
    }

    /// A live file is live no more.
    ///
    /// # Errors
    /// If its action was not kept when the table was read.
    pub fn remove(&mut self, key: &FileKey, file: &LiveFile, now_ms: i64) -> Result<()> {
        self.actions.push(removal(key, file, now_ms, self.data)?);
        Ok(())
    }

    /// Any other action.
    pub fn action(&mut self, action: &Value) {
        self.actions.push(action.to_string());
    }

    /// Actions that are text already.
    pub(super) fn extend(&mut self, actions: impl IntoIterator<Item = String>) {
        self.actions.extend(actions);
    }

    /// The lines of the commit: `commitInfo` first, then the actions.
    pub(super) fn into_lines(
        self,
        author: &Author,
        read_version: Option<u64>,
        own_time_ms: Option<i64>,
    ) -> Vec<String> {
        let TableChange { operation, data: _, actions } = self;
        let info = commit_info(author, &operation, read_version, own_time_ms);
        std::iter::once(info).chain(actions).collect()
    }
}

/// The action after which a file is live, described as it was.
pub(super) fn carried(mut action: Raw, data: bool) -> String {
    action.insert("dataChange".to_owned(), data.into());
    json!({ "add": action }).to_string()
}

/// The removal of a live file, with what later readers of changes and of time travel need.
pub(super) fn removal(key: &FileKey, file: &LiveFile, now_ms: i64, data: bool) -> Result<String> {
    let path = &*key.path;
    let mut before = described(file, path)?;
    let mut action = Raw::new();
    action.insert("path".to_owned(), path.into());
    action.insert("deletionTimestamp".to_owned(), now_ms.into());
    action.insert("dataChange".to_owned(), data.into());
    action.insert("extendedFileMetadata".to_owned(), true.into());
    for field in [
        "partitionValues",
        "size",
        "tags",
        "deletionVector",
        "baseRowId",
        "defaultRowCommitVersion",
    ] {
        if let Some(value) = before.shift_remove(field).filter(|value| !value.is_null()) {
            action.insert(field.to_owned(), value);
        }
    }
    Ok(json!({ "remove": action }).to_string())
}

/// The `add` action of a live file.
pub(super) fn described(file: &LiveFile, path: &str) -> Result<Raw> {
    let action = file
        .action
        .as_deref()
        .ok_or_else(|| DeltaError::corrupt(path, "its action was not kept"))?;
    serde_json::from_str(action).map_err(|error| DeltaError::corrupt(path, error))
}

/// Makes the `commitInfo` action, which must come first.
fn commit_info(
    author: &Author,
    operation: &Operation,
    read_version: Option<u64>,
    own_time_ms: Option<i64>,
) -> String {
    let Author { now_ms, engine_info, user_name, job } = author;
    let Operation { name, parameters, metrics, blind_append } = operation;
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
    if let Some((id, name)) = job {
        info.insert("job".to_owned(), json!({"jobId": id.to_string(), "jobName": name}));
    }
    if let Some(version) = read_version {
        info.insert("readVersion".to_owned(), version.into());
    }
    info.insert("isolationLevel".to_owned(), "Serializable".into());
    info.insert("isBlindAppend".to_owned(), (*blind_append).into());
    let metrics: Raw = metrics
        .iter()
        .map(|(name, count)| ((*name).to_owned(), count.to_string().into()))
        .collect();
    info.insert("operationMetrics".to_owned(), Value::Object(metrics));
    info.insert("engineInfo".to_owned(), engine_info.as_str().into());
    info.insert("txnId".to_owned(), uuid::Uuid::new_v4().to_string().into());
    json!({ "commitInfo": info }).to_string()
}
