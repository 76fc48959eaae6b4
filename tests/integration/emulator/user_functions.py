"""How a test writes a function of its own in SQL."""

from __future__ import annotations

import sys
import textwrap

RUNTIME = f"{sys.version_info.major}.{sys.version_info.minor}"


def python_function(
    name, arguments, returns, code, *, handler="main", more="", create="create function"
):
    """Return the statement that creates a function in Python."""
    return (
        f"{create} {name}({arguments}) returns {returns} language python "
        f"runtime_version = '{RUNTIME}' {more} handler = '{handler}' as $${textwrap.dedent(code)}$$"
    )
