"""Carry out a plan, all of it or none, and leave nothing half-done that could run.

The order of a plan is what makes it safe: the root is suspended first and resumed last, so that
wherever it stops, the graph is the old one, the new one, or a suspended one that the next
deployment finishes. A run in flight goes on with the graph that it began with.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from sf_ml_framework.deploy import checks
from sf_ml_framework.deploy.drift import drifted
from sf_ml_framework.deploy.faults import Interrupted, LostError, StoppedError
from sf_ml_framework.deploy.lock import SECONDS, DeploymentLock
from sf_ml_framework.deploy.ports import History, Observer, Platform
from sf_ml_framework.deploy.records import Deployment, Holder, Kind, Recorded
from sf_ml_framework.errors import FrameworkError, PlatformError
from sf_ml_framework.plan import to_sql
from sf_ml_framework.plan.changes import Alter, Caution, Change, Create, Plan, Remove, Statement
from sf_ml_framework.plan.diff import make_plan
from sf_ml_framework.plan.names import DEPLOYMENTS
from sf_ml_framework.plan.objects import Desired, Image, Observed, Table, Task, key_of

_LOGGER = logging.getLogger(__name__)
_AGAIN = "deploy again to finish it, or `mlops rollback` to go back"


class Commission(msgspec.Struct, frozen=True, kw_only=True):
    """Who deploys what for, as the record keeps it."""

    kind: Kind = "deploy"
    user_name: str = ""
    client: str = ""
    git_commit: str = ""
    framework: str = ""
    note: str = ""
    overwrite_drift: bool = False
    """Whether what somebody changed by hand may be written over."""
    dead: str = ""
    """Deployment whose process is known to be dead; its lock is not waited for."""
    lock_seconds: int = SECONDS


def new_deployment_id() -> str:
    """Return an id that sorts by time (UTC) and that no other deployment has."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.urandom(2).hex()}"


class Deployer:
    """Plans and applies through ports; an instance lives as long as its connection."""

    def __init__(self, platform: Platform, history: History, observer: Observer) -> None:
        self._platform = platform
        self._history = history
        self._observer = observer

    def plan(self, desired: Desired, *, delete: bool = False) -> Plan:
        """Return what would lead from what stands to *desired*. Changes nothing."""
        recorded, observed = self._look(desired)
        plan = make_plan(desired, observed, delete=delete)
        by_hand = tuple(
            Caution(
                code="changed_by_hand",
                message=f"changed by hand since the last deployment: {drift.words}",
                remedy="take it into the code, or deploy with --overwrite-drift",
            )
            for drift in drifted(recorded, observed)
        )
        return msgspec.structs.replace(plan, warnings=(*by_hand, *plan.warnings))

    def apply(self, plan: Plan, commission: Commission) -> Deployment | None:
        """Carry out exactly *plan*; return its record, or none where there was nothing to do.

        Raises:
            DeployError: it was refused: the account moved on, somebody else deploys, something is
                missing, or was changed by hand. Nothing was changed, but for what is named.
            StoppedError: a statement was refused; tells how the graph stands.
            LostError: the platform failed over a statement; tells the same.
            Interrupted: Ctrl-C; tells the same.
        """
        recorded, observed = self._look(plan.desired)
        checks.same_place(plan, observed)
        checks.not_moved_on(plan, observed)
        statements = to_sql.statements(plan)
        checks.possible(plan)
        checks.nothing_for_an_administrator(plan, statements)
        checks.nothing_missing(plan)
        if plan.is_empty:
            return None
        if not commission.overwrite_drift:
            checks.no_drift(plan, recorded, observed)
        founded = self._found(plan, statements, recorded)
        deployment = _begun(plan, statements, observed, recorded, commission)
        holder = Holder(
            deployment=deployment.deployment,
            user_name=commission.user_name,
            client=commission.client,
        )
        lock = DeploymentLock(
            self._history, holder, seconds=commission.lock_seconds, dead=commission.dead
        )
        with lock:
            # Between the first look and the lock somebody else may have deployed.
            current = self._look(plan.desired)[1]
            if founded:
                checks.rest_unchanged(plan, make_plan(plan.desired, current, delete=plan.delete))
            else:
                checks.not_moved_on(plan, current)
            return self._carry_out(plan, statements, founded, deployment, lock)

    def _look(self, desired: Desired) -> tuple[Recorded, Observed]:
        recorded = self._history.recorded(desired.project)
        return recorded, self._platform.observe(desired, recorded)

    def _found(self, plan: Plan, statements: Sequence[Statement], recorded: Recorded) -> int:
        """Make the table of deployments where there is none, and what it stands in.

        It holds the lock, so this happens without: every statement of it may be run twice at once.

        Returns:
            How many of the first statements have run.
        """
        if recorded.table:
            return 0
        count = _foundation(plan, statements)
        for number, statement in enumerate(statements[:count], start=1):
            self._observer.statement(number, len(statements), statement)
            self._platform.execute(statement)
        return count

    def _carry_out(
        self,
        plan: Plan,
        statements: Sequence[Statement],
        founded: int,
        deployment: Deployment,
        lock: DeploymentLock,
    ) -> Deployment:
        self._history.begin(deployment)
        self._observer.started(deployment)
        done = founded
        try:
            for number, statement in enumerate(statements[founded:], start=founded + 1):
                lock.renew()
                self._observer.statement(number, len(statements), statement)
                self._platform.execute(statement)
                done = number
        except BaseException as error:
            self._stopped(deployment, done, error)
            if isinstance(error, KeyboardInterrupt):
                raise _interrupted(plan, statements, done, deployment) from error
            if not isinstance(error, FrameworkError):
                raise
            raise _told(plan, statements, done, deployment, error) from error
        return self._ended(deployment, "succeeded", done, "")

    def _ended(self, deployment: Deployment, status: str, done: int, failure: str) -> Deployment:
        ended = msgspec.structs.replace(deployment, status=status, done=done, failure=failure)
        self._history.finish(ended)
        self._observer.finished(ended)
        return ended

    def _stopped(self, deployment: Deployment, done: int, error: BaseException) -> None:
        try:
            self._ended(deployment, "failed", done, str(error) or type(error).__name__)
        except FrameworkError as fault:
            # The record says "applying" and the lock runs out: the next one knows what that means.
            _LOGGER.warning("the end of %s could not be recorded: %s", deployment.deployment, fault)


def _begun(
    plan: Plan,
    statements: Sequence[Statement],
    observed: Observed,
    recorded: Recorded,
    commission: Commission,
) -> Deployment:
    desired = plan.desired
    started = any(
        isinstance(thing, Task) and thing.name == desired.root and thing.started
        for thing in observed.objects
    )
    # What could not be looked for may stand still.
    hidden = set(observed.unknown) & set(recorded.managed)
    managed = {*observed.managed, *hidden, *map(key_of, desired.objects)}
    return Deployment(
        deployment=new_deployment_id(),
        project=desired.project,
        target=desired.target,
        kind=commission.kind,
        user_name=commission.user_name,
        role_name=observed.role,
        client=commission.client,
        git_commit=commission.git_commit,
        framework=commission.framework,
        image=_pinned(desired.image, observed),
        note=commission.note,
        summary=summary(plan),
        statements=len(statements),
        root_was_started=started or bool(observed.interrupted),
        observed_digest=observed.digest,
        managed=tuple(sorted(managed)),
        desired=msgspec.json.encode(desired).decode(),
    )


def _pinned(image: str, observed: Observed) -> str:
    """Return *image* with the digest that its tag stands for now, as far as that can be seen."""
    for thing in observed.objects:
        if isinstance(thing, Image) and thing.name == image and thing.digest:
            return f"{image}@{thing.digest}"
    return image


def summary(plan: Plan) -> str:
    """Return how many objects a plan creates, changes and removes, in words."""
    counts = {
        word: sum(isinstance(one, kind) and not _stays(one) for one in plan.changes)
        for word, kind in (("created", Create), ("changed", Alter), ("removed", Remove))
    }
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "order only"


def _stays(change: Change) -> bool:
    return isinstance(change, Remove) and change.is_administrators


def _foundation(plan: Plan, statements: Sequence[Statement]) -> int:
    """Return how many of the first statements lead up to the table of deployments, with it."""
    for number, statement in enumerate(statements, start=1):
        step = plan.steps[statement.step]
        wanted = getattr(step, "wanted", None)
        if isinstance(wanted, Table) and wanted.name.endswith(f".{DEPLOYMENTS}"):
            return number
    return 0


def _told(
    plan: Plan,
    statements: Sequence[Statement],
    done: int,
    deployment: Deployment,
    error: FrameworkError,
) -> FrameworkError:
    """Return what a person should know of a plan that stopped after *done* statements."""
    stood = checks.graph_after(plan, statements, done)
    kind = LostError if isinstance(error, PlatformError) else StoppedError
    return kind(
        f"deployment {deployment.deployment} stopped at statement {done + 1} of {len(statements)}:"
        f" {error}; {stood}",
        remedy=f"{error.remedy.rstrip(';')}; then {_AGAIN}" if error.remedy else _AGAIN,
    )


def _interrupted(
    plan: Plan, statements: Sequence[Statement], done: int, deployment: Deployment
) -> Interrupted:
    """Return the same of a plan that a person stopped while a statement was perhaps on its way."""
    stood = checks.graph_after(plan, statements, done)
    after = checks.graph_after(plan, statements, done + 1)
    if after != stood:
        stood += f"; or, if statement {done + 1} was carried out, {after}"
    return Interrupted(
        f"deployment {deployment.deployment} stopped at statement {done + 1} of {len(statements)};"
        f" {stood}",
        remedy=_AGAIN,
    )
