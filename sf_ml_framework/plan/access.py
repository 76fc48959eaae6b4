"""Exactly what each role may do, and which line of the configuration asks for it.

Three roles: the deploy role owns pools, repository, stage and tables; the run role owns the tasks
and is what containers are; the read role looks. Each privilege is one statement, so that one that
an edition does not know fails alone. None is there that nothing needs: a test takes each away and
sees something fail.

Source: Snowflake, "CREATE TASK", "EXECUTE JOB SERVICE", "CREATE COMPUTE POOL", "CREATE IMAGE
REPOSITORY", "Feature Store access control model", "Snowflake Model Registry" (privileges).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sf_ml_framework.manifest.model import Manifest, NodeSpec
from sf_ml_framework.notices import INTEGRATIONS
from sf_ml_framework.plan import images, names, watching
from sf_ml_framework.plan.objects import Grant
from sf_ml_framework.quantities import PoolSize
from sf_ml_framework.targets import Target

ACCOUNT = ""
"""Name of the object of a privilege on the account."""


def grants(manifest: Manifest, target: Target) -> tuple[Grant, ...]:
    """Return every privilege of the three roles, each once, in an order that can be granted."""
    found: dict[tuple[str, str, str, str], Grant] = {}
    for grant in (
        *_between_roles(target),
        *_deploying(target),
        *_of_keys(target),
        *_running(manifest, target),
        *_reading(manifest, target),
        *watching.grants(target),
    ):
        found.setdefault((grant.privilege, grant.on, grant.name, grant.to), grant)
    return tuple(_without_inherited(target, found.values()))


def needed(manifest: Manifest, target: Target) -> tuple[Grant, ...]:
    """Return every privilege of the three roles, those that no deployment gives among them."""
    return (*grants(manifest, target), *of_sources(manifest, target))


def of_sources(manifest: Manifest, target: Target) -> Iterator[Grant]:
    """Yield what whoever owns the source tables grants: the run role reads them.

    They come there by other ways, and later than a target is founded.
    """
    taken = {each.dataset for node in manifest.nodes for each in node.inputs}
    for dataset in manifest.datasets:
        if dataset.kind == "table" and dataset.path and dataset.name in taken:
            table = names.within(target, dataset.name)
            why = f"{dataset.place or 'the catalog'}: source {dataset.name}"
            yield from _all(["SELECT"], "TABLE", table, target.role, why)


def _without_inherited(target: Target, grants: Iterable[Grant]) -> Iterator[Grant]:
    """Leave out what the deploy role has by having the run role."""
    every = list(grants)
    ran = {(each.privilege, each.on, each.name) for each in every if each.to == target.role}
    for grant in every:
        inherits = grant.to == target.deploy_role != target.role
        if not (inherits and (grant.privilege, grant.on, grant.name) in ran):
            yield grant


def _line(target: Target, setting: str) -> str:
    return f"mlops.yml: targets.{target.name}.{setting}"


def _declared(node: NodeSpec, what: str) -> str:
    return f"{node.place or 'the pipeline'}: node {node.name}, {what}"


def _between_roles(target: Target) -> Iterator[Grant]:
    # What the two own, administrators of objects may then drop; the read role owns nothing.
    yield Grant(
        privilege="USAGE",
        on="ROLE",
        name=target.deploy_role,
        to="SYSADMIN",
        why=_line(target, "deploy_role"),
    )
    if target.role != target.deploy_role:
        # Who deploys makes the tasks as the role that is to own them.
        yield Grant(
            privilege="USAGE",
            on="ROLE",
            name=target.role,
            to=target.deploy_role,
            why=_line(target, "role"),
        )


def _all(privileges: Iterable[str], on: str, name: str, to: str, why: str) -> Iterator[Grant]:
    for privilege in privileges:
        yield Grant(privilege=privilege, on=on, name=name, to=to, why=why)


def _deploying(target: Target) -> Iterator[Grant]:
    role = target.deploy_role
    yield from _all(["CREATE COMPUTE POOL"], "ACCOUNT", ACCOUNT, role, _line(target, "pools"))
    yield from _all(["USAGE"], "DATABASE", target.database, role, _line(target, "database"))
    yield from _all(["USAGE"], "WAREHOUSE", target.warehouse, role, _line(target, "warehouse"))
    schema = names.schema(target)
    for privilege, setting in (
        ("USAGE", "schema"),
        *([("CREATE IMAGE REPOSITORY", "image_repository")] * names.has_own_images(target)),
        ("CREATE STAGE", "stage"),
        ("CREATE TABLE", "schema"),
    ):
        yield from _all([privilege], "SCHEMA", schema, role, _line(target, setting))


def _of_keys(target: Target) -> Iterator[Grant]:
    """Yield what lets the service user change its own keys, where the target wants that."""
    user = target.service_user
    if user.name and user.rotates_own_keys:
        why = _line(target, "service_user.rotates_own_keys")
        privileges = ["MODIFY PROGRAMMATIC AUTHENTICATION METHODS"]
        yield from _all(privileges, "USER", user.name, target.deploy_role, why)


def _running(manifest: Manifest, target: Target) -> Iterator[Grant]:
    role, schema = target.role, names.schema(target)
    tasks = target.tasks
    yield from _all(["EXECUTE TASK"], "ACCOUNT", ACCOUNT, role, _line(target, "tasks"))
    if tasks.warehouse:
        why = _line(target, "tasks.warehouse")
        yield from _all(["USAGE"], "WAREHOUSE", tasks.warehouse, role, why)
    else:
        why = _line(target, "tasks.warehouse") + " (none: serverless)"
        yield from _all(["EXECUTE MANAGED TASK"], "ACCOUNT", ACCOUNT, role, why)
    yield from _all(["USAGE"], "DATABASE", target.database, role, _line(target, "database"))
    yield from _all(["USAGE"], "WAREHOUSE", target.warehouse, role, _line(target, "warehouse"))
    yield from _all(["USAGE"], "SCHEMA", schema, role, _line(target, "schema"))
    yield from _all(["CREATE TASK"], "SCHEMA", schema, role, _line(target, "tasks"))
    yield from _all(["CREATE SERVICE"], "SCHEMA", schema, role, _line(target, "tasks"))
    yield from _making(manifest, schema, role)
    for size, node in pool_sizes(manifest).items():
        pool = target.pools[size].name
        why = _declared(node, f"compute_pool_size={size}")
        yield from _all(["USAGE"], "COMPUTE POOL", pool, role, why)
    yield from images.grants(target, _line(target, "image_repository"))
    stage = names.within(target, target.stage)
    yield from _all(["READ", "WRITE"], "STAGE", stage, role, _line(target, "stage"))
    for table in (names.RUNS, names.NODE_RUNS, names.DATASETS, names.METRICS):
        privileges = ("SELECT", "INSERT", "UPDATE")
        why = f"{_line(target, 'schema')} (the record of runs)"
        yield from _all(privileges, "TABLE", names.within(target, table), role, why)
    yield from _asked_for(manifest, target)


def _making(manifest: Manifest, schema: str, role: str) -> Iterator[Grant]:
    """Yield what the kinds of datasets need that nodes make."""
    trained = trained_on(manifest)
    for node in manifest.nodes:
        for made in node.dataset_outputs:
            dataset = manifest.dataset(made)
            wanted: list[str] = []
            if dataset.kind == "table":
                # Frames are loaded through a stage of the session.
                wanted = ["CREATE TABLE", "CREATE STAGE"]
                if dataset.entity:
                    wanted += ["CREATE VIEW", "CREATE TAG"]
                if dataset.name in trained:
                    wanted += ["CREATE DATASET"]
                if dataset.refresh_freq:
                    wanted += ["CREATE DYNAMIC TABLE"]
            elif dataset.kind == "model":
                wanted = ["CREATE MODEL", "CREATE STAGE", "CREATE TAG"]
                if trained & {each.dataset for each in node.inputs}:
                    # Its sample is read from the files of a Dataset.
                    wanted += ["CREATE FILE FORMAT"]
            why = f"{dataset.place or 'the catalog'}: {dataset.kind} {dataset.name}"
            yield from _all(wanted, "SCHEMA", schema, role, why)


def trained_on(manifest: Manifest) -> frozenset[str]:
    """Return the feature views that some node takes which makes a model: Datasets are made of them.

    A table without an entity is none.
    """
    datasets = {each.name: each for each in manifest.datasets}
    return frozenset(
        each.dataset
        for node in manifest.nodes
        if any(datasets[name].kind == "model" for name in node.dataset_outputs)
        for each in node.inputs
        if datasets[each.dataset].kind == "table" and datasets[each.dataset].entity
    )


def _asked_for(manifest: Manifest, target: Target) -> Iterator[Grant]:
    """Yield what single nodes ask for by name: secrets and ways out."""
    role = target.role
    for node in manifest.nodes:
        for secret in sorted(node.secrets):
            full = names.secret(target, secret)
            why = _declared(node, f"secrets={secret}")
            yield from _place_of(full, target, role, why)
            yield from _all(["READ"], "SECRET", full, role, why)
        for integration in sorted(node.external_access):
            why = _declared(node, f"external_access={integration}")
            full = names.integration(target, integration)
            yield from _all(["USAGE"], "INTEGRATION", full, role, why)
    told = target.notifications
    for field in INTEGRATIONS:
        integration = getattr(told, field)
        if integration:
            why = _line(target, f"notifications.{field}")
            yield from _all(["USAGE"], "INTEGRATION", integration, role, why)


def _place_of(full: str, target: Target, role: str, why: str) -> Iterator[Grant]:
    """Yield what *role* needs to reach an object that may stand outside of the target's schema."""
    database, schema, _ = full.split(".")
    if database != target.database:
        yield from _all(["USAGE"], "DATABASE", database, role, why)
    if f"{database}.{schema}" != names.schema(target):
        yield from _all(["USAGE"], "SCHEMA", f"{database}.{schema}", role, why)


def _reading(manifest: Manifest, target: Target) -> Iterator[Grant]:
    role, schema = target.read_role, names.schema(target)

    def why(what: str) -> str:
        return f"{_line(target, 'read_role')} ({what})"

    yield from _all(["USAGE"], "DATABASE", target.database, role, why("whatever is there"))
    yield from _all(["USAGE"], "WAREHOUSE", target.warehouse, role, why("whatever it asks"))
    yield from _all(["USAGE"], "SCHEMA", schema, role, why("whatever is there"))
    # What runs make later; a grant on what stands would miss it.
    for kind, privilege, what in (
        ("TABLES", "SELECT", "data"),
        ("VIEWS", "SELECT", "features"),
        ("DYNAMIC TABLES", "SELECT", "features that refresh"),
        ("TASKS", "MONITOR", "mlops tasks status"),
        ("SERVICES", "MONITOR", "mlops tasks logs"),
    ):
        yield from _all([privilege], f"FUTURE {kind}", schema, role, why(what))
    for size in pool_sizes(manifest):
        pool = target.pools[size].name
        yield from _all(["MONITOR"], "COMPUTE POOL", pool, role, why("mlops plan"))
    yield from images.using(target, role, ("READ",), why("mlops image ls"))
    yield from _all(
        ["READ"], "STAGE", names.within(target, target.stage), role, why("mlops report")
    )
    for table, what in (
        (names.RUNS, "mlops history"),
        (names.NODE_RUNS, "mlops show"),
        (names.DATASETS, "mlops why"),
        (names.METRICS, "metrics of runs"),
        (names.DEPLOYMENTS, "mlops deployments"),
    ):
        yield from _all(["SELECT"], "TABLE", names.within(target, table), role, why(what))


def pool_sizes(manifest: Manifest) -> dict[PoolSize, NodeSpec]:
    """Return each size that is asked for, smallest first, with the first node that does."""
    found: dict[PoolSize, NodeSpec] = {}
    for node in manifest.nodes:
        found.setdefault(node.resources.pool_size, node)
    return {size: found[size] for size in PoolSize if size in found}
