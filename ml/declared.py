"""What members have said of themselves and still counts. A declaration is never overridden by an inference; grown old, it
weighs nothing and is asked about again (reask.py).
"""

import ibis
import ibis.expr.types as ir

from ml.basis import Basis
from ml.club import Club
from ml.days import days_after, local_day
from ml.policy import Policy
from ml.rule import Facts
from ml.thing_names import plain

ANY = "any"  # in an audience rule: every declared value of the fact fits
# Blanks about the quotes of JSON texts, which within a text stand behind a backslash.
_BLANKS = (
    (r'\{\s*"\s*', '{"'), (r'\[\s*"\s*', '["'), (r',\s*"\s*', ',"'), (r':\s*"\s*', ':"'),
    (r'\s*"\s*:', '":'), (r'\s*"\s*,', '",'), (r'\s*"\s*\]', '"]'), (r'\s*"\s*\}', '"}'),
)  # fmt: skip


def latest(club: Club, policy: Policy) -> ir.Table:
    """The last word of each member on each fact, with days_believed: member_id, fact, value, declared_at, source. Of facts
    that may be declared several times over (policy declared.several) the last word on each value."""
    facts = club.declared_facts.mutate(fact=lambda said: plain(said.fact))
    several = facts.fact.isin([name.strip().lower() for name in policy.declared.several])
    kind = several.ifelse(plain(facts.value), "")
    last = ibis.row_number().over(group_by=["member_id", "fact", kind], order_by=[ibis.desc("declared_at"), "value"])
    ranked = facts.mutate(place=last)
    return ranked.filter(ranked.place == 0).drop("place").mutate(days_believed=days_believed(facts.fact, policy))


def days_believed(fact: ir.StringValue, policy: Policy) -> ir.IntegerValue:
    cases = [
        (plain(fact) == name.strip().lower(), ibis.literal(days, "int64"))
        for name, days in policy.declared.days.items()
    ]
    default = ibis.literal(policy.declared.default_days, "int64")
    return ibis.cases(*cases, else_=default) if cases else default


def believed(basis: Basis) -> ir.Table:
    """`latest`, less what has grown too old to count on the night: it counts for days_believed days."""
    said = latest(basis.club, basis.policy)
    until = days_after(local_day(said.declared_at, basis.night), said.days_believed)
    return said.filter(until > basis.night.business_date)


def ruled_facts(said: ir.Table, basis: Basis) -> ir.Table:
    """(fact, offer_id, allowed): the facts, of those declared at all, that tonight's offers have a rule for, with the allowed
    values as JSON text in lower case."""
    ruled = basis.offers.filter(basis.offers.audience_rule.notnull()).select("offer_id", "audience_rule")
    met = said.select("fact").distinct().cross_join(ruled)
    met = met.select("fact", "offer_id", allowed=allowed_values(met.audience_rule, met.fact))
    return met.filter(met.allowed.notnull())


def allowed_values(audience_rule: ir.StringValue, fact: ir.StringValue) -> ir.StringValue:
    """What an audience rule allows of a fact, as JSON text; null where it does not name the fact. Texts are in lower case and
    without blanks around them, as facts and values are compared."""
    text = audience_rule.lower()
    for around, bare in _BLANKS:
        text = text.re_replace(around, bare)
    return text.try_cast("json")[plain(fact)].cast("string")


def compared_facts(basis: Basis) -> ir.Table:
    """(member_id, offer_id, fact, fits, value, declared_at, days_believed): the facts of the offer's audience rule of which the
    member's word still counts, with whether it fits the offer ("any" fits whatever was declared), and the newest value that says so. Days (facts named ..._date)
    name the occasion of a reminder and are not compared."""
    said = believed(basis)
    said = said.filter(~said.fact.endswith("_date"))
    met = said.inner_join(ruled_facts(said, basis), "fact")
    value = plain(met.value)
    anything = met.allowed.contains(f'"{ANY}"')
    bare = "," + met.allowed.re_replace(r"[\[\]\s]", "") + ","  # numbers and truth values stand without quotes
    fits = met.allowed.contains('"' + value + '"') | bare.contains("," + value + ",") | anything
    newest = ibis.struct({"fits": fits, "at": met.declared_at, "value": met.value})
    return met.group_by("member_id", "offer_id", "fact").aggregate(
        fits=fits.any(),
        value=met.value.argmax(newest),
        declared_at=met.declared_at.argmax(newest),
        days_believed=met.days_believed.max(),
    )


def mismatch_facts(basis: Basis) -> ir.Table:
    """(member_id, offer_id, mismatch_fact, mismatch_value, mismatch_at, mismatch_days): a fact of the offer's audience rule
    for which the member has declared something else, of several the first by name."""
    judged = compared_facts(basis)
    wrong = judged.filter(~judged.fits)
    return wrong.group_by("member_id", "offer_id").aggregate(
        mismatch_fact=wrong.fact.min(),
        mismatch_value=wrong.value.argmin(wrong.fact),
        mismatch_at=wrong.declared_at.argmin(wrong.fact),
        mismatch_days=wrong.days_believed.argmin(wrong.fact),
    )


def match_facts(sent: ir.Table, basis: Basis) -> ir.Table:
    """(member_id, offer_id, told_fact, told_value, told_at): of the pairs sent, a declared fact that the offer is meant for, of
    several the first by name."""
    fitting = compared_facts(basis).filter(lambda fact: fact.fits).semi_join(sent, ["member_id", "offer_id"])
    return fitting.group_by("member_id", "offer_id").aggregate(
        told_fact=fitting.fact.min(),
        told_value=fitting.value.argmin(fitting.fact),
        told_at=fitting.declared_at.argmin(fitting.fact),
    )


MISMATCH = Facts(("member_id", "offer_id"), mismatch_facts)
