"""The club's own day of an instant, whatever clock it had then."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import ibis
import pytest
from ibis.backends.sql import SQLBackend

from ml.days import local_day
from ml.night import Night

OSLO = Night(date(2026, 3, 30), "Europe/Oslo")  # a day after the clock was put forward


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2026-02-10T22:30", "2026-02-10"),  # half past eleven in winter
        ("2026-02-10T23:00", "2026-02-11"),
        ("2025-07-02T21:59", "2025-07-02"),
        ("2025-07-02T22:30", "2025-07-03"),  # half past midnight in summer
        ("2025-10-25T22:00", "2025-10-26"),  # the day of 25 hours begins
        ("2025-10-26T22:59", "2025-10-26"),  # and ends an hour later
        ("2025-10-26T23:00", "2025-10-27"),
        ("2026-03-28T23:00", "2026-03-29"),  # the day of 23 hours
        ("2026-03-29T22:00", "2026-03-30"),
        ("2021-07-01T22:30", "2021-07-02"),
    ],
)
def test_a_day_is_told_by_the_clock_that_the_club_had_then(instant: str, day: str) -> None:
    told = local_day(ibis.literal(datetime.fromisoformat(instant)), OSLO)
    assert str(ibis.duckdb.connect().execute(told))[:10] == day


@pytest.mark.parametrize(
    ("zone", "instant", "day"),
    [
        ("America/New_York", "2026-03-08T04:59", "2026-03-07"),
        ("America/New_York", "2026-03-09T03:59", "2026-03-08"),
        ("Asia/Kolkata", "2026-01-01T18:30", "2026-01-02"),
        ("UTC", "2026-01-01T23:59", "2026-01-01"),
    ],
)
def test_of_any_zone(zone: str, instant: str, day: str) -> None:
    told = local_day(ibis.literal(datetime.fromisoformat(instant)), Night(date(2026, 3, 10), zone))
    assert str(ibis.duckdb.connect().execute(told))[:10] == day


@pytest.mark.both_engines
@pytest.mark.parametrize("zone", ["Europe/Oslo", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "UTC"])
def test_engines_tell_the_days_of_fourteen_years_as_python_does(engine: SQLBackend, zone: str) -> None:
    hours = [datetime(2014, 1, 1) + timedelta(hours=5 * n) for n in range(14 * 365 * 24 // 5)]
    rows = ibis.memtable({"instant": hours}, schema={"instant": "timestamp(6)"})
    told = engine.to_pyarrow(rows.select("instant", day=local_day(rows.instant, Night(date(2026, 3, 10), zone))))
    as_python_has_it = [at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date() for at in told["instant"].to_pylist()]
    assert told["day"].to_pylist() == as_python_has_it
