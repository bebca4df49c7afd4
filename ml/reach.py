"""How wide tonight's campaigns reach: a campaign that would go to nearly everybody is more often a mistake than a plan."""

import ibis.expr.types as ir

from ml.club import Club
from ml.policy import Policy


def wide_campaigns(decisions: ir.Table, club: Club, policy: Policy) -> ir.Table:
    """(campaign_id, to_send, share): campaigns that would reach more than the policy's share of the club's members; service
    may reach all. A warning for the marketer, not a refusal."""
    service = club.campaigns.filter(club.campaigns.message_class == "service")
    sent = decisions.filter(decisions.verdict == "send").anti_join(service, "campaign_id")
    reached = sent.group_by("campaign_id").aggregate(to_send=sent.member_id.nunique())
    joined = reached.cross_join(club.members.aggregate(members=club.members.count()))
    shares = joined.select("campaign_id", "to_send", share=joined.to_send / joined.members)
    return shares.filter(shares.share > policy.reach.warn_share)
