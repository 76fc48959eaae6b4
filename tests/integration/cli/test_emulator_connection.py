"""``emulator start --write-connection FILE``: a file that cannot be one leaves no server behind."""

from __future__ import annotations

import pytest


def folder(root):
    (root / "some").mkdir()
    return "some"


def no_text(root):
    (root / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    return "bytes.toml"


def no_toml(root):
    (root / "broken.toml").write_text("[[[")
    return "broken.toml"


def below_a_file(root):
    (root / "file").write_text("")
    return "file/connections.toml"


@pytest.mark.parametrize("wrong", [folder, no_text, no_toml, below_a_file])
def test_where_the_connection_cannot_be_written_no_server_stays(idle, wrong):
    name = wrong(idle.root)

    done = idle.call("emulator", "start", "--in-memory", "--write-connection", name)

    assert done.returncode == 3
    assert str(idle.root / name) in done.stderr
    assert "remedy: " in done.stderr
    assert idle.call("emulator", "status", "--format", "json").json[0]["state"] == "stopped"
