//! The columns of the ledger's tables, exactly and in order.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, TimeUnit};

use super::super::delta::NewColumn;
use crate::ledger::{ColumnKind, CutColumn};

/// The columns that a new `sync_cuts` has beyond those of its first version; older tables get them when a cut needs them.
const SINCE: [&str; 3] = ["run_record_sha256", "kind", "active"];
/// The same of the fields of `tables`.
const SINCE_OF_TABLE: [&str; 3] =
    ["source_commit_sha256", "replica_files_sha256", "replica_content_sha256"];

/// The columns of `sync_metadata`.
pub(super) fn sync_metadata() -> Schema {
    Schema::new(vec![
        string("group_name"),
        string("workflow"),
        column("tables", list(DataType::Utf8)),
        timestamp("date_created"),
        timestamp("date_updated"),
        timestamp("sync_start_timestamp"),
        timestamp("sync_end_timestamp"),
        string("current_sync_status"),
        string("message"),
    ])
}

/// The columns of a new `sync_cuts`.
pub(super) fn sync_cuts() -> Schema {
    let since = SINCE.map(|name| Arc::new(string(name)));
    let since_of_table = SINCE_OF_TABLE.map(|name| Arc::new(string(name)));
    with(first_cuts(), &since, &since_of_table)
}

/// The columns of `sync_cuts` as it is, in which rows are written: the first version's and what came to them.
pub(super) fn cuts_as_in(table: &Schema) -> Schema {
    let first = first_cuts();
    let is_new = |there: &Fields| {
        let there = there.clone();
        move |field: &&Arc<Field>| there.find(field.name()).is_none()
    };
    let since = table.fields().iter().filter(is_new(first.fields()));
    let since: Vec<Arc<Field>> = since.cloned().collect();
    let none = Fields::empty();
    let (ours, theirs) = (fields_of_tables(&first), fields_of_tables(table));
    let of_table = theirs.unwrap_or(&none).iter();
    let of_table = of_table.filter(is_new(ours.unwrap_or(&none)));
    let of_table: Vec<Arc<Field>> = of_table.cloned().collect();
    with(first, &since, &of_table)
}

/// Of these columns those that a `sync_cuts` lacks.
pub(super) fn lacking<'a>(
    table: &Schema,
    needed: impl IntoIterator<Item = &'a CutColumn>,
) -> Vec<NewColumn> {
    let has = |column: &CutColumn| {
        let fields = if column.of_table { fields_of_tables(table) } else { Some(table.fields()) };
        fields.is_some_and(|fields| fields.find(&column.name).is_some())
    };
    let needed = needed.into_iter().filter(|column| !has(column));
    needed
        .map(|column| NewColumn {
            path: column.path().into_iter().map(str::to_owned).collect(),
            kind: match column.kind {
                ColumnKind::Text => DataType::Utf8,
                ColumnKind::Number => DataType::Int64,
                ColumnKind::Truth => DataType::Boolean,
            },
        })
        .collect()
}

fn fields_of_tables(table: &Schema) -> Option<&Fields> {
    let (_, tables) = table.fields().find("tables")?;
    match tables.data_type() {
        DataType::List(of) => match of.data_type() {
            DataType::Struct(fields) => Some(fields),
            _ => None,
        },
        _ => None,
    }
}

fn with(first: Schema, since: &[Arc<Field>], since_of_table: &[Arc<Field>]) -> Schema {
    let more_of_table = |field: &Arc<Field>| {
        let fields = fields_of_tables(&first).filter(|_| field.name() == "tables")?;
        let fields = fields.iter().chain(since_of_table).cloned();
        let kind = list(DataType::Struct(fields.collect()));
        Some(Arc::new(column("tables", kind)))
    };
    let columns = first.fields().iter();
    let columns = columns.map(|field| more_of_table(field).unwrap_or_else(|| field.clone()));
    Schema::new(columns.chain(since.iter().cloned()).collect::<Fields>())
}

/// The columns of the first `sync_cuts`.
fn first_cuts() -> Schema {
    let table = vec![
        string("table"),
        string("source_table_id"),
        bigint("source_version"),
        timestamp("source_committed_at"),
        bigint("rows"),
        bigint("files"),
        bigint("bytes"),
        string("replica_location"),
        bigint("replica_version"),
    ];
    let risk = vec![string("code"), string("scope"), string("reason")];
    Schema::new(vec![
        string("group_name"),
        bigint("cut_number"),
        timestamp("recovery_point"),
        string("consistency"),
        string("trigger"),
        bigint("workflow_run_id"),
        timestamp("planned_at"),
        column("tables", list(DataType::Struct(Fields::from(table)))),
        column("accepted", list(DataType::Struct(Fields::from(risk)))),
        string("plan_id"),
        string("plan_sha256"),
        string("run_id"),
        bigint("epoch"),
        string("committed_by"),
        timestamp("committed_at"),
        string("previous_sha256"),
    ])
}

fn column(name: &str, kind: DataType) -> Field {
    Field::new(name, kind, true)
}

fn string(name: &str) -> Field {
    column(name, DataType::Utf8)
}

fn bigint(name: &str) -> Field {
    column(name, DataType::Int64)
}

fn timestamp(name: &str) -> Field {
    column(name, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))
}

fn list(of: DataType) -> DataType {
    // The element's name in Parquet's own rules.
    DataType::List(Arc::new(Field::new("element", of, true)))
}
