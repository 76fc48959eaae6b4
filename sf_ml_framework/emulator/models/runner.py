"""Calls methods of models in a worker process, which is started when the first is called."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..faults import SnowflakeError

_STOP_SECONDS = 2


class Runner:
    """One worker process for an account; one call at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def call(self, folder: Path, handler: str, table: pa.Table) -> list[str]:
        """Return what the handler makes of each row of *table*, as JSON.

        Raises:
            SnowflakeError: 100357, the model or its packages failed; with what it said.
        """
        if not table.num_rows:
            return []
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        request = {"folder": str(folder), "handler": handler}
        with self._lock:
            answer, data = self._ask(request, sink.getvalue())
        if not answer["ok"]:
            raise _failed(str(answer["error"]))
        with pa.ipc.open_stream(io.BytesIO(data)) as reader:
            return [str(text) for text in reader.read_all().column("value").to_pylist()]

    def _ask(self, request: dict[str, Any], payload: bytes) -> tuple[dict[str, Any], bytes]:
        process = self._started()
        if process.stdin is None or process.stdout is None:  # pragma: no cover - both are pipes
            raise RuntimeError("the worker has no pipes")
        try:
            process.stdin.write(json.dumps({**request, "bytes": len(payload)}).encode() + b"\n")
            process.stdin.write(payload)
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = b""
        if not line:
            code = process.wait()
            raise _failed(f"the process that ran the model ended with exit code {code}")
        answer = json.loads(line)
        return answer, process.stdout.read(answer["bytes"])

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            # A model may use all the threads that it likes; one call at a time is enough for tests.
            environment = {**os.environ, "TQDM_DISABLE": "1"}
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sf_ml_framework.emulator.models.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
            )
        return self._process

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _failed(text: str) -> SnowflakeError:
    return SnowflakeError(f"Python Interpreter Error:\n{text}", number=100357, state="P0000")
