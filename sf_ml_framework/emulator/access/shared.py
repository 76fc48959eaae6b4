"""Who may read the database SNOWFLAKE.

Source: Snowflake, "Account Usage" ("Enabling other roles to use schemas in the SNOWFLAKE
database") and "SNOWFLAKE database roles" ("Database role required to access ACCOUNT_USAGE views").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..faults import not_found
from ..names import Path
from ..seed import SHARED

if TYPE_CHECKING:
    from ..account import Account
    from .rights import Holder

_SHOWN = {
    "GOVERNANCE_VIEWER": {"ACCESS_HISTORY", "QUERY_HISTORY", "TAG_REFERENCES", "TAGS"}
    | {"QUERY_ATTRIBUTION_HISTORY"},
    "OBJECT_VIEWER": {"COLUMNS", "DATABASES", "SCHEMATA", "TABLES", "TAGS", "VIEWS", "STAGES"}
    | {"FUNCTIONS", "PROCEDURES", "TASK_VERSIONS", "COMPLETE_TASK_GRAPHS", "SERVICES"},
    "SECURITY_VIEWER": {"GRANTS_TO_ROLES", "GRANTS_TO_USERS", "LOGIN_HISTORY", "ROLES"}
    | {"SESSIONS", "USERS"},
    "USAGE_VIEWER": {"QUERY_ATTRIBUTION_HISTORY"},
}
"""Views that a database role of SNOWFLAKE shows; what is in no set is USAGE_VIEWER's."""


def require_shared(account: Account, holders: frozenset[Holder], path: Path) -> None:
    """Refuse ACCOUNT_USAGE to roles with neither IMPORTED PRIVILEGES nor a role of the view.

    Raises:
        SnowflakeError: 002003, as for any schema that the role may not use.
    """
    if path.schema != "ACCOUNT_USAGE":
        return
    held = account.access.privileges(holders, "DATABASE", Path("", "", SHARED))
    if held & {"IMPORTED PRIVILEGES", "OWNERSHIP"}:
        return
    wanted = {role for role, views in _SHOWN.items() if path.name in views} or {"USAGE_VIEWER"}
    if not any(("DATABASE ROLE", f"{SHARED}.{role}") in holders for role in wanted):
        raise not_found("SCHEMA", f"{SHARED}.ACCOUNT_USAGE")
