"""Files of a client that shares no disk with the server: a container of a built image.

The emulator is named here because who such a client is, is known by its token alone.
"""

from __future__ import annotations

from contextlib import closing

import pandas as pd
import pytest

pytest.importorskip("fakesnow")
import snowflake.connector
from snowflake.connector.pandas_tools import write_pandas

from sf_ml_framework.emulator import Emulator


@pytest.fixture(scope="module")
def emulator():
    with Emulator() as started:
        yield started


@pytest.fixture
def apart(emulator):
    """A connection by the token that a container of a built image gets."""
    token = emulator.account.tokens.issue(
        user="MLOPS", role="ACCOUNTADMIN", name="t", seconds=600, facts={"apart": True}
    )
    place = {key: emulator.connection[key] for key in ("account", "host", "port", "protocol")}
    with closing(
        snowflake.connector.connect(
            **place, authenticator="oauth", token=token, warehouse="COMPUTE_WH", network_timeout=30
        )
    ) as opened:
        opened.cursor().execute("create or replace database apart")
        yield opened


@pytest.fixture
def no_shared_disk(monkeypatch):
    """The client may not move a file on a disk that it shares with the server."""
    from snowflake.connector import local_storage_client

    def refuses(*_, **__):
        raise AssertionError("the stage is not on this machine's disk")

    monkeypatch.setattr(local_storage_client.SnowflakeLocalStorageClient, "__init__", refuses)


@pytest.mark.usefixtures("no_shared_disk")
def test_files_go_up_and_come_back_over_the_network(apart, tmp_path):
    run = apart.cursor().execute
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text(f"{name}\n")
    run("create stage s")

    put = run(f"put file://{tmp_path}/*.csv @s/in auto_compress = false").fetchall()
    (tmp_path / "back").mkdir()
    run(f"get @s/in file://{tmp_path}/back")

    assert {row[6] for row in put} == {"UPLOADED"}
    assert [row[0] for row in run("list @s").fetchall()] == ["s/in/one.csv", "s/in/two.csv"]
    assert (tmp_path / "back" / "two.csv").read_text() == "two.csv\n"


@pytest.mark.usefixtures("no_shared_disk")
def test_a_compressed_file_has_its_ending_and_the_official_writer_of_frames_works(apart, tmp_path):
    run = apart.cursor().execute
    (tmp_path / "a.csv").write_text("1\n")
    run("create stage s")

    run(f"put file://{tmp_path}/a.csv @s")
    written = write_pandas(
        apart, pd.DataFrame({"N": range(100)}), "NUMBERS", auto_create_table=True
    )

    assert [row[0] for row in run("list @s").fetchall()] == ["s/a.csv.gz"]
    assert (written[0], written[2]) == (True, 100)
    assert run("select sum(n) from numbers").fetchone() == (4950,)


def test_a_client_on_this_machine_moves_files_itself(emulator, tmp_path):
    with closing(snowflake.connector.connect(**emulator.connection)) as here:
        here.cursor().execute("create or replace database here")
        here.cursor().execute("create stage s")
        (tmp_path / "a.csv").write_text("1\n")

        answer = here.cursor()._execute_helper(f"put file://{tmp_path}/a.csv @s")

    assert answer["data"]["stageInfo"]["locationType"] == "LOCAL_FS"
