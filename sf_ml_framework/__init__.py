"""MLOps on Snowflake: plain Python functions, on a laptop and as a task graph of containers."""

from sf_ml_framework.author.dataset import Column, DataCatalog, Dataset
from sf_ml_framework.author.node import NodeConfig
from sf_ml_framework.author.project import Project
from sf_ml_framework.author.report import Report

__version__ = "0.1.0"

__all__ = ["Column", "DataCatalog", "Dataset", "NodeConfig", "Project", "Report"]
