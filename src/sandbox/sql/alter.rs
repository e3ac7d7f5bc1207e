//! Carries out ALTER TABLE: columns added, renamed and dropped, properties set.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Session;
use super::ast::{AddedColumn, TableTarget};
use super::describe_history::clustering;
use super::error::{Result, SqlError};
use super::kind::{self, Kind};
use super::rows::Rows;
use super::tables::TablePlace;
use crate::lakehouse::delta::{
    self, ColumnObstacle, DeltaError, Operation, Protocol, Raw, Snapshot, TableChange,
    TableColumns, TableStage, Unsettable,
};

/// Signs that files cannot have in the name of a column.
const NOT_IN_FILES: &str = " ,;{}()\n\t=";

impl Session {
    /// Adds columns as Delta does: all of them or, where one is there already, none.
    pub(super) async fn add_columns(
        &self,
        target: &TableTarget,
        added: &[AddedColumn],
    ) -> Result<Rows> {
        let place = self.find_to_write(target).await?;
        let base = self.base(&place).await?;
        let mut columns = self.columns(&place, &base)?;
        let mut told = Vec::new();
        for AddedColumn { path, kind, comment, place: at } in added {
            check_kind(&base, kind)?;
            check_name(&base, path.last())?;
            columns
                .add(path, kind::delta(kind), comment.as_deref(), at)
                .map_err(|obstacle| refused("add", &obstacle))?;
            let metadata = comment.as_ref().map_or_else(|| json!({}), |it| json!({"comment": it}));
            let name = path.join(".");
            let column = json!({"name": name, "type": kind::delta(kind), "nullable": true, "metadata": metadata});
            told.push(json!({ "column": column }));
        }
        let parameters = json!({"columns": Value::from(told).to_string()});
        let metadata = columns.into_metadata(base.metadata.0.clone());
        self.alter(&place, &base, Operation::new("ADD COLUMNS", parameters), None, metadata).await
    }

    pub(super) async fn rename_column(
        &self,
        target: &TableTarget,
        path: &[String],
        to: &str,
    ) -> Result<Rows> {
        let place = self.find_to_write(target).await?;
        let base = self.base(&place).await?;
        let mut columns = self.columns(&place, &base)?;
        columns.rename(path, to).map_err(|obstacle| refused("rename", &obstacle))?;
        if !base.metadata.maps_columns() {
            let what = "Column rename is not supported for your Delta table.";
            return Err(unmapped("DELTA_UNSUPPORTED_RENAME_COLUMN", what));
        }
        let above = path.split_last().map_or(&[][..], |(_, above)| above);
        let renamed = [above, &[to.to_owned()]].concat().join(".");
        let parameters = json!({"oldColumnPath": path.join("."), "newColumnPath": renamed});
        let metadata = columns.into_metadata(base.metadata.0.clone());
        self.alter(&place, &base, Operation::new("RENAME COLUMN", parameters), None, metadata).await
    }

    pub(super) async fn drop_columns(
        &self,
        target: &TableTarget,
        paths: &[Vec<String>],
        if_exists: bool,
    ) -> Result<Rows> {
        let place = self.find_to_write(target).await?;
        let base = self.base(&place).await?;
        let mut columns = self.columns(&place, &base)?;
        let there = |path: &&Vec<String>| !if_exists || columns.field(path).is_some();
        let dropped: Vec<&Vec<String>> = paths.iter().filter(there).collect();
        if dropped.is_empty() {
            return Ok(Rows::default());
        }
        for path in &dropped {
            if columns.partitions_by(path) {
                let what =
                    format!("Dropping partition columns ({}) is not allowed.", path.join("."));
                return Err(SqlError::new(
                    "DELTA_UNSUPPORTED_DROP_PARTITION_COLUMN",
                    "0AKDC",
                    what,
                ));
            }
            if clusters_by(&base, path) {
                let what =
                    format!("Dropping clustering columns ({}) is not allowed.", path.join("."));
                return Err(SqlError::new(
                    "DELTA_UNSUPPORTED_DROP_CLUSTERING_COLUMN",
                    "0AKDC",
                    what,
                ));
            }
            columns.remove(path).map_err(|obstacle| refused("drop", &obstacle))?;
        }
        if !base.metadata.maps_columns() {
            let what = "DROP COLUMN is not supported for your Delta table.";
            return Err(unmapped("DELTA_UNSUPPORTED_DROP_COLUMN", what));
        }
        let told: Vec<String> = dropped.iter().map(|path| path.join(".")).collect();
        let parameters = json!({"columns": json!(told).to_string()});
        let metadata = columns.into_metadata(base.metadata.0.clone());
        self.alter(&place, &base, Operation::new("DROP COLUMNS", parameters), None, metadata).await
    }

    pub(super) async fn set_properties(
        &self,
        target: &TableTarget,
        set: &BTreeMap<String, String>,
    ) -> Result<Rows> {
        let place = self.find_to_write(target).await?;
        let base = self.snapshot(&place, None, delta::SnapshotDetail::Header).await?;
        let (protocol, metadata) = delta::with_properties(
            base.protocol.clone(),
            base.metadata.0.clone(),
            set,
            TableStage::There,
        )
        .map_err(|error| unsettable(&place, error))?;
        let protocol = (protocol != base.protocol).then_some(protocol);
        let parameters = json!({"properties": json!(set).to_string()});
        let operation = Operation::new("SET TBLPROPERTIES", parameters);
        self.alter(&place, &base, operation, protocol, metadata).await
    }

    fn columns(&self, place: &TablePlace, base: &Snapshot) -> Result<TableColumns> {
        TableColumns::of(&base.metadata).map_err(|error| SqlError::delta(&place.shown, &error))
    }

    /// Commits another metadata, and another protocol where it needs one.
    async fn alter(
        &self,
        place: &TablePlace,
        base: &Snapshot,
        operation: Operation,
        protocol: Option<Protocol>,
        metadata: Raw,
    ) -> Result<Rows> {
        let mut change = TableChange::new(operation);
        if let Some(protocol) = protocol {
            change.action(&json!({"protocol": protocol.0}));
        }
        if metadata != base.metadata.0 {
            change.action(&json!({"metaData": metadata}));
        }
        match delta::commit_change(&place.store, base, change, &self.author(), None).await {
            Ok(_) => Ok(Rows::default()),
            Err(DeltaError::Conflict { .. }) => Err(SqlError::new(
                "DELTA_METADATA_CHANGED",
                "2D521",
                "MetadataChangedException: The metadata of the Delta table has been changed by a concurrent update. Please try the operation again.",
            )),
            Err(error) => Err(SqlError::delta(&place.shown, &error)),
        }
    }
}

/// Why a table does not take properties.
pub(super) fn unsettable(place: &TablePlace, error: Unsettable) -> SqlError {
    match error {
        Unsettable::Mapping { from, to } => match to.as_str() {
            "none" => {
                SqlError::unsupported("SET TBLPROPERTIES ('delta.columnMapping.mode' = 'none')")
            }
            _ => SqlError::new(
                "DELTA_UNSUPPORTED_COLUMN_MAPPING_MODE_CHANGE",
                "0AKDC",
                format!("Changing column mapping mode from '{from}' to '{to}' is not supported."),
            ),
        },
        Unsettable::Feature(property) => SqlError::new(
            "DELTA_UNSUPPORTED_FEATURES_IN_CONFIG",
            "56038",
            format!(
                "Table features configured in the table properties are not recognized: {property}."
            ),
        ),
        Unsettable::Version(property) => {
            SqlError::unsupported(format!("SET TBLPROPERTIES ('{property}') to such a version"))
        }
        Unsettable::Delta(error) => SqlError::delta(&place.shown, &error),
    }
}

/// Refuses names that files cannot have, where files call columns as the table does.
pub(super) fn check_names<'a>(names: impl IntoIterator<Item = &'a String>) -> Result<()> {
    let wrong: Vec<&str> = names
        .into_iter()
        .map(String::as_str)
        .filter(|name| name.contains(|letter: char| NOT_IN_FILES.contains(letter)))
        .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(SqlError::new(
        "DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES",
        "42K05",
        format!(
            "Found invalid character(s) among ' ,;{{}}()\\n\\t=' in the column names of your schema. Invalid column names: {}. Please use other characters and try again. Alternatively, enable Column Mapping to keep using these characters.",
            wrong.join(", ")
        ),
    ))
}

fn check_name(base: &Snapshot, name: Option<&String>) -> Result<()> {
    if base.metadata.maps_columns() { Ok(()) } else { check_names(name) }
}

/// Refuses a type that the table's protocol does not have yet.
fn check_kind(base: &Snapshot, kind: &Kind) -> Result<()> {
    if !kind::sql(kind).contains("TIMESTAMP_NTZ") || base.protocol.supports("timestampNtz") {
        return Ok(());
    }
    Err(SqlError::new(
        "DELTA_FEATURES_REQUIRE_MANUAL_ENABLEMENT",
        "42000",
        "Your table schema requires manually enablement of the following table feature(s): timestampNtz. To do this, run ALTER TABLE table_name SET TBLPROPERTIES ('delta.feature.timestampNtz' = 'supported').",
    ))
}

/// Why columns are not changed.
fn refused(doing: &str, obstacle: &ColumnObstacle) -> SqlError {
    match obstacle {
        ColumnObstacle::There(path) => SqlError::new(
            "FIELD_ALREADY_EXISTS",
            "42710",
            format!(
                "Cannot {doing} column, because `{}` already exists in the table.",
                path.join("`.`")
            ),
        ),
        ColumnObstacle::Missing(path) => SqlError::new(
            "FIELD_NOT_FOUND",
            "42704",
            format!("No such struct field `{}` in the table.", path.join("`.`")),
        ),
        ColumnObstacle::NoStruct(path) => SqlError::new(
            "INVALID_FIELD_NAME",
            "42000",
            format!("Field name is invalid: `{}` is not a struct.", path.join("`.`")),
        ),
        ColumnObstacle::Only(path) => SqlError::new(
            "DELTA_DROP_COLUMN_ON_SINGLE_FIELD_SCHEMA",
            "0AKDC",
            format!(
                "Cannot drop column from a schema with a single column. Schema: {}",
                path.join(".")
            ),
        ),
    }
}

/// Refuses what needs files with names of their own for columns, and says how a table gets them.
fn unmapped(class: &str, what: &str) -> SqlError {
    SqlError::new(
        class,
        "0AKDC",
        format!(
            "{what} Please enable Column Mapping on your Delta table with mapping mode 'name'. You can use the following command: ALTER TABLE <table_name> SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name'). Note, if your table is not on the required protocol version it will be upgraded. Column mapping requires at least protocol (2, 5)."
        ),
    )
}

/// Whether a table is clustered by a column, which its log tells by the name in files.
fn clusters_by(base: &Snapshot, path: &[String]) -> bool {
    let [name] = path else {
        return false;
    };
    let in_files = delta::name_in_files(&base.metadata, name);
    clustering(base).contains(&in_files)
}
