"""Users, their keys and their programmatic tokens.

Source: Snowflake, "CREATE USER", "ALTER USER", "ALTER USER ... ADD PROGRAMMATIC ACCESS TOKEN",
"SHOW USERS".
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..catalog import Entry
from ..faults import invalid, not_found
from ..names import Path, fold
from ..registry import Call, Scope
from ..results import ResultSet, done, rows, status
from ..tokens import fingerprint, hash_password
from . import tags

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..account import Account

_NAMES = {"DEFAULT_ROLE", "DEFAULT_WAREHOUSE", "DEFAULT_NAMESPACE"}
_PROPERTIES = _NAMES | {
    "PASSWORD",
    "LOGIN_NAME",
    "DISPLAY_NAME",
    "FIRST_NAME",
    "MIDDLE_NAME",
    "LAST_NAME",
    "EMAIL",
    "MUST_CHANGE_PASSWORD",
    "DISABLED",
    "DAYS_TO_EXPIRY",
    "MINS_TO_UNLOCK",
    "DEFAULT_SECONDARY_ROLES",
    "RSA_PUBLIC_KEY",
    "RSA_PUBLIC_KEY_2",
    "TYPE",
    "COMMENT",
    "NETWORK_POLICY",
    "TAG",
}


def install(account: Account) -> None:
    """Register the statements."""
    account.statement("CREATE [OR REPLACE] USER [IF NOT EXISTS]", create)
    account.statement("DROP USER [IF EXISTS]", drop)
    account.statement("ALTER USER [IF EXISTS]", alter)
    columns = [
        "name",
        "created_on timestamp_ltz",
        "login_name",
        "display_name",
        "first_name",
        "last_name",
    ]
    columns += [
        "email",
        "mins_to_unlock",
        "days_to_expiry",
        "comment",
        "disabled",
        "must_change_password",
    ]
    columns += ["snowflake_lock", "default_warehouse", "default_namespace", "default_role"]
    columns += [
        "default_secondary_roles",
        "ext_authn_duo",
        "owner",
        "has_password",
        "has_rsa_public_key",
        "type",
    ]
    account.show("USERS", columns, show)
    account.describe("USER", ["property", "value", "default", "description"], describe)


def _properties(call: Call) -> dict[str, Any]:
    found = {
        k: v if isinstance(v, bool | int | dict) else _text(k, v)
        for k, v in call.reader.properties().items()
    }
    if unknown := set(found) - _PROPERTIES:
        raise invalid(f"invalid property '{min(unknown)}' for 'USER'")
    for name in ("RSA_PUBLIC_KEY", "RSA_PUBLIC_KEY_2"):
        if found.get(name):
            try:
                fingerprint(str(found[name]))
            except ValueError:
                raise invalid(
                    "New public key rejected by current policy. Reason: 'Invalid public key'"
                ) from None
    if "PASSWORD" in found:
        found["PASSWORD_HASH"] = hash_password(str(found.pop("PASSWORD")))
    return found


def _no_password(found: dict[str, Any]) -> None:
    """A service user has no password and no person's name.

    Source: Snowflake, "Types of users".
    """
    if str(found.get("TYPE", "")).upper() != "SERVICE":
        return
    for key in ("PASSWORD_HASH", "FIRST_NAME", "MIDDLE_NAME", "LAST_NAME", "MUST_CHANGE_PASSWORD"):
        if found.get(key):
            name = key.removesuffix("_HASH")
            raise invalid(f"Cannot set property {name} on a user whose TYPE is SERVICE.")


def _text(key: str, value: Any) -> Any:
    if isinstance(value, list):
        return [str(v) for v in value]
    return fold(str(value)) if key in {"DEFAULT_ROLE", "DEFAULT_WAREHOUSE"} else str(value)


def create(call: Call) -> ResultSet:
    """Create a user."""
    path = Path("", "", call.reader.name()[0])
    found = _properties(call)
    _no_password(found)
    found.setdefault("LOGIN_NAME", path.name)
    tagged = found.pop("TAG", {})
    comment = str(found.pop("COMMENT", ""))
    made = call.account.catalog.create(
        Entry(
            kind="USER",
            path=path,
            owner=call.session.role,
            created_on=call.account.clock.now(),
            comment=comment,
            properties=found,
        ),
        replace=call.or_replace,
        if_absent=call.if_not_exists,
    )
    if not made:
        return status(f"{path.name} already exists, statement succeeded.")
    tags.attach(call.account, call.session, "USER", path, tagged)
    return status(f"User {path.name} successfully created.")


def drop(call: Call) -> ResultSet:
    """Drop a user; the sessions end."""
    path = Path("", "", call.reader.name()[0])
    if not call.account.catalog.drop("USER", path):
        if call.if_exists:
            return status(f"Drop statement executed successfully ({path.name} already dropped).")
        raise not_found("USER", path.name)
    call.account.catalog.execute("delete from tokens where user = ?", (path.name,))
    return status(f"{path.name} successfully dropped.")


def alter(call: Call) -> ResultSet | None:  # noqa: PLR0911
    """Change a user's properties, or add or remove a programmatic token."""
    reader, catalog = call.reader, call.account.catalog
    named = (
        reader.peek().word not in {"SET", "UNSET", "ADD", "REMOVE"} or reader.peek(1).word == "SET"
    )
    path = Path("", "", reader.name()[0] if named else call.session.user)
    entry = catalog.find("USER", path)
    if entry is None:
        if call.if_exists:
            return done()
        raise not_found("USER", path.name)
    if reader.accept("ADD", "PROGRAMMATIC", "ACCESS", "TOKEN") or reader.accept("ADD", "PAT"):
        return _add_token(call, path.name)
    if reader.accept("REMOVE", "PROGRAMMATIC", "ACCESS", "TOKEN") or reader.accept("REMOVE", "PAT"):
        name = reader.name()[0]
        call.account.tokens.revoke(user=path.name, name=name)
        return status(f"Programmatic access token {name} successfully removed.")
    if tags.altered(call, "USER", path):
        return done()
    if reader.accept("SET"):
        found = _properties(call)
        comment = str(found.pop("COMMENT", entry.comment))
        _no_password({**entry.properties, **found})
        catalog.update(replace(entry, comment=comment, properties={**entry.properties, **found}))
        return done()
    if reader.accept("UNSET"):
        keys = [t.text.upper() for t in reader.tokens[reader.at :] if t.kind == "WORD"]
        left = {k: v for k, v in entry.properties.items() if k not in keys}
        catalog.update(
            replace(entry, comment="" if "COMMENT" in keys else entry.comment, properties=left)
        )
        return done()
    reader.fail()
    return None


def _add_token(call: Call, user: str) -> ResultSet:
    name = call.reader.name()[0]
    found = call.reader.properties()
    role = found.get("ROLE_RESTRICTION")
    seconds = float(found.get("DAYS_TO_EXPIRY", 15)) * 86400
    secret = call.account.tokens.issue(
        user=user, role=fold(str(role)) if role else None, kind="PAT", name=name, seconds=seconds
    )
    return rows(["token_name", "token_secret"], [(name, secret)])


def show(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the users."""
    for entry in call.account.catalog.all("USER"):
        found = entry.properties
        yield {
            "name": entry.name,
            "created_on": entry.created_on,
            "login_name": found.get("LOGIN_NAME", entry.name),
            "display_name": found.get("DISPLAY_NAME", entry.name),
            "first_name": found.get("FIRST_NAME"),
            "last_name": found.get("LAST_NAME"),
            "email": found.get("EMAIL"),
            "comment": entry.comment,
            "disabled": str(bool(found.get("DISABLED"))).lower(),
            "must_change_password": "false",
            "snowflake_lock": "false",
            "default_warehouse": found.get("DEFAULT_WAREHOUSE"),
            "default_namespace": found.get("DEFAULT_NAMESPACE"),
            "default_role": found.get("DEFAULT_ROLE"),
            "default_secondary_roles": "[]",
            "ext_authn_duo": "false",
            "owner": entry.owner,
            "has_password": str("PASSWORD_HASH" in found).lower(),
            "has_rsa_public_key": str(bool(found.get("RSA_PUBLIC_KEY"))).lower(),
            "type": found.get("TYPE"),
        }


def describe(call: Call, parts: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    """Yield a user's properties."""
    entry = call.account.catalog.get("USER", Path("", "", parts[0]))
    for key in sorted(_PROPERTIES - {"PASSWORD", "TAG"}):
        yield {"property": key, "value": str(entry.properties.get(key, "null")), "default": "null"}
        if key == "RSA_PUBLIC_KEY" and (public := entry.properties.get(key)):
            yield {
                "property": "RSA_PUBLIC_KEY_FP",
                "value": fingerprint(str(public)),
                "default": "null",
            }
