"""Run a procedure: its handler gets a Snowpark session that speaks with the server.

Source: Snowflake, "Writing stored procedures in Python"; a procedure that returns a table gives a
DataFrame, whose query runs before the call ends.
"""

from __future__ import annotations

import json
from typing import Any

from .handlers import handler
from .values import from_text, to_text


def procedure(loaded: dict[Any, Any], request: dict[str, Any], payload: bytes) -> bytes:
    """Return ``{"value": text}``, or for a table ``{"query": id}``."""
    from snowflake.snowpark import Session

    arguments = json.loads(payload)
    if request["strict"] and None in arguments:
        return json.dumps({"value": None}).encode()
    session = Session.builder.configs(request["login"]).create()
    function = handler(loaded, request)
    kinds = request["arguments"]
    values = [from_text(text, kind) for text, kind in zip(arguments, kinds, strict=True)]
    found = function(session, *values)
    if not request["table"]:
        return json.dumps({"value": to_text(found, request["returns"])}).encode()
    if not hasattr(found, "_execute_and_get_query_id"):
        raise TypeError(f"a procedure that returns a table returns a DataFrame, not {found!r}")
    return json.dumps({"query": found._execute_and_get_query_id()}).encode()
