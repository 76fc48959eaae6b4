"""One call of the program: what was typed for all commands alike, and where its output goes."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from sf_ml_framework.cli.output import Output

PROGRAM = "mlops"


class Invocation:
    """What a command needs to know besides its own options.

    The global options fill it while the line is read: they may stand before the command or
    after it, so it is whole only when a command begins.
    """

    def __init__(
        self, arguments: Sequence[str] = (), program: str = PROGRAM, start: Path | None = None
    ) -> None:
        self.arguments = tuple(arguments)
        self.program = program
        """What a person types to start us, as in ``python main.py``."""
        self.start = start
        """Folder from which the project is looked for; none: the working directory."""
        self.project: Path | None = None
        self.verbose = 0
        self.debug = "--debug" in self.arguments
        """Known before the line is read: a fault of the line itself is then shown whole too."""
        self.quiet = False
        self.output = Output(sys.stdout, sys.stderr)

    def begin(self) -> None:
        """Take over the global options, now that all are read."""
        self.output.quiet = self.quiet
        if self.verbose or self.debug:
            import logging

            level = logging.DEBUG if self.debug else logging.INFO
            logging.basicConfig(
                stream=sys.stderr, level=level, format="%(levelname)s %(name)s: %(message)s"
            )

    @property
    def command_line(self) -> str:
        """The line as one could type it again."""
        return f"{self.program} {shlex.join(self.arguments)}".rstrip()
