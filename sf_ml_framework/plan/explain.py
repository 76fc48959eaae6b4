"""A plan for a person: one line for each object, property old -> new below it, long values cut.

Reads the lists that ``to_sql`` reads, with one ``match``, so that nothing is done that nobody saw.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import unified_diff
from typing import Any, Literal, NamedTuple, assert_never

from sf_ml_framework.plan.changes import (
    Alter,
    Blocked,
    Change,
    Create,
    Difference,
    Expect,
    Keep,
    Link,
    Plan,
    Remove,
    ResumeRoot,
    ResumeTask,
    Retire,
    Step,
    SuspendRoot,
    Unlink,
)
from sf_ml_framework.plan.objects import Alert, Pool, Task, key_of

Style = Literal["good", "bad", "quiet", "strong", "plain"]

SHORT = 60
"""Characters of a value that are shown whole."""
MOST_LINES = 12
"""Lines of a changed text that are shown."""


class Line(NamedTuple):
    """One line of an explanation, and how it is to be seen."""

    text: str
    style: Style = "plain"


def lines(plan: Plan) -> list[str]:
    """Return the whole explanation as plain lines."""
    return [line.text for line in told(plan)]


def told(plan: Plan, *, kept: bool = False, cost: str = "") -> Iterator[Line]:
    """Yield the whole explanation: changes, warnings, and how many there are of each kind.

    Args:
        plan: what to explain.
        kept: whether objects that stay as they are get a line too.
        cost: what it changes of the costs, in a line; empty: nothing is said of it.
    """
    observed, desired = plan.observed, plan.desired
    where = f" in account {observed.account} as role {observed.role}" if observed.account else ""
    yield Line(f"{desired.project} to target {desired.target}{where}", "strong")
    shown = [each for each in plan.changes if kept or not isinstance(each, Keep)]
    if shown:
        yield Line("")
    for change in shown:
        yield from explained(change, delete=plan.delete)
    if plan.warnings:
        yield Line("")
    for warning in plan.warnings:
        yield Line(f"warning: {warning.message}", "bad")
        if warning.remedy:
            yield Line(f"  remedy: {warning.remedy}")
    if cost:
        yield Line("")
        yield Line(cost)
    yield Line("")
    yield Line(summary(plan), "strong")


def summary(plan: Plan) -> str:
    """Return how many objects are created, changed, removed and left as they are."""
    count = counts(plan)
    text = (
        f"Plan: {count['create']} to create, {count['change']} to change, "
        f"{count['remove']} to remove, {count['unchanged']} unchanged"
    )
    if count["expected"]:
        text += f", {count['expected']} made by others"
    return text + (f", {count['blocked']} impossible" if count["blocked"] else "")


def counts(plan: Plan) -> dict[str, int]:
    """Return for each kind of change how many objects it is about."""
    words = [word_for(change) for change in plan.changes]
    return {word: words.count(word) for word in dict.fromkeys(_WORDS.values())}


def word_for(change: Change) -> str:
    """Return what happens to the object of *change*, as it is counted."""
    return _WORDS[type(change)]


_WORDS = {
    Create: "create",
    Alter: "change",
    Remove: "remove",
    Keep: "unchanged",
    Expect: "expected",
    Blocked: "blocked",
}


def explained(change: Change | Step, *, delete: bool = True) -> Iterator[Line]:  # noqa: PLR0912
    """Yield the lines of one change or one step; the first names the object."""
    match change:
        case Create():
            yield Line(f"  + {key_of(change.wanted)}{_facts(change)}{_because(change)}", "good")
        case Alter():
            yield Line(f"  ~ {key_of(change.wanted)}", "strong")
            for difference in change.differences:
                yield from _difference(difference)
        case Keep():
            yield Line(f"    {key_of(change.wanted)}{_because(change)}", "quiet")
        case Remove():
            stays = _stays(change, delete=delete)
            yield Line(f"  - {key_of(change.standing)}{_because(change)}{stays}", "bad")
        case Retire():
            yield Line(f"  - {key_of(change.standing)} is suspended and stays", "bad")
        case Expect():
            does = f"; {change.remedy}" if change.remedy else ""
            yield Line(f"  ? {key_of(change.wanted)}{_because(change)}{does}")
        case Blocked():
            yield Line(f"  ! {key_of(change.wanted)} cannot become what is wanted", "bad")
            for difference in change.differences:
                yield from _difference(difference)
            yield Line(f"      remedy: {change.remedy}")
        case SuspendRoot():
            yield Line(f"  . suspend {change.task}: {change.reason}")
        case Link():
            yield Line(f"  . {change.task} waits for {', '.join(change.after)} too")
        case Unlink():
            yield Line(f"  . {change.task} no longer waits for {', '.join(change.after)}")
        case ResumeTask() | ResumeRoot():
            yield Line(f"  . resume {change.task}")
        case _:
            assert_never(change)


def _stays(change: Remove, *, delete: bool) -> str:
    """Return why what left the code is not removed now; empty where it is."""
    if change.is_administrators:
        return "; it stays: an administrator takes it away"
    return "" if delete else "; it stays: --delete removes it"


def _because(change: Create | Keep | Remove | Expect) -> str:
    """Return why, where it is not the same for every object."""
    return f": {change.reason}" if change.reason not in ("", "it does not stand") else ""


def _facts(change: Create) -> str:
    """Return what a person asks first of a new object."""
    match change.wanted:
        case Pool() as pool:
            return f" ({pool.family}, {pool.min_nodes} to {pool.max_nodes} nodes)"
        case Task() as task if task.after:
            return f" after {', '.join(task.after)}"
        case Task() as task if task.schedule:
            return f" ({task.schedule})"
        case Alert() as alert:
            return f" (every {alert.schedule.lower()})"
        case _:
            return ""


def _difference(difference: Difference) -> Iterator[Line]:
    old, new = word_of(difference.old), word_of(difference.new)
    if max(len(old), len(new)) <= SHORT and "\n" not in old + new:
        yield Line(f"      {difference.field}: {old} -> {new}")
        return
    found = list(
        unified_diff(old.splitlines() or [old], new.splitlines() or [new], n=0, lineterm="")
    )
    changed = [line for line in found[2:] if not line.startswith("@@")]
    yield Line(f"      {difference.field}: {len(changed)} lines differ")
    for line in changed[:MOST_LINES]:
        text = line[:1] + " " + line[1:]
        cut = text if len(text) <= 2 * SHORT else text[: 2 * SHORT - 3] + "..."
        yield Line(f"        {cut}", "good" if line.startswith("+") else "bad")
    if len(changed) > MOST_LINES:
        yield Line(f"        and {len(changed) - MOST_LINES} more", "quiet")


def word_of(value: Any) -> str:
    """Return a property's value for a person."""
    match value:
        case None | "" | ():
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case tuple():
            return ", ".join(map(str, value))
        case _:
            return str(value)
