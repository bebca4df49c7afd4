"""What members say in the daytime: it holds from the next SELECT on, and the campaigns still balance. Whether the
ledger itself is whole is in test_ledger_chain.py.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import permutations
from random import Random
from threading import Event, Thread

import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from resources.batches import Beside
from resources.marts import Marts
from tests.batch_rows import MONDAY, TUESDAY, a_batch, offers, publish, reasks, rows
from tests.promises import times

Record = Callable[[str, object], None]
WHO = "SELECT member_id, campaign_id FROM marts.offer_table ORDER BY 1, 2"
STOPPED = (
    "SELECT member_id, campaign_id, reason, reasons FROM marts.suppression_list WHERE member_id <> 'carl' ORDER BY 1, 2"
)
BALANCE = "SELECT campaign_id, audience, to_send, suppressed FROM marts.campaign_summary ORDER BY 1"


@pytest.mark.promise("R1")
def test_who_opts_out_of_everything_is_gone_at_the_next_select_and_on_the_suppression_list(marts: Marts) -> None:
    publish(marts)
    rows(marts.engine, "SELECT marts.opt_out('anna')")
    assert rows(marts.engine, WHO) == [("berit", "spring")]
    assert rows(marts.engine, STOPPED) == [
        ("anna", "spring", "OBJECTED", ["OBJECTED"]),
        ("anna", "summer", "OBJECTED", ["OBJECTED"]),
    ]
    assert rows(marts.engine, BALANCE) == [("spring", 3, 1, 2), ("summer", 1, 0, 1)]


def test_who_opts_out_of_a_channel_is_gone_from_its_offers_alone(marts: Marts) -> None:
    publish(marts)
    rows(marts.engine, "SELECT marts.opt_out('anna', 'sms', 'web')")
    assert rows(marts.engine, WHO) == [("anna", "spring"), ("berit", "spring")]
    assert rows(marts.engine, STOPPED) == [("anna", "summer", "CHANNEL_OPT_OUT", ["CHANNEL_OPT_OUT"])]
    assert rows(marts.engine, BALANCE) == [("spring", 3, 2, 1), ("summer", 1, 0, 1)]


def test_who_can_still_be_reached_on_another_channel_of_the_campaign_is_not_suppressed(marts: Marts) -> None:
    both = offers("anna 1 spring email 0.5\n anna 2 spring sms 0.25\n berit 1 spring email 0.1\n anna 3 summer sms 0.2")
    publish(marts, offers=both)
    rows(marts.engine, "SELECT marts.opt_out('anna', 'sms')")
    assert rows(marts.engine, BALANCE) == [("spring", 3, 2, 1), ("summer", 1, 0, 1)]
    rows(marts.engine, "SELECT marts.opt_out('anna', 'email')")
    assert rows(marts.engine, BALANCE) == [("spring", 3, 1, 2), ("summer", 1, 0, 1)]


def test_an_opt_out_holds_for_every_later_night_and_for_the_history(marts: Marts) -> None:
    publish(marts, a_batch(MONDAY))
    rows(marts.engine, "SELECT marts.opt_out('anna')")
    publish(marts, a_batch(TUESDAY))
    assert rows(marts.engine, WHO) == [("berit", "spring")]
    assert rows(marts.engine, "SELECT DISTINCT member_id FROM marts.offer_history") == [("berit",)]


def test_only_a_later_opt_in_lifts_an_opt_out(marts: Marts) -> None:
    publish(marts)
    for statement, reachable in (
        ("SELECT marts.opt_in('anna')", 3),
        ("SELECT marts.opt_out('anna')", 1),
        ("SELECT marts.opt_in('anna', 'sms')", 2),
        ("SELECT marts.opt_out('anna', 'sms')", 1),
        ("SELECT marts.opt_in('anna', 'all', 'store', now() - interval '1 day')", 1),
        ("SELECT marts.opt_in('anna')", 3),
        ("SELECT marts.opt_out('anna', 'all', 'store', now() - interval '1 day')", 3),
    ):
        rows(marts.engine, statement)
        assert len(rows(marts.engine, WHO)) == reachable, statement


@pytest.mark.promise("R3")
def test_at_the_same_moment_the_opt_out_wins(marts: Marts) -> None:
    publish(marts)
    rows(
        marts.engine,
        "SELECT marts.opt_in('anna', 'all', 'web', '2026-01-01'), marts.opt_out('anna', 'sms', 'web', '2026-01-01')",
    )
    assert rows(marts.engine, WHO) == [("anna", "spring"), ("berit", "spring")]


@pytest.mark.promise("R3")
def test_a_clock_that_goes_wrong_never_undoes_an_opt_out(marts: Marts) -> None:
    publish(marts)
    rows(
        marts.engine, "SELECT marts.opt_in('anna', 'all', 'web', now() + interval '2 hours')"
    )  # a clock two hours ahead
    rows(marts.engine, "SELECT marts.opt_out('anna')")
    assert rows(marts.engine, WHO) == [("berit", "spring")]
    rows(marts.engine, "SELECT marts.opt_out('berit', 'all', 'web', now() + interval '2 hours')")
    rows(marts.engine, "SELECT marts.opt_in('berit')")
    assert rows(marts.engine, WHO) == []


@pytest.mark.promise("R3")
def test_six_events_end_the_same_in_all_720_orders(marts: Marts) -> None:
    events = [
        ("opt_out", "all", 1),
        ("opt_in", "email", 2),
        ("opt_out", "email", 2),
        ("opt_in", "all", 3),
        ("opt_out", "sms", 4),
        ("opt_in", "sms", 3),
    ]
    with marts.engine.begin() as connection:
        for number, order in enumerate(permutations(events)):
            calls = ", ".join(
                f"marts.{kind}('m{number}', '{channel}', 'test', timestamptz '2026-01-01' + interval '{hour} hours')"
                for kind, channel, hour in order
            )
            connection.execute(sa.text(f"SELECT {calls}"))
    lines = "\n".join(f"m{n} 1 spring email 0.5\n m{n} 2 summer sms 0.5" for n in range(720))
    publish(marts, offers=offers(lines), audience={"spring": 721, "summer": 720})
    assert rows(marts.engine, BALANCE) == [("spring", 721, 720, 1), ("summer", 720, 0, 720)]


@pytest.mark.promise("R1")
def test_an_opt_out_that_races_a_publish_holds_from_its_commit_on_and_the_balance_never_breaks(
    marts: Marts, record_property: Record
) -> None:
    members = times(1000, 40)
    crowd = offers("\n".join(f"m{n} 1 spring email 0.5" for n in range(members)))
    publish(marts, offers=crowd, audience={"spring": members + 1})
    over, nights = Event(), 0

    def publish_on_and_on() -> None:
        nonlocal nights
        while not over.is_set():
            nights += 1
            publish(marts, a_batch(MONDAY + timedelta(nights)), offers=crowd, audience={"spring": members + 1})

    publisher = Thread(target=publish_on_and_on)
    publisher.start()
    try:
        for n in range(members):
            rows(marts.engine, "SELECT marts.opt_out(:member)", member=f"m{n}")
            seen = rows(marts.engine, "SELECT 1 FROM marts.offer_table WHERE member_id = :member", member=f"m{n}")
            assert seen == []
            assert rows(marts.engine, BALANCE) == [("spring", members + 1, members - 1 - n, n + 2)]
    finally:
        over.set()
        publisher.join()
    assert nights > 0
    assert rows(marts.engine, BALANCE) == [("spring", members + 1, 0, members + 1)]
    record_property("figure", f"{members} opt-outs while {nights} batches were published: 0 rows seen after a commit")


@pytest.mark.promise("R3")
def test_whatever_the_order_of_events_a_member_stands_where_the_latest_word_says(
    marts: Marts, record_property: Record
) -> None:
    draw, sequences = Random(20261124), times(10_000, 400)
    words = ("opt_out", "opt_in", "opt_out_again", "import")
    expected, calls = {}, []
    for n in range(sequences):
        last = {"opt_out": 0, "opt_in": 0}
        for word in draw.choices(words, k=draw.randint(1, 6)):
            kind, hour = "opt_out" if word.startswith("opt_out") else "opt_in", draw.randint(1, 5)
            if word == "import":  # the same old file, delivered again
                kind, hour = "opt_out", 1
            last[kind] = max(last[kind], hour)
            calls.append((kind, f"m{n}", hour))
        expected[f"m{n}"] = last["opt_in"] > last["opt_out"] or not last["opt_out"]
    draw.shuffle(calls)  # out of order, each member's among all others'
    with marts.engine.begin() as connection:
        query = "SELECT CASE :kind WHEN 'opt_in' THEN marts.opt_in(:m, 'all', 'test', :at) ELSE marts.opt_out(:m, 'all', 'test', :at) END"
        given = [{"kind": k, "m": m, "at": datetime(2026, 1, 1, hour, tzinfo=UTC)} for k, m, hour in calls]
        for one in given:
            connection.execute(sa.text(query), one)
    crowd = offers("\n".join(f"{m} 1 spring email 0.5" for m in expected))
    publish(marts, offers=crowd, audience={"spring": sequences + 1})
    shown = {m for (m,) in rows(marts.engine, "SELECT member_id FROM marts.offer_table")}
    assert shown == {m for m, reachable in expected.items() if reachable}
    assert 0 < len(shown) < sequences
    record_property(
        "figure", f"{sequences} random sequences, {len(calls)} events: every member stands where the latest word says"
    )


@pytest.mark.promise("R5")
def test_who_is_stopped_is_in_no_view_of_any_schema_but_the_lists_of_the_stopped(marts: Marts) -> None:
    publish(marts, reasks=reasks("berit interest garden"))
    rows(marts.engine, "SELECT marts.opt_out('berit')")
    for role in ("hemsil_marketer", "hemsil_web", "hemsil_mailer"):
        views = rows(
            marts.engine,
            "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE relkind IN ('r', 'v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
            " AND has_schema_privilege(:role, n.oid, 'USAGE') AND has_table_privilege(:role, c.oid, 'SELECT')",
            role=role,
        )
        naming = {v for (v,) in views if rows(marts.engine, f"SELECT 1 FROM {v} t WHERE t::text LIKE '%berit%'")}
        assert naming == ({"marts.suppression_list", "marts.suppression_history"} if views else set()), role


def test_nobody_who_objected_is_asked_about_old_facts(marts: Marts) -> None:
    publish(marts, reasks=reasks("anna interest garden\n berit interest boats"))
    rows(marts.engine, "SELECT marts.opt_out('anna'), marts.opt_out('berit', 'sms')")
    assert rows(marts.engine, "SELECT member_id, last_value FROM marts.reask_list") == [("berit", "boats")]


@pytest.mark.promise("R1")
def test_not_for_me_stops_what_it_covers_from_the_next_select_on_and_nothing_else(marts: Marts) -> None:
    covers = pa.table({"offer_id": ["spring-1"], "scope": ["category"], "scope_id": ["CHEESE"], "lasts": ["365 days"]})
    publish(marts, beside=Beside(scopes=covers))
    rows(
        marts.engine, "SELECT marts.feedback('anna', 'category', 'CHEESE'), marts.feedback('berit', 'category', 'HAM')"
    )
    assert rows(marts.engine, WHO) == [("anna", "summer"), ("berit", "spring")]
    assert rows(marts.engine, STOPPED) == [("anna", "spring", "NOT_FOR_ME", ["NOT_FOR_ME"])]
    assert rows(marts.engine, BALANCE) == [("spring", 3, 1, 2), ("summer", 1, 1, 0)]
    rows(marts.engine, "SELECT marts.feedback('anna', 'category', 'CHEESE', 'more_like_this')")
    assert len(rows(marts.engine, WHO)) == 3


@pytest.mark.promise("F16")
def test_what_one_of_two_ids_of_a_person_refuses_stops_both_until_that_id_takes_it_back(marts: Marts) -> None:
    both = pa.table({"member_id": ["anna", "berit"], "other_id": ["berit", "anna"]})
    publish(marts, beside=Beside(same_person=both), reasks=reasks("anna interest boats"))
    rows(marts.engine, "SELECT marts.opt_out('berit', 'email')")
    assert rows(marts.engine, WHO) == [("anna", "summer")]  # by sms
    assert rows(marts.engine, STOPPED) == [
        ("anna", "spring", "CHANNEL_OPT_OUT", ["CHANNEL_OPT_OUT"]),
        ("berit", "spring", "CHANNEL_OPT_OUT", ["CHANNEL_OPT_OUT"]),
    ]
    rows(marts.engine, "SELECT marts.opt_out('berit')")
    assert rows(marts.engine, WHO) == rows(marts.engine, "SELECT * FROM marts.reask_list") == []
    assert rows(marts.engine, BALANCE) == [("spring", 3, 0, 3), ("summer", 1, 0, 1)]
    rows(marts.engine, "SELECT marts.opt_in('anna')")  # who refused is not who says yes
    assert rows(marts.engine, WHO) == []
    rows(marts.engine, "SELECT marts.opt_in('berit')")
    assert len(rows(marts.engine, WHO)) == 3


@pytest.mark.promise("R11")
def test_erasing_one_of_two_ids_takes_it_out_of_every_table_and_the_campaigns_balance(marts: Marts) -> None:
    both = pa.table({"member_id": ["anna", "berit"], "other_id": ["berit", "anna"]})
    said = pa.table({"member_id": ["anna"], "verdict": ["consented"]})
    publish(marts, beside=Beside(same_person=both, said=said), reasks=reasks("anna interest boats"))
    rows(marts.engine, "SELECT marts.opt_out('anna', 'sms'), marts.feedback('anna', 'brand', 'x')")
    taken = dict(rows(marts.engine, "SELECT * FROM platform.erase('anna')"))
    assert {table for table, count in taken.items() if count} == {
        "platform.offers", "platform.reasks", "platform.said", "platform.same_person", "live.events", "live.feedback"
    }  # fmt: skip
    tables = "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN ('platform', 'live')"
    naming = [
        t
        for (t,) in rows(marts.engine, tables)
        if rows(marts.engine, f"SELECT 1 FROM {t} x WHERE x::text LIKE '%anna%'")
    ]
    assert naming == []
    assert rows(marts.engine, BALANCE) == [("spring", 2, 1, 1), ("summer", 0, 0, 0)]


def test_a_not_for_me_older_than_its_lifetime_stops_nothing(marts: Marts) -> None:
    covers = pa.table({"offer_id": ["spring-1"], "scope": ["category"], "scope_id": ["CHEESE"], "lasts": ["365 days"]})
    publish(marts, beside=Beside(scopes=covers))
    for days, left in ((366, 3), (364, 2)):
        told = f"now() - interval '{days} days'"
        rows(marts.engine, f"SELECT marts.feedback('anna', 'category', 'CHEESE', recorded_at => {told})")
        assert len(rows(marts.engine, WHO)) == left, days


def test_a_member_who_objected_and_refused_is_listed_by_the_more_restrictive_of_the_two(marts: Marts) -> None:
    covers = pa.table({"offer_id": ["spring-1"], "scope": ["brand"], "scope_id": ["x"], "lasts": ["9 days"]})
    publish(marts, beside=Beside(scopes=covers))
    rows(marts.engine, "SELECT marts.feedback('berit', 'brand', 'x'), marts.opt_out('berit', 'email')")
    assert rows(marts.engine, STOPPED)[0][2] == "CHANNEL_OPT_OUT"
    rows(marts.engine, "SELECT marts.opt_out('berit')")
    assert rows(marts.engine, STOPPED)[0][2] == "OBJECTED"


@pytest.mark.parametrize(
    ("call", "at_fault"),
    [
        ("marts.feedback('anna', 'planet', 'x')", "scope"),
        ("marts.feedback('anna', 'brand', '')", "scope_id"),
        ("marts.feedback('anna', 'brand', 'x', 'loved_it')", "verdict"),
        ("marts.prefer('anna', 'email', true, 0)", "max_per_week"),
        ("marts.prefer('anna', 'fax')", "channel"),
    ],
)
def test_what_cannot_be_understood_is_an_error_that_names_it(marts: Marts, call: str, at_fault: str) -> None:
    with pytest.raises(DBAPIError, match=at_fault):
        rows(marts.engine, f"SELECT {call}")
