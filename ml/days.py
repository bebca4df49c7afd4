"""Days inside an expression: the club's local dates, and reckoning with them. Words for them are in wording.py."""

from datetime import datetime

import ibis
import ibis.expr.types as ir

from ml.night import Night


def tonight(night: Night) -> ir.DateValue:
    """The business date."""
    return ibis.date(night.business_date.isoformat())


@ibis.udf.scalar.builtin(name="timezone", signature=(("string", "timestamp"), "timestamp"))
def _in_zone(zone: str, instant: datetime) -> datetime:  # type: ignore[empty-body]
    """DuckDB's function, of either kind of timestamp: one without zone is said to be of the zone, one with a zone is put into it."""


def local_day(instant: ir.TimestampValue, night: Night) -> ir.DateValue:
    """The club's local date of an instant, UTC without zone, by the clock that it had then."""
    return _in_zone(night.timezone, _in_zone("UTC", instant)).date()


def days_after(day: ir.DateValue, days: ir.IntegerValue | int) -> ir.DateValue:
    """The date so many days later. (In DuckDB a date plus an interval is a timestamp, whatever Ibis says; hence the casts.)"""
    step = ibis.interval(days=days) if isinstance(days, int) else days.cast("int64").as_interval("D")
    return (day.cast("timestamp") + step).date()


def days_between(earlier: ir.DateValue, later: ir.DateValue) -> ir.IntegerValue:
    """Days from one date to another, negative when the second comes first."""
    return later.delta(earlier, unit="day")
