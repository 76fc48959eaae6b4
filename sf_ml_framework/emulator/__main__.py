"""``python -m sf_ml_framework.emulator``: the emulator in the foreground.

``... image add REFERENCE --project DIR`` puts an image into a repository, in the place of a push.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from .image_command import PASSWORD, RUNTIMES, given_password
from .image_command import main as add_image

if TYPE_CHECKING:
    from .server import Emulator


def main(arguments: list[str] | None = None) -> int:
    """Start, say so in one line, and run until SIGTERM or SIGINT."""
    given = sys.argv[1:] if arguments is None else arguments
    if given[:2] == ["image", "add"]:
        return add_image(given[2:])
    chosen = _options(given)

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    from .light import warm

    try:
        emulator = _emulator(chosen)
    except OSError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    try:
        with emulator:
            sys.stdout.write(
                f"emulator ready at {emulator.url} account={chosen.account} user={chosen.user}\n"
            )
            sys.stdout.flush()
            threading.Thread(target=warm, name="warm", daemon=True).start()
            stop.wait()
    except OSError as error:
        sys.stderr.write(f"error: cannot listen at {chosen.host}:{chosen.port}: {error}\n")
        return 1
    return 0


def _emulator(chosen: argparse.Namespace) -> Emulator:
    from .light import without_extras

    with without_extras():
        from .server import Emulator

    return Emulator(
        port=chosen.port,
        host=chosen.host,
        state=chosen.state,
        user=chosen.user,
        password=chosen.password,
        account=chosen.account,
        record=chosen.record,
        control=chosen.control,
        container_runtime=chosen.container_runtime,
    )


def _options(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sf_ml_framework.emulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 picks a free port")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--state", type=Path, help="directory in which everything is kept")
    parser.add_argument("--user", default="mlops")
    parser.add_argument("--password", default=given_password(), help=f"or in {PASSWORD}")
    parser.add_argument("--account", default="emulator")
    parser.add_argument("--record", type=Path, help="file for one JSON line per event")
    parser.add_argument("--container-runtime", choices=RUNTIMES, default="process")
    parser.add_argument("--control", action="store_true", help="let this machine move the clock")
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(main())
