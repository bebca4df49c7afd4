"""Features of a member at a moment, from what they bought: recency, frequency, spend, breadth, discount and coupon
habit. Responses to mailings are in features_response.py, declared facts in features_declared.py.
"""

import math

import ibis
import ibis.expr.types as ir

from ml.exact import total
from ml.history import QUARTER, RECENT, moments_of, per_30_days, seen_from, share

COUPON_PRIOR = 0.05  # share of baskets with a coupon that a member without history is taken to have
COUPON_PRIOR_BASKETS = 10.0


def purchase_features(asks: ir.Table, bought: ir.Table) -> ir.Table:
    """(as_of, member_id) with the families recency, frequency, spend, discount; members who bought nothing have no row.

    `asks` has at least as_of and member_id; `bought` are the `purchases` of its members.
    """
    moments = moments_of(asks)
    seen = seen_from(moments, _baskets(bought))
    habits = _habits(seen)
    breadth = _breadth(moments, bought)
    joined = habits.left_join(breadth, ["as_of", "member_id"])
    return joined.drop(*[c for c in joined.columns if c.endswith("_right")])


def _baskets(bought: ir.Table) -> ir.Table:
    """One row a receipt."""
    lines = bought
    return lines.group_by("member_id", "transaction_id").aggregate(
        occurred_at=lines.occurred_at.min(),
        amount=total(lines.amount),
        discount=total(lines.discount),
        coupon=total(lines.coupon),
        own_brand=total(lines.amount, where=lines.own_brand > 0),
        branded=total(lines.amount, where=lines.own_brand.notnull()),
        discounted_lines=(lines.discount > 0).cast("float64").sum(),
        lines=lines.count().cast("float64"),
    )


def _habits(seen: ir.Table) -> ir.Table:
    s = seen
    used = s.coupon > 0
    quarter, recent = s.days_ago <= QUARTER, s.days_ago <= RECENT
    sums = s.group_by("as_of", "member_id").aggregate(
        days_since_basket=s.days_ago.min(),
        tenure_days=s.days_ago.max(),
        n_14=(s.days_ago <= 14).sum(),
        n_28=recent.sum(),
        n_91=quarter.sum(),
        n=s.count(),
        baskets_decayed=total(s.weight),
        spend_28=total(s.amount, where=recent),
        spend_91=total(s.amount, where=quarter),
        spend=total(s.amount),
        discount_91=total(s.discount, where=quarter),
        discount=total(s.discount),
        own_brand=total(s.own_brand),
        branded=total(s.branded),
        lines=s.lines.sum(),
        discounted_lines=s.discounted_lines.sum(),
        recorded=s.coupon.count(),
        coupons_28=(used & recent).sum(),
        coupons_91=(used & quarter).sum(),
        coupons=used.sum(),
        coupons_decayed=total(s.weight, where=used),
        coupon_money=total(s.coupon),
        days_since_coupon=s.days_ago.min(where=used),
    )
    t = sums
    gap = (t.tenure_days - t.days_since_basket) / (t.n - 1).nullif(0)
    told = ibis.ifelse(t.recorded > 0, 1.0, ibis.null("float64"))  # null where coupons are not recorded

    def rate(count: ir.NumericValue, window: int | None = None) -> ir.FloatingValue:
        return per_30_days(count, t.tenure_days, window)

    return t.select(
        "as_of",
        "member_id",
        "days_since_basket",
        "tenure_days",
        basket_gap=gap,
        basket_due=t.days_since_basket / ibis.greatest(gap, 1.0),
        baskets_14=rate(t.n_14, 14),
        baskets_28=rate(t.n_28, RECENT),
        baskets_91=rate(t.n_91, QUARTER),
        baskets_all=rate(t.n),
        baskets_decayed="baskets_decayed",
        basket_trend=((rate(t.n_28, RECENT) + 1) / (rate(t.n_91, QUARTER) + 1)).ln() / math.log(2),
        spend_28=rate(t.spend_28, RECENT),
        spend_91=rate(t.spend_91, QUARTER),
        spend_all=rate(t.spend),
        spend_per_basket=t.spend / t.n,
        lines_per_basket=t.lines / t.n,
        discount_of_spend_91=share(t.discount_91, t.spend_91 + t.discount_91).fill_null(0),
        discount_of_spend=share(t.discount, t.spend + t.discount),
        discounted_lines_share=share(t.discounted_lines, t.lines),
        own_brand_share=share(t.own_brand, t.branded),
        coupon_baskets_28=rate(t.coupons_28, RECENT) * told,
        coupon_baskets_91=rate(t.coupons_91, QUARTER) * told,
        coupon_baskets_all=rate(t.coupons) * told,
        coupon_baskets_decayed=t.coupons_decayed.fill_null(0) * told,
        coupon_basket_share=told * (t.coupons + COUPON_PRIOR * COUPON_PRIOR_BASKETS) / (t.n + COUPON_PRIOR_BASKETS),
        coupon_money_all=rate(t.coupon_money) * told,
        days_since_coupon="days_since_coupon",
    )


def _breadth(moments: ir.Table, bought: ir.Table) -> ir.Table:
    """How many categories in a quarter, and how much of what is bought is bought again."""
    firsts = bought.group_by("member_id", "product_id", "category").aggregate(first_at=bought.occurred_at.min())
    seen = seen_from(moments, firsts, "first_at")
    return seen.group_by("as_of", "member_id").aggregate(
        categories_known=seen.category.nunique(),
        products_known=seen.count(),
        new_products_28=share((seen.days_ago <= RECENT).sum().cast("float64"), seen.count()),
    )
