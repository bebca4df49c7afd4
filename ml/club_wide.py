"""What is a fact of the club as a whole and not of one member: prices, rates, popularity, usual intervals. Reckoned once a night,
it lets a shard of the members be worked on as if the others were there.
"""

from dataclasses import dataclass, fields

import ibis.expr.types as ir

from ml.basis import Basis, Wide
from ml.club import Club
from ml.consent import records_profiling
from ml.features_category import club_prices
from ml.features_offer import campaign_features, offer_features
from ml.features_offer_sums import OfferSums
from ml.features_response import campaign_rates
from ml.price_level import product_tiers
from ml.rules_relevance import reach_facts
from ml.shopping import bought_groups, intervals
from ml.tables import Column, Table, Type

PRICES = Table(
    "club_prices", "What a unit of a category has cost on average. Kept only by clubs of several shards, for their shards.", ("category",),
    (
        Column("category", Type.STRING, "The category."),
        Column("unit_price", Type.NUMBER, "Paid and discounted, a unit.", "club currency", nullable=True),
    ),
)  # fmt: skip
RATES = Table(
    "campaign_rates", "How earlier campaigns were answered by the night. Kept only by clubs of several shards.", ("past_campaign",),
    (
        Column("past_campaign", Type.STRING, "The campaign."),
        Column("mailed", Type.NUMBER, "Members it was sent to.", "members"),
        Column("answered", Type.NUMBER, "Members of them who had answered.", "members"),
        Column("rate", Type.NUMBER, "Answered of mailed.", "share 0..1", nullable=True),
    ),
)  # fmt: skip
REACHES = Table(
    "offer_reach", "How many of the lately buying members buy what an offer is for. Kept only by clubs of several shards.", ("offer_id",),
    (
        Column("offer_id", Type.STRING, "The offer."),
        Column("reach", Type.NUMBER, "Share of the members.", "share 0..1"),
    ),
)  # fmt: skip
INTERVALS = Table(
    "group_intervals", "How often the members buy again of a group of products. Kept only by clubs of several shards.", ("group",),
    (
        Column("group", Type.STRING, "Category and subcategory."),
        Column("interval_days", Type.NUMBER, "Days between two purchases, over all who buy it.", "days", nullable=True),
        Column("cycle_days", Type.NUMBER, "Their median over those who came back.", "days", nullable=True),
    ),
)  # fmt: skip
TIERS = Table(
    "price_tiers", "Where a product's price stands within its group. Kept only by clubs of several shards.", ("product_id",),
    (
        Column("product_id", Type.STRING, "The product."),
        Column("group", Type.STRING, "Category and subcategory."),
        Column("tier", Type.NUMBER, "1 cheapest to 5 dearest."),
    ),
)  # fmt: skip
WIDE_TABLES = (PRICES, RATES, REACHES, INTERVALS, TIERS)


@dataclass(frozen=True)
class WideFeatures:
    """Features, and what features are made from, that are the same for all members; keyed by as_of."""

    campaigns: ir.Table
    offers: ir.Table
    prices: ir.Table
    rates: ir.Table

    def tables(self) -> dict[str, ir.Table]:
        return {f.name: getattr(self, f.name) for f in fields(self)}


def wide_features(club: Club, asks: ir.Table, kinds: tuple[str, ...], sums: OfferSums | None = None) -> WideFeatures:
    """Of the asks' moments and campaigns. `club` is the whole of it, and `sums` what its members bought, where that was made already: of one
    moment."""
    return WideFeatures(
        campaigns=campaign_features(club, asks),
        offers=offer_features(club, asks, kinds, sums),
        prices=club_prices(club, asks.select("as_of").distinct(), one_moment=sums is not None),
        rates=campaign_rates(club, asks, kinds),
    )


def wide_facts(basis: Basis) -> Wide:
    """What the rules compare a member with, from a basis of the whole club."""
    return Wide(
        reach=reach_facts(basis),
        intervals=intervals(bought_groups(basis), basis),
        tiers=product_tiers(basis),
        profiling=records_profiling(basis.club),
    )
