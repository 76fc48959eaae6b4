"""A project that ran once; each test gets a copy of it, with its data and its journal."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import closing

import pytest

from sf_ml_framework import settings
from sf_ml_framework.manifest import codec, graph
from sf_ml_framework.places.local.place import LocalPlace
from sf_ml_framework.run.bindings import bind, resolve
from sf_ml_framework.run.cache import Cache
from sf_ml_framework.run.journal import FILE, SqliteJournal
from sf_ml_framework.run.overrides import Overrides
from sf_ml_framework.run.process import worker_command
from sf_ml_framework.run.runner import Runner, RunRequest
from tests.integration.cache.shop import FILES, LIBRARY

COMPILE = """
import sys; from pathlib import Path
from sf_ml_framework.manifest import codec, load
sys.stdout.buffer.write(codec.encode(load.compiled(Path.cwd(), "src.pipeline:PROJECT")))
"""


class Silent:
    """Hears of a run and keeps nothing."""

    def run_started(self, run):
        pass

    def node_started(self, node, reason, attempt):
        pass

    def node_finished(self, node_run):
        pass

    def tick(self):
        pass

    def run_finished(self, run, resume_command):
        pass


class Shop:
    """The project in a folder; every run is by the real runner, place and journal."""

    def __init__(self, root, manifest=None):
        self.root = root
        self.manifest = manifest or self.compile()

    def compile(self):
        """Return the manifest, compiled in a process of its own as a command would."""
        done = subprocess.run([sys.executable, "-c", COMPILE], cwd=self.root, capture_output=True,
                              check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        return codec.decode(done.stdout)

    def run(self, *nodes, force=False, **changes):
        """Run the project and return by node how it ended and why."""
        with self._opened() as (journal, place, cache):
            local = settings.load(self.root).local
            runner = Runner(
                self.manifest, place, journal, cache, worker_command(self.root, local), Silent(),
                root=self.root, workers=1,
            )  # fmt: skip
            request = RunRequest(
                selection=graph.select(self.manifest, nodes=nodes),
                overrides=Overrides(**changes),
                force=force,
            )
            run = runner.run(request)
            found = journal.node_runs(run.run_id)
        assert run.status == "succeeded", [each.error + each.trace for each in found]
        return {each.node: each for each in found}

    def why(self, name, **changes):
        """Return the decision on one node, with what stands now."""
        with self._opened() as (_, place, cache):
            node = self.manifest.node(name)
            datasets = {dataset.name: dataset for dataset in self.manifest.datasets}
            bindings = bind(self.manifest, [name], Overrides(**changes))[name]
            bindings = resolve(bindings, datasets, place)
            inputs = {
                each.argument: place.find(datasets[each.dataset], each.version)
                for each in bindings.inputs
            }
            return cache.decide(node, bindings, cache.key(node, bindings, inputs))

    def replace(self, path, old, new):
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")

    def _opened(self):
        return _Opened(self)


class _Opened:
    """Journal, place and cache, new as in a new process, and closed again."""

    def __init__(self, shop):
        self.journal = SqliteJournal(shop.root / FILE)
        self.place = LocalPlace(shop.root)
        self.cache = Cache(shop.root, self.journal, self.place, shop.manifest)

    def __enter__(self):
        return self.journal, self.place, self.cache

    def __exit__(self, *_):
        with closing(self.journal), closing(self.place):
            self.cache.keep()


def write(folder, files):
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


@pytest.fixture(scope="session")
def first_run(tmp_path_factory):
    """The folder of a project that ran once, and its manifest; nobody changes it."""
    base = tmp_path_factory.mktemp("shop")
    write(base / "project", FILES)
    write(base / "site", LIBRARY)
    with pytest.MonkeyPatch.context() as patch:
        _import_from(patch, base / "site")
        shop = Shop(base / "project")
        ran = shop.run()
    assert {each.status for each in ran.values()} == {"succeeded"}
    assert {each.reason.kind for each in ran.values()} == {"first_run"}
    return base, shop.manifest


@pytest.fixture
def shop(first_run, tmp_path, monkeypatch):
    """A copy of the project that ran once, times of its files included."""
    base, manifest = first_run
    shutil.copytree(base, tmp_path, dirs_exist_ok=True)
    _import_from(monkeypatch, tmp_path / "site")
    return Shop(tmp_path / "project", manifest)


def _import_from(patch, site):
    """Let this process and the workers import what stands in *site*."""
    patch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]))
    patch.setattr(sys, "path", [str(site), *sys.path])
