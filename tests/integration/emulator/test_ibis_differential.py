"""The churn pipeline's steps 2 to 4 give the same rows on DuckDB and, compiled, in an account.

Each expression, and each question that the steps ask while they fit their statistics, is run by
DuckDB through Ibis, and as Snowflake's SQL through the official connector. The account's tables
have upper-case names, as tables have that were made without quotes.
"""

from __future__ import annotations

import contextlib
import math
import uuid
from decimal import Decimal

import ibis
import ibis.expr.operations as ops
import pyarrow as pa
import pytest
from ibis.backends.duckdb import Backend

from src.nodes.node_01_generate_data import generate_sample_data
from src.nodes.node_02_preprocess_data import preprocess_data
from src.nodes.node_03_feature_engineering import feature_engineering
from src.nodes.node_04_train_test_split import train_test_split

CUSTOMERS = 400
TYPES = {"string": "varchar", "date": "date", "boolean": "boolean", "float64": "float"}


class Recording(Backend):
    """A DuckDB that keeps the expressions that it is asked to compute."""

    def to_pyarrow(self, expr, /, **options):
        self.asked.append(expr)
        return super().to_pyarrow(expr, **options)


def in_account(expr):
    """Return *expr* over the account's upper-case tables, with upper-case columns if a table."""

    def swap(node, changed):
        if not isinstance(node, ops.DatabaseTable):
            return node.__recreate__(changed) if changed else node
        upper = {name.upper(): kind for name, kind in node.schema.items()}
        table = ibis.table(upper, name=node.name.upper())
        return table.rename({name: name.upper() for name in node.schema.names}).op()

    swapped = expr.op().replace(swap).to_expr()
    return swapped.rename(str.upper) if isinstance(swapped, ibis.Table) else swapped


@pytest.fixture(scope="module")
def account(snowflake_connection):
    """A connection with a database of its own."""
    import snowflake.connector

    name = f"T_{uuid.uuid4().hex[:12]}".upper()
    opened = snowflake.connector.connect(**snowflake_connection)
    with contextlib.closing(opened):
        opened.cursor().execute(f"create database {name}")
        yield opened
        opened.cursor().execute(f"drop database {name}")


def _upload(account, name, data, schema):
    import pandas as pd
    from snowflake.connector.pandas_tools import write_pandas

    columns = ", ".join(f"{n} {TYPES.get(str(k), 'int')}" for n, k in schema.items())
    account.cursor().execute(f"create table {name} ({columns})")
    # Arrow's own types: numpy has no whole number that is missing.
    frame = data.rename_columns([c.upper() for c in data.column_names])
    frame = frame.to_pandas(types_mapper=pd.ArrowDtype)
    assert write_pandas(account, frame, name.upper())[2] == data.num_rows


@pytest.fixture(scope="module")
def engine(account):
    """DuckDB, and how to put a table into it and into the account at once."""
    import duckdb

    made = Recording.from_connection(duckdb.connect())
    made.asked = []

    def stored(data: pa.Table, name: str) -> ibis.Table:
        made.con.register(name, data)
        table = made.table(name)
        _upload(account, name, data, table.schema())
        return table

    made.stored = stored
    return made


@pytest.fixture(scope="module")
def expressions(engine):
    """Everything that steps 2 to 4 compute, by name; the questions are numbered."""
    raw = generate_sample_data(num_customers=CUSTOMERS, seed=11).read_all()
    repeated = pa.concat_tables([raw, raw.slice(0, 10)])
    twice = preprocess_data(engine.stored(repeated, "repeated_customers"))
    clean = preprocess_data(engine.stored(raw, "raw_customers"))
    rule = clean["split_rule"]
    customers = engine.stored(clean["customers"].to_pyarrow(), "clean_customers")
    made = feature_engineering(customers, rule)
    features = engine.stored(made["features"].to_pyarrow(), "customer_features")
    parts = train_test_split(features, rule)
    named = {
        "customers": clean["customers"],
        "customers of whom some came twice": twice["customers"],
        "features": made["features"],
        "train": parts["train"],
        "test": parts["test"],
    }
    return named | {f"question {n}": asked for n, asked in enumerate(list(engine.asked))}


def _plain(value):
    """Return a cell as both sides can say it."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, Decimal):
        value = int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float) and not math.isnan(value) and value.is_integer():
        return int(value)
    return value


def _rows(columns, rows):
    cells = [{n.lower(): _plain(v) for n, v in zip(columns, row, strict=True)} for row in rows]
    return sorted(cells, key=lambda row: [(v is None, str(v)) for v in row.values()])


def _same(here, there):
    if isinstance(here, float) or isinstance(there, float):
        return here is not None and there is not None and math.isclose(here, there, rel_tol=1e-9)
    return here == there


def _differences(here, there):
    """Return where the two differ, at most a few."""
    found = []
    for number, (one, other) in enumerate(zip(here, there, strict=True)):
        for name, value in one.items():
            if not _same(value, other[name]):
                found.append((number, name, value, other[name]))
    return found[:5]


def _run_here(engine, expr):
    table = Backend.to_pyarrow(engine, expr)
    if isinstance(table, pa.Table):
        return _rows(table.column_names, [tuple(row.values()) for row in table.to_pylist()])
    return _rows(["value"], [(table.as_py(),)])


def _run_there(account, expr):
    cursor = account.cursor().execute(ibis.to_sql(in_account(expr), dialect="snowflake"))
    columns = [column.name for column in cursor.description]
    if not isinstance(expr, ibis.Table):
        columns = ["value"]
    return columns, _rows(columns, cursor.fetchall())


@pytest.mark.parametrize(
    "name", ["customers", "customers of whom some came twice", "features", "train", "test"]
)
def test_a_table_of_the_pipeline_is_the_same_cell_by_cell(name, engine, account, expressions):
    here = _run_here(engine, expressions[name])

    columns, there = _run_there(account, expressions[name])

    assert columns == [column.upper() for column in expressions[name].columns]
    assert len(there) == len(here) > 50
    assert _differences(here, there) == []


def test_a_question_of_the_pipeline_has_the_same_answer(engine, account, expressions):
    questions = {n: expr for n, expr in expressions.items() if n.startswith("question")}
    different = {}

    for name, expr in questions.items():
        here = _run_here(engine, expr)
        _, there = _run_there(account, expr)
        if len(here) != len(there) or _differences(here, there):
            different[name] = (here[:2], there[:2])

    assert different == {}
    assert len(questions) > 10


def test_a_feature_view_of_the_features_gives_the_same_rows(engine, account, expressions):
    """The SQL that a dynamic table keeps refreshing is the one that a laptop runs."""
    expr = expressions["features"]
    cursor = account.cursor()
    warehouse = cursor.execute("select current_warehouse()").fetchone()[0]
    sql = ibis.to_sql(in_account(expr), dialect="snowflake")
    cursor.execute(
        f"create dynamic table featured target_lag = '1 day' warehouse = {warehouse} "
        f"refresh_mode = incremental as {sql}"
    )

    found = cursor.execute("select * from featured")

    there = _rows([column.name for column in found.description], found.fetchall())
    assert _differences(_run_here(engine, expr), there) == []
