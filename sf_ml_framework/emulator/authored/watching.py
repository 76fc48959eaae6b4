"""How long a statement may wait for the code that it runs.

Source: Snowflake, "Parameters" (STATEMENT_TIMEOUT_IN_SECONDS).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ..faults import cancelled, timed_out
from ..queries import CURRENT

if TYPE_CHECKING:
    from ..sandbox.workers import Watch
    from ..session import Session

_DEFAULT_SECONDS = 172_800


def watching(session: Session) -> Watch:
    """Return what raises when the query of this thread was cancelled, or its time is up.

    The limit is one of real seconds, since the code runs in them: it does not follow the clock.
    """
    query = CURRENT.get()
    limit = session.parameters.get("STATEMENT_TIMEOUT_IN_SECONDS")
    seconds = int(limit) if limit is not None else _DEFAULT_SECONDS
    # 0 is the most that there is. Source: the parameter's page.
    until = time.monotonic() + (seconds or _DEFAULT_SECONDS)

    def watch() -> None:
        if query is not None and query.cancel.is_set():
            raise cancelled()
        if time.monotonic() >= until:
            raise timed_out(seconds)

    return watch
