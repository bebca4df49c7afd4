"""When a reminder falls due: of a thing bought at an interval (tyres, insurance), or of a day that comes every year (an
anniversary). A reminder is sent within the policy's window around the due date, and once, as no offer is sent twice.
"""

import ibis
import ibis.expr.types as ir

from ml.basis import Basis
from ml.days import days_after, days_between, tonight
from ml.declared import believed, ruled_facts
from ml.rule import Facts
from ml.shopping import needs, offer_groups
from ml.wording import day_in_words, readable, sentence


def reminder_facts(basis: Basis) -> ir.Table:
    """(member_id, offer_id, reminder_margin, reminder_from, reminder_detail) of every reminder and member with a due date.

    The margin is in days: 0 or more inside the window, below 0 outside it.
    """
    falling = ibis.union(_needed(basis), _anniversaries(basis))
    order = ibis.struct({"day": falling.due_on, "why": falling.why})
    first = falling.group_by("member_id", "offer_id").aggregate(
        due_on=falling.due_on.min(), why=falling.why.argmin(order), late_days=falling.late_days.argmin(order)
    )
    ask = basis.policy.purchases
    today = tonight(basis.night)
    opens = days_after(first.due_on, -ask.reminder_lead_days)
    closes = days_after(first.due_on, first.late_days)
    margin = ibis.least(days_between(opens, today), days_between(today, closes))
    return first.select(
        "member_id",
        "offer_id",
        reminder_margin=margin.cast("float64"),
        reminder_from=(opens > today).ifelse(opens, ibis.null("date")),
        reminder_detail=sentence(first.why, day_in_words(first.due_on, basis.night), "."),
    )


def _needed(basis: Basis) -> ir.Table:
    """Things bought, due at the member's own cycle, else at that of others (of what nobody bought twice, at the policy's)."""
    had = needs(basis)
    reminders = basis.offers.filter(basis.offers.kind == "reminder").select("offer_id")
    met = had.inner_join(offer_groups(basis).semi_join(reminders, "offer_id"), "group")
    due_on, thing = days_after(met.last_on, met.cycle_days.round()), readable(met.group_name)
    past = due_on < tonight(basis.night)
    return met.select(
        "member_id",
        "offer_id",
        due_on=due_on,
        why=past.ifelse(
            sentence("You needed ", thing, " again, by what is usual, about "),
            sentence("You will need ", thing, " again about "),
        ),
        late_days=ibis.literal(basis.policy.purchases.reminder_late_days),
    )


def _anniversaries(basis: Basis) -> ir.Table:
    """Days that members declared (facts named ..._date) and a reminder's audience rule names: the next of them, tonight's included, as a day
    that is over is nothing to be reminded of. The 29th of February counts as the 28th."""
    said = believed(basis)
    days = said.filter(said.fact.endswith("_date")).mutate(day=said.value.try_cast("date"))
    days = days.filter(days.day.notnull())
    reminders = basis.offers.filter(basis.offers.kind == "reminder")
    met = days.inner_join(ruled_facts(days, basis).semi_join(reminders, "offer_id"), "fact")
    today = tonight(basis.night)
    day_of_month = ((met.day.month() == 2) & (met.day.day() == 29)).ifelse(28, met.day.day())
    this, following = (
        ibis.date(basis.night.business_date.year + ahead, met.day.month(), day_of_month) for ahead in (0, 1)
    )
    upcoming = (this >= today).ifelse(this, following)
    what = met.fact.replace("_date", "").replace("_", " ")
    return met.select(
        "member_id", "offer_id", due_on=upcoming, why=sentence("Your ", what, " day is on "), late_days=ibis.literal(0)
    )


def occasion_facts(basis: Basis) -> ir.Table:
    """(offer_id, has_occasion): reminders of a thing or a day; others (to renew the card) are due for everybody."""
    reminders = basis.offers.filter(basis.offers.kind == "reminder")
    of_things = reminders.semi_join(offer_groups(basis), "offer_id")
    of_days = reminders.filter(reminders.audience_rule.lower().re_search(r'_date\s*"'))
    occasions = ibis.union(of_things.select("offer_id"), of_days.select("offer_id"), distinct=True)
    return occasions.mutate(has_occasion=ibis.literal(True))


OCCASIONS = Facts(("offer_id",), occasion_facts)
REMINDERS = Facts(("member_id", "offer_id"), reminder_facts)
