"""Containers through the official connector: pools, repositories, secrets, jobs, services."""

from __future__ import annotations

import json

import pytest
from snowflake.connector import DictCursor
from snowflake.connector.errors import ProgrammingError

from tests.waiting import until


@pytest.fixture
def show(connection):
    def call(sql):
        return connection.cursor(DictCursor).execute(sql).fetchall()

    return call


def test_a_pool_is_created_changed_suspended_and_shown(run, show, pool):
    run(f"alter compute pool {pool} set max_nodes = 5 comment = 'ours'")
    run(f"alter compute pool {pool} suspend")
    (row,) = show(f"show compute pools like '{pool}'")

    assert (row["min_nodes"], row["max_nodes"]) == (1, 5)
    assert row["state"] in {"SUSPENDED", "STOPPING"}
    assert (row["instance_family"], row["auto_resume"]) == ("CPU_X64_XS", "true")
    run(f"alter compute pool {pool} resume")
    (described,) = show(f"describe compute pool {pool}")
    assert described["state"] in {"STARTING", "IDLE"}
    assert described["comment"] == "ours"


POOL = "create compute pool {} min_nodes = {} max_nodes = {} instance_family = {}"


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (POOL.format('"P low"', 1, 1, "CPU_X64_XS"), "P low"),
        ("create or replace compute pool p min_nodes = 1 max_nodes = 1", "compute pool"),
        (POOL.format("p9", 0, 1, "CPU_X64_XS"), "MIN_NODES"),
        (POOL.format("p9", 2, 1, "CPU_X64_XS"), "MIN_NODES"),
        (POOL.format("p9", 1, 1, "CPU_BIG"), "CPU_BIG"),
        ("create compute pool p9 min_nodes = 1 max_nodes = 1", "INSTANCE_FAMILY"),
        (POOL.format("p9", 1, 1, "CPU_X64_XS") + " size = 3", "SIZE"),
        ('create image repository "low"', "low"),
        ("create secret s type = generic_string", "SECRET_STRING"),
        ("create secret s type = password username = 'u' secret_string = 'x'", "PASSWORD"),
        ("create network rule r type = host_port mode = ingress value_list = ('a.b:443')", "MODE"),
        (
            "create external access integration e allowed_network_rules = (nothing) enabled = true",
            "NOTHING",
        ),
        ("create notification integration n type = pigeon enabled = true", "TYPE"),
        (
            "create notification integration n type = webhook enabled = true webhook_url = 'http://a'",
            "WEBHOOK_URL",
        ),
    ],
)
def test_what_containers_need_is_refused_when_it_is_not_as_documented(run, statement, words):
    with pytest.raises(ProgrammingError, match=f"(?i){words}"):
        run(statement)


def test_a_repository_has_a_url_and_its_images(show, image, database):
    (repository,) = show("show image repositories")
    (one,) = show("show images in image repository images")

    assert repository["repository_url"].endswith(f"/{database.lower()}/public/images")
    assert image.endswith(f"/{one['image_name']}:{one['tags']}")
    assert one["digest"].startswith("sha256:")


def test_secrets_are_never_shown(run, show):
    run("create secret one type = generic_string secret_string = 'hush-hush'")
    run("create secret two type = password username = 'ann' password = 'hush-hush'")
    told = str(show("show secrets")) + str(show("describe secret two"))
    history = run("select query_text from table(information_schema.query_history())")

    assert "ann" in told
    assert "hush-hush" not in told + str(history)


def test_a_job_runs_with_the_images_entrypoint_and_logs(run, show, job):
    (answer,) = run(job("env", "FROM_IMAGE", "SNOWFLAKE_SERVICE_NAME", options="name = first"))
    (row,) = show("describe service first")
    (container,) = show("show service containers in service first")
    (said,) = run("select system$get_service_logs('first', '0', 'main')")

    assert answer == ("Job FIRST completed successfully with status: DONE.",)
    assert (row["status"], row["is_job"], row["is_async_job"]) == ("DONE", "true", "false")
    assert (container["status"], container["last_exit_code"]) == ("DONE", 0)
    assert json.loads(said[0]) == {"FROM_IMAGE": "yes", "SNOWFLAKE_SERVICE_NAME": "FIRST"}


def test_a_job_that_fails_fails_the_statement(run, show, job):
    with pytest.raises(ProgrammingError, match="FAILED"):
        run(job("exit", "3", options="name = broken"))
    (container,) = show("show service containers in service broken")

    assert (container["status"], container["last_exit_code"]) == ("FAILED", 3)
    assert show("describe service broken")[0]["status"] == "FAILED"
    assert [row["name"] for row in show("show job services like 'bro%'")] == ["BROKEN"]
    assert show("show services exclude jobs") == []


def test_a_container_speaks_sql_with_its_token(run, job):
    run("create table t (x int)")
    text = job(
        "sql",
        "insert into t values (7)",
        "select current_user(), current_warehouse(), current_schema()",
        options="name = talker query_warehouse = compute_wh",
    )
    run(text)

    assert run("select x from t") == [(7,)]
    (said,) = run("select system$get_service_logs('talker', '0', 'main')")
    assert said[0].splitlines()[-1] == '[["TALKER", "COMPUTE_WH", "PUBLIC"]]'


def test_secrets_and_stages_are_where_the_specification_says(run, job):
    run("create stage files encryption = (type = 'SNOWFLAKE_SSE')")
    run("create secret key type = generic_string secret_string = 'open sesame'")
    run("create secret login type = password username = 'ann' password = 'pw'")
    more = """
    secrets:
    - snowflakeSecret: key
      envVarName: KEY
      secretKeyRef: secret_string
    - snowflakeSecret: {objectName: login}
      directoryPath: /usr/local/login
    volumeMounts:
    - {name: out, mountPath: /mnt/out}
"""
    volumes = """
  volumes:
  - name: out
    source: stage
    stageConfig: {name: "@files/deep"}
"""
    run(job("env", "KEY", options="name = a", more=more, volumes=volumes))
    run(job("read", "/usr/local/login/username", options="name = b", more=more, volumes=volumes))
    run(job("write", "/mnt/out/x.txt", "hello", more=more, volumes=volumes))
    said = [
        run(f"select system$get_service_logs('{name}', '0', 'main')")[0][0] for name in ("a", "b")
    ]

    assert said == ['{"KEY": "open sesame"}', "ann"]
    assert [row[0] for row in run("list @files")] == ["files/deep/x.txt"]


def test_every_form_of_a_specification(run, job, image, pool, tmp_path):
    run("create stage specs")
    file = tmp_path / "spec.yaml"
    body = (
        f"spec:\n  containers:\n  - name: main\n    image: {image}\n    args: [exit, '{{{{ c }}}}']"
    )
    file.write_text(body.replace("{{ c }}", "0"))
    run(f"put file://{file} @specs auto_compress = false")
    (tmp_path / "template.yaml").write_text(body.replace("c }}", "c | default('4') }}"))
    run(f"put file://{tmp_path / 'template.yaml'} @specs auto_compress = false")
    start = f"execute job service in compute pool {pool}"

    run(f"{start} from @specs specification_file = 'spec.yaml' name = by_file")
    run(f"{start} name = by_template from specification_template $${body}$$ using (c => 0)")
    run(f"{start} from @specs specification_template_file = 'template.yaml' using (c => '0')")
    with pytest.raises(ProgrammingError, match="code 4"):
        run(f"{start} from @specs specification_template_file = 'template.yaml' using (d => 1)")
    with pytest.raises(ProgrammingError, match="no value for template variable 'c'"):
        run(f"{start} from specification_template $${body}$$ using (d => 1)")
    with pytest.raises(ProgrammingError, match="already exists"):
        run(f"{start} from @specs specification_file = 'spec.yaml' name = by_file")


def test_replicas_know_their_index_and_one_failure_fails_the_job(run, show, job):
    with pytest.raises(ProgrammingError, match="instance 1"):
        run(job("replica", "0", "2", options="name = pair replicas = 2"))
    rows = show("show service instances in service pair")
    said = [
        run(f"select system$get_service_logs('pair', {i}, 'main')")[0][0].strip() for i in (0, 1)
    ]

    assert [(row["instance_id"], row["status"]) for row in rows] == [
        ("0", "SUCCEEDED"),
        ("1", "FAILED"),
    ]
    assert said == ["instance 0 of 2", "instance 1 of 2"]


def test_an_asynchronous_job_is_waited_for_cancelled_and_dropped(run, show, job, database):
    run(job("sleep", "60", options="name = long async = true"))
    until(lambda: show("describe service long")[0]["status"] == "RUNNING")
    with pytest.raises(ProgrammingError):
        run("call long!spcs_wait_for('DONE', 0)")
    run("call long!spcs_cancel_job()")
    until(lambda: show("describe service long")[0]["status"] == "CANCELLED")
    run(job("exit", "0", options="name = short async = true"))
    run(f"call {database}.public.short!spcs_wait_for('DONE', 30)")
    run("drop service short")

    history = run(
        "select name, status, deleted_time is not null from table(snowflake.spcs.get_job_history())"
        f" where database_name = '{database}' order by name"
    )
    assert history == [("LONG", "CANCELLED", False), ("SHORT", "DONE", True)]


def test_a_statement_timeout_ends_the_job(run, show, job):
    run("alter session set statement_timeout_in_seconds = 1")
    with pytest.raises(ProgrammingError, match="timeout of 1 second"):
        run(job("sleep", "60", options="name = slow"))

    until(lambda: show("describe service slow")[0]["status"] == "CANCELLED")


def test_cancelling_the_statement_ends_the_job(connection, run, show, job):
    cursor = connection.cursor()
    cursor.execute_async(job("sleep", "60", options="name = stopped"))
    until(lambda: "STOPPED" in str(show("show services")))
    run(f"select system$cancel_query('{cursor.sfqid}')")

    until(lambda: show("describe service stopped")[0]["status"] == "CANCELLED")
    assert connection.get_query_status(cursor.sfqid).name in {"ABORTED", "FAILED_WITH_ERROR"}


def test_a_dropped_schema_takes_its_jobs_along(run, show, job, image, database, pool):
    run("create schema other")
    run(job("sleep", "60", options=f"name = {database}.other.long async = true"))
    until(lambda: show(f"describe service {database}.other.long")[0]["status"] == "RUNNING")
    run("drop schema other")
    run("use schema public")

    until(lambda: show(f"describe compute pool {pool}")[0]["num_jobs"] == 0)


def test_logs_and_events_outlive_the_job(run, job, database):
    run(job("exit", "0", options="name = told"))
    logs = run(f"select log from table({database}.public.told!spcs_get_logs()) order by timestamp")
    events = run(f"select status from table({database}.public.told!spcs_get_events())")
    kept = run(
        "select value from snowflake.telemetry.events where record_type = 'LOG' and "
        f"resource_attributes:\"snow.database.name\" = '{database}'"
    )

    assert logs == [("leaving with 0",)]
    assert ("DONE",) in events
    assert [json.loads(row[0]) for row in kept] == ["leaving with 0"]


def test_a_service_runs_until_it_is_suspended_or_dropped(run, show, pool, image):
    text = f"""create service web in compute pool {pool} from specification $$
spec:
  containers:
  - {{name: main, image: "{image}", args: [sleep, "600"]}}
  endpoints:
  - {{name: api, port: 8080}}
$$"""
    run(text)
    until(lambda: show("describe service web")[0]["status"] == "RUNNING")
    assert [row["name"] for row in show(f"show services in compute pool {pool}")] == ["WEB"]
    assert [row["port"] for row in show("show endpoints in service web")] == [8080]
    with pytest.raises(ProgrammingError, match="services or jobs"):
        run(f"drop compute pool {pool}")
    run("alter service web suspend")
    until(lambda: show("describe service web")[0]["status"] == "SUSPENDED")
    run("drop service web")
    with pytest.raises(ProgrammingError, match="does not exist"):
        run("describe service web")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ('name = "low"', "quoted"),
        ("name = a$b", "Invalid service name"),
        (f"name = {'x' * 64}", "Invalid service name"),
        ("parallel = 3", "unexpected 'parallel'"),
        ("replicas = 0", "REPLICAS"),
        ("replicas = 40", "MAX_NODES"),
        ("query_warehouse = nothing", "does not exist"),
        ("external_access_integrations = (nothing)", "does not exist"),
        ("name = a name = b", "unexpected"),
    ],
)
def test_options_of_a_job_are_checked(run, job, options, message):
    with pytest.raises(ProgrammingError, match=message):
        run(job("exit", "0", options=options))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("spec: {containers: []}", "takes 1 to 20"),
        ("spec: {containers: [{name: a, image: I, cpu: 1}]}", "unknown option 'cpu'"),
        (
            "spec: {containers: [{name: a, image: I}], extra: 1}",
            "unknown option 'extra' for 'spec'",
        ),
        ("spec: {containers: [{name: A, image: I}]}", "lower-case"),
        ("spec: {containers: [{name: a_b, image: I}]}", "lower-case"),
        ("spec: {containers: [{name: a}]}", "missing required option 'image'"),
        ("spec: {containers: [{name: a, image: /d/s/r/i:1}]}", "does not exist"),
        ("spec: {containers: [{name: a, image: docker.io/python}]}", "image repository"),
        ("spec: {containers: [{name: a, image: I9}]}", "no such image"),
        (
            "spec: {containers: [{name: a, image: I, resources: {limits: {memory: 40Gi}}}]}",
            "CPU_X64_XS",
        ),
        ("spec: {containers: [{name: a, image: I, resources: {limits: {memory: 4}}}]}", "unit"),
        (
            "spec: {containers: [{name: a, image: I, resources: {requests: {cpu: 2}}}]}",
            "more than a node",
        ),
        (
            "spec: {containers: [{name: a, image: I, volumeMounts: [{name: v, mountPath: /x}]}]}",
            "not defined",
        ),
        (
            "spec: {containers: [{name: a, image: I}], volumes: [{name: v, source: stage, "
            "stageConfig: {name: '@nothing'}}]}",
            "does not exist",
        ),
        (
            "spec: {containers: [{name: a, image: I, secrets: [{snowflakeSecret: nothing, "
            "envVarName: X, secretKeyRef: secret_string}]}]}",
            "does not exist",
        ),
        ("spec: {containers: [{name: a, image: I, secrets: [{snowflakeSecret: s}]}]}", "one of"),
        ("container: {}", "unknown option 'container'"),
        ("- a", "no map"),
        ("spec: {{{", "YAML"),
    ],
)
def test_a_specification_is_checked(run, pool, image, spec, message):
    text = spec.replace("image: I9", f"image: {image}9").replace("image: I", f"image: {image}")

    with pytest.raises(ProgrammingError, match=message):
        run(f"execute job service in compute pool {pool} from specification $${text}$$")


def test_rules_and_integrations_are_shown_and_messages_need_an_allowed_recipient(run, show):
    run("create network rule r type = host_port mode = egress value_list = ('a.b:443', 'c.d')")
    run("create external access integration eai_1 allowed_network_rules = (r) enabled = true")
    run(
        "create notification integration mail_1 type = email enabled = true "
        "allowed_recipients = ('ann@example.com')"
    )
    try:
        (rule,) = show("show network rules")
        names = {row["name"]: row["enabled"] for row in show("show integrations like '%_1'")}
        assert rule["entries_in_valuelist"] == 2
        assert names == {"EAI_1": "true", "MAIL_1": "true"}
        with pytest.raises(ProgrammingError, match="not allowed"):
            run("call system$send_email('mail_1', 'bob@example.com', 's', 'b')")
    finally:
        run("drop integration eai_1")
        run("drop integration mail_1")


def test_a_job_needs_a_privilege_for_its_place_pool_image_stage_and_secret(
    connection, run, pool, image, job, database
):
    """Each grant that is missing is told; with all of them the job runs."""
    role = f"R_{database}"
    run("create secret key type = generic_string secret_string = 'x'")
    run("create stage files encryption = (type = 'SNOWFLAKE_SSE')")
    more = """
    secrets: [{snowflakeSecret: key, envVarName: KEY, secretKeyRef: secret_string}]
    volumeMounts: [{name: f, mountPath: /mnt/f}]
"""
    volume = "  volumes:\n  - {name: f, source: stage, stageConfig: {name: '@files'}}"
    text = job("exit", "0", options="query_warehouse = compute_wh", more=more, volumes=volume)
    run(f"create role {role}")
    run(f"grant role {role} to role accountadmin")
    try:
        run(f"grant usage on database {database} to role {role}")
        run(f"grant usage on schema {database}.public to role {role}")
        run(f"use role {role}")
        run("use secondary roles none")
        for grant in (
            f"create service on schema {database}.public",
            f"usage on compute pool {pool}",
            f"read on image repository {database}.public.images",
            f"read on stage {database}.public.files",
            f"read on secret {database}.public.key",
        ):
            with pytest.raises(ProgrammingError, match=r"not authorized|Insufficient privileges"):
                run(text)
            run("use role accountadmin")
            run(f"grant {grant} to role {role}")
            run(f"use role {role}")
        run(text)
    finally:
        run("use role accountadmin")
        run(f"drop role {role}")
