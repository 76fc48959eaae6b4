"""Service specifications, templates and image references, without a server."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sf_ml_framework.emulator.faults import SnowflakeError
from sf_ml_framework.emulator.names import Path
from sf_ml_framework.emulator.services import imaging, shape
from sf_ml_framework.emulator.services.families import GIB
from sf_ml_framework.emulator.services.spec import fill, parse

ACCOUNT = SimpleNamespace(name="MY_ACCOUNT")

WHOLE = """
spec:
  containers:
  - name: main
    image: /db/s/r/i:1
    command: [python, -m, x]
    args: ["--n", 3, true]
    env: {A: 1, B: yes, C: "text"}
    readinessProbe: {port: 8000, path: /up}
    volumeMounts:
    - {name: v, mountPath: /mnt/v}
    - {name: old, mountPath: /mnt/old}
    resources:
      requests: {memory: 4Gi, cpu: 500m, nvidia.com/gpu: 1}
      limits: {memory: 8G, cpu: 1, nvidia.com/gpu: 1}
    secrets:
    - {snowflakeSecret: {objectName: db.s.x}, directoryPath: /x}
    - {snowflakeSecret: y, envVarName: Y, secretKeyRef: password}
    mountSessionToken: false
  - name: side-car
    image: /db/s/r/j@sha256:abc
  volumes:
  - {name: v, source: stage, stageConfig: {name: "@db.s.st/deep", metadataCache: 1h}}
  - {name: old, source: "@st"}
  - {name: ram, source: memory, size: 1Gi}
  endpoints:
  - {name: api, port: 8080, public: true, protocol: HTTP}
  logExporters: {eventTableConfig: {logLevel: ERROR}}
  platformMonitor: {metricConfig: {groups: [system, status]}}
serviceRoles: [{name: r, endpoints: [api]}]
capabilities: {securityContext: {executeAsCaller: true}}
"""


def test_a_whole_specification_is_read():
    spec = parse(WHOLE)
    main, side = spec.containers

    assert main.args == ("--n", "3", "true")
    assert main.env == {"A": "1", "B": "true", "C": "text"}
    assert (main.request.cpu, main.request.memory, main.request.gpus) == (0.5, 4 * GIB, 1)
    assert main.limit.memory == 8 * 1000**3
    assert main.mounts == (("v", "/mnt/v"), ("old", "/mnt/old"))
    assert [(s.name, s.directory, s.variable, s.key) for s in main.secrets] == [
        ("db.s.x", "/x", "", ""),
        ("y", "", "Y", "password"),
    ]
    assert (main.token, side.token) == (False, True)
    assert {name: volume.stage for name, volume in spec.volumes.items()} == {
        "v": "@db.s.st/deep",
        "old": "@st",
        "ram": "",
    }
    assert spec.log_level == "ERROR"
    assert (spec.demand.cpu, spec.demand.memory) == (1.0, 4 * GIB + GIB // 2)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("port: 8000", "port: 0", "port"),
        ("name: side-car", "name: main", "duplicate name 'main'"),
        ("mountPath: /mnt/old", "mountPath: /mnt/v", "duplicate mountPath"),
        ("mountPath: /mnt/v", "mountPath: mnt", "absolute"),
        ("cpu: 500m", "cpu: 2", "greater than its limit"),
        ("memory: 4Gi", "memory: lots", "unit"),
        ("cpu: 500m", "cpu: -1", "cpu"),
        ("nvidia.com/gpu: 1}\n      limits", "nvidia.com/gpu: 2}\n      limits", "the same"),
        ("secretKeyRef: password", "secretKeyRef: token", "one of"),
        ("directoryPath: /x", "directoryPath: /x, envVarName: X", "one of"),
        (", secretKeyRef: password", "", "secretKeyRef"),
        ("source: memory, size: 1Gi", "source: memory", "missing required option 'size'"),
        ("source: memory", "source: disk", "disk"),
        ("stageConfig: {name", "stageconfig: {name", "unknown option 'stageconfig'"),
        ("logLevel: ERROR", "logLevel: LOUD", "LOUD"),
        ("groups: [system", "groups: [all", "all"),
        ("port: 8080", "port: 8080, portRange: 1-2", "one of port"),
        ("executeAsCaller: true", "executeAsCaller: 1", "true or false"),
        ("capabilities:", "capability:", "unknown option 'capability'"),
        ("env: {A: 1", "env: {A: [1]", "scalar"),
        ("env: {A", "env: {0 A", "invalid name"),
        ("args: [", "args: [[1], ", "scalar"),
    ],
)
def test_each_rule_of_the_reference_is_checked(before, after, message):
    assert before in WHOLE

    with pytest.raises(SnowflakeError, match=message):
        parse(WHOLE.replace(before, after, 1))


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["name", "image", "env", "containers", "volumes", "source"]), inner
            )
        ),
        max_leaves=8,
    )
)
def test_any_specification_is_read_or_refused(body):
    import yaml

    try:
        parse(yaml.safe_dump({"spec": body}))
    except SnowflakeError as error:
        assert error.number == 395018


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_any_text_is_read_or_refused(text):
    try:
        parse(text)
    except SnowflakeError as error:
        assert error.number == 395018


def test_a_template_takes_values_and_defaults():
    template = "a: {{ a }} b: {{b|default('x')}} c: {{ c | default(3) }} d: {{ d }}"

    made = fill(template, {"a": 5, "b": "word", "d": '{"k": [1]}'})

    assert made == 'a: 5 b: word c: 3 d: {"k": [1]}'


@pytest.mark.parametrize(
    ("template", "values"),
    [
        ("{{ a }}", {}),
        ("{{ a }}", {"A": 1}),
        ("{{ a }}", {"a": "two words"}),
        ("{{ a }}", {"a": "x: y"}),
        ("{{ a | upper }}", {"a": 1}),
        ("{{ a.b }}", {"a": 1}),
    ],
)
def test_a_template_without_a_proper_value_is_refused(template, values):
    with pytest.raises(SnowflakeError):
        fill(template, values)


@pytest.mark.parametrize(
    ("written", "short"),
    [
        ("/db/s/r/i:1", "/db/s/r/i:1"),
        ("/DB/S/R/i:1", "/db/s/r/i:1"),
        ("/db/s/r/a/b/i:v1.2", "/db/s/r/a/b/i:v1.2"),
        ("/db/s/r/i", "/db/s/r/i:latest"),
        ("my-account.registry.localhost/db/s/r/i:1", "/db/s/r/i:1"),
        ("/db/s/r/i@sha256:" + "a" * 64, "/db/s/r/i@sha256:" + "a" * 64),
    ],
)
def test_an_image_reference_is_read(written, short):
    found = imaging.parse(ACCOUNT, written)

    assert found.short == short
    assert found.repository == Path("DB", "S", "R")


@pytest.mark.parametrize(
    "written",
    ["i:1", "/db/s/i:1", "docker.io/db/s/r/i:1", "/db/s/r/I:1", "/db/s/r/i:", "/db/s/r/i@sha256:1"],
)
def test_an_image_of_no_repository_is_refused(written):
    with pytest.raises(SnowflakeError, match="image repository"):
        imaging.parse(ACCOUNT, written)


@pytest.mark.parametrize(
    ("text", "amount"), [("1Gi", GIB), ("512M", 512 * 10**6), ("0.5Gi", GIB // 2), ("3Ki", 3072)]
)
def test_memory_has_a_unit(text, amount):
    assert shape.size(text, "memory") == amount
