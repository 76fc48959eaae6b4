"""A project as a command sees it, opened part by part; the only floor that picks a place."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from sf_ml_framework import settings
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.where import Where, asked, mode_of
from sf_ml_framework.errors import FrameworkError, OperatorError, UnknownNameError
from sf_ml_framework.manifest import load
from sf_ml_framework.manifest.model import Manifest, NodeSpec
from sf_ml_framework.settings import Format, Settings

if TYPE_CHECKING:
    from sf_ml_framework.author.report import Report
    from sf_ml_framework.connection import Mode
    from sf_ml_framework.places.snowflake.session import Account
    from sf_ml_framework.run.cache import Cache
    from sf_ml_framework.run.once import Once
    from sf_ml_framework.run.ports import Journal, Observer, Place
    from sf_ml_framework.run.process import WorkerProcess
    from sf_ml_framework.run.records import NodeRun
    from sf_ml_framework.run.runner import Runner
    from sf_ml_framework.targets import Target

VARIABLE = "MLOPS_PROJECT_DIR"
"""Names the project when --project does not."""

STATE = ".mlops"
"""Folder in the project for everything that is not data."""


class Workspace:
    """One project and what stands around it. Nothing is read before it is asked for.

    Use ``open_workspace``, which also closes it.
    """

    def __init__(
        self, root: Path, data_format: Format | None = None, where: Where | None = None
    ) -> None:
        self.root = root
        self.on_import: Callable[[str], None] | None = None
        """Told of the project's module before it is imported."""
        self.where = where or Where(mode="local")
        self._data_format = data_format

    @cached_property
    def settings(self) -> Settings:
        """What mlops.yml, the environment and this command line say, the last first."""
        found = settings.load(self.root)
        if self._data_format is None:
            return found
        local = msgspec.structs.replace(found.local, format=self._data_format)
        return msgspec.structs.replace(found, local=local)

    @cached_property
    def manifest(self) -> Manifest:
        """The pipeline, checked; imports nothing of the author's while its files are the same.

        Where data are in an account it is as the target runs it, else as it is declared.
        """
        found = load.compiled(self.root, self.settings.project, self.on_import)
        return self._as_in(self.target, found) if self.mode == "snowflake" else found

    def manifest_in(self, target: Target) -> Manifest:
        """Return the pipeline as *target* runs it."""
        return self._as_in(target, self.manifest)

    @staticmethod
    def _as_in(target: Target, manifest: Manifest) -> Manifest:
        from sf_ml_framework.manifest.overlay import overlaid

        return overlaid(manifest, target)

    @property
    def _project(self) -> str:
        """Whose runs are told of; empty, those of all, while the pipeline cannot be read."""
        try:
            return self.manifest.project
        except FrameworkError:
            return ""

    @cached_property
    def mode(self) -> Mode:
        """Whether data and history are on this machine or in an account."""
        return mode_of(self.where, self.root)

    @cached_property
    def target(self) -> Target:
        """The environment, in an account."""
        return self.chosen(self.where.target)

    def chosen(self, name: str) -> Target:
        """Return the target *name*, which may be an environment; empty: the default one.

        Raises:
            UnknownNameError: there is none of that name.
        """
        from sf_ml_framework.cli.choosing import chosen_target

        return chosen_target(self.settings, self.root, name)

    @cached_property
    def account(self) -> Account:
        """The account of the target, not yet connected."""
        from sf_ml_framework.cli.account import account_of, needed_connection

        connection = needed_connection(self.root)
        return account_of(connection, self.target, query_tag=f"mlops:{self.target.name}")

    @cached_property
    def journal(self) -> Journal:
        """What ran before; on this machine the file is made by the first run."""
        if self.mode == "snowflake":
            from sf_ml_framework.places.snowflake.journal import SnowflakeJournal

            target = self.target
            return SnowflakeJournal(self.account, target.database, target.schema, self._project)
        from sf_ml_framework.run.journal import FILE, SqliteJournal

        return SqliteJournal(self.root / FILE)

    @cached_property
    def place(self) -> Place:
        """Where the data stand."""
        if self.mode == "snowflake":
            from sf_ml_framework.places.snowflake.names import Names
            from sf_ml_framework.places.snowflake.place import SnowflakePlace

            names = Names.of(self.target)
            return SnowflakePlace(self.account, names, self.manifest, alias=self.target.alias)
        from sf_ml_framework.places.local.place import LocalPlace

        local = self.settings.local
        return LocalPlace(
            self.root,
            data=local.data,
            format=local.format,
            memory_limit=local.memory_limit or None,
            threads=local.threads or None,
            producers=self.manifest.producers(),
        )

    def reports_of(self, nodes: Sequence[NodeRun]) -> tuple[dict[str, Report], list[str]]:
        """Return what the nodes of a run in an account reported then, and why the rest is gone."""
        from sf_ml_framework.places.snowflake.place import SnowflakePlace

        assert isinstance(self.place, SnowflakePlace)  # noqa: S101 -- asked in an account alone
        return self.place.reports_of(nodes)

    @cached_property
    def cache(self) -> Cache:
        """Whether results still hold."""
        from sf_ml_framework.run.cache import Cache

        return Cache(self.root, self.journal, self.place, self.manifest)

    @property
    def state(self) -> Path:
        """Folder of the journal, the runs and what is kept between commands."""
        return self.root / STATE

    @property
    def data(self) -> Path:
        """Folder of the datasets on this machine."""
        return self.root / self.settings.local.data

    @property
    def data_shown(self) -> str:
        """Where the datasets stand, for a person."""
        if self.mode == "snowflake":
            return f"{self.target.database}.{self.target.schema}"
        return f"{self.shown(self.data)}/"

    @property
    def run_settings(self) -> dict[str, Any]:
        """What a run's record keeps of the settings."""
        if self.mode == "snowflake":
            target = self.target
            return {"target": target.name, "database": target.database, "schema": target.schema}
        found: dict[str, Any] = msgspec.to_builtins(self.settings.local)
        return found

    def folder_of_run(self, run_id: str) -> Path:
        """Return where a run leaves its logs and its report."""
        return self.state / "runs" / run_id

    def shown(self, path: Path) -> str:
        """Return *path* as a person names it: from here where it is near, else whole."""
        try:
            return str(path.relative_to(Path.cwd()))
        except ValueError:
            return str(path)

    def node(self, name: str) -> NodeSpec:
        """Return the node of that name.

        Raises:
            UnknownNameError: there is none; names the nearest.
        """
        known = {node.name: node for node in self.manifest.nodes}
        if name not in known:
            raise UnknownNameError(kind="node", name=name, known=known)
        return known[name]

    def runner(
        self, observer: Observer, workers: int | None, early: WorkerProcess | None = None
    ) -> Runner:
        """Return what runs nodes in processes of their own and tells *observer*.

        Args:
            observer: told of progress.
            workers: most nodes at once; none: what the settings say.
            early: a worker that was started ahead.
        """
        from sf_ml_framework.run.runner import Runner

        local = self.settings.local
        return Runner(
            self.manifest,
            self.place,
            self.journal,
            self.cache,
            self.worker_command(),
            observer,
            root=self.root,
            workers=local.workers if workers is None else workers,
            settings=self.run_settings,
            early=early,
        )

    def once(self) -> Once:
        """Return what runs single nodes in this process."""
        from sf_ml_framework.run.once import Once

        # The author's modules are imported here, not in a worker.
        if str(self.root) not in sys.path:
            sys.path.insert(0, str(self.root))
        return Once(
            self.manifest,
            self.place,
            self.journal,
            self.cache,
            root=self.root,
            settings=self.run_settings,
        )

    def close(self) -> None:
        """Release what was opened."""
        for name in ("place", "journal", "account"):
            opened = self.__dict__.get(name)
            if opened is not None:
                opened.close()

    def worker_command(self) -> list[str]:
        """Return the command that starts a worker for this project."""
        from sf_ml_framework.run.process import worker_command

        target = self.target.name if self.mode == "snowflake" else ""
        return worker_command(self.root, self.settings.local, target=target, flags=self.where.flags)


@contextmanager
def open_workspace(
    invocation: Invocation,
    data_format: Format | None = None,
    *,
    anywhere: bool = False,
    target_matters: bool = False,
) -> Iterator[Workspace]:
    """Open the project that the command line names, or the one around this folder.

    Args:
        invocation: names the project.
        data_format: of tables on this machine; none: as the settings say.
        anywhere: whether data and history may be in an account; else they are on this machine.
        target_matters: whether a target means something on this machine too; else it is told that
            it does not.

    Raises:
        UnknownNameError: there is no target of that name, on this machine.
        SettingsError: there is none.
        OperatorError: --project names no folder.
    """
    named, by = invocation.project, "--project"
    if named is None and os.environ.get(VARIABLE):
        named, by = Path(os.environ[VARIABLE]), VARIABLE
    if named is not None and not named.is_dir():
        raise OperatorError(
            f"{by} names {str(named)!r}, and there is no such folder",
            remedy="name the folder that holds mlops.yml",
        )
    root = settings.find_root(named or invocation.start or Path.cwd())
    workspace = Workspace(root, data_format, asked() if anywhere else None)
    try:
        if anywhere and not target_matters:
            _tell_of_target(workspace, invocation)
        yield workspace
    finally:
        workspace.close()


def _tell_of_target(workspace: Workspace, invocation: Invocation) -> None:
    """Say that the target of the line is not where it works, when that is this machine."""
    name = workspace.where.target
    if not name or workspace.mode == "snowflake":
        return
    how = "add --connection NAME or --mode snowflake"
    known = {**workspace.settings.targets, **workspace.settings.made}
    if name not in known:
        unknown = UnknownNameError(kind="target", name=name, known=known)
        unknown.remedy += f"; for an environment of an account {how}"
        raise unknown
    invocation.output.talk(f"--target {name} is for an account; this works on this machine: {how}")
