"""Roles, users, ownership, future grants, secondary roles, and what SHOW GRANTS shows."""

from __future__ import annotations

import contextlib
import uuid

import pytest
import snowflake.connector
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from snowflake.connector import DictCursor
from snowflake.connector.errors import DatabaseError


@pytest.fixture
def mark():
    return uuid.uuid4().hex[:8].upper()


@pytest.fixture
def role(run, mark):
    """A role of its own, held by the current user and by SYSADMIN, dropped afterwards."""
    name = f"R_{mark}"
    user = run("select current_user()")[0][0]
    run(f"create role {name}")
    run(f'grant role {name} to user "{user}"')
    run(f"grant role {name} to role sysadmin")
    run("use secondary roles none")
    yield name
    run("use role accountadmin")
    run(f"drop role if exists {name}")


@pytest.fixture
def shown(connection):
    def call(sql):
        return connection.cursor(DictCursor).execute(sql).fetchall()

    return call


def refused(run, sql):
    with pytest.raises(DatabaseError) as error:
        run(sql)
    return error.value.errno, error.value.sqlstate


def test_a_new_object_gets_what_is_granted_on_future_ones(run, role, database, shown):
    run(f"grant usage on database {database} to role {role}")
    run(f"grant usage on future schemas in database {database} to role {role}")
    run(f"grant select on future tables in database {database} to role {role}")
    run("create schema s1")
    run("create table s1.t (x int)")
    run(f"grant insert on future tables in schema s1 to role {role}")
    run("create table s1.u (x int)")

    held = {
        (r["privilege"], r["name"].split(".")[-1]) for r in shown(f"show grants to role {role}")
    }
    future = shown("show future grants in schema s1")

    assert held >= {("SELECT", "T"), ("USAGE", "S1"), ("INSERT", "U")}
    # Grants on the schema's future objects stand before those on the database's.
    assert ("SELECT", "U") not in held
    assert [(r["privilege"], r["grant_on"], r["name"]) for r in future] == [
        ("INSERT", "TABLE", f"{database}.S1.<TABLE>")
    ]
    assert len(shown(f"show future grants to role {role}")) == 3


def test_ownership_is_not_given_away_over_dependent_grants(run, role, shown):
    run("create table t (x int)")
    run("grant select on table t to role public")

    assert refused(run, f"grant ownership on table t to role {role}") == (3036, "23001")
    run(f"grant ownership on table t to role {role} copy current grants")
    kept = {(r["privilege"], r["grantee_name"]) for r in shown("show grants on table t")}
    run("grant ownership on table t to role accountadmin revoke current grants")
    left = {(r["privilege"], r["grantee_name"]) for r in shown("show grants on table t")}

    assert kept == {("OWNERSHIP", role), ("SELECT", "PUBLIC")}
    assert left == {("OWNERSHIP", "ACCOUNTADMIN")}


def test_ownership_cannot_be_revoked(run, role):
    run("create table t (x int)")

    assert refused(run, f"revoke ownership on table t from role {role}") == (3937, "23001")


def test_ownership_of_all_tables_of_a_schema(run, role, shown):
    run("create table t (x int)")
    run("create table u (x int)")
    run(f"grant ownership on all tables in schema public to role {role}")

    assert {r["owner"] for r in shown("show tables")} == {role}


def test_replacing_an_object_forgets_its_grants(run, role, shown):
    run("create table t (x int)")
    run(f"grant select on table t to role {role}")
    run("create or replace table t (x int)")

    assert [r["privilege"] for r in shown("show grants on table t")] == ["OWNERSHIP"]


def test_copy_grants_keeps_them(run, role, shown):
    run("create table t (x int)")
    run("create view v as select 1 as x")
    run(f"grant select on table t to role {role}")
    run(f"grant select on view v to role {role}")
    run("create or replace table t copy grants as select 1 as x")
    run("create or replace view v copy grants as select 2 as x")

    for kind, name in (("table", "t"), ("view", "v")):
        held = {(r["privilege"], r["grantee_name"]) for r in shown(f"show grants on {kind} {name}")}
        assert ("SELECT", role) in held


def test_all_privileges_are_the_kinds_own(run, role, shown):
    run("create table t (x int)")
    run(f"grant all privileges on table t to role {role}")
    held = {r["privilege"] for r in shown(f"show grants to role {role}")}
    run(f"revoke all on table t from role {role}")

    assert held >= {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES"}
    assert shown(f"show grants to role {role}") == []


def test_a_privilege_that_the_kind_does_not_have_is_refused(run, role):
    run("create table t (x int)")

    assert refused(run, f"grant operate on table t to role {role}")[0] == 1003


def test_with_grant_option_a_role_may_pass_a_privilege_on(run, role, database, mark):
    run("create table t (x int)")
    for on in (f"database {database}", f"schema {database}.public"):
        run(f"grant usage on {on} to role {role}")
    run(f"grant select on table t to role {role}")
    run(f"use role {role}")
    without = refused(run, f"grant select on table {database}.public.t to role public")
    run("use role accountadmin")
    run(f"grant select on table t to role {role} with grant option")
    run(f"use role {role}")
    run(f"grant select on table {database}.public.t to role public")

    assert without == (3102, "42501")


def test_privileges_are_inherited_upwards_only(run, role, mark, database):
    child = f"C_{mark}"
    run(f"create role {child}")
    run(f"grant role {child} to role {role}")
    run(f"grant create schema, usage on database {database} to role {child}")
    run(f"use role {role}")
    run(f"create schema {database}.made")
    run("use role accountadmin")

    assert refused(run, f"grant role {role} to role {child}")[0] == 1008
    run(f"grant role {child} to role accountadmin")
    run(f"grant modify on database {database} to role {role}")
    run(f"use role {child}")
    assert refused(run, f"alter database {database} set comment = 'c'")[0] == 3001
    run(f"use role {role}")
    run(f"alter database {database} set comment = 'c'")
    run("use role accountadmin")
    run(f"drop role {child}")


def test_secondary_roles_help_but_not_to_create(run, role, database):
    run("create table t (x int)")
    run(f"grant usage on database {database} to role {role}")
    run(f"grant usage on schema {database}.public to role {role}")
    run(f"use role {role}")
    alone = refused(run, f"select * from {database}.public.t")
    run("use secondary roles all")
    run(f"select * from {database}.public.t")
    creating = refused(run, f"create table {database}.public.n (x int)")
    run("use secondary roles none")

    assert alone[0] in {606, 2003}
    assert creating == (3001, "42501")


def test_a_role_that_is_not_held_cannot_be_used(run, mark):
    run(f"create role r_{mark}")

    assert refused(run, f"use role r_{mark}") == (3013, "42501")
    assert refused(run, "use role no_such_role") == (2043, "02000")
    run(f"drop role r_{mark}")


def test_what_a_dropped_role_owned_goes_to_who_drops_it(run, role, database, shown):
    run(f"grant create schema, usage on database {database} to role {role}")
    run(f"use role {role}")
    run(f"create schema {database}.made")
    run("use role accountadmin")
    run(f"drop role {role}")

    assert shown(f"show schemas like 'MADE' in database {database}")[0]["owner"] == "ACCOUNTADMIN"


def test_in_a_managed_access_schema_only_its_owner_grants(run, role, database):
    run(f"create schema {database}.m with managed access")
    for on in (f"database {database}", f"schema {database}.m"):
        run(f"grant usage on {on} to role {role}")
    run(f"grant create table on schema {database}.m to role {role}")
    run(f"use role {role}")
    run(f"create table {database}.m.t (x int)")

    assert refused(run, f"grant select on table {database}.m.t to role public") == (3102, "42501")
    run("use role accountadmin")
    run(f"grant select on table {database}.m.t to role public")


def test_a_role_sees_only_what_it_has_a_privilege_on(run, role, database, shown):
    run("create table t (x int)")
    run("create table u (x int)")
    for on in (f"database {database}", f"schema {database}.public"):
        run(f"grant usage on {on} to role {role}")
    run(f"grant select on table t to role {role}")
    run(f"use role {role}")

    assert [r["name"] for r in shown(f"show tables in schema {database}.public")] == ["T"]
    assert refused(run, f"describe table {database}.public.u") == (2003, "42S02")


def test_the_system_roles_have_what_a_fresh_account_gives_them(run, shown):
    held = {
        role: {r["privilege"] for r in shown(f"show grants to role {role}")}
        for role in ("accountadmin", "securityadmin", "sysadmin", "useradmin", "public")
    }

    assert held["useradmin"] >= {"CREATE USER", "CREATE ROLE"}
    assert held["sysadmin"] >= {"CREATE DATABASE", "CREATE WAREHOUSE"}
    assert "MANAGE GRANTS" in held["securityadmin"]
    assert held["accountadmin"] >= {"EXECUTE TASK", "EXECUTE MANAGED TASK", "CREATE COMPUTE POOL"}
    assert not held["public"] & {"CREATE DATABASE", "CREATE ROLE", "MANAGE GRANTS"}
    assert "EXECUTE TASK" not in held["sysadmin"]


def test_show_grants_of_a_role_and_to_a_user(run, role, shown):
    user = run("select current_user()")[0][0]
    of = {(r["granted_to"], r["grantee_name"]) for r in shown(f"show grants of role {role}")}
    to = {r["role"] for r in shown(f'show grants to user "{user}"')}

    assert of == {("USER", user), ("ROLE", "SYSADMIN")}
    assert role in to
    assert {r["role"] for r in shown("show grants")} == to
    assert any(r["privilege"] == "CREATE ROLE" for r in shown("show grants on account"))


def _key():
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = made.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = made.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private, "".join(public.decode().splitlines()[1:-1])


def test_a_service_user_rotates_its_two_keys_and_may_be_disabled(run, snowflake_connection, mark):
    if "connection_name" in snowflake_connection:
        pytest.skip("an account's own address is in its connection file")
    (old, old_public), (new, new_public) = _key(), _key()
    user = f"U_{mark}"
    run(f"create user {user} type = service rsa_public_key = '{old_public}'")
    place = {k: v for k, v in snowflake_connection.items() if k not in {"password", "role"}}

    def login(private):
        arguments = {**place, "user": user, "private_key": private}
        opened = snowflake.connector.connect(**arguments, authenticator="SNOWFLAKE_JWT")
        with contextlib.closing(opened) as connection:
            return connection.cursor().execute("select current_role()").fetchone()[0]

    assert login(old) == "PUBLIC"
    run(f"alter user {user} set rsa_public_key_2 = '{new_public}'")
    assert (login(old), login(new)) == ("PUBLIC", "PUBLIC")
    run(f"alter user {user} unset rsa_public_key")
    with pytest.raises(DatabaseError):
        login(old)
    assert login(new) == "PUBLIC"
    run(f"alter user {user} set disabled = true")
    with pytest.raises(DatabaseError):
        login(new)
    run(f"drop user {user}")


def test_a_service_user_takes_no_password(run, mark):
    assert (
        refused(run, f"create user u_{mark} type = service password = 'Long-enough-1'")[0] == 1008
    )


def test_account_usage_asks_for_imported_privileges_or_the_views_role(run, role, shown):
    query = "select count(*) from snowflake.account_usage.query_history"
    run(f"grant usage on warehouse compute_wh to role {role}")

    for what in (
        "database role snowflake.governance_viewer",
        "imported privileges on database snowflake",
    ):
        run(f"use role {role}")
        run("use warehouse compute_wh")
        assert refused(run, query)[0] == 2003
        run("use role accountadmin")
        run(f"grant {what} to role {role}")
        run(f"use role {role}")
        run("use warehouse compute_wh")
        assert run(query)
        run("use role accountadmin")
        run(f"revoke {what} from role {role}")
