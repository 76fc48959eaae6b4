"""Compute pools and image repositories by REST.

Source: snowflake.core 1.13, ``compute_pool/_generated``, ``image_repository/_generated``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..faults import invalid
from ..registry import Row
from ..resources.request import Request, boolean, name, name_of, number, route, text, told, truth
from ..resources.resource import Resource
from ..services.families import FAMILIES

if TYPE_CHECKING:
    from ..account import Account

_TOLD: tuple[str, ...] = (
    "state",
    "num_services",
    "num_jobs",
    "active_nodes",
    "idle_nodes",
    "target_nodes",
)
_TOLD += ("created_on", "resumed_on", "updated_on", "owner", "is_exclusive", "application")
_TOLD += ("budget", "error_code", "status_message", "placement_group")
_TOLD += ("desired_nodes", "desired_nodes_expire_after", "optimize_for_capacity")
_STORED = ("created_on", "repository_url", "owner", "owner_role_type")


def _pool(request: Request, row: Row) -> Row:
    return {
        **told(row, *POOLS.writers, *_TOLD),
        "name": name_of(row),
        "auto_resume": truth(row["auto_resume"]),
        "is_exclusive": truth(row["is_exclusive"]),
    }


POOLS = Resource(
    home="/api/v2/compute-pools",
    kind="COMPUTE POOL",
    plural="COMPUTE POOLS",
    writers={
        "min_nodes": number,
        "max_nodes": number,
        "instance_family": name,
        "auto_resume": boolean,
        "auto_suspend_secs": number,
        "comment": text,
    },
    shown=_TOLD,
    model=_pool,
    defaults={"auto_resume": True, "auto_suspend_secs": 3600, "comment": ""},
    fixed=("instance_family",),
)


def _repository(request: Request, row: Row) -> Row:
    kept = told(row, *_STORED)
    places = {"database_name": row["database_name"], "schema_name": row["schema_name"]}
    return {**kept, **places, "name": name_of(row)}


REPOSITORIES = Resource(
    home="/api/v2/databases/{database}/schemas/{schema}/image-repositories",
    kind="IMAGE REPOSITORY",
    plural="IMAGE REPOSITORIES",
    writers={},
    shown=("database_name", "schema_name", *_STORED),
    model=_repository,
)


def install(account: Account) -> None:
    """Register the routes."""
    # Before the pools' own: "instance-families" is no pool's name.
    account.route("GET", POOLS.home + "/instance-families", route(families))
    POOLS.install(account)
    REPOSITORIES.install(account)
    for method, path, work in (
        ("POST", POOLS.home, create_pool),
        ("PUT", POOLS.home + "/{name}", POOLS.changed),
        ("POST", POOLS.home + "/{name}:resume", POOLS.verb("RESUME")),
        ("POST", POOLS.home + "/{name}:suspend", POOLS.verb("SUSPEND")),
        ("POST", POOLS.home + "/{name}:stop-all-services", POOLS.verb("STOP ALL")),
        ("POST", POOLS.home + "/{name}:stopallservices", POOLS.verb("STOP ALL")),
        ("POST", REPOSITORIES.home, REPOSITORIES.created),
        ("GET", REPOSITORIES.home + "/{name}/images", images),
    ):
        account.route(method, path, route(work))


def create_pool(request: Request) -> Row:
    """Create a pool; there is no OR REPLACE."""
    if request.mode[0]:
        raise invalid("createMode 'orReplace' is not supported for compute pools")
    suspended = truth(request.call.query.get("initiallySuspended"))
    return POOLS.created(request, more=" INITIALLY_SUSPENDED = TRUE" if suspended else "")


def families(request: Request) -> list[Row]:
    """Return the instance families."""
    return [
        {
            "name": family.name,
            "vcpu": family.cpu,
            "memory_gib": family.memory_gib,
            "gpu_count": family.gpus,
            "current_node_usage": 0,
        }
        for family in FAMILIES.values()
    ]


def images(request: Request) -> list[Row]:
    """Return the images of a repository."""
    found = request.rows(f"SHOW IMAGES IN IMAGE REPOSITORY {REPOSITORIES.written(request)}")
    return [told(row, "created_on", "image_name", "tags", "digest", "image_path") for row in found]
