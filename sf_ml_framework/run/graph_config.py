"""What a person changes for one run of a task graph: JSON in the root task's configuration.

The keys below are ours; every other key is the project's own and is left alone, so that one
configuration serves SQL tasks and containers alike.

Source: EXECUTE TASK (``USING CONFIG`` is merged into the task's own for one run).
"""

from __future__ import annotations

from typing import Any

import msgspec

from sf_ml_framework.errors import UsageError
from sf_ml_framework.run.overrides import Overrides


class GraphConfig(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Overrides of every node of one run, and whether to skip nothing."""

    inputs: dict[str, Any] = {}
    outputs: dict[str, Any] = {}
    params: dict[str, str] = {}
    """As typed after ``--param``: read as the type that each function asks for."""
    force: bool = False

    @property
    def overrides(self) -> Overrides:
        """What the nodes' declarations are changed by."""
        return Overrides(inputs=self.inputs, outputs=self.outputs, params=self.params)


class _Written(msgspec.Struct, frozen=True, kw_only=True):
    """As a person writes it who runs the graph by hand: a parameter may be any plain value."""

    inputs: dict[str, Any] = {}
    outputs: dict[str, Any] = {}
    params: dict[str, str | float | int | bool | None] = {}
    force: bool = False


def encode(config: GraphConfig) -> str:
    """Return *config* as the JSON object of a task's configuration."""
    return msgspec.json.encode(config, order="sorted").decode()


def decode(text: str | None) -> GraphConfig:
    """Return our part of a task's configuration; nothing is changed when there is none.

    Raises:
        UsageError: it is no JSON object, or one of our keys holds what cannot be.
    """
    if not text:
        return GraphConfig()
    try:
        given = msgspec.json.decode(text, type=_Written)
    except msgspec.MsgspecError as error:
        raise UsageError(
            f"the configuration of the task graph cannot be read: {error}",
            remedy='give a JSON object such as {"params": {"name": "value"}, "force": true}',
        ) from error
    params = {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in given.params.items()
    }
    return GraphConfig(inputs=given.inputs, outputs=given.outputs, params=params, force=given.force)
