"""Whom campaigns are planned for. A campaign that names nobody is for every member; one that named members of whom none can be used (their
ids are unknown, they have been erased) is for nobody, and has a row that says so.
"""

import ibis
import ibis.expr.types as ir

NOBODY = "(nobody)"  # no member's id: stands for whoever a campaign named and nobody can be written to any more


def or_nobody(good: ir.Table, named: ir.Table) -> ir.Table:
    """The good rows, with campaign_id and member_id as text and maybe more, and one for `NOBODY` of each campaign in `named`
    (campaign_id) of which there is none."""
    left = good.select("campaign_id").distinct()
    lost = named.filter(named.campaign_id.notnull()).distinct().anti_join(left, "campaign_id")
    told = {"campaign_id": lost.campaign_id, "member_id": ibis.literal(NOBODY)}
    types = good.schema()
    return good.union(lost.select(**{name: told.get(name, ibis.null(types[name])).cast(types[name]) for name in types}))
