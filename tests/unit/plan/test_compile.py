"""What a project compiles to: golden files, and the same bytes wherever it is done."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from sf_ml_framework.errors import ManifestError
from sf_ml_framework.manifest.model import Resources
from sf_ml_framework.plan import access, jobs, yaml_text
from sf_ml_framework.plan.compile import compile_desired
from sf_ml_framework.plan.objects import Grant, Image, Task
from sf_ml_framework.plan.script import FILE, script
from sf_ml_framework.plan.to_yaml import job_files, view_files
from tests.unit.plan.projects import RICH_TARGET, manifest, node, rich, target

GOLDEN = Path(__file__).parents[2] / "golden" / "plan"
ROOT = Path(__file__).parents[3]


def compiled() -> dict[str, str]:
    found = target(**RICH_TARGET)
    desired = compile_desired(rich(), found, tag="4f2a91c")
    return {
        **job_files(rich(), found, "4f2a91c"),
        FILE: script(rich(), found, desired),
        **view_files(rich(), found),
    }


def test_a_project_with_one_of_everything_compiles_to_the_golden_files():
    """Run with MLOPS_TEST_GOLDEN=write to accept what is compiled now, and read the difference."""
    found = {Path(path).name: text for path, text in compiled().items()}
    if os.environ.get("MLOPS_TEST_GOLDEN") == "write":
        GOLDEN.mkdir(parents=True, exist_ok=True)
        for name, text in found.items():
            (GOLDEN / name).write_text(text, encoding="utf-8")

    assert found == {file.name: file.read_text(encoding="utf-8") for file in GOLDEN.iterdir()}


@pytest.mark.parametrize(
    ("seed", "locale", "folder"),
    [("0", "C", "/"), ("1", "C.UTF-8", str(ROOT)), ("77", "POSIX", "/tmp")],
)
def test_the_committed_files_are_what_any_machine_compiles(seed, locale, folder):
    line = [sys.executable, "-m", "sf_ml_framework", "compile", "--check", "--project", str(ROOT)]
    environ = {
        **os.environ,
        "PYTHONHASHSEED": seed,
        "LC_ALL": locale,
        "PYTHONPATH": str(ROOT),
    }

    done = subprocess.run(
        line, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_compiling_needs_no_client_of_snowflakes_and_no_data_library():
    """A plan is unable to touch an account."""
    heavy = ("snowflake.connector", "snowflake.snowpark", "pandas", "pyarrow")
    code = (
        "import sys, sf_ml_framework.plan.script, sf_ml_framework.plan.codec;"
        f"print([name for name in {heavy} if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )

    assert done.stdout.strip() == "[]"


def test_a_job_asks_for_what_the_node_says_and_no_more():
    spec = jobs.specification(rich().node("train"), target())

    resources = spec["spec"]["containers"][0]["resources"]
    assert resources["limits"] == resources["requests"] == {"memory": "1500M", "cpu": "2500m"}


@pytest.mark.parametrize(
    ("count", "text"), [(2**31, "2Gi"), (512 * 2**20, "512Mi"), (10**9, "1G"), (1, "1Mi")]
)
def test_memory_is_written_in_a_unit_that_snowflake_takes(count, text):
    assert jobs.memory(count) == text


VALUES = st.recursive(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12)
    | st.sampled_from(
        ["yes", "null", "1", "0x1", "1e3", "-", "---", "~", "a: b", "#", "2026-01-01"]
    )
    | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab: #-'", max_size=4), inner)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=4), VALUES, max_size=3))
def test_any_reader_of_yaml_reads_back_what_was_meant(value):
    """Its own writer is small; the reader of a library tells whether it is right."""
    assume("\ud800" not in str(value))

    assert yaml.safe_load(yaml_text.dump(value)) == (value or None)


def test_secrets_are_files_in_the_container_and_no_variables():
    spec = jobs.specification(rich().node("load"), target(**RICH_TARGET))

    container = spec["spec"]["containers"][0]
    assert container["secrets"] == [
        {"snowflakeSecret": "VAULT.KEYS.SHOP", "directoryPath": "/secrets/api_key"}
    ]
    assert "api_key" not in str(container["env"])


def test_a_run_may_take_as_long_as_the_longest_way_through():
    project = manifest(
        node("a", resources=Resources(timeout_seconds=60)),
        node("b", "a", resources=Resources(timeout_seconds=600)),
        node("c", "a", resources=Resources(timeout_seconds=6)),
    )

    root = next(t for t in compile_desired(project, target()).objects if isinstance(t, Task))

    assert root.timeout_ms == (60 + 600) * 1000 + 600_000


def test_a_target_may_keep_its_graph_suspended_or_leave_its_state():
    def state(**tasks: str) -> bool | None:
        found = compile_desired(rich(), target(tasks={"schedule": "60 MINUTE", **tasks}))
        return next(t for t in found.objects if isinstance(t, Task)).started

    assert state() is True
    assert state(state="suspended") is False
    assert state(state="kept") is None
    assert state(schedule="") is False


@pytest.mark.parametrize("name", ["shop", "shop_finalize"])
def test_a_node_whose_task_would_be_the_roots_is_refused(name):
    with pytest.raises(ManifestError, match=f"node '{name}'.*rename"):
        compile_desired(manifest(node(name)), target())


def test_more_tasks_than_snowflake_takes_are_refused_before_anything_is_asked():
    many = manifest(*(node(f"n{number}") for number in range(1000)))

    with pytest.raises(ManifestError) as error:
        compile_desired(many, target())

    assert "at most 1000" in str(error.value)
    assert "at most 100 tasks can follow the root" in str(error.value)


def test_a_node_on_many_machines_needs_the_statement_of_its_ml_job():
    project = manifest(node("fit", resources=Resources(target_instances=2)))

    with pytest.raises(ManifestError, match="2 instances"):
        compile_desired(project, target())
    found = compile_desired(project, target(), bodies={"fit": "CALL SYSTEM$EXECUTE_ML_JOB('x')"})

    assert any(isinstance(t, Task) and t.body.startswith("CALL") for t in found.objects)


def test_every_privilege_says_which_line_asks_for_it():
    granted = access.grants(rich(), target(**RICH_TARGET))

    assert all(grant.why for grant in granted)
    why = {(grant.privilege, grant.name): grant.why for grant in granted}
    assert why["READ", "VAULT.KEYS.SHOP"] == "src/p.py:4: node load, secrets=api_key"
    assert why["READ", "VAULT.KEYS.HOOK"] == "mlops.yml: targets.dev.notifications.webhook_secret"
    assert why["CREATE DYNAMIC TABLE", "ML_DEV.ML"] == "src/c.py:7: table orders"


def test_a_project_without_models_may_make_no_models():
    bare = access.grants(manifest(node("load")), target())

    assert not {"CREATE MODEL", "CREATE TABLE", "CREATE TAG"} & {
        grant.privilege for grant in bare if grant.to == "MLOPS_ROLE"
    }


def test_serverless_tasks_need_the_privilege_and_others_the_warehouse():
    def held(**tasks: str) -> set[tuple[str, str]]:
        found = access.grants(rich(), target(tasks=tasks))
        return {(grant.privilege, grant.name) for grant in found if grant.to == "MLOPS_ROLE"}

    assert ("EXECUTE MANAGED TASK", "") in held()
    assert ("EXECUTE MANAGED TASK", "") not in held(warehouse="w2")
    assert ("USAGE", "W2") in held(warehouse="w2")


def test_the_tag_is_the_images_and_the_tasks():
    found = compile_desired(rich(), target(), tag="4f2a91c")

    path = "/ml_dev/ml/mlops_images/mlops_framework:4f2a91c"
    assert [each.name for each in found.objects if isinstance(each, Image)] == [path]
    bodies = [t.body for t in found.objects if isinstance(t, Task) and t.after]
    assert all(path in body for body in bodies)


def test_no_privilege_is_granted_twice():
    granted = [g for g in compile_desired(rich(), target()).objects if isinstance(g, Grant)]

    assert len({(g.privilege, g.on, g.name, g.to) for g in granted}) == len(granted)
