"""What members say in the daytime: it holds from the next SELECT on, and the campaigns still balance."""

from datetime import timedelta
from itertools import permutations
from threading import Thread

import psycopg2
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from resources.marts import Marts
from tests.batch_rows import MONDAY, TUESDAY, a_batch, offers, publish, reasks, rows

WHO = "SELECT member_id, campaign_id FROM marts.offer_table ORDER BY 1, 2"
STOPPED = (
    "SELECT member_id, campaign_id, reason, reasons FROM marts.suppression_list WHERE member_id <> 'carl' ORDER BY 1, 2"
)
BALANCE = "SELECT campaign_id, audience, to_send, suppressed FROM marts.campaign_summary ORDER BY 1"


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


def test_at_the_same_moment_the_opt_out_wins(marts: Marts) -> None:
    publish(marts)
    rows(
        marts.engine,
        "SELECT marts.opt_in('anna', 'all', 'web', '2026-01-01'), marts.opt_out('anna', 'sms', 'web', '2026-01-01')",
    )
    assert rows(marts.engine, WHO) == [("anna", "spring"), ("berit", "spring")]


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


def test_an_opt_out_that_races_a_publish_holds_from_its_commit_on_and_the_balance_never_breaks(marts: Marts) -> None:
    crowd = "\n".join(f"m{n} 1 spring email 0.5" for n in range(40))
    publish(marts, offers=offers(crowd), audience={"spring": 41})

    def nights() -> None:
        for day in range(1, 9):
            publish(marts, a_batch(MONDAY + timedelta(day)), offers=offers(crowd), audience={"spring": 41})

    publisher = Thread(target=nights)
    publisher.start()
    for n in range(40):
        rows(marts.engine, "SELECT marts.opt_out(:member)", member=f"m{n}")
        assert rows(marts.engine, "SELECT 1 FROM marts.offer_table WHERE member_id = :member", member=f"m{n}") == []
        assert rows(marts.engine, BALANCE) == [("spring", 41, 39 - n, n + 2)]
    publisher.join()
    assert rows(marts.engine, BALANCE) == [("spring", 41, 0, 41)]


def test_nobody_who_objected_is_asked_about_old_facts(marts: Marts) -> None:
    publish(marts, reasks=reasks("anna interest garden\n berit interest boats"))
    rows(marts.engine, "SELECT marts.opt_out('anna'), marts.opt_out('berit', 'sms')")
    assert rows(marts.engine, "SELECT member_id, last_value FROM marts.reask_list") == [("berit", "boats")]


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


BASE = (
    "platform.offers",
    "platform.suppressions",
    "platform.batches",
    "platform.pointer",
    "platform.offers_now",
    "live.events",
)
VIEWS = "marts.offer_table", "marts.suppression_list", "marts.reask_list", "marts.campaign_summary", "marts.batches"


def as_role(marts: Marts, role: str, statement: str) -> None:
    with marts.engine.begin() as connection:
        connection.execute(sa.text(f"SET LOCAL ROLE {role}"))
        connection.execute(sa.text(statement))


def test_the_marketer_reads_the_views_and_nothing_behind_them(marts: Marts) -> None:
    publish(marts)
    rows(marts.engine, "SELECT marts.opt_out('anna', 'sms')")
    for view in (*VIEWS, "marts.offer_history", "marts.suppression_history"):
        as_role(marts, "hemsil_marketer", f"SELECT * FROM {view}")
    forbidden = [f"SELECT * FROM {table}" for table in BASE]
    forbidden += [f"TRUNCATE {table}" for table in BASE[:4]]
    forbidden += ["DROP VIEW marts.offer_table", "SELECT marts.opt_in('anna', 'sms')"]
    forbidden += ["CREATE TABLE marts.mine (x int)", "SELECT platform.grant_roles()"]
    for statement in forbidden:
        with pytest.raises(DBAPIError) as denied:
            as_role(marts, "hemsil_marketer", statement)
        assert isinstance(denied.value.orig, psycopg2.errors.InsufficientPrivilege), statement


def test_the_web_records_what_members_say_and_reads_nothing(marts: Marts) -> None:
    publish(marts)
    as_role(marts, "hemsil_web", "SELECT marts.opt_out('anna')")
    assert rows(marts.engine, WHO) == [("berit", "spring")]
    for statement in [f"SELECT * FROM {table}" for table in (*BASE, *VIEWS)] + [
        "INSERT INTO live.events (member_id, kind, channel, recorded_at, source) VALUES ('a', 'opt_in', 'all', now(), 'x')"
    ]:
        with pytest.raises(DBAPIError) as denied:
            as_role(marts, "hemsil_web", statement)
        assert isinstance(denied.value.orig, psycopg2.errors.InsufficientPrivilege), statement
