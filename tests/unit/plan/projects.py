"""Manifests and targets for tests, small and without a project's files."""

from __future__ import annotations

from typing import Any

from sf_ml_framework import settings, targets
from sf_ml_framework.manifest.model import DatasetSpec, Manifest, NodeSpec, OutputSpec, Resources
from sf_ml_framework.quantities import PoolSize
from sf_ml_framework.targets import Target


def target(**fields: Any) -> Target:
    """Return the target ``dev``, with some settings of its own."""
    given = settings.Settings(project="a:B", targets={"dev": {"database": "ml_dev", **fields}})
    return targets.load(given)


def node(name: str, *dependencies: str, **fields: Any) -> NodeSpec:
    fields = {"function": f"src.nodes.{name}:{name}", "place": f"src/p.py:{len(name)}", **fields}
    return NodeSpec(name=name, dependencies=dependencies, **fields)


def manifest(*nodes: NodeSpec, datasets: tuple[DatasetSpec, ...] = (), project: str = "shop"
             ) -> Manifest:  # fmt: skip
    return Manifest(format=1, project=project, nodes=nodes, datasets=datasets)


def rich() -> Manifest:
    """Return a project with one of everything that a target must provide for."""
    return manifest(
        node(
            "load",
            function="src.nodes.node_01_load_data:load",
            outputs=(OutputSpec(dataset="orders"),),
            secrets=("api_key",),
            external_access=("shop_eai",),
            resources=Resources(timeout_seconds=600),
        ),
        node(
            "train",
            "load",
            outputs=(OutputSpec(dataset="model"),),
            resources=Resources(
                pool_size=PoolSize.LARGE, memory_bytes=1500 * 10**6, cpu_millis=2500,
                timeout_seconds=7200,
            ),
        ),
        datasets=(
            DatasetSpec(
                name="orders", kind="table", entity="customer", refresh_freq="1 day",
                place="src/c.py:7",
            ),
            DatasetSpec(name="model", kind="model", place="src/c.py:9"),
        ),
    )  # fmt: skip


RICH_TARGET: dict[str, Any] = {
    "secrets": {"api_key": "vault.keys.shop"},
    "pools": {"LARGE": {"name": "big", "family": "HIGHMEM_X64_M", "max_nodes": 4}},
    "tasks": {
        "schedule": "USING CRON 0 3 * * * Europe/Berlin",
        "auto_retry_attempts": 2,
        "config": {"b": 1, "a": "it's"},
        "warehouse": "task_wh",
    },
    "notifications": {
        "email_integration": "mail",
        "recipients": ["a@example.com", "b@example.com"],
        "error_integration": "errors_sns",
        "webhook_integration": "slack",
        "webhook_secret": "vault.keys.hook",
    },
    "alerts": {"failure": True, "late_after_minutes": 1500, "credits_per_day": 2.5},
    "env": {"REGION": "eu"},
}
