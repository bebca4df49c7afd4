"""The grid that is decided on: every scored member and offer, once for each channel the campaign may use, with what is
known of the offer and what a message is worth. What the rules need beside it is joined in rules.py.
"""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from ml.basis import Basis
from ml.club import Club


def offers_of(club: Club, scores: ir.Table) -> ir.Table:
    """The offers that were scored, with their campaign's class, last day and channels; one row an offer."""
    scored = club.offers.semi_join(scores, "offer_id")
    campaigns = club.campaigns.select("campaign_id", "message_class", "ends_on", "channels")
    return attach(scored, campaigns, "campaign_id")


def pairs(scores: ir.Table, basis: Basis) -> ir.Table:
    """Scores x channels: the columns of `scores`, then channel, of the offer message_class, ends_on, kind, title,
    discount_share and price_tier, and in club currency:

    message_value   what the whole message is expected to earn with this offer at its head, less its costs
    expected_value  what the offer itself is expected to earn, less its part of the message's costs
    answer_margin   what one answer earns
    message_cost    what one message costs

    The first two are null where no relevance is known.
    """
    return on_channels(with_offers(scores, basis.offers), basis)


def with_offers(scores: ir.Table, offers: ir.Table) -> ir.Table:
    """The scores with what is known of the offer."""
    return attach(scores, offers.drop("campaign_id", "audience_rule", "redeemable_in", "channels"), "offer_id")


def on_channels(scored: ir.Table, basis: Basis) -> ir.Table:
    """Rows of `with_offers` once for each channel of the offer's campaign, with their worth there."""
    value = basis.policy.value
    ways = basis.offers.select("offer_id", channel=basis.offers.channels.unique().unnest())
    ways = ways.mutate(message_cost=contact_cost(ways.channel, basis) + value.fatigue_cost)
    grid = scored.inner_join(ways, "offer_id")
    margin = grid.margin.cast("float64").fill_null(value.default_margin)
    cost = grid.message_cost
    whole = grid.mailing_relevance.fill_null(grid.relevance)
    return grid.mutate(
        message_value=whole * margin - cost,
        expected_value=grid.relevance * margin - cost / basis.policy.caps.offers_per_message,
        answer_margin=margin,
    ).drop("margin")


def contact_cost(channel: ir.StringValue, basis: Basis) -> ir.FloatingValue:
    """What one message on the channel costs, in club currency."""
    costs = basis.policy.value.contact_cost.model_dump()
    return ibis.cases(*((channel == name, float(cost)) for name, cost in costs.items()), else_=0.0)


def attach(rows: ir.Table, facts: ir.Table, key: str | Sequence[str]) -> ir.Table:
    """`rows` with the columns of `facts`, null where there are none. `facts` has one row a key."""
    keys = [key] if isinstance(key, str) else list(key)
    joined = rows.left_join(facts, keys)
    return joined.drop(*[f"{name}_right" for name in keys])
