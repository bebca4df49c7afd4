"""What must hold of the ledger and the lists whatever members say in whatever order: random sequences of events, each tried on a
published batch in a transaction that is undone. Single cases are in test_live_ledger.py.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from resources.marts import Marts
from tests.batch_rows import MONDAY, TUESDAY, a_batch, offers, publish
from tests.promises import times

Event = tuple[str, str, str, int]  # kind, member, channel, hour
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
LINES = "anna 1 spring email 0.5\n anna 2 summer sms 0.25\n berit 1 spring email 0.1\n berit 2 summer email 0.1\n dora 1 spring post 0.2"
AUDIENCE = {"spring": 4, "summer": 2}

_event = st.tuples(
    st.sampled_from(["opt_out", "opt_in"]),
    st.sampled_from(["anna", "berit", "dora"]),
    st.sampled_from(["all", "email", "sms", "post"]),
    st.integers(1, 6),
)
_events = st.lists(_event, max_size=8)
tried = settings(
    max_examples=times(300, 25),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
pytestmark = [pytest.mark.promise("R3"), pytest.mark.promise("F21")]


@pytest.fixture
def published(marts: Marts) -> Marts:
    publish(marts, a_batch(MONDAY), offers=offers(LINES), audience=AUDIENCE)
    publish(marts, a_batch(TUESDAY), offers=offers(LINES), audience=AUDIENCE)
    return marts


@contextmanager
def undone(marts: Marts) -> Iterator[Connection]:
    with marts.engine.connect() as connection:
        yield connection
        connection.rollback()


def say(connection: Connection, events: list[Event]) -> None:
    for kind, member, channel, hour in events:
        said: dict[str, Any] = {"member": member, "channel": channel, "at": BEGAN + timedelta(hours=hour)}
        connection.execute(sa.text(f"SELECT marts.{kind}(:member, :channel, 'test', :at)"), said)


def shown(connection: Connection) -> set[tuple[str, str]]:
    found = connection.execute(sa.text("SELECT batch_id, member_id, campaign_id FROM marts.offer_table")).all()
    assert len({row.batch_id for row in found}) <= 1, "rows of two batches"
    balance = "SELECT count(*) FROM marts.campaign_summary WHERE audience <> to_send + suppressed"
    assert connection.scalar(sa.text(balance)) == 0, "a campaign does not balance"
    assert connection.scalar(sa.text("SELECT live.first_fault('live.events')")) is None
    return {(row.member_id, row.campaign_id) for row in found}


def after(marts: Marts, events: list[Event]) -> set[tuple[str, str]]:
    with undone(marts) as connection:
        say(connection, events)
        return shown(connection)


@tried
@given(events=_events, extra=_event)
def test_another_opt_out_never_adds_an_offer_and_another_opt_in_never_takes_one(
    published: Marts, events: list[Event], extra: Event
) -> None:
    before, now = after(published, events), after(published, [*events, extra])
    assert now <= before if extra[0] == "opt_out" else before <= now


@tried
@given(data=st.data(), events=_events)
def test_the_order_of_arrival_changes_nothing(published: Marts, data: st.DataObject, events: list[Event]) -> None:
    assert after(published, events) == after(published, data.draw(st.permutations(events)))


@tried
@given(data=st.data(), events=_events)
def test_what_is_delivered_again_changes_nothing(published: Marts, data: st.DataObject, events: list[Event]) -> None:
    again = data.draw(st.lists(st.sampled_from(events), max_size=4)) if events else []
    assert after(published, events) == after(published, [*events, *again])


@tried
@given(events=_events, hour=st.integers(0, 6))
def test_what_is_said_later_does_not_change_where_a_member_stood_before(
    published: Marts, events: list[Event], hour: int
) -> None:
    """Time travel: the standing at an hour, from a ledger that knows more, is that of the ledger as it was then."""
    standing = """
        SELECT member_id, channel, max(recorded_at) FILTER (WHERE kind = 'opt_out') AS out_at, max(recorded_at) FILTER (WHERE kind = 'opt_in') AS in_at
        FROM live.events WHERE recorded_at <= :at GROUP BY 1, 2 ORDER BY 1, 2"""
    at = {"at": BEGAN + timedelta(hours=hour)}
    with undone(published) as connection:
        say(connection, events)
        known_later = connection.execute(sa.text(standing), at).all()
    with undone(published) as connection:
        say(connection, [event for event in events if event[3] <= hour])
        assert known_later == connection.execute(sa.text(standing), at).all()
        now = connection.execute(sa.text("SELECT * FROM live.stances ORDER BY 1, 2")).all()
        assert known_later == now
