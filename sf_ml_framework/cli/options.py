"""Options and arguments that several commands share, and how a shell completes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.errors import FrameworkError

_F = TypeVar("_F", bound=Callable[..., Any])
_Completion = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def names_in(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the names of an option that may be repeated and may hold commas."""
    return tuple(name.strip() for text in texts for name in text.split(",") if name.strip())


def format_option(function: _F) -> _F:
    """Add ``--format``, passed as ``form``."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(["table", "json", "csv"]),
        default="table",
        show_default=True,
        help="Show the result to a person, or to a program.",
    )(function)


def selection_options(function: _F) -> _F:
    """Add ``--nodes``, ``--from``, ``--to`` and ``--tags``, each passed as a tuple."""

    def names(*spellings: str, help: str, metavar: str = "NODE") -> Callable[[_F], _F]:  # noqa: A002
        completes = completes_tags if metavar == "TAG" else completes_nodes
        return click.option(
            *spellings, multiple=True, metavar=metavar, help=help, shell_complete=completes
        )

    decorators = (
        names(
            "--nodes",
            "--only",
            "nodes",
            help="Only these, with commas or repeated; +NODE is with all that it waits for,"
            " NODE+ with all that waits for it.",
        ),
        names("--from", "--start", "first", help="From this node on."),
        names("--to", "--end", "last", help="Up to this node, and with it."),
        names("--tags", "tags", metavar="TAG", help="Only nodes that have one of these tags."),
    )
    for decorate in reversed(decorators):
        function = decorate(function)
    return function


def params_option(function: _F) -> _F:
    """Add ``--params``."""
    return click.option(
        "--params",
        multiple=True,
        metavar="NAME=VALUE",
        help="Give a parameter another value; repeatable. NODE.NAME is that of one node.",
    )(function)


def inputs_option(function: _F) -> _F:
    """Add ``--inputs``."""
    return click.option(
        "--inputs",
        metavar="JSON",
        default="",
        help="""Parameters and datasets, as in '{"rows": 50}' or"""
        """ '{"customers": "raw_customers@v1.2.0"}'.""",
    )(function)


def outputs_option(function: _F) -> _F:
    """Add ``--outputs``."""
    return click.option(
        "--outputs",
        metavar="JSON",
        default="",
        help="""Where results go, as in '{"features": "features@v2.0.0-trial"}'.""",
    )(function)


def data_format_option(function: _F) -> _F:
    """Add ``--data-format``."""
    return click.option(
        "--data-format",
        type=click.Choice(["csv", "parquet"]),
        help="Format of the tables; mlops.yml says which by default.",
    )(function)


def node_argument(function: _F) -> _F:
    """Add the argument ``NODE``."""
    return click.argument("node", metavar="NODE", shell_complete=completes_nodes)(function)


def run_argument(*, required: bool) -> Callable[[_F], _F]:
    """Add the argument ``RUN``, passed as ``run``."""
    metavar = "RUN" if required else "[RUN]"
    return click.argument("run", metavar=metavar, required=required, shell_complete=completes_runs)


def completes_nodes(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the nodes that begin with *incomplete*; none outside a project."""
    head, comma, last = incomplete.rpartition(",")
    return _found(
        context,
        lambda workspace: [
            CompletionItem(f"{head}{comma}{node.name}", help=node.description)
            for node in workspace.manifest.nodes
            if node.name.startswith(last)
        ],
    )


def completes_tags(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the tags that begin with *incomplete*."""
    return _found(
        context,
        lambda workspace: [
            CompletionItem(tag)
            for tag in sorted({tag for node in workspace.manifest.nodes for tag in node.tags})
            if tag.startswith(incomplete)
        ],
    )


def completes_runs(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the newest runs that begin with *incomplete*."""
    return _found(
        context,
        lambda workspace: [
            CompletionItem(run.run_id, help=run.command)
            for run in workspace.journal.runs(limit=50)
            if run.run_id.startswith(incomplete)
        ],
    )


def _found(
    context: click.Context, look: Callable[[Any], list[CompletionItem]]
) -> list[CompletionItem]:
    from sf_ml_framework.cli.workspace import open_workspace

    try:
        with open_workspace(context.ensure_object(Invocation)) as workspace:
            return look(workspace)
    except (FrameworkError, OSError):
        # Who presses Tab is helped by silence more than by an error.
        return []
