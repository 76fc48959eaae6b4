"""A database, schema, warehouse and role to try grants in, and one case of the tables."""

from __future__ import annotations

import contextlib
import uuid
from dataclasses import dataclass

import pytest
import snowflake.connector
from snowflake.connector.errors import DatabaseError

REFUSED = {3001, 2003, 2043, 606, 3102, 3013, 2037}
"""No privilege; not seen; not seen by USE; no warehouse; no grant; no such role; not the view's."""


@dataclass(frozen=True)
class Case:
    """One statement; ``{d} {s} {w} {r}`` stand for the test's database, schema, warehouse, role."""

    name: str
    sql: str
    grants: tuple[str, ...]
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    place: bool = True
    rows: bool = False
    ends: str = ""
    """What it ends with though nothing is missing: the case goes no further than its privileges."""

    @property
    def needed(self) -> tuple[str, ...]:
        """All grants: the case's own, the place's, and the warehouse's where rows are read."""
        place = ("usage on database {d}", "usage on schema {s}") if self.place else ()
        return (*place, *(("usage on warehouse {w}",) if self.rows else ()), *self.grants)


class World:
    """A database, schema, warehouse and role; one connection for the administrator, one for it."""

    def __init__(self, arguments):
        mark = uuid.uuid4().hex[:8].upper()
        self.names = {"d": f"D_{mark}", "s": f"D_{mark}.S", "w": f"W_{mark}", "r": f"R_{mark}"}
        self.admin = snowflake.connector.connect(**arguments)
        self.do("create database {d}", "create schema {s}")
        self.do("create warehouse {w} initially_suspended = true", "create role {r}")
        self.do("grant role {r} to role sysadmin")
        user = self.admin.cursor().execute("select current_user()").fetchone()[0]
        self.do(f'grant role {{r}} to user "{user}"', "grant usage on warehouse {w} to role {r}")
        place = {"role": self.names["r"], "warehouse": self.names["w"]}
        self.low = snowflake.connector.connect(**{**arguments, **place})
        self.low.cursor().execute("use secondary roles none")
        self.do("revoke usage on warehouse {w} from role {r}")

    def do(self, *statements):
        for one in statements:
            self.admin.cursor().execute(one.format(**self.names))

    def give(self, grant):
        tail = " copy current grants" if grant.startswith("ownership") else ""
        self.do(f"grant {grant} to role {{r}}{tail}")

    def take(self, grant):
        if grant.startswith("ownership"):
            self.do(f"grant {grant} to role accountadmin copy current grants")
        else:
            self.do(f"revoke {grant} from role {{r}}")

    def attempt(self, sql):
        self.low.cursor().execute(sql.format(**self.names))

    def reset(self):
        for here in ("use schema {s}", "use warehouse {w}"):
            with contextlib.suppress(DatabaseError):  # where the case grants neither
                self.low.cursor().execute(here.format(**self.names))

    def close(self):
        self.do("drop database {d}", "drop warehouse {w}", "drop role {r}")
        self.low.close()
        self.admin.close()


def check(world, case):
    """Run the case without each of its grants, then with all of them."""
    world.do("create or replace schema {s}", *case.before)
    for grant in case.needed:
        world.give(grant)
    world.reset()
    for grant in case.needed:
        world.take(grant)
        with pytest.raises(DatabaseError) as refused:
            world.attempt(case.sql)
        assert refused.value.errno in REFUSED, (grant, refused.value)
        world.give(grant)

    if case.ends:
        with pytest.raises(DatabaseError, match=case.ends):
            world.attempt(case.sql)
    else:
        world.attempt(case.sql)
    world.do(*case.after)
    for grant in case.needed:
        with contextlib.suppress(DatabaseError):
            world.take(grant)
