"""Stands in for the runtime of a Databricks job and runs drsync_job as a task does: job_check.py HOST CLIENT_ID CLIENT_SECRET ARGUMENT…

The runtime gives a token to Python alone, and another one at each request. Databricks' own SDK asks it, unmodified.
What the task printed comes out on stdout and stderr; the last line on stderr counts the tokens that were given.
"""

import base64
import json
import os
import sys
import types
import urllib.parse
import urllib.request

# What is run from the checkout leaves nothing in it.
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".ci", "wheel"))

HOST, CLIENT_ID, CLIENT_SECRET, *ARGUMENTS = sys.argv[1:]
given = []


def ask_for_a_token():
    basic = base64.b64encode("{}:{}".format(CLIENT_ID, CLIENT_SECRET).encode()).decode()
    form = urllib.parse.urlencode({"grant_type": "client_credentials", "scope": "all-apis"}).encode()
    request = urllib.request.Request(HOST + "/oidc/v1/token", form, {"Authorization": "Basic " + basic})
    with urllib.request.urlopen(request) as answer:
        given.append(json.load(answer)["access_token"])
    return {"Authorization": "Bearer " + given[-1]}


provider = types.ModuleType("dbruntime.sdk_credential_provider")
provider.init_runtime_native_auth = lambda: (HOST, ask_for_a_token)
runtime = types.ModuleType("dbruntime")
runtime.UserNamespaceInitializer = types.SimpleNamespace(
    getOrCreate=lambda: types.SimpleNamespace(
        get_namespace_globals=lambda: {"init_runtime_native_auth": provider.init_runtime_native_auth}
    )
)
sys.modules["dbruntime"] = runtime
sys.modules["dbruntime.sdk_credential_provider"] = provider
os.environ["DATABRICKS_RUNTIME_VERSION"] = "16.4"

import drsync_job
import drsync_job.identity

# A token that is over before the run is: the next one has to be asked for in its midst.
drsync_job.identity.TOKEN_LASTS_SECONDS = 2
status = 0
try:
    drsync_job.main(ARGUMENTS)
except SystemExit as end:
    status = end.code
for token in given:
    assert token not in json.dumps(dict(os.environ)), "a token is left in the environment"
print("{} tokens".format(len(given)), file=sys.stderr)
sys.exit(status)
