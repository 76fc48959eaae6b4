"""All that steps 2 to 4 ask of a database is asked of Snowflake in words that it knows."""

from __future__ import annotations

import re

import duckdb
import fakesnow
import ibis
import pyarrow as pa
import pytest
import sqlglot
from ibis.backends.duckdb import Backend

from src.nodes.node_01_generate_data import generate_sample_data
from src.nodes.node_02_preprocess_data import preprocess_data
from src.nodes.node_03_feature_engineering import feature_engineering
from src.nodes.node_04_train_test_split import train_test_split

LONGEST = 25_000
"""Characters of one statement, laid out for people: columns named once do not multiply."""


TYPES = {
    "int64": "INT",
    "int32": "INT",
    "double": "FLOAT",
    "bool": "BOOLEAN",
    "string": "TEXT",
    "date32[day]": "DATE",
}


class Recording(Backend):
    """A DuckDB that keeps what it is asked, in Snowflake's dialect, and what it answered."""

    def to_pyarrow(self, expr, /, **options):
        answer = super().to_pyarrow(expr, **options)
        self.asked.append((ibis.to_sql(expr, dialect="snowflake"), answer))
        return answer


@pytest.fixture(scope="module")
def recorded():
    """Return the tables given to steps 2 to 4, those they made, and all they asked."""
    engine = Recording.from_connection(duckdb.connect())
    engine.asked = []
    given = {}

    def stored(data: pa.Table, name: str) -> ibis.Table:
        given[name] = data
        engine.con.register(name, data)
        return engine.table(name)

    raw = generate_sample_data(num_customers=3_000).read_all()
    repeated = pa.concat_tables([raw, raw.slice(0, 10)])
    twice = preprocess_data(stored(repeated, "repeated"))
    clean = preprocess_data(stored(raw, "raw"))
    rule = clean["split_rule"]
    made = feature_engineering(stored(clean["customers"].to_pyarrow(), "clean"), rule)
    parts = train_test_split(stored(made["features"].to_pyarrow(), "features"), rule)
    tables = {
        "customers": clean["customers"],
        "customers of whom some came twice": twice["customers"],
        "features": made["features"],
        "train": parts["train"],
        "test": parts["test"],
    }
    for table in tables.values():
        table.to_pyarrow()
    return given, tables, engine.asked


@pytest.fixture(scope="module")
def statements(recorded):
    """Return every statement of steps 2 to 4, those that make tables by their names."""
    _, tables, asked = recorded
    named = {name: ibis.to_sql(table, dialect="snowflake") for name, table in tables.items()}
    return named | {f"question {number}": sql for number, (sql, _) in enumerate(asked)}


@pytest.fixture
def snowflake(recorded):
    """Return a cursor of a local stand-in for Snowflake that holds the given tables."""
    with fakesnow.patch():
        from snowflake.connector import connect
        from snowflake.connector.pandas_tools import write_pandas

        with connect(database="churn", schema="data") as connection:
            cursor = connection.cursor()
            for name, data in recorded[0].items():
                columns = (f'"{field.name}" {TYPES[str(field.type)]}' for field in data.schema)
                cursor.execute(f'CREATE TABLE "{name}" ({", ".join(columns)})')
                write_pandas(connection, data.to_pandas(), name, quote_identifiers=True)
            yield cursor


def test_every_statement_compiles_and_parses(statements):
    assert len(statements) > 15
    for sql in statements.values():
        sqlglot.parse_one(sql, read="snowflake")


def test_no_statement_is_long(statements):
    assert {name: len(sql) for name, sql in statements.items() if len(sql) > LONGEST} == {}


def test_no_statement_uses_what_snowflake_refuses_or_does_otherwise(statements):
    refused = (
        r"(MEDIAN|PERCENTILE_CONT)\([^)]*\)[^,]* OVER",
        r"\bHASH\(",
        r"REGEXP_SUBSTR",
        r"DATEADD",
        r"ROWS BETWEEN",
        r"QUANTILE_CONT",
    )
    for name, sql in statements.items():
        for pattern in refused:
            assert not re.search(pattern, sql), (name, pattern)


@pytest.mark.parametrize("name", ["customers", "features", "train", "test"])
def test_what_is_written_is_one_projection_of_literals(name, statements):
    """So an engine streams it, and a dynamic table of it can be refreshed by increments."""
    tree = sqlglot.parse_one(statements[name], read="snowflake")

    for kind in (
        sqlglot.exp.Join,
        sqlglot.exp.Group,
        sqlglot.exp.Window,
        sqlglot.exp.AggFunc,
        sqlglot.exp.Order,
    ):
        assert not list(tree.find_all(kind)), kind
    assert len(list(tree.find_all(sqlglot.exp.Select))) <= 5


def test_every_answer_is_the_one_of_duckdb(recorded, snowflake):
    """Cell by cell, whatever the order of the rows."""
    for sql, expected in recorded[2]:
        snowflake.execute(sql)
        found = snowflake.fetchall()

        wanted = [tuple(row.values()) for row in expected.to_pylist()]
        assert len(found) == len(wanted) > 0, sql
        for one, other in zip(sorted(found, key=str), sorted(wanted, key=str), strict=True):
            assert one == pytest.approx(other, abs=1e-9), sql
