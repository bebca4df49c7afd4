"""The night's decision: every scored member and offer, on every channel, judged by the rules and placed among the others,
as one expression. What is published of it is made in decision_lists.py.
"""

from collections.abc import Sequence
from datetime import datetime

import ibis
import ibis.expr.types as ir

from ml.arbitration import PAIR, arbitrate
from ml.basis import Basis, Explain, Wide
from ml.club import Club
from ml.consent import refuse_without_consents
from ml.declared import match_facts
from ml.judgement import failure, judge
from ml.kept import keep, staged
from ml.lake_tables import DECISIONS, SCORES
from ml.night import Night
from ml.pairs import attach, offers_of
from ml.policy import Policy
from ml.reasons import Reason
from ml.rule import Rule
from ml.rules import RULES
from ml.send_reason import send_evidence, send_facts, send_reason
from ml.wording import by_channel, counted, json_object, readable, sentence


def decide(
    club: Club,
    night: Night,
    scores: ir.Table,
    policy: Policy,
    *,
    threshold: float | None,
    asks: ir.Table | None = None,
    model_version: str = "rules",
    doubts: ir.Table | None = None,
    erased: ir.Table | None = None,
    consents_until: datetime | None = None,
    uplift: ir.Table | None = None,
    wide: Wide | None = None,
    explain: Explain | None = None,
) -> ir.Table:
    """The ledger (`DECISIONS`): one row a scored member, offer and channel that the campaign may use.

    club            what the night may know, as `ml.club.visible` leaves it
    scores          `SCORES`; relevance may be null throughout when the night goes by rules
    threshold       least mailing relevance, fixed on the past; None when the night goes by rules
    asks            (campaign_id, member_id) the audiences, no row twice; members of them of whom nothing was scored are
                    judged too, their relevance unknown
    model_version   what the rows of such members say was used
    doubts          (member_id) members of whom a row on consent or preferences was quarantined
    erased          (member_id) members who asked to be erased
    consents_until  instant up to which the consents are known to be complete; None = the night's own
    uplift          what a discount adds to what members would buy anyway (`ml.uplift`); None = not known
    wide            facts of the whole club, where the club, scores and asks given are one shard of it
    explain         tells what moved the scores of the pairs sent; None = what the scores say

    Raises PolicyError for a club that records no consents, unless the policy takes its audiences as consenting.
    """
    refuse_without_consents(club.recorded, policy)
    if asks is not None:
        scores = ibis.union(scores.select(*SCORES.names), unscored(asks, scores, club, model_version))
    nobody = club.members.select("member_id").limit(0)
    basis = Basis(
        club=club,
        night=night,
        policy=policy,
        offers=offers_of(club, scores),
        threshold=threshold,
        doubts=nobody if doubts is None else doubts,
        erased=nobody if erased is None else erased,
        consents_until=night.as_of if consents_until is None else consents_until,
        uplift=uplift,
        wide=wide,
        explain=explain,
    )
    return ledger(scores, basis)


def unscored(asks: ir.Table, scores: ir.Table, club: Club, model_version: str) -> ir.Table:
    """`SCORES` rows without relevance, of every offer to the members of an audience of whom nothing was scored, such as those
    who may not be profiled: the ledger tells of them too, and what needs no profile may reach them."""
    left = asks.select("campaign_id", "member_id").anti_join(scores, ["campaign_id", "member_id"])
    rows = left.inner_join(club.offers.select("campaign_id", "offer_id"), "campaign_id")
    gaps = {name: ibis.null("float64") for name in ("relevance", "mailing_relevance", "relevance_low")}
    gaps |= {name: ibis.null("string") for name in ("contributions", "speaks_for")}
    return rows.mutate(**gaps, model_version=ibis.literal(model_version)).select(*SCORES.names).cast(SCORES.schema)


def ledger(scores: ir.Table, basis: Basis, rules: Sequence[Rule] = RULES) -> ir.Table:
    """What the rules and the arbitration make of the scores, on a basis already put together."""
    # What is sent must be known before it can be explained, and the rest is written after it: judged once for both.
    held = keep if basis.explain else staged
    judged = held(judge(scores, basis, rules))
    stopped = judged.filter(judged.reason.notnull())
    free = judged.filter(judged.reason.isnull())
    placed = held(arbitrate(free, basis))
    sent = placed.filter(placed.cut.isnull())
    told = basis.explain(sent.select(*SCORES.key).distinct()) if basis.explain else None
    cut, sent = (_told(free.inner_join(rows, PAIR), told) for rows in (placed.filter(placed.cut.notnull()), sent))
    parts = (_stopped(stopped), _cut(cut, basis), _sent(sent, basis))
    fixed = {
        "threshold": ibis.null("float64") if basis.threshold is None else ibis.literal(basis.threshold),
        "policy_version": ibis.literal(basis.policy.version),
    }
    written = ibis.union(*(_with_chance(rows.mutate(**fixed), basis).select(*DECISIONS.names) for rows in parts))
    return written.cast(DECISIONS.schema)


def _told(rows: ir.Table, told: ir.Table | None) -> ir.Table:
    """The rows with what moved the scores of the offers that are sent, which are few of all that were scored."""
    if told is None:
        return rows
    joined = rows.left_join(told, [*SCORES.key], rname="{name}_told")
    anew = {name: joined[f"{name}_told"].fill_null(joined[name]) for name in ("contributions", "speaks_for")}
    return joined.select(*(name for name in rows.columns if name not in anew), **anew)


def _stopped(rows: ir.Table) -> ir.Table:
    return rows.mutate(verdict=ibis.literal("suppress"), slot=ibis.null("int64"))


def _cut(rows: ir.Table, basis: Basis) -> ir.Table:
    """Pairs that arbitration has cut as ledger rows: with the cut as their failure."""
    # Who is in the control group has that among the failures already.
    ranked_out = rows.cut != Reason.CONTROL_GROUP.value
    cut = ibis.array([failure(rows.cut, rows.cut_margin, ibis.literal(True))])
    return rows.mutate(
        verdict=ibis.literal("suppress"),
        reason=rows.cut,
        failures=ranked_out.ifelse(cut.concat(rows.failures), rows.failures),
        detail=_why_cut(rows, basis),
        would_pass_if=(ranked_out & (rows.failures.length() == 0)).ifelse(_wish(rows), ibis.null("string")),
        evidence=json_object({"margin": rows.cut_margin, "unit": ibis.literal("places")}),
    )


def _sent(rows: ir.Table, basis: Basis) -> ir.Table:
    """Pairs that are sent as ledger rows: with the reason of sending."""
    for facts in (send_facts(rows, basis), match_facts(rows, basis)):
        rows = attach(rows, facts, ("member_id", "offer_id"))
    return rows.mutate(
        verdict=ibis.literal("send"),
        detail=send_reason(rows, basis),
        evidence=send_evidence(rows, basis),
    )


def _why_cut(rows: ir.Table, basis: Basis) -> ir.StringValue:
    caps = basis.policy.caps
    elsewhere = rows.channel != rows.chosen_channel
    return ibis.cases(
        (rows.cut == Reason.CATEGORY_CAP.value, sentence("Other offers of ", readable(rows.offer_category_name), " suit you better.")),
        (rows.cut == Reason.CHANNEL_CAP.value, "Other messages suit you better, and you asked for no more this week."),
        (rows.cut == Reason.MEMBER_CAP.value, f"Other messages suit you better, and we send you at most {caps.messages_per_week} a week."),
        (rows.cut == Reason.DISCOUNT_SHARE.value, "Enough of your other offers are discounts."),
        (rows.cut == Reason.CONTROL_GROUP.value, "You are among the members who get no offers for now, so that we learn what offers are worth."),
        (~rows.fits, "The text is too long for this channel."),
        (elsewhere & rows.reached, sentence("You are reached ", by_channel(rows.chosen_channel), " instead.")),
        (elsewhere, sentence("This would have come ", by_channel(rows.chosen_channel), ", if at all.")),
        else_="Other offers of the night were more relevant to you.",
    )  # fmt: skip


def _wish(rows: ir.Table) -> ir.StringValue:
    return ibis.cases(
        (~rows.fits, sentence("the text fits the channel ", rows.channel)),
        (
            rows.channel != rows.chosen_channel,
            sentence(rows.channel, " is the first channel the member may be reached by"),
        ),
        else_=sentence("it ranks ", counted(-rows.cut_margin, "place", "places"), " higher"),
    )


def _with_chance(rows: ir.Table, basis: Basis) -> ir.Table:
    """The rows with propensity: the probability of this verdict over all seeds, 1 where chance had no part in it."""
    held_out, explored = basis.policy.chance.control_share, basis.policy.chance.exploration_share
    limited = rows.message_class != "service"
    sent = rows.verdict == "send"
    below = (rows.mailing_relevance < rows.threshold).fill_null(False)
    drawable = [code.value for code in (Reason.LOW_RELEVANCE, Reason.NO_VALUE, Reason.CONTROL_GROUP)]
    others = rows.failures.filter(lambda failed: ~failed.code.isin(drawable)).length()
    could_explore = (others == 0).ifelse(1 - explored * (1 - held_out), 1.0)
    propensity = ibis.cases(
        (~limited, 1.0),
        (sent & below, explored * (1 - held_out)),
        (sent, 1 - held_out),
        (rows.reason == Reason.LOW_RELEVANCE.value, could_explore),  # the only rows whose failures are gone through
        (rows.reason == Reason.CONTROL_GROUP.value, held_out),
        else_=1.0,
    )
    return rows.mutate(propensity=propensity)
