"""Calls methods of models in a worker process, which is started when the first is called."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa

from ..sandbox.workers import Watch, Workers

MODELS = "models"
"""The key of their process."""


class Runner:
    """One worker process for the models of an account; one call at a time."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers

    def call(self, folder: Path, handler: str, table: pa.Table, watch: Watch) -> list[str]:
        """Return what the handler makes of each row of *table*, as JSON.

        Raises:
            SnowflakeError: 100357, the model or its packages failed; with what it said.
        """
        if not table.num_rows:
            return []
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        request = {"do": "model", "folder": str(folder), "handler": handler}
        with self._workers.kept(MODELS) as worker:
            data = worker.ask(request, sink.getvalue(), watch)
        with pa.ipc.open_stream(io.BytesIO(data)) as reader:
            return [str(text) for text in reader.read_all().column("value").to_pylist()]
