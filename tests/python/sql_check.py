"""Reads statements as SQL of Databricks, one JSON text a line, and says what sqlglot saw in each.

Printed for each: `refused` with the reason, or `names` in backticks, `texts` in quotes and `markers`.
A statement that sqlglot keeps as a text it does not understand is refused, too.
"""

import json
import logging
import sys

import sqlglot
from sqlglot import exp

logging.disable(logging.WARNING)


def read(text):
    try:
        statements = sqlglot.parse(text, read="databricks")
    except sqlglot.errors.SqlglotError as error:
        return {"refused": str(error).splitlines()[0]}
    if len(statements) != 1:
        return {"refused": f"{len(statements)} statements"}
    tree = statements[0]
    if tree is None or tree.find(exp.Command):
        return {"refused": "not understood"}
    return {
        "names": sorted(it.name for it in tree.find_all(exp.Identifier) if it.quoted),
        "texts": sorted(it.name for it in tree.find_all(exp.Literal) if it.is_string),
        "markers": sorted({it.name for it in tree.find_all(exp.Placeholder)}),
    }


for line in sys.stdin:
    print(json.dumps(read(json.loads(line))))
