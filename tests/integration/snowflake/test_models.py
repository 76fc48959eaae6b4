"""Models in the official registry: saved, found, loaded, run in SQL, trained again."""

import logging
import pickle
import sys

import pytest

from sf_ml_framework.errors import DataError, ModelError, SettingsError

pytest.importorskip("snowflake.ml.registry")
xgboost = pytest.importorskip("xgboost")
linear = pytest.importorskip("sklearn.linear_model")

from sf_ml_framework.places.snowflake.model_records import Origin
from tests.integration.snowflake.registered import (
    CURRENT,
    FRAME,
    LABELS,
    MODEL,
    default,
    trees,
    versions,
)

pytestmark = pytest.mark.filterwarnings("ignore")


# What is saved.


def test_the_very_object_that_training_returned_is_loaded_from_the_registry(store, make_store):
    model = trees()
    saved = store.save(MODEL, CURRENT, model)

    loaded = make_store().load(MODEL, CURRENT, "model")

    assert type(loaded) is xgboost.XGBClassifier
    assert pickle.dumps(loaded) == pickle.dumps(model)
    assert loaded.get_booster().attributes()["decision_threshold"] == "0.25"
    assert saved.location.endswith(".ML.CHURN_MODEL/versions/V1_0_0")
    assert make_store().find(MODEL, CURRENT) == saved


def test_sql_and_python_score_with_the_registered_model_as_it_does_here(store, account, database):
    model = trees()
    store.note_table(FRAME.assign(churned=LABELS))
    store.save(MODEL, CURRENT, model)
    here = model.predict_proba(FRAME)[:, 1].tolist()
    account.execute(f"create table {database}.ML.T (AGE int, SPEND float, IS_NEW boolean)")
    account.execute(f"insert into {database}.ML.T values (20, 0.5, true), (40, 2.5, true)")

    in_pandas = default(store).run(FRAME, function_name="predict_proba")
    in_snowpark = default(store).run(
        account.session.table(f"{database}.ML.T"), function_name="predict_proba"
    )
    in_sql = account.rows(
        f"select model({database}.ML.CHURN_MODEL, dev)!predict_proba(age, spend, is_new)"
        f":output_feature_1::float as p from {database}.ML.T order by age"
    )

    assert in_pandas["output_feature_1"].tolist() == pytest.approx(here, abs=1e-6)
    assert [row["p"] for row in in_sql] == pytest.approx([here[0], here[2]], abs=1e-6)
    assert in_snowpark.count() == 2


def test_a_version_says_where_it_comes_from(store, account, database):
    store.save(MODEL, CURRENT, trees())

    model = store.official.get_model("CHURN_MODEL")
    shown = versions(account, database)["V1_0_0"]
    tags = {name.rpartition(".")[2]: value for name, value in model.show_tags().items()}
    assert shown["comment"].startswith(
        "version v1.0.0, node train_model, run 20260101-000000-aaaa, commit abc123, content sha256:"
    )
    assert model.comment == MODEL.description
    assert tags == {
        "MLOPS_PROJECT": "churn",
        "MLOPS_VERSION": "v1.0.0",
        "MLOPS_RUN": "20260101-000000-aaaa",
        "MLOPS_COMMIT": "abc123",
    }
    assert model.version("DEV").version_name == "V1_0_0"


def test_a_version_names_its_packages_as_the_registry_knows_them(store, tmp_path):
    """Of ``xgboost-cpu`` the registry finds no version, and would leave it open."""
    store.save(MODEL, CURRENT, trees())

    default(store).export(str(tmp_path))

    needed = (tmp_path / "model" / "env" / "requirements.txt").read_text()
    needed = needed or (tmp_path / "model" / "env" / "conda.yml").read_text()
    assert f"xgboost=={xgboost.__version__}" in needed
    assert "xgboost-cpu" not in needed


def test_trees_can_be_asked_for_an_explanation(store):
    store.save(MODEL, CURRENT, trees())

    functions = {found["name"] for found in default(store).show_functions()}

    assert functions == {"PREDICT", "PREDICT_PROBA", "EXPLAIN"}


def test_a_model_that_cannot_be_explained_here_says_how(store, caplog, monkeypatch):
    # For the import system it is then not installed.
    monkeypatch.setitem(sys.modules, "shap", None)
    with caplog.at_level(logging.WARNING):
        store.save(MODEL, CURRENT, linear.LogisticRegression().fit(FRAME, LABELS))

    assert "add shap to the image's requirements" in caplog.text
    functions = {found["name"] for found in default(store).show_functions()}
    assert "EXPLAIN" not in functions


@pytest.mark.parametrize("first", ["model", "report"])
def test_what_the_node_reports_becomes_metrics_of_its_model(store, first):
    if first == "report":
        store.note_metrics({"auc": 0.9})
    store.save(MODEL, CURRENT, trees())
    store.note_metrics({"rows": 40})

    found = default(store).show_metrics()

    assert found == ({"auc": 0.9} if first == "report" else {}) | {"rows": 40}


def test_what_an_evaluation_reports_becomes_metrics_of_the_model_it_loaded(store, make_store):
    store.save(MODEL, CURRENT, trees())
    judge = make_store(origin=Origin(run_id="r", node="evaluate_model"))
    judge.load(MODEL, CURRENT)

    judge.note_metrics({"test_auc": 0.8})

    assert default(store).show_metrics() == {"test_auc": 0.8}


def test_what_one_node_reports_is_not_the_next_one_s(store):
    store.note_metrics({"auc": 0.9})
    store.begin(Origin(run_id="r", node="next"))

    store.save(MODEL, CURRENT, trees())

    assert default(store).show_metrics() == {}


# What is saved again.


def test_the_same_content_again_makes_no_new_version(store, account, database):
    first = store.save(MODEL, CURRENT, trees())

    again = store.save(MODEL, CURRENT, trees())

    assert again == first
    assert list(versions(account, database)) == ["V1_0_0"]


def test_a_retrained_model_is_a_new_version_that_default_and_alias_move_to(
    store, account, database
):
    old = store.save(MODEL, CURRENT, trees(3))

    new = store.save(MODEL, CURRENT, trees(4))

    found = versions(account, database)
    assert (old.version, new.version) == (CURRENT, CURRENT)
    assert list(found) == ["V1_0_0", "V1_0_0_2"]
    assert default(store).version_name == "V1_0_0_2"
    assert '"DEV"' not in found["V1_0_0"]["aliases"]
    assert '"DEV"' in found["V1_0_0_2"]["aliases"]
    assert store.find(MODEL, CURRENT) == new
    assert len(store.load(MODEL, CURRENT).get_booster().get_dump()) == 4


def test_an_earlier_content_is_the_earlier_version_again(store, account, database):
    """A change that was taken back costs no third version."""
    first = store.save(MODEL, CURRENT, trees(3))
    store.save(MODEL, CURRENT, trees(4))

    again = store.save(MODEL, CURRENT, trees(3))

    assert again == first
    assert len(versions(account, database)) == 2
    assert default(store).version_name == "V1_0_0"


def test_a_version_that_is_not_the_catalog_s_moves_neither_default_nor_alias(store):
    store.save(MODEL, CURRENT, trees(3))

    store.save(MODEL, "v1.1.0", trees(4))

    assert default(store).version_name == "V1_0_0"
    assert store.official.get_model("CHURN_MODEL").version("DEV").version_name == "V1_0_0"
    assert store.latest(MODEL) == "v1.1.0"
    assert store.load(MODEL, "v1.1.0").n_estimators == 4


def test_two_versions_with_one_identifier_are_told_apart_by_refusing_the_second(store):
    store.save(MODEL, "v1.2", trees())

    with pytest.raises(DataError, match=r"V1_2, which is 'v1.2' already"):
        store.save(MODEL, "v1-2", trees())


def test_a_version_of_snowflake_s_own_word_is_refused(store):
    with pytest.raises(DataError, match="DEFAULT is an alias of Snowflake's"):
        store.save(MODEL, "default", trees())


def test_an_alias_of_snowflake_s_own_is_refused(make_store):
    with pytest.raises(SettingsError, match="LAST is an alias of Snowflake's own"):
        make_store(alias="last")


def test_a_name_that_was_taken_meanwhile_is_passed_over(store, make_store, account, database):
    """Two containers may save at once: neither loses its model."""
    other = make_store()
    taken = store._registry.versions
    calls = []

    def versions_then_another(model, name=""):
        found = taken(model, name)
        if not name and len(calls) < 2:
            calls.append(model)
            if len(calls) == 2:
                other.save(MODEL, CURRENT, trees(5))
        return found

    store._registry.versions = versions_then_another

    store.save(MODEL, CURRENT, trees(3))

    assert list(versions(account, database)) == ["V1_0_0", "V1_0_0_2"]
    assert store.load(MODEL, CURRENT).n_estimators == 3


# What is found and loaded.


def test_a_model_that_nobody_saved_is_missing(store):
    assert store.find(MODEL, CURRENT) is None
    assert store.why_not_found(MODEL, CURRENT) == "missing"
    assert store.latest(MODEL) == ""
    with pytest.raises(DataError, match="there is no churn_model@v1"):
        store.load(MODEL, CURRENT)


@pytest.mark.parametrize("made_again", [False, True])
def test_a_version_that_someone_dropped_is_damaged(store, account, database, made_again):
    store.save(MODEL, CURRENT, trees(3))
    store.official.delete_model("CHURN_MODEL")
    if made_again:
        store.official.log_model(
            trees(4), model_name="CHURN_MODEL", version_name="V1_0_0", sample_input_data=FRAME
        )

    assert store.find(MODEL, CURRENT) is None
    assert store.why_not_found(MODEL, CURRENT) == "damaged"
    with pytest.raises(ModelError, match="no longer in the Model Registry"):
        store.load(MODEL, CURRENT)


def test_other_bytes_than_the_saved_ones_are_not_unpickled(store, account, database):
    store.save(MODEL, CURRENT, trees())
    account.execute(f"update {database}.ML.MLOPS_DATASETS set content = ?", ("0" * 64,))

    with pytest.raises(ModelError, match="other bytes than were saved"):
        store.load(MODEL, CURRENT)


def test_a_model_of_another_library_s_version_is_not_unpickled(store, make_store):
    store.save(MODEL, CURRENT, trees())
    elsewhere = make_store()

    class Newer:
        def versions(self, names):
            return {"xgboost-cpu": "9.0.0", "numpy": "9.0"}

    elsewhere.__dict__["_libraries"] = Newer()

    with pytest.raises(ModelError, match=r"it was saved with .+ and here is 9\.0"):
        elsewhere.load(MODEL, CURRENT)


def test_a_model_cannot_be_had_as_a_table(store):
    store.save(MODEL, CURRENT, trees())

    with pytest.raises(DataError, match="cannot be given as a pandas"):
        store.load(MODEL, CURRENT, "pandas")
