"""How wide tonight's campaigns reach, and whom they reach that they did not last night: a campaign that would go to nearly
everybody, or a night unlike the last, is more often a mistake than a plan. Both are for people to look at; nothing that
decides reads them.
"""

import ibis
import ibis.expr.types as ir

from ml.club import Club
from ml.policy import Policy

NEWLY_STOPPED, NEWLY_REACHED = "newly stopped", "newly reached"


def wide_campaigns(decisions: ir.Table, club: Club, policy: Policy) -> ir.Table:
    """(campaign_id, to_send, share): campaigns that would reach more than the policy's share of the club's members; service
    may reach all. A warning for the marketer, not a refusal."""
    service = club.campaigns.filter(club.campaigns.message_class == "service")
    sent = decisions.filter(decisions.verdict == "send").anti_join(service, "campaign_id")
    reached = sent.group_by("campaign_id").aggregate(to_send=sent.member_id.nunique())
    joined = reached.cross_join(club.members.aggregate(members=club.members.count()))
    shares = joined.select("campaign_id", "to_send", share=joined.to_send / joined.members)
    return shares.filter(shares.share > policy.reach.warn_share)


def changes(offers: ir.Table, stopped: ir.Table, offers_then: ir.Table, stopped_then: ir.Table) -> ir.Table:
    """(campaign_id, member_id, change, reason) of the members of a campaign's audience on both nights whose verdict changed:
    newly stopped, with tonight's reason; newly reached, with the reason that held last night.

    offers, stopped            OFFERS_TO_SEND and SUPPRESSIONS of tonight
    offers_then, stopped_then  the same of the night before
    """
    ask = ["campaign_id", "member_id"]
    newly_stopped = stopped.semi_join(offers_then, ask).mutate(change=ibis.literal(NEWLY_STOPPED))
    newly_reached = stopped_then.semi_join(offers, ask).mutate(change=ibis.literal(NEWLY_REACHED))
    return ibis.union(*(rows.select(*ask, "change", "reason") for rows in (newly_stopped, newly_reached)))
