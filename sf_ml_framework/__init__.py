"""MLOps on Snowflake: plain Python functions, on a laptop and as a task graph of containers."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sf_ml_framework.author.dataset import Column as Column
    from sf_ml_framework.author.dataset import DataCatalog as DataCatalog
    from sf_ml_framework.author.dataset import Dataset as Dataset
    from sf_ml_framework.author.node import NodeConfig as NodeConfig
    from sf_ml_framework.author.project import Project as Project
    from sf_ml_framework.author.report import Report as Report
    from sf_ml_framework.places.snowflake.distributed import fit_xgboost as fit_xgboost

__version__ = "0.1.0"

__all__ = ["Column", "DataCatalog", "Dataset", "NodeConfig", "Project", "Report", "fit_xgboost"]

_HOMES = {
    "Column": "author.dataset",
    "DataCatalog": "author.dataset",
    "Dataset": "author.dataset",
    "NodeConfig": "author.node",
    "Project": "author.project",
    "Report": "author.report",
    "fit_xgboost": "places.snowflake.distributed",
}


def __getattr__(name: str) -> Any:
    """Import an author's word when it is first asked for: workers and `mlops list` need none."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
