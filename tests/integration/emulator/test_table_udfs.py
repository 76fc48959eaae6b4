"""Functions of users that give a table or look at a group."""

from __future__ import annotations

import pytest

snowpark = pytest.importorskip("snowflake.snowpark")
from snowflake.snowpark import functions as F
from snowflake.snowpark import types as T

from tests.integration.emulator.user_functions import python_function


def test_a_table_function_works_through_partitions(session):
    class Running:
        def __init__(self):
            self.total = 0

        def process(self, name: str, amount: int):
            self.total += amount
            yield (self.total, name)

        def end_partition(self):
            yield (self.total, "all")

    running = session.udtf.register(
        Running,
        output_schema=T.StructType(
            [T.StructField("total", T.LongType()), T.StructField("what", T.StringType())]
        ),
        input_types=[T.StringType(), T.LongType()],
    )
    frame = session.create_dataframe(
        [["a", 3, 2], ["a", 1, 1], ["b", 5, 1]], schema=["name", "amount", "at"]
    )

    joined = frame.join_table_function(
        running("name", "amount").over(partition_by="name", order_by="at")
    )

    assert joined.columns == ["NAME", "AMOUNT", "AT", "TOTAL", "WHAT"]
    found = sorted(map(tuple, joined.collect()), key=str)
    assert found == [
        ("a", 1, 1, 1, "a"),
        ("a", 3, 2, 4, "a"),
        ("a", None, None, 4, "all"),
        ("b", 5, 1, 5, "b"),
        ("b", None, None, 5, "all"),
    ]


TABLE = """
class Words:
    def process(self, text):
        for index, word in enumerate(text.split()):
            yield (index, word)
"""


def test_a_table_function_stands_in_from(run, session):
    run(
        python_function("words", "t varchar", "table (n int, word varchar)", TABLE, handler="Words")
    )
    run("create table lines as select 1 as id, 'x y' as line union all select 2, 'z'")

    assert run("select * from table(words('p q'))") == [(0, "p"), (1, "q")]
    assert run(
        "select l.id, w.word from lines l, table(words(l.line)) w where w.n = 0 order by l.id"
    ) == [(1, "x"), (2, "z")]
    made = session.table_function("words", F.lit("a b c")).collect()
    assert [row["WORD"] for row in made] == ["a", "b", "c"]


def test_a_vectorized_table_function_gets_a_partition(session):
    class Mean:
        def end_partition(self, df):
            import pandas as pd

            return pd.DataFrame({"n": [len(df)], "mean": [df.iloc[:, 0].mean()]})

    mean = session.udtf.register(
        Mean,
        output_schema=T.PandasDataFrameType([T.LongType(), T.DoubleType()], ["n", "mean"]),
        input_types=[T.PandasDataFrameType([T.DoubleType()])],
    )
    frame = session.create_dataframe([["a", 1.0], ["a", 2.0], ["b", 5.0]], schema=["k", "x"])

    made = frame.select("k", mean("x").over(partition_by="k")).sort("k")

    assert [tuple(row) for row in made.collect()] == [("a", 2, 1.5), ("b", 1, 5.0)]


def test_an_aggregate_function_is_grouped(session):
    class Product:
        def __init__(self):
            self._made = 1

        @property
        def aggregate_state(self):
            return self._made

        def accumulate(self, x):
            self._made *= x

        def merge(self, other):
            self._made *= other

        def finish(self):
            return self._made

    product = session.udaf.register(
        Product, return_type=T.LongType(), input_types=[T.LongType()], name="product"
    )
    frame = session.create_dataframe([["a", 2], ["a", 3], ["a", 4], ["b", 5]], schema=["k", "x"])

    made = frame.group_by("k").agg(product("x").alias("p")).sort("k").collect()

    assert [tuple(row) for row in made] == [("a", 24), ("b", 5)]
