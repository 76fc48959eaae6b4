"""A text is no longer than its column: the engine keeps the length, and does not ask for it.

Source: Snowflake, "String & binary data types" (VARCHAR): a longer text is an error, not cut off.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fakesnow.transforms.transforms import extract_text_length
from sqlglot import exp

from ..duck import LENGTHS, WHERE
from ..faults import SnowflakeError
from ..names import Path, always_quoted
from ..router import table_parts, target_of
from .columns import columns_of, place
from .temporary import is_temporary

if TYPE_CHECKING:
    from ..account import Account
    from ..catalog import Catalog
    from ..session import Session

Limits = list[tuple[str, int]]


class Lengths:
    """The columns of each table that have a length, as long as the table is not changed."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._version = -1
        self._known: dict[tuple[int, Path], Limits] = {}
        self.staying: dict[int, list[tuple[Any, ...]]] = {}
        """By session, the rows of a table that the running CREATE .. IF NOT EXISTS leaves alone."""

    def of(self, session: Session, path: Path) -> Limits:
        """Return the columns with a length, and how many characters each takes."""
        if (version := self._catalog.version) != self._version:
            self._version = version
            self.forget()
        key = (session.id if ("TABLE", path) in session.temporary else 0, path)
        if key not in self._known:
            found = columns_of(session, path)
            self._known[key] = [(c["name"], int(c["length"])) for c in found if c["length"]]
        return self._known[key]

    def forget(self) -> None:
        """Ask again, since a table has been changed."""
        self._known.clear()


def install(account: Account) -> None:
    """Register what is asked after each statement that writes rows."""
    lengths = account.parts[Lengths] = Lengths(account.catalog)
    account.registry.written.append(lambda session, tree: before(account, lengths, session, tree))
    account.registry.written.append(lambda session, tree: after(lengths, session, tree))
    account.observe(lambda session, tree, result: settle(lengths, session, tree))
    account.observe(lambda session, tree, result: changed(lengths, tree))


def changed(lengths: Lengths, tree: exp.Expr) -> None:
    """Forget what was known when a table is made, altered or dropped: some are in no catalogue."""
    if isinstance(tree, exp.Create | exp.Alter | exp.Drop):
        lengths.forget()


def before(account: Account, lengths: Lengths, session: Session, tree: exp.Expr) -> None:
    """Keep the lengths of a table that stands and stays: the engine takes over the statement's."""
    lengths.staying.pop(session.id, None)
    if (path := _made(session, tree)) is None or tree.args.get("replace"):
        return
    if is_temporary(tree):
        stands = ("TABLE", path) in session.temporary
    else:
        stands = account.catalog.find("TABLE", path) is not None
    if stands:
        lengths.staying[session.id] = session.connection.raw(
            f"select * from {LENGTHS} where {WHERE}", place(session, path)
        )


def settle(lengths: Lengths, session: Session, tree: exp.Expr) -> None:
    """Give a table that stayed its lengths again; a new one none of another that had its name."""
    if (path := _made(session, tree)) is None:
        return
    where = place(session, path)
    stayed = lengths.staying.pop(session.id, None)
    found = extract_text_length(tree.copy()).args.get("text_lengths") or []
    told = [] if stayed is not None else [name.upper() for name, _ in found]
    session.connection.raw(
        f"delete from {LENGTHS} where {WHERE} and not list_contains(?, upper(ext_column_name))",
        [*where, told],
    )
    if (like := tree.find(exp.LikeProperty)) and stayed is None:
        source = place(session, session.resolve(table_parts(like.this)))
        stayed = [
            (*where, *row[3:])
            for row in session.connection.raw(f"select * from {LENGTHS} where {WHERE}", source)
        ]
    for row in stayed or []:
        marks = ", ".join("?" * len(row))
        session.connection.raw(f"insert into {LENGTHS} values ({marks})", list(row))


def _made(session: Session, tree: exp.Expr) -> Path | None:
    """Return the table that a CREATE TABLE is about."""
    made = isinstance(tree, exp.Create) and str(tree.args.get("kind") or "").upper() == "TABLE"
    # A clone has the lengths of what it was made of.
    target = target_of(tree) if made and not tree.args.get("clone") else None
    return session.resolve(table_parts(target), "CREATE TABLE") if target is not None else None


def after(lengths: Lengths, session: Session, tree: exp.Expr) -> Callable[[], None] | None:
    """Return what refuses rows with a text that is too long."""
    target = target_of(tree)
    if target is None or not isinstance(tree, exp.Insert | exp.Update | exp.Merge):
        return None
    path = session.resolve(table_parts(target))
    try:
        limits = lengths.of(session, path)
    except SnowflakeError:
        return None  # no such table: the statement says so itself
    if not limits:
        return None

    def check() -> None:
        table = ".".join(always_quoted(part) for part in place(session, path))
        for column, limit in limits:
            name = always_quoted(column)
            too_long = session.connection.raw(
                f"select {name} from {table} where length({name}) > {limit} limit 1"
            )
            if too_long:
                raise SnowflakeError(
                    f"String '{too_long[0][0]}' is too long and would be truncated",
                    number=100078,
                    state="22000",
                )

    return check
