"""ML Jobs: SYSTEM$EXECUTE_ML_JOB and SYSTEM$GET_ML_JOB_RUNTIME; everything else is a service's.

Source: snowflake-ml 2.6, ``jobs/job_definition.py`` and ``jobs/_utils/runtime_env_utils.py``, which
send them; Snowflake, "Snowflake ML Jobs", "Access control requirements for ML Jobs". Neither
function is documented: the suffix of a job's name and the number of a refusal are chosen here.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from ..faults import SnowflakeError, invalid, not_found, unsupported
from ..ml_jobs import images
from ..ml_jobs.options import JobOptions, SpecOptions, job_options, spec_options
from ..ml_jobs.specs import MAIN, specification
from ..names import Path, parts_of
from ..registry import Call
from ..results import ResultSet, rows
from ..services.checks import Launch
from ..services.naming import refused, service_name, standing
from ..services.pooling import Pools
from ..services.running import Services
from ..services.spec import parse
from .services import finish

if TYPE_CHECKING:
    from ..account import Account
    from ..catalog import Entry
    from ..session import Session

EXECUTE, RUNTIME = "SYSTEM$EXECUTE_ML_JOB", "SYSTEM$GET_ML_JOB_RUNTIME"
_PYPI = "SNOWFLAKE.SNOWPARK.PYPI_SHARED_REPOSITORY"
"""The one artifact repository of every account."""


def install(account: Account) -> None:
    """Register the two calls."""
    account.statement(f"CALL {EXECUTE}", execute)
    account.statement(f"CALL {RUNTIME}", runtime)


def _arguments(call: Call, name: str, count: int) -> list[str]:
    found = call.reader.value() if call.reader.peek().text == "(" else None
    call.reader.end()
    given = found if isinstance(found, list) else []
    if len(given) != count or not all(isinstance(one, str) for one in given):
        raise SnowflakeError(
            f"SQL compilation error: wrong number or types of arguments for function [{name}], "
            f"expected {count} strings.",
            number=938,
            state="22023",
        )
    return given


def runtime(call: Call) -> ResultSet:
    """Return the image for a pool and a runtime environment."""
    pool, written = _arguments(call, RUNTIME, 2)
    family = Pools.family(_pool(call.account, call.session, pool))
    image = images.resolve(call.account, call.session, written, gpu=bool(family.gpus))
    return rows([RUNTIME], [(image,)])


def _pool(account: Account, session: Session, written: str) -> Entry:
    name = parts_of(written)[-1]
    account.require(session, "USAGE", "COMPUTE POOL", Path("", "", name))
    return account.part(Pools).get(name)


def execute(call: Call) -> ResultSet:
    """Run a job and return its full name; without ASYNC wait for its end."""
    name, pool, spec_text, job_text = _arguments(call, EXECUTE, 4)
    spec, job = spec_options(spec_text), job_options(job_text)
    if "MLRS_DISTRIBUTED_PREFLIGHT" in spec.env:
        raise unsupported("the preflight of an ML job is not known to this emulator.")
    launch = _launch(call, _path(call, name, job), pool, spec, job)
    services = call.account.part(Services)
    call.account.router.commit(call.session)
    live = services.launch(call.session, launch)
    if not launch.asynchronous:
        finish(call, services, live)
    return rows([EXECUTE], [(str(launch.path),)])


def _path(call: Call, written: str, job: JobOptions) -> Path:
    """Return the job's name, with a suffix of its own unless it wants none."""
    if '"' in written:
        raise refused(f"Invalid name '{written}': quoted names are not supported for ML jobs.")
    path = call.session.resolve(parts_of(written))
    if job.suffix:
        path = path._replace(name=f"{path.name}J{secrets.token_hex(6).upper()}")
    path = service_name(standing(call, path))
    place = Path(path.database, "", path.schema)
    call.account.require(call.session, "CREATE SERVICE", "SCHEMA", place)
    return path


def _launch(call: Call, path: Path, pool: str, spec: SpecOptions, job: JobOptions) -> Launch:
    account, session = call.account, call.session
    entry = _pool(account, session, pool)
    family = Pools.family(entry)
    spec = replace(spec, stage_path=_stage(account, session, spec.stage_path))
    integrations = tuple(parts_of(name)[-1] for name in job.integrations)
    for name in integrations:
        account.require(session, "USAGE", "INTEGRATION", Path("", "", name))
    for name in spec.repositories:
        if ".".join(parts_of(name)) != _PYPI:
            raise not_found("ARTIFACT REPOSITORY", name)
    warehouse = parts_of(job.warehouse)[-1] if job.warehouse else None
    if warehouse is not None:
        account.require(session, "USAGE", "WAREHOUSE", Path("", "", warehouse))
    image = images.resolve(account, session, spec.runtime, gpu=bool(family.gpus))
    network = bool(integrations or spec.repositories)
    return Launch(
        path=path,
        pool=entry.name,
        spec=parse(specification(path.name, family, image, spec, job)),
        asynchronous=job.asynchronous,
        replicas=job.target,
        warehouse=warehouse,
        integrations=integrations,
        comment=job.comment,
        runners={MAIN: images.runner(account, session, image, network=network)},
    )


def _stage(account: Account, session: Session, written: str) -> str:
    """Return the payload's path with the stage's full name; its result is written there too."""
    where = account.stages.locate(session, written)
    name = written[1:].rstrip("/").removesuffix(where.inside).strip("/")
    if name.startswith(("~", "%")):
        raise invalid(f"'{written}' cannot be mounted: an ML job needs a named stage.")
    stage = session.resolve(parts_of(name))
    for privilege in ("READ", "WRITE"):
        account.require(session, privilege, "STAGE", stage)
    return f"@{stage}/{where.inside}".rstrip("/")
