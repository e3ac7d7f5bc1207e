"""Hands the identity of a job to drsync: tokens on a port of this machine, each fetched from the runtime when it is asked for."""

import base64
import http.server
import json
import secrets
import sys
import threading
import time

# The runtime renews its token by itself and does not say when: drsync asks again before half of this is over.
TOKEN_LASTS_SECONDS = 600

# What says by itself as whom drsync signs in; then the job's own identity is not offered.
CHOSEN = (
    "DATABRICKS_TOKEN",
    "DATABRICKS_CLIENT_ID",
    "DATABRICKS_CLIENT_SECRET",
    "DATABRICKS_CONFIG_PROFILE",
    "DATABRICKS_METADATA_SERVICE_URL",
    "DATABRICKS_OIDC_TOKEN",
    "DATABRICKS_OIDC_TOKEN_ENV",
    "DATABRICKS_OIDC_TOKEN_FILEPATH",
    "ARM_CLIENT_ID",
    "ARM_CLIENT_SECRET",
)


class Identity:
    """Who a job runs as: the workspace, and what gives the header of its requests."""

    def __init__(self, host, authenticate, config=None):
        self.host = host
        self.config = config
        self._authenticate = authenticate

    def token(self):
        """The token of now; `None` where the runtime gives none."""
        kind, _, token = self._authenticate().get("Authorization", "").partition(" ")
        return token.strip() if kind.lower() == "bearer" and token.strip() else None


def job_identity(environment):
    """Who the job runs as, as Databricks' SDK finds it; `None` outside of a runtime, and where the variables say who."""
    if "DATABRICKS_RUNTIME_VERSION" not in environment:
        return None
    if any(environment.get(name) for name in CHOSEN):
        return None
    try:
        from databricks.sdk.core import Config

        config = Config()
        identity = Identity(config.host, config.authenticate, config)
        if identity.token() is not None:
            return identity
        why = "the runtime gives no bearer token"
    except Exception as error:  # The SDK and the runtime raise what they like; drsync then says what it tried.
        why = "{}: {}".format(type(error).__name__, error)
    print("drsync-job: the job's own identity is not to be had: {}".format(why), file=sys.stderr)
    return None


def job_secret(identity, scope, key):
    """A secret of the job's workspace, as text."""
    if identity is None:
        raise SystemExit("drsync-job: secret {}/{} is read as the job, and who the job is is not known".format(scope, key))
    from databricks.sdk import WorkspaceClient

    secret = WorkspaceClient(config=identity.config).secrets.get_secret(scope=scope, key=key)
    # One that was stored with `echo` ends with a newline, which no token does.
    return base64.b64decode(secret.value).decode("utf-8").rstrip()


class TokenService:
    """Databricks' metadata service on a free port of this machine, at an address that only its child is told."""

    def __init__(self, identity):
        path = "/" + secrets.token_urlsafe(32)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), answers(identity, path))
        self._server.daemon_threads = True
        self.url = "http://127.0.0.1:{}{}".format(self._server.server_port, path)

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def answers(identity, path):
    """What answers requests for tokens: for this workspace, at this path, and nothing else."""

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if not secrets.compare_digest(self.path.encode(), path.encode()):
                return self.send_error(404)
            if self.headers.get("X-Databricks-Metadata-Version") != "1":
                return self.send_error(400)
            if not same_host(self.headers.get("X-Databricks-Host", ""), identity.host):
                return self.send_error(404)
            try:
                token = identity.token()
            except Exception as error:  # It is asked for again; what was said may hold the token.
                print("drsync-job: the runtime gives no token: {}".format(type(error).__name__), file=sys.stderr)
                token = None
            if token is None:
                return self.send_error(503)
            ends = int(time.time()) + TOKEN_LASTS_SECONDS
            body = json.dumps({"access_token": token, "token_type": "Bearer", "expires_on": ends}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Says nothing: the address is a secret."""

    return Answers


def same_host(one, other):
    """Tells whether two addresses are one workspace."""
    return one.rstrip("/").lower() == other.rstrip("/").lower()
