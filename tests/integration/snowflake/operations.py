"""Which operation needs which grant of `mlops grants`, and how a user does it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.integration.snowflake.granted import Bazaar, Told

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
