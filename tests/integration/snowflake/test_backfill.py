"""A queue of runs, one for each day: it goes on where it stopped, and begins nothing twice."""

from __future__ import annotations

import json
import signal

import pytest

from tests.integration.snowflake.deployed_chain import Chain
from tests.waiting import SECONDS, until

DAYS = ("--param", "day", "--from", "2026-01-01", "--to", "2026-01-03")
TELLS = ("2026-01-02: run ", "waiting until run ")
"""How a queue tells that it has the run of the second day, and that it waits for another."""


@pytest.fixture(scope="module")
def chain(emulator, tmp_path_factory):
    made = of_one_node(Chain(tmp_path_factory.mktemp("chain") / "project", emulator))
    made.deploy()
    return made


@pytest.fixture
def held(emulator, tmp_path):
    """A chain of its own, whose run of the second day waits for a file of the name ``go``."""
    made = of_one_node(Chain(tmp_path / "project", emulator))
    waits = (
        "    while day == '2026-01-02' and not os.path.exists('go'):\n        time.sleep(0.05)\n"
    )
    made.change("chain/nodes.py", "    # make breaks here\n", waits)
    made.deploy()
    yield made
    (made.root / "go").touch()


def of_one_node(chain: Chain) -> Chain:
    """Keep the first node alone, for what is tested is the queue; and make what it needs."""
    text = (chain.root / "chain/pipeline.py").read_text(encoding="utf-8")
    others = text[text.index('        NodeConfig(\n            name="price_orders"') :]
    chain.change("chain/pipeline.py", others, "    ],\n)\n")
    chain.found()
    return chain


def outcomes(done):
    return {row["value"]: row["outcome"] for row in done.json}


def runs_of(chain):
    """Return the day of each run that there was, in their order."""
    table = f"{chain.database}.ML.MLOPS_RUNS"
    found = chain.sql(f"select record from {table} order by started")
    return [json.loads(row[0])["overrides"]["params"]["day"] for row in found]


def test_a_queue_that_was_stopped_goes_on_with_what_was_not_done(held):
    """Ctrl-C while the second of three runs goes on: that one is taken over, not begun again."""
    line = ["backfill", *DAYS, "--format", "json"]
    with held.going(*line) as stopped:
        until(lambda: len(runs_of(held)) == 2)
        stopped.send_signal(signal.SIGINT)
        _, said = stopped.communicate(timeout=SECONDS)

    with held.going(*line) as again:
        told = next((line for line in again.stderr if line.startswith(TELLS)), "")
        before = runs_of(held)
        (held.root / "go").touch()
        found = json.loads(again.communicate(timeout=SECONDS)[0])
    once_more = held.ok(*line)

    assert stopped.returncode == 130
    assert "stopped: no further run begins" in said
    assert told.startswith("2026-01-02: run ")
    assert before == ["2026-01-01", "2026-01-02"]
    assert {row["value"]: row["outcome"] for row in found} == {
        "2026-01-01": "done before", "2026-01-02": "succeeded", "2026-01-03": "succeeded",
    }  # fmt: skip
    assert set(outcomes(once_more).values()) == {"done before"}
    assert runs_of(held) == ["2026-01-01", "2026-01-02", "2026-01-03"]


def test_more_at_once_than_the_graph_allows_are_refused_with_what_would_allow_them(chain):
    before = len(runs_of(chain))

    refused = chain.call("backfill", *DAYS, "--overlap", "2", "--again")

    assert refused.returncode == 3
    assert "lets no two runs overlap (OVERLAP_POLICY = NO_OVERLAP)" in refused.stderr
    assert "overlap_policy: ALLOW_CHILD_OVERLAP" in refused.stderr
    assert len(runs_of(chain)) == before


def test_after_a_failure_nothing_more_is_begun_and_the_same_line_goes_on(chain):
    line = ["backfill", "--param", "day", "--from", "2026-03-01", "--to", "2026-03-03"]
    mark = "    # make breaks here\n"
    broken = f"{mark}    1 / (day != '2026-03-02')\n"
    chain.change("chain/nodes.py", mark, broken)
    chain.deploy()
    failed = chain.call(*line, "--format", "json")
    chain.change("chain/nodes.py", broken, mark)
    chain.deploy()

    mended = chain.ok(*line, "--format", "json")

    assert failed.returncode == 1
    assert outcomes(failed) == {
        "2026-03-01": "succeeded", "2026-03-02": "failed", "2026-03-03": "not begun",
    }  # fmt: skip
    assert "go on:  python -m sf_ml_framework backfill --param day" in failed.stderr
    assert outcomes(mended) == {
        "2026-03-01": "done before", "2026-03-02": "succeeded", "2026-03-03": "succeeded",
    }  # fmt: skip


def test_runs_overlap_as_far_as_the_target_allows(emulator, tmp_path):
    settings = "overlap_policy: ALLOW_ALL_OVERLAP"
    chain = of_one_node(Chain(tmp_path / "project", emulator, settings=settings))
    chain.deploy()

    done = chain.ok(
        "backfill", *DAYS, "--overlap", "3", "--param", "slow=4", "--format", "json",
        "--outputs", '{"orders": "orders@v{}"}',
    )  # fmt: skip

    assert set(outcomes(done).values()) == {"succeeded"}
    table = f"table({chain.database}.information_schema.task_history(result_limit => 1000))"
    times = chain.sql(
        f"select query_start_time, completed_time from {table} where name = 'TASK_MAKE_ORDERS'"
        " and state = 'SUCCEEDED' and root_task_id is not null"
        f" and database_name = '{chain.database}' order by 1"
    )
    assert len(times) == 3
    assert times[1][0] < times[0][1]
    versions = f"select version from {chain.database}.ML.MLOPS_DATASETS order by version"
    assert [row[0] for row in chain.sql(versions)] == ["v2026-01-01", "v2026-01-02", "v2026-01-03"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--param", "dya"], "did you mean 'day'?"),
        (["--param", "day=x"], "none of the parameters would take each value"),
        (["--param", "day", "--step", "1y"], "write 6h, 1d or 2w"),
        (["--param", "day", "--step", "6h"], "the dates have no time"),
        (["--param", "day", "--from", "yesterday"], "write it as 2026-01-31"),
        (["--param", "day", "--from", "2026-05-01"], "is before --from"),
    ],
)
def test_a_line_that_cannot_be_is_refused_before_anything_runs(chain, words, said):
    line = ["backfill", "--from", "2026-01-01", "--to", "2026-01-02", *words]

    refused = chain.call(*line)

    assert refused.returncode == 2
    assert said in refused.stderr
