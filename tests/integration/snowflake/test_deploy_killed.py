"""A process that deploys and is killed leaves a whole graph, and its lock to the next."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sf_ml_framework.deploy.faults import LockedError
from sf_ml_framework.plan import to_sql
from tests.integration.snowflake.deploy_graphs import (
    BY,
    ROOT,
    Site,
    is_whole,
    resolved,
    root,
    task,
)
from tests.waiting import SECONDS

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[3]
BEFORE = (root(), task("A", ROOT), task("B", "A"), task("FIN", finalizes=ROOT))
AFTER = (root(config='{"a":1}'), task("B", ROOT, body="select 2"), task("C", "B"))


class Doomed:
    """A process whose children deploy and are killed."""

    def __init__(self, flags: dict[str, str]) -> None:
        self._flags = flags
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.snowflake.deploy_killed"],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def deploy(self, place: str, tasks: Any, number: int) -> int:
        """Deploy until the statement of that number has run; return the exit code."""
        asked = {"flags": self._flags, "place": place, "number": number, "client": "server:9",
                 "tasks": msgspec.to_builtins(tasks)}  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """End the process, by force where it does not end by itself."""
        with self._process as process:
            try:
                process.communicate(timeout=SECONDS)
            finally:
                process.kill()


@pytest.fixture
def doomed(connection_flags: dict[str, str]) -> Iterator[Doomed]:
    process = Doomed(connection_flags)
    yield process
    process.close()


@pytest.fixture
def new_site(make_account: Callable[..., Any], database: str) -> Callable[[], Site]:
    account, numbers = make_account(), itertools.count()

    def make() -> Site:
        place = f"{database}.S{next(numbers)}"
        account.execute(f"create schema {place}")
        return Site(account, place)

    return make


@pytest.mark.parametrize("before", [(), BEFORE], ids=["first", "change"])
def test_killed_after_each_statement_it_leaves_a_whole_graph_that_the_next_finishes(
    new_site, doomed, before
):
    old, new = resolved(before, {}), resolved(AFTER, resolved(before, {}))
    for number in itertools.count(1):
        site = new_site()
        if before:
            site.deploy(before)
        if number > len(to_sql.statements(site.plan(AFTER))):
            break

        assert doomed.deploy(site.place, AFTER, number) == -signal.SIGKILL

        assert is_whole(site.tasks(AFTER), old, new) == ""
        holder = site.history.holder()
        site.deploy(AFTER, by=msgspec.structs.replace(BY, dead=holder.deployment if holder else ""))
        assert site.tasks(AFTER) == new, f"killed after statement {number}"
        assert site.plan(AFTER).is_empty
    assert number > 5


def test_the_lock_of_a_killed_deployment_keeps_others_out_until_it_is_known_to_be_dead(
    new_site, doomed
):
    site = new_site()
    site.deploy(BEFORE)
    doomed.deploy(site.place, AFTER, 2)
    standing = site.tasks(AFTER)

    with pytest.raises(LockedError, match="server:9") as caught:
        site.deploy(AFTER)
    assert site.tasks(AFTER) == standing
    dead = caught.value.holder.deployment
    site.deploy(AFTER, by=msgspec.structs.replace(BY, dead=dead))

    assert site.tasks(AFTER) == resolved(AFTER, {})
    (_, killed, _) = site.history.deployments("graphs")
    assert (killed.deployment, killed.status) == (dead, "applying")
