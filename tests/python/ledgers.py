"""Reads every Delta table in a folder with deltalake and with DuckDB: both can, and both see the same rows."""

import pathlib
import sys

from importlib.resources import files

import deltalake
import duckdb

found = files("duckdb_extension_delta").joinpath("extensions").rglob("delta.duckdb_extension")
connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
connection.execute(f"LOAD '{next(iter(found))}'")
wrong = []
for table in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    try:
        rows = deltalake.DeltaTable(str(table)).to_pyarrow_table().num_rows
        seen = connection.execute("SELECT count(*) FROM delta_scan(?)", [str(table)]).fetchone()[0]
        if rows != seen or rows == 0:
            wrong.append(f"{table.name}: deltalake sees {rows} rows, DuckDB {seen}")
    except Exception as error:
        wrong.append(f"{table.name}: {error}")
print("\n".join(wrong))
sys.exit(1 if wrong else 0)
