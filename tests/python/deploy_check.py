"""Checks what docs/deploy has for Kubernetes and Databricks against the types that others have of it: deploy_check.py FOLDER.

Prints the arguments that each of them starts drsync with, as JSON.
"""

import json
import sys
from pathlib import Path

import kubernetes_validate
import yaml
from databricks.bundles.jobs import Job

folder = Path(sys.argv[1])
arguments = {}

for document in yaml.safe_load_all((folder / "kubernetes/drsync.yaml").read_text()):
    for version in ("1.27", "1.37"):
        kubernetes_validate.validate(document, version, strict=True)
    spec = document["spec"]["jobTemplate"]["spec"]
    assert document["spec"]["concurrencyPolicy"] == "Forbid"
    assert document["spec"]["startingDeadlineSeconds"] >= 10
    assert spec["backoffLimit"] == 0
    pod = spec["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] > 30
    [container] = pod["containers"]
    arguments["kubernetes"] = container["args"]
    # A field that is misspelled would otherwise be taken for none.
    pod["automountServiceAcountToken"] = False
    try:
        kubernetes_validate.validate(document, "1.37", strict=True)
    except kubernetes_validate.ValidationError:
        continue
    raise AssertionError("a misspelled field is taken")

bundle = yaml.safe_load((folder / "databricks/databricks.yml").read_text())
[job] = bundle["resources"]["jobs"].values()
job = Job.from_dict(job)
[task] = job.tasks
assert (task.max_retries, task.disable_auto_optimization) == (0, True)
assert (job.max_concurrent_runs, job.queue.enabled) == (1, False)
assert job.schedule.quartz_cron_expression == "0 7/30 * * * ?"
paused = {name: target["variables"]["pause"] for name, target in bundle["targets"].items()}
assert paused == {"east": "UNPAUSED", "west": "PAUSED"}, paused
for target in bundle["targets"].values():
    assert set(target["variables"]) <= set(bundle["variables"])
wheel = task.python_wheel_task
packaging = folder / "../../.ci"
assert 'name = "{}"'.format(wheel.package_name) in (packaging / "wheel/pyproject.toml").read_text()
assert "{} = drsync_job:main".format(wheel.entry_point) in (packaging / "package/wheel").read_text()
arguments["databricks"] = [getattr(it, "value", it) for it in wheel.parameters]

print(json.dumps(arguments))
