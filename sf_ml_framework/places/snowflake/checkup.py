"""What an account says when it is asked whether a project can run in it. Changes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from sf_ml_framework.errors import FrameworkError, OperatorError
from sf_ml_framework.identifiers import quoted
from sf_ml_framework.places.snowflake import holdings
from sf_ml_framework.places.snowflake.errors import AbsentError, AccessDeniedError
from sf_ml_framework.plan import names
from sf_ml_framework.plan.audit import audit
from sf_ml_framework.plan.objects import Grant

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account
    from sf_ml_framework.quantities import PoolSize
    from sf_ml_framework.targets import Target

State = Literal["ok", "warning", "failed", "skipped"]

SKEW_SECONDS = 30
"""How far this machine's clock may be from the account's. Source: "Key-pair authentication": the
token that a key signs is valid by the server's clock, for a minute after it was made."""

_MAKES = "`mlops infra apply` makes it, and `mlops infra sql` prints how"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    name: str
    state: State
    says: str
    """What was found."""
    remedy: str = ""
    """What to do where it is not ok."""


def examine(
    account: Account,
    target: Target | None,
    sizes: Collection[PoolSize],
    grants: Collection[Grant],
    project: str = "",
) -> Iterator[Check]:
    """Yield what is found, in the order in which one needs the other; signs in first.

    Args:
        account: not necessarily connected.
        target: where the project is to run; none checks the connection alone.
        sizes: the sizes of pool that the project's nodes ask for.
        grants: what the roles of the target must hold.
        project: whose graph of tasks names the image; empty: the target alone does.
    """
    began = time.time()
    try:
        session = account.rows(_SESSION)[0]
    except FrameworkError as error:
        yield Check(name="sign in", state="failed", says=str(error), remedy=error.remedy)
        return
    yield Check(
        name="sign in",
        state="ok",
        says=f"{session['user']} in {session['account']} ({session['region']}),"
        f" server {session['version']}",
    )
    yield clock(session["now"], began, time.time())
    yield _role(session, target)
    if target is None:
        return
    yield from _objects(account, target, sizes, project)
    yield from _grants(account, target, grants)


def _objects(
    account: Account, target: Target, sizes: Collection[PoolSize], project: str
) -> Iterator[Check]:
    """Yield what is found of each object that the target names."""
    looks: list[tuple[str, Callable[[], Check]]] = [
        ("warehouse", partial(_warehouse, account, target)),
        ("database", partial(_database, account, target)),
        ("schema", partial(_schema, account, target)),
        *(("compute pool", partial(_pool, account, target, size)) for size in sorted(sizes)),
        ("image repository", partial(_repository, account, target)),
        ("image", partial(_image, account, target, project)),
        ("stage", partial(_stage, account, target)),
    ]
    for name, look in looks:
        try:
            yield look()
        except (AbsentError, AccessDeniedError):
            # Where SHOW may not look, or there is nothing to look into.
            says = f"{name} cannot be looked for: what it stands in is not there, or not for us"
            yield Check(name=name, state="failed", says=says, remedy=_MAKES)


_SESSION = """SELECT CURRENT_USER() AS "user", CURRENT_ACCOUNT() AS "account",
  CURRENT_REGION() AS "region", CURRENT_VERSION() AS "version", CURRENT_ROLE() AS "role",
  CURRENT_SECONDARY_ROLES() AS "secondary", CURRENT_AVAILABLE_ROLES() AS "available",
  CURRENT_TIMESTAMP() AS "now" """


def clock(server: datetime, began: float, ended: float) -> Check:
    """Compare the account's clock with this machine's.

    Args:
        server: what the account said, between the two moments.
        began: seconds since 1970, before it was asked.
        ended: seconds since 1970, when it had answered.
    """
    if server.tzinfo is None:
        server = server.replace(tzinfo=UTC)
    told = server.timestamp()
    # Whatever lies between question and answer is no skew.
    skew = told - ended if told > ended else told - began if told < began else 0.0
    if abs(skew) <= SKEW_SECONDS:
        return Check(name="clock", state="ok", says=f"within {max(1, round(abs(skew)))} s")
    direction = "behind" if skew > 0 else "ahead of"
    return Check(
        name="clock",
        state="failed",
        says=f"this machine's clock is {abs(skew):.0f} s {direction} the account's",
        remedy="set this machine's clock (NTP): key pairs and tokens are judged by the time",
    )


def _role(session: Mapping[str, Any], target: Target | None) -> Check:
    import json

    role, available = str(session["role"] or ""), json.loads(session["available"] or "[]")
    wanted = [target.deploy_role, target.role] if target else []
    missing = [each for each in wanted if each not in available]
    if not role:
        return Check(
            name="role",
            state="failed",
            says="the session has no role",
            remedy="name one with --role, or ALTER USER … SET DEFAULT_ROLE",
        )
    if target and missing and role not in wanted:
        return Check(
            name="role",
            state="failed",
            says=f"works as {role}; may not take {' and '.join(missing)} of target {target.name}",
            remedy="`mlops infra apply` makes the roles, and grants you the one that deploys; or "
            + " ".join(f"GRANT ROLE {each} TO USER {session['user']};" for each in missing),
        )
    return Check(name="role", state="ok", says=f"{role} (of {len(available)} that it may take)")


def _one(account: Account, kind: str, name: str, where: str = "") -> dict[str, Any] | None:
    """Return the row of SHOW for the one object of that name; none where there is none."""
    # LIKE takes _ for any letter, so what it finds is compared.
    rows = account.rows(f"SHOW {kind} LIKE {_text(name)}{where}")
    return next((row for row in rows if row["name"] == name), None)


def _text(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _inside(target: Target) -> str:
    return f" IN SCHEMA {quoted(target.database)}.{quoted(target.schema)}"


def _missing(name: str, what: str, target: Target, grant: str) -> Check:
    return Check(
        name=name,
        state="failed",
        says=f"{what} is not there, or this role may not see it",
        remedy=f"{_MAKES}; or {grant} TO ROLE {target.role};",
    )


def _warehouse(account: Account, target: Target) -> Check:
    found = _one(account, "WAREHOUSES", target.warehouse)
    if found is None:
        grant = f"GRANT USAGE ON WAREHOUSE {target.warehouse}"
        return _missing("warehouse", f"warehouse {target.warehouse}", target, grant)
    asleep = found["state"] == "SUSPENDED" and str(found["auto_resume"]).lower() != "true"
    if asleep:
        return Check(
            name="warehouse",
            state="failed",
            says=f"{target.warehouse} is suspended and does not resume by itself",
            remedy=f"ALTER WAREHOUSE {target.warehouse} SET AUTO_RESUME = TRUE;",
        )
    says = f"{target.warehouse}, {found['size']}, {str(found['state']).lower()}"
    return Check(name="warehouse", state="ok", says=says)


def _database(account: Account, target: Target) -> Check:
    if _one(account, "DATABASES", target.database) is None:
        grant = f"GRANT USAGE ON DATABASE {target.database}"
        return _missing("database", f"database {target.database}", target, grant)
    return Check(name="database", state="ok", says=target.database)


def _schema(account: Account, target: Target) -> Check:
    where = f" IN DATABASE {quoted(target.database)}"
    full = f"{target.database}.{target.schema}"
    if _one(account, "SCHEMAS", target.schema, where) is None:
        return _missing("schema", f"schema {full}", target, f"GRANT USAGE ON SCHEMA {full}")
    return Check(name="schema", state="ok", says=full)


def _pool(account: Account, target: Target, size: PoolSize) -> Check:
    name = target.pools[size].name
    found = _one(account, "COMPUTE POOLS", name)
    label = "compute pool"
    if found is None:
        grant = f"GRANT USAGE, MONITOR ON COMPUTE POOL {name}"
        return _missing(label, f"compute pool {name} of size {size}", target, grant)
    state = str(found["state"])
    if state == "SUSPENDED" and str(found["auto_resume"]).lower() != "true":
        return Check(
            name=label,
            state="failed",
            says=f"{name} is suspended and does not resume by itself",
            remedy=f"ALTER COMPUTE POOL {name} RESUME;",
        )
    if state not in {"SUSPENDED", "STARTING", "IDLE", "ACTIVE", "RESIZING", "STOPPING"}:
        return Check(
            name=label,
            state="failed",
            says=f"{name} is {state}: {found.get('status_message') or ''}".rstrip(": "),
            remedy=f"look at DESCRIBE COMPUTE POOL {name}; where it goes on, drop and deploy it",
        )
    says = f"{name}, {found['instance_family']}, {state.lower()}"
    most = int(found["max_nodes"])
    return Check(name=label, state="ok", says=f"{says}, at most {most} node{'s' * (most != 1)}")


def _repository(account: Account, target: Target) -> Check:
    full = names.image_repository(target)
    place, _, name = full.rpartition(".")
    within = ".".join(map(quoted, place.split(".")))
    found = _one(account, "IMAGE REPOSITORIES", name, f"IN SCHEMA {within}")
    if found is None:
        grant = f"GRANT READ ON IMAGE REPOSITORY {full}"
        return _missing("image repository", f"image repository {full}", target, grant)
    return Check(name="image repository", state="ok", says=str(found["repository_url"]))


def _image(account: Account, target: Target, project: str) -> Check:
    deployed = _deployed_images(account, target, project)
    said = ", which the graph of tasks runs" if deployed else ""
    wanted = deployed or [names.image_path(target)]
    lacking = [path for path in wanted if not _stands(account, path)]
    told = " and ".join(path.rpartition("/")[2] for path in lacking or wanted)
    if not lacking:
        return Check(name="image", state="ok", says=f"{told}{said}")
    return Check(
        name="image",
        state="failed",
        says=f"{told}{said and f'{said},'} is not in the repository",
        remedy="mlops image build, then mlops image push; in a local Snowflake mlops emulator"
        " image add",
    )


def _deployed_images(account: Account, target: Target, project: str) -> list[str]:
    """Return the images that the tasks of the project name; none where no graph can be seen."""
    from sf_ml_framework.places.snowflake.graph_control import SnowflakeGraph

    if not project:
        return []
    root = names.root_task(project)
    try:
        graph = SnowflakeGraph(account, target.database, target.schema, root, {}).graph()
    except OperatorError:
        return []
    return sorted({task.image for task in graph.nodes if task.image})


def _stands(account: Account, image: str) -> bool:
    """Say whether ``/db/schema/repository/image:tag`` is in its repository."""
    path, _, tag = image.strip("/").rpartition(":")
    *repository, name = path.split("/")
    full = ".".join(quoted(part.upper()) for part in repository)
    rows = account.rows(f"SHOW IMAGES IN IMAGE REPOSITORY {full}")
    return any(
        row["image_name"] == name and tag in {one.strip() for one in str(row["tags"]).split(",")}
        for row in rows
    )


def _stage(account: Account, target: Target) -> Check:
    full = f"{target.database}.{target.schema}.{target.stage}"
    if _one(account, "STAGES", target.stage, _inside(target)) is None:
        return _missing("stage", f"stage {full}", target, f"GRANT READ, WRITE ON STAGE {full}")
    return Check(name="stage", state="ok", says=full)


def _grants(account: Account, target: Target, grants: Collection[Grant]) -> Iterator[Check]:
    """Yield, for each role, whether it holds what it needs: what ``mlops grants`` names."""
    sights = holdings.seen(account, sorted({grant.to for grant in grants}))
    findings = audit(grants, sights, target)
    for role, sight in sights.items():
        needed = sum(grant.to == role for grant in grants)
        if not sight.there:
            yield Check(
                name="privileges",
                state="failed",
                says=f"{role} is not there, and needs {needed} grants",
                remedy="`mlops infra apply` makes the role with all of them; `mlops grants` tells"
                " what each is for",
            )
            continue
        found = [finding for finding in findings if finding.grant.to == role]
        lacking = [finding for finding in found if finding.state == "missing"]
        unseen = sum(finding.state == "unseen" for finding in found)
        excess = sum(finding.state == "excess" for finding in found)
        says = f"{role} holds {needed - len(lacking) - unseen} of {needed} that it needs"
        if sight.why and (lacking or unseen):
            says += f"; {sight.why}"
        if excess:
            says += f", and {excess} more: `mlops grants --check` names them"
        yield Check(
            name="privileges",
            state="failed" if lacking else "warning" if unseen else "ok",
            says=says,
            remedy="\n".join(finding.statement for finding in lacking)
            or "look again with --role SECURITYADMIN" * bool(unseen),
        )
