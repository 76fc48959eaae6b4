"""No name and no value that a user gives becomes SQL: each door, through a real connection.

The law: whatever the text, an account gets the statements that it gets for a plain one, with other
constants in them. What the server recorded is compared, so it does not matter how a door quotes.
"""

from __future__ import annotations

import itertools
import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scaling_models import Scaling

from sf_ml_framework import connection
from sf_ml_framework.author.report import Report
from sf_ml_framework.deploy.graph_ports import Graph, TaskShown
from sf_ml_framework.deploy.records import Holder
from sf_ml_framework.emulator.lexer import tokenize
from sf_ml_framework.emulator.record import Record
from sf_ml_framework.errors import FrameworkError, SettingsError
from sf_ml_framework.manifest.model import ColumnSpec, DatasetSpec, NodeSpec, Resources
from sf_ml_framework.places.snowflake.deployments import SnowflakeHistory
from sf_ml_framework.places.snowflake.graph_control import SnowflakeGraph
from sf_ml_framework.places.snowflake.journal import SnowflakeJournal
from sf_ml_framework.places.snowflake.names import Names
from sf_ml_framework.places.snowflake.place import SnowflakePlace
from sf_ml_framework.places.snowflake.session import Account
from sf_ml_framework.places.snowflake.task_run import set_return_value
from sf_ml_framework.plan import definitions, jobs
from sf_ml_framework.plan.objects import Pool, Role, Task
from sf_ml_framework.run.records import NodeKey, NodeRun, Reason, RunRecord
from sf_ml_framework.settings import Settings
from sf_ml_framework.targets import Target, load
from tests.integration.snowflake.framework_tables import make_tables
from tests.unit.plan.projects import target

pytestmark = pytest.mark.filterwarnings("ignore")

PLAIN = "plain text"
BODY = "select 'what the task does'"
NASTY = (
    "'; drop table canary; --",
    "\\'; drop table canary; --",
    '"; drop table canary; --',
    "$$; drop table canary; $$",
    "x'); delete from canary; --",
    "*/ drop table canary /*",
    "a\nb; drop table canary",
    "? :1 %s %(a)s {0} {a} &canary $canary",
    "\\",
    "\\\\'",
    "\u02bc; drop table canary; \u2018\uff07",
    "a\0b",
    "x" * 300,
)
TEXTS = (
    st.sampled_from(NASTY)
    | st.text(alphabet="'\\;-$\n\"/*?:%{}&@. abX1", min_size=1, max_size=20)
    | st.text(min_size=1, max_size=30)
)


@dataclass
class World:
    """A schema with a table that nobody may touch, and what the server was asked."""

    account: Account
    database: str
    record: Record
    numbers: Any = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.names = Names(database=self.database, schema="ML")
        self.place = SnowflakePlace(self.account, self.names)
        self.journal = SnowflakeJournal(self.account, self.database, "ML")

    def name(self) -> str:
        """Return a name that nothing has yet."""
        return f"thing_{next(self.numbers)}"

    def shapes(self, door: Callable[[World, str], Any], text: str) -> set[str]:
        """Return the statements that *text* leads to, without their constants and names."""
        before = self.record.added
        try:
            door(self, text)
        except FrameworkError as error:
            # Refused, with words for a person.
            assert str(error)
        lines = self.record.since(before, "statement")
        # What the task runs meanwhile is its own.
        return {shape(line["sql"], text) for line in lines if line["sql"] != BODY}

    def canary(self) -> list[dict[str, Any]]:
        """Return the rows of the table that nobody may touch."""
        return self.account.rows("select a, b from canary order by a")


_RANDOM = re.compile("THING_|SNOWPARK_TEMP_")
"""Names of these tests, and of the library's temporary objects."""


def shape(sql: str, text: str) -> str:
    """Return *sql* with every constant, name of a test's and number left out.

    A *text* that is a legal name may stand in it as one.
    """
    names = {part.upper() for part in text.split(".")}
    kept: list[str] = []
    for token in tokenize(sql):
        word = token.text.upper()
        mine = token.kind == "WORD" and (_RANDOM.search(word) or word in names)
        kept.append(word if token.kind in ("WORD", "OP", "BIND") and not mine else "#")
    return re.sub(r"#(?: \. #)+", "#", " ".join(kept))


@pytest.fixture(scope="module")
def world(emulator, connection_flags):
    account = Account(connection.resolve(None, connection_flags, {}))
    database = f"T_{uuid.uuid4().hex[:12]}".upper()
    account.execute(f"create database {database}")
    account.execute(f"create schema {database}.ML")
    account.execute(f"use schema {database}.ML")
    make_tables(account, database)
    account.execute("create stage MLOPS_ARTIFACTS")
    account.execute("create table canary (a int, b varchar)")
    account.execute("insert into canary values (1, 'one'), (2, 'two')")
    account.execute(f"create task root config = '{{}}' as {BODY}")
    yield World(account, database, emulator.account.record)
    account.execute(f"drop database {database}")
    account.close()


# The doors: each brings a text into the account, and where it can be read again compares it.


def dataset_name(world: World, text: str) -> None:
    # A plain text is no name, so the shape is that of a refusal: nothing is asked.
    spec = DatasetSpec(name=text, kind="table")
    world.place.save(spec, "v1", pd.DataFrame({"a": [1]}))


def document_name(world: World, text: str) -> None:
    world.place.save(DatasetSpec(name=text, kind="document"), "v1", {"a": 1})


def version(world: World, text: str) -> None:
    world.place.save(DatasetSpec(name=world.name(), kind="document"), text, {"a": 1})


def asked_version(world: World, text: str) -> None:
    spec = DatasetSpec(name="missing", kind="table")
    assert world.place.find(spec, text) is None


def column_name(world: World, text: str) -> None:
    spec = DatasetSpec(name=world.name(), kind="table")
    world.place.save(spec, "v1", pd.DataFrame({text: [1]}))
    assert list(world.place.load(spec, "v1", frame="pandas").columns) == [text]


def descriptions(world: World, text: str) -> None:
    column = ColumnSpec(name="a", type="integer", description=text)
    spec = DatasetSpec(name=world.name(), kind="table", description=text, columns=(column,))
    world.place.save(spec, "v1", pd.DataFrame({"a": [1]}))


def allowed_values(world: World, text: str) -> None:
    column = ColumnSpec(name="a", type="string", allowed=(text, "other"))
    spec = DatasetSpec(name=world.name(), kind="table", columns=(column,))
    world.place.save(spec, "v1", pd.DataFrame({"a": [text]}))


def cells(world: World, text: str) -> None:
    spec = DatasetSpec(name=world.name(), kind="table")
    world.place.save(spec, "v1", pd.DataFrame({"a": [text]}))
    assert list(world.place.load(spec, "v1", frame="pandas")["a"]) == [text]


def document(world: World, text: str) -> None:
    spec = DatasetSpec(name=world.name(), kind="document")
    world.place.save(spec, "v1", {text: [text]})
    assert world.place.load(spec, "v1", frame="any") == {text: [text]}


def report(world: World, text: str) -> None:
    spec = DatasetSpec(name=world.name(), kind="report")
    here = world.place.for_node(run_id=world.name(), node="n", commit="c")
    here.save(spec, "v1", Report(title=text, metrics={text: text}, notes=[text]))


def record_of_run(world: World, text: str) -> None:
    run = RunRecord(
        run_id=world.name(), project=text, status="succeeded", started="s", command=text,
        overrides={"inputs": {text: text}}, settings={text: text}, git_commit=text,
    )  # fmt: skip
    world.journal.start_run(run)
    assert world.journal.run(run.run_id) == run


def record_of_node(world: World, text: str) -> None:
    node_run = NodeRun(
        run_id=world.name(), node=text, status="failed", reason=Reason(kind="forced", detail=text),
        key=NodeKey(scheme=1, params={text: text}), params={text: text}, metrics={text: text},
        error=text, error_kind="E", remedy=text, notes=(text,), trace=text, return_value=text,
    )  # fmt: skip
    world.journal.record_node(node_run)
    assert world.journal.node_runs(node_run.run_id) == [node_run]


def asked_of_journal(world: World, text: str) -> None:
    assert world.journal.runs(status=text) == []
    assert world.journal.last_success(text) is None
    assert world.journal.find_success(text, text) is None
    assert list(world.journal.node_runs(text)) == []
    world.journal.run(text)


def lock_of_deployment(world: World, text: str) -> None:
    history = SnowflakeHistory(world.account, world.database, "ML")
    history.take(Holder(deployment=text, user_name=text, client=text), 60)
    history.release(text)


def config_of_run(world: World, text: str) -> None:
    shown = TaskShown(name="ROOT", node="", started=False, after=(), image="")
    graph = Graph(database=world.database, schema="ML", root=shown, id="", nodes=(),
                  finalizer=None, schedule="", overlaps=False, suspended_reason="")  # fmt: skip
    control = SnowflakeGraph(world.account, world.database, "ML", "ROOT", {})
    control.execute(graph, json.dumps({"params": {text: text}}))


def definition_of_task(world: World, text: str) -> None:
    task = Task(
        name=f"{world.database}.ML.{world.name().upper()}", body="SELECT 1", comment=text,
        config=json.dumps({text: text}),
    )  # fmt: skip
    world.account.execute(definitions.created(task))
    unqualified = task.name.rpartition(".")[2]
    (row,) = world.account.rows(f"show tasks like '{unqualified}'")
    assert (row["comment"], json.loads(row["config"])) == (text, {text: text})


def name_of_task(world: World, text: str) -> None:
    world.account.execute(definitions.created(Task(name=text, body="SELECT 1")))


def name_of_pool(world: World, text: str) -> None:
    world.account.execute(definitions.created(Pool(name=text, family=text)))


def comment_of_role(world: World, text: str) -> None:
    role = Role(name=f"{world.name()}_{world.database}".upper(), comment=text)
    world.account.execute(definitions.created(role))
    world.account.execute(f"drop role {role.name}")


def node_and_values_of_a_job(world: World, text: str) -> None:
    node = NodeSpec(name=text, function="f:f", resources=Resources(), secrets=(text,))
    body = jobs.statement(node, target(database=world.database))
    world.account.execute(definitions.created(
        Task(name=f"{world.database}.ML.{world.name().upper()}", body=body)
    ))  # fmt: skip


def variable_of_a_job(world: World, text: str) -> None:
    node = NodeSpec(name="node", function="f:f", resources=Resources())
    body = jobs.statement(node, target(database=world.database, env={"VALUE": text}))
    task = Task(name=f"{world.database}.ML.{world.name().upper()}", body=body)
    world.account.execute(definitions.created(task))
    unqualified = task.name.rpartition(".")[2]
    (row,) = world.account.rows(f"show tasks like '{unqualified}'")
    assert row["definition"] == body


def tag_of_queries(world: World, text: str) -> None:
    account = Account(world.account.settings, query_tag=text)
    try:
        (row,) = account.rows("show parameters like 'QUERY_TAG' in session")
        assert row["value"] == text
    finally:
        account.close()


def return_value_of_a_task(world: World, text: str) -> None:
    set_return_value(world.account, text)


DOORS = (
    dataset_name, document_name, version, asked_version, column_name, descriptions,
    allowed_values, cells, document, report, record_of_run, record_of_node, asked_of_journal,
    lock_of_deployment, config_of_run, definition_of_task, name_of_task, name_of_pool,
    comment_of_role, node_and_values_of_a_job, variable_of_a_job, tag_of_queries,
    return_value_of_a_task,
)  # fmt: skip


@pytest.mark.parametrize("door", DOORS, ids=lambda each: each.__name__)
def test_whatever_the_text_the_statements_are_those_of_a_plain_one(world, door):
    canary = world.canary()
    # A name may hold no space; then the second is what is not refused.
    plain = world.shapes(door, PLAIN) | world.shapes(door, "plain")

    def check(text: str) -> None:
        found = world.shapes(door, text)

        assert found <= plain, found - plain
        assert world.canary() == canary

    for text in NASTY:
        check(text)
    settings(
        max_examples=6,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )(given(TEXTS)(check))()


def model(world: World, text: str) -> None:
    spec = DatasetSpec(name=world.name(), kind="model", description=text)
    here = world.place.for_node(run_id=world.name(), node=text, commit=text)
    here.save(spec, "v1.0.0", Scaling(0.5))


def feature_view(world: World, text: str) -> None:
    columns = (
        ColumnSpec(name="id", type="integer", nullable=False, description=text),
        ColumnSpec(name="a", type="string", description=text),
    )
    spec = DatasetSpec(
        name=world.name(), kind="table", entity=world.name(), join_keys=("id",), columns=columns,
        description=text,
    )  # fmt: skip
    world.place.save(spec, "v1.0.0", pd.DataFrame({"id": [1], "a": [text]}))


@pytest.mark.parametrize("door", [model, feature_view], ids=lambda each: each.__name__)
def test_so_it_is_where_snowflake_s_own_library_writes_the_statements(world, door):
    canary = world.canary()
    plain = world.shapes(door, PLAIN)

    for text in NASTY[:4]:
        found = world.shapes(door, text)

        assert found <= plain, found - plain
        assert world.canary() == canary


def test_the_law_would_notice(world):
    """A door that pastes text into SQL breaks it."""

    def careless(world: World, text: str) -> None:
        world.account.rows(f"select '{text}' as a")

    plain = world.shapes(careless, PLAIN)

    assert not world.shapes(careless, "x' || 'y") <= plain
    assert not world.shapes(careless, "'; drop table canary; --") <= plain


# ``test_tables.py`` has the two that no quotes make a name.
@pytest.mark.parametrize("text", [each for each in NASTY if each not in ("a\0b", "x" * 300)])
def test_what_must_be_quoted_as_a_name_of_a_column_comes_back_as_it_was(world, text):
    spec = DatasetSpec(name=world.name(), kind="table")
    frame = pd.DataFrame({text: [1, 2], "select": [3, 4], "Mixed Case": [5, 6]})

    world.place.save(spec, "v1", frame)

    loaded = world.place.load(spec, "v1", frame="pandas")
    pd.testing.assert_frame_equal(loaded, frame, check_dtype=False)


def test_every_field_of_a_target_is_checked_or_quoted():
    """Free text is in env, recipients and config alone; all other texts are names."""
    fields = msgspec.structs.fields(Target)
    names = [each.name for each in fields if each.type is str and each.name != "name"]
    assert len(names) > 8
    for field_, text in itertools.product(names, NASTY[:8]):
        targets = {"dev": {"database": "D", field_: text}}
        with pytest.raises(SettingsError):
            load(Settings(project="p:P", targets=targets), "dev")
