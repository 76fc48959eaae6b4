"""Services and jobs: EXECUTE JOB SERVICE, CREATE, ALTER and DROP SERVICE, and their methods.

Source: Snowflake, "EXECUTE JOB SERVICE", "CREATE SERVICE", "ALTER SERVICE", "DROP SERVICE",
"SPCS_WAIT_FOR", "SPCS_CANCEL_JOB". What a failed synchronous job answers is not documented: here it
is :data:`JOB_FAILED`, and the message names the containers.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ..faults import SnowflakeError, cancelled, invalid, not_found, timed_out
from ..queries import CURRENT
from ..registry import Call
from ..results import ResultSet, done, rows, status
from ..services.naming import plain
from ..services.records import ENDED
from ..services.running import Live, Services
from ..services.statement import job, service
from . import tags
from .service_changes import change, relaunch
from .showing import gone

if TYPE_CHECKING:
    from ..account import Account
    from ..catalog import Entry
    from ..names import Path

JOB_FAILED = 395017


def install(account: Account) -> None:
    """Register the statements."""
    account.parts[Services] = Services(account)
    account.statement("EXECUTE JOB SERVICE", execute)
    account.statement("CREATE SERVICE [IF NOT EXISTS]", create)
    account.statement("ALTER SERVICE [IF EXISTS]", alter)
    account.statement("DROP SERVICE [IF EXISTS]", drop)
    account.statement("CALL", method)


def execute(call: Call) -> ResultSet:
    """Run a job; without ASYNC wait for its end."""
    launch = job(call)
    services = call.account.part(Services)
    call.account.router.commit(call.session)
    live = services.launch(call.session, launch)
    if launch.asynchronous:
        return status(f"Job {launch.path.name} successfully submitted.")
    finish(call, services, live)
    return status(f"Job {launch.path.name} completed successfully with status: DONE.")


def finish(call: Call, services: Services, live: Live) -> None:
    """Wait for a job that a statement runs, and end it with the statement.

    Raises:
        SnowflakeError: it failed, the statement was cancelled, or timed out; the job ends then.
    """
    query = CURRENT.get()
    seconds = int(call.session.parameters.get("STATEMENT_TIMEOUT_IN_SECONDS") or 172800)
    until = call.account.clock.now() + timedelta(seconds=seconds)
    if query is not None:
        query.on_cancel.append(lambda: services.stop(live))
    if not services.wait(live, until, query.cancel if query else None):
        services.stop(live)
        # What comes next may need what the job holds.
        live.done.wait(services.grace_seconds + 5)
        if query is not None and query.cancel.is_set():
            raise cancelled()
        raise timed_out(seconds)
    entry = services.records.find(live.path, live.id)
    ended = str(entry.properties["status"]) if entry else "DELETED"
    if ended != "DONE":
        detail = _why(entry) if entry else "the job was dropped"
        raise SnowflakeError(
            f"Job {live.path.name} failed with status: {ended}. {detail}",
            number=JOB_FAILED,
            state="P0001",
        )


def _why(entry: Entry) -> str:
    found = [
        f"instance {index}, container {name}: {container['message']}"
        for index, instance in enumerate(entry.properties["instances"])
        for name, container in instance["containers"].items()
        if container["status"] == "FAILED"
    ]
    return "; ".join(found) or str(entry.properties["message"])


def create(call: Call) -> ResultSet:
    """Create a long-running service."""
    launch = service(call)
    if call.account.catalog.find("SERVICE", launch.path) is not None and call.if_not_exists:
        return status(f"{launch.path.name} already exists, statement succeeded.")
    call.account.part(Services).launch(call.session, launch)
    return status(f"Service {launch.path.name} successfully created.")


def alter(call: Call) -> ResultSet:
    """Suspend, resume, tag or comment a service; a job cannot be altered."""
    path = call.session.resolve(plain(call), "ALTER SERVICE")
    entry = call.account.catalog.find("SERVICE", path)
    if entry is None:
        if call.if_exists:
            return done()
        raise not_found("SERVICE", str(path))
    if tags.altered(call, "SERVICE", path):
        return done()
    if entry.properties["job"]:
        raise invalid(f"Job service '{path.name}' cannot be altered.")
    services, reader = call.account.part(Services), call.reader
    live = services.of(path)
    if reader.accept("SUSPEND"):
        if live is not None:
            services.stop(live, "SUSPENDED")
    elif reader.accept("RESUME"):
        if live is not None and live.stopping.is_set():
            live.done.wait(services.grace_seconds + 5)
        if services.of(path) is None:
            relaunch(call.account, entry)
    else:
        change(call, entry)
    reader.end()
    return done()


def drop(call: Call) -> ResultSet:
    """End a service or job and forget it."""
    path = call.session.resolve(plain(call), "DROP SERVICE")
    call.reader.accept("FORCE")
    call.reader.end()
    if call.account.catalog.find("SERVICE", path) is None:
        return gone(call, "SERVICE", path.name, str(path))
    call.account.part(Services).drop(path)
    return status(f"{path.name} successfully dropped.")


def method(call: Call) -> ResultSet | None:
    """Run ``CALL service!SPCS_WAIT_FOR(state, seconds)`` and ``!SPCS_CANCEL_JOB()``."""
    path_parts = call.reader.name()
    if call.reader.peek().text != "!" or not call.reader.peek(1).word.startswith("SPCS_"):
        return None
    call.reader.next()
    name = call.reader.next().word
    arguments = call.reader.value()
    call.reader.end()
    path = call.session.resolve(path_parts)
    call.account.catalog.get("SERVICE", path)
    given = arguments if isinstance(arguments, list) else [arguments]
    wanted = "OPERATE" if name == "SPCS_CANCEL_JOB" else "MONITOR|OPERATE|USAGE"
    call.account.require(call.session, wanted, "SERVICE", path)
    if name == "SPCS_WAIT_FOR":
        return rows([name], [(_wait_for(call, path, given),)])
    if name == "SPCS_CANCEL_JOB":
        return rows([name], [(_cancel(call, path),)])
    raise invalid(f"Unknown method {name} of service {path}")


def _wait_for(call: Call, path: Path, given: list[object]) -> str:
    if len(given) != 2 or not isinstance(given[1], int):
        raise invalid("SPCS_WAIT_FOR takes a status and a number of seconds")
    wanted, seconds = str(given[0]).upper(), given[1]
    query = CURRENT.get()
    until = call.account.clock.now() + timedelta(seconds=seconds)
    pause = query.cancel if query is not None else None
    while True:
        status_now = str(call.account.catalog.get("SERVICE", path).properties["status"])
        if status_now == wanted:
            return f"Service {path.name} reached status {wanted}."
        if status_now in ENDED or call.account.clock.now() >= until:
            raise SnowflakeError(
                f"Service {path.name} did not reach status {wanted} within {seconds} seconds; its "
                f"status is {status_now}.",
                number=395028,
                state="57014",
            )
        if pause is not None and pause.wait(0.05):
            raise cancelled()


def _cancel(call: Call, path: Path) -> str:
    entry = call.account.catalog.get("SERVICE", path)
    if not entry.properties["job"]:
        raise invalid(f"Service {path} is no job.")
    services = call.account.part(Services)
    live = services.of(path)
    if live is None:
        return f"Job {path.name} is not running."
    services.stop(live)
    return f"Job {path.name} is being cancelled."
