"""Features from what members have said of themselves: that they said anything, how long ago, and the facts that are
amounts. They weigh little by design; hard limits from declared facts are rules, not features.
"""

import ibis
import ibis.expr.types as ir

from ml.club import Club
from ml.history import moments_of, seen_from

AMOUNTS = ("household_size", "children")  # facts read as the first number in the value ("5+" is 5, none is missing)


def declared_features(club: Club, asks: ir.Table) -> ir.Table:
    """One row a (as_of, member_id): facts_known (0 when none), days_since_fact, and each of `AMOUNTS`, null if not said."""
    moments = moments_of(asks)
    seen = seen_from(moments, club.declared_facts, "declared_at")
    number = seen["value"].re_extract(r"(\d+)", 1).nullif("").cast("float64")
    amounts = {f: number.argmax(seen.declared_at, where=seen.fact == f) for f in AMOUNTS}
    facts = seen.group_by("as_of", "member_id").aggregate(
        facts_known=seen.fact.nunique().cast("float64"), days_since_fact=seen.days_ago.min(), **amounts
    )
    joined = moments.left_join(facts, ["as_of", "member_id"]).drop("as_of_right", "member_id_right")
    return joined.mutate(facts_known=ibis.coalesce(joined.facts_known, 0.0))
