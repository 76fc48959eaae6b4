"""The value of a secret on its way in: typed unseen, piped or from a file; never an argument."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.output import is_terminal
from sf_ml_framework.errors import OperatorError, UsageError


def secret_value(invocation: Invocation, *, what: str, file: Path | None, longest: int) -> str:
    """Return a value that nobody sees.

    Args:
        invocation: tells who is talked to.
        what: is asked for, such as ``value of MAPS_KEY``.
        file: holds it; none: standard input where that is no terminal, or else the keyboard.
        longest: bytes that it may have.

    Raises:
        UsageError: it is empty, too long, or no text. The message does not have it.
        OperatorError: the file cannot be read, or others may change it.
    """
    if file is not None:
        text, source = _of_file(invocation, file), str(file)
    elif not is_terminal(sys.stdin):
        text, source = _decoded(sys.stdin.buffer.read(), "standard input"), "standard input"
    else:
        text = str(click.prompt(what, hide_input=True, confirmation_prompt=True, err=True))
        source = "what was typed"
    # What editors and `echo` add is no part of it.
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise UsageError(f"{source} holds nothing", remedy="give the value; see --help")
    if "\0" in text:
        raise UsageError(f"{source} holds a NUL, which no secret can", remedy="encode it as text")
    if len(text.encode()) > longest:
        raise UsageError(
            f"{source} holds {len(text.encode()):,} bytes, and a secret takes {longest:,}",
            remedy="keep the rest elsewhere, and in the secret the key to it",
        )
    return text


def _of_file(invocation: Invocation, file: Path) -> str:
    from sf_ml_framework.connection.files import why_not_private

    try:
        data = file.read_bytes()
    except OSError as error:
        raise OperatorError(
            f"{file} cannot be read: {error.strerror}", remedy="name a file that you may read"
        ) from None
    wrong, refused = why_not_private(file)
    if refused:
        raise OperatorError(f"{wrong}, so it is not used", remedy=f'chmod 0600 "{file}"')
    if wrong:
        invocation.output.complain(f"warning: {wrong}")
    return _decoded(data, str(file))


def _decoded(data: bytes, source: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise UsageError(
            f"{source} is no UTF-8 text", remedy="encode it, as in base64 -w0 FILE"
        ) from None


def nothing_more(arguments: tuple[str, ...]) -> None:
    """Refuse what follows a secret's name on the line, without repeating it.

    Raises:
        UsageError: there is something, most likely the value.
    """
    if arguments:
        raise UsageError(
            "a value has no place on the command line: other users of this machine see it, and"
            " your shell keeps it",
            remedy="leave it out and type it when you are asked, or give --file FILE; change the"
            " value if it was a real one",
        )
