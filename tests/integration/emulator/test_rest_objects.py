"""Objects by REST, through the official ``snowflake.core``: pools, services, roles and the rest."""

from __future__ import annotations

import uuid

import pytest

from tests.waiting import until

core = pytest.importorskip("snowflake.core")

from snowflake.core import CreateMode, Root
from snowflake.core.compute_pool import ComputePool
from snowflake.core.database import Database
from snowflake.core.database_role import DatabaseRole
from snowflake.core.database_role import Securable as DatabaseSecurable
from snowflake.core.exceptions import APIError, ConflictError, ForbiddenError, NotFoundError
from snowflake.core.grant import Grant, Grantees, Privileges, Securables
from snowflake.core.image_repository import ImageRepository
from snowflake.core.role import ContainingScope, Role, Securable
from snowflake.core.schema import Schema
from snowflake.core.service import JobService, Service, ServiceSpec
from snowflake.core.stage import Stage, StageDirectoryTable, StageEncryption
from snowflake.core.tag import TagValue
from snowflake.core.warehouse import Warehouse


@pytest.fixture
def root(connection):
    return Root(connection)


@pytest.fixture
def schema(root, database):
    return root.databases[database].schemas["PUBLIC"]


def fresh(prefix):
    return f"{prefix}_{uuid.uuid4().hex[:10]}".upper()


@pytest.fixture
def role(root):
    name = fresh("R")
    root.roles.create(Role(name=name, comment="of a test"))
    yield name
    root.roles[name].drop(if_exists=True)


@pytest.fixture
def a_pool(root):
    name = fresh("P")
    root.compute_pools.create(
        ComputePool(name=name, min_nodes=1, max_nodes=2, instance_family="CPU_X64_XS")
    )
    yield name
    root.compute_pools[name].stop_all_services()
    until(lambda: root.compute_pools[name].fetch().num_services == 0)
    root.compute_pools[name].drop(if_exists=True)


def test_a_pool_is_created_altered_suspended_resumed_and_dropped(root):
    name = fresh("P")
    pools = root.compute_pools
    wanted = ComputePool(
        name=name,
        min_nodes=1,
        max_nodes=2,
        instance_family="CPU_X64_XS",
        comment="it's ours",
        auto_suspend_secs=120,
    )
    pools.create(wanted, initially_suspended=True)
    with pytest.raises(ConflictError):
        pools.create(wanted)
    pools.create(wanted, mode=CreateMode.if_not_exists)
    pool = pools[name]
    found = pool.fetch()

    assert (found.name, found.state, found.auto_suspend_secs) == (name, "SUSPENDED", 120)
    assert (found.comment, found.auto_resume, found.is_exclusive) == ("it's ours", True, False)
    pool.resume()
    assert pool.fetch().state in {"STARTING", "IDLE"}
    pool.suspend()
    assert pool.fetch().state in {"SUSPENDED", "STOPPING"}
    pool.create_or_alter(
        ComputePool(name=name, min_nodes=1, max_nodes=5, instance_family="CPU_X64_XS")
    )
    assert (pool.fetch().max_nodes, pool.fetch().comment or "") == (5, "")
    assert [one.name for one in pools.iter(like=name.lower())] == [name]
    assert list(pools.iter(starts_with=name.lower())) == []
    pool.drop()
    with pytest.raises(NotFoundError):
        pool.fetch()
    with pytest.raises(NotFoundError):
        pool.drop()


def test_the_instance_family_of_a_pool_stays(root, a_pool):
    other = ComputePool(name=a_pool, min_nodes=1, max_nodes=2, instance_family="CPU_X64_M")

    with pytest.raises(APIError):
        root.compute_pools[a_pool].create_or_alter(other)
    with pytest.raises(APIError):
        root.compute_pools.create(other, mode=CreateMode.or_replace)
    assert root.compute_pools[a_pool].fetch().instance_family == "CPU_X64_XS"


def test_a_pool_that_cannot_be_is_refused(root):
    with pytest.raises(APIError, match="MIN_NODES"):
        root.compute_pools.create(
            ComputePool(name="P9", min_nodes=3, max_nodes=2, instance_family="CPU_X64_XS")
        )


def test_an_image_repository_has_its_url_and_its_images(root, schema, image, database):
    schema.image_repositories.create(ImageRepository(name="other"))
    found = schema.image_repositories["other"].fetch()
    images = list(schema.image_repositories["images"].list_images_in_repository())

    assert found.repository_url.endswith(f"/{database.lower()}/public/other")
    assert [(one.image_name, one.tags) for one in images] == [("step", "1")]
    assert images[0].digest.startswith("sha256:")
    names = {one.name for one in schema.image_repositories.iter()}
    assert names == {"IMAGES", "OTHER"}
    schema.image_repositories["other"].drop()
    with pytest.raises(NotFoundError):
        schema.image_repositories["other"].fetch()


SPEC = """
spec:
  containers:
  - name: main
    image: {image}
    args: {args}
"""


def test_a_job_runs_by_rest_and_tells_its_containers_and_logs(schema, a_pool, image):
    spec = SPEC.format(image=image, args='["env", "FROM_IMAGE"]')
    schema.services.execute_job(
        JobService(name="once", compute_pool=a_pool, spec=ServiceSpec(spec), comment="a job")
    )
    job = schema.services["once"]
    found = job.fetch()
    (container,) = job.get_containers()
    (instance,) = job.get_instances()

    assert (found.status, found.is_job, found.compute_pool) == ("DONE", True, a_pool)
    assert "containers" in found.spec.spec_text
    assert (container.status, container.container_name) == ("DONE", "main")
    assert instance.instance_id == "0"
    assert '"FROM_IMAGE": "yes"' in job.get_service_logs("0", "main")
    job.drop()
    with pytest.raises(NotFoundError):
        job.fetch()


def test_a_service_is_created_suspended_resumed_and_dropped(schema, a_pool, image):
    spec = SPEC.format(image=image, args='["sleep", "60"]')
    services = schema.services
    services.create(
        Service(name="steady", compute_pool=a_pool, spec=ServiceSpec(spec), min_instances=1)
    )
    service = services["steady"]
    until(lambda: service.fetch().status == "RUNNING")

    assert [one.name for one in services.iter(like="STEA%")] == ["STEADY"]
    service.suspend()
    until(lambda: service.fetch().status == "SUSPENDED")
    service.resume()
    until(lambda: service.fetch().status == "RUNNING")
    service.create_or_alter(
        Service(name="steady", compute_pool=a_pool, spec=ServiceSpec(spec), comment="new")
    )
    assert service.fetch().comment == "new"
    service.drop()
    assert list(services.iter()) == []


def test_a_warehouse_is_created_changed_used_and_dropped(root, connection):
    name = fresh("W")
    root.warehouses.create(
        Warehouse(name=name, warehouse_size="SMALL", auto_suspend=60, initially_suspended="true")
    )
    warehouse = root.warehouses[name]
    found = warehouse.fetch()

    assert (found.name, found.state, found.auto_suspend) == (name, "SUSPENDED", 60)
    assert found.size == "Small"
    warehouse.resume()
    assert warehouse.fetch().state == "STARTED"
    warehouse.suspend()
    warehouse.create_or_alter(Warehouse(name=name, warehouse_size="MEDIUM", comment="c"))
    assert (warehouse.fetch().size, warehouse.fetch().comment) == ("Medium", "c")
    warehouse.use_warehouse()
    current = connection.cursor().execute("select current_warehouse()").fetchone()
    assert current == (name,)
    assert warehouse.fetch().is_current
    assert [one.name for one in root.warehouses.iter(like=name)] == [name]
    warehouse.drop()
    with pytest.raises(NotFoundError):
        warehouse.fetch()


def test_a_database_by_rest_does_not_become_the_clients_current_one(root, connection, database):
    name = fresh("D")
    root.databases.create(Database(name=name, comment="c", kind="TRANSIENT"))
    try:
        found = root.databases[name].fetch()
        current = connection.cursor().execute("select current_database()").fetchone()

        assert current == (database,)
        assert (found.name, found.comment, found.kind) == (name, "c", "TRANSIENT")
        assert root.databases[database].fetch().is_current
        assert [one.name for one in root.databases.iter(like=name)] == [name]
        root.databases[name].create_or_alter(Database(name=name, comment="d"))
        assert root.databases[name].fetch().comment == "d"
    finally:
        root.databases[name].drop()
    with pytest.raises(NotFoundError):
        root.databases[name].fetch()


def test_a_schema_is_created_listed_and_dropped(root, database):
    schemas = root.databases[database].schemas
    schemas.create(Schema(name="one", comment="first", managed_access=True))
    schemas.create(Schema(name='"Two words"'))

    assert schemas["one"].fetch().comment == "first"
    assert {"ONE", '"Two words"'} <= {one.name for one in schemas.iter()}
    assert schemas['"Two words"'].fetch().database_name == database
    schemas["one"].drop()
    with pytest.raises(NotFoundError):
        schemas["one"].fetch()


def test_roles_are_created_granted_and_told(root, role, database):
    scope = ContainingScope(database=database, schema="PUBLIC")
    one = root.roles[role]
    one.grant_privileges(["USAGE"], "DATABASE", Securable(name=database))
    one.grant_privileges(["USAGE"], "SCHEMA", Securable(database=database, name="PUBLIC"))
    one.grant_future_privileges(["SELECT"], "TABLE", scope)
    root.roles["SYSADMIN"].grant_role("ROLE", Securable(name=role))
    grants = list(one.iter_grants_to())
    future = list(one.iter_future_grants_to())

    assert {(g.privileges[0], g.securable_type, g.securable.name) for g in grants} == {
        ("USAGE", "DATABASE", database),
        ("USAGE", "SCHEMA", "PUBLIC"),
    }
    assert [(g.privileges, g.securable_type) for g in future] == [(["SELECT"], "TABLE")]
    assert [g.grantee_name for g in one.iter_grants_of()] == ["SYSADMIN"]
    one.revoke_privileges(["USAGE"], "DATABASE", Securable(name=database))
    one.revoke_future_privileges(["SELECT"], "TABLE", scope)
    assert [g.securable_type for g in one.iter_grants_to()] == ["SCHEMA"]
    assert list(one.iter_future_grants_to()) == []
    assert [r.comment for r in root.roles.iter(like=role)] == ["of a test"]


def test_grants_are_given_listed_and_taken(root, role, database):
    to = Grantees.role(role)
    usage = Grant(to, Securables.database(database), [Privileges.usage], grant_option=True)
    root.grants.grant(usage)
    root.grants.grant(Grant(to, Securables.current_account, [Privileges.create_database]))
    root.grants.grant(Grant(Grantees.role("SYSADMIN"), Securables.role(role)))
    found = {(g.privileges[0], g.securable_type, g.grant_option) for g in root.grants.to(to)}

    assert found == {("USAGE", "DATABASE", True), ("CREATE DATABASE", "ACCOUNT", False)}
    root.grants.revoke_grant_option(usage)
    assert {g.grant_option for g in root.grants.to(to)} == {False}
    root.grants.revoke(usage)
    assert [g.privileges for g in root.grants.to(to)] == [["CREATE DATABASE"]]


def test_a_database_role_is_created_granted_and_dropped(root, database):
    roles = root.databases[database].database_roles
    roles.create(DatabaseRole(name="readers", comment="c"))
    readers = roles["readers"]
    readers.grant_privileges(
        ["USAGE"], "SCHEMA", DatabaseSecurable(database=database, name="PUBLIC")
    )

    assert [one.name for one in roles.iter()] == ["READERS"]
    assert [g.securable_type for g in readers.iter_grants_to()] == ["SCHEMA"]
    readers.drop()
    assert list(roles.iter()) == []


def test_a_stage_is_created_filled_listed_and_read(schema, tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("hello")
    schema.stages.create(
        Stage(
            name="files",
            comment="c",
            encryption=StageEncryption(type="SNOWFLAKE_SSE"),
            directory_table=StageDirectoryTable(enable=True),
        )
    )
    stage = schema.stages["files"]
    stage.put(str(file), "/in/side", auto_compress=False)
    found = list(stage.list_files())

    assert [(one.name, one.size) for one in found] == [("files/in/side/a.txt", "5")]
    assert stage.fetch().encryption.type == "SNOWFLAKE_SSE"
    assert stage.fetch().directory_table.enable
    stage.get("/in/side/a.txt", str(tmp_path / "out"))
    assert (tmp_path / "out" / "a.txt").read_text() == "hello"
    assert list(stage.list_files(pattern=".*none.*")) == []
    stage.drop()
    with pytest.raises(NotFoundError):
        stage.fetch()


def test_tags_are_set_told_and_taken(root, schema, run, database, a_pool):
    run("create tag owner_of")
    tag = schema.tags["OWNER_OF"]
    pool = root.compute_pools[a_pool]
    pool.set_tags({tag: TagValue("us, and 'them'")})

    assert [value.value for value in pool.get_tags().values()] == ["us, and 'them'"]
    pool.unset_tags({tag})
    assert pool.get_tags() == {}


def test_a_role_without_the_privilege_is_refused(place, run, role):
    import snowflake.connector

    user = run("select current_user()")[0][0]
    run(f'grant role {role} to user "{user}"')
    with snowflake.connector.connect(**{**place, "role": role}) as connection:
        connection.cursor().execute("use secondary roles none")
        root = Root(connection)

        with pytest.raises((ForbiddenError, NotFoundError)):
            root.compute_pools.create(
                ComputePool(name="P9", min_nodes=1, max_nodes=1, instance_family="CPU_X64_XS")
            )
        with pytest.raises((ForbiddenError, NotFoundError)):
            root.databases.create(Database(name=fresh("D")))
