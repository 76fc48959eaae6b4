"""How a worker ends, seen from the program that a person runs."""

import subprocess
import sys

from tests.integration.run.running import REPOSITORY

PIPELINE = """
from sf_ml_framework import DataCatalog, NodeConfig, Project
from steps import registers

PROJECT = Project(name="small", catalog=DataCatalog([]), pipeline=[
    NodeConfig(name="registers", function=registers),
])
"""
STEPS = """
import atexit
from pathlib import Path


def registers():
    atexit.register(Path("tidied").write_text, "yes")
    print("registered")
"""


def test_what_a_node_registered_for_the_end_of_its_process_runs(tmp_path):
    (tmp_path / "mlops.yml").write_text("project: pipeline:PROJECT\n")
    (tmp_path / "pipeline.py").write_text(PIPELINE)
    (tmp_path / "steps.py").write_text(STEPS)

    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "main.py"), "--project", str(tmp_path), "run"],
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    # The run has waited for it.
    assert (tmp_path / "tidied").read_text() == "yes"
    assert [file.read_text() for file in tmp_path.glob(".mlops/runs/*/registers.log")] == [
        "registered\n"
    ]
