"""Days inside an expression: the club's local dates, and reckoning with them. Words for them are in wording.py."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir

from ml.night import Night


def tonight(night: Night) -> ir.DateValue:
    """The business date."""
    return ibis.date(night.business_date.isoformat())


def local_day(instant: ir.TimestampValue, night: Night) -> ir.DateValue:
    """The club's local date of an instant, UTC without zone, by the clock that it had then. What is older than the changes of the clock
    that are looked up (`YEARS`) is reckoned by the oldest of them."""
    year = night.business_date.year
    oldest, *changes = clock_changes(night.timezone, year - YEARS, year + 1)
    local = [(instant >= ibis.literal(at), instant + _minutes(ahead)) for at, ahead in reversed(changes)]
    return (ibis.cases(*local, else_=instant + _minutes(oldest[1])) if local else instant + _minutes(oldest[1])).date()


YEARS = 5  # of changes of the clock: each is a part of every expression that tells a day


def _minutes(ahead: timedelta) -> ir.IntervalScalar:
    return ibis.interval(minutes=round(ahead.total_seconds() / 60))


@lru_cache
def clock_changes(timezone: str, first: int, last: int) -> tuple[tuple[datetime, timedelta], ...]:
    """(instant, UTC without zone; how far the clock is ahead of UTC from it on): the beginning of the year `first`, and every change of the
    clock from then to the end of `last`.

    >>> [f"{at:%Y-%m-%d %H:%M} {ahead}" for at, ahead in clock_changes("Europe/Oslo", 2024, 2024)]
    ['2024-01-01 00:00 1:00:00', '2024-03-31 01:00 2:00:00', '2024-10-27 01:00 1:00:00']
    """
    zone = ZoneInfo(timezone)

    def ahead(at: datetime) -> timedelta:
        return at.replace(tzinfo=UTC).astimezone(zone).utcoffset() or timedelta(0)

    at = datetime(first, 1, 1)
    found = [(at, ahead(at))]
    while at.year <= last:
        following = at + timedelta(days=1)
        if ahead(following) != ahead(at):
            minute = next(m for m in range(1, 1441) if ahead(at + timedelta(minutes=m)) != ahead(at))
            found.append((at + timedelta(minutes=minute), ahead(following)))
        at = following
    return tuple(found)


def days_after(day: ir.DateValue, days: ir.IntegerValue | int) -> ir.DateValue:
    """The date so many days later. (In DuckDB a date plus an interval is a timestamp, whatever Ibis says; hence the casts.)"""
    step = ibis.interval(days=days) if isinstance(days, int) else days.cast("int64").as_interval("D")
    return (day.cast("timestamp") + step).date()


def days_between(earlier: ir.DateValue, later: ir.DateValue) -> ir.IntegerValue:
    """Days from one date to another, negative when the second comes first."""
    return later.delta(earlier, unit="day")
