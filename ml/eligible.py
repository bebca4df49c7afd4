"""Who is worth a prediction: of a member to whom law or the member's own word leaves no channel of a campaign, the decision is made
before any relevance is known. Asked of the very rules that the ledger names as the reason (rules_consent.py), so the two cannot differ.
"""

import ibis
import ibis.expr.types as ir

from ml.basis import Basis, Wide
from ml.club import Club
from ml.night import Night
from ml.pairs import attach
from ml.policy import Policy
from ml.reasons import Reason
from ml.rules import margins, with_facts
from ml.rules_consent import RULES_OF_CONSENT

# Consents that are too old stop everybody for a night, and what was said of the members is wanted for the nights after it.
_ASKED = tuple(rule for rule in RULES_OF_CONSENT if rule.code != Reason.CONSENT_STALE)


def may_be_written_to(
    club: Club,
    night: Night,
    policy: Policy,
    asks: ir.Table,
    doubts: ir.Table | None = None,
    profiling: ir.Table | None = None,
) -> ir.Table:
    """(campaign_id, member_id): the asks that at least one channel of the campaign is left for.

    asks       (campaign_id, member_id), no row twice
    doubts     (member_id) members of whom a row on consent or preferences was quarantined
    profiling  (records) `consent.records_profiling` of the whole club, where `club` is one shard of it
    """
    nobody = club.members.select("member_id").limit(0)
    basis = Basis(
        club=club,
        night=night,
        policy=policy,
        offers=club.offers.limit(0),
        threshold=None,
        doubts=nobody if doubts is None else doubts,
        erased=nobody,
        consents_until=night.as_of,
        # Of the club as a whole these rules ask nothing else.
        wide=None if profiling is None else Wide(nobody, nobody, nobody, profiling),
    )
    campaigns = club.campaigns.select("campaign_id", "message_class", "channels")
    ways = attach(asks.select("campaign_id", "member_id"), campaigns, "campaign_id")
    ways = ways.mutate(channel=ways.channels.unique().unnest()).drop("channels")
    rows = with_facts(ways, basis, _ASKED)
    stops = [(margin < 0).fill_null(False) for margin in margins(rows, basis, _ASKED).values()]
    left = rows.filter(~ibis.or_(*stops))
    return left.select("campaign_id", "member_id").distinct()
