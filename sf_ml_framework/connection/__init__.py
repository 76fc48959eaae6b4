"""Where a connection to Snowflake comes from, value by value, and whether there is one at all.

Nothing here imports a client of Snowflake or opens anything but files of settings: ``resolve`` says
what is known and from where, ``arguments`` what to hand to the client. Secrets are wrapped, so that
no ``repr``, record or message can show them.
"""

from __future__ import annotations

from sf_ml_framework.connection.mode import MODE, Mode, decided, mode
from sf_ml_framework.connection.resolve import resolve
from sf_ml_framework.connection.signin import Method, arguments, check, method_of
from sf_ml_framework.connection.values import ConnectionSettings, Level, Secret, Value

__all__ = [
    "MODE",
    "ConnectionSettings",
    "Level",
    "Method",
    "Mode",
    "Secret",
    "Value",
    "arguments",
    "check",
    "decided",
    "method_of",
    "mode",
    "resolve",
]
