"""The program in a container: run one node, or be a worker of a run on this machine.

``python -m sf_ml_framework.container --node NAME`` runs a node of the project around the
current folder; ``src/utils/run_node.py`` is the same for its own project. Exit codes: 0 it
succeeded, 1 the node failed, 2 it was called wrongly, 3 an operator must act, 4 the platform
failed or this framework has a fault; 130, 143 and 129 after Ctrl-C, SIGTERM and SIGHUP.
"""

from __future__ import annotations

import logging
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

from sf_ml_framework import settings as project_settings
from sf_ml_framework.errors import FrameworkError, PlatformError
from sf_ml_framework.run.records import NodeRun
from sf_ml_framework.settings import Settings

if TYPE_CHECKING:
    import argparse

_LOGGER = logging.getLogger("mlops")
INSIDE = "SNOWFLAKE_RUNNING_INSIDE_SPCS"
"""Is set in every container. Source: read in ``snowflake.connector`` 4.8."""
_STOPPED = {"Ctrl-C": 130, "SIGTERM": 143, "SIGHUP": 129}

EXAMPLE = """example:
  python src/utils/run_node.py --node generate_sample_data --inputs '{"num_customers": 50}'
"""


def main(argv: Sequence[str] | None = None, *, start: Path | None = None) -> int:
    """Run the program and return its exit code.

    Args:
        argv: the arguments; none: those of this process.
        start: folder from which the project is looked for when no argument names it; none: the
            working directory.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["worker"]:
        from sf_ml_framework.container.laptop import work

        return work(arguments[1:])
    given = _parser().parse_args(arguments)
    with _logging(given):
        try:
            return _run(given, arguments, start)
        except FrameworkError as error:
            _tell(str(error), error.remedy)
            return error.exit_code
        except Exception:
            # Python itself would end with 1, which says that the author must act.
            _LOGGER.exception("%s: %s", given.node, "it came to an end that nobody foresaw")
            _tell("this is a fault of the framework, not of the node", "please report it")
            return PlatformError.exit_code


def _parser() -> argparse.ArgumentParser:
    import argparse

    parser = argparse.ArgumentParser(
        prog="run_node",
        description="Run one node of the pipeline.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--node", required=True, help="name of the node")
    parser.add_argument(
        "--inputs",
        default="",
        metavar="JSON",
        help="parameters, and datasets of arguments, that differ from the pipeline's",
    )
    parser.add_argument(
        "--outputs", default="", metavar="JSON", help="where the results go, as name@version"
    )
    parser.add_argument("--run-id", default="", help="run to record under; a new one else")
    parser.add_argument(
        "--project", default="", metavar="DIR", help="the project's folder, or one below it"
    )
    parser.add_argument(
        "--log-format",
        choices=("text", "json"),
        help="how lines are logged; JSON in a container, text elsewhere",
    )
    return parser


def _run(given: argparse.Namespace, arguments: Sequence[str], start: Path | None) -> int:
    from sf_ml_framework.run.interrupts import Stopped, stop_on_signals

    named = given.project or os.environ.get("MLOPS_PROJECT_DIR", "")
    root = project_settings.find_root(Path(named) if named else start or Path.cwd())
    settings = project_settings.load(root)
    try:
        with stop_on_signals():
            node_run = _run_node(given, root, settings, shlex.join(["run_node", *arguments]))
    except Stopped as stopped:
        _LOGGER.warning("%s: %s", given.node, stopped)
        return _STOPPED[stopped.name]
    return _report(node_run)


def _run_node(given: argparse.Namespace, root: Path, settings: Settings, command: str) -> NodeRun:
    from sf_ml_framework.run import overrides

    changed = overrides.parse(given.inputs, given.outputs)
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    _LOGGER.info("%s: started", given.node)
    if _in_account(root):
        from sf_ml_framework.container.account import run_node
    else:
        from sf_ml_framework.container.laptop import run_node
    return run_node(root, settings, given.node, changed, run_id=given.run_id, command=command)


def _in_account(root: Path) -> bool:
    """Return whether the node's data are in an account, as MLOPS_MODE or a connection says."""
    from sf_ml_framework import connection

    return connection.decided(root, os.environ, {}) == "snowflake"


def _report(node_run: NodeRun) -> int:
    """Log how the node ended, and return the exit code."""
    for note in node_run.notes:
        _LOGGER.warning("%s: %s", node_run.node, note)
    if node_run.error:
        if node_run.trace:
            _LOGGER.error("%s", node_run.trace)
        _tell(node_run.error, node_run.remedy)
        return node_run.exit_code
    for saved in node_run.outputs:
        rows = "" if saved.rows is None else f", {saved.rows} rows"
        _LOGGER.info(
            "%s: %s@%s%s, %s", node_run.node, saved.dataset, saved.version, rows, saved.location
        )
    if node_run.status == "skipped":
        _LOGGER.info("%s: skipped, unchanged %s", node_run.node, node_run.reason.detail)
        return 0
    _LOGGER.info(
        "%s: succeeded in %.1f s, run %s", node_run.node, node_run.seconds, node_run.run_id
    )
    return 0


def _tell(message: str, remedy: str) -> None:
    _LOGGER.error("%s", message)
    if remedy:
        _LOGGER.error("what to do: %s", remedy)


@contextmanager
def _logging(given: argparse.Namespace) -> Iterator[None]:
    """Log in the format that was asked for, as long as the program runs.

    Text goes to standard error. JSON goes to standard output, with what the node prints.
    """
    from sf_ml_framework.run.logs import FORMAT, JsonFormatter, LoggedLines, quieten_libraries

    as_text = (given.log_format or ("json" if os.environ.get(INSIDE) else "text")) == "text"
    handler = logging.StreamHandler(sys.stderr if as_text else sys.stdout)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    quieten_libraries()
    try:
        if as_text:
            handler.setFormatter(logging.Formatter(FORMAT))
            yield
        else:
            handler.setFormatter(JsonFormatter(node=given.node))
            logging.captureWarnings(capture=True)
            lines = LoggedLines(logging.getLogger("stdout"))
            with redirect_stdout(cast(TextIO, lines)), closing(lines):
                yield
    finally:
        if not as_text:
            logging.captureWarnings(capture=False)
        root.removeHandler(handler)
        root.setLevel(level)
