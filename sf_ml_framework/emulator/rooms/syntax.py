"""What the engine's grammar has and Snowflake's has not is refused.

Source: Snowflake, "SELECT", "Query syntax", "JOIN", "LIMIT / FETCH", "INSERT" (no RETURNING),
"VALUES", "Reserved & limited keywords".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from ..faults import SnowflakeError, unexpected

if TYPE_CHECKING:
    from ..account import Account
    from ..registry import Statement
    from ..session import Session

_TYPES = {"INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "VARCHAR", "TEXT", "STRING", "DOUBLE"}
_TYPES |= {"FLOAT", "BOOLEAN", "DATE", "TIMESTAMP", "NUMBER", "DECIMAL", "VARIANT"}
_NO_VALUES = {"TO_VARIANT", "ARRAY_CONSTRUCT", "OBJECT_CONSTRUCT"}


def install(account: Account) -> None:
    """Register the rules, before every rewrite: what those put in place is the engine's."""
    account.guard(words)
    account.registry.rewrites.insert(0, forms)
    account.registry.rewrites.insert(0, values)


def words(session: Session, statement: Statement) -> None:
    """Refuse ``FROM t SELECT x``, ``INTEGER[]`` and ``~~``, which are parsed away.

    Raises:
        SnowflakeError: 001003.
    """
    tokens = statement.tokens
    for index, token in enumerate(tokens):
        text = token.text  # a long INSERT has hundreds of thousands: most are nothing of these
        before = tokens[index - 1] if index else None
        if len(text) == 4 and token.word == "FROM" and (before is None or before.text == "("):
            raise unexpected(text, token.start)
        if before is None:
            continue
        if text == "~" and before.text == "~" and before.end == token.start:
            raise unexpected("~", before.start)
        if text == "]" and before.text == "[" and index > 1 and tokens[index - 2].word in _TYPES:
            raise unexpected("[", before.start)


def forms(session: Session, tree: exp.Expr) -> exp.Expr:
    """Refuse clauses and operators that Snowflake does not have.

    Raises:
        SnowflakeError: 001003, or 002140 for UNNEST.
    """
    for node in tree.walk():
        match node:
            case exp.Distinct() if node.args.get("on") is not None:
                raise unexpected("on")
            case exp.Join() if str(node.args.get("kind") or "").upper() in {"SEMI", "ANTI"}:
                raise unexpected(str(node.args["kind"]).lower())
            case exp.LimitOptions() if node.args.get("percent"):
                raise unexpected("%")
            case exp.Returning():
                raise unexpected("returning")
            case exp.Comprehension():
                raise unexpected("for")
            case exp.Glob():
                raise unexpected("glob")
            case exp.Unnest():
                raise SnowflakeError(
                    "SQL compilation error:\nUnknown function UNNEST.", number=2140, state="42601"
                )
    return tree


def values(session: Session, tree: exp.Expr) -> exp.Expr:
    """VALUES takes no function that makes a semi-structured value: INSERT .. SELECT does.

    Raises:
        SnowflakeError: 002014.
    """
    for clause in tree.find_all(exp.Values):
        for row in clause.expressions:
            for one in row.expressions if isinstance(row, exp.Tuple) else [row]:
                name = str(one.this).upper() if isinstance(one, exp.Anonymous) else ""
                if name in _NO_VALUES or isinstance(
                    one, exp.ParseJSON | exp.Array | exp.Struct | exp.ToVariant
                ):
                    text = one.sql(dialect="snowflake")
                    raise SnowflakeError(
                        f"SQL compilation error:\nInvalid expression [{text}] in VALUES clause",
                        number=2014,
                        state="22000",
                    )
    return tree
