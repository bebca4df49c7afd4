"""Each family of features on a shop that can be reckoned in the head. The moment is the night of 15 March 2024 in Oslo."""

from typing import Any

import ibis
import ibis.expr.types as ir
import pytest

from ml.club import Club
from ml.examples import night_asks
from ml.feature_dictionary import FEATURE_TABLES, FEATURES
from ml.features import feature_tables
from ml.history import HALF_LIFE
from tests.past_world import NIGHT, shop

pytestmark = pytest.mark.both_engines

BOUGHT = """
    transaction_id | line_no | member_id | product_id | amount | discount | coupon_discount | occurred_at
    t1             | 1       | ada       | beans      | 60     | 40       | 40              | 2024-03-04T23:00
    t1             | 2       | ada       | loaf       | 100    | 0        | 0               | 2024-03-04T23:00
    t2             | 1       | ada       | beans      | 100    | 0        | 0               | 2024-02-23T23:00
    t3             | 1       | ada       | loaf       | 100    | 0        | 0               | 2024-03-14T23:00"""  # at the night's instant


def row(table: ir.Table, **keys: str) -> dict[str, Any]:
    """The one row with the given ids, without its keys."""
    found = [r for r in table.to_pyarrow().to_pylist() if all(r[k] == v for k, v in keys.items())]
    assert len(found) == 1, f"{len(found)} rows for {keys}"
    return found[0]


def member(club: Club, name: str = "ada") -> dict[str, Any]:
    return row(feature_tables(club, night_asks(club, NIGHT)).member_features, member_id=name)


def test_recency_and_frequency_count_baskets_strictly_before_the_night() -> None:
    ada = member(shop(transactions=BOUGHT))
    assert ada["days_since_basket"] == 10  # t3 is at the night's own instant, so it is not known
    assert ada["tenure_days"] == 20
    assert ada["basket_gap"] == 10
    assert ada["basket_due"] == 1
    assert ada["baskets_28"] == pytest.approx(2 * 30 / 28)
    assert ada["baskets_decayed"] == pytest.approx(0.5 ** (10 / HALF_LIFE) + 0.5 ** (20 / HALF_LIFE))


def test_discounts_coupons_and_own_brands_are_shares_of_what_was_bought() -> None:
    ada = member(shop(transactions=BOUGHT))
    assert ada["discount_of_spend"] == pytest.approx(40 / 300)
    assert ada["discounted_lines_share"] == pytest.approx(1 / 3)
    assert ada["own_brand_share"] == pytest.approx(100 / 260)
    assert ada["coupon_baskets_all"] == pytest.approx(1 * 30 / 28)
    assert ada["days_since_coupon"] == 10


def test_where_coupons_are_not_recorded_coupon_habit_is_unknown_and_not_none() -> None:
    ada = member(
        shop(transactions="transaction_id | member_id | product_id | occurred_at\nt1 | ada | loaf | 2024-03-01T12:00")
    )
    assert ada["coupon_baskets_all"] is None
    assert ada["coupon_basket_share"] is None
    assert ada["discount_of_spend"] == 0


def test_a_member_who_never_bought_anything_has_a_row_with_nothing_known() -> None:
    bo = member(shop(transactions=BOUGHT), "bo")
    assert bo["days_since_basket"] is None
    assert bo["campaigns_mailed"] == 0
    assert bo["facts_known"] == 0


def test_answer_rate_is_shrunk_towards_the_clubs_own() -> None:
    club = shop(
        mailings="""
            member_id | campaign_id | sent_at
            ada       | winter      | 2024-01-08T08:00
            bo        | winter      | 2024-01-08T08:00""",
        responses="""
            member_id | campaign_id | offer_id | occurred_at
            ada       | winter      | w-beans  | 2024-01-20T12:00
            bo        | winter      | w-loaf   | 2024-03-20T12:00""",  # bo answers only after the night
    )
    assert member(club)["answer_rate"] == pytest.approx((1 + 3 * 1 / 2) / (1 + 3))
    assert member(club, "bo")["answer_rate"] == pytest.approx((0 + 3 * 1 / 2) / (1 + 3))
    assert member(club)["answers_over_expected"] == pytest.approx((1 + 0.5) / (0.5 + 0.5))


def test_an_answer_to_what_is_sent_only_later_is_not_yet_one() -> None:
    club = shop(
        mailings="""
            member_id | campaign_id | sent_at
            ada       | winter      | 2024-01-08T08:00
            bo        | winter      | 2024-03-20T08:00""",
        responses="member_id | campaign_id | offer_id | occurred_at\nbo | winter | w-beans | 2024-01-20T12:00",
    )
    assert member(club)["answer_rate"] == 0  # of the one who had been written to, none answered


def test_an_open_or_an_unsubscribe_is_no_answer() -> None:
    club = shop(
        mailings="member_id | campaign_id | sent_at\nada | winter | 2024-01-08T08:00",
        responses="member_id | campaign_id | kind | occurred_at\nada | winter | open | 2024-01-09T08:00\nada | winter | unsubscribe | 2024-01-09T08:00",
    )
    assert member(club)["campaigns_answered"] == 0
    assert member(club)["answers_all"] == 0


def test_an_offer_is_judged_by_what_the_member_bought_of_its_products() -> None:
    club = shop(transactions=BOUGHT)
    tables = feature_tables(club, night_asks(club, NIGHT))
    beans = row(tables.member_offer_features, member_id="ada", offer_id="s-beans")
    every = row(tables.member_offer_features, member_id="ada", offer_id="s-all")
    assert beans["product_baskets"] == 2
    assert beans["product_days_since"] == 10
    assert beans["product_due"] == pytest.approx(1.0)  # ten days since, usually ten days between
    assert beans["product_coupons"] == pytest.approx(0.5 ** (10 / HALF_LIFE))
    assert every["product_baskets"] == 1
    assert every["offer_products_known"] == 1
    assert every["category_baskets"] == pytest.approx(2 * 1 / 2 + 1 * 1 / 2)  # half its products are coffee, half bread


def test_a_pair_without_any_evidence_has_no_row() -> None:
    club = shop(transactions=BOUGHT)
    held = feature_tables(club, night_asks(club, NIGHT)).member_offer_features.to_pyarrow().to_pylist()
    assert {r["member_id"] for r in held} == {"ada"}


def test_an_offer_like_one_that_was_answered_is_known_by_its_products() -> None:
    club = shop(
        transactions=BOUGHT,
        mailings="member_id | campaign_id | sent_at\nada | winter | 2024-01-08T08:00",
        responses="member_id | campaign_id | offer_id | occurred_at\nada | winter | w-beans | 2024-01-20T12:00",
    )
    tables = feature_tables(club, night_asks(club, NIGHT))
    assert row(tables.member_offer_features, member_id="ada", offer_id="s-beans")["product_answered"] == pytest.approx(
        1
    )
    assert row(tables.offer_features, offer_id="s-beans")["past_answers_alike"] == pytest.approx(1)
    assert row(tables.member_campaign_features, member_id="ada")["campaign_best_answered_product"] == pytest.approx(1)


def test_the_campaign_sums_up_what_the_member_buys_of_it() -> None:
    club = shop(transactions=BOUGHT)
    ada = row(feature_tables(club, night_asks(club, NIGHT)).member_campaign_features, member_id="ada")
    assert ada["campaign_offers_known"] == 1  # both of the two offers
    assert ada["campaign_spend_share"] == 1
    assert ada["campaign_products_due"] == 1  # the beans


def test_price_position_compares_with_what_the_club_pays_in_the_category() -> None:
    club = shop(
        transactions="""
            transaction_id | member_id | product_id | amount | occurred_at
            t1             | ada       | beans      | 150    | 2024-03-01T12:00
            t2             | bo        | ground     | 50     | 2024-03-01T12:00"""
    )
    held = feature_tables(club, night_asks(club, NIGHT)).member_category_features
    assert row(held, member_id="ada")["category_price_position"] == pytest.approx(0.405, abs=1e-3)  # ln(150 / 100)


def test_reach_is_the_share_of_shopping_members_who_bought_of_the_offer() -> None:
    club = shop(
        transactions="""
            transaction_id | member_id | product_id | occurred_at
            t1             | ada       | beans      | 2024-03-01T12:00
            t2             | bo        | ground     | 2024-03-01T12:00
            t3             | bo        | beans      | 2023-01-01T12:00"""  # more than 91 days ago
    )
    offers = feature_tables(club, night_asks(club, NIGHT)).offer_features
    assert row(offers, offer_id="s-beans")["reach"] == 1 / 2
    assert row(offers, offer_id="s-all")["products"] == 2


def test_the_campaign_has_its_last_day_included_and_the_local_month() -> None:
    club = shop()
    spring = row(feature_tables(club, night_asks(club, NIGHT)).campaign_features, campaign_id="spring")
    assert spring["days_left"] == 24  # 15 March to 7 April
    assert spring["month"] == 3
    assert spring["offers"] == 2


def test_declared_amounts_are_read_as_numbers_and_the_newest_counts() -> None:
    club = shop(
        declared_facts="""
            member_id | fact           | value        | declared_at
            ada       | household_size | 2            | 2023-01-01T00:00
            ada       | household_size | 5+           | 2024-01-01T00:00
            ada       | interest       | fishing      | 2024-02-01T00:00
            ada       | children       | None/Unknown | 2024-02-01T00:00"""
    )
    ada = member(club)
    assert (ada["household_size"], ada["children"], ada["facts_known"]) == (5, None, 3)


def test_a_declared_fact_is_one_fact_however_its_name_is_written() -> None:
    club = shop(
        declared_facts="""
            member_id | fact             | value   | declared_at
            ada       | household_size   | 2       | 2023-01-01T00:00
            ada       | Household_Size   | 5       | 2024-01-01T00:00
            ada       | CHILDREN         | 3       | 2024-02-01T00:00
            ada       | Interest         | COFFEE  | 2024-02-01T00:00"""
    )
    ada = member(club)
    assert (ada["household_size"], ada["children"], ada["facts_known"]) == (5, 3, 3)
    told = feature_tables(club, night_asks(club, NIGHT)).member_offer_features
    assert row(told, member_id="ada", offer_id="s-beans")["interest_recent"] > 0.9


@pytest.mark.parametrize("table", FEATURE_TABLES, ids=lambda t: t.name)
def test_every_table_has_the_dictionarys_columns_and_types(table: Any) -> None:
    club = shop(transactions=BOUGHT)
    made = feature_tables(club, night_asks(club, NIGHT)).tables()[table.name]
    assert made.drop("as_of").schema() == ibis.schema(dict(table.schema.items()))


def test_every_feature_has_a_name_of_its_own_and_a_meaning() -> None:
    names = [f.name for f in FEATURES]
    assert len(set(names)) == len(names)
    assert all(f.meaning.endswith(".") for f in FEATURES)
