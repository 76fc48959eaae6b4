"""Each public method of the clients' classes is called by a suite, or is said to be not there.

A client's upgrade that brings a new method fails here, until one of both is so.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from itertools import chain
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


MODELS = ("test_model_registry.py", "test_inference.py", "test_lineage.py")
JOBS = ("test_ml_jobs.py", "test_ml_jobs_strict.py")
SUITES_OF = {
    "FeatureStore": ("feature_store/*.py",),
    "Registry": MODELS,
    "Model": MODELS,
    "ModelVersion": MODELS,
    "MLJob": JOBS,
    "MLJobDefinition": JOBS,
    "snowflake.ml.jobs": JOBS,
}
"""The suites of each class: the same name in another suite is of another class."""
CALLS = {
    "FeatureStore": {"close": "made.close"},
    "Model": {
        "comment": "model.comment",
        "description": "model.description",
        "fully_qualified_name": "model.fully_qualified_name",
        "name": "one.name",
    },
    "ModelVersion": {
        "comment": "version.comment",
        "description": "version.description",
        "run": "version.run",
        "session": "model.version('V1').session",
    },
    "MLJob": {"name": "job.name", "session": "job.session"},
    "MLJobDefinition": {
        "delete": "definition.delete",
        "register": "MLJobDefinition.register",
        "session": "definition.session",
        "to_sql": "definition.to_sql",
    },
}
"""How a suite calls what things of other classes have too."""


@cache
def called(name):
    """Return the names in the suites of a class, and each attribute with what it is taken of."""
    found = set()
    for path in chain.from_iterable(SUITES.glob(pattern) for pattern in SUITES_OF[name]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                found |= {node.attr, ast.unparse(node)}
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


@pytest.mark.parametrize("name", SUITES_OF)
def test_each_is_called_by_a_suite_or_said_to_be_not_there(name):
    left_out, calls = NOT_THERE.get(name, {}), CALLS.get(name, {})
    public = classes()[name]

    wanted = {calls.get(method, method) for method in public - set(left_out)}
    assert wanted - called(name) == set()
    assert set(left_out) | set(calls) <= public


def test_what_two_classes_of_a_suite_have_says_whose_it_is():
    for one, methods in classes().items():
        for other, theirs in classes().items():
            if one != other and SUITES_OF[one] == SUITES_OF[other]:
                assert methods & theirs <= {*CALLS.get(one, ())} & {*CALLS.get(other, ())}, (
                    one,
                    other,
                )


@pytest.mark.parametrize("words", sorted({w for some in NOT_THERE.values() for w in some.values()}))
def test_the_page_says_what_is_not_there(words):
    page = re.sub(r"\s+", " ", PAGE.read_text(encoding="utf-8"))

    assert words in page.partition("## ML Jobs")[2]
