"""A member's habits in a group of products (a product, subcategory, category, brand) at a moment, and which groups an
offer is about. What is made of them for categories, offers and campaigns is in features_*.py.
"""

import ibis
import ibis.expr.types as ir

from ml.club import Club
from ml.exact import total
from ml.history import LEVELS, QUARTER, RECENT, days_before, grouped_products, moments_of, seen_from, visits
from ml.kept import keep

REPEATED = ("subcategory", "category")  # levels at which an interest shows; one product is often bought once
MONTH = 30.0  # days; counted back from the moment, so that a month is never cut by the calendar


def offer_groups(club: Club, level: str) -> ir.Table:
    """(campaign_id, offer_id, value, weight): the groups an offer's products belong to; `weight` is the share of its
    products in the group, so that the weights of an offer sum to at most 1 (products without a group are left out)."""
    named = club.offer_products.inner_join(club.offers.select("offer_id", "campaign_id"), "offer_id")
    named = named.inner_join(grouped_products(club), "product_id")
    size = named.group_by("offer_id").aggregate(products=named.count())
    grouped = named.filter(named[level].notnull())
    grouped = grouped.group_by(["campaign_id", "offer_id", grouped[level].name("value")]).aggregate(n=grouped.count())
    joined = grouped.inner_join(size, "offer_id")
    return joined.select("campaign_id", "offer_id", "value", weight=joined.n.cast("float64") / joined.products)


def group_habits(moments: ir.Table, bought: ir.Table, level: str, values: ir.Table | None = None) -> ir.Table:
    """One row a (as_of, member_id, value) that the member had bought by then.

    `values` (column value) limits the groups looked at. Columns: n, n_28, n_91 (baskets), decayed (baskets, each
    weighing half after HALF_LIFE days), days_since, gap (mean days between baskets, null after one), due
    (days_since / gap), span (days from the first basket to the last), spend, spend_91, quantity, list_value (spend and discount),
    coupons, coupons_decayed, and at the levels REPEATED months (different spans of 30 days with a basket).
    """
    counted = visits(bought, level)
    if values is not None:
        counted = counted.semi_join(values, "value")
    s = seen_from(moments, counted)
    quarter, used = s.days_ago <= QUARTER, s.coupon > 0
    repeated = {"months": (s.days_ago / MONTH).floor().nunique().cast("float64")} if level in REPEATED else {}
    t = s.group_by("as_of", "member_id", "value").aggregate(
        n=s.count().cast("float64"),
        n_28=(s.days_ago <= RECENT).sum().cast("float64"),
        n_91=quarter.sum().cast("float64"),
        decayed=total(s.weight),
        days_since=s.days_ago.min(),
        known_days=s.days_ago.max(),
        spend=total(s.amount),
        spend_91=total(s.amount, where=quarter).fill_null(0),
        quantity=total(s.quantity),
        list_value=total(s.amount) + total(s.discount),
        coupons=used.sum().cast("float64"),
        coupons_decayed=total(s.weight, where=used).fill_null(0),
        **repeated,
    )
    gap = (t.known_days - t.days_since) / (t.n - 1).nullif(0)
    due = ibis.ifelse(gap.isnull(), ibis.null("float64"), t.days_since / ibis.greatest(gap, 1.0))
    return t.mutate(gap=gap, due=due, span=t.known_days - t.days_since).drop("known_days")


def habits_by_level(club: Club, asks: ir.Table, bought: ir.Table) -> dict[str, ir.Table]:
    """Habits of the asked members, from their `purchases`, at every level of `LEVELS`; each is kept by the engine, as several
    families of features are made from it. Below category only groups that an asked campaign's offers are about."""
    moments = moments_of(asks)
    levels: dict[str, ir.Table] = {}
    for level in LEVELS:
        values = None
        if level != "category":
            values = offer_groups(club, level).semi_join(asks, "campaign_id").select("value").distinct()
        levels[level] = keep(group_habits(moments, bought, level, values))
    return levels


def answered_groups(club: Club, asks: ir.Table, level: str, kinds: tuple[str, ...]) -> ir.Table:
    """(as_of, member_id, value, strength): groups of the offers the member had answered by then. A group weighs
    sqrt(its share of the offer), so that two offers joined on value add up to the cosine of their products."""
    answered = club.responses.filter(club.responses.kind.isin(kinds) & club.responses.offer_id.notnull())
    answered = answered.semi_join(asks, "member_id")
    groups = offer_groups(club, level)
    known = answered.select("member_id", "offer_id", "occurred_at").inner_join(groups, "offer_id")
    moments = asks.select("as_of", "member_id").distinct()
    seen = moments.inner_join(known, [moments.member_id == known.member_id, known.occurred_at < moments.as_of])
    seen = seen.drop("member_id_right").mutate(weight=seen.weight.sqrt())
    return seen.group_by("as_of", "member_id", "value").aggregate(
        strength=total(seen.weight), days_since=days_before(seen.as_of, seen.occurred_at).min()
    )
