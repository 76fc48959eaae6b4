"""A grant as REST describes it, as the statements GRANT and REVOKE.

Source: snowflake.core 1.13, ``grant/_grants.py``, ``role/_generated/models/grant.py``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..access.kinds import plural
from ..faults import invalid

_WORDS = re.compile(r"[A-Z]+( [A-Z]+)*")
_ROLES = {"ROLE", "DATABASE ROLE"}


def words(kind: str) -> str:
    """Return a kind as the client spells it, with spaces."""
    return kind.replace("_", " ")


def kind_of(written: str) -> str:
    """Return a kind as statements spell it.

    Raises:
        SnowflakeError: it is no word, so it may not stand in a statement.
    """
    kind = " ".join(written.upper().replace("_", " ").replace("-", " ").split())
    if not _WORDS.fullmatch(kind):
        raise invalid(f"invalid securable type '{written}'")
    return kind


def privileges_of(given: Any) -> tuple[str, ...]:
    """Return the privileges of a request, checked like kinds."""
    if given is None:
        return ()
    if not isinstance(given, list):
        raise invalid("'privileges' must be a list")
    return tuple(kind_of(str(one)) for one in given)


@dataclass(frozen=True, slots=True)
class Order:
    """What is granted on what; *target* is a written name, or that of the scope of *many*."""

    kind: str
    target: str
    privileges: tuple[str, ...]
    option: bool = False
    many: str = ""
    """ALL or FUTURE."""
    within: str = ""
    """SCHEMA or DATABASE, of *many*."""

    def grant(self, to: str) -> str:
        """Return the GRANT."""
        option = " WITH GRANT OPTION" if self.option and not self._is_role else ""
        return f"GRANT {self._what} TO {to}{option}"

    def revoke(self, of: str, mode: str = "", *, option_only: bool = False) -> str:
        """Return the REVOKE; *mode* is ``restrict`` or ``cascade``."""
        if mode.lower() not in {"", "restrict", "cascade"}:
            raise invalid(f"invalid mode '{mode}'")
        only = "GRANT OPTION FOR " if option_only else ""
        ending = "" if self._is_role else f" {mode.upper()}".rstrip()
        return f"REVOKE {only}{self._what} FROM {of}{ending}"

    @property
    def _is_role(self) -> bool:
        """Whether a role itself is granted, not a privilege on it."""
        return self.kind in _ROLES and set(self.privileges) <= {"USAGE"} and not self.many

    @property
    def _what(self) -> str:
        if self._is_role:
            return f"{self.kind} {self._must()}"
        if not self.privileges:
            raise invalid("'privileges' are required")
        listed = ", ".join(self.privileges)
        if self.kind == "ACCOUNT":
            return f"{listed} ON ACCOUNT"
        if self.many:
            kinds = self.kind if self.kind.endswith("S") else plural(self.kind)
            return f"{listed} ON {self.many} {kinds} IN {self.within} {self._must()}"
        return f"{listed} ON {self.kind} {self._must()}"

    def _must(self) -> str:
        if not self.target:
            raise invalid("what the grant is on is required")
        return self.target
