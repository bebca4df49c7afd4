"""Which of the pairs that no rule stops go out: one channel a message, then the limits per category, message, channel,
member and night and the share of discounts, best first. Every step takes the rows and marks some as cut; what is cut
makes no room for what was cut before, so no limit is ever passed.

Order is by expected value, then relevance, then reach, then a draw from the seed: it hangs on no order of rows.
"""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from ml.basis import Basis
from ml.chance import chosen, draw
from ml.kept import staged
from ml.pairs import attach
from ml.reasons import Reason
from ml.rules_sent import MONTH, counted_mailings

NO_LIMIT = 2**31  # larger than any place; for rows that a limit does not touch


def arbitrate(candidates: ir.Table, basis: Basis) -> ir.Table:
    """The candidates with cut (the code that stops them; null = sent), cut_margin (places or offers short, below 0),
    chosen_channel (of their message) and slot (place among the member's offers of the night; null when cut).

    Needs of each row, beside the ledger's columns: message_class, kind, title, reach, chosen_at, offer_category, few (is
    little known of the member) and the rooms room_in_category, room_on_channel, room_in_all, room_for_member (null: no
    limit).
    """
    caps = basis.policy.caps
    rows = candidates.mutate(
        cut=ibis.null("string"),
        cut_margin=ibis.null("float64"),
        tie=draw(basis.policy.chance.seed, "tie", candidates.member_id, candidates.offer_id),
        limited=candidates.message_class != "service",
    )
    rows = choose_channel(rows, basis)
    rows = cut_beyond(rows, Reason.CATEGORY_CAP, ("member_id", "offer_category"), rows.room_in_category)
    rows = staged(cut_beyond(rows, Reason.OUTRANKED, ("member_id", "campaign_id"), caps.offers_per_message))
    # Few rows are left of a wide campaign; only they are ranked on.
    left_out = rows.filter(rows.cut.notnull()).mutate(slot=ibis.null("int64"))
    rows = rows.filter(rows.cut.isnull())
    rows = cut_messages_beyond(rows, Reason.CHANNEL_CAP, ("member_id", "channel"), rows.room_on_channel, basis)
    rows = cut_messages_beyond(rows, Reason.CHANNEL_CAP, ("member_id",), rows.room_in_all, basis)
    rows = cut_messages_beyond(rows, Reason.MEMBER_CAP, ("member_id",), rows.room_for_member, basis)
    few = basis.policy.confidence.offers_per_night
    tonight = rows.few.ifelse(min(few, caps.offers_per_night), caps.offers_per_night)
    rows = cut_beyond(rows, Reason.OUTRANKED, ("member_id",), tonight)
    rows = cut_discounts(rows, basis)
    rows = rows.mutate(
        cut=(rows.cut.isnull() & in_control_group(rows, basis)).ifelse(Reason.CONTROL_GROUP.value, rows.cut)
    )
    place = ibis.row_number().over(
        group_by=["member_id", rows.cut.isnull()], order_by=[rows.limited, *_best_first(rows)]
    )
    placed = rows.mutate(slot=rows.cut.isnull().ifelse(place + 1, ibis.null("int64")))
    return ibis.union(left_out.select(*placed.columns), placed)


def in_control_group(rows: ir.Table, basis: Basis) -> ir.BooleanValue:
    """Is the member held out of all but service: a draw of the member alone, so the same ones every night."""
    chance = basis.policy.chance
    if chance.control_share == 0:
        return ibis.literal(False)
    return (rows.message_class != "service") & chosen(
        draw(chance.seed, "control", rows.member_id), chance.control_share
    )


def _best_first(rows: ir.Table) -> list[ir.Value]:
    falling = [ibis.desc(rows[name], nulls_first=False) for name in ("expected_value", "relevance", "reach")]
    return [*falling, rows.tie, rows.offer_id, rows.channel]


def choose_channel(rows: ir.Table, basis: Basis) -> ir.Table:
    """One channel for each member and campaign: one that an offer's text fits, that the member has chosen, that comes first
    in the policy's order. Pairs on the others are outranked."""
    order = list(basis.policy.channels.order)
    places = [(rows.channel == name, place) for place, name in enumerate(order)]
    fits = (rows.channel != "sms") | (rows.title.length() <= basis.policy.channels.sms_characters)
    rows = rows.mutate(fits=fits, channel_place=ibis.cases(*places, else_=len(order)))
    first = rows.channel.first().over(
        group_by=["member_id", "campaign_id"],
        order_by=[ibis.desc("fits"), ibis.desc(rows.chosen_at.notnull()), "channel_place", "channel"],
    )
    rows = rows.mutate(chosen_channel=first)
    other = (rows.channel != rows.chosen_channel) | ~rows.fits
    return _cut(rows, Reason.OUTRANKED, other, ibis.literal(-1.0)).drop("channel_place")


def cut_beyond(rows: ir.Table, code: Reason, within: Sequence[str], limit: int | ir.IntegerValue) -> ir.Table:
    """Cut the rows still standing that come after the first `limit` of their group."""
    standing = rows.cut.isnull() & rows.limited
    place = ibis.row_number().over(group_by=[*within, standing], order_by=_best_first(rows)) + 1
    return _cut_after(rows, code, place, limit)


def cut_messages_beyond(
    rows: ir.Table, code: Reason, within: Sequence[str], room: ir.IntegerValue, basis: Basis
) -> ir.Table:
    """Cut the messages still standing, with all their offers, that come after the first `room` of their group. A message
    stands where its best offer stands."""
    standing = rows.cut.isnull() & rows.limited
    message = ibis.window(group_by=["member_id", "campaign_id", standing])
    heads = {f"head_{name}": rows[name].max().over(message) for name in ("expected_value", "relevance", "reach")}
    tie = draw(basis.policy.chance.seed, "message", rows.member_id, rows.campaign_id)
    ranked = rows.mutate(**heads, message_tie=tie, standing=standing)
    falling = [ibis.desc(ranked[name], nulls_first=False) for name in heads]
    order = [*falling, ranked.message_tie, ranked.campaign_id]
    place = ibis.dense_rank().over(group_by=[*within, ranked.standing], order_by=order) + 1
    cut = _cut_after(ranked, code, place, room)
    return cut.drop(*heads, "message_tie", "standing")


def cut_discounts(rows: ir.Table, basis: Basis) -> ir.Table:
    """Cut the discounts beyond their share of the member's offers: those of the last 30 days of which the offer is recorded,
    and tonight's. The share is reckoned from the policy's first few offers on."""
    share, from_offers = basis.policy.caps.discount_share, basis.policy.caps.discount_from
    if share >= 1:
        return rows
    rows = attach(rows, _month_facts(basis), "member_id")
    discount = rows.kind == "discount"
    standing = rows.cut.isnull() & rows.limited
    others = (standing & ~discount).cast("int64").sum().over(group_by="member_id") + rows.others_in_month.fill_null(0)
    allowed = ibis.greatest(others * (share / (1 - share)), share * from_offers).floor().cast("int64")
    left = allowed - rows.discounts_in_month.fill_null(0)
    place = ibis.row_number().over(group_by=["member_id", standing, discount], order_by=_best_first(rows)) + 1
    limit = discount.ifelse(left, NO_LIMIT)
    return _cut_after(rows, Reason.DISCOUNT_SHARE, place, limit).drop("others_in_month", "discounts_in_month")


def _month_facts(basis: Basis) -> ir.Table:
    """(member_id, discounts_in_month, others_in_month): offers sent in the month, where it is recorded which they were."""
    sent = counted_mailings(basis, MONTH).inner_join(basis.club.offers.select("offer_id", "kind"), "offer_id")
    discount = sent.kind == "discount"
    return sent.group_by("member_id").aggregate(
        discounts_in_month=discount.cast("int64").sum(), others_in_month=(~discount).cast("int64").sum()
    )


def _cut_after(rows: ir.Table, code: Reason, place: ir.IntegerValue, limit: int | ir.IntegerValue) -> ir.Table:
    short = limit - place
    return _cut(rows, code, rows.limited & (short < 0), short.cast("float64"))


def _cut(rows: ir.Table, code: Reason, where: ir.BooleanValue, margin: ir.NumericValue) -> ir.Table:
    """Mark the rows that still stand and meet the condition; null meets none."""
    now = rows.cut.isnull() & where.fill_null(False)
    return rows.mutate(cut=now.ifelse(code.value, rows.cut), cut_margin=now.ifelse(margin, rows.cut_margin))
