"""An environment as statements: what is cloned, what is made anew, and who owns it then."""

from __future__ import annotations

import pytest

from sf_ml_framework import settings, targets
from sf_ml_framework.environments import (
    Environment,
    decode,
    in_comment,
    seconds_of,
    why_not_name,
)
from sf_ml_framework.errors import SettingsError, UsageError
from sf_ml_framework.plan.cloning import (
    Defined,
    Making,
    Original,
    last_statements,
    left_to_others,
    repointed,
    statements,
)
from sf_ml_framework.plan.compile import compile_desired
from tests.unit.plan.projects import rich

VIEW = 'CREATE VIEW "ML_TEST"."ML"."CUSTOMERS$v1"("ID") AS SELECT "ID" FROM "ML_TEST"."ML"."C$DATA"'


def making(*, shared: bool = False, defined: tuple[Defined, ...] = ()) -> Making:
    environment = Environment(name="pr-42", of="test", project="shop", shared=shared)
    given = settings.Settings(
        project="a:B",
        targets={"test": {"database": "ml_test", "prefix": "test"}},
        made={"pr-42": environment},
    )
    target = targets.load(given, "pr-42")
    return Making(
        environment=environment,
        target=target,
        parent=targets.load(given, "test"),
        desired=compile_desired(rich(), target),
        original=Original(
            tasks=("TASK_SHOP", "TASK_LOAD"),
            alerts=("ALERT_SHOP",),
            tables=("MLOPS_RUNS",),
            defined=defined,
        ),
        role="ACCOUNTADMIN",
        user="me@example.com",
    )


@pytest.mark.parametrize(
    ("sql", "new"),
    [
        ('SELECT * FROM "OLD"."ML".T', 'SELECT * FROM "NEW"."ML".T'),
        ("select * from old.ml.t, OLD . ml.u", 'select * from "NEW".ml.t, "NEW" . ml.u'),
        ("select old.a from ml.old", 'select "NEW".a from ml.old'),
        ("select 'OLD.ML' as a -- OLD.ML\nfrom t", "select 'OLD.ML' as a -- OLD.ML\nfrom t"),
        ("select 'it''s OLD.' , $$OLD.x$$", "select 'it''s OLD.' , $$OLD.x$$"),
        ('select "old".x, OLDER.y, x.OLD.z', 'select "old".x, OLDER.y, x.OLD.z'),
        ("select 1 /* OLD.ML */", "select 1 /* OLD.ML */"),
    ],
)
def test_a_database_is_replaced_where_a_name_begins_with_it(sql, new):
    """An alias that is the database's name cannot be told from it, and is left to be seen."""
    assert repointed(sql, "OLD", "NEW") == new


def test_the_mark_comes_with_the_database():
    first = next(statements(making()))

    assert first.startswith(
        "CREATE DATABASE IF NOT EXISTS ML_TEST_PR_42 CLONE ML_TEST INCLUDE INTERNAL STAGES"
    )
    comment = first.partition("COMMENT = ")[2].strip("'").replace('\\"', '"')
    found = in_comment(comment)
    assert found is not None
    assert (found.name, found.of, found.project) == ("pr-42", "test", "shop")


def test_views_that_name_the_other_database_are_made_anew_and_others_left():
    defined = (
        Defined(kind="VIEW", name="CUSTOMERS$v1", text=VIEW),
        Defined(kind="VIEW", name="OTHER", text="CREATE VIEW other AS SELECT * FROM t"),
    )

    made = [each for each in statements(making(defined=defined)) if each.startswith("CREATE OR")]

    assert made == [
        'CREATE OR REPLACE VIEW "ML_TEST_PR_42"."ML"."CUSTOMERS$v1"("ID") AS SELECT "ID" FROM'
        ' "ML_TEST_PR_42"."ML"."C$DATA"'
    ]


def test_a_dynamic_table_costs_nothing_until_its_node_runs():
    text = 'CREATE DYNAMIC TABLE D TARGET_LAG = "1 day" AS SELECT * FROM ML_TEST.ML.T;'
    defined = (Defined(kind="DYNAMIC TABLE", name="D", text=text),)

    found = list(statements(making(defined=defined)))
    made = [each for each in found if "DYNAMIC TABLE" in each and "GRANT" not in each]

    assert made[0].startswith("CREATE OR REPLACE DYNAMIC TABLE D")
    assert not made[0].endswith(";")
    assert made[1].endswith("SET WAREHOUSE = TEST_PR_42_WH")
    assert made[2].endswith('"D" SUSPEND')


def test_the_graph_of_the_other_target_does_not_come_along():
    found = list(statements(making()))

    assert "DROP TASK IF EXISTS ML_TEST_PR_42.ML.TASK_SHOP" in found
    assert "DROP TASK IF EXISTS ML_TEST_PR_42.ML.TASK_LOAD" in found
    assert "DROP ALERT IF EXISTS ML_TEST_PR_42.ML.ALERT_SHOP" in found


def test_an_own_environment_owns_what_came_along_and_its_user_may_deploy_to_it():
    given = making()
    first, last = list(statements(given)), list(last_statements(given))

    assert 'GRANT ROLE TEST_PR_42_DEPLOY_ROLE TO USER "me@example.com"' in first
    schema = "IN SCHEMA ML_TEST_PR_42.ML TO ROLE"
    assert f"GRANT OWNERSHIP ON ALL TABLES {schema} TEST_PR_42_ROLE REVOKE CURRENT GRANTS" in last
    runs = "GRANT OWNERSHIP ON TABLE ML_TEST_PR_42.ML.MLOPS_RUNS TO ROLE TEST_PR_42_DEPLOY_ROLE"
    assert last.index(f"{runs} REVOKE CURRENT GRANTS") > last.index(
        f"GRANT OWNERSHIP ON ALL TABLES {schema} TEST_PR_42_ROLE REVOKE CURRENT GRANTS"
    )
    # One that this version makes and the target has not yet is made, and so is its maker's.
    assert not [each for each in last if "OWNERSHIP" in each and "MLOPS_METRICS" in each]
    assert f"GRANT SELECT ON ALL TABLES {schema} TEST_PR_42_READ_ROLE" in last


def test_a_shared_environment_makes_no_role_no_warehouse_and_no_pool():
    given = making(shared=True)
    everything = "\n".join([*statements(given), *last_statements(given)])

    for words in ("CREATE ROLE", "CREATE WAREHOUSE", "CREATE COMPUTE POOL", "OWNERSHIP"):
        assert words not in everything
    assert "GRANT USAGE ON DATABASE ML_TEST_PR_42 TO ROLE TEST_DEPLOY_ROLE" in everything
    assert "USE ROLE TEST_ROLE" in everything


def test_in_a_shared_environment_views_are_made_anew_by_who_owns_them():
    text = "CREATE VIEW {0} AS SELECT * FROM ML_TEST.ML.T"
    owners = {"A": "TEST_ROLE", "B": "TEST_DEPLOY_ROLE", "C": "ACCOUNTADMIN"}
    given = making(
        shared=True,
        defined=tuple(
            Defined(kind="VIEW", name=name, text=text.format(name), owner=owner)
            for name, owner in owners.items()
        ),
    )
    found = list(statements(given))
    at = found.index('CREATE OR REPLACE VIEW A AS SELECT * FROM "ML_TEST_PR_42".ML.T')

    assert found[at + 1 :] == [
        "USE ROLE TEST_DEPLOY_ROLE",
        'CREATE OR REPLACE VIEW B AS SELECT * FROM "ML_TEST_PR_42".ML.T',
        "USE ROLE TEST_ROLE",
    ]
    assert [each.name for each in left_to_others(given)] == ["C"]


@pytest.mark.parametrize("name", ["pr-42", "PR_42", "4"])
def test_a_name_of_letters_digits_and_lines_is_one(name):
    assert why_not_name(name) == ""


@pytest.mark.parametrize("name", ["", "-a", "a/b", "a.b", "../a", "a b", "a" * 64, "é"])
def test_what_could_be_a_path_or_no_identifier_is_no_name(name):
    assert why_not_name(name)


def test_a_comment_of_somebody_else_is_no_mark():
    assert in_comment("our data") is None
    assert in_comment("mlops environment {") is None
    assert in_comment('mlops environment {"name":"../x","of":"test"}') is None


def test_a_record_that_is_none_says_where_it_stands():
    with pytest.raises(SettingsError, match=r"pr\.json"):
        decode("[]", "pr.json")


@pytest.mark.parametrize(("text", "seconds"), [("", 0), ("90m", 5400), ("12h", 43200),
                                               ("3d", 259200), ("2w", 1209600)])  # fmt: skip
def test_a_time_has_a_unit(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["3", "d", "0d", "-1d", "3 years", "1e3d"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(UsageError, match="is no time"):
        seconds_of(text)


def test_an_environment_expires_by_the_clock_it_is_told():
    found = Environment(name="a", of="b", expires="2026-01-02T00:00:00Z")

    assert not found.is_expired("2026-01-01T23:59:59Z")
    assert found.is_expired("2026-01-02T00:00:00Z")
    assert not Environment(name="a", of="b").is_expired("2026-01-02T00:00:00Z")
