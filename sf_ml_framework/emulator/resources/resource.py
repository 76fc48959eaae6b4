"""What the routes of most kinds of object share: create, list, fetch, change, drop, tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..faults import invalid, not_found
from ..names import Path, fold, quoted
from ..registry import Row
from ..rooms import tags
from .request import DONE, Request, Writer, known, name, properties, route, text

if TYPE_CHECKING:
    from ..account import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One kind of object by REST."""

    home: str
    """Route of the collection."""
    kind: str
    """What it is called in statements, such as ``COMPUTE POOL``."""
    plural: str
    """What it is called in SHOW."""
    writers: Mapping[str, Writer]
    """How the fields that can be set are written as properties."""
    shown: tuple[str, ...]
    """Fields that the server tells; those without a writer are ignored when they are sent."""
    model: Callable[[Request, Row], Row]
    """Return a row of SHOW as the client's model."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """What create-or-alter sets where the request leaves a field out."""
    fixed: tuple[str, ...] = ()
    """Fields that create-or-alter may not change."""

    def install(self, account: Account) -> None:
        """Register the routes that every kind has."""
        for method, path, work in (
            ("GET", "", self.listed),
            ("GET", "/{name}", self.fetched),
            ("DELETE", "/{name}", self.dropped),
            ("GET", "/{name}:get-tags", self.tags),
            ("POST", "/{name}:set-tags", self.tag),
            ("POST", "/{name}:unset-tags", self.untag),
        ):
            account.route(method, self.home + path, route(work))

    def path(self, request: Request, written: str | None = None) -> Path:
        """Return the full name of the object that the route, or *written*, names."""
        last = request.call.parts["name"] if written is None else fold(written)
        place = request.place()
        return Path(place.database, place.schema, last)

    def written(self, request: Request, named: str | None = None) -> str:
        """Return that name as a statement has it."""
        return ".".join(quoted(part) for part in self.path(request, named) if part)

    def where(self, request: Request) -> str:
        """Return the scope of SHOW."""
        place = request.place()
        if place.schema:
            return f" IN SCHEMA {quoted(place.database)}.{quoted(place.schema)}"
        return f" IN DATABASE {quoted(place.database)}" if place.database else ""

    def row(self, request: Request, named: str | None = None) -> Row | None:
        """Return what SHOW tells of one object; none when the role sees no such one."""
        path = self.path(request, named)
        pattern = path.name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        found = request.rows(f"SHOW {self.plural} LIKE {text(pattern)}{self.where(request)}")
        return next((row for row in found if row["name"] == path.name), None)

    def listed(self, request: Request) -> list[Row]:
        """Return the objects."""
        found = request.rows(f"SHOW {self.plural}{self.where(request)}{request.filters}")
        return [self.model(request, row) for row in found]

    def fetched(self, request: Request) -> Row:
        """Return one object."""
        row = self.row(request)
        if row is None:
            raise not_found(self.kind, str(self.path(request)))
        return self.model(request, row)

    def created(self, request: Request, *, more: str = "", words: str = "") -> Row:
        """Create an object; *words* stand before its kind, *more* after its properties."""
        given = request.body
        replacing, absent = request.mode
        self.run_create(request, given, f"CREATE{replacing}{words} {self.kind}{absent}", more)
        return DONE

    def run_create(self, request: Request, given: Row, start: str, more: str = "") -> None:
        """Run the statement that creates what *given* describes."""
        if not given.get("name"):
            raise invalid("'name' is required")
        known(given, "name", *self.writers, *self.shown)
        name_text = self.written(request, str(given["name"]))
        request.run(f"{start} {name_text}{properties(given, self.writers)}{more}")

    def changed(self, request: Request, *, skipped: tuple[str, ...] = ()) -> Row:
        """Create an object, or make it what the request says."""
        given = {"name": quoted(request.call.parts["name"]), **request.body}
        row = self.row(request)
        if row is None:
            self.run_create(request, given, f"CREATE {self.kind}")
            return DONE
        known(given, "name", *self.writers, *self.shown)
        for one in self.fixed:
            if one in given and str(given[one]).upper() != str(row.get(one)).upper():
                raise invalid(f"'{one}' of an existing {self.kind.lower()} cannot be changed")
        wanted = {**self.defaults, **given}
        writers = {
            key: write for key, write in self.writers.items() if key not in {*self.fixed, *skipped}
        }
        if made := properties(wanted, writers):
            request.run(f"ALTER {self.kind} {self.written(request)} SET{made}")
        return DONE

    def dropped(self, request: Request) -> Row:
        """Drop an object."""
        request.run(f"DROP {self.kind}{request.if_exists} {self.written(request)}")
        return DONE

    def verb(self, words: str) -> Callable[[Request], Row]:
        """Return a route that runs ``ALTER kind name words``."""

        def run(request: Request) -> Row:
            name_text = self.written(request)
            request.run(f"ALTER {self.kind}{request.if_exists} {name_text} {words}")
            return DONE

        return run

    def tags(self, request: Request) -> list[Row]:
        """Return the tags of an object."""
        if self.row(request) is None:
            raise not_found(self.kind, str(self.path(request)))
        found = tags.references(
            request.call.account,
            "kind = ? and object = ?",
            (self.kind, str(self.path(request))),
        )
        return [
            {
                "tag_database": one["TAG_DATABASE"],
                "tag_schema": one["TAG_SCHEMA"],
                "tag_name": one["TAG_NAME"],
                "tag_value": one["TAG_VALUE"],
                "level": self.kind,
            }
            for one in found
        ]

    def tag(self, request: Request) -> Row:
        """Set tags."""
        found = [f"{tag} = {text(one.get('tag_value', ''))}" for tag, one in _tags(request)]
        return self.verb(f"SET TAG {', '.join(found)}")(request)

    def untag(self, request: Request) -> Row:
        """Take tags away."""
        return self.verb(f"UNSET TAG {', '.join(tag for tag, _ in _tags(request))}")(request)


def _tags(request: Request) -> list[tuple[str, Row]]:
    """Return the tags of a request: their full names, written, and what was said of each."""
    body = request.call.body
    if not isinstance(body, list) or not body:
        raise invalid("a list of tags was expected")
    made = []
    for one in body:
        if not isinstance(one, dict) or not one.get("tag_name"):
            raise invalid("a tag needs a 'tag_name'")
        place = (one.get("tag_database"), one.get("tag_schema"), one["tag_name"])
        made.append((".".join(name(part) for part in place if part), one))
    return made
