"""Fetch the state of a target as its last deployment recorded it.

    python3 .github/scripts/recorded_state.py --target test --branch develop --out state.json

The state is an artifact of the run that deployed. Only one of this repository's own branch is
taken: any run, also that of a fork's pull request, may give an artifact that name. Where there is
none yet, no file is left.

Source: GitHub REST API, "List artifacts for a repository" (newest first); GitLab, "Job artifacts
API" (a single file, by the name of the branch, of its last successful pipeline).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any


def newest(artifacts: list[dict[str, Any]], branch: str) -> int | None:
    """Return the run that made the newest of *artifacts* on *branch* of this very repository."""
    for each in sorted(artifacts, key=lambda each: str(each["created_at"]), reverse=True):
        made = each.get("workflow_run") or {}
        is_ours = made.get("head_repository_id") == made.get("repository_id") is not None
        if is_ours and made.get("head_branch") == branch and not each["expired"]:
            return int(made["id"])
    return None


def gh(*words: str) -> str:
    """Call GitHub's own program, which the runner has."""
    done = subprocess.run(["gh", *words], check=True, text=True, stdout=subprocess.PIPE)  # noqa: S603, S607
    return done.stdout


def fetch(repository: str, target: str, branch: str, out: Path) -> bool:
    """Write the state to *out*; whether there was one."""
    name = f"state-{target}"
    listed = gh("api", f"repos/{repository}/actions/artifacts?name={name}&per_page=100")
    run = newest(json.loads(listed)["artifacts"], branch)
    if run is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        gh("run", "download", str(run), "--repo", repository, "--name", name, "--dir", folder)
        out.write_bytes(Path(folder, "state.json").read_bytes())
    return True


def fetch_of_gitlab(environ: Mapping[str, str], target: str, branch: str, out: Path) -> bool:
    """Write the state to *out*, as GitLab gives it to a job; whether there was one."""
    project = f"{environ['CI_API_V4_URL']}/projects/{environ['CI_PROJECT_ID']}"
    at, job = urllib.parse.quote(branch, safe=""), urllib.parse.quote(f"deploy-{target}")
    # The platform's own address.
    request = urllib.request.Request(  # noqa: S310
        f"{project}/jobs/artifacts/{at}/raw/state.json?job={job}"
    )
    # Not sent on to where the file is stored.
    request.add_unredirected_header("JOB-TOKEN", environ["CI_JOB_TOKEN"])
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  # nosec B310
            out.write_bytes(answer.read())
    except urllib.error.HTTPError as error:
        if error.code != HTTPStatus.NOT_FOUND:
            raise
        return False
    return True


def told(line: str, code: int = 0) -> int:
    """Print a line; return the exit code."""
    sys.stdout.write(f"{line}\n")
    return code


def main() -> int:
    """Fetch what the line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--target", required=True)
    parser.add_argument("--branch", required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.out.unlink(missing_ok=True)
    wanted = (given.target, given.branch, given.out)
    try:
        if "CI_API_V4_URL" in os.environ:
            found = fetch_of_gitlab(os.environ, *wanted)
        elif repository := os.environ.get("GITHUB_REPOSITORY"):
            found = fetch(repository, *wanted)
        else:
            return told("this is for a job of GitHub or GitLab, which says where it runs", 2)
    except (OSError, subprocess.CalledProcessError) as error:
        return told(f"the state of {given.target} cannot be fetched: {error}", 3)
    return told(
        f"{given.out}: {'as the last deployment left it' if found else 'none recorded yet'}"
    )


if __name__ == "__main__":
    sys.exit(main())
