//! The statements of a change of role that people make by hand: without markers, because a SQL editor is given the text alone.
//! Pure.

use super::{Relation, literal};
use crate::ledger::NewRole;
use crate::region::Mark;

/// Appends a change of role if the group's newest cut is still the one that it follows; answers how many rows it inserted.
///
/// It is one statement that reads the table which it writes, so that of two of them one fails or finds the other's row.
pub fn fence(log: &Relation, role: &NewRole<'_>) -> String {
    let group = literal(&role.newest.group_name);
    format!(
        "INSERT INTO {log}\n  \
           (group_name, cut_number, recovery_point, consistency, trigger, workflow_run_id, planned_at,\n   \
            tables, accepted, plan_id, plan_sha256, run_id, epoch, committed_by, committed_at,\n   \
            previous_sha256, run_record_sha256, kind, active)\n\
         SELECT group_name, {number}, recovery_point, consistency, 'role', workflow_run_id, planned_at,\n       \
            tables, accepted, plan_id, plan_sha256, 'by hand', {epoch}, current_user(),\n       \
            timestamp_millis(unix_millis(current_timestamp())),\n       \
            {previous}, run_record_sha256, 'role', {active}\n\
         FROM {log}\n\
         WHERE group_name = {group} AND cut_number = {held}\n  \
           AND {newest} IN (SELECT max(cut_number) FROM {log} WHERE group_name = {group})\n  \
           AND {run} IN (SELECT run_id FROM {log} WHERE group_name = {group} AND cut_number = {newest})",
        number = role.number(),
        epoch = role.epoch(),
        previous = literal(&role.newest.sha256()),
        active = literal(role.active),
        held = role.held.cut_number,
        newest = role.newest.cut_number,
        run = literal(&role.newest.run_id),
    )
}

/// Shows what the newest row of a group is, and who made it.
pub fn newest_row(log: &Relation, group: &str) -> String {
    format!(
        "SELECT cut_number, kind, active, committed_by, committed_at FROM {log}\n  \
         WHERE group_name = {} ORDER BY cut_number DESC LIMIT 1",
        literal(group)
    )
}

/// Gives a cut log of an earlier version the columns of a change of role.
pub fn add_role_columns(log: &Relation) -> String {
    format!("ALTER TABLE {log} ADD COLUMNS (kind string, active string)")
}

/// Brings a table back to a version; refused where that is its newest.
pub fn restore(table: &Relation, version: u64) -> String {
    format!("RESTORE TABLE {table} TO VERSION AS OF {version}")
}

/// Marks a replica with the epoch of a change of role.
pub fn mark(table: &Relation, epoch: u64) -> String {
    let key = literal(Mark::EPOCH);
    format!("ALTER TABLE {table} SET TBLPROPERTIES ({key} = '{epoch}')")
}

/// What a table has to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedContent {
    /// The table.
    pub table: Relation,
    /// Its name as it is shown.
    pub name: String,
    /// Live files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Live rows, where known.
    pub rows: Option<u64>,
}

/// Whether tables have the files and bytes that they shall: one line each, with `as_the_cut`.
pub fn check_files(all: &[ExpectedContent]) -> String {
    union(all.iter().map(|one| {
        format!(
            "SELECT {} AS table_name, numFiles = {} AND sizeInBytes = {} AS as_the_cut FROM (DESCRIBE DETAIL {})",
            literal(&one.name), one.files, one.bytes, one.table
        )
    }))
}

/// Whether tables have the rows that they shall, of those where that is known: one line each, with `as_the_cut`; `None`: of none.
pub fn check_rows(all: &[ExpectedContent]) -> Option<String> {
    let known = all.iter().filter_map(|one| Some((one, one.rows?)));
    let counted: Vec<String> = known
        .map(|(one, rows)| {
            format!(
                "SELECT {} AS table_name, count(*) = {rows} AS as_the_cut FROM {}",
                literal(&one.name),
                one.table
            )
        })
        .collect();
    (!counted.is_empty()).then(|| union(counted.into_iter()))
}

fn union(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join("\nUNION ALL ")
}
