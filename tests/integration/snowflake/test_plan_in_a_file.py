"""A plan in a file is carried out as it is; an option that would change it is refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from sf_ml_framework.cli.deploying import _read
from sf_ml_framework.deploy.faults import DeployError, MovedOnError
from sf_ml_framework.places.snowflake.platform import SnowflakePlatform
from sf_ml_framework.plan import codec
from tests.integration.snowflake.deploy_graphs import BY, ROOT, Site, root, task

GRAPH = (root(), task("A", ROOT, timeout_ms=60_000))
EDITED = (root(), task("A", ROOT, timeout_ms=60_000, body="select 7"))
OPENED: Any = SimpleNamespace(target=SimpleNamespace(name="dev"))


@pytest.fixture
def file(site: Site, tmp_path: Any) -> Any:
    """A plan of an image with the tag ``v1``."""
    plan = site.plan(GRAPH)
    plan = msgspec.structs.replace(
        plan, desired=msgspec.structs.replace(plan.desired, image="/d/ml/i/x:v1")
    )
    written = tmp_path / "plan.json"
    written.write_bytes(codec.encode(plan))
    return written


def test_another_tag_than_the_plans_is_refused_with_the_plan_that_has_it(file):
    with pytest.raises(DeployError, match="/d/ml/i/x:v1") as refused:
        _read(file, OPENED, tag="1", delete=False)

    assert refused.value.remedy == f"mlops plan --tag 1 --out {file}"


@pytest.mark.parametrize("tag", ["", "v1"])
def test_the_tag_of_the_plan_may_be_named(file, tag):
    assert _read(file, OPENED, tag=tag, delete=True).desired.image == "/d/ml/i/x:v1"


def test_a_thorough_plan_is_carried_out_by_who_looks_as_thoroughly(site):
    """So ``--thorough`` means something beside ``--plan``."""
    site.deploy(GRAPH)
    site.account.execute(f"alter task {site.place}.{ROOT} suspend")
    site.account.execute(f"alter task {site.place}.A set user_task_timeout_ms = 5000")
    site.account.execute(f"alter task {site.place}.{ROOT} resume")
    thorough = site.deployer(SnowflakePlatform(site.account, thorough=True))
    plan = thorough.plan(site.plan(EDITED).desired)
    by = msgspec.structs.replace(BY, overwrite_drift=True)

    with pytest.raises(MovedOnError):
        site.deployer().apply(plan, by)
    thorough.apply(plan, by)

    assert site.tasks(EDITED)["A"].timeout_ms == 60_000
