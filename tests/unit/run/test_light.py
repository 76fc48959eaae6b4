import subprocess
import sys

HEAVY = ("pandas", "numpy", "pyarrow", "duckdb", "ibis", "rich", "asyncio", "filelock", "yaml")


def test_the_process_that_decides_what_to_run_stays_light():
    """It starts for every command, so it must not pay for what only a node needs."""
    code = (
        "import sys, sf_ml_framework.run.runner, sf_ml_framework.run.journal\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []


def test_a_worker_starts_without_what_only_some_nodes_need():
    code = (
        "import sys, sf_ml_framework.container, sf_ml_framework.run.worker\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []
