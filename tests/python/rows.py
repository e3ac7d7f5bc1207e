"""Reads a Delta table by its folder with Delta readers that are not drsync's.

One JSON object a reader: {"reader": ..., "rows": [{...}, ...]}, or {"reader": ..., "refused": why}; order of rows is none.
"""

import json
import os
import sys

from compare import with_deltalake, with_duckdb

for name, reader in (("deltalake", with_deltalake), ("duckdb", with_duckdb)):
    try:
        rows, _ = reader(sys.argv[1], None)
        rows = rows.read_all() if hasattr(rows, "read_all") else rows
        print(json.dumps({"reader": name, "rows": rows.to_pylist()}, default=str), flush=True)
    except BaseException as refusal:  # a reader's panic counts as a refusal
        print(json.dumps({"reader": name, "refused": f"{type(refusal).__name__}: {refusal}"}), flush=True)
# Threads of pyarrow that still live at the interpreter's end may abort it.
os._exit(0)
