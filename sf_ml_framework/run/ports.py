"""What running needs of the world, as protocols; a place and a journal implement them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sf_ml_framework.manifest.model import DatasetSpec, Frame, NodeSpec
from sf_ml_framework.run.records import NodeRun, Reason, RunRecord, Saved


class Place(Protocol):
    """Where datasets live.

    Whoever implements it passes ``tests/integration/contract/test_place.py``. ``resolve`` and
    ``find`` are asked in the process that only decides what to run, so they must not import
    a data-frame library.
    """

    @property
    def feature_store(self) -> Any:
        """The official Feature Store object; none on a laptop."""
        ...

    @property
    def model_registry(self) -> Any:
        """The official Model Registry object; none on a laptop."""
        ...

    def for_node(self, *, run_id: str, node: str, commit: str) -> Place:
        """Return this place for what one node of one run loads and saves.

        Args:
            run_id: the run.
            node: the node.
            commit: of its code, as git writes it; ``-dirty`` at its end says that files differed.
                Empty when it is not known.
        """
        ...

    def resolve(self, dataset: DatasetSpec, version: str) -> str:
        """Return the version that *version* stands for.

        ``current`` is the catalog's, ``latest`` the one that was written last; a path of a file
        (it holds a ``/`` or ends with a known suffix) and every other text stand for themselves.

        Raises:
            DataError: ``latest`` was asked for and there is none.
        """
        ...

    def find(self, dataset: DatasetSpec, version: str) -> Saved | None:
        """Return what stands at a resolved *version*; none when it is absent or not whole.

        A source (a dataset with a path, or a path as version) is whole when it can be read.
        """
        ...

    def why_not_found(self, dataset: DatasetSpec, version: str) -> str:
        """Return ``missing`` or ``damaged`` for what ``find`` did not find, empty else."""
        ...

    def load(self, dataset: DatasetSpec, version: str, *, frame: Frame, dataclass: str = "") -> Any:
        """Return the value at a resolved *version*, checked, as *frame* says.

        Raises:
            DataError: it is absent, cut, of another shape, or breaks a check of its columns.
            ModelError: a model is not the one that was saved; nothing was unpickled.
        """
        ...

    def save(self, dataset: DatasetSpec, version: str, value: Any) -> Saved:
        """Check *value* and store it whole; until then the old one stands.

        Raises:
            DataError: *value* is not what the catalog promises, or the disk refuses.
        """
        ...

    def close(self) -> None:
        """Release what loaded tables need; they are of no use afterwards."""
        ...


class Journal(Protocol):
    """What ran, when, why and with what result. Every method is whole or without effect."""

    def start_run(self, run: RunRecord) -> None:
        """Record that *run* began."""
        ...

    def finish_run(self, run: RunRecord) -> None:
        """Replace the record of *run* by its final one."""
        ...

    def cancel_dead(self) -> Sequence[str]:
        """Mark as cancelled each run and node that is still ``running``; return the runs' ids.

        Only who holds the lock of the project may call it: then whoever ran them is dead.
        """
        ...

    def record_node(self, node_run: NodeRun) -> None:
        """Record a node of a run; a later record of the same run and node replaces it."""
        ...

    def last_success(self, node: str) -> NodeRun | None:
        """Return the newest record of *node* that succeeded (not one that was skipped)."""
        ...

    def find_success(self, node: str, key_digest: str) -> NodeRun | None:
        """Return the newest success of *node* whose key has that digest."""
        ...

    def runs(self, *, limit: int = 20, status: str = "") -> Sequence[RunRecord]:
        """Return runs, newest first."""
        ...

    def run(self, run_id: str) -> RunRecord:
        """Return the run whose id is, or uniquely begins with, *run_id*; ``last`` is the newest.

        Raises:
            UnknownNameError: there is none; names the nearest.
        """
        ...

    def node_runs(self, run_id: str) -> Sequence[NodeRun]:
        """Return the nodes of a run (exact id) in the order in which they began."""
        ...

    def durations(self, most: int = 50) -> Mapping[str, list[float]]:
        """Return for each node the seconds of its last successes, *most* at most."""
        ...

    def close(self) -> None:
        """Release what is held open; what is asked afterwards opens it anew."""
        ...


class Observer(Protocol):
    """Who is told of progress while a run goes on, in the process that runs it."""

    def run_started(self, run: RunRecord) -> None:
        """The run begins; ``run.selection`` are its nodes."""
        ...

    def node_started(self, node: NodeSpec, reason: Reason, attempt: int) -> None:
        """A node begins, or is tried again."""
        ...

    def node_finished(self, node_run: NodeRun) -> None:
        """A node ended in any way, skipping included."""
        ...

    def tick(self) -> None:
        """Time passes; called some times a second while anything runs."""
        ...

    def run_finished(self, run: RunRecord, resume_command: str) -> None:
        """The run ended; *resume_command* is empty unless it failed or was cancelled."""
        ...
