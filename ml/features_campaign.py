"""Features of a member and a whole campaign: how much of what it offers the member buys, and uses coupons on."""

from collections.abc import Mapping
from functools import reduce
from operator import or_

import ibis
import ibis.expr.types as ir

from ml.club import Club
from ml.exact import total
from ml.features_offer import campaign_features
from ml.habits import offer_groups
from ml.history import share
from ml.kept import keep
from ml.pair_numbers import ASK

TOP = 5


def campaign_affinity(
    club: Club, asks: ir.Table, habits: Mapping[str, ir.Table], evidence: ir.Table, campaigns: ir.Table | None = None
) -> ir.Table:
    """One row a (as_of, campaign_id, member_id) asked about.

    `habits` and `evidence` are what `habits_by_level` and `offer_affinity` gave for the same asks, `campaigns` the whole
    club's `campaign_features`, where `club` is one shard of it.
    """
    asks = asks.select(*ASK)
    joined = asks
    for part in (_over_offers(evidence), _habits_in(club, asks, habits), _answered(evidence)):
        joined = joined.left_join(part, ASK).drop(*[f"{k}_right" for k in ASK])
    campaigns = campaign_features(club, asks) if campaigns is None else campaigns
    about = campaigns.select("as_of", "campaign_id", "offers", "club_spend_share")
    t = joined.left_join(about, ["as_of", "campaign_id"]).drop("as_of_right", "campaign_id_right")
    t = t.mutate(
        **{c: t[c].fill_null(0) for c in t.columns if c not in ASK and c not in ("offers", "club_spend_share")}
    )
    return t.mutate(
        campaign_offers_known=share(t.campaign_offers_known, t.offers),
        campaign_offers_known_91=share(t.campaign_offers_known_91, t.offers),
        campaign_spend_lift=((t.campaign_spend_share_91 + 0.005) / (t.club_spend_share.fill_null(0) + 0.005)).ln(),
    ).drop("offers", "club_spend_share")


def _over_offers(evidence: ir.Table) -> ir.Table:
    """Product evidence summed over the campaign's offers, and the best few of them."""
    place = ibis.row_number().over(group_by=ASK, order_by=[evidence.product_decayed.desc(), evidence.offer_id])
    e = evidence.filter(evidence.product_decayed > 0).mutate(place=place)
    return e.group_by(*ASK).aggregate(
        campaign_offers_known=e.count().cast("float64"),
        campaign_offers_known_91=(e.product_baskets_91 > 0).sum().cast("float64"),
        campaign_best_product=e.product_decayed.max(),
        campaign_top_products=total(e.product_decayed, where=e.place < TOP),
        campaign_products_decayed=total(e.product_decayed),
        campaign_product_coupons=total(e.product_coupons),
        campaign_products_due=((e.product_due > 0.7) & (e.product_due < 3)).sum().cast("float64"),
    )


def _answered(evidence: ir.Table) -> ir.Table:
    """What was answered and bought alike, over the campaign's offers. Where nothing of that is known a pair is left out: brands alone give
    nearly every pair a row."""
    told = (
        "product_answered",
        "line_answered",
        "subcategory_answered",
        "line_decayed",
        "subcategory_decayed",
        "line_coupons",
    )
    e = evidence.filter(reduce(or_, (evidence[name].notnull() for name in told)))
    return e.group_by(*ASK).aggregate(
        campaign_best_answered_product=e.product_answered.max(),
        campaign_answered_product=total(e.product_answered),
        campaign_answered_line=e.line_answered.max(),
        campaign_answered_subcategory=e.subcategory_answered.max(),
        campaign_answered_subcategories=total(e.subcategory_answered),
        campaign_best_line=e.line_decayed.max(),
        campaign_best_subcategory=e.subcategory_decayed.max(),
        campaign_line_coupons=total(e.line_coupons),
    )


def _habits_in(club: Club, asks: ir.Table, habits: Mapping[str, ir.Table]) -> ir.Table:
    """Habits in the campaign's groups, each counted once however many offers are about it."""
    parts = [_habits_at(club, asks, habits[level], level, name) for level, name in GROUPS.items()]
    every = habits["category"]
    spend = every.group_by("as_of", "member_id").aggregate(total=total(every.spend), total_91=total(every.spend_91))
    joined = parts[0]
    for part in parts[1:]:
        joined = joined.left_join(part, ASK).drop(*[f"{k}_right" for k in ASK])
    t = joined.left_join(spend, ["as_of", "member_id"]).drop("as_of_right", "member_id_right")
    shares = {
        f"campaign_{name}spend_share{window}": share(t[f"{name}spend{window}"], t[f"total{window}"])
        for name in GROUPS.values()
        for window in ("", "_91")
    }
    kept = {
        f"campaign_{name}{what}": t[f"{name}{what}"]
        for name in GROUPS.values()
        for what in ("coupons_decayed", "coupons", "decayed")
    }
    return t.select(*ASK, **shares, **kept)


GROUPS = {"category": "category_", "subcategory": "subcategory_", "product_id": ""}  # level -> prefix of its features


def _habits_at(club: Club, asks: ir.Table, habits: ir.Table, level: str, name: str) -> ir.Table:
    groups = keep(offer_groups(club, level).semi_join(asks, "campaign_id").select("campaign_id", "value").distinct())
    h = habits.inner_join(groups, "value").semi_join(asks, ASK)  # in this order, see features_affinity
    return h.group_by(*ASK).aggregate(
        **{
            f"{name}spend": total(h.spend),
            f"{name}spend_91": total(h.spend_91),
            f"{name}decayed": total(h.decayed),
            f"{name}coupons": h.coupons.sum(),
            f"{name}coupons_decayed": total(h.coupons_decayed),
        }
    )
