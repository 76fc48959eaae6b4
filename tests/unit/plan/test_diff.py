"""What counts as a change, and what is only written in another way."""

from __future__ import annotations

import msgspec
import pytest

from sf_ml_framework.errors import OperatorError
from sf_ml_framework.plan import codec, explain
from sf_ml_framework.plan.changes import Alter, Blocked, Create, Expect, Keep, Plan, Remove
from sf_ml_framework.plan.compile import compile_desired
from sf_ml_framework.plan.diff import key_of_change, make_plan
from sf_ml_framework.plan.objects import (
    Column,
    Desired,
    Grant,
    Image,
    LastRun,
    Object,
    Observed,
    Pool,
    RunInFlight,
    Stage,
    Table,
    Task,
    key_of,
)
from sf_ml_framework.plan.to_sql import statements
from tests.unit.plan.projects import RICH_TARGET, rich, target

ROOT = "ML_DEV.ML.TASK_SHOP"


@pytest.fixture(scope="module")
def desired() -> Desired:
    return compile_desired(rich(), target(**RICH_TARGET))


def changed(desired: Desired, kind: type, name: str = "", **fields: object) -> tuple[Object, ...]:
    """Return what stands where all is as wanted but for some fields of one object."""
    one = next(t for t in desired.objects if isinstance(t, kind) and t.name.endswith(name))
    return tuple(
        msgspec.structs.replace(thing, **fields) if thing is one else thing
        for thing in desired.objects
    )


def plan_from(desired: Desired, objects: tuple[Object, ...], **more: object) -> Plan:
    return make_plan(desired, Observed(objects=objects, **more))


def only(plan: Plan) -> object:
    """Return the one change that is one."""
    (found,) = (change for change in plan.changes if not isinstance(change, Keep))
    return found


def sql(plan: Plan) -> list[str]:
    return [statement.sql for statement in statements(plan)]


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("TASK_SHOP", {"body": "  select 1 ;".replace("select", "SELECT")}),
        ("TASK_SHOP", {"config": '{ "b": 1, "a": "it\'s" }'}),
        ("TASK_SHOP", {"schedule": "USING CRON 0 3 * * *  Europe/Berlin"}),
        ("TASK_SHOP", {"success_integration": "null"}),
        ("TASK_SHOP", {"warehouse": "task_wh"}),
    ],
)
def test_what_snowflake_writes_in_another_way_is_no_change(desired, name, fields):
    assert plan_from(desired, changed(desired, Task, name, **fields)).is_empty


def test_white_space_between_the_words_of_a_body_is_no_change(desired):
    task = next(t for t in desired.objects if isinstance(t, Task) and t.after)
    other = task.body.replace("\n  QUERY", "   QUERY").replace("\n", "\r\n")

    assert plan_from(desired, changed(desired, Task, task.name, body=other)).is_empty


def test_white_space_inside_a_constant_is_a_change(desired):
    objects = changed(desired, Task, "TASK_LOAD", body="SELECT 'a  b'")
    wanted = msgspec.structs.replace(
        desired, objects=changed(desired, Task, "TASK_LOAD", body="SELECT 'a b'")
    )

    assert [d.field for d in only(plan_from(wanted, objects)).differences] == ["body"]


def test_one_changed_task_touches_one_task_and_the_root(desired):
    found = sql(plan_from(desired, changed(desired, Task, "TASK_TRAIN", timeout_ms=5)))

    assert found == [
        f"ALTER TASK {ROOT} SUSPEND",
        "ALTER TASK ML_DEV.ML.TASK_TRAIN SET USER_TASK_TIMEOUT_MS = 7200000",
        f"ALTER TASK {ROOT} RESUME",
    ]


def test_a_task_that_somebody_suspended_is_resumed_with_the_root_at_rest(desired):
    found = sql(plan_from(desired, changed(desired, Task, "TASK_TRAIN", started=False)))

    assert found == [
        f"ALTER TASK {ROOT} SUSPEND",
        "ALTER TASK ML_DEV.ML.TASK_TRAIN RESUME",
        f"ALTER TASK {ROOT} RESUME",
    ]


def test_a_root_of_which_only_the_state_is_left_to_a_person_is_left_alone():
    kept = compile_desired(rich(), target(tasks={"schedule": "60 MINUTE", "state": "kept"}))

    for started in (True, False):
        objects = changed(kept, Task, "TASK_SHOP", started=started)
        # Its children are as they should be.
        assert plan_from(kept, objects).is_empty


def test_a_root_that_was_started_before_a_deployment_died_is_started_again():
    kept = compile_desired(rich(), target(tasks={"schedule": "60 MINUTE", "state": "kept"}))
    objects = changed(kept, Task, "TASK_SHOP", started=False)

    assert sql(plan_from(kept, objects, interrupted=(ROOT,))) == [f"ALTER TASK {ROOT} RESUME"]


def test_a_property_that_the_role_cannot_see_is_not_compared(desired):
    objects = changed(desired, Task, "TASK_TRAIN", timeout_ms=5)

    plan = plan_from(desired, objects, unseen={"task ML_DEV.ML.TASK_TRAIN": ("timeout_ms",)})

    assert plan.is_empty


def test_what_cannot_be_looked_for_is_never_created(desired):
    objects = tuple(t for t in desired.objects if key_of(t) != "warehouse MLOPS_WH")

    plan = plan_from(desired, objects, unknown=("warehouse MLOPS_WH",), role="X")

    assert plan.is_empty
    assert [warning.code for warning in plan.warnings] == ["not_seen"]


def test_a_larger_pool_is_set_and_its_price_told(desired):
    plan = plan_from(desired, changed(desired, Pool, "BIG", max_nodes=1))

    assert sql(plan) == ["ALTER COMPUTE POOL BIG SET MAX_NODES = 4"]
    assert [warning.code for warning in plan.warnings] == ["cost"]
    assert "3 nodes of HIGHMEM_X64_M more: up to 3.33 credits" in plan.warnings[0].message


def test_a_price_that_nobody_published_is_said_to_be_unknown():
    dear = compile_desired(rich(), target(pools={"LARGE": {"family": "GEN_X64_G2_8"}}))
    objects = tuple(t for t in dear.objects if not t.name.endswith("POOL_LARGE"))

    plan = plan_from(dear, objects)

    assert [warning.code for warning in plan.warnings] == ["cost_unknown"]


def test_a_pools_family_cannot_be_changed(desired):
    change = only(plan_from(desired, changed(desired, Pool, "BIG", family="CPU_X64_S")))

    assert isinstance(change, Blocked)
    assert "another pool" in change.remedy


def test_a_column_that_is_missing_is_added_and_one_more_is_left(desired):
    table = next(t for t in desired.objects if isinstance(t, Table))
    columns = (*table.columns[:-1], Column(name="MORE", type="VARCHAR"))

    plan = plan_from(desired, changed(desired, Table, table.name, columns=columns))

    assert sql(plan) == [f'ALTER TABLE {table.name} ADD COLUMN IF NOT EXISTS "RECORD" VARCHAR']


def test_a_column_of_another_type_is_nothing_that_a_deployment_mends(desired):
    table = next(t for t in desired.objects if isinstance(t, Table))
    columns = (Column(name="RUN_ID", type="NUMBER(38,0)"), *table.columns[1:])

    change = only(plan_from(desired, changed(desired, Table, table.name, columns=columns)))

    assert isinstance(change, Blocked)


@pytest.mark.parametrize("kind", ["VARCHAR(16777216)", "TEXT", "varchar"])
def test_a_text_column_is_one_however_it_is_shown(desired, kind):
    table = next(t for t in desired.objects if isinstance(t, Table))
    columns = (Column(name="RUN_ID", type=kind), *table.columns[1:])

    assert plan_from(desired, changed(desired, Table, table.name, columns=columns)).is_empty


def test_the_owner_of_a_thing_needs_no_privilege_on_it(desired):
    grant = next(g for g in desired.objects if isinstance(g, Grant) and g.on == "STAGE")
    objects = tuple(t for t in desired.objects if t is not grant)
    owned = msgspec.structs.replace(grant, privilege="OWNERSHIP")

    assert sql(plan_from(desired, objects)) == [
        f"GRANT {grant.privilege} ON STAGE {grant.name} TO ROLE {grant.to}"
    ]
    assert plan_from(desired, (*objects, owned)).is_empty


def test_an_image_that_is_not_pushed_is_expected_and_not_made(desired):
    objects = tuple(t for t in desired.objects if not isinstance(t, Image))

    plan = plan_from(desired, objects)

    assert plan.is_empty
    assert isinstance(only(plan), Expect)
    assert only(plan).remedy == "push it: mlops image push"


def test_a_tag_that_stands_for_another_image_is_told():
    wanted = compile_desired(rich(), target(), digest="sha256:new")

    change = only(plan_from(wanted, changed(wanted, Image, digest="sha256:old")))

    assert isinstance(change, Expect)
    assert "sha256:old" in change.reason


LEFT = Task(
    name="ML_DEV.ML.TASK_OLD", body="SELECT 9", after=("TASK_LOAD",), comment="mlops shop: node old"
)


def test_a_task_that_left_the_code_stays_suspended_until_its_removal_is_asked_for(desired):
    standing = Observed(objects=(*desired.objects, LEFT))

    assert sql(make_plan(desired, standing))[1] == "ALTER TASK ML_DEV.ML.TASK_OLD SUSPEND"
    assert sql(make_plan(desired, standing, delete=True))[1] == (
        "DROP TASK IF EXISTS ML_DEV.ML.TASK_OLD"
    )


def test_a_task_that_somebody_else_made_is_left_alone(desired):
    foreign = msgspec.structs.replace(LEFT, comment="mine")

    assert make_plan(desired, Observed(objects=(*desired.objects, foreign)), delete=True).is_empty


def test_stages_repositories_and_databases_are_never_dropped(desired):
    other = Stage(name="ML_DEV.ML.OTHER")
    standing = Observed(objects=(*desired.objects, other), managed=(key_of(other),))

    assert make_plan(desired, standing, delete=True).is_empty


def test_a_pool_that_nothing_needs_any_more_is_dropped_when_asked(desired):
    old = Pool(name="OLD", family="CPU_X64_S")
    standing = Observed(objects=(*desired.objects, old), managed=(key_of(old),))

    kept, dropped = make_plan(desired, standing), make_plan(desired, standing, delete=True)

    assert kept.is_empty
    assert [warning.code for warning in kept.warnings] == ["left_standing"]
    assert sql(dropped) == ["DROP COMPUTE POOL IF EXISTS OLD"]


def test_what_a_change_costs_the_runs_is_told(desired):
    plan = plan_from(
        desired,
        changed(desired, Task, "TASK_TRAIN", timeout_ms=5),
        in_flight=(RunInFlight(run_id="r2", root=ROOT, nodes=("TASK_LOAD",)),),
        last_runs=(LastRun(run_id="r1", root=ROOT, status="failed", retryable=True),),
    )

    assert [w.code for w in plan.warnings] == ["run_in_flight", "retry_lost", "root_suspended"]
    assert "TASK_LOAD" in plan.warnings[0].message
    assert "r1" in plan.warnings[1].message


def test_a_plan_that_leaves_the_graph_alone_warns_of_no_run(desired):
    plan = plan_from(
        desired,
        changed(desired, Pool, "BIG", auto_suspend_seconds=5),
        in_flight=(RunInFlight(run_id="r2", root=ROOT),),
    )

    assert plan.warnings == ()


def test_a_finalizer_of_another_name_makes_room_and_is_told_of(desired):
    end = "ML_DEV.ML.TASK_SHOP_FINALIZE"
    objects = tuple(
        msgspec.structs.replace(t, name="ML_DEV.ML.TASK_END") if t.name == end else t
        for t in desired.objects
    )

    plan = plan_from(desired, objects)

    assert sql(plan)[1] == "ALTER TASK ML_DEV.ML.TASK_END UNSET FINALIZE"
    assert "finalizer_orphaned" in [warning.code for warning in plan.warnings]


def test_changes_are_sorted_and_each_object_has_one(desired):
    keys = [key_of_change(change) for change in make_plan(desired, Observed()).changes]

    assert keys == sorted(set(keys))
    assert len(keys) == len(desired.objects)


def test_the_explanation_counts_every_object(desired):
    objects = changed(desired, Task, "TASK_TRAIN", body="SELECT 1\n" + "x\n" * 50)
    standing = tuple(t for t in objects if not isinstance(t, Grant))
    plan = plan_from(desired, (*standing, LEFT))
    count = {kind: sum(isinstance(c, kind) for c in plan.changes) for kind in
             (Create, Alter, Remove, Keep)}  # fmt: skip

    text = explain.lines(plan)

    assert text[-1] == (
        f"Plan: {count[Create]} to create, 1 to change, 1 to remove, {count[Keep]} unchanged"
    )
    assert any("lines differ" in line for line in text)
    assert any("and " in line and "more" in line for line in text)
    assert max(map(len, text)) < 400


def test_every_step_and_change_can_be_told(desired):
    plan = make_plan(desired, Observed(objects=(LEFT,), managed=(key_of(LEFT),)))

    for each in (*plan.changes, *plan.steps):
        assert list(explain.explained(each))


def test_a_plan_and_a_state_are_read_back_as_they_were_written(desired, tmp_path):
    plan = make_plan(desired, Observed(objects=(LEFT,), account="A-B"))
    file = tmp_path / "plan.json"
    file.write_bytes(codec.encode(plan))
    state = tmp_path / "state.json"
    state.write_bytes(codec.encode(plan.observed))

    assert codec.read_plan(file) == plan
    assert codec.read_state(state) == plan.observed
    assert codec.encode(codec.read_plan(file)) == file.read_bytes()


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b'{"format": 99}', b"\xff"])
def test_a_file_that_is_no_plan_is_told_by_name(text, tmp_path):
    file = tmp_path / "plan.json"
    file.write_bytes(text)

    with pytest.raises(OperatorError, match=r"plan\.json"):
        codec.read_plan(file)


def test_a_state_of_another_format_is_refused(tmp_path):
    file = tmp_path / "state.json"
    file.write_bytes(codec.encode(Observed(format=99)))

    with pytest.raises(OperatorError, match="format 99"):
        codec.read_state(file)
