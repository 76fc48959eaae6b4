"""What can stand in an account, as plain frozen values, and what is wanted and seen of it.

Names are upper case and qualified (``DB.SCHEMA.NAME``). Fields that cannot be changed once an
object stands, or that nobody can see, are told in ``diff``.
"""

from __future__ import annotations

from typing import Literal

import msgspec

FORMAT = 1
"""Version of what is written to a file of a plan or a state; a reader refuses every other."""

Part = Literal["admin", "deploy", "run"]
"""Who makes an object: the account's administrator once, the deploy role, the run role."""


class _Object(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag=str.lower
):
    """One thing in an account."""

    name: str


class Role(_Object, frozen=True, kw_only=True):
    """An account role."""

    comment: str = ""


class Database(_Object, frozen=True, kw_only=True):
    """A database; never dropped."""

    comment: str = ""


class Schema(_Object, frozen=True, kw_only=True):
    """A schema; never dropped."""

    comment: str = ""


class Warehouse(_Object, frozen=True, kw_only=True):
    """A warehouse; never dropped."""

    size: str = "XSMALL"
    auto_suspend_seconds: int = 60
    comment: str = ""


class Pool(_Object, frozen=True, kw_only=True):
    """A compute pool; its family cannot be changed."""

    family: str
    min_nodes: int = 1
    max_nodes: int = 1
    auto_suspend_seconds: int = 3600
    auto_resume: bool = True
    comment: str = ""


class ImageRepository(_Object, frozen=True, kw_only=True):
    """An image repository; never dropped."""


class Image(_Object, frozen=True, kw_only=True):
    """An image in a repository. The name is ``/db/schema/repository/image:tag``, lower case."""

    digest: str = ""
    """``sha256:…``; empty: whichever the tag stands for."""


class Stage(_Object, frozen=True, kw_only=True):
    """An internal stage with server-side encryption; never dropped."""

    directory: bool = True
    comment: str = ""


class Column(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One column of a table of the framework."""

    name: str
    type: str
    required: bool = False


class Table(_Object, frozen=True, kw_only=True):
    """A table of the framework; columns are added to it, never taken away."""

    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    comment: str = ""


class View(_Object, frozen=True, kw_only=True):
    """A view of the framework."""

    body: str
    """Its query."""
    comment: str = ""


class Secret(_Object, frozen=True, kw_only=True):
    """A secret; made by a person, read by containers."""


class Integration(_Object, frozen=True, kw_only=True):
    """An integration for notifications or external access; only the target's own are made."""

    rules: tuple[str, ...] = ()
    """Sorted network rules that it lets out by; empty: somebody else's."""


class NetworkRule(_Object, frozen=True, kw_only=True):
    """A network rule: where requests come from (INGRESS), or go (EGRESS)."""

    mode: Literal["INGRESS", "EGRESS"]
    type: Literal["IPV4", "HOST_PORT"]
    values: tuple[str, ...]
    """Sorted."""
    comment: str = ""


class NetworkPolicy(_Object, frozen=True, kw_only=True):
    """A network policy; it holds for the users that have it."""

    allowed: tuple[str, ...]
    """Sorted network rules."""
    blocked: tuple[str, ...] = ()
    comment: str = ""


class SessionPolicy(_Object, frozen=True, kw_only=True):
    """A session policy."""

    idle_minutes: int
    comment: str = ""


class AuthenticationPolicy(_Object, frozen=True, kw_only=True):
    """An authentication policy."""

    methods: tuple[str, ...]
    """Sorted."""
    comment: str = ""


class ServiceUser(_Object, frozen=True, kw_only=True):
    """A user of TYPE = SERVICE; its keys are no part of a plan."""

    roles: tuple[str, ...]
    """Sorted; the first is its default role."""
    network_policy: str = ""
    session_policy: str = ""
    authentication_policy: str = ""
    issuer: str = ""
    subject: str = ""
    audiences: tuple[str, ...] = ()
    comment: str = ""


class Grant(_Object, frozen=True, kw_only=True):
    """One privilege on one object for one role; ``name`` is the object's."""

    privilege: str
    """One privilege, such as ``CREATE TASK``; ``USAGE`` on a ROLE is the role itself."""
    on: str
    """Kind of the object in Snowflake's words: ``ACCOUNT``, ``SCHEMA``, ``COMPUTE POOL``, ``ROLE``,
    ``FUTURE TABLES`` (in the schema ``name``)…"""
    to: str
    why: str = ""
    """The line of configuration that needs it; no part of what is compared."""
    of_others: bool = False
    """Whether another target made the object, so that only the administrator may grant it; no part
    of what is compared."""


class Task(_Object, frozen=True, kw_only=True):
    """A task. ``after`` and ``finalizes`` are tasks of the same schema, unqualified."""

    body: str
    after: tuple[str, ...] = ()
    """Sorted."""
    finalizes: str = ""
    schedule: str = ""
    config: str = ""
    """Canonical JSON, or empty."""
    overlap_policy: str = "NO_OVERLAP"
    timeout_ms: int = 3_600_000
    suspend_after_failures: int = 10
    auto_retry_attempts: int = 0
    warehouse: str = ""
    """Empty: serverless."""
    error_integration: str = ""
    success_integration: str = ""
    comment: str = ""
    started: bool | None = True
    """Whether it is resumed; none in what is wanted: as it is, and suspended when it is new."""

    @property
    def is_root(self) -> bool:
        """Whether it starts a graph."""
        return not self.after and not self.finalizes


class Alert(_Object, frozen=True, kw_only=True):
    """An alert: a query that is run on a schedule, and what is done when it finds rows."""

    schedule: str
    condition: str
    """The query."""
    action: str
    """One statement."""
    warehouse: str = ""
    """Empty: serverless."""
    comment: str = ""
    started: bool = True
    """Whether it is resumed."""


class FeatureView(_Object, frozen=True, kw_only=True):
    """A feature view ``DB.SCHEMA.NAME$VERSION``; registered by the run that first makes it."""

    entity: str = ""
    refresh_freq: str = ""
    node: str = ""
    """Node that makes it."""


Object = (
    Role
    | Database
    | Schema
    | Warehouse
    | Pool
    | ImageRepository
    | Image
    | Stage
    | Table
    | View
    | Secret
    | Integration
    | NetworkRule
    | NetworkPolicy
    | SessionPolicy
    | AuthenticationPolicy
    | ServiceUser
    | Grant
    | Task
    | Alert
    | FeatureView
)

KIND = {
    "Role": "role",
    "Database": "database",
    "Schema": "schema",
    "Warehouse": "warehouse",
    "Pool": "compute pool",
    "ImageRepository": "image repository",
    "Image": "image",
    "Stage": "stage",
    "Table": "table",
    "View": "view",
    "Secret": "secret",
    "Integration": "integration",
    "NetworkRule": "network rule",
    "NetworkPolicy": "network policy",
    "SessionPolicy": "session policy",
    "AuthenticationPolicy": "authentication policy",
    "ServiceUser": "service user",
    "Grant": "grant",
    "Task": "task",
    "Alert": "alert",
    "FeatureView": "feature view",
}
"""How each kind of object is called."""


def key_of(thing: Object) -> str:
    """Return what no other object of the account has, such as ``task DB.SCHEMA.TASK_X``."""
    if isinstance(thing, Grant):
        return f"grant {thing.privilege} on {thing.on.lower()} {thing.name} to {thing.to}"
    return f"{KIND[type(thing).__name__]} {thing.name}"


_DEPLOYS = ("COMPUTE POOL", "IMAGE REPOSITORY", "STAGE", "TABLE", "VIEW")
"""Kinds of objects that the deploy role owns, and so grants on."""


def part_of_object(thing: Object) -> Part:
    """Return who makes *thing*, and may change it."""
    match thing:
        case Task() | Alert():
            return "run"
        case Pool() | ImageRepository() | Stage() | Table() | View():
            return "deploy"
        case Grant() if thing.on in _DEPLOYS and not thing.of_others:
            return "deploy"
        case _:
            return "admin"


class Desired(msgspec.Struct, frozen=True, kw_only=True):
    """What should stand: one project in one target."""

    format: int = FORMAT
    project: str
    target: str
    database: str
    schema: str
    """Unqualified."""
    role: str
    deploy_role: str
    warehouse: str
    root: str
    """The task that starts the graph, qualified."""
    image: str
    """As in ``Image.name``."""
    objects: tuple[Object, ...]
    """In an order in which they can be made."""


class RunInFlight(msgspec.Struct, frozen=True, kw_only=True):
    """A run of the graph that has not ended."""

    run_id: str
    root: str
    started: str = ""
    nodes: tuple[str, ...] = ()
    """Tasks that run now, unqualified."""


class LastRun(msgspec.Struct, frozen=True, kw_only=True):
    """How the last run of a graph ended."""

    run_id: str
    root: str
    status: str
    ended: str = ""
    retryable: bool = False
    """Whether ``EXECUTE TASK … RETRY LAST`` is possible as the graph stands."""


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """What stands, as one role saw it at one time."""

    format: int = FORMAT
    account: str = ""
    role: str = ""
    taken_at: str = ""
    """UTC, ISO 8601."""
    objects: tuple[Object, ...] = ()
    managed: tuple[str, ...] = ()
    """Keys of what earlier deployments of this target recorded as theirs."""
    unseen: dict[str, tuple[str, ...]] = {}
    """For a key the fields that this role cannot see; they are not compared."""
    unknown: tuple[str, ...] = ()
    """Keys of objects that could not be looked for; a warning each, never a creation."""
    in_flight: tuple[RunInFlight, ...] = ()
    last_runs: tuple[LastRun, ...] = ()
    interrupted: tuple[str, ...] = ()
    """Roots that were started when a deployment began that did not end: to be resumed."""

    @property
    def digest(self) -> str:
        """SHA-256 of the objects: two states with one digest are planned alike."""
        from hashlib import sha256

        ordered = sorted(self.objects, key=key_of)
        return sha256(msgspec.json.encode((ordered, self.interrupted))).hexdigest()
