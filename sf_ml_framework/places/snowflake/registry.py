"""One schema's official Model Registry: what we ask of it, and nothing else.

Logging goes through ``snowflake.ml.registry``; what is asked before anything runs is plain SQL, for
that library takes two seconds to import.

Source: Snowflake, "Snowflake Model Registry", "ALTER MODEL", "SHOW VERSIONS IN MODEL"; read in
``snowflake.ml.model._client.sql.model_version`` 2.6.0 (addresses of a version's files).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sf_ml_framework.errors import DataError, FrameworkError, ModelError, PlatformError
from sf_ml_framework.identifiers import quoted
from sf_ml_framework.places.snowflake.errors import AbsentError, RefusedError
from sf_ml_framework.places.snowflake.model_versions import RegistryVersion, shown
from sf_ml_framework.places.snowflake.names import literal

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.model_logging import Logged
    from sf_ml_framework.places.snowflake.session import Account

FOLDER = "mlops"
"""Folder among a version's user files that holds ours."""

REPOSITORY = "snowflake.snowpark.pypi_shared_repository"
"""Where a warehouse takes packages of pip from."""

WAREHOUSE, CONTAINERS = "WAREHOUSE", "SNOWPARK_CONTAINER_SERVICES"

LONGEST_TAG = 256
"""Characters of a tag's value. Source: Snowflake, "Object tagging"."""

_TAKEN = 92917
"""ADD VERSION of a name that the model has."""

_LOGGER = logging.getLogger(__name__)


class VersionTakenError(PlatformError):
    """Another made a version of that name at the same time."""


class ModelRegistry:
    """The models of one schema.

    Args:
        account: the connection.
        database: of the schema, as Snowflake stores the name.
        schema: the same.
    """

    def __init__(self, account: Account, database: str, schema: str) -> None:
        self._account = account
        self._database, self._schema = database, schema
        self._official: Any = None
        self._session: Any = None

    @property
    def official(self) -> Any:
        """The official Registry; a new one where the account had to open a new session."""
        session = self._account.session
        if self._official is None or self._session is not session:
            from snowflake.ml.registry import Registry

            with self._account.translating("open the Model Registry"):
                self._official = Registry(
                    session,
                    database_name=quoted(self._database),
                    schema_name=quoted(self._schema),
                    # Monitoring is not used, and opening it asks for more than a registry needs.
                    options={"enable_monitoring": False},
                )
            self._session = session
        return self._official

    def versions(self, model: str, name: str = "") -> list[RegistryVersion]:
        """Return the versions of *model*, or the one called *name*; none when there is no such.

        Args:
            model: as Snowflake stores the name.
            name: an identifier of a version.
        """
        # Its pattern knows no escapes that matter here: a line stands for any character.
        like = f"LIKE {literal(name)} " if name else ""
        try:
            rows = self._account.rows(f"SHOW VERSIONS {like}IN MODEL {self._named(model)}")
        except AbsentError:
            return []
        found = [shown(row) for row in rows]
        return [each for each in found if each.name == name] if name else found

    def log(
        self,
        model: str,
        name: str,
        how: Logged,
        *,
        comment: str,
        metrics: Mapping[str, Any],
        files: Sequence[Path],
    ) -> RegistryVersion:
        """Make the version *name* of *model*, with *files* beside it, and return it.

        Raises:
            VersionTakenError: another made a version of that name at the same time.
        """
        try:
            with self._account.translating(f"ALTER MODEL {model} ADD VERSION {name}"):
                self.official.log_model(
                    how.model,
                    model_name=model,
                    version_name=name,
                    comment=comment,
                    metrics=dict(metrics) or None,
                    pip_requirements=list(how.requirements) or None,
                    target_platforms=self._platforms(),
                    sample_input_data=how.sample,
                    user_files={FOLDER: [str(file) for file in files]},
                    code_paths=list(how.code) or None,
                    options={"enable_explainability": how.explained},
                )
        except Exception as error:  # the client's, the model's own, or Snowflake's
            raise _explained(error, model, name) from error
        made = self.versions(model, name)
        if not made:
            raise ModelError(
                f"the Model Registry does not show the version {name} of {model} that it made",
                remedy="run the node again",
            )
        return made[0]

    def promote(self, model: str, name: str, *, alias: str) -> None:
        """Make *name* the default of *model* and give it *alias*, where that is not so yet."""
        known = self.versions(model)
        if not any(each.name == name and each.is_default for each in known):
            self._alter(model, f"SET DEFAULT_VERSION = {quoted(name)}")
        if alias:
            self.set_alias(model, name, alias)

    def set_alias(self, model: str, name: str, alias: str) -> None:
        """Give *alias* to the version *name* of *model*, where that is not so yet."""
        known = self.versions(model)
        holder = next((each.name for each in known if alias in each.aliases), "")
        if holder == name:
            return
        # An alias belongs to one version: Snowflake refuses to give it to a second.
        if holder:
            self._alter(model, f"VERSION {quoted(holder)} UNSET ALIAS")
        mine = next((each.aliases for each in known if each.name == name), ())
        if mine:
            self._alter(model, f"VERSION {quoted(name)} UNSET ALIAS")
        self._alter(model, f"VERSION {quoted(name)} SET ALIAS = {quoted(alias)}")

    def describe(self, model: str, description: str) -> None:
        """Let *description* be the comment of *model*."""
        if description:
            sql = f"COMMENT ON MODEL {self._named(model)} IS {literal(description)}"
            self._account.execute(sql)

    def set_tags(self, model: str, tags: Mapping[str, str]) -> None:
        """Set *tags* of *model*; those that the schema does not have are made."""
        for name, value in tags.items():
            tag = self._named(name)
            self._account.execute(f"CREATE TAG IF NOT EXISTS {tag}")
            self._alter(model, f"SET TAG {tag} = {literal(value[:LONGEST_TAG])}")

    def set_metrics(self, model: str, name: str, metrics: Mapping[str, Any]) -> None:
        """Add *metrics* to those of a version."""
        if not metrics:
            return
        with self._account.translating(f"set the metrics of {model} version {name}"):
            version = self.official.get_model(model).version(name)
            for metric, value in metrics.items():
                version.set_metric(metric, value)

    def fetch(self, model: str, name: str, files: Sequence[str], folder: Path) -> list[bytes]:
        """Return *files*, which were logged with a version.

        Args:
            model: as Snowflake stores the name.
            name: of the version.
            files: their names.
            folder: an empty one, for the download.

        Raises:
            RefusedError: the version cannot be read.
            FileNotFoundError: it has no such file.
        """
        where = f"snow://model/{self._named(model)}/versions/{name}/user_files/{FOLDER}"
        target = literal(f"file://{folder.resolve().as_posix()}/")
        for file in files:
            self._account.rows(f"GET {literal(f'{where}/{file}')} {target}")
        return [(folder / file).read_bytes() for file in files]

    def _platforms(self) -> list[str]:
        """Return where a version may run: not in a warehouse that cannot get its packages.

        What pip installs a warehouse takes from Snowflake's mirror, for which a role needs a
        database role; without it the official client refuses WAREHOUSE.
        """
        try:
            self._account.rows(f"DESC ARTIFACT REPOSITORY {REPOSITORY}")
        except RefusedError:
            _LOGGER.warning(
                "the model can run in containers only, not in SQL: the role may not use %s;"
                " GRANT DATABASE ROLE SNOWFLAKE.PYPI_REPOSITORY_USER TO ROLE <the role>",
                REPOSITORY,
            )
            return [CONTAINERS]
        return [WAREHOUSE, CONTAINERS]

    def _alter(self, model: str, change: str) -> None:
        self._account.execute(f"ALTER MODEL {self._named(model)} {change}")

    def _named(self, name: str) -> str:
        return f"{quoted(self._database)}.{quoted(self._schema)}.{quoted(name)}"


def _explained(error: Exception, model: str, name: str) -> FrameworkError:
    """Return what went wrong while a version was logged, as an error of ours."""
    # The client asks first, and finds most; the server has the last word.
    number = getattr(error, "number", 0)
    if number == _TAKEN or (isinstance(error, ValueError) and "already exist" in str(error)):
        return VersionTakenError(
            f"the Model Registry has a version {name} of {model} already",
            remedy="run the node again",
        )
    if isinstance(error, FrameworkError):
        return error
    return DataError(
        f"the Model Registry cannot take {model}: {type(error).__name__}: {error}",
        remedy="check that the model predicts the first rows of the table that it was fitted on",
    )
