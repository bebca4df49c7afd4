"""What members bought, seen from an instant: the joins every feature of purchases starts from. Nothing but purchases
belongs here; the features themselves are in features_*.py.

A table of *moments* has the columns as_of (UTC) and member_id: "this member, at this instant". Every function joins
purchases to moments on `occurred_at < as_of`, so the same expression builds one night and a year of training examples,
and nothing later than the moment can reach a feature.
"""

import math

import ibis
import ibis.expr.types as ir

from ml.club import Club
from ml.exact import total

RECENT = 28  # days
QUARTER = 91  # days
HALF_LIFE = 45  # days after which a purchase weighs half
LEAST_EXPOSURE = 28  # days: a rate of a member known for two days is not fifteen times what they bought

LEVELS = ("product_id", "subcategory", "category", "brand", "brand_subcategory")


def moments_of(asks: ir.Table) -> ir.Table:
    """The distinct (as_of, member_id) of a table of asks."""
    return asks.select("as_of", "member_id").distinct()


def purchases(club: Club, members: ir.Table) -> ir.Table:
    """One row a bought line (returns left out) of the given members, with the product's groups; money as float.

    Columns: member_id, transaction_id, occurred_at, product_id, department, subcategory, category, brand,
    brand_subcategory, own_brand (0/1), quantity, amount, discount, coupon (money by coupon, null where not recorded).
    Subcategories and brands that the club does not record are null and match nothing.
    """
    bought = club.transactions.filter(club.transactions.quantity > 0)
    bought = bought.semi_join(members, "member_id").inner_join(grouped_products(club), "product_id")
    return bought.select(
        "member_id",
        "transaction_id",
        "occurred_at",
        "product_id",
        "department",
        "subcategory",
        "category",
        "brand",
        "brand_subcategory",
        "own_brand",
        "quantity",
        amount=bought.amount.cast("float64"),
        discount=bought.discount.cast("float64"),
        coupon=bought.coupon_discount.cast("float64"),
    )


def grouped_products(club: Club) -> ir.Table:
    """Products with the groups by which habits are counted (`LEVELS`); a subcategory is named within its category."""
    p = club.products
    subcategory = p.category + " / " + p.subcategory
    return p.select(
        "product_id",
        "department",
        "category",
        "brand",
        subcategory=subcategory,
        brand_subcategory=p.brand + " / " + subcategory.fill_null(p.category),
        own_brand=p.own_brand.cast("float64"),
    )


def visits(bought: ir.Table, level: str) -> ir.Table:
    """Purchases counted once a basket: one row a (member, value of the level, receipt)."""
    lines = bought.filter(bought[level].notnull())
    return lines.group_by(["member_id", lines[level].name("value"), "transaction_id"]).aggregate(
        occurred_at=lines.occurred_at.min(),
        amount=total(lines.amount),
        discount=total(lines.discount),
        quantity=total(lines.quantity),
        coupon=total(lines.coupon),
    )


def days_before(as_of: ir.TimestampValue, then: ir.TimestampValue) -> ir.FloatingValue:
    """Days from an event to the moment, as a fraction."""
    return (as_of.epoch_seconds() - then.epoch_seconds()) / 86400.0


def seen_from(moments: ir.Table, events: ir.Table, time: str = "occurred_at") -> ir.Table:
    """Events of a member joined to every moment after them, with `days_ago` and `weight` (halves each HALF_LIFE)."""
    joined = moments.inner_join(events, [moments.member_id == events.member_id, events[time] < moments.as_of])
    joined = joined.drop(*[c for c in joined.columns if c.endswith("_right")])
    days = days_before(joined.as_of, joined[time])
    return joined.mutate(days_ago=days, weight=(days * (-math.log(2) / HALF_LIFE)).exp())


def tenure(moments: ir.Table, bought: ir.Table) -> ir.Table:
    """(as_of, member_id, tenure_days): days since the member's first known purchase; no row without a purchase."""
    first = bought.group_by("member_id").aggregate(first_at=bought.occurred_at.min())
    seen = seen_from(moments, first, "first_at")
    return seen.select("as_of", "member_id", tenure_days=seen.days_ago)


def per_30_days(count: ir.NumericValue, tenure_days: ir.NumericValue, window: int | None = None) -> ir.FloatingValue:
    """A count as a rate per 30 days over the window, or over as long as the member has been known when that is less."""
    known = ibis.greatest(tenure_days, float(LEAST_EXPOSURE))
    days = known if window is None else ibis.least(known, float(window))
    return count.fill_null(0) * 30.0 / days


def share(part: ir.NumericValue, whole: ir.NumericValue) -> ir.FloatingValue:
    """part / whole, null where the whole is nothing."""
    return part / whole.nullif(0)
