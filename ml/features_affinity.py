"""Features of a member and an offer, or a member and a whole campaign: what of it the member has bought, how lately,
how often with a coupon, and which offers like it were answered. Rows are sparse: a pair without any evidence is absent.
"""

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from ml.club import Club
from ml.exact import total
from ml.features_declared import interest_in_offers
from ml.features_feedback import SAID, said_of_offers
from ml.features_price import price_apart
from ml.habits import REPEATED, answered_groups, offer_groups
from ml.history import LEVELS
from ml.joins import side_by_side
from ml.kept import keep
from ml.pair_numbers import NUMBER, PairNumbers

SHORT = {"product_id": "product", "brand_subcategory": "line"}  # in feature names


def offer_affinity(
    club: Club, asks: ir.Table, habits: Mapping[str, ir.Table], tiers: ir.Table, kinds: tuple[str, ...]
) -> ir.Table:
    """One row a (as_of, campaign_id, member_id, offer_id) of which the member has bought, or answered, anything alike.

    For each level (product, subcategory, category, brand, line = brand within subcategory): baskets of the last 91 days
    and decayed, days since the last, how due it is, decayed baskets with a coupon; the likeness to answered offers; how far its price tier is
    from the member's (`tiers_bought`); declared interests it meets; and what was said of it.
    """
    pairs = PairNumbers.of(club, asks)
    parts = [_level(club, pairs, habits[level], level) for level in LEVELS]
    parts += [_answered(club, pairs, level, kinds) for level in ("product_id", "subcategory", "brand_subcategory")]
    parts += [price_apart(club, pairs, tiers), interest_in_offers(club, pairs)]
    if "feedback" in club.recorded:
        parts.append(said_of_offers(club, pairs))
    rows = pairs.named(side_by_side(parts, [NUMBER]))
    return rows.mutate(
        **{c: rows[c].fill_null(0.0) if c in rows.columns else ibis.literal(0.0) for c in (*SAID, "interest_recent")}
    )


def _level(club: Club, pairs: PairNumbers, habits: ir.Table, level: str) -> ir.Table:
    name = SHORT.get(level, level)
    h = _meeting(club, pairs, habits, level)
    # A product counts whole; a wider group counts by how much of the offer lies in it.
    weight = ibis.literal(1.0) if level == "product_id" else h.weight
    columns = {
        f"{name}_baskets_91": total(h.n_91 * weight),
        f"{name}_baskets": total(h.n * weight),
        f"{name}_decayed": total(h.decayed * weight),
        f"{name}_days_since": h.days_since.min(),
        f"{name}_due": h.due.argmax(ibis.struct({"decayed": h.decayed, "value": h["value"]})),
        f"{name}_coupons": total(h.coupons_decayed * weight),
        f"{name}_spend_91": total(h.spend_91 * weight),
    }
    if level in REPEATED:
        columns |= {f"{name}_months": h.months.max(), f"{name}_span": h.span.max()}
    if level == "product_id":
        columns["product_quantity"] = total(h.quantity)
        columns["offer_products_known"] = h.count().cast("float64")
    return h.group_by(NUMBER).aggregate(**columns)


def _meeting(club: Club, pairs: PairNumbers, facts: ir.Table, level: str) -> ir.Table:
    """Facts of a member and a group (as_of, member_id, value) beside the asked offers that the group is in: `pair`, and `weight`.

    Facts meet groups first and asks last: the other way round every ask meets every group of its campaign, which is
    thirty times the work. The groups are kept, so that the engine knows how few they are.
    """
    groups = keep(pairs.of_offers(offer_groups(club, level)))
    return pairs.of_asked(facts.inner_join(groups, "value"))


def _answered(club: Club, pairs: PairNumbers, level: str, kinds: tuple[str, ...]) -> ir.Table:
    name = SHORT.get(level, level)
    h = _meeting(club, pairs, answered_groups(club, pairs.asks, level, kinds), level)
    return h.group_by(NUMBER).aggregate(**{f"{name}_answered": total(h.strength * h.weight.sqrt())})
