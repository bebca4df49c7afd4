"""Reasons that purchases give: it cannot be used where the member shops, it was just bought, it is not due, it is far from
what the member pays for such things.
"""

import ibis
import ibis.expr.types as ir

from ml.basis import Basis
from ml.days import days_between, tonight
from ml.price_level import PRICE_LEVEL
from ml.reasons import Reason
from ml.reminders import OCCASIONS, REMINDERS
from ml.rule import ALL_BUT_SERVICE, Facts, Rule, yes_or_no
from ml.shopping import NEEDS, since
from ml.source_tables import SALES_CHANNELS
from ml.wording import day_in_words, figure, readable, sentence


def shop_facts(basis: Basis) -> ir.Table:
    """(member_id, shops_in_store, shops_in_web, shops_in_app): where the member has bought lately."""
    days = basis.policy.purchases.sales_channel_days
    lines = since(basis.club.transactions, "occurred_at", days, basis).filter(lambda line: line.quantity > 0)
    shops = {f"shops_in_{channel}": (lines.sales_channel == channel).any() for channel in SALES_CHANNELS}
    return lines.group_by("member_id").aggregate(**shops)


def usable_facts(basis: Basis) -> ir.Table:
    """(offer_id, usable_in_store, ...): where the offer can be used; an empty list sets no bounds."""
    where = basis.offers.redeemable_in
    anywhere = where.length() == 0
    usable = {f"usable_in_{channel}": anywhere | where.contains(channel) for channel in SALES_CHANNELS}
    return basis.offers.select("offer_id", **usable)


SHOPS = Facts(("member_id",), shop_facts)
USABLE = Facts(("offer_id",), usable_facts)


def redeemable(row: ir.Table, basis: Basis) -> ir.NumericValue:
    """Null for a member of whom no purchase is known, and for content, of which there is nothing to redeem."""
    somewhere = ibis.literal(False)
    for channel in SALES_CHANNELS:
        somewhere = somewhere | (row[f"shops_in_{channel}"] & row[f"usable_in_{channel}"])
    return ibis.cases((row.kind == "content", ibis.null("float64")), else_=yes_or_no(somewhere))


def usable_where(row: ir.Table) -> ir.StringValue:
    """ "in our stores or in our app"; "elsewhere" where no place is left."""
    named = [row[f"usable_in_{c}"].ifelse(_WHERE[c], ibis.null("string")) for c in SALES_CHANNELS]
    return ibis.array(named).filter(lambda name: name.notnull()).join(" or ").nullif("").fill_null("elsewhere")


_WHERE = {"store": "in our stores", "web": "in our web shop", "app": "in our app"}


def not_just_bought(row: ir.Table, basis: Basis) -> ir.NumericValue:
    """Days since the thing is needed again (below 0: until), when all that the offer is for is durable and was bought."""
    days = days_between(row.need_from, tonight(basis.night))
    return (row.durables_had == row.groups).ifelse(days.cast("float64"), ibis.null("float64"))


def due(row: ir.Table, basis: Basis) -> ir.NumericValue:
    """Days by which the need falls before the campaign's end (below 0: after), when nothing that the offer is for is
    needed before it; for a reminder, days from its window."""
    days = days_between(row.need_from, row.ends_on).cast("float64")
    too_early = (row.groups_had == row.groups) & (row.durables_had < row.groups)
    reminder = row.reminder_margin.fill_null(row.has_occasion.ifelse(-1.0, ibis.null("float64")))
    return ibis.cases((row.kind == "reminder", reminder), (too_early, days), else_=ibis.null("float64"))


def why_not_due(row: ir.Table, basis: Basis) -> ir.StringValue:
    usual = sentence(_bought(row, basis), ", and usually every ", figure(row.need_interval, 0), " days.")
    return (row.kind == "reminder").ifelse(row.reminder_detail.fill_null("There is nothing to remind you of."), usual)


def _bought(row: ir.Table, basis: Basis) -> ir.StringValue:
    return sentence("You bought ", readable(row.need_name), " on ", day_in_words(row.need_last_on, basis.night))


def need_evidence(row: ir.Table, basis: Basis) -> dict[str, ir.Value]:
    """What was bought, when, and how often such things are; null for reminders, of which the window tells."""
    days = row.need_interval.cast("float64").round(0).cast("int64")
    return {"bought": row.need_name, "last_bought_on": row.need_last_on, "usual_days": days}


def price_evidence(row: ir.Table, basis: Basis) -> dict[str, ir.Value]:
    return {"bought": row.own_tier_name, "own_tier": row.own_tier.round(1), "offer_tier": row.price_tier}


def due_from(row: ir.Table, basis: Basis) -> ir.DateValue:
    return (row.kind == "reminder").ifelse(row.reminder_from, row.need_from)


def price_fits(row: ir.Table, basis: Basis) -> ir.NumericValue:
    """Tiers left before the offer is too far from the member's own level in its groups."""
    apart = (row.price_tier.cast("float64") - row.own_tier).abs()
    return basis.policy.price_tier.most_apart - apart


def why_price_does_not_fit(row: ir.Table, basis: Basis) -> ir.StringValue:
    dearer = row.price_tier > row.own_tier
    return sentence(
        "It is ", dearer.ifelse("dearer", "cheaper"), " than the ", readable(row.own_tier_name), " that you buy."
    )


RULES_OF_SHOPPING = (
    Rule(
        Reason.NOT_REDEEMABLE, ("marketing",), (SHOPS, USABLE), redeemable, "yes or no",
        detail=lambda row, basis: sentence("It can be used only ", usable_where(row), ", where you have not shopped lately."),
        would_pass_if=lambda row, basis: sentence("the member shops ", usable_where(row)),
    ),
    Rule(
        Reason.JUST_BOUGHT, ALL_BUT_SERVICE, (NEEDS,), not_just_bought, "days",
        detail=lambda row, basis: sentence(_bought(row, basis), "."),
        would_pass_if=lambda row, basis: sentence("the night is ", day_in_words(row.need_from, basis.night), " or later"),
        until=lambda row, basis: row.need_from,
        evidence=need_evidence,
    ),
    Rule(
        Reason.NOT_DUE, ALL_BUT_SERVICE, (NEEDS, REMINDERS, OCCASIONS), due, "days",
        detail=why_not_due,
        would_pass_if=lambda row, basis: sentence("it is needed by ", day_in_words(due_from(row, basis), basis.night)),
        until=due_from,
        evidence=need_evidence,
    ),
    Rule(
        Reason.PRICE_TIER_MISMATCH, ("marketing",), (PRICE_LEVEL,), price_fits, "tiers",
        detail=why_price_does_not_fit,
        would_pass_if=lambda row, basis: sentence("the member's price level there is within ", figure(ibis.literal(basis.policy.price_tier.most_apart), 1), " of tier ", row.price_tier.cast("string"), " instead of ", figure(row.own_tier, 1)),
        evidence=price_evidence,
    ),
)  # fmt: skip
