"""The methods of a model in a container: loaded from the image, called with DataFrames."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ..sandbox.model import load
from ..sandbox.worker import sandbox_module


def declared(folder: Path) -> list[dict[str, Any]]:
    """Return the methods as the image's MANIFEST.yml declares them."""
    import yaml

    found: list[dict[str, Any]] = yaml.safe_load((folder / "MANIFEST.yml").read_text())["methods"]
    return found


def find(folder: Path, name: str) -> dict[str, Any]:
    """Return a method by its SQL name or by the name of the model's own method.

    Raises:
        KeyError: the model has no such method.
    """
    for method in declared(folder):
        own = str(method["handler"]).split(".")[-2]
        if name.upper() in {str(method["name"]).upper(), own.upper()}:
            return method
    raise KeyError(name)


def handler(folder: Path, method: dict[str, Any]) -> Any:
    """Load a method's handler: a function, or for a table function a class."""
    sys.modules["_snowflake"] = sandbox_module()
    return load(folder, str(method["handler"]))
