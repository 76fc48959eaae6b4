"""What went wrong, told to a person: what, where and what to do; and the exit code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from sf_ml_framework.cli.commands import COMMANDS
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.errors import (
    Fault,
    FrameworkError,
    ManifestError,
    NodeError,
    PlatformError,
    UsageError,
    nearest,
)

INTERRUPTED = 130
"""What a shell expects of a program that Ctrl-C ended."""


def tell(error: Exception, invocation: Invocation) -> int:
    """Tell *error* on standard error and return the exit code it stands for."""
    if invocation.debug and not isinstance(error, click.ClickException):
        import traceback

        invocation.output.complain(traceback.format_exc().rstrip())
    if isinstance(error, click.Abort):
        told, remedy = str(error.__cause__ or ""), getattr(error.__cause__, "remedy", "")
        invocation.output.complain(f"stopped: {told}" if told else "stopped")
        if remedy:
            invocation.output.complain(f"  remedy: {remedy}")
        return INTERRUPTED
    known = known_error(error, invocation)
    if isinstance(known, ManifestError):
        for line in lines_of_faults(known.faults):
            invocation.output.complain(line)
    else:
        if isinstance(known, NodeError) and known.trace:
            invocation.output.complain(known.trace)
        invocation.output.fault(str(known), known.remedy)
    return known.exit_code


@contextmanager
def faults_apart(invocation: Invocation, differs: int, *, wanted: bool) -> Iterator[None]:
    """End with 1 on a fault of command or pipeline, whose code says that something differs."""
    try:
        yield
    except FrameworkError as error:
        if not (wanted and error.exit_code == differs):
            raise
        tell(error, invocation)
        raise click.exceptions.Exit(1) from error


def lines_of_faults(faults: tuple[Fault, ...]) -> list[str]:
    """Return what is wrong with a declaration: for each fault its place, what, and a remedy."""
    lines = []
    for fault in faults:
        place = f"{fault.place}: " if fault.place else ""
        lines.append(f"{place}error: {fault.message}")
        if fault.remedy:
            lines.append(f"  remedy: {fault.remedy}")
    count = "one fault" if len(faults) == 1 else f"{len(faults)} faults"
    return [*lines, f"the pipeline has {count}"]


def known_error(error: Exception, invocation: Invocation) -> FrameworkError:
    """Return *error* as one of ours: with a remedy and an exit code."""
    if isinstance(error, FrameworkError):
        return error
    if isinstance(error, click.ClickException):
        return _usage(error, invocation)
    if isinstance(error, OSError):
        from sf_ml_framework.errors import OperatorError

        return OperatorError(_of_system(error), remedy=_remedy_of_system(error))
    return PlatformError(
        f"{type(error).__name__}: {error}",
        remedy="this is a fault of mlops, not yours; please report what --debug shows",
    )


def _usage(error: click.ClickException, invocation: Invocation) -> UsageError:
    """Return a fault of the command line in our words, with the nearest name."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else _command_path(invocation)
    see = f"see {path} --help"
    if isinstance(error, click.NoSuchOption) and context:
        known = [name for option in context.command.get_params(context) for name in option.opts]
        near = nearest(error.option_name, [name for name in known if name.startswith("--")])
        return UsageError(
            f"{path} has no option {error.option_name!r}",
            remedy=near if near.startswith("did you mean") else see,
        )
    if isinstance(error, click.BadParameter) and error.param and error.param.type.name == "choice":
        choices: Any = error.param.type
        given = error.message.partition("'")[2].partition("'")[0]
        return UsageError(
            f"{error.param.opts[0]} cannot be {given!r}", remedy=nearest(given, choices.choices)
        )
    message = error.format_message().rstrip(".")
    return UsageError(message[:1].lower() + message[1:], remedy=see)


def _command_path(invocation: Invocation) -> str:
    """Return program and command of a line that could not be read far enough to know them."""
    named = (word for word in invocation.arguments if word in COMMANDS)
    return f"{invocation.program} {next(named, '')}".rstrip()


def _of_system(error: OSError) -> str:
    what = error.strerror or str(error)
    return f"{error.filename}: {what}" if error.filename else what


def _remedy_of_system(error: OSError) -> str:
    import errno

    return {
        errno.EACCES: "make it readable and writable for you, or name another folder",
        errno.EROFS: "this disk cannot be written; name another folder with --project",
        errno.ENOSPC: "the disk is full; make room and run again: nothing is half-written",
        errno.ENOENT: "check the path",
        errno.EISDIR: "name a file, not a folder",
        errno.ENOTDIR: "a part of this path is a file",
    }.get(error.errno or 0, "see what the system says, mend it and run again")
