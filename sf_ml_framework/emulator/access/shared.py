"""Who may read the database SNOWFLAKE.

Source: Snowflake, "Account Usage" ("Enabling other roles to use schemas in the SNOWFLAKE
database", "ACCOUNT_USAGE schema SNOWFLAKE database roles").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..faults import not_found
from ..names import Path
from ..seed import SHARED

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

_GOVERNANCE = "ACCESS_HISTORY QUERY_HISTORY TAG_REFERENCES TASK_HISTORY QUERY_ATTRIBUTION_HISTORY"
_OBJECT = "COLUMNS DATABASES SCHEMATA TABLES TAGS VIEWS STAGES FUNCTIONS PROCEDURES TASK_VERSIONS"
_SECURITY = "GRANTS_TO_ROLES GRANTS_TO_USERS LOGIN_HISTORY ROLES SESSIONS USERS"
_VIEWS = {
    **dict.fromkeys(_GOVERNANCE.split(), "GOVERNANCE_VIEWER"),
    **dict.fromkeys(_OBJECT.split(), "OBJECT_VIEWER"),
    **dict.fromkeys(_SECURITY.split(), "SECURITY_VIEWER"),
}
"""Which role shows a view; every other view is USAGE_VIEWER's."""


def require_shared(account: Account, session: Session, path: Path) -> None:
    """Refuse ACCOUNT_USAGE to a role with neither IMPORTED PRIVILEGES nor the view's role.

    Raises:
        SnowflakeError: 002003, as for any schema that the role may not use.
    """
    if path.schema != "ACCOUNT_USAGE":
        return
    rights = account.access
    if rights.holds(session, "IMPORTED PRIVILEGES", "DATABASE", Path("", "", SHARED)):
        return
    wanted = _VIEWS.get(path.name, "USAGE_VIEWER")
    if ("DATABASE ROLE", f"{SHARED}.{wanted}") not in rights.active(session):
        raise not_found("SCHEMA", f"{SHARED}.ACCOUNT_USAGE")
