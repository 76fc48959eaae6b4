"""Session policies and authentication policies: how long a session may idle, how one signs in.

Source: Snowflake, "CREATE SESSION POLICY" (5 to 240 minutes, 240 unless it says otherwise), "CREATE
AUTHENTICATION POLICY", "ALTER USER" (SET … POLICY … FORCE), "POLICY_REFERENCES". Of authentication
policies the methods are enforced; client types are kept and shown.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from .. import admission
from ..catalog import Entry
from ..faults import invalid, not_found
from ..names import Path
from ..registry import Call, Scope
from ..results import ResultSet, done, rows, status
from .showing import object_name
from .stages import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..account import Account
    from ..session import Session

_SESSION, _AUTHENTICATION = admission.POLICIES
METHODS = {"ALL", "SAML", "PASSWORD", "OAUTH", "KEYPAIR"}
METHODS |= {"PROGRAMMATIC_ACCESS_TOKEN", "WORKLOAD_IDENTITY"}
CLIENTS = {"ALL", "SNOWFLAKE_UI", "DRIVERS", "SNOWSQL", "SNOWFLAKE_CLI"}
_LISTS = {"AUTHENTICATION_METHODS": METHODS, "CLIENT_TYPES": CLIENTS}
_MINUTES = ("SESSION_IDLE_TIMEOUT_MINS", "SESSION_UI_IDLE_TIMEOUT_MINS")
_DEFAULTS: dict[str, dict[str, Any]] = {
    _SESSION: dict.fromkeys(_MINUTES, 240),
    _AUTHENTICATION: {key: ["ALL"] for key in _LISTS},
}


def install(account: Account) -> None:
    """Register the statements."""
    account.statement("CREATE [OR REPLACE] SESSION|AUTHENTICATION POLICY [IF NOT EXISTS]", create)
    account.statement("ALTER SESSION|AUTHENTICATION POLICY [IF EXISTS]", alter)
    account.statement("DROP SESSION|AUTHENTICATION POLICY [IF EXISTS]", drop)
    columns = ["created_on timestamp_ltz", "name", "database_name", "schema_name", "kind", "owner"]
    columns += ["comment", "owner_role_type", "options"]
    for kind in admission.POLICIES:
        plural = kind.replace("POLICY", "POLICIES")
        account.show(plural, columns, partial(show, kind))
        account.needs(f"CREATE {kind}", privilege=f"CREATE {kind}", on="SCHEMA")
        for verb in ("ALTER", "DROP"):
            account.needs(f"{verb} {kind}", privilege="OWNERSHIP", on=kind)
    described = ["createdOn timestamp_ltz", "name", "sessionIdleTimeoutMins fixed"]
    described += ["sessionUIIdleTimeoutMins fixed", "comment"]
    account.describe(_SESSION, described, describe_session)
    properties = ["property", "value", "default", "description"]
    account.describe(_AUTHENTICATION, properties, describe_authentication)
    account.table_function(
        "POLICY_REFERENCES", lambda session, args, named: references(account, session, named)
    )


def _kind(call: Call) -> str:
    return _SESSION if "SESSION" in call.flags else _AUTHENTICATION


def _checked(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of a policy, or refuse what it does not take."""
    if unknown := set(given) - set(_DEFAULTS[kind]):
        raise invalid(f"invalid property '{min(unknown)}' for '{kind}'")
    found: dict[str, Any] = {}
    for key, value in given.items():
        if kind == _SESSION:
            if isinstance(value, bool) or not isinstance(value, int) or not 5 <= value <= 240:
                raise invalid(f"invalid value '{value}' for property '{key}': it is from 5 to 240")
            found[key] = value
            continue
        words = [str(each).upper() for each in (value if isinstance(value, list) else [value])]
        if wrong := set(words) - _LISTS[key]:
            raise invalid(f"invalid value '{min(wrong)}' for property '{key}'")
        found[key] = words
    return found


def create(call: Call) -> ResultSet:
    """Create a policy."""
    kind = _kind(call)
    path = object_name(call, kind)
    given = plain(call.reader.properties())
    comment = str(given.pop("COMMENT", ""))
    properties = {**_DEFAULTS[kind], **_checked(kind, given)}
    if call.or_replace:
        _unattached(call, kind, path)
    made = call.account.catalog.create(
        Entry(
            kind=kind,
            path=path,
            owner=call.session.role,
            created_on=call.account.clock.now(),
            comment=comment,
            properties=properties,
        ),
        replace=call.or_replace,
        if_absent=call.if_not_exists,
    )
    word = "successfully created" if made else "already exists, statement succeeded"
    return status(f"{kind.capitalize()} {path.name} {word}.")


def alter(call: Call) -> ResultSet:
    """Set or unset what a policy says."""
    kind, reader, catalog = _kind(call), call.reader, call.account.catalog
    path = call.session.resolve(reader.name(), f"ALTER {kind}")
    entry = catalog.find(kind, path)
    if entry is None:
        if call.if_exists:
            return done()
        raise not_found(kind, str(path))
    if reader.accept("UNSET"):
        key = reader.next().text.upper()
        reader.end()
        if key == "COMMENT":
            catalog.update(replace(entry, comment=""))
        elif key in _DEFAULTS[kind]:
            catalog.update(entry.with_properties(**{key: _DEFAULTS[kind][key]}))
        else:
            raise invalid(f"invalid property '{key}' for '{kind}'")
        return done()
    reader.expect("SET")
    given = plain(reader.properties())
    comment = str(given.pop("COMMENT", entry.comment))
    properties = {**entry.properties, **_checked(kind, given)}
    catalog.update(replace(entry, comment=comment, properties=properties))
    return done()


def _unattached(call: Call, kind: str, path: Path) -> None:
    if held := admission.holders(call.account, kind, path):
        raise invalid(
            f"Policy {path} cannot be dropped/replaced as it is associated with one or more "
            f"entities: {', '.join(held)}."
        )


def drop(call: Call) -> ResultSet:
    """Drop a policy that nobody has."""
    kind = _kind(call)
    path = call.session.resolve(call.reader.name(), f"DROP {kind}")
    call.reader.end()
    _unattached(call, kind, path)
    if not call.account.catalog.drop(kind, path):
        if call.if_exists:
            return status(f"Drop statement executed successfully ({path.name} already dropped).")
        raise not_found(kind, str(path))
    return status(f"{path.name} successfully dropped.")


def attach(call: Call, user: Entry) -> bool:
    """Attach a policy to a user, or detach it, where the statement says so.

    Raises:
        SnowflakeError: the role may not, there is none of that name, or another is attached.
    """
    reader, catalog = call.reader, call.account.catalog
    for kind in admission.POLICIES:
        if reader.accept("SET", *kind.split()):
            path = call.session.resolve(reader.name(), "ALTER USER")
            forced = reader.accept("FORCE")
            reader.end()
            _may_apply(call, kind, path)
            catalog.get(kind, path)
            if user.properties.get(kind) and not forced:
                raise invalid(
                    f"User {user.name} has a {kind.lower()} already. Unset it first, or use FORCE."
                )
            catalog.update(user.with_properties(**{kind: list(path)}))
            return True
        if reader.accept("UNSET", *kind.split()):
            reader.end()
            left = {key: value for key, value in user.properties.items() if key != kind}
            catalog.update(replace(user, properties=left))
            return True
    return False


def _may_apply(call: Call, kind: str, path: Path) -> None:
    access = call.account.access
    if not access.globally(call.session, f"APPLY {kind}"):
        access.require(call.session, "APPLY", kind, path)


def show(kind: str, call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the policies."""
    for entry in call.account.catalog.all(kind, scope.database, scope.schema):
        yield {
            "created_on": entry.created_on,
            "name": entry.name,
            "database_name": entry.path.database,
            "schema_name": entry.path.schema,
            "kind": kind.replace(" ", "_"),
            "owner": entry.owner,
            "comment": entry.comment,
            "owner_role_type": "ROLE",
            "options": "",
        }


def describe_session(call: Call, parts: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    """Yield a session policy's row."""
    entry = call.account.catalog.get(_SESSION, call.session.resolve(parts))
    yield {
        "createdOn": entry.created_on,
        "name": entry.name,
        "sessionIdleTimeoutMins": entry.properties[_MINUTES[0]],
        "sessionUIIdleTimeoutMins": entry.properties[_MINUTES[1]],
        "comment": entry.comment,
    }


def describe_authentication(call: Call, parts: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    """Yield an authentication policy's properties; lists in square brackets."""
    entry = call.account.catalog.get(_AUTHENTICATION, call.session.resolve(parts))
    for key in ("NAME", "OWNER", "COMMENT", *_LISTS):
        plain_value = {"NAME": entry.name, "OWNER": entry.owner, "COMMENT": entry.comment}.get(key)
        held = entry.properties.get(key, [])
        yield {
            "property": key,
            "value": plain_value if key not in _LISTS else f"[{', '.join(held)}]",
            "default": "[ALL]" if key in _LISTS else "null",
        }


_REFERENCES = ["POLICY_DB", "POLICY_SCHEMA", "POLICY_NAME", "POLICY_KIND", "REF_DATABASE_NAME"]
_REFERENCES += ["REF_SCHEMA_NAME", "REF_ENTITY_NAME", "REF_ENTITY_DOMAIN", "REF_COLUMN_NAME"]
_REFERENCES += ["REF_ARG_COLUMN_NAMES", "TAG_DATABASE", "TAG_SCHEMA", "TAG_NAME", "POLICY_STATUS"]


def references(account: Account, session: Session, named: dict[str, Any]) -> ResultSet:
    """Return the policies that are attached to a user.

    Source: Snowflake, "POLICY_REFERENCES"; REF_ENTITY_DOMAIN is USER, other entities are refused.
    """
    domain = str(named.get("REF_ENTITY_DOMAIN", "")).upper()
    if domain != "USER" or "REF_ENTITY_NAME" not in named:
        raise invalid("POLICY_REFERENCES of anything but a USER is not known to this emulator.")
    written = str(named["REF_ENTITY_NAME"])
    name = written.strip('"') if written.startswith('"') else written.upper()
    path = Path("", "", name)
    user = account.catalog.get("USER", path)
    if not account.access.sees(session, "USER", path):
        raise not_found("USER", name)
    found = []
    for kind in admission.POLICIES:
        if parts := user.properties.get(kind):
            row = [*parts, kind.replace(" ", "_"), None, None, user.name, "USER"]
            found.append((*row, *[None] * 5, "ACTIVE"))
    return rows(_REFERENCES, found)
