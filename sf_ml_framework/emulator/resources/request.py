"""One REST request, as statements in a session of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from ..faults import SnowflakeError, invalid
from ..names import Path, parts_of, quoted
from ..registry import RestCall, Row
from ..session import Session

DONE = {"status": "Request successfully completed"}
_MODES = {"errorIfExists": ("", ""), "orReplace": (" OR REPLACE", "")}
_MODES |= {"ifNotExists": ("", " IF NOT EXISTS")}


class Request:
    """A request and the session that carries it out.

    The session is not the client's: creating a database by REST does not make it the client's
    current one, and LAST_QUERY_ID() stays.
    """

    def __init__(self, call: RestCall, session: Session) -> None:
        self.call = call
        self.session = session

    def run(self, sql: str) -> None:
        """Run a statement."""
        self.call.account.run(self.session, sql)

    def rows(self, sql: str) -> list[Row]:
        """Run a statement and return its rows."""
        return self.call.account.run(self.session, sql).dicts()

    def one(self, sql: str) -> Any:
        """Run a statement and return its only value."""
        return self.call.account.run(self.session, sql).scalar()

    @property
    def body(self) -> dict[str, Any]:
        """What was sent, without what is null."""
        body = self.call.body
        if not isinstance(body, dict):
            raise SnowflakeError(
                "Bad request: an object was expected.", number=390400, state="08001"
            )
        return {key: value for key, value in body.items() if value is not None}

    @property
    def if_exists(self) -> str:
        """IF EXISTS, where the request says so."""
        return " IF EXISTS" if truth(self.call.query.get("ifExists")) else ""

    @property
    def mode(self) -> tuple[str, str]:
        """OR REPLACE and IF NOT EXISTS, of which at most one is there."""
        mode = self.call.query.get("createMode") or "errorIfExists"
        if mode not in _MODES:
            raise invalid(f"invalid createMode '{mode}'")
        return _MODES[mode]

    @property
    def filters(self) -> str:
        """LIKE, STARTS WITH and LIMIT of a list."""
        query, made = self.call.query, ""
        if query.get("like"):
            made += f" LIKE {text(query['like'])}"
        if query.get("startsWith"):
            made += f" STARTS WITH {text(query['startsWith'])}"
        if query.get("showLimit"):
            limit = query["showLimit"]
            if not limit.isdigit() or not 1 <= int(limit) <= 10_000:
                raise invalid(f"invalid showLimit '{limit}': it is from 1 to 10000")
            made += f" LIMIT {limit}"
            if query.get("fromName"):
                made += f" FROM {text(query['fromName'])}"
        return made

    def place(self) -> Path:
        """Return the database or schema of the route; it must stand."""
        database, schema = (self.call.parts.get(part, "") for part in ("database", "schema"))
        catalog = self.call.account.catalog
        if database:
            catalog.get("DATABASE", Path("", "", database))
        if schema:
            catalog.get("SCHEMA", Path(database, "", schema))
        return Path(database, schema, "")


def route(work: Callable[[Request], Any]) -> Callable[[RestCall], Any]:
    """Return *work* as a route."""

    def answer(call: RestCall) -> Any:
        with _opened(call) as request:
            return work(request)

    return answer


@contextmanager
def _opened(call: RestCall) -> Iterator[Request]:
    """Open a session that may do what the client's may, where the route points."""
    account, client = call.account, call.session
    session = account.open_session(user=client.user, role=client.role)
    try:
        session.secondary_roles = client.secondary_roles
        session.warehouse = client.warehouse
        session.parameters.update(client.parameters)
        request = Request(call, session)
        place = request.place()
        database = place.database or client.database
        schema = place.schema if place.database else client.schema
        session.connection.use(database, schema or None)
        yield request
    finally:
        account.close_session(session)


def text(value: Any) -> str:
    """Return a string literal."""
    return "'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"


def name(value: Any) -> str:
    """Return a name of one or more parts, as a body spells it, written for a statement."""
    return ".".join(quoted(part) for part in parts_of(str(value)))


def names(value: Any) -> str:
    """Return a list of names in brackets."""
    if not isinstance(value, list):
        raise invalid("a list of names was expected")
    return f"({', '.join(name(one) for one in value)})"


def word(value: Any) -> str:
    """Return a keyword, such as a size."""
    if not str(value).replace("_", "").replace("-", "").isalnum():
        raise invalid(f"invalid value '{value}'")
    return text(value)


def number(value: Any) -> str:
    """Return a whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid(f"invalid value '{value}': a whole number was expected")
    return str(value)


def boolean(value: Any) -> str:
    """Return TRUE or FALSE; the clients send some of them as text."""
    if str(value).lower() not in {"true", "false"}:
        raise invalid(f"invalid value '{value}': true or false was expected")
    return str(value).upper()


Writer = Callable[[Any], str]


def properties(given: Mapping[str, Any], writers: Mapping[str, Writer]) -> str:
    """Return ``KEY = value ..`` for the fields of *given* that have a writer."""
    return "".join(
        f" {field.upper()} = {write(given[field])}"
        for field, write in writers.items()
        if field in given
    )


def known(given: Mapping[str, Any], *fields: str) -> None:
    """Refuse fields that this emulator does not know, rather than forget them."""
    if unknown := set(given) - set(fields):
        raise invalid(f"unknown field '{min(unknown)}'")


def told(row: Row, *fields: str) -> Row:
    """Return the fields of a row as JSON has them, without what is empty."""
    found = {field: plain(row.get(field)) for field in fields}
    return {field: value for field, value in found.items() if value is not None}


def plain(value: Any) -> Any:
    """Return a value as JSON."""
    return value.isoformat() if isinstance(value, datetime) else value


def name_of(row: Row) -> str:
    """Return the name of a row as the client reads it: quoted where it must be."""
    return quoted(str(row["name"]))


def truth(value: Any) -> bool:
    """Say whether a text of a row or query means yes."""
    return str(value).lower() in {"true", "y", "yes", "on"}
