"""A template and answers become files. Copier asks and renders; it is imported here alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import chdir
from pathlib import Path
from typing import Any

import msgspec

from sf_ml_framework.errors import OperatorError, UsageError
from sf_ml_framework.scaffold import names, record
from sf_ml_framework.scaffold.framework import FILE, VENDOR, Framework

LOCKS = ("run", "dev", "image", "uv")
SIGNATURE = "# resolved for pyproject.toml dependencies "
"""Last line of a lock in the framework; `make lock` of a project writes none."""


def digest_of(scaffold: Path) -> str:
    """Return what tells one template from another: a digest of all of its files."""
    digest = hashlib.sha256()
    root = scaffold / "template"
    for file in sorted(file for file in root.rglob("*") if file.is_file()):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def render(
    scaffold: Path,
    folder: Path,
    answers: Mapping[str, Any],
    *,
    version: str,
    asking: bool = False,
) -> record.Record:
    """Write into *folder* the files that people edit, and return what was answered.

    Args:
        scaffold: the template.
        folder: is made.
        answers: what needs no question, the title among it.
        version: of the framework that the template came with.
        asking: whether a person is there for the rest; else its defaults hold.

    Raises:
        UsageError: an answer cannot be.
        OperatorError: Copier is not installed, or refuses the template.
    """
    suggested = names.package_of(answers["title"])
    if not asking:
        _check_names({"package": suggested, **answers})
    known = {
        "suggested_package": suggested,
        "taken": names.taken(),
        "framework_version": version,
        "template_digest": digest_of(scaffold),
    }
    _copy(scaffold / "template", folder, {**known, **answers}, asking=asking)
    made = record.read(folder)
    _check_names({"package": made.answers.package, "prefix": made.answers.prefix})
    return made


def _copy(template: Path, folder: Path, answers: Mapping[str, Any], *, asking: bool) -> None:
    """Let Copier ask what is open, and render."""
    copier = _copier()
    # Settings of this user for other templates are not read. Copier runs no task that a template
    # asks for, since it is not told to; and it goes back to where it was first imported.
    with chdir(Path.cwd()):
        try:
            copier.run_copy(
                str(template),
                folder,
                data=dict(answers),
                defaults=not asking,
                quiet=True,
                settings=copier.Settings(),
            )
        except ValueError as error:
            # Copier's word for an answer that its question does not take.
            raise UsageError(str(error), remedy="see mlops init --help") from error
        except copier.errors.CopierError as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            raise OperatorError(
                f"the template cannot be used: {str(error).partition(chr(10))[0]}",
                remedy="take another --framework",
            ) from error


def _check_names(answers: Mapping[str, Any]) -> None:
    """Refuse names that Python or Snowflake would not take.

    Raises:
        UsageError: there is one.
    """
    package = answers["package"]
    prefix = answers.get("prefix", package.upper())
    if why := names.why_not_package(package):
        raise UsageError(
            f"the package of the project cannot be {package!r}: {why}",
            remedy=f"choose another, as in --package {names.another(package)}",
        )
    if why := names.why_not_prefix(prefix):
        raise UsageError(
            f"names in Snowflake cannot begin with {prefix!r}: {why}",
            remedy=f"choose others, as in --prefix {names.another(package).upper()}",
        )


def given_answers(pairs: Mapping[str, str], scaffold: Path) -> dict[str, str]:
    """Return *pairs* if the template asks for each of them.

    Raises:
        UnknownNameError: it does not; names the nearest.
    """
    import yaml

    from sf_ml_framework.errors import UnknownNameError

    text = (scaffold / "template" / "copier.yml").read_text(encoding="utf-8")
    known = [name for name in yaml.safe_load(text) if not name.startswith("_")]
    for name in pairs:
        if name not in known:
            raise UnknownNameError(kind="question", name=name, known=known)
    return dict(pairs)


def made_files(framework: Framework, answers: record.Answers) -> dict[str, bytes]:
    """Return the files of a project that no person edits: the framework and what is resolved."""
    files = {FILE: framework.requirement.encode()}
    if framework.wheel is not None:
        files[f"{VENDOR}/{framework.wheel.name}"] = framework.wheel.read_bytes()
    return {**files, **lock_files(framework.scaffold, answers)}


def lock_files(scaffold: Path, answers: record.Answers) -> dict[str, bytes]:
    """Return the resolved requirements that come with a template."""
    wanted = [*LOCKS, "snow"] if answers.ci != "none" else LOCKS
    return {
        f"requirements/{name}.txt": _lock(scaffold / "locks" / f"{name}.txt") for name in wanted
    }


def _lock(file: Path) -> bytes:
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(SIGNATURE)).encode()


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write *files* below *folder*."""
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def copied_answers(answers: record.Answers) -> dict[str, Any]:
    """Return *answers* as ``render`` takes them."""
    found: dict[str, Any] = msgspec.to_builtins(answers)
    return found


def _copier() -> Any:
    try:
        import copier.errors
    except ImportError:
        raise OperatorError(
            "`mlops init` needs Copier, which is not installed",
            remedy="pip install 'copier>=9.19,<10', or the framework with its extra [init]",
        ) from None
    return copier
