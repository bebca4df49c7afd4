"""What is told of a thing never bought by what stands beside it: the department, the price taken elsewhere in it, an interest
named, the season, and how often others buy it again.
"""

import pytest

from ml.examples import night_asks, offer_rows, offered
from ml.features import FeatureTables, feature_tables
from ml.kept import keep
from tests.past_world import NIGHT, shop

pytestmark = pytest.mark.both_engines

PRODUCTS = """
    product_id | department | category | subcategory | list_price
    cheap-tv   | WIRED      | SCREENS  | TV          | 100
    fair-tv    | WIRED      | SCREENS  | TV          | 200
    dear-tv    | WIRED      | SCREENS  | TV          | 900
    cable      | WIRED      | CABLES   | HDMI        | 10
    gold-cable | WIRED      | CABLES   | HDMI        | 90
    wool       | YARN       | WOOL     | MERINO      | 40"""
OFFERS = """
    offer_id | campaign_id | price_tier
    s-tv     | spring      | 5
    s-wool   | spring      | -"""
OFFER_PRODUCTS = "offer_id | product_id\ns-tv | dear-tv\ns-wool | wool"
BOUGHT = """
    transaction_id | member_id | product_id | amount | occurred_at
    t1             | ada       | cheap-tv   | 100    | 2023-06-15T12:00
    t2             | ada       | gold-cable | 300    | 2024-03-01T12:00
    t3             | bo        | wool       | 40     | 2024-01-01T12:00
    t4             | bo        | wool       | 40     | 2024-01-31T12:00
    t5             | bo        | wool       | 40     | 2024-03-10T12:00
    t6             | ada       | dear-tv    | 900    | 2024-03-20T12:00"""  # after the night
TOLD = """
    member_id | fact     | value  | declared_at
    ada       | interest | merino | 2023-03-15T23:00
    ada       | interest | wool   | 2020-01-01T12:00
    bo        | interest | bread  | 2024-03-01T12:00"""


@pytest.fixture
def tables() -> FeatureTables:
    club = shop(
        products=PRODUCTS, offers=OFFERS, offer_products=OFFER_PRODUCTS, transactions=BOUGHT, declared_facts=TOLD
    )
    return feature_tables(club, night_asks(club, NIGHT))


def by(rows: list[dict[str, object]], *names: str) -> dict[tuple[object, ...], dict[str, object]]:
    return {tuple(row[name] for name in names): row for row in rows}


def test_a_department_is_known_by_its_baskets_categories_share_of_spend_and_interests(tables: FeatureTables) -> None:
    held = by(tables.member_department_features.to_pyarrow().to_pylist(), "member_id", "department")
    wired = held["ada", "WIRED"]
    assert (wired["department_baskets"], wired["department_categories"]) == (2, 2)
    assert wired["department_share"] == 1
    assert wired["department_interests"] == 0
    assert held["ada", "YARN"]["department_baskets"] == 0  # named, never bought in
    assert held["ada", "YARN"]["department_interests"] == pytest.approx(0.5, abs=0.001)  # a year old
    assert ("bo", "WIRED") not in held


def test_a_declared_interest_meets_the_offer_it_names_and_weighs_nothing_after_two_years(tables: FeatureTables) -> None:
    held = by(tables.member_offer_features.to_pyarrow().to_pylist(), "member_id", "offer_id")
    assert held["ada", "s-wool"]["interest_recent"] == pytest.approx(0.5, abs=0.001)  # merino, not the wool of 2020
    assert held["bo", "s-wool"]["interest_recent"] == 0


def test_how_far_an_offer_is_from_what_the_member_pays_is_told_of_its_category_alone(tables: FeatureTables) -> None:
    """Ada took the cheapest television and the dearest cable."""
    held = by(tables.member_offer_features.to_pyarrow().to_pylist(), "member_id", "offer_id")
    assert held["ada", "s-tv"]["category_price_apart"] == 4  # tier 5 beside tier 1
    assert held["bo", "s-wool"]["category_price_apart"] is None  # the offer says no tier
    levels = by(tables.member_features.to_pyarrow().to_pylist(), "member_id")
    assert levels[("ada",)]["price_level"] == 3
    assert levels[("bo",)]["price_level"] is None  # one price of wool has no tiers


def test_a_thing_bought_once_is_due_by_the_interval_of_those_who_buy_it_again(tables: FeatureTables) -> None:
    offers = by(tables.offer_features.to_pyarrow().to_pylist(), "offer_id")
    assert offers[("s-wool",)]["usual_interval"] == 34.5  # 30 days, then 39
    assert offers[("s-tv",)]["usual_interval"] is None
    # Of wool 1 was bought in 28 days; 3 in 73.46 days lead to expect 1.14. One more on either side, as little is known.
    assert offers[("s-wool",)]["season_pace"] == pytest.approx((1 + 1) / (3 * 28 / 73.458 + 1), rel=1e-3)


def test_a_row_of_the_model_tells_of_the_department_also_where_nothing_of_the_offer_is_known() -> None:
    club = shop(
        products=PRODUCTS, offers=OFFERS, offer_products=OFFER_PRODUCTS, transactions=BOUGHT, declared_facts=TOLD
    )
    asks = keep(night_asks(club, NIGHT))
    rows = by(offer_rows(club, offered(club, asks)).to_pyarrow().to_pylist(), "member_id", "offer_id")
    assert rows["ada", "s-wool"]["department_interests"] == pytest.approx(0.5, abs=0.001)
    assert rows["ada", "s-tv"]["department_categories"] == 2
    assert rows["bo", "s-tv"]["department_categories"] == 0
    assert rows["bo", "s-wool"]["subcategory_of_usual"] == pytest.approx(4.458 / 34.5, rel=1e-3)
    assert rows["ada", "s-wool"]["subcategory_of_usual"] is None
