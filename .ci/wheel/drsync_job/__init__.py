"""Runs drsync as a task of a Databricks job: as the job's own identity, with its output in the task's, ending as drsync ends.

    drsync-job [--run JOB/RUN] [--secret VARIABLE=SCOPE/KEY]... ARGUMENT...

The arguments are drsync's. `--run` before them says which run of which job this is, for plans and records to name it.
Each `--secret` is read from the workspace of the job and given to drsync as that variable: so it is told the token of the other
workspace, for which the job's own identity counts nothing.
"""

import importlib.metadata
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading

from drsync_job.identity import TokenService, job_identity, job_secret

# drsync records what it did within half a minute of being told to stop.
STOPS_WITHIN_SECONDS = 40


def main(arguments=None):
    """Runs drsync with these arguments, those of the task unless told; returns after 0 and leaves with any other status."""
    status = run(sys.argv[1:] if arguments is None else list(arguments))
    # A runtime takes every SystemExit for a failure, that of 0 too.
    if status != 0:
        raise SystemExit(status)


def run(arguments):
    """Runs drsync with these arguments and gives its exit status, which is that of a shell where a signal ended it."""
    environment = dict(os.environ)
    wanted, arguments = take_own_arguments(arguments, environment)
    with tempfile.TemporaryDirectory(prefix="drsync-") as folder:
        binary = find_binary(folder)
        identity = job_identity(environment)
        for variable, scope, key in wanted:
            try:
                environment[variable] = job_secret(identity, scope, key)
            except Exception as error:
                # Started without it drsync says what it lacks, and tells whom it has to tell.
                print("drsync-job: {} is not set: secret {}/{} could not be read: {}".format(variable, scope, key, error), file=sys.stderr)
        if identity is None:
            return stream([binary, *arguments], environment, folder)
        with TokenService(identity) as service:
            environment["DATABRICKS_HOST"] = identity.host
            environment["DATABRICKS_METADATA_SERVICE_URL"] = service.url
            return stream([binary, *arguments], environment, folder)


def take_own_arguments(arguments, environment):
    """Parts what is for this program from the arguments of drsync: the secrets that are asked for, each with its variable, scope and
    key; the run goes into the environment at once."""
    wanted, rest = [], list(arguments)
    while rest and rest[0] in ("--run", "--secret"):
        value = rest[1] if len(rest) > 1 else ""
        variable, _, place = value.partition("=")
        scope, _, key = place.partition("/")
        job, _, run_of_job = value.partition("/")
        if rest[0] == "--secret" and variable and scope and key:
            wanted.append((variable, scope, key))
        elif rest[0] == "--run" and job.isdigit() and run_of_job.isdigit():
            environment["DRSYNC_JOB_ID"], environment["DRSYNC_JOB_RUN_ID"] = job, run_of_job
        else:
            form = "VARIABLE=SCOPE/KEY" if rest[0] == "--secret" else "JOB/RUN, two numbers"
            raise SystemExit("drsync-job: {} is followed by {}".format(rest[0], form))
        del rest[:2]
    return wanted, rest


def find_binary(folder):
    """Finds the binary that this package brought along; where its place forbids to run it, a copy of it in the folder."""
    # `pip install --target` puts commands beside packages.
    beside = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bin")
    places = [*installed_places(), *(os.path.join(it, "drsync") for it in (beside, sysconfig.get_path("scripts")))]
    for binary in filter(os.path.isfile, places):
        return binary if may_run(binary) else copy_to_run(binary, folder)
    binary = shutil.which("drsync")
    if binary is None:
        raise FileNotFoundError("drsync is none of {}, and not on the PATH".format(", ".join(places)))
    return binary


def installed_places():
    """Where pip says that it put the binary: clusters install libraries outside of Python's own folders."""
    try:
        files = importlib.metadata.files("drsync") or []
    except importlib.metadata.PackageNotFoundError:
        return []
    return [os.path.realpath(str(it.locate())) for it in files if it.name == "drsync"]


def may_run(binary):
    """Tells whether the binary runs where it lies: not on volumes, and not where the mount says `noexec`."""
    try:
        return subprocess.run([binary, "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def copy_to_run(binary, folder):
    """Copies the binary to where it may be run."""
    copy = shutil.copy(binary, os.path.join(folder, "drsync"))
    os.chmod(copy, 0o700)
    return copy


def stream(command, environment, folder):
    """Runs a command with its output in this program's as it comes, and stops it with this program."""
    # The working directory of a task is not always one that can be written.
    place = None if os.access(os.getcwd(), os.W_OK) else folder
    process = subprocess.Popen(
        command, env=environment, cwd=place, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    # A notebook's or task's output is what is written to Python's own streams, and not what a child writes to its own.
    pipes = [(process.stdout, sys.stdout), (process.stderr, sys.stderr)]
    writers = [threading.Thread(target=copy_lines, args=pipe, daemon=True) for pipe in pipes]
    for writer in writers:
        writer.start()
    restore = stop_with_this(process)
    try:
        status = process.wait()
    except BaseException:
        # A cancelled task is an interrupt here: drsync records what it did, and the next run goes on.
        stop(process)
        raise
    finally:
        restore()
        for writer in writers:
            writer.join(STOPS_WITHIN_SECONDS)
    return status if status >= 0 else 128 - status


def copy_lines(pipe, to):
    """Copies lines as they come; a stream that takes no more ends nothing."""
    with pipe:
        for line in pipe:
            try:
                to.write(line.decode("utf-8", "replace"))
                to.flush()
            except (OSError, ValueError):
                pass


def stop_with_this(process):
    """Hands SIGTERM on, where this thread may say so; gives what puts the old way back."""
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    return lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


def stop(process):
    """Lets drsync record what it did, and ends it where it does not stop."""
    process.terminate()
    try:
        process.wait(STOPS_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
