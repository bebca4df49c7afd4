"""A clock that is set back an hour, or that ran two hours ahead, during a night: the newer night is shown, and nothing is shown for
longer than it may be. What a wrong clock does to an opt-out is in test_live_ledger.py.
"""

from datetime import date, datetime, timedelta

import pytest

from resources.marts import Marts
from resources.platform import Platform
from resources.settings import Settings
from tests.batch_rows import MONDAY, TUESDAY, a_batch, publish, rows

SHOWN = "SELECT DISTINCT business_date FROM marts.offer_table"


@pytest.mark.promise("F10")
@pytest.mark.parametrize("hours", [1, 2])
def test_after_a_clock_was_set_back_the_night_that_began_later_is_the_one_shown(marts: Marts, hours: int) -> None:
    publish(marts, a_batch(MONDAY))
    rows(  # as if the clock had been ahead then and has been set back since
        marts.engine,
        f"UPDATE platform.batches SET started_at = started_at + interval '{hours} hours', published_at = published_at + interval '{hours} hours'",
    )
    again = publish(marts, a_batch(MONDAY, "f2"), supersede=True)
    assert (again.state, again.is_current) == ("published", True)
    assert publish(marts, a_batch(TUESDAY)).is_current
    assert rows(marts.engine, SHOWN) == [(TUESDAY,)]
    states = "SELECT business_date, state FROM marts.batches ORDER BY batch_id"
    assert sorted(rows(marts.engine, states)) == [(MONDAY, "published"), (MONDAY, "superseded"), (TUESDAY, "published")]


@pytest.mark.promise("F10")
def test_a_run_that_began_before_the_clock_was_set_back_does_not_undo_one_that_began_after(marts: Marts) -> None:
    older, newer = marts.take_token(), marts.take_token()
    publish(marts, a_batch(MONDAY), token=newer)
    rows(marts.engine, "UPDATE platform.batches SET started_at = started_at - interval '1 hour'")
    with pytest.raises(Exception, match="published by a newer run"):
        publish(marts, a_batch(MONDAY, "f2"), supersede=True, token=older)


@pytest.mark.promise("F10")
@pytest.mark.parametrize("shift", [-1, 0, 2])
def test_the_clock_moves_neither_the_business_date_nor_what_a_night_may_know(shift: int) -> None:
    """At half past four in Oslo, with a clock that is wrong by some hours: the night is that of its date, not of the clock."""
    clock = datetime(2024, 3, 15, 3, 30) + timedelta(hours=shift)
    platform = Platform(Settings(source="complete-journey"), now=lambda: clock)
    night = platform.night("2024-03-15")
    assert night.business_date == date(2024, 3, 15)
    assert night.as_of == platform.night("2024-03-15").as_of
    assert platform.is_living(night)
