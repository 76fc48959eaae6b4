"""``mlops models``: a version of a model moves from one target to another, and back."""

from __future__ import annotations

import pickle
import uuid

import pytest

from sf_ml_framework import connection
from sf_ml_framework.errors import ModelError
from sf_ml_framework.manifest.model import DatasetSpec
from sf_ml_framework.plan.names import DATASETS
from tests.integration.cli.shop import Shop

pytest.importorskip("snowflake.ml.registry")
linear = pytest.importorskip("sklearn.linear_model")

import pandas as pd

from sf_ml_framework.places.snowflake.model_promotion import moved_in
from sf_ml_framework.places.snowflake.model_records import Origin
from sf_ml_framework.places.snowflake.models import ModelStore
from sf_ml_framework.places.snowflake.session import Account

pytestmark = pytest.mark.filterwarnings("ignore")

MODELS = ("lateness", "twice", "back", "dry", "older", "changed")
"""One for each test that changes one: all stand in the same two targets."""
FRAME = pd.DataFrame({"distance": [1.0, 2.0, 3.0, 4.0] * 5})

PIPELINE = """
from sf_ml_framework import DataCatalog, Dataset, NodeConfig, Project


def fit() -> "object":
    '''Fit it.'''


MODELS = %r
PROJECT = Project(
    name="courier",
    catalog=DataCatalog([Dataset(name=name, kind="model") for name in MODELS]),
    pipeline=[NodeConfig(name=f"fit_{name}", function=fit, outputs=name) for name in MODELS],
)
"""


def spec(name):
    return DatasetSpec(name=name, kind="model", description="Who is late; it's a guess")


def fitted(flip: int = 0):
    return linear.LogisticRegression().fit(FRAME, [flip, flip, 1 - flip, 1 - flip] * 5)


class Courier(Shop):
    """A project of some models in a folder, and two targets of it in an account."""

    def __init__(self, root, flags) -> None:
        super().__init__(root, "courier")
        self.name = f"T_{uuid.uuid4().hex[:10]}".upper()
        self.flags = flags
        self.opened = []
        self.write("courier/pipeline.py", PIPELINE % (MODELS,))
        self.write(
            "mlops.yml",
            f"""project: courier.pipeline:PROJECT
targets:
  test: {{database: {self.name}_T, prefix: {self.name}_T}}
  prod: {{database: {self.name}_P, prefix: {self.name}_P, approval: required}}
""",
        )
        given = {**flags, "role": "", "warehouse": ""}
        self.environ = {f"SNOWFLAKE_{key.upper()}": value for key, value in given.items() if value}
        self.environ["SNOWFLAKE_DISABLE_PLATFORM_DETECTION"] = "true"

    def environment(self, more=None):
        return super().environment({**self.environ, **(more or {})})

    def account(self, **given):
        settings = connection.resolve(None, self.flags, {})
        self.opened.append(Account(settings, **given))
        return self.opened[-1]

    def found(self) -> None:
        self.admin = self.account(role="ACCOUNTADMIN", warehouse="COMPUTE_WH")
        for target, letter in (("test", "T"), ("prod", "P")):
            self.ok("infra", "apply", "--target", target, "--yes")
            self.admin.execute(f"grant role {self.name}_{letter}_ROLE to role sysadmin")

    def store(self, letter: str, run: str = "20260101-000000-aaaa") -> ModelStore:
        """The models of a target, as its run role."""
        database = f"{self.name}_{letter}"
        account = self.account(
            database=database, schema="ML", role=f"{database}_ROLE", warehouse=f"{database}_WH"
        )
        origin = Origin(run_id=run, node="fit", commit="abc123")
        alias = {"T": "test", "P": "prod"}[letter]
        return ModelStore(account, database, "ML", origin=origin, alias=alias, project="courier")

    def train(self, name: str, *, flip: int = 0, run: str = "20260101-000000-aaaa"):
        """Save a model in test, as a node would."""
        store = self.store("T", run)
        store.note_table(FRAME)
        store.save(spec(name), "v1.0.0", fitted(flip))
        store.note_metrics({"auc": 0.91, "rows": 20})

    def promote(self, model: str, *words: str):
        line = ("models", "promote", model, "--from", "test", "--to", "prod")
        return self.call(*line, *words)

    def loaded(self, name: str) -> bytes:
        """What a node of prod gets, pickled."""
        return pickle.dumps(self.store("P").load(spec(name), "v1.0.0", "model"))

    def rows(self, sql: str):
        sql = sql.replace("$P", f"{self.name}_P.ML").replace("$T", f"{self.name}_T.ML")
        return self.admin.rows(sql)


@pytest.fixture(scope="module")
def courier(tmp_path_factory, emulator, connection_flags):
    made = Courier(tmp_path_factory.mktemp("courier") / "project", connection_flags)
    made.found()
    yield made
    for letter in "TP":
        made.admin.execute(f"drop database {made.name}_{letter}")
        made.admin.execute(f"drop warehouse {made.name}_{letter}_WH")
    for account in made.opened:
        account.close()


def test_a_promoted_version_is_loaded_by_nodes_with_its_metrics_comment_and_tags(courier):
    courier.train("lateness")
    done = courier.promote("lateness", "--approve", "prod")

    assert "lateness@v1.0.0 of prod is now V1_0_0, from test" in done.stdout, done.stderr
    assert courier.loaded("lateness") == pickle.dumps(fitted())
    listed = courier.ok("models", "ls", "--target", "prod", "--format", "json").json
    (row,) = (each for each in listed if each["model"] == "lateness")
    assert (row["registry"], row["loaded_as"], row["default"]) == ("V1_0_0", "v1.0.0", True)
    assert row["metrics"] == {"auc": 0.91, "rows": 20}
    assert (row["run"], row["node"], row["commit"]) == ("20260101-000000-aaaa", "fit", "abc123")
    assert row["promoted_from"] == f"{courier.name}_T.ML.LATENESS V1_0_0"
    assert row["aliases"] == ["PROD"]
    shown = courier.ok("models", "show", "lateness", "--target", "prod", "--format", "json").json
    assert shown["tags"]["MLOPS_RUN"] == "20260101-000000-aaaa"
    assert shown["tags"]["MLOPS_PROMOTED_FROM"] == f"{courier.name}_T.ML.LATENESS"
    assert shown["promoted_by"]
    record = courier.rows(f"select run_id, node from $P.{DATASETS} where dataset = 'lateness'")
    assert record == [{"run_id": "20260101-000000-aaaa", "node": "fit"}]


def test_a_second_promotion_of_the_same_content_copies_nothing(courier):
    courier.train("twice")
    courier.promote("twice", "--approve", "prod")
    again = courier.promote("twice", "--approve", "prod")

    assert "is there already" in again.stderr
    assert [row["name"] for row in courier.rows("show versions in model $P.TWICE")] == ["V1_0_0"]


def test_what_was_trained_again_stands_beside_and_the_way_back_is_known(courier):
    courier.train("back")
    courier.promote("back", "--approve", "prod")
    courier.train("back", flip=1, run="20260102-000000-bbbb")
    courier.promote("back", "--approve", "prod", "--alias", "champion")
    new = courier.loaded("back")
    back = courier.ok("models", "rollback", "back", "--target", "prod", "--yes")

    versions = {row["name"]: row for row in courier.rows("show versions in model $P.BACK")}
    assert new == pickle.dumps(fitted(flip=1))
    assert courier.loaded("back") == pickle.dumps(fitted())
    assert "is V1_0_0 again" in back.stdout
    assert moved_in(versions["V1_0_0_2"]["comment"]).before == "V1_0_0"
    assert versions["V1_0_0"]["is_default_version"] == "true"
    nothing = courier.call("models", "rollback", "back", "--target", "prod", "--yes")
    assert nothing.returncode == 3
    assert "no version before V1_0_0" in nothing.stderr


def test_a_dry_run_and_a_bare_yes_change_nothing(courier):
    courier.train("dry")
    dry = courier.promote("dry", "--dry-run")
    bare = courier.promote("dry", "--yes")

    assert "CREATE MODEL" in dry.stderr
    assert bare.returncode == 3
    assert "--approve prod" in bare.stderr
    assert courier.rows("show models like 'DRY' in schema $P") == []


def test_an_older_version_of_the_registry_is_promoted_by_its_name(courier):
    courier.train("older")
    courier.train("older", flip=1)
    courier.promote("older@V1_0_0", "--approve", "prod", "--no-default")

    assert courier.loaded("older") == pickle.dumps(fitted())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "latenes", "--target", "test"), "did you mean 'lateness'"),
        (("promote", "dry", "--from", "test", "--to", "test"), "the same target"),
        (("promote", "dry", "--from", "test", "--to", "prd"), "did you mean 'prod'"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(courier, words, said):
    done = courier.call("models", *words)

    assert done.returncode == 2
    assert said in done.stderr


def test_a_copy_with_other_bytes_is_pointed_to_by_nothing(courier):
    """A comment that somebody changed cannot have other bytes unpickled."""
    courier.train("changed")
    comment = courier.rows("show versions in model $T.CHANGED")[0]["comment"]
    wrong = comment[:-64] + "0" * 64
    courier.admin.execute(
        f"alter model {courier.name}_T.ML.CHANGED modify version V1_0_0 set comment = '{wrong}'"
    )
    done = courier.promote("changed", "--approve", "prod")

    assert done.returncode == ModelError.exit_code
    assert "other bytes" in done.stderr
    assert courier.rows(f"select dataset from $P.{DATASETS} where dataset = 'changed'") == []
