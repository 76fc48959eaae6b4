"""When a graph runs: how often in a month, and how long from one run to the next.

Source: Snowflake, "CREATE TASK" (SCHEDULE): intervals, and five fields of cron with a time zone;
where both a day of the month and a day of the week are given, either will do.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta

MONTH_DAYS = 30
"""Days of the month that an estimate is for."""
DAY = 86_400.0
_YEAR = (date(2026, 1, 1), 365)
"""Days that a cron expression is counted over: it may name a month, or the 31st."""

_INTERVAL = re.compile(r"(\d+) (HOUR|MINUTE|SECOND)S?", re.IGNORECASE)
_SECONDS = {"HOUR": 3600.0, "MINUTE": 60.0, "SECOND": 1.0}
_CRON = re.compile(r"USING CRON (\S+) (\S+) (\S+) (\S+) (\S+) \S+", re.IGNORECASE)
_MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
_WEEKDAYS = "SUN MON TUE WED THU FRI SAT".split()


def gaps(schedule: str, lasts: float, *, overlaps: bool = False) -> dict[float, float] | None:
    """Return the seconds from one run to the next, each with how often it comes in a month.

    Args:
        schedule: as a task has it; the clock's changes in spring and autumn are left out.
        lasts: seconds of one run.
        overlaps: whether a run begins though the one before goes on; else it is left out.

    Returns:
        None where nothing starts the graph, or what does is not understood.
    """
    if interval := _INTERVAL.fullmatch(schedule.strip()):
        return _every(int(interval[1]) * _SECONDS[interval[2].upper()], 0 if overlaps else lasts)
    if cron := _CRON.fullmatch(schedule.strip()):
        try:
            return _of_times(_times(*cron.groups()), 0 if overlaps else lasts)
        except (ValueError, IndexError):
            return None
    return None


def _every(seconds: float, lasts: float) -> dict[float, float] | None:
    if seconds <= 0:
        return None
    gap = seconds * max(1, -(-lasts // seconds))
    return {gap: MONTH_DAYS * DAY / gap}


def _of_times(times: Iterator[float], lasts: float) -> dict[float, float]:
    """Return the gaps between *times* of a year, as a month has them on average."""
    found: defaultdict[float, int] = defaultdict(int)
    first = last = None
    for time in times:
        if last is None:
            first = last = time
        elif time - last >= lasts:
            found[time - last] += 1
            last = time
    if first is not None and last is not None:
        found[first + _YEAR[1] * DAY - last] += 1
    share = MONTH_DAYS / _YEAR[1]
    return {gap: count * share for gap, count in found.items()}


def _times(minute: str, hour: str, day: str, month: str, weekday: str) -> Iterator[float]:
    """Yield the seconds since the year began at which the expression holds."""
    minutes = sorted(_numbers(minute, 0, 59))
    moments = [(h * 60 + m) * 60.0 for h in sorted(_numbers(hour, 0, 23)) for m in minutes]
    months = _numbers(month, 1, 12, _MONTHS)
    first, days = _YEAR
    for number in range(days):
        today = first + timedelta(days=number)
        if today.month in months and _is_day(today, day, weekday):
            yield from (number * DAY + moment for moment in moments)


def _is_day(today: date, day: str, weekday: str) -> bool:
    of_month = _day_of_month(today, day)
    of_week = _day_of_week(today, weekday)
    if day == "*":
        return of_week
    return of_month if weekday == "*" else of_month or of_week


def _day_of_month(today: date, field: str) -> bool:
    parts = field.upper().split(",")
    if "L" in parts and (today + timedelta(days=1)).day == 1:
        return True
    rest = ",".join(part for part in parts if part != "L")
    return bool(rest) and today.day in _numbers(rest, 1, 31)


def _day_of_week(today: date, field: str) -> bool:
    here = today.isoweekday() % 7
    is_last = (today + timedelta(days=7)).month != today.month
    for part in field.upper().split(","):
        last = part.endswith("L") and part != "L"
        days = _numbers(part[:-1] if last else part, 0, 7, _WEEKDAYS)
        if here in {number % 7 for number in days} and (is_last or not last):
            return True
    return False


def _numbers(field: str, least: int, most: int, names: list[str] | None = None) -> set[int]:
    """Return the numbers that a field stands for.

    Raises:
        ValueError: it stands for none.
    """
    found: set[int] = set()
    for part in field.upper().split(","):
        span, _, step = part.partition("/")
        if span in ("*", "?"):
            low, high = least, most
        else:
            first, _, last = span.partition("-")
            low = _number(first, least, names)
            high = _number(last, least, names) if last else (most if step else low)
        found |= set(range(low, high + 1, int(step or 1)))
    if not found <= set(range(least, most + 1)):
        raise ValueError(f"{field!r} is out of range")
    return found


def _number(text: str, least: int, names: list[str] | None) -> int:
    if names and text in names:
        return names.index(text) + (1 if least == 1 else 0)
    return int(text)
