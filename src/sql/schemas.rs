//! The columns of the metadata table, the cut log and the evidence, as SQL declares them. Pure.

/// Columns of `sync_metadata`, in order.
pub const ROW_SCHEMA: &str = "group_name string, workflow string, tables array<string>, date_created timestamp, \
date_updated timestamp, sync_start_timestamp timestamp, sync_end_timestamp timestamp, current_sync_status string, \
message string";

/// Columns of `sync_cuts`, in order.
pub const CUT_SCHEMA: &str = "group_name string, cut_number bigint, recovery_point timestamp, consistency string, \
trigger string, workflow_run_id bigint, planned_at timestamp, \
tables array<struct<table:string,source_table_id:string,source_version:bigint,source_committed_at:timestamp,\
rows:bigint,files:bigint,bytes:bigint,replica_location:string,replica_version:bigint,\
source_commit_sha256:string,replica_files_sha256:string,replica_content_sha256:string>>, \
accepted array<struct<code:string,scope:string,reason:string>>, plan_id string, plan_sha256 string, run_id string, \
epoch bigint, committed_by string, committed_at timestamp, previous_sha256 string, \
run_record_sha256 string, kind string, active string";

/// Columns of the evidence: a document in parts, with the digest of the whole.
pub(super) const EVIDENCE_SCHEMA: &str =
    "name string, part bigint, content binary, sha256 string, kept_at timestamp";

/// The names of some columns.
pub(super) fn names(schema: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    let mut columns = Vec::new();
    let mut from = 0;
    for (at, letter) in schema.char_indices().chain([(schema.len(), ',')]) {
        match letter {
            '<' => depth += 1,
            '>' => depth -= 1,
            ',' if depth == 0 => {
                columns.extend(schema[from..at].split_whitespace().next());
                from = at + 1;
            }
            _ => {}
        }
    }
    columns
}

/// Some columns by name, with their types.
pub(super) fn named_types(schema: &str) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let columns = names(schema);
    for (place, name) in columns.iter().enumerate() {
        let from =
            schema.find(&format!(", {name} ")).map_or(name.len() + 1, |at| at + name.len() + 3);
        let rest = &schema[from..];
        let end = columns
            .get(place + 1)
            .and_then(|next| rest.find(&format!(", {next} ")))
            .unwrap_or(rest.len());
        fields.push(((*name).to_owned(), rest[..end].to_owned()));
    }
    fields
}
