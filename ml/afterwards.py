"""What happened after a night, for a source that knows it already: how many of those who were stopped answered anyway.
Only for looking back; nothing that decides may read this.
"""

import ibis
import ibis.expr.types as ir

from ml.night import Night


def afterwards(
    offered: ir.Table, suppressed: ir.Table, responses: ir.Table, night: Night, kinds: tuple[str, ...]
) -> ir.Table:
    """Members by campaign and reason, and how many of them answered from the business date on.

    offered     campaign_id, member_id (any number of rows a member)
    suppressed  campaign_id, member_id, reason
    responses   the source's responses, later ones included
    kinds       response kinds that count as an answer
    Returns campaign_id, reason (null = sent), members, answered.
    """
    sent = offered.select("campaign_id", "member_id").distinct().mutate(reason=ibis.null("string"))
    everyone = sent.union(suppressed.select("campaign_id", "member_id", "reason"))
    later = responses.filter(responses.kind.isin(kinds), responses.occurred_at >= ibis.literal(night.as_of))
    answered = later.select("campaign_id", "member_id").distinct().mutate(answered=ibis.literal(1))
    known = everyone.left_join(answered, ["campaign_id", "member_id"])
    return known.group_by("campaign_id", "reason").aggregate(
        members=known.count(), answered=known.answered.fill_null(0).sum()
    )
