"""Checks a pipeline's file against the schema that its service publishes: check_pipeline.py SERVICE FILE."""

import json
import subprocess
import sys

from ruamel.yaml import YAML

service, file = sys.argv[1:]
if service == "azure-pipelines":
    # Azure reads every scalar as text, and its schema says so.
    with open(file) as text:
        document = YAML(typ="base").load(text)
    file += ".json"
    with open(file, "w") as out:
        json.dump(document, out)
check = [sys.executable, "-m", "check_jsonschema", "--regex-variant", "nonunicode"]
sys.exit(subprocess.run([*check, "--builtin-schema", f"vendor.{service}", file]).returncode)
