"""Services and jobs by REST.

Source: snowflake.core 1.13, ``service/_generated``, ``service/_service.py``. What CREATE SERVICE
has and ALTER SERVICE here has not, create-or-alter refuses to change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..faults import invalid, not_found
from ..names import quoted
from ..registry import Row
from ..resources.request import (
    DONE,
    Request,
    boolean,
    known,
    name,
    name_of,
    names,
    number,
    plain,
    properties,
    route,
    text,
    told,
    truth,
)
from ..resources.resource import Resource

if TYPE_CHECKING:
    from ..account import Account

_COMMON = {"external_access_integrations": names, "query_warehouse": name, "comment": text}
_WRITERS = {
    **_COMMON,
    "auto_resume": boolean,
    "auto_suspend_secs": number,
    "min_instances": number,
    "max_instances": number,
    "min_ready_instances": number,
}
_TOLD: tuple[str, ...] = (
    "status",
    "current_instances",
    "target_instances",
    "database_name",
    "schema_name",
)
_TOLD += ("owner", "dns_name", "created_on", "updated_on", "resumed_on", "suspended_on")
_TOLD += ("owner_role_type", "spec_digest", "managing_object_domain", "managing_object_name")
_FLAGS = ("auto_resume", "is_job", "is_async_job", "is_upgrading")
_CONTAINER: tuple[str, ...] = (
    "database_name",
    "schema_name",
    "service_name",
    "service_status",
    "instance_id",
)
_INSTANCE = (*_CONTAINER, "status", "spec_digest", "creation_time", "start_time")
_CONTAINER += ("instance_status", "container_name", "status", "message", "image_name")
_CONTAINER += ("image_digest", "restart_count", "start_time")


def _service(request: Request, row: Row) -> Row:
    integrations = str(row.get("external_access_integrations") or "")
    kept = told(row, "compute_pool", "comment", "query_warehouse", "min_instances")
    kept |= told(row, "max_instances", "min_ready_instances", "auto_suspend_secs", *_TOLD)
    listed = [part.strip(' "') for part in integrations.strip("[]").split(",")]
    return {
        **kept,
        **{flag: truth(row[flag]) for flag in _FLAGS},
        "name": name_of(row),
        "external_access_integrations": [part for part in listed if part],
        # The client's model asks for a specification; SHOW has none, and only the owner sees it.
        "spec": {"spec_type": "from_inline", "spec_text": str(row.get("spec") or "")},
    }


SERVICES = Resource(
    home="/api/v2/databases/{database}/schemas/{schema}/services",
    kind="SERVICE",
    plural="SERVICES",
    writers=_WRITERS,
    shown=("compute_pool", "spec", *_TOLD, *_FLAGS),
    model=_service,
)


def install(account: Account) -> None:
    """Register the routes."""
    one = SERVICES.home + "/{name}"
    account.route("POST", SERVICES.home + ":execute-job", route(execute_job))
    # Before the kind's own: DESCRIBE has the specification, SHOW has not.
    account.route("GET", one, route(fetch))
    SERVICES.install(account)
    for method, path, work in (
        ("POST", SERVICES.home, create),
        ("PUT", one, create_or_alter),
        ("POST", one + ":resume", SERVICES.verb("RESUME")),
        ("POST", one + ":suspend", SERVICES.verb("SUSPEND")),
        ("GET", one + "/logs", logs),
        ("GET", one + "/status", status),
        ("GET", one + "/containers", containers),
        ("GET", one + "/instances", instances),
        ("GET", one + "/endpoints", endpoints),
    ):
        account.route(method, path, route(work))


def _body(request: Request, *fields: str) -> dict[str, Any]:
    given = request.body
    given.setdefault("name", quoted(request.call.parts.get("name", "")))
    known(given, "name", *SERVICES.shown, *fields)
    for one in ("name", "compute_pool", "spec"):
        if not given.get(one):
            raise invalid(f"'{one}' is required")
    return given


def _specification(given: dict[str, Any]) -> str:
    spec = given["spec"] if isinstance(given["spec"], dict) else {}
    match spec.get("spec_type"):
        case "from_inline":
            return f" FROM SPECIFICATION {text(spec.get('spec_text', ''))}"
        case "from_file":
            stage = name(str(spec.get("stage", "")).removeprefix("@"))
            return f" FROM @{stage} SPECIFICATION_FILE = {text(spec.get('spec_file', ''))}"
        case other:
            raise invalid(f"invalid spec_type '{other}'")


def create(request: Request) -> Row:
    """Create a service; there is no OR REPLACE."""
    replacing, absent = request.mode
    if replacing:
        raise invalid("createMode 'orReplace' is not supported for services")
    _create(request, _body(request, *_WRITERS), absent)
    return DONE


def _create(request: Request, given: dict[str, Any], absent: str = "") -> None:
    request.run(
        f"CREATE SERVICE{absent} {SERVICES.written(request, str(given['name']))}"
        f" IN COMPUTE POOL {name(given['compute_pool'])}{_specification(given)}"
        f"{properties(given, _WRITERS)}"
    )


def create_or_alter(request: Request) -> Row:
    """Create a service, or change its comment; anything else is refused, not forgotten."""
    given = _body(request, *_WRITERS)
    found = request.rows(f"SHOW SERVICES IN SCHEMA {_schema(request)}")
    row = next((row for row in found if row["name"] == request.call.parts["name"]), None)
    if row is None:
        _create(request, given)
        return DONE
    stands = _service(request, row)
    for one in (*_WRITERS, "compute_pool"):
        if one != "comment" and one in given and given[one] != stands.get(one):
            raise invalid(f"this emulator does not change '{one}' of a service that stands")
    request.run(
        f"ALTER SERVICE {SERVICES.written(request)} SET COMMENT = {text(given.get('comment', ''))}"
    )
    return DONE


def _schema(request: Request) -> str:
    place = request.place()
    return f"{quoted(place.database)}.{quoted(place.schema)}"


def execute_job(request: Request) -> Row:
    """Run a job; it is answered when the job has ended, unless it is asynchronous."""
    given = _body(request, *_COMMON)
    name_text = SERVICES.written(request, str(given["name"]))
    background = " ASYNC = TRUE" if given.get("is_async_job") else ""
    request.run(
        f"EXECUTE JOB SERVICE IN COMPUTE POOL {name(given['compute_pool'])} NAME = {name_text}"
        f"{background}{properties(given, _COMMON)}{_specification(given)}"
    )
    return DONE


def fetch(request: Request) -> Row:
    """Return a service with its specification."""
    found = request.rows(f"DESCRIBE SERVICE {SERVICES.written(request)}")
    if not found or SERVICES.row(request) is None:
        raise not_found("SERVICE", str(SERVICES.path(request)))
    return _service(request, found[0])


def logs(request: Request) -> Row:
    """Return the lines that a container wrote."""
    query = request.call.query
    instance, container = query.get("instanceId", "0"), query.get("containerName", "")
    lines = query.get("numLines")
    if lines is not None and not lines.isdigit():
        raise invalid(f"invalid numLines '{lines}'")
    more = f", {lines}" if lines else ""
    asked = f"{_text(request)}, {text(instance)}, {text(container)}{more}"
    said = request.one(f"SELECT SYSTEM$GET_SERVICE_LOGS({asked})")
    return {"system$get_service_logs": said}


def status(request: Request) -> Row:
    """Return the state of the containers as the older function tells it."""
    said = request.one(f"SELECT SYSTEM$GET_SERVICE_STATUS({_text(request)})")
    return {"system$get_service_status": said}


def _text(request: Request) -> str:
    return text(SERVICES.written(request))


def containers(request: Request) -> list[Row]:
    """Return the containers."""
    asked = f"SHOW SERVICE CONTAINERS IN SERVICE {SERVICES.written(request)}"
    return [told(row, *_CONTAINER) for row in request.rows(asked)]


def instances(request: Request) -> list[Row]:
    """Return the instances."""
    asked = f"SHOW SERVICE INSTANCES IN SERVICE {SERVICES.written(request)}"
    return [told(row, *_INSTANCE) for row in request.rows(asked)]


def endpoints(request: Request) -> list[Row]:
    """Return the endpoints."""
    asked = f"SHOW ENDPOINTS IN SERVICE {SERVICES.written(request)}"
    return [
        {
            **told(row, "name", "port", "protocol", "ingress_url"),
            "portRange": plain(row.get("port_range")),
            "is_public": truth(row["is_public"]),
        }
        for row in request.rows(asked)
    ]
