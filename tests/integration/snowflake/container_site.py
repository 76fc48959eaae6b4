"""A small project in an account of its own names: deployed by its script, run in real containers.

A node tells that it has begun through a named pipe, so that no test waits for luck.
"""

from __future__ import annotations

import os
import select
import shutil
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from sf_ml_framework import settings as project_settings
from sf_ml_framework import targets
from sf_ml_framework.container.account import open_place
from sf_ml_framework.manifest.load import compiled
from sf_ml_framework.manifest.model import Manifest
from sf_ml_framework.places.snowflake.journal import SnowflakeJournal
from sf_ml_framework.plan import names
from sf_ml_framework.plan.compile import compile_desired
from sf_ml_framework.plan.script import PARTS, statements_of
from sf_ml_framework.run.records import NodeRun
from tests.waiting import SECONDS, until

REPOSITORY = Path(__file__).parents[3]
BEGUN = "begun"

SETTINGS = """
project: {pipeline}:PROJECT
default_target: dev
targets:
  dev:
    database: {database}
    schema: ML
    prefix: {database}
    tasks: {{overlap_policy: ALLOW_ALL_OVERLAP, suspend_after_failures: 0}}
    env: {{EMULATOR_ENDS: slowly}}
"""

SAYS = '''
import os
import time
from pathlib import Path


def say(text="begun"):
    """Tell a test that waits at the pipe; it waits here until somebody reads."""
    with open("begun", "w") as pipe:
        pipe.write(f"{os.getpid()} {text}")


def wait_for(name, seconds=120):
    """Wait until a test makes the file."""
    end = time.monotonic() + seconds
    while not Path(name).exists():
        assert time.monotonic() < end, name
        time.sleep(0.02)
'''


class Site:
    """A database, its roles and its pool, and the folder of the project that runs there.

    Args:
        admin: an account as ACCOUNTADMIN.
        folder: an empty folder.
    """

    def __init__(self, admin: Any, folder: Path) -> None:
        self.admin = admin
        self.database = f"S_{uuid.uuid4().hex[:10]}".upper()
        self.pipeline = f"pipeline_{self.database.lower()}"
        self.steps = f"steps_{self.database.lower()}"
        self.root = folder
        (folder / "src" / "utils").mkdir(parents=True)
        shutil.copy(REPOSITORY / "src" / "utils" / "run_node.py", folder / "src" / "utils")
        (folder / "mlops.yml").write_text(
            SETTINGS.format(pipeline=self.pipeline, database=self.database)
        )
        os.mkfifo(folder / BEGUN)
        self.target = targets.load(project_settings.load(folder))
        self.journal = SnowflakeJournal(admin, self.database, "ML")
        self.graph = names.within(self.target, names.root_task("small"))
        self.image = names.image_path(self.target)

    def write(self, pipeline: str, steps: str) -> None:
        """Write the declarations and the functions of the project."""
        head = f"from sf_ml_framework import *\nfrom {self.steps} import *\n"
        (self.root / f"{self.pipeline}.py").write_text(head + dedent(pipeline), encoding="utf-8")
        (self.root / f"{self.steps}.py").write_text(SAYS + dedent(steps), encoding="utf-8")

    def deploy(self, *, parts: tuple[str, ...] = PARTS, tag: str = "") -> None:
        """Run the script of the project; part by part, as its roles."""
        for part in parts:
            for sql in self.statements(part, tag):
                self.admin.execute(sql)
        self.admin.execute("use role accountadmin")
        self.admin.execute(f"use schema {self.database}.ML")
        self.admin.execute("use warehouse compute_wh")

    def statements(self, part: Any, tag: str = "") -> list[str]:
        """Return one part of the script."""
        return statements_of(compile_desired(self.manifest(), self.target, tag=tag), part)

    def manifest(self) -> Manifest:
        """Compile the project; nothing of it stays imported."""
        with pytest.MonkeyPatch.context() as patch:
            # The folder is put into it.
            patch.setattr(sys, "path", [*sys.path])
            try:
                return compiled(self.root, f"{self.pipeline}:PROJECT")
            finally:
                for module in (self.pipeline, self.steps):
                    sys.modules.pop(module, None)

    def push(self, emulator: Any) -> None:
        """Put the image into its repository."""
        emulator.add_image(self.image, **self.as_image)

    @property
    def as_image(self) -> dict[str, Any]:
        """What stands for the image: this folder, with the framework of this repository."""
        return {
            "project": self.root,
            "entrypoint": ("python", "src/utils/run_node.py"),
            "env": {"PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"},
        }

    def start(self, config: str = "") -> None:
        """Ask for a run of the graph."""
        using = f" using config = $${config}$$" if config else ""
        self.admin.execute(f"execute task {self.graph}{using}")

    def begun(self, seconds: float = SECONDS) -> tuple[int, str]:
        """Wait until a node says that it has begun; return its process and what it says."""
        descriptor = os.open(self.root / BEGUN, os.O_RDONLY | os.O_NONBLOCK)
        try:
            end = time.monotonic() + seconds
            while not (text := _read(descriptor, end)):
                assert time.monotonic() < end, f"no node began: {self.tasks()}"
        finally:
            os.close(descriptor)
        pid, _, said = text.partition(" ")
        return int(pid), said

    def go_on(self, name: str = "go") -> None:
        """Let a node go on that waits."""
        (self.root / name).touch()

    def ended(self, times: int = 1) -> dict[str, dict[str, Any]]:
        """Wait until runs have ended *times*; return the last attempt of each task by node."""
        until(lambda: len(self._graphs()) >= times, "the graph did not end")
        return self.tasks()

    def run(self, config: str = "", *, times: int = 1) -> dict[str, dict[str, Any]]:
        """Run the graph to its end."""
        self.start(config)
        return self.ended(times)

    def _graphs(self) -> list[dict[str, Any]]:
        return self.admin.rows(
            f"select * from table({self.database}.information_schema.complete_task_graphs("
            "root_task_name => ?)) where database_name = ?",
            (names.root_task("small"), self.database),
        )

    def tasks(self) -> dict[str, dict[str, Any]]:
        """Return the newest run of each node's task, by node."""
        rows = self.admin.rows(
            f"select * from table({self.database}.information_schema.task_history("
            "result_limit => 1000)) where database_name = ? and state != 'SCHEDULED'"
            " order by query_start_time nulls first, attempt_number",
            (self.database,),
        )
        return {row["name"].removeprefix("TASK_").lower(): row for row in rows}

    def run_id(self) -> str:
        """Return the newest run."""
        return str(self.tasks()["small"]["graph_run_group_id"])

    def records(self, run_id: str = "") -> Mapping[str, NodeRun]:
        """Return what the journal has of the newest run, by node."""
        found = SnowflakeJournal(self.admin, self.database, "ML")
        return {each.node: each for each in found.node_runs(run_id or self.run_id())}

    def load(self, dataset: str, version: str = "v1.0.0") -> Any:
        """Return what stands of a table."""
        manifest = self.manifest()
        place = open_place(self.admin, self.target, manifest)
        return place.load(manifest.dataset(dataset), version, frame="pandas")

    def load_document(self, dataset: str, version: str = "v1.0.0") -> Any:
        """Return what stands of a document."""
        manifest = self.manifest()
        place = open_place(self.admin, self.target, manifest)
        return place.load(manifest.dataset(dataset), version, frame="any")

    def log(self, node: str) -> list[str]:
        """Return what the newest container of a node printed."""
        query = self.tasks()[node]["query_id"]
        (job,) = self.admin.rows(
            "select name, database_name, schema_name"
            " from table(snowflake.spcs.get_job_history(result_limit => 1000)) where query_id = ?",
            (query,),
        )
        full = f"{job['database_name']}.{job['schema_name']}.{job['name']}"
        (row,) = self.admin.rows("select system$get_service_logs(?, '0', 'main') as t", (full,))
        return str(row["t"]).splitlines()

    def drop(self) -> None:
        """Take everything away."""
        admin, prefix = self.admin, self.database
        admin.execute("use role accountadmin")
        admin.execute(f"drop database if exists {self.database}")
        pool = f"{prefix}_COMPUTE_POOL"
        if admin.rows(f"show compute pools like '{pool}'"):
            admin.execute(f"alter compute pool {pool} stop all")
            until(lambda: not _busy(admin, pool))
            admin.execute(f"drop compute pool {pool}")
        admin.execute(f"drop warehouse if exists {prefix}_WH")
        for role in ("ROLE", "DEPLOY_ROLE", "READ_ROLE"):
            admin.execute(f"drop role if exists {prefix}_{role}")


def _read(descriptor: int, end: float) -> str:
    found = b""
    while time.monotonic() < end:
        ready, _, _ = select.select([descriptor], [], [], 0.05)
        piece = os.read(descriptor, 4096) if ready else b""
        if not piece and found:
            return found.decode()
        if not piece:
            time.sleep(0.01)
        found += piece
    return found.decode()


def _busy(admin: Any, pool: str) -> bool:
    (row,) = admin.rows(f"describe compute pool {pool}")
    return bool(int(row["num_jobs"]) or int(row["num_services"]))
