"""Changes to tasks that keep graphs whole, for SQL and REST alike.

Source: Snowflake, "CREATE TASK", "ALTER TASK", "DROP TASK".
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..faults import SnowflakeError, already_exists, invalid
from ..names import Path
from ..rooms import tags
from .definition import Task, find, new_id, whole
from .graph import MAX_STARTED, Graphs
from .running import allowed
from .scheduler import Tasks
from .statement import Clauses

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session


def make(
    account: Account,
    session: Session,
    path: Path,
    given: Clauses,
    *,
    replacing: bool = False,
    altering: bool = False,
    if_absent: bool = False,
) -> bool:
    """Store a task; False when it stood already and that is allowed.

    Raises:
        SnowflakeError: a rule of tasks or of their graph is broken.
    """
    with account.catalog.transaction():
        entry = account.catalog.find("TASK", path)
        old = Task.of(entry) if entry is not None else None
        if old is not None and if_absent:
            return False
        if old is not None and not replacing and not altering:
            raise already_exists(str(path))
        task = Task(
            path=path,
            body=given.body,
            owner=session.role,
            comment=given.comment,
            id=new_id(),
            created_on=account.clock.now(),
            parameters=given.parameters,
            session=given.session,
            after=given.after,
            finalize=given.finalize,
            when=given.when,
            user=given.user,
        )
        if old is not None and altering:
            task = _altered(old, task)
        _store(account, session, old, whole(account, task), given)
    return True


def _altered(old: Task, new: Task) -> Task:
    """Return the task that CREATE OR ALTER leaves: the definition new, identity and state old."""
    return replace(
        new,
        id=old.id,
        owner=old.owner,
        created_on=old.created_on,
        state=old.state,
        committed=old.committed,
        suspended=old.suspended,
        reason=old.reason,
        version=old.version,
    )


def _store(
    account: Account, session: Session, old: Task | None, task: Task, given: Clauses
) -> None:
    graphs = Graphs.around(account, task.path)
    if old is not None and (not old.is_root or graphs.children(old.path) or old.id == task.id):
        graphs.must_rest(old)
    graphs.linked(task)
    graphs.must_rest(replace(task, state="suspended"))
    if old is None or old.id != task.id:
        account.catalog.create(task.entry(), replace=old is not None)
    else:
        account.catalog.update(task.entry())
    tags.attach(account, session, "TASK", task.path, given.tags)


def resume(account: Account, task: Task) -> None:
    """Resume a task.

    Raises:
        SnowflakeError: its root is started, it has nothing that starts it, or may not run.
    """
    graphs = Graphs.around(account, task.path)
    if not task.is_root:
        graphs.must_rest(task)
    elif "SCHEDULE" not in task.parameters and "STREAM_HAS_DATA" not in (task.when or "").upper():
        # Source: snowflake.core 1.13, dagv1: a root is resumed only if it has a schedule.
        raise SnowflakeError(
            f"Cannot resume task {task.path.name}: a root task needs a SCHEDULE or a stream to "
            "start it; without one it is run with EXECUTE TASK.",
            number=91091,
            state="55000",
        )
    started = sum(e.properties["state"] == "started" for e in account.catalog.all("TASK"))
    if started >= MAX_STARTED:
        raise invalid(f"an account may have {MAX_STARTED} resumed tasks")
    session = account.internal_session(role=task.owner)
    try:
        allowed(account, session, task)
    finally:
        account.close_session(session)
    account.part(Tasks).start(task)


def suspend(account: Account, task: Task) -> None:
    """Suspend a task; a member of a graph only while its root is suspended."""
    if not task.is_root:
        Graphs.around(account, task.path).must_rest(task)
    account.part(Tasks).rest(task)


def keep(account: Account, old: Task, changed: Task) -> None:
    """Store a changed task; its graph must rest, and stay whole."""
    with account.catalog.transaction():
        graphs = Graphs.around(account, old.path)
        graphs.must_rest(old)
        if changed.is_root and not old.is_root:
            reason = "FINALIZER_BECAME_ROOT" if old.finalize else "CHILD_BECAME_ROOT"
            now = account.clock.now().isoformat()
            changed = replace(changed, state="suspended", suspended=now, reason=reason)
        graphs.linked(whole(account, changed))
        graphs.must_rest(replace(changed, state="suspended"))
        account.catalog.update(changed.entry())


def remove(account: Account, path: Path) -> None:
    """Drop a task that stands."""
    with account.catalog.transaction():
        task = find(account, path)
        graphs = Graphs.around(account, path)
        if not task.is_root:
            graphs.must_rest(task)
        for changed in graphs.severed(path):
            account.catalog.update(changed.entry())
        account.catalog.drop("TASK", path)


def must_be_root(task: Task) -> None:
    """Refuse a task that runs after others."""
    if not task.is_root:
        raise SnowflakeError(
            f"Cannot execute task {task.path.name}: only a root task or a standalone task can be "
            "executed.",
            number=91092,
            state="22023",
        )
