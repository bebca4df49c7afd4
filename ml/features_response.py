"""Features of how a member has answered mailings before the moment: rates with smoothing, answers against what each
campaign's own rate would lead one to expect, and how often they were written to of late.
"""

import ibis
import ibis.expr.types as ir

from ml.club import Club
from ml.exact import total
from ml.features_offer import mailed_before
from ml.history import days_before, moments_of, seen_from

PRIOR_MAILINGS = 3.0  # mailings that the club's own rate weighs in a member's
PRIOR_EXPECTED = 0.5  # expected answers that "just as expected" weighs
ASK = ["as_of", "campaign_id", "member_id"]
SUMS = ("mailed", "answered", "expected", "answered_decayed", "mailed_decayed")


def response_features(club: Club, asks: ir.Table, kinds: tuple[str, ...], rates: ir.Table | None = None) -> ir.Table:
    """One row a (as_of, member_id), also of members never written to.

    answer_rate is the member's answered campaigns over campaigns mailed, shrunk towards the club's rate so far;
    answers_over_expected compares with the sum of those campaigns' own rates so far.
    """
    moments = moments_of(asks)
    rates = campaign_rates(club, asks, kinds) if rates is None else rates
    history = _past_mailings(club, moments, kinds, rates)
    club_rate = rates.group_by("as_of").aggregate(club_rate=rates.answered.sum() / rates.mailed.sum())
    sums = history.group_by("as_of", "member_id").aggregate(
        mailed=history.count().cast("float64"),
        answered=history.answered.sum(),
        expected=total(history.expected),
        answered_decayed=total(history.answered * history.weight),
        mailed_decayed=total(history.weight),
        days_since_mailed=history.days_ago.min(),
    )
    joined = moments.left_join(sums, ["as_of", "member_id"]).drop("as_of_right", "member_id_right")
    joined = joined.left_join(club_rate, "as_of").drop("as_of_right")
    for part in (_contacts(club, moments), _answers(club, moments, kinds)):
        joined = joined.left_join(part, ["as_of", "member_id"]).drop("as_of_right", "member_id_right")
    zero = {c: joined[c].fill_null(0) for c in (*SUMS, "contacts_7", "contacts_30", "answers_91", "answers_all")}
    t = joined.mutate(**zero)
    rate = t.club_rate.fill_null(0)
    return t.select(
        "as_of",
        "member_id",
        "contacts_7",
        "contacts_30",
        "answers_91",
        "answers_all",
        "days_since_answer",
        "days_since_mailed",
        campaigns_mailed="mailed",
        campaigns_answered="answered",
        answer_rate=(t.answered + PRIOR_MAILINGS * rate) / (t.mailed + PRIOR_MAILINGS),
        answer_rate_decayed=(t.answered_decayed + rate) / (t.mailed_decayed + 1),
        answers_over_expected=(t.answered + PRIOR_EXPECTED) / (t.expected + PRIOR_EXPECTED),
    )


def response_to_kind(club: Club, asks: ir.Table, kinds: tuple[str, ...], rates: ir.Table | None = None) -> ir.Table:
    """One row a (as_of, campaign_id, member_id): answers to earlier campaigns of the same kind, as far as there are any."""
    asked = asks.select(*ASK)
    named = asked.inner_join(club.campaigns.select("campaign_id", "kind"), "campaign_id")
    rates = campaign_rates(club, asks, kinds) if rates is None else rates
    h = _past_mailings(club, moments_of(asks), kinds, rates)
    # Summed before it is spread over the asks: a member is asked about many campaigns of a kind.
    sums = h.group_by("as_of", "member_id", "kind").aggregate(
        mailed=h.count().cast("float64"), answered=h.answered.sum(), expected=total(h.expected)
    )
    t = named.inner_join(sums, ["as_of", "member_id", "kind"])
    return t.select(
        *ASK,
        kind_mailed="mailed",
        kind_answered="answered",
        kind_over_expected=(t.answered + PRIOR_EXPECTED) / (t.expected + PRIOR_EXPECTED),
    )


def _past_mailings(club: Club, moments: ir.Table, kinds: tuple[str, ...], rates: ir.Table) -> ir.Table:
    """One row a moment and campaign that the member had been sent: answered by then (0/1), and the campaign's rate so far."""
    sent = club.mailings.group_by("campaign_id", "member_id").aggregate(sent_at=club.mailings.sent_at.min())
    first = _first_answers(club, kinds)
    seen = seen_from(moments, sent.semi_join(moments, "member_id"), "sent_at")
    joined = seen.left_join(first.drop("sent_at"), ["campaign_id", "member_id"])
    joined = joined.drop("campaign_id_right", "member_id_right")
    joined = joined.inner_join(
        rates, [joined.as_of == rates.as_of, joined.campaign_id == rates.past_campaign]
    ).inner_join(club.campaigns.select("campaign_id", "kind"), "campaign_id")
    answered = (joined.first_at.notnull() & (joined.first_at < joined.as_of)).cast("float64")
    return joined.select(
        "as_of", "member_id", "campaign_id", "kind", "days_ago", "weight", answered=answered, expected=joined.rate
    )


def campaign_rates(club: Club, asks: ir.Table, kinds: tuple[str, ...]) -> ir.Table:
    """(as_of, past_campaign, mailed, answered, rate): what share of those written to had answered by the moment."""
    moments = asks.select("as_of").distinct()
    mailed = mailed_before(club, asks)
    first = _first_answers(club, kinds)
    seen = moments.inner_join(first, [first.first_at < moments.as_of, first.sent_at < moments.as_of])
    answered = seen.group_by(["as_of", seen.campaign_id.name("past_campaign")]).aggregate(
        answered=seen.count().cast("float64")
    )
    joined = mailed.left_join(answered, ["as_of", "past_campaign"]).drop("as_of_right", "past_campaign_right")
    done = joined.answered.fill_null(0)
    return joined.mutate(answered=done, rate=ibis.least(done / joined.mailed, 1.0))


def _first_answers(club: Club, kinds: tuple[str, ...]) -> ir.Table:
    """(campaign_id, member_id, first_at, sent_at) of members who were sent the campaign at some time, and answered it."""
    given = club.responses.filter(club.responses.kind.isin(kinds))
    sent = club.mailings.group_by("campaign_id", "member_id").aggregate(sent_at=club.mailings.sent_at.min())
    both = given.inner_join(sent, ["campaign_id", "member_id"])
    return both.group_by("campaign_id", "member_id").aggregate(
        first_at=both.occurred_at.min(), sent_at=both.sent_at.min()
    )


def _contacts(club: Club, moments: ir.Table) -> ir.Table:
    seen = seen_from(moments, club.mailings.select("member_id", "sent_at"), "sent_at")
    return seen.group_by("as_of", "member_id").aggregate(
        contacts_7=(seen.days_ago <= 7).sum().cast("float64"), contacts_30=(seen.days_ago <= 30).sum().cast("float64")
    )


def _answers(club: Club, moments: ir.Table, kinds: tuple[str, ...]) -> ir.Table:
    given = club.responses.filter(club.responses.kind.isin(kinds)).select("member_id", "occurred_at")
    seen = seen_from(moments, given)
    days = days_before(seen.as_of, seen.occurred_at)
    return seen.group_by("as_of", "member_id").aggregate(
        answers_91=(days <= 91).sum().cast("float64"),
        answers_all=seen.count().cast("float64"),
        days_since_answer=days.min(),
    )
