"""What is known of a run: plain frozen records, the same in every journal.

Times are UTC in ISO 8601 with microseconds; durations are seconds.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Status = Literal["running", "succeeded", "skipped", "failed", "cancelled"]
"""``skipped``: the results still held, so the node was not run."""

ReasonKind = Literal[
    "unchanged",
    "first_run",
    "forced",
    "scheme_changed",
    "code_changed",
    "params_changed",
    "input_changed",
    "library_changed",
    "binding_changed",
    "output_missing",
    "output_damaged",
    "not_cacheable",
    "not_started",
]


class Saved(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One version of a dataset as it stands in a place."""

    dataset: str
    version: str
    content: str
    """Hash of the bytes and, for a table, of the types of its columns, in hex."""
    bytes: int = 0
    rows: int | None = None
    location: str = ""
    """Where it stands, for a person: a path relative to the project, or an object's name."""


class Reason(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a node ran, or did not."""

    kind: ReasonKind
    detail: str = ""
    """The first difference, by name: a function, a parameter, a dataset, a library."""


class NodeKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything that decides what a node computes. Two equal keys give equal outputs."""

    scheme: int
    code: dict[str, str] = {}
    """Hash of each piece of project code the function reaches, by ``module:qualname``."""
    params: dict[str, Any] = {}
    inputs: dict[str, str] = {}
    """For each argument ``dataset@version`` and the hash of its content, joined by ``#``."""
    libraries: dict[str, str] = {}
    outputs: dict[str, str] = {}
    """For each output ``dataset@version``: what is bound to where."""

    @property
    def digest(self) -> str:
        """SHA-256 of the whole key, the same for equal keys whatever the order of their entries."""
        # Imported here: a worker reads records and makes no digest.
        from hashlib import sha256

        return sha256(_KEY_ENCODER.encode(self)).hexdigest()


_KEY_ENCODER = msgspec.json.Encoder(order="sorted")


class NodeRun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One node in one run."""

    run_id: str
    node: str
    status: Status
    reason: Reason
    key: NodeKey | None = None
    attempt: int = 1
    started: str = ""
    seconds: float = 0.0
    inputs: tuple[Saved, ...] = ()
    outputs: tuple[Saved, ...] = ()
    params: dict[str, Any] = {}
    metrics: dict[str, Any] = {}
    peak_memory_bytes: int = 0
    error: str = ""
    error_kind: str = ""
    trace: str = ""
    """The author's traceback, our frames cut away."""
    remedy: str = ""
    log_tail: tuple[str, ...] = ()
    """The last lines that the node printed."""
    notes: tuple[str, ...] = ()
    """What a reader should know besides: each attempt that failed before this one."""
    exit_code: int = 0
    """Who must act on the error, as in ``errors``: 1 author, 3 operator, 4 platform; 0 on none."""
    return_value: Any = None
    """What a node without outputs returned, when JSON can hold it."""


class RunRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One run of a project or a part of it."""

    run_id: str
    project: str
    status: Status
    started: str
    seconds: float = 0.0
    command: str = ""
    """The command line, as one could type it again."""
    selection: tuple[str, ...] = ()
    """The nodes that were asked for, in order."""
    overrides: dict[str, Any] = {}
    git_commit: str = ""
    git_dirty: bool = False
    python: str = ""
    framework: str = ""
    libraries: dict[str, str] = {}
    settings: dict[str, Any] = {}

    @property
    def commit(self) -> str:
        """The commit of the code, with ``-dirty`` at its end when files differed from it."""
        return f"{self.git_commit}-dirty" if self.git_dirty else self.git_commit
