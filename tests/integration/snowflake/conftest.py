"""One emulator for the session, or the account that MLOPS_TEST_CONNECTION names.

``emulator`` is the server; ``make_account`` opens what the rooms of ``places/snowflake`` work with;
``database`` is a database of the test's own.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("snowflake.connector")
pytest.importorskip("fakesnow")

from sf_ml_framework.emulator import testing

if TYPE_CHECKING:
    from sf_ml_framework.emulator import Emulator
    from sf_ml_framework.places.snowflake.models import ModelStore
    from sf_ml_framework.places.snowflake.names import Names
    from sf_ml_framework.places.snowflake.place import SnowflakePlace
    from sf_ml_framework.places.snowflake.session import Account
    from tests.integration.snowflake.container_site import Site as ContainerSite
    from tests.integration.snowflake.deploy_graphs import Site

snowflake_emulator = testing.snowflake_emulator


@pytest.fixture(scope="session")
def emulator(request: pytest.FixtureRequest) -> Emulator:
    """The emulator of this test session; what only it can do is skipped on an account."""
    if os.environ.get(testing.ACCOUNT):
        pytest.skip("needs the emulator, and this session runs against an account")
    found: Emulator = request.getfixturevalue("snowflake_emulator")
    return found


@pytest.fixture(scope="session")
def connection_flags(request: pytest.FixtureRequest) -> dict[str, str]:
    """The flags of ``connection.resolve`` that reach the emulator, or the account."""
    if name := os.environ.get(testing.ACCOUNT):
        return {"connection": name}
    found: Emulator = request.getfixturevalue("snowflake_emulator")
    arguments = found.connection
    keys = ("account", "user", "password", "host", "port", "protocol", "role", "warehouse")
    return {key: str(arguments[key]) for key in keys}


@pytest.fixture
def make_account(connection_flags: dict[str, str]) -> Iterator[Callable[..., Account]]:
    """Return what opens an ``Account``; each is closed when the test ends.

    Keywords of ``Account`` (database, schema, warehouse, role, query_tag) go to it, all others to
    ``connection.resolve`` as flags; a flag of ``None`` takes one of the emulator's own away.
    """
    from sf_ml_framework import connection
    from sf_ml_framework.places.snowflake.session import Account

    opened: list[Account] = []

    def make(**given: Any) -> Account:
        places = ("database", "schema", "warehouse", "role", "query_tag")
        place = {key: given.pop(key) for key in places if key in given}
        flags = {key: value for key, value in {**connection_flags, **given}.items() if value}
        environ = os.environ if "connection" in flags else {}
        settings = connection.resolve(None, flags, environ)
        assert settings is not None
        account = Account(settings, **place)
        opened.append(account)
        return account

    yield make
    for account in opened:
        account.close()


@pytest.fixture
def database(make_account: Callable[..., Account]) -> Iterator[str]:
    """A database of its own for each test, with a schema ``ML``; dropped afterwards."""
    name = f"T_{uuid.uuid4().hex[:12]}".upper()
    account = make_account()
    account.execute(f"create database {name}")
    account.execute(f"create schema {name}.ML")
    yield name
    account.execute(f"drop database if exists {name}")


@pytest.fixture
def account(make_account: Callable[..., Account], database: str) -> Account:
    """A session in that schema, with the framework's tables and its stage."""
    from tests.integration.snowflake.framework_tables import make_tables

    opened = make_account(database=database, schema="ML")
    make_tables(opened, database)
    opened.execute("create stage MLOPS_ARTIFACTS")
    return opened


@pytest.fixture
def names(database: str) -> Names:
    """What datasets are called there."""
    from sf_ml_framework.places.snowflake.names import Names

    return Names(database=database, schema="ML")


@pytest.fixture(scope="module")
def stand(
    emulator: Emulator, connection_flags: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str, str], ContainerSite]]:
    """Return what lets a project of real containers stand, of this pipeline and these steps."""
    from sf_ml_framework import connection
    from sf_ml_framework.places.snowflake.session import Account
    from tests.integration.snowflake.container_site import Site

    admin = Account(connection.resolve(None, connection_flags, {}))
    made: list[ContainerSite] = []

    def call(pipeline: str, steps: str) -> ContainerSite:
        site = Site(admin, tmp_path_factory.mktemp("site") / "project")
        made.append(site)
        site.write(pipeline, steps)
        site.deploy()
        site.push(emulator)
        return site

    yield call
    for site in made:
        site.drop()
    admin.close()


@pytest.fixture
def place(account: Account, names: Names) -> SnowflakePlace:
    """The place of datasets there."""
    from sf_ml_framework.places.snowflake.place import SnowflakePlace

    return SnowflakePlace(account, names)


@pytest.fixture
def make_store(account: Account, database: str) -> Callable[..., ModelStore]:
    """Open the models of that schema, each time as another run would."""
    from sf_ml_framework.places.snowflake.models import ModelStore
    from tests.integration.snowflake.registered import ORIGIN

    def make(**given: Any) -> ModelStore:
        given = {"origin": ORIGIN, "alias": "dev", "project": "churn", **given}
        return ModelStore(account, database, "ML", **given)

    return make


@pytest.fixture
def store(make_store: Callable[..., ModelStore]) -> ModelStore:
    """The models of that schema."""
    return make_store()


@pytest.fixture
def new_site(make_account: Callable[..., Account], database: str) -> Callable[[], Site]:
    """Return what opens the schema ML for deploying, each time by a connection of its own."""
    from tests.integration.snowflake.deploy_graphs import Site

    return lambda: Site(make_account(), f"{database}.ML")


@pytest.fixture
def site(new_site: Callable[[], Site]) -> Site:
    """That schema, opened."""
    return new_site()


DEEP = (
    "test_backfill.py",
    "test_ci_targets.py",
    "test_deploy_commands.py",
    "test_environments.py",
    "test_faults_cut.py",
    "test_injection.py",
    "test_model_promotion.py",
    "test_models_of_churn.py",
    "test_place_pipeline.py",
    "test_retry.py",
    "test_scale_out.py",
    "test_tasks_cli.py",
    "test_traces_and_costs.py",
)
"""Whole runs of graphs, again and again: like the slow tests here for ``make test-deep``."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what takes minutes, so that ``make test`` can leave it out."""
    here = Path(__file__).parent
    for item in items:
        if item.path.parent == here and (item.path.name in DEEP or item.get_closest_marker("slow")):
            item.add_marker(pytest.mark.deep)
