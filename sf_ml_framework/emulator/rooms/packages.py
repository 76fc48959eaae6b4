"""What packages a model can ask for: those of the Python that runs it here, and no others.

Source: Snowflake, "PACKAGES view"; snowflake-ml's ``env_utils.py`` and
``model_parameter_reconciler.py`` for what clients ask before they log a model.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ..faults import not_found
from ..registry import Call
from ..results import ResultSet, rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..account import Account
    from ..session import Session

_SHARED = ("SNOWFLAKE", "SNOWPARK", "PYPI_SHARED_REPOSITORY")
_COLUMNS = ["PACKAGE_NAME", "VERSION", "LANGUAGE", "RUNTIME_VERSION", "PACKAGE_KIND"]


def install(account: Account) -> None:
    """Register the view and the shared repository."""
    account.view("*.INFORMATION_SCHEMA.PACKAGES", packages)
    columns = ["created_on timestamp_ltz", "name", "type", "api_integration", "comment"]
    account.describe("ARTIFACT REPOSITORY", columns, describe)


def packages(session: Session, database: str) -> ResultSet:
    """Return the packages that are installed beside the emulator."""
    from importlib.metadata import distributions

    runtime = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = {
        (str(one.metadata["Name"]).lower().replace("_", "-"), one.version)
        for one in distributions()
        if one.metadata["Name"]
    }
    return rows(_COLUMNS, [(name, v, "python", runtime, "PYTHON") for name, v in sorted(found)])


def describe(call: Call, parts: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    """Yield the shared repository of PyPI packages, which every account has."""
    if parts != _SHARED:
        raise not_found("ARTIFACT REPOSITORY", ".".join(parts))
    yield {"created_on": call.account.clock.now(), "name": parts[-1], "type": "PIP"}
