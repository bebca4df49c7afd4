"""What one night's decision rests on, handed as one thing to every rule."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import ibis.expr.types as ir

from ml.club import Club
from ml.night import Night
from ml.policy import Policy

Explain = Callable[[ir.Table], ir.Table]


@dataclass(frozen=True)
class Wide:
    """What of the club as a whole a member is compared with: see club_wide.py.

    reach      (offer_id, reach)
    intervals  (group, interval_days, cycle_days)
    tiers      (product_id, group, tier)
    profiling  (records) one row: does the club record consents to profiling
    """

    reach: ir.Table
    intervals: ir.Table
    tiers: ir.Table
    profiling: ir.Table


@dataclass(frozen=True)
class Basis:
    """club            what the night may know (`ml.club.visible`)
    offers          tonight's offers: offer_id, campaign_id, message_class, ends_on, kind, title, discount_share,
                    price_tier, margin, audience_rule, redeemable_in
    threshold       least mailing relevance, from the past; None when no model was used
    doubts          (member_id) members of whom a row on consent or preferences could not be read
    erased          (member_id) members who asked to be erased
    consents_until  instant up to which the consents are known to be complete, UTC
    uplift          `ml.uplift.UPLIFT`, what a discount adds to what members would buy anyway; None = not known
    explain         what moved the scores of the pairs sent: (campaign_id, member_id, offer_id) -> these with contributions and
                    speaks_for; None = what the scores say
    wide            facts of the whole club, where `club` is one shard of it; None = they are read off the club itself
    """

    club: Club
    night: Night
    policy: Policy
    offers: ir.Table
    threshold: float | None
    doubts: ir.Table
    erased: ir.Table
    consents_until: datetime
    uplift: ir.Table | None = None
    wide: Wide | None = None
    explain: Explain | None = None
