"""What members bought of what tonight's offers are for, how often such things are bought, and at what price level. Rules
that judge by it are in rules_shopping.py.

A *group* is a subcategory within its category, or the category where the club has no subcategories: the level at which
"the same thing again" and "dear for what it is" make sense.
"""

import ibis
import ibis.expr.types as ir

from ml.basis import Basis
from ml.consent import may_be_profiled
from ml.days import days_after, days_between, local_day, tonight
from ml.rule import Facts
from ml.wording import UNNAMED, is_sensitive


def since(rows: ir.Table, time: str, days: int, basis: Basis) -> ir.Table:
    """The rows of the last days before the night."""
    return rows.filter(rows[time] >= ibis.literal(basis.night.as_of) - ibis.interval(days=days))


def group_of(products: ir.Table) -> ir.StringValue:
    return products.category + " / " + products.subcategory.fill_null("")


def grouped_products(basis: Basis) -> ir.Table:
    """(product_id, group, group_name): the name is what a sentence may say, so a sensitive group has none."""
    p = basis.club.products
    kept_quiet = is_sensitive([p.department, p.category, p.subcategory, p.brand], basis.policy.sensitive.categories)
    return p.select(
        "product_id",
        group=group_of(p),
        group_name=kept_quiet.ifelse(UNNAMED, p.subcategory.fill_null(p.category)),
    )


def offer_groups(basis: Basis) -> ir.Table:
    """(offer_id, group, group_name, products): the groups that tonight's offers are for."""
    of = basis.club.offer_products.semi_join(basis.offers, "offer_id").inner_join(grouped_products(basis), "product_id")
    # One sensitive product is enough for its group to go unnamed.
    hidden = (of.group_name == UNNAMED).any()
    return of.group_by("offer_id", "group").aggregate(
        group_name=hidden.ifelse(UNNAMED, of.group_name.max()), products=of.product_id.nunique()
    )


def bought_groups(basis: Basis) -> ir.Table:
    """(member_id, group, days, first_on, last_on): on how many local dates each member bought of each group that tonight's
    offers are for, and the first and last of them. What was brought back entirely was not bought. Of members who may not be profiled
    nothing is told."""
    wanted = offer_groups(basis).select("group").distinct()
    products = grouped_products(basis).semi_join(wanted, "group").select("product_id", "group")
    recorded = basis.wide.profiling if basis.wide else None
    lines = basis.club.transactions.select(
        "member_id", "product_id", "occurred_at", "quantity", "transaction_id", "line_no"
    )
    lines = lines.semi_join(may_be_profiled(basis.club, basis.policy, recorded), "member_id")
    kept = _not_brought_back(lines).inner_join(products, "product_id")
    days = kept.select("member_id", "group", day=local_day(kept.occurred_at, basis.night)).distinct()
    return days.group_by("member_id", "group").aggregate(
        days=days.count(), first_on=days.day.min(), last_on=days.day.max()
    )


def _not_brought_back(lines: ir.Table) -> ir.Table:
    """The bought lines (member_id, product_id, occurred_at) of which anything was kept: a return takes back the newest purchases of the
    product before it, and none where none is known."""
    one = ["member_id", "product_id"]
    returned = lines.filter(lines.quantity < 0).select(*one).distinct()
    columns = [*one, "occurred_at"]
    whole = lines.filter(lines.quantity > 0).anti_join(returned, one).select(*columns)
    # From the newest line back: what is returned and not yet found among the purchases is the sum so far less its least; a purchase
    # is kept by as much as it brings that least down.
    part = lines.semi_join(returned, one)
    newest = [ibis.desc("occurred_at"), "quantity", "transaction_id", "line_no"]
    part = part.mutate(nth=ibis.row_number().over(group_by=one, order_by=newest))
    so_far = ibis.window(group_by=one, order_by="nth", preceding=None, following=0)
    part = part.mutate(open=(-part.quantity).sum().over(so_far))
    part = part.mutate(least=ibis.least(part.open.min().over(so_far), 0.0))
    before = part.least.lag().over(group_by=one, order_by="nth").fill_null(0.0)
    part = part.mutate(kept=before - part.least)
    return whole.union(part.filter((part.quantity > 0) & (part.kept > 0)).select(*columns))


def intervals(bought: ir.Table, basis: Basis) -> ir.Table:
    """(group, interval_days, cycle_days): days between two purchases of a group, over all who buy it, and the median
    of those who came back: what a thing bought by the calendar (insurance, tyres) is reminded of by.

    Days lived as a buyer over purchases repeated: unlike the mean gap, it does not forget those who have not come back
    yet, and so does not take a durable for a consumable because some bought two at once. Half a purchase at the policy's
    unknown interval is added, for groups of which little is known; of which nobody's second purchase is known, it is that interval.
    """
    lived = days_between(bought.first_on, tonight(basis.night)).sum()
    repeated = (bought.days - 1).sum()
    prior = 0.5
    unknown = basis.policy.purchases.unknown_interval_days
    own = days_between(bought.first_on, bought.last_on) / (bought.days - 1).nullif(0)
    return bought.group_by("group").aggregate(
        interval_days=(repeated > 0).ifelse((lived + prior * unknown) / (repeated + prior), float(unknown)),
        cycle_days=own.median(),
    )


def needs(basis: Basis) -> ir.Table:
    """`bought_groups` with interval_days, the member's own usual interval where they bought often enough to have one (own),
    else the group's; durable, whether that is long; and cycle_days, the member's own where they ever came back, else the
    median of others, else interval_days."""
    bought = bought_groups(basis)
    usual_in = basis.wide.intervals if basis.wide else intervals(bought, basis)
    joined = bought.inner_join(usual_in, "group")
    ask = basis.policy.purchases
    own = days_between(joined.first_on, joined.last_on) / (joined.days - 1).nullif(0)
    usual = joined.mutate(
        own=joined.days >= ask.least_own,
        interval_days=(joined.days >= ask.least_own).ifelse(own, joined.interval_days),
        cycle_days=ibis.coalesce(own, joined.cycle_days, joined.interval_days),
    )
    return usual.mutate(durable=usual.interval_days >= ask.durable_days)


def need_facts(basis: Basis) -> ir.Table:
    """(member_id, offer_id) of discounts on what is not needed yet: groups of the offer in all, groups_had (of them not
    needed), durables_had, and of the group that is needed soonest need_name, need_last_on, need_interval, need_from."""
    ask = basis.policy.purchases
    had = needs(basis)
    durable_wait = ibis.least(had.interval_days * ask.just_bought_share, float(ask.just_bought_most_days))
    wait = had.durable.ifelse(durable_wait, had.interval_days * ask.not_due_share)
    had = had.mutate(need_from=days_after(had.last_on, wait.floor()))
    # Of a consumable that the member does not buy regularly nothing is known.
    had = had.filter((had.need_from > basis.night.business_date) & (had.durable | had.own))
    of = offer_groups(basis)
    in_all = of.group_by("offer_id").aggregate(groups=of.count())
    ends = basis.offers.filter(basis.offers.kind == "discount").select("offer_id", "ends_on")
    met = had.inner_join(of.select("offer_id", "group", "group_name"), "group").inner_join(ends, "offer_id")
    # A consumable that will be needed before the campaign ends is wanted; a durable is judged as of tonight.
    met = met.filter(met.durable | (met.need_from > met.ends_on))
    soonest = ibis.struct({"day": met.need_from, "group": met.group})
    counted = met.group_by("member_id", "offer_id").aggregate(
        groups_had=met.count(),
        durables_had=met.durable.cast("int64").sum(),
        need_name=met.group_name.argmin(soonest),
        need_last_on=met.last_on.argmin(soonest),
        need_interval=met.interval_days.argmin(soonest),
        need_from=met.need_from.min(),
    )
    return counted.inner_join(in_all, "offer_id")


NEEDS = Facts(("member_id", "offer_id"), need_facts)
