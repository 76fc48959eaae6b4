"""``history``, ``show``, ``diff`` and ``why`` say of an account's journal what they say of a file.

A project runs here, and its records are written into an account's tables; then each command's
rendering is asked about both journals.
"""

import sys

import pytest

from sf_ml_framework.cli import differences, history, why
from sf_ml_framework.cli.comparison import compare
from sf_ml_framework.cli.shapes import history_fields, run_document
from sf_ml_framework.cli.workspace import Workspace
from sf_ml_framework.places.snowflake.journal import SnowflakeJournal
from sf_ml_framework.run.journal import FILE, SqliteJournal
from sf_ml_framework.run.overrides import Overrides
from tests.integration.cli.shop import Shop
from tests.integration.snowflake.framework_tables import make_tables
from tests.unit.cli.streams import Stream, output_to


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A project that ran, ran again with one parameter changed, and failed."""
    made = Shop(tmp_path_factory.mktemp("account") / "shop")
    made.ok("run")
    made.ok("run", "--params", "cap=5")
    made.call("run", "--params", "count=0")
    return made


@pytest.fixture
def both(shop, make_account, database, monkeypatch):
    """A workspace for the file's journal, and one for the same records in an account."""
    account = make_account(database=database, schema="ML")
    make_tables(account, database)
    theirs = SnowflakeJournal(account, database, "ML")
    ours = SqliteJournal(shop.root / FILE)
    # Each node is recorded when it begins and when it ends, the runs in any order.
    for run in ours.runs():
        theirs.start_run(run)
        for node_run in ours.node_runs(run.run_id):
            theirs.record_node(node_run)
    ours.close()
    monkeypatch.syspath_prepend(str(shop.root))
    made = []
    for journal in (None, theirs):
        workspace = Workspace(shop.root)
        if journal:
            workspace.__dict__["journal"] = journal
        made.append(workspace)
    yield made
    for workspace in made:
        workspace.close()
    sys.modules.pop("shop", None)


def listed(workspace):
    journal = workspace.journal
    return [history_fields(run, journal.node_runs(run.run_id)) for run in journal.runs()]


def shown(workspace, run_id="last"):
    record = workspace.journal.run(run_id)
    stream = Stream()
    nodes = workspace.journal.node_runs(record.run_id)
    history._tell_run(workspace, record, nodes, output_to(stream)[0])
    return stream.getvalue(), run_document(record, nodes)


def compared(workspace):
    before, after = differences._named(workspace.journal, None, None)
    nodes = workspace.journal.node_runs
    found = compare(before, nodes(before.run_id), after, nodes(after.run_id), {})
    stream = Stream()
    differences._tell(before, after, found, output_to(stream)[0])
    return stream.getvalue()


def explained(workspace, node):
    answer = why.answer_for(workspace, node, Overrides())
    stream = Stream()
    why._tell(answer, output_to(stream)[0])
    return stream.getvalue(), why._document(answer)


def test_history_lists_the_same_runs(both):
    ours, theirs = map(listed, both)

    assert theirs == ours
    assert len(theirs) == 3
    assert [row["status"] for row in theirs] == ["failed", "succeeded", "succeeded"]


def test_show_tells_each_run_the_same(both):
    for row in listed(both[0]):
        ours, theirs = (shown(workspace, row["run"]) for workspace in both)

        assert theirs == ours


def test_diff_finds_the_same_between_the_last_two(both):
    ours, theirs = map(compared, both)

    assert theirs == ours
    assert "count" in theirs


def test_why_gives_the_same_reasons_from_either(both):
    names = [node.name for node in both[0].manifest.nodes]

    ours, theirs = ([explained(each, name) for name in names] for each in both)

    assert theirs == ours


def test_a_run_is_named_by_its_beginning_as_on_a_laptop(both):
    newest = both[0].journal.run("last")

    assert both[1].journal.run(newest.run_id[:-1]) == newest
