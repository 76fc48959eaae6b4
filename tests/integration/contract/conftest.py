"""The places that must keep the promises of ``run.ports.Place``, each behind a harness."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd
import pytest

from sf_ml_framework.manifest.model import DatasetSpec
from sf_ml_framework.places.local.place import LocalPlace
from sf_ml_framework.run.ports import Place

if find_spec("snowflake") and find_spec("fakesnow"):
    from tests.integration.snowflake.conftest import (  # noqa: F401
        connection_flags,
        make_account,
        snowflake_emulator,
    )

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.place import SnowflakePlace
    from sf_ml_framework.places.snowflake.session import Account


class Harness(Protocol):
    """A place whose world a test can reopen and harm."""

    def open(self) -> Place:
        """Return the place as a new process would open it."""
        ...

    def remove(self, dataset: DatasetSpec, version: str) -> None:
        """Take away what stands at *version*, behind the place's back."""
        ...

    def damage(self, dataset: DatasetSpec, version: str) -> None:
        """Change what stands at *version*, behind the place's back."""
        ...

    def close(self) -> None:
        """Close every place that was opened."""
        ...


class LocalHarness:
    """A folder."""

    def __init__(self, root: Path, table_format: str) -> None:
        self._root = root
        self._format = table_format
        self._opened: list[LocalPlace] = []

    def open(self) -> LocalPlace:
        self._opened.append(LocalPlace(self._root, format=self._format))
        return self._opened[-1]

    def remove(self, dataset: DatasetSpec, version: str) -> None:
        self._file(dataset, version).unlink()

    def damage(self, dataset: DatasetSpec, version: str) -> None:
        file = self._file(dataset, version)
        data = file.read_bytes()
        file.write_bytes(data[: len(data) // 2])

    def close(self) -> None:
        for place in self._opened:
            place.close()

    def _file(self, dataset: DatasetSpec, version: str) -> Path:
        folder = self._root / "data" / dataset.name
        names = {
            "model": f"{version}.pkl",
            "document": f"{version}.json",
            "report": f"{version}/report.json",
            "table": f"{version}.{self._format}",
        }
        return folder / names[dataset.kind]


class SnowflakeHarness:
    """A schema of an account, or of the emulator."""

    def __init__(self, make_account: Any, tmp_path: Path) -> None:
        self._make = make_account
        self._tmp_path = tmp_path
        self._database = f"T_{uuid.uuid4().hex[:12]}".upper()
        self._account: Account = make_account()
        self._account.execute(f"create database {self._database}")
        self._account.execute(f"create schema {self._database}.ML")
        from tests.integration.snowflake.framework_tables import make_tables

        make_tables(self._account, self._database)
        self._account.execute(f"create stage {self._database}.ML.MLOPS_ARTIFACTS")
        self._opened: list[Account] = []

    def open(self) -> SnowflakePlace:
        from sf_ml_framework.places.snowflake.names import Names
        from sf_ml_framework.places.snowflake.place import SnowflakePlace

        self._opened.append(self._make(database=self._database, schema="ML"))
        names = Names(database=self._database, schema="ML")
        return SnowflakePlace(self._opened[-1], names)

    def remove(self, dataset: DatasetSpec, version: str) -> None:
        match dataset.kind:
            case "table":
                self._account.execute(f"drop table {self._table(dataset, version)}")
            case "model":
                self._account.execute(f"drop model {self._database}.ML.{dataset.name}")
            case _:
                self._account.execute(f"remove '@{self._database}.ML.MLOPS_ARTIFACTS/datasets'")

    def damage(self, dataset: DatasetSpec, version: str) -> None:
        match dataset.kind:
            case "table":
                table = self._table(dataset, version)
                self._account.execute(f"update {table} set score = score + 1")
            case "model":
                self._log_another(dataset)
            case _:
                self._overwrite()

    def close(self) -> None:
        self._account.execute(f"drop database if exists {self._database}")

    def _table(self, dataset: DatasetSpec, version: str) -> str:
        data = "$DATA" if dataset.entity else ""
        return f'{self._database}.ML."{dataset.name.upper()}${version}{data}"'

    def _log_another(self, dataset: DatasetSpec) -> None:
        """Put a model of somebody else's where that of *dataset* stood."""
        from sklearn.linear_model import LinearRegression

        registry, name = self.open().model_registry, dataset.name.upper()
        stood = registry.get_model(name).default.version_name
        frame = pd.DataFrame({"spend": [1.0, 2.0]})
        registry.delete_model(name)
        registry.log_model(
            LinearRegression().fit(frame, [1.0, 2.0]),
            model_name=name,
            version_name=stood,
            sample_input_data=frame,
        )

    def _overwrite(self) -> None:
        stage = f"@{self._database}.ML.MLOPS_ARTIFACTS"
        for row in self._account.rows(f"list '{stage}/datasets'"):
            path = row["name"].partition("/")[2]
            file = self._tmp_path / path.rpartition("/")[2]
            file.write_bytes(b"x" * int(row["size"]))
            self._account.upload(file, f"{stage}/{path}")


@pytest.fixture(params=["local csv", "local parquet", "snowflake"])
def harness(request, tmp_path) -> Iterator[Harness]:
    """Give each place in turn, empty."""
    if request.param == "snowflake":
        pytest.importorskip("snowflake.connector")
        pytest.importorskip("fakesnow")
        made: Any = SnowflakeHarness(request.getfixturevalue("make_account"), tmp_path)
    else:
        made = LocalHarness(tmp_path, request.param.removeprefix("local "))
    yield made
    made.close()


@pytest.fixture
def place(harness) -> Place:
    return harness.open()
