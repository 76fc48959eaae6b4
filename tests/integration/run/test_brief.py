"""The brief's own examples of a node, of its configuration and of its inputs, to the letter."""

import json
import subprocess
import sys

from tests.integration.run.running import REPOSITORY

NODE = """
def node_function(feature_store, model_registry, inputs, outputs):
    # Detect execution mode
    is_local_mode = feature_store is None

    if is_local_mode:
        # LOCAL MODE: Save to data/ folder
        df.to_csv("data/output.csv")
        logger.info("💾 Saving to local data/ folder...")
    else:
        # DEPLOYMENT MODE: Save to Snowflake Feature Store
        feature_store.register_feature_view(feature_view)
        logger.info("☁️  Saving to Snowflake Feature Store...")
"""
CONFIG = """
NodeConfig(
    name="train_model",
    function=train_model_function,
    compute_pool_size="LARGE",
    memory_request="8Gi",
    cpu_request="4",
    timeout_minutes=120,
    dependencies=["feature_engineering"]
)
"""
INPUTS = """
inputs = {
    "source_feature_view": "customer_features",
    "version": "v1.2.0"  # User-defined version string
}
"""

STEPS = f"""
import logging
import pandas as pd

logger = logging.getLogger(__name__)
df = pd.DataFrame({{"a": [1, 2]}})
{NODE}

def train_model_function(feature_store, model_registry, inputs, outputs):
    return {{"inputs": inputs, "outputs": outputs, "registry": model_registry}}
"""
PIPELINE = f"""
from sf_ml_framework import DataCatalog, NodeConfig, Project
from steps import node_function, train_model_function

PROJECT = Project(name="brief", catalog=DataCatalog([]), pipeline=[
    NodeConfig(name="feature_engineering", function=node_function),
    {CONFIG.strip()},
])
"""

RUN = (
    """
import json, sys
from pathlib import Path
from sf_ml_framework.container.laptop import open_place
from sf_ml_framework.manifest.load import compiled
from sf_ml_framework.run.cache import Cache
from sf_ml_framework.run.journal import FILE, SqliteJournal
from sf_ml_framework.run.overrides import Overrides
from sf_ml_framework.run.process import worker_command
from sf_ml_framework.run.runner import Runner, RunRequest
from sf_ml_framework.settings import LocalSettings
from tests.integration.run.running import Recorder
"""
    + INPUTS
    + """
root = Path(sys.argv[1])
manifest, journal = compiled(root, "pipeline:PROJECT"), SqliteJournal(root / FILE)
place = open_place(root, LocalSettings())
cache = Cache(root, journal, place, manifest)
spawn = worker_command(root, LocalSettings())
runner = Runner(manifest, place, journal, cache, spawn, Recorder(), root=root)
selection = ("feature_engineering", "train_model")
run = runner.run(RunRequest(selection=selection, overrides=Overrides(inputs=inputs)))
first, second = journal.node_runs(run.run_id)
print(json.dumps([run.status, first.log_tail, second.return_value]))
"""
)


def test_the_brief_s_own_node_runs_to_the_letter(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "steps.py").write_text(STEPS, encoding="utf-8")
    (tmp_path / "pipeline.py").write_text(PIPELINE, encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
    )

    status, log, returned = json.loads(done.stdout)
    assert status == "succeeded", done.stderr
    assert (tmp_path / "data" / "output.csv").read_text() == ",a\n0,1\n1,2\n"
    assert log[0].endswith("INFO steps: 💾 Saving to local data/ folder...")
    assert returned == {
        "inputs": {"source_feature_view": "customer_features", "version": "v1.2.0"},
        "outputs": {},
        "registry": None,
    }
