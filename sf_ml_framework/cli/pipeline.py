"""``list``, ``dag`` and ``validate``: what the pipeline is, without running any of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
import msgspec

from sf_ml_framework.cli import faults
from sf_ml_framework.cli.commands import Command
from sf_ml_framework.cli.files import write_text
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.options import format_option
from sf_ml_framework.cli.output import Column, Form, shortened, terminal_width
from sf_ml_framework.cli.words import plural
from sf_ml_framework.cli.workspace import open_workspace
from sf_ml_framework.errors import Fault, ManifestError

if TYPE_CHECKING:
    from sf_ml_framework.manifest.model import Manifest, NodeSpec

_NODE_COLUMNS = (
    Column("node"),
    Column("reads", gives_way=True, least=20, can_go=True),
    Column("makes", gives_way=True, least=20),
    Column("description", gives_way=True, least=30),
)
_FAULT_COLUMNS = (Column("place"), Column("message"), Column("remedy"))

DagForm = Literal["text", "mermaid", "svg", "json"]


@click.command(cls=Command)
@format_option
@click.pass_obj
def list_nodes(invocation: Invocation, /, form: Form) -> None:
    """List the nodes of the pipeline.

    In the order in which they run, with what each reads and makes. As JSON with everything that
    is declared of each.

    Examples:
        mlops list
        mlops list --format json
    """
    with open_workspace(invocation) as workspace:
        rows = [_row(node) for node in workspace.manifest.nodes]
    invocation.output.table(_NODE_COLUMNS, rows, form, empty="the pipeline has no nodes")


@click.command(cls=Command)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "mermaid", "svg", "json"]),
    default="text",
    show_default=True,
    help="Text for a terminal, or for another program.",
)
@click.option("--output", type=Path, metavar="FILE", help="Write it there.")
@click.pass_obj
def dag(invocation: Invocation, /, form: DagForm, output: Path | None) -> None:
    """Draw the graph of the nodes.

    Which node waits for which, and for which dataset. `deps` is the same command.

    Examples:
        mlops dag
        mlops dag --format mermaid
        mlops dag --format svg --output pipeline.svg
    """
    with open_workspace(invocation) as workspace:
        manifest = workspace.manifest
    if output is None:
        if form == "json":
            invocation.output.json(_graph(manifest))
        else:
            width = terminal_width(invocation.output.stdout) if form == "text" else 0
            for line in _drawn(manifest, form).splitlines():
                invocation.output.text(shortened(line, width) if width else line)
        return
    text = (
        msgspec.json.format(msgspec.json.encode(_graph(manifest))).decode()
        if form == "json"
        else _drawn(manifest, form)
    )
    write_text(output, text.rstrip("\n") + "\n")
    invocation.output.talk(f"wrote {output}")


@click.command(cls=Command)
@format_option
@click.pass_obj
def validate(invocation: Invocation, /, form: Form) -> None:
    """Check the pipeline as it is declared.

    Tells all of its faults together, each with file, line and what to do, and ends with exit
    code 2 when there is any. `run` and `list` check the same before they begin.

    Examples:
        mlops validate
        mlops validate --format json
    """
    output = invocation.output
    found: tuple[Fault, ...] = ()
    project, nodes, datasets = "", 0, 0
    try:
        with open_workspace(invocation) as workspace:
            manifest = workspace.manifest
        project, nodes, datasets = manifest.project, len(manifest.nodes), len(manifest.datasets)
    except ManifestError as error:
        found = error.faults
    rows = [msgspec.structs.asdict(fault) for fault in found]
    if form == "json":
        output.json(
            {
                "valid": not found,
                "project": project,
                "nodes": nodes,
                "datasets": datasets,
                "faults": rows,
            }
        )
    elif form == "csv":
        output.table(_FAULT_COLUMNS, rows, "csv")
    elif found:
        for line in faults.lines_of_faults(found):
            output.complain(line)
    else:
        what = f"{plural(nodes, 'node')} and {plural(datasets, 'dataset')}"
        output.text(f"{project}: {what}, no faults")
    if found:
        raise click.exceptions.Exit(ManifestError.exit_code)


def _row(node: NodeSpec) -> dict[str, Any]:
    resources = node.resources
    return {
        "node": node.name,
        "reads": _unique(spec.dataset for spec in node.inputs),
        "makes": list(node.dataset_outputs),
        "description": node.description,
        "function": node.function,
        "waits_for": list(node.dependencies),
        "params": node.params,
        "tags": list(node.tags),
        "retries": node.retries,
        "timeout_seconds": resources.timeout_seconds,
        "compute_pool_size": str(resources.pool_size),
        "memory_bytes": resources.memory_bytes,
        "cpu_millis": resources.cpu_millis,
        "target_instances": resources.target_instances,
        "place": node.place,
    }


def _unique(names: Any) -> list[str]:
    return list(dict.fromkeys(names))


def _graph(manifest: Manifest) -> dict[str, Any]:
    """Return the graph for a program: nodes, datasets and who hands what to whom."""
    edges = []
    for node in manifest.nodes:
        for before in node.dependencies:
            made = set(manifest.node(before).dataset_outputs)
            through = _unique(spec.dataset for spec in node.inputs if spec.dataset in made)
            edges.append({"from": before, "to": node.name, "datasets": through})
    return {
        "project": manifest.project,
        "nodes": [_row(node) for node in manifest.nodes],
        "datasets": [
            {
                "name": dataset.name,
                "kind": dataset.kind,
                "version": dataset.version,
                "made_by": getattr(manifest.producer(dataset.name), "name", None),
                "description": dataset.description,
            }
            for dataset in manifest.datasets
        ],
        "edges": edges,
    }


def _drawn(manifest: Manifest, form: DagForm) -> str:
    from sf_ml_framework.show import dag as drawing

    match form:
        case "mermaid":
            return drawing.mermaid(manifest)
        case "svg":
            return drawing.svg(manifest)
        case _:
            return drawing.text(manifest)
