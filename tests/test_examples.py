"""Who is asked about, when, and what counts as an answer."""

from datetime import date, datetime

import pytest

from ml.audiences import NOBODY
from ml.examples import (
    answers,
    mailing_rows,
    night_asks,
    of_fewer_members,
    offer_answers,
    offer_rows,
    offered,
    training_asks,
    training_rows,
)
from ml.features_of_offers import RELATIVE
from ml.night import Night
from tests.past_world import NIGHT, OSLO, shop

pytestmark = pytest.mark.both_engines

MAILED = """
    member_id | campaign_id | sent_at
    ada       | winter      | 2024-01-07T23:30
    ada       | winter      | 2024-01-09T08:00
    bo        | winter      | 2024-01-09T08:00
    ada       | spring      | 2024-03-11T08:00"""


def test_tonight_asks_of_running_campaigns_and_their_audience() -> None:
    club = shop(audiences="campaign_id | member_id\nspring | ada\nwinter | bo")
    asks = night_asks(club, NIGHT).to_pyarrow().to_pylist()
    assert [(a["campaign_id"], a["member_id"]) for a in asks] == [("spring", "ada")]
    assert asks[0]["as_of"] == NIGHT.as_of == datetime(2024, 3, 14, 23)
    assert asks[0]["closes_at"] == datetime(2024, 4, 7, 22)  # midnight after 7 April, by then summer time


def test_a_campaign_without_an_audience_is_for_every_member() -> None:
    asks = night_asks(shop(), NIGHT).to_pyarrow().to_pylist()
    assert sorted(a["member_id"] for a in asks) == ["ada", "bo"]


def test_a_campaign_whose_audience_is_gone_is_for_nobody() -> None:
    club = shop(audiences=f"campaign_id | member_id\nspring | {NOBODY}")
    assert night_asks(club, NIGHT).to_pyarrow().num_rows == 0


@pytest.mark.parametrize(
    ("day", "campaigns"),
    [("2024-03-10", []), ("2024-03-11", ["spring"]), ("2024-04-07", ["spring"]), ("2024-04-08", [])],
)
def test_a_campaign_runs_from_its_first_day_to_its_last(day: str, campaigns: list[str]) -> None:
    asks = night_asks(shop(), Night(date.fromisoformat(day), OSLO)).to_pyarrow().to_pylist()
    assert sorted({a["campaign_id"] for a in asks}) == campaigns


def test_past_asks_are_as_of_the_local_day_of_the_first_sending() -> None:
    asks = training_asks(shop(mailings=MAILED), NIGHT).to_pyarrow().to_pylist()
    by_member = {a["member_id"]: a for a in asks}
    assert len(asks) == 2  # one a member and campaign; spring has not closed
    assert by_member["ada"]["as_of"] == datetime(2024, 1, 7, 23)  # sent half past midnight on the 8th, local time
    assert by_member["bo"]["as_of"] == datetime(2024, 1, 8, 23)


@pytest.mark.parametrize(("day", "asks"), [("2024-02-04", 0), ("2024-02-05", 2)])
def test_a_campaign_teaches_nothing_until_its_last_day_is_over(day: str, asks: int) -> None:
    assert (
        training_asks(shop(mailings=MAILED), Night(date.fromisoformat(day), OSLO)).count().to_pyarrow().as_py() == asks
    )


def test_of_a_long_past_a_part_of_the_members_is_learned_from_with_all_their_mailings() -> None:
    mailed = "member_id | campaign_id | sent_at\n" + "\n".join(
        f"m{n} | {campaign} | 2024-01-0{day}T08:00"
        for n in range(60)
        for campaign, day in (("winter", 8), ("autumn", 3))
    )
    both = """
        campaign_id | kind    | starts_on  | ends_on
        winter      | monthly | 2024-01-08 | 2024-02-04
        autumn      | monthly | 2024-01-02 | 2024-01-20"""
    past = training_asks(shop(mailings=mailed, campaigns=both), NIGHT)
    few, part = of_fewer_members(past, 40)
    by_member = [row["member_id"] for row in few.to_pyarrow().to_pylist()]
    assert part.name == "part-0-of-3"  # of 120 asks a third
    assert {by_member.count(member) for member in by_member} == {2}
    assert 20 <= len(by_member) <= 60
    everything, part = of_fewer_members(past, 120)
    assert (everything.count().to_pyarrow().as_py(), part.is_whole) == (120, True)


def test_only_answers_between_sending_and_closing_count() -> None:
    club = shop(
        mailings=MAILED,
        responses="""
            member_id | campaign_id | offer_id | kind   | occurred_at
            ada       | winter      | w-beans  | redeem | 2024-02-04T22:59
            bo        | winter      | w-loaf   | redeem | 2024-02-04T23:00
            bo        | winter      | w-loaf   | redeem | 2024-01-05T12:00
            bo        | winter      | w-loaf   | open   | 2024-01-10T12:00""",
    )
    asks = training_asks(club, NIGHT)
    told = {r["member_id"]: r["answered"] for r in answers(club, asks).to_pyarrow().to_pylist()}
    assert told == {"ada": 1.0, "bo": 0.0}
    pairs = {
        (r["member_id"], r["offer_id"]): r["answered"]
        for r in offer_answers(club, offered(club, asks)).to_pyarrow().to_pylist()
    }
    assert pairs == {("ada", "w-beans"): 1.0, ("ada", "w-loaf"): 0.0, ("bo", "w-beans"): 0.0, ("bo", "w-loaf"): 0.0}


def test_mailings_without_a_named_offer_make_choices_of_the_answered_ones() -> None:
    club = shop(
        mailings=MAILED,
        responses="member_id | campaign_id | offer_id | occurred_at\nada | winter | w-beans | 2024-01-20T12:00",
    )
    rows = training_rows(club, NIGHT)
    assert rows.kind == "choice"
    assert rows.mailings["answered"].to_pylist().count(1.0) == 1
    assert sorted(rows.offers["offer_id"].to_pylist()) == ["w-beans", "w-loaf"]
    assert set(rows.offers["member_id"].to_pylist()) == {"ada"}


def test_mailings_that_name_their_offer_make_pairs_and_a_click_without_one_counts_for_it() -> None:
    club = shop(
        mailings="member_id | campaign_id | offer_id | sent_at\nada | winter | w-beans | 2024-01-09T08:00\nbo | winter | w-loaf | 2024-01-09T08:00",
        responses="member_id | campaign_id | kind | occurred_at\nbo | winter | click | 2024-01-09T09:00",
    )
    rows = training_rows(club, NIGHT)
    assert rows.kind == "pair"
    told = dict(zip(rows.offers["offer_id"].to_pylist(), rows.offers["answered"].to_pylist(), strict=True))
    assert told == {"w-beans": 0.0, "w-loaf": 1.0}


def test_an_offers_place_is_among_all_offers_of_its_campaign() -> None:
    club = shop(
        transactions="""
            transaction_id | member_id | product_id | occurred_at
            t1             | ada       | beans      | 2024-03-01T12:00
            t2             | ada       | beans      | 2024-03-01T12:00
            t3             | ada       | loaf       | 2024-03-01T12:00"""
    )
    asks = night_asks(club, NIGHT)
    only_one = offered(club, asks).filter(lambda t: t.offer_id == "s-beans")
    found = next(r for r in offer_rows(club, only_one).to_pyarrow().to_pylist() if r["member_id"] == "ada")
    assert found["product_decayed_rank"] == 0
    assert found["product_decayed_share"] == pytest.approx(2 / 3)
    assert {f.name for f in RELATIVE} <= set(found)


def test_a_club_without_any_history_still_has_rows_for_tonight() -> None:
    club = shop()
    asks = night_asks(club, NIGHT)
    assert mailing_rows(club, asks).count().to_pyarrow().as_py() == 2
    pairs = offer_rows(club, offered(club, asks)).to_pyarrow().to_pylist()
    assert len(pairs) == 4
    assert {p["product_baskets"] for p in pairs} == {0.0}
    assert training_rows(club, NIGHT).mailings.num_rows == 0
