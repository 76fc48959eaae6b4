"""A node on two machines: an ML Job in its task, planned, deployed and run as a person would.

The job runs from the payload that the deployment uploaded, not from this repository; the emulator's
Container Runtime has no Ray, so XGBoost is fitted on the first machine.
"""

from __future__ import annotations

import json
import re
import shutil
import uuid
from pathlib import Path
from typing import Any

import msgspec
import pytest

pytest.importorskip("snowflake.ml.jobs")
pytest.importorskip("xgboost")

from sf_ml_framework import settings as project_settings
from sf_ml_framework import targets
from sf_ml_framework.manifest.load import compiled
from sf_ml_framework.places.snowflake.ml_job_bodies import ml_job_bodies
from tests.integration.cli.shop import HOUSE, Done, Shop
from tests.integration.snowflake import emulated

GOLDEN = Path(__file__).parents[2] / "golden" / "client_statements" / "scale_out.json"
MARK = "    # fit breaks here\n"

NODES = '''
"""A node that makes rows, one that fits a model of them on two machines, one that reads it."""
import os

from sf_ml_framework import fit_xgboost


def make(*, rows: int = 40) -> dict:
    """Make the numbers."""
    return {"x": [row / rows for row in range(rows)]}


def fit(numbers: dict) -> dict:
    """Fit trees, and tell where that was."""
    import numpy
    import pandas

    import sf_ml_framework
    from big.words import GREETING

    print("fitting on machine", os.environ["SNOWFLAKE_JOB_INDEX"])
    features = pandas.DataFrame(numbers)
    labels = (features["x"] > 0.5).to_numpy().astype("int32")
    settings = {"objective": "binary:logistic", "max_depth": 2}
    model = fit_xgboost(features, labels, settings=settings, trees=3, seed=7)
    # fit breaks here
    return {
        "right": int(numpy.sum(model.predict(features) == labels)),
        "machines": int(os.environ["SNOWFLAKE_JOBS_COUNT"]),
        "machine": os.environ["SNOWFLAKE_JOB_INDEX"],
        "framework": sf_ml_framework.__file__,
        "project": __file__,
        "greeting": GREETING,
        "variable": os.environ["REGION"],
    }


def judge(fitted: dict) -> dict:
    """Judge it."""
    return {"good": fitted["right"] > 38}
'''

PIPELINE = """
from big import nodes
from sf_ml_framework import DataCatalog, Dataset, NodeConfig, Project

names = ("numbers", "fitted", "verdict")
PROJECT = Project(
    name="big",
    catalog=DataCatalog([Dataset(name=name, kind="document") for name in names]),
    pipeline=[
        NodeConfig(name="make_numbers", function=nodes.make, outputs="numbers"),
        NodeConfig(
            name="fit_trees", function=nodes.fit, inputs={"numbers": "numbers"}, outputs="fitted",
            target_instances=2,
        ),
        NodeConfig(
            name="judge_trees", function=nodes.judge, inputs={"fitted": "fitted"},
            outputs="verdict",
        ),
    ],
)
"""


class Big(Shop):
    """The project in a folder and in a database of its own."""

    def __init__(self, root: Any, emulator: Any) -> None:
        super().__init__(root, "big")
        self.emulator = emulator
        # A copy that nobody edits meanwhile: its content is a part of the payload's.
        self.house = root.parent / "house"
        ignored = shutil.ignore_patterns("__pycache__", "emulator")
        package = "sf_ml_framework"
        shutil.copytree(HOUSE / package, self.house / package, ignore=ignored)
        self.database = f"T_{uuid.uuid4().hex[:10]}".upper()
        self.write("big/nodes.py", NODES)
        self.write("big/pipeline.py", PIPELINE)
        self.write("big/words.py", 'GREETING = "hello"\n')
        self.settings(2)

    def settings(self, machines: int) -> None:
        """Write a target whose pool has so many machines."""
        self.write(
            "mlops.yml",
            "project: big.pipeline:PROJECT\n"
            "default_target: dev\n"
            "targets:\n"
            f"  dev:\n    database: {self.database}\n    prefix: {self.database}\n"
            f"    pools: {{SMALL: {{max_nodes: {machines}}}}}\n"
            "    env: {REGION: eu}\n",
        )

    def environment(self, more: Any = None) -> dict[str, str]:
        """Return what leads to the emulator."""
        given = emulated.reached(self.emulator) | {"PYTHONPATH": str(self.house)}
        return super().environment({**given, **(more or {})})

    def found(self) -> None:
        """Make what stands before a deployment, the image included."""
        self.ok("infra", "apply", "--yes", env={"SNOWFLAKE_ROLE": "ACCOUNTADMIN"})
        emulated.put_image(self.emulator, self.database, "latest", self.root, self.house)

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement as the emulator's administrator."""
        return emulated.operate(self.emulator, statement)

    def body(self) -> str:
        """Return the statement of the task as the account has it."""
        rows = self.sql(f"describe task {self.database}.ML.TASK_FIT_TREES")
        (text,) = [value for value in rows[0] if str(value).startswith("CALL SYSTEM$")]
        return str(text)

    def payloads(self) -> list[str]:
        """Return the files of all payloads, without the stage's name."""
        rows = self.sql(f"list @{self.database}.ML.MLOPS_ARTIFACTS/ml_jobs")
        return sorted(str(row[0]).partition("/ml_jobs/")[2] for row in rows)

    def document(self, name: str) -> Any:
        """Return a document as it was saved last."""
        ((place,),) = self.sql(
            f"select location from {self.database}.ML.MLOPS_DATASETS where dataset = '{name}'"
            " order by saved_at desc limit 1"
        )
        self.sql(f"get '{place}/document.json' 'file://{self.root}'")
        return json.loads((self.root / "document.json").read_text(encoding="utf-8"))

    def jobs(self, node: str) -> int:
        """Return how many jobs of a node there have been."""
        ((count,),) = self.sql(
            "select count(*) from table(snowflake.spcs.get_job_history())"
            f" where name like '{node}%' and database_name = '{self.database}'"
        )
        return int(count)

    def run(self) -> Done:
        """Run the graph and wait for its end."""
        return self.call("tasks", "run", "--wait", "--format", "json")


@pytest.fixture(scope="module")
def big(emulator, tmp_path_factory):
    """The project, with all that stands before a deployment."""
    made = Big(tmp_path_factory.mktemp("big") / "project", emulator)
    made.found()
    return made


@pytest.fixture(scope="module")
def sent(big, emulator):
    """The statements of a plan, and of the deployment after it."""
    found = {}
    for command in (("plan",), ("deploy", "--yes")):
        before = emulator.account.record.added
        big.ok(*command)
        lines = emulator.account.record.since(before, "statement")
        found[command[0]] = [" ".join(str(line["sql"]).split()) for line in lines]
        found[f"files after {command[0]}"] = big.payloads()
    return found


@pytest.fixture(scope="module")
def ran(big, sent):
    """The deployed graph, run once; and how many jobs there were then of its second node."""
    done = big.run()
    done.jobs = big.jobs("FIT_TREES")
    return done


@pytest.fixture
def own_code(big):
    """What the test writes into the code is gone after it."""
    before = {file: file.read_bytes() for file in (big.root / "big").glob("*.py")}
    yield
    for file, content in before.items():
        file.write_bytes(content)


def of_ml_jobs(statements: list[str]) -> list[str]:
    """Return those that snowflake.ml.jobs sends, as they are for every project and payload."""
    words = ("ML_JOB", "ml_jobs", "describe stage", "create stage", "SHOW COMPUTE POOLS LIKE")
    kept = [
        text
        for text in statements
        if any(word in text for word in words)
        and not text.startswith("CREATE TASK")
        # What Python has compiled of the client's scripts is another on every machine.
        and "__pycache__" not in text
    ]
    return sorted({plain(text) for text in kept})


def plain(text: str) -> str:
    """Return *text* without what is another one each time: database, hash, folders, versions."""
    text = re.sub(r"T_[0-9A-F]{10}", "DB", text)
    text = re.sub(r"ml_jobs/[0-9a-f]{16}", "ml_jobs/CONTENT", text)
    text = re.sub(r"file://\S*/(?=[\w.*]+)", "file://", text)
    text = re.sub(r"parallel *= *\d+", "parallel = N", text)
    return re.sub(r"\b3\.\d+(?=\")", "PYTHON", text)


def test_a_plan_asks_for_the_runtime_and_changes_nothing(sent):
    changing = [
        text
        for text in sent["plan"]
        if text.split()[0].upper() not in {"SHOW", "SELECT", "DESCRIBE", "USE"}
    ]

    assert all(text.startswith("CALL SYSTEM$GET_ML_JOB_RUNTIME(") for text in changing), changing
    assert sent["files after plan"] == []


def test_what_the_clients_send_is_as_the_golden_file_has_it(sent, big):
    found = {
        "plan": of_ml_jobs(sent["plan"]),
        "deploy": of_ml_jobs(sent["deploy"]),
        "body": plain(big.body()),
    }

    # What changes here after an update of snowflake-ml-python is to be read before it is accepted.
    assert found == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_the_payload_stands_whole_before_the_task_that_names_it(sent, big):
    task = next(number for number, text in enumerate(sent["deploy"]) if "EXECUTE_ML_JOB" in text)
    names = [name.partition("/FIT_TREES/")[2] for name in sent["files after deploy"]]

    assert {"app/code.zip", "app/run_node.py", "app/requirements.txt", "complete"} <= set(names)
    assert "system/startup.sh" in names
    assert not any("complete" in text and "PUT" in text.upper() for text in sent["deploy"][task:])


def test_the_node_runs_once_on_the_first_machine_from_the_payload(ran, big):
    assert ran.returncode == 0, ran.stderr
    statuses = {node["node"]: node["status"] for node in ran.json["nodes"]}
    assert statuses == dict.fromkeys(("make_numbers", "fit_trees", "judge_trees"), "succeeded")
    (row,) = big.sql(
        f"select status, attempt, run_id from {big.database}.ML.MLOPS_NODE_RUNS"
        f" where node = 'fit_trees' and run_id = '{ran.json['run']}'"
    )
    assert row == ("succeeded", 1, ran.json["run"])
    versions = big.sql(f"select dataset from {big.database}.ML.MLOPS_DATASETS")
    assert sorted(versions) == [("fitted",), ("numbers",), ("verdict",)]
    assert ran.jobs == 1


def test_its_result_is_saved_and_the_next_node_reads_it(ran, big):
    found = big.document("fitted")

    assert found["machines"] == 2
    assert found["machine"] == "0"
    assert found["right"] > 38
    assert (found["greeting"], found["variable"]) == ("hello", "eu")
    assert found["framework"].endswith("/framework/sf_ml_framework/__init__.py")
    assert found["project"].endswith("/project/big/nodes.py")
    assert str(big.root.parent) not in found["framework"] + found["project"]
    assert big.document("verdict") == {"good": True}


def test_what_did_not_change_gives_the_same_statement_and_an_empty_plan(ran, big):
    before = (big.body(), big.payloads())

    plan = big.ok("plan", "--detailed-exitcode")
    big.ok("state", "pull", "--out", "state.json")
    offline = big.ok("plan", "--state", "state.json", "--detailed-exitcode")
    again = big.ok("deploy", "--yes")

    assert "0 to create, 0 to change, 0 to remove" in plan.stdout
    assert "0 to create, 0 to change, 0 to remove" in offline.stdout
    assert again.stdout == "nothing differs: nothing was changed\n"
    assert (big.body(), big.payloads()) == before


@pytest.mark.slow
def test_changed_code_is_another_payload_and_a_node_that_fails_fails_its_task(ran, big, own_code):
    first, files = big.body(), big.payloads()
    big.ok("state", "pull", "--out", "before.json")
    big.change("big/nodes.py", MARK, f'{MARK}    raise ValueError("no trees today")\n')
    offline = big.call("plan", "--state", "before.json")
    planned = big.ok("plan", "--format", "json", "--out", "failing.json")
    big.ok("deploy", "--plan", "failing.json", "--yes")
    broken = big.run()

    changed = [one["object"] for one in planned.json["changes"] if one["differences"]]
    assert (offline.returncode, "is not as it was" in offline.stderr) == (3, True)
    assert changed == [f"task {big.database}.ML.TASK_FIT_TREES"]
    assert set(files) < set(big.payloads())
    assert broken.returncode == 1
    (row,) = big.sql(
        f"select status, error from {big.database}.ML.MLOPS_NODE_RUNS"
        f" where node = 'fit_trees' and run_id = '{broken.json['run']}'"
    )
    assert row[0] == "failed"
    assert "no trees today" in row[1]

    before = big.payloads()
    big.ok("rollback", "--yes")

    assert big.body() == first
    assert [name for name in big.payloads() if name not in before] == []


@pytest.mark.slow
def test_a_plan_of_code_that_is_gone_is_refused_and_leaves_no_task_without_a_payload(
    ran, big, own_code
):
    big.change("big/words.py", "hello", "good day")
    big.ok("plan", "--out", "greeting.json")
    big.change("big/words.py", "good day", "good night")
    before = big.body()

    done = big.call("deploy", "--plan", "greeting.json", "--yes")

    assert done.returncode == 3
    assert "never uploaded whole" in done.stderr
    assert "check out the commit" in done.stderr
    assert big.body() == before


def test_before_its_pool_stands_the_statement_is_the_same(big, make_account):
    settings = project_settings.load(big.root)
    target = targets.load(settings)
    manifest = compiled(big.root, settings.project)
    there = msgspec.structs.replace(
        target, pools={size: pool_named(pool, "NOWHERE") for size, pool in target.pools.items()}
    )

    def body(chosen):
        jobs = ml_job_bodies(make_account(), big.root, settings.project, manifest, chosen)
        (found,) = jobs.bodies().values()
        return plain(found)

    assert body(there).replace("NOWHERE", "DB_COMPUTE_POOL") == body(target)


def pool_named(pool, name):
    """Return *pool* under another name."""
    return msgspec.structs.replace(pool, name=name)
