"""What one night's decision rests on, handed as one thing to every rule."""

from dataclasses import dataclass
from datetime import datetime

import ibis.expr.types as ir

from ml.club import Club
from ml.night import Night
from ml.policy import Policy


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
