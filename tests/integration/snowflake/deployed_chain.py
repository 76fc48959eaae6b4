"""A project of three nodes, deployed into the emulator; its containers are processes in its folder.

A test changes the code, puts the image of it, deploys and operates the graph by the program, as a
person would: with the roles that the deployment made, and no more.
"""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.integration.cli.shop import Done, Shop
from tests.integration.snowflake import emulated

if TYPE_CHECKING:
    from sf_ml_framework.emulator import Emulator

NODES = '''
"""Three nodes in a row: a document, a table, a document."""
import os
import time


def make(*, count: int = 3, day: str = "2026-01-01", slow: float = 0.0) -> dict:
    """Make the orders of a day."""
    print("making", count, "orders of", day)
    end = time.monotonic() + slow
    while time.monotonic() < end:
        time.sleep(0.05)
    # make breaks here
    return {"prices": [float(number + 1) for number in range(count)], "day": day}


def table(orders: dict, *, factor: float = 2.0) -> "pandas.DataFrame":
    """Tabulate them."""
    import pandas

    # table breaks here
    prices = [price * factor for price in orders["prices"]]
    return pandas.DataFrame({"order_id": range(len(prices)), "price": prices})


def judge(priced: "pandas.DataFrame") -> dict:
    """Add them up."""
    # judge breaks here
    return {"total": float(priced["price"].sum()), "rows": len(priced)}
'''

PIPELINE = """
from chain import nodes
from sf_ml_framework import Column, DataCatalog, Dataset, NodeConfig, Project

CATALOG = DataCatalog([
    Dataset(name="orders", kind="document"),
    Dataset(
        name="priced",
        kind="table",
        columns=[
            Column(name="order_id", type="integer"), Column(name="price", type="float"),
        ],
    ),
    Dataset(name="verdict", kind="document"),
])
PROJECT = Project(
    name="chain",
    catalog=CATALOG,
    pipeline=[
        NodeConfig(name="make_orders", function=nodes.make, outputs="orders"),
        NodeConfig(
            name="price_orders", function=nodes.table, inputs={"orders": "orders"}, outputs="priced"
        ),
        NodeConfig(
            name="judge_orders", function=nodes.judge, inputs={"priced": "priced"},
            outputs="verdict",
        ),
    ],
)
"""

NAMES = ("make_orders", "price_orders", "judge_orders")
FUNCTIONS = dict(zip(NAMES, ("make", "table", "judge"), strict=True))


class Chain(Shop):
    """The project in a folder and in an account; of a database of its own."""

    def __init__(self, root: Path, emulator: Emulator, *, settings: str = "") -> None:
        super().__init__(root, "chain")
        self.emulator = emulator
        self.database = f"T_{uuid.uuid4().hex[:10]}".upper()
        self.write("chain/nodes.py", NODES)
        self.write("chain/pipeline.py", PIPELINE)
        self.write(
            "mlops.yml",
            "project: chain.pipeline:PROJECT\n"
            "default_target: dev\n"
            "targets:\n"
            f"  dev: {{database: {self.database}, prefix: {self.database},"
            f" tasks: {{{settings}}}}}\n",
        )
        self._images = 0

    def environment(self, more: Any = None) -> dict[str, str]:
        """Return what leads to the emulator, and no role: the commands take their own."""
        return super().environment({**emulated.reached(self.emulator), **(more or {})})

    def image(self, tag: str) -> None:
        """Put the image of the code as it is, as a push would."""
        emulated.put_image(self.emulator, self.database, tag, self.root)

    @contextmanager
    def going(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """Start the program; it is killed where it has not ended in the meantime."""
        with subprocess.Popen(
            self.command(*words),
            cwd=self.root,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def found(self) -> None:
        """Make what an administrator makes, and the repository that an image is pushed to."""
        self.ok("infra", "apply", "--yes", env={"SNOWFLAKE_ROLE": "ACCOUNTADMIN"})

    def deploy(self, *, new_tag: bool = True) -> None:
        """Build, push and deploy the code as it is."""
        self._images += new_tag
        tag = f"v{self._images}"
        self.image(tag)
        self.ok("tasks", "create", "--tag", tag, "--yes")

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements as the emulator's administrator, and return the last one's rows."""
        return emulated.operate(self.emulator, *statements)

    def breaks(self, node: str) -> None:
        """Break the code of a node."""
        mark = f"    # {FUNCTIONS[node]} breaks here\n"
        self.change("chain/nodes.py", mark, f'{mark}    raise ValueError("{node} is broken")\n')

    def mend(self, node: str) -> None:
        """Mend it."""
        self.change("chain/nodes.py", f'    raise ValueError("{node} is broken")\n', "")

    def salt(self, text: str) -> None:
        """Write the code anew, with other results, so that none of an earlier test holds."""
        salted = NODES.replace("float(number + 1)", f"float(number + 1 + {text})")
        self.write("chain/nodes.py", salted)

    def statuses(self, done: Done) -> dict[str, str]:
        """Return how each node came out in a run that was shown as JSON."""
        return {node["node"]: node["status"] for node in done.json["nodes"]}

    def contents(self) -> dict[str, str]:
        """Return the hash of each dataset's content as it stands."""
        table = f"{self.database}.ML.MLOPS_DATASETS"
        return dict(self.sql(f"select dataset, content from {table}"))

    def rows(self, dataset: str) -> int:
        """Return the rows of a dataset as it stands."""
        table = f"{self.database}.ML.MLOPS_DATASETS"
        found = self.sql(f"select row_count from {table} where dataset = '{dataset}'")
        return int(found[0][0])

    def ran(self, *run_ids: str) -> dict[str, int]:
        """Return how often each node really ran in some runs."""
        listed = ", ".join(f"'{each}'" for each in run_ids)
        table = f"{self.database}.ML.MLOPS_NODE_RUNS"
        return dict(
            self.sql(
                f"select node, count_if(status = 'succeeded') from {table}"
                f" where run_id in ({listed}) group by node"
            )
        )
