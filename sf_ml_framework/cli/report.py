"""``report``: one run as one page of HTML, written after a run or when it is asked for."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sf_ml_framework.cli.alive import settled
from sf_ml_framework.cli.commands import Command
from sf_ml_framework.cli.files import write_text
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.options import run_argument
from sf_ml_framework.cli.output import Output
from sf_ml_framework.cli.where import where_options
from sf_ml_framework.cli.workspace import Workspace, open_workspace
from sf_ml_framework.errors import FrameworkError, UsageError

if TYPE_CHECKING:
    from sf_ml_framework.run.records import NodeRun, RunRecord, Saved

FILE = "report.html"
"""Name of the page, in the folder of its run and, for the newest run, in that of the data."""

_LOGGER = logging.getLogger(__name__)


@click.command(cls=Command)
@run_argument(required=False)
@click.option("--output", "target", type=Path, metavar="FILE", help="Write the page there.")
@click.option("--open", "opened", is_flag=True, help="Open it in the browser.")
@where_options
@click.pass_obj
def report(invocation: Invocation, /, run: str | None, target: Path | None, opened: bool) -> None:
    """Write the report of a run, for a browser.

    One self-contained page: the graph, how each node ended, metrics, tables, pictures,
    parameters and versions. It is written anew, for the newest run by default; `run` has
    already written one wherever a node was run.

    Examples:
        mlops report --open
        mlops report last --output churn.html
    """
    output = invocation.output
    with open_workspace(invocation, anywhere=True) as workspace:
        journal = workspace.journal
        if run is None and not journal.runs(limit=1):
            raise UsageError("nothing has run here yet", remedy="`mlops run` makes the first run")
        record = journal.run(run or "last")
        record, nodes = settled(workspace, record, journal.node_runs(record.run_id))
        page = target or workspace.folder_of_run(record.run_id) / FILE
        write_text(page, rendered(workspace, record, nodes, output))
        if target is None and record.run_id == journal.run("last").run_id:
            page = _copied(page, workspace.data / FILE)
        output.text(workspace.shown(page))
    if opened:
        import webbrowser

        if not webbrowser.open(page.resolve().as_uri()):
            output.talk("no browser could be opened; open the file above by hand")


def prepare() -> None:
    """Import and compile what the page of a run needs."""
    from sf_ml_framework.show import page

    page.template()


def after_run(
    workspace: Workspace, record: RunRecord, nodes: Sequence[NodeRun], output: Output
) -> Path | None:
    """Write the page of a run in which a node was run, and return where it stands.

    What goes wrong here is told and no fault of the run: its results stand.
    """
    if not any(node_run.status in ("succeeded", "failed") for node_run in nodes):
        page = workspace.data / FILE
        return page if page.exists() else None
    page = workspace.folder_of_run(record.run_id) / FILE
    try:
        write_text(page, rendered(workspace, record, nodes, output))
        return _copied(page, workspace.data / FILE)
    except Exception as error:
        # A picture that cannot be drawn undoes no run.
        _LOGGER.debug("the report failed", exc_info=True)
        output.complain(f"warning: the report could not be written: {error}")
        return None


def rendered(
    workspace: Workspace, record: RunRecord, nodes: Sequence[NodeRun], output: Output
) -> str:
    """Return the page of a run; what it reported and what was overwritten since is left out."""
    from sf_ml_framework.show import page

    reports: dict[str, Any] = {}
    kinds = {dataset.name: dataset for dataset in workspace.manifest.datasets}
    if workspace.mode == "snowflake":
        reports, gone = workspace.reports_of(nodes)
        for why in gone:
            output.talk(f"a report is left out: {why}")
        return page.render(record, nodes, workspace.manifest, reports)
    for saved in (saved for node_run in nodes for saved in node_run.outputs):
        dataset = kinds.get(saved.dataset)
        if dataset is None or dataset.kind != "report":
            continue
        if why := _why_gone(workspace, saved):
            output.talk(f"the report {saved.dataset}@{saved.version} is left out: {why}")
            continue
        try:
            reports[dataset.name] = workspace.place.load(dataset, saved.version, frame="any")
        except FrameworkError as error:
            output.talk(f"the report {saved.dataset}@{saved.version} is left out: {error}")
    return page.render(record, nodes, workspace.manifest, reports)


def _why_gone(workspace: Workspace, saved: Saved) -> str:
    """Return why what a run reported cannot be shown any more; empty when it can."""
    stands = workspace.place.find(workspace.manifest.dataset(saved.dataset), saved.version)
    if stands is None:
        return "it is no longer there"
    return "" if stands.content == saved.content else "a later run has replaced it"


def _copied(page: Path, beside_data: Path) -> Path:
    write_text(beside_data, page.read_text(encoding="utf-8"))
    return beside_data
