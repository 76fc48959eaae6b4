"""``mlops doctor`` in a project, against an account: what it tells, and what it never tells."""

from __future__ import annotations

import datetime
import time

import pytest

from sf_ml_framework.emulator import Emulator
from sf_ml_framework.places.snowflake import checkup
from tests.integration.cli.shop import Shop

CANARY = "canary-7d2e"


@pytest.fixture
def nowhere(tmp_path):
    """An environment without any connection."""
    (tmp_path / "home").mkdir()
    return {"HOME": str(tmp_path / "home")}


@pytest.fixture
def there(nowhere, connection_flags):
    """An environment that leads to the emulator."""
    flags = {key.upper(): value for key, value in connection_flags.items()}
    return {**nowhere, **{f"SNOWFLAKE_{key}": value for key, value in flags.items()}}


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path / "shop")


def targeted(shop, database):
    """Give the project a target of names that no other test has."""
    shop.write(
        "mlops.yml",
        f"""project: shop.pipeline:PROJECT
targets:
  dev:
    database: {database}
    prefix: {database}
""",
    )
    return database


def checks_of(done):
    return {check["name"]: check for check in done.json["checks"]}


def test_without_a_connection_it_says_local_and_how_to_connect(shop, nowhere):
    done = shop.call("doctor", env=nowhere)

    assert done.returncode == 0, done.stderr
    assert "local: pipelines run on this machine" in done.stdout
    assert "cp config.env .env" in done.stdout


def test_outside_of_a_project_the_connection_is_still_tried(shop, there, tmp_path):
    done = shop.call("doctor", "--format", "json", cwd=tmp_path, env=there)

    checks = checks_of(done)
    assert checks["project"]["state"] == "warning"
    assert checks["sign in"]["state"] == "ok"
    assert done.returncode == 0


def test_each_value_is_told_with_where_it_came_from_and_secrets_masked(shop, there):
    shop.write(".env", f"SNOWFLAKE_ROLE=OTHER\nSNOWFLAKE_TOKEN={CANARY}\n")

    done = shop.call("doctor", "--schema", "S", "--format", "json", env=there)

    values = {(value["key"], value["used"]): value for value in done.json["connection"]["values"]}
    assert values["schema", True]["from"] == "--schema"
    assert values["role", True]["from"] == "SNOWFLAKE_ROLE of the environment"
    assert values["role", False]["from"] == f"SNOWFLAKE_ROLE of {shop.root / '.env'}"
    assert values["password", True]["value"] == "***"
    assert values["token", True]["value"] == "***"
    assert done.json["mode"] == "snowflake"


def test_an_empty_account_lacks_everything_and_each_has_a_remedy(shop, there, make_account):
    targeted(shop, "NO_SUCH_DB")

    done = shop.call("doctor", "--format", "json", env=there)

    failed = {name for name, check in checks_of(done).items() if check["state"] == "failed"}
    assert done.returncode == 3
    assert failed >= {"warehouse", "database", "schema", "compute pool", "image repository"}
    assert failed >= {"stage", "privileges"}
    for check in done.json["checks"]:
        assert check["remedy"] or check["state"] != "failed", check
    of_roles = [check for check in done.json["checks"] if check["name"] == "privileges"]
    assert len(of_roles) == 2
    # A role that is not there is made with its grants, so that none of them is named here.
    assert all(check["remedy"].startswith("`mlops infra apply`") for check in of_roles)
    assert not done.json["ok"]


@pytest.fixture
def made(make_account, database):
    """Everything that the shop needs under the target's default names."""
    admin = make_account()
    schema = f"{database}.ml"
    for statement in (
        f"create warehouse {database}_wh",
        f"create compute pool {database}_compute_pool min_nodes = 1 max_nodes = 2"
        " instance_family = CPU_X64_S auto_resume = true initially_suspended = true",
        f"create image repository {schema}.mlops_images",
        f"create stage {schema}.mlops_artifacts",
        f"create role {database}_role",
        f"create role {database}_deploy_role",
        f"grant role {database}_role to user mlops",
        f"grant role {database}_deploy_role to user mlops",
    ):
        admin.execute(statement)
    yield admin
    for statement in (
        f"drop warehouse {database}_wh",
        f"drop compute pool {database}_compute_pool",
        f"drop role {database}_role",
        f"drop role {database}_deploy_role",
    ):
        admin.execute(statement)


def test_the_grants_that_it_names_are_those_that_it_then_finds(shop, there, made, database):
    targeted(shop, database)
    first = shop.call("doctor", "--format", "json", env=there)
    lacking = [
        line
        for check in first.json["checks"]
        if check["name"] == "privileges"
        for line in check["remedy"].splitlines()
    ]
    # The tables of the framework are the deployment's to make.
    missing_tables = [line for line in lacking if " ON TABLE " in line]
    for line in missing_tables:
        table = line.split(" ON TABLE ")[1].split(" TO ")[0]
        made.execute(f"create table if not exists {table} (run_id varchar)")

    for line in lacking:
        made.execute(line.rstrip(";"))
    second = shop.call("doctor", "--format", "json", env=there)

    assert lacking
    states = [c["state"] for c in second.json["checks"] if c["name"] == "privileges"]
    assert states == ["ok", "ok"]
    for name in ("warehouse", "database", "schema", "compute pool", "image repository", "stage"):
        assert checks_of(second)[name]["state"] == "ok", checks_of(second)[name]
    assert checks_of(second)["image"]["state"] == "failed"


def test_a_pool_that_sleeps_and_does_not_wake_is_told(shop, there, made, database):
    targeted(shop, database)
    made.execute(f"alter compute pool {database}_compute_pool set auto_resume = false")

    done = shop.call("doctor", "--format", "json", env=there)

    pool = checks_of(done)["compute pool"]
    assert pool["state"] == "failed"
    assert pool["remedy"] == f"ALTER COMPUTE POOL {database}_COMPUTE_POOL RESUME;"


def test_wrong_credentials_are_told_with_what_to_check(shop, there):
    done = shop.call("doctor", "--format", "json", env=there | {"SNOWFLAKE_PASSWORD": CANARY})

    check = checks_of(done)["sign in"]
    assert done.returncode == 3
    assert check["state"] == "failed"
    assert "check user and password" in check["remedy"]


def test_an_address_that_nobody_answers_is_told_before_signing_in(shop, there):
    done = shop.call("doctor", "--format", "json", env=there | {"SNOWFLAKE_PORT": "1"})

    assert checks_of(done)["network"]["state"] == "failed"
    assert "sign in" not in checks_of(done)
    assert done.returncode == 3


def test_a_clock_that_is_wrong_is_told(shop, nowhere):
    # An emulator of its own: others must not see its clock.
    with Emulator() as emulator:
        emulator.account.clock.advance(300)
        keys = ("account", "user", "password", "host", "port", "protocol", "role", "warehouse")
        there = {f"SNOWFLAKE_{key.upper()}": str(emulator.connection[key]) for key in keys}
        done = shop.call("doctor", "--format", "json", env=nowhere | there)

    check = checks_of(done)["clock"]
    assert check["state"] == "failed"
    assert "behind the account's" in check["says"]
    assert "NTP" in check["remedy"]


@pytest.mark.parametrize(("seconds", "state"), [(-300, "failed"), (-5, "ok"), (5, "ok")])
def test_a_clock_is_judged_by_what_lies_outside_of_question_and_answer(seconds, state):
    now = time.time()
    told = datetime.datetime.fromtimestamp(now + seconds, datetime.UTC)

    assert checkup.clock(told, now - 3, now).state == state


@pytest.mark.parametrize("form", ["table", "json", "csv"])
@pytest.mark.parametrize("wrong", [True, False])
def test_a_secret_occurs_in_no_output(shop, there, make_account, form, wrong):
    """Neither where it lets us in nor where it does not, not even with everything told."""
    user = f"U_{form}_{int(wrong)}".upper()
    admin = make_account()
    admin.execute(f"create user {user} password = '{CANARY}' default_role = public type = person")
    secrets = {
        "SNOWFLAKE_USER": user,
        "SNOWFLAKE_ROLE": "PUBLIC",
        "SNOWFLAKE_PASSWORD": CANARY + "-wrong" * wrong,
        "SNOWFLAKE_PRIVATE_KEY_FILE_PWD": CANARY,
        "PRIVATE_KEY_PASSPHRASE": CANARY,
    }
    try:
        done = shop.call("-vv", "--debug", "doctor", "--format", form, env=there | secrets)
    finally:
        admin.execute(f"drop user {user}")

    assert done.returncode == (3 if wrong else 0)
    assert CANARY not in done.stdout + done.stderr
    assert "sign in" in done.stdout


@pytest.mark.parametrize("kind", ["PROGRAMMATIC_ACCESS_TOKEN", "OAUTH"])
def test_a_token_occurs_in_no_output(shop, there, kind):
    secrets = {"SNOWFLAKE_AUTHENTICATOR": kind, "SNOWFLAKE_TOKEN": CANARY}

    done = shop.call("-vv", "--debug", "doctor", env=there | secrets)

    assert done.returncode == 3
    assert CANARY not in done.stdout + done.stderr
    assert "did not accept the token" in done.stdout
