//! Carries out what makes, changes, restores and drops tables, and what gives rights.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::alter::{check_names, unsettable};
use super::ast::{Clone_, CreateTable, TableTarget, TimeTravel};
use super::commit::StatementChange;
use super::error::{Result, SqlError};
use super::kind::{self, Kind, arrow_schema, structure};
use super::rows::Rows;
use super::tables::TablePlace;
use super::{Session, dml};
use crate::lakehouse::delta::{
    self, CloneOptions, DeltaError, Expect, NewTable, SnapshotDetail, TableStage, TableStore,
};

impl Session {
    pub(super) async fn deep_clone(&self, clone: &Clone_) -> Result<Rows> {
        if clone.shallow {
            return Err(SqlError::unsupported("SHALLOW CLONE"));
        }
        let source = self.find(&clone.source).await?;
        let version = self.version(&source, clone.at.as_ref()).await?;
        let version = match version {
            Some(version) => version,
            None => self.snapshot(&source, None, SnapshotDetail::Header).await?.version,
        };
        let target = self.target_of(&clone.target, clone.location.as_deref()).await?;
        if target.folder == source.folder {
            return Err(same_table(&target));
        }
        let failed = |error| SqlError::delta(&target.shown, &error);
        if self.is_table(&target).await? {
            if clone.if_not_exists {
                return Ok(Rows::default());
            }
            if !clone.replace {
                return Err(exists(&target));
            }
        } else {
            refuse_foreign(&target)?;
            // Whoever clones to the same place meanwhile knows the files by the log's folder.
            target
                .store
                .make_folder("_delta_log")
                .map_err(|error| SqlError::delta(&target.shown, &error))?;
        }
        // A warehouse copies every property, drsync's own too.
        let header = self.snapshot(&source, Some(version), SnapshotDetail::Header).await?;
        let mut properties = header.metadata.properties();
        properties.retain(|key, _| key.starts_with("drsync."));
        properties.extend(clone.properties.clone());
        let options = CloneOptions {
            properties,
            expect: Expect::Anything,
            doubted: false,
            author: self.author(),
            source_name: source.shown.clone(),
            progress: self.progress.clone(),
        };
        let done = delta::deep_clone(&source.store, version, &target.store, options)
            .await
            .map_err(failed)?;
        if let Some(name) = &target.name {
            self.register(name, &target, clone.location.is_some()).await?;
        }
        Rows::counts(&[
            ("source_table_size", done.source_bytes),
            ("source_num_of_files", done.source_files),
            ("num_removed_files", done.removed_files),
            ("num_copied_files", done.copied_files),
            ("removed_files_size", done.removed_bytes),
            ("copied_files_size", done.copied_bytes),
        ])
    }

    pub(super) async fn create_table(&self, table: &CreateTable) -> Result<Rows> {
        let target = self.target_of(&table.target, table.location.as_deref()).await?;
        let there = self.is_table(&target).await?;
        let known = match &target.name {
            Some(name) => self.workspace.is_registered(name),
            None => there,
        };
        if known && table.if_not_exists {
            return Ok(Rows::default());
        }
        if known && !table.replace {
            return Err(exists(&target));
        }
        let rows = match &table.query {
            Some(query) => Some(self.query(query, &BTreeMap::new()).await?),
            None => None,
        };
        let mut columns = table.columns.clone();
        if let Some(rows) = &rows {
            let named = rows.columns.iter().map(|it| (it.name.clone(), it.kind().clone()));
            columns = named.collect();
        }
        if !table.properties.contains_key("delta.columnMapping.mode") {
            check_names(columns.iter().map(|(name, _)| name))?;
        }
        if there && table.replace && rows.is_none() && columns.is_empty() {
            return Err(SqlError::unsupported("CREATE OR REPLACE TABLE without columns"));
        }
        if there && table.replace {
            self.replace_table(&target, &columns, table).await?;
        } else if there && !columns.is_empty() {
            return Err(exists(&target));
        } else if !there {
            self.make_table(&target, &columns, table).await?;
        }
        // Without columns, an external table is registered over what is there.
        if let Some(rows) = rows {
            let base = self.base(&target).await?;
            let add = dml::arranged(&columns, None, &rows, self.scope.zone)?;
            let change = StatementChange {
                operation: "WRITE",
                parameters: json!({"mode": "Append", "partitionBy": "[]"}),
                metrics: vec![("numOutputRows", add.count as u64)],
                add,
                replace: false,
                actions: Vec::new(),
            };
            self.commit(&target, &base, change).await?;
        }
        if let Some(name) = &target.name {
            self.register(name, &target, table.location.is_some()).await?;
        }
        Ok(Rows::default())
    }

    /// Makes a table where there is none.
    async fn make_table(
        &self,
        target: &TablePlace,
        columns: &[(String, Kind)],
        table: &CreateTable,
    ) -> Result<()> {
        if columns.is_empty() {
            return Err(SqlError::new(
                "DELTA_MISSING_DELTA_TABLE",
                "42P01",
                format!(
                    "{} is not a Delta table, and no columns are given.",
                    target.folder.display()
                ),
            ));
        }
        refuse_foreign(target)?;
        let new = NewTable {
            schema: arrow_schema(columns),
            partition_columns: table.partition_by.clone(),
            properties: table.properties.clone(),
        };
        match delta::create_table(&target.store, new, self.author()).await {
            Err(DeltaError::Conflict { .. }) if table.if_not_exists => Ok(()),
            made => made.map(drop).map_err(|error| SqlError::delta(&target.shown, &error)),
        }
    }

    async fn replace_table(
        &self,
        target: &TablePlace,
        columns: &[(String, Kind)],
        table: &CreateTable,
    ) -> Result<()> {
        let base = self.base(target).await?;
        let schema = structure(columns.to_vec());
        if kind::sql(&schema).contains("TIMESTAMP_NTZ") && !base.protocol.supports("timestampNtz") {
            return Err(SqlError::unsupported(
                "CREATE OR REPLACE TABLE with TIMESTAMP_NTZ over a table without that feature",
            ));
        }
        let mut metadata = base.metadata.0.clone();
        metadata.insert("id".to_owned(), uuid::Uuid::new_v4().to_string().into());
        metadata.insert("schemaString".to_owned(), kind::delta(&schema).to_string().into());
        metadata.insert("partitionColumns".to_owned(), json!(table.partition_by));
        metadata.insert("configuration".to_owned(), json!({}));
        let before = base.protocol.clone();
        let (protocol, metadata) =
            delta::with_properties(before, metadata, &table.properties, TableStage::Made)
                .map_err(|error| unsettable(target, error))?;
        let mut actions = vec![json!({"metaData": metadata})];
        if protocol != base.protocol {
            actions.insert(0, json!({"protocol": protocol.0}));
        }
        let change = StatementChange {
            operation: "CREATE OR REPLACE TABLE",
            parameters: json!({"isManaged": "false", "partitionBy": "[]"}),
            metrics: Vec::new(),
            add: Rows::default(),
            replace: true,
            actions,
        };
        self.commit(target, &base, change).await.map(drop)
    }

    /// Where a table is to be made: by path, by LOCATION, or in the workspace's own folder.
    async fn target_of(&self, target: &TableTarget, location: Option<&str>) -> Result<TablePlace> {
        let parts = match (target, location) {
            (TableTarget::Path(_), Some(_)) => {
                return Err(SqlError::new(
                    "DELTA_CLONE_AMBIGUOUS_TARGET",
                    "42613",
                    "Two paths were provided as the CLONE target.",
                ));
            }
            (TableTarget::Path(_), None) => return self.find_to_write(target).await,
            (TableTarget::Name(parts), _) => parts,
        };
        let name = self.full_name(parts)?;
        if let Some(location) = location {
            let place = self.find_to_write(&TableTarget::Path(location.to_owned())).await?;
            return Ok(TablePlace { shown: name.to_string(), name: Some(name), ..place });
        }
        match self.find(target).await {
            Ok(place) => Ok(place),
            Err(error) if error.state == Some("42P01") => {
                let folder = self.workspace.folder.join("tables").join(name.path());
                let (base, inside) =
                    (self.workspace.folder.clone(), format!("tables/{}", name.path()));
                Ok(TablePlace {
                    shown: name.to_string(),
                    name: Some(name),
                    store: TableStore::within(base, &inside),
                    folder,
                })
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn is_table(&self, place: &TablePlace) -> Result<bool> {
        match delta::versions(&place.store).await {
            Ok(_) => Ok(true),
            Err(DeltaError::NotATable { .. }) => Ok(false),
            Err(error) => Err(SqlError::delta(&place.shown, &error)),
        }
    }

    pub(super) async fn restore(&self, target: &TableTarget, at: &TimeTravel) -> Result<Rows> {
        let place = self.find_to_write(target).await?;
        let failed = |error| SqlError::delta(&place.shown, &error);
        let version = self.version(&place, Some(at)).await?.unwrap_or(0);
        let newest = delta::versions(&place.store).await.map_err(failed)?.newest;
        if version >= newest {
            return Err(SqlError::new(
                "DELTA_CANNOT_RESTORE_TABLE_VERSION",
                "22003",
                format!(
                    "Version to restore ({version}) should be less then last available version ({newest})"
                ),
            ));
        }
        let done = delta::restore(&place.store, version, Expect::Anything, self.author())
            .await
            .map_err(failed)?;
        let commits = delta::history(&place.store, Some(done.version)).await.map_err(failed)?;
        let metrics =
            commits.into_iter().next().map(|commit| commit.operation_metrics).unwrap_or_default();
        let count = |name: &str| {
            metrics
                .get(name)
                .and_then(Value::as_str)
                .and_then(|text| text.parse().ok())
                .unwrap_or(0)
        };
        Rows::counts(&[
            ("table_size_after_restore", count("tableSizeAfterRestore")),
            ("num_of_files_after_restore", count("numOfFilesAfterRestore")),
            ("num_removed_files", done.removed_files),
            ("num_restored_files", done.restored_files),
            ("removed_files_size", count("removedFilesSize")),
            ("restored_files_size", count("restoredFilesSize")),
        ])
    }

    /// The catalog reads schemas from the tables' logs, so there is nothing to bring up to date; the table must be there.
    pub(super) async fn repair(&self, target: &TableTarget) -> Result<Rows> {
        let place = self.find(target).await?;
        self.snapshot(&place, None, SnapshotDetail::Header).await?;
        Ok(Rows::default())
    }
}

fn same_table(target: &TablePlace) -> SqlError {
    SqlError::new(
        "DELTA_UNSUPPORTED_CLONE_REPLACE_SAME_TABLE",
        "0AKDC",
        format!(
            "You tried to REPLACE an existing table ({}) with CLONE. This operation is unsupported.",
            target.shown
        ),
    )
}

fn exists(place: &TablePlace) -> SqlError {
    SqlError::new(
        "TABLE_OR_VIEW_ALREADY_EXISTS",
        "42P07",
        format!("Cannot create table or view {} because it already exists.", place.shown),
    )
}

/// Refuses a folder that holds something and is no Delta table.
fn refuse_foreign(place: &TablePlace) -> Result<()> {
    let log = |folder: &Path| folder.join("_delta_log").is_dir();
    let holds = std::fs::read_dir(&place.folder).is_ok_and(|mut entries| entries.next().is_some());
    if !holds || log(&place.folder) {
        Ok(())
    } else {
        Err(SqlError::new(
            "DELTA_UNSUPPORTED_NON_EMPTY_CLONE",
            "0AKDC",
            format!(
                "The target path {} is not empty and is no Delta table.",
                place.folder.display()
            ),
        ))
    }
}
