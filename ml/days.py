"""Days inside an expression: the club's local dates, and reckoning with them. Words for them are in wording.py."""

from datetime import datetime, time

import ibis
import ibis.expr.types as ir

from ml.night import Night


def tonight(night: Night) -> ir.DateValue:
    """The business date."""
    return ibis.date(night.business_date.isoformat())


def local_day(instant: ir.TimestampValue, night: Night) -> ir.DateValue:
    """The club's local date of an instant, reckoned with tonight's distance from UTC: across a change of daylight saving
    the hour after midnight may count for the day before."""
    distance = night.as_of - datetime.combine(night.business_date, time())
    return (instant - ibis.interval(minutes=round(distance.total_seconds() / 60))).date()


def days_after(day: ir.DateValue, days: ir.IntegerValue | int) -> ir.DateValue:
    """The date so many days later. (In DuckDB a date plus an interval is a timestamp, whatever Ibis says; hence the casts.)"""
    step = ibis.interval(days=days) if isinstance(days, int) else days.cast("int64").as_interval("D")
    return (day.cast("timestamp") + step).date()


def days_between(earlier: ir.DateValue, later: ir.DateValue) -> ir.IntegerValue:
    """Days from one date to another, negative when the second comes first."""
    return later.delta(earlier, unit="day")
