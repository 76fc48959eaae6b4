"""What things are called in an account. Names are upper case and qualified: ``DB.SCHEMA.NAME``."""

from __future__ import annotations

import re
from collections import Counter

from sf_ml_framework.manifest.model import Manifest, NodeSpec
from sf_ml_framework.targets import Target

RUNS = "MLOPS_RUNS"
NODE_RUNS = "MLOPS_NODE_RUNS"
DATASETS = "MLOPS_DATASETS"
METRICS = "MLOPS_METRICS"
DEPLOYMENTS = "MLOPS_DEPLOYMENTS"
ALERTS = "MLOPS_ALERTS"
"""Tables of the framework, in the target's schema."""

CONTAINER = "main"
"""Name of the one container of a job."""

SECRETS = "/secrets"
"""Folder in the container; each secret is a folder in it."""


def schema(target: Target) -> str:
    """Return the schema that everything of *target* stands in, qualified."""
    return f"{target.database}.{target.schema}"


def within(target: Target, name: str) -> str:
    """Return *name* in the schema of *target*, qualified."""
    return f"{schema(target)}.{name.upper()}"


def image_repository(target: Target) -> str:
    """Return the repository of the image, qualified."""
    given = target.image_repository
    return given if "." in given else within(target, given)


def has_own_images(target: Target) -> bool:
    """Say whether the repository is in the target's own schema, and so is made with it."""
    return image_repository(target).rpartition(".")[0] == schema(target)


def root_task(project: str) -> str:
    """Return the name of the task that starts the graph of *project*, unqualified."""
    return f"TASK_{project.upper()}"


def node_task(node: str) -> str:
    """Return the name of a node's task, unqualified."""
    return f"TASK_{node.upper()}"


def finalizer_task(project: str) -> str:
    """Return the name of the task that ends a run of *project*, unqualified."""
    return f"{root_task(project)}_FINALIZE"


def alert(project: str, kind: str) -> str:
    """Return the name of the alert of *project* that looks for *kind*, unqualified."""
    return f"ALERT_{project.upper()}_{kind.upper()}"


def of_graph(run_id: str) -> str:
    """Return the condition, in SQL, that the run of a column is one of the graph.

    Its id is the graph run group's, a UUID; what ran elsewhere, all of it or single nodes, has a
    shorter one.
    """
    return f"LENGTH({run_id}) = 36"


def image_path(target: Target, tag: str = "") -> str:
    """Return the image as a specification names it: ``/db/schema/repository/image:tag``.

    Source: Snowflake, "Service specification reference": lower case throughout.
    """
    folder = f"/{image_repository(target).replace('.', '/')}".lower()
    return f"{folder}/{target.image}:{tag or target.image_tag}"


def secret(target: Target, name: str) -> str:
    """Return the secret that a node calls *name*, qualified as the target says."""
    return in_place(target, target.secrets.get(name, name))


def in_place(target: Target, name: str) -> str:
    """Return *name*, of one to three parts, in full; what is left out is the target's."""
    parts = name.upper().split(".")
    return ".".join([target.database, target.schema][: 3 - len(parts)] + parts)


def integration(target: Target, name: str) -> str:
    """Return the integration that a node calls *name*: the target's own, or one of the account."""
    full = name.upper()
    return f"{target.prefix}_{full}" if full in target.network.egress else full


def job_files(manifest: Manifest) -> dict[str, str]:
    """Return for each node the name of the file with its specification.

    A function in ``node_01_generate_data.py`` gives ``job-generate-data.yaml``, whatever its node
    is called; where that would be two nodes' name, and anywhere else, the node's own name is used.
    """
    found = {node.name: _job_file(node) for node in manifest.nodes}
    taken = Counter(found.values())
    return {
        node: file if taken[file] == 1 else f"job-{node.replace('_', '-')}.yaml"
        for node, file in found.items()
    }


def _job_file(node: NodeSpec) -> str:
    module = node.function.partition(":")[0].rpartition(".")[2]
    numbered = re.fullmatch(r"node_\d+_(\w+)", module, re.ASCII)
    return f"job-{(numbered[1] if numbered else node.name).replace('_', '-')}.yaml"


def mark(project: str) -> str:
    """Return how the comment of every task of *project* begins: by it a task is known as ours."""
    return f"mlops {project}: "
