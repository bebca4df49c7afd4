"""The invented club's people, plan and behaviour, before any table is made of them. What is drawn is checked against what
was to be drawn, and that the place alone decides it.
"""

from dataclasses import asdict

import numpy as np

from simulator.assortment import CATEGORIES, CYCLE, PEAK, SUBCATEGORIES, season
from simulator.behaviour import answer_chances, wants
from simulator.draws import BLOCK, Purpose, generator
from simulator.people import STAGES, first_waits, people_of
from simulator.plan import audience_of, campaigns_of, day_of, offers_of, plan_tables

SEED = 7


def test_a_block_of_members_is_the_same_whenever_and_after_whatever_it_is_drawn():
    first = {name: np.asarray(value).tobytes() for name, value in asdict(people_of(SEED, 1)).items()}
    people_of(SEED, 0), audience_of(SEED, 1, -3)
    assert {name: np.asarray(value).tobytes() for name, value in asdict(people_of(SEED, 1)).items()} == first


def test_another_seed_block_week_or_purpose_draws_other_numbers():
    places = [(SEED, 0, Purpose.PURCHASES, -1), (SEED, 0, Purpose.PURCHASES, 0), (SEED, 1, Purpose.PURCHASES, 0),
              (SEED, 0, Purpose.ANSWER, 0), (SEED + 1, 0, Purpose.PURCHASES, 0)]  # fmt: skip
    assert len({generator(*place).random() for place in places}) == len(places)


def test_ids_go_on_from_block_to_block():
    assert people_of(SEED, 0).ids()[-1] == "m00001999"
    assert people_of(SEED, 1).ids()[0] == "m00002000"


def test_a_child_arrives_and_makes_a_student_a_family():
    people = people_of(SEED, 0)
    coming = people.student & (people.baby_week > 0) & (people.baby_week < 60)
    assert coming.any()
    assert {STAGES[stage] for stage in people.stage(0)[coming]} == {"student"}
    assert {STAGES[stage] for stage in people.stage(60)[coming]} == {"family"}


def test_a_campaign_is_planned_for_the_share_of_the_club_that_it_names():
    for week in (-2, -1, 0):
        planned = audience_of(SEED, 0, week).mean(axis=0)
        for share, campaign in zip(planned, campaigns_of(SEED, week), strict=True):
            margin = 4 * np.sqrt(campaign.reach * (1 - campaign.reach) / BLOCK)
            assert abs(share - campaign.reach) <= margin


def test_the_plan_has_its_offers_and_products_and_a_longer_plan_begins_with_the_shorter():
    short, long = plan_tables(SEED, -3, -2), plan_tables(SEED, -3, 0)
    for name in short:
        assert long[name].slice(0, short[name].num_rows).equals(short[name])
    assert set(long["offers"]["campaign_id"].to_pylist()) == set(long["campaigns"]["campaign_id"].to_pylist())
    assert set(long["offer_products"]["offer_id"].to_pylist()) == set(long["offers"]["offer_id"].to_pylist())


def test_a_message_never_lowers_the_chance_of_an_answer_and_annoyance_wears_it_out():
    people, waits = people_of(SEED, 0), first_waits(SEED, 0)
    now, calm, email = wants(people, 0, waits), np.zeros(BLOCK), np.zeros(BLOCK, dtype=int)
    for offer in offers_of(SEED, 0):
        of = answer_chances(people, offer, now, calm, email)
        annoyed = answer_chances(people, offer, now, calm + 5, email).sent
        assert (
            (of.unsent >= 0) & (of.unsent <= annoyed) & (annoyed <= of.sent) & (of.sent <= of.seen) & (of.seen <= 1)
        ).all()
        assert (annoyed < of.sent).any()


def test_reminders_are_planned_for_what_lasts_and_in_its_season() -> None:
    planned = [(week, offer) for week in range(-104, 0) for offer in offers_of(SEED, week) if offer.kind == "reminder"]
    assert {SUBCATEGORIES[offer.subcategory].name for _, offer in planned} >= {
        "Winter tyres",
        "Summer tyres",
        "Car insurance",
    }
    for week, offer in planned:
        lasts, peak = CYCLE[offer.subcategory], season(day_of(week).isocalendar().week)[offer.subcategory]
        assert lasts >= 200
        assert peak >= 1


def test_most_offers_are_of_what_is_in_season_and_of_what_is_bought_often() -> None:
    planned = [(week, offer) for week in range(-104, 0) for offer in offers_of(SEED, week)]
    days = np.array([CYCLE[offer.subcategory] for _, offer in planned])
    assert (days <= 60).mean() > 0.6
    assert 0.05 < (days >= 300).mean() < 0.25
    seasonal = [(week, offer.subcategory) for week, offer in planned if PEAK[offer.subcategory]]
    in_season = [season(day_of(week).isocalendar().week)[subcategory] >= 1 for week, subcategory in seasonal]
    assert np.mean(in_season) > 0.5


def test_tastes_follow_the_tree_who_likes_a_category_likes_most_of_its_department() -> None:
    people = people_of(SEED, 0)
    liked = people.taste > 0.1
    fishing, skiing, washing = (liked[:, CATEGORIES.index(name)] for name in ("Fishing", "Skiing", "Washing"))
    assert skiing[fishing].mean() > 0.6
    assert abs(washing[fishing].mean() - washing.mean()) < 0.06
    assert 0.25 < liked.mean() < 0.35
