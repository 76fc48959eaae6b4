"""From the name of a project to the names that stand in it, and which of them cannot be."""

from __future__ import annotations

import keyword
import re
import sys
import unicodedata

from sf_ml_framework.identifiers import why_not_identifier, why_not_node

_LETTERS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue",
     "ø": "o", "Ø": "O", "æ": "ae", "Æ": "Ae", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D"}
)  # fmt: skip

FOLDERS = ("data", "jobs", "out", "requirements", "tasks", "tests", "vendor")
"""Folders of a project that hold something else than its package."""

LIBRARIES = (
    "sf_ml_framework", "click", "copier", "dotenv", "duckdb", "ibis", "jinja2", "msgspec", "numpy",
    "pandas", "pyarrow", "pytest", "rich", "sklearn", "scipy", "snowflake", "yaml",
)  # fmt: skip
"""Modules that a project imports; a package of that name would stand in their way."""

LONGEST_PREFIX = 60


def taken() -> list[str]:
    """Return the names that a project's package cannot have."""
    return sorted({*keyword.kwlist, *sys.stdlib_module_names, *FOLDERS, *LIBRARIES})


def package_of(name: str) -> str:
    """Return the package for a project called *name*: lower-case ASCII words joined by ``_``.

    It may still be one that cannot be, or empty: ask ``why_not_package``.
    """
    composed = unicodedata.normalize("NFC", name).translate(_LETTERS)
    plain = unicodedata.normalize("NFKD", composed).encode("ascii", "ignore").decode()
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", plain)
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def why_not_package(package: str) -> str:
    """Return why *package* cannot be the package of a project; empty when it can."""
    if package in keyword.kwlist:
        return "it is a word of Python"
    if package in FOLDERS:
        return "a project has a folder of that name for something else"
    if package in LIBRARIES or package in sys.stdlib_module_names:
        return "it would stand in the way of the module of that name"
    if not re.fullmatch(r"[a-z][a-z0-9_]*[a-z0-9]|[a-z]", package):
        return "a package is lower-case ASCII letters, digits and _, and begins with a letter"
    # The pipeline is named after it, and its root task after the pipeline.
    return why_not_node(package)


def why_not_prefix(prefix: str) -> str:
    """Return why names in Snowflake cannot begin with *prefix*; empty when they can."""
    if len(prefix) > LONGEST_PREFIX:
        return f"it has {len(prefix)} characters, and there is room for {LONGEST_PREFIX}"
    return why_not_identifier(prefix)


def another(package: str) -> str:
    """Return a package that can be, for one that cannot."""
    letters = package.lstrip("0123456789_")
    if letters and letters != package and not why_not_package(letters):
        return letters
    return f"{package}_project" if re.fullmatch(r"[a-z][a-z0-9_]*", package) else "my_project"
