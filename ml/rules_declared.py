"""Reasons that members themselves gave: "not for me", and facts that say it is not meant for them. How declared facts are
read and how long they count is in declared.py.
"""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from ml.basis import Basis
from ml.club import Club
from ml.days import days_after, local_day
from ml.declared import MISMATCH
from ml.policy import Policy
from ml.reasons import Reason
from ml.rule import ALL_BUT_SERVICE, EVERY_CLASS, Facts, Rule, yes_or_no
from ml.source_tables import FEEDBACK_SCOPES
from ml.thing_names import thing_of
from ml.wording import UNNAMED, day_in_words, fact_in_words, is_sensitive, readable, sentence

USUAL_DAYS = 3650  # how long a "not for me" stands where the policy does not say


def standing_refusals(basis: Basis) -> ir.Table:
    """(member_id, scope, thing, said_at, stands_until): every "not for me" that stands: the policy's days of its scope
    have not passed, and no "more like this" of the same thing came after it."""
    said = basis.club.feedback.mutate(thing=lambda word: thing_of(word.scope, word.scope_id))
    at = said.recorded_at
    last = said.group_by("member_id", "scope", "thing").aggregate(
        said_at=at.max(where=said.verdict == "not_for_me"), lifted_at=at.max(where=said.verdict == "more_like_this")
    )
    days = {str(scope): lifetime for scope, lifetime in basis.policy.not_for_me.days.items()}
    lifetimes = ((last.scope == scope, days.get(scope, USUAL_DAYS)) for scope in FEEDBACK_SCOPES)
    until = days_after(local_day(last.said_at, basis.night), ibis.cases(*lifetimes, else_=USUAL_DAYS))
    last = last.mutate(stands_until=until)
    lifted = (last.lifted_at > last.said_at).fill_null(False)
    return last.filter(last.said_at.notnull() & ~lifted & (last.stands_until > basis.night.business_date)).drop(
        "lifted_at"
    )


def offer_scopes(club: Club, offers: ir.Table, sensitive: Sequence[str]) -> ir.Table:
    """(offer_id, scope, thing, scope_id, scope_name, part): everything one could say "not for me" of that touches an offer, and
    the part of the offer's products that it covers; thing is the scope_id as it is compared."""
    products = club.products
    of = club.offer_products.semi_join(offers, "offer_id").inner_join(products, "product_id")
    in_all = of.group_by("offer_id").aggregate(products=of.product_id.nunique())
    whole = offers.select(
        "offer_id", scope=ibis.literal("offer"), thing=offers.offer_id.strip(), scope_id="offer_id", scope_name=ibis.literal("this offer"), part=ibis.literal(1.0)
    )  # fmt: skip
    parts = []
    for scope in FEEDBACK_SCOPES[1:]:
        value = of.product_id if scope == "product" else of[scope]
        named = ibis.literal("this product") if scope == "product" else value if scope == "brand" else readable(value)
        thing = thing_of(ibis.literal(scope), value)
        rows = of.mutate(thing=thing, scope_id=value, scope_name=_sayable(named, of, sensitive)).filter(value.notnull())
        sizes = rows.group_by("offer_id", "thing").aggregate(
            scope_id=rows.scope_id.min(), scope_name=rows.scope_name.min(), covered=rows.product_id.nunique()
        )
        joined = sizes.inner_join(in_all, "offer_id")
        parts.append(joined.mutate(scope=ibis.literal(scope), part=joined.covered / joined.products))
    columns = ("offer_id", "scope", "thing", "scope_id", "scope_name", "part")
    return ibis.union(*(table.select(*columns) for table in (whole, *parts)))


def scopes_that_stop(club: Club, policy: Policy) -> ir.Table:
    """(offer_id, scope, scope_id, lasts): what one "not for me" would have to name to stop an offer by itself, and for how
    long, as "365 days"."""
    covered = offer_scopes(club, club.offers, policy.sensitive.categories)
    least = covered.filter(covered.part >= policy.not_for_me.least_share)
    given = {str(scope): lifetime for scope, lifetime in policy.not_for_me.days.items()}
    days = [(scope, f"{given.get(scope, USUAL_DAYS)} days") for scope in FEEDBACK_SCOPES]
    return least.select("offer_id", "scope", "scope_id", lasts=least.scope.cases(*days))


def _sayable(name: ir.StringValue, of: ir.Table, sensitive: Sequence[str]) -> ir.StringValue:
    groups = [of.department, of.category, of.subcategory, of.brand]
    return is_sensitive(groups, sensitive).ifelse(UNNAMED, name)


def refusal_facts(basis: Basis) -> ir.Table:
    """(member_id, offer_id): the part of the offer's products that the member said no to (refused_part; parts that overlap
    count twice, as in doubt nothing is sent), the widest such thing by name with when it was said, all of them by name
    (refused_names), and until when the last of them stands."""
    met = standing_refusals(basis).inner_join(
        offer_scopes(basis.club, basis.offers, basis.policy.sensitive.categories), ["scope", "thing"]
    )
    widest = ibis.struct({"part": met.part, "name": met.scope_name, "at": met.said_at})
    return met.group_by("member_id", "offer_id").aggregate(
        refused_part=met.part.sum(),
        refused_name=met.scope_name.argmax(widest),
        refusal_at=met.said_at.argmax(widest),
        refused_names=met.scope_name.collect().unique().sort().join(" and "),
        refused_until=met.stands_until.max(),
    )


REFUSALS = Facts(("member_id", "offer_id"), refusal_facts)


def not_refused(row: ir.Table, basis: Basis) -> ir.NumericValue:
    """Part of the offer by which the member's "not for me" falls short of stopping it (below 0 or at it: stopped)."""
    least = basis.policy.not_for_me.least_share
    stopped = row.refused_part >= least
    return stopped.ifelse(-(row.refused_part - least + 0.001), least - row.refused_part)


def declared_to_fit(row: ir.Table, basis: Basis) -> ir.NumericValue:
    return yes_or_no(row.mismatch_fact.isnull())


def when_declared(row: ir.Table, basis: Basis) -> ir.StringValue:
    return day_in_words(local_day(row.mismatch_at, basis.night), basis.night)


def what_declared(row: ir.Table, basis: Basis) -> ir.StringValue:
    return fact_in_words(row.mismatch_fact, row.mismatch_value, basis.policy.sensitive.categories)


def declared_evidence(row: ir.Table, basis: Basis) -> dict[str, ir.Value]:
    return {"declared": what_declared(row, basis), "declared_on": local_day(row.mismatch_at, basis.night)}


def refusal_evidence(row: ir.Table, basis: Basis) -> dict[str, ir.Value]:
    return {"not_for_me": row.refused_name, "said_on": local_day(row.refusal_at, basis.night)}


RULES_OF_DECLARATIONS = (
    Rule(
        Reason.NOT_FOR_ME, ALL_BUT_SERVICE, (REFUSALS,), not_refused, "part of the offer",
        detail=lambda row, basis: sentence("On ", day_in_words(local_day(row.refusal_at, basis.night), basis.night), ' you said "not for me" to ', row.refused_name, "."),
        would_pass_if=lambda row, basis: sentence("the member asks for more like ", row.refused_names),
        until=lambda row, basis: row.refused_until,
        evidence=refusal_evidence,
    ),
    Rule(
        Reason.DECLARED_MISMATCH, EVERY_CLASS, (MISMATCH,), declared_to_fit, "yes or no",
        detail=lambda row, basis: sentence("On ", when_declared(row, basis), " you told us: ", what_declared(row, basis), ". This is meant for others."),
        would_pass_if=lambda row, basis: sentence("the member declares otherwise (", row.mismatch_fact.replace("_", " "), ")"),
        until=lambda row, basis: days_after(local_day(row.mismatch_at, basis.night), row.mismatch_days),
        evidence=declared_evidence,
    ),
)  # fmt: skip
