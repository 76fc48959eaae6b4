"""How long to go on trying: pauses that grow, and an end."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

FIRST = 0.5
LONGEST = 8.0


def pauses(seconds: float, tries: int = 4) -> Iterator[float | None]:
    """Yield, for each try, how long to wait after it fails; none: do not try again.

    A part of each pause is drawn, so that many who were turned away together do not come back
    together.

    Args:
        seconds: no further try begins when so many have passed.
        tries: how many there are at most.
    """
    began, pause = time.monotonic(), FIRST
    for number in range(1, tries + 1):
        waits = pause * random.uniform(0.5, 1.0)  # noqa: S311 -- no secret
        late = time.monotonic() - began + waits > seconds
        if number == tries or late:
            yield None
            return
        yield waits
        pause = min(pause * 2, LONGEST)


def retries_for(seconds: float) -> Callable[[], Iterator[float]]:
    """Return the connector's pauses between repeats of one request, ending after *seconds*.

    The connector repeats a request that nobody answers for as long as ``network_timeout`` says, and
    cancels statements by the same number; a training query may take hours, a dead server should be
    noticed in a minute. Whoever gives its pauses can also end them. A repeated request keeps its
    id, by which the server knows it: it is not run twice.

    Source: connector 4.8, ``network.py`` (``fetch``), ``time_util.py`` (``TimeoutBackoffCtx``).
    """

    def policy() -> Iterator[float]:
        pause = FIRST
        # The connector draws the first pause before anything has failed.
        yield pause
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            pause = min(pause * 2, LONGEST)
            yield pause
        raise _given_up(seconds)

    return policy


def _given_up(seconds: float) -> Exception:
    from snowflake.connector.errorcode import ER_FAILED_TO_REQUEST
    from snowflake.connector.errors import OperationalError

    return OperationalError(
        f"nobody has answered for {seconds:.0f} seconds",
        errno=ER_FAILED_TO_REQUEST,
        send_telemetry=False,
    )
