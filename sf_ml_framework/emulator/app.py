"""The HTTP side: the clients' own protocol, and REST routes of rooms.

Source: connector 4.8, ``auth/_auth.py``, ``network.py``, ``cursor.py``, ``connection.py``.
"""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import anyio.to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import clock_control, login, protocol, rest
from .faults import SnowflakeError, internal

if TYPE_CHECKING:
    from .account import Account

logger = logging.getLogger(__name__)
Endpoint = Callable[["Account", "Incoming"], dict[str, Any]]


class Incoming:
    """A request, read: what the endpoints need of it."""

    def __init__(self, request: Request, body: bytes) -> None:
        self.query = dict(request.query_params)
        self.path = dict(request.path_params)
        self.method = request.method
        self.url = request.url.path
        self.address = f"{request.url.scheme}://{request.url.netloc}"
        self.headers = request.headers
        self.client = request.client.host if request.client else "127.0.0.1"
        self._body = body

    @property
    def json(self) -> Any:
        """The body as JSON; an empty body is an empty object."""
        body = self._body
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if not body.strip():
            return {}
        try:
            return json.loads(body)
        except ValueError as error:
            message = f"Bad request: the body is no JSON ({error})."
            raise SnowflakeError(message, number=390400, state="08001") from None

    @property
    def data(self) -> dict[str, Any]:
        """The body as an object."""
        body = self.json
        if not isinstance(body, dict):
            raise SnowflakeError(
                "Bad request: an object was expected.", number=390400, state="08001"
            )
        return body

    def token(self) -> str:
        """Return the session token."""
        header = str(self.headers.get("authorization") or "")
        prefix = 'Snowflake Token="'
        return header[len(prefix) : -1] if header.startswith(prefix) else ""


_POST: tuple[tuple[str, Endpoint], ...] = (
    ("/session/v1/login-request", login.login),
    ("/session/token-request", login.renew),
    ("/session/heartbeat", login.heartbeat),
    ("/session", login.logout),
    ("/queries/v1/query-request", protocol.query_request),
    ("/queries/v1/abort-request", protocol.abort_request),
    ("/queries/{query_id}/abort-request", protocol.abort_request),
    ("/telemetry/send", protocol.telemetry),
    ("/telemetry/send/sessionless", protocol.telemetry),
)
_GET: tuple[tuple[str, Endpoint], ...] = (
    ("/queries/{query_id}/result", protocol.query_result),
    ("/monitoring/queries/{query_id}", protocol.monitoring),
    ("/session/heartbeat", login.heartbeat),
)


def make_app(account: Account, *, control: bool = False) -> Starlette:
    """Return the ASGI application of *account*; with *control* its clock can be moved."""

    def endpoint(call: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            body = await request.body()

            def work() -> dict[str, Any] | Response:
                try:
                    return call(account, Incoming(request, body))
                except SnowflakeError as error:
                    return protocol.failure(error)
                except Exception as error:
                    # Clients retry HTTP 500 for minutes: a fault of ours must be an answer.
                    logger.exception("fault in %s", request.url.path)
                    account.record.add("fault", path=request.url.path, error=repr(error))
                    return protocol.failure(internal("http"))

            made = await anyio.to_thread.run_sync(work, limiter=limiter)
            return made if isinstance(made, Response) else JSONResponse(made)

        return answer

    limiter = anyio.CapacityLimiter(512)
    routes = clock_control.routes(account, allowed=control)
    routes += [Route(path, endpoint(call), methods=["POST"]) for path, call in _POST]
    routes += [Route(path, endpoint(call), methods=["GET"]) for path, call in _GET]
    for path, raw in (
        ("/results/{query_id}/{chunk:int}", protocol.chunk),
        ("/files/{token}/{path:path}", protocol.file),
    ):
        routes.append(Route(path, _raw(account, raw, limiter), methods=["GET", "PUT"]))
    routes.append(
        Route(
            "/{path:path}",
            _raw(account, rest.dispatch, limiter),
            methods=["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"],
        )
    )
    return Starlette(routes=routes)


def _raw(
    account: Account, call: Callable[[Account, Incoming, bytes], Response], limiter: Any
) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        body = await request.body()
        return await anyio.to_thread.run_sync(
            lambda: call(account, Incoming(request, body), body), limiter=limiter
        )

    return answer
