"""What a service names must stand: pool, images, resources, stages, secrets, integrations.

Source: Snowflake, "EXECUTE JOB SERVICE" and "CREATE SERVICE" (privileges and usage notes), "Service
specification reference" (resources), "Guidelines and limitations".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from ..containers.runtime import Containers
from ..faults import invalid, not_found
from ..names import Path, parts_of
from . import imaging
from .families import Family
from .pooling import Pools
from .shape import bad_spec
from .spec import Container, Spec

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

MAX_INTEGRATIONS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A service to start. ``runners`` are for containers whose image is no repository's."""

    path: Path
    pool: str
    spec: Spec
    job: bool = True
    asynchronous: bool = False
    replicas: int = 1
    warehouse: str | None = None
    integrations: tuple[str, ...] = ()
    comment: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    """What SHOW SERVICES tells and nothing runs by, such as MAX_INSTANCES."""
    runners: Mapping[str, imaging.Runner] = field(default_factory=dict)
    kept: Mapping[str, object] = field(default_factory=dict)
    """What is to stand with the service in the catalogue, such as the model that it serves."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a launch's names lead to."""

    images: Mapping[str, imaging.Image]
    stages: Mapping[str, FilePath]
    secrets: Mapping[str, Path]


def check(account: Account, session: Session, launch: Launch) -> Found:
    """Return what the launch names.

    Raises:
        SnowflakeError: something does not stand, or does not fit.
    """
    pools = account.part(Pools)
    entry = pools.get(launch.pool)
    pools.usable(launch.pool)
    _fits(launch, Pools.family(entry), int(entry.properties["MAX_NODES"]))
    if launch.warehouse is not None:
        account.catalog.get("WAREHOUSE", Path("", "", launch.warehouse))
    _integrations(account, launch)
    _allowed(account, session, launch)
    return Found(
        {c.name: _image(account, launch, c) for c in launch.spec.containers},
        {
            volume.name: account.stages.locate(session, _at(volume.stage)).target
            for volume in launch.spec.volumes.values()
            if volume.stage
        },
        _secrets(account, session, launch.spec),
    )


def _allowed(account: Account, session: Session, launch: Launch) -> None:
    """Refuse what the role may not use of a specification: images, secrets, stages.

    Source: Snowflake, "EXECUTE JOB SERVICE", access control requirements.
    """
    for container in launch.spec.containers:
        if container.name not in launch.runners:
            reference = imaging.parse(account, container.image)
            account.require(session, "READ", "IMAGE REPOSITORY", reference.repository)
        for use in container.secrets:
            account.require(session, "READ", "SECRET", session.resolve(parts_of(use.name)))
    for volume in launch.spec.volumes.values():
        if volume.stage and not _at(volume.stage).startswith("@~"):
            name = _at(volume.stage)[1:].split("/", 1)[0]
            account.require(session, "READ", "STAGE", session.resolve(parts_of(name)))


def _at(stage: str) -> str:
    return stage if stage.startswith("@") else f"@{stage}"


def _image(account: Account, launch: Launch, container: Container) -> imaging.Image:
    given = launch.runners.get(container.name)
    if given is not None:
        return imaging.Image(container.image, "", given)
    found = imaging.find(account, container.image)
    if found.runner.image:
        # Said at once, not by a container that never starts.
        _ = account.part(Containers).runtime
    return found


def _fits(launch: Launch, family: Family, nodes: int) -> None:
    for container in launch.spec.containers:
        limit = container.limit
        if limit.cpu > family.cpu or limit.memory > family.memory or limit.gpus > family.gpus:
            raise bad_spec(
                f"the limits of container '{container.name}' are greater than a node of instance "
                f"family {family.name} has ({family.cpu} vCPU, {family.memory_gib} GiB, "
                f"{family.gpus} GPU)"
            )
    demand = launch.spec.demand
    each = min(
        int(family.cpu // demand.cpu),
        int(family.memory // demand.memory),
        int(family.gpus // demand.gpus) if demand.gpus else 10**6,
    )
    if each < 1:
        raise bad_spec(
            f"the containers request {demand.cpu} vCPU, {demand.memory} bytes of memory and "
            f"{demand.gpus} GPU, more than a node of instance family {family.name} has"
        )
    if launch.replicas > each * nodes:
        # Snowflake leaves such a job pending for ever; here that is said at once.
        raise invalid(
            f"{launch.replicas} instances cannot run at once in compute pool {launch.pool}: "
            f"MAX_NODES is {nodes} and a node takes {each}."
        )


def _secrets(account: Account, session: Session, spec: Spec) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for container in spec.containers:
        for use in container.secrets:
            path = session.resolve(parts_of(use.name))
            entry = account.catalog.get("SECRET", path)
            if use.key and use.key not in entry.properties:
                raise bad_spec(f"secret {path} has no '{use.key}'")
            found[use.name] = path
    return found


def _integrations(account: Account, launch: Launch) -> None:
    if len(launch.integrations) > MAX_INTEGRATIONS:
        raise invalid(f"a service takes at most {MAX_INTEGRATIONS} external access integrations")
    for name in launch.integrations:
        entry = account.catalog.find("INTEGRATION", Path("", "", name))
        if entry is None or entry.properties["category"] != "EXTERNAL ACCESS":
            raise not_found("INTEGRATION", name)
        if not entry.properties["enabled"]:
            raise invalid(f"Integration '{name}' is not enabled.")
