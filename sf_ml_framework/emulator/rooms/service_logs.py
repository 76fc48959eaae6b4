"""Persistent logs and events of services: SPCS_GET_LOGS, SPCS_GET_EVENTS and the event table.

Source: Snowflake, "SPCS_GET_LOGS", "SPCS_GET_EVENTS", "Event table columns"; the attributes' names
are those of "Monitoring services" and of snowflake-ml's ``job.py``. The event table is
``SNOWFLAKE.TELEMETRY.EVENTS``; nothing else writes into it here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ..faults import invalid, not_found
from ..names import Path, parts_of
from ..results import ResultSet, rows
from ..services.processes import Line
from ..services.running import Services

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

_LOGS = ["TIMESTAMP timestamp_ltz", "INSTANCE_ID fixed", "CONTAINER_NAME", "LOG"]
_LOGS += ["RECORD_ATTRIBUTES object"]
_EVENTS = ["TIMESTAMP timestamp_ltz", "INSTANCE_ID fixed", "CONTAINER_NAME", "NAME", "STATUS"]
_EVENTS += ["MESSAGE"]
_TABLE = ["TIMESTAMP timestamp_ntz", "START_TIMESTAMP timestamp_ntz"]
_TABLE += ["OBSERVED_TIMESTAMP timestamp_ntz", "TRACE object", "RESOURCE object"]
_TABLE += ["RESOURCE_ATTRIBUTES object", "SCOPE object", "SCOPE_ATTRIBUTES object", "RECORD_TYPE"]
_TABLE += ["RECORD object", "RECORD_ATTRIBUTES object", "VALUE variant", "EXEMPLARS array"]


def install(account: Account) -> None:
    """Register the functions and the event table; this room stands before ``functions``."""
    account.rewrite(methods)
    account.table_function("SPCS_GET_LOGS", lambda s, args, named: logs(account, s, args, named))
    account.table_function(
        "SPCS_GET_EVENTS", lambda s, args, named: events(account, s, args, named)
    )
    account.view("SNOWFLAKE.TELEMETRY.EVENTS", lambda s, database: table(account))


def methods(session: Session, tree: exp.Expr) -> exp.Expr:
    """Write ``TABLE(service!SPCS_GET_LOGS(..))`` as a function of the service's name."""
    for node in list(tree.find_all(exp.TableFromRows)):
        inner = node.this
        if not isinstance(inner, exp.ModelAttribute) or not isinstance(
            inner.expression, exp.Anonymous
        ):
            continue
        name = str(inner.expression.this).upper()
        if name in {"SPCS_GET_LOGS", "SPCS_GET_EVENTS"}:
            service = exp.Literal.string(inner.this.sql(dialect="snowflake"))
            given = [service, *inner.expression.expressions]
            node.set("this", exp.Anonymous(this=name, expressions=given))
    return tree


@dataclass(frozen=True, slots=True)
class _Service:
    id: int
    path: Path
    pool: str
    level: str
    query: str
    owner: str


def _known(account: Account, where: str, values: tuple[Any, ...]) -> list[_Service]:
    found = account.catalog.execute(
        "select id, database, schema, name, pool, log_level, query_id, owner "
        f"from service_history where {where} order by id",
        values,
    )
    return [_Service(r[0], Path(r[1], r[2], r[3]), r[4], r[5], r[6], r[7]) for r in found]


def _asked(
    account: Account, session: Session, args: list[Any], named: dict[str, Any]
) -> tuple[_Service, datetime, datetime]:
    if unknown := set(named) - {"START_TIME", "END_TIME"}:
        raise invalid(f"invalid argument '{min(unknown)}'")
    if len(args) != 1:
        raise invalid("the function takes named arguments alone")
    path = session.resolve(parts_of(str(args[0])))
    found = _known(account, "database = ? and schema = ? and name = ?", tuple(path))
    if not found:
        raise not_found("SERVICE", str(path))
    now = account.clock.now()
    start = named.get("START_TIME") or now - timedelta(days=1)
    end = named.get("END_TIME") or now + timedelta(seconds=1)
    return found[-1], _aware(start, now), _aware(end, now)


def _aware(given: Any, now: datetime) -> datetime:
    try:
        found = given if isinstance(given, datetime) else datetime.fromisoformat(str(given))
    except ValueError:
        raise invalid(f"Timestamp '{given}' is not recognized") from None
    return found if found.tzinfo else found.replace(tzinfo=now.tzinfo)


def _lines(account: Account, service: _Service) -> Iterator[tuple[int, str, Line]]:
    """Yield what the event table has: nothing with NONE, standard error alone with ERROR."""
    if service.level == "NONE":
        return
    services = account.part(Services)
    for file in sorted(services.folder(service.id).glob("*/*.jsonl")):
        instance = int(file.parent.name)
        for line in services.log(service.id, instance, file.stem).lines():
            if service.level == "INFO" or line.stream == "stderr":
                yield instance, file.stem, line


def logs(account: Account, session: Session, args: list[Any], named: dict[str, Any]) -> ResultSet:
    """Return a service's lines, oldest first."""
    service, start, end = _asked(account, session, args, named)
    found = [
        (line.at, instance, container, line.text, json.dumps({"log.iostream": line.stream}))
        for instance, container, line in _lines(account, service)
        if start <= line.at <= end
    ]
    return rows(_LOGS, sorted(found, key=lambda row: row[0]))


def events(account: Account, session: Session, args: list[Any], named: dict[str, Any]) -> ResultSet:
    """Return a service's changes of status, oldest first."""
    service, start, end = _asked(account, session, args, named)
    found = account.catalog.execute(
        "select at, instance, container, name, status, message from service_events "
        "where service = ? order by id",
        (service.id,),
    )
    values = [(datetime.fromisoformat(row[0]), *row[1:]) for row in found]
    return rows(_EVENTS, [row for row in values if start <= row[0] <= end])


def _attributes(service: _Service, instance: Any, container: str | None) -> str:
    found: dict[str, Any] = {
        "snow.service.name": service.path.name,
        "snow.service.type": "JOB",
        "snow.database.name": service.path.database,
        "snow.schema.name": service.path.schema,
        "snow.compute_pool.name": service.pool,
        "snow.query.id": service.query,
        "snow.account.name": "",
    }
    if container is not None:
        found |= {
            "snow.service.container.name": container,
            "snow.service.container.instance": str(instance),
            "snow.service.instance": str(instance),
        }
    return json.dumps(found)


def _structured(line: Line) -> tuple[str, str, str]:
    """Return severity, attributes and value: a line of JSON with a ``body`` is a record."""
    severity = "INFO" if line.stream == "stdout" else "ERROR"
    attributes: dict[str, Any] = {"log.iostream": line.stream}
    if line.text.startswith("{"):
        try:
            found = json.loads(line.text)
        except ValueError:
            found = None
        if isinstance(found, dict) and "body" in found:
            attributes |= found.get("attributes") or {}
            severity = str(found.get("severity_text") or severity)
            return severity, json.dumps(attributes), json.dumps(found["body"])
    return severity, json.dumps(attributes), json.dumps(line.text)


def table(account: Account) -> ResultSet:
    """Return the event table: a row for each line and each change of status."""
    values = []
    for service in _known(account, "1 = 1", ()):
        for instance, container, line in _lines(account, service):
            severity, attributes, value = _structured(line)
            at = line.at.replace(tzinfo=None)
            resource = _attributes(service, instance, container)
            record = json.dumps({"severity_text": severity})
            values.append(
                (at, None, at, None, None, resource, None, None, "LOG", record, attributes, value)
            )
        values += _event_rows(account, service)
    return rows(_TABLE, [(*row, None) for row in sorted(values, key=lambda row: row[0])])


def _event_rows(account: Account, service: _Service) -> list[tuple[Any, ...]]:
    found = account.catalog.execute(
        "select at, instance, container, name, status, message from service_events "
        "where service = ? order by id",
        (service.id,),
    )
    made = []
    for at, instance, container, name, status, message in found:
        moment = datetime.fromisoformat(at).replace(tzinfo=None)
        value = json.dumps({"status": status, "message": message})
        record = json.dumps({"name": name, "severity_text": "INFO"})
        resource = _attributes(service, instance, container)
        scope = json.dumps({"name": "snow.spcs.platform"})
        made.append(
            (moment, None, moment, None, None, resource, scope, None, "EVENT", record, "{}", value)
        )
    return made
