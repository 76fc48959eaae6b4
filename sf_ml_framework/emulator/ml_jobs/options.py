"""The two JSON arguments of SYSTEM$EXECUTE_ML_JOB; a key that is not known is refused.

Source: snowflake-ml 2.6, ``jobs/_utils/type_utils.py`` (SpecOptions, JobOptions) and
``jobs/job_definition.py`` (``to_sql``), which writes their names in upper case.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ..faults import SnowflakeError, invalid

_SPEC: dict[str, tuple[type, ...]] = {
    "STAGE_PATH": (str,),
    "ARGS": (list,),
    "ENV_VARS": (dict,),
    "ENABLE_METRICS": (bool,),
    "SPEC_OVERRIDES": (dict,),
    "RUNTIME": (str,),
    "ENABLE_STAGE_MOUNT_V2": (bool,),
    "ARTIFACT_REPOSITORIES": (list,),
}
_JOB: dict[str, tuple[type, ...]] = {
    "EXTERNAL_ACCESS_INTEGRATIONS": (list,),
    "QUERY_WAREHOUSE": (str,),
    "TARGET_INSTANCES": (int,),
    "MIN_INSTANCES": (int,),
    "ASYNC": (bool,),
    "GENERATE_SUFFIX": (bool,),
    "COMMENT": (str,),
}
_FUNCTION = "SYSTEM$EXECUTE_ML_JOB"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecOptions:
    """What runs: the payload's stage path, its arguments, its variables, its image."""

    stage_path: str
    args: tuple[str, ...]
    env: dict[str, str]
    metrics: bool
    overrides: dict[str, Any]
    runtime: str
    repositories: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOptions:
    """How it runs; a job starts once ``least`` of its ``target`` instances are there."""

    integrations: tuple[str, ...]
    warehouse: str | None
    target: int
    least: int
    asynchronous: bool
    suffix: bool
    comment: str


def spec_options(text: str) -> SpecOptions:
    """Return what the third argument says.

    Raises:
        SnowflakeError: it is no JSON object, or has a key or value that is not allowed.
    """
    found = _checked(text, _SPEC, "specification")
    path = str(found.get("STAGE_PATH", ""))
    if not path.startswith("@"):
        raise _bad(f"'STAGE_PATH' must be a stage path, found '{path}'")
    return SpecOptions(
        stage_path=path,
        args=tuple(_word(one, "ARGS") for one in found.get("ARGS", [])),
        env={key: _word(value, "ENV_VARS") for key, value in found.get("ENV_VARS", {}).items()},
        metrics=bool(found.get("ENABLE_METRICS", False)),
        overrides=found.get("SPEC_OVERRIDES", {}),
        runtime=str(found.get("RUNTIME", "")),
        repositories=_names(found, "ARTIFACT_REPOSITORIES"),
    )


def job_options(text: str) -> JobOptions:
    """Return what the fourth argument says.

    Raises:
        SnowflakeError: as of :func:`spec_options`, or the numbers of instances do not fit.
    """
    found = _checked(text, _JOB, "job")
    target = found.get("TARGET_INSTANCES", 1)
    least = found.get("MIN_INSTANCES", target)
    if target < 1:
        raise _bad(f"'TARGET_INSTANCES' must be at least 1, found {target}")
    if not 1 <= least <= target:
        raise _bad(f"'MIN_INSTANCES' must be from 1 to {target}, found {least}")
    return JobOptions(
        integrations=_names(found, "EXTERNAL_ACCESS_INTEGRATIONS"),
        warehouse=found.get("QUERY_WAREHOUSE"),
        target=target,
        least=least,
        asynchronous=bool(found.get("ASYNC", True)),
        suffix=bool(found.get("GENERATE_SUFFIX", True)),
        comment=str(found.get("COMMENT", "")),
    )


def _checked(text: str, allowed: dict[str, tuple[type, ...]], what: str) -> dict[str, Any]:
    """Return the options that were given; a null is as if it were not there."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise _bad(f"the {what} options are not valid JSON") from None
    if not isinstance(found, dict):
        raise _bad(f"the {what} options are no JSON object")
    for key, value in found.items():
        if key not in allowed:
            raise _bad(f"unknown {what} option '{key}'")
        # A truth value is an int to Python, not to JSON.
        wrong = not isinstance(value, allowed[key]) or (
            isinstance(value, bool) and bool not in allowed[key]
        )
        if value is not None and wrong:
            raise _bad(f"invalid value for {what} option '{key}'")
    return {key: value for key, value in found.items() if value is not None}


def _names(found: dict[str, Any], key: str) -> tuple[str, ...]:
    names = found.get(key, [])
    if not all(isinstance(name, str) and name for name in names):
        raise _bad(f"'{key}' takes names")
    return tuple(names)


def _word(value: Any, key: str) -> str:
    if isinstance(value, dict | list) or value is None:
        raise _bad(f"'{key}' takes strings and numbers")
    return str(value)


def _bad(message: str) -> SnowflakeError:
    return invalid(f"Invalid argument for {_FUNCTION}: {message}")


__all__ = ["JobOptions", "SpecOptions", "job_options", "spec_options"]
