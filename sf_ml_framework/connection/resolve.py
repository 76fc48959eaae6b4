"""Put a connection together: for each key the first place that says it.

The order: flags, ``SNOWFLAKE_CONNECTIONS_<NAME>_<KEY>``, ``SNOWFLAKE_<KEY>``, the project's
``.env``, ``connections.toml``, ``config.toml``. Source: Snowflake CLI, "Managing Snowflake
connections"; ``.env`` is ours.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from sf_ml_framework import settings
from sf_ml_framework.connection import files
from sf_ml_framework.connection.files import Files
from sf_ml_framework.connection.signin import check
from sf_ml_framework.connection.values import (
    ALIASES,
    CREDENTIALS,
    KEYS,
    SESSION_TOKEN,
    TWO_FORMS,
    ConnectionSettings,
    Level,
    Value,
    as_value,
)
from sf_ml_framework.errors import SettingsError, UnknownNameError, nearest

logger = logging.getLogger(__name__)

DEFAULT_NAME = "SNOWFLAKE_DEFAULT_CONNECTION_NAME"
PASSPHRASE = "PRIVATE_KEY_PASSPHRASE"  # noqa: S105 -- the name of a variable
INSIDE = "SNOWFLAKE_RUNNING_INSIDE_SPCS"
TOKEN_FILE = "SNOWFLAKE_TOKEN_FILE"  # noqa: S105 -- the name of a variable

_CONTROLS = {"connection", "temporary"}


def resolve(
    root: Path | None,
    flags: Mapping[str, str | None],
    environ: Mapping[str, str],
    *,
    needed: bool = False,
    checked: bool = True,
    session_token: Path = Path(SESSION_TOKEN),
) -> ConnectionSettings | None:
    """Return the connection that flags, environment, ``.env`` and files describe; none if none.

    Args:
        root: the project, whose ``.env`` is read; none reads no ``.env``.
        flags: of the command line, by key; ``temporary`` (any text) leaves the files out.
        environ: the environment; the files are where it says.
        needed: else a broken file of the home directory stops nobody who asked for no connection.
        checked: whether a connection that cannot work is refused; else ``check`` does it later.
        session_token: where the platform keeps a container's token.

    Raises:
        UnknownNameError: ``--connection`` names none.
        SettingsError: a file or value cannot be used, or nothing says how to sign in.
    """
    said = _gathered(root, flags, environ, session_token, needed=needed)
    kept, unused, kept_back = _settled(said.values, trusted=said.trusted)
    if not any(value.key == "account" for value in kept):
        _complete_or_absent(said.given, kept, container=said.container)
        return None
    connection = ConnectionSettings(
        values=kept,
        name=said.name if said.is_named else "",
        named_by=said.named_by,
        given=said.deliberate or _account_is_near(kept),
        in_container=said.container,
        unused=unused,
        warnings=(*said.files.warnings, *kept_back, *_ignored(said.name, said.files)),
    )
    if checked and (needed or connection.given):
        check(connection)
    return connection


class _Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is said of a connection, by whomever."""

    given: dict[str, str]
    """The flags."""
    container: bool
    files: Files
    name: str
    named_by: str
    asked: Level | None
    """Where the connection was named; none: it is the default."""
    values: list[Value]

    @property
    def deliberate(self) -> bool:
        """Whether this call asked for a connection, whatever its values."""
        return self.container or self.asked is not None

    @property
    def is_named(self) -> bool:
        """Whether its name is more than the default that no file has."""
        return self.name in self.files.sections or self.asked is not None

    @property
    def trusted(self) -> bool:
        """Whether it was named by whoever calls, and not by a file of the project."""
        return self.asked is not None and self.asked < Level.DOTENV


def _account_is_near(values: Iterable[Value]) -> bool:
    """Return whether flags, environment or ``.env`` name the account."""
    return any(value.level <= Level.DOTENV and value.key == "account" for value in values)


def _gathered(
    root: Path | None,
    flags: Mapping[str, str | None],
    environ: Mapping[str, str],
    session_token: Path,
    *,
    needed: bool,
) -> _Gathered:
    given = {_canonical(key): text for key, text in flags.items() if text}
    container = in_container(environ, session_token)
    env_file = root / ".env" if root is not None and not container else None
    dotenv = settings.dotenv(env_file) if env_file else {}
    # In a container the files of an image must not stand before what the platform gives.
    without_files = bool(given.get("temporary")) or (container and not given.get("connection"))
    deliberate = needed or bool(given) or any(map(_is_of_snowflake, (*environ, *dotenv)))
    found = Files(sections={}) if without_files else _read(environ, strict=deliberate)
    name, named_by, asked = _named(given, environ, dotenv, env_file, found)
    values = [
        *_of_flags(given),
        *_of_variables(name, environ, "environment", Level.NAMED_VARIABLE, Level.VARIABLE),
        *_of_variables(name, dotenv, str(env_file), Level.DOTENV, Level.DOTENV),
        *_of_section(name, found),
        *(_of_container(environ, session_token) if container else ()),
    ]
    _known_connection(name, named_by, found, values)
    return _Gathered(
        given=given,
        container=container,
        files=found,
        name=name,
        named_by=named_by,
        asked=asked,
        values=values,
    )


def in_container(environ: Mapping[str, str], session_token: Path = Path(SESSION_TOKEN)) -> bool:
    """Return whether this process runs in a container of the platform.

    Source: connector 4.8 (SNOWFLAKE_RUNNING_INSIDE_SPCS), snowflake-ml 2.6 (SNOWFLAKE_TOKEN_FILE).
    """
    if environ.get(INSIDE, "").lower() in ("1", "true", "yes", "on"):
        return True
    return bool(environ.get("SNOWFLAKE_HOST")) and session_token.is_file()


def _is_of_snowflake(variable: str) -> bool:
    return variable.startswith("SNOWFLAKE_") and variable != "SNOWFLAKE_HOME"


def _read(environ: Mapping[str, str], *, strict: bool) -> Files:
    try:
        return files.read(environ)
    except SettingsError as error:
        if strict:
            raise
        logger.info("no connection is looked for in the home directory: %s", error)
        return Files(sections={})


def _canonical(key: str) -> str:
    plain = key.lower().replace("-", "_")
    return ALIASES.get(plain, plain)


def _named(
    given: Mapping[str, str],
    environ: Mapping[str, str],
    dotenv: Mapping[str, str],
    env_file: Path | None,
    found: Files,
) -> tuple[str, str, Level | None]:
    """Return the connection's name, what named it, and how deliberately; no level: by default."""
    if given.get("connection"):
        return given["connection"], "--connection", Level.FLAG
    if given.get("temporary"):
        return "", "", None
    if environ.get(DEFAULT_NAME):
        return environ[DEFAULT_NAME], DEFAULT_NAME, Level.VARIABLE
    if dotenv.get(DEFAULT_NAME):
        return dotenv[DEFAULT_NAME], f"{DEFAULT_NAME} of {env_file}", Level.DOTENV
    if found.default_name:
        return found.default_name, found.default_origin, None
    return "default", "", None


def _of_flags(given: Mapping[str, str]) -> Iterator[Value]:
    for key, text in given.items():
        if key in KEYS:
            yield as_value(key, text, Level.FLAG, f"--{key.replace('_', '-')}")
        elif key not in _CONTROLS:
            raise SettingsError(f"a connection has no {key!r}", remedy=nearest(key, KEYS))


def _of_variables(
    name: str, variables: Mapping[str, str], origin: str, named: Level, plain: Level
) -> Iterator[Value]:
    """Yield what variables say: those of the connection first, a key's own spelling first."""
    spellings = [*((key, key) for key in sorted(KEYS)), *ALIASES.items()]
    prefix = f"SNOWFLAKE_CONNECTIONS_{name.upper()}_"
    for start, level in ((prefix, named), ("SNOWFLAKE_", plain)):
        if start == prefix and not name:
            continue
        for spelling, key in spellings:
            variable = f"{start}{spelling.upper()}"
            if variables.get(variable):
                yield as_value(key, variables[variable], level, f"{variable} of {_the(origin)}")
    if variables.get(PASSPHRASE):
        yield as_value(
            "private_key_file_pwd", variables[PASSPHRASE], plain, f"{PASSPHRASE} of {_the(origin)}"
        )


def _the(origin: str) -> str:
    return "the environment" if origin == "environment" else origin


def _of_section(name: str, found: Files) -> Iterator[Value]:
    section = found.sections.get(name)
    if section is None:
        return
    for key, text in section.content.items():
        if _canonical(key) in KEYS and isinstance(text, str | int | float | bool) and text != "":
            written = str(text).lower() if isinstance(text, bool) else text
            yield as_value(_canonical(key), written, section.level, section.origin)


def _of_container(environ: Mapping[str, str], session_token: Path) -> Iterator[Value]:
    """Yield the platform's own way to sign in; where it is read anew is in ``arguments``."""
    file = environ.get(TOKEN_FILE) or str(session_token)
    yield as_value("token_file_path", file, Level.CONTAINER, "the container")
    yield as_value("authenticator", "OAUTH", Level.CONTAINER, "the container")


def _known_connection(name: str, named_by: str, found: Files, values: Iterable[Value]) -> None:
    """Refuse a name that was asked for and that nothing describes."""
    described = any(value.level is Level.NAMED_VARIABLE for value in values)
    if not named_by or name in found.sections or described:
        return
    prefix = f"SNOWFLAKE_CONNECTIONS_{name.upper()}_"
    if any(value.level is Level.DOTENV and prefix in value.origin for value in values):
        return
    if found.sections or not found.origin:
        remedy = nearest(name, found.sections)
    else:
        remedy = f"describe it as [{name}] in {found.origin}, which has no connection yet"
    if named_by == "--connection":
        unknown = UnknownNameError(kind="connection", name=name, known=found.sections)
        unknown.remedy = remedy
        raise unknown
    raise SettingsError(
        f"{named_by} names the connection {name!r}, and there is none of that name", remedy=remedy
    )


def _settled(
    values: list[Value], *, trusted: bool
) -> tuple[tuple[Value, ...], tuple[Value, ...], tuple[str, ...]]:
    """Return the values that win, those that do not, and what is to be said about it.

    Of one credential in two forms only that of the higher place wins.
    The secrets of a file go to the file's own account only: a host or account that came from
    elsewhere, say from the ``.env`` of a project one has just cloned, does not get them unless the
    connection was named on the command line or in the environment (*trusted*).
    """
    ordered = sorted(values, key=lambda value: value.level)
    winners: dict[str, Value] = {}
    for value in ordered:
        winners.setdefault(value.key, value)
    warnings: list[str] = []
    in_file = {value.key: value for value in ordered if _from_file(value)}
    strayed = [key for key in ("account", "host") if _strays(winners.get(key), in_file.get(key))]
    if strayed and not trusted:
        for key in sorted(CREDENTIALS & winners.keys()):
            if _from_file(winners[key]):
                origin = winners.pop(key).origin
                other = " and ".join(winners[each].origin for each in strayed)
                warnings.append(f"{key} of {origin} is not sent to where {other} leads")
    for pair in TWO_FORMS:
        both = [winners[key] for key in pair if key in winners]
        highest = min((value.level for value in both), default=None)
        for value in both:
            if value.level != highest:
                del winners[value.key]
    kept = tuple(winners[key] for key in sorted(winners))
    chosen = {id(value) for value in kept}
    return kept, tuple(each for each in ordered if id(each) not in chosen), tuple(warnings)


def _from_file(value: Value) -> bool:
    return value.level in (Level.CONNECTIONS_FILE, Level.CONFIG_FILE)


def _strays(winner: Value | None, filed: Value | None) -> bool:
    """Return whether the address that won is not the one that the file has."""
    if winner is None or _from_file(winner):
        return False
    return filed is None or filed.plain.lower() != winner.plain.lower()


def _complete_or_absent(
    given: Mapping[str, str], kept: tuple[Value, ...], *, container: bool
) -> None:
    """Refuse what was asked for and names no account; say nothing where nothing was asked for."""
    asked = {"connection", "temporary", "user", "host", *CREDENTIALS} & given.keys()
    if asked or container:
        said = ", ".join(f"{value.key} ({value.origin})" for value in kept) or "nothing"
        raise SettingsError(
            f"a connection was asked for, and nothing names its account; known: {said}",
            remedy="give --account, or SNOWFLAKE_ACCOUNT in the environment or .env",
        )


def _ignored(name: str, found: Files) -> Iterator[str]:
    section = found.sections.get(name)
    for key in section.content if section else ():
        if _canonical(key) not in KEYS:
            yield f"{key} of {section.origin if section else ''} is not used"
