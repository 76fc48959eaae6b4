"""The same promise for pools, images, secrets, jobs, integrations, dynamic tables and datasets."""

from __future__ import annotations

import pytest

from tests.integration.emulator.access_world import Case, World, check

TABLE = "create or replace table {s}.t (x int)"
POOL = (
    "create compute pool if not exists {w}_p min_nodes = 1 max_nodes = 1 "
    "instance_family = CPU_X64_XS initially_suspended = true"
)
REPOSITORY = "create or replace image repository {s}.images"
SECRET = "create or replace secret {s}.k type = generic_string secret_string = 'v'"
RULE = (
    "create or replace network rule {s}.nr mode = egress type = host_port "
    "value_list = ('example.com:443')"
)
MAIL = (
    "create or replace notification integration {w}_m type = email enabled = true "
    "allowed_recipients = ('a@example.com')"
)
DYNAMIC = (
    "create or replace dynamic table {s}.dt target_lag = '1 hour' warehouse = {w} "
    "as select x from {s}.t"
)
SPEC = (
    'from specification $$ {{"spec": {{"containers": [{{"name": "main", '
    '"image": "/{d}/s/images/none:1", "secrets": [{{"snowflakeSecret": "{s}.k", '
    '"envVarName": "K", "secretKeyRef": "secret_string"}}]}}]}}}} $$'
)
NO_POOL = ("drop compute pool {w}_p",)
NO_MAIL = ("drop integration {w}_m",)

CASES = [
    Case(
        "create pool",
        POOL.replace("if not exists ", ""),
        ("create compute pool on account",),
        after=NO_POOL,
        place=False,
    ),
    Case(
        "change pool",
        "alter compute pool {w}_p set max_nodes = 2",
        ("modify on compute pool {w}_p",),
        (POOL,),
        NO_POOL,
        place=False,
    ),
    Case(
        "suspend pool",
        "alter compute pool {w}_p suspend",
        ("operate on compute pool {w}_p",),
        (POOL,),
        NO_POOL,
        place=False,
    ),
    Case(
        "drop pool",
        "drop compute pool {w}_p",
        ("ownership on compute pool {w}_p",),
        (POOL,),
        place=False,
    ),
    Case(
        "create repository",
        "create image repository {s}.n",
        ("create image repository on schema {s}",),
    ),
    Case(
        "list images",
        "show images in image repository {s}.images",
        ("read on image repository {s}.images",),
        (REPOSITORY,),
    ),
    Case(
        "drop repository",
        "drop image repository {s}.images",
        ("ownership on image repository {s}.images",),
        (REPOSITORY,),
    ),
    Case("create secret", SECRET.replace("or replace ", ""), ("create secret on schema {s}",)),
    Case(
        "change secret",
        "alter secret {s}.k set secret_string = 'w'",
        ("ownership on secret {s}.k",),
        (SECRET,),
    ),
    Case("drop secret", "drop secret {s}.k", ("ownership on secret {s}.k",), (SECRET,)),
    Case("create rule", RULE.replace("or replace ", ""), ("create network rule on schema {s}",)),
    Case(
        "external access",
        "create external access integration {w}_x allowed_network_rules = ({s}.nr) enabled = true",
        ("create integration on account", "usage on network rule {s}.nr"),
        (RULE,),
        ("drop integration {w}_x",),
    ),
    Case(
        "notification integration",
        MAIL.replace("or replace ", ""),
        ("create integration on account",),
        after=NO_MAIL,
        place=False,
    ),
    Case(
        "send email",
        "call system$send_email('{w}_m', 'a@example.com', 's', 'b')",
        ("usage on integration {w}_m",),
        (MAIL,),
        NO_MAIL,
        place=False,
    ),
    Case(
        "drop integration",
        "drop integration {w}_m",
        ("ownership on integration {w}_m",),
        (MAIL,),
        place=False,
    ),
    Case(
        "run a job",
        "execute job service in compute pool {w}_p name = {s}.j query_warehouse = {w} " + SPEC,
        (
            "create service on schema {s}",
            "usage on compute pool {w}_p",
            "usage on warehouse {w}",
            "read on image repository {s}.images",
            "read on secret {s}.k",
        ),
        (POOL, "alter compute pool {w}_p set auto_resume = true", REPOSITORY, SECRET),
        NO_POOL,
        ends="(?i)image",
    ),
    Case(
        "create service",
        "create service {s}.sv in compute pool {w}_p " + SPEC,
        (
            "create service on schema {s}",
            "usage on compute pool {w}_p",
            "read on image repository {s}.images",
            "read on secret {s}.k",
        ),
        (POOL, REPOSITORY, SECRET),
        NO_POOL,
        ends="(?i)image",
    ),
    Case(
        "create dynamic table",
        DYNAMIC.replace("or replace ", ""),
        (
            "create dynamic table on schema {s}",
            "select on table {s}.t",
            "usage on warehouse {w}",
        ),
        (TABLE,),
    ),
    Case(
        "suspend dynamic table",
        "alter dynamic table {s}.dt suspend",
        ("operate on dynamic table {s}.dt",),
        (TABLE, "use warehouse {w}", DYNAMIC),
    ),
    Case(
        "read dynamic table",
        "select * from {s}.dt",
        ("select on dynamic table {s}.dt",),
        (TABLE, "use warehouse {w}", DYNAMIC),
        rows=True,
    ),
    Case(
        "drop dynamic table",
        "drop dynamic table {s}.dt",
        ("ownership on dynamic table {s}.dt",),
        (TABLE, "use warehouse {w}", DYNAMIC),
    ),
    Case("create dataset", "create dataset {s}.n", ("create dataset on schema {s}",)),
    Case(
        "drop dataset",
        "drop dataset {s}.ds",
        ("ownership on dataset {s}.ds",),
        ("create dataset {s}.ds",),
    ),
]

TASK = "create or replace task {s}.k warehouse = {w} as select 1"
QUEUE = (
    "create or replace notification integration {d}_q enabled = true type = queue"
    " direction = outbound notification_provider = aws_sns"
    " aws_sns_topic_arn = 'arn:aws:sns:eu-west-1:1:t' aws_sns_role_arn = 'arn:aws:iam::1:role/r'"
)
ALERT = (
    "create or replace alert {s}.a warehouse = {w} schedule = '60 minute' "
    "if (exists (select 1)) then select 1"
)

CASES += [
    Case(
        "create task",
        TASK.replace("or replace ", ""),
        ("create task on schema {s}", "usage on warehouse {w}"),
    ),
    Case(
        "suspend task",
        "alter task {s}.k suspend",
        ("operate on task {s}.k",),
        (TASK,),
    ),
    Case(
        "change task",
        "alter task {s}.k set comment = 'c'",
        ("ownership on task {s}.k",),
        (TASK,),
    ),
    Case(
        "run task",
        "execute task {s}.k",
        ("operate on task {s}.k",),
        (TASK,),
    ),
    Case("drop task", "drop task {s}.k", ("ownership on task {s}.k",), (TASK,)),
    Case(
        "create task that tells of errors",
        "create task {s}.k error_integration = {d}_q as select 1",
        ("create task on schema {s}", "usage on integration {d}_q"),
        (QUEUE,),
        ("drop integration {d}_q",),
    ),
    Case(
        "let a task tell of success",
        "alter task {s}.k set success_integration = {d}_q",
        ("ownership on task {s}.k", "usage on integration {d}_q"),
        (TASK, QUEUE),
        ("drop integration {d}_q",),
    ),
    Case(
        "create alert",
        ALERT.replace("or replace ", ""),
        ("create alert on schema {s}", "usage on warehouse {w}"),
    ),
    Case(
        "resume alert",
        "alter alert {s}.a resume",
        ("operate on alert {s}.a",),
        (ALERT,),
    ),
    Case(
        "run alert",
        "execute alert {s}.a",
        ("operate on alert {s}.a",),
        (ALERT,),
    ),
    Case("drop alert", "drop alert {s}.a", ("ownership on alert {s}.a",), (ALERT,)),
]


@pytest.fixture(scope="module")
def world(snowflake_connection):
    made = World(snowflake_connection)
    yield made
    made.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_statement_runs_with_its_grants_and_fails_without_any(world, case):
    check(world, case)
