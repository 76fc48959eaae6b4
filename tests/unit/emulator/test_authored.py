"""Functions of users: reading definitions, telling overloads apart, values, packages."""

from __future__ import annotations

import datetime
import decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sf_ml_framework.emulator.authored import kinds, packages
from sf_ml_framework.emulator.authored.calls import written
from sf_ml_framework.emulator.faults import SnowflakeError
from sf_ml_framework.emulator.reader import Reader
from sf_ml_framework.emulator.sandbox import values
from sf_ml_framework.emulator.serving import asked, image


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("int", "NUMBER(38,0)"),
        ("number(10, 2)", "NUMBER(10,2)"),
        ("double precision", "FLOAT"),
        ("string", "VARCHAR"),
        ("varchar(20)", "VARCHAR"),
        ("datetime", "TIMESTAMP_NTZ"),
        ("variant", "VARIANT"),
    ],
)
def test_a_type_has_one_name(text, kind):
    assert kinds.read(Reader(text)) == kind


@pytest.mark.parametrize("text", ["geography", "vector(float, 3)", "nonesuch"])
def test_a_type_that_is_not_known_is_refused(text):
    with pytest.raises(SnowflakeError):
        kinds.read(Reader(text))


def test_the_same_type_is_closest():
    assert kinds.cost("NUMBER", "NUMBER") == 0
    assert kinds.cost("NUMBER", "FLOAT") < kinds.cost("NUMBER", "VARCHAR")
    assert kinds.cost("ARRAY", "NUMBER") is None


PLAIN = {
    "NUMBER(38,0)": st.integers(-(10**18), 10**18),
    "NUMBER(20,4)": st.decimals(-1000, 1000, places=4),
    "FLOAT": st.floats(allow_nan=False),
    "BOOLEAN": st.booleans(),
    "VARCHAR": st.text(),
    "BINARY": st.binary(),
    "DATE": st.dates(),
    "TIME": st.times(),
    "TIMESTAMP_NTZ": st.datetimes(),
    "VARIANT": st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
}


@pytest.mark.parametrize("kind", PLAIN)
@given(data=st.data())
def test_a_value_comes_back_from_its_text(kind, data):
    value = data.draw(PLAIN[kind])

    back = values.from_text(values.to_text(value, kind), kind)

    assert back == value


@pytest.mark.parametrize(("value", "kind"), [("yes", "BOOLEAN"), (3, "DATE"), (object(), "BINARY")])
def test_a_value_of_another_type_is_an_error(value, kind):
    with pytest.raises(TypeError):
        values.to_text(value, kind)


def test_what_is_missing_is_null():
    assert [values.to_text(v, "FLOAT") for v in (None, float("nan"))] == [None, None]


def test_a_frame_has_the_types_of_its_columns():
    frame = values.frame(
        [["1", None, "2026-01-02"], ["2", "3", None]], ["NUMBER(38,0)", "NUMBER(38,0)", "DATE"]
    )

    assert [str(t) for t in frame.dtypes] == ["int64", "Int64", "datetime64[ns]"]


def test_decimals_stay_decimals():
    assert values.from_text("1.50", "NUMBER(10,2)") == decimal.Decimal("1.50")
    assert values.from_text("2026-01-02", "DATE") == datetime.date(2026, 1, 2)


@pytest.mark.parametrize("wanted", ["pandas", "pandas>=1", "pandas<99,>1"])
def test_a_package_that_is_installed_is_there(wanted):
    packages.check_packages((wanted,))


@pytest.mark.parametrize("wanted", ["pandas==0.1", "pandas=0.1", "no-such-package", "not a name!"])
def test_a_package_that_is_not_installed_is_refused_by_name(wanted):
    with pytest.raises(SnowflakeError) as refused:
        packages.check_packages((wanted,))

    assert refused.value.number == 100357
    assert wanted in refused.value.message


def test_another_python_is_refused():
    for version in ("3.9", "2.7"):
        with pytest.raises(SnowflakeError, match=version.replace(".", r"\.")):
            packages.check_runtime(version)


def test_a_calls_column_is_written_in_upper_case_outside_quotes():
    import sqlglot

    tree = sqlglot.parse_one("select f(a, \"b\", 'c')", read="snowflake")

    assert written(tree.expressions[0]) == "F(A, \"b\", 'c')"


def test_the_packages_of_a_model_are_read_from_both_files(tmp_path):
    folder = tmp_path / "runtimes" / "cpu" / "env"
    folder.mkdir(parents=True)
    (folder / "requirements.txt").write_text("# comment\npandas>=1\n")
    (folder / "conda.yml").write_text(
        "dependencies:\n- python==3.11.*\n- conda-forge::scikit-learn<2\n- pandas>=1\n"
    )

    assert image.wanted(tmp_path) == ["pandas>=1", "scikit-learn<2"]


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "models: []\nservice: {name: s, compute_pool: p}",
        "models: [{name: m, version: v}]\nservice: {name: s}",
        "models: [{name: m, version: v}]\nservice: {name: s, compute_pool: p, adapters: [a]}",
        "models: [{name: m, version: v}]\nservice: {name: s, compute_pool: p, min_instances: 3}",
        ": :",
    ],
)
def test_a_deployment_that_cannot_be_is_refused(text):
    with pytest.raises(SnowflakeError):
        asked.deployment(text)


@pytest.mark.parametrize(
    "text", ["output: {}", "output: {stage_location: '@s', mode: maybe}", "output: {x: 1}", "a: 1"]
)
def test_a_batch_that_cannot_be_is_refused(text):
    with pytest.raises(SnowflakeError):
        asked.batch(text)
