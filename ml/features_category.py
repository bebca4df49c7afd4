"""Features of a member and a category: how lately, how often, what share of the spend, the usual interval, and the
price position: what the member pays per unit beside what the club's members pay.
"""

from collections.abc import Mapping

import ibis.expr.types as ir

from ml.club import Club
from ml.exact import total
from ml.history import moments_of, seen_from, share


def category_features(
    club: Club, asks: ir.Table, habits: Mapping[str, ir.Table], bought: ir.Table, prices: ir.Table | None = None
) -> ir.Table:
    """One row a (as_of, member_id, category) of which the member has bought anything. `bought` are the `purchases` of the asked
    members, `prices` the whole club's (`club_prices`), where `club` is one shard of it."""
    moments, h = moments_of(asks), habits["category"]
    spent = h.group_by("as_of", "member_id").aggregate(total=total(h.spend))
    h = h.inner_join(spent, ["as_of", "member_id"])
    h = h.left_join(_baskets(bought, moments), ["as_of", "member_id"]).drop("as_of_right", "member_id_right")
    prices = club_prices(club, moments) if prices is None else prices
    h = h.left_join(prices, [h.as_of == prices.as_of, h["value"] == prices.category])
    paid = share(h.list_value, h.quantity)
    return h.select(
        "as_of",
        "member_id",
        category="value",
        baskets_in_category="n",
        baskets_in_category_91="n_91",
        baskets_in_category_decayed="decayed",
        months_with_category="months",
        span_with_category="span",
        basket_share_with_category=share(h.n, h.baskets),
        days_since_category="days_since",
        category_interval="gap",
        category_intervals_passed="due",
        spend_share_in_category=share(h.spend, h.total),
        category_price_position=(paid.nullif(0) / h.unit_price.nullif(0)).ln(),
        coupons_in_category_decayed="coupons_decayed",
    )


def _baskets(bought: ir.Table, moments: ir.Table) -> ir.Table:
    """(as_of, member_id, baskets): all the receipts a member had by the moment."""
    receipts = bought.group_by("member_id", "transaction_id").aggregate(occurred_at=bought.occurred_at.min())
    seen = seen_from(moments, receipts)
    return seen.group_by("as_of", "member_id").aggregate(baskets=seen.count())


def club_prices(club: Club, moments: ir.Table, one_moment: bool = False) -> ir.Table:
    """(as_of, category, unit_price): what a unit of the category cost on average before the moment. `one_moment` says that all as_of are
    the same, which spares sums by time."""
    lines = club.transactions.filter(club.transactions.quantity > 0)
    named = lines.inner_join(club.products.select("product_id", "category"), "product_id")
    value = (named.amount + named.discount).cast("float64")
    sums = named.select("category", "occurred_at", "quantity", value=value)
    if not one_moment:
        sums = sums.group_by("category", "occurred_at").aggregate(
            value=total(sums["value"]), quantity=total(sums.quantity)
        )
    times = moments.select("as_of").distinct()
    seen = times.inner_join(sums, sums.occurred_at < times.as_of)
    return seen.group_by("as_of", "category").aggregate(unit_price=share(total(seen["value"]), total(seen.quantity)))
