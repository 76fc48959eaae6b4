"""Fetch the state of a target as its last deployment recorded it.

    python3 .github/scripts/recorded_state.py --target test --branch develop --out state.json

The state is an artifact of the run that deployed. Only one of this repository's own branch is
taken: any run, also that of a fork's pull request, may give an artifact that name. ``found=true``
or ``found=false`` goes to the outputs of the step.

Source: GitHub REST API, "List artifacts for a repository" (newest first).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
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


def main() -> None:
    """Fetch what the line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--target", required=True)
    parser.add_argument("--branch", required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    found = fetch(os.environ["GITHUB_REPOSITORY"], given.target, given.branch, given.out)
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as outputs:
        outputs.write(f"found={'true' if found else 'false'}\n")


if __name__ == "__main__":
    main()
