"""A run that failed is repaired: after a mended node by a new run, and else from where it stopped.

Each container is a real process; the program is called as a person would call it.
"""

from __future__ import annotations

import pytest

from tests.integration.snowflake.deployed_chain import NAMES, Chain


@pytest.fixture(scope="module")
def chain(emulator, tmp_path_factory):
    made = Chain(tmp_path_factory.mktemp("chain") / "project", emulator)
    made.found()
    return made


@pytest.mark.parametrize("node", NAMES)
def test_a_mended_node_is_deployed_and_retried_and_what_ran_before_it_is_not_run_again(chain, node):
    place = NAMES.index(node)
    chain.salt(f"{place + 1}.5")
    chain.breaks(node)
    chain.deploy()
    failed = chain.call("tasks", "run", "--wait", "--format", "json")

    chain.mend(node)
    chain.deploy()
    repaired = chain.ok("retry", "last", "--wait", "--format", "json")

    assert failed.returncode == 1
    assert f"ValueError: {node} is broken" in failed.stderr
    expected = ["succeeded"] * place + ["failed"]
    assert [chain.statuses(failed).get(name) for name in NAMES[: place + 1]] == expected
    assert list(chain.statuses(failed)) == list(NAMES[: place + 1])
    assert "a new run in the place of" in repaired.stderr
    assert [chain.statuses(repaired)[name] for name in NAMES] == (
        ["skipped"] * place + ["succeeded"] * (3 - place)
    )
    assert chain.ran(failed.json["run"], repaired.json["run"]) == dict.fromkeys(NAMES, 1)
    after_repair = chain.contents()
    clean = chain.ok("tasks", "run", "--force", "--wait", "--format", "json")
    assert set(chain.statuses(clean).values()) == {"succeeded"}
    assert chain.contents() == after_repair


def test_a_graph_and_an_image_that_are_as_they_were_are_retried_from_where_the_run_stopped(chain):
    """What broke lay outside the code: here a file that was not there."""
    chain.salt("7.25")
    file = chain.root / "weather.txt"
    mark = "    # table breaks here\n"
    chain.change("chain/nodes.py", mark, f"{mark}    open({str(file)!r}).close()\n")
    chain.deploy()
    failed = chain.call("tasks", "run", "--wait", "--format", "json", "--param", "count=4")
    file.write_text("fair", encoding="utf-8")

    repaired = chain.ok("retry", failed.json["run"][:12], "--wait", "--format", "json")

    assert failed.returncode == 1
    assert "RETRY LAST of run" in repaired.stderr
    assert repaired.json["run"] == failed.json["run"]
    assert repaired.json["status"] == "succeeded"
    assert [node["attempt"] for node in repaired.json["nodes"]] == [1, 2, 2]
    assert chain.rows("priced") == 4


def test_a_new_image_under_the_old_tag_is_not_retried_from_where_the_run_stopped(chain):
    """Nothing of the graph was modified, yet what the nodes before made may be of older code."""
    chain.salt("11.125")
    chain.breaks("judge_orders")
    chain.deploy()
    failed = chain.call("tasks", "run", "--wait", "--format", "json", "--param", "count=6")
    chain.mend("judge_orders")
    chain.change("chain/nodes.py", "price * factor for price", "price * factor + 1 for price")
    chain.deploy(new_tag=False)

    repaired = chain.ok("retry", "last", "--wait", "--format", "json")

    assert failed.returncode == 1
    assert "the image has changed since" in repaired.stderr
    assert repaired.json["run"] != failed.json["run"]
    assert list(chain.statuses(repaired).values()) == ["skipped", "succeeded", "succeeded"]
    assert chain.rows("priced") == 6


def test_a_run_that_succeeded_has_nothing_to_repair(chain):
    chain.deploy()
    done = chain.ok("tasks", "run", "--wait", "--format", "json")

    refused = chain.call("retry", done.json["run"])

    assert refused.returncode == 2
    assert "there is nothing to repair" in refused.stderr


def test_a_run_that_nobody_knows_is_answered_with_those_that_there_are(chain):
    refused = chain.call("retry", "no-such-run")

    assert refused.returncode == 2
    assert "no run of the last seven days is named 'no-such-run'" in refused.stderr
