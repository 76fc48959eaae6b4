"""Two runs with one seed give identical datasets and identical metrics."""

import hashlib
import json

import pytest

from tests.integration.churn.conftest import Clone

SMALL = "--params num_customers=3000 --params n_trials=2 --params bootstrap=50"


def files_of(clone):
    """Return the hash of every dataset's file; manifests tell when it was written, pages too."""
    data = clone.folder / "data"
    return {
        str(file.relative_to(data)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(data.glob("*/**/*"))
        if file.is_file() and not file.name.endswith(".manifest.json")
    }


def metrics_of(clone):
    done = clone.shell("python main.py show last --format json")
    return {each["node"]: each["metrics"] for each in json.loads(done.stdout)["nodes"]}


@pytest.mark.slow
def test_two_runs_with_one_seed_are_identical(tmp_path):
    first, second = Clone(tmp_path / "first"), Clone(tmp_path / "second")

    for clone, more in ((first, "--workers 1"), (second, "--workers 2")):
        done = clone.shell(f"python main.py run {SMALL} {more}")
        assert done.returncode == 0, done.stderr

    assert len(files_of(first)) > 10
    assert files_of(first) == files_of(second)
    assert metrics_of(first) == metrics_of(second)


@pytest.mark.slow
def test_another_seed_gives_other_customers(tmp_path):
    first, second = Clone(tmp_path / "first"), Clone(tmp_path / "second")

    for clone, seed in ((first, 1), (second, 2)):
        done = clone.shell(
            f"python main.py exec generate_sample_data --inputs '"
            f'{{"num_customers": 500, "seed": {seed}}}\''
        )
        assert done.returncode == 0, done.stderr

    assert files_of(first) != files_of(second)
