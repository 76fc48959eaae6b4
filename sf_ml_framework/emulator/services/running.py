"""Services and jobs as they run: started, waited for, cancelled, cleaned up.

Source: Snowflake, "Working with services", "EXECUTE JOB SERVICE". A job is done when all its
containers have exited, and failed when one of them exited with another code than 0; a service's
containers are started again.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from ..faults import SnowflakeError
from ..names import Path
from . import launching, surroundings
from .checks import Found, Launch, check
from .imaging import Runner
from .pooling import Placed, Pools
from .processes import GRACE_SECONDS, NOT_FOUND, Command, Log, Process, birth, end_below
from .records import Records
from .spec import Container

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

logger = logging.getLogger(__name__)
REFRESH_SECONDS = 300
"""How often tokens and mounted secrets are written anew."""
TOKEN_SECONDS = 3600
REAP_SECONDS = 1
"""How soon a service ends whose schema or database was dropped."""
_RESTART_SECONDS = 0.5


@dataclass(slots=True)
class Live:
    """A service or job that runs, or ran while this server did."""

    id: int
    launch: Launch
    found: Found
    owner: str
    facts: dict[str, object]
    stopping: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    processes: list[Process] = field(default_factory=list)
    places: list[surroundings.Place] = field(default_factory=list)
    end: str = "CANCELLED"
    """The status once it was stopped."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def path(self) -> Path:
        """Its full name."""
        return self.launch.path


class Services:
    """All services and jobs of the account; ``account.part(Services)``.

    ``on_launch`` is called with the session and the job, before a container starts.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._live: dict[int, Live] = {}
        self._lock = threading.Lock()
        self._root = account.files / "services"
        self.records = Records(account)
        if self._root.is_dir():
            end_below(self._root)
        self.records.recover()
        self.grace_seconds = GRACE_SECONDS
        self.on_launch: list[Callable[[Session, Live], None]] = []
        account.every(REFRESH_SECONDS, self.refresh)
        account.every(REAP_SECONDS, self.reap)
        account.on_close(self.close)

    def launch(self, session: Session, launch: Launch) -> Live:
        """Start a service or job with the session's role as owner, and return at once.

        Raises:
            SnowflakeError: it is refused; nothing was created then.
        """
        found = check(self._account, session, launch)
        entry = self.records.create(session, launch, found)
        number = int(entry.properties["id"])
        # Which task this is goes on into the container's own sessions.
        run = session.facts.get("task_run")
        kept: dict[str, object] = {} if run is None else {"task_run": run}
        live = Live(number, launch, found, session.role, kept)
        with self._lock:
            self._live[number] = live
        for call in self.on_launch:
            call(session, live)
        thread = threading.Thread(target=self._run, args=(live,), name=f"service {number}")
        thread.daemon = True
        thread.start()
        return live

    def of(self, path: Path) -> Live | None:
        """Return the running side of a service, or None."""
        entry = self._account.catalog.find("SERVICE", path)
        return None if entry is None else self._live.get(int(entry.properties["id"]))

    def folder(self, number: int) -> FilePath:
        """Return where a service's logs are."""
        return self._root / str(number)

    def log(self, number: int, instance: int, container: str) -> Log:
        """Return a container's log."""
        folder = self.folder(number) / str(instance)
        folder.mkdir(parents=True, exist_ok=True)
        return Log(folder / f"{container}.jsonl", self._account.clock)

    def stop(self, live: Live, end: str = "CANCELLED") -> None:
        """End a service: SIGTERM, and SIGKILL after the grace period."""
        with live.lock:
            if live.stopping.is_set() or live.done.is_set():
                return
            live.end = end
            live.stopping.set()
            running = list(live.processes)
        ending = {"SUSPENDED": "SUSPENDING", "DELETED": "DELETING"}.get(end, "CANCELLING")
        self.records.change(live.path, live.id, status=ending)
        for process in running:
            process.stop(self.grace_seconds)

    def drop(self, path: Path) -> None:
        """End a service and forget it."""
        live = self.of(path)
        self.records.drop(path)
        if live is not None:
            self.stop(live, "CANCELLED" if live.launch.job else "DELETED")

    def wait(self, live: Live, until: datetime | None, cancel: threading.Event | None) -> bool:
        """Wait for the end; False when the clock showed *until* or *cancel* was set first."""
        while not live.done.wait(0.02):
            if cancel is not None and cancel.is_set():
                return False
            if until is not None and self._account.clock.now() >= until:
                return False
        return True

    def refresh(self) -> None:
        """Write tokens and mounted secrets anew, as Snowflake does every few minutes."""
        # For a day a token is told as expired, and then as one that nobody knows.
        old = self._account.clock.now() - timedelta(days=1)
        self._account.catalog.execute(
            "delete from tokens where kind = 'OAUTH' and expires <= ?", (old.isoformat(),)
        )
        for live in list(self._live.values()):
            for place in list(live.places):
                try:
                    surroundings.write_token(place, self._token(live))
                    for container in live.launch.spec.containers:
                        surroundings.write_secrets(self._account, place, container)
                except OSError:
                    # The instance ended meanwhile, and its directory is gone.
                    continue

    def reap(self) -> None:
        """End what runs of services that are gone, as with their schema."""
        for live in list(self._live.values()):
            if self.records.find(live.path, live.id) is None:
                self.stop(live, "CANCELLED" if live.launch.job else "DELETED")

    def _token(self, live: Live) -> str:
        facts = {**live.facts, "service": live.id}
        if any(image.runner.image for image in live.found.images.values()):
            # Its root directory is another, so it finds no file of this machine.
            facts["apart"] = True
        if live.launch.warehouse:
            facts["warehouse"] = live.launch.warehouse
        return self._account.tokens.issue(
            user=live.path.name,
            role=live.owner,
            name=f"service {live.id}",
            seconds=TOKEN_SECONDS,
            facts=facts,
        )

    def _run(self, live: Live) -> None:
        """Run every instance; the thread of a service."""
        outcomes: list[str] = []
        threads = [
            threading.Thread(target=self._instance, args=(live, index, outcomes), daemon=True)
            for index in range(live.launch.replicas)
        ]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            status = "DONE" if set(outcomes) == {"SUCCEEDED"} else "FAILED"
            if live.stopping.is_set():
                status = live.end
            message = {"DONE": "Completed successfully", "FAILED": "Job failed"}.get(status, "")
            self.records.change(live.path, live.id, status=status, message=message)
        finally:
            self._account.tokens.revoke(
                user=live.path.name, name=f"service {live.id}", kind="OAUTH"
            )
            with self._lock:
                self._live.pop(live.id, None)
            live.done.set()

    def _instance(self, live: Live, index: int, outcomes: list[str]) -> None:
        launch = live.launch
        placed = Placed(
            launch.pool, launch.spec.demand, launch.job, str(launch.path), lambda: self.stop(live)
        )
        status = "FAILED"
        try:
            if self._account.part(Pools).place(placed, live.stopping):
                status = self._occupied(live, index)
        except SnowflakeError as error:
            self.records.change(live.path, live.id, message=error.message)
        except Exception:
            logger.exception("instance %s of service %s", index, live.path)
        finally:
            self._account.part(Pools).release(placed)
            self.records.instance(live.path, live.id, index, status)
            outcomes.append(status)

    def _occupied(self, live: Live, index: int) -> str:
        """Run the containers of an instance that has its place in the pool."""
        root = self.folder(live.id) / str(index) / "root"
        root.mkdir(parents=True, mode=0o700)
        volumes = {
            name: live.found.stages.get(name, root / "volumes" / name)
            for name in live.launch.spec.volumes
        }
        place = surroundings.Place(
            service=live.path,
            instance=index,
            instances=live.launch.replicas,
            root=root,
            volumes=volumes,
            secrets=live.found.secrets,
            readable=any(image.runner.image for image in live.found.images.values()),
        )
        surroundings.write_token(place, self._token(live))
        live.places.append(place)
        codes: list[int] = []
        threads = [
            threading.Thread(target=self._container, args=(live, place, one, codes), daemon=True)
            for one in live.launch.spec.containers
        ]
        self.records.instance(live.path, live.id, index, "READY")
        if not live.stopping.is_set():
            self.records.change(live.path, live.id, status="RUNNING", message="Running")
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        live.places.remove(place)
        # Secrets and tokens must not outlive the instance; logs do.
        shutil.rmtree(root, ignore_errors=True)
        good = len(codes) == len(threads) and not any(codes)
        return "SUCCEEDED" if good else "FAILED"

    def _container(
        self, live: Live, place: surroundings.Place, container: Container, codes: list[int]
    ) -> None:
        restarts, code = 0, NOT_FOUND
        while True:
            try:
                code = self._once(live, place, container, restarts)
            except SnowflakeError as error:
                log = self.log(live.id, place.instance, container.name)
                log.add("stderr", error.message)
            if live.launch.job or live.stopping.wait(_RESTART_SECONDS):
                break
            restarts += 1
        codes.append(code)

    def _once(
        self, live: Live, place: surroundings.Place, container: Container, restarts: int
    ) -> int:
        runner = live.found.images[container.name].runner
        log = self.log(live.id, place.instance, container.name)
        command = self._command(place, container, runner)
        try:
            return self._ran(live, place, container, Process(command, log), restarts)
        finally:
            if command.after is not None:
                command.after()

    def _command(self, place: surroundings.Place, container: Container, runner: Runner) -> Command:
        if runner.image:
            return launching.prepare(self._account, place, container, runner)
        return surroundings.prepare(self._account, place, container, runner)

    def _ran(
        self,
        live: Live,
        place: surroundings.Place,
        container: Container,
        process: Process,
        restarts: int,
    ) -> int:
        """Run a container to its end, and tell of it."""
        pid = None
        with live.lock:
            live.processes.append(process)
            stopped = live.stopping.is_set()
        if not stopped:
            pid = process.start()
        told = partial(self.records.container, live.path, live.id, place.instance, container.name)
        told(
            status="READY" if pid else "PENDING",
            message="Running" if pid else "",
            started=self._account.clock.now().isoformat(),
            restarts=restarts,
            pid=pid,
            born=birth(pid) if pid else "",
        )
        code = process.wait()
        with live.lock:
            live.processes.remove(process)
        told(
            status="FAILED" if code else "DONE",
            message=f"Exited with code {code}" if code else "Completed successfully",
            exit_code=code,
            pid=None,
        )
        return code

    def close(self) -> None:
        """End everything quickly, because the server ends."""
        running = list(self._live.values())
        for live in running:
            with live.lock:
                live.stopping.set()
                live.end = "FAILED"
                processes = list(live.processes)
            for process in processes:
                process.stop(1.0)
        until = time.monotonic() + 2
        for live in running:
            live.done.wait(max(0.0, until - time.monotonic()))
            for process in list(live.processes):
                process.kill()
        for live in running:
            live.done.wait(1)
