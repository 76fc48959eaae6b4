"""Each public method of the clients' classes is called by a suite, or is said to be not there.

A client's upgrade that brings a new method fails here, until one of both is so.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

SUITES = Path(__file__).parents[1]
PAGE = Path(__file__).parents[4] / "docs/reference/emulator.md"
ONLINE = "The Online Service of a Feature Store"
NOT_THERE = {
    "FeatureStore": {
        "create_online_service": ONLINE,
        "alter_online_service": ONLINE,
        "drop_online_service": ONLINE,
        "get_online_service_status": ONLINE,
        "stream_ingest": ONLINE,
        "read_feature_group": ONLINE,
        "delete_feature_group": ONLINE,
    },
    "Registry": dict.fromkeys(
        ("add_monitor", "get_monitor", "delete_monitor", "show_model_monitors"), "model monitors"
    ),
    "ModelVersion": {"get_adapters": "adapters"},
    "MLJob": {"get_ray_dashboard_url": "the Ray dashboard"},
    "snowflake.ml.jobs": dict.fromkeys(
        ("register_code_bundle", "register_job_from_code_bundle", "delete_code_bundle"),
        "code bundles",
    ),
}
"""What no suite calls, with the words of the page that say so."""


@cache
def called():
    """Return the names of all attributes, functions and arguments of decorators in the suites."""
    found = set()
    for path in SUITES.rglob("test_*.py"):
        if path.parent == Path(__file__).parent:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.Name):
                found.add(node.id)
    return found


def classes():
    feature_store = pytest.importorskip("snowflake.ml.feature_store")
    jobs = pytest.importorskip("snowflake.ml.jobs")
    model = pytest.importorskip("snowflake.ml.model")
    registry = pytest.importorskip("snowflake.ml.registry")
    found = (
        feature_store.FeatureStore,
        registry.Registry,
        model.Model,
        model.ModelVersion,
        jobs.MLJob,
        jobs.MLJobDefinition,
    )
    methods = {one.__name__: {n for n in dir(one) if not n.startswith("_")} for one in found}
    kinds = {"MLJob", "MLJobDefinition", "MLCodeBundle", "JOB_STATUS"}
    kinds |= {"DistributedResult", "DistributedJobError"}
    return {**methods, "snowflake.ml.jobs": set(jobs.__all__) - kinds}


@pytest.mark.parametrize(
    "name",
    (
        "FeatureStore",
        "Registry",
        "Model",
        "ModelVersion",
        "MLJob",
        "MLJobDefinition",
        "snowflake.ml.jobs",
    ),
)
def test_each_is_called_by_a_suite_or_said_to_be_not_there(name):
    left_out = NOT_THERE.get(name, {})
    public = classes()[name]

    assert public - called() - set(left_out) == set()
    assert set(left_out) <= public


@pytest.mark.parametrize("words", sorted({w for some in NOT_THERE.values() for w in some.values()}))
def test_the_page_says_what_is_not_there(words):
    page = re.sub(r"\s+", " ", PAGE.read_text(encoding="utf-8"))

    assert words in page.partition("## ML Jobs")[2]
