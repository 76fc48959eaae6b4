"""One task, as it is kept, and what its parameters may be.

Source: Snowflake, "CREATE TASK", "ALTER TASK", "SHOW TASKS".
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..catalog import Entry
from ..faults import SnowflakeError, invalid, not_found, syntax_error
from ..lexer import split, tokenize
from ..names import Path, fold
from ..parameters import SESSION_PARAMETERS
from ..parameters import checked as checked_parameter
from ..rooms.warehouses import SIZES
from . import schedule

if TYPE_CHECKING:
    from ..account import Account

STARTED, SUSPENDED = "started", "suspended"
DEFAULT_TIMEOUT_MS = 3_600_000
LONGEST_TIMEOUT_MS = 604_800_000
OVERLAPS = ("NO_OVERLAP", "ALLOW_CHILD_OVERLAP", "ALLOW_ALL_OVERLAP")
PARAMETERS = {
    "WAREHOUSE",
    "USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE",
    "SCHEDULE",
    "CONFIG",
    "OVERLAP_POLICY",
    "ALLOW_OVERLAPPING_EXECUTION",
    "USER_TASK_TIMEOUT_MS",
    "SUSPEND_TASK_AFTER_NUM_FAILURES",
    "ERROR_INTEGRATION",
    "SUCCESS_INTEGRATION",
    "LOG_LEVEL",
    "TASK_AUTO_RETRY_ATTEMPTS",
    "USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS",
    "TARGET_COMPLETION_INTERVAL",
    "SERVERLESS_TASK_MIN_STATEMENT_SIZE",
    "SERVERLESS_TASK_MAX_STATEMENT_SIZE",
}
ROOT_ONLY = {"SCHEDULE", "CONFIG", "OVERLAP_POLICY", "TASK_AUTO_RETRY_ATTEMPTS"}
"""What a task that runs after others does not take."""
MORE_SESSION_PARAMETERS = set(
    "BINARY_INPUT_FORMAT DATE_INPUT_FORMAT TIME_INPUT_FORMAT TIMESTAMP_INPUT_FORMAT "
    "GEOGRAPHY_OUTPUT_FORMAT GEOMETRY_OUTPUT_FORMAT ROWS_PER_RESULTSET STRICT_JSON_OUTPUT "
    "STATEMENT_QUEUED_TIMEOUT_IN_SECONDS TIMESTAMP_DAY_IS_ALWAYS_24H TWO_DIGIT_CENTURY_START "
    "UNSUPPORTED_DDL_ACTION ERROR_ON_NONDETERMINISTIC_UPDATE TRACE_LEVEL QUOTED_IDENTIFIERS_IGNORE"
    "_CASE TRANSACTION_ABORT_ON_ERROR HYBRID_TABLE_LOCK_TIMEOUT DEFAULT_NULL_ORDERING".split()
)
_RANGES = {
    "USER_TASK_TIMEOUT_MS": (0, LONGEST_TIMEOUT_MS),
    "SUSPEND_TASK_AFTER_NUM_FAILURES": (0, 2**31 - 1),
    "TASK_AUTO_RETRY_ATTEMPTS": (0, 30),
    "USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS": (10, 604_800),
}
_LEVELS = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "OFF"}
_CALLABLE = {
    "SYSTEM$STREAM_HAS_DATA",
    "SYSTEM$GET_PREDECESSOR_RETURN_VALUE",
    "CAST",
    "TRY_CAST",
    "TO_BOOLEAN",
    "TO_VARCHAR",
    "TO_NUMBER",
    "TO_DOUBLE",
    "IFF",
    "NVL",
    "COALESCE",
    # Operators and brackets that follow a word are no calls.
    *("AND", "OR", "NOT", "IN", "LIKE", "BETWEEN", "IS", "VARCHAR", "NUMBER", "DECIMAL", "CHAR"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task; ``after`` are its predecessors, ``finalize`` the root that it is the finalizer of."""

    path: Path
    body: str
    owner: str = ""
    comment: str = ""
    id: str = ""
    created_on: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    session: Mapping[str, Any] = field(default_factory=dict)
    after: tuple[Path, ...] = ()
    finalize: Path | None = None
    when: str | None = None
    user: str | None = None
    state: str = SUSPENDED
    committed: str | None = None
    suspended: str | None = None
    reason: str | None = None
    failures: int = 0
    version: int = 0
    base: str | None = None
    """When it was resumed: intervals count from here."""
    due: str | None = None
    """When it is due next."""

    @property
    def is_root(self) -> bool:
        """Whether it starts a graph, or stands alone."""
        return not self.after and self.finalize is None

    @property
    def started(self) -> bool:
        """Whether it was resumed."""
        return self.state == STARTED

    @property
    def serverless(self) -> bool:
        """Whether Snowflake's own machines run it."""
        return "WAREHOUSE" not in self.parameters

    @property
    def overlap(self) -> str:
        """Which runs may run at once."""
        if "OVERLAP_POLICY" in self.parameters:
            return str(self.parameters["OVERLAP_POLICY"])
        old = self.parameters.get("ALLOW_OVERLAPPING_EXECUTION")
        return "ALLOW_CHILD_OVERLAP" if old else "NO_OVERLAP"

    @property
    def timeout_seconds(self) -> float | None:
        """The task's own limit, or None when it has none of its own."""
        value = self.parameters.get("USER_TASK_TIMEOUT_MS")
        return None if value is None else (int(value) or LONGEST_TIMEOUT_MS) / 1000

    def plan(self) -> schedule.Interval | schedule.Cron | None:
        """Return the schedule, or None without one."""
        text = self.parameters.get("SCHEDULE")
        return schedule.parse(str(text)) if text else None

    def content(self) -> dict[str, Any]:
        """Return what a graph's version is made of: all that a run depends on but the state."""
        return {
            "id": self.id,
            "body": self.body,
            "parameters": dict(self.parameters),
            "session": dict(self.session),
            "after": [list(p) for p in self.after],
            "finalize": list(self.finalize) if self.finalize else None,
            "when": self.when,
            "user": self.user,
            "comment": self.comment,
        }

    def entry(self) -> Entry:
        """Return the catalogue's form."""
        return Entry(
            kind="TASK",
            path=self.path,
            owner=self.owner,
            created_on=self.created_on,
            comment=self.comment,
            properties={
                **self.content(),
                "state": self.state,
                "committed": self.committed,
                "suspended": self.suspended,
                "reason": self.reason,
                "failures": self.failures,
                "version": self.version,
                "base": self.base,
                "due": self.due,
            },
        )

    @classmethod
    def of(cls, entry: Entry) -> Task:
        """Return the task that an entry holds."""
        found = {key: value for key, value in entry.properties.items() if key != "comment"}
        after = tuple(Path(*parts) for parts in found.pop("after"))
        finalize = found.pop("finalize")
        return cls(
            path=entry.path,
            owner=entry.owner,
            comment=entry.comment,
            created_on=entry.created_on,
            after=after,
            finalize=Path(*finalize) if finalize else None,
            **found,
        )


def new_id() -> str:
    """Return the id of a new task."""
    return str(uuid.uuid4())


def find(account: Account, path: Path) -> Task:
    """Return a task or raise 002003."""
    entry = account.catalog.find("TASK", path)
    if entry is None:
        raise not_found("TASK", str(path))
    return Task.of(entry)


def checked(account: Account, key: str, value: Any) -> Any:
    """Return a parameter's value as it is kept.

    Raises:
        SnowflakeError: the parameter does not take it.
    """
    if key in _RANGES:
        low, high = _RANGES[key]
        if type(value) is not int or not low <= value <= high:
            raise invalid(f"invalid value [{value}] for parameter '{key}'")
        return value
    if key == "ALLOW_OVERLAPPING_EXECUTION":
        if not isinstance(value, bool):
            raise invalid(f"invalid value [{value}] for parameter '{key}'")
        return value
    text = str(value)
    match key:
        case "SCHEDULE":
            schedule.parse(text)
        case "TARGET_COMPLETION_INTERVAL":
            if not isinstance(schedule.parse(text), schedule.Interval):
                raise schedule.invalid_schedule(text)
        case "CONFIG":
            given_config(text)
        case "WAREHOUSE":
            text = fold(text)
            account.catalog.get("WAREHOUSE", Path("", "", text))
        case "ERROR_INTEGRATION" | "SUCCESS_INTEGRATION":
            text = _integration(account, key, text)
        case _:
            text = _word(key, text)
    return text


def _word(key: str, text: str) -> str:
    upper = text.upper()
    allowed: set[str] = set()
    if key == "OVERLAP_POLICY":
        allowed = set(OVERLAPS)
    elif key == "LOG_LEVEL":
        allowed = _LEVELS
    elif key.startswith(("SERVERLESS_TASK", "USER_TASK_MANAGED")):
        upper = upper.replace("-", "")
        largest = "XXLARGE"
        sizes = list(SIZES)
        allowed = set(sizes[: sizes.index(largest) + 1])
    if upper not in allowed:
        raise invalid(f"invalid value [{text}] for parameter '{key}'")
    return upper


def given_config(text: str) -> dict[str, Any]:
    """Return the configuration of a graph, or of one run of it.

    Raises:
        SnowflakeError: 091090, it is no JSON object.
    """
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise SnowflakeError(
            "Invalid CONFIG: the configuration of a task must be a JSON object.",
            number=91090,
            state="22023",
        )
    return found


def _integration(account: Account, key: str, text: str) -> str:
    entry = account.catalog.find("INTEGRATION", Path("", "", fold(text)))
    if entry is None:
        raise not_found("INTEGRATION", text)
    if entry.properties.get("type") != "QUEUE":
        # Source: "Set up error notifications for tasks": queues alone, no email and no webhook.
        raise invalid(f"Integration '{entry.name}' for {key} is no queue of a cloud provider.")
    return entry.name


def session_parameter(key: str, value: Any) -> Any:
    """Return the value of a session parameter of a task.

    Raises:
        SnowflakeError: it is none, or none that a task takes.
    """
    if key == "SEARCH_PATH" or (key == "AUTOCOMMIT" and value is False):
        raise invalid(f"parameter '{key}' cannot be set on a task")
    if key not in SESSION_PARAMETERS and key not in MORE_SESSION_PARAMETERS:
        raise invalid(f"invalid property '{key}' for 'TASK'")
    if key in SESSION_PARAMETERS and value is not None:
        return checked_parameter(key, value)
    return value if isinstance(value, bool | int | float) or value is None else str(value)


def condition(text: str) -> str:
    """Return a WHEN condition.

    Raises:
        SnowflakeError: it calls what needs a warehouse. Source: "CREATE TASK", WHEN.
    """
    tokens = tokenize(text)
    if not tokens:
        raise syntax_error("syntax error unexpected '<EOF>'.")
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.word in {"SELECT", "WITH"} or (
            following is not None
            and following.text == "("
            and token.kind == "WORD"
            and token.word not in _CALLABLE
        ):
            raise SnowflakeError(
                f"Invalid expression for task condition expression. {token.word} is not supported: "
                "only SYSTEM$STREAM_HAS_DATA and SYSTEM$GET_PREDECESSOR_RETURN_VALUE are.",
                number=91087,
                state="22023",
            )
    return text.strip()


def body(text: str) -> str:
    """Return the text of a task's statement.

    Raises:
        SnowflakeError: there is none, or more than one.
    """
    found = text.strip().rstrip(";").strip()
    if not found:
        raise syntax_error("syntax error unexpected '<EOF>'.")
    if len(split(found)) > 1:
        raise syntax_error("a task takes one statement, or a block.")
    return found


def whole(account: Account, task: Task) -> Task:
    """Return the task if its parts go together.

    Raises:
        SnowflakeError: they do not.
    """
    found = task.parameters
    name = task.path.name
    if task.after and task.finalize:
        raise invalid(f"Task {name} cannot have both FINALIZE and AFTER.")
    if not task.is_root:
        word = "predecessors" if task.after else "FINALIZE"
        for key in sorted(ROOT_ONLY & set(found)):
            raise SnowflakeError(
                f"Task {name} cannot have both {key} and {word}: it belongs to the root task.",
                number=91086,
                state="22023",
            )
    if "OVERLAP_POLICY" in found and "ALLOW_OVERLAPPING_EXECUTION" in found:
        raise invalid("OVERLAP_POLICY and ALLOW_OVERLAPPING_EXECUTION cannot both be set")
    if "WAREHOUSE" in found:
        for key in sorted(found):
            if key == "USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE" or key.startswith("SERVERLESS_"):
                raise invalid(f"WAREHOUSE and {key} cannot both be set")
        if "TARGET_COMPLETION_INTERVAL" in found:
            raise invalid("TARGET_COMPLETION_INTERVAL is for serverless tasks alone")
    if task.user and account.catalog.find("USER", Path("", "", task.user)) is None:
        raise not_found("USER", task.user)
    return task
