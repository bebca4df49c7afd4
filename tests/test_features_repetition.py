"""Interest against impulse: the man with one pair of ski poles and twelve mayflies wants the reel, not the racing suit."""

import pytest

from ml.examples import night_asks
from ml.features import feature_tables
from tests.past_world import NIGHT, shop

pytestmark = pytest.mark.both_engines

# Four fishing trips, three mayflies each time, and one pair of poles, dearer than all of them.
BOUGHT = """
    transaction_id | line_no | member_id | product_id | quantity | amount | occurred_at
    t1             | 1       | ada       | mayfly     | 3        | 60     | 2023-11-20T12:00
    t2             | 1       | ada       | poles      | 1        | 900    | 2023-12-10T12:00
    t3             | 1       | ada       | mayfly     | 3        | 60     | 2024-01-05T12:00
    t4             | 1       | ada       | mayfly     | 3        | 60     | 2024-02-05T12:00
    t5             | 1       | ada       | mayfly     | 3        | 60     | 2024-03-10T12:00
    t6             | 1       | ada       | poles      | 1        | 900    | 2024-03-20T12:00"""  # after the night


def test_mayflies_month_after_month_are_an_interest_and_one_pair_of_poles_is_not() -> None:
    club = shop(
        products="""
            product_id | category     | subcategory
            mayfly     | FISHING      | FLIES
            reel       | FISHING      | REELS
            poles      | CROSSCOUNTRY | POLES
            suit       | CROSSCOUNTRY | SUITS""",
        offers="offer_id | campaign_id\ns-reel | spring\ns-suit | spring",
        offer_products="offer_id | product_id\ns-reel | reel\ns-suit | suit",
        transactions=BOUGHT,
    )
    tables = feature_tables(club, night_asks(club, NIGHT))
    ada = {r["category"]: r for r in tables.member_category_features.to_pyarrow().to_pylist()}
    assert ada["FISHING"]["months_with_category"] == 4
    assert ada["CROSSCOUNTRY"]["months_with_category"] == 1
    assert ada["FISHING"]["span_with_category"] == 111  # 20 November to 10 March
    assert ada["CROSSCOUNTRY"]["span_with_category"] == 0
    assert ada["FISHING"]["basket_share_with_category"] == 4 / 5
    assert ada["CROSSCOUNTRY"]["basket_share_with_category"] == 1 / 5
    assert ada["CROSSCOUNTRY"]["spend_share_in_category"] > ada["FISHING"]["spend_share_in_category"]  # money misleads
    offers = {r["offer_id"]: r for r in tables.member_offer_features.to_pyarrow().to_pylist()}
    assert (offers["s-reel"]["category_months"], offers["s-reel"]["category_span"]) == (4, 111)
    assert (offers["s-suit"]["category_months"], offers["s-suit"]["category_span"]) == (1, 0)
