"""An existing project takes over what changed in the template since it was made.

Three states are known: what the template made then, what it makes now, and the project. Git merges
them. The first is rendered again, from the template in the wheel that the project was given then.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from sf_ml_framework.errors import OperatorError
from sf_ml_framework.scaffold import record, rendering
from sf_ml_framework.scaffold import wheel as wheels
from sf_ml_framework.scaffold.framework import VENDOR, Framework, running_scaffold
from sf_ml_framework.scaffold.git import Change, Repository
from sf_ml_framework.scaffold.rendering import digest_of


class Updated(msgspec.Struct, frozen=True, kw_only=True):
    """What an update did."""

    before: str
    after: str
    """Versions of the framework."""
    changes: list[Change]
    kept: list[str]
    """Resolved requirements that the project has resolved anew, and that were left."""

    @property
    def conflicts(self) -> list[str]:
        """Files that a person must look at."""
        return [each.file for each in self.changes if each.change == "conflict"]


def update(
    root: Path, framework: Framework, answers: Mapping[str, str], folder: Path, *, asking: bool
) -> Updated:
    """Bring the project in *root* to the template of *framework*; nothing is committed.

    Args:
        root: the project.
        framework: what it is given now.
        answers: those that shall differ from the recorded ones.
        folder: for what is made on the way.
        asking: whether a person is there for questions that are new.

    Raises:
        OperatorError: it cannot be updated; the project is then as it was.
    """
    made = record.read(root)
    repository = Repository(root)
    repository.refuse_uncommitted()
    _refuse_older(made, framework)
    base = base_of(root, made, repository, folder)
    old, new = folder / "old", folder / "new"
    recorded = rendering.copied_answers(made.answers)
    rendering.render(base, old, recorded, version=made.framework)
    changed = {**recorded, "vendored": framework.wheel is not None, **answers}
    now = rendering.render(
        framework.scaffold, new, changed, version=framework.version, asking=asking
    )
    ours = rendering.made_files(framework, now.answers)
    theirs = rendering.lock_files(base, made.answers)
    kept = _resolved_anew(root, ours, theirs)
    subject = f"template of {wheels.DISTRIBUTION} {framework.version}"
    changes = repository.merge(old, new, subject)
    changes += _replaced(root, {name: ours[name] for name in ours if name not in kept}, repository)
    return Updated(before=made.framework, after=now.framework, changes=changes, kept=kept)


def base_of(root: Path, made: record.Record, repository: Repository, folder: Path) -> Path:
    """Return the template that the project was made from.

    It is that of the framework that runs, or stands in a wheel of the project, now or in its
    history; where the framework comes from a package index, there.

    Raises:
        OperatorError: it is nowhere.
    """
    if digest_of(running_scaffold()) == made.template:
        return running_scaffold()
    wanted = folder / "wheels"
    wanted.mkdir(parents=True)
    for number, (name, content) in enumerate(repository.former(VENDOR, ".whl")):
        wheel = wanted / f"{number}-{name}"
        wheel.write_bytes(content)
        if found := _template_in(wheel, made.template, wanted / str(number)):
            return found
    if not made.answers.vendored:
        for wheel in _downloaded(made.framework, wanted):
            if found := _template_in(wheel, made.template, wanted / "index"):
                return found
    raise OperatorError(
        f"the template that {root.name} was made from, {made.template} of {wheels.DISTRIBUTION}"
        f" {made.framework}, is neither in {VENDOR}/ nor in the history of the repository",
        remedy=f"bring the commit back in which its wheel stood in {VENDOR}/, such as by"
        " git fetch --unshallow",
    )


def _template_in(wheel: Path, digest: str, folder: Path) -> Path | None:
    found = wheels.unpack_scaffold(wheel, folder)
    return found if found and digest_of(found) == digest else None


def _downloaded(version: str, folder: Path) -> list[Path]:
    """Return the wheel of *version* from the package index; none where it has none."""
    words = ["download", "--quiet", "--no-deps", "--no-input", f"--dest={folder}"]
    subprocess.run(  # noqa: S603 -- pip of this interpreter, no shell
        [sys.executable, "-m", "pip", *words, f"{wheels.DISTRIBUTION}=={version}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return sorted(folder.glob(f"{wheels.PACKAGE}-{version}-*.whl"))


def _refuse_older(made: record.Record, framework: Framework) -> None:
    from packaging.version import Version

    if Version(framework.version) < Version(made.framework):
        raise OperatorError(
            f"the project was made by mlops {made.framework}, and this is {framework.version}",
            remedy="update with a version that is not older",
        )


def _resolved_anew(root: Path, ours: Mapping[str, bytes], theirs: Mapping[str, bytes]) -> list[str]:
    """Return the locks that are not as a template brought them: the project's own `make lock`."""
    return [
        name
        for name in ours
        if name.startswith("requirements/")
        and (root / name).is_file()
        and (root / name).read_bytes() not in (theirs.get(name), ours[name])
    ]


def _replaced(root: Path, files: Mapping[str, bytes], repository: Repository) -> list[Change]:
    """Write *files* that no person edits, and take away what they replace."""
    changes = []
    for name, content in sorted(files.items()):
        file = root / name
        if not file.is_file():
            changes.append(Change(name, "added"))
        elif file.read_bytes() != content:
            changes.append(Change(name, "changed"))
    rendering.write_files(root, {each.file: files[each.file] for each in changes})
    for wheel in sorted((root / VENDOR).glob(f"{wheels.PACKAGE}-*.whl")):
        name = f"{VENDOR}/{wheel.name}"
        if name not in files:
            wheel.unlink()
            changes.append(Change(name, "removed"))
    if changes:
        repository.stage([each.file for each in changes])
    return changes
