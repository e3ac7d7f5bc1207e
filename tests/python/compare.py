"""Compares source tables with their replicas through Delta readers that are not drsync's.

Reads pairs from its input, one JSON object a line: {"source": path, "version": n, "replica": path}, with "replica_version"
where the replica is not to be read at its newest. Each is answered at once by one line a reader:
{"source": ..., "reader": ..., "same": true|false|null, "why": ...};
null: this reader cannot read the source at that version, so it has nothing to say of the replica.
"""
import functools
import glob
import json
import os
import sys

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder

OWN = ("drsync.", "delta.deletedFileRetentionDuration", "delta.logRetentionDuration",
       "delta.inCommitTimestampEnablement", "delta.rowTracking.materialized", "delta.enableRowTracking")


def with_deltalake(path, version):
    table = DeltaTable(path, version=version)
    batches = QueryBuilder().register("t", table).execute("select * from t")
    rows = pa.table(batches.read_all() if hasattr(batches, "read_all") else batches)
    metadata = table.metadata()
    properties = {k: v for k, v in metadata.configuration.items() if not k.startswith(OWN)}
    return rows, (json.loads(table.schema().to_json()), metadata.partition_columns, properties)


@functools.cache
def duckdb_connection():
    """One for all: to load the extension takes a hundred times as long as to read a table. What was read is not kept."""
    import duckdb
    import duckdb_extension_delta

    folder = os.path.dirname(duckdb_extension_delta.__file__)
    extension = glob.glob(folder + "/extensions/*/delta.duckdb_extension")[0]
    connection = duckdb.connect()
    connection.execute(f"LOAD '{extension}'")
    connection.execute("SET enable_external_file_cache = false")
    return connection


def with_duckdb(path, version):
    rows = "SELECT * FROM delta_scan(?)" if version is None else f"SELECT * FROM delta_scan(?, version={int(version)})"
    try:
        rows = duckdb_connection().execute(rows, [path])
        return rows.to_arrow_table() if hasattr(rows, "to_arrow_table") else rows.fetch_arrow_table(), None
    except Exception:
        # Some failures leave a connection that answers nothing more.
        duckdb_connection.cache_clear()
        raise


def text(value):
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict):
        return {str(k): text(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [text(v) for v in value]
    return value if value is None or isinstance(value, (bool, int, str)) else f"{type(value).__name__}:{value}"


SMALL = 20_000


def content(rows):
    if hasattr(rows, "read_all"):
        rows = rows.read_all()
    if rows.num_rows > SMALL:  # too many to write out: an order-free hash over all rows
        import duckdb

        types = sorted((f.name, str(f.type)) for f in rows.schema)
        columns = ", ".join('"' + name.replace('"', '""') + '"' for name in sorted(rows.column_names))
        return types, duckdb.sql(f"SELECT count(*), sum(hash({columns})::HUGEINT) FROM rows").fetchall()
    names = sorted(rows.column_names)
    columns = [[json.dumps(text(v), sort_keys=True, default=str) for v in rows.column(n).to_pylist()] for n in names]
    types = [(n, str(rows.schema.field(n).type)) for n in names]
    return types, sorted(zip(*columns)) if columns else rows.num_rows


def compare(reader, pair):
    try:
        source, source_metadata = reader(pair["source"], pair["version"])
    except BaseException as refusal:  # a reader's panic counts as a refusal
        if isinstance(refusal, KeyboardInterrupt):
            raise
        return None, f"{type(refusal).__name__}: {str(refusal)[:120]}"
    try:
        replica, replica_metadata = reader(pair["replica"], pair.get("replica_version"))
    except BaseException as refusal:
        if isinstance(refusal, KeyboardInterrupt):
            raise
        return False, f"the replica cannot be read: {type(refusal).__name__}: {str(refusal)[:300]}"
    if source_metadata != replica_metadata:
        return False, f"metadata: {source_metadata} is not {replica_metadata}"
    (types, rows), (replica_types, replica_rows) = content(source), content(replica)
    if types != replica_types:
        return False, f"types: {types} are not {replica_types}"
    if rows != replica_rows:
        return False, f"rows differ: {source.num_rows} in the source, {replica.num_rows} in the replica"
    return True, f"{source.num_rows} rows"


READERS = {"deltalake": with_deltalake, "duckdb": with_duckdb}

if __name__ == "__main__":
    for line in sys.stdin:
        pair = json.loads(line)
        for name, reader in READERS.items():
            same, why = compare(reader, pair)
            print(json.dumps({"source": pair["source"], "reader": name, "same": same, "why": why}), flush=True)
