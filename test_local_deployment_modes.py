"""Test that the pipeline behaves alike in both execution modes.

    python test_local_deployment_modes.py                   deployment mode in a local Snowflake
    python test_local_deployment_modes.py --connection NAME  in an account, in its target dev

The churn pipeline is run in local mode and in deployment mode, and what came out is compared: the
same rows, the same split, the same metrics. The local Snowflake is started and stopped here, and
keeps nothing. Exits with 1 when something does not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from math import isclose
from pathlib import Path
from textwrap import dedent
from typing import Any

from test_pipeline import CheckError, Copy, expect, ran

ROOT = Path(__file__).resolve().parent
TOLERANCE = 1e-6
"""Relative: sums over rows come in another order from another engine."""

NODE = """
    from pathlib import Path
    import json

    def node_function(feature_store, model_registry, inputs, outputs):
        is_local_mode = feature_store is None and model_registry is None
        Path("seen.json").write_text(
            json.dumps({"local": is_local_mode, "inputs": inputs, "outputs": outputs})
        )
        return {"rows": inputs["rows"]}
"""
PIPELINE = """
    from modes.nodes import node_function
    from sf_ml_framework import DataCatalog, NodeConfig, Project

    PROJECT = Project(
        name="modes",
        pipeline=[NodeConfig(name="node_function", function=node_function, params={"rows": 3})],
        catalog=DataCatalog([]),
    )
"""


class Program:
    """``main.py`` for one project, with or without a connection."""

    def __init__(self, folder: Path, connection: str = "", home: Path | None = None) -> None:
        self.folder = folder
        self.options = ["--connection", connection] if connection else []
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SNOWFLAKE_", "MLOPS_"))}
        self.environ = kept if home is None else {**kept, "SNOWFLAKE_HOME": str(home)}
        if connection and home is None:
            self.environ = dict(os.environ)

    def __call__(self, *words: str, check: bool = True) -> str:
        """Run a command and return what it prints."""
        command = [sys.executable, str(ROOT / "main.py"), "--project", str(self.folder), *words]
        done = subprocess.run(
            command, capture_output=True, text=True, env=self.environ, check=False
        )
        if check and done.returncode:
            raise CheckError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
        return done.stdout

    def run(self, params: list[str], *more: str) -> dict[str, Any]:
        """Run the pipeline and return the record of the run."""
        text = self("run", *params, *self.options, *more, "--format", "json")
        record: dict[str, Any] = json.loads(text)
        return record


def check_described_signature(folder: Path) -> Iterator[str]:
    """A node with the described signature is told in which mode it runs."""
    (folder / "modes").mkdir(parents=True)
    (folder / "modes" / "nodes.py").write_text(dedent(NODE), encoding="utf-8")
    (folder / "modes" / "pipeline.py").write_text(dedent(PIPELINE), encoding="utf-8")
    (folder / "mlops.yml").write_text("project: modes.pipeline:PROJECT\n", encoding="utf-8")
    Program(folder)("run")
    seen = json.loads((folder / "seen.json").read_text(encoding="utf-8"))
    expect(seen["local"] is True, "without a connection a node was given Snowflake's objects")
    yield "without a connection a node is given no Feature Store and no Model Registry"
    expect(seen["inputs"] == {"rows": 3}, f"a node saw the inputs {seen['inputs']}")
    yield "its parameters come in the plain dict that it asks for"


def compare(local: dict[str, Any], deployed: dict[str, Any]) -> Iterator[str]:
    """Both runs made the same: rows of every table, and every metric."""
    for record in (local, deployed):
        expect(len(ran(record)) == 6, f"of six nodes these ran: {ran(record)}")
    rows = [_rows(record) for record in (local, deployed)]
    expect(rows[0] == rows[1], f"the tables have other rows: {rows[0]} and {rows[1]}")
    yield f"the same rows in {len(rows[0])} tables"
    here, there = (_metrics(record) for record in (local, deployed))
    expect(set(here) == set(there), f"other metrics: {set(here) ^ set(there)}")
    far = {name: (here[name], there[name]) for name in here if not _close(here[name], there[name])}
    expect(not far, f"these metrics differ: {far}")
    yield f"the same {len(here)} metrics, to {TOLERANCE:g}; AUC {there['evaluate_model.auc']:.4f}"


def _rows(record: dict[str, Any]) -> dict[str, int]:
    saved = [each for node in record["nodes"] for each in node["outputs"]]
    return {each["dataset"]: each["rows"] for each in saved if each["rows"] is not None}


def _metrics(record: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{node['node']}.{name}": value
        for node in record["nodes"]
        for name, value in node["metrics"].items()
    }


def _close(one: Any, other: Any) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(one == other)


def check_split(copy: Copy, settings: dict[str, Any]) -> Iterator[str]:
    """The same customers are for training, here and there."""
    import snowflake.connector

    wanted = set(copy.table("train_set").customer_id)
    with snowflake.connector.connect(**settings) as connection:
        found = connection.cursor().execute('SELECT customer_id FROM ML_DEV.ML."TRAIN_SET$v1.0.0"')
        there = {row[0] for row in found.fetchall()}
    expect(there == wanted, f"{len(there ^ wanted)} customers are in another part")
    yield f"the same {len(there):,} customers to train on"


@contextmanager
def local_snowflake(folder: Path) -> Iterator[tuple[str, Path]]:
    """Start a local Snowflake for the project in *folder*; return a connection and its home."""
    Program(folder)("emulator", "start", "--in-memory", "--write-connection")
    try:
        yield "emulator", folder / ".mlops"
    finally:
        Program(folder)("emulator", "stop", check=False)


def check_deployment_mode(folder: Path, connection: str, customers: int) -> Iterator[str]:
    """The pipeline makes in an account what it makes on this machine."""
    here = Copy(folder / "here", customers, trials=2)
    there = Copy(folder / "there", customers, trials=2)
    local = Program(here.folder).run(here.params)
    if connection:
        yield from _deployed(local, here, there, Program(there.folder, connection), {})
        return
    with local_snowflake(there.folder) as (name, home):
        import tomllib

        settings = tomllib.loads((home / "connections.toml").read_text(encoding="utf-8"))[name]
        yield from _deployed(local, here, there, Program(there.folder, name, home), settings)


def _deployed(
    local: dict[str, Any], here: Copy, there: Copy, program: Program, settings: dict[str, Any]
) -> Iterator[str]:
    if settings:
        program("infra", "apply", *program.options, "--yes")
        # In the place of a push: the local Snowflake runs the project itself.
        image = "/ml_dev/ml/mlops_images/mlops_framework:latest"
        program("emulator", "image", "add", image, "--project", str(program.folder))
    program("deploy", *program.options, "--yes")
    yield "deployed: roles, tables, stage, pools and the graph of tasks"
    # As the role of the tasks, so that its privileges are shown to suffice.
    deployed = program.run(there.params, "--role", "MLOPS_ROLE")
    yield from compare(local, deployed)
    if settings:
        yield from check_split(here, settings)
    again = program.run(there.params, "--role", "MLOPS_ROLE")
    expect(ran(again) == [], f"unchanged, and yet these ran: {ran(again)}")
    yield "nothing changed, so nothing ran again"


def main() -> int:
    """Run every check and tell of each as it holds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--connection", default="", metavar="NAME", help="of connections.toml")
    parser.add_argument("--customers", type=int, default=2_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="modes-") as name:
        folder = Path(name)
        try:
            for line in check_described_signature(folder / "described"):
                print(f"ok   {line}", flush=True)
            wanted = ["snowflake.connector", *([] if given.connection else ["fakesnow"])]
            if any(find_spec(each.partition(".")[0]) is None for each in wanted):
                print("skip deployment mode: Snowflake's clients are not installed here;")
                print("     `make install-dev` installs them")
                return 0
            for line in check_deployment_mode(folder, given.connection, given.customers):
                print(f"ok   {line}", flush=True)
        except CheckError as failure:
            print(f"FAIL {failure}", flush=True)
            return 1
    print("Both modes give the same.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
