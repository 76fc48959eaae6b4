"""Network policies: which addresses may reach the account, or one of its users.

Source: Snowflake, "CREATE NETWORK POLICY", "ALTER NETWORK POLICY", "DESCRIBE NETWORK POLICY", "SHOW
NETWORK POLICIES", "Controlling network traffic with network policies".
"""

from __future__ import annotations

import ipaddress
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .. import admission
from ..catalog import Entry
from ..faults import invalid, not_found
from ..names import Path, fold, parts_of
from ..registry import Call, Scope
from ..results import ResultSet, done, status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..account import Account
    from ..session import Session

_KIND = "NETWORK POLICY"
_RULES = ("ALLOWED_NETWORK_RULE_LIST", "BLOCKED_NETWORK_RULE_LIST")
_ADDRESSES = ("ALLOWED_IP_LIST", "BLOCKED_IP_LIST")


def install(account: Account) -> None:
    """Register the statements."""
    account.statement("CREATE [OR REPLACE] NETWORK POLICY [IF NOT EXISTS]", create)
    account.statement("ALTER NETWORK POLICY [IF EXISTS]", alter)
    account.statement("DROP NETWORK POLICY [IF EXISTS]", drop)
    account.statement("ALTER ACCOUNT SET", alter_account)
    account.statement("ALTER ACCOUNT UNSET", unset_account)
    columns = ["created_on timestamp_ltz", "name", "comment"]
    columns += [f"entries_in_{each.lower()} fixed" for each in _ADDRESSES]
    columns += ["entries_in_allowed_network_rules fixed", "entries_in_blocked_network_rules fixed"]
    account.show("NETWORK POLICIES", columns, show)
    account.describe(_KIND, ["name", "value"], describe)
    account.needs("CREATE NETWORK POLICY", privilege="CREATE NETWORK POLICY", on="ACCOUNT")
    for verb in ("ALTER", "DROP"):
        account.needs(f"{verb} NETWORK POLICY", privilege="OWNERSHIP", on=_KIND)


def _read(call: Call) -> tuple[dict[str, Any], str | None]:
    """Return the lists that a statement gives, and its comment."""
    found = call.reader.properties()
    comment = found.pop("COMMENT", None)
    lists: dict[str, Any] = {}
    for key, value in found.items():
        written = [str(each) for each in (value if isinstance(value, list) else [value])]
        if key in _RULES:
            lists[key] = [_rule(call, each) for each in written]
        elif key in _ADDRESSES:
            lists[key] = [address(each) for each in written]
        else:
            raise invalid(f"invalid property '{key}' for '{_KIND}'")
    return lists, comment


def _rule(call: Call, written: str) -> list[str]:
    path = call.session.resolve(parts_of(written))
    rule = call.account.catalog.get("NETWORK RULE", path)
    if rule.properties["mode"] not in {"INGRESS", "INTERNAL_STAGE"}:
        raise invalid(f"network rule {path} must have MODE = INGRESS or INTERNAL_STAGE")
    return list(path)


def address(written: str) -> str:
    """Return an IPv4 address or range as it was written.

    Raises:
        SnowflakeError: it is none.
    """
    try:
        ipaddress.IPv4Network(written, strict=False)
    except ValueError:
        raise invalid(f"invalid IP address '{written}'") from None
    return written


def create(call: Call) -> ResultSet:
    """Create a policy."""
    path = Path("", "", call.reader.name()[0])
    lists, comment = _read(call)
    if call.or_replace:
        _unattached(call, path, "replaced")
    made = call.account.catalog.create(
        Entry(
            kind=_KIND,
            path=path,
            owner=call.session.role,
            created_on=call.account.clock.now(),
            comment=str(comment or ""),
            properties=lists,
        ),
        replace=call.or_replace,
        if_absent=call.if_not_exists,
    )
    word = "successfully created" if made else "already exists, statement succeeded"
    return status(f"Network policy {path.name} {word}.")


def alter(call: Call) -> ResultSet:
    """Set lists or comment, add a rule to a list, or take one away."""
    reader, catalog = call.reader, call.account.catalog
    path = Path("", "", reader.name()[0])
    entry = catalog.find(_KIND, path)
    if entry is None:
        if call.if_exists:
            return done()
        raise not_found(_KIND, path.name)
    if reader.accept("UNSET", "COMMENT"):
        reader.end()
        catalog.update(replace(entry, comment=""))
        return done()
    adds, removes = reader.accept("ADD"), reader.accept("REMOVE")
    if not adds and not removes:
        reader.expect("SET")
    lists, comment = _read(call)
    if adds or removes:
        if set(lists) - set(_RULES) or comment is not None:
            raise invalid("only network rules are added or removed")
        for key, given in lists.items():
            kept = [each for each in entry.properties.get(key, []) if each not in given]
            lists[key] = kept + (given if adds else [])
    changed = {**entry.properties, **lists}
    if call.session.user in admission.holders(call.account, _KIND, path):
        not_oneself(call.account, call.session, path.name, changed)
    text = entry.comment if comment is None else str(comment)
    catalog.update(replace(entry, comment=text, properties=changed))
    return done()


def not_oneself(account: Account, session: Session, name: str, policy: dict[str, Any]) -> None:
    """Refuse a policy that would shut out whoever sets it."""
    here = str(session.facts.get("address", "127.0.0.1"))
    if not admission.admits(account, policy, here):
        raise invalid(
            f"Network policy {name} cannot be activated. Requestor IP address/Token, {here}, must "
            "be included in the allowed_ip_list or allowed network rules."
        )


def _unattached(call: Call, path: Path, done_to_it: str) -> None:
    if held := admission.holders(call.account, _KIND, path):
        raise invalid(
            f"Network policy {path.name} cannot be {done_to_it}: it is attached to "
            f"{', '.join(held)}."
        )


def drop(call: Call) -> ResultSet:
    """Drop a policy that nobody has."""
    path = Path("", "", call.reader.name()[0])
    call.reader.end()
    _unattached(call, path, "dropped")
    if not call.account.catalog.drop(_KIND, path):
        if call.if_exists:
            return status(f"Drop statement executed successfully ({path.name} already dropped).")
        raise not_found(_KIND, path.name)
    return status(f"{path.name} successfully dropped.")


def _account_entry(account: Account) -> Entry:
    path = Path("", "", account.name)
    found = account.catalog.find("ACCOUNT", path)
    if found is None:
        found = Entry(
            kind="ACCOUNT", path=path, owner="ACCOUNTADMIN", created_on=account.clock.now()
        )
        account.catalog.create(found)
    return found


def alter_account(call: Call) -> ResultSet:
    """Set the network policy of the account; nothing else of it is known here."""
    account = call.account
    _administrator(call)
    found = call.reader.properties()
    if set(found) != {"NETWORK_POLICY"}:
        odd = min(set(found) - {"NETWORK_POLICY"}, default="NETWORK_POLICY")
        raise invalid(f"invalid property '{odd}' for 'ACCOUNT'")
    name = fold(str(found["NETWORK_POLICY"]))
    policy = account.catalog.get(_KIND, Path("", "", name))
    not_oneself(account, call.session, name, policy.properties)
    account.catalog.update(_account_entry(account).with_properties(NETWORK_POLICY=name))
    return done()


def unset_account(call: Call) -> ResultSet:
    """Unset the network policy of the account."""
    _administrator(call)
    call.reader.expect("NETWORK_POLICY")
    call.reader.end()
    entry = _account_entry(call.account)
    left = {key: value for key, value in entry.properties.items() if key != "NETWORK_POLICY"}
    call.account.catalog.update(replace(entry, properties=left))
    return done()


def _administrator(call: Call) -> None:
    call.account.access.require(call.session, "ATTACH POLICY", "ACCOUNT", Path("", "", ""))


def show(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the policies that the role may see."""
    for entry in call.account.catalog.all(_KIND):
        if not call.account.access.sees(call.session, _KIND, entry.path):
            continue
        sizes = {f"entries_in_{k.lower()}": len(entry.properties.get(k, [])) for k in _ADDRESSES}
        yield {
            "created_on": entry.created_on,
            "name": entry.name,
            "comment": entry.comment,
            **sizes,
            "entries_in_allowed_network_rules": len(entry.properties.get(_RULES[0], [])),
            "entries_in_blocked_network_rules": len(entry.properties.get(_RULES[1], [])),
        }


def describe(call: Call, parts: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    """Yield the lists that a policy has: addresses by commas, rules as JSON."""
    entry = call.account.catalog.get(_KIND, Path("", "", parts[0]))
    for key in (*_RULES, *_ADDRESSES):
        if not (held := entry.properties.get(key)):
            continue
        rules = [{"fullyQualifiedRuleName": ".".join(path)} for path in held]
        yield {"name": key, "value": json.dumps(rules) if key in _RULES else ",".join(held)}
