"""``doctor``: which value came from where, whether the account answers, and what a run needs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sf_ml_framework.cli.commands import Command
from sf_ml_framework.cli.connection_options import (
    all_connection_options,
    flags_of,
    mode_option,
    target_option,
)
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.options import format_option
from sf_ml_framework.cli.output import Column, Form, Style
from sf_ml_framework.errors import FrameworkError, SettingsError, to_install

if TYPE_CHECKING:
    from sf_ml_framework.cli.workspace import Workspace
    from sf_ml_framework.connection import ConnectionSettings
    from sf_ml_framework.places.snowflake.checkup import Check
    from sf_ml_framework.targets import Target

FAILED = 3
REACH_SECONDS = 5
"""How long it may take to reach the account's address at all."""


@click.command(cls=Command)
@target_option
@all_connection_options
@mode_option
@format_option
@click.pass_obj
def doctor(invocation: Invocation, /, target: str, mode: str | None, form: Form) -> None:
    """Check this machine, the connection and the account.

    Tells where each value of the connection came from, signs in, and looks for everything that
    the project needs in the account. Secrets are never shown, and nothing is changed.

    Examples:
        mlops doctor
        mlops doctor --target prod --connection ci
        mlops doctor --format json
    """
    examination = _Examination(target, mode or "")
    checks = list(examination.checks(invocation))
    _show(invocation, examination, checks, form)
    if any(check.state == "failed" for check in checks):
        raise click.exceptions.Exit(FAILED)


class _Examination:
    """One call of the doctor; what it learns of the connection is shown beside the checks."""

    def __init__(self, target: str, mode: str) -> None:
        self._target = target
        self._asked_mode = mode
        self.mode = ""
        self.connection: ConnectionSettings | None = None
        self._usable = True

    def checks(self, invocation: Invocation) -> Iterator[Check]:
        """Yield what is found, from near to far; what depends on a failed check is left out."""
        from sf_ml_framework.cli.workspace import open_workspace

        yield _python()
        yield _framework()
        workspace: Workspace | None = None
        try:
            with open_workspace(invocation) as workspace:
                yield _ok("project", str(workspace.root))
                yield from self._of_connection(workspace.root)
                yield from self._of_account(workspace)
        except SettingsError as error:
            if workspace is not None:
                raise
            # A connection can be tried anywhere.
            yield _check("project", "warning", str(error), error.remedy)
            yield from self._of_connection(None)
            yield from self._of_account(None)

    def _of_connection(self, root: Path | None) -> Iterator[Check]:
        from sf_ml_framework import connection as connections
        from sf_ml_framework.cli.account import HOW_TO_CONNECT

        try:
            self.connection = connections.resolve(
                root, flags_of(), os.environ, needed=True, checked=False
            )
            self.mode = connections.mode(self.connection, os.environ, self._asked_mode, root)
        except FrameworkError as error:
            yield _failed("connection", error)
            return
        if self.connection is None:
            wanted = self.mode == "snowflake"
            says = "none is given" + (", and the mode is snowflake" if wanted else "")
            yield _ok("mode", f"{self.mode}: pipelines run {_WHERE[self.mode]}")
            yield _check("connection", "failed" if wanted else "skipped", says, HOW_TO_CONNECT)
            return
        yield _ok("mode", f"{self.mode}: pipelines run {_WHERE[self.mode]}{self._why()}")
        try:
            connections.check(self.connection)
        except FrameworkError as error:
            yield _failed("connection", error)
            self._usable = False
        else:
            method = connections.method_of(self.connection)
            name = f"{self.connection.name}: " if self.connection.name else ""
            yield _ok("connection", f"{name}{self.connection.account} by {method}")
        for warning in self.connection.warnings:
            says, _, remedy = warning.partition(": chmod")
            yield _check("connection", "warning", says, remedy and f"chmod{remedy}")

    def _why(self) -> str:
        told = self.connection is not None and not self.connection.given
        return "; the connection stands in a file of yours, and nothing here asks for it" * told

    def _of_account(self, workspace: Workspace | None) -> Iterator[Check]:
        connection = self.connection
        if connection is None or not self._usable:
            return
        missing = [check for check in _clients() if check.state == "failed"]
        yield from _clients()
        reached = _reached(connection)
        yield reached
        if missing or reached.state == "failed":
            return
        target: Target | None = None
        if workspace is not None:
            target = yield from self._chosen_target(workspace)
        yield from _of_target(connection, target, workspace)

    def _chosen_target(self, workspace: Workspace) -> Any:
        """Yield what is wrong with the target, and return it where there is one."""
        if not workspace.settings.targets and not self._target:
            yield _check(
                "target",
                "skipped",
                "mlops.yml has no targets: only the connection is checked",
                "docs/reference/targets.md tells how to write one",
            )
            return None
        try:
            target = workspace.chosen(self._target)
        except FrameworkError as error:
            yield _failed("target", error)
            return None
        yield _ok("target", f"{target.name}: {target.database}.{target.schema}")
        return target


def _of_target(
    connection: ConnectionSettings, target: Target | None, workspace: Workspace | None
) -> Iterator[Check]:
    from sf_ml_framework.cli.account import account_of
    from sf_ml_framework.places.snowflake.checkup import examine
    from sf_ml_framework.places.snowflake.session import Account

    sizes: set[Any] = set()
    grants: list[Any] = []
    project = ""
    if workspace is not None and target is not None:
        from sf_ml_framework.plan import access

        try:
            manifest = workspace.manifest_in(target)
            project = manifest.project
            sizes = {node.resources.pool_size for node in manifest.nodes}
            roles = {target.role, target.deploy_role}
            needed = access.needed(manifest, target)
            grants = [grant for grant in needed if grant.to in roles]
        except FrameworkError as error:
            yield _failed("pipeline", error)
    tag = "mlops:doctor"
    account = (
        account_of(connection, target, query_tag=tag)
        if target
        else Account(connection, query_tag=tag)
    )
    try:
        yield from examine(account, target, sizes, grants, project)
    except FrameworkError as error:
        # In the middle of it, such as a connection that breaks.
        yield _failed("account", error)
    finally:
        account.close()


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return _ok("python", version)
    return _check("python", "warning", f"{version} is not tested", "use Python 3.11, 3.12 or 3.13")


def _framework() -> Check:
    from sf_ml_framework import __version__

    return _ok("sf-ml-framework", __version__)


CLIENTS = {
    "snowflake-connector-python": ((4, 8), (5, 0)),
    "snowflake-snowpark-python": ((1, 56), (2, 0)),
    "snowflake-ml-python": ((2, 6), (3, 0)),
    "snowflake-core": ((1, 13), (1, 14)),
}
"""The clients and the versions that we work with, the last excluded; as in pyproject.toml."""


def _clients() -> Iterator[Check]:
    from importlib import metadata

    for name, (least, below) in CLIENTS.items():
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield _check(name, "failed", "is not installed", to_install("snowflake"))
            continue
        digits = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
        if least <= digits < below:
            yield _ok(name, version)
        else:
            wanted = f"{name}>={'.'.join(map(str, least))},<{'.'.join(map(str, below))}"
            yield _check(
                name, "failed", f"{version} is not one we work with", f"pip install '{wanted}'"
            )


def _reached(connection: ConnectionSettings) -> Check:
    """Try the account's address, so that a mistyped one is not told as a failed sign-in."""
    import socket

    if connection.get("proxy_host") or any(
        os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy")
    ):
        return _check("network", "skipped", "a proxy stands between", "")
    host, _, port = connection.address.partition(":")
    default = 80 if connection.get("protocol") == "http" else 443
    try:
        with socket.create_connection((host, int(port or default)), REACH_SECONDS):
            return _ok("network", f"{host}:{port or default} answers")
    except OSError as error:
        told = error.strerror or str(error)
        return _check(
            "network",
            "failed",
            f"{host}:{port or default} cannot be reached: {told}",
            "check account and host, the network, and whether a proxy is needed (HTTPS_PROXY)",
        )


def _show(
    invocation: Invocation, examination: _Examination, checks: list[Check], form: Form
) -> None:
    output = invocation.output
    values = list(_values(examination.connection))
    if form == "json":
        connection = examination.connection
        output.json(
            {
                "ok": all(check.state != "failed" for check in checks),
                "mode": examination.mode,
                "connection": connection
                and {"name": connection.name, "given": connection.given, "values": values},
                "checks": checks,
            }
        )
        return
    if form == "csv":
        output.table([Column(name) for name in _FIELDS], map(_row, checks), form)
        return
    if values:
        output.table(_VALUES, values, form)
        output.text("")
    style: dict[str, Style] = {"ok": "good", "failed": "bad", "warning": "strong"}
    width = max(len(check.name) for check in checks)
    for check in checks:
        state = output.styled(f"{check.state:<7}", style.get(check.state, "quiet"))
        output.text(f"{state}  {check.name:<{width}}  {check.says}")
        if check.state != "ok":
            for line in check.remedy.splitlines():
                output.text(f"{'':<{width + 11}}remedy: {line}")


def _values(connection: ConnectionSettings | None) -> Iterator[dict[str, Any]]:
    """Yield each value of the connection as it may be shown, and those that are not used."""
    if connection is None:
        return
    for used, values in ((True, connection.values), (False, connection.unused)):
        for value in values:
            yield {
                "key": value.key,
                "value": value.shown,
                "from": value.origin,
                "used": used,
            }


def _row(check: Check) -> dict[str, Any]:
    return {field: getattr(check, field) for field in _FIELDS}


def _check(name: str, state: Any, says: str, remedy: str = "") -> Check:
    from sf_ml_framework.places.snowflake.checkup import Check

    return Check(name=name, state=state, says=says, remedy=remedy)


def _ok(name: str, says: str) -> Check:
    return _check(name, "ok", says)


def _failed(name: str, error: FrameworkError) -> Check:
    return _check(name, "failed", str(error), error.remedy)


def _used(value: Any) -> str:
    return "" if value else "not used"


_WHERE = {"local": "on this machine", "snowflake": "in the account"}
_FIELDS = ("name", "state", "says", "remedy")
_VALUES = (
    Column("key", title="connection"),
    Column("value", gives_way=True),
    Column("from", gives_way=True),
    Column("used", _used, title=" "),
)
