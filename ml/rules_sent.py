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
from ml.shopping import grouped_products
from ml.wording import by_channel, counted, day_in_words, readable, sentence

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
    """(member_id, sent_in_week, first_in_week): messages to the member in the week before the night, and the first's time."""
    sent = messages_of(counted_mailings(basis, WEEK), basis)
    return sent.group_by("member_id").aggregate(sent_in_week=sent.count(), first_in_week=sent.sent_at.min())


def channel_week_facts(basis: Basis) -> ir.Table:
    """(member_id, channel, sent_on_channel, first_on_channel): the same on one channel."""
    sent = messages_of(counted_mailings(basis, WEEK), basis)
    return sent.group_by("member_id", "channel").aggregate(
        sent_on_channel=sent.count(), first_on_channel=sent.sent_at.min()
    )


def offer_category_facts(basis: Basis) -> ir.Table:
    """(offer_id, offer_category, offer_category_name): the group that most of the offer's products are in; offers without
    products have none, and no limit of their category."""
    of = basis.club.offer_products.inner_join(grouped_products(basis), "product_id")
    sizes = of.group_by("offer_id", "group").aggregate(group_name=of.group_name.max(), products=of.product_id.nunique())
    place = ibis.row_number().over(group_by="offer_id", order_by=[ibis.desc("products"), "group"])
    first = sizes.mutate(place=place).filter(lambda size: size.place == 0)
    return first.select("offer_id", offer_category="group", offer_category_name="group_name")


def category_week_facts(basis: Basis) -> ir.Table:
    """(member_id, offer_category, sent_of_category): offers of a category sent to the member in the week, where it is
    recorded which offers were sent."""
    sent = counted_mailings(basis, WEEK).filter(lambda mailing: mailing.offer_id.notnull())
    sent = sent.inner_join(offer_category_facts(basis), "offer_id")
    return sent.group_by("member_id", "offer_category").aggregate(sent_of_category=sent.count())


CASES = Facts(("member_id",), case_facts)
OFFER_SENT = Facts(("member_id", "offer_id"), offer_sent_facts)
CAMPAIGN_SENT = Facts(("member_id", "campaign_id"), campaign_sent_facts)
WEEK_SENT = Facts(("member_id",), week_facts)
CHANNEL_WEEK = Facts(("member_id", "channel"), channel_week_facts)
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
    return (row.week_limit_in_all >= 0).ifelse(
        row.week_limit_in_all - row.sent_in_week.fill_null(0), ibis.null("int64")
    )


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


def week_over(row: ir.Table, basis: Basis) -> ir.DateValue:
    """The first business date of which the first message of the week no longer counts."""
    return _free_of(row.first_in_week, basis)


def own_week_over(row: ir.Table, basis: Basis) -> ir.DateValue:
    """The same of the member's own limits: of the channel's messages where they are what fills it."""
    on_it = (room_on_channel(row, basis) < 1).fill_null(False)
    return _free_of(on_it.ifelse(row.first_on_channel, row.first_in_week), basis)


def _free_of(sent_at: ir.TimestampValue, basis: Basis) -> ir.DateValue:
    """A week later it still counts on the date that it was sent on, unless that was at midnight."""
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
        Reason.CHANNEL_CAP, ALL_BUT_SERVICE, (PREFERENCES, WEEK_SENT, CHANNEL_WEEK),
        lambda row, basis: (room_of_own_limits(row, basis) - 1).cast("float64"), "messages",
        detail=lambda row, basis: sentence("You have had as many messages ", by_channel(row.channel), " this week as you asked for at most."),
        would_pass_if=lambda row, basis: sentence("the member's own limit has room for another message by ", row.channel),
        until=own_week_over,
    ),
    Rule(
        Reason.MEMBER_CAP, ALL_BUT_SERVICE, (WEEK_SENT,),
        lambda row, basis: (room_for_member(row, basis) - 1).cast("float64"), "messages",
        detail=lambda row, basis: sentence("You have had ", counted(row.sent_in_week, "message", "messages"), " from us this week."),
        would_pass_if=lambda row, basis: ibis.literal(f"the member has had fewer than {basis.policy.caps.messages_per_week} messages in 7 days"),
        until=week_over,
    ),
    Rule(
        Reason.CATEGORY_CAP, ALL_BUT_SERVICE, (OFFER_CATEGORY, CATEGORY_WEEK),
        lambda row, basis: (room_in_category(row, basis) - 1).cast("float64"), "offers",
        detail=lambda row, basis: sentence("You have had ", counted(row.sent_of_category, "offer", "offers"), " of ", readable(row.offer_category_name), " this week."),
        would_pass_if=lambda row, basis: ibis.literal(f"the member has had fewer than {basis.policy.caps.offers_per_category} offers of it in 7 days"),
    ),
)  # fmt: skip
