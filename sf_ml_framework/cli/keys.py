"""``keys``: the two public keys of a user, and how the private one is changed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sf_ml_framework.cli.connection_options import connection_options, target_option
from sf_ml_framework.cli.groups import Group, Subcommand
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.options import format_option
from sf_ml_framework.cli.output import Column, Form, Output, is_terminal
from sf_ml_framework.errors import UsageError

if TYPE_CHECKING:
    from sf_ml_framework.connection import ConnectionSettings
    from sf_ml_framework.places.snowflake.user_keys import UserKeys

_F = TypeVar("_F", bound=Callable[..., Any])
_EXITS = (0, 2, 3, 4, 130)
PASSPHRASE = "PRIVATE_KEY_PASSPHRASE"  # noqa: S105 - a variable's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """One user's keys, and what this machine has of them."""

    keys: UserKeys
    user: str
    account: str
    file: Path | None
    """The private key that is in use; none where nothing names it."""
    passphrase: str
    own: bool
    """Whether the connection signs in with that key itself."""


def _key_options(function: _F) -> _F:
    """Add target, user, key file and connection; `--user` is the one whose keys it is about."""
    function = connection_options(function)
    found = getattr(function, "__click_params__", [])
    found[:] = [option for option in found if option.name != "user"]
    for decorate in (
        click.option(
            "--key-file",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            help="The user's private key; by default the one that the connection signs in with.",
        ),
        click.option(
            "--user",
            "user",
            metavar="USER",
            default="",
            help="Whose keys; by default the target's service_user, else who signs in.",
        ),
        target_option,
    ):
        function = decorate(function)
    return function


@click.group(cls=Group)
def keys() -> None:
    """List and change the keys that a user signs in with.

    A user has two public keys, so that a key is changed without a moment in which none works. Each
    command works as an administrator for any user, or as the user itself where the target says
    `service_user: {rotates_own_keys: true}`.

    Examples:
        mlops keys ls
        mlops keys rotate --dry-run
        mlops keys rotate --target prod --connection admin --key-file prod.p8
    """


@keys.command("ls", cls=Subcommand, exits=_EXITS)
@_key_options
@format_option
@click.pass_obj
def list_keys(
    invocation: Invocation, /, target: str, user: str, key_file: Path | None, form: Form
) -> None:
    """List both keys of a user: fingerprint, age, and which one the key file here belongs to.

    Examples:
        mlops keys ls
        mlops keys ls --user MLOPS_CI --key-file /secure/rsa_key.p8 --format json
    """
    from sf_ml_framework.connection import key_files

    with _opened(invocation, target, user, key_file) as opened:
        slots = opened.keys.slots()
    here = ""
    if opened.file is not None and opened.file.exists():
        here = key_files.read(opened.file, opened.passphrase).fingerprint
    rows = [
        {
            "user": opened.user,
            "slot": slot.name,
            "fingerprint": slot.fingerprint,
            "set_at": slot.set_at,
            "age_days": _age_days(slot.set_at),
            "file": str(opened.file) if here and slot.fingerprint == here else "",
        }
        for slot in slots
    ]
    columns = [
        Column("user"),
        Column("slot"),
        Column("fingerprint", show=lambda text: text or "none", gives_way=True),
        Column("age_days", right=True, title="days"),
        Column("file", gives_way=True),
    ]
    invocation.output.table(columns, rows, form)
    if here and here not in {slot.fingerprint for slot in slots}:
        invocation.output.complain(f"warning: the key {opened.file} is not registered")


@keys.command(cls=Subcommand, exits=_EXITS)
@_key_options
@click.option(
    "--bits", type=click.Choice(["2048", "3072", "4096"]), default="2048", show_default=True,
    help="Length of the new key.",
)  # fmt: skip
@click.option("--encrypt", is_flag=True, help="Encrypt the new key with PRIVATE_KEY_PASSPHRASE.")
@click.option("--keep-old", is_flag=True, help="Let the old key work until `mlops keys retire`.")
@click.option(
    "--replace-unused", is_flag=True, help="Where both slots are taken, free the one not in use."
)
@click.option("--dry-run", is_flag=True, help="Tell the steps, and take none.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def rotate(
    invocation: Invocation,
    /,
    *,
    target: str,
    user: str,
    key_file: Path | None,
    encrypt: bool,
    **asked: Any,
) -> None:
    """Give a user a new key in place of the one that is in use.

    The new key is made, registered in the free slot and proven by signing in; only then does its
    file take the old one's place, and only after that is the old key unset. The file keeps its
    name, so that connections need no change. Stopped anywhere, it goes on when it is called again.

    A key that other machines hold too, such as a CI, is given to them between --keep-old and
    `mlops keys retire`.

    Examples:
        mlops keys rotate --dry-run
        mlops keys rotate --yes
        mlops keys rotate --target prod --connection admin --key-file prod.p8 --keep-old
    """
    with _opened(invocation, target, user, key_file, encrypt=encrypt) as opened:
        _rotate(invocation, opened, **asked)


def _rotate(
    invocation: Invocation,
    opened: Opened,
    *,
    bits: str,
    keep_old: bool,
    replace_unused: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    from sf_ml_framework.cli.deployer import agreed
    from sf_ml_framework.deploy.key_rotation import Rotation

    output = invocation.output
    rotation = Rotation(
        opened.keys,
        user=opened.user,
        file=_needed(opened),
        passphrase=opened.passphrase,
        bits=int(bits),
        keep_old=keep_old,
        replace_unused=replace_unused,
        told=lambda step, words: output.talk(f"[{places[step]}/{len(steps)}] {words}"),
    )
    steps = rotation.ahead()
    places = {step: number for number, (step, _) in enumerate(steps, start=1)}
    for step, words in steps if dry_run or not yes else ():
        (output.text if dry_run else output.talk)(f"{places[step]}. {words}")
    if not steps:
        output.talk("the new key is in its place; mlops keys retire ends it")
    if dry_run or not steps:
        return
    if agreed(invocation, f"do this for {opened.user} in {opened.account}?", yes=yes):
        new = rotation.run()
        _tell_end(output, opened, new.fingerprint, keep_old=keep_old)


def _tell_end(output: Output, opened: Opened, fingerprint: str, *, keep_old: bool) -> None:
    output.text(f"{opened.user} signs in with {fingerprint}, {opened.file}")
    if keep_old:
        output.talk(
            "the old key still works; give the new one to whoever holds it, then: mlops keys retire"
        )
    elif not opened.own:
        output.talk("give the file to whatever signs in as this user: nothing else has it")
    if opened.passphrase and not os.environ.get(PASSPHRASE):
        output.talk(f"it is encrypted: whoever uses it needs {PASSPHRASE}")


@keys.command(cls=Subcommand, exits=_EXITS)
@_key_options
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def retire(
    invocation: Invocation, /, target: str, user: str, key_file: Path | None, *, yes: bool
) -> None:
    """Unset every key of a user but the one of the key file.

    Ends a rotation that was begun with --keep-old. Refused where the file's own key is not
    registered: it would lock the user out.

    Examples:
        mlops keys retire
        mlops keys retire --target prod --connection admin --key-file prod.p8
    """
    from sf_ml_framework.cli.deployer import agreed
    from sf_ml_framework.deploy.key_rotation import unused

    output = invocation.output
    with _opened(invocation, target, user, key_file) as opened:
        file = _needed(opened)
        found = unused(opened.keys, file, opened.passphrase)
        for slot in found:
            output.talk(f"{slot.name} {slot.fingerprint} then signs in nowhere")
        if found and not agreed(invocation, f"unset it for {opened.user}?", yes=yes):
            return
        for slot in found:
            opened.keys.unset(slot.name)
        file.with_name(f"{file.name}.old").unlink(missing_ok=True)
    names = " and ".join(slot.name for slot in found)
    output.text(f"unset {names} of {opened.user}" if found else f"{opened.user} has no other key")


@contextmanager
def _opened(
    invocation: Invocation,
    target: str,
    user: str,
    key_file: Path | None,
    *,
    encrypt: bool = False,
) -> Iterator[Opened]:
    """Open a user's keys; as an administrator, unless it is the user itself who signs in."""
    from sf_ml_framework import connection as connections
    from sf_ml_framework.cli.account import account_of, needed_connection
    from sf_ml_framework.cli.workspace import open_workspace
    from sf_ml_framework.places.snowflake.user_keys import UserKeys
    from sf_ml_framework.plan.script import ADMIN

    with open_workspace(invocation) as workspace:
        chosen = workspace.chosen(target)
        settings = needed_connection(workspace.root)
    whose = (user or chosen.service_user.name or settings.get("user")).upper()
    itself = whose == settings.get("user").upper()
    file = _file_of(settings, key_file, itself=itself)
    own = itself and bool(settings.get("private_key_file"))
    by_key = itself and connections.method_of(settings) == "key pair"
    role = settings.get("role") or chosen.deploy_role if by_key else ADMIN
    account = account_of(settings, chosen, role=role, query_tag=f"mlops:{chosen.name}")
    try:
        yield Opened(
            keys=UserKeys(account, whose),
            user=whose,
            account=settings.account,
            file=file,
            passphrase=_passphrase(settings, file, itself=itself, encrypt=encrypt),
            own=own,
        )
    finally:
        account.close()


def _file_of(settings: ConnectionSettings, given: Path | None, *, itself: bool) -> Path | None:
    if given is not None:
        return given.expanduser().resolve()
    named = settings.get("private_key_file") if itself else ""
    # What a link leads to is replaced, and the link stays.
    return Path(named).expanduser().resolve() if named else None


def _needed(opened: Opened) -> Path:
    if opened.file is None:
        raise UsageError(
            f"nothing says where the private key of {opened.user} is, or is to be",
            remedy="name the file with --key-file, outside of the project; it is made if it is not"
            " there",
        )
    return opened.file


def _passphrase(
    settings: ConnectionSettings, file: Path | None, *, itself: bool, encrypt: bool
) -> str:
    """Return the passphrase of a key's file; empty where none is needed.

    Raises:
        UsageError: one is needed, and nobody is there to be asked.
    """
    from sf_ml_framework.connection import key_files

    given = settings.value("private_key_file_pwd") if itself else None
    nexts = [file, file.with_name(f"{file.name}.next")] if file else []
    if not encrypt and not any(key_files.is_encrypted(each) for each in nexts):
        return ""
    if given is not None:
        return given.plain
    if from_environment := os.environ.get(PASSPHRASE):
        return from_environment
    if not is_terminal(sys.stdin):
        raise UsageError("the key is encrypted, and nothing gives its passphrase", remedy=(
            f"set {PASSPHRASE}"
        ))  # fmt: skip
    return str(click.prompt("passphrase", hide_input=True, confirmation_prompt=encrypt, err=True))


def _age_days(set_at: str) -> int | None:
    from datetime import UTC, datetime

    if not set_at:
        return None
    return max(0, (datetime.now(UTC) - datetime.fromisoformat(set_at).replace(tzinfo=UTC)).days)
