"""Run the emulator: in this process for tests, or in the foreground for the command line."""

from __future__ import annotations

import hashlib
import logging
import socket
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import uvicorn

from . import seed
from .account import Account
from .app import make_app
from .containers.runtime import Containers, runtime


class Emulator:
    """An emulated Snowflake, served from threads of this process.

    In this process and not in one of its own, so that a test can reach ``account.clock``.
    Everything is
    in memory and a temporary directory unless *state* names a directory to keep it in.

        with Emulator() as emulator:
            snowflake.connector.connect(**emulator.connection)

    Args:
        port: 0 picks a free one.
        state: a directory; what is committed survives this process.
        user: who may use ACCOUNTADMIN, with *password*.
        record: a file that gets one JSON line for each statement, call and fault.
        host: the address to listen on; loopback unless told otherwise.
        control: let this machine move the clock by ``POST /emulator/clock``.
        container_runtime: what runs images that were built: podman, docker or buildah.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        state: Path | str | None = None,
        user: str = "mlops",
        password: str = "mlops",  # noqa: S107 - the documented default of a local test server
        account: str = "emulator",
        record: Path | str | None = None,
        host: str = "127.0.0.1",
        control: bool = False,
        container_runtime: str = "process",
    ) -> None:
        self.user = user
        self.password = password
        self.host = host
        self._wanted_port = port
        self._control = control
        self._temporary = (
            None if state else tempfile.TemporaryDirectory(prefix="snowflake-emulator-")
        )
        files = Path(state) if state else Path(self._temporary.name if self._temporary else "")
        files.mkdir(parents=True, exist_ok=True)
        self.account = Account(
            name=account.upper(),
            files=files.resolve(),
            durable=state is not None,
            record=Path(record) if record else None,
        )
        # Names of containers tell whose they are, also to the next server of this state.
        prefix = f"emulator-{hashlib.sha256(str(files.resolve()).encode()).hexdigest()[:8]}-"
        self.account.parts[Containers] = Containers(runtime(container_runtime), prefix)
        seed.user(self.account, user, password)
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.host}:{self.port}"

    @property
    def connection(self) -> dict[str, Any]:
        """Arguments for ``snowflake.connector.connect`` or a Snowpark session."""
        return {
            "account": self.account.name.lower(),
            "user": self.user,
            "password": self.password,
            "host": self.host,
            "port": self.port,
            "protocol": "http",
            "role": "ACCOUNTADMIN",
            "warehouse": "COMPUTE_WH",
            # Without them a client retries for minutes what will never work.
            "network_timeout": 60,
            "login_timeout": 30,
        }

    def start(self) -> Emulator:
        """Listen; returns when requests are answered."""
        # With the protocol named asyncio sets TCP_NODELAY; without it each answer waits 40 ms.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.host, self._wanted_port))
        self.port = listener.getsockname()[1]
        self.account.address = self.url
        config = uvicorn.Config(
            make_app(self.account, control=self._control),
            log_level=logging.CRITICAL,
            access_log=False,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=75,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="emulator", daemon=True
        )
        self._thread.start()
        until = time.monotonic() + 10
        while not self._server.started:
            if time.monotonic() > until or not self._thread.is_alive():
                raise RuntimeError(f"the emulator did not start at {self.url}")
            time.sleep(0.01)
        return self

    def stop(self) -> None:
        """End the server and everything it started, within five seconds."""
        self.account.queries.close()
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join(timeout=3)
        self.account.close()
        if self._temporary:
            self._temporary.cleanup()

    def add_image(
        self,
        reference: str,
        *,
        project: Path | str = "",
        archive: Path | str = "",
        image: str = "",
        python: str = "",
        entrypoint: Sequence[str] = (),
        workdir: str = "",
        env: Mapping[str, str] | None = None,
    ) -> str:
        """Put an image into its repository, as a push would, and return its digest.

        Args:
            reference: ``/db/schema/repository/image:tag``, or with the registry's host before it.
            project: the directory that the image's command runs in, as a process.
            archive: instead, a tar archive of an image that was built.
            image: instead, an image of the container runtime's own store.
            python: the interpreter; this process's own when empty.
            entrypoint: the image's command; from the project's Dockerfile when empty.
            workdir: where the image has the project, such as ``/app``.
            env: variables of the image.
        """
        from .rooms.images import add_built
        from .services import imaging

        if archive or image:
            return add_built(self.account, reference, archive=str(archive), image=image).digest
        runner = imaging.Runner(
            project=str(Path(project).resolve()),
            python=python,
            entrypoint=tuple(entrypoint),
            workdir=workdir,
            env=dict(env or {}),
        )
        return imaging.add(self.account, reference, runner).digest

    def __enter__(self) -> Emulator:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
