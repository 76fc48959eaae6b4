"""A small project on disk, and how a test calls the program in it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.canaries import look

HOUSE = Path(__file__).resolve().parents[3]

NODES = '''
"""Nodes of a shop, without a library that takes long to import."""
from sf_ml_framework import Report


def make(*, count: int = 4, price: float = 2.5) -> dict:
    """Make the orders."""
    print("making", count, "orders")
    return {"prices": [price * (number + 1) for number in range(count)]}


def clean(orders: dict, *, cap: float = 100.0) -> dict:
    """Cap what is too large to be true."""
    return {"prices": [min(price, cap) for price in orders["prices"]]}


def count(orders: dict) -> dict:
    """Count the orders."""
    return {"count": len(orders["prices"])}


def judge(cleaned: dict, counted: dict, *, label: str = "all") -> Report:
    """Judge the shop."""
    total = sum(cleaned["prices"])
    return Report(title="Shop", metrics={"total": total, "mean": total / counted["count"]})
'''

PIPELINE = """
from {package} import nodes
from sf_ml_framework import DataCatalog, Dataset, NodeConfig, Project

CATALOG = DataCatalog([
    Dataset(name="orders", kind="document", description="What was ordered."),
    Dataset(name="cleaned", kind="document"),
    Dataset(name="counted", kind="document"),
    Dataset(name="verdict", kind="report"),
])
PROJECT = Project(
    name="shop",
    catalog=CATALOG,
    pipeline=[
        NodeConfig(name="make_orders", function=nodes.make, outputs="orders", tags=["data"]),
        NodeConfig(
            name="clean_orders",
            function=nodes.clean,
            inputs={{"orders": "orders"}},
            outputs="cleaned",
            params={{"cap": 7.5}},
        ),
        NodeConfig(
            name="count_orders",
            function=nodes.count,
            inputs={{"orders": "orders"}},
            outputs="counted",
        ),
        NodeConfig(
            name="judge",
            function=nodes.judge,
            inputs={{"cleaned": "cleaned", "counted": "counted"}},
            outputs="verdict",
        ),
    ],
)
"""


class Done(subprocess.CompletedProcess[str]):
    """A command that ended."""

    @property
    def json(self) -> Any:
        """What it printed to standard output, as JSON."""
        return json.loads(self.stdout)


class Shop:
    """A project of four nodes in a folder; a test changes its files and calls the program."""

    def __init__(self, root: Path, package: str = "shop") -> None:
        self.root = root
        self.package = package
        (root / package).mkdir(parents=True)
        self.write("mlops.yml", f"project: {package}.pipeline:PROJECT\n")
        self.write(f"{package}/__init__.py", "")
        self.write(f"{package}/nodes.py", NODES)
        self.write(f"{package}/pipeline.py", PIPELINE.format(package=package))

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project."""
        file = self.root / name
        file.write_text(text, encoding="utf-8")
        return file

    def change(self, name: str, old: str, new: str) -> None:
        """Replace *old*, which must be there, in a file of the project."""
        text = (self.root / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def command(self, *words: str) -> list[str]:
        """Return the command that calls the program."""
        return [sys.executable, "-m", "sf_ml_framework", *words]

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return an environment in which the program is found and a terminal is not."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("MLOPS_", "PYTEST_")) and name not in ("NO_COLOR", "COLUMNS")
        }
        return {**kept, "PYTHONPATH": str(HOUSE), **(more or {})}

    def call(
        self,
        *words: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        before: Sequence[str] = (),
    ) -> Done:
        """Call the program in a process of its own, and return how it ended."""
        done = subprocess.run(
            [*before, *self.command(*words)],
            cwd=cwd or self.root,
            env=self.environment(env),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        look(done.stdout + done.stderr, f"the output of mlops {' '.join(words)}")
        return Done(done.args, done.returncode, done.stdout, done.stderr)

    def ok(self, *words: str, **more: Any) -> Done:
        """Call the program, which must succeed."""
        done = self.call(*words, **more)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def ran(self, *words: str) -> dict[str, str]:
        """Run the pipeline, and return the status of each node."""
        found = self.call("run", "--format", "json", *words).json
        return {node["node"]: node["status"] for node in found["nodes"]}


def until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Return as soon as *holds* does; fail when it does not within *seconds*."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


def blank(text: str, names: Sequence[tuple[str, str]] = ()) -> str:
    """Return *text* with what differs from run to run replaced: ids, times, durations."""
    patterns = [
        (r"\d{8}-\d{6}-[0-9a-f]{4}", "RUN"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME"),
        # Durations are aligned, so what stands before one differs too.
        (r" +\d+(\.\d+)? m?s\b", " SECONDS"),
        (r"\d+(\.\d+)? [KMG]iB", "SIZE"),
        (r"0x[0-9a-f]+", "ADDRESS"),
        *names,
    ]
    for pattern, word in patterns:
        text = re.sub(pattern, word, text)
    return text
