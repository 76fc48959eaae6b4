"""How the tests of running declare a project and run it, in this process or in one of its own."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

from sf_ml_framework.manifest import codec, graph
from sf_ml_framework.manifest.model import (
    FORMAT,
    DatasetSpec,
    InputSpec,
    Manifest,
    NodeSpec,
    OutputSpec,
    Resources,
)
from sf_ml_framework.run.cache import Cache
from sf_ml_framework.run.journal import FILE, SqliteJournal
from sf_ml_framework.run.overrides import Overrides
from sf_ml_framework.run.process import WorkerProcess
from sf_ml_framework.run.records import NodeRun, Reason, RunRecord
from sf_ml_framework.run.runner import Runner, RunRequest
from tests.integration.run.file_place import FilePlace

REPOSITORY = Path(__file__).resolve().parents[3]
WORKER = Path(__file__).with_name("file_worker.py")
MANIFEST = "manifest.json"


def wait_for_end(pid: int, seconds: float = 30) -> None:
    """Wait until the process *pid* has ended; fail when it does not."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        ended, _, _ = select.select([descriptor], [], [], seconds)
    finally:
        os.close(descriptor)
    assert ended, f"process {pid} did not end within {seconds} s"


class Recorder:
    """An observer that keeps what it is told, and may say each thing as a line."""

    def __init__(self, *, speak: bool = False) -> None:
        self.events: list[str] = []
        self.resume_command = ""
        self._speak = speak

    def run_started(self, run: RunRecord) -> None:
        self._note(f"run {run.run_id} started")

    def node_started(self, node: NodeSpec, reason: Reason, attempt: int) -> None:
        self._note(f"{node.name} started, attempt {attempt}")

    def node_finished(self, node_run: NodeRun) -> None:
        self._note(f"{node_run.node} {node_run.status}")

    def tick(self) -> None:
        pass

    def run_finished(self, run: RunRecord, resume_command: str) -> None:
        self.resume_command = resume_command
        self._note(f"run {run.status}")

    def _note(self, text: str) -> None:
        self.events.append(text)
        if self._speak:
            print(text, flush=True)


class Ran:
    """One run, as a test looks at it."""

    def __init__(self, record: RunRecord, nodes: Sequence[NodeRun], told: Recorder) -> None:
        self.record = record
        self.nodes = {each.node: each for each in nodes}
        self.events = told.events
        self.resume_command = told.resume_command

    @property
    def statuses(self) -> dict[str, str]:
        return {name: each.status for name, each in self.nodes.items()}


class Project:
    """A project in a folder: nodes that a test declares, and their source."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.journal = SqliteJournal(root / FILE)
        self.place = FilePlace(root)
        self.specs: list[NodeSpec] = []
        self.datasets: dict[str, DatasetSpec] = {}

    def source(self, text: str) -> None:
        """Write *text* as the module ``nodes`` of the project."""
        (self.root / "nodes.py").write_text(dedent(text), encoding="utf-8")

    def node(
        self,
        name: str,
        *,
        inputs: Mapping[str, str] | None = None,
        outputs: str | Sequence[str] | Mapping[str, str] = (),
        timeout_seconds: int = 60,
        kind: str = "document",
        **rest: Any,
    ) -> None:
        """Declare a node whose function has its name."""
        if isinstance(outputs, str):
            outputs = [outputs]
        keyed = outputs if isinstance(outputs, Mapping) else {}
        made = [OutputSpec(dataset=each, key=key) for key, each in keyed.items()]
        made = made or [OutputSpec(dataset=each) for each in outputs]
        reads = []
        for argument, text in (inputs or {}).items():
            dataset, _, version = text.partition("@")
            self.dataset(dataset)
            version = version or "current"
            reads.append(InputSpec(argument=argument, dataset=dataset, version=version))
        for each in made:
            self.dataset(each.dataset, kind=kind)
        makers = {output: node.name for node in self.specs for output in node.dataset_outputs}
        before = {makers[each.dataset] for each in reads if each.dataset in makers}
        rest.setdefault("function", f"nodes:{name}")
        self.specs.append(
            NodeSpec(
                name=name,
                inputs=tuple(reads),
                outputs=tuple(made),
                dependencies=tuple(sorted(before | set(rest.pop("dependencies", ())))),
                resources=Resources(timeout_seconds=timeout_seconds),
                **rest,
            )
        )

    def dataset(self, name: str, **rest: Any) -> None:
        """Declare a dataset, unless it is."""
        rest.setdefault("kind", "document")
        self.datasets.setdefault(name, DatasetSpec(name=name, **rest))

    @property
    def manifest(self) -> Manifest:
        return Manifest(
            format=FORMAT,
            project="tested",
            nodes=tuple(self.specs),
            datasets=tuple(self.datasets.values()),
        )

    def run(
        self,
        *nodes: str,
        overrides: Overrides | None = None,
        workers: int = 2,
        retry_seconds: float = 0.01,
        spawn: Sequence[str] = (),
        early: WorkerProcess | None = None,
        **request: Any,
    ) -> Ran:
        """Run in this process, with workers in their own."""
        told = Recorder()
        runner = self.runner(
            told, workers=workers, retry_seconds=retry_seconds, spawn=spawn, early=early
        )
        selection = graph.select(self.manifest, nodes=nodes)
        changed = overrides or Overrides()
        record = runner.run(RunRequest(selection=selection, overrides=changed, **request))
        return Ran(record, self.journal.node_runs(record.run_id), told)

    def runner(
        self,
        told: Recorder,
        *,
        workers: int = 2,
        retry_seconds: float = 0.01,
        spawn: Sequence[str] = (),
        early: WorkerProcess | None = None,
    ) -> Runner:
        return Runner(
            self.manifest,
            self.place,
            self.journal,
            Cache(self.root, self.journal, self.place, self.manifest),
            spawn or self.spawn,
            told,
            root=self.root,
            workers=workers,
            retry_seconds=retry_seconds,
            early=early,
        )

    @property
    def spawn(self) -> list[str]:
        """The command that starts a worker."""
        return [sys.executable, str(WORKER), str(self.root)]

    def start(self) -> subprocess.Popen[str]:
        """Run in a process of its own, whose output tells each event as a line."""
        (self.root / MANIFEST).write_bytes(codec.encode(self.manifest))
        return subprocess.Popen(
            [sys.executable, "-m", "tests.integration.run.run_project", str(self.root)],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def log(self, ran: Ran, node: str) -> str:
        return (self.root / ".mlops" / "runs" / ran.record.run_id / f"{node}.log").read_text()

    def close(self) -> None:
        self.journal.close()
