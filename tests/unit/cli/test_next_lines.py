"""A line that is told to be typed next works where the line before it did."""

from __future__ import annotations

import click
import pytest

from sf_ml_framework.cli.app import main
from sf_ml_framework.cli.connection_options import connection_options, target_option
from sf_ml_framework.cli.where import same_place
from sf_ml_framework.deploy.checks import nothing_for_an_administrator
from sf_ml_framework.deploy.faults import DeployError
from sf_ml_framework.plan.codec import encode
from sf_ml_framework.plan.compile import compile_desired
from sf_ml_framework.plan.diff import make_plan
from sf_ml_framework.plan.objects import Observed
from sf_ml_framework.plan.to_sql import statements
from tests.unit.plan.projects import RICH_TARGET, rich, target

PIPELINE = """\
from sf_ml_framework import DataCatalog, NodeConfig, Project


def load() -> None: ...


PROJECT = Project(
    name="shop", pipeline=[NodeConfig(name="load", function=load)], catalog=DataCatalog([])
)
"""
SETTINGS = """\
project: pipeline_of_next_lines:PROJECT
default_target: dev
targets:
  dev: {database: ml_dev}
  prod: {database: ml_prod}
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "pipeline_of_next_lines.py").write_text(PIPELINE)
    (tmp_path / "mlops.yml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def said(*words: str, **options: bool) -> str:
    """Return what such a line says after that one."""
    found: list[str] = []

    @click.command
    @target_option
    @connection_options
    def command(target: str) -> None:
        found.append(same_place(target, **options))

    command(list(words), standalone_mode=False)
    return found[0]


def test_it_names_the_target_and_the_connection_that_the_line_names():
    assert said() == ""
    assert said("--target", "prod") == " --target prod"
    assert (
        said("-t", "prod", "-c", "my own", "-x", "--role", "R")
        == " --target prod --connection 'my own' --temporary-connection --role R"
    )


def test_a_role_is_not_taken_where_another_is_needed():
    assert said("--env", "prod", "--user", "U", "--role", "R", as_role=False) == (
        " --target prod --user U"
    )


def test_a_plan_is_carried_out_in_its_target(project, capsys):
    (project / "empty.json").write_bytes(encode(Observed()))
    words = ["plan", "--state", "empty.json", "--target", "prod", "--out", "p.json"]

    assert main(words, program="mlops") == 0

    told = capsys.readouterr()
    assert "carry it out: mlops deploy --plan p.json --target prod\n" in told.err
    assert "more: mlops cost estimate --target prod\n" in told.out


def test_grants_are_compared_in_the_same_target(project, capsys):
    assert main(["grants", "--target", "prod", "--connection", "ops"], program="mlops") == 0

    assert "compare: mlops grants --check --target prod --connection ops\n" in (
        capsys.readouterr().err
    )


def test_both_remedies_for_an_administrator_name_the_target():
    plan = make_plan(compile_desired(rich(), target(**RICH_TARGET)), Observed())

    with pytest.raises(DeployError) as caught:
        nothing_for_an_administrator(plan, statements(plan))

    assert caught.value.remedy == (
        "mlops infra apply --part admin --target dev; or print them:"
        " mlops infra sql --part admin --target dev"
    )
