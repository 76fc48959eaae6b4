"""Commands that hold commands, such as ``mlops emulator start``.

The group stands in the table of commands as one entry; its own commands are in its module and are
loaded with it, so a group costs ``mlops --help`` nothing.
"""

from __future__ import annotations

from typing import Any

import click

from sf_ml_framework.cli.commands import (
    EXIT_CODES,
    Command,
    exits_of,
    global_options,
    write_exit_codes,
    write_paragraphs,
)
from sf_ml_framework.errors import UnknownNameError


class Subcommand(Command):
    """A command inside a group.

    *exits* are the exit codes that it can end with; without them its options tell.
    An option of its own hides the global one of the same name: the global one is then given
    before the group's name.
    """

    def __init__(
        self, *args: Any, exits: dict[int, str] | tuple[int, ...] = (), **more: Any
    ) -> None:
        super().__init__(*args, **more)
        named = exits if isinstance(exits, dict) else dict.fromkeys(exits_of(self, exits), "")
        self.exits = {code: meaning or EXIT_CODES[code] for code, meaning in named.items()}

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return its own options and, hidden, the global ones that these leave."""
        own = click.Command.get_params(self, ctx)
        taken = {name for parameter in own for name in parameter.opts}
        hidden = [each for each in global_options(hidden=True) if not taken & set(each.opts)]
        return [*own, *hidden]

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the exit codes that this command can end with."""
        write_exit_codes(formatter, self.exits)


class Group(click.Group):
    """A command that holds commands; a mistyped name is answered with the nearest."""

    command_class = Subcommand

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return its own options and, hidden, those that hold for all commands."""
        return [*super().get_params(ctx), *global_options(hidden=True)]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the line; no word at all is a question for help."""
        return super().parse_args(ctx, args or ["--help"])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return name, command and the rest of *args*.

        Raises:
            UnknownNameError: there is no such command; names the nearest.
        """
        if (
            args[0] not in self.commands
            and not args[0].startswith("-")
            and not ctx.resilient_parsing
        ):
            raise UnknownNameError(
                kind=f"command of {ctx.command_path}", name=args[0], known=self.commands
            )
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which they were added."""
        return list(self.commands)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the docstring as it stands, examples included."""
        write_paragraphs(formatter, self.help or "")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands with the first line of what they say of themselves."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, (command.help or "").strip().partition("\n")[0])
                    for name, command in self.commands.items()
                ]
            )

    @property
    def exits(self) -> frozenset[int]:
        """The exit codes of all commands in it."""
        inner = self.commands.values()
        known = [each.exits for each in inner if isinstance(each, Subcommand | Group)]
        return frozenset().union(*known)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the exit codes of the group's commands."""
        write_exit_codes(formatter, {code: EXIT_CODES[code] for code in sorted(self.exits)})
