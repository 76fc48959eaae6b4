"""The program of a ``model-inference`` container: a model's methods over HTTP.

``POST /predict`` takes ``{"data": [[0, 1.0, "x"], ..]}`` and answers ``{"data": [[0, {..}], ..]}``.
The port is the machine's choice; it is written to a file in the container's root.

Source: Snowflake, "Using service functions" (the format of a batch), "Deploy model services in
SPCS" (a path for each method, with hyphens).
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ..sandbox.values import plain
from . import methods

PORT_FILE = "inference.port"


def main() -> None:
    """Load the image in ``argv[1]`` and serve it until the container is ended."""
    folder = Path(sys.argv[1])
    loaded = {
        str(method["name"]).lower().replace("_", "-"): methods.handler(folder, method)
        for method in methods.declared(folder)
        if str(method.get("type", "FUNCTION")).upper() == "FUNCTION"
    }
    server = ThreadingHTTPServer(("127.0.0.1", 0), serving(loaded))
    file = Path(os.environ["EMULATOR_CONTAINER_ROOT"]) / PORT_FILE
    fresh = file.with_suffix(".new")
    fresh.write_text(str(server.server_port))
    fresh.replace(file)
    print(f"serving {', '.join(sorted(loaded))}", flush=True)  # noqa: T201 - the container's log
    server.serve_forever()


def serving(loaded: dict[str, Any]) -> type[BaseHTTPRequestHandler]:
    """Return the class that answers requests for the loaded methods."""
    # Models need not bear two calls at once.
    lock = threading.Lock()

    class Requests(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, {"status": "ready"})

        def do_POST(self) -> None:
            handler = loaded.get(self.path.strip("/"))
            if handler is None:
                self._answer(404, {"error": f"no method {self.path}"})
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                with lock:
                    made = answered(handler, json.loads(body)["data"])
                self._answer(200, {"data": made})
            except Exception as error:  # noqa: BLE001 - a model may raise anything
                traceback.print_exc()
                self._answer(500, {"error": f"{type(error).__name__}: {error}"})

        def _answer(self, status: int, body: Any) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: Any) -> None:
            """Keep the log for what the model says."""

    return Requests


def answered(handler: Any, data: list[list[Any]]) -> list[list[Any]]:
    """Return a row for each row of a batch; the first value is the row's number."""
    import pandas as pd

    found = list(handler(pd.DataFrame([row[1:] for row in data]))) if data else []
    if len(found) != len(data):
        raise ValueError(f"the model returned {len(found)} rows for {len(data)}")
    return [[row[0], plain(value)] for row, value in zip(data, found, strict=True)]


if __name__ == "__main__":
    main()
