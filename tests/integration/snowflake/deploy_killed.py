"""Deploys in a process that kills itself after so many statements; started by a test.

Each line of standard input is one deployment, as JSON: the connection, the schema, the tasks and
the number of statements. It is made in a child of this process, which has imported everything
already; the child's exit code is printed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import msgspec

from sf_ml_framework import connection
from sf_ml_framework.places.snowflake.session import Account
from sf_ml_framework.plan.objects import Task
from tests.integration.snowflake.deploy_graphs import BY, Interrupting, Site


def main() -> None:
    """Serve deployments until the input ends."""
    # Imported before the first fork, and not in each child.
    import snowflake.connector  # noqa: F401

    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            deploy(json.loads(line))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def deploy(asked: dict[str, Any]) -> None:
    """Deploy, and die by SIGKILL after ``asked["number"]`` statements."""
    settings = connection.resolve(None, asked["flags"], {})
    assert settings is not None
    site = Site(Account(settings), asked["place"])
    tasks = msgspec.convert(asked["tasks"], tuple[Task, ...])
    plan = site.plan(tasks)
    by = msgspec.structs.replace(BY, client=asked["client"])
    dies = Interrupting(site.platform, asked["number"], die)
    site.deployer(dies).apply(plan, by)


def die() -> None:
    """End as a machine does that loses its power."""
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
