"""What is told of services and jobs: SHOW, DESCRIBE, logs, events, the history of jobs.

Source: Snowflake, "SHOW SERVICES", "DESCRIBE SERVICE", "SHOW SERVICE INSTANCES IN SERVICE", "SHOW
SERVICE CONTAINERS IN SERVICE", "SYSTEM$GET_SERVICE_LOGS", "GET_JOB_HISTORY".
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..faults import SnowflakeError, invalid
from ..names import Path, parts_of
from ..registry import Call, Scope
from ..results import ResultSet, rows
from ..services.processes import Line
from ..services.running import Services
from ..services.spec import parse
from ..serving.functions import ports

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..account import Account
    from ..catalog import Entry
    from ..session import Session

LOG_BYTES = 100 * 1024
"""The most that SYSTEM$GET_SERVICE_LOGS returns."""
_HEAD = ["name", "status", "database_name", "schema_name", "owner", "compute_pool"]
_TAIL = ["dns_name", "current_instances fixed", "target_instances fixed"]
_TAIL += ["min_ready_instances fixed", "min_instances fixed", "max_instances fixed", "auto_resume"]
_TAIL += ["external_access_integrations", "created_on timestamp_ltz", "updated_on timestamp_ltz"]
_TAIL += ["resumed_on timestamp_ltz", "suspended_on timestamp_ltz", "auto_suspend_secs fixed"]
_TAIL += ["comment", "owner_role_type", "query_warehouse", "is_job", "is_async_job"]
_TAIL += ["spec_digest", "is_upgrading", "managing_object_domain", "managing_object_name"]
_INSTANCES = ["database_name", "schema_name", "service_name", "service_status", "instance_id"]
_INSTANCES += ["status", "spec_digest", "creation_time", "start_time", "ip_address"]
_CONTAINERS = ["database_name", "schema_name", "service_name", "service_status", "instance_id"]
_CONTAINERS += ["instance_status", "container_name", "status", "message", "image_name"]
_CONTAINERS += ["image_digest", "restart_count fixed", "start_time", "last_exit_code fixed"]
_HISTORY = ["QUERY_ID", "ID fixed", "NAME", "DATABASE_NAME", "SCHEMA_NAME"]
_HISTORY += ["CREATED_TIME timestamp_ltz", "COMPLETED_TIME timestamp_ltz"]
_HISTORY += ["DELETED_TIME timestamp_ltz", "STATUS", "MESSAGE", "INSTANCE_STATUSES object"]
_HISTORY += ["COMPUTE_POOL_NAME", "OWNER", "OWNER_ROLE_TYPE", "PARAMETERS object"]
_HISTORY += ["MANAGING_OBJECT object"]


def install(account: Account) -> None:
    """Register what can be asked."""
    account.show("SERVICES", _HEAD + _TAIL, show)
    account.show("JOB SERVICES", _HEAD + _TAIL, show_jobs)
    account.describe("SERVICE", [*_HEAD, "spec", *_TAIL], describe)
    account.show("SERVICE INSTANCES", _INSTANCES, show_instances)
    account.show("SERVICE CONTAINERS", _CONTAINERS, show_containers)
    endpoints = ["name", "port fixed", "port_range", "protocol", "is_public", "ingress_url"]
    account.show("ENDPOINTS", endpoints, show_endpoints)
    account.function("SYSTEM$GET_SERVICE_LOGS", lambda s, *args: logs(account, s, *args))
    account.function("SYSTEM$GET_SERVICE_STATUS", lambda s, name, *_: old_status(account, s, name))
    account.table_function("GET_JOB_HISTORY", lambda s, args, named: history(account, s, named))


def _entries(call: Call, scope: Scope) -> Iterable[Entry]:
    call.account.part(Services).records.sweep()
    if scope.kind == "COMPUTE POOL":
        for entry in call.account.catalog.all("SERVICE"):
            if entry.properties["pool"] == scope.path.name:
                yield entry
        return
    if scope.kind == "OF TYPE":
        scope = Scope("ACCOUNT", Path("", "", ""))
    yield from call.account.catalog.all("SERVICE", scope.database, scope.schema)


def show(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield services, jobs too unless told otherwise."""
    for entry in _entries(call, scope):
        if not (entry.properties["job"] and "EXCLUDE JOBS" in call.flags):
            yield _row(entry)


def show_jobs(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the jobs."""
    return (_row(entry) for entry in _entries(call, scope) if entry.properties["job"])


def _row(entry: Entry) -> dict[str, Any]:
    found = entry.properties
    running = [one for one in found["instances"] if one["status"] in {"PENDING", "READY"}]
    updated = datetime.fromisoformat(found["updated"])
    integrations = found["integrations"]
    settings = found.get("settings", {})
    host = entry.name.lower().replace("_", "-")
    return {
        "name": entry.name,
        "status": found["status"],
        "database_name": entry.path.database,
        "schema_name": entry.path.schema,
        "owner": entry.owner,
        "compute_pool": found["pool"],
        "spec": found["spec"],
        "dns_name": f"{host}.{found.get('id', 0):04d}.svc.spcs.internal",
        "current_instances": len(running),
        "target_instances": found["replicas"],
        "min_ready_instances": settings.get("MIN_READY_INSTANCES", found["replicas"]),
        "min_instances": found["replicas"],
        "max_instances": settings.get("MAX_INSTANCES", found["replicas"]),
        "auto_resume": str(settings.get("AUTO_RESUME", not found["job"])).lower(),
        "external_access_integrations": json.dumps(integrations) if integrations else None,
        "created_on": entry.created_on,
        "updated_on": updated,
        "suspended_on": updated if found["status"] == "SUSPENDED" else None,
        "auto_suspend_secs": settings.get("AUTO_SUSPEND_SECS", 0),
        "comment": entry.comment or None,
        "owner_role_type": "ROLE",
        "query_warehouse": found["warehouse"],
        "is_job": str(bool(found["job"])).lower(),
        "is_async_job": str(bool(found["async"])).lower(),
        "spec_digest": found["digest"],
        "is_upgrading": "false",
    }


def describe(call: Call, parts: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    """Yield a service's row; the specification is for its owner's role alone."""
    entry = call.account.catalog.get("SERVICE", call.session.resolve(parts))
    row = _row(entry)
    if call.session.role not in {entry.owner, "ACCOUNTADMIN"}:
        row["spec"] = None
    yield row


def _service(call: Call, scope: Scope) -> Entry:
    if scope.kind != "SERVICE":
        raise invalid("IN SERVICE <name> is required")
    return call.account.catalog.get("SERVICE", scope.path)


def _common(entry: Entry, index: int) -> dict[str, Any]:
    return {
        "database_name": entry.path.database,
        "schema_name": entry.path.schema,
        "service_name": entry.name,
        "service_status": entry.properties["status"],
        "instance_id": str(index),
    }


def show_instances(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the instances of ``IN SERVICE``."""
    entry = _service(call, scope)
    for index, instance in enumerate(entry.properties["instances"]):
        started = [c["started"] for c in instance["containers"].values() if c.get("started")]
        yield {
            **_common(entry, index),
            "status": instance["status"],
            "spec_digest": entry.properties["digest"],
            "creation_time": entry.created_on.isoformat(),
            "start_time": min(started, default=None),
            "ip_address": "127.0.0.1",
        }


def show_containers(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the containers of ``IN SERVICE``."""
    entry = _service(call, scope)
    for index, instance in enumerate(entry.properties["instances"]):
        for name, container in instance["containers"].items():
            yield {
                **_common(entry, index),
                "instance_status": instance["status"],
                "container_name": name,
                "status": container["status"],
                "message": container["message"],
                "image_name": container["image"],
                "image_digest": container["digest"],
                "restart_count": container["restarts"],
                "start_time": container.get("started"),
                "last_exit_code": container.get("exit_code"),
            }


def show_endpoints(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the endpoints of ``IN SERVICE``."""
    entry = _service(call, scope)
    live = call.account.part(Services).of(entry.path)
    # A model's service listens on a port of this machine.
    served = ports(live) if live is not None and entry.properties.get("kept") else []
    for one in parse(entry.properties["spec"]).endpoints:
        yield {
            "name": one["name"],
            "port": one.get("port"),
            "port_range": one.get("portRange"),
            "protocol": one.get("protocol", "HTTP"),
            "is_public": str(bool(one.get("public"))).lower(),
            "ingress_url": f"127.0.0.1:{served[0]}" if served and one.get("public") else None,
        }


def logs(account: Account, session: Session, *given: Any) -> str:
    """Return the end of a container's log: name, instance, container[, lines ..]."""
    if not 3 <= len(given) <= 7:
        raise invalid("SYSTEM$GET_SERVICE_LOGS takes a service, an instance, a container, lines")
    name, instance, container = str(given[0]), str(given[1]), str(given[2])
    entry = account.catalog.get("SERVICE", session.resolve(parts_of(name)))
    account.require(session, "MONITOR", "SERVICE", entry.path)
    instances = entry.properties["instances"]
    known = instance.isdigit() and int(instance) < len(instances)
    if not known or container not in instances[int(instance)]["containers"]:
        raise invalid(f"Container '{container}' of instance '{instance}' of {name} does not exist.")
    found = instances[int(instance)]["containers"][container]
    if found["status"] == "PENDING":
        raise SnowflakeError(
            f"Logs are not available. Container Status: PENDING, Message: {found['message']}",
            number=395027,
            state="22023",
        )
    log = account.part(Services).log(entry.properties["id"], int(instance), container)
    lines = _chosen(list(log.lines()), *given[3:])
    text = "\n".join(lines)
    return text.encode()[-LOG_BYTES:].decode("utf-8", "ignore")


def _number(value: Any, name: str) -> int:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise invalid(f"invalid value '{value}' for {name}") from None


def _chosen(
    told: list[Line], count: Any = None, before: Any = False, since: Any = "", timed: Any = False
) -> list[str]:
    """Return the last *count* lines since a time, with their times where that is asked."""
    if before:
        raise invalid("the log of a container's run before the last restart is not kept here")
    if since:
        try:
            start = datetime.fromisoformat(str(since))
        except ValueError:
            raise invalid(f"Timestamp '{since}' is not recognized") from None
        start = start if start.tzinfo else start.replace(tzinfo=UTC)
        told = [line for line in told if line.at >= start]
    lines = [f"{line.at.isoformat()} {line.text}" if timed else line.text for line in told]
    return lines if count is None else lines[-max(_number(count, "lines"), 0) or len(lines) :]


def old_status(account: Account, session: Session, name: Any) -> str:
    """Return the deprecated JSON list of container states."""
    entry = account.catalog.get("SERVICE", session.resolve(parts_of(str(name))))
    return json.dumps(
        [
            {
                "status": container["status"],
                "message": container["message"],
                "containerName": name,
                "instanceId": str(index),
                "serviceName": entry.name,
                "image": container["image"],
                "restartCount": container["restarts"],
                "startTime": container.get("started") or "",
            }
            for index, instance in enumerate(entry.properties["instances"])
            for name, container in instance["containers"].items()
        ]
    )


def history(account: Account, session: Session, named: dict[str, Any]) -> ResultSet:
    """Return the jobs of the session's role, newest first."""
    if unknown := set(named) - {"CREATED_TIME_START", "CREATED_TIME_END", "RESULT_LIMIT"}:
        raise invalid(f"invalid argument '{min(unknown)}' for GET_JOB_HISTORY")
    limit = _number(named.get("RESULT_LIMIT", 100), "RESULT_LIMIT")
    if not 1 <= limit <= 10000:
        raise invalid("RESULT_LIMIT must be from 1 to 10000")
    now = account.clock.now()
    start = _moment(named.get("CREATED_TIME_START"), now - timedelta(days=14))
    end = _moment(named.get("CREATED_TIME_END"), now + timedelta(seconds=1))
    found = account.catalog.execute(
        "select query_id, id, name, database, schema, created, completed, deleted, status, message,"
        " instances, pool, owner, parameters from service_history where job = 1 and created >= ? "
        "and created <= ? and (owner = ? or ? = 'ACCOUNTADMIN') order by id desc limit ?",
        (start.isoformat(), end.isoformat(), session.role, session.role, limit),
    )
    values = [
        (*row[:5], *(_time(t) for t in row[5:8]), *row[8:13], "ROLE", row[13], None)
        for row in found
    ]
    return rows(_HISTORY, values)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _moment(given: Any, default: datetime) -> datetime:
    if given is None:
        return default
    try:
        found = given if isinstance(given, datetime) else datetime.fromisoformat(str(given))
    except ValueError:
        raise invalid(f"Timestamp '{given}' is not recognized") from None
    return found if found.tzinfo else found.replace(tzinfo=default.tzinfo)
