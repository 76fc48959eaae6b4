"""Nodes on several machines: what is said of them without an account, and what goes with them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import msgspec
import pytest
import yaml

from sf_ml_framework import targets as targets_of
from sf_ml_framework.errors import ManifestError, OperatorError, SettingsError
from sf_ml_framework.manifest.model import Resources
from sf_ml_framework.places.snowflake.ml_job_bodies import by_path, standing_bodies
from sf_ml_framework.places.snowflake.ml_job_payload import collect
from sf_ml_framework.plan import ml_jobs
from sf_ml_framework.plan.compile import compile_desired
from sf_ml_framework.plan.objects import Observed, Task
from sf_ml_framework.plan.script import script
from sf_ml_framework.plan.to_yaml import job_files
from tests.unit.plan.projects import manifest, node, target

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden" / "ml_jobs"
TWO = Resources(target_instances=2)
WIDE = {"pools": {"SMALL": {"max_nodes": 2}}}


def project():
    """Two nodes; the second on two machines, with a secret and a way out."""
    return manifest(
        node("load"),
        node("fit", "load", resources=TWO, secrets=("api_key",), external_access=("shop_eai",)),
    )


def wide(**fields):
    """A target whose pool has two machines."""
    return target(**{**WIDE, **fields})


@pytest.fixture
def folder(tmp_path):
    """A project on disk, with what no payload takes."""
    files = {
        "mlops.yml": "project: shop.pipeline:PROJECT\n",
        "shop/__init__.py": "",
        "shop/pipeline.py": "",
        "shop/queries/top.sql": "select 1",
        "shop/__pycache__/pipeline.pyc": "x",
        "shop/.env": "PASSWORD=hush",
        "src/nodes/fit.py": "",
        "data/big.csv": "1",
        ".env": "PASSWORD=hush",
        "tests/test_shop.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def payload(folder, *include):
    return collect(folder, "shop.pipeline:PROJECT", project(), include)


def test_the_compiled_file_of_such_a_node_is_that_of_a_definition_and_says_what_is_missing():
    text = job_files(project(), wide(secrets={"api_key": "vault.keys.shop"}))["jobs/job-fit.yaml"]

    assert text == (GOLDEN / "job-fit.yaml").read_text(encoding="utf-8")


def test_a_compiled_file_names_arguments_that_the_official_definition_takes():
    from inspect import getdoc, signature

    jobs = pytest.importorskip("snowflake.ml.jobs")
    text = job_files(project(), wide(ml_jobs={"runtime": "2.9.0"}))["jobs/job-fit.yaml"]
    given = yaml.safe_load(text)["mlJobDefinition"]
    # Some come as keywords that only its documentation names; "args" is what to_sql is given.
    taken = f"{getdoc(jobs.MLJobDefinition.register)} {signature(jobs.MLJobDefinition)} args"

    assert given["runtime_environment"] == "2.9.0"
    assert "<newest>" not in text
    assert [name for name in given if name not in taken] == []


def test_the_script_has_a_task_that_fails_until_a_deployment_writes_its_statement():
    found = wide()
    bodies = ml_jobs.undeployed(project(), found)
    text = script(project(), found, compile_desired(project(), found, bodies=bodies))

    assert list(bodies) == ["fit"]
    assert bodies["fit"] in text
    assert (
        "'node fit runs as an ML Job on 2 machines, and `mlops deploy` writes its statement'"
        in text
    )


def test_a_pool_with_too_few_machines_is_a_fault_of_the_pipeline():
    with pytest.raises(ManifestError, match="asks for 2 instances") as caught:
        ml_jobs.wanted(project(), target())

    assert "set pools.SMALL.max_nodes of target dev to 2" in str(caught.value)


def test_a_project_without_such_nodes_has_no_ml_jobs():
    assert ml_jobs.wanted(manifest(node("load")), target()) == ()
    assert ml_jobs.undeployed(manifest(node("load")), target()) == {}


def test_what_the_runtime_is_asked_to_add_is_what_this_package_depends_on():
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {*told["dependencies"], *told["optional-dependencies"]["snowflake"]}
    # DuckDB is of laptops alone.
    declared = {line.replace("ibis-framework[duckdb]", "ibis-framework[snowflake]")
                for line in declared}  # fmt: skip

    assert set(ml_jobs.REQUIREMENTS) <= declared
    (job,) = ml_jobs.wanted(project(), wide(ml_jobs={"requirements": ["lightgbm>=4"]}))
    assert set(job.requirements) == {*ml_jobs.REQUIREMENTS, "lightgbm>=4"}


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"runtime": "2.9'); drop"}, "ml_jobs.runtime"),
        ({"package_repository": "a b"}, "ml_jobs.package_repository"),
        ({"include": ["../other"]}, "ml_jobs.include"),
        ({"include": ["/etc"]}, "ml_jobs.include"),
        ({"runtimes": "2.9.0"}, "runtime"),
    ],
)
def test_a_target_that_says_what_cannot_be_is_refused(said, fault):
    with pytest.raises(SettingsError) as caught:
        wide(ml_jobs=said)

    assert fault in f"{caught.value} {caught.value.remedy}"


def test_without_a_repository_packages_come_by_the_nodes_own_way_out():
    (job,) = ml_jobs.wanted(project(), wide(ml_jobs={"package_repository": ""}))

    assert (job.repositories, job.integrations) == ((), ("SHOP_EAI",))


def test_a_payload_has_the_projects_packages_and_the_framework_and_nothing_hidden(folder):
    names = list(payload(folder).files)

    own = [name for name in names if name.startswith("project/")]
    assert own == [
        "project/mlops.yml",
        "project/shop/__init__.py",
        "project/shop/pipeline.py",
        "project/shop/queries/top.sql",
        "project/src/nodes/fit.py",
    ]
    framework = [name for name in names if name.startswith("framework/sf_ml_framework/")]
    assert len(framework) + len(own) == len(names)
    assert "framework/sf_ml_framework/container/__main__.py" in framework
    assert not any("/emulator/" in name or "__pycache__" in name for name in names)


def test_a_payload_takes_what_the_target_includes_and_names_what_is_not_there(folder):
    (folder / "lookups").mkdir()
    (folder / "lookups" / "zones.csv").write_text("1", encoding="utf-8")

    assert "project/lookups/zones.csv" in payload(folder, "lookups").files
    with pytest.raises(SettingsError, match=r"ml_jobs\.include has 'nowhere'"):
        payload(folder, "nowhere")


def test_the_same_content_has_the_same_path_whenever_it_was_written(folder, tmp_path_factory):
    first = payload(folder)
    for file in folder.rglob("*"):
        os.utime(file, (1, 1))
    (folder / ".env").write_text("PASSWORD=other", encoding="utf-8")
    copies = [tmp_path_factory.mktemp("copy") for _ in range(2)]
    first.write(copies[0])
    payload(folder).write(copies[1])

    assert by_path(wide(), ml_jobs.wanted(project(), wide()), first) == by_path(
        wide(), ml_jobs.wanted(project(), wide()), payload(folder)
    )
    assert [file.read_bytes() for file in sorted(copies[0].iterdir())] == [
        file.read_bytes() for file in sorted(copies[1].iterdir())
    ]


@pytest.mark.parametrize("what", ["code", "name", "variable", "requirement", "machines"])
def test_whatever_the_job_would_do_otherwise_gives_another_path(folder, what):
    def path(found=None):
        jobs = ml_jobs.wanted(project(), found or wide())
        (one,) = by_path(wide(), jobs, payload(folder))
        return one

    before = path()
    match what:
        case "code":
            (folder / "shop" / "queries" / "top.sql").write_text("select 2", encoding="utf-8")
            after = path()
        case "name":
            (folder / "shop" / "pipeline.py").rename(folder / "shop" / "other.py")
            after = path()
        case "variable":
            after = path(wide(env={"REGION": "eu"}))
        case "requirement":
            after = path(wide(ml_jobs={"requirements": ["lightgbm"]}))
        case _:
            more = manifest(node("fit", resources=Resources(target_instances=3)))
            jobs = ml_jobs.wanted(more, target(pools={"SMALL": {"max_nodes": 3}}))
            (after,) = by_path(wide(), jobs, payload(folder))

    assert before.startswith("@ML_DEV.ML.MLOPS_ARTIFACTS/ml_jobs/")
    assert before.endswith("/FIT")
    assert after != before


def test_a_plan_without_an_account_knows_the_statement_that_stands_and_no_other(folder):
    (path,) = by_path(wide(), ml_jobs.wanted(project(), wide()), payload(folder))
    body = f"CALL SYSTEM$EXECUTE_ML_JOB('x', 'y', '{{\"STAGE_PATH\": \"{path}\"}}', '{{}}')"
    seen = Observed(objects=(Task(name="ML_DEV.ML.TASK_FIT", body=body),))
    asked = (folder, "shop.pipeline:PROJECT", project(), wide())

    assert standing_bodies(seen, *asked) == {"fit": body}
    assert standing_bodies(Observed(), *asked[:2], manifest(node("load")), target()) == {}
    (folder / "shop" / "pipeline.py").write_text("changed = 1", encoding="utf-8")
    with pytest.raises(OperatorError, match="is not as it was") as caught:
        standing_bodies(seen, *asked)
    assert "without --state" in caught.value.remedy
    with pytest.raises(OperatorError, match="is not as it was"):
        standing_bodies(Observed(), *asked)


PIPELINE = """
import sf_ml_framework
from sf_ml_framework import DataCatalog, Dataset, NodeConfig, Project


def where(*, fails: bool = False) -> dict:
    assert not fails, "asked to fail"
    print("framework", sf_ml_framework.__file__)
    print("project", __file__)
    return {"done": True}


PROJECT = Project(
    name="shop",
    catalog=DataCatalog([Dataset(name="place", kind="document")]),
    pipeline=[NodeConfig(name="fit", function=where, outputs="place")],
)
"""


@pytest.mark.parametrize("fails", [False, True])
def test_the_program_runs_a_node_from_the_archive_alone(folder, tmp_path_factory, fails):
    """On a laptop here: the same door, with the data beside the unpacked project."""
    (folder / "shop" / "pipeline.py").write_text(PIPELINE, encoding="utf-8")
    away = tmp_path_factory.mktemp("away")
    found = collect(folder, "shop.pipeline:PROJECT", manifest(node("fit")), ())
    found.write(away)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MLOPS_")}

    done = subprocess.run(
        [sys.executable, str(away / ml_jobs.ENTRY), "--node", "fit", "--inputs",
         json.dumps({"fails": fails})],
        cwd=away, env={**kept, "TMPDIR": str(away)}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == (1 if fails else 0), done.stderr
    assert ("asked to fail" in done.stderr) == fails
    assert sorted(file.name for file in away.iterdir()) == ["code.zip", "run_node.py"]
    if not fails:
        for name in ("framework", "project"):
            assert f"{name} {away}/" in done.stdout + done.stderr
    with zipfile.ZipFile(away / "code.zip") as archive:
        assert "project/shop/pipeline.py" in archive.namelist()


def test_a_job_says_no_secret_and_where_it_is():
    (job,) = ml_jobs.wanted(project(), wide(secrets={"api_key": "vault.keys.shop"}))

    assert job.overrides == {
        "spec": {
            "containers": [
                {
                    "name": "main",
                    "secrets": [
                        {"snowflakeSecret": "VAULT.KEYS.SHOP", "directoryPath": "/secrets/api_key"}
                    ],
                }
            ]
        }
    }
    assert "VAULT" not in str(job.env)
    assert msgspec.json.decode(msgspec.json.encode(job), type=ml_jobs.MlJob) == job


def test_every_setting_of_ml_jobs_is_in_the_reference():
    text = (ROOT / "docs" / "reference" / "targets.md").read_text(encoding="utf-8")
    section = text.partition("### `ml_jobs`")[2].partition("\n#")[0]

    for field in targets_of.MlJobs.__struct_fields__:
        assert f"`{field}`" in section
