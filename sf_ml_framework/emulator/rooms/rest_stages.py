"""Stages by REST; their files go through PUT and GET, as the client does it itself.

Source: snowflake.core 1.13, ``stage/_generated``, ``stage/_stage.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..faults import invalid
from ..registry import Row
from ..resources.request import Request, known, name_of, route, text, told, truth
from ..resources.resource import Resource

if TYPE_CHECKING:
    from ..account import Account

_TOLD = ("created_on", "owner", "owner_role_type", "comment", "region", "cloud", "endpoint")
_NOT_THERE = ("url", "storage_integration", "credentials", "endpoint")
"""Of external stages."""


def _stage(request: Request, row: Row) -> Row:
    return {
        **told(row, *_TOLD),
        "name": name_of(row),
        "kind": "PERMANENT",
        "has_credentials": truth(row["has_credentials"]),
        "has_encryption_key": truth(row["has_encryption_key"]),
        "directory_table": {"enable": truth(row["directory_enabled"])},
        "encryption": {"type": "SNOWFLAKE_SSE" if "NO CSE" in row["type"] else "SNOWFLAKE_FULL"},
    }


def _encryption(value: Any) -> str:
    kind = value.get("type") if isinstance(value, dict) else None
    if kind not in {"SNOWFLAKE_SSE", "SNOWFLAKE_FULL"}:
        raise invalid(f"invalid encryption '{kind}' of an internal stage")
    return f"(TYPE = '{kind}')"


STAGES = Resource(
    home="/api/v2/databases/{database}/schemas/{schema}/stages",
    kind="STAGE",
    plural="STAGES",
    writers={"encryption": _encryption, "comment": text},
    shown=("kind", "directory_table", "has_credentials", "has_encryption_key", *_TOLD),
    model=_stage,
)


def install(account: Account) -> None:
    """Register the routes."""
    one = STAGES.home + "/{name}"
    STAGES.install(account)
    for method, path, work in (
        ("POST", STAGES.home, create),
        ("GET", one + "/files", files),
        ("POST", one + "/files/{file+}:presigned-url", presigned),
    ):
        account.route(method, path, route(work))


def create(request: Request) -> Row:
    """Create an internal stage."""
    given = request.body
    for one in _NOT_THERE:
        if given.get(one):
            raise invalid("external stages are not known to this emulator")
    if str(given.get("kind", "PERMANENT")).upper() != "PERMANENT":
        # It would end with the request's session, which is not the client's.
        raise invalid("temporary stages are created by SQL alone in this emulator")
    table = given.get("directory_table") or {}
    more = " DIRECTORY = (ENABLE = TRUE)" if table.get("enable") else ""
    return STAGES.created(request, more=more)


def files(request: Request) -> list[Row]:
    """Return the files of a stage."""
    pattern = request.call.query.get("pattern")
    more = f" PATTERN = {text(pattern)}" if pattern else ""
    found = request.rows(f"LIST @{STAGES.written(request)}{more}")
    return [
        {**told(row, "name", "md5", "last_modified"), "size": str(row["size"])} for row in found
    ]


def presigned(request: Request) -> Row:
    """Return a URL that serves one file for a while."""
    known(request.body, "expiration_time")
    seconds = request.body.get("expiration_time", 3600)
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < 1:
        raise invalid(f"invalid expiration_time '{seconds}'")
    file = text(request.call.written["file"])
    asked = f"SELECT GET_PRESIGNED_URL(@{STAGES.written(request)}, {file}, {seconds})"
    return {"presigned_url": request.one(asked)}
