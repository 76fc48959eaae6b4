"""A text is no longer than its column: the engine keeps the length, and does not ask for it.

Source: Snowflake, "String & binary data types" (VARCHAR): a longer text is an error, not cut off.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fakesnow.transforms.transforms import extract_text_length
from sqlglot import exp

from ..duck import LENGTHS, WHERE
from ..faults import SnowflakeError
from ..names import Path, always_quoted
from ..router import table_parts, target_of
from .columns import LONGEST_TEXT, columns_of, place
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
    account.registry.written.append(lambda session, tree: after(lengths, session, tree))
    account.observe(lambda session, tree, result: changed(lengths, session, tree))


def changed(lengths: Lengths, session: Session, tree: exp.Expr) -> None:
    """Follow a table that is made, altered or dropped: some are in no catalogue.

    A new one has the lengths of its own columns alone, none of a table that had its name.
    """
    if not isinstance(tree, exp.Create | exp.Alter | exp.Drop):
        return
    lengths.forget()
    path = _table(session, tree)
    if path is None:
        return
    permanent = isinstance(tree, exp.Create) and not is_temporary(tree)
    if ("TABLE", path) in session.temporary and not permanent:
        _follow_temporary(session, path, tree)
    elif isinstance(tree, exp.Drop):
        session.text_lengths.pop(path, None)
    elif isinstance(tree, exp.Create) and not tree.args.get("clone"):
        _follow_permanent(session, path, tree)


def _table(session: Session, tree: exp.Expr) -> Path | None:
    """Return the table that a CREATE, ALTER or DROP TABLE is about."""
    target = target_of(tree) if str(tree.args.get("kind") or "").upper() == "TABLE" else None
    return session.resolve(table_parts(target), "CREATE TABLE") if target is not None else None


def _follow_temporary(session: Session, path: Path, tree: exp.Expr) -> None:
    """Keep the lengths with the session: tables of one name in two sessions are two."""
    made = {name: size for name, size in _own(tree).items() if size < LONGEST_TEXT}
    if isinstance(tree, exp.Create):
        noted = [session.database, session.schema, ".".join(path)]  # as if others could see it
        session.connection.raw(f"delete from {LENGTHS} where {WHERE}", noted)
        session.text_lengths[path] = made
        model = tree.find(exp.LikeProperty) or tree.args.get("clone")
        if model is not None:
            columns = columns_of(session, session.resolve(table_parts(model.this)))
            session.text_lengths[path] = {
                each["name"].upper(): int(each["length"]) for each in columns if each["length"]
            }
    else:
        session.text_lengths.setdefault(path, {}).update(made)


def _follow_permanent(session: Session, path: Path, tree: exp.Create) -> None:
    """Forget what a table of that name had before. A clone has the lengths of what it is of."""
    session.connection.raw(
        f"delete from {LENGTHS} where {WHERE} and not list_contains(?, upper(ext_column_name))",
        [*path, list(_own(tree))],
    )
    if like := tree.find(exp.LikeProperty):
        session.connection.raw(
            f"insert into {LENGTHS} select ?, ?, ?, * exclude "
            "(ext_table_catalog, ext_table_schema, ext_table_name) "
            f"from {LENGTHS} where {WHERE}",
            [*path, *place(session, session.resolve(table_parts(like.this)))],
        )


def _own(tree: exp.Expr) -> dict[str, int]:
    """Return the lengths that a statement says, by column in capitals."""
    found = extract_text_length(tree.copy()).args.get("text_lengths") or []
    return {name.upper(): int(size) for name, size in found}


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
