"""These look into the emulator itself, or send it nonsense: no account runs them."""

from __future__ import annotations

import os

collect_ignore_glob = ["test_*.py"] if os.environ.get("MLOPS_TEST_CONNECTION") else []
