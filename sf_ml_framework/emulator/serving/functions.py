"""Calls of a model's service in SQL: ``service!PREDICT(a, b)``.

Rows go to an instance of the service over HTTP, in batches of texts that are made the values that
the service takes.

Source: Snowflake, "Using service functions", "Deploy model services in SPCS"; snowflake-ml's
``service.py``, ``invoke_function_method``.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillRunning
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ..authored import calls, kinds
from ..authored.engine import Made, registered
from ..catalog import Entry
from ..faults import SnowflakeError, not_found
from ..models import store
from ..models.store import Method
from ..names import Path, fold, parts_of
from ..reader import Reader
from ..sandbox.values import from_text, plain
from ..services.running import Live, Services
from .server import PORT_FILE

if TYPE_CHECKING:
    from ..account import Account
    from ..sandbox.workers import Watch
    from ..session import Session

_POLL_SECONDS = 0.05
_FAILED = 395092


def model_of(entry: Entry) -> tuple[Path, str] | None:
    """Return the model and version that a service serves, or None."""
    found = entry.properties.get("kept", {}).get("model")
    return (Path(*parts_of(found[0])), str(found[1])) if found else None


def put_in_place(account: Account, session: Session, call: exp.Expr, entry: Entry) -> None:
    """Replace a call of a service's method.

    Raises:
        SnowflakeError: the role may not use the service, or it has no such method.
    """
    account.require(session, "USAGE", "SERVICE", entry.path)
    function = call.expression
    method = _method(account, entry, function)
    types = [kinds.read(Reader(kind)) for _, kind in method.inputs]
    given = zip(function.expressions, types, strict=True)
    texts = [calls.as_text(value, kind) for value, kind in given]
    asked = f"/{method.name.lower().replace('_', '-')}"
    turns = itertools.count()

    def answer(rows: list[tuple[str | None, ...]]) -> list[str | None]:
        live = account.part(Services).of(entry.path)
        data = [
            [i, *(plain(from_text(t, k)) for t, k in zip(row, types, strict=True))]
            for i, row in enumerate(rows)
        ]
        port = _port(live, next(turns), str(entry.path))
        made = _post(port, asked, {"data": data}, session.connection.watch)
        return [json.dumps(row[1]) for row in made["data"]]

    made = Made(
        key=f"service {entry.path} {entry.id} {method.name}",
        parameters=max(1, len(texts)),
        answer=answer,
    )
    function_name = registered(session, made, volatile=True)
    value = exp.Anonymous(this=function_name, expressions=texts or [exp.Null()])
    call.replace(exp.ParseJSON(this=value))


def _method(account: Account, entry: Entry, function: exp.Expr) -> Method:
    name = function.this
    folded = name.this if isinstance(name, exp.Identifier) and name.quoted else fold(str(name))
    folder = account.files / "images" / str(entry.properties.get("kept", {}).get("image", ""))
    method = None
    if model_of(entry) is not None:
        method = store.methods(folder).get(str(folded))
    if method is None or method.is_table:
        raise not_found("FUNCTION", f"{entry.path}!{folded}")
    if len(function.expressions) != len(method.inputs):
        raise SnowflakeError(
            f"SQL compilation error: error line 1 at position 0\nInvalid argument types for "
            f"function '{method.name}': it takes {len(method.inputs)} arguments, not "
            f"{len(function.expressions)}",
            number=1044,
            state="42P13",
        )
    return method


def ports(live: Live) -> list[int]:
    """Return the ports of the instances that serve."""
    found = []
    for place in list(live.places):
        file = place.root / PORT_FILE
        with contextlib.suppress(OSError, ValueError):
            found.append(int(file.read_text()))
    return found


def _port(live: Live | None, turn: int, name: str) -> int:
    known = ports(live) if live is not None and not live.stopping.is_set() else []
    if not known:
        raise SnowflakeError(
            f"Service {name} has no instance that is ready.", number=_FAILED, state="55000"
        )
    return known[turn % len(known)]


def _post(port: int, path: str, body: Any, watch: Watch) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def ask() -> tuple[int, bytes]:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()

    pool = ThreadPoolExecutor(max_workers=1)
    try:
        waiting = pool.submit(ask)
        while True:
            try:
                status, data = waiting.result(_POLL_SECONDS)
                break
            except StillRunning:
                watch()
    except OSError as error:
        raise _refused(f"the service's instance did not answer: {error}") from None
    finally:
        if connection.sock is not None:
            connection.sock.close()
        pool.shutdown(wait=False)
    found = json.loads(data)
    if status != http.client.OK:
        raise _refused(f"the service answered {status}: {found.get('error')}")
    return found


def _refused(text: str) -> SnowflakeError:
    return SnowflakeError(
        f"Request failed for external function: {text}", number=100132, state="P0000"
    )
