"""PUT and GET: say where the files are; the client moves them itself.

The stage's directory is named as a local file system, which the clients read and write directly. A
container of a built image has another root directory: it gets presigned URLs, one for each file, as
accounts on Google Cloud give them.

Source: Snowflake, "PUT", "GET"; connector 4.8, ``file_transfer_agent._parse_command``,
``local_storage_client.py``, ``gcs_storage_client.py``.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from ..faults import unexpected
from ..reader import Reader
from ..registry import Call
from ..results import ResultSet, done
from ..stages import Location
from .stages import location

if TYPE_CHECKING:
    from ..account import Account

_SECONDS = 3600.0
"""How long a presigned URL is good for."""


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
            "stageInfo": _upload(call, where, source),
        }
    )


def _upload(call: Call, where: Location, source: str) -> dict[str, Any]:
    """Say where a file goes; the client asks once more for each file when it needs a URL."""
    if not call.session.facts.get("apart"):
        return {"locationType": "LOCAL_FS", "location": str(where.target), "creds": {}}
    target = where.target / PurePosixPath(source).name
    url = call.account.stages.sign(target, _SECONDS)
    return {"locationType": "GCS", "location": "stage/", "creds": {}, "presignedUrl": url}


def get(call: Call) -> ResultSet:
    """Answer a download."""
    where = call.account.stages.locate(call.session, location(call.reader))
    target = _local(call.reader)
    found = call.reader.properties()
    pattern = re.compile(str(found["PATTERN"])) if found.get("PATTERN") else None
    stages = call.account.stages
    files = [
        file.path for file in stages.files(where) if pattern is None or pattern.fullmatch(file.name)
    ]
    info = {"locationType": "LOCAL_FS", "location": str(where.folder), "creds": {}}
    urls = {}
    if call.session.facts.get("apart"):
        info |= {"locationType": "GCS", "location": "stage/"}
        urls = {"presignedUrls": [stages.sign(file, _SECONDS) for file in files]}
    return _transfer(
        {
            "command": "DOWNLOAD",
            "src_locations": [file.relative_to(where.folder).as_posix() for file in files],
            "parallel": int(found.get("PARALLEL", 10)),
            "localLocation": target,
            "stageInfo": info,
            **urls,
        }
    )
