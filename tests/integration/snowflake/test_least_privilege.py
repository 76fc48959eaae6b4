"""With exactly the grants of `mlops grants` everything works; without any one something fails.

Whoever acts here is one of three users, who have one role each. The table says for each grant
which operation needs it: a grant that no operation needs has no place in ``plan/access.py``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

pytest.importorskip("snowflake.ml.feature_store")
pytest.importorskip("sklearn")

from sf_ml_framework.emulator import Emulator
from sf_ml_framework.plan.objects import Grant
from tests.integration.snowflake.granted import Bazaar, Told

pytestmark = pytest.mark.filterwarnings("ignore")

REFUSED = re.compile(
    r"may not (run|see|use|be read)|not authorized|[Ii]nsufficient privileges"
    r"|privilege must be granted"
    r"|not granted to this user|cannot be used"
)
"""What is told of a missing privilege, by us or by Snowflake."""

UNSEEN = "may not see"
"""Stands for what is not listed, though it is there: SHOW does not tell the one from the other."""


@dataclass(frozen=True, slots=True)
class Need:
    """One grant, and the operation that fails without it."""

    to: str
    privilege: str
    on: str
    name: str
    operation: str

    def __str__(self) -> str:
        """Name the test's case."""
        name = self.name.replace("{n}", "N") or "account"
        return f"{self.to}-{self.privilege}-{self.on}-{name}".replace(" ", "_")


def _needs(text: str) -> Iterator[Need]:
    for line in filter(None, map(str.strip, text.splitlines())):
        to, privileges, on, name, operation = (part.strip() for part in line.split("|"))
        for privilege in privileges.split(","):
            yield Need(to, privilege.strip(), on, name, operation)


NEEDS = tuple(
    _needs("""
    SYSADMIN | USAGE | ROLE | {n}_DEPLOY_ROLE | look_after
    deploy | USAGE | ROLE | {n}_ROLE | deploy
    deploy | CREATE COMPUTE POOL | ACCOUNT | | found_pool
    deploy | CREATE IMAGE REPOSITORY | SCHEMA | {n}.ML | found_repository
    deploy | USAGE | DATABASE ROLE | SNOWFLAKE.USAGE_VIEWER | deploy_view
    run | EXECUTE TASK, EXECUTE MANAGED TASK | ACCOUNT | | run_graph
    run | USAGE | DATABASE | {n} | exec_orders
    run | USAGE | WAREHOUSE | {n}_WH | exec_orders
    run | USAGE | SCHEMA | {n}.ML | exec_orders
    run | CREATE TASK | SCHEMA | {n}.ML | deploy_task
    run | CREATE SERVICE | SCHEMA | {n}.ML | exec_orders
    run | CREATE TABLE, CREATE STAGE | SCHEMA | {n}.ML | make_table
    run | CREATE VIEW, CREATE TAG, CREATE DATASET | SCHEMA | {n}.ML | make_features
    run | CREATE DYNAMIC TABLE | SCHEMA | {n}.ML | make_refreshed
    run | CREATE MODEL, CREATE FILE FORMAT | SCHEMA | {n}.ML | make_model
    run | USAGE | COMPUTE POOL | {n}_COMPUTE_POOL | exec_orders
    run | USAGE | COMPUTE POOL | {n}_COMPUTE_POOL_XSMALL | exec_prices
    run | READ | IMAGE REPOSITORY | {n}.ML.MLOPS_IMAGES | exec_orders
    run | READ, WRITE | STAGE | {n}.ML.MLOPS_ARTIFACTS | exec_orders
    run | SELECT, INSERT, UPDATE | TABLE | {n}.ML.MLOPS_RUNS | exec_orders
    run | SELECT, INSERT, UPDATE | TABLE | {n}.ML.MLOPS_NODE_RUNS | exec_orders
    run | SELECT, INSERT, UPDATE | TABLE | {n}.ML.MLOPS_DATASETS | exec_orders
    run | SELECT, INSERT, UPDATE | TABLE | {n}.ML.MLOPS_METRICS | make_report
    run | USAGE | DATABASE | {n}_VAULT | exec_orders
    run | USAGE | SCHEMA | {n}_VAULT.KEYS | exec_orders
    run | READ | SECRET | {n}_VAULT.KEYS.SHOP_KEY | exec_orders
    run | USAGE | INTEGRATION | {n}_OUT | exec_orders
    run | USAGE | INTEGRATION | {n}_MAIL | run_graph
    run | USAGE | INTEGRATION | {n}_ERRORS | deploy_errors
    run | CREATE ALERT | SCHEMA | {n}.ML | deploy_alert
    run | EXECUTE ALERT, EXECUTE MANAGED ALERT | ACCOUNT | | deploy_alert
    run | INSERT | TABLE | {n}.ML.MLOPS_ALERTS | run_graph
    run | SELECT | TABLE | {n}.ML.MLOPS_ALERTS | look_at_costs
    run | SELECT | VIEW | {n}.ML.MLOPS_POOL_HOURS | look_at_costs
    read | USAGE | DATABASE | {n} | history
    read | USAGE | WAREHOUSE | {n}_WH | history
    read | USAGE | SCHEMA | {n}.ML | history
    read | SELECT | FUTURE TABLES | {n}.ML | read_new_table
    read | SELECT | FUTURE VIEWS | {n}.ML | read_new_features
    read | SELECT | FUTURE DYNAMIC TABLES | {n}.ML | read_new_refreshed
    read | MONITOR | FUTURE TASKS | {n}.ML | plan_new_task
    read | MONITOR | FUTURE ALERTS | {n}.ML | plan_new_alert
    read | MONITOR | FUTURE SERVICES | {n}.ML | logs_of_new_job
    read | MONITOR | COMPUTE POOL | {n}_COMPUTE_POOL | plan
    read | MONITOR | COMPUTE POOL | {n}_COMPUTE_POOL_XSMALL | plan
    read | READ | IMAGE REPOSITORY | {n}.ML.MLOPS_IMAGES | images
    read | READ | STAGE | {n}.ML.MLOPS_ARTIFACTS | report
    read | SELECT | TABLE | {n}.ML.MLOPS_RUNS | history
    read | SELECT | TABLE | {n}.ML.MLOPS_NODE_RUNS | history
    read | SELECT | TABLE | {n}.ML.MLOPS_DATASETS | why
    read | SELECT | TABLE | {n}.ML.MLOPS_METRICS | metrics
    read | SELECT | TABLE | {n}.ML.MLOPS_DEPLOYMENTS | deployments
    """)
)

SHAPES = (
    ("take_orders",),
    ("take_orders", "price_orders"),
    ("take_orders", "sum_spend"),
    ("take_orders", "sum_spend", "double_spend"),
    ("take_orders", "price_orders", "fit_prices"),
)
"""Nodes of projects with fewer kinds of datasets."""

QUICK = {"deploy", "exec_orders", "history", "images", "look_after", "plan"}
"""Operations of which one grant each is tried in every run of the tests."""


class Operations:
    """What the three users do, each as a command or a statement of theirs.

    One returns how its command ended; what it needs to fail honestly, such as an object that is
    not there yet, is made by the administrator before.
    """

    def __init__(self, bazaar: Bazaar) -> None:
        self.bazaar = bazaar
        self.deploys, self.runs, self.reads = bazaar.roles()
        self.schema = f"{bazaar.name}.ML"
        self._number = 0
        self.tag = "v1"
        self.run = ""
        """The last run of the graph."""

    # Deploying.

    def deploy(self) -> Told:
        """Carry out what is planned, as a deployment does, which would ask for the grant first."""
        words = ("--tag", self.tag, "--format", "json")
        planned = self.bazaar.mlops("plan", *words, role=self.deploys)
        if planned.code:
            return planned
        statements = []
        for each in planned.json["statements"]:
            if each["part"] != "admin":
                statements += [f"use role {each['role']}", each["sql"]]
        return self._asked(self.deploys, *statements)

    def deploy_task(self) -> Told:
        self.bazaar.sql(f"drop task if exists {self.schema}.TASK_JUDGE_LINE")
        return self.deploy()

    def deploy_errors(self) -> Told:
        self.bazaar.sql(f"alter task {self.schema}.TASK_BAZAAR unset error_integration")
        return self.deploy()

    def deploy_view(self) -> Told:
        self.bazaar.sql(f"drop view if exists {self.schema}.MLOPS_POOL_HOURS")
        return self.deploy()

    def deploy_alert(self) -> Told:
        self.bazaar.sql(f"drop alert if exists {self.schema}.ALERT_BAZAAR_COST")
        return self.deploy()

    def look_at_costs(self) -> Told:
        """An alert looks, with its owner's rights."""
        name = "ALERT_BAZAAR_COST"
        self.bazaar.sql(f"execute alert {self.schema}.{name}")
        (last,) = self.bazaar.sql(
            f"select state, sql_error_message from table({self.bazaar.name}.information_schema"
            f".alert_history(alert_name => '{name}')) order by completed_time desc limit 1"
        )
        return Told(int(last["STATE"] != "CONDITION_FALSE"), "", str(last["SQL_ERROR_MESSAGE"]))

    def found_pool(self) -> Told:
        pool = f"{self.bazaar.name}_COMPUTE_POOL_XSMALL"
        if self.bazaar.sql(f"show compute pools like '{pool}'"):
            self.bazaar.sql(f"alter compute pool {pool} stop all", f"drop compute pool {pool}")
        return self._founded()

    def found_repository(self) -> Told:
        self.bazaar.sql(f"drop image repository if exists {self.schema}.MLOPS_IMAGES")
        done = self._founded()
        if done.code == 0:
            self.bazaar.image(self.tag)
        return done

    def _founded(self) -> Told:
        words = ("infra", "apply", "--part", "deploy", "--yes")
        return self.bazaar.mlops(*words, role=self.deploys)

    def look_after(self) -> Told:
        """An administrator of objects sets of one that the deploy role made what it is."""
        pool = f"{self.bazaar.name}_COMPUTE_POOL"
        return self._asked("SYSADMIN", f"alter compute pool {pool} set max_nodes = 4")

    # Running.

    def exec_orders(self) -> Told:
        return self._exec("take_orders")

    def exec_prices(self) -> Told:
        return self._exec("price_orders")

    def make_table(self) -> Told:
        return self._made("price_orders", "prices")

    def make_features(self) -> Told:
        return self._made("sum_spend", "spend")

    def make_refreshed(self) -> Told:
        return self._made("double_spend", "doubled")

    def make_model(self) -> Told:
        self.bazaar.sql(f"drop model if exists {self.schema}.LINE")
        return self._made("fit_line", "")

    def make_report(self) -> Told:
        return self._made("judge_line", "")

    def run_graph(self) -> Told:
        """Run the whole graph; it ends with a mail."""
        done = self.bazaar.mlops("tasks", "run", "--wait", role=self.deploys)
        self.run = done.out.partition("run ")[2].partition(":")[0]
        # That a run could not be told of makes it no failed one.
        return Told(done.code or int("_FINALIZE failed" in done.err), done.out, done.err)

    def _exec(self, node: str) -> Told:
        words = ("exec", node, "--target", "dev", "--tag", self.tag)
        return self.bazaar.mlops(*words, role=self.deploys)

    def _made(self, node: str, dataset: str) -> Told:
        """Run a node here, on the account's data, as the run role; of a version that is new."""
        self._number += 1
        outputs = {dataset: f"{dataset}@v2.0.0-{self._number}"} if dataset else {}
        words = ("--mode", "snowflake", "--force", "--outputs", json.dumps(outputs))
        return self.bazaar.mlops("run", "--nodes", node, *words, role=self.runs)

    # Reading.

    def history(self) -> Told:
        done = self.bazaar.mlops("history", "--format", "json", role=self.reads)
        if done.code or not done.json:
            return Told(3, done.out, done.err or UNSEEN)
        return self.bazaar.mlops("show", done.json[0]["run"], role=self.reads)

    def report(self) -> Told:
        return self.bazaar.mlops("report", self.run, role=self.reads)

    def why(self) -> Told:
        return self.bazaar.mlops("why", "price_orders", role=self.reads)

    def images(self) -> Told:
        return self.bazaar.mlops("image", "ls", role=self.reads)

    def deployments(self) -> Told:
        words = ("deployments", "--format", "json", "--role", self.reads)
        done = self.bazaar.mlops(*words, role=self.reads)
        if done.code or not done.json:
            return Told(3, done.out, done.err or UNSEEN)
        return done

    def plan(self) -> Told:
        """Plan what stands already: whatever is not seen would be made anew."""
        words = ("--tag", self.tag, "--detailed-exitcode", "--role", self.reads)
        done = self.bazaar.mlops("plan", *words, role=self.reads)
        anew = any(f"+ {kind}" in done.out for kind in ("compute pool", "task", "alert"))
        return Told(done.code, done.out, UNSEEN if anew else done.err)

    def metrics(self) -> Told:
        return self._asked(self.reads, f"select * from {self.schema}.MLOPS_METRICS")

    def read_new_table(self) -> Told:
        return self._read("price_orders", "prices")

    def read_new_features(self) -> Told:
        return self._read("sum_spend", "spend")

    def read_new_refreshed(self) -> Told:
        return self._read("double_spend", "doubled")

    def plan_new_task(self) -> Told:
        done = self.deploy_task()
        return done if done.code else self.plan()

    def plan_new_alert(self) -> Told:
        done = self.deploy_alert()
        return done if done.code else self.plan()

    def logs_of_new_job(self) -> Told:
        made = self.exec_orders()
        assert made.code == 0, made.err
        run = re.search(r"^run (\S+):", made.err, re.MULTILINE)
        assert run is not None, made.err
        words = ("tasks", "logs", "take_orders", "--run", run[1], "--role", self.reads)
        done = self.bazaar.mlops(*words, role=self.reads)
        return Told(done.code, done.out, done.err.replace("no run of one node", UNSEEN))

    def _read(self, node: str, dataset: str) -> Told:
        made = self._made(node, dataset)
        assert made.code == 0, made.err
        name = f'"{dataset.upper()}$v2.0.0-{self._number}"'
        return self._asked(self.reads, f"select * from {self.schema}.{name}")

    def _asked(self, role: str, *statements: str) -> Told:
        """Run statements by the official client."""
        from snowflake.connector import DatabaseError, connect

        given = self.bazaar.environment(role)
        keys = ("account", "user", "password", "host", "port", "protocol", "role")
        reached = {key: given[f"SNOWFLAKE_{key.upper()}"] for key in keys}
        where = {"warehouse": f"{self.bazaar.name}_WH", "database": self.bazaar.name}
        with connect(**reached, **where) as connection:
            connection.cursor().execute("use secondary roles none")
            try:
                for statement in statements:
                    connection.cursor().execute(statement).fetchall()
            except DatabaseError as error:
                return Told(3, "", str(error))
        return Told(0, "", "")


@pytest.fixture(scope="module")
def bazaar(tmp_path_factory: pytest.TempPathFactory, emulator: Emulator) -> Bazaar:
    """The project, founded by an administrator and deployed by the deploy role."""
    made = Bazaar(tmp_path_factory.mktemp("bazaar"), emulator)
    made.prepare()
    made.found()
    done = made.mlops("deploy", "--tag", "v1", "--yes", role=made.roles()[0])
    assert done.code == 0, done.err
    return made


@pytest.fixture(scope="module")
def operations(bazaar: Bazaar) -> Operations:
    """What the users do, after one node has run."""
    found = Operations(bazaar)
    done = found.exec_orders()
    assert done.code == 0, done.err
    return found


@pytest.fixture(scope="module")
def ran(operations: Operations) -> Operations:
    """What the users do, after the graph has run whole: every kind of dataset stands."""
    done = operations.run_graph()
    assert done.code == 0, done.err
    return operations


def grant_of(bazaar: Bazaar, need: Need) -> Grant:
    deploys, runs, reads = bazaar.roles()
    to = {"deploy": deploys, "run": runs, "read": reads}.get(need.to, need.to)
    name = need.name.format(n=bazaar.name)
    return Grant(privilege=need.privilege, on=need.on, name=name, to=to)


def keys(grants: Any) -> set[tuple[str, str, str, str]]:
    return {(grant.to, grant.privilege, grant.on, grant.name) for grant in grants}


def fails_without(operations: Operations, need: Need) -> None:
    """Take the grant away, see its operation refused, give it again and see it done."""
    bazaar, grant = operations.bazaar, grant_of(operations.bazaar, need)
    operate: Callable[[], Told] = getattr(operations, need.operation)
    bazaar.revoke(grant)
    try:
        refused = operate()
    finally:
        bazaar.give(grant)

    assert refused.code != 0, f"{need.operation} needs no {need}"
    assert REFUSED.search(refused.err + refused.out), refused.err
    done = operate()
    assert done.code == 0, done.err


def test_the_table_has_every_grant_of_the_project(bazaar):
    assert keys(grant_of(bazaar, need) for need in NEEDS) == keys(bazaar.grants())


def _sample() -> list[Need]:
    """One grant for each quick operation."""
    found: dict[str, Need] = {}
    for need in NEEDS:
        if need.operation in QUICK:
            found.setdefault(need.operation, need)
    return list(found.values())


@pytest.mark.parametrize("need", _sample(), ids=str)
def test_a_sample_of_grants_is_needed(operations, need):
    fails_without(operations, need)


@pytest.mark.deep
@pytest.mark.parametrize("need", NEEDS, ids=str)
def test_no_grant_can_be_spared(ran, need):
    fails_without(ran, need)


@pytest.mark.deep
@pytest.mark.parametrize("nodes", SHAPES, ids="-".join)
def test_a_part_of_the_project_needs_its_part_of_the_grants(nodes, tmp_path, emulator):
    """What is derived for one kind of dataset does not lean on what another kind brings."""
    bazaar = Bazaar(tmp_path, emulator, nodes=nodes)
    bazaar.prepare()
    bazaar.found()
    runs = bazaar.roles()[1]
    words = ("run", "--mode", "snowflake", "--force")
    creates = [
        grant
        for grant in bazaar.grants()
        if grant.to == runs and re.match(r"CREATE (?!TASK|SERVICE)", grant.privilege)
    ]

    for grant in creates:
        bazaar.revoke(grant)
        refused = bazaar.mlops(*words, role=runs)
        bazaar.give(grant)
        assert refused.code != 0, f"{nodes} need no {grant.privilege}"
        assert REFUSED.search(refused.err), refused.err

    done = bazaar.mlops(*words, role=runs)
    assert done.code == 0, done.err


@pytest.mark.deep
@pytest.mark.timeout(600)
def test_a_second_target_is_operated_from_deploy_to_destroy_by_three_users(bazaar):
    """Its tasks wait in a warehouse; beside the first target, and with nothing of that one's."""
    deploys, runs, reads = bazaar.roles("other")
    bazaar.found("other")

    def ok(*words: str, role: str = deploys, ends: int = 0) -> Told:
        done = bazaar.mlops(*words, "--target", "other", role=role)
        assert done.code == ends, (words, done.out, done.err)
        return done

    def looked_at() -> None:
        for words in (("history",), ("report",), ("why", "price_orders"), ("image", "ls")):
            ok(*words, role=reads)
        for words in (("tasks", "status"), ("deployments",), ("state", "pull")):
            ok(*words, "--role", reads, role=reads)

    ok("deploy", "--tag", "v1", "--yes")
    ok("tasks", "run", "--wait")
    looked_at()
    ok("plan", "--tag", "v1", "--detailed-exitcode")
    ok("plan", "--tag", "v1", "--detailed-exitcode", "--role", reads, role=reads)
    days = ("--from", "2026-02-01", "--to", "2026-02-02")
    ok("backfill", "--param", "day", *days)
    ok("run", "--nodes", "price_orders", "--mode", "snowflake", "--force", role=runs)
    broken = "    # prices breaks here\n", '    raise ValueError("broken")\n'
    bazaar.change(*broken)
    bazaar.image("v2", "other")
    ok("deploy", "--tag", "v2", "--yes")
    ok("tasks", "run", "--wait", "--force", ends=1)
    bazaar.change(*reversed(broken))
    bazaar.image("v3", "other")
    ok("deploy", "--tag", "v3", "--yes")
    ok("retry", "last", "--wait")
    ok("exec", "take_orders", "--tag", "v3")
    ok("rollback", "--yes")
    looked_at()
    found = bazaar.mlops("grants", "--check", "--target", "other", role="ACCOUNTADMIN")
    assert (found.code, found.err) == (0, ""), found.out
    ok("destroy", "--yes")
    assert not bazaar.sql(f"show tasks in schema {bazaar.name}_OTHER.ML")


@pytest.mark.deep
def test_a_warehouse_of_the_tasks_takes_the_place_of_serverless_ones(bazaar):
    """What differs between the two targets but for names is one grant each way."""
    name = bazaar.name

    def plain(target: str) -> set[tuple[str, ...]]:
        own = bazaar.target(target).prefix
        found = keys(bazaar.grants(target))
        return {tuple(re.sub(rf"\b{own}(?=[_.]|$)", "N", each) for each in key) for key in found}

    dev, other = plain("dev"), plain("other")

    assert ("N_ROLE", "EXECUTE MANAGED TASK", "ACCOUNT", "") in dev - other
    assert ("N_ROLE", "USAGE", "WAREHOUSE", f"{name}_TASKS_WH") in other - dev
