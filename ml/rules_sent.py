"""Reasons of what has gone before: an open case, the same offer sent already, limits reached by what was sent in the days
before the night. What tonight's own messages add to the limits is in arbitration.py.

A week is 7 x 24 hours before the midnight at which the business date begins, the first moment at which tonight's messages may
be sent. Whenever on that date they go, no 7 x 24 hours hold more than the limit: later on, the window only loses messages.
"""

import ibis
import ibis.expr.types as ir

from ml.basis import Basis
from ml.consent import PREFERENCES
from ml.days import days_after, local_day
from ml.reasons import Reason
from ml.rule import ALL_BUT_SERVICE, EVERY_CLASS, Facts, Rule, yes_or_no
from ml.wording import UNNAMED, by_channel, counted, day_in_words, is_sensitive, readable, sentence

WEEK = 7  # days: the window of every "per week"
MONTH = 30  # days: the window of the share of discounts


def case_facts(basis: Basis) -> ir.Table:
    """(member_id, case_opened_at): members with an open case, and since when."""
    cases = basis.club.cases.filter(basis.club.cases.closed_at.isnull())
    return cases.group_by("member_id").aggregate(case_opened_at=cases.opened_at.min())


def offer_sent_facts(basis: Basis) -> ir.Table:
    """(member_id, offer_id, offer_sent_at): when this very offer was last sent to the member."""
    sent = basis.club.mailings.filter(basis.club.mailings.offer_id.notnull())
    return sent.group_by("member_id", "offer_id").aggregate(offer_sent_at=sent.sent_at.max())


def campaign_sent_facts(basis: Basis) -> ir.Table:
    """(member_id, campaign_id, campaign_sent_at): when the campaign was last sent to the member without record of the offers
    in it; each of its offers may have been among them."""
    sent = basis.club.mailings.filter(basis.club.mailings.offer_id.isnull())
    return sent.group_by("member_id", "campaign_id").aggregate(campaign_sent_at=sent.sent_at.max())


def counted_mailings(basis: Basis, days: int) -> ir.Table:
    """Mailings of the last days, of 24 hours each, that count against limits: all but messages of service. What was sent just so
    long ago counts no more."""
    service = basis.club.campaigns.filter(basis.club.campaigns.message_class == "service")
    begun = ibis.literal(basis.night.as_of) - ibis.interval(days=days)
    return basis.club.mailings.filter(basis.club.mailings.sent_at > begun).anti_join(service, "campaign_id")


def messages_of(mailings: ir.Table, basis: Basis) -> ir.Table:
    """Mailings as messages: a campaign on a channel on a day is one, of however many offers. Adds nothing but sent_at, the
    first instant of it."""
    day = local_day(mailings.sent_at, basis.night)
    told = mailings.group_by("member_id", "campaign_id", "channel", day=day).aggregate(sent_at=mailings.sent_at.min())
    return told.drop("day")


def week_facts(basis: Basis) -> ir.Table:
    """(member_id, sent_in_week, makes_room): messages to the member in the week before the night, and when that one was sent
    which leaves fewer of them than the policy's limit as it leaves the week; null below the limit."""
    sent = _newest_first(messages_of(counted_mailings(basis, WEEK), basis), "member_id")
    return sent.group_by("member_id").aggregate(
        sent_in_week=sent.count(), makes_room=sent.sent_at.max(where=sent.nth == basis.policy.caps.messages_per_week)
    )


def own_week_facts(basis: Basis) -> ir.Table:
    """(member_id, channel, sent_on_channel, sent_in_all, makes_room_on_channel, makes_room_in_all): the same of the limits that
    members set themselves, on the channel and over all; members without any have no row."""
    own = PREFERENCES.of(basis).filter(lambda said: (said.week_limit >= 0) | (said.week_limit_in_all >= 0))
    own = own.select("member_id", "channel", "week_limit", "week_limit_in_all")
    sent = messages_of(counted_mailings(basis, WEEK), basis).rename(by="channel")
    sent = _newest_first(_newest_first(sent, "member_id").rename(nth_in_all="nth"), "member_id", "by")
    held = own.inner_join(sent, "member_id")
    on_it = held.by == held.channel
    return held.group_by("member_id", "channel").aggregate(
        sent_on_channel=on_it.cast("int64").sum(),
        sent_in_all=held.count(),
        makes_room_on_channel=held.sent_at.max(where=on_it & (held.nth == held.week_limit)),
        makes_room_in_all=held.sent_at.max(where=held.nth_in_all == held.week_limit_in_all),
    )


def _newest_first(sent: ir.Table, *within: str) -> ir.Table:
    """The rows with nth, from 1: their place among those of the group, the last sent first. Where a limit of n is full it has
    room again once the nth has left the week."""
    return sent.mutate(nth=ibis.row_number().over(group_by=within, order_by=ibis.desc("sent_at")) + 1)


def offer_category_facts(basis: Basis) -> ir.Table:
    """(offer_id, offer_category, offer_category_name): the category that most of the offer's products are in; offers without
    products have none, and no limit of their category. The name is what a sentence may say: one sensitive product hides it."""
    p = basis.club.products
    quiet = is_sensitive([p.department, p.category, p.subcategory, p.brand], basis.policy.sensitive.categories)
    of = basis.club.offer_products.inner_join(p.select("product_id", "category", quiet=quiet), "product_id")
    sizes = of.group_by("offer_id", "category").aggregate(quiet=of.quiet.any(), products=of.product_id.nunique())
    place = ibis.row_number().over(group_by="offer_id", order_by=[ibis.desc("products"), "category"])
    first = sizes.mutate(place=place).filter(lambda size: size.place == 0)
    named = first.quiet.ifelse(UNNAMED, first.category)
    return first.select("offer_id", offer_category="category", offer_category_name=named)


def category_week_facts(basis: Basis) -> ir.Table:
    """(member_id, offer_category, sent_of_category, makes_room_in_category): offers of a category sent to the member in the week,
    where it is recorded which offers were sent."""
    sent = counted_mailings(basis, WEEK).filter(lambda mailing: mailing.offer_id.notnull())
    sent = _newest_first(sent.inner_join(offer_category_facts(basis), "offer_id"), "member_id", "offer_category")
    return sent.group_by("member_id", "offer_category").aggregate(
        sent_of_category=sent.count(),
        makes_room_in_category=sent.sent_at.max(where=sent.nth == basis.policy.caps.offers_per_category),
    )


CASES = Facts(("member_id",), case_facts)
OFFER_SENT = Facts(("member_id", "offer_id"), offer_sent_facts)
CAMPAIGN_SENT = Facts(("member_id", "campaign_id"), campaign_sent_facts)
WEEK_SENT = Facts(("member_id",), week_facts)
OWN_WEEK = Facts(("member_id", "channel"), own_week_facts)
OFFER_CATEGORY = Facts(("offer_id",), offer_category_facts)
CATEGORY_WEEK = Facts(("member_id", "offer_category"), category_week_facts)


def no_open_case(row: ir.Table, basis: Basis) -> ir.NumericValue:
    return yes_or_no(row.case_opened_at.isnull())


def not_sent(row: ir.Table, basis: Basis) -> ir.NumericValue:
    return yes_or_no(row.offer_sent_at.isnull() & row.campaign_sent_at.isnull())


def last_sent(row: ir.Table, basis: Basis) -> ir.StringValue:
    last = row.offer_sent_at.fill_null(row.campaign_sent_at)
    return day_in_words(local_day(last, basis.night), basis.night)


def room_on_channel(row: ir.Table, basis: Basis) -> ir.NumericValue:
    """Messages left of the member's own limit on the channel; null where the member set none."""
    return (row.week_limit >= 0).ifelse(row.week_limit - row.sent_on_channel.fill_null(0), ibis.null("int64"))


def room_in_all(row: ir.Table, basis: Basis) -> ir.NumericValue:
    """Messages left of the member's own limit over all channels; null where the member set none."""
    return (row.week_limit_in_all >= 0).ifelse(row.week_limit_in_all - row.sent_in_all.fill_null(0), ibis.null("int64"))


def room_of_own_limits(row: ir.Table, basis: Basis) -> ir.NumericValue:
    """The smaller of the two."""
    on_it, in_all = room_on_channel(row, basis), room_in_all(row, basis)
    return ibis.least(on_it.fill_null(in_all), in_all.fill_null(on_it))


def room_for_member(row: ir.Table, basis: Basis) -> ir.NumericValue:
    """Messages left of the policy's week."""
    return basis.policy.caps.messages_per_week - row.sent_in_week.fill_null(0)


def room_in_category(row: ir.Table, basis: Basis) -> ir.NumericValue:
    """Offers of the category left of the policy's week; null for offers without products."""
    left = basis.policy.caps.offers_per_category - row.sent_of_category.fill_null(0)
    return row.offer_category.notnull().ifelse(left, ibis.null("int64"))


def own_limit_full(row: ir.Table, basis: Basis) -> tuple[ir.BooleanValue, ir.BooleanValue]:
    """Is the member's own limit full: on the channel; over all channels."""
    on_it, in_all = room_on_channel(row, basis) < 1, room_in_all(row, basis) < 1
    return on_it.fill_null(False), in_all.fill_null(False)


def own_limit_reached(row: ir.Table, basis: Basis) -> ir.StringValue:
    """The sentence of the limit that is full: over all channels, or else on this one."""
    _, in_all = own_limit_full(row, basis)
    what = in_all.ifelse("messages", sentence("messages ", by_channel(row.channel)))
    return sentence("You have had as many ", what, " this week as you asked for at most.")


def own_limit_with_room(row: ir.Table, basis: Basis) -> ir.StringValue:
    on_it, _ = own_limit_full(row, basis)
    by = on_it.ifelse(sentence(" by ", row.channel), "")
    return sentence("the member's own limit has room for another message", by)


def own_week_over(row: ir.Table, basis: Basis) -> ir.DateValue:
    """The first business date on which the member's own limits have room again, both where both are full."""
    on_it, in_all = own_limit_full(row, basis)
    here, over_all = row.makes_room_on_channel, row.makes_room_in_all
    # Null where a limit is full though nothing was sent: one of none at all, which no time mends.
    later = (over_all.isnull() | (here < over_all)).ifelse(over_all, here)
    return _free_of(ibis.cases((on_it & in_all, later), (on_it, here), else_=over_all), basis)


def _free_of(sent_at: ir.TimestampValue, basis: Basis) -> ir.DateValue:
    """The first business date on which what was sent then no longer counts: a week later it still does on the date that it
    was sent on, unless that was at midnight."""
    last_counted = sent_at + ibis.interval(days=WEEK) - ibis.interval(seconds=1)
    return days_after(local_day(last_counted, basis.night), 1)


RULES_OF_HISTORY = (
    Rule(
        Reason.OPEN_CASE, ALL_BUT_SERVICE, (CASES,), no_open_case, "yes or no",
        detail=lambda row, basis: sentence("We are still handling the case you opened on ", day_in_words(local_day(row.case_opened_at, basis.night), basis.night), "."),
        would_pass_if=lambda row, basis: ibis.literal("the case is closed"),
    ),
    Rule(
        Reason.ALREADY_SENT, EVERY_CLASS, (OFFER_SENT, CAMPAIGN_SENT), not_sent, "yes or no",
        detail=lambda row, basis: sentence("We sent you this on ", last_sent(row, basis), "."),
    ),
    Rule(
        Reason.CHANNEL_CAP, ALL_BUT_SERVICE, (PREFERENCES, OWN_WEEK),
        lambda row, basis: (room_of_own_limits(row, basis) - 1).cast("float64"), "messages",
        detail=own_limit_reached,
        would_pass_if=own_limit_with_room,
        until=own_week_over,
    ),
    Rule(
        Reason.MEMBER_CAP, ALL_BUT_SERVICE, (WEEK_SENT,),
        lambda row, basis: (room_for_member(row, basis) - 1).cast("float64"), "messages",
        detail=lambda row, basis: sentence("You have had ", counted(row.sent_in_week, "message", "messages"), " from us this week."),
        would_pass_if=lambda row, basis: ibis.literal(f"the member has had fewer than {basis.policy.caps.messages_per_week} messages in 7 days"),
        until=lambda row, basis: _free_of(row.makes_room, basis),
    ),
    Rule(
        Reason.CATEGORY_CAP, ALL_BUT_SERVICE, (OFFER_CATEGORY, CATEGORY_WEEK),
        lambda row, basis: (room_in_category(row, basis) - 1).cast("float64"), "offers",
        detail=lambda row, basis: sentence("You have had ", counted(row.sent_of_category, "offer", "offers"), " of ", readable(row.offer_category_name), " this week."),
        would_pass_if=lambda row, basis: ibis.literal(f"the member has had fewer than {basis.policy.caps.offers_per_category} offers of it in 7 days"),
        until=lambda row, basis: _free_of(row.makes_room_in_category, basis),
    ),
)  # fmt: skip
