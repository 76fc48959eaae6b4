"""Environments in an account: what ``targets`` in ``mlops.yml`` says of each, typed and checked.

A target says where things stand and how they run, never how to sign in. It may extend another:
mappings are laid over each other key by key, everything else is replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

import msgspec

from sf_ml_framework import perimeter
from sf_ml_framework.environments import Environment, derived
from sf_ml_framework.errors import SettingsError, UnknownNameError, nearest
from sf_ml_framework.identifiers import why_not_identifier
from sf_ml_framework.notices import (
    INTEGRATIONS,
    Alerts,
    Monitoring,
    Notifications,
    faults,
    telemetry_fault,
)
from sf_ml_framework.perimeter import Network, ServiceUser, WorkloadIdentity
from sf_ml_framework.quantities import PoolSize
from sf_ml_framework.settings import FILE, Settings

State = Literal["started", "suspended", "kept"]
"""What a deployment leaves the graph as; ``kept``: as it was, and suspended when it is new."""

OverlapPolicy = Literal["NO_OVERLAP", "ALLOW_CHILD_OVERLAP", "ALLOW_ALL_OVERLAP"]
LogLevel = Literal["INFO", "ERROR", "NONE"]

FAMILIES = {
    PoolSize.XSMALL: "CPU_X64_XS",
    PoolSize.SMALL: "CPU_X64_S",
    PoolSize.MEDIUM: "CPU_X64_M",
    PoolSize.LARGE: "CPU_X64_SL",
    PoolSize.XLARGE: "CPU_X64_L",
}
"""Machine of each size where the target names none. Source: Snowflake, "CREATE COMPUTE POOL"."""

_Count = Annotated[int, msgspec.Meta(ge=1, le=500)]
_Natural = Annotated[int, msgspec.Meta(ge=0)]


class Pool(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The compute pool that serves one size of node."""

    name: str = ""
    """Empty: ``<prefix>_COMPUTE_POOL`` for SMALL, ``<prefix>_COMPUTE_POOL_<SIZE>`` for others."""
    family: str = ""
    """Instance family; empty: the one of the size in ``FAMILIES``."""
    min_nodes: _Count = 1
    max_nodes: _Count = 1
    auto_suspend_seconds: _Natural = 300
    """Idle seconds before the pool is suspended and costs nothing; 0 is never."""


class Tasks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the graph of tasks runs."""

    schedule: str = ""
    """``60 MINUTES`` or ``USING CRON 0 3 * * * UTC``; empty: only when it is asked to."""
    state: State = "started"
    overlap_policy: OverlapPolicy = "NO_OVERLAP"
    auto_retry_attempts: Annotated[int, msgspec.Meta(ge=0, le=30)] = 0
    suspend_after_failures: _Natural = 10
    """Failed runs in a row after which Snowflake suspends the graph; 0 is never."""
    timeout_minutes: Annotated[int, msgspec.Meta(ge=0, le=10080)] = 0
    """Limit of a whole run; 0: the sum of the nodes' own along the longest way."""
    warehouse: str = ""
    """Warehouse that the tasks wait in; empty: they are serverless."""
    config: dict[str, Any] = {}
    """Parameters of every run, as ``SYSTEM$GET_TASK_GRAPH_CONFIG`` gives them."""


class MlJobs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How nodes on several machines run: as ML Jobs, in Snowflake's Container Runtime."""

    runtime: str = ""
    """Version of the runtime, such as ``2.9.0``, or an image made of it; empty: the newest."""
    package_repository: str = "SNOWFLAKE.SNOWPARK.PYPI_SHARED_REPOSITORY"
    """Where the runtime gets packages from; empty: by the node's ``external_access``."""
    requirements: tuple[str, ...] = ()
    """What the project needs beyond the runtime's own packages, as pip writes it."""
    include: tuple[str, ...] = ()
    """Files and folders of the project that its nodes need beside their own packages."""


class NodeChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a target says otherwise than the declaration of a node, in the words of ``NodeConfig``.

    Empty: as declared.
    """

    compute_pool_size: str = ""
    """XSMALL, SMALL, MEDIUM, LARGE or XLARGE."""
    memory_request: str = ""
    """With a unit, as in ``8Gi``."""
    cpu_request: str | float = ""
    """Processors, as in ``4`` or ``500m``."""
    timeout_minutes: float | None = None
    """Limit of one attempt."""
    retries: int | None = None
    """Attempts after the first."""
    target_instances: int | None = None
    """Machines; above one the node is an ML Job."""
    params: dict[str, Any] = {}
    """Only these; the others stay."""


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One environment: a database, a schema, and what stands around them."""

    name: str
    database: str
    schema: str = "ML"
    prefix: str = "MLOPS"
    """Begins the names of what is not in the database: roles, warehouse, pools."""
    role: str = ""
    """Owns the tasks and is what their containers run as; empty: ``<prefix>_ROLE``."""
    deploy_role: str = ""
    """Owns pools, repository, stage and tables; empty: ``<prefix>_DEPLOY_ROLE``."""
    read_role: str = ""
    """May look and no more; empty: ``<prefix>_READ_ROLE``."""
    warehouse: str = ""
    """Runs the SQL of the nodes; empty: ``<prefix>_WH``."""
    warehouse_size: Literal["XSMALL", "SMALL", "MEDIUM", "LARGE", "XLARGE"] = "XSMALL"
    image_repository: str = "MLOPS_IMAGES"
    """In the target's schema; with database and schema another target's, which makes it."""
    image: str = "mlops_framework"
    image_tag: str = "latest"
    """Used when a command names no other."""
    stage: str = "MLOPS_ARTIFACTS"
    pools: dict[PoolSize, Pool] = {}
    tasks: Tasks = Tasks()
    notifications: Notifications = Notifications()
    monitoring: Monitoring = Monitoring()
    alerts: Alerts = Alerts()
    ml_jobs: MlJobs = MlJobs()
    secrets: dict[str, str] = {}
    """For a secret's name in a node the secret's name in the account; by default the same."""
    network: Network = Network()
    """From where one signs in, and which ways out nodes may name."""
    service_user: ServiceUser = ServiceUser()
    """The user that signs in for machines."""
    log_level: LogLevel = "INFO"
    """Which of a container's lines go to the account's event table."""
    telemetry: str = ""
    """Where containers send traces: ``event-table``, a collector's address; empty: nowhere."""
    env: dict[str, str] = {}
    """More variables for the containers; never secrets, everybody who sees a task reads them."""
    nodes: dict[str, NodeChange] = {}
    """What is said of nodes otherwise than they declare, by name."""
    branch: str | tuple[str, ...] = ()
    """Branches that are deployed here, as names or patterns; empty: any."""
    approval: Literal["", "required"] = ""
    """``required``: nothing is changed that nobody said yes to by name, or by a plan in a file."""
    environment: Environment | None = None
    """Which environment it is, where ``mlops env create`` made it; never in ``mlops.yml``."""

    @property
    def alias(self) -> str:
        """Its name as an identifier, as in the alias of a model's version."""
        return re.sub(r"[^A-Za-z0-9_]", "_", self.name)

    @property
    def branches(self) -> tuple[str, ...]:
        """Its branches."""
        given = self.branch
        return tuple(filter(None, (given,) if isinstance(given, str) else given))


def load(settings: Settings, name: str = "") -> Target:
    """Return the target *name*, all of its names filled in and in upper case.

    Args:
        settings: what ``mlops.yml`` says.
        name: which one; empty: ``default_target``, or the only one that there is.

    Raises:
        SettingsError: no target is chosen, or one says what cannot be.
        UnknownNameError: there is none of that name.
    """
    chosen = name or settings.default_target or _only(settings.targets)
    if not chosen:
        raise SettingsError(
            f"no target is named, and {FILE} has no default_target",
            remedy=f"choose one with --target: {', '.join(sorted(settings.targets)) or 'none yet'}",
        )
    raw = _raw(settings, chosen)
    try:
        target = msgspec.convert({**raw, "name": chosen}, Target, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(
            f"{FILE}: targets.{chosen}: {error}", remedy=_remedy(str(error))
        ) from error
    return _checked(_filled(target))


def _raw(settings: Settings, name: str) -> dict[str, Any]:
    """Return what says the target *name*, where it is an environment by what that is made of."""
    made = settings.made.get(name)
    if name not in settings.targets and made is None:
        raise UnknownNameError(kind="target", name=name, known={*settings.targets, *settings.made})
    if made is None or name in settings.targets:
        return _laid_over(settings.targets, name, ())
    parent = _laid_over(settings.targets, made.of, ())
    filled = msgspec.to_builtins(load(settings, made.of))
    return _merged(derived(parent, filled, made), settings.environments.target)


def _only(targets: Mapping[str, Any]) -> str:
    return next(iter(targets)) if len(targets) == 1 else ""


def _laid_over(
    targets: Mapping[str, dict[str, Any]], name: str, below: tuple[str, ...]
) -> dict[str, Any]:
    """Return what target *name* says, laid over what it extends."""
    if name not in targets:
        raise UnknownNameError(kind="target", name=name, known=targets)
    if name in below:
        raise SettingsError(
            f"{FILE}: targets extend each other: {' -> '.join((*below, name))}",
            remedy="let one of them extend nothing",
        )
    own = dict(targets[name] or {})
    if "environment" in own:
        raise SettingsError(
            f"{FILE}: targets.{name}: Object contains unknown field `environment`",
            remedy="environments are made by `mlops env create`",
        )
    base = own.pop("extends", "")
    return _merged(_laid_over(targets, base, (*below, name)), own) if base else own


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = _merged(old, value) if both else value  # type: ignore[arg-type]
    return merged


def _filled(target: Target) -> Target:
    """Return *target* with every name that it leaves out, and names as Snowflake keeps them."""
    prefix = target.prefix.upper()
    tasks, told = target.tasks, target.notifications
    network, user = perimeter.filled(target.network, target.service_user)
    return msgspec.structs.replace(
        target,
        database=target.database.upper(),
        schema=target.schema.upper(),
        prefix=prefix,
        role=target.role.upper() or f"{prefix}_ROLE",
        deploy_role=target.deploy_role.upper() or f"{prefix}_DEPLOY_ROLE",
        read_role=target.read_role.upper() or f"{prefix}_READ_ROLE",
        warehouse=target.warehouse.upper() or f"{prefix}_WH",
        image_repository=target.image_repository.upper(),
        stage=target.stage.upper(),
        pools={size: _pool(target, size, prefix) for size in PoolSize},
        tasks=msgspec.structs.replace(tasks, warehouse=tasks.warehouse.upper()),
        notifications=msgspec.structs.replace(
            told,
            email_integration=told.email_integration.upper(),
            webhook_integration=told.webhook_integration.upper(),
            webhook_secret=told.webhook_secret.upper(),
            error_integration=told.error_integration.upper(),
            success_integration=told.success_integration.upper(),
        ),
        alerts=msgspec.structs.replace(target.alerts, warehouse=target.alerts.warehouse.upper()),
        network=network,
        service_user=user,
        ml_jobs=msgspec.structs.replace(
            target.ml_jobs, package_repository=target.ml_jobs.package_repository.upper()
        ),
    )


def _pool(target: Target, size: PoolSize, prefix: str) -> Pool:
    given = target.pools.get(size, Pool())
    # The default size has the bare name, so that what people write by hand works.
    usual = f"{prefix}_COMPUTE_POOL" + ("" if size is PoolSize.SMALL else f"_{size}")
    return msgspec.structs.replace(
        given, name=given.name.upper() or usual, family=given.family.upper() or FAMILIES[size]
    )


def _checked(target: Target) -> Target:
    faults = [fault for fault in _faults(target) if fault]
    if faults:
        raise SettingsError(
            f"{FILE}: targets.{target.name}: " + "; ".join(faults),
            remedy="see docs/reference/targets.md",
        )
    return target


def _faults(target: Target) -> Iterable[str]:
    """Return what is wrong with *target*, each with the setting's name; empty ones are none."""
    for field in (
        "database", "schema", "prefix", "role", "deploy_role", "read_role", "warehouse", "stage",
    ):  # fmt: skip
        yield _fault(field, getattr(target, field))
    parts = target.image_repository.split(".")
    yield from (_fault("image_repository", part) for part in parts)
    if len(parts) not in (1, 3):
        yield "image_repository is neither NAME nor DATABASE.SCHEMA.NAME"
    yield from _pool_faults(target)
    told = target.notifications
    for field in INTEGRATIONS:
        yield _fault(f"notifications.{field}", getattr(told, field), empty=True)
    for part in told.webhook_secret.split("."):
        yield _fault("notifications.webhook_secret", part, empty=True)
    yield _fault("alerts.warehouse", target.alerts.warehouse, empty=True)
    yield telemetry_fault(target.telemetry)
    yield from faults(told, target.monitoring, target.alerts, schedule=target.tasks.schedule)
    yield _fault("tasks.warehouse", target.tasks.warehouse, empty=True)
    yield _schedule_fault(target.tasks.schedule)
    yield from _ml_jobs_faults(target.ml_jobs)
    yield from perimeter.faults(target.network, target.service_user)
    if not re.fullmatch(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*", target.image):
        yield f"image {target.image!r} is no image's name: lower-case letters, digits, _, - and ."
    if not re.fullmatch(r"\w[\w.-]{0,127}", target.image_tag, re.ASCII):
        yield f"image_tag {target.image_tag!r} is no tag"
    for secret, full in target.secrets.items():
        for part in full.split("."):
            yield _fault(f"secrets.{secret}", part)
    for variable in target.env:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable):
            yield f"env has {variable!r}, which is no name of a variable"


def _pool_faults(target: Target) -> Iterable[str]:
    for size, pool in target.pools.items():
        yield _fault(f"pools.{size}.name", pool.name)
        yield _fault(f"pools.{size}.family", pool.family)
        if pool.max_nodes < pool.min_nodes:
            yield f"pools.{size} has fewer max_nodes than min_nodes"
    for size, pool in target.pools.items():
        for other, same in target.pools.items():
            if size < other and pool.name == same.name and pool != same:
                yield f"pools.{size} and pools.{other} are one pool, {pool.name}, yet differ"


def _ml_jobs_faults(ml_jobs: MlJobs) -> Iterable[str]:
    # Snowflake's client writes it between quotes as it is.
    if not re.fullmatch(r"[\w./:@-]*", ml_jobs.runtime, re.ASCII):
        yield f"ml_jobs.runtime {ml_jobs.runtime!r} is no version and no image"
    for part in ml_jobs.package_repository.split("."):
        yield _fault("ml_jobs.package_repository", part, empty=True)
    for path in ml_jobs.include:
        if not path or path.startswith(("/", "~")) or ".." in path.split("/"):
            yield f"ml_jobs.include has {path!r}, which is no path in the project"


def _fault(field: str, name: str, *, empty: bool = False) -> str:
    if not name and empty:
        return ""
    why = why_not_identifier(name)
    return f"{field} is {name!r}: {why}" if why else ""


_INTERVAL = re.compile(r"\d+ (?:HOURS?|MINUTES?|SECONDS?)", re.IGNORECASE)
_CRON = re.compile(r"USING CRON( [0-9A-Za-z*,/#?-]+){5} [A-Za-z][\w+/-]*", re.IGNORECASE)


def _schedule_fault(schedule: str) -> str:
    if not schedule or _INTERVAL.fullmatch(schedule) or _CRON.fullmatch(schedule):
        return ""
    return (
        f"tasks.schedule is {schedule!r}; write '60 MINUTES' or 'USING CRON 0 3 * * * UTC'"
        " (five fields and a time zone)"
    )


def _remedy(message: str) -> str:
    """Return the nearest setting for an unknown one; else where all are listed."""
    unknown = re.search(r"unknown field `([^`]+)`(?: - at `\$\.(\w+))?", message)
    if not unknown:
        return "see docs/reference/targets.md"
    owners: dict[str, type[msgspec.Struct]] = {
        "tasks": Tasks, "notifications": Notifications, "pools": Pool, "ml_jobs": MlJobs,
        "nodes": NodeChange,
        "monitoring": Monitoring, "alerts": Alerts,
        "network": Network, "service_user": ServiceUser, "workload_identity": WorkloadIdentity,
    }  # fmt: skip
    owner = owners.get(unknown[2] or "", Target)
    return nearest(unknown[1], [*owner.__struct_fields__, "extends"])
