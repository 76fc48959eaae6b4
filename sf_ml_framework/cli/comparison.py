"""What lies between two runs: what was changed, and what that did. Pure, from records alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from sf_ml_framework.run.keys import differences
from sf_ml_framework.run.records import NodeRun, RunRecord, Saved


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that decides what a node computes, and is not what it was."""

    node: str
    kind: str
    """A kind of reason of the records, or ``node_added`` or ``node_removed``."""
    detail: str


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One value of the first run beside that of the second; null where there is none."""

    node: str
    name: str
    before: Any
    after: Any
    delta: float | None = None
    """The second less the first, where both are numbers."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two runs side by side."""

    changes: tuple[Change, ...]
    """Code, parameters, data, libraries: causes."""
    environment: tuple[Difference, ...]
    """Commit, Python, settings: what may have been a cause."""
    outputs: tuple[Difference, ...]
    """Datasets whose content differs; a value is its rows, or its version where none count."""
    metrics: tuple[Difference, ...]
    """All metrics of both runs that are not equal."""

    @property
    def same(self) -> bool:
        """Whether the second run computed what the first did."""
        return not (self.changes or self.outputs or self.metrics)


def compare(
    before: RunRecord,
    before_nodes: Sequence[NodeRun],
    after: RunRecord,
    after_nodes: Sequence[NodeRun],
    functions: Mapping[str, str],
) -> Comparison:
    """Return what lies between two runs.

    Args:
        before: the first run.
        before_nodes: its nodes.
        after: the second run.
        after_nodes: its nodes, in the order in which they are told.
        functions: ``module:qualname`` of each node that the project has now.
    """
    old = {node_run.node: node_run for node_run in before_nodes}
    new = {node_run.node: node_run for node_run in after_nodes}
    names = [*new, *(name for name in old if name not in new)]
    return Comparison(
        changes=tuple(
            change
            for name in names
            for change in _changes(name, old.get(name), new.get(name), functions.get(name, ""))
        ),
        environment=tuple(_environment(before, after)),
        outputs=tuple(
            difference
            for name in names
            for difference in _outputs(name, old.get(name), new.get(name))
        ),
        metrics=tuple(
            difference
            for name in names
            for difference in _metrics(name, old.get(name), new.get(name))
        ),
    )


def _changes(
    name: str, old: NodeRun | None, new: NodeRun | None, function: str
) -> Iterator[Change]:
    if old is None or new is None:
        kind, which = ("node_added", "first") if old is None else ("node_removed", "second")
        yield Change(node=name, kind=kind, detail=f"it is not in the {which} run")
    elif old.key and new.key:
        for reason in differences(old.key, new.key, function=function, kinds={}):
            yield Change(node=name, kind=reason.kind, detail=reason.detail)


def _environment(before: RunRecord, after: RunRecord) -> Iterator[Difference]:
    pairs = [
        ("commit", _commit(before), _commit(after)),
        ("python", before.python, after.python),
        ("framework", before.framework, after.framework),
        *(
            (f"settings.{name}", before.settings.get(name), after.settings.get(name))
            for name in sorted({*before.settings, *after.settings})
        ),
    ]
    for name, old, new in pairs:
        if old != new:
            yield Difference(node="", name=name, before=old, after=new)


def _commit(run: RunRecord) -> str:
    return f"{run.git_commit}{' with changes' if run.git_dirty else ''}"


def _outputs(name: str, old: NodeRun | None, new: NodeRun | None) -> Iterator[Difference]:
    before, after = _saved(old), _saved(new)
    for dataset in dict.fromkeys([*after, *before]):
        one, other = before.get(dataset), after.get(dataset)
        if one and other and one.content != other.content:
            rows = one.rows, other.rows
            yield Difference(
                node=name,
                name=dataset,
                before=one.version if rows[0] is None else rows[0],
                after=other.version if rows[1] is None else rows[1],
            )


def _saved(node_run: NodeRun | None) -> dict[str, Saved]:
    return {saved.dataset: saved for saved in node_run.outputs} if node_run else {}


def _metrics(name: str, old: NodeRun | None, new: NodeRun | None) -> Iterator[Difference]:
    before, after = (each.metrics if each else {} for each in (old, new))
    for metric in dict.fromkeys([*after, *before]):
        one, other = before.get(metric), after.get(metric)
        if one != other:
            yield Difference(
                node=name,
                name=metric,
                before=one,
                after=other,
                delta=_delta(one, other),
            )


def _delta(one: Any, other: Any) -> float | None:
    for value in (one, other):
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
    return float(other - one)
