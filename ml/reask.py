"""Declared facts worth asking about again: those grown too old to be used, and those that purchases contradict. A
contradiction is listed and changes nothing else: a declaration is never overridden by an inference.
"""

import ibis
import ibis.expr.types as ir

from ml.basis import Basis
from ml.club import Club
from ml.days import days_after, local_day
from ml.declared import allowed_values, days_believed, mismatch_facts
from ml.night import Night
from ml.pairs import offers_of
from ml.policy import Policy
from ml.published_tables import REASK_LIST
from ml.shopping import since
from ml.thing_names import plain
from ml.wording import day_in_words, fact_in_words, sentence

OFTEN_WITHIN = 91  # days in which purchases must repeat to contradict a declaration


def reask_list(club: Club, night: Night, policy: Policy) -> ir.Table:
    """`REASK_LIST`: the last word of each member on each fact, where it has expired by the night or is contradicted.

    The priority is the number of running offers whose audience rule asks for the fact: what the answer would change.
    The question names the fact and not the purchases.
    """
    facts = club.declared_facts.mutate(fact=lambda said: plain(said.fact))
    last = ibis.row_number().over(group_by=["member_id", "fact"], order_by=[ibis.desc("declared_at"), "value"])
    said = facts.mutate(nth=last).filter(lambda row: row.nth == 0)
    said = said.mutate(expired_on=days_after(local_day(said.declared_at, night), days_believed(said.fact, policy)))
    joined = said.left_join(contradicted(club, night, policy), ["member_id", "fact"], rname="{name}_again")
    joined = joined.filter((joined.expired_on <= night.business_date) | joined.bought_often.notnull())
    joined = joined.left_join(_offers_asking(club, night), "fact", rname="{name}_asked")
    when = day_in_words(local_day(joined.declared_at, night), night)
    said_so = fact_in_words(joined.fact, joined.value, policy.sensitive.categories)
    listed = joined.select(
        "member_id",
        "fact",
        "declared_at",
        "expired_on",
        last_value=joined.value,
        question=sentence("On ", when, " you told us: ", said_so, ". Is that still so?"),
        priority=joined.offers.fill_null(0).cast("float64"),
    )  # fmt: skip
    return listed.select(*REASK_LIST.names).cast(REASK_LIST.schema)


def contradicted(club: Club, night: Night, policy: Policy) -> ir.Table:
    """(member_id, fact, bought_often): fresh declared facts by which an offer is not meant for the member, who yet bought of
    the offer's categories on the policy's number of days within 91 (bought_often)."""
    nobody = club.members.select("member_id").limit(0)
    basis = Basis(club, night, policy, offers_of(club, club.offers), None, nobody, nobody, night.as_of)
    category_of = club.products.select("product_id", "category")
    lines = since(club.transactions, "occurred_at", OFTEN_WITHIN, basis)
    bought = lines.filter(lines.quantity > 0).inner_join(category_of, "product_id")
    days = bought.group_by("member_id", "category").aggregate(days=local_day(bought.occurred_at, night).nunique())
    often = days.filter(days.days >= policy.declared.contradicting_days)
    for_what = club.offer_products.inner_join(category_of, "product_id").select("offer_id", "category").distinct()
    wrong = mismatch_facts(basis).select("member_id", "offer_id", fact="mismatch_fact")
    met = wrong.inner_join(for_what, "offer_id").inner_join(often, ["member_id", "category"])
    return met.group_by("member_id", "fact").aggregate(bought_often=met.days.max())


def _offers_asking(club: Club, night: Night) -> ir.Table:
    """(fact, offers): how many offers of running campaigns have an audience rule that names each declared fact."""
    running = club.campaigns.filter(club.campaigns.ends_on >= night.business_date)
    ruled = club.offers.semi_join(running, "campaign_id").filter(lambda offer: offer.audience_rule.notnull())
    met = (
        club.declared_facts.select(fact=plain(club.declared_facts.fact))
        .distinct()
        .cross_join(ruled.select("offer_id", "audience_rule"))
    )
    asking = met.filter(allowed_values(met.audience_rule, met.fact).notnull())
    return asking.group_by("fact").aggregate(offers=asking.count())
