"""Each node's job and each view as a file of its own, to be read and to be run by hand."""

from __future__ import annotations

from sf_ml_framework.manifest.model import Manifest, NodeSpec
from sf_ml_framework.plan import jobs, ml_jobs, names, views, yaml_text
from sf_ml_framework.plan.definitions import view
from sf_ml_framework.targets import Target

FOLDER = "jobs"
"""Where the files stand in a project."""


def job_files(manifest: Manifest, target: Target, tag: str = "") -> dict[str, str]:
    """Return the text of each file by its path in the project, sorted."""
    files = names.job_files(manifest)
    scaled = {job.node: job for job in ml_jobs.wanted(manifest, target)}
    head = header(manifest, target, "#")
    found = {
        f"{FOLDER}/{files[node.name]}": head
        + (_ml_job(scaled[node.name], target) if node.name in scaled else _job(node, target, tag))
        for node in manifest.nodes
    }
    return dict(sorted(found.items()))


def _job(node: NodeSpec, target: Target, tag: str) -> str:
    pool = target.pools[node.resources.pool_size].name
    spec = yaml_text.dump(jobs.specification(node, target, tag))
    return f"# Node {node.name}, in compute pool {pool}.\n{spec}"


def _ml_job(job: ml_jobs.MlJob, target: Target) -> str:
    return f"{ml_jobs.note(job)}{yaml_text.dump(ml_jobs.document(job, target))}"


def view_files(manifest: Manifest, target: Target) -> dict[str, str]:
    """Return the statement of each view by its path in the project, in the order of making."""
    head = header(manifest, target, "--")
    return {
        f"{views.FOLDER}/{one.name.rpartition('.')[2].lower()}.sql": (
            f"{head}-- {one.comment}\n{view(one)};\n"
        )
        for one in views.monitoring_views(target)
    }


def header(manifest: Manifest, target: Target, mark: str) -> str:
    """Return the comment that says what a file was made from; nothing that changes by itself."""
    sources = sorted({node.place.rpartition(":")[0] for node in manifest.nodes if node.place})
    origin = ", ".join(sources) or f"project {manifest.project}"
    return (
        f"{mark} Compiled by `mlops compile` from {origin}\n"
        f"{mark} and target {target.name} of mlops.yml. Change those, not this file.\n"
    )
