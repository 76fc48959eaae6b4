"""What is around the tests changes none of them: a CI service, a connection, a file at home."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
ELSEWHERE = "[prod]\naccount = 'of-somebody'\nuser = 'u'\npassword = 'p'\n"
OTHERS = ("MLOPS_", "PYTEST_", "SNOWFLAKE_")
SAYS = """
import os
from pathlib import Path

from sf_ml_framework.connection import resolve


def test_nothing_is_said():
    assert "CI" not in os.environ
    assert [name for name in os.environ if name.startswith("MLOPS_")] == ["MLOPS_TEST_WORD"]
    assert resolve(Path.cwd(), {}, os.environ, needed=False) is None
"""


def test_whoever_runs_them(tmp_path):
    """With xdist too, whose workers are processes of their own."""
    home = tmp_path / "home"
    (home / ".snowflake").mkdir(parents=True)
    (home / ".snowflake" / "connections.toml").write_text(ELSEWHERE)
    (home / ".snowflake" / "connections.toml").chmod(0o600)
    (home / ".snowflake" / "config.toml").write_text("default_connection_name = 'prod'\n")
    (home / ".snowflake" / "config.toml").chmod(0o600)
    said = {
        "CI": "true",
        "HOME": str(home),
        "MLOPS_BRANCH": "main",
        "MLOPS_MODE": "snowflake",
        "MLOPS_TEST_WORD": "kept",
        "SNOWFLAKE_ACCOUNT": "of-somebody",
        "SNOWFLAKE_CONNECTIONS_PROD_USER": "u",
        "SNOWFLAKE_DEFAULT_CONNECTION_NAME": "prod",
    }
    kept = {k: v for k, v in os.environ.items() if not k.startswith(OTHERS)}
    (tmp_path / "test_said.py").write_text(SAYS)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "1", "-p", "tests.conftest", f"-c{os.devnull}",
         f"--rootdir={tmp_path}", f"--basetemp={tmp_path / 'base'}", "test_said.py"],
        cwd=tmp_path,
        env={**kept, **said, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
