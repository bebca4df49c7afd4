"""The audit of false suppression: how many of the stopped would have answered, and what mailing is worth. The first is told by
messages below the threshold that chance sent all the same, the second by the permanent control group. Counting is an expression
over the ledgers of earlier nights; judging takes the few sums that come of it. Nothing that decides reads this.
"""

from collections.abc import Mapping
from math import sqrt

import ibis
import ibis.expr.types as ir
import pandas as pd

from ml.audit_table import FALSE_SUPPRESSION
from ml.club import Club
from ml.days import local_day, tonight
from ml.night import Night
from ml.reasons import Reason

LOOK_BACK_DAYS = 91  # ledgers older than this are not read
LEAST_MEMBERS = 20
COUNTED = ("mailings", "members", "answers", "w", "w2", "wa", "spend", "nn", "an", "aa", "sn", "ss")
Sums = Mapping[str, float]


def counts(ledgers: ir.Table, club: Club, night: Night, kinds: tuple[str, ...]) -> ir.Table:
    """Sums by group, over the messages of campaigns that ended before the night, as (group, *COUNTED).

    ledgers  `DECISIONS` of earlier nights with decided_at (the instant of the night)
    kinds    response kinds that count as an answer
    group    explored: below the threshold, sent by chance, and sent indeed (`mailings` says so); stopped: below the threshold and
             stopped for that alone; sent: sent on its merit; control: the same, but for being in the control group

    A message is counted once, on the first night that put it into a group. w is the sum of 1 / propensity, w2 of its square, wa that
    of those who answered; the last five are sums over members of products of their messages (n), answers (a), spend (s).
    """
    below = (ledgers.mailing_relevance < ledgers.threshold).fill_null(False)
    went = ledgers.verdict == "send"
    group = ibis.cases(
        (went & below & (ledgers.propensity < 1), "explored"),
        (went & (ledgers.propensity < 1), "sent"),
        ((ledgers.reason == Reason.LOW_RELEVANCE.value) & (ledgers.propensity < 1), "stopped"),
        ((ledgers.reason == Reason.CONTROL_GROUP.value) & ~below, "control"),
    )
    rows = ledgers.mutate(group=group).filter(lambda row: row.group.notnull())
    # Of a message's offers and channels on a night one tells: the sent one, should there be one.
    order = {"explored": 0, "sent": 1, "stopped": 2, "control": 3}
    place = ibis.cases(*((rows.group == name, n) for name, n in order.items()))
    first = ibis.row_number().over(group_by=["campaign_id", "member_id"], order_by=["decided_at", place])
    rows = rows.mutate(nth=first).filter(lambda row: row.nth == 0)
    ended = club.campaigns.filter(club.campaigns.ends_on < tonight(night)).select("campaign_id", "ends_on")
    rows = rows.select("campaign_id", "member_id", "group", "propensity", "decided_at").inner_join(ended, "campaign_id")
    by_member = _outcomes(rows, club, night, kinds)
    sums = {
        "mailings": by_member.n.sum(), "members": by_member.member_id.nunique(), "answers": by_member.a.sum(),
        "w": by_member.w.sum(), "w2": by_member.w2.sum(), "wa": by_member.wa.sum(), "spend": by_member.s.sum(),
        "nn": (by_member.n * by_member.n).sum(), "an": (by_member.a * by_member.n).sum(), "aa": (by_member.a * by_member.a).sum(),
        "sn": (by_member.s * by_member.n).sum(), "ss": (by_member.s * by_member.s).sum(),
    }  # fmt: skip
    return by_member.group_by("group").aggregate(**{name: value.cast("float64") for name, value in sums.items()})


def _outcomes(rows: ir.Table, club: Club, night: Night, kinds: tuple[str, ...]) -> ir.Table:
    """(member_id, group, n, a, s, w, w2, wa): messages, answers, spend from the decision to the campaign's end, and weights."""
    pair = ["campaign_id", "member_id"]
    mailed = followed_by(rows, club.mailings.select(*pair, then="sent_at"), pair).mutate(mailed=ibis.literal(True))
    answers = club.responses.filter(club.responses.kind.isin(kinds)).select(*pair, then="occurred_at")
    answered = followed_by(rows, answers, pair).mutate(answered=ibis.literal(1.0))
    lines = club.transactions.select("member_id", "amount", then="occurred_at")
    spent = rows.inner_join(lines, "member_id")
    spent = spent.filter((spent.then >= spent.decided_at) & (local_day(spent.then, night) <= spent.ends_on))
    spend = spent.group_by(pair).aggregate(spent=spent.amount.cast("float64").sum())
    known = rows.left_join(mailed, pair).drop(*(f"{name}_right" for name in pair))
    known = known.left_join(answered, pair).drop(*(f"{name}_right" for name in pair))
    known = known.left_join(spend, pair)
    known = known.filter((known.group != "explored") | known.mailed.fill_null(False))
    a, w = known.answered.fill_null(0.0), 1 / known.propensity
    return known.group_by("member_id", "group").aggregate(
        n=known.count(), a=a.sum(), s=known.spent.fill_null(0.0).sum(), w=w.sum(), w2=(w * w).sum(), wa=(w * a).sum()
    )


def followed_by(rows: ir.Table, events: ir.Table, keys: list[str]) -> ir.Table:
    """The keys of the rows that have an event from the decision on."""
    joined = rows.inner_join(events, keys)
    return joined.filter(joined.then >= joined.decided_at).select(*keys).distinct()


def audit(found: pd.DataFrame) -> pd.DataFrame:
    """The answers, as rows of `FALSE_SUPPRESSION`, from what `counts` found (any groups may be missing)."""
    groups = {str(row["group"]): {name: float(row[name]) for name in COUNTED} for row in found.to_dict("records")}
    none = dict.fromkeys(COUNTED, 0.0)
    explored, stopped = groups.get("explored", none), groups.get("stopped", none)
    sent, control = groups.get("sent", none), groups.get("control", none)
    rows = [*_of_stopped(explored, stopped), _gain("answers_gained", "a", sent, control), _gain("spend_gained", "s", sent, control)]  # fmt: skip
    types = {
        c.name: {"float64": "float64", "int64": "Int64"}.get(c.type.ibis, "object") for c in FALSE_SUPPRESSION.columns
    }
    return pd.DataFrame(rows, columns=list(FALSE_SUPPRESSION.names)).astype(types)


def weighted_share(w: float, w2: float, wa: float) -> tuple[float, float, float, float]:
    """(share, low, high, effective sample size) of a weighted sample, from the sums of weights, of their squares, and of the
    weights of those who answered: Clopper-Pearson with the effective sample size (Korn and Graubard 1998). With equal weights it is
    Clopper-Pearson itself.

    >>> [round(value, 3) for value in weighted_share(w=200, w2=2000, wa=20)]
    [0.1, 0.012, 0.317, 20.0]
    """
    from scipy.special import betaincinv  # slow to load; the rules' modules import this one

    effective, share = w * w / w2, wa / w
    hits = share * effective
    low = float(betaincinv(hits, effective - hits + 1, 0.025)) if hits > 0 else 0.0
    high = float(betaincinv(hits + 1, effective - hits, 0.975)) if hits < effective else 1.0
    return share, low, high, effective


def _of_stopped(explored: Sums, stopped: Sums) -> list[dict[str, object]]:
    about = {"share_of_stopped": "share 0..1", "answers_lost": "messages"}
    if explored["members"] < LEAST_MEMBERS:
        why = "no messages below the threshold went out by chance" if not explored["members"] else _few("were explored")
        why += " in the campaigns ended (chance.exploration_share)"
        return [_unknown(question, unit, why) for question, unit in about.items()]
    share, low, high, effective = weighted_share(explored["w"], explored["w2"], explored["wa"])
    size = stopped["mailings"]
    members = int(explored["members"])
    lost = _known("answers_lost", about["answers_lost"], (share * size, low * size, high * size), members, effective,
        f"Of {size:,.0f} messages stopped so, that is {share * size:,.0f} [{low * size:,.0f}, {high * size:,.0f}] answers lost.",
    )  # fmt: skip
    if stopped["members"] < LEAST_MEMBERS:
        lost = _unknown("answers_lost", about["answers_lost"], _few("were stopped for that alone"))
    return [
        _known("share_of_stopped", about["share_of_stopped"], (share, low, high), members, effective,
            f"Of the messages stopped as not relevant, {share:.1%} [{low:.1%}, {high:.1%}] would have been answered."),
        lost,
    ]  # fmt: skip


def _gain(question: str, what: str, sent: Sums, control: Sums) -> dict[str, object]:
    """Mean a message of those sent less that of the control group. The interval is that of a difference of ratio means, linearised
    over members."""
    unit = "answers a message" if what == "a" else "club currency a message"
    if control["members"] < LEAST_MEMBERS or sent["members"] < LEAST_MEMBERS:
        whom = "the control group" if control["members"] < LEAST_MEMBERS else "the members sent to"
        why = f"{whom} had fewer than {LEAST_MEMBERS} members in the campaigns ended (chance.control_share)"
        return _unknown(question, unit, why)
    (here, error_here), (there, error_there) = clustered_mean(what, sent), clustered_mean(what, control)
    gain, error = here - there, 1.96 * sqrt(error_here**2 + error_there**2)
    members = int(sent["members"] + control["members"])
    ends = (gain, gain - error, gain + error)
    words = "A message sent brings {:+.3f} [{:+.3f}, {:+.3f}] answers more than none." if what == "a" else (
        "A member who was sent a message spends {:+.2f} [{:+.2f}, {:+.2f}] more until the campaign ends than one who was not."
    )  # fmt: skip
    return _known(question, unit, ends, members, None, words.format(*ends))


def clustered_mean(what: str, sums: Sums) -> tuple[float, float]:
    """(mean a message, its standard error with members as clusters)."""
    total, n, members = sums["answers" if what == "a" else "spend"], sums["mailings"], sums["members"]
    mean = total / n
    spread = sums[what * 2] - 2 * mean * sums[f"{what}n"] + mean**2 * sums["nn"]
    return mean, sqrt(max(spread, 0.0) * members / (members - 1)) / n


def _few(what: str) -> str:
    return f"fewer than {LEAST_MEMBERS} members {what}"


def _unknown(question: str, unit: str, why: str) -> dict[str, object]:
    return {"question": question, "unit": unit, "unknown": why, "says": f"Cannot be known: {why}."}


def _known(
    question: str, unit: str, ends: tuple[float, float, float], members: int, effective: float | None, says: str
) -> dict[str, object]:
    value, low, high = ends
    return {"question": question, "value": value, "low": low, "high": high, "unit": unit, "members": members, "effective": effective, "says": says}  # fmt: skip
