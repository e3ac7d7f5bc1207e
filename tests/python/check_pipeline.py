"""Checks a pipeline's file, as it is, against the schema that its service publishes: check_pipeline.py SERVICE FILE."""

import subprocess
import sys

service, file = sys.argv[1:]
check = [sys.executable, "-m", "check_jsonschema", "--regex-variant", "nonunicode"]
sys.exit(subprocess.run([*check, "--builtin-schema", f"vendor.{service}", file]).returncode)
