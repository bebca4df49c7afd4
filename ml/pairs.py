"""The grid that is decided on: every scored member and offer, once for each channel the campaign may use, with what is
known of the offer and what a message is worth. What is known of the member is joined by the rules that need it.
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
    offers = basis.offers
    grid = attach(scores, offers.drop("campaign_id", "audience_rule", "redeemable_in"), "offer_id")
    grid = grid.mutate(channel=grid.channels.unique().unnest()).drop("channels")
    value = basis.policy.value
    margin = grid.margin.cast("float64").fill_null(value.default_margin)
    cost = contact_cost(grid.channel, basis) + value.fatigue_cost
    whole = grid.mailing_relevance.fill_null(grid.relevance)
    return grid.mutate(
        message_value=whole * margin - cost,
        expected_value=grid.relevance * margin - cost / basis.policy.caps.offers_per_message,
        answer_margin=margin,
        message_cost=cost,
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
