"""One run as one page of HTML that needs no network, no server and no script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from sf_ml_framework.author.report import Report
from sf_ml_framework.manifest.model import Manifest
from sf_ml_framework.run.records import NodeRun, RunRecord, Saved
from sf_ml_framework.show import picture, words
from sf_ml_framework.show.figures import Table, data_uri, table_of

if TYPE_CHECKING:
    from jinja2 import Template

_MOST_LAYERS = 8
"""Nodes in a row that a wide page can still show from left to right."""
_LONGEST_CARD = 16
"""Characters of a value that still reads well on a card."""


class _Section(NamedTuple):
    """One report."""

    dataset: str
    node: str
    title: str
    cards: list[tuple[str, str]]
    lines: list[tuple[str, str]]
    """Metrics that are too long for a card."""
    tables: list[tuple[str, Table]]
    figures: list[tuple[str, str]]
    notes: list[str]


def render(
    run: RunRecord,
    nodes: Sequence[NodeRun],
    manifest: Manifest,
    reports: Mapping[str, Report],
) -> str:
    """Return the page of *run*.

    Args:
        run: the run.
        nodes: its nodes; those that never began may be left out.
        manifest: the project as it ran.
        reports: by dataset what its nodes reported; shown in the order of the graph.
    """
    from markupsafe import Markup

    by_name = {node.node: node for node in nodes}
    selection = run.selection or tuple(node.node for node in nodes)
    ordered = [node.name for node in manifest.nodes if node.name in selection]
    return template().render(
        run=run,
        status=words.state_named(run.status),
        summary=_summary(ordered, by_name),
        graph=_graph(manifest, by_name),
        dag_style=Markup(picture.STYLE),  # noqa: S704 - a constant of ours
        nodes=[(name, by_name.get(name)) for name in ordered],
        failures=[by_name[name] for name in ordered if name in by_name and by_name[name].error],
        sections=_sections(manifest, reports),
        parameters=[(name, by_name[name].params) for name in ordered if name in by_name],
        datasets=_datasets(by_name[name] for name in ordered if name in by_name),
        libraries=[each for each in sorted(run.libraries.items()) if not each[0].startswith("<")],
    )


@cache
def template() -> Template:
    """Return the page's template, compiled once in a process.

    Whoever has time before the first page asks for it early.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("sf_ml_framework.show", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": words.number,
        "seconds": words.seconds,
        "took": words.took,
        "size": words.size,
        "moment": words.moment,
        "reason": words.reason,
        "state": words.state_of,
        "json": _json,
        "breakable": _breakable,
    }
    return environment.get_template("page.html.j2")


def _summary(ordered: Sequence[str], by_name: Mapping[str, NodeRun]) -> str:
    counts: dict[str, int] = {}
    for name in ordered:
        word = words.state_of(by_name.get(name)).word
        counts[word] = counts.get(word, 0) + 1
    return ", ".join(f"{count} {word}" for word, count in counts.items())


def _graph(manifest: Manifest, runs: Mapping[str, NodeRun]) -> dict[str, str]:
    from markupsafe import Markup

    # Both are our own markup, every name in them escaped.
    narrow = Markup(picture.svg(manifest, runs, downwards=True, style=False))  # noqa: S704
    if _longest_row(manifest) > _MOST_LAYERS:
        return {"narrow": narrow, "wide": narrow}
    return {"narrow": narrow, "wide": Markup(picture.svg(manifest, runs, style=False))}  # noqa: S704


def _longest_row(manifest: Manifest) -> int:
    """Return how many nodes wait for each other in the longest row."""
    rows: dict[str, int] = {}
    for node in manifest.nodes:
        rows[node.name] = 1 + max((rows[each] for each in node.dependencies), default=0)
    return max(rows.values(), default=0)


def _sections(manifest: Manifest, reports: Mapping[str, Report]) -> list[_Section]:
    made = {name: node.name for node in manifest.nodes for name in node.dataset_outputs}
    order = [name for name in made if name in reports]
    order += [name for name in reports if name not in made]
    return [_section(name, made.get(name, ""), reports[name]) for name in order]


def _section(dataset: str, node: str, report: Report) -> _Section:
    metrics = [(str(name), words.number(value)) for name, value in report.metrics.items()]
    return _Section(
        dataset=dataset,
        node=node,
        title=report.title,
        cards=[each for each in metrics if len(each[1]) <= _LONGEST_CARD],
        lines=[each for each in metrics if len(each[1]) > _LONGEST_CARD],
        tables=[(str(caption), table_of(value)) for caption, value in report.tables.items()],
        figures=[(str(caption), data_uri(value)) for caption, value in report.figures.items()],
        notes=[str(note) for note in report.notes],
    )


def _datasets(nodes: Iterable[NodeRun]) -> list[Saved]:
    """Return each version that was read or written, once, in the order of the graph."""
    found: dict[tuple[str, str, str], Saved] = {}
    for node in nodes:
        for saved in (*node.inputs, *node.outputs):
            found.setdefault((saved.dataset, saved.version, saved.content), saved)
    return list(found.values())


def _breakable(name: str) -> str:
    """Return *name* such that a narrow line may break it between words."""
    from markupsafe import Markup, escape

    return escape(name).replace("_", Markup("_<wbr>"))


def _json(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
