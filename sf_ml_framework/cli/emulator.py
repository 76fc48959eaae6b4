"""``emulator``: a local Snowflake in the background, for tests and for trying a deployment.

It is started as a program of its own and never imported: the other commands reach it as they
reach any account, by host, port and credentials.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import click
import msgspec

from sf_ml_framework.cli.emulator_image import image, password_option
from sf_ml_framework.cli.emulator_server import Server, ServerFolder
from sf_ml_framework.cli.groups import Group
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.options import format_option
from sf_ml_framework.cli.output import Column, Form
from sf_ml_framework.cli.workspace import Workspace, open_workspace
from sf_ml_framework.errors import OperatorError, UsageError

RUNTIMES = ("process", "podman", "docker", "buildah")


@click.group(cls=Group, subcommand_metavar="COMMAND ...")
def emulator() -> None:
    """Run a local Snowflake for tests and trials.

    The official clients talk to it as to an account; nothing leaves this machine. One runs for
    each project, in the background, and keeps what is committed in .mlops/emulator.

    Examples:
        mlops emulator start --write-connection
        mlops emulator status
        mlops emulator stop
    """


class StartOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What was typed after ``emulator start``."""

    port: int
    state: Path | None
    in_memory: bool
    account: str
    user: str
    password: str | None
    record: Path | None
    control: bool
    container_runtime: str
    write_connection: str | None
    timeout: float
    form: Form

    @property
    def arguments(self) -> list[str]:
        """The server's own options, but for its folder and its password."""
        found = ["--port", str(self.port), "--account", self.account, "--user", self.user]
        if self.record is not None:
            found += ["--record", str(self.record.absolute())]
        if self.control:
            found.append("--control")
        if self.container_runtime != "process":
            found += ["--container-runtime", self.container_runtime]
        return found


@emulator.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    metavar="N",
    help="Port; 0 picks a free one.",
)
@click.option(
    "--state",
    type=Path,
    metavar="DIR",
    help="Keep what is committed there. [default: .mlops/emulator/state]",
)
@click.option("--in-memory", is_flag=True, help="Keep nothing.")
@click.option("--account", default="emulator", show_default=True, help="Name of the account.")
@click.option("--user", default="mlops", show_default=True, help="User who may do everything.")
@password_option
@click.option("--record", type=Path, metavar="FILE", help="Append each statement there, as JSON.")
@click.option("--control", is_flag=True, help="Let tests on this machine move its clock.")
@click.option(
    "--container-runtime",
    type=click.Choice(RUNTIMES),
    default="process",
    show_default=True,
    help="What runs containers: local processes, or images that were built.",
)
@click.option(
    "--write-connection",
    is_flag=False,
    flag_value="",
    metavar="[FILE]",
    help="Write the entry [emulator] into FILE. [default: .mlops/connections.toml]",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long it may take to be ready.",
)
@format_option
@click.pass_obj
def start(invocation: Invocation, /, **options: Any) -> None:
    """Start it, and tell how to connect.

    Returns when it answers. What it prints are lines for a shell; with --write-connection a
    connection named emulator is also written, readable by you alone, into connections.toml in
    .mlops, which SNOWFLAKE_HOME=.mlops lets every client find.

    Examples:
        mlops emulator start
        eval "$(mlops emulator start --quiet)"
        mlops emulator start --port 8084 --in-memory --control
        mlops emulator start --write-connection --format json
    """
    asked = StartOptions(**options)
    if asked.in_memory and asked.state is not None:
        raise UsageError(
            "--in-memory and --state contradict each other", remedy="give one of the two"
        )
    with open_workspace(invocation) as workspace:
        folder = ServerFolder(workspace.state)
        kept = None if asked.in_memory else (asked.state or folder.kept).absolute()
        server = folder.start(
            asked.arguments, kept=kept, password=asked.password, timeout_seconds=asked.timeout
        )
        try:
            file = _written(workspace, server, asked)
        except BaseException:
            # What cannot be connected to as asked is no start, nor is what was interrupted.
            folder.stop()
            raise
    _tell_started(invocation, server, asked, file)


def _written(workspace: Workspace, server: Server, asked: StartOptions) -> Path | None:
    """Write the connection, where that is wanted, and return its file."""
    from sf_ml_framework.cli import emulator_connection as connection

    if asked.write_connection is None:
        return None
    named = Path(asked.write_connection) if asked.write_connection else None
    file = (named or workspace.state / connection.FILE).absolute()
    connection.write(file, server, asked.password)
    return file


def _tell_started(
    invocation: Invocation, server: Server, asked: StartOptions, file: Path | None
) -> None:
    from sf_ml_framework.cli import emulator_connection as connection

    output = invocation.output
    row = {**_row(server), "connection": connection.parameters(server), "file": str(file or "")}
    if asked.form == "json":
        output.json(row)
        return
    if asked.form == "csv":
        output.table(_COLUMNS, [row], asked.form)
        return
    output.talk(f"emulator ready at {server.url} (process {server.pid})")
    for line in connection.environment_lines(server):
        output.text(line)
    if not server.default_password:
        output.talk("SNOWFLAKE_PASSWORD is the one that you gave")
    if file is not None:
        output.talk(f"wrote the connection [{connection.NAME}] to {file}")
        output.talk(f"clients find it with SNOWFLAKE_HOME={file.parent}")


@emulator.command()
@click.option("--forget", is_flag=True, help="Also remove what it kept in .mlops/emulator/state.")
@click.pass_obj
def stop(invocation: Invocation, /, *, forget: bool) -> None:
    """Stop it.

    Containers, tasks and all else that it started end with it, within five seconds. It is no
    fault when none runs.

    Examples:
        mlops emulator stop
        mlops emulator stop --forget
    """
    with open_workspace(invocation) as workspace:
        folder = ServerFolder(workspace.state)
        stopped = folder.stop()
        if forget:
            folder.forget()
    output = invocation.output
    output.talk(f"stopped process {stopped.pid}" if stopped else "no emulator of this project ran")
    if forget:
        output.talk(f"forgot what was in {folder.kept}")


@emulator.command(exits={0: "it runs", 2: "", 3: "none runs, or something is in the way"})
@format_option
@click.pass_context
def status(context: click.Context, /, *, form: Form) -> int:
    """Tell whether one runs, and where.

    Examples:
        mlops emulator status
        mlops emulator status --format json
    """
    invocation = context.ensure_object(Invocation)
    with open_workspace(invocation) as workspace:
        server = ServerFolder(workspace.state).find()
    row = _row(server) if server else {"state": "stopped"}
    invocation.output.table(_COLUMNS, [row], form)
    return 0 if row["state"] == "running" else 3


@emulator.command()
@click.option(
    "--lines",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    metavar="N",
    help="Only the last N; 0 is all.",
)
@click.option("--follow", is_flag=True, help="Go on until it stops, or until Ctrl-C.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Show the result to a person, or to a program.",
)
@click.pass_obj
def logs(
    invocation: Invocation, /, *, lines: int, follow: bool, form: Literal["text", "json"]
) -> None:
    """Print what it said.

    Its own messages and faults, since its last start. What it was asked stands in the file that
    `start --record` names.

    Examples:
        mlops emulator logs
        mlops emulator logs --lines 0 --format json
        mlops emulator logs --follow
    """
    if follow and form == "json":
        raise UsageError("--follow tells lines as they come", remedy="leave out --format json")
    with open_workspace(invocation) as workspace:
        folder = ServerFolder(workspace.state)
    if not folder.log.exists():
        raise OperatorError(
            "no emulator of this project was started yet", remedy="start it: mlops emulator start"
        )
    said = folder.lines()
    if form == "json":
        invocation.output.json({"file": str(folder.log), "lines": said[-lines:]})
        return
    for line in said[-lines:]:
        invocation.output.text(line)
    if follow:
        for line in _coming(folder, len(said)):
            invocation.output.text(line)


def _coming(folder: ServerFolder, seen: int) -> Iterator[str]:
    """Yield the lines that come after the first *seen*, as long as the server runs."""
    while True:
        alive = folder.find() is not None
        said = folder.lines()
        yield from said[seen:]
        seen = len(said)
        if not alive:
            return
        time.sleep(0.2)


def _row(server: Server) -> dict[str, Any]:
    return {
        "state": "running" if server.url else "starting",
        "url": server.url,
        "account": server.account,
        "user": server.user,
        "pid": server.pid,
        "started": server.started,
        "kept_in": server.state,
        "log": server.log,
    }


_COLUMNS = (
    Column("state", style=lambda value: "good" if value == "running" else "quiet"),
    Column("url"),
    Column("account"),
    Column("user"),
    Column("pid", right=True),
    Column("started"),
    Column("kept_in", gives_way=True, can_go=True, title="kept in"),
)

emulator.add_command(image)
