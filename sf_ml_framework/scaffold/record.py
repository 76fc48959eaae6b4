"""``.mlops-init.yml``: what a project was made from, beside its other files."""

from __future__ import annotations

from pathlib import Path

import msgspec

from sf_ml_framework.errors import OperatorError

FILE = ".mlops-init.yml"


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked; unknown ones of a newer template are dropped."""

    title: str
    """Name of the project, as it was typed."""
    package: str
    description: str
    prefix: str
    python: str
    ci: str
    vendored: bool
    """Whether the framework comes from the project's ``vendor/``, and from no package index."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What a project was made from."""

    framework: str
    """Version of the framework."""
    template: str
    """Digest of the template."""
    answers: Answers


def read(root: Path) -> Record:
    """Return the record of the project in the folder *root*.

    Raises:
        OperatorError: there is none, or it is no such record.
    """
    import yaml

    file = root / FILE
    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
        return msgspec.convert(raw, Record)
    except FileNotFoundError:
        raise OperatorError(
            f"{root} was not made by `mlops init`: it has no {FILE}",
            remedy="make a project with `mlops init NAME`, and compare the two by hand",
        ) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise OperatorError(
            f"{file} is not what `mlops init` wrote: {error}",
            remedy=f"take it back from git: git checkout -- {FILE}",
        ) from error
