"""At what price level a member buys within each group of products: never one label for the whole member, as who buys the
dearest television may buy the cheapest washing machine.
"""

import ibis
import ibis.expr.types as ir

from ml.basis import Basis
from ml.rule import Facts
from ml.shopping import grouped_products, needs, offer_groups


def price_facts(basis: Basis) -> ir.Table:
    """(member_id, offer_id, own_tier, own_tier_name): the mean tier, 1 cheapest to 5 dearest, of what the member bought in
    the groups of an offer that has a price tier, and the name of the group bought most.

    A member's level is known from the policy's number of purchases of a consumable, or from one of a durable.
    """
    tiers = basis.wide.tiers if basis.wide else product_tiers(basis)
    lines = basis.club.transactions.filter(basis.club.transactions.quantity > 0)
    bought = lines.inner_join(tiers, "product_id").select("member_id", "group", "tier")
    level = bought.group_by("member_id", "group").aggregate(purchases=bought.count(), tiers=bought.tier.sum())
    durable = needs(basis).select("member_id", "group", "durable")
    known = level.inner_join(durable, ["member_id", "group"])
    known = known.filter(known.durable | (known.purchases >= basis.policy.price_tier.least_purchases))
    met = known.inner_join(_priced_groups(basis), "group")
    most = ibis.struct({"purchases": met.purchases, "group": met.group})
    return met.group_by("member_id", "offer_id").aggregate(
        own_tier=met.tiers.sum() / met.purchases.sum(), own_tier_name=met.group_name.argmax(most)
    )


def product_tiers(basis: Basis) -> ir.Table:
    """(product_id, group, tier): where a product's price stands within its group, 1 to 5 by rank. Groups of one price have
    no tiers. The price is the list price, or what was paid and discounted a unit where there is none."""
    wanted = _priced_groups(basis).select("group").distinct()
    products = grouped_products(basis).semi_join(wanted, "group").select("product_id", "group")
    lines = basis.club.transactions.filter(basis.club.transactions.quantity > 0).semi_join(products, "product_id")
    paid = (lines.amount + lines.discount).cast("float64").sum() / lines.quantity.sum()
    sold = lines.group_by("product_id").aggregate(paid=paid)
    listed = basis.club.products.select("product_id", listed=basis.club.products.list_price.cast("float64"))
    priced = products.inner_join(listed, "product_id").left_join(sold, "product_id")
    priced = priced.select("product_id", "group", price=priced.listed.fill_null(priced.paid))
    priced = priced.filter(priced.price.notnull())
    within = ibis.window(group_by="group")
    ranked = priced.mutate(
        tier=1 + 4 * ibis.percent_rank().over(group_by="group", order_by="price"),
        spread=priced.price.max().over(within) - priced.price.min().over(within),
    )
    return ranked.filter(ranked.spread > 0).select("product_id", "group", "tier")


def _priced_groups(basis: Basis) -> ir.Table:
    """(offer_id, group, group_name) of the offers that say their price tier."""
    tiered = basis.offers.filter(basis.offers.price_tier.notnull())
    return offer_groups(basis).semi_join(tiered, "offer_id").select("offer_id", "group", "group_name")


PRICE_LEVEL = Facts(("member_id", "offer_id"), price_facts)
