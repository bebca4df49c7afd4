"""Declared facts that have grown too old to be used, and are worth asking about again."""

import ibis
import ibis.expr.types as ir

from ml.club import Club
from ml.days import days_after, local_day
from ml.declared import days_believed
from ml.night import Night
from ml.policy import Policy
from ml.published_tables import REASK_LIST
from ml.wording import sentence


def reask_list(club: Club, night: Night, policy: Policy) -> ir.Table:
    """`REASK_LIST`: the last word of each member on each fact, where it has expired by the night.

    The priority is the number of running offers whose audience rule asks for the fact: what the answer would change.
    """
    facts = club.declared_facts
    last = ibis.row_number().over(group_by=["member_id", "fact"], order_by=[ibis.desc("declared_at"), "value"])
    said = facts.mutate(nth=last).filter(lambda row: row.nth == 0)
    said = said.mutate(expired_on=days_after(local_day(said.declared_at, night), days_believed(said.fact, policy)))
    old = said.filter(said.expired_on <= night.business_date)
    joined = old.left_join(_offers_asking(club, night), "fact")
    listed = joined.select(
        "member_id",
        "fact",
        "declared_at",
        "expired_on",
        last_value=joined.value,
        question=sentence("Is your ", joined.fact.replace("_", " "), " still ", joined.value, "?"),
        priority=joined.offers.fill_null(0).cast("float64"),
    )
    return listed.select(*REASK_LIST.names).cast(REASK_LIST.schema)


def _offers_asking(club: Club, night: Night) -> ir.Table:
    """(fact, offers): how many offers of running campaigns have an audience rule that names each declared fact."""
    running = club.campaigns.filter(club.campaigns.ends_on >= night.business_date)
    ruled = club.offers.semi_join(running, "campaign_id").filter(lambda offer: offer.audience_rule.notnull())
    met = club.declared_facts.select("fact").distinct().cross_join(ruled.select("offer_id", "audience_rule"))
    asking = met.filter(met.audience_rule.try_cast("json")[met.fact].cast("string").notnull())
    return asking.group_by("fact").aggregate(offers=asking.count())
