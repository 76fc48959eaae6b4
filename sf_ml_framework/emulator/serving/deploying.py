"""A model version becomes a service: its image is made by a job, then the service starts.

Source: snowflake-ml 2.6, ``service_ops.create_service`` and ``deployment_step`` (the names of job
and containers); Snowflake, "Deploy model services in SPCS" (privileges, the default image).
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import yaml

from ..faults import SnowflakeError, already_exists, cancelled, invalid
from ..models import store
from ..names import Path, fold, parts_of
from ..queries import CURRENT, new_query_id
from ..services import imaging
from ..services.checks import Launch
from ..services.imaging import Runner
from ..services.naming import service_name
from ..services.running import Live, Services
from ..services.spec import parse
from .asked import Resources
from .functions import ports

if TYPE_CHECKING:
    from ..account import Account
    from ..catalog import Entry
    from ..session import Session
    from .asked import Deployment

INFERENCE = "model-inference"
BUILD = "model-build"
BATCH = "model-batch"
_ENDPOINT = {"name": "inference", "port": 5000}
_PACKAGE = "sf_ml_framework.emulator.serving"
_DEFAULT = "/snowflake/images/snowflake_images"
"""The repository of images that are made without one; it is Snowflake's own."""
_SPCS = "SNOWPARK_CONTAINER_SERVICES"
_OTHER = re.compile(r"[^a-z0-9]+")
_RESTARTS = 2
"""A service that ends so often before it is ready does not become ready."""


def version_of(
    account: Account, session: Session, model: tuple[str, ...], version: str | None
) -> tuple[Entry, str]:
    """Return a model and version that can run in a container.

    Raises:
        SnowflakeError: there is none, the role may not use it, or it is for warehouses alone.
    """
    path = session.resolve(model)
    account.require(session, "USAGE|READ", store.KIND, path)
    entry = store.get(account, path)
    name = store.resolve(entry, fold(version) if version is not None else None)
    if _SPCS not in store.platforms(store.version_folder(account, entry, name)):
        raise invalid(
            f"Version '{name}' of model '{entry.name}' cannot run in Snowpark Container Services: "
            f"its target platforms do not include {_SPCS}."
        )
    return entry, name


def image_name(entry: Entry, version: str) -> str:
    """Return the name of a version's image, which another version never gets."""
    made = str(entry.properties["versions"][version]["created_on"])
    text = f"{entry.properties['id']} {version} {made}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def module(name: str) -> tuple[str, ...]:
    """Return the command that runs one of this folder's programs."""
    return ("python", "-m", f"{_PACKAGE}.{name}")


def runner(folder: FilePath, program: str, *arguments: str) -> Runner:
    """Return what runs a program of ours in the place of an image."""
    root = str(FilePath(__file__).resolve().parents[3])
    return Runner(
        project=str(folder),
        python=sys.executable,
        entrypoint=module(program),
        command=arguments,
        env={"PYTHONPATH": root},
    )


def specification(container: str, image: str, resources: Resources, **more: Any) -> str:
    """Return the YAML of a specification with one container."""
    env = more.pop("env", {})
    one = {"name": container, "image": image, **({"env": env} if env else {}), **resources.lines()}
    return yaml.safe_dump({"spec": {"containers": [one], **more}}, sort_keys=False)


def build(
    account: Account,
    session: Session,
    entry: Entry,
    version: str,
    *,
    place: Path,
    pool: str,
    rebuild: bool,
    integrations: tuple[str, ...] = (),
) -> FilePath:
    """Make the image of a version, unless it was made before, and return its folder.

    Raises:
        SnowflakeError: the build failed, or the statement was cancelled.
    """
    target = account.files / "images" / image_name(entry, version)
    if target.is_dir() and not rebuild:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    source = store.version_folder(account, entry, version)
    launch = Launch(
        path=Path(place.database, place.schema, _build_name()),
        pool=pool,
        spec=parse(specification(BUILD, f"{_DEFAULT}/model_build:1", Resources())),
        integrations=integrations,
        runners={BUILD: runner(source, "image", str(source), str(target))},
    )
    services = account.part(Services)
    live = services.launch(session, launch)
    finish(services, live)
    log = services.log(live.id, 0, BUILD)
    if not succeeded(services, live):
        said = "; ".join(line.text for line in log.lines())[-500:]
        raise SnowflakeError(
            f"Model image build failed for model {entry.path} version {version}: {said}",
            number=395017,
            state="P0001",
        )
    return target


def _build_name() -> str:
    """Return the build job's name: the client finds it from the id of its query, as this does."""
    query = CURRENT.get()
    number = int((query.id if query else new_query_id()).replace("-", ""), 16)
    digest = hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()[:8]
    return f"MODEL_BUILD_{digest.upper()}"


def succeeded(services: Services, live: Live) -> bool:
    """Say whether a job that is over was done."""
    ended = services.records.find(live.path, live.id)
    return ended is not None and ended.properties["status"] == "DONE"


def finish(services: Services, live: Live) -> None:
    """Wait for a job's end; a cancelled statement ends it."""
    query = CURRENT.get()
    if not services.wait(live, None, query.cancel if query else None):
        services.stop(live)
        raise cancelled()


def deploy(account: Account, session: Session, asked: Deployment) -> str:
    """Make the service, and return what SYSTEM$DEPLOY_MODEL answers once it is ready.

    Raises:
        SnowflakeError: it is refused; or the build failed, or the service does not become ready.
    """
    path = service_name(session.resolve(parts_of(asked.service)))
    entry, version = version_of(account, session, parts_of(asked.model), asked.version)
    _allowed(account, session, asked, path)
    reference = _reference(account, session, asked, entry, version)
    folder = build(
        account,
        session,
        entry,
        version,
        place=path,
        pool=fold(asked.build_pool),
        rebuild=asked.rebuild,
        integrations=tuple(fold(one) for one in asked.integrations),
    )
    runs = runner(folder, "server", str(folder))
    if asked.repository:
        imaging.add(account, reference, runs, role=session.role)
    launch = Launch(
        path=path,
        pool=fold(asked.pool),
        spec=parse(_service_text(asked, reference)),
        job=False,
        replicas=asked.instances,
        runners={INFERENCE: runs},
        kept={"model": [str(entry.path), version], "image": folder.name},
    )
    services = account.part(Services)
    live = services.launch(session, launch)
    _ready(account, services, live)
    return f"Model service {path} is deployed with model {entry.path} version {version}."


def _allowed(account: Account, session: Session, asked: Deployment, path: Path) -> None:
    """Refuse what the role may not make. Source: "Deploy model services in SPCS", privileges."""
    schema = Path(path.database, "", path.schema)
    account.catalog.get("SCHEMA", schema)
    account.require(session, "CREATE SERVICE", "SCHEMA", schema)
    for pool in (asked.pool, asked.build_pool):
        name = Path("", "", fold(pool))
        account.catalog.get("COMPUTE POOL", name)
        account.require(session, "USAGE", "COMPUTE POOL", name)
    if asked.public:
        account.require(session, "BIND SERVICE ENDPOINT", "ACCOUNT", Path("", "", ""))
    if account.catalog.find("SERVICE", path) is not None:
        raise already_exists(str(path))


def _service_text(asked: Deployment, image: str) -> str:
    """Return the service's specification; the client reads the variable from it."""
    flag = {"SPCS_MODEL_INFERENCE_SERVER__AUTOCAPTURE_ENABLED": str(asked.autocapture).lower()}
    endpoints = [{**_ENDPOINT, "public": asked.public}]
    return specification(INFERENCE, image, asked.resources, env=flag, endpoints=endpoints)


def _reference(
    account: Account, session: Session, asked: Deployment, entry: Entry, version: str
) -> str:
    name = _OTHER.sub("-", f"{entry.name}-{version}".lower()).strip("-")
    tag = image_name(entry, version)
    if not asked.repository:
        return f"{_DEFAULT}/{name}:{tag}"
    path = session.resolve(parts_of(asked.repository))
    account.require(session, "READ", "IMAGE REPOSITORY", path)
    account.require(session, "WRITE", "IMAGE REPOSITORY", path)
    account.catalog.get("IMAGE REPOSITORY", path)
    return "/".join(["", *(part.lower() for part in path), f"{name}:{tag}"])


def _ready(account: Account, services: Services, live: Live) -> None:
    query = CURRENT.get()
    while len(ports(live)) < live.launch.replicas:
        if query is not None and query.cancel.is_set():
            raise cancelled()
        entry = services.records.find(live.path, live.id)
        one = entry.properties["instances"][0]["containers"][INFERENCE] if entry else None
        if one is None or live.done.is_set() or int(one["restarts"]) >= _RESTARTS:
            lines = services.log(live.id, 0, INFERENCE).lines()
            said = "; ".join(line.text for line in lines)[-500:]
            raise SnowflakeError(
                f"Model service {live.path} does not become ready: {said}",
                number=395017,
                state="P0001",
            )
        live.done.wait(0.05)
