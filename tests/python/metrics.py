"""Reads metrics as Prometheus does, once as OpenMetrics and once as the textfile collector, and prints what both understood."""

import json
import sys

from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client import parser as textfile

text = sys.stdin.read()


def samples(families):
    return [[it.name, dict(it.labels), it.value] for family in families for it in family.samples]


read = samples(openmetrics.text_string_to_metric_families(text))
same = samples(textfile.text_string_to_metric_families(text))
assert sorted(map(json.dumps, read)) == sorted(map(json.dumps, same)), (read, same)
json.dump(read, sys.stdout)
