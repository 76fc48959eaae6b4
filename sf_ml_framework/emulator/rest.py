"""REST routes of rooms (``/api/v2``), and the loud answer to every route that nobody knows.

Source: snowflake.core 1.13, ``_internal/snowapi_*`` and ``_generated/api_client.py``.
"""

from __future__ import annotations

import logging
import re
import uuid
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from .faults import SnowflakeError
from .login import session_of, start
from .names import fold
from .registry import Answer, RestCall
from .session import Session

if TYPE_CHECKING:
    from .account import Account
    from .app import Incoming

logger = logging.getLogger(__name__)
_STATUS = {2003: 404, 2043: 404, 2002: 409, 3001: 403, 390104: 401, 390112: 401, 390103: 401}


def _pattern(path: str) -> re.Pattern[str]:
    made = ""
    for index, part in enumerate(re.split(r"\{(\w+\+?)\}", path)):
        if index % 2 and part.endswith("+"):
            made += f"(?P<{part[:-1]}>[^:]+)"
        else:
            made += f"(?P<{part}>[^/:]+)" if index % 2 else re.escape(part)
    return re.compile(made)


def dispatch(account: Account, request: Incoming, body: bytes) -> Response:
    """Answer a REST call with the room that registered it."""
    request_id = str(uuid.uuid4())
    try:
        found = _find(account, request)
        if found is None:
            account.record.add("unknown", route=f"{request.method} {request.url}")
            text = f"No such route in this emulator: {request.method} {request.url}"
            return _refusal(404, "390404", text, request_id)
        call, parts = found
        session, temporary = _session(account, request)
        try:
            folded = {name: fold(value) for name, value in parts.items()}
            rest_call = RestCall(
                account, session, folded, request.query, request.json, written=parts
            )
            made = call(rest_call)
        finally:
            if temporary:
                account.close_session(session)
    except SnowflakeError as error:
        status = _STATUS.get(error.number, 400)
        return _refusal(status, f"{error.number:06d}", error.message, request_id)
    except Exception as error:
        logger.exception("fault in %s %s", request.method, request.url)
        account.record.add("fault", path=request.url, error=repr(error))
        return _refusal(400, "000603", f"Internal error, recorded as {request_id}", request_id)
    account.record.add("rest", route=f"{request.method} {request.url}")
    if isinstance(made, Answer):
        return JSONResponse(made.body, status_code=made.status)
    return JSONResponse(made)


def _find(account: Account, request: Incoming) -> tuple[Any, dict[str, str]] | None:
    # A path that ends in ":verb" must win over one that ends in "{name}"; "[^/:]" sees to it.
    for method, path, call in account.registry.routes:
        if method == request.method and (match := _pattern(path).fullmatch(request.url)):
            return call, match.groupdict()
    return None


def _session(account: Account, request: Incoming) -> tuple[Session, bool]:
    header = str(request.headers.get("authorization") or "")
    if not header.startswith("Bearer "):
        return session_of(account, request), False
    kind = str(request.headers.get("x-snowflake-authorization-token-type") or "OAUTH").upper()
    authenticator = "SNOWFLAKE_JWT" if kind == "KEYPAIR_JWT" else kind
    grant = account.tokens.check({"AUTHENTICATOR": authenticator, "TOKEN": header[7:]})
    return start(account, grant, {}, {}), True


def _refusal(status: int, code: str, message: str, request_id: str) -> Response:
    body = {"message": message, "code": code, "error_code": code, "request_id": request_id}
    return JSONResponse(body, status_code=status)
