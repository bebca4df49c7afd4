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
_EXACT = 1e-9  # 0.29 of 100 is a little less than 29 to a computer
PAIR = ("campaign_id", "member_id", "offer_id", "channel")
# What is looked at of a pair, of its offer and of its member.
COMPARED = (
    "expected_value", "relevance", "reach", "message_class", "kind", "title", "chosen_at", "offer_category", "few",
    "room_on_channel", "room_in_all", "room_for_member", "room_in_category",
)  # fmt: skip
TOLD = ("cut", "cut_margin", "chosen_channel", "fits", "slot")
OUTCOME = (*TOLD, "reached")


def arbitrate(candidates: ir.Table, basis: Basis) -> ir.Table:
    """What becomes of the candidates: their keys (`PAIR`) with cut (the code that stops them; null = sent), cut_margin (places or
    offers short, below 0), chosen_channel (of their message), fits (does the text fit the channel), slot (place among the member's
    offers of the night; null when cut) and reached (is anything of their message sent).

    Needs of each row `PAIR` and `COMPARED`; the rooms are null where there is no limit, few says that little is known of the member.
    Nothing else of a row is carried through: the windows sort what they are given.
    """
    caps = basis.policy.caps
    rows = candidates.select(*PAIR, *COMPARED)
    rows = rows.mutate(
        cut=ibis.null("string"), cut_margin=ibis.null("float64"), limited=rows.message_class != "service"
    )
    elsewhere, rows = _parted(choose_channel(rows, basis))
    rows = rows.mutate(nth=_best_first(rows, basis))
    rows = cut_beyond(rows, Reason.CATEGORY_CAP, ("member_id", "offer_category"), rows.room_in_category)
    beyond, rows = _parted(cut_beyond(rows, Reason.OUTRANKED, ("member_id", "campaign_id"), caps.offers_per_message))
    # A discount that has no place whatever else goes takes none of a message: the share is asked here, and of what is left again.
    unshared, rows = _parted(cut_discounts(rows, basis, before_messages=True))
    unwanted, rows = _parted(cut_messages(rows, basis))
    rows = cut_beyond(rows, Reason.OUTRANKED, ("member_id",), _most_of_the_night(rows, basis))
    rows = cut_discounts(rows, basis)
    rows = rows.mutate(
        cut=(rows.cut.isnull() & in_control_group(rows, basis)).ifelse(Reason.CONTROL_GROUP.value, rows.cut)
    )
    place = ibis.row_number().over(group_by=["member_id", rows.cut.isnull()], order_by=[rows.limited, rows.nth])
    placed = rows.mutate(slot=rows.cut.isnull().ifelse(place + 1, ibis.null("int64")))
    left_out = [part.mutate(slot=ibis.null("int64")) for part in (elsewhere, beyond, unshared, unwanted)]
    message = ["member_id", "campaign_id"]
    sent = placed.filter(placed.cut.isnull()).group_by(message).aggregate(reached=ibis.literal(True))
    every = ibis.union(*(part.select(*PAIR, *TOLD) for part in (placed, *left_out)))
    every = attach(every, sent, message)
    return every.mutate(reached=every.reached.fill_null(False)).select(*PAIR, *OUTCOME)


def _parted(rows: ir.Table) -> tuple[ir.Table, ir.Table]:
    """Those cut and those that still stand: only they are ranked on, and of a wide campaign they are few."""
    rows = staged(rows)
    return rows.filter(rows.cut.notnull()), rows.filter(rows.cut.isnull())


def in_control_group(rows: ir.Table, basis: Basis) -> ir.BooleanValue:
    """Is the member held out of all but service: a draw of the member alone, so the same ones every night."""
    chance = basis.policy.chance
    if chance.control_share == 0:
        return ibis.literal(False)
    return (rows.message_class != "service") & chosen(
        draw(chance.seed, "control", rows.member_id), chance.control_share
    )


def _best_first(rows: ir.Table, basis: Basis) -> ir.IntegerValue:
    """The row's place among its member's, best first: reckoned once, as every limit goes by it."""
    falling = [ibis.desc(rows[name], nulls_first=False) for name in ("expected_value", "relevance", "reach")]
    tie = draw(basis.policy.chance.seed, "tie", rows.member_id, rows.offer_id)
    return ibis.row_number().over(group_by="member_id", order_by=[*falling, tie, rows.offer_id, rows.channel])


def choose_channel(rows: ir.Table, basis: Basis) -> ir.Table:
    """One channel for each member and campaign: one that an offer's text fits, that the member has chosen, that comes first
    in the policy's order. Pairs on the others are outranked."""
    order = list(basis.policy.channels.order)
    place = ibis.cases(*((rows.channel == name, f"{n:02d}") for n, name in enumerate(order)), else_=f"{len(order):02d}")
    fits = (rows.channel != "sms") | (rows.title.length() <= basis.policy.channels.sms_characters)
    # As a text of fixed places, of which the first in order is the least: cheaper than to sort the rows of every message.
    wish = (
        ibis.cases((fits, "0"), (~fits, "1"), else_="2")
        + rows.chosen_at.notnull().ifelse("0", "1")
        + place
        + rows.channel
    )
    rows = rows.mutate(fits=fits, wish=wish)
    message = ["member_id", "campaign_id"]
    first = rows.group_by(message).aggregate(chosen_channel=rows.wish.min().substr(4))
    rows = attach(rows.drop("wish"), first, message)
    other = (rows.channel != rows.chosen_channel) | ~rows.fits
    return _cut(rows, Reason.OUTRANKED, other, ibis.literal(-1.0))


def cut_beyond(rows: ir.Table, code: Reason, within: Sequence[str], limit: int | ir.IntegerValue) -> ir.Table:
    """Cut the rows still standing that come after the first `limit` of their group."""
    standing = rows.cut.isnull() & rows.limited
    place = ibis.row_number().over(group_by=[*within, standing], order_by="nth") + 1
    return _cut_after(rows, code, place, limit)


def cut_messages(rows: ir.Table, basis: Basis) -> ir.Table:
    """Cut the messages, with all their offers, that come after the room left on their channel, then in all, then in the policy's
    week. A message stands where its best offer stands. Of the rows none is cut yet, and those of a message are on one channel."""
    message = ["member_id", "campaign_id"]
    heads = ("expected_value", "relevance", "reach")
    rooms = ("room_on_channel", "room_in_all", "room_for_member")
    standing = rows.filter(rows.limited)
    said = standing.group_by([*message, "channel"]).aggregate(
        **{name: standing[name].max() for name in (*heads, *rooms)}
    )
    tie = draw(basis.policy.chance.seed, "message", said.member_id, said.campaign_id)
    falling = [ibis.desc(said[name], nulls_first=False) for name in heads]
    said = said.mutate(
        nth=ibis.row_number().over(group_by="member_id", order_by=[*falling, tie, said.campaign_id]),
        limited=ibis.literal(True), cut=ibis.null("string"), cut_margin=ibis.null("float64"),
    )  # fmt: skip
    said = cut_beyond(said, Reason.CHANNEL_CAP, ("member_id", "channel"), said.room_on_channel)
    said = cut_beyond(said, Reason.CHANNEL_CAP, ("member_id",), said.room_in_all)
    said = cut_beyond(said, Reason.MEMBER_CAP, ("member_id",), said.room_for_member)
    return attach(rows.drop("cut", "cut_margin"), said.select(*message, "cut", "cut_margin"), message)


def _most_of_the_night(rows: ir.Table, basis: Basis) -> ir.IntegerValue:
    """The policy's most offers to the member in a night, which are fewer where little is known of the member."""
    most, few = basis.policy.caps.offers_per_night, basis.policy.confidence.offers_per_night
    return rows.few.ifelse(min(few, most), most)


def cut_discounts(rows: ir.Table, basis: Basis, before_messages: bool = False) -> ir.Table:
    """Cut the discounts beyond their share of the member's offers: those of the last 30 days of which the offer is recorded,
    and tonight's. The share is reckoned from the policy's first few offers on.

    before_messages  messages have still to be cut: then the share is one of no more offers than can go in the messages left, lest
                     a discount be let in for an offer that then does not go
    """
    share, from_offers = basis.policy.caps.discount_share, basis.policy.caps.discount_from
    if share >= 1:
        return rows
    kept = rows.columns
    rows = attach(_with_sizes(rows) if before_messages else rows, _month_facts(basis), "member_id")
    discount = rows.kind == "discount"
    standing = rows.cut.isnull() & rows.limited
    sent, others_sent = rows.discounts_in_month.fill_null(0), rows.others_in_month.fill_null(0)
    others = (standing & ~discount).cast("int64").sum().over(group_by="member_id") + others_sent
    of_others = others * (share / (1 - share))
    if before_messages:
        of_others = ibis.least(of_others, share * (_room_of_offers(rows, basis) + sent + others_sent) + _EXACT)
    left = ibis.greatest(of_others, share * from_offers).floor().cast("int64") - sent
    place = ibis.row_number().over(group_by=["member_id", standing, discount], order_by="nth") + 1
    limit = discount.ifelse(left, NO_LIMIT)
    return _cut_after(rows, Reason.DISCOUNT_SHARE, place, limit).select(*kept)


def _with_sizes(rows: ir.Table) -> ir.Table:
    """The rows with in_message: how many offers are in their message; 0 of service."""
    return rows.mutate(in_message=rows.limited.ifelse(rows.nth.count().over(group_by=["member_id", "campaign_id"]), 0))


def _room_of_offers(rows: ir.Table, basis: Basis) -> ir.IntegerValue:
    """More offers than these go to the member in no case: as many messages as are left, each as long as the longest."""
    messages = ibis.least(rows.room_for_member, rows.room_in_all.fill_null(rows.room_for_member))
    longest = rows.in_message.max().over(group_by="member_id")
    return ibis.least(messages * longest, _most_of_the_night(rows, basis))


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
