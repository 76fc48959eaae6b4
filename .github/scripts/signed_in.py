"""Run a command that is signed in to Snowflake as this job, without any stored secret.

    python3 .github/scripts/signed_in.py .venv/bin/mlops plan --target test

The command finds a connection ``ci`` in a folder of its own, which is gone when it ends. The
identity that GitHub gives a job lives for some minutes, a deployment or a test longer: while the
command runs, the file that holds it is written anew.

Reads ``SNOWFLAKE_ACCOUNT`` and ``SNOWFLAKE_USER``; the job needs ``id-token: write``. On GitLab the
identity is the entry ``SNOWFLAKE_ID_TOKEN`` of ``id_tokens``, which lives as long as the job. With
a key in ``SNOWFLAKE_PRIVATE_KEY_RAW`` (PEM text) that is used instead, for accounts without
workload identity. What the job could ask for more identities with is kept from the command.

Source: GitHub, "OpenID Connect reference" (requesting the token); Snowflake, "Workload identity
federation" (the audience); Snowflake connector 4.8 (``token_file_path``).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path

AUDIENCE = "snowflakecomputing.com"
SECONDS_BETWEEN = 120.0
SNOW = Path(".venv-snow", "bin")
"""Where ``make snow`` puts Snowflake CLI, which signs in to the registry of images."""

_ASK_URL = "ACTIONS_ID_TOKEN_REQUEST_URL"
_ASK_WITH = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
_GIVEN = "SNOWFLAKE_ID_TOKEN"
_KEY = "SNOWFLAKE_PRIVATE_KEY_RAW"
_WHO = ("SNOWFLAKE_ACCOUNT", "SNOWFLAKE_USER")
_OURS = (_ASK_URL, _ASK_WITH, _GIVEN, _KEY, "PRIVATE_KEY_PASSPHRASE", *_WHO)


class SignInError(Exception):
    """The job has no identity, or GitHub does not tell it."""


def identity(environ: Mapping[str, str]) -> str:
    """Return a new token that says which job of which repository this is."""
    if given := environ.get(_GIVEN):
        return given
    url, secret = environ.get(_ASK_URL), environ.get(_ASK_WITH)
    if not url or not secret:
        raise SignInError("this job may not ask who it is: give it `permissions: id-token: write`")
    # The platform's own address; it has a query already.
    request = urllib.request.Request(f"{url}&audience={urllib.parse.quote(AUDIENCE)}")  # noqa: S310
    # Not sent on to wherever an answer might lead.
    request.add_unredirected_header("Authorization", f"bearer {secret}")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # nosec B310
            return str(json.load(answer)["value"])
    except (OSError, ValueError, KeyError) as error:
        raise SignInError(f"GitHub does not tell who this job is: {error}") from None


def write_private(file: Path, text: str) -> None:
    """Write *text* in one step, so that nobody ever reads half of it; others may not read it."""
    beginning = file.with_suffix(".new")
    beginning.touch(mode=0o600)
    beginning.write_text(text, encoding="utf-8")
    beginning.replace(file)


def connection(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Write what signs in into *folder*, and return the connection's settings."""
    missing = [name for name in _WHO if not environ.get(name)]
    if missing:
        raise SignInError(f"set the variable {' and '.join(missing)} of the environment")
    said = {"account": environ["SNOWFLAKE_ACCOUNT"], "user": environ["SNOWFLAKE_USER"]}
    if key := environ.get(_KEY):
        write_private(folder / "key.p8", key if key.endswith("\n") else f"{key}\n")
        said |= {"authenticator": "SNOWFLAKE_JWT", "private_key_file": str(folder / "key.p8")}
        if passphrase := environ.get("PRIVATE_KEY_PASSPHRASE"):
            said["private_key_file_pwd"] = passphrase
        return said
    write_private(folder / "token", identity(environ))
    return said | {
        "authenticator": "WORKLOAD_IDENTITY",
        "workload_identity_provider": "OIDC",
        "token_file_path": str(folder / "token"),
    }


def renew(file: Path, environ: Mapping[str, str], ended: threading.Event, every: float) -> None:
    """Keep the identity in *file* fresh until *ended*."""
    while not ended.wait(every):
        try:
            write_private(file, identity(environ))
        except SignInError as error:
            # The one that stands may still do; the command says if it does not.
            sys.stderr.write(f"signed_in: {error}\n")


def run(command: list[str], environ: Mapping[str, str], every: float = SECONDS_BETWEEN) -> int:
    """Run *command* signed in, and return its exit code."""
    with tempfile.TemporaryDirectory(dir=environ.get("RUNNER_TEMP")) as name:
        folder = Path(name)
        said = connection(folder, environ)
        # A JSON string is a TOML string.
        lines = [f"{key} = {json.dumps(value)}" for key, value in said.items()]
        write_private(folder / "connections.toml", "\n".join(["[ci]", *lines, ""]))
        theirs = {key: value for key, value in environ.items() if key not in _OURS}
        theirs |= {"SNOWFLAKE_HOME": name, "SNOWFLAKE_DEFAULT_CONNECTION_NAME": "ci"}
        theirs["PATH"] = os.pathsep.join([environ.get("PATH", os.defpath), str(SNOW.resolve())])
        ended = threading.Event()
        given = (folder / "token", environ, ended, every)
        renewing = threading.Thread(target=renew, args=given, daemon=True)
        if "token_file_path" in said:
            renewing.start()
        try:
            return subprocess.run(command, env=theirs, check=False).returncode  # noqa: S603
        finally:
            ended.set()
            # Else it might write into the folder that is about to go.
            if renewing.ident is not None:
                renewing.join()


def main() -> int:
    """Run the command that the line names."""
    if len(sys.argv) == 1:
        sys.stderr.write("usage: signed_in.py COMMAND [ARGUMENT …]\n")
        return 2
    try:
        return run(sys.argv[1:], os.environ)
    except SignInError as error:
        sys.stderr.write(f"signed_in: {error}\n")
        return 3


if __name__ == "__main__":
    sys.exit(main())
