"""Images that were built, run for real: buildah keeps them, this machine's root enters them.

It needs root and buildah (``apt-get install buildah``), no registry and no network: the image is
made from scratch of this machine's own Python and shell. The emulator is named here because an
account builds and pushes images by other means.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.waiting import until

pytest.importorskip("fakesnow")
import snowflake.connector
from snowflake.connector.errors import ProgrammingError

from sf_ml_framework.emulator import Emulator

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("buildah"), reason="buildah is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="a changed root needs root"),
]

PROGRAM = '''
"""The program of the image; it has the standard library alone."""
import json, os, signal, sys, time, urllib.request
from pathlib import Path


def post(path, body, token=""):
    url = "http://%(SNOWFLAKE_HOST)s:%(SNOWFLAKE_PORT)s" % os.environ + path
    head = {"Content-Type": "application/json"}
    if token:
        head["Authorization"] = f'Snowflake Token="{token}"'
    request = urllib.request.Request(url, json.dumps(body).encode(), head)
    return json.load(urllib.request.urlopen(request, timeout=20))


def sql(text):
    """Run a statement with the token that lies where Snowflake puts it."""
    given = {"AUTHENTICATOR": "OAUTH", "TOKEN": Path("/snowflake/session/token").read_text()}
    place = "?databaseName=%(SNOWFLAKE_DATABASE)s&schemaName=%(SNOWFLAKE_SCHEMA)s" % os.environ
    token = post("/session/v1/login-request" + place, {"data": given})["data"]["token"]
    made = post("/queries/v1/query-request?requestId=1", {"sqlText": text}, token)
    if not made["success"]:
        sys.exit(made["message"])


verb, values = sys.argv[1], sys.argv[2:]
if verb == "env":
    print(json.dumps({name: os.environ.get(name) for name in values}))
elif verb == "where":
    print(json.dumps([os.getcwd(), os.getuid(), os.getgid(), sorted(os.listdir("/"))]))
elif verb == "cat":
    print(Path(values[0]).read_text(), end="")
elif verb == "write":
    Path(values[0]).write_text(values[1])
elif verb == "sql":
    sql(values[0])
elif verb == "exit":
    print("to stderr", file=sys.stderr)
    sys.exit(int(values[0]))
elif verb == "wait":
    signal.signal(signal.SIGTERM, lambda *_: (print("asked to end", flush=True), sys.exit(9)))
    print("waiting", flush=True)
    while True:
        time.sleep(0.05)
'''
LEFT_OUT = ("site-packages", "test", "tests", "__pycache__", "idlelib", "ensurepip", "lib2to3")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """An image store of the test's own, and nothing of the machine's."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_DRIVER", "vfs")
        patch.setenv("CONTAINERS_STORAGE_CONF", str(folder / "storage.conf"))
        (folder / "storage.conf").write_text(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n'
        )
        patch.setenv("BUILDAH_ISOLATION", "chroot")
        patch.setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
        yield folder


def buildah(*words):
    done = subprocess.run(["buildah", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def copied(root, *files):
    """Copy programs with the libraries that they are linked to."""
    for file in files:
        listed = subprocess.run(["ldd", file], capture_output=True, text=True, check=True).stdout
        for one in [file, *re.findall(r"(/\S+) \(0x", listed)]:
            at = root / one.lstrip("/")
            at.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(one, at)


@pytest.fixture(scope="module")
def archive(store, tmp_path_factory):
    """An archive of an image that runs as a user of its own, with entrypoint, command, variable."""
    root = tmp_path_factory.mktemp("root")
    home = Path(sys.base_prefix)
    python = Path(os.path.realpath(sys.executable))
    library = home / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    copied(root, str(python), "/bin/sh")
    shutil.copytree(
        library,
        root / str(library).lstrip("/"),
        ignore=shutil.ignore_patterns(*LEFT_OUT, "config-*", "*.a"),
    )
    for name in ("_socket", "binascii", "zlib", "_struct", "_json", "select", "math", "_hashlib"):
        for extension in (library / "lib-dynload").glob(f"{name}.*.so"):
            copied(root, str(extension))
    (root / "app").mkdir()
    (root / "app" / "main.py").write_text(PROGRAM)
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc" / "passwd").write_text("step:x:1234:1234::/app:/bin/sh\n")
    (root / "tmp").mkdir(mode=0o777)
    for folder in [root, *(path for path in root.rglob("*") if path.is_dir())]:
        folder.chmod(folder.stat().st_mode | 0o555)
    container = buildah("from", "scratch")
    buildah("copy", "--quiet", container, str(root), "/")
    buildah(
        "config", "--entrypoint", json.dumps([str(python), "/app/main.py"]), "--cmd", "env BUILT",
        "--env", "BUILT=yes", "--workingdir", "/app", "--user", "step", container,
    )  # fmt: skip
    buildah("commit", "--quiet", container, "localhost/step:1")
    buildah("rm", container)
    file = tmp_path_factory.mktemp("archive") / "step.tar"
    buildah("push", "--quiet", "localhost/step:1", f"docker-archive:{file}")
    return file


@pytest.fixture(scope="module")
def emulator(store):
    with Emulator(container_runtime="buildah") as started:
        yield started


@pytest.fixture(scope="module")
def connection(emulator, archive):
    opened = snowflake.connector.connect(**emulator.connection)
    with closing(opened):
        cursor = opened.cursor()
        for sql in (
            "create database built",
            "create image repository images",
            "create compute pool p min_nodes = 1 max_nodes = 2 instance_family = CPU_X64_S",
            "create stage files encryption = (type = 'SNOWFLAKE_SSE')",
            "create table said (x varchar)",
            "create secret word type = generic_string secret_string = 'open sesame'",
            "create secret login type = password username = 'ann' password = 'pw'",
        ):
            cursor.execute(sql)
        emulator.add_image("/built/public/images/step:1", archive=archive)
        yield opened


@pytest.fixture
def run(connection):
    def call(sql):
        return connection.cursor().execute(sql).fetchall()

    return call


@pytest.fixture
def job(run):
    """Run a job and return its log."""

    def call(name, *arguments, command="", more="", volumes="", options=""):
        given = f"args: {json.dumps(arguments)}" if arguments else ""
        run(f"""execute job service in compute pool p name = {name} {options}
            from specification $$
spec:
  containers:
  - name: main
    image: /built/public/images/step:1
    {command}
    {given}
{more}
{volumes}
$$""")
        return "" if "async" in options else log(run, name)

    return call


def log(run, name):
    ((said,),) = run(f"select system$get_service_logs('{name}', '0', 'main')")
    return said


def waits(run, name):
    """Say whether a job has come as far as its first line."""
    try:
        return log(run, name) == "waiting"
    except ProgrammingError:
        return False  # it has no log yet


def test_an_archive_stands_in_its_repository_with_its_own_digest(run, store):
    ((_, name, tags, digest, *_),) = run("show images in image repository images")
    inspected = json.loads(buildah("inspect", "--type", "image", "localhost/step:1"))

    assert (name, tags) == ("step", "1")
    assert digest.startswith("sha256:")
    assert inspected["Docker"]["config"]["User"] == "step"


def test_entrypoint_command_variables_and_user_are_the_images(job):
    assert json.loads(job("by_default")) == {"BUILT": "yes"}
    folder, uid, gid, top = json.loads(job("whereabouts", "where"))

    assert (folder, uid, gid) == ("/app", 1234, 1234)
    assert {"app", "snowflake"} <= set(top)
    assert "work" not in top


def test_a_command_replaces_entrypoint_and_arguments(job):
    said = job("by_shell", "-c", "echo $BUILT $0", command="command: [/bin/sh]")

    assert said.strip() == "yes /bin/sh"


def test_variables_and_secrets_are_where_the_specification_says(job):
    more = """
    env: {PLAIN: "a b"}
    secrets:
    - {snowflakeSecret: word, envVarName: WORD, secretKeyRef: secret_string}
    - {snowflakeSecret: login, directoryPath: /usr/local/login}
"""
    names = ("PLAIN", "WORD", "SNOWFLAKE_SERVICE_NAME", "SNOWFLAKE_TOKEN_FILE", "SHELL")

    assert json.loads(job("told", "env", *names, more=more)) == {
        "PLAIN": "a b",
        "WORD": "open sesame",
        "SNOWFLAKE_SERVICE_NAME": "TOLD",
        "SNOWFLAKE_TOKEN_FILE": "/snowflake/session/token",
        "SHELL": None,
    }
    assert job("read", "cat", "/usr/local/login/password", more=more) == "pw"


def test_a_container_speaks_sql_over_loopback_with_its_token(job, run):
    options = "query_warehouse = compute_wh"
    job("talker", "sql", "insert into said select current_user()", options=options)

    assert run("select x from said") == [("TALKER",)]


def test_a_stage_is_mounted_both_ways(job, run, tmp_path):
    file = tmp_path / "in.txt"
    file.write_text("from the stage")
    run(f"put file://{file} @files auto_compress = false")
    more = "    volumeMounts: [{name: out, mountPath: /mnt/out}]"
    volumes = '  volumes: [{name: out, source: "@files"}]'

    assert job("reader", "cat", "/mnt/out/in.txt", more=more, volumes=volumes) == "from the stage"


def test_a_local_volume_is_writable_for_the_images_user(job):
    more = "    volumeMounts: [{name: own, mountPath: /scratch}]"
    volumes = "  volumes: [{name: own, source: local}]"

    assert job("writer", "write", "/scratch/a.txt", "kept", more=more, volumes=volumes) == ""


def test_an_exit_code_fails_the_job_and_its_error_is_logged_and_nothing_else(job, run):
    with pytest.raises(ProgrammingError, match="FAILED"):
        job("broken", "exit", "3")
    row = run("show service containers in service broken")[0]

    assert row[-1] == 3
    assert log(run, "broken") == "to stderr"


def test_a_command_that_is_not_there_says_so(job, run):
    with pytest.raises(ProgrammingError, match="FAILED"):
        job("missing", command="command: [/no/such]")

    assert "/no/such" in log(run, "missing")
    assert run("show service containers in service missing")[0][-1] == 127


def test_a_cancelled_job_is_asked_to_end_and_may_answer(job, run, connection):
    job("patient", "wait", options="async = true")
    until(lambda: waits(run, "patient"))
    run("call patient!spcs_cancel_job()")
    until(lambda: run("describe service patient")[0][1] == "CANCELLED")

    assert log(run, "patient").splitlines() == ["waiting", "asked to end"]
    assert run("show service containers in service patient")[0][-1] == 9


def test_no_value_of_a_variable_is_on_a_command_line(job, run):
    more = """
    secrets:
    - {snowflakeSecret: word, envVarName: WORD, secretKeyRef: secret_string}
"""
    job("quiet", "wait", more=more, options="async = true")
    until(lambda: waits(run, "quiet"))
    lines = [file.read_bytes() for file in Path("/proc").glob("[0-9]*/cmdline") if file.exists()]
    run("call quiet!spcs_cancel_job()")

    assert not [line for line in lines if b"open sesame" in line]
    assert [line for line in lines if b"/app/main.py" in line]


def test_nothing_is_left_of_a_container_that_ended(job):
    job("gone")

    until(lambda: "emulator-" not in buildah("containers", "--format", "{{.ContainerName}}"))


def test_what_a_killed_server_left_is_removed_by_the_next(store, archive, tmp_path):
    from sf_ml_framework.emulator.containers.runtime import Containers

    state = tmp_path / "state"
    with Emulator(state=state, container_runtime="buildah") as first:
        prefix = first.account.part(Containers).prefix
    buildah("from", "--name", f"{prefix}1-0-main", "scratch")
    with Emulator(state=state, container_runtime="buildah"):
        assert prefix not in buildah("containers", "--format", "{{.ContainerName}}")


def test_a_server_without_a_runtime_says_which_it_needs(archive):
    with (
        Emulator() as emulator,
        closing(snowflake.connector.connect(**emulator.connection)) as connection,
    ):
        cursor = connection.cursor()
        cursor.execute("create database d")
        cursor.execute("create image repository r")

        with pytest.raises(Exception, match="--container-runtime podman, docker or buildah"):
            emulator.add_image("/d/public/r/step:1", archive=archive)


def test_a_file_that_is_no_image_is_refused(emulator, connection, tmp_path):
    file = tmp_path / "no.tar"
    file.write_text("no")

    with pytest.raises(Exception, match="cannot be read as an archive"):
        emulator.add_image("/built/public/images/no:1", archive=file)
    with pytest.raises(Exception, match="failed"):
        emulator.add_image("/built/public/images/no:1", image="localhost/nothing:1")
