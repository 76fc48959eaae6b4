"""A small project on this machine, and jobs of it: what tests of ``run.job`` work with."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

from sf_ml_framework.container.laptop import open_place
from sf_ml_framework.run.cache import Cache
from sf_ml_framework.run.job import Job
from sf_ml_framework.run.overrides import Overrides
from sf_ml_framework.run.records import NodeRun
from sf_ml_framework.settings import LocalSettings
from tests.integration.run.running import Project

RUN = "run-1"
_NUMBERS = itertools.count()


class Shared(Project):
    """Its nodes are in a module that no other test has; its data stand in the local place."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.module = f"steps_of_job_{next(_NUMBERS)}"
        self.place = open_place(root, LocalSettings())  # type: ignore[assignment]

    def write(self, text: str) -> None:
        """Write the nodes' module, anew for whoever imports it next."""
        (self.root / f"{self.module}.py").write_text(text, encoding="utf-8")
        sys.modules.pop(self.module, None)

    def step(self, name: str, **rest: Any) -> None:
        """Declare a node of that module."""
        self.node(name, function=f"{self.module}:{name}", **rest)

    def job(self, journal: Any = None) -> Job:
        """Return a job as one container makes it."""
        records = journal or self.journal
        cache = Cache(self.root, records, self.place, self.manifest)
        return Job(self.manifest, self.place, records, cache, root=self.root, retry_seconds=0.001)

    def job_run(
        self, name: str, *, run_id: str = RUN, journal: Any = None, force: bool = False,
        alone: bool = False, **overrides: Any,
    ) -> NodeRun:  # fmt: skip
        """Run one node as a container of a graph does."""
        return self.job(journal).run(
            name, Overrides(**overrides), run_id=run_id, command="x", force=force, alone=alone
        )

    def recorded(self, run_id: str = RUN) -> dict[str, NodeRun]:
        """Return what the journal has of a run, by node."""
        return {each.node: each for each in self.journal.node_runs(run_id)}
