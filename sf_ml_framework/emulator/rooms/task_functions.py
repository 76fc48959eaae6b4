"""System functions of tasks: return values, configuration, runtime facts, resume, cancel.

A session knows its task run by a fact, also in a container that the task started: the job's token
carries it.

Source: Snowflake, "SYSTEM$SET_RETURN_VALUE", "SYSTEM$GET_PREDECESSOR_RETURN_VALUE",
"SYSTEM$GET_TASK_GRAPH_CONFIG", "SYSTEM$TASK_RUNTIME_INFO", "SYSTEM$TASK_DEPENDENTS_ENABLE",
"SYSTEM$USER_TASK_CANCEL_ONGOING_EXECUTIONS"; SYSTEM$CURRENT_USER_TASK_NAME as snowflake.core 1.13
``task/context.py`` uses it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from ..faults import SnowflakeError, invalid
from ..names import Path, fold, parts_of
from ..services.running import Live, Services
from ..tasks.changes import resume
from ..tasks.definition import Task, find
from ..tasks.graph import Graphs
from ..tasks.history import SUCCEEDED, RunRow
from ..tasks.running import GraphRun
from ..tasks.scheduler import Tasks
from .messages import Outbox

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

MAX_RETURN_BYTES = 10 * 1024
_FACTS = {
    "CURRENT_TASK_NAME",
    "CURRENT_ROOT_TASK_NAME",
    "CURRENT_ROOT_TASK_UUID",
    "CURRENT_TASK_GRAPH_RUN_GROUP_ID",
    "CURRENT_TASK_GRAPH_ORIGINAL_SCHEDULED_TIMESTAMP",
    "LAST_SUCCESSFUL_TASK_GRAPH_RUN_GROUP_ID",
    "LAST_SUCCESSFUL_TASK_GRAPH_ORIGINAL_SCHEDULED_TIMESTAMP",
}


def install(account: Account) -> None:
    """Register the functions, and what links jobs and messages with runs."""
    functions: dict[str, Callable[..., Any]] = {
        "SYSTEM$SET_RETURN_VALUE": set_return_value,
        "SYSTEM$GET_PREDECESSOR_RETURN_VALUE": predecessor_value,
        "SYSTEM$GET_TASK_GRAPH_CONFIG": graph_config,
        "SYSTEM$TASK_RUNTIME_INFO": runtime_info,
        "SYSTEM$CURRENT_USER_TASK_NAME": current_name,
        "SYSTEM$TASK_DEPENDENTS_ENABLE": enable_dependents,
        "SYSTEM$USER_TASK_CANCEL_ONGOING_EXECUTIONS": cancel_executions,
    }
    for name, call in functions.items():
        account.function(name, partial(call, account))
    tasks = account.part(Tasks)
    account.part(Services).on_launch.append(lambda session, live: note_job(tasks, session, live))
    tasks.on_failure.append(lambda root, run: tell_failure(account, root, run))


def current_run(account: Account, session: Session, function: str) -> RunRow:
    """Return the run of the task that the session belongs to.

    Raises:
        SnowflakeError: it belongs to none.
    """
    number = session.facts.get("task_run")
    run = account.part(Tasks).history.run(int(number)) if number is not None else None
    if run is None:
        raise SnowflakeError(
            f"Function {function} must be called from within a task", number=91093, state="55000"
        )
    return run


def set_return_value(account: Account, session: Session, value: Any) -> str:
    """Set what successors can read."""
    run = current_run(account, session, "SYSTEM$SET_RETURN_VALUE")
    text = str(value)
    if len(text.encode()) > MAX_RETURN_BYTES:
        raise SnowflakeError(
            f"The return value of a task is limited to {MAX_RETURN_BYTES} bytes.",
            number=91094,
            state="22001",
        )
    account.part(Tasks).history.change_run(run.id, return_value=text)
    return "set"


def predecessor_value(account: Account, session: Session, name: Any = None) -> str | None:
    """Return the value of an ancestor in this run of the graph; the name is case-sensitive."""
    function = "SYSTEM$GET_PREDECESSOR_RETURN_VALUE"
    run = current_run(account, session, function)
    history = account.part(Tasks).history
    if name is None:
        name = _only_predecessor(account, run, function)
    found = history.runs(
        "group_id = ? and name = ? and state = ? and id != ?",
        (run.group_id, str(name), SUCCEEDED, run.id),
    )
    if found:
        return found[0].return_value
    graphs = Graphs.around(account, run.path)
    if Path(run.database, run.schema, str(name)) not in graphs.tasks:
        raise SnowflakeError(
            f"Invalid predecessor task name '{name}' for function {function}.",
            number=91095,
            state="22023",
        )
    return None


def _only_predecessor(account: Account, run: RunRow, function: str) -> str:
    tasks = Graphs.around(account, run.path).tasks
    task = tasks.get(run.path)
    above = [tasks[path] for path in task.after if path in tasks] if task else []
    enabled = [one for one in above if one.started or one.is_root]
    if len(enabled) != 1:
        raise SnowflakeError(
            f"{function} needs the name of a task: the task has {len(enabled)} enabled "
            "predecessors.",
            number=91096,
            state="22023",
        )
    return enabled[0].path.name


def graph_config(account: Account, session: Session, path: Any = None) -> str | None:
    """Return the run's configuration, or what is at a path of keys in it."""
    run = current_run(account, session, "SYSTEM$GET_TASK_GRAPH_CONFIG")
    if run.config is None or path is None:
        return run.config
    found: Any = json.loads(run.config)
    for key in str(path).split("."):
        found = found.get(key) if isinstance(found, dict) else None
    if found is None or isinstance(found, str):
        return found
    return json.dumps(found)


def runtime_info(account: Account, session: Session, wanted: Any) -> str | None:  # noqa: PLR0911
    """Return one fact of the run."""
    run = current_run(account, session, "SYSTEM$TASK_RUNTIME_INFO")
    key = str(wanted).upper()
    if key not in _FACTS:
        raise invalid(f"Invalid argument '{wanted}' for SYSTEM$TASK_RUNTIME_INFO")
    history = account.part(Tasks).history
    graph = history.graphs("id = ?", (run.graph,))[0]
    match key:
        case "CURRENT_TASK_NAME":
            return str(run.path)
        case "CURRENT_ROOT_TASK_NAME":
            return str(graph.path)
        case "CURRENT_ROOT_TASK_UUID":
            return graph.root_id
        case "CURRENT_TASK_GRAPH_RUN_GROUP_ID":
            return graph.group_id
        case "CURRENT_TASK_GRAPH_ORIGINAL_SCHEDULED_TIMESTAMP":
            return _written(graph.original)
    last = history.graphs("root_id = ? and state = ?", (graph.root_id, SUCCEEDED), 1)
    if not last:
        return None
    if key == "LAST_SUCCESSFUL_TASK_GRAPH_RUN_GROUP_ID":
        return last[0].group_id
    return _written(last[0].original)


def _written(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")


def current_name(account: Account, session: Session) -> str:
    """Return the full name of the task that runs."""
    return str(current_run(account, session, "SYSTEM$CURRENT_USER_TASK_NAME").path)


def enable_dependents(account: Account, session: Session, name: Any) -> str:
    """Resume every task that depends on a root, and the root where it has a schedule."""
    root = find(account, session.resolve(parts_of(str(name))))
    account.require(session, "OPERATE", "TASK", root.path)
    graphs = Graphs.around(account, root.path)
    for task in graphs.members(root):
        if task.path != root.path and not task.started:
            resume(account, task)
    if root.is_root and "SCHEDULE" in root.parameters and not root.started:
        resume(account, Task.of(account.catalog.get("TASK", root.path)))
    return f"All dependent tasks of {root.path} are resumed."


def cancel_executions(account: Account, session: Session, name: Any) -> str:
    """Cancel what runs of a task."""
    path = session.resolve(parts_of(str(name)))
    find(account, path)
    account.require(session, "OPERATE", "TASK", path)
    count = account.part(Tasks).cancel(path)
    return f"{count} ongoing executions of task {path.name} are cancelled."


def note_job(tasks: Tasks, session: Session, live: Live) -> None:
    """Store which job a run of a task started."""
    number = session.facts.get("task_run")
    if number is not None:
        tasks.history.change_run(int(number), job=live.id)


def tell_failure(account: Account, root: Task, run: GraphRun) -> None:
    """Send a message to the root's ERROR_INTEGRATION."""
    name = root.parameters.get("ERROR_INTEGRATION")
    if name is None:
        return
    failed = [account.part(Tasks).history.run(number) for _, number in run.failed]
    messages = [
        {"taskName": str(one.path), "errorCode": one.error_code, "errorMessage": one.error_message}
        for one in failed
        if one is not None
    ]
    outbox = account.part(Outbox)
    outbox.deliver(fold(str(name)), "QUEUE", root=str(root.path), messages=messages)
