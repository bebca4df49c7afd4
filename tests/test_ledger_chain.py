"""The ledger is only added to, its chain tells where it was changed behind our back, and nothing said to it is lost."""

from threading import Thread

import psycopg2
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from resources.marts import Marts
from tests.batch_rows import publish, rows


def first_fault(marts: Marts, ledger: str = "events", known: str = "NULL, NULL") -> int | None:
    [(place,)] = rows(marts.engine, f"SELECT live.first_fault('live.{ledger}', {known})")
    return place


def three_opt_outs(marts: Marts) -> None:
    rows(marts.engine, "SELECT marts.opt_out('anna'), marts.opt_out('berit'), marts.opt_out('carl', 'sms')")


@pytest.mark.promise("R3")
@pytest.mark.parametrize(
    ("tampering", "place"),
    [
        ("UPDATE live.events SET kind = 'opt_in' WHERE member_id = 'berit'", 2),
        ("UPDATE live.events SET member_id = 'dora' WHERE member_id = 'carl'", 3),
        ("UPDATE live.events SET recorded_at = recorded_at - interval '1 day' WHERE member_id = 'anna'", 1),
        ("DELETE FROM live.events WHERE member_id = 'berit'", 3),
    ],
)
def test_a_ledger_changed_behind_our_back_is_found_out_and_the_place_is_named(
    marts: Marts, tampering: str, place: int
) -> None:
    three_opt_outs(marts)
    assert first_fault(marts) is None
    with marts.engine.begin() as connection:
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))  # as an administrator could
        connection.execute(sa.text(tampering))
    assert first_fault(marts) == place


@pytest.mark.promise("R3")
def test_a_ledger_whose_end_was_cut_off_is_found_out_by_the_head_that_was_noted(marts: Marts) -> None:
    three_opt_outs(marts)
    publish(marts)
    with marts.engine.begin() as connection:
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        connection.execute(sa.text("DELETE FROM live.events WHERE member_id = 'carl'"))
    assert first_fault(marts) is None  # what is left is in order
    known = "(SELECT (ledger->'events'->>0)::bigint FROM platform.batches), decode((SELECT ledger->'events'->>1 FROM platform.batches), 'hex')"
    assert first_fault(marts, known=known) == 3


def test_erasing_a_member_from_the_ledger_leaves_the_chain_whole(marts: Marts) -> None:
    three_opt_outs(marts)
    rows(marts.engine, "UPDATE live.events SET member_id = '(erased)', salt = NULL WHERE member_id = 'berit'")
    assert first_fault(marts) is None
    assert rows(marts.engine, "SELECT member_id FROM live.events ORDER BY place") == [
        ("anna",),
        ("(erased)",),
        ("carl",),
    ]


def test_ten_writers_at_once_make_one_chain(marts: Marts) -> None:
    writers = [
        Thread(target=rows, args=(marts.engine, f"SELECT marts.opt_out('m{w}-' || n) FROM generate_series(1, 20) n"))
        for w in range(10)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert rows(marts.engine, "SELECT count(*), max(place) FROM live.events") == [(200, 200)]
    assert first_fault(marts) is None


@pytest.mark.promise("R3")
@pytest.mark.parametrize(
    "statement", ["UPDATE live.events SET member_id = 'x'", "DELETE FROM live.events", "TRUNCATE live.events"]
)
def test_the_ledger_is_only_added_to(marts: Marts, statement: str) -> None:
    rows(marts.engine, "SELECT marts.opt_out('anna')")
    with pytest.raises(DBAPIError, match="only added to"):
        rows(marts.engine, statement)


def test_an_opt_out_of_no_known_channel_or_of_nobody_is_an_error_and_not_lost(marts: Marts) -> None:
    for call in (
        "marts.opt_out('anna', 'fax')",
        "marts.opt_out('')",
        "marts.opt_out(NULL)",
        "marts.opt_out('anna', NULL)",
    ):
        with pytest.raises(DBAPIError) as refused:
            rows(marts.engine, f"SELECT {call}")
        assert isinstance(refused.value.orig, psycopg2.IntegrityError), call
