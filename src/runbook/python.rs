//! The steps of a lakehouse: Python with deltalake, each block whole by itself. Pure.

use std::path::Path;

use crate::config::LocationAddress;
use crate::ledger::{Cut, CutTableEntry, FOLDER, NewRole, SYNC_CUTS};

/// A text as Python reads it: JSON's escapes are Python's.
fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A place on this machine, whether or not it was written as an address.
fn quote_path(location: &str) -> String {
    let path = LocationAddress::literal_path(location);
    text(path.as_deref().and_then(Path::to_str).unwrap_or(location))
}

/// Appends a change of role if the group's newest cut is still the one that it follows; prints how many rows it inserted.
///
/// The commit is made on top of the version that was read or not at all, so that of two of them one fails.
pub(super) fn fence(location: &str, role: &NewRole<'_>) -> String {
    let log = format!("{}/{FOLDER}/{SYNC_CUTS}", location.trim_end_matches('/'));
    format!(
        r#"import getpass
from datetime import datetime, timezone
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake

log = DeltaTable({log})
rows = log.to_pyarrow_table()
group = [row for row in rows.to_pylist() if row["group_name"] == {group}]
newest = max(group, key=lambda row: row["cut_number"])
if (newest["cut_number"], newest["run_id"]) != ({newest}, {run}):
    if newest.get("kind") in (None, "sync"):
        raise SystemExit(f"0 rows: this page is old, drsync made cut {{newest['cut_number']}} since: take a newer page")
    raise SystemExit(f"0 rows: {{newest['committed_by']}} was faster at {{newest['committed_at']}}, stop and ask")
cut = next(row for row in group if row["cut_number"] == {held})
now = datetime.now(timezone.utc)
cut.update(
    cut_number={number}, kind="role", active={active}, epoch={epoch}, trigger="role", run_id="by hand",
    committed_by=getpass.getuser(), committed_at=now.replace(microsecond=now.microsecond // 1000 * 1000),
    previous_sha256={previous})
schema = rows.schema
for name in ("kind", "active"):
    if name not in schema.names:
        schema = schema.append(pa.field(name, pa.string()))
write_deltalake(log, pa.Table.from_pylist([cut], schema=schema), mode="append", schema_mode="merge",
    commit_properties=CommitProperties(max_commit_retries=0))
print("1 row")"#,
        log = quote_path(&log),
        group = text(&role.newest.group_name),
        newest = role.newest.cut_number,
        run = text(&role.newest.run_id),
        held = role.held.cut_number,
        number = role.number(),
        active = text(role.active),
        epoch = role.epoch(),
        previous = text(&role.newest.sha256()),
    )
}

/// The tables of a cut, as a list of Python: place, what follows.
fn tables(held: &Cut, of: impl Fn(&CutTableEntry) -> String) -> String {
    let entries = held.tables.iter();
    let lines = entries
        .map(|entry| format!("    ({}, {}),", quote_path(&entry.replica_location), of(entry)));
    format!("tables = [\n{}\n]", lines.collect::<Vec<_>>().join("\n"))
}

/// How a table is opened: what has to stand before, and the call.
///
/// deltalake takes a `%` in the name of a folder for an escape, however it is given, and follows a link to the folder first. So it
/// is shown another folder, with links to what is in this one; nothing here writes a data file.
fn open(held: &Cut) -> (&'static str, &'static str) {
    if !held.tables.iter().any(|entry| entry.replica_location.contains('%')) {
        return ("from deltalake import DeltaTable\n", "DeltaTable(place)");
    }
    let opened = r#"import os, tempfile
from deltalake import DeltaTable

def opened(place):
    # deltalake takes a % in the name of a folder for an escape: it is shown a folder of links.
    shown = tempfile.mkdtemp()
    for name in os.listdir(place):
        os.symlink(os.path.join(place, name), os.path.join(shown, name))
    return DeltaTable(shown)
"#;
    (opened, "opened(place)")
}

/// Brings every table back to the version that the cut names; one whose newest that is stays.
pub(super) fn restore(held: &Cut) -> String {
    let (begin, open) = open(held);
    format!(
        r#"{begin}
{}
for place, version in tables:
    table = {open}
    if table.version() != version:
        table.restore(version)
    print(place, "at", version)"#,
        tables(held, |entry| entry.replica_version.to_string())
    )
}

/// Marks every table with the epoch.
pub(super) fn mark(held: &Cut, epoch: u64) -> String {
    let (begin, open) = open(held);
    format!(
        r#"{begin}
{}
for place, epoch in tables:
    {open}.alter.set_table_properties({{"drsync.epoch": epoch}}, raise_if_not_exists=False)
    print(place, "marked")"#,
        tables(held, |_| text(&epoch.to_string()))
    )
}

/// Says of every table whether it has the files, bytes and rows that the cut names, and whether each of its files is there: rows are
/// counted from the log, which knows of none that is gone.
pub(super) fn check(held: &Cut) -> String {
    let expected = |entry: &CutTableEntry| {
        let rows = entry.rows.map_or("None".to_owned(), |rows| rows.to_string());
        format!("({}, {}, {rows})", entry.files, entry.bytes)
    };
    let (begin, open) = open(held);
    format!(
        r#"import os
import pyarrow as pa
from deltalake import QueryBuilder
{begin}
{}
for place, (files, size, rows) in tables:
    table = {open}
    adds = pa.table(table.get_add_actions(flatten=True))
    found = (adds.num_rows, sum(adds["size_bytes"].to_pylist()))
    if rows is not None:
        counted = QueryBuilder().register("t", table).execute("SELECT count(*) AS n FROM t").read_all()
        found += (pa.table(counted)["n"][0].as_py(),)
    gone = [file for file in table.file_uris() if not os.path.isfile(file)]
    same = found == ((files, size) if rows is None else (files, size, rows))
    print(same and not gone, place, found, *("is gone: " + file for file in gone))"#,
        tables(held, expected)
    )
}
