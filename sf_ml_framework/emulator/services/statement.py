"""Read EXECUTE JOB SERVICE and CREATE SERVICE.

Source: Snowflake, "EXECUTE JOB SERVICE", "CREATE SERVICE". The page of the first has the
specification right after the pool in its grammar and last in its examples: both are taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..faults import SnowflakeError, invalid, not_found
from ..queries import CURRENT, new_query_id
from ..registry import Call
from ..rooms.stages import require_stage
from ..seed import SYSTEM_POOLS
from .checks import Launch
from .naming import account_name, plain, refused, service_name, standing
from .spec import Spec, fill, parse

_JOB = {
    "NAME",
    "ASYNC",
    "REPLICAS",
    "QUERY_WAREHOUSE",
    "COMMENT",
    "EXTERNAL_ACCESS_INTEGRATIONS",
}
_SERVICE = {
    "AUTO_SUSPEND_SECS",
    "AUTO_RESUME",
    "MIN_INSTANCES",
    "MIN_READY_INSTANCES",
    "MAX_INSTANCES",
    "QUERY_WAREHOUSE",
    "COMMENT",
    "EXTERNAL_ACCESS_INTEGRATIONS",
}
SETTINGS = (
    "AUTO_SUSPEND_SECS",
    "AUTO_RESUME",
    "MIN_INSTANCES",
    "MIN_READY_INSTANCES",
    "MAX_INSTANCES",
)
_NUMBERS = {
    "REPLICAS": 1,
    "MIN_INSTANCES": 1,
    "MIN_READY_INSTANCES": 1,
    "MAX_INSTANCES": 1,
    "AUTO_SUSPEND_SECS": 0,
}
_SPECIFICATION = ("SPECIFICATION", "SPECIFICATION_TEMPLATE")
_FILES = ("SPECIFICATION_FILE", "SPECIFICATION_TEMPLATE_FILE")
MAX_SPEC_BYTES = 1024 * 1024


@dataclass(slots=True)
class _Written:
    pool: str
    spec: Spec | None = None
    options: dict[str, Any] = field(default_factory=dict)


def job(call: Call) -> Launch:
    """Return the job that ``EXECUTE JOB SERVICE ..`` asks for."""
    written = _read(call, _JOB)
    options = written.options
    session = call.session
    if "NAME" in options:
        path = session.resolve(options["NAME"], "EXECUTE JOB SERVICE")
    else:
        query = CURRENT.get()
        unique = (query.id if query else new_query_id()).replace("-", "_").upper()
        path = session.resolve((f"JOB_{unique}",), "EXECUTE JOB SERVICE")
    if written.spec is None:
        raise refused("syntax error: a job needs FROM SPECIFICATION.", number=1003, state="42000")
    return Launch(
        path=service_name(standing(call, path)),
        pool=written.pool,
        spec=written.spec,
        asynchronous=bool(options.get("ASYNC", False)),
        replicas=int(options.get("REPLICAS", 1)),
        warehouse=options.get("QUERY_WAREHOUSE"),
        integrations=tuple(options.get("EXTERNAL_ACCESS_INTEGRATIONS", ())),
        comment=str(options.get("COMMENT", "")),
    )


def service(call: Call) -> Launch:
    """Return the service that ``CREATE SERVICE name ..`` asks for."""
    path = service_name(standing(call, call.session.resolve(plain(call), "CREATE SERVICE")))
    written = _read(call, _SERVICE)
    options = written.options
    if written.spec is None:
        raise refused("syntax error: a service needs FROM.", number=1003, state="42000")
    return Launch(
        path=path,
        pool=written.pool,
        spec=written.spec,
        job=False,
        replicas=instances(options),
        warehouse=options.get("QUERY_WAREHOUSE"),
        integrations=tuple(options.get("EXTERNAL_ACCESS_INTEGRATIONS", ())),
        comment=str(options.get("COMMENT", "")),
        settings={key: options[key] for key in SETTINGS if key in options},
    )


def instances(options: Mapping[str, Any]) -> int:
    """Return how many instances a service has at first: MIN_INSTANCES, which MAX_INSTANCES bounds.

    Raises:
        SnowflakeError: 001008, the least are more than the most.
    """
    low = int(options.get("MIN_INSTANCES", 1))
    if "MAX_INSTANCES" in options and low > int(options["MAX_INSTANCES"]):
        raise invalid("MIN_INSTANCES must not be greater than MAX_INSTANCES")
    return low


def changes(call: Call) -> dict[str, Any]:
    """Read what ``ALTER SERVICE .. SET`` sets."""
    reader, found = call.reader, {}
    while not reader.done:
        key = reader.peek().word
        if key not in _SERVICE or reader.peek(1).text != "=" or key in found:
            reader.fail()
        reader.at += 2
        found[key] = _option(call, key)
        reader.accept(",")
    if not found:
        reader.fail()
    return found


def unset(call: Call) -> list[str]:
    """Read what ``ALTER SERVICE .. UNSET`` unsets."""
    reader, found = call.reader, []
    while not reader.done:
        key = reader.peek().word
        if key not in _SERVICE or key in found:
            reader.fail()
        reader.next()
        found.append(key)
        reader.accept(",")
    if not found:
        reader.fail()
    return found


def _read(call: Call, allowed: set[str]) -> _Written:
    reader = call.reader
    reader.expect("IN", "COMPUTE", "POOL")
    written = _Written(account_name(call).name)
    if written.pool in SYSTEM_POOLS:
        # Snowflake's words, as people report them.
        raise refused(
            f"Compute pool {written.pool} can only support services of type [NOTEBOOK, "
            "MODEL_SERVING, STREAMLIT, ML_JOB]"
        )
    while not reader.done:
        if reader.accept("FROM"):
            if written.spec is not None:
                reader.fail()
            written.spec = specification(call)
            continue
        token = reader.peek()
        key = token.word
        if key not in allowed or reader.peek(1).text != "=" or key in written.options:
            raise refused(
                f"syntax error line 1 at position {token.start} unexpected '{token.text}'.",
                number=1003,
                state="42000",
            )
        reader.at += 2
        written.options[key] = _option(call, key)
    return written


def _option(call: Call, key: str) -> Any:
    reader = call.reader
    if key == "NAME":
        return plain(call)
    if key == "QUERY_WAREHOUSE":
        return reader.name()[0]
    if key == "EXTERNAL_ACCESS_INTEGRATIONS":
        return _integrations(call)
    value = reader.value()
    if key in _NUMBERS and (type(value) is not int or value < _NUMBERS[key]):
        raise invalid(f"invalid value '{value}' for property '{key}'")
    if key in {"ASYNC", "AUTO_RESUME"} and not isinstance(value, bool):
        raise invalid(f"invalid value '{value}' for property '{key}'")
    if key == "COMMENT" and not isinstance(value, str):
        raise invalid(f"invalid value '{value}' for property '{key}'")
    return value


def _integrations(call: Call) -> list[str]:
    """Read ``(a, b)``. Source: the page says that these names are case-sensitive."""
    reader = call.reader
    reader.expect("(")
    names = []
    while not reader.accept(")"):
        token = reader.next()
        if token.kind not in {"WORD", "QUOTED"}:
            reader.at -= 1
            reader.fail()
        names.append(token.text.strip('"'))
        reader.accept(",")
    return names


def specification(call: Call) -> Spec:
    """Read what stands after FROM.

    Raises:
        SnowflakeError: it cannot be read, or is no specification.
    """
    reader = call.reader
    stage = ""
    if reader.peek().kind == "STAGE":
        stage = reader.next().text
    allowed = _FILES if stage else _SPECIFICATION
    word = reader.peek().word
    if word not in allowed:
        reader.fail()
    reader.next()
    if stage:
        if not reader.accept("=>"):
            reader.expect("=")
        text = _file(call, stage, reader.string())
    else:
        reader.accept("=")
        text = reader.string()
    if "TEMPLATE" in word:
        reader.expect("USING")
        text = fill(text, _using(call))
    if len(text.encode()) > MAX_SPEC_BYTES:
        raise invalid("the specification is too large")
    return parse(text)


def _file(call: Call, stage: str, name: str) -> str:
    require_stage(call.account, call.session, stage, "READ")
    where = call.account.stages.locate(call.session, f"{stage.rstrip('/')}/{name.lstrip('/')}")
    if not where.target.is_file():
        raise not_found("File", f"{stage}/{name}")
    try:
        return where.target.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as error:
        raise SnowflakeError(
            f"File '{name}' cannot be read: {error}", number=395018, state="22023"
        ) from None


def _using(call: Call) -> dict[str, Any]:
    """Read ``(key => value, ..)``; keys are case-sensitive."""
    reader = call.reader
    reader.expect("(")
    found: dict[str, Any] = {}
    while not reader.accept(")"):
        key = reader.next()
        if key.kind not in {"WORD", "QUOTED"} or not reader.accept("=>"):
            reader.fail()
        value = reader.value()
        found[key.text.strip('"')] = value if isinstance(value, int | float) else str(value)
        if reader.peek().text != ")":
            reader.expect(",")
    return found
