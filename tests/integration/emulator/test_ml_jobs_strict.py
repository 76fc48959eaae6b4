"""What ML Jobs refuse, what a role needs, and on which pools and images they run."""

from __future__ import annotations

import contextlib
import json
import sys
import uuid

import pytest

jobs = pytest.importorskip("snowflake.ml.jobs")
from snowflake.snowpark.exceptions import SnowparkSQLException

pytestmark = pytest.mark.filterwarnings("ignore")


def _call(session, name="J_", pool="P", spec=None, job=None):
    given = {"STAGE_PATH": "@payload/x", "ARGS": ["true"], **(spec or {})}
    texts = [json.dumps(one).replace("'", "''") for one in (given, job or {})]
    return session.sql(
        f"call system$execute_ml_job('{name}', '{pool}', '{texts[0]}', '{texts[1]}')"
    ).collect()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"pool": "NO_SUCH_POOL"}, "does not exist or not authorized"),
        ({"job": {"TARGET_INSTANCES": 4}}, "4 instances cannot run at once"),
        ({"job": {"TARGET_INSTANCES": 2, "MIN_INSTANCES": 3}}, "MIN_INSTANCES"),
        ({"job": {"PRIORITY": 1}}, "unknown job option 'PRIORITY'"),
        ({"spec": {"IMAGE": "x"}}, "unknown specification option 'IMAGE'"),
        ({"spec": {"ARGS": "true"}}, "invalid value for specification option 'ARGS'"),
        ({"spec": {"STAGE_PATH": "@no_such_stage/x"}}, "does not exist or not authorized"),
        ({"spec": {"STAGE_PATH": "@~/x"}}, "needs a named stage"),
        ({"spec": {"RUNTIME": "/no/such/repository/image:1"}}, "not exist or not authorized"),
        ({"spec": {"RUNTIME": "cre@none"}}, "does not exist or not authorized"),
        ({"spec": {"SPEC_OVERRIDES": {"spec": {"colour": "red"}}}}, "unknown option 'colour'"),
        (
            {"spec": {"SPEC_OVERRIDES": {"spec": {"volumes": [{"name": "stage-volume"}]}}}},
            "cannot be overridden",
        ),
        ({"job": {"QUERY_WAREHOUSE": "NO_SUCH_WAREHOUSE"}}, "does not exist or not authorized"),
        ({"job": {"EXTERNAL_ACCESS_INTEGRATIONS": ["NONE"]}}, "does not exist or not authorized"),
        ({"spec": {"ARTIFACT_REPOSITORIES": ["a.b.c"]}}, "does not exist or not authorized"),
        ({"name": '"lower"_'}, "quoted names are not supported"),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else "",
)
def test_what_does_not_fit_is_refused(session, pool, given, why):
    session.sql("create stage if not exists payload").collect()

    with pytest.raises(SnowparkSQLException, match=why):
        _call(session, **{"pool": pool, **given})


def test_a_system_pool_runs_ml_jobs_and_nothing_else(session):
    session.sql("create stage if not exists payload").collect()
    (row,) = _call(session, name="sys_", pool="SYSTEM_COMPUTE_POOL_CPU")
    job = jobs.get_job(row[0], session=session)
    job.wait()

    assert job.status == "DONE"
    with pytest.raises(SnowparkSQLException, match=r"can only support services of type .*ML_JOB"):
        session.sql(
            "execute job service in compute pool SYSTEM_COMPUTE_POOL_CPU from specification "
            "$$spec: {containers: [{name: main, image: /a/b/c/d:1}]}$$"
        ).collect()


def test_a_role_needs_the_grants_that_the_page_names(session, pool, snowflake_connection):
    """USAGE on the pool and CREATE SERVICE on the schema, beside its stage and warehouse."""
    import snowflake.connector

    place, role = session.get_current_database(), f"R_{uuid.uuid4().hex[:8]}".upper()
    grants = [
        f"usage on database {place}",
        f"usage on schema {place}.PUBLIC",
        f"create service on schema {place}.PUBLIC",
        f"usage on compute pool {pool}",
        f"read on stage {place}.PUBLIC.PAYLOAD",
        f"write on stage {place}.PUBLIC.PAYLOAD",
    ]
    session.sql("create stage if not exists payload").collect()
    session.sql(f"create role {role}").collect()
    (user,) = session.sql("select current_user()").collect()[0]
    session.sql(f"grant role {role} to user {user}").collect()
    spec = json.dumps({"STAGE_PATH": f"@{place.strip(chr(34))}.PUBLIC.PAYLOAD/x", "ARGS": ["true"]})
    name = f"{place.strip(chr(34))}.PUBLIC.G_"
    text = f"call system$execute_ml_job('{name}', '{pool}', '{spec}', '{{\"ASYNC\": false}}')"
    opened = snowflake.connector.connect(**{**snowflake_connection, "role": role})
    with contextlib.closing(opened):
        for grant in grants:
            session.sql(f"grant {grant} to role {role}").collect()
        opened.cursor().execute(text)
        for grant in grants:
            session.sql(f"revoke {grant} from role {role}").collect()
            with pytest.raises(snowflake.connector.errors.ProgrammingError) as refused:
                opened.cursor().execute(text)
            assert refused.value.errno in {2003, 3001}, grant
            session.sql(f"grant {grant} to role {role}").collect()
    session.sql(f"drop role {role}").collect()


def test_the_whole_client_works_for_a_role_with_those_grants(
    session, pool, snowflake_connection, tmp_path
):
    """It makes its own stage; the job reads with the same role."""
    from snowflake.snowpark import Session

    place, role = session.get_current_database().strip('"'), f"R_{uuid.uuid4().hex[:8]}".upper()
    (user,) = session.sql("select current_user()").collect()[0]
    for sql in (
        f"create role {role}",
        f"grant role {role} to user {user}",
        f"grant usage on database {place} to role {role}",
        f"grant usage, create service, create stage on schema {place}.PUBLIC to role {role}",
        f"grant usage on compute pool {pool} to role {role}",
        f"grant usage on warehouse {session.get_current_warehouse()} to role {role}",
        "create table given as select 7 as n",
        "create table kept as select 8 as n",
        f"grant select on table given to role {role}",
    ):
        session.sql(sql).collect()
    file = tmp_path / "payload.py"
    file.write_text(
        "from snowflake.snowpark import Session\n"
        "session = Session.builder.getOrCreate()\n"
        "__return__ = session.get_current_role(), session.table('given').collect()[0][0]\n"
        "session.table('kept').collect()\n"
    )
    login = {**snowflake_connection, "role": role, "database": place, "schema": "PUBLIC"}
    with Session.builder.configs(login).create() as opened:
        job = jobs.submit_file(str(file), pool, stage_name="payload", session=opened)
        with pytest.raises(RuntimeError, match="KEPT"):
            job.result()
        logs = job.get_logs(verbose=True)
        listed = jobs.list_jobs(session=opened)
        jobs.delete_job(job, session=opened)
    session.sql(f"drop role {role}").collect()

    assert "does not exist or not authorized" in logs
    assert list(listed["owner"]) == [role]


def test_a_runtime_is_an_image_of_snowflakes_or_of_the_account(session, pool):
    def runtime(written):
        return session.sql(f"call system$get_ml_job_runtime('{pool}', '{written}')").collect()[0][0]

    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    plain = runtime(json.dumps({"pythonVersion": version}))

    assert ":" in plain
    assert runtime("2.3.0") == plain.rpartition(":")[0] + ":2.3.0"
    with pytest.raises(SnowparkSQLException):
        runtime("cre@none")
    with pytest.raises(SnowparkSQLException):
        session.sql("call system$get_ml_job_runtime('NO_SUCH_POOL', '')").collect()
