"""The commands by name, each loaded when it is called, and how they are explained.

The table below is all that ``mlops --help`` needs, so a command costs nothing until it is used.

Why Click: a command that takes one option costs 48 ms of processor time with Click 8.5, 92 ms
with Cyclopts 5.4 and 173 ms and twice the memory with Typer 0.29, which reads options through
pydantic; for ``--help`` it is 53, 189 and 102 ms (Cyclopts imports rich). The library of arguments
in Python itself takes 26 ms, but completes no shell and suggests no names.
"""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import click

from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.errors import UnknownNameError


class Entry(NamedTuple):
    """Where a command stands, and what it is for."""

    function: str
    """``module:function`` in this package."""
    summary: str
    """First line of the function's docstring."""
    exits: tuple[int, ...] = ()
    """Exit codes that it can end with; none: those that its options tell, or its commands'."""
    alias_of: str = ""


_ALL = (0, 1, 2, 3, 4, 130)
_CHANGES = (0, 2, 3, 4, 130)

COMMANDS: dict[str, Entry] = {
    "init": Entry(
        "init:init", "Make a project of your own, or bring one up to date.", (0, 2, 3, 130)
    ),
    "list": Entry("pipeline:list_nodes", "List the nodes of the pipeline."),
    "dag": Entry("pipeline:dag", "Draw the graph of the nodes."),
    "deps": Entry("pipeline:dag", "Draw the graph of the nodes.", alias_of="dag"),
    "validate": Entry("pipeline:validate", "Check the pipeline as it is declared."),
    "run": Entry("running:run", "Run the pipeline, or a part of it.", _ALL),
    "exec": Entry("running:execute", "Run one node by itself, now.", _ALL),
    "why": Entry("why:why", "Tell why a node would run, or be skipped."),
    "history": Entry("history:history", "List the runs, newest first."),
    "show": Entry("history:show", "Show one run, or what a node printed in it."),
    "trace": Entry("trace:trace", "Show a run as a trace, or send it to a collector."),
    "diff": Entry("differences:diff", "Compare two runs: what changed, what it did.", _ALL[:5]),
    "report": Entry("report:report", "Write the report of a run, for a browser."),
    "clean": Entry("clean:clean", "Remove what runs have made."),
    "compile": Entry(
        "compiling:compile_project",
        "Write jobs/*.yaml, tasks/create_pipeline_tasks.sql and ops/*.sql.",
    ),
    "infra": Entry(
        "infra:infra", "Make or print what an account needs before anything can be deployed."
    ),
    "grants": Entry(
        "grants:grants", "Tell exactly what each role must be granted, and why.", _ALL[:5]
    ),
    "env": Entry(
        "env:env", "Make, list and take away environments, such as one for a pull request."
    ),
    "secrets": Entry(
        "secrets:secrets", "Set and list the secrets that nodes ask for; show none of their values."
    ),
    "keys": Entry("keys:keys", "List and change the keys that a user signs in with."),
    "image": Entry("image:image", "Build the image of all nodes, push it, and see what is there."),
    "plan": Entry(
        "planning:plan", "Show what a deployment would change, and change nothing.", _ALL[:5]
    ),
    "deploy": Entry("deploying:deploy", "Make the account what the code says.", _CHANGES),
    "rollback": Entry(
        "rollback:rollback", "Go back to a state that was deployed before.", _CHANGES
    ),
    "destroy": Entry(
        "deploying:destroy", "Take the graph of tasks and its compute pools away.", _CHANGES
    ),
    "deployments": Entry("deploying:deployments", "List what was deployed, newest first."),
    "state": Entry(
        "state:state", "Read what stands in an account, or give back a lock that was left behind."
    ),
    "models": Entry(
        "models:models", "See the versions of models in a target, and move one to another target."
    ),
    "tasks": Entry("tasks:tasks", "Operate the graph of tasks that the project was deployed as."),
    "monitor": Entry(
        "monitor:monitor",
        "Show how a deployed graph does: tasks, nodes, pools, credits.",
        (0, 2, 3, 4, 130),
    ),
    "pools": Entry("pools:pools", "See the compute pools of a target, and change them by hand."),
    "retry": Entry("retry:retry", "Repair a run that failed or was cancelled.", _ALL),
    "backfill": Entry(
        "backfill:backfill", "Run the graph once for each day, or each other step, of a time.", _ALL
    ),
    "cost": Entry("cost:cost", "Tell what runs will cost, and what they have cost."),
    "emulator": Entry("emulator:emulator", "Run a local Snowflake for tests and trials."),
    "doctor": Entry(
        "doctor:doctor", "Check this machine, the connection and the account.", (0, 2, 3)
    ),
    "completion": Entry("completion:completion", "Print what lets a shell complete.", (0, 2)),
}

EXIT_CODES = {
    0: "done",
    1: "a node failed",
    2: "the command or the pipeline is wrong; nothing was run",
    3: "something outside the code is in the way: settings, data, a lock, a disk",
    4: "the platform failed, or mlops itself; trying again may help",
    130: "stopped by Ctrl-C; the last line tells how to go on",
}
_OTHER_MEANINGS = {
    "diff": {1: "the runs differ, and --exit-code was given"},
    "grants": {
        1: "the command or the pipeline is wrong, and --check was given",
        2: "the account differs, and --check was given; else as for others",
        3: "as for others; or --check saw no difference, but could not see all",
    },
    "plan": {
        1: "the pipeline is wrong, and --detailed-exitcode was given",
        2: "something would change, and --detailed-exitcode was given; else as for others",
    },
}
"""Where a code says something else in one command."""

_STOPPED = {"--yes", "--wait", "--follow"}
"""Who has one of these asks a person, or waits."""


def exits_of(command: click.Command, said: tuple[int, ...] = ()) -> tuple[int, ...]:
    """Return the exit codes that *command* can end with: *said*, or what its options tell.

    What may reach an account may lose it; what asks or waits may be stopped.
    """
    options = {name for parameter in command.params for name in parameter.opts}
    lost = (4,) * ("--connection" in options)
    stopped = (130,) * bool(options & _STOPPED)
    return said or (0, 2, 3, *lost, *stopped)


def _remember(context: click.Context, option: click.Parameter, value: Any) -> None:
    """Keep a global option for whichever command comes."""
    if value and isinstance(context.obj, Invocation):
        setattr(context.obj, option.name or "", value)


def global_options(*, hidden: bool) -> list[click.Parameter]:
    """Return the options that every command understands, before its name and after it."""

    def option(*names: str, **more: Any) -> click.Option:
        return click.Option(names, callback=_remember, expose_value=False, hidden=hidden, **more)

    return [
        option(
            "--project",
            metavar="DIR",
            type=Path,
            help="Folder of the project; by default this folder, or the nearest above it"
            " that holds mlops.yml.",
        ),
        option("-v", "--verbose", count=True, help="Tell more: what nodes print, what we log."),
        option("--debug", is_flag=True, help="Show also our own tracebacks."),
        option("-q", "--quiet", "--silent", is_flag=True, help="Tell only results and faults."),
    ]


class Command(click.Command):
    """One command: its docstring is printed as it is written, examples included."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return its own options and, hidden, those that hold for all commands."""
        return [*super().get_params(ctx), *global_options(hidden=True)]

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command, now that the line is read to its end."""
        ctx.find_object(Invocation).begin()  # type: ignore[union-attr]
        return super().invoke(ctx)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the docstring; only plain paragraphs are wrapped."""
        write_paragraphs(formatter, self.help or "")

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the exit codes that this command can end with."""
        name = ctx.info_name or ""
        meanings = EXIT_CODES | _OTHER_MEANINGS.get(name, {})
        codes = exits_of(self, COMMANDS[name].exits)
        write_exit_codes(formatter, {code: meanings[code] for code in codes})
        formatter.write_paragraph()
        formatter.write_text(
            "--project DIR, -v, -q and --debug hold for every command: see mlops --help"
        )


class Commands(click.Group):
    """All commands; finds each in the table and loads it when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names that are listed, in the table's order."""
        return [name for name, entry in COMMANDS.items() if not entry.alias_of]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name; none when there is no such one."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module_name, _, function_name = entry.function.partition(":")
        found: click.Command = getattr(import_module(f"{__package__}.{module_name}"), function_name)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return name, command and the rest of *args*.

        Raises:
            UnknownNameError: there is no such command; names the nearest.
        """
        if args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise UnknownNameError(kind="command", name=args[0], known=COMMANDS)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].summary) for name in self.list_commands(ctx)])

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the program is."""
        write_paragraphs(formatter, self.help or "")

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the exit codes of all commands."""
        write_exit_codes(formatter, EXIT_CODES)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Return the commands and options that begin with *incomplete*, without loading any."""
        from click.shell_completion import CompletionItem

        found = [
            CompletionItem(name, help=COMMANDS[name].summary)
            for name in self.list_commands(ctx)
            if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]


def write_paragraphs(formatter: click.HelpFormatter, text: str) -> None:
    """Write a docstring: indented lines as they stand, all others wrapped."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        formatter.write_paragraph()
        with formatter.indentation():
            verbatim = any(line.startswith(" ") for line in paragraph.splitlines())
            # \b tells the formatter to leave the lines alone.
            formatter.write_text(f"\b\n{paragraph}" if verbatim else paragraph)


def write_exit_codes(formatter: click.HelpFormatter, meanings: dict[int, str]) -> None:
    """Write what the exit codes mean."""
    with formatter.section("Exit codes"):
        formatter.write_dl([(str(code), meaning) for code, meaning in meanings.items()])
