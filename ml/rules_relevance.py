"""Reasons of worth: how much is known of the member, how relevant the mailing is, what it would earn."""

import ibis
import ibis.expr.types as ir

from ml.basis import Basis
from ml.chance import chosen, draw
from ml.days import local_day
from ml.declared import believed
from ml.reasons import Reason
from ml.rule import ALL_BUT_SERVICE, Facts, Rule
from ml.shopping import grouped_products, offer_groups, since
from ml.uplift import HABIT
from ml.wording import counted, figure, money, sentence


def known_facts(basis: Basis) -> ir.Table:
    """(member_id, known_things): days of purchase in a year, facts declared and still believed, feedback, responses."""
    club = basis.club
    bought = since(club.transactions, "occurred_at", 365, basis).filter(lambda line: line.quantity > 0)
    things = ibis.union(
        bought.select("member_id", thing=local_day(bought.occurred_at, basis.night).cast("string")).distinct(),
        believed(basis).select("member_id", thing="fact").distinct(),
        club.feedback.select("member_id", thing="feedback_id"),
        club.responses.select("member_id", thing="response_id"),
        distinct=False,
    )
    return things.group_by("member_id").aggregate(known_things=things.count())


def reach_facts(basis: Basis) -> ir.Table:
    """(offer_id, reach): share of the lately buying members who bought anything of the offer's groups."""
    if basis.wide:
        return basis.wide.reach
    days = basis.policy.confidence.safe_days
    lines = since(basis.club.transactions, "occurred_at", days, basis).filter(lambda line: line.quantity > 0)
    bought = lines.inner_join(grouped_products(basis), "product_id").select("member_id", "group").distinct()
    wanted = bought.inner_join(offer_groups(basis).select("offer_id", "group"), "group")
    buyers = wanted.group_by("offer_id").aggregate(buyers=wanted.member_id.nunique())
    joined = buyers.cross_join(lines.aggregate(everybody=lines.member_id.nunique()))
    return joined.select("offer_id", reach=joined.buyers / joined.everybody)


KNOWN = Facts(("member_id",), known_facts)
REACH = Facts(("offer_id",), reach_facts)


def enough_known(row: ir.Table, basis: Basis) -> ir.NumericValue:
    """Things known above the least that the policy asks for. Safe for all: what is no marketing, and what many buy.
    Where a model was used, an offer without a score is not known to be relevant, and where the spread of the model is known,
    its lower bound must not be next to nothing either (then in relevance)."""
    ask = basis.policy.confidence
    safe = (row.message_class != "marketing") | (row.reach >= ask.safe_reach).fill_null(False)
    by_evidence = row.known_things.fill_null(0).cast("float64") - ask.least_known
    thin = ~safe & (by_evidence < 0)
    if basis.threshold is None:
        return thin.ifelse(by_evidence, ibis.null("float64"))
    unscored = row.mailing_relevance.isnull() & (row.message_class == "marketing")
    by_spread = row.relevance_low - ask.least_lower_bound * basis.threshold
    relevant = row.mailing_relevance >= basis.threshold
    return ibis.cases((thin, by_evidence), (unscored, -1.0), (relevant, by_spread), else_=ibis.null("float64"))


def is_thin(row: ir.Table, basis: Basis) -> ir.BooleanValue:
    return row.known_things.fill_null(0) < basis.policy.confidence.least_known


def explored(row: ir.Table, basis: Basis) -> ir.BooleanValue:
    """Was this mailing drawn to go out although it is below the threshold."""
    chance = basis.policy.chance
    return chosen(draw(chance.seed, "explore", row.member_id, row.campaign_id), chance.exploration_share)


def relevant_enough(row: ir.Table, basis: Basis) -> ir.NumericValue:
    """Mailing relevance above the threshold; null where no model was used or the mailing is drawn to explore."""
    if basis.threshold is None:
        return ibis.null("float64")
    above = row.mailing_relevance - basis.threshold
    if basis.policy.chance.exploration_share == 0:
        return above
    return explored(row, basis).ifelse(ibis.null("float64"), above)


def relevance_wanted(row: ir.Table, basis: Basis) -> ir.StringValue:
    return sentence("relevance ", f"{basis.threshold or 0:.3f}", " instead of ", figure(row.mailing_relevance))


def added_value(row: ir.Table) -> ir.NumericValue:
    """What a discount adds at most to what such members buy anyway, less the message's costs; null where it is not known."""
    added = row.uplift_high * row.answer_margin - row.message_cost
    return (row.kind == "discount").ifelse(added, ibis.null("float64"))


def worth_it(row: ir.Table, basis: Basis) -> ir.NumericValue:
    """What the message is expected to earn less its costs, for a sure buyer what it adds to that; null where it is not known or
    the mailing explores."""
    value = ibis.least(row.message_value, added_value(row).fill_null(row.message_value))
    if basis.policy.chance.exploration_share == 0:
        return value
    return explored(row, basis).ifelse(ibis.null("float64"), value)


def buys_anyway(row: ir.Table) -> ir.BooleanValue:
    """Would the message be worth it, but for the member's buying without it."""
    return (added_value(row) < 0).fill_null(False) & (row.message_value.fill_null(0.0) >= 0)


def habit_evidence(row: ir.Table, basis: Basis) -> dict[str, ir.Value]:
    return {
        "days_bought": row.habit_days,
        "of_days": ibis.literal(basis.policy.sure_buyers.days),
        "discount_adds_at_most": row.uplift_high.round(4),
    }


RULES_OF_RELEVANCE = (
    Rule(
        Reason.LOW_CONFIDENCE, ALL_BUT_SERVICE, (KNOWN, REACH), enough_known, "things known, or relevance",
        detail=lambda row, basis: is_thin(row, basis).ifelse(
            sentence("We know too little of you yet: ", counted(row.known_things.fill_null(0), "thing", "things"), "."),
            "We are not sure enough that this is for you.",
        ),
        would_pass_if=lambda row, basis: is_thin(row, basis).ifelse(
            ibis.literal(f"{basis.policy.confidence.least_known} things are known of the member"),
            "the model is surer of the member",
        ),
    ),
    Rule(
        Reason.LOW_RELEVANCE, ALL_BUT_SERVICE, (), relevant_enough, "relevance",
        detail=lambda row, basis: sentence("We do not expect you to want this: relevance ", figure(row.mailing_relevance), f", where we ask for {basis.threshold or 0:.3f}."),
        would_pass_if=relevance_wanted,
    ),
    Rule(
        Reason.NO_VALUE, ("marketing",), (HABIT,), worth_it, "club currency",
        detail=lambda row, basis: buys_anyway(row).ifelse("You buy this so often that you need no discount for it.", sentence("A message would cost ", money(-row.message_value), " more than it is expected to earn.")),
        would_pass_if=lambda row, basis: buys_anyway(row).ifelse("a discount makes members who buy as often buy more", sentence("it is expected to earn ", money(-row.message_value), " more")),
        evidence=habit_evidence,
    ),
)  # fmt: skip
