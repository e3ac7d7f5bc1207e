//! Finds tables by name and path, and reads their rows.

use std::path::{Path, PathBuf};

use arrow_array::{RecordBatch, new_null_array};
use chrono::{DateTime, TimeDelta};
use serde_json::Value;

use super::Session;
use super::ast::{TableTarget, TimeTravel};
use super::cast::{as_column, moments};
use super::error::{Result, SqlError};
use super::kind::{Kind, fields_of_delta};
use super::rows::{Column, Rows};
use crate::command::{Command, Verb};
use crate::config::{LocationAddress, TableName};
use crate::lakehouse::delta::{self, External, Snapshot, SnapshotDetail, TableStore};
use crate::region::{RegionErrorKind, Workspace, WriteAccess};

/// A table that was found, or the place where one is to be made.
#[derive(Debug, Clone)]
pub(super) struct TablePlace {
    /// Its name in the catalog.
    pub(super) name: Option<TableName>,
    /// As messages call it.
    pub(super) shown: String,
    pub(super) store: TableStore,
    pub(super) folder: PathBuf,
}

impl Session {
    /// The full name of a target that is a name.
    pub(super) fn full_name(&self, parts: &[String]) -> Result<TableName> {
        let mut all = vec![self.catalog.clone(), self.schema.clone()];
        all.truncate(3 - parts.len().min(3));
        all.extend(parts.iter().cloned());
        match all.as_slice() {
            [catalog, schema, table] => Ok(TableName::new(catalog, schema, table)),
            _ => Err(SqlError::table_not_found(&parts.join("."))),
        }
    }

    /// Finds a table that may be read.
    pub(super) async fn find(&self, target: &TableTarget) -> Result<TablePlace> {
        match target {
            TableTarget::Path(path) => self.place_of_path(path).await,
            TableTarget::Name(parts) => {
                let asked = self.full_name(parts)?;
                let lakehouse = &self.workspace.lakehouse;
                let listing = self.workspace.listing().map_err(|message| SqlError {
                    code: "INTERNAL_ERROR",
                    message,
                    state: None,
                })?;
                let mut found = lakehouse.tables_of(&listing.index, std::slice::from_ref(&asked));
                let table = match found.pop() {
                    Some(Ok(table)) => table,
                    _ => return Err(SqlError::table_not_found(&asked.sql())),
                };
                if let Some(denied) = table.denied {
                    return Err(SqlError::denied(format!(
                        "Insufficient privileges: User does not have SELECT on Table '{}' ({}).",
                        table.name, denied.message
                    )));
                }
                if let Some(unsupported) = table.unsupported {
                    return Err(SqlError::new(
                        "DELTA_CLONE_UNSUPPORTED_SOURCE",
                        "0AKDC",
                        format!(
                            "{} is {unsupported}; the sandbox reads Delta tables only.",
                            table.name
                        ),
                    ));
                }
                let location = table.location.unwrap_or_default();
                let folder = LocationAddress::literal_path(&location)
                    .ok_or_else(|| SqlError::path_not_found(&location))?;
                Ok(TablePlace {
                    shown: table.name.to_string(),
                    name: Some(table.name),
                    store: TableStore::local(&folder).with_external(self.external_files()),
                    folder,
                })
            }
        }
    }

    /// The folders whose files any table of the workspace may name.
    fn external_files(&self) -> External {
        let (catalog, folder) = (self.workspace.catalog(), self.workspace.folder.clone());
        External::listed(move || catalog.index.external_files(&folder))
    }

    /// The folder of a path, which must lie in the world.
    pub(super) fn within(&self, path: &str) -> Result<PathBuf> {
        let folder = local(path)?;
        if self.workspace.guard.allows(&folder) {
            Ok(folder)
        } else {
            let allow = Command::new(Verb::Sandbox).word("--allow").word("DIR");
            Err(SqlError::denied(format!(
                "PERMISSION_DENIED: {path} lies outside of the sandbox's world; `{allow}` adds a folder to it."
            )))
        }
    }

    /// Refuses a path in an external location whose files the principal may not read.
    pub(super) fn check_read(&self, path: &str) -> Result<()> {
        let folder = self.within(path)?;
        let catalog = self.workspace.catalog();
        let place = folder.display().to_string();
        let covering = catalog.index.external_location(&self.workspace.folder, &place);
        match covering.flatten() {
            Some(location) if !location.may_read(&self.scope.user) => {
                Err(SqlError::denied(format!(
                    "PERMISSION_DENIED: User does not have READ FILES on External Location '{}'.",
                    location.name
                )))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The place of a path; its store begins at the sync location or folder that must be there.
    async fn place_of_path(&self, path: &str) -> Result<TablePlace> {
        self.check_read(path)?;
        let folder = self.within(path)?;
        if self.workspace.is_managed(&folder) {
            return Err(SqlError::new(
                "LOCATION_OVERLAP",
                "42000",
                format!(
                    "Input path url '{path}' overlaps with managed storage. Read managed tables by name."
                ),
            ));
        }
        let root = self.workspace.root_of(&folder);
        let store =
            match root.as_deref().and_then(|root| Some((root, folder.strip_prefix(root).ok()?))) {
                Some((root, inner)) => TableStore::within(root, &inner.to_string_lossy()),
                None => TableStore::local(&folder),
            };
        let store = store.with_external(self.external_files());
        if let Some(root) = root.filter(|root| !root.is_dir()) {
            return Err(SqlError {
                code: "BAD_REQUEST",
                message: format!(
                    "Operation failed: \"The specified filesystem does not exist.\", 404, HEAD, {}, FilesystemNotFound",
                    root.display()
                ),
                state: None,
            });
        }
        Ok(TablePlace { name: None, shown: format!("delta.`{path}`"), store, folder })
    }

    /// Finds a table or place that may be written.
    pub(super) async fn find_to_write(&self, target: &TableTarget) -> Result<TablePlace> {
        if let TableTarget::Path(path) = target {
            self.check_write(path).await?;
        }
        self.find(target).await
    }

    /// Refuses a path that the principal may not write to.
    pub(super) async fn check_write(&self, path: &str) -> Result<()> {
        let folder = self.within(path)?;
        match self.workspace.lakehouse.write_access(&folder.display().to_string()).await {
            Ok(WriteAccess::Allowed | WriteAccess::NotProved(_)) => Ok(()),
            Ok(WriteAccess::Refused(denied)) => Err(SqlError::denied(format!(
                "PERMISSION_DENIED: User may not write to {path}: {}.",
                denied.message
            ))),
            Err(error) if error.kind == RegionErrorKind::NotFound => Err(SqlError::new(
                "NO_PARENT_EXTERNAL_LOCATION_FOR_PATH",
                "42000",
                format!(
                    "No parent external location was found for path '{path}'. Please create an external location on one of the parent paths and then retry the query or command again."
                ),
            )),
            Err(error) => {
                Err(SqlError { code: "IO_ERROR", message: error.to_string(), state: None })
            }
        }
    }

    /// The version that a point of a table's history means.
    pub(super) async fn version(
        &self,
        place: &TablePlace,
        at: Option<&TimeTravel>,
    ) -> Result<Option<u64>> {
        let failed = |error| SqlError::delta(&place.shown, &error);
        let version = match at {
            None => return Ok(None),
            Some(TimeTravel::Version(version)) => *version,
            Some(TimeTravel::Time(expr)) => {
                let value = self.scope.eval(expr, &Rows::ONE)?;
                let time = moments(&value, self.scope.zone)?.iter().next().flatten();
                let time = time.and_then(DateTime::from_timestamp_micros).ok_or_else(|| {
                    SqlError::new(
                        "DELTA_TIMESTAMP_INVALID",
                        "42816",
                        "The provided timestamp cannot be converted to a valid timestamp.",
                    )
                })?;
                let commits = delta::history(&place.store, None).await.map_err(failed)?;
                let millis = time.timestamp_millis();
                let newest = commits.last().map_or(0, |commit| commit.timestamp_ms);
                if millis > newest {
                    return Err(SqlError::new(
                        "DELTA_TIMESTAMP_GREATER_THAN_COMMIT",
                        "42816",
                        format!(
                            "The provided timestamp ({time}) is after the latest version available to this table."
                        ),
                    ));
                }
                let found = commits.iter().rev().find(|commit| commit.timestamp_ms <= millis);
                found.map(|commit| commit.version).ok_or_else(|| {
                    SqlError::new(
                        "DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION",
                        "42816",
                        format!("The provided timestamp ({time}) is before the earliest version available to this table."),
                    )
                })?
            }
        };
        self.check_retention(place, version).await?;
        Ok(Some(version))
    }

    /// Refuses versions that were replaced longer ago than the table keeps their files, on request.
    async fn check_retention(&self, place: &TablePlace, version: u64) -> Result<()> {
        if !self.workspace.quirks.enforce_retention {
            return Ok(());
        }
        let failed = |error| SqlError::delta(&place.shown, &error);
        let log = delta::versions(&place.store).await.map_err(failed)?;
        if version >= log.newest {
            return Ok(());
        }
        let header = async |version| {
            let read = delta::snapshot(&place.store, version, SnapshotDetail::Header).await;
            read.map_err(failed)
        };
        let (then, head) = (header(Some(version)).await?, header(None).await?);
        let kept = TimeDelta::milliseconds(delta::files_kept_ms(&head.metadata));
        let age = then
            .timestamp_ms()
            .map(|then| TimeDelta::milliseconds(self.now().timestamp_millis() - then));
        match age {
            Some(age) if age > kept => Err(SqlError::new(
                "DELTA_UNSUPPORTED_TIME_TRAVEL_BEYOND_DELETED_FILE_RETENTION_DURATION",
                "0AKDC",
                format!(
                    "Cannot time travel beyond delta.deletedFileRetentionDuration ({} HOURS) set on the table.",
                    kept.num_hours()
                ),
            )),
            _ => Ok(()),
        }
    }

    /// A table's head, or how it looked.
    pub(super) async fn snapshot(
        &self,
        place: &TablePlace,
        at: Option<u64>,
        detail: SnapshotDetail,
    ) -> Result<Snapshot> {
        delta::snapshot(&place.store, at, detail)
            .await
            .map_err(|error| SqlError::delta(&place.shown, &error))
    }

    /// Reads all rows of a table.
    pub(super) async fn read(&self, place: &TablePlace, at: Option<u64>) -> Result<Rows> {
        let failed = |error| SqlError::delta(&place.shown, &error);
        let header = self.snapshot(place, at, SnapshotDetail::Header).await?;
        let columns = columns_of(&header);
        let batches = delta::read_rows(&place.store, Some(header.version)).await.map_err(failed)?;
        let of = place.name.as_ref().map(|name| name.table.clone());
        let column = |(name, kind): &(String, Kind), batch: Option<&RecordBatch>| {
            let count = batch.map_or(0, RecordBatch::num_rows);
            let values = match batch.and_then(|batch| batch.column_by_name(name)) {
                Some(values) => as_column(values, kind, self.scope.zone)?,
                None => new_null_array(kind, count),
            };
            Ok(Column { of: of.clone(), name: name.clone(), values })
        };
        let rows = |batch: Option<&RecordBatch>| {
            let columns = columns.iter().map(|it| column(it, batch)).collect::<Result<_>>()?;
            Ok(Rows { columns, count: batch.map_or(0, RecordBatch::num_rows) })
        };
        let batches = batches.iter().map(Some);
        Rows::concat(&std::iter::once(None).chain(batches).map(rows).collect::<Result<Vec<_>>>()?)
    }
}

/// The columns of a table.
pub(super) fn columns_of(table: &Snapshot) -> Vec<(String, Kind)> {
    let schema: Value = serde_json::from_str(table.metadata.schema_string()).unwrap_or(Value::Null);
    fields_of_delta(&schema)
}

/// A path or `file://` URL as a folder of this machine.
fn local(path: &str) -> Result<PathBuf> {
    let refused = |why: String| {
        SqlError::new(
            "DELTA_INVALID_CLONE_PATH",
            "22KD1",
            format!("The target location {path} is not usable here: {why}."),
        )
    };
    if !(path.starts_with('/') || path.starts_with("file:")) {
        return Err(refused("a sandbox keeps its tables in folders of this machine, given by absolute path or file:// URL".to_owned()));
    }
    if path.split('/').any(|part| part == "..") {
        return Err(refused("it leads upwards".to_owned()));
    }
    LocationAddress::literal_path(path)
        .or_else(|| {
            let location = LocationAddress::parse(path, Path::new("/")).ok()?;
            location.is_local().map(Path::to_path_buf)
        })
        .ok_or_else(|| refused("it is no folder".to_owned()))
}
