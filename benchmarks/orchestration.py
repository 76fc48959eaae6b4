"""What the orchestration itself costs: nodes that do nothing, beside the same nodes of a peer.

    uv venv .venv-kedro && uv pip install --python .venv-kedro kedro==1.7.0 'pandas>=2.3,<3'
    python benchmarks/orchestration.py [--rounds 5] [--kedro .venv-kedro/bin/python]

Six and 206 nodes in a chain, each run as a command of its own, interpreter start and journal
included; the slope is what one more node costs. Ours come twice: without datasets, and with a
JSON document from node to node that is written to disk, hashed, and looked up by the cache. The
peer hands its values on in memory. Prints medians, ratios and slopes measured in one run.
Without the peer's environment it measures only ours.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import measure

ROOT = Path(__file__).resolve().parents[1]
FEW = 6
MANY = 206
_COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}
"""Both keep what Python compiles, as they do where they are installed."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kedro", type=Path, default=ROOT / ".venv-kedro" / "bin" / "python")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        cases, against = {}, {}
        for count in (FEW, MANY):
            bare, documents = (
                _ours(base, count, documents=False),
                _ours(base, count, documents=True),
            )
            cases[f"mlops run, {count} nodes"] = _mlops(bare)
            cases[f"mlops run, {count} nodes and documents"] = _mlops(documents, "--force")
            cases[f"mlops run again, {count} nodes and documents"] = _mlops(documents)
            if given.kedro.exists():
                cases[f"kedro run, {count} nodes"] = _kedro(base, count, given.kedro)
                for name in list(cases):
                    if name.startswith("mlops") and f" {count} nodes" in name:
                        against[name] = f"kedro run, {count} nodes"
        if not given.kedro.exists():
            print(f"{given.kedro} is not there: the peer is left out; see --help\n")
        # The first time Python compiles, and ours reads what the manifest is made of.
        measure.alternate(cases, 1)
        costs = measure.alternate(cases, given.rounds)
        print(measure.table(costs, against))
        print()
        print(_slopes({name: measure.median(runs) for name, runs in costs.items()}))


def _slopes(medians: Mapping[str, float]) -> str:
    """Return a Markdown table of what one more node costs."""
    lines = ["| one more node of | milliseconds |", "|---|---:|"]
    for name, many in medians.items():
        if f" {MANY} nodes" in name:
            few = medians[name.replace(f" {MANY} nodes", f" {FEW} nodes")]
            slope = (many - few) / (MANY - FEW) * 1000
            lines.append(f"| {name.replace(f', {MANY} nodes', '')} | {slope:.2f} |")
    return "\n".join(lines)


def _mlops(project: Path, *more: str):
    command = [sys.executable, "-m", "sf_ml_framework", "run", *more]
    return lambda: measure.run(command, cwd=project, env={"PYTHONPATH": str(ROOT), **_COMPILED})


def _kedro(base: Path, count: int, python: Path):
    """Return how to run *count* nodes under the peer."""
    project = base / f"kedro-{count}"
    measure.write(
        project,
        {
            "pyproject.toml": '[tool.kedro]\npackage_name = "job"\nproject_name = "job"\n'
            'kedro_init_version = "1.7.0"\nsource_dir = "src"\n',
            "conf/base/catalog.yml": "",
            "conf/local/.keep": "",
            "src/job/__init__.py": "",
            "src/job/settings.py": "",
            "src/job/functions.py": _functions(count, documents=True),
            "src/job/pipeline_registry.py": f"""
from kedro.pipeline import Pipeline, node
from job import functions


def register_pipelines():
    return {{"__default__": Pipeline([
        node(
            getattr(functions, f"step_{{place}}"),
            f"after_{{place - 1}}" if place else None,
            f"after_{{place}}",
            name=f"step_{{place}}",
        )
        for place in range({count})
    ])}}
""",
        },
    )
    # Telemetry would ask the network; the peer is measured without it.
    quiet = {"DO_NOT_TRACK": "1", "KEDRO_DISABLE_TELEMETRY": "1", **_COMPILED}
    return lambda: measure.run([str(python), "-m", "kedro", "run"], cwd=project, env=quiet)


def _ours(base: Path, count: int, *, documents: bool) -> Path:
    """Write a project of ours with *count* nodes, and return its folder."""
    project = base / f"ours-{count}-{'documents' if documents else 'bare'}"
    handed = (
        'inputs={"previous": f"after_{place - 1}"} if place else {}, outputs=f"after_{place}"'
        if documents
        else 'dependencies=[f"step_{place - 1}"] if place else []'
    )
    measure.write(
        project,
        {
            "mlops.yml": "project: job.pipeline:PROJECT\n",
            "job/__init__.py": "",
            "job/functions.py": _functions(count, documents=documents),
            "job/pipeline.py": f"""
from job import functions
from sf_ml_framework import DataCatalog, Dataset, NodeConfig, Project

PROJECT = Project(
    name="job",
    catalog=DataCatalog(
        Dataset(name=f"after_{{place}}", kind="document")
        for place in range({count if documents else 0})
    ),
    pipeline=[
        NodeConfig(name=f"step_{{place}}", function=getattr(functions, f"step_{{place}}"), {handed})
        for place in range({count})
    ],
)
""",
        },
    )
    return project


def _functions(count: int, *, documents: bool) -> str:
    """Return a module of *count* functions that do nothing."""
    return "\n\n".join(
        f"def step_{place}({'previous' if documents and place else ''}):\n"
        f"    return {{'step': {place}}}\n"
        for place in range(count)
    )


if __name__ == "__main__":
    main()
