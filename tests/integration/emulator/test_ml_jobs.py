"""The official ML Jobs client, unmodified: every way to submit, results, logs, several instances.

The jobs are started together by one fixture, so that they share the time that Python needs to
start; each test looks at its own.
"""

from __future__ import annotations

import contextlib
import json
import sys
import uuid
import zipfile

import pytest

from tests.waiting import until

jobs = pytest.importorskip("snowflake.ml.jobs")
import cloudpickle
from snowflake.ml.jobs import DistributedJobError, MLJobDefinition
from snowflake.snowpark.exceptions import SnowparkSQLException

pytestmark = pytest.mark.filterwarnings("ignore")

SCRIPT = """
import os, sys
from snowflake.snowpark import Session
session = Session.builder.getOrCreate()
session.sql("insert into seen values ('" + sys.argv[1] + "')").collect()
print("where", session.get_current_database(), session.get_current_role())
__return__ = {
    "arguments": sys.argv[1:],
    "colour": os.environ["COLOUR"],
    "payload": os.environ["MLRS_PAYLOAD_DIR"],
    "index": os.environ["SNOWFLAKE_JOB_INDEX"],
    "warehouse": session.get_current_warehouse(),
}
"""
PARALLEL = """
import os, sys
index, count = os.environ["SNOWFLAKE_JOB_INDEX"], os.environ["SNOWFLAKE_JOBS_COUNT"]
print("instance", index, "of", count, len(os.environ["MLRS_NODE_IPS"].split(",")))
if index in sys.argv[1:]:
    raise KeyError("instance " + index)
__return__ = int(count)
"""


@pytest.fixture(scope="module")
def session(snowflake_connection):
    """One session for the module, with a database, a pool and a stage of its own."""
    import snowflake.connector
    from snowflake.snowpark import Session

    # The jobs' Python cannot import this module: its functions travel whole.
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    name = f"T_{uuid.uuid4().hex[:12]}".upper()
    opened = snowflake.connector.connect(**snowflake_connection)
    with contextlib.closing(opened):
        cursor = opened.cursor()
        cursor.execute(f"create database {name}")
        cursor.execute(
            f"create compute pool {name}_P min_nodes = 1 max_nodes = 12 "
            "instance_family = CPU_X64_XS auto_suspend_secs = 60"
        )
        cursor.execute("create table seen (what varchar)")
        place = {**snowflake_connection, "database": name, "schema": "PUBLIC"}
        made = Session.builder.configs(place).create()
        yield made
        made.close()
        cursor.execute(f"alter compute pool {name}_P stop all")
        cursor.execute(f"drop database {name}")
        until(lambda: cursor.execute(f"describe compute pool {name}_P").fetchone()[5] == 0)
        cursor.execute(f"drop compute pool {name}_P")
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


@pytest.fixture(scope="module")
def pool(session):
    return session.get_current_database().strip('"') + "_P"


@pytest.fixture(scope="module")
def options(session, pool):
    return {"compute_pool": pool, "stage_name": "payload", "session": session}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Payloads: a script, a directory with a module, a zip to import, a script for all nodes."""
    root = tmp_path_factory.mktemp("payloads")
    (root / "score.py").write_text(SCRIPT)
    (root / "every.py").write_text(PARALLEL)
    (root / "wait.py").write_text("import time\nprint('waiting', flush=True)\ntime.sleep(120)\n")
    package = root / "package"
    (package / "inner").mkdir(parents=True)
    (package / "inner" / "thing.py").write_text("VALUE = 41\n")
    (package / "main.py").write_text(
        "from inner.thing import VALUE\nimport lent\n__return__ = VALUE + lent.ONE\n"
    )
    with zipfile.ZipFile(root / "lent.zip", "w") as archive:
        archive.writestr("lent.py", "ONE = 1\n")
    return root


def describe(session, number, *, frame=None):
    """Return what the job was given, and what it finds in the account."""
    total = session.table("numbers").agg({"n": "sum"}).collect()[0][0]
    columns = list(frame.columns) if frame is not None else []
    return {"total": int(total), "twice": 2 * number, "columns": columns}


def fail(text):
    print("about to fail")
    raise LookupError(text)


def who():
    import os

    return os.environ["SNOWFLAKE_JOB_INDEX"], os.environ["SNOWFLAKE_JOBS_COUNT"]


@pytest.fixture(scope="module")
def started(session, options, files):
    """Every job that a test looks at, by name; they run side by side."""
    import pandas as pd

    session.sql("create table numbers as select 20 as n union all select 22").collect()
    session.sql("create stage code").collect()
    session.file.put(str(files / "score.py"), "@code/src", auto_compress=False)
    frame = pd.DataFrame({"A": [1], "B": [2]})
    with_score = {"args": ["one", "--two=2"], "env_vars": {"COLOUR": "green"}}
    return {
        "remote": jobs.remote(**options)(describe)(session, 21, frame=frame),
        "failing": jobs.remote(**options)(fail)("no such thing"),
        "nodes": jobs.remote(**options, target_instances=2)(who)(),
        "file": jobs.submit_file(str(files / "score.py"), **options, **with_score, name="scoring"),
        "directory": jobs.submit_directory(
            str(files / "package"),
            **options,
            entrypoint="main.py",
            imports=[(str(files / "lent.zip"), None)],
            pip_requirements=["numpy"],
        ),
        "stage": jobs.submit_from_stage(
            "@code/src", **options, entrypoint="@code/src/score.py", **with_score
        ),
        "command": jobs.submit_directory(
            str(files / "package"), **options, entrypoint=["echo"], args=["from", "a", "command"]
        ),
        "parallel": jobs.submit_file(
            str(files / "every.py"), **options, target_instances=2, parallel=True
        ),
        "one lost": jobs.submit_file(
            str(files / "every.py"), **options, target_instances=2, parallel=True, args=["1"]
        ),
    }


def test_a_function_gets_its_arguments_and_a_session_and_returns_its_value(started):
    assert started["remote"].result() == {"total": 42, "twice": 42, "columns": ["A", "B"]}
    assert started["remote"].status == "DONE"
    assert started["remote"].wait() == "DONE"


def test_what_a_function_raises_is_raised_here(started):
    job = started["failing"]

    with pytest.raises(RuntimeError, match="no such thing") as caught:
        job.result()
    assert isinstance(caught.value.__cause__, LookupError)
    assert job.status == "FAILED"
    assert job.get_logs().splitlines()[0] == "about to fail"
    assert "LookupError: no such thing" in job.get_logs(verbose=True)


def test_a_file_runs_with_arguments_variables_and_a_session_of_its_own(started, session, capsys):
    job = started["file"]
    found = job.result()
    job.show_logs()

    assert found == {
        "arguments": ["one", "--two=2"],
        "colour": "green",
        "payload": "app",
        "index": "0",
        "warehouse": session.get_current_warehouse(),
    }
    assert ("one",) in session.table("seen").collect()
    where = f"where {session.get_current_database()} {session.get_current_role()}"
    assert job.get_logs() == where
    assert capsys.readouterr().out.strip() == where
    assert job.get_logs(as_list=True, limit=1, verbose=True) != []
    assert job.name.startswith("SCORING_")
    assert job.session is session


def test_a_directory_runs_with_its_modules_and_imports(started):
    assert started["directory"].result() == 42


def test_a_payload_comes_from_a_stage(started):
    assert started["stage"].result()["colour"] == "green"


def test_an_entrypoint_may_be_a_command(started):
    started["command"].wait()

    assert started["command"].get_logs() == "from a command"


def test_of_several_instances_the_first_runs_the_payload(started, session):
    job = started["nodes"]

    assert list(job.result()) == ["0", "2"]
    assert (job.target_instances, job.min_instances) == (2, 2)
    assert "Worker node 1 started" in job.get_logs(instance_id=1, verbose=True)
    rows = session.sql(f"show service instances in service {job.id}").collect()
    assert [row["status"] for row in rows] == ["SUCCEEDED", "SUCCEEDED"]


def test_a_parallel_job_runs_on_every_instance(started):
    job = started["parallel"]
    found = job.distributed_result()

    assert (found.success, found.exit_codes, found.return_value) == (True, {0: 0, 1: 0}, 2)
    assert [job.get_logs(instance_id=index) for index in (0, 1)] == [
        "instance 0 of 2 2",
        "instance 1 of 2 2",
    ]


def test_a_parallel_job_names_the_instance_that_failed(started):
    with pytest.raises(DistributedJobError) as caught:
        started["one lost"].distributed_result()

    assert caught.value.result.exit_codes == {0: 0, 1: 1}
    assert caught.value.result.failed_instance == 1
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_job_is_found_listed_and_deleted(started, session, options):
    done = jobs.remote(**options, comment="short")(who)()
    done.wait()
    found = jobs.get_job(done.id, session=session)
    listed = jobs.list_jobs(limit=-1, session=session)
    path = found._stage_path
    before = session.sql(f"list {path}").collect()
    comment = session.sql(f"show job services like '{done.name}'").collect()[0]["comment"]
    jobs.delete_job(done, session=session)

    assert (found.status, comment) == ("DONE", "short")
    row = listed[listed["name"] == done.name].iloc[0]
    assert (row["status"], row["target_instances"]) == ("DONE", "1")
    assert {file["name"].split("/")[-1] for file in before} >= {"func.py", "mljob_result"}
    assert session.sql(f"list {path}").collect() == []
    assert done.name not in set(jobs.list_jobs(limit=-1, session=session)["name"])


def test_a_job_is_cancelled(session, options, files):
    job = jobs.submit_file(str(files / "wait.py"), **options)
    until(lambda: "waiting" in job.get_logs())
    running = job.status
    with pytest.raises(TimeoutError):
        job.wait(timeout=0)
    job.cancel()
    until(lambda: job.status in {"CANCELLED", "FAILED"})

    assert (running, job.status) == ("RUNNING", "CANCELLED")


def test_a_definition_runs_again_and_again_and_as_the_body_of_a_task(session, options, files):
    from snowflake.core import Root
    from snowflake.core.task.dagv1 import DAG, DAGOperation, DAGTask

    definition = MLJobDefinition.register(
        str(files / "score.py"), **options, env_vars={"COLOUR": "red"}, name="nightly"
    )
    one, two = definition("first"), definition("second")
    database = session.get_current_database().strip('"')
    schema = Root(session).databases[database].schemas["PUBLIC"]
    with DAG("flow") as dag:
        DAGTask("train", definition=_With(definition, "task"))
    operation = DAGOperation(schema)
    operation.deploy(dag)
    operation.run(dag)
    runs = until(lambda: operation.get_complete_dag_runs("flow", error_only=False))

    (ran,) = session.sql(
        "select spcs_job_id from table(information_schema.task_history(task_name => 'FLOW$TRAIN'))"
    ).collect()
    history = session.sql("select id, name from table(snowflake.spcs.get_job_history())").collect()

    assert {row["ID"]: row["NAME"] for row in history}[ran[0]].startswith("NIGHTLY_")
    assert one.id != two.id
    assert [job.result()["arguments"] for job in (one, two)] == [["first"], ["second"]]
    assert runs[0].state == "SUCCEEDED", runs[0].first_error_message
    seen = {row["WHAT"] for row in session.table("seen").collect()}
    assert {"first", "second", "task"} <= seen


def test_the_files_of_a_definition_go_with_it(session, options, files):
    definition = MLJobDefinition.register(str(files / "score.py"), **options, name="passing")
    before = session.sql(f"list {definition.stage_name}").collect()

    definition.delete()

    assert definition.session is session
    assert "score.py" in {file["name"].split("/")[-1] for file in before}
    assert session.sql(f"list {definition.stage_name}").collect() == []


class _With:
    """A definition with arguments, as ``DAGTask(definition=..)`` takes what has ``to_sql``."""

    def __init__(self, definition, *arguments):
        self._definition, self._arguments = definition, list(arguments)

    def to_sql(self):
        return self._definition.to_sql(job_args=self._arguments)


def test_a_synchronous_call_fails_with_its_job(session, options):
    definition = jobs.remote(**options)(fail)
    sql = definition.to_sql(job_args=definition._prepare_arguments("in a statement"))

    with pytest.raises(SnowparkSQLException, match=r"failed with status: FAILED"):
        session.sql(sql).collect()


def test_a_requirement_that_is_not_there_fails_without_network(
    session, options, monkeypatch, tmp_path
):
    """Though pip would find it: in the folder that the emulator's process names, or at an index.

    Nor is an index asked: where none is in reach, pip would try again.
    """
    with zipfile.ZipFile(tmp_path / "sortedcollections-2.1.0-py3-none-any.whl", "w") as wheel:
        about = "sortedcollections-2.1.0.dist-info"
        wheel.writestr("sortedcollections.py", "VALUE = 7\n")
        wheel.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: sortedcollections\nVersion: 2.1.0\n"
        )
        wheel.writestr(
            f"{about}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr(f"{about}/RECORD", "")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))

    job = jobs.remote(**options, pip_requirements=["sortedcollections==2.1.0"])(who)()
    job.wait()

    assert job.status == "FAILED"
    told = job.get_logs(verbose=True)
    assert "No matching distribution found for sortedcollections" in told
    assert "Retrying" not in told


def test_a_secret_reaches_a_job_by_its_overrides(session, options):
    session.sql("create secret s type = generic_string secret_string = 'hush'").collect()
    use = {"snowflakeSecret": "s", "secretKeyRef": "secret_string", "envVarName": "WORD"}
    spec = {"spec": {"containers": [{"name": "main", "secrets": [use]}]}}

    def read():
        import os

        return os.environ["WORD"] == "hush"

    job = jobs.remote(**options, spec_overrides=spec)(read)()

    assert job.result() is True
    assert "hush" not in json.dumps(job._service_spec)


def test_arguments_that_are_large_travel_by_the_stage(session, options):
    def length(text):
        return len(text)

    large = "x" * (2 * 1024 * 1024)

    assert jobs.remote(**options)(length)(large).result() == len(large)
