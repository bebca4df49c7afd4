"""Features from what members have said of themselves: that they said anything, how long ago, and the facts that are
amounts; and the interests that meet an offer. They weigh less the older they are; hard limits from declared facts are rules, not features.
"""

import math

import ibis
import ibis.expr.types as ir

from ml.club import Club
from ml.features_feedback import things_of_offers
from ml.history import moments_of, seen_from
from ml.pair_numbers import NUMBER, PairNumbers
from ml.thing_names import plain

HALF_LIFE_OF_INTERESTS = 365  # days after which a declared interest weighs half
BELIEVED = 730  # days after which it weighs nothing, as in the policy's [declared.days]
INTERESTING = ("subcategory", "category", "department", "brand")  # what an interest can be the name of
AMOUNTS = ("household_size", "children")  # facts read as the first number in the value ("5+" is 5, none is missing)


def declared(club: Club) -> ir.Table:
    """The declared facts, their names as rules compare them: " Interest" is "interest"."""
    return club.declared_facts.mutate(fact=plain(club.declared_facts.fact))


def declared_features(club: Club, asks: ir.Table) -> ir.Table:
    """One row a (as_of, member_id): facts_known (0 when none), days_since_fact, and each of `AMOUNTS`, null if not said."""
    moments = moments_of(asks)
    seen = seen_from(moments, declared(club), "declared_at")
    number = seen["value"].re_extract(r"(\d+)", 1).nullif("").cast("float64")
    amounts = {f: number.argmax(seen.declared_at, where=seen.fact == f) for f in AMOUNTS}
    facts = seen.group_by("as_of", "member_id").aggregate(
        facts_known=seen.fact.nunique().cast("float64"), days_since_fact=seen.days_ago.min(), **amounts
    )
    joined = moments.left_join(facts, ["as_of", "member_id"]).drop("as_of_right", "member_id_right")
    return joined.mutate(facts_known=ibis.coalesce(joined.facts_known, 0.0))


def declared_interests(club: Club, asks: ir.Table) -> ir.Table:
    """(as_of, member_id, value, weight): the interests that members had declared by then, in small letters, with a weight of 0..1 by
    their age. One said again is as old as its last word."""
    told = declared(club).filter(lambda said: said.fact == "interest")
    seen = seen_from(moments_of(asks), told, "declared_at")
    seen = seen.filter(seen.days_ago <= BELIEVED)
    weight = (seen.days_ago * (-math.log(2) / HALF_LIFE_OF_INTERESTS)).exp()
    named = seen.select("as_of", "member_id", value=plain(seen["value"]), weight=weight)
    return named.group_by("as_of", "member_id", "value").aggregate(weight=named.weight.max())


def interest_in_offers(club: Club, pairs: PairNumbers) -> ir.Table:
    """One row a pair that meets a declared interest: interest_recent in 0..1, the share of the offer's products that the interest
    covers, halved every HALF_LIFE_OF_INTERESTS, of the strongest."""
    things = things_of_offers(club, pairs.asks)
    things = pairs.of_offers(things.filter(things.scope.isin(INTERESTING)).rename(value="thing"))
    met = pairs.of_asked(declared_interests(club, pairs.asks).inner_join(things, "value"))
    return met.group_by(NUMBER).aggregate(interest_recent=(met.weight * met.part).max())
