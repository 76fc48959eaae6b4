"""The Telco project, imported as its own folder's code and forgotten afterwards."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

TELCO = Path(__file__).parents[3] / "examples" / "telco"
SOURCE = TELCO / "data" / "telco_customer_churn.csv"


def _forget() -> None:
    for name in [each for each in sys.modules if each.split(".")[0] == "telco"]:
        del sys.modules[name]


@pytest.fixture(scope="session")
def telco_root() -> Path:
    return TELCO


@pytest.fixture(scope="module")
def telco() -> Iterator[dict[str, object]]:
    """The modules of the project by name; the import path is as before when the tests end."""
    path = list(sys.path)
    sys.path.insert(0, str(TELCO))
    _forget()
    names = ("features", "catalog", "nodes", "training", "evaluation", "pipeline")
    yield {name: importlib.import_module(f"telco.{name}") for name in names}
    sys.path[:] = path
    _forget()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project as it is committed: nothing in it that a run made."""
    copy = tmp_path / "telco project"
    shutil.copytree(TELCO / "telco", copy / "telco", ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "data").mkdir()
    shutil.copy(SOURCE, copy / "data")
    shutil.copy(TELCO / "mlops.yml", copy)
    return copy


@pytest.fixture(scope="session")
def source() -> pd.DataFrame:
    """The published file as it stands, every value as text."""
    return pd.read_csv(SOURCE, dtype=str, keep_default_na=False)
