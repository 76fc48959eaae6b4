"""What the Feature Store asks for beside tables, tags and datasets; most of it is empty here.

Online feature tables and Iceberg tables are not emulated: none ever stands, and to make one fails.

Source: the statements of snowflake-ml's ``feature_store.py`` and ``dataset.py``; Snowflake, "SHOW
ONLINE FEATURE TABLES", "SHOW VERSIONS IN DATASET".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..registry import Call, Scope
from ..results import SHOW, ResultSet, make_column, rows
from . import datasets
from .showing import gone, like

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ..account import Account
    from ..names import Path

    Versions = Callable[[Account, Path], Iterable[dict[str, Any]]]

_ONLINE = ["created_on timestamp_ltz", "name", "database_name", "schema_name", "target_lag"]
_ONLINE += ["refresh_mode", "scheduling_state", "warehouse", "comment", "owner"]
_ICEBERG = ["created_on timestamp_ltz", "name", "database_name", "schema_name", "owner"]
_ICEBERG += ["external_volume_name", "catalog_name", "base_location", "comment"]


class VersionLists:
    """How ``SHOW VERSIONS IN <kind>`` is answered, by kind; other rooms add theirs."""

    def __init__(self) -> None:
        self.kinds: dict[str, tuple[Sequence[str], Versions]] = {}


def install(account: Account) -> None:
    """Register the statements."""
    lists = VersionLists()
    lists.kinds["DATASET"] = (datasets.VERSIONS, datasets.versions)
    account.parts[VersionLists] = lists
    account.show("ONLINE FEATURE TABLES", _ONLINE, nothing)
    account.show("ICEBERG TABLES", _ICEBERG, nothing)
    account.statement("DROP ONLINE FEATURE TABLE [IF EXISTS]", drop_online)
    account.statement("SHOW VERSIONS", show_versions, reads=True)


def nothing(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield no rows."""
    return ()


def drop_online(call: Call) -> ResultSet:
    """Answer that there is no such table."""
    path = call.session.resolve(call.reader.name(), "DROP ONLINE FEATURE TABLE")
    call.reader.end()
    return gone(call, "ONLINE FEATURE TABLE", path.name, str(path))


def show_versions(call: Call) -> ResultSet:
    """Run ``SHOW VERSIONS [LIKE ..] IN DATASET|MODEL name``."""
    reader, lists = call.reader, call.account.part(VersionLists)
    wanted = like(reader.string()) if reader.accept("LIKE") else like("%")
    reader.expect("IN")
    kind = reader.peek().word
    if kind not in lists.kinds:
        reader.fail()
    reader.next()
    path = call.session.resolve(reader.name(), "SHOW VERSIONS")
    if reader.accept("LIKE"):
        wanted = like(reader.string())
    limit = reader.integer() if reader.accept("LIMIT") else None
    reader.end()
    columns, provide = lists.kinds[kind]
    made = [make_column(column) for column in columns]
    found = [row for row in provide(call.account, path) if wanted.fullmatch(str(row["name"]))]
    return rows(made, [[row.get(c.name) for c in made] for row in found[:limit]], SHOW)
