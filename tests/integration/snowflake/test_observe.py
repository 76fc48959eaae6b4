"""What stands in an account, as a plan sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from sf_ml_framework.deploy.records import Recorded
from sf_ml_framework.places.snowflake.observe import observe
from sf_ml_framework.plan.objects import (
    Database,
    Desired,
    Grant,
    Image,
    ImageRepository,
    Observed,
    Pool,
    Role,
    Schema,
    Stage,
    Task,
    Warehouse,
    key_of,
)
from sf_ml_framework.plan.tables import framework_tables
from tests.integration.snowflake.gates import Gate
from tests.waiting import until


@pytest.fixture
def account(make_account: Callable[..., Any]) -> Any:
    return make_account()


@pytest.fixture
def look(account: Any, database: str) -> Callable[..., Observed]:
    """Return what observes the schema ML for some wanted objects."""

    def call(*wanted: Any, recorded: Recorded | None = None, **more: Any) -> Observed:
        return observe(account, state(database, *wanted), recorded or Recorded(), **more)

    return call


@pytest.fixture
def sent(account: Any, emulator: Any) -> Callable[[], list[str]]:
    """Return what tells the statements of the account's session since it was asked last."""
    record = emulator.account.record
    session = account.connection.session_id
    seen = [record.added]

    def since() -> list[str]:
        new, seen[0] = record.since(seen[0], "statement"), record.added
        return [str(line["sql"]) for line in new if line["session"] == session]

    return since


def state(database: str, *wanted: Any) -> Desired:
    return Desired(
        project="churn", target="dev", database=database, schema="ML", role="ACCOUNTADMIN",
        deploy_role="ACCOUNTADMIN", warehouse="COMPUTE_WH", root=f"{database}.ML.ROOT",
        image="", objects=tuple(wanted),
    )  # fmt: skip


def found(observed: Observed, kind: type[Any]) -> list[Any]:
    return [thing for thing in observed.objects if isinstance(thing, kind)]


@pytest.fixture
def graph(account: Any, database: str) -> dict[str, Task]:
    """ROOT -> A -> B, and FIN, the finalizer; the tasks as they are wanted."""
    place = f"{database}.ML"
    account.execute(f"use schema {place}")
    for sql in (
        "create task root schedule = 'USING CRON 7 3 * * * UTC' config = '{\"b\": 1, \"a\": [2]}' "
        "overlap_policy = allow_all_overlap user_task_timeout_ms = 7200000 "
        "task_auto_retry_attempts = 2 suspend_task_after_num_failures = 3 as select 1",
        "create task a after root user_task_timeout_ms = 60000 comment = 'it''s' as select 'x'",
        "create task b warehouse = compute_wh after a, root as begin let x := 1; return x; end",
        "create task fin finalize = root as select 2",
        "create task other as select 3",
        "alter task a resume",
    ):
        account.execute(sql)
    return {
        "ROOT": Task(
            name=f"{place}.ROOT", body="select 1", schedule="USING CRON 7 3 * * * UTC",
            config='{"a":[2],"b":1}', overlap_policy="ALLOW_ALL_OVERLAP", timeout_ms=7_200_000,
            auto_retry_attempts=2, suspend_after_failures=3, started=False,
        ),
        "A": Task(name=f"{place}.A", body="select 'x'", after=("ROOT",), timeout_ms=60_000,
                  comment="it's"),
        "B": Task(name=f"{place}.B", body="begin let x := 1; return x; end", after=("A", "ROOT"),
                  warehouse="COMPUTE_WH", started=False),
        "FIN": Task(name=f"{place}.FIN", body="select 2", finalizes="ROOT", started=False),
    }  # fmt: skip


def test_a_graph_is_seen_as_it_was_made(look, graph):
    wanted = tuple(graph.values())

    observed = look(*wanted, recorded=Recorded(states=(state("X", *wanted),)))

    assert found(observed, Task) == sorted(wanted, key=key_of)


def test_without_a_record_each_task_is_asked_for_what_show_leaves_out(look, graph):
    observed = look(*graph.values())

    seen = {task.name.rpartition(".")[2]: task for task in found(observed, Task)}
    assert seen["A"] == graph["A"]
    assert (seen["ROOT"].timeout_ms, seen["ROOT"].auto_retry_attempts) == (7_200_000, 2)
    # Only what was recorded can tell one kind of overlap from the other.
    assert seen["ROOT"].overlap_policy == "ALLOW_CHILD_OVERLAP"


def test_where_two_states_are_recorded_the_task_itself_is_asked(look, graph, account):
    before = msgspec.structs.replace(graph["A"], timeout_ms=1)
    recorded = Recorded(states=(state("X", *graph.values()), state("X", before)))

    seen = look(*graph.values(), recorded=recorded)
    account.execute("alter task a set user_task_timeout_ms = 5")
    later = look(*graph.values(), recorded=recorded)

    assert next(t for t in found(seen, Task) if t.name.endswith(".A")).timeout_ms == 60_000
    assert next(t for t in found(later, Task) if t.name.endswith(".A")).timeout_ms == 5


def test_a_thorough_look_sees_what_a_quick_one_takes_from_the_record(look, graph, account):
    recorded = Recorded(states=(state("X", *graph.values()),))
    account.execute("alter task a set user_task_timeout_ms = 5")

    quick, thorough = (look(*graph.values(), recorded=recorded, thorough=t) for t in (False, True))

    assert next(t for t in found(quick, Task) if t.name.endswith(".A")).timeout_ms == 60_000
    assert next(t for t in found(thorough, Task) if t.name.endswith(".A")).timeout_ms == 5


def test_tasks_of_the_graph_are_seen_also_when_nobody_wants_them_and_others_are_not(look, graph):
    observed = look(graph["ROOT"])

    assert {t.name.rpartition(".")[2] for t in found(observed, Task)} == {"ROOT", "A", "B", "FIN"}


def test_the_number_of_statements_does_not_grow_with_the_graph(look, sent, account, database):
    account.execute(f"use schema {database}.ML")
    account.execute("create task root as select 1")
    tasks = [Task(name=f"{database}.ML.ROOT", body="select 1")]

    def statements() -> int:
        sent()
        look(*tasks, recorded=Recorded(states=(state("X", *tasks),)))
        return len(sent())

    with_one = statements()
    for number in range(12):
        account.execute(f"create task t{number} after root as select 1")
        tasks.append(Task(name=f"{database}.ML.T{number}", body="select 1", after=("ROOT",)))

    assert 0 < with_one <= 12
    assert statements() == with_one


def test_a_look_changes_nothing(look, graph, sent):
    sent()
    look(*graph.values(), *framework_tables("D.ML"), Pool(name="P", family="X"), Role(name="R"))

    texts = sent()
    assert texts
    assert {text.split()[0].upper() for text in texts} <= {"SHOW", "SELECT", "DESCRIBE"}


def test_pools_stages_repositories_images_tables_and_grants_are_seen(
    look, account, database, emulator
):
    place = f"{database}.ML"
    table = framework_tables(place)[0]
    columns = ", ".join(f"{c.name} {c.type} {'NOT NULL' * c.required}" for c in table.columns)
    pool, role = f"P_{database}", f"R_{database}"
    for sql in (
        f"use schema {place}",
        f"create compute pool {pool} min_nodes = 1 max_nodes = 3 instance_family = CPU_X64_S "
        "auto_suspend_secs = 60 initially_suspended = true comment = 'small'",
        "create stage files directory = (enable = true) encryption = (type = 'SNOWFLAKE_SSE') "
        "comment = 'reports'",
        "create image repository images",
        f"create table {table.name} ({columns}, primary key ({', '.join(table.primary_key)}))"
        f" comment = '{table.comment}'",
        f"create role {role} comment = 'runs'",
        f"grant usage on schema {place} to role {role}",
        f"grant execute task on account to role {role}",
        f"grant select on future tables in schema {place} to role {role}",
        f"grant role {role} to role sysadmin",
    ):
        account.execute(sql)
    emulator.add_image(f"/{place}/images/x:1".lower().replace(".", "/"), project=".")
    wanted = [
        Database(name=database),
        Schema(name=place),
        Warehouse(name="COMPUTE_WH"),
        Pool(name=pool, family="CPU_X64_S", max_nodes=3, auto_suspend_seconds=60, comment="small"),
        Stage(name=f"{place}.FILES", directory=True, comment="reports"),
        ImageRepository(name=f"{place}.IMAGES"),
        table,
        Role(name=role, comment="runs"),
        Grant(name=place, privilege="USAGE", on="SCHEMA", to=role),
        Grant(name="", privilege="EXECUTE TASK", on="ACCOUNT", to=role),
        Grant(name=place, privilege="SELECT", on="FUTURE TABLES", to=role),
        Grant(name=role, privilege="USAGE", on="ROLE", to="SYSADMIN"),
    ]
    image = Image(name=f"/{place}/images/x:1".lower().replace(".", "/"))

    observed = look(*wanted, image)

    seen = {key_of(thing): thing for thing in observed.objects}
    assert seen.pop(key_of(image)).digest.startswith("sha256:")
    seen.pop("warehouse COMPUTE_WH")
    assert seen == {key_of(thing): thing for thing in wanted if not isinstance(thing, Warehouse)}


def test_of_what_stands_only_what_is_wanted_or_was_deployed_is_seen(look, account, database):
    account.execute(f"use schema {database}.ML")
    for name in ("mine", "theirs", "older"):
        account.execute(f"create stage {name}")
    older = Stage(name=f"{database}.ML.OLDER", directory=False)

    observed = look(
        Stage(name=f"{database}.ML.MINE"), recorded=Recorded(managed=(key_of(older), "stage GONE"))
    )

    assert [s.name.rpartition(".")[2] for s in found(observed, Stage)] == ["MINE", "OLDER"]
    assert observed.managed == (key_of(older),)


def test_where_nothing_stands_nothing_is_seen_and_nothing_fails(account):
    wanted = state("NOWHERE", *framework_tables("NOWHERE.ML"), Role(name="NOBODY"),
                   Grant(name="NOWHERE", privilege="USAGE", on="DATABASE", to="NOBODY"),
                   Database(name="NOWHERE"), Schema(name="NOWHERE.ML"))  # fmt: skip

    observed = observe(account, wanted, Recorded())

    assert observed.objects == ()
    assert observed.account
    assert observed.role == "ACCOUNTADMIN"


def test_the_digest_tells_two_states_apart_and_not_two_looks(look, graph, account):
    first, again = look(*graph.values()), look(*graph.values())
    account.execute("alter task b modify as select 5")

    assert first.digest == again.digest != look(*graph.values()).digest


def test_a_run_in_flight_is_told_with_the_tasks_that_run_now(look, account, database):
    gate = Gate(account, f"{database}.ML.GATE")
    account.execute(f"use schema {database}.ML")
    account.execute("create task root as select 1")
    account.execute(f"create task a after root as {gate.body}")
    account.execute("create task b after a as select 1")
    account.execute("select system$task_dependents_enable('ROOT')")
    root = Task(name=f"{database}.ML.ROOT", body="select 1")
    account.execute("execute task root")

    # While the root itself runs, nothing else does.
    seen = until(lambda: (now := look(root)).in_flight and now.in_flight[0].nodes == ("A",) and now)
    gate.open()
    after = until(lambda: not (now := look(root)).in_flight and now)

    (run,), (last,) = seen.in_flight, after.last_runs
    assert (run.root, run.run_id) == (root.name, last.run_id)
    assert run.started
    assert seen.last_runs == ()


def test_how_the_last_run_ended_is_told(look, account, database):
    account.execute(f"use schema {database}.ML")
    account.execute("create task root as select 1")
    account.execute("create task a after root as select 1 / 0")
    account.execute("alter task a resume")
    root = Task(name=f"{database}.ML.ROOT", body="select 1")
    assert look(root).last_runs == ()

    account.execute("execute task root")
    _ended(account, database)
    (last,) = look(root).last_runs
    account.execute("alter task a modify as select 1")
    account.execute("execute task root")
    _ended(account, database, times=2)
    (later,) = look(root).last_runs

    assert (last.status, last.retryable, last.root) == ("FAILED", True, root.name)
    assert (later.status, later.retryable) == ("SUCCEEDED", False)
    assert last.run_id != later.run_id
    assert later.ended


def _ended(account: Any, database: str, times: int = 1) -> None:
    """Wait until so many runs of a graph have ended."""
    asked = (
        f"select * from table({database}.information_schema.complete_task_graphs("
        "root_task_name => 'ROOT')) where database_name = ?"
    )
    until(lambda: len(account.rows(asked, (database,))) >= times)
