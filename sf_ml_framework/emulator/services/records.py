"""What is kept of services and jobs: the catalogue's entries, and the history of jobs.

Source: Snowflake, "GET_JOB_HISTORY", "EXECUTE JOB SERVICE" (a job's metadata stays for up to 30
days), "Service statuses".
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..catalog import Entry
from ..names import Path
from ..queries import CURRENT
from .checks import Found, Launch
from .processes import end_orphan

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

KEPT = timedelta(days=30)
ENDED = {"DONE", "FAILED", "CANCELLED", "DELETED", "INTERNAL_ERROR"}
_TABLE = """
create table if not exists service_history (
    id integer primary key autoincrement, query_id text not null, job integer not null,
    name text not null, database text not null, schema text not null, created text not null,
    completed text, deleted text, status text not null, message text not null,
    instances text not null, pool text not null, owner text not null, parameters text not null,
    log_level text not null default 'INFO');
create table if not exists service_events (
    id integer primary key autoincrement, at text not null, service integer not null,
    instance integer, container text, name text not null, status text not null,
    message text not null);
"""


class Records:
    """Reads and writes what is kept; every change is one step, and no other comes between."""

    def __init__(self, account: Account) -> None:
        self._account = account
        account.catalog.table(_TABLE)

    def create(self, session: Session, launch: Launch, found: Found) -> Entry:
        """Store a new service.

        Raises:
            SnowflakeError: 002002, the name is taken.
        """
        now = self._account.clock.now()
        with self._account.catalog.transaction():
            self.sweep()
            entry = _entry(launch, found, session.role, now)
            self._account.catalog.create(entry)
            number = self._told_first(session, launch, now)
            entry = self._account.catalog.get("SERVICE", launch.path).with_properties(id=number)
            self._account.catalog.update(entry)
        return entry

    def _told_first(self, session: Session, launch: Launch, now: datetime) -> int:
        """Begin the history of a service; return its number."""
        query = CURRENT.get()
        parameters = {
            "REPLICAS": launch.replicas,
            "ASYNC": launch.asynchronous,
            "QUERY_WAREHOUSE": launch.warehouse,
            "EXTERNAL_ACCESS_INTEGRATIONS": list(launch.integrations),
        }
        found = self._account.catalog.execute(
            "insert into service_history (query_id, job, name, database, schema, created, "
            "status, message, instances, pool, owner, parameters, log_level) "
            "values (?, ?, ?, ?, ?, ?, 'PENDING', '', '{}', ?, ?, ?, ?) returning id",
            (
                query.id if query else "",
                int(launch.job),
                launch.path.name,
                launch.path.database,
                launch.path.schema,
                now.isoformat(),
                launch.pool,
                session.role,
                json.dumps(parameters),
                launch.spec.log_level,
            ),
        )
        return int(found[0][0])

    def find(self, path: Path, number: int) -> Entry | None:
        """Return the service's entry if it still is that one."""
        entry = self._account.catalog.find("SERVICE", path)
        return entry if entry is not None and entry.properties.get("id") == number else None

    def change(self, path: Path, number: int, **changes: Any) -> None:
        """Store a new status or message."""
        with self._account.catalog.transaction():
            entry = self.find(path, number)
            now = self._account.clock.now()
            if entry is not None:
                entry = entry.with_properties(**changes, updated=now.isoformat())
                self._account.catalog.update(entry)
            status = changes.get("status")
            if status is not None:
                ended = now.isoformat() if status in ENDED else None
                self._account.catalog.execute(
                    "update service_history set status = ?, message = ?, "
                    "completed = coalesce(completed, ?) where id = ?",
                    (status, str(changes.get("message", "")), ended, number),
                )
                self._event(number, None, None, status, str(changes.get("message", "")))

    def _event(
        self, number: int, instance: int | None, container: str | None, status: str, message: str
    ) -> None:
        kind = "SERVICE" if instance is None else "SERVICE_INSTANCE"
        kind = "CONTAINER" if container is not None else kind
        self._account.catalog.execute(
            "insert into service_events (at, service, instance, container, name, status, message) "
            "values (?, ?, ?, ?, ?, ?, ?)",
            (
                self._account.clock.now().isoformat(),
                number,
                instance,
                container,
                f"{kind}.STATUS_CHANGE",
                status,
                message,
            ),
        )

    def container(self, path: Path, number: int, instance: int, name: str, **facts: Any) -> None:
        """Store facts of one container, such as its exit code."""
        with self._account.catalog.transaction():
            entry = self.find(path, number)
            if entry is None:
                return
            instances = entry.properties["instances"]
            instances[instance]["containers"][name].update(facts)
            self._account.catalog.update(entry.with_properties(instances=instances))
            self._told(number, instances)
            self._event(number, instance, name, facts["status"], facts["message"])

    def instance(self, path: Path, number: int, index: int, status: str) -> None:
        """Store the status of one instance."""
        with self._account.catalog.transaction():
            entry = self.find(path, number)
            if entry is None:
                return
            instances = entry.properties["instances"]
            instances[index]["status"] = status
            self._account.catalog.update(entry.with_properties(instances=instances))
            self._told(number, instances)
            self._event(number, index, None, status, "")

    def _told(self, number: int, instances: list[dict[str, Any]]) -> None:
        told = {
            str(index): {
                "status": one["status"],
                "containers": {
                    name: {"status": c["status"], "lastExitCode": c.get("exit_code")}
                    for name, c in one["containers"].items()
                },
            }
            for index, one in enumerate(instances)
        }
        self._account.catalog.execute(
            "update service_history set instances = ? where id = ?", (json.dumps(told), number)
        )

    def drop(self, path: Path) -> None:
        """Remove a service; a job stays in the history."""
        with self._account.catalog.transaction():
            entry = self._account.catalog.find("SERVICE", path)
            if entry is None:
                return
            self._account.catalog.drop("SERVICE", path)
            self._account.catalog.execute(
                "update service_history set deleted = ? where id = ?",
                (self._account.clock.now().isoformat(), entry.properties["id"]),
            )

    def sweep(self) -> None:
        """Remove jobs that ended more than 30 days ago."""
        before = self._account.clock.now() - KEPT
        for entry in self._account.catalog.all("SERVICE"):
            found = entry.properties
            if not found["job"] or found["status"] not in ENDED:
                continue
            if datetime.fromisoformat(found["updated"]) < before:
                self.drop(entry.path)

    def recover(self) -> None:
        """End what ran when the server was killed: its node is gone, as Snowflake would say."""
        for entry in self._account.catalog.all("SERVICE"):
            found = entry.properties
            if found["status"] in ENDED or found["status"] == "SUSPENDED":
                continue
            for instance in found["instances"]:
                instance["status"] = "FAILED"
                for container in instance["containers"].values():
                    if container.get("pid"):
                        end_orphan(int(container["pid"]), str(container.get("born", "")))
                    if container["status"] in {"PENDING", "READY", "TERMINATING"}:
                        container.update(status="FAILED", message="The node was lost.")
            self._account.catalog.update(entry.with_properties(instances=found["instances"]))
            self.change(entry.path, found["id"], status="FAILED", message="The node was lost.")


def _entry(launch: Launch, found: Found, owner: str, now: datetime) -> Entry:
    return Entry(
        kind="SERVICE",
        path=launch.path,
        owner=owner,
        created_on=now,
        comment=launch.comment,
        properties={
            "job": launch.job,
            "async": launch.asynchronous,
            "pool": launch.pool,
            "warehouse": launch.warehouse,
            "integrations": list(launch.integrations),
            "replicas": launch.replicas,
            "settings": dict(launch.settings),
            "spec": launch.spec.text,
            "digest": hashlib.sha256(launch.spec.text.encode()).hexdigest(),
            "updated": now.isoformat(),
            "status": "PENDING",
            "message": "",
            "instances": _instances(launch, found),
            "runners": {name: asdict(runner) for name, runner in launch.runners.items()},
            "kept": dict(launch.kept),
        },
    )


def _instances(launch: Launch, found: Found) -> list[dict[str, Any]]:
    return [
        {
            "status": "PENDING",
            "containers": {
                container.name: {
                    "status": "PENDING",
                    "message": "Waiting to start",
                    "image": container.image,
                    "digest": found.images[container.name].digest,
                    "restarts": 0,
                }
                for container in launch.spec.containers
            },
        }
        for _ in range(launch.replicas)
    ]
