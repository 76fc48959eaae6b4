"""Where a node runs in an account: a container of a task graph, or a job that someone started.

The task's specification says in the environment which target this is (``MLOPS_TARGET``) and which
task (``MLOPS_TASK``); a job that is no task's is told its run by ``MLOPS_RUN_ID``. How to connect
the platform says itself.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sf_ml_framework import connection as connections
from sf_ml_framework import settings as project_settings
from sf_ml_framework import targets
from sf_ml_framework.container import told
from sf_ml_framework.container.grace import Grace
from sf_ml_framework.errors import FrameworkError, OperatorError
from sf_ml_framework.manifest.model import Manifest
from sf_ml_framework.run import graph_config
from sf_ml_framework.run.clock import now
from sf_ml_framework.run.graph_config import GraphConfig
from sf_ml_framework.run.outcome import failure_of
from sf_ml_framework.run.overrides import Overrides
from sf_ml_framework.run.records import NodeRun, Reason
from sf_ml_framework.run.run_record import new_run_id
from sf_ml_framework.settings import Settings
from sf_ml_framework.targets import Target

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.place import SnowflakePlace
    from sf_ml_framework.places.snowflake.session import Account
    from sf_ml_framework.run.job import Job

_LOGGER = logging.getLogger("mlops")

TASK = "MLOPS_TASK"
"""Name of the task that started this container."""
RUN = "MLOPS_RUN_ID"
"""The run that a job belongs to which no task started."""
TARGET = "MLOPS_TARGET"
"""Name of the target in ``mlops.yml``."""


def run_node(
    root: Path,
    settings: Settings,
    node: str,
    overrides: Overrides,
    *,
    run_id: str,
    command: str,
) -> NodeRun:
    """Run *node*, or skip it when its results hold, and return its record.

    In a task the run's configuration is laid over the declarations, *overrides* over that, and the
    task's return value tells how the node ended.
    """
    target = targets.load(settings, os.environ.get(TARGET, ""))
    with opened(root, target, node) as account:
        visit = _Visit(root=root, settings=settings, target=target, account=account)
        if os.environ.get(TASK):
            return visit.run_in_task(node, overrides)
        given = run_id or os.environ.get(RUN, "") or new_run_id()
        return visit.run(node, overrides, run_id=given, command=command)


def serve_in_account(descriptor: int, root: Path, target: str, flags: Mapping[str, str]) -> int:
    """Be a worker whose data are in an account; return the exit code.

    Args:
        descriptor: one end of a socket pair; the run holds the other.
        root: the project's folder.
        target: name in ``mlops.yml``.
        flags: what the command line of the run said of the connection.
    """
    from sf_ml_framework.run.worker import serve

    settings = project_settings.load(root)
    chosen = targets.load(settings, target)
    with opened(root, chosen, "worker", flags) as account:
        manifest = _manifest_in(root, settings, chosen)
        return serve(descriptor, lambda: open_place(account, chosen, manifest), root)


def _manifest_in(root: Path, settings: Settings, target: Target) -> Manifest:
    """Return the project as *target* runs it."""
    from sf_ml_framework.manifest.load import compiled
    from sf_ml_framework.manifest.overlay import overlaid

    return overlaid(compiled(root, settings.project), target)


@contextmanager
def opened(
    root: Path, target: Target, work: str, flags: Mapping[str, str] | None = None
) -> Iterator[Account]:
    """Open the account as *target* says, and close it.

    Args:
        root: the project, whose ``.env`` may say how to connect.
        target: says where in the account.
        work: what is done, to mark its statements in the account's history.
        flags: what a command line said of the connection.

    Raises:
        OperatorError: no connection is given.
    """
    from sf_ml_framework.places.snowflake.target_account import account_of

    found = connections.resolve(root, flags or {}, os.environ, needed=True)
    if found is None:
        raise OperatorError(
            "no connection to Snowflake is given",
            remedy="see docs/reference/connection.md; in a container the platform gives one",
        )
    account = account_of(found, target, query_tag=f"mlops:{target.name}:{work}")
    try:
        yield account
    finally:
        account.close()


def open_place(
    account: Account, target: Target, manifest: Manifest | None = None
) -> SnowflakePlace:
    """Return the schema of *target* as the place of the project's data."""
    from sf_ml_framework.places.snowflake.names import Names
    from sf_ml_framework.places.snowflake.place import SnowflakePlace

    return SnowflakePlace(account, Names.of(target), manifest, alias=target.alias)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Visit:
    """One process in an account, there for one node."""

    root: Path
    settings: Settings
    target: Target
    account: Account

    def run_in_task(self, node: str, overrides: Overrides) -> NodeRun:
        from sf_ml_framework.places.snowflake import task_run

        task = task_run.current(self.account)
        try:
            config = graph_config.decode(task.config)
            node_run = self.run(
                node,
                _merged(config, overrides),
                run_id=task.run_id,
                command=f"EXECUTE TASK, by {os.environ[TASK]}",
                task=config,
            )
        except Exception as error:
            self._record_refusal(node, task.run_id, error)
            self._tell(told.refusal(node, task.run_id, error, task_run.LONGEST_RETURN_VALUE))
            raise
        self._tell(told.outcome(node_run, task_run.LONGEST_RETURN_VALUE))
        return node_run

    def _record_refusal(self, node: str, run_id: str, error: Exception) -> None:
        """Record that *node* did not begin, unless its job has: else only an exit code is known."""
        from sf_ml_framework.places.snowflake.journal import SnowflakeJournal

        failure = failure_of(error)
        refused = NodeRun(
            run_id=run_id,
            node=node,
            status="failed",
            reason=Reason(kind="not_started"),
            started=now(),
            error=failure.error,
            error_kind=failure.kind,
            remedy=failure.remedy,
            exit_code=failure.exit_code,
        )
        try:
            journal = SnowflakeJournal(self.account, self.target.database, self.target.schema)
            known = {each.node: each.error for each in journal.node_runs(run_id)}
            if known.get(node) != refused.error:
                journal.record_node(refused)
        except FrameworkError as why:
            _LOGGER.warning("that %s did not begin cannot be recorded: %s", node, why)

    def run(
        self,
        node: str,
        overrides: Overrides,
        *,
        run_id: str,
        command: str,
        task: GraphConfig | None = None,
    ) -> NodeRun:
        from sf_ml_framework.places.snowflake.journal import SnowflakeJournal
        from sf_ml_framework.run.cache import Cache
        from sf_ml_framework.run.job import Job
        from sf_ml_framework.run.logs import mark

        mark(run_id=run_id, target=self.target.name)
        target = self.target
        manifest = _manifest_in(self.root, self.settings, target)
        journal = SnowflakeJournal(self.account, target.database, target.schema, manifest.project)
        place = open_place(self.account, target, manifest)
        job = Job(
            manifest,
            place,
            journal,
            Cache(self.root, journal, place, manifest),
            root=self.root,
            settings={"target": target.name, "database": target.database, "schema": target.schema},
        )
        alone = task is None
        with Grace(lambda why: self._last_words(job, why)), self._traced(job, alone) as traced:
            return traced(
                job.run(
                    node,
                    overrides,
                    run_id=run_id,
                    command=command,
                    force=task is None or task.force,
                    alone=alone,
                )
            )

    @contextmanager
    def _traced(self, job: Job, alone: bool) -> Iterator[Callable[[NodeRun], NodeRun]]:
        """Yield what sends the trace of a node, where the target asks for it, and returns it."""
        if not self.target.telemetry:
            yield lambda node_run: node_run
            return
        from sf_ml_framework.telemetry import containers

        project, target = job.manifest.project, self.target
        with containers.traced(self.root, target, project, job.journal, alone=alone) as send:
            yield send

    def _last_words(self, job: Job, why: str) -> None:
        """Record that the node is stopped, while it still holds the thread and the connection."""
        from sf_ml_framework.places.snowflake.journal import SnowflakeJournal

        step = job.step
        if step is None:
            return
        with opened(self.root, self.target, step.node.name) as account:
            journal = SnowflakeJournal(account, self.target.database, self.target.schema)
            journal.record_node(step.cancel(why))

    def _tell(self, text: str) -> None:
        """Set the task's return value."""
        from sf_ml_framework.places.snowflake import task_run

        try:
            task_run.set_return_value(self.account, text)
        except FrameworkError as error:
            # The results stand; that the task cannot say so must not undo them.
            _LOGGER.warning("the task's return value cannot be set: %s", error)


def _merged(config: GraphConfig, overrides: Overrides) -> Overrides:
    """Return the overrides of a container's command line, laid over those of its run."""
    return Overrides(
        inputs={**config.inputs, **overrides.inputs},
        outputs={**config.outputs, **overrides.outputs},
        params={**config.params, **overrides.params},
    )
