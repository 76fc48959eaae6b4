"""What a room can add to an account, each in the way that the package's docstring says."""

from __future__ import annotations

import threading
import urllib.request
from dataclasses import replace

import pytest
from sqlglot import exp

from sf_ml_framework.emulator import Emulator
from sf_ml_framework.emulator.catalog import Entry
from sf_ml_framework.emulator.faults import SnowflakeError, invalid, not_found
from sf_ml_framework.emulator.names import Path
from sf_ml_framework.emulator.results import rows, status
from tests.waiting import until


@pytest.fixture
def emulator():
    with Emulator() as started:
        yield started


@pytest.fixture
def account(emulator):
    return emulator.account


@pytest.fixture
def session(account):
    opened = account.internal_session(role="ACCOUNTADMIN", warehouse="COMPUTE_WH")
    account.run(opened, "create database d")
    yield opened
    account.close_session(opened)


def test_a_statement_a_show_and_a_describe(account, session):
    def create(call):
        path = call.session.resolve(call.reader.name())
        made = call.account.catalog.create(
            Entry(
                kind="GADGET",
                path=path,
                owner=call.session.role,
                properties=call.reader.properties(),
            ),
            replace=call.or_replace,
            if_absent=call.if_not_exists,
        )
        return status(f"Gadget {path.name} {'created' if made else 'stood'}.")

    def show(call, scope):
        for entry in call.account.catalog.all("GADGET", scope.database, scope.schema):
            yield {"name": entry.name, "size": entry.properties["SIZE"], "owner": entry.owner}

    def describe(call, parts):
        entry = call.account.catalog.get("GADGET", call.session.resolve(parts))
        yield {"name": entry.name}

    account.statement("CREATE [OR REPLACE] GADGET [IF NOT EXISTS]", create)
    account.show("GADGETS", ["name", "size fixed", "owner"], show)
    account.describe("GADGET", ["name"], describe)
    account.run(session, "create gadget g1 size = 3")
    account.run(session, "create gadget if not exists g1 size = 4")
    account.run(session, 'create or replace gadget "Low" size = 5')

    assert account.run(session, "show gadgets like 'g%'").rows == [("G1", 3, "ACCOUNTADMIN")]
    assert account.run(session, 'describe gadget "Low"').rows == [("Low",)]
    with pytest.raises(SnowflakeError, match="002002"):
        account.run(session, "create gadget g1 size = 3")
    with pytest.raises(SnowflakeError, match="002003"):
        account.run(session, "describe gadget nothing")


def test_functions_table_functions_and_views(account, session):
    account.function("SYSTEM$DOUBLE", lambda s, value: value * 2)
    account.table_function(
        "NUMBERS", lambda s, args, named: rows(["N fixed"], [[i] for i in range(named["UP"])])
    )
    account.view("*.INFORMATION_SCHEMA.WHO", lambda s, database: rows(["DB"], [[database]]))

    assert account.run(session, "select system$double(2) + 1").rows == [(5,)]
    with pytest.raises(SnowflakeError, match="wrong number of arguments"):
        account.run(session, "select system$double()")
    assert account.run(session, "call system$double(2)").rows == [(4,)]
    found = account.run(session, "select sum(n) from table(information_schema.numbers(up => 4))")
    assert found.rows == [(6,)]
    assert account.run(session, "select w.db from d.information_schema.who w").rows == [("D",)]


def test_a_guard_and_a_rewrite_may_refuse(account, session):
    def guard(guarded, statement):
        if statement.words[:2] == ("DROP", "DATABASE"):
            raise invalid("not today")

    def rewrite(rewritten, tree):
        if isinstance(tree, exp.Delete):
            raise invalid("nor that")
        return tree

    account.guard(guard)
    account.rewrite(rewrite)
    account.run(session, "create table d.public.t (x int)")

    with pytest.raises(SnowflakeError, match="not today"):
        account.run(session, "drop database d")
    with pytest.raises(SnowflakeError, match="nor that"):
        account.run(session, "delete from d.public.t")


def test_a_rest_route_has_the_session_of_its_token(emulator, account, session):
    def answer(call):
        if call.parts["name"] == "NOTHING":
            raise not_found("TASK", "NOTHING")
        return {"role": call.session.role, "name": call.parts["name"], "query": call.query}

    account.route("GET", "/api/v2/things/{name}:open", answer)

    def get(path):
        asked = urllib.request.Request(emulator.url + path)
        asked.add_header("Authorization", f'Snowflake Token="{session.token}"')
        with urllib.request.urlopen(asked, timeout=60) as found:
            return found.read().decode()

    assert '"name":"X1"' in get("/api/v2/things/x1:open?a=b")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get("/api/v2/things/nothing:open")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get("/api/v2/unheard/of")
    assert account.record.of("unknown")


def test_work_on_the_clock_runs_when_the_clock_is_advanced(account):
    ran = threading.Event()
    account.every(3600, ran.set)

    def advanced():
        account.clock.advance(3601)  # again: the loop may begin to wait after the first time
        return ran.wait(0.1)

    until(advanced)


def test_a_table_of_a_room_is_kept_with_the_rest(tmp_path):
    with Emulator(state=tmp_path) as first:
        first.account.catalog.table("create table if not exists gadgets (name text)")
        first.account.catalog.execute("insert into gadgets values ('kept')")
        entry = Entry(kind="GADGET", path=Path("", "", "G"))
        first.account.catalog.create(entry)
        first.account.catalog.update(replace(entry, comment="c"))

    with Emulator(state=tmp_path) as second:
        assert second.account.catalog.execute("select name from gadgets") == [("kept",)]
        assert second.account.catalog.get("GADGET", Path("", "", "G")).comment == "c"
