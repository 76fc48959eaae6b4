"""The statements of nodes on several machines, by Snowflake's own definition of an ML Job.

A plan asks what the statement would be and changes nothing; the payload is uploaded by a
deployment, right before the first statement that names it. Its path on the stage holds the hash of
its content: what did not change gives the same statement, and what stands there is never written
over, so that a run in flight and a rollback find the code that they were deployed with.

Source: snowflake-ml 2.6, ``jobs/job_definition.py`` (``MLJobDefinition``: to be registered it
uploads its payload and asks for the pool's runtime; ``to_sql`` is what ``DAGTask`` takes),
``jobs/_utils/payload_utils.py``.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sf_ml_framework.errors import OperatorError
from sf_ml_framework.places.snowflake.standing import named
from sf_ml_framework.plan import ml_jobs, names
from sf_ml_framework.plan.objects import Task
from sf_ml_framework.plan.quoting import literal

if TYPE_CHECKING:
    from snowflake.ml.jobs import MLJobDefinition

    from sf_ml_framework.manifest.model import Manifest
    from sf_ml_framework.places.snowflake.ml_job_payload import Payload
    from sf_ml_framework.places.snowflake.session import Account
    from sf_ml_framework.plan.ml_jobs import MlJob
    from sf_ml_framework.plan.objects import Observed
    from sf_ml_framework.targets import Target

_MARKER = "complete"
"""File beside a payload that is uploaded after all others."""
_SYSTEM_POOL = "SYSTEM_COMPUTE_POOL_CPU"
"""Stands in every account, runs ML Jobs, and everybody may use it."""


class MlJobBodies:
    """The ML Jobs of one project in one target.

    Args:
        account: where they run; asked for nothing while no node needs one.
        target: says where their payloads stand.
        jobs: one for each node on several machines.
        payload: what they run.
    """

    def __init__(
        self, account: Account, target: Target, jobs: Sequence[MlJob], payload: Payload
    ) -> None:
        self._account = account
        self._payload = payload
        self._jobs = by_path(target, jobs, payload)
        root = re.escape(ml_jobs.payload_root(target))
        self._path = re.compile(rf"{root}/[0-9a-f]+/\w+")
        self._standing: set[str] = set()

    def bodies(self) -> dict[str, str]:
        """Return for each node the statement of its task. Changes nothing in the account.

        Raises:
            OperatorError: the account does not say which runtime a job would have.
        """
        return {job.node: self._planned(job, path) for path, job in self._jobs.items()}

    def provide(self, statement: str) -> None:
        """Upload the payload that *statement* names, unless it stands there whole.

        Raises:
            OperatorError: it is of other code than this project's.
        """
        for path in dict.fromkeys(self._path.findall(statement)):
            if path in self._standing:
                continue
            if not self._stands(path):
                if path not in self._jobs:
                    raise OperatorError(
                        f"the code of this ML Job was never uploaded whole, and is not this"
                        f" project's: {path}",
                        remedy="check out the commit that the plan was made from, or plan again",
                    )
                self._upload(self._jobs[path], path, statement)
            self._standing.add(path)

    def _planned(self, job: MlJob, path: str) -> str:
        from sf_ml_framework.places.snowflake.errors import AccessDeniedError

        # The pool is asked which runtime it has, and may be made by the same plan.
        family = self._family(job.pool)
        try:
            return self._written(job, path, job.pool if family else _SYSTEM_POOL)
        except AccessDeniedError:
            if not family or family.startswith("GPU"):
                raise
        # Who may only look at the pool asks one of the same kind that everybody may use.
        return self._written(job, path, _SYSTEM_POOL)

    def _written(self, job: MlJob, path: str, pool: str) -> str:
        from snowflake.ml.jobs import MLJobDefinition

        with self._account.translating(f"the ML Job of node {job.node}"):
            definition: MLJobDefinition[Any, Any] = MLJobDefinition(
                source=ml_jobs.ENTRY,
                compute_pool=pool,
                min_instances=1,
                payload=_NothingSent(),
                session=self._account.session,
                **_options(job, path),
            )
            definition.to_sql()
            definition.compute_pool = job.pool
            definition.job_options.min_instances = job.instances
            return str(definition.to_sql(job_args=list(job.args)))

    def _family(self, pool: str) -> str:
        """Return the machine of *pool*; empty where there is no such pool, or none for us."""
        row = named(self._account, "COMPUTE POOLS", pool)
        return str(row["instance_family"]) if row else ""

    def _stands(self, path: str) -> bool:
        from sf_ml_framework.places.snowflake.errors import AbsentError

        try:
            return bool(self._account.rows(f"LIST {literal(f'{path}/{_MARKER}')}"))
        except AbsentError:
            return False

    def _upload(self, job: MlJob, path: str, statement: str) -> None:
        """Register *job*, which uploads its payload.

        Raises:
            OperatorError: the client now writes another statement than the plan's.
        """
        from snowflake.ml.jobs import MLJobDefinition

        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "app").mkdir()
            self._payload.write(folder / "app")
            with self._account.translating(f"the ML Job of node {job.node}"):
                definition: MLJobDefinition[Any, Any] = MLJobDefinition.register(
                    str(folder / "app"),
                    job.pool,
                    session=self._account.session,
                    entrypoint=ml_jobs.ENTRY,
                    min_instances=job.instances,
                    pip_requirements=list(job.requirements),
                    overwrite=True,
                    **_options(job, path),
                )
                found = str(definition.to_sql(job_args=list(job.args)))
            if found not in statement:
                raise OperatorError(
                    f"the ML Job of node {job.node} is no longer the one of the plan",
                    remedy="plan again; the account may have a newer Container Runtime",
                )
            marker = folder / _MARKER
            marker.write_text(self._payload.content, encoding="utf-8")
            self._account.upload(marker, f"{path}/{_MARKER}")


def _options(job: MlJob, path: str) -> dict[str, Any]:
    """Return what a definition is made of, planned or registered."""
    return {
        "name": job.name,
        "database": job.database,
        "schema": job.schema,
        # It adds its own name.
        "stage_name": path.rpartition("/")[0],
        "target_instances": job.instances,
        "env_vars": job.env,
        "spec_overrides": job.overrides or None,
        "external_access_integrations": list(job.integrations) or None,
        "artifact_repositories": list(job.repositories) or None,
        "query_warehouse": job.warehouse,
        "runtime_environment": job.runtime or None,
        "comment": job.comment,
    }


class _NothingSent:
    """A payload as a definition takes it, that says where it will stand and sends nothing."""

    def upload(self, session: Any, stage_path: Any, overwrite: bool = False) -> Any:
        from snowflake.ml.jobs._utils import constants
        from snowflake.ml.jobs._utils.type_utils import UploadedPayload

        mounted = constants.STAGE_VOLUME_MOUNT_PATH
        app, system = constants.APP_STAGE_SUBPATH, constants.SYSTEM_STAGE_SUBPATH
        variables: Mapping[str, str] = {
            constants.STAGE_MOUNT_PATH_ENV_VAR: mounted,
            constants.PAYLOAD_DIR_ENV_VAR: app,
        }
        return UploadedPayload(
            stage_path=stage_path,
            entrypoint=[
                "bash",
                f"{mounted}/{system}/startup.sh",
                f"{mounted}/{app}/{ml_jobs.ENTRY}",
            ],
            env_vars=dict(variables),
        )


def ml_job_bodies(
    account: Account, root: Path, project: str, manifest: Manifest, target: Target
) -> MlJobBodies | None:
    """Return the ML Jobs of the project in *root*; none where every node runs on one machine.

    Args:
        account: where they run.
        root: the project's folder.
        project: where its pipeline is, ``package.module:NAME``.
        manifest: the pipeline.
        target: where in the account.
    """
    jobs = ml_jobs.wanted(manifest, target)
    if not jobs:
        return None
    from sf_ml_framework.places.snowflake.ml_job_payload import collect

    payload = collect(root, project, manifest, target.ml_jobs.include)
    return MlJobBodies(account, target, jobs, payload)


def standing_bodies(
    observed: Observed, root: Path, project: str, manifest: Manifest, target: Target
) -> dict[str, str]:
    """Return the statements of ML Jobs as an account had them, for a plan that asks none.

    Raises:
        OperatorError: one has changed, and only an account says what it becomes.
    """
    jobs = ml_jobs.wanted(manifest, target)
    if not jobs:
        return {}
    from sf_ml_framework.places.snowflake.ml_job_payload import collect

    payload = collect(root, project, manifest, target.ml_jobs.include)
    tasks = {each.name: each for each in observed.objects if isinstance(each, Task)}
    found: dict[str, str] = {}
    for path, job in by_path(target, jobs, payload).items():
        task = tasks.get(names.within(target, names.node_task(job.node)))
        if task is None or f'"{path}"' not in task.body:
            raise OperatorError(
                f"the ML Job of node {job.node} is not as it was, and only the account says which"
                " statement runs it now",
                remedy="plan with a connection, without --state",
            )
        found[job.node] = task.body
    return found


def by_path(target: Target, jobs: Sequence[MlJob], payload: Payload) -> dict[str, MlJob]:
    """Return *jobs* by where on the stage their payloads stand."""
    root = ml_jobs.payload_root(target)
    return {f"{root}/{payload.digest(job)}/{job.name}": job for job in jobs}
