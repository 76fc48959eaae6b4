"""The deployments of a schema and its lock, in its table MLOPS_DEPLOYMENTS.

The lock is one row of the same table, of the kind ``lock``. It is taken by one MERGE: Snowflake
runs UPDATE, DELETE and MERGE on a table one after another, while INSERTs run beside each other, so
that two that say INSERT .. WHERE NOT EXISTS could both succeed. Times are the account's own, so
that clocks which disagree cannot give it to two.

Source: Snowflake, "Transactions" (resource locking); "MERGE".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from sf_ml_framework.deploy.records import LAST, PREVIOUS, Deployment, Holder, Recorded
from sf_ml_framework.errors import DataError, UnknownNameError
from sf_ml_framework.identifiers import quoted
from sf_ml_framework.places.snowflake.roles import Roles
from sf_ml_framework.places.snowflake.standing import table_stands
from sf_ml_framework.plan.names import DEPLOYMENTS
from sf_ml_framework.plan.objects import Desired

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account

_LISTED = tuple(name for name in Deployment.__struct_fields__ if name not in {"desired", "managed"})
_FORMAT = "'YYYY-MM-DD\"T\"HH24:MI:SS.FF3'"
_NOW = f"TO_VARCHAR(SYSDATE(), {_FORMAT}) || 'Z'"
_LATER = f"TO_VARCHAR(DATEADD(SECOND, ?, SYSDATE()), {_FORMAT}) || 'Z'"
# Texts of this form sort as the times do.
_HELD = f"kind = 'lock' AND status = 'held' AND expires >= {_NOW}"
_RECENT = 20
"""So many deployments that did not succeed are looked through, after the last that did."""


class SnowflakeHistory:
    """The History of one schema; it lives as long as its account.

    Implements ``deploy/ports.py::History``.
    """

    def __init__(self, account: Account, database: str, schema: str) -> None:
        self._account = account
        self._roles = Roles(account)
        self._place = (database, schema)
        self._table = f"{quoted(database)}.{quoted(schema)}.{quoted(DEPLOYMENTS)}"

    # The lock.

    def take(self, wanted: Holder, seconds: int) -> Holder:
        """Take the lock for so many seconds and return its holder: *wanted*, or who has it."""
        who = (wanted.deployment, wanted.user_name, wanted.client, seconds)
        self._run(
            f"MERGE INTO {self._table} AS t USING (SELECT 'lock' AS kind) AS s ON t.kind = s.kind "
            f"WHEN MATCHED AND (t.status <> 'held' OR t.expires < {_NOW}) THEN UPDATE SET "
            "deployment = ?, user_name = ?, client = ?, "
            f"expires = {_LATER}, started = {_NOW}, status = 'held' "
            "WHEN NOT MATCHED THEN INSERT "
            "(deployment, user_name, client, expires, started, status, kind) "
            f"VALUES (?, ?, ?, {_LATER}, {_NOW}, 'held', 'lock')",
            who + who,
        )
        # Read back: who has it counts, not whether the statement changed a row.
        found = self._holders()
        if found and found[0].deployment != wanted.deployment:
            # Of two that insert the very first lock the earlier has it; ours must not outlive it.
            self._run(
                f"DELETE FROM {self._table} WHERE kind = 'lock' AND deployment = ?",
                (wanted.deployment,),
            )
        return found[0] if found else wanted

    def renew(self, holder: Holder, seconds: int) -> bool:
        """Hold the lock so many seconds from now; False when it is no longer the holder's."""
        changed = self._rows(
            f"UPDATE {self._table} SET expires = {_LATER} WHERE {_HELD} AND deployment = ?",
            (seconds, holder.deployment),
        )
        return _count(changed) > 0

    def release(self, deployment: str) -> bool:
        """Give the lock back; False when that deployment did not hold it."""
        changed = self._rows(
            f"UPDATE {self._table} SET status = 'free' "
            "WHERE kind = 'lock' AND status = 'held' AND deployment = ?",
            (deployment,),
        )
        return _count(changed) > 0

    def holder(self) -> Holder | None:
        """Return who holds the lock; none when nobody does, or it has run out."""
        found = self._holders() if self.stands() else []
        return found[0] if found else None

    def _holders(self) -> list[Holder]:
        rows = self._rows(
            "SELECT deployment, user_name, client, started AS since, expires AS until "
            f"FROM {self._table} WHERE {_HELD} ORDER BY started, deployment"
        )
        return [Holder(**{key: value or "" for key, value in row.items()}) for row in rows]

    # What was deployed.

    def stands(self) -> bool:
        """Say whether the table is there, and may be seen."""
        self._roles.act_as()
        return table_stands(self._account, *self._place, DEPLOYMENTS)

    def begin(self, deployment: Deployment) -> None:
        """Store a deployment that begins, with the state it will apply."""
        fields = msgspec.structs.asdict(deployment)
        fields["managed"] = msgspec.json.encode(deployment.managed).decode()
        del fields["started"]
        self._run(
            f"INSERT INTO {self._table} ({', '.join(fields)}, started) "
            f"SELECT {', '.join('?' * len(fields))}, {_NOW}",
            tuple(fields.values()),
        )

    def finish(self, deployment: Deployment) -> None:
        """Store how a deployment ended: status, done and failure."""
        self._run(
            f"UPDATE {self._table} SET status = ?, done = ?, failure = ?, ended = {_NOW} "
            "WHERE deployment = ? AND kind <> 'lock'",
            (deployment.status, deployment.done, deployment.failure, deployment.deployment),
        )

    def deployments(self, project: str, *, limit: int = 20) -> Sequence[Deployment]:
        """Return deployments without their states, newest first; none without a table."""
        return self._found("project = ?", (project,), limit=limit) if self.stands() else []

    def deployment(self, project: str, name: str) -> Deployment:
        """Return the deployment whose id is, or uniquely begins with, *name*, with its state."""
        matches: list[Deployment] = []
        skipped = {LAST: 0, PREVIOUS: 1}.get(name)
        if not self.stands():
            pass
        elif skipped is not None:
            succeeded = "project = ? AND status = 'succeeded'"
            matches = self._found(succeeded, (project,), limit=skipped + 1, whole=True)[skipped:]
        else:
            begins = "project = ? AND STARTSWITH(deployment, ?)"
            matches = self._found(begins, (project, name), limit=2, whole=True)
        exact = [each for each in matches if each.deployment == name]
        if len(exact or matches) == 1:
            return (exact or matches)[0]
        known = matches or self.deployments(project, limit=100)
        raise UnknownNameError(
            kind="deployment", name=name, known=[each.deployment for each in known]
        )

    def recorded(self, project: str) -> Recorded:
        """Return what is known of the deployments so far; nothing without a table."""
        if not self.stands():
            return Recorded()
        found = self._found(
            "project = ? AND started >= COALESCE((SELECT MAX(started) FROM "
            f"{self._table} WHERE project = ? AND kind <> 'lock' AND status = 'succeeded'), '')",
            (project, project),
            limit=_RECENT,
            whole=True,
        )
        if found and found[-1].status != "succeeded":
            # More than _RECENT failed in a row: the one that succeeded is still wanted.
            succeeded = "project = ? AND status = 'succeeded'"
            found += self._found(succeeded, (project,), limit=1, whole=True)
        return recorded(found)

    def _rows(self, sql: str, binds: Sequence[Any] = ()) -> list[dict[str, Any]]:
        # A plan's statement may have left the connection with another role.
        self._roles.act_as()
        return self._account.rows(sql, binds)

    def _run(self, sql: str, binds: Sequence[Any]) -> None:
        self._roles.act_as()
        self._account.execute(sql, binds)

    def _found(
        self, where: str, values: tuple[Any, ...], *, limit: int, whole: bool = False
    ) -> list[Deployment]:
        columns = (*_LISTED, "managed", "desired") if whole else _LISTED
        rows = self._rows(
            f"SELECT {', '.join(columns)} FROM {self._table} WHERE kind <> 'lock' AND {where} "
            f"ORDER BY started DESC, deployment DESC LIMIT {int(limit)}",
            values,
        )
        return [_deployment(row) for row in rows]


def recorded(deployments: Sequence[Deployment]) -> Recorded:
    """Return what *deployments* say together: the last that succeeded and those since.

    Args:
        deployments: with their states, newest first.
    """
    managed: dict[str, None] = {}
    for deployment in deployments:
        managed.update(dict.fromkeys(deployment.managed))
    pairs = [(each, _state(each)) for each in deployments]
    applied = [state for each, state in pairs if each.status == "succeeded"]
    unfinished = deployments and deployments[0].status != "succeeded"
    return Recorded(
        table=True,
        states=tuple(state for _, state in pairs),
        applied=applied[0] if applied else None,
        managed=tuple(managed),
        interrupted=bool(unfinished and deployments[0].root_was_started),
    )


def _state(deployment: Deployment) -> Desired:
    try:
        return msgspec.json.decode(deployment.desired, type=Desired)
    except msgspec.DecodeError as error:
        raise DataError(
            f"deployment {deployment.deployment} holds no state that can be read: {error}",
            remedy=f"see the column DESIRED of {DEPLOYMENTS}",
        ) from error


def _deployment(row: dict[str, Any]) -> Deployment:
    # An empty column may come back as NULL: the default of its field stands for both.
    values = {name: value for name, value in row.items() if value is not None}
    if "managed" in values:
        values["managed"] = msgspec.json.decode(values["managed"])
    return msgspec.convert(values, Deployment, strict=False)


def _count(rows: list[dict[str, Any]]) -> int:
    """Return how many rows a DML statement changed; it tells so in its own columns."""
    return int(next(iter(rows[0].values()))) if rows else 0
