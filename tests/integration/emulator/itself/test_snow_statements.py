"""What ``snow`` sends has the shapes of a golden file, as in ``test_client_statements.py``."""

from __future__ import annotations

import contextlib
import json

import pytest

from sf_ml_framework.emulator import Emulator
from tests.integration.emulator import snow_client
from tests.integration.emulator.client_shapes import differences, shapes

COMMAND = snow_client.find()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(COMMAND is None, reason=snow_client.NONE),
]
HERE = ["--database", "SHAPES", "--schema", "PUBLIC"]
POOL = [
    ["create", "p", "--family", "CPU_X64_XS", "--max-nodes", "2"],
    ["list", "--like", "p%"],
    ["describe", "p"],
    ["set", "p", "--max-nodes", "3"],
    ["unset", "p", "--comment"],
    ["status", "p"],
    ["suspend", "p"],
    ["resume", "p"],
]
STAGE = [
    ["create", "st"],
    ["copy", "files", "@st"],
    ["list-files", "@st"],
    ["copy", "@st", "got"],
    ["execute", "@st/a.sql", "-D", "n=1"],
    ["remove", "@st", "a.sql"],
]
INSTANCE = ["--container-name", "main", "--instance-id", "0"]
SERVICE = [
    ["execute-job", "j", "--compute-pool", "p", "--spec-path", "spec.json"],
    ["logs", "j", *INSTANCE],
    ["events", "j", *INSTANCE, "--since", "1 hour"],
    ["metrics", "j", *INSTANCE],
    ["create", "s", "--compute-pool", "p", "--spec-path", "spec.json"],
    ["list"],
    ["describe", "s"],
    ["status", "s"],
    ["list-endpoints", "s"],
    ["list-instances", "s"],
    ["list-containers", "s"],
    ["list-roles", "s"],
    ["set", "s", "--max-instances", "2"],
    ["unset", "s", "--comment"],
    ["upgrade", "s", "--spec-path", "spec.json"],
    ["suspend", "s"],
    ["resume", "s"],
    ["drop", "s"],
]


def commands():
    """Yield each command once, in an order in which all succeed."""
    yield ["connection", "test"]
    yield ["sql", "-q", "select 1; select 2"]
    yield from (["stage", *one, *HERE] for one in STAGE)
    yield ["object", "list", "stage", *HERE]
    yield ["object", "describe", "stage", "st", *HERE]
    yield ["object", "drop", "stage", "st", *HERE]
    yield from (["spcs", "compute-pool", *one] for one in POOL)
    yield from (["spcs", "image-registry", one, *HERE] for one in ("url", "token"))
    for one in (["list"], ["url", "images"], ["list-images", "images"]):
        yield ["spcs", "image-repository", *one, *HERE]
    yield from (["spcs", "service", *one, *HERE] for one in SERVICE)
    yield ["spcs", "compute-pool", "stop-all", "p"]
    yield ["spcs", "compute-pool", "drop", "p"]
    yield ["spcs", "image-repository", "drop", "images", *HERE]


def test_what_snow_sends(tmp_path, request):
    import snowflake.connector

    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.sql").write_text("select 1;")
    container = {"name": "main", "image": "/shapes/public/images/i:1", "command": ["true"]}
    (tmp_path / "spec.json").write_text(json.dumps({"spec": {"containers": [container]}}))
    with Emulator() as emulator:
        opened = snowflake.connector.connect(**emulator.connection)
        with contextlib.closing(opened) as connection:
            connection.cursor().execute("create database shapes")
            connection.cursor().execute("create image repository images")
        emulator.add_image("/shapes/public/images/i:1", project=tmp_path)
        emulator.account.record.lines.clear()
        options = snow_client.settings(tmp_path, emulator.connection)
        with snow_client.Snow(COMMAND, tmp_path, options) as snow:
            for one in commands():
                snow(*one, "-c", "tests")
        lines = list(emulator.account.record.lines)

    assert [line for line in lines if line["what"] in {"unknown", "fault"}] == []
    record = request.config.getoption("--record", default=False)
    assert differences("snow", shapes(lines), record=record) == ""
