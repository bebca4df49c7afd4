"""All features of a table of asks, one table a grain: the one place that puts the families of features_*.py together.
The night writes these tables to its lake; training makes the same tables for many past moments at once.
"""

from dataclasses import dataclass, fields, replace

import ibis.expr.types as ir

from ml.club import Club
from ml.club_wide import WideFeatures, wide_features
from ml.feature import Feature
from ml.features_affinity import offer_affinity
from ml.features_campaign import campaign_affinity
from ml.features_category import category_features
from ml.features_declared import declared_features
from ml.features_department import department_features
from ml.features_member import purchase_features
from ml.features_of_members import CATEGORY, MEMBER
from ml.features_of_offers import CAMPAIGN, DEPARTMENT, MEMBER_CAMPAIGN, MEMBER_OFFER, OFFER
from ml.features_offer_sums import OfferSums
from ml.features_price import price_levels, tiers_bought
from ml.features_response import response_features, response_to_kind
from ml.habits import habits_by_level
from ml.history import purchases
from ml.kept import keep
from ml.tables import Table

ANSWERS = ("redeem", "click")  # kinds of response that count as an answer, unless the caller says otherwise


@dataclass(frozen=True)
class FeatureTables:
    """Features by grain, each keyed by as_of and the ids of its grain. Names are those of the lake's tables."""

    member_features: ir.Table
    member_category_features: ir.Table
    member_department_features: ir.Table
    campaign_features: ir.Table
    member_campaign_features: ir.Table
    offer_features: ir.Table
    member_offer_features: ir.Table

    def tables(self) -> dict[str, ir.Table]:
        """The tables by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def kept(self) -> "FeatureTables":
        """The same, computed once and held by the engine, for who makes rows of them several times. Those of categories,
        of which no row is made, stay as they are."""
        made = {name: keep(table) for name, table in self.tables().items() if name != "member_category_features"}
        return replace(self, **made)


def whole_clubs_features(
    club: Club, asks: ir.Table, kinds: tuple[str, ...] = ANSWERS, sums: OfferSums | None = None
) -> WideFeatures:
    """`wide_features` of a club that is not divided."""
    wide = wide_features(club, asks, kinds, sums)
    return replace(wide, rates=keep(wide.rates))  # two families read them


def feature_tables(
    club: Club, asks: ir.Table, kinds: tuple[str, ...] = ANSWERS, wide: WideFeatures | None = None
) -> FeatureTables:
    """Features at every moment asked about. `asks` has as_of (UTC), campaign_id, member_id.

    Only what happened strictly before each row's as_of has a part in it, so a club that knows the future gives the
    same. `wide` is what `wide_features` made of the whole club, where `club` and `asks` are one shard of it. Tables from which others are made are kept by the engine for as long as the result lives.
    """
    ask = ["as_of", "campaign_id", "member_id"]
    asks = asks.select(*ask).distinct()
    wide = whole_clubs_features(club, asks, kinds) if wide is None else wide
    bought = keep(purchases(club, asks))
    habits = habits_by_level(club, asks, bought)
    tiers = keep(tiers_bought(club, asks))
    evidence = keep(offer_affinity(club, asks, habits, tiers, kinds))
    member_parts = (
        declared_features(club, asks),
        purchase_features(asks, bought),
        response_features(club, asks, kinds, wide.rates),
        price_levels(tiers),
    )
    member = member_parts[0]
    for part in member_parts[1:]:
        member = member.left_join(part, ["as_of", "member_id"]).drop("as_of_right", "member_id_right")
    reach = campaign_affinity(club, asks, habits, evidence, wide.campaigns)
    reach = reach.left_join(response_to_kind(club, asks, kinds, wide.rates), ask)
    reach = reach.drop(*[f"{k}_right" for k in ask])
    return FeatureTables(
        member_features=_in_order(member, ("as_of", "member_id"), MEMBER),
        member_category_features=_in_order(
            category_features(club, asks, habits, bought, wide.prices), ("as_of", "member_id", "category"), CATEGORY
        ),
        member_department_features=_in_order(
            department_features(club, asks, habits["category"]), ("as_of", "member_id", "department"), DEPARTMENT
        ),
        campaign_features=_in_order(wide.campaigns, ("as_of", "campaign_id"), CAMPAIGN),
        member_campaign_features=_in_order(reach, tuple(ask), MEMBER_CAMPAIGN),
        offer_features=_in_order(wide.offers, ("as_of", "campaign_id", "offer_id"), OFFER),
        member_offer_features=_in_order(evidence, (*ask, "offer_id"), MEMBER_OFFER),
    )


def in_order_of(definition: Table, rows: ir.Table) -> ir.Table:
    """Rows with the definition's columns, in its order and types."""
    return rows.select(**{name: rows[name].cast(kind) for name, kind in definition.schema.items()})


def _in_order(table: ir.Table, keys: tuple[str, ...], features: tuple[Feature, ...]) -> ir.Table:
    """The keys and the dictionary's features, in its order and with its types."""
    values = {f.name: table[f.name].cast("string" if f.category else "float64") for f in features}
    return table.select(*keys, **values)
