"""A deployed graph of tasks as a command sees it, opened from project, target and connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from sf_ml_framework.cli.account import open_account
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.workspace import open_workspace

if TYPE_CHECKING:
    from sf_ml_framework.deploy.graph_ports import GraphControl, JobControl
    from sf_ml_framework.manifest.model import Manifest
    from sf_ml_framework.places.snowflake.session import Account
    from sf_ml_framework.run.ports import Journal
    from sf_ml_framework.targets import Target

task_format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="Show the result to a person, or to a program.",
)
wait_option = click.option(
    "--wait", is_flag=True, help="Wait for its end, and tell each node as it ends."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedGraph:
    """A graph of tasks and what tells of it."""

    control: GraphControl
    jobs: JobControl
    book: Journal
    account: Account
    target: Target
    manifest: Manifest

    @property
    def place(self) -> str:
        """Where it stands, for a person."""
        return f"{self.target.database}.{self.target.schema}"


@contextmanager
def open_graph(invocation: Invocation, target: str) -> Iterator[OpenedGraph]:
    """Open the graph of a project in a target, as the role that owns its tasks.

    Args:
        invocation: names the project.
        target: name in ``mlops.yml``; empty: the default one.

    Raises:
        OperatorError: no connection is given.
    """
    from sf_ml_framework.places.snowflake.graph_control import SnowflakeGraph
    from sf_ml_framework.places.snowflake.jobs import SnowflakeJobs
    from sf_ml_framework.places.snowflake.journal import SnowflakeJournal
    from sf_ml_framework.plan import names

    with open_workspace(invocation) as workspace:
        wanted = workspace.chosen(target)
        manifest = workspace.manifest_in(wanted)
    with open_account(invocation, wanted.name, role=wanted.role) as opened:
        chosen, account = opened.target, opened.account
        control = SnowflakeGraph(
            account,
            chosen.database,
            chosen.schema,
            names.root_task(manifest.project),
            {names.node_task(node.name): node.name for node in manifest.nodes},
        )
        yield OpenedGraph(
            control=control,
            jobs=SnowflakeJobs(account),
            book=SnowflakeJournal(account, chosen.database, chosen.schema, manifest.project),
            account=account,
            target=chosen,
            manifest=manifest,
        )


def config_of(opened: OpenedGraph, options: dict[str, Any]) -> Any:
    """Return what ``--param``, ``--inputs``, ``--outputs`` and ``--force`` change of a run.

    Raises:
        UsageError: one of them names nothing, or gives what cannot be.
    """
    from sf_ml_framework.run import overrides
    from sf_ml_framework.run.bindings import bind
    from sf_ml_framework.run.graph_config import GraphConfig

    changed = overrides.parse(options["inputs"], options["outputs"], options["params"])
    # Here and now, rather than in the first container in some minutes.
    bind(opened.manifest, [node.name for node in opened.manifest.nodes], changed)
    return GraphConfig(
        inputs=changed.inputs,
        outputs=changed.outputs,
        params=changed.params,
        force=bool(options.get("force")),
    )
