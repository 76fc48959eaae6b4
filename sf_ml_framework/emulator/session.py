"""A client's session: who, where, with which settings."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .engine import Connection
from .faults import no_database, no_schema, no_warehouse, syntax_error
from .names import Path


@dataclass(slots=True, kw_only=True)
class Session:
    """The state that USE, ALTER SESSION and SET change."""

    id: int
    user: str
    role: str
    connection: Connection
    warehouse: str | None = None
    secondary_roles: str = "ALL"
    parameters: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    temporary: dict[tuple[str, Path], str] = field(default_factory=dict)
    made: dict[tuple[str, Path], datetime] = field(default_factory=dict)
    """When each temporary table or view was made."""
    text_lengths: dict[Path, dict[str, int]] = field(default_factory=dict)
    """How long the texts of temporary tables may be, by column in capitals."""
    keys: dict[Path, list[dict[str, Any]]] = field(default_factory=dict)
    """The keys of temporary tables."""
    query_ids: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    """Free space for rooms, for example the task or service that the session belongs to."""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    master_token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    token_expires: datetime | None = None
    used: datetime | None = None
    """When the last request came."""
    idle_seconds: int | None = None
    """After how long without a request it ends; a session policy says so."""
    master_expires: datetime | None = None
    borrowed: bool = False
    """Whether the connection is another session's, as a procedure's is."""
    closed: threading.Event = field(default_factory=threading.Event)

    @property
    def database(self) -> str | None:
        """The current database."""
        return self.connection.database

    @property
    def schema(self) -> str | None:
        """The current schema."""
        return self.connection.schema

    def is_idle(self, now: datetime) -> bool:
        """Say whether the session has idled longer than its policy allows."""
        if self.idle_seconds is None or self.used is None:
            return False
        return (now - self.used).total_seconds() > self.idle_seconds

    def resolve(self, parts: tuple[str, ...], command: str = "SELECT") -> Path:
        """Complete the name of a schema object with the current database and schema."""
        if len(parts) == 3:
            return Path(*parts)
        if len(parts) > 3:
            raise syntax_error(f"too many parts in the name {'.'.join(parts)}")
        if self.database is None:
            raise no_database(command)
        if len(parts) == 2:
            return Path(self.database, *parts)
        if self.schema is None:
            raise no_schema(command)
        return Path(self.database, self.schema, parts[0])

    def resolve_schema(self, parts: tuple[str, ...], command: str = "SELECT") -> Path:
        """Complete the name of a schema; the path has the schema as its name."""
        if len(parts) == 2:
            return Path(parts[0], "", parts[1])
        if self.database is None:
            raise no_database(command)
        return Path(self.database, "", parts[0])

    def require_warehouse(self) -> str:
        """Return the current warehouse or raise 000606."""
        if self.warehouse is None:
            raise no_warehouse()
        return self.warehouse
