"""Versions of models copied from one schema to another, with all that is said of them.

Source: Snowflake, "Managing models with the Snowflake Model Registry" (multiple schemas), "CREATE
MODEL", "ALTER MODEL … ADD VERSION", "ALTER MODEL … MODIFY VERSION". The pages do not say whether
comment and metadata go along, so both are set.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sf_ml_framework.identifiers import quoted
from sf_ml_framework.places.snowflake.errors import AbsentError
from sf_ml_framework.places.snowflake.model_versions import RegistryVersion, shown
from sf_ml_framework.places.snowflake.names import literal

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a model in a schema, as SHOW VERSIONS tells of it."""

    model: str
    """As Snowflake stores the name."""
    registry: RegistryVersion
    metadata: str
    """JSON, metrics among it."""

    @property
    def metrics(self) -> dict[str, Any]:
        """Its metrics."""
        found = json.loads(self.metadata or "{}").get("metrics") or {}
        return dict(found)


class Schema:
    """The models of one schema, looked at without the official client.

    Args:
        account: the connection.
        database: of the schema, as Snowflake stores the name.
        schema: the same.
    """

    def __init__(self, account: Account, database: str, schema: str) -> None:
        self._account = account
        self._place = f"{quoted(database)}.{quoted(schema)}"

    def models(self) -> dict[str, str]:
        """Return the comment of each model, by its name."""
        try:
            rows = self._account.rows(f"SHOW MODELS IN SCHEMA {self._place}")
        except AbsentError:
            return {}
        return {str(row["name"]): str(row["comment"] or "") for row in rows}

    def versions(self, model: str) -> dict[str, Version]:
        """Return the versions of *model*, the oldest first; none when there is no such model."""
        try:
            rows = self._account.rows(f"SHOW VERSIONS IN MODEL {self.named(model)}")
        except AbsentError:
            return {}
        found = [
            Version(model=model, registry=shown(row), metadata=str(row.get("metadata") or "{}"))
            for row in rows
        ]
        return {each.registry.name: each for each in found}

    def tags(self, model: str) -> dict[str, str]:
        """Return the tags that are set on *model* itself, by their names without a schema."""
        rows = self._account.rows(
            f"SELECT tag_name, tag_value FROM TABLE({self._place.partition('.')[0]}"
            ".INFORMATION_SCHEMA.TAG_REFERENCES(?, 'module'))",
            (self.named(model),),
        )
        return {str(row["tag_name"]): str(row["tag_value"]) for row in rows}

    def named(self, model: str) -> str:
        """Return *model* for SQL."""
        return f"{self._place}.{quoted(model)}"


def copying(
    version: Version, source: Schema, target: Schema, name: str, standing: dict[str, Version]
) -> Iterator[str]:
    """Yield the statements that put *version* into *target* as *name*, in order.

    Args:
        version: of *source*.
        source: where it stands.
        target: where it goes.
        name: of the copy.
        standing: the versions of that model in *target*.
    """
    there = target.named(version.model)
    origin = f"FROM MODEL {source.named(version.model)} VERSION {quoted(version.registry.name)}"
    if name not in standing:
        yield (
            f"ALTER MODEL {there} ADD VERSION {quoted(name)} {origin}"
            if standing
            else f"CREATE MODEL {there} WITH VERSION {quoted(name)} {origin}"
        )
    if version.metadata not in ("", "{}"):
        one = f"ALTER MODEL {there} MODIFY VERSION {quoted(name)}"
        yield f"{one} SET METADATA = {literal(version.metadata)}"
