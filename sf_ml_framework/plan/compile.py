"""A project in a target, as everything that should stand in the account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sf_ml_framework.manifest.model import Manifest
from sf_ml_framework.notices import INTEGRATIONS
from sf_ml_framework.plan import access, alerts, names, perimeter, tables, tasks, views
from sf_ml_framework.plan.objects import (
    Database,
    Desired,
    FeatureView,
    Image,
    ImageRepository,
    Integration,
    Object,
    Pool,
    Role,
    Schema,
    Secret,
    Stage,
    Warehouse,
    part_of_object,
)
from sf_ml_framework.targets import Target


def compile_desired(
    manifest: Manifest,
    target: Target,
    *,
    tag: str = "",
    digest: str = "",
    bodies: Mapping[str, str] | None = None,
) -> Desired:
    """Return what should stand in *target* for *manifest*: the same for the same arguments.

    Args:
        manifest: the project.
        target: where it runs.
        tag: of the image that the tasks run; empty: the target's.
        digest: of that image, ``sha256:…``; empty: whichever the tag stands for.
        bodies: see ``tasks.graph``.

    Raises:
        ManifestError: the nodes make no graph of tasks.
        SettingsError: a name or value cannot be put into a statement.
    """
    return Desired(
        project=manifest.project,
        target=target.name,
        database=target.database,
        schema=target.schema,
        role=target.role,
        deploy_role=target.deploy_role,
        warehouse=target.warehouse,
        root=names.within(target, names.root_task(manifest.project)),
        image=names.image_path(target, tag),
        objects=tuple(_objects(manifest, target, tag, digest, bodies or {})),
    )


def _objects(
    manifest: Manifest, target: Target, tag: str, digest: str, bodies: Mapping[str, str]
) -> Iterator[Object]:
    """Yield everything in an order in which it can be made."""
    grants = access.grants(manifest, target)
    yield from _places(target)
    yield from perimeter.objects(manifest, target)
    # Who may make and use things, before the things; who may use a thing, after it.
    yield from (grant for grant in grants if part_of_object(grant) == "admin")
    yield from _things(manifest, target)
    yield from (grant for grant in grants if part_of_object(grant) == "deploy")
    yield from _expected(manifest, target, tag, digest)
    yield from tasks.graph(manifest, target, tag, bodies)
    yield from alerts.alerts(manifest, target)
    yield from _feature_views(manifest, target)


def _places(target: Target) -> Iterator[Object]:
    """Yield what the account's administrator makes."""
    roles = {
        target.deploy_role: "deploys pipelines",
        target.role: "owns the tasks of pipelines and runs their containers",
        target.read_role: "looks at pipelines, their data and their runs",
    }
    for role, comment in roles.items():
        yield Role(name=role, comment=comment)
    yield Warehouse(name=target.warehouse, size=target.warehouse_size)
    yield Database(name=target.database)
    yield Schema(name=names.schema(target))


def _things(manifest: Manifest, target: Target) -> Iterator[Object]:
    """Yield what the deploy role makes."""
    made: set[str] = set()
    for size in access.pool_sizes(manifest):
        if target.environment and target.environment.shared:
            break  # they are the other target's, which alone makes, changes and drops them
        pool = target.pools[size]
        if pool.name not in made:  # a target may let two sizes share one
            made.add(pool.name)
            yield Pool(
                name=pool.name,
                family=pool.family,
                min_nodes=pool.min_nodes,
                max_nodes=pool.max_nodes,
                auto_suspend_seconds=pool.auto_suspend_seconds,
                comment=f"nodes of size {size}",
            )
    if names.has_own_images(target):
        yield ImageRepository(name=names.image_repository(target))
    yield Stage(
        name=names.within(target, target.stage), comment="reports, documents and pictures of runs"
    )
    tells = target.notifications.tells
    yield from tables.framework_tables(names.schema(target), tells=tells)
    yield from views.monitoring_views(target)


def _expected(manifest: Manifest, target: Target, tag: str, digest: str) -> Iterator[Object]:
    """Yield what no statement of a deployment makes."""
    yield Image(name=names.image_path(target, tag), digest=digest)
    told = target.notifications
    secrets = {names.secret(target, name) for node in manifest.nodes for name in node.secrets}
    integrations = {
        name.upper()
        for node in manifest.nodes
        for name in node.external_access
        if name.upper() not in target.network.egress
    }
    integrations |= {getattr(told, field) for field in INTEGRATIONS}
    secrets |= {names.in_place(target, told.webhook_secret)} if told.webhook_secret else set()
    for name in sorted(secrets):
        yield Secret(name=name)
    for name in sorted(integrations - {""}):
        yield Integration(name=name)


def _feature_views(manifest: Manifest, target: Target) -> Iterator[Object]:
    producers = manifest.producers()
    for dataset in manifest.datasets:
        if dataset.kind == "table" and dataset.entity and dataset.name in producers:
            yield FeatureView(
                name=f"{names.within(target, dataset.name)}${dataset.version}",
                entity=dataset.entity.upper(),
                refresh_freq=dataset.refresh_freq,
                node=producers[dataset.name],
            )
