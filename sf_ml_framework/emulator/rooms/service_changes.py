"""What changes a service that stands: SET, UNSET, another specification, RESUME; its roles.

Source: Snowflake, "ALTER SERVICE", "SHOW ROLES IN SERVICE", "Managing service-related privileges"
(a service runs with its owner's role; ALL_ENDPOINTS_USAGE is its default service role).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..names import Path
from ..registry import Call
from ..results import ResultSet, rows
from ..services import statement
from ..services.checks import Launch, check
from ..services.imaging import stored_runner
from ..services.running import Services
from ..services.spec import parse

if TYPE_CHECKING:
    from ..account import Account
    from ..catalog import Entry
    from ..session import Session

_ROLES = ["created_on timestamp_ltz", "name", "comment"]


def install(account: Account) -> None:
    """Register the statement."""
    account.statement("SHOW ROLES IN SERVICE", roles, reads=True)


def roles(call: Call) -> ResultSet:
    """Return a service's roles: the one that every service has."""
    entry = call.account.catalog.get("SERVICE", call.session.resolve(call.reader.name()))
    call.reader.end()
    return rows(_ROLES, [(entry.created_on, "ALL_ENDPOINTS_USAGE", None)])


def change(call: Call, entry: Entry) -> None:
    """Run the rest of ``ALTER SERVICE name SET|UNSET|FROM ..``."""
    reader = call.reader
    if reader.accept("FROM"):
        relaunch(call.account, entry.with_properties(spec=statement.specification(call).text))
        return
    if reader.accept("SET"):
        given = statement.changes(call)
    elif reader.accept("UNSET"):
        given = dict.fromkeys(statement.unset(call))
    else:
        reader.fail()
    _set(call.account, entry, given)


def _set(account: Account, entry: Entry, given: dict[str, Any]) -> None:
    """Store what is *given*, None for the default, and start anew what runs by it."""
    found = dict(entry.properties)
    settings = {**found.get("settings", {}), **given}
    kept = {k: v for k, v in settings.items() if k in statement.SETTINGS and v is not None}
    before = (found["replicas"], found["warehouse"], found["integrations"])
    if set(given) & {"MIN_INSTANCES", "MAX_INSTANCES"}:
        found["replicas"] = statement.instances(kept)
    if "QUERY_WAREHOUSE" in given:
        found["warehouse"] = given["QUERY_WAREHOUSE"]
    if "EXTERNAL_ACCESS_INTEGRATIONS" in given:
        found["integrations"] = given["EXTERNAL_ACCESS_INTEGRATIONS"] or []
    comment = entry.comment if "COMMENT" not in given else str(given["COMMENT"] or "")
    changed = replace(entry, comment=comment, properties={**found, "settings": kept})
    after = (found["replicas"], found["warehouse"], found["integrations"])
    if after != before and account.part(Services).of(entry.path) is not None:
        relaunch(account, changed)
    else:
        account.catalog.update(changed)


def relaunch(account: Account, entry: Entry) -> None:
    """Start a service again as *entry* describes it, with its owner's role and grants.

    Raises:
        SnowflakeError: the owner's role may not, or something does not fit; the service stays as it
            was then.
    """
    services, found = account.part(Services), entry.properties
    launch = Launch(
        path=entry.path,
        pool=found["pool"],
        spec=parse(found["spec"]),
        job=False,
        replicas=found["replicas"],
        warehouse=found["warehouse"],
        integrations=tuple(found["integrations"]),
        comment=entry.comment,
        settings=found.get("settings", {}),
        runners={k: stored_runner(v) for k, v in found.get("runners", {}).items()},
        kept=found.get("kept", {}),
    )
    owner = account.internal_session(
        role=entry.owner, database=entry.path.database, schema=entry.path.schema
    )
    try:
        _allowed(account, owner, launch)
        live = services.of(entry.path)
        if live is not None:
            services.stop(live, "SUSPENDED")
            live.done.wait(services.grace_seconds + 5)
        with account.catalog.transaction():
            given = _given(account, entry.path)
            services.records.drop(entry.path)
            services.launch(owner, launch)
            for table, row in given:
                marks = ", ".join("?" * len(row))
                account.catalog.execute(f"insert or ignore into {table} values ({marks})", row)
    finally:
        account.close_session(owner)


def _allowed(account: Account, owner: Session, launch: Launch) -> None:
    """Refuse what the owner's role may not use any more. Source: "CREATE SERVICE", privileges."""
    account.require(owner, "USAGE", "COMPUTE POOL", Path("", "", launch.pool))
    if launch.warehouse:
        account.require(owner, "USAGE", "WAREHOUSE", Path("", "", launch.warehouse))
    for name in launch.integrations:
        account.require(owner, "USAGE", "INTEGRATION", Path("", "", name))
    check(account, owner, launch)


def _given(account: Account, path: Path) -> list[tuple[str, tuple[Any, ...]]]:
    """Return the grants on a service and its tags, which go when its entry goes."""
    kept = {
        "grants": "select * from grants where on_kind = 'SERVICE' and on_name = ?",
        "tag_references": "select * from tag_references where kind = 'SERVICE' and object = ?",
    }
    return [
        (table, row)
        for table, sql in kept.items()
        for row in account.catalog.execute(sql, (str(path),))
    ]
