"""The commands that run nothing import nothing that takes long."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "pandas numpy pyarrow duckdb ibis rich jinja2 snowflake sklearn xgboost polars matplotlib"
    " pydantic sqlite3 multiprocessing asyncio"
).split()

LOOK = """
import json, sys
# Packages that are spread over several distributions are there before the first line.
before = set(sys.modules)
from sf_ml_framework.cli.app import main
sys.stdout, real = open("/dev/null", "w"), sys.stdout
code = main(sys.argv[1:])
packages = {name.split(".")[0] for name in set(sys.modules) - before}
print(json.dumps([code, sorted(packages)]), file=real)
"""


@pytest.fixture(scope="module")
def heavy_shop(tmp_path_factory):
    """A project whose node modules import pandas at their top, compiled once."""
    from tests.integration.cli.shop import Shop

    shop = Shop(tmp_path_factory.mktemp("heavy") / "shop")
    shop.change("shop/nodes.py", "from sf_ml_framework", "import pandas\nfrom sf_ml_framework")
    shop.ok("list")
    return shop


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["list"],
        ["list", "--format", "json"],
        ["validate"],
        ["validate", "--format", "json"],
        ["run", "--help"],
        ["init", "--help"],
        ["dag"],
        ["no-such-command"],
    ],
    ids=" ".join,
)
def test_no_heavy_library_is_imported(heavy_shop, words):
    done = subprocess.run(
        [sys.executable, "-c", LOOK, *words],
        cwd=heavy_shop.root,
        env=heavy_shop.environment(),
        capture_output=True,
        text=True,
        check=True,
    )

    code, imported = json.loads(done.stdout)
    assert code == (2 if words == ["no-such-command"] else 0), done.stderr
    assert set(imported) & {*HEAVY, "shop"} == set()


def test_history_and_an_unchanged_run_import_no_data_frames(heavy_shop):
    heavy_shop.ok("run")

    for words in (["history"], ["show", "last"], ["run"]):
        done = subprocess.run(
            [sys.executable, "-c", LOOK, *words],
            cwd=heavy_shop.root,
            env=heavy_shop.environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        code, imported = json.loads(done.stdout)
        assert code == 0, done.stderr
        frames = {"pandas", "numpy", "pyarrow", "duckdb", "ibis", "rich", "jinja2", "shop"}
        assert set(imported) & frames == set(), words


def test_a_changed_file_is_noticed_and_imported_once(heavy_shop):
    """The kept manifest never hides a change."""
    heavy_shop.change("shop/nodes.py", '"""Judge the shop."""', '"""Judge it well."""')

    assert "Judge it well." in heavy_shop.ok("list").stdout


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells it so")
def test_a_list_takes_little_memory(heavy_shop):
    """Sixty mebibytes is the reach; a third of it is left."""
    look = (
        "import sys; from sf_ml_framework.cli.app import main; main(['list']);"
        "lines = open('/proc/self/status').read().splitlines();"
        "print(next(line for line in lines if line.startswith('VmHWM')), file=sys.stderr)"
    )

    done = subprocess.run(
        [sys.executable, "-c", look],
        cwd=heavy_shop.root,
        env=heavy_shop.environment(),
        capture_output=True,
        text=True,
        check=True,
    )

    assert int(done.stderr.split()[1]) * 1024 < 40 * 2**20
