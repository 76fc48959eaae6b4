"""Run the project of a test in a process of its own: ``python -m … ROOT``."""

import sys
from pathlib import Path

from sf_ml_framework.manifest import codec
from sf_ml_framework.run.runner import RunRequest
from tests.integration.run.running import MANIFEST, Project, Recorder


def main() -> int:
    project = Project(Path(sys.argv[1]))
    manifest = codec.decode((project.root / MANIFEST).read_bytes())
    project.specs = list(manifest.nodes)
    project.datasets = {each.name: each for each in manifest.datasets}
    selection = tuple(node.name for node in manifest.nodes)
    runner = project.runner(Recorder(speak=True))
    record = runner.run(RunRequest(selection=selection, command="mlops run"))
    return 0 if record.status == "succeeded" else 1


if __name__ == "__main__":
    raise SystemExit(main())
