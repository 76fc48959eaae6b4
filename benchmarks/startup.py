"""How long a command takes that runs nothing, beside the same command of a peer.

    uv venv .venv-kedro && uv pip install --python .venv-kedro kedro==1.7.0 'pandas>=2.3,<3'
    python benchmarks/startup.py [--rounds 9] [--kedro .venv-kedro/bin/python]

Both projects declare the same six functions, whose module imports pandas at its top. Prints
medians, peak memory and ratios measured in one run; what the reach of 0.25 is measured against
is ``kedro registry list``. Without the peer's environment it measures only ours.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import measure

ROOT = Path(__file__).resolve().parents[1]
STEPS = ("generate", "preprocess", "engineer", "split", "fit", "evaluate")

FUNCTIONS = "import pandas as pd\n\n\n" + "\n\n".join(
    f"def {step}({'table: pd.DataFrame' if place else ''}) -> pd.DataFrame:\n"
    f'    """Step {place + 1} of a job."""\n'
    f"    return {'table' if place else 'pd.DataFrame()'}\n"
    for place, step in enumerate(STEPS)
)
OURS = {
    "mlops.yml": "project: job.pipeline:PROJECT\n",
    "job/__init__.py": "",
    "job/functions.py": FUNCTIONS,
    "job/pipeline.py": f"""
from job import functions
from sf_ml_framework import DataCatalog, Dataset, NodeConfig, Project

STEPS = {STEPS}
PROJECT = Project(
    name="job",
    catalog=DataCatalog([Dataset(name=f"after_{{step}}") for step in STEPS]),
    pipeline=[
        NodeConfig(
            name=step,
            function=getattr(functions, step),
            inputs={{"table": f"after_{{STEPS[place - 1]}}"}} if place else {{}},
            outputs=f"after_{{step}}",
        )
        for place, step in enumerate(STEPS)
    ],
)
""",
}
KEDRO = {
    "pyproject.toml": """
[tool.kedro]
package_name = "job"
project_name = "job"
kedro_init_version = "1.7.0"
source_dir = "src"
""",
    "conf/base/catalog.yml": "",
    "conf/local/.keep": "",
    "src/job/__init__.py": "",
    "src/job/settings.py": "",
    "src/job/functions.py": FUNCTIONS,
    "src/job/pipeline_registry.py": f"""
from kedro.pipeline import Pipeline, node
from job import functions

STEPS = {STEPS}


def register_pipelines():
    nodes = [
        node(
            getattr(functions, step),
            f"after_{{STEPS[place - 1]}}" if place else None,
            f"after_{{step}}",
            name=step,
        )
        for place, step in enumerate(STEPS)
    ]
    return {{"__default__": Pipeline(nodes)}}
""",
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--kedro", type=Path, default=ROOT / ".venv-kedro" / "bin" / "python")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ours, peer = Path(folder) / "ours", Path(folder) / "kedro"
        measure.write(ours, OURS)
        measure.write(peer, KEDRO)
        house = {"PYTHONPATH": str(ROOT)}

        def mlops(*words: str):
            command = [sys.executable, "-m", "sf_ml_framework", *words]
            return lambda: measure.run(command, cwd=ours, env=house)

        def first_list():
            # What the first command after a change costs: the author's modules are imported.
            shutil.rmtree(ours / ".mlops", ignore_errors=True)
            return mlops("list")()

        cases = {
            "mlops list, first time": first_list,
            "mlops list": mlops("list"),
            "mlops --help": mlops("--help"),
            "mlops validate": mlops("validate"),
            "python -c pass": lambda: measure.run([sys.executable, "-c", "pass"], cwd=ours),
        }
        if given.kedro.exists():
            # Telemetry would ask the network; the peer is measured without it.
            quiet = {"DO_NOT_TRACK": "1", "KEDRO_DISABLE_TELEMETRY": "1"}
            command = [str(given.kedro), "-m", "kedro", "registry", "list"]
            cases["kedro registry list"] = lambda: measure.run(command, cwd=peer, env=quiet)
        else:
            print(f"{given.kedro} is not there: the peer is left out; see --help\n")
        against = {name: "kedro registry list" for name in cases if name.startswith("mlops")}
        against = against if given.kedro.exists() else {}
        print(measure.table(measure.alternate(cases, given.rounds), against))


if __name__ == "__main__":
    main()
