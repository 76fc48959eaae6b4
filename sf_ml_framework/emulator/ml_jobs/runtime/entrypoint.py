"""The entry point of the Container Runtime, for a container that is a local process.

It does what the runtime's own scripts do with the payload, without Ray: change to the payload,
install its requirements, make the other instances of a job wait for the first one, and run the
payload's unmodified ``mljob_launcher.py``. Only the standard library is used, since the Python that
runs this may be a project's own.

Source: snowflake-ml 2.6, ``jobs/_utils/scripts`` (startup.sh, start_mlruntime.sh,
mljob_launcher.py, worker_shutdown_listener.py) and ``jobs/job.py`` for the records of a job with
``parallel=True``, whose launcher is the image's.
"""

from __future__ import annotations

import ast
import importlib.metadata
import json
import os
import subprocess
import sys
import time
import traceback
import zlib
from collections.abc import Callable
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

HEAD_SECONDS = 720.0
"""How long an instance waits for the first one to start. Source: startup.sh."""
_POLL_SECONDS = 0.1
_PORTS = 20000
"""Where the ports for a job's own rendezvous begin."""


def main(arguments: list[str]) -> int:
    """Run the payload that *arguments* name and return the container's exit code."""
    if len(arguments) < 2 or not arguments[1].endswith("/startup.sh"):
        return subprocess.run(arguments, check=False).returncode  # noqa: S603 - the job's own
    # The first line also tells the other instances that this one has started.
    _say("Starting ML job")
    system = Path(arguments[1]).parent
    payload = Path(os.environ["MLRS_STAGE_MOUNT_PATH"]) / os.environ.get("MLRS_PAYLOAD_DIR", "")
    os.chdir(payload)
    if not _prepared(system, payload):
        return 1
    instances = int(os.environ.get("SNOWFLAKE_JOBS_COUNT", "1"))
    index = int(os.environ.get("SNOWFLAKE_JOB_INDEX", "0"))
    if os.environ.get("MLRS_LAUNCH_BACKEND") == "passthrough":
        return _everywhere(system, arguments[2:], index, instances)
    if index:
        _say(f"Worker node {index} started. See more logs in the head node.")
        return _follow()
    launch(system, arguments[2:])
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _prepared(system: Path, payload: Path) -> bool:
    """Install what the payload requires and is not there; say whether all could be."""
    if (payload / "environment.yml").is_file():
        _say("Custom conda environments not currently supported")
        return False
    return all(_installed(file) for file in (system / "requirements.txt", Path("requirements.txt")))


def _installed(file: Path) -> bool:
    if not file.is_file():
        return True
    _say(f"Installing packages from {file}")
    lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    wanted = [one for one in lines if one and not one.startswith("#") and not _satisfied(one)]
    if not wanted:
        return True
    target = str(Path(os.environ["EMULATOR_CONTAINER_ROOT"]) / "opt" / "env" / "site-packages")
    command = [sys.executable, "-m", "pip", "install", "--target", target]
    if "EMULATOR_NETWORK" not in os.environ:
        # No external access integration, no network: pip says what it does not find.
        command.append("--no-index")
    if subprocess.run([*command, *wanted], check=False).returncode:  # noqa: S603
        return False
    sys.path.insert(0, target)
    os.environ["PYTHONPATH"] = target
    return True


def _satisfied(line: str) -> bool:
    try:
        from packaging.requirements import InvalidRequirement, Requirement
    except ImportError:
        return False
    try:
        wanted = Requirement(line)
        if wanted.url or (wanted.marker and not wanted.marker.evaluate()):
            return not wanted.url
        return wanted.specifier.contains(importlib.metadata.version(wanted.name), prereleases=True)
    except (InvalidRequirement, importlib.metadata.PackageNotFoundError):
        return False


def _job() -> Path:
    """Return the directory that holds one directory for each instance of this job."""
    return Path(os.environ["EMULATOR_CONTAINER_ROOT"]).parent.parent


def started() -> int:
    """Return how many instances of this job have started, those that have ended too.

    One that looks late would else wait for one that has ended before it looked.
    """
    return sum(1 for one in _job().glob("*/main.jsonl"))


def _follow() -> int:
    """Wait until the first instance has run and ended.

    Whoever ended it: its directory is removed by the emulator, and its log stays.
    """
    head, log = _job() / "0" / "root", _job() / "0" / "main.jsonl"
    until = time.monotonic() + HEAD_SECONDS
    while not log.exists():
        if time.monotonic() > until:
            _say("Error: Failed to get head instance information.")
            return 1
        time.sleep(_POLL_SECONDS)
    while head.exists():
        time.sleep(_POLL_SECONDS)
    _say("Head node has ended. Exiting.")
    return 0


def launch(system: Path, arguments: list[str], result: str | None = None) -> None:
    """Run the payload's launcher as ``__main__``; *result* is another place for what it saves.

    Its classes and functions are defined first, then what it asks Ray is answered here, then its
    ``if __name__ == "__main__"`` runs.
    """
    file = system / "mljob_launcher.py"
    tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
    first = [node for node in tree.body if not _is_main(node)]
    module = ModuleType("__main__")
    module.__file__ = str(file)
    sys.modules["__main__"] = module
    sys.argv = [str(file), *arguments]
    # A Ray that is installed would look for a cluster, and there is none.
    sys.modules["ray"] = None  # type: ignore[assignment]
    exec(_code(tree, first), module.__dict__)  # noqa: S102 - the payload's launcher
    instances: Callable[[], int] = started
    module.__dict__["get_num_ray_nodes"] = instances
    if result is not None:
        module.__dict__["JOB_RESULT_PATH"] = result
    exec(_code(tree, [n for n in tree.body if _is_main(n)]), module.__dict__)  # noqa: S102


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__main__" in ast.unparse(node.test)


def _code(tree: ast.Module, body: list[ast.stmt]) -> CodeType:
    file = str(sys.argv[0])
    return compile(ast.Module(body=body, type_ignores=tree.type_ignores), file, "exec")


def _everywhere(system: Path, arguments: list[str], index: int, instances: int) -> int:
    """Run the payload on this instance, as on all, and leave a record of how it ended."""
    results = Path(os.environ["MLRS_STAGE_RESULT_PATH"])
    # All instances are processes of one machine: each is 127.0.0.1 to the others.
    os.environ["MLRS_HEAD_IP"] = "127.0.0.1"
    os.environ["MLRS_NODE_IPS"] = ",".join(["127.0.0.1"] * instances)
    os.environ["MLRS_RDZV_PORT"] = str(_PORTS + zlib.crc32(str(_job()).encode()) % 10000)
    own = Path(os.environ["EMULATOR_CONTAINER_ROOT"]) / "result" / "mljob_result"
    code, fault = 0, None
    try:
        launch(system, arguments, str(own) if index else None)
    except SystemExit as error:
        code = _exit_code(error)
    except Exception as error:  # noqa: BLE001 - whatever the payload raises is recorded
        traceback.print_exc()
        code, fault = 1, error
    record: dict[str, Any] = {"exit_code": code, "ended_at": time.time()}
    if fault is not None:
        record["exc"] = {
            "type": f"{type(fault).__module__}.{type(fault).__qualname__}",
            "message": str(fault),
            "traceback": "".join(traceback.format_tb(fault.__traceback__)),
            "repr": repr(fault),
        }
    folder = results / "instances"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{index}.json").write_text(json.dumps(record), encoding="utf-8")
    return code


def _exit_code(error: SystemExit) -> int:
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code
    sys.stderr.write(f"{error.code}\n")
    return 1


if __name__ == "__main__":
    # This folder would stand before the payload's own modules.
    sys.path.pop(0)
    sys.dont_write_bytecode = True
    # One pipe for both: the log has their lines in the order in which they were written, between
    # the banners by which the client finds the payload's own.
    os.dup2(1, 2)
    sys.exit(main(sys.argv[1:]))
