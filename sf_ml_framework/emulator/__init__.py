"""A strict local Snowflake that the official, unmodified clients talk to over a socket.

``python -m sf_ml_framework.emulator --port 0`` starts one; :class:`Emulator` starts one inside the
process, for tests. Ordinary SQL is run by fakesnow on DuckDB behind :mod:`.engine`, the only file
that knows either; what they lack is added by *rooms*. What is not known fails loudly, by name.

How to add a room
-----------------
A room is a module in :mod:`.rooms` with ``def install(account: Account) -> None``; its name goes
into ``rooms.ROOMS``, which is the only line outside the room. ``install`` runs once for each
server,
after the catalogue is open and before the first request. Everything a room adds goes through the
:class:`~.account.Account` it is given:

=====================
================================================================================
a statement           ``account.statement("CREATE [OR REPLACE] TASK [IF NOT EXISTS]", handler)``;
                      the pattern is words, ``A|B`` alternatives and ``[optional]`` words. The
                      longest
                      match is asked first. ``handler(call: Call) -> ResultSet | None`` finds its
                      reader
                      after the pattern and the optional groups that were there in ``call.flags``;
                      ``None`` hands the statement on. ``reads=True`` when describing may run it.
a SHOW                ``account.show("TASKS", columns, provider)``: ``provider(call, scope)``
yields dicts;
                      LIKE, IN, STARTS WITH, LIMIT, TERSE and RESULT_SCAN come with it.
a DESCRIBE            ``account.describe("TASK", columns, provider)``: ``provider(call, name)``
yields dicts.
a scalar function     ``account.function("SYSTEM$X", f)``: ``f(session, *values)`` returns a
Python value;
                      serves ``SELECT SYSTEM$X(..)`` and ``CALL SYSTEM$X(..)``.
a table function      ``account.table_function("TASK_HISTORY", f)``: ``f(session, args, named) ->
ResultSet``. a read-only view      ``account.view("SNOWFLAKE.ACCOUNT_USAGE.X", f)`` or
``"*.INFORMATION_SCHEMA.X"``;
                      ``f(session, database) -> ResultSet``.
a REST route          ``account.route("GET", "/api/v2/...", f)``: ``f(call: RestCall)`` returns
JSON.
a rewrite             ``account.rewrite(f)``: ``f(session, expression) -> expression`` on the parsed
                      statement, before the engine; a strict rule raises from here.
a guard               ``account.guard(f)``: ``f(session, Statement)`` before each statement; raise
to refuse.
what it needs         ``account.needs("CREATE TASK", privilege="CREATE TASK", on="SCHEMA")``: the
                      privilege that a statement asks for; the docstring of :mod:`.access` has all
                      forms. Without such a line every role may run the statement.
an account object     ``account.catalog`` stores any kind of object (:class:`~.catalog.Entry`) with
                      owner, comment and free properties. A room that needs its own columns calls
                      ``account.catalog.table("create table if not exists ...")`` in ``install``.
a loop on the clock   ``account.every(seconds, f)``: ``f()`` runs in a thread whenever that much
                      of ``account.clock`` has passed; advancing the clock runs it at once.
=====================
================================================================================

Other tools of a room: ``account.run(session, sql)`` runs a statement as a client would,
``account.internal_session(role=...)`` opens a session without a login,
``account.tokens.issue(...)``
makes an OAuth token for a job, ``account.stages.folder(location)`` is a stage's directory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .server import Emulator

__all__ = ["Emulator"]


def __getattr__(name: str) -> Any:
    # The server pulls in DuckDB and the connector: a second that only its users should pay.
    if name == "Emulator":
        from .server import Emulator

        return Emulator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
