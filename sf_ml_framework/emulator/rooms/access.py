"""Every statement is asked for the privileges that Snowflake's pages ask for.

What statements need is declared (:mod:`..access`); here are the three places where it is asked:
before the statement (its declared needs, stages, DESCRIBE), on the parsed tree (tables, views, the
warehouse), and in what SHOW lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from ..access import objects, references
from ..access.foundation import LINES
from ..access.needs import Need, path_of
from ..faults import SnowflakeError, not_found
from ..names import Path
from ..reader import Reader
from ..registry import Statement
from .formats import stage_of
from .stages import require_stage

if TYPE_CHECKING:
    from ..account import Account
    from ..lexer import Token
    from ..session import Session

_READS = {"GET", "LIST", "LS"}
_WRITES = {"PUT", "REMOVE", "RM"}
_OWN_USER = {
    "DEFAULT_ROLE",
    "DEFAULT_WAREHOUSE",
    "DEFAULT_NAMESPACE",
    "DEFAULT_SECONDARY_ROLES",
    "FIRST_NAME",
    "MIDDLE_NAME",
    "LAST_NAME",
    "EMAIL",
}
"""What users may change of themselves. Source: Snowflake, "ALTER USER"."""
_METHODS = {"RSA_PUBLIC_KEY", "RSA_PUBLIC_KEY_2", "WORKLOAD_IDENTITY"}


def install(account: Account) -> None:
    """Register the checks."""
    for statement, privilege, on, rest in LINES:
        hidden = bool(rest.get("hidden"))
        more = {key: value for key, value in rest.items() if key != "hidden"}
        account.needed.add(
            Need(statement=statement, privilege=privilege, on=on, hidden=hidden, **more)
        )
    for need in objects.lines():
        account.needed.add(need)
    account.guard(account.needed.check)
    account.guard(lambda session, statement: stages(account, session, statement))
    account.guard(lambda session, statement: described(account, session, statement))
    account.guard(lambda session, statement: altered_user(account, session, statement))
    account.guard(lambda session, statement: commented(account, session, statement))
    account.rewrite(lambda session, tree: references.check(account, session, tree))
    account.rewrite(lambda session, tree: staged(account, session, tree))


def stages(account: Account, session: Session, statement: Statement) -> None:
    """PUT and REMOVE need WRITE on the stage, GET and LIST need READ, COPY what it does.

    Source: Snowflake, "Access control privileges" (stage privileges), "COPY INTO <location>".
    """
    words = statement.words
    if not words or words[0] not in _READS | _WRITES | {"COPY"}:
        return
    first = words[0]
    into = first == "COPY"
    for index, token in enumerate(statement.tokens):
        text = token.value if token.kind in {"STRING", "DOLLAR"} else token.text
        if not text.startswith("@") or token.kind not in {"STRING", "STAGE"}:
            continue
        before = statement.tokens[index - 1].word if index else ""
        write = first in _WRITES or (into and before == "INTO")
        require_stage(account, session, text, "WRITE" if write else "READ")


def staged(account: Account, session: Session, tree: exp.Expr) -> exp.Expr:
    """A query on staged files needs READ on the stage."""
    for table in tree.find_all(exp.Table):
        written = stage_of(table)
        if written is not None:
            require_stage(account, session, written, "READ")
    return tree


def described(account: Account, session: Session, statement: Statement) -> None:
    """DESCRIBE needs any privilege on the object."""
    if statement.words[:1] not in {("DESCRIBE",), ("DESC",)}:
        return
    tokens = list(statement.tokens)[1:]
    for length in (3, 2, 1):
        kind = " ".join(token.word for token in tokens[:length])
        if kind in account.registry.describes and len(tokens) > length:
            break
    else:
        return
    if kind == "USER":
        return
    path = _read(session, kind, statement, length + 1)
    if path is None:
        return
    account.access.require_places(session, kind, path)
    temporary = any((one, path) in session.temporary for one in (kind, "TABLE", "VIEW"))
    stands = account.access.owner(kind, path) is not None
    if stands and not temporary and not account.access.sees(session, kind, path):
        raise not_found(kind, str(path))


def _read(session: Session, kind: str, statement: Statement, at: int) -> Path | None:
    reader = Reader("")
    reader.tokens = list(statement.tokens)
    reader.at = at
    try:
        return path_of(session, kind, reader.name())
    except SnowflakeError:
        return None


def commented(account: Account, session: Session, statement: Statement) -> None:
    """COMMENT ON needs OWNERSHIP of the object. Source: Snowflake, "COMMENT"."""
    words = statement.words
    if words[:1] != ("COMMENT",) or "ON" not in words[:4]:
        return
    at = words.index("ON") + 1
    kind = statement.tokens[at].word if at < len(statement.tokens) else ""
    path = _read(session, kind, statement, at + 1)
    if kind in {"TABLE", "VIEW", "SCHEMA", "STAGE", "TAG", "WAREHOUSE", "DATABASE"} and path:
        account.access.require(session, "OWNERSHIP", kind, path)


def altered_user(account: Account, session: Session, statement: Statement) -> None:
    """ALTER USER needs OWNERSHIP of the user; of themselves users may change a few things.

    Source: Snowflake, "ALTER USER".
    """
    if statement.words[:2] != ("ALTER", "USER"):
        return
    tokens = list(statement.tokens)
    at = 4 if [t.word for t in tokens[2:4]] == ["IF", "EXISTS"] else 2
    own = tokens[at : at + 1] and tokens[at].word in {"SET", "UNSET", "ADD", "REMOVE"}
    path = Path("", "", session.user) if own else _read(session, "USER", statement, at)
    if path is None:
        return
    if path.name == session.user and _harmless(tokens[at:]):
        return
    wanted = "OWNERSHIP"
    if _of_signing_in(tokens[at:]):
        wanted += "|MODIFY PROGRAMMATIC AUTHENTICATION METHODS"
    account.access.require(session, wanted, "USER", path)


def _of_signing_in(tokens: list[Token]) -> bool:
    """Say whether a statement is about keys, tokens or workload identity alone.

    Source: Snowflake, "ALTER USER" (MODIFY PROGRAMMATIC AUTHENTICATION METHODS on the user).
    """
    words = [token.word for token in tokens]
    if "PAT" in words or "PROGRAMMATIC" in words:
        return True
    if "UNSET" in words:
        keys = set(words[words.index("UNSET") + 1 :]) - {"", ",", ";"}
    else:
        keys = _keys(words)
    return bool(keys) and keys <= _METHODS


def _harmless(tokens: list[Token]) -> bool:
    words = [token.word for token in tokens]
    if "PAT" in words or "PROGRAMMATIC" in words:
        return True
    keys = _keys(words)
    return "SET" in words and bool(keys) and keys <= _OWN_USER


def _keys(words: list[str]) -> set[str]:
    """Return the properties that SET names; those inside brackets are values."""
    found, depth = set(), 0
    for index, word in enumerate(words[:-1]):
        depth += {"(": 1, ")": -1}.get(word, 0)
        if not depth and words[index + 1] == "=":
            found.add(word)
    return found
