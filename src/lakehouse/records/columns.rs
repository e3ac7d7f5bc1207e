//! The columns of the ledger's tables, exactly and in order.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, TimeUnit};

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

/// The columns of `sync_cuts`.
pub(super) fn sync_cuts() -> Schema {
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
    column(
        name,
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    )
}

fn list(of: DataType) -> DataType {
    // The element's name in Parquet's own rules.
    DataType::List(Arc::new(Field::new("element", of, true)))
}
