"""Reads a running sandbox through DuckDB's Unity Catalog extension, unmodified.

duckdb_check.py URL TOKEN
"""

import sys

import duckdb
from importlib.resources import files

URL, TOKEN = sys.argv[1:3]


def extension(package, name):
    found = [it for it in files(package).joinpath("extensions").rglob(f"{name}.duckdb_extension")]
    return str(found[0])


db = duckdb.connect(config={"allow_unsigned_extensions": "true"})
for package, name in [
    ("duckdb_extension_httpfs", "httpfs"),
    ("duckdb_extension_delta", "delta"),
    ("duckdb_extension_unity_catalog", "unity_catalog"),
]:
    db.execute(f"LOAD '{extension(package, name)}'")
    print(f"ok      load {name}")
db.execute(f"CREATE SECRET (TYPE unity_catalog, TOKEN '{TOKEN}', ENDPOINT '{URL}', AWS_REGION 'us-east-1')")
db.execute("ATTACH 'main' AS lake (TYPE unity_catalog)")
print("ok      attach")
names = {row[0] for row in db.execute("SELECT table_schema || '.' || table_name FROM information_schema.tables WHERE table_catalog = 'lake'").fetchall()}
assert {"shop.orders", "ref.countries"} <= names, names
print("ok      list tables")
assert db.execute("SELECT count(*) FROM lake.ref.countries").fetchone()[0] == 249
print("ok      read a table")
