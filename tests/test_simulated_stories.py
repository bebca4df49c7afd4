"""Stories that clubs get wrong, as the invented members live them: five rows each, read off by eye. Whether the platform
then does right by them is tested on its rules; here it is that the truth it is measured against is the right one.
"""

from dataclasses import replace

import numpy as np
import pytest

from simulator.assortment import CATEGORIES, CATEGORY, CYCLE, SUBCATEGORIES
from simulator.behaviour import nuisance, pull, wants
from simulator.club import InventedClub
from simulator.draws import BLOCK
from simulator.mailing import Mail, Sending
from simulator.people import CHANNELS, STAGES, People, people_of
from simulator.plan import Offer, campaigns_of

PLACE = {s.name: n for n, s in enumerate(SUBCATEGORIES)}
MAY, OCTOBER, DECEMBER = -28, -5, -50  # weeks before 20 November 2023


def offer(name: str, kind: str = "discount", tier: int = 0, week: int = MAY) -> Offer:
    return Offer("o", "c", week, PLACE[name], kind, 0.25 if kind == "discount" else 0.0, tier, 10.0, None, ("store",))


def five(**given: list) -> People:
    """Five members who are alike but for what is given; the rest of the block is left as drawn. Tastes and positions are
    given by category."""
    people = people_of(7, 0)
    usual: dict[str, list] = {
        "age": [40] * 5,
        "female": [True] * 5,
        "car": [True] * 5,
        "student": [False] * 5,
        "baby_week": [30_000] * 5,
    }
    taste, position = people.taste.copy(), people.position.copy()
    taste[:5], position[:5] = 1.0, 3.0
    fields = {name: getattr(people, name).copy() for name in usual}
    for name, values in (usual | given).items():
        if name in fields:
            fields[name][:5] = values
    for kind, array in (("likes", taste), ("pays", position)):
        for category, values in given.get(kind, [{}])[0].items():
            array[:5, CATEGORIES.index(category)] = values
    return replace(people, **fields, taste=taste, position=position)


def meant(people: People, sent: Offer, days_since: list[int] | None = None, week: int = MAY) -> list[float]:
    """How much an offer means to each of the five: rounded, 0 nothing, 1 much. Nothing was bought for its usual time, or as given."""
    waits = np.broadcast_to(CYCLE, (BLOCK, len(CYCLE))).copy()
    if days_since:
        waits[:5, sent.subcategory] = days_since
    return [round(float(x), 1) for x in pull(people, sent, wants(people, week, waits))[:5]]


def test_a_man_has_no_use_for_evening_gowns_nor_a_woman_for_dark_suits() -> None:
    people = five(female=[True, False, True, False, False])
    assert [x > 0.5 for x in meant(people, offer("Evening gowns"), week=DECEMBER)] == [True, False, True, False, False]
    assert [x > 0.5 for x in meant(people, offer("Dark suits"))] == [False, True, False, True, True]


def test_a_student_who_gets_a_child_needs_nappies_from_then_on_and_not_before() -> None:
    """The same five weeks in the life of one: the child comes in week -20."""
    people = five(age=[22] * 5, student=[True] * 5, baby_week=[-20] * 5)
    weeks = (-40, -21, -20, -10, 0)
    assert [meant(people, offer("Nappies"), week=week)[0] > 0.5 for week in weeks] == [False, False, True, True, True]
    assert [STAGES[people.stage(week)[0]] for week in weeks] == ["student", "student", "family", "family", "family"]


def test_who_buys_the_dearest_television_may_want_the_cheapest_washing_machine() -> None:
    people = five(pays=[{"Television": 5.0, "Washing": 1.0}])
    by_tier = [(tier, meant(people, offer("Televisions", tier=tier, week=-51), week=-51)[0],
                meant(people, offer("Washing machines", tier=tier))[0]) for tier in (1, 3, 5)]  # fmt: skip
    assert by_tier[0][1] == 0 < by_tier[2][1]
    assert by_tier[0][2] == 1 > by_tier[1][2] > by_tier[2][2] == 0


@pytest.mark.parametrize(
    ("name", "days", "worth"),
    [
        ("Washing machines", [3, 100, 1400, 2800, 4000], [0, 0, 0.2, 1, 2]),
        ("Coffee", [3, 14, 28, 40, 60], [0.0, 0.2, 1, 2, 2.2]),
    ],
)
def test_what_was_just_bought_is_not_wanted_again_until_its_time_comes(name: str, days: list[int], worth: list) -> None:
    assert meant(five(), offer(name), days) == worth


def test_an_insurance_reminder_means_something_when_the_year_is_over() -> None:
    reminder = offer("Car insurance", kind="reminder")
    assert meant(five(), reminder, [10, 180, 300, 365, 400]) == [0.0, 0.1, 0.3, 0.5, 0.6]
    assert meant(five(car=[True, True, False, False, False]), reminder) == [0.5, 0.5, 0, 0, 0]


def test_winter_tyres_are_wanted_in_october_and_not_in_may() -> None:
    reminder = offer("Winter tyres", kind="reminder")
    assert meant(five(), reminder, week=MAY)[0] == 0.1
    assert meant(five(), reminder, week=OCTOBER)[0] > 1


def test_twelve_mayflies_tell_of_an_angler_and_a_pair_of_poles_bought_on_a_whim_of_nothing() -> None:
    people = five(likes=[{"Fishing": [1.5, 1.5, 0.02, 0.02, 0.02], "Skiing": [0.02, 0.02, 0.02, 1.5, 0.02]}])
    assert [x > 0.5 for x in meant(people, offer("Fishing reels"))] == [True, True, False, False, False]
    assert [x > 0.5 for x in meant(people, offer("Racing suits", week=-45), week=-45)] == [
        False,
        False,
        False,
        True,
        False,
    ]
    lines = InventedClub(BLOCK, 7, 52).live_block(0).diary.lines.columns(BLOCK)
    bought = {
        name: np.bincount(
            lines["member"][(lines["subcategory"] == PLACE[name]) & (lines["quantity"] > 0)], minlength=BLOCK
        )
        for name in ("Mayflies", "Ski poles")
    }
    drawn = people_of(7, 0)
    angler = drawn.taste[:, CATEGORIES.index("Fishing")] > 0.5
    skier = drawn.taste[:, CATEGORIES.index("Skiing")] > 0.5
    assert angler[bought["Mayflies"] >= 4].mean() > 0.95
    assert (
        ~skier[bought["Ski poles"] == 1]
    ).mean() > 0.2  # of single pairs, so many were bought by those who do not ski


def test_not_for_me_is_said_of_what_means_nothing_and_of_the_category_where_there_is_no_taste_for_it() -> None:
    def first_offer_to_all(sending: Sending) -> Mail:
        return Mail(np.where(sending.may, 0, -1), np.ones(BLOCK))

    club = InventedClub(BLOCK, 7, 52)
    lived = club.live_block(0, first_offer_to_all)
    said = lived.diary.feedback.columns(BLOCK)
    subject = np.array([o.subcategory for o in lived.offers])[said["offer"]]
    taste = lived.life.people.taste[said["member"], CATEGORY[subject]]
    wide = said["refused"] & (said["scope"] == 1)
    assert wide.sum() > 50
    assert taste[wide].max() <= 0.1
    assert said["refused"][taste < 0.1].mean() > 0.85
    assert taste[~said["refused"]].mean() > taste[said["refused"]].mean()


def test_a_message_that_means_nothing_is_a_nuisance_and_one_that_is_wanted_is_none() -> None:
    assert [round(float(x), 2) for x in nuisance(np.array([0, 0.1, 0.25, 1, 2]))] == [1, 0.74, 0.47, 0.05, 0]


def test_who_wants_no_text_messages_and_at_most_one_message_a_week_gets_just_that() -> None:
    club = InventedClub(BLOCK, 7, 26)
    lived = club.live_block(0, lambda sending: Mail(np.where(sending.may, 0, -1), np.ones(BLOCK)))
    told, sent = lived.life.told, lived.diary.mailings.columns(BLOCK)
    assert not (told.unwanted[sent["member"]] == sent["channel"]).any()
    assert told.granted[sent["member"], sent["channel"]].all()
    assert {CHANNELS[c] for c in np.unique(sent["channel"])} == set(CHANNELS)
    service = {
        c.campaign_id for w in lived.weeks for c in campaigns_of(7, w) if c.message_class == "service"
    }  # no marketing
    marketing = np.array([o.campaign_id not in service for o in lived.offers])[sent["offer"]]
    one_a_week = (told.limit[sent["member"]] == 1) & marketing
    weeks = np.stack([sent["member"], sent["second"] // 604_800])[:, one_a_week]
    assert weeks.shape[1] == np.unique(weeks, axis=1).shape[1] > 0
