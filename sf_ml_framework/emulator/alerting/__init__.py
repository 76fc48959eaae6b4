"""Alerts: a condition looked at on a schedule, an action taken when it holds."""

from __future__ import annotations
