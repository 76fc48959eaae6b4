"""PUT and GET: say where the files are; the client moves them itself.

The stage's directory is named as a local file system, which the clients read and write directly, so
client and server must share a machine. A server for other machines would name presigned URLs
instead.

Source: Snowflake, "PUT", "GET"; connector 4.8, ``file_transfer_agent._parse_command``,
``local_storage_client.py``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..faults import unexpected
from ..reader import Reader
from ..registry import Call
from ..results import ResultSet, done
from .stages import location

if TYPE_CHECKING:
    from ..account import Account


def install(account: Account) -> None:
    """Register PUT and GET."""
    account.statement("PUT", put)
    account.statement("GET", get)


def _local(reader: Reader) -> str:
    token = reader.next()
    text = token.value if token.kind in {"STRING", "DOLLAR"} else token.text
    if not text.lower().startswith("file://"):
        raise unexpected(token.text, token.start)
    return text[len("file://") :]


def _transfer(fields: dict[str, Any]) -> ResultSet:
    result = done()
    result.transfer = {
        "encryptionMaterial": [],
        "statementTypeId": None,
        "parameters": [],
        "rowtype": [],
        "rowset": None,
        "total": 0,
        **fields,
    }
    return result


def put(call: Call) -> ResultSet:
    """Answer an upload."""
    source = _local(call.reader)
    where = call.account.stages.locate(call.session, location(call.reader))
    found = call.reader.properties()
    where.target.mkdir(parents=True, exist_ok=True)
    return _transfer(
        {
            "command": "UPLOAD",
            "encryptionMaterial": None,
            "src_locations": [source],
            "parallel": int(found.get("PARALLEL", 4)),
            "threshold": 209715200,
            "autoCompress": bool(found.get("AUTO_COMPRESS", True)),
            "overwrite": bool(found.get("OVERWRITE", False)),
            "sourceCompression": str(found.get("SOURCE_COMPRESSION", "auto_detect")).lower(),
            "clientShowEncryptionParameter": True,
            "stageInfo": {"locationType": "LOCAL_FS", "location": str(where.target), "creds": {}},
        }
    )


def get(call: Call) -> ResultSet:
    """Answer a download."""
    where = call.account.stages.locate(call.session, location(call.reader))
    target = _local(call.reader)
    found = call.reader.properties()
    pattern = re.compile(str(found["PATTERN"])) if found.get("PATTERN") else None
    files = [
        file.path.relative_to(where.folder).as_posix()
        for file in call.account.stages.files(where)
        if pattern is None or pattern.fullmatch(file.name)
    ]
    return _transfer(
        {
            "command": "DOWNLOAD",
            "src_locations": files,
            "parallel": int(found.get("PARALLEL", 10)),
            "localLocation": target,
            "stageInfo": {"locationType": "LOCAL_FS", "location": str(where.folder), "creds": {}},
        }
    )
