"""The official Registry, unmodified: log, list, describe, alias, tag, run, export, load, delete."""

from __future__ import annotations

import contextlib
import json
import uuid

import pandas as pd
import pytest

registry_module = pytest.importorskip("snowflake.ml.registry")
xgboost = pytest.importorskip("xgboost")
linear = pytest.importorskip("sklearn.linear_model")
from snowflake.connector.errors import ProgrammingError
from snowflake.ml.model import task
from snowflake.snowpark.exceptions import SnowparkSQLException

pytestmark = pytest.mark.filterwarnings("ignore")

FRAME = pd.DataFrame({"A": [0.0, 1.0, 2.0, 3.0] * 5, "B": [1.0, 0.0, 1.0, 0.0] * 5})
LABELS = [0, 0, 1, 1] * 5
PLAIN = {"enable_explainability": False}


@pytest.fixture(scope="module")
def session(snowflake_connection):
    """One session for the module; each test has models of its own names."""
    import snowflake.connector
    from snowflake.snowpark import Session

    name = f"T_{uuid.uuid4().hex[:12]}".upper()
    opened = snowflake.connector.connect(**snowflake_connection)
    with contextlib.closing(opened):
        opened.cursor().execute(f"create database {name}")
        made = Session.builder.configs(
            {**snowflake_connection, "database": name, "schema": "PUBLIC"}
        ).create()
        yield made
        made.close()
        opened.cursor().execute(f"drop database {name}")


@pytest.fixture(scope="module")
def registry(session):
    return registry_module.Registry(session)


@pytest.fixture(scope="module")
def sklearn_model():
    return linear.LogisticRegression().fit(FRAME, LABELS)


@pytest.fixture(scope="module")
def xgboost_model():
    return xgboost.XGBClassifier(n_estimators=3, max_depth=2).fit(FRAME, LABELS)


@pytest.fixture
def name():
    return f"M_{uuid.uuid4().hex[:8]}".upper()


@pytest.fixture
def log(registry, sklearn_model, name):
    def call(version="V1", model=sklearn_model, model_name=name, **options):
        given = {"sample_input_data": FRAME, "options": PLAIN, **options}
        return registry.log_model(model, model_name=model_name, version_name=version, **given)

    return call


@pytest.fixture(scope="module")
def served(registry, sklearn_model, xgboost_model):
    """One model with a version of each library."""
    for version, model in (("SKLEARN", sklearn_model), ("XGBOOST", xgboost_model)):
        registry.log_model(
            model,
            model_name="SERVED",
            version_name=version,
            sample_input_data=FRAME,
            options=PLAIN,
            target_platforms=["WAREHOUSE"],
        )
    return registry.get_model("SERVED")


def test_a_logged_model_is_listed(registry, log, name):
    log(comment="it's the first", metrics={"auc": 0.9, "by_class": {"0": 1}})

    shown = registry.show_models().set_index("name").loc[name]
    assert shown["default_version_name"] == "V1"
    assert json.loads(shown["versions"]) == ["V1"]
    (model,) = (one for one in registry.models() if one.name == name)
    assert model.fully_qualified_name == f"{registry.location}.{name}"
    found = registry.get_model(name).version("V1")
    assert found.comment == "it's the first"
    assert found.show_metrics() == {"auc": 0.9, "by_class": {"0": 1}}


def test_a_version_gets_a_name_when_none_is_given(log):
    first, second = log(version=None), log(version=None)

    assert first.version_name
    assert first.version_name != second.version_name


def test_a_quoted_version_name_is_kept(registry, log, name):
    log(version='"v1.2.0"')

    assert registry.get_model(name).version('"v1.2.0"').version_name == '"v1.2.0"'


def test_the_same_version_twice_is_refused(log):
    log()

    with pytest.raises(ValueError, match=r"already exist"):
        log()


def test_a_model_that_is_not_there_is_not_found(registry):
    with pytest.raises(ValueError, match="Unable to find model"):
        registry.get_model("NO_SUCH")


def test_versions_are_listed_in_the_order_they_came(registry, log, name, session):
    log("V2")
    log("V1")

    model = registry.get_model(name)

    assert [version.version_name for version in model.versions()] == ["V2", "V1"]
    shown = model.show_versions().set_index("name")
    assert json.loads(shown.loc["V2", "aliases"]) == ["DEFAULT", "FIRST"]
    assert json.loads(shown.loc["V1", "aliases"]) == ["LAST"]
    assert model.version("V1").session is session
    assert (model.first().version_name, model.last().version_name) == ("V2", "V1")


def test_another_version_becomes_the_default(registry, log, name):
    log("V1")
    log("V2")
    model = registry.get_model(name)

    model.default = "V2"

    assert registry.get_model(name).default.version_name == "V2"


def test_metrics_are_set_read_and_deleted(log):
    version = log(metrics={"auc": 0.9})

    version.set_metric("f1", {"macro": 0.5})
    version.delete_metric("auc")

    assert version.show_metrics() == {"f1": {"macro": 0.5}}
    assert version.get_metric("f1") == {"macro": 0.5}
    with pytest.raises(KeyError):
        version.get_metric("auc")


def test_comments_are_set(registry, log, name):
    version, model = log(comment="old"), registry.get_model(name)

    version.comment, model.comment = "of the version", "of the model"

    assert version.comment == version.description == "of the version"
    assert model.comment == model.description == "of the model"
    assert registry.get_model(name).comment == "of the model"


def test_an_alias_is_of_one_version_until_it_is_unset(registry, log, name):
    first, second = log("V1"), log("V2")
    model = registry.get_model(name)

    first.set_alias("production")
    assert model.version("PRODUCTION").version_name == "V1"
    with pytest.raises(SnowparkSQLException):
        second.set_alias("production")
    assert model.version("PRODUCTION").version_name == "V1"
    first.unset_alias("production")
    second.set_alias("production")

    assert model.version("PRODUCTION").version_name == "V2"
    second.unset_alias("production")
    with pytest.raises(ValueError, match="Unable to find version"):
        model.version("PRODUCTION")


def test_tags_are_set_read_and_unset(registry, log, name, session):
    log()
    session.sql(f"create tag stage_of_{name}").collect()
    model = registry.get_model(name)

    model.set_tag(f"stage_of_{name}", "it's live")
    shown, value = model.show_tags(), model.get_tag(f"stage_of_{name}")
    model.unset_tag(f"stage_of_{name}")

    assert value == "it's live"
    assert list(shown.values()) == ["it's live"]
    assert model.show_tags() == {}


def test_functions_are_shown(registry, log, name):
    version = log(task=task.Task.TABULAR_BINARY_CLASSIFICATION)
    shown = {one["name"]: one for one in version.show_functions()}

    assert {"PREDICT", "PREDICT_PROBA"} <= set(shown)
    assert version.get_model_task() == task.Task.TABULAR_BINARY_CLASSIFICATION
    assert version.fully_qualified_model_name == f"{registry.location}.{name}"
    assert [spec.name for spec in shown["PREDICT"]["signature"].inputs] == ["A", "B"]


def test_a_model_is_renamed(registry, log, name):
    log()

    registry.get_model(name).rename(f"{name}_NEW")

    assert registry.get_model(f"{name}_NEW").version("V1").version_name == "V1"
    with pytest.raises(ValueError, match="Unable to find model"):
        registry.get_model(name)


def test_a_version_is_deleted_but_not_the_default(registry, log, name):
    log("V1")
    log("V2")
    model = registry.get_model(name)

    model.delete_version("V2")

    assert [version.version_name for version in model.versions()] == ["V1"]
    with pytest.raises(SnowparkSQLException, match="default"):
        model.delete_version("V1")


def test_a_model_is_deleted(registry, log, name):
    log()

    registry.delete_model(name)

    with pytest.raises(ValueError, match="Unable to find model"):
        registry.get_model(name)


@pytest.mark.parametrize("version", ["SKLEARN", "XGBOOST"])
def test_a_model_scores_a_pandas_frame_as_it_does_here(
    served, sklearn_model, xgboost_model, version
):
    here = {"SKLEARN": sklearn_model, "XGBOOST": xgboost_model}[version]

    found = served.version(version).run(FRAME, function_name="predict_proba")

    wanted = here.predict_proba(FRAME)
    assert found["output_feature_1"].tolist() == pytest.approx(wanted[:, 1].tolist(), abs=1e-6)


def test_a_model_scores_a_snowpark_frame(served, session, xgboost_model):
    frame = session.create_dataframe(FRAME.assign(KEY=range(len(FRAME))))

    found = served.version("XGBOOST").run(frame, function_name="predict").to_pandas()

    found = found.sort_values("KEY")
    assert found["output_feature_0"].tolist() == xgboost_model.predict(FRAME).tolist()


def test_many_rows_are_scored_in_their_order(served, session, sklearn_model):
    session.sql(
        "create or replace table many as select seq4()::float as a, 1.0::float as b "
        "from table(generator(rowcount => 5000))"
    ).collect()

    found = session.sql(
        "select a, b, model(served, sklearn)!predict_proba(a, b):output_feature_1::float as p "
        "from many"
    ).to_pandas()

    wanted = sklearn_model.predict_proba(found[["A", "B"]])[:, 1]
    assert found["P"].tolist() == pytest.approx(wanted.tolist(), abs=1e-9)


def test_a_method_that_is_a_table_function_gives_its_columns(log, session, sklearn_model):
    version = log(
        options={**PLAIN, "method_options": {"predict": {"function_type": "TABLE_FUNCTION"}}}
    )

    found = version.run(FRAME, function_name="predict")

    assert found["output_feature_0"].tolist() == sklearn_model.predict(FRAME).tolist()


def test_an_explanation_adds_up_to_the_score(registry, xgboost_model, name):
    version = registry.log_model(
        xgboost_model,
        model_name=name,
        version_name="V1",
        sample_input_data=FRAME,
        options={"enable_explainability": True},
    )

    found = version.run(FRAME, function_name="explain")

    parts = found[["A_explanation", "B_explanation"]].sum(axis=1)
    margins = xgboost_model.predict(FRAME, output_margin=True)
    # What is left is the average that every row starts from.
    assert (margins - parts).tolist() == pytest.approx(
        [float((margins - parts).mean())] * len(FRAME)
    )


def test_a_row_that_the_model_cannot_score_fails_with_its_words(served, session):
    with pytest.raises(SnowparkSQLException, match="NaN"):
        session.sql("select model(served, sklearn)!predict(null, 1.0)").collect()


def test_a_version_of_another_schema_is_promoted(registry, log, session, name):
    source = log(metrics={"auc": 0.9})
    session.sql(f"create schema prod_{name}").collect()
    session.use_schema("PUBLIC")
    target = registry_module.Registry(session, schema_name=f"PROD_{name}")

    target.log_model(source, model_name=name, version_name="V9")

    found = target.get_model(name).version("V9").run(FRAME.head(2), function_name="predict")
    assert found["output_feature_0"].tolist() == [0, 0]


def test_a_model_is_exported_and_loaded(log, sklearn_model, tmp_path):
    from snowflake.ml.model import ExportMode

    version = log()
    for folder in ("model", "full"):
        (tmp_path / folder).mkdir()

    version.export(str(tmp_path / "model"))
    version.export(str(tmp_path / "full"), export_mode=ExportMode.FULL)

    loaded = version.load(force=True)
    assert loaded.predict(FRAME).tolist() == sklearn_model.predict(FRAME).tolist()
    assert (tmp_path / "full" / "MANIFEST.yml").is_file()
    assert (tmp_path / "model" / "model" / "model.yaml").is_file()


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("drop model no_such", 2003),
        ("alter model no_such set default_version = v1", 2003),
        ("alter model served set default_version = v9", 2003),
        ("alter model served version sklearn set alias = last", 1008),
        ("alter model served modify version sklearn set metadata = 'no json'", 1008),
        ("alter model served add version v2 from @no_such/model", 2003),
        ("create model served with version v1 from model served version sklearn", 2002),
        ("alter model served add version sklearn from model served version xgboost", 92917),
        ("show versions in model no_such", 2043),
        ("show functions in model no_such", 2043),
        ("select served!no_such(1.0)", 2003),
        ("select served!predict(1.0)", 1044),
        ("select no_such!predict(1.0)", 2003),
        ("select model(served, v9)!predict(1.0, 2.0)", 2003),
    ],
)
def test_what_snowflake_refuses_is_refused(served, session, statement, number):
    with pytest.raises((SnowparkSQLException, ProgrammingError)) as caught:
        session.sql(statement).collect()

    error = caught.value
    assert getattr(error, "sql_error_code", None) == number or error.errno == number


def test_a_role_needs_usage_on_a_model_to_run_it(served, session):
    database, warehouse = session.get_current_database(), session.get_current_warehouse()
    role, before = f"R_{uuid.uuid4().hex[:8]}".upper(), session.get_current_role()
    run = "select served!predict(3.0, 0.0):output_feature_0::int"
    for statement in (
        f"create role {role}",
        f"grant role {role} to role {before}",
        f"grant usage on database {database} to role {role}",
        f"grant usage on schema {database}.public to role {role}",
        f"grant usage on warehouse {warehouse} to role {role}",
        "use secondary roles none",
    ):
        session.sql(statement).collect()

    try:
        session.use_role(role)
        with pytest.raises(SnowparkSQLException, match=r"not authorized|Insufficient privileges"):
            session.sql(run).collect()
        session.use_role(before)
        session.sql(f"grant usage on model served to role {role}").collect()
        session.use_role(role)
        assert session.sql(run).collect()[0][0] == 1
    finally:
        session.use_role(before)
        session.sql(f"drop role {role}").collect()
