"""A save that breaks off anywhere leaves the old table or the new one."""

from __future__ import annotations

import signal
import subprocess
import sys

import msgspec
import pyarrow as pa
import pytest

pytest.importorskip("snowflake.connector")

from sf_ml_framework.errors import PlatformError
from sf_ml_framework.places.snowflake.place import SnowflakePlace
from tests.integration.snowflake.typed_tables import FREE, TYPED, typed

pytestmark = pytest.mark.filterwarnings("ignore")


class Failing:
    """The account's edge: the connection breaks at one statement, and is back for the next."""

    def __init__(self, account, at):
        self._account = account
        self._left = at

    def __getattr__(self, name):
        return getattr(self._account, name)

    def _counted(self, call, *given):
        self._left -= 1
        if self._left == 0:
            raise PlatformError("the connection broke")
        return call(*given)

    def rows(self, *given):
        return self._counted(self._account.rows, *given)

    def execute(self, *given):
        return self._counted(self._account.execute, *given)

    def upload(self, *given):
        return self._counted(self._account.upload, *given)


@pytest.mark.parametrize("lazily", [False, True], ids=["frame", "expression"])
def test_a_failure_at_any_statement_leaves_the_old_or_the_new(account, make_account, names, lazily):
    entity = msgspec.structs.replace(TYPED, entity="thing")
    place = SnowflakePlace(account, names)
    place.save(FREE, "v1", typed(id=[7, 8, 9]))
    place.feature_store  # noqa: B018 -- opened once, it asks the account by itself
    old = place.save(entity, "v1", typed())
    seen = set()

    for at in range(1, 60):
        failing = SnowflakePlace(Failing(account, at), names)
        value = typed(id=[7, 8, 9])
        if lazily:
            value = place.load(FREE, "v1", frame="ibis")
        try:
            failing.save(entity, "v1", value)
        except PlatformError:
            pass
        else:
            seen.add("finished")
            break
        ids = account.rows(f"select id from {names.sql('TYPED$v1')} order by id")
        assert [row["id"] for row in ids] in ([1, 2, 3], [7, 8, 9])
        found = SnowflakePlace(account, names).find(entity, "v1")
        state = "old" if found == old else "new" if found else "damaged"
        assert state == "old" or [row["id"] for row in ids] == [7, 8, 9]
        seen.add(state)
        if state != "old":
            old = place.save(entity, "v1", typed())

    assert "finished" in seen
    assert "old" in seen
    # What is temporary goes with the session that broke.
    other = make_account(database=names.database, schema=names.schema)
    assert other.rows("show tables like 'MLOPS_DRAFT%'") == []


KILLED = """
import os, signal, sys
import pyarrow as pa
from sf_ml_framework import connection
from sf_ml_framework.manifest.model import DatasetSpec
from sf_ml_framework.places.snowflake.names import Names
from sf_ml_framework.places.snowflake.place import SnowflakePlace
from sf_ml_framework.places.snowflake.session import Account

flags, database, moment = eval(sys.argv[1]), sys.argv[2], sys.argv[3]

class Dying(Account):
    def execute(self, sql, binds=()):
        is_it = sql.startswith("CREATE OR REPLACE")
        if is_it and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        done = super().execute(sql, binds)
        if is_it:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

account = Dying(connection.resolve(None, flags, {}), database=database, schema="ML")
place = SnowflakePlace(account, Names(database=database, schema="ML"))
place.save(DatasetSpec(name="free", kind="table"), "v1", pa.table({"n": [3, 4, 5]}))
"""


@pytest.mark.parametrize(("moment", "rows"), [("before", [1, 2]), ("after", [3, 4, 5])])
def test_a_killed_process_leaves_the_old_table_or_the_new(
    place, account, names, connection_flags, emulator, moment, rows
):
    """Killed between table and row, it leaves a whole table that is made again."""
    saved = place.save(FREE, "v1", pa.table({"n": [1, 2]}))
    arguments = [repr(connection_flags), names.database, moment]

    done = subprocess.run(
        [sys.executable, "-c", KILLED, *arguments], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (-signal.SIGKILL, "")
    found = account.rows('select n from "FREE$v1" order by n')
    assert [row["n"] for row in found] == rows
    after = SnowflakePlace(account, names)
    assert after.find(FREE, "v1") == (saved if moment == "before" else None)
    assert after.why_not_found(FREE, "v1") == ("" if moment == "before" else "damaged")
    assert account.rows("show tables like 'MLOPS_DRAFT%'") == []
