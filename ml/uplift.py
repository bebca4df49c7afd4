"""What an offer makes members buy that they would not have bought anyway, by how often they bought of its products before: those
sent to against the permanent control group, which chance alone told apart. The rule made of it is in rules_relevance.py.

A member who buys a thing every week buys it with the discount or without: a *sure buyer*, on whom a discount is wasted.
"""

from dataclasses import replace
from math import sqrt

import ibis
import ibis.expr.types as ir
import pandas as pd

from ml.basis import Basis
from ml.club import Club
from ml.days import local_day, tonight
from ml.false_suppression import LEAST_MEMBERS, clustered_mean, followed_by
from ml.night import Night
from ml.policy_habits import SureBuyers, habits
from ml.reasons import Reason
from ml.rule import Facts
from ml.shopping import group_of, since

UPLIFT = ibis.schema({"habit": "int64", "uplift": "float64", "uplift_high": "float64"})
_SUMS = ("members", "mailings", "answers", "nn", "an", "aa")


def habit_of(days: ir.IntegerValue, of: SureBuyers) -> ir.IntegerValue:
    """The habit of so many days of purchase; null below the first."""
    steps = sorted(habits(of).items(), reverse=True)
    return ibis.cases(
        *((days >= least, ibis.literal(habit, "int64")) for habit, least in steps), else_=ibis.null("int64")
    )


def purchases(ledgers: ir.Table, club: Club, night: Night, of: SureBuyers) -> pd.DataFrame:
    """Sums by habit and arm (sent, control), as (habit, arm, *_SUMS), over the discounts of campaigns that ended before the night:
    one row a member, campaign and offer, on the first night that put it there.

    ledgers  `DECISIONS` of earlier nights with offer_id and decided_at
    of       the policy's idea of a habit

    answers counts the rows whose member bought of the offer's groups from the decision to the campaign's end; nn, an and aa
    are sums over members of products of their rows (n) and answers (a). Those sent to count where a mailing went out indeed.
    """
    sent = (ledgers.verdict == "send") & ~(ledgers.mailing_relevance < ledgers.threshold).fill_null(False)
    control = ledgers.reason == Reason.CONTROL_GROUP.value
    arm = ibis.cases((control, "control"), (sent & (ledgers.propensity < 1), "sent"))
    rows = ledgers.mutate(arm=arm).filter(lambda row: row.arm.notnull())
    first = ibis.row_number().over(group_by=["campaign_id", "member_id", "offer_id"], order_by="decided_at")
    rows = rows.mutate(nth=first).filter(lambda row: row.nth == 0)
    ended = club.campaigns.filter(club.campaigns.ends_on < tonight(night)).select("campaign_id", "ends_on")
    rows = rows.select("campaign_id", "member_id", "offer_id", "arm", "decided_at").inner_join(ended, "campaign_id")
    rows = rows.semi_join(club.offers.filter(club.offers.kind == "discount"), "offer_id")
    pair = ["campaign_id", "member_id"]
    mailed = followed_by(rows, club.mailings.select(*pair, then="sent_at"), pair)
    rows = ibis.union(rows.filter(rows.arm == "control"), rows.filter(rows.arm == "sent").semi_join(mailed, pair))
    key = ["campaign_id", "member_id", "offer_id"]
    lines = rows.select(*key, "decided_at", "ends_on").inner_join(_lines(club, night), ["member_id", "offer_id"])
    before = (lines.at < lines.decided_at) & (lines.at >= lines.decided_at - ibis.interval(days=of.days))
    after = (lines.at >= lines.decided_at) & (lines.day <= lines.ends_on)
    bought = lines.group_by(key).aggregate(days=lines.day.nunique(where=before), again=after.any())
    known = rows.inner_join(bought, key).mutate(habit=habit_of(bought.days, of)).filter(lambda row: row.habit.notnull())
    by_member = known.group_by("member_id", "habit", "arm").aggregate(
        n=known.count(), a=known.again.cast("int64").sum()
    )
    n, a = by_member.n, by_member.a
    sums = dict(
        zip(_SUMS, (by_member.count(), n.sum(), a.sum(), (n * n).sum(), (a * n).sum(), (a * a).sum()), strict=True)
    )
    return by_member.group_by("habit", "arm").aggregate(**{k: v.cast("float64") for k, v in sums.items()}).to_pandas()


def _lines(club: Club, night: Night) -> ir.Table:
    """(member_id, offer_id, at, day): purchases of the groups (`ml.shopping`) that an offer is for."""
    group = club.products.select("product_id", group=group_of(club.products))
    of = club.offer_products.inner_join(group, "product_id").select("offer_id", "group").distinct()
    bought = club.transactions.filter(club.transactions.quantity > 0).inner_join(group, "product_id")
    bought = bought.select("member_id", "group", at="occurred_at", day=local_day(bought.occurred_at, night))
    return bought.inner_join(of, "group").drop("group")


def uplift(found: pd.DataFrame) -> pd.DataFrame:
    """`UPLIFT`: what is added to the share of members who buy, by habit, with the upper end of its 95 % interval; habits of which
    either arm has too few members are left out, as of them nothing is known."""
    sums = {(int(row["habit"]), str(row["arm"])): row for row in found.to_dict("records")}
    rows = []
    for habit in sorted({habit for habit, _ in sums}):
        arms = [sums.get((habit, arm)) for arm in ("sent", "control")]
        if any(arm is None or arm["members"] < LEAST_MEMBERS for arm in arms):
            continue
        (here, error_here), (there, error_there) = (
            clustered_mean("a", {str(k): v for k, v in arm.items()}) for arm in arms if arm
        )
        # As if one more of each arm had bought and one had not: where all buy, a sample's own spread is nothing.
        least = sqrt(sum(0.25 / (arm["members"] + 4) ** 2 for arm in arms if arm))
        error = max(sqrt(error_here**2 + error_there**2), least)
        rows.append({"habit": habit, "uplift": here - there, "uplift_high": here - there + 1.96 * error})
    return pd.DataFrame(rows, columns=list(UPLIFT.names))


def habit_facts(basis: Basis) -> ir.Table:
    """(member_id, offer_id, habit_days, uplift_high): members with a habit in an offer's groups of which it is known what a
    discount adds; nobody where nothing is known."""
    if basis.uplift is None:
        nobody = basis.club.mailings.select("member_id", "offer_id").limit(0)
        return nobody.mutate(habit_days=ibis.null("int64"), uplift_high=ibis.null("float64"))
    known, of = basis.uplift, basis.policy.sure_buyers
    recent = replace(basis.club, transactions=since(basis.club.transactions, "occurred_at", of.days, basis))
    lines = _lines(recent, basis.night).semi_join(basis.offers, "offer_id")
    days = lines.group_by("member_id", "offer_id").aggregate(habit_days=lines.day.nunique())
    met = days.mutate(habit=habit_of(days.habit_days, of)).inner_join(known.select("habit", "uplift_high"), "habit")
    return met.select("member_id", "offer_id", "habit_days", "uplift_high")


HABIT = Facts(("member_id", "offer_id"), habit_facts)
