"""The contract of the Journal port, for the file on a laptop and for the tables in an account."""

import threading

import pytest

from sf_ml_framework.errors import FrameworkError, OperatorError, UnknownNameError
from sf_ml_framework.places.snowflake.journal import SnowflakeJournal
from sf_ml_framework.run.journal import SqliteJournal
from sf_ml_framework.run.records import NodeKey, NodeRun, Reason, RunRecord, Saved
from tests.integration.snowflake.framework_tables import make_tables

KEY = NodeKey(scheme=1, code={"nodes:a": "11"}, params={"k": [1, None]})
SAVED = Saved(dataset="raw", version="v1", content="ab", bytes=10, rows=5, location="DB.ML.RAW")
FIRST = "20260101-000000-aaaa"
BEGAN = "2026-01-01T00:00:00.000000+00:00"


def moment(second):
    return f"2026-01-01T00:00:{second:02}.000000+00:00"


def a_run(run_id=FIRST, status="succeeded", started=BEGAN, **rest):
    return RunRecord(run_id=run_id, project="churn", status=status, started=started, **rest)


def a_node(node="a", run_id=FIRST, status="succeeded", second=1, **rest):
    rest.setdefault("reason", Reason(kind="first_run"))
    return NodeRun(run_id=run_id, node=node, status=status, started=moment(second), **rest)


@pytest.fixture
def account(make_account, database):
    opened = make_account(database=database, schema="ML")
    make_tables(opened, database)
    return opened


@pytest.fixture(params=["laptop", "account"])
def journal(request, tmp_path):
    if request.param == "laptop":
        opened = SqliteJournal(tmp_path / "journal.db")
    else:
        database = request.getfixturevalue("database")
        opened = SnowflakeJournal(request.getfixturevalue("account"), database, "ML")
    yield opened
    opened.close()


@pytest.fixture
def theirs(account, database):
    """The journal of an account alone, for what a file has not."""
    return SnowflakeJournal(account, database, "ML")


# The port.


def test_a_run_is_found_as_it_was_recorded(journal):
    run = a_run(overrides={"inputs": {"é'\\": [1, 2.5, None]}}, selection=("a",), git_dirty=True)

    journal.start_run(run)

    assert journal.run(run.run_id) == run
    assert list(journal.runs()) == [run]


def test_the_final_record_replaces_the_first(journal):
    journal.start_run(a_run(status="running"))
    final = a_run(seconds=3.5, libraries={"pandas": "2.3"})

    journal.finish_run(final)

    assert list(journal.runs()) == [final]


def test_a_later_record_of_a_node_replaces_the_earlier_and_keeps_its_turn(journal):
    journal.record_node(a_node("b", status="running", second=1))
    journal.record_node(a_node("a", second=2))
    last = a_node("b", second=3, attempt=2, outputs=(SAVED,), key=KEY, metrics={"auc": 0.9})

    journal.record_node(last)

    assert list(journal.node_runs(FIRST)) == [last, a_node("a", second=2)]


def test_a_node_that_never_began_comes_last(journal):
    journal.record_node(a_node("b", second=1))
    journal.record_node(NodeRun(
        run_id=FIRST, node="a", status="cancelled", reason=Reason(kind="not_started")
    ))  # fmt: skip

    assert [each.node for each in journal.node_runs(FIRST)] == ["b", "a"]


def test_everything_of_a_node_s_record_survives(journal):
    node = a_node(
        key=KEY, seconds=1.5, inputs=(SAVED,), outputs=(SAVED, SAVED), params={"x": {"y": None}},
        metrics={"auc": 1.0, "why": "it's"}, peak_memory_bytes=2**40, error="a 'fault'\nof two",
        trace="line\n" * 2000, log_tail=("\x1b[1mbold", "ü"), exit_code=4, return_value=[1, "a"],
    )  # fmt: skip

    journal.record_node(node)

    assert list(journal.node_runs(FIRST)) == [node]


def test_runs_are_listed_newest_first_by_status_and_up_to_a_limit(journal):
    for second, status in ((1, "succeeded"), (3, "failed"), (2, "succeeded")):
        journal.start_run(a_run(f"2026010{second}", status, moment(second)))

    assert [run.run_id for run in journal.runs()] == ["20260103", "20260102", "20260101"]
    assert [run.run_id for run in journal.runs(status="succeeded", limit=1)] == ["20260102"]
    assert list(journal.runs(limit=0)) == []
    assert len(journal.runs(limit=-1)) == 3


def test_a_run_is_found_by_how_its_id_begins_or_as_the_last(journal):
    first, second = a_run(), a_run("20260102-000000-aaaa", started=moment(9))
    journal.start_run(first)
    journal.start_run(second)

    assert journal.run("20260101") == first
    assert journal.run("last") == second


def test_a_whole_id_is_not_taken_for_the_beginning_of_another(journal):
    journal.start_run(a_run("12"))
    journal.start_run(a_run("123"))

    assert journal.run("12").run_id == "12"


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("2026", "known: 20260101-000000-aaaa, 20260102-000000-aaaa"),
        ("20260101-000000-aaab", "did you mean '20260101-000000-aaaa'?"),
        ("", "known: "),
        ("%", "known: "),
        ("' or '1'='1", "known: "),
    ],
)
def test_a_run_that_cannot_be_told_is_refused(journal, text, remedy):
    journal.start_run(a_run())
    journal.start_run(a_run("20260102-000000-aaaa"))

    with pytest.raises(UnknownNameError) as caught:
        journal.run(text)

    assert remedy in caught.value.remedy


def test_the_last_of_no_runs_is_refused(journal):
    with pytest.raises(UnknownNameError, match="no run is named 'last'"):
        journal.run("last")


def test_the_newest_success_is_found_and_a_skip_is_none(journal):
    journal.record_node(a_node(run_id="1", key=KEY, second=1))
    journal.record_node(a_node(run_id="2", key=KEY, second=2))
    journal.record_node(a_node(run_id="3", key=KEY, second=3, status="skipped"))
    journal.record_node(a_node(run_id="4", key=KEY, second=4, status="failed"))

    assert journal.last_success("a").run_id == "2"
    assert journal.find_success("a", KEY.digest).run_id == "2"
    assert journal.find_success("a", "other") is None
    assert journal.last_success("b") is None


def test_what_happened_since_the_list_was_read_is_seen(journal):
    journal.start_run(a_run(status="running"))
    journal.start_run(a_run("2", started=moment(5)))
    for run in journal.runs():
        journal.node_runs(run.run_id)

    journal.record_node(a_node())

    assert len(journal.node_runs(FIRST)) == 1


# The tables.


def test_a_node_of_each_listed_run_is_read_with_one_question(theirs, account, database):
    for number in range(5):
        theirs.start_run(a_run(str(number), started=moment(number)))
        theirs.record_node(a_node(run_id=str(number)))
    asked = []
    rows = account.rows
    account.rows = lambda sql, binds=(): asked.append(sql) or rows(sql, binds)

    found = [len(theirs.node_runs(run.run_id)) for run in theirs.runs()]

    assert found == [1] * 5
    assert len(asked) == 2


def test_a_person_can_ask_with_sql(theirs, account, database):
    theirs.start_run(a_run(git_commit="abc", git_dirty=True))
    theirs.record_node(a_node(outputs=(SAVED, SAVED), seconds=1.5, key=KEY))

    nodes = account.rows(
        f"select node, status, reason, seconds, bytes, key from {database}.ML.MLOPS_NODE_RUNS"
    )
    runs = account.rows(f"select run_id, git_commit, git_dirty from {database}.ML.MLOPS_RUNS")

    assert [tuple(row.values()) for row in nodes] == [
        ("a", "succeeded", "first_run", 1.5, 20, KEY.digest)
    ]
    assert [tuple(row.values()) for row in runs] == [(FIRST, "abc", True)]


def test_how_the_finalizer_says_that_a_run_ended_is_how_it_ended(theirs, account, database):
    """It is SQL: it sets columns, and cannot write the record."""
    theirs.start_run(a_run(status="running"))
    theirs.record_node(a_node(status="running"))

    account.execute(f"update {database}.ML.MLOPS_RUNS set status = 'failed', seconds = 7")
    account.execute(
        f"update {database}.ML.MLOPS_NODE_RUNS set status = 'failed', error = 'container killed'"
    )

    run = theirs.run("last")
    node = theirs.node_runs(FIRST)[0]
    assert (run.status, run.seconds) == ("failed", 7.0)
    assert (node.status, node.error) == ("failed", "container killed")


def test_nothing_is_cancelled_as_dead(theirs):
    """Whether a container lives is told by the history of its task."""
    theirs.start_run(a_run(status="running"))

    assert theirs.cancel_dead() == ()
    assert theirs.run(FIRST).status == "running"


def test_containers_of_one_run_write_at_once(make_account, theirs, database):
    """Each has its own connection; nothing is lost, and nothing is there twice."""
    failures = []

    def container(account, node):
        try:
            mine = SnowflakeJournal(account, database, "ML")
            mine.start_run(a_run(status="running"))
            for attempt in range(1, 4):
                mine.record_node(a_node(node, status="running", attempt=attempt))
            mine.record_node(a_node(node, attempt=3))
        except FrameworkError as error:
            failures.append(error)

    accounts = [make_account(database=database, schema="ML") for _ in range(4)]
    for account in accounts:
        account.rows("select 1")
    threads = [
        threading.Thread(target=container, args=(account, f"n{place}"))
        for place, account in enumerate(accounts)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert failures == []
    assert [run.run_id for run in theirs.runs()] == [FIRST]
    assert [(each.node, each.status) for each in theirs.node_runs(FIRST)] == [
        (f"n{place}", "succeeded") for place in range(4)
    ]


def test_a_row_that_stands_twice_is_read_once(theirs, account, database):
    """Snowflake enforces no key."""
    theirs.start_run(a_run())
    theirs.record_node(a_node())
    for table in ("MLOPS_RUNS", "MLOPS_NODE_RUNS"):
        name = f"{database}.ML.{table}"
        account.execute(f"insert into {name} select * from {name}")

    assert len(theirs.runs()) == 1
    assert len(theirs.node_runs(FIRST)) == 1
    assert theirs.run("2026").run_id == FIRST


def test_a_damaged_record_is_told_with_its_table(theirs, account, database):
    theirs.record_node(a_node())
    account.execute(f"update {database}.ML.MLOPS_NODE_RUNS set record = '{{'")

    with pytest.raises(OperatorError, match="MLOPS_NODE_RUNS") as caught:
        theirs.last_success("a")

    assert "damaged row" in caught.value.remedy


def test_names_and_values_of_people_are_never_run_as_sql(theirs):
    evil = "'; drop table MLOPS_RUNS; --"
    theirs.start_run(a_run(command=evil))
    theirs.record_node(a_node(node=evil, error=evil))

    assert theirs.run("last").command == evil
    assert theirs.find_success(evil, "") == a_node(node=evil, error=evil)


def test_how_long_nodes_took_is_told_of_their_last_successes(journal):
    journal.record_node(a_node("a", "r1", seconds=1.0))
    journal.record_node(a_node("a", "r2", second=2, seconds=3.0))
    journal.record_node(a_node("a", "r3", second=3, seconds=2.0))
    journal.record_node(a_node("a", "r4", status="failed", second=4, seconds=9.0))
    journal.record_node(a_node("b", "r4", status="skipped", second=5))

    found = journal.durations(2)

    assert {node: sorted(seconds) for node, seconds in found.items()} == {"a": [2.0, 3.0]}
