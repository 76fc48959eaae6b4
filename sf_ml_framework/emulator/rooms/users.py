"""Users, their keys, their programmatic tokens and the policies that hold for them.

Source: Snowflake, "CREATE USER", "ALTER USER", "ALTER USER ... ADD PROGRAMMATIC ACCESS TOKEN",
"DESCRIBE USER", "SHOW USERS", "Key-pair authentication and key-pair rotation", "Types of users".
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..catalog import Entry
from ..faults import SnowflakeError, invalid, not_found
from ..names import Path, fold
from ..reader import only
from ..registry import Call, Scope
from ..results import ResultSet, done, rows, status
from ..tokens import fingerprint, hash_password, key_bits
from . import login_policies, network_policies, tags
from .showing import gone
from .stages import plain

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
    "WORKLOAD_IDENTITY",
    "TAG",
}
KEYS = ("RSA_PUBLIC_KEY", "RSA_PUBLIC_KEY_2")
_LEAST_BITS = 2048
TYPES = {"PERSON", "SERVICE", "LEGACY_SERVICE"}
_IDENTITY = {"TYPE", "ISSUER", "SUBJECT", "OIDC_AUDIENCE_LIST", "ARN"}


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
        "has_workload_identity",
    ]
    account.show("USERS", columns, show)
    account.describe("USER", ["property", "value", "default", "description"], describe)


def _properties(call: Call) -> dict[str, Any]:
    found = {
        k: v if isinstance(v, bool | int | dict) else _text(k, v)
        for k, v in call.reader.properties().items()
    }
    only(found, _PROPERTIES, "USER")
    now = call.account.clock.now()
    for name in KEYS:
        if found.get(name):
            _check_key(str(found[name]))
            found[f"{name}_LAST_SET_TIME"] = f"{now:%Y-%m-%d %H:%M:%S}.{now.microsecond // 1000:03}"
    if "PASSWORD" in found:
        found["PASSWORD_HASH"] = hash_password(str(found.pop("PASSWORD")))
    if "TYPE" in found and str(found["TYPE"]).upper() not in TYPES:
        raise invalid(f"invalid value '{found['TYPE']}' for property 'TYPE'")
    if "WORKLOAD_IDENTITY" in found:
        _check_identity(found["WORKLOAD_IDENTITY"])
    if "NETWORK_POLICY" in found:
        policy = found["NETWORK_POLICY"] = fold(str(found["NETWORK_POLICY"]))
        path = Path("", "", policy)
        call.account.catalog.get("NETWORK POLICY", path)
        # Source: Snowflake, "Controlling network traffic with network policies", for a user.
        call.account.access.require(call.session, "OWNERSHIP", "NETWORK POLICY", path)
    return found


def _check_key(key: str) -> None:
    try:
        fingerprint(key)
        bits = key_bits(key)
    except ValueError:
        raise _refused_key("Invalid public key") from None
    if bits and bits < _LEAST_BITS:
        raise _refused_key(f"RSA keys have at least {_LEAST_BITS} bits")


def _refused_key(reason: str) -> SnowflakeError:
    return invalid(f"New public key rejected by current policy. Reason: '{reason}'")


def _check_identity(given: Any) -> None:
    if not isinstance(given, dict) or "TYPE" not in given or set(given) - _IDENTITY:
        raise invalid("WORKLOAD_IDENTITY takes TYPE and what that type needs")
    kind = str(given["TYPE"]).upper()
    if kind not in {"OIDC", "AWS", "AZURE", "GCP"}:
        raise invalid(f"invalid value '{kind}' for property 'TYPE' of WORKLOAD_IDENTITY")
    if kind == "OIDC" and not {"ISSUER", "SUBJECT"} <= set(given):
        raise invalid("WORKLOAD_IDENTITY of TYPE OIDC needs ISSUER and SUBJECT")


def _no_password(found: dict[str, Any]) -> None:
    """A service user has no password and no person's name.

    Source: Snowflake, "Types of users".
    """
    if str(found.get("TYPE", "")).upper() != "SERVICE":
        if found.get("WORKLOAD_IDENTITY"):
            # Source: Snowflake, "Workload identity federation".
            raise invalid("WORKLOAD_IDENTITY is for users whose TYPE is SERVICE.")
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
    found = {key: _stored(value) for key, value in found.items()}
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
    path = Path("", "", call.reader.last_name()[0])
    if not call.account.catalog.drop("USER", path):
        return gone(call, "USER", path.name, path.name)
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
        name = reader.last_name()[0]
        call.account.tokens.revoke(user=path.name, name=name)
        return status(f"Programmatic access token {name} successfully removed.")
    if tags.altered(call, "USER", path) or login_policies.attach(call, entry):
        return done()
    if reader.accept("SET"):
        found = _properties(call)
        comment = str(found.pop("COMMENT", entry.comment))
        _no_password({**entry.properties, **found})
        if path.name == call.session.user and "NETWORK_POLICY" in found:
            policy = catalog.get("NETWORK POLICY", Path("", "", found["NETWORK_POLICY"]))
            network_policies.not_oneself(call.account, call.session, policy.name, policy.properties)
        found = {key: _stored(value) for key, value in found.items()}
        catalog.update(replace(entry, comment=comment, properties={**entry.properties, **found}))
        return done()
    if reader.accept("UNSET"):
        _unset(call, entry)
        return done()
    reader.fail()
    return None


def _stored(value: Any) -> Any:
    """Return a property as the catalog keeps it."""
    return {k: plain(v) for k, v in value.items()} if isinstance(value, dict) else value


def _unset(call: Call, entry: Entry) -> None:
    keys = [call.reader.next().text.upper()]
    while call.reader.accept(","):
        keys.append(call.reader.next().text.upper())
    call.reader.end()
    only(dict.fromkeys(keys), _PROPERTIES, "USER")
    taken = {"PASSWORD_HASH" if key == "PASSWORD" else key for key in keys}
    taken |= {f"{key}_LAST_SET_TIME" for key in keys if key in KEYS}
    left = {k: v for k, v in entry.properties.items() if k not in taken}
    comment = "" if "COMMENT" in keys else entry.comment
    call.account.catalog.update(replace(entry, comment=comment, properties=left))


_TOKEN = {
    "ROLE_RESTRICTION",
    "DAYS_TO_EXPIRY",
    "MINS_TO_BYPASS_NETWORK_POLICY_REQUIREMENT",
    "COMMENT",
}
_LONGEST_DAYS = 365


def _add_token(call: Call, user: str) -> ResultSet:
    name = call.reader.name()[0]
    found = call.reader.properties()
    only(found, _TOKEN, "PROGRAMMATIC ACCESS TOKEN")
    role, days = found.get("ROLE_RESTRICTION"), found.get("DAYS_TO_EXPIRY", 15)
    if type(days) is not int or not 1 <= days <= _LONGEST_DAYS:
        raise invalid(f"invalid value '{days}' for property 'DAYS_TO_EXPIRY'")
    seconds = days * 86400
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
            "has_rsa_public_key": str(any(found.get(key) for key in KEYS)).lower(),
            "type": found.get("TYPE"),
            "has_workload_identity": str(bool(found.get("WORKLOAD_IDENTITY"))).lower(),
        }


_HIDDEN = {"PASSWORD", "TAG", "NETWORK_POLICY", "WORKLOAD_IDENTITY", "COMMENT"}
"""What DESCRIBE USER does not tell as it stands; NETWORK_POLICY is a parameter."""


def describe(call: Call, parts: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    """Yield a user's properties; after each key its fingerprint and when it was set."""
    entry = call.account.catalog.get("USER", Path("", "", parts[0]))
    found = entry.properties
    told: dict[str, Any] = {"NAME": entry.name, "COMMENT": entry.comment or None}
    for key in sorted(_PROPERTIES - _HIDDEN):
        told[key] = found.get(key)
        if key in KEYS:
            told[f"{key}_FP"] = fingerprint(str(found[key])) if found.get(key) else None
            told[f"{key}_LAST_SET_TIME"] = found.get(f"{key}_LAST_SET_TIME")
    told["HAS_WORKLOAD_IDENTITY"] = str(bool(found.get("WORKLOAD_IDENTITY"))).lower()
    for key, value in told.items():
        yield {"property": key, "value": "null" if value is None else str(value), "default": "null"}


def parameters(call: Call, user: str) -> Iterable[dict[str, Any]]:
    """Yield the object parameters of a user, of which only the network policy is known."""
    entry = call.account.catalog.get("USER", Path("", "", user))
    value = str(entry.properties.get("NETWORK_POLICY") or "")
    yield {
        "key": "NETWORK_POLICY",
        "value": value,
        "default": "",
        "level": "USER" if value else "",
        "description": "Network policy assigned for the given target.",
        "type": "STRING",
    }
