"""Start a server without what only clients use.

fakesnow imports the connector, and the connector imports pandas and boto if it finds them: half of
the start. The server needs neither, so it does without, and then forgets that it did: whatever
imports the connector later in this process gets the whole of it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_EXTRAS = ("pandas", "boto3", "botocore", "aioboto3", "aiobotocore", "keyring")
_CONNECTOR = "snowflake.connector"


@contextmanager
def without_extras() -> Iterator[None]:
    """Hide the connector's optional dependencies from what is imported inside.

    For a process of the server's own: where the connector is imported already, nothing changes.
    """
    if _CONNECTOR in sys.modules:
        yield
        return
    # None in sys.modules is "no such module". Source: Python, "The import system".
    hidden = [name for name in _EXTRAS if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)
        for name in [n for n in sys.modules if n == _CONNECTOR or n.startswith(f"{_CONNECTOR}.")]:
            del sys.modules[name]


def warm() -> None:
    """Import what the first statement would otherwise wait for: pyarrow looks for pandas."""
    import pandas  # noqa: F401
