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
    """A kind of reason, as in the records."""
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
    """Datasets whose content differs; a value has version, rows and content."""
    metrics: tuple[Difference, ...]
    """All metrics of nodes with results in both runs that are not equal."""
    statuses: tuple[Difference, ...] = ()
    """Nodes whose results stand after one run and not after the other."""
    only_first: tuple[str, ...] = ()
    """Nodes that the second run does not have."""
    only_second: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether the second run computed what the first did."""
        came_out = (self.outputs, self.metrics, self.statuses)
        return not any((self.changes, *came_out, self.only_first, self.only_second))


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
    both = [(name, old[name], new[name]) for name in new if name in old]
    done = [each for each in both if _is_done(each[1]) and _is_done(each[2])]
    changes = [
        change
        for name, one, other in both
        for change in _changes(name, one, other, functions.get(name, ""))
    ]
    return Comparison(
        changes=tuple(changes),
        environment=tuple(_environment(before, after)),
        outputs=tuple(each for nodes in done for each in _outputs(*nodes)),
        metrics=tuple(each for nodes in done for each in _metrics(*nodes)),
        statuses=tuple(
            Difference(node=name, name="status", before=_status(one), after=_status(other))
            for name, one, other in both
            if _is_done(one) != _is_done(other)
        ),
        only_first=tuple(name for name in old if name not in new),
        only_second=tuple(name for name in new if name not in old),
    )


def _is_done(node_run: NodeRun) -> bool:
    return node_run.status in ("succeeded", "skipped")


def _status(node_run: NodeRun) -> str:
    return "not run" if node_run.reason.kind == "not_started" else node_run.status


def _changes(name: str, old: NodeRun, new: NodeRun, function: str) -> Iterator[Change]:
    if old.key and new.key:
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


def _outputs(name: str, old: NodeRun, new: NodeRun) -> Iterator[Difference]:
    before, after = _saved(old), _saved(new)
    for dataset in dict.fromkeys([*after, *before]):
        one, other = before.get(dataset), after.get(dataset)
        if one and other and one.content != other.content:
            yield Difference(node=name, name=dataset, before=_stood(one), after=_stood(other))


def _stood(saved: Saved) -> dict[str, Any]:
    return {"version": saved.version, "rows": saved.rows, "content": saved.content}


def _saved(node_run: NodeRun) -> dict[str, Saved]:
    return {saved.dataset: saved for saved in node_run.outputs}


def _metrics(name: str, old: NodeRun, new: NodeRun) -> Iterator[Difference]:
    before, after = old.metrics, new.metrics
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
