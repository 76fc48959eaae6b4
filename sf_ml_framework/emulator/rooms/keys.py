"""PRIMARY KEY, UNIQUE and FOREIGN KEY: they are described, and nothing enforces them.

Source: Snowflake, "Overview of constraints": on a standard table NOT NULL alone is enforced; the
columns of a primary key are NOT NULL. "CREATE TABLE … CONSTRAINT": a foreign key names a primary
or unique key. "ALTER TABLE … CONSTRAINT" (ADD, DROP).

The engine would enforce them: it never sees them, and they stand in the catalogue with the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ..faults import SnowflakeError, already_exists, invalid, invalid_identifier, not_found
from ..names import Path, join, quoted
from ..registry import OURS
from ..results import ResultSet, done
from ..router import stored, table_parts, target_of
from .temporary import is_temporary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..account import Account
    from ..registry import Call
    from ..session import Session

Keys = list[dict[str, Any]]
"""Each has ``name`` (or ""), ``kind`` and ``columns``."""
_OF_A_COLUMN: dict[type[exp.Expr], str] = {
    exp.PrimaryKeyColumnConstraint: "PRIMARY KEY",
    exp.UniqueColumnConstraint: "UNIQUE",
    exp.Reference: "FOREIGN KEY",
}
_OF_A_TABLE: dict[type[exp.Expr], str] = {
    exp.PrimaryKey: "PRIMARY KEY",
    exp.UniqueColumnConstraint: "UNIQUE",
    exp.ForeignKey: "FOREIGN KEY",
}


def install(account: Account) -> None:
    """Register the statements, the rewrite and what follows it."""
    account.statement("ALTER TABLE [IF EXISTS]", alter)
    account.registry.early.append(own_reference)
    account.rewrite(lambda session, tree: checked(account, session, tree))
    account.observe(lambda session, tree, result: follow(account, session, tree))


def of(account: Account, session: Session, path: Path) -> Keys:
    """Return the keys of a table, or of a temporary one of the session."""
    if ("TABLE", path) in session.temporary:
        return session.keys.get(path, [])
    entry = account.catalog.find("TABLE", path)
    return list(entry.properties.get("keys", [])) if entry else []


def keep(account: Account, session: Session, path: Path, keys: Keys) -> None:
    """Let a table have these keys and no others."""
    if ("TABLE", path) in session.temporary:
        session.keys[path] = keys
    else:
        _keep(account, path, keys)


def _keep(account: Account, path: Path, keys: Keys) -> None:
    entry = account.catalog.find("TABLE", path)
    if entry is not None and (keys or entry.properties.get("keys")):
        account.catalog.update(entry.with_properties(keys=keys))


def _name(node: exp.Expr | None) -> str:
    return stored(node) if isinstance(node, exp.Identifier) else ""


def _columns(nodes: list[exp.Expr]) -> list[str]:
    return [_name(node.find(exp.Identifier)) for node in nodes]


def _stated(tree: exp.Expr) -> Iterator[tuple[exp.Expr, str, str, exp.Expr, list[str]]]:
    """Yield each key: what stands for it, its name, kind, own node and columns."""
    for one in list(tree.find_all(exp.ColumnConstraint)):
        if (kind := _OF_A_COLUMN.get(type(one.kind))) and isinstance(one.parent, exp.ColumnDef):
            yield one, _name(one.this), kind, one.kind, [_name(one.parent.this)]
    for node in list(tree.find_all(*_OF_A_TABLE)):
        if isinstance(node.parent, exp.ColumnConstraint):
            continue
        around = node.parent if isinstance(node.parent, exp.Constraint) else node
        listed = node.this if isinstance(node, exp.UniqueColumnConstraint) else node
        columns = _columns(listed.expressions) if listed is not None else []
        yield (
            around,
            _name(around.this) if around is not node else "",
            _OF_A_TABLE[type(node)],
            node,
            columns,
        )


def stated(tree: exp.Expr) -> Keys:
    """Return the keys that a statement writes."""
    return [
        {"name": name, "kind": kind, "columns": columns}
        for _, name, kind, _, columns in _stated(tree)
    ]


def taken(tree: exp.Expr) -> exp.Expr:
    """Take the keys out of CREATE TABLE and ADD COLUMN; a primary key leaves NOT NULL behind."""
    primary: set[str] = set()
    for around, _, kind, _, columns in list(_stated(tree)):
        if kind == "PRIMARY KEY":
            primary.update(columns)
        around.pop()
    # The engine has no NOT NULL in CREATE TABLE .. AS.
    made = isinstance(tree, exp.Create) and tree.expression is None
    for column in tree.find_all(exp.ColumnDef) if made else ():
        held = column.args.get("constraints") or []
        if _name(column.this) in primary and not any(
            isinstance(one.kind, exp.NotNullColumnConstraint) for one in held
        ):
            needed = exp.ColumnConstraint(kind=exp.NotNullColumnConstraint())
            column.set("constraints", [*held, needed])
    return tree


def _of_a_table(tree: exp.Expr) -> bool:
    return isinstance(tree, exp.Create | exp.Alter) and str(tree.args.get("kind")) == "TABLE"


def checked(account: Account, session: Session, tree: exp.Expr) -> exp.Expr:
    """Refuse keys of columns that are not there, and take the others from the engine.

    Raises:
        SnowflakeError: 000904 for a column, 002003 for a table that is not there; 001008.
    """
    if not _of_a_table(tree):
        return tree
    target = target_of(tree)
    found = list(_stated(tree))
    if target is None or not found:
        return tree
    own = {_name(column.this) for column in tree.find_all(exp.ColumnDef)}
    keys = stated(tree)
    path = session.resolve(table_parts(target), "CREATE TABLE")
    for _, _, kind, node, columns in found:
        _known(own, columns)
        if kind == "FOREIGN KEY":
            _referenced(account, session, node, path, keys)
    if sum(key["kind"] == "PRIMARY KEY" for key in keys) > 1:
        raise invalid("a table has one primary key at most")
    return taken(tree)


def own_reference(session: Session, tree: exp.Expr) -> exp.Expr:
    """A foreign key may name the table that is just made: nobody looks for that one."""
    target = target_of(tree) if _of_a_table(tree) else None
    for reference in tree.find_all(exp.Reference) if target is not None else ():
        table = reference.find(exp.Table)
        if table is None or target is None:
            continue
        try:
            other, path = (session.resolve(table_parts(one)) for one in (table, target))
        except SnowflakeError:
            continue  # no current schema: the statement fails by itself
        if other == path:
            table.meta.update({OURS: True, "owned": True})
    return tree


def _known(own: set[str], columns: list[str]) -> None:
    for column in columns:
        if column not in own:
            raise invalid_identifier(quoted(column))


def _referenced(
    account: Account,
    session: Session,
    node: exp.Expr,
    path: Path,
    keys: Keys,
) -> None:
    """Refuse a foreign key to what is no primary or unique key."""
    reference = node if isinstance(node, exp.Reference) else node.args.get("reference")
    table = reference.find(exp.Table) if reference is not None else None
    if reference is None or table is None:
        raise invalid("a foreign key names the table that it references")
    other = session.resolve(table_parts(table))
    if other != path:
        stands = ("TABLE", other) in session.temporary or account.catalog.find("TABLE", other)
        if not stands:
            raise not_found("TABLE", str(other))
        keys = of(account, session, other)
    listed = reference.this.expressions if isinstance(reference.this, exp.Schema) else []
    wanted = _columns(listed)
    count = len(node.expressions) if isinstance(node, exp.ForeignKey) else 1
    for key in keys:
        same = set(key["columns"]) == set(wanted) if wanted else key["kind"] == "PRIMARY KEY"
        if key["kind"] != "FOREIGN KEY" and same and len(key["columns"]) == count:
            return
    raise invalid(f"{other} has no primary or unique key of {', '.join(wanted) or 'its own'}")


def follow(account: Account, session: Session, tree: exp.Expr) -> None:
    """Keep the keys of a table that was made or changed, and forget those of one dropped."""
    target = target_of(tree)
    if target is None or str(tree.args.get("kind") or "").upper() != "TABLE":
        return
    path = session.resolve(table_parts(target), "CREATE TABLE")
    if isinstance(tree, exp.Create) and not tree.args.get("clone"):
        like = tree.find(exp.LikeProperty)
        model = of(account, session, session.resolve(table_parts(like.this))) if like else None
        kept = stated(tree) if model is None else model
        if is_temporary(tree):
            session.keys[path] = kept
        else:
            _keep(account, path, kept)
    elif isinstance(tree, exp.Drop):
        if ("TABLE", path) not in session.temporary:
            session.keys.pop(path, None)
    elif isinstance(tree, exp.Alter):
        _follow_columns(account, session, path, tree)


def _follow_columns(account: Account, session: Session, path: Path, tree: exp.Alter) -> None:
    keys = [*of(account, session, path), *stated(tree)]
    for action in tree.args.get("actions") or []:
        if isinstance(action, exp.RenameColumn):
            old, new = (_columns([action.args[part]])[0] for part in ("this", "to"))
            for key in keys:
                key["columns"] = [new if one == old else one for one in key["columns"]]
        elif isinstance(action, exp.Drop) and str(action.args.get("kind")).upper() == "COLUMN":
            gone = set(_columns(action.args["tables"]))
            keys = [key for key in keys if not gone & set(key["columns"])]
    keep(account, session, path, keys)


def alter(call: Call) -> ResultSet | None:
    """Run ``ALTER TABLE .. ADD`` and ``DROP`` of a key; all else is left to others."""
    parts = call.reader.name()
    reader = call.reader
    word = reader.peek().word
    second = reader.peek(1).word
    if word not in {"ADD", "DROP"} or second not in {"CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN"}:
        return None
    path = call.session.resolve(parts)
    stands = ("TABLE", path) in call.session.temporary or call.account.catalog.find("TABLE", path)
    if not stands:
        if call.if_exists:
            return done()
        raise not_found("TABLE", join(parts))
    call.account.router.commit(call.session)
    if word == "ADD":
        return _add(call, path)
    reader.next()
    return _drop(call, path)


def _add(call: Call, path: Path) -> ResultSet:
    from .columns import columns_of

    account, session = call.account, call.session
    tree = account.router.parse(call.text)
    found = list(_stated(tree))
    keys = of(account, session, path)
    own = {column["name"] for column in columns_of(session, path)}
    if not found:
        call.reader.fail()
    for _, name, kind, node, columns in found:
        _known(own, columns)
        if name and any(key["name"] == name for key in keys):
            raise already_exists(name)
        if kind == "PRIMARY KEY":
            if any(key["kind"] == kind for key in keys):
                raise invalid("a table has one primary key at most")
            for column in columns:
                text = f"ALTER TABLE {join(path)} ALTER COLUMN {quoted(column)} SET NOT NULL"
                account.router.execute(session, account.router.parse(text))
        elif kind == "FOREIGN KEY":
            other = node.args["reference"].find(exp.Table)
            if not other.meta.get(OURS) and (named := session.resolve(table_parts(other))) != path:
                account.require(session, "REFERENCES", "TABLE", named)
            _referenced(account, session, node, path, keys)
    keep(account, session, path, [*keys, *stated(tree)])
    return done()


def _drop(call: Call, path: Path) -> ResultSet:
    reader = call.reader
    keys = of(call.account, call.session, path)
    if reader.accept("CONSTRAINT"):
        name = reader.name()[0]
        gone = [key for key in keys if key["name"] == name]
    else:
        kind = reader.next().word
        if kind != "UNIQUE":
            reader.expect("KEY")
            kind += " KEY"
        columns: list[str] = []
        if reader.accept("("):
            while not reader.accept(")"):
                columns.append(reader.name()[0])
                reader.accept(",")
        gone = [k for k in keys if k["kind"] == kind and columns in ([], k["columns"])]
        name = kind
    if not reader.accept("CASCADE"):
        reader.accept("RESTRICT")
    reader.end()
    if not gone:
        raise invalid(f"Constraint '{name}' does not exist")
    keep(call.account, call.session, path, [key for key in keys if key not in gone])
    return done()
