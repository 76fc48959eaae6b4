"""Packages and runtimes that functions may ask for: those of the Python that runs them here.

Source: Snowflake, "Using third-party packages"; the number and first sentence of the refusal are as
people report them.
"""

from __future__ import annotations

import sys

from ..faults import SnowflakeError, invalid, unsupported

RUNTIME = f"{sys.version_info.major}.{sys.version_info.minor}"
_KNOWN_RUNTIMES = {"3.9", "3.10", "3.11", "3.12", "3.13"}


def check_runtime(version: str) -> None:
    """Refuse a Python that is not the one here."""
    if version not in _KNOWN_RUNTIMES:
        raise invalid(f"Unsupported Python runtime version: {version}.")
    if version != RUNTIME:
        raise unsupported(f"RUNTIME_VERSION {version}: this emulator runs Python {RUNTIME}.")


def check_packages(wanted: tuple[str, ...]) -> None:
    """Refuse packages, or versions of them, that are not there.

    Raises:
        SnowflakeError: 100357, with the names.
    """
    missing = [one for one in wanted if not _there(one)]
    if missing:
        raise SnowflakeError(
            "Cannot create a Python function with the specified packages. Please check your "
            f"packages specification and try again. Packages not found: {', '.join(missing)}",
            number=100357,
            state="P0000",
        )


def _there(wanted: str) -> bool:
    from importlib.metadata import PackageNotFoundError, version

    from packaging.requirements import InvalidRequirement, Requirement

    try:
        # A single = is as good as two. Source: "Using third-party packages".
        text = (
            wanted
            if any(sign in wanted for sign in ("==", "<", ">", "!", "~"))
            else (wanted.replace("=", "=="))
        )
        requirement = Requirement(text)
        found = version(requirement.name)
    except (InvalidRequirement, PackageNotFoundError):
        return False
    return requirement.specifier.contains(found, prereleases=True)
