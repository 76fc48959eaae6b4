"""Schedules: intervals and cron expressions, and when they are due next.

Source: Snowflake, "CREATE TASK" (SCHEDULE): five fields, ``L``, names of months and days, a time
zone; an hour that the clock skips in spring is skipped, one that it repeats in autumn runs twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..faults import SnowflakeError

_INTERVAL = re.compile(r"(\d+)\s*(hours?|h|minutes?|m|seconds?|s)", re.IGNORECASE)
_SECONDS = {"h": 3600, "m": 60, "s": 1}
SHORTEST, LONGEST = 10, 8 * 86400
"""Limits of an interval in seconds; the upper one is what the documentation has had for minutes."""
_MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
_DAYS = "SUN MON TUE WED THU FRI SAT".split()
_HORIZON = timedelta(days=5 * 366)
"""Past this a cron expression such as 30 February never comes."""


def invalid_schedule(text: str) -> SnowflakeError:
    """Return the refusal of a schedule."""
    return SnowflakeError(f"Invalid schedule '{text}'.", number=91089, state="22023")


@dataclass(frozen=True, slots=True)
class Interval:
    """Every so many seconds, counted from when the task was resumed."""

    seconds: int

    def after(self, moment: datetime, base: datetime) -> datetime | None:
        """Return the first time after *moment*."""
        turns = int((moment - base).total_seconds() // self.seconds) + 1
        return base + timedelta(seconds=turns * self.seconds)


@dataclass(frozen=True, slots=True)
class Cron:
    """Five fields in a time zone."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    last_day: bool
    months: frozenset[int]
    weekdays: frozenset[int]
    last_weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool
    zone: str

    def after(self, moment: datetime, base: datetime) -> datetime | None:
        """Return the first time after *moment*, or None when there is none for years."""
        zone = ZoneInfo(self.zone)
        day = moment.astimezone(zone).date()
        end = day + _HORIZON
        while day <= end:
            if day.month in self.months and self._on(day.year, day.month, day.day):
                for hour in sorted(self.hours):
                    for minute in sorted(self.minutes):
                        found = _moments(datetime(day.year, day.month, day.day, hour, minute), zone)
                        for at in found:
                            if at > moment:
                                return at
            day += timedelta(days=1)
        return None

    def _on(self, year: int, month: int, day: int) -> bool:
        here = datetime(year, month, day)
        weekday = (here.weekday() + 1) % 7
        last = (here + timedelta(days=1)).month != month
        in_last_week = (here + timedelta(days=7)).month != month
        by_day = day in self.days or (self.last_day and last)
        by_weekday = weekday in self.weekdays or (weekday in self.last_weekdays and in_last_week)
        if self.any_day or self.any_weekday:
            return (self.any_day or by_day) and (self.any_weekday or by_weekday)
        return by_day or by_weekday


def _moments(local: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return when the clock on the wall shows *local*: never, once or twice."""
    found = []
    for fold in (0, 1):
        at = local.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        if at.astimezone(zone).replace(tzinfo=None) == local and at not in found:
            found.append(at)
    return sorted(found)


def parse(text: str) -> Interval | Cron:
    """Return the schedule that *text* describes.

    Raises:
        SnowflakeError: it is none.
    """
    words = text.split()
    if [word.upper() for word in words[:2]] == ["USING", "CRON"]:
        if len(words) != 8:
            raise invalid_schedule(text)
        return _cron(words[2:7], words[7], text)
    match = _INTERVAL.fullmatch(text.strip())
    if match is None:
        raise invalid_schedule(text)
    seconds = int(match[1]) * _SECONDS[match[2][0].lower()]
    if not SHORTEST <= seconds <= LONGEST:
        raise invalid_schedule(text)
    return Interval(seconds)


def _cron(fields: list[str], zone: str, text: str) -> Cron:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise invalid_schedule(text) from None
    try:
        days, last_day = _days(fields[2])
        weekdays, last_weekdays = _weekdays(fields[4])
        return Cron(
            minutes=_field(fields[0], 0, 59),
            hours=_field(fields[1], 0, 23),
            days=days,
            last_day=last_day,
            months=_field(fields[3], 1, 12, _MONTHS),
            weekdays=weekdays,
            last_weekdays=last_weekdays,
            any_day=fields[2] == "*",
            any_weekday=fields[4] == "*",
            zone=zone,
        )
    except ValueError:
        raise invalid_schedule(text) from None


def _days(field: str) -> tuple[frozenset[int], bool]:
    parts = field.upper().split(",")
    plain = [part for part in parts if part != "L"]
    return (_field(",".join(plain), 1, 31) if plain else frozenset()), "L" in parts


def _weekdays(field: str) -> tuple[frozenset[int], frozenset[int]]:
    parts = field.upper().split(",")
    plain = [part for part in parts if not part.endswith("L") or part == "L"]
    last = frozenset(
        _number(part[:-1], 0, 7, _DAYS, 0) % 7
        for part in parts
        if part.endswith("L") and part != "L"
    )
    # A bare L is the last day of the week, Saturday.
    plain = ["6" if part == "L" else part for part in plain]
    found = _field(",".join(plain), 0, 7, _DAYS, start=0) if plain else frozenset()
    return frozenset(number % 7 for number in found), last


def _field(
    field: str, low: int, high: int, names: list[str] | None = None, *, start: int = 1
) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if step and (not step.isdigit() or int(step) < 1):
            raise ValueError(field)
        if span == "*":
            first, last = low, high
        elif "-" in span:
            left, _, right = span.partition("-")
            first = _number(left, low, high, names, start)
            last = _number(right, low, high, names, start)
        else:
            first = _number(span, low, high, names, start)
            last = high if step else first
        if first > last:
            raise ValueError(field)
        found |= set(range(first, last + 1, int(step or 1)))
    return frozenset(found)


def _number(text: str, low: int, high: int, names: list[str] | None, start: int) -> int:
    if names and text.upper() in names:
        return names.index(text.upper()) + start
    if not text.isdigit() or not low <= int(text) <= high:
        raise ValueError(text)
    return int(text)
