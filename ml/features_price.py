"""Features of the price position: at which tier a member buys, over all and within the categories of an offer that says its
own tier. Never a label for the whole member where the category is known: who buys the dearest television may buy the
cheapest washing machine.
"""

import ibis
import ibis.expr.types as ir

from ml.club import Club
from ml.exact import total
from ml.habits import offer_groups
from ml.history import moments_of, seen_from
from ml.pair_numbers import NUMBER, PairNumbers


def listed_tiers(club: Club) -> ir.Table:
    """(product_id, category, tier): where a product's list price stands within its subcategory, 1 cheapest to 5 dearest by
    rank. Products without a list price, and subcategories of one price, have no tier. A list price has no date, so what was paid later cannot move it."""
    listed = club.products.filter(club.products.list_price.notnull())
    price = listed.list_price.cast("float64")
    within = ["category", "subcategory"]
    ranked = listed.mutate(
        tier=1 + 4 * ibis.percent_rank().over(group_by=within, order_by=price),
        spread=price.max().over(group_by=within) - price.min().over(group_by=within),
    )
    return ranked.filter(ranked.spread > 0).select("product_id", "category", "tier")


def tiers_bought(club: Club, asks: ir.Table) -> ir.Table:
    """(as_of, member_id, category, lines, tiers): lines of priced products by the moment, and the sum of their tiers."""
    moments = moments_of(asks)
    lines = club.transactions.filter(club.transactions.quantity > 0).semi_join(moments, "member_id")
    priced = lines.inner_join(listed_tiers(club), "product_id").select("member_id", "occurred_at", "category", "tier")
    seen = seen_from(moments, priced)
    return seen.group_by("as_of", "member_id", "category").aggregate(
        lines=seen.count().cast("float64"), tiers=total(seen.tier)
    )


def price_levels(bought: ir.Table) -> ir.Table:
    """One row a (as_of, member_id) of `tiers_bought`: price_level, the mean tier of what the member buys."""
    return bought.group_by("as_of", "member_id").aggregate(price_level=total(bought.tiers) / bought.lines.sum())


def price_apart(club: Club, pairs: PairNumbers, bought: ir.Table) -> ir.Table:
    """One row a pair whose offer says its tier and in whose categories the member has bought (`tiers_bought`): category_price_apart,
    how many tiers the offer is from the mean of what the member takes there."""
    tiered = club.offers.filter(club.offers.price_tier.notnull())
    asked = tiered.select("campaign_id", "offer_id", price_tier=tiered.price_tier.cast("float64"))
    groups = pairs.of_offers(asked.inner_join(offer_groups(club, "category").drop("campaign_id"), "offer_id"))
    met = pairs.of_asked(bought.inner_join(groups, bought.category == groups["value"]))
    summed = met.group_by(NUMBER).aggregate(
        lines=met.lines.sum(), tiers=total(met.tiers), price_tier=met.price_tier.max()
    )
    return summed.select(NUMBER, category_price_apart=(summed.price_tier - summed.tiers / summed.lines).abs())
