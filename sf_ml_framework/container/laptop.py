"""Where a node runs on this machine: the project's folder, and the journal in it."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import NoReturn

import msgspec

from sf_ml_framework.run.overrides import Overrides
from sf_ml_framework.run.ports import Place
from sf_ml_framework.run.records import NodeRun
from sf_ml_framework.settings import LocalSettings, Settings


def work(arguments: Sequence[str]) -> int:
    """Be a worker until the run hangs up; return the exit code."""
    from sf_ml_framework.run.worker import serve

    # Written by run.process.worker_command alone: pairs of a name and a value.
    given = dict(zip(arguments[::2], arguments[1::2], strict=True))
    root = Path(given["--project"])
    sys.path.insert(0, str(root))
    if "--target" in given:
        from sf_ml_framework.container.account import serve_in_account

        flags = msgspec.json.decode(given["--connection"], type=dict[str, str])
        return leave(serve_in_account(int(given["--fd"]), root, given["--target"], flags))
    local = msgspec.json.decode(given["--local"], type=LocalSettings)
    return leave(serve(int(given["--fd"]), lambda: open_place(root, local), root))


def leave(code: int) -> NoReturn:
    """End this process now, without taking apart what it has imported.

    A run waits for its workers, and Python spends tenths of a second on freeing pandas, XGBoost and
    DuckDB, whose memory the system takes back anyway. What is registered with ``atexit`` runs.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        # A closed or broken stream is none of the run's concern any more.
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)


def open_place(
    root: Path, local: LocalSettings, producers: Mapping[str, str] | None = None
) -> Place:
    """Return where the project's data lives; the caller closes it.

    Args:
        root: the project's folder.
        local: how data is kept.
        producers: the node that makes each dataset, for messages.
    """
    from sf_ml_framework.places.local.place import LocalPlace

    return LocalPlace(
        root,
        data=local.data,
        format=local.format,
        memory_limit=local.memory_limit or None,
        threads=local.threads or None,
        producers=producers,
    )


def run_node(
    root: Path,
    settings: Settings,
    node: str,
    overrides: Overrides,
    *,
    run_id: str,
    command: str,
) -> NodeRun:
    """Run *node* of the project in *root* on this machine, and return its record."""
    from sf_ml_framework.manifest.load import compiled
    from sf_ml_framework.run import journal
    from sf_ml_framework.run.cache import Cache
    from sf_ml_framework.run.once import Once

    manifest = compiled(root, settings.project)
    with (
        closing(journal.SqliteJournal(root / journal.FILE)) as records,
        closing(open_place(root, settings.local, manifest.producers())) as place,
    ):
        once = Once(
            manifest,
            place,
            records,
            Cache(root, records, place, manifest),
            root=root,
            settings=msgspec.to_builtins(settings.local),
        )
        return once.run(node, overrides, run_id=run_id, command=command)
