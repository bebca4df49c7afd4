"""What a club has bought of what offers are for, as sums that add up over its members: of a large club they are made of one part of the
members after the other, and put together. What features are made of them is in features_offer.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from ml.club import Club
from ml.exact import total
from ml.habits import offer_groups
from ml.history import QUARTER, RECENT, days_before, grouped_products
from ml.kept import keep

YEAR = 365  # days
_DEMAND = ("as_of", "campaign_id", "offer_id")
_PACE = ("as_of", "value")


@dataclass(frozen=True)
class OfferSums:
    """Of some members, all or a part.

    active   (as_of, members): who bought anything in 91 days
    demand   (as_of, campaign_id, offer_id) with, of the offer's products in 91 days, buyers, baskets, paid_and_spared, quantity, discount,
             coupon_lines (lines with a coupon) and told_lines (those of which that is recorded)
    paces    (as_of, value): of a subcategory recent and year (visits with it in 28 and 365 days), known (days since the first), again
             (visits after a member's first) and lived (seconds from each member's first to the last)
    """

    active: ir.Table
    demand: ir.Table
    paces: ir.Table


def offer_sums(club: Club, asked: ir.Table, one_moment: bool = False) -> OfferSums:
    """Of the members that `club` knows. `asked` has as_of and campaign_id; `one_moment` says that all as_of are the same, which spares a sort
    of all visits. Kept by the engine for as long as the result lives."""
    moments = asked.select("as_of").distinct()
    lines = club.transactions.filter(club.transactions.quantity > 0)
    window = moments.as_of - ibis.interval(days=QUARTER)
    recent = moments.inner_join(lines, [lines.occurred_at < moments.as_of, lines.occurred_at >= window])
    active = recent.group_by("as_of").aggregate(members=recent.member_id.nunique().cast("float64"))
    visits = _visits(club, lines, asked)
    paces = _paces_at_once(visits, moments) if one_moment else _paces(visits, moments)
    return OfferSums(keep(active), keep(_demand(club, recent, asked)), keep(paces))


def together(parts: Sequence[OfferSums]) -> OfferSums:
    """The sums of all members from those of parts of them, of which no member is in two."""
    active, demand, paces = (
        ibis.union(*(getattr(part, name) for part in parts)) for name in ("active", "demand", "paces")
    )
    amounts = [name for name in demand.columns if name not in _DEMAND]
    counts = [name for name in paces.columns if name not in (*_PACE, "known")]
    return OfferSums(
        keep(active.group_by("as_of").aggregate(members=active.members.sum())),
        keep(demand.group_by(*_DEMAND).aggregate(**{name: total(demand[name]) for name in amounts})),
        keep(paces.group_by(*_PACE).aggregate(known=paces.known.max(), **{name: paces[name].sum() for name in counts})),
    )


def _demand(club: Club, recent: ir.Table, asked: ir.Table) -> ir.Table:
    named = club.offer_products.inner_join(club.offers.select("offer_id", "campaign_id"), "offer_id")
    bought = asked.inner_join(named, "campaign_id").inner_join(recent, ["as_of", "product_id"])
    return bought.group_by(*_DEMAND).aggregate(
        buyers=bought.member_id.nunique().cast("float64"),
        baskets=bought.transaction_id.nunique().cast("float64"),
        paid_and_spared=total((bought.amount + bought.discount).cast("float64")),
        quantity=total(bought.quantity),
        discount=total(bought.discount),
        coupon_lines=(bought.coupon_discount > 0).sum().fill_null(0).cast("float64"),
        told_lines=bought.coupon_discount.count().cast("float64"),
    )


def _visits(club: Club, lines: ir.Table, asked: ir.Table) -> ir.Table:
    """(subcategory, member_id, transaction_id, at) of the subcategories that the campaigns' offers are about."""
    groups = keep(offer_groups(club, "subcategory").semi_join(asked, "campaign_id"))
    bought = lines.inner_join(grouped_products(club), "product_id")
    bought = bought.semi_join(groups, [bought.subcategory == groups["value"]])
    return bought.group_by("subcategory", "member_id", "transaction_id").aggregate(at=bought.occurred_at.min())


def _paces(visits: ir.Table, moments: ir.Table) -> ir.Table:
    """Visit by visit, for many moments: each gap is counted from the moment on at which it has ended."""
    before = visits["at"].lag().over(group_by=["subcategory", "member_id"], order_by=["at", "transaction_id"])
    gaps = visits.mutate(gap=visits["at"].epoch_seconds() - before.epoch_seconds())
    by_second = gaps.group_by("subcategory", "at").aggregate(
        n=gaps.count(), lived=gaps.gap.sum().fill_null(0), again=gaps.gap.count()
    )
    seen = moments.inner_join(by_second, by_second["at"] < moments.as_of)
    ago = days_before(seen.as_of, seen["at"])
    return seen.group_by(["as_of", seen.subcategory.name("value")]).aggregate(
        recent=seen.n.sum(where=ago <= RECENT).fill_null(0),
        year=seen.n.sum(where=ago <= YEAR).fill_null(0),
        known=ago.max(),
        again=seen.again.sum(),
        lived=seen.lived.sum(),
    )


def _paces_at_once(visits: ir.Table, moments: ir.Table) -> ir.Table:
    """Member by member, for one moment: a member's gaps add up to the time from the first visit to the last."""
    seen = moments.inner_join(visits, visits["at"] < moments.as_of)
    ago = days_before(seen.as_of, seen["at"])
    each = seen.group_by("as_of", "subcategory", "member_id").aggregate(
        recent=(ago <= RECENT).sum(),
        year=(ago <= YEAR).sum(),
        n=seen.count(),
        known=ago.max(),
        lived=seen["at"].max().epoch_seconds() - seen["at"].min().epoch_seconds(),
    )
    return each.group_by(["as_of", each.subcategory.name("value")]).aggregate(
        recent=each.recent.sum(),
        year=each.year.sum(),
        known=each.known.max(),
        again=(each.n - 1).sum(),
        lived=each.lived.sum(),
    )
