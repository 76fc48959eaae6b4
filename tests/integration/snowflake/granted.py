"""A project of every kind of node and dataset, deployed by three users who have one role each.

What an administrator makes once is made as ACCOUNTADMIN; everything else is done as the deploy
role, the run role or the read role, by users who have nothing else: no second role adds to them.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sf_ml_framework import settings as project_settings
from sf_ml_framework import targets
from sf_ml_framework.manifest.load import compiled
from sf_ml_framework.plan import access
from tests.integration.cli.shop import HOUSE
from tests.integration.snowflake import emulated

if TYPE_CHECKING:
    from sf_ml_framework.emulator import Emulator
    from sf_ml_framework.manifest.model import Manifest
    from sf_ml_framework.plan.objects import Grant
    from sf_ml_framework.targets import Target

PASSWORD = "Only-4-the-emulator"

NODES = '''
"""One node for each kind of what a node may ask of an account."""
from __future__ import annotations

import datetime
import os
from pathlib import Path

import ibis

from sf_ml_framework import Report


def orders(*, count: int = 8, day: str = "2026-01-01") -> dict:
    """Make the orders of a day, with a key that only the container has."""
    root = Path(os.environ.get("EMULATOR_CONTAINER_ROOT", "/"))
    file = root / "secrets" / "shop_key" / "secret_string"
    return {"prices": [float(n + 1) for n in range(count)], "key": file.exists()}


def prices(orders: dict) -> "pandas.DataFrame":
    """Tabulate them."""
    import pandas

    # prices breaks here
    return pandas.DataFrame({"order_id": range(len(orders["prices"])), "price": orders["prices"]})


def spend(orders: dict) -> "pandas.DataFrame":
    """What each customer spent."""
    import pandas

    count = len(orders["prices"])
    seen = pandas.array([datetime.datetime(2026, 1, 1)] * count, dtype="datetime64[us]")
    return pandas.DataFrame(
        {"customer_id": range(1, count + 1), "seen_at": seen, "spend": orders["prices"]}
    )


def doubled(spend: ibis.Table) -> ibis.Table:
    """Twice of it."""
    return spend.select("customer_id", "seen_at", twice=spend.spend * 2.0)


def fit(spend: "pandas.DataFrame"):
    """Fit a line."""
    from sklearn.linear_model import LinearRegression

    return LinearRegression().fit(spend[["spend"]], spend["spend"] * 2)


def fit_prices(prices: "pandas.DataFrame"):
    """Fit another, on a table that is no feature view."""
    from sklearn.linear_model import LinearRegression

    return LinearRegression().fit(prices[["order_id"]], prices["price"])


def judge(model, doubled: "pandas.DataFrame") -> Report:
    """Judge it."""
    return Report(title="Shop", metrics={"slope": float(model.coef_[0]), "rows": len(doubled)})


def far(orders: dict) -> dict:
    """What two machines make of it."""
    return {"machines": int(os.environ.get("SNOWFLAKE_JOBS_COUNT", "1"))}
'''

PIPELINE = """
from {package} import nodes
from sf_ml_framework import Column, DataCatalog, Dataset, NodeConfig, Project

KEYS = dict(entity="customer", join_keys=("customer_id",), timestamp_column="seen_at")
ROW = (Column(name="customer_id", type="integer"), Column(name="seen_at", type="timestamp_ntz"))
CATALOG = DataCatalog([
    Dataset(name="orders", kind="document"),
    Dataset(
        name="prices",
        columns=[Column(name="order_id", type="integer"), Column(name="price", type="float")],
    ),
    Dataset(name="spend", columns=[*ROW, Column(name="spend", type="float")], **KEYS),
    Dataset(
        name="doubled", columns=[*ROW, Column(name="twice", type="float")], refresh_freq="1 hour",
        **KEYS,
    ),
    Dataset(name="line", kind="model"),
    Dataset(name="verdict", kind="report"),
    Dataset(name="farther", kind="document"),
    Dataset(name="tariff", kind="model"),
])
NODES = [
    NodeConfig(
        name="take_orders", function=nodes.orders, outputs="orders", secrets=["shop_key"],
        external_access=["{way_out}"],
    ),
    NodeConfig(
        name="price_orders", function=nodes.prices, inputs={{"orders": "orders"}},
        outputs="prices", compute_pool_size="XSMALL",
    ),
    NodeConfig(
        name="sum_spend", function=nodes.spend, inputs={{"orders": "orders"}}, outputs="spend"
    ),
    NodeConfig(
        name="double_spend", function=nodes.doubled, inputs={{"spend": "spend"}},
        outputs="doubled",
    ),
    NodeConfig(
        name="fit_line", function=nodes.fit, inputs={{"spend": "spend"}}, outputs="line"
    ),
    NodeConfig(
        name="judge_line", function=nodes.judge,
        inputs={{"model": "line", "doubled": "doubled"}}, outputs="verdict",
    ),
    NodeConfig(
        name="go_far", function=nodes.far, inputs={{"orders": "orders"}}, outputs="farther",
        target_instances=2,
    ),
    NodeConfig(
        name="fit_prices", function=nodes.fit_prices, inputs={{"prices": "prices"}},
        outputs="tariff",
    ),
]
KEPT = [node for node in NODES if node.name in {nodes!r}]
MADE = [node.outputs for node in KEPT]
PROJECT = Project(
    name="bazaar",
    catalog=DataCatalog([each for each in CATALOG if each.name in MADE]),
    pipeline=KEPT,
)
"""

ALL = (
    "take_orders",
    "price_orders",
    "sum_spend",
    "double_spend",
    "fit_line",
    "judge_line",
    "go_far",
)
"""One node for each kind of dataset, and one on two machines."""

TARGETS = """project: {package}.pipeline:PROJECT
default_target: dev
targets:
  dev:
    database: {name}
    prefix: {name}
    pools: {{SMALL: {{max_nodes: 4}}, XSMALL: {{max_nodes: 2}}}}
    secrets: {{shop_key: {name}_VAULT.KEYS.SHOP_KEY}}
    alerts: {{credits_per_day: 100000, every_minutes: 11520}}
    notifications:
      email_integration: {name}_MAIL
      recipients: [ops@example.com]
      when: always
      error_integration: {name}_ERRORS
  other:
    extends: dev
    database: {name}_OTHER
    prefix: {name}_OTHER
    tasks: {{warehouse: {name}_TASKS_WH}}
    alerts: {{credits_per_day: 0}}
"""


@dataclass(frozen=True, slots=True)
class Told:
    """What a command ended with."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


class Bazaar:
    """The project in a folder and in the emulator, of names that no other test has.

    Args:
        root: an empty folder.
        emulator: where it is deployed.
        nodes: those that the project has.
    """

    def __init__(self, root: Path, emulator: Emulator, *, nodes: Sequence[str] = ALL) -> None:
        self.root = root / "bazaar"
        self.emulator = emulator
        self.name = f"B_{uuid.uuid4().hex[:8]}".upper()
        # Of a name that no other project in this process has.
        self.package = f"bazaar_{self.name.lower()}"
        package = self.root / self.package
        package.mkdir(parents=True)
        self.house = root / "house"
        shutil.copytree(
            HOUSE / "sf_ml_framework",
            self.house / "sf_ml_framework",
            ignore=shutil.ignore_patterns("__pycache__", "emulator"),
        )
        (package / "__init__.py").write_text("")
        (package / "nodes.py").write_text(NODES)
        (package / "pipeline.py").write_text(
            PIPELINE.format(
                package=self.package, way_out=f"{self.name.lower()}_out", nodes=tuple(nodes)
            )
        )
        (self.root / "mlops.yml").write_text(TARGETS.format(package=self.package, name=self.name))

    @property
    def manifest(self) -> Manifest:
        """The pipeline."""
        return compiled(self.root, f"{self.package}.pipeline:PROJECT")

    def target(self, name: str = "dev") -> Target:
        """An environment."""
        return targets.load(project_settings.load(self.root), name)

    def grants(self, target: str = "dev") -> tuple[Grant, ...]:
        """What the roles are to hold."""
        return access.grants(self.manifest, self.target(target))

    # The administrator.

    def sql(self, *statements: str) -> list[dict[str, Any]]:
        """Run statements as the administrator, and return the rows of the last."""
        from snowflake.connector import DictCursor, connect

        found: Any = []
        with connect(**self.emulator.connection) as connection:
            connection.cursor().execute("use role accountadmin")
            for statement in statements:
                found = connection.cursor(DictCursor).execute(statement).fetchall()
        return list(found)

    def prepare(self) -> None:
        """Make what the project names and no command of ours makes."""
        name = self.name
        self.sql(
            f"create database {name}_VAULT",
            f"create schema {name}_VAULT.KEYS",
            f"create secret {name}_VAULT.KEYS.SHOP_KEY type = generic_string secret_string = 'k'",
            f"create network rule {name}_VAULT.KEYS.SHOP_HOST mode = egress type = host_port"
            " value_list = ('shop.example.com:443')",
            f"create external access integration {name}_OUT"
            f" allowed_network_rules = ({name}_VAULT.KEYS.SHOP_HOST) enabled = true",
            f"create notification integration {name}_MAIL type = email enabled = true",
            f"create notification integration {name}_ERRORS enabled = true type = queue"
            " direction = outbound notification_provider = aws_sns"
            " aws_sns_topic_arn = 'arn:aws:sns:eu-west-1:1:t'"
            " aws_sns_role_arn = 'arn:aws:iam::1:role/r'",
            f"create warehouse {name}_TASKS_WH initially_suspended = true",
        )

    def found(self, target: str = "dev") -> None:
        """Make roles, grants and places, and the three users; put the image."""
        done = self.mlops("infra", "apply", "--yes", "--target", target, role="ACCOUNTADMIN")
        assert done.code == 0, done.err
        for role in self.roles(target):
            self.sql(
                f"create user {role}_USER password = '{PASSWORD}' default_role = {role}"
                " default_secondary_roles = () must_change_password = false",
                f"grant role {role} to user {role}_USER",
            )
        self.image("v1", target)

    def roles(self, target: str = "dev") -> tuple[str, str, str]:
        """The deploy role, the run role and the read role."""
        chosen = self.target(target)
        return chosen.deploy_role, chosen.role, chosen.read_role

    def image(self, tag: str, target: str = "dev") -> None:
        """Put the image of the code as it is."""
        database = self.target(target).database
        emulated.put_image(self.emulator, database, tag, self.root, self.house)

    # The three roles.

    def environment(self, role: str) -> dict[str, str]:
        """What leads to the emulator as the user of *role*; administrators are one user."""
        given = emulated.reached(self.emulator) | {"HOME": str(self.root.parent)}
        given["SNOWFLAKE_ROLE"] = role
        if role not in ("ACCOUNTADMIN", "SYSADMIN"):
            given |= {"SNOWFLAKE_USER": f"{role}_USER", "SNOWFLAKE_PASSWORD": PASSWORD}
        return given

    def mlops(self, *words: str, role: str, more: dict[str, str] | None = None) -> Told:
        """Call the program, in this process, as the user of *role*."""
        import io
        from contextlib import redirect_stderr, redirect_stdout

        from sf_ml_framework.cli.app import main

        out, err = io.StringIO(), io.StringIO()
        environment = {**self.environment(role), **(more or {})}
        with _place(self.root, environment), redirect_stdout(out), redirect_stderr(err):
            code = main(list(words))
        return Told(code, out.getvalue(), err.getvalue())

    def change(self, old: str, new: str) -> None:
        """Replace *old*, which must be there, in the code of the nodes."""
        file = self.root / self.package / "nodes.py"
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")

    def revoke(self, grant: Grant) -> None:
        """Take one grant away."""
        from sf_ml_framework.plan.definitions import removed

        self.sql(removed(grant))

    def give(self, grant: Grant) -> None:
        """Give it again."""
        from sf_ml_framework.plan.definitions import created

        self.sql(created(grant))


@contextmanager
def _place(root: Path, environ: dict[str, str]) -> Iterator[None]:
    here = Path.cwd()
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("SNOWFLAKE_")]:
            patch.delenv(name)
        for name, value in environ.items():
            patch.setenv(name, value)
        patch.syspath_prepend(str(root))
        os.chdir(root)
        try:
            yield
        finally:
            os.chdir(here)
