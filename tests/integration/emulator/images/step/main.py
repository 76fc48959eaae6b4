"""The program of the test image: ``python /app/main.py VERB ...``."""

import json
import os
import signal
import sys
import time
from pathlib import Path


def connect():
    """Connect as a container does: with the token that Snowflake put there."""
    import snowflake.connector

    token = Path(os.environ.get("SNOWFLAKE_TOKEN_FILE", "/snowflake/session/token"))
    more = {}
    if "SNOWFLAKE_PORT" in os.environ:
        more = {
            "port": os.environ["SNOWFLAKE_PORT"],
            "protocol": os.environ.get("SNOWFLAKE_PROTOCOL", "https"),
        }
    return snowflake.connector.connect(
        host=os.environ["SNOWFLAKE_HOST"],
        account=os.environ["SNOWFLAKE_ACCOUNT"],
        authenticator="oauth",
        token=token.read_text(),
        database=os.environ["SNOWFLAKE_DATABASE"],
        schema=os.environ["SNOWFLAKE_SCHEMA"],
        network_timeout=60,
        login_timeout=30,
        **more,
    )


def context(predecessor):
    """Tell what the official TaskContext knows, and set the task's return value."""
    from snowflake.core.task.context import TaskContext
    from snowflake.snowpark import Session

    own = TaskContext(Session.builder.configs({"connection": connect()}).create())
    own.set_return_value("told")
    return {
        "root": own.get_current_root_task_name(),
        "task": own.get_current_task_name(),
        "short": own.get_current_task_short_name(),
        "given": own.get_predecessor_return_value(predecessor),
        "config": own.get_task_graph_config(),
        "scheduled": str(own.get_current_task_graph_original_schedule()),
        "last": own.get_last_successful_task_graph_run_group_id(),
    }


def say(text):
    """Print a line now."""
    print(text, flush=True)


def run(verb, *values):
    """Do what the verb says and return the exit code."""
    if verb == "exit":
        say(f"leaving with {values[0]}")
        return int(values[0])
    if verb == "env":
        say(json.dumps({name: os.environ.get(name) for name in values}))
    elif verb == "sql":
        with connect() as connection:
            for statement in values:
                found = connection.cursor().execute(statement).fetchall()
                say(json.dumps(found, default=str))
    elif verb == "context":
        say(json.dumps(context(*values)))
    elif verb == "write":
        Path(values[0]).write_text(values[1])
    elif verb == "read":
        say(Path(values[0]).read_text())
    elif verb == "sleep":
        say("sleeping")
        time.sleep(float(values[0]))
    elif verb == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        say("ignoring SIGTERM")
        time.sleep(float(values[0]))
    elif verb == "exit-from":
        return int(Path(values[0]).read_text())
    elif verb == "replica":
        index = int(os.environ["SNOWFLAKE_JOB_INDEX"])
        say(f"instance {index} of {os.environ['SNOWFLAKE_JOBS_COUNT']}")
        return int(values[index])
    else:
        say(f"unknown verb {verb}")
        return 64
    return 0


if __name__ == "__main__":
    sys.exit(run(*sys.argv[1:]))
