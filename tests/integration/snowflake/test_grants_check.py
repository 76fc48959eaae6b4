"""`mlops grants --check`: what lacks in an account, what is too much, what nobody could see."""

from __future__ import annotations

import pytest

from tests.integration.snowflake.granted import Bazaar

MANAGER = "ACCOUNTADMIN"


@pytest.fixture(scope="module")
def bazaar(tmp_path_factory, emulator):
    """Two targets in one account, founded by an administrator."""
    made = Bazaar(tmp_path_factory.mktemp("bazaar"), emulator)
    made.prepare()
    made.found()
    made.found("other")
    return made


@pytest.fixture
def check(bazaar):
    """Return what compares and gives exit code and JSON."""

    def compare(*more, role=MANAGER):
        words = ("grants", "--check", "--format", "json", "--role", role)
        done = bazaar.mlops(*words, *more, role=role)
        return done.code, done.json

    return compare


@pytest.fixture
def changed(bazaar):
    """Return what runs a statement of the administrator, and the other way after the test."""
    undo = []

    def change(statement, back):
        bazaar.sql(statement.format(n=bazaar.name))
        undo.append(back.format(n=bazaar.name))

    yield change
    for statement in reversed(undo):
        bazaar.sql(statement)


def told(document, state):
    return [(each["role"], each["privilege"], each["on"], each["name"]) for each in document[state]]


@pytest.mark.parametrize("target", ["dev", "other"])
def test_what_an_administrator_founded_is_exact(bazaar, check, target):
    code, found = check("--target", target)

    assert (found["missing"], found["excess"], found["unseen"]) == ([], [], [])
    assert found["same"] and found["whole"]
    assert code == 0


def test_a_missing_grant_is_told_with_its_line_and_statement(bazaar, check, changed):
    changed(
        "revoke create model on schema {n}.ML from role {n}_ROLE",
        "grant create model on schema {n}.ML to role {n}_ROLE",
    )

    code, found = check()

    (missing,) = found["missing"]
    assert code == 2
    assert missing["because"].startswith(f"{bazaar.package}/pipeline.py:")
    assert missing["because"].endswith("model line")
    assert missing["statement"] == (
        f"GRANT CREATE MODEL ON SCHEMA {bazaar.name}.ML TO ROLE {bazaar.name}_ROLE;"
    )


@pytest.mark.parametrize(
    ("grant", "back", "said", "statement"),
    [
        (
            "grant select on all tables in schema {n}_VAULT.KEYS to role {n}_ROLE",
            "revoke select on all tables in schema {n}_VAULT.KEYS from role {n}_ROLE",
            "nothing in the project asks for it",
            "REVOKE SELECT ON TABLE {n}_VAULT.KEYS.T FROM ROLE {n}_ROLE;",
        ),
        (
            "grant role accountadmin to role {n}_READ_ROLE",
            "revoke role accountadmin from role {n}_READ_ROLE",
            "ACCOUNTADMIN may do everything in the account",
            "REVOKE ROLE ACCOUNTADMIN FROM ROLE {n}_READ_ROLE;",
        ),
        (
            "grant role {n}_ROLE to role {n}_READ_ROLE",
            "revoke role {n}_ROLE from role {n}_READ_ROLE",
            "nothing in the project asks for it",
            "REVOKE ROLE {n}_ROLE FROM ROLE {n}_READ_ROLE;",
        ),
        (
            "grant usage on database {n} to role {n}_DEPLOY_ROLE",
            "revoke usage on database {n} from role {n}_DEPLOY_ROLE",
            "it has that by role {n}_ROLE",
            "REVOKE USAGE ON DATABASE {n} FROM ROLE {n}_DEPLOY_ROLE;",
        ),
        (
            "grant insert on future tables in schema {n}.ML to role {n}_READ_ROLE",
            "revoke insert on future tables in schema {n}.ML from role {n}_READ_ROLE",
            "nothing in the project asks for it",
            "REVOKE INSERT ON FUTURE TABLES IN SCHEMA {n}.ML FROM ROLE {n}_READ_ROLE;",
        ),
        (
            "grant select on future tables in database {n} to role {n}_READ_ROLE",
            "revoke select on future tables in database {n} from role {n}_READ_ROLE",
            "nothing in the project asks for it",
            "REVOKE SELECT ON FUTURE TABLES IN DATABASE {n} FROM ROLE {n}_READ_ROLE;",
        ),
        (
            "grant monitor usage on account to role {n}_ROLE",
            "revoke monitor usage on account from role {n}_ROLE",
            "nothing in the project asks for it",
            "REVOKE MONITOR USAGE ON ACCOUNT FROM ROLE {n}_ROLE;",
        ),
        (
            "grant execute task on account to role {n}_ROLE with grant option",
            "revoke grant option for execute task on account from role {n}_ROLE",
            "it may be passed on to others",
            "REVOKE GRANT OPTION FOR EXECUTE TASK ON ACCOUNT FROM ROLE {n}_ROLE;",
        ),
        (
            "grant ownership on database {n}_VAULT to role {n}_ROLE copy current grants",
            "grant ownership on database {n}_VAULT to role accountadmin copy current grants",
            "nothing in the project makes it",
            "GRANT OWNERSHIP ON DATABASE {n}_VAULT TO ROLE SYSADMIN COPY CURRENT GRANTS;",
        ),
        (
            "grant ownership on table {n}.ML.MLOPS_RUNS to role {n}_ROLE copy current grants",
            "grant ownership on table {n}.ML.MLOPS_RUNS to role {n}_DEPLOY_ROLE"
            " copy current grants",
            "it is made by role {n}_DEPLOY_ROLE, which should own it",
            "GRANT OWNERSHIP ON TABLE {n}.ML.MLOPS_RUNS TO ROLE {n}_DEPLOY_ROLE"
            " COPY CURRENT GRANTS;",
        ),
        (
            "grant ownership on warehouse {n}_TASKS_WH to role {n}_READ_ROLE copy current grants",
            "grant ownership on warehouse {n}_TASKS_WH to role accountadmin copy current grants",
            "the read role makes nothing, and should own nothing",
            "GRANT OWNERSHIP ON WAREHOUSE {n}_TASKS_WH TO ROLE SYSADMIN COPY CURRENT GRANTS;",
        ),
    ],
)
def test_too_much_is_told_with_what_takes_it_away(
    bazaar, check, changed, grant, back, said, statement
):
    bazaar.sql(f"create table if not exists {bazaar.name}_VAULT.KEYS.T (a int)")
    changed(grant, back)

    code, found = check()

    (excess,) = found["excess"]
    assert code == 2
    assert excess["because"] == said.format(n=bazaar.name)
    assert excess["statement"] == statement.format(n=bazaar.name)


def test_its_statements_make_the_account_what_the_project_asks_for(bazaar, check, changed):
    name = bazaar.name
    changed("revoke role {n}_ROLE from role {n}_DEPLOY_ROLE", "select 1")
    changed("grant role securityadmin to role {n}_ROLE", "select 1")
    changed("grant operate on compute pool {n}_COMPUTE_POOL to role {n}_READ_ROLE", "select 1")

    done = bazaar.mlops("grants", "--check", "--format", "sql", "--role", MANAGER, role=MANAGER)
    bazaar.sql(*(line.rstrip(";") for line in done.out.splitlines() if line[:2] != "--"))

    assert done.code == 2
    assert f"-- missing: mlops.yml: targets.dev.role\nGRANT ROLE {name}_ROLE" in done.out
    assert check()[0] == 0


def test_what_a_role_cannot_see_is_neither_missing_nor_in_order(bazaar, check, changed):
    """The deploy role has the run role; of the read role it sees what it is told, and no more."""
    deploys, _, reads = bazaar.roles()
    changed(
        "revoke select on table {n}.ML.MLOPS_RUNS from role {n}_READ_ROLE",
        "grant select on table {n}.ML.MLOPS_RUNS to role {n}_READ_ROLE",
    )

    code, found = check(role=deploys)

    assert code == 3
    assert found["missing"] == []
    assert found["same"] is None
    assert told(found, "unseen") == [(reads, "SELECT", "TABLE", f"{bazaar.name}.ML.MLOPS_RUNS")]
    assert {each["role"]: each["whole"] for each in found["roles"]}[reads] is False


def test_a_role_sees_all_of_itself(bazaar, check):
    deploys = bazaar.roles()[0]

    code, found = check("--of", "deploy", "--of", "run", role=deploys)

    assert code == 0
    assert found["whole"]


def test_a_role_that_is_not_there_lacks_everything(bazaar, check):
    """Its grants are missing, for everybody may list the roles of an account."""
    settings = bazaar.root / "mlops.yml"
    before = settings.read_text()
    settings.write_text(before.replace("default_target: dev", "default_target: gone") + (
        f"  gone: {{extends: dev, read_role: {bazaar.name}_NOBODY}}\n"
    ))  # fmt: skip
    try:
        code, found = check("--of", "read", "--target", "gone")
    finally:
        settings.write_text(before)

    (seen,) = found["roles"]
    assert code == 2
    assert seen["why"] == f"role {bazaar.name}_NOBODY is not there: `mlops infra apply` makes it"
    assert len(found["missing"]) > 10


def test_two_targets_of_one_account_do_not_reach_each_other(bazaar):
    """No role of one holds anything on what is the other's; of the account only what must be."""
    name = bazaar.name
    held = {
        target: {
            row["name"].split(".")[0]
            for role in bazaar.roles(target)
            for row in bazaar.sql(f"show grants to role {role}")
            if row["name"].startswith(name)
        }
        for target in ("dev", "other")
    }
    others = {each for each in held["other"] if each.startswith(f"{name}_OTHER")}
    # What both of them name in mlops.yml, and no command of either makes.
    shared = {f"{name}_{each}" for each in ("VAULT", "OUT", "MAIL", "ERRORS")}
    assert held["other"] - others == shared | {f"{name}_TASKS_WH"}
    assert held["dev"] & held["other"] == shared
    assert {name, f"{name}_WH", f"{name}_COMPUTE_POOL"} <= held["dev"]
    assert not [each for each in held["dev"] if each.startswith(f"{name}_OTHER")]
    assert f"{name}_TASKS_WH" not in held["dev"]
    everywhere = {
        (row["grantee_name"], row["privilege"])
        for target in ("dev", "other")
        for role in bazaar.roles(target)
        for row in bazaar.sql(f"show grants to role {role}")
        if row["granted_on"] == "ACCOUNT"
    }
    assert everywhere == {
        (f"{name}_DEPLOY_ROLE", "CREATE COMPUTE POOL"),
        (f"{name}_ROLE", "EXECUTE TASK"),
        (f"{name}_ROLE", "EXECUTE MANAGED TASK"),
        (f"{name}_ROLE", "EXECUTE ALERT"),
        (f"{name}_ROLE", "EXECUTE MANAGED ALERT"),
        (f"{name}_OTHER_DEPLOY_ROLE", "CREATE COMPUTE POOL"),
        # Its tasks wait in a warehouse of their own.
        (f"{name}_OTHER_ROLE", "EXECUTE TASK"),
    }
