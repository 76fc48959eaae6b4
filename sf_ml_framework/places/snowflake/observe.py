"""What stands in an account of what a plan names.

It is only read, in a number of statements that does not grow with the graph.

SHOW TASKS does not tell everything of a task. What it leaves out is taken from the state that was
deployed last. Where nobody recorded one, or where a deployment was interrupted and two states
disagree, the task itself is asked with SHOW PARAMETERS; the root always is.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from sf_ml_framework.errors import OperatorError
from sf_ml_framework.identifiers import quoted
from sf_ml_framework.places.snowflake import perimeter, shown, task_graphs
from sf_ml_framework.places.snowflake.standing import named, qualified, schema_row
from sf_ml_framework.plan.objects import (
    Alert,
    Database,
    Desired,
    FeatureView,
    Grant,
    Image,
    ImageRepository,
    Integration,
    LastRun,
    Object,
    Observed,
    Pool,
    Role,
    RunInFlight,
    Schema,
    Secret,
    Stage,
    Table,
    Task,
    View,
    Warehouse,
    key_of,
)
from sf_ml_framework.plan.quoting import literal

if TYPE_CHECKING:
    from sf_ml_framework.deploy.records import Recorded
    from sf_ml_framework.places.snowflake.session import Account

_LOGGER = logging.getLogger(__name__)
_IDENTITY = (
    "SELECT CURRENT_ORGANIZATION_NAME() || '-' || CURRENT_ACCOUNT_NAME() AS account, "
    "CURRENT_ROLE() AS role, TO_VARCHAR(CONVERT_TIMEZONE('UTC', CURRENT_TIMESTAMP()), "
    '\'YYYY-MM-DD"T"HH24:MI:SS"Z"\') AS taken_at'
)


def observe(
    account: Account, desired: Desired, recorded: Recorded, *, thorough: bool = False
) -> Observed:
    """Return what stands of what *desired* or *recorded* names.

    Args:
        account: whose role looks; what it may not see counts as not there, or is named as unknown.
        desired: what the plan is for.
        recorded: what earlier deployments left on record.
        thorough: ask every task of the graph for what SHOW TASKS does not tell.
    """
    return _Observation(account, desired, recorded, thorough=thorough).made()


class _Observation:
    """One look at an account; what it finds is gathered in its attributes."""

    def __init__(
        self, account: Account, desired: Desired, recorded: Recorded, *, thorough: bool
    ) -> None:
        self._account = account
        self._desired = desired
        self._recorded = recorded
        self._thorough = thorough
        self._scope = f"IN SCHEMA {quoted(desired.database)}.{quoted(desired.schema)}"
        self._prefix = f"{desired.database}.{desired.schema}."
        self._wanted = {key_of(thing): thing for thing in desired.objects}
        self._managed = frozenset(recorded.managed)
        self._states = [
            {thing.name: thing for thing in state.objects if isinstance(thing, Task)}
            for state in recorded.states
        ]
        self._found: list[Object] = []
        self._unknown: list[str] = []
        self._unseen: dict[str, tuple[str, ...]] = {}
        self._in_flight: tuple[RunInFlight, ...] = ()
        self._last: list[LastRun] = []

    def made(self) -> Observed:
        """Look, and return what was seen."""
        who = self._account.rows(_IDENTITY)[0]
        self._account_objects()
        if self._schema_stands():
            self._schema_objects()
            self._tasks()
        self._roles()
        guards = perimeter.look(self._account, self._desired)
        self._found += guards.found
        self._unknown += guards.unknown
        self._unseen |= guards.unseen
        interrupted = self._recorded.interrupted and self._standing(Task, self._desired.root)
        return Observed(
            account=str(who["account"]).upper(),
            role=str(who["role"]),
            taken_at=str(who["taken_at"]),
            objects=tuple(sorted(self._found, key=key_of)),
            managed=tuple(sorted(self._managed & {key_of(thing) for thing in self._found})),
            unseen=self._unseen,
            unknown=tuple(sorted(self._unknown)),
            in_flight=self._in_flight,
            last_runs=tuple(self._last),
            interrupted=(self._desired.root,) if interrupted else (),
        )

    def _add(self, thing: Object) -> None:
        """Keep what the plan could speak of: what is wanted, and what deployments made."""
        key = key_of(thing)
        if key in self._wanted or key in self._managed:
            self._found.append(thing)

    def _of(self, kind: type[Any]) -> list[Any]:
        return [thing for thing in self._desired.objects if isinstance(thing, kind)]

    def _has(self, word: str, kind: type[Any]) -> bool:
        """Say whether the plan could speak of any object of a kind."""
        return bool(self._of(kind)) or any(key.startswith(f"{word} ") for key in self._managed)

    def _standing(self, kind: type[Any], name: str) -> bool:
        return any(isinstance(thing, kind) and thing.name == name for thing in self._found)

    # What belongs to the account.

    def _account_objects(self) -> None:
        for one in self._of(Warehouse):
            if row := named(self._account, "WAREHOUSES", one.name):
                self._add(shown.warehouse(row))
        if self._has("compute pool", Pool):
            for row in self._account.rows("SHOW COMPUTE POOLS"):
                self._add(shown.pool(row))
        if self._of(Integration):
            for integration in perimeter.integrations(self._account, self._of(Integration)):
                self._add(integration)
        for one in self._of(Database):
            if row := named(self._account, "DATABASES", one.name):
                self._add(Database(name=row["name"], comment=shown.text(row.get("comment"))))

    def _schema_stands(self) -> bool:
        row = schema_row(self._account, self._desired.database, self._desired.schema)
        if row is not None:
            full = f"{self._desired.database}.{self._desired.schema}"
            self._add(Schema(name=full, comment=shown.text(row.get("comment"))))
        return row is not None

    # What belongs to the schema.

    def _schema_objects(self) -> None:
        if self._of(Stage):
            for row in self._shown("STAGES"):
                self._add(shown.stage(row))
        repositories = {row["name"] for row in self._shown("IMAGE REPOSITORIES")}
        for name in sorted(repositories):
            self._add(ImageRepository(name=self._prefix + name))
        for image in self._of(Image):
            self._image(image, repositories)
        for secret in self._of(Secret):
            self._secret(secret)
        if self._of(Table):
            self._tables()
        if self._has("view", View):
            for row in self._shown_like("VIEWS", "MLOPS%"):
                self._add(shown.view(row))
        if self._has("alert", Alert):
            for row in self._shown("ALERTS"):
                self._add(shown.alert(row))
        if self._of(FeatureView):
            self._feature_views()

    def _shown(self, kinds: str) -> list[dict[str, Any]]:
        return self._account.rows(f"SHOW {kinds} {self._scope}")

    def _image(self, image: Image, repositories: set[str]) -> None:
        """Look for an image; ``/db/schema/repository/image:tag`` names one, in lower case."""
        folder, _, rest = image.name.rpartition("/")
        wanted, _, tag = rest.partition(":")
        name = folder.strip("/").upper().replace("/", ".")
        own = name.startswith(self._prefix)
        if own and name.removeprefix(self._prefix) not in repositories:
            return
        try:
            rows = self._account.rows(f"SHOW IMAGES IN IMAGE REPOSITORY {qualified(name)}")
        except OperatorError as error:
            if own:
                raise
            _LOGGER.info("images of %s, another target's repository, are not seen: %s", name, error)
            self._unknown.append(key_of(image))
            return
        for row in rows:
            tags = {one.strip() for one in str(row["tags"]).split(",")}
            if row["image_name"] == wanted and tag in tags:
                self._add(Image(name=image.name, digest=str(row["digest"])))

    def _secret(self, secret: Secret) -> None:
        database, schema, name = secret.name.split(".")
        try:
            scope = f"IN SCHEMA {quoted(database)}.{quoted(schema)}"
            row = named(self._account, "SECRETS", name, scope)
        except OperatorError as error:
            _LOGGER.info("secrets of %s.%s are not seen: %s", database, schema, error)
            self._unknown.append(key_of(secret))
        else:
            if row is not None:
                self._add(secret)

    def _tables(self) -> None:
        rows = {row["name"]: row for row in self._shown_like("TABLES", "MLOPS%")}
        for table in self._of(Table):
            row = rows.get(shown.last_part(table.name))
            if row is not None:
                columns = self._account.rows(f"DESCRIBE TABLE {qualified(table.name)}")
                self._add(shown.table(row, columns))

    def _shown_like(self, kinds: str, pattern: str) -> list[dict[str, Any]]:
        return self._account.rows(f"SHOW {kinds} LIKE {literal(pattern)} {self._scope}")

    def _feature_views(self) -> None:
        """Look for feature views: a dynamic table where it is refreshed, else a view."""
        names = {row["name"] for kinds in ("VIEWS", "DYNAMIC TABLES") for row in self._shown(kinds)}
        for view in self._of(FeatureView):
            # Entity, freshness and node are in tags that the Feature Store reads, not a plan.
            if view.name.removeprefix(self._prefix) in names:
                self._add(view)

    # Roles and grants.

    def _roles(self) -> None:
        names = {role.name for role in self._of(Role)}
        standing = set()
        for name in sorted(names):
            if row := named(self._account, "ROLES", name):
                standing.add(name)
                self._add(Role(name=name, comment=shown.text(row.get("comment"))))
        wanted: dict[str, list[Grant]] = defaultdict(list)
        for grant in self._of(Grant):
            wanted[f"OF ROLE {grant.name}" if grant.on == "ROLE" else f"TO ROLE {grant.to}"].append(
                grant
            )
        for key in self._managed:
            if key.startswith("grant "):
                wanted.setdefault(f"TO ROLE {key.rpartition(' to ')[2]}", [])
        for which, grants in sorted(wanted.items()):
            self._grants(which, grants, missing=which.rpartition(" ")[2] not in standing)

    def _grants(self, which: str, grants: Collection[Grant], *, missing: bool) -> None:
        kind, _, name = which.partition(" ROLE ")
        if missing and kind == "OF":
            return
        future = any(grant.on.startswith("FUTURE ") for grant in grants)
        try:
            rows = self._account.rows(f"SHOW GRANTS {kind} ROLE {quoted(name)}")
            ahead = (
                self._account.rows(f"SHOW FUTURE GRANTS TO ROLE {quoted(name)}") if future else []
            )
        except OperatorError as error:
            if not missing:
                _LOGGER.info("grants %s are not seen: %s", which, error)
                self._unknown.extend(key_of(grant) for grant in grants)
            return
        if kind == "OF":
            rows = [
                {**row, "privilege": "USAGE", "granted_on": "ROLE", "name": name} for row in rows
            ]
        # Who owns an object needs no grant on it.
        owned = {key_of(msgspec.structs.replace(one, privilege="OWNERSHIP")) for one in grants}
        for row in rows:
            grant = shown.grant(row)
            if key_of(grant) in owned:
                self._found.append(grant)
            else:
                self._add(grant)
        for row in ahead:
            self._add(shown.grant(row, future=True))

    # The graph.

    def _tasks(self) -> None:
        rows = self._shown("TASKS")
        tasks = {row["name"]: shown.task(row) for row in rows}
        root = shown.last_part(self._desired.root)
        graph = set(members(tasks, root))
        for name, task in tasks.items():
            if name in graph or key_of(task) in self._wanted or key_of(task) in self._managed:
                self._found.append(self._whole(task))
        row = next((row for row in rows if row["name"] == root), None)
        if row is not None:
            self._runs(row)

    def _whole(self, task: Task) -> Task:
        """Return *task* with what SHOW TASKS does not tell of it."""
        known = [state[task.name] for state in self._states if task.name in state]
        answers = {tuple(getattr(one, field) for field in shown.HIDDEN) for one in known}
        if len(answers) == 1 and not self._thorough and not task.is_root:
            hidden = dict(zip(shown.HIDDEN, answers.pop(), strict=True))
            return msgspec.structs.replace(task, **hidden)
        told = shown.hidden(self._account.rows(f"SHOW PARAMETERS IN TASK {qualified(task.name)}"))
        missing = [f for f in shown.HIDDEN if f not in told and f != "overlap_policy"]
        if missing:
            self._unseen[key_of(task)] = tuple(missing)
        return msgspec.structs.replace(task, **told, overlap_policy=_policy(task, known))

    def _runs(self, root: Mapping[str, Any]) -> None:
        place = (self._desired.database, self._desired.schema)
        self._in_flight = task_graphs.in_flight(self._account, *place, root["name"])
        last = task_graphs.last_run(self._account, *place, root)
        if last is not None:
            self._last.append(last)


def members(tasks: Mapping[str, Task], root: str) -> Iterator[str]:
    """Yield the tasks of the graph of *root*, itself first; the finalizer is one of them."""
    children: dict[str, list[str]] = defaultdict(list)
    for name, task in tasks.items():
        for above in (*task.after, *([task.finalizes] if task.finalizes else [])):
            children[above].append(name)
    ahead, seen = [root] if root in tasks else [], {root}
    while ahead:
        name = ahead.pop(0)
        yield name
        new = [child for child in children[name] if child not in seen]
        seen.update(new)
        ahead += new


def _policy(task: Task, known: Iterable[Task]) -> str:
    """Return the overlap policy: SHOW TASKS tells only whether there is an overlap at all."""
    overlaps = task.overlap_policy != "NO_OVERLAP"
    fitting = (one.overlap_policy for one in known)
    return next(
        (policy for policy in fitting if (policy != "NO_OVERLAP") == overlaps), task.overlap_policy
    )
