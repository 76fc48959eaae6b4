"""Secrets that nobody else has, given to the suite and then looked for in all that it leaves.

A canary begins with a mark that is drawn anew for each run. The mark is planted as the password of
the emulator and as a token in the environment; the fixture ``canary`` gives a test more of them:
passphrases, tokens, values of secrets. Wherever a canary turns up that no secret belongs, the test
or the run fails:

- in what a test prints or logs, and in the text of its failure;
- in what a command printed, where a test hands that to ``look``;
- in the files below the run's temporary folder: journals, manifests, specifications, plans,
  reports, states, the emulator's record; in ``.mlops``, ``jobs`` and ``tasks`` of this repository;
- in what the emulator keeps: the files of its containers and stages.

Texts are searched as they are and in base64; escaping does not hide the mark, which has letters and
digits alone. What is compressed or encrypted is not seen.
"""

from __future__ import annotations

import base64
import os
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOKEN = "CANARY_API_TOKEN"
"""A variable of every process that tests start, as a user's own secrets are."""
_RUN = "CANARIES_OF_THIS_RUN"
MAY_HOLD = frozenset({"connections.toml", "config.toml", ".env"})
"""Files that sign in: the places where a password belongs."""
_LARGEST = 64 * 2**20
_CHUNK = 2**20


def mark() -> str:
    """Return what all canaries of this run begin with; workers share it."""
    return os.environ.setdefault(_RUN, f"cnry{uuid.uuid4().hex}")


def _forms() -> tuple[bytes, ...]:
    """Return the mark as it is, and what of it is alike in base64 at each of three offsets."""
    plain = mark().encode()
    encoded = (base64.b64encode(b"x" * offset + plain)[4 * bool(offset) :] for offset in range(3))
    # The last group depends on what follows.
    return (plain, *(text.rstrip(b"=")[:-4] for text in encoded))


class LeakError(AssertionError):
    """A canary is where no secret belongs."""


class Leaks:
    """What was found, and where it may be."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.allowed: set[Path] = set()
        self._forms = _forms()

    def holds(self, data: bytes) -> bool:
        """Say whether *data* has a canary."""
        return any(form in data for form in self._forms)

    def in_file(self, file: Path) -> bool:
        """Say whether a file has one; read piece by piece, so that a large one costs no memory."""
        overlap = max(map(len, self._forms))
        kept = b""
        try:
            with file.open("rb") as stream:
                while piece := stream.read(_CHUNK):
                    if self.holds(kept + piece):
                        return True
                    kept = piece[-overlap:]
        except OSError:
            return False
        return False

    def below(self, folder: Path) -> list[Path]:
        """Return the files below *folder* that have one and may not."""
        return [
            file
            for file in _files(folder)
            if file.name not in MAY_HOLD and file not in self.allowed and self.in_file(file)
        ]


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in {".venv", "__pycache__", "data"}]
        for name in names:
            file = Path(place, name)
            if file.is_file() and not file.is_symlink() and file.stat().st_size <= _LARGEST:
                yield file


LEAKS = Leaks()


def look(text: str, where: str) -> None:
    """Fail where what a command printed has a canary.

    Raises:
        LeakError: it has; names *where*.
    """
    __tracebackhide__ = True  # else the report would show the text
    if LEAKS.holds(text.encode(errors="surrogateescape")):
        raise LeakError(f"a secret is in {where}")


@pytest.fixture(scope="session")
def snowflake_emulator_password() -> str:
    """The password of the emulator that most tests share."""
    return f"{mark()}-password"


@pytest.fixture
def canary() -> Callable[[str], str]:
    """Return what makes one more secret of a kind, such as ``passphrase``, to be looked for."""
    return lambda kind: f"{mark()}-{kind}-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def may_hold() -> Callable[[Path], Path]:
    """Return what lets a file of this test have a secret: it is where one was put on purpose."""

    def allow(file: Path) -> Path:
        LEAKS.allowed.add(file)
        return file

    return allow


# What pytest calls.


def pytest_configure(config: pytest.Config) -> None:
    """Plant the canaries that every test is given."""
    os.environ.setdefault(TOKEN, f"{mark()}-token")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Look into what a test printed, logged and failed with."""
    report: Any = yield
    texts = [(f"its {name.lower()}", text) for name, text in report.sections]
    texts = [each for each in texts if each[0].endswith(report.when)]
    texts.append(("the text of its failure", report.longreprtext))
    found = sorted({where for where, text in texts if LEAKS.holds(text.encode(errors="replace"))})
    if found:
        report.outcome = "failed"
        told = f"{item.nodeid}: a secret is in {', '.join(found)}"
        report.longrepr = "\n".join(filter(None, [covered(report.longreprtext), told]))
        # The report of the next phase has these too.
        item._report_sections = [(*each[:2], covered(each[2])) for each in item._report_sections]
        report.sections = [(name, covered(text)) for name, text in report.sections]
    return report


def covered(text: str) -> str:
    """Return *text* with stars in the place of canaries."""
    return re.sub(re.escape(mark()) + r"[\w-]*", "***", text)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Iterator[Any]:
    """Look into the files of an emulator before they are removed with it."""
    made = yield
    files = getattr(getattr(made, "account", None), "files", None)
    if isinstance(files, Path):
        fixturedef.addfinalizer(lambda: _note(LEAKS.below(files)))
    return made


def _note(files: Iterable[Path]) -> None:
    LEAKS.found += [str(file) for file in files]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Look into the files that this process's tests left, and fail the run for what is there."""
    factory = getattr(session.config, "_tmp_path_factory", None)
    base = getattr(factory, "_basetemp", None)
    output = getattr(session.config, "workeroutput", None)
    # Workers look into their own folders, and know what may be there.
    has_workers = output is None and session.config.getoption("dist", "no") != "no"
    if base is not None and not has_workers:
        _note(LEAKS.below(base))
    if output is not None:
        output["leaks"] = LEAKS.found
        return
    for folder in (".mlops", "jobs", "tasks", "reports"):
        _note(LEAKS.below(ROOT / folder))
    if LEAKS.found and session.exitstatus in (0, pytest.ExitCode.NO_TESTS_COLLECTED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker found."""
    LEAKS.found += getattr(node, "workeroutput", {}).get("leaks", [])


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Tell where secrets were found."""
    if LEAKS.found:
        terminalreporter.section("secrets where none belong")
        for file in sorted(set(LEAKS.found)):
            terminalreporter.line(f"LEAKED a secret is in {file}")
