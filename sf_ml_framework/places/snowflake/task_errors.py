"""What to do about a node whose task failed without a word of the node itself.

Its container never started, or was ended from outside; then the task's error is all that is known,
in the platform's words.

Source: the exit codes are those of a shell (128 and the signal); the texts those of ``errors``, and
of USER_TASK_TIMEOUT_MS in "CREATE TASK".
"""

from __future__ import annotations

import re

from sf_ml_framework.places.snowflake import errors

_RULES = (
    (
        r"\bcode 137\b|OOMKilled",
        "the container was killed: most often it had too little memory; raise"
        " memory_request of its NodeConfig, or give it less data",
    ),
    (
        r"task timed out|USER_TASK_TIMEOUT_MS|\btimed? ?out\b",
        "raise timeout_minutes of its NodeConfig, or give it less data",
    ),
    (r"\bcode 143\b", "it was told to stop; run it again if nobody meant to"),
    (
        r"\bcode 12[67]\b",
        "the image has no program that can be started: build it from the project's Dockerfile",
    ),
    (
        r"compute pool '?\"?[\w$.]+'?\"? (?:does not exist|not found)",
        "make the pool with `mlops infra apply`, or grant the role USAGE on it",
    ),
    (r"\bcode \d+\b", "what it said is in its log: mlops tasks logs NODE"),
)


def remedy_of(error: str) -> str:
    """Return what to do about the *error* of a task; empty where nothing is known."""
    for pattern, remedy in _RULES:
        if re.search(pattern, error, re.IGNORECASE):
            return remedy
    return errors.translated(RuntimeError(error), sql="EXECUTE JOB SERVICE").remedy
