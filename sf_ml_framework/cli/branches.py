"""Which target a branch belongs to: the default one in CI, and the only one that it deploys to."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from sf_ml_framework.errors import OperatorError

if TYPE_CHECKING:
    from sf_ml_framework.cli.output import Output
    from sf_ml_framework.settings import Settings
    from sf_ml_framework.targets import Target

VARIABLE = "MLOPS_BRANCH"
"""Names the branch where neither the CI service nor git does."""

_SERVICES = (
    # Of a pull request the first is set; the others then name no branch that anybody made.
    "GITHUB_HEAD_REF",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
    "CI_COMMIT_BRANCH",
    "GITHUB_REF_NAME",
)
"""Where GitHub and GitLab name the branch."""

_SECONDS = 2.0


def in_ci(environ: Mapping[str, str] = os.environ) -> bool:
    """Say whether this is a job of a CI service, by the variable that all of them set."""
    return environ.get("CI", "").lower() in ("true", "1")


def current_branch(root: Path, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the branch that is worked on; empty at a tag or commit, none where nothing says."""
    if environ.get(VARIABLE):
        return environ[VARIABLE]
    if in_ci(environ):
        if environ.get("GITHUB_REF_TYPE") == "tag" or environ.get("CI_COMMIT_TAG"):
            return ""
        found = next((environ[name] for name in _SERVICES if environ.get(name)), None)
        if found is not None:
            return found
    return _of_git(root)


def _of_git(root: Path) -> str | None:
    command = ["git", "-C", str(root), "rev-parse", "--abbrev-ref", "HEAD"]
    try:
        done = subprocess.run(  # noqa: S603 -- no shell, and no word from outside but the folder
            command, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode:
        return None
    return "" if done.stdout.strip() == "HEAD" else done.stdout.strip()


def target_of_branch(settings: Settings, root: Path, environ: Mapping[str, str]) -> str:
    """Return the target that the branch of this CI job belongs to; empty where none does.

    Raises:
        OperatorError: it belongs to several.
    """
    said = {name: _patterns(settings, name) for name in settings.targets}
    if not in_ci(environ) or not any(said.values()):
        return ""
    branch = current_branch(root, environ)
    found = [name for name, patterns in said.items() if branch and _is_one(branch, patterns)]
    if len(found) > 1:
        raise OperatorError(
            f"the branch {branch} belongs to several targets: {', '.join(found)}",
            remedy="choose one with --target, or mend `branch` in mlops.yml",
        )
    return found[0] if found else ""


def _patterns(settings: Settings, name: str) -> tuple[str, ...]:
    """Return the branches of a target: its own word, not that of the one that it extends."""
    said = (settings.targets[name] or {}).get("branch") or ()
    return (said,) if isinstance(said, str) else tuple(map(str, said))


def _is_one(branch: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(branch, pattern) for pattern in patterns)


def why_not(target: Target, root: Path, environ: Mapping[str, str] = os.environ) -> str:
    """Return why what is here is not for *target*; empty when it is, or nothing says so."""
    if not target.branches:
        return ""
    branch = current_branch(root, environ)
    if branch is None or _is_one(branch, target.branches):
        return ""
    wanted = " or ".join(target.branches)
    here = f"this is the branch {branch}" if branch else "this is no branch"
    return f"target {target.name} is deployed from {wanted}, and {here}"


def refuse_other(target: Target, root: Path, *, any_branch: bool, output: Output) -> None:
    """Refuse to change *target* from a branch that is not its own.

    Raises:
        OperatorError: it is not, and *any_branch* does not allow it.
    """
    why = why_not(target, root)
    if why and not any_branch:
        raise OperatorError(
            f"nothing was changed: {why}",
            remedy="go to that branch, or add --any-branch",
        )
    if why:
        output.talk(f"{why}: it goes on, by --any-branch")
