"""The adapter to fakesnow and DuckDB: the only file that knows either.

It uses private names of fakesnow 0.12.1, which is pinned exactly;
``tests/unit/emulator/test_engine.py``
covers them. Repairs, against emulator behaviour that real clients trip over: column names and types
come from the result itself and not from a DESCRIBE; ``CREATE TABLE t(cols) AS`` is described in the
right dialect; temporary tables are reached by qualified names (:mod:`.temporary`).
"""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import duckdb
import pyarrow as pa
from fakesnow import info_schema, macros
from fakesnow.conn import FakeSnowflakeConnection
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.instance import GLOBAL_DATABASE_NAME
from fakesnow.transforms import show
from sqlglot import exp

from .duck import Duck, ident
from .engine_faults import given_up, translate
from .faults import SnowflakeError
from .results import DELETE, DML, INSERT, MERGE, SELECT, UPDATE, Column, ResultSet, rows

_TYPES = {
    '"NULL"': "text",
    "BIGINT": "fixed",
    "BLOB": "binary",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "DOUBLE": "real",
    "FLOAT": "real",
    "HUGEINT": "fixed",
    "INTEGER": "fixed",
    "SMALLINT": "fixed",
    "TINYINT": "fixed",
    "UTINYINT": "fixed",
    "USMALLINT": "fixed",
    "UINTEGER": "fixed",
    "UBIGINT": "fixed",
    "UHUGEINT": "fixed",
    "JSON": "variant",
    "TIME": "time",
    "TIMESTAMP WITH TIME ZONE": "timestamp_ltz",
    "TIMESTAMP": "timestamp_ntz",
    "TIMESTAMP_NS": "timestamp_ntz",
    "TIMESTAMP_S": "timestamp_ntz",
    "TIMESTAMP_MS": "timestamp_ntz",
}


_NAMES = {"count_star()": "COUNT(*)"}


class _Forgetful(dict[str, Any]):
    """fakesnow keeps every result; ours are kept by the query store instead."""

    def __setitem__(self, key: str, value: Any) -> None:
        return None


class Engine:
    """All databases of one account.

    Args:
        folder: where database files live, or None to keep everything in memory.
        files: the one directory whose files statements may read and write, or None for none.
    """

    def __init__(self, folder: Path | None, files: Path | None = None) -> None:
        self._folder = folder
        # sqlglot still writes single-arrow lambdas for DuckDB.
        config: dict[str, Any] = {"lambda_syntax": "ENABLE_SINGLE_ARROW", "threads": "2"}
        # Tables are in memory unless they are kept: what goes beyond half of it waits on the disk.
        config["memory_limit"] = "50%"
        if files is not None:
            # What a server left that was killed is of no use.
            shutil.rmtree(files / "spill", ignore_errors=True)
            config["temp_directory"] = str(files / "spill")
        self._root = duckdb.connect(":memory:", config=config)
        self._attach(GLOBAL_DATABASE_NAME)
        self._root.execute(info_schema.fs_global_creation_sql())
        self._root.execute(show.fs_global_creation_sql())
        self._root.execute("set global TimeZone = 'UTC'")
        # No statement reaches a variable of this program, or a file that is no stage's.
        self._root.execute("set global python_enable_replacements = false")
        if files is not None:
            allowed = str(files).replace("'", "''")
            self._root.execute(f"set global allowed_directories = ['{allowed}/']")
        self._root.execute("set global enable_external_access = false")
        self._lock = threading.Lock()

    def _attach(self, database: str) -> None:
        file = ":memory:"
        if self._folder:
            # The name is a client's: it may hold what no file name can.
            file = str(self._folder / f"{database.encode().hex()}.duckdb").replace("'", "''")
        self._root.execute(f"attach if not exists '{file}' as {ident(database)}")

    def attach(self, database: str) -> None:
        """Create the database, or open the one that was kept."""
        with self._lock:
            self._attach(database)
            cursor = self._root.cursor()
            cursor.execute(info_schema.per_db_creation_sql(ident(database)))
            cursor.execute(macros.creation_sql(ident(database)))
            cursor.close()

    def detach(self, database: str) -> None:
        """Drop the database and its file."""
        with self._lock:
            self._root.execute(f"detach {ident(database)}")
            if self._folder:
                for file in self._folder.glob(f"{database.encode().hex()}.duckdb*"):
                    file.unlink()

    def connect(self) -> Connection:
        """Open a connection for one session."""
        return Connection(self._root.cursor())

    def close(self) -> None:
        """Write everything out and close."""
        self._root.close()


class Connection:
    """One session's view of the engine; one statement at a time."""

    def __init__(self, duck: duckdb.DuckDBPyConnection) -> None:
        # Any: fakesnow asks for a DuckDB connection, and this stands in for one.
        self._duck: Any = cast(Any, Duck(duck))
        self._fake = FakeSnowflakeConnection(
            self._duck, _Forgetful(), None, None, create_database=False, create_schema=False
        )
        self.lock = threading.RLock()
        self.in_transaction = False
        self.given_up = False
        self.at_commit: list[tuple[Any, Callable[[], None]]] = []
        """What is done once the transaction is committed, and whose it is; ROLLBACK forgets it."""
        self.rollbacks = 0
        """A rollback takes back the functions and macros that were made since BEGIN."""
        self.raised: SnowflakeError | None = None
        """What a Python function raised: the engine passes on its text alone."""
        self.watch: Callable[[], None] = lambda: None
        """Asked while a Python function runs; it raises when the statement is to end."""
        self._registered: list[str] = []
        self._aside: Duck | None = None

    @property
    def database(self) -> str | None:
        """The current database."""
        return self._fake.database if self._fake.database_set else None

    @property
    def schema(self) -> str | None:
        """The current schema."""
        return self._fake.schema if self._fake.schema_set and self._fake.database_set else None

    def use(self, database: str | None, schema: str | None) -> None:
        """Set the current database and schema; neither is checked here."""
        with self.lock:
            hidden = "_fs_information_schema" if schema == "INFORMATION_SCHEMA" else schema
            where = "memory.main"
            if database:
                where = f"{ident(database)}.{ident(hidden or 'main')}"
            literal = where.replace("'", "''")
            self._duck.execute(f"set schema = '{literal}'")
            self._fake.database = database
            self._fake.database_set = database is not None
            self._fake._schema = hidden.upper() if hidden and hidden != schema else schema
            self._fake.schema_set = schema is not None

    def run(self, expression: exp.Expr) -> ResultSet:
        """Run one parsed Snowflake statement.

        Raises:
            SnowflakeError: what the engine refused, in Snowflake's words and numbers.
        """
        with self.lock:
            self._may_go_on()
            cursor = FakeSnowflakeCursor(self._fake, self._duck)
            kind = _statement_type(expression)
            if isinstance(expression, exp.Merge):
                return self._merge(cursor, expression)
            try:
                self._check_place(cursor, expression)
                transformed = expression
                for statement in cursor._transform_explode(expression):
                    transformed = cursor._transform(statement, None)
                    cursor._execute(transformed, None)
            except Exception as error:
                own, self.raised = self.raised, None
                if own is not None:
                    raise own from None
                # fakesnow meets what it does not know with any exception there is.
                raise translate(error) from error
            table = cursor._arrow_table
            if kind == SELECT and not isinstance(expression, exp.Query):
                kind = 0x6000
            result = self._result(table, kind)
            if kind >= DML and kind < 0x4000:
                result.affected = cursor._rowcount
            return result

    def _check_place(self, cursor: Any, expression: exp.Expr) -> None:
        # It walks the whole statement, and says nothing where both are set.
        if not (self._fake.database_set and self._fake.schema_set):
            cursor.check_db_and_schema(expression)

    def _merge(self, cursor: Any, expression: exp.Merge) -> ResultSet:
        """Run MERGE as DuckDB's own: fakesnow's is several statements, and not atomic."""
        for when in expression.args["whens"].expressions:
            then = when.args.get("then")
            for pair in then.expressions if isinstance(then, exp.Update) else ():
                if isinstance(pair.this, exp.Column):
                    pair.this.set("table", None)
        try:
            self._check_place(cursor, expression)
            sql = cursor._transform(expression, None).sql(dialect="duckdb")
            done = [
                row[0] for row in self._duck.execute(f"{sql} returning merge_action").fetchall()
            ]
        except Exception as error:
            raise translate(error) from error
        whens = expression.args["whens"].expressions
        names = {"INSERT": "inserted", "UPDATE": "updated", "DELETE": "deleted"}
        used = {_merge_verb(when.args.get("then")) for when in whens}
        columns = [Column(f"number of rows {names[v]}", "fixed", 38, 0) for v in names if v in used]
        result = rows(columns, [[done.count(v) for v in names if v in used]], MERGE)
        result.affected = len(done)
        return result

    def raw(self, sql: str, values: Any = None) -> list[tuple[Any, ...]]:
        """Run DuckDB SQL and return its rows."""
        with self.lock:
            try:
                found: list[tuple[Any, ...]] = self._duck.inner.execute(sql, values).fetchall()
            except duckdb.Error as error:
                raise translate(error) from error
            return found

    def query(self, sql: str, values: Any = None) -> ResultSet:
        """Run DuckDB SQL and return a result set."""
        with self.lock:
            try:
                self._duck.execute(sql, values)
                return self._result(self._duck.to_arrow_table(), SELECT)
            except duckdb.Error as error:
                raise translate(error) from error

    def aside(self, sql: str) -> ResultSet:
        """Run DuckDB SQL that reads files alone: what fails leaves the transaction as it is."""
        with self.lock:
            duck = self._aside = Duck(self._duck.inner.cursor())
            try:
                return self._result(duck.execute(sql).to_arrow_table(), SELECT, duck)
            except duckdb.Error as error:
                raise translate(error) from error
            finally:
                duck.inner.close()

    def explain(self, expression: exp.Expr) -> str:
        """Return the engine's plan of a statement, as JSON."""
        with self.lock:
            cursor = FakeSnowflakeCursor(self._fake, self._duck)
            try:
                cursor.check_db_and_schema(expression)
                sql = cursor._transform(expression, None).sql(dialect="duckdb")
                found = self._duck.execute(f"explain (format json) {sql}").fetchall()
            except Exception as error:
                raise translate(error) from error
            return str(found[0][1])

    def register(self, name: str, table: pa.Table) -> None:
        """Make *table* readable as a view of this connection, until :meth:`unregister`."""
        with self.lock:
            try:
                self._duck.register(name, table)
            except duckdb.Error as error:
                raise translate(error) from error
            self._registered.append(name)

    def unregister(self) -> None:
        """Forget all registered tables."""
        with self.lock:
            for name in self._registered:
                with contextlib.suppress(duckdb.Error):  # an aborted transaction takes nothing
                    self._duck.unregister(name)
            self._registered.clear()

    def create_function(self, *args: Any, **kwargs: Any) -> None:
        """Register a Python function with DuckDB (see ``duckdb.create_function``)."""
        with self.lock:
            self._duck.create_function(*args, **kwargs)

    def give_up(self) -> None:
        """Take nothing more in this transaction but ROLLBACK."""
        self.given_up = self.in_transaction

    def _may_go_on(self) -> None:
        if self.given_up:
            raise given_up()

    def begin(self) -> None:
        """Start a transaction unless there is one."""
        if not self.in_transaction:
            self.raw("begin")
            self.in_transaction = True

    def end(self, *, commit: bool) -> None:
        """Commit or roll back the transaction, if there is one."""
        if self.in_transaction:
            if commit:
                self._may_go_on()
                self.raw("select 1")  # DuckDB takes COMMIT of what it has given up as ROLLBACK
            self.in_transaction = self.given_up = False
            self.rollbacks += not commit
            waiting, self.at_commit = self.at_commit, []
            try:
                self.raw("commit" if commit else "rollback")
            except Exception:
                if commit:
                    self.rollbacks += 1
                    self.raw("rollback")
                raise
            for _, call in waiting if commit else ():
                call()

    def interrupt(self) -> None:
        """Stop the statement that runs now; a session that has just ended runs none."""
        with contextlib.suppress(duckdb.ConnectionException):
            self._duck.interrupt()
            if self._aside is not None:
                self._aside.interrupt()

    def close(self) -> None:
        """Roll back and close."""
        with self.lock:
            self.end(commit=False)
            self._duck.close()

    def _result(self, table: pa.Table, kind: int, duck: Duck | None = None) -> ResultSet:
        columns: list[Column] = []
        arrays: list[Any] = []
        for (_, duck_type), array, name in zip(
            (duck or self._duck).described, table.columns, table.schema.names, strict=True
        ):
            # Of a subquery; headings.py names those of the query itself.
            column, values = _column(_NAMES.get(name, name), duck_type, array)
            columns.append(column)
            arrays.append(values)
        schema = pa.schema([(c.name, a.type) for c, a in zip(columns, arrays, strict=True)])
        return ResultSet(columns, pa.Table.from_arrays(arrays, schema=schema), kind)


def _column(name: str, duck_type: str, array: Any) -> tuple[Column, Any]:
    if duck_type.startswith("DECIMAL("):
        precision, scale = duck_type[8:-1].split(",")
        return Column(name, "fixed", int(precision), int(scale)), array
    kind = _TYPES.get(duck_type)
    if kind is not None:
        if kind == "fixed":
            return Column(name, "fixed", 38, 0), array
        return Column(name, kind), array
    if duck_type.endswith("]") or duck_type.startswith(("STRUCT", "MAP", "UNION")):
        texts = [None if v is None else json.dumps(v, default=str) for v in array.to_pylist()]
        kind = "array" if duck_type.endswith("]") else "object"
        return Column(name, kind), pa.chunked_array([pa.array(texts, pa.string())])
    texts = [None if v is None else str(v) for v in array.to_pylist()]
    return Column(name, "text"), pa.chunked_array([pa.array(texts, pa.string())])


def _merge_verb(then: Any) -> str:
    if isinstance(then, exp.Insert):
        return "INSERT"
    return "UPDATE" if isinstance(then, exp.Update) else "DELETE"


def _statement_type(expression: exp.Expr) -> int:
    if isinstance(expression, exp.Insert):
        return INSERT
    if isinstance(expression, exp.Update):
        return UPDATE
    if isinstance(expression, exp.Delete):
        return DELETE
    if isinstance(expression, exp.Merge):
        return MERGE
    return SELECT
