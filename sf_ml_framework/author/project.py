"""The author's word for the whole: what runs, and on which data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sf_ml_framework.author.dataset import DataCatalog
from sf_ml_framework.author.node import NodeConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A pipeline and its catalog under one name. ``mlops.yml`` says where it is declared."""

    name: str
    pipeline: Sequence[NodeConfig]
    catalog: DataCatalog
