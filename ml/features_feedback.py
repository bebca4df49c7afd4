"""Features from what members have said of offers: "not for me" and "more like this", of the offer itself or of a product
or group in it. A refusal that stands stops the message by rule (rules_declared.py); the features carry the rest.
"""

import math

import ibis
import ibis.expr.types as ir

from ml.club import Club
from ml.history import seen_from
from ml.pair_numbers import NUMBER, PairNumbers
from ml.source_tables import FEEDBACK_SCOPES
from ml.thing_names import thing_of

HALF_LIFE_OF_WORDS = 180  # days after which what was said weighs half: longer than a purchase, it was said on purpose
SAID = ("against_recent", "liked_recent")


def said_of_offers(club: Club, pairs: PairNumbers) -> ir.Table:
    """One row a pair of whose offer, or of a part of which, the member had said anything.

    against_recent and liked_recent are in 0..1: the share of the offer's products that the word covers, halved every
    HALF_LIFE_OF_WORDS, of the strongest such word; 0 where there is none. Of one thing only the last word counts; of two
    at the same instant the refusal.
    """
    moments = pairs.asks.select("as_of", "member_id").distinct()
    said = club.feedback
    words = said.select("member_id", "scope", "verdict", "recorded_at", thing=thing_of(said.scope, said.scope_id))
    seen = seen_from(moments, words, "recorded_at")
    weight = (seen.days_ago * (-math.log(2) / HALF_LIFE_OF_WORDS)).exp()
    last = seen.group_by("as_of", "member_id", "scope", "thing").aggregate(
        against=weight.max(where=seen.verdict == "not_for_me").fill_null(0.0),
        liked=weight.max(where=seen.verdict == "more_like_this").fill_null(0.0),
    )
    things = pairs.of_offers(things_of_offers(club, pairs.asks))
    met = pairs.of_asked(last.inner_join(things, ["scope", "thing"]))
    return met.group_by(NUMBER).aggregate(
        against_recent=ibis.ifelse(met.against >= met.liked, met.against * met.part, 0.0).max(),
        liked_recent=ibis.ifelse(met.liked > met.against, met.liked * met.part, 0.0).max(),
    )


def things_of_offers(club: Club, asks: ir.Table) -> ir.Table:
    """(campaign_id, offer_id, scope, thing, part): all that can be said something of in the asked campaigns' offers, and
    the share of the offer's products it covers. Groups go by the products' own names, as they are compared."""
    offers = club.offers.semi_join(asks, "campaign_id").select("campaign_id", "offer_id")
    whole = offers.mutate(scope=ibis.literal("offer"), thing=offers.offer_id.strip(), part=ibis.literal(1.0))
    named = offers.inner_join(club.offer_products, "offer_id").inner_join(club.products, "product_id")
    size = named.group_by("offer_id").aggregate(products=named.product_id.nunique())
    tables = [whole]
    for scope in FEEDBACK_SCOPES[1:]:
        value = named.product_id if scope == "product" else named[scope]
        thing = thing_of(ibis.literal(scope), value)
        rows = named.filter(value.notnull()).mutate(scope=ibis.literal(scope), thing=thing)
        covered = rows.group_by("campaign_id", "offer_id", "scope", "thing").aggregate(n=rows.product_id.nunique())
        joined = covered.inner_join(size, "offer_id")
        part = joined.n.cast("float64") / joined.products
        tables.append(joined.select("campaign_id", "offer_id", "scope", "thing", part=part))
    return ibis.union(*tables)
