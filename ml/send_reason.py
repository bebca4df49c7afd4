"""Why an offer is sent, as a sentence the member may read: from their own purchases and what they told us of themselves, never from
a sensitive group.
"""

import ibis
import ibis.expr.types as ir

from ml.basis import Basis
from ml.days import local_day
from ml.shopping import bought_groups, offer_groups
from ml.wording import UNNAMED, day_in_words, fact_in_words, json_object, readable, sentence

# What a member may read where the family speaks for the offer; of the others nothing is said.
WORDS: dict[str, str] = {
    "recency": "You have shopped with us lately.",
    "frequency": "You shop with us often.",
    "breadth": "You buy many different things from us.",
    "discount": "You like to use coupons and offers.",
    "response": "You have answered messages like this one before.",
    "affinity": "It fits what you usually buy.",
    "coupon affinity": "You have used coupons on things like this before.",
    "answered affinity": "You have used offers like this one before.",
    "repetition": "It fits what you buy again and again.",
    "replenishment": "It may be time to buy this again.",
    "price": "It fits the prices that you usually pay.",
    "popularity": "Many of our members like it.",
}

OFTEN = 3  # days of purchase from which a member buys a thing "often"


def send_facts(sent: ir.Table, basis: Basis) -> ir.Table:
    """(member_id, offer_id, liked_name, liked_days, liked_last_on): of the groups of an offer sent, the one that the member
    has bought on most days."""
    groups = offer_groups(basis)
    groups = groups.filter(groups.group_name != UNNAMED).select("offer_id", "group", "group_name")
    asked = sent.select("member_id", "offer_id").distinct().inner_join(groups, "offer_id")
    met = asked.inner_join(bought_groups(basis), ["member_id", "group"])
    place = ibis.row_number().over(
        group_by=["member_id", "offer_id"], order_by=[ibis.desc("days"), ibis.desc("last_on"), "group_name"]
    )
    first = met.mutate(place=place).filter(lambda row: row.place == 0)
    return first.select("member_id", "offer_id", liked_name="group_name", liked_days="days", liked_last_on="last_on")


def send_reason(row: ir.Table, basis: Basis) -> ir.StringValue:
    return ibis.cases(
        (row.liked_days >= OFTEN, sentence("You often buy ", readable(row.liked_name), ".")),
        (row.told_fact.notnull(), sentence("On ", day_in_words(_told_on(row, basis), basis.night), " you told us: ", _told(row, basis), ".")),
        (row.liked_days > 0, sentence("You bought ", readable(row.liked_name), " on ", day_in_words(row.liked_last_on, basis.night), ".")),
        (row.message_class == "service", "This is a message of service to you as our customer."),
        *((row.speaks_for == family, words) for family, words in WORDS.items()),
        else_="Chosen for you from the offers of this campaign.",
    )  # fmt: skip


def _told(row: ir.Table, basis: Basis) -> ir.StringValue:
    return fact_in_words(row.told_fact, row.told_value, basis.policy.sensitive.categories)


def _told_on(row: ir.Table, basis: Basis) -> ir.DateValue:
    return local_day(row.told_at, basis.night)


def send_evidence(row: ir.Table, basis: Basis) -> ir.StringValue:
    facts = {
        "bought": row.liked_name,
        "days_bought": row.liked_days,
        "last_bought_on": row.liked_last_on,
        "declared": _told(row, basis),
        "declared_on": _told_on(row, basis),
    }
    return json_object(facts, {"contributions": row.contributions})
