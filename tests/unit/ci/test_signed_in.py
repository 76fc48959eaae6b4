"""A job signs in by its own identity, which is renewed while a command runs."""

import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sf_ml_framework import connection
from tests.unit.ci.conftest import ROOT

SCRIPT = ROOT / ".github" / "scripts" / "signed_in.py"
SECRET = "what-only-the-job-has"

TELL = """
import json, os, sys
folder = os.environ["SNOWFLAKE_HOME"]
files = {name: [open(f"{folder}/{name}").read(), os.stat(f"{folder}/{name}").st_mode & 0o777]
         for name in os.listdir(folder)}
json.dump({"files": files, "environ": dict(os.environ), "folder": folder}, sys.stdout)
"""

WAIT = """
import os, sys, time
file, until, seen = os.environ["SNOWFLAKE_HOME"] + "/token", time.monotonic() + 20, set()
while len(seen) < 3 and time.monotonic() < until:
    seen.add(open(file).read())
    time.sleep(0.005)
sys.exit(len(seen))
"""


class Provider(ThreadingHTTPServer):
    """What GitHub is to a job: each question gives another token."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.asked: list[tuple[str, str | None]] = []

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a job that may ask."""
        return {
            "PATH": os.environ["PATH"],
            "SNOWFLAKE_ACCOUNT": "ORG-ACCOUNT",
            "SNOWFLAKE_USER": "MLOPS_CI",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"http://127.0.0.1:{self.server_port}/token?a=1",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": SECRET,
        }


class Answer(BaseHTTPRequestHandler):
    """One question."""

    server: Provider

    def do_GET(self) -> None:
        """Tell the next token."""
        self.server.asked.append((self.path, self.headers["Authorization"]))
        body = json.dumps({"value": f"token-{len(self.server.asked)}"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def provider() -> Iterator[Provider]:
    """Return a provider on loopback, which ends with the test."""
    with Provider() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def signed_in(environ: dict[str, str], code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), sys.executable, "-c", code],
        env=environ, capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip


def test_the_command_finds_a_connection_by_the_identity_of_the_job(provider, tmp_path):
    done = signed_in({**provider.environ, "RUNNER_TEMP": str(tmp_path)}, TELL)

    told = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert provider.asked == [("/token?a=1&audience=snowflakecomputing.com", f"bearer {SECRET}")]
    assert told["files"]["token"] == ["token-1", stat.S_IRUSR | stat.S_IWUSR]
    assert told["files"]["connections.toml"][1] == stat.S_IRUSR | stat.S_IWUSR
    assert told["environ"]["SNOWFLAKE_DEFAULT_CONNECTION_NAME"] == "ci"
    assert Path(told["folder"]).parent == tmp_path


def test_nothing_is_left_when_the_command_ends(provider, tmp_path):
    signed_in({**provider.environ, "RUNNER_TEMP": str(tmp_path)}, "raise SystemExit(1)")

    assert list(tmp_path.iterdir()) == []


def test_what_could_ask_for_more_identities_is_kept_from_the_command(provider):
    told = json.loads(signed_in(provider.environ, TELL).stdout)

    assert SECRET not in json.dumps(told)
    assert not [name for name in told["environ"] if name.startswith("ACTIONS_")]
    assert "SNOWFLAKE_ACCOUNT" not in told["environ"]


def test_the_framework_understands_the_connection_as_workload_identity(provider, tmp_path):
    told = json.loads(signed_in(provider.environ, TELL).stdout)
    for name, (text, mode) in told["files"].items():
        (tmp_path / name).write_text(text.replace(told["folder"], str(tmp_path)))
        (tmp_path / name).chmod(mode)

    found = connection.resolve(
        None, {}, {"SNOWFLAKE_HOME": str(tmp_path), "SNOWFLAKE_DEFAULT_CONNECTION_NAME": "ci"}
    )

    assert found is not None
    assert found.name == "ci"
    assert found.given
    assert found.get("authenticator") == "WORKLOAD_IDENTITY"
    assert found.get("workload_identity_provider") == "OIDC"
    assert found.get("account") == "ORG-ACCOUNT"
    assert found.get("user") == "MLOPS_CI"
    assert found.unused == ()


def test_the_identity_is_renewed_while_the_command_runs(provider, script):
    code = script("signed_in").run([sys.executable, "-c", WAIT], provider.environ, every=0.01)

    assert code == 3


def test_the_exit_code_is_that_of_the_command(provider):
    assert signed_in(provider.environ, "raise SystemExit(7)").returncode == 7


def test_a_job_without_the_permission_is_told_which_one():
    environ = {"SNOWFLAKE_ACCOUNT": "A-B", "SNOWFLAKE_USER": "U", "PATH": os.environ["PATH"]}

    done = signed_in(environ, "print('ran')")

    assert done.returncode == 3
    assert "id-token: write" in done.stderr
    assert "ran" not in done.stdout


def test_a_missing_variable_is_named(provider):
    environ = {key: text for key, text in provider.environ.items() if key != "SNOWFLAKE_USER"}

    done = signed_in(environ, "print('ran')")

    assert (done.returncode, done.stdout) == (3, "")
    assert "SNOWFLAKE_USER" in done.stderr


def test_the_identity_of_gitlab_is_taken_as_it_is():
    environ = {"SNOWFLAKE_ACCOUNT": "A-B", "SNOWFLAKE_USER": "U", "PATH": os.environ["PATH"]}

    told = json.loads(signed_in({**environ, "SNOWFLAKE_ID_TOKEN": "gitlabs"}, TELL).stdout)

    assert told["files"]["token"][0] == "gitlabs"
    assert "SNOWFLAKE_ID_TOKEN" not in told["environ"]


def test_a_key_is_used_where_there_is_one_and_stays_out_of_the_environment(provider):
    key = "-----BEGIN ENCRYPTED " + "PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----"
    given = {"SNOWFLAKE_PRIVATE_KEY_RAW": key, "PRIVATE_KEY_PASSPHRASE": 'quote"d'}

    told = json.loads(signed_in({**provider.environ, **given}, TELL).stdout)

    assert provider.asked == []
    assert told["files"]["key.p8"] == [f"{key}\n", stat.S_IRUSR | stat.S_IWUSR]
    assert 'private_key_file_pwd = "quote\\"d"' in told["files"]["connections.toml"][0]
    assert "AAAA" not in json.dumps(told["environ"])
