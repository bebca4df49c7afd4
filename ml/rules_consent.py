"""Reasons that law and the member's own word give: never learned, and no relevance overrides them. How the words are
read is in consent.py.
"""

import ibis
import ibis.expr.types as ir

from ml.basis import Basis
from ml.consent import AGE, CONSENT, DOUBT, ERASURE, PREFERENCES, PROFILING
from ml.days import local_day
from ml.reasons import Reason
from ml.rule import ALL_BUT_SERVICE, EVERY_CLASS, Rule, yes_or_no
from ml.wording import by_channel, day_in_words, sentence


def _since(said: ir.TimestampValue, granted: ir.TimestampValue) -> ir.BooleanValue:
    """Does a no still stand: there was one, and no yes came after it."""
    return said.notnull() & ~(granted > said).fill_null(False)


def _on(instant: ir.TimestampValue, basis: Basis) -> ir.StringValue:
    return day_in_words(local_day(instant, basis.night), basis.night)


def not_erased(row: ir.Table, basis: Basis) -> ir.NumericValue:
    return yes_or_no(row.is_erased.isnull())


def not_objected(row: ir.Table, basis: Basis) -> ir.NumericValue:
    """An objection is a marketing consent withdrawn for all channels at once; a later consent lifts it where it covers."""
    return yes_or_no(~_since(row.objected_at, row.granted_at))


def not_complained(row: ir.Table, basis: Basis) -> ir.NumericValue:
    return yes_or_no(~_since(row.complained_at, row.granted_at))


def consented(row: ir.Table, basis: Basis) -> ir.NumericValue:
    """Marketing granted on the channel and not withdrawn since; nothing about the member unreadable; and, for marketing,
    which is chosen by what a member does, profiling allowed."""
    standing = ~_since(row.withdrawn_at, row.granted_at)
    if not _assumed(basis):
        standing = standing & row.granted_at.notnull()
    needs_no_profile = row.message_class != "marketing"
    return yes_or_no(standing & row.in_doubt.isnull() & (row.profiled.fill_null(False) | needs_no_profile))


def _assumed(basis: Basis) -> bool:
    """Is a campaign's audience taken as consenting, as the club records no consents and the policy says so."""
    return basis.policy.consent.assume == "audience" and "consents" not in basis.club.recorded


def why_not_consented(row: ir.Table, basis: Basis) -> ir.StringValue:
    return ibis.cases(
        (row.in_doubt.notnull(), "Something you told us about consent could not be read, so we do not write to you."),
        (_since(row.unsubscribed_at, row.granted_at), sentence("You unsubscribed on ", _on(row.unsubscribed_at, basis), ".")),
        (_since(row.withdrawn_at, row.granted_at), sentence("You withdrew your consent to marketing ", by_channel(row.channel), " on ", _on(row.withdrawn_at, basis), ".")),
        (row.granted_at.isnull() & (not _assumed(basis)), sentence("You have not consented to marketing ", by_channel(row.channel), ".")),
        else_="You have not consented to offers chosen by your purchases.",
    )  # fmt: skip


def consent_wanted(row: ir.Table, basis: Basis) -> ir.StringValue:
    missing = row.granted_at.isnull() if not _assumed(basis) else ibis.literal(False)
    return ibis.cases(
        (row.in_doubt.notnull(), "what the member said of consent can be read"),
        (
            _since(row.withdrawn_at, row.granted_at) | missing,
            sentence("the member consents to marketing by ", row.channel),
        ),
        else_="the member consents to profiling",
    )


def old_enough(row: ir.Table, basis: Basis) -> ir.NumericValue:
    """Years above the least age at the youngest the member may be: only the year of birth is known."""
    today = basis.night.business_date
    had_birthday = (today.month, today.day) == (12, 31)
    born = row.born_latest
    if basis.policy.consent.unknown_age == "may_be_younger":
        born = born.fill_null(today.year)
    youngest = today.year - born - (0 if had_birthday else 1)
    return (youngest - basis.policy.consent.min_age).cast("float64")


def when_old_enough(row: ir.Table, basis: Basis) -> ir.DateValue:
    return ibis.date(row.born_latest.cast("int32") + basis.policy.consent.min_age, 12, 31)


def channel_wanted(row: ir.Table, basis: Basis) -> ir.NumericValue:
    return yes_or_no(~_since(row.refused_at, row.wanted_at))


def consents_fresh(row: ir.Table, basis: Basis) -> ir.NumericValue:
    """Hours left before the consents are too old to trust; the same for everybody."""
    age = (basis.night.as_of - basis.consents_until).total_seconds() / 3600
    return ibis.literal(basis.policy.consent.stale_after_hours - age, "float64")


RULES_OF_CONSENT = (
    Rule(
        Reason.ERASED, EVERY_CLASS, (ERASURE,), not_erased, "yes or no",
        detail=lambda row, basis: ibis.literal("You asked to be erased from our records."),
    ),
    Rule(
        Reason.OBJECTED, ALL_BUT_SERVICE, (CONSENT,), not_objected, "yes or no",
        detail=lambda row, basis: sentence("You objected to marketing on ", _on(row.objected_at, basis), "."),
        would_pass_if=lambda row, basis: ibis.literal("the member consents to marketing again"),
    ),
    Rule(
        Reason.COMPLAINED, ALL_BUT_SERVICE, (CONSENT,), not_complained, "yes or no",
        detail=lambda row, basis: sentence("You reported a message of ours as unwanted on ", _on(row.complained_at, basis), "."),
        would_pass_if=lambda row, basis: ibis.literal("the member consents to marketing again"),
    ),
    Rule(
        Reason.NO_CONSENT, ALL_BUT_SERVICE, (CONSENT, DOUBT, PROFILING), consented, "yes or no",
        detail=why_not_consented,
        would_pass_if=consent_wanted,
    ),
    Rule(
        Reason.UNDERAGE, ALL_BUT_SERVICE, (AGE,), old_enough, "years",
        detail=lambda row, basis: ibis.literal(f"You are, or may be, younger than {basis.policy.consent.min_age}."),
        would_pass_if=lambda row, basis: ibis.literal(f"the member is surely {basis.policy.consent.min_age} or older"),
        until=when_old_enough,
    ),
    Rule(
        Reason.CHANNEL_OPT_OUT, EVERY_CLASS, (PREFERENCES,), channel_wanted, "yes or no",
        detail=lambda row, basis: sentence("You said on ", _on(row.refused_at, basis), " that you do not want messages ", by_channel(row.channel), "."),
        would_pass_if=lambda row, basis: sentence("the member wants messages by ", row.channel),
    ),
    Rule(
        Reason.CONSENT_STALE, ALL_BUT_SERVICE, (), consents_fresh, "hours",
        detail=lambda row, basis: ibis.literal("The consents we hold are too old to trust, so we write to nobody."),
        would_pass_if=lambda row, basis: ibis.literal(f"the consents are no older than {basis.policy.consent.stale_after_hours} hours"),
    ),
)  # fmt: skip
