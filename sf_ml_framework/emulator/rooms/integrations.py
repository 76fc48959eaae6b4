"""Network rules, external access and notification integrations.

Source: Snowflake, "CREATE NETWORK RULE", "CREATE EXTERNAL ACCESS INTEGRATION", "CREATE NOTIFICATION
INTEGRATION", "SHOW INTEGRATIONS". Containers here are processes of this machine: their network is
not closed off, so a missing rule is not noticed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..catalog import Entry
from ..faults import already_exists, invalid, not_found
from ..names import Path, parts_of
from ..reader import only
from ..registry import Call, Scope
from ..results import ResultSet, done, status
from . import webhooks
from .showing import gone, object_name
from .stages import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..account import Account

RULE_TYPES = {"IPV4", "AWSVPCEID", "AZURELINKID", "HOST_PORT", "PRIVATE_HOST_PORT"}
RULE_MODES = {"INGRESS", "INTERNAL_STAGE", "EGRESS"}
MAX_HOSTS = 100
"""Hosts of one integration. Source: "Guidelines and limitations"."""
_ACCESS = {
    "ALLOWED_NETWORK_RULES",
    "ALLOWED_API_AUTHENTICATION_INTEGRATIONS",
    "ALLOWED_AUTHENTICATION_SECRETS",
    "ENABLED",
}
_QUEUE = {
    "DIRECTION",
    "NOTIFICATION_PROVIDER",
    "AWS_SNS_TOPIC_ARN",
    "AWS_SNS_ROLE_ARN",
    "AZURE_EVENT_GRID_TOPIC_ENDPOINT",
    "AZURE_TENANT_ID",
    "GCP_PUBSUB_TOPIC_NAME",
}
_NOTIFY = {
    "EMAIL": {"ALLOWED_RECIPIENTS", "DEFAULT_RECIPIENTS", "DEFAULT_SUBJECT"},
    "WEBHOOK": {"WEBHOOK_URL", "WEBHOOK_SECRET", "WEBHOOK_BODY_TEMPLATE", "WEBHOOK_HEADERS"},
    "QUEUE": _QUEUE,
}
_NETWORK = "EXTERNAL ACCESS"
_MESSAGES = "NOTIFICATION"


def install(account: Account) -> None:
    """Register the statements."""
    account.statement("CREATE [OR REPLACE] NETWORK RULE [IF NOT EXISTS]", create_rule)
    account.statement("ALTER NETWORK RULE [IF EXISTS]", alter_rule)
    account.statement("DROP NETWORK RULE [IF EXISTS]", drop_rule)
    rules = ["created_on timestamp_ltz", "name", "database_name", "schema_name", "owner"]
    rules += ["comment", "type", "mode", "entries_in_valuelist fixed", "owner_role_type"]
    account.show("NETWORK RULES", rules, show_rules)
    described = ["created_on timestamp_ltz", "name", "database_name", "schema_name", "owner"]
    described += ["comment", "type", "mode", "value_list"]
    account.describe("NETWORK RULE", described, describe_rule)
    ending = "[IF NOT EXISTS]"
    account.statement(f"CREATE [OR REPLACE] EXTERNAL ACCESS INTEGRATION {ending}", create_access)
    account.statement(f"CREATE [OR REPLACE] NOTIFICATION INTEGRATION {ending}", create_notification)
    kinds = "[EXTERNAL ACCESS|NOTIFICATION]"
    account.statement(f"DROP {kinds} INTEGRATION [IF EXISTS]", drop)
    account.statement(f"ALTER {kinds} INTEGRATION [IF EXISTS]", alter)
    columns = ["name", "type", "category", "enabled", "comment", "created_on timestamp_ltz"]
    for words in ("INTEGRATIONS", "EXTERNAL ACCESS INTEGRATIONS", "NOTIFICATION INTEGRATIONS"):
        account.show(words, columns, show)
    properties = ["property", "property_type", "property_value", "property_default"]
    for words in ("INTEGRATION", "EXTERNAL ACCESS INTEGRATION", "NOTIFICATION INTEGRATION"):
        account.describe(words, properties, describe)


def create_rule(call: Call) -> ResultSet:
    """Create a network rule."""
    path = object_name(call, "NETWORK RULE")
    found = plain(call.reader.properties())
    comment = str(found.pop("COMMENT", ""))
    kind, mode = str(found.pop("TYPE", "")).upper(), str(found.pop("MODE", "INGRESS")).upper()
    hosts = found.pop("VALUE_LIST", None)
    only(found, (), "NETWORK RULE")
    if kind not in RULE_TYPES or mode not in RULE_MODES:
        raise invalid(f"invalid TYPE '{kind}' or MODE '{mode}' for 'NETWORK RULE'")
    if hosts is None:
        raise invalid("missing required property 'VALUE_LIST' for 'NETWORK RULE'")
    if (mode == "EGRESS") != (kind in {"HOST_PORT", "PRIVATE_HOST_PORT"}):
        raise invalid(f"a network rule of TYPE {kind} does not take MODE {mode}")
    made = call.account.catalog.create(
        Entry(
            kind="NETWORK RULE",
            path=path,
            owner=call.session.role,
            created_on=call.account.clock.now(),
            comment=comment,
            properties={"type": kind, "mode": mode, "values": _strings(hosts)},
        ),
        replace=call.or_replace,
        if_absent=call.if_not_exists,
    )
    word = "successfully created" if made else "already exists, statement succeeded"
    return status(f"Network rule {path.name} {word}.")


def _strings(value: Any) -> list[str]:
    return [str(one) for one in (value if isinstance(value, list) else [value])]


def alter_rule(call: Call) -> ResultSet:
    """Set a rule's values or comment."""
    path = call.session.resolve(call.reader.name(), "ALTER NETWORK RULE")
    entry = call.account.catalog.find("NETWORK RULE", path)
    if entry is None:
        if call.if_exists:
            return done()
        raise not_found("Network rule", str(path))
    call.reader.expect("SET")
    found = plain(call.reader.properties())
    comment = str(found.pop("COMMENT", entry.comment))
    hosts = _strings(found.pop("VALUE_LIST", entry.properties["values"]))
    only(found, (), "NETWORK RULE")
    properties = {**entry.properties, "values": hosts}
    call.account.catalog.update(replace(entry, comment=comment, properties=properties))
    return done()


def drop_rule(call: Call) -> ResultSet:
    """Drop a rule that no integration and no network policy holds."""
    path = call.session.resolve(call.reader.name(), "DROP NETWORK RULE")
    call.reader.end()
    for entry in call.account.catalog.all("INTEGRATION"):
        if list(path) in entry.properties.get("rules", []):
            raise invalid(f"Network rule {path} cannot be dropped: {entry.name} uses it.")
    for entry in call.account.catalog.all("NETWORK POLICY"):
        if any(list(path) in held for held in entry.properties.values()):
            raise invalid(f"Network rule {path} cannot be dropped: {entry.name} uses it.")
    if not call.account.catalog.drop("NETWORK RULE", path):
        return gone(call, "Network rule", path.name, str(path))
    return status(f"{path.name} successfully dropped.")


def show_rules(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the rules."""
    for entry in call.account.catalog.all("NETWORK RULE", scope.database, scope.schema):
        yield _rule_row(entry)


def describe_rule(call: Call, parts: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    """Yield a rule."""
    yield _rule_row(call.account.catalog.get("NETWORK RULE", call.session.resolve(parts)))


def _rule_row(entry: Entry) -> dict[str, Any]:
    return {
        "created_on": entry.created_on,
        "name": entry.name,
        "database_name": entry.path.database,
        "schema_name": entry.path.schema,
        "owner": entry.owner,
        "comment": entry.comment,
        "type": entry.properties["type"],
        "mode": entry.properties["mode"],
        "entries_in_valuelist": len(entry.properties["values"]),
        "value_list": ",".join(entry.properties["values"]),
        "owner_role_type": "ROLE",
    }


def create_access(call: Call) -> ResultSet:
    """Create an external access integration; what it names must stand."""
    path = Path("", "", call.reader.name()[0])
    found = plain(call.reader.properties())
    comment = str(found.pop("COMMENT", ""))
    only(found, _ACCESS, "INTEGRATION")
    for key in ("ALLOWED_NETWORK_RULES", "ENABLED"):
        if key not in found:
            raise invalid(f"missing required property '{key}' for 'INTEGRATION'")
    properties = {
        "category": _NETWORK,
        "enabled": bool(found["ENABLED"]),
        **_access(call, found),
    }
    return _store(call, path, comment, properties)


def _access(call: Call, found: dict[str, Any]) -> dict[str, Any]:
    rules = [call.session.resolve(parts_of(n)) for n in _strings(found["ALLOWED_NETWORK_RULES"])]
    hosts = 0
    for rule in rules:
        entry = call.account.catalog.get("NETWORK RULE", rule)
        if entry.properties["mode"] != "EGRESS":
            raise invalid(f"network rule {rule} must have MODE = EGRESS")
        hosts += len(entry.properties["values"])
    if hosts > MAX_HOSTS:
        raise invalid(f"an external access integration may hold {MAX_HOSTS} host names")
    given = _strings(found.get("ALLOWED_AUTHENTICATION_SECRETS") or [])
    secrets = [] if given in ([], ["none"], ["all"]) else given
    paths = [call.session.resolve(parts_of(name)) for name in secrets]
    for path in paths:
        call.account.catalog.get("SECRET", path)
    return {"rules": [list(r) for r in rules], "secrets": [list(p) for p in paths]}


def create_notification(call: Call) -> ResultSet:
    """Create an email, webhook or queue integration."""
    path = Path("", "", call.reader.name()[0])
    found = plain(call.reader.properties())
    comment = str(found.pop("COMMENT", ""))
    kind = str(found.pop("TYPE", "")).upper()
    if kind not in _NOTIFY:
        raise invalid(f"invalid value '{kind}' for property 'TYPE'")
    if "ENABLED" not in found:
        raise invalid("missing required property 'ENABLED' for 'INTEGRATION'")
    enabled = bool(found.pop("ENABLED"))
    only(found, _NOTIFY[kind], "INTEGRATION")
    if kind == "WEBHOOK":
        found = webhooks.checked(call, found)
    properties = {
        "category": _MESSAGES,
        "type": kind,
        "enabled": enabled,
        **{key.lower(): value for key, value in found.items()},
    }
    return _store(call, path, comment, properties)


def _store(call: Call, path: Path, comment: str, properties: dict[str, Any]) -> ResultSet:
    old = call.account.catalog.find("INTEGRATION", path)
    if old is not None and call.or_replace and old.properties["category"] != properties["category"]:
        raise already_exists(path.name)
    made = call.account.catalog.create(
        Entry(
            kind="INTEGRATION",
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
    return status(f"Integration {path.name} {word}.")


def _named(call: Call) -> tuple[Path, Entry | None]:
    path = Path("", "", call.reader.name()[0])
    entry = call.account.catalog.find("INTEGRATION", path)
    for kind in (_NETWORK, _MESSAGES):
        if entry is not None and kind in call.flags and entry.properties["category"] != kind:
            entry = None
    return path, entry


def drop(call: Call) -> ResultSet:
    """Drop an integration."""
    path, entry = _named(call)
    call.reader.end()
    if entry is None:
        return gone(call, "INTEGRATION", path.name, path.name)
    call.account.catalog.drop("INTEGRATION", path)
    return status(f"{path.name} successfully dropped.")


def alter(call: Call) -> ResultSet:
    """Set what an integration allows."""
    path, entry = _named(call)
    if entry is None:
        if call.if_exists:
            return done()
        raise not_found("INTEGRATION", path.name)
    call.reader.expect("SET")
    found = plain(call.reader.properties())
    comment = str(found.pop("COMMENT", entry.comment))
    changes: dict[str, Any] = {}
    network = entry.properties["category"] == _NETWORK
    allowed = _ACCESS if network else _NOTIFY[entry.properties["type"]] | {"ENABLED"}
    only(found, allowed, "INTEGRATION")
    if "ENABLED" in found:
        changes["enabled"] = bool(found.pop("ENABLED"))
    if network and "ALLOWED_NETWORK_RULES" in found:
        changes |= _access(call, found)
    elif not network:
        if entry.properties["type"] == "WEBHOOK":
            stands = {"WEBHOOK_" + key: entry.properties.get(f"webhook_{key.lower()}")
                      for key in ("URL", "BODY_TEMPLATE", "HEADERS")}  # fmt: skip
            secret = entry.properties.get("webhook_secret")
            found = webhooks.checked(
                call,
                {**stands, **({"WEBHOOK_SECRET": ".".join(secret)} if secret else {}), **found},
            )
        changes |= {key.lower(): value for key, value in found.items()}
    properties = {**entry.properties, **changes}
    call.account.catalog.update(replace(entry, comment=comment, properties=properties))
    return done()


def show(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the integrations of the kind that was asked for."""
    words = call.reader.tokens[1].word
    for entry in call.account.catalog.all("INTEGRATION"):
        category = entry.properties["category"]
        if words in {"EXTERNAL", "NOTIFICATION"} and not category.startswith(words):
            continue
        yield {
            "name": entry.name,
            "type": entry.properties.get("type", "EXTERNAL_ACCESS"),
            "category": category.replace(" ", "_"),
            "enabled": "true" if entry.properties["enabled"] else "false",
            "comment": entry.comment,
            "created_on": entry.created_on,
        }


def describe(call: Call, parts: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    """Yield an integration's properties."""
    entry = call.account.catalog.get("INTEGRATION", Path("", "", parts[0]))
    names = {"rules": "ALLOWED_NETWORK_RULES", "secrets": "ALLOWED_AUTHENTICATION_SECRETS"}
    for key, value in entry.properties.items():
        if key == "category":
            continue
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if isinstance(value, list):
            text = ",".join(".".join(v) if isinstance(v, list) else str(v) for v in value)
        kind = {bool: "Boolean", list: "List"}.get(type(value), "String")
        yield {
            "property": names.get(key, key.upper()),
            "property_type": kind,
            "property_value": text,
            "property_default": "",
        }
