"""Queries over HTTP: request, result, status, abort, chunks, files.

Source: connector 4.8, ``connection.cmd_query``, ``cursor._init_result_and_meta``,
``result_batch.py``, ``network._post_request``.
"""

from __future__ import annotations

import base64
import gzip
import json
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from . import results
from .access import running
from .account import Account
from .binds import bind
from .encode import arrow_stream, json_rows
from .faults import INTERNAL, SnowflakeError
from .lexer import split
from .login import parameter_list, session_of
from .parameters import checked
from .queries import CURRENT, Query
from .results import ResultSet
from .session import Session

if TYPE_CHECKING:
    from .app import Incoming

FIRST_ANSWER_SECONDS = 40
"""After so long the client is told to ask again; Snowflake waits 45 seconds."""
INLINE_ROWS = 2_000
CHUNK_ROWS = 50_000


def failure(error: SnowflakeError, query_id: str | None = None) -> dict[str, Any]:
    """Return the body that says no."""
    code = f"{error.number:06d}"
    return {
        "data": {
            "internalError": error.number == INTERNAL,
            "errorCode": code,
            "sqlState": error.state,
            "queryId": query_id,
            "type": "COMPILATION",
            "line": -1,
            "pos": -1,
        },
        "code": code,
        "message": error.message,
        "success": False,
        "headers": None,
    }


def query_request(account: Account, request: Incoming) -> dict[str, Any]:
    """Run a statement; answer with its result, or with where to ask for it."""
    session = session_of(account, request)
    body = request.data
    text = body.get("sqlText")
    if not isinstance(text, str):
        raise SnowflakeError("Bad request: no sqlText.", number=390400, state="08001")
    parameters = body.get("parameters") or {}
    describe = bool(body.get("describeOnly"))
    bindings = body.get("bindings")

    def work(query: Query) -> ResultSet:
        bound = bind(text, bindings)
        result = _statements(account, session, bound, parameters, describe=describe)
        if not describe:
            session.query_ids.append(query.id)
        return result

    query = account.queries.submit(
        session, text, work, request_id=request.query.get("requestId", "")
    )
    if body.get("asyncExec"):
        return _pending(query, detached=True)
    return _wait(account, query)


def _statements(
    account: Account, session: Session, text: str, parameters: dict[str, Any], *, describe: bool
) -> ResultSet:
    """Run one statement, or as many as MULTI_STATEMENT_COUNT allows (0: any number).

    Source: Snowflake, "Executing multiple statements in a single call".
    """
    parts = split(text)
    own = session.parameters.get("MULTI_STATEMENT_COUNT", 1)
    wanted = checked("MULTI_STATEMENT_COUNT", parameters.get("MULTI_STATEMENT_COUNT", own))
    if wanted not in {0, len(parts)} and len(parts) > 0:
        raise SnowflakeError(
            f"Actual statement count {len(parts)} did not match the desired statement count "
            f"{wanted}.",
            number=8,
            state="0A000",
        )
    tag = parameters.get("QUERY_TAG")
    if tag is not None and (current := CURRENT.get()):
        current.tag = str(tag)
    if len(parts) <= 1:
        return account.router.run(session, parts[0] if parts else "", describe=describe)
    ids = []
    for part in parts:
        query = account.queries.inline(session, part, partial(_run_one, account, session, part))
        if query.error is not None:
            raise query.error
        ids.append(query.id)
        session.query_ids.append(query.id)
    result = results.rows(
        ["multiple statement execution"], [("Multiple statements executed successfully.",)]
    )
    result.children = ids
    return result


def _run_one(account: Account, session: Session, text: str, _: Query) -> ResultSet:
    return account.router.run(session, text)


def _wait(account: Account, query: Query) -> dict[str, Any]:
    if not query.finished.wait(FIRST_ANSWER_SECONDS):
        return _pending(query, detached=False)
    return answer(account, query)


def _pending(query: Query, *, detached: bool) -> dict[str, Any]:
    return {
        "data": {
            "queryId": query.id,
            "getResultUrl": f"/queries/{query.id}/result",
            "queryAbortsAfterSecs": 300,
            "progressDesc": None,
        },
        "code": "333334" if detached else "333333",
        "message": "Query execution in progress. Asynchronous execution has been chosen."
        if detached
        else "Query execution in progress.",
        "success": True,
    }


def answer(account: Account, query: Query) -> dict[str, Any]:
    """Return the finished query as the client reads it."""
    if query.error is not None or query.result is None:
        return failure(query.error or _gone(query.id), query.id)
    result, session = query.result, query.session
    place = {
        "finalDatabaseName": session.database,
        "finalSchemaName": session.schema,
        "finalWarehouseName": session.warehouse,
        "finalRoleName": session.role,
    }
    if result.transfer is not None:
        data = {**result.transfer, "queryId": query.id, **place}
        return {"data": data, "code": None, "message": None, "success": True}
    data = {
        "parameters": parameter_list(session),
        "rowtype": [column.rowtype() for column in result.columns],
        "total": result.table.num_rows,
        "returned": result.table.num_rows,
        "queryId": query.id,
        "databaseProvider": None,
        "statementTypeId": result.statement_type,
        "version": 1,
        "sqlState": "00000",
        "numberOfBinds": 0,
        "arrayBindSupported": result.statement_type == results.INSERT,
        **place,
    }
    if result.children:
        data["resultIds"] = ",".join(result.children)
        kinds = [account.queries.find(child) for child in result.children]
        data["resultTypes"] = ",".join(
            str(child.result.statement_type) for child in kinds if child and child.result
        )
        data.update(queryResultFormat="json", rowset=[])
    else:
        data.update(_rows(account, query, result))
    return {"data": data, "code": None, "message": None, "success": True}


def _is_arrow(session: Session, result: ResultSet) -> bool:
    wanted = str(session.parameters.get("PYTHON_CONNECTOR_QUERY_RESULT_FORMAT", "ARROW")).upper()
    return result.statement_type == results.SELECT and wanted.startswith("ARROW")


def _rows(account: Account, query: Query, result: ResultSet) -> dict[str, Any]:
    total = result.table.num_rows
    inline = total if total <= INLINE_ROWS else 0
    chunks = [
        {
            "url": f"{account.address}/results/{query.id}/{start}",
            "rowCount": min(CHUNK_ROWS, total - start),
            "uncompressedSize": 1,
            "compressedSize": 1,
        }
        for start in range(inline, total, CHUNK_ROWS)
    ]
    extra: dict[str, Any] = {"returned": total}
    if chunks:
        # The header keeps the client from asking with a decryption key it does not have.
        extra.update(chunks=chunks, chunkHeaders={"x-emulator-session": query.session.token})
    if _is_arrow(query.session, result):
        stream = arrow_stream(result, 0, inline) if inline or not chunks else b""
        return {
            "queryResultFormat": "arrow",
            "rowsetBase64": base64.b64encode(stream).decode(),
            **extra,
        }
    head = ResultSet(result.columns, result.table.slice(0, inline), result.statement_type)
    return {"queryResultFormat": "json", "rowset": json_rows(head), **extra}


def _gone(query_id: str) -> SnowflakeError:
    return SnowflakeError(f"Statement {query_id} not found", number=709, state="02000")


def query_result(account: Account, request: Incoming) -> dict[str, Any]:
    """Answer with a query's result, waiting for it."""
    session = session_of(account, request)
    query = account.queries.find(request.path["query_id"])
    if query is None or not running.reads(account, session, query):
        raise _gone(request.path["query_id"])
    return _wait(account, query)


def monitoring(account: Account, request: Incoming) -> dict[str, Any]:
    """Say how far a query is."""
    session = session_of(account, request)
    query = account.queries.find(request.path["query_id"])
    found = []
    if query is not None and running.watches(account, session, query):
        error = query.error
        found.append(
            {
                "id": query.id,
                "status": query.status,
                "state": query.status,
                "sqlText": query.text,
                "sessionId": query.session.id,
                "startTime": int(query.started.timestamp() * 1000),
                "endTime": int(query.ended.timestamp() * 1000) if query.ended else 0,
                "errorCode": f"{error.number:06d}" if error else None,
                "errorMessage": error.message if error else None,
                "warehouseName": query.warehouse,
            }
        )
    return {"data": {"queries": found}, "code": None, "message": None, "success": True}


def abort_request(account: Account, request: Incoming) -> dict[str, Any]:
    """Cancel a query, named by its id or by the request that started it."""
    session = session_of(account, request)
    query_id = request.path.get("query_id")
    query = (
        account.queries.find(query_id)
        if query_id
        else account.queries.by_request(str(request.data.get("requestId") or ""))
    )
    if query is None or not running.ends(account, session, query):
        raise SnowflakeError(
            "Identified SQL statement is not currently executing.", number=605, state="02000"
        )
    account.queries.stop(query)
    return {"data": None, "code": None, "message": None, "success": True}


def telemetry(account: Account, request: Incoming) -> dict[str, Any]:
    """Take what the client tells about itself, and keep nothing."""
    return {"data": "Log Received", "code": None, "message": None, "success": True}


def chunk(account: Account, request: Incoming, body: bytes) -> Response:
    """Send one part of a large result."""
    query = account.queries.find(str(request.path["query_id"]))
    allowed = query and request.headers.get("x-emulator-session") == query.session.token
    if query is None or query.result is None or not allowed:
        return Response(status_code=403)
    start = int(request.path["chunk"])
    if _is_arrow(query.session, query.result):
        return Response(arrow_stream(query.result, start, CHUNK_ROWS))
    part = ResultSet(query.result.columns, query.result.table.slice(start, CHUNK_ROWS))
    # The client puts the brackets around a JSON chunk itself.
    text = ",".join(json.dumps(row) for row in json_rows(part))
    return Response(gzip.compress(text.encode()))


def file(account: Account, request: Incoming, body: bytes) -> Response:
    """Read or write a stage file through a presigned URL."""
    target = account.stages.signed(str(request.path["token"]), str(request.path["path"]))
    if target is None:
        return Response(status_code=403)
    if request.method == "PUT":
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
        return Response()
    if not target.is_file():
        return Response(status_code=404)
    return Response(target.read_bytes(), media_type="application/octet-stream")
