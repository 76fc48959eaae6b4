"""Run by the Python of ``snow``: each line of input, a JSON list, is one command of the client.

A command is a process of its own, forked from this one, which has imported the client already: that
takes seconds, and each of the command's own a few hundred milliseconds.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile


def run(arguments: list[str], out: int, err: int) -> int:
    """Fork, run the client's own entry point, and return its exit code."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        os.dup2(out, 1)
        os.dup2(err, 2)
        sys.argv = ["snow", *arguments]
        sys.exit(main())
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def serve() -> None:
    """Answer each command with a line of JSON: its exit code, output and error output."""
    for line in sys.stdin:
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            code = run(json.loads(line), out.fileno(), err.fileno())
            out.seek(0)
            err.seek(0)
            answer = {"code": code, "out": out.read().decode(), "err": err.read().decode()}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    from snowflake.cli._app.__main__ import main

    serve()
