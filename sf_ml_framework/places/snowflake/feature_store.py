"""Feature views: what a version of a table with an entity is called for everyone in the account.

A view that the catalog lets refresh (``refresh_freq``) is managed: a dynamic table whose body is
the SQL that the node returned. Every other is external: a view of the table that the node wrote,
which is written anew with each run while the view stays.

Source: ``snowflake.ml.feature_store`` 2.6.0, read; "Snowflake Feature Store".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sf_ml_framework.errors import DataError
from sf_ml_framework.identifiers import quoted
from sf_ml_framework.manifest.model import DatasetSpec
from sf_ml_framework.places.snowflake.names import Names, account_column, escaped
from sf_ml_framework.places.snowflake.standing import named
from sf_ml_framework.values.columns import StoredColumn

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account

_ENTITY_TAG = "SNOWML_FEATURE_STORE_ENTITY_"
_LONGEST_ENTITY = 32


class FeatureViews:
    """Registers the feature views of one schema, which is the Feature Store.

    Args:
        account: the connection.
        names: where the Feature Store is, and the warehouse that refreshes.
    """

    def __init__(self, account: Account, names: Names) -> None:
        self._account = account
        self._names = names
        self._entities: dict[str, Any] = {}

    @cached_property
    def official(self) -> Any:
        """The official Feature Store, opened at first use; tags of its own are made then."""
        from snowflake.ml.feature_store import CreationMode, FeatureStore

        with self._account.translating("open the Feature Store"):
            return FeatureStore(
                self._account.session,
                quoted(self._names.database),
                quoted(self._names.schema),
                default_warehouse=quoted(self._warehouse),
                creation_mode=CreationMode.CREATE_IF_NOT_EXIST,
            )

    def body(self, table: str, columns: Sequence[StoredColumn]) -> str:
        """Return the SQL of an external view of *table*."""
        listed = ", ".join(quoted(account_column(each.name)) for each in columns)
        return f"SELECT {listed} FROM {self._names.sql(table)}"

    def standing(self, dataset: DatasetSpec, version: str, body: str) -> Mapping[str, Any] | None:
        """Return what SHOW tells of the view at *version*; none when there is none.

        Raises:
            DataError: one stands there that is defined otherwise, by *body*, entity or timestamp.
        """
        name = self._names.version(dataset, version)
        kinds = ("DYNAMIC TABLES", "VIEWS")
        wanted, other = kinds if dataset.refresh_freq else reversed(kinds)
        scope = f"IN SCHEMA {quoted(self._names.database)}.{quoted(self._names.schema)}"
        found = named(self._account, wanted, name, scope)
        if found is not None and self._is_defined_by(found["text"], dataset, body):
            return found
        if found is None and named(self._account, other, name, scope) is None:
            return None
        raise DataError(
            f"feature view {self._names.shown(name)} exists with another definition",
            remedy=f"give dataset {dataset.name!r} a new version in the catalog; or, if nothing"
            f" needs it any more, delete it: feature_store.delete_feature_view"
            f"({dataset.name.upper()!r}, {version!r})",
        )

    def show(
        self, dataset: DatasetSpec, version: str, body: str, standing: Mapping[str, Any] | None
    ) -> None:
        """Let the feature view at *version* stand, and be described as the catalog says.

        Args:
            dataset: has an entity.
            version: of it.
            body: the SQL of the view; what it reads must stand.
            standing: as ``standing`` found it.
        """
        if dataset.refresh_freq and standing is not None:
            self._refresh(dataset, version, standing)
        elif standing is None or not self._is_described(standing["text"], dataset):
            self._register(dataset, version, body, overwrite=standing is not None)

    def _register(self, dataset: DatasetSpec, version: str, body: str, *, overwrite: bool) -> None:
        from snowflake.ml.feature_store import FeatureView

        entity = self._entity(dataset)
        stamp = dataset.timestamp_column
        with self._account.translating(f"register {dataset.name}@{version}"):
            view = FeatureView(
                dataset.name,
                [entity],
                self._account.session.sql(body),
                timestamp_col=quoted(account_column(stamp)) if stamp else None,
                refresh_freq=dataset.refresh_freq or None,
                # The library doubles quotes here and leaves backslashes, which would free a quote.
                desc=dataset.description.replace("\\", "\\\\"),
            )
            features = {each.resolved() for each in view.feature_names}
            told = {
                quoted(name): escaped(text)
                for name, text in _descriptions(dataset).items()
                if name in features
            }
            # The library puts these between quotes as they are.
            view.attach_feature_desc(told)
            self.official.register_feature_view(view, version, overwrite=overwrite)

    def _refresh(self, dataset: DatasetSpec, version: str, standing: Mapping[str, Any]) -> None:
        is_cron = len(dataset.refresh_freq.split()) > 2
        with self._account.translating(f"refresh {dataset.name}@{version}"):
            if not is_cron and standing["target_lag"] != dataset.refresh_freq:
                self.official.update_feature_view(
                    dataset.name, version, refresh_freq=dataset.refresh_freq
                )
            self.official.refresh_feature_view(dataset.name, version)

    def _entity(self, dataset: DatasetSpec) -> Any:
        """Return the entity of *dataset*, registered.

        Raises:
            DataError: there is one of that name with other join keys.
        """
        from snowflake.ml.feature_store import Entity

        name = dataset.entity.upper()
        if len(name) > _LONGEST_ENTITY:
            raise DataError(
                f"entity {dataset.entity!r} of {dataset.name!r} has {len(name)} letters",
                remedy=f"Feature Store takes {_LONGEST_ENTITY} at most; shorten it",
            )
        keys = [account_column(key) for key in dataset.join_keys]
        if name not in self._entities:
            entity = Entity(quoted(name), [quoted(key) for key in keys])
            with self._account.translating(f"register the entity {name}"):
                known = self._tag(name)
                self._entities[name] = (
                    self.official.get_entity(quoted(name))
                    if known
                    else self.official.register_entity(entity)
                )
        stands = [key.resolved() for key in self._entities[name].join_keys]
        if stands != keys:
            raise DataError(
                f"entity {dataset.entity!r} has the join keys {', '.join(stands)} in"
                f" {self._names.database}.{self._names.schema}, and {', '.join(keys)} for"
                f" {dataset.name!r}",
                remedy="give the dataset the same join keys, or an entity of its own",
            )
        return self._entities[name]

    def _tag(self, entity: str) -> Mapping[str, Any] | None:
        scope = f"IN SCHEMA {quoted(self._names.database)}.{quoted(self._names.schema)}"
        return named(self._account, "TAGS", f"{_ENTITY_TAG}{entity}", scope)

    def _is_defined_by(self, text: str, dataset: DatasetSpec, body: str) -> bool:
        keys = ",".join(account_column(key) for key in dataset.join_keys)
        entity = f"{_ENTITY_TAG}{dataset.entity.upper()}"
        tagged = f"{entity} = '{keys}'" in text or f"{entity}\" = '{keys}'" in text
        stamp = account_column(dataset.timestamp_column) if dataset.timestamp_column else ""
        stamped = f'"{stamp}"' in text.partition("timestamp_col")[2][:300] if stamp else True
        return tagged and stamped and _flat(text).endswith(f"AS {_flat(body)}")

    def _is_described(self, text: str, dataset: DatasetSpec) -> bool:
        special = {account_column(dataset.timestamp_column)} | {
            account_column(key) for key in dataset.join_keys
        }
        return all(
            f"COMMENT '{escaped(told)}'" in text
            for name, told in _descriptions(dataset).items()
            if name not in special
        )

    @property
    def _warehouse(self) -> str:
        if self._names.warehouse:
            return self._names.warehouse
        current = str(self._account.rows("SELECT CURRENT_WAREHOUSE() AS name")[0]["name"] or "")
        if not current:
            raise DataError(
                "Feature Store needs a warehouse, and the session has none",
                remedy="name one in the target, or with --warehouse",
            )
        return current


def _descriptions(dataset: DatasetSpec) -> dict[str, str]:
    return {
        account_column(each.name): each.description for each in dataset.columns if each.description
    }


def _flat(sql: str) -> str:
    return " ".join(sql.split())
