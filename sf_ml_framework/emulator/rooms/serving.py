"""Models in containers: SYSTEM$DEPLOY_MODEL and EXECUTE INFERENCE JOB SERVICE.

Source: snowflake-ml 2.6, ``model/_client/sql/service.py`` and ``ops/service_ops.py``; Snowflake,
"Deploy model services in SPCS", "Batch inference jobs". Neither statement has a page of its own.
"""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..faults import SnowflakeError, invalid, not_found
from ..names import Path, fold, quoted
from ..queries import CURRENT, new_query_id
from ..registry import Call
from ..results import ResultSet, rows, status
from ..services.checks import Launch
from ..services.naming import plain, service_name, standing
from ..services.running import Live, Services
from ..services.spec import parse
from ..serving import asked, deploying, methods
from ..tasks.scheduler import Tasks
from .stages import require_stage

if TYPE_CHECKING:
    from pathlib import Path as FilePath

    from ..account import Account

_DEPLOY = "SYSTEM$DEPLOY_MODEL"
_TEMPORARY = "_snowflake_temporary"
"""Where input is put that is not on a stage yet. Source: ``service_ops.py``."""


@dataclass(slots=True)
class _Written:
    """An inference job as its statement says it."""

    pool: str
    spec: asked.Batch
    stage: str = ""
    query: str = ""
    options: dict[str, Any] = field(default_factory=dict)


def install(account: Account) -> None:
    """Register the statements."""
    account.statement(f"CALL {_DEPLOY}", deploy)
    account.statement("EXECUTE INFERENCE JOB SERVICE", execute)


def deploy(call: Call) -> ResultSet:
    """Run ``CALL SYSTEM$DEPLOY_MODEL('<yaml>' | '@stage/deploy.yml')``."""
    reader = call.reader
    reader.expect("(")
    text = reader.string()
    reader.expect(")")
    reader.end()
    if text.startswith("@"):
        require_stage(call.account, call.session, text, "READ")
        file = call.account.stages.locate(call.session, text).target
        if not file.is_file():
            raise not_found("File", text)
        text = file.read_text(encoding="utf-8")
    call.account.router.commit(call.session)
    answer = deploying.deploy(call.account, call.session, asked.deployment(text))
    return rows([_DEPLOY], [(answer,)])


def execute(call: Call) -> ResultSet:
    """Run a model over files of a stage, or over the rows of a query."""
    written = _read(call)
    account, session = call.account, call.session
    entry, version = deploying.version_of(
        account, session, written.options["MODEL"], written.options.get("VERSION")
    )
    path = _job_path(call, written)
    account.require(session, "CREATE SERVICE", "SCHEMA", Path(path.database, "", path.schema))
    pool = Path("", "", written.pool)
    account.catalog.get("COMPUTE POOL", pool)
    account.require(session, "USAGE", "COMPUTE POOL", pool)
    if account.catalog.find("SERVICE", path) is not None:
        raise SnowflakeError(
            f"SQL compilation error:\nObject '{path}' already exists.", number=2002, state="42710"
        )
    account.router.commit(session)
    output = _output(call, written.spec)
    folder = deploying.build(
        account, session, entry, version, place=path, pool=written.pool, rebuild=False
    )
    method = _method(folder, written.options.get("FUNCTION"))
    source = _input(call, written)
    program = {
        "image": str(folder),
        "method": method,
        "input": str(source),
        "output": str(output / path.name),
        "partition": written.spec.partition,
        "params": written.spec.params,
    }
    live = _launch(call, written, path, folder, program)
    threading.Thread(target=_tidied, args=(live, source), daemon=True).start()
    place = f"{written.spec.output.rstrip('/')}/{path.name}/"
    if written.options.get("ASYNC", False):
        return status(f"Batch inference job {path} successfully submitted. Output: {place}")
    _finish(call, live, place)
    return status(f"Batch inference job {path} completed successfully. Output: {place}")


def _read(call: Call) -> _Written:
    reader = call.reader
    reader.expect("IN", "COMPUTE", "POOL")
    pool = reader.name()[0]
    reader.expect("WITH", "SPECIFICATION")
    written = _Written(pool, asked.batch(reader.string()))
    reader.expect("FROM")
    if reader.peek().kind == "STAGE":
        written.stage = reader.next().text
    else:
        written.query = reader.bracketed()
    while not reader.done:
        key = reader.next().word
        if key in written.options or key not in {*_NAMES, "FUNCTION", "ASYNC", "REPLICAS"}:
            reader.at -= 1
            reader.fail()
        reader.expect("=")
        written.options[key] = _option(call, key)
    if "MODEL" not in written.options:
        raise invalid("missing required option 'MODEL'")
    return written


_NAMES = ("MODEL", "VERSION", "NAME")


def _option(call: Call, key: str) -> Any:
    if key == "MODEL":
        return call.reader.name()
    if key == "NAME":
        return plain(call)
    if key == "VERSION":
        return quoted(call.reader.name()[0])
    value = call.reader.value()
    wanted: type = {"FUNCTION": str, "ASYNC": bool, "REPLICAS": int}[key]
    if type(value) is not wanted or (isinstance(value, int) and not value and key == "REPLICAS"):
        raise invalid(f"invalid value '{value}' for property '{key}'")
    return value


def _job_path(call: Call, written: _Written) -> Path:
    named = written.options.get("NAME")
    if named is None:
        query = CURRENT.get()
        unique = (query.id if query else new_query_id()).replace("-", "_").upper()
        named = (f"BATCH_INFERENCE_{unique}",)
    path = call.session.resolve(named, "EXECUTE INFERENCE JOB SERVICE")
    return service_name(standing(call, path))


def _output(call: Call, spec: asked.Batch) -> FilePath:
    """Return the output's folder, empty but for the input that the client put there."""
    require_stage(call.account, call.session, spec.output, "WRITE")
    folder = call.account.stages.locate(call.session, spec.output).target
    there = [one for one in folder.iterdir() if one.name != _TEMPORARY] if folder.is_dir() else []
    if there and not spec.overwrite:
        raise invalid(
            f"The output location '{spec.output}' is not empty; use mode 'overwrite', or another "
            "location."
        )
    for one in there:
        shutil.rmtree(one) if one.is_dir() else one.unlink()
    return folder


def _method(folder: FilePath, wanted: str | None) -> str:
    declared = methods.declared(folder)
    if wanted is None and len(declared) == 1:
        return str(declared[0]["name"])
    if wanted is None:
        raise invalid("the model has several functions: name one with FUNCTION")
    try:
        return str(methods.find(folder, wanted)["name"])
    except KeyError:
        raise not_found("FUNCTION", wanted) from None


def _input(call: Call, written: _Written) -> FilePath:
    account, session = call.account, call.session
    stage = written.stage
    if not stage:
        unique = account.stages.new_id()
        stage = f"{written.spec.output.rstrip('/')}/{_TEMPORARY}/{unique}/"
        account.run(
            session,
            f"COPY INTO {stage} FROM ({written.query}) FILE_FORMAT = (TYPE = PARQUET) "
            "HEADER = TRUE",
        )
    require_stage(account, session, stage, "READ")
    return account.stages.locate(session, stage).target


def _launch(
    call: Call, written: _Written, path: Path, folder: FilePath, program: dict[str, Any]
) -> Live:
    image = f"/snowflake/images/snowflake_images/model_batch:{folder.name}"
    text = deploying.specification(deploying.BATCH, image, written.spec.resources)
    runs = deploying.runner(folder, "batch", json.dumps(program))
    launch = Launch(
        path=path,
        pool=fold(written.pool),
        spec=parse(text),
        asynchronous=bool(written.options.get("ASYNC", False)),
        replicas=int(written.options.get("REPLICAS", 1)),
        runners={deploying.BATCH: runs},
    )
    return call.account.part(Services).launch(call.session, launch)


def _tidied(live: Live, source: FilePath) -> None:
    """Remove input that was put on the stage for this job alone, once the job is over."""
    live.done.wait()
    if source.parent.name == _TEMPORARY:
        shutil.rmtree(source, ignore_errors=True)


def _finish(call: Call, live: Live, place: str) -> None:
    services = call.account.part(Services)
    deploying.finish(services, live)
    if not deploying.succeeded(services, live):
        lines = services.log(live.id, 0, deploying.BATCH).lines()
        said = "; ".join(line.text for line in lines)[-500:]
        raise SnowflakeError(
            f"Batch inference job {live.path} failed. {said}", number=395017, state="P0001"
        )
    run = call.session.facts.get("task_run")
    if run is not None:
        # Source: snowflake-ml, ``batch_inference_task.py``: the task's value is where results are.
        call.account.part(Tasks).history.change_run(int(run), return_value=place)
