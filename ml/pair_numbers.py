"""Asks and offers numbered, so that a pair of them is one whole number while features are made of it: to group and to join by one
number takes a third of what it takes by a time and three names. The numbers hold for one set of asks, and leave with the names put back.

Where many machines work, one of them would have to number the asks of all: there a pair is the names themselves, as one value.
"""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from ml.club import Club
from ml.kept import is_one_process, keep

ASK = ["as_of", "campaign_id", "member_id"]
PAIR = [*ASK, "offer_id"]
OFFER = ["campaign_id", "offer_id"]
NUMBER = "pair"
_MOST_OFFERS = 2**24  # and asks 2 ** 39: a pair has 63 bits


@dataclass(frozen=True)
class PairNumbers:
    """asks (as_of, campaign_id, member_id, ask) and the offers of their campaigns (campaign_id, offer_id, offer), each numbered from 0."""

    asks: ir.Table
    offers: ir.Table

    @classmethod
    def of(cls, club: Club, asks: ir.Table) -> "PairNumbers":
        """Of the asks, no row twice; numbers are in the order of the names. Held by the engine, as a number once given must stay."""
        offers = club.offers.semi_join(asks, "campaign_id").select(*OFFER)
        asks = asks.select(*ASK)
        if is_one_process(asks):
            place, number = ibis.row_number().over(order_by=ASK), ibis.row_number().over(order_by=OFFER)
        else:
            place, number = ibis.struct({name: asks[name] for name in ASK}), offers.offer_id
        return cls(keep(asks.mutate(ask=place)), keep(offers.mutate(offer=number)))

    def every(self) -> ir.Table:
        """(as_of, campaign_id, member_id, offer_id, pair): the asks and every offer of their campaigns. In the order of the pair they are
        in that of their names, and to sort by one number is quicker."""
        met = self.asks.inner_join(self.offers, "campaign_id")
        return met.select(*PAIR, **{NUMBER: _pair(met.ask, met.offer)})

    def of_offers(self, groups: ir.Table) -> ir.Table:
        """Rows (campaign_id, offer_id, ...) of the asked campaigns' offers, with the number of the offer in place of its id."""
        met = groups.inner_join(self.offers, OFFER)
        return met.select(*(name for name in groups.columns if name != "offer_id"), "offer")

    def of_asked(self, met: ir.Table) -> ir.Table:
        """Rows (as_of, campaign_id, member_id, offer, ...) of what is asked about, with the number of the pair in place of those."""
        asked = met.inner_join(self.asks, ASK)
        rest = (name for name in met.columns if name not in (*ASK, "offer"))
        return asked.select(*rest, **{NUMBER: _pair(asked.ask, asked.offer)})

    def named(self, rows: ir.Table) -> ir.Table:
        """Rows of numbered pairs with their names: as_of, campaign_id, member_id and offer_id."""
        pair = rows[NUMBER]
        if isinstance(pair, ir.StructValue):
            known = rows.mutate(**{name: pair["ask"][name] for name in ASK}, offer_id=pair["offer"])
        else:
            known = rows.mutate(ask=pair // _MOST_OFFERS, offer=pair % _MOST_OFFERS)
            known = known.inner_join(self.asks, "ask").inner_join(self.offers.drop("campaign_id"), "offer")
        return known.select(*PAIR, *(name for name in rows.columns if name != NUMBER))


def _pair(ask: ir.Value, offer: ir.Value) -> ir.Value:
    if isinstance(ask, ir.NumericValue):
        return ask * _MOST_OFFERS + offer
    return ibis.struct({"ask": ask, "offer": offer})
