"""Snowflake Scripting, run: anonymous blocks and EXECUTE IMMEDIATE.

Source: Snowflake, "Snowflake Scripting developer guide", "EXECUTE IMMEDIATE", "Handling
exceptions". Not there: async jobs, nested procedures, labels of BREAK and CONTINUE, handlers
that go on; each is refused by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace as replace_column
from typing import TYPE_CHECKING, Any

from ..binds import replace
from ..faults import SnowflakeError, cancelled, syntax_error, unsupported
from ..lexer import tokenize
from ..queries import CURRENT
from ..registry import Call
from ..results import ResultSet, rows
from .block import (
    Assign,
    Block,
    Case,
    Cursor,
    Fault,
    Fetch,
    For,
    If,
    Jump,
    Node,
    Raise,
    Return,
    Sql,
    While,
    parse,
)
from .cursors import Opened, RaisedError
from .functions import to_literal
from .scripts import run_script

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session


class _ReturnSignal(Exception):  # noqa: N818 - control flow, not an error
    def __init__(self, result: ResultSet) -> None:
        self.result = result


class _JumpSignal(Exception):  # noqa: N818 - control flow, not an error
    def __init__(self, kind: str) -> None:
        self.kind = kind


_BUILT_IN = {"STATEMENT_ERROR", "EXPRESSION_ERROR"}
_RESULTS = {"SELECT", "WITH", "SHOW", "CALL", "EXECUTE", "DESCRIBE", "DESC"}


def install(account: Account) -> None:
    """Register blocks and EXECUTE IMMEDIATE."""
    account.statement("DECLARE|BEGIN", block)
    account.statement("EXECUTE IMMEDIATE", immediate)


def block(call: Call) -> ResultSet:
    """Run an anonymous block."""
    return Script(call.account, call.session).run(parse(call.text))


def immediate(call: Call) -> ResultSet:
    """Run the statement or block that a string or variable holds."""
    reader = call.reader
    if reader.accept("FROM"):
        return run_script(call)
    token = reader.next()
    if token.kind not in {"STRING", "DOLLAR"}:
        raise unsupported(f"EXECUTE IMMEDIATE {token.text} outside a block is not known here.")
    if reader.accept("USING"):
        reader.fail()
    reader.end()
    return run_text(call.account, call.session, token.value)


def run_text(account: Account, session: Session, text: str) -> ResultSet:
    """Run one statement or block given as text, as task bodies and EXECUTE IMMEDIATE need it."""
    return account.run(session, text.strip().rstrip(";"))


class Script:
    """One run of a block: its variables, and where its statements go."""

    def __init__(
        self, account: Account, session: Session, given: dict[str, Any] | None = None
    ) -> None:
        self._account = account
        self._session = session
        self._variables: dict[str, Any] = {"SQLROWCOUNT": None, "SQLFOUND": None, "SQLID": None}
        # The arguments of a procedure are variables of its block.
        self._variables.update(given or {})
        self._handled: list[SnowflakeError] = []

    def run(self, tree: Block) -> ResultSet:
        """Run the block and return what it returns, NULL without RETURN."""
        try:
            self._block(tree)
        except _ReturnSignal as signal:
            return signal.result
        except _JumpSignal as signal:
            raise syntax_error(f"{signal.kind} stands outside a loop.") from None
        except RaisedError as error:
            raise error.uncaught() from None
        return rows(["anonymous block"], [(None,)])

    def _block(self, tree: Block) -> None:
        try:
            self._all(tree.body)
        except SnowflakeError as error:
            for name, body in tree.handlers:
                if _catches(name, error):
                    self._handle(body, error)
                    return
            raise

    def _handle(self, body: tuple[Node, ...], error: SnowflakeError) -> None:
        self._variables.update(SQLERRM=error.message, SQLCODE=error.number, SQLSTATE=error.state)
        self._handled.append(error)
        try:
            self._all(body)
        finally:
            self._handled.pop()

    def _all(self, body: tuple[Node, ...]) -> None:
        for node in body:
            self._one(node)

    def _one(self, node: Node) -> None:
        match node:
            case Sql():
                self._sql(node.text)
            case Assign():
                self._assign(node)
            case Cursor():
                self._variables[node.name] = Opened(node.query)
            case Fault():
                self._variables[node.name] = node
            case Fetch():
                self._cursor(node)
            case If() | Case():
                self._branch(node)
            case For():
                self._for(node)
            case While():
                self._while(node)
            case Return():
                raise _ReturnSignal(self._returned(node.value))
            case Jump():
                raise _JumpSignal(node.kind)
            case Raise():
                self._raise(node)
            case Block():
                self._block(node)

    def _branch(self, node: If | Case) -> None:
        """Run the first branch that holds."""
        value = node.value if isinstance(node, Case) else ""
        for condition, body in node.branches:
            asked = f"({value}) = ({condition})" if value and condition else condition
            if not condition or self._value(asked):
                self._all(body)
                return

    def _raise(self, node: Raise) -> None:
        if not node.name:
            if not self._handled:
                raise syntax_error("RAISE without a name stands outside an exception handler.")
            raise self._handled[-1]
        found = self._variables.get(node.name)
        if not isinstance(found, Fault):
            raise syntax_error(f"Exception '{node.name}' was not declared.")
        raise RaisedError(found, node)

    def _while(self, node: While) -> None:
        while not node.condition or self._value(node.condition):
            if self._turn(node.body) or (node.until and self._value(node.until)):
                return

    def _turn(self, body: tuple[Node, ...]) -> bool:
        """Run a loop's body once; say whether the loop is to end."""
        query = CURRENT.get()
        if query is not None and query.cancel.is_set():
            raise cancelled()  # a loop may run no statement that would notice
        try:
            self._all(body)
        except _JumpSignal as signal:
            return signal.kind == "BREAK"
        return False

    def _cursor(self, node: Fetch) -> None:
        cursor = self._variables.get(node.cursor)
        if not isinstance(cursor, Opened):
            raise syntax_error(f"Cursor '{node.cursor}' was not declared.")
        if node.verb == "CLOSE":
            cursor.close()
        elif node.verb == "OPEN":
            cursor.open(self._read(cursor, [self._value(one) for one in node.names]))
        else:
            values = cursor.fetch(len(node.names))
            for name, value in zip(node.names, values, strict=True):
                self._set(name, value)

    def _read(self, cursor: Opened, given: list[Any]) -> ResultSet:
        """Return the rows of a cursor's query, with *given* in the place of its marks."""
        found = self._variables.get(cursor.query.strip().upper())
        if isinstance(found, ResultSet):
            return found
        tokens = tokenize(cursor.query)
        marks = [index for index, token in enumerate(tokens) if token.kind == "BIND"]
        if len(marks) != len(given):
            raise syntax_error(f"The cursor has {len(marks)} marks and USING {len(given)} values.")
        texts = [to_literal(value).sql(dialect="snowflake") for value in given]
        filled = dict(zip(marks, texts, strict=True))
        return self._sql(
            replace(cursor.query, tokens, lambda at: (1, filled[at]) if at in filled else None)
        )

    def _set(self, name: str, value: Any) -> None:
        if name not in self._variables:
            raise syntax_error(f"Identifier '{name}' was not declared.")
        self._variables[name] = value

    def _sql(self, text: str) -> ResultSet:
        words = [token.word for token in tokenize(text)[:2]]
        if words[:1] == ["NULL"]:
            return rows(["status"], [])
        if words == ["EXECUTE", "IMMEDIATE"]:
            value = self._value(text[text.upper().index("IMMEDIATE") + len("IMMEDIATE") :])
            result = run_text(self._account, self._session, str(value))
        else:
            plain, into = _without_into(text)
            result = self._account.run(self._session, self._bound(plain))
            self._keep(into, result)
        self._variables["SQLROWCOUNT"] = result.affected
        self._variables["SQLFOUND"] = bool(result.affected)
        self._variables["SQLID"] = self._session.query_ids[-1]
        return result

    def _keep(self, into: list[str], result: ResultSet) -> None:
        """Set variables to the columns of the one row; without a row they are NULL."""
        if not into:
            return
        if result.table.num_rows > 1:
            raise SnowflakeError(
                "A SELECT INTO statement expects exactly 1 returned row, but got "
                f"{result.table.num_rows}.",
                number=90195,
                state="P0003",
            )
        values = result.rows[0] if result.rows else (None,) * len(into)
        if len(values) != len(into):
            raise syntax_error(f"SELECT has {len(values)} columns and INTO {len(into)} variables.")
        for name, value in zip(into, values, strict=True):
            self._set(name, value)

    def _assign(self, node: Assign) -> None:
        if not node.new and node.name not in self._variables:
            raise syntax_error(f"Identifier '{node.name}' was not declared.")
        if node.value is None:
            self._variables[node.name] = None
            return
        inner = node.value.strip()
        # A variable of another type than RESULTSET takes the query's one value.
        if inner.startswith("(") and node.kind in {"", "RESULTSET"}:
            first = [token.word for token in tokenize(inner)[1:2]]
            if first and first[0] in _RESULTS:
                self._variables[node.name] = self._sql(inner[1:-1])
                return
        first = [token.word for token in tokenize(inner)[:1]]
        if not first:
            raise syntax_error(f"'{node.name}' has no value after :=.")
        if first == ["CALL"]:
            raise unsupported("assigning the result of CALL is not known here: use CALL .. INTO.")
        self._variables[node.name] = self._value(inner)

    def _for(self, node: For) -> None:
        if node.high is not None:
            counted = range(self._whole(node.low), self._whole(node.high) + 1)
            turns: Sequence[Any] = counted[::-1] if node.reverse else counted
        else:
            source = self._variables.get(node.low.strip().upper())
            if isinstance(source, Opened):
                source = source.result or self._read(source, [])
            if not isinstance(source, ResultSet):
                raise syntax_error(f"'{node.low}' is no cursor and no result to loop over.")
            turns = source.dicts()
        for turn in turns:
            self._variables[node.name] = turn
            if self._turn(node.body):
                return

    def _whole(self, text: str) -> int:
        value = self._value(text)
        try:
            return int(value)
        except (TypeError, ValueError):
            raise syntax_error(f"'{text}' is no whole number to count to.") from None

    def _returned(self, text: str) -> ResultSet:
        words = [token.word for token in tokenize(text)]
        if not words:
            return rows(["anonymous block"], [(None,)])
        named = words[0]
        if words[0] == "TABLE" and words[1:2] == ["("]:
            inside = words[2:-1]
            of_cursor = inside[:2] == ["RESULTSET_FROM_CURSOR", "("]
            named = (inside[2:] if of_cursor else inside)[0] if len(inside) > 2 * of_cursor else ""
        found = self._variables.get(named)
        if isinstance(found, Opened):
            found = found.result or self._read(found, [])
        if isinstance(found, ResultSet) and (len(words) == 1 or words[0] == "TABLE"):
            return found
        result = self._account.router.run(self._session, f"SELECT {self._bound(text, bare=True)}")
        column = replace_column(result.columns[0], name="anonymous block")
        return ResultSet([column], result.table.rename_columns([column.name]))

    def _value(self, text: str) -> Any:
        """Return what an expression is worth now."""
        bound = self._bound(text, bare=True)
        return self._account.router.run(self._session, f"SELECT ({bound})").scalar()

    def _bound(self, text: str, *, bare: bool = False) -> str:
        """Put variables into *text*: ``:x`` in statements, ``x`` too in expressions (*bare*)."""
        tokens = tokenize(text)

        def change(index: int) -> tuple[int, str] | None:
            token = tokens[index]
            colon = token.text == ":" and (
                index == 0 or tokens[index - 1].end < token.start or tokens[index - 1].kind == "OP"
            )
            at = index + 1 if colon else index
            if at >= len(tokens) or tokens[at].kind != "WORD" or (at == index and not bare):
                return None
            if not colon and index and tokens[index - 1].text in {".", ":"}:
                return None
            return self._variable(tokens, index, at)

        return replace(text, tokens, change)

    def _variable(self, tokens: list[Any], index: int, at: int) -> tuple[int, str] | None:
        name = tokens[at].word
        if name not in self._variables:
            return None
        value, count = self._variables[name], at - index + 1
        if isinstance(value, dict):
            if [t.text for t in tokens[at + 1 : at + 2]] != ["."] or len(tokens) < at + 3:
                return None
            column = tokens[at + 2].text.upper()
            value, count = (
                next((v for k, v in value.items() if k.upper() == column), None),
                count + 2,
            )
        elif isinstance(value, ResultSet | Opened | Fault):
            return None
        elif [t.text for t in tokens[at + 1 : at + 2]] == ["."]:
            return None  # the name of a table, not of the variable
        return count, to_literal(value).sql(dialect="snowflake")


def _without_into(text: str) -> tuple[str, list[str]]:
    """Cut ``INTO :a, :b`` out of a SELECT or CALL; return the rest and the variables' names.

    Source: Snowflake, "Working with variables" (SELECT .. INTO, CALL .. INTO).
    """
    tokens = tokenize(text)
    if not tokens or tokens[0].word not in {"SELECT", "WITH", "CALL"}:
        return text, []
    depth = 0
    for index, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0 and token.word == "INTO":
            names, at = [], index + 1
            while [t.text for t in tokens[at : at + 1]] == [":"] and at + 1 < len(tokens):
                names.append(tokens[at + 1].word)
                at += 2
                if at >= len(tokens) or tokens[at].text != ",":
                    break
                at += 1
            return f"{text[: token.start]} {text[tokens[at - 1].end :]}", names
    return text, []


def _catches(name: str, error: SnowflakeError) -> bool:
    """Say whether WHEN *name* takes the error; a declared one is taken by its name or OTHER."""
    if isinstance(error, RaisedError):
        return name in {"OTHER", error.name}
    return name == "OTHER" or name in _BUILT_IN
