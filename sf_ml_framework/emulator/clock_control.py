"""The clock over HTTP, for tests that run the emulator as a process of its own.

Not Snowflake's. It is there with ``--control`` alone, answers this machine alone, and asks for no
login: whoever may start a server with ``--control`` may move its clock.

    GET  /emulator/clock                               {"now": "2026-01-02T03:04:05.6+00:00", ..}
    POST /emulator/clock {"advance_seconds": 3600}     the same, after the move
    POST /emulator/clock {"advance_to": "2026-02-01T00:00:00Z"}
"""

from __future__ import annotations

import ipaddress
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from .account import Account

PATH = "/emulator/clock"
FARTHEST = timedelta(days=3660)
"""A longer step is a mistake, such as milliseconds for seconds."""


class ClockError(Exception):
    """A request that is not carried out; *status* is HTTP's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def routes(account: Account, *, allowed: bool) -> list[Route]:
    """Return the routes; where it is not *allowed* they say what would allow it."""

    async def answer(request: Request) -> JSONResponse:
        try:
            _admit(request, allowed=allowed)
            if request.method == "POST":
                step = _step(account, await request.body())
                account.clock.advance(step.total_seconds())
                account.record.add("clock", seconds=step.total_seconds())
        except ClockError as error:
            return JSONResponse({"message": str(error)}, status_code=error.status)
        now = account.clock.now()
        ahead = (now - datetime.now(UTC)).total_seconds()
        return JSONResponse({"now": now.isoformat(), "ahead_seconds": round(ahead, 3)})

    return [Route(PATH, answer, methods=["GET", "POST"])]


def _admit(request: Request, *, allowed: bool) -> None:
    if not allowed:
        raise ClockError(
            404, "The clock is moved only on a server that was started with --control."
        )
    if request.client is None or not _loopback(request.client.host):
        raise ClockError(403, "The clock is moved from this machine only.")
    # A page in a browser could reach this machine by a name of its own, or by a plain form.
    if not _loopback(request.url.hostname or ""):
        raise ClockError(403, f"The clock is not moved for the host '{request.url.hostname}'.")
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if request.method == "POST" and kind != "application/json":
        raise ClockError(415, "Send Content-Type: application/json.")


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _step(account: Account, body: bytes) -> timedelta:
    """Return how far a request moves the clock."""
    try:
        given: Any = json.loads(body or b"null")
    except ValueError:
        raise ClockError(400, "The body is no JSON.") from None
    match given:
        case {"advance_seconds": bool()}:
            pass
        case {"advance_seconds": int() | float() as seconds} if len(given) == 1:
            return _checked(float(seconds))
        case {"advance_to": str() as text} if len(given) == 1:
            return _checked((_moment(text) - account.clock.now()).total_seconds())
        case _:
            pass
    raise ClockError(
        400, 'Send {"advance_seconds": NUMBER} or {"advance_to": "a time with its zone"}.'
    )


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ClockError(400, f"'{text}' is no time in ISO 8601.") from None
    if found.tzinfo is None:
        raise ClockError(400, f"'{text}' has no zone; write it as in 2026-02-01T00:00:00Z.")
    return found


def _checked(seconds: float) -> timedelta:
    # Also false for what is no number.
    if not 0 <= seconds <= FARTHEST.total_seconds():
        raise ClockError(
            400, f"The clock goes forward, by at most {FARTHEST.days} days; {seconds} was asked."
        )
    return timedelta(seconds=seconds)
