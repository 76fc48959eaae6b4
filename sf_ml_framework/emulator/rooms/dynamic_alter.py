"""ALTER DYNAMIC TABLE.

Source: Snowflake, "ALTER DYNAMIC TABLE", "Suspend or resume dynamic tables"; the forms that
snowflake-ml's ``feature_store.py`` sends.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..catalog import Entry
from ..dynamic.definition import lag, warehouse
from ..dynamic.refresh import KIND, Refresher, statistics
from ..faults import SnowflakeError, already_exists, invalid, not_found
from ..names import Path, always_quoted
from ..registry import Call
from ..results import ResultSet, done, rows, status
from . import tags

if TYPE_CHECKING:
    from ..account import Account

_UNSET = {
    "COMMENT": "",
    "INITIALIZATION_WAREHOUSE": "",
    "DATA_RETENTION_TIME_IN_DAYS": None,
    "MAX_DATA_EXTENSION_TIME_IN_DAYS": None,
}


def install(account: Account) -> None:
    """Register the statement."""
    account.statement("ALTER DYNAMIC TABLE [IF EXISTS]", alter)


def alter(call: Call) -> ResultSet | None:
    """Do one thing to a dynamic table."""
    reader, catalog = call.reader, call.account.catalog
    path = call.session.resolve(reader.name(), "ALTER DYNAMIC TABLE")
    entry = catalog.find(KIND, path)
    if entry is None:
        if call.if_exists:
            return status("ALTER DYNAMIC TABLE statement executed successfully.")
        raise not_found(KIND, str(path))
    if reader.accept("REFRESH"):
        reader.accept("COPY", "SESSION")
        reader.end()
        return refresh(call, entry)
    if reader.peek().word in {"SUSPEND", "RESUME"} and reader.peek(1).word != "RECLUSTER":
        word = reader.next().word
        reader.end()
        _state(call, entry, word)
    elif tags.altered(call, "TABLE", path):
        return done()
    elif reader.accept("SET"):
        _set(call, entry)
    elif reader.accept("UNSET"):
        _unset(call, entry)
    elif reader.accept("RENAME", "TO"):
        new = call.session.resolve(reader.name())
        reader.end()
        _rename(call, entry, new)
    elif reader.accept("CLUSTER", "BY"):
        _cluster(call, entry, f"LINEAR({reader.bracketed()})")
    elif reader.accept("DROP", "CLUSTERING", "KEY"):
        _cluster(call, entry, "")
    elif reader.accept("SWAP", "WITH"):
        other = call.session.resolve(reader.name())
        reader.end()
        _swap(call, entry, catalog.get(KIND, other))
    else:
        _column_comment(call, entry)
    return done()


def refresh(call: Call, entry: Entry) -> ResultSet:
    """Refresh by hand, upstream first; suspended tables too."""
    now = call.account.clock.now()
    change = call.account.part(Refresher).refresh(entry, trigger="MANUAL", at=now)
    text = "No new data" if change.action == "NO_DATA" else statistics(change)
    return rows(["statistics", "data_timestamp timestamp_ltz"], [(text, now)])


def _state(call: Call, entry: Entry, word: str) -> None:
    refresher = call.account.part(Refresher)
    if word == "SUSPEND":
        refresher.suspend(entry, "USER_SUSPENDED")
        return
    for upper in refresher.upstream(entry):
        if upper.properties["state"] != "ACTIVE":
            raise SnowflakeError(
                f"Dynamic Table '{entry.name}' cannot be resumed: upstream Dynamic Table "
                f"'{upper.name}' is suspended.",
                number=1008,
                state="22023",
            )
    refresher.resume(entry)


def _set(call: Call, entry: Entry) -> None:
    found = call.reader.properties()
    changed: dict[str, Any] = {}
    comment = str(found.pop("COMMENT", entry.comment))
    for key, value in found.items():
        if key == "TARGET_LAG":
            changed["target_lag"] = lag(str(value), entry.name)
        elif key in {"WAREHOUSE", "INITIALIZATION_WAREHOUSE"}:
            changed[key.lower()] = warehouse(call, value, entry.name)
        elif key == "SCHEDULER":
            changed["scheduler"] = str(value).upper()
        elif key in _UNSET or key == "CHANGE_TRACKING":
            changed[key] = value
        else:
            raise invalid(f"invalid property '{key}' for 'DYNAMIC TABLE'")
    call.account.catalog.update(replace(entry.with_properties(**changed), comment=comment))


def _unset(call: Call, entry: Entry) -> None:
    while not call.reader.done:
        key = call.reader.next().text.upper()
        if key not in _UNSET:
            raise invalid(f"invalid property '{key}' for 'DYNAMIC TABLE'")
        if key == "COMMENT":
            entry = replace(entry, comment="")
        else:
            entry = entry.with_properties(**{key.lower(): _UNSET[key]})
        call.reader.accept(",")
    call.account.catalog.update(entry)


def _rename(call: Call, entry: Entry, new: Path) -> None:
    if new[:2] != entry.path[:2]:
        raise invalid("Moving a dynamic table to another schema is not known to this emulator.")
    catalog = call.account.catalog
    if catalog.find(KIND, new) or catalog.find("TABLE", new) or catalog.find("VIEW", new):
        raise already_exists(new.name)
    _move(call, entry.path, new)
    catalog.rename(KIND, entry.path, new)
    catalog.follow("TABLE", entry.path, new)


def _move(call: Call, path: Path, new: Path) -> None:
    call.account.router.commit(call.session)
    table = ".".join(always_quoted(part) for part in path)
    call.session.connection.raw(f"alter table {table} rename to {always_quoted(new.name)}")


def _swap(call: Call, entry: Entry, other: Entry) -> None:
    if entry.path[:2] != other.path[:2]:
        raise invalid("Swapping with another schema is not known to this emulator.")
    between = entry.path._replace(name=f"{entry.name}$SWAP$")
    catalog = call.account.catalog
    for old, new in ((entry.path, between), (other.path, entry.path), (between, other.path)):
        _move(call, old, new)
        catalog.rename(KIND, old, new)
        catalog.follow("TABLE", old, new)


def _cluster(call: Call, entry: Entry, key: str) -> None:
    call.reader.end()
    call.account.catalog.update(entry.with_properties(cluster_by=key))


def _column_comment(call: Call, entry: Entry) -> None:
    reader = call.reader
    if not (reader.accept("ALTER") or reader.accept("MODIFY")):
        reader.fail()
    reader.accept("COLUMN")
    column = reader.name()[0]
    if tags.altered(call, "TABLE", entry.path, column):
        return
    comments = dict(entry.properties["column_comments"])
    if reader.accept("UNSET", "COMMENT"):
        comments.pop(column, None)
    else:
        reader.expect("COMMENT")
        comments[column] = reader.string()
    reader.end()
    call.account.catalog.update(entry.with_properties(column_comments=comments))
