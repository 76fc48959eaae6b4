"""Log in, renew, keep alive, log out.

Source: connector 4.8, ``auth/_auth.py``, ``network.py`` (``_token_request``, ``_heartbeat``).
"""

from __future__ import annotations

import hmac
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from . import admission
from .account import Account
from .faults import SnowflakeError
from .names import Path, fold
from .parameters import SESSION_PARAMETERS, checked
from .session import Session
from .tokens import MASTER_HOURS, SESSION_HOURS, Grant

if TYPE_CHECKING:
    from .app import Incoming

SERVER_VERSION = "9.36.0"


def login(account: Account, request: Incoming) -> dict[str, Any]:
    """Open a session for whoever proves who they are."""
    data = request.data.get("data")
    if not isinstance(data, dict):
        raise SnowflakeError("Bad request: no data.", number=390400, state="08001")
    if not account.address:
        account.address = request.address
    try:
        _admit(account, request, data)
        granted = account.tokens.check(data)
        session = start(account, granted, request.query, data.get("SESSION_PARAMETERS") or {})
        session.facts["address"] = request.client
    except SnowflakeError as error:
        _note(account, request, data, str(data.get("LOGIN_NAME") or "").upper(), error)
        raise
    _note(account, request, data, session.user)
    account.record.add("login", user=session.user, role=session.role, session=session.id)
    return _welcome(session)


def _admit(account: Account, request: Incoming, data: dict[str, Any]) -> None:
    """Ask the policies of the user that a login names, before what it proves."""
    authenticator = str(data.get("AUTHENTICATOR") or "").upper()
    user = account.tokens.user_of(str(data.get("LOGIN_NAME") or ""))
    # The token of a service is used inside Snowflake, where no policy of a user reaches.
    if user is not None and authenticator != "OAUTH":
        admission.admit(account, user, request.client, authenticator)


def _welcome(session: Session) -> dict[str, Any]:
    """Return what the clients read of a login."""
    return {
        "data": {
            "masterToken": session.master_token,
            "token": session.token,
            "validityInSeconds": SESSION_HOURS * 3600,
            "masterValidityInSeconds": session.idle_seconds or MASTER_HOURS * 3600,
            "displayUserName": session.user,
            "serverVersion": SERVER_VERSION,
            "firstLogin": False,
            "remMeToken": None,
            "remMeValidityInSeconds": 0,
            "healthCheckInterval": 45,
            "newClientForUpgrade": None,
            "sessionId": session.id,
            "parameters": parameter_list(session),
            "sessionInfo": {
                "databaseName": session.database,
                "schemaName": session.schema,
                "warehouseName": session.warehouse,
                "roleName": session.role,
            },
            "idToken": None,
            "idTokenValidityInSeconds": 0,
            "responseData": None,
            "mfaToken": None,
        },
        "code": None,
        "message": None,
        "success": True,
    }


_FACTORS = {
    "SNOWFLAKE_JWT": "RSA_KEYPAIR",
    "PROGRAMMATIC_ACCESS_TOKEN": "PROGRAMMATIC_ACCESS_TOKEN",
    "OAUTH": "OAUTH_ACCESS_TOKEN",
}


def _note(
    account: Account,
    request: Incoming,
    data: dict[str, Any],
    user: str,
    error: SnowflakeError | None = None,
) -> None:
    """Keep the attempt for LOGIN_HISTORY."""
    account.catalog.execute(
        "insert into login_history (at, user, ip, client, version, factor, code, message) "
        "values (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            account.clock.now().isoformat(),
            user,
            request.client,
            str(data.get("CLIENT_APP_ID") or ""),
            str(data.get("CLIENT_APP_VERSION") or ""),
            _FACTORS.get(str(data.get("AUTHENTICATOR") or "").upper(), "PASSWORD"),
            error.number if error else None,
            error.message if error else None,
        ),
    )


def start(
    account: Account, granted: Grant, wanted: dict[str, str], parameters: dict[str, Any]
) -> Session:
    """Open a session at the wanted place; what does not exist is left unset, as Snowflake does."""
    lent = account.sessions.get(int((granted.facts or {}).get("session", 0)))
    if lent is not None:
        return lent  # a procedure's, which speaks in the session of who called it
    user = account.catalog.find("USER", Path("", "", granted.user))
    defaults = user.properties if user else {}
    role = granted.role or fold(
        wanted.get("roleName") or str(defaults.get("DEFAULT_ROLE") or "PUBLIC")
    )
    if role not in roles_of(account, granted.user) and granted.role is None:
        if account.catalog.find("ROLE", Path("", "", role)) is None:
            why = "does not exist or not authorized"
        else:
            why = "is not granted to this user"
        raise SnowflakeError(
            f"Role '{role}' specified in the connect string {why}. Contact your local system "
            "administrator, or attempt to login with another role, e.g. PUBLIC.",
            number=390189,
            state="08001",
        )
    session = account.open_session(user=granted.user, role=role)
    session.facts.update(granted.facts or {})
    session.secondary_roles = _secondary(granted, defaults)
    _lasting(account, session)
    session.idle_seconds = admission.idle_seconds(account, user)
    session.used = account.clock.now()
    for key, value in parameters.items():
        if key.upper() in SESSION_PARAMETERS:
            session.parameters[key.upper()] = checked(key.upper(), value)
    # A service's sessions start with its QUERY_WAREHOUSE, which its token carries.
    own = str(session.facts.get("warehouse") or defaults.get("DEFAULT_WAREHOUSE") or "")
    warehouse = wanted.get("warehouse") or own
    _settle(account, session, warehouse, wanted, defaults)
    return session


def _settle(
    account: Account,
    session: Session,
    warehouse: str,
    wanted: dict[str, str],
    defaults: dict[str, Any],
) -> None:
    """Put the session where it wants to be, as far as that stands and its role may."""
    may = account.access.uses
    if warehouse:
        path = Path("", "", fold(warehouse))
        if account.catalog.find("WAREHOUSE", path) and may(session, "WAREHOUSE", path):
            session.warehouse = path.name
    namespace = str(defaults.get("DEFAULT_NAMESPACE") or "").split(".")
    database = wanted.get("databaseName") or namespace[0]
    schema = wanted.get("schemaName") or (namespace[1] if len(namespace) > 1 else "PUBLIC")
    path = Path("", "", fold(database)) if database else Path("", "", "")
    if database and account.catalog.find("DATABASE", path) and may(session, "DATABASE", path):
        inside = Path(path.name, "", fold(schema))
        known = account.catalog.find("SCHEMA", inside) and may(session, "SCHEMA", inside)
        session.connection.use(path.name, inside.name if known else None)


def _secondary(granted: Grant, defaults: dict[str, Any]) -> str:
    """Return the secondary roles that a new session has.

    Source: Snowflake, "CREATE USER" (DEFAULT_SECONDARY_ROLES is ('ALL') unless it says otherwise),
    "Using programmatic access tokens" (a token bound to a role has none).
    """
    if granted.role is not None:
        return "NONE"
    wanted = defaults.get("DEFAULT_SECONDARY_ROLES", ["ALL"])
    return "ALL" if wanted in (["ALL"], "ALL") else "NONE"


def roles_of(account: Account, user: str) -> set[str]:
    """Return every role that *user* holds, directly or through other roles, and PUBLIC."""
    return account.access.roles_of(user)


def parameter_list(session: Session) -> list[dict[str, Any]]:
    """Return the session's parameters as the clients read them."""
    merged = {**SESSION_PARAMETERS, **session.parameters}
    return [{"name": name, "value": value} for name, value in merged.items()]


def session_of(account: Account, request: Incoming) -> Session:
    """Return the session of the request's token.

    Raises:
        SnowflakeError: 390104 there is none, 390112 it must be renewed.
    """
    token = request.token()
    if not token:
        raise SnowflakeError(
            "Session token not found in the request data.", number=390103, state="08001"
        )
    for session in list(account.sessions.values()):
        if _same(session.token, token):
            now = account.clock.now()
            if session.is_idle(now) or (session.token_expires and session.token_expires <= now):
                raise SnowflakeError(
                    "Authentication token has expired.  The user must authenticate again.",
                    number=390112,
                    state="08001",
                )
            session.used = now
            return session
    raise SnowflakeError(
        "User must login again to access the service.", number=390104, state="08001"
    )


def _same(kept: str, sent: str) -> bool:
    # As bytes: a header may hold letters that are not ASCII.
    return hmac.compare_digest(kept.encode(), sent.encode())


def _lasting(account: Account, session: Session) -> None:
    session.token_expires = account.clock.now() + timedelta(hours=SESSION_HOURS)
    # In real time: a test that moves the clock by a day has not been idle for one.
    session.master_expires = datetime.now(UTC) + timedelta(hours=MASTER_HOURS)


def renew(account: Account, request: Incoming) -> dict[str, Any]:
    """Give a new session token for the master token."""
    master = request.token()
    for session in list(account.sessions.values()):
        over = session.master_expires is not None and session.master_expires <= datetime.now(UTC)
        if _same(session.master_token, master) and not over:
            if session.is_idle(account.clock.now()):
                account.close_session(session)
                break
            session.token = secrets.token_urlsafe(32)
            session.master_token = secrets.token_urlsafe(32)
            _lasting(account, session)
            return {
                "data": {
                    "sessionToken": session.token,
                    "validityInSecondsST": SESSION_HOURS * 3600,
                    "masterToken": session.master_token,
                    "validityInSecondsMT": MASTER_HOURS * 3600,
                    "masterValidityInSeconds": MASTER_HOURS * 3600,
                    "sessionId": session.id,
                },
                "code": None,
                "message": None,
                "success": True,
            }
    raise SnowflakeError(
        "Master token has expired. You must login again.", number=390114, state="08001"
    )


def heartbeat(account: Account, request: Incoming) -> dict[str, Any]:
    """Say that the session lives, and let it live on: its master token is good for longer.

    Source: Snowflake, "Parameters" (CLIENT_SESSION_KEEP_ALIVE).
    """
    session = session_of(account, request)
    session.master_expires = datetime.now(UTC) + timedelta(hours=MASTER_HOURS)
    return {"data": None, "code": None, "message": None, "success": True}


def logout(account: Account, request: Incoming) -> dict[str, Any]:
    """Close the session."""
    session = session_of(account, request)
    if request.query.get("delete"):
        account.close_session(session)
    return {"data": None, "code": None, "message": None, "success": True}
